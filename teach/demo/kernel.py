"""The page's inner loop as WebAssembly: a product of matrices, four numbers at a time.

One function of less than a thousand bytes is written down here instruction by instruction, as no compiler for it is
part of this project. What it computes is ``product`` in ``page/net.js``, which the page falls back on.
Source of the codes: the WebAssembly core specification 2.0, chapters 5.4 and 5.5.

>>> len(kernel()) < 1000
True
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

_GET, _SET, _CONST, _ADD, _MUL, _SHIFT, _LESS = 0x20, 0x21, 0x41, 0x6A, 0x6C, 0x74, 0x49
_END, _AGAIN_IF, _F32_ADD = 0x0B, 0x0D, 0x92
_I32, _V128 = 0x7F, 0x7B
_LOOP = bytes([0x03, 0x40])
_LOAD = bytes([0xFD, 0x00, 0x02, 0x00])  # v128.load, aligned to four bytes
_STORE = bytes([0x38, 0x02, 0x00])  # f32.store
_V_ADD, _V_MUL = bytes([0xFD, 0xE4, 0x01]), bytes([0xFD, 0xE6, 0x01])  # f32x4.add, f32x4.mul
_V_ZERO = bytes([0xFD, 0x0C]) + bytes(16)
# Parameters and local variables by number. `a` and `b` are where the matrices lie, `out` where the result goes.
_A, _N, _B, _M, _K, _OUT, _I, _J, _L, _P, _Q = range(11)
_ROWS = range(11, 15)  # four rows of b
_SUMS = range(15, 23)  # 2 x 4 sums, of four parts each
_X, _Y, _W = 23, 24, 25


def kernel() -> bytes:
    """A module that imports the memory ``e.m`` and exports ``product(a, n, b, m, k, out)``.

    ``a (n, k)`` times ``b (m, k)`` transposed is ``out (n, m)``, all float32 at addresses in bytes; ``k`` and ``m``
    are multiples of 4, and an odd ``n`` takes and writes a row more.
    """
    types = _counted([bytes([0x60, 6, *[_I32] * 6, 0])])
    imports = _counted([bytes([1, *b"e", 1, *b"m", 2, 0, 1])])
    exports = _counted([bytes([7, *b"product", 0, 0])])
    variables = bytes([2, 9, _I32, 11, _V128])
    body = variables + _body() + bytes([_END])
    code = _counted([_number(len(body)) + body])
    sections = ((1, types), (2, imports), (3, bytes([1, 0])), (7, exports), (10, code))
    return b"\0asm\1\0\0\0" + b"".join(bytes([n]) + _number(len(data)) + data for n, data in sections)


def _body() -> bytes:
    # k becomes the length of a row in bytes.
    out = _get(_K) + _const(2) + bytes([_SHIFT]) + _set(_K)
    out += _const(0) + _set(_I) + _LOOP
    out += _sum(_get(_A), _times(_I, _K)) + _set(_P) + _sum(_get(_P), _get(_K)) + _set(_Q)
    out += _const(0) + _set(_J) + _LOOP
    out += _sum(_get(_B), _times(_J, _K)) + _set(_ROWS[0])
    for before, row in pairwise(_ROWS):
        out += _sum(_get(before), _get(_K)) + _set(row)
    out += b"".join(_V_ZERO + _set(part) for part in _SUMS)
    out += _const(0) + _set(_L) + _LOOP
    out += _sum(_get(_P), _get(_L)) + _LOAD + _set(_X) + _sum(_get(_Q), _get(_L)) + _LOAD + _set(_Y)
    for t, row in enumerate(_ROWS):
        out += _sum(_get(row), _get(_L)) + _LOAD + _set(_W)
        for part, factor in ((_SUMS[t], _X), (_SUMS[4 + t], _Y)):
            out += _get(part) + _get(factor) + _get(_W) + _V_MUL + _V_ADD + _set(part)
    out += _next(_L, 16, _K)
    for n, part in enumerate(_SUMS):
        # Where out[i + n // 4, j + n % 4] lies.
        head = _sum(_get(_I), _const(n // 4)) + _get(_M) + bytes([_MUL])
        place = _sum(_sum(head, _get(_J)), _const(n % 4)) + _const(2) + bytes([_SHIFT])
        out += _sum(_get(_OUT), place) + _total(part) + _STORE
    return out + _next(_J, 4, _M) + _next(_I, 2, _N)


def _next(variable: int, step: int, end: int) -> bytes:
    """Go on by a step, and again from the beginning of the loop while that is before the end."""
    count = _sum(_get(variable), _const(step)) + _set(variable)
    return count + _get(variable) + _get(end) + bytes([_LESS, _AGAIN_IF, 0, _END])


def _total(part: int) -> bytes:
    """The sum of the four parts of a vector."""
    lanes = [_get(part) + bytes([0xFD, 0x1F, lane]) for lane in range(4)]
    return lanes[0] + b"".join(lane + bytes([_F32_ADD]) for lane in lanes[1:])


def _get(variable: int) -> bytes:
    return bytes([_GET, variable])


def _set(variable: int) -> bytes:
    return bytes([_SET, variable])


def _const(value: int) -> bytes:
    return bytes([_CONST, value])  # below 64: one byte


def _sum(a: bytes, b: bytes) -> bytes:
    return a + b + bytes([_ADD])


def _times(a: int, b: int) -> bytes:
    return _get(a) + _get(b) + bytes([_MUL])


def _number(value: int) -> bytes:
    """A length in LEB128: seven bits a byte, the lowest first."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _counted(parts: Iterable[bytes]) -> bytes:
    found = list(parts)
    return _number(len(found)) + b"".join(found)
