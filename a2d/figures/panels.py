"""The figures inside the widgets (:mod:`a2d.widgets`), which are drawn anew each time something is moved.

Their parts have fixed places, and there are few of them: finding a layout takes longer than drawing all the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from a2d.errors import DataError
from a2d.figures.base import (
    _BLUE,
    _DARK,
    _RED,
    _WIDTH,
    Picture,
    _array,
    _count,
    _figure,
    _percent,
    _picture,
    _pictures,
    _style,
    _whole,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK = 0.5


def _panel(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """An axes whose box is given in inches."""
    w, h = figure.get_size_inches()
    return figure.add_axes((left / w, bottom / h, width / w, height / h))


def _bare(axes: Axes, title: str = "") -> None:
    """A picture's axes: no ticks, no frame."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    if title:
        _title(axes, title, fontsize=10, loc="center")


def _title(axes: Axes, text: str, *, loc: str = "left", **how: Any) -> None:
    """A title at a fixed height: to find one costs as much as to draw some axes."""
    axes.set_title(text, loc=loc, y=1.0, parse_math=False, **how)


def _key(figure: Figure, image: Any, box: tuple[float, float, float, float], unit: str) -> None:
    """A scale of colours with its unit, at a place in inches."""
    bar = figure.colorbar(image, cax=_panel(figure, *box))
    bar.locator.set_params(nbins=3)
    bar.update_ticks()
    bar.set_label(unit)


# --- lecture 01 ----------------------------------------------------------------------------------------


def mfcc_panels(
    waveform: Any,
    rate: int,
    log_mel: Any,
    mfcc: Any,
    *,
    n_fft: int,
    hop_length: int,
    band_of_hz: Mapping[int, float] | None = None,
    empty_bands: int = 0,
) -> Picture:
    """Show a recording, its log-mel spectrogram, its MFCCs and their mean over time (lecture 01).

    ``waveform`` (samples,) at ``rate`` Hz; ``log_mel`` (frames, bands) in dB; ``mfcc`` (frames, coefficients);
    ``n_fft`` and ``hop_length`` in samples; ``band_of_hz``: where on the axis of the bands, which counts from 0, a
    frequency in Hz lies; ``empty_bands``: how many bands are so narrow that no frequency of the spectrum lies in them.
    Raises :class:`DataError` for shapes that do not fit or NaN.
    """
    wave, rate = _array(waveform, "waveform", 1), _whole(rate, "rate", 1, 10**7)
    hop, n_fft = _whole(hop_length, "hop_length", 1, 10**7), _whole(n_fft, "n_fft", 1, 10**7)
    bands, coefficients = _array(log_mel, "log_mel", 2), _array(mfcc, "mfcc", 2)
    if len(bands) != len(coefficients):
        raise DataError(f"the numbers of frames differ ({len(bands)} and {len(coefficients)})", where="frames")
    mean = coefficients.mean(axis=0)
    with _style():
        figure = _figure(5.9, layout=None)
        panels = [
            _panel(figure, 0.75, bottom, 5.35, height) for bottom, height in ((4.72, 0.85), (2.62, 1.6), (0.5, 1.6))
        ]
        panels[0].plot(np.arange(len(wave)) / rate, wave, color=_BLUE, linewidth=0.7)
        panels[0].set_ylabel("amplitude")
        _title(panels[0], "waveform")
        _draw_frames(figure, panels[1], bands, hop / rate, "dB", 2.62)
        _title(panels[1], f"log-mel spectrogram: {bands.shape[1]} bands")
        panels[1].set_ylabel("frequency (Hz)" if band_of_hz else "mel band")
        if band_of_hz:
            panels[1].set_yticks(list(band_of_hz.values()), [str(hz) for hz in band_of_hz])
        _draw_frames(figure, panels[2], coefficients, hop / rate, "value", 0.5, skip_first=True)
        _title(panels[2], f"MFCC: {coefficients.shape[1]} coefficients")
        panels[2].set_ylabel("coefficient")
        panels[2].set_xlabel("time (s)")
        for axes in panels:
            axes.set_xlim(0, len(wave) / rate)
        for axes in panels[:2]:
            axes.tick_params(labelbottom=False)
        _draw_mean_beside(_panel(figure, 7.15, 0.5, 1.7, 1.6), mean)
        _write_facts(figure, len(wave), rate, n_fft, hop, bands.shape, mean[0])
    return _picture(figure, _mfcc_text(len(wave), rate, n_fft, hop, bands.shape, mean, empty_bands))


