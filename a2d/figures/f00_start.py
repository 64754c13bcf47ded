"""The figure of lecture 00: the whole system in one picture."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from a2d.figures import base

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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


def pipeline() -> base.Picture:
    """Show the whole system in one picture; what only training needs is dashed (lecture 00)."""
    with base.drawing(3.72, layout=None) as figure:
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, base.WIDTH), ylim=(0, 3.72))
        axes.set_axis_off()
        for name in _BOXES:
            _draw_box(axes, name)
        for start, end in pairwise(_FLOW):
            _draw_arrow(axes, _edge(start, end), _edge(end, start))
        # Training only: the target and the two terms of the ELBO.
        _draw_arrow(axes, _edge("target", "elbo"), _edge("elbo", "target"), training=True)
        _draw_arrow(axes, (6.35, 1.5), (6.35, 0.15 + _TALL), training=True)
        _draw_arrow(axes, (7.05, 2.85), (7.05, 0.15 + _TALL), training=True)
        axes.text(6.28, 1.22, "compared", fontsize=9, color=base.RED, va="center", ha="right")
        axes.text(7.12, 1.22, "KL to N(0, I)", fontsize=9, color=base.RED, va="center")
        _draw_key(axes)
    text = (
        "A waveform becomes MFCCs, their mean over time and, by the encoder, a normal distribution "
        "with \u03bc and \u03c3; a sample z of it becomes a picture by the decoder, and the evaluator "
        "reads a digit from the picture. In training only, the ELBO compares the picture with a random MNIST "
        "image of the spoken class."
    )
    return base.finish(figure, text)


def _line(training: bool) -> tuple[str, Any]:
    """Colour and dashes of what is used to draw, or in training only."""
    return (base.RED, (0, (4, 2))) if training else (base.DARK, "-")


def _draw_box(axes: Axes, name: str) -> None:
    from matplotlib.patches import FancyBboxPatch

    x, y, width, text = _BOXES[name]
    training = name in ("target", "elbo")
    color, line = _line(training)
    fill, width_of_line = ("#DCEAF5", 2.2) if name in _LEARNED else ("white", 1.3)
    look = {"facecolor": fill, "edgecolor": color, "linestyle": line, "linewidth": width_of_line}
    axes.add_patch(FancyBboxPatch((x, y), width, _TALL, boxstyle="round,pad=0,rounding_size=0.08", **look))
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

    axes.plot([0.15, 0.75], [1.05, 1.05], color=base.DARK, linewidth=1.4)
    axes.text(0.9, 1.05, "used to draw", fontsize=9, va="center")
    axes.plot([0.15, 0.75], [0.75, 0.75], color=base.RED, linewidth=1.4, linestyle=(0, (4, 2)))
    axes.text(0.9, 0.75, "training only", fontsize=9, va="center", color=base.RED)
    axes.add_patch(Rectangle((0.15, 0.36), 0.6, 0.18, facecolor="#DCEAF5", edgecolor=base.DARK, linewidth=2.2))
    axes.text(0.9, 0.45, "learned", fontsize=9, va="center", fontweight="bold")


def _draw_arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], *, training: bool = False) -> None:
    from matplotlib.patches import FancyArrowPatch

    color, line = _line(training)
    look = {"color": color, "linestyle": line, "linewidth": 1.4}
    axes.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=14, shrinkA=0, shrinkB=0, **look))
