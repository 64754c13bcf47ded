"""Find what a class handed in: notebooks in a folder, in a folder per student, in a zip, or in an LMS's download.

Only names and sizes are looked at. No notebook is parsed, nothing is run, nothing is unpacked to disk; a file's bytes
are read when they are asked for, and never more of them than its limit. The result depends on names, sizes and the
contents of students' zips alone: it is the same for a folder and a zip of it, on any machine, in any order.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import os
import re
import stat
import unicodedata
import zipfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from teach.grading.model import File, GradingError, Problem, Submission

# The lectures' names: what is left of a file's name without them is the student. A test compares them with the sources.
SLUGS = (
    "00_start_here",
    "01_from_sound_to_numbers",
    "02_two_data_sets",
    "03_autoencoders_and_elbo",
    "04_same_class_random_target",
    "05_training_the_generator",
    "06_the_evaluator",
    "07_annotate_and_fine_tune",
    "08_the_report_reproduced",
)

# Moodle's "download all submissions": a folder per student, or flat files that end in the student's own name for them.
_MOODLE = re.compile(r"(?P<student>.+?)_(?P<number>\d+)_assignsubmission_[a-z]+(?:_(?P<name>.*))?", re.S)
# Canvas: the user's number, then the attachment's. A text typed into Canvas has no attachment; "anon" has no number.
_CANVAS = (
    re.compile(r"(?P<student>.+?)_(?:(?P<late>late)_)?(?P<number>[1-9]\d*)_[1-9]\d*_(?P<name>.+)", re.S | re.I),
    re.compile(r"(?P<student>anon)_(?:(?P<late>late)_)?(?P<number>[a-z0-9]{5})_[1-9]\d*_(?P<name>.+)", re.S | re.I),
    re.compile(r"(?P<student>.+?)_(?:(?P<late>late)_)?(?P<number>[1-9]\d*)_(?P<name>text\.html)", re.S | re.I),
)

_SLUG = re.compile(rf"(?:^|(?<=[-_ .,]))(?:{'|'.join(SLUGS)})(?![A-Za-z0-9])", re.I)
_NUMBER_LAST = re.compile(r"(?P<rest>.*[^-_ .,])[-_ .,]+(?P<token>(?P<number>\d\d)(?:_[a-z0-9_]+)?)", re.S)
_NUMBER_FIRST = re.compile(r"(?P<token>(?P<number>\d\d))(?:[-_ .,]+(?P<rest>.+))?", re.S)
# What browsers and JupyterLab add to the name of a second copy.
_COPY = re.compile(r"(?:[ _]?\(\d+\)|[ _-]+copy[ _]?\d*)+$", re.I)
# Folders that students make inside their own: one of these alone below a folder does not make that folder a class.
_WORK = re.compile(
    r"\d+.*|(?:(?:week|lectures?|lec|exercises?|ex|sheet|hw|lesson|unit|assignment|task)s?[-_ ]?\d*)"
    r"|notebooks?|data|src|work|solutions?|homework|submissions?|files?|figures|code",
    re.I,
)

_MARKS = "-_ .,"

_NOTEBOOK, _ZIP = ".ipynb", ".zip"
# What students hand in instead of a notebook; beside notebooks, other files are more likely the teacher's own.
_INSTEAD = (".py", ".html", ".htm", ".pdf", ".doc", ".docx", ".odt", ".rtf", ".rar", ".7z", ".tar", ".gz", ".tgz")

# Made by systems and tools, not by students.
_JUNK = {
    "__MACOSX",
    "__pycache__",
    "node_modules",
    "venv",
    "Thumbs.db",
    "desktop.ini",
    *(".DS_Store", ".cache", ".git", ".gitattributes", ".gitignore", ".idea", ".ipynb_checkpoints", ".ipython"),
    *(".jupyter", ".local", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".venv", ".virtual_documents", ".vscode"),
}
_VENV = {"bin", "Scripts", "lib", "Lib", "lib64", "include", "Include", "share", "etc", "pyvenv.cfg", "CACHEDIR.TAG"}

_LONGEST_NAME, _LONGEST_PATH, _DEEPEST, _LONGEST_KEY = 200, 4096, 50, 80
_ENTRY_BYTES = 1000  # more than an entry of a zip's table of contents has on average
_PIECE = 1 << 16
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.I)  # no file may be called so on Windows
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


@dataclass(frozen=True)
class Collection:
    """The submissions by (name of the student, key), and all problems; ``by_key`` are the problems of each submission.

    A problem's ``student`` is the student's name, with the number or key behind it where two students have one name;
    ``by_key[""]`` are the problems that belong to nobody.
    """

    submissions: tuple[Submission, ...]
    problems: tuple[Problem, ...]
    by_key: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)


def collect(path: str | os.PathLike[str], limits: Limits | None = None) -> Collection:
    """Find the submissions in a folder or zip; :class:`Limits` are the defaults if none are given.

    Raises :class:`GradingError` if ``path`` itself cannot be used: it does not exist, is neither a folder nor a zip, is
    damaged, has more entries than ``limits.entries``, or holds no notebook at all. Everything else that is wrong with a
    submission is a problem in the result; a notebook that is there but cannot be used has a ``read`` that raises.
    """
    limits = limits or Limits()
    label, entries = _everything(Path(path), limits)
    entries, label = _unwrap(_without_junk(entries), label)
    drafts, nobody = _assign(entries, label)
    opened = functools.lru_cache(maxsize=1)(functools.partial(_open_student_zip, limits=limits))
    made = {owner: _submit(owner, draft, limits, opened) for owner, draft in drafts.items()}
    _tell_lookalikes(made)
    collection = _finish(made, nobody)
    if not any(submission.files for submission in collection.submissions):
        first = next((f"; the first problem: {one.file or one.student}: {one.what}" for one in collection.problems), "")
        raise GradingError(
            f"there is no notebook in it ({len(made)} students{first})",
            where=path,
            hint="Give the folder or the zip with the students' .ipynb files",
        )
    return collection


def listing_seed(collection: Collection) -> int:
    """A number of 31 bits from the names and sizes of what was handed in, and from nothing else."""
    listing = sorted(
        [one.student, one.number, file.name, file.size] for one in collection.submissions for file in one.files
    )
    return zlib.crc32(json.dumps(listing).encode()) & 0x7FFF_FFFF


# ------------------------------------------------------------------------------------------------- what is there


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    """A file or folder that was found.

    ``parts`` is its path, made readable; ``load(limit)`` gives its bytes; ``trouble`` says what is wrong with it, and
    what to do; ``above`` are folders around the student's own.
    """

    parts: tuple[str, ...]
    size: int = 0
    load: Callable[[int], bytes] | None = None
    trouble: tuple[str, str] | None = None
    folder: bool = False
    above: tuple[str, ...] = ()

    def has(self, *endings: str) -> bool:
        return not self.folder and self.parts[-1].casefold().endswith(endings)


_LINK = ("this is a symbolic link, and links are not followed", "Ask for the file itself")
_SPECIAL = ("this is not a regular file (a pipe, socket or device)", "Ask for the file itself")
_UNSAFE = ("its path is absolute, leads out of its folder, or is too long or deep", "Ask for a zip made of the files")
_NESTED = ("this zip lies in a zip that lies in the submission, and is not opened", "Ask for the notebooks themselves")
_ENCRYPTED = ("this file is encrypted", "Ask for it without a password")
_METHOD = ("this file is compressed in an unusual way", "Ask for an ordinary zip (deflate), or for the notebook")
_BROKEN = ("this zip is damaged, cut short, or no zip at all", "Ask for it again, or for the notebooks themselves")


def _everything(path: Path, limits: Limits) -> tuple[str, list[_Entry]]:
    """The name of what the teacher gave, and all that is in it."""
    advice = "Give the folder or the zip with the students' notebooks"
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return Path(os.path.abspath(path)).name, _walk(path, limits)
        if not stat.S_ISREG(mode):
            raise GradingError("this is neither a folder nor a zip", where=path, hint=advice)
        if path.suffix.casefold() == _NOTEBOOK:
            raise GradingError("this is a notebook", where=path, hint="Give the folder that it lies in")
        return path.stem, _members(_open_zip(open(path, "rb"), limits.entries))
    except _TooManyError:
        raise _too_many(path, limits) from None
    except _DAMAGED:
        raise GradingError("this is not a zip, or a damaged one", where=path, hint=advice) from None
    except OSError as error:
        raise GradingError(f"this cannot be read ({error.strerror or error})", where=path, hint=advice) from error


def _too_many(path: Path, limits: Limits, most: str = "") -> GradingError:
    return GradingError(
        f"there are more than {limits.entries:,} files and folders in it{most}",
        where=path,
        hint="Give the folder with the submissions alone, or take out what is not one",
    )


def _walk(root: Path, limits: Limits) -> list[_Entry]:
    """All below a folder; what tools leave behind is not counted, and not entered."""
    found: list[_Entry] = []
    stack: list[tuple[bytes, str]] = [(b"", os.fspath(root))]
    while stack:
        above, folder = stack.pop()
        try:
            children = _children(folder, limits.entries - len(found))
        except OSError as error:
            if not above:
                raise
            trouble = (f"this folder cannot be read ({error.strerror or error})", "Give yourself the right to read it")
            found.append(replace(_entry(above), folder=True, trouble=trouble))
            continue
        except _TooManyError:
            (top, count), *_ = Counter(entry.parts[0] for entry in found).most_common(1) or [("", 0)]
            raise _too_many(root, limits, f" ({count:,} of the first in {top})" if top else "") from None
        venv = any(child.name == "pyvenv.cfg" for child in children)
        for child in children:
            if not _is_junk(child.name, venv):
                entry = _disk_entry(child, above + os.fsencode(child.name))
                found.append(entry)
                if entry.folder and not entry.trouble:
                    stack.append((above + os.fsencode(child.name) + b"/", child.path))
    return found


class _TooManyError(ValueError):
    """More entries than the limit allows."""


def _children(folder: str, most: int) -> list[os.DirEntry[str]]:
    children = []
    with os.scandir(folder) as listing:
        for child in listing:
            children.append(child)
            if len(children) > most:
                raise _TooManyError
    return sorted(children, key=lambda child: child.name)


def _disk_entry(child: os.DirEntry[str], raw: bytes) -> _Entry:
    entry = _entry(raw)
    if entry.trouble:
        return entry
    try:
        # Windows has a second kind of link to folders, which Python 3.12 and later can tell.
        if child.is_symlink() or getattr(child, "is_junction", bool)():
            return replace(entry, trouble=_LINK)
        found = child.stat(follow_symlinks=False)
    except OSError as error:
        return replace(entry, trouble=(f"this cannot be read ({error.strerror or error})", "Copy the folder again"))
    if stat.S_ISDIR(found.st_mode):
        return replace(entry, folder=True)
    if not stat.S_ISREG(found.st_mode):
        return replace(entry, trouble=_SPECIAL)
    if not os.access(child.path, os.R_OK):
        return replace(entry, trouble=("you may not read this file", "Give yourself the right to read it"))
    return replace(entry, size=found.st_size, load=functools.partial(_load_path, child.path))


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
            raise GradingError(f"this file is longer than the {limit:,} bytes that are read", hint=_SMALLER)
    return bytes(data)


_SMALLER = "Ask for the notebook with its outputs cleared"


def _entry(raw: bytes) -> _Entry:
    """An entry of a path in bytes, as a zip or a disk has it; an unsafe path is one part, and in trouble."""
    text = "/".join(map(_decode, raw.split(b"/")))
    # Some programs on Windows write backslashes; splitting there also unmasks "..\\..".
    parts = [part for part in text.replace("\\", "/").split("/") if part not in ("", ".")]
    outside = text.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", text) or ".." in parts
    if outside or not parts or len(text) > _LONGEST_PATH or len(parts) > _DEEPEST:
        return _Entry((re.sub(r"[/\\:]", "_", _readable(text)) or "(no name)",), trouble=_UNSAFE)
    return _Entry(tuple(_readable(part) for part in parts))


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


def _members(archive: zipfile.ZipFile) -> list[_Entry]:
    return [_member_entry(info, functools.partial(_load_member, archive, info)) for info in archive.infolist()]


def _member_entry(info: zipfile.ZipInfo, load: Callable[[int], bytes]) -> _Entry:
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


def _open_student_zip(entry: _Entry, limits: Limits) -> zipfile.ZipFile:
    """Open a zip in memory; raises :class:`GradingError` with what is wrong."""
    if entry.trouble or entry.load is None:
        what, hint = entry.trouble or _SPECIAL
        raise GradingError(what, hint=hint)
    if entry.size > limits.zip_bytes:
        raise GradingError(
            f"this zip has {entry.size:,} bytes, more than the {limits.zip_bytes:,} allowed", hint=_SMALLER
        )
    try:
        data = entry.load(limits.zip_bytes)
        if data[:80].lstrip().startswith(b"{"):
            raise GradingError("this is not a zip; it may be a notebook", hint=f"Rename it to end in {_NOTEBOOK}")
        return _open_zip(io.BytesIO(data), limits.student_entries)
    except _TooManyError:
        what = f"this zip has more than {limits.student_entries:,} files and folders in it"
        raise GradingError(what, hint="Ask for the notebooks themselves") from None
    except _DAMAGED as error:
        raise GradingError(_BROKEN[0], hint=_BROKEN[1]) from error
    except OSError as error:
        why = error.strerror or error
        raise GradingError(f"this zip cannot be read ({why})", hint="Copy the submissions again") from error


def _inside(name: str, entry: _Entry, opened: Callable[[_Entry], zipfile.ZipFile]) -> list[tuple[str, _Entry]]:
    """What is in a student's zip, with names in the submission; or the zip itself, in trouble."""
    try:
        infos = opened(entry).infolist()
    except GradingError as error:
        return [(name, replace(entry, trouble=(error.what, error.hint or "")))]
    found = [_member_entry(info, functools.partial(_load_nested, opened, entry, at)) for at, info in enumerate(infos)]
    found = [replace(one, trouble=one.trouble or _NESTED) if one.has(_ZIP) else one for one in _without_junk(found)]
    members = [("/".join([name, *one.parts]), one) for one in found]
    if any(_MOODLE.fullmatch(one.parts[0]) for one in found):
        trouble = ("this looks like the download of a whole class", "If it is, grade this zip by itself")
        members.append((name, _Entry(entry.parts, trouble=trouble, folder=True)))
    return members