def _draw_frames(
    figure: Figure, axes: Axes, array: np.ndarray, step: float, unit: str, bottom: float, *, skip_first: bool = False
) -> None:
    # The first MFCC, the loudness, is far larger than the others and would leave them all one colour.
    used = array[:, 1:] if skip_first and array.shape[1] > 1 else array
    low, high = np.percentile(used, [2, 98]) if skip_first else (used.min(), used.max())
    limits = {"vmin": low, "vmax": high} if high > low else {}
    extent = (-step / 2, (len(array) - 0.5) * step, -0.5, array.shape[1] - 0.5)
    image = axes.imshow(array.T, origin="lower", aspect="auto", cmap="cividis", extent=extent, **limits)
    _key(figure, image, (6.2, bottom, 0.13, 1.6), unit)


def _draw_mean_beside(axes: Axes, mean: np.ndarray) -> None:
    """The mean over time is the mean of each row of the picture on its left, so it is drawn along the same axis."""
    rows = np.arange(len(mean))
    axes.hlines(rows, 0, mean, color=_BLUE, linewidth=min(4.0, 80 / len(mean)))
    axes.axvline(0, color=_DARK, linewidth=0.8)
    axes.set_ylim(-0.5, len(mean) - 0.5)
    rest = np.abs(mean[1:]).max() if len(mean) > 1 else 0.0
    if 0 < 2 * rest < abs(mean[0]):
        axes.set_xlim(-1.15 * rest, 1.15 * rest)
    _title(axes, "mean over time")
    axes.set_xlabel("mean value")


def _write_facts(
    figure: Figure, n: int, rate: int, n_fft: int, hop: int, shape: tuple[int, int], loudness: float
) -> None:
    """What the settings mean in seconds and hertz, in the free corner."""
    lines = (
        f"{n} samples, {n / rate:.2f} s",
        f"a frame sees {1000 * n_fft / rate:.0f} ms",
        f"a frame every {1000 * hop / rate:.0f} ms"
        if hop >= rate / 100
        else f"a frame every {1000 * hop / rate:.1f} ms",
        f"{_count(shape[0], 'frame')}",
        f"bins {rate / n_fft:.1f} Hz apart",
        f"mean of coefficient 0: {loudness:.0f}",
    )
    width, height = figure.get_size_inches()
    figure.text(7.15 / width, 4.2 / height, "\n".join(lines), va="top", fontsize=10, linespacing=1.6)


def _mfcc_text(
    n: int, rate: int, n_fft: int, hop: int, shape: tuple[int, int], mean: np.ndarray, empty_bands: int
) -> str:
    text = (
        f"{n / rate:.2f} s at {rate} Hz become {_count(shape[0], 'frame')}, one every {1000 * hop / rate:.1f} ms; "
        f"each sees {1000 * n_fft / rate:.1f} ms in frequency bins {rate / n_fft:.1f} Hz apart. "
        f"They go through {_count(shape[1], 'mel band')} into {_count(len(mean), 'coefficient')}"
    )
    if empty_bands:
        verb = "is" if empty_bands == 1 else "are"
        text += f"; {empty_bands} of the bands {verb} narrower than the distance of two bins and hear nothing"
    if len(mean) == 1:
        return text + f". Its mean is {mean[0]:.1f}."
    big = 1 + int(np.abs(mean[1:]).argmax())
    return (
        text + f". The mean of coefficient 0 is {mean[0]:.1f}; the largest other is number {big} with {mean[big]:.1f}."
    )


# --- lecture 03: a latent space ------------------------------------------------------------------------


