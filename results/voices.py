"""Ears for anyone (lecture 10): trained on strangers and synthetic voices, tested on people they never heard.

Who is trained on, chosen by and tested on is fixed by the speakers' names (:func:`a2d.datasets.split_by_name`). FSDD is
in no training but those that leave one of its speakers out. Choices, the temperature and the threshold of refusal
among them, are made on validation speakers; the test speakers are heard once, by what was chosen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from a2d import audio, datasets, features, metrics
from a2d.ears import AudioMLP
from a2d.ears import augment as aug
from a2d.ears.augment import AugmentConfig
from a2d.ears.cnn import Ear, EarConfig, Heard
from a2d.errors import DataError
from a2d.evaluator import read
from a2d.lab import models, recipes, runs
from a2d.lab.kinds.classifier import ClassifierRecipe, ClassifierTask
from a2d.lab.kinds.ear import EarRecipe, EarTask, Sounds, other_sounds, sounds_of, split_for
from results import pool
from results.comparisons import slug

MAIN = "speechcommands"  # the corpus that is split; the others only help
VOICES, KOKORO = "build/voices", "build/kokoro"  # in the project's folder, as `make voices` makes them
PARTS = ("train", "val", "test")
SEEDS = (0,)
LEFT_OUT = "leave one speaker out"
# What is trained more than once: the ear that is shipped, and what goes on from it.
REPEATED, MORE_SEEDS = ("rows", LEFT_OUT), (1, 2)
DISTURBANCES = ("white noise", "babble", "hum", "room")
LEVEL_DB = 10.0


@cache
def corpus(name: str) -> datasets.SpokenDigits:
    """A corpus by name, indexed once."""
    if name in (VOICES, KOKORO) and not (Path(name) / "MANIFEST.json").is_file():
        hint = "Make them with `make voices` (an hour and a half on one core)"
        raise DataError("there are no synthetic voices", where=name, hint=hint)
    return datasets.load_spoken(name)


@cache
def part(name: str, which: str, config: EarConfig, held_out: tuple[str, ...] = ()) -> Sounds:
    """The recordings of a part of a corpus (``train``, ``val``, ``test``, or ``all``), as an ear hears them."""
    data = corpus(name)
    chosen = None if which == "all" else getattr(split_for(data, int(name != MAIN), held_out), which)
    return sounds_of(data, config, chosen)


@cache
def others(name: str, which: Literal["training", "test"], config: EarConfig) -> Sounds:
    """Words that are no digit: those for training, or those for testing."""
    return other_sounds(datasets.load_others(corpus(name), which), config)


def recipe() -> EarRecipe:
    """The recipe that is shipped."""
    return recipes.load_as(EarRecipe, "ear")


def training_set(names: tuple[str, ...], how: EarRecipe, held_out: tuple[str, ...] = ()) -> Sounds:
    """Recordings of the training speakers of some corpora; those of the first count ``mix.first`` times."""
    parts: list[Sounds] = []
    for number, name in enumerate(names):
        parts += [part(name, "train", how.model, held_out)] * (how.mix.first if number == 0 else 1)
        if datasets.load_others(corpus(name)):
            parts.append(others(name, "training", how.model))
    return Sounds.join(parts)


@dataclass(frozen=True)
class Cell:
    """One training: a name, what is trained how, on which corpora, and whom it may not hear.

    ``speakers``: at most so many of the first corpus, chosen at random. ``begin``: the name of a trained ear to go on
    from, with the same seed.
    """

    name: str
    how: EarRecipe
    names: tuple[str, ...]
    held_out: tuple[str, ...] = ()
    speakers: int = 0
    begin: str = ""


def path_of(work: Path, name: str, seed: int) -> Path:
    """Where an ear lies; those of the shipped recipe are whole runs, with a card."""
    if name == SHIPPED:
        return work / "ears" / f"{slug(name)}-{seed}"
    return work / "ears" / f"{slug(name)}-{seed}.safetensors"


def few(names: tuple[str, ...], how: EarRecipe, speakers: int, seed: int) -> Sounds:
    """As many items as all speakers of the first corpus have, of some of them only, so that the training is as long."""
    data, sounds = corpus(names[0]), part(names[0], "train", how.model)
    who = data.speakers[split_for(data, 0).train]
    rng = np.random.default_rng(seed)
    chosen = rng.choice(np.unique(who), min(speakers, len(np.unique(who))), replace=False)
    mine = np.flatnonzero(np.isin(who, chosen))
    items = torch.from_numpy(np.resize(mine, len(sounds)))
    return Sounds(sounds.samples[items], sounds.labels[items])


def train(work: Path, cell: Cell, seed: int) -> Ear:
    """An ear, trained unless it is there, and calibrated on validation strangers."""
    out = path_of(work, cell.name, seed)
    if cell.name == SHIPPED:
        if not (out / models.MODEL_FILE).is_file():
            runs.train("ear", "+".join(cell.names), out, seed=seed, resume=True, progress=False)
        return models.load(out, "ear").net
    how = replace(cell.how, name=cell.name)

    def task() -> EarTask:
        sounds = few(cell.names, how, cell.speakers, seed) if cell.speakers else None
        sounds = sounds or training_set(cell.names, how, cell.held_out)
        made = EarTask(how, sounds, seed=seed)
        if cell.begin:
            made.model.load_state_dict(models.load(path_of(work, cell.begin, seed), "ear").net.state_dict())
        return made

    net: Ear = pool.trained(out, how, task, seed).net
    strangers = part(MAIN, "val", how.model)
    net.calibrate(strangers.floats(), strangers.labels)
    return net


def _train(job: tuple[Path, Cell, int]) -> None:
    train(*job)


SHIPPED = "log-mel"
MACHINES = (VOICES, KOKORO, "builtin")
EVERYBODY = (MAIN, *MACHINES)
LISTENER = "listener"  # who says which of Kokoro's words came out well: an ear that knows neither them nor people
# What one thing is worth is measured with a smaller network and a shorter training: many of them are needed.
SHORT_EPOCHS, SHORT_CHANNELS = 8, (16, 32, 64)
COUNTS = (5, 20, 50, 200, 700, 1600)
# After the training on everybody: some epochs more, with five of FSDD's six speakers.
MORE_EPOCHS = 2


def short() -> EarRecipe:
    """The recipe of the comparisons."""
    base = recipe()
    training = replace(base.training, epochs=SHORT_EPOCHS)
    model, mix = replace(base.model, channels=SHORT_CHANNELS), replace(base.mix, first=1)
    return replace(base, model=model, training=training, mix=mix)


def listener() -> Cell:
    """The ear that ``data/make_voices.py --weed`` asks. It has heard no person, so that "no human" below stays true."""
    return Cell(LISTENER, short(), (VOICES, "builtin"))


def cells() -> dict[str, dict[str, Cell]]:
    """All trainings, by the table that they are for."""
    base, less = recipe(), short()
    without = {
        "all": less.augment,
        "without speed": replace(less.augment, speed=0.0),
        "without cut": replace(less.augment, cut=0.0),
        "without room": replace(less.augment, room=0.0, equaliser=0.0),
        "without noise": replace(less.augment, noise=0.0, babble=0.0, hum=0.0),
        "without warp": replace(less.augment, warp=0.0),
        "without masks": replace(less.augment, time_mask=0.0, mel_mask=0),
        "without mixup": replace(less.augment, mixup=0.0),
        "none": AugmentConfig.nothing(),
    }
    scalogram = replace(less, model=replace(less.model, front="scalogram"))
    longer = replace(base, training=replace(base.training, epochs=MORE_EPOCHS, lr=base.training.lr / 5))
    speakers = corpus("fsdd").speaker_names
    more = (*EVERYBODY, "fsdd")
    return {
        "rows": {SHIPPED: Cell(SHIPPED, base, EVERYBODY)},
        "fronts": {"log-mel": Cell("both", less, EVERYBODY), "scalogram": Cell("scalogram", scalogram, EVERYBODY)},
        "augmentation": {k: Cell(k, replace(less, augment=v), (MAIN,)) for k, v in without.items()},
        "voices": {str(n): Cell(f"{n} voices", less, (MAIN,), speakers=n) for n in COUNTS},
        "sources": {
            "strangers": Cell("all", less, (MAIN,)),
            "synthetic voices": Cell("synthetic voices", less, MACHINES),
            "both": Cell("both", less, EVERYBODY),
        },
        "no human": {SHIPPED: Cell("no human", base, MACHINES)},
        LEFT_OUT: {s: Cell(f"without {s}", longer, more, (s,), begin=SHIPPED) for s in speakers},
    }


# --------------------------------------------------------------------------------------------------- what it can


def right(heard: Heard, sounds: Sounds) -> np.ndarray:
    """Which digits are named rightly, ``(n,)``."""
    return (heard.says.argmax(-1) == sounds.labels).numpy()


def disturbed(samples: Tensor, kind: str, rate: int, rng: torch.Generator) -> Tensor:
    """Recordings ``(b, n)`` with noise 10 dB below the word, or in a small room."""
    if kind == "room":
        return aug.change_place(samples, rate, rng, room=1.0, equaliser=0.0)
    if kind == "white noise":
        level = aug.word_level(samples, rate) * 10 ** (-LEVEL_DB / 20)
        return samples + level[:, None] * torch.randn(samples.shape, generator=rng)
    only = replace(AugmentConfig.nothing(), snr_low=LEVEL_DB, snr_high=LEVEL_DB, **{kind: 1.0})  # type: ignore[arg-type]
    return aug.add_noise(samples, only, rate, rng)


class Fused:
    """Two ears that listen together: the mean of the logarithms of their probabilities, made to sum to 1 (S1)."""

    def __init__(self, *ears: Ear):
        self.ears, self.config = ears, ears[0].config
        strangers = part(MAIN, "val", self.config)
        self.limit = torch.quantile(self.hear(strangers.floats()).nothing, 0.98)

    def hear(self, samples: Tensor) -> Heard:
        """What both make of recordings ``(b, n_samples)``."""
        each = [ear.hear(samples) for ear in self.ears]
        ln_p = torch.stack([one.says.clamp(min=1e-12).log() for one in each]).mean(0)
        nothing = torch.stack([one.nothing.clamp(1e-6, 1 - 1e-6).logit() for one in each]).mean(0).sigmoid()
        return Heard(ln_p.softmax(-1), nothing, nothing > getattr(self, "limit", 1.0))


def yardsticks(ear: Ear | Fused | ByMeans, people: str = "test", seed: int = 0) -> dict[str, float]:
    """All numbers of one ear on strangers (``val`` or ``test`` speakers) and on FSDD, as shares in [0, 1]."""
    config = ear.config
    strangers = part(MAIN, people, config)
    original = datasets.are_original(corpus(MAIN))[getattr(split_for(corpus(MAIN), 0), people)]
    heard = ear.hear(strangers.floats())
    hits, confidence = right(heard, strangers), heard.says.max(-1).values.numpy()
    row = {
        "strangers": float(hits.mean()),
        "strangers_original": float(hits[original].mean()),
        "strangers_resynthesised": float(hits[~original].mean()),
        "calibration_error": metrics.calibration_error(confidence, hits),
        "threshold": float(ear.limit),
        "digits_refused": float(heard.refused.float().mean()),
    }
    if isinstance(ear, Ear):
        row["temperature"] = float(ear.temperature)
    rng = torch.Generator().manual_seed(seed)
    for kind in DISTURBANCES:
        row[f"strangers_{kind.replace(' ', '_')}"] = when_disturbed(ear, strangers, kind, rng)
    if people == "test":  # FSDD is test data, too
        row["fsdd"] = accuracy(ear, part("fsdd", "all", config))
    return row | refusals(ear, rng)


def when_disturbed(ear: Ear | Fused | ByMeans, sounds: Sounds, kind: str, rng: torch.Generator) -> float:
    """Share of recordings whose digit is named rightly, in noise or in a room."""
    noisy = torch.cat([disturbed(x, kind, ear.config.sample_rate, rng) for x in sounds.floats().split(256)])
    return float(right(ear.hear(noisy), sounds).mean())


def in_trouble(ear: Ear) -> float:
    """Share of validation strangers' recordings named rightly, mean over all disturbances."""
    rng, strangers = torch.Generator().manual_seed(0), part(MAIN, "val", ear.config)
    return float(np.mean([when_disturbed(ear, strangers, kind, rng) for kind in DISTURBANCES]))


