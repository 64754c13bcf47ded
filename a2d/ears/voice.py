"""What is heard of a voice, whatever it says: a few numbers that tell speakers apart. Lecture 09.

They are found by linear discriminant analysis (R. Fisher 1936): the directions of the mean MFCCs in which speakers
differ most from each other, and least from themselves.

>>> space = VoiceSpace()
>>> space.heard(torch.zeros(2, 40), torch.tensor([3, 7])).shape
torch.Size([2, 3])
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from a2d import features
from a2d.errors import DataError

if TYPE_CHECKING:
    from a2d.audio import Clips


class VoiceSpace(nn.Module):
    """Directions in mean MFCCs in which voices differ, and how loud people are; all of it fitted, nothing trained."""

    digit_means: Tensor
    matrix: Tensor
    centre: Tensor
    level: Tensor

    def __init__(self, n_features: int = 40, directions: int = 3):
        super().__init__()
        self.register_buffer("digit_means", torch.zeros(10, n_features))
        self.register_buffer("matrix", torch.eye(n_features)[:, :directions].clone())
        self.register_buffer("centre", torch.zeros(directions))
        self.register_buffer("level", torch.tensor([-25.0, 6.0]))  # mean and spread in dBFS

    def fit(self, means: Tensor, digits: Tensor, speakers: np.ndarray, levels: np.ndarray | None = None) -> None:
        """Find the directions in mean MFCCs ``(n, d)`` of ``digits (n,)`` by ``speakers (n,)`` (names).

        Each direction is scaled so that over speakers it has mean 0 and standard deviation 1. ``levels (n,)`` in dBFS,
        if loudness is to be known.
        Raises :class:`~a2d.errors.DataError` for fewer speakers than twice the directions, or a digit that nobody says.
        """
        from scipy.linalg import eigh

        names, who = np.unique(speakers, return_inverse=True)
        k = self.matrix.shape[1]
        if len(names) < 2 * k or len(digits.unique()) < 10:
            what = f"{len(names)} speakers are too few, or a digit is missing"
            raise DataError(what, where="speakers", hint=f"Give at least {2 * k} speakers, and all ten digits")
        x = means.double()
        self.digit_means.copy_(torch.stack([x[digits == c].mean(0) for c in range(10)]))
        rest = (x - self.digit_means[digits].double()).numpy()
        counts = np.bincount(who)[:, None]
        centres = np.stack([np.bincount(who, weights=column) for column in rest.T], 1) / counts
        within, between = np.cov((rest - centres[who]).T, bias=True), np.cov(centres.T, bias=True)
        within += 1e-3 * np.trace(within) / len(within) * np.eye(len(within))
        best = eigh(between, within)[1][:, ::-1][:, :k]
        best = best / np.sqrt(np.einsum("dk,de,ek->k", best, between, best))
        self.matrix.copy_(torch.tensor(best))
        self.centre.copy_(torch.tensor((centres @ best).mean(0)))
        if levels is not None:
            self.level.copy_(torch.tensor([np.mean(levels), np.std(levels)]))

    def heard(self, means: Tensor, digits: Tensor) -> Tensor:
        """What is particular about a voice: mean MFCCs ``(b, d)`` and digits ``(b,)`` to ``(b, directions)``."""
        return (means - self.digit_means[digits]) @ self.matrix - self.centre

    def loudness(self, levels: Tensor) -> Tensor:
        """Levels ``(b,)`` in dBFS as standard deviations over recordings, no further than 2 from 0."""
        return ((levels - self.level[0]) / self.level[1]).clamp(-2, 2)


def described(clips: Clips) -> tuple[Tensor, Tensor]:
    """What a voice is known by, of each clip: mean MFCCs ``(n, 40)``, as the report has them, and level ``(n,)``."""
    means = features.mfcc_means(clips, features.MfccConfig(sample_rate=clips.rate))
    return torch.from_numpy(means), torch.tensor([level_of(clips[i].samples) for i in range(len(clips))])


def level_of(samples: np.ndarray) -> float:
    """Level of a recording ``(n,)`` in dBFS: the mean power of what was said, full scale is 1."""
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-12))
