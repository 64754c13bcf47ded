"""The kind ``generator``: the report's VAE from a mean-MFCC vector to an image. Lectures 04 to 06."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor

from a2d.evaluator import AccuracyNet, embed, read
from a2d.features import MfccConfig
from a2d.lab.kinds import Kind, Recipe, Setting
from a2d.pairing import TargetConfig, Targets
from a2d.vae import AudioVAE, VaeConfig, negative_elbo

if TYPE_CHECKING:
    from a2d.datasets import Images
    from a2d.figures import Picture
    from a2d.lab.models import Model


@dataclass(frozen=True)
class GeneratorRecipe(Recipe):
    """Sound to image: which features, which VAE, and which image a recording is compared with."""

    features: MfccConfig
    model: VaeConfig
    targets: TargetConfig


class Draws(Protocol):
    """Whatever draws: a generator as it is evaluated."""

    def draw(self, features: Tensor, rng: torch.Generator | None = None) -> Tensor:
        """Images in [0, 1], ``(b, 28, 28)``, for features ``(b, d)``; ``rng`` samples, None takes the mean."""
        ...


class GeneratorTask:
    """The report's training: features of recordings against images of the same class.

    ``features (n, d)`` and ``digits (n,)`` are the training set; ``validation`` is such a pair whose drawings
    ``evaluator`` reads once per epoch (R10), or None.
    """

    def __init__(
        self,
        recipe: GeneratorRecipe,
        features: Tensor,
        digits: Tensor,
        targets: Targets,
        *,
        seed: int,
        validation: tuple[Tensor, Tensor] | None = None,
        evaluator: AccuracyNet | None = None,
    ):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.model = AudioVAE(recipe.model)
        self.model.scaler.fit(features)
        self.recipe, self.seed = recipe, seed
        self.features, self.digits, self.targets = features, digits, targets
        self.validation, self.evaluator = validation, evaluator
        self.n_items = len(digits)
        self._means = targets.means() if recipe.targets.rule == "mean" else None
        # An absolute error against the mean of several targets is another objective: it takes them one by one.
        one_by_one = recipe.model.likelihood == "laplace" and recipe.targets.rule == "random"
        self._times = recipe.targets.draws if one_by_one else 1

    def target(self, indices: Tensor, rng: torch.Generator) -> Tensor:
        """What the recordings ``indices (b,)`` are compared with: images ``(k b, 28, 28)``, k rounds of the batch."""
        classes = self.digits[indices]
        if self._means is not None:
            return self._means[classes]
        if self.recipe.targets.rule == "fixed":
            return self.targets.fixed(classes, indices, self.seed)
        if self._times > 1:
            return self.targets.random(classes.repeat(self._times), rng)
        return self.targets.random(classes, rng, self.recipe.targets.draws)

    def loss(self, indices: Tensor, rng: torch.Generator, progress: float) -> tuple[Tensor, dict[str, float]]:
        """Negative ELBO, mean over the batch, in nats per image."""
        output, mu, logvar = self.model(self.features[indices].to(self.model.device), rng)
        target = self.target(indices, rng).to(output.device)
        if self._times > 1:
            output = output.repeat(self._times, 1, 1)
            mu, logvar = mu.repeat(self._times, 1), logvar.repeat(self._times, 1)
        terms = negative_elbo(output, target, mu, logvar, self.recipe.model, progress)
        logged = {"reconstruction": terms.reconstruction.mean().item(), "kl": terms.kl.mean().item()}
        return terms.loss.mean(), logged

    def validate(self, rng: torch.Generator) -> dict[str, float]:
        """Share of validation recordings whose sampled drawing the evaluator reads as what was said."""
        if self.validation is None or self.evaluator is None:
            return {}
        features, digits = self.validation
        reading = read(self.evaluator, self.model.draw(features, rng))
        return {"accuracy": float((reading.digits == digits.numpy()).mean())}


def read_drawings(
    net: Draws,
    evaluators: Mapping[str, AccuracyNet],
    features: Tensor,
    digits: Tensor,
    *,
    seed: int = 0,
    draws: int = 5,
) -> dict[str, Any]:
    """Recognition of a generator's pictures by each evaluator, for sampled latents (``draws`` of each) and mean ones.

    Returns estimates with bootstrap intervals, and the confusion of the sampled pictures.
    """
    from a2d import metrics, training

    rng = training.stream(seed, "reading")
    sampled = torch.cat([net.draw(features, rng) for _ in range(draws)])
    mean = net.draw(features)
    spoken = digits.numpy()
    out: dict[str, Any] = {}
    for name, evaluator in evaluators.items():
        readings = read(evaluator, sampled).digits
        out[name] = {
            "sampled": metrics.recognition_of_draws(readings.reshape(draws, -1), spoken, seed=seed).as_dict(),
            "mean": metrics.recognition(read(evaluator, mean).digits, spoken, seed=seed).as_dict(),
            "confusion": metrics.confusion(readings, np.tile(spoken, draws)).tolist(),
        }
    return out


def variety(
    net: Draws,
    evaluator: AccuracyNet,
    features: Tensor,
    digits: Tensor,
    real: Images,
    *,
    seed: int = 0,
    real_features: np.ndarray | None = None,
) -> dict[str, float]:
    """Within-class diversity relative to handwriting (evaluator's features and pixels), greyness, Frechet distance.

    As a yardstick the same distance is given between two halves of the handwriting. ``real_features`` are the
    evaluator's of ``real``, if they are known already.
    """
    from a2d import metrics, training

    rng = training.stream(seed, "variety")
    rounds = max(1, -(-2000 // len(digits)))
    drawn = torch.cat([net.draw(features, rng) for _ in range(rounds)])
    labels = np.tile(digits.numpy(), rounds)
    fake = embed(evaluator, drawn)
    true = embed(evaluator, real.pixels) if real_features is None else real_features
    half = np.random.default_rng(seed).permutation(len(true))
    a, b = half[: len(half) // 2], half[len(half) // 2 :]
    pixels = real.pixels.reshape(len(real), -1) / 255.0
    flat = drawn.reshape(len(drawn), -1).numpy()
    return {
        "diversity": metrics.diversity(fake, labels, true, real.labels, seed=seed),
        "pixel_diversity": metrics.diversity(flat, labels, pixels, real.labels, seed=seed),
        "greyness": metrics.greyness(flat),
        "greyness_of_images": metrics.greyness(pixels),
        "frechet": metrics.frechet_distance(fake, true),
        "frechet_of_two_halves": metrics.frechet_distance(true[a], true[b]),
    }


def _pictures(
    model: Model[Any], evaluator: AccuracyNet, features: Tensor, digits: Tensor, seed: int, table: list[list[int]]
) -> dict[str, Picture]:
    """The report's figures (R14) for one generator."""
    from a2d import figures, training

    rng = training.stream(seed, "pictures")
    some = torch.from_numpy(np.random.default_rng(seed).choice(len(digits), min(32, len(digits)), replace=False))
    drawn = model.net.draw(features[some], rng)
    reading = read(evaluator, drawn)
    pictures = {
        "batch": figures.batch(drawn.numpy(), digits[some].numpy(), reading.digits, reading.confidence),
        "confusion": figures.confusion_matrix(table, title="spoken and read digits"),
    }
    if (grid := _class_grid(model.net, features, digits, rng)) is not None:
        pictures["grid"] = figures.grid(grid)
    history = _history_of(model)
    if "accuracy" in history:
        pictures["accuracy"] = figures.accuracy_while_training({"validation": history["accuracy"]})
    if "kl" in history:
        pictures["loss"] = figures.loss_terms({k: history[k] for k in ("reconstruction", "kl")})
    return pictures


def _class_grid(
    net: Draws, features: Tensor, digits: Tensor, rng: torch.Generator, columns: int = 16
) -> np.ndarray | None:
    """Drawings by class, ``(10, columns, 28, 28)``; None if a class is not spoken."""
    members = [torch.nonzero(digits == c)[:, 0] for c in range(10)]
    if not all(map(len, members)):
        return None
    shown = [some.repeat(-(-columns // len(some)))[:columns] for some in members]
    return torch.stack([net.draw(features[some], rng) for some in shown]).numpy()


def _history_of(model: Model[Any]) -> Any:
    """The history in the card beside a model, or nothing: figures of the training are left out without it."""
    try:
        return json.loads(model.card_path.read_text(encoding="utf-8")).get("history", {})
    except (OSError, ValueError):
        return {}


class GeneratorKind(Kind[GeneratorRecipe, AudioVAE]):
    """See :class:`~a2d.lab.kinds.Kind`. Another generator of this sort changes the recipe, ``build`` and the task."""

    recipe = GeneratorRecipe
    tables: ClassVar[Mapping[str, type]] = {"features": MfccConfig, "model": VaeConfig, "targets": TargetConfig}

    def build(self, tables: Mapping[str, Any]) -> AudioVAE:
        return AudioVAE(tables["model"])

    def task(self, recipe: GeneratorRecipe, setting: Setting) -> tuple[GeneratorTask, dict[str, Any]]:
        from a2d import datasets
        from a2d.io import tensorfile
        from a2d.lab import models
        from a2d.lab.kinds.spoken import images_for, set_for

        spoken = set_for(setting, recipe.features)
        written = datasets.load_images(images_for(spoken.data.name, setting.images))
        evaluator = models.load_evaluator(setting.evaluators[0])
        task = GeneratorTask(
            recipe,
            *spoken.part("train"),
            Targets(written.pixels, written.labels),
            seed=setting.seed,
            validation=spoken.part("val"),
            evaluator=evaluator.net,
        )
        images = {"name": written.name, "hash": written.content_hash, "n": len(written)}
        # "judge" is the word that shipped cards and checkpoints have.
        judge = {"sha256": tensorfile.file_hash(evaluator.path)}
        return task, {**spoken.facts, "images": images, "judge": judge}

    def evaluate(self, model: Model[AudioVAE], setting: Setting) -> tuple[dict[str, Any], dict[str, Picture]]:
        from a2d import datasets
        from a2d.errors import RecipeError
        from a2d.lab import models
        from a2d.lab.kinds.spoken import images_for, part_to_test

        spoken, features, digits, part = part_to_test(setting.data, model.features, model.meta, setting.progress)
        data = {"name": spoken.name, "hash": spoken.content_hash, "part": part, "n": len(digits)}
        names = [n for n in setting.evaluators if n not in ("evaluator", "finetuned") or n in models.names()]
        evaluators = {n: models.load_evaluator(n).net for n in names}
        if not evaluators:
            raise RecipeError("there is no evaluator to read by", where="--evaluator", hint="Train one first")
        read_by = read_drawings(model.net, evaluators, features, digits, seed=setting.seed)
        real = datasets.load_images(images_for(spoken.name, setting.images), "test")
        first, evaluator = next(iter(evaluators.items()))
        spread = variety(model.net, evaluator, features, digits, real, seed=setting.seed)
        pictures = _pictures(model, evaluator, features, digits, setting.seed, read_by[first]["confusion"])
        return {"data": data, "recognition": read_by, "variety": spread}, pictures


KIND = GeneratorKind()
