"""What a data set consists of, file by file, and whether a folder holds just that.

A manifest is a JSON file in ``a2d/manifests``. One of ``"check": "content"`` has the size and the sha256 of each
file, and a hash over that list; one of ``"check": "structure"`` only describes the names and the sampling rate; one of
``"check": "whole"`` describes the names, too, and has one hash: of the archive, or over all that is in it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from a2d.errors import AudioError
from a2d.io.containers import check_whole

MARKER = ".a2d-verified.json"


class Entry(TypedDict, total=False):
    """What is known of one file; nothing, where only the structure of a data set is."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The ``files`` of a data set by relative POSIX path, how they are checked, and the hash of the manifest itself.

    Where the names are not known one by one, ``files`` is empty and ``pattern`` is what they match, from the beginning
    to the end; ``archive_sha256`` is the hash of the only archive that is taken.
    """

    check: str
    files: dict[str, Entry]
    digest: str
    content_sha256: str | None = None
    rate: int | None = None
    pattern: str | None = None
    archive_sha256: str | None = None

    def __contains__(self, name: str) -> bool:
        """Whether a file of this name belongs to the data set."""
        return name in self.files if self.pattern is None else re.fullmatch(self.pattern, name) is not None

    def names(self, folder: Path) -> list[str]:
        """The names of the data set's files, sorted where they are those that are found in ``folder``."""
        return list(self.files) if self.pattern is None else sorted(n for n in walk(folder) if n in self)


def walk(folder: Path) -> Iterator[str]:
    """The relative POSIX paths of all files in a folder, but for what file managers leave."""
    for here, _, names in os.walk(folder):
        prefix = Path(here).relative_to(folder).as_posix() + "/"
        yield from (prefix.removeprefix("./") + name for name in names if not is_junk(name))


def read(path: Path) -> Manifest:
    """Read a manifest. Errors: OSError, ValueError and KeyError for one that is damaged."""
    raw = path.read_bytes()
    data = json.loads(raw)
    of = {"content": lambda: data["files"], "structure": lambda: _structure(data), "whole": dict}
    files, digest = of[data["check"]](), hashlib.sha256(raw).hexdigest()
    more = {key: data.get(key) for key in ("content_sha256", "rate", "pattern", "archive_sha256")}
    return Manifest(data["check"], files, digest, **more)


def _structure(data: dict[str, Any]) -> dict[str, Entry]:
    """The names of an Audio-MNIST layout; nothing is known about what the files hold."""
    speakers, digits, takes = range(1, data["speakers"] + 1), range(data["digits"]), range(data["takes"])
    names = (f"data/{s:02d}/{digit}_{s:02d}_{take}.wav" for s in speakers for digit in digits for take in takes)
    return {name: {} for name in (data["metadata"], *names)}


def is_junk(name: str) -> bool:
    """Whether a file is one that file managers leave behind, or our marker."""
    return name.startswith(".") or name in ("Thumbs.db", "desktop.ini")


def is_intact(manifest: Manifest, folder: Path) -> bool:
    """Whether a folder has the marker of this very manifest and still every file; reads none of them."""
    try:
        marker = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        if marker["manifest"] != manifest.digest:
            return False
        if manifest.pattern is not None:
            return marker["files"] == [(folder / name).stat().st_size for name in manifest.names(folder)]
        sizes = {name: os.stat(f"{folder}/{name}").st_size for name in manifest.files}
        return all(sizes[name] == entry.get("size", sizes[name]) for name, entry in manifest.files.items())
    except (OSError, ValueError, KeyError, TypeError):
        return False


