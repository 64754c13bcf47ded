"""What people decided by hand: marks of questions, and corrections of any exercise; each with who, when and why.

They lie in ``decisions.json`` in the folder that ``teach grade`` writes, apart from the grades, and no run overwrites
them. Nothing is taken out: a later decision about the same answer stands for an earlier one, which stays to be read. A
mark knows the text that it was given to, so that a text that was changed afterwards is looked at again.

A second marker's decisions lie there too, and count for nothing but :mod:`teach.marking.agreement`.
"""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from a2d import exercises
from a2d.exercises import Question
from a2d.io import atomic
from teach.grading.model import MARKED, TO_MARK, Grade, GradingError, Problem, Result

FILE = "decisions.json"
# Whose word a decision is: the one who marks, a second one who marks the same without knowing, and both together.
FIRST, SECOND, SETTLED = "", "second", "settled"
Latest = Mapping[tuple[str, str], "Decision"]
_LOCK, _PATIENCE = f".{FILE}.lock", 20


@dataclass(frozen=True)
class Decision:
    """A person's word on one answer: ``points``, or None to take an earlier one back.

    ``key`` and ``id`` say whose answer to what; ``comment`` is for the student (a draft, where there are no points);
    ``who`` decided, ``when`` (ISO 8601); ``text`` is the hash of the words that were marked, "" for code; ``role`` is
    :data:`FIRST`, :data:`SECOND` or :data:`SETTLED`.
    """

    key: str
    id: str
    points: float | None
    comment: str = ""
    who: str = ""
    when: str = ""
    text: str = ""
    role: str = FIRST

    @property
    def voice(self) -> tuple[str, str, str]:
        """The answer, and whose word it is about it: "" for all whose word counts, the name of a second marker."""
        return self.key, self.id, f"{SECOND} {self.who}" if self.role == SECOND else ""


def print_of(text: str) -> str:
    """A hash of a written answer; spaces at its ends and of its line ends do not count."""
    return hashlib.sha256(
        "\n".join(line.rstrip() for line in text.strip().splitlines()).encode("utf-8", "surrogatepass")
    ).hexdigest()


def read(out: Path) -> list[Decision]:
    """All decisions of a folder, the earliest first; raises :class:`GradingError` for a file that cannot be read."""
    path = out / FILE
    try:
        return [Decision(**one) for one in json.loads(path.read_text(encoding="utf-8"))["decisions"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        hint = "It holds marks that people gave: restore it from a backup, or move it away"
        raise GradingError(f"these decisions cannot be read ({error})", where=path, hint=hint) from error


def latest(decisions: Iterable[Decision]) -> dict[tuple[str, str], Decision]:
    """The decision that stands about each answer; none about those whose last one was taken back."""
    found = {(one.key, one.id): one for one in decisions if one.role != SECOND}
    return {at: one for at, one in found.items() if one.points is not None}


def add(out: Path, new: Sequence[Decision], who: str = "", *, reworded: bool = False) -> list[Decision]:
    """Write decisions down behind the earlier ones, with who and when; gives all. What stands already is not repeated.

    With ``reworded``, one that differs by its comment alone takes the place of its author's last one about the answer,
    as a comment is saved while it is typed. Raises :class:`GradingError` for points out of range, and for an exercise
    that there is not.
    """
    for one in new:
        exercises.get(one.id)
        if one.points is not None and not one.points >= 0:
            told = f"{one.points:g} points are negative"
            raise GradingError(told, where=f"{one.key}, {one.id}", hint="Give 0 or more")
    if not new:
        return read(out)
    with _alone(out):
        known = read(out)
        last = {one.voice: n for n, one in enumerate(known)}
        now = datetime.now(UTC).isoformat(timespec="seconds")
        changed = False
        for one in new:
            one = replace(one, who=one.who or who or me(), when=one.when or now)
            at = last.get(one.voice)
            before = known[at] if at is not None else Decision(one.key, one.id, None)
            if (before.points, before.comment) == (one.points, one.comment) and (
                one.points is None or (before.text, before.role) == (one.text, one.role)
            ):
                continue
            changed = True
            bare = replace(one, comment=before.comment, when=before.when)
            if reworded and at is not None and bare == before:
                known[at] = one
            else:
                last[one.voice] = len(known)
                known.append(one)
        if changed:
            atomic.write_json(out / FILE, {"decisions": [_plain(one) for one in known]})
    return known


@contextlib.contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Read and write decisions one at a time: two pages to mark in and a run of the grading may do so at once."""
    from filelock import FileLock, Timeout

    try:
        with FileLock(out / _LOCK, timeout=_PATIENCE):
            yield
    except Timeout as error:
        hint = f"End what holds it, or delete {out / _LOCK}"
        raise GradingError("another program holds the decisions", where=out / FILE, hint=hint) from error
    except OSError as error:
        told = f"decisions cannot be written here ({error.strerror or error})"
        raise GradingError(told, where=out, hint="Choose a folder that you may write to") from error


def _plain(one: Decision) -> dict[str, object]:
    return {name: value for name, value in asdict(one).items() if name != "role" or value}


def me() -> str:
    """The name of whoever uses this computer, or ""."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


def applied(result: Result, decisions: Latest) -> Result:
    """A result as people decided about it: their points, and their words as the message.

    A question whose words have changed since it was marked waits again, and a problem says so.
    Raises :class:`GradingError` for more points than the maximum.
    """
    grades: list[Grade] = []
    problems = list(result.problems)
    for grade in result.grades:
        one = decisions.get((result.key, grade.id))
        if one is None or one.points is None:
            grades.append(grade)
            continue
        if one.points > grade.maximum:
            text = f"{one.points:g} points are more than the maximum of {grade.maximum:g}"
            raise GradingError(text, where=f"{result.key}, {grade.id}", hint="Decide anew with `teach correct`")
        if isinstance(exercises.get(grade.id), Question) and one.text != print_of(result.written.get(grade.id, "")):
            what = f"the answer to question {grade.id} has changed since it was marked with {one.points:g} points"
            problems.append(Problem(result.student, "", what, "Look at it again; until then it waits to be marked"))
            waiting = f"It was changed after it had been marked with {one.points:g} points, and is marked again."
            grades.append(replace(grade, outcome=TO_MARK, points=None, message=waiting))
            continue
        grades.append(replace(grade, outcome=MARKED, points=one.points, message=one.comment))
    return replace(result, grades=tuple(grades), problems=tuple(problems))


def absent(decisions: Latest, students: Iterable[str]) -> list[Problem]:
    """A warning for each student about whom there are decisions and who is not in the class (any more)."""
    there = set(students)
    gone: dict[str, int] = {}
    for key, _ in decisions:
        if key not in there:
            gone[key] = gone.get(key, 0) + 1
    hint = "Their marks are kept, in case they come back"
    return [Problem("", "", f"{n} marks are of {key}, who has handed in nothing here", hint) for key, n in gone.items()]
