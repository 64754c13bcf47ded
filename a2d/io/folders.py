"""From a folder to a list of recordings: the three layouts, the metadata, and what does not belong there.

A folder may hold Audio-MNIST's layout, ``[data/]NN/{digit}_{NN}_{take}.wav`` with any number of speakers and takes,
with or without ``audioMNIST_meta.txt``; or FSDD's, ``[recordings/]{digit}_{speaker}_{take}.wav``; or that of Speech
Commands, ``{word}/{speaker}_nohash_{take}.wav`` with words from ``zero`` to ``nine``; its other words are passed over.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from a2d.errors import AudioError, DataError
from a2d.io.manifest import first

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_READ = (".wav", ".flac", ".ogg", ".mp3")
_OTHER_SOUNDS = (".aac", ".aif", ".aiff", ".amr", ".au", ".caf", ".m4a", ".opus", ".webm", ".wma")

Metadata = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Recording:
    """One spoken digit: the file, what is said (0-9), who says it, and which take it is."""

    path: Path
    digit: int
    speaker: str
    take: int


@dataclass(frozen=True)
class Listing:
    """What a folder of recordings holds, sorted by speaker, digit and take.

    ``strays`` are files among the recordings that are no sound files, ``notes`` say what is odd, ``problems`` what
    keeps the folder from being used.
    """

    root: Path
    recordings: tuple[Recording, ...]
    metadata: Metadata
    notes: tuple[str, ...]
    problems: tuple[str, ...]
    strays: tuple[Path, ...]

    def passed_over(self) -> str:
        """One sentence that names the strays."""
        names = [path.relative_to(self.root).as_posix() for path in self.strays]
        what = "1 file that is no sound is" if len(names) == 1 else f"{len(names)} files that are no sound are"
        return f"{self.root}: {what} passed over ({first(names)}). See `a2d data check` for this folder."


@dataclass(frozen=True)
class Checked:
    """What :func:`check` found: ``problems`` to be mended, ``notes``, and a summary."""

    problems: tuple[str, ...]
    notes: tuple[str, ...]
    summary: str


def scan(root: Path, strict: bool = True) -> Listing:
    """Find out which layout a folder has, and list its recordings. Files whose names begin with a dot do not count.

    Raises :class:`~a2d.errors.DataError` for a folder without recordings and for metadata that cannot be read. A
    file whose name does not fit and a take that is there twice are raised, too, or collected if not ``strict``.
    """
    notes: list[str] = []
    base, paths, metadata = _layout(root, notes)
    found: dict[tuple[str, int, int], Recording] = {}
    problems, strays = [], []
    for path in paths:
        try:
            if (new := _recording(path, nested=path.parent != base)) is None:
                strays.append(path)
            elif (earlier := found.setdefault((new.speaker, new.digit, new.take), new)) is not new:
                what = f"take {new.take} of digit {new.digit} by speaker {new.speaker} is there twice"
                raise DataError(f"{what} (also {earlier.path.name})", where=path, hint="Keep one of the two")
        except DataError as error:
            if strict:
                raise
            problems.append(str(error))
    if not found and not problems and (strict or not strays):
        hint = "Expected [data/]NN/{digit}_{NN}_{take}.wav (Audio-MNIST), {digit}_{speaker}_{take}.wav (FSDD) or "
        hint += "{word}/{speaker}_nohash_{take}.wav (Speech Commands)"
        raise DataError("there are no recordings in this folder", where=root, hint=hint)
    if found and (absent := sorted(set(range(10)) - {r.digit for r in found.values()})):
        notes.append(f"no recording says {', '.join(map(str, absent))}")
    recordings = tuple(found[key] for key in sorted(found))
    return Listing(base, recordings, metadata, tuple(notes), tuple(problems), tuple(strays))


def check(folder: Path, listen: Callable[[Path], tuple[float, list[str]]]) -> Checked:
    """Read every recording of a folder and list all that is wrong with it.

    ``listen`` reads one recording: it gives its duration in seconds and what is odd about it, or raises
    :class:`~a2d.errors.AudioError`.
    """
    if not os.path.isdir(folder):
        raise DataError("there is no such folder", where=folder, hint="Name a folder of recordings")
    listing = scan(folder, strict=False)
    problems, notes, seconds = list(listing.problems), list(listing.notes), []
    for path in listing.strays:
        # Beside the recordings of FSDD's layout a README is at home; among a speaker's it is a mistake.
        stray = notes if path.parent == listing.root else problems
        stray.append(f"{path}: this file does not belong here: it is no sound file. It is passed over.")
    for recording in listing.recordings:
        try:
            length, odd = listen(recording.path)
        except AudioError as error:
            problems.append(str(error))
        else:
            seconds.append(length)
            notes += odd
    counts = Counter((r.speaker, r.digit) for r in listing.recordings)
    usual = max(set(counts.values()), key=list(counts.values()).count, default=0)
    speakers = sorted({r.speaker for r in listing.recordings})
    for speaker in speakers:
        if gaps := [f"{counts[speaker, d]} of digit {d}" for d in range(10) if counts[speaker, d] != usual]:
            notes.append(f"speaker {speaker}: {', '.join(gaps)} (others: {usual})")
    span = f", {min(seconds):.2f} to {max(seconds):.2f} s" if seconds else ""
    summary = f"{len(listing.recordings)} recordings, {len(speakers)} speakers{span}: "
    summary += f"{len(problems)} problem{'s' if len(problems) != 1 else ''}" if problems else "nothing is wrong"
    return Checked(tuple(problems), tuple(notes), summary)


def _layout(root: Path, notes: list[str]) -> tuple[Path, list[Path], Metadata]:
    """The folder that recordings or speakers' folders lie in, all files of theirs, and the metadata."""
    _list(root)  # a folder that may not be read is told at once
    # os.path's functions answer "no" where pathlib's raise: for a folder that may not be entered, for one.
    for folder in (root / "recordings", root):
        if os.path.isdir(folder):
            files = [p for p in _list(folder) if os.path.isfile(p)]
            if any(re.fullmatch(r"\d_[^_/]+_\d+\.\w+", p.name) for p in files):
                return folder, files, {}
    if words := [root / word for word in WORDS if os.path.isdir(root / word)]:
        return root, [p for folder in words for p in _list(folder)], {}
    base = root / "data" if os.path.isdir(root / "data") else root
    folders = [p for p in _list(base) if os.path.isdir(p)]
    metadata = _metadata(base, notes)
    for speaker in sorted(set(metadata) - {f.name for f in folders}):
        notes.append(f"speaker {speaker} has metadata but no recordings")
    if metadata:
        notes += [f"speaker {f.name} has no metadata" for f in folders if f.name not in metadata]
    return base, [p for folder in folders for p in _list(folder)], metadata


