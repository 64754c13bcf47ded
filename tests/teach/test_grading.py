"""Grading a class from start to finish: points, resuming, the same bytes, clusters, and a teacher's mistakes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sandbox import bytes_of, command, grade, needs_sandbox, points_of, table

from a2d import exercises
from teach import closure as closing
from teach.grading import grade as grading
from teach.grading.model import GradingError
from teach.rehearsal import rehearse

LECTURES = "01,03"
STUDENTS = 7


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small class, with what each answer must get."""
    folder = tmp_path_factory.mktemp("class") / "made"
    rehearse.rehearse(folder, STUDENTS, [1, 3], seed=3, one_notebook=True)
    return folder


@pytest.fixture(scope="module")
def graded(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The class, graded with one process."""
    out = tmp_path_factory.mktemp("graded") / "out"
    done = grade(made / "submissions", "--out", out, "--lectures", LECTURES, "--jobs", 1)
    assert done.returncode == 0, done.stderr
    assert f"{STUDENTS} students, hidden inputs of seed" in done.stdout
    return out


@needs_sandbox
def test_everyone_gets_what_the_answers_are_worth(made: Path, graded: Path):
    found = points_of(graded)
    expected = table(made / "expected.csv")
    assert len(found) == len(expected)
    for row in expected:
        points = float(row["points"]) if row["points"] else None
        assert found[row["student"], row["exercise"]] == (row["outcome"], points), row
    assert {outcome for outcome, _ in found.values()} >= {"right", "wrong", "to mark"}


@needs_sandbox
def test_all_that_a_teacher_gets(graded: Path):
    names = {path.name for path in graded.iterdir()}
    assert names >= {"grades.csv", "summary.csv", "problems.csv", "to_mark.csv", "similar.csv", "overview.html"}
    assert len(list((graded / "feedback").glob("*.html"))) == STUDENTS
    assert len(table(graded / "summary.csv")) == STUDENTS


@needs_sandbox
def test_number_of_processes_changes_no_byte(made: Path, graded: Path, tmp_path: Path):
    done = grade(made / "submissions", "--out", tmp_path / "out", "--lectures", LECTURES, "--jobs", 2)
    assert done.returncode == 0, done.stderr
    assert bytes_of(tmp_path / "out") == bytes_of(graded)


@needs_sandbox
def test_killed_and_started_again(made: Path, graded: Path, tmp_path: Path):
    out = tmp_path / "out"
    arguments = (made / "submissions", "--out", out, "--lectures", LECTURES, "--jobs", 1)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command(*arguments), env=environment, start_new_session=True)
    while len(list(out.glob("results/*.json"))) < 2:
        assert process.poll() is None, "it was done too early"
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = grade(*arguments)
    assert done.returncode == 0, done.stderr
    assert "were graded before" in done.stdout
    assert bytes_of(out) == bytes_of(graded)


@needs_sandbox
def test_only_what_changed_is_graded_again(made: Path, graded: Path, tmp_path: Path):
    submissions, out = tmp_path / "in", tmp_path / "out"
    shutil.copytree(made / "submissions", submissions)
    shutil.copytree(graded, out)
    first = sorted(submissions.rglob("*.ipynb"))[0]
    first.write_bytes(first.read_bytes() + b"\n")
    done = grade(submissions, "--out", out, "--lectures", LECTURES, "--jobs", 1)
    assert f"({STUDENTS - 1} of them were graded before)" in done.stdout
    gone = sorted(path for path in submissions.iterdir())[-1]
    shutil.rmtree(gone)
    done = grade(submissions, "--out", out, "--lectures", LECTURES, "--jobs", 1)
    assert f"{STUDENTS - 1} students" in done.stdout
    assert len(list((out / "feedback").glob("*.html"))) == STUDENTS - 1


@needs_sandbox
def test_other_points(made: Path, graded: Path, tmp_path: Path):
    points = tmp_path / "points.csv"
    points.write_text("exercise,points\n1.1,30\n")
    out = tmp_path / "out"
    arguments = ("--out", out, "--lectures", "01", "--points", points, "--jobs", 1, "--seed", 5)
    assert grade(made / "submissions", *arguments).returncode == 0
    before, after = points_of(graded), points_of(out)
    for key, (outcome, earned) in after.items():
        if key[1] == "1.1":
            assert (outcome, earned) == (before[key][0], 10 * before[key][1])
        else:
            assert (outcome, earned) == before[key]
    assert json.loads((out / "grading.json").read_text())["seed"] == 5


@needs_sandbox
def test_marks_of_a_person_are_added(made: Path, graded: Path, tmp_path: Path):
    out, marks = tmp_path / "out", tmp_path / "marks.csv"
    shutil.copytree(graded, out)
    text = (out / "to_mark.csv").read_text(encoding="utf-8-sig")
    rows = table(out / "to_mark.csv")
    assert rows
    assert {row["points"] for row in rows} == {""}
    import csv
    import io

    stream = io.StringIO()
    writer = csv.DictWriter(stream, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({**row, "points": "1.5", "comment": "good"})
    marks.write_text(stream.getvalue(), encoding="utf-8")
    assert text != stream.getvalue()
    done = grade(made / "submissions", "--out", out, "--lectures", LECTURES, "--marks", marks)
    assert done.returncode == 0, done.stderr
    marked = [value for value in points_of(out).values() if value[0] == "marked"]
    assert marked == [("marked", 1.5)] * len(rows)
    # They are remembered: a later run needs no table, and what is filled in in the folder's own counts.
    done = grade(made / "submissions", "--out", out, "--lectures", LECTURES)
    assert done.returncode == 0, done.stderr
    assert [value for value in points_of(out).values() if value[0] == "marked"] == marked
    path = out / "to_mark.csv"
    path.write_text(path.read_text(encoding="utf-8-sig").replace(",1.5,good", ",2,better", 1), encoding="utf-8-sig")
    done = grade(made / "submissions", "--out", out, "--lectures", LECTURES)
    assert done.returncode == 0, done.stderr
    assert sorted(value[1] for value in points_of(out).values() if value[0] == "marked") == [1.5] * (len(rows) - 1) + [
        2
    ]


# ------------------------------------------------------------------------------------------------------------ clusters


@contextmanager
def cluster(folder: Path, workers: int) -> Iterator[tuple[str, list[subprocess.Popen]]]:
    """A scheduler and workers as processes of their own; gives the address and the workers."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    def start(program: str, *arguments: object) -> subprocess.Popen:
        line = [sys.executable, "-m", f"distributed.cli.dask_{program}", *map(str, arguments), "--no-dashboard"]
        log = open(folder / "log", "ab")  # noqa: SIM115 (the process has it)
        return subprocess.Popen(line, env=environment, stdout=log, stderr=log, start_new_session=True)

    file = folder / "scheduler.json"
    processes = [start("scheduler", "--host", "127.0.0.1", "--port", 0, "--scheduler-file", file)]
    try:
        while not file.is_file() or not file.read_text():
            assert processes[0].poll() is None, (folder / "log").read_text()
            time.sleep(0.1)
        for n in range(workers):
            processes.append(start("worker", "--scheduler-file", file, "--nthreads", 1, "--name", n))
        yield json.loads(file.read_text())["address"], processes[1:]
    finally:
        for process in processes:
            with_group(process, signal.SIGKILL)
            process.wait()


def with_group(process: subprocess.Popen, what: signal.Signals) -> None:
    """Send a signal to a process and all that it started and that stayed in its session."""
    try:
        os.killpg(process.pid, what)
    except ProcessLookupError:
        return


@needs_sandbox
@pytest.mark.slow
def test_a_cluster_one_of_whose_workers_is_killed(made: Path, graded: Path, tmp_path: Path):
    out = tmp_path / "out"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with cluster(tmp_path, 2) as (address, workers):
        arguments = (made / "submissions", "--out", out, "--lectures", LECTURES, "--scheduler", address)
        process = subprocess.Popen(command(*arguments), env=environment, stderr=subprocess.PIPE, text=True)
        while len(list(out.glob("results/*.json"))) < 2:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.02)
        with_group(workers[0], signal.SIGKILL)
        assert process.wait(300) == 0, process.stderr.read()
    assert bytes_of(out) == bytes_of(graded)


