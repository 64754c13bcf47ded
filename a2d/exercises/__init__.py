"""The exercises of all lectures, each declared once.

A lecture's source names them (``{exercise 1.1}``), :func:`a2d.check` runs them, and grading runs them with new seeds.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from a2d.errors import CourseError
from a2d.exercises.model import Case, Exercise, Question, Wrong

__all__ = ["Case", "Exercise", "Question", "Wrong", "every", "get", "modules", "of_lecture"]


@cache
def modules() -> tuple[str, ...]:
    """The modules that declare exercises, one for each lecture that has some, in order."""
    return tuple(f"{__name__}.{one.name}" for one in pkgutil.iter_modules(__path__) if one.name[:1] == "e")


@cache
def of_lecture(number: int) -> tuple[Exercise | Question, ...]:
    """The exercises and questions of a lecture, in its order; none for a lecture without any."""
    names = [name for name in modules() if name.startswith(f"{__name__}.e{number:02d}_")]
    return importlib.import_module(names[0]).EXERCISES if names else ()


def every() -> tuple[Exercise | Question, ...]:
    """All of them, in the course's order."""
    return tuple(one for number in range(100) for one in of_lecture(number))


def get(id: str) -> Exercise | Question:
    """The exercise or question with this id; raises :class:`~a2d.errors.CourseError` if there is none."""
    lecture = str(id).partition(".")[0]
    known = of_lecture(int(lecture)) if lecture.isascii() and lecture.isdigit() and len(lecture) <= 2 else ()
    for one in known:
        if one.id == str(id):
            return one
    listed = ", ".join(one.id for one in (known or every()))
    raise CourseError("there is no such exercise", where=str(id), hint=f"Use one of {listed}")
