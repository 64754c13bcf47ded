"""What a teacher chooses: which lectures, and how many points each exercise gives."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from a2d import exercises
from a2d.checks.points import points_of
from a2d.errors import CourseError
from teach.grading.model import GradingError
from teach.lectures.names import numbers

# More than anybody gives for an exercise: above it, somebody mistyped.
MAX_POINTS = 10_000
_LECTURES_HINT = 'Name them like "01-04,06", or say "all"'
_ID_HINT = "Use ids such as 1.1, as the headings of the lectures have them"
_NUMBER_HINT = f"Write a number from 0 to {MAX_POINTS:,}, with at most two decimals"


def parse_lectures(text: str | None, known: Sequence[int] | None = None) -> tuple[int, ...]:
    """The lectures that ``"01-04,06"`` names, in order and each once; ``"all"`` and None mean all ``known`` ones.

    ``known`` are the course's if they are not given. Raises :class:`GradingError` for anything else and for a lecture
    that does not exist.
    """
    known = numbers() if known is None else known
    if text is None or text.strip().lower() == "all":
        return tuple(known)
    found: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,9})\s*(?:-\s*(\d{1,9})\s*)?", part, re.ASCII)
        if not match:
            raise GradingError(f"{part.strip()!r} is no number of a lecture", where=text, hint=_LECTURES_HINT)
        first, last = int(match[1]), int(match[2] or match[1])
        if first > last:
            raise GradingError(f"{part.strip()} ends before it begins", where=text, hint=_LECTURES_HINT)
        # The ends only: a range with an end that does not exist is a mistake, however long it is.
        if missing := {first, last} - set(known):
            listed = ", ".join(f"{number:02d}" for number in known)
            raise GradingError(f"there is no lecture {min(missing):02d}", where=text, hint=f"There are {listed}")
        found.update(number for number in known if first <= number <= last)
    return tuple(sorted(found))


# ------------------------------------------------------------------------------------------------------------- points


def read_points(path: Path) -> dict[str, float]:
    """The points that a teacher's file gives to exercises and questions, by id.

    The file is CSV in UTF-8 with the columns ``exercise`` and ``points``, separated by commas or, as some
    spreadsheets do it, by semicolons with decimal commas; or a JSON object such as ``{"1.1": 5}``. An id that it does
    not name keeps its declared points. Raises :class:`GradingError`, with the line, for what cannot be used.
    """
    path = Path(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        hint = "Give a CSV or JSON file that you may read"
        raise GradingError(f"cannot read this file ({error.strerror or error})", where=path, hint=hint) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        hint = 'Save it as "CSV UTF-8"'
        raise GradingError("this is not text in UTF-8", where=f"{path}:{line}", hint=hint) from error
    if not text.strip():
        raise GradingError("this file is empty", where=path, hint="Write a line exercise,points and a line for each")
    rows = _from_json(path, text) if text.lstrip()[0] in "{[" else _from_csv(path, text)
    points: dict[str, float] = {}
    for line, id, value in rows:
        where = f"{path}:{line}"
        _require_known(id, where)
        if id in points:
            raise GradingError(f"{id} stands here a second time", where=where, hint="Keep one of its lines")
        points[id] = _checked(value, id, where)
    if not points:
        raise GradingError("there are no points here", where=path, hint="Write a line for each exercise, such as 1.1,5")
    return points


def _require_known(id: str, where: str) -> None:
    try:
        exercises.get(id)
    except CourseError as error:
        told = f"there is no exercise or question {id!r}"
        raise GradingError(told, where=where, hint=error.hint if "." in id else _ID_HINT) from error


def _checked(value: Any, id: str, where: str) -> float:
    """The points as a number that an exercise can give."""
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        raise GradingError(f"the points of {id} are no number: {str(value)[:40]!r}", where=where, hint=_NUMBER_HINT)
    if not 0 <= value <= MAX_POINTS or round(value, 2) != value:
        raise GradingError(f"{id} cannot give {str(value)[:40]} points", where=where, hint=_NUMBER_HINT)
    return float(value) + 0.0  # -0.0 becomes 0.0


def _number_in(text: str, decimal: str) -> float | str:
    """The number that a text is, with its sign for decimals; the text itself where it is none."""
    plain = text.replace(decimal, ".")
    return float(plain) if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)", plain, re.ASCII) else text


def _from_csv(path: Path, text: str) -> Iterator[tuple[int, str, Any]]:
    """Line, id and value of each row."""
    delimiter = ";" if ";" in text.lstrip().splitlines()[0] else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    columns: list[str] | None = None
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            where = f"{path}:{reader.line_num}"
            if not any(cells):
                continue
            if columns is None:
                columns = [cell.lower() for cell in cells]
                if sorted(column for column in columns if column in ("exercise", "points")) != ["exercise", "points"]:
                    hint = "Let the first line be: exercise,points"
                    raise GradingError("the columns exercise and points are not named", where=where, hint=hint)
                continue
            if len(cells) < len(columns):
                raise GradingError("this line has too few columns", where=where, hint="Write it like 1.1,5")
            if any(cells[len(columns) :]):
                raise GradingError("this line has too many columns", where=where, hint="Write it like 1.1,2.5")
            value = _number_in(cells[columns.index("points")], "," if delimiter == ";" else ".")
            yield reader.line_num, cells[columns.index("exercise")], value
    except csv.Error as error:
        hint = "Write lines such as 1.1,5"
        raise GradingError(f"this is not CSV ({error})", where=f"{path}:{reader.line_num}", hint=hint) from error


def _from_json(path: Path, text: str) -> Iterator[tuple[int, str, Any]]:
    """Line, id and value of each pair; the line is that of the id's next appearance in the text."""
    hint = 'Write an object such as {"1.1": 5, "1.6": 2}'
    try:
        # Pairs, not a dict: of a key that stands twice, a dict would keep the second in silence.
        pairs = json.loads(text, object_pairs_hook=tuple)
    except json.JSONDecodeError as error:
        raise GradingError(f"this is not JSON ({error.msg})", where=f"{path}:{error.lineno}", hint=hint) from error
    except (ValueError, RecursionError) as error:
        raise GradingError("this is not JSON that can be used", where=path, hint=hint) from error
    if not isinstance(pairs, tuple):
        raise GradingError("this is not a JSON object", where=f"{path}:1", hint=hint)
    at = 0
    for id, value in pairs:
        at = max(at, text.find(json.dumps(id), at) + 1)
        yield text.count("\n", 0, at) + 1, id, value


def all_points(lectures: Sequence[int], points: Mapping[str, float] | None) -> dict[str, float]:
    """What each exercise and question of some lectures gives at most, in the course's order."""
    return {one.id: points_of(one.id, points) for number in lectures for one in exercises.of_lecture(number)}
