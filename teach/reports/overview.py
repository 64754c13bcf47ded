"""The page about the whole class: points, outcomes, misconceptions, answers that few share, and what went wrong."""

from __future__ import annotations

import base64
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from a2d import exercises
from a2d.io.atomic import write_text
from teach.grading.model import TO_MARK, UNREADABLE, Result
from teach.reports.alike import WARNING, Group
from teach.reports.feedback import FOLDER
from teach.reports.pages import SIGNS, render
from teach.reports.tables import Results, after, lecture_of, totals

# How an answer can end without a judgement about what it gives.
_UNJUDGED = ("timeout", "killed", "unreadable")
_UNANSWERED = ("empty", "missing", "unreadable")
_MOST_DRAWN, _MOST_MISTAKES, _MOST_LISTED = 15, 30, 100


class Row(NamedTuple):
    """A student in the list: key, name, points, points that a person still has to give, and what is to be looked at."""

    key: str
    name: str
    points: float
    waiting: float
    look: int


@dataclass
class Class:
    """What the page tells of a class; it grows by a few numbers per student."""

    students: int = 0
    late: int = 0
    shares: list[float] = field(default_factory=list)
    waiting: float = 0.0
    earned: Counter[str] = field(default_factory=Counter)
    maximum: dict[str, float] = field(default_factory=dict)
    marked: Counter[str] = field(default_factory=Counter)
    outcomes: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    misconceptions: Counter[tuple[str, str]] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    unjudged: list[tuple[str, str, str, str, str]] = field(default_factory=list)
    listed: list[Row] = field(default_factory=list)
    unreadable: int = 0

    def add(self, result: Result) -> None:
        """Take a student in."""
        points, maximum, waiting = totals(result)
        points = after(result, points)
        self.students += 1
        self.late += result.late
        self.waiting += waiting
        if maximum:
            self.shares.append(min(max(points / maximum, 0.0), 1.0))
        self.problems.update(problem.what for problem in result.problems)
        self.unreadable += sum(problem.what.startswith(UNREADABLE) for problem in result.problems)
        unjudged = sum(grade.outcome in _UNJUDGED for grade in result.grades)
        self.listed.append(Row(result.key, result.student, points, waiting, len(result.problems) + unjudged))
        for grade in result.grades:
            self.outcomes[grade.id][grade.outcome] += 1
            self.maximum[grade.id] = grade.maximum
            if grade.points is not None:
                self.earned[grade.id] += grade.points  # type: ignore[assignment]
                self.marked[grade.id] += 1
            if grade.misconception:
                self.misconceptions[grade.id, grade.misconception] += 1
            if grade.outcome in _UNJUDGED and self.count([grade.outcome]) <= _MOST_LISTED:
                reason = grade.message.strip().partition("\n")[0][:300]
                self.unjudged.append((result.key, result.student, grade.id, grade.outcome, reason))

    def answered(self, id: str) -> int:
        """How many answered an exercise, whatever came of it."""
        return sum(n for outcome, n in self.outcomes[id].items() if outcome not in _UNANSWERED)

    def count(self, outcomes: Sequence[str]) -> int:
        """How many answers of the class ended in one of these ways."""
        return sum(counter[outcome] for counter in self.outcomes.values() for outcome in outcomes)


def gather(results: Results) -> Class:
    """Read all results once and keep only what the overview tells."""
    found = Class()
    for result in results():
        found.add(result)
    return found


def write_overview(out: Path, whole: Class, groups: Sequence[Group], facts: Mapping[str, Any]) -> None:
    """Write ``overview.html`` into the folder ``out``; ``facts`` as in :func:`teach.reports.write.write_all`."""
    write_text(out / "overview.html", page(whole, groups, facts))


