"""Environments of their own for tests, made without a network: a virtual environment that sees some of the packages
of the one that runs the tests, and nothing else; and a wheel of this project, or of a package that is installed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import tomllib
import venv
import zipfile
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from conftest import ROOT
from packaging.requirements import Requirement

# What the wheel is made of, and what of it comes from outside the package's folder.
_BUILD = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
INCLUDED: dict[str, str] = _BUILD["targets"]["wheel"]["sources"]
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "a2d", *INCLUDED)


def key(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def closure(names: Iterable[str]) -> set[str]:
    """Packages with all that they need, as far as it is installed here."""
    found: set[str] = set()
    todo = [Requirement(name) for name in names]
    while todo:
        one = todo.pop()
        extras = one.extras or {""}
        if one.marker and not any(one.marker.evaluate({"extra": extra}) for extra in extras):
            continue
        if key(one.name) in found:
            continue
        try:
            needs = metadata.requires(one.name) or []
        except metadata.PackageNotFoundError:
            continue
        found.add(key(one.name))
        todo += [Requirement(need) for need in needs]
    return found


def make(folder: Path, packages: set[str]) -> Path:
    """Make a virtual environment in ``folder`` that sees ``packages``, as its own Python's; returns its python.

    They are links to the installed ones in a folder beside it: pip leaves alone what lies outside the environment.
    """
    links = folder / "packages"
    links.mkdir(parents=True)
    for one in metadata.distributions():
        if key(one.metadata["Name"]) not in packages:
            continue
        for top in {path.parts[0] for path in one.files or () if path.parts[0] not in ("..", "__pycache__")}:
            source, link = Path(one.locate_file(top)), links / top
            if source.exists() and not link.exists() and not top.endswith(".pth"):
                link.symlink_to(source)
    venv.create(folder / "venv", with_pip=True, symlinks=True)
    python = folder / "venv" / "bin" / "python"
    (next((folder / "venv" / "lib").iterdir()) / "site-packages" / "usual.pth").write_text(f"{links}\n")
    return python


def variables(python: Path, home: Path, wheels: Path | None = None) -> dict[str, str]:
    """The environment variables of somebody who uses ``python``; pip finds only what lies in ``wheels``, if given."""
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("A2D_", "PYTHON", "PIP_", "JUPYTER", "VIRTUAL_ENV"))
    }
    kept |= {"PATH": f"{python.parent}:{os.environ['PATH']}", "HOME": str(home), "A2D_DATA": str(home / "data")}
    kept |= {"OMP_NUM_THREADS": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    if wheels:
        kept |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
    return kept


def copy_sources(folder: Path, more: Iterable[str] = ()) -> Path:
    """Copy what the package is made of to ``folder``."""
    for name in (*SOURCES, *more):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


def pack(name: str, folder: Path) -> Path:
    """A wheel of an installed package that is pure Python."""
    one = metadata.distribution(name)
    paths = [path for path in one.files or () if ".." not in path.parts and "__pycache__" not in path.parts]
    info = next(path.parts[0] for path in paths if path.name == "METADATA")
    wheel = folder / f"{info.removesuffix('.dist-info')}-py3-none-any.whl"
    record = ""
    with zipfile.ZipFile(wheel, "w") as archive:
        for path in paths:
            if path.name in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json"):
                continue
            content = Path(one.locate_file(path)).read_bytes()
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record += f"{path.as_posix()},sha256={digest},{len(content)}\n"
            archive.writestr(path.as_posix(), content)
        archive.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
    return wheel


def installed(python: Path, environment: dict[str, str]) -> dict[str, str]:
    """Every package that ``python`` sees, with its version."""
    code = (
        "import json, re; from importlib import metadata as m;"
        "print(json.dumps({re.sub('[-_.]+', '-', d.metadata['Name']).lower(): d.version for d in m.distributions()}))"
    )
    done = subprocess.run([python, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)
