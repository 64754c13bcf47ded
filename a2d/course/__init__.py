"""A door for notebooks that were handed out with version 0.1: its names, each led to where it is now.

Every lecture of that version began with ``from a2d.course import setup, show``; importing this makes the other old
names work as well (``a2d.plots``, ``a2d.weights``, ``a2d.tasks``, ...). It goes with version 0.3.
"""

from __future__ import annotations

import importlib
import sys
import tomllib
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import a2d
from a2d.draw import Artist
from a2d.lab import Finding, environment, record, results, setup, show

__all__ = ["Finding", "environment", "record", "results", "setup", "show"]

_MODULES: dict[str, list[str]] = tomllib.loads((Path(__file__).parent / "moved.toml").read_text(encoding="utf-8"))


class _Old(ModuleType):
    """An old module: it holds nothing, and looks for each name when it is asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # inspect asks every module for its __file__, in the middle of others' imports
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        full = f"{self.__name__}.{name}"
        if full in _MODULES:
            return sys.modules[full]
        for place in _MODULES[self.__name__]:
            module = importlib.import_module(place)
            if hasattr(module, name):
                return getattr(module, name)
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")


for _name in _MODULES:
    _module = _Old(_name)
    _module.__path__ = []  # an import of what lies in it looks no further
    sys.modules[_name] = _module
    if _name.count(".") == 1:
        setattr(a2d, _name.partition(".")[2], _module)

# The evaluator of an artist was called its judge.
Artist.judge = property(lambda artist: artist.evaluator)  # type: ignore[attr-defined]

warnings.warn(
    "this notebook is of version 0.1 of the course: it runs, but from version 0.3 on it will not. "
    "Fetch the lecture anew when you can",
    DeprecationWarning,
    stacklevel=2,
)
