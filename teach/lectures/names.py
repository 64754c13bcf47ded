"""The names and numbers of the course's lectures, read from what is there: a new lecture need be told nowhere else."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from a2d import exercises
from teach import settings


@cache
def slugs(root: Path = settings.ROOT) -> tuple[str, ...]:
    """``NN_slug`` of each lecture that has a source in ``root``; without sources ``NN`` of those with exercises."""
    found = sorted(path.stem for path in (root / "notebooks" / "src").glob("[0-9][0-9]_*.py"))
    return tuple(found) or tuple(re.findall(r"\.e(\d\d)_", " ".join(exercises.modules())))


def numbers(root: Path = settings.ROOT) -> tuple[int, ...]:
    """The numbers of the lectures, in order."""
    return tuple(int(slug[:2]) for slug in slugs(root))


def slug_of(lecture: int) -> str:
    """The name of a lecture's notebook without its ending, or "" where there is no such lecture."""
    return next((slug for slug in slugs() if int(slug[:2]) == lecture), "")
