"""What does averaging over time cost? The report's features, and three that keep some of the order.

The features of a recording are means of its MFCCs over all frames; over them with their standard deviations; over
each third; or over each of eight parts. The audio MLP and the generator of recipe ``report`` are trained on each.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from a2d import datasets, features, metrics, training
from a2d.evaluator import read
from a2d.lab import recipes
from a2d.lab.kinds.classifier import ClassifierRecipe, ClassifierTask
from a2d.lab.kinds.generator import GeneratorRecipe, GeneratorTask
from a2d.pairing import Targets
from results import evaluators, faithful, pool

SEEDS = faithful.SEEDS
SORTS = ("mean", "mean and deviation", "thirds", "eighths")


def summary(coefficients: np.ndarray, sort: str) -> np.ndarray:
    """One vector for a recording: MFCCs ``(frames, n_mfcc)`` to ``(k * n_mfcc,)`` with k = 1, 2, 3 or 8."""
    if sort == "mean":
        return coefficients.mean(0)
    if sort == "mean and deviation":
        return np.concatenate([coefficients.mean(0), coefficients.std(0)])
    parts = 3 if sort == "thirds" else 8
    # Frames belong to a part by their middle, so that each part has one even where there are few frames.
    edges = np.linspace(0, len(coefficients), parts + 1)
    pieces = [coefficients[int(a) : max(int(a) + 1, round(b))] for a, b in pairwise(edges)]
    return np.concatenate([piece.mean(0) for piece in pieces])


def summaries(sort: str) -> Tensor:
    """The features of all of FSDD's recordings, float32 ``(n, d)``, silence trimmed off as in the course's own."""
    data, config = datasets.load_spoken("fsdd"), recipes.load_as(GeneratorRecipe, "report").features
    found = []
    for clips in data.clip_groups(config.sample_rate):
        found += [summary(features.mfcc(clips[i].samples, config), sort) for i in range(len(clips))]
    return torch.tensor(np.stack(found)).float()


def _path(work: Path, sort: str, kind: str, seed: int, split: str) -> Path:
    return work / "hearing" / sort.replace(" ", "-") / f"{kind}-{split}-{seed}.safetensors"


def _measure_sort(cell: tuple[Path, str]) -> dict[str, Any]:
    """Train and measure everything for one sort of features."""
    work, sort = cell
    x, data = summaries(sort), datasets.load_spoken("fsdd")
    digits = torch.from_numpy(data.digits)
    hears = recipes.load_as(ClassifierRecipe, "audio-mlp")
    hears = replace(hears, name=f"audio-mlp, {sort}", model=replace(hears.model, n_features=x.shape[1]))
    heard: dict[str, list[float]] = {}
    for split in faithful.splits():
        for seed in faithful.seeds_of(split):
            parts = faithful.spoken_set(hears, seed, split).split
            train, test = torch.from_numpy(parts.train), torch.from_numpy(parts.test)
            task = ClassifierTask(hears, x[train], digits[train], seed=seed)
            net = pool.kept(_path(work, sort, "mlp", seed, split), hears, task, seed)
            heard.setdefault(split, []).append(float((net.predict(x[test]) == digits[test]).float().mean()))
    draws = recipes.load_as(GeneratorRecipe, "report")
    draws = replace(draws, name=f"report, {sort}", model=replace(draws.model, n_features=x.shape[1]))
    images, drawn = datasets.load_images("mnist"), []
    net = evaluators.first(work, "evaluator")
    for seed in SEEDS:
        parts = faithful.spoken_set(draws, seed, "recording").split
        train, test = torch.from_numpy(parts.train), torch.from_numpy(parts.test)
        targets = Targets(images.pixels, images.labels)
        hand = GeneratorTask(draws, x[train], digits[train], targets, seed=seed)
        generator = pool.kept(_path(work, sort, "generator", seed, "recording"), draws, hand, seed)
        rng = training.stream(seed, "reading")
        pictures = torch.cat([generator.draw(x[test], rng) for _ in range(5)])
        drawn.append(float((read(net, pictures).digits == digits[test].repeat(5).numpy()).mean()))
    print(f"measured {sort}", flush=True)
    return {
        "n_features": x.shape[1],
        "heard_recording": metrics.mean_and_spread(heard.pop("recording")),
        "heard_speaker": faithful.over_speakers(heard),
        "drawn_recording": metrics.mean_and_spread(drawn),
    }


def measure(work: Path) -> dict[str, Any]:
    """By sort of features: how often the digit is heard, and how often its drawing is read as spoken."""
    found = pool.each(_measure_sort, [(work, sort) for sort in SORTS])
    return {"sorts": dict(zip(SORTS, found, strict=True))}