def _load_nested(opened: Callable[[_Entry], zipfile.ZipFile], entry: _Entry, at: int, limit: int) -> bytes:
    archive = opened(entry)
    return _load_member(archive, archive.infolist()[at], limit)


# ------------------------------------------------------------------------------------------------- whose it is


_Note = tuple[str, str, str]  # a problem before its student is known: file, what, hint


@dataclass(frozen=True, order=True)
class _Owner:
    student: str
    number: str = ""


@dataclass
class _Draft:
    """What belongs to one student: pairs of (name in the submission, entry), and problems known so far."""

    files: list[tuple[str, _Entry]] = field(default_factory=list)
    problems: list[_Note] = field(default_factory=list)
    late: bool = False


def _is_junk(name: str, in_venv: bool) -> bool:
    return name in _JUNK or name.startswith("._") or (in_venv and name in _VENV)


def _without_junk(entries: Sequence[_Entry]) -> list[_Entry]:
    """Leave out what systems and tools made; the folder that it lay in stays, as it tells that a student is there."""
    venvs = {entry.parts[:-1] for entry in entries if entry.parts[-1] == "pyvenv.cfg"}
    kept, folders = [], set()
    for entry in entries:
        parts = entry.parts
        cut = next((n for n, part in enumerate(parts) if _is_junk(part, bool(venvs) and parts[:n] in venvs)), None)
        if cut is None:
            kept.append(entry)
        elif cut:
            folders.add(parts[:cut])
    return [*kept, *(_Entry(parts, folder=True) for parts in sorted(folders))]


