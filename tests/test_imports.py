"""What importing costs, and that nothing imports what stands above it."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

HEAVY = ("torch", "matplotlib", "sklearn", "scipy", "librosa", "soundfile", "tqdm", "requests", "pooch", "PIL")

# From the bottom up; a module may import those before it, wherever in the file the import stands.
ORDER = (
    "errors",
    "files",
    "audio",
    "download",
    "datasets",
    "features",
    "layers",
    "pairing",
    "vae",
    "classifier",
    "evaluator",
    "checkpoints",
    "optimizers",
    "training",
    "recipes",
    "weights",
    "tasks",
    "annotation",
    "metrics",
    "draw",
    "plots",
    "runs",
    "widgets",
    "tables",
    "experiments",
    "reproduce",
    "course",
    "cli",
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
artist = draw.Artist(sys.argv[1], sys.argv[2])
for seed in (None, 1):
    picture = artist.draw_file(sys.argv[3], seed)
draw.save_picture(picture.image, sys.argv[4])
draw.save_contact_sheet([picture], sys.argv[4])
"""
    clip = ROOT / "data" / "builtin" / "data" / "01" / "7_01_0.flac"
    modules = loaded(code, tmp_path, random_evaluator, clip, tmp_path / "picture.png")
    assert "torch" in modules
    # tqdm is not in this list: torch itself imports it
    unwanted = {"matplotlib", "scipy", "sklearn", "librosa", "torch._dynamo", "pooch", "requests", "numba"}
    assert not modules & unwanted
    above = {f"a2d.{m}" for m in ("training", "tasks", "runs", "plots", "annotation", "datasets")}
    assert not modules & above


def imports_of(path: Path) -> set[str]:
    """The modules of this package that a file imports, anywhere in it but under TYPE_CHECKING."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for child in node.orelse:
                visit(child)
            return
        if isinstance(node, ast.Import):
            found.update(a.name.split(".")[1] for a in node.names if a.name.startswith("a2d."))
        if isinstance(node, ast.ImportFrom) and node.module == "a2d":
            found.update(a.name for a in node.names if not a.name.startswith("__"))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("a2d."):
            found.add(node.module.split(".")[1])
        assert not (isinstance(node, ast.ImportFrom) and node.level), f"{path}: relative import"
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return found


def files_of(module: str) -> list[Path]:
    flat = ROOT / "a2d" / f"{module}.py"
    return [flat] if flat.exists() else sorted((ROOT / "a2d" / module).rglob("*.py"))


@pytest.mark.parametrize("module", ORDER)
def test_nothing_imports_what_stands_above_it(module):
    allowed = {*ORDER[: ORDER.index(module)], module}
    files = files_of(module)
    assert files
    for path in files:
        upwards = sorted(imports_of(path) - allowed)
        assert upwards == [], f"{path.name} imports {', '.join(upwards)}, which stand above it"


def test_the_check_for_upward_imports_can_fail(tmp_path):
    path = tmp_path / "features.py"
    path.write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from a2d.datasets import Images\n"
        "def f():\n    from a2d import runs\n    import a2d.cli\n    from a2d.figures import grid\n"
    )
    assert imports_of(path) == {"runs", "cli", "plots"}
