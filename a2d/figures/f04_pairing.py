"""Figures of lecture 04: which picture a recording is compared with, and what becomes of the pictures drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from a2d.errors import DataError
from a2d.figures.base import (
    _DARK,
    _DASHES,
    _LINES,
    _WIDTH,
    Picture,
    _array,
    _count,
    _figure,
    _legend_below,
    _named,
    _percent,
    _picture,
    _pictures,
    _plain,
    _style,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# A cloud of more points is a blot, and takes long to draw.
_MOST_POINTS = 2000


def picture_rows(
    rows: Mapping[str, Any], reference: str, columns: Sequence[Any] | None = None, *, along: bool = False
) -> Picture:
    """Show rows of pictures below each other, and how far each row is from the one named ``reference`` (lecture 04).

    ``rows``: 2 to 12 names, each with k pictures (k, 28, 28) in [0, 1], the same k from 1 to 20 for all; ``columns``:
    k titles. A distance is the squared difference, summed over the 784 pixels; the text gives each row's mean over the
    k pairs, or, ``along`` columns that are steps of something, its value in the first and in the last.
    Raises :class:`DataError` for other shapes, values out of range or NaN, and a reference that is no row.
    """
    pictures = {name: _pictures(p, f"rows[{name}]") for name, p in _named(rows, "rows").items()}
    counts = {len(p) for p in pictures.values()}
    if reference not in pictures or len(counts) != 1 or not 2 <= len(pictures) <= 12 or max(counts) > 20:
        hint = "Give 2 to 12 rows of one length, at most 20, and name one of them"
        raise DataError(f"{len(pictures)} rows of {sorted(counts)} pictures, compared with {reference!r}", hint=hint)
    k = counts.pop()
    titles = [_plain(t) for t in columns] if columns is not None else []
    if titles and len(titles) != k:
        raise DataError(f"{len(titles)} titles for {k} columns", where="columns")
    sheet = np.ones((len(pictures), 30, k, 30))
    for row, images in enumerate(pictures.values()):
        sheet[row, 1:29, :, 1:29] = images.transpose(1, 0, 2)
    margin = 0.45 + 0.09 * max(len(name) for name in pictures)
    cell = min((_WIDTH - margin) / max(k, 8), 0.85)
    with _style():
        figure = _figure(len(pictures) * cell + (0.3 if titles else 0.1), k * cell + margin)
        axes = figure.add_subplot()
        axes.imshow(sheet.reshape(len(pictures) * 30, k * 30), cmap="gray", vmin=0, vmax=1)
        axes.set_yticks(np.arange(len(pictures)) * 30 + 14.5, list(pictures), fontsize=10, parse_math=False)
        axes.set_xticks(np.arange(k) * 30 + 14.5 if titles else [], titles, fontsize=9, parse_math=False)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
    apart = {
        name: np.square(images - pictures[reference]).sum((1, 2))
        for name, images in pictures.items()
        if name != reference
    }
    text = f"Squared distance to {reference}, summed over pixels"
    if along and titles:
        ends = (f"{name} {d[0]:.2f} ({titles[0]}) to {d[-1]:.2f} ({titles[-1]})" for name, d in apart.items())
        return _picture(figure, f"{text}: {', '.join(ends)}.")
    listed = ", ".join(f"{name} {d.mean():.2f}" for name, d in apart.items())
    return _picture(figure, f"{text}, mean of {_count(k, 'picture')}: {listed}.")


def decay(
    curves: Mapping[str, Mapping[float, float] | Any],
    xlabel: str,
    ylabel: str,
    references: Mapping[str, float] | None = None,
) -> Picture:
    """Show positive values that fall by powers: both axes are logarithmic, so a power law is a line (lecture 04).

    ``curves``: name to values at 1, 2, 3, ... steps, or to a mapping from steps to values; ``references``: name to a
    positive number, drawn as a level line. The text gives each curve's slope, fitted to its last two thirds on these
    axes: -1 where a value falls as one over the steps, 0 where it stays.
    Raises :class:`DataError` for values that are not positive or finite, and steps that do not rise.
    """
    lines = {name: _steps(name, values) for name, values in _named(curves, "curves").items()}
    levels = {
        name: float(_positive([value], f"references[{name}]")[0])
        for name, value in (_named(references, "references") if references else {}).items()
    }
    with _style():
        figure = _figure(3.9)
        axes = figure.add_subplot()
        for index, (name, (x, y)) in enumerate(lines.items()):
            _line(axes, x, y, name, index)
        for index, (name, level) in enumerate(levels.items()):
            axes.axhline(level, color=_DARK, linewidth=1.2, linestyle=_DASHES[index % len(_DASHES)], label=name)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel(xlabel)
        axes.set_ylabel(ylabel)
        axes.grid(alpha=0.25)
        _legend_below(figure, axes)
    text = " ".join(_decay_text(name, x, y) for name, (x, y) in lines.items())
    for name, level in levels.items():
        text += f" For comparison, {name}: {level:.3g}."
    return _picture(figure, f"{_plain(ylabel).capitalize()}. {text}")


def _positive(values: Any, name: str) -> np.ndarray:
    array = _array(values, name, 1)
    if array.min() <= 0:
        raise DataError(f"a logarithmic axis needs values above 0, the least is {array.min():.3g}", where=name)
    return array


def _steps(name: str, values: Any) -> tuple[np.ndarray, np.ndarray]:
    where = f"curves[{name}]"
    if isinstance(values, Mapping):
        x, y = _positive([float(k) for k in values], where), _positive(list(values.values()), where)
    else:
        y = _positive(values, where)
        x = np.arange(1.0, len(y) + 1)
    if len(x) < 2 or (np.diff(x) <= 0).any():
        raise DataError("two or more steps are needed, in rising order", where=where)
    return x, y


def _line(axes: Axes, x: np.ndarray, y: np.ndarray, name: str, index: int) -> None:
    color, marker, dash = _LINES[index % len(_LINES)]
    # Markers at equal distances on a logarithmic axis.
    at = np.unique(np.searchsorted(x, np.geomspace(x[0], x[-1], 9)).clip(0, len(x) - 1))
    axes.plot(x, y, color=color, marker=marker, markevery=at.tolist(), markersize=5, linestyle=dash, label=name)


def _slope(x: np.ndarray, y: np.ndarray) -> float:
    """Slope on logarithmic axes over the last two thirds of the axis, every stretch of it counting the same."""
    u, v = np.log(x), np.log(y)
    grid = np.linspace(u[0] + (u[-1] - u[0]) / 3, u[-1], 50)
    return round(float(np.polyfit(grid, np.interp(grid, u, v), 1)[0]), 1) + 0.0  # never -0.0


def _decay_text(name: str, x: np.ndarray, y: np.ndarray) -> str:
    slope = _slope(x, y)
    verb = "falls" if slope < -0.1 else "rises" if slope > 0.1 else "stays"
    return f"{name}: {verb}, {y[0]:.3g} at {x[0]:g}, {y[-1]:.3g} at {x[-1]:g}, slope {slope:+.1f}."


def near_what(points: Mapping[str, tuple[Any, Any]]) -> Picture:
    """Show, for each picture, its distance to its class mean against that to the nearest real image (lecture 04).

    ``points``: name to (to the class mean, to the nearest real image of the class), two arrays (n,) of squared
    distances summed over pixels, both positive; at most 2000 points of each name are drawn.
    Raises :class:`DataError` for lengths that differ, and values that are not positive or finite.
    """
    clouds = {}
    for name, pair in _named(points, "points").items():
        a, b = (_positive(values, f"points[{name}]") for values in pair)
        if len(a) != len(b):
            raise DataError(f"{len(a)} and {len(b)} distances do not fit together", where=f"points[{name}]")
        clouds[name] = a, b
    low = min(min(a.min(), b.min()) for a, b in clouds.values()) * 0.8
    high = max(max(a.max(), b.max()) for a, b in clouds.values()) * 1.25
    with _style():
        figure = _figure(4.4, 5.6)
        axes = figure.add_subplot()
        for index, (name, (a, b)) in enumerate(clouds.items()):
            color, marker, _ = _LINES[index % len(_LINES)]
            few = slice(None, None, -(-len(a) // _MOST_POINTS))
            axes.plot(a[few], b[few], marker, color=color, markersize=4, alpha=0.45, markeredgewidth=0, label=name)
        axes.plot([low, high], [low, high], color=_DARK, linewidth=1.2, linestyle=_DASHES[0], label="equally far")
        axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high), aspect="equal")
        axes.set_xlabel("squared distance to the class mean")
        axes.set_ylabel("squared distance to the nearest real image")
        _legend_below(figure, axes)
    text = " ".join(
        f"{name}: {_percent((a < b).mean())} of {_count(len(a), 'picture')} are nearer to their class mean than to "
        f"any real image (medians {np.median(a):.1f} and {np.median(b):.1f})."
        for name, (a, b) in clouds.items()
    )
    return _picture(figure, text)


def losses(curves: Mapping[str, Sequence[float]], floor: float) -> Picture:
    """Show the reconstruction term by epoch for several rules, in nats per image, over its floor (lecture 04).

    ``curves``: name to one mean per epoch; ``floor``: what the class means themselves cost.
    The first of more than three epochs is left out: it lies so high that the others would look alike.
    Raises :class:`DataError` for lengths that differ, and values that are not finite.
    """
    series = {name: _array(values, f"curves[{name}]", 1) for name, values in _named(curves, "curves").items()}
    level = float(_array([floor], "floor", 1)[0])
    if len({len(y) for y in series.values()}) != 1:
        raise DataError("the curves have different numbers of epochs", where="curves")
    with _style():
        figure = _figure(3.6)
        axes = figure.add_subplot()
        for index, (name, y) in enumerate(series.items()):
            color, marker, dash = _LINES[index % len(_LINES)]
            begin, every = int(len(y) > 3), max(1, len(y) // 12)
            x, y = np.arange(begin + 1, len(y) + 1), y[begin:]
            axes.plot(x, y, color=color, marker=marker, markevery=every, markersize=5, linestyle=dash, label=name)
        axes.axhline(level, color=_DARK, linewidth=1.2, linestyle=_DASHES[0], label="cost of the class means")
        axes.set_xlabel("epoch")
        axes.set_ylabel("reconstruction term\n(nats per image)")
        axes.grid(axis="y", alpha=0.3)
        _legend_below(figure, axes)
    ends = ", ".join(f"{name} {y[-1]:.1f} ({y[-1] - level:+.1f})" for name, y in series.items())
    epochs = _count(len(next(iter(series.values()))), "epoch")
    return _picture(
        figure, f"Reconstruction term after {epochs}, in nats per image, against the class means' {level:.1f}: {ends}."
    )
