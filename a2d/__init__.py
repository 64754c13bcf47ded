"""Digits from Sound: say a digit, and a network draws it.

The modules at the top, in the order in which a sound travels, each with the lecture that explains it:

audio           01     a file becomes a clip
features        01     a clip becomes 40 numbers
datasets        02     recordings, images, and how to split them
ears            02,10  an MLP that names the digit; a network that hears it from anyone
vae             03,05  autoencoders and the ELBO; the report's generator
hands           09     generators that are told the digit, and write it sharply
pairing         04     the same-class random target
training        05     the one training loop
evaluator       06,07  the network that reads pictures; its fine-tuning
annotation      07     labels by a person, and how far two readers agree
metrics         06,08  recognition, variety, distances, intervals
draw            00     a recording becomes a picture

Beside them: ``check``, ``score``, ``mine`` and ``case`` (:mod:`a2d.checks`),
``exercises``, ``figures``, ``widgets``, ``io`` (files and
downloads, below the pipeline) and ``lab`` (recipes, trained models, runs, the set-up cell, above it).

Importing this package is cheap: torch, matplotlib and scikit-learn are imported by the modules that need
them, and only when those modules are first used (``a2d.vae`` imports torch, ``import a2d`` does not).
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing typing itself would take longer than all the rest
    from typing import Any

__version__ = "0.2.0"

_MODULES = (
    *("annotation", "audio", "checks", "datasets", "draw", "ears", "errors", "evaluator", "exercises", "features"),
    *("figures", "hands", "io", "lab", "metrics", "pairing", "training", "vae", "widgets"),
)

__all__ = ["__version__", "case", "check", "mine", "score", *_MODULES]


def __getattr__(name: str) -> Any:
    """Import a submodule on first use, so that ``a2d.vae`` works after a plain ``import a2d``.

    ``check`` and ``score`` are those of :mod:`a2d.checks.verdicts`, ``mine`` and ``case`` of :mod:`a2d.checks.using`.
    """
    if name in _MODULES:
        return importlib.import_module(f"a2d.{name}")
    if name in ("check", "score"):
        return getattr(importlib.import_module("a2d.checks.verdicts"), name)
    if name in ("mine", "case"):
        return getattr(importlib.import_module("a2d.checks.using"), name)
    raise AttributeError(f"module 'a2d' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
