"""From recordings to pictures with a trained model: what ``a2d draw`` does, as functions.

Nothing here imports more than it needs: drawing one file costs little more than importing torch.
"""

from __future__ import annotations

import os
import warnings
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from a2d import audio, features
from a2d.errors import A2DError
from a2d.io.atomic import atomic_path
from a2d.lab import models, recipes

if TYPE_CHECKING:
    from PIL import Image

SCALE = 10  # a 28-pixel picture is a thumbnail; ten screen pixels per pixel can be looked at


@dataclass(frozen=True)
class Drawing:
    """One picture: ``image (28, 28)`` float32 in [0, 1], what the evaluator reads, how sure it is, and any warnings."""

    source: str
    image: np.ndarray
    digit: int
    confidence: float
    warnings: tuple[str, ...] = ()


class Artist:
    """A generator and the evaluator that reads its pictures, loaded once and used for many recordings.

    ``model`` and ``evaluator`` are names of shipped models or folders that ``a2d train`` has written.
    """

    def __init__(self, model: str | os.PathLike[str] = "report", evaluator: str | os.PathLike[str] = "evaluator"):
        generator = models.load_generator(model)
        self.net, self.config = generator.net, generator.features
        self.evaluator = models.load_evaluator(evaluator).net

    def draw_clip(self, clip: audio.Clip, seed: int | None = None, source: str = "recording") -> Drawing:
        """Draw one recording; with a ``seed`` the latent is sampled, without one its mean is taken.

        The same recording, model and seed give the same picture, whatever else is drawn beside it.
        """
        import torch

        from a2d.evaluator import read

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", audio.AudioWarning)
            samples = audio.check_samples(clip.samples, clip.rate, source)
        samples = audio.prepare(audio.Clip(samples, clip.rate), self.config.sample_rate)
        vector = features.mfcc_means(audio.Clips.join([samples], self.config.sample_rate), self.config)
        rng = None
        if seed is not None:
            seed = recipes.check_seed(seed)
            key = zlib.crc32(samples.tobytes())
            state = np.random.SeedSequence([seed, key]).generate_state(1, np.uint64)[0]
            rng = torch.Generator().manual_seed(int(state >> np.uint64(1)))
        image = self.net.draw(torch.from_numpy(vector), rng)
        reading = read(self.evaluator, image)
        notes = tuple(str(w.message) for w in caught if issubclass(w.category, audio.AudioWarning))
        return Drawing(source, image[0].numpy(), int(reading.digits[0]), float(reading.confidence[0]), notes)

    def draw_file(self, path: str | os.PathLike[str], seed: int | None = None) -> Drawing:
        """Read a file and draw it; raises :class:`~a2d.errors.AudioError` for one that cannot be used."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", audio.AudioWarning)  # draw_clip looks again, and keeps what it finds
            clip = audio.load(path)
        return self.draw_clip(clip, seed, os.fspath(path))


def to_picture(image: np.ndarray, scale: int = SCALE) -> Image.Image:
    """A Pillow image, ``scale`` screen pixels per pixel, white ink on black as in MNIST."""
    from PIL import Image

    pixels = np.round(255 * np.clip(image, 0, 1)).astype(np.uint8)
    return Image.fromarray(pixels.repeat(scale, 0).repeat(scale, 1))


def save_picture(image: np.ndarray, path: str | os.PathLike[str]) -> None:
    """Write one image ``(28, 28)`` as a PNG of 280 x 280 pixels, atomically."""
    with atomic_path(path) as temporary:
        to_picture(image).save(temporary, format="PNG")


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
        pen.text((x, y + cell + 22), f"reads {drawing.digit}, {100 * drawing.confidence:.0f} %", fill=0, font=font)
    with atomic_path(path) as temporary:
        sheet.save(temporary, format="PNG")