def accuracy(ear: Ear | Fused | ByMeans, sounds: Sounds) -> float:
    """Share of recordings whose digit is named rightly."""
    return float(right(ear.hear(sounds.floats()), sounds).mean())


def refusals(ear: Ear | Fused | ByMeans, rng: torch.Generator) -> dict[str, float]:
    """Shares of what is no digit that are refused: words that no training had, noises, tones, silence."""
    n, rate = ear.config.n_samples, ear.config.sample_rate
    kinds = {
        "noise": 0.1 * aug.coloured_noise(300, n, rng),
        "tones": aug.tones(300, n, rate, rng) + 1e-4 * torch.randn(300, n, generator=rng),
        "near_silence": 1e-3 * torch.randn(300, n, generator=rng),
    }
    if words := [path for name in (VOICES, KOKORO) for path in datasets.load_others(corpus(name), "test")]:
        kinds["other_words"] = other_sounds(words, ear.config).floats()
    return {f"refused_{name}": float(ear.hear(x).refused.float().mean()) for name, x in kinds.items()}


def together(rows: list[dict[str, float]]) -> dict[str, Any]:
    """Mean and spread of each number over trainings."""
    return {key: metrics.mean_and_spread([row[key] for row in rows]) for key in rows[0]}


def of_table(work: Path, table: str, seeds: tuple[int, ...]) -> dict[str, Any]:
    """One table of :func:`cells`, measured: by row, the numbers that it is for."""
    found: dict[str, Any] = {}
    for name, cell in cells()[table].items():
        ears = [train(work, cell, seed) for seed in seeds]
        config = ears[0].config
        if table in ("rows", "fronts", "no human"):
            found[name] = together([yardsticks(ear) for ear in ears])
        elif table == LEFT_OUT:
            data = corpus("fsdd")
            his = sounds_of(data, config, np.flatnonzero(data.speakers == name))
            found[name] = together([{"fsdd": accuracy(ear, his), "drawn_and_read": drawn(ear, his)} for ear in ears])
        else:  # what is chosen by, or only compared: validation people
            sounds = {"strangers": part(MAIN, "val", config)}
            sounds |= {"fsdd": part("fsdd", "all", config)} if table == "sources" else {}
            rows = [{key: accuracy(ear, one) for key, one in sounds.items()} for ear in ears]
            if table == "augmentation":  # what a change is worth shows where sounds are changed
                rows = [row | {"disturbed": in_trouble(ear)} for row, ear in zip(rows, ears, strict=True)]
            found[name] = together(rows)
        print(f"measured {table}: {name}", flush=True)
    return found


