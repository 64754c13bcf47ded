"""Every figure of the course, each with one or two sentences that tell what it shows.

Each function takes plain arrays and gives a :class:`Picture`: the figure and its finding in words, with
numbers computed from the same data, for those who cannot see the figure and for those who look only at it. What cannot
be drawn (another shape, values out of their range, NaN, nothing at all) is a :class:`~a2d.errors.DataError`.
Nothing here touches pyplot or the user's settings; the same input gives the same bytes. Colour never speaks
alone. The figures of one lecture stand in a module of their own, with its number (``f01_audio``, ``f03_vae``, ...).
"""

from a2d.figures.base import Picture
from a2d.figures.common import accuracy_while_training, bars_with_spread, batch, confusion_matrix, grid, loss_terms
from a2d.figures.f00_start import pipeline

__all__ = ["Picture", "accuracy_while_training", "bars_with_spread", "batch", "confusion_matrix", "grid"]
__all__ += ["loss_terms", "pipeline"]
