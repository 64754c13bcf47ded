"""A class of pretend students, to try the grading out before the real class hands in.

Every answer is one that the exercises declare, written as different people write, so it is known what each must get:
``rehearse`` writes the submissions and, beside them, ``expected.csv`` and the class list, ``roster.csv``.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from a2d import exercises
from a2d.checks import verdicts
from a2d.checks.verdicts import Outcome
from a2d.errors import CourseError
from a2d.exercises import Exercise, Question
from teach.folders import new_folder
from teach.lectures.names import numbers
from teach.lectures.rubrics import rubric
from teach.lectures.source import find_sources
from teach.rehearsal import habits
from teach.rehearsal.habits import Cell
from teach.rehearsal.wording import (
    Written,
    cell_id,
    declared_source,
    imports_for,
    read_notebook,
    right,
    right_source,
    wrong,
)
from teach.settings import REHEARSED

__all__ = ["REHEARSED", "declared_source", "rehearse", "right_source", "short_notebook"]

# Of so many who handed something in, one more is on the class list who did not.
ABSENT_OF = 40
KINDS, SHARES = ("right", "wrong", "empty", "raising"), (0.70, 0.20, 0.08, 0.02)
_METADATA = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
_RAISING = ("raise ValueError('I do not know yet')", "return not_defined_anywhere", "return [][0]", "return 1 / 0")


@dataclass(frozen=True)
class Given:
    """What a student gives for an exercise: None leaves the cell as it was; ``outcome`` is what that must get."""

    answer: Written | None
    outcome: Outcome


def rehearse(
    out: Path,
    students: int = 300,
    lectures: Sequence[int] | None = None,
    seed: int = 0,
    layout: str = "folders",
    one_notebook: bool = False,
    progress: bool = False,
) -> list[str]:
    """Write ``out/submissions`` in an LMS's ``layout``, ``expected.csv`` and ``roster.csv``; returns lines that say so.

    ``expected.csv`` has the names that stand in the submissions. ``roster.csv`` lists more than ``students``: one for
    each forty, who handed in nothing.
    ``lectures`` are numbers, None means all. With ``one_notebook`` every student hands in one short notebook with all
    exercises, which runs in seconds. The same ``seed`` gives the same bytes, and a student's answers do not depend on
    how many others there are. Raises :class:`CourseError` for a folder that holds something, and for options that
    do not exist.
    """
    from tqdm.auto import tqdm

    out = Path(out)
    if layout not in REHEARSED:
        raise CourseError("there is no such layout", where=layout, hint=f"Use one of {', '.join(REHEARSED)}")
    if students < 1:
        raise CourseError("a class has at least one student", where=f"--students {students}", hint="Use 1 or more")
    templates = _templates(lectures, one_notebook)
    rows: list[tuple[str, str, object, str]] = []
    count = 0
    with new_folder(out, lambda: _require_free(out)) as folder:
        for n in tqdm(range(students), "students", disable=not progress):
            rng = np.random.default_rng([seed, n])
            files, told = _student(n, rng, templates, layout)
            for name, text in files:
                path = folder / "submissions" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(text.encode())
            count += len(files)
            rows += told
        listed = students + -(-students // ABSENT_OF)
        (folder / "expected.csv").write_bytes(_csv(("student", "exercise", "points", "outcome"), rows).encode())
        people = [_on_the_list(n, layout) for n in range(listed)]
        (folder / "roster.csv").write_bytes(_csv(("name", "number", "email", "group"), people).encode())
    return [
        f"wrote {out / 'submissions'}: {count} notebooks of {students} students",
        f"wrote {out / 'expected.csv'}: what each answer must get",
        f"wrote {out / 'roster.csv'}: the class list, {listed} students",
    ]


def _require_free(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        hint = "Name a new folder, or remove what is there"
        raise CourseError("there is something here already", where=out, hint=hint)


@cache
def _given(id: str, kind: str, number: int) -> Given:
    """An answer of a kind, the ``number``-th of those, and what :func:`checking.judge` says of what is declared."""
    exercise = exercises.get(id)
    assert isinstance(exercise, Exercise)
    if kind == "right":  # the reference may call what learners must not; the second way calls this package
        outcome = verdicts.judge(replace(exercise, forbidden=()), exercise.reference)
        return Given(right(exercise, alone=number == 0), outcome)
    if kind == "wrong":
        one = exercise.wrong[number].answer
        return Given(wrong(exercise, one), verdicts.judge(exercise, one))
    if kind == "empty":
        return Given(None, verdicts.judge(exercise, None))
    text = f"def {exercise.name}({', '.join(exercise.parameters)}):\n    {_RAISING[number]}"
    space: dict[str, Any] = {}
    exec(compile(text, "<answer>", "exec", dont_inherit=True), space)
    return Given(Written((), (), text), verdicts.judge(exercise, space[exercise.name]))


def _draw(exercise: Exercise, rng: np.random.Generator) -> Given:
    kind = KINDS[int(rng.choice(len(KINDS), p=SHARES))]
    # Where the lecture allows to call this package, a right answer is given in both ways.
    both = 1 + (right(exercise) != right(exercise, alone=False))
    ways = {"right": both, "wrong": len(exercise.wrong), "empty": 1, "raising": len(_RAISING)}
    return _given(exercise.id, kind, int(rng.integers(ways[kind])))


# ------------------------------------------------------------------------------------------------------- the notebooks


@dataclass(frozen=True)
class Template:
    """A notebook as a student finds it; ``at`` says which exercise's or question's cell has an id."""

    name: str
    notebook: dict[str, Any]
    ones: tuple[Exercise | Question, ...]


def _templates(lectures: Sequence[int] | None, short: bool) -> list[Template]:
    """The student notebooks of the lectures, or the one short notebook of all their exercises."""
    paths = find_sources(names=[f"{number:02d}" for number in lectures or ()])
    found = []
    for path in paths:
        notebook = read_notebook(path.parent.parent / f"{path.stem}.ipynb")
        found.append(Template(path.stem, notebook, exercises.of_lecture(int(path.stem[:2]))))
    if not short:
        return found
    if not any(one.ones for one in found):
        some = [f"{number:02d}" for number in numbers() if exercises.of_lecture(number)]
        hint = f"Choose one of {some[0]} to {some[-1]}"
        raise CourseError("there are no exercises in it", where="--lectures", hint=hint)
    return [_short(found)]


def _short(templates: Sequence[Template]) -> Template:
    """The cells of all exercises and questions, below the imports that they need.

    Above the answer to a question stands its text: the answer is known by it where a student's program drops ids.
    """
    ones = tuple(each for one in templates for each in one.ones)
    cells = [habits.code("\n".join(imports_for(ones)), "00-imports")]
    for template in templates:
        wanted = {id for one in template.ones for id in _ids(one)}
        answers = {_ids(one)[0] for one in template.ones if isinstance(one, Question)}
        for cell, below in itertools.pairwise([*template.notebook["cells"], {"id": ""}]):
            if cell["id"] in wanted or below["id"] in answers:
                cells.append(cell)
    notebook = {"cells": cells, "metadata": _METADATA, "nbformat": 4, "nbformat_minor": 5}
    return Template("exercises", notebook, ones)


def _ids(one: Exercise | Question) -> list[str]:
    """The ids of an exercise's two cells, or of a question's one."""
    kinds = ("exercise", "check") if isinstance(one, Exercise) else ("answer",)
    return [cell_id(kind, one.id) for kind in kinds]


def short_notebook(answers: Mapping[str, str | None], written: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The short notebook with the exercises of ``answers``: by id the text of the cell, None leaves it as it was.

    ``written`` are texts for the cells of questions. Ids of cells are those of the lectures' notebooks.
    """
    written = written or {}
    ones = [exercises.get(id) for id in (*answers, *written)]
    lectures = sorted({int(one.id.partition(".")[0]) for one in ones})
    found = [replace(t, ones=tuple(o for o in t.ones if o in ones)) for t in _templates(lectures, False)]
    notebook = _short(found).notebook
    texts = {_ids(one)[0]: {**answers, **written}[one.id] for one in ones}
    cells = [habits.with_text(cell, texts.get(cell["id"])) for cell in notebook["cells"]]
    return {**notebook, "cells": cells}


