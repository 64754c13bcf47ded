"""Marking one submission: find each answer, have the box run it on hidden cases, and compare what came out.

This never imports or runs anything of a student's.
"""

from __future__ import annotations

import ast
import contextlib
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import a2d
from a2d import exercises
from a2d.checks import verdicts
from a2d.checks.answers import Answer
from a2d.checks.points import points_of, scaled
from a2d.checks.verdicts import PUBLIC_SEED, Outcome, Sheet, compare, forbidden_name, make_sheet
from a2d.errors import CourseError
from a2d.exercises import Exercise, Question
from teach.grading.around import packed
from teach.grading.model import TO_MARK, UNREADABLE, Grade, GradingError, Problem, Result
from teach.grading.notebook import Answered, Notebook, NotebookCell, read_notebook, too_deep
from teach.lectures.names import slugs
from teach.reports.alike import fingerprint
from teach.sandbox import wire
from teach.sandbox.box import CLOCK, PATIENCE, Boxes, Ended
from teach.settings import ANSWER_SECONDS, CELL_TIMES, NOTEBOOK_TIMES

# Ways of calling that hand tensors or networks to the function.
_TORCH_CALLS = (
    "tensors",
    "gradients",
    "judge_like",
    "reader_with_dropout",
    "steps_of_a_vae",
    "in_a_field",
    "trains_a_field",
)
_MESSAGE = 2000
# Of all notebooks of a student, as one's :attr:`Notebook.weight`; all lectures together have 500,000.
_CODE = 3_000_000
# Checks that are judged while a notebook is run; lectures have ten.
_CHECKS = 60
# What may make two runs of an answer differ.
_CHANCE = re.compile(
    r"rand|\btime\b|\bid\(|\bhash\(|uuid|secrets|shuffle|\bset\(|choice|normal_?\(|default_rng|datetime"
)
# What a file is called that is not the one to hand in.
_ASIDE = re.compile(r"(?<![a-z])(?:checkpoint|copy|copie|kopie|copia|backup|old|test|draft|tmp|bak)(?![a-z])|-copy\d")
# Cells that cannot be read and are told one by one, of a notebook.
_LISTED = 20


@dataclass(frozen=True)
class Settings:
    """What grades depend on beside the notebooks.

    ``points`` are the points of ids that differ from the declared, ``python`` is the path of another, newer Python that
    has the course, for notebooks that ran with a newer one than this.
    """

    lectures: tuple[int, ...]
    seed: int
    timeout: float = ANSWER_SECONDS
    sandbox: bool = True
    points: tuple[tuple[str, float], ...] = ()
    python: str = ""

    @property
    def asked(self) -> tuple[Exercise | Question, ...]:
        """The exercises and questions that are graded, in the course's order."""
        return tuple(one for number in self.lectures for one in exercises.of_lecture(number))

    @property
    def maxima(self) -> dict[str, float]:
        """The points that each of these can give, by id."""
        points = dict(self.points)
        return {one.id: points_of(one.id, points) for one in self.asked}


@dataclass(frozen=True)
class Handed:
    """What one student handed in, ready to travel: files by name, those that could not be read as texts."""

    key: str
    student: str
    number: str
    late: bool
    files: tuple[tuple[str, bytes | str], ...]


