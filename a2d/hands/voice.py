"""From a voice to a hand: whoever speaks keeps one handwriting from word to word. Lecture 09.

>>> hand_of(torch.zeros(1, 3), style_size=33).shape
torch.Size([1, 33])
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

WAVES = 256  # waves in the sum: enough for a normal distribution, few enough to be instant


def hand_of(heard: Tensor, style_size: int, length: float = 1.0, seed: int = 0) -> Tensor:
    """The hand ``(b, style_size)`` that goes with what is heard of a voice, ``(b, directions)``.

    A sum of waves of random direction, phase and height: a draw from a Gaussian process whose kernel is a bell of
    width ``length`` (A. Rahimi and B. Recht 2007, random features). So voices that are alike get hands that are alike,
    those much further apart than ``length`` have nothing to do with each other, and over many voices each number of a
    hand is about N(0, 1), as the generator wants it. With another ``seed`` everybody has another hand.

    One standard deviation over voices was chosen on validation strangers: with a wider bell all voices have nearly the
    same hand, and with a narrower one a voice does not keep its own from word to word.
    """
    rng = torch.Generator().manual_seed(seed)
    waves = torch.randn(heard.shape[1], WAVES, generator=rng)
    phases = 2 * math.pi * torch.rand(WAVES, generator=rng)
    heights = torch.randn(WAVES, style_size, generator=rng) * math.sqrt(2 / WAVES)
    return torch.cos(heard / length @ waves + phases) @ heights
