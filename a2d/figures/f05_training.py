"""The figures of lecture 05: the generator's layers, its checkerboards, its training and its pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from a2d.errors import DataError
from a2d.figures import base

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Beside the border a pixel is reached less often, whatever the kernel: this many rows and columns are left out.
_BORDER = 4


def feature_scales(raw: Any, standardised: Any) -> base.Picture:
    """Show the standard deviation of each feature before and after standardising.

    ``raw`` and ``standardised``: the same recordings' features (n, d), in their own units and without a unit.
    Raises :class:`DataError` for shapes that differ, NaN, or a feature that does not vary.
    """
    before = base.as_array(raw, "raw", 2)
    after = base.as_array(standardised, "standardised", before.shape)
    spreads = before.std(axis=0), after.std(axis=0)
    if min(s.min() for s in spreads) <= 0:
        raise DataError("a feature does not vary, its standard deviation has no logarithm", where="raw")
    with base.one_panel(3.4) as (figure, axes):
        for spread, name, (color, marker, _) in zip(spreads, ("raw", "standardised"), base.LINES[:2], strict=True):
            axes.plot(np.arange(len(spread)), spread, marker, color=color, markersize=5, label=name)
        axes.set(yscale="log", xlabel="coefficient", ylabel="standard deviation")
        axes.grid(axis="y", alpha=0.3)
        axes.legend()
    big, small = int(spreads[0].argmax()), int(spreads[0].argmin())
    share = spreads[0][big] ** 2 / (spreads[0] ** 2).sum()
    text = (
        f"Raw, coefficient {big} varies most (standard deviation {spreads[0][big]:.1f}) and coefficient {small} least "
        f"({spreads[0][small]:.2f}): {spreads[0][big] / spreads[0][small]:.0f} times less. Coefficient {big} alone "
        f"has {base.percent(share)} of the variance. Standardised, {_range(spreads[1])}."
    )
    return base.finish(figure, text)


def _range(values: np.ndarray) -> str:
    low, high = f"{values.min():.2f}", f"{values.max():.2f}"
    return f"all are {low}" if low == high else f"they lie between {low} and {high}"


def convolution_matrices(matrix: Any) -> base.Picture:
    """Show a convolution's matrix and its transpose, with their numbers.

    ``matrix`` (outputs, inputs) of the convolution: a small one, as its numbers are shown.
    Raises :class:`DataError` for another shape or NaN.
    """
    c = base.as_array(matrix, "matrix", 2)
    titles = (f"convolution: {c.shape[1]} to {c.shape[0]}", f"transposed: {c.shape[0]} to {c.shape[1]}")
    with base.drawing(3.6) as figure:
        for axes, m, title in zip(figure.subplots(1, 2), (c, c.T), titles, strict=True):
            axes.imshow(np.where(m == 0, np.nan, m), cmap="cividis", vmin=c.min(), vmax=c.max())
            for (row, column), value in np.ndenumerate(m):
                light = value != 0 and value < (c.min() + c.max()) / 2
                color = "#999999" if value == 0 else "white" if light else "black"
                axes.text(column, row, f"{value:g}", ha="center", va="center", color=color)
            axes.set(title=title, xlabel="input", ylabel="output")
            axes.set_xticks(range(m.shape[1]))
            axes.set_yticks(range(m.shape[0]))
    rows, reached = (c != 0).sum(axis=1), (c != 0).sum(axis=0)
    text = (
        f"In the convolution each output gathers {_from_to(rows)} of {c.shape[1]} inputs. In the transpose each input "
        f"is spread over {_from_to(rows)} of {c.shape[1]} outputs, and an output gets {_from_to(reached)} of them."
    )
    return base.finish(figure, text)


def _from_to(values: np.ndarray) -> str:
    low, high = int(values.min()), int(values.max())
    return f"{low}" if low == high else f"{low} to {high}"


def checkerboards(maps: Mapping[str, Any], unit: str) -> base.Picture:
    """Show one map over the pixels for each kind of upsampling, and say whether neighbours differ.

    ``maps``: name to a map (h, w) of positive values, at least 12 x 12; ``unit``: what the values are. The text
    compares the four kinds of pixel (even or odd row, even or odd column), four pixels away from the border.
    A map of values that differ by less than a twentieth is called even.
    Raises :class:`DataError` for other shapes, values that are not positive, or NaN.
    """
    arrays = base.each(base.as_positive, maps, "maps", 2)
    if any(min(m.shape) < 12 for m in arrays.values()):
        raise DataError("expected maps of at least 12 x 12", where="maps")
    low, high = min(m.min() for m in arrays.values()), max(m.max() for m in arrays.values())
    with base.drawing({1: 4.2, 2: 3.5}.get(len(arrays), 2.7)) as figure:
        panels = figure.subplots(1, len(arrays), squeeze=False)[0]
        for axes, (name, m) in zip(panels, arrays.items(), strict=True):
            image = axes.imshow(m, cmap="cividis", vmin=low, vmax=high)
            axes.set_title(name, parse_math=False)
            axes.set_xlabel("column (pixels)")
        panels[0].set_ylabel("row (pixels)")
        figure.colorbar(image, ax=list(panels), label=unit, aspect=25)
    told = []
    for name, m in arrays.items():
        kinds = _kinds_of_pixel(m)
        ratio = kinds.max() / kinds.min()
        even = "a checkerboard" if ratio > 1.05 else "no checkerboard"
        told.append(f"{name}: {kinds.min():.3g} to {kinds.max():.3g} ({ratio:.2f} x), {even}")
    text = "Means over the four kinds of pixel (even or odd row and column), away from the border"
    return base.finish(figure, f"{text}, in {base.plain(unit)}: {'; '.join(told)}.")


def _kinds_of_pixel(m: np.ndarray) -> np.ndarray:
    """The mean of even and odd rows and columns, (4,), away from the border."""
    inner = m[_BORDER:-_BORDER, _BORDER:-_BORDER]
    return np.array([inner[a::2, b::2].mean() for a in (0, 1) for b in (0, 1)])


def schedules(rates: Any, weights: Any) -> base.Picture:
    """Show what changes with the step: the learning rate and the weight of the KL term.

    ``rates`` (steps,) per step and ``weights`` (steps,), both from step 0 on.
    Raises :class:`DataError` for other shapes or NaN.
    """
    rate = base.as_array(rates, "rates")
    weight = base.as_array(weights, "weights", rate.shape)
    series = (("learning rate", rate, base.BLUE), ("weight of the KL term", weight, base.RED))
    with base.drawing(3.0) as figure:
        for axes, (title, y, color) in zip(figure.subplots(1, 2), series, strict=True):
            axes.plot(np.arange(len(y)), y, color=color)
            axes.set(title=title, xlabel="step")
            axes.set_ylim(0, 1.08 * max(y.max(), 1e-12))
            axes.grid(alpha=0.3)
    peak, full = int(rate.argmax()), int((weight >= weight.max()).argmax())
    text = (
        f"The learning rate goes from {rate[0]:.2g} at step 0 to its highest value, {rate.max():.2g}, at step {peak}, "
        f"and ends at {rate[-1]:.2g}, step {len(rate) - 1}. The weight of the KL term goes from {weight[0]:.2g} to "
        f"{weight.max():.2g}, which it reaches at step {full}."
    )
    return base.finish(figure, text)


def loss_and_accuracy(
    reconstruction: Sequence[float], accuracy: Mapping[str, Sequence[float]], levels: Mapping[str, float]
) -> base.Picture:
    """Show the reconstruction term by epoch between its levels, and below it the accuracy.

    ``reconstruction``: one mean per epoch in nats per image; ``accuracy``: name of an evaluator to one share per epoch;
    ``levels``: name to nats per image, from the highest to the lowest, such as the best loss that ignores the sound
    and the best loss of all.
    Raises :class:`DataError` for lengths that differ, levels that do not fall, values out of range or NaN.
    """
    loss = base.as_array(reconstruction, "reconstruction")
    read = base.each(base.as_shares, accuracy, "accuracy", loss.shape)
    lines = base.each_number(base.as_array, levels, "levels")
    if len(lines) < 2 or (np.diff(list(lines.values())) >= 0).any():
        raise DataError("expected two levels or more, from the highest to the lowest", where="levels")
    with base.drawing(5.4) as figure:
        top, bottom = figure.subplots(2, 1, sharex=True)
        base.draw_curves(top, {"reconstruction term": loss})
        _draw_levels(top, loss, lines)
        base.draw_curves(bottom, read)
        bottom.axhline(0.1, color=base.DARK, linewidth=1, linestyle=base.DASHES[1])
        bottom.text(len(loss), 0.11, "guessing", fontsize=9, ha="right", va="bottom")
        bottom.set_ylim(0, 1.02)
        base.percent_axis(bottom.yaxis)
        bottom.set(ylabel="read as spoken", xlabel="epoch")
        bottom.legend()
    return base.finish(figure, _levels_text(loss, read, lines))


def _draw_levels(axes: Axes, loss: np.ndarray, lines: Mapping[str, float]) -> None:
    values = list(lines.values())
    for (name, value), dashes in zip(lines.items(), base.DASHES * len(lines), strict=False):
        axes.axhline(value, color=base.DARK, linewidth=1.3, linestyle=dashes)
        side = "top" if value == values[-1] else "bottom"  # where the curve does not run
        label, apart = f"{name}: {value:.1f}", {"top": -3, "bottom": 3}[side]
        axes.annotate(
            label,
            (len(loss), value),
            (0, apart),
            textcoords="offset points",
            fontsize=9,
            ha="right",
            va=side,
            parse_math=False,
        )
    room = values[0] - values[-1]
    # The first epochs are far above; cut them off, or the levels would be one line.
    axes.set_ylim(values[-1] - 0.25 * room, values[0] + 0.6 * room)
    if loss[0] > axes.get_ylim()[1]:
        # Right of the line, which has come down to here by the second epoch.
        at = (min(2, len(loss)), axes.get_ylim()[1])
        label = f"epoch 1: {loss[0]:.0f}"
        axes.annotate(label, at, (6, -2), textcoords="offset points", fontsize=9, va="top", ha="left")
    axes.set_ylabel("nats per image")


def _levels_text(loss: np.ndarray, read: Mapping[str, np.ndarray], lines: Mapping[str, float]) -> str:
    (first, high), (last, low) = next(iter(lines.items())), list(lines.items())[-1]
    below = np.flatnonzero(loss < high)
    text = f"{first}: {high:.1f} nats per image; {last}: {low:.1f}. "
    if not len(below):
        return text + f"The reconstruction term ends at {loss[-1]:.1f} and does not fall below the first."
    at = int(below[0])
    text += f"The reconstruction term first is below {high:.1f} in epoch {at + 1} and ends at {loss[-1]:.1f}, "
    text += f"{base.percent((high - loss[-1]) / (high - low))} of the way between the two."
    for name, values in read.items():
        text += f" {name}: {base.percent(values[at])} after that epoch, {base.percent(values[-1])} at the end."
    return text


def patients(curves: Mapping[str, tuple[Any, Any]], levels: Mapping[str, float]) -> base.Picture:
    """Show the loss of several trainings side by side, each in training and validation, between two levels.

    ``curves``: name to two series of nats per image by epoch, above 0 or NaN; ``levels``: name to nats per image.
    Raises :class:`DataError` for other shapes, or a curve without a number in its first epoch.
    """
    from matplotlib.ticker import MaxNLocator

    lines = base.each_number(base.as_positive, levels, "levels")
    pairs = {name: [np.asarray(c, dtype=float) for c in pair] for name, pair in base.as_named(curves, "curves").items()}
    if any(len(pair) != 2 or pair[0].shape != pair[1].shape or pair[0].ndim != 1 for pair in pairs.values()):
        raise DataError("expected two series of one length for each training", where="curves")
    told = []
    with base.drawing(3.2) as figure:
        panels = figure.subplots(1, len(pairs), sharey=True, squeeze=False)[0]
        for axes, (name, pair) in zip(panels, pairs.items(), strict=True):
            ends = []
            for curve, label, (color, marker, line) in zip(
                pair, ("training", "validation"), base.LINES[:2], strict=True
            ):
                there = base.as_positive(curve[np.isfinite(curve)], f"curves[{name}]")
                epochs = 1 + np.flatnonzero(np.isfinite(curve))
                axes.plot(epochs, there, line, marker=marker, markersize=3, color=color, label=label)
                stop = "" if len(there) == len(curve) else f", then no number from epoch {len(there) + 1} on"
                ends.append(f"{label} {there[0]:.0f} to {there[-1]:.0f}{stop}")
            told.append(f"{name}: {'; '.join(ends)}")
            for value, dashes in zip(lines.values(), base.DASHES, strict=False):
                axes.axhline(value, color=base.DARK, linewidth=1.2, linestyle=dashes)
            axes.set(yscale="log", xlabel="epoch", title=name, xlim=(0, len(pair[0]) + 1))
            axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        beside = panels[:2][-1]  # the first panel has the legend
        for name, value in lines.items():
            beside.text(1, value, name, transform=beside.get_yaxis_transform(), fontsize=8, ha="right", va="bottom")
        panels[0].minorticks_off()
        panels[0].set_yticks([100, 150, 200, 300, 400, 600, 800], ["100", "150", "200", "300", "400", "600", "800"])
        panels[0].set(ylabel="nats per image", ylim=(0.75 * min(lines.values()), 5 * max(lines.values())))
        panels[0].legend(fontsize=8)
    named = ", ".join(f"{name} {value:.0f}" for name, value in lines.items())
    return base.finish(figure, f"Nats per image, first to last epoch. {'. '.join(told)}. Dashed: {named}.")


def fine_pattern(images: Any) -> np.ndarray:
    """The share of pictures' power in patterns that repeat every two pixels, ``(..., 28, 28)`` to ``(...,)``.

    The power is that of the two-dimensional Fourier transform without the mean; a chessboard has all of it there.
    """
    power = np.abs(np.fft.fft2(np.asarray(images, dtype=float))) ** 2
    power[..., 0, 0] = 0
    fine = power[..., 14, :].sum(-1) + power[..., :, 14].sum(-1) - power[..., 14, 14]
    return fine / np.maximum(power.sum((-2, -1)), 1e-12)


def digit_rows(rows: Mapping[str, Any], digits: Sequence[int]) -> base.Picture:
    """Show rows of pictures of the same digits, a column per digit, with each row's greyness and fine pattern.

    ``rows``: name to pictures (n, 28, 28) in [0, 1]; ``digits``: n of them.
    Raises :class:`DataError` for other shapes, values out of range or NaN.
    """
    names = list(base.as_named(rows, "rows"))
    pixels = base.as_pictures(list(rows.values()), "rows", 4)
    said = base.as_digits(digits, "digits", pixels.shape[1])
    figure = base.draw_rows(pixels, names, [str(digit) for digit in said], "digit")
    told = [
        f"{name}: greyness {4 * np.mean(row * (1 - row)):.3f}, fine pattern {base.percent(fine_pattern(row).mean(), 2)}"
        for name, row in zip(names, pixels, strict=True)
    ]
    return base.finish(figure, f"Means of {base.count(len(said), 'picture')}. {'; '.join(told)} of the power.")


def drawings_by_epoch(images: Any, epochs: Sequence[int], spoken: Sequence[int]) -> base.Picture:
    """Show how the drawings of the same recordings change over the epochs: a row per epoch, a column per recording.

    ``images`` (epochs, n, 28, 28) in [0, 1]; ``epochs``: their numbers, rising; ``spoken``: n digits.
    Raises :class:`DataError` for other shapes, values out of range or NaN.
    """
    pixels = base.as_pictures(images, "images", 4)
    numbers = base.as_rising(epochs, "epochs")
    if len(numbers) != len(pixels):
        raise DataError(f"{len(numbers)} epochs for {len(pixels)} rows of images", where="epochs")
    said = base.as_digits(spoken, "spoken", pixels.shape[1])
    figure = base.draw_rows(pixels, [f"epoch {n:g}" for n in numbers], [f"{digit}" for digit in said], "spoken digit")
    between = pixels.std(axis=1).mean(axis=(1, 2))
    change = np.abs(np.diff(pixels, axis=0)).mean(axis=(1, 2, 3))
    steps = ", ".join(f"{value:.3f}" for value in change)
    text = (
        f"After epoch {numbers[0]:g} the drawings of {base.count(len(said), 'recording')} differ from each other by "
        f"{between[0]:.3f} per pixel (standard deviation), after epoch {numbers[-1]:g} by {between[-1]:.3f}. "
        f"From row to row a pixel changes by {steps} on average."
    )
    return base.finish(figure, text)


def samples_and_mean(mean: Any, samples: Any, spoken: Sequence[int]) -> base.Picture:
    """Show the drawing of the latent's mean (first row) above drawings of sampled latents, a column per recording.

    ``mean`` (n, 28, 28) and ``samples`` (k, n, 28, 28), all in [0, 1], k at least 2; ``spoken``: n digits.
    Raises :class:`DataError` for other shapes, values out of range or NaN.
    """
    first, rest = base.as_pictures(mean, "mean"), base.as_pictures(samples, "samples", 4)
    if rest.shape[1] != len(first) or len(rest) < 2:
        raise DataError(f"expected two samples or more of {len(first)} recordings", where="samples")
    said = base.as_digits(spoken, "spoken", len(first))
    names = ["mean"] + [f"sample {k + 1}" for k in range(len(rest))]
    figure = base.draw_rows(np.concatenate([first[None], rest]), names, [str(digit) for digit in said], "spoken digit")
    within, between = rest.std(axis=0).mean(), rest.mean(axis=0).std(axis=0).mean()
    grey = [float((4 * p * (1 - p)).mean()) for p in (first, rest)]
    text = (
        f"{base.count(len(rest), 'sample')} of the same recording differ by {within:.3f} per pixel (standard "
        f"deviation), {base.count(len(first), 'recording')} by {between:.3f}. Greyness, the mean of 4p(1 - p) over the "
        f"pixels p: {grey[0]:.3f} with the mean latent, {grey[1]:.3f} sampled."
    )
    return base.finish(figure, text)
