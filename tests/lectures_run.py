"""Running the lectures, for the tests that do: each is executed once as students open it, once with its solutions."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from a2d import exercises
from teach.lectures import lint, run
from teach.lectures import source as source_module

SOURCES = source_module.find_sources()
EACH = pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)


def notebook(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def lecture(source: Path) -> source_module.Lecture:
    return source_module.read_lecture(source)


def exercises_of(source: Path) -> list[exercises.Exercise]:
    return [e for e in exercises.of_lecture(int(source.stem[:2])) if isinstance(e, exercises.Exercise)]


def check_id(source: Path, id: str) -> str:
    return f"{source.stem[:2]}-{lint.cell_name('check', id)}"


def outputs(cell: nbformat.NotebookNode) -> str:
    """What a cell printed and showed, as one text: a kernel may send what is printed in one piece or in several."""
    return "".join("".join(o.get("text") or o.get("data", {}).get("text/plain", "")) for o in cell.get("outputs", []))


def different(source: Path, one: nbformat.NotebookNode, other: nbformat.NotebookNode) -> list[str]:
    """The ids of the cells that are to be compared (``nbval-check-output``) and do not say the same in both."""
    first, second = (
        {cell.id: outputs(cell) for cell in book.cells if cell.cell_type == "code"} for book in (one, other)
    )
    compared = [f"{source.stem[:2]}-{c.name}" for c in lecture(source).cells if "nbval-check-output" in c.tags]
    return [id for id in compared if first[id] != second[id]]


def runs_to_its_end(source: Path, folder: Path, *, solutions: bool) -> nbformat.NotebookNode:
    """Run a lecture, see that it says what it should and warns of nothing; returns what came out."""
    runs = run.run_lectures([source.stem], solutions=solutions, out=folder, progress=False)
    assert [(r.slug, r.failure) for r in runs] == [(source.stem, "")]
    assert runs[0].seconds < 300
    made = notebook(folder / f"{source.stem}.ipynb")
    cells = {cell.id: cell for cell in made.cells}
    told = {id: "".join(o.get("text", "") for o in cell.get("outputs", [])) for id, cell in cells.items()}
    assert "Setup complete" in told[f"{source.stem[:2]}-setup"]
    for one in exercises_of(source):
        says = "Right" if solutions else "Not attempted yet"
        assert told[check_id(source, one.id)].startswith(f"Exercise {one.id}: {says}"), told[check_id(source, one.id)]
    assert not any(o.get("name") == "stderr" for c in cells.values() for o in c.get("outputs", []))
    assert runs[0].page is not None
    assert runs[0].page.stat().st_size > 10_000
    return made
