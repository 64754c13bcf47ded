"""The figures of lecture 09: where generators stand, where a field leads, and what a hand keeps from digit to digit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from a2d.errors import DataError
from a2d.figures import base

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARKERS = "osD^vPX<>hdp*8"
# From so many trainings on, a spread in two directions can be told.
_LEAST = 4


def frontier(rows: Mapping[str, tuple[Any, Any]], curve: Sequence[str] = (), chosen: str = "") -> base.Picture:
    """Show generators by variety and by readings, each with the 95 % ellipse of its mean over trainings (lecture 09).

    ``rows``: name to (variety, share read as asked), one value for each training, from 0 on and in [0, 1];
    ``curve``: names to be joined by a line, in that order; ``chosen``: a name to be ringed. An ellipse is Hotelling's,
    for four trainings or more; of fewer, each has a small mark. The text names the rows that no other one beats in
    both: variety beyond handwriting's, 1, counts as 1. Raises :class:`DataError` for values out of range, and names
    that are no rows.
    """
    points = _points(rows, [*curve, *([chosen] if chosen else [])])
    with base.one_panel(5.2, 8.2) as (figure, axes):
        _draw_frontier(axes, points, curve, chosen)
        base.legend_below(figure, axes)
    return base.finish(figure, _frontier_text(points, chosen))


def knob(
    rows: Mapping[str, tuple[Any, Any]], curve: Sequence[str], chosen: str, pictures: Any | None = None
) -> base.Picture:
    """As :func:`frontier` with ``chosen`` ringed, and beside it what that generator draws (lecture 09's widget).

    ``pictures`` (k, 10, 28, 28) in [0, 1], k drawings of each digit in its column; None where there are none.
    """
    points = _points(rows, [*curve, chosen])
    sheet = None if pictures is None else base.as_pictures(pictures, "pictures", 4)
    if sheet is not None and sheet.shape[1] != 10:
        raise DataError(f"expected a drawing of each digit in a row, got {sheet.shape[1]}", where="pictures")
    with base.drawing(4.6) as figure:
        left, *right = figure.subplots(1, 1 if sheet is None else 2, squeeze=False)[0]
        _draw_frontier(left, points, curve, chosen)
        if sheet is not None:
            halves = sheet.reshape(-1, 5, 28, 28)  # 0 to 4 above 5 to 9, to be larger
            base.draw_sheet(right[0], halves, [""] * len(halves))
            right[0].set_title(chosen, parse_math=False)
        base.legend_below(figure, left)
    text = _frontier_text(points, chosen)
    if sheet is not None:
        text += f" Its {base.count(sheet.shape[0] * sheet.shape[1], 'drawing')} have a greyness of "
        text += f"{(4 * sheet * (1 - sheet)).mean():.3f}."
    return base.finish(figure, text)


def _points(rows: Mapping[str, tuple[Any, Any]], named: Sequence[str]) -> dict[str, np.ndarray]:
    points = base.each(base.as_array, rows, "rows", 2)
    for name, pair in points.items():
        if len(pair) != 2 or pair.min() < 0 or pair[1].max() > 1:
            raise DataError("expected varieties from 0 on, and shares in [0, 1]", where=f"rows[{name}]")
    if unknown := [name for name in named if name not in points]:
        raise DataError(f"{unknown[0]!r} is no row", where="rows", hint=f"Use some of {', '.join(points)}")
    return points


def _draw_frontier(axes: Axes, points: Mapping[str, np.ndarray], curve: Sequence[str], chosen: str) -> None:
    if curve:
        line = np.array([points[name].mean(1) for name in curve])
        axes.plot(*line.T, color=base.DARK, linewidth=1, linestyle=":", zorder=1)
    for number, (name, pair) in enumerate(points.items()):
        color, marker = base.LINES[number % len(base.LINES)][0], _MARKERS[number % len(_MARKERS)]
        if (outline := confidence_ellipse(*pair)) is not None:
            axes.fill(*outline, color=color, alpha=0.18, linewidth=0)
        axes.plot(*pair.mean(1), marker, color=color, markersize=8, linestyle="", label=name, zorder=3)
        if outline is None and pair.shape[1] > 1:
            axes.plot(*pair, marker, color=color, markersize=3, linestyle="", alpha=0.6, zorder=2)
        if name == chosen:
            axes.plot(*pair.mean(1), "o", color="none", markeredgecolor=base.RED, markersize=20, markeredgewidth=2)
    axes.axvline(1.0, color=base.DARK, linewidth=1, linestyle=base.DASHES[0])
    lowest = min(float(pair[1].mean()) for pair in points.values())
    varieties = [float(pair[0].mean()) for pair in points.values()]
    left = min(varieties) - 0.05 if min(varieties) > 0.5 else 0.0
    axes.set(xlim=(left, max(1.0, *varieties) + 0.05), ylim=(max(0.0, lowest - 0.05), 1.005))
    axes.set(xlabel="variety in features (dashed: handwriting)", ylabel="share read as asked")
    axes.grid(alpha=0.25)
    base.percent_axis(axes.yaxis)


def confidence_ellipse(x: np.ndarray, y: np.ndarray, level: float = 0.95) -> np.ndarray | None:
    """The outline (2, 100) of the region that holds the mean of pairs with confidence ``level``; None for too few.

    Source: H. Hotelling (1931): n times the squared distance of the mean, in units of the sample covariance, is
    distributed as 2 (n - 1) / (n - 2) times F with 2 and n - 2 degrees of freedom.
    """
    from scipy.stats import f

    n = len(x)
    if n < _LEAST:
        return None
    size = np.sqrt(2 * (n - 1) / (n - 2) * f.ppf(level, 2, n - 2) / n)
    values, vectors = np.linalg.eigh(np.cov(x, y))
    angle = np.linspace(0, 2 * np.pi, 100)
    circle = np.stack([np.cos(angle), np.sin(angle)])
    outline: np.ndarray = np.array([[x.mean()], [y.mean()]])
    return outline + size * (vectors * np.sqrt(np.maximum(values, 0))) @ circle


def unbeaten(points: Mapping[str, tuple[float, float]]) -> list[str]:
    """The names whose (variety, share) no other name beats: not better in one of them without being worse in the other.

    Variety beyond 1, handwriting's, counts as 1.
    """
    seen = {name: (min(variety, 1.0), share) for name, (variety, share) in points.items()}
    return [
        name
        for name, (v, s) in seen.items()
        if not any(a >= v and b >= s and (a, b) != (v, s) for a, b in seen.values())
    ]


def _frontier_text(points: Mapping[str, np.ndarray], chosen: str) -> str:
    means = {name: (float(pair[0].mean()), float(pair[1].mean())) for name, pair in points.items()}
    listed = ", ".join(f"{name} {v:.2f} and {base.percent(s, 1)}" for name, (v, s) in means.items())
    best = " and ".join(unbeaten(means))
    ringed = f"{chosen}: variety {means[chosen][0]:.2f}, read {base.percent(means[chosen][1], 1)}. " if chosen else ""
    return f"{ringed}Variety and share read as asked: {listed}. No other row beats {best} in both."


# --- places in the plane -------------------------------------------------------------------------------


def clouds(codes: Any, drawn: Mapping[str, Any]) -> base.Picture:
    """Show points that generators draw above the codes that they learned from, a panel for each (lecture 09).

    ``codes`` (n, 2); ``drawn``: name to points (m, 2). The text tells how far a drawn point is from the nearest code,
    and a code from the nearest drawn point, as means: the first grows where points lie between the codes, the second
    where codes are left out. Raises :class:`DataError` for other shapes.
    """
    known = _plane(codes, "codes")
    named = {name: _plane(points, f"drawn[{name}]") for name, points in base.as_named(drawn, "drawn").items()}
    with base.drawing(3.5) as figure:
        panels = figure.subplots(1, len(named), squeeze=False, sharex=True, sharey=True)[0]
        for axes, (name, points) in zip(panels, named.items(), strict=True):
            axes.plot(*known.T, ".", color="#999999", markersize=3, alpha=0.6)
            axes.plot(*points.T, ".", color=base.RED, markersize=3, alpha=0.6)
            _plane_axes(axes, known, name)
    told = [
        f"{name}: a point is {_away(points, known):.2f} from the nearest code, "
        f"a code {_away(known, points):.2f} from the nearest point"
        for name, points in named.items()
    ]
    return base.finish(figure, f"{'; '.join(told)} (means; the codes' standard deviation is {known.std():.2f}).")


def field(codes: Any, times: Mapping[str, tuple[Any, Any]]) -> base.Picture:
    """Show where places are at some times on their way, and what the field takes their ends to be (lecture 09).

    ``codes`` (n, 2), what was learned from; ``times``: a time in words to (places (m, 2), expected ends (m, 2)). An
    arrow leads from each place to its end. The text tells how far the ends are spread, as a share of the codes' spread,
    and how far they are from the nearest code.
    """
    known = _plane(codes, "codes")
    named = {name: [_plane(p, f"times[{name}]") for p in pair] for name, pair in base.as_named(times, "times").items()}
    if any(len(pair) != 2 or len(pair[0]) != len(pair[1]) for pair in named.values()):
        raise DataError("expected as many ends as places", where="times")
    with base.drawing(3.6) as figure:
        panels = figure.subplots(1, len(named), squeeze=False, sharex=True, sharey=True)[0]
        for axes, (name, (places, ends)) in zip(panels, named.items(), strict=True):
            axes.plot(*known.T, ".", color="#999999", markersize=3, alpha=0.5)
            how: dict[str, Any] = {"angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.004}
            axes.quiver(*places.T, *(ends - places).T, color=base.BLUE, alpha=0.45, **how)
            axes.plot(*places.T, "o", color=base.BLUE, markersize=3, label="place")
            axes.plot(*ends.T, "x", color=base.RED, markersize=6, label="expected end")
            _plane_axes(axes, known, name)
        base.legend_below(figure, panels[0])
    told = [
        f"at {name} the expected ends spread {_spread(ends) / _spread(known):.2f} times as wide as the codes, "
        f"{_away(ends, known):.2f} from the nearest code"
        for name, (_, ends) in named.items()
    ]
    return base.finish(figure, f"{base.count(len(places), 'place')}: {'; '.join(told)}.")


def _plane(value: Any, name: str) -> np.ndarray:
    array = base.as_array(value, name, 2)
    if array.shape[1] != 2:
        raise DataError(f"expected points of two numbers, got the shape {array.shape}", where=name)
    return array


def _plane_axes(axes: Axes, known: np.ndarray, title: str) -> None:
    reach = 1.15 * max(float(np.abs(known).max()), 2.0)
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    axes.set_title(title, parse_math=False)


def _spread(points: np.ndarray) -> float:
    """Standard deviation in both directions together."""
    return float(np.sqrt(points.var(0).sum()))


def _away(points: np.ndarray, others: np.ndarray) -> float:
    """Mean distance of ``points`` to the nearest of ``others``."""
    from scipy.spatial import cKDTree

    return float(np.mean(cKDTree(others).query(points)[0]))


# --- pictures ------------------------------------------------------------------------------------------


def rows_that_vary(
    rows: Mapping[str, Any], columns: Sequence[Any], xlabel: str, along: Literal["rows", "columns"] = "rows"
) -> base.Picture:
    """Show rows of drawings, and tell how much those of a row, or of a column, differ from each other (lecture 09).

    ``rows``: name to pictures (k, 28, 28) in [0, 1]; ``columns``: k titles. What is told is the standard deviation per
    pixel ``along`` each row, or the mean of those along the columns.
    """
    pictures = base.each(base.as_pictures, rows, "rows")
    k = len(next(iter(pictures.values())))
    if len(columns) != k or any(len(p) != k for p in pictures.values()) or (along == "columns" and len(pictures) < 2):
        raise DataError("the rows have different lengths, or no titles", where="rows")
    titles = [base.plain(title) for title in columns]
    figure = base.draw_rows(np.stack(list(pictures.values())), list(pictures), titles, base.plain(xlabel))
    if along == "columns":
        stacked = np.stack(list(pictures.values()))
        between = stacked.std(0).mean((1, 2))
        text = f"Down a column the {base.count(len(pictures), 'picture')} differ by {between.mean():.3f} per pixel"
        least, most = int(between.argmin()), int(between.argmax())
        text += f" (standard deviation), least at {titles[least]} ({between[least]:.3f}), most at {titles[most]}"
        return base.finish(figure, f"{text} ({between[most]:.3f}).")
    told = ", ".join(f"{name} {p.std(0).mean():.3f}" for name, p in pictures.items())
    return base.finish(figure, f"Within a row the pictures differ by, per pixel (standard deviation): {told}.")


def pairs(left: Any, right: Any) -> base.Picture:
    """Show numbered pairs of pictures, (n, 28, 28) in [0, 1] each, one above the other, for a choice (lecture 09)."""
    above, below = base.as_pictures(left, "left"), base.as_pictures(right, "right")
    if len(above) != len(below):
        raise DataError(f"{len(above)} pictures for {len(below)}", where="right", hint="Give pairs")
    figure = base.draw_rows(np.stack([above, below]), ["A", "B"], [str(n + 1) for n in range(len(above))], "pair")
    text = f"{base.count(len(above), 'pair')}: in each one picture was written by a person, the other was drawn."
    return base.finish(figure, text)


def between(shares: Any, pictures: Any, read: Mapping[str, Any], first: str, second: str) -> base.Picture:
    """Show drawings for sounds that lie between two digits, and what an evaluator reads in them (lecture 09).

    ``shares`` (n,), rising: the probability that the ear gives the ``second`` digit; ``pictures`` (n, 28, 28), one
    drawing for each; ``read``: name to shares (n,) of many drawings that are read so.
    """
    x = base.as_rising(shares, "shares", base.as_shares)
    drawn, lines = base.as_pictures(pictures, "pictures"), base.each(base.as_shares, read, "read")
    if len(drawn) != len(x) or any(len(y) != len(x) for y in lines.values()):
        raise DataError("expected a picture and a share of readings for each step", where="read")
    with base.drawing(4.2) as figure:
        above, below = figure.subplots(2, 1, height_ratios=[1, 3])
        base.draw_sheet(above, drawn[None], [""])
        for name, y, color, marker, line in base.looks(lines):
            below.plot(x, y, color=color, marker=marker, linestyle=line, markersize=5, label=name)
        below.set(xlabel=f"probability that the ear gives the {second} (the rest to the {first})", ylim=(-0.02, 1.02))
        below.set_ylabel("share of drawings read so")
        base.percent_axis(below.yaxis)
        base.legend_below(figure, below)
    middle = int(np.abs(x - 0.5).argmin())
    told = ", ".join(f"{name} {base.percent(y[middle])}" for name, y in lines.items())
    ends = "; ".join(f"{name} {base.percent(y[0])} to {base.percent(y[-1])}" for name, y in lines.items())
    return base.finish(figure, f"From {first} to {second}, read as: {ends}. In the middle ({x[middle]:.2f}): {told}.")


def relation(x: Any, y: Any, xlabel: str, ylabel: str) -> base.Picture:
    """Show how one number goes with another, a point for each drawing, with the correlation in words (lecture 09)."""
    a, b = base.as_array(x, "x"), base.as_array(y, "y")
    if len(a) != len(b) or len(a) < 3 or not (a.std() > 0 and b.std() > 0):
        raise DataError("expected three pairs or more that are not all the same", where="x")
    r = float(np.corrcoef(a, b)[0, 1])
    slope, offset = np.polyfit(a, b, 1)
    with base.one_panel(3.6, 6.4) as (figure, axes):
        axes.plot(a, b, "o", color=base.BLUE, markersize=4, alpha=0.5)
        ends = np.array([a.min(), a.max()])
        axes.plot(ends, slope * ends + offset, color=base.RED, linewidth=1.5)
        axes.set(xlabel=base.plain(xlabel), ylabel=base.plain(ylabel))
        axes.grid(alpha=0.25)
    text = f"{base.count(len(a), 'drawing')}: the correlation of {base.plain(xlabel)} and {base.plain(ylabel)} is"
    return base.finish(figure, f"{text} {r:.2f}, and {base.plain(ylabel)} changes by {slope:.2g} for each unit.")
