"""Figures of lecture 11: takes of a voice, one recording by all generators, and an ear before and after."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from a2d.errors import DataError
from a2d.figures import base


def counted_takes(counts: Sequence[int], goal: int) -> base.Picture:
    """Show how many takes of each digit there are, and how many are wanted (lecture 11).

    ``counts``: ten whole numbers from 0; ``goal`` from 0 (none in particular). Raises :class:`DataError` for others.
    """
    have = base.as_array(counts, "counts", (10,))
    if (have < 0).any() or (have != np.rint(have)).any() or goal < 0:
        raise DataError("expected ten whole numbers from 0, and a goal from 0", where="counts")
    with base.one_panel(2.2) as (figure, axes):
        axes.bar(range(10), have, color=base.BLUE, alpha=0.6, edgecolor=base.BLUE)
        if goal:
            axes.axhline(goal, color=base.DARK, linewidth=1.2, linestyle=base.DASHES[0], label=f"wanted: {goal}")
        axes.set_xticks(range(10))
        axes.set(xlabel="digit", ylabel="takes kept", ylim=(0, max(goal, have.max(), 1) + 0.6))
        base.whole_ticks(axes.yaxis)
        if goal:
            base.legend_below(figure, axes)
    missing = [str(d) for d in range(10) if have[d] < goal]
    text = f"{base.count(int(have.sum()), 'take')} kept"
    told = f"fewer than {goal} of {', '.join(missing)}" if missing else f"at least {goal} of each digit"
    return base.finish(figure, f"{text}; {told}." if goal else f"{text}.")


def in_a_row(pictures: Mapping[str, Any], digit: int, read: Sequence[int]) -> base.Picture:
    """Show what each generator draws of one recording, all in one row (lecture 11).

    ``pictures``: name to an image (28, 28) in [0, 1], at most twelve; ``digit``: what was said; ``read``: what the
    evaluator reads from each. A misread image has a dashed frame, and a cross before its bold title.
    Raises :class:`DataError` for shapes or digits that do not fit.
    """
    named = base.as_named(pictures, "pictures")
    images = base.as_pictures(
        np.stack([base.as_array(one, "pictures", (28, 28)) for one in named.values()]), "pictures"
    )
    said, seen = base.as_digits([digit], "digit", 1)[0], base.as_digits(read, "read", len(images))
    if len(images) > 12:
        raise DataError(f"{len(images)} images are too many for one row", where="pictures", hint="Take twelve")
    marks = ["" if other == said else "\N{MULTIPLICATION X} " for other in seen]
    across, lines = (16, 2) if len(images) <= 8 else (10, 3)
    names = ["\n".join(textwrap.wrap(name, across)[:lines]) for name in named]
    deepest = max(name.count("\n") for name in names)
    titles = [
        "\n" * (deepest - name.count("\n")) + f"{name}\n{mark}read {other}"
        for name, mark, other in zip(names, marks, seen, strict=True)
    ]
    with base.style():
        figure, panels = base.draw_tiles(images, titles, len(images), base.WIDTH / max(len(images), 5))
        for axes, other in zip(panels, seen, strict=True):
            if other != said:
                base.mark_wrong(axes)
    told = ", ".join(f"{name} as {other}" for name, other in zip(named, seen, strict=True))
    return base.finish(figure, f"Spoken was {said}. Read are: {told}.")


def takes_heard(before: Any, after: Any, digits: Any) -> base.Picture:
    """Show how sure two ears are of the digit that was said: a line for each take, from the first ear to the second.

    ``before``, ``after`` (n,): the probability that each ear gives to the digit that was said; ``digits`` (n,). A line
    to the right: the second ear is surer of what is right (lecture 11). Raises :class:`DataError` for other values.
    """
    first, second = base.as_shares(before, "before"), base.as_shares(after, "after")
    said = np.array(base.as_digits(digits, "digits", len(first)))
    if first.shape != second.shape:
        raise DataError("the two ears have heard different takes", where="after")
    place = np.zeros(len(said))
    for digit in set(said.tolist()):
        mine = np.flatnonzero(said == digit)
        place[mine] = digit + (np.linspace(-0.3, 0.3, len(mine)) if len(mine) > 1 else 0.0)
    with base.one_panel(4.8) as (figure, axes):
        axes.hlines(place, first, second, color=base.DARK, linewidth=0.8, alpha=0.5)
        axes.plot(first, place, "o", color=base.RED, markersize=5, markerfacecolor="white", label="before")
        axes.plot(second, place, "o", color=base.BLUE, markersize=5, label="after")
        axes.set_yticks(range(10))
        axes.set(xlabel="probability of the digit that was said", ylabel="digit", xlim=(-0.02, 1.02), ylim=(9.6, -0.6))
        axes.grid(axis="x", alpha=0.3)
        base.percent_axis(axes.xaxis)
        base.legend_below(figure, axes)
    up, down = int((second > first).sum()), int((second < first).sum())
    text = f"Of {base.count(len(first), 'take')} the second ear is surer of what was said in {up}, less sure in {down}"
    means = f"{base.percent(first.mean())} before, {base.percent(second.mean())} after"
    return base.finish(figure, f"{text}; on average {means}.")


def cut_out(energy: Any, hop_s: float, edges: tuple[float, float], below: float) -> base.Picture:
    """Show the energy of frames, the level above which a frame counts as sound, and the word that was found.

    ``energy`` (frames,), above 0; ``hop_s``: seconds of a frame; ``edges``: begin and end of the word in s; ``below``:
    decibels below the loudest frame (lecture 11). Raises :class:`DataError` for values out of range.
    """
    values = base.as_positive(energy, "energy")
    step = float(base.as_positive([hop_s], "hop_s")[0])
    start, stop = (float(t) for t in base.as_rising(edges, "edges"))
    level = 10 * np.log10(values / values.max())
    time = (np.arange(len(values)) + 0.5) * step
    with base.one_panel(2.8) as (figure, axes):
        axes.plot(time, level.clip(-80), color=base.BLUE, drawstyle="steps-mid", label="energy of a frame")
        axes.axhline(-below, color=base.DARK, linestyle=base.DASHES[0], linewidth=1.2, label=f"-{below:g} dB")
        axes.axvspan(start, stop, color=base.GREEN, alpha=0.2, label="the word")
        axes.set(xlabel="time (s)", ylabel="below the loudest (dB)", xlim=(0, len(values) * step), ylim=(-82, 3))
        axes.grid(alpha=0.3)
        base.legend_below(figure, axes)
    loud = level >= -below
    outside = int((loud & ((time < start) | (time > stop))).sum())
    text = f"The word lies from {start:.2f} to {stop:.2f} s of {len(values) * step:.2f} s"
    return base.finish(figure, f"{text}; {base.count(outside, 'frame')} of sound outside it cut off.")


def by_strength(losses: Mapping[float, float], unchanged: float) -> base.Picture:
    """Show the loss on takes that were held back against the strength of the anchor, strong on the left (lecture 11).

    ``losses``: strength, above 0, to nats per take; ``unchanged``: that of the ear as it came.
    Raises :class:`DataError` for fewer than two strengths, or values out of range.
    """
    x = base.as_positive(list(losses), "losses")
    y, order = base.as_array(list(losses.values()), "losses"), np.argsort(-x)
    still = float(base.as_array([unchanged], "unchanged")[0])
    if len(set(x.tolist())) < 2:
        raise DataError("expected two or more strengths", where="losses")
    with base.one_panel(3.4) as (figure, axes):
        axes.plot(x[order], y[order], color=base.BLUE, marker="o", label="held-back takes")
        axes.axhline(still, color=base.DARK, linestyle=base.DASHES[0], linewidth=1.2, label="the ear as it came")
        axes.set_xscale("log")
        axes.invert_xaxis()
        axes.set(xlabel="strength of the anchor (strong to weak)", ylabel="loss (nats per take)")
        axes.set_ylim(0, 1.08 * max(still, float(y.max())))
        axes.grid(alpha=0.3)
        base.legend_below(figure, axes)
    best = int(y.argmin())
    text = f"Loss of the ear as it came: {still:.2f} nats per take. From strong to weak: "
    text += ", ".join(f"{x[k]:g} {y[k]:.2f}" for k in order)
    end = x[best] == x.min()
    return base.finish(figure, f"{text}. Least with {x[best]:g}{', the weakest' if end else ''}.")
