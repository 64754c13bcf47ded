"""What lies in a folder or a zip that a teacher gives: nothing here is followed, run or unpacked to disk.

A file's bytes are read when they are asked for, and never more of them than its limit. What is found depends on names,
sizes and the contents of students' zips alone: it is the same for a folder and a zip of it, in any order.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import re
import stat
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from teach.grading.model import GradingError

NOTEBOOK, ZIP = ".ipynb", ".zip"
SMALLER = "Ask for the notebook with its outputs cleared"
# Made by systems and tools, not by students.
_JUNK = {
    *("__MACOSX", "__pycache__", "node_modules", "venv", "Thumbs.db", "desktop.ini", ".DS_Store", ".cache", ".git"),
    *(".gitattributes", ".gitignore", ".idea", ".ipynb_checkpoints", ".ipython", ".jupyter", ".local", ".mypy_cache"),
    *(".pytest_cache", ".ruff_cache", ".venv", ".virtual_documents", ".vscode"),
}
_VENV = {"bin", "Scripts", "lib", "Lib", "lib64", "include", "Include", "share", "etc", "pyvenv.cfg", "CACHEDIR.TAG"}


_LONGEST_PATH, _DEEPEST = 4096, 50
_ENTRY_BYTES = 1000  # more than an entry of a zip's table of contents has on average
_PIECE = 1 << 16
_BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # they turn text around
# What zipfile raises for damaged archives.
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, LookupError)


@dataclass(frozen=True)
class Limits:
    """What a submission may have at most; what is over a limit is not read, and is told as a problem.

    ``notebook_bytes`` of a notebook (the course's have at most 1 MB, with outputs), ``zip_bytes`` of a student's own
    zip as it was handed in, ``student_bytes`` of all notebooks of a student, ``student_files`` notebooks of a student,
    ``student_entries`` files and folders in a student's zip, ``student_problems`` that are listed for a student,
    ``entries`` files and folders in all that the teacher gives.
    """

    notebook_bytes: int = 20_000_000
    zip_bytes: int = 100_000_000
    student_bytes: int = 100_000_000
    student_files: int = 200
    student_entries: int = 10_000
    student_problems: int = 50
    entries: int = 200_000


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A file or folder: its path, made readable, its size, how to read it, and what is wrong with it and what to do."""

    parts: tuple[str, ...]
    size: int = 0
    load: Callable[[int], bytes] | None = None
    trouble: tuple[str, str] | None = None
    folder: bool = False

    def has(self, *endings: str) -> bool:
        return not self.folder and self.parts[-1].casefold().endswith(endings)


_LINK = ("this is a symbolic link, and links are not followed", "Ask for the file itself")
_SPECIAL = ("this is not a regular file (a pipe, socket or device)", "Ask for the file itself")
UNSAFE = ("its path is absolute, leads out of its folder, or is too long or deep", "Ask for a zip made of the files")
_NESTED = ("this zip lies in a zip that lies in the submission, and is not opened", "Ask for the notebooks themselves")
_ENCRYPTED = ("this file is encrypted", "Ask for it without a password")
_METHOD = ("this file is compressed in an unusual way", "Ask for an ordinary zip (deflate), or for the notebook")
_BROKEN = ("this zip is damaged, cut short, or no zip at all", "Ask for it again, or for the notebooks themselves")


class _TooManyError(ValueError):
    """More entries than the limit allows."""


def everything(path: Path, limits: Limits) -> tuple[str, list[Entry]]:
    """The name of what the teacher gave, and all that is in it."""
    advice = "Give the folder or the zip with the students' notebooks"
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return Path(os.path.abspath(path)).name, _walk(os.fspath(path), limits.entries)
        if not stat.S_ISREG(mode):
            raise GradingError("this is neither a folder nor a zip", where=path, hint=advice)
        if path.suffix.casefold() == NOTEBOOK:
            raise GradingError("this is a notebook", where=path, hint="Give the folder that it lies in")
        return path.stem, _members(_open_zip(open(path, "rb"), limits.entries))
    except _TooManyError:
        told = f"there are more than {limits.entries:,} files and folders in it"
        raise GradingError(told, where=path, hint="Take out what is not a submission") from None
    except _DAMAGED:
        raise GradingError("this is not a zip, or a damaged one", where=path, hint=advice) from None
    except OSError as error:
        raise GradingError(f"this cannot be read ({error.strerror or error})", where=path, hint=advice) from error


def _walk(root: str, most: int) -> list[Entry]:
    """All below a folder; what tools leave behind is not entered, and links are not followed."""
    found: list[Entry] = []

    def refused(error: OSError) -> None:
        if error.filename == root:
            raise error
        trouble = (f"this folder cannot be read ({error.strerror or error})", "Give yourself the right to read it")
        found.append(replace(_entry(os.fsencode(os.path.relpath(error.filename, root))), folder=True, trouble=trouble))

    for here, folders, names in os.walk(root, onerror=refused):
        raw = b"" if here == root else os.fsencode(os.path.relpath(here, root)) + b"/"
        below = {name: _disk_entry(os.path.join(here, name), raw + os.fsencode(name)) for name in [*folders, *names]}
        found += below.values()
        if len(found) > most:
            raise _TooManyError
        venv = "pyvenv.cfg" in names
        folders[:] = [name for name in folders if not below[name].trouble and not _is_junk(name, venv)]
    return found


def _disk_entry(path: str, raw: bytes) -> Entry:
    entry = _entry(raw)
    if entry.trouble:
        return entry
    try:
        found = os.lstat(path)
    except OSError as error:
        return replace(entry, trouble=(f"this cannot be read ({error.strerror or error})", "Copy the folder again"))
    # Windows has a second kind of link to folders, which Python 3.12 and later can tell.
    if stat.S_ISLNK(found.st_mode) or getattr(os.path, "isjunction", lambda _: False)(path):
        return replace(entry, trouble=_LINK)
    if stat.S_ISDIR(found.st_mode):
        return replace(entry, folder=True)
    if not stat.S_ISREG(found.st_mode):
        return replace(entry, trouble=_SPECIAL)
    if not os.access(path, os.R_OK):
        return replace(entry, trouble=("you may not read this file", "Give yourself the right to read it"))
    return replace(entry, size=found.st_size, load=functools.partial(_load_path, path))


def _load_path(path: str, limit: int) -> bytes:
    """The bytes of a regular file; neither follows a link nor waits at a pipe that took the file's place."""
    flags = [getattr(os, name, 0) for name in ("O_RDONLY", "O_NOFOLLOW", "O_NONBLOCK", "O_BINARY")]
    with open(os.open(path, sum(flags)), "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise OSError("it is no longer a regular file")
        return _take(stream, limit)


def _take(stream: IO[bytes], limit: int) -> bytes:
    """All bytes of a stream; raises :class:`GradingError` as soon as there are more than ``limit``."""
    data = bytearray()
    while piece := stream.read(_PIECE):
        data += piece
        if len(data) > limit:
            raise GradingError(f"this file is longer than the {limit:,} bytes that are read", hint=SMALLER)
    return bytes(data)


def _entry(raw: bytes) -> Entry:
    """An entry of a path in bytes, as a zip or a disk has it; an unsafe path is one part, and in trouble."""
    text = "/".join(map(_decode, raw.split(b"/")))
    # Some programs on Windows write backslashes; splitting there also unmasks "..\\..".
    parts = [part for part in text.replace("\\", "/").split("/") if part not in ("", ".")]
    outside = text.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", text) or ".." in parts
    if outside or not parts or len(text) > _LONGEST_PATH or len(parts) > _DEEPEST:
        return Entry((re.sub(r"[/\\:]", "_", _readable(text)) or "(no name)",), trouble=UNSAFE)
    return Entry(tuple(_readable(part) for part in parts))


def _decode(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp437")  # what the zip format says of names that are not marked as UTF-8


def _readable(text: str) -> str:
    """A name on one line; what would break the line or turn the text around is written as an escape."""
    text = unicodedata.normalize("NFC", text)
    if text.isascii() and text.isprintable():
        return text
    hidden = {c for c in text if c in _BIDI or unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")}
    return "".join(f"\\u{ord(c):04x}" if c in hidden else c for c in text)


# ------------------------------------------------------------------------------------------------- zips


class _Guarded:
    """A stream from which ``zipfile`` cannot take a table of contents of more than ``entries``: it would fill memory.

    ``zipfile`` reads the table in one piece, and makes an object of each entry before anything can be checked.
    """

    def __init__(self, stream: IO[bytes], entries: int):
        self._stream, self.entries = stream, entries
        self.opening = True
        self.seek, self.tell, self.seekable = stream.seek, stream.tell, stream.seekable

    def read(self, size: int = -1) -> bytes:
        if self.opening and size > self.entries * _ENTRY_BYTES:
            raise _TooManyError
        data = self._stream.read(size)
        if self.opening and data.count(b"PK\x01\x02") > self.entries:
            raise _TooManyError
        return data

    def close(self) -> None:
        self._stream.close()

    def __del__(self) -> None:
        self.close()


def _open_zip(stream: IO[bytes], entries: int) -> zipfile.ZipFile:
    """Open a zip that stays open as long as somebody holds it; raises one of ``_DAMAGED``, or OSError."""
    guarded: Any = _Guarded(stream, entries)
    archive = zipfile.ZipFile(guarded)
    guarded.opening = False
    return archive


def _members(archive: zipfile.ZipFile) -> list[Entry]:
    return [_member_entry(info, functools.partial(_load_member, archive, info)) for info in archive.infolist()]


def _member_entry(info: zipfile.ZipInfo, load: Callable[[int], bytes]) -> Entry:
    # zipfile tidies ``filename`` up, differently from version to version; ``orig_filename`` is what the zip says.
    name = info.orig_filename
    entry = _entry(name.encode("utf-8" if info.flag_bits & 0x800 else "cp437"))
    kind = stat.S_IFMT(info.external_attr >> 16)
    if entry.trouble:
        return entry
    if kind == stat.S_IFLNK:
        return replace(entry, trouble=_LINK)
    if name.endswith(("/", "\\")) or kind == stat.S_IFDIR:
        return replace(entry, folder=True)
    if kind not in (0, stat.S_IFREG):
        return replace(entry, trouble=_SPECIAL)
    # The other methods can make gigabytes of one small piece before a limit is seen.
    usual = info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    trouble = _ENCRYPTED if info.flag_bits & 1 else None if usual else _METHOD
    return replace(entry, size=info.file_size, load=load, trouble=trouble)


def _load_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> bytes:
    with archive.open(info) as stream:
        return _take(stream, limit)


def student_zip(entry: Entry, limits: Limits) -> zipfile.ZipFile:
    """Open a student's zip in memory; raises :class:`GradingError` with what is wrong."""
    if entry.size > limits.zip_bytes:
        told = f"this zip has {entry.size:,} bytes, more than the {limits.zip_bytes:,} allowed"
        raise GradingError(told, hint=SMALLER)
    with _told(_BROKEN):
        data = _load(entry, limits.zip_bytes)
        if data[:80].lstrip().startswith(b"{"):
            raise GradingError("this is not a zip; it may be a notebook", hint=f"Rename it to end in {NOTEBOOK}")
        try:
            return _open_zip(io.BytesIO(data), limits.student_entries)
        except _TooManyError:
            told = f"this zip has more than {limits.student_entries:,} files and folders in it"
            raise GradingError(told, hint="Ask for the notebooks themselves") from None


def inside(entry: Entry, opened: Callable[[Entry], zipfile.ZipFile]) -> tuple[list[Entry], list[str]]:
    """What is in a student's zip, and the names of what programs left there; raises as ``opened`` does."""
    infos = opened(entry).infolist()
    found = [_member_entry(info, functools.partial(_load_nested, opened, entry, at)) for at, info in enumerate(infos)]
    kept, left = without_junk(found)
    return [replace(one, trouble=one.trouble or _NESTED) if one.has(ZIP) else one for one in kept], [*left]


def _load_nested(opened: Callable[[Entry], zipfile.ZipFile], entry: Entry, at: int, limit: int) -> bytes:
    archive = opened(entry)
    return _load_member(archive, archive.infolist()[at], limit)


# ------------------------------------------------------------------------------------------------- reading


@contextlib.contextmanager
def _told(damaged: tuple[str, str]) -> Iterator[None]:
    """Whatever hinders reading becomes a :class:`GradingError`."""
    try:
        yield
    except _DAMAGED as error:
        raise GradingError(damaged[0], hint=damaged[1]) from error
    except OSError as error:
        told = f"this cannot be read ({error.strerror or error})"
        raise GradingError(told, hint="Copy the submissions again") from error


def _load(entry: Entry, limit: int) -> bytes:
    if entry.trouble or entry.load is None:
        what, hint = entry.trouble or _SPECIAL
        raise GradingError(what, hint=hint)
    return entry.load(limit)


def read(entry: Entry, where: str, limit: int) -> bytes:
    """The bytes of a notebook; raises :class:`GradingError`, with ``where``, for whatever hinders that."""
    try:
        with _told(("this file is damaged", "Ask for it again")):
            data = _load(entry, limit)
    except GradingError as error:
        raise GradingError(error.what, where=where, hint=error.hint) from error.__cause__
    if data.startswith(b"PK\x03\x04"):
        raise GradingError("this is a zip with the name of a notebook", where=where, hint="Rename it to end in .zip")
    return data


def _is_junk(name: str, in_venv: bool) -> bool:
    return name in _JUNK or name.startswith("._") or (in_venv and name in _VENV)


def without_junk(entries: Sequence[Entry]) -> tuple[list[Entry], dict[str, int]]:
    """Leave out what systems and tools made, and tell its names and how often each is there.

    The folder that it lay in stays, as it tells that a student is there.
    """
    venvs = {entry.parts[:-1] for entry in entries if entry.parts[-1] == "pyvenv.cfg"}
    kept, left = [], set()
    for entry in entries:
        parts = entry.parts
        cut = next((n for n, part in enumerate(parts) if _is_junk(part, bool(venvs) and parts[:n] in venvs)), None)
        if cut is None:
            kept.append(entry)
        else:
            left.add(parts[: cut + 1])
    kept += [Entry(parts, folder=True) for parts in sorted({parts[:-1] for parts in left if len(parts) > 1})]
    counts = Counter("._*" if parts[-1].startswith("._") else parts[-1] for parts in left)
    return kept, dict(sorted(counts.items()))
