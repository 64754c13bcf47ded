"""What an LMS's download says of each file: whose it is, when it came, and which attempt at which assignment it is of.

Moodle, Canvas and Brightspace say it in names. Gradescope has a list of all submissions, ``submission_metadata.yml``,
and Blackboard a text beside each attempt; these manifests are read, and are nobody's work.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from teach.grading.files import Entry, read
from teach.grading.model import GradingError
from teach.grading.naming import Note, Owner, short

_LATE = r"(?:(?P<late>late)_)?"
_PATTERNS = {
    # Moodle: a folder per student, or flat files that end in the student's own name for them.
    "moodle": (re.compile(r"(?P<student>.+?)_(?P<number>\d+)_assignsubmission_[a-z]+(?:_(?P<name>.*))?", re.S),),
    # Blackboard: flat files; the text without a name is the manifest of the attempt.
    "blackboard": (
        re.compile(
            r"(?P<unit>.+?)_(?P<number>[^_]+)_attempt_(?P<when>\d{4}(?:-\d\d){5})(?:_(?P<name>.+)|(?P<manifest>\.txt))",
            re.S,
        ),
    ),
    # Brightspace: a folder per attempt, or flat files; two numbers, one of them the user's.
    "brightspace": (
        re.compile(
            r"(?:(?P<number>\d+)-(?P<unit>\d+) - )?(?P<student>.+?) - "
            r"(?P<when>[A-Z][a-z]{2} \d{1,2}, \d{4} \d{1,2}[:_]?\d\d [AP]M)(?: - (?P<name>.+))?",
            re.S,
        ),
    ),
    # Gradescope: a folder per submission.
    "gradescope": (re.compile(r"submission_(?P<number>\d+)"),),
    # Canvas: the user's number, then the attachment's. A typed text has no attachment; "anon" has no number.
    "canvas": (
        re.compile(rf"(?P<head>(?P<student>.+?)_{_LATE}(?P<number>[1-9]\d*)_[1-9]\d*_)(?P<name>.+)", re.S | re.I),
        re.compile(rf"(?P<head>(?P<student>anon)_{_LATE}(?P<number>[a-z0-9]{{5}})_[1-9]\d*_)(?P<name>.+)", re.S | re.I),
        re.compile(rf"(?P<student>.+?)_{_LATE}(?P<number>[1-9]\d*)_(?P<name>text\.html)", re.S | re.I),
    ),
}  # fmt: skip
LMS = tuple(_PATTERNS)
_FLAT = ("canvas", "blackboard")  # these name files only
_GRADESCOPE, _BRIGHTSPACE = "submission_metadata.yml", "index.html"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MANIFEST_BYTES, _TEXT_BYTES = 50_000_000, 5_000_000

Parts = tuple[str, ...]


@dataclass(frozen=True)
class Said:
    """What is said of a file: its owner, its name in the submission, and more, as far as it is known.

    ``unit`` is what attempts are of: an assignment of a download. ``origin`` is the beginning of its name by which the
    LMS knows the student again.
    """

    owner: Owner
    name: str
    late: bool = False
    when: str = ""
    email: str = ""
    unit: str = ""
    origin: str = ""
    manifest: bool = False


@dataclass
class Manifests:
    """What the manifests of a download say, and what is wrong with them.

    ``lists`` are the folders with a list of Gradescope's, ``submitters`` by the path of a folder there, ``attempts`` by
    that of a Blackboard text: the student, the user, and the names that files had. ``swapped``: Brightspace's second
    number is the user's.
    """

    lists: set[Parts] = field(default_factory=set)
    submitters: dict[Parts, list[Said]] = field(default_factory=dict)
    attempts: dict[Parts, tuple[str, str, dict[str, str]]] = field(default_factory=dict)
    swapped: bool = False
    notes: list[Note] = field(default_factory=list)


def place(layout: str, entry: Entry) -> tuple[int, re.Match[str]] | None:
    """Which part of a path an LMS wrote, and what it says."""
    first = len(entry.parts) - 1 + entry.folder if layout in _FLAT else 0
    for at, part in enumerate(entry.parts[first:], first):
        for pattern in _PATTERNS[layout]:
            if found := pattern.fullmatch(part):
                return at, found
    return None


def is_list(layout: str, entry: Entry) -> bool:
    """Whether it is the LMS's own list of what is in the download."""
    name = {"gradescope": _GRADESCOPE, "brightspace": _BRIGHTSPACE}.get(layout)
    return not entry.folder and entry.parts[-1] == name and place(layout, entry) is None


