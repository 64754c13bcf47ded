"""Sharper hands (lecture 09): every generator of the course on one set of yardsticks, fixed before any was trained.

All draw for the same recordings: for each of MNIST's test images a test recording of the protocol's random split that
says the same digit, chosen at random. The report's generators hear for themselves; the look-up is told the digit by the
protocol's audio MLP, the hands by the ear that is shipped, which was trained on none of these recordings.

What is asked of a drawing: that both recipes of evaluators, several trainings each, read it as spoken; that drawings
are as grey and as various as handwriting; that, taken together, they cannot be told from it (Frechet distance, class by
class too; a classifier that learns from them reads MNIST); and that none is a copy of a training image.

Choices were made on the last 10,000 training images of MNIST by hands that were trained on the others. For the final
rows all are trained on all training images, and compared with the test images.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from a2d import audio, datasets, metrics, training
from a2d.ears.voice import described
from a2d.evaluator import AccuracyNet, embed, read
from a2d.hands import Hands, StyleCVAE, VaeGan, class_leak
from a2d.hands.voice import hand_of
from a2d.lab import models, recipes, runs
from a2d.lab.kinds import Recipe, get
from a2d.lab.kinds.ear import sounds_of, split_for
from a2d.lab.kinds.evaluator import EvaluatorTask
from a2d.lab.kinds.generator import GeneratorRecipe
from a2d.lab.kinds.hands import HandsKind, HandsTask
from a2d.pairing import Targets
from a2d.vae import kl_divergence
from results import evaluators, faithful, goals, pool
from results.comparisons import sharpness, slug

SEEDS = (0, 1, 2)
KNOB_SEEDS = SEEDS[:1]  # of the four weights of the adversarial VAE, each of which takes as long as the flow
JUDGES = evaluators.SEEDS[:3]  # trainings of each evaluator
SHIPPED = "latent flow"  # the course's own hands
# All that are shipped, one of each sort, by their recipe and name among the models; each is as its recipe says.
SHIPPED_AS = {
    SHIPPED: "hands",
    "style CVAE": "style-cvae",
    "conditional GAN": "cgan",
    "adversarial VAE, 0.1": "vae-gan",
}
# The generators of the lectures before, by their names in results/goals.py.
BASELINES = ("cross-entropy", "absolute error", "beta 0")
LOOK_UP = "look-up"
N_VALIDATION = 10_000
# The classification accuracy score: a classifier of the evaluator's recipe learns from as many drawings for this long.
N_LEARNT, LEARN_EPOCHS = 20_000, 3
SHOWN = 3  # rows of pictures of each hand
ADVERSARY = 10.0  # weight of the class adversary in nats; it is turned up over the first fifth of the training
# The weights of the reconstruction in the adversarial VAE: the knob of S3's curve.
KNOB = (1.0, 0.3, 0.1, 0.03)


@dataclass(frozen=True)
class Handwriting:
    """Real images to be compared with, and what evaluators make of them, computed once."""

    real: datasets.Images
    train: datasets.Images
    nets: dict[str, list[AccuracyNet]]
    features: np.ndarray
    pixels: np.ndarray
    nearest: float

    @property
    def main(self) -> AccuracyNet:
        """The evaluator that is shipped: features are its features."""
        return self.nets["evaluator"][0]


def handwriting(nets: dict[str, list[AccuracyNet]], part: str = "val") -> Handwriting:
    """The yardsticks of a choice (``val``: the last training images) or of the final rows (``test``)."""
    train = datasets.load_images("mnist")
    if part == "val":
        real = datasets.Images("mnist", train.pixels[-N_VALIDATION:], train.labels[-N_VALIDATION:])
    else:
        real = datasets.load_images("mnist", "test")
    learnt = training_images() if part == "val" else train
    flat = real.pixels.reshape(len(real), -1) / 255
    nearest = float(np.quantile(nearest_training(flat[:2000], real.labels[:2000], learnt), 0.01))
    return Handwriting(real, learnt, nets, embed(nets["evaluator"][0], real.pixels), flat, nearest)


def training_images() -> datasets.Images:
    """MNIST's training images but the last 10,000, which choices are made on."""
    train = datasets.load_images("mnist")
    return datasets.Images("mnist", train.pixels[:-N_VALIDATION], train.labels[:-N_VALIDATION])


