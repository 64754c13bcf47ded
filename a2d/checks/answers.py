"""Running a learner's function on one case: what it gives, or in words what went wrong.

Grading runs this beside the learner's code, where no reference is in reach: nothing here may import the exercises.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
import io
import random
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from a2d.checks.comparison import Refused, plain
from a2d.checks.watch import THREADS, Watch


@dataclass(frozen=True)
class Answer:
    """What a function gave for one case: a value, or an error in words; ``changed`` are arguments it wrote into.

    ``refused``: the error is about the result, which cannot be used. ``stopped`` is "timeout" or "killed" where the
    function did not come to an end by itself.
    """

    value: Any = None
    error: str = ""
    unwritten: bool = False
    changed: tuple[str, ...] = ()
    warning: str = ""
    stopped: str = ""
    refused: bool = False


def answer(
    function: Callable[..., Any],
    args: Sequence[Any],
    call: Callable[..., Any],
    parameters: Sequence[str],
    *,
    quiet: bool = True,
    watch: Watch | None = None,
    chance: int = 0,
) -> Answer:
    """Run a function on a case's arguments; whatever it raises becomes words. ``quiet`` swallows what it prints.

    With a ``watch``, what it notes makes the result worthless. ``chance`` seeds the global random numbers.
    """
    given = copy.deepcopy(tuple(args))
    run = function if watch is None else watch.over(function)
    out = contextlib.redirect_stdout(io.StringIO()) if quiet else contextlib.nullcontext()
    seed_everything(chance)
    with warnings.catch_warnings(record=True) as warned, out:
        warnings.simplefilter("always")
        try:
            value = plain(call(run, *given))
        except NotImplementedError:
            return Answer(unwritten=True)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if watch is None or not watch.used:
                return Answer(error=explain(error, function, parameters), refused=isinstance(error, Refused))
    if watch is not None and watch.used:
        return Answer(error=uses(watch.used), refused=True)
    names = [n for n, a, b in zip(parameters, given, args, strict=False) if _changed(a, b)]
    warning = str(warned[0].message) if warned else ""
    return Answer(value, unwritten=value is None or value is Ellipsis, changed=tuple(names), warning=warning)


def uses(name: str) -> str:
    """What is told of a function that an answer may not call."""
    if name == THREADS:
        return f"It starts {name}, which are not to be had where it is graded. Let it do one thing after the other."
    if name.startswith("a2d") or "." not in name:
        return f"It uses {name}. An answer may use Python's standard library, NumPy, SciPy and PyTorch, nothing else."
    return f"It uses {name}, which is the answer itself. Write it with simpler steps."


def explain(error: BaseException, function: Callable[..., Any], wanted: Sequence[str]) -> str:
    """An exception in one or two lines: what, and in which line of the learner's function.

    ``wanted`` are the names of the parameters that the function should have.
    """
    if isinstance(error, Refused):
        return str(error)
    found = _parameters(function)
    if isinstance(error, TypeError) and found is not None and len(found) != len(wanted):
        return f"The function should take {len(wanted)} arguments ({', '.join(wanted)}), it takes {len(found)}."
    text = brief(error)
    file = getattr(getattr(unwrapped(function), "__code__", None), "co_filename", None)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    if not frames:
        return text
    last, first = frames[-1], function.__code__.co_firstlineno if hasattr(function, "__code__") else 1
    inside = last.lineno - first + 1 if last.lineno and last.name == getattr(function, "__name__", "") else None
    where = f"Line {inside} of {last.name}" if inside else f"In {last.name}"
    return f"{where}: {last.line}\n{text}" if last.line else f"{where}.\n{text}"


def unwrapped(function: Any) -> Any:
    """The function that others wrap; one that is wrapped by itself, as it is."""
    try:
        return inspect.unwrap(function)
    except ValueError:
        return function


def brief(error: BaseException) -> str:
    """An exception's kind and the first line of its text, at most 300 characters."""
    if isinstance(error, SystemExit):
        return "it tries to end the program"
    text = f"{type(error).__name__}: {error}".strip().removesuffix(":")
    line = (text.splitlines() or [type(error).__name__])[0]
    return line if len(line) <= 300 else line[:297] + "..."


def _parameters(function: Callable[..., Any]) -> list[str] | None:
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in found):
        return None
    return [p.name for p in found if p.default is p.empty]


def _changed(after: Any, before: Any) -> bool:
    if isinstance(before, np.ndarray):
        return not (isinstance(after, np.ndarray) and np.array_equal(after, before, equal_nan=before.dtype.kind == "f"))
    if isinstance(before, list | tuple):
        return len(after) != len(before) or any(_changed(a, b) for a, b in zip(after, before, strict=True))
    return False


def seed_everything(chance: int = 0) -> None:
    """Set the global random numbers of Python, NumPy and torch (if it is loaded) to a known state."""
    random.seed(chance)
    np.random.seed(chance)  # noqa: NPY002 (a learner may draw from it)
    if "torch" in sys.modules:
        torch = sys.modules["torch"]
        torch.default_generator.manual_seed(chance)
        # torch.manual_seed would note the call, with its traceback, for a GPU that may never be used; here, each time.
        if torch.cuda.is_initialized():
            torch.cuda.manual_seed_all(chance)