def read_manifests(layout: str, entries: Sequence[Entry]) -> Manifests:
    """Read what the LMS wrote beside the files; what cannot be read is noted."""
    found = Manifests()
    if layout == "gradescope":
        lists = [entry for entry in entries if is_list(layout, entry)]
        for entry in lists:
            _read_gradescope(entry, found)
        if not lists:
            hint = "Give the download as Gradescope made it"
            found.notes.append((_GRADESCOPE, "this list is not there, so nothing says whose the submissions are", hint))
    if layout == "blackboard":
        for entry in entries:
            if (where := place(layout, entry)) and where[1]["manifest"]:
                _read_blackboard(entry, where[1], found)
    if layout == "brightspace":
        pairs = {
            (m["number"], m["unit"]) for one in entries if (where := place(layout, one)) and (m := where[1])["unit"]
        }
        firsts, seconds = ({pair[at] for pair in pairs} for at in (0, 1))
        found.swapped = len(firsts) == 1 and len(seconds) > 1
    return found


def said(layout: str, entry: Entry, known: Manifests) -> list[Said] | None:
    """Whose an entry is (of a group, everybody's), or None where its name is not the LMS's."""
    if (where := place(layout, entry)) is None:
        return None
    at, match = where
    parts, says = entry.parts, match.groupdict()
    own = says.get("name") or ("" if entry.folder or at + 1 < len(parts) else parts[at])
    name = "/".join(filter(None, [*parts[:at], own, *parts[at + 1 :]]))
    unit = "/".join([*parts[:at], says.get("unit") or ""])
    if layout == "gradescope":
        name = "/".join([*parts[:at], *parts[at + 1 :]])
        if parts[: at + 1] not in known.submitters and parts[:at] in known.lists:
            what = f"{_GRADESCOPE} does not tell whose {short(parts[at])} is"
            note = (short("/".join(parts[: at + 1])), what, "Look it up in Gradescope")
            known.notes += [] if note in known.notes else [note]
        unknown = [Said(Owner(parts[at], ""), name, unit=unit)]
        return [
            Said(one.owner, name, when=one.when, email=one.email, unit=unit)
            for one in known.submitters.get(parts[: at + 1], unknown)
        ]
    if layout == "blackboard":
        return [_of_blackboard(parts, match, name, known)]
    if layout == "brightspace":
        number, folder = says["number"] or "", says["unit"] or ""
        number, folder = (folder, number) if known.swapped else (number, folder)
        when, unit = _brightspace_time(says["when"]), "/".join([*parts[:at], folder])
        return [Said(Owner(says["student"], number), name, when=when, unit=unit)]
    # Moodle takes feedback in folders that are called so, Canvas in files whose names begin so.
    origin = says.get("head") or ""
    if layout == "moodle":
        origin = parts[at].removesuffix(says["name"] or "")
    late = bool(says.get("late"))
    return [Said(Owner(says["student"], says["number"]), name, late, unit=unit, origin=origin)]


# ------------------------------------------------------------------------------------------------- Gradescope


def _read_gradescope(entry: Entry, found: Manifests) -> None:
    """The people and the time of each folder beside a list."""
    where, hint = "/".join(entry.parts), "Take it anew from the download"
    try:
        text = read(entry, where, _MANIFEST_BYTES).decode("utf-8-sig", "replace")
        listed = _yaml(_people_only(text))
        if not any(map(_submitters, listed.values())) and len(text) < _TEXT_BYTES:
            listed = _yaml(text)  # written by another program, perhaps
    except GradingError as error:
        found.notes.append((short(where), f"this list cannot be read ({error.what})", error.hint or hint))
        return
    found.lists.add(entry.parts[:-1])
    for folder, content in listed.items():
        if people := _submitters(content):
            found.submitters[(*entry.parts[:-1], str(folder))] = people


def _people_only(text: str) -> str:
    """The lines of a list that tell of people and times: the others, results with all outputs, may be very many."""
    kept, inside = [], False
    for line in text.splitlines():
        if not line.startswith(" "):
            inside = False
        elif line.startswith("  :"):
            inside = line.startswith(("  :submitters:", "  :created_at:"))
        if inside or not line.startswith(" "):
            kept.append(line)
    return "\n".join(kept)


def _yaml(text: str) -> Mapping[Any, Any]:
    """A YAML text's mapping, with Ruby's own kinds of things as plain ones; never more than plain data."""
    try:
        import yaml
    except ImportError as error:
        raise GradingError("reading it needs the package pyyaml", hint="Run: pip install pyyaml") from error

    # Not the loader in C, which crashes at what is nested too deeply.
    class Plain(yaml.SafeLoader):
        pass

    def plain(loader: Any, node: Any) -> Any:
        if isinstance(node, yaml.MappingNode):
            return loader.construct_mapping(node, deep=True)
        if isinstance(node, yaml.SequenceNode):
            return loader.construct_sequence(node, deep=True)
        return loader.construct_scalar(node)

    Plain.add_constructor(None, plain)
    try:
        listed = yaml.load(text, Plain)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        at = f", line {line + 1}" if isinstance(line, int) else ""
        raise GradingError(f"it is not YAML{at}", hint="Take it anew from the download") from error
    if not isinstance(listed, dict):
        raise GradingError("it lists no submissions", hint="Take it anew from the download")
    return listed


