"""Drawings as PNG files: one each, and all on one sheet."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from a2d.errors import A2DError, DataError
from a2d.io.atomic import atomic_path

if TYPE_CHECKING:
    from PIL import Image

    from a2d.draw import Drawing

MOST_PIXELS = 50_000_000
SCALE = 10  # a 28-pixel picture is a thumbnail; ten screen pixels per pixel can be looked at


def to_picture(image: np.ndarray, scale: int = SCALE) -> Image.Image:
    """A Pillow image, ``scale`` screen pixels per pixel, white ink on black as in MNIST."""
    from PIL import Image

    pixels = np.round(255 * np.clip(image, 0, 1)).astype(np.uint8)
    return Image.fromarray(pixels.repeat(scale, 0).repeat(scale, 1))


def save_picture(image: np.ndarray, path: str | os.PathLike[str]) -> None:
    """Write one image ``(28, 28)`` as a PNG of 280 x 280 pixels, atomically."""
    with atomic_path(path) as temporary:
        to_picture(image).save(temporary, format="PNG")


def load_digit(path: str | os.PathLike[str]) -> np.ndarray:
    """A picture file of one digit as MNIST would have it: ``(28, 28)`` float32 in [0, 1], white ink on black.

    Dark ink on a light ground is turned round (what is at the edge is the ground); the ink is cut out, scaled into
    20 x 20 pixels and put with its centre of mass in the middle, as Y. LeCun and others (1998) made MNIST.
    Raises :class:`~a2d.errors.DataError` for a file that is no picture, or is empty.
    """
    from PIL import Image

    hint = "Give a PNG or JPEG of one digit"
    try:
        with Image.open(path) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise DataError(f"{picture.width} x {picture.height} pixels are too many", where=path, hint=hint)
            grey = np.asarray(picture.convert("L"), np.float32) / 255
    except OSError as error:
        raise DataError("this is no picture that can be read", where=path, hint=hint) from error
    edge = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    ink = np.abs(grey - np.median(edge))
    if ink.max() < 0.2:
        raise DataError("there is no ink in this picture", where=path, hint=hint)
    ink = np.clip(ink / ink.max(), 0, 1)
    rows, columns = (np.flatnonzero((ink > 0.3).any(axis)) for axis in (1, 0))
    cut = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = cut.shape
    size = [max(1, round(20 * n / max(height, width))) for n in (width, height)]
    method = Image.Resampling.BOX if max(height, width) > 40 else Image.Resampling.BICUBIC
    pixels = np.asarray(Image.fromarray((255 * cut).astype(np.uint8)).resize(size, method), np.float32) / 255
    y, x = (round(float((np.indices(pixels.shape)[axis] * pixels).sum() / pixels.sum())) for axis in (0, 1))
    out = np.zeros((28, 28), np.float32)
    top, left = (int(np.clip(14 - at, 0, 28 - n)) for at, n in zip((y, x), pixels.shape, strict=True))
    out[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return out


def picture_names(sources: Sequence[str]) -> list[str]:
    """A file name for each recording's picture: its stem, with a number where two recordings have the same.

    A very long stem is cut: the file's system takes at most 255 bytes, and the ending and the number need some.
    """
    taken: set[str] = {"contact-sheet"}
    names = []
    for source in sources:
        stem = Path(source).stem or "recording"
        while len(os.fsencode(stem)) > 180:
            stem = stem[:-1]
        name, count = stem, 1
        while name.casefold() in taken:  # case matters on some file systems and not on others
            count += 1
            name = f"{stem}-{count}"
        taken.add(name.casefold())
        names.append(f"{name}.png")
    return names


def save_contact_sheet(drawings: Sequence[Drawing], path: str | os.PathLike[str], columns: int = 8) -> None:
    """Write all pictures on one sheet, each with its file's name and what was read below it."""
    from PIL import Image, ImageDraw, ImageFont

    if not drawings:
        raise A2DError("there is nothing to put on a contact sheet", where=path, hint="Draw at least one recording")
    cell, gap, text = 140, 12, 44
    columns = min(columns, len(drawings))
    rows = -(-len(drawings) // columns)
    sheet = Image.new("L", (columns * (cell + gap) + gap, rows * (cell + text + gap) + gap), 255)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=14)
    for index, drawing in enumerate(drawings):
        x = gap + index % columns * (cell + gap)
        y = gap + index // columns * (cell + text + gap)
        sheet.paste(to_picture(drawing.image, cell // 28), (x, y))
        # Line ends and other characters that cannot be shown may be part of a file's name.
        name = "".join(c if c.isprintable() else "\ufffd" for c in Path(drawing.source).name)
        while pen.textlength(name, font=font) > cell and len(name) > 4:
            name = name[: len(name) // 2 - 1] + "\u2026" + name[len(name) // 2 + 2 :]
        pen.text((x, y + cell + 4), name, fill=0, font=font)
        below = f"reads {drawing.digit}, {100 * drawing.confidence:.0f} %"
        if drawing.heard is not None:
            below = f"heard {drawing.heard}, reads {drawing.digit}"
        pen.text((x, y + cell + 22), below, fill=0, font=font)
    with atomic_path(path) as temporary:
        sheet.save(temporary, format="PNG")
