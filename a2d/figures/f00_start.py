"""The figures of lecture 00: a recording, and the whole system in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from a2d.errors import DataError
from a2d.figures import base

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Samples in the close-up of a recording.
_CLOSE = 50


def waveform(samples: Any, rate: int) -> base.Picture:
    """Show a recording as a whole, and its samples one by one where it is loudest (lecture 00).

    ``samples`` (n,), at least 50, full scale is 1; ``rate`` in Hz. Raises :class:`DataError` for other samples.
    """
    wave = base.as_array(samples, "samples")
    if len(wave) < _CLOSE or rate < 1:
        raise DataError(f"{len(wave)} samples at {rate} Hz are too few to draw", where="samples")
    time, loudest = np.arange(len(wave)) / rate, int(np.abs(wave).argmax())
    start = int(np.clip(loudest - _CLOSE // 2, 0, len(wave) - _CLOSE))
    close = slice(start, start + _CLOSE)
    with base.drawing(2.6) as figure:
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=[1.5, 1])
        left.plot(time, wave, color=base.BLUE, linewidth=0.7)
        left.axvspan(time[start], time[close][-1], color=base.RED, alpha=0.25)
        left.set(title="all of it", xlabel="time (s)", ylabel="air pressure (at most 1)", xlim=(0, time[-1]))
        right.plot(1000 * time[close], wave[close], ".-", color=base.BLUE, linewidth=0.7, markersize=6)
        right.set(title=f"{_CLOSE} samples of it, from the strip", xlabel="time (ms)")
        for axes in (left, right):
            axes.grid(alpha=0.3)
    text = (
        f"{len(wave):,} samples in {len(wave) / rate:.2f} s; the loudest, {abs(wave[loudest]):.2f}, is at "
        f"{time[loudest]:.2f} s. The {_CLOSE} samples around it take {1000 * _CLOSE / rate:.1f} ms."
    )
    return base.finish(figure, text)


# name: (x, y, width, text, the lecture that explains it); one unit is one inch.
_BOXES = {
    "sound": (0.1, 2.8, 1.15, "sound\n(N,)", "01"),
    "mfcc": (1.55, 2.8, 1.2, "MFCCs\n(frames, 40)", "01"),
    "mean": (3.05, 2.8, 1.2, "mean over time\n(40,)", "01"),
    "encoder": (4.55, 2.8, 1.1, "encoder", "03, 05"),
    "guess": (5.95, 2.8, 1.35, "\u03bc and \u03c3: a guess,\nhow unsure it is", "03"),
    "z": (7.6, 2.8, 1.3, "latent z: 20\nnumbers near \u03bc", "03"),
    "decoder": (7.6, 1.45, 1.3, "decoder", "05"),
    "drawing": (5.95, 1.45, 1.0, "drawing\n28 x 28", "05"),
    "evaluator": (4.55, 1.45, 1.1, "evaluator", "06, 07"),
    "digit": (3.05, 1.45, 1.2, "reading\n0 to 9", "06"),
    "target": (3.05, 0.1, 2.6, "target: a random image of\nthe spoken digit, by a person", "04"),
    "loss": (5.95, 0.1, 2.95, "loss: what training makes small", "03"),
}
_TALL = 0.85
_LEARNED = ("encoder", "decoder", "evaluator")
_FLOW = ("sound", "mfcc", "mean", "encoder", "guess", "z", "decoder", "drawing", "evaluator", "digit")


def pictures_read(images: Any, names: Sequence[str], labels: Sequence[int], read: Any) -> base.Picture:
    """Show rows of pictures, those that are misread with a cross, and say how many of each row are read right.

    ``images`` (rows, n, 28, 28) in [0, 1]; ``names``: one per row; ``labels``: n digits; ``read`` (rows, n) digits.
    Raises :class:`DataError` for other shapes or values.
    """
    pixels = base.as_pictures(images, "images", 4)
    truth = base.as_digits(labels, "labels", pixels.shape[1])
    seen = base.as_array(read, "read", pixels.shape[:2])
    right, rows = seen == np.array(truth), [base.plain(name) for name in names]
    figure = base.draw_rows(pixels, rows, [str(d) for d in truth], "digit (cross and number: misread as)")
    for row, column in np.argwhere(~right):
        text = f"\N{MULTIPLICATION X}{seen[row, column]:.0f}"
        place = (column * 30 + 2, row * 30 + 2)
        figure.axes[0].text(*place, text, color="#FFB000", fontsize=8, fontweight="bold", va="top")
    told = ", ".join(f"{name}: {hits.sum()}" for name, hits in zip(rows, right, strict=True))
    return base.finish(figure, f"Of {base.count(len(truth), 'picture')} are read right: {told}.")


def pipeline() -> base.Picture:
    """Show the whole system in one picture; what only training needs is dashed (lecture 00)."""
    with base.drawing(3.75, layout=None) as figure:
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, base.WIDTH), ylim=(0, 3.75))
        axes.set_axis_off()
        for name in _BOXES:
            _draw_box(axes, name)
        for start, end in pairwise(_FLOW):
            _draw_arrow(axes, _edge(start, end), _edge(end, start))
        # Training only: the target and the two parts of the loss.
        _draw_arrow(axes, _edge("target", "loss"), _edge("loss", "target"), training=True)
        _draw_arrow(axes, (6.3, 1.45), (6.3, 0.1 + _TALL), training=True)
        _draw_arrow(axes, (7.2, 2.8), (7.2, 0.1 + _TALL), training=True)
        axes.text(6.24, 1.2, "unlike the target?", fontsize=9, color=base.RED, va="center", ha="right")
        axes.text(7.27, 1.2, "\u03bc far from 0, \u03c3 from 1?", fontsize=9, color=base.RED, va="center")
        _draw_key(axes)
    text = (
        "A sound becomes MFCCs, 40 numbers for each short frame, and then their mean over time. "
        "The encoder turns them into a guess \u03bc and how unsure it is, \u03c3; the decoder turns a latent z near "
        "\u03bc into a drawing, and the evaluator reads a digit from it. In training only, the drawing is compared "
        "with a random image of the spoken digit. Three parts are learned: encoder, decoder and evaluator."
    )
    return base.finish(figure, text)


def _line(training: bool) -> tuple[str, Any]:
    """Colour and dashes of what is used to draw, or in training only."""
    return (base.RED, (0, (4, 2))) if training else (base.DARK, "-")


def _draw_box(axes: Axes, name: str) -> None:
    from matplotlib.patches import FancyBboxPatch

    x, y, width, text, lecture = _BOXES[name]
    color, line = _line(name in ("target", "loss"))
    fill, width_of_line = ("#DCEAF5", 2.2) if name in _LEARNED else ("white", 1.3)
    look = {"facecolor": fill, "edgecolor": color, "linestyle": line, "linewidth": width_of_line}
    axes.add_patch(FancyBboxPatch((x, y), width, _TALL, boxstyle="round,pad=0,rounding_size=0.08", **look))
    weight = "bold" if name in _LEARNED else "normal"
    middle = x + width / 2
    axes.text(middle, y + 0.58 * _TALL, text, ha="center", va="center", fontsize=9.5, fontweight=weight)
    axes.text(middle, y + 0.05, f"lecture {lecture}", ha="center", fontsize=8, color=base.BLUE)


def _edge(start: str, end: str) -> tuple[float, float]:
    """Give the point on the edge of the box ``start`` that faces the box ``end``."""
    x, y, width = _BOXES[start][:3]
    other_x, other_y = _BOXES[end][:2]
    if y == other_y:
        return (x + width if other_x > x else x, y + _TALL / 2)
    return (x + width / 2, y + _TALL if other_y > y else y)


def _draw_key(axes: Axes) -> None:
    """Say what the lines and the filled boxes mean, in the free corner."""
    from matplotlib.patches import Rectangle

    for y, training, text in ((1.15, False, "used to draw"), (0.85, True, "in training only")):
        color, line = _line(training)
        axes.plot([0.15, 0.75], [y, y], color=color, linewidth=1.4, linestyle=line)
        axes.text(0.9, y, text, fontsize=9, va="center", color=color)
    axes.add_patch(Rectangle((0.15, 0.46), 0.6, 0.18, facecolor="#DCEAF5", edgecolor=base.DARK, linewidth=2.2))
    axes.text(0.9, 0.55, "a network: learned", fontsize=9, va="center", fontweight="bold")


def _draw_arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], *, training: bool = False) -> None:
    from matplotlib.patches import FancyArrowPatch

    color, line = _line(training)
    look = {"color": color, "linestyle": line, "linewidth": 1.4}
    axes.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=14, shrinkA=0, shrinkB=0, **look))
