"""The course on Colab: the cell that the build writes, in a clean environment with what Colab has and no repository."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import emptyenv
import nbformat
import pytest
from conftest import ROOT
from packaging.requirements import Requirement

import a2d
from a2d import datasets
from a2d.lab import colab
from teach import settings
from teach.lectures.build import make_notebook
from teach.lectures.source import Lecture, find_sources, read_lecture
from teach.release.package import build_wheel

ADDRESS = "owner/some-name"
URL = f"git+https://github.com/{ADDRESS}@v{a2d.__version__}"
# What is known to be on Colab and matters here, with all that it needs, but for those that are to be added: the
# downloads' pooch, and the widgets' anywidget with psygnal.
COLAB = {
    *("torch", "numpy", "matplotlib", "scipy", "scikit-learn", "librosa", "soundfile", "soxr", "safetensors"),
    *("ipywidgets", "ipykernel", "requests", "tqdm", "pillow", "click", "filelock", "torchvision"),
}
LACKING = {"pooch", "anywidget", "psygnal"}
# How long the cell may take the first time.
SECONDS = 60
PYTHON = os.environ.get("A2D_COLAB_PYTHON")


@pytest.fixture
def first_lecture(monkeypatch) -> Lecture:
    monkeypatch.setenv("A2D_REPOSITORY", ADDRESS)
    return read_lecture(find_sources(names=["00"])[0])


def cell_of(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The cell that installs the course."""
    return next(cell for cell in notebook.cells if cell.id.endswith("install-on-colab"))


# ------------------------------------------------------------------------------------------------------------- the cell


def test_the_cell_is_short_and_takes_the_package_at_the_tag_without_dependencies(first_lecture):
    source = cell_of(make_notebook(first_lecture, solution=False)).source
    lines = source.splitlines()
    assert len(lines) <= 10
    assert source.count(URL) == 1
    install = next(line for line in lines if "pip install" in line)
    assert "--quiet" in install
    assert "--no-deps" in install
    assert "--upgrade" not in source


def test_the_cell_is_left_out_without_an_address(monkeypatch):
    monkeypatch.delenv("A2D_REPOSITORY", raising=False)
    monkeypatch.setattr(settings, "REPOSITORY", None)
    notebook = make_notebook(read_lecture(find_sources(names=["00"])[0]), solution=False)
    assert not [cell for cell in notebook.cells if "colab" in cell.source.lower()]


def test_badges_lead_to_the_version_whose_package_is_installed(first_lecture):
    first = make_notebook(first_lecture, solution=False).cells[0].source
    tag = f"v{a2d.__version__}"
    assert f"https://mybinder.org/v2/gh/{ADDRESS}/{tag}?urlpath=lab/tree/notebooks/00_start_here.ipynb" in first
    assert f"/github/{ADDRESS}/blob/{tag}/notebooks/00_start_here.ipynb" in first


def test_the_cell_does_nothing_elsewhere(first_lecture, monkeypatch):
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    ran: list[str] = []
    monkeypatch.setattr(shell, "system", ran.append)
    source = cell_of(make_notebook(first_lecture, solution=False)).source
    assert shell.run_cell(source).success
    assert ran == []


# ------------------------------------------------------------------------------------------------ in an environment


@dataclass(frozen=True)
class Outcome:
    """What running the first lecture as on Colab gave: all that was printed, and each install cell's text and time."""

    printed: str
    texts: list[str]
    seconds: list[float]
    before: dict[str, str]
    after: dict[str, str]
    where: str


WHERE = "import a2d\nprint('a2d is in', a2d.__file__)"


