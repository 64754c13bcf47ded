"""The figures of lecture 08: the report's numbers, its speakers, and how alike its pictures are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from a2d.errors import DataError
from a2d.figures import base


def ears_and_pictures(heard: Mapping[str, Sequence[float]], drawn: Mapping[str, Sequence[float]]) -> base.Picture:
    """Show, for each speaker that was held out, how many recordings are named and how many pictures are read.

    ``heard`` and ``drawn``: speaker to one share in [0, 1] per seed, the same speakers in both.
    Raises :class:`DataError` for shares out of range and speakers that differ.
    """
    named = base.each(base.as_shares, heard, "heard")
    read = base.each(base.as_shares, drawn, "drawn")
    if set(named) != set(read):
        raise DataError("the speakers differ", where="drawn", hint="Give the same speakers twice")
    order = sorted(named, key=lambda speaker: -float(named[speaker].mean()))
    several = any(len(values) > 1 for values in (*named.values(), *read.values()))
    marks = " (large: mean, small: one per seed)" if several else ""
    with base.one_panel(1.5 + 0.45 * len(order)) as (figure, axes):
        for place, speaker in enumerate(order):
            a, b = named[speaker].mean(), read[speaker].mean()
            axes.plot([a, b], [place, place], color=base.DARK, linewidth=1, alpha=0.5)
            for values, color, marker in ((named[speaker], base.BLUE, "o"), (read[speaker], base.RED, "s")):
                label = ("the sound, named by an MLP", "the picture, read by the evaluator")[marker == "s"]
                axes.plot(values, np.full(len(values), place), marker, color=color, markersize=3, alpha=0.35)
                axes.plot(values.mean(), place, marker, color=color, markersize=9, label=None if place else label)
        axes.axvline(0.1, color=base.DARK, linestyle=":", linewidth=1.2, label="guessing: 10 %")
        axes.set_yticks(range(len(order)), [base.plain(name) for name in order], parse_math=False)
        axes.invert_yaxis()
        axes.set_xlim(0, 1.02)
        axes.set_xlabel(f"accuracy on a speaker who was not heard in training{marks}")
        axes.grid(axis="x", alpha=0.3)
        axes.set_axisbelow(True)
        base.percent_axis(axes.xaxis)
        base.legend_below(figure, axes)
    means = {s: (float(named[s].mean()), float(read[s].mean())) for s in order}
    lower = sum(b < a for a, b in means.values())
    best, worst, speakers = order[0], order[-1], base.count(len(order), "speaker")
    high, low = ([base.percent(share) for share in means[speaker]] for speaker in (best, worst))
    text = (
        f"The pictures are read less often than the sounds are named for {lower} of {speakers}. "
        f"Named best is {best} ({high[0]} named, {high[1]} of the pictures read), "
        f"worst {worst} ({low[0]} and {low[1]})."
    )
    if len(order) > 2:
        r = float(np.corrcoef(np.array(list(means.values())).T)[0, 1])
        text += f" Over the speakers the two go together with a correlation of {r:.2f}."
    return base.finish(figure, text)


def seeds_and_chance(values: Sequence[float], n: int, simulated: Sequence[float]) -> base.Picture:
    """Show the accuracies of some seeds above what chance alone spreads, for a test part of ``n`` recordings.

    ``values``: one share in [0, 1] per seed; ``simulated``: shares from a simulation with one fixed accuracy.
    Raises :class:`DataError` for shares out of range, or fewer than two seeds.
    """
    seeds, chance = base.as_shares(values, "values"), base.as_shares(simulated, "simulated")
    if len(seeds) < 2:
        raise DataError("one seed has no spread", where="values", hint="Give two or more")
    with base.one_panel(2.9) as (figure, axes):
        low, high = min(seeds.min(), chance.min()), max(seeds.max(), chance.max())
        edges = np.arange(np.floor(low * n) - 0.5, np.ceil(high * n) + 1.5, max(1, round((high - low) * n / 30))) / n
        axes.hist(
            chance, bins=edges.tolist(), color=base.BLUE, alpha=0.35, label=f"chance alone, {len(chance):,} test parts"
        )
        top = axes.get_ylim()[1]
        axes.plot(seeds, np.full(len(seeds), top * 1.08), "v", color=base.RED, markersize=9, label="seeds")
        axes.set(ylim=(0, top * 1.2), xlabel=f"accuracy on a test part of {n} recordings")
        axes.set_ylabel("simulated test parts")
        base.percent_axis(axes.xaxis)
        base.legend_below(figure, axes)
    text = (
        f"The accuracies of {base.count(len(seeds), 'seed')} have a standard deviation of "
        f"{100 * seeds.std(ddof=1):.1f} points. "
        f"With one fixed accuracy, the choice of {n} test recordings alone gives {100 * chance.std():.1f} points."
    )
    return base.finish(figure, text)


def dots(
    rows: Mapping[str, Sequence[float]], lines: Mapping[str, float], low: float = 0.5, told: str = "seed"
) -> base.Picture:
    """Show accuracies row by row, a dot for each of ``told`` and a bar for their mean, from ``low`` to 1.

    ``rows``: name to shares in [0, 1]; ``lines``: name to a share that is drawn as an upright line.
    Raises :class:`DataError` for shares out of range.
    """
    shares = base.each(base.as_shares, rows, "rows")
    with base.one_panel(1.2 + 0.42 * len(shares)) as (figure, axes):
        for place, values in enumerate(shares.values()):
            axes.plot(values, np.full(len(values), place), "o", color=base.BLUE, markersize=5, alpha=0.6)
            axes.plot(values.mean(), place, "|", color=base.RED, markersize=16, markeredgewidth=2.5)
        known = base.draw_references(axes, lines, upright=True)
        axes.set_yticks(range(len(shares)), [base.plain(name) for name in shares], parse_math=False)
        axes.set_ylim(len(shares) - 0.4, -0.6)
        axes.set_xlim(min(low, *(float(v.min()) for v in shares.values())) - 0.01, 1.005)
        axes.set_xlabel(f"share read as spoken (dots: one for each {told}; bar: their mean)")
        axes.grid(axis="x", alpha=0.3)
        base.percent_axis(axes.xaxis)
        if known:
            base.legend_below(figure, axes)
    means = ", ".join(f"{name} {base.percent(float(v.mean()), 1)}" for name, v in shares.items())
    beside = "".join(f" {name}: {base.percent(share, 1)}." for name, share in known.items())
    return base.finish(figure, f"Means: {means}.{beside}")


def grey_and_same(rows: Mapping[str, tuple[float, float]], reference: str) -> base.Picture:
    """Show each row as a point: its variety (1 is handwriting's) and its greyness; ``reference`` is a star.

    Raises :class:`DataError` for a reference that is no row, and numbers below 0.
    """
    points = base.each(base.as_positive, {name: np.array(pair) + 1e-12 for name, pair in rows.items()}, "rows")
    if reference not in points or any(len(p) != 2 for p in points.values()):
        raise DataError(f"these rows cannot be drawn beside {reference!r}", where="rows", hint="Name one of them")
    with base.one_panel(3.6) as (figure, axes):
        for n, (name, (variety, grey), color, marker, _) in enumerate(base.looks(points)):
            star = name == reference
            look = ("*", base.RED, 15) if star else (marker, color, 8)
            inside = look[1] if n < 5 else "none"  # the looks of the first five come again, hollow
            axes.plot(
                variety,
                grey,
                look[0],
                color=look[1],
                markerfacecolor=inside,
                markersize=look[2],
                label=base.plain(name),
            )
        axes.set(xlabel="variety within a class (pixels; handwriting is 1)", ylabel="greyness", xlim=(0, 1.15))
        axes.set_ylim(0, 1.15 * max(p[1] for p in points.values()))
        axes.grid(alpha=0.3)
        base.legend_below(figure, axes)
    listed = ", ".join(f"{name} ({v:.2f}, {g:.2f})" for name, (v, g) in points.items())
    return base.finish(figure, f"Variety and greyness: {listed}. {reference} is the aim.")
