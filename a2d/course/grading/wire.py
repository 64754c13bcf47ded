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

from a2d.course.comparing import Other

# What one exercise may give in all, in bytes of JSON; the largest right answer has a hundredth of it.
RESULT_BYTES = 4_000_000
_DEPTH = 12
_TEXT = 20_000
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


def decode(value: Any) -> Any:
    """The reverse of :func:`encode`; raises :class:`WireError` for anything that it does not give."""
    if value is None or isinstance(value, bool | float | str):
        return value
    if isinstance(value, int):
        if abs(value) >= 2**63:
            raise WireError("a whole number is too large")
        return value
    if isinstance(value, list):
        return [decode(v) for v in value]
    if not isinstance(value, dict) or len(value) != 1:
        raise WireError("this is no value")
    ((kind, inner),) = value.items()
    if kind not in _DECODERS:
        raise WireError("this is no kind of value")
    try:
        return _DECODERS[kind](inner)
    except WireError:
        raise
    except (TypeError, ValueError, OverflowError, MemoryError) as error:
        raise WireError(f"a broken value ({type(error).__name__})") from error


def loads(line: bytes | str) -> Any:
    """Read one line of JSON; raises :class:`WireError` for what is not JSON or nested too deeply."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError, MemoryError) as error:
        raise WireError("this is not JSON") from error


def _array(inner: Any) -> np.ndarray:
    code, shape, data = inner
    if not (isinstance(code, str) and len(code) <= 4 and code[1:2] in tuple("biufc")):
        raise WireError("an array of an unknown type")
    size = math.prod(_shape(shape))
    found = base64.b64decode(data, validate=True)
    dtype = np.dtype(code)
    if size * dtype.itemsize != len(found):
        raise WireError("an array whose bytes do not fit its shape")
    return np.frombuffer(found, dtype).reshape(shape).copy()


def _texts(inner: Any) -> np.ndarray:
    shape, texts = inner
    if not (
        isinstance(texts, list) and all(isinstance(t, str) for t in texts) and math.prod(_shape(shape)) == len(texts)
    ):
        raise WireError("an array of texts that does not fit its shape")
    return np.array(texts, dtype=str).reshape(shape)


def _shape(shape: Any) -> list[int]:
    if not (isinstance(shape, list) and len(shape) <= 32 and all(type(n) is int and 0 <= n < 2**40 for n in shape)):
        raise WireError("an array without a shape")
    return shape


def _dict(inner: Any) -> dict[Any, Any]:
    return {decode(k): decode(v) for k, v in inner}


def _complex(inner: Any) -> complex:
    real, imaginary = inner
    return complex(float(real), float(imaginary))


_DECODERS = {
    "array": _array,
    "texts": _texts,
    "tuple": lambda inner: tuple(decode(v) for v in inner),
    "dict": _dict,
    "complex": _complex,
    "dots": lambda inner: Ellipsis,
    "other": lambda inner: Other(str(inner)[:120]),
}
