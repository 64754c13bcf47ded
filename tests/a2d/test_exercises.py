"""Every exercise's declaration: right, wrong and empty answers are told apart, and the texts are complete."""

from __future__ import annotations

import ast
import re
from dataclasses import replace

import numpy as np
import pytest

from a2d import exercises
from a2d.checks import verdicts
from a2d.checks.comparison import difference, plain
from a2d.exercises import Exercise, Question, calls
from teach.lectures import lint, source
from teach.lectures.rubrics import rubric

ALL = exercises.every()
CODE = [one for one in ALL if isinstance(one, Exercise)]
QUESTIONS = [one for one in ALL if isinstance(one, Question)]
SOURCES = {int(path.stem[:2]): path for path in source.find_sources()}
SEEDS = range(5)
EACH = pytest.mark.parametrize("exercise", CODE, ids=lambda one: one.id)
WRONG = [(one, wrong) for one in CODE for wrong in one.wrong]
EACH_WRONG = pytest.mark.parametrize(
    ("exercise", "wrong"), WRONG, ids=[f"{one.id}-{n}" for one in CODE for n in range(1, len(one.wrong) + 1)]
)


@pytest.fixture(autouse=True)
def _sheets_made_once(sheets_made_once):
    """What the reference and the wrong answers give is computed once for each exercise and seed."""


def solution(exercise: Exercise):
    """The function that the lecture's solution notebook holds, with the imports of the lecture so far."""
    lecture = source.read_lecture(SOURCES[int(exercise.id.partition(".")[0])])
    name = lint.cell_name("exercise", exercise.id)
    space: dict = {"np": np}
    for cell in lecture.cells:
        if cell.kind != "code":
            continue
        for node in ast.parse(source.versions(lecture.path, cell)[0]).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                exec(compile(ast.Module([node], []), "<imports>", "exec"), space)
        if cell.name == name:
            exec(compile(source.versions(lecture.path, cell)[0], f"<{name}>", "exec"), space)
            return space[exercise.name]
    raise AssertionError(f"no cell {name}")


# -------------------------------------------------------------------------------------------------------- as a whole


def test_there_are_enough_and_they_add_up_to_what_the_readme_says():
    assert len(CODE) >= 28
    assert len(QUESTIONS) >= 6
    total = sum(one.points for one in ALL)
    assert f"All together there are {total} points." in (source.settings.ROOT / "README.md").read_text(encoding="utf-8")
    assert {int(one.id.partition(".")[0]) for one in CODE} == set(SOURCES)


def test_ids_are_numbered_within_each_lecture_and_names_are_used_once():
    for number in SOURCES:
        ids = [one.id for one in exercises.of_lecture(number)]
        assert ids == [f"{number}.{n}" for n in range(1, len(ids) + 1)]
    names = [one.name for one in CODE]
    assert len(names) == len(set(names)), "grading finds exercises by their function's name"


def test_an_exercise_that_is_not_there_is_refused():
    with pytest.raises(exercises.CourseError, match="no such exercise"):
        exercises.get("99.1")
    with pytest.raises(exercises.CourseError, match="no such exercise"):
        exercises.get("one")


# ------------------------------------------------------------------------------------------------------- declarations


@EACH
def test_the_declaration_is_complete(exercise):
    assert 1 <= exercise.difficulty <= 5
    assert 3 <= exercise.minutes <= 40
    assert exercise.points >= 1
    assert sum(exercise.shares().values()) == exercise.points
    assert len(exercise.wrong) >= 2
    assert 1 <= len(exercise.hints) <= 4
    assert exercise.right.strip().endswith((".", "?", ":"))
    # Within a heading behind a colon: small, but for a name or an abbreviation.
    first = exercise.title.split()[0]
    assert first[0].islower() or first in ("MFCCs", "Cohen's"), exercise.title
    assert not exercise.title.endswith((".", ":", "!"))
    for wrong in exercise.wrong:
        assert not wrong.means.endswith("."), "it stands within a sentence"
    meanings = [wrong.means for wrong in exercise.wrong]
    assert len(meanings) == len(set(meanings))
    node = ast.parse(f"def {exercise.signature}: ...").body[0]
    assert all(argument.annotation for argument in node.args.args)
    assert node.returns is not None
    assert getattr(calls, exercise.call.__name__) is exercise.call, "grading finds it in a2d.exercises.calls"


@EACH
def test_cases_are_plain_data_from_a_seed(exercise):
    def check(value):
        if isinstance(value, list | tuple):
            for one in value:
                check(one)
        elif isinstance(value, dict):
            for one in value.values():
                check(one)
        elif isinstance(value, np.ndarray):
            assert value.dtype.kind in "biufcU"
        else:
            assert value is None or isinstance(value, bool | int | float | str), type(value)
            assert not isinstance(value, np.generic)

    first, again, other = (verdicts.make_cases(exercise, seed) for seed in (0, 0, 1))
    assert len(first) >= 4
    for case in first:
        check(case.args)
        inputs = case.args[0] if exercise.call is calls.many else [case.args]
        assert all(len(one) >= len(exercise.parameters) - 1 for one in inputs)
    assert {case.part for case in first} == set(exercise.shares())
    assert difference([list(c.args) for c in first], [list(c.args) for c in again], 0, 0) == ""
    assert difference([list(c.args) for c in first], [list(c.args) for c in other], 0, 0) != ""


