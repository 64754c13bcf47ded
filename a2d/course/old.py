"""What version 0.1 had and is gone or has another shape: Adam, the task of the generator, its reading, a figure."""

from __future__ import annotations

from typing import Any

import torch

from a2d.evaluator import AccuracyNet
from a2d.figures import base
from a2d.lab.kinds import generator
from a2d.lab.runs import read_drawings as judge_generator

__all__ = ["Adam", "GeneratorTask", "drawn_and_real", "judge_generator"]


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


def drawn_and_real(drawn: Any, real: Any, digit: int) -> base.Picture:
    """Show drawings of one digit above as many handwritten ones, ``(k, 28, 28)`` each, in [0, 1]."""
    figure = base.draw_rows(base.as_pictures([drawn, real], "drawn", 4), ["drawn", "handwritten"], [], f"digit {digit}")
    return base.finish(figure, f"{len(drawn)} drawings of a {digit} above {len(real)} handwritten ones.")
