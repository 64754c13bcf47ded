"""Find what a class handed in: in a folder or zip that is laid out in one of four ways.

``folders``: a folder (or zip) for each student. ``flat``: the student is what a file's name says beside the lecture's
own. ``moodle`` and ``canvas``: what these let a teacher download, also several downloads side by side.
Only names and sizes are looked at: no notebook is parsed, nothing is run (see :mod:`teach.grading.files`).
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import unicodedata
import zipfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from teach.grading.files import (
    NOTEBOOK,
    SMALLER,
    UNSAFE,
    ZIP,
    Entry,
    Limits,
    everything,
    inside,
    read,
    student_zip,
    without_junk,
)
from teach.grading.marking import age, is_of
from teach.grading.model import File, GradingError, Problem, Submission
from teach.lectures.names import numbers, slugs
from teach.settings import LAYOUTS

_LMS = {
    # Moodle: a folder per student, or flat files that end in the student's own name for them.
    "moodle": (re.compile(r"(?P<student>.+?)_(?P<number>\d+)_assignsubmission_[a-z]+(?:_(?P<name>.*))?", re.S),),
    # Canvas: the user's number, then the attachment's. A typed text has no attachment; "anon" has no number.
    "canvas": (
        re.compile(r"(?P<student>.+?)_(?:(?P<late>late)_)?(?P<number>[1-9]\d*)_[1-9]\d*_(?P<name>.+)", re.S | re.I),
        re.compile(r"(?P<student>anon)_(?:(?P<late>late)_)?(?P<number>[a-z0-9]{5})_[1-9]\d*_(?P<name>.+)", re.S | re.I),
        re.compile(r"(?P<student>.+?)_(?:(?P<late>late)_)?(?P<number>[1-9]\d*)_(?P<name>text\.html)", re.S | re.I),
    ),
}
# What browsers, drives and JupyterLab add to the name of a second copy.
_COPY = re.compile(r"^copy of |(?:[ _]?\(\d+\)|[ _-]+copy[ _]?\d*)+$", re.I)
# What students hand in instead of a notebook; other files beside the notebooks are more likely the teacher's own.
_INSTEAD = (".py", ".html", ".htm", ".pdf", ".doc", ".docx", ".odt", ".rtf", ".rar", ".7z", ".tar", ".gz", ".tgz")
_LONGEST_NAME, _LONGEST_KEY = 200, 80
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.I)  # no file may be called so on Windows

_Note = tuple[str, str, str]  # a problem before its student is known: file, what, hint
_Named = tuple[str, Entry]  # an entry and its name in a submission


@dataclass(frozen=True)
class Collection:
    """The submissions by (name of the student, key), and all problems; ``by_key`` are the problems of each submission.

    A problem's ``student`` is the student's name, with the number or key behind it where two students have one name;
    ``by_key[""]`` are the problems that belong to nobody.
    """

    submissions: tuple[Submission, ...]
    problems: tuple[Problem, ...]
    by_key: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)


def collect(path: str | os.PathLike[str], limits: Limits | None = None, layout: str = "auto") -> Collection:
    """Find the submissions in a folder or zip; :class:`Limits` are the defaults if none are given.

    ``layout``: see above; "auto" takes an LMS's only if every name is as the LMS writes it, else the folders if there
    are any, else the names of the files. Raises :class:`GradingError` for another layout, and if ``path`` itself cannot
    be used: it does not exist, is neither a folder nor a zip, is damaged, has more entries than ``limits.entries``, or
    holds no notebook at all. Everything else that is wrong with a submission is a problem in the result, and so is
    every file that is passed over; a notebook that is there but cannot be used has a ``read`` that raises.
    """
    if layout not in ("auto", *LAYOUTS):
        raise GradingError("there is no such layout", where=layout, hint=f"Use one of auto, {', '.join(LAYOUTS)}")
    limits = limits or Limits()
    label, entries = everything(Path(path), limits)
    entries, left = without_junk(entries)
    owned, late, nobody = _assign(entries, label, layout)
    nobody += [(name, f"left out in {count:,} places, as programs make it", "") for name, count in left.items()]
    opened = functools.lru_cache(maxsize=1)(functools.partial(student_zip, limits=limits))
    made = {owner: _submit(owner, files, owner in late, limits, opened) for owner, files in owned.items()}
    collection = _finish(made, nobody)
    if not any(submission.files for submission in collection.submissions):
        first = next((f"; the first problem: {one.file or one.student}: {one.what}" for one in collection.problems), "")
        told = f"there is no notebook in it ({len(made)} students{first})"
        raise GradingError(told, where=path, hint="Give the folder or the zip with the students' .ipynb files")
    return collection


def listing_seed(collection: Collection) -> int:
    """A number of 31 bits from the names and sizes of what was handed in, and from nothing else."""
    listing = sorted(
        [one.student, one.number, file.name, file.size] for one in collection.submissions for file in one.files
    )
    return zlib.crc32(json.dumps(listing).encode()) & 0x7FFF_FFFF


# ------------------------------------------------------------------------------------------------- whose it is


@dataclass(frozen=True, order=True)
class _Owner:
    student: str
    number: str = ""


def _lms(layout: str, entry: Entry) -> tuple[int, re.Match[str]] | None:
    """Which part of a path an LMS wrote, and what it says; Moodle names folders and files, Canvas files only."""
    first = 0 if layout == "moodle" else len(entry.parts) - 1 + entry.folder
    for at, part in enumerate(entry.parts[first:], first):
        for pattern in _LMS[layout]:
            if found := pattern.fullmatch(part):
                return at, found
    return None


def _is_loose(entry: Entry) -> bool:
    """Whether it is a file beside the submissions, such as a list of the class; a link may stand for a folder."""
    other = entry.folder or entry.has(NOTEBOOK, ZIP, *_INSTEAD)
    return not other and not (entry.trouble and "." not in entry.parts[-1])


def _unwrapped(entries: list[Entry], label: str, layout: str) -> tuple[list[Entry], str]:
    """Without a folder around the whole class, and the name of that.

    It is one if it is called as what was given, as programs that zip a folder write it; or, unless a layout is given,
    if there are only folders in it, and more than one.
    """
    beside = [entry for entry in entries if len(entry.parts) == 1 and _is_loose(entry)]
    rest = [entry for entry in entries if len(entry.parts) > 1 or not _is_loose(entry)]
    if any(len(entry.parts) == 1 for entry in rest) or len({entry.parts[0] for entry in rest}) != 1:
        return entries, label
    top = rest[0].parts[0]
    folders = {entry.parts[1] for entry in rest if len(entry.parts) > 2 or entry.folder}
    files = any(len(entry.parts) == 2 and not entry.folder for entry in rest)
    if _COPY.sub("", label) == top or (layout == "auto" and not files and len(folders) > 1):
        return _unwrapped([*beside, *(replace(entry, parts=entry.parts[1:]) for entry in rest)], top, layout)
    return entries, label


def _choose_lms(entries: Sequence[Entry]) -> tuple[str, list[_Note]]:
    """The LMS that wrote every name, or ""; and a note where one wrote most of them."""
    notes: list[_Note] = []
    for lms in _LMS:
        odd = ["/".join(entry.parts) for entry in entries if not _lms(lms, entry)]
        if entries and not odd:
            return lms, []
        if 2 * len(odd) < len(entries):
            what = f"{len(odd):,} of {len(entries):,} names are not as {lms.title()} writes them, so no name is read so"
            notes.append((_short(odd[0]), what, f"If this is a download of {lms.title()}, give --layout {lms}"))
    return "", notes


def _laid_out(entries: list[Entry], label: str, layout: str) -> tuple[str, list[Entry], str, list[_Note]]:
    """The layout, the entries below the class's own folder, the name of that, and notes."""
    lms, notes = ("", []) if layout in ("folders", "flat") else _choose_lms(entries)
    chosen = layout if layout != "auto" else lms
    if chosen not in _LMS:
        entries, label = _unwrapped(entries, label, layout)
        found = "folders" if any(len(one.parts) > 1 or one.folder for one in entries) else "flat"
        return chosen or found, entries, label, notes
    # Folders around the whole download are not part of a name.
    ends = [(one, place[0] if (place := _lms(chosen, one)) else 0) for one in entries]
    above = [one.parts[:end] for one, end in ends if end]
    shared = [len(set(level)) == 1 for level in zip(*above, strict=False)] if len(above) == len(ends) else []
    around = [*shared, False].index(False)
    return chosen, [replace(one, parts=one.parts[around:]) for one in entries], label, []