class Marker:
    """Marks submissions with the same settings; keeps what is expected, and the boxes, from one to the next.

    :attr:`hurried` says of the last one whether an answer of it came to its end by the clock, with processor time left:
    on a machine with nothing else to do it may end by itself.
    """

    def __init__(self, settings: Settings):
        self.settings = settings
        self.hurried = False
        self._boxes = Boxes(sandbox=settings.sandbox)
        self._sheets: dict[tuple[str, int], _Prepared] = {}

    def close(self) -> None:
        """End the boxes."""
        self._boxes.close()

    def mark(self, handed: Handed) -> Result:
        """All grades of one student."""
        self.hurried = False
        notebooks, problems = _read_all(handed)
        grades: list[Grade] = []
        answers: dict[str, Answered | None] = {}
        written, prints = dict[str, str](), {}
        beside = dict[str, dict[str, Any]]()
        for one in self.settings.asked:
            if isinstance(one, Question):
                grade, text, notebook = self._question(one, notebooks, problems)
                if notebook is not None:
                    written[one.id], beside[one.id] = text, notebook.around(one)
            else:
                found = answers[one.id] = _find(one, notebooks)
                grade = self._exercise(one, found, notebooks, problems)
                if found is not None and not found.stub and not found.broken:
                    prints[one.id] = fingerprint(found.tree)
            grades.append(grade)
        grades = self._in_order(grades, answers, notebooks)
        who = handed.key, handed.student, handed.number, handed.late
        return Result(*who, tuple(grades), tuple(problems), written, prints, packed(beside))

    def _points(self, one: Exercise | Question) -> float:
        return points_of(one.id, dict(self.settings.points))

    # --------------------------------------------------------------------------------------------------- exercises

    def _exercise(
        self, exercise: Exercise, found: Answered | None, notebooks: Sequence[Notebook], problems: Sequence[Problem]
    ) -> Grade:
        full = self._points(exercise)
        if found is None:
            outcome, message = _absent(exercise, notebooks, problems)
            return Grade(exercise.id, outcome, 0, full, message)
        newer = _newer(notebooks)
        if found.broken and newer:
            return Grade(exercise.id, "unreadable", 0, full, _calm(f"{newer}\n{found.broken}"), where=found.where)
        if found.broken:
            return Grade(exercise.id, "error", 0, full, _calm(found.broken), where=found.where)
        if found.stub:
            return Grade(exercise.id, "empty", 0, full, f"{exercise.name} is not written yet.", where=found.where)
        if name := forbidden_name(found.tree, exercise.forbidden):
            message = f"It uses {name}, which is the answer itself. Write it with simpler steps."
            return Grade(exercise.id, "wrong", 0, full, message, "uses the answer itself", where=found.where)
        judged = self._run(exercise, found)
        message = "\n".join([judged.message, *found.notes])
        grade = _graded(exercise, judged, dict(self.settings.points), message, found.where)
        if newer and judged.kind == "error":
            # What fails here may be right there: it is not called wrong, and a person looks at it.
            return replace(grade, outcome="unreadable", message=_calm(f"{newer}\n{message}"))
        return grade

    def _run(self, exercise: Exercise, found: Answered) -> Outcome:
        # Who draws lots is asked twice: an answer that is right by luck is not right.
        chances = (0, 1) if _CHANCE.search(found.source) else (0,)
        seed = self.settings.seed
        (first_end, first), *more = [self._tried(exercise, found, seed, seed + chance) for chance in chances]
        for end, other in more:
            if end != first_end and not first.kind == other.kind == "right":
                _, public = self._tried(exercise, found, PUBLIC_SEED, 0)
                known = first.misconception or other.misconception or public.misconception
                return _by_chance(min(first, other, key=lambda one: one.points), known)
        if first.kind in ("right", "timeout"):
            return first if first.kind == "right" else _told(first, None)
        return self._in_words(exercise, found, first)

    def _tried(self, exercise: Exercise, found: Answered, seed: int, chance: int) -> tuple[Ended, Outcome]:
        """Run an answer on the cases of a seed, in a process of its own."""
        ready = self._prepared(exercise, seed)
        job = {**ready.job, "source": found.source, "function": found.function, "chance": chance}
        torch = ready.torch or bool(re.search(r"\btorch\b", found.source))
        ended = self._boxes.run(job, torch=torch, timeout=self.settings.timeout)
        self.hurried |= ended.reason == CLOCK
        with verdicts.still():
            return ended, _judged(ready.sheet, ended, self.settings.timeout, hidden=seed != PUBLIC_SEED)

    def _in_words(self, exercise: Exercise, found: Answered, judged: Outcome) -> Outcome:
        """An outcome with words in which nothing of a hidden input can be, whatever the answer raises or gives.

        They are those of the notebook's own check, whose inputs everybody has, from another process. Where the answer
        is right there, only how many of the hidden cases are right is told, and a mistake that is known.
        """
        _, public = self._tried(exercise, found, PUBLIC_SEED, 0)
        return _told(judged, public)

    def _prepared(self, exercise: Exercise, seed: int | None = None) -> _Prepared:
        key = exercise.id, self.settings.seed if seed is None else seed
        if key not in self._sheets:
            with verdicts.still():
                self._sheets[key] = _Prepared(make_sheet(exercise, key[1]))
        return self._sheets[key]

    # --------------------------------------------------------------------------------------- the notebook, in order

    def _in_order(
        self, grades: list[Grade], answers: Mapping[str, Answered | None], notebooks: Sequence[Notebook]
    ) -> list[Grade]:
        """The grades, where an answer cut out of its notebook was not right: as it is judged when all of it is run."""
        better = dict[str, Grade]()
        doubtful = dict[int, dict[str, Exercise]]()
        for lecture in self.settings.lectures:
            asked = [one for one in exercises.of_lecture(lecture) if isinstance(one, Exercise)]
            for one in (one for one, grade in _both(asked, grades) if (grade.points or 0) < grade.maximum):
                at = _doubtful(one, answers[one.id], notebooks)
                if at is not None:
                    doubtful.setdefault(at, {})[one.id] = one
        for at, wanted in doubtful.items():
            better |= self._play(notebooks[at], wanted)
        return [_better(grade, better.get(grade.id)) for grade in grades]

    def _play(self, notebook: Notebook, wanted: Mapping[str, Exercise]) -> dict[str, Grade]:
        """Run a notebook's cells, and judge what stands where an exercise is checked; the best of its checks."""
        judge = self._played(notebook, wanted, lend=True)
        # Who took the course's function for an answer that was still to come is judged without it.
        again = {id: wanted[id] for id in sorted(judge.refused)}
        more = self._played(notebook, again, lend=False).grades if again else {}
        return {**judge.grades, **{id: _better(judge.grades.get(id), grade) for id, grade in more.items()}}

    def _played(self, notebook: Notebook, wanted: Mapping[str, Exercise], *, lend: bool) -> _Judge:
        judge = _Judge(self, notebook, wanted, lend)
        cells = [cell.source for cell in notebook.cells if cell.kind == "code"]
        wait = self.settings.timeout
        job = {"cells": cells, "wanted": {id: one.name for id, one in wanted.items()}, "seconds": CELL_TIMES * wait}
        ended = self._boxes.play(job, judge.respond, timeout=NOTEBOOK_TIMES * wait)
        self.hurried |= ended.reason == CLOCK
        judge.end(ended)
        return judge

    # --------------------------------------------------------------------------------------------------- questions

    def _question(
        self, question: Question, notebooks: Sequence[Notebook], problems: Sequence[Problem]
    ) -> tuple[Grade, str, Notebook | None]:
        """The grade, the words, and the notebook that they stand in, if there are any."""
        full = self._points(question)
        places = [(*place, one) for one in notebooks if (place := one.written(question)) is not None]
        answered = [place for place in places if place[0]]
        if answered:
            text, where, notebook = answered[-1]
            return Grade(question.id, TO_MARK, None, full, "A person marks this answer.", where=where), text, notebook
        if places:
            return Grade(question.id, "empty", 0, full, "Nothing is written here.", where=places[-1][1]), "", None
        outcome, message = _absent(question, notebooks, problems)
        return Grade(question.id, outcome, 0, full, message), "", None


