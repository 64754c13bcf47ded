"""Find what a class handed in: in a folder or zip that is laid out in one of seven ways.

``folders``: a folder (or zip) for each student. ``flat``: the student is what a file's name says beside the lecture's
own. The others are what LMS's let a teacher download, also several downloads side by side (:mod:`teach.grading.lms`).
Only names, sizes and an LMS's own lists are looked at: no notebook is parsed, nothing is run.
"""

from __future__ import annotations

import functools
import json
import os
import zipfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from teach.grading import lms
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
from teach.grading.lms import Manifests, Said
from teach.grading.marking import age, is_of
from teach.grading.model import File, GradingError, Problem, Submission
from teach.grading.naming import COPY, Note, Owner, joined, keys, nearly_the_same, short, student_of, unique
from teach.lectures.names import numbers, slugs
from teach.settings import LAYOUTS

# What students hand in instead of a notebook; other files beside the notebooks are more likely the teacher's own.
_INSTEAD = (".py", ".html", ".htm", ".pdf", ".doc", ".docx", ".odt", ".rtf", ".rar", ".7z", ".tar", ".gz", ".tgz")
# Which attempts are graded: the last one, or all of them, and for each exercise the best counts.
ATTEMPTS = ("last", "best")


class _Piece(NamedTuple):
    """An entry, its name in a submission, and what the LMS says of it."""

    name: str
    entry: Entry
    says: Said


@dataclass(frozen=True)
class Collection:
    """The submissions by (name of the student, key), and all problems; ``by_key`` are the problems of each submission.

    A problem's ``student`` is the student's name, with the number or key behind it where two students have one name;
    ``by_key[""]`` are the problems that belong to nobody. ``layout`` is the one that was found.
    """

    submissions: tuple[Submission, ...]
    problems: tuple[Problem, ...]
    by_key: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)
    layout: str = ""


def collect(
    path: str | os.PathLike[str], limits: Limits | None = None, layout: str = "auto", attempt: str = "last"
) -> Collection:
    """Find the submissions in a folder or zip; :class:`Limits` are the defaults if none are given.

    ``layout``: see above; "auto" takes an LMS's only if every name is as the LMS writes it, else the folders if
    there are any, else the names of the files. Of several attempts, those before the last are left out, or kept as
    :attr:`Submission.earlier` if ``attempt`` is "best". Raises :class:`GradingError` for another layout or attempt,
    and if ``path`` itself cannot be used: it does not exist, is neither a folder nor a zip, is damaged, has more
    entries than ``limits.entries``, or holds no notebook at all. Everything else that is wrong with a submission is
    a problem in the result, and so is every file that is passed over; a notebook that is there but cannot be used
    has a ``read`` that raises.
    """
    if layout not in ("auto", *LAYOUTS):
        raise GradingError("there is no such layout", where=layout, hint=f"Use one of auto, {', '.join(LAYOUTS)}")
    if attempt not in ATTEMPTS:
        raise GradingError("no attempt is chosen so", where=attempt, hint=f"Use one of {', '.join(ATTEMPTS)}")
    limits = limits or Limits()
    label, entries = everything(Path(path), limits)
    entries, left = without_junk(entries)
    owned, nobody, chosen = _assign(entries, label, layout)
    nobody += [(name, f"left out in {count:,} places, as programs make it", "") for name, count in left.items()]
    opened = functools.lru_cache(maxsize=1)(functools.partial(student_zip, limits=limits))
    made = {owner: _attempts(owner, pieces, attempt, limits, opened) for owner, pieces in owned.items()}
    collection = replace(_finish(made, nobody), layout=chosen)
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
    if COPY.sub("", label) == top or (layout == "auto" and not files and len(folders) > 1):
        return _unwrapped([*beside, *(replace(entry, parts=entry.parts[1:]) for entry in rest)], top, layout)
    return entries, label


