"""The figures and widgets of lecture 09: what they draw, what they say, what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from a2d import widgets
from a2d.errors import DataError
from a2d.figures import f09_hands

RNG = np.random.default_rng(0)
ROWS = {
    "look-up": (1.06 + 0.01 * RNG.normal(size=5), 0.97 + 0.003 * RNG.normal(size=5)),
    "knob 1": ([0.4, 0.41, 0.4, 0.42, 0.39], [0.96, 0.97, 0.96, 0.95, 0.96]),
    "knob 0.1": ([0.8, 0.81, 0.8, 0.82, 0.79], [0.93, 0.94, 0.93, 0.92, 0.93]),
}


def pictures(k: int, value: float | None = None) -> np.ndarray:
    return RNG.random((k, 28, 28)) if value is None else np.full((k, 28, 28), value)


# --------------------------------------------------------------------------------------------------- the frontier


def test_the_frontier_tells_means_and_who_is_unbeaten():
    picture = f09_hands.frontier(ROWS, ["knob 1", "knob 0.1"])
    assert "knob 1 0.40 and 96.0 %, knob 0.1 0.80 and 93.0 %" in picture.text
    assert "No other row beats look-up in both." in picture.text
    axes = picture.figure.axes[0]
    assert axes.get_legend_handles_labels()[1] == list(ROWS)
    assert len(axes.patches) == 3  # an ellipse for each


def test_variety_beyond_handwriting_is_no_gain():
    assert f09_hands.unbeaten({"a": (1.3, 0.9), "b": (1.0, 0.95)}) == ["b"]
    assert f09_hands.unbeaten({"a": (0.3, 0.99), "b": (1.0, 0.95), "c": (0.2, 0.97)}) == ["a", "b"]
    assert f09_hands.unbeaten({"a": (1.1, 0.9), "b": (1.0, 0.9)}) == ["a", "b"]


def test_the_ellipse_is_hotellings():
    """Of many samples of five, about one in twenty has its true mean outside of its ellipse."""
    outside = 0
    for _ in range(1000):
        x, y = RNG.normal(size=(2, 2)) @ RNG.normal(size=(2, 5))
        outline = f09_hands.confidence_ellipse(x, y)
        whiten = np.linalg.inv(np.linalg.cholesky(np.cov(x, y)))
        centre = np.array([x.mean(), y.mean()])
        radius = np.linalg.norm(whiten @ (outline[:, 0] - centre))
        outside += np.linalg.norm(whiten @ centre) > radius
    assert 25 <= outside <= 80


def test_three_trainings_have_no_ellipse():
    assert f09_hands.confidence_ellipse(np.array([1.0, 2, 3]), np.array([1.0, 2, 2])) is None
    assert len(f09_hands.frontier({"a": ([0.5] * 3, [0.9] * 3)}).figure.axes[0].patches) == 0


@pytest.mark.parametrize(
    "call",
    [
        lambda: f09_hands.frontier({"a": ([0.5], [1.2])}),
        lambda: f09_hands.frontier({"a": ([-0.5], [0.2])}),
        lambda: f09_hands.frontier({"a": ([0.5, 0.4], [0.2])}),
        lambda: f09_hands.frontier(ROWS, ["nobody"]),
        lambda: f09_hands.knob(ROWS, ["knob 1"], "nobody"),
        lambda: f09_hands.knob(ROWS, ["knob 1"], "knob 1", pictures(9)[None]),
        lambda: f09_hands.clouds(np.zeros((4, 3)), {"a": np.zeros((4, 2))}),
        lambda: f09_hands.field(np.zeros((4, 2)), {"a": (np.zeros((4, 2)), np.zeros((3, 2)))}),
        lambda: f09_hands.rows_that_vary({"a": pictures(2), "b": pictures(3)}, [1, 2], "hand"),
        lambda: f09_hands.rows_that_vary({"a": pictures(2)}, [1, 2], "hand", along="columns"),
        lambda: f09_hands.pairs(pictures(2), pictures(3)),
        lambda: f09_hands.between([0, 1], pictures(3), {"a 4": [0, 1]}, "4", "9"),
        lambda: f09_hands.between([1, 0], pictures(2), {"a 4": [0, 1]}, "4", "9"),
        lambda: f09_hands.relation([1, 1, 1], [1, 2, 3], "a", "b"),
        lambda: widgets.frontier_knob(ROWS, ["knob 1"]),
        lambda: widgets.knob_view(ROWS, ["knob 1", "knob 0.1"], 2),
        lambda: widgets.hands_view(lambda asked, style: None, 3, [0]),
        lambda: widgets.hands_view(lambda asked, style: None, 3, [0, 0]),
        lambda: widgets.hands_view(lambda asked, style: None, 3, [0, 99]),
    ],
)
def test_what_cannot_be_drawn_is_refused(call):
    with pytest.raises(DataError):
        call()


# ------------------------------------------------------------------------------------------------------- the plane


def test_clouds_tell_points_between_the_codes_and_codes_left_out():
    codes = np.array([[0.0, 0.0], [0.0, 4.0]])
    picture = f09_hands.clouds(codes, {"one": [[0.0, 0.0]], "middle": [[0.0, 2.0]]})
    assert "one: a point is 0.00 from the nearest code, a code 2.00 from the nearest point" in picture.text
    assert "middle: a point is 2.00 from the nearest code, a code 2.00" in picture.text
    assert [axes.get_title() for axes in picture.figure.axes] == ["one", "middle"]


def test_the_field_tells_how_far_the_ends_are_spread():
    codes = RNG.normal(size=(200, 2))
    mean = np.zeros((200, 2))
    picture = f09_hands.field(codes, {"t = 0": (codes + 1, mean), "t = 1": (codes, codes)})
    assert "200 places: at t = 0 the expected ends spread 0.00 times as wide as the codes" in picture.text
    assert "at t = 1 the expected ends spread 1.00 times as wide as the codes, 0.00 from" in picture.text


# --------------------------------------------------------------------------------------------------------- pictures


def test_rows_and_columns_tell_their_differences():
    rows = {"t = 0": pictures(4, 0.5), "t = 1": np.stack([*pictures(2, 0.0), *pictures(2, 1.0)])}
    picture = f09_hands.rows_that_vary(rows, range(4), "hand")
    assert "t = 0 0.000, t = 1 0.500." in picture.text
    text = f09_hands.rows_that_vary({"a": pictures(2, 0.2), "b": pictures(2, 0.6)}, ["x", "y"], "d", "columns").text
    assert "Down a column the 2 pictures differ by 0.200 per pixel" in text


def test_pairs_do_not_tell_which_is_which():
    picture = f09_hands.pairs(pictures(3), pictures(3))
    assert picture.text == "3 pairs: in each one picture was written by a person, the other was drawn."
    assert [t.get_text() for t in picture.figure.axes[0].get_yticklabels()] == ["A", "B"]


def test_between_tells_the_ends_and_the_middle():
    read = {"a 4": [1, 0.4, 0], "a 9": [0, 0.5, 1]}
    text = f09_hands.between([0, 0.5, 1], pictures(3), read, "4", "9").text
    assert "From 4 to 9, read as: a 4 100 % to 0 %; a 9 0 % to 100 %." in text
    assert "In the middle (0.50): a 4 40 %, a 9 50 %." in text


def test_a_relation_tells_its_correlation():
    x = np.linspace(-1, 1, 20)
    assert "is -1.00, and ink changes by -3 for each unit." in f09_hands.relation(x, -3 * x, "weight", "ink").text


def test_the_same_input_gives_the_same_bytes():
    first, second = (f09_hands.knob(ROWS, ["knob 1"], "knob 1", pictures(10, 0.5)[None]).png() for _ in range(2))
    assert first == second


# ---------------------------------------------------------------------------------------------------------- widgets


def bars(asked, style):
    """Drawings whose brightness says the digit and the hand's last number."""
    import torch

    return (0.02 * asked + 0.1 * style[:, -1].clamp(-3, 3) + 0.5).clamp(0, 1)[:, None, None] * torch.ones(28, 28)


def test_the_knob_turns():
    pytest.importorskip("anywidget")
    widget = widgets.frontier_knob(ROWS, ["knob 1", "knob 0.1"], {"knob 1": pictures(10, 0.5)[None]})
    assert widget.text.startswith("knob 0.1: variety 0.80")
    widget.set_state({"places": {"place": 0}})
    assert widget.text.startswith("knob 1: variety 0.40, read 96.0 %.")
    assert "Its 10 drawings have a greyness of 1.000." in widget.text


def test_hands_are_chosen_and_their_weight_is_set():
    pytest.importorskip("anywidget")
    widget = widgets.hand_chooser(bars, 4)
    assert "the 2 pictures differ by" in widget.text
    assert "differ by 0.000" not in widget.text
    widget.set_state({"places": {"first": 0, "second": 5, "weight": 3}})
    assert "differ by 0.000" in widget.text  # the last number is the weight, now the same for both
    widget.set_state({"places": {"first": 5, "second": 5, "weight": 0}})
    assert "two different hands" in widget.problem
