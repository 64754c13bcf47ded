"""A conditional VAE whose latent is to be the style alone, and how the digit leaks into it. Lecture 09, row a."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from a2d.errors import DataError, refuse
from a2d.hands.common import CLASSES, CONDITION, Hands, PictureDecoder, PictureEncoder, condition
from a2d.vae import Likelihood, bernoulli_nll, gaussian_nll, kl_divergence, laplace_nll, mean_image, reparameterise


@dataclass(frozen=True)
class StyleConfig:
    """Size and loss of :class:`StyleCVAE`.

    ``latent``: numbers of style; ``channels``: maps at 7 x 7 pixels; ``likelihood``, ``sigma`` and ``beta`` (weight of
    the KL term) as in :class:`~a2d.vae.VaeConfig`; ``warmup``: share of the training after which ``adversary``, the
    weight of the class adversary on z, has its full size; 0 trains without one.
    """

    latent: int = 16
    channels: int = 64
    likelihood: Likelihood = "laplace"
    sigma: float = 0.3
    beta: float = 1.0
    adversary: float = 0.0
    warmup: float = 0.2

    def __post_init__(self) -> None:
        problems = {
            "latent": self.latent >= 1,
            "channels": self.channels >= 4 and self.channels % 4 == 0,
            "likelihood": self.likelihood in get_args(Likelihood),
            "sigma": self.sigma > 0,
            "beta": self.beta >= 0,
            "adversary": self.adversary >= 0,
            "warmup": 0 <= self.warmup <= 1,
        }
        refuse(problems, self, "model")


class _Reverse(torch.autograd.Function):
    """Nothing on the way forward; on the way back the gradient is turned round and scaled."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradients[0], None


def reverse_gradient(x: Tensor, strength: float) -> Tensor:
    """``x`` as it is, with its gradient turned round: what lies above it learns, what lies below it unlearns.

    Source: Y. Ganin et al. (2016), arXiv:1505.07818, section 4.2.
    """
    out: Tensor = _Reverse.apply(x, strength)
    return out


class StyleCVAE(Hands):
    """Encoder (image, digit) -> z, decoder (z, digit) -> image.

    The decoder is told the digit, so z need not say it again. It does so all the same where the KL term is cheap, and
    then a hand drawn for one digit spoils another. Remedies: a dearer KL term, or an adversary that reads the digit
    from z while the encoder learns to give it nothing to read.
    """

    def __init__(self, config: StyleConfig):
        super().__init__(config.latent)
        self.config = config
        self.encoder = PictureEncoder(2 * config.latent, config.channels, CONDITION)
        self.decoder = PictureDecoder(config.latent + CONDITION, config.channels)
        self.adversary = nn.Sequential(nn.Linear(config.latent, 128), nn.ReLU(), nn.Linear(128, CLASSES))

    def encode(self, images: Tensor, digits: Tensor) -> tuple[Tensor, Tensor]:
        """Posterior's ``mu`` and ``logvar``, ``(b, latent)`` each, of images ``(b, 28, 28)`` of ``digits (b,)``."""
        known = condition(F.one_hot(digits, CLASSES).float(), self.ink(images, digits))
        mu, logvar = self.encoder(images, known).chunk(2, 1)
        return mu, logvar

    def output(self, says: Tensor, z: Tensor, weight: Tensor) -> Tensor:
        """The decoder's output ``(b, 28, 28)``: logits, or for a Gaussian likelihood means."""
        logits: Tensor = self.decoder(torch.cat([z, condition(says, weight)], 1))
        return logits

    def loss(
        self, images: Tensor, digits: Tensor, rng: torch.Generator, progress: float
    ) -> tuple[Tensor, dict[str, float]]:
        """Negative ELBO in nats per image, and the adversary's cross-entropy, whose gradient is turned round at z."""
        c = self.config
        mu, logvar = self.encode(images, digits)
        z = reparameterise(mu, logvar, rng)
        output = self.output(F.one_hot(digits, CLASSES).float(), z, self.ink(images, digits))
        if c.likelihood == "bernoulli":
            reconstruction = bernoulli_nll(output, images).mean()
        elif c.likelihood == "laplace":
            reconstruction = laplace_nll(output.sigmoid(), images, c.sigma).mean()
        else:
            reconstruction = gaussian_nll(output, images, c.sigma).mean()
        kl = kl_divergence(mu, logvar).mean()
        strength = c.adversary * (min(1.0, progress / c.warmup) if c.warmup else 1.0)
        reads = F.cross_entropy(self.adversary(reverse_gradient(z, strength)), digits)
        terms = {"reconstruction": reconstruction.item(), "kl": kl.item(), "adversary": reads.item()}
        return reconstruction + c.beta * kl + reads, terms

    def paint(self, says: Tensor, z: Tensor, weight: Tensor) -> Tensor:
        return mean_image(self.output(says, z, weight), self.config.likelihood)

    @torch.inference_mode()
    def style_of(self, images: Tensor, digits: Tensor) -> Tensor:
        """The hand ``(b, style_size)`` of images: the posterior's mean, and the stroke weight."""
        return torch.cat([self.encode(images, digits)[0], self.ink(images, digits)[:, None]], 1)


def class_leak(z: Tensor, digits: Tensor, seed: int = 0) -> float:
    """Share of digits that a linear probe reads from styles ``z (n, d)``: about 0.1 if nothing leaks, 1 if all does.

    The probe is fitted by least squares to one half and tested on the other (G. Alain and Y. Bengio 2016,
    arXiv:1610.01644). What leaks in a way that is not linear escapes it, so it tells the least that has leaked.
    """
    if z.ndim != 2 or digits.shape != z.shape[:1] or len(z) < 20:
        what = f"styles have shape {tuple(z.shape)}, digits {tuple(digits.shape)}"
        raise DataError(what, where="class_leak", hint="Give (n, d) and (n,), at least 20")
    order = torch.randperm(len(z), generator=torch.Generator().manual_seed(seed))
    fit, test = order.chunk(2)
    inputs = torch.cat([z, z.new_ones(len(z), 1)], 1).double()
    wanted = F.one_hot(digits[fit], CLASSES).double()
    gram = inputs[fit].T @ inputs[fit]
    # A hair of ridge, for a dimension that the VAE does not use.
    ridge = 1e-6 * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype)
    probe = torch.linalg.solve(gram + ridge, inputs[fit].T @ wanted)
    return float(((inputs[test] @ probe).argmax(1) == digits[test]).float().mean())
