"""On Colab, and wherever the package lies beside packages of somebody else: add what the lectures need and is missing.

``pyproject.toml`` is the one source of what the course needs; here its ranges are read from the installed package.
"""

from __future__ import annotations

import re
from pathlib import Path

from a2d.errors import CourseError

PROJECT = "digits-from-sound"
EXTRA = "course"
# Of the extra, what the lectures themselves import; the rest opens, builds and runs notebooks, which Colab does.
LECTURE_TOOLS = ("anywidget", "ipywidgets", "librosa", "torchvision")


def missing() -> dict[str, str]:
    """What the lectures need and this Python has not got: requirements such as ``soxr<2,>=0.4``, by package."""
    from importlib import metadata

    found = {}
    for line in metadata.requires(PROJECT) or []:
        text, _, marker = line.partition(";")
        name = re.split(r"[^\w.-]", text, maxsplit=1)[0]
        if not marker.strip() or (re.search(rf"extra == ['\"]{EXTRA}['\"]", marker) and name in LECTURE_TOOLS):
            try:
                metadata.version(name)
            except metadata.PackageNotFoundError:
                found[name] = text.strip()
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
        command += ["--constraint", str(constraints), *wanted.values()]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        told = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        reason = f" ({told[-1].removeprefix('ERROR: ')})" if told else ""
        hint = "Check the connection to the internet, then run this cell again"
        raise CourseError(f"pip could not install {', '.join(wanted)}{reason}", where="set-up", hint=hint)
    importlib.invalidate_caches()
    print("Added:", ", ".join(wanted))


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
