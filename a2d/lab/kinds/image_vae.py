"""The kind ``image-vae``: VAEs from an image to itself, one for each weight of the KL term. Lecture 03."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from a2d.lab.kinds import Kind, Recipe, Setting
from a2d.vae import BetaSweep, ImageVaeConfig, SweepConfig, elbo_terms, negative_elbo

if TYPE_CHECKING:
    from a2d.datasets import Images
    from a2d.figures import Picture
    from a2d.lab.models import Model


@dataclass(frozen=True)
class ImageVaeRecipe(Recipe):
    """An image to itself: which VAE, and for which weights of the KL term."""

    model: ImageVaeConfig
    sweep: SweepConfig


class ImageVaeTask:
    """Training of image VAEs, one for each beta of the recipe's sweep, on the same batches of handwritten digits."""

    def __init__(self, recipe: ImageVaeRecipe, images: Images, *, seed: int):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.model = BetaSweep(recipe.model, recipe.sweep.betas)
        self.pixels, self.n_items = torch.tensor(images.pixels), len(images)

    def loss(self, indices: Tensor, rng: torch.Generator, progress: float) -> tuple[Tensor, dict[str, float]]:
        """Sum over the models of the negative ELBO (each has its own weights, so each gets its own gradient)."""
        images = self.pixels[indices].to(self.model.device).float() / 255
        losses, logged = [], {}
        for vae, (output, mu, logvar) in zip(self.model.each, self.model(images, rng), strict=True):
            terms = negative_elbo(output, images, mu, logvar, vae.config, progress)
            losses.append(terms.loss.mean())
            name = f"beta {vae.config.beta:g}"
            logged[f"reconstruction, {name}"] = terms.reconstruction.mean().item()
            logged[f"kl, {name}"] = terms.kl.mean().item()
        return torch.stack(losses).sum(), logged

    def validate(self, rng: torch.Generator) -> dict[str, float]:
        """Nothing is chosen by looking."""
        return {}


class ImageVaeKind(Kind[ImageVaeRecipe, BetaSweep]):
    """See :class:`~a2d.lab.kinds.Kind`."""

    recipe = ImageVaeRecipe
    tables: ClassVar[Mapping[str, type]] = {"model": ImageVaeConfig, "sweep": SweepConfig}

    def build(self, tables: Mapping[str, Any]) -> BetaSweep:
        return BetaSweep(tables["model"], tables["sweep"].betas)

    def task(self, recipe: ImageVaeRecipe, setting: Setting) -> tuple[ImageVaeTask, dict[str, Any]]:
        from a2d import datasets

        images = datasets.load_images(setting.data)
        data = {"name": setting.data, "hash": images.content_hash, "n": len(images)}
        return ImageVaeTask(recipe, images, seed=setting.seed), {"data": data}

    def evaluate(self, model: Model[BetaSweep], setting: Setting) -> tuple[dict[str, Any], dict[str, Picture]]:
        from a2d import datasets, training

        images = datasets.load_images(setting.data, "test")
        pixels = torch.tensor(images.pixels).float() / 255
        # The same noise for each.
        terms = {
            f"beta {vae.config.beta:g}": elbo_terms(vae, pixels, training.stream(setting.seed, "reading"))
            for vae in model.net.each
        }
        data = {"name": setting.data, "part": "test", "n": len(images)}
        return {"data": data, "terms": terms}, {}


KIND = ImageVaeKind()
