"""Names: which student a file's name tells, which names are one student's, and the keys that students get."""

from __future__ import annotations

import functools
import hashlib
import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from teach.lectures.names import numbers, slugs

Note = tuple[str, str, str]  # a problem before its student is known: file, what, hint

# What browsers, drives and JupyterLab add to the name of a second copy.
COPY = re.compile(r"^copy of |(?:[ _]?\(\d+\)|[ _-]+copy[ _]?\d*)+$", re.I)
# What people add to the name of a newer version.
_VERSION = re.compile(r"[-_ .]+(?:\(?v(?:er(?:sion)?)?[-_ .]?\d{1,3}\)?|final[-_ ]?\d*)$", re.I)
_WORDS = r"(?:lecture|lec|lesson|week|notebook|nb|exercises?|ex|homework|hw|assignment|vorlesung|blatt|aufgabe)"
# "erin_lecture1" and "lecture1_erin" are erin's.
_LECTURE = re.compile(rf"(?:[-_ .]+|^){_WORDS}[-_ .]*\d{{1,2}}(?=$|[-_ .])", re.I)
# "olivia_1": perhaps olivia's lecture 1, perhaps the first of those who are called olivia.
_NUMBERED = re.compile(r"(?P<name>.*[^\W\d_])[-_ .]+(?P<number>\d{1,2})|(?P<n>\d{1,2})[-_ .]+(?P<last>[^\W\d_].*)")
# A number behind these is a person's.
_ANYBODY = re.compile(
    rf"(?:{_WORDS}|students?|participants?|users?|team|group|gruppe|person|anon|anonymous|candidate|submission|"
    r"teilnehmer(?:in)?|studierende|id|file|copy|untitled|abgabe|solution|s|p|u)",
    re.I,
)
_LONGEST_NAME, _LONGEST_KEY = 200, 80
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.I)  # no file may be called so on Windows


@dataclass(frozen=True, order=True)
class Owner:
    """Whose something is: the name, and the LMS's number or "" ."""

    student: str
    number: str = ""


def short(name: str) -> str:
    """A name that fits a table."""
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 53]}...{name[-50:]}"


# ------------------------------------------------------------------------------------------------- files' names


def student_of(name: str) -> str:
    """The student whom a file's name tells beside the lecture, the copy and the version; "" if it tells nobody."""
    stem = COPY.sub("", (name.rpartition(".")[0] or name).removesuffix(".tar"))
    stem = _VERSION.sub("", stem)
    student, count = _slug().subn("", stem, count=1)
    if not count:
        student, count = _LECTURE.subn("", stem, count=1)
        count = count and bool(student.strip("-_ .,"))
    return student.strip("-_ .,") if count else stem


@functools.cache
def _slug() -> re.Pattern[str]:
    """A lecture's name in a file's; where the lectures' names are not known, its number and at least two words."""
    names = "|".join(slug if len(slug) > 2 else rf"{slug}(?:_[a-z0-9]+){{2,}}" for slug in slugs())
    return re.compile(rf"(?:^|(?<=[-_ .,]))(?:{names})(?![A-Za-z0-9])", re.I)


def joined(students: Iterable[str]) -> tuple[dict[str, str], list[Note]]:
    """Names as "olivia_1" and "olivia_2" to the one student they are, where all numbers are lectures'; with notes.

    Names that stand for nobody (``student_1``) stay apart, and so do all if there is only one name in the class.
    """
    there = sorted(set(students))
    groups: dict[str, dict[str, int]] = defaultdict(dict)
    for name in there:
        if found := _NUMBERED.fullmatch(name):
            groups[found["name"] or found["last"]][name] = int(found["number"] or found["n"])
    known, same = set(numbers()), dict[str, str]()
    notes: list[Note] = []
    for base, parts in groups.items():
        lectures = len(parts) > 1 and len(set(parts.values())) == len(parts) and known.issuperset(parts.values())
        if not lectures or len(parts) == len(there) or _ANYBODY.fullmatch(base):
            continue
        same |= dict.fromkeys(parts, base)
        what = f"{short(', '.join(parts))} are taken for one student's lectures, and for {short(base)}"
        notes.append((short(next(iter(parts))), what, "If they are several people, put each one's into a folder"))
    return same, notes


def nearly_the_same(owners: Iterable[Owner]) -> list[Note]:
    """Notes of names that differ in digits, spaces or upper case only: they may be one person's."""
    groups: dict[str, list[str]] = defaultdict(list)
    for owner in owners:
        letters = re.sub(r"[\W\d_]+", "", owner.student.casefold())
        if letters and not owner.number:
            groups[letters].append(owner.student)
    return [
        (
            short(alike[0]),
            f"{len(alike):,} students' names differ in digits, spaces or upper case only: {short(', '.join(alike))}",
            "If they are one person, put the files into one folder of that name and grade again",
        )
        for alike in groups.values()
        if len(alike) > 1
    ]


# ------------------------------------------------------------------------------------------------- names that are new


def unique(names: Sequence[str], again: Callable[[str, int], str]) -> list[str]:
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


def keys(owners: Sequence[Owner]) -> list[str]:
    """A key for each student, from the name and number alone where these are enough to tell students apart."""
    plain = [_plain("_".join(filter(None, (owner.student, owner.number)))) for owner in owners]
    counts = Counter(key.casefold() for key in plain)
    found = []
    for owner, key in zip(owners, plain, strict=True):
        digest = hashlib.sha256(json.dumps([owner.student, owner.number]).encode()).hexdigest()[:8]
        # A key stays the same when others join the class, so it also tells what the name lost on its way into ASCII.
        plainly = bool(owner.number) or key == owner.student.replace(" ", "-")
        found.append(key if plainly and counts[key.casefold()] == 1 else f"{key}-{digest}")
    return unique(found, lambda key, count: f"{key}-{count}")


def _plain(name: str) -> str:
    """A name in ASCII letters, digits, ``-``, ``_`` and ``.``, with room for what makes it unique."""
    ascii_ = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    key = re.sub(r"[^A-Za-z0-9_.]+", "-", ascii_).strip("-_.")
    room = _LONGEST_KEY - 18
    # The end of a long name is the student's number.
    key = key if len(key) <= room else f"{key[: room - 21]}-{key[-20:]}"
    return f"student-{key}".rstrip("-") if not key or _RESERVED.fullmatch(key) else key