def _assign(
    entries: Iterable[Entry], label: str, layout: str
) -> tuple[dict[_Owner, list[_Named]], set[_Owner], list[_Note]]:
    """Pairs of (name in the submission, entry) by student, those who are late, and what belongs to nobody."""
    entries = sorted(entries, key=lambda entry: entry.parts)
    above = {entry.parts[:n] for entry in entries for n in range(1, len(entry.parts))}
    nobody: list[_Note] = [(_short(entry.parts[0]), *UNSAFE) for entry in entries if entry.trouble == UNSAFE]
    # A folder counts where nothing else tells of it.
    leaves = [one for one in entries if one.trouble != UNSAFE and not (one.folder and one.parts in above)]
    chosen, leaves, label, notes = _laid_out(leaves, label, layout)
    files: dict[_Owner, list[_Named]] = defaultdict(list)
    late: set[_Owner] = set()
    nameless = []
    for entry in leaves:
        if (place := _place(entry, chosen)) is None:
            if not entry.folder or entry.trouble:
                nobody.append((_short("/".join(entry.parts)), *(entry.trouble or _unplaced(entry, chosen))))
            continue
        owner, name, is_late = place
        if not owner.student:
            owner = _Owner(label)
            nameless.append(name)
        files[owner].append((name, entry))
        late |= {owner} if is_late else set()
    if nameless:
        what = f"no student's name is in {len(nameless)} files' names; they count as handed in by {_short(label)}"
        nobody.append((_short(nameless[0]), what, f"Name them as in alice_{slugs()[-1]}.ipynb"))
    of_lectures = Counter(tuple(n for n in numbers() if is_of(one.parts[-1], f"{n}.")) for one in leaves)
    if layout == "auto" and chosen == "folders" and len(files) == 1 and max(of_lectures.values()) > 2:
        what = "all that is here lies in this one folder, and counts as one student's"
        nobody.append((_short(leaves[0].parts[0]), what, "If it is the class's, give its own path, or --layout flat"))
    return files, late, [*nobody, *notes, *_nearly_the_same(files)]


