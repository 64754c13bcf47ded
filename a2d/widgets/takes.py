"""Takes of one's own voice: what was just recorded, where it is cut, and what is kept on this computer. Lecture 11.

The recorder of the notebook is a thin skin over this; it works as well without a browser:

>>> import tempfile
>>> from a2d.audio import load
>>> from a2d.io.shipped import shipped
>>> takes = Takes(tempfile.mkdtemp())
>>> _ = takes.offer(load(shipped("builtin") / "data" / "01" / "7_01_0.flac"))
>>> takes.keep(7).name, takes.counts[7], takes.delete_all()
('7_01_0.wav', 1, 1)
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import warnings
from pathlib import Path

import numpy as np

from a2d import audio
from a2d.audio import Clip
from a2d.errors import A2DError, AudioError, DataError
from a2d.io.atomic import atomic_path
from a2d.io.folders import Recording
from a2d.widgets.controls import whole

# Ten seconds of stereo in 32 bits at 96 kHz are 8 MB; what is longer is refused anyway.
MOST_BYTES = 8_000_000
_NAME = re.compile(r"(\d)_(\d\d)_(\d{1,4})\.wav")


def around_word(clip: Clip) -> tuple[Clip, tuple[float, float]]:
    """The loudest word of a checked clip, and where it begins and ends, in seconds."""
    word = audio.trim_silence(clip)
    # The trimmed samples are a part of the same array; where it begins is how far apart the two are.
    start = (word.samples.__array_interface__["data"][0] - clip.samples.__array_interface__["data"][0]) // 4
    return word, (start / clip.rate, (start + len(word.samples)) / clip.rate)


class Takes:
    """One person's takes, in Audio-MNIST's layout: ``FOLDER/NN/{digit}_{NN}_{take}.wav``.

    A take is offered, cut, perhaps listened to, and then kept or thrown away; only what is kept is written, and each
    file is there as a whole or not at all. ``speaker``: the two digits NN.
    Raises :class:`DataError` for a speaker's name that the layout does not have, or a file where the folder should be.
    """

    def __init__(self, folder: str | os.PathLike[str], speaker: str = "01"):
        if not isinstance(speaker, str) or not re.fullmatch(r"[0-9]{2}", speaker):
            raise DataError(f"{speaker!r} is no speaker of this layout", where="speaker", hint="Use 01 to 99")
        self.root, self.speaker = Path(folder).expanduser(), speaker
        for path in (self.root, self.folder):
            if os.path.lexists(path) and not os.path.isdir(path):
                raise DataError("this is a file, not a folder", where=path, hint="Name another folder")
        self.notes: tuple[str, ...] = ()
        self._raw: Clip | None = None
        self._cut = (0.0, 0.0)
        self._last: Clip | None = None

    @property
    def folder(self) -> Path:
        """Where this speaker's takes lie."""
        return self.root / self.speaker

    @property
    def recordings(self) -> tuple[Recording, ...]:
        """What is kept, by digit and take."""
        names = os.listdir(self.folder) if os.path.isdir(self.folder) else []
        found = [match for match in map(_NAME.fullmatch, names) if match and match[2] == self.speaker]
        kept = [Recording(self.folder / m[0], int(m[1]), self.speaker, int(m[3])) for m in found]
        return tuple(sorted(kept, key=lambda one: (one.digit, one.take)))

    @property
    def counts(self) -> list[int]:
        """How many takes of each digit are kept, ten numbers."""
        said = [one.digit for one in self.recordings]
        return [said.count(digit) for digit in range(10)]

    @property
    def wanted(self) -> int:
        """The digit to say next: the least one of those with the fewest takes."""
        return int(np.argmin(self.counts))

    # --------------------------------------------------------------------------------------------- the take in hand

    @property
    def waiting(self) -> Clip | None:
        """What was recorded last, as a whole, until it is kept or thrown away."""
        return self._raw

    @property
    def cut(self) -> tuple[float, float]:
        """Where the waiting take is cut, both in seconds from its beginning."""
        return self._cut

    @property
    def clip(self) -> Clip | None:
        """The waiting take within its cut, else the take that was kept last; None where there is neither."""
        if self._raw is None:
            return self._last
        start, stop = (round(t * self._raw.rate) for t in self._cut)
        return Clip(self._raw.samples[start:stop], self._raw.rate)

    def offer(self, clip: Clip) -> Clip:
        """Take a recording in hand, cut around its loudest word; give it within the cut.

        What was waiting before is gone. What may spoil the take stands in ``notes`` afterwards.
        Raises :class:`~a2d.errors.AudioError` for silence, and for what is too short or too long.
        """
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", audio.AudioWarning)
            samples = audio.check_samples(clip.samples, clip.rate, "The recording")
        self._raw = Clip(samples, int(clip.rate))
        word, self._cut = around_word(self._raw)
        self.notes = tuple(str(w.message) for w in caught if issubclass(w.category, audio.AudioWarning))
        return word

    def offer_bytes(self, data: bytes, name: str = "take.wav") -> Clip:
        """As :meth:`offer`, for what a sound file holds; ``name`` is its name, of which only the ending counts."""
        if len(data) > MOST_BYTES:
            what = f"the file has {len(data) / 1e6:.0f} MB; at most {MOST_BYTES / 1e6:.0f} MB are taken"
            raise AudioError(what, where=name, hint="Cut out the one digit")
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore", audio.AudioWarning)  # offer looks again, and keeps what it finds
            ending = Path(name).suffix
            path = Path(folder) / f"take{ending if re.fullmatch(r'[.][A-Za-z0-9]{1,5}', ending) else ''}"
            path.write_bytes(data)
            clip = audio.load(path)
        return self.offer(clip)

    def set_cut(self, start: float, stop: float) -> None:
        """Cut the waiting take at two times, in seconds; raises :class:`DataError` for a cut that makes no sense."""
        raw = self._in_hand()
        if not all(isinstance(t, int | float) and np.isfinite(t) for t in (start, stop)):
            raise DataError("a cut is two numbers, in seconds", where="cut")
        low, high = max(0.0, float(start)), min(raw.seconds, float(stop))
        if high - low < audio.MIN_SECONDS:
            what = f"between the two cuts must be {audio.MIN_SECONDS:g} s or more"
            raise DataError(what, where="cut", hint="Move one of them")
        self._cut = (low, high)

    def keep(self, digit: int) -> Path:
        """Write the waiting take as the next one of ``digit``, and give its path.

        Raises :class:`~a2d.errors.AudioError` if there is only silence within the cut, and an
        :class:`~a2d.errors.A2DError` if the file cannot be written; the take waits on.
        """
        import soundfile

        self._in_hand()
        number = whole(digit, "digit", 0, 9)
        clip = self.clip
        assert clip is not None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", audio.AudioWarning)
            samples = audio.check_samples(clip.samples, clip.rate, "The take")
        take = max((one.take for one in self.recordings if one.digit == number), default=-1) + 1
        target = self.folder / f"{number}_{self.speaker}_{take}.wav"
        with atomic_path(target) as path:
            soundfile.write(path, np.clip(samples, -1, 1), clip.rate, subtype="PCM_16")
        self._last, self._raw = clip, None
        return target

    def discard(self) -> None:
        """Throw the waiting take away; it was never written."""
        self._in_hand()
        self._raw = None

    def _in_hand(self) -> Clip:
        if self._raw is None:
            raise DataError("there is no take to do this with", where="take", hint="Record one first")
        return self._raw

    # ----------------------------------------------------------------------------------------------------- deleting

    def delete(self, digit: int) -> Path:
        """Delete the last take of ``digit`` from the disk, and give the path that it had."""
        mine = [one for one in self.recordings if one.digit == whole(digit, "digit", 0, 9)]
        if not mine:
            raise DataError(f"no take of {digit} is kept", where="digit", hint="There is nothing to delete")
        self._unlink(mine[-1].path)
        self._last = None
        self._tidy()
        return mine[-1].path

    def delete_all(self) -> int:
        """Delete everything that was recorded, the waiting take too, and give how many files that were.

        Files of other names stay, and so does a folder that holds some.
        """
        self._raw = self._last = None
        mine = self.recordings
        for one in mine:
            self._unlink(one.path)
        self._tidy()
        return len(mine)

    def _unlink(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            hint = "Delete it by hand"
            raise A2DError(f"cannot delete this file ({error.strerror or error})", where=path, hint=hint) from error

    def _tidy(self) -> None:
        """Remove what a crash in the midst of writing may have left, and folders that are empty now."""
        for path in self.folder.glob(f".[0-9]_{self.speaker}_*.tmp.wav"):
            self._unlink(path)
        for folder in (self.folder, self.root):
            with contextlib.suppress(OSError):  # it is not there, or not empty
                folder.rmdir()