def run_on_colab(python: Path, wheel: Path, folder: Path, lecture: Lecture, wheels: Path | None) -> Outcome:
    """Run the student's lecture with its install cell twice, in an empty folder; the wheel stands for the tag."""
    from nbclient import NotebookClient

    home, work = folder / "home", folder / "empty"
    home.mkdir()
    work.mkdir()
    variables = emptyenv.variables(python, home, wheels)
    before = emptyenv.installed(python, variables)
    # On Colab this module is there from the start.
    code = "import sys, types; sys.modules['google.colab'] = types.ModuleType('google.colab')"
    launch = f"{code}; from ipykernel.kernelapp import launch_new_instance as go; go()"
    spec = {
        "argv": [str(python), "-c", launch, "-f", "{connection_file}"],
        "display_name": "Colab",
        "language": "python",
    }
    kernel = folder / "jupyter" / "kernels" / "colab"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text(json.dumps(spec))

    notebook = make_notebook(lecture, solution=False)
    cell = cell_of(notebook)
    assert cell.source.count(URL) == 1
    cell.source = cell.source.replace(URL, wheel.as_uri())
    again = nbformat.v4.new_code_cell(cell.source)
    at = notebook.cells.index(cell) + 1
    notebook.cells[at:at] = [again, nbformat.v4.new_code_cell(WHERE)]

    options = {"extra_arguments": settings.KERNEL_ARGUMENTS, "store_widget_state": False}
    client = NotebookClient(notebook, kernel_name="colab", timeout=300, resources={}, **options)
    times: dict[str, float] = {}

    async def started(cell, cell_index, **_):
        times[cell.id] = -time.perf_counter()

    async def ended(cell, cell_index, **_):
        times[cell.id] += time.perf_counter()

    client.on_cell_execute, client.on_cell_executed = started, ended
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(folder / "jupyter"))
        client.execute(cwd=str(work), env=variables)
    texts = ["".join(output.get("text", "") for output in one.outputs) for one in (cell, again)]
    printed = "\n".join(o.get("text", "") for one in notebook.cells if one.cell_type == "code" for o in one.outputs)
    where = next(line for line in printed.splitlines() if line.startswith("a2d is in"))
    after = emptyenv.installed(python, variables)
    return Outcome(printed, texts, [times[cell.id], times[again.id]], before, after, where)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    return build_wheel(emptyenv.copy_sources(folder / "sources"), folder / "dist")


def check(outcome: Outcome, python: Path, added: set[str]) -> None:
    assert "Setup complete" in outcome.printed
    assert outcome.where.startswith(f"a2d is in {python.parent.parent}"), outcome.where
    assert {k: v for k, v in outcome.after.items() if k in outcome.before} == outcome.before, "a package was changed"
    assert outcome.after.keys() - outcome.before.keys() == {"digits-from-sound", *added}
    asked = {emptyenv.key(Requirement(one).name) for one in metadata.requires("digits-from-sound")}
    names = sorted(added & asked)  # what these need in turn is not named
    assert outcome.texts[0].split(":")[0] == ("Added" if names else "")
    assert sorted(outcome.texts[0].strip().removeprefix("Added: ").split(", ")) == (names or [""])
    assert outcome.texts[1] == ""
    assert outcome.seconds[0] < SECONDS
    assert outcome.seconds[1] < 1


@pytest.mark.slow
def test_the_first_lecture_runs_on_colab_from_the_wheel_alone(first_lecture, wheel, tmp_path):
    python = emptyenv.make(tmp_path / "env", emptyenv.closure(COLAB) - LACKING)
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for name in LACKING:
        emptyenv.pack(name, wheels)
    outcome = run_on_colab(python, wheel, tmp_path, first_lecture, wheels)
    assert not outcome.before.keys() & {"digits-from-sound", "pooch", "jupyterlab", "papermill", "pytest"}
    check(outcome, python, LACKING)
    print(f"the set-up cell took {outcome.seconds[0]:.1f} s, again {outcome.seconds[1]:.2f} s")


