"""The tables of a graded class as CSV, and a filled-in ``to_mark.csv`` read back.

All are UTF-8 with a byte order mark (a spreadsheet opens them right by a double click; ``pandas.read_csv`` and
``encoding="utf-8-sig"`` skip it), with commas and ``\\n`` line ends, so that the same class gives the same bytes
everywhere. What students wrote cannot become a formula: :func:`harmless`.
"""

from __future__ import annotations

import contextlib
import csv
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from a2d import exercises
from a2d.exercises import Question
from a2d.io.atomic import atomic_path
from teach.grading.model import MARKED, OUTCOMES, TO_MARK, Grade, GradingError, Problem, Result
from teach.lectures.rubrics import rubric
from teach.reports.alike import WARNING, Group

Results = Callable[[], Iterator[Result]]


class Mark(NamedTuple):
    """A row that a person filled in: points, a comment, and the answer that stood beside them."""

    points: float
    comment: str
    answer: str = ""


Marks = dict[tuple[str, str], Mark]

TO_MARK_FILE = "to_mark.csv"
GRADES = (
    *("student", "number", "key", "exercise", "title", "points", "maximum", "outcome"),
    *("misconception", "message", "where"),
)
PROBLEMS = ("student", "key", "file", "what", "hint")
MARKING = ("student", "key", "question", "maximum", "rubric", "answer", "points", "comment")
SIMILAR = ("group", "student", "key", "exercises", "weight", "note")
# A spreadsheet holds 32,767 characters in a cell.
_LONGEST = 30_000
_STATES = (*OUTCOMES, TO_MARK, MARKED)
# Where a cell of a spreadsheet may begin, also where ";" is taken for the separator, and what begins a formula there.
_CELL = r"(?P<before>(?:^|[;\t\n])(?:[^\S\n\t]|[\u200c-\u200f])*+)"
_SIGNS = r"(?=[=+\-@\uff1d\uff0b\uff0d\uff20])"
_FORMULA, _GUARDED = re.compile(_CELL + _SIGNS), re.compile(f"{_CELL}'{_SIGNS}")
# Control characters, lone surrogates, ends of lines that are none, and what nobody sees but what joins or turns text;
# the joiners and marks that Persian, Hebrew or Arabic need are none of these.
_ODD = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)

# ------------------------------------------------------------------------------------------------------------ cells


def visible(text: str) -> str:
    """``text`` with control characters, lone surrogates and characters that nobody sees as escapes; ``\\n`` line ends.

    Newlines and tabs stay; what is longer than a spreadsheet's cell holds is cut, and says so.
    """
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]} [... and {len(text) - _LONGEST} more characters]"
    return _ODD.sub(_escape, text.replace("\r\n", "\n"))


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def harmless(text: str) -> str:
    """:func:`visible` text that no spreadsheet takes for a formula: an apostrophe before ``= + - @``, tab and CR."""
    first = "'" if text[:1] in ("\t", "\r") else ""
    return first + _FORMULA.sub(r"\g<before>'", visible(text))


def number(value: float | None) -> str:
    """A number with at most four decimals and no trailing zeros, as ``3`` or ``2.5``; None is an empty cell."""
    if value is None:
        return ""
    text = f"{value:.4f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def percent(points: float, maximum: float) -> float:
    """The share of the points in percent, to one decimal; 0 where there are none to get."""
    return round(100 * points / maximum, 1) if maximum else 0.0


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value)


# ---------------------------------------------------------------------------------------------------------- writing


@contextlib.contextmanager
def table(path: Path, columns: Sequence[str]) -> Iterator[Callable[[Iterable[Any]], None]]:
    """Write a CSV file atomically: gives a function that adds a row of texts, numbers, truth values or None."""
    with (
        atomic_path(path) as temporary,
        open(temporary, "w", encoding="utf-8-sig", newline="", buffering=1 << 16) as stream,
    ):
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        yield lambda row: writer.writerow([_cell(value) for value in row])


