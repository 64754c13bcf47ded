"""What version 0.1 had and is gone or has another shape: Adam, the task of the generator, its reading, figures."""

from __future__ import annotations

from typing import Any

import torch

from a2d.evaluator import AccuracyNet
from a2d.figures import base
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


# Figures that lectures no longer have, or that take something else.
_GONE = (
    "class_means_read",
    "drawn_and_real",
    "errors_by_epoch",
    "fading",
    "latent_maps",
    "latent_variances",
    "monte_carlo_error",
    "named_digits",
    "pixel_loss",
    "smoothing",
    "sound_steps",
    "steps_of_blur",
    "there_and_back",
)


def __getattr__(name: str) -> Any:
    if name not in _GONE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def stand_in(*given: Any, **named: Any) -> base.Picture:
        """A blank, and where the figure went."""
        with base.drawing(0.6) as figure:
            figure.text(0.02, 0.5, f"{name}: not in this version")
        return base.finish(figure, f"The figure {name} is not in this version of the course. Fetch the lecture anew.")

    return stand_in
