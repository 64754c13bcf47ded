"""The figures of a graded class: how the points are spread, exercise by exercise, and which mistakes are common."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from a2d.errors import DataError
from a2d.figures import base

_MOST_ROWS = 120


def totals(shares: Sequence[float]) -> base.Picture:
    """Show how the students' totals are spread; ``shares``: one share of the maximum in [0, 1] per student.

    Raises :class:`DataError` for no student, or shares out of range.
    """
    values = base.as_shares(shares, "shares")
    median = float(np.median(values))
    with base.style():
        figure = base.new_figure(3.0)
        axes = figure.add_subplot()
        axes.hist(values, bins=np.linspace(0, 1, 21).tolist(), color=base.BLUE, alpha=0.45, edgecolor=base.BLUE)
        label = f"median: {base.percent(median)}"
        axes.axvline(median, color=base.RED, linestyle=(0, (6, 3)), linewidth=1.6, label=label)
        axes.set_xlim(0, 1)
        axes.set_xlabel("points, as a share of the maximum")
        axes.set_ylabel("students")
        base.percent_axis(axes.xaxis)
        base.whole_ticks(axes.yaxis)
        base.legend_below(figure, axes)
    low = int((values < 0.5).sum())
    text = (
        f"Half of the {base.count(len(values), 'student')} have {base.percent(median)} of the points or more; "
        f"the totals go from {base.percent(values.min())} to {base.percent(values.max())}. "
        f"{base.count(low, 'student')} ({base.percent(low / len(values))}) have less than half of the points."
    )
    return base.finish(figure, text)


def mean_points(means: Mapping[str, tuple[float, float]]) -> base.Picture:
    """Show each exercise's mean points as a share of its maximum; ``means``: label to (mean points, maximum).

    Raises :class:`DataError` for no exercise, more than 120, a maximum that is not positive, or a mean out of range.
    """
    rows = {name: base.as_array(pair, f"means[{name}]", 1) for name, pair in _rows(means, "means").items()}
    if any(len(pair) != 2 or not 0 <= pair[0] <= pair[1] or pair[1] == 0 for pair in rows.values()):
        raise DataError("every exercise needs mean points from 0 to its maximum", where="means")
    shares = {name: float(mean / most) for name, (mean, most) in rows.items()}
    with base.style():
        figure, axes = _bars(rows)
        for place, (name, (mean, most)) in enumerate(rows.items()):
            axes.barh(place, shares[name], height=0.7, color=base.BLUE, alpha=0.45, edgecolor=base.BLUE)
            told = f"{mean:.1f} of {most:g}"
            axes.text(1.01, place, told, va="center", transform=axes.get_yaxis_transform(), fontsize=8)
        axes.set_xlim(0, 1)
        axes.set_xlabel("mean points of all students, as a share of the maximum")
        axes.grid(axis="x", alpha=0.3)
        axes.set_axisbelow(True)
        base.percent_axis(axes.xaxis)
    best, worst = max(shares, key=shares.__getitem__), min(shares, key=shares.__getitem__)
    text = f"On average {base.percent(float(np.mean(list(shares.values()))))} of an exercise's points are earned."
    if len(shares) > 1:
        text += f" Most in {best} ({base.percent(shares[best])}), least in {worst} ({base.percent(shares[worst])})."
    return base.finish(figure, text)


def outcomes(counts: Mapping[str, Mapping[str, int]], looks: Mapping[str, tuple[str, str]]) -> base.Picture:
    """Show how each exercise ended, as a bar of stacked shares that differ by hatch as well as by colour.

    ``counts``: label to outcome to number of students; ``looks``: outcome to (colour, hatch), in the order of the
    bars. Raises :class:`DataError` for an exercise without any student, a negative number or an unknown outcome.
    """
    rows = _rows(counts, "counts")
    table = np.array([[float(row.get(outcome, 0)) for outcome in looks] for row in rows.values()])
    known = all(set(row) <= set(looks) for row in rows.values())
    if not known or (table < 0).any() or (table.sum(axis=1) == 0).any():
        raise DataError("every exercise needs at least one student, and known outcomes only", where="counts")
    shares = table / table.sum(axis=1, keepdims=True)
    with base.style():
        figure, axes = _bars(rows)
        left = np.zeros(len(rows))
        for column, (outcome, (color, hatch)) in enumerate(looks.items()):
            if not table[:, column].any():
                continue
            part = shares[:, column]
            style = {"height": 0.78, "color": color, "edgecolor": base.DARK, "linewidth": 0.5, "hatch": hatch}
            axes.barh(np.arange(len(rows)), part, left=left, label=outcome, **style)
            left = left + part
        axes.set_xlim(0, 1)
        axes.set_xlabel("share of the students")
        base.percent_axis(axes.xaxis)
        base.legend_below(figure, axes)
    return base.finish(figure, _outcomes_text(list(rows), list(looks), table))


def _outcomes_text(rows: Sequence[str], looks: Sequence[str], table: np.ndarray) -> str:
    whole = table.sum(axis=0)
    told = [f"{name} {base.percent(n / whole.sum(), 1)}" for name, n in zip(looks, whole, strict=True) if n]
    text = f"Of all answers: {', '.join(told)}."
    for outcome in ("wrong", "error", "empty"):
        if outcome in looks and whole[looks.index(outcome)]:
            shares = table[:, looks.index(outcome)] / table.sum(axis=1)
            text += f" Most often {outcome}: {rows[int(shares.argmax())]} ({base.percent(shares.max())})."
    return text


def misconceptions(rows: Sequence[tuple[str, str, int, int]]) -> base.Picture:
    """Show the commonest misconceptions; ``rows``: (exercise, misconception, students, students who answered it).

    In the order of the rows, at most 120. Raises :class:`DataError` for no row, or more students than answered.
    """
    if not 0 < len(rows) <= _MOST_ROWS or not all(0 <= count <= answered > 0 for _, _, count, answered in rows):
        raise DataError("expected some rows, each with fewer students than answered", where="rows")
    labels = [
        "\n".join(textwrap.wrap(base.shortened(f"{base.plain(id)}: {base.plain(what)}", 110), 58))
        for id, what, _, _ in rows
    ]
    with base.style():
        figure = base.new_figure(1.0 + 0.42 * len(rows))
        axes = figure.add_subplot()
        for place, (_, _, count, answered) in enumerate(rows):
            axes.barh(place, count, height=0.66, color=base.RED, alpha=0.45, edgecolor=base.RED)
            axes.annotate(
                f"{count} ({base.percent(count / answered)})",
                (count, place),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
            )
        axes.set_yticks(range(len(rows)), labels, fontsize=8, parse_math=False)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(0, 1.25 * max(max(count for _, _, count, _ in rows), 1))
        axes.set_xlabel("students (share of those who answered the exercise)")
        base.whole_ticks(axes.xaxis)
    id, what, count, answered = max(rows, key=lambda row: row[2])
    text = (
        f"Commonest is, in exercise {base.plain(id)}, \N{LEFT DOUBLE QUOTATION MARK}{base.plain(what)}"
        f"\N{RIGHT DOUBLE QUOTATION MARK}: {base.count(count, 'student')} of {answered} who answered it."
    )
    return base.finish(figure, text)


def _rows(value: Any, name: str) -> dict[str, Any]:
    rows = base.as_named(value, name)
    if len(rows) > _MOST_ROWS:
        raise DataError(f"{len(rows)} exercises are too many for one figure", where=name)
    return rows


def _bars(rows: Mapping[str, Any]) -> tuple[Any, Any]:
    """A figure for one bar per row, and its axes."""
    figure = base.new_figure(1.2 + 0.24 * len(rows))
    axes = figure.add_subplot()
    axes.set_yticks(range(len(rows)), [base.shortened(name, 52) for name in rows], fontsize=8, parse_math=False)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    return figure, axes
