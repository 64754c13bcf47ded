"""JupyterLab, and pages of our own, in a real browser: what the browser tests drive. No test of its own.

JupyterLab runs on a free port in a folder of the test's own, with its own settings, and Debian's Chromium looks at it.
Nothing waits for a fixed time: everything waits for what it needs, long enough for a machine that is busy.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import soundfile
from conftest import ROOT

from a2d import audio
from a2d.audio import Clip

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SCREENSHOTS = ROOT / "build" / "screenshots"
PATIENCE = 120_000  # ms: a kernel that imports torch while other tests run takes its time
# Chromium's arguments for a microphone; the third one names the file that it plays.
MICROPHONE = ("--use-fake-device-for-media-stream", "--autoplay-policy=no-user-gesture-required")
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_SETTINGS = {
    # Without this, cells that are off the screen are not in the page.
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
}
_PANEL = "jupyterapp.shell.currentWidget"


@contextlib.contextmanager
def jupyterlab(folder: Path, **environment: str) -> Iterator[str]:
    """Run JupyterLab in ``folder`` and give its address; it and its kernels are ended at the end."""
    private = folder / ".jupyter"
    for name, values in _SETTINGS.items():
        path = private / "settings" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    places = {
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
    }
    own = {key: str(private / name) for key, name in places.items()}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--allow-root", "--no-browser", "--ServerApp.token="]
    command += ["--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    command += ["--LabApp.expose_app_in_browser=True", f"--ServerApp.root_dir={folder}"]
    log = private / "log.txt"
    with open(log, "wb") as stream:
        server = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "OMP_NUM_THREADS": "1", **own, **environment},
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_it_answers(f"{address}/api/status", server, log)
        yield address
    finally:
        _end(server, address)


def _wait_until_it_answers(address: str, server: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(address, timeout=5).close()
            return
        time.sleep(0.1)
    raise RuntimeError(f"JupyterLab does not answer: {log.read_text(errors='replace')[-3000:]}")


def _end(server: subprocess.Popen, address: str) -> None:
    """End the kernels, which are process groups of their own, then the server's whole group."""
    with contextlib.suppress(OSError, ValueError):
        with urllib.request.urlopen(f"{address}/api/kernels", timeout=10) as answer:
            kernels = json.load(answer)
        for kernel in kernels:
            request = urllib.request.Request(f"{address}/api/kernels/{kernel['id']}", method="DELETE")
            urllib.request.urlopen(request, timeout=20).close()
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(20)
            return


@contextlib.contextmanager
def browser(*arguments: str) -> Iterator[Any]:
    """Give Chromium, as playwright's ``Browser``; ``arguments`` are added to its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, args=[*_ARGUMENTS, *arguments], timeout=PATIENCE
        )
        try:
            yield chromium
        finally:
            chromium.close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve the files of a folder, and give the address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def spoken(path: Path, clip: Clip, before: float = 1.2, after: float = 3.0) -> None:
    """Write what the microphone plays: a room's quiet, the clip, and quiet again, as a microphone has it."""
    sound = audio.resample(clip.samples, clip.rate, 48_000) if clip.rate != 48_000 else clip.samples
    parts = np.concatenate([np.zeros(int(48_000 * before)), sound, np.zeros(int(48_000 * after))])
    quiet = np.random.default_rng(0).normal(0, 2e-4, len(parts))
    soundfile.write(path, np.clip(parts + quiet, -1, 1), 48_000, subtype="PCM_16")


