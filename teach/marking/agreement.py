"""How far two markers agree who marked the same answers without knowing of each other, as lecture 07 teaches it.

A pair is the first marker's last word before the two spoke about it, and a second marker's, about the same text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import mean

import numpy as np

from a2d import exercises
from a2d.exercises import Exercise
from teach.grading.ledger import FIRST, SECOND, SETTLED, Decision
from teach.reports.tables import number

_RESAMPLES = 1000
# From this difference on, in points, two marks are looked at again.
FAR = 1.0


@dataclass(frozen=True)
class Pair:
    """What two markers gave the same answer; ``settled`` says that they decided about it together."""

    key: str
    id: str
    first: Decision
    second: Decision
    settled: bool = False

    @property
    def apart(self) -> float:
        """How many points the second gave more."""
        return (self.second.points or 0) - (self.first.points or 0)


@dataclass(frozen=True)
class Agreement:
    """Of a question and a second marker ``who``: ``n`` pairs, the share ``equal``, Cohen's ``kappa``, its interval.

    ``kappa`` is None where both gave everybody the same points: chance alone explains it. ``low`` and ``high`` hold
    95 % of the kappas of resampled pairs, and are None where too few of these have one; ``apart`` is the mean of the
    second's points less the first's.
    """

    id: str
    who: str
    n: int
    equal: float
    kappa: float | None
    low: float | None
    high: float | None
    apart: float


def pairs(decisions: Iterable[Decision]) -> list[Pair]:
    """The answers that were marked twice, in the course's order."""
    first: dict[tuple[str, str], Decision] = {}
    second: dict[tuple[str, str, str], Decision] = {}
    settled: set[tuple[str, str]] = set()
    for one in decisions:
        if one.role == FIRST and (one.key, one.id) not in settled:
            first[one.key, one.id] = one
        elif one.role == SECOND:
            second[one.voice] = one
        elif one.role == SETTLED:
            (settled.add if one.points is not None else settled.discard)((one.key, one.id))
    found = []
    for other in second.values():
        at = other.key, other.id
        one = first.get(at, Decision(*at, None))
        if None not in (one.points, other.points) and one.text == other.text:
            found.append(Pair(*at, one, other, at in settled))
    order = {one.id: n for n, one in enumerate(exercises.every())}
    return sorted(found, key=lambda pair: (order.get(pair.id, len(order)), pair.second.who, pair.key))


def kappa(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Cohen's kappa of two lists of points, by the function that lecture 07 teaches; None where chance explains all."""
    if len({*a, *b}) < 2:
        return None
    taught = exercises.get("7.1")
    assert isinstance(taught, Exercise)
    return float(taught.reference(list(a), list(b)))


def agreements(found: Sequence[Pair]) -> list[Agreement]:
    """The agreement about each question with each second marker; the same pairs give the same intervals."""
    groups: dict[tuple[str, str], list[Pair]] = {}
    for pair in found:
        groups.setdefault((pair.id, pair.second.who), []).append(pair)
    return [_agreement(id, who, group) for (id, who), group in groups.items()]


def _agreement(id: str, who: str, group: Sequence[Pair]) -> Agreement:
    a, b = [pair.first.points or 0 for pair in group], [pair.second.points or 0 for pair in group]
    n = len(group)
    rng = np.random.default_rng(0)
    drawn = (rng.integers(0, n, n) for _ in range(_RESAMPLES))
    again = [value for at in drawn if (value := kappa([a[i] for i in at], [b[i] for i in at])) is not None]
    low, high = np.quantile(again, (0.025, 0.975)) if len(again) > _RESAMPLES / 2 else (None, None)
    equal = mean(x == y for x, y in zip(a, b, strict=True))
    return Agreement(id, who, n, equal, kappa(a, b), low, high, mean(pair.apart for pair in group))


def rows(found: Iterable[Agreement]) -> list[tuple[str, ...]]:
    """A table of agreements as texts, its head first."""
    head = ("question", "second", "n", "equal", "kappa", "95 %", "difference")
    return [head, *(_row(one) for one in found)]


def _row(one: Agreement) -> tuple[str, ...]:
    beyond = "-" if one.kappa is None else f"{one.kappa:.2f}"
    between = "-" if one.low is None or one.high is None else f"{one.low:.2f} to {one.high:.2f}"
    return one.id, one.who, str(one.n), f"{100 * one.equal:.0f} %", beyond, between, f"{one.apart:+.2f}"


def lines(found: Sequence[Pair]) -> list[str]:
    """What ``teach mark --agreement`` prints: the table, and the answers about which the two are far apart."""
    table = rows(agreements(found))
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    told = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
    far = [pair for pair in found if abs(pair.apart) >= FAR]
    if far:
        told += ["", f"Apart by {number(FAR)} point or more:"]
    for pair in far:
        end = "; decided together" if pair.settled else ""
        told.append(
            f"  {pair.id}  {pair.key}: {number(pair.first.points)} by {pair.first.who or 'the first'}, "
            f"{number(pair.second.points)} by {pair.second.who}{end}"
        )
    return told
