"""The numbers that the course reports: coverage, diversity and distance where the true value is known."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import scipy.linalg

from a2d import metrics
from a2d.errors import DataError

# --------------------------------------------------------------------------------------------------------- recognition


def test_recognition_is_the_share_of_hits(rng):
    spoken = rng.integers(0, 10, 200)
    read = np.where(rng.random(200) < 0.8, spoken, (spoken + 1) % 10)
    estimate = metrics.recognition(read, spoken)
    assert estimate.value == (read == spoken).mean()
    assert estimate.low <= estimate.value <= estimate.high
    assert estimate.n == 200
    assert json.loads(json.dumps(estimate.as_dict()))["level"] == 0.95
    assert str(metrics.Estimate(0.8229, 0.8, 0.85, 100)) == "82.3 % (80.0 to 85.0)"


def test_recognition_is_seeded_and_its_interval_is_the_bootstraps(rng):
    spoken, read = np.zeros(150, int), (rng.random(150) > 0.8).astype(int)
    a, b = (metrics.recognition(read, spoken, seed=3) for _ in range(2))
    assert a == b
    # resampling items one by one, as the textbook has it
    hits = read == spoken
    means = [hits[rng.integers(0, 150, 150)].mean() for _ in range(4000)]
    np.testing.assert_allclose([a.low, a.high], np.quantile(means, [0.025, 0.975]), atol=0.012)


@pytest.mark.parametrize(("n", "p", "level"), [(300, 0.8, 0.95), (300, 0.5, 0.8), (2000, 0.95, 0.95)])
def test_interval_covers_the_truth_as_often_as_it_says(rng, n, p, level):
    trials = 500
    spoken = np.zeros(n, int)
    covered = 0
    for trial in range(trials):
        read = (rng.random(n) >= p).astype(int)
        estimate = metrics.recognition(read, spoken, seed=trial, resamples=600, level=level)
        covered += estimate.low <= p <= estimate.high
    # 4 standard errors of the simulation, and 2 % for the percentile bootstrap's own (known) shortfall
    slack = 4 * math.sqrt(level * (1 - level) / trials) + 0.02
    assert abs(covered / trials - level) < slack


@pytest.mark.parametrize(("read", "spoken"), [([], []), ([1, 2], [1]), ([[1]], [[1]])])
def test_readings_that_do_not_fit_are_refused(read, spoken):
    with pytest.raises(DataError, match="one length"):
        metrics.recognition(np.array(read), np.array(spoken))


def test_confusion_has_spoken_digits_in_rows():
    table = metrics.confusion(np.array([1, 7, 7, 3]), np.array([1, 1, 7, 3]))
    assert table.shape == (10, 10)
    assert table.sum() == 4
    assert table[1, 1] == table[1, 7] == table[7, 7] == table[3, 3] == 1


# ----------------------------------------------------------------------------------------------------------- diversity


def clouds(rng, n=400, d=12):
    labels = rng.integers(0, 10, n)
    return 5 * rng.normal(size=(10, d))[labels] + rng.normal(size=(n, d)), labels


def test_within_class_distance_is_the_mean_over_pairs(rng):
    features, labels = clouds(rng, 60, 4)
    want = np.mean(
        [
            np.mean([np.linalg.norm(a - b) for i, a in enumerate(x) for b in x[:i]])
            for c in range(10)
            if len(x := features[labels == c]) > 1
        ]
    )
    assert metrics.within_class_distance(features, labels) == pytest.approx(want)


def test_one_picture_per_class_has_no_diversity(rng):
    real, labels = clouds(rng)
    constant = 100 * rng.random((10, real.shape[1]))[labels]
    assert metrics.diversity(constant, labels, real, labels) == pytest.approx(0, abs=1e-5)
    assert metrics.within_class_distance(np.full((20, 784), 0.3), np.zeros(20)) == pytest.approx(0, abs=1e-5)


def test_two_samples_of_the_same_set_have_the_same_diversity(rng):
    features, labels = clouds(rng, 4000)
    assert metrics.diversity(features[::2], labels[::2], features[1::2], labels[1::2]) == pytest.approx(1, abs=0.03)
    assert metrics.diversity(3 * features, labels, features, labels) == pytest.approx(3)


def test_diversity_of_gaussians_has_its_closed_form(rng):
    # |x - y| for x, y ~ N(0, I_d) is sqrt(2) times a chi variable with d degrees of freedom
    d = 5
    want = 2 * math.gamma((d + 1) / 2) / math.gamma(d / 2)
    features = rng.normal(size=(10000, d))
    assert metrics.within_class_distance(features, np.arange(10000) % 10) == pytest.approx(want, rel=0.01)


def test_diversity_does_not_see_rotation_shift_or_the_number_of_items(rng):
    features, labels = clouds(rng, 2000)
    turn = scipy.linalg.qr(rng.normal(size=(12, 12)))[0]
    base = metrics.within_class_distance(features, labels)
    assert metrics.within_class_distance(features @ turn + 7, labels) == pytest.approx(base)
    assert metrics.within_class_distance(features[:500], labels[:500]) == pytest.approx(base, rel=0.03)


def test_large_classes_are_sampled_with_the_seed(rng):
    features, labels = rng.normal(size=(900, 3)), np.zeros(900, int)
    a, b, c = (metrics.within_class_distance(features, labels, seed=s, most=100) for s in (0, 0, 1))
    assert a == b != c
    assert a == pytest.approx(metrics.within_class_distance(features, labels, most=1000), rel=0.1)


def test_no_pair_no_distance():
    assert math.isnan(metrics.within_class_distance(np.ones((3, 2)), np.array([0, 1, 2])))


# --------------------------------------------------------------------------------------------------- Frechet distance


def with_moments(rng, mean, deviations, n=50):
    """Data whose sample mean and sample covariance are exactly the given ones (diagonal covariance)."""
    x = rng.normal(size=(n, len(mean)))
    x -= x.mean(0)
    x = x @ np.linalg.inv(np.linalg.cholesky(np.cov(x, rowvar=False))).T
    return x * deviations + mean


def test_distance_to_itself_is_zero(rng):
    x = rng.normal(size=(300, 20)) * np.linspace(0.1, 5, 20)
    assert metrics.frechet_distance(x, x) == pytest.approx(0, abs=1e-8)
    assert metrics.frechet_distance(x, x[::-1]) == pytest.approx(0, abs=1e-8)


def test_distance_of_diagonal_gaussians_has_its_closed_form(rng):
    m1, m2 = rng.normal(size=6), rng.normal(size=6)
    s1, s2 = rng.uniform(0.1, 3, 6), rng.uniform(0.1, 3, 6)
    a, b = with_moments(rng, m1, s1), with_moments(rng, m2, s2, 80)
    want = ((m1 - m2) ** 2).sum() + ((s1 - s2) ** 2).sum()
    assert metrics.frechet_distance(a, b) == pytest.approx(want, rel=1e-9)
    turn = scipy.linalg.qr(rng.normal(size=(6, 6)))[0]
    assert metrics.frechet_distance(a @ turn, b @ turn) == pytest.approx(want, rel=1e-9)


def test_distance_is_the_textbooks_for_full_covariances(rng):
    a, b = (rng.normal(size=(200, 8)) @ rng.normal(size=(8, 8)) for _ in range(2))
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = np.real(scipy.linalg.sqrtm(cov_a @ cov_b))
    want = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(cov_a + cov_b - 2 * root)
    assert metrics.frechet_distance(a, b) == pytest.approx(want, rel=1e-7)
    assert metrics.frechet_distance(b, a) == pytest.approx(want, rel=1e-7)


def test_distance_of_a_shift_alone_is_its_square_even_with_fewer_items_than_dimensions(rng):
    x = rng.normal(size=(20, 128))
    shift = np.zeros(128)
    shift[3] = 2.0
    assert metrics.frechet_distance(x, x + shift) == pytest.approx(4.0, abs=1e-4)
    assert metrics.frechet_distance(np.ones((5, 1)), np.zeros((5, 1))) == pytest.approx(1.0)


@pytest.mark.parametrize(("a", "b"), [((5, 3), (5, 4)), ((1, 3), (5, 3)), ((5,), (5,))])
def test_features_that_do_not_fit_are_refused(a, b):
    with pytest.raises(DataError, match="features have shapes"):
        metrics.frechet_distance(np.zeros(a), np.zeros(b))


# -------------------------------------------------------------------------------------------------------------- seeds


def test_mean_and_spread_of_several_seeds():
    out = metrics.mean_and_spread([0.8, 0.82, 0.84])
    assert out["mean"] == pytest.approx(0.82)
    assert out["sd"] == pytest.approx(0.02)
    assert (out["min"], out["max"], out["n"]) == (0.8, 0.84, 3)
    assert metrics.mean_and_spread([0.5])["sd"] == 0.0


# --------------------------------------------------------------------------------------------------------- calibration


def test_reliability_counts_and_averages_each_bin():
    table = metrics.reliability(np.array([0.1, 0.3, 0.45, 1.0]), np.array([True, False, True, True]), bins=2)
    assert table.count.tolist() == [3, 1]
    np.testing.assert_allclose(table.confidence, [0.85 / 3, 1.0])
    np.testing.assert_allclose(table.accuracy, [2 / 3, 1.0])
    empty = metrics.reliability(np.array([0.9]), np.array([True]), bins=4)
    assert empty.count.tolist() == [0, 0, 0, 1]
    assert np.isnan(empty.accuracy[:3]).all()


def test_calibration_error_is_what_scikit_learn_s_bins_give(rng):
    from sklearn.calibration import calibration_curve

    sure = rng.random(500)
    right = rng.random(500) < sure**2
    accuracy, confidence = calibration_curve(right, sure, n_bins=8)
    weights = np.bincount(np.minimum((sure * 8).astype(int), 7), minlength=8) / 500
    expected = (weights * np.abs(accuracy - confidence)).sum()
    np.testing.assert_allclose(metrics.calibration_error(sure, right, 8), expected)


def test_calibration_error_of_the_sure_and_of_the_honest(rng):
    assert metrics.calibration_error(np.ones(10), np.zeros(10, bool)) == 1
    assert metrics.calibration_error(np.ones(10), np.ones(10, bool)) == 0
    sure = rng.random(100_000)
    assert metrics.calibration_error(sure, rng.random(100_000) < sure) < 0.01


@pytest.mark.parametrize(("sure", "right"), [([], []), ([0.5], [True, False]), ([1.5], [True]), ([np.nan], [True])])
def test_confidences_that_do_not_fit_are_refused(sure, right):
    with pytest.raises(DataError):
        metrics.calibration_error(np.array(sure), np.array(right, bool))


def test_inception_score_is_between_one_and_the_number_of_classes():
    sure = np.eye(10)[np.arange(50) % 10]
    assert metrics.inception_score(sure) == pytest.approx(10, rel=1e-6)
    assert metrics.inception_score(sure[:1].repeat(50, 0)) == pytest.approx(1)  # always the same class
    assert metrics.inception_score(np.full((50, 10), 0.1)) == pytest.approx(1)  # never sure
    halves = np.repeat([[0.9, 0.1], [0.1, 0.9]], 7, 0)  # exp(KL(0.9, 0.1 | 0.5, 0.5)), by hand
    assert metrics.inception_score(halves) == pytest.approx(1.4450, abs=1e-4)
