"""What importing costs, and that nothing imports what stands above it."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

HEAVY = ("torch", "matplotlib", "sklearn", "scipy", "librosa", "soundfile", "tqdm", "requests", "pooch", "PIL")

# From the bottom up; a module may import those before it, wherever in the file the import stands. A name stands for
# itself and what lies in it, unless that is named in a place of its own.
ORDER = (
    "a2d.errors",
    "a2d.io",
    "a2d.audio",
    "a2d.datasets",
    "a2d.features",
    "a2d.ears",
    "a2d.pairing",
    "a2d.vae",
    "a2d.hands",
    "a2d.training",
    "a2d.evaluator",
    "a2d.annotation",
    "a2d.metrics",
    "a2d.lab.kinds",
    "a2d.lab.recipes",
    "a2d.lab.models",
    "a2d.draw",
    "a2d.figures",
    "a2d.lab.kinds.*",
    "a2d.lab.runs",
    "a2d.lab",
    "a2d.widgets",
    "a2d.app",
    "a2d.checks.comparison",
    "a2d.exercises",
    "a2d.checks",
    "a2d",
    "a2d.course",
    "a2d.cli",
    "teach",
    "results",
)


def run(code: str, *arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded(code: str, *arguments: object) -> set[str]:
    """The modules that are there after running ``code`` in a fresh Python."""
    return set(run(f"{code}\nimport sys; print('|', *sys.modules)", *arguments).split("|")[-1].split())


def test_importing_the_package_imports_nothing_heavy():
    modules = loaded("import a2d")
    assert "a2d" in modules
    assert not modules & {*HEAVY, "numpy"}


def test_light_modules_stay_light():
    modules = loaded("import a2d.errors, a2d.io.atomic, a2d.audio, a2d.features, a2d.lab.recipes, a2d.metrics, a2d.cli")
    assert not modules & set(HEAVY)


def test_submodules_are_imported_on_first_use():
    code = "import sys, a2d\nassert 'a2d.audio' not in sys.modules\nprint(a2d.audio.MIN_SECONDS)"
    assert run(code).strip() == "0.1"
    import a2d

    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = a2d.nothing
    assert "vae" in dir(a2d)


def test_every_listed_module_exists():
    import a2d

    package = Path(a2d.__file__).parent
    missing = [m for m in a2d._MODULES if not (package / f"{m}.py").exists() and not (package / m).is_dir()]
    assert missing == []


def test_drawing_imports_no_more_than_it_needs(random_evaluator, tmp_path):
    import torch

    from a2d.lab import models, recipes

    torch.manual_seed(0)
    recipe = recipes.load("report").as_dict()
    models.save(
        tmp_path / "model.safetensors", models.build("generator", recipe), {"kind": "generator", "recipe": recipe}
    )
    code = """
import sys
from a2d import draw
from a2d.io import pictures
artist = draw.Artist(sys.argv[1], sys.argv[2])
for seed in (None, 1):
    picture = artist.draw_file(sys.argv[3], seed)
pictures.save_picture(picture.image, sys.argv[4])
pictures.save_contact_sheet([picture], sys.argv[4])
"""
    clip = ROOT / "data" / "builtin" / "data" / "01" / "7_01_0.flac"
    modules = loaded(code, tmp_path, random_evaluator, clip, tmp_path / "picture.png")
    assert "torch" in modules
    # tqdm is not in this list: torch itself imports it
    unwanted = {"matplotlib", "scipy", "sklearn", "librosa", "torch._dynamo", "pooch", "requests", "numba"}
    assert not modules & unwanted
    above = {f"a2d.{m}" for m in ("training", "lab.runs", "figures", "annotation", "datasets")}
    assert not modules & above


def level(module: str) -> int:
    """The place of a module in :data:`ORDER`."""
    if module.startswith("a2d.lab.kinds."):
        return ORDER.index("a2d.lab.kinds.*")
    while module not in ORDER:
        module = module.rpartition(".")[0]
    return ORDER.index(module)


def modules() -> dict[str, Path]:
    """Every module of ours, by name."""
    found = {}
    for top in ("a2d", "teach", "results"):
        for path in (ROOT / top).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports_of(path: Path) -> set[str]:
    """The modules of ours that a file imports, anywhere in it but under TYPE_CHECKING."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for child in node.orelse:
                visit(child)
            return
        if isinstance(node, ast.Import):
            found.update(a.name for a in node.names if a.name.partition(".")[0] in ("a2d", "teach", "results"))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in ("a2d", "teach", "results"):
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                found.add(full if full in MODULES else str(node.module))
        assert not (isinstance(node, ast.ImportFrom) and node.level), f"{path}: relative import"
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return found


