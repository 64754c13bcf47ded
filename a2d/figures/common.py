"""The figures of the report itself, drawn by `a2d evaluate` and by the lectures."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from a2d.errors import DataError
from a2d.figures.base import (
    _BLUE,
    _DARK,
    _LINES,
    _RED,
    _WIDTH,
    Picture,
    _array,
    _count,
    _digits,
    _figure,
    _legend_below,
    _mark,
    _named,
    _percent,
    _percent_axis,
    _picture,
    _pictures,
    _plain,
    _references,
    _shares,
    _shortened,
    _style,
    _tiles,
    _whole,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def batch(
    images: Any,
    spoken: Sequence[int],
    read: Sequence[int] | None = None,
    confidence: Sequence[float] | None = None,
    columns: int = 8,
) -> Picture:
    """Show one batch of generated digits with what was spoken and what was read (lecture 05).

    ``images`` (n, 28, 28) in [0, 1], at most 400; ``spoken`` and ``read`` n digits; ``confidence`` n shares
    in [0, 1]. A misread image has a dashed frame, and a cross before its bold title.
    Raises :class:`DataError` for another shape, values out of range or NaN.
    """
    pixels = _pictures(images)
    n, columns = len(pixels), _whole(columns, "columns", 1, 12)
    said = _digits(spoken, "spoken", n)
    seen = None if read is None else _digits(read, "read", n)
    sure = None if confidence is None else _shares(confidence, "confidence")
    if sure is not None and (seen is None or len(sure) != n):
        raise DataError(f"{len(sure)} confidences need {n} images with readings", where="confidence")
    titles = [f"spoken {digit}" for digit in said]
    if seen is not None:
        wrong = ["\N{MULTIPLICATION X} " if a != b else "" for a, b in zip(said, seen, strict=True)]
        titles = [f"{t}\n{mark}read {b}" for t, mark, b in zip(titles, wrong, seen, strict=True)]
    if sure is not None:
        join = ", " if columns <= 8 else "\n"
        titles = [f"{t}{join}{_percent(share)}" for t, share in zip(titles, sure, strict=True)]
    with _style():
        figure, panels = _tiles(pixels, titles, columns, _WIDTH / max(columns, 8))
        for index, axes in enumerate(panels):
            if seen is not None and seen[index] != said[index]:
                _mark(axes)
    return _picture(figure, _batch_text(pixels, said, seen, sure))


def _batch_text(images: np.ndarray, said: list[int], seen: list[int] | None, sure: np.ndarray | None) -> str:
    n = len(said)
    if seen is None:
        grey = np.mean((images > 0.1) & (images < 0.9))
        kinds = _count(len(set(said)), "spoken digit")
        text = f"{_percent(grey)} of the pixels are neither black nor white"
        return f"{_count(n, 'generated image')} of {kinds}; {text}."
    wrong = [(a, b) for a, b in zip(said, seen, strict=True) if a != b]
    verb = "is" if n == 1 else "are"
    text = f"{n - len(wrong)} of {_count(n, 'generated image')} {verb} read as the spoken digit"
    text += f" ({_percent((n - len(wrong)) / n)})"
    if wrong:
        pairs = sorted(set(wrong), key=lambda pair: (-wrong.count(pair), pair))[:3]
        text += "; misread are " + ", ".join(f"{a} as {b} ({wrong.count((a, b))} x)" for a, b in pairs)
        text += " and others" if len(set(wrong)) > 3 else ""
    if sure is not None:
        hits = np.array([a == b for a, b in zip(said, seen, strict=True)])
        parts = [
            f"{_percent(sure[mask].mean())} {name}"
            for name, mask in (("in right", hits), ("in wrong", ~hits))
            if mask.any()
        ]
        text += f". The reader's mean confidence is {' and '.join(parts)} readings"
    return text + "."


def grid(images: Any) -> Picture:
    """Show many generated digits, one row per spoken digit (lecture 05).

    ``images`` (10, k, 28, 28) in [0, 1], rows 0 to 9, k up to 60. The text compares the spread within a row
    with the spread between the rows' means, both as the standard deviation per pixel.
    Raises :class:`DataError` for another shape, values out of range or NaN.
    """
    pixels = _pictures(images, "images", 4)
    rows, k = pixels.shape[:2]
    if rows != 10 or k > 60:
        raise DataError(f"expected ten rows of up to 60 images, got {rows} of {k}", where="images")
    sheet = np.ones((10, 30, k, 30))
    sheet[:, 1:29, :, 1:29] = pixels.transpose(0, 2, 1, 3)
    cell = min((_WIDTH - 0.6) / max(k, 10), 0.75)
    with _style():
        figure = _figure(10 * cell + 0.1, k * cell + 0.6, layout="constrained")
        axes = figure.add_subplot()
        axes.imshow(sheet.reshape(300, k * 30), cmap="gray", vmin=0, vmax=1)
        axes.set_yticks(np.arange(10) * 30 + 14.5, [str(digit) for digit in range(10)], fontsize=11)
        axes.set_ylabel("spoken digit")
        axes.set_xticks([])
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
    return _picture(figure, _grid_text(pixels))


def _grid_text(images: np.ndarray) -> str:
    k = images.shape[1]
    between = images.mean(axis=1).std(axis=0).mean()
    text = f"{_count(k, 'image')} for each spoken digit, 0 to 9. "
    if k == 1:
        return text + f"The digits differ from each other by {between:.3f} per pixel (standard deviation)."
    within = images.std(axis=1).mean(axis=(1, 2))
    low, high = int(within.argmin()), int(within.argmax())
    return text + (
        f"Within a row the images differ by {within.mean():.3f} per pixel (standard deviation), "
        f"least for {low} ({within[low]:.3f}) and most for {high} ({within[high]:.3f}); "
        f"the rows' means differ by {between:.3f}."
    )


def contact_sheet(images: Any, captions: Sequence[str], columns: int = 6) -> Picture:
    """Show drawn digits, each under its caption; what ``a2d draw`` writes (lecture 05).

    ``images`` (n, 28, 28) in [0, 1], at most 400; ``captions`` n texts; long ones are shortened in the
    middle.
    Raises :class:`DataError` for another shape, values out of range or NaN.
    """
    pixels = _pictures(images)
    n, columns = len(pixels), _whole(columns, "columns", 1, 12)
    if isinstance(captions, str) or len(list(captions)) != n:
        raise DataError(f"expected {n} captions, one per image", where="captions")
    names = [_plain(caption) for caption in captions]
    cell = _WIDTH / max(columns, 6)
    # So many characters of average width fit above one image.
    across = int(13 * cell)
    titles = ["\n".join(textwrap.wrap(_shortened(name, 2 * across), across)) for name in names]
    with _style():
        figure, _ = _tiles(pixels, titles, columns, cell)
    ink = pixels.mean(axis=(1, 2))
    listed = ", ".join(names[:10]) + (f" and {n - 10} more" if n > 10 else "")
    text = f"{_count(n, 'drawing')}: {listed}. "
    if n == 1:
        return _picture(figure, text + f"Its mean brightness is {_percent(ink[0])}.")
    low, high = int(ink.argmin()), int(ink.argmax())
    ends = [f"{_percent(ink[index])} ({names[index]})" for index in (low, high)]
    return _picture(figure, text + f"The mean brightness goes from {ends[0]} to {ends[1]}.")


# --- curves --------------------------------------------------------------------------------------------


def _epochs(epochs: Any, n: int, name: str) -> np.ndarray:
    """Give the x values of a series: 1, 2, ... or the first n of the given, which must rise."""
    if epochs is None:
        return np.arange(1, n + 1, dtype=np.float64)
    values = _array(epochs, "epochs", 1)
    if len(values) < n or (np.diff(values) <= 0).any():
        raise DataError(f"{len(values)} rising epochs are needed for the {n} values of {name}", where="epochs")
    return values[:n]


def _curve(axes: Axes, x: np.ndarray, y: np.ndarray, name: str, index: int) -> None:
    color, marker, line = _LINES[index % len(_LINES)]
    every = max(1, len(x) // 12)
    axes.plot(x, y, color=color, marker=marker, markevery=every, markersize=5, linestyle=line, label=name)


def _whole_ticks(axis: Any) -> None:
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True, nbins=12, steps=[1, 2, 5, 10]))


def accuracy_while_training(
    history: Mapping[str, Sequence[float]],
    epochs: Sequence[int] | None = None,
    references: Mapping[str, float] | None = None,
    spread: Mapping[str, Sequence[float]] | None = None,
) -> Picture:
    """Show accuracies by epoch, with reference lines (lecture 05).

    ``history``: name to one share in [0, 1] per epoch; ``epochs``: their numbers, else 1, 2, ...;
    ``references``: name to a share; ``spread``: name of a series to one half width per epoch (say, a
    standard deviation).
    Raises :class:`DataError` for empty series, values out of range or NaN, and names that do not fit.
    """
    series = {k: _shares(v, f"history[{k}]") for k, v in _named(history, "history").items()}
    bands = {k: _shares(v, f"spread[{k}]") for k, v in _named(spread, "spread").items()} if spread else {}
    for name, band in bands.items():
        if name not in series or len(band) != len(series[name]):
            raise DataError("this spread fits no series of the history", where=f"spread[{name}]")
    xs = {name: _epochs(epochs, len(values), name) for name, values in series.items()}
    with _style():
        figure = _figure(4.4)
        axes = figure.add_subplot()
        for index, (name, values) in enumerate(series.items()):
            _curve(axes, xs[name], values, name, index)
            if name in bands:
                low, high = np.clip([values - bands[name], values + bands[name]], 0, 1)
                axes.fill_between(xs[name], low, high, color=_LINES[index % len(_LINES)][0], alpha=0.18, linewidth=0)
        lines = _references(axes, references, upright=False)
        axes.set_xlabel("epoch")
        axes.set_ylabel("accuracy (share read as spoken)")
        axes.set_ylim(0, 1.02)
        axes.grid(axis="y", alpha=0.3)
        _percent_axis(axes.yaxis)
        _whole_ticks(axes.xaxis)
        _legend_below(figure, axes)
    text = " ".join(_accuracy_text(name, xs[name], values) for name, values in series.items())
    for name, value in lines.items():
        ends = "; ".join(f"{series_name} {100 * (v[-1] - value):+.1f} points" for series_name, v in series.items())
        text += f" Against {name} ({_percent(value, 1)}) the last epoch is at: {ends}."
    return _picture(figure, text)


def _accuracy_text(name: str, x: np.ndarray, y: np.ndarray) -> str:
    if len(y) == 1:
        return f"{name}: {_percent(y[0], 1)} after epoch {x[0]:g}."
    verb = "rises" if y[-1] > y[0] else "falls" if y[-1] < y[0] else "goes"
    first, end = (f"{_percent(y[place])} after epoch {x[place]:g}" for place in (0, -1))
    text = f"{name}: {verb} from {first} to {end}"
    last = min(10, len(y) // 2)
    if last >= 2:
        tail = y[-last:]
        text += f"; the last {last} epochs vary by {100 * (tail.max() - tail.min()):.1f} points"
    return text + "."


def loss_terms(history: Mapping[str, Sequence[float]], epochs: Sequence[int] | None = None) -> Picture:
    """Show the two terms of the negative ELBO by epoch, in nats per image, in two panels (lecture 05).

    ``history`` has ``reconstruction`` and ``kl``, each one mean per epoch, and optionally
    ``validation_reconstruction`` and ``validation_kl``. Both are sums over pixels or latent dimensions and
    means over images.
    Raises :class:`DataError` for missing or other names, a negative KL, lengths that differ, or NaN.
    """
    known = {"reconstruction", "kl", "validation_reconstruction", "validation_kl"}
    given = _named(history, "history")
    if not {"reconstruction", "kl"} <= set(given) <= known:
        raise DataError(f"expected reconstruction and kl, got {', '.join(given)}", where="history")
    series = {name: _array(values, f"history[{name}]", 1) for name, values in given.items()}
    if len({len(values) for values in series.values()}) != 1:
        raise DataError("the terms have different numbers of epochs", where="history")
    for name in ("kl", "validation_kl"):
        # Rounding may leave a vanishing KL a hair below zero.
        if name in series and series[name].min() < -1e-4:
            raise DataError("a KL divergence cannot be negative", where=f"history[{name}]")
    x = _epochs(epochs, len(series["kl"]), "history")
    titles = {"reconstruction": "reconstruction term", "kl": "KL divergence from the prior"}
    with _style():
        figure = _figure(3.6)
        for axes, (term, title) in zip(figure.subplots(1, 2), titles.items(), strict=True):
            for index, name in enumerate(key for key in (term, f"validation_{term}") if key in series):
                _curve(axes, x, series[name], "validation" if index else "training", index)
            axes.set_title(title)
            axes.set_xlabel("epoch")
            axes.set_ylabel("nats per image")
            axes.grid(axis="y", alpha=0.3)
            _whole_ticks(axes.xaxis)
            if f"validation_{term}" in series:
                axes.legend()
    return _picture(figure, _loss_text(x, series))


def _loss_text(x: np.ndarray, series: Mapping[str, np.ndarray]) -> str:
    rec, kl = series["reconstruction"], series["kl"]
    if len(x) == 1:
        text = f"the reconstruction term is {rec[0]:.1f} and the KL {kl[0]:.1f} nats per image"
        return f"After epoch {x[0]:g} {text}."
    verbs = ["rises" if v[-1] > v[0] else "falls" if v[-1] < v[0] else "goes" for v in (rec, kl)]
    text = (
        f"From epoch {x[0]:g} to {x[-1]:g} the reconstruction term {verbs[0]} from {rec[0]:.1f} to "
        f"{rec[-1]:.1f} nats per image, the KL {verbs[1]} from {kl[0]:.1f} to {kl[-1]:.1f}."
    )
    if "validation_reconstruction" in series:
        gap = series["validation_reconstruction"][-1] - rec[-1]
        side = "above" if gap >= 0 else "below"
        text += f" At the end the reconstruction term in validation is {abs(gap):.1f} nats {side} training."
    return text


def bars_with_spread(
    rows: Mapping[str, Sequence[float]],
    references: Mapping[str, float] | None = None,
    xlabel: str = "accuracy",
) -> Picture:
    """Show a mean bar per row with one dot per seed, so that no single number stands alone (lecture 08).

    ``rows``: label to one share in [0, 1] per seed, at most 40 rows; ``references``: name to a share.
    Raises :class:`DataError` for empty rows, values out of range or NaN.
    """
    values = {k: _shares(v, f"rows[{k}]") for k, v in _named(rows, "rows").items()}
    if len(values) > 40:
        raise DataError(f"{len(values)} rows are too many for one figure", where="rows")
    with _style():
        figure = _figure(1.3 + 0.42 * len(values) + (0.25 if references else 0))
        axes = figure.add_subplot()
        for place, shares in enumerate(values.values()):
            axes.barh(place, shares.mean(), height=0.62, color=_BLUE, alpha=0.3, edgecolor=_BLUE)
            # Equal values are set side by side, always in the same way.
            offsets = np.linspace(-0.16, 0.16, len(shares)) if len(shares) > 1 else np.zeros(1)
            axes.plot(shares, place + offsets, "o", color=_DARK, markersize=4.5, markerfacecolor="white")
            text = f"{_percent(shares.mean(), 1)}  (n = {len(shares)})"
            axes.text(1.02, place, text, va="center", ha="left", transform=axes.get_yaxis_transform())
        labels = ["\n".join(textwrap.wrap(_shortened(name, 66), 34)) for name in values]
        axes.set_yticks(range(len(values)), labels, parse_math=False)
        axes.invert_yaxis()
        axes.set_xlim(0, 1.02)
        axes.set_xlabel(f"{_plain(xlabel)} (bar: mean, dots: one per seed)", parse_math=False)
        axes.grid(axis="x", alpha=0.3)
        axes.set_axisbelow(True)
        _percent_axis(axes.xaxis)
        lines = _references(axes, references, upright=True)
        _legend_below(figure, axes)
    return _picture(figure, _bars_text(values, lines))


def _bars_text(values: Mapping[str, np.ndarray], lines: Mapping[str, float]) -> str:
    def told(name: str) -> str:
        v = values[name]
        if len(v) == 1:
            return f"{name}: {_percent(v[0], 1)} (one seed, so no spread)"
        ends = f"{_percent(v.min(), 1)} to {_percent(v.max(), 1)}"
        return f"{name}: {_percent(v.mean(), 1)} on average, {ends} over {len(v)} seeds"

    best = max(values, key=lambda name: values[name].mean())
    worst = min(values, key=lambda name: values[name].mean())
    text = f"{told(best)}."
    if len(values) > 1:
        apart = values[best].min() > values[worst].max()
        text = f"Highest is {told(best)}; lowest is {told(worst)}. "
        gap = 100 * (values[best].mean() - values[worst].mean())
        text += f"The means differ by {gap:.1f} points and the ranges {'do not ' if apart else ''}overlap."
    for name, value in lines.items():
        above = sum(v.mean() > value for v in values.values())
        text += f" Above {name} ({_percent(value, 1)}): {above} of {_count(len(values), 'mean')}."
    return text


# --- heat maps -----------------------------------------------------------------------------------------


def confusion_matrix(counts: Any, title: str = "spoken and read digits") -> Picture:
    """Show how often each spoken digit was read as which, as counts and shares of the row (lecture 06).

    ``counts`` (10, 10), whole numbers from 0, spoken digits on the rows, read digits on the columns.
    Raises :class:`DataError` for another shape, negative or broken numbers, NaN, or no count at all.
    """
    table = _array(counts, "counts", 2)
    if table.shape != (10, 10) or (table < 0).any() or (table != np.rint(table)).any() or table.sum() == 0:
        text = "expected a (10, 10) table of whole numbers from 0 that are not all 0"
        raise DataError(f"{text}, got the shape {table.shape} with the sum {table.sum():g}", where="counts")
    totals = table.sum(axis=1, keepdims=True)
    shares = np.divide(table, totals, out=np.zeros_like(table), where=totals > 0)
    with _style():
        figure = _figure(6.2, 7.6)
        axes = figure.add_subplot()
        image = axes.imshow(shares, cmap="cividis", vmin=0, vmax=1)
        for (row, column), share in np.ndenumerate(shares):
            if table[row, column]:
                text = f"{table[row, column]:.0f}\n{_percent(share)}"
                color = "black" if share > 0.55 else "white"
                axes.text(column, row, text, ha="center", va="center", fontsize=8, color=color)
        axes.set_xticks(range(10), [str(digit) for digit in range(10)])
        axes.set_yticks(range(10), [f"{digit} (n = {n:.0f})" for digit, n in enumerate(totals[:, 0])])
        axes.set_xlabel("digit read from the picture")
        axes.set_ylabel("digit spoken")
        axes.set_title(_plain(title), parse_math=False)
        bar = figure.colorbar(image, ax=axes, label="share of the spoken digit (row)", shrink=0.85)
        _percent_axis(bar.ax.yaxis)
    return _picture(figure, _confusion_text(_plain(title), table, totals[:, 0], shares))


def _confusion_text(title: str, table: np.ndarray, totals: np.ndarray, shares: np.ndarray) -> str:
    right, n = np.trace(table), table.sum()
    text = f"{title}: {right:.0f} of {n:.0f} pictures ({_percent(right / n, 1)}) are read as the spoken digit"
    if right == n:
        return text + "; none is misread."
    heard = np.flatnonzero(totals)
    own = shares.diagonal()
    best, worst = (int(heard[choose(own[heard])]) for choose in (np.argmax, np.argmin))
    off = table - np.diag(table.diagonal())
    a, b = np.unravel_index(off.argmax(), off.shape)
    return text + (
        f", from {_percent(own[worst])} for {worst} to {_percent(own[best])} for {best}. "
        f"The most frequent misreading is {a} read as {b}: {off[a, b]:.0f} times, {_percent(shares[a, b])} "
        f"of the spoken {a}."
    )


def sound_steps(
    waveform: Any,
    rate: int,
    spectrogram_db: Any,
    log_mel: Any,
    mfcc: Any,
    mean_vector: Any,
    hop_length: int,
) -> Picture:
    """Show one spoken digit at each step from the waveform to the mean MFCC vector (lecture 01).

    ``waveform`` (samples,), ``rate`` in Hz; ``spectrogram_db`` (bins from 0 to rate / 2, frames) in dB;
    ``log_mel`` (bands, frames), the logarithm of an energy; ``mfcc`` (coefficients, frames); ``mean_vector``
    (coefficients,); ``hop_length`` in samples from the middle of a frame to that of the next.
    Raises :class:`DataError` for shapes that do not fit or NaN.
    """
    wave = _array(waveform, "waveform", 1)
    rate, hop = _whole(rate, "rate", 1, 10**7), _whole(hop_length, "hop_length", 1, 10**7)
    named = {"spectrogram_db": spectrogram_db, "log_mel": log_mel, "mfcc": mfcc}
    maps = {name: _array(value, name, 2) for name, value in named.items()}
    mean = _array(mean_vector, "mean_vector", 1)
    if len({array.shape[1] for array in maps.values()}) != 1:
        text = ", ".join(f"{name} {array.shape[1]}" for name, array in maps.items())
        raise DataError(f"the numbers of frames differ ({text})", where="frames")
    if len(mean) != len(maps["mfcc"]):
        raise DataError(f"{len(mean)} means for {len(maps['mfcc'])} coefficients", where="mean_vector")
    with _style():
        figure = _draw_steps(wave, rate, maps, mean, hop)
    return _picture(figure, _sound_text(wave, rate, maps, mean))


def _draw_steps(wave: np.ndarray, rate: int, maps: Mapping[str, np.ndarray], mean: np.ndarray, hop: int) -> Figure:
    figure = _figure(8.3)
    panels = figure.subplots(5, 1, height_ratios=[1, 1.25, 1.25, 1.25, 1.1])
    _draw_wave(panels[0], wave, rate)
    tops = (rate / 2, len(maps["log_mel"]) - 0.5, len(maps["mfcc"]) - 0.5)
    words = (
        ("2. spectrogram: how strong each frequency is at each time", "frequency (Hz)", "dB"),
        ("3. log-mel: the same in bands spaced as people hear pitch", "mel band", "log energy"),
        ("4. MFCC: the outline of each column in a few numbers", "coefficient", "value"),
    )
    for axes, array, top, labels in zip(panels[1:4], maps.values(), tops, words, strict=True):
        _draw_map(figure, axes, array, top, hop / rate, labels)
        axes.set_xlim(0, len(wave) / rate)
    for axes in panels[:3]:
        # The fourth panel's time axis serves all four.
        axes.tick_params(labelbottom=False)
    panels[3].set_xlabel("time (s)")
    _draw_mean(panels[4], mean)
    return figure


def _draw_wave(axes: Axes, wave: np.ndarray, rate: int) -> None:
    axes.plot(np.arange(len(wave)) / rate, wave, color=_BLUE, linewidth=0.7)
    axes.set_xlim(0, len(wave) / rate)
    axes.set_title("1. waveform: the air pressure at the microphone", loc="left")
    axes.set_ylabel("amplitude")


def _draw_map(
    figure: Figure, axes: Axes, array: np.ndarray, top: float, step: float, words: tuple[str, str, str]
) -> None:
    title, ylabel, unit = words
    bottom = 0.0 if ylabel.startswith("frequency") else -0.5
    extent = (-step / 2, (array.shape[1] - 0.5) * step, bottom, top)
    # The first MFCC, the loudness, is far larger than the others and would leave them all one colour.
    low, high = np.percentile(array[1:] if ylabel == "coefficient" and len(array) > 1 else array, [2, 98])
    limits = {"vmin": low, "vmax": high} if high > low else {}
    image = axes.imshow(array, origin="lower", aspect="auto", cmap="cividis", extent=extent, **limits)
    axes.set_title(title, loc="left")
    axes.set_ylabel(ylabel)
    figure.colorbar(image, ax=axes, label=unit, pad=0.01, extend="both", aspect=12)


def _draw_mean(axes: Axes, mean: np.ndarray) -> None:
    axes.bar(np.arange(len(mean)), mean, color=_BLUE, width=0.75)
    axes.axhline(0, color=_DARK, linewidth=0.8)
    axes.set_xlim(-0.7, len(mean) - 0.3)
    rest = np.abs(mean[1:]).max() if len(mean) > 1 else 0
    if rest > 0 and abs(mean[0]) > 2 * rest:
        low, high = min(mean[1:].min(), 0), max(mean[1:].max(), 0)
        room = 0.35 * (high - low)
        axes.set_ylim(
            low - room if mean[0] < 0 else low - 0.05 * room,
            high + room if mean[0] > 0 else high + 0.05 * room,
        )
        place = (1.0, axes.get_ylim()[0 if mean[0] < 0 else 1])
        vertical = "bottom" if mean[0] < 0 else "top"
        axes.text(*place, f"coefficient 0 goes on to {mean[0]:.0f}", va=vertical, fontsize=9)
    axes.set_title("5. mean over time: the vector that the network hears", loc="left")
    axes.set_xlabel("coefficient")
    axes.set_ylabel("mean value")


def _sound_text(wave: np.ndarray, rate: int, maps: Mapping[str, np.ndarray], mean: np.ndarray) -> str:
    spectrum, frames = maps["spectrogram_db"], maps["mfcc"].shape[1]
    strongest = spectrum.mean(axis=1).argmax() * rate / 2 / max(len(spectrum) - 1, 1)
    big = int(np.abs(mean).argmax())
    return (
        f"{len(wave) / rate:.2f} s at {rate} Hz ({len(wave)} samples) become {_count(frames, 'frame')} of "
        f"{len(maps['mfcc'])} coefficients and then one vector of {len(mean)} numbers. The sound is loudest "
        f"at {np.abs(wave).argmax() / rate:.2f} s and on average strongest at {strongest:.0f} Hz; the mean "
        f"that is largest in size is coefficient {big} with {mean[big]:.1f}."
    )


# --- the system ----------------------------------------------------------------------------------------

# name: (x, y, width, text); one unit is one inch.
_BOXES = {
    "wave": (0.1, 2.85, 1.05, "waveform\n(samples,)"),
    "mfcc": (1.5, 2.85, 1.1, "MFCC\n(40, frames)"),
    "mean": (2.95, 2.85, 1.3, "mean over time\n(40,)"),
    "encoder": (4.6, 2.85, 1.05, "encoder\n(MLP)"),
    "normal": (6.0, 2.85, 1.2, "\u03bc, \u03c3\nof q(z | x)"),
    "z": (7.58, 2.85, 1.32, "z = \u03bc + \u03c3\u03b5\n\u03b5 ~ N(0, I)"),
    "decoder": (7.58, 1.5, 1.32, "decoder\n(upsampling)"),
    "picture": (6.0, 1.5, 0.85, "picture\n28 x 28"),
    "evaluator": (4.6, 1.5, 1.05, "evaluator\n(CNN)"),
    "digit": (2.95, 1.5, 1.3, "digit read\n0 to 9"),
    "target": (2.95, 0.15, 2.7, "a random MNIST image\nof the spoken class"),
    "elbo": (6.0, 0.15, 2.9, "ELBO: reconstruction \u2212 KL\n(what training maximises)"),
}
_TALL = 0.72
_LEARNED = ("encoder", "decoder", "evaluator")
_FLOW = ("wave", "mfcc", "mean", "encoder", "normal", "z", "decoder", "picture", "evaluator", "digit")


def pipeline() -> Picture:
    """Show the whole system in one picture; what only training needs is dashed (lecture 00)."""
    with _style():
        figure = _figure(3.72, layout=None)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_xlim(0, _WIDTH)
        axes.set_ylim(0, 3.72)
        axes.set_axis_off()
        for name in _BOXES:
            _draw_box(axes, name)
        for start, end in pairwise(_FLOW):
            _draw_arrow(axes, _edge(start, end), _edge(end, start))
        # Training only: the target and the two terms of the ELBO.
        _draw_arrow(axes, _edge("target", "elbo"), _edge("elbo", "target"), training=True)
        _draw_arrow(axes, (6.35, 1.5), (6.35, 0.15 + _TALL), training=True)
        _draw_arrow(axes, (7.05, 2.85), (7.05, 0.15 + _TALL), training=True)
        axes.text(6.28, 1.22, "compared", fontsize=9, color=_RED, va="center", ha="right")
        axes.text(7.12, 1.22, "KL to N(0, I)", fontsize=9, color=_RED, va="center")
        _draw_key(axes)
    text = (
        "A waveform becomes MFCCs, their mean over time and, by the encoder, a normal distribution "
        "with \u03bc and \u03c3; a sample z of it becomes a picture by the decoder, and the evaluator "
        "reads a digit from the picture. In training only, the ELBO compares the picture with a random MNIST "
        "image of the spoken class."
    )
    return _picture(figure, text)


def _draw_box(axes: Axes, name: str) -> None:
    from matplotlib.patches import FancyBboxPatch

    x, y, width, text = _BOXES[name]
    training = name in ("target", "elbo")
    box = FancyBboxPatch(
        (x, y),
        width,
        _TALL,
        boxstyle="round,pad=0,rounding_size=0.08",
        facecolor="#DCEAF5" if name in _LEARNED else "white",
        edgecolor=_RED if training else _DARK,
        linestyle=(0, (4, 2)) if training else "-",
        linewidth=2.2 if name in _LEARNED else 1.3,
    )
    axes.add_patch(box)
    weight = "bold" if name in _LEARNED else "normal"
    axes.text(x + width / 2, y + _TALL / 2, text, ha="center", va="center", fontsize=10, fontweight=weight)


def _edge(start: str, end: str) -> tuple[float, float]:
    """Give the point on the edge of the box ``start`` that faces the box ``end``."""
    x, y, width, _ = _BOXES[start]
    other_x, other_y, _, _ = _BOXES[end]
    if y == other_y:
        return (x + width if other_x > x else x, y + _TALL / 2)
    return (x + width / 2, y + _TALL if other_y > y else y)


def _draw_key(axes: Axes) -> None:
    """Say what the lines and the filled boxes mean, in the free corner."""
    from matplotlib.patches import Rectangle

    axes.plot([0.15, 0.75], [1.05, 1.05], color=_DARK, linewidth=1.4)
    axes.text(0.9, 1.05, "used to draw", fontsize=9, va="center")
    axes.plot([0.15, 0.75], [0.75, 0.75], color=_RED, linewidth=1.4, linestyle=(0, (4, 2)))
    axes.text(0.9, 0.75, "training only", fontsize=9, va="center", color=_RED)
    axes.add_patch(Rectangle((0.15, 0.36), 0.6, 0.18, facecolor="#DCEAF5", edgecolor=_DARK, linewidth=2.2))
    axes.text(0.9, 0.45, "learned", fontsize=9, va="center", fontweight="bold")


def _draw_arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], *, training: bool = False) -> None:
    from matplotlib.patches import FancyArrowPatch

    color, line = (_RED, (0, (4, 2))) if training else (_DARK, "-")
    arrow = FancyArrowPatch(
        start,
        end,
        arrowstyle="-|>",
        mutation_scale=14,
        shrinkA=0,
        shrinkB=0,
        color=color,
        linestyle=line,
        linewidth=1.4,
    )
    axes.add_patch(arrow)
