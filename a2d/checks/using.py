"""``a2d.mine`` and ``a2d.case``: the learner's function in what follows, and the input on which it went wrong."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from a2d import exercises
from a2d.checks.comparison import describe
from a2d.errors import CourseError
from a2d.exercises import Case, Exercise, calls


@dataclass(frozen=True)
class Checked:
    """What ``a2d.check`` saw last for an exercise: the function, whether it is right, the first case that failed."""

    function: Any
    right: bool
    failed: Case | None = None


# By the exercise's id, in this Python. A function that was right stays the learner's, whatever is tried after it.
_last: dict[str, Checked] = {}
_right: dict[str, Callable[..., Any]] = {}


def remember(id: str, checked: Checked) -> None:
    """Keep what a check saw, for :func:`mine` and :func:`case`."""
    _last[id] = checked
    if checked.right:
        _right[id] = checked.function


def mine(id: str) -> Callable[..., Any]:
    """The learner's function for the exercise ``id`` if ``a2d.check`` called it right, else the course's own.

    Both have the signature that the exercise declares. Prints which of the two it is.
    Raises :class:`~a2d.errors.CourseError` if there is no such exercise, or if it is a question in words.
    """
    exercise = _exercise(id)
    if id in _right:
        print(f"{exercise.name}: yours, from exercise {id}")
        return _right[id]
    print(f"{exercise.name}: the course's, until a2d.check calls yours right (exercise {id})")
    return exercise.stand_in or exercise.reference


def case(id: str) -> tuple[Any, ...] | None:
    """The arguments of the first case on which the last checked answer to ``id`` went wrong, to try it on.

    ``labels, classes, u = a2d.case("4.1")``; None, with a word why, where there is no such case.
    Raises :class:`~a2d.errors.CourseError` if there is no such exercise, or if it is a question in words.
    """
    exercise = _exercise(id)
    checked = _last.get(id)
    if checked is None or checked.failed is None:
        why = "has not been checked yet" if checked is None else "fails in no case"
        print(f"Exercise {id} {why}, so there is no case to give back.")
        return None
    given = calls.arguments(exercise.call, *copy.deepcopy(checked.failed.args))
    names = ", ".join(exercise.parameters)
    print(f'{names} = a2d.case("{id}")')
    for name, value in zip(exercise.parameters, given, strict=False):
        print(f"  {name}: {describe(value)}")
    return given


def _exercise(id: str) -> Exercise:
    exercise = exercises.get(id)
    if not isinstance(exercise, Exercise):
        text = "this is a question in words, which has no function"
        raise CourseError(text, where=str(id), hint="Name an exercise that a2d.check runs")
    return exercise
