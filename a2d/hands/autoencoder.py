"""The autoencoder in whose latent the flow runs: from an image to a few dozen numbers and back. Lecture 09."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from a2d.hands.common import PictureDecoder, PictureEncoder
from a2d.vae import bernoulli_nll, kl_divergence, reparameterise


def edge_error(images: Tensor, target: Tensor) -> Tensor:
    """Absolute error of the differences of neighbouring pixels, summed, ``(b, 28, 28)`` to ``(b,)``.

    A soft edge costs little per pixel, but its slope is wrong all along it. Source: the gradient difference loss of
    M. Mathieu, C. Couprie and Y. LeCun (2016), arXiv:1511.05440.
    """
    error = images - target
    return error.diff(dim=1).abs().sum((1, 2)) + error.diff(dim=2).abs().sum((1, 2))


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
        self, images: Tensor, rng: torch.Generator, *, cross_entropy: float, edge: float, kl: float
    ) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Loss per image ``(b,)``, the sampled ``z (b, latent)``, and the terms.

        Absolute error, plus ``cross_entropy`` and ``edge`` times the other two errors, plus ``kl`` times the KL term.
        The absolute error asks for the likeliest shade and so for crisp strokes; cross-entropy has a gradient where
        a pixel is wrong with certainty, and the absolute error has none there. The KL term is small: it keeps z from
        flying apart and leaves its shape to the flow (R. Rombach et al. 2022, arXiv:2112.10752, section 3.1).
        """
        mu, logvar = self.encode(images)
        z = reparameterise(mu, logvar, rng)
        logits = self.decoder(z)
        drawn = logits.sigmoid()
        terms = {
            "absolute": (drawn - images).abs().sum((1, 2)),
            "cross_entropy": bernoulli_nll(logits, images),
            "edge": edge_error(drawn, images),
            "kl": kl_divergence(mu, logvar),
        }
        weights = {"absolute": 1.0, "cross_entropy": cross_entropy, "edge": edge, "kl": kl}
        return torch.stack([weights[k] * v for k, v in terms.items()]).sum(0), z, terms
