"""What goes in and what comes out of grading: submissions, grades and problems; plain data that travels as JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from a2d.errors import CourseError

# How an exercise can end; each comes with a reason in words.
OUTCOMES = ("right", "partly right", "wrong", "empty", "error", "timeout", "killed", "missing", "unreadable")
# How the problem of a file begins of which nothing could be read.
UNREADABLE = "unreadable: "
# How a question in words can stand: a person still has to mark it, or has; or "empty", "missing", "unreadable".
TO_MARK, MARKED = "to mark", "marked"


class GradingError(CourseError):
    """Submissions, options or a machine that grading cannot work with."""


@dataclass(frozen=True)
class File:
    """One file that a student handed in; ``name`` is its path in the submission, ``size`` in bytes.

    ``read`` gives its bytes when asked, and raises :class:`GradingError` if that is impossible. ``when`` it was handed
    in (ISO 8601, "" where nothing says it), and whether the LMS calls it ``late``.
    """

    name: str
    size: int
    read: Callable[[], bytes]
    when: str = ""
    late: bool = False


@dataclass(frozen=True)
class Problem:
    """Something that the teacher should know; ``student`` is "" where it belongs to nobody."""

    student: str
    file: str
    what: str
    hint: str = ""


@dataclass(frozen=True)
class Submission:
    """What one student handed in.

    ``key`` is unique in the class and safe as a file name (ASCII letters, digits, ``-``, ``_``, ``.``; at most 80
    characters), ``student`` the name as found, ``number`` the LMS's number of the student, or "". ``when`` is the time
    of the last file (ISO 8601, or ""), ``email`` what the download says, ``origin`` the beginning of the name that the
    LMS gave it, by which it knows the feedback again. ``earlier`` are the attempts before, if they are graded too.
    """

    key: str
    student: str
    number: str = ""
    files: tuple[File, ...] = ()
    late: bool = False
    when: str = ""
    email: str = ""
    origin: str = ""
    earlier: tuple[Submission, ...] = ()


@dataclass(frozen=True)
class Grade:
    """How one exercise or question of one student ended.

    ``points`` is None for a question that a person still has to mark. ``message`` is for the student, in plain text;
    it never tells a hidden case. ``expected`` and ``got`` are short descriptions of the first result that differs, or
    "". ``parts`` tells for each part of the points whether it is right. ``where`` names the notebook and cell of the
    answer, as in ``01_sound.ipynb, cell 12``.
    """

    id: str
    outcome: str
    points: float | None
    maximum: float
    message: str
    misconception: str = ""
    expected: str = ""
    got: str = ""
    parts: dict[str, bool] = field(default_factory=dict)
    where: str = ""


@dataclass(frozen=True)
class Result:
    """All grades of one student, in the course's order, and what else was found.

    ``written`` are the answers in words to questions, by id. ``prints`` are fingerprints for noticing equal answers:
    by exercise, the hash of the normalised answer and its size in nodes of the syntax tree. ``around`` is what stands
    around the words, see :func:`teach.grading.around.packed`; it is kept in a file of its own. ``penalty`` are the
    points taken for ``days_late``, of which the grades know nothing; ``late_note`` tells it to the student.
    """

    key: str
    student: str
    number: str
    late: bool
    grades: tuple[Grade, ...]
    problems: tuple[Problem, ...] = ()
    written: dict[str, str] = field(default_factory=dict)
    prints: dict[str, tuple[str, int]] = field(default_factory=dict)
    around: dict[str, Any] = field(default_factory=dict)
    days_late: int = 0
    penalty: float = 0.0
    late_note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain data for a JSON file."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Result:
        """The reverse of :meth:`to_json`; raises KeyError or TypeError for anything else."""
        return cls(
            **{
                **data,
                "grades": tuple(Grade(**grade) for grade in data["grades"]),
                "problems": tuple(Problem(**problem) for problem in data["problems"]),
                "prints": {id: (one[0], int(one[1])) for id, one in data["prints"].items()},
            }
        )
