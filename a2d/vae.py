"""The report's generator: a VAE from a mean-MFCC vector to an image, and its ELBO. Lectures 03 and 05.

All terms are in nats per image: natural logarithms, summed over the 784 pixels or the latent dimensions, averaged
over the images of the batch by whoever calls.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from a2d.errors import refuse
from a2d.layers import FeatureScaler, mlp

Likelihood = Literal["bernoulli", "gaussian"]


@dataclass(frozen=True)
class VaeConfig:
    """Size and loss of the generator.

    ``n_features``: length of the audio vector; ``hidden``: widths of the encoder's hidden layers; ``latent``: number
    of latent dimensions; ``channels``: feature maps of the decoder's first 7 x 7 layer; ``dropout`` in the encoder;
    ``noise``: standard deviation of Gaussian noise on the standardised features, in training only; ``beta``: weight of
    the KL term (1 is the ELBO), reached after the share ``warmup`` of the training; ``sigma``: standard deviation of
    the Gaussian likelihood, in units of full ink.
    """

    n_features: int = 40
    hidden: tuple[int, ...] = (256, 256)
    latent: int = 20
    channels: int = 32
    dropout: float = 0.0
    noise: float = 0.0
    likelihood: Likelihood = "bernoulli"
    beta: float = 1.0
    warmup: float = 0.0
    sigma: float = 0.3

    def __post_init__(self) -> None:
        problems = {
            "n_features": self.n_features >= 1,
            "hidden": len(self.hidden) >= 1 and min(self.hidden) >= 1,
            "latent": self.latent >= 1,
            "channels": self.channels >= 2,
            "dropout": 0 <= self.dropout < 1,
            "noise": self.noise >= 0,
            "likelihood": self.likelihood in ("bernoulli", "gaussian"),
            "beta": self.beta >= 0,
            "warmup": 0 <= self.warmup <= 1,
            "sigma": self.sigma > 0,
        }
        refuse(problems, self, "model")


class Encoder(nn.Module):
    """MLP from standardised audio features ``(b, n_features)`` to ``mu`` and ``logvar``, ``(b, latent)`` each."""

    def __init__(self, config: VaeConfig):
        super().__init__()
        widths = [config.n_features, *config.hidden]
        self.body = mlp(widths, config.dropout)
        self.head = nn.Linear(widths[-1], 2 * config.latent)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        mu, logvar = self.head(self.body(features)).chunk(2, dim=-1)
        return mu, logvar


class Decoder(nn.Module):
    """Transposed convolutions from ``z (b, latent)`` to pixel logits ``(b, 28, 28)``: 7 x 7, 14 x 14, 28 x 28.

    Kernels of 4 at stride 2 cover each output pixel equally often, which avoids checkerboards (lecture 05); only
    pixels at the border are reached less, as half of the kernel lies outside there.
    """

    def __init__(self, config: VaeConfig):
        super().__init__()
        c = config.channels
        self.channels = c
        self.fc = nn.Linear(config.latent, c * 7 * 7)
        self.up1 = nn.ConvTranspose2d(c, c // 2, 4, stride=2, padding=1)
        self.up2 = nn.ConvTranspose2d(c // 2, 1, 4, stride=2, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        x = F.relu(self.fc(z)).view(-1, self.channels, 7, 7)
        return self.up2(F.relu(self.up1(x)))[:, 0]


class AudioVAE(nn.Module):
    """Encoder on sound, decoder to images; it takes raw features ``(b, n_features)`` and standardises them itself."""

    def __init__(self, config: VaeConfig):
        super().__init__()
        self.config = config
        self.scaler = FeatureScaler(config.n_features)
        self.encoder, self.decoder = Encoder(config), Decoder(config)

    def encode(self, features: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Posterior's ``mu`` and ``logvar``, ``(b, latent)`` each; in training with noise on the features."""
        noise = self.config.noise if self.training else 0.0
        return self.encoder(self.scaler(features, noise, generator))

    def decode(self, z: Tensor) -> Tensor:
        """Mean image in [0, 1], ``(b, 28, 28)``."""
        logits = self.decoder(z)
        return logits.sigmoid() if self.config.likelihood == "bernoulli" else logits.clamp(0, 1)

    def forward(self, features: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        mu, logvar = self.encode(features, generator)
        return self.decoder(reparameterise(mu, logvar, generator)), mu, logvar

    @torch.inference_mode()
    def draw(self, features: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Images in [0, 1] for features ``(b, n_features)``; ``generator`` samples z, None takes its mean.

        Dropout and noise are switched off; the model's mode is the same afterwards as it was before.
        """
        was_training = self.training
        self.eval()
        try:
            mu, logvar = self.encode(features)
            return self.decode(mu if generator is None else reparameterise(mu, logvar, generator))
        finally:
            self.train(was_training)


def reparameterise(mu: Tensor, logvar: Tensor, generator: torch.Generator) -> Tensor:
    """A sample ``z = mu + exp(logvar / 2) * eps`` with ``eps ~ N(0, 1)``, differentiable in ``mu`` and ``logvar``.

    Source: D. Kingma and M. Welling (2014), arXiv:1312.6114, section 2.4.
    """
    eps = torch.randn(mu.shape, generator=generator, dtype=mu.dtype)
    return mu + torch.exp(0.5 * logvar) * eps


def kl_divergence(mu: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mu, exp(logvar)) || N(0, 1)) in nats, summed over the latent dimensions: ``(b, d)`` to ``(b,)``.

    Source: Kingma and Welling (2014), appendix B.
    """
    return 0.5 * (mu.square() + logvar.exp() - 1.0 - logvar).sum(-1)


def bernoulli_nll(logits: Tensor, target: Tensor) -> Tensor:
    """Binary cross-entropy in nats per image, summed over pixels: logits and target ``(b, 28, 28)`` to ``(b,)``.

    For grey targets in (0, 1) this is a cross-entropy, not the negative logarithm of a probability: its least
    possible value is the targets' own entropy, not 0 (lecture 03).
    """
    return F.binary_cross_entropy_with_logits(logits, target, reduction="none").sum((-2, -1))


def gaussian_nll(mean: Tensor, target: Tensor, sigma: float) -> Tensor:
    """Negative log-density of N(mean, sigma^2) in nats per image, summed over pixels, ``(b, 28, 28)`` to ``(b,)``."""
    constant = math.log(sigma) + 0.5 * math.log(2 * math.pi)
    return (0.5 * ((target - mean) / sigma).square() + constant).sum((-2, -1))


class Elbo(NamedTuple):
    """The terms of the negative ELBO, each ``(b,)`` in nats per image; ``loss = reconstruction + beta * kl``."""

    reconstruction: Tensor
    kl: Tensor
    loss: Tensor


def beta_at(config: VaeConfig, progress: float) -> float:
    """Weight of the KL term after the share ``progress`` of the training: it rises in a line, then stays.

    A KL term that is weak at first keeps the decoder from learning to ignore z (S. Bowman et al. 2016).
    """
    return config.beta if progress >= config.warmup else config.beta * progress / config.warmup


def negative_elbo(
    output: Tensor, target: Tensor, mu: Tensor, logvar: Tensor, config: VaeConfig, progress: float = 1.0
) -> Elbo:
    """Negative ELBO of decoder outputs (logits or means) against target images ``(b, 28, 28)``.

    The sum of a reconstruction term and ``config.beta`` times the KL term; beta = 1 is the evidence lower bound
    (Kingma and Welling 2014), another beta is a beta-VAE (I. Higgins et al. 2017). ``progress`` is for :func:`beta_at`.
    """
    if config.likelihood == "bernoulli":
        reconstruction = bernoulli_nll(output, target)
    else:
        reconstruction = gaussian_nll(output, target, config.sigma)
    kl = kl_divergence(mu, logvar)
    return Elbo(reconstruction, kl, reconstruction + beta_at(config, progress) * kl)
