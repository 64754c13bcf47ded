"""The optimisers of version 0.1: torch's, with the learning rate as an attribute."""

from __future__ import annotations

from typing import Any

import torch


class _WithRate(torch.optim.Optimizer):
    @property
    def lr(self) -> float:
        """The learning rate."""
        rate: float = self.param_groups[0]["lr"]
        return rate

    @lr.setter
    def lr(self, rate: float) -> None:
        self.param_groups[0]["lr"] = rate


class Adam(_WithRate, torch.optim.Adam):
    """As torch's."""

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **{"fused": True, **options})


class Adadelta(_WithRate, torch.optim.Adadelta):
    """As torch's."""
