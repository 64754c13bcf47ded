"""Figures of lecture 06: what the evaluator learns, how sure it is, what blur does to it, and where it looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from a2d.errors import DataError
from a2d.figures import base
from a2d.metrics import calibration_error, reliability

_BINS = 10


def feature_maps(image: Any, maps: Mapping[str, Any]) -> base.Picture:
    """Show a picture and, layer by layer, some of the maps that a network makes of it (lecture 06).

    ``image`` (28, 28) in [0, 1]; ``maps``: a layer's name to its maps (k, h, w) after the ReLU, the same k in
    each layer. Raises :class:`DataError` for other shapes or NaN.
    """
    first = base.as_pictures(image, "image", 2)
    layers = base.each(base.as_array, maps, "maps", 3)
    k = len(next(iter(layers.values())))
    if any(len(m) != k for m in layers.values()):
        raise DataError("every layer needs the same number of maps", where="maps")
    with base.drawing(1.25 * len(layers) + 0.2) as figure:
        panels = figure.subplots(len(layers), k + 1, squeeze=False, width_ratios=[1.4] + [1] * k)
        for row, (name, layer) in zip(panels, layers.items(), strict=True):
            row[0].imshow(first, cmap="gray", vmin=0, vmax=1)
            row[0].set_title("picture", fontsize=9)
            for axes, one in zip(row[1:], layer, strict=True):
                axes.imshow(one, cmap="cividis", vmin=0, vmax=max(layer.max(), 1e-12))
            row[1].set_title(f"{name}, {layer.shape[1]} x {layer.shape[2]}", fontsize=9, loc="left", parse_math=False)
            for axes in row:
                axes.set_axis_off()
    told = "; ".join(f"{name}: {base.percent((m > 0).mean())} of the values are above 0" for name, m in layers.items())
    return base.finish(figure, f"{base.count(k, 'map')} of each layer. {told}; all others were cut off at 0.")


def reliability_diagram(sets: Mapping[str, tuple[Any, Any]]) -> base.Picture:
    """Show accuracy against confidence, and below how many readings each bin has, one column per set (lecture 06).

    ``sets``: name to (confidence (n,) in [0, 1], right (n,) True or False).
    Raises :class:`DataError` for other shapes or values.
    """
    given = base.as_named(sets, "sets")
    tables = {name: reliability(sure, right, bins=_BINS) for name, (sure, right) in given.items()}
    middles, width = (np.arange(_BINS) + 0.5) / _BINS, 1 / _BINS
    with base.drawing(4.6) as figure:
        grid = figure.subplots(2, len(tables), squeeze=False, height_ratios=[3, 1], sharex=True)
        for column, (name, table) in enumerate(tables.items()):
            top, low = grid[:, column]
            some = table.count > 0
            top.plot([0, 1], [0, 1], color=base.DARK, linewidth=1, linestyle=(0, (4, 3)), label="calibrated")
            x, y = table.confidence[some], table.accuracy[some]
            low_end, high_end = _wilson(y, table.count[some])
            spread = np.maximum([y - low_end, high_end - y], 0)
            top.errorbar(x, y, spread, fmt="o", color=base.BLUE, capsize=3, label="accuracy (95 %)")
            low.bar(middles, table.count, width * 0.9, color=base.BLUE, alpha=0.45, edgecolor=base.BLUE)
            top.set_title(name, parse_math=False)
            top.set_ylim(-0.03, 1.08)
            low.set(xlim=(0, 1), xlabel="confidence")
            for axis in (top.yaxis, low.xaxis):
                base.percent_axis(axis)
            top.grid(alpha=0.3)
        grid[0, 0].set_ylabel("share read right")
        grid[1, 0].set_ylabel("readings")
        base.legend_below(figure, grid[0, 0])
    return base.finish(figure, " ".join(_reliability_text(name, *pair) for name, pair in given.items()))


def _wilson(share: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 95 % interval of a share of n by E. Wilson (1927), which is not empty for a share of 0 or 1."""
    z = 1.96
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return middle - half, middle + half


