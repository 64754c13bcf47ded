"""The figures of lecture 02: lengths and levels, handwriting, nearest neighbours, training, and accuracy by speaker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from a2d.errors import DataError
from a2d.figures import base

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# More speakers than these are drawn without their names.
_NAMED = 12


def _explained(values: np.ndarray, groups: np.ndarray) -> float:
    """Share of the variance of ``values (n,)`` that the means of ``groups (n,)`` explain, between 0 and 1."""
    total = np.square(values - values.mean()).sum()
    if total == 0:
        return 0.0
    _, member = np.unique(groups, return_inverse=True)
    means = np.bincount(member, values) / np.bincount(member)
    return float(np.square(means[member] - values.mean()).sum() / total)


def lengths_and_levels(seconds: Any, levels: Any, digits: Sequence[int], speakers: Sequence[str]) -> base.Picture:
    """Show how long and how loud recordings are, by digit and by speaker (lecture 02).

    ``seconds`` (n,) durations in s; ``levels`` (n,) root mean squares in dB relative to full scale (dBFS); ``digits``
    and ``speakers`` n labels. Boxes hold the middle half, whiskers reach from 5 % to 95 %.
    Raises :class:`DataError` for lengths that differ, or NaN.
    """
    lasting, loud = base.as_array(seconds, "seconds"), base.as_array(levels, "levels")
    labels = {"digit": np.asarray(digits).astype(str), "speaker": np.asarray(speakers).astype(str)}
    if len({len(lasting), len(loud), *(len(label) for label in labels.values())}) != 1:
        raise DataError("durations, levels, digits and speakers differ in number", where="seconds")
    rows = {"duration (s)": lasting, "level (dBFS)": loud}
    with base.drawing(5.2) as figure:
        panels = figure.subplots(2, 2, width_ratios=[1, 1.6], sharey="row", sharex="col")
        for line, (unit, values) in zip(panels, rows.items(), strict=True):
            for axes, (kind, label) in zip(line, labels.items(), strict=True):
                _boxes(axes, values, label, kind, sort=kind == "speaker" and len(set(label)) > _NAMED)
                axes.set_title(f"{kind}: explains {base.percent(_explained(values, label))}", loc="left")
            line[0].set_ylabel(unit)
        for axes in panels[0]:
            axes.set_xlabel("")
    text = []
    for (unit, values), digits_told in zip(rows.items(), (2, 1), strict=True):
        word, unit = unit.rstrip(")").split(" (")
        ends = _ends(values, labels["digit"], f".{digits_told}f")
        shares = [base.percent(_explained(values, label)) for label in labels.values()]
        text.append(
            f"Median {word} by digit: from {ends[0]} {unit} to {ends[1]} {unit}; of its variance the digit explains "
            f"{shares[0]}, the speaker {shares[1]}."
        )
    return base.finish(figure, " ".join(text))


def _ends(values: np.ndarray, label: np.ndarray, form: str) -> list[str]:
    """The lowest and the highest median, each with its group."""
    medians = {name: float(np.median(values[label == name])) for name in sorted(set(label))}
    ends = min(medians, key=medians.__getitem__), max(medians, key=medians.__getitem__)
    return [f"{name} with {medians[name]:{form}}" for name in ends]


def _boxes(axes: Axes, values: np.ndarray, label: np.ndarray, kind: str, *, sort: bool) -> None:
    names = sorted(set(label))
    groups = [values[label == name] for name in names]
    if sort:
        groups.sort(key=np.median)
    style = {"color": base.BLUE, "linewidth": 1.0}
    box = {"facecolor": "#DCEAF5", "edgecolor": base.BLUE, "linewidth": 1.0}
    looks: dict[str, Any] = {"boxprops": box, "whiskerprops": style, "capprops": style}
    looks["medianprops"] = {"color": base.DARK, "linewidth": 1.8}
    axes.boxplot(groups, whis=(5, 95), showfliers=False, patch_artist=True, widths=0.7, **looks)
    if len(names) <= _NAMED:
        axes.set_xticks(range(1, len(names) + 1), [base.shortened(base.plain(n), 9) for n in names], parse_math=False)
        axes.set_xlabel(kind)
    else:
        axes.set_xticks([])
        axes.set_xlabel(f"{len(names)} {kind}s; each panel sorted by its medians")
    axes.grid(axis="y", alpha=0.3)


def trimmed(clips: Mapping[str, Any], spans: Mapping[str, tuple[int, int]], rate: int) -> base.Picture:
    """Show recordings, and which part of each is kept when silence is cut off (lecture 02).

    ``clips``: a name to samples (n,); ``spans``: the same names to (first sample kept, first sample not kept);
    ``rate`` in Hz. Raises :class:`DataError` for spans that do not fit.
    """
    waves, kept = base.each(base.as_array, clips, "clips"), base.as_named(spans, "spans")
    if set(kept) != set(waves) or any(not 0 <= a < b <= len(waves[name]) for name, (a, b) in kept.items()):
        raise DataError("each recording needs a span within it", where="spans")
    longest = max(len(wave) for wave in waves.values()) / rate
    with base.drawing(0.7 + 1.35 * len(waves)) as figure:
        for axes, (name, wave) in zip(figure.subplots(len(waves), 1, squeeze=False)[:, 0], waves.items(), strict=True):
            start, stop = (sample / rate for sample in kept[name])
            axes.plot(np.arange(len(wave)) / rate, wave, color=base.BLUE, linewidth=0.7)
            for left, right in ((0, start), (stop, len(wave) / rate)):
                if right > left:
                    hatch: dict[str, Any] = {"facecolor": "#DDDDDD", "edgecolor": base.DARK, "hatch": "///"}
                    axes.axvspan(left, right, linewidth=0, alpha=0.6, **hatch)
            for place in (start, stop):
                axes.axvline(place, color=base.RED, linewidth=1.4, linestyle=(0, (5, 2)))
            axes.set_xlim(0, longest)
            axes.set_title(base.shortened(name, 70), loc="left", parse_math=False)
            axes.set_ylabel("amplitude")
        axes.set_xlabel("time (s); hatched: cut off")
    parts = [
        f"{name}: {len(wave) / rate:.2f} s, of which {(kept[name][1] - kept[name][0]) / rate:.2f} s are kept"
        for name, wave in waves.items()
    ]
    return base.finish(figure, f"{'; '.join(parts)}.")


def handwriting(images: Any, labels: Sequence[int], seed: int = 0, shown: int = 9) -> base.Picture:
    """Show some images of each class, the class's mean, and how much ink its images have (lecture 02).

    ``images`` (n, 28, 28) in [0, 1], ink is 1; ``labels`` n digits, each of 0 to 9 at least once; ``seed`` chooses
    ``shown`` images of each class. Ink: the mean of an image's pixels.
    Raises :class:`DataError` for other shapes or values, or a class without images.
    """
    pixels = base.as_pictures(images)
    classes = np.asarray(labels)
    if classes.shape != (len(pixels),) or set(classes.tolist()) != set(range(10)):
        raise DataError("one label from 0 to 9 for each image is needed, and each at least once", where="labels")
    rng = np.random.default_rng(seed)
    means = np.stack([pixels[classes == c].mean(axis=0) for c in range(10)])
    ink = [pixels[classes == c].mean(axis=(1, 2)) for c in range(10)]
    of_class = [np.flatnonzero(classes == c) for c in range(10)]
    some = np.stack([pixels[rng.choice(m, shown, replace=len(m) < shown)] for m in of_class])
    with base.drawing(5.3) as figure:
        left, right = figure.subplots(1, 2, width_ratios=[1.55, 1])
        left.imshow(base.sheet(np.concatenate([some, means[:, None]], axis=1)), cmap="gray", vmin=0, vmax=1)
        left.axvline(shown * 30 - 0.5, color=base.RED, linewidth=2, linestyle=(0, (5, 2)))
        left.set_yticks(30 * np.arange(10) + 15, range(10))
        left.set_xticks([15 * shown, 30 * shown + 15], ["images, chosen at random", "mean"])
        base.hide_frame(left)
        left.set_ylabel("class")
        _boxes(right, pixels.mean(axis=(1, 2)), classes.astype(str), "class", sort=False)
        right.set(ylabel="ink (mean of the pixels)", ylim=(0, None))
    return base.finish(figure, _handwriting_text(pixels, classes, means, ink))


def _handwriting_text(pixels: np.ndarray, classes: np.ndarray, means: np.ndarray, ink: list[np.ndarray]) -> str:
    middles = np.array([i.mean() for i in ink])
    low, high = int(middles.argmin()), int(middles.argmax())
    apart = np.square(means[:, None] - means[None]).sum(axis=(2, 3))
    apart[np.tril_indices(10)] = np.inf
    a, b = np.unravel_index(apart.argmin(), apart.shape)
    explained = base.percent(_explained(pixels.mean(axis=(1, 2)), classes.astype(str)))
    return (
        f"{base.count(len(pixels), 'image')}. Mean ink by class: from {base.percent(middles[low], 1)} ({low}) to "
        f"{base.percent(middles[high], 1)} ({high}); the class explains {explained} of its variance. "
        f"The two mean images that are most alike are those of {a} and {b}."
    )


def neighbours(groups: Mapping[str, Any], unit: str = "distance") -> base.Picture:
    """Show how far away nearest training recordings are: the share that is nearer than each distance (lecture 02).

    ``groups``: a name to distances (n,), 0 or more. The text tells the medians.
    Raises :class:`DataError` for other distances.
    """
    values = base.each(base.as_array, groups, "groups")
    if any(value.min() < 0 for value in values.values()):
        raise DataError("distances are 0 or more", where="groups")
    top = 1.02 * max(np.quantile(value, 0.99) for value in values.values()) or 1.0
    with base.one_panel(3.4) as (figure, axes):
        for name, value, color, marker, line in base.looks(values):
            share, label = np.arange(1, len(value) + 1) / len(value), f"{name} (n = {len(value):,})"
            style: dict[str, Any] = {"color": color, "linestyle": line, "marker": marker, "markersize": 5}
            axes.plot(np.sort(value), share, label=label, markevery=max(1, len(value) // 10), **style)
        axes.axhline(0.5, color=base.DARK, linewidth=0.8, linestyle=":")
        axes.set(xlim=(0, top), ylim=(0, 1))
        axes.set_xlabel(f"{base.plain(unit)} (dotted: the median)", parse_math=False)
        axes.set_ylabel("share that is nearer")
        axes.grid(alpha=0.3)
        base.percent_axis(axes.yaxis)
        base.legend_below(figure, axes)
    medians = {name: float(np.median(value)) for name, value in values.items()}
    first, *others = medians
    text = f"Median {unit}, {first}: {medians[first]:.2f}"
    text += "".join(f"; {name}: {medians[name]:.2f}" for name in others)
    return base.finish(figure, text + ".")


def descent(
    loss: Callable[[np.ndarray], np.ndarray], walks: Mapping[str, Any], ends: tuple[float, float]
) -> base.Picture:
    """Show how one weight walks down the curve of its loss, in one panel for each way to walk (lecture 02).

    ``loss`` gives the losses of weights (n,); ``walks``: a name to the weights after 0, 1, 2, ... steps; ``ends`` of
    the axis of weights. Raises :class:`DataError` for weights that are not finite.
    """
    paths, curve = base.each(base.as_array, walks, "walks"), np.linspace(*ends, 200)
    lowest, text = curve[loss(curve).argmin()], []
    with base.drawing(3.1) as figure:
        panels = figure.subplots(1, len(paths), sharey=True, squeeze=False)[0]
        for axes, (name, path) in zip(panels, paths.items(), strict=True):
            axes.plot(curve, loss(curve), color=base.DARK, linewidth=1)
            axes.plot(path, loss(path), "o--", color=base.BLUE, markersize=4, linewidth=1)
            axes.plot(path[0], loss(path[:1]), "s", color=base.RED, markersize=8)
            axes.set(xlabel="weight (square: the start)", xlim=ends, ylim=(0, None))
            axes.set_title(base.plain(name), parse_math=False)
            crossed = int((np.diff(np.sign(path - lowest)) != 0).sum())
            text.append(
                f"{name}: {loss(path[:1])[0]:.2f} to {loss(path[-1:])[0]:.2f}, {crossed} jumps over the lowest point"
            )
        panels[0].set_ylabel("loss")
    steps = base.count(len(next(iter(paths.values()))) - 1, "step")
    return base.finish(figure, f"Loss before and after {steps}. {'; '.join(text)}.")


def losses_by_epoch(curves: Mapping[str, Sequence[float]]) -> base.Picture:
    """Show losses in nats per recording by epoch, each with its lowest epoch (lecture 02).

    ``curves``: a name to one loss for each epoch, from epoch 1 on. Raises :class:`DataError` for other numbers.
    """
    series = base.each(base.as_array, curves, "curves")
    told = []
    with base.one_panel(3.3) as (figure, axes):
        base.draw_curves(axes, series)
        for (name, y), (color, *_) in zip(series.items(), base.LINES, strict=False):
            best = int(y.argmin())
            axes.axvline(best + 1, color=color, linewidth=1, linestyle=":")
            told.append(
                f"{name} {y[0]:.2f} at first, lowest with {y[best]:.2f} in epoch {best + 1}, at last {y[-1]:.2f}"
            )
        axes.set(xlabel="epoch (dotted: where a loss is lowest)", ylabel="loss (nats per recording)", ylim=(0, None))
        base.legend_below(figure, axes)
    return base.finish(figure, f"Loss by epoch: {'; '.join(told)}.")


def by_speaker(rows: Mapping[str, Sequence[float]], references: Mapping[str, float] | None = None) -> base.Picture:
    """Show how much is named right for each speaker, with an interval (lecture 02).

    ``rows``: a speaker to (share, low end, high end) of an interval of 95 %, all in [0, 1]; they are drawn from low to
    high. ``references``: a name to a share, drawn as a line. Raises :class:`DataError` for other numbers.
    """
    values = base.each(base.as_interval, rows, "rows")
    lines = base.each_number(base.as_shares, references, "references")
    order = sorted(values, key=lambda name: (values[name][0], name))
    with base.one_panel(1.1 + 0.27 * len(values) + (0.25 if lines else 0)) as (figure, axes):
        for place, name in enumerate(order):
            share, low, high = values[name]
            axes.plot([low, high], [place, place], color=base.BLUE, linewidth=5, alpha=0.35, solid_capstyle="butt")
            axes.plot(share, place, "o", color=base.DARK, markersize=6)
            axes.text(1.02, place, base.percent(share), va="center", transform=axes.get_yaxis_transform())
        for (name, value), dashes in zip(lines.items(), cycle(("--", ":", "-.")), strict=False):
            label = f"{name}: {base.percent(value, 1)}"
            axes.axvline(value, color=base.RED, linewidth=1.3, linestyle=dashes, label=label)
        axes.set_yticks(range(len(order)), [base.shortened(base.plain(name), 20) for name in order], parse_math=False)
        axes.set(ylim=(-0.6, len(order) - 0.4), xlim=(0, 1.01), ylabel="speaker")
        axes.set_xlabel("named right (bar: 95 % interval from this speaker's recordings)")
        axes.grid(axis="x", alpha=0.3)
        base.percent_axis(axes.xaxis)
        base.legend_below(figure, axes)
    told = [f"{base.percent(values[n][0])} ({n})" for n in (order[0], order[-1])]
    text = f"{base.count(len(order), 'speaker')}, named right from {told[0]} to {told[1]}."
    if len(order) == 1:
        text = f"One speaker, {order[0]}: {base.percent(values[order[0]][0])} are named right."
    for name, value in lines.items():
        below = sum(v[0] < value for v in values.values())
        text += f" Below {name} ({base.percent(value, 1)}): {below} of {len(order)}."
    return base.finish(figure, text)
