"""The project's habits: one version, a tree drawn as it is, workflows and hooks that name what exists, types."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import in_shell, mistakes
from conftest import ROOT

import a2d
from teach import settings

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
PYTHONS = ("3.11", "3.12", "3.13")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


# --------------------------------------------------------------------------------------------------------- one version


def test_version_tag_citation_and_changes_agree():
    assert f"v{a2d.__version__}" == settings.TAG
    assert str(yaml.safe_load(read("CITATION.cff"))["version"]) == a2d.__version__
    headings = re.findall(r"^## (\S+)$", read("CHANGELOG.md"), re.MULTILINE)
    if headings[0] == "Next":  # what is not released yet
        del headings[0]
    assert headings[0] == a2d.__version__
    assert headings == sorted(headings, key=lambda one: [int(part) for part in one.split(".")], reverse=True)
    for name in ("pyproject.toml", "teach/pyproject.toml"):
        assert "version" in tomllib.loads(read(name))["project"]["dynamic"]


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_a_text_that_names_a_tag_names_this_versions(name):
    tags = set(re.findall(r"\bv\d+\.\d+\.\d+\b", read(name)))
    assert tags == {settings.TAG}


# ------------------------------------------------------------------------------------------------------------- the tree


def test_the_tree_in_contributing_is_the_tree():
    """Every module at the top of the package and every room is drawn, and nothing that is not there."""
    drawn = read("CONTRIBUTING.md").split("```")[1]
    tops, below = {}, ""
    for line in drawn.strip().splitlines():
        names = re.match(r"\s*((?:\S+(?:\.py|/)\s+)*)", line)[1].split()
        if not line.startswith(" "):
            below = names[0] if names else ""
            tops[below] = set()
        elif line.startswith("  ") and not line.startswith("   "):
            tops[below] |= set(names)
    package = tops["a2d/"]
    assert {name for name in package if name.endswith(".py")} == {p.name for p in modules("a2d")}
    assert {name for name in package if name.endswith("/")} >= rooms("a2d")
    assert tops["teach/"] >= rooms("teach")
    for top, names in tops.items():
        missing = [name for name in names if not (ROOT / top / name).exists()]
        assert (ROOT / top).exists() or "NN" in top, top
        assert not missing


def modules(folder: str) -> list[Path]:
    return [path for path in (ROOT / folder).glob("*.py") if path.name != "__init__.py"]


def rooms(folder: str) -> set[str]:
    """The packages in a folder."""
    return {f"{path.parent.name}/" for path in (ROOT / folder).glob("*/__init__.py")}


# ------------------------------------------------------------------------------------------------------------ workflows


def steps(path: Path) -> list[dict[str, Any]]:
    jobs = yaml.safe_load(path.read_text())["jobs"]
    return [step for job in jobs.values() for step in job["steps"]]


def test_there_are_workflows_for_each_change_and_for_each_week():
    # YAML reads the bare word "on" as true.
    when = {path.stem: yaml.safe_load(path.read_text())[True] for path in WORKFLOWS}
    assert {"push", "pull_request"} <= when["test"].keys()
    assert "schedule" in when["weekly"]
    assert when["site"]["push"] == {"branches": ["main"]}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_hash_with_their_version(path):
    lines = [line for line in path.read_text().splitlines() if "uses:" in line]
    assert lines
    for line in lines:
        assert re.search(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*$", line), line
    assert len(lines) == sum("uses" in step for step in steps(path))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_name_only_what_exists(path):
    lines = [step["run"] for step in steps(path) if "run" in step]
    told = in_shell("\n".join(lines))
    assert told or any(".ci/run" in line for line in lines)
    assert {line: mistakes(line) for line in told if mistakes(line)} == {}
    for line in lines:
        for word in re.findall(r"(?:tests|\.ci)/[\w./]+", line):
            assert (ROOT / word).exists(), word


def test_the_tests_run_with_each_python_of_the_project():
    test, weekly = (yaml.safe_load(read(f".github/workflows/{name}.yml"))["jobs"] for name in ("test", "weekly"))
    assert tuple(test["linux"]["strategy"]["matrix"]["python"]) == PYTHONS
    named = re.findall(r"(?<![\w.])3\.\d\d(?![\w.])", " ".join(read(f".github/workflows/{p.name}") for p in WORKFLOWS))
    assert set(named) <= set(PYTHONS)
    assert set(weekly["newest"]["strategy"]["matrix"]["python"]) <= set(PYTHONS)
    minor = re.search(r"\((\d+), (\d+)\) <= sys.version_info < \((\d+), (\d+)\)", read("Makefile"))
    assert [f"3.{n}" for n in range(int(minor[2]), int(minor[4]))] == list(PYTHONS)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_may_only_read_and_end(path):
    flow = yaml.safe_load(path.read_text())
    assert flow["permissions"] == {"contents": "read"}
    assert all(job["timeout-minutes"] <= 120 for job in flow["jobs"].values())


def test_only_what_publishes_the_site_may_write_and_only_pages():
    rights = {job: of for p in WORKFLOWS for job, one in yaml.safe_load(p.read_text())["jobs"].items()
              if (of := one.get("permissions"))}  # fmt: skip
    assert rights == {"publish": {"pages": "write", "id-token": "write"}}
    publish = yaml.safe_load(read(".github/workflows/site.yml"))["jobs"]["publish"]
    assert [step["uses"].split("@")[0] for step in publish["steps"]] == ["actions/deploy-pages"]


def test_ci_lints_and_ends_with_the_tests():
    lines = [line for line in read(".ci/run").splitlines() if line.strip() and not line.startswith("#")]
    assert lines[-2:] == ["make --no-print-directory lint", "exec make --no-print-directory test"]


# ---------------------------------------------------------------------------------------------------------------- hooks


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_hooks_are_local_and_their_commands_exist(hook):
    assert hook["language"] == "system"
    words = shlex.split(hook["entry"])
    if words[0].startswith(".venv/bin/"):
        assert (Path(sys.executable).parent / Path(words[0]).name).exists()
        assert all(mistakes(line) == [] for line in in_shell(hook["entry"]))
    else:
        assert shutil.which(words[0])
    for pattern in (hook.get("files"), hook.get("exclude")):
        assert re.compile(pattern or "")


def test_the_hooks_compare_and_run_no_lecture():
    entries = {hook["id"]: hook["entry"] for hook in HOOKS}
    assert entries["notebooks"].endswith("teach build --check")
    assert entries["environments"].endswith("teach environments --check")
    files = {hook["id"]: re.compile(hook["files"]) for hook in HOOKS if "files" in hook}
    assert files["notebooks"].match("notebooks/src/03_autoencoders_and_elbo.py")
    assert files["notebooks"].match("a2d/vae.py")
    assert not files["notebooks"].match("README.md")
    assert files["environments"].match("pyproject.toml")


def test_a_large_file_is_refused_and_a_small_one_is_not(tmp_path):
    entry = shlex.split(next(hook["entry"] for hook in HOOKS if hook["id"] == "size"))
    small, large = tmp_path / "small file", tmp_path / "large file"
    small.write_bytes(bytes(1_500_000))
    large.write_bytes(bytes(1_500_001))
    assert subprocess.run([*entry, small], check=False).returncode == 0
    done = subprocess.run([*entry, small, large], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert str(large) in done.stdout
    assert str(small) not in done.stdout


# ---------------------------------------------------------------------------------------------- types, and which Python


def test_types_are_checked_strictly_and_the_libraries_without_types_are_named():
    told = tomllib.loads(read("pyproject.toml"))["tool"]["mypy"]
    assert told["packages"] == ["a2d", "teach", "results"]
    assert told["python_version"] == PYTHONS[0]
    for name in ("check_untyped_defs", "disallow_untyped_defs", "disallow_incomplete_defs", "no_implicit_optional"):
        assert told[name] is True
    assert "ignore_missing_imports" not in told
    assert all(re.fullmatch(r"\w+\.\*", name) for one in told["overrides"] for name in one["module"])
    assert "$(BIN)/mypy" in re.search(r"^lint:.*?\n\n", read("Makefile"), re.MULTILINE | re.DOTALL)[0]


def test_the_wheels_of_both_packages_say_that_they_are_typed(tmp_path):
    for folder, package in ((ROOT, "a2d"), (ROOT / "teach", "teach")):
        out = tmp_path / package
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        (wheel,) = out.glob("*.whl")
        assert a2d.__version__ in wheel.name
        assert f"{package}/py.typed" in zipfile.ZipFile(wheel).namelist()


def makes(folder: Path, python: str | None) -> str:
    """What ``make -n setup`` would do in a folder that has the Makefile alone."""
    words = [] if python is None else [f"PYTHON={python}"]
    command = ["make", "-n", "--no-print-directory", "setup", *words]
    # What this test run itself was asked for with PYTHON=... must not reach the Makefile.
    outside = {
        name: value for name, value in os.environ.items() if name not in ("PYTHON", "MAKEFLAGS", "MAKEOVERRIDES")
    }
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=outside)
    return done.stdout + done.stderr


@pytest.fixture
def bare(tmp_path) -> Path:
    for name in ("Makefile", "pyproject.toml", "requirements.lock", "requirements-uv.lock"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "teach").mkdir()
    shutil.copy(ROOT / "teach" / "pyproject.toml", tmp_path / "teach")
    return tmp_path


def test_the_first_python_gets_the_usual_environment(bare):
    assert "-m venv --clear .venv " in makes(bare, None)
    assert f"{sys.executable} -m venv --clear .venv " in makes(bare, sys.executable)


def test_another_python_gets_an_environment_beside_it(bare):
    here = "{}.{}".format(*sys.version_info[:2])
    (bare / ".venv").mkdir()
    for version, folder in ((f"{here}.1", ".venv"), ("3.10.2", f".venv-{here}")):
        (bare / ".venv" / "pyvenv.cfg").write_text(f"home = /usr\nversion = {version}\n")
        assert f"-m venv --clear {folder} " in makes(bare, sys.executable)
        assert "-m venv --clear .venv " in makes(bare, None)


@pytest.mark.parametrize("python", ["no-such-python", "false"])
def test_a_python_that_does_not_fit_is_refused(bare, python):
    told = makes(bare, python)
    assert f"PYTHON={python} is not a Python 3.11, 3.12 or 3.13" in told
    assert "venv --clear" not in told