def _lms(name: str, folder: bool) -> re.Match[str] | None:
    """The parts of a name that Moodle or Canvas gave."""
    return _MOODLE.fullmatch(name) or (
        None if folder else next((found for one in _CANVAS if (found := one.fullmatch(name))), None)
    )


def _is_loose(entry: _Entry) -> bool:
    """Whether it is a file beside the submissions, such as a list of the class, or is nowhere at all."""
    if entry.trouble == _UNSAFE:
        return True
    if len(entry.parts) > 1 or entry.folder or entry.has(_NOTEBOOK, _ZIP, *_INSTEAD):
        return False
    if _lms(entry.parts[0], folder=False):
        return False
    # A link with no ending stands for a student's folder.
    return entry.trouble != _LINK or bool(re.search(r"\.\w{1,5}$", entry.parts[0]))


def _unwrap(entries: list[_Entry], label: str) -> tuple[list[_Entry], str]:
    """Take away folders around the whole class, and folders with an LMS's download each; give the new label too."""
    loose = [entry for entry in entries if _is_loose(entry)]
    rest = [entry for entry in entries if not _is_loose(entry)]
    while len(tops := {entry.parts[0] for entry in rest}) == 1:
        (top,) = tops
        below = [replace(entry, parts=entry.parts[1:]) for entry in rest if len(entry.parts) > 1]
        alone = any(len(entry.parts) == 1 and not entry.folder for entry in rest)
        if alone or not _is_class(top, below, label):
            break
        loose += [entry for entry in below if _is_loose(entry)]
        rest, label = [entry for entry in below if not _is_loose(entry)], top
    if _are_downloads(rest):
        rest = [replace(one, above=one.parts[:1], parts=one.parts[1:]) for one in rest if len(one.parts) > 1]
    return loose + rest, label


