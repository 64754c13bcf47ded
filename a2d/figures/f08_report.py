"""The figures of lecture 08: the report's numbers, its speakers, and how alike its pictures are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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
        axes.set_xlabel("accuracy on a speaker who was not heard in training (large: mean, small: one per seed)")
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


def drawn_and_real(drawn: Any, real: Any, digit: int) -> base.Picture:
    """Show drawings of one digit above as many handwritten ones, (k, 28, 28) each, in [0, 1]."""
    ours, theirs = base.as_pictures(drawn, "drawn"), base.as_pictures(real, "real")
    if len(ours) != len(theirs):
        raise DataError(f"{len(ours)} and {len(theirs)} images do not fit", where="drawn")
    with base.drawing(2.3) as figure:
        for row, (name, images) in enumerate((("drawn", ours), ("handwritten", theirs))):
            for column, image in enumerate(images):
                axes = figure.add_subplot(2, len(ours), row * len(ours) + column + 1)
                axes.imshow(image, cmap="gray", vmin=0, vmax=1)
                axes.set(xticks=[], yticks=[])
                if column == 0:
                    axes.set_ylabel(name)
    spreads = [float(images.std(axis=0).mean()) for images in (ours, theirs)]
    text = (
        f"{len(ours)} drawings of a {digit}, each from another recording, above {len(theirs)} handwritten ones. "
        f"From picture to picture a pixel varies by {spreads[0]:.3f} (standard deviation, mean over the pixels) "
        f"in the drawings and by {spreads[1]:.3f} in the handwriting."
    )
    return base.finish(figure, text)
