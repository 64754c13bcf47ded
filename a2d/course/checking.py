"""``a2d.check``: tell a learner at once whether an answer is right, and if not, what was expected and what came.

A check never raises. It says one of four things: not attempted, not right (with what was expected, what came, and the
misconception behind it where it is a known one), an error (with the line), or right (and why that matters).
"""

from __future__ import annotations

import ast
import contextlib
import copy
import inspect
import io
import random
import sys
import textwrap
import traceback
import types
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from a2d.course import exercises
from a2d.course.comparing import describe, difference, plain
from a2d.course.exercises import Case, Exercise, Question, Wrong
from a2d.errors import A2DError

Kind = Literal["right", "partly right", "wrong", "error", "empty"]
_HEADS = {
    "right": "Right",
    "partly right": "Not yet right, but partly",
    "wrong": "Not yet right",
    "error": "Error",
    "empty": "Not attempted yet",
}


@dataclass(frozen=True)
class Answer:
    """What a function gave for one case: a value, or an error in words; ``changed`` are arguments it wrote into."""

    value: Any = None
    error: str = ""
    unwritten: bool = False
    changed: tuple[str, ...] = ()
    warning: str = ""


@dataclass(frozen=True)
class Outcome:
    """How an answer is judged: kind, points earned, and the message; ``misconception`` is the wrong answer's name."""

    id: str
    kind: Kind
    points: int
    of: int
    message: str
    misconception: str = ""
    parts: dict[str, bool] = field(default_factory=dict)

    def __str__(self) -> str:
        points = f" ({self.points} of {self.of} points)" if self.kind != "empty" else ""
        lines = [f"Exercise {self.id}: {_HEADS[self.kind]}{points}."]
        for line in self.message.splitlines():
            indent = line[: len(line) - len(line.lstrip())]
            # Code is shown as it stands; sentences fit a notebook's column.
            keep = line.lstrip().startswith(("Line ", "In "))
            lines += [line] if keep else textwrap.wrap(line, 92, subsequent_indent=indent) or [""]
        return "\n".join(lines)


# The last outcome of each exercise in this Python, for :func:`score`.
_outcomes: dict[str, Outcome] = {}


def check(id: str, function: Any = None) -> None:
    """Print whether ``function`` answers the exercise ``id``, as in ``a2d.check("1.1", frames)``; never raises."""
    try:
        exercise = exercises.get(id)
    except A2DError as error:
        print(f"Error: {error}")
        return
    if isinstance(exercise, Question):
        print(f"Question {id} is marked by a person. Write your answer in the text cell below the question.")
        return
    try:
        outcome = judge(exercise, function)
    except KeyboardInterrupt:
        print(
            f"Exercise {id}: Error.\nIt was interrupted. If it did not end by itself, look for a loop without an end."
        )
        return
    _outcomes[id] = outcome
    print(outcome)


def score(lecture: int | str | None = None) -> None:
    """Print the points of the exercises that were checked since the kernel started; of one lecture, or of all."""
    try:
        numbers = [int(lecture)] if lecture is not None else sorted({int(id.partition(".")[0]) for id in _outcomes})
    except ValueError:
        print(f"Error: {lecture}: this is not the number of a lecture. Use a number, such as 1.")
        return
    known = [one for number in numbers for one in exercises.of_lecture(number)]
    code = [one for one in known if isinstance(one, Exercise)]
    for one in code:
        outcome = _outcomes.get(one.id)
        state = _HEADS[outcome.kind].lower() if outcome else "not checked yet"
        print(f"{one.id:<5}{outcome.points if outcome else 0:>2} of {one.points}  {one.title}: {state}")
    earned = sum(_outcomes[one.id].points for one in code if one.id in _outcomes)
    print(f"Exercises: {earned} of {sum(one.points for one in code)} points.")
    if more := sum(one.points for one in known if isinstance(one, Question)):
        print(f"Questions that a person marks: {more} points.")


def judge(exercise: Exercise, function: Any, seed: int = 0) -> Outcome:
    """Judge a function on the cases that ``seed`` gives; the same seed gives the same outcome."""
    if function is None or function is Ellipsis:
        return _outcome(exercise, "empty", f"Write {exercise.name}, then run this cell again.")
    if not callable(function):
        text = f'Give the function itself: a2d.check("{exercise.id}", {exercise.name}). This is {describe(function)}.'
        return _outcome(exercise, "error", text)
    tree = syntax(function)
    if tree is not None and is_stub(tree):
        return _outcome(exercise, "empty", f"Write {exercise.name} above, run its cell, then run this cell again.")
    if tree is not None and (name := forbidden_name(tree, exercise.forbidden, _globals(function))):
        text = f"It uses {name}, which is the answer itself. Write it with simpler steps."
        return _outcome(exercise, "wrong", text, misconception="uses the answer itself")
    cases = make_cases(exercise, seed)
    with _still():
        answers = [answer(exercise, function, case, quiet=n > 0) for n, case in enumerate(cases)]
        expected = [plain(exercise.call(exercise.reference, *copy.deepcopy(case.args))) for case in cases]
        return compare(exercise, cases, answers, expected)


