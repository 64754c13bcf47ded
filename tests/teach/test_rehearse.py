"""A rehearsal's class: every declared answer can be written as a student would, and gets what it must get."""

from __future__ import annotations

import ast
import csv
import itertools
import json
import os
import re
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import nbformat
import numpy as np
import pytest
import students
from IPython.core.inputtransformer2 import TransformerManager
from students import CODE, HONEST, PARTLY

import a2d
from a2d import exercises
from a2d.checks import verdicts
from a2d.errors import CourseError
from a2d.exercises import Exercise, Question, Wrong
from teach import settings
from teach.grading import grade
from teach.rehearsal import habits, rehearse, wording

EACH = pytest.mark.parametrize("exercise", CODE, ids=lambda one: one.id)
IN_THE_BOX = {*sys.stdlib_module_names, "numpy", "scipy", "torch"}


def function_in(text: str, exercise: Exercise):
    # A cell does not inherit this file's `from __future__`: its annotations are evaluated.
    space: dict = {"__name__": "cell"}
    exec(compile(text, "<cell>", "exec", dont_inherit=True), space)
    return space[exercise.name]


def modules_in(text: str) -> set[str]:
    nodes = list(ast.walk(ast.parse(text)))
    found = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    found |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in found}


class Shell:
    """What IPython's magics call; only ``%%time`` and the like run something."""

    def __init__(self, space: dict):
        self.space = space

    def run_cell_magic(self, name: str, line: str, body: str) -> None:
        exec(compile(body, "<cell>", "exec", dont_inherit=True), self.space)

    def run_line_magic(self, name: str, line: str, **_: object) -> None:
        pass

    def system(self, command: str) -> None:
        pass


def is_literal(node: ast.expr) -> bool:
    """Whether it is a number, a string or a tuple of them, written out."""
    return all(isinstance(n, ast.Constant | ast.Tuple | ast.Load) for n in ast.walk(node))


def answers_in(notebook: dict, monkeypatch: pytest.MonkeyPatch) -> dict:
    """Run imports, definitions and checks of a notebook from top to bottom; gives the functions that it checks."""
    checked: dict = {}
    monkeypatch.setattr(a2d, "check", lambda id, function=None: checked.update({id: function}))
    # The lectures' set-up imports a2d within a `try`.
    space: dict = {"__name__": "__main__", "a2d": a2d}
    space["get_ipython"] = lambda: Shell(space)
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        try:
            tree = ast.parse(TransformerManager().transform_cell(habits.text(cell)))
        except SyntaxError:
            continue
        for node in tree.body:
            told = ast.unparse(node)
            constant = isinstance(node, ast.Assign) and is_literal(node.value)
            if (
                isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef)
                or constant
                or "check(" in told
                or "magic(" in told
            ):
                try:
                    exec(compile(ast.Module([node], []), "<cell>", "exec", dont_inherit=True), space)
                except NameError:
                    assert "check(" not in told, told
    return checked


def read_class(out: Path) -> tuple[dict[str, list[dict]], dict[tuple[str, str], tuple[str, str]]]:
    """Each student's notebooks in a rehearsal's folders, and what is expected: (points, outcome)."""
    with open(out / "expected.csv", encoding="utf-8", newline="") as stream:
        expected = {
            (row["student"], row["exercise"]): (row["points"], row["outcome"]) for row in csv.DictReader(stream)
        }
    folders = sorted((out / "submissions").iterdir())
    return {f.name: [json.loads(p.read_text("utf-8")) for p in sorted(f.iterdir())] for f in folders}, expected


# ------------------------------------------------------------------------------------------------------ the sources


@EACH
def test_declared_answers_are_one_cell_that_needs_nothing_else(exercise):
    for text in (
        wording.right_source(exercise),
        *(wording.declared_source(exercise, w.answer) for w in exercise.wrong),
    ):
        assert modules_in(text) <= IN_THE_BOX
        assert verdicts.forbidden_name(ast.parse(text), exercise.forbidden) == ""
        assert list(function_in(text, exercise).__code__.co_varnames[: len(exercise.parameters)]) == list(
            exercise.parameters
        )


@EACH
def test_the_right_answer_gets_all_points(exercise):
    function = function_in(wording.right_source(exercise), exercise)
    for seed in range(6):
        outcome = verdicts.judge(exercise, function, seed)
        assert (outcome.kind, outcome.points) == ("right", exercise.points), outcome.message
    assert wording.declared_source(exercise, exercise.reference) == wording.right_source(exercise)


