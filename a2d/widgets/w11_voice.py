"""Your own voice: a recorder, and the same without a browser. Lecture 11; lectures 00, 01, 02 and 10 offer it too."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from a2d.errors import DataError
from a2d.widgets.controls import load, whole
from a2d.widgets.takes import Takes

if TYPE_CHECKING:
    from a2d.audio import Clip
    from a2d.figures import Picture
    from a2d.widgets.recorder_panel import Recorder


def takes_view(takes: Takes, goal: int = 3) -> Picture:
    """Show how many takes of each digit are kept, and how many are wanted (lecture 11).

    Raises :class:`DataError` for something that holds no takes, or a ``goal`` outside 0 to 50.
    """
    from a2d.figures.f11_voice import counted_takes

    if not isinstance(takes, Takes):
        raise DataError(f"{type(takes).__name__} holds no takes", where="takes", hint="Use a2d.widgets.Takes")
    return counted_takes(takes.counts, whole(goal, "goal", 0, 50))


def recorder(
    folder: str | os.PathLike[str] = "my_voice",
    *,
    speaker: str = "01",
    goal: int = 3,
    listen: Callable[[Clip], str] | None = None,
) -> Recorder:
    """Record digits, listen to them, cut them, and keep them on this computer (lecture 11).

    The takes are ``.takes``, a :class:`Takes`; ``.clip`` is the last one. They lie in Audio-MNIST's layout,
    ``FOLDER/NN/{digit}_{NN}_{take}.wav``, on the computer that runs the notebook. ``goal``: how many takes of each
    digit are wanted, 0 where any one will do; ``listen`` gets each take and gives a sentence about it.
    Raises :class:`DataError` as :class:`Takes` does, and for a ``goal`` outside 0 to 50.
    """
    takes = Takes(folder, speaker)
    return load("recorder_panel").Recorder(takes, listen, whole(goal, "goal", 0, 50))