def make_cases(exercise: Exercise, seed: int) -> list[Case]:
    """The cases of an exercise for a seed."""
    return list(exercise.cases(np.random.default_rng([zlib.crc32(exercise.id.encode()), seed])))


# ------------------------------------------------------------------------------------------------ running a function


def answer(exercise: Exercise, function: Callable[..., Any], case: Case, *, quiet: bool = True) -> Answer:
    """Run a function on a case; whatever it raises becomes words. ``quiet`` swallows what it prints."""
    args = copy.deepcopy(case.args)
    out = contextlib.redirect_stdout(io.StringIO()) if quiet else contextlib.nullcontext()
    _seed_everything()
    with warnings.catch_warnings(record=True) as warned, out:
        warnings.simplefilter("always")
        try:
            value = plain(exercise.call(function, *args))
        except NotImplementedError:
            return Answer(unwritten=True)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return Answer(error=explain(error, function, exercise))
    names = [n for n, a, b in zip(exercise.parameters, args, case.args, strict=False) if _changed(a, b)]
    warning = str(warned[0].message) if warned else ""
    return Answer(value, unwritten=value is None or value is Ellipsis, changed=tuple(names), warning=warning)


def explain(error: BaseException, function: Callable[..., Any], exercise: Exercise) -> str:
    """An exception in one or two lines: what, and in which line of the learner's function."""
    wanted = exercise.parameters
    count = len(_parameters(function)) if _parameters(function) is not None else None
    if isinstance(error, TypeError) and count is not None and count != len(wanted):
        return f"The function should take {len(wanted)} arguments ({', '.join(wanted)}), it takes {count}."
    text = f"{type(error).__name__}: {error}".strip().removesuffix(":")
    lines = text.splitlines() or [type(error).__name__]
    text = lines[0] if len(lines[0]) <= 300 else lines[0][:297] + "..."
    if isinstance(error, SystemExit):
        text = "it tries to end the program"
    file = getattr(getattr(inspect.unwrap(function), "__code__", None), "co_filename", None)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    if not frames:
        return text
    last, first = frames[-1], function.__code__.co_firstlineno if hasattr(function, "__code__") else 1
    inside = last.lineno - first + 1 if last.lineno and last.name == getattr(function, "__name__", "") else None
    where = f"Line {inside} of {last.name}" if inside else f"In {last.name}"
    return f"{where}: {last.line}\n{text}" if last.line else f"{where}.\n{text}"


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


def _seed_everything() -> None:
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 (a learner may draw from it)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@contextlib.contextmanager
def _still() -> Iterator[None]:
    """Give random numbers' global states back as they were."""
    states = random.getstate(), np.random.get_state()  # noqa: NPY002
    torch = sys.modules.get("torch")
    theirs = torch.get_rng_state() if torch else None
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        if torch:
            torch.set_rng_state(theirs)


# ------------------------------------------------------------------------------------------------- reading a function


def syntax(function: Callable[..., Any]) -> ast.AST | None:
    """The syntax tree of a function written in a notebook or file, or None where its source is not to be had."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    except (OSError, TypeError, SyntaxError, IndentationError, ValueError):
        return None
    found = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef)]
    return found[0] if found else tree


def _globals(function: Callable[..., Any]) -> dict[str, Any]:
    return dict(getattr(inspect.unwrap(function), "__globals__", {}))


def is_stub(tree: ast.AST) -> bool:
    """Whether a function's body does nothing: ``...``, ``pass``, ``return None``, its docstring."""
    if not isinstance(tree, ast.FunctionDef):
        return False

    def nothing(node: ast.stmt) -> bool:
        if isinstance(node, ast.Pass):
            return True
        if isinstance(node, ast.Expr):
            return isinstance(node.value, ast.Constant)
        if isinstance(node, ast.Return):
            return node.value is None or (isinstance(node.value, ast.Constant) and node.value.value in (None, ...))
        return isinstance(node, ast.Raise) and "NotImplementedError" in ast.unparse(node)

    return all(nothing(node) for node in tree.body)


