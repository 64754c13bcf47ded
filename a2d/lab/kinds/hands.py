"""The kinds ``hands``, ``style-cvae``, ``vae-gan`` and ``cgan``: generators that are told the digit. Lecture 09."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from a2d import training
from a2d.evaluator import AccuracyNet, read
from a2d.hands.adversarial import ConditionalGan, GanConfig, VaeGan, VaeGanConfig
from a2d.hands.common import Hands
from a2d.hands.flow import FlowConfig, FlowHands
from a2d.hands.style import StyleConfig, StyleCVAE
from a2d.lab.kinds import Kind, Recipe, Setting

if TYPE_CHECKING:
    from a2d.datasets import Images
    from a2d.figures import Picture
    from a2d.lab.models import Model


@dataclass(frozen=True)
class FlowRecipe(Recipe):
    """A flow in an autoencoder's latent."""

    model: FlowConfig


@dataclass(frozen=True)
class StyleRecipe(Recipe):
    """A conditional VAE."""

    model: StyleConfig


@dataclass(frozen=True)
class VaeGanRecipe(Recipe):
    """A conditional VAE in adversarial training."""

    model: VaeGanConfig


@dataclass(frozen=True)
class GanRecipe(Recipe):
    """A conditional GAN."""

    model: GanConfig


class HandsTask:
    """Training of hands on images and their digits; no sound is needed, as what they are told is the digit.

    ``make`` builds the network. ``evaluator`` reads 500 drawings after each epoch, for the log; it chooses nothing.
    """

    def __init__(self, make: Callable[[], Hands], images: Images, *, seed: int, evaluator: AccuracyNet | None = None):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.model = make()
        self.pixels, self.digits = torch.tensor(images.pixels), torch.tensor(images.labels)
        self.model.ink.fit(self.pixels.float() / 255, self.digits)
        self.n_items, self.evaluator = len(images), evaluator

    def loss(self, indices: Tensor, rng: torch.Generator, progress: float) -> tuple[Tensor, dict[str, float]]:
        """The network's own loss, mean over the batch."""
        device = self.model.device
        images = self.pixels[indices].to(device).float() / 255
        with training.half_precision(device):
            return self.model.loss(images, self.digits[indices].to(device), rng, progress)

    def validate(self, rng: torch.Generator) -> dict[str, float]:
        """Share of drawings that the evaluator reads as what was asked for; the contrast is set first."""
        some = torch.randperm(self.n_items, generator=rng)[:2000]
        images = self.pixels[some].to(self.model.device).float() / 255
        self.model.settle(images, self.digits[some].to(self.model.device), rng)
        if self.evaluator is None:
            return {}
        asked = torch.arange(500) % 10
        return {"accuracy": float((read(self.evaluator, self.model.draw(asked, rng)).digits == asked.numpy()).mean())}


class HandsKind(Kind[Any, Hands]):
    """See :class:`~a2d.lab.kinds.Kind`: one object for each sort of hands, told by its recipe, settings and network."""

    def __init__(self, recipe: type[Recipe], config: type, network: Callable[[Any], Hands]):
        self.recipe, self.network = recipe, network
        self.tables = {"model": config}  # type: ignore[misc]  # of this object: each sort has its own

    def build(self, tables: Mapping[str, Any]) -> Hands:
        return self.network(tables["model"])

    def task(self, recipe: Any, setting: Setting) -> tuple[HandsTask, dict[str, Any]]:
        from a2d import datasets
        from a2d.lab import models

        images = datasets.load_images(setting.data)
        evaluator = models.load_evaluator(setting.evaluators[0]).net
        data = {"name": setting.data, "hash": images.content_hash, "n": len(images)}
        task = HandsTask(lambda: self.network(recipe.model), images, seed=setting.seed, evaluator=evaluator)
        return task, {"data": data}

    def evaluate(self, model: Model[Hands], setting: Setting) -> tuple[dict[str, Any], dict[str, Picture]]:
        from a2d import datasets, figures
        from a2d.errors import RecipeError
        from a2d.lab import models
        from a2d.lab.kinds.generator import read_drawings, variety

        images = datasets.load_images(setting.data, "test")
        names = [n for n in setting.evaluators if n not in ("evaluator", "finetuned") or n in models.names()]
        evaluators = {n: models.load_evaluator(n).net for n in names}
        if not evaluators:
            raise RecipeError("there is no evaluator to read by", where="--evaluator", hint="Train one first")
        asked = torch.arange(1000) % 10
        read_by = read_drawings(model.net, evaluators, asked, asked, seed=setting.seed)
        first, evaluator = next(iter(evaluators.items()))
        spread = variety(model.net, evaluator, asked, asked, images, seed=setting.seed)
        rows = torch.arange(10).repeat_interleave(16)
        drawn = model.net.draw(rows, training.stream(setting.seed, "pictures"))
        table = np.asarray(read_by[first]["confusion"])
        pictures = {
            "grid": figures.grid(drawn.reshape(10, 16, 28, 28).numpy()),
            "confusion": figures.confusion_matrix(table, title="asked and read digits"),
        }
        data = {"name": setting.data, "part": "test", "n": len(images)}
        return {"data": data, "recognition": read_by, "variety": spread}, pictures


KIND = HandsKind(FlowRecipe, FlowConfig, FlowHands)
STYLE = HandsKind(StyleRecipe, StyleConfig, StyleCVAE)
VAE_GAN = HandsKind(VaeGanRecipe, VaeGanConfig, VaeGan)
GAN = HandsKind(GanRecipe, GanConfig, ConditionalGan)
