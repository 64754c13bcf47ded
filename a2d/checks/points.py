"""How many points an exercise gives: as declared, or as a teacher's ``points.json`` beside the notebook says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from a2d import exercises
from a2d.errors import A2DError, CourseError
from a2d.exercises import Exercise, Question

# In a release with a teacher's points: what the checks in its notebooks read from the current folder.
POINTS_FILE = "points.json"


def points_of(id: str, points: Mapping[str, float] | None) -> float:
    """What an exercise or question gives at most: by the teacher's ``points``, else as declared."""
    return float((points or {}).get(id, exercises.get(id).points))


def scaled(one: Exercise | Question, earned: float, points: Mapping[str, float] | None) -> float:
    """Points earned of the declared ones, in proportion to the teacher's; rounded to two decimals."""
    return round(earned * points_of(one.id, points) / one.points, 2)


def number(points: float) -> str:
    """Points as a text: ``3``, ``2.5``, ``0.67``."""
    return f"{points:.2f}".rstrip("0").rstrip(".")


def local_points() -> dict[str, float]:
    """The points that a release's ``points.json`` in the current folder gives; none without such a file.

    A file that cannot be used is told in one printed line, and the declared points hold.
    """
    path = Path(POINTS_FILE)
    try:
        return _read(path) if path.is_file() else {}
    except (A2DError, OSError) as error:
        print(f"Note: {error} The declared points are shown.")
        return {}


def _read(path: Path) -> dict[str, float]:
    hint = "Take it from the release anew"
    try:
        points = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise CourseError("this is not JSON", where=path, hint=hint) from error
    if not isinstance(points, dict):
        raise CourseError("this is not a JSON object", where=path, hint=hint)
    known = {one.id for one in exercises.every()}
    for id, value in points.items():
        if id not in known:
            raise CourseError(f"there is no exercise or question {id}", where=path, hint=hint)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
            raise CourseError(f"the points of {id} are no number from 0 on", where=path, hint=hint)
    return {id: float(value) for id, value in points.items()}