def nearest_training(flat: np.ndarray, digits: np.ndarray, train: datasets.Images) -> np.ndarray:
    """Euclidean distance of each picture ``(n, 784)`` to the nearest training image of its class, ``(n,)``."""
    out = np.zeros(len(flat))
    for c in np.unique(digits):
        mine = torch.tensor(flat[digits == c]).float()
        theirs = torch.tensor(train.pixels[train.labels == c].reshape(-1, 784)).float() / 255
        out[digits == c] = torch.cdist(mine, theirs).min(1).values.numpy()
    return out


def learnt_from(drawn: Tensor, digits: np.ndarray, real: datasets.Images, seed: int) -> float:
    """Classification accuracy score: a fresh classifier learns from drawings and reads real images.

    Source: S. Ravuri and O. Vinyals (2019), arXiv:1905.10887.
    """
    pixels = (drawn * 255).round().to(torch.uint8).numpy()
    task = EvaluatorTask(datasets.Images("drawn", pixels, digits), real, seed=seed)
    how = replace(recipes.load("evaluator-adam").training, epochs=LEARN_EPOCHS)
    training.fit(task, how, seed=seed)
    return float((read(task.model, real.pixels).digits == real.labels).mean())


def yardsticks(drawn: Tensor, spoken: Tensor, named: Tensor, by: Handwriting, seed: int) -> dict[str, float]:
    """All numbers of one generator: what it drew ``(n, 28, 28)`` for digits ``spoken (n,)`` that were ``named (n,)``.

    ``by.real`` holds as many of each digit as were spoken.
    """
    digits, flat = spoken.numpy(), drawn.flatten(1).numpy()
    heard = (named == spoken).numpy()
    row: dict[str, float] = {"heard": float(heard.mean())}
    for name, nets in by.nets.items():
        hits = [read(net, drawn).digits == digits for net in nets]
        shares = [float(one.mean()) for one in hits]
        row |= {f"read_{name}": float(np.mean(shares)), f"read_{name}_least": min(shares)}
        row[f"read_{name}_where_heard"] = float(np.mean([one[heard].mean() for one in hits]))
    row["inception_score"] = metrics.inception_score(read(by.main, drawn).probabilities)
    features = embed(by.main, drawn)
    row["greyness"] = metrics.greyness(flat)
    row["greyness_ratio"] = row["greyness"] / metrics.greyness(by.pixels)
    row["variety_pixels"] = metrics.diversity(flat, digits, by.pixels, by.real.labels, seed=seed)
    row["variety_features"] = metrics.diversity(features, digits, by.features, by.real.labels, seed=seed)
    row["sharpness"] = sharpness(drawn) / sharpness(torch.tensor(by.real.pixels).float() / 255)
    row["frechet"] = metrics.frechet_distance(features, by.features)
    of_class = [metrics.frechet_distance(features[digits == c], by.features[by.real.labels == c]) for c in range(10)]
    row |= {"frechet_of_classes": float(np.mean(of_class)), "frechet_worst_class": float(np.max(of_class))}
    near = nearest_training(flat[:2000], digits[:2000], by.train)
    row["nearest_training"] = float(np.quantile(near, 0.01))
    row["nearest_training_ratio"] = row["nearest_training"] / by.nearest
    row["classification_accuracy_score"] = learnt_from(drawn[:N_LEARNT], digits[:N_LEARNT], by.real, seed)
    return row


