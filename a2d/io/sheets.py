"""How annotations lie on disk: images on one sheet (``images.png``), and ``labels.json``."""

from __future__ import annotations

import json
import os
from pathlib import Path
from reprlib import repr as short
from typing import Any

import numpy as np

from a2d.errors import DataError

FORMAT = "a2d-annotations/1"
_COLUMNS = 10
_SIDE = 28


def as_path(path: Any) -> Path:
    """Give ``path`` as an absolute path, or raise :class:`DataError` for what is none."""
    if not isinstance(path, str | os.PathLike) or "\0" in str(path):
        raise DataError(f"{short(path)} is not a path", where="path")
    return Path(os.path.abspath(path))


def to_sheet(images: np.ndarray) -> np.ndarray:
    """Lay (n, 28, 28) out as one sheet of ten columns, row by row; the last places of the last row stay black."""
    n = len(images)
    columns = min(n, _COLUMNS)
    rows = -(-n // columns)
    tiles = np.zeros((rows * columns, _SIDE, _SIDE), dtype=np.uint8)
    tiles[:n] = images
    return tiles.reshape(rows, columns, _SIDE, _SIDE).transpose(0, 2, 1, 3).reshape(rows * _SIDE, columns * _SIDE)


def from_sheet(path: Path, n: int) -> np.ndarray:
    """Cut the sheet at ``path`` into its ``n`` images."""
    from PIL import Image

    columns = min(n, _COLUMNS)
    rows = -(-n // columns)
    try:
        with open(path, "rb") as stream, Image.open(stream, formats=["PNG"]) as picture:
            # The size is known before a pixel is decoded: a huge picture never reaches the memory.
            if picture.size != (columns * _SIDE, rows * _SIDE) or picture.mode != "L":
                text = f"it is {picture.size} {picture.mode}, not {(columns * _SIDE, rows * _SIDE)} L"
                raise DataError(f"this sheet does not hold {n} images: {text}", where=path)
            sheet = np.asarray(picture, dtype=np.uint8)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        hint = "Restore it from a copy"
        raise DataError(f"this sheet of images cannot be read ({error})", where=path, hint=hint) from error
    return sheet.reshape(rows, _SIDE, columns, _SIDE).transpose(0, 2, 1, 3).reshape(-1, _SIDE, _SIDE)[:n]


def read_labels(path: Path) -> dict[str, Any]:
    """Read labels.json and check its form; what the values mean is checked by :class:`Annotations`."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        hint = "Give the folder that Annotations.save wrote"
        raise DataError(f"there are no annotations to read ({error.strerror})", where=path, hint=hint) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"this is not JSON ({error})", where=path) from error
    keys = {"format", "annotator", "kind", "note", "count", "images", "labels"}
    if not isinstance(content, dict) or set(content) != keys or content["format"] != FORMAT:
        raise DataError("this is not a file of annotations", where=path)
    rows = content["labels"]
    if not isinstance(rows, list) or not 0 < len(rows) == content["count"]:
        raise DataError("the number of labels does not fit the count", where=path)
    for index, row in enumerate(rows):
        if not isinstance(row, dict) or set(row) != {"image", "label", "spoken"} or row["image"] != index:
            raise DataError(f"entry {index} of the labels makes no sense", where=path)
    return content
