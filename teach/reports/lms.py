"""Back to the LMS: grades as Moodle and Canvas import them, and the feedback pages in a zip that each takes.

Whoever an LMS would take for somebody else is left out: rows are known by the LMS's own number, the e-mail address or
the ID number, never by the name. Nothing is written for answers that still wait for a person, as the LMS would show too
few points, nor for those who handed in nothing. The same results give the same bytes.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from a2d.io.atomic import atomic_path, write_text
from teach.grading.model import Result, Submission
from teach.reports.feedback import FOLDER as PAGES
from teach.reports.tables import Results, after, harmless, number, totals

FOLDER = "lms"
WORKSHEET, GRADEBOOK, PAGES_ZIP = "moodle-worksheet.csv", "moodle-gradebook.csv", "moodle-feedback.zip"
CANVAS, CANVAS_ZIP = "canvas-gradebook.csv", "canvas-comments.zip"
FILES = (WORKSHEET, GRADEBOOK, PAGES_ZIP, CANVAS, CANVAS_ZIP)
TITLE = "Digits from Sound"
# What no zip of an LMS has in a name.
_ODD = re.compile(r"[\x00-\x1f\\/:*?\"<>|]+")


@dataclass(frozen=True)
class _Row:
    """What goes back about one student."""

    key: str
    name: str
    number: str
    email: str
    id: str
    origin: str
    group: str
    marked: str
    points: float
    maximum: float


def write_lms(
    out: Path,
    results: Results,
    submissions: Iterable[Submission],
    people: Mapping[str, Any],
    layout: str,
    *,
    title: str = TITLE,
    waiting: bool = False,
) -> list[str]:
    """Write what can be made into the folder ``lms`` of ``out``; gives lines that tell what, and who is left out.

    ``title`` is what the LMS calls the assignment, for Canvas with its number, as in ``Sounds (123)``. ``waiting``:
    also for those whose answers wait for a person. The feedback pages must have been written.
    """
    left: Counter[str] = Counter()
    rows = list(_rows(results, {one.key: one for one in submissions}, people, left, waiting))
    folder, made, told = out / FOLDER, set[str](), list[str]()

    def write(name: str, columns: list[str], cells: Callable[[_Row], list[str]], chosen: list[_Row]) -> None:
        if chosen:
            write_text(folder / name, _csv([columns, *map(cells, chosen)]))
            made.add(name)

    def pack(name: str, path: Callable[[_Row], str], chosen: list[_Row]) -> None:
        if chosen:
            _zip(folder / name, ((path(row), out / PAGES / f"{row.key}.html") for row in chosen))
            made.add(name)

    most = number(max((row.maximum for row in rows), default=0))
    mine = [row for row in rows if row.origin]
    if layout == "moodle" and mine:
        columns = ["Identifier", "Full name", "Grade", "Maximum Grade", "Last modified (grade)"]
        write(WORKSHEET, columns, _worksheet, mine)
        pack(PAGES_ZIP, lambda row: f"{_ODD.sub(' ', row.origin)}/feedback.html", mine)
        told.append(f"For Moodle: {WORKSHEET} and {PAGES_ZIP}, {len(mine)} students; the maximum there must be {most}.")
    if layout == "canvas" and mine:
        named = [row for row in mine if row.number.isdecimal() and not row.origin.casefold().startswith("anon_")]
        columns = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", title]
        write(
            CANVAS,
            columns,
            lambda row: [harmless(row.name), row.number, "", "", harmless(row.group), _grade(row)],
            named,
        )
        pack(CANVAS_ZIP, lambda row: f"{_ODD.sub(' ', row.origin)}feedback.html", mine)
        told.append(
            f"For Canvas: {CANVAS}, {len(named)} students, and {CANVAS_ZIP}, {len(mine)}; out of {most} points."
        )
    gradebook = rows if layout != "canvas" else []
    by_mail, by_id = ([row for row in gradebook if _is_identity(cell(row))] for cell in (_mail, _id))
    if by_mail or by_id:
        who, cell = ("Email address", _mail) if len(by_mail) >= len(by_id) else ("ID number", _id)
        known = by_mail if len(by_mail) >= len(by_id) else by_id
        columns = [who, "Full name", title]
        write(GRADEBOOK, columns, lambda row: [cell(row), harmless(row.name), _grade(row)], known)
        told.append(f"For Moodle's gradebook: {GRADEBOOK}, {len(known)} students, known by their {who}.")
    for name in set(FILES) - made:
        (folder / name).unlink(missing_ok=True)
    if told:
        told[0] += f" They are in {folder}."
    if left and (told or layout in ("moodle", "canvas")):
        told.append(f"Nothing is written for {' and '.join(f'{n} {why}' for why, n in sorted(left.items()))}.")
    return told


def _rows(
    results: Results,
    submissions: Mapping[str, Submission],
    people: Mapping[str, Any],
    left: Counter[str],
    waiting: bool,
) -> Iterator[_Row]:
    """Those about whom something goes back; the others are counted."""
    for result in results():
        one = submissions[result.key]
        points, maximum, open_points = totals(result)
        if not one.files and not one.origin:
            left["who handed in nothing"] += 1
        elif open_points and not waiting:
            left["whose answers wait for a person (--export-waiting takes them too)"] += 1
        else:
            yield _row(result, one, people.get(result.key), after(result, points), maximum)


def _row(result: Result, one: Submission, person: Any, points: float, maximum: float) -> _Row:
    email, id, group, marked = (getattr(person, what, "") for what in ("email", "number", "group", "marked"))
    email = email or one.email
    return _Row(result.key, result.student, one.number, email, id, one.origin, group, marked, points, maximum)


def _worksheet(row: _Row) -> list[str]:
    # Moodle takes no grade over one that is newer than this time, unless the box about that is ticked.
    return [f"Participant {row.number}", harmless(row.name), _grade(row), number(row.maximum), row.marked or "-"]


def _grade(row: _Row) -> str:
    return number(row.points)


def _mail(row: _Row) -> str:
    return row.email


def _id(row: _Row) -> str:
    return row.id


def _is_identity(text: str) -> bool:
    """Whether a text can be written as it is: one that had to be changed would be another's, or nobody's."""
    return bool(text) and harmless(text) == text


def _csv(rows: list[list[str]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()


def _zip(path: Path, files: Iterable[tuple[str, Path]]) -> None:
    """A zip of files under other names, without the times that would differ from run to run."""
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, source in files:
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, 0o100644 << 16
            archive.writestr(info, source.read_bytes())
