"""The figures of lecture 02: lengths and levels, handwriting, nearest neighbours, and what is named as what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from a2d.errors import DataError
from a2d.figures.base import (
    _BLUE,
    _DARK,
    _LINES,
    _RED,
    Picture,
    _array,
    _count,
    _figure,
    _legend_below,
    _named,
    _percent,
    _percent_axis,
    _picture,
    _pictures,
    _plain,
    _shares,
    _shortened,
    _style,
    _whole,
)

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


def lengths_and_levels(seconds: Any, levels: Any, digits: Sequence[int], speakers: Sequence[str]) -> Picture:
    """Show how long and how loud recordings are, by digit and by speaker (lecture 02).

    ``seconds`` (n,) durations in s; ``levels`` (n,) root mean squares in dB relative to full scale (dBFS); ``digits``
    and ``speakers`` n labels. Boxes hold the middle half, whiskers reach from 5 % to 95 %.
    Raises :class:`DataError` for lengths that differ, or NaN.
    """
    lasting, loud = _array(seconds, "seconds", 1), _array(levels, "levels", 1)
    labels = {"digit": np.asarray(digits).astype(str), "speaker": np.asarray(speakers).astype(str)}
    if len({len(lasting), len(loud), *(len(label) for label in labels.values())}) != 1:
        raise DataError("durations, levels, digits and speakers differ in number", where="seconds")
    rows = {"duration (s)": lasting, "level (dBFS)": loud}
    with _style():
        figure = _figure(5.2)
        panels = figure.subplots(2, 2, width_ratios=[1, 1.6], sharey="row", sharex="col")
        for line, (unit, values) in zip(panels, rows.items(), strict=True):
            for axes, (kind, label) in zip(line, labels.items(), strict=True):
                _boxes(axes, values, label, kind, sort=kind == "speaker" and len(set(label)) > _NAMED)
                axes.set_title(f"{kind}: explains {_percent(_explained(values, label))}", loc="left")
            line[0].set_ylabel(unit)
        for axes in panels[0]:
            axes.set_xlabel("")
    text = []
    for (unit, values), digits_told in zip(rows.items(), (2, 1), strict=True):
        word, unit = unit.rstrip(")").split(" (")
        ends = _ends(values, labels["digit"], f".{digits_told}f")
        shares = [_percent(_explained(values, label)) for label in labels.values()]
        text.append(
            f"Median {word} by digit: from {ends[0]} {unit} to {ends[1]} {unit}; of its variance the digit explains "
            f"{shares[0]}, the speaker {shares[1]}."
        )
    return _picture(figure, " ".join(text))


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
    style = {"color": _BLUE, "linewidth": 1.0}
    box = {"facecolor": "#DCEAF5", "edgecolor": _BLUE, "linewidth": 1.0}
    axes.boxplot(
        groups,
        whis=(5, 95),
        showfliers=False,
        patch_artist=True,
        widths=0.7,
        boxprops=box,
        whiskerprops=style,
        capprops=style,
        medianprops={"color": _DARK, "linewidth": 1.8},
    )
    if len(names) <= _NAMED:
        axes.set_xticks(range(1, len(names) + 1), [_shortened(_plain(n), 9) for n in names], parse_math=False)
        axes.set_xlabel(kind)
    else:
        axes.set_xticks([])
        axes.set_xlabel(f"{len(names)} {kind}s; each panel sorted by its medians")
    axes.grid(axis="y", alpha=0.3)


def trimmed(clips: Mapping[str, Any], spans: Mapping[str, tuple[int, int]], rate: int) -> Picture:
    """Show recordings, and which part of each is kept when silence is cut off (lecture 02).

    ``clips``: a name to samples (n,); ``spans``: the same names to (first sample kept, first sample not kept);
    ``rate`` in Hz. Raises :class:`DataError` for spans that do not fit.
    """
    waves = {name: _array(value, f"clips[{name}]", 1) for name, value in _named(clips, "clips").items()}
    kept = _named(spans, "spans")
    rate = _whole(rate, "rate", 1, 10**7)
    if set(kept) != set(waves) or any(not 0 <= a < b <= len(waves[name]) for name, (a, b) in kept.items()):
        raise DataError("each recording needs a span within it", where="spans")
    longest = max(len(wave) for wave in waves.values()) / rate
    with _style():
        figure = _figure(0.7 + 1.35 * len(waves))
        for axes, (name, wave) in zip(figure.subplots(len(waves), 1, squeeze=False)[:, 0], waves.items(), strict=True):
            start, stop = (sample / rate for sample in kept[name])
            axes.plot(np.arange(len(wave)) / rate, wave, color=_BLUE, linewidth=0.7)
            for left, right in ((0, start), (stop, len(wave) / rate)):
                if right > left:
                    axes.axvspan(left, right, facecolor="#DDDDDD", edgecolor=_DARK, hatch="///", linewidth=0, alpha=0.6)
            for place in (start, stop):
                axes.axvline(place, color=_RED, linewidth=1.4, linestyle=(0, (5, 2)))
            axes.set_xlim(0, longest)
            axes.set_title(_shortened(name, 70), loc="left", parse_math=False)
            axes.set_ylabel("amplitude")
        axes.set_xlabel("time (s); hatched: cut off")
    parts = [
        f"{name}: {len(wave) / rate:.2f} s, of which {(kept[name][1] - kept[name][0]) / rate:.2f} s are kept"
        for name, wave in waves.items()
    ]
    return _picture(figure, f"{'; '.join(parts)}.")


def handwriting(images: Any, labels: Sequence[int], seed: int = 0, shown: int = 9) -> Picture:
    """Show some images of each class, the class's mean, and how much ink its images have (lecture 02).

    ``images`` (n, 28, 28) in [0, 1], ink is 1; ``labels`` n digits, each of 0 to 9 at least once; ``seed`` chooses
    ``shown`` images of each class. Ink: the mean of an image's pixels.
    Raises :class:`DataError` for other shapes or values, or a class without images.
    """
    pixels, shown = _pictures(images), _whole(shown, "shown", 1, 20)
    classes = np.asarray(labels)
    if classes.shape != (len(pixels),) or set(classes.tolist()) != set(range(10)):
        raise DataError("one label from 0 to 9 for each image is needed, and each at least once", where="labels")
    rng = np.random.default_rng(seed)
    means = np.stack([pixels[classes == c].mean(axis=0) for c in range(10)])
    ink = [pixels[classes == c].mean(axis=(1, 2)) for c in range(10)]
    sheet = np.ones((10, 30, shown + 1, 30))
    for c in range(10):
        members = np.flatnonzero(classes == c)
        for column, i in enumerate(rng.choice(members, shown, replace=len(members) < shown)):
            sheet[c, 1:29, column, 1:29] = pixels[i]
        sheet[c, 1:29, shown, 1:29] = means[c]
    with _style():
        figure = _figure(5.3)
        left, right = figure.subplots(1, 2, width_ratios=[1.55, 1])
        left.imshow(sheet.reshape(300, (shown + 1) * 30), cmap="gray", vmin=0, vmax=1)
        left.axvline(shown * 30 - 0.5, color=_RED, linewidth=2, linestyle=(0, (5, 2)))
        left.set_yticks(30 * np.arange(10) + 15, range(10))
        left.set_xticks([15 * shown, 30 * shown + 15], ["images, chosen at random", "mean"])
        left.tick_params(length=0)
        for spine in left.spines.values():
            spine.set_visible(False)
        left.set_ylabel("class")
        _boxes(
            right, np.concatenate(ink), np.repeat(np.arange(10).astype(str), [len(i) for i in ink]), "class", sort=False
        )
        right.set_ylabel("ink (mean of the pixels)")
        right.set_ylim(0, None)
    return _picture(figure, _handwriting_text(pixels, classes, means, ink))


def _handwriting_text(pixels: np.ndarray, classes: np.ndarray, means: np.ndarray, ink: list[np.ndarray]) -> str:
    middles = np.array([i.mean() for i in ink])
    low, high = int(middles.argmin()), int(middles.argmax())
    apart = np.square(means[:, None] - means[None]).sum(axis=(2, 3))
    apart[np.tril_indices(10)] = np.inf
    a, b = np.unravel_index(apart.argmin(), apart.shape)
    label = classes.astype(str)
    return (
        f"{_count(len(pixels), 'image')}. Mean ink by class: from {_percent(middles[low], 1)} ({low}) to "
        f"{_percent(middles[high], 1)} ({high}); the class explains "
        f"{_percent(_explained(pixels.mean(axis=(1, 2)), label))} of its variance. The two mean images that are most "
        f"alike are those of {a} and {b}."
    )


def neighbours(groups: Mapping[str, Any], unit: str = "distance") -> Picture:
    """Show how far away nearest training recordings are: the share that is nearer than each distance (lecture 02).

    ``groups``: a name to distances (n,), 0 or more; at most five. The text tells the medians.
    Raises :class:`DataError` for other distances, or too many groups.
    """
    values = {name: _array(value, f"groups[{name}]", 1) for name, value in _named(groups, "groups").items()}
    if len(values) > len(_LINES) or any(value.min() < 0 for value in values.values()):
        raise DataError(f"1 to {len(_LINES)} groups of distances, 0 or more, are drawn", where="groups")
    top = 1.02 * max(np.quantile(value, 0.99) for value in values.values()) or 1.0
    with _style():
        figure = _figure(3.4)
        axes = figure.add_subplot()
        for (name, value), (colour, marker, dashes) in zip(values.items(), _LINES, strict=False):
            style = {"color": colour, "linestyle": dashes, "marker": marker, "markersize": 5}
            share = np.arange(1, len(value) + 1) / len(value)
            label = f"{name} (n = {len(value):,})"
            axes.plot(np.sort(value), share, label=label, markevery=max(1, len(value) // 10), **style)
        axes.axhline(0.5, color=_DARK, linewidth=0.8, linestyle=":")
        axes.set_xlim(0, top)
        axes.set_ylim(0, 1)
        axes.set_xlabel(f"{_plain(unit)} (dotted: the median)", parse_math=False)
        axes.set_ylabel("share that is nearer")
        axes.grid(alpha=0.3)
        _percent_axis(axes.yaxis)
        _legend_below(figure, axes)
    medians = {name: float(np.median(value)) for name, value in values.items()}
    first, *others = medians
    text = f"Median {unit}, {first}: {medians[first]:.2f}"
    text += "".join(f"; {name}: {medians[name]:.2f}" for name in others)
    return _picture(figure, text + ".")


def named_digits(tables: Mapping[str, Any]) -> Picture:
    """Show, side by side, how often each spoken digit is named as which (lecture 02).

    ``tables``: a name to counts (10, 10), whole numbers from 0, spoken digits on the rows; one to three of them.
    Raises :class:`DataError` for other tables.
    """
    counts = {name: _array(value, f"tables[{name}]", 2) for name, value in _named(tables, "tables").items()}
    bad = any(t.shape != (10, 10) or t.min() < 0 or (t != np.rint(t)).any() or t.sum() == 0 for t in counts.values())
    if len(counts) > 3 or bad:
        raise DataError("one to three tables (10, 10) of whole numbers from 0 are drawn", where="tables")
    with _style():
        figure = _figure(4.3 if len(counts) < 3 else 3.4)
        panels = figure.subplots(1, len(counts), squeeze=False, sharey=True)[0]
        for axes, (name, table) in zip(panels, counts.items(), strict=True):
            totals = table.sum(axis=1, keepdims=True)
            shares = np.divide(table, totals, out=np.zeros_like(table), where=totals > 0)
            image = axes.imshow(shares, cmap="cividis", vmin=0, vmax=1)
            for (row, column), share in np.ndenumerate(shares):
                if table[row, column]:
                    colour = "black" if share > 0.55 else "white"
                    said = f"{table[row, column]:.0f}"
                    axes.text(column, row, said, ha="center", va="center", fontsize=8, color=colour)
            axes.set_title(f"{_shortened(name, 34)}: {_percent(np.trace(table) / table.sum(), 1)}", parse_math=False)
            axes.set_xticks(range(10))
            axes.set_yticks(range(10))
            axes.set_xlabel("digit named")
        panels[0].set_ylabel("digit spoken")
        bar = figure.colorbar(image, ax=list(panels), label="share of the spoken digit", shrink=0.8)
        _percent_axis(bar.ax.yaxis)
    return _picture(figure, " ".join(_named_text(name, table) for name, table in counts.items()))


def _named_text(name: str, table: np.ndarray) -> str:
    right, n = np.trace(table), table.sum()
    text = f"{name}: {right:.0f} of {n:.0f} are named right ({_percent(right / n, 1)})"
    off = table - np.diag(table.diagonal())
    if off.sum() == 0:
        return text + "."
    a, b = np.unravel_index(off.argmax(), off.shape)
    return text + f"; most often {a} is named {b} ({off[a, b]:.0f} of {table[a].sum():.0f})."


def by_speaker(rows: Mapping[str, Sequence[float]], references: Mapping[str, float] | None = None) -> Picture:
    """Show how much is named right for each speaker, with an interval (lecture 02).

    ``rows``: a speaker to (share, low end, high end) of an interval of 95 %, all in [0, 1], at most 60; they are drawn
    from low to high. ``references``: a name to a share, drawn as a line. Raises :class:`DataError` for other numbers.
    """
    values = {name: _shares(value, f"rows[{name}]") for name, value in _named(rows, "rows").items()}
    lines = {k: float(_shares([v], f"references[{k}]")[0]) for k, v in (references or {}).items()}
    if len(values) > 60 or any(len(v) != 3 or not v[1] <= v[0] <= v[2] for v in values.values()):
        raise DataError("1 to 60 speakers with share, low and high end are drawn", where="rows")
    order = sorted(values, key=lambda name: (values[name][0], name))
    with _style():
        figure = _figure(1.1 + 0.27 * len(values) + (0.25 if lines else 0))
        axes = figure.add_subplot()
        for place, name in enumerate(order):
            share, low, high = values[name]
            axes.plot([low, high], [place, place], color=_BLUE, linewidth=5, alpha=0.35, solid_capstyle="butt")
            axes.plot(share, place, "o", color=_DARK, markersize=6)
            axes.text(1.02, place, _percent(share), va="center", transform=axes.get_yaxis_transform())
        for (name, value), dashes in zip(lines.items(), ("--", ":", "-."), strict=False):
            axes.axvline(value, color=_RED, linewidth=1.3, linestyle=dashes, label=f"{name}: {_percent(value, 1)}")
        axes.set_yticks(range(len(order)), [_shortened(_plain(name), 20) for name in order], parse_math=False)
        axes.set_ylim(-0.6, len(order) - 0.4)
        axes.set_xlim(0, 1.01)
        axes.set_ylabel("speaker")
        axes.set_xlabel("named right (bar: 95 % interval from this speaker's recordings)")
        axes.grid(axis="x", alpha=0.3)
        _percent_axis(axes.xaxis)
        _legend_below(figure, axes)
    told = [f"{_percent(values[n][0])} ({n})" for n in (order[0], order[-1])]
    text = f"{_count(len(order), 'speaker')}, named right from {told[0]} to {told[1]}."
    if len(order) == 1:
        text = f"One speaker, {order[0]}: {_percent(values[order[0]][0])} are named right."
    for name, value in lines.items():
        below = sum(v[0] < value for v in values.values())
        text += f" Below {name} ({_percent(value, 1)}): {below} of {len(order)}."
    return _picture(figure, text)