def needs_newer(handed: Handed) -> tuple[int, ...]:
    """The version of Python that ran a submission's notebooks, where it is newer than this one; else ()."""
    newest: tuple[int, ...] = ()
    for name, content in handed.files:
        with contextlib.suppress(GradingError):
            if isinstance(content, bytes):
                newest = max(newest, read_notebook(name, content).version)
    return newest if newest > sys.version_info[:2] else ()


def _newer(notebooks: Sequence[Notebook]) -> str:
    """What to know where a student's Python is newer than the one that grades."""
    newest, ours = max((one.version for one in notebooks), default=()), sys.version_info[:2]
    if newest <= ours:
        return ""
    theirs, here = (".".join(map(str, version)) for version in (newest, ours))
    return f"It may need Python {theirs}, with which this notebook was run; it is judged by Python {here}."


def _told(judged: Outcome, public: Outcome | None) -> Outcome:
    """What is told of an answer that is not right: see :meth:`Marker._in_words`; without ``public``, less."""
    if public is not None and public.kind != "right":
        lines = public.message.splitlines()
    else:
        lines = ["It is right on the inputs of the notebook's own check, and wrong on others: think of other inputs."]
        if public is None:
            lines = ["It is not right when the notebook is run from its first cell on. Do that, and check it again."]
        if judged.misconception:
            lines.append(f"This looks like a known mistake: {judged.misconception}.")
    if judged.kind in ("timeout", "killed") and (public is None or public.kind != judged.kind):
        lines = judged.message.splitlines()[:1]
    good = [part for part, fine in judged.parts.items() if fine]
    lines = [line for line in lines if not line.startswith("It has the points for: ")]
    if judged.points and good:
        lines.append(f"It has the points for: {', '.join(good)}.")
    return replace(judged, message="\n".join(lines), expected="", got="")