@EACH
def test_the_reference_is_right_and_gives_plain_data(exercise):
    for seed in SEEDS:  # a reference may be the library's function that learners must not call
        outcome = verdicts.judge(replace(exercise, forbidden=()), exercise.reference, seed)
        assert outcome.kind == "right", outcome.message
        assert outcome.points == exercise.points


@EACH
def test_the_lectures_solution_is_right(exercise):
    function = solution(exercise)
    for seed in SEEDS:
        outcome = verdicts.judge(exercise, function, seed)
        assert outcome.kind == "right", outcome.message
        assert "Note:" not in outcome.message, outcome.message


@EACH_WRONG
def test_a_wrong_answer_is_wrong_and_named(exercise, wrong):
    for seed in SEEDS:
        outcome = verdicts.judge(exercise, wrong.answer, seed)
        assert outcome.kind in ("wrong", "partly right"), outcome.message
        assert outcome.points < exercise.points
        assert outcome.misconception == wrong.means, outcome.message
        assert wrong.means in outcome.message


@EACH
def test_an_empty_answer_is_not_attempted(exercise):
    parameters = ", ".join(exercise.parameters)
    space: dict = {}
    exec(f"def nothing({parameters}): ...\ndef late({parameters}): raise NotImplementedError", space)
    for function in (None, ..., space["nothing"], space["late"]):
        outcome = verdicts.judge(exercise, function)
        assert (outcome.kind, outcome.points) == ("empty", 0)


@EACH
def test_nonsense_earns_nothing_and_raises_nothing(exercise):
    def fails(*args):
        raise ValueError("no")

    def text(*args):
        return "nonsense"

    def zero(*args):
        return 0

    def nan(*args):
        return float("nan")

    def array(*args):
        return np.full((2, 3), 7.5)

    def mapping(*args):
        return {"a": 1}

    def everything(*args):
        return list(args)

    for function in (fails, text, nan, mapping):
        outcome = verdicts.judge(exercise, function)
        assert outcome.kind in ("error", "wrong"), f"{function.__name__}: {outcome}"
        assert outcome.points == 0
    for function in (zero, array, everything):
        assert verdicts.judge(exercise, function).kind != "right", function.__name__


@EACH
def test_what_is_forbidden_exists(exercise):
    """A misspelt name would forbid nothing."""
    import fnmatch
    import importlib

    for name in exercise.forbidden:
        module, _, attribute = name.rpartition(".")
        assert fnmatch.filter(dir(importlib.import_module(module)), attribute), name


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: one.id)
def test_a_question_is_complete(question):
    wanted = rubric(question.id)
    assert question.points == sum(points for points, _ in wanted.rows) == 2
    assert len(wanted.rows) >= 2
    assert lint.words(question.text) <= 150
    assert 30 <= lint.words(wanted.answer) <= 200
    assert question.text.rstrip().endswith(("?", "."))
    assert all("|" not in what for _, what in wanted.rows), "it stands in a table"


@EACH
def test_the_texts_give_no_solution_away_by_accident(exercise):
    """The last hint may nearly give it; no hint is the solution's code as a whole."""
    lecture = source.read_lecture(SOURCES[int(exercise.id.partition(".")[0])])
    cell = next(c for c in lecture.cells if c.name == lint.cell_name("exercise", exercise.id))
    lines = [line for block in source.find_blocks(lecture.path, cell) for line in lint.telling(block)]
    told = "\n".join(exercise.hints)
    assert lines
    assert not all(line in told for line in lines)


def test_plain_turns_tensors_into_arrays():
    import torch

    value = plain({"a": (torch.ones(2, requires_grad=True), [np.float32(3)])})
    assert isinstance(value["a"][0], np.ndarray)
    assert type(value["a"][1][0]) is float


def test_ids_of_cells_follow_the_exercises():
    for number, path in SOURCES.items():
        names = {cell.name for cell in source.read_lecture(path).cells}
        for one in exercises.of_lecture(number):
            kinds = ("exercise", "check") if isinstance(one, Exercise) else ("answer",)
            assert {lint.cell_name(kind, one.id) for kind in kinds} <= names
        assert all(re.fullmatch(r"[\w-]*", name) for name in names)


@pytest.mark.slow
@pytest.mark.parametrize("exercise", CODE, ids=lambda one: one.id)
def test_what_a_wrong_answer_earns_does_not_depend_on_the_seed(exercise):
    earned: dict[str, set[float]] = {}
    for seed in range(40):
        sheet = verdicts.make_sheet(exercise, seed)
        for wrong, answers in sheet.wrong:
            earned.setdefault(wrong.means, set()).add(verdicts.compare(sheet, answers).points)
    assert {means: points for means, points in earned.items() if len(points) > 1} == {}
