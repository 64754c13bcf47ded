"""What the course's figures share: the :class:`Picture`, the style, the checks of what is to be drawn.

The modules of this package, and those that draw elsewhere, use it as ``base.style()``, ``base.as_array()`` and so on.
"""

from __future__ import annotations

import base64
import contextlib
import io
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np

from a2d.errors import DataError
from a2d.io.atomic import write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Key = TypeVar("Key")
Value = TypeVar("Value")
Layout = Literal["constrained"] | None

# The notebook's text column.
WIDTH = 9.0
_DPI = 110
BLUE, RED, GREEN, PURPLE, DARK = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#333333"
LINES = [(BLUE, "o", "-"), (RED, "s", "--"), (GREEN, "^", "-."), (PURPLE, "D", ":"), (DARK, "v", "-")]
DASHES = [(0, (6, 3)), (0, (2, 2)), (0, (8, 2, 2, 2)), (0, (1, 3))]


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure and its finding in words; a notebook shows the one and reads out the other."""

    figure: Figure
    text: str

    def png(self) -> bytes:
        """Give the picture as PNG bytes, the same for the same input; the text is its ``Description``.

        It has a palette of at most 256 colours, which halves a notebook that is full of figures.
        """
        from PIL import Image
        from PIL.PngImagePlugin import PngInfo

        drawn, buffer, told = io.BytesIO(), io.BytesIO(), PngInfo()
        with style():
            self.figure.savefig(drawn, format="png")
        told.add_text("Description", self.text)
        with Image.open(drawn) as image:
            few = image.convert("RGB").quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
            few.save(buffer, "PNG", optimize=True, pnginfo=told, dpi=image.info["dpi"])
        return buffer.getvalue()

    def save(self, path: str | os.PathLike) -> None:
        """Write the picture to ``path`` atomically, as PNG; another ending is a :class:`DataError`."""
        if not str(path).lower().endswith(".png"):
            raise DataError("pictures are saved as PNG", where=path, hint="Let the name end in .png")
        write_bytes(path, self.png())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict, dict]:
        data = {"image/png": base64.b64encode(self.png()).decode(), "text/plain": self.text}
        return data, {"image/png": {"alt": self.text}}

    def __repr__(self) -> str:
        return f"Picture: {self.text}"


# --- a figure from its beginning to its end -----------------------------------------------------------


@contextlib.contextmanager
def style() -> Iterator[None]:
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
    with matplotlib.style.context(["default", changes]), warnings.catch_warnings():
        # A name in a script that the font lacks shows boxes; that is no news for a learner.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def new_figure(height: float, width: float = WIDTH, *, layout: Layout = "constrained") -> Figure:
    """An empty figure of a size in inches; without a ``layout`` its parts stay where they are put."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=_DPI, layout=layout, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


@contextlib.contextmanager
def drawing(height: float, width: float = WIDTH, *, layout: Layout = "constrained") -> Iterator[Figure]:
    """Begin a figure in the course's style; what the block draws has that style, too."""
    with style():
        yield new_figure(height, width, layout=layout)


@contextlib.contextmanager
def one_panel(height: float, width: float = WIDTH) -> Iterator[tuple[Figure, Axes]]:
    """As :func:`drawing`, with one pair of axes that fills the figure."""
    with drawing(height, width) as figure:
        yield figure, figure.add_subplot()


def finish(figure: Figure, text: str) -> Picture:
    """Settle the layout, which would otherwise move by a hair each time the figure is drawn."""
    if figure.get_layout_engine() is not None:
        with style():
            figure.draw_without_rendering()
            figure.set_layout_engine("none")
    return Picture(figure, text)


# --- what is to be drawn -------------------------------------------------------------------------------


