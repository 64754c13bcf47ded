"""The autoencoder in whose latent the flow runs: from an image to a few dozen numbers and back. Lecture 09."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from a2d.hands.common import CLASSES, PictureDecoder, PictureEncoder
from a2d.vae import bernoulli_nll, kl_divergence, reparameterise


def edge_error(images: Tensor, target: Tensor) -> Tensor:
    """Absolute error of the differences of neighbouring pixels, summed, ``(b, 28, 28)`` to ``(b,)``.

    A soft edge costs little per pixel, but its slope is wrong all along it. Source: the gradient difference loss of
    M. Mathieu, C. Couprie and Y. LeCun (2016), arXiv:1511.05440.
    """
    error = images - target
    return error.diff(dim=1).abs().sum((1, 2)) + error.diff(dim=2).abs().sum((1, 2))


class Reader(nn.Module):
    """A small classifier of images ``(b, 28, 28)``: scores ``(b, 10)``, and the maps that it makes on its way.

    It is trained beside the autoencoder, on real images only, and serves the training: no drawing passes through it.
    The evaluators have no part in it, and stay untouched.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.down1 = nn.Conv2d(1, channels, 4, stride=2, padding=1)
        self.down2 = nn.Conv2d(channels, 2 * channels, 4, stride=2, padding=1)
        self.fc = nn.Linear(2 * channels * 7 * 7, CLASSES)

    def forward(self, images: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        first = F.silu(self.down1(images[:, None] - 0.5))  # (b, 1, 28, 28) -> (b, c, 14, 14)
        second = F.silu(self.down2(first))  # (b, 2 c, 7, 7)
        return self.fc(second.flatten(1)).float(), (first.float(), second.float())

    def losses(self, images: Tensor, drawn: Tensor, digits: Tensor) -> tuple[Tensor, Tensor]:
        """How badly real images are read, and how far the maps of ``drawn`` are from theirs; ``(b,)`` each.

        The second term moves the drawings only: the reader is called with its parameters detached, and is not to learn
        to see no difference. Source: learned similarity, A. Larsen et al. (2016), arXiv:1512.09300; here the classes
        teach it, and not a discriminator.
        """
        scores, seen = self(images)
        frozen = {name: p.detach() for name, p in self.named_parameters()}
        _, again = functional_call(self, frozen, (drawn,))
        apart = [(a - b.detach()).abs().sum((1, 2, 3)) for a, b in zip(again, seen, strict=True)]
        return F.cross_entropy(scores, digits, reduction="none"), torch.stack(apart).sum(0)


class Autoencoder(nn.Module):
    """Images ``(b, 28, 28)`` to ``z (b, latent)``, and back to logits ``(b, 28, 28)``.

    ``contrast`` multiplies the logits of what is drawn, 1 in training; :meth:`fit_contrast` sets it.
    """

    contrast: Tensor

    def __init__(self, latent: int, channels: int):
        super().__init__()
        self.encoder = PictureEncoder(2 * latent, channels)
        self.decoder = PictureDecoder(latent, channels)
        self.register_buffer("contrast", torch.ones(()))

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Posterior's ``mu`` and ``logvar``, ``(b, latent)`` each."""
        mu, logvar = self.encoder(images).chunk(2, 1)
        return mu, logvar

    def decode(self, z: Tensor) -> Tensor:
        """Images in [0, 1], ``(b, 28, 28)``, for ``z (b, latent)``."""
        return (self.contrast * self.decoder(z)).sigmoid()

    @torch.inference_mode()
    def fit_contrast(self, z: Tensor, greyness: float) -> None:
        """Let drawings of ``z (n, latent)`` be as grey as handwriting, the mean of 4 y (1 - y) over pixels ``y``.

        What is left of the blur is a soft edge of the right place: one number for all pictures makes it as steep as
        handwriting's. Greyness falls as the contrast rises, so it is found by halving an interval.
        """
        logits, low, high = self.decoder(z), 0.5, 4.0
        for _ in range(20):
            middle = (low + high) / 2
            y = (middle * logits).sigmoid()
            low, high = (middle, high) if float((4 * y * (1 - y)).mean()) > greyness else (low, middle)
        self.contrast.fill_((low + high) / 2)

    def loss(
        self,
        images: Tensor,
        digits: Tensor,
        rng: torch.Generator,
        reader: Reader,
        *,
        cross_entropy: float,
        edge: float,
        seen: float,
        kl: float,
    ) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Loss per image ``(b,)``, the sampled ``z (b, latent)``, and the terms.

        Absolute error, plus ``cross_entropy``, ``edge`` and ``seen`` times the other three errors, plus ``kl`` times
        the KL term; and the reader's own loss, which moves the reader alone.
        The absolute error asks for the likeliest shade and so for crisp strokes; cross-entropy has a gradient where
        a pixel is wrong with certainty, and the absolute error has none there. The KL term is small: it keeps z from
        flying apart and leaves its shape to the flow (R. Rombach et al. 2022, arXiv:2112.10752, section 3.1).
        """
        mu, logvar = self.encode(images)
        z = reparameterise(mu, logvar, rng)
        logits = self.decoder(z)
        drawn = logits.sigmoid()
        reading, apart = reader.losses(images, drawn, digits) if seen else (images.new_zeros(1),) * 2
        terms = {
            "absolute": (drawn - images).abs().sum((1, 2)),
            "cross_entropy": bernoulli_nll(logits, images),
            "edge": edge_error(drawn, images),
            "seen": apart,
            "reading": reading,
            "kl": kl_divergence(mu, logvar),
        }
        weights = {
            "absolute": 1.0,
            "cross_entropy": cross_entropy,
            "edge": edge,
            "seen": seen,
            "reading": 1.0,
            "kl": kl,
        }
        return sum((weights[k] * v for k, v in terms.items()), torch.zeros_like(terms["kl"])), z, terms