def _choose_lms(entries: Sequence[Entry]) -> tuple[str, list[Note]]:
    """The LMS that wrote every name, or ""; and a note where one wrote most of them."""
    notes: list[Note] = []
    for name in lms.LMS:
        lists = sum(lms.is_list(name, entry) for entry in entries)
        odd = [entry for entry in entries if not lms.place(name, entry) and not lms.is_list(name, entry)]
        if len(odd) + lists == len(entries):
            continue
        whole = name != "gradescope" or lists
        if not odd and whole:
            return name, []
        if not odd:
            what = "these folders are called as Gradescope's, but its submission_metadata.yml is not there"
            notes.append((short(entries[0].parts[0]), what, "Give the download as it is, with that file"))
        elif 2 * len(odd) < len(entries):
            what = (
                f"{len(odd):,} of {len(entries):,} names are not as {name.title()} writes them, so no name is read so"
            )
            hint = f"If this is a download of {name.title()}, give --layout {name}"
            notes.append((short("/".join(odd[0].parts)), what, hint))
    return "", notes


def _laid_out(entries: list[Entry], label: str, layout: str) -> tuple[str, list[Entry], str, list[Note]]:
    """The layout, the entries below the class's own folder, the name of that, and notes."""
    found, notes = ("", []) if layout in ("folders", "flat") else _choose_lms(entries)
    chosen = layout if layout != "auto" else found
    if chosen not in lms.LMS:
        entries, label = _unwrapped(entries, label, layout)
        shape = "folders" if any(len(one.parts) > 1 or one.folder for one in entries) else "flat"
        return chosen or shape, entries, label, notes
    # Folders around the whole download are not part of a name.
    ends = [_end(one, chosen) for one in entries]
    above = [one.parts[:end] for one, end in zip(entries, ends, strict=True) if end]
    shared = [len(set(level)) == 1 for level in zip(*above, strict=False)] if len(above) == len(ends) else []
    around = [*shared, False].index(False)
    return chosen, [replace(one, parts=one.parts[around:]) for one in entries], label, []


def _end(entry: Entry, layout: str) -> int:
    """How many folders lie around what the LMS named."""
    if lms.is_list(layout, entry):
        return len(entry.parts) - 1
    return place[0] if (place := lms.place(layout, entry)) else 0


def _assign(entries: Iterable[Entry], label: str, layout: str) -> tuple[dict[Owner, list[_Piece]], list[Note], str]:
    """What is whose, what belongs to nobody, and the layout that was found."""
    entries = sorted(entries, key=lambda entry: entry.parts)
    above = {entry.parts[:n] for entry in entries for n in range(1, len(entry.parts))}
    nobody: list[Note] = [(short(entry.parts[0]), *UNSAFE) for entry in entries if entry.trouble == UNSAFE]
    # A folder counts where nothing else tells of it.
    leaves = [one for one in entries if one.trouble != UNSAFE and not (one.folder and one.parts in above)]
    chosen, leaves, label, notes = _laid_out(leaves, label, layout)
    known = lms.read_manifests(chosen, leaves)
    pieces: list[_Piece] = []
    nameless = []
    for entry in leaves:
        if (says := _says(entry, chosen, known)) is None:
            if (not entry.folder or entry.trouble) and not lms.is_list(chosen, entry):
                nobody.append((short("/".join(entry.parts)), *(entry.trouble or _unplaced(entry, chosen))))
            continue
        for one in says:
            nameless += [] if one.owner.student else [one.name]
            pieces.append(_Piece(one.name, entry, one if one.owner.student else replace(one, owner=Owner(label))))
    if nameless:
        what = f"no student's name is in {len(nameless)} files' names; they count as handed in by {short(label)}"
        nobody.append((short(nameless[0]), what, f"Name them as in alice_{slugs()[-1]}.ipynb"))
    files, more = _by_owner(pieces, chosen)
    of_lectures = Counter(tuple(n for n in numbers() if is_of(one.parts[-1], f"{n}.")) for one in leaves)
    if layout == "auto" and chosen == "folders" and len(files) == 1 and max(of_lectures.values()) > 2:
        what = "all that is here lies in this one folder, and counts as one student's"
        nobody.append((short(leaves[0].parts[0]), what, "If it is the class's, give its own path, or --layout flat"))
    return files, [*nobody, *notes, *known.notes, *more, *nearly_the_same(files)], chosen


