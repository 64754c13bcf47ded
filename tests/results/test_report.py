"""The report's protocol and what stands beside it, on tiny data: what is compared with what, and by whom."""

from __future__ import annotations

import math
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from scipy import stats

from a2d import datasets, vae
from a2d.evaluator import AccuracyNet, as_images
from a2d.lab import recipes
from a2d.lab.kinds import generator
from a2d.lab.kinds.generator import GeneratorTask
from a2d.pairing import Targets
from results import evaluators, faithful, goals, listening, pool, tables


@pytest.fixture
def tiny(monkeypatch, few_clips, tmp_path):
    """60 recordings of three speakers, 200 images, one epoch, two seeds, networks that have learnt nothing."""
    real, images, spoken = recipes.load, datasets.load_images, datasets.load_spoken
    coarse = lambda net, x: torch.nn.functional.avg_pool2d(as_images(x), 7).flatten(1).numpy()  # noqa: E731

    def load(name):
        recipe = real(name)
        small = {"model": replace(recipe.model, channels=4, hidden=(16,))} if recipe.kind == "generator" else {}
        return replace(recipe, training=replace(recipe.training, epochs=2), **small)

    def few_images(name, part="train"):
        all_of_them = images("builtin", part)
        return datasets.Images(name, all_of_them.pixels[:200], all_of_them.labels[:200])

    def nets(work, recipe, seeds=None):
        torch.manual_seed(len(recipe))
        return [AccuracyNet().eval() for _ in evaluators.SEEDS]

    monkeypatch.setattr(pool, "JOBS", 1)
    monkeypatch.setattr(recipes, "load", load)
    monkeypatch.setattr(datasets, "load_images", few_images)
    monkeypatch.setattr(datasets, "load_spoken", lambda name: spoken(few_clips))
    monkeypatch.setattr(datasets, "split_by_recording", _balanced_split)
    monkeypatch.setattr(evaluators, "SEEDS", (0, 1))
    monkeypatch.setattr(evaluators, "nets", nets)
    monkeypatch.setattr(evaluators, "first", lambda work, recipe: nets(work, recipe)[0])
    monkeypatch.setattr(faithful, "SPEAKER_SEEDS", (20,))
    for module in (faithful, goals, listening):
        monkeypatch.setattr(module, "SEEDS", (20, 21))
    monkeypatch.setattr(faithful, "LOOKS", (1, 2))
    monkeypatch.setattr(faithful, "N_ANNOTATED", 10)
    for module in (generator, goals):
        monkeypatch.setattr(module, "embed", coarse)
    return tmp_path


def _balanced_split(n: int, seed: int) -> datasets.Split:
    """Every digit in every part: recordings are sorted by speaker, digit and take (3 x 10 x 2)."""
    speaker = np.arange(n) // 20
    return datasets.Split(*(np.flatnonzero(speaker == (s + seed) % 3) for s in range(3)))


def test_the_protocol_reads_every_generator_before_and_after_its_own_fine_tuning(tiny, monkeypatch):
    annotated, tuned = [], []
    real = faithful.images_to_annotate

    def images_to_annotate(net, features, digits, *, seed):
        annotated.append(len(digits))
        return real(net, features, digits, seed=seed, n=10)

    def finetuned(net, pictures, labels, seed):
        tuned.append((len(pictures), seed))
        return net

    monkeypatch.setattr(faithful, "images_to_annotate", images_to_annotate)
    monkeypatch.setattr(faithful, "finetuned", finetuned)
    faithful.train_all(tiny)
    found = faithful.measure(tiny)
    for name in faithful.GENERATORS:
        row = found[name]
        for key in ("evaluator_untouched_sampled", "evaluator-adam_finetuned_mean", "audio_mlp", "greyness"):
            assert len(row["recording"][key]["values"]) == 2
        # Fine-tuning that changes nothing changes no number: before and after are of the same drawings.
        for evaluator in evaluators.RECIPES:
            before, after = (row["recording"][f"{evaluator}_{w}_sampled"] for w in ("untouched", "finetuned"))
            assert before == after
        assert set(row["speaker"]["audio_mlp"]["by_speaker"]) == {"01", "02", "03"}
        assert "greyness" not in row["speaker"], "measures of drawings are taken on the random split"
        assert np.shape(row["mnist_errors_by_digit"]["evaluator_finetuned"]) == (2, 10)
    grid = faithful.spread(tiny)["report-plain"]["evaluator"]
    assert np.shape(grid["untouched"]) == np.shape(grid["finetuned"]) == (2, 2)
    first = [line[0] for line in grid["untouched"]]
    assert first == found["report-plain"]["recording"]["evaluator_untouched_sampled"]["values"], "the shipped training"
    assert {n for n, _ in tuned} == {10}
    assert {seed for _, seed in tuned} == {20, 21}
    assert [len(curve["untouched"]) for curve in found["while_training"]["by_seed"]] == [2, 2]
    assert found["overlap"]["speakers"] == 3


