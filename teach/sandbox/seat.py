"""A seat in the box: a student's notebook is run there from its first cell, and what is checked is judged on the spot.

The cells are IPython's: its own shell runs them, so that magics, shell lines and displays are what they are in the
student's kernel. A cell that fails is passed over, as a person goes on to the next one. ``a2d.check`` is another one
here (:class:`Seat`): it asks the grader for the hidden cases of its exercise, runs the function on them, and hands the
results out. What is right is known outside only.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from a2d.checks.answers import answer
from a2d.exercises import calls
from teach.sandbox import wire

Send = Callable[[Mapping[str, Any]], None]
Ask = Callable[[], Mapping[str, Any]]
# More of a function's source than this is not looked at.
_SOURCE = 50_000
_LEAST_CELL_SECONDS = 1.0


class Seat:
    """Runs a notebook's cells; ``send`` gives the grader a message, ``ask`` waits for its answer.

    ``wanted`` are the ids of the exercises to be judged, each with the name of its function.
    """

    def __init__(self, cells: Sequence[str], wanted: Mapping[str, str], send: Send, ask: Ask):
        self.cells, self.wanted, self.send, self.ask = cells, wanted, send, ask
        self.judged: dict[str, bool] = {}
        self._answers: dict[str, Any] = {}
        self._shell = shell()

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
            self._shell.run_cell(source, store_history=False, silent=False)
        except BaseException as error:  # a SystemExit or worse: the shell itself lets nothing else through
            self.send({"left": type(error).__name__})

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
            self.send(_message(answer(function, wire.decode(case), call, told["parameters"], quiet=True)))
        self.send({"end": id})
        self.judged[id] = bool(self.ask().get("right"))
        self._answers[id] = function

    def mine(self, id: Any) -> Any:
        """What ``a2d.mine`` is here: the student's function, right or not; the course's own is not in reach."""
        if str(id) in self._answers:
            return self._answers[str(id)]
        raise LookupError(f"{id} has not been checked")


def source_of(function: Any) -> str:
    """The source of a function as far as it is to be had, or ""."""
    try:
        return inspect.getsource(inspect.unwrap(function))[:_SOURCE]
    except (OSError, TypeError, ValueError, RecursionError):
        return ""


def _message(found: Any) -> dict[str, Any]:
    from teach.sandbox.worker import message_of

    return message_of(found)


def shell() -> Any:
    """An IPython shell without history, colours and configuration of anybody's."""
    os.environ.setdefault("IPYTHONDIR", "/tmp/ipython")
    os.environ.setdefault("MPLBACKEND", "agg")
    from IPython.core.history import HistoryManager
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    HistoryManager.enabled = False
    config = Config()
    config.InteractiveShell.colors = "NoColor"
    config.InteractiveShell.autoawait = False
    config.HistoryManager.hist_file = ":memory:"
    made = InteractiveShell.instance(config=config)
    # Pictures are made when they are shown, and nobody looks here.
    made.display_formatter.active_types = ["text/plain"]
    made.showtraceback = lambda *args, **kwargs: None  # nobody reads it
    return made