def _by_owner(pieces: Sequence[_Piece], layout: str) -> tuple[dict[Owner, list[_Piece]], list[Note]]:
    """What each student handed in, where several names may be one student's; and notes of that."""
    owners = list(dict.fromkeys(piece.says.owner for piece in pieces))
    same: dict[Owner, Owner] = {}
    notes: list[Note] = []
    if layout == "flat":
        names, notes = joined(owner.student for owner in owners)
        same = {owner: Owner(names.get(owner.student, owner.student)) for owner in owners}
    elif layout == "blackboard":
        same = lms.of_one_number(owners)
    files: dict[Owner, list[_Piece]] = defaultdict(list)
    for piece in pieces:
        files[same.get(piece.says.owner, piece.says.owner)].append(piece)
    return files, notes


def _says(entry: Entry, layout: str, known: Manifests) -> list[Said] | None:
    """Whose an entry is ("" if a file's name does not say), and its name in the submission."""
    parts = entry.parts
    if layout in lms.LMS:
        return lms.said(layout, entry, known)
    if layout == "folders" and (len(parts) > 1 or entry.folder):
        return [Said(Owner(parts[0]), "/".join(parts[1:] or parts))]
    if entry.folder or _is_loose(entry):
        return None
    return [Said(Owner(student_of(parts[-1])), "/".join(parts))]


def _unplaced(entry: Entry, layout: str) -> tuple[str, str]:
    if layout in lms.LMS and entry.has(NOTEBOOK, ZIP):
        return f"its name is not as {layout.title()} writes it, so it belongs to nobody", "Give it by itself"
    return _not_a_notebook(entry.parts[-1])


# ------------------------------------------------------------------------------------------------- submissions


def _not_a_notebook(name: str) -> tuple[str, str]:
    if NOTEBOOK in name.casefold():
        return "not a notebook by its name", f"If it is one, rename it to end in {NOTEBOOK}"
    return "not a notebook", f"Hand in the {NOTEBOOK}"


def _attempts(
    owner: Owner,
    pieces: Sequence[_Piece],
    attempt: str,
    limits: Limits,
    opened: Callable[[Entry], zipfile.ZipFile],
) -> tuple[Submission, list[Note]]:
    """A submission without its key, of the last attempt at each assignment, and its problems."""
    times: dict[str, set[str]] = defaultdict(set)
    for piece in (one for one in pieces if not one.says.manifest):
        times[piece.says.unit].add(piece.says.when)
    groups: dict[tuple[str, str], list[_Piece]] = defaultdict(list)
    last: list[_Piece] = []
    for piece in pieces:
        unit, when = piece.says.unit, piece.says.when
        before = bool(times[unit]) and when < max(times[unit])
        (groups[when, unit] if before else last).append(piece)
    submission, told = _submit(owner, last, limits, opened)
    earlier = [_submit(owner, groups[at], limits, opened)[0] for at in sorted(groups)]
    earlier = [one for one in earlier if one.files]
    if earlier:
        last_one = f"the last one, of {submission.when.replace('T', ' ')}, counts"
        how = "all are graded, and for each exercise the best counts" if attempt == "best" else last_one
        told.insert(0, ("", f"attempts before the last: {len(earlier)}; {how}", ""))
    return replace(submission, earlier=tuple(earlier) if attempt == "best" else ()), told


def _submit(
    owner: Owner, pieces: Iterable[_Piece], limits: Limits, opened: Callable[[Entry], zipfile.ZipFile]
) -> tuple[Submission, list[Note]]:
    """A submission without its key, and its problems (file, what, hint)."""
    pieces = list(pieces)
    work = [one for one in pieces if not one.says.manifest]
    members = [one for piece in work for one in _opened(piece, opened)]
    members.sort(key=lambda one: (one.name.casefold(), one.name))
    notebooks = [one for one in members if one.entry.has(NOTEBOOK, ZIP)]
    others = [
        (short(name), *(entry.trouble or _not_a_notebook(entry.parts[-1])))
        for name, entry, _ in members
        if not entry.has(NOTEBOOK, ZIP) and (entry.trouble or not entry.folder)
    ]
    student = short(owner.student.strip()) or "(no name)"
    found, problems = _files(student, notebooks, limits)
    if not found:
        count = sum(not one.entry.folder for one in members)
        problems.append(("", f"there is no notebook among the {count:,} files", f"Ask for the {NOTEBOOK}"))
    told = [*_capped(problems, limits), *_capped(others, limits)]
    made = Submission(
        key="",
        student=student,
        number=owner.number,
        files=tuple(found),
        late=any(one.says.late for one in pieces),
        when=max((one.says.when for one in work or pieces), default=""),
        email=next((one.says.email for one in pieces if one.says.email), ""),
        # By a notebook's name, if there is one: the LMS may know the name of nothing else.
        origin=next((one.says.origin for one in [*notebooks, *pieces] if one.says.origin), ""),
    )
    return made, told