def floor(by: Handwriting) -> dict[str, float]:
    """What training images score against the real ones; what has learnt from them does better only by chance."""
    n = len(by.real)
    rng = np.random.default_rng(0)
    chosen = rng.choice(len(by.train), n, replace=False)
    pixels, labels = by.train.pixels[chosen], by.train.labels[chosen]
    features = embed(by.main, pixels)
    of_class = [metrics.frechet_distance(features[labels == c], by.features[by.real.labels == c]) for c in range(10)]
    return {
        "frechet": metrics.frechet_distance(features, by.features),
        "frechet_of_classes": float(np.mean(of_class)),
        "frechet_worst_class": float(np.max(of_class)),
        "greyness": metrics.greyness(by.pixels),
        "nearest_training": by.nearest,
        "inception_score": metrics.inception_score(read(by.main, pixels).probabilities),
        "classification_accuracy_score": learnt_from(
            torch.tensor(pixels[:N_LEARNT]).float() / 255, labels[:N_LEARNT], by.real, 0
        ),
    }


# --------------------------------------------------------------------------------------------------------- trainings


def candidates() -> dict[str, tuple[str, Recipe]]:
    """The hands that are compared: by name, the kind and its recipe."""
    flow, style, gan = (recipes.load(name) for name in ("hands", "style-cvae", "cgan"))
    found = {SHIPPED: ("hands", flow), "style CVAE": ("style-cvae", style), "conditional GAN": ("cgan", gan)}
    told = replace(style.model, adversary=ADVERSARY)  # type: ignore[attr-defined]
    found["style CVAE, adversary"] = ("style-cvae", replace(style, model=told))  # type: ignore[call-arg]
    knob = recipes.load("vae-gan")
    for weight in KNOB:
        model = replace(knob.model, reconstruction=weight)  # type: ignore[attr-defined]
        found[f"adversarial VAE, {weight:g}"] = ("vae-gan", replace(knob, model=model))  # type: ignore[call-arg]
    return {name: (kind, replace(recipe, name=name)) for name, (kind, recipe) in found.items()}


def folder(work: Path, name: str, seed: int) -> Path:
    """Where a training of one of the shipped recipes lies, a whole run with a card."""
    return work / "hands" / f"{slug(name)}-{seed}"


def train(cell: tuple[Path, str, int]) -> Hands:
    """One of the hands, trained on MNIST's training images unless it is there."""
    work, name, seed = cell
    if name in SHIPPED_AS:
        out, shipped_as = folder(work, name, seed), SHIPPED_AS[name]
        if not (out / models.MODEL_FILE).is_file():
            runs.train(shipped_as, "mnist", out, seed=seed, resume=True, progress=False)
        shipped: Hands = models.load(out, shipped_as).net
        return shipped
    kind_name, recipe = candidates()[name]
    kind = get(kind_name)
    assert isinstance(kind, HandsKind)

    def task() -> HandsTask:
        return HandsTask(lambda: kind.network(recipe.model), datasets.load_images("mnist"), seed=seed)  # type: ignore[attr-defined]

    net: Hands = pool.trained(work / "hands" / f"{slug(name)}-{seed}.safetensors", recipe, task, seed).net
    return net


def seeds_of(name: str) -> tuple[int, ...]:
    """The trainings of a candidate."""
    return KNOB_SEEDS if name.startswith("adversarial VAE") else SEEDS


def train_all(work: Path) -> None:
    """Train each candidate with each of its seeds."""
    pool.each(_train, [(work, name, seed) for seed in SEEDS for name in candidates() if seed in seeds_of(name)])


def _train(cell: tuple[Path, str, int]) -> None:
    train(cell)


def all_evaluators(work: Path) -> dict[str, list[AccuracyNet]]:
    """Trainings of both recipes, as :func:`evaluators.train_all` made them."""
    return {recipe: evaluators.nets(work, recipe, JUDGES) for recipe in evaluators.RECIPES}


@dataclass(frozen=True)
class Sitting:
    """What is drawn for: recordings ``(n,)``, one for each real image, as a generator and as an ear take them."""

    spoken: Tensor
    features: Tensor
    named: Tensor
    by_mlp: Tensor