def latent_plane(
    image: Any,
    tiles: Any,
    position: Sequence[float],
    *,
    axes: tuple[int, int],
    span: float,
    distance: float,
    dims: int,
    told: str = "",
) -> Picture:
    """Show what a decoder draws at one place, and where in a plane of the latent space that is (lecture 03).

    ``image`` (28, 28) in [0, 1]; ``tiles`` (s, s, 28, 28), drawn at evenly spaced places from -span to span, the first
    axis along latent ``axes[1]``, the second along ``axes[0]``; ``position`` where we stand along both; ``distance``
    the root mean square difference per pixel from the picture at the middle; ``dims`` the number of latents; ``told``
    a further sentence. Raises :class:`DataError` for other shapes, values out of range or NaN.
    """
    picture, sheet = _pictures(image, "image", 2), _sheet(_pictures(tiles, "tiles", 4))
    x, y = _array(position, "position", 1)
    with _style():
        figure = _figure(4.3, layout=None)
        left = _panel(figure, 0.1, 0.5, 3.4, 3.4)
        left.imshow(picture, cmap="gray", vmin=0, vmax=1)
        _bare(left, "what the decoder draws here")
        plane = _panel(figure, 4.6, 0.5, 3.4, 3.4)
        _draw_plane(plane, sheet, len(tiles), axes, span)
        _title(plane, "where we are, and what is drawn elsewhere", fontsize=10, loc="center")
        for line in (plane.axvline, plane.axhline):
            line(x if line == plane.axvline else y, color=_RED, linewidth=0.9, linestyle=(0, (4, 2)))
        plane.plot([x], [y], "o", markersize=13, markerfacecolor="none", markeredgecolor="white", markeredgewidth=4)
        plane.plot([x], [y], "o", markersize=13, markerfacecolor="none", markeredgecolor=_RED, markeredgewidth=2)
    rest = "the other latent of 3 stays where it is" if dims == 3 else f"the other {dims - 2} of {dims} latents stay"
    others = "" if dims == 2 else f" ({rest})"
    text = (
        f"At z[{axes[0]}] = {x:.1f} and z[{axes[1]}] = {y:.1f}{others} the decoder draws a picture with "
        f"{_percent((picture > _INK).mean())} of its pixels inked; it differs from the picture at the middle of the "
        f"plane by {distance:.2f} per pixel (root mean square, ink is 1).{' ' + told if told else ''}"
    )
    return _picture(figure, text)


def manifold(tiles: Any, *, axes: tuple[int, int], span: float, dims: int) -> Picture:
    """Show what a decoder draws all over a plane of its latent space (lecture 03); see :func:`latent_plane`."""
    images = _pictures(tiles, "tiles", 4)
    sheet = _sheet(images)
    with _style():
        figure = _figure(6.6, 6.9, layout=None)
        plane = _panel(figure, 0.65, 0.5, 6.0, 6.0)
        _draw_plane(plane, sheet, len(images), axes, span)
    right, up = (np.sqrt(np.square(np.diff(images, axis=a)).mean()) for a in (1, 0))
    s = len(images)
    text = (
        f"{s} x {s} pictures, drawn from z[{axes[0]}] and z[{axes[1]}] between {-span:g} and {span:g}"
        f"{'' if dims == 2 else f', the other {dims - 2} latents fixed'}. Neighbours differ by {right:.2f} per pixel "
        f"along z[{axes[0]}] and by {up:.2f} along z[{axes[1]}], opposite corners by "
        f"{np.sqrt(np.square(images[0, 0] - images[-1, -1]).mean()):.2f} (root mean square, ink is 1)."
    )
    return _picture(figure, text)


def _sheet(tiles: np.ndarray) -> np.ndarray:
    """(s, s, 28, 28), first axis upwards, as one picture (28 s, 28 s) whose first row is the upper one."""
    if tiles.shape[0] != tiles.shape[1] or len(tiles) < 2:
        raise DataError(f"expected as many rows as columns, at least 2, got {tiles.shape[:2]}", where="tiles")
    s = len(tiles)
    return tiles[::-1].transpose(0, 2, 1, 3).reshape(28 * s, 28 * s)


def _draw_plane(plane: Axes, sheet: np.ndarray, steps: int, axes: tuple[int, int], span: float) -> None:
    # A tile is centred on the place that it was drawn from, so the sheet reaches half a tile further.
    edge = span * steps / (steps - 1)
    plane.imshow(sheet, cmap="gray", vmin=0, vmax=1, extent=(-edge, edge, -edge, edge))
    plane.set_xlabel(f"z[{axes[0]}]")
    plane.set_ylabel(f"z[{axes[1]}]")


