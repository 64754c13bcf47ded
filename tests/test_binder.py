"""Binder: what repo2docker makes of the folder ``binder/``, and where the server opens that it starts."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import emptyenv
import pytest
from conftest import ROOT

from teach.lectures.environments import project_requirements


def test_repo2docker_takes_the_folder_binder(tmp_path):
    """Renders the Dockerfile of a copy; needs no container engine."""
    pytest.importorskip("repo2docker", reason="jupyter-repo2docker is not installed")
    for name in ("pyproject.toml", "environment.yml", "requirements.lock", "binder", "Makefile", "README.md"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    # What the root says must not matter: a version that Binder does not have would show.
    (tmp_path / "environment.yml").write_text("dependencies: [python=3.11, no-such-package]\n")
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    dockerfile = done.stdout
    assert "python=3.12" in done.stderr
    assert 'env update -p ${NB_PYTHON_PREFIX} --file "binder/environment.yml"' in dockerfile
    assert "RUN ./binder/postBuild" in dockerfile
    assert "no-such-package" not in dockerfile
    assert '--file "environment.yml"' not in dockerfile
    assert "requirements" not in dockerfile.split("# Copy stuff.")[1]


def test_the_lecture_that_binder_opens_is_there():
    config = json.loads((ROOT / "binder" / "jupyter" / "jupyter_server_config.json").read_text())
    assert config
    for one in config.values():
        assert (ROOT / one["default_url"].removeprefix("/lab/tree/")).is_file()
    assert os.access(ROOT / "binder" / "postBuild", os.X_OK)
    assert {path.name for path in (ROOT / "binder").iterdir()} == {"environment.yml", "jupyter", "postBuild"}


@pytest.mark.slow
def test_after_binders_build_lab_opens_at_the_first_lecture(tmp_path):
    """Runs binder/postBuild as Binder does, without a network, in an environment of its own; then starts the server."""
    names = [one.name for one in project_requirements()] + ["hatchling", "editables"]
    python = emptyenv.make(tmp_path / "env", emptyenv.closure(names))
    work = emptyenv.copy_sources(tmp_path / "work", more=("binder", "notebooks/00_start_here.ipynb"))
    (tmp_path / "home").mkdir()
    (tmp_path / "wheels").mkdir()
    # pip reads this variable the wrong way round: "0" is "no isolation", so that the build needs no network.
    variables = emptyenv.variables(python, tmp_path / "home", tmp_path / "wheels") | {"PIP_NO_BUILD_ISOLATION": "0"}
    prefix = python.parent.parent
    variables["NB_PYTHON_PREFIX"] = str(prefix)
    (prefix / "share").mkdir(exist_ok=True)
    (prefix / "share" / "jupyter").symlink_to(Path(sys.prefix) / "share" / "jupyter")  # the pages of JupyterLab
    files = {path for path in work.rglob("*") if path.is_file()}
    done = subprocess.run(["binder/postBuild"], cwd=work, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {path for path in work.rglob("*") if path.is_file()} == files, "the build left files behind"

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [python, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}"]
    command += ["--ServerApp.port_retries=0", "--IdentityProvider.token="]
    with open(tmp_path / "log", "w") as log:
        server = subprocess.Popen(command, cwd=work, env=variables, stdout=log, stderr=log)
    try:
        address, told = opened(port)
        assert address == "/lab/tree/notebooks/00_start_here.ipynb", (tmp_path / "log").read_text()
        assert "@jupyterlab/apputils-extension:announcements" in told["disabledExtensions"]
    finally:
        server.terminate()
        server.wait(timeout=20)

    # A course that cannot run does not become an image.
    shutil.rmtree(work / "a2d" / "weights")
    (work / "a2d" / "weights").mkdir()
    done = subprocess.run(["binder/postBuild"], cwd=work, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "MISSING" in done.stderr


def opened(port: int) -> tuple[str, dict[str, Any]]:
    """Where a browser ends up that opens the server's address, and what JupyterLab is told in that page."""
    for _ in range(100):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as page:
                found = re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', page.read().decode(), re.DOTALL)
                return page.url.partition(str(port))[2], json.loads(found[1]) if found else {}
        except OSError:
            time.sleep(0.2)
    return "nothing", {}