@EACH
def test_a_written_mistake_gets_what_the_declared_one_gets(exercise, monkeypatch):
    for number, wrong in enumerate(exercise.wrong, 1):
        outcome = verdicts.judge(exercise, function_in(wording.declared_source(exercise, wrong.answer), exercise))
        assert outcome.misconception == wrong.means
        with monkeypatch.context() as quick:
            quick.setattr(verdicts, "misconception", lambda *_: None)
            declared = verdicts.judge(exercise, wrong.answer)
        assert (outcome.kind, outcome.points, outcome.parts) == (declared.kind, declared.points, declared.parts)
        assert outcome.points == PARTLY.get((exercise.id, number), 0)


def test_the_lectures_own_way_keeps_its_imports():
    text = wording.right(exercises.get("3.4"), alone=False).text
    assert "from a2d.vae import kl_divergence\nfrom a2d.vae import bernoulli_nll\n" in text
    assert "a2d" not in wording.right(exercises.get("3.4")).text


def test_an_answer_that_is_no_function_of_its_module_is_refused():
    exercise = exercises.get("1.1")
    for answer in (lambda x, n_fft, hop_length: x, len):
        with pytest.raises(CourseError, match=r"1\.1: .* is no answer that can be written as text. Declare it"):
            wording.declared_source(replace(exercise, wrong=(Wrong("x", answer),)), answer)


# ---------------------------------------------------------------------------------------------- the honest students


def test_the_students_together_make_every_mistake():
    assert len({name for name, _, _ in HONEST}) == 16
    for one in CODE:
        texts = {answers[one.id] for _, answers, _ in HONEST}
        assert {wording.declared_source(one, wrong.answer) for wrong in one.wrong} <= texts
        assert {None, wording.right_source(one)} <= texts
        assert any("raise ValueError" in (text or "") for text in texts) or any("nan" in (text or "") for text in texts)
    assert HONEST[0][2] == {one.id: one.points for one in CODE}
    assert set(PARTLY) <= {(one.id, n) for one in CODE for n in range(1, len(one.wrong) + 1)}
    assert all(0 < points < exercises.get(id).points for (id, _), points in PARTLY.items())


@EACH
def test_empty_raising_and_nan_get_nothing(exercise):
    assert verdicts.judge(exercise, None).points == students.source_of(exercise, "empty")[1] == 0
    for what, kind in (("raising", "error"), ("NaN", "wrong")):
        text, points = students.source_of(exercise, what)
        outcome = verdicts.judge(exercise, function_in(text, exercise))
        assert (outcome.kind, outcome.points) == (kind, points)


def test_their_notebooks_hold_their_answers(tmp_path, monkeypatch):
    paths = students.write_notebooks(tmp_path, {"1.1", "3.4", "7.2"})
    assert list(paths) == [name for name, _, _ in HONEST]
    for name, answers, points in HONEST:
        nbformat.validate(notebook := nbformat.read(paths[name], as_version=4))
        ids = [cell.id for cell in notebook.cells]
        assert ids == [
            "00-imports",
            *(f"0{n}-{part}-{n}-{m}" for n, m in ((1, 1), (3, 4), (7, 2)) for part in ("exercise", "check")),
        ]
        checked = answers_in(notebook, monkeypatch)
        for id in ("1.1", "3.4", "7.2"):
            assert verdicts.judge(exercises.get(id), checked[id]).points == points[id], (name, id)
            if answers[id] is not None:
                assert notebook.cells[ids.index(wording.cell_id("exercise", id))].source == answers[id]


def test_a_short_notebook_holds_the_answers_in_words():
    notebook = rehearse.short_notebook({"1.1": None}, {"1.6": "Because of the mean."})
    imports, exercise, check, question, answer = notebook["cells"]
    assert [cell["id"] for cell in (imports, exercise, check, answer)] == [
        "00-imports",
        "01-exercise-1-1",
        "01-check-1-1",
        "01-answer-1-6",
    ]
    assert "YOUR CODE HERE" in habits.text(exercise)
    assert habits.text(question).startswith("### Question 1.6: ")
    assert habits.text(answer) == "Because of the mean."


# -------------------------------------------------------------------------------------------------------- the class


