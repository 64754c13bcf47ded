"""The figures of lecture 03: their words tell of their data, and bad input is refused."""

from __future__ import annotations

import numpy as np
import pytest

from a2d.errors import DataError
from a2d.figures import f03_vae

X = np.linspace(-3, 3, 601)
NORMAL = np.exp(-0.5 * X**2) / np.sqrt(2 * np.pi)
PIXELS = np.linspace(0.01, 0.99, 99)
CODES = np.array([[0.0, 0.0], [0.1, 0.0], [4.0, 4.0], [4.1, 4.0]])


def images(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((n, 28, 28))


def bce(target: float) -> np.ndarray:
    return -(target * np.log(PIXELS) + (1 - target) * np.log(1 - PIXELS))


PICTURES = {
    "decoded_rows": lambda: f03_vae.decoded_rows(
        {"copies": images(6), "made": images(6, 1)}, {"copies": [1.0, 2, 3], "made": [9.0, 10, 50]}
    ),
    "latent_maps": lambda: f03_vae.latent_maps({"near": CODES, "far": 3 * CODES}, [1, 1, 7, 7]),
    "bound": lambda: f03_vae.bound([0.0, 1, 2], [-4.0, -2, -3], -1.5, 1.0),
    "densities": lambda: f03_vae.densities(X, {"posterior": NORMAL, "q": np.roll(NORMAL, 100)}),
    "monte_carlo_error": lambda: f03_vae.monte_carlo_error([1, 100, 10_000], [1.0, 0.1, 0.01]),
    "estimator_variance": lambda: f03_vae.estimator_variance(
        [0.1, 1.0], {"smooth": [0.04, 4.0], "score": [400.0, 40.0]}, {"smooth": [0.04, 4.0]}
    ),
    "pixel_loss": lambda: f03_vae.pixel_loss(PIXELS, {0.0: bce(0), 0.5: bce(0.5)}),
    "beta_terms": lambda: f03_vae.beta_terms([0.1, 1, 10], [90.0, 100, 200], [40.0, 15, 0], {"20": [1.0, 0.4, 0]}),
    "latent_variances": lambda: f03_vae.latent_variances({1.0: [1.0, 0.02, 0.001], 4.0: [0.5, 0.0, 0.009]}),
}


@pytest.mark.parametrize("name", PICTURES)
def test_each_is_a_png_with_words_and_the_same_each_time(name):
    first, again = PICTURES[name](), PICTURES[name]()
    assert first.png().startswith(b"\x89PNG")
    assert first.png() == again.png()
    assert len(first.text) > 40
    assert first.text.endswith(".")


def test_the_rows_tell_the_median_distances():
    text = PICTURES["decoded_rows"]().text
    assert "copies: 2.0; made: 10.0" in text
    assert "5.0 times" in text


def test_the_maps_count_what_lies_in_the_circle_and_who_is_next_to_whom():
    text = PICTURES["latent_maps"]().text
    assert "holds 86 % of the prior's draws" in text
    assert "near: the circle holds 50 % of the codes, 100 % have a nearest neighbour of the same digit" in text
    mixed = f03_vae.latent_maps({"mixed": CODES}, [1, 7, 1, 7]).text
    assert "0 % have a nearest neighbour of the same digit" in mixed


def test_the_bound_tells_its_gap_and_refuses_to_be_above():
    text = PICTURES["bound"]().text
    assert "comes nearest, to 0.500 nats, where the mean of q is 1.00" in text
    with pytest.raises(DataError, match=r"above log p\(x\)"):
        f03_vae.bound([0.0, 1], [-2.0, -1], -1.5)


def test_densities_find_peaks_and_the_common_area():
    two = np.exp(-8 * (X - 1) ** 2) + np.exp(-8 * (X + 1) ** 2)
    text = f03_vae.densities(X, {"two": two, "one": NORMAL}).text
    assert "two has 2 peaks, at -1.00 and 1.00" in text
    assert "one has 1 peak, at 0.00" in text
    same = f03_vae.densities(X, {"one": NORMAL, "again": NORMAL}).text
    assert "have 100 % of their area in common" in same


def test_the_error_has_the_slope_of_its_data():
    assert "slope in this figure is -0.50" in PICTURES["monte_carlo_error"]().text
    assert "slope in this figure is -1.00" in f03_vae.monte_carlo_error([1, 10], [1.0, 0.1]).text


def test_variances_are_compared_with_each_other_and_with_algebra():
    text = PICTURES["estimator_variance"]().text
    assert "score over smooth: between 10 and 10,000 times" in text
    assert "at most 0 %" in text


def test_the_floor_is_where_the_answer_is_the_target():
    text = PICTURES["pixel_loss"]().text
    assert "0.01 for the target 0, at p = 0.01" in text
    assert "0.69 for the target 0.5, at p = 0.50" in text


def test_active_latents_are_counted():
    assert PICTURES["latent_variances"]().text == "Active latents, of 3: 2 for beta = 1 and 1 for beta = 4."
    assert "20: 100 % to 0 %" in PICTURES["beta_terms"]().text


@pytest.mark.parametrize(
    "draw",
    [
        lambda: f03_vae.decoded_rows({"a": images(3), "b": images(4)}, {"a": [1.0]}),
        lambda: f03_vae.latent_maps({"a": CODES[:, :1]}, [1, 1, 7, 7]),
        lambda: f03_vae.densities(X, {"a": -NORMAL}),
        lambda: f03_vae.densities(X[::-1], {"a": NORMAL}),
        lambda: f03_vae.monte_carlo_error([1, 10], [1.0, 0.0]),
        lambda: f03_vae.estimator_variance([0.1, 1.0], {"a": [1.0]}, {"a": [1.0]}),
        lambda: f03_vae.latent_variances({1.0: [1.0, 2.0], 4.0: [1.0]}),
        lambda: f03_vae.bound([0.0, 1], [float("nan"), -2], -1.5),
    ],
)
def test_what_does_not_fit_is_refused(draw):
    with pytest.raises(DataError):
        draw()