def _opened(piece: _Piece, opened: Callable[[Entry], zipfile.ZipFile]) -> list[_Piece]:
    """A file, or what is in a student's zip; of one that cannot be opened, the zip itself, in trouble."""
    name, entry, says = piece
    if not entry.has(ZIP):
        return [piece]
    try:
        found, left = inside(entry, opened)
    except GradingError as error:
        return [_Piece(name, replace(entry, trouble=(error.what, error.hint or "")), says)]
    told = []
    if any(lms.place("moodle", replace(one, parts=one.parts[:1])) for one in found):
        told.append(("this looks like the download of a whole class", "If it is, grade this zip by itself"))
    if left:
        told.append((f"left out of it, as programs make it: {', '.join(left)}", ""))
    zips = [Entry(entry.parts, trouble=trouble, folder=True) for trouble in told]
    inner = [_Piece("/".join([name, *one.parts]), one, says) for one in found]
    return inner + [_Piece(name, one, says) for one in zips]


def _files(student: str, notebooks: Sequence[_Piece], limits: Limits) -> tuple[list[File], list[Note]]:
    """The notebooks of a submission within its limits, those in trouble with it; and problems."""
    files: list[File] = []
    problems: list[Note] = []
    good: list[str] = []
    total = 0
    wanted = [short(one.name) for one in notebooks]
    for want, name, (_, entry, says) in zip(wanted, unique(wanted, _second_file), notebooks, strict=True):
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
        reading = functools.partial(read, entry, where, limits.notebook_bytes)
        files.append(File(name, entry.size, reading, says.when, says.late))
    return files, [*problems, *_several(good)]


def _several(names: Sequence[str]) -> list[Note]:
    """Notes of lectures of which there is more than one notebook, with the one that counts."""
    found = {tuple(sorted((name for name in names if is_of(name, f"{n}.")), key=age)): n for n in numbers()}
    what = "there are {} notebooks of lecture {:02d}; an answer that is in this one counts"
    hint = "If another one is to count, take this one out and grade again"
    return [(same[-1], what.format(len(same), number), hint) for same, number in found.items() if len(same) > 1]


def _capped(problems: Sequence[Note], limits: Limits) -> list[Note]:
    kept = list(problems[: limits.student_problems])
    if more := len(problems) - len(kept):
        kept.append(("", f"{more:,} more problems of this kind are not listed", "Look at the submission itself"))
    return kept


def _second_file(name: str, count: int) -> str:
    stem, ending = os.path.splitext(name)
    return f"{stem} ({count}){ending}"


def _finish(made: Mapping[Owner, tuple[Submission, list[Note]]], nobody: Sequence[Note]) -> Collection:
    """Add the keys, put everything in order, and write the problems down under the students' names."""
    names = Counter(submission.student for submission, _ in made.values())
    submissions, by_key = [], {"": tuple(Problem("", *one) for one in nobody)}
    for key, (submission, problems) in zip(keys(list(made)), made.values(), strict=True):
        student = submission.student
        if names[student] > 1:
            student = f"{student} ({submission.number or key})"
        earlier = [replace(one, key=f"earlier/{key}.{n}") for n, one in enumerate(submission.earlier, 1)]
        submissions.append(replace(submission, key=key, earlier=tuple(earlier)))
        by_key[key] = tuple(Problem(student, *one) for one in sorted(problems))
    submissions.sort(key=lambda one: (one.student.casefold(), one.key))
    flat = [*by_key[""], *(problem for one in submissions for problem in by_key[one.key])]
    return Collection(tuple(submissions), tuple(flat), by_key)
