"""The figures of the report itself, drawn by `a2d evaluate` and by several lectures."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from a2d.errors import DataError
from a2d.figures import base


def batch(images: Any, spoken: Any, read: Any = None, confidence: Any = None, columns: int = 8) -> base.Picture:
    """Show one batch of generated digits with what was spoken and what was read (lecture 05).

    ``images`` (n, 28, 28) in [0, 1], at most 400; ``spoken`` and ``read`` n digits; ``confidence`` n shares
    in [0, 1]. A misread image has a dashed frame, and a cross before its bold title.
    """
    pixels = base.as_pictures(images)
    n = len(pixels)
    said = base.as_digits(spoken, "spoken", n)
    seen = None if read is None else base.as_digits(read, "read", n)
    sure = None if confidence is None else base.as_shares(confidence, "confidence", (n,))
    if sure is not None and seen is None:
        raise DataError("confidences need readings", where="confidence")
    titles = [f"spoken {digit}" for digit in said]
    if seen is not None:
        wrong = ["\N{MULTIPLICATION X} " if a != b else "" for a, b in zip(said, seen, strict=True)]
        titles = [f"{t}\n{mark}read {b}" for t, mark, b in zip(titles, wrong, seen, strict=True)]
    if sure is not None:
        join = ", " if columns <= 8 else "\n"
        titles = [f"{t}{join}{base.percent(share)}" for t, share in zip(titles, sure, strict=True)]
    with base.style():
        figure, panels = base.draw_tiles(pixels, titles, columns, base.WIDTH / max(columns, 8))
        for index, axes in enumerate(panels):
            if seen is not None and seen[index] != said[index]:
                base.mark_wrong(axes)
    return base.finish(figure, _batch_text(pixels, said, seen, sure))


def _batch_text(images: np.ndarray, said: list[int], seen: list[int] | None, sure: np.ndarray | None) -> str:
    n = len(said)
    if seen is None:
        grey = float(np.mean((images > 0.1) & (images < 0.9)))
        kinds = base.count(len(set(said)), "spoken digit")
        text = f"{base.percent(grey)} of the pixels are neither black nor white"
        return f"{base.count(n, 'generated image')} of {kinds}; {text}."
    if n == 1:
        told = "as the spoken digit" if said == seen else f"as {seen[0]}, not as the spoken {said[0]}"
        confidence = "" if sure is None else f". The evaluator's confidence is {base.percent(float(sure[0]))}"
        return f"The generated image is read {told}{confidence}."
    wrong = [(a, b) for a, b in zip(said, seen, strict=True) if a != b]
    text = f"{n - len(wrong)} of {base.count(n, 'generated image')} are read as the spoken digit"
    text += f" ({base.percent((n - len(wrong)) / n)})"
    if wrong:
        pairs = sorted(set(wrong), key=lambda pair: (-wrong.count(pair), pair))[:3]
        text += "; misread are " + ", ".join(f"{a} as {b} ({wrong.count((a, b))} x)" for a, b in pairs)
        text += " and others" if len(set(wrong)) > 3 else ""
    if sure is not None:
        hits = np.array(said) == np.array(seen)
        kinds_of = {"in right": sure[hits], "in wrong": sure[~hits]}
        parts = [f"{base.percent(some.mean())} {name}" for name, some in kinds_of.items() if len(some)]
        text += f". The evaluator's mean confidence is {' and '.join(parts)} readings"
    return text + "."


def grid(images: Any) -> base.Picture:
    """Show many generated digits, one row per spoken digit (lecture 05).

    ``images`` (10, k, 28, 28) in [0, 1], rows 0 to 9. The text compares the spread within a row
    with the spread between the rows' means, both as the standard deviation per pixel.
    """
    pixels = base.as_pictures(images, "images", 4)
    rows, k = pixels.shape[:2]
    if rows != 10:
        raise DataError(f"expected ten rows of images, got {rows}", where="images")
    cell = min((base.WIDTH - 0.6) / max(k, 10), 0.75)
    with base.one_panel(10 * cell + 0.1, k * cell + 0.6) as (figure, axes):
        base.draw_sheet(axes, pixels, [str(digit) for digit in range(10)], sizes=(11, 10))
        axes.set_ylabel("spoken digit")
    return base.finish(figure, _grid_text(pixels))


def _grid_text(images: np.ndarray) -> str:
    k = images.shape[1]
    between = images.mean(axis=1).std(axis=0).mean()
    text = f"{base.count(k, 'image')} for each spoken digit, 0 to 9. "
    if k == 1:
        return text + f"The digits differ from each other by {between:.3f} per pixel (standard deviation)."
    within = images.std(axis=1).mean(axis=(1, 2))
    low, high = int(within.argmin()), int(within.argmax())
    return text + (
        f"Within a row the images differ by {within.mean():.3f} per pixel (standard deviation), "
        f"least for {low} ({within[low]:.3f}) and most for {high} ({within[high]:.3f}); "
        f"the rows' means differ by {between:.3f}."
    )


def accuracy_while_training(
    history: Mapping[str, Sequence[float]], references: Mapping[str, float] | None = None
) -> base.Picture:
    """Show accuracies by epoch, with reference lines (lecture 05).

    ``history``: name to one share in [0, 1] per epoch, from epoch 1 on; ``references``: name to a share.
    """
    series = base.each(base.as_shares, history, "history")
    with base.one_panel(4.4) as (figure, axes):
        base.draw_curves(axes, series)
        lines = base.draw_references(axes, references, upright=False)
        axes.set(xlabel="epoch", ylabel="accuracy (share read as spoken)", ylim=(0, 1.02))
        base.percent_axis(axes.yaxis)
        base.legend_below(figure, axes)
    text = " ".join(_accuracy_text(name, values) for name, values in series.items())
    for name, value in lines.items():
        ends = "; ".join(f"{series_name} {100 * (v[-1] - value):+.1f} points" for series_name, v in series.items())
        text += f" Against {name} ({base.percent(value, 1)}) the last epoch is at: {ends}."
    return base.finish(figure, text)


def _accuracy_text(name: str, y: np.ndarray) -> str:
    if len(y) == 1:
        return f"{name}: {base.percent(y[0], 1)} after epoch 1."
    text = f"{name}: {_verb(y)} from {base.percent(y[0])} after epoch 1 to {base.percent(y[-1])} after epoch {len(y)}"
    last = min(10, len(y) // 2)
    if last >= 2:
        tail = y[-last:]
        text += f"; the last {last} epochs vary by {100 * (tail.max() - tail.min()):.1f} points"
    return text + "."


def _verb(y: np.ndarray) -> str:
    return "rises" if y[-1] > y[0] else "falls" if y[-1] < y[0] else "goes"


def loss_terms(history: Mapping[str, Sequence[float]]) -> base.Picture:
    """Show the two terms of the negative ELBO by epoch, in nats per image, in two panels (lecture 05).

    ``history`` has ``reconstruction`` and ``kl``, each one mean per epoch, and may have ``validation_reconstruction``
    and ``validation_kl``: sums over pixels or latent dimensions, means over images.
    """
    series = base.each(base.as_array, history, "history")
    terms = {"reconstruction": "reconstruction term", "kl": "KL divergence from the prior"}
    if set(series) not in (set(terms), {*terms, *(f"validation_{term}" for term in terms)}):
        raise DataError(f"expected reconstruction and kl, got {', '.join(series)}", where="history")
    if len({len(values) for values in series.values()}) != 1:
        raise DataError("the terms have different numbers of epochs", where="history")
    with base.drawing(3.6) as figure:
        for axes, (term, title) in zip(figure.subplots(1, 2), terms.items(), strict=True):
            names = {"training": term, "validation": f"validation_{term}"}
            base.draw_curves(axes, {label: series[name] for label, name in names.items() if name in series})
            axes.set(title=title, xlabel="epoch", ylabel="nats per image")
            if names["validation"] in series:
                axes.legend()
    return base.finish(figure, _loss_text(series))


def _loss_text(series: Mapping[str, np.ndarray]) -> str:
    rec, kl = series["reconstruction"], series["kl"]
    if len(rec) == 1:
        return f"After epoch 1 the reconstruction term is {rec[0]:.1f} and the KL {kl[0]:.1f} nats per image."
    text = f"From epoch 1 to {len(rec)} the reconstruction term {_verb(rec)} from {rec[0]:.1f} to {rec[-1]:.1f} nats "
    text += f"per image, the KL {_verb(kl)} from {kl[0]:.1f} to {kl[-1]:.1f}."
    if "validation_reconstruction" in series:
        gap = series["validation_reconstruction"][-1] - rec[-1]
        side = "above" if gap >= 0 else "below"
        text += f" At the end the reconstruction term in validation is {abs(gap):.1f} nats {side} training."
    return text


def bars_with_spread(
    rows: Mapping[str, Sequence[float]],
    references: Mapping[str, float] | None = None,
    xlabel: str = "accuracy",
    dots: str = "seed",
) -> base.Picture:
    """Show a mean bar per row with one dot per seed, so that no single number stands alone (lecture 08).

    ``rows``: label to one share in [0, 1] per seed; ``references``: name to a share; ``dots``: what a dot stands for.
    """
    values = base.each(base.as_shares, rows, "rows")
    with base.one_panel(1.3 + 0.42 * len(values) + (0.25 if references else 0)) as (figure, axes):
        for place, shares in enumerate(values.values()):
            axes.barh(place, shares.mean(), height=0.62, color=base.BLUE, alpha=0.3, edgecolor=base.BLUE)
            # Equal values are set side by side, always in the same way.
            offsets = np.linspace(-0.16, 0.16, len(shares)) if len(shares) > 1 else np.zeros(1)
            axes.plot(shares, place + offsets, "o", color=base.DARK, markersize=4.5, markerfacecolor="white")
            text = f"{base.percent(shares.mean(), 1)}  (n = {len(shares)})"
            axes.text(1.02, place, text, va="center", ha="left", transform=axes.get_yaxis_transform())
        labels = ["\n".join(textwrap.wrap(base.shortened(name, 66), 34)) for name in values]
        axes.set_yticks(range(len(values)), labels, parse_math=False)
        axes.invert_yaxis()
        axes.set_xlim(0, 1.02)
        axes.set_xlabel(f"{base.plain(xlabel)} (bar: mean, dots: one per {dots})", parse_math=False)
        axes.grid(axis="x", alpha=0.3)
        axes.set_axisbelow(True)
        base.percent_axis(axes.xaxis)
        lines = base.draw_references(axes, references, upright=True)
        base.legend_below(figure, axes)
    return base.finish(figure, _bars_text(values, lines, dots))


def _bars_text(values: Mapping[str, np.ndarray], lines: Mapping[str, float], dots: str) -> str:
    def told(name: str) -> str:
        v = values[name]
        if len(v) == 1:
            return f"{name}: {base.percent(v[0], 1)} (one {dots}, so no spread)"
        ends = f"{base.percent(v.min(), 1)} to {base.percent(v.max(), 1)}"
        return f"{name}: {base.percent(v.mean(), 1)} on average, {ends} over {len(v)} {dots}s"

    best = max(values, key=lambda name: values[name].mean())
    worst = min(values, key=lambda name: values[name].mean())
    text = f"{told(best)}."
    if len(values) > 1:
        apart = values[best].min() > values[worst].max()
        text = f"Highest is {told(best)}; lowest is {told(worst)}. "
        gap = 100 * (values[best].mean() - values[worst].mean())
        text += f"The means differ by {gap:.1f} points"
        several = len(values[best]) > 1 and len(values[worst]) > 1
        text += f" and the ranges {'do not ' if apart else ''}overlap." if several else "."
    for name, value in lines.items():
        above = sum(v.mean() > value for v in values.values())
        text += f" Above {name} ({base.percent(value, 1)}): {above} of {base.count(len(values), 'mean')}."
    return text


def confusion_matrix(counts: Any, title: str = "spoken and read digits") -> base.Picture:
    """Show how often each spoken digit was read as which, as counts and shares of the row (lecture 06).

    ``counts`` (10, 10), whole numbers from 0, spoken digits on the rows, read digits on the columns.
    """
    table = base.as_table(counts, "counts", 10)
    totals = table.sum(axis=1)
    with base.one_panel(6.2, 7.6) as (figure, axes):
        image = base.draw_confusion(axes, table, shares_told=True)
        axes.set_xticks(range(10), [str(digit) for digit in range(10)])
        axes.set_yticks(range(10), [f"{digit} (n = {n:.0f})" for digit, n in enumerate(totals)])
        axes.set(xlabel="digit read from the picture", ylabel="digit spoken")
        axes.set_title(base.plain(title), parse_math=False)
        bar = figure.colorbar(image, ax=axes, label="share of the spoken digit (row)", shrink=0.85)
        base.percent_axis(bar.ax.yaxis)
    return base.finish(figure, _confusion_text(base.plain(title), table, totals))


def _confusion_text(title: str, table: np.ndarray, totals: np.ndarray) -> str:
    right, n = np.trace(table), table.sum()
    text = f"{title}: {right:.0f} of {n:.0f} pictures ({base.percent(right / n, 1)}) are read as the spoken digit"
    if right == n:
        return text + "; none is misread."
    heard = np.flatnonzero(totals)
    own = table.diagonal() / np.maximum(totals, 1)
    best, worst = (int(heard[choose(own[heard])]) for choose in (np.argmax, np.argmin))
    off = table - np.diag(table.diagonal())
    a, b = np.unravel_index(off.argmax(), off.shape)
    share = base.percent(off[a, b] / totals[a])
    return text + (
        f", from {base.percent(own[worst])} for {worst} to {base.percent(own[best])} for {best}. "
        f"The most frequent misreading is {a} read as {b}: {off[a, b]:.0f} times, {share} of the spoken {a}."
    )
