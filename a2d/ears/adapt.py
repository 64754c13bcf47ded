"""An ear learns one voice: its last layer is fitted again to a few takes of each digit. Lecture 11.

Everything before the last layer stays as it is, so what is fitted is a multinomial logistic regression on the numbers
that the ear keeps of a sound. It has one minimum, and takes seconds on one CPU thread. Weights that move away from
those that the ear came with cost something; how much, takes that were held back decide, and "stay as you are" is one
of the answers.

>>> from a2d.ears.cnn import Ear, EarConfig
>>> ear = Ear(EarConfig(channels=(4, 8), blocks=(1, 1)))
>>> takes, digits = torch.randn(20, 8000), torch.arange(20) % 10
>>> adapted(ear, takes, digits, copies=1).ear.hear(takes).says.shape
torch.Size([20, 10])
"""

from __future__ import annotations

import copy
import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from a2d.ears.augment import AugmentConfig, augment, no_words
from a2d.ears.cnn import NO_DIGIT, Ear
from a2d.errors import DataError

# What a step away from the shipped weights costs, from dear to cheap; infinity: they stay as they are.
STRENGTHS = (math.inf, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
# What happens to one person's takes at home: another distance, another room, some noise. The voice stays.
AT_HOME = AugmentConfig(speed=0.06, room=0.3, equaliser=2.0, babble=0.0, hum=0.0, snr_low=5.0)
_FOLDS = 5


class Adapted(NamedTuple):
    """What :func:`adapted` gives.

    ``ear``: a new ear; ``strength``: the one of :data:`STRENGTHS` that was chosen; ``losses``: for each of them the
    cross-entropy of the takes that were held back, in nats per take; ``errors``: how many of them were misheard.
    """

    ear: Ear
    strength: float
    losses: dict[float, float]
    errors: dict[float, int]


def adapted(ear: Ear, takes: Tensor, digits: Tensor, *, copies: int = 12, seed: int = 0) -> Adapted:
    """An ear that has learned the voice of ``takes (n, n_samples)``, in which ``digits (n,)`` are said (lecture 11).

    ``copies``: how many changed copies of each take are learned from, beside the take itself; ``seed`` fixes what is
    random in them. The ear that is given stays as it is. Of all takes that were held back in the choice, the new ear
    mishears at most as many as the old one: else it stays the old one.
    Raises :class:`~a2d.errors.DataError` for fewer than two takes of a digit, or digits that do not fit the takes.
    """
    _check(ear, takes, digits)
    rng, rate = torch.Generator().manual_seed(seed), ear.config.sample_rate
    clean = kept(ear, takes)
    many = torch.stack([clean, *(kept(ear, augment(takes, AT_HOME, rate, rng)) for _ in range(copies))])
    none = kept(ear, torch.cat([takes.flip(-1), no_words(len(takes), ear.config.n_samples, rate, rng)]))
    nothing = torch.full((len(none),), NO_DIGIT)  # so that the ear does not forget what is no digit

    def learned(which: Tensor, strength: float) -> nn.Linear:
        x, labels = many[:, which].flatten(0, 1), digits[which].repeat(len(many))
        return fitted(last_layer(ear), torch.cat([x, none]), torch.cat([labels, nothing]), strength)

    fold = folds(digits)
    losses, errors = dict.fromkeys(STRENGTHS, 0.0), dict.fromkeys(STRENGTHS, 0)
    for held in range(int(fold.max()) + 1):
        out = fold == held
        for strength in STRENGTHS:
            scores = learned(~out, strength)(clean[out])
            losses[strength] += float(F.cross_entropy(scores, digits[out], reduction="sum")) / len(digits)
            errors[strength] += int((scores[:, :NO_DIGIT].argmax(-1) != digits[out]).sum())
    no_worse = [strength for strength in STRENGTHS if errors[strength] <= errors[math.inf]]
    best = min(no_worse, key=lambda strength: losses[strength])
    new = copy.deepcopy(ear).eval()
    new.head[-1] = learned(torch.ones(len(digits), dtype=torch.bool), best)
    return Adapted(new, best, losses, errors)


def folds(digits: Tensor) -> Tensor:
    """The part ``(n,)`` in which each take is held back: the first take of each digit in 0, the second in 1, ..."""
    numbers = torch.tensor([int((digits[:i] == digit).sum()) for i, digit in enumerate(digits)])
    return numbers % min(_FOLDS, int(torch.bincount(digits).max()))


def last_layer(ear: Ear) -> nn.Linear:
    """The layer that turns what an ear keeps of a sound into eleven scores."""
    last = ear.head[-1]
    assert isinstance(last, nn.Linear)
    return last


@torch.no_grad()
def kept(ear: Ear, samples: Tensor) -> Tensor:
    """What an ear keeps of sounds ``(b, n_samples)`` before its last layer, ``(b, d)``."""
    was_training = ear.training
    ear.eval()
    try:
        return torch.cat([ear.embed(ear.picture(part.to(ear.device))).cpu() for part in samples.split(128)])
    finally:
        ear.train(was_training)


def fitted(start: nn.Linear, x: Tensor, labels: Tensor, strength: float) -> nn.Linear:
    """The layer with the least loss on what an ear keeps of sounds ``x (n, d)``, with ``labels (n,)`` from 0 to 10.

    The loss in nats: cross-entropy, mean over the sounds, plus ``strength`` times the squared distance from the layer
    ``start``, the sum over all weights and biases. It is convex; it is followed to its minimum by L-BFGS.
    """
    layer = copy.deepcopy(start).cpu()
    if math.isinf(strength):
        return layer.requires_grad_(False)
    before = [p.detach().cpu().clone() for p in start.parameters()]
    steps = torch.optim.LBFGS(layer.requires_grad_(True).parameters(), max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        steps.zero_grad()
        away = torch.stack([(p - q).square().sum() for p, q in zip(layer.parameters(), before, strict=True)]).sum()
        total = F.cross_entropy(layer(x), labels) + strength * away
        total.backward()
        return total

    steps.step(loss)
    return layer.requires_grad_(False)


def _check(ear: Ear, takes: Tensor, digits: Tensor) -> None:
    if takes.ndim != 2 or takes.shape[1] != ear.config.n_samples or len(takes) != len(digits):
        what = f"expected takes of shape (n, {ear.config.n_samples}) and n digits"
        raise DataError(f"{what}, got {tuple(takes.shape)} and {tuple(digits.shape)}", where="takes")
    if digits.dtype != torch.int64 or len(digits) == 0 or digits.min() < 0 or digits.max() > 9:
        raise DataError("every digit must be a whole number from 0 to 9", where="digits")
    counts = torch.bincount(digits, minlength=10).tolist()
    if few := [str(c) for c in range(10) if counts[c] < 2]:
        hint = "Record two takes or more of each digit: one to learn from, one to see whether it helped"
        raise DataError(f"there are fewer than two takes of {', '.join(few)}", where="takes", hint=hint)
