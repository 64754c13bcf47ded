"""On Colab, and wherever the package lies beside packages of somebody else: add what the lectures need and is missing.

``pyproject.toml`` is the one source of what the course needs; here its ranges are read from the installed package.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from a2d.errors import CourseError

PROJECT = "digits-from-sound"
EXTRA = "course"
# Of the extra, what the lectures themselves import; the rest opens, builds and runs notebooks, which Colab does.
LECTURE_TOOLS = ("anywidget", "ipywidgets", "librosa", "torchvision")


@dataclass(frozen=True)
class Requirement:
    """A package's name as in pyproject.toml, and its range of versions (``>=1,<2``)."""

    name: str
    range: str

    def __str__(self) -> str:
        return f"{self.name}{self.range}"


def read_requirement(text: str, where: object = "pyproject.toml") -> Requirement:
    """A line such as ``numpy>=1.26,<3``; raises :class:`CourseError` for anything but a name and a range."""
    found = re.fullmatch(r"([A-Za-z0-9][\w.-]*)\s*((?:[<>=!~]=?\s*[\w.*]+\s*,?\s*)*)", text.strip())
    if not found:
        hint = "Give a name and a range of versions, such as numpy>=1.26,<3"
        raise CourseError(f"this requirement cannot be used for conda and Colab: {text}", where=where, hint=hint)
    parts = [part.strip().replace(" ", "") for part in found[2].split(",") if part.strip()]
    # Installers turn the order around; the lower bound comes first here.
    return Requirement(found[1].lower(), ",".join(sorted(parts, reverse=True)))


def missing() -> list[Requirement]:
    """What the lectures need and this Python has not got, with the ranges of the installed package."""
    from importlib import metadata

    found = []
    for line in metadata.requires(PROJECT) or []:
        text, _, marker = line.partition(";")
        one = read_requirement(text, f"the installed {PROJECT}")
        wanted = not marker.strip() or (re.search(rf"extra == ['\"]{EXTRA}['\"]", marker) and one.name in LECTURE_TOOLS)
        if wanted and not _is_here(one.name):
            found.append(one)
    return found


def add_missing() -> None:
    """Install what the lectures need and this Python has not got; what is here stays as it is, also if it is older.

    Says in one line what was added, and nothing if nothing was. Raises :class:`CourseError` if pip cannot do it.
    """
    import importlib
    import subprocess
    import sys
    import tempfile

    from a2d.io.atomic import write_text

    wanted = missing()
    if not wanted:
        return
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "as-it-is.txt"
        write_text(constraints, "".join(f"{line}\n" for line in _installed()))
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        command += ["--constraint", str(constraints), *map(str, wanted)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        _refuse(wanted, done.stderr)
    importlib.invalidate_caches()
    print("Added:", ", ".join(one.name for one in wanted))


def _is_here(name: str) -> bool:
    from importlib import metadata

    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _installed() -> list[str]:
    """Every installed package as a constraint that pip understands; a system's own packages may have odd versions."""
    from importlib import metadata

    plain = r"\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?(\+[a-z\d.]+)?"
    here: dict[str, str] = {}
    for one in metadata.distributions():
        name, version = one.metadata["Name"], one.version
        if name and version and re.fullmatch(plain, version, re.IGNORECASE):
            here.setdefault(re.sub(r"[-_.]+", "-", name).lower(), version)  # the first on the path is the one in use
    return [f"{name}=={version}" for name, version in sorted(here.items()) if name != PROJECT]


def _refuse(wanted: list[Requirement], told: str) -> NoReturn:
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    reason = f" ({lines[-1].removeprefix('ERROR: ')})" if lines else ""
    names = ", ".join(one.name for one in wanted)
    hint = "Check the connection to the internet, then run this cell again"
    raise CourseError(f"pip could not install {names}{reason}", where="set-up", hint=hint)