def sitting(work: Path, seed: int, labels: np.ndarray) -> Sitting:
    """Test recordings of the protocol's split ``seed``, chosen at random to say ``labels (n,)``, and what was heard."""
    recipe = recipes.load_as(GeneratorRecipe, "report")
    heard = faithful.spoken_set(recipe, seed, "recording")
    features, digits = heard.part("test")
    rng = np.random.default_rng(seed)
    chosen = np.zeros(len(labels), np.int64)
    for c in range(10):
        chosen[labels == c] = rng.choice(np.flatnonzero(digits.numpy() == c), int((labels == c).sum()))
    ear = models.load("ear", "ear").net
    named = ear.hear(sounds_of(datasets.load_spoken("fsdd"), ear.config, heard.split.test).floats()).says.argmax(-1)
    mlp = models.load(faithful.path_of(work, "audio-mlp", seed, "recording")).net
    return Sitting(digits[chosen], features[chosen], named[chosen], mlp.predict(features)[chosen])


def row_of(cell: tuple[Path, str, int, str]) -> dict[str, Any]:
    """The numbers of one training of a generator, measured unless they are there."""
    work, name, seed, part = cell
    place = work / "hands" / "rows" / f"{slug(name)}-{seed}-{part}.json"
    return pool.remembered(place, pool.code_of(__name__), lambda: _measured(work, name, seed, part))


def _measured(work: Path, name: str, seed: int, part: str) -> dict[str, float]:
    by, protocol_seed = _handwriting(work, part), faithful.SEEDS[seed]
    sat = _sitting(work, protocol_seed, part)
    named = sat.named
    if name in BASELINES:
        net, named = models.load_generator(goals.path_of(work, name, protocol_seed)).net, sat.spoken
        drawn = _in_parts(net.draw, sat.features, seed)
    elif name == LOOK_UP:
        named = sat.by_mlp
        drawn = Targets(by.train.pixels, by.train.labels).random(named, training.stream(seed, "drawn"))
    else:
        drawn = _in_parts(train((work, name, seed)).draw, named, seed)
    print(f"measured {name} {seed}", flush=True)
    return yardsticks(drawn, sat.spoken, named, by, seed)


@cache
def _handwriting(work: Path, part: str) -> Handwriting:
    return handwriting(all_evaluators(work), part)


@cache
def _sitting(work: Path, seed: int, part: str) -> Sitting:
    return sitting(work, seed, _handwriting(work, part).real.labels)


def measure(work: Path, part: str = "test", seeds: tuple[int, ...] = SEEDS) -> tuple[dict[str, Any], Tensor]:
    """The rows by name, with their spread over trainings, and the floor; and pictures ``(rows, 10, 28, 28)``.

    Of each hand's first training :data:`SHOWN` rows of the ten digits, in random hands.
    """
    cells = [
        (work, name, seed, part)
        for seed in seeds
        for name in (*BASELINES, LOOK_UP, *candidates())
        if seed in seeds_of(name)
    ]
    evaluators.train_all(work, JUDGES)
    numbers: dict[str, dict[str, list[float]]] = {}
    for (_, name, _, _), row in zip(cells, pool.each(row_of, cells), strict=True):
        for key, value in row.items():
            numbers.setdefault(name, {}).setdefault(key, []).append(value)
    by = _handwriting(work, part)
    rows = {name: {k: metrics.mean_and_spread(v) for k, v in row.items()} for name, row in numbers.items()}
    leaks, nats = styles_of(work, by)
    more = more_than_the_class(train((work, SHIPPED, seeds[0])), by)
    lines = [name for name in candidates() for _ in range(SHOWN)]
    asked, rng = torch.arange(10), training.stream(0, "pictures")
    pictures = torch.stack([train((work, name, seeds[0])).draw(asked, rng) for name in lines])
    found = {"part": part, "n": len(by.real), "rows": rows, "floor": floor(by), "leak": leaks, "nats": nats}
    return {**found, "more": more, "judges": list(JUDGES), "picture_rows": lines}, pictures