def _are_downloads(entries: Sequence[_Entry]) -> bool:
    """Whether all files lie in folders with an LMS's download each; no student's files alone can make it so."""
    files = [entry for entry in entries if not entry.folder]
    below = [one for one in files if len(one.parts) > 1 and not _lms(one.parts[0], folder=True)]
    return 0 < len(files) == len(below) and all(_lms(one.parts[1], len(one.parts) > 2) for one in below)


def _is_class(top: str, below: Sequence[_Entry], label: str) -> bool:
    """Whether the only folder is the class's, not a student's; a class of one can look like either."""
    if _MOODLE.fullmatch(top):
        return False
    if _are_downloads(below) or any(_lms(one.parts[0], one.folder or len(one.parts) > 1) for one in below):
        return True
    folders = {e.parts[0] for e in below if len(e.parts) > 1 and e.has(_NOTEBOOK, _ZIP)}
    folders = {name for name in folders if not _WORK.fullmatch(name)}
    flat = _flat_students(e.parts[0] for e in below if len(e.parts) == 1 and e.has(_NOTEBOOK, _ZIP))
    if "" in flat.values():  # a lecture's notebook as it was handed out
        return len(folders) > 2
    return bool(folders) or len(set(flat.values())) > 1 or (bool(flat) and top.casefold() == label.casefold())