def test_the_interval_over_speakers_is_students():
    rng = np.random.default_rng(0)
    values = {f"{n}": rng.uniform(0, 1, 5).tolist() for n in range(6)}
    found = faithful.over_speakers(values)
    means = [np.mean(v) for v in values.values()]
    low, high = stats.t.interval(0.95, 5, np.mean(means), stats.sem(means))
    assert (found["low"], found["high"]) == pytest.approx((low, high))


def test_objectives_differ_in_the_objective_alone():
    base = asdict(recipes.load("report"))
    for name, recipe in goals.candidates().items():
        other = asdict(recipe)
        assert {k: v for k, v in other.items() if k not in ("name", "about", "model")} == {
            k: v for k, v in base.items() if k not in ("name", "about", "model")
        }
        changed = {k for k, v in other["model"].items() if base["model"][k] != v}
        assert changed <= {"likelihood", "sigma"} or changed == {"beta"} or name == "cross-entropy"


def test_objectives_are_measured_by_both_evaluators_and_beside_looking_up(tiny, monkeypatch):
    faithful.train_all(tiny)
    goals.train_all(tiny)
    stamps = {path: path.stat().st_mtime_ns for path in tiny.rglob("*.safetensors")}
    found, pictures = goals.measure(tiny)
    assert list(found["rows"]) == [*goals.candidates(), "look-up"]
    assert pictures.shape == (len(found["picture_rows"]), 10, 28, 28)
    for name, row in found["rows"].items():
        assert len(row["evaluator_sampled"]["values"]) == len(row["evaluator-adam_confidence"]["values"]) == 2
        assert ("kl" in row) == (name != "look-up")
    assert found["rows"]["beta 0"]["kl"]["mean"] > found["rows"]["beta 4"]["kl"]["mean"]
    assert found["still"]["class medians"]["greyness"] < found["still"]["class means"]["greyness"]
    again, same = goals.measure(tiny)
    assert again == found
    assert torch.equal(same, pictures)
    assert {path: path.stat().st_mtime_ns for path in tiny.rglob("*.safetensors")} == stamps


def test_looking_up_shows_an_image_of_the_digit_that_was_heard():
    images = datasets.load_images("builtin")
    targets = Targets(images.pixels, images.labels)

    class Hears:
        def predict(self, features):
            return features[:, 0].long()

    net = goals.LookUp(Hears(), targets)
    digits = torch.arange(10).repeat(3)
    drawn = net.draw(digits[:, None].float(), torch.Generator().manual_seed(0))
    known = {p.tobytes(): int(c) for p, c in zip(images.pixels, images.labels, strict=True)}
    shown = [(picture * 255).round().to(torch.uint8).numpy().tobytes() for picture in drawn]
    assert [known[one] for one in shown] == digits.tolist()
    assert len(set(shown)) > 25, "another image each time"
    assert torch.equal(net.draw(digits[:, None].float()), net.draw(digits[:, None].float()))


