"""What all hands have in common: what they are asked for, how bold a stroke is, and the convolutions they share.

Every generator of lecture 09 has the same encoder and decoder, so that a comparison is one of objectives.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from a2d.ears import standard_normal
from a2d.errors import DataError

CLASSES = 10
CONDITION = CLASSES + 1
"""Numbers that tell a hand what to draw: ten for the digit, one for the stroke weight."""


def as_says(says: Tensor) -> Tensor:
    """What the ear says, as float32 probabilities ``(b, 10)``; digits, int64 ``(b,)``, are taken as certain.

    Raises :class:`~a2d.errors.DataError` for another shape, digits outside 0-9 and rows that do not sum to 1.
    """
    hint = "Give probabilities (b, 10) whose rows sum to 1, or whole digits (b,)"
    if says.ndim == 1 and not says.is_floating_point() and says.dtype != torch.bool:
        if says.numel() and not 0 <= int(says.min()) <= int(says.max()) < CLASSES:
            raise DataError("digits must be from 0 to 9", where="says", hint=hint)
        return F.one_hot(says.long(), CLASSES).float()
    if says.ndim != 2 or says.shape[1] != CLASSES or not says.is_floating_point():
        raise DataError(f"shape {tuple(says.shape)}, type {says.dtype} will not do", where="says", hint=hint)
    # A NaN fails both comparisons.
    if not ((says >= -1e-6).all() and ((says.sum(1) - 1).abs() < 1e-3).all()):
        raise DataError("these are no probabilities", where="says", hint=hint)
    return says.float().clamp(min=0)


class Ink(nn.Module):
    """Mean and spread of the ink of each class, kept as buffers: they turn a picture's ink into a *stroke weight*.

    Ink is the mean of an image's pixels; the weight is its z-score among images of the same digit, as an 8 has more
    ink than a 1 whoever writes it.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(CLASSES))
        self.register_buffer("spread", torch.ones(CLASSES))

    def fit(self, images: Tensor, digits: Tensor) -> None:
        """Take mean and standard deviation from images ``(n, 28, 28)`` in [0, 1] and digits ``(n,)``."""
        for c in range(CLASSES):
            ink = images[digits == c].mean((1, 2))
            if len(ink) < 2 or not ink.std() > 0:
                raise DataError(f"there are no two images of a {c} that differ in ink", where="images")
            self.mean[c], self.spread[c] = ink.mean(), ink.std()

    def forward(self, images: Tensor, digits: Tensor) -> Tensor:
        """Stroke weight of images ``(b, 28, 28)`` of ``digits (b,)``: ``(b,)``, about 0, spread about 1."""
        return (images.mean((1, 2)) - self.mean[digits]) / self.spread[digits]


class Hands(nn.Module, ABC):
    """A generator that draws digits ``(b, 28, 28)`` in [0, 1] for what an ear has heard.

    A *hand* (style) is ``latent + 1`` numbers from N(0, 1): ``latent`` for how somebody writes, and last the stroke
    weight. The same hand with another digit is the same writer's. Lecture 09.
    """

    def __init__(self, latent: int):
        super().__init__()
        self.latent, self.ink = latent, Ink()

    @property
    def style_size(self) -> int:
        """How many numbers a hand has: the latent's and the stroke weight."""
        return self.latent + 1

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.parameters()).device

    @abstractmethod
    def loss(
        self, images: Tensor, digits: Tensor, rng: torch.Generator, progress: float
    ) -> tuple[Tensor, dict[str, float]]:
        """What is made small: mean over images ``(b, 28, 28)`` of ``digits (b,)``; and its terms, for the log."""

    def settle(self, images: Tensor, digits: Tensor, rng: torch.Generator) -> None:
        """Set what is measured and not trained, from some training images ``(n, 28, 28)`` of ``digits (n,)``."""

    @abstractmethod
    def paint(self, says: Tensor, z: Tensor, weight: Tensor) -> Tensor:
        """Images ``(b, 28, 28)`` for ``says (b, 10)``, ``z (b, latent)`` and stroke weights ``(b,)``."""

    @torch.inference_mode()
    def draw(
        self,
        says: Tensor,
        rng: torch.Generator | None = None,
        style: Tensor | None = None,
        weight: Tensor | None = None,
    ) -> Tensor:
        """Images in [0, 1], ``(b, 28, 28)``, for class probabilities ``says (b, 10)``, or for digits ``(b,)``.

        ``style (b, style_size)``: the hand; else ``rng`` draws one for each picture, None takes the mean hand (zeros).
        ``weight (b,)``: the stroke weight in standard deviations, instead of the hand's own. The model's mode is the
        same afterwards as it was before. Raises :class:`~a2d.errors.DataError` for shapes or values that will not do.
        """
        wanted = as_says(says)
        if style is None:
            empty = wanted.new_zeros(len(wanted), self.style_size)
            style = empty if rng is None else standard_normal(empty, rng)
        z, own = _checked(style, (len(wanted), self.style_size), "style").split([self.latent, 1], 1)
        bold = own[:, 0] if weight is None else _checked(weight, (len(wanted),), "weight")
        was_training = self.training
        self.eval()
        try:
            images = self.paint(*(x.to(self.device) for x in (wanted, z, bold)))
            return images.to(says.device)
        finally:
            self.train(was_training)


