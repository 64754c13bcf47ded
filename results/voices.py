"""Ears for anyone (lecture 10): trained on strangers and synthetic voices, tested on people they never heard.

Who is trained on, chosen by and tested on is fixed by the speakers' names (:func:`a2d.datasets.split_by_name`). FSDD is
in no training but those that leave one of its speakers out. Choices, the temperature and the threshold of refusal
among them, are made on validation speakers; the test speakers are heard once, by what was chosen.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from a2d import datasets, metrics
from a2d.ears import augment as aug
from a2d.ears.augment import AugmentConfig
from a2d.ears.cnn import NO_DIGIT, Ear, EarConfig, Heard
from a2d.lab import recipes
from a2d.lab.kinds.ear import EarRecipe, EarTask, Sounds, other_sounds, sounds_of, split_for
from results import pool

MAIN = "speechcommands"  # the corpus that is split; the others only help
SEEDS = (0, 1, 2)
DISTURBANCES = ("white noise", "babble", "hum", "room")
LEVEL_DB = 10.0


@cache
def corpus(name: str) -> datasets.SpokenDigits:
    """A corpus by name, indexed once."""
    return datasets.load_spoken(name)


@cache
def part(name: str, which: str, config: EarConfig, held_out: tuple[str, ...] = ()) -> Sounds:
    """The recordings of a part of a corpus (``train``, ``val``, ``test``, or ``all``), as an ear hears them."""
    data = corpus(name)
    chosen = None if which == "all" else getattr(split_for(data, int(name != MAIN), held_out), which)
    return sounds_of(data, config, chosen)


@cache
def others(name: str, which: str, config: EarConfig) -> Sounds:
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
            parts.append(others(name, "train", how.model))
    return Sounds.join(parts)


def path_of(work: Path, name: str, seed: int) -> Path:
    """Where an ear lies."""
    return work / "ears" / f"{name.replace(' ', '-')}-{seed}.safetensors"


def train(work: Path, name: str, names: tuple[str, ...], seed: int, held_out: tuple[str, ...] = ()) -> Ear:
    """An ear trained on some corpora, unless it is there; its temperature is fitted on validation strangers."""
    how = replace(recipe(), name=name)

    def task() -> EarTask:
        return EarTask(how, training_set(names, how, held_out), seed=seed)

    net: Ear = pool.trained(path_of(work, name, seed), how, task, seed).net
    strangers = part(MAIN, "val", how.model)
    net.calibrate(strangers.floats(), strangers.labels)
    return net


# --------------------------------------------------------------------------------------------------- what it can


def right(heard: Heard, sounds: Sounds) -> np.ndarray:
    """Which digits are named rightly, ``(n,)``."""
    return (heard.says.argmax(-1) == sounds.labels).numpy()


def disturbed(samples: Tensor, kind: str, rate: int, rng: torch.Generator) -> Tensor:
    """Recordings ``(b, n)`` with noise 10 dB below the word, or in a small room."""
    off = AugmentConfig(0, 0, 0, 0, 0, 0, 0, LEVEL_DB, LEVEL_DB, 0, 0, 0, 0)
    if kind == "room":
        return aug.change_place(samples, rate, rng, room=1.0, equaliser=0.0)
    if kind == "white noise":
        level = aug.word_level(samples, rate) * 10 ** (-LEVEL_DB / 20)
        return samples + level[:, None] * torch.randn(samples.shape, generator=rng)
    return aug.add_noise(samples, replace(off, **{kind: 1.0}), rate, rng)


def yardsticks(ear: Ear, names_of_test: str = "test", seed: int = 0) -> dict[str, float]:
    """All numbers of one ear on strangers (``val`` or ``test`` speakers) and on FSDD, as shares in [0, 1]."""
    config = ear.config
    strangers = part(MAIN, names_of_test, config)
    original = datasets.are_original(corpus(MAIN))
    original = original[getattr(split_for(corpus(MAIN), 0), names_of_test)]
    heard = ear.hear(strangers.floats())
    hits, confidence = right(heard, strangers), heard.says.max(-1).values.numpy()
    row = {
        "strangers": float(hits.mean()),
        "strangers_original": float(hits[original].mean()),
        "strangers_resynthesised": float(hits[~original].mean()),
        "calibration_error": metrics.calibration_error(confidence, hits),
        "threshold": float(ear.limit),
        "digits_refused": float(heard.refused.float().mean()),
        "temperature": float(ear.temperature),
    }
    rng = torch.Generator().manual_seed(seed)
    for kind in DISTURBANCES:
        noisy = torch.cat([disturbed(x, kind, config.sample_rate, rng) for x in strangers.floats().split(256)])
        row[f"strangers_{kind.replace(' ', '_')}"] = float(right(ear.hear(noisy), strangers).mean())
    fsdd = part("fsdd", "all", config)
    row["fsdd"] = float(right(ear.hear(fsdd.floats()), fsdd).mean())
    return row | refusals(ear, rng)


def refusals(ear: Ear, rng: torch.Generator) -> dict[str, float]:
    """Shares of what is no digit that are refused: words that no training had, noises, tones, silence."""
    n, rate = ear.config.n_samples, ear.config.sample_rate
    kinds = {
        "noise": 0.1 * aug.coloured_noise(300, n, rng),
        "tones": aug.tones(300, n, rate, rng) + 1e-4 * torch.randn(300, n, generator=rng),
        "near_silence": 1e-3 * torch.randn(300, n, generator=rng),
    }
    if words := datasets.load_others(corpus("voices"), "test"):
        kinds["other_words"] = other_sounds(words, ear.config).floats()
    return {f"refused_{name}": float(ear.hear(x).refused.float().mean()) for name, x in kinds.items()}


def by_speaker(ear: Ear, name: str = "fsdd") -> dict[str, float]:
    """Share of a corpus's recordings that are named rightly, for each speaker."""
    sounds, speakers = part(name, "all", ear.config), corpus(name).speakers
    hits = right(ear.hear(sounds.floats()), sounds)
    return {speaker: float(hits[speakers == speaker].mean()) for speaker in corpus(name).speaker_names}


__all__ = ["NO_DIGIT", "SEEDS", "by_speaker", "train", "yardsticks"]
