"""The figures of lecture 01: sampling, windows, mel filters, the cosine transform, and the mean over time."""

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
    _plain,
    _shares,
    _shortened,
    _style,
    _whole,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FEW = 12


def aliasing(frequency: float, rate: int, n: int = 9) -> Picture:
    """Show a tone, the ``n`` samples taken of it, and the lower tone that gives the same samples (lecture 01).

    ``frequency`` of the tone in Hz; ``rate`` in samples per second. Raises :class:`DataError` for a tone that lies
    below half the rate, because such a tone has no lower twin.
    """
    tone = float(_array([frequency], "frequency", 1)[0])
    rate, n = _whole(rate, "rate", 1, 10**7), _whole(n, "n", 3, 200)
    twin = abs(tone - rate * round(tone / rate))
    if not rate / 2 < tone:
        raise DataError(f"{tone:g} Hz is not above half of {rate} Hz", where="frequency", hint="Take a higher tone")
    samples = np.arange(n) / rate
    fine = np.linspace(0, samples[-1], max(2000, int(40 * tone * samples[-1])))
    gap = np.abs(np.cos(2 * np.pi * tone * samples) - np.cos(2 * np.pi * twin * samples)).max()
    with _style():
        figure = _figure(2.6)
        axes = figure.add_subplot()
        axes.plot(1000 * fine, np.cos(2 * np.pi * tone * fine), color=_BLUE, linewidth=0.9, label=f"{tone:g} Hz")
        style = {"color": _RED, "linewidth": 1.4, "linestyle": (0, (5, 2))}
        axes.plot(1000 * fine, np.cos(2 * np.pi * twin * fine), label=f"{twin:g} Hz", **style)
        axes.plot(1000 * samples, np.cos(2 * np.pi * tone * samples), "o", color=_DARK, label="samples")
        axes.set_xlabel("time (ms)")
        axes.set_ylabel("amplitude")
        _legend_below(figure, axes)
    # Smaller differences than this are the rounding of the computer's arithmetic.
    same = "the same" if gap < 1e-9 else f"no more than {gap:.2g} different"
    text = (
        f"A tone of {tone:g} Hz and one of {twin:g} Hz, sampled {rate} times per second: between the samples they "
        f"differ, at the {n} samples they are {same}."
    )
    return _picture(figure, text)


