"""The lectures themselves: they are what their sources give, they run, and they are built as the house wants it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from a2d.course import build as building
from a2d.course import run, settings

SOURCES = building.find_sources()
EACH = pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
MOST_CODE_LINES = 15  # the build allows 25, for good reasons that a lecture has to have
LONGER = {}  # {cell id: lines}: the reasons


def notebook(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def lecture(source: Path) -> building.Lecture:
    return building.read_lecture(source)


# ------------------------------------------------------------------------------------------------------- what is there


def test_what_is_committed_is_what_the_sources_give():
    assert building.build(check=True) == []


@EACH
def test_the_source_is_sound(source):
    building.check_lecture(lecture(source))


@EACH
def test_code_cells_are_short(source):
    for cell in lecture(source).cells:
        if cell.kind == "code":
            lines = building.code_lines(building.versions(source, cell)[0])
            assert lines <= LONGER.get(cell.name, MOST_CODE_LINES), f"{source.name}:{cell.line} has {lines} lines"
            wide = [line for line in cell.source.splitlines() if len(line) > 95]
            assert not wide, f"{source.name}:{cell.line} has lines that a notebook cuts off: {wide}"


@EACH
def test_objectives_begin_with_a_verb_and_are_taken_up_again(source):
    aims = building.objectives(lecture(source), "You will be able to")
    assert aims == building.objectives(lecture(source), "You can now")
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
def test_the_set_up_is_complete_in_what_readers_see(source):
    outputs = [o for c in notebook(lecture(source).solution).cells for o in c.get("outputs", [])]
    assert any("Setup complete" in o.get("text", "") for o in outputs)


@EACH
def test_four_cells_are_compared(source):
    cells = [c for c in lecture(source).cells if "nbval-check-output" in c.tags]
    assert len(cells) >= 4


# -------------------------------------------------------------------------------------------------------- what it does


@pytest.mark.slow
@EACH
@pytest.mark.parametrize("solutions", [False, True], ids=["student", "solution"])
def test_it_runs_to_its_end(source, solutions, tmp_path):
    runs = run.run_lectures([source.stem], solutions=solutions, out=tmp_path, progress=False)
    assert [(r.slug, r.failure) for r in runs] == [(source.stem, "")]
    assert runs[0].seconds < 300
    text = "".join(
        output.get("text", "")
        for cell in notebook(tmp_path / f"{source.stem}.ipynb").cells
        for output in cell.get("outputs", [])
    )
    assert "Setup complete" in text
    assert ("Not attempted yet" in text) is not solutions
    assert runs[0].page.stat().st_size > 10_000


@pytest.mark.slow
@EACH
def test_the_compared_cells_give_what_readers_see(source):
    path = lecture(source).solution.relative_to(settings.ROOT)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval-lax", str(path)]
    done = subprocess.run(command, cwd=settings.ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:]
    assert re.search(r"\b\d+ passed", done.stdout)


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