def forbidden_name(tree: ast.AST, forbidden: Sequence[str], namespace: Mapping[str, Any] | None = None) -> str:
    """The first forbidden function that a function's source uses, or "".

    ``librosa.feature.mfcc`` is found as that, as ``feature.mfcc``, and by any name that ``namespace`` (the function's
    globals) or an import in its body gives it. A learner's own function of the same name is not meant.
    """
    known = _imports(tree)
    for name, value in (namespace or {}).items():
        if isinstance(value, types.ModuleType):
            known.setdefault(name, value.__name__)
        elif callable(value) and isinstance(getattr(value, "__module__", None), str):
            known.setdefault(name, f"{value.__module__}.{getattr(value, '__name__', name)}")
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute | ast.Name):
            continue
        used = ast.unparse(node)
        root, dot, rest = used.partition(".")
        full = known[root] + dot + rest if root in known else used
        for name in forbidden:
            same_end = full.rpartition(".")[2] == name.rpartition(".")[2]
            same_start = full.partition(".")[0] == name.partition(".")[0]
            if same_end and "." in full and (same_start or name.endswith(f".{full}")):
                return name
    return ""


def _imports(tree: ast.AST) -> dict[str, str]:
    """The names that import statements in a function give, with what they stand for."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


# ------------------------------------------------------------------------------------------------ judging the answers


def compare(exercise: Exercise, cases: Sequence[Case], answers: Sequence[Answer], expected: Sequence[Any]) -> Outcome:
    """Judge answers against what the reference gives; runs nothing of the learner's."""
    if all(a.unwritten for a in answers):
        return _outcome(exercise, "empty", f"{exercise.name} gives None. Write it, then run this cell again.")
    told = [_problem(exercise, c, a, e) for c, a, e in zip(cases, answers, expected, strict=True)]
    parts = {
        part: not any(t for t, case in zip(told, cases, strict=True) if case.part == part) for part in exercise.shares()
    }
    points = sum(share for part, share in exercise.shares().items() if parts[part])
    notes = _notes(answers)
    if not any(told):
        return _outcome(exercise, "right", "\n".join([exercise.right, *notes]), points, parts=parts)
    at = next(n for n, text in enumerate(told) if text)
    kind: Kind = "partly right" if points else "error" if answers[at].error else "wrong"
    lines = [_case_line(exercise, cases[at]), *textwrap.indent(told[at], "  ").splitlines()]
    if wrong := misconception(exercise, cases, answers, expected):
        lines.append(f"This looks like a known mistake: {wrong.means}.")
    if points:
        good = ", ".join(part for part, fine in parts.items() if fine)
        lines.append(f"What is right already: {good}.")
    text = "\n".join([*lines, *notes])
    return _outcome(exercise, kind, text, points, wrong.means if wrong else "", parts)


def _problem(exercise: Exercise, case: Case, given: Answer, expected: Any) -> str:
    if given.error:
        return given.error
    if given.unwritten and expected is not None:
        return f"Expected {describe(expected)}, got None. Is there a `return`?"
    if exercise.verify is not None:
        try:
            return exercise.verify(case, expected, given.value)
        except Exception:  # a value of another kind than the test of it can look at
            return f"Expected something like {describe(expected)}, got {describe(given.value)}."
    return difference(expected, given.value, exercise.rtol, exercise.atol)


def _notes(answers: Sequence[Answer]) -> list[str]:
    changed = sorted({name for a in answers for name in a.changed})
    notes = [f"Note: it writes into its argument {', '.join(changed)}; work on a copy."] if changed else []
    if warning := next((a.warning for a in answers if a.warning), ""):
        notes.append(f"Note: Python warned: {warning.splitlines()[0][:200]}")
    return notes


def _case_line(exercise: Exercise, case: Case) -> str:
    if case.told:
        return f"For {case.told}:"
    told = [f"{name} = {describe(value)}" for name, value in zip(exercise.parameters, case.args, strict=False)]
    return f"For {', '.join(told)}:"


def misconception(
    exercise: Exercise, cases: Sequence[Case], answers: Sequence[Answer], expected: Sequence[Any]
) -> Wrong | None:
    """The wrong answer that explains these answers: it gives the same in every case, and differs from the right one."""
    if any(a.error for a in answers):
        return None
    for wrong in exercise.wrong:
        if wrong.looks_like is not None:
            bad = [
                (c, e, a.value) for c, e, a in zip(cases, expected, answers, strict=True) if _problem(exercise, c, a, e)
            ]
            with contextlib.suppress(Exception):
                if bad and all(wrong.looks_like(*one) for one in bad):
                    return wrong
        elif _explains(exercise, wrong, cases, answers):
            return wrong
    return None


def _explains(exercise: Exercise, wrong: Wrong, cases: Sequence[Case], answers: Sequence[Answer]) -> bool:
    for case, given in zip(cases, answers, strict=True):
        theirs = answer(exercise, wrong.answer, case)
        if theirs.error or difference(theirs.value, given.value, exercise.rtol, exercise.atol):
            return False
    return True


def _outcome(
    exercise: Exercise,
    kind: Kind,
    message: str,
    points: int = 0,
    misconception: str = "",
    parts: dict[str, bool] | None = None,
) -> Outcome:
    return Outcome(exercise.id, kind, points, exercise.points, message, misconception, parts or {})
