"""The ceiling: an MLP that names the digit from the mean-MFCC vector. No generator can be read better than that.

Source: a public Kaggle notebook on Audio-MNIST reports 0.98 for such an MLP (S4 of the report). Lecture 02.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from a2d.errors import refuse
from a2d.layers import FeatureScaler, mlp


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


class AudioMLP(nn.Module):
    """MLP from raw features ``(b, n_features)``, which it standardises itself, to class scores ``(b, 10)``."""

    def __init__(self, config: MlpConfig):
        super().__init__()
        self.config = config
        self.scaler = FeatureScaler(config.n_features)
        self.body = mlp([config.n_features, *config.hidden], config.dropout)
        self.head = nn.Linear([config.n_features, *config.hidden][-1], 10)

    def forward(self, features: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Class scores; noise is added to the features in training, from ``generator``."""
        noise = self.config.noise if self.training else 0.0
        return self.head(self.body(self.scaler(features, noise, generator)))

    @torch.inference_mode()
    def predict(self, features: Tensor) -> Tensor:
        """The most probable digit for each of ``(b, n_features)``, int64 ``(b,)``, with dropout switched off."""
        was_training = self.training
        self.eval()
        try:
            return self(features).argmax(-1)
        finally:
            self.train(was_training)