def _checked(x: Tensor, shape: tuple[int, ...], where: str) -> Tensor:
    if tuple(x.shape) != shape or not x.isfinite().all():
        what = f"shape {tuple(x.shape)} will not do, or not all of it is finite"
        raise DataError(what, where=where, hint=f"Give finite numbers of shape {shape}")
    return x.float()


def condition(says: Tensor, weight: Tensor) -> Tensor:
    """What to draw, as the networks take it: ``(b, 10)`` and ``(b,)`` to ``(b, 11)``."""
    return torch.cat([says, weight[:, None]], 1)


class Residual(nn.Module):
    """Two 3x3 convolutions whose result is added to their input, ``(b, c, h, w)``: it begins near the identity.

    Source: K. He et al. (2016), arXiv:1603.05027.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        change: Tensor = self.second(F.silu(self.first(F.silu(x))))
        return x + change


class PictureEncoder(nn.Module):
    """Images ``(b, 28, 28)`` and what is known of them ``(b, known)`` to ``size`` numbers, ``(b, size)``.

    ``channels`` maps of 7 x 7 pixels are where it is widest.
    """

    def __init__(self, size: int, channels: int, known: int = 0):
        super().__init__()
        self.down1 = nn.Conv2d(1, channels // 2, 4, stride=2, padding=1)
        self.down2 = nn.Conv2d(channels // 2, channels, 4, stride=2, padding=1)
        self.residual = Residual(channels)
        self.fc = nn.Linear(channels * 7 * 7 + known, size)

    def forward(self, images: Tensor, known: Tensor | None = None) -> Tensor:
        x = F.silu(self.down1(images[:, None] - 0.5))  # (b, 1, 28, 28) -> (b, c / 2, 14, 14)
        x = F.silu(self.residual(self.down2(x))).flatten(1)  # (b, c, 7, 7) -> (b, 49 c)
        out: Tensor = self.fc(x if known is None else torch.cat([x, known], 1)).float()  # losses are not for 16 bits
        return out


class PictureDecoder(nn.Module):
    """``size`` numbers ``(b, size)`` to pixel logits ``(b, 28, 28)``: 7 x 7, 14 x 14, 28 x 28."""

    def __init__(self, size: int, channels: int):
        super().__init__()
        self.channels = channels
        self.fc = nn.Linear(size, channels * 7 * 7)
        self.residual = Residual(channels)
        self.up1 = nn.ConvTranspose2d(channels, channels // 2, 4, stride=2, padding=1)
        self.up2 = nn.ConvTranspose2d(channels // 2, channels // 4, 4, stride=2, padding=1)
        self.out = nn.Conv2d(channels // 4, 1, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        x = self.residual(self.fc(z).view(-1, self.channels, 7, 7))  # (b, size) -> (b, c, 7, 7)
        x = F.silu(self.up1(F.silu(x)))  # (b, c / 2, 14, 14)
        x = F.silu(self.up2(x))  # (b, c / 4, 28, 28)
        logits: Tensor = self.out(x)[:, 0].float()
        return logits
