"""Hands that a discriminator trains: a VAE in adversarial training, and a conditional GAN. Lecture 09, rows b and c.

Two players, one optimiser and one sum. The discriminator is told real images from drawn ones in which no gradient leads
back; the generator is judged by a copy of the discriminator's *numbers*, which takes no gradient. So each term of the
sum moves one player only, and as Adam scales every weight's step by its own gradients, neither disturbs the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.utils.parametrizations import spectral_norm

from a2d.ears import standard_normal
from a2d.errors import refuse
from a2d.hands.common import CLASSES, CONDITION, Hands, PictureDecoder, PictureEncoder, condition
from a2d.vae import kl_divergence, reparameterise


class Discriminator(nn.Module):
    """How real an image ``(b, 28, 28)`` looks for its condition ``(b, 11)``: ``(b,)``; and what it shows, ``(b, 11)``.

    Realness is a number for the image plus the projection of its features on those that the condition asks for
    (T. Miyato and M. Koyama 2018, arXiv:1802.05637). What it shows, ten class logits and the stroke weight, is read by
    an auxiliary classifier (A. Odena et al. 2017, arXiv:1610.09585). Every layer is divided by its spectral norm, so
    that realness cannot change faster than the image does (T. Miyato et al. 2018, arXiv:1802.05957).
    """

    def __init__(self, channels: int, features: int = 128):
        super().__init__()
        self.body = PictureEncoder(features, channels)
        self.real = nn.Linear(features, 1)
        self.asked = nn.Linear(CONDITION, features, bias=False)
        self.shows = nn.Linear(features, CONDITION)
        for layer in [m for m in self.modules() if isinstance(m, nn.Conv2d | nn.Linear)]:
            spectral_norm(layer)

    def forward(self, images: Tensor, asked: Tensor) -> tuple[Tensor, Tensor]:
        features = F.relu(self.body(images))  # (b, 28, 28) -> (b, features)
        realness = self.real(features)[:, 0] + (self.asked(asked) * features).sum(1)
        return realness, self.shows(features)


def reading_error(shows: Tensor, asked: Tensor) -> Tensor:
    """How far what an image shows is from what was asked, both ``(b, 11)``: cross-entropy and squared error, a mean."""
    return F.cross_entropy(shows[:, :CLASSES], asked[:, :CLASSES]) + F.mse_loss(shows[:, CLASSES], asked[:, CLASSES])


def discriminator_loss(net: Discriminator, real: Tensor, drawn: Tensor, asked: Tensor, asked_of: Tensor) -> Tensor:
    """Hinge loss on real images ``(b, 28, 28)`` and drawn ones ``(c, 28, 28)``, and the reading of the real ones.

    ``asked (b, 11)`` and ``asked_of (c, 11)`` are their conditions. The drawn ones are detached: the generator is not
    to learn from the discriminator's wish to catch it. Source of the hinge: J. Lim and J. Ye (2017), arXiv:1705.02894.
    """
    realness, shows = net(torch.cat([real, drawn.detach()]), torch.cat([asked, asked_of]))
    n = len(real)
    return F.relu(1 - realness[:n]).mean() + F.relu(1 + realness[n:]).mean() + reading_error(shows[:n], asked)


def generator_loss(net: Discriminator, drawn: Tensor, asked: Tensor, auxiliary: float) -> Tensor:
    """Minus the realness of ``drawn (b, 28, 28)``, and ``auxiliary`` times the error of reading what was asked.

    The discriminator is called with its parameters detached, as a function of the image alone: it is not to learn to
    like what is drawn.
    """
    frozen = {name: p.detach() for name, p in net.named_parameters()}
    realness, shows = functional_call(net, frozen, (drawn, asked))
    return -realness.mean() + auxiliary * reading_error(shows, asked)


@dataclass(frozen=True)
class GanConfig:
    """Size and loss of :class:`ConditionalGan`.

    ``latent``: numbers of noise; ``channels``: maps at 7 x 7 pixels; ``auxiliary``: weight of the auxiliary reading in
    the generator's loss.
    """

    latent: int = 32
    channels: int = 64
    auxiliary: float = 0.2

    def __post_init__(self) -> None:
        problems = {
            "latent": self.latent >= 1,
            "channels": self.channels >= 4 and self.channels % 4 == 0,
            "auxiliary": self.auxiliary >= 0,
        }
        refuse(problems, self, "model")


class ConditionalGan(Hands):
    """Noise and a condition to an image; the condition is the digit and the stroke weight, as loudness has it (S2).

    Source: C.-H. Wan, S.-P. Chuang and H.-Y. Lee (2019), arXiv:1808.04108.
    """

    def __init__(self, config: GanConfig):
        super().__init__(config.latent)
        self.config = config
        self.decoder = PictureDecoder(config.latent + CONDITION, config.channels)
        self.discriminator = Discriminator(config.channels)

    def loss(
        self, images: Tensor, digits: Tensor, rng: torch.Generator, progress: float
    ) -> tuple[Tensor, dict[str, float]]:
        """The discriminator's loss and the generator's, in one sum; see the top of this file."""
        asked = condition(F.one_hot(digits, CLASSES).float(), self.ink(images, digits))
        drawn = self.decode(standard_normal(asked.new_empty(len(asked), self.latent), rng), asked)
        tells = discriminator_loss(self.discriminator, images, drawn, asked, asked)
        fools = generator_loss(self.discriminator, drawn, asked, self.config.auxiliary)
        return tells + fools, {"discriminator": tells.item(), "generator": fools.item()}

    def decode(self, z: Tensor, asked: Tensor) -> Tensor:
        """Images ``(b, 28, 28)`` for noise ``(b, latent)`` and conditions ``(b, 11)``."""
        return self.decoder(torch.cat([z, asked], 1)).sigmoid()

    def paint(self, says: Tensor, z: Tensor, weight: Tensor) -> Tensor:
        return self.decode(z, condition(says, weight))


@dataclass(frozen=True)
class VaeGanConfig:
    """Size and loss of :class:`VaeGan`.

    ``latent``, ``channels``, ``auxiliary`` as in :class:`GanConfig`; ``reconstruction``: weight of the absolute error
    (summed over pixels, full ink 1), the knob; ``beta``: weight of the KL term.
    """

    latent: int = 32
    channels: int = 64
    auxiliary: float = 0.2
    reconstruction: float = 0.1
    beta: float = 0.1

    def __post_init__(self) -> None:
        problems = {
            "latent": self.latent >= 1,
            "channels": self.channels >= 4 and self.channels % 4 == 0,
            "auxiliary": self.auxiliary >= 0,
            "reconstruction": self.reconstruction >= 0,
            "beta": self.beta >= 0,
        }
        refuse(problems, self, "model")


class VaeGan(Hands):
    """A conditional VAE that a discriminator trains as well; ``reconstruction`` is the knob between the two.

    Turned up, pictures are like what they are compared with, and like one another; turned down, they only have to look
    real: consistency against diversity (S3). Both the reconstructions and drawings from the prior are judged.
    Source: M. Zelaszczyk and J. Mandziuk (2021), arXiv:2109.13354; A. Larsen et al. (2016), arXiv:1512.09300.
    """

    def __init__(self, config: VaeGanConfig):
        super().__init__(config.latent)
        self.config = config
        self.encoder = PictureEncoder(2 * config.latent, config.channels, CONDITION)
        self.decoder = PictureDecoder(config.latent + CONDITION, config.channels)
        self.discriminator = Discriminator(config.channels)

    def encode(self, images: Tensor, digits: Tensor) -> tuple[Tensor, Tensor]:
        """Posterior's ``mu`` and ``logvar``, ``(b, latent)`` each, of images ``(b, 28, 28)`` of ``digits (b,)``."""
        asked = condition(F.one_hot(digits, CLASSES).float(), self.ink(images, digits))
        mu, logvar = self.encoder(images, asked).chunk(2, 1)
        return mu, logvar

    def loss(
        self, images: Tensor, digits: Tensor, rng: torch.Generator, progress: float
    ) -> tuple[Tensor, dict[str, float]]:
        """Reconstruction, KL term, and both players' losses, in one sum; see the top of this file."""
        c = self.config
        asked = condition(F.one_hot(digits, CLASSES).float(), self.ink(images, digits))
        mu, logvar = self.encode(images, digits)
        z = torch.cat([reparameterise(mu, logvar, rng), standard_normal(mu, rng)])
        both = torch.cat([asked, asked])
        drawn = self.decode(z, both)
        reconstruction = (drawn[: len(images)] - images).abs().sum((1, 2)).mean()
        kl = kl_divergence(mu, logvar).mean()
        tells = discriminator_loss(self.discriminator, images, drawn, asked, both)
        fools = generator_loss(self.discriminator, drawn, both, c.auxiliary)
        parts = {"reconstruction": reconstruction, "kl": kl, "discriminator": tells, "generator": fools}
        total = c.reconstruction * reconstruction + c.beta * kl + tells + fools
        return total, {k: v.item() for k, v in parts.items()}

    def decode(self, z: Tensor, asked: Tensor) -> Tensor:
        """Images ``(b, 28, 28)`` for ``z (b, latent)`` and conditions ``(b, 11)``."""
        return self.decoder(torch.cat([z, asked], 1)).sigmoid()

    def paint(self, says: Tensor, z: Tensor, weight: Tensor) -> Tensor:
        return self.decode(z, condition(says, weight))
