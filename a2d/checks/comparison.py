"""Comparing what an exercise's function gives with what it should give, and saying the difference in words."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

_FEW = 8
# Numbers and texts, and what gives a plain one for one of a class of its own, whatever that class does.
_BARE: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (int, int.__int__),
    (float, float.__float__),
    (str, str.__str__),
)


class Refused(Exception):
    """A result that cannot be used, in a sentence for the learner; raised by the calls of exercises."""


@dataclass(frozen=True)
class Other:
    """A value that is no plain data, of which only a description came from where it was made."""

    kind: str


def plain(value: Any) -> Any:
    """Tensors as arrays, NumPy's scalars as Python's; containers likewise. Anything else as it is.

    A number or text of a class of its own (``class Share(float)``, an ``IntEnum``) becomes a plain one.
    """
    if str(type(value).__module__).partition(".")[0] == "torch" and hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray):
        return value.item() if value.ndim == 0 else np.asarray(value)
    if isinstance(value, np.generic):
        return value.item()
    for kind, bare in _BARE:
        if isinstance(value, kind):
            return value if type(value) in (kind, bool) else bare(value)
    if isinstance(value, tuple):
        return tuple(plain(v) for v in value)
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, Mapping):
        return {k: plain(v) for k, v in value.items()}
    return value


def difference(expected: Any, got: Any, rtol: float, atol: float) -> str:
    """What is wrong with ``got``, in a sentence or two; "" if it is right. Both are :func:`plain`."""
    if isinstance(expected, np.ndarray):
        return _array(expected, got, rtol, atol)
    if isinstance(expected, bool) or expected is None or isinstance(expected, str):
        same = type(got) is type(expected) and got == expected
        return "" if same else f"Expected {describe(expected)}, got {describe(got)}."
    if isinstance(expected, int | float):
        return _number(expected, got, rtol, atol)
    if isinstance(expected, Mapping):
        return _mapping(expected, got, rtol, atol)
    return _sequence(expected, got, rtol, atol)


def _number(expected: float, got: Any, rtol: float, atol: float) -> str:
    if isinstance(got, np.ndarray) and got.size == 1:
        got = got.reshape(()).item()
    if isinstance(got, bool) or not isinstance(got, int | float):
        return f"Expected one number, {describe(expected)}, got {describe(got)}."
    with contextlib.suppress(OverflowError):  # a whole number that is too large for a float
        if math.isnan(got) and not math.isnan(expected):
            return "It is NaN (not a number): look for 0 / 0, or for the logarithm of a negative number."
        if expected == got or abs(got - expected) <= atol + rtol * abs(expected):
            return ""
    return f"Expected {describe(expected)}, got {describe(got)}."


def _array(expected: np.ndarray, got: Any, rtol: float, atol: float) -> str:
    if isinstance(got, list | tuple):
        try:
            got = np.asarray(got)
        except ValueError:
            return f"Expected {describe(expected)}, got {describe(got)}."
    if expected.dtype.kind == "U":
        same = isinstance(got, np.ndarray) and got.dtype.kind == "U" and np.array_equal(got, expected)
        return "" if same else f"Expected {describe(expected)}, got {describe(got)}."
    if not isinstance(got, np.ndarray) or got.dtype.kind not in "biufc":
        return f"Expected an array of shape {expected.shape}, got {_one(got)}."
    if got.shape != expected.shape:
        return f"The shape should be {expected.shape}, it is {got.shape}."
    if got.dtype.kind == "c":
        if expected.dtype.kind != "c":
            return "The values are complex numbers, real ones are expected."
    elif np.isnan(got).any() and not np.isnan(expected).any():
        return f"{int(np.isnan(got).sum())} of {got.size} values are NaN (not a number)."
    if expected.dtype.kind == "b" and got.dtype.kind != "b":
        return f"Expected True and False, got numbers of the type {got.dtype}."
    bad = ~np.isclose(got, expected, rtol=rtol, atol=atol, equal_nan=True)
    if not bad.any():
        return ""
    with np.errstate(all="ignore"):
        far = np.where(bad, np.abs(got.astype(complex) - expected.astype(complex)), -1.0)
    at = np.unravel_index(int(np.argmax(np.nan_to_num(far, nan=np.inf))), far.shape)
    place = ", ".join(str(int(i)) for i in at)
    return (
        f"{int(bad.sum())} of {bad.size} values differ, the most at [{place}]: "
        f"expected {_short(expected[at])}, got {_short(got[at])}."
    )


def _sequence(expected: Any, got: Any, rtol: float, atol: float) -> str:
    if isinstance(got, np.ndarray) and got.ndim == 1 and all(isinstance(e, int | float) for e in expected):
        got = got.tolist()
    if not isinstance(got, list | tuple):
        return f"Expected {len(expected)} results, got {describe(got)}."
    if len(got) != len(expected):
        return f"Expected {len(expected)} results, got {len(got)}."
    for number, (e, g) in enumerate(zip(expected, got, strict=True), 1):
        if found := difference(e, g, rtol, atol):
            return f"Result {number} of {len(expected)}: {found}"
    return ""


def _mapping(expected: Mapping[Any, Any], got: Any, rtol: float, atol: float) -> str:
    if not isinstance(got, Mapping):
        return f"Expected a dict, got {describe(got)}."
    if set(got) != set(expected):
        return f"The keys should be {_keys(expected)}, they are {_keys(got)}."
    for key, value in expected.items():
        if found := difference(value, got[key], rtol, atol):
            return f"At {key!r}: {found}"
    return ""


def _keys(value: Mapping[Any, Any]) -> str:
    return ", ".join(repr(k) for k in list(value)[:_FEW]) or "none"


def _short(value: Any) -> str:
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, int) and abs(value) >= 10**20:
        return f"a whole number of {value.bit_length()} bits"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _one(value: Any) -> str:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"one number, {describe(value)}" if is_number else describe(value)


def describe(value: Any, few: int = _FEW) -> str:
    """A value in a few words: arrays of up to ``few`` values in full, longer ones by shape."""
    value = plain(value)
    if isinstance(value, np.ndarray):
        if value.size <= few and value.dtype.kind in "biufU":
            text = np.array2string(value, precision=4, separator=", ", suppress_small=True, max_line_width=10**6)
            return " ".join(text.split())
        return f"an array of shape {value.shape}"
    if isinstance(value, float | int | bool) or value is None:
        return _short(value)
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else value[:57] + "...")
    if isinstance(value, list | tuple):
        inner = ", ".join(describe(v, few) for v in value[:4]) + (", ..." if len(value) > 4 else "")
        return f"[{inner}]" if isinstance(value, list) else f"({inner})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k!r}: {describe(v)}" for k, v in list(value.items())[:4]) + "}"
    return f"a value of the type {value.kind if isinstance(value, Other) else type(value).__name__}"


def pattern(pairs: Sequence[tuple[Any, Any]], rtol: float, atol: float) -> str:
    """What all wrong results have in common, in a sentence, or "": one factor, one summand, an axis turned round.

    ``pairs`` are the expected and the given results of the cases that are not right, :func:`plain`.
    """
    arrays = [(np.asarray(e, float), np.asarray(g, float)) for e, g in pairs if _numeric(e) and _numeric(g)]
    if not arrays or len(arrays) < len(pairs):
        return ""

    def always(change: Callable[[np.ndarray], np.ndarray]) -> bool:
        changed = [(e, change(g)) for e, g in arrays]
        return all(e.shape == g.shape and np.allclose(g, e, rtol, atol, equal_nan=True) for e, g in changed)

    if all(e.ndim == g.ndim == 2 for e, g in arrays) and always(np.transpose):
        return "Rows and columns are exchanged."
    if any(e.shape != g.shape for e, g in arrays):
        return ""
    if all(e.ndim >= 1 for e, _ in arrays) and always(lambda g: np.flip(g, -1)):
        return "The values are in reversed order."
    expected, got = (np.concatenate([pair[n].ravel() for pair in arrays]) for n in (0, 1))
    if len(expected) < 3 or not (np.isfinite(expected).all() and np.isfinite(got).all()):
        return ""
    if np.dot(expected, expected) > 0:
        factor = float(np.dot(expected, got) / np.dot(expected, expected))
        if abs(factor) > 1e-9 and np.allclose(got, factor * expected, max(rtol, 1e-4), atol):
            sign = "the negative of" if abs(factor + 1) < 1e-4 else f"{factor:.4g} times"
            return f"Every value is {sign} what it should be."
    shift = float(np.mean(got - expected))
    if np.allclose(got, expected + shift, rtol, max(atol, 1e-4 * abs(shift))):
        return f"Every value is {abs(shift):.4g} too {'large' if shift > 0 else 'small'}."
    return ""


def _numeric(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "iuf"
    return isinstance(value, int | float) and not isinstance(value, bool)