def _student(
    n: int, rng: np.random.Generator, templates: Sequence[Template], layout: str
) -> tuple[list[tuple[str, str]], list[tuple[str, str, object, str]]]:
    """One student's files (path, text), and the rows of what is expected."""
    name = _name(n)
    student = _canvas(name) if layout == "canvas" else name
    outputs = bool(rng.random() < 0.6)
    late = bool(rng.random() < 0.05)
    files, rows = [], []
    for number, template in enumerate(templates):
        notebook, expected = _hand_in(template, rng, outputs)
        rows += [(student, *row) for row in expected]
        again = bool(rng.random() < 0.05)
        base = _path(layout, name, n, number, template.name, alone=len(templates) == 1, late=late, again=again)
        text = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        files.append((base, text))
    return files, rows


def _hand_in(
    template: Template, rng: np.random.Generator, outputs: bool
) -> tuple[dict[str, Any], list[tuple[str, object, str]]]:
    """A notebook with a student's answers in it, and (id, points, outcome) of each."""
    by_id = {cell["id"]: cell for cell in template.notebook["cells"]}
    new: dict[str, list[Cell]] = {}
    rows: list[tuple[str, object, str]] = []
    for one in template.ones:
        cells = [by_id[id] for id in _ids(one)]
        if isinstance(one, Question):
            text = _words(one, rng)
            new[cells[0]["id"]] = [habits.with_text(cells[0], text)]
            rows.append((one.id, "", "to mark") if text else (one.id, 0, "empty"))
            continue
        given = _draw(one, rng)
        before = _imported(template, cells[0])
        answer, name = habits.answer_cells(given.answer, one.name, cells[0], before, rng)
        new[cells[0]["id"]] = answer
        check = habits.with_text(cells[1], f'a2d.check("{one.id}", {name})')
        new[cells[1]["id"]] = [habits.with_output(check, f"{given.outcome}\n") if outputs else check]
        rows.append((one.id, given.outcome.points, given.outcome.kind))
    cells = [list(new.get(cell["id"], [cell])) for cell in template.notebook["cells"]]
    pairs = [_ids(one) for one in template.ones if isinstance(one, Exercise)]
    return habits.notebook(template.notebook, cells, pairs, rng), rows


