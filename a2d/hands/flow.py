"""Flow matching in an autoencoder's latent, conditioned on what the ear heard: the hands that are shipped. Lecture 09.

A velocity field carries noise x_0 at t = 0 to a picture's latent x_1 at t = 1. It is trained on straight lines between
random pairs, so what it learns at a place is the *mean* of the lines through it (Y. Lipman et al. 2023,
arXiv:2210.02747; X. Liu et al. 2023, arXiv:2209.03003). A mean again, as in lecture 04, but of velocities: it is
followed in small steps, each time from where one has come to, and in the end one picture is left to be the mean of.

>>> x0, x1, t = torch.zeros(1, 2), torch.ones(1, 2), torch.tensor([0.25])
>>> straight_path(x0, x1, t)
(tensor([[0.2500, 0.2500]]), tensor([[1., 1.]]))
>>> integrate(lambda x, t: x, torch.ones(1, 1), steps=16)  # x' = x: e at t = 1
tensor([[2.7166]])
>>> hands = FlowHands(FlowConfig(latent=4, channels=8, hidden=16, blocks=1, steps=2))
>>> hands.draw(torch.tensor([3, 8]), torch.Generator().manual_seed(0)).shape  # two digits, each in a hand of its own
torch.Size([2, 28, 28])
>>> hand = torch.zeros(2, hands.style_size)  # the same hand twice
>>> hands.draw(torch.eye(10)[[3, 8]], style=hand).shape
torch.Size([2, 28, 28])
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from a2d.ears import standard_normal
from a2d.errors import refuse
from a2d.hands.autoencoder import Autoencoder, Reader
from a2d.hands.common import CLASSES, CONDITION, Hands, condition

Velocity = Callable[[Tensor, Tensor], Tensor]

HEARD = 0.01
"""A digit that is less probable than this is left out of a mixture: it costs a pass and changes nothing to the eye."""


def straight_path(x0: Tensor, x1: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """Where the line from ``x0`` to ``x1`` is at times ``t (b,)``, and its velocity there; all others ``(b, d)``."""
    return torch.lerp(x0, x1, t[:, None]), x1 - x0


def logit_normal(n: int, rng: torch.Generator) -> Tensor:
    """``n`` times in (0, 1) whose logits are N(0, 1): the middle of the way is the hardest part, so it comes oftener.

    Source: P. Esser et al. (2024), arXiv:2403.03206, section 3.1.
    """
    return torch.randn(n, generator=rng).sigmoid()


def integrate(velocity: Velocity, x: Tensor, steps: int, start: float = 0.0, end: float = 1.0) -> Tensor:
    """Follow ``dx/dt = velocity(x, t)`` from ``start`` to ``end`` in Heun's steps; ``end < start`` goes backwards.

    Heun takes the mean of the velocities at a step's beginning and at its guessed end; the error falls with the square
    of the step. ``x (b, d)``; ``velocity`` is given times ``(b,)``.
    """
    h = (end - start) / steps
    for k in range(steps):
        t = x.new_full((len(x),), start + k * h)
        here = velocity(x, t)
        there = velocity(x + h * here, t + h)
        x = x + 0.5 * h * (here + there)
    return x


class Modulated(nn.Module):
    """A residual layer on ``x (b, hidden)`` that its condition ``(b, known)`` scales and shifts.

    Source: FiLM, E. Perez et al. (2018), arXiv:1709.07871.
    """

    def __init__(self, hidden: int, known: int):
        super().__init__()
        self.norm = nn.LayerNorm(hidden, elementwise_affine=False)
        self.film = nn.Linear(known, 2 * hidden)
        self.first, self.second = nn.Linear(hidden, hidden), nn.Linear(hidden, hidden)

    def forward(self, x: Tensor, known: Tensor) -> Tensor:
        scale, shift = self.film(known).chunk(2, 1)
        change: Tensor = self.second(F.silu(self.first(self.norm(x) * (1 + scale) + shift)))
        return x + change


class Field(nn.Module):
    """The velocity at ``x (b, latent)`` and ``t (b,)``, for ``says (b, 10)`` and ``weight (b,)``: ``(b, latent)``."""

    def __init__(self, latent: int, hidden: int, blocks: int, waves: int = 8, known: int = 128):
        super().__init__()
        self.waves = waves
        self.enter, self.leave = nn.Linear(latent, hidden), nn.Linear(hidden, latent)
        self.known = nn.Sequential(nn.Linear(2 * waves + CONDITION, known), nn.SiLU())
        self.blocks = nn.ModuleList([Modulated(hidden, known) for _ in range(blocks)])

    def forward(self, x: Tensor, t: Tensor, says: Tensor, weight: Tensor) -> Tensor:
        # Sines and cosines of t, from half a wave to `waves` halves: a network cannot be sharp in one bare number.
        angle = math.pi * t[:, None] * torch.arange(1, self.waves + 1, device=t.device)
        known = self.known(torch.cat([angle.sin(), angle.cos(), condition(says, weight)], 1))
        h = self.enter(x)
        for block in self.blocks:
            h = block(h, known)
        out: Tensor = self.leave(F.silu(h)).float()
        return out


@dataclass(frozen=True)
class FlowConfig:
    """Size and loss of :class:`FlowHands`.

    ``latent``: numbers that an image becomes; ``channels``: the autoencoder's maps at 7 x 7 pixels; ``hidden``,
    ``blocks``: width and number of the field's layers; ``steps``: Heun's steps when drawing; ``lines``: straight lines
    per image and training step; ``cross_entropy``, ``edge``, ``seen``, ``kl``: see :meth:`Autoencoder.loss`;
    ``untold``: share of the lines for which the field is not told the digit; ``guidance``: see
    :meth:`FlowHands.velocity`.
    """

    latent: int = 32
    channels: int = 64
    hidden: int = 384
    blocks: int = 4
    steps: int = 16
    lines: int = 8
    cross_entropy: float = 0.5
    edge: float = 0.5
    seen: float = 0.1
    kl: float = 0.1
    untold: float = 0.1
    guidance: float = 1.2

    def __post_init__(self) -> None:
        problems = {
            "latent": self.latent >= 1,
            "channels": self.channels >= 4 and self.channels % 4 == 0,
            "hidden": self.hidden >= 1,
            "blocks": self.blocks >= 1,
            "steps": self.steps >= 1,
            "lines": self.lines >= 1,
            "cross_entropy": self.cross_entropy >= 0,
            "edge": self.edge >= 0,
            "seen": self.seen >= 0,
            "kl": self.kl >= 0,
            "untold": 0 <= self.untold < 1,
            "guidance": self.guidance >= 0 and (self.guidance == 1 or self.untold > 0),
        }
        refuse(problems, self, "model")


class FlowHands(Hands):
    """Noise is carried to a latent, and the latent decoded. The noise at t = 0 *is* the hand: see :meth:`style_of`."""

    centre: Tensor
    scale: Tensor

    def __init__(self, config: FlowConfig):
        super().__init__(config.latent)
        self.config = config
        self.autoencoder = Autoencoder(config.latent, config.channels)
        self.reader = Reader(config.channels // 2)
        self.field = Field(config.latent, config.hidden, config.blocks)
        self.register_buffer("centre", torch.zeros(config.latent))
        self.register_buffer("scale", torch.ones(config.latent))

    def loss(
        self, images: Tensor, digits: Tensor, rng: torch.Generator, progress: float
    ) -> tuple[Tensor, dict[str, float]]:
        """The autoencoder's loss and the field's, in one sum.

        The field sees the latents detached, and the autoencoder does not see the field: each gets the gradient of its
        own loss alone, as if they were trained one after the other. While the autoencoder still moves, the field runs
        after it; as the learning rate falls both come to rest. So one run, one loop and one checkpoint will do.
        """
        c = self.config
        weights = {"cross_entropy": c.cross_entropy, "edge": c.edge, "seen": c.seen, "kl": c.kl}
        pictures, z, terms = self.autoencoder.loss(images, digits, rng, self.reader, **weights)
        flow = self.flow_loss(self.standardise(z.detach()), digits, self.ink(images, digits), rng)
        means = {k: v.mean().item() for k, v in terms.items()}
        return pictures.mean() + flow, {**means, "flow": flow.item()}

    def standardise(self, z: Tensor) -> Tensor:
        """Latents with mean 0 and spread 1 in each dimension, where the noise begins; in training the two follow z."""
        if self.training:
            self.centre.lerp_(z.mean(0), 0.02)
            self.scale.lerp_(z.std(0), 0.02)
        return (z - self.centre) / self.scale

    def flow_loss(self, x1: Tensor, digits: Tensor, weight: Tensor, rng: torch.Generator) -> Tensor:
        """Squared error of the field against the velocity of random straight lines to ``x1 (b, latent)``.

        Mean over the lines, ``lines`` of them to each latent, and over the dimensions.
        """
        says = F.one_hot(digits, CLASSES).float()
        x1, says, weight = (x.repeat_interleave(self.config.lines, 0) for x in (x1, says, weight))
        t = logit_normal(len(x1), rng).to(x1.device)
        if self.config.untold:
            says = says * (torch.rand(len(says), 1, generator=rng).to(says.device) >= self.config.untold)
        x, wanted = straight_path(standard_normal(x1, rng), x1, t)
        return (self.field(x, t, says, weight) - wanted).square().mean()

    @torch.inference_mode()
    def settle(self, images: Tensor, digits: Tensor, rng: torch.Generator) -> None:
        z = torch.randn(len(digits), self.latent, generator=rng).to(self.device)
        asked = self.velocity(F.one_hot(digits, CLASSES).float(), self.ink(images, digits))
        ends = integrate(asked, z, self.config.steps) * self.scale + self.centre
        self.autoencoder.fit_contrast(ends, float((4 * images * (1 - images)).mean()))

    def velocity(self, says: Tensor, weight: Tensor) -> Velocity:
        """The field for ``says (b, 10)``: the mean of the digits' fields, each with its probability.

        The field of a mixture of digits would weigh each one by how near x has come to it, and so end in the one or
        the other. Here the weights stay: every step goes towards the mean of what the digits want, and where it ends
        both find the picture likely. (A velocity is a linear function of the score, and a weighted mean of scores is
        the score of a weighted product of densities.)

        With a ``guidance`` g other than 1 it is v_0 + g (v - v_0), where v_0 is the field that is not told the digit:
        for g > 1 away from what all digits have in common, so that fewer pictures are of none, and all are a little
        more alike. Source: J. Ho and T. Salimans (2022), arXiv:2207.12598.
        """
        guidance = self.config.guidance
        rows, classes = (says >= HEARD).nonzero(as_tuple=True)
        share = says[rows, classes]
        share = share / torch.zeros_like(weight).index_add(0, rows, share)[rows]
        known, bold = F.one_hot(classes, CLASSES).float(), weight[rows]
        if guidance != 1:  # told and not told in one pass: a small network costs by the call
            rows_and_all = torch.cat([rows, torch.arange(len(says), device=says.device)])
            known, bold = torch.cat([known, torch.zeros_like(says)]), torch.cat([bold, weight])
        else:
            rows_and_all = rows

        def mixed(x: Tensor, t: Tensor) -> Tensor:
            each, untold = self.field(x[rows_and_all], t[rows_and_all], known, bold).tensor_split([len(rows)])
            told = torch.zeros_like(x).index_add(0, rows, share[:, None] * each)
            return told if guidance == 1 else untold + guidance * (told - untold)

        return mixed

    def decode(self, x: Tensor) -> Tensor:
        """Images ``(b, 28, 28)`` for standardised latents ``x (b, latent)``."""
        return self.autoencoder.decode(x * self.scale + self.centre)

    def paint(self, says: Tensor, z: Tensor, weight: Tensor) -> Tensor:
        return self.decode(integrate(self.velocity(says, weight), z, self.config.steps))

    @torch.inference_mode()
    def style_of(self, images: Tensor, digits: Tensor, steps: int = 32) -> Tensor:
        """The hand ``(b, style_size)`` that wrote ``images (b, 28, 28)`` of ``digits (b,)``.

        The flow has an inverse: the same field, followed from t = 1 back to 0. So ``draw(digits, style=...)`` gives
        the image back, as far as the autoencoder can, and another digit borrows the hand.
        """
        weight = self.ink(images, digits)
        mu, _ = self.autoencoder.encode(images)
        back = self.velocity(F.one_hot(digits, CLASSES).float(), weight)
        z = integrate(back, (mu - self.centre) / self.scale, steps, start=1.0, end=0.0)
        return torch.cat([z, weight[:, None]], 1)

    @torch.inference_mode()
    def expected(self, says: Tensor, style: Tensor, times: Sequence[float] = (0.0, 0.5, 1.0)) -> Tensor:
        """What the field takes the end to be on its way, ``(len(times), b, 28, 28)``: ``x_t + (1 - t) v``, decoded.

        At t = 0 nothing is known but digit and weight, so all hands begin at one mean, as in the report's generator;
        on the way it becomes one picture. ``says (b, 10)``, ``style (b, style_size)``. Lecture 09 plots it.
        """
        z, weight = style[:, :-1], style[:, -1]
        velocity = self.velocity(says, weight)
        ends = []
        for t in times:
            x = integrate(velocity, z, max(1, round(t * self.config.steps)), end=t)
            ends.append(self.decode(x + (1 - t) * velocity(x, x.new_full((len(x),), t))))
        return torch.stack(ends)