def styles_of(work: Path, by: Handwriting) -> tuple[dict[str, Any], dict[str, Any]]:
    """By name of each hand with an encoder: the share of digits that a linear probe reads from the posterior's mean of
    real images (a tenth if the style is style alone), and the KL term in nats per image: what the style says of it."""
    images, digits = torch.tensor(by.real.pixels).float() / 255, torch.tensor(by.real.labels)
    leaks, nats = {}, {}
    for name, (kind, _) in candidates().items():
        if kind in ("style-cvae", "vae-gan"):
            nets = [train((work, name, seed)) for seed in seeds_of(name)]
            with torch.inference_mode():
                found = [net.encode(images, digits) for net in nets if isinstance(net, StyleCVAE | VaeGan)]
            leaks[name] = metrics.mean_and_spread([class_leak(mu, digits) for mu, _ in found])
            nats[name] = metrics.mean_and_spread([float(kl_divergence(*one).mean()) for one in found])
    return leaks, nats


def more_than_the_class(net: Hands, by: Handwriting, n: int = 1000) -> dict[str, Any]:
    """What a picture tells beside the digit, each with what it would be if it told nothing.

    ``loudness_to_weight``: correlation of a recording's loudness with the stroke weight of what is drawn.
    ``same_voice`` and ``other_voice``: correlation of the hands of two test strangers' recordings, of one voice and of
    two. ``seen``: mean difference of pictures of one digit by two voices over that of pictures by one voice.
    ``between``: what the evaluator makes of drawings for which the ear's word is "one half each" of two digits.
    """
    ear = models.load("ear", "ear").net
    data = datasets.load_spoken("speechcommands")
    who = split_for(data, 0).test
    clips = audio.load_many([data.recordings[i].path for i in who], ear.config.sample_rate, trim=True)
    digits, speakers = torch.from_numpy(data.digits[who]), data.speakers[who]
    means, levels = described(clips)
    hands = hand_of(ear.voice.heard(means, digits), net.style_size)
    loudness = ear.voice.loudness(levels)
    hands[:, -1] = loudness
    drawn = net.draw(digits, style=hands)
    rng = np.random.default_rng(0)
    same = np.array([(a, b) for a in range(len(who)) for b in np.flatnonzero(speakers == speakers[a]) if a < b])
    same = same[rng.permutation(len(same))[:n]]
    other = np.stack([same[:, 0], rng.permutation(same[:, 1])], 1)
    other = other[speakers[other[:, 0]] != speakers[other[:, 1]]]

    def alike(pairs: np.ndarray) -> float:
        a, b = (hands[pairs[:, side], :-1].flatten().numpy() for side in (0, 1))
        return float(np.corrcoef(a, b)[0, 1])

    def apart(pairs: np.ndarray) -> float:
        asked = torch.from_numpy(rng.integers(10, size=len(pairs)))
        a, b = (net.draw(asked, style=hands[pairs[:, side]]) for side in (0, 1))
        return float((a - b).square().mean((1, 2)).sqrt().mean())

    pairs = torch.from_numpy(np.array([rng.choice(10, 2, replace=False) for _ in range(n)]))
    half = 0.5 * (F.one_hot(pairs[:, 0], 10) + F.one_hot(pairs[:, 1], 10)).float()
    p = torch.from_numpy(read(by.main, net.draw(half, training.stream(0, "drawn"))).probabilities)
    of_two = p.gather(1, pairs)
    return {
        "loudness_to_weight": float(np.corrcoef(loudness.numpy(), net.ink(drawn, digits).numpy())[0, 1]),
        "same_voice": alike(same),
        "other_voice": alike(other),
        "seen": apart(other) / apart(same),
        "between": {
            "probability of the likelier of two digits": float(of_two.max(1).values.mean()),
            "of the other one": float(of_two.min(1).values.mean()),
            "of all others": float(1 - of_two.sum(1).mean()),
        },
    }


def _in_parts(draw: Callable[[Tensor, torch.Generator], Tensor], told: Tensor, seed: int) -> Tensor:
    rng = training.stream(seed, "drawn")
    return torch.cat([draw(part, rng) for part in told.split(1000)])
