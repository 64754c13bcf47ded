"""Figures of lecture 11: takes of a voice, one recording by many generators, and an ear before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from a2d.errors import DataError
from a2d.figures import base


def counted_takes(counts: Sequence[int], goal: int) -> base.Picture:
    """Show how many takes of each digit there are, and how many are wanted (lecture 11).

    ``counts``: ten whole numbers from 0; ``goal`` from 1. Raises :class:`DataError` for others.
    """
    have = base.as_array(counts, "counts", (10,))
    if (have < 0).any() or (have != np.rint(have)).any() or goal < 1:
        raise DataError("expected ten whole numbers from 0, and a goal from 1", where="counts")
    with base.one_panel(2.2) as (figure, axes):
        axes.bar(range(10), have, color=base.BLUE, alpha=0.6, edgecolor=base.BLUE)
        axes.axhline(goal, color=base.DARK, linewidth=1.2, linestyle=base.DASHES[0], label=f"wanted: {goal}")
        axes.set_xticks(range(10))
        axes.set(xlabel="digit", ylabel="takes kept", ylim=(0, max(goal, have.max()) + 0.6))
        base.whole_ticks(axes.yaxis)
        base.legend_below(figure, axes)
    missing = [str(d) for d in range(10) if have[d] < goal]
    text = f"{base.count(int(have.sum()), 'take')} kept"
    told = f"fewer than {goal} of {', '.join(missing)}" if missing else f"at least {goal} of each digit"
    return base.finish(figure, f"{text}; {told}.")


def by_each(rows: Mapping[str, Any], digit: int, read: Mapping[str, Any]) -> base.Picture:
    """Show what each generator draws of one recording, a row for each with several draws (lecture 11).

    ``rows``: name to images (k, 28, 28) in [0, 1], k the same for all; ``digit``: what was said; ``read``: the same
    names to k digits, what the evaluator reads. The text says how many are read as said.
    Raises :class:`DataError` for shapes, names or digits that do not fit.
    """
    pictures = base.each(base.as_pictures, rows, "rows")
    k = len(next(iter(pictures.values())))
    named = base.as_named(read, "read")
    if set(named) != set(pictures) or any(len(images) != k for images in pictures.values()):
        raise DataError("expected as many images and readings of each generator", where="rows")
    said = base.as_digits([digit], "digit", 1)[0]
    readings = {name: base.as_digits(named[name], f"read[{name}]", k) for name in pictures}
    names = [base.shortened(name, 34) for name in pictures]
    cell = min(0.85, 7.0 / k)
    with base.one_panel(len(pictures) * cell + 0.3, k * cell + 2.6) as (figure, axes):
        base.draw_sheet(axes, np.stack(list(pictures.values())), names)
        for row, seen in enumerate(readings.values()):
            for column, other in enumerate(seen):
                if other != said:
                    place = (column * 30 + 27, row * 30 + 8)
                    axes.text(
                        *place, f"\N{MULTIPLICATION X}{other}", color=base.RED, ha="right", fontsize=9, weight="bold"
                    )
    told = ", ".join(f"{name} {sum(other == said for other in seen)} of {k}" for name, seen in readings.items())
    return base.finish(figure, f"Read as the {said} that was said: {told}.")


def takes_heard(before: Any, after: Any, digits: Any) -> base.Picture:
    """Show how sure two ears are of the digit that was said, take by take: before on one axis, after on the other.

    ``before``, ``after`` (n,): the probability that each ear gives to the digit that was said; ``digits`` (n,). Above
    the diagonal the second ear is surer of what is right (lecture 11). Raises :class:`DataError` for other values.
    """
    first, second = base.as_shares(before, "before"), base.as_shares(after, "after")
    said = base.as_digits(digits, "digits", len(first))
    if first.shape != second.shape:
        raise DataError("the two ears have heard different takes", where="after")
    with base.one_panel(4.6, 5.6) as (figure, axes):
        axes.plot([0, 1], [0, 1], color=base.DARK, linewidth=1, linestyle=base.DASHES[1])
        for digit, x, y in zip(said, first, second, strict=True):
            axes.text(x, y, str(digit), ha="center", va="center", fontsize=10, color=base.BLUE, clip_on=False)
        axes.set(xlabel="probability of what was said, before", ylabel="after", xlim=(-0.04, 1.04), ylim=(-0.04, 1.04))
        axes.grid(alpha=0.3)
        base.percent_axis(axes.xaxis)
        base.percent_axis(axes.yaxis)
    up, down = int((second > first).sum()), int((second < first).sum())
    text = f"Of {base.count(len(first), 'take')} the second ear is surer of what was said in {up}, less sure in {down}"
    return base.finish(
        figure, f"{text}; on average {base.percent(first.mean())} before, {base.percent(second.mean())} after."
    )
