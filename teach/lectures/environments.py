"""Where the course runs besides ``make setup``: conda at home, Binder, Colab.

``pyproject.toml`` is the one source of what the course needs. ``environment.yml`` (conda at home) and
``binder/environment.yml`` (Binder) are written from it by ``teach environments``; on Colab,
:mod:`a2d.lab.colab` reads the same ranges from the installed package.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from a2d.errors import CourseError
from a2d.io.atomic import write_text
from a2d.lab.colab import EXTRA, PROJECT
from teach import settings

# The Pythons that the course is made for, as in the Makefile; Binder's image has one of them.
PYTHON = ">=3.11,<3.14"
BINDER_PYTHON = "3.12"
# What conda-forge calls a package that has another name in pyproject.toml. The variants chosen are the small ones:
# PyTorch for the CPU, matplotlib without a desktop's windows, nbconvert without pandoc.
CONDA_NAMES = {
    "matplotlib": "matplotlib-base",
    "nbconvert": "nbconvert-core",
    "soundfile": "pysoundfile",
    "soxr": "soxr-python",
    "torch": "pytorch-cpu",
}
# On Binder's Linux: the build of PyTorch that does without Intel's large library for linear algebra.
SMALL_BLAS = "libblas=*=*openblas"

HOME_FILE, BINDER_FILE = Path("environment.yml"), Path("binder/environment.yml")
_HEADER = """\
# {purpose}
# Written by `teach environments` from pyproject.toml: change that file, then run the command again.
name: {name}
channels:
{channels}dependencies:
"""
# Somebody's own conda may look into Anaconda's channels unless it is told not to. Binder's does not, and its mamba
# takes "nodefaults" for the name of one more channel.
_CHANNELS = {HOME_FILE: ("conda-forge", "nodefaults"), BINDER_FILE: ("conda-forge",)}


@dataclass(frozen=True)
class Requirement:
    """A package's name as in pyproject.toml, and its range of versions (``>=1,<2``)."""

    name: str
    range: str


def read_requirement(text: str, where: object = "pyproject.toml") -> Requirement:
    """A line such as ``numpy>=1.26,<3``; raises :class:`CourseError` for anything but a name and a range."""
    found = re.fullmatch(r"([A-Za-z0-9][\w.-]*)\s*((?:[<>=!~]=?\s*[\w.*]+\s*,?\s*)*)", text.strip())
    if not found:
        hint = "Give a name and a range of versions, such as numpy>=1.26,<3"
        raise CourseError(f"this requirement cannot be used for conda and Colab: {text}", where=where, hint=hint)
    parts = [part.strip().replace(" ", "") for part in found[2].split(",") if part.strip()]
    # The lower bound comes first.
    return Requirement(found[1].lower(), ",".join(sorted(parts, reverse=True)))


def project_requirements(root: Path = settings.ROOT) -> list[Requirement]:
    """What ``pyproject.toml`` lists for the package and its extra ``course``; a :class:`CourseError` without it."""
    import tomllib

    path = root / "pyproject.toml"
    try:
        project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
        lines = [*project["dependencies"], *project["optional-dependencies"][EXTRA]]
    except OSError as error:
        hint = "Run this in a clone of the repository"
        raise CourseError("this file is not here", where=path, hint=hint) from error
    except (ValueError, KeyError, TypeError) as error:
        hint = f"It must list dependencies and the extra {EXTRA!r}"
        raise CourseError("this file cannot be read", where=path, hint=hint) from error
    return [read_requirement(line, path) for line in lines]


# ----------------------------------------------------------------------------------------------------- conda and Binder


def conda_lines(root: Path = settings.ROOT) -> list[str]:
    """What the course needs, in conda-forge's names, sorted."""
    return sorted(f"{CONDA_NAMES.get(one.name, one.name)}{one.range}" for one in project_requirements(root))


def environment_files(root: Path = settings.ROOT) -> dict[Path, str]:
    """The two environment files, by their paths in the repository: for conda at home, and for Binder."""
    lines = conda_lines(root)
    home = [f"python{PYTHON}", *lines, "pip", "pip:\n      - --editable ."]
    binder = [f"python={BINDER_PYTHON}", *lines, "pip", SMALL_BLAS]
    purposes = {
        HOME_FILE: "For conda at home: conda env create",
        BINDER_FILE: "For Binder; binder/postBuild adds the course's own package.",
    }

    def text(path: Path, entries: list[str]) -> str:
        channels = "".join(f"  - {name}\n" for name in _CHANNELS[path])
        head = _HEADER.format(purpose=purposes[path], name=PROJECT, channels=channels)
        return head + "".join(f"  - {line}\n" for line in entries)

    return {HOME_FILE: text(HOME_FILE, home), BINDER_FILE: text(BINDER_FILE, binder)}


def write_environments(root: Path = settings.ROOT, *, check: bool = False) -> list[Path]:
    """Write the environment files; returns those that were not as they should be. With ``check``, writes nothing."""
    changed = []
    for path, text in environment_files(root).items():
        try:
            there = (root / path).read_bytes()
        except OSError:
            there = b""
        if there != text.encode():
            changed.append(path)
            if not check:
                write_text(root / path, text)
    return changed
