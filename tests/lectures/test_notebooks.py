"""The lectures themselves: they are what their sources give, they run, and they are built as the house wants it."""

from __future__ import annotations

import copy
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy
import pytest
from lectures_run import EACH, SOURCES, check_id, different, exercises_of, lecture, notebook

from a2d import exercises
from a2d.checks import verdicts
from teach import settings
from teach.lectures import build as building
from teach.lectures import lint, run
from teach.lectures import source as source_module

MOST_CODE_LINES = 15  # the build allows 25, for good reasons that a lecture has to have
LONGER = {}  # {cell id: lines}: the reasons


# ------------------------------------------------------------------------------------------------------- what is there


def test_what_is_committed_is_what_the_sources_give():
    assert building.build(check=True) == []


@EACH
def test_the_source_is_sound(source):
    lint.check_lecture(lecture(source))


@EACH
def test_code_cells_are_short(source):
    for cell in lecture(source).cells:
        if cell.kind == "code":
            lines = lint.code_lines(source_module.versions(source, cell)[0])
            assert lines <= LONGER.get(cell.name, MOST_CODE_LINES), f"{source.name}:{cell.line} has {lines} lines"
            wide = [line for line in cell.source.splitlines() if len(line) > 95]
            assert not wide, f"{source.name}:{cell.line} has lines that a notebook cuts off: {wide}"


@EACH
def test_objectives_begin_with_a_verb_and_are_taken_up_again(source):
    aims = lint.objectives(lecture(source), "You will be able to")
    assert aims == lint.objectives(lecture(source), "You can now")
    assert all(aim[0].islower() and not aim.endswith(".") for aim in aims)


@EACH
def test_the_opening_tells_time_machine_and_what_is_needed(source):
    first = lecture(source).cells[0].source
    assert re.search(r"^About \d+ min, (CPU|GPU), needs .+\.$", first, re.M)


@EACH
def test_there_are_three_questions_whose_options_explain_themselves(source):
    cells = [c.source for c in lecture(source).cells if "**Question " in c.source]
    assert [int(n) for text in cells for n in re.findall(r"\*\*Question (\d)", text)] == [1, 2, 3]
    for text in cells:
        options = re.findall(r"<summary>([a-e])\) .+?</summary>\n\n(\w+)[:,]", text)
        assert [letter for letter, _ in options] == list("abcde")[: len(options)]
        assert len(options) >= 3
        assert [verdict for _, verdict in options].count("Right") == 1
        assert {verdict for _, verdict in options} == {"Right", "No"}


@EACH
def test_no_raw_html_but_details(source):
    for cell in lecture(source).cells:
        if cell.kind == "markdown":
            assert set(re.findall(r"</?(\w+)[ >]", cell.source)) <= {"details", "summary"}
            assert cell.source.count("<details>") == cell.source.count("</details>")


@EACH
def test_every_figure_is_described_and_its_finding_is_printed(source):
    figures = 0
    for cell in notebook(lecture(source).solution).cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                figures += 1
                text = output["data"]["text/plain"]
                assert output.metadata["image/png"]["alt"] == text
                printed = "".join(o.text for o in cell.outputs if o.output_type == "stream")
                assert text in " ".join(printed.split()), f"cell {cell.id} shows a figure without printing its finding"
    assert figures >= 3


@EACH
def test_the_symbols_of_a_formula_are_explained_near_it(source):
    assert lint.unexplained(lecture(source)) == []


@EACH
def test_links_and_citations_are_of_the_right_form(source):
    assert lint.bad_references(lecture(source)) == []


def test_the_set_up_cell_is_the_same_everywhere():
    cells = {cell.source for source in SOURCES for cell in lecture(source).cells if cell.name == "setup"}
    assert len(cells) == 1
    assert lint.code_lines(cells.pop()) <= 10


@EACH
def test_every_code_cell_has_a_name_that_stays(source):
    assert [cell.line for cell in lecture(source).cells if cell.kind == "code" and not cell.name] == []


@EACH
def test_the_solution_tells_that_each_exercise_is_right(source):
    cells = {cell.id: cell for cell in notebook(lecture(source).solution).cells}
    for one in exercises_of(source):
        text = "".join(o.get("text", "") for o in cells[check_id(source, one.id)].outputs)
        assert text.startswith(f"Exercise {one.id}: Right ({one.points} of {one.points} points).")


@EACH
def test_the_set_up_is_complete_in_what_readers_see(source):
    outputs = [o for c in notebook(lecture(source).solution).cells for o in c.get("outputs", [])]
    assert any("Setup complete" in o.get("text", "") for o in outputs)


@EACH
def test_four_cells_are_compared(source):
    cells = [c for c in lecture(source).cells if "nbval-check-output" in c.tags]
    assert len(cells) >= 4


# -------------------------------------------------------------------------------------------------------- what it does


# ------------------------------------------------------------------------------------ the gates go red when they should


