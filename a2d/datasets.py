"""Data sets: spoken digits in Audio-MNIST's layout or FSDD's, handwritten digits, and how to split them.

Lecture 02 looks at both data sets and at what each split leaks.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import os
import re
import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from a2d import audio
from a2d.errors import DataError
from a2d.io import fetching
from a2d.io.shipped import shipped

SPOKEN = ("builtin", "fsdd", "audiomnist")
HANDWRITTEN = ("builtin", "mnist")
_AUDIO_TYPES = (".wav", ".flac", ".ogg", ".mp3")


# ---------------------------------------------------------------------------------------------- spoken digits


@dataclass(frozen=True)
class Recording:
    """One spoken digit: the file, what is said (0-9), who says it, and which take it is."""

    path: Path
    digit: int
    speaker: str
    take: int


@dataclass(frozen=True)
class SpokenDigits:
    """An index of recordings, sorted by speaker, digit and take; the sounds are read when they are asked for."""

    name: str
    root: Path
    recordings: tuple[Recording, ...]
    metadata: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)
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


def builtin_folder() -> Path:
    """Where the built-in recordings lie: in a checkout's ``data/`` or inside the installed package."""
    return shipped("builtin")


def _fetched(name: str) -> Path:
    folder = fetching.find(name)
    if folder is None:
        raise DataError(
            f"{name} is not here yet", where=fetching.data_home(), hint=f"Run `a2d data fetch {name}`, or use builtin"
        )
    return folder


def load_spoken(name_or_folder: str | os.PathLike) -> SpokenDigits:
    """Find spoken digits by name (``builtin``, ``fsdd``, ``audiomnist``) or in a folder of either layout.

    A folder may hold Audio-MNIST's layout, ``[data/]NN/{digit}_{NN}_{take}.wav`` with any number of speakers and
    takes, with or without ``audioMNIST_meta.txt``; or FSDD's, ``[recordings/]{digit}_{speaker}_{take}.wav``.
    WAV, FLAC, OGG and MP3 files are taken. Files and folders whose names begin with a dot are passed over.

    Raises :class:`~a2d.errors.DataError` for a folder that is missing or empty, for a file whose name does not fit
    the layout and for a take that is there twice. What is merely odd stands in ``notes``.
    """
    name = os.fspath(name_or_folder)
    if name == "builtin":
        return _index(builtin_folder(), "builtin")
    if name in fetching.NAMES:
        if name not in SPOKEN:
            raise DataError(
                f"{name} holds images, not recordings", where="--data", hint=f"Use one of {', '.join(SPOKEN)}"
            )
        return _index(_fetched(name), name)
    folder = Path(name)
    if not os.path.isdir(folder):  # unlike pathlib's, it says "no" to a name that is too long
        raise DataError(
            "there is no such data set or folder",
            where=name,
            hint=f"Name one of {', '.join(SPOKEN)}, or a folder in Audio-MNIST's layout",
        )
    return _index(folder, folder.resolve().name)


def _listing(folder: Path) -> list[Path]:
    try:
        return sorted(p for p in folder.iterdir() if not p.name.startswith("."))
    except OSError as error:
        raise DataError(
            f"cannot list this folder ({error.strerror})", where=folder, hint="Check its permissions"
        ) from error


def _index(root: Path, name: str, problems: list[str] | None = None) -> SpokenDigits:
    """Find out which layout a folder has, and list its recordings; ``problems`` collects instead of raising."""
    _listing(root)  # a folder that may not be read is told at once
    # os.path's functions answer "no" where pathlib's raise: for a folder that may not be entered, for one.
    for folder in (root / "recordings", root):
        if os.path.isdir(folder):
            sounds = [p for p in _listing(folder) if os.path.isfile(p)]
            if any(re.fullmatch(r"\d_[^_/]+_\d+\.\w+", p.name) for p in sounds):
                return _collect(name, folder, sounds, {}, [], problems)
    base = root / "data" if os.path.isdir(root / "data") else root
    folders = [p for p in _listing(base) if os.path.isdir(p)]
    if not folders:
        raise DataError(
            "there are no recordings in this folder",
            where=root,
            hint="Expected [data/]NN/{digit}_{NN}_{take}.wav (Audio-MNIST) or {digit}_{speaker}_{take}.wav (FSDD)",
        )
    notes: list[str] = []
    metadata = read_metadata(base, notes)
    paths = [p for folder in folders for p in _listing(folder)]
    for speaker in sorted(set(metadata) - {f.name for f in folders}):
        notes.append(f"speaker {speaker} has metadata but no recordings")
    if metadata:
        notes += [f"speaker {f.name} has no metadata" for f in folders if f.name not in metadata]
    return _collect(name, base, paths, metadata, notes, problems)


