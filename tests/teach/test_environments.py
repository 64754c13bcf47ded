"""One source, pyproject.toml, and what is made from it: the two environment files and the lock."""

from __future__ import annotations

import ast
import re
import shutil
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import emptyenv
import pytest
import yaml
from click.testing import CliRunner
from conftest import ROOT
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from a2d.errors import CourseError
from a2d.lab import colab
from teach import cli
from teach.lectures import environments
from teach.lectures.environments import BINDER_FILE, HOME_FILE, environment_files, write_environments

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NEEDED = [Requirement(line) for line in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["course"]]]
# From conda-forge's name back to the name in pyproject.toml, written down a second time and not taken from the code.
PYPI = {
    "matplotlib-base": "matplotlib",
    "nbconvert-core": "nbconvert",
    "pysoundfile": "soundfile",
    "pytorch-cpu": "torch",
    "soxr-python": "soxr",
}


def entries(path: Path) -> list[str | dict]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))["dependencies"]


def ranges(path: Path) -> dict[str, SpecifierSet]:
    """The packages of an environment file under pyproject.toml's names, without Python, pip and choices of a build."""
    plain = [line for line in entries(path) if isinstance(line, str) and line != "pip" and "=*=" not in line]
    found = {}
    for line in plain:
        name, specifier = re.fullmatch(r"([a-z0-9-]+)([<>=!].*)", line).groups()
        if name != "python":
            found[PYPI.get(name, name)] = SpecifierSet(specifier)
    return found


def locked() -> dict[str, set[Version]]:
    """The versions that the lock pins; a package may have one for each Python."""
    found: dict[str, set[Version]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^\s;\\]+)", (ROOT / "requirements.lock").read_text(), re.M):
        found.setdefault(name.lower(), set()).add(Version(version))
    return found


def disagreements(root: Path) -> list[str]:
    """What does not fit together: the two files, pyproject.toml and the lock."""
    pins, told = locked(), []
    for path in (HOME_FILE, BINDER_FILE):
        there = ranges(root / path)
        wanted = {one.name: one.specifier for one in NEEDED}
        told += [f"{path}: {name} is missing" for name in sorted(wanted.keys() - there.keys())]
        told += [f"{path}: {name} is not in pyproject.toml" for name in sorted(there.keys() - wanted.keys())]
        for name in sorted(wanted.keys() & there.keys()):
            if there[name] != wanted[name]:
                told.append(f"{path}: {name}{there[name]}, but pyproject.toml says {wanted[name]}")
            told += [
                f"{path}: {name}{there[name]} leaves out {v}, which the lock pins"
                for v in pins[name] - allowed(there[name], pins[name])
            ]
    return told


def allowed(specifier: SpecifierSet, versions: set[Version]) -> set[Version]:
    return {version for version in versions if version in specifier}


# ------------------------------------------------------------------------------------------------------------ the files


def test_the_files_the_project_and_the_lock_agree():
    assert disagreements(ROOT) == []
    assert write_environments(check=True) == []


def test_every_range_allows_what_is_here_and_excludes_the_next_major():
    for one in NEEDED:
        here = Version(metadata.version(one.name))
        assert here in one.specifier, one
        assert Version(f"{here.major + 1}.0") not in one.specifier, one
        assert any(part.operator == "<" for part in one.specifier), one


def test_pythons_are_those_of_the_project_and_of_the_makefile():
    minor = re.search(r"\((\d+), (\d+)\) <= sys.version_info < \((\d+), (\d+)\)", (ROOT / "Makefile").read_text())
    low, high = ".".join(minor.groups()[:2]), ".".join(minor.groups()[2:])
    assert f"python>={low},<{high}" in entries(ROOT / HOME_FILE)
    assert PROJECT["requires-python"] == f">={low}"
    (binder,) = [line for line in entries(ROOT / BINDER_FILE) if str(line).startswith("python=")]
    assert Version(low) <= Version(binder.removeprefix("python=")) < Version(high)