def _assign(entries: Iterable[_Entry], label: str) -> tuple[dict[_Owner, _Draft], list[_Note]]:
    """Give every entry to a student; what belongs to nobody becomes problems (file, what, hint)."""
    drafts: dict[_Owner, _Draft] = defaultdict(_Draft)
    nobody: list[_Note] = []
    nameless: list[str] = []
    entries = sorted(entries, key=lambda entry: (entry.above, entry.parts))
    files = (e.parts[0] for e in entries if len(e.parts) == 1 and e.has(_NOTEBOOK, _ZIP, *_INSTEAD))
    flat = _flat_students(name for name in files if not _lms(name, folder=False))
    for entry in entries:
        top, *below = entry.parts
        if _is_loose(entry):
            nobody.append((_short("/".join([*entry.above, *entry.parts])), *(entry.trouble or _not_a_notebook(top))))
            continue
        found = _lms(top, folder=entry.folder or bool(below))
        if found:
            owner = _Owner(found["student"], found["number"])
            name = [found["name"] or ("" if below else top), *below]
        elif below or top not in flat:
            owner, name = _Owner(top), below or [top]
        else:
            owner, name = _Owner(flat[top] or label), [top]
            nameless += [] if flat[top] else [top]
        draft = drafts[owner]
        draft.late |= bool(found and found.groupdict().get("late"))
        draft.files.append(("/".join([*entry.above, *filter(None, name)]), entry))
    if nameless:
        what = f"no student's name is in {len(nameless)} files' names; they count as handed in by {_short(label)}"
        drafts[_Owner(label)].problems.append((_short(nameless[0]), what, "Name them as in alice_01.ipynb"))
    return drafts, nobody


