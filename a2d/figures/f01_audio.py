"""The figures of lecture 01: sampling, windows, mel filters, the cosine transform, and the mean over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from a2d.errors import DataError
from a2d.figures import base, inches

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

    from a2d.features import MfccConfig


def aliasing(frequency: float, rate: int) -> base.Picture:
    """Show a tone, nine samples taken of it, and the lower tone that gives the same samples (lecture 01).

    ``frequency`` of the tone in Hz; ``rate`` in samples per second. Raises :class:`DataError` for a tone that lies
    below half the rate, because such a tone has no lower twin.
    """
    tone = float(base.as_array([frequency], "frequency")[0])
    twin = abs(tone - rate * round(tone / rate))
    if not rate / 2 < tone:
        raise DataError(f"{tone:g} Hz is not above half of {rate} Hz", where="frequency", hint="Take a higher tone")
    samples = np.arange(9) / rate
    fine = np.linspace(0, samples[-1], max(2000, int(40 * tone * samples[-1])))
    gap = np.abs(np.cos(2 * np.pi * tone * samples) - np.cos(2 * np.pi * twin * samples)).max()
    with base.one_panel(2.3) as (figure, axes):
        axes.plot(1000 * fine, np.cos(2 * np.pi * tone * fine), color=base.BLUE, linewidth=0.9, label=f"{tone:g} Hz")
        style: dict[str, Any] = {"color": base.RED, "linewidth": 1.4, "linestyle": (0, (5, 2))}
        axes.plot(1000 * fine, np.cos(2 * np.pi * twin * fine), label=f"{twin:g} Hz", **style)
        axes.plot(1000 * samples, np.cos(2 * np.pi * tone * samples), "o", color=base.DARK, label="samples")
        axes.set(xlabel="time (ms)", ylabel="amplitude")
        base.legend_below(figure, axes)
    # Smaller differences than this are the rounding of the computer's arithmetic.
    same = "the same" if gap < 1e-9 else f"no more than {gap:.2g} different"
    text = (
        f"A tone of {tone:g} Hz and one of {twin:g} Hz, sampled {rate} times per second: between the samples they "
        f"differ, at the {len(samples)} samples they are {same}."
    )
    return base.finish(figure, text)


def leakage(hz: Any, spectra: Mapping[str, Any], tone: float, far: float) -> base.Picture:
    """Show the spectrum of one tone through several windows (lecture 01).

    ``hz`` (bins,) rising frequencies; ``spectra``: the window's name to the level (bins,) in dB below its maximum;
    ``tone`` the tone's frequency in Hz; ``far``: from how many Hz away the levels are told.
    Raises :class:`DataError` for shapes that do not fit or no bins so far away.
    """
    bins = base.as_array(hz, "hz")
    levels = base.each(base.as_array, spectra, "spectra", bins.shape)
    away = np.abs(bins - tone) >= far
    if not away.any():
        raise DataError(f"no frequency is {far:g} Hz away from the tone", where="far")
    with base.one_panel(3.0) as (figure, axes):
        every = max(1, len(bins) // 40)
        for name, level, color, marker, line in base.looks(levels):
            how: dict[str, Any] = {"color": color, "linestyle": line, "marker": marker, "markersize": 3}
            axes.plot(bins, level, linewidth=1.2, markevery=every, label=name, **how)
        axes.set_ylim(max(-200.0, min(level.min() for level in levels.values()) - 5), 5)
        axes.set(xlim=(bins[0], bins[-1]), xlabel="frequency (Hz)", ylabel="level (dB, maximum is 0)")
        axes.grid(alpha=0.3)
        base.legend_below(figure, axes)
    parts = [f"{level[away].max():.0f} dB ({name})" for name, level in levels.items()]
    text = (
        f"One tone of {tone:g} Hz fills all other bins as well. The highest level at least {far:g} Hz away from it is "
        f"{', '.join(parts)}."
    )
    return base.finish(figure, text)


def mel_filters(hz: Any, bank: Any, edges: Any, edge_mels: Any) -> base.Picture:
    """Show the mel scale, and the filters that it spaces (lecture 01).

    ``hz`` (bins,): the spectrum's frequencies; ``bank`` (filters, bins); ``edges`` (filters + 2,): where filter ``j``
    begins, has its top and ends (items ``j``, ``j + 1``, ``j + 2``), in Hz; ``edge_mels`` the same in mel.
    Raises :class:`DataError` for shapes that do not fit.
    """
    bins, places = base.as_array(hz, "hz"), base.as_array(edges, "edges")
    mels = base.as_array(edge_mels, "edge_mels", places.shape)
    filters = base.as_array(bank, "bank", (len(places) - 2, len(bins)))
    widths, tops = places[2:] - places[:-2], filters.max(axis=1)
    with base.drawing(3.4) as figure:
        left, right = figure.subplots(1, 2, width_ratios=[1, 1.7])
        left.plot(places, mels, color=base.BLUE, linewidth=1.6)
        for place, mel in list(zip(places, mels, strict=True))[:: max(1, len(places) // 8)]:
            left.plot([place, place, 0], [mels[0], mel, mel], color=base.DARK, linewidth=0.6, linestyle=(0, (4, 2)))
        left.set(xlim=(0, places[-1]), ylim=(mels[0], mels[-1] * 1.03))
        left.set_title("mel scale", loc="left")
        left.set_ylabel("mel")
        # All of them would be a hedge; neighbours show best where they stand alone.
        shown = [n for n in range(len(filters)) if n < 10 or n >= len(filters) - 6]
        for index in shown:
            right.plot(bins, filters[index], color=(base.BLUE, base.RED, base.DARK)[index % 3], linewidth=1.2)
        right.set(xlim=(bins[0], bins[-1]), ylim=(0, None))
        told = "all" if len(shown) == len(filters) else "the first 10 and the last 6"
        right.set_title(f"{len(filters)} filters ({told})", loc="left")
        right.set_ylabel("weight (1 / Hz)")
        for axes in (left, right):
            axes.set_xlabel("frequency (Hz)")
    below = int((places[1:-1] < bins[-1] / 4).sum())
    text = (
        f"Even steps in mel are growing steps in Hz: the lowest of {len(filters)} filters is {widths[0]:.0f} Hz wide, "
        f"the highest {widths[-1]:.0f} Hz, and {below} of them have their top in the lowest quarter of the "
        f"frequencies. The wider a filter, the lower: from {tops.max():.3f} down to {tops.min():.3f} per Hz."
    )
    return base.finish(figure, text)


def curves(
    values: Mapping[str, Any], text: str, *, xlabel: str, ylabel: str, first: int = 0, shares: bool = False
) -> base.Picture:
    """Show numbers that belong to number ``first``, ``first + 1``, ... of something (lecture 01).

    ``values``: a name to (n,), shares in [0, 1] if ``shares``; ``text``: the finding, which only the lecture knows.
    Raises :class:`DataError` for other numbers.
    """
    rows = base.each(base.as_shares if shares else base.as_array, values, "values")
    with base.one_panel(2.8) as (figure, axes):
        for name, row, color, marker, line in base.looks(rows):
            how: dict[str, Any] = {"color": color, "marker": marker, "linestyle": line, "markersize": 4}
            every = max(1, len(row) // 12)
            axes.plot(np.arange(len(row)) + first, row, linewidth=1.4, markevery=every, label=name, **how)
        axes.set(xlabel=xlabel, ylabel=ylabel)
        base.whole_ticks(axes.xaxis)
        if shares:
            axes.set_ylim(0, None)
            base.percent_axis(axes.yaxis)
        axes.grid(alpha=0.3)
        base.legend_below(figure, axes)
    return base.finish(figure, text)


def _draw_frames(
    axes: Axes, rows: np.ndarray, step: float, used: np.ndarray, middle: float = 96, top: float | None = None
) -> AxesImage:
    """Draw ``rows`` (k, frames), a frame every ``step`` seconds, up to ``top`` or with row j at j.

    The colours span the ``middle`` per cent of ``used``, which leaves the first MFCC out: it is so large that all
    others would have one colour.
    """
    low, high = np.percentile(used, [50 - middle / 2, 50 + middle / 2])
    limits = {"vmin": low, "vmax": high} if high > low else {}
    ends = (-0.5, len(rows) - 0.5) if top is None else (0.0, top)
    extent = (-step / 2, (rows.shape[1] - 0.5) * step, *ends)
    return axes.imshow(rows, origin="lower", aspect="auto", cmap="cividis", extent=extent, **limits)


def distances(groups: Mapping[str, Any], unit: str = "distance") -> base.Picture:
    """Show how far apart vectors are, group by group: the median, and the middle 90 % (lecture 01).

    ``groups``: a name to distances (n,), 0 or more, with a median above 0; the others are compared with the first.
    Raises :class:`DataError` for no groups or other distances.
    """
    values = base.each(base.as_array, groups, "groups")
    medians = {name: float(np.median(value)) for name, value in values.items()}
    if any(value.min() < 0 or medians[name] <= 0 for name, value in values.items()):
        raise DataError("distances are 0 or more, and their median above 0", where="groups")
    with base.one_panel(1.0 + 0.45 * len(values)) as (figure, axes):
        for place, (name, value) in enumerate(values.items()):
            low, high = np.quantile(value, [0.05, 0.95])
            low = max(low, medians[name] / 1000)  # a logarithmic axis has no 0
            axes.plot([low, high], [place, place], color=base.BLUE, linewidth=5, alpha=0.35, solid_capstyle="butt")
            axes.plot(medians[name], place, "o", color=base.DARK, markersize=7)
            said = f"{medians[name]:.3g}  (n = {len(value):,})"
            axes.text(1.02, place, said, va="center", ha="left", transform=axes.get_yaxis_transform())
        axes.set_xscale("log")
        axes.set_yticks(range(len(values)), [base.shortened(name, 40) for name in values], parse_math=False)
        axes.set_ylim(len(values) - 0.5, -0.5)
        axes.set_xlabel(f"{base.plain(unit)} (dot: median, bar: the middle 90 %; logarithmic)", parse_math=False)
        axes.grid(axis="x", alpha=0.3)
    first, *others = medians
    text = f"Median of the {unit}, {first}: {medians[first]:.3g}."
    if others:
        parts = [f"{name} {medians[name]:.3g} ({medians[name] / medians[first]:.0f} times as much)" for name in others]
        text += f" The others: {', '.join(parts)}."
    return base.finish(figure, text)


def shares_right(rows: Mapping[str, Sequence[float]], references: Mapping[str, float] | None = None) -> base.Picture:
    """Show how much is named right with each kind of features, with an interval (lecture 01).

    ``rows``: a name to (share, low end, high end) of an interval of 95 %, all in [0, 1]; ``references``: a name to a
    share, drawn as a line. Raises :class:`DataError` for other numbers.
    """
    values = base.each(base.as_interval, rows, "rows")
    lines = base.each_number(base.as_shares, references, "references")
    with base.one_panel(1.1 + 0.45 * len(values) + (0.25 if lines else 0)) as (figure, axes):
        for place, (share, low, high) in enumerate(values.values()):
            axes.barh(place, share, height=0.6, color=base.BLUE, alpha=0.3, edgecolor=base.BLUE)
            axes.plot([low, high], [place, place], color=base.DARK, linewidth=1.6, marker="|", markersize=9)
            axes.text(1.02, place, base.percent(share, 1), va="center", transform=axes.get_yaxis_transform())
        for name, value in lines.items():
            label = f"{name}: {base.percent(value)}"
            axes.axvline(value, color=base.RED, linewidth=1.3, linestyle=(0, (6, 3)), label=label)
        axes.set_yticks(range(len(values)), [base.shortened(name, 40) for name in values], parse_math=False)
        axes.invert_yaxis()
        axes.set(xlim=(0, 1.01), xlabel="right (line: 95 % interval)")
        base.percent_axis(axes.xaxis)
        base.legend_below(figure, axes)
    parts = []
    for name, row in values.items():
        told = [base.percent(value, 1) for value in row]
        parts.append(f"{name}: {told[0]} ({told[1]} to {told[2]})")
    text = f"Right, with the 95 % interval: {'; '.join(parts)}."
    text += "".join(f" {name.capitalize()} would give {base.percent(value)}." for name, value in lines.items())
    return base.finish(figure, text)


# --- inside the widget -------------------------------------------------------------------------------


def mfcc_panels(
    waveform: Any, log_mel: Any, mfcc: Any, config: MfccConfig, *, band_of_hz: Mapping[int, float], empty_bands: int
) -> base.Picture:
    """Show a recording, its log-mel spectrogram, its MFCCs and their mean over time (lecture 01).

    ``waveform`` (samples,); ``log_mel`` (frames, bands) in dB; ``mfcc`` (frames, coefficients); ``config``: how they
    were computed; ``band_of_hz``: where on the axis of the bands, which counts from 0, a frequency in Hz lies;
    ``empty_bands``: how many bands are so narrow that no frequency of the spectrum lies in them.
    Raises :class:`DataError` for shapes that do not fit or NaN.
    """
    wave, rate, step = base.as_array(waveform, "waveform"), config.sample_rate, config.hop_length / config.sample_rate
    bands, coefficients = base.as_array(log_mel, "log_mel", 2), base.as_array(mfcc, "mfcc", 2)
    if len(bands) != len(coefficients):
        raise DataError(f"the numbers of frames differ ({len(bands)} and {len(coefficients)})", where="frames")
    mean = coefficients.mean(axis=0)
    with base.drawing(5.9, layout=None) as figure:
        heights = ((4.72, 0.85), (2.62, 1.6), (0.5, 1.6))
        panels = [inches.add_panel(figure, 0.75, bottom, 5.35, height) for bottom, height in heights]
        panels[0].plot(np.arange(len(wave)) / rate, wave, color=base.BLUE, linewidth=0.7)
        panels[0].set_ylabel("amplitude")
        inches.set_title(panels[0], "waveform")
        image = _draw_frames(panels[1], bands.T, step, bands, 100)
        inches.add_scale(figure, image, (6.2, 2.62, 0.13, 1.6), "dB")
        inches.set_title(panels[1], f"log-mel spectrogram: {bands.shape[1]} bands")
        panels[1].set_ylabel("frequency (Hz)" if band_of_hz else "mel band")
        if band_of_hz:
            panels[1].set_yticks(list(band_of_hz.values()), [str(hz) for hz in band_of_hz])
        image = _draw_frames(panels[2], coefficients.T, step, coefficients[:, 1:] if len(mean) > 1 else coefficients)
        inches.add_scale(figure, image, (6.2, 0.5, 0.13, 1.6), "dB")
        inches.set_title(panels[2], f"MFCC: {coefficients.shape[1]} coefficients")
        panels[2].set(ylabel="coefficient", xlabel="time (s)")
        for axes in panels:
            axes.set_xlim(0, len(wave) / rate)
        for axes in panels[:2]:
            axes.tick_params(labelbottom=False)
        _draw_mean_beside(inches.add_panel(figure, 7.45, 0.5, 1.45, 1.6), mean)
        _write_facts(figure, len(wave), config, len(bands), mean[0])
    return base.finish(figure, _mfcc_text(len(wave), config, bands.shape, mean, empty_bands))


def _draw_mean_beside(axes: Axes, mean: np.ndarray) -> None:
    """The mean over time is the mean of each row of the picture on its left, so it is drawn along the same axis."""
    rows = np.arange(len(mean))
    axes.hlines(rows, 0, mean, color=base.BLUE, linewidth=min(4.0, 80 / len(mean)))
    axes.axvline(0, color=base.DARK, linewidth=0.8)
    axes.set_ylim(-0.5, len(mean) - 0.5)
    rest = np.abs(mean[1:]).max() if len(mean) > 1 else 0.0
    if 0 < 2 * rest < abs(mean[0]):
        axes.set_xlim(-1.15 * rest, 1.15 * rest)
    inches.set_title(axes, "mean over time")
    axes.set(xlabel="mean (dB)", ylabel="coefficient")


def _write_facts(figure: Figure, n: int, config: MfccConfig, frames: int, loudness: float) -> None:
    """What the settings mean in seconds and hertz, in the free corner."""
    rate, every = config.sample_rate, 1000 * config.hop_length / config.sample_rate
    lines = (
        f"{n} samples, {n / rate:.2f} s",
        f"a frame sees {1000 * config.n_fft / rate:.0f} ms",
        f"a frame every {every:.{0 if every >= 10 else 1}f} ms",
        base.count(frames, "frame"),
        f"bins {rate / config.n_fft:.1f} Hz apart",
        f"mean of coefficient 0: {loudness:.0f}",
    )
    width, height = figure.get_size_inches()
    figure.text(7.0 / width, 4.2 / height, "\n".join(lines), va="top", fontsize=10, linespacing=1.6)


def _mfcc_text(n: int, config: MfccConfig, shape: tuple[int, int], mean: np.ndarray, empty_bands: int) -> str:
    rate, hop, n_fft = config.sample_rate, config.hop_length, config.n_fft
    text = (
        f"{n / rate:.2f} s at {rate} Hz become {base.count(shape[0], 'frame')}, one every {1000 * hop / rate:.1f} ms; "
        f"each sees {1000 * n_fft / rate:.1f} ms in frequency bins {rate / n_fft:.1f} Hz apart. "
        f"They go through {base.count(shape[1], 'mel band')} into {base.count(len(mean), 'coefficient')}"
    )
    if empty_bands:
        verb = "is" if empty_bands == 1 else "are"
        text += f"; {empty_bands} of the bands {verb} narrower than the distance of two bins and hear nothing"
    if len(mean) == 1:
        return text + f". Its mean is {mean[0]:.1f}."
    big = 1 + int(np.abs(mean[1:]).argmax())
    text += f". The mean of coefficient 0 is {mean[0]:.1f}"
    return f"{text}; the largest other is number {big} with {mean[big]:.1f}."