def as_array(value: Any, name: str, shape: int | tuple[int, ...] = 1) -> np.ndarray:
    """Give ``value`` as finite float64, not empty, with ``shape`` as its number of axes or as all of them."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(f"these are not numbers ({error})", where=name) from error
    if array.size == 0 or (array.ndim != shape if isinstance(shape, int) else array.shape != shape):
        wanted = f"{shape} non-empty axes" if isinstance(shape, int) else f"the shape {shape}"
        raise DataError(f"expected {wanted}, got the shape {array.shape}", where=name)
    if not np.isfinite(array).all():
        raise DataError("some values are NaN or infinite", where=name)
    return array


def as_shares(value: Any, name: str, shape: int | tuple[int, ...] = 1) -> np.ndarray:
    """As :func:`as_array`, from 0 to 1."""
    array = as_array(value, name, shape)
    if array.min() < 0 or array.max() > 1:
        text = f"values must lie in [0, 1], these lie in [{array.min():.3g}, {array.max():.3g}]"
        raise DataError(text, where=name)
    return array


def as_positive(value: Any, name: str, shape: int | tuple[int, ...] = 1) -> np.ndarray:
    """As :func:`as_array`, above 0: for logarithmic axes, which leave out all else without a word."""
    array = as_array(value, name, shape)
    if array.min() <= 0:
        raise DataError(f"values must be above 0, the least is {array.min():.3g}", where=name)
    return array


def as_rising(value: Any, name: str, check: Callable[[Any, str], np.ndarray] = as_array) -> np.ndarray:
    """Give what ``check`` accepts as an axis (n,): two values or more, in rising order."""
    array = check(value, name)
    if len(array) < 2 or (np.diff(array) <= 0).any():
        raise DataError("expected two or more rising values", where=name)
    return array


def as_interval(value: Any, name: str, check: Callable[..., np.ndarray] = as_shares) -> np.ndarray:
    """Give a value and the low and the high end of its interval, (3,), each as ``check`` has it."""
    array = check(value, name, (3,))
    # A hair is the rounding of the computer's arithmetic.
    if not array[1] - 1e-9 <= array[0] <= array[2] + 1e-9:
        raise DataError("expected a value between the low and the high end of its interval", where=name)
    return array


def as_pictures(value: Any, name: str = "images", ndim: int = 3) -> np.ndarray:
    """As :func:`as_shares`, with ``ndim`` axes of which the last two are (28, 28)."""
    array = as_shares(value, name, ndim)
    if array.shape[-2:] != (28, 28):
        raise DataError(f"images must end in (28, 28), got the shape {array.shape}", where=name)
    return array


def as_table(value: Any, name: str, side: int) -> np.ndarray:
    """Give counts ``(side, side)``, whole numbers from 0 that are not all 0."""
    table = as_array(value, name, (side, side))
    if (table < 0).any() or (table != np.rint(table)).any() or table.sum() == 0:
        raise DataError(f"expected whole numbers from 0 that are not all 0, their sum is {table.sum():g}", where=name)
    return table


def as_digits(value: Any, name: str, n: int) -> list[int]:
    """Give ``n`` whole numbers from 0 to 9."""
    digits = as_array(value, name, 1)
    if len(digits) != n:
        raise DataError(f"{len(digits)} digits for {n} images", where=name)
    if (digits < 0).any() or (digits > 9).any() or (digits != np.rint(digits)).any():
        raise DataError("every digit must be a whole number from 0 to 9", where=name)
    return [int(digit) for digit in digits]


def as_named(value: Any, name: str) -> dict[str, Any]:
    """Give a non-empty mapping with names that can be drawn as they are."""
    if not isinstance(value, Mapping) or not value:
        raise DataError("expected a mapping of names to values, with at least one", where=name)
    # A legend leaves names out that begin with an underscore.
    if not all(isinstance(key, str) and key.strip() and not key.startswith("_") for key in value):
        raise DataError("every name must be a text that does not begin with an underscore", where=name)
    return {plain(key): content for key, content in value.items()}


def each(check: Callable[..., Value], value: Any, name: str, *shape: Any) -> dict[str, Value]:
    """Give a non-empty mapping of names to what ``check``, one of the above, makes of each of its values."""
    return {key: check(content, f"{name}[{key}]", *shape) for key, content in as_named(value, name).items()}


def each_number(check: Callable[..., np.ndarray], value: Mapping[str, Any] | None, name: str) -> dict[str, float]:
    """As :func:`each`, for a mapping of names to single numbers, or none."""
    if not value:
        return {}
    return {key: float(check([content], f"{name}[{key}]")[0]) for key, content in as_named(value, name).items()}


# --- words ---------------------------------------------------------------------------------------------


def plain(text: Any) -> str:
    """Give ``text`` on one line, without what a font or a PNG cannot hold."""
    return "".join(char if char.isprintable() else "?" for char in str(text))


def shortened(text: str, width: int) -> str:
    """Give ``text`` with at most ``width`` characters: what is too much goes from its middle."""
    half = (width - 1) // 2
    return text if len(text) <= width else f"{text[:half]}\N{HORIZONTAL ELLIPSIS}{text[-half:]}"


def percent(share: float, digits: int = 0) -> str:
    """Give a share in [0, 1] in per cent: ``82.3 %``."""
    return f"{100 * share:.{digits}f} %"


def count(n: int, noun: str) -> str:
    """Give ``1 image`` or ``3 images``."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