def _by_chance(worse: Outcome, known: str) -> Outcome:
    """What is said of an answer that came out in two ways; the same words in each run of the grading."""
    message = (
        "Its result depends on chance, or on the time: two runs on the same input gave two results. If it is to draw "
        "lots, let it draw from the generator or the seed that it is given."
    )
    if known:
        message += f"\nThis looks like a known mistake: {known}."
    return replace(worse, message=message, expected="", got="", misconception=known)


class _Judge:
    """Answers what a notebook asks while it is run, and judges what it hands out.

    ``lend``: whether the course's own function is given to who asks for it (``a2d.mine``). No answer to that exercise
    is taken afterwards; :attr:`refused` are those that came all the same.
    """

    def __init__(self, marker: Marker, notebook: Notebook, wanted: Mapping[str, Exercise], lend: bool):
        self._marker, self._notebook, self._wanted, self._lend = marker, notebook, wanted, lend
        self.grades: dict[str, Grade] = {}
        self.refused: set[str] = set()
        self._lent: set[str] = set()
        self._now: Exercise | None = None
        self._cell, self._checks, self._public = 0, 0, False
        self._messages: list[dict[str, Any]] = []

    def respond(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """What is said to a message; whatever comes, this gives cases, or whether they were answered rightly."""
        if isinstance(message.get("cell"), int):
            self._cell = message["cell"]
        elif "check" in message:
            return self._cases(message)
        elif "case" in message:
            return self._public_cases(str(message["case"]))
        elif "mine" in message:
            return self._lending(str(message["mine"]))
        elif "end" in message and self._now is not None:
            return {"failed": self._failed()} if self._public else {"right": self._judge()}
        elif self._now is not None:
            self._messages.append(message)
        return None

    def _lending(self, id: str) -> dict[str, Any]:
        self._now = None
        if not self._lend or (found := _lent(id)) is None:
            return {}
        self._lent.add(id)
        return found

    def _cases(self, message: Mapping[str, Any]) -> dict[str, Any]:
        self._now, self._messages, self._public = self._wanted.get(str(message["check"])), [], False
        self._checks += 1
        if self._now is None or self._checks > _CHECKS:
            self._now = None
            return {}
        if self._now.id in self._lent:
            self.refused.add(self._now.id)
            self._now = None
            return {}
        tree = _tree(message.get("source"))
        name = forbidden_name(tree, self._now.forbidden)
        if verdicts.is_stub(tree) or name:
            self._now = None
            return {}
        return self._asked(self._now, self._marker.settings.seed)

    def _asked(self, exercise: Exercise, seed: int) -> dict[str, Any]:
        job = self._marker._prepared(exercise, seed).job
        asked = {key: job[key] for key in ("cases", "call", "parameters", "forbidden", "may_use")}
        return {**asked, "chance": seed}

    def _public_cases(self, id: str) -> dict[str, Any]:
        """The cases of the notebook's own check, for ``a2d.case``."""
        self._now, self._messages, self._public = _exercise(id), [], True
        self._checks += 1
        if self._now is None or self._checks > _CHECKS:
            self._now = None
            return {}
        return self._asked(self._now, PUBLIC_SEED)

    def _failed(self) -> int | None:
        """The number of the first of these that went wrong."""
        exercise, self._now = self._now, None
        assert exercise is not None
        sheet = self._marker._prepared(exercise, PUBLIC_SEED).sheet
        with verdicts.still():
            failed = _judged(sheet, Ended("done", tuple(self._messages)), self._marker.settings.timeout).failed
        return next((n for n, case in enumerate(sheet.cases) if case is failed), None)

    def _judge(self) -> bool:
        exercise, self._now = self._now, None
        assert exercise is not None
        grade = self._grade(exercise, Ended("done", tuple(self._messages)))
        self.grades[exercise.id] = _better(self.grades.get(exercise.id), grade)
        return grade.outcome == "right"

    def _grade(self, exercise: Exercise, ended: Ended) -> Grade:
        settings, sheet = self._marker.settings, self._marker._prepared(exercise).sheet
        with verdicts.still():
            judged = _judged(sheet, ended, settings.timeout)
        if judged.kind != "right":
            judged = _told(judged, None)
        return _graded(exercise, judged, dict(settings.points), judged.message, self._where())

    def _where(self) -> str:
        code = [cell.number for cell in self._notebook.cells if cell.kind == "code"]
        return f"{self._notebook.name}, cell {code[self._cell - 1] if 0 < self._cell <= len(code) else 1}"

    def end(self, ended: Ended) -> None:
        """Judge the answer in whose midst the notebook ended, if there is one."""
        if self._now is not None and not self._public and self._now.id not in self.grades:
            self.grades[self._now.id] = self._grade(self._now, Ended(ended.how, tuple(self._messages), ended.reason))


@cache
def _lent(id: str) -> dict[str, Any] | None:
    """The course's own function for an exercise, as source; None where there is none."""
    from teach.rehearsal.wording import right_source

    exercise = _exercise(id)
    return {"source": right_source(exercise), "name": exercise.name} if exercise is not None else None


def _exercise(id: str) -> Exercise | None:
    """The exercise of an id that came from a box, if there is one."""
    try:
        found = exercises.get(id)
    except CourseError:
        return None
    return found if isinstance(found, Exercise) else None


def _graded(exercise: Exercise, judged: Outcome, points: Mapping[str, float], message: str, where: str) -> Grade:
    """A judged answer as a grade."""
    return Grade(
        id=exercise.id,
        outcome=judged.kind,
        points=scaled(exercise, judged.points, points),
        maximum=points_of(exercise.id, points),
        message=_calm(message),
        misconception=judged.misconception,
        expected=_calm(judged.expected),
        got=_calm(judged.got),
        parts=judged.parts,
        where=where,
    )


def _tree(source: Any) -> ast.AST:
    """The syntax tree of a function's source, as it came from a box."""
    try:
        tree = ast.parse(textwrap.dedent(source))
    except (TypeError, SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])
    if too_deep(tree):
        return ast.Module([], [])
    return next((node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)), tree)


