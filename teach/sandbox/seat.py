"""A seat in the box: a student's notebook is run there from its first cell, and what is checked is judged on the spot.

The cells are IPython's: its own shell runs them, so that magics, shell lines and displays are what they are in the
student's kernel. A cell that fails is passed over, as a person goes on to the next one. ``a2d.check`` is another one
here (:class:`Seat`): it asks the grader for the hidden cases of its exercise, runs the function on them, and hands the
results out. What is right is known outside only.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import inspect
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from a2d.checks.answers import answer
from a2d.checks.watch import Watch
from a2d.exercises import calls
from teach.sandbox import wire
from teach.sandbox.worker import message_of

Send = Callable[[dict[str, Any]], None]
Ask = Callable[[], dict[str, Any]]
# More of a function's source than this is not looked at.
_SOURCE = 50_000


class Seat:
    """Runs a notebook's cells; ``send`` gives the grader a message, ``ask`` waits for its answer.

    ``wanted`` are the ids of the exercises to be judged, each with the name of its function. A cell that takes more
    than ``seconds`` of processor time is stopped, as a person would stop it.
    """

    def __init__(self, cells: Sequence[str], wanted: Mapping[str, str], seconds: float, send: Send, ask: Ask):
        self.cells, self.wanted, self.seconds, self.send, self.ask = cells, wanted, seconds, send, ask
        self.judged: dict[str, bool] = {}
        self._answers: dict[str, Any] = {}
        self._course: dict[str, Any] = {}
        self._shell = shell()
        verdicts = in_place("verdicts")
        verdicts.seat = self

    def play(self) -> None:
        """Run all cells; then judge what is bound to the name of an exercise that no check was given."""
        space = self._shell.user_ns
        for number, source in enumerate(self.cells, 1):
            self.send({"cell": number})
            self._run(source)
        for id, name in self.wanted.items():
            if id not in self.judged and callable(space.get(name)):
                self.check(id, space[name])

    def _run(self, source: str) -> None:
        try:
            signal.signal(signal.SIGPROF, _stop)
            signal.setitimer(signal.ITIMER_PROF, self.seconds)
            self._shell.run_cell(source, store_history=False, silent=False)
        except BaseException as error:  # a SystemExit or worse: the shell itself lets nothing else through
            self.send({"left": type(error).__name__})
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)

    def check(self, id: Any, function: Any = None) -> None:
        """What ``a2d.check`` is here."""
        id = str(id)
        if id not in self.wanted or not callable(function):
            return
        self.send({"check": id, "source": source_of(function), "name": str(getattr(function, "__name__", ""))[:200]})
        told = self.ask()
        if "cases" not in told:
            return
        call = getattr(calls, told["call"])
        for case in told["cases"]:
            watch = Watch(told["forbidden"], told["may_use"])
            self.send(
                message_of(
                    answer(function, wire.decode(case), call, told["parameters"], watch=watch, chance=told["chance"])
                )
            )
        self.send({"end": id})
        self.judged[id] = bool(self.ask().get("right"))
        if self.judged[id]:
            self._answers[id] = function

    def mine(self, id: Any) -> Any:
        """What ``a2d.mine`` is here: the student's function once it was right, else the course's own.

        That one is given out by the grader, who takes no answer to this exercise from here any more.
        """
        id = str(id)
        if id in self._answers:
            return self._answers[id]
        if id not in self._course:
            self.send({"mine": id})
            told = self.ask()
            if "source" not in told:
                raise LookupError(f"{id} is not to be had here")
            space: dict[str, Any] = {}
            exec(told["source"], space)
            self._course[id] = space[told["name"]]
        return self._course[id]


def _stop(*what: Any) -> None:
    raise KeyboardInterrupt


def source_of(function: Any) -> str:
    """The source of a function as far as it is to be had, or ""."""
    try:
        return inspect.getsource(inspect.unwrap(function))[:_SOURCE]
    except (OSError, TypeError, ValueError, RecursionError):
        return ""


def shell() -> Any:
    """An IPython shell without history, colours and configuration of anybody's."""
    os.environ.setdefault("IPYTHONDIR", "/tmp/ipython")
    os.environ.setdefault("MPLBACKEND", "agg")
    from IPython.core import history, interactiveshell
    from traitlets.config import Config

    setattr(history.HistoryManager, "enabled", False)  # noqa: B010 (a trait, and no plain truth value)
    config = Config()
    config.InteractiveShell.colors = "NoColor"
    config.HistoryManager.hist_file = ":memory:"
    made: Any = interactiveshell.InteractiveShell.instance(config=config)
    made.loop_runner = _waited_for
    # Pictures are made when they are shown, and nobody looks here.
    made.display_formatter.active_types = ["text/plain"]
    made.showtraceback = _nothing  # nobody reads it
    # Programs cannot be started here; where they print or install something, an answer does not depend on it.
    made.system = made.system_piped = made.system_raw = _nothing
    made.getoutput = _no_lines
    for name in ("matplotlib", "pylab", "pip", "conda", "mamba", "uv", "load_ext", "reload_ext", "autoreload", "cd"):
        made.register_magic_function(_nothing, "line", name)
    sys.path.insert(0, "")
    return made


class _Loop(asyncio.SelectorEventLoop):
    """An event loop of a single thread: it needs no pair of sockets, which is not to be had here, to be woken."""

    def _make_self_pipe(self) -> None:
        pass

    def _close_self_pipe(self) -> None:
        pass

    def _write_to_self(self) -> None:
        pass


@cache
def _loop() -> _Loop:
    """The loop of all cells, so that what one of them began may go on in the next."""
    asyncio.set_event_loop(loop := _Loop())
    return loop


def _waited_for(coroutine: Any) -> Any:
    """What a cell that awaits something gives."""
    return _loop().run_until_complete(coroutine)


def _nothing(*args: Any, **options: Any) -> None:
    """In the place of what cannot be done here, or need not."""


def _no_lines(*args: Any, **options: Any) -> list[str]:
    """What a program printed: nothing."""
    return []


# What lectures load; each is loaded before a notebook comes, so that none waits for it.
_USUAL = (
    *("matplotlib.pyplot", "scipy.stats", "scipy.signal", "scipy.fft", "scipy.linalg", "scipy.ndimage", "sklearn"),
    *("sklearn.decomposition", "sklearn.manifold", "librosa", "ipywidgets", "anywidget", "PIL.Image", "soundfile"),
    *("torch.nn.functional", "torch.distributions", "a2d.lab.setup", "a2d.figures", "a2d.widgets", "a2d.datasets"),
    *(
        "a2d.ears",
        "a2d.hands",
        "a2d.vae",
        "a2d.evaluator",
        "a2d.training",
        "a2d.pairing",
        "a2d.metrics",
        "a2d.lab.runs",
    ),
)


def warm() -> None:
    """Load what lectures load, and set up the shell, once for all notebooks."""
    shell()
    in_place("verdicts")
    in_place("using")
    for name in _USUAL:
        with contextlib.suppress(Exception):
            importlib.import_module(name)


def in_place(name: str) -> Any:
    """The module ``a2d.checks.NAME`` that judges nothing; in a box it is there, elsewhere it is put there."""
    if importlib.util.find_spec(f"teach.sandbox.in_{name}") is None:
        return importlib.import_module(f"a2d.checks.{name}")
    found = importlib.import_module(f"teach.sandbox.in_{name}")
    sys.modules[f"a2d.checks.{name}"] = found
    setattr(importlib.import_module("a2d.checks"), name, found)
    return found
