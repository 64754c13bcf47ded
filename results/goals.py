"""What a generator is asked for, and what comes of it: three losses, four weights of the KL term, and no network.

Everything but the objective is recipe ``report``; five fresh seeds; test recordings; both evaluators untouched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from a2d import datasets, metrics, training, vae
from a2d.ears import AudioMLP
from a2d.evaluator import embed, read
from a2d.lab import models, recipes, runs
from a2d.lab.kinds.generator import Draws, GeneratorRecipe, GeneratorTask
from a2d.pairing import Targets
from results import evaluators, faithful, pool
from results.comparisons import one_of_each, sharpness, slug

SEEDS = faithful.SEEDS


def candidates() -> dict[str, GeneratorRecipe]:
    """The recipes that are compared, by name."""
    base = recipes.load_as(GeneratorRecipe, "report")

    def changed(name: str, **model: Any) -> GeneratorRecipe:
        return replace(base, name=f"report, {name}", model=replace(base.model, **model))

    return {
        "cross-entropy": base,
        "squared error": changed("squared error", likelihood="gaussian"),
        "absolute error": recipes.load_as(GeneratorRecipe, "report-absolute"),
        "beta 0": changed("beta 0", beta=0.0),
        "beta 0.25": changed("beta 0.25", beta=0.25),
        "beta 4": changed("beta 4", beta=4.0),
    }


def path_of(work: Path, name: str, seed: int) -> Path:
    """Where a model lies; the base recipe's are those of the protocol."""
    if name == "cross-entropy":
        return faithful.path_of(work, "report", seed, "recording")
    return work / "objectives" / f"{slug(name)}-{seed}.safetensors"


def _train(cell: tuple[Path, str, int]) -> None:
    work, name, seed = cell
    recipe = candidates()[name]

    def task() -> GeneratorTask:
        images = datasets.load_images("mnist")
        train = faithful.spoken_set(recipe, seed, "recording").part("train")
        return GeneratorTask(recipe, *train, Targets(images.pixels, images.labels), seed=seed)

    pool.trained(path_of(work, name, seed), recipe, task, seed)


def train_all(work: Path, names: Sequence[str] = (), seeds: Sequence[int] = SEEDS) -> None:
    """Train each candidate, or some of them, with each seed."""
    pool.each(_train, [(work, name, seed) for name in names or candidates() for seed in seeds])


class LookUp:
    """No generator: the audio MLP names the digit, and a random image of MNIST's training part is shown."""

    def __init__(self, mlp: AudioMLP, targets: Targets):
        self.mlp, self.targets = mlp, targets

    def draw(self, features: Tensor, rng: torch.Generator | None = None) -> Tensor:
        """Images for features ``(b, d)``; without ``rng`` the same ones at each call."""
        rng = torch.Generator().manual_seed(0) if rng is None else rng
        return self.targets.random(self.mlp.predict(features), rng)


class Measure:
    """The yardsticks, with what they need of MNIST computed once."""

    def __init__(self, work: Path):
        self.nets = {recipe: evaluators.first(work, recipe) for recipe in evaluators.RECIPES}
        self.real = datasets.load_images("mnist", "test")
        self.features = embed(self.nets["evaluator"], self.real.pixels)
        self.sharpness = sharpness(torch.tensor(self.real.pixels).float() / 255)

    def row(self, net: Draws, features: Tensor, digits: Tensor, seed: int) -> dict[str, float]:
        """All numbers of one generator on test recordings."""
        row: dict[str, float] = {}
        for name, reading in runs.read_drawings(net, self.nets, features, digits, seed=seed).items():
            row |= {f"{name}_{latent}": reading[latent]["value"] for latent in ("sampled", "mean")}
        drawn = net.draw(features, training.stream(seed, "drawn"))
        row |= {f"{name}_confidence": float(read(n, drawn).confidence.mean()) for name, n in self.nets.items()}
        row["sharpness"] = sharpness(drawn) / self.sharpness
        main = self.nets["evaluator"]
        return row | runs.variety(net, main, features, digits, self.real, seed=seed, real_features=self.features)


def measure(work: Path) -> tuple[dict[str, Any], Tensor]:
    """The numbers by name, and pictures ``(rows, 10, 28, 28)``: a sampled drawing of each digit for each row."""
    by, images = Measure(work), datasets.load_images("mnist")
    targets, rows = Targets(images.pixels, images.labels), candidates()
    found: dict[str, Any] = {}
    pictures: dict[str, Tensor] = {}

    def add(name: str, net: Draws, features: Tensor, digits: Tensor, seed: int, more: dict[str, float]) -> None:
        for key, value in (by.row(net, features, digits, seed) | more).items():
            found.setdefault(name, {}).setdefault(key, []).append(value)
        if seed == SEEDS[0]:
            pictures[name] = one_of_each(net, features, digits, seed)

    for seed in SEEDS:
        for name, recipe in rows.items():
            model = models.load_generator(path_of(work, name, seed))
            features, digits = faithful.spoken_set(recipe, seed, "recording").part("test")
            with torch.inference_mode():
                mu, logvar = model.net.encode(features)
                kl = float(vae.kl_divergence(mu, logvar).mean())
                active = int((mu.var(0, correction=0) > vae.ACTIVE).sum())
            add(name, model.net, features, digits, seed, {"kl": kl, "active_latents": active})
        mlp = models.load(faithful.path_of(work, "audio-mlp", seed, "recording")).net
        add("look-up", LookUp(mlp, targets), features, digits, seed, {})
        print(f"measured seed {seed}", flush=True)
    medians = torch.from_numpy(evaluators.medians(images)).float()
    pictures |= {"class means": targets.means(), "class medians": medians}
    flat = by.real.pixels.reshape(len(by.real), -1) / 255.0
    real = {
        "greyness": metrics.greyness(flat),
        "sharpness": 1.0,
        "within_class_distance_pixels": metrics.within_class_distance(flat, by.real.labels),
        "within_class_distance_features": metrics.within_class_distance(by.features, by.real.labels),
    }
    table = {name: {k: metrics.mean_and_spread(v) for k, v in row.items()} for name, row in found.items()}
    still = {
        name: {
            "greyness": metrics.greyness(pictures[name].numpy()),
            "sharpness": sharpness(pictures[name]) / by.sharpness,
        }
        for name in ("class means", "class medians")
    }
    out = {
        "base": "report",
        "scale_of_the_absolute_error": candidates()["absolute error"].model.sigma,
        "rows": table,
        "mnist": real,
        "still": still,
        "picture_rows": list(pictures),
        "ln_10": float(np.log(10)),
    }
    return out, torch.stack(list(pictures.values()))
