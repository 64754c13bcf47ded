"""Data sets: spoken digits in the layouts of three corpora, handwritten digits, and how to split them.

Lecture 02 looks at both data sets and at what each split leaks. How a folder is read stands in :mod:`a2d.io.folders`.

>>> spoken = load_spoken("builtin")
>>> len(spoken), len(spoken.speaker_names), spoken.digits[:3].tolist()
(3000, 60, [0, 0, 0])
>>> split = split_by_speaker(spoken.speakers, ["01", "02"], seed=0)
>>> len(split.test), sorted(set(spoken.speakers[split.test].tolist()))
(100, ['01', '02'])
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from a2d import audio
from a2d.errors import DataError, DataWarning
from a2d.io import fetching, folders
from a2d.io.folders import Checked, Metadata, Recording
from a2d.io.idx import read_idx
from a2d.io.shipped import PACKAGE, shipped

SPOKEN = ("builtin", "fsdd", "audiomnist", "speechcommands")
HANDWRITTEN = ("builtin", "mnist")


@dataclass(frozen=True)
class SpokenDigits:
    """An index of recordings, sorted by speaker, digit and take; the sounds are read when they are asked for."""

    name: str
    root: Path
    recordings: tuple[Recording, ...]
    metadata: Metadata = field(default_factory=dict, repr=False)
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.recordings)

    @cached_property
    def digits(self) -> np.ndarray:
        """What is said, ``(n,)`` int64."""
        return np.array([r.digit for r in self.recordings], dtype=np.int64)

    @cached_property
    def speakers(self) -> np.ndarray:
        """Who says it, ``(n,)`` strings."""
        return np.array([r.speaker for r in self.recordings])

    @cached_property
    def takes(self) -> np.ndarray:
        """Which take it is, ``(n,)`` int64."""
        return np.array([r.take for r in self.recordings], dtype=np.int64)

    @property
    def speaker_names(self) -> list[str]:
        """The speakers, sorted."""
        return sorted(set(self.speakers.tolist()))

    def clips(self, rate: int, progress: bool = False) -> audio.Clips:
        """Read all recordings at ``rate`` Hz."""
        return audio.load_many([r.path for r in self.recordings], rate, progress=progress)

    def clip_groups(self, rate: int, size: int = 3000, progress: bool = False) -> Iterator[audio.Clips]:
        """Read all recordings at ``rate`` Hz, silence trimmed off, ``size`` at a time.

        Features are computed from these groups: Audio-MNIST as a whole would take a gigabyte.
        """
        for start in range(0, len(self), size):
            paths = [r.path for r in self.recordings[start : start + size]]
            yield audio.load_many(paths, rate, trim=True, progress=progress)

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 over the names and the bytes of all files: the key of every cache, and part of every result."""
        digest = hashlib.sha256()
        for r in self.recordings:
            try:
                data = r.path.read_bytes()
            except OSError as error:
                raise DataError(f"cannot read this file ({error.strerror})", where=r.path, hint="Check it") from error
            digest.update(f"{r.speaker}/{r.digit}/{r.take} {hashlib.sha256(data).hexdigest()}\n".encode())
        return digest.hexdigest()


def _fetched(name: str) -> Path:
    if (folder := fetching.find(name)) is None:
        hint = f"Run `a2d data fetch {name}`, or use builtin"
        raise DataError(f"{name} is not here yet", where=fetching.data_home(), hint=hint)
    return folder


def load_spoken(name_or_folder: str | os.PathLike[str]) -> SpokenDigits:
    """Find spoken digits by name (``builtin``, ``fsdd``, ``audiomnist``, ``speechcommands``) or in a folder.

    A folder may hold Audio-MNIST's layout, ``[data/]NN/{digit}_{NN}_{take}.wav`` with any number of speakers and
    takes, with or without ``audioMNIST_meta.txt``; or FSDD's, ``[recordings/]{digit}_{speaker}_{take}.wav``; or that
    of Speech Commands, ``{word}/{speaker}_nohash_{take}.wav``, whose ten folders ``zero`` to ``nine`` are read.
    WAV, FLAC, OGG and MP3 files are taken. What is no sound file is passed over, with one
    :class:`~a2d.errors.DataWarning`; names that begin with a dot are passed over in silence.

    Raises :class:`~a2d.errors.DataError` for a folder that is missing or empty, for a sound file whose name does not
    fit the layout and for a take that is there twice. What is merely odd stands in ``notes``.
    """
    name = os.fspath(name_or_folder)
    if name == "builtin":
        return _spoken("builtin", shipped("builtin"))
    if name in SPOKEN:
        return _spoken(name, _fetched(name))
    if name in fetching.NAMES:
        hint = f"Use one of {', '.join(SPOKEN)}"
        raise DataError(f"{name} holds images, not recordings", where="--data", hint=hint)
    folder = Path(name)
    if not os.path.isdir(folder):  # unlike pathlib's, it says "no" to a name that is too long
        hint = f"Name one of {', '.join(SPOKEN)}, or a folder in the layout of one of them"
        raise DataError("there is no such data set or folder", where=name, hint=hint)
    return _spoken(folder.resolve().name, folder)


