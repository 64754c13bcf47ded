"""Digits from Sound: say a digit, and a network draws it.

Importing this package is cheap: torch, matplotlib and scikit-learn are imported by the modules that need
them, and only when those modules are first used (``a2d.vae`` imports torch, ``import a2d`` does not).
"""

import importlib

__version__ = "0.1.0"

_MODULES = (
    "annotation",
    "audio",
    "checkpoints",
    "classifier",
    "course",
    "datasets",
    "download",
    "draw",
    "errors",
    "evaluator",
    "features",
    "metrics",
    "pairing",
    "plots",
    "recipes",
    "runs",
    "tasks",
    "training",
    "vae",
    "weights",
    "widgets",
)

__all__ = ["__version__", "check", "score", *_MODULES]


def __getattr__(name: str):
    """Import a submodule on first use, so that ``a2d.vae`` works after a plain ``import a2d``.

    ``check`` and ``score`` are those of :mod:`a2d.checks.outcome`.
    """
    if name in _MODULES:
        return importlib.import_module(f"a2d.{name}")
    if name in ("check", "score"):
        return getattr(importlib.import_module("a2d.checks.outcome"), name)
    raise AttributeError(f"module 'a2d' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