@pytest.mark.slow
def test_the_wheel_alone_draws_with_no_more_than_it_asks_for(wheel, tmp_path):
    """No notebook's packages, no project folder, no network: the command, its data and its models."""
    python = emptyenv.make(tmp_path / "env", emptyenv.closure(metadata.requires("digits-from-sound") or []))
    (tmp_path / "home").mkdir()
    variables = emptyenv.variables(python, tmp_path / "home")
    assert not emptyenv.installed(python, variables).keys() & {"digits-from-sound", "jupyterlab", "librosa", "pytest"}
    install = [python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", wheel]
    subprocess.run(install, env=variables, check=True, timeout=300)
    sound = tmp_path / "seven.wav"
    shutil.copy(next(one.path for one in datasets.load_spoken("builtin").recordings if one.digit == 7), sound)
    draw = [python.parent / "a2d", "draw", sound.name, "--out", "drawn"]
    done = subprocess.run(draw, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert re.search(r"\b7\b", done.stdout), done.stdout
    assert (tmp_path / "drawn" / "seven.png").stat().st_size > 100, sorted((tmp_path / "drawn").iterdir())


@pytest.mark.slow
@pytest.mark.skipif(not PYTHON, reason="$A2D_COLAB_PYTHON does not name the Python of a fresh environment like Colab's")
def test_the_first_lecture_runs_on_colab_with_a_real_pip(first_lecture, wheel, tmp_path):
    """With a network. The environment is changed by it, so make a new one each time:

    ``python -m venv E``, ``E/bin/pip install torch matplotlib scipy scikit-learn librosa soundfile ipywidgets ipykernel
    pandas requests tqdm pillow``, ``A2D_COLAB_PYTHON=E/bin/python pytest tests/a2d/test_colab.py -s``.
    """
    python = Path(PYTHON)
    outcome = run_on_colab(python, wheel, tmp_path, first_lecture, None)
    added = outcome.after.keys() - outcome.before.keys() - {"digits-from-sound"}
    check(outcome, python, added)
    print(f"added {sorted(added)} in {outcome.seconds[0]:.1f} s, again {outcome.seconds[1]:.2f} s")


def test_a_pip_that_fails_is_told_in_one_message(monkeypatch, tmp_path):

    # A name that cannot exist, and no index to look for it.
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setattr(colab, "missing", lambda: {"no-such-package-of-a2d": "no-such-package-of-a2d>=1,<2"})
    with pytest.raises(settings.CourseError, match=r"could not install no-such-package-of-a2d.*run this cell again"):
        colab.add_missing()


def test_nothing_is_missing_here_and_a_missing_package_is_found(monkeypatch):
    from importlib import metadata

    from teach.lectures import environments

    assert colab.missing() == {}
    real = metadata.version

    def version(name: str) -> str:
        if name in ("soxr", "librosa", "jupyterlab"):
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(metadata, "version", version)
    found = colab.missing()
    assert found.keys() == {"soxr", "librosa"}  # JupyterLab opens notebooks: Colab does that itself
    ranges = {one.name: one.range for one in environments.project_requirements()}
    assert Requirement(found["soxr"]) == Requirement("soxr" + ranges["soxr"])


def test_pip_may_not_change_what_is_here(monkeypatch):
    import subprocess
    from importlib import metadata

    seen: list[tuple[list[str], list[str]]] = []

    def run(command: list[str], **_) -> subprocess.CompletedProcess:
        constraints = Path(command[command.index("--constraint") + 1]).read_text().splitlines()
        seen.append((command, constraints))
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(colab, "missing", lambda: {"soxr": "soxr>=0.4,<2"})
    colab.add_missing()
    ((command, constraints),) = seen
    assert command[-1] == "soxr>=0.4,<2"
    assert "--upgrade" not in command
    for name in ("numpy", "torch", "ipywidgets", "scikit-learn"):
        assert f"{name}=={metadata.version(name)}" in constraints
    assert all(str(Requirement(line)) == line for line in constraints)


@pytest.mark.parametrize(
    ("version", "taken"),
    [
        ("2.13.0+cu130", True),
        ("1.0.0b1", True),
        ("0.6.2.post8", True),
        ("2.4.8-1ubuntu3", False),
        ("2013.1~git", False),
    ],
)
def test_odd_versions_of_a_system_are_no_constraints(monkeypatch, version, taken):
    from importlib import metadata
    from types import SimpleNamespace

    one = SimpleNamespace(metadata={"Name": "Some_Thing"}, version=version)
    monkeypatch.setattr(metadata, "distributions", lambda: [one])
    assert colab._installed() == ([f"some-thing=={version}"] if taken else [])


def test_the_wheel_has_all_that_a_lecture_needs(wheel):
    import zipfile

    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"data/builtin", "data/annotated"} <= emptyenv.INCLUDED.keys()
    for here, there in {"a2d": "a2d", **emptyenv.INCLUDED}.items():
        files = [path for path in (ROOT / here).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
        if here == "results":  # the numbers, not the code that makes them
            files = [path for path in files if path.suffix != ".py"]
        assert files
        missing = {f"{there}/{path.relative_to(ROOT / here).as_posix()}" for path in files} - names
        assert not missing
    assert not [name for name in names if name.startswith(("tests/", "notebooks/", "binder/", "teach/", "results/"))]
    assert not [name for name in names if name.startswith("a2d/_data") and name.endswith(".py")]
    megabytes = wheel.stat().st_size / 1e6
    assert megabytes < 40, f"{megabytes:.0f} MB take long to install"