def leakage(hz: Any, spectra: Mapping[str, Any], tone: float, far: float) -> Picture:
    """Show the spectrum of one tone through several windows (lecture 01).

    ``hz`` (bins,) rising frequencies; ``spectra``: the window's name to the level (bins,) in dB below its maximum;
    ``tone`` the tone's frequency in Hz; ``far``: from how many Hz away the levels are told.
    Raises :class:`DataError` for shapes that do not fit or no bins so far away.
    """
    bins = _array(hz, "hz", 1)
    levels = {name: _array(value, f"spectra[{name}]", 1) for name, value in _named(spectra, "spectra").items()}
    if any(len(level) != len(bins) for level in levels.values()):
        raise DataError(f"each spectrum needs {len(bins)} levels", where="spectra")
    away = np.abs(bins - tone) >= far
    if not away.any():
        raise DataError(f"no frequency is {far:g} Hz away from the tone", where="far")
    with _style():
        figure = _figure(3.3)
        axes = figure.add_subplot()
        for (name, level), (colour, marker, dashes) in zip(levels.items(), _LINES, strict=False):
            options = {"color": colour, "linestyle": dashes, "linewidth": 1.2, "marker": marker, "markersize": 3}
            axes.plot(bins, level, markevery=max(1, len(bins) // 40), label=name, **options)
        axes.set_ylim(max(-130.0, min(level.min() for level in levels.values()) - 5), 5)
        axes.set_xlim(bins[0], bins[-1])
        axes.set_xlabel("frequency (Hz)")
        axes.set_ylabel("level (dB, maximum is 0)")
        axes.grid(alpha=0.3)
        _legend_below(figure, axes)
    parts = [f"{name} {level[away].max():.0f} dB" for name, level in levels.items()]
    text = (
        f"One tone of {tone:g} Hz gives a line with skirts. The highest level that is left {far:g} Hz or more away "
        f"from it, by window: {', '.join(parts)}."
    )
    return _picture(figure, text)


def mel_filters(hz: Any, bank: Any, edges: Any, edge_mels: Any) -> Picture:
    """Show the mel scale, and the filters that it spaces (lecture 01).

    ``hz`` (bins,): the spectrum's frequencies; ``bank`` (filters, bins); ``edges`` (filters + 2,): where filter ``j``
    begins, has its top and ends (items ``j``, ``j + 1``, ``j + 2``), in Hz; ``edge_mels`` the same in mel.
    Raises :class:`DataError` for shapes that do not fit.
    """
    bins, filters = _array(hz, "hz", 1), _array(bank, "bank", 2)
    places, mels = _array(edges, "edges", 1), _array(edge_mels, "edge_mels", 1)
    if filters.shape[1] != len(bins) or not len(places) == len(mels) == len(filters) + 2:
        shapes = f"bank {filters.shape}, hz {bins.shape}, edges {places.shape}, edge_mels {mels.shape}"
        raise DataError(f"these shapes do not fit together ({shapes})", where="bank")
    widths, tops = places[2:] - places[:-2], filters.max(axis=1)
    with _style():
        figure = _figure(3.4)
        left, right = figure.subplots(1, 2, width_ratios=[1, 1.7])
        left.plot(places, mels, color=_BLUE, linewidth=1.6)
        for place, mel in list(zip(places, mels, strict=True))[:: max(1, len(places) // 8)]:
            left.plot([place, place, 0], [mels[0], mel, mel], color=_DARK, linewidth=0.6, linestyle=(0, (4, 2)))
        left.set_xlim(0, places[-1])
        left.set_ylim(mels[0], mels[-1] * 1.03)
        left.set_title("mel scale", loc="left")
        left.set_ylabel("mel")
        # All of them would cover each other.
        step = max(1, len(filters) // 16)
        for index, row in enumerate(filters[::step]):
            colour, _, dashes = _LINES[index % 3]
            right.plot(bins, row, color=colour, linestyle=dashes, linewidth=1.2)
        right.set_xlim(bins[0], bins[-1])
        right.set_ylim(0, None)
        shown = "all" if step == 1 else f"number 0, {step}, {2 * step}, ..."
        right.set_title(f"{len(filters)} filters ({shown})", loc="left")
        right.set_ylabel("weight (1 / Hz)")
        for axes in (left, right):
            axes.set_xlabel("frequency (Hz)")
    below = int((places[1:-1] < bins[-1] / 4).sum())
    text = (
        f"Even steps in mel are growing steps in Hz: the lowest of {len(filters)} filters is {widths[0]:.0f} Hz wide, "
        f"the highest {widths[-1]:.0f} Hz, and {below} of them have their top in the lowest quarter of the "
        f"frequencies. The wider a filter, the lower: from {tops.max():.3f} down to {tops.min():.3f} per Hz."
    )
    return _picture(figure, text)


def smoothing(log_mel: Any, smooth: Mapping[str, Any]) -> Picture:
    """Show one frame's log-mel levels, and what a few coefficients keep of them (lecture 01).

    ``log_mel`` (bands,) in dB; ``smooth``: a name to (bands,) in dB. Raises :class:`DataError` for other shapes.
    """
    levels = _array(log_mel, "log_mel", 1)
    kept = {name: _array(value, f"smooth[{name}]", 1) for name, value in _named(smooth, "smooth").items()}
    if any(len(value) != len(levels) for value in kept.values()):
        raise DataError(f"each smooth curve needs {len(levels)} levels", where="smooth")
    with _style():
        figure = _figure(3.2)
        axes = figure.add_subplot()
        axes.plot(levels, color=_DARK, linewidth=0, marker="o", markersize=3.5, label="log-mel levels")
        for (name, value), (colour, _, dashes) in zip(kept.items(), _LINES, strict=False):
            axes.plot(value, color=colour, linestyle=dashes, linewidth=1.6, label=name)
        axes.set_xlabel("mel band")
        axes.set_ylabel("level (dB)")
        axes.grid(alpha=0.3)
        _legend_below(figure, axes)
    parts = [f"{name} {np.sqrt(np.square(value - levels).mean()):.1f} dB" for name, value in kept.items()]
    text = (
        f"One frame has {len(levels)} levels between {levels.min():.0f} and {levels.max():.0f} dB. "
        f"Rebuilt from fewer coefficients it is smoother; the root-mean-square error is, {', '.join(parts)}."
    )
    return _picture(figure, text)


def there_and_back(
    forwards: Any, backwards: Any, step: float, names: Sequence[str] = ("forwards", "backwards")
) -> Picture:
    """Show the MFCCs of a word and of the same word backwards, and both means over time (lecture 01).

    ``forwards`` and ``backwards`` (frames, coefficients); ``step`` in seconds from one frame to the next.
    Raises :class:`DataError` for shapes that differ.
    """
    first, second = _array(forwards, "forwards", 2), _array(backwards, "backwards", 2)
    if first.shape != second.shape or first.shape[1] < 2:
        raise DataError(f"the shapes {first.shape} and {second.shape} do not fit", where="backwards")
    apart = np.linalg.norm(first - second, axis=1).mean()
    means = first.mean(axis=0), second.mean(axis=0)
    gap = np.linalg.norm(means[0] - means[1])
    # Coefficient 0, the loudness, is far larger than the others and would leave them all one colour.
    low, high = np.percentile(np.concatenate([first, second])[:, 1:], [2, 98])
    limits = {"vmin": low, "vmax": high} if high > low else {}
    extent = (-step / 2, (len(first) - 0.5) * step, -0.5, first.shape[1] - 0.5)
    with _style():
        figure = _figure(5.0)
        grid = figure.add_gridspec(2, 2)
        panels = [figure.add_subplot(grid[0, column]) for column in (0, 1)]
        for axes, array, name in zip(panels, (first, second), names, strict=True):
            image = axes.imshow(array.T, origin="lower", aspect="auto", cmap="cividis", extent=extent, **limits)
            axes.set_title(name, loc="left")
            axes.set_xlabel("time (s)")
        panels[0].set_ylabel("coefficient")
        figure.colorbar(image, ax=panels, label="value", pad=0.01, extend="both", aspect=12)
        _draw_means(figure.add_subplot(grid[1, :]), means, names)
    # Smaller differences than this are the rounding of the computer's arithmetic.
    same = "the same" if gap < 1e-9 * max(1.0, np.abs(means[0]).max()) else f"{gap:.3g} apart"
    text = (
        f"At the same time, the {first.shape[1]} coefficients of the two are {apart:.1f} apart on average "
        f"(Euclidean distance); their means over the {_count(len(first), 'frame')} are {same}."
    )
    return _picture(figure, text)


def _draw_means(axes: Axes, means: tuple[np.ndarray, np.ndarray], names: Sequence[str]) -> None:
    places = np.arange(1, len(means[0]))
    axes.axhline(0, color=_DARK, linewidth=0.8)
    axes.plot(places, means[0][1:], color=_BLUE, marker="o", markersize=7, linewidth=1, label=names[0])
    options = {"color": _RED, "marker": "x", "markersize": 5, "linewidth": 1, "linestyle": (0, (2, 2))}
    axes.plot(places, means[1][1:], label=names[1], **options)
    axes.set_xlabel("coefficient (from 1 on)")
    axes.set_ylabel("mean value")
    axes.set_title("mean over time", loc="left")
    axes.legend(loc="upper right", ncols=2)


def distances(groups: Mapping[str, Any], unit: str = "distance") -> Picture:
    """Show how far apart vectors are, group by group: the median, and the middle 90 % (lecture 01).

    ``groups``: a name to distances (n,), 0 or more, with a median above 0; the others are compared with the first.
    Raises :class:`DataError` for no groups or other distances.
    """
    values = {name: _array(value, f"groups[{name}]", 1) for name, value in _named(groups, "groups").items()}
    medians = {name: float(np.median(value)) for name, value in values.items()}
    if len(values) > _FEW or any(value.min() < 0 or medians[name] <= 0 for name, value in values.items()):
        raise DataError(f"1 to {_FEW} groups of distances above 0 are drawn", where="groups")
    with _style():
        figure = _figure(1.0 + 0.45 * len(values))
        axes = figure.add_subplot()
        for place, (name, value) in enumerate(values.items()):
            low, high = np.quantile(value, [0.05, 0.95])
            low = max(low, medians[name] / 1000)  # a logarithmic axis has no 0
            axes.plot([low, high], [place, place], color=_BLUE, linewidth=5, alpha=0.35, solid_capstyle="butt")
            axes.plot(medians[name], place, "o", color=_DARK, markersize=7)
            said = f"{medians[name]:.3g}  (n = {len(value):,})"
            axes.text(1.02, place, said, va="center", ha="left", transform=axes.get_yaxis_transform())
        axes.set_xscale("log")
        axes.set_yticks(range(len(values)), [_shortened(name, 40) for name in values], parse_math=False)
        axes.set_ylim(len(values) - 0.5, -0.5)
        axes.set_xlabel(f"{_plain(unit)} (dot: median, bar: the middle 90 %; logarithmic)", parse_math=False)
        axes.grid(axis="x", alpha=0.3)
    first, *others = medians
    text = f"Median of the {unit}, {first}: {medians[first]:.3g}."
    if others:
        parts = [f"{name} {medians[name]:.3g} ({medians[name] / medians[first]:.0f} times as much)" for name in others]
        text += f" The others: {', '.join(parts)}."
    return _picture(figure, text)


def shares_right(rows: Mapping[str, Sequence[float]], references: Mapping[str, float] | None = None) -> Picture:
    """Show how much is named right with each kind of features, with an interval (lecture 01).

    ``rows``: a name to (share, low end, high end) of an interval of 95 %, all in [0, 1]; ``references``: a name to a
    share, drawn as a line. Raises :class:`DataError` for other numbers.
    """
    values = {name: _shares(value, f"rows[{name}]") for name, value in _named(rows, "rows").items()}
    lines = {k: float(_shares([v], f"references[{k}]")[0]) for k, v in (references or {}).items()}
    if len(values) > _FEW or any(len(v) != 3 or not v[1] <= v[0] <= v[2] for v in values.values()):
        raise DataError(f"1 to {_FEW} rows of share, low and high end are drawn", where="rows")
    with _style():
        figure = _figure(1.1 + 0.45 * len(values) + (0.25 if lines else 0))
        axes = figure.add_subplot()
        for place, (share, low, high) in enumerate(values.values()):
            axes.barh(place, share, height=0.6, color=_BLUE, alpha=0.3, edgecolor=_BLUE)
            axes.plot([low, high], [place, place], color=_DARK, linewidth=1.6, marker="|", markersize=9)
            axes.text(1.02, place, _percent(share, 1), va="center", transform=axes.get_yaxis_transform())
        for name, value in lines.items():
            axes.axvline(value, color=_RED, linewidth=1.3, linestyle=(0, (6, 3)), label=f"{name}: {_percent(value)}")
        axes.set_yticks(range(len(values)), [_shortened(name, 40) for name in values], parse_math=False)
        axes.invert_yaxis()
        axes.set_xlim(0, 1.01)
        axes.set_xlabel("right (line: 95 % interval)")
        _percent_axis(axes.xaxis)
        _legend_below(figure, axes)
    parts = [f"{n}: {_percent(v[0], 1)} ({_percent(v[1], 1)} to {_percent(v[2], 1)})" for n, v in values.items()]
    text = f"Right, with the 95 % interval: {'; '.join(parts)}."
    text += "".join(f" {name.capitalize()} would give {_percent(value)}." for name, value in lines.items())
    return _picture(figure, text)