# --- lecture 03: beta ----------------------------------------------------------------------------------


def beta_panels(
    images: Any,
    reconstructions: Any,
    samples: Any,
    *,
    betas: Sequence[float],
    reconstruction: Sequence[float],
    kl: Sequence[float],
    active: Sequence[int],
    latent: int,
    chosen: int,
) -> Picture:
    """Show what one of several VAEs that differ by beta makes of test images, and the price of each (lecture 03).

    ``images``, ``reconstructions``, ``samples`` (n, 28, 28) in [0, 1]; ``reconstruction`` and ``kl`` in nats per image
    (summed over pixels and latents), ``active`` latents of ``latent``, each for all ``betas``; ``chosen`` is the
    place of the model that is shown. Raises :class:`DataError` for other shapes, values out of range or NaN.
    """
    rows = [_pictures(a, name) for a, name in ((images, "images"), (reconstructions, "reconstructions"))]
    rows.append(_pictures(samples, "samples"))
    if len({len(row) for row in rows}) != 1:
        raise DataError(f"the numbers of images differ ({', '.join(str(len(r)) for r in rows)})", where="images")
    cost, rate = _array(reconstruction, "reconstruction", 1), _array(kl, "kl", 1)
    if not len(cost) == len(rate) == len(betas) == len(active):
        raise DataError("expected one number of each kind for each beta", where="betas")
    n = len(rows[0])
    side = 5.5 / max(n, 6)
    names = ("test images", "reconstructed from \u03bc", "drawn from the prior")
    with _style():
        figure = _figure(3.75, layout=None)
        for index, (row, name) in enumerate(zip(rows, names, strict=True)):
            strip = np.ones((28, n, 30))
            strip[:, :, 1:29] = row.transpose(1, 0, 2)
            axes = _panel(figure, 0.1, 2.55 - 1.22 * index, side * n, side * 28 / 30)
            axes.imshow(strip.reshape(28, -1), cmap="gray", vmin=0, vmax=1, aspect="auto")
            _bare(axes)
            _title(axes, name, fontsize=10)
        _draw_prices(_panel(figure, 6.5, 0.6, 2.3, 2.55), betas, cost, rate, chosen)
    text = (
        f"With beta = {betas[chosen]:g} the reconstruction costs {cost[chosen]:.1f} and the latent {rate[chosen]:.1f} "
        f"nats per image, and {active[chosen]} of {_count(latent, 'latent')} {'is' if active[chosen] == 1 else 'are'} "
        f"active. From beta = {betas[0]:g} to {betas[-1]:g} the reconstruction goes from {cost[0]:.1f} to "
        f"{cost[-1]:.1f}, the KL from {rate[0]:.1f} to {rate[-1]:.1f} nats."
    )
    return _picture(figure, text)


def _draw_prices(axes: Axes, betas: Sequence[float], cost: np.ndarray, rate: np.ndarray, chosen: int) -> None:
    axes.plot(rate, cost, "o-", color=_BLUE, linewidth=1.2, markersize=5, markerfacecolor="white")
    axes.plot(rate[chosen], cost[chosen], "s", color=_RED, markersize=10)
    for place in sorted({0, len(betas) - 1, chosen}):
        bold = {"fontweight": "bold", "color": _RED} if place == chosen else {}
        axes.annotate(
            f"\u03b2 = {betas[place]:g}", (rate[place], cost[place]), (6, 6), textcoords="offset points", **bold
        )
    axes.margins(x=0.38, y=0.2)  # the labels stand to the right of their points
    axes.set_xlabel("KL (nats per image)")
    axes.set_ylabel("reconstruction (nats per image)")
    _title(axes, "what each model pays", fontsize=10)


# --- lecture 04 ----------------------------------------------------------------------------------------


