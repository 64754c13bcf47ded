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

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from a2d.ears.augment import AugmentConfig, augment, no_words
from a2d.ears.cnn import NO_DIGIT, Ear
from a2d.errors import DataError

# What a step away from the shipped weights costs, from dear to cheap; infinity: they stay as they are.
STRENGTHS = (math.inf, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
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
    mishears at most as many as the old one: it stays the old one otherwise.
    Raises :class:`~a2d.errors.DataError` for fewer than two takes of a digit, or digits that do not fit the takes.
    """
    _check(ear, takes, digits)
    rng = torch.Generator().manual_seed(seed)
    clean = _kept(ear, takes)
    changed = [_kept(ear, augment(takes, AT_HOME, ear.config.sample_rate, rng)) for _ in range(copies)]
    none = torch.cat([takes.flip(-1), no_words(len(takes), ear.config.n_samples, ear.config.sample_rate, rng)])
    nothing = _kept(ear, none)  # so that the ear does not forget what is no digit
    many = torch.stack([clean, *changed])  # (copies + 1, n, d)
    fold, linear = folds(digits), _last(ear)
    losses, errors = dict.fromkeys(STRENGTHS, 0.0), dict.fromkeys(STRENGTHS, 0)
    for held in range(int(fold.max()) + 1):
        out = fold == held
        for strength in STRENGTHS:
            layer = _fitted(linear, many[:, ~out], digits[~out], nothing, strength)
            scores = layer(clean[out])
            losses[strength] += float(F.cross_entropy(scores, digits[out], reduction="sum")) / len(digits)
            errors[strength] += int((scores[:, :NO_DIGIT].argmax(-1) != digits[out]).sum())
    no_worse = [strength for strength in STRENGTHS if errors[strength] <= errors[math.inf]]
    best = min(no_worse, key=lambda strength: losses[strength])
    learned = copy.deepcopy(ear).eval()
    learned.head[-1] = _fitted(linear, many, digits, nothing, best)
    return Adapted(learned, best, losses, errors)


def folds(digits: Tensor) -> Tensor:
    """The part ``(n,)`` in which each take is held back: the first take of each digit in 0, the second in 1, ..."""
    numbers = np.array([int((digits[:i] == digits[i]).sum()) for i in range(len(digits))])
    return torch.from_numpy(numbers % min(_FOLDS, int(torch.bincount(digits).max())))


def _check(ear: Ear, takes: Tensor, digits: Tensor) -> None:
    if takes.ndim != 2 or takes.shape[1] != ear.config.n_samples or len(takes) != len(digits):
        what = f"expected takes of shape (n, {ear.config.n_samples}) and n digits"
        raise DataError(f"{what}, got {tuple(takes.shape)} and {tuple(digits.shape)}", where="takes")
    if digits.dtype != torch.int64 or len(digits) == 0 or digits.min() < 0 or digits.max() > 9:
        raise DataError("every digit must be a whole number from 0 to 9", where="digits")
    counts = torch.bincount(digits, minlength=10)
    if few := [c for c in range(10) if counts[c] == 1]:
        hint = "Record two takes or more of each digit: one to learn from, one to see whether it helped"
        raise DataError(f"there is one take only of {', '.join(map(str, few))}", where="takes", hint=hint)


def _last(ear: Ear) -> nn.Linear:
    last = ear.head[-1]
    assert isinstance(last, nn.Linear)
    return last


@torch.no_grad()
def _kept(ear: Ear, samples: Tensor) -> Tensor:
    """What the ear keeps of sounds ``(b, n_samples)`` before its last layer, ``(b, d)``."""
    was_training = ear.training
    ear.eval()
    try:
        return torch.cat([ear.embed(ear.picture(part.to(ear.device))).cpu() for part in samples.split(128)])
    finally:
        ear.train(was_training)


def _fitted(start: nn.Linear, many: Tensor, digits: Tensor, nothing: Tensor, strength: float) -> nn.Linear:
    """The last layer with the least cross-entropy on takes ``(copies, n, d)`` and on what is none ``(m, d)``.

    In nats: the mean over the takes, a tenth of the mean over what is none, and ``strength`` times the squared distance
    from the layer at the start, each weight times the spread of the number that it weighs.
    """
    layer = copy.deepcopy(start).cpu().requires_grad_(True)
    if math.isinf(strength):
        return layer.requires_grad_(False)
    x, labels = many.flatten(0, 1), digits.repeat(len(many))
    spread, before = x.std(0).clamp(min=1e-3), [p.detach().cpu().clone() for p in start.parameters()]
    steps = torch.optim.LBFGS(layer.parameters(), max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        steps.zero_grad()
        away = ((layer.weight - before[0]) * spread).square().sum() + (layer.bias - before[1]).square().sum()
        none = F.cross_entropy(layer(nothing), torch.full((len(nothing),), NO_DIGIT))
        total = F.cross_entropy(layer(x), labels) + 0.1 * none + strength * away
        total.backward()
        return total

    steps.step(loss)
    return layer.requires_grad_(False)
