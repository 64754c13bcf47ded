"""From recordings to pictures with a trained model: what ``a2d draw`` does, as functions.

Nothing here imports more than it needs: drawing one file costs little more than importing torch. Lecture 00.

>>> from a2d.io.shipped import shipped
>>> drawing = Artist("report-builtin").draw_file(shipped("builtin") / "data" / "01" / "7_01_0.flac")
>>> drawing.image.shape, drawing.digit
((28, 28), 7)
"""

from __future__ import annotations

import os
import warnings
import zlib
from dataclasses import dataclass

import numpy as np

from a2d import audio, features
from a2d.lab import models, recipes


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
