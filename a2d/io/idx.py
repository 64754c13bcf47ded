"""MNIST's own file format."""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from pathlib import Path

import numpy as np

from a2d.errors import DataError


def read_idx(path: str | os.PathLike[str]) -> np.ndarray:
    """Read an IDX file of unsigned bytes (MNIST's format), plain or gzipped.

    Raises :class:`~a2d.errors.DataError` for a file that is missing, damaged, or of another format.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"cannot read this file ({error})", where=path, hint="Run `a2d data fetch mnist`") from error
    hint = "The file is damaged: delete it and run `a2d data fetch mnist` again"
    if len(data) < 4 or data[:3] != b"\x00\x00\x08" or not 1 <= data[3] <= 4 or len(data) < 4 + 4 * data[3]:
        raise DataError("this is not an IDX file of bytes", where=path, hint=hint)
    shape = struct.unpack(f">{data[3]}I", data[4 : 4 + 4 * data[3]])
    body = np.frombuffer(data, np.uint8, offset=4 + 4 * data[3])
    if len(body) != math.prod(shape):
        raise DataError(f"{math.prod(shape)} bytes promised, {len(body)} found", where=path, hint=hint)
    return body.reshape(shape)