# --- parts of a figure ---------------------------------------------------------------------------------


def looks(series: Mapping[Key, Value]) -> Iterator[tuple[Key, Value, str, str, str]]:
    """Give each name and value with its colour, marker and line, which differ for the first five."""
    for (name, value), (color, marker, line) in zip(series.items(), cycle(LINES), strict=False):
        yield name, value, color, marker, line


def draw_curves(axes: Axes, series: Mapping[str, np.ndarray]) -> None:
    """Draw values by epoch, from epoch 1 on."""
    for name, y, color, marker, line in looks(series):
        how: dict[str, Any] = {"color": color, "marker": marker, "linestyle": line, "label": name}
        axes.plot(np.arange(1.0, len(y) + 1), y, markevery=max(1, len(y) // 12), markersize=5, **how)
    axes.grid(axis="y", alpha=0.3)
    whole_ticks(axes.xaxis)


def draw_references(axes: Axes, references: Mapping[str, Any] | None, *, upright: bool) -> dict[str, float]:
    """Draw each reference, a share, as a line with its own dashes, and give the checked values."""
    values = each_number(as_shares, references, "references")
    draw = axes.axvline if upright else axes.axhline
    for (name, value), dashes in zip(values.items(), cycle(DASHES), strict=False):
        draw(value, color=DARK, linewidth=1.3, linestyle=dashes, label=f"{name}: {percent(value, 1)}")
    return values


def percent_axis(axis: Any) -> None:
    """Number an axis of shares in per cent."""
    from matplotlib.ticker import PercentFormatter

    axis.set_major_formatter(PercentFormatter(xmax=1, decimals=None, symbol=" %"))


def whole_ticks(axis: Any) -> None:
    """Number an axis in whole numbers."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True, nbins=12, steps=[1, 2, 5, 10]))


def legend_below(figure: Figure, axes: Axes) -> None:
    """Set the legend of ``axes`` below the figure, where it covers nothing, in as many columns as fit."""
    handles, names = axes.get_legend_handles_labels()
    if handles:
        names = [shortened(name, 70) for name in names]
        widest = max(len(name) for name in names)
        columns = max(1, min(len(names), int(95 // (widest + 8))))
        legend = figure.legend(handles, names, loc="outside lower center", ncols=columns, handlelength=3.5)
        for text in legend.get_texts():
            text.set_parse_math(False)


def draw_confusion(axes: Axes, table: np.ndarray, *, shares_told: bool) -> Any:
    """Draw counts (10, 10) as shares of their rows, each with its count, and its share if ``shares_told``."""
    totals = table.sum(axis=1, keepdims=True)
    shares = np.divide(table, totals, out=np.zeros_like(table), where=totals > 0)
    image = axes.imshow(shares, cmap="cividis", vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(shares):
        if table[row, column]:
            text = f"{table[row, column]:.0f}" + (f"\n{percent(share)}" if shares_told else "")
            color = "black" if share > 0.55 else "white"
            axes.text(column, row, text, ha="center", va="center", fontsize=8, color=color)
    return image


# --- pictures of digits --------------------------------------------------------------------------------


def hide_frame(axes: Axes) -> None:
    """Leave of ``axes`` what stands in them, and the words at its ticks."""
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def draw_tiles(images: np.ndarray, titles: Sequence[str], columns: int, cell: float) -> tuple[Figure, list[Axes]]:
    """Lay images (n, 28, 28) out in ``columns``, each under its title; ``cell`` is one's width in inches."""
    n = len(images)
    if n > 400:
        raise DataError(f"{n} images are too many for one figure", where="images", hint="Take fewer, or figures.grid")
    columns = min(columns, n)
    rows = -(-n // columns)
    size = float(np.clip(7.6 * cell, 6.5, 8.5))
    lines = max(text.count("\n") + 1 for text in titles)
    title, gap = lines * size * 1.25 / 72 + 0.13, 0.08
    width, height = columns * cell, rows * (cell - gap + title) + gap
    figure = new_figure(height, width, layout=None)
    panels = []
    for index, (image, text) in enumerate(zip(images, titles, strict=True)):
        row, column = divmod(index, columns)
        top = height - row * (cell - gap + title) - title
        left, bottom, side = column * cell + gap / 2, top - (cell - gap), cell - gap
        axes = figure.add_axes((left / width, bottom / height, side / width, side / height))
        axes.imshow(image, cmap="gray", vmin=0, vmax=1)
        axes.set(xticks=[], yticks=[])
        hide_frame(axes)
        axes.set_title(text, fontsize=size, pad=4, linespacing=1.05, parse_math=False)
        panels.append(axes)
    return figure, panels


def mark_wrong(axes: Axes) -> None:
    """Mark a misread image by a thick dashed frame; its title carries a cross as well."""
    from matplotlib.patches import Rectangle

    frame = Rectangle((-0.5, -0.5), 28, 28, fill=False, edgecolor=RED, linewidth=3, linestyle=(0, (3, 1.2)))
    frame.set_clip_on(False)
    axes.add_patch(frame)
    axes.title.set_fontweight("bold")
    axes.title.set_color(RED)


def sheet(pixels: np.ndarray) -> np.ndarray:
    """Images (rows, columns, 28, 28) as one (30 rows, 30 columns), with white gaps."""
    rows, columns = pixels.shape[:2]
    whole = np.ones((rows, 30, columns, 30))
    whole[:, 1:29, :, 1:29] = pixels.transpose(0, 2, 1, 3)
    return whole.reshape(rows * 30, columns * 30)


def draw_sheet(
    axes: Axes,
    pixels: np.ndarray,
    names: Sequence[str],
    columns: Sequence[str] = (),
    sizes: tuple[float, float] = (10, 10),
) -> None:
    """Draw images (rows, columns, 28, 28) as a :func:`sheet`, with a name for each row and perhaps each column."""
    axes.imshow(sheet(pixels), cmap="gray", vmin=0, vmax=1)
    axes.set_yticks(np.arange(len(names)) * 30 + 14.5, names, fontsize=sizes[0], parse_math=False)
    axes.set_xticks(np.arange(len(columns)) * 30 + 14.5, columns, fontsize=sizes[1], parse_math=False)
    hide_frame(axes)


def draw_rows(pixels: np.ndarray, names: Sequence[str], columns: Sequence[str], xlabel: str) -> Figure:
    """A figure of a :func:`sheet`, for images (rows, columns, 28, 28) in rows that are steps of something."""
    rows, n = pixels.shape[:2]
    cell = min(0.75, 8.0 / n)
    with one_panel(rows * cell + 0.5, n * cell + 1.0) as (figure, axes):
        draw_sheet(axes, pixels, names, columns)
        axes.set_xlabel(xlabel)
    return figure
