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
from browser import CHROMIUM, PATIENCE, browser, jupyterlab
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


# -------------------------------------------------------------------------------------------------- what a student sees

NEWS = "@jupyterlab/apputils-extension:announcements"
TOAST = ".Toastify__toast"


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not here")
def test_a_student_sees_lecture_00_without_nbgraders_menu_and_news(tmp_path):
    """JupyterLab as it comes, and as `make lab` and Binder start it: the first shows that the second is looked at."""
    (tmp_path / "notebooks").mkdir()
    shutil.copy(ROOT / "notebooks" / "00_start_here.ipynb", tmp_path / "notebooks")
    with browser() as chromium:
        menus, news, toasts, path = first_sight(chromium, tmp_path, config=tmp_path / "nothing")
        assert {"File", "Nbgrader"} <= menus
        assert (news, toasts, path) == (True, 1, "/lab")
        menus, news, toasts, path = first_sight(chromium, tmp_path, config=ROOT / "binder" / "jupyter")
        assert "File" in menus
        assert "Nbgrader" not in menus
        assert (news, toasts, path) == (False, 0, "/lab/tree/notebooks/00_start_here.ipynb")


def first_sight(chromium: Any, folder: Path, config: Path) -> tuple[set[str], bool, int, str]:
    """Menus, whether news is asked for, how many notes pop up, and the address, when JupyterLab is first opened."""
    own = {"JUPYTER_CONFIG_PATH": str(config), "JUPYTERLAB_SETTINGS_DIR": str(folder / "nothing-set")}
    with jupyterlab(folder, **own) as address:
        page = chromium.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(PATIENCE)
        page.goto(address, timeout=PATIENCE)
        page.wait_for_function("() => window.jupyterapp?.restored.then(() => true)")
        news = page.evaluate(f"() => jupyterapp.hasPlugin('{NEWS}') && jupyterapp.isPluginActivated('{NEWS}')")
        if news:
            page.locator(TOAST).first.wait_for()
        menus = set(page.locator(".lm-MenuBar-itemLabel").all_inner_texts())
        found = menus, news, page.locator(TOAST).count(), page.url.removeprefix(address).rstrip("?")
        page.close()
    return found


def test_make_lab_tells_jupyterlab_what_binder_tells_it():
    done = subprocess.run(["make", "-n", "lab"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert f'JUPYTER_CONFIG_PATH="{ROOT}/binder/jupyter' in done.stdout
    assert "cp -R binder/jupyter/." in (ROOT / "binder" / "postBuild").read_text()