def page(whole: Class, groups: Sequence[Group], facts: Mapping[str, Any]) -> str:
    """The HTML of the overview."""
    ids = [id for id in facts["points"] if id in whole.outcomes]
    mistakes = _mistakes(whole)
    return render(
        "overview.html.j2",
        title="Overview of the class",
        whole=whole,
        facts=facts,
        maximum=sum(facts["points"].values()),
        short=_short(whole, facts),
        rows=[_row(whole, id) for id in ids],
        students=sorted(whole.listed, key=lambda one: (not one.look, one.name.casefold(), one.key)),
        used=[outcome for outcome in SIGNS if whole.count([outcome])],
        mistakes=mistakes,
        groups=groups,
        warning=WARNING,
        unjudged=whole.count(_UNJUDGED),
        missing=whole.count(["missing"]),
        problems=sorted(whole.problems.items(), key=lambda pair: (-pair[1], pair[0])),
        pictures=_pictures(whole, ids, mistakes),
        folder=FOLDER,
        listed=_MOST_LISTED,
        told=_MOST_MISTAKES,
    )


def _label(id: str) -> str:
    return f"{id} {exercises.get(id).title}"


def _has_mean(whole: Class, id: str) -> bool:
    """Whether the points of an exercise or question are complete."""
    return bool(whole.marked[id]) and not whole.outcomes[id][TO_MARK]


def _row(whole: Class, id: str) -> dict[str, Any]:
    mean = round(whole.earned[id] / whole.marked[id], 2) if _has_mean(whole, id) else None
    return {"label": _label(id), "outcomes": whole.outcomes[id], "mean": mean, "maximum": whole.maximum[id]}


def _short(whole: Class, facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    lectures = sorted({lecture_of(id) for id in facts["points"]})
    answers = whole.count(tuple(SIGNS))
    return [
        ("Lectures", ", ".join(f"{number:02d}" for number in lectures)),
        ("Exercises and questions", str(len(facts["points"]))),
        ("Answers judged", f"{answers - whole.count((*_UNJUDGED, 'missing', TO_MARK))} of {answers}"),
        ("Not judged", ", ".join(f"{whole.count([o])} {o}" for o in (*_UNJUDGED, "missing"))),
        ("Still to be marked by a person", f"{whole.count([TO_MARK])} answers, {whole.waiting:g} points"),
        ("Handed in late", str(whole.late)),
        ("Sandbox", "used for every answer" if facts["sandbox"] else "not used"),
        ("Time limit", f"{facts['timeout']:g} s"),
        ("Seed of the hidden cases", str(facts["seed"])),
        ("Version of the course", str(facts["version"])),
    ]


def _mistakes(whole: Class) -> list[tuple[str, str, int, int]]:
    """Exercise, misconception, students, students who answered; the commonest first."""
    rows = [(id, what, n, max(whole.answered(id), n)) for (id, what), n in whole.misconceptions.items()]
    return sorted(rows, key=lambda row: (-row[2], row[0], row[1]))


def _pictures(whole: Class, ids: Sequence[str], mistakes: Sequence[tuple[str, str, int, int]]) -> dict[str, Any]:
    from teach.reports import figures

    looks = {outcome: (sign.fill, sign.hatch) for outcome, sign in SIGNS.items()}
    means = {_label(id): (whole.earned[id] / whole.marked[id], whole.maximum[id]) for id in ids if _has_mean(whole, id)}
    means = {name: (min(max(mean, 0.0), most), most) for name, (mean, most) in means.items() if most > 0}
    drawn = {
        "totals": figures.totals(whole.shares) if whole.shares else None,
        "means": figures.mean_points(means) if means else None,
        "outcomes": figures.outcomes({_label(id): whole.outcomes[id] for id in ids}, looks) if ids else None,
        "misconceptions": figures.misconceptions(mistakes[:_MOST_DRAWN]) if mistakes else None,
    }
    return {name: _embedded(picture) for name, picture in drawn.items() if picture is not None}


def _embedded(picture: Any) -> dict[str, Any]:
    from markupsafe import Markup

    width, height = (round(n) for n in picture.figure.get_size_inches() * picture.figure.dpi)
    # Base64 needs no escape, and is not to be cut as other long texts are.
    source = Markup(f"data:image/png;base64,{base64.b64encode(picture.png()).decode()}")
    return {"source": source, "text": picture.text, "width": width, "height": height}
