"""The figures of lecture 03: their words tell of their data, and bad input is refused."""

from __future__ import annotations

import numpy as np
import pytest

from a2d.errors import DataError
from a2d.figures import f03_vae

X = np.linspace(-3, 3, 601)
NORMAL = np.exp(-0.5 * X**2) / np.sqrt(2 * np.pi)
CODES = np.array([[0.0, 0.0], [0.1, 0.0], [4.0, 4.0], [4.1, 4.0]])


def images(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((n, 28, 28))


def tiles(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((n, n, 28, 28))


PICTURES = {
    "decoded_rows": lambda: f03_vae.decoded_rows(
        {"copies": images(6), "made": images(6, 1)}, {"copies": [1.0, 2, 3], "made": [9.0, 10, 50]}
    ),
    "walks": lambda: f03_vae.walks({"one": tiles(3)}, {"one": [[2.0, 9, 4], [4, 5, 6]]}),
    "latent_maps": lambda: f03_vae.latent_maps(
        {"near": CODES, "far": 3 * CODES}, [1, 1, 7, 7], {"near": tiles(2), "far": tiles(2, 1)}
    ),
    "bound": lambda: f03_vae.bound([0.0, 1, 2], [-4.0, -2, -3], -1.5, 1.0),
    "densities": lambda: f03_vae.densities(X, {"posterior": NORMAL, "q": np.roll(NORMAL, 100)}),
    "estimator_variance": lambda: f03_vae.estimator_variance(
        [0.1, 1.0], {"smooth": [0.04, 4.0], "score": [400.0, 40.0]}, {"smooth": [0.04, 4.0]}
    ),
    "beta_terms": lambda: f03_vae.beta_terms([0.1, 1, 10], [90.0, 100, 200], [40.0, 15, 0], {"20": [1.0, 0.4, 0]}),
    "latent_variances": lambda: f03_vae.latent_variances(
        {1.0: [1.0, 0.02, 0.001], 4.0: [0.5, 0.0, 0.009]}, {1.0: [2.0, 0.05, 0.0], 4.0: [1, 0.01, 0]}, (0.01, 0.1)
    ),
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


def test_the_walks_tell_ends_and_middle():
    assert "one: 4.0 at the ends and 7.0 in the middle, 1.8 times as far" in PICTURES["walks"]().text


def test_the_maps_count_what_lies_in_the_circle_and_who_is_next_to_whom():
    text = PICTURES["latent_maps"]().text
    assert "holds 86 % of the prior's draws" in text
    assert "near: 50 % of the codes, 100 % have a nearest neighbour of the same digit" in text
    mixed = f03_vae.latent_maps({"mixed": CODES}, [1, 7, 1, 7], {"mixed": tiles(2)}).text
    assert "0 % have a nearest neighbour of the same digit" in mixed


def test_the_bound_tells_its_gap_and_refuses_to_be_above():
    text = PICTURES["bound"]().text
    assert "comes nearest, to 0.500 nats, where the mean of q is 1.00" in text
    with pytest.raises(DataError, match=r"above ln p\(x\)"):
        f03_vae.bound([0.0, 1], [-2.0, -1], -1.5)


def test_densities_find_peaks_and_the_common_area():
    two = np.exp(-8 * (X - 1) ** 2) + np.exp(-8 * (X + 1) ** 2)
    text = f03_vae.densities(X, {"two": two, "one": NORMAL}).text
    assert "Peaks: at -1.00 and 1.00 (two); at 0.00 (one)." in text
    same = f03_vae.densities(X, {"one": NORMAL, "again": NORMAL}).text
    assert "100 % of the area below again lies below one, too." in same


def test_variances_are_compared_with_each_other_and_with_algebra():
    text = PICTURES["estimator_variance"]().text
    assert "score over smooth: between 10 and 10,000 times" in text
    assert "at most 0 %" in text


def test_active_latents_are_counted():
    told = "Of 3 latents: 2 active and 1 used for beta = 1; 1 active and 1 used for beta = 4."
    assert PICTURES["latent_variances"]().text == told
    assert "20: 100 % to 0 %" in PICTURES["beta_terms"]().text


@pytest.mark.parametrize(
    "draw",
    [
        lambda: f03_vae.decoded_rows({"a": images(3), "b": images(4)}, {"a": [1.0]}),
        lambda: f03_vae.latent_maps({"a": CODES[:, :1]}, [1, 1, 7, 7], {"a": tiles(2)}),
        lambda: f03_vae.latent_maps({"a": CODES}, [1, 1, 7, 7], {"b": tiles(2)}),
        lambda: f03_vae.walks({"a": tiles(3)}, {"a": [[1.0, 2]]}),
        lambda: f03_vae.densities(X, {"a": -NORMAL}),
        lambda: f03_vae.densities(X[::-1], {"a": NORMAL}),
        lambda: f03_vae.estimator_variance([0.1, 1.0], {"a": [1.0]}, {"a": [1.0]}),
        lambda: f03_vae.latent_variances({1.0: [1.0, 2.0], 4.0: [1.0]}, {1.0: [1.0, 2.0], 4.0: [1.0]}, (0.01, 0.1)),
        lambda: f03_vae.latent_variances({1.0: [1.0]}, {4.0: [1.0]}, (0.01, 0.1)),
        lambda: f03_vae.bound([0.0, 1], [float("nan"), -2], -1.5),
    ],
)
def test_what_does_not_fit_is_refused(draw):
    with pytest.raises(DataError):
        draw()