def _submitters(content: Any) -> list[Said]:
    """The people of one submission; none where it does not tell their names."""
    content = content if isinstance(content, dict) else {}
    people = content.get(":submitters")
    when = _gradescope_time(content.get(":created_at"))
    found = []
    for one in people if isinstance(people, list) else []:
        texts = {key: one.get(key) for key in (":name", ":sid", ":email")} if isinstance(one, dict) else {}
        name, sid, email = (_line(text) for text in (texts.get(":name"), texts.get(":sid"), texts.get(":email")))
        if name or sid or email:
            found.append(Said(Owner(name or email or sid, sid or email), "", when=when, email=email))
    return found


def _line(value: Any) -> str:
    """A text, or a number that stands where one should, on one line; anything else is none."""
    known = isinstance(value, str | int) and not isinstance(value, bool)
    return short(" ".join("".join(c if c.isprintable() else " " for c in str(value)).split())) if known else ""


def _gradescope_time(value: Any) -> str:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return ""
    if not isinstance(value, datetime):
        return ""
    # All in one zone, so that times are in the order of their texts.
    return (value.astimezone(UTC) if value.tzinfo else value).isoformat(timespec="seconds")


# ------------------------------------------------------------------------------------------------- Blackboard


def _read_blackboard(entry: Entry, match: re.Match[str], found: Manifests) -> None:
    """Student, user and files of one attempt's text."""
    where = short("/".join(entry.parts))
    try:
        text = read(entry, where, _TEXT_BYTES).decode("utf-8-sig", "replace")
    except GradingError as error:
        found.notes.append((where, f"this text cannot be read ({error.what})", error.hint or "Take it anew"))
        return
    first = text.lstrip().partition("\n")[0].strip()
    named = re.fullmatch(r"Name:\s*(?P<student>.*?)\s*\((?P<number>[^()]+)\)", first)
    user = _line(named["number"]) if named else ""
    if not named or not f"{match['unit']}_{match['number']}".endswith(f"_{user}"):
        what = "it does not say whose attempt this is" if not named else f"it is of {user}, and its name of another"
        found.notes.append((where, what, f"It counts as {match['number']}'s"))
        return
    # Below the student's own words, which may say anything.
    files = dict(
        (renamed.strip(), _safe(original))
        for original, renamed in re.findall(
            r"^\s*Original filename: (.+)\n\s*Filename: (.+)$", text.replace("\r", "").rpartition("\nFiles:")[2], re.M
        )
    )
    found.attempts[entry.parts] = (_line(named["student"]) or user, user, files)


def _safe(name: str) -> str:
    """A file's name without a path, on one line."""
    return _line(re.split(r"[/\\]", name.strip())[-1])


def _of_blackboard(parts: Parts, match: re.Match[str], name: str, known: Manifests) -> Said:
    tail = f"_attempt_{match['when']}"
    before = f"{match['unit']}_{match['number']}"
    student, user, files = known.attempts.get(
        (*parts[:-1], f"{before}{tail}.txt"), (match["number"], match["number"], {})
    )
    unit = "/".join([*parts[:-1], before[: -len(user) - 1]])
    digits = [int(one) for one in match["when"].split("-")]
    try:
        when = datetime(*digits).isoformat()  # type: ignore[arg-type]
    except ValueError:
        when = ""
    original = files.get(parts[-1], "")
    return Said(
        Owner(student, user),
        "/".join([*parts[:-1], original]) if original else name,
        when=when,
        unit=unit,
        manifest=bool(match["manifest"]),
    )


def of_one_number(owners: Iterable[Owner]) -> dict[Owner, Owner]:
    """Each owner as the one whose name is first of that number: a name may be spelt in several ways, or be unknown."""
    names: dict[str, list[str]] = {}
    for owner in owners:
        if owner.number:
            names.setdefault(owner.number, []).append(owner.student)
    best = {number: sorted(found, key=lambda name: (name == number, name))[0] for number, found in names.items()}
    return {one: Owner(best.get(one.number, one.student), one.number) for one in owners}


# ------------------------------------------------------------------------------------------------- Brightspace


def _brightspace_time(text: str) -> str:
    """``Jan 31, 2024 1130 AM`` as ISO 8601, or "" for what is no time."""
    month, day, year, clock, half = re.sub("[,:_]", "", text).split()
    hour = int(clock[:-2]) % 12 + (12 if half == "PM" else 0)
    try:
        return datetime(int(year), MONTHS.index(month) + 1, int(day), hour, int(clock[-2:])).isoformat()
    except ValueError:
        return ""
