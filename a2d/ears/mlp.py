"""An MLP that names the digit from the mean-MFCC vector: it estimates, from below, how well any generator can be read.

The ceiling itself is the best possible classifier of that vector. Source: a public notebook on Kaggle, as the report
cites it, reports 0.98 for such an MLP on Audio-MNIST (S4 of the report). Lecture 02.

>>> net = AudioMLP(MlpConfig())
>>> net.predict(torch.zeros(3, 40)).shape
torch.Size([3])
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from a2d.errors import refuse


@dataclass(frozen=True)
class MlpConfig:
    """Size of the classifier: ``n_features`` in, hidden layers of ``hidden`` units, ``dropout`` after each.

    ``noise``: standard deviation of Gaussian noise on the standardised features, in training only.
    """

    n_features: int = 40
    hidden: tuple[int, ...] = (256, 256)
    dropout: float = 0.2
    noise: float = 0.0

    def __post_init__(self) -> None:
        problems = {
            "n_features": self.n_features >= 1,
            "hidden": len(self.hidden) >= 1 and min(self.hidden) >= 1,
            "dropout": 0 <= self.dropout < 1,
            "noise": self.noise >= 0,
        }
        refuse(problems, self, "model")


class FeatureScaler(nn.Module):
    """Standardise features ``(b, d)`` by the training set's mean and standard deviation, kept as buffers.

    It is part of the model, so that a saved model cannot be fed with features on the wrong scale.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, n_features: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(n_features))
        self.register_buffer("scale", torch.ones(n_features))

    def fit(self, features: Tensor) -> None:
        """Take mean and standard deviation of each feature from the training set ``(n, d)``."""
        self.mean.copy_(features.mean(0))
        spread = features.std(0, correction=0)
        self.scale.copy_(torch.where(spread > 1e-6, spread, 1.0))  # a constant feature says nothing: leave its scale

    def forward(self, features: Tensor, noise: float = 0.0, rng: torch.Generator | None = None) -> Tensor:
        """Standardised features, plus Gaussian noise of standard deviation ``noise`` (a training-time augmentation)."""
        x = (features - self.mean) / self.scale
        return x + noise * standard_normal(x, rng) if noise else x


def standard_normal(like: Tensor, rng: torch.Generator | None = None) -> Tensor:
    """Numbers from N(0, 1) with the shape, type and device of ``like``.

    They are drawn where ``rng`` lives, so that a generator on the CPU gives the same numbers for any device.
    """
    source = rng.device if rng is not None else "cpu"
    return torch.randn(like.shape, generator=rng, dtype=like.dtype, device=source).to(like.device)


def mlp(widths: list[int], dropout: float) -> nn.Sequential:
    """Fully-connected layers from ``widths[0]`` to ``widths[-1]`` units, each with a ReLU and dropout behind it."""
    layers: list[nn.Module] = []
    for a, b in pairwise(widths):
        layers += [nn.Linear(a, b), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*layers)


class AudioMLP(nn.Module):
    """MLP from raw features ``(b, n_features)``, which it standardises itself, to class scores ``(b, 10)``."""

    def __init__(self, config: MlpConfig):
        super().__init__()
        self.config = config
        self.scaler = FeatureScaler(config.n_features)
        self.body = mlp([config.n_features, *config.hidden], config.dropout)
        self.head = nn.Linear([config.n_features, *config.hidden][-1], 10)

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.head.weight.device

    def forward(self, features: Tensor, rng: torch.Generator | None = None) -> Tensor:
        """Class scores; noise is added to the features in training, from ``rng``."""
        noise = self.config.noise if self.training else 0.0
        return self.head(self.body(self.scaler(features, noise, rng)))

    @torch.inference_mode()
    def predict(self, features: Tensor) -> Tensor:
        """The most probable digit for each of ``(b, n_features)``, int64 ``(b,)``, with dropout switched off."""
        was_training = self.training
        self.eval()
        try:
            scores: Tensor = self(features.to(self.device))
            return scores.argmax(-1).to(features.device)
        finally:
            self.train(was_training)
