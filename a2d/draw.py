"""From recordings to pictures with trained models: what ``a2d draw`` does, as functions.

A :class:`Writer` hears the digit and writes it in the speaker's hand; an :class:`Artist` is the report's one network.
Nothing here imports more than it needs: drawing one file costs little more than importing torch. Lectures 00 and 09.

>>> from a2d.io.shipped import shipped
>>> seven = shipped("builtin") / "data" / "01" / "7_01_0.flac"
>>> drawing = Artist("report-builtin").draw_file(seven)
>>> drawing.image.shape, drawing.digit
((28, 28), 7)
>>> drawing = Writer().draw_file(seven)
>>> drawing.heard, drawing.digit
(7, 7)
"""

from __future__ import annotations

import os
import warnings
import zlib
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from a2d import audio, features
from a2d.errors import AudioError, DataError
from a2d.lab import models, recipes

if TYPE_CHECKING:
    import torch

DEFAULT = "hands"
HANDS = ("hands", "style-cvae", "vae-gan", "cgan")  # the kinds that are told the digit


@dataclass(frozen=True)
class Drawing:
    """One picture of a recording.

    ``image (28, 28)`` float32 in [0, 1]; ``digit``, ``confidence``: what the evaluator reads, and how sure it is;
    ``heard``, ``sure``: what the ear heard, and how sure it is, None for a model that does not say.
    """

    source: str
    image: np.ndarray
    digit: int
    confidence: float
    warnings: tuple[str, ...] = ()
    heard: int | None = None
    sure: float | None = None