def _collect(
    name: str,
    root: Path,
    paths: list[Path],
    metadata: dict[str, dict[str, Any]],
    notes: list[str],
    problems: list[str] | None = None,
) -> SpokenDigits:
    """Turn file names into recordings; what does not fit is raised, or collected in ``problems``."""
    found: dict[tuple[str, int, int], Recording] = {}
    for path in paths:
        try:
            recording = _recording(path, nested=path.parent != root)
            if recording is None:
                continue
            key = (recording.speaker, recording.digit, recording.take)
            if key in found:
                raise DataError(
                    f"take {key[2]} of digit {key[1]} by speaker {key[0]} is there twice (also {found[key].path.name})",
                    where=path,
                    hint="Keep one of the two",
                )
        except DataError as error:
            if problems is None:
                raise
            problems.append(str(error))
            continue
        found[key] = recording
    if not found and not problems:
        raise DataError("there are no recordings in this folder", where=root, hint="Check that it is the right one")
    absent = sorted(set(range(10)) - {r.digit for r in found.values()})
    if found and absent:
        notes.append(f"no recording says {', '.join(map(str, absent))}")
    return SpokenDigits(name, root, tuple(found[k] for k in sorted(found)), metadata, tuple(notes))


def _recording(path: Path, nested: bool) -> Recording | None:
    """What a file's name says; None for a text beside FSDD's recordings. ``nested``: it lies in a speaker's folder."""
    match = re.fullmatch(r"(\d)_([^_]+)_(\d+)", path.stem)
    is_sound = path.suffix.lower() in _AUDIO_TYPES
    if not nested and not is_sound:
        return None
    if not is_sound or match is None or not os.path.isfile(path):
        raise DataError(
            "this file does not belong here: recordings are named {digit}_{speaker}_{take}.wav",
            where=path,
            hint="Rename it, or move it away",
        )
    if nested and match[2] != path.parent.name:
        raise DataError(
            f"the name says speaker {match[2]}, the folder says {path.parent.name}",
            where=path,
            hint="Move or rename it",
        )
    return Recording(path, int(match[1]), match[2], int(match[3]))


def read_metadata(folder: Path, notes: list[str] | None = None) -> dict[str, dict[str, Any]]:
    """Read ``audioMNIST_meta.txt`` (JSON keyed by speaker) and clean it; ``{}`` if there is none.

    Ages become integers, or None where they cannot be a person's age (the published file has "1234"); rooms,
    accents and genders lose stray blanks, question marks and differences of case or spelling. What was changed
    beyond that is said in ``notes``.
    """
    path = folder / "audioMNIST_meta.txt"
    if not os.path.exists(path):
        return {}
    try:
        raw = json.loads(path.read_text(encoding="utf-8-sig"))
        if not isinstance(raw, dict) or not all(isinstance(v, dict) for v in raw.values()):
            raise ValueError("not an object of objects")
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(
            f"cannot read the metadata ({error})",
            where=path,
            hint="Copy the file anew, or remove it: it is optional",
        ) from error
    return {str(speaker): _clean(str(speaker), entry, notes) for speaker, entry in raw.items()}


def _clean(speaker: str, entry: dict[str, Any], notes: list[str] | None) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in entry.items():
        if key == "age":
            text = str(value).strip()
            out[key] = int(text) if text.isdecimal() and len(text) < 9 and 1 <= int(text) <= 120 else None
            if out[key] is None and notes is not None and text.isdigit():
                notes.append(f"speaker {speaker}: an age of {text} cannot be")
        elif isinstance(value, str):
            text = value.strip().rstrip("?").strip()
            if key == "recordingroom":
                text = text.lower().replace("romm", "room")
            elif key in ("accent", "gender", "native speaker"):
                text = text.replace("_", " ").lower()
            out[key] = text
        else:
            out[key] = value
    return out


# ------------------------------------------------------------------------------------------ handwritten digits


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


def read_idx(path: str | os.PathLike) -> np.ndarray:
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
    folder = _fetched("mnist")
    pixels = read_idx(folder / f"{stem}-images-idx3-ubyte")
    labels = read_idx(folder / f"{stem}-labels-idx1-ubyte")
    if pixels.shape[1:] != (28, 28) or labels.shape != pixels.shape[:1] or labels.max(initial=0) > 9:
        raise DataError("images and labels do not fit together", where=folder, hint="Run `a2d data fetch mnist` again")
    if len(labels) == 0:
        raise DataError("there are no images in it", where=folder, hint="Run `a2d data fetch mnist` again")
    return Images(name, pixels, labels.astype(np.int64))


def enlarge(small: np.ndarray, box: int = 20, size: int = 28) -> np.ndarray:
    """Enlarge ``(n, 8, 8)`` values in [0, 1] to uint8 ``(n, 28, 28)``: bilinear to ``box``, then a black border."""
    n, height = small.shape[:2]
    scale = np.linspace(0, height - 1, box)
    low = np.minimum(np.floor(scale).astype(int), height - 2)
    weights = np.zeros((box, height))
    weights[np.arange(box), low] = 1 - (scale - low)
    weights[np.arange(box), low + 1] = scale - low
    big = np.einsum("ai,nij,bj->nab", weights, small, weights)
    # Bilinear enlargement washes strokes out; a steeper grey curve gives them MNIST's contrast back.
    big = np.clip((big - 0.15) / 0.6, 0, 1)
    out = np.zeros((n, size, size), np.uint8)
    start = (size - box) // 2
    out[:, start : start + box, start : start + box] = np.round(255 * big)
    return out