def write_tables(
    out: Path,
    results: Results,
    points: Mapping[str, float],
    problems: Iterable[Problem] = (),
    people: Mapping[str, Any] | None = None,
) -> None:
    """Write ``grades.csv``, ``summary.csv``, ``problems.csv`` and ``to_mark.csv`` into the folder ``out``.

    ``points``: the maximum of every exercise and question that is graded, in the course's order; ``problems``: those
    that belong to no student; ``people``: those of the class list by key, whose e-mail and group stand in the summary.
    """
    lectures = list(dict.fromkeys(map(lecture_of, points)))
    with (
        table(out / "grades.csv", GRADES) as add_grade,
        table(out / "summary.csv", _summary_columns(lectures, bool(people))) as add_summary,
        table(out / "problems.csv", PROBLEMS) as add_problem,
        table(out / TO_MARK_FILE, MARKING) as add_marking,
    ):
        for one in problems:
            add_problem([one.student, "", one.file, one.what, one.hint])
        for result in results():
            add_summary(_summary(result, lectures, people or {}))
            for one in result.problems:
                add_problem([result.student, result.key, one.file, one.what, one.hint])
            for grade in result.grades:
                add_grade(_grade_row(result, grade))
                if grade.outcome in (TO_MARK, MARKED):
                    add_marking(_marking_row(result, grade))


def write_similar(out: Path, groups: Sequence[Group]) -> None:
    """Write ``similar.csv`` into the folder ``out``: a row per group and student, each with the warning."""
    with table(out / "similar.csv", SIMILAR) as add:
        for number, group in enumerate(groups, 1):
            for key, name in group.students:
                add([number, name, key, ", ".join(group.exercises), group.weight, WARNING])


def lecture_of(id: str) -> int:
    """The lecture's number of an exercise's id."""
    return int(id.partition(".")[0])


def _grade_row(result: Result, grade: Grade) -> list[Any]:
    title = exercises.get(grade.id).title
    who = [result.student, result.number, result.key]
    told = [grade.misconception, grade.message, grade.where]
    return [*who, grade.id, title, grade.points, grade.maximum, grade.outcome, *told]


def _summary_columns(lectures: Sequence[int], listed: bool) -> list[str]:
    states = [state.replace(" ", "_") for state in _STATES]
    parts = [f"lecture_{number:02d}" for number in lectures]
    more = ["email", "group"] if listed else []
    return [
        "student",
        "number",
        "key",
        *more,
        "points",
        "maximum",
        "percent",
        *parts,
        *states,
        "late",
        "points_to_mark",
        "days_late",
        "penalty",
        "points_after",
    ]


def _summary(result: Result, lectures: Sequence[int], people: Mapping[str, Any]) -> list[Any]:
    earned: Counter[int] = Counter()
    for grade in result.grades:
        earned[lecture_of(grade.id)] += grade.points or 0  # type: ignore[assignment]
    points, maximum, open_points = totals(result)
    states = Counter(grade.outcome for grade in result.grades)
    listed = [getattr(people.get(result.key), what, "") for what in ("email", "group")] if people else []
    return [
        *(result.student, result.number, result.key, *listed),
        *(points, maximum, percent(points, maximum)),
        *(earned[lecture] for lecture in lectures),
        *(states[state] for state in _STATES),
        *(result.late, open_points),
        *(result.days_late, result.penalty, after(result, points)),
    ]


def totals(result: Result) -> tuple[float, float, float]:
    """Points so far, the maximum, and how many of it a person still has to mark."""
    points = sum(grade.points or 0 for grade in result.grades)
    waiting = sum(grade.maximum for grade in result.grades if grade.points is None)
    return points, sum(grade.maximum for grade in result.grades), waiting


def after(result: Result, points: float) -> float:
    """What is left of the points when those for late days are taken."""
    return round(max(points - result.penalty, 0), 4) if result.penalty else points


def _marking_row(result: Result, grade: Grade) -> list[Any]:
    question = exercises.get(grade.id)
    wanted = "\n".join(f"{points}: {what}" for points, what in rubric(grade.id).rows)
    marked = grade.outcome == MARKED
    return [
        *(result.student, result.key),
        # With its title: a spreadsheet would turn "1.6" into the first of June.
        *(f"{grade.id} {question.title}", grade.maximum, wanted, result.written.get(grade.id, "")),
        *(grade.points if marked else None, grade.message if marked else ""),
    ]


# ------------------------------------------------------------------------------------------------------------ marks


