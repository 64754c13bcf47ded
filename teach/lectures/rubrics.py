"""What a good answer to a question says: the rubric that a person marks by, and one model answer.

Both stand in ``rubrics.toml``, beside this, and not in the package that students get.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from a2d.errors import CourseError


@dataclass(frozen=True)
class Rubric:
    """``rows`` are (points, what must be said); ``answer`` is a good one. Texts are Markdown."""

    rows: tuple[tuple[int, str], ...]
    answer: str


@cache
def _all() -> dict[str, Rubric]:
    text = Path(__file__).with_name("rubrics.toml").read_text(encoding="utf-8")
    return {
        id: Rubric(tuple((row["points"], row["says"]) for row in entry["rubric"]), entry["answer"])
        for id, entry in tomllib.loads(text).items()
    }


def rubric(id: str) -> Rubric:
    """The rubric of a question; raises :class:`~a2d.errors.CourseError` if there is none."""
    if id not in _all():
        raise CourseError("this question has no rubric", where=id, hint="Write one into teach/lectures/rubrics.toml")
    return _all()[id]
