"""``teach release``: a folder to hand out, and a zip of it: students' notebooks, the package, instructions.

The same sources give the same bytes. ``release.json`` says what was handed out, with a hash of each file: by it, a
folder is known that an earlier release wrote, and that may be replaced.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from a2d import __version__, exercises
from a2d.checks.points import POINTS_FILE, number, points_of
from a2d.exercises import Exercise
from a2d.io.atomic import write_json, write_text
from teach import settings
from teach.folders import new_folder
from teach.grading.model import GradingError
from teach.release.points import all_points, parse_lectures, read_points

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from teach.lectures.source import Lecture

RECORD_FILE, SHEET = "release.json", "INSTRUCTIONS.md"
# Files carry this time, so that the same content gives the same bytes: 1 January 2020 in UTC.
_EPOCH, _DATE = 1_577_836_800, (2020, 1, 1, 0, 0, 0)
# What programs leave behind in a folder that somebody looked at: it may go with the folder.
_LEFT_BEHIND = {".ipynb_checkpoints", "__pycache__", ".DS_Store", "Thumbs.db", "desktop.ini"}
# How the lectures say where the package comes from, for those who have a clone.
_FROM_CLONE = 'pip install -e ".[course]"'


def release(
    out: Path, lectures: Sequence[str] | None, points_file: Path | None, *, root: Path = settings.ROOT
) -> list[str]:
    """Write a release of ``lectures`` (such as ``["01-04", "06"]``; None means all) to ``out`` and ``out``.zip.

    Returns lines to print. Raises :class:`~a2d.errors.CourseError` for lectures, points, a folder or an
    installation that it cannot work with; then everything is as it was before.
    """
    from teach.lectures.source import find_sources, read_lecture

    out = Path(out).resolve()
    numbers = parse_lectures(",".join(lectures) if lectures else None)
    points = read_points(points_file) if points_file else {}
    sources = [read_lecture(path) for path in find_sources(root, [f"{n:02d}" for n in numbers])]
    with fresh_folder(out, zipped=True, root=root) as folder:
        wheel = build_wheel(root, folder).name
        for lecture in sources:
            write_text(folder / lecture.student.name, _text_of(lecture, points, wheel))
        every = {id: _short(value) for id, value in all_points(numbers, points).items()}
        if points_file:
            write_json(folder / POINTS_FILE, every)
        write_text(folder / SHEET, instructions(sources, points, wheel))
        seal(folder, {"version": __version__, "lectures": list(numbers), "points": every})
    notebooks = f"{len(sources)} notebook" + ("s" if len(sources) > 1 else "")
    size = zip_beside(out).stat().st_size / 1e6
    told = [f"wrote {out}: {notebooks}, {number(sum(every.values()))} points"]
    told.append(f"wrote {zip_beside(out)}: the same in one file, {size:.1f} MB")
    if unused := sorted(points.keys() - every.keys()):
        told.append(f"not used, as these lectures are not in it: the points of {', '.join(unused)}")
    return told


def zip_beside(out: Path) -> Path:
    """The zip of a release's folder."""
    return out.parent / f"{out.name}.zip"


# ------------------------------------------------------------------------------------------------- what is handed out


def handed_out(lecture: Lecture, points: Mapping[str, float] | None, wheel: str) -> NotebookNode:
    """A student's notebook for somebody who has the wheel and no clone."""
    from teach.lectures.build import badges, make_notebook

    notebook = make_notebook(lecture, solution=False, points=points)
    # Colab would take the package, and the badges would open the notebook, from the public repository.
    notebook.cells = [cell for cell in notebook.cells if not cell.id.endswith("-install-on-colab")]
    for cell in notebook.cells:
        cell.source = cell.source.replace(_FROM_CLONE, f'pip install "{wheel}[course]"')
    first = notebook.cells[0]
    first.source = first.source.replace(badges(lecture.slug), f"How to open it and hand it in: see {SHEET}.")
    return notebook


def _text_of(lecture: Lecture, points: Mapping[str, float], wheel: str) -> str:
    from teach.lectures.build import to_text
    from teach.lectures.lint import check_lecture

    check_lecture(lecture)
    return to_text(handed_out(lecture, points, wheel))


def instructions(lectures: Sequence[Lecture], points: Mapping[str, float] | None, wheel: str) -> str:
    """The sheet for students, in Markdown."""
    rows, sums = [], [0.0, 0.0]
    for lecture in lectures:
        shares = [0.0, 0.0]
        for one in exercises.of_lecture(int(lecture.slug[:2])):
            shares[not isinstance(one, Exercise)] += points_of(one.id, points)
        sums = [a + b for a, b in zip(sums, shares, strict=True)]
        rows.append(_row(f"`{lecture.student.name}`", shares))
    if len(rows) > 1:
        rows.append(_row("all", sums))
    return _SHEET.format(wheel=wheel, seconds=settings.ANSWER_SECONDS, rows="\n".join(rows))


def _row(name: str, shares: Sequence[float]) -> str:
    return f"| {name} | {' | '.join(number(share) if share else '-' for share in (*shares, sum(shares)))} |"


def _short(points: float) -> int | float:
    return int(points) if points == int(points) else points


