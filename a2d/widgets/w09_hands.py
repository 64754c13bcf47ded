"""The frontier's knob, and one hand for every digit. Lecture 09."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from a2d.errors import DataError
from a2d.widgets.controls import Control, load, whole

if TYPE_CHECKING:
    from a2d.figures import Picture
    from a2d.widgets.panel import Panel

WEIGHTS = (-2.0, -1.0, 0.0, 1.0, 2.0)
"""Stroke weights that can be chosen, in standard deviations."""
MOST_HANDS = 20


def knob_view(
    rows: Mapping[str, tuple[Any, Any]], settings: Sequence[str], place: int, pictures: Mapping[str, Any] | None = None
) -> Picture:
    """Show where the setting ``settings[place]`` stands among ``rows``, and what it draws (lecture 09).

    ``rows`` as :func:`a2d.figures.f09_hands.frontier` takes them; ``settings``: names of rows, one for each weight of
    the reconstruction; ``pictures``: name to drawings (k, 10, 28, 28), for the settings that have some.
    """
    from a2d.figures.f09_hands import knob

    chosen = settings[whole(place, "place", 0, len(settings) - 1)]
    return knob(rows, settings, chosen, (pictures or {}).get(chosen))


def frontier_knob(
    rows: Mapping[str, tuple[Any, Any]], settings: Sequence[str], pictures: Mapping[str, Any] | None = None
) -> Panel:
    """Turn the weight of the reconstruction and watch the drawings and their place (lecture 09); see :func:`knob_view`.

    Raises :class:`DataError` for fewer than two settings, and for names that are no rows.
    """
    if len(settings) < 2:
        raise DataError("there is nothing to turn", where="settings", hint="Give two names of rows or more")
    middle = len(settings) // 2
    hint = "to the left drawings are held to a target, to the right they only have to look real"
    controls = [Control("slider", "place", "generator", tuple(settings), middle, hint)]

    def draw(places: Mapping[str, int]) -> Picture:
        return knob_view(rows, settings, places["place"], pictures)

    return load("panel").Panel("Frontier", controls, draw)


def hands_view(
    draw: Callable[[Any, Any], Any], style_size: int, hands: Sequence[int], weight: float | None = None, seed: int = 0
) -> Picture:
    """Show what some hands make of all ten digits, a row for each hand (lecture 09).

    ``draw(digits, style)`` gives pictures (b, 28, 28) for digits (b,) and hands (b, ``style_size``), as
    :meth:`a2d.hands.Hands.draw` does; ``hands``: their numbers, from 0 on, drawn from ``seed``; ``weight``: the stroke
    weight of all of them, in standard deviations, None for each hand's own.
    """
    import torch

    from a2d.figures.f09_hands import rows_that_vary

    rng = torch.Generator().manual_seed(whole(seed, "seed", 0, 2**63 - 1))
    known = torch.randn(MOST_HANDS, whole(style_size, "style_size", 1, 10_000), generator=rng)
    chosen = [whole(number, "hands", 0, MOST_HANDS - 1) for number in hands]
    if len(set(chosen)) != len(chosen) or len(chosen) < 2:
        raise DataError("expected two different hands or more", where="hands")
    style = known[chosen].repeat_interleave(10, 0)
    if weight is not None:
        style[:, -1] = float(weight)
    digits = torch.arange(10).repeat(len(chosen))
    pictures = np.asarray(draw(digits, style)).reshape(len(chosen), 10, 28, 28)
    rows = {f"hand {number}": row for number, row in zip(chosen, pictures, strict=True)}
    return rows_that_vary(rows, range(10), "digit", along="columns")


def hand_chooser(draw: Callable[[Any, Any], Any], style_size: int, *, seed: int = 0) -> Panel:
    """Choose two hands and how bold they write; each writes all ten digits (lecture 09); see :func:`hands_view`."""
    names = tuple(f"hand {number}" for number in range(MOST_HANDS))
    bold = ("its own", *(f"{weight:+g}" for weight in WEIGHTS))
    controls = [
        Control("choice", "first", "first hand", names, 0),
        Control("choice", "second", "second hand", names, 1),
        Control("choice", "weight", "stroke weight", bold, 0, "in standard deviations"),
    ]

    def show(places: Mapping[str, int]) -> Picture:
        weight = None if places["weight"] == 0 else WEIGHTS[places["weight"] - 1]
        return hands_view(draw, style_size, [places["first"], places["second"]], weight, seed)

    return load("panel").Panel("Hands", controls, show)