class ByMeans:
    """The report's ear on the same sounds: the audio MLP on the mean of the MFCCs over the window that is heard.

    It has no class for what is no digit, so it refuses what it is least sure of.
    """

    def __init__(self, net: AudioMLP, config: EarConfig):
        self.net, self.config, self.limit = net, config, torch.tensor(1.0)
        strangers = part(MAIN, "val", config)
        self.limit = torch.quantile(self.hear(strangers.floats()).nothing, 0.98)

    @torch.inference_mode()
    def hear(self, samples: Tensor) -> Heard:
        """What it makes of recordings ``(b, n_samples)``."""
        says = self.net(means_of(samples, self.config)).softmax(-1)
        nothing = 1 - says.max(-1).values
        return Heard(says, nothing, nothing > self.limit)


def means_of(samples: Tensor, config: EarConfig) -> Tensor:
    """Mean MFCCs ``(n, 40)`` of windows ``(n, m)``."""
    clips = audio.Clips.join(list(samples.numpy()), config.sample_rate)
    return torch.from_numpy(features.mfcc_means(clips, recipes.load_as(ClassifierRecipe, "audio-mlp").features))


def mean_mfccs(work: Path, seeds: tuple[int, ...]) -> list[ByMeans]:
    """The audio MLP, trained on the digits of everybody."""
    how, config = recipes.load_as(ClassifierRecipe, "audio-mlp"), recipe().model
    sounds = Sounds.join([part(name, "train", config) for name in EVERYBODY])
    x = torch.cat([means_of(group, config) for group in sounds.floats().split(5000)])
    named, found = replace(how, name="mean MFCCs"), []
    for seed in seeds:
        task = ClassifierTask(how, x, sounds.labels, seed=seed)
        net = pool.trained(path_of(work, "mean MFCCs", seed), named, partial(_same, task), seed).net
        found.append(ByMeans(net.eval(), config))
    return found