def _spoken(name: str, root: Path) -> SpokenDigits:
    found = folders.scan(root)
    if found.strays:
        warnings.warn(DataWarning(found.passed_over()), stacklevel=3)
    return SpokenDigits(name, found.root, found.recordings, found.metadata, found.notes)


def are_original(spoken: SpokenDigits) -> np.ndarray:
    """Which recordings are what a microphone heard, ``(n,)`` bool; the others came back from a spectrogram.

    The excerpt of Speech Commands that a mirror may hold lists the former in ``original-recordings.txt``, by
    ``{word}/{file}``; elsewhere there is no such list, and all recordings are original.
    """
    listed = spoken.root / "original-recordings.txt"
    if not listed.is_file():
        return np.ones(len(spoken), bool)
    names = set(listed.read_text(encoding="utf-8").split())
    return np.array([f"{r.path.parent.name}/{r.path.name}" in names for r in spoken.recordings])


def load_others(spoken: SpokenDigits, part: Literal["training", "test"] = "training") -> list[Path]:
    """Recordings of words that are no digit, where a corpus has some: ``others/{speaker}/{word}_{take}.flac``.

    Which words are for training and which for testing stands in its ``MANIFEST.json``; no word is for both.
    """
    folder, listed = spoken.root.parent / "others", spoken.root.parent / "MANIFEST.json"
    if not (folder.is_dir() and listed.is_file()):
        return []
    words = set(json.loads(listed.read_text(encoding="utf-8"))["words"][part])
    return sorted(path for path in folder.glob("*/*.flac") if path.stem.rpartition("_")[0] in words)


def check_folder(folder: str | os.PathLike[str]) -> Checked:
    """Read every recording of a folder and list all that is wrong with it.

    Names that do not fit, takes that are there twice, recordings that cannot be used; as notes, gaps and oddities.
    """

    def listen(path: Path) -> tuple[float, list[str]]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", audio.AudioWarning)
            seconds = audio.load(path).seconds
        return seconds, [str(w.message) for w in caught if issubclass(w.category, audio.AudioWarning)]

    return folders.check(Path(folder), listen)