def _reliability_text(name: str, confidence: Any, right: Any) -> str:
    sure, hit = float(np.mean(confidence)), float(np.mean(right))
    gap = 100 * (sure - hit)
    told = "too sure" if gap > 0 else "not sure enough"
    return (
        f"{base.plain(name)}: mean confidence {base.percent(sure, 1)}, read right {base.percent(hit, 1)}, "
        f"{told} by {abs(gap):.1f} points; expected calibration error "
        f"{base.percent(calibration_error(np.asarray(confidence), np.asarray(right), _BINS), 1)}."
    )


def fading(x: Sequence[float], panels: Mapping[str, Mapping[str, Sequence[float]]], xlabel: str) -> base.Picture:
    """Show the accuracy of evaluators as pictures are changed step by step, one panel per change (lecture 06).

    ``x``: rising values; ``panels``: name of the change to {evaluator: one share in [0, 1] per value}.
    Raises :class:`DataError` for other lengths or values.
    """
    steps = base.as_rising(x, "x")
    given = base.each(base.as_named, panels, "panels")
    series = {name: base.each(base.as_shares, panel, name, steps.shape) for name, panel in given.items()}
    with base.drawing(3.7) as figure:
        all_axes = figure.subplots(1, len(series), squeeze=False, sharey=True)[0]
        for axes, (name, panel) in zip(all_axes, series.items(), strict=True):
            for key, values, color, marker, line in base.looks(panel):
                axes.plot(steps, values, color=color, marker=marker, linestyle=line, label=key)
            axes.set_title(name, parse_math=False)
            axes.set_xlabel(xlabel)
            axes.grid(alpha=0.3)
        all_axes[0].set(ylabel="share read right", ylim=(0, 1.04))
        base.percent_axis(all_axes[0].yaxis)
        base.legend_below(figure, all_axes[0])
    told = []
    for name, panel in series.items():
        ends = [f"{key} {base.percent(v[0])} to {base.percent(v[-1])}" for key, v in panel.items()]
        told.append(f"{name}, {base.plain(xlabel)} from {steps[0]:g} to {steps[-1]:g}: {', '.join(ends)}.")
    return base.finish(figure, " ".join(told))


def blur_curves(
    sigmas: Sequence[float], accuracy: Mapping[str, Any], marks: Mapping[str, tuple[float, Sequence[float]]]
) -> base.Picture:
    """Show how evaluators read blurred images, with how they read drawings that are as unsharp (lecture 06).

    ``sigmas`` (k,) rising; ``accuracy``: evaluator to shares (trainings, k); ``marks``: evaluator to the sigma of the
    drawings and the shares of them that are read. Raises :class:`DataError` for other shapes or values.
    """
    x = base.as_rising(sigmas, "sigmas")
    given = base.each(base.as_shares, accuracy, "accuracy", 2)
    if any(values.shape[1] != len(x) for values in given.values()):
        raise DataError("every training needs one share per sigma", where="accuracy")
    told = []
    with base.one_panel(4.2) as (figure, axes):
        for name, values, color, marker, line in base.looks(given):
            mean = values.mean(axis=0)
            axes.plot(x, mean, color=color, marker=marker, linestyle=line, label=f"{name}: images")
            axes.fill_between(x, values.min(axis=0), values.max(axis=0), color=color, alpha=0.2, linewidth=0)
            place, shares = marks[name]
            y, spread = np.mean(shares), [[np.mean(shares) - min(shares)], [max(shares) - np.mean(shares)]]
            look: dict[str, Any] = {"fmt": marker, "color": color, "markerfacecolor": "white", "markersize": 9}
            axes.errorbar([place], [y], spread, capsize=3, label=f"{name}: drawings", **look)
            told.append(
                f"{name}: sharp images {base.percent(mean[0])}, images as unsharp as the drawings "
                f"{base.percent(float(np.interp(place, x, mean)))}, drawings {base.percent(float(y))}"
            )
        axes.axvline(next(iter(marks.values()))[0], color=base.DARK, linewidth=1, linestyle=":")
        axes.set(xlabel="sigma of the blur (pixels)", ylabel="share read right (band, bar: range)", ylim=(0, 1.04))
        axes.grid(alpha=0.3)
        base.percent_axis(axes.yaxis)
        base.legend_below(figure, axes)
    return base.finish(figure, "; ".join(told) + ".")


