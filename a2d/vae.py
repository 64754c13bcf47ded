"""The report's generator: a VAE from a mean-MFCC vector to an image, and its ELBO. Lectures 03 and 05.

Beside it stands the VAE that lecture 03 looks into: from an image to the same image, with a latent of two dimensions.

All terms are in nats per image: natural logarithms, summed over the 784 pixels or the latent dimensions, averaged
over the images of the batch by whoever calls.

>>> kl_divergence(torch.zeros(1, 20), torch.zeros(1, 20))  # a posterior that is the prior says nothing
tensor([0.])
>>> AudioVAE(VaeConfig()).draw(torch.zeros(2, 40)).shape
torch.Size([2, 28, 28])
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from a2d.ears import FeatureScaler, mlp, standard_normal
from a2d.errors import ModelError, RecipeError, refuse

Likelihood = Literal["bernoulli", "gaussian", "laplace"]


@dataclass(frozen=True)
class VaeConfig:
    """Size and loss of the generator.

    ``n_features``: length of the audio vector; ``hidden``: widths of the encoder's hidden layers; ``latent``: number
    of latent dimensions; ``channels``: feature maps of the decoder's first 7 x 7 layer; ``dropout`` in the encoder;
    ``noise``: standard deviation of Gaussian noise on the standardised features, in training only; ``beta``: weight of
    the KL term (1 is the ELBO), reached after the share ``warmup`` of the training; ``sigma``: standard deviation of
    the Gaussian likelihood, or scale of the Laplace one, in units of full ink.
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
            "likelihood": self.likelihood in get_args(Likelihood),
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
        mu, logvar = self.head(self.body(features)).chunk(2, dim=-1)  # (b, 2 d) -> (b, d), (b, d)
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
        x = F.relu(self.fc(z)).view(-1, self.channels, 7, 7)  # (b, d) -> (b, c, 7, 7)
        x = F.relu(self.up1(x))  # (b, c / 2, 14, 14)
        logits: Tensor = self.up2(x)  # (b, 1, 28, 28)
        return logits[:, 0]


