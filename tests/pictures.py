"""What the tests of several lectures' figures ask of every figure."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from a2d.figures import Picture


def check_picture(make: Callable[[], Picture], panels: int) -> None:
    """It has its panels, draws without a warning, gives the same bytes again, and carries its words."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first, second = make(), make()
        content = first.png()
    assert len(first.figure.axes) == panels
    assert content == second.png()
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.text == {"Description": first.text}
        assert picture.width <= 1000
        gray = np.asarray(picture.convert("L"))
    assert gray.min() < 90
    assert gray.max() > 240
    assert first.text.endswith(".")


def check_texts_within_the_page(picture: Picture, monkeypatch: pytest.MonkeyPatch) -> None:
    """No text hangs over the edge of the figure."""
    from matplotlib.text import Text

    drawn, draw = [], Text.draw

    def record(text, renderer, *arguments, **options):
        if text.get_text().strip():
            drawn.append((text.get_text(), text.get_window_extent(renderer)))
        return draw(text, renderer, *arguments, **options)

    monkeypatch.setattr(Text, "draw", record)
    picture.png()
    assert drawn
    page = picture.figure.bbox
    for content, box in drawn:
        assert page.x0 - 1 <= box.x0 < box.x1 <= page.x1 + 1, content
        assert page.y0 - 1 <= box.y0 < box.y1 <= page.y1 + 1, content