def pictures_read(
    pictures: Mapping[str, Any], labels: Sequence[int], read: Mapping[str, Sequence[tuple[Any, Any]]]
) -> base.Picture:
    """Show rows of pictures with what one evaluator reads (above) and what another one reads (below) (lecture 06).

    ``pictures``: name of a row to (n, 28, 28) in [0, 1]; ``labels``: n digits; ``read``: evaluator (two of them) to
    one pair for each row, n digits and n confidences. Raises :class:`DataError` for other shapes or values.
    """
    rows = {name: base.as_pictures(one, name) for name, one in base.as_named(pictures, "pictures").items()}
    n = len(labels)
    truth, (above, below) = np.array(base.as_digits(labels, "labels", n)), list(read)
    told = []
    with base.drawing(1.45 * len(rows) + 0.3) as figure:
        panels = figure.subplots(len(rows), n, squeeze=False)
        for at, (name, images) in enumerate(rows.items()):
            panels[at, 0].set_ylabel(name, parse_math=False)
            for net, put in ((above, "set_title"), (below, "set_xlabel")):
                digits = np.array(base.as_digits(read[net][at][0], net, n))
                sure = base.as_shares(read[net][at][1], net, (n,))
                for axes, digit, c, c_true in zip(panels[at], digits, sure, truth, strict=True):
                    right, first = digit == c_true, f"[{c_true}]\n" if (at, put) == (0, "set_title") else ""
                    look = {} if right else {"color": base.RED, "fontweight": "bold"}
                    cross = "" if right else "\N{MULTIPLICATION X} "
                    getattr(axes, put)(f"{first}{cross}{digit}, {base.percent(c)}", fontsize=8, **look)
                text = (
                    f"{net} reads {(digits == truth).sum()} of {n} right, mean confidence {base.percent(sure.mean())}"
                )
                told.append(f"{base.plain(name)}: {text}")
            for axes, image in zip(panels[at], images, strict=True):
                axes.imshow(image, cmap="gray", vmin=0, vmax=1)
                axes.set(xticks=[], yticks=[])
        figure.suptitle(f"[digit], above: {base.plain(above)}, below: {base.plain(below)}", fontsize=9)
    return base.finish(figure, "; ".join(told) + ".")


def where_it_looks(image: Any, maps: Mapping[str, Any], units: Sequence[str]) -> base.Picture:
    """Show a picture beside maps of what in it speaks for a digit (positive) or against it (lecture 06).

    ``image`` (28, 28) in [0, 1]; ``maps``: title to a map (28, 28) of signed numbers; ``units``: what each map's
    numbers are. Raises :class:`DataError` for other shapes or values.
    """
    first = base.as_pictures(image, "image", 2)
    given = base.each(base.as_array, maps, "maps", (28, 28))
    with base.drawing(3.3) as figure:
        panels = figure.subplots(1, len(given) + 1)
        panels[0].imshow(first, cmap="gray", vmin=0, vmax=1)
        panels[0].set_title("picture", fontsize=10)
        for axes, unit, (name, m) in zip(panels[1:], units, given.items(), strict=True):
            most = max(np.abs(m).max(), 1e-12)
            shown = axes.imshow(m, cmap="cividis", vmin=-most, vmax=most)
            if first.min() < 0.4 < first.max():
                axes.contour(first, [0.4], colors="white", linewidths=0.8)
            axes.set_title(name, fontsize=10, parse_math=False)
            figure.colorbar(shown, ax=axes, label=base.plain(unit), location="bottom")
        for axes in panels:
            axes.set(xticks=[0, 14, 27], yticks=[0, 14, 27])
    return base.finish(figure, " ".join(_where_text(name, m) for name, m in given.items()))


def _where_text(name: str, m: np.ndarray) -> str:
    def place(at: int) -> str:
        row, column = np.unravel_index(at, m.shape)
        return f"row {row}, column {column}"

    text = f"{name}: most for it at {place(int(m.argmax()))} ({m.max():+.2f})"
    return f"{text}, most against it at {place(int(m.argmin()))} ({m.min():+.2f})."