def _builtin_images(part: str) -> Images:
    from sklearn.datasets import load_digits

    digits = load_digits()
    labels = digits.target.astype(np.int64)
    rank = np.zeros(len(labels), int)
    for c in range(10):
        members = np.flatnonzero(labels == c)
        rank[members] = np.arange(len(members))
    keep = (rank % 5 == 4) == (part == "test")
    return Images("builtin", enlarge(digits.images[keep] / 16.0), labels[keep])


# ----------------------------------------------------------------------------------------------------- splits


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
        raise DataError(
            f"there is no speaker {', '.join(unknown) or '(none named)'}",
            where="split",
            hint=f"The speakers are {', '.join(sorted(set(speakers.tolist())))}",
        )
    held = np.isin(speakers, list(test))
    rest = np.random.default_rng(seed).permutation(np.flatnonzero(~held))
    n_val = round(val_share * len(rest))
    if n_val < 1 or len(rest) - n_val < 1:
        raise DataError("no other speaker is left to train on", where="split", hint="Hold out fewer speakers")
    return Split(np.sort(rest[n_val:]), np.sort(rest[:n_val]), np.flatnonzero(held))


def speaker_groups(speakers: np.ndarray, name: str, seed: int, groups: int = 5) -> list[list[str]]:
    """Groups of speakers to hold out in turn: Audio-MNIST's five published folds for its 60 speakers, else one
    speaker at a time where there are at most ten, else ``groups`` random groups.
    """
    names = sorted(set(speakers.tolist()))
    if names == [f"{i:02d}" for i in range(1, 61)] and name != "builtin":
        return [[f"{i:02d}" for i in fold] for fold in AUDIOMNIST_FOLDS.values()]
    if len(names) <= 10:
        return [[n] for n in names]
    order = np.random.default_rng(seed).permutation(names)
    return [sorted(part.tolist()) for part in np.array_split(order, groups)]


# The folds published with Audio-MNIST (Becker et al. 2018, arXiv:1807.03418): test on k, validate on the one before.
AUDIOMNIST_FOLDS: dict[str, tuple[int, ...]] = {
    "A": (5, 13, 18, 22, 26, 32, 33, 42, 45, 51, 52, 60),
    "B": (1, 6, 7, 16, 19, 23, 28, 34, 35, 46, 53, 56),
    "C": (2, 8, 9, 17, 24, 29, 36, 37, 39, 48, 54, 57),
    "D": (3, 10, 14, 20, 25, 30, 38, 40, 43, 49, 55, 58),
    "E": (4, 11, 12, 15, 21, 27, 31, 41, 44, 47, 50, 59),
}


# ------------------------------------------------------------------------------------------------------ check


@dataclass(frozen=True)
class Checked:
    """What :func:`check_folder` found: ``problems`` that keep a folder from being used, ``notes``, and a summary."""

    problems: tuple[str, ...]
    notes: tuple[str, ...]
    summary: str


def check_folder(folder: str | os.PathLike) -> Checked:
    """Read every recording of a folder and list all that is wrong with it.

    Names that do not fit, takes that are there twice, recordings that cannot be used; as notes, gaps and oddities.
    """
    folder = Path(folder)
    if not os.path.isdir(folder):
        raise DataError("there is no such folder", where=folder, hint="Name a folder of recordings")
    problems: list[str] = []
    data = _index(folder, folder.resolve().name, problems)
    notes, seconds = list(data.notes), []
    for r in data.recordings:
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", audio.AudioWarning)
                seconds.append(audio.load(r.path).seconds)
            notes += [str(w.message) for w in caught if issubclass(w.category, audio.AudioWarning)]
        except audio.AudioError as error:
            problems.append(str(error))
    counts = {}
    for r in data.recordings:
        counts[r.speaker, r.digit] = counts.get((r.speaker, r.digit), 0) + 1
    usual = max(set(counts.values()), key=list(counts.values()).count, default=0)
    for speaker in data.speaker_names:
        odd = [f"{counts.get((speaker, d), 0)} of digit {d}" for d in range(10) if counts.get((speaker, d), 0) != usual]
        if odd:
            notes.append(f"speaker {speaker}: {', '.join(odd)} (others: {usual})")
    span = f", {min(seconds):.2f} to {max(seconds):.2f} s" if seconds else ""
    summary = f"{len(data)} recordings, {len(data.speaker_names)} speakers{span}: "
    summary += f"{len(problems)} problem{'s' if len(problems) != 1 else ''}" if problems else "nothing is wrong"
    return Checked(tuple(problems), tuple(notes), summary)