def upwards(module: str, imported: set[str]) -> list[str]:
    """Of what a module imports, what stands above it. Its own package's version and such are free to all."""
    return sorted(name for name in imported if level(name) > level(module) and name not in ("a2d", "teach"))


@pytest.mark.parametrize("module", sorted(MODULES))
def test_nothing_imports_what_stands_above_it(module):
    path = MODULES[module]
    assert upwards(module, imports_of(path)) == []


def test_every_place_in_the_order_is_somebodys():
    taken = {level(module) for module in MODULES}
    assert taken == set(range(len(ORDER)))


def test_the_small_package_knows_nothing_of_the_machine_room():
    for module, path in MODULES.items():
        if module.partition(".")[0] == "a2d":
            assert not re.search(r"^\s*(from|import) (teach|results)\b", path.read_text(), re.MULTILINE), module


def test_the_check_for_upward_imports_can_fail(tmp_path):
    path = tmp_path / "features.py"
    path.write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from a2d.evaluator import Reading\n"
        "import a2d\nfrom a2d import audio\n"
        "def f():\n    from a2d.lab import runs, setup\n    import a2d.cli\n    from a2d.figures import grid\n"
        "    from teach.grading import collect\n"
    )
    found = imports_of(path)
    assert found == {
        "a2d", "a2d.audio", "a2d.lab.runs", "a2d.lab", "a2d.cli", "a2d.figures", "teach.grading.collect"
    }  # fmt: skip
    above = ["a2d.cli", "a2d.figures", "a2d.lab", "a2d.lab.runs", "teach.grading.collect"]
    assert upwards("a2d.features", found) == above


# The files at the top of the package are what lectures explain; the rest lies in folders.
# Exercises, figures and widgets come with a lecture, so each lecture has its share. A subject of the pipeline that has
# outgrown one file is a folder, with a line in the package's docstring like the files at the top.
TOP_LINES, SHARED_LINES, LECTURE_LINES, SUBJECT_LINES = 3000, 10000, 1300, 1200
SUBJECTS = ("ears", "hands")


def test_the_package_stays_small():
    lines = {path: len(path.read_text().splitlines()) for name, path in MODULES.items() if name.startswith("a2d")}
    top = sum(n for path, n in lines.items() if path.parent == ROOT / "a2d")
    assert top <= TOP_LINES, f"{top} lines at the top of a2d/: what no lecture explains belongs into a folder"
    of_lectures: dict[str, int] = {}
    for path, n in lines.items():
        if found := re.match(r"[efw](\d\d)_", path.name):
            of_lectures[found[1]] = of_lectures.get(found[1], 0) + n
    of_subjects = {s: sum(n for path, n in lines.items() if path.parent == ROOT / "a2d" / s) for s in SUBJECTS}
    assert max(of_subjects.values()) <= SUBJECT_LINES, of_subjects
    shared = sum(lines.values()) - sum(of_lectures.values()) - sum(of_subjects.values())
    assert shared <= SHARED_LINES, f"{shared} lines in a2d/ beside the lectures' own"
    assert max(of_lectures.values()) <= LECTURE_LINES, of_lectures


def test_the_packages_docstring_names_the_order():
    """Each module at the top but the command line and the errors has its line, in an order that imports allow."""
    import a2d

    top = {path.stem for path in (ROOT / "a2d").glob("*.py")} - {"__init__", "cli", "errors"}
    named = re.findall(r"^(\w+) +\d\d[\d,]*  ", a2d.__doc__ or "", re.MULTILINE)
    assert set(named) == top | set(SUBJECTS)
    assert len(named) == len(set(named))
