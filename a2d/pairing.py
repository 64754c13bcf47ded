"""The same-class random target: which image each recording is compared with. Lecture 04.

The report draws, for a recording of class c, an image at random from all images of class c, anew each time. The
two other rules here are what it must be compared with: a fixed image for each recording, and the class mean.

>>> pixels = np.arange(20, dtype=np.uint8)[:, None, None].repeat(28, 1).repeat(28, 2)
>>> targets = Targets(pixels, np.arange(20) % 10)  # images 3 and 13 are of class 3
>>> rng = torch.Generator().manual_seed(0)
>>> {round(255 * float(x[0, 0])) for x in targets.random(torch.full((50,), 3), rng)}
{3, 13}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from a2d.errors import DataError, RecipeError

Rule = Literal["random", "fixed", "mean"]


@dataclass(frozen=True)
class TargetConfig:
    """Which image a recording is compared with: ``rule`` is ``random`` (the report's), ``fixed`` or ``mean``.

    ``draws``: how many random images are averaged at each step (see :meth:`Targets.random`).
    """

    rule: Rule = "random"
    draws: int = 1

    def __post_init__(self) -> None:
        if self.rule not in ("random", "fixed", "mean"):
            raise RecipeError(f"rule = {self.rule!r} is unknown", where="targets", hint="Use random, fixed or mean")
        if self.draws < 1:
            raise RecipeError(f"draws = {self.draws} makes no sense", where="targets", hint="Use 1 or more")


class Targets:
    """Images sorted by class, from which targets for spoken classes are drawn without a loop.

    Parameters
    ----------
    pixels : uint8 ``(n, 28, 28)``, ink is 255.
    labels : int64 ``(n,)``, 0-9.

    Raises :class:`~a2d.errors.DataError` when the shapes do not fit.
    """

    def __init__(self, pixels: np.ndarray | Tensor, labels: np.ndarray | Tensor):
        pixels, labels = torch.tensor(np.asarray(pixels)), torch.tensor(np.asarray(labels)).long()
        if pixels.ndim != 3 or pixels.dtype != torch.uint8 or labels.shape != pixels.shape[:1]:
            raise DataError(
                f"pixels have shape {tuple(pixels.shape)} and type {pixels.dtype}, labels {tuple(labels.shape)}",
                where="targets",
                hint="Give uint8 (n, 28, 28) and int64 (n,)",
            )
        order = torch.argsort(labels, stable=True)
        self.pixels = pixels[order]
        self.counts = torch.bincount(labels, minlength=10)
        self.first = self.counts.cumsum(0) - self.counts
        self._complete = bool((self.counts > 0).all())

    def _check(self, classes: Tensor) -> None:
        if len(classes) and (int(classes.min()) < 0 or int(classes.max()) > 9):
            raise DataError("classes must be 0 to 9", where="targets", hint="Give the spoken digits")
        if not self._complete and len(classes) and int(self.counts[classes].min()) == 0:
            missing = sorted(set(classes[self.counts[classes] == 0].tolist()))
            raise DataError(
                f"there is no image of class {', '.join(map(str, missing))}",
                where="targets",
                hint="Use images of all classes that are spoken",
            )

    def indices(self, classes: Tensor, rng: torch.Generator) -> Tensor:
        """One image index per spoken class ``(b,)``, uniform over that class's images, independent of each other."""
        self._check(classes)
        # double: float32 has too few bits to reach every one of some thousand images equally often
        u = torch.rand(len(classes), generator=rng, dtype=torch.float64)
        return self.first[classes] + (u * self.counts[classes]).long()

    def random(self, classes: Tensor, rng: torch.Generator, draws: int = 1) -> Tensor:
        """The report's rule: images in [0, 1], float32 ``(b, 28, 28)``, drawn anew at each call.

        With several ``draws`` the mean of so many independent images is returned. Binary cross-entropy is linear in
        its target, and squared error is up to a constant that has no gradient, so the loss against the mean of k
        draws has the gradient of the mean of k losses: the report's objective with a k-th of its target's variance.
        """
        picked = self.pixels[self.indices(classes.repeat(draws), rng)]
        if draws == 1:
            return picked.float() / 255
        return picked.view(draws, len(classes), *picked.shape[1:]).sum(0, dtype=torch.float32).div_(draws * 255)

    def fixed(self, classes: Tensor, items: Tensor, seed: int) -> Tensor:
        """One image per recording, always the same: its number in ``items (b,)`` and a seed choose it."""
        self._check(classes)
        u = _hash_uniform(items, seed)
        return self.pixels[self.first[classes] + (u * self.counts[classes]).long()].float() / 255

    def means(self) -> Tensor:
        """The mean image of each class, float32 ``(10, 28, 28)``: the best picture under a pixel-wise loss."""
        sums = torch.zeros(10, *self.pixels.shape[1:], dtype=torch.float64)
        for c in range(10):
            sums[c] = self.pixels[self.first[c] : self.first[c] + self.counts[c]].double().sum(0)
        return (sums / self.counts.clamp(min=1)[:, None, None] / 255).float()

    def mean(self, classes: Tensor) -> Tensor:
        """The class mean of each spoken class, ``(b, 28, 28)``."""
        self._check(classes)
        return self.means()[classes]


def _hash_uniform(items: Tensor, seed: int) -> Tensor:
    """A number in [0, 1) for each item: SplitMix64 of item and seed, so no table of draws has to be kept."""
    x = items.numpy().astype(np.uint64) + np.uint64(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0])
    with np.errstate(over="ignore"):
        x = x * np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return torch.from_numpy(((x ^ (x >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) / 2**53)
