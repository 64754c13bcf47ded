"""What the course's figures share: the :class:`Picture`, the style, the checks of what is to be drawn.

The names with an underscore are for the modules of this package only.
"""

from __future__ import annotations

import base64
import contextlib
import io
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from a2d.errors import A2DError, DataError
from a2d.io.atomic import write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The notebook's text column.
_WIDTH = 9.0
_DPI = 110
_BLUE, _RED, _GREEN, _PURPLE, _DARK = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#333333"
_LINES = [(_BLUE, "o", "-"), (_RED, "s", "--"), (_GREEN, "^", "-."), (_PURPLE, "D", ":"), (_DARK, "v", "-")]
_DASHES = [(0, (6, 3)), (0, (2, 2)), (0, (8, 2, 2, 2)), (0, (1, 3))]
_MOST_TILES = 400


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure and its finding in words; a notebook shows the one and reads out the other."""

    figure: Figure
    text: str

    def png(self) -> bytes:
        """Give the picture as PNG bytes, the same for the same input; the text is its ``Description``."""
        buffer = io.BytesIO()
        with _style(), warnings.catch_warnings():
            # A caption in a script that the font lacks shows boxes; that is no news for a learner.
            warnings.filterwarnings("ignore", message="Glyph .* missing from")
            self.figure.savefig(buffer, format="png", metadata={"Software": None, "Description": self.text})
        return buffer.getvalue()

    def save(self, path: str | os.PathLike) -> None:
        """Write the picture to ``path`` atomically, as PNG; another ending is a :class:`DataError`."""
        if not str(path).lower().endswith(".png"):
            raise DataError("pictures are saved as PNG", where=path, hint="Let the name end in .png")
        try:
            write_bytes(path, self.png())
        except A2DError as error:
            raise DataError(error.what, where=error.where, hint=error.hint) from error

    def _repr_png_(self) -> bytes:
        return self.png()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict, dict]:
        data = {"image/png": base64.b64encode(self.png()).decode(), "text/plain": self.text}
        return data, {"image/png": {"alt": self.text}}

    def __repr__(self) -> str:
        return f"Picture: {self.text}"


# --- shared parts --------------------------------------------------------------------------------------


@contextlib.contextmanager
def _style() -> Iterator[None]:
    """Draw with matplotlib's own defaults and the course's few changes, whatever the user has set."""
    import matplotlib.style

    changes = {
        "font.size": 10,
        "axes.titlesize": 11,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": False,
        "legend.frameon": False,
        "image.interpolation": "nearest",
        "agg.path.chunksize": 10_000,
    }
    with matplotlib.style.context(["default", changes]):
        yield


def _figure(height: float, width: float = _WIDTH, *, layout: str | None = "constrained") -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=_DPI, layout=layout, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _picture(figure: Figure, text: str) -> Picture:
    """Settle the layout, which would otherwise move by a hair each time the figure is drawn."""
    if figure.get_layout_engine() is not None:
        with _style():
            figure.draw_without_rendering()
            figure.set_layout_engine("none")
    return Picture(figure, text)


def _array(value: Any, name: str, ndim: int) -> np.ndarray:
    """Give ``value`` as finite float64 with ``ndim`` axes and no empty one."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(f"these are not numbers ({error})", where=name) from error
    if array.ndim != ndim or array.size == 0:
        raise DataError(f"expected {ndim} non-empty axes, got the shape {array.shape}", where=name)
    if not np.isfinite(array).all():
        raise DataError("some values are NaN or infinite", where=name)
    return array


def _shares(value: Any, name: str, ndim: int = 1) -> np.ndarray:
    array = _array(value, name, ndim)
    if array.min() < 0 or array.max() > 1:
        text = f"values must lie in [0, 1], these lie in [{array.min():.3g}, {array.max():.3g}]"
        raise DataError(text, where=name)
    return array


def _pictures(value: Any, name: str = "images", ndim: int = 3) -> np.ndarray:
    array = _shares(value, name, ndim)
    if array.shape[-2:] != (28, 28):
        raise DataError(f"images must end in (28, 28), got the shape {array.shape}", where=name)
    return array