def _same(task: ClassifierTask) -> ClassifierTask:
    return task


def drawn(ear: Ear, sounds: Sounds) -> float:
    """Share of recordings that are heard, drawn by the shipped hands, and read as spoken by the report's evaluator."""
    return float((_read(ear.hear(sounds.floats()).says.argmax(-1)) == sounds.labels).float().mean())


def _read(named: Tensor) -> Tensor:
    """What the report's evaluator reads in the shipped hands' drawings of digits ``(n,)``."""
    hands = models.load("hands", "hands").net
    rng = torch.Generator().manual_seed(0)
    pictures = torch.cat([hands.draw(some, rng) for some in named.split(1000)])
    return torch.from_numpy(read(models.load_evaluator("evaluator").net, pictures).digits)


def blame(ear: Ear) -> dict[str, float]:
    """Shares of test strangers' recordings whose drawing is not read as spoken by the report's evaluator, and why.

    ``ear``: another digit was heard; ``hand``: it was heard rightly, and the drawing is read as another.
    """
    strangers = part(MAIN, "test", ear.config)
    named = ear.hear(strangers.floats()).says.argmax(-1)
    wrong, misheard = _read(named) != strangers.labels, named != strangers.labels
    return {"ear": float((wrong & misheard).float().mean()), "hand": float((wrong & ~misheard).float().mean())}