def test_both_files_differ_only_in_python_channels_and_the_build_of_the_linear_algebra():
    home, binder = entries(ROOT / HOME_FILE), entries(ROOT / BINDER_FILE)
    assert [line for line in home if line not in binder] == ["python>=3.11,<3.14", {"pip": ["--editable ."]}]
    assert [line for line in binder if line not in home] == ["python=3.12", "libblas=*=*openblas"]
    assert yaml.safe_load((ROOT / HOME_FILE).read_text())["channels"] == ["conda-forge", "nodefaults"]
    assert yaml.safe_load((ROOT / BINDER_FILE).read_text())["channels"] == ["conda-forge"]
    heavy = re.compile(r"cuda|nvidia|pytest|ruff|playwright|hypothesis|nodejs|compiler")
    assert not [line for line in binder if heavy.search(str(line))]


@pytest.mark.parametrize("path", [HOME_FILE, BINDER_FILE], ids=str)
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (r"  - soxr-python.*\n", "", "soxr is missing"),
        (r"  - tqdm", "  - rich>=13,<14\n  - tqdm", "rich is not in pyproject.toml"),
        (r"numpy>=1.26,<3", "numpy>=1.26,<2", r"leaves out .*, which the lock pins"),
        (r"jupyterlab>=4.2,<5", "jupyterlab>=4.2", "pyproject.toml says"),
    ],
)
def test_what_drifts_is_noticed(tmp_path, path, old, new, message):
    write_environments_from(tmp_path)
    text = (tmp_path / path).read_text()
    assert disagreements(tmp_path) == []
    (tmp_path / path).write_text(changed := re.sub(old, new, text, count=1))
    assert changed != text
    assert any(re.search(message, line) and str(path) in line for line in disagreements(tmp_path))
    assert write_environments(tmp_path, check=True) == [path]


def write_environments_from(root: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", root)
    write_environments(root)


def test_a_new_dependency_reaches_both_files(tmp_path):
    text = (ROOT / "pyproject.toml").read_text()
    (tmp_path / "pyproject.toml").write_text(text.replace('"click', '"xarray >= 2024.1 , < 2027",\n    "click', 1))
    assert write_environments(tmp_path) == [HOME_FILE, BINDER_FILE]
    assert all("xarray>=2024.1,<2027" in entries(tmp_path / path) for path in (HOME_FILE, BINDER_FILE))
    assert write_environments(tmp_path) == []


@pytest.mark.parametrize(
    "line", ["numpy @ https://example.org/x.whl", "numpy; python_version < '3.12'", "numpy[all]>=1"]
)
def test_a_requirement_that_conda_cannot_have_is_refused(line):
    with pytest.raises(CourseError, match="Give a name and a range"):
        environments.read_requirement(line)


def test_without_a_clone_the_command_says_so(tmp_path):
    with pytest.raises(CourseError, match="Run this in a clone of the repository"):
        environment_files(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    with pytest.raises(CourseError, match="must list dependencies"):
        environment_files(tmp_path)


def test_the_command_writes_and_checks(tmp_path, monkeypatch):
    write_environments_from(tmp_path)
    real = environments.write_environments
    monkeypatch.setattr(environments, "write_environments", lambda check: real(tmp_path, check=check))
    run = CliRunner()
    assert run.invoke(cli.main, ["environments", "--check"]).exit_code == 0
    (tmp_path / HOME_FILE).unlink()
    assert run.invoke(cli.main, ["environments", "--check"]).exit_code == 2
    assert "wrote environment.yml" in run.invoke(cli.main, ["environments"]).output
    assert run.invoke(cli.main, ["environments", "--check"]).exit_code == 0


def test_the_lectures_import_only_what_colab_is_given():
    given = {emptyenv.key(name) for name in colab.LECTURE_TOOLS} | {"ipython"}
    given |= {emptyenv.key(Requirement(line).name) for line in PROJECT["dependencies"]}
    # scikit-learn cannot be without the first two, nor matplotlib without the third, nor requests without the last.
    given |= {"scipy", "joblib", "packaging", "urllib3"}
    owners = metadata.packages_distributions()
    files = [*(ROOT / "notebooks" / "src").glob("*.py"), *(ROOT / "a2d").glob("*.py")]
    assert files
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            for top in {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"a2d", ""}:
                assert given & {emptyenv.key(owner) for owner in owners[top]}, f"{path.name} imports {top}"
