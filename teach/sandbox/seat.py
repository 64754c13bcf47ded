"""A seat in the box: a student's notebook is run there from its first cell, and what is checked is judged on the spot.

The cells are IPython's: its own shell runs them, so that magics, shell lines and displays are what they are in the
student's kernel. A cell that fails is passed over, as a person goes on to the next one. ``a2d.check`` is another one
here (:class:`Seat`): it asks the grader for the hidden cases of its exercise, runs the function on them, and hands the
results out. What is right is known outside only.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import importlib
import importlib.util
import inspect
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from a2d.checks.answers import answer
from a2d.checks.watch import Watch
from a2d.exercises import calls
from teach.sandbox import wire
from teach.sandbox.worker import message_of

Send = Callable[[dict[str, Any]], None]
Ask = Callable[[], dict[str, Any]]
# After how many seconds of processor time more a cell is told again to stop.
_AGAIN = 0.5
# More of a function's source than this is not looked at.
_SOURCE = 50_000


class Doors(NamedTuple):
    """What a notebook may ask of its seat."""

    check: Callable[..., None]
    mine: Callable[[Any], Any]
    case: Callable[[Any], Any]


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
        self._checked: dict[str, Any] = {}
        self._shell = shell()
        verdicts = in_place("verdicts")
        verdicts.seat = Doors(
            lambda id, function=None: self.check(id, function), lambda id: self.mine(id), lambda id: self.case(id)
        )

    def play(self) -> None:
        """Run all cells; then judge what is bound to the name of an exercise that no check was given."""
        space = self._shell.user_ns
        for number, source in enumerate(self.cells, 1):
            self.send({"cell": number})
            self._run(source)
        for id, name in self.wanted.items():
            if id not in self.judged and callable(space.get(name)):
                with contextlib.suppress(Exception):  # it is no answer, and the next one may be
                    self.check(id, space[name])

    def _run(self, source: str) -> None:
        try:
            signal.signal(signal.SIGPROF, _stop)
            # Again and again, as the first interrupt may come where Python drops it: in what runs around a fork.
            signal.setitimer(signal.ITIMER_PROF, self.seconds, _AGAIN)
            self._shell.run_cell(source, store_history=True, silent=False)
        except BaseException as error:  # a SystemExit or worse: the shell itself lets nothing else through
            self.send({"left": type(error).__name__})
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)

    def check(self, id: Any, function: Any = None) -> None:
        """What ``a2d.check`` is here."""
        id = str(id)
        if not callable(function):
            return
        self._checked[id] = function
        if id not in self.wanted:
            return
        self.send({"check": id, "source": source_of(function)})
        told = self.ask()
        if "cases" not in told:
            return
        self._try(function, told)
        self.send({"end": id})
        self.judged[id] = bool(self.ask().get("right"))
        if self.judged[id]:
            self._answers[id] = function

    def _try(self, function: Any, told: Mapping[str, Any]) -> None:
        """Run a function on cases, and hand out what it gives."""
        call = getattr(calls, told["call"])
        for case in told["cases"]:
            watch = Watch(told["forbidden"], told["may_use"])
            found = answer(function, wire.decode(case), call, told["parameters"], watch=watch, chance=told["chance"])
            self.send(message_of(found))

    def case(self, id: Any) -> Any:
        """What ``a2d.case`` is here: what was checked last is tried on the inputs of the notebook's own check."""
        id = str(id)
        if id not in self._checked:
            return None
        self.send({"case": id})
        told = self.ask()
        if "cases" not in told:
            return None
        self._try(self._checked[id], told)
        self.send({"end": id})
        number = self.ask().get("failed")
        if number is None:
            return None
        return calls.arguments(getattr(calls, told["call"]), *wire.decode(told["cases"][number]))

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
    made.register_magic_function(lambda line: _names_of_pylab(made.user_ns), "line", "pylab")
    for name in ("matplotlib", "pip", "conda", "mamba", "uv", "load_ext", "reload_ext", "autoreload", "cd"):
        made.register_magic_function(_nothing, "line", name)
    sys.path.insert(0, "")
    _alone()
    return made


def _names_of_pylab(space: dict[str, Any]) -> None:
    """What is left of ``%pylab`` where nobody looks at pictures."""
    from IPython.core.pylabtools import import_pylab

    import_pylab(space)


class AtOnce(concurrent.futures.Executor):
    """A pool of one, the notebook's own thread: there is no other here, and what is asked of it is done at once.

    Not in the midst of a check: an answer that needs threads is refused there, as it is by the notebook's own check.
    """

    def __init__(self, *args: Any, initializer: Any = None, initargs: Any = (), **options: Any):
        if initializer is not None:
            initializer(*initargs)

    def submit(self, function: Any, /, *args: Any, **options: Any) -> concurrent.futures.Future:
        """Call the function."""
        if sys.getprofile() is not None:
            raise RuntimeError("can't start new thread")
        future: concurrent.futures.Future = concurrent.futures.Future()
        future.set_running_or_notify_cancel()
        try:
            future.set_result(function(*args, **options))
        except Exception as error:
            future.set_exception(error)
        return future


def _alone() -> None:
    """Let a notebook that asks for threads have one, instead of an error, or of an end of everything."""
    setattr(concurrent.futures, "ThreadPoolExecutor", AtOnce)  # noqa: B010 (a class, to mypy)
    setattr(concurrent.futures, "ProcessPoolExecutor", AtOnce)  # noqa: B010
    if torch := sys.modules.get("torch"):
        vars(torch).update(set_num_threads=_nothing, set_num_interop_threads=_nothing)


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