@needs_sandbox
@pytest.mark.slow
def test_a_cluster_without_workers(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from teach.grading.model import GradingError

    monkeypatch.setattr(grading, "_CONNECT_SECONDS", 3)
    with cluster(tmp_path, 0) as (address, _):
        with pytest.raises(GradingError, match="has no workers") as caught:
            grading.grade(made / "submissions", tmp_path / "out", lectures=(1,), scheduler=address)
        assert "dask worker" in str(caught.value)
    with pytest.raises(GradingError, match="no scheduler answers"):
        grading.grade(made / "submissions", tmp_path / "out", lectures=(1,), scheduler=address)


def test_worker_with_other_code_refuses():
    from teach.grading.grade import mark_on_worker
    from teach.grading.marking import Handed, Settings
    from teach.grading.model import GradingError

    with pytest.raises(GradingError, match="other code"):
        mark_on_worker(Handed("k", "S", "", False, ()), Settings((1,), 0), "another")


@needs_sandbox
def test_a_file_that_cannot_be_read_is_a_problem_once(tmp_path: Path):
    folder = tmp_path / "class" / "bob"
    folder.mkdir(parents=True)
    (folder / "01_x.ipynb").symlink_to("/etc/hostname")
    (folder / "01_y.ipynb").write_text("{")
    done = grade(tmp_path / "class", "--out", tmp_path / "out", "--lectures", "01", "--jobs", 1)
    assert done.returncode == 0, done.stderr
    problems = table(tmp_path / "out" / "problems.csv")
    assert [row["file"] for row in problems] == ["01_x.ipynb", "01_y.ipynb"]
    assert {outcome for outcome, _ in points_of(tmp_path / "out").values()} == {"unreadable"}


def test_what_the_grader_failed_at_is_told_and_tried_again(tmp_path: Path):
    from teach.grading.marking import Settings
    from teach.grading.model import Submission

    class Lost:
        def result(self) -> dict:
            raise RuntimeError("a worker without memory")

    settings = Settings((1,), 0)
    student = Submission("k", "S")
    marked = grading._result_of(Lost(), student, settings)
    result = marked.result
    assert not marked.fully
    assert [grade.outcome for grade in result.grades] == ["unreadable"] * len(exercises.of_lecture(1))
    assert "a worker without memory" in result.problems[0].what
    grading._keep(tmp_path, result, "")
    assert not grading._is_done(tmp_path, student, grading._print(student, settings))
    assert grading.kept(tmp_path, "k") == result


# ----------------------------------------------------------------------------------- the code that grades depend on


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of our code that :func:`code_print` looks at instead; edit it, and ask for :func:`new_print`."""
    for name in ("a2d", "teach"):
        source = closing.ROOTS[name] / name
        for path in source.rglob("*.py"):
            copy = tmp_path / name / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
    monkeypatch.setattr(closing, "ROOTS", dict.fromkeys(closing.ROOTS, tmp_path))
    forget()
    yield tmp_path
    monkeypatch.undo()
    forget()


def forget() -> None:
    for kept in (closing._tree, closing._named, closing._bare, grading.code_print):
        kept.cache_clear()


def new_print() -> str:
    forget()
    return grading.code_print()


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_copy_has_the_print_of_the_original(copied: Path):
    there = new_print()
    (copied / "a2d" / "vae.py").touch()
    assert new_print() == there


@pytest.mark.parametrize("module", ["a2d/metrics.py", "a2d/vae.py", "a2d/training.py", "teach/grading/marking.py"])
def test_a_function_that_grades_depend_on_changes_the_print(copied: Path, module: str):
    before = new_print()
    edit(copied / module, "\n    return ", "\n    pass\n    return ")
    assert new_print() != before


@pytest.mark.parametrize("module", ["a2d/metrics.py", "a2d/vae.py"])
def test_a_comment_or_a_docstring_does_not(copied: Path, module: str):
    before = new_print()
    edit(copied / module, '"""', '"""Other words: ')
    edit(copied / module, "\n    return ", "\n    # why\n\n    return ")
    assert new_print() == before


def test_how_grades_are_shown_does_not(copied: Path):
    before = new_print()
    for name in ("tables", "feedback", "overview", "pages", "write"):
        edit(copied / "teach" / "reports" / f"{name}.py", "\n    return ", "\n    pass\n    return ")
    assert new_print() == before


def test_what_the_exercises_use_is_in_the_closure_and_a_new_import_joins_it(copied: Path):
    found = closing.closure(*exercises.modules())
    assert {"a2d.metrics", "a2d.vae", "a2d.training", "a2d.exercises.calls"} <= set(found)
    assert not any(name.partition(".")[0] == "teach" for name in found)
    assert "a2d.draw" not in found
    before = new_print()
    edit(copied / "a2d" / "metrics.py", "import numpy as np\n", "import numpy as np\n\nimport a2d.draw\n")
    forget()
    assert "a2d.draw" in closing.closure(*exercises.modules())
    assert new_print() != before


# ------------------------------------------------------------------------------------------------ a teacher's mistakes


def refused(tmp_path: Path, *arguments: object, told: str) -> None:
    before = bytes_of(tmp_path)
    done = grade(*arguments)
    assert done.returncode == 2, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 4
    assert bytes_of(tmp_path) == before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere", "--out", "out"], "nowhere"),
        (["empty", "--out", "out"], "empty"),
        (["class", "--out", "full"], "holds something else"),
        (["class", "--out", "class/a.ipynb"], "not a folder"),
        (["class", "--out", "broken"], "cannot be read"),
        (["class", "--out", "out", "--lectures", "77"], "no lecture 77"),
        (["class", "--out", "out", "--points", "full/x"], "full"),
        (["class", "--out", "out", "--marks", "nowhere.csv"], "nowhere.csv"),
        (["class", "--out", "out", "--jobs", "0"], "--jobs"),
        (["class", "--out", "out", "--layout", "mail"], "--layout"),
        (["class", "--out", "out", "--layout", "moodle"], "belongs to nobody"),
        (["class", "--out", "out", "--timeout", "0"], "--timeout"),
        (["class"], "--out"),
    ],
)
def test_mistakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], told: str):
    monkeypatch.chdir(tmp_path)
    for name, text in {"full/x": "mine", "broken/grading.json": "{", "class/a.ipynb": "{}"}.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    (tmp_path / "empty").mkdir()
    refused(tmp_path, *arguments, told=told)


def test_no_bubblewrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "a.ipynb").write_text("{}")
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    refused(tmp_path, tmp_path / "a.ipynb", "--out", tmp_path / "out", told="a.ipynb")
    (tmp_path / "class").mkdir()
    shutil.copy(tmp_path / "a.ipynb", tmp_path / "class")
    refused(tmp_path, tmp_path / "class", "--out", tmp_path / "out", told="--no-sandbox")


def test_lectures_without_exercises_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "a.ipynb").write_text("{}")
    monkeypatch.setattr(exercises, "of_lecture", lambda number: ())
    with pytest.raises(GradingError, match="these lectures have no exercises"):
        grading.grade(tmp_path / "class", tmp_path / "out", lectures=(0,))
    assert not (tmp_path / "out").exists()