class Drawer(ABC):
    """A model that draws and the evaluator that reads its pictures, loaded once and used for many recordings."""

    def __init__(self, evaluator: str | os.PathLike[str]):
        self.evaluator = models.load_evaluator(evaluator).net

    @abstractmethod
    def _draw(self, clip: audio.Clip, seed: int | None, source: str) -> Drawing:
        """Draw a clip that has been checked and trimmed; what reads and warns comes after."""

    def draw_clip(self, clip: audio.Clip, seed: int | None = None, source: str = "recording") -> Drawing:
        """Draw one recording; a ``seed`` makes it another drawing, None takes the model's first choice.

        The same recording, model and seed give the same picture, whatever else is drawn beside it.
        Raises :class:`~a2d.errors.AudioError` for a recording that cannot be used.
        """
        from a2d.evaluator import read

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", audio.AudioWarning)
            samples = audio.check_samples(clip.samples, clip.rate, source)
        seed = recipes.check_seed(seed) if seed is not None else None
        drawing = self._draw(audio.Clip(samples, clip.rate), seed, source)
        reading = read(self.evaluator, drawing.image[None])
        notes = tuple(str(w.message) for w in caught if issubclass(w.category, audio.AudioWarning))
        digit, confidence = int(reading.digits[0]), float(reading.confidence[0])
        return replace(drawing, digit=digit, confidence=confidence, warnings=notes + drawing.warnings)

    def draw_file(self, path: str | os.PathLike[str], seed: int | None = None) -> Drawing:
        """Read a file and draw it; raises :class:`~a2d.errors.AudioError` for one that cannot be used."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", audio.AudioWarning)  # draw_clip looks again, and keeps what it finds
            clip = audio.load(path)
        return self.draw_clip(clip, seed, os.fspath(path))


def _random(seed: int, samples: np.ndarray) -> torch.Generator:
    """The random generator of one recording ``(n,)``: it depends on the samples and the seed alone."""
    import torch

    state = np.random.SeedSequence([seed, zlib.crc32(samples.tobytes())]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> np.uint64(1)))


class Artist(Drawer):
    """The report's generator: one network from the mean of the MFCCs to a picture.

    ``model`` and ``evaluator`` are names of shipped models or folders that ``a2d train`` has written. With a seed the
    latent is sampled, without one its mean is taken.
    """

    def __init__(self, model: str | os.PathLike[str] = "report", evaluator: str | os.PathLike[str] = "evaluator"):
        generator = models.load_generator(model)
        self.net, self.config = generator.net, generator.features
        super().__init__(evaluator)

    def _draw(self, clip: audio.Clip, seed: int | None, source: str) -> Drawing:
        import torch

        samples = audio.prepare(clip, self.config.sample_rate)
        vector = features.mfcc_means(audio.Clips.join([samples], self.config.sample_rate), self.config)
        rng = None if seed is None else _random(seed, samples)
        return Drawing(source, self.net.draw(torch.from_numpy(vector), rng)[0].numpy(), -1, 0.0)


class Writer(Drawer):
    """An ear and hands: it hears the digit from anyone, and writes it in the speaker's own hand.

    ``hands``, ``ear``, ``evaluator``: names of shipped models or folders that ``a2d train`` has written.
    ``style (style_size,)``: one hand for all, as :meth:`hand_in` finds it. ``anyway``: draw what is no digit, too.
    Without a seed the voice has its own hand, the same for every word; a louder recording has bolder strokes. With a
    seed the hand is random.
    """

    def __init__(
        self,
        hands: str | os.PathLike[str] = DEFAULT,
        ear: str | os.PathLike[str] = "ear",
        evaluator: str | os.PathLike[str] = "evaluator",
        style: torch.Tensor | None = None,
        anyway: bool = False,
    ):
        self.net: Any = models.load(hands, *HANDS).net
        self.ear = models.load(ear, "ear").net
        self.style, self.anyway = style, anyway
        super().__init__(evaluator)

    def _draw(self, clip: audio.Clip, seed: int | None, source: str) -> Drawing:
        import torch

        from a2d.ears.cnn import window_of

        samples = audio.prepare(clip, self.ear.config.sample_rate)
        heard = self.ear.hear(torch.from_numpy(window_of(samples, self.ear.config.n_samples))[None])
        digit, sure = heard.says.argmax(-1), float(heard.says.max())
        nothing = 100 * float(heard.nothing)
        if heard.refused and not self.anyway:
            what = f"that was no digit ({nothing:.0f} % sure)"
            raise AudioError(what, where=source, hint="Say one digit, zero to nine, alone, or draw it with --anyway")
        notes = (f"{source}: that may be no digit ({nothing:.0f} % sure)",) if heard.refused else ()
        style = self.style[None] if self.style is not None else self._hand(samples, digit)
        if seed is not None and self.style is None:
            style = torch.randn(1, self.net.style_size, generator=_random(seed, samples))
        image = self.net.draw(digit, style=style)[0].numpy()
        return Drawing(source, image, -1, 0.0, notes, int(digit), sure)

    def _hand(self, samples: np.ndarray, digit: torch.Tensor) -> torch.Tensor:
        """The hand ``(1, style_size)`` of whoever said this; its last number, the stroke weight, is the loudness."""
        from a2d.ears.voice import described
        from a2d.hands.voice import hand_of

        means, levels = described(audio.Clips.join([samples], self.ear.config.sample_rate))
        hand = hand_of(self.ear.voice.heard(means, digit), self.net.style_size)
        hand[:, -1] = self.ear.voice.loudness(levels)
        return hand

    def hand_in(self, path: str | os.PathLike[str]) -> torch.Tensor:
        """The hand ``(style_size,)`` of a picture of one digit, white on black or black on white; for ``style``.

        Raises :class:`~a2d.errors.DataError` for a file that is no picture, or where no digit can be read.
        """
        import torch

        from a2d.evaluator import read
        from a2d.io.pictures import load_digit

        if not hasattr(self.net, "style_of"):
            hint = "Use --model hands, the course's own"
            raise DataError("these hands cannot borrow another's", where="--style", hint=hint)
        image = torch.from_numpy(load_digit(path))[None]
        reading = read(self.evaluator, image)
        if float(reading.confidence[0]) < 0.5:
            hint = "Give a picture of one clear digit"
            raise DataError("no digit can be read in this picture", where=path, hint=hint)
        hand: torch.Tensor = self.net.style_of(image, torch.from_numpy(reading.digits))[0]
        return hand


def load(
    model: str | os.PathLike[str] = DEFAULT,
    ear: str | os.PathLike[str] = "ear",
    evaluator: str | os.PathLike[str] = "evaluator",
) -> Drawer:
    """The drawer that ``model`` is for: an :class:`Artist` for a generator, a :class:`Writer` for hands."""
    if models.kind_of(model) in HANDS:
        return Writer(model, ear, evaluator)
    return Artist(model, evaluator)
