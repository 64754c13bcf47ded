"""What the audio classifier and the generator's encoder share: standardised features, and an MLP's hidden layers."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn


class FeatureScaler(nn.Module):
    """Standardise features ``(b, d)`` by the training set's mean and standard deviation, kept as buffers.

    It is part of the model, so that a saved model cannot be fed with features on the wrong scale.
    """

    def __init__(self, n_features: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(n_features))
        self.register_buffer("scale", torch.ones(n_features))

    def fit(self, features: Tensor) -> None:
        """Take mean and standard deviation of each feature from the training set ``(n, d)``."""
        self.mean.copy_(features.mean(0))
        spread = features.std(0, correction=0)
        self.scale.copy_(torch.where(spread > 1e-6, spread, 1.0))  # a constant feature says nothing: leave its scale

    def forward(self, features: Tensor, noise: float = 0.0, generator: torch.Generator | None = None) -> Tensor:
        """Standardised features, plus Gaussian noise of standard deviation ``noise`` (a training-time augmentation)."""
        x = (features - self.mean) / self.scale
        return x + noise * torch.randn(x.shape, generator=generator, dtype=x.dtype) if noise else x


def mlp(widths: list[int], dropout: float) -> nn.Sequential:
    """Fully-connected layers from ``widths[0]`` to ``widths[-1]`` units, each with a ReLU and dropout behind it."""
    layers: list[nn.Module] = []
    for a, b in pairwise(widths):
        layers += [nn.Linear(a, b), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*layers)