def findings(manifest: Manifest, folder: Path) -> list[str]:
    """Read every file and say which are wrong, missing or do not belong, with counts; an empty list if all is well."""
    if manifest.pattern is not None:
        return _whole_findings(manifest, folder)
    missing = [name for name in manifest.files if not os.path.isfile(folder / name)]
    looked_at = {n: _file_problem(folder / n, manifest, n) for n in sorted(manifest.files.keys() - set(missing))}
    wrong = [f"{name}: {problem}" for name, problem in looked_at.items() if problem]
    # A list that was edited by hand does not pass.
    lines = "".join(f"{name.rsplit('/', 1)[-1]} {e.get('sha256')}\n" for name, e in sorted(manifest.files.items()))
    if manifest.content_sha256 not in (None, hashlib.sha256(lines.encode()).hexdigest()):
        wrong.append("the hash over all files")
    of = f" of {len(manifest.files):,}"
    found = [(wrong, of, "differ from what they should be"), (missing, of, "are missing")]
    found += [(_surplus(manifest, folder), "", "do not belong to it")]
    return [f"{len(names):,}{of} files {what} ({first(names)})" for names, of, what in found if names]


def contents(manifest: Manifest, folder: Path) -> dict[str, Any]:
    """What a folder holds of a data set whose files are not known one by one: their sizes in order, and one hash."""
    names = manifest.names(folder)
    lines = []
    for name in names:
        with open(folder / name, "rb") as stream:
            lines.append(f"{name} {hashlib.file_digest(stream, 'sha256').hexdigest()}\n")
    sizes = [(folder / name).stat().st_size for name in names]
    return {"files": sizes, "content_sha256": hashlib.sha256("".join(lines).encode()).hexdigest()}


def _whole_findings(manifest: Manifest, folder: Path) -> list[str]:
    """As :func:`findings`, where only a hash over everything is known: from the manifest, or from when it was fetched.

    A folder of which neither knows a hash cannot be told from another: that is a finding, too.
    """
    there, expected = contents(manifest, folder), manifest.content_sha256
    if expected is None:
        try:
            marker = json.loads((folder / MARKER).read_text(encoding="utf-8"))
            expected = marker["content_sha256"] if marker["manifest"] == manifest.digest else None
        except (OSError, ValueError, KeyError, TypeError):
            expected = None
    n, surplus = len(there["files"]), _surplus(manifest, folder)
    found = [] if there["content_sha256"] == expected else [f"the hash over its {n:,} files is not the known one"]
    if expected is None:
        found = [f"nothing is known to check its {n:,} files by; only the archive is checked"]
    return found + ([f"{len(surplus):,} files do not belong to it ({first(surplus)})"] if surplus else [])


def first(names: list[str]) -> str:
    """The first five names of many."""
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


def _surplus(manifest: Manifest, folder: Path) -> list[str]:
    """What does not belong in the data set's own top folders; a README or licence beside them is nobody's."""
    found: set[str] = set()
    known = manifest.names(folder)
    for top in {name.split("/")[0] if "/" in name else "" for name in known}:
        for here, folders, names in os.walk(folder / top):
            if not top:
                folders.clear()
            prefix = Path(here).relative_to(folder).as_posix() + "/"
            found.update(prefix.removeprefix("./") + name for name in names if not is_junk(name))
    return sorted(found - set(known))


def _file_problem(path: Path, manifest: Manifest, name: str) -> str | None:
    entry = manifest.files[name]
    try:
        size = path.stat().st_size
        if manifest.check != "content":
            return wav_problem(path, manifest.rate) if path.suffix == ".wav" else (None if size else "is empty")
        if size != entry["size"]:
            return f"{size:,} bytes, not {entry['size']:,}"
        with open(path, "rb") as stream:
            same = hashlib.file_digest(stream, "sha256").hexdigest() == entry["sha256"]
        return None if same else "another sha256"
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"


def wav_problem(path: Path, rate: int | None) -> str | None:
    """What is wrong with the header of a WAV file, or ``None``; the samples are not looked at."""
    import soundfile

    try:
        facts = soundfile.info(os.fspath(path))
        check_whole(path)
    except soundfile.LibsndfileError:
        return "not a WAV file"
    except AudioError:
        return "cut short"
    if not facts.format.startswith("WAV"):
        return "not a WAV file"
    if facts.samplerate != rate:
        return f"{facts.samplerate} Hz, not {rate} Hz"
    return None if facts.frames else "no samples"
