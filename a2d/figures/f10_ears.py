"""Figures of lecture 10: what an ear hears, what noise takes away of it, and what each change in training is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from a2d.errors import DataError
from a2d.figures import base, inches

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# A probability of 0 or 1 has no odds: on a figure's axis it stands at this distance from them.
_EDGE = 1e-4
_MOST = 300


def _sounds(pictures: Mapping[str, Any], name: str) -> dict[str, np.ndarray]:
    """Pictures of sounds by name, all of one shape (bands, frames)."""
    given = base.each(base.as_array, pictures, name, 2)
    if len({picture.shape for picture in given.values()}) != 1:
        raise DataError("the pictures have different shapes", where=name)
    if min(next(iter(given.values())).shape) < 3:
        raise DataError("expected three or more bands and frames", where=name)
    return given


def _began(text: str) -> str:
    """Words as they begin a sentence: dB stays dB."""
    one = base.plain(text)
    return one[:1].upper() + one[1:]


def _draw_sounds(
    pictures: Mapping[str, np.ndarray], hop_s: float, unit: str, columns: int, ticks: Mapping[str, Any]
) -> Figure:
    """Lay pictures of sounds out in rows, all with one scale of colours; ``ticks`` as :func:`two_fronts` has them."""
    step = float(base.as_positive([hop_s], "hop_s")[0])
    rows = -(-len(pictures) // columns)
    every = np.concatenate([picture.ravel() for picture in pictures.values()])
    low, high = np.quantile(every, [0.02, 0.98])
    with base.drawing(2.05 * rows + 0.35) as figure:
        panels = figure.subplots(rows, columns, squeeze=False, sharex=True)
        image: Any = None
        for index, axes in enumerate(panels.ravel()):
            if index >= len(pictures):
                axes.set_axis_off()
                continue
            name, picture = list(pictures.items())[index]
            extent = (0.0, picture.shape[1] * step, -0.5, len(picture) - 0.5)
            look: dict[str, Any] = {"vmin": low, "vmax": high} if high > low else {}
            image = axes.imshow(picture, origin="lower", aspect="auto", cmap="cividis", extent=extent, **look)
            axes.set_title(name, fontsize=10, parse_math=False)
            if name in ticks:
                axes.set_yticks(list(ticks[name]), [f"{hz:g}" for hz in ticks[name].values()])
                axes.set_ylabel("pitch (Hz)")
            elif index % columns == 0:
                axes.set_ylabel("band")
            if index >= len(pictures) - columns:
                axes.set_xlabel("time (s)")
                axes.tick_params(labelbottom=True)
        figure.colorbar(image, ax=panels.ravel().tolist(), label=base.plain(unit), shrink=0.9, pad=0.01)
    return figure


def sounds(
    pictures: Mapping[str, Any], reference: str, hop_s: float, unit: str = "dB", columns: int = 3
) -> base.Picture:
    """Show spectrograms side by side, and how far each is from the one named ``reference`` (lecture 10).

    ``pictures``: name to (bands, frames), all of one shape and in one ``unit``; ``hop_s``: seconds between frames.
    The text gives the root mean square difference. Raises :class:`DataError` for other shapes, values that are not
    finite, and a reference that is not among them.
    """
    given = _sounds(pictures, "pictures")
    if reference not in given or len(given) < 2:
        raise DataError(f"there is nothing to compare with {reference!r}", where="pictures", hint="Name one of several")
    figure = _draw_sounds(given, hop_s, unit, min(columns, len(given)), {})
    away = {n: float(np.sqrt(np.square(p - given[reference]).mean())) for n, p in given.items() if n != reference}
    listed = ", ".join(f"{name} {distance:.2f}" for name, distance in away.items())
    text = f"Difference from {base.plain(reference)}, root mean square over bands and frames, in {base.plain(unit)}"
    return base.finish(figure, f"{text}: {listed}.")


def _pitch_ticks(middles: np.ndarray) -> dict[float, int]:
    """Where round pitches lie on an axis of bands, none so near to another that the labels touch."""
    ticks: dict[float, int] = {}
    for mark in (100, 200, 500, 1000, 2000, 3500):
        if middles[0] <= mark <= middles[-1]:
            place = float(np.interp(mark, middles, np.arange(len(middles))))
            if not ticks or place - max(ticks) >= len(middles) / 9:
                ticks[place] = mark
    return ticks


def two_fronts(pictures: Mapping[str, Any], pitches: Mapping[str, Any], hop_s: float) -> base.Picture:
    """Show one sound as two kinds of pictures, and how quickly low and high bands of each change (lecture 10).

    ``pictures``: name to (bands, frames), standardised; ``pitches``: the same names to the middle of each band in Hz.
    The text gives the mean change from one frame to the next, in a third of the bands at either end.
    Raises :class:`DataError` for other shapes, and pitches that do not rise.
    """
    given = _sounds(pictures, "pictures")
    middles = base.each(base.as_rising, pitches, "pitches")
    if set(middles) != set(given) or any(len(middles[n]) != len(p) for n, p in given.items()):
        raise DataError("expected one pitch for each band of each picture", where="pitches")
    ticks = {name: _pitch_ticks(hz) for name, hz in middles.items()}
    figure = _draw_sounds(given, hop_s, "standard deviations", len(given), ticks)
    told = []
    for name, picture in given.items():
        change, third = np.abs(np.diff(picture, axis=1)).mean(1), max(1, len(picture) // 3)
        low, high = change[:third].mean(), change[-third:].mean()
        told.append(f"{name}: {low:.2f} in low bands, {high:.2f} in high ones ({high / max(low, 1e-9):.1f} times)")
    return base.finish(figure, f"Mean change from frame to frame, in standard deviations. {'; '.join(told)}.")


def in_noise(levels: Sequence[float], ears: Mapping[str, Any], quiet: Mapping[str, float]) -> base.Picture:
    """Show how many recordings each ear names at each level of noise, and without noise (lecture 10).

    ``levels`` (k,): decibels of the word over the noise, rising; ``ears``: name to shares (k,); ``quiet``: the same
    names to the share without noise. Raises :class:`DataError` for other lengths, names or values.
    """
    x = base.as_rising(levels, "levels")
    curves, still = base.each(base.as_shares, ears, "ears", x.shape), base.each_number(base.as_shares, quiet, "quiet")
    if set(curves) != set(still):
        raise DataError("the ears differ", where="quiet", hint="Give the same names twice")
    end = x[-1] + 1.3 * (x[-1] - x[0]) / max(1, len(x) - 1)
    with base.one_panel(3.9) as (figure, axes):
        for name, shares, color, marker, line in base.looks(curves):
            axes.plot(x, shares, color=color, marker=marker, linestyle=line, label=name)
            axes.plot(end, still[name], color=color, marker=marker, markersize=8, markerfacecolor="white")
        axes.axhline(0.1, color=base.DARK, linewidth=1.2, linestyle=":", label="guessing: 10 %")
        axes.set_xticks([*x, end], [*(f"{level:g}" for level in x), "no noise"])
        axes.set(xlabel="level of the recording over the noise (dB)", ylabel="share named rightly", ylim=(0, 1.04))
        axes.grid(alpha=0.3)
        base.percent_axis(axes.yaxis)
        base.legend_below(figure, axes)
    told = (
        f"{name} {base.percent(still[name])} without noise, {base.percent(y[-1])} at {x[-1]:g} dB, "
        f"{base.percent(y[0])} at {x[0]:g} dB"
        for name, y in curves.items()
    )
    return base.finish(figure, f"Named rightly: {'; '.join(told)}.")


def refused(groups: Mapping[str, Any], limit: float) -> base.Picture:
    """Show how probable "no digit" is, group by group, and the limit above which a sound is refused (lecture 10).

    ``groups``: name to probabilities (n,); ``limit`` in [0, 1]. The axis is one of odds: it is stretched near 0 and 1.
    Raises :class:`DataError` for values out of range.
    """
    values = base.each(base.as_shares, groups, "groups")
    border = float(base.as_shares([limit], "limit")[0])

    def odds(p: Any) -> np.ndarray:
        inside = np.clip(p, _EDGE, 1 - _EDGE)
        return np.log(inside / (1 - inside))

    marks = (1e-3, 1e-2, 0.1, 0.5, 0.9, 0.99, 0.999)
    with base.one_panel(1.2 + 0.5 * len(values)) as (figure, axes):
        for place, sure in enumerate(values.values()):
            few = np.sort(odds(sure))[:: -(-len(sure) // _MOST)]
            above = np.linspace(-0.3, 0.3, 7)[np.arange(len(few)) % 7]
            axes.plot(few, place + above, "o", color=base.BLUE, markersize=3, alpha=0.3, markeredgewidth=0)
            axes.plot(np.median(odds(sure)), place, "|", color=base.RED, markersize=20, markeredgewidth=2.5)
            told = f"{base.percent((sure > border).mean(), 1)}  (n = {len(sure)})"
            axes.text(1.02, place, told, va="center", transform=axes.get_yaxis_transform())
        axes.axvline(float(odds(border)), color=base.DARK, linewidth=1.4, linestyle=base.DASHES[0], label="limit")
        axes.set_yticks(range(len(values)), [base.shortened(name, 34) for name in values], parse_math=False)
        axes.set_ylim(len(values) - 0.4, -0.6)
        axes.set_xticks(odds(np.array(marks)), [f"{mark:g}" for mark in marks])
        axes.set(xlabel='probability of "no digit" (bar: median; right: share above the limit)')
        axes.grid(axis="x", alpha=0.3)
        base.legend_below(figure, axes)
    listed = ", ".join(f"{name} {base.percent((sure > border).mean(), 1)}" for name, sure in values.items())
    return base.finish(figure, f"Above the limit of {border:.3g}, and so refused: {listed}.")


# --- from the results' files ----------------------------------------------------------------------------------------


def compared(
    conditions: Mapping[str, Mapping[str, Any]],
    xlabel: str = "share named rightly",
    low: float | None = None,
    dots: str = "seed",
) -> base.Picture:
    """Show several systems under several conditions: a large mark for the mean, a small one for each seed (lecture 10).

    ``conditions``: name to {system: shares in [0, 1], one for each of ``dots``}, the same systems in each; ``low``:
    where the axis begins, by itself if None. Raises :class:`DataError` for systems that differ, or values out of range.
    """
    rows = {n: base.each(base.as_shares, row, n) for n, row in base.as_named(conditions, "conditions").items()}
    systems = list(next(iter(rows.values())))
    if any(list(row) != systems for row in rows.values()):
        raise DataError("the systems differ from condition to condition", where="conditions")
    shift = np.linspace(-0.26, 0.26, len(systems)) if len(systems) > 1 else np.zeros(1)
    looks = dict(zip(systems, [look for _, _, *look in base.looks(dict.fromkeys(systems))], strict=True))
    with base.one_panel(1.2 + 0.55 * len(rows)) as (figure, axes):
        for place, row in enumerate(rows.values()):
            for aside, (name, shares) in zip(shift, row.items(), strict=True):
                color, marker, _ = looks[name]
                axes.plot(shares, np.full(len(shares), place + aside), marker, color=color, markersize=3, alpha=0.5)
                how: dict[str, Any] = {"color": color, "markersize": 8, "label": None if place else name}
                axes.plot(shares.mean(), place + aside, marker, **how)
        least = min(float(shares.min()) for row in rows.values() for shares in row.values())
        axes.set_xlim(max(0.0, least - 0.03) if low is None else low, 1.01)
        axes.set_yticks(range(len(rows)), [base.shortened(name, 34) for name in rows], parse_math=False)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlabel(f"{base.plain(xlabel)} (large: mean, small: one per {dots})", parse_math=False)
        axes.grid(alpha=0.3)
        base.percent_axis(axes.xaxis)
        base.legend_below(figure, axes)
    return base.finish(figure, " ".join(_compared_text(name, row) for name, row in rows.items()))


def _compared_text(condition: str, row: Mapping[str, np.ndarray]) -> str:
    means = sorted(((float(v.mean()), name) for name, v in row.items()), key=lambda pair: -pair[0])
    return f"{condition}: {', '.join(f'{name} {base.percent(mean, 1)}' for mean, name in means)}."


def worth(rows: Mapping[str, Any], reference: str) -> base.Picture:
    """Show what each change is worth: how many points are lost without it, against the row ``reference`` (lecture 10).

    ``rows``: name to shares in [0, 1], one for each seed, paired with the reference's if there are as many.
    Raises :class:`DataError` for a reference that is no row, and values out of range.
    """
    shares = base.each(base.as_shares, rows, "rows")
    if reference not in shares or len(shares) < 2:
        raise DataError(f"there is nothing to compare with {reference!r}", where="rows", hint="Name one of several")
    full = shares[reference]
    paired = all(len(v) == len(full) for v in shares.values())
    lost = {n: 100 * (v - (full if paired else full.mean())) for n, v in shares.items() if n != reference}
    with base.one_panel(1.1 + 0.42 * len(lost)) as (figure, axes):
        for place, points in enumerate(lost.values()):
            axes.barh(place, points.mean(), height=0.62, color=base.BLUE, alpha=0.3, edgecolor=base.BLUE)
            aside = np.linspace(-0.16, 0.16, len(points)) if len(points) > 1 else np.zeros(1)
            axes.plot(points, place + aside, "o", color=base.DARK, markersize=4.5, markerfacecolor="white")
            axes.text(1.02, place, f"{points.mean():+.1f}", va="center", transform=axes.get_yaxis_transform())
        axes.axvline(0, color=base.DARK, linewidth=1.2)
        axes.set_yticks(range(len(lost)), [base.shortened(name, 40) for name in lost], parse_math=False)
        axes.set_ylim(len(lost) - 0.5, -0.5)
        axes.set_xlabel(f"points against {base.plain(reference)} (bar: mean, dots: one per seed)", parse_math=False)
        axes.grid(axis="x", alpha=0.3)
    order = sorted(lost.items(), key=lambda pair: float(pair[1].mean()))
    listed = ", ".join(f"{name} {points.mean():+.1f}" for name, points in order)
    text = f"{_began(reference)}: {base.percent(full.mean(), 1)}. Against it, in points: {listed}."
    return base.finish(figure, text)


def voices(curve: Mapping[int, Any]) -> base.Picture:
    """Show the share of errors against the number of voices that were heard in training (lecture 10).

    ``curve``: number of voices, rising, to shares of recordings named rightly, one for each seed, not all right. Both
    axes are logarithmic: a power law is a line. The text says what is left of the errors when the voices double.
    Raises :class:`DataError` for numbers that do not rise, and shares out of range.
    """
    many = base.as_rising([float(n) for n in curve], "curve", base.as_positive)
    right = base.each(base.as_shares, {f"{n:g}": v for n, v in zip(many, curve.values(), strict=True)}, "curve")
    wrong = [base.as_positive([1 - v.mean()], "curve")[0] for v in right.values()]
    with base.one_panel(3.7) as (figure, axes):
        for n, shares in zip(many, right.values(), strict=True):
            some = shares < 1
            axes.plot(np.full(some.sum(), n), 1 - shares[some], "o", color=base.DARK, markersize=4, alpha=0.5)
        axes.plot(many, wrong, color=base.BLUE, marker="o", linewidth=1.5, markersize=8)
        axes.set(xscale="log", yscale="log", xlabel="voices in training", ylabel="share named wrongly")
        axes.set_xticks(many, [f"{n:g}" for n in many])
        axes.minorticks_off()
        low, high = min(wrong), max(wrong)
        ticks = [t for t in (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1) if low * 0.7 <= t <= high * 1.4]
        axes.set_yticks(ticks, [base.percent(t, int(t < 0.01)) for t in ticks])
        axes.grid(alpha=0.3)
    listed = ", ".join(f"{n:g} voices {base.percent(w, 1)}" for n, w in zip(many, wrong, strict=True))
    left = [(b / a) ** (1 / np.log2(m / n)) for n, m, a, b in zip(many, many[1:], wrong, wrong[1:], strict=False)]
    ends = f"at first (from {many[0]:g} to {many[1]:g}) {base.percent(left[0])}"
    if len(left) > 1:
        ends += f", at last (from {many[-2]:g} to {many[-1]:g}) {base.percent(left[-1])}"
    return base.finish(figure, f"Named wrongly: {listed}. Twice as many voices leave of the errors: {ends}.")


# --- inside the widget ----------------------------------------------------------------------------------------------


def ear_panels(picture: Any, says: Any, nothing: float, hop_s: float, *, told: str, limit: float = 1.0) -> base.Picture:
    """Show what an ear gets of a sound, and what it makes of it (lecture 10).

    ``picture`` (bands, frames); ``says`` (10,): the probabilities of the digits, if it is one; ``nothing``: that it is
    none; ``told``: how the sound was made; above ``limit`` it is refused.
    Raises :class:`DataError` for other shapes or values.
    """
    heard = base.as_array(picture, "picture", 2)
    chances = base.as_shares(np.clip(says, 0, 1), "says", (10,))
    none = float(base.as_shares([nothing], "nothing")[0])
    step = float(base.as_positive([hop_s], "hop_s")[0])
    first, second = (int(c) for c in np.argsort(-chances, kind="stable")[:2])
    with base.drawing(2.75, layout=None) as figure:
        left = inches.add_panel(figure, 0.6, 0.55, 4.2, 1.8)
        left.imshow(
            heard,
            origin="lower",
            aspect="auto",
            cmap="cividis",
            extent=(0.0, heard.shape[1] * step, -0.5, len(heard) - 0.5),
        )
        left.set(xlabel="time (s)", ylabel="band")
        inches.set_title(left, f"what it gets: {base.plain(told)}", fontsize=10)
        _draw_chances(inches.add_panel(figure, 5.5, 0.55, 3.3, 1.8), chances, none, limit)
    text = f"{_began(told)}: "
    if none > limit:
        text += f"refused, since it is no digit with {base.percent(none)} (limit {base.percent(limit, 1)}). Else "
    text += f"the ear says {first} with {base.percent(chances[first])}, {second} with {base.percent(chances[second])}"
    return base.finish(figure, f'{text}; "no digit" has {base.percent(none)}.')


def _draw_chances(axes: Axes, chances: np.ndarray, none: float, limit: float) -> None:
    best = int(chances.argmax())
    colors = [base.RED if c == best else base.BLUE for c in range(10)]
    axes.bar(np.arange(10), chances, color=colors, width=0.75)
    axes.bar(10.5, none, color=base.DARK, width=0.75, hatch="//", edgecolor="white")
    if limit < 1:
        axes.plot([10.0, 11.0], [limit, limit], color=base.RED, linewidth=2)
    axes.set(xticks=[*range(10), 10.5], xlim=(-0.6, 11.2), ylim=(0, 1.05), xlabel="digit")
    axes.set_xticklabels([*map(str, range(10)), "none"])
    base.percent_axis(axes.yaxis)
    refused = none > limit
    inches.set_title(axes, "what it says: " + ("that is no digit" if refused else f"{best}"), fontsize=10)
