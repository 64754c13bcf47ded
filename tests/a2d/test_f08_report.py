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


def test_drawn_and_real_measures_how_pixels_vary():
    same = np.full((3, 28, 28), 0.5)
    other = np.stack([np.zeros((28, 28)), np.ones((28, 28)), np.full((28, 28), 0.5)])
    picture = f08_report.drawn_and_real(same, other, 7)
    assert "3 drawings of a 7" in picture.text
    assert "varies by 0.000" in picture.text
    assert f"by {np.std([0, 1, 0.5]):.3f} in the handwriting" in picture.text
    assert len(picture.figure.axes) == 6


@pytest.mark.parametrize(
    "call",
    [
        lambda: f08_report.ears_and_pictures({"a": [0.1]}, {"b": [0.1]}),
        lambda: f08_report.ears_and_pictures({"a": [1.1]}, {"a": [0.1]}),
        lambda: f08_report.seeds_and_chance([0.5], 10, [0.5, 0.6]),
        lambda: f08_report.drawn_and_real(np.zeros((3, 28, 28)), np.zeros((2, 28, 28)), 1),
    ],
)
def test_what_cannot_be_drawn_is_refused(call):
    with pytest.raises(DataError):
        call()


def test_the_model_answers_numbers_are_those_of_the_results():
    """They stand in a sentence, where no cell can put them."""
    protocol, answer = results("protocol"), rubric("8.4").answer
    heard, never = protocol["recording"], protocol["speaker"]
    for entry, share in ((heard["untouched_sampled"], "94.1"), (heard["finetuned_sampled"], "95.0")):
        assert f"{100 * entry['mean']:.1f}" == share
        assert f"{share} %" in answer
    assert f"standard deviation {100 * heard['untouched_sampled']['sd']:.1f} points" in answer
    assert f"it is {100 * never['untouched_sampled']['mean']:.0f} %" in answer
    assert f"{heard['diversity']['mean']:.2f} of" in answer
