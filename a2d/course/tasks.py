"""The generator's task with the word that version 0.1 had for its evaluator."""

from __future__ import annotations

from typing import Any

from a2d.evaluator import AccuracyNet
from a2d.lab.kinds import generator


class GeneratorTask(generator.GeneratorTask):
    """As :class:`a2d.lab.kinds.generator.GeneratorTask`; its evaluator may be given as ``judge``."""

    def __init__(self, *args: Any, judge: AccuracyNet | None = None, **options: Any):
        super().__init__(*args, **{"evaluator": judge, **options})

    @property
    def judge(self) -> AccuracyNet | None:
        """The evaluator."""
        return self.evaluator