def _place(entry: Entry, layout: str) -> tuple[_Owner, str, bool] | None:
    """Whose an entry is ("" if a file's name does not say), its name in the submission, and whether it is late."""
    parts = entry.parts
    if layout in _LMS:
        if (found := _lms(layout, entry)) is None:
            return None
        at, said = found
        own = said["name"] or ("" if entry.folder or at + 1 < len(parts) else parts[at])
        name = "/".join(filter(None, [*parts[:at], own, *parts[at + 1 :]]))
        return _Owner(said["student"], said["number"]), name, bool(said.groupdict().get("late"))
    if layout == "folders" and (len(parts) > 1 or entry.folder):
        return _Owner(parts[0]), "/".join(parts[1:] or parts), False
    if entry.folder or _is_loose(entry):
        return None
    stem = _COPY.sub("", (parts[-1].rpartition(".")[0] or parts[-1]).removesuffix(".tar"))
    student, count = _slug().subn("", stem, count=1)
    return _Owner(student.strip("-_ .,") if count else student), "/".join(parts), False


@functools.cache
def _slug() -> re.Pattern[str]:
    """A lecture's name in a file's; where the lectures' names are not known, its number and at least two words."""
    names = "|".join(slug if len(slug) > 2 else rf"{slug}(?:_[a-z0-9]+){{2,}}" for slug in slugs())
    return re.compile(rf"(?:^|(?<=[-_ .,]))(?:{names})(?![A-Za-z0-9])", re.I)


def _unplaced(entry: Entry, layout: str) -> tuple[str, str]:
    if layout in _LMS and entry.has(NOTEBOOK, ZIP):
        return f"its name is not as {layout.title()} writes it, so it belongs to nobody", "Give it by itself"
    return _not_a_notebook(entry.parts[-1])


def _nearly_the_same(owners: Iterable[_Owner]) -> list[_Note]:
    """Notes of names that differ in digits, spaces or upper case only: they may be one person's."""
    groups: dict[str, list[str]] = defaultdict(list)
    for owner in owners:
        letters = re.sub(r"[\W\d_]+", "", owner.student.casefold())
        if letters and not owner.number:
            groups[letters].append(owner.student)
    return [
        (
            _short(alike[0]),
            f"{len(alike):,} students' names differ in digits, spaces or upper case only: {_short(', '.join(alike))}",
            "If they are one person, put the files into one folder of that name and grade again",
        )
        for alike in groups.values()
        if len(alike) > 1
    ]