class AudioVAE(nn.Module):
    """Encoder on sound, decoder to images; it takes raw features ``(b, n_features)`` and standardises them itself."""

    def __init__(self, config: VaeConfig):
        super().__init__()
        self.config = config
        self.scaler = FeatureScaler(config.n_features)
        self.encoder, self.decoder = Encoder(config), Decoder(config)

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.parameters()).device

    def encode(self, features: Tensor, rng: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Posterior's ``mu`` and ``logvar``, ``(b, latent)`` each; in training with noise on the features."""
        noise = self.config.noise if self.training else 0.0
        return self.encoder(self.scaler(features, noise, rng))

    def decode(self, z: Tensor) -> Tensor:
        """Mean image in [0, 1], ``(b, 28, 28)``."""
        return mean_image(self.decoder(z), self.config.likelihood)

    def forward(self, features: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        mu, logvar = self.encode(features, rng)
        return self.decoder(reparameterise(mu, logvar, rng)), mu, logvar

    @torch.inference_mode()
    def draw(self, features: Tensor, rng: torch.Generator | None = None) -> Tensor:
        """Images in [0, 1] for features ``(b, n_features)``; ``rng`` samples z, None takes its mean.

        Dropout and noise are switched off; the model's mode is the same afterwards as it was before.
        """
        was_training = self.training
        self.eval()
        try:
            mu, logvar = self.encode(features.to(self.device))
            return self.decode(mu if rng is None else reparameterise(mu, logvar, rng)).to(features.device)
        finally:
            self.train(was_training)


def mean_image(output: Tensor, likelihood: Likelihood) -> Tensor:
    """From a decoder's output (logits; or Gaussian means, which may leave [0, 1]) to the image in [0, 1]."""
    return output.clamp(0, 1) if likelihood == "gaussian" else output.sigmoid()


def reparameterise(mu: Tensor, logvar: Tensor, rng: torch.Generator) -> Tensor:
    """A sample ``z = mu + exp(logvar / 2) * eps`` with ``eps ~ N(0, 1)``, differentiable in ``mu`` and ``logvar``.

    Source: D. Kingma and M. Welling (2014), arXiv:1312.6114, section 2.4.
    """
    return mu + torch.exp(0.5 * logvar) * standard_normal(mu, rng)


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


def laplace_nll(median: Tensor, target: Tensor, scale: float) -> Tensor:
    """Negative log-density of the Laplace distribution in nats per image, ``(b, 28, 28)`` to ``(b,)``.

    The absolute error over ``scale``, and a constant: it is least for the *median* of the targets, which for images
    of one class is nearly black and white, where cross-entropy and squared error ask for their grey mean. Lecture 04.
    """
    return ((target - median).abs() / scale + math.log(2 * scale)).sum((-2, -1))


class Elbo(NamedTuple):
    """The terms of the negative ELBO, each ``(b,)`` in nats per image; ``loss = reconstruction + beta * kl``."""

    reconstruction: Tensor
    kl: Tensor
    loss: Tensor


def beta_at(config: VaeConfig | ImageVaeConfig, progress: float) -> float:
    """Weight of the KL term after the share ``progress`` of the training: it rises in a line, then stays.

    A KL term that is weak at first keeps the decoder from learning to ignore z (S. Bowman et al. 2016).
    """
    return config.beta if progress >= config.warmup else config.beta * progress / config.warmup


def negative_elbo(
    output: Tensor,
    target: Tensor,
    mu: Tensor,
    logvar: Tensor,
    config: VaeConfig | ImageVaeConfig,
    progress: float = 1.0,
) -> Elbo:
    """Negative ELBO of decoder outputs (logits or means) against target images ``(b, 28, 28)``.

    The sum of a reconstruction term and ``config.beta`` times the KL term; beta = 1 is the evidence lower bound
    (Kingma and Welling 2014), another beta is a beta-VAE (I. Higgins et al. 2017). ``progress`` is for :func:`beta_at`.
    """
    if config.likelihood == "bernoulli":
        reconstruction = bernoulli_nll(output, target)
    elif config.likelihood == "laplace":
        reconstruction = laplace_nll(output.sigmoid(), target, config.sigma)
    else:
        reconstruction = gaussian_nll(output, target, config.sigma)
    kl = kl_divergence(mu, logvar)
    return Elbo(reconstruction, kl, reconstruction + beta_at(config, progress) * kl)


# ---------------------------------------------------------------------------------------- from an image to an image


@dataclass(frozen=True)
class ImageVaeConfig:
    """Size and loss of a VAE of images.

    ``latent``: number of latent dimensions (2 can be walked through); ``channels``: feature maps at 7 x 7 pixels;
    ``hidden``: width of the fully-connected layers on either side of the latent; ``likelihood``, ``beta``, ``warmup``
    and ``sigma`` as in :class:`VaeConfig`.
    """

    latent: int = 2
    channels: int = 16
    hidden: int = 64
    likelihood: Likelihood = "bernoulli"
    beta: float = 1.0
    warmup: float = 0.0
    sigma: float = 0.3

    def __post_init__(self) -> None:
        problems = {
            "latent": self.latent >= 1,
            "channels": self.channels >= 2,
            "hidden": self.hidden >= 1,
            "likelihood": self.likelihood in get_args(Likelihood),
            "beta": self.beta >= 0,
            "warmup": 0 <= self.warmup <= 1,
            "sigma": self.sigma > 0,
        }
        refuse(problems, self, "model")


class ImageEncoder(nn.Module):
    """Convolutions from images ``(b, 28, 28)`` to ``mu`` and ``logvar``, ``(b, latent)`` each: the decoder's mirror."""

    def __init__(self, config: ImageVaeConfig):
        super().__init__()
        c = config.channels
        self.down1 = nn.Conv2d(1, c // 2, 4, stride=2, padding=1)
        self.down2 = nn.Conv2d(c // 2, c, 4, stride=2, padding=1)
        self.fc = nn.Linear(c * 7 * 7, config.hidden)
        self.head = nn.Linear(config.hidden, 2 * config.latent)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        x = F.relu(self.down1(images[:, None]))  # (b, 1, 28, 28) -> (b, c / 2, 14, 14)
        x = F.relu(self.down2(x)).flatten(1)  # (b, c, 7, 7) -> (b, 49 c)
        mu, logvar = self.head(F.relu(self.fc(x))).chunk(2, dim=-1)  # (b, d) each
        return mu, logvar


class ImageVAE(nn.Module):
    """A VAE from an image ``(b, 28, 28)`` in [0, 1] to itself. Its decoder is the report's, behind two layers."""

    def __init__(self, config: ImageVaeConfig):
        super().__init__()
        self.config = config
        self.encoder = ImageEncoder(config)
        self.widen = mlp([config.latent, config.hidden, config.hidden], 0.0)
        self.decoder = Decoder(VaeConfig(latent=config.hidden, channels=config.channels))

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Posterior's ``mu`` and ``logvar``, ``(b, latent)`` each, of images ``(b, 28, 28)`` in [0, 1]."""
        return self.encoder(images)

    def output(self, z: Tensor) -> Tensor:
        """The decoder's output for ``z (b, latent)``: pixel logits (Bernoulli) or means (Gaussian), ``(b, 28, 28)``."""
        return self.decoder(self.widen(z))

    def decode(self, z: Tensor) -> Tensor:
        """Mean image in [0, 1], ``(b, 28, 28)``."""
        return mean_image(self.output(z), self.config.likelihood)

    def forward(self, images: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        mu, logvar = self.encode(images)
        return self.output(reparameterise(mu, logvar, rng)), mu, logvar

    @torch.inference_mode()
    def reconstruct(self, images: Tensor, rng: torch.Generator | None = None) -> Tensor:
        """Images in [0, 1] for images ``(b, 28, 28)``; ``rng`` samples z, None takes its mean."""
        mu, logvar = self.encode(images)
        return self.decode(mu if rng is None else reparameterise(mu, logvar, rng))


@dataclass(frozen=True)
class SweepConfig:
    """``betas``: weights of the KL term for each of which an image VAE is trained; none stands there twice."""

    betas: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        if not self.betas or len(set(self.betas)) < len(self.betas) or min(self.betas) < 0:
            raise RecipeError(
                f"betas = {list(self.betas)} makes no sense",
                where="sweep",
                hint="Use one or more numbers from 0 on, each once",
            )


class BetaSweep(nn.Module):
    """One :class:`ImageVAE` for each weight of the KL term in ``betas``; ``sweep[1.0]`` is the one whose beta is 1.

    All begin with the same weights, see the same batches and draw the same noise, so that they differ by beta alone.
    """

    def __init__(self, config: ImageVaeConfig, betas: tuple[float, ...]):
        super().__init__()
        self.betas = betas
        first = ImageVAE(replace(config, beta=betas[0]))
        self.vaes = nn.ModuleList([first])
        for beta in betas[1:]:
            vae = ImageVAE(replace(config, beta=beta))
            vae.load_state_dict(first.state_dict())
            self.vaes.append(vae)

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.parameters()).device

    @property
    def each(self) -> list[ImageVAE]:
        """The models, in the order of ``betas``."""
        return [vae for vae in self.vaes if isinstance(vae, ImageVAE)]

    def __getitem__(self, beta: float) -> ImageVAE:
        if beta not in self.betas:
            there = ", ".join(f"{b:g}" for b in self.betas)
            raise ModelError(f"there is no model with beta = {beta:g}", where="beta sweep", hint=f"Use one of {there}")
        return self.each[self.betas.index(beta)]

    def forward(self, images: Tensor, rng: torch.Generator) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Output, ``mu`` and ``logvar`` of each model, in the order of ``betas``, with the same noise."""
        state, results = rng.get_state(), []
        for vae in self.each:
            rng.set_state(state)
            results.append(vae(images, rng))
        return results


ACTIVE = 0.01


@torch.inference_mode()
def elbo_terms(
    vae: ImageVAE, images: Tensor, rng: torch.Generator, batch_size: int = 1000
) -> dict[str, float | int | list[float]]:
    """How a VAE uses its latent: the terms of the negative ELBO over images ``(n, 28, 28)`` in [0, 1].

    ``reconstruction`` (one sample of z each) and ``kl`` in nats per image, means over the images;
    ``negative_elbo``, their sum, whatever beta the model was trained with; ``kl_by_dimension`` and
    ``variance_of_mu`` (variance of the posterior's mean over the images), from the dimension with the largest KL to
    that with the least; ``active_units``, how many dimensions have a ``variance_of_mu`` above 0.01.
    Source: Y. Burda, R. Grosse and R. Salakhutdinov (2016), arXiv:1509.00519, section 5.2. Lecture 03.
    """
    reconstruction, mus, logvars = [], [], []
    for part in images.split(batch_size):
        output, mu, logvar = vae(part, rng)
        reconstruction.append(negative_elbo(output, part, mu, logvar, vae.config).reconstruction)
        mus.append(mu)
        logvars.append(logvar)
    mu, logvar = torch.cat(mus), torch.cat(logvars)
    # one dimension at a time: the sum over a last axis of length 1 leaves each as it is
    by_dimension = kl_divergence(mu[..., None], logvar[..., None]).mean(0)
    order = by_dimension.argsort(descending=True)
    variance = mu.var(0, correction=0)[order]
    mean, kl = float(torch.cat(reconstruction).mean()), float(by_dimension.sum())
    return {
        "reconstruction": mean,
        "kl": kl,
        "negative_elbo": mean + kl,
        "kl_by_dimension": by_dimension[order].tolist(),
        "variance_of_mu": variance.tolist(),
        "active_units": int((variance > ACTIVE).sum()),
    }