def _words(question: Question, rng: np.random.Generator) -> str | None:
    """Some sentences of the model answer, or None for a question that is left."""
    sentences = rubric(question.id).answer.replace("\n", " ").split(". ")
    keep = int(rng.integers(1, len(sentences) + 1))
    return None if rng.random() < 0.1 else ". ".join(sentences[:keep]).rstrip(".") + "."


def _imported(template: Template, until: Cell) -> set[str]:
    """The import statements, of one name each, in the cells above one; exercises' own cells may be moved."""
    movable = {id for one in template.ones for id in _ids(one)}
    above = itertools.takewhile(lambda cell: cell is not until, template.notebook["cells"])
    texts = [habits.text(cell) for cell in above if cell["cell_type"] == "code" and cell["id"] not in movable]
    return {line for text in texts for line in habits.imports(text)}


# ------------------------------------------------------------------------------------------------- names and file names

_FIRST = [
    "Ada",
    "Amir",
    "Bao",
    "Björn",
    "Carla",
    "Chidi",
    "Dana",
    "Dario",
    "Elif",
    "Emil",
    "Farah",
    "Finn",
    "Greta",
    "Hana",
    "Hugo",
    "Ines",
    "Ivan",
    "Jana",
    "José",
    "Kenji",
    "Kira",
    "Lars",
    "Lena",
    "Mateo",
    "Mina",
    "Nadia",
    "Noah",
    "Olga",
    "Omar",
    "Petra",
    "Quinn",
    "Rosa",
    "Samir",
    "Sofía",
    "Tariq",
    "Thea",
    "Uma",
    "Viktor",
    "Wanda",
    "Zoë",
]
_LAST = [
    "Abel",
    "Baker",
    "Cohen",
    "Diaz",
    "Eriksen",
    "Fischer",
    "Garcia",
    "Haddad",
    "Ito",
    "Jansen",
    "Kaya",
    "Kim",
    "Lopes",
    "Martin",
    "Meyer",
    "Moreau",
    "Müller",
    "Nguyen",
    "Novak",
    "Okafor",
    "Olsen",
    "Park",
    "Patel",
    "Petrov",
    "Quist",
    "Rossi",
    "Sato",
    "Schmidt",
    "Silva",
    "Singh",
    "Smith",
    "Svensson",
    "Takeda",
    "Tran",
    "Ueda",
    "Vargas",
    "Wang",
    "Weber",
    "Yilmaz",
    "Zhang",
]


def _name(n: int) -> str:
    """The n-th student's name, each another one."""
    block, at = divmod(n, len(_FIRST) * len(_LAST))
    turn, first = divmod(at, len(_FIRST))
    name = f"{_FIRST[first]} {_LAST[(first + turn) % len(_LAST)]}"
    return f"{name} {block + 1}" if block else name


def _canvas(name: str) -> str:
    """Canvas writes last name and first name as one word of small letters."""
    first, _, last = name.partition(" ")
    bare = unicodedata.normalize("NFKD", f"{last}{first}").encode("ascii", "ignore").decode()
    return "".join(letter for letter in bare.lower() if letter.isalnum())


def _path(layout: str, name: str, n: int, number: int, slug: str, *, alone: bool, late: bool, again: bool) -> str:
    """Where a notebook lies in the submissions; ``again`` marks a file that was handed in a second time on Canvas."""
    if layout == "folders":
        return f"{name}/{slug}.ipynb"
    if layout == "flat":
        return f"{name}.ipynb" if alone else f"{name}_{slug}.ipynb"
    if layout == "moodle":
        return f"{name}_{100_000 + 7 * n}_assignsubmission_file/{slug}.ipynb"
    ids = f"{'LATE_' if late else ''}{_canvas_number(n)}_{900_000 + 100 * n + number}"
    return f"{_canvas(name)}_{ids}_{slug}{'-1' if again else ''}.ipynb"


def _on_the_list(n: int, layout: str) -> tuple[str, str, str, str]:
    """The n-th student on the class list: name, number (Canvas's, or the university's), e-mail and group."""
    name = _name(n)
    plain = unicodedata.normalize("NFKD", name.lower()).encode("ascii", "ignore").decode()
    number = _canvas_number(n) if layout == "canvas" else 5_000_001 + n
    return name, str(number), f"{plain.replace(' ', '.')}@example.org", "AB"[n % 2]


def _canvas_number(n: int) -> int:
    return 20_000 + 3 * n


def _csv(columns: Sequence[str], rows: Sequence[tuple[object, ...]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return stream.getvalue()