def _both(asked: Sequence[Exercise], grades: Sequence[Grade]) -> Iterator[tuple[Exercise, Grade]]:
    by_id = {grade.id: grade for grade in grades}
    return ((one, by_id[one.id]) for one in asked if one.id in by_id)


def _better(one: Grade | None, other: Grade | None) -> Grade:
    """Of two grades of an exercise the one with more points; of equal ones the first, unless it found no answer.

    An error of the first may come of what was cut out, so what the second has found beside an error is nearer to it.
    """
    if one is None or other is None:
        found = one or other
        assert found is not None
        return found
    if (other.points or 0) > (one.points or 0):
        return other
    if one.outcome == "error" and not one.points and other.outcome != "error":
        return other
    return other if one.outcome in ("missing", "empty") and not one.points else one


def _doubtful(exercise: Exercise, found: Answered | None, notebooks: Sequence[Notebook]) -> int | None:
    """The number of the notebook in which an answer may be another one when all of it is run, or None.

    It is the lecture's that counts; another one, as one notebook for all lectures, only where that has no answer.
    """
    own = counting(notebooks, int(exercise.id.partition(".")[0]))
    if own is not None and own.may_differ(exercise, found):
        return notebooks.index(own)
    if own is not None and (answer := own.answer(exercise)) is not None and not answer.stub:
        return None
    others = [n for n, one in enumerate(notebooks) if not is_of(one.name, exercise.id)]
    return next((n for n in reversed(others) if notebooks[n].may_differ(exercise, notebooks[n].answer(exercise))), None)