def test_features_over_time_keep_what_their_name_says():
    rng = np.random.default_rng(0)
    frames = rng.normal(size=(24, 5))
    assert listening.summary(frames, "mean") == pytest.approx(frames.mean(0))
    assert listening.summary(frames, "mean and deviation")[5:] == pytest.approx(frames.std(0))
    assert listening.summary(frames, "thirds")[5:10] == pytest.approx(frames[8:16].mean(0))
    assert listening.summary(frames, "eighths").shape == (40,)
    shuffled = frames[rng.permutation(24)]
    assert listening.summary(shuffled, "mean and deviation") == pytest.approx(
        listening.summary(frames, "mean and deviation")
    )
    assert not np.allclose(listening.summary(shuffled, "thirds"), listening.summary(frames, "thirds"))
    for n in range(1, 12):  # a word of few frames
        assert np.isfinite(listening.summary(frames[:n], "eighths")).all()


def test_each_sort_of_features_is_heard_and_drawn(tiny):
    found = listening.measure(tiny)["sorts"]
    assert [row["n_features"] for row in found.values()] == [40, 80, 120, 320]
    for row in found.values():
        assert row["heard_recording"]["n"] == row["drawn_recording"]["n"] == 2
        assert row["heard_speaker"]["n"] == 3


def test_blur_moves_ink_and_medians_are_black_and_white():
    images = datasets.load_images("builtin")
    x = images.pixels[:50] / 255.0
    assert evaluators.blurred(x, 0.0) is x
    soft = evaluators.blurred(x, 1.0)
    assert soft.sum() == pytest.approx(x.sum(), rel=0.01)
    assert soft.max() < x.max()
    assert evaluators._edges(soft) < 0.3 * evaluators._edges(x)
    median = evaluators.medians(images)
    assert median.shape == (10, 28, 28)
    assert median[3, 14, 14] == np.median(images.pixels[images.labels == 3, 14, 14]) / 255


def test_an_absolute_error_takes_several_targets_one_by_one(tiny):
    base = goals.candidates()["absolute error"]
    recipe = replace(base, targets=replace(base.targets, draws=3), model=replace(base.model, noise=0.0))
    images = datasets.load_images("mnist")
    targets = Targets(images.pixels, images.labels)
    rng = np.random.default_rng(0)
    features = torch.tensor(rng.normal(size=(12, 40))).float()
    digits = torch.arange(12) % 10
    task = GeneratorTask(recipe, features, digits, targets, seed=0)
    task.model.eval()
    items = torch.arange(12)
    loss, terms = task.loss(items, torch.Generator().manual_seed(3), 1.0)
    again = torch.Generator().manual_seed(3)
    output, mu, logvar = task.model(features, again)
    three = [task.targets.pixels[i].float() / 255 for i in targets.indices(digits.repeat(3), again).split(12)]
    scale = 1 / 3
    each = [((y - output.sigmoid()).abs() / scale + math.log(2 * scale)).sum((-2, -1)).mean() for y in three]
    assert terms["reconstruction"] == pytest.approx(float(sum(each) / 3), rel=1e-5)
    kl = float(vae.kl_divergence(mu, logvar).mean())
    assert loss.item() == pytest.approx(terms["reconstruction"] + kl, rel=1e-5)


def test_the_least_absolute_error_is_that_of_the_median():
    rng = torch.Generator().manual_seed(0)
    targets = torch.rand(101, 2, 2, generator=rng) ** 3
    median = targets.median(0).values

    def cost(y):
        return float(vae.laplace_nll(y.expand(101, 2, 2), targets, 1 / 3).mean())

    best = cost(median)
    assert all(best < cost(median + step) for step in (-0.05, 0.05))
    assert best < cost(targets.mean(0))


def test_tables_of_the_recorded_results_can_be_written():
    for name, table in tables.TABLES.items():
        text = table()
        assert text.count("\n") >= 2, name
        assert "nan" not in text


def test_recorded_protocol_was_measured_where_nothing_was_chosen():
    found = tables.results("protocol")
    assert set(found["seeds"]).isdisjoint(tables.results("choice")["seeds"])
    for name in faithful.GENERATORS:
        row = found[name]
        assert row["speaker"]["audio_mlp"]["n"] == 6
    assert found["overlap"]["different_in_all"] < 5 * found["overlap"]["in_a_test_part"]
