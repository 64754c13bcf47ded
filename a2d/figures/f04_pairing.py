"""Figures of lecture 04: which picture a recording is compared with, and what becomes of the pictures drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from a2d.errors import DataError
from a2d.figures import base, inches

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# A cloud of more points is a blot, and takes long to draw.
_MOST_POINTS = 2000


def picture_rows(
    rows: Mapping[str, Any], reference: str, columns: Sequence[Any] | None = None, *, along: bool = False
) -> base.Picture:
    """Show rows of pictures below each other, and how far each row is from the one named ``reference`` (lecture 04).

    ``rows``: two names or more, each with k pictures (k, 28, 28) in [0, 1], the same k for all; ``columns``: k titles.
    A distance is the squared difference, summed over the 784 pixels; the text gives each row's mean over the
    k pairs, or, ``along`` columns that are steps of something, its value in the first and in the last.
    Raises :class:`DataError` for other shapes, values out of range or NaN, and a reference that is no row.
    """
    pictures = base.each(base.as_pictures, rows, "rows")
    k = len(next(iter(pictures.values())))
    if reference not in pictures or len(pictures) < 2 or any(len(p) != k for p in pictures.values()):
        hint = "Give two rows or more of one length, and name one of them"
        raise DataError(f"these rows cannot be compared with {reference!r}", where="rows", hint=hint)
    titles = [base.plain(t) for t in columns] if columns is not None else []
    if titles and len(titles) != k:
        raise DataError(f"{len(titles)} titles for {k} columns", where="columns")
    margin = 0.45 + 0.09 * max(len(name) for name in pictures)
    cell = min((base.WIDTH - margin) / max(k, 8), 0.85)
    with base.one_panel(len(pictures) * cell + (0.3 if titles else 0.1), k * cell + margin) as (figure, axes):
        base.draw_sheet(axes, np.stack(list(pictures.values())), list(pictures), titles, sizes=(10, 9))
        axes.xaxis.tick_top()
    mine = pictures[reference]
    apart = {name: np.square(p - mine).sum((1, 2)) for name, p in pictures.items() if name != reference}
    text = f"Squared distance to {reference}, summed over pixels"
    if along and titles:
        ends = (f"{name} {d[0]:.2f} ({titles[0]}) to {d[-1]:.2f} ({titles[-1]})" for name, d in apart.items())
        return base.finish(figure, f"{text}: {', '.join(ends)}.")
    listed = ", ".join(f"{name} {d.mean():.2f}" for name, d in apart.items())
    return base.finish(figure, f"{text}, mean of {base.count(k, 'picture')}: {listed}.")


def decay(
    curves: Mapping[str, Mapping[float, float] | Any],
    xlabel: str,
    ylabel: str,
    references: Mapping[str, float] | None = None,
) -> base.Picture:
    """Show positive values that fall by powers: both axes are logarithmic, so a power law is a line (lecture 04).

    ``curves``: name to values at 1, 2, 3, ... steps, or to a mapping from steps to values; ``references``: name to a
    positive number, drawn as a level line. The text gives each curve's slope, fitted to its last two thirds on these
    axes: -1 where a value falls as one over the steps, 0 where it stays.
    Raises :class:`DataError` for values that are not positive or finite, and steps that do not rise.
    """
    lines = {name: _steps(name, values) for name, values in base.as_named(curves, "curves").items()}
    levels = base.each_number(base.as_positive, references, "references")
    with base.one_panel(3.9) as (figure, axes):
        for name, (x, y), color, marker, line in base.looks(lines):
            # Markers at equal distances on a logarithmic axis.
            at = np.unique(np.searchsorted(x, np.geomspace(x[0], x[-1], 9)).clip(0, len(x) - 1)).tolist()
            axes.plot(x, y, color=color, marker=marker, markevery=at, markersize=5, linestyle=line, label=name)
        for (name, level), dashes in zip(levels.items(), cycle(base.DASHES), strict=False):
            axes.axhline(level, color=base.DARK, linewidth=1.2, linestyle=dashes, label=name)
        axes.set(xscale="log", yscale="log", xlabel=xlabel, ylabel=ylabel)
        axes.grid(alpha=0.25)
        base.legend_below(figure, axes)
    text = " ".join(_decay_text(name, x, y) for name, (x, y) in lines.items())
    text += "".join(f" For comparison, {name}: {level:.3g}." for name, level in levels.items())
    return base.finish(figure, f"{base.plain(ylabel).capitalize()}. {text}")


def _steps(name: str, values: Any) -> tuple[np.ndarray, np.ndarray]:
    where = f"curves[{name}]"
    y = base.as_positive(list(values.values()) if isinstance(values, Mapping) else values, where)
    steps = list(values) if isinstance(values, Mapping) else np.arange(1.0, len(y) + 1)
    return base.as_rising(steps, where, base.as_positive), y


def _slope(x: np.ndarray, y: np.ndarray) -> float:
    """Slope on logarithmic axes over the last two thirds of the axis, every stretch of it counting the same."""
    u, v = np.log(x), np.log(y)
    grid = np.linspace(u[0] + (u[-1] - u[0]) / 3, u[-1], 50)
    return round(float(np.polyfit(grid, np.interp(grid, u, v), 1)[0]), 1) + 0.0  # never -0.0


def _decay_text(name: str, x: np.ndarray, y: np.ndarray) -> str:
    slope = _slope(x, y)
    verb = "falls" if slope < -0.1 else "rises" if slope > 0.1 else "stays"
    return f"{name}: {verb}, {y[0]:.3g} at {x[0]:g}, {y[-1]:.3g} at {x[-1]:g}, slope {slope:+.1f}."


def near_what(points: Mapping[str, tuple[Any, Any]]) -> base.Picture:
    """Show, for each picture, its distance to its class mean against that to the nearest real image (lecture 04).

    ``points``: name to (to the class mean, to the nearest real image of the class), two arrays (n,) of squared
    distances summed over pixels, both positive; at most 2000 points of each name are drawn.
    Raises :class:`DataError` for lengths that differ, and values that are not positive or finite.
    """
    clouds = base.each(base.as_positive, points, "points", 2)
    low = min(pair.min() for pair in clouds.values()) * 0.8
    high = max(pair.max() for pair in clouds.values()) * 1.25
    with base.one_panel(4.4, 5.6) as (figure, axes):
        for name, (a, b), color, marker, _ in base.looks(clouds):
            few = slice(None, None, -(-len(a) // _MOST_POINTS))
            axes.plot(a[few], b[few], marker, color=color, markersize=4, alpha=0.45, markeredgewidth=0, label=name)
        ends = [low, high]
        axes.plot(ends, ends, color=base.DARK, linewidth=1.2, linestyle=base.DASHES[0], label="equally far")
        axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high), aspect="equal")
        axes.set(xlabel="squared distance to the class mean", ylabel="squared distance to the nearest real image")
        base.legend_below(figure, axes)
    text = " ".join(
        f"{name}: {base.percent((a < b).mean())} of {base.count(len(a), 'picture')} are nearer to their class mean "
        f"than to any real image (medians {np.median(a):.1f} and {np.median(b):.1f})."
        for name, (a, b) in clouds.items()
    )
    return base.finish(figure, text)


def two_faults(points: Mapping[str, tuple[Any, Any]]) -> base.Picture:
    """Show pictures by both faults: grey to the right, all the same at the bottom (lecture 04).

    ``points``: name to (greyness, variety), each from 0 on, one value for each seed or a single one, equally many of
    both; the first is the yardstick, handwriting. Raises :class:`DataError` for other lengths or values below 0.
    """
    pairs = base.each(base.as_array, points, "points", 2)
    if any(len(pair) != 2 or pair.min() < 0 for pair in pairs.values()):
        raise DataError("expected greyness and variety, from 0 on", where="points")
    markers = "*osD^vPX<>hdp8"
    with base.one_panel(4.2, 7.2) as (figure, axes):
        for number, (name, (grey, variety)) in enumerate(pairs.items()):
            color, marker = base.LINES[number % len(base.LINES)][0], markers[number % len(markers)]
            how: dict[str, Any] = {"color": color, "markersize": 13 if number == 0 else 8, "linestyle": ""}
            axes.plot(grey, variety, marker, alpha=0.25 if len(grey) > 1 else 1, **how)
            axes.plot(grey.mean(), variety.mean(), marker, label=name, **how)
        axes.set(xlabel="greyness (0: black and white)", ylabel="variety in pixels\n(0: all the same, 1: handwriting)")
        axes.set(xlim=(0, None), ylim=(-0.05, None))
        axes.grid(alpha=0.25)
        base.legend_below(figure, axes)
    told = (f"{name} {grey.mean():.3f} and {variety.mean():.2f}" for name, (grey, variety) in pairs.items())
    return base.finish(figure, f"Greyness and variety: {', '.join(told)}.")


def losses(curves: Mapping[str, Sequence[float]], floor: float) -> base.Picture:
    """Show the reconstruction term by epoch for several rules, in nats per image, over its floor (lecture 04).

    ``curves``: name to one mean per epoch; ``floor``: what the class means themselves cost.
    The first of more than three epochs is left out: it lies so high that the others would look alike.
    Raises :class:`DataError` for lengths that differ, and values that are not finite.
    """
    series = base.each(base.as_array, curves, "curves")
    level = float(base.as_array([floor], "floor")[0])
    epochs = len(next(iter(series.values())))
    if any(len(y) != epochs for y in series.values()):
        raise DataError("the curves have different numbers of epochs", where="curves")
    with base.one_panel(3.6) as (figure, axes):
        begin, every = int(epochs > 3), max(1, epochs // 12)
        for name, y, color, marker, line in base.looks(series):
            how: dict[str, Any] = {"color": color, "marker": marker, "linestyle": line, "markersize": 5}
            axes.plot(np.arange(begin + 1, epochs + 1), y[begin:], markevery=every, label=name, **how)
        axes.axhline(level, color=base.DARK, linewidth=1.2, linestyle=base.DASHES[0], label="cost of the class means")
        axes.set(xlabel="epoch", ylabel="reconstruction term\n(nats per image)")
        axes.grid(axis="y", alpha=0.3)
        base.legend_below(figure, axes)
    ends = ", ".join(f"{name} {y[-1]:.1f} ({y[-1] - level:+.1f})" for name, y in series.items())
    text = f"Reconstruction term after {base.count(epochs, 'epoch')}, in nats per image, against the class means'"
    return base.finish(figure, f"{text} {level:.1f}: {ends}.")


# --- inside the widget -------------------------------------------------------------------------------


def target_panels(
    target: Any, running: Any, mean: Any, distances: Any, *, digit: int, spread: float, many: int
) -> base.Picture:
    """Show the random target drawn last, the mean of all so far, and the class mean (lecture 04).

    ``target``, ``running``, ``mean`` (28, 28) in [0, 1]; ``distances`` (n,), the root mean square difference per pixel
    between the mean of the first k targets and the class mean, for k = 1 to n; ``spread`` the standard deviation of
    one target per pixel (root of the variance's mean over pixels); ``many`` images of the class of ``digit`` there
    are. Raises :class:`DataError` for other shapes, values out of range or NaN.
    """
    away = base.as_array(distances, "distances")
    n = len(away)
    given = {f"target {n}, one of {many}": target, f"mean of {base.count(n, 'target')}": running, "class mean": mean}
    with base.drawing(2.75, layout=None) as figure:
        for index, (name, picture) in enumerate(given.items()):
            axes = inches.add_panel(figure, 0.1 + 1.88 * index, 0.3, 1.75, 1.75)
            axes.imshow(base.as_pictures(picture, name, 2), cmap="gray", vmin=0, vmax=1)
            inches.hide_axes(axes, name)
        axes = inches.add_panel(figure, 6.55, 0.55, 2.3, 1.5)
        _draw_distances(axes, away, spread)
        figure.text(0.1 / base.WIDTH, 2.5 / 2.75, f"spoken: {digit}", fontsize=12, fontweight="bold", va="center")
    text = (
        f"Spoken is {digit}. After {base.count(n, 'random target')} of that class their mean is {away[-1]:.3f} "
        f"per pixel away from the class mean (root mean square, ink is 1). A single target is {spread:.3f} away, so "
        f"{spread:.3f} / \u221a{n} = {spread / np.sqrt(n):.3f} is to be expected."
    )
    return base.finish(figure, text)


def _draw_distances(axes: Axes, away: np.ndarray, spread: float) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    counts = np.arange(1, len(away) + 1)
    ends = np.array([1, max(len(away), 10)])
    axes.plot(ends, spread / np.sqrt(ends), color=base.DARK, linewidth=1.2, linestyle=(0, (4, 2)))
    axes.plot(counts, away, color=base.BLUE, linewidth=1.4)
    axes.plot(counts[-1], away[-1], "o", color=base.RED, markersize=7)
    axes.set(xscale="log", yscale="log")
    low, high = min(away[away > 0].min(initial=spread), spread / np.sqrt(ends[1])), max(away.max(), spread)
    axes.set_ylim(0.7 * low, 1.5 * high)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.set_xlabel("targets drawn")
    inches.set_title(axes, "distance to the class mean\n(dashed: one target's / \u221an)", fontsize=10)
