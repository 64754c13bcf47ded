"""The evaluators: trainings of each of two recipes, how they read MNIST, its class means and medians, and blur.

No drawing of a generator is looked at here. The report's evaluator is PyTorch's example with its own settings
(recipe ``evaluator``); which of its trainings is shipped was fixed beforehand: that of seed 0.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from a2d import datasets, metrics
from a2d.evaluator import AccuracyNet, read
from a2d.lab import models, runs
from a2d.pairing import Targets
from results import pool

RECIPES = ("evaluator", "evaluator-adam")
SEEDS = (0, 1, 2, 3, 4)
# Widths of the blur in pixels, and how many of MNIST's test images are blurred.
SIGMAS = (0.0, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0)
N_BLURRED = 2000


def folder(work: Path, recipe: str, seed: int) -> Path:
    """Where a training of an evaluator lies."""
    return work / "evaluators" / f"{recipe}-{seed}"


def _train(cell: tuple[Path, str, int]) -> None:
    out = folder(*cell)
    if not (out / models.MODEL_FILE).is_file():
        runs.train(cell[1], "mnist", out, seed=cell[2], resume=True, progress=False)
        print(f"trained {out.name}", flush=True)


def train_all(work: Path, seeds: tuple[int, ...] = SEEDS) -> None:
    """Train each recipe with each seed."""
    pool.each(_train, [(work, recipe, seed) for seed in seeds for recipe in RECIPES])


def nets(work: Path, recipe: str, seeds: tuple[int, ...] = SEEDS) -> list[AccuracyNet]:
    """The trained networks of a recipe, by seed."""
    return [models.load_evaluator(folder(work, recipe, seed)).net for seed in seeds]


def first(work: Path, recipe: str) -> AccuracyNet:
    """The training that is shipped, trained first if it is not there: that of seed 0, whatever it reads."""
    _train((work, recipe, 0))
    return models.load_evaluator(folder(work, recipe, 0)).net


def blurred(pixels: np.ndarray, sigma: float) -> np.ndarray:
    """Images ``(n, 28, 28)`` in [0, 1], each blurred by a Gaussian of ``sigma`` pixels; outside it is black."""
    return gaussian_filter(pixels, (0, sigma, sigma), mode="constant") if sigma else pixels


def medians(images: datasets.Images) -> np.ndarray:
    """The median of each pixel over the images of each class, ``(10, 28, 28)`` in [0, 1]."""
    return np.stack([np.median(images.pixels[images.labels == c], axis=0) / 255 for c in range(10)])


def measure(work: Path) -> dict[str, Any]:
    """By recipe: MNIST's test accuracy by seed, what is read of class means and medians, accuracy by width of blur."""
    train, test = datasets.load_images("mnist"), datasets.load_images("mnist", "test")
    means = Targets(train.pixels, train.labels).means().numpy()
    kinds = {"class means": means, "class medians": medians(train)}
    some, labels = test.pixels[:N_BLURRED] / 255.0, test.labels[:N_BLURRED]
    steps = {sigma: blurred(some, sigma) for sigma in SIGMAS}
    found: dict[str, Any] = {}
    for recipe in RECIPES:
        trained = nets(work, recipe)
        hits = [read(net, test.pixels).digits == test.labels for net in trained]
        curves = {s: [float((read(n, x).digits == labels).mean()) for n in trained] for s, x in steps.items()}
        row: dict[str, Any] = {
            "mnist_test": metrics.mean_and_spread([float(h.mean()) for h in hits]),
            "mnist_test_of_seed_0": metrics.recognition(np.where(hits[0], 1, 0), np.ones(len(hits[0]), int)).as_dict(),
            "blur": [{"sigma": sigma, **metrics.mean_and_spread(values)} for sigma, values in curves.items()],
        }
        for name, pictures in kinds.items():
            readings = [read(net, torch.from_numpy(pictures)) for net in trained]
            row[name] = {
                "right": [int((reading.digits == np.arange(10)).sum()) for reading in readings],
                "confidence": [round(float(reading.confidence.mean()), 4) for reading in readings],
                "read_by_seed_0": readings[0].digits.tolist(),
                "confidence_of_seed_0": [round(float(c), 4) for c in readings[0].confidence],
            }
        found[recipe] = row
    blur = {f"{sigma:g}": sharp for sigma, sharp in ((s, _edges(x)) for s, x in steps.items())}
    return {"seeds": list(SEEDS), "n_blurred": N_BLURRED, "edges_by_sigma": blur, "recipes": found}


def _edges(pictures: np.ndarray) -> float:
    """The measure of sharpness of ``comparisons``, by which drawings are placed on the scale of blur."""
    from results.comparisons import sharpness

    return sharpness(torch.from_numpy(np.asarray(pictures, dtype=np.float64)))
