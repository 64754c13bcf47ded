"""Where the files lie that come with the package: in a checkout, or inside the installed package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from a2d.errors import DataError

PACKAGE = Path(__file__).parent.parent
# What a wheel carries a copy of, by where it lies in the repository.
_PLACES = {"builtin": "data/builtin", "annotated": "data/annotated", "results": "results"}


def shipped(name: str) -> Path:
    """The folder of ``builtin`` (recordings), ``annotated`` (the 100 pictures) or ``results`` (measured numbers).

    Raises :class:`~a2d.errors.DataError` where it is missing.
    """
    for folder in (PACKAGE.parent / _PLACES[name], PACKAGE / "_data" / name):
        if folder.is_dir():
            return folder
    hint = f"Install the package again, or run `git checkout {_PLACES[name]}` in the project's folder"
    raise DataError(f"the folder {_PLACES[name]} of the course is missing", where="a2d", hint=hint)


def results(name: str) -> dict[str, Any]:
    """Read ``results/NAME.json``, which tells the command, seeds and data that made its numbers.

    Raises :class:`~a2d.errors.DataError` for one that cannot be read.
    """
    path = shipped("results") / f"{name}.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        hint = "Run `git checkout results` in the project's folder or install the package again; "
        hint += "`make reproduce` makes it"
        raise DataError("these results cannot be read", where=path, hint=hint) from error
