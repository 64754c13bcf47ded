"""Figures of lecture 07: who read what, what fine-tuning gains and costs, and what an evaluator can be taught."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from a2d.annotation import UNREADABLE, check_label
from a2d.errors import DataError
from a2d.figures import base, inches

_CATEGORIES = [*(str(digit) for digit in range(10)), "x"]
_HATCHES = ("", "//", "..", "xx", "\\\\")


def disputed(images: Any, spoken: Sequence[int], labels: Sequence[int | str]) -> base.Picture:
    """Show the pictures whose label is not the spoken digit, each under both (lecture 07).

    ``images`` (n, 28, 28) in [0, 1]; ``spoken`` n digits; ``labels`` n digits or ``"unreadable"``. At least one
    picture must be disputed. Raises :class:`DataError` for other shapes, values or labels.
    """
    pixels = base.as_pictures(images)
    said = base.as_digits(spoken, "spoken", len(pixels))
    given = [check_label(label) for label in labels]
    if len(given) != len(pixels):
        raise DataError(f"{len(given)} labels for {len(pixels)} images", where="labels")
    at = [index for index, (digit, label) in enumerate(zip(said, given, strict=True)) if digit != label]
    if not at:
        raise DataError("every label is the spoken digit: there is nothing to show", where="labels")
    titles = [f"spoken {said[i]}\n" + ("not readable" if given[i] == UNREADABLE else f"read {given[i]}") for i in at]
    with base.style():
        figure, _ = base.draw_tiles(pixels[at], titles, 6, base.WIDTH / 6)
    blank = sum(given[i] == UNREADABLE for i in at)
    pairs = [(said[i], given[i]) for i in at if given[i] != UNREADABLE]
    listed = sorted(set(pairs), key=lambda pair: (-pairs.count(pair), pair))[:4]
    text = f"{len(at)} of {len(said)} pictures are not labelled with the spoken digit: "
    text += f"{blank} cannot be read, {len(pairs)} {'is' if len(pairs) == 1 else 'are'} read as another digit"
    if pairs:
        text += ": " + ", ".join(f"{a} as {b} ({pairs.count((a, b))} x)" for a, b in listed)
        text += " and others" if len(set(pairs)) > 4 else ""
    return base.finish(figure, text + ".")


def readers(counts: Any, names: tuple[str, str]) -> base.Picture:
    """Show which label two readers gave to the same pictures (lecture 07).

    ``counts`` (11, 11), whole numbers from 0: rows are the labels of the first reader, columns those of the second,
    0 to 9 and then unreadable; ``names`` of both. Raises :class:`DataError` for another shape or other numbers.
    """
    table = base.as_table(counts, "counts", 11)
    first, second = (base.plain(name) for name in names)
    with base.one_panel(5.6, 7.0) as (figure, axes):
        image = axes.imshow(table, cmap="cividis", vmin=0)
        for (row, column), count in np.ndenumerate(table):
            if count:
                color = "black" if count > 0.55 * table.max() else "white"
                weight = "normal" if row == column else "bold"
                axes.text(column, row, f"{count:.0f}", ha="center", va="center", color=color, fontweight=weight)
        axes.set_xticks(range(11), _CATEGORIES)
        axes.set_yticks(range(11), _CATEGORIES)
        axes.set_xlabel(f"label by {second} (x: unreadable)", parse_math=False)
        axes.set_ylabel(f"label by {first} (x: unreadable)", parse_math=False)
        figure.colorbar(image, ax=axes, label="number of pictures", shrink=0.85)
    return base.finish(figure, _readers_text(table, first, second))


def _readers_text(table: np.ndarray, first: str, second: str) -> str:
    n, equal = table.sum(), np.trace(table)
    chance = float(table.sum(axis=1) @ table.sum(axis=0)) / n**2
    text = f"{first[:1].upper()}{first[1:]} and {second} give the same label to "
    text += f"{equal:.0f} of {n:.0f} pictures ({base.percent(equal / n)})"
    if chance < 1:
        kappa = (equal / n - chance) / (1 - chance)
        text += f"; chance alone would give {base.percent(chance)}, so Cohen's kappa is {kappa:.2f}"
    off = table - np.diag(table.diagonal())
    if off.any():
        a, b = np.unravel_index(off.argmax(), off.shape)
        one, other = (UNREADABLE if label == 10 else str(label) for label in (a, b))
        pictures = base.count(int(off[a, b]), "picture")
        return f"{text}. The most frequent difference: {one} against {other}, {pictures}."
    return text + ". They never differ."


def differences(rows: Mapping[str, Sequence[float]]) -> base.Picture:
    """Show differences of two shares with their intervals, in points, one per row (lecture 07).

    ``rows``: name to (difference, low, high), differences of shares with low <= difference <= high.
    Raises :class:`DataError` for anything else.
    """
    values = base.each(base.as_interval, rows, "rows", base.as_array)
    with base.one_panel(1.2 + 0.5 * len(values)) as (figure, axes):
        for place, (value, low, high) in enumerate(values.values()):
            color, marker, _ = base.LINES[_side(low, high)]
            axes.plot([100 * low, 100 * high], [place, place], color=color, linewidth=2)
            axes.plot(100 * value, place, marker, color=color, markersize=7)
            told = f"{100 * value:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"
            axes.text(1.02, place, told, va="center", transform=axes.get_yaxis_transform())
        axes.axvline(0, color=base.DARK, linewidth=1, linestyle=(0, (4, 3)))
        axes.set_yticks(range(len(values)), list(values), parse_math=False)
        axes.set_ylim(len(values) - 0.5, -0.5)
        axes.set_xlabel("gain in points (line: 95 % interval)")
        axes.grid(axis="x", alpha=0.3)
    return base.finish(figure, " ".join(_difference_text(name, *row) for name, row in values.items()))


def _side(low: float, high: float) -> int:
    """0 for an interval above zero, 1 for one below, 4 for one that holds zero: an index into the line styles."""
    return 0 if low > 0 else 1 if high < 0 else 4


def _difference_text(name: str, value: float, low: float, high: float) -> str:
    verdict = {0: "so it gains", 1: "so it loses", 4: "so it may be nothing"}[_side(low, high)]
    return f"{name}: {100 * value:+.1f} points, 95 % interval {100 * low:+.1f} to {100 * high:+.1f}, {verdict}."


def accuracy_by_images(curves: Mapping[str, Mapping[int, Sequence[float]]]) -> base.Picture:
    """Show how well evaluators read against the number of pictures that they were fine-tuned on (lecture 07).

    ``curves``: name to {number of pictures: one share in [0, 1] per set of pictures}; the number 0 is the untouched
    evaluator. Every curve has the same numbers. Raises :class:`DataError` for anything else.
    """
    given = base.as_named(curves, "curves")
    numbers = sorted(next(iter(given.values())))
    if any(sorted(curve) != numbers for curve in given.values()):
        raise DataError("every curve needs the same numbers of pictures", where="curves")
    values = {name: [base.as_shares(curve[n], name) for n in numbers] for name, curve in given.items()}
    with base.one_panel(3.8) as (figure, axes):
        for index, (name, shares, color, marker, line) in enumerate(base.looks(values)):
            # Side by side, so that no mark hides another.
            places = np.arange(len(numbers)) + 0.06 * (index - (len(values) - 1) / 2)
            means = [v.mean() for v in shares]
            axes.plot(places, means, color=color, marker=marker, linestyle=line, label=f"{name} (mean)")
            for place, v in zip(places, shares, strict=True):
                if len(v) > 1:
                    axes.plot(np.full(len(v), place), v, marker, color=color, markerfacecolor="white", markersize=4)
        axes.set_xticks(range(len(numbers)), ["none" if n == 0 else str(n) for n in numbers])
        several = any(len(v) > 1 for shares in values.values() for v in shares)
        marks = " (open marks: one set)" if several else ""
        axes.set(xlabel=f"number of labelled drawings{marks}", ylabel="read as spoken", ylim=(0, 1.02))
        axes.grid(axis="y", alpha=0.3)
        base.percent_axis(axes.yaxis)
        base.legend_below(figure, axes)
    told = []
    for name, shares in values.items():
        steps = [f"{base.percent(v.mean())} with {n or 'none'}" for n, v in zip(numbers, shares, strict=True)]
        told.append(f"{name}: read as spoken are {', '.join(steps)}")
    return base.finish(figure, _sentence("; ".join(told)))


def judged(
    rows: Mapping[str, Mapping[str, float]],
    ylabel: str = "share",
    reference: tuple[str, float] | None = ("guess", 0.1),
) -> base.Picture:
    """Show shares in groups of bars: what each of several evaluators says of each of several generators (lecture 07).

    ``rows``: group to {bar: share in [0, 1]}, with the same bars in every group; ``reference``: a share to compare with
    and its name. Raises :class:`DataError` for anything else.
    """
    groups = base.each(base.as_named, rows, "rows")
    bars = list(next(iter(groups.values())))
    if any(list(row) != bars for row in groups.values()):
        raise DataError("every group needs the same bars", where="rows")
    table = np.array([base.as_shares(list(row.values()), name) for name, row in groups.items()])
    with base.one_panel(3.9) as (figure, axes):
        _draw_bars(axes, dict(zip(bars, table.T, strict=True)), [base.percent(share) for share in table.T.flat])
        if reference is not None:
            name, share = reference
            axes.axhline(share, color=base.RED, linewidth=1, linestyle=(0, (4, 3)))
            axes.text(len(groups) - 0.48, share, base.plain(name), color=base.RED, va="center", fontsize=9)
        axes.set_xticks(range(len(groups)), list(groups), parse_math=False)
        axes.set(xlim=(-0.5, len(groups) - 0.5), ylim=(0, 1.12), yticks=np.arange(0, 1.01, 0.2))
        axes.set_ylabel(base.plain(ylabel), parse_math=False)
        base.percent_axis(axes.yaxis)
        base.legend_below(figure, axes)
    told = [
        f"{name}: " + ", ".join(f"{bar} {base.percent(share)}" for bar, share in zip(bars, row, strict=True))
        for name, row in zip(groups, table, strict=True)
    ]
    text = _sentence("; ".join(told))
    if len(bars) > 1:
        change = table[:, 1] - table[:, 0]
        most = int(np.abs(change).argmax())
        step = f"{100 * change[most]:+.0f} points, {list(groups)[most]}"
        text += f" The largest step from {bars[0]} to {bars[1]}: {step}."
    return base.finish(figure, text)


def errors_by_digit(errors: Mapping[str, Any], ylabel: str = "images misread") -> base.Picture:
    """Show which digits several evaluators misread, and so which of them one has forgotten (lecture 07).

    ``errors``: name to counts (k, 10), a row for each of k evaluators of that name, a column for each digit. The bar is
    their mean, a mark is one of them. Raises :class:`DataError` for another shape or numbers below 0.
    """
    counts = {name: base.as_array(rows, name, 2) for name, rows in base.as_named(errors, "errors").items()}
    if any(rows.shape[1] != 10 or rows.min() < 0 for rows in counts.values()):
        raise DataError("expected ten counts from 0 in each row", where="errors")
    means = {name: rows.mean(0) for name, rows in counts.items()}
    with base.one_panel(3.9) as (figure, axes):
        for places, rows in zip(_draw_bars(axes, means), counts.values(), strict=True):
            if len(rows) > 1:
                axes.plot(places, rows.T, "o", color=base.DARK, markerfacecolor="white", markersize=3.5)
        axes.set_xticks(range(10))
        axes.set(xlabel="digit", ylabel=ylabel)
        axes.grid(axis="y", alpha=0.3)
        base.legend_below(figure, axes)
    first, *others = means.items()
    text = f"{first[0]}: {first[1].sum():.0f} misread"
    for name, row in others:
        most = int((row - first[1]).argmax())
        text += f"; {name}: {row.sum():.0f}, most new ones: {most} (from {first[1][most]:.0f} to {row[most]:.0f})"
    return base.finish(figure, _sentence(text))


def _draw_bars(axes: Any, bars: Mapping[str, np.ndarray], told: Sequence[str] = ()) -> list[np.ndarray]:
    """Draw groups of bars, each bar with its value in ``bars`` in every group; gives the places of each."""
    width, words, drawn = 0.8 / len(bars), iter(told), []
    for index, (name, values) in enumerate(bars.items()):
        places = np.arange(len(values)) + (index - (len(bars) - 1) / 2) * width
        style: dict[str, Any] = {"color": base.LINES[index][0], "hatch": _HATCHES[index], "edgecolor": base.DARK}
        axes.bar(places, values, width * 0.92, label=name, alpha=0.55, linewidth=0.8, **style)
        drawn.append(places)
        for place, value, word in zip(places, values, words, strict=False):
            axes.text(place, value + 0.015, word, ha="center", va="bottom", fontsize=9)
    return drawn


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


# --- inside the widget -------------------------------------------------------------------------------


def annotation_panels(image: Any, *, place: int, labelled: int, n: int, label: object = None) -> base.Picture:
    """Show where somebody who labels images stands (lecture 07).

    ``image`` (28, 28) in [0, 1], or None where there is nothing left to label; ``place`` in the order of showing, from
    0; ``labelled`` of ``n`` images; ``label`` of this image so far. Raises :class:`DataError` for another shape.
    """
    picture = None if image is None else base.as_pictures(image, "image", 2)
    with base.drawing(3.1, 4.2, layout=None) as figure:
        axes = inches.add_panel(figure, 0.85, 0.55, 2.5, 2.2)
        if picture is None:
            axes.text(0.5, 0.5, "nothing left to label", ha="center", va="center", transform=axes.transAxes)
            inches.hide_axes(axes)
        else:
            axes.imshow(picture, cmap="gray", vmin=0, vmax=1)
            inches.hide_axes(axes, f"image {place + 1} of {n}")
        bar = inches.add_panel(figure, 0.2, 0.3, 3.8, 0.13)
        bar.barh([0], [n], color="white", edgecolor=base.DARK, height=1)
        bar.barh([0], [labelled], color=base.BLUE, edgecolor=base.DARK, height=1)
        bar.set_xlim(0, n)
        inches.hide_axes(bar)
        figure.text(0.2 / 4.2, 0.13 / 3.1, f"{labelled} of {n} labelled", fontsize=9, va="center")
    here = "Every image has its label." if picture is None else f"Image {place + 1} of {n} waits for its label."
    if picture is not None and label is not None:
        here = f"Image {place + 1} of {n} is labelled {label}."
    verb = "is" if labelled == 1 else "are"
    return base.finish(figure, f"{labelled} of {base.count(n, 'image')} {verb} labelled. {here}")