# ------------------------------------------------------------------------------------------------- submissions


def _not_a_notebook(name: str) -> tuple[str, str]:
    if NOTEBOOK in name.casefold():
        return "not a notebook by its name", f"If it is one, rename it to end in {NOTEBOOK}"
    return "not a notebook", f"Hand in the {NOTEBOOK}"


def _submit(
    owner: _Owner,
    files: Iterable[_Named],
    late: bool,
    limits: Limits,
    opened: Callable[[Entry], zipfile.ZipFile],
) -> tuple[Submission, list[_Note]]:
    """A submission without its key, and its problems (file, what, hint)."""
    members = [one for name, entry in files for one in _opened(name, entry, opened)]
    members.sort(key=lambda one: (one[0].casefold(), one[0]))
    notebooks = [one for one in members if one[1].has(NOTEBOOK, ZIP)]
    others = [
        (_short(name), *(entry.trouble or _not_a_notebook(entry.parts[-1])))
        for name, entry in members
        if not entry.has(NOTEBOOK, ZIP) and (entry.trouble or not entry.folder)
    ]
    student = _short(owner.student.strip()) or "(no name)"
    found, problems = _files(student, notebooks, limits)
    if not found:
        count = sum(not entry.folder for _, entry in members)
        problems.append(("", f"there is no notebook among the {count:,} files", f"Ask for the {NOTEBOOK}"))
    told = [*_capped(problems, limits), *_capped(others, limits)]
    return Submission("", student, owner.number, tuple(found), late), told


def _opened(name: str, entry: Entry, opened: Callable[[Entry], zipfile.ZipFile]) -> list[_Named]:
    """A file, or what is in a student's zip; of one that cannot be opened, the zip itself, in trouble."""
    if not entry.has(ZIP):
        return [(name, entry)]
    try:
        found, left = inside(entry, opened)
    except GradingError as error:
        return [(name, replace(entry, trouble=(error.what, error.hint or "")))]
    told = []
    if any(_lms("moodle", replace(one, parts=one.parts[:1])) for one in found):
        told.append(("this looks like the download of a whole class", "If it is, grade this zip by itself"))
    if left:
        told.append((f"left out of it, as programs make it: {', '.join(left)}", ""))
    zips = [Entry(entry.parts, trouble=trouble, folder=True) for trouble in told]
    return [("/".join([name, *one.parts]), one) for one in found] + [(name, one) for one in zips]


def _files(student: str, notebooks: Sequence[_Named], limits: Limits) -> tuple[list[File], list[_Note]]:
    """The notebooks of a submission within its limits, those in trouble with it; and problems."""
    files: list[File] = []
    problems: list[_Note] = []
    good: list[str] = []
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
        over = ""
        if entry.size > limits.notebook_bytes:
            over = f"this notebook has {entry.size:,} bytes, more than the {limits.notebook_bytes:,} allowed"
        elif not entry.trouble and (total := total + entry.size) > limits.student_bytes:
            over = f"with this notebook there are {total:,} bytes, more than the {limits.student_bytes:,} allowed"
        if over and not entry.trouble:
            entry = replace(entry, trouble=(over, SMALLER))
        if entry.trouble:
            problems.append((name, *entry.trouble))
        else:
            good.append(name)
        where = f"{student}: {name}"
        files.append(File(name, entry.size, functools.partial(read, entry, where, limits.notebook_bytes)))
    return files, [*problems, *_several(good)]


def _several(names: Sequence[str]) -> list[_Note]:
    """Notes of lectures of which there is more than one notebook, with the one that counts."""
    found = {tuple(sorted((name for name in names if is_of(name, f"{n}.")), key=age)): n for n in numbers()}
    what = "there are {} notebooks of lecture {:02d}; an answer that is in this one counts"
    hint = "If another one is to count, take this one out and grade again"
    return [(same[-1], what.format(len(same), number), hint) for same, number in found.items() if len(same) > 1]


def _capped(problems: Sequence[_Note], limits: Limits) -> list[_Note]:
    kept = list(problems[: limits.student_problems])
    if more := len(problems) - len(kept):
        kept.append(("", f"{more:,} more problems of this kind are not listed", "Look at the submission itself"))
    return kept


# ------------------------------------------------------------------------------------------------- names


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 53]}...{name[-50:]}"


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