def _list(folder: Path) -> list[Path]:
    try:
        return sorted(p for p in folder.iterdir() if not p.name.startswith("."))
    except OSError as error:
        what = f"cannot list this folder ({error.strerror})"
        raise DataError(what, where=folder, hint="Check its permissions") from error


def _recording(path: Path, nested: bool) -> Recording | None:
    """What a file's name says; None for what is no sound file. ``nested``: it lies in a speaker's folder."""
    suffix = path.suffix.lower()
    if suffix in _OTHER_SOUNDS:
        raise DataError(f"sound files of the kind {suffix} are not read", where=path, hint="Convert it to WAV")
    if suffix not in _READ and not os.path.isdir(path):
        return None
    if nested and path.parent.name in WORDS:
        if (match := re.fullmatch(r"([^_]+)_nohash_(\d+)", path.stem)) is None or not os.path.isfile(path):
            what = "this file does not belong here: recordings are named {speaker}_nohash_{take}.wav"
            raise DataError(what, where=path, hint="Rename it, or move it away")
        return Recording(path, WORDS.index(path.parent.name), match[1], int(match[2]))
    match = re.fullmatch(r"(\d)_([^_]+)_(\d+)", path.stem)
    if match is None or not os.path.isfile(path):
        what = "this file does not belong here: recordings are named {digit}_{speaker}_{take}.wav"
        raise DataError(what, where=path, hint="Rename it, or move it away")
    if nested and match[2] != path.parent.name:
        what = f"the name says speaker {match[2]}, the folder says {path.parent.name}"
        raise DataError(what, where=path, hint="Move or rename it")
    return Recording(path, int(match[1]), match[2], int(match[3]))


def _metadata(folder: Path, notes: list[str]) -> Metadata:
    """Read ``audioMNIST_meta.txt`` (JSON keyed by speaker) and clean it; ``{}`` if there is none."""
    path = folder / "audioMNIST_meta.txt"
    if not os.path.exists(path):
        return {}
    try:
        raw = json.loads(path.read_text(encoding="utf-8-sig"))
        if not isinstance(raw, dict) or not all(isinstance(v, dict) for v in raw.values()):
            raise ValueError("not an object of objects")
    except (OSError, ValueError, RecursionError) as error:
        hint = "Copy the file anew, or remove it: it is optional"
        raise DataError(f"cannot read the metadata ({error})", where=path, hint=hint) from error
    return {speaker: _clean(speaker, entry, notes) for speaker, entry in raw.items()}


def _clean(speaker: str, entry: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    """Texts without differences of spelling; the age as an integer, or None where it cannot be a person's."""
    out = dict(entry)
    for key, value in entry.items():
        if isinstance(value, str):
            text = value.strip().strip("? ").replace("_", " ").lower()
            out[key] = text.replace("romm", "room") if key == "recordingroom" else text
    if "age" in entry:
        # The published file has "1234" for one.
        age = str(out["age"])
        out["age"] = int(age) if age.isdecimal() and len(age) < 4 and 1 <= int(age) <= 120 else None
        if out["age"] is None and age.isdigit():
            notes.append(f"speaker {speaker}: an age of {age} cannot be")
    return out