def read_marks(path: Path, points: Mapping[str, float] | None = None) -> Marks:
    """The marks of a filled-in ``to_mark.csv``: (key, id of the question) to points, comment, and what was marked.

    As it was written, or saved by a spreadsheet (``;`` or tab, decimal comma, another encoding). Rows without points
    are not marked yet. ``points``: maxima other than the course's. Raises :class:`GradingError`, with file and line,
    for points that are not a number from 0 to the maximum, for an unknown question, for a question marked twice, and
    for a comment without points.
    """
    most = {one.id: float(one.points) for one in exercises.every() if isinstance(one, Question)}
    most |= {id: value for id, value in (points or {}).items() if id in most}
    marks: Marks = {}
    needed = {"key", "question", "points", "comment"}
    for line, row in read_rows(path, needed, f"Keep the first line of {TO_MARK_FILE}"):
        where = f"{path}:{line}"
        given, comment = row["points"].strip(), _unguarded(row["comment"]).strip()
        if not given:
            if comment:
                raise GradingError("a comment without points", where=where, hint="Give points, or take it away")
            continue
        key, id = row["key"].strip(), (row["question"].split() or [""])[0]
        if id not in most:
            raise GradingError(f"there is no question {id!r}", where=where, hint="Leave that column as it was")
        if (key, id) in marks:
            raise GradingError(f"{key} is marked twice for question {id}", where=where, hint="Keep one of the rows")
        marks[key, id] = Mark(_mark(given, most[id], where), comment, _unguarded(row.get("answer", "")))
    return marks


def read_rows(path: Path, needed: Collection[str], hint: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Line and content of every row of a CSV file with anything in it, as a person or a spreadsheet wrote it.

    Columns are found by their names, and the separator by their line; ``needed`` are those that must be there, else
    :class:`GradingError` says ``hint``.
    """
    try:
        with open(path, encoding=_encoding(path), errors="replace", newline="") as stream:
            head = stream.readline()
            skipped = int(head.startswith("sep="))
            head = stream.readline() if skipped else head
            separator = max(",;\t", key=head.count)
            reader = csv.reader(chain([head], stream), delimiter=separator)
            yield from _records(path, reader, skipped, needed, hint)
    except OSError as error:
        raise GradingError(f"cannot be read ({error.strerror})", where=path, hint="Check the file's name") from error


def _encoding(path: Path) -> str:
    with open(path, "rb") as stream:
        if stream.read(2) in (b"\xff\xfe", b"\xfe\xff"):
            return "utf-16"
    try:
        with open(path, encoding="utf-8-sig") as stream:
            for _ in stream:
                pass
    except UnicodeDecodeError:
        # What Excel writes as plain "CSV" in Western Europe; only comments can suffer where it is another one.
        return "cp1252"
    return "utf-8-sig"


def _records(
    path: Path, reader: Any, skipped: int, needed: Collection[str], hint: str
) -> Iterator[tuple[int, dict[str, str]]]:
    names: list[str] = []
    line = 1 + skipped
    try:
        for row in reader:
            where, at, line = f"{path}:{line}", line, reader.line_num + 1 + skipped
            if not names:
                names = [name.strip() for name in row]
                if missing := set(needed) - set(names):
                    text = f"it has no column {', '.join(sorted(missing))}"
                    raise GradingError(text, where=where, hint=hint)
            elif any(cell.strip() for cell in row):
                if len(row) != len(names):
                    text = f"the row has {len(row)} cells, the first line has {len(names)}"
                    raise GradingError(text, where=where, hint="Look for a lost quotation mark or separator")
                yield at, dict(zip(names, row, strict=True))
    except csv.Error as error:
        text = f"this is not CSV ({error})"
        raise GradingError(text, where=f"{path}:{line}", hint="Save the table as CSV again") from error


def _mark(text: str, maximum: float, where: str) -> float:
    if not re.fullmatch(r"[-+]?([0-9]+([.,][0-9]*)?|[.,][0-9]+)", text.removeprefix("'")):
        raise GradingError(f"{text[:60]!r} is not a number", where=where, hint="Give points such as 1 or 1.5")
    value = float(text.removeprefix("'").replace(",", "."))
    if not 0 <= value <= maximum:
        told = "negative" if value < 0 else f"more than the maximum of {number(maximum)}"
        raise GradingError(f"{text[:60]} points are {told}", where=where, hint=f"Give 0 to {number(maximum)} points")
    return value


def _unguarded(text: str) -> str:
    """The reverse of :func:`harmless`, as far as formulas go."""
    return _GUARDED.sub(r"\g<before>", text.replace("\r\n", "\n"))
