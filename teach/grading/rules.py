"""Late work: what a small file of rules takes from the points of it, kept apart from the grades.

A TOML file. ``due`` is a time for all lectures, or a table of one for each; ``zone`` the time zone of times that name
none; ``grace_minutes`` are not counted; ``free_days`` cost a student nothing; ``per_day`` is the share of the points
taken for each day begun, ``at_most`` the most that is taken; ``days_if_late`` stands for an LMS that says "late" and no
time; ``[extra]`` gives single students more days, by key, number or name.
"""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from teach.grading.marking import is_of
from teach.grading.model import Grade, GradingError, Problem, Result, Submission
from teach.grading.roster import words
from teach.lectures.names import numbers

_KEYS = ("due", "zone", "grace_minutes", "free_days", "per_day", "at_most", "days_if_late", "extra")
_DAY = 86_400


@dataclass(frozen=True)
class Rules:
    """What is taken for late work; ``due`` by lecture, 0 to all of them if ``whole``."""

    due: Mapping[int, datetime] = field(default_factory=dict)
    whole: datetime | None = None
    zone: ZoneInfo | None = None
    grace_minutes: float = 0
    free_days: int = 0
    per_day: float = 0
    at_most: float = 1
    days_if_late: int = 0
    extra: Mapping[str, int] = field(default_factory=dict)
    where: str = "rules"


# ------------------------------------------------------------------------------------------------- the file