def test_a_changed_number_is_found():
    solution = notebook(lecture(SOURCES[0]).solution)
    changed = copy.deepcopy(solution)
    cell = next(cell for cell in changed.cells if cell.id == "00-duration")
    cell.outputs[0].text = cell.outputs[0].text.replace("N = ", "N = 1")
    assert different(SOURCES[0], solution, solution) == []
    assert different(SOURCES[0], solution, changed) == ["00-duration"]


@pytest.mark.slow
def test_a_changed_number_fails_the_comparison(tmp_path):
    changed = notebook(lecture(SOURCES[0]).solution)
    needed = ("00-parameters", "00-load", "00-duration")  # without torch, for speed
    changed.cells = [cell for cell in changed.cells if cell.id in needed]
    changed.cells[-1].outputs[0].text = changed.cells[-1].outputs[0].text.replace("N = ", "N = 1")
    nbformat.write(changed, tmp_path / "changed.ipynb")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval-lax", "changed.ipynb"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    assert "1 failed" in done.stdout


@pytest.mark.slow
def test_a_broken_cell_fails_the_run_and_the_command(tmp_path):
    """The same mutation through each gate: papermill's run, the command's exit code, and the build."""
    root = tmp_path / "clone"
    for folder in ("src", "solutions"):
        (root / "notebooks" / folder).mkdir(parents=True)
    path = root / "notebooks" / "src" / SOURCES[0].name
    text = SOURCES[0].read_text(encoding="utf-8")
    line = 'print(f"{len(spoken):,} recordings'
    assert text.count(line) == 1
    path.write_text(text.replace(line, f"raise ValueError('broken on purpose')\n{line}"), encoding="utf-8")
    broken = source_module.read_lecture(path)
    bare = building.make_notebook(broken, solution=True)
    broken.solution.write_text(building.to_text(bare), encoding="utf-8")
    broken.student.write_text(building.to_text(building.make_notebook(broken, solution=False)), encoding="utf-8")
    found = run.run_lectures(["00"], root=root, out=tmp_path / "out", progress=False)
    assert "broken on purpose" in found[0].failure
    assert "FAILED" in (tmp_path / "out" / "run-times.txt").read_text(encoding="utf-8")
    with pytest.raises(settings.CourseError, match="broken on purpose"):
        building.build(["00"], root=root)
    code = (
        "import sys; from pathlib import Path; from teach.lectures import run; from teach import cli;"
        "root, out = map(Path, sys.argv[1:]); old = run.run_lectures;"
        "run.run_lectures = lambda names, **k: old(names, root=root, out=out, **k);"
        "sys.argv[1:] = ['run', '00']; cli.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(root), str(tmp_path / "again")], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 2
    assert "broken on purpose" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_solution_that_is_wrong_fails_its_gate():
    """Break one line of a solution: the check no longer says that it is right."""
    one, path = exercises.get("1.1"), source_module.find_sources(names=["01"])[0]
    cell = next(c for c in lecture(path).cells if c.name == lint.cell_name("exercise", one.id))
    text = source_module.versions(path, cell)[0]
    broken = text.replace("1 + (len(x)", "(len(x)")
    assert broken != text
    for code, right in ((text, True), (broken, False)):
        space: dict = {"np": numpy}
        exec(compile(code, "<exercise>", "exec"), space)
        outcome = verdicts.judge(one, space[one.name])
        assert (outcome.kind == "right") is right
        assert str(outcome).startswith(f"Exercise {one.id}: Right") is right


SYMBOL_CASES = {
    "$$y = \\alpha x$$\n\n- $x$: input\n- $y$: output": ["alpha"],
    "$$y = 2 x$$\n\nHere $x$ is the input and $y$ the output.": [],
    "$$\\frac{\\partial L}{\\partial \\mu_i} = \\text{slope}$$\n\n- $L$: loss\n- $\\mu_i$: mean": [],
    "$$\\log_{10} P$$": ["P"],
}


@pytest.mark.parametrize("text", SYMBOL_CASES)
def test_unexplained_symbols_are_found(text):
    cell = source_module.Cell("markdown", text, 1)
    found = lint.unexplained(source_module.Lecture(Path("00_x.py"), (cell,)))
    wanted = SYMBOL_CASES[text]
    assert len(found) == bool(wanted)
    assert all(symbol in found[0] for symbol in wanted)


@pytest.mark.parametrize(
    "text",
    ["see http://a.org/x", "arXiv:1312.61", "doi:11.1/x", "`a2d/nowhere.py`", "## What to read\n\n- Somebody: a paper"],
)
def test_bad_references_are_found(text):
    good = source_module.Cell("markdown", "## What to read\n\n- D. Kingma (2014), arXiv:1312.6114", 1)
    assert lint.bad_references(source_module.Lecture(Path("00_x.py"), (good,))) == []
    bad = source_module.Cell("markdown", text, 1)
    cells = (bad,) if "read" in text else (good, bad)
    assert len(lint.bad_references(source_module.Lecture(Path("00_x.py"), cells))) == 1