def _flat_students(names: Iterable[str]) -> dict[str, str]:
    """The student in each file name of a flat folder: what is left without the lecture's name or number; "" if nothing.

    A number is the lecture's only if that joins no files by chance: ``student_01`` and ``student_02`` are two students,
    ``alice-01`` and ``alice-02`` are one if others handed in half of these numbers too, or there is an ``alice``.
    """
    stems = {name: _COPY.sub("", name.rpartition(".")[0].removesuffix(".tar")) for name in set(names)}
    first = [found for stem in stems.values() if (found := _NUMBER_FIRST.fullmatch(stem))]
    numbered = any(int(found["number"]) >= len(SLUGS) for found in first)  # a list of students, then
    students: dict[str, str] = {}
    weak: dict[str, tuple[str, str]] = {}
    tokens, rests = defaultdict(set), defaultdict(set)
    for name, stem in stems.items():
        slug = _SLUG.search(stem)
        found = _NUMBER_LAST.fullmatch(stem) or (None if numbered else _NUMBER_FIRST.fullmatch(stem))
        rest = (_SLUG.sub("", stem) if slug else (found["rest"] or "") if found else stem).strip(_MARKS)
        token = slug[0][:2] if slug else found["token"] if found else ""
        tokens[rest].add(token)
        rests[token].add(rest)
        if slug or not found or not rest:
            students[name] = rest
        else:
            weak[name] = (rest, found["number"])
    joined = {rest for rest in tokens if 2 * sum(len(rests[token]) > 1 for token in tokens[rest]) >= len(tokens[rest])}
    joined |= set(students.values())
    for name, (rest, number) in weak.items():
        alone = len(tokens[rest]) == 1 and int(number) < len(SLUGS)
        students[name] = rest if alone or rest in joined else stems[name]
    return students


# ------------------------------------------------------------------------------------------------- submissions


def _not_a_notebook(name: str) -> tuple[str, str]:
    if _NOTEBOOK in name.casefold():
        return "not a notebook by its name", f"If it is one, rename it to end in {_NOTEBOOK}"
    return "not a notebook", f"Hand in the {_NOTEBOOK}"


def _submit(
    owner: _Owner, draft: _Draft, limits: Limits, opened: Callable[[_Entry], zipfile.ZipFile]
) -> tuple[Submission, list[_Note]]:
    """A submission without its key, and its problems (file, what, hint)."""
    members: list[tuple[str, _Entry]] = []
    for name, entry in draft.files:
        members += _inside(name, entry, opened) if entry.has(_ZIP) else [(name, entry)]
    notebooks, others = _sort_out(members, limits)
    problems = [*draft.problems, *_groups(name for name, _ in notebooks)]
    files = _files(_shown(owner.student), notebooks, limits, problems)
    if not files:
        count = sum(not entry.folder for _, entry in members)
        problems.append(("", f"there is no notebook among the {count:,} files", f"Ask for the {_NOTEBOOK}"))
    problems = _capped(problems, limits) + _capped(others, limits)
    return Submission("", _shown(owner.student), owner.number, tuple(files), draft.late), problems


