"""What version 0.1 had in another shape: its Adam, its generator's task and how its drawings were read."""

from __future__ import annotations

from typing import Any

import torch

from a2d.evaluator import AccuracyNet
from a2d.lab.kinds import generator
from a2d.lab.runs import read_drawings as judge_generator

__all__ = ["Adam", "GeneratorTask", "judge_generator"]


class Adam(torch.optim.Adam):
    """As torch's, with the learning rate as an attribute."""

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **{"fused": True, **options})

    @property
    def lr(self) -> float:
        """The learning rate."""
        rate: float = self.param_groups[0]["lr"]
        return rate

    @lr.setter
    def lr(self, rate: float) -> None:
        self.param_groups[0]["lr"] = rate


class GeneratorTask(generator.GeneratorTask):
    """As :class:`a2d.lab.kinds.generator.GeneratorTask`; its evaluator may be given as ``judge``."""

    def __init__(self, *args: Any, judge: AccuracyNet | None = None, **options: Any):
        super().__init__(*args, **{"evaluator": judge, **options})

    @property
    def judge(self) -> AccuracyNet | None:
        """The evaluator."""
        return self.evaluator
