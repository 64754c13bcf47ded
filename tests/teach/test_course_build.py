"""The course's build: one source, two notebooks, the same bytes each time, and a gate that goes red."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner

from a2d.errors import CourseError
from a2d.lab import notebook
from teach import cli, settings
from teach.lectures import build as building
from teach.lectures import run
from teach.lectures.build import build, make_notebook
from teach.lectures.lint import check_lecture
from teach.lectures.source import find_sources, read_lecture, versions

SOURCE = '''# %% [markdown]
# # 00 Tiny
#
# {badges}
#
# About 1 min, CPU, needs nothing.

# %% [markdown]
# ## You will be able to
#
# - add numbers
# - double a number, also
#   a large one
# - count
#
# ## Before you start
# ## Where we are
# ## Set-up

# %%
print("Setup complete")

# %% tags=["parameters"]
FAST = True
SEED = 0
DATA = "builtin"


# %% id="double"
def double(number: int) -> int:
    """Twice the number."""
    # SOLUTION BEGIN
    twice_as_much = 2 * number
    return twice_as_much
    # SOLUTION END
    # STUB return None


# %%
print(double(SEED))
print(object())

# %% [markdown]
# ## Quiz
# ## You can now
#
# - add numbers
# - double a number, also a large one
# - count
#
# ## What to read
# ## What comes next
'''
LEAK = "twice_as_much = 2 * number"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "notebooks" / "src"
    folder.mkdir(parents=True)
    (folder / "90_tiny.py").write_text(SOURCE)
    return tmp_path


@pytest.fixture(scope="module")
def built_once(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("built")
    (root / "notebooks" / "src").mkdir(parents=True)
    (root / "notebooks" / "src" / "90_tiny.py").write_text(SOURCE)
    assert build(root=root) == ["notebooks/90_tiny.ipynb", "notebooks/solutions/90_tiny.ipynb"]
    return root


@pytest.fixture
def built(built_once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built_once, tmp_path / "copy"))


def edit(root: Path, old: str, new: str, path: str = "notebooks/src/90_tiny.py") -> Path:
    file = root / path
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    return file


def lecture(root: Path):
    return read_lecture(find_sources(root)[0])


STUDENT, SOLUTION = "notebooks/90_tiny.ipynb", "notebooks/solutions/90_tiny.ipynb"


# --------------------------------------------------------------------------------------------------- what is made


def test_the_student_gets_signature_docstring_and_stub(root):
    solution, student = versions(lecture(root).path, lecture(root).cells[4])
    head = 'def double(number: int) -> int:\n    """Twice the number."""\n'
    assert student == head + "    # YOUR CODE HERE\n    return None"
    assert solution == head + "    twice_as_much = 2 * number\n    return twice_as_much"


def test_without_a_stub_there_are_three_dots(root):
    edit(root, "    # STUB return None\n", "")
    assert versions(lecture(root).path, lecture(root).cells[4])[1].endswith("    # YOUR CODE HERE\n    ...")


def test_a_stub_may_have_several_lines_and_deeper_ones(root):
    edit(root, "    # STUB return None\n", "    # STUB if number:\n    # STUB     pass\n    # STUB return None\n")
    student = versions(lecture(root).path, lecture(root).cells[4])[1]
    assert student.endswith("    if number:\n        pass\n    return None")


def test_the_student_version_has_no_outputs_and_no_solution(built):
    text = (built / STUDENT).read_text()
    assert LEAK not in text
    assert "SOLUTION" not in text
    assert "# STUB" not in text
    for cell in nbformat.reads(text, as_version=4).cells:
        assert cell.cell_type == "markdown" or (cell.outputs == [] and cell.execution_count is None)


def test_the_solution_is_executed_and_carries_no_marks_of_this_run(built):
    notebook = nbformat.read(built / SOLUTION, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == [1, 2, 3, 4]
    assert code[3].outputs[0].text == "0\n<object object at 0x...>\n"
    assert all("execution" not in cell.metadata for cell in notebook.cells)
    assert notebook.metadata == building._METADATA


def test_ids_are_unique_the_same_in_both_and_stay_when_another_cell_moves(built):
    ids = [cell.id for cell in nbformat.read(built / STUDENT, as_version=4).cells]
    assert ids == [cell.id for cell in nbformat.read(built / SOLUTION, as_version=4).cells]
    assert len(set(ids)) == len(ids)
    assert "90-double" in ids
    edit(built, "# %%\nprint(double", '# %%\nprint("new")\n\n# %%\nprint("new")\n\n# %%\nprint(double')
    after = [cell.id for cell in make_notebook(lecture(built), solution=False).cells]
    assert [i for i in after if i in ids] == ids
    assert len(set(after)) == len(ids) + 2


def test_building_twice_gives_the_same_bytes(built_once, built):
    assert build(root=built) == []
    (built / STUDENT).unlink()
    (built / SOLUTION).unlink()
    assert build(root=built) == [STUDENT, SOLUTION]
    for path in (STUDENT, SOLUTION):
        assert (built / path).read_bytes() == (built_once / path).read_bytes()
    assert build(root=built, rerun=True) == []
    assert build(root=built, check=True) == []


def test_badges_are_written_only_when_the_address_is_known(root, monkeypatch):
    monkeypatch.delenv("A2D_REPOSITORY", raising=False)
    monkeypatch.setattr(settings, "REPOSITORY", None)
    plain = make_notebook(lecture(root), solution=False)
    assert "](http" not in plain.cells[0].source
    assert "README" in plain.cells[0].source
    monkeypatch.setenv("A2D_REPOSITORY", "owner/some-name")
    linked = make_notebook(lecture(root), solution=False)
    assert f"mybinder.org/v2/gh/owner/some-name/{settings.TAG}?" in linked.cells[0].source
    assert f"research.google.com/github/owner/some-name/blob/{settings.TAG}/notebooks/90_tiny" in linked.cells[0].source
    assert f"git+https://github.com/owner/some-name@{settings.TAG}" in linked.cells[1].source
    assert [c.id for c in linked.cells if c.id != "90-install-on-colab"] == [c.id for c in plain.cells]
    monkeypatch.setenv("A2D_REPOSITORY", "https://example.org/x")
    with pytest.raises(CourseError, match="A2D_REPOSITORY"):
        make_notebook(lecture(root), solution=False)


# ------------------------------------------------------------------------------------------- what a source may not do

BEGIN, END = "    # SOLUTION BEGIN\n", "    # SOLUTION END\n"
LONG_CODE = "# %%\n" + "print(1)\n" * 26 + "\n# %%\nprint(double"
LONG_TEXT = "# %% [markdown]\n# " + "word " * 151 + "\n\n# %%\nprint(double"
FUNCTION = SOURCE[SOURCE.index("def double") : SOURCE.index("# %%\nprint(double")]
CUT_OUT = "# SOLUTION BEGIN\ndef double(number: int) -> int:\n    return 2 * number\n# SOLUTION END\n\n\n"
# What is changed into what, the line that is told, and the message.
FAULTS = {
    "no end": (END, "", BEGIN, "does not end"),
    "no begin": (BEGIN, "", END, "has not begun"),
    "nested": (BEGIN, BEGIN + BEGIN, BEGIN, "inside another"),
    "misspelt": (BEGIN, "    #SOLUTION BEGIN\n", "#SOLUTION BEGIN", "misspelt"),
    "stub elsewhere": (BEGIN, "    # STUB pass\n" + BEGIN, "# STUB pass", "belongs to no solution"),
    "stub with another indent": ("    # STUB return", "# STUB return", "# STUB return None", "belongs to no solution"),
    "nothing between": (
        BEGIN + "    twice_as_much = 2 * number\n    return twice_as_much\n",
        BEGIN,
        BEGIN,
        "nothing between",
    ),
    "not in a function": (
        "# %%\nprint(double",
        "# %%\n# SOLUTION BEGIN\nprint(3)\n# SOLUTION END\nprint(double",
        BEGIN,
        "does not stand in a function",
    ),
    "signature cut out": (FUNCTION, CUT_OUT, BEGIN, "does not stand in a function"),
    "signature bent": ("# STUB return None", "# STUB return None\n    # STUB def f(: pass", BEGIN, "not Python"),
    "stub is not Python": ("# STUB return None", "# STUB return (", BEGIN, "not Python"),
    "leak in the text": (
        "# # 00 Tiny\n#\n",
        f"# # 00 Tiny\n#\n# `{LEAK}`\n#\n",
        f"# `{LEAK}`",
        "gives a solution away",
    ),
    "leak in the code": ("print(double", f"number = 1\n{LEAK}\nprint(double", LEAK, "gives a solution away"),
    "marker in a text": ("# ## Quiz", "# # SOLUTION BEGIN\n# ## Quiz", "# # SOLUTION BEGIN", "text cell"),
    "long code": ("# %%\nprint(double", LONG_CODE, "print(1)", "26 lines"),
    "long text": ("# %%\nprint(double", LONG_TEXT, "# " + "word " * 150 + "word", "151 words"),
    "no title": ("# # 00 Tiny", "# 00 Tiny", "# %% [markdown]", "no title"),
    "no badges": ("# {badges}", "# text", "# # 00 Tiny", "badges"),
    "no objectives": (
        "# ## You will be able to",
        "# ## You may",
        "# %% [markdown]",
        "'You will be able to' is missing",
    ),
    "two objectives": ("# - count\n#\n# ## Before", "#\n# ## Before", "# ## You will be able to", "2 objectives"),
    "no closing": ("# ## You can now", "# ## The end", "# %% [markdown]", "'You can now' is missing"),
    "closing differs": ("# - count\n#\n# ## What to", "# - cook\n#\n# ## What to", "# ## You can now", "differs"),
    "order": (
        "# ## What to read\n# ## What comes next",
        "# ## What comes next\n# ## What to read",
        "# ## What comes next",
        "too early",
    ),
    "no parameters": (' tags=["parameters"]', "", "# %% [markdown]", "parameters"),
    "no SEED": ("SEED = 0\n", "", "FAST = True", "parameters"),
    "an id twice": ("# %%\nprint(double", '# %% id="double"\nprint(double', "print(double(SEED))", "id"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_faulty_source_is_refused_with_file_and_line(root, name):
    old, new, line, message = FAULTS[name]
    path = edit(root, old, new)
    with pytest.raises(CourseError, match=message) as caught:
        build(root=root)
    file, _, number = str(caught.value.where).rpartition(":")
    assert file == str(path)
    assert path.read_text().splitlines()[int(number) - 1].strip() == line.strip()
    assert build(root=root, check=True), "the gate stays green"


def test_a_stub_that_changes_the_signature_is_refused(root):
    # Markers at the margin are still inside the function; what they hold must not be another function.
    text = SOURCE.replace("    # SOLUTION", "# SOLUTION").replace("    # STUB return None", "# STUB {}")
    (root / "notebooks/src/90_tiny.py").write_text(text.format("    return None", badges="{badges}"))
    check_lecture(lecture(root))
    (root / "notebooks/src/90_tiny.py").write_text(text.format("def treble(number): return None", badges="{badges}"))
    with pytest.raises(CourseError, match="signature of treble"):
        check_lecture(lecture(root))


def test_a_notebook_that_is_too_large_is_refused(root):
    edit(root, "print(object())", 'print("x" * 1_100_000)')
    with pytest.raises(CourseError, match=r"1\.1 MB"):
        build(root=root)
    assert not (root / SOLUTION).exists()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1 / 0", "cell 6 failed: ZeroDivisionError"),
        ("import warnings; warnings.warn('old')", "it warns"),
        (f"print({str(Path.home() / 'x')!r})", "path of this computer"),
    ],
)
def test_a_solution_that_fails_or_warns_or_tells_where_it_ran_is_not_written(root, line, message):
    edit(root, "print(object())", line)
    with pytest.raises(CourseError, match=message):
        build(root=root)
    assert not (root / SOLUTION).exists()


def test_progress_bars_leave_no_trace():
    new = nbformat.v4.new_output
    bar = new("stream", name="stderr", text="\rtraining:  50%|#####     | 1/2\rtraining: 100%|##########| 2/2\n")
    assert building.normalise([bar, new("stream", text="a"), new("stream", text="b")], "x")[0].text == "ab"


# ------------------------------------------------------------------------------------------------- the gate goes red


def gate(root: Path, monkeypatch) -> tuple[int, str]:
    monkeypatch.setattr(building.build, "__kwdefaults__", building.build.__kwdefaults__ | {"root": root})
    result = CliRunner().invoke(cli.main, ["build", "--check"])
    return result.exit_code, result.output


def test_the_gate_is_green_for_what_was_built(built, monkeypatch):
    assert gate(built, monkeypatch) == (0, "Every notebook is as its source gives it.\n")


REDS = {
    "an edited student notebook": (STUDENT, "Setup complete", "Setup done", "not what its source gives"),
    "a leaked line": (STUDENT, "return None", LEAK, f"gives a solution away: {LEAK}"),
    "a changed source": ("notebooks/src/90_tiny.py", "Setup complete", "Setup done", "not what its source gives"),
    "an edited solution": (SOLUTION, "2 * number", "3 * number", "not what its source gives"),
    "another cell id": (SOLUTION, "90-double", "00-triple", "not what its source gives"),
    "an unexecuted solution": (SOLUTION, '"execution_count": 2', '"execution_count": null', "not executed"),
    "a damaged solution": (SOLUTION, '"cells"', '"cell', "missing or damaged"),
    "unbalanced markers": ("notebooks/src/90_tiny.py", "    # SOLUTION END\n", "", "does not end"),
}


@pytest.mark.parametrize("name", REDS)
def test_the_gate_goes_red_for(built, monkeypatch, name):
    path, old, new, message = REDS[name]
    edit(built, old, new, path)
    code, told = gate(built, monkeypatch)
    assert code == 2
    assert message in told


def test_the_gate_goes_red_for_a_missing_and_for_an_orphaned_notebook(built, monkeypatch):
    (built / STUDENT).rename(built / "notebooks" / "01_lost.ipynb")
    code, told = gate(built, monkeypatch)
    assert code == 2
    assert "90_tiny.ipynb: it is missing" in told
    assert "01_lost.ipynb: it has no source" in told


# -------------------------------------------------------------------------------------------------------------- runs


def test_a_broken_cell_fails_the_run_and_the_others_still_run(built, tmp_path, monkeypatch):
    edit(built, "print(double(SEED))", "raise ValueError('cell broken on purpose')", STUDENT)
    for path in (STUDENT, "notebooks/src/90_tiny.py"):
        shutil.copy(built / path, (built / path).with_name(Path(path).name.replace("90_tiny", "91_whole")))
    shutil.copy(built / SOLUTION, built / "notebooks" / "91_whole.ipynb")
    defaults = run.run_lectures.__kwdefaults__ | {"root": built, "progress": False}
    monkeypatch.setattr(run.run_lectures, "__kwdefaults__", defaults)
    result = CliRunner().invoke(cli.main, ["run", "--student", "--seed", "4"])
    assert result.exit_code == 2
    assert "Error: 90_tiny: cell 6: ValueError: cell broken on purpose" in result.output
    assert "1 of 2 lectures ran to their end" in result.output
    page = (built / "build" / "notebooks" / "91_whole.html").read_text()
    assert "8" in page
    assert (built / "build" / "notebooks" / "run-times.txt").is_file()


def test_lectures_are_found_by_number_and_by_name(built):
    assert [p.name for p in run.list_lectures(built, names=["90"])] == ["90_tiny.ipynb"]
    assert run.list_lectures(built, solutions=False, names=["90_tiny"]) == [built / STUDENT]
    with pytest.raises(CourseError, match="no such lecture"):
        run.list_lectures(built, names=["77"])
    (built / STUDENT).unlink()
    with pytest.raises(CourseError, match="has not been built"):
        run.list_lectures(built, solutions=False)
    with pytest.raises(CourseError, match="no lectures here"):
        find_sources(built / "elsewhere")


@pytest.mark.slow
def test_the_courses_own_run_leaves_tables_and_pictures(tmp_path, monkeypatch, capsys):
    number = {"name": "chance", "value": 0.1, "text": "10 %"}
    monkeypatch.setattr(run, "run_notebook", lambda *_, **__: run.Run("00_start_here", 40, 1.5, "", None, (number,)))
    out = tmp_path / "build" / "course"
    (out / "old").mkdir(parents=True)
    rows = dict(run.course_main(names=["00"], out=out, epochs=1, progress=False))
    assert {path.name for path in out.iterdir()} == {"evaluation", "report", "lectures", "summary.txt"}
    assert [path.name for path in out.parent.iterdir()] == ["course"]
    assert (out / "evaluation" / "grid.png").is_file()
    assert "built-in handwriting read right, by evaluator" in rows
    summary = (out / "summary.txt").read_text()
    assert summary in capsys.readouterr().out
    assert "00  chance  10 %" in summary
    assert "1 of 1 lectures ran to their end" in summary
    monkeypatch.setattr(run, "run_notebook", lambda *_, **__: run.Run("00_start_here", 3, 1.5, "cell 3: oh", None))
    with pytest.raises(CourseError, match="failed in cell 3: oh"):
        run.course_main(names=["00"], out=out, epochs=1, progress=False)
    assert "FAILED in cell 3: oh" in (out / "summary.txt").read_text()


def test_recorded_numbers_are_collected():
    data = {"text/plain": "chance: 10 %", notebook.RECORD: {"name": "chance", "value": 0.1, "text": "10 %"}}
    cells = [nbformat.v4.new_code_cell("1"), nbformat.v4.new_markdown_cell("text")]
    cells[0].outputs = [
        nbformat.v4.new_output("stream", name="stdout", text="2\n"),
        nbformat.v4.new_output("display_data", data=data),
    ]
    found = run.recorded(nbformat.v4.new_notebook(cells=cells))
    assert found == [{"name": "chance", "value": 0.1, "text": "10 %"}]
    lines = run.numbers([run.Run("05_x", 3, 1.0, "", None, tuple(found)), run.Run("06_y", 3, 1.0, "", None)])
    assert lines == ["05  chance  10 %"]
    assert run.numbers([]) == ["No lecture recorded a number."]
