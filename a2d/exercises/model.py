"""What an exercise is: one declaration of all that its text, its check and its grading need."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from a2d.exercises import calls


@dataclass(frozen=True)
class Case:
    """One input to try: plain data only (numbers, texts, NumPy arrays, and lists, tuples and dicts of these).

    ``told`` describes it in a message; without it, the arguments are described. ``part`` names the share of the
    points that it belongs to.
    """

    args: tuple[Any, ...]
    told: str = ""
    part: str = "all"


@dataclass(frozen=True)
class Wrong:
    """A wrong answer that learners give, and what it means.

    ``answer`` has the exercise's signature. It explains a learner's results that equal its own in every case; where
    results differ from run to run, ``looks_like(case, expected, got)`` says whether one result shows the mistake.
    """

    means: str
    answer: Callable[..., Any]
    looks_like: Callable[[Case, Any, Any], bool] | None = None


@dataclass(frozen=True)
class Exercise:
    """One exercise that is checked by running it.

    ``cases`` makes inputs from a generator of random numbers: the notebook's check and the grading differ only in
    its seed. ``call`` (from :mod:`a2d.exercises.calls`) says how the function is called with a case's
    arguments; the reference and the wrong answers are called the same way. ``verify(case, expected, got)`` replaces
    the comparison with the reference where many answers are right: it gives "" or says what is wrong. ``parts`` splits
    the points over groups of cases; ``forbidden`` names functions that would be the answer itself; ``given`` names
    functions of this package that an answer may use (others it may not: grading has the standard library, NumPy, SciPy
    and PyTorch); ``right`` is said to who got it right, and tells why it matters. ``stand_in`` is what later cells use
    while the learner's function is not right yet (:func:`a2d.mine`), where the reference would not do.
    """

    id: str
    title: str
    points: int
    difficulty: int
    minutes: int
    signature: str
    reference: Callable[..., Any]
    cases: Callable[[np.random.Generator], Sequence[Case]]
    wrong: tuple[Wrong, ...]
    hints: tuple[str, ...]
    right: str
    rtol: float = 1e-5
    atol: float = 1e-6
    call: Callable[..., Any] = calls.plain
    verify: Callable[[Case, Any, Any], str] | None = None
    parts: Mapping[str, int] = field(default_factory=dict)
    forbidden: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    stand_in: Callable[..., Any] | None = None

    @cached_property
    def name(self) -> str:
        """The name of the function to write."""
        return self._function().name

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of its parameters, in order."""
        return tuple(argument.arg for argument in self._function().args.args)

    def _function(self) -> ast.FunctionDef:
        return ast.parse(f"def {self.signature}: ...").body[0]  # type: ignore[return-value]

    def shares(self) -> dict[str, int]:
        """Points for each part."""
        return dict(self.parts) or {"all": self.points}


@dataclass(frozen=True)
class Question:
    """A question that a person marks; ``text`` is Markdown. What a good answer says is known to the teacher alone."""

    id: str
    title: str
    points: int
    minutes: int
    text: str