def _whole(value: Any, name: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not low <= value <= high:
        raise DataError(f"expected a whole number from {low} to {high}, got {value!r}", where=name)
    return int(value)


def _digits(value: Any, name: str, n: int) -> list[int]:
    try:
        values = list(value)
    except TypeError as error:
        raise DataError("expected a sequence of digits", where=name) from error
    if len(values) != n:
        raise DataError(f"{len(values)} digits for {n} images", where=name)
    return [_whole(getattr(digit, "item", lambda d=digit: d)(), name, 0, 9) for digit in values]


def _named(value: Any, name: str) -> dict[str, Any]:
    """Give a non-empty mapping with names that can be drawn as they are."""
    if not isinstance(value, Mapping) or not value:
        raise DataError("expected a mapping of names to values, with at least one", where=name)
    # A legend leaves names out that begin with an underscore.
    if not all(isinstance(key, str) and key.strip() and not key.startswith("_") for key in value):
        raise DataError("every name must be a text that does not begin with an underscore", where=name)
    return {_plain(key): content for key, content in value.items()}


def _plain(text: Any) -> str:
    """Give ``text`` on one line, without what a font or a PNG cannot hold."""
    return "".join(char if char.isprintable() else "?" for char in str(text))


def _percent(share: float, digits: int = 0) -> str:
    return f"{100 * share:.{digits}f} %"


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _percent_axis(axis: Any) -> None:
    from matplotlib.ticker import PercentFormatter

    axis.set_major_formatter(PercentFormatter(xmax=1, decimals=None, symbol=" %"))


def _references(axes: Axes, references: Mapping[str, Any] | None, *, upright: bool) -> dict[str, float]:
    """Draw each reference as a line with its own dashes, and give the checked values."""
    if not references:
        return {}
    values = {
        key: float(_shares([value], f"references[{key}]")[0]) for key, value in _named(references, "references").items()
    }
    draw = axes.axvline if upright else axes.axhline
    for index, (name, value) in enumerate(values.items()):
        dashes = _DASHES[index % len(_DASHES)]
        draw(value, color=_DARK, linewidth=1.3, linestyle=dashes, label=f"{name}: {_percent(value, 1)}")
    return values


def _legend_below(figure: Figure, axes: Axes) -> None:
    handles, names = axes.get_legend_handles_labels()
    if handles:
        names = [_shortened(name, 70) for name in names]
        widest = max(len(name) for name in names)
        columns = max(1, min(len(names), int(95 // (widest + 8))))
        legend = figure.legend(handles, names, loc="outside lower center", ncols=columns, handlelength=3.5)
        for text in legend.get_texts():
            text.set_parse_math(False)


# --- pictures of digits --------------------------------------------------------------------------------


def _tiles(images: np.ndarray, titles: Sequence[str], columns: int, cell: float) -> tuple[Figure, list[Axes]]:
    """Lay images (n, 28, 28) out in ``columns``, each under its title; ``cell`` is one's width in inches."""
    n = len(images)
    if n > _MOST_TILES:
        hint = "Take fewer images, or use plots.grid"
        raise DataError(f"{n} images are too many for one figure of this kind", where="images", hint=hint)
    columns = min(columns, n)
    rows = -(-n // columns)
    size = float(np.clip(7.6 * cell, 6.5, 8.5))
    lines = max(text.count("\n") + 1 for text in titles)
    title, gap = lines * size * 1.25 / 72 + 0.13, 0.08
    height = rows * (cell - gap + title) + gap
    width = columns * cell
    figure = _figure(height, width, layout=None)
    panels = []
    for index, (image, text) in enumerate(zip(images, titles, strict=True)):
        row, column = divmod(index, columns)
        top = height - row * (cell - gap + title) - title
        box = (column * cell + gap / 2, top - (cell - gap), cell - gap, cell - gap)
        axes = figure.add_axes((box[0] / width, box[1] / height, box[2] / width, box[3] / height))
        axes.imshow(image, cmap="gray", vmin=0, vmax=1)
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.set_title(text, fontsize=size, pad=4, linespacing=1.05, parse_math=False)
        panels.append(axes)
    return figure, panels


def _mark(axes: Axes) -> None:
    """Mark a misread image by a thick dashed frame; its title carries a cross as well."""
    from matplotlib.patches import Rectangle

    frame = Rectangle((-0.5, -0.5), 28, 28, fill=False, edgecolor=_RED, linewidth=3, linestyle=(0, (3, 1.2)))
    frame.set_clip_on(False)
    axes.add_patch(frame)
    axes.title.set_fontweight("bold")
    axes.title.set_color(_RED)


def _shortened(text: str, width: int) -> str:
    if len(text) <= width:
        return text
    half = (width - 1) // 2
    return f"{text[:half]}\N{HORIZONTAL ELLIPSIS}{text[-half:]}"
