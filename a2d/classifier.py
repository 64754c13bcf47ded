"""The ceiling: an MLP that names the digit from the mean-MFCC vector. No generator can be read better than that.

Source: a public Kaggle notebook on Audio-MNIST reports 0.98 for such an MLP (S4 of the report). Lecture 02.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class MlpConfig:
    """Size of the classifier: ``n_features`` in, hidden layers of ``hidden`` units, ``dropout`` after each.

    ``noise``: standard deviation of Gaussian noise on the standardised features, in training only.
    """

    n_features: int = 40
    hidden: tuple[int, ...] = (256, 256)
    dropout: float = 0.2
    noise: float = 0.0


class AudioMLP(nn.Module):
    """MLP from raw features ``(b, n_features)`` to class scores ``(b, 10)``; standardising is part of the model."""

    def __init__(self, config: MlpConfig):
        super().__init__()
        self.config = config
        widths = [config.n_features, *config.hidden]
        layers: list[nn.Module] = []
        for a, b in zip(widths[:-1], widths[1:], strict=True):
            layers += [nn.Linear(a, b), nn.ReLU(), nn.Dropout(config.dropout)]
        self.body = nn.Sequential(*layers, nn.Linear(widths[-1], 10))
        self.register_buffer("feature_mean", torch.zeros(config.n_features))
        self.register_buffer("feature_scale", torch.ones(config.n_features))

    def set_scale(self, features: Tensor) -> None:
        """Take mean and standard deviation of each feature from the training set ``(n, n_features)``."""
        self.feature_mean.copy_(features.mean(0))
        self.feature_scale.copy_(features.std(0).clamp(min=1e-6))

    def standardise(self, features: Tensor) -> Tensor:
        """Features with the training set's mean taken off and divided by its standard deviation."""
        return (features - self.feature_mean) / self.feature_scale

    def forward(self, features: Tensor) -> Tensor:
        return self.body(self.standardise(features))

    @torch.inference_mode()
    def predict(self, features: Tensor) -> Tensor:
        """The most probable digit for each of ``(b, n_features)``, int64 ``(b,)``, with dropout switched off."""
        was_training = self.training
        self.eval()
        try:
            return self(features).argmax(-1)
        finally:
            self.train(was_training)