def target_panels(
    target: Any, running: Any, mean: Any, distances: Any, *, digit: int, spread: float, many: int
) -> Picture:
    """Show the random target drawn last, the mean of all so far, and the class mean (lecture 04).

    ``target``, ``running``, ``mean`` (28, 28) in [0, 1]; ``distances`` (n,), the root mean square difference per pixel
    between the mean of the first k targets and the class mean, for k = 1 to n; ``spread`` the standard deviation of
    one target per pixel (root of the variance's mean over pixels); ``many`` images of the class of ``digit`` there
    are. Raises :class:`DataError` for other shapes, values out of range or NaN.
    """
    pictures = [_pictures(a, name, 2) for a, name in ((target, "target"), (running, "running"), (mean, "mean"))]
    away, digit = _array(distances, "distances", 1), _whole(digit, "digit", 0, 9)
    n = len(away)
    names = (f"target {n}, one of {many}", f"mean of {_count(n, 'target')}", "class mean")
    with _style():
        figure = _figure(2.75, layout=None)
        for index, (picture, name) in enumerate(zip(pictures, names, strict=True)):
            axes = _panel(figure, 0.1 + 1.88 * index, 0.3, 1.75, 1.75)
            axes.imshow(picture, cmap="gray", vmin=0, vmax=1)
            _bare(axes, name)
        axes = _panel(figure, 6.55, 0.55, 2.3, 1.5)
        _draw_distances(axes, away, spread)
        figure.text(0.1 / _WIDTH, 2.5 / 2.75, f"spoken: {digit}", fontsize=12, fontweight="bold", va="center")
    text = (
        f"Spoken is {digit}. After {_count(n, 'random target')} of that class their mean is {away[-1]:.3f} per pixel "
        f"away from the class mean (root mean square, ink is 1). A single target is {spread:.3f} away, so "
        f"{spread:.3f} / \u221a{n} = {spread / np.sqrt(n):.3f} is to be expected."
    )
    return _picture(figure, text)


def _draw_distances(axes: Axes, away: np.ndarray, spread: float) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    counts = np.arange(1, len(away) + 1)
    ends = np.array([1, max(len(away), 10)])
    axes.plot(ends, spread / np.sqrt(ends), color=_DARK, linewidth=1.2, linestyle=(0, (4, 2)))
    axes.plot(counts, away, color=_BLUE, linewidth=1.4)
    axes.plot(counts[-1], away[-1], "o", color=_RED, markersize=7)
    axes.set_xscale("log")
    axes.set_yscale("log")
    low, high = min(away[away > 0].min(initial=spread), spread / np.sqrt(ends[1])), max(away.max(), spread)
    axes.set_ylim(0.7 * low, 1.5 * high)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.set_xlabel("targets drawn")
    _title(axes, "distance to the class mean\n(dashed: one target's / \u221an)", fontsize=10)


# --- lecture 07 ----------------------------------------------------------------------------------------


def annotation_panels(image: Any, *, place: int, labelled: int, n: int, label: object = None) -> Picture:
    """Show where somebody who labels images stands (lecture 07).

    ``image`` (28, 28) in [0, 1], or None where there is nothing left to label; ``place`` in the order of showing, from
    0; ``labelled`` of ``n`` images; ``label`` of this image so far. Raises :class:`DataError` for another shape.
    """
    picture = None if image is None else _pictures(image, "image", 2)
    n, labelled = _whole(n, "n", 1, 10**9), _whole(labelled, "labelled", 0, n)
    with _style():
        figure = _figure(3.1, 4.2, layout=None)
        axes = _panel(figure, 0.85, 0.55, 2.5, 2.2)
        if picture is None:
            axes.text(0.5, 0.5, "nothing left to label", ha="center", va="center", transform=axes.transAxes)
            _bare(axes)
        else:
            axes.imshow(picture, cmap="gray", vmin=0, vmax=1)
            _bare(axes, f"image {place + 1} of {n}")
        bar = _panel(figure, 0.2, 0.3, 3.8, 0.13)
        bar.barh([0], [n], color="white", edgecolor=_DARK, height=1)
        bar.barh([0], [labelled], color=_BLUE, edgecolor=_DARK, height=1)
        bar.set_xlim(0, n)
        _bare(bar)
        figure.text(0.2 / 4.2, 0.13 / 3.1, f"{labelled} of {n} labelled", fontsize=9, va="center")
    here = "Every image has its label." if picture is None else f"Image {place + 1} of {n} waits for its label."
    if picture is not None and label is not None:
        here = f"Image {place + 1} of {n} is labelled {label}."
    return _picture(figure, f"{labelled} of {_count(n, 'image')} {'is' if labelled == 1 else 'are'} labelled. {here}")