def kept_table(work: Path, table: str, seeds: tuple[int, ...]) -> dict[str, Any]:
    """As :func:`of_table`, measured unless it is there."""
    name = "-".join((slug(table), *map(str, seeds)))
    place, code = work / "ears" / "tables" / f"{name}.json", pool.code_of(__name__, repr(seeds))
    return pool.remembered(place, code, lambda: of_table(work, table, seeds))


def repeated(work: Path, found: dict[str, Any]) -> dict[str, Any]:
    """What :func:`measure` has ``found``, where :data:`REPEATED` is about the first training and the further ones."""
    again = {table: kept_table(work, table, MORE_SEEDS) for table in REPEATED}
    rows = {**found["rows"], "the course's": joined(found["rows"]["the course's"], again["rows"][SHIPPED])}
    speakers = {name: joined(row, again[LEFT_OUT][name]) for name, row in found[LEFT_OUT].items()}
    return {**found, "rows": rows, LEFT_OUT: speakers}


def joined(first: dict[str, Any], further: dict[str, Any]) -> dict[str, Any]:
    """Mean and spread of each number over the first training and further ones."""
    return {key: metrics.mean_and_spread([entry["values"][0], *further[key]["values"]]) for key, entry in first.items()}


TABLES = ("rows", "fronts", "no human", LEFT_OUT, "augmentation", "voices", "sources")


def measure(work: Path, seeds: tuple[int, ...] = SEEDS) -> dict[str, Any]:
    """All tables. ``rows``: the recipe that is shipped (it is its first seed), and ears that are compared.

    These are trained on the same sounds with the shorter recipe (:func:`short`): log-mel, scalogram, both at once.
    """
    found = {table: kept_table(work, table, seeds) for table in TABLES}
    pairs = [[train(work, cell, seed) for cell in cells()["fronts"].values()] for seed in seeds]
    rows = {"mean MFCCs": together([yardsticks(ear) for ear in mean_mfccs(work, seeds)]), **found.pop("fronts")}
    rows["late fusion"] = together([yardsticks(Fused(*pair)) for pair in pairs])
    found["rows"] = {**rows, "the course's": found["rows"][SHIPPED]}
    found["blame"] = blame(train(work, cells()["rows"][SHIPPED], seeds[0]))
    people = {which: len(set(corpus(MAIN).speakers[getattr(split_for(corpus(MAIN), 0), which)])) for which in PARTS}
    return {"people": people, **found}
