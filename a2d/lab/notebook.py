"""What a lecture's cells use beside the pipeline: the set-up, figures with their finding, recorded numbers.

Importing this is cheap: torch and the notebook tools are imported by what needs them, when it runs.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from a2d.errors import A2DError
from a2d.io.shipped import results

if TYPE_CHECKING:
    from a2d.figures import Picture

__all__ = ["Finding", "environment", "record", "results", "setup", "show"]

# What the lectures import beside the package's own dependencies, and what a lecture on the built-in data needs.
_TOOLS = ("IPython", "ipywidgets", "anywidget")
_MODELS = ("evaluator", "report-builtin")
# The kind of output that holds a number which the summary lists.
RECORD = "application/vnd.a2d.number+json"


@dataclass(frozen=True)
class Finding:
    """One thing that the set-up looks at: is it there, what was found, and what to do if it is missing."""

    name: str
    fine: bool
    text: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.name + ':':<10}{self.text if self.fine else f'MISSING: {self.text}. {self.hint}.'}"


def environment() -> list[Finding]:
    """Look at the versions, the device, the data and the trained models that a lecture needs."""
    return [_versions(), _device(), _builtin_data(), _fetched_data(), _models()]


def setup() -> None:
    """Print what :func:`environment` finds, and "Setup complete" if nothing is missing. Harmless when repeated.

    It lets torch compute on one thread, unless ``OMP_NUM_THREADS`` says otherwise. The lectures' networks are small:
    one thread trains them as fast as two, and two threads on a machine that is busy with something else, as Binder's
    are, wait for each other and are many times slower.
    """
    import torch

    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)
    findings = environment()
    print(*findings, sep="\n")
    missing = [finding.name for finding in findings if not finding.fine]
    print(f"Setup is not complete: see {', '.join(missing)} above." if missing else "Setup complete")


def show(picture: Picture) -> None:
    """Show a figure of :mod:`a2d.figures` or a widget of :mod:`a2d.widgets`, and below it its finding in words.

    The finding is the figure's text alternative as well. It comes second, so that one can look before one is told.
    """
    from IPython.display import display

    display(picture)
    text = picture.text.replace(" %", "\N{NO-BREAK SPACE}%")
    print(textwrap.fill(text, 90, break_on_hyphens=False))


def record(name: str, value: float, text: str = "") -> None:
    """Print a number that a lecture found, as ``name: text``, and mark it for the summary of ``make course``."""
    from IPython.display import display

    text = text or f"{value:.4g}"
    number = {"name": name, "value": float(value), "text": text}
    display({"text/plain": f"{name}: {text}", RECORD: number}, raw=True)


def _versions() -> Finding:
    import numpy
    import torch

    import a2d

    absent = [name for name in _TOOLS if importlib.util.find_spec(name) is None]
    if absent:
        hint = 'In the project\'s folder, run `pip install -e ".[course]"`'
        return Finding("Versions", False, f"no {' and no '.join(absent)}", hint)
    python, pytorch = platform.python_version().rpartition(".")[0], torch.__version__.split("+")[0]
    text = f"a2d {a2d.__version__}, Python {python}, NumPy {numpy.__version__}, PyTorch {pytorch}"
    return Finding("Versions", True, text)


def _device() -> Finding:
    import torch

    gpu = "GPU (not needed: the lectures are made for a CPU)"
    return Finding("Device", True, gpu if torch.cuda.is_available() else "CPU (that is enough)")


def _builtin_data() -> Finding:
    from a2d import datasets

    try:
        spoken = datasets.load_spoken("builtin")
    except A2DError as error:
        return Finding("Data", False, error.what, error.hint or "Install the package again")
    return Finding("Data", True, f"builtin, {len(spoken):,} recordings of {len(spoken.speaker_names)} speakers")


def _fetched_data() -> Finding:
    from a2d.io import fetching

    texts = [f"{n} ({'here' if fetching.find(n) else f'get it with: a2d data fetch {n}'})" for n in ("fsdd", "mnist")]
    return Finding("Optional", True, ", ".join(texts))


def _models() -> Finding:
    from a2d.lab import models

    absent = [name for name in _MODELS if name not in models.names()]
    if absent:
        hint = "Install the package again, or run `git checkout a2d/weights` in the project's folder"
        return Finding("Models", False, ", ".join(absent), hint)
    return Finding("Models", True, f"{len(models.names())} trained ones come with the course")
