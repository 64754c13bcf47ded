"""A page in Debian's Firefox, for the tests that want a second browser. No test of its own.

Playwright brings a Firefox of its own, which is not among Debian's packages, and WebDriver needs geckodriver, which
is not either. Firefox itself speaks WebDriver BiDi (W3C) over a socket; this says the five words of it that we need.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from browser import PATIENCE

FIREFOX = next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)
_SETTINGS = {
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.enabled": False,
    "network.captive-portal-service.enabled": False,
    "media.navigator.permission.disabled": True,
    "remote.active-protocols": 1,
}


class Fox:
    """One tab; ``requests``: what its pages asked for; ``mistakes``: errors that they told the console."""

    def __init__(self, address: str):
        import websocket

        self._socket = websocket.create_connection(address, suppress_origin=True, timeout=PATIENCE / 1000)
        self._numbers = itertools.count(1)
        self.requests: list[str] = []
        self.mistakes: list[str] = []
        self._call("session.new", capabilities={})
        self._call("session.subscribe", events=["log.entryAdded", "network.beforeRequestSent"])
        self._tab = self._call("browsingContext.getTree")["contexts"][0]["context"]

    def _call(self, method: str, **parameters: Any) -> Any:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while (told := json.loads(self._socket.recv())).get("id") != number:
            found = told.get("params", {})
            if told.get("method") == "network.beforeRequestSent":
                self.requests.append(found["request"]["url"])
            elif told.get("method") == "log.entryAdded" and found["level"] == "error":
                self.mistakes.append(str(found["text"]))
        assert told["type"] == "success", told
        return told["result"]

    def open(self, url: str) -> None:
        self._call("browsingContext.navigate", context=self._tab, url=url, wait="complete")

    def evaluate(self, expression: str) -> Any:
        """The value of an expression, which JSON can hold; one of a promise is awaited."""
        text = f"(async () => JSON.stringify(await ({expression})))()"
        found = self._call(
            "script.evaluate", expression=text, target={"context": self._tab}, awaitPromise=True, userActivation=True
        )
        assert found["type"] == "success", found
        return json.loads(found["result"].get("value", "null"))

    def wait(self, expression: str) -> None:
        """Until an expression is true."""
        end = time.monotonic() + PATIENCE / 1000
        while not self.evaluate(f"Boolean({expression})"):
            assert time.monotonic() < end, expression
            time.sleep(0.05)

    def screenshot(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        found = self._call("browsingContext.captureScreenshot", context=self._tab, origin="document")
        path.write_bytes(base64.b64decode(found["data"]))


@contextlib.contextmanager
def firefox(folder: Path) -> Iterator[Fox]:
    """Run Firefox with a profile of its own in ``folder``, and end it."""
    lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in _SETTINGS.items())
    (folder / "user.js").write_text("".join(lines))
    command = [str(FIREFOX), "--headless", "--no-remote", "--profile", str(folder), "--remote-debugging-port", "0"]
    process = subprocess.Popen(
        command, env={**os.environ, "HOME": str(folder)}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr
        address = next(found[1] for line in process.stderr if (found := re.search(r"BiDi listening on (ws:\S+)", line)))
        # What it says later is read, too: a full pipe would hold it up.
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield Fox(f"{address}/session")
    finally:
        process.terminate()
        process.wait(timeout=60)