@dataclass(frozen=True)
class Images:
    """Handwritten digits: ``pixels (n, 28, 28)`` uint8, ink is 255; ``labels (n,)`` int64."""

    name: str
    pixels: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 over pixels and labels."""
        return hashlib.sha256(self.pixels.tobytes() + self.labels.astype(np.int64).tobytes()).hexdigest()


def load_images(name: str, part: Literal["train", "test"] = "train") -> Images:
    """Handwritten digits by name: ``mnist`` (60,000 and 10,000) or ``builtin`` (scikit-learn's digits, 1,442 and 355).

    The built-in ones are real handwriting (E. Alpaydin and C. Kaynak, 1998; 8 x 8 pixels, 17 grey levels), enlarged
    to MNIST's 20 x 20 box in a 28 x 28 image; every fifth image of each class is for testing.
    """
    if part not in ("train", "test"):
        raise DataError(f"there is no part {part!r} of these images", where=name, hint="Use train or test")
    if name == "builtin":
        return _builtin_images(part)
    if name != "mnist":
        raise DataError("there are no such images", where=name, hint=f"Use one of {', '.join(HANDWRITTEN)}")
    stem = "train" if part == "train" else "t10k"
    folder, hint = _fetched("mnist"), "Run `a2d data fetch mnist` again"
    pixels, labels = read_idx(folder / f"{stem}-images-idx3-ubyte"), read_idx(folder / f"{stem}-labels-idx1-ubyte")
    if pixels.shape[1:] != (28, 28) or labels.shape != pixels.shape[:1] or labels.max(initial=0) > 9:
        raise DataError("images and labels do not fit together", where=folder, hint=hint)
    if len(labels) == 0:
        raise DataError("there are no images in it", where=folder, hint=hint)
    return Images(name, pixels, labels.astype(np.int64))


def enlarge(small: np.ndarray, box: int = 20, size: int = 28) -> np.ndarray:
    """Enlarge ``(n, 8, 8)`` values in [0, 1] to uint8 ``(n, 28, 28)``: bilinear to ``box``, then a black border."""
    from scipy.ndimage import zoom

    big = zoom(small, (1, box / small.shape[1], box / small.shape[2]), order=1)
    # Bilinear enlargement washes strokes out; a steeper grey curve gives them MNIST's contrast back.
    big, edge = np.clip((big - 0.15) / 0.6, 0, 1), (size - box) // 2
    return np.pad(np.round(255 * big).astype(np.uint8), ((0, 0), (edge, edge), (edge, edge)))


def _builtin_images(part: str) -> Images:
    from sklearn.datasets import load_digits

    digits = load_digits()
    labels = digits.target.astype(np.int64)
    test = np.zeros(len(labels), bool)
    for c in range(10):
        test[np.flatnonzero(labels == c)[4::5]] = True
    keep = test == (part == "test")
    return Images("builtin", enlarge(digits.images[keep] / 16.0), labels[keep])


@dataclass(frozen=True)
class Split:
    """Three disjoint sets of indices into the recordings, each sorted."""

    train: np.ndarray
    val: np.ndarray
    test: np.ndarray

    def __post_init__(self) -> None:
        joined = np.concatenate([self.train, self.val, self.test])
        if len(np.unique(joined)) != len(joined):
            raise ValueError("the parts of a split overlap")


def split_by_recording(n: int, seed: int, shares: tuple[float, float] = (0.70, 0.15)) -> Split:
    """The report's split: ``n`` recordings at random into 70 % train, 15 % validation, 15 % test.

    The same speakers are in all three: see :func:`split_by_speaker`, and lecture 02 for what that hides.
    """
    order = np.random.default_rng(seed).permutation(n)
    first, second = round(shares[0] * n), round((shares[0] + shares[1]) * n)
    if not 0 < first < second < n:
        raise DataError(f"{n} recordings are too few to split", where="split", hint="Use at least 10")
    return Split(np.sort(order[:first]), np.sort(order[first:second]), np.sort(order[second:]))


def split_by_speaker(speakers: np.ndarray, test: Sequence[str], seed: int, val_share: float = 0.15) -> Split:
    """Test on the speakers ``test``, none of whom is heard in training.

    Validation is a random share of the *other* speakers' recordings: with few speakers a whole one is too much to
    give away, and what is chosen on validation never sees a test speaker either way.
    """
    unknown = sorted(set(test) - set(speakers.tolist()))
    if unknown or not test:
        hint = f"The speakers are {', '.join(sorted(set(speakers.tolist())))}"
        raise DataError(f"there is no speaker {', '.join(unknown) or '(none named)'}", where="split", hint=hint)
    held = np.isin(speakers, list(test))
    rest = np.random.default_rng(seed).permutation(np.flatnonzero(~held))
    n_val = round(val_share * len(rest))
    if n_val < 1 or len(rest) - n_val < 1:
        raise DataError("no other speaker is left to train on", where="split", hint="Hold out fewer speakers")
    return Split(np.sort(rest[n_val:]), np.sort(rest[:n_val]), np.flatnonzero(held))


def part_of_speaker(name: str, val: float = 0.125, test: float = 0.125) -> Literal["train", "val", "test"]:
    """The part that a speaker belongs to, by a hash of the name: the same in each excerpt of a corpus, and for ever.

    The idea is that of Speech Commands (P. Warden 2018, arXiv:1804.03209): a corpus may grow, and nobody changes part.
    """
    share = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) / 2**64
    return "test" if share < test else "val" if share < test + val else "train"


def split_by_name(speakers: np.ndarray, val: float = 0.125, test: float = 0.125) -> Split:
    """Each speaker in one part only, by :func:`part_of_speaker`; for corpora of many speakers.

    Raises :class:`~a2d.errors.DataError` where nobody is left to train on.
    """
    part_of = {name: part_of_speaker(name, val, test) for name in set(speakers.tolist())}
    parts = np.array([part_of[name] for name in speakers.tolist()])
    if not (parts == "train").any():
        raise DataError("no speaker is left to train on", where="split", hint="Use a corpus of more speakers")
    return Split(*(np.flatnonzero(parts == part) for part in ("train", "val", "test")))


def speaker_groups(speakers: np.ndarray, name: str, seed: int, groups: int = 5) -> list[list[str]]:
    """Groups of speakers to hold out in turn: Audio-MNIST's five published folds for its 60 speakers, else one
    speaker at a time where there are at most ten, else ``groups`` random groups.
    """
    names = sorted(set(speakers.tolist()))
    if names == [f"{i:02d}" for i in range(1, 61)] and name != "builtin":
        return json.loads((PACKAGE / "manifests" / "audiomnist-folds.json").read_text(encoding="utf-8"))["folds"]
    if len(names) <= 10:
        return [[n] for n in names]
    order = np.random.default_rng(seed).permutation(names)
    return [sorted(part.tolist()) for part in np.array_split(order, groups)]
