"""How cases go into the box and results come out: plain data as JSON, arrays as base64 of their bytes.

What comes out was made beside a learner's code, so :func:`decode` believes nothing: every kind, shape and size is
checked, and nothing is ever unpickled.
"""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import numpy as np

from a2d.checks.comparison import Other

# What one exercise may give in all, in bytes of JSON; the largest right answer has a twentieth of it.
RESULT_BYTES = 2_000_000
# Containers in containers: four axes as lists, and something to spare.
_DEPTH = 6
_TEXT = 20_000
# What the values of a result may take as an array of texts, in characters: each is as wide as the longest.
_WIDE = 10_000_000
_CODES = ("|b1", "|i1", "|u1", *(f"<{kind}" for kind in ("i2", "i4", "i8", "u2", "u4", "u8", "f4", "f8", "c16")))
# Held here because a learner's code may change the modules.
_asarray, _ndarray, _b64encode, _dumps = np.asarray, np.ndarray, base64.b64encode, json.dumps


class WireError(ValueError):
    """Bytes that are not what :func:`encode` gives."""


def dumps(value: Any) -> str:
    """JSON on one line."""
    return _dumps(value, separators=(",", ":"))


def encode(value: Any, depth: int = 0) -> Any:
    """Plain data as what JSON can hold; anything else as its type's name."""
    kind = type(value)
    if value is None or kind is bool or kind is float:
        return value
    if kind is int:
        return value if abs(value) < 2**63 else {"other": f"int of {value.bit_length()} bits"}
    if kind is str:
        return value[:_TEXT].encode("utf-8", "replace").decode()
    if kind is complex:
        return {"complex": [value.real, value.imag]}
    if value is Ellipsis:
        return {"dots": 1}
    if kind is _ndarray:
        return _encode_array(value)
    if depth >= _DEPTH:
        return {"other": "nested containers"}
    if kind is list:
        return [encode(v, depth + 1) for v in value]
    if kind is tuple:
        return {"tuple": [encode(v, depth + 1) for v in value]}
    if kind is dict:
        return {"dict": [[encode(k, depth + 1), encode(v, depth + 1)] for k, v in value.items()]}
    return {"other": str(kind.__name__)[:80]}


def _encode_array(array: np.ndarray) -> Any:
    if array.dtype.kind == "U":
        return {"texts": [list(array.shape), [str(one)[:_TEXT] for one in array.ravel()]]}
    if array.dtype.kind not in "biufc":
        return {"other": f"array of {array.dtype.name}"[:80]}
    # Half and extended precision become double; every byte order becomes the usual one.
    wanted = {"f": "<f8" if array.dtype.itemsize != 4 else "<f4", "c": "<c16", "b": "|b1"}.get(array.dtype.kind)
    small = _asarray(array, dtype=wanted or f"<{array.dtype.kind}{array.dtype.itemsize}", order="C")
    return {"array": [small.dtype.str, list(small.shape), _b64encode(small.tobytes()).decode()]}


def decode(value: Any, depth: int = 0) -> Any:
    """The reverse of :func:`encode`; raises :class:`WireError` for anything that it does not give."""
    try:
        found = _decode(value, depth)
    except WireError:
        raise
    except (TypeError, ValueError, OverflowError, MemoryError) as error:
        raise WireError(f"a broken value ({type(error).__name__})") from error
    if depth == 0:
        count, longest = _spread(found)
        if count * longest > _WIDE:
            raise WireError("texts that are too long together")
    return found


def _decode(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        if abs(value) >= 2**63:
            raise WireError("a whole number is too large")
        return value
    if isinstance(value, str):
        return _text(value)
    if depth > _DEPTH:
        raise WireError("containers that are nested too deeply")
    if isinstance(value, list):
        return [decode(v, depth + 1) for v in value]
    if not isinstance(value, dict) or len(value) != 1:
        raise WireError("this is no value")
    ((kind, inner),) = value.items()
    if kind not in _DECODERS:
        raise WireError("this is no kind of value")
    return _DECODERS[kind](inner, depth + 1)


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _TEXT:
        raise WireError("this is no text, or one that is too long")
    return value


def _spread(value: Any) -> tuple[int, int]:
    """How many plain values there are in all, and the length of the longest text."""
    if isinstance(value, np.ndarray):
        return value.size, value.dtype.itemsize // 4 if value.dtype.kind == "U" else 0
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if not isinstance(value, list | tuple):
        return 1, len(value) if isinstance(value, str) else 0
    count = longest = 0
    for inside, length in map(_spread, value):
        count, longest = count + inside, max(longest, length)
    return count, longest


def loads(line: bytes | str) -> Any:
    """Read one line of JSON; raises :class:`WireError` for what is not JSON or nested too deeply."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError, MemoryError) as error:
        raise WireError("this is not JSON") from error


def _array(inner: Any, depth: int) -> np.ndarray:
    code, shape, data = inner
    if code not in _CODES:
        raise WireError("an array of an unknown type")
    size = math.prod(_shape(shape))
    found = base64.b64decode(data, validate=True)
    dtype = np.dtype(code)
    if size * dtype.itemsize != len(found):
        raise WireError("an array whose bytes do not fit its shape")
    if code == "|b1" and found.translate(None, b"\0\1"):
        raise WireError("truth values that are neither true nor false")
    return np.frombuffer(found, dtype).reshape(shape).copy()


def _texts(inner: Any, depth: int) -> np.ndarray:
    shape, texts = inner
    if not isinstance(texts, list) or math.prod(_shape(shape)) != len(texts):
        raise WireError("an array of texts that does not fit its shape")
    if len(texts) * max((len(_text(t)) for t in texts), default=0) > _WIDE:
        raise WireError("texts that are too long together")
    return np.array(texts, dtype=str).reshape(shape)


def _shape(shape: Any) -> list[int]:
    if not (isinstance(shape, list) and len(shape) <= 32 and all(type(n) is int and 0 <= n < 2**40 for n in shape)):
        raise WireError("an array without a shape")
    return shape


def _dict(inner: Any, depth: int) -> dict[Any, Any]:
    return {decode(k, depth): decode(v, depth) for k, v in inner}


def _complex(inner: Any, depth: int) -> complex:
    real, imaginary = inner
    return complex(float(real), float(imaginary))


_DECODERS = {
    "array": _array,
    "texts": _texts,
    "tuple": lambda inner, depth: tuple(decode(v, depth) for v in inner),
    "dict": _dict,
    "complex": _complex,
    "dots": lambda inner, depth: Ellipsis,
    "other": lambda inner, depth: Other(_text(inner)[:120]),
}
