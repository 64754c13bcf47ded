"""``a2d.mine`` and ``a2d.case``: the learner's function in what follows, and the input on which it went wrong."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from a2d import exercises
from a2d.checks.comparison import describe
from a2d.errors import CourseError
from a2d.exercises import Case, Exercise, calls

# By the exercise's id, in this Python: the first case on which the last answer went wrong, if there is one, and the
# function that was right. It stays the learner's, whatever is tried after it.
_failed: dict[str, Case | None] = {}
_right: dict[str, Callable[..., Any]] = {}


def remember(id: str, function: Any, right: bool, failed: Case | None) -> None:
    """Keep what a check saw, for :func:`mine` and :func:`case`."""
    _failed[id] = failed
    if right:
        _right[id] = function


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
    failed = _failed.get(id)
    if failed is None:
        why = "fails in no case" if id in _failed else "has not been checked yet"
        print(f"Exercise {id} {why}, so there is no case to give back.")
        return None
    given = calls.arguments(exercise.call, *copy.deepcopy(failed.args))
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