@pytest.fixture(scope="module")
def short(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("class") / "short"
    rehearse.rehearse(out, students=16, seed=3, one_notebook=True)
    return out


def test_a_class_gets_what_is_expected(short, monkeypatch):
    """Whatever was done to the notebooks, running them gives functions with the expected points."""
    classes, expected = read_class(short)
    assert len(classes) == 16
    for number, (student, [notebook]) in enumerate(classes.items()):
        checked = answers_in(notebook, monkeypatch)
        assert set(checked) == {one.id for one in CODE}
        for one in CODE[number % 3 :: 3]:  # a third of each student's; together all exercises
            outcome = verdicts.judge(one, checked[one.id])
            assert (str(outcome.points), outcome.kind) == expected[student, one.id], (student, one.id, outcome.message)
    assert set(expected) == {(student, one.id) for student in classes for one in exercises.every()}


def test_questions_are_to_mark_or_empty(short):
    classes, expected = read_class(short)
    for student, [notebook] in classes.items():
        texts = [habits.text(cell) for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
        assert all(text.startswith("### Question ") for text in texts[::2])
        texts = texts[1::2]
        questions = [one for one in exercises.every() if isinstance(one, Question)]
        assert len(texts) == len(questions)
        for one, text in zip(questions, texts, strict=True):
            left = text.startswith("*Your answer")
            assert expected[student, one.id] == (("0", "empty") if left else ("", "to mark"))


def test_shares_are_as_promised_and_all_points_are_whole(tmp_path):
    rehearse.rehearse(tmp_path / "out", students=40, seed=1, one_notebook=True, layout="flat")
    with open(tmp_path / "out" / "expected.csv", encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if isinstance(exercises.get(row["exercise"]), Exercise)]
    counts = Counter(row["outcome"] for row in rows)
    assert abs(counts["right"] / len(rows) - 0.70) < 0.05
    assert abs((counts["wrong"] + counts["partly right"]) / len(rows) - 0.20) < 0.05
    assert abs(counts["empty"] / len(rows) - 0.08) < 0.03
    assert 0 < counts["error"] / len(rows) < 0.05
    for row in rows:
        assert 0 <= int(row["points"]) <= exercises.get(row["exercise"]).points
    files = list((tmp_path / "out" / "submissions").iterdir())
    assert len(files) == 40
    assert max(path.stat().st_size for path in files) < 90_000


def test_the_same_seed_gives_the_same_bytes_and_a_larger_class_the_same_students(short, tmp_path):
    def bytes_of(out: Path) -> dict[str, bytes]:
        return {str(p.relative_to(out)): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}

    first = bytes_of(short)
    rehearse.rehearse(tmp_path / "again", students=16, seed=3, one_notebook=True)
    assert bytes_of(tmp_path / "again") == first
    rehearse.rehearse(tmp_path / "fewer", students=5, seed=3, one_notebook=True)
    fewer = bytes_of(tmp_path / "fewer")
    for name in ("expected.csv", "roster.csv"):  # one more than handed in is on the list
        rows = fewer.pop(name).splitlines()
        assert first[name].splitlines()[: len(rows)] == rows
    assert fewer.items() <= first.items()
    rehearse.rehearse(tmp_path / "other", students=5, seed=4, one_notebook=True)
    other = bytes_of(tmp_path / "other")
    assert all(other[name] != text for name, text in fewer.items())


def test_whole_lectures_keep_their_cells_and_get_what_is_expected(tmp_path, monkeypatch):
    rehearse.rehearse(tmp_path / "out", students=8, seed=2, lectures=(0, 3, 8))
    classes, expected = read_class(tmp_path / "out")
    names = ["00_start_here", "03_autoencoders_and_elbo", "08_the_report_reproduced"]
    theirs = [p.stem for p in sorted((tmp_path / "out" / "submissions" / "Ada Abel").iterdir())]
    assert theirs == names
    for student, notebooks in classes.items():
        for name, notebook in zip(names, notebooks, strict=True):
            nbformat.validate(nbformat.from_dict(notebook))
            found = json.loads((settings.ROOT / "notebooks" / f"{name}.ipynb").read_text("utf-8"))
            ours = {
                wording.cell_id(kind, one.id) for one in exercises.every() for kind in ("exercise", "check", "answer")
            }
            kept = [habits.text(cell) for cell in notebook["cells"]]
            for cell in found["cells"]:
                assert cell["id"] in ours or habits.text(cell) in kept, (student, cell["id"])
            checked = answers_in(notebook, monkeypatch)
            for id, function in checked.items():
                outcome = verdicts.judge(exercises.get(id), function)
                assert (str(outcome.points), outcome.kind) == expected[student, id], (student, id, outcome.message)


def test_every_habit_occurs_in_a_class(monkeypatch):
    """Ids lost, cells copied and moved, functions renamed, helpers apart, magics, broken cells, outputs."""
    monkeypatch.setattr(verdicts, "misconception", lambda *_: None)
    templates = rehearse._templates(None, True)
    order = [cell["id"] for cell in templates[0].notebook["cells"]]
    seen: Counter = Counter()
    for n in range(120):
        [(_, text)], _ = rehearse._student(n, np.random.default_rng([0, n]), templates, "folders")
        notebook = json.loads(text)
        if n < 30:
            nbformat.validate(nbformat.from_dict(notebook))
        texts = [habits.text(cell) for cell in notebook["cells"]]
        ids = [cell.get("id") for cell in notebook["cells"]]
        seen["stripped"] += notebook["nbformat_minor"] == 4 and not any(ids) and notebook["metadata"] == {}
        known = [id for id in ids if id in order]
        seen["moved"] += known != sorted(known, key=order.index)
        seen["copied"] += any(texts.count(one) > 1 for one in texts if one.startswith("a2d.check("))
        seen["renamed"] += any(one.startswith("a2d.check") and ", my_" in one for one in texts)
        seen["outputs"] += any(cell.get("outputs") for cell in notebook["cells"])
        seen["apart"] += any("def " in one and id not in order for one, id in zip(texts, ids, strict=True) if id)
        seen["import inside"] += any("\n    import numpy as np" in one for one in texts)
        seen["import above"] += any("np." in one and "import" not in one and "def " in one for one in texts)
        seen["comment"] += any("# first try" in one for one in texts)
        for name, sign in (("looking", habits._LOOKING), ("broken", habits._BROKEN)):
            seen[name] += any(one in sign for one in texts)
        seen["magic in an answer"] += any(one.startswith(habits._MAGIC_LINES) and "def " in one for one in texts)
    signs = ["stripped", "moved", "copied", "renamed", "outputs", "apart", "comment", "looking", "broken"]
    assert min(seen[name] for name in [*signs, "import inside", "import above", "magic in an answer"]) >= 2, seen


def test_answers_rely_on_no_import_of_an_exercises_cell():
    """Such a cell may be moved below the answer."""
    [template] = rehearse._templates((3,), False)
    cells = {cell["id"]: cell for cell in template.notebook["cells"]}
    assert "import torch.nn.functional as F" in habits.imports(habits.text(cells["03-exercise-3-3"]))
    above = rehearse._imported(template, cells["03-exercise-3-4"])
    assert "import torch" in above
    assert "import torch.nn.functional as F" not in above
    assert "import torch" not in rehearse._imported(template, template.notebook["cells"][0])


def test_renaming_variables_changes_nothing_else():
    text = """\
def f(x, n):
    y = [n for n in range(n)]

    def g(y):
        return y

    z = g(y)
    return z + x"""
    told = habits.rename_variables(text, "2")
    assert "z2 = g(y)" in told
    assert "return z2 + x" in told
    for source in (text, told):
        space: dict = {}
        exec(source, space)
        assert space["f"]([7], 3) == [0, 1, 2, 7]
    assert habits.rename_variables("def f():\n    global a\n    a = 1", "2") == "def f():\n    global a\n    a = 1"


# -------------------------------------------------------------------------------------------- layouts and mistakes


@pytest.mark.parametrize(
    ("layout", "pattern"),
    [
        ("folders", r"[^/_]+ [^/_]+/0[12]_\w+\.ipynb"),
        ("flat", r"[^/_]+ [^/_]+_0[12]_\w+\.ipynb"),
        ("moodle", r"[^/_]+ [^/_]+_\d{6}_assignsubmission_file/0[12]_\w+\.ipynb"),
        ("canvas", r"[a-z]+_(LATE_)?\d{5}_\d{6}_0[12]_\w+?(-1)?\.ipynb"),
    ],
)
def test_layouts(layout, pattern, tmp_path):
    lines = rehearse.rehearse(tmp_path / "out", students=30, lectures=(1, 2), layout=layout)
    assert lines[0] == f"wrote {tmp_path / 'out' / 'submissions'}: 60 notebooks of 30 students"
    files = [str(p.relative_to(tmp_path / "out" / "submissions")) for p in (tmp_path / "out").rglob("*.ipynb")]
    assert len(files) == 60
    assert all(re.fullmatch(pattern, name) for name in files), files
    with open(tmp_path / "out" / "expected.csv", encoding="utf-8", newline="") as stream:
        named = {row["student"] for row in csv.DictReader(stream)}
    # The expected names are those that stand in the files' names, each of one student.
    assert named == {re.match(r"[^_/]+", name)[0] for name in files}
    assert len(named) == 30
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["expected.csv", "roster.csv", "submissions"]


def test_names_are_unique():
    names = [rehearse._name(n) for n in range(4000)]
    assert len(set(names)) == 4000
    assert names[0] == "Ada Abel"
    assert len({rehearse._canvas(name) for name in names}) == 4000
    assert rehearse._canvas("Zoë Müller 2") == "muller2zoe"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layout": "mail"}, "mail: there is no such layout. Use one of folders, flat, moodle, canvas."),
        ({"students": 0}, "--students 0: a class has at least one student. Use 1 or more."),
        ({"lectures": (12,)}, "12: there is no such lecture."),
    ],
)
def test_a_wrong_option_writes_nothing(options, message, tmp_path):
    with pytest.raises(CourseError) as error:
        rehearse.rehearse(tmp_path / "out", **options)
    assert str(error.value).startswith(message)
    assert list(tmp_path.iterdir()) == []


