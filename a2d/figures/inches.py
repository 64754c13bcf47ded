"""Parts of a figure at fixed places, in inches: what the figures inside the widgets are made of.

Such a figure is drawn anew each time something is moved, and finding a layout takes longer than drawing all the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from a2d.figures import base

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def add_panel(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Add axes whose box is given in inches."""
    w, h = figure.get_size_inches()
    return figure.add_axes((left / w, bottom / h, width / w, height / h))


def hide_axes(axes: Axes, title: str = "") -> None:
    """Leave of ``axes`` the picture in them, perhaps with a title: no ticks, no frame."""
    axes.set(xticks=[], yticks=[])
    base.hide_frame(axes)
    if title:
        set_title(axes, title, fontsize=10, loc="center")


def set_title(axes: Axes, text: str, **how: Any) -> None:
    """Set a title at a fixed height, at the left if nothing else is said: to find one costs as much as to draw axes."""
    axes.set_title(text, **{"loc": "left", "y": 1.0, "parse_math": False, **how})


def add_scale(figure: Figure, image: Any, box: tuple[float, float, float, float], unit: str) -> None:
    """Add a scale of colours with its unit, in a box in inches."""
    bar = figure.colorbar(image, cax=add_panel(figure, *box))
    bar.ax.locator_params(nbins=3)
    bar.update_ticks()
    bar.set_label(unit)
