"""From a voice to a hand: whoever speaks keeps one handwriting from word to word. Lecture 09.

What is heard of a voice beside the digit is found by linear discriminant analysis (R. Fisher 1936): the directions of
the mean MFCCs in which speakers differ most from each other, and least from themselves. A random smooth function takes
these few numbers to a hand: voices that are alike get hands that are alike, and over many voices each number of a hand
is distributed as N(0, 1), as the generator wants it.

>>> voice = Voice(style_size=33)
>>> voice.hand(torch.zeros(2, 40), torch.tensor([3, 7])).shape
torch.Size([2, 33])
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from a2d.errors import DataError

WAVES = 256  # waves in the sum: enough for a normal distribution, few enough to be instant


class Voice(nn.Module):
    """What is heard of a voice ``(b, directions)``, and the hand ``(b, style_size)`` that goes with it.

    ``length``: how far apart two voices are, in standard deviations over speakers, before their hands have little to
    do with each other. ``seed`` chooses the function; with another one, everybody has another hand.
    """

    digit_means: Tensor
    matrix: Tensor
    centre: Tensor
    waves: Tensor
    phases: Tensor
    heights: Tensor

    def __init__(self, style_size: int, n_features: int = 40, directions: int = 3, length: float = 3.0, seed: int = 0):
        super().__init__()
        self.style_size, self.length = style_size, length
        self.register_buffer("digit_means", torch.zeros(10, n_features))
        self.register_buffer("matrix", torch.eye(n_features)[:, :directions].clone())
        self.register_buffer("centre", torch.zeros(directions))
        rng = torch.Generator().manual_seed(seed)
        waves = torch.randn(directions, WAVES, generator=rng)
        phases = 2 * math.pi * torch.rand(WAVES, generator=rng)
        heights = torch.randn(WAVES, style_size, generator=rng) * math.sqrt(2 / WAVES)
        for name, value in (("waves", waves), ("phases", phases), ("heights", heights)):
            self.register_buffer(name, value)

    def fit(self, features: Tensor, digits: Tensor, speakers: np.ndarray) -> None:
        """Find the directions in mean MFCCs ``(n, d)`` of ``digits (n,)`` by ``speakers (n,)`` (names).

        Each direction is scaled so that over speakers it has standard deviation 1. Raises
        :class:`~a2d.errors.DataError` for fewer speakers than twice the directions, or a digit that nobody says.
        """
        from scipy.linalg import eigh

        names, who = np.unique(speakers, return_inverse=True)
        k = self.matrix.shape[1]
        if len(names) < 2 * k or len(digits.unique()) < 10:
            raise DataError(f"{len(names)} speakers are too few, or a digit is missing", where="speakers")
        x = features.double()
        self.digit_means.copy_(torch.stack([x[digits == c].mean(0) for c in range(10)]))
        rest = (x - self.digit_means[digits].double()).numpy()
        counts = np.bincount(who)[:, None]
        means = np.stack([np.bincount(who, weights=column) for column in rest.T], 1) / counts
        within = np.cov((rest - means[who]).T, bias=True)
        between = np.cov(means.T, bias=True)
        within += 1e-3 * np.trace(within) / len(within) * np.eye(len(within))
        _, vectors = eigh(between, within)
        best = vectors[:, ::-1][:, :k]
        spread = np.sqrt(np.einsum("dk,de,ek->k", best, between, best))
        self.matrix.copy_(torch.tensor(best / spread))
        self.centre.copy_(torch.tensor((means @ (best / spread)).mean(0)))

    def heard(self, features: Tensor, digits: Tensor) -> Tensor:
        """What is particular about a voice, whatever it says: ``(b, d)`` and ``(b,)`` to ``(b, directions)``."""
        return (features - self.digit_means[digits]) @ self.matrix - self.centre

    def hand(self, features: Tensor, digits: Tensor) -> Tensor:
        """The hand of each voice, ``(b, style_size)``.

        A sum of waves of random direction, phase and height: a draw from a Gaussian process whose kernel is a bell of
        width ``length`` (A. Rahimi and B. Recht 2007, random features).
        """
        return torch.cos(self.heard(features, digits) / self.length @ self.waves + self.phases) @ self.heights
