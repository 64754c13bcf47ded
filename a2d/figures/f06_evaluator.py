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


def errors_by_epoch(accuracy: Mapping[str, Sequence[float]], n: int) -> base.Picture:
    """Show the share of misread test images by epoch, which near 99 % tells more than the accuracy (lecture 06).

    ``accuracy``: name to one share in [0, 1] per epoch; ``n``: the number of test images.
    Raises :class:`DataError` for other values.
    """
    errors = {name: 1 - right for name, right in base.each(base.as_shares, accuracy, "accuracy").items()}
    with base.one_panel(3.6) as (figure, axes):
        for name, values, color, marker, line in base.looks(errors):
            x = np.arange(1, len(values) + 1)
            axes.plot(x, values, color=color, marker=marker, linestyle=line, label=name)
            half = 1.96 * np.sqrt(values * (1 - values) / n)
            axes.fill_between(x, np.maximum(values - half, 0), values + half, color=color, alpha=0.15, linewidth=0)
        axes.set(xlabel="epoch", ylabel="share misread (band: 95 %)")
        axes.set_ylim(0)
        axes.grid(axis="y", alpha=0.3)
        base.percent_axis(axes.yaxis)
        base.whole_ticks(axes.xaxis)
        axes.legend()
    told = [
        f"{name}: {base.percent(v[0], 2)} misread after epoch 1, {base.percent(v[-1], 2)} after epoch {len(v)} "
        f"({round(v[-1] * n)} of {n:,} images)"
        for name, v in errors.items()
    ]
    return base.finish(figure, f"{'; '.join(told)}.")


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


def steps_of_blur(images: Any, names: Sequence[str], labels: Sequence[int], read: Any) -> base.Picture:
    """Show the same pictures, row by row more blurred, and say how many of each row are read right (lecture 06).

    ``images`` (rows, n, 28, 28) in [0, 1]; ``names``: one per row; ``labels``: n digits; ``read`` (rows, n) digits.
    Misread pictures carry a cross. Raises :class:`DataError` for other shapes or values.
    """
    pixels = base.as_pictures(images, "images", 4)
    truth = base.as_digits(labels, "labels", pixels.shape[1])
    seen = base.as_array(read, "read", pixels.shape[:2])
    right, rows = seen == np.array(truth), [base.plain(name) for name in names]
    figure = base.draw_rows(pixels, rows, [str(d) for d in truth], "digit (cross and number: misread as)")
    axes = figure.axes[0]
    for row, column in np.argwhere(~right):
        text = f"\N{MULTIPLICATION X}{seen[row, column]:.0f}"
        axes.text(column * 30 + 2, row * 30 + 2, text, color="#FFB000", fontsize=8, fontweight="bold", va="top")
    told = ", ".join(f"{name}: {hits.sum()}" for name, hits in zip(rows, right, strict=True))
    return base.finish(figure, f"Of {base.count(len(truth), 'picture')} are read right: {told}.")


def fading(
    x: Sequence[float],
    panels: Mapping[str, Mapping[str, Sequence[float]]],
    xlabel: str,
    beside: Mapping[str, tuple[float, float]] | None = None,
) -> base.Picture:
    """Show how accuracy and confidence change as pictures are changed step by step, one panel per change (lecture 06).

    ``x``: rising values; ``panels``: name to {"accuracy", "confidence"}, one share in [0, 1] per value; ``beside``:
    name of a mark in the first panel to (x, accuracy). Raises :class:`DataError` for other lengths or values.
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
        for (name, (place, value)), mark in zip((beside or {}).items(), ("*", "P", "X"), strict=False):
            label = f"{base.plain(name)}: accuracy"
            all_axes[0].plot(place, value, mark, color=base.DARK, markersize=12, linestyle="none", label=label)
        all_axes[0].set(ylabel="share", ylim=(0, 1.04))
        base.percent_axis(all_axes[0].yaxis)
        all_axes[0].legend(loc="lower left", fontsize=9)
    return base.finish(figure, " ".join(_fading_text(steps, name, panel, xlabel) for name, panel in series.items()))


def _fading_text(x: np.ndarray, name: str, panel: Mapping[str, np.ndarray], xlabel: str) -> str:
    a, c = panel["accuracy"], panel["confidence"]
    return (
        f"{name}: as {xlabel} goes from {x[0]:g} to {x[-1]:g}, "
        f"the accuracy goes from {base.percent(a[0])} to {base.percent(a[-1])} "
        f"and the mean confidence from {base.percent(c[0])} to {base.percent(c[-1])}."
    )


def class_means_read(evaluators: Mapping[str, tuple[Sequence[int], Sequence[float]]]) -> base.Picture:
    """Show what evaluators read from the ten class means, and how sure they are (lecture 06).

    ``evaluators``: name to (ten digits that are read from the means of 0 to 9, ten confidences in [0, 1]).
    Raises :class:`DataError` for other lengths or values.
    """
    rows = {
        name: (np.array(base.as_digits(read, name, 10)), base.as_shares(sure, name, (10,)))
        for name, (read, sure) in base.as_named(evaluators, "evaluators").items()
    }
    with base.one_panel(3.6) as (figure, axes):
        bold: dict[str, Any] = {"ha": "center", "fontsize": 9, "color": base.RED, "fontweight": "bold"}
        for name, (read, sure), color, marker, line in base.looks(rows):
            axes.plot(range(10), sure, color=color, marker=marker, linestyle=line, label=name)
            for digit in np.flatnonzero(read != np.arange(10)):
                at = (digit, sure[digit])
                axes.annotate(f"read as {read[digit]}", at, (0, -16), textcoords="offset points", **bold)
        axes.set_xticks(range(10))
        axes.set(xlabel="mean of MNIST's images of this digit", ylabel="confidence", ylim=(0, 1.04))
        axes.grid(axis="y", alpha=0.3)
        base.percent_axis(axes.yaxis)
        base.legend_below(figure, axes)
    told = [
        f"{name} reads {(read == np.arange(10)).sum()} of the ten class means right, "
        f"with a mean confidence of {base.percent(sure.mean())}"
        for name, (read, sure) in rows.items()
    ]
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
