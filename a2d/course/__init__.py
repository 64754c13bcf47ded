"""A door for notebooks that were handed out with version 0.1: its names, each led to where it is now.

Every lecture of that version began with ``from a2d.course import setup, show``; importing this makes the other old
names work as well (``a2d.plots``, ``a2d.weights``, ``a2d.tasks``, ...). It goes with version 0.3.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from types import ModuleType
from typing import Any

import a2d
from a2d.draw import Artist
from a2d.lab import Finding, environment, record, results, setup, show

__all__ = ["Finding", "environment", "record", "results", "setup", "show"]

# Old modules that its notebooks use, and where what was in them is looked for now; the first that has a name gives it.
_MODULES = {
    "a2d.download": ("a2d.io.fetching",),
    "a2d.layers": ("a2d.ears",),
    "a2d.optimizers": ("a2d.course.old",),
    "a2d.plots": ("a2d.figures",),
    "a2d.plots.annotated": ("a2d.figures.f07_annotation",),
    "a2d.plots.data": ("a2d.figures.f02_datasets",),
    "a2d.plots.judge": ("a2d.figures.f06_evaluator",),
    "a2d.plots.latent": ("a2d.figures.f03_vae",),
    "a2d.plots.report": ("a2d.figures.f08_report",),
    "a2d.plots.sound": ("a2d.figures.f01_audio",),
    "a2d.plots.targets": ("a2d.figures.f04_pairing",),
    "a2d.plots.training": ("a2d.figures.f05_training",),
    "a2d.recipes": ("a2d.lab.recipes", "a2d.pairing", "a2d.vae", "a2d.evaluator"),
    "a2d.runs": ("a2d.course.old", "a2d.lab.runs"),
    "a2d.tasks": ("a2d.course.old", "a2d.lab.kinds.classifier", "a2d.lab.kinds.evaluator", "a2d.lab.kinds.image_vae"),
    "a2d.weights": ("a2d.lab.models",),
}


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