def test_one_notebook_of_a_lecture_without_exercises_is_refused(tmp_path, monkeypatch):
    real = exercises.of_lecture
    monkeypatch.setattr(exercises, "of_lecture", lambda number: real(number) if number else ())
    with pytest.raises(CourseError, match=r"--lectures: there are no exercises in it\. Choose one of 01 to 11\."):
        rehearse.rehearse(tmp_path / "out", lectures=(0,), one_notebook=True)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_never_touched(tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "notes.txt").write_text("mine")
    for name in ("file", "folder"):
        with pytest.raises(CourseError, match=r"there is something here already\. Name a new folder"):
            rehearse.rehearse(tmp_path / name, students=1, lectures=(1,))
    assert (tmp_path / "file").read_text() == (tmp_path / "folder" / "notes.txt").read_text() == "mine"
    (tmp_path / "empty").mkdir()
    rehearse.rehearse(tmp_path / "empty", students=1, lectures=(1,))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty", "file", "folder"]


def test_an_interrupted_rehearsal_leaves_nothing(tmp_path, monkeypatch):
    whole = rehearse._student

    def student(n, *rest):
        if n == 1:
            raise KeyboardInterrupt
        return whole(n, *rest)

    monkeypatch.setattr(rehearse, "_student", student)
    with pytest.raises(KeyboardInterrupt):
        rehearse.rehearse(tmp_path / "out", students=2, lectures=(1,))
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses_is_one_message(tmp_path, monkeypatch):
    def refuse(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(CourseError, match=r"cannot write here \(No space left on device\)\. Free some space"):
        rehearse.rehearse(tmp_path / "out", students=1, lectures=(1,))
    assert os.listdir(tmp_path) == []


def test_without_a_clone_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(rehearse, "find_sources", lambda names: wording.find_sources(tmp_path, names))
    with pytest.raises(CourseError, match=r"there are no lectures here\. Run this in a clone"):
        rehearse.rehearse(tmp_path / "out", students=1)
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------- from the class list to the LMS


@pytest.mark.parametrize("layout", ["moodle", "canvas"])
def test_a_class_goes_from_its_list_to_the_files_of_its_lms(layout, tmp_path):
    rehearse.rehearse(tmp_path / "class", students=5, lectures=(1,), layout=layout, one_notebook=True)
    given = rows_of(tmp_path / "class" / "expected.csv")
    options = {"lectures": (1,), "roster": tmp_path / "class" / "roster.csv", "sandbox": False}
    run = grade.grade(tmp_path / "class" / "submissions", tmp_path / "out", **options)
    assert list(run.lms) == [
        "Nothing is written for 1 who handed in nothing and 5 whose answers wait for a person "
        "(--export-waiting takes them too)."
    ]
    assert not (tmp_path / "out" / "lms").exists()
    marks = [{**row, "points": "1", "comment": "Good"} for row in rows_of(tmp_path / "out" / "to_mark.csv")]
    with open(tmp_path / "marks.csv", "w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(marks[0]))
        writer.writeheader()
        writer.writerows(marks)
    run = grade.grade(tmp_path / "class" / "submissions", tmp_path / "out", marks=tmp_path / "marks.csv", **options)
    assert f"They are in {tmp_path / 'out' / 'lms'}." in run.lms[0]
    listed = [row["name"] for row in rows_of(tmp_path / "class" / "roster.csv")]
    assert [row["student"] for row in rows_of(tmp_path / "out" / "summary.csv")] == sorted(listed)
    # Each student's points are those of the code as declared, and one for each answer in words.
    points = [
        sum(float(row["points"] or 1) for row in rows)
        for _, rows in itertools.groupby(given, lambda row: row["student"])
    ]
    name = {"moodle": "moodle-worksheet.csv", "canvas": "canvas-gradebook.csv"}[layout]
    back = rows_of(tmp_path / "out" / "lms" / name)
    assert [float(list(row.values())[2 if layout == "moodle" else -1]) for row in back] == points
    assert [list(row.values())[1 if layout == "moodle" else 0] for row in back] == listed[:5]


def rows_of(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))
