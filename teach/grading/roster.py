"""The class list: who belongs to the class, so that who handed in nothing is listed, with groups and addresses.

A CSV file as the LMS exports it, or one's own: a column for the name (``name``, or ``first name`` and ``last name``),
and, where they are there, ``number`` (the LMS's number or login of a student), ``email`` and ``group``. Moodle's and
Canvas's own names for these are known. A grading worksheet of Moodle's is one too, and tells when something came.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from teach.grading.collect import Collection
from teach.grading.lms import MONTHS
from teach.grading.model import GradingError, Problem, Submission
from teach.reports.tables import read_rows

# How columns may be called, by what they hold; the first that is there is taken.
_COLUMNS = {
    "name": ("name", "student", "full name", "student name", "display name", "vollständiger name", "nom complet"),
    "first": ("first name", "vorname", "prénom", "given name"),
    "last": ("last name", "surname", "nachname", "nom", "family name"),
    "number": (
        "number",
        "id",
        "id number",
        "student id",
        "sis user id",
        "sis id",
        "matrikelnummer",
        "username",
        "login",
    ),
    "email": ("email", "email address", "e-mail", "e-mail-adresse", "sis login id", "login id"),
    "group": ("group", "groups", "section", "gruppe", "team"),
    # Of a grading worksheet of Moodle's.
    "participant": ("identifier",),
    "handed_in": ("last modified (submission)",),
    "marked": ("last modified (grade)",),
}
# As Moodle writes it in English: "Wednesday, 31 January 2024, 11:30 PM".
_MOODLE_TIME = re.compile(r"(\d{1,2}) ([A-Z][a-z]+) (\d{4}), (\d{1,2}):(\d\d) ?([AP]M)?")
# Rows that LMS's put among the students: points possible, and the test student of a course.
_NOBODY = re.compile(r"^\W*(points possible|test student|student, test)\b", re.I)


@dataclass(frozen=True)
class Person:
    """Somebody on the class list.

    From a worksheet of Moodle's, also the number in its download, when something was handed in (ISO 8601) and marked.
    """

    name: str
    number: str = ""
    email: str = ""
    group: str = ""
    participant: str = ""
    when: str = ""
    marked: str = ""


def read_roster(path: Path) -> list[Person]:
    """The people of a class list, in its order; raises :class:`GradingError`, with the line, for what is none."""
    people: list[Person] = []
    seen: dict[Person, int] = {}
    hint = "Give it a first line with the column name, or first name and last name"
    for line, row in read_rows(path, (), hint):
        cells = {name.strip().casefold(): text.strip() for name, text in row.items()}
        found = {what: next((cells[n] for n in names if n in cells), None) for what, names in _COLUMNS.items()}
        if found["name"] is None and (found["first"] is None or found["last"] is None):
            raise GradingError("it has no column for the name", where=path, hint=hint)
        name = found["name"] if found["name"] is not None else f"{found['first']} {found['last']}"
        if _NOBODY.match(name):
            continue
        if not name.strip():
            raise GradingError("this student has no name", where=f"{path}:{line}", hint="Give one, or take the row out")
        number, email, group, participant, handed_in, marked = (found[what] or "" for what in list(_COLUMNS)[3:])
        participant = participant.rpartition(" ")[2]
        one = Person(name.strip(), number, email, group, participant, _moodle_time(handed_in), marked)
        if one in seen:
            hint = f"Keep one of the rows {seen[one]} and {line}, or tell them apart by a number"
            raise GradingError(f"{one.name} is listed twice", where=f"{path}:{line}", hint=hint)
        seen[one] = line
        people.append(one)
    if not people:
        raise GradingError("nobody is on this list", where=path, hint=hint)
    return people


def _moodle_time(text: str) -> str:
    """A time as Moodle writes it in ISO 8601; "" for what is none."""
    found = _MOODLE_TIME.search(text)
    if not found or found[2][:3] not in MONTHS:
        return ""
    hour = int(found[4]) % 12 + (12 if found[6] == "PM" else 0) if found[6] else int(found[4])
    try:
        return datetime(int(found[3]), MONTHS.index(found[2][:3]) + 1, int(found[1]), hour, int(found[5])).isoformat()
    except ValueError:
        return ""


def join(collection: Collection, people: Iterable[Person]) -> tuple[Collection, dict[str, Person]]:
    """The class as the list has it: who handed in nothing is added, and who is not listed is a problem.

    Gives the collection, and the person of each key. A submission is a person's by the number, else by the name in
    whatever order and spelling of accents, if that name is one person's alone.
    """
    listed = list(people)
    by_key: dict[str, Person] = {}
    taken: set[int] = set()
    for submission in collection.submissions:
        at = _whose(submission, listed)
        if at is not None and at not in taken:
            taken.add(at)
            by_key[submission.key] = listed[at]
    submissions = [
        replace(one, student=person.name, number=one.number or person.number, when=one.when or person.when)
        if (person := by_key.get(one.key))
        else one
        for one in collection.submissions
    ]
    keys = {one.key.casefold() for one in submissions}
    for at, person in enumerate(listed):
        if at not in taken:
            key = _key_for(person, keys)
            submissions.append(Submission(key, person.name, person.number))
            by_key[key] = person
    hint = "Is the name spelt otherwise on the list? Then this student is listed twice"
    strangers = [
        Problem(one.student, "", "this student is not on the class list", hint)
        for one in collection.submissions
        if one.key not in by_key
    ]
    problems = {key: tuple(found) for key, found in collection.by_key.items()}
    for one, problem in zip([s for s in collection.submissions if s.key not in by_key], strangers, strict=True):
        problems[one.key] = (*problems.get(one.key, ()), problem)
    submissions.sort(key=lambda one: (one.student, one.key))
    found = (*collection.problems, *strangers)
    return replace(collection, submissions=tuple(submissions), problems=found, by_key=problems), by_key


def _whose(submission: Submission, people: list[Person]) -> int | None:
    """The place on the list of whoever handed this in, if there is just one."""
    for same in (
        lambda one: bool(submission.number) and one.participant == submission.number,
        lambda one: bool(submission.number) and one.number.casefold() == submission.number.casefold(),
        lambda one: bool(submission.email) and one.email.casefold() == submission.email.casefold(),
        lambda one: (
            bool(one.number) and one.number.casefold() in (submission.student.casefold(), submission.key.casefold())
        ),
        lambda one: words(one.name) == words(submission.student),
        lambda one: bool(one.email) and one.email.partition("@")[0].casefold() == submission.student.casefold(),
    ):
        found = [at for at, one in enumerate(people) if same(one)]
        if len(found) == 1:
            return found[0]
    return None


def words(name: str) -> tuple[str, ...]:
    """A name's words, sorted, in small letters without accents: "Meyer, Hugo" and "hugo_meyer" are the same."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    return tuple(sorted(filter(None, re.split(r"[\W_]+", plain))))


def _key_for(person: Person, keys: set[str]) -> str:
    """A key that nobody in the class has, safe as a file's name."""
    letters = "-".join(re.findall(r"[a-z0-9]+", " ".join(words(person.name)))) or "student"
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", "_".join(filter(None, (letters, person.number))))[:70].strip("-._")
    key, count = plain or "student", 1
    while key.casefold() in keys:
        count += 1
        key = f"{plain}-{count}"
    keys.add(key.casefold())
    return key