def counting(notebooks: Sequence[Notebook], lecture: int) -> Notebook | None:
    """The notebook of a lecture that counts: the one with its own name, else the latest that is called like it."""
    own = [one for one in notebooks if is_of(one.name, f"{lecture}.1")]
    return max(own, key=lambda one: age(one.name), default=None)


class _Prepared:
    """What running and judging an exercise needs, made once for all students."""

    def __init__(self, sheet: Sheet):
        self.sheet = sheet
        exercise = sheet.exercise
        self.torch = exercise.call.__name__ in _TORCH_CALLS

    @cached_property
    def job(self) -> dict[str, Any]:
        """The job without the student's code."""
        exercise = self.sheet.exercise
        return {
            "call": exercise.call.__name__,
            "parameters": list(exercise.parameters),
            "cases": [wire.encode(list(case.args)) for case in self.sheet.cases],
            "forbidden": list(exercise.forbidden),
            "may_use": list(exercise.given),
            "given": _given(exercise.given),
        }


@cache
def _given(names: tuple[str, ...]) -> dict[str, str]:
    """The source of the package's functions that an exercise gives, by module, with the imports that they need."""
    found: dict[str, list[str]] = {}
    for name in names:
        module, _, function = name.rpartition(".")
        path = Path(a2d.__file__).parent.joinpath(*module.split(".")[1:]).with_suffix(".py")
        cell = NotebookCell(1, "code", path.read_text(encoding="utf-8"))
        found.setdefault(module, []).append(Notebook(module, (cell,)).slice_of(function))
    return {module: "\n".join(pieces) for module, pieces in found.items()}


# ------------------------------------------------------------------------------------------------- finding and judging


def _read_all(handed: Handed) -> tuple[list[Notebook], list[Problem]]:
    """The notebooks in the order in which later ones count more, and what is wrong with the others."""
    notebooks, problems, left = [], [], _CODE
    for name, content in sorted(handed.files, key=lambda one: age(one[0])):
        try:
            if isinstance(content, str):
                raise GradingError(content.removesuffix("."), where=name)
            notebook = read_notebook(name, content)
            left -= notebook.weight
            if left < 0:
                hint = "Ask for the latest notebooks only"
                raise GradingError("the student's other notebooks have too much code already", where=name, hint=hint)
        except GradingError as error:
            problems.append(Problem(handed.student, name, f"{UNREADABLE}{error.what}", error.hint or ""))
            continue
        notebooks.append(notebook)
        problems += [Problem(handed.student, name, text) for text in notebook.problems]
        if told := _newer([notebook]):
            hint = "Where an answer fails for that, install this course with that Python, and give it as --python"
            problems.append(Problem(handed.student, name, told, hint))
        broken = list(notebook.broken.items())
        problems += [Problem(handed.student, f"{name}, cell {number}", text) for number, text in broken[:_LISTED]]
        if len(broken) > _LISTED:
            problems.append(Problem(handed.student, name, f"{len(broken) - _LISTED} more cells that cannot be read"))
    return notebooks, problems


def age(name: str) -> tuple[Any, ...]:
    """A key that sorts names so that what counts more comes later.

    Copies, checkpoints and the like come first, a lecture's own name last; between them ``a-2.ipynb`` after
    ``a-1.ipynb`` and ``a.ipynb``, and ``a-10.ipynb`` after both.
    """
    stem = Path(name).stem
    own = any(stem == slug or stem.endswith((f"_{slug}", f"-{slug}")) for slug in slugs() if len(slug) > 2)
    aside = bool(_ASIDE.search(name.casefold()))
    pieces = re.split(r"(\d+)", name.casefold().removesuffix(".ipynb"))
    rank = 0 if aside else 2 if own else 1
    return rank, tuple((1, int(p)) if p.isdecimal() and len(p) < 18 else (0, p) for p in pieces), name


def _find(exercise: Exercise, notebooks: Sequence[Notebook]) -> Answered | None:
    """The answer that counts: written before empty, a later notebook before an earlier."""
    found = [(notebook, answer) for notebook in notebooks if (answer := notebook.answer(exercise)) is not None]
    if not found:
        return None
    own = [(n, a) for n, a in found if is_of(n.name, exercise.id)] or found
    for one in (own, found):
        written = [a for _, a in one if not a.stub and not a.broken]
        if written:
            return written[-1]
    return next((a for _, a in reversed(found) if a.broken), found[-1][1])


