"""What the page gets for a recording: what the ear heard, several hands, and the row of all generators."""

from __future__ import annotations

import base64
import io
import struct
import warnings
import wave
import zlib
from typing import Any

import numpy as np
import torch

from a2d import audio, datasets, draw
from a2d.audio import Clip
from a2d.ears.cnn import window_of
from a2d.errors import AudioError
from a2d.evaluator import read
from a2d.io import fetching, pictures
from a2d.lab import models
from a2d.widgets.takes import around_word

HANDS = 5
# The generators of the row under names for everybody; what is shipped and not named here comes under its own name.
TOLD = {
    "report-plain": "the report's own, six people",
    "report-plain-builtin": "the report's own, synthetic voices",
    "report": "improved, six people",
    "report-builtin": "improved, synthetic voices",
    "report-absolute": "absolute error, six people",
    "report-absolute-builtin": "absolute error, synthetic voices",
    "style-cvae": "ear and hands: a VAE",
    "vae-gan": "ear and hands: a VAE with a GAN",
    "cgan": "ear and hands: a GAN",
    "hands": "ear and hands: a flow",
}
LOOK_UP = "looked up: a person's"


def clip_of(data: bytes) -> Clip:
    """The recording that the page sends: a WAV file of 16 bits, one channel; it is read from memory alone.

    Raises :class:`AudioError` for anything else, and as :func:`a2d.audio.check_samples` does.
    """
    try:
        with wave.open(io.BytesIO(data)) as stream:
            rate = stream.getframerate()
            if (stream.getnchannels(), stream.getsampwidth()) != (1, 2):
                raise wave.Error
            samples = np.frombuffer(stream.readframes(stream.getnframes()), "<i2")
    except (wave.Error, EOFError, ValueError, struct.error) as error:
        hint = "Open the page anew, and record it again"
        raise AudioError("this is not a recording as the page sends it", hint=hint) from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", audio.AudioWarning)  # what draws looks again, and tells it
        return Clip(audio.check_samples(samples, rate, "The recording"), rate)


class Answerer:
    """Everything that is shipped and draws, loaded once; :meth:`answer` keeps nothing of what it is given."""

    def __init__(self) -> None:
        self.writer = draw.Writer(anyway=True)
        kinds = {name: models.card(name)["kind"] for name in models.names()}
        shipped = dict.fromkeys(name for name in (*TOLD, *kinds) if name in kinds)  # those that have a name here first
        self.artists = {name: draw.Artist(name) for name in shipped if kinds[name] == "generator"}
        hands = [name for name in shipped if kinds[name] in draw.HANDS and name != draw.DEFAULT]
        self.writers = {name: draw.Writer(name, anyway=True) for name in hands}
        self.writers[draw.DEFAULT] = self.writer  # the last of the row
        self.images = datasets.load_images("mnist" if fetching.find("mnist") else "builtin")

    def answer(
        self, clip: Clip, cut: tuple[float, float] | None = None, first: int = 0, anyway: bool = False
    ) -> dict[str, Any]:
        """What to show of a recording, as JSON.

        ``cut``: begin and end in seconds, None for the loudest word; ``first``: number of the first hand that is drawn
        at random; ``anyway``: draw what is no digit. Raises :class:`AudioError` for a recording that cannot be used.
        """
        word, edges = around_word(clip)
        if cut is not None:
            edges = min(max(0.0, cut[0]), clip.seconds), min(max(0.0, cut[1]), clip.seconds)
            word = Clip(clip.samples[round(edges[0] * clip.rate) : round(edges[1] * clip.rate)], clip.rate)
            audio.check_samples(word.samples, word.rate, "The cut")
        ear = self.writer.ear
        samples = window_of(audio.prepare(word, ear.config.sample_rate), ear.config.n_samples)
        heard = ear.hear(torch.from_numpy(samples)[None])
        digit, refused = int(heard.says.argmax()), bool(heard.refused)
        found: dict[str, Any] = {"cut": edges, "seconds": clip.seconds, "digit": digit, "refused": refused}
        found |= {"sure": float(heard.says.max()), "nothing": float(heard.nothing), "notes": [], "hands": [], "row": []}
        if refused and not anyway:
            return found
        hands = [self.writer.draw_clip(word, seed) for seed in (None, *range(first, first + HANDS - 1))]
        found["hands"] = [_shown("", one.image, one.digit) for one in hands]
        found["notes"] = [note.partition(": ")[2] for note in hands[0].warnings if "clipped" in note]
        found["row"] = [_named(name, artist.draw_clip(word)) for name, artist in self.artists.items()]
        found["row"].append(self._looked_up(digit, zlib.crc32(samples.tobytes())))
        for name, one in self.writers.items():
            found["row"].append(_named(name, hands[0] if one is self.writer else one.draw_clip(word)))
        return found

    def _looked_up(self, digit: int, number: int) -> dict[str, Any]:
        """A picture that a person wrote of this digit: what every generator could do without drawing."""
        mine = self.images.pixels[self.images.labels == digit]
        image = mine[number % len(mine)].astype(np.float32) / 255
        return _shown(LOOK_UP, image, int(read(self.writer.evaluator, image[None]).digits[0]))


def _named(model: str, drawn: draw.Drawing) -> dict[str, Any]:
    return _shown(TOLD.get(model, model), drawn.image, drawn.digit)


def _shown(told: str, image: np.ndarray, reads: int) -> dict[str, Any]:
    buffer = io.BytesIO()
    pictures.to_picture(image, 1).save(buffer, "PNG")
    picture = base64.b64encode(buffer.getvalue()).decode()
    return {"told": told, "reads": reads, "image": f"data:image/png;base64,{picture}"}