class Notebook:
    """A notebook that is open in JupyterLab; ``page`` is playwright's page."""

    def __init__(self, chromium: Any, address: str, path: str):
        self.name = Path(path).stem
        self.page = chromium.new_page(viewport={"width": 1280, "height": 900})
        self.page.set_default_timeout(PATIENCE)
        # What a page on this machine loads must come from this machine: the course works without a network.
        self.elsewhere: list[str] = []
        self.page.on("request", self._note)
        self.page.goto(f"{address}/lab/tree/{path}?reset", timeout=PATIENCE)
        self.page.wait_for_function(f"() => window.jupyterapp && {_PANEL}?.content?.model?.cells?.length > 0")
        self._idle()
        self.page.evaluate("() => { jupyterapp.shell.collapseLeft(); }")

    def _note(self, request: Any) -> None:
        if not re.match(r"(https?|ws)://127\.0\.0\.1[:/]|data:|blob:", request.url):
            self.elsewhere.append(request.url)

    def _idle(self) -> None:
        self.page.wait_for_function(f"() => {_PANEL}.sessionContext.session?.kernel?.status === 'idle'")

    def run_all(self) -> None:
        """Run all cells and wait until the kernel is idle."""
        before = len(self.cells())
        self.page.evaluate("() => { window.ran = jupyterapp.commands.execute('notebook:run-all-cells'); }")
        self.page.wait_for_function(
            "() => window.ran.then(() => true)", timeout=4 * PATIENCE
        )  # resolves when the last cell has run
        self._idle()
        assert len(self.cells()) == before

    def restart(self) -> None:
        """Restart the kernel, as a person does: by the command, and the dialogue that asks whether to."""
        old = self.page.evaluate(f"() => {_PANEL}.sessionContext.session.kernel.id")
        self.page.evaluate("() => { window.restarted = jupyterapp.commands.execute('notebook:restart-kernel'); }")
        self.page.locator(".jp-Dialog .jp-mod-accept").click()
        self.page.wait_for_function("() => window.restarted.then(() => true)")
        self._idle()
        assert old == self.page.evaluate(f"() => {_PANEL}.sessionContext.session.kernel.id")

    def cells(self) -> list[nbformat.NotebookNode]:
        """The cells as they are now, with their outputs."""
        return nbformat.from_dict(self.page.evaluate(f"() => {_PANEL}.content.model.toJSON()")).cells

    def errors(self) -> list[str]:
        """Name and value of every error among the outputs."""
        return [f"{o.ename}: {o.evalue}" for o in self.outputs() if o.output_type == "error"]

    def outputs(self) -> list[nbformat.NotebookNode]:
        """Every output, in order."""
        return [output for cell in self.cells() for output in cell.get("outputs", [])]

    def printed(self) -> str:
        """Everything that was printed."""
        joined = ("".join(o.text) for o in self.outputs() if o.output_type == "stream")
        return "".join(joined)

    def widget(self, label: str | re.Pattern[str]) -> Any:
        """The last widget whose accessible name is ``label``, scrolled to."""
        group = self.page.get_by_role("group", name=label).last
        group.wait_for(state="visible")
        group.scroll_into_view_if_needed()
        return group

    def screenshot(self, name: str = "") -> Path:
        """Photograph the notebook from top to bottom, at most 16,000 pixels."""
        target = SCREENSHOTS / f"{self.name}{'-' if name else ''}{name}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        size = self.page.viewport_size
        # JupyterLab leaves room below the last cell, and the more the higher the window is.
        height = self.page.evaluate(
            """() => {
                const outer = document.querySelector('.jp-Notebook .jp-WindowedPanel-outer');
                const cells = outer.querySelectorAll('.jp-Cell');
                const top = outer.getBoundingClientRect().top - outer.scrollTop;
                return cells[cells.length - 1].getBoundingClientRect().bottom - top;
            }"""
        )
        self.page.set_viewport_size({"width": size["width"], "height": min(int(height) + 140, 16_000)})
        self.page.evaluate("() => document.querySelector('.jp-Notebook .jp-WindowedPanel-outer').scrollTo(0, 0)")
        self.page.screenshot(path=target, timeout=PATIENCE)
        self.page.set_viewport_size(size)
        return target

    def close(self) -> None:
        """Leave the page."""
        self.page.close()