def _groups(names: Iterable[str]) -> list[_Note]:
    """A note if the folders in a submission hold the same notebook each: they may be students themselves."""
    folders: dict[str, set[str]] = defaultdict(set)
    for name in names:
        first, _, last = name.partition("/")
        if last and not _WORK.fullmatch(first):
            folders[last.rpartition("/")[2]].add(first)
    name, inside = max(folders.items(), key=lambda one: (len(one[1]), one[0]), default=("", set()))
    if len(inside) < 3:
        return []
    what = f"{len(inside):,} folders hold a notebook of this name; they may be students, and this a group of them"
    return [(_short(name), what, "If so, give each group's folder by itself, or put all students' folders into one")]


def _sort_out(members: Iterable[tuple[str, _Entry]], limits: Limits) -> tuple[list[tuple[str, _Entry]], list[_Note]]:
    """The notebooks and zips, in order, those in trouble with it; and the problems of all other files."""
    notebooks, others = [], []
    for name, entry in sorted(members, key=lambda one: (one[0].casefold(), one[0])):
        if entry.has(_NOTEBOOK, _ZIP):
            if not entry.trouble and entry.size > limits.notebook_bytes:
                what = f"this notebook has {entry.size:,} bytes, more than the {limits.notebook_bytes:,} allowed"
                entry = replace(entry, trouble=(what, _SMALLER))
            notebooks.append((name, entry))
        elif entry.trouble or not entry.folder:
            others.append((_short(name), *(entry.trouble or _not_a_notebook(entry.parts[-1]))))
    return notebooks, others


def _files(student: str, notebooks: Sequence[tuple[str, _Entry]], limits: Limits, problems: list[_Note]) -> list[File]:
    """The files of a submission within its limits; adds to ``problems``."""
    files: list[File] = []
    total = 0
    wanted = [_short(name) for name, _ in notebooks]
    for want, name, (_, entry) in zip(wanted, _unique(wanted, _second_file), notebooks, strict=True):
        if len(files) == limits.student_files:
            left = len(notebooks) - len(files)
            what = f"there are more than {len(files):,} notebooks; this one is left out, and {left - 1:,} after it"
            problems.append((name, what, "Ask for the lectures' notebooks alone"))
            break
        if name != want:
            problems.append((name, f"there is more than one {want}", f"This one is called {name} here"))
        total += 0 if entry.trouble else entry.size
        if not entry.trouble and total > limits.student_bytes:
            what = f"with this notebook there are {total:,} bytes, more than the {limits.student_bytes:,} allowed"
            entry = replace(entry, trouble=(what, _SMALLER))
        if entry.trouble:
            problems.append((name, *entry.trouble))
        where = f"{student}: {name}"
        files.append(File(name, entry.size, functools.partial(_read, entry, where, limits.notebook_bytes)))
    return files


def _read(entry: _Entry, where: str, limit: int) -> bytes:
    """The bytes of a notebook; raises :class:`GradingError` for whatever hinders that."""
    if entry.trouble or entry.load is None:
        what, hint = entry.trouble or _SPECIAL
        raise GradingError(what, where=where, hint=hint)
    try:
        data = entry.load(limit)
    except GradingError as error:
        raise GradingError(error.what, where=where, hint=error.hint) from None
    except _DAMAGED as error:
        raise GradingError("this file is damaged", where=where, hint="Ask for it again") from error
    except OSError as error:
        why = error.strerror or error
        raise GradingError(f"this cannot be read ({why})", where=where, hint="Copy the submissions again") from error
    if data.startswith(b"PK\x03\x04"):
        raise GradingError("this is a zip with the name of a notebook", where=where, hint="Rename it to end in .zip")
    return data