def read_rules(path: Path) -> Rules:
    """The rules of a file; raises :class:`GradingError`, with line and key, for what is no rule."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise GradingError(f"cannot be read ({error.strerror})", where=path, hint="Check the file's name") from error
    except UnicodeDecodeError as error:
        raise GradingError("this is no text in UTF-8", where=path, hint="Save it as UTF-8") from error
    try:
        found = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise GradingError(f"this is not TOML ({error})", where=path, hint="Write it as in the README") from error
    for key in found:
        if key not in _KEYS:
            near = difflib.get_close_matches(key, _KEYS, 1)
            hint = f"Did you mean {near[0]}?" if near else f"Use {', '.join(_KEYS)}"
            raise GradingError(f"there is no rule {key!r}", where=_at(path, text, key), hint=hint.rstrip("?"))

    def number(key: str, most: float, usual: float, *, whole: bool = False) -> Any:
        value = found.get(key, usual)
        fine = isinstance(value, int if whole else int | float) and not isinstance(value, bool) and 0 <= value <= most
        if not fine:
            kind = "a whole number" if whole else "a number"
            hint = f"Give {kind} from 0 to {most:g}"
            raise GradingError(f"{key} = {value!r} cannot be", where=_at(path, text, key), hint=hint)
        return value

    due, everything = _due(found.get("due", {}), path, text)
    if not everything and not due and not found.get("days_if_late"):
        raise GradingError("it has neither due nor days_if_late", where=path, hint="Say when it was due")
    return Rules(
        due=due,
        whole=everything,
        zone=_zone(found.get("zone"), path, text),
        grace_minutes=number("grace_minutes", 100_000, 0),
        free_days=number("free_days", 1000, 0, whole=True),
        per_day=number("per_day", 1, 0),
        at_most=number("at_most", 1, 1),
        days_if_late=number("days_if_late", 1000, 0, whole=True),
        extra=_extra(found.get("extra", {}), path, text),
        where=str(path),
    )


def _at(path: Path, text: str, key: str) -> str:
    """The file, with the line of a key."""
    pattern = re.compile(rf"""^\s*(?:\[\s*)?["']?{re.escape(key)}["']?\s*[\]=.]""")
    line = next((n for n, one in enumerate(text.splitlines(), 1) if pattern.match(one)), None)
    return f"{path}:{line}" if line else f"{path}, {key}"


def _due(value: Any, path: Path, text: str) -> tuple[dict[int, datetime], datetime | None]:
    if not isinstance(value, dict):
        return {}, _moment(value, "due", path, text)
    found: dict[int, datetime] = {}
    for key, moment in value.items():
        if not re.fullmatch(r"\d{1,2}", key) or int(key) not in numbers():
            hint = f"Use one of {', '.join(f'{n:02d}' for n in numbers())}"
            raise GradingError(f"there is no lecture {key!r}", where=_at(path, text, key), hint=hint)
        if int(key) in found:
            raise GradingError(f"lecture {int(key):02d} is due twice", where=_at(path, text, key), hint="Keep one")
        found[int(key)] = _moment(moment, key, path, text)
    return found, None


def _moment(value: Any, key: str, path: Path, text: str) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time(23, 59, 59))
    hint = "Give a day as 2024-01-31 or a time as 2024-01-31T23:59:00, without quotation marks"
    raise GradingError(f"{key} = {value!r} is no time", where=_at(path, text, key), hint=hint)


def _zone(value: Any, path: Path, text: str) -> ZoneInfo | None:
    if value is None:
        return None
    try:
        return ZoneInfo(value)
    except (KeyError, ValueError, TypeError, AttributeError, OSError) as error:
        hint = 'Give one as "Europe/Berlin" or "UTC"'
        raise GradingError(f"zone = {value!r} is no time zone", where=_at(path, text, "zone"), hint=hint) from error


def _extra(value: Any, path: Path, text: str) -> dict[str, int]:
    hint = 'Give it as a table, [extra], with lines as "Ann Lee" = 3'
    if not isinstance(value, dict):
        raise GradingError(f"extra = {value!r} cannot be", where=_at(path, text, "extra"), hint=hint)
    for name, days in value.items():
        if isinstance(days, bool) or not isinstance(days, int) or not 0 <= days <= 1000:
            where = _at(path, text, name)
            raise GradingError(f"{name} = {days!r} is no number of days", where=where, hint="Give 0 to 1000 whole days")
    return dict(value)


# ------------------------------------------------------------------------------------------------- for a class


@dataclass(frozen=True)
class Lateness:
    """The rules for one class: the days more that keys have, and what is wrong with them here."""

    rules: Rules
    extra: Mapping[str, int]
    problems: tuple[Problem, ...] = ()

    def applied(self, result: Result, submission: Submission, times: Mapping[str, str] | None = None) -> Result:
        """A result with its penalty; see :func:`applied`."""
        return applied(result, submission, self.rules, self.extra.get(submission.key, 0), times)


def prepared(rules: Rules, students: Iterable[Submission]) -> Lateness:
    """The rules for these students, before anything is graded.

    Raises :class:`GradingError` for a name in ``extra`` that is several students', and where times with and without a
    zone cannot be compared.
    """
    there = list(students)
    given: dict[str, int] = {}
    problems = []
    for name, days in rules.extra.items():
        found = [one for one in there if name in (one.key, one.number)]
        found = found or [one for one in there if words(one.student) == words(name)]
        if len(found) > 1:
            hint = f"Give a key: {', '.join(one.key for one in found[:5])}"
            raise GradingError(f"{len(found)} students are called {name!r}", where=f"{rules.where}, extra", hint=hint)
        if not found:
            hint = "Give the key, as in summary.csv, the number or the name"
            problems.append(Problem("", rules.where, f"more days are given to {name}, who is not in the class", hint))
        given |= {one.key: max(days, given.get(one.key, 0)) for one in found}
    dues = [*rules.due.values(), *([rules.whole] if rules.whole else [])]
    for one in there:
        for due in dues if one.when else ():
            _seconds(one.when, due, rules)
    # An LMS that calls some late calls the others in time.
    says_late = bool(rules.days_if_late) or any(one.late for one in there)
    timeless = sum(bool(one.files) and not one.when for one in there)
    if dues and timeless and not says_late:
        what = f"{timeless} submissions have no time, so that nothing says whether they are late"
        problems.append(Problem("", rules.where, what, "Give the download as the LMS made it, if it tells times"))
    return Lateness(rules, given, tuple(problems))


# ------------------------------------------------------------------------------------------------- the penalty


def applied(
    result: Result, submission: Submission, rules: Rules, extra: int = 0, times: Mapping[str, str] | None = None
) -> Result:
    """A result with its penalty; ``extra`` days are this student's own.

    ``times``: when the answers that count were handed in, by exercise, where these are of several attempts.
    """
    free, total, penalty = rules.free_days, 0, 0.0
    told = []
    for due, grades in _groups(result, rules):
        days = _days(due, grades, submission, rules, extra, times)
        used = min(free, days)
        free, total = free - used, total + days
        if days:
            points = sum(grade.points or 0 for grade in grades)
            share = min(rules.per_day * (days - used), rules.at_most)
            penalty += round(share * points, 2)
            what = "It" if len(grades) == len(result.grades) else f"Lecture {_lecture(grades[0]):02d}"
            without = f" ({used} without cost)" if used else ""
            taken = f"which takes {round(100 * share, 1):g} % of its points"
            told.append(f"{what} was handed in {_counted(days)} late{without}, {taken}")
    if not total:
        return result
    note = f"{'; '.join(told)}: {penalty:g} points."
    return replace(result, late=True, days_late=total, penalty=penalty, late_note=note)


def _counted(days: int) -> str:
    return f"{days} day{'s' if days != 1 else ''}"


def _lecture(grade: Grade) -> int:
    return int(grade.id.partition(".")[0])


def _groups(result: Result, rules: Rules) -> list[tuple[datetime | None, list[Grade]]]:
    """The grades that are due at one time; those of lectures that are never due are in none."""
    if not rules.due:
        return [(rules.whole, list(result.grades))]
    lectures = dict.fromkeys(map(_lecture, result.grades))
    return [
        (rules.due[one], [grade for grade in result.grades if _lecture(grade) == one])
        for one in lectures
        if one in rules.due
    ]


def _days(
    due: datetime | None,
    grades: Sequence[Grade],
    submission: Submission,
    rules: Rules,
    extra: int,
    times: Mapping[str, str] | None,
) -> int:
    """The days begun after a time, less those that this student has more."""
    lectures = set(map(_lecture, grades))
    files = [one for one in submission.files if any(is_of(one.name, f"{n}.") for n in lectures)]
    # Where no file is called as the lecture, any of them may be it.
    files = files or list(submission.files)
    if times:
        when = max((times[grade.id] for grade in grades if grade.id in times), default=submission.when)
    else:
        when = max((one.when for one in files), default="") or submission.when
    if due is None or not when:
        late = any(one.late for one in files)
        return max(rules.days_if_late - extra, 0) if late else 0
    over = _seconds(when, due, rules) - extra * _DAY
    return math.ceil(over / _DAY) if over > 60 * rules.grace_minutes else 0


def _seconds(when: str, due: datetime, rules: Rules) -> float:
    """How long after a time something was handed in; both in one zone."""
    moment = datetime.fromisoformat(when)
    if moment.tzinfo is None and due.tzinfo is None and rules.zone is None:
        return (moment - due).total_seconds()
    if rules.zone is None and (moment.tzinfo is None) != (due.tzinfo is None):
        told = "the LMS tells times with a zone, and due has none" if moment.tzinfo else "the LMS's times have no zone"
        hint = 'Add zone = "Europe/Berlin", or whichever it is'
        raise GradingError(told, where=rules.where, hint=hint)
    placed = [one if one.tzinfo else one.replace(tzinfo=rules.zone) for one in (moment, due)]
    return (placed[0].astimezone(UTC) - placed[1].astimezone(UTC)) / timedelta(seconds=1)
