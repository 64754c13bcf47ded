"""Marking in another Python: for notebooks that a newer one ran than the one that grades (``teach grade --python``).

The other interpreter has this course installed. It is started once, is told the settings, and marks one submission
after the other: ``PYTHON -m teach.grading.elsewhere`` reads and writes lines of JSON.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import a2d
import teach
from teach.grading.marking import Handed, Marker, Settings
from teach.grading.model import GradingError

_HINT = "Install this course with that Python (make setup PYTHON=...), and name the python of its environment"
_ASK = (
    "import json, sys; from teach.grading.elsewhere import sources; "
    "print(json.dumps([*sys.version_info[:2], sources()]))"
)


@cache
def sources() -> str:
    """A hash of this course's code, file by file: the same in every Python."""
    found = hashlib.sha256()
    for package in (a2d, teach):
        folder = Path(str(package.__file__)).parent
        for path in sorted(folder.rglob("*.py"), key=lambda path: path.relative_to(folder).as_posix()):
            found.update(path.read_bytes())
    return found.hexdigest()


@cache
def version_of(python: str) -> tuple[int, ...]:
    """The version of another interpreter; raises :class:`GradingError` where it does not have this very course."""
    try:
        done = subprocess.run([python, "-c", _ASK], capture_output=True, text=True, check=False, env=_environment())
    except OSError as error:
        raise GradingError(f"it cannot be started ({error.strerror})", where=python, hint=_HINT) from error
    try:
        major, minor, theirs = json.loads(done.stdout)
    except ValueError as error:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise GradingError(f"this Python cannot grade ({said[:200]})", where=python, hint=_HINT) from error
    if theirs != sources():
        raise GradingError("this Python has another version of the course", where=python, hint=_HINT)
    return int(major), int(minor)


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "VIRTUAL_ENV")}


class Elsewhere:
    """A marker in another interpreter; used as :class:`~teach.grading.marking.Marker`."""

    def __init__(self, python: str, settings: Settings):
        self._python, self._settings = python, settings
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [self._python, "-m", "teach.grading.elsewhere"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=_environment(),
        )
        self._say(asdict(replace(self._settings, python="")))

    def _say(self, what: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()

    def mark(self, handed: Handed) -> dict[str, Any]:
        """A submission's result as JSON, and whether an answer came to its end by the clock."""
        assert self._process.stdout is not None
        self._say({**asdict(handed), "files": [_packed(*one) for one in handed.files]})
        line = self._process.stdout.readline()
        if not line:
            # It is gone with this submission; the next one gets another.
            code = self._process.wait()
            self._start()
            raise RuntimeError(f"the other Python ended ({code})")
        found: dict[str, Any] = json.loads(line)
        if "failed" in found:
            raise RuntimeError(found["failed"])
        return found

    def close(self) -> None:
        """End the other interpreter."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def _packed(name: str, content: bytes | str) -> list[str]:
    # Names of files may hold bytes that are no letters, so they travel as JSON escapes.
    return [name, "text", content] if isinstance(content, str) else [name, "", base64.b64encode(content).decode()]


def main() -> None:
    """Mark what comes, line by line, until nothing comes any more."""
    out = sys.stdout
    sys.stdout = sys.stderr  # nothing else may stand between the lines
    given = json.loads(sys.stdin.readline())
    points = tuple((id, value) for id, value in given["points"])
    marker = Marker(Settings(**{**given, "lectures": tuple(given["lectures"]), "points": points}))
    for line in sys.stdin:
        told = json.loads(line)
        files = tuple((n, text if kind else base64.b64decode(text)) for n, kind, text in told["files"])
        try:
            result = marker.mark(Handed(**{**told, "files": files}))
            found = {"result": result.to_json(), "hurried": marker.hurried}
        except Exception as error:
            found = {"failed": f"{type(error).__name__}: {error}"}
        out.write(json.dumps(found) + "\n")
        out.flush()
    marker.close()


if __name__ == "__main__":
    main()