def _capped(problems: Sequence[_Note], limits: Limits) -> list[_Note]:
    kept = list(problems[: limits.student_problems])
    if more := len(problems) - len(kept):
        kept.append(("", f"{more:,} more problems of this kind are not listed", "Look at the submission itself"))
    return kept


# ------------------------------------------------------------------------------------------------- names


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 53]}...{name[-50:]}"


def _shown(student: str) -> str:
    return _short(student.strip()) or "(no name)"


def _second_file(name: str, count: int) -> str:
    stem, ending = os.path.splitext(name)
    return f"{stem} ({count}){ending}"


def _unique(names: Sequence[str], again: Callable[[str, int], str]) -> list[str]:
    """The names in their order, none twice, upper and lower case being the same; the first of equals keeps its name."""
    taken: set[str] = set()
    counts: Counter[str] = Counter()
    given = []
    for name in names:
        new = name
        counts[name] += 1
        while new.casefold() in taken:
            new = again(name, max(counts[name], 2))
            counts[name] += 1
        taken.add(new.casefold())
        given.append(new)
    return given


def _keys(owners: Sequence[_Owner]) -> list[str]:
    """A key for each student, from the name and number alone where these are enough to tell students apart."""
    plain = [_plain("_".join(filter(None, (owner.student, owner.number)))) for owner in owners]
    counts = Counter(key.casefold() for key in plain)
    keys = []
    for owner, key in zip(owners, plain, strict=True):
        digest = hashlib.sha256(json.dumps([owner.student, owner.number]).encode()).hexdigest()[:8]
        # A key stays the same when others join the class, so it also tells what the name lost on its way into ASCII.
        plainly = bool(owner.number) or key == owner.student.replace(" ", "-")
        keys.append(key if plainly and counts[key.casefold()] == 1 else f"{key}-{digest}")
    return _unique(keys, lambda key, count: f"{key}-{count}")


def _plain(name: str) -> str:
    """A name in ASCII letters, digits, ``-``, ``_`` and ``.``, with room for what makes it unique."""
    ascii_ = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    key = re.sub(r"[^A-Za-z0-9_.]+", "-", ascii_).strip("-_.")
    room = _LONGEST_KEY - 18
    # The end of a long name is the student's number.
    key = key if len(key) <= room else f"{key[: room - 21]}-{key[-20:]}"
    return f"student-{key}".rstrip("-") if not key or _RESERVED.fullmatch(key) else key


def _tell_lookalikes(made: Mapping[_Owner, tuple[Submission, list[_Note]]]) -> None:
    """Tell of students whose names differ in upper case or spaces only: they may be one person."""
    alike: dict[str, list[_Owner]] = defaultdict(list)
    for owner in made:
        if not owner.number:
            alike[" ".join(owner.student.casefold().split())].append(owner)
    for owner in (one for group in alike.values() if len(group) > 1 for one in group):
        hint = "If it is one person, give the files one name and grade again"
        made[owner][1].append(("", "another student's name differs in upper case or spaces only", hint))


def _finish(made: Mapping[_Owner, tuple[Submission, list[_Note]]], nobody: Sequence[_Note]) -> Collection:
    """Add the keys, put everything in order, and write the problems down under the students' names."""
    names = Counter(submission.student for submission, _ in made.values())
    submissions, by_key = [], {"": tuple(Problem("", *one) for one in nobody)}
    for key, (submission, problems) in zip(_keys(list(made)), made.values(), strict=True):
        student = submission.student
        if names[student] > 1:
            student = f"{student} ({submission.number or key})"
        submissions.append(replace(submission, key=key))
        by_key[key] = tuple(Problem(student, *one) for one in sorted(problems))
    submissions.sort(key=lambda one: (one.student.casefold(), one.key))
    flat = [*by_key[""], *(problem for one in submissions for problem in by_key[one.key])]
    return Collection(tuple(submissions), tuple(flat), by_key)