_SHEET = """\
# Digits from Sound: instructions

## Install, once

You need Python 3.11, 3.12 or 3.13. In this folder, run

```
python -m venv .venv
.venv/bin/python -m pip install "{wheel}[course]"
.venv/bin/jupyter lab
```

On Windows, write `.venv\\Scripts\\` in place of `.venv/bin/`. With uv: `uv venv`, then
`uv pip install "{wheel}[course]"`.
The last line opens JupyterLab; use it each time. The data and the trained models are in the package.

## Work

- Open the notebooks in the order of their numbers, and run the cells from top to bottom.
- Write only in the cells with `# YOUR CODE HERE`, and in the text cells with "Your answer".
- Run the cell below an exercise: `a2d.check` says whether it is right. `a2d.score(3)` sums up lecture 03.
- Do not rename functions, change their parameters, or delete cells.
  Further functions and imports that an answer needs go into the cell of its exercise.
- An answer may use Python's standard library, NumPy, SciPy and PyTorch. Where it is graded, there is nothing else:
  no librosa, no files, no network, and of `a2d` only the functions that an exercise names.

## Hand in

1. Run *Kernel, Restart Kernel and Run All Cells*. Does it reach the end?
2. Save, and hand in **only** the `.ipynb` files, with their names as they are.

## Points

| notebook | exercises | questions | together |
|---|---|---|---|
{rows}

Exercises are graded by a program: it runs your function on new inputs of the same kind as the check's.
It has {seconds} seconds for each exercise. An exercise in parts gives points for each part that is right.
Questions are marked by a person.
"""


def build_wheel(root: Path, folder: Path) -> Path:
    """Build the package's wheel from its sources in ``root``; the same sources give the same bytes."""
    import importlib.util

    if importlib.util.find_spec("hatchling") is None:
        hint = 'Run `pip install "hatchling>=1.25,<2"`, then try again'
        raise GradingError("hatchling, which packs the course's package, is not installed", hint=hint)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder.resolve())]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(_EPOCH)}
    hint = "Run `python -m hatchling build -t wheel` in this folder, and mend what it says"
    try:
        done = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise GradingError("packing the package took more than 300 s", where=root, hint=hint) from error
    found = sorted(folder.glob("digits_from_sound-*.whl"))
    if done.returncode or not found:
        told = [line.strip() for line in re.sub(r"\x1b\[[0-9;]*m", "", done.stderr).splitlines() if line.strip()]
        raise GradingError(f"the package cannot be packed ({(told or ['no reason given'])[-1]})", where=root, hint=hint)
    return found[0]


# ------------------------------------------------------------------------------------------------- the folder


def seal(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write ``release.json``: the facts, and the SHA-256 of each file that is in the folder."""
    write_json(folder / RECORD_FILE, {**facts, "sha256": _hashes(folder)})


@contextlib.contextmanager
def fresh_folder(out: Path, *, zipped: bool = False, root: Path = settings.ROOT) -> Iterator[Path]:
    """Give a new, empty folder beside ``out``; it takes the place of ``out`` when the block ends without an error.

    With ``zipped``, so does a zip of it, beside it. ``out`` may be missing, empty, or what an earlier call wrote if
    the block called :func:`seal` and nobody has changed anything since; otherwise a :class:`GradingError` is raised
    and nothing is touched.
    """
    out = Path(out).resolve()
    archive = zip_beside(out)

    def check() -> None:
        _require_free(out, archive if zipped else None, root)

    with new_folder(out, check, beside={"new.zip": archive} if zipped else {}) as new:
        yield new
        if zipped:
            pack(new, new.with_name("new.zip"), out.name)


def _require_free(out: Path, archive: Path | None, root: Path) -> None:
    """Refuse a place with anything in it but an earlier release."""
    another = "Choose another folder, or move away what is there"
    for name in ("a2d", "data", "results", "notebooks"):
        if out.is_relative_to(root.resolve() / name):
            hint = "Choose a folder outside it"
            raise GradingError(f"the package is made of what is in {name}/", where=out, hint=hint)
    try:
        if out.exists() and not out.is_dir():
            raise GradingError("this is a file", where=out, hint="Give a folder that is new or empty")
        if out.exists() and any(out.iterdir()):
            if not (out / RECORD_FILE).is_file():
                raise GradingError("this folder is not empty, and no release wrote it", where=out, hint=another)
            if changes := _changes(out):
                more = f" and {len(changes) - 3} more" if len(changes) > 3 else ""
                told = f"files here are not as the release wrote them: {', '.join(changes[:3])}{more}"
                raise GradingError(told, where=out, hint=another)
        if archive is not None and os.path.lexists(archive) and not _is_release(archive):
            raise GradingError("this file is there, and no release wrote it", where=archive, hint=another)
    except OSError as error:
        raise GradingError(f"cannot read this ({error.strerror or error})", where=out, hint=another) from error


def _hashes(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file but the record, by its path in the folder; what is no plain file has none."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        mode = path.lstat().st_mode
        if name == Path(RECORD_FILE) or stat.S_ISDIR(mode) or _LEFT_BEHIND.intersection(name.parts):
            continue
        found[name.as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(mode) else ""
    return found


def _changes(folder: Path) -> list[str]:
    """The files of a release's folder that are new or changed since; one that was deleted is no loss."""
    try:
        record = json.loads((folder / RECORD_FILE).read_text(encoding="utf-8"))["sha256"]
        return [name for name, digest in _hashes(folder).items() if record.get(name) != digest]
    except (ValueError, KeyError, TypeError, AttributeError):
        return [RECORD_FILE]


def _is_release(archive: Path) -> bool:
    try:
        with zipfile.ZipFile(archive) as opened:
            return any(re.fullmatch(rf"[^/]+/{re.escape(RECORD_FILE)}", name) for name in opened.namelist())
    except (OSError, ValueError, zipfile.BadZipFile):
        return False


def pack(folder: Path, target: Path, name: str) -> None:
    """Zip a folder under a name; the same files give the same bytes."""
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            info = zipfile.ZipInfo(f"{name}/{path.relative_to(folder).as_posix()}", _DATE)
            info.create_system, info.external_attr = 3, 0o100644 << 16
            # The wheel, nearly all of it, is compressed already.
            archive.writestr(info, path.read_bytes())