def is_of(name: str, id: str) -> bool:
    """Whether a file's name tells that it is the lecture of an exercise (``01_sound.ipynb`` of 1.2)."""
    lecture = int(id.partition(".")[0])
    return bool(re.search(rf"(?<!\d){lecture:02d}(?!\d)", Path(name).name))


def _absent(one: Exercise | Question, notebooks: Sequence[Notebook], problems: Sequence[Problem]) -> tuple[str, str]:
    """Why nothing was found: "missing" or "unreadable", and the reason."""
    unreadable = [p for p in problems if p.what.startswith(UNREADABLE)]
    same = [p for p in unreadable if is_of(p.file, one.id)]
    others = [n for n in notebooks if is_of(n.name, one.id)]
    if same or (unreadable and not others):
        told = (same or unreadable)[0]
        return "unreadable", f"{told.file}: {told.what.removeprefix(UNREADABLE)}. {told.hint}".strip()
    what = f"The function {one.name}" if isinstance(one, Exercise) else f"The answer to question {one.id}"
    if not notebooks:
        return "missing", "No notebook was handed in."
    if isinstance(one, Exercise) and (why := next(filter(None, (n.elsewhere(one) for n in notebooks)), "")):
        return "missing", why
    return "missing", f"{what} was not found in {', '.join(n.name for n in (others or notebooks)[:5])}."


def _judged(sheet: Sheet, ended: Ended, timeout: float, *, hidden: bool = True) -> Outcome:
    """What the messages from the box are worth."""
    waited = f"It did not come to an end within {PATIENCE * timeout:g} s, and computed little: what does it wait for?"
    looped = f"It did not come to an end within {timeout:g} s of processor time. Look for a loop without an end."
    stop = {
        "timeout": waited if ended.reason == CLOCK else looped,
        "killed": f"It was stopped: {ended.reason}.",
        "done": "Its results are incomplete.",
    }[ended.how]
    stopped = "timeout" if ended.how == "timeout" else "killed"
    cases = len(sheet.cases)
    answers: list[Answer] = []
    for message in ended.messages[:cases]:
        if "failed" in message:
            answers += [Answer(error=_text(message["failed"]))] * (cases - len(answers))
            break
        answers.append(_answer(message))
    answers += [Answer(error=stop, stopped=stopped)] * (cases - len(answers))
    # What is judged is more than a stub, or it would not have been run.
    outcome = compare(sheet, answers[:cases], hidden=hidden, written=True)
    # A right answer's notes are warnings in its own words.
    return outcome if outcome.kind != "right" else replace(outcome, message=sheet.exercise.right)


def _answer(message: Mapping[str, Any]) -> Answer:
    """One case's message as an answer; whatever it holds, this gives plain data."""
    if "error" in message or "broken" in message:
        refused = message.get("refused") is True
        return Answer(error=_text(message.get("error") or message.get("broken")), refused=refused)
    try:
        value = wire.decode(message.get("value"))
    except wire.WireError:
        return Answer(error="Its result could not be read.", stopped="killed")
    changed = message.get("changed")
    return Answer(
        value,
        unwritten=value is None or value is Ellipsis or message.get("unwritten") is True,
        changed=tuple(_text(name)[:80] for name in changed[:20]) if isinstance(changed, list) else (),
        warning=_text(message["warning"]) if "warning" in message else "",
    )


def _text(value: Any) -> str:
    """A text from the box; whatever else came, and no text at all, is told as that."""
    return (value[:_MESSAGE] if isinstance(value, str) else "") or "an error without a text"


def _calm(text: str) -> str:
    """A message without what differs from run to run, and without what a terminal or a table cannot show."""
    text = re.sub(r"\b0x[0-9a-fA-F]{4,}\b", "0x...", text)
    text = re.sub(r"\b1[34]\d{13}\b", "...", text)  # an address in memory, in decimal
    text = re.sub(r"(?<![\w.])(?:/[\w.+@-]+){2,}/([\w.+@-]+)", r".../\1", text)  # where the grader's files are
    text = "".join(c if c == "\n" or c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text.expandtabs())
    return text if len(text) <= _MESSAGE else text[: _MESSAGE - 3] + "..."
