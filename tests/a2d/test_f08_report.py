"""The figures of lecture 08: what they say is what the numbers are, and bad input is named."""

from __future__ import annotations

import numpy as np
import pytest

from a2d.errors import DataError
from a2d.figures import f08_report
from a2d.lab import results
from teach.lectures.rubrics import rubric


def test_ears_and_pictures_tells_best_and_worst_speaker():
    heard = {"ann": [0.9, 0.8], "bob": [0.5, 0.5], "eve": [0.2, 0.4]}
    drawn = {"eve": [0.1, 0.3], "ann": [0.7, 0.7], "bob": [0.6, 0.6]}
    picture = f08_report.ears_and_pictures(heard, drawn)
    assert "less often than the sounds are named for 2 of 3 speakers" in picture.text
    assert "Named best is ann (85 % named, 70 % of the pictures read), worst eve (30 % and 20 %)" in picture.text
    means = [[0.85, 0.5, 0.3], [0.7, 0.6, 0.2]]
    assert f"correlation of {np.corrcoef(means)[0, 1]:.2f}" in picture.text
    labels = [t.get_text() for t in picture.figure.axes[0].get_yticklabels()]
    assert labels == ["ann", "bob", "eve"]
    assert picture.png() == f08_report.ears_and_pictures(heard, drawn).png()


def test_seeds_and_chance_compares_two_spreads():
    values = [0.90, 0.92, 0.94]
    simulated = np.random.default_rng(0).binomial(100, 0.92, 2000) / 100
    text = f08_report.seeds_and_chance(values, 100, simulated).text
    assert "3 seeds have a standard deviation of 2.0 points" in text
    assert f"gives {100 * simulated.std():.1f} points" in text


def test_dots_name_means_and_lines():
    picture = f08_report.dots({"first": [0.8, 0.9], "second": [0.95, 0.97]}, {"the report": 0.8229})
    assert picture.text == "Means: first 85.0 %, second 96.0 %. the report: 82.3 %."
    assert picture.figure.axes[0].get_xlim()[0] < 0.5


def test_grey_and_same_puts_each_row_where_its_numbers_are():
    rows = {"handwriting": (1.0, 0.07), "cross-entropy": (0.12, 0.3), "look-up": (1.04, 0.07)}
    picture = f08_report.grey_and_same(rows, "handwriting")
    assert "cross-entropy (0.12, 0.30)" in picture.text
    marks = {tuple(np.round((line.get_xdata()[0], line.get_ydata()[0]), 3)): line.get_marker()
             for line in picture.figure.axes[0].lines}  # fmt: skip
    assert marks[(1.0, 0.07)] == "*"
    assert (0.12, 0.3) in marks


@pytest.mark.parametrize(
    "call",
    [
        lambda: f08_report.ears_and_pictures({"a": [0.1]}, {"b": [0.1]}),
        lambda: f08_report.ears_and_pictures({"a": [1.1]}, {"a": [0.1]}),
        lambda: f08_report.seeds_and_chance([0.5], 10, [0.5, 0.6]),
        lambda: f08_report.dots({"a": [1.2]}, {}),
        lambda: f08_report.grey_and_same({"a": (0.1, 0.2)}, "b"),
    ],
)
def test_what_cannot_be_drawn_is_refused(call):
    with pytest.raises(DataError):
        call()


def test_the_model_answers_numbers_are_those_of_the_results():
    """They stand in a sentence, where no cell can put them."""
    protocol, answer = results("protocol")["report-plain"], rubric("8.4").answer
    heard, never = protocol["recording"], protocol["speaker"]["evaluator_untouched_sampled"]
    for when in ("untouched", "finetuned"):
        entry = heard[f"evaluator_{when}_sampled"]
        assert f"{100 * entry['mean']:.1f} %" in answer
        assert f"{100 * entry['sd']:.1f}" in answer
    assert f"reads {100 * never['mean']:.0f} %" in answer
    assert f"{100 * never['low']:.0f} to {100 * never['high']:.0f}" in answer
    assert f"{heard['pixel_diversity']['mean']:.2f} of" in answer
    rows = results("objectives")["rows"]
    assert all(
        rows["look-up"]["evaluator_sampled"]["mean"] > e["evaluator_sampled"]["mean"]
        for n, e in rows.items()
        if n != "look-up"
    )
