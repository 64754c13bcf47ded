"""The comparisons behind lectures 03, 04 and 08: their measures against brute force, their runs on tiny data."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest
import scipy.ndimage
import torch
from conftest import ROOT

from a2d import datasets, metrics, training
from a2d.errors import ModelError
from a2d.evaluator import as_images
from a2d.io import tensorfile
from a2d.lab import models, recipes, runs
from a2d.lab.kinds import generator
from a2d.lab.kinds.image_vae import ImageVaeTask
from a2d.pairing import Targets
from a2d.vae import AudioVAE, BetaSweep, SweepConfig
from results import comparisons, pool, staleness, tables
from results.comparisons import GradientProbe, Handwriting


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def images() -> datasets.Images:
    whole = datasets.load_images("builtin")
    return datasets.Images("builtin", whole.pixels[:300], whole.labels[:300])


def tiny_sweep(**training_changes) -> recipes.Recipe:
    values = {
        "kind": "image-vae",
        "model": {"latent": 2, "channels": 4, "hidden": 8},
        "sweep": {"betas": [0.5, 4.0]},
        "training": {"epochs": 2, "batch_size": 50, "average": 0.9, **training_changes},
    }
    return recipes.parse(values, name="tiny")


# --------------------------------------------------------------------------------------------------------- the sweep


def test_models_of_a_sweep_are_as_if_each_were_trained_alone(images):
    """They share batches and noise, and nothing else."""
    recipe = tiny_sweep()
    together = ImageVaeTask(recipe, images, seed=3)
    history = training.fit(together, recipe.training, seed=3)
    for beta in recipe.sweep.betas:
        alone = ImageVaeTask(replace(recipe, sweep=SweepConfig((beta,))), images, seed=3)
        own = training.fit(alone, recipe.training, seed=3)
        for name, value in alone.model[beta].state_dict().items():
            torch.testing.assert_close(together.model[beta].state_dict()[name], value, msg=name)
        for term in ("reconstruction", "kl"):
            key = f"{term}, beta {beta:g}"
            np.testing.assert_allclose(history.series[key], own.series[key], rtol=1e-5)
    assert history.series["reconstruction, beta 0.5"][1] < history.series["reconstruction, beta 0.5"][0]


def test_sweep_is_trained_resumed_and_evaluated_by_recipe(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(
        'kind = "image-vae"\n[model]\nchannels = 4\nhidden = 8\n[sweep]\nbetas = [0.5, 4]\n[training]\nepochs = 2\n'
    )
    card = runs.train(str(path), "builtin", tmp_path / "run", seed=1, progress=False)
    assert card["kind"] == "image-vae"
    assert len(card["history"]["kl, beta 4"]) == 2
    half = tmp_path / "half"
    task = ImageVaeTask(recipes.load(path), datasets.load_images("builtin"), seed=1)
    identity = {k: card[k] for k in ("recipe", "data")}
    training.fit(
        task, recipes.load(path).training, seed=1, out=half, identity=identity, on_epoch=lambda epoch, _: epoch == 0
    )
    again = runs.train(str(path), "builtin", half, seed=1, resume=True, progress=False)
    assert again["sha256"] == card["sha256"]
    result = runs.evaluate(tmp_path / "run", "builtin", progress=False)
    assert result["data"]["n"] == len(datasets.load_images("builtin", "test"))
    assert set(result["terms"]) == {"beta 0.5", "beta 4"}
    assert result["terms"]["beta 0.5"]["kl"] > result["terms"]["beta 4"]["kl"]
    assert (tmp_path / "run" / "evaluation" / "builtin" / "metrics.json").is_file()


def test_a_sweep_is_no_generator():
    with pytest.raises(ModelError, match="kind 'image-vae'; generator is needed"):
        models.load("beta-sweep", "generator")


def test_rows_of_a_sweep_compare_with_the_real_images(images):
    torch.manual_seed(0)
    sweep = BetaSweep(tiny_sweep().model, (0.5, 4.0)).eval()
    pixels = torch.tensor(images.pixels).float() / 255
    rows = comparisons.sweep_rows(sweep, pixels)
    assert list(rows) == ["0.5", "4"]
    row = rows["4"]
    again = sweep[4.0].reconstruct(pixels)
    assert row["beta"] == 4.0
    assert row["squared_error"] == pytest.approx(float((again - pixels).square().sum((1, 2)).mean()), rel=1e-5)
    assert row["rmse"] == pytest.approx(float((again - pixels).square().mean().sqrt()), rel=1e-5)
    assert 0 < row["sharpness"] < 0.2  # an untrained decoder's grey


# ------------------------------------------------------------------------------------------------- kept, or made anew


def test_trained_models_are_kept_until_recipe_or_seed_changes(images, tmp_path):
    path, made = tmp_path / "x.safetensors", []

    def get(recipe: recipes.Recipe, seed: int) -> models.Model:
        def make() -> ImageVaeTask:
            made.append(seed)
            return ImageVaeTask(recipe, images, seed=seed)

        return pool.trained(path, recipe, make, seed)

    first = get(tiny_sweep(epochs=1), 0)
    assert set(first.meta["history"]) >= {"loss", "kl, beta 4"}
    before = tensorfile.file_hash(path)
    get(tiny_sweep(epochs=1), 0)
    assert made == [0]
    assert tensorfile.file_hash(path) == before
    get(tiny_sweep(epochs=1), 1)
    get(tiny_sweep(epochs=1, lr=1e-2), 1)
    assert made == [0, 1, 1]
    assert tensorfile.file_hash(path) != before


# --------------------------------------------------------------------------------------------------- picture measures


def test_sharpness_is_the_variance_of_the_laplacian():
    pictures = torch.rand(4, 28, 28, generator=seeded())
    want = [scipy.ndimage.laplace(p.double().numpy())[1:-1, 1:-1].var() for p in pictures]
    assert comparisons.sharpness(pictures) == pytest.approx(np.mean(want), rel=1e-9)


def test_blur_lowers_sharpness_and_raises_greyness(images):
    pixels = images.pixels / 255.0
    soft = torch.tensor(np.stack([scipy.ndimage.gaussian_filter(p, 1.5) for p in pixels]))
    sharp = torch.tensor(pixels)
    assert comparisons.sharpness(soft) < 0.3 * comparisons.sharpness(sharp)
    assert metrics.greyness(soft.numpy()) > 1.2 * metrics.greyness(sharp.numpy())
    assert metrics.greyness((sharp > 0.5).numpy()) == 0
    assert metrics.greyness(np.full((1, 28, 28), 0.5)) == 1


def test_distances_to_handwriting_are_those_of_brute_force(images):
    hand = Handwriting(images)
    pictures, classes = torch.rand(7, 28, 28, generator=seeded()), torch.tensor([0, 1, 1, 5, 9, 9, 2])
    found = hand.compare(pictures, classes)
    real = torch.tensor(images.pixels).double() / 255
    to_mean, to_real, nearest = [], [], []
    for picture, c in zip(pictures.double(), classes, strict=True):
        members = real[torch.from_numpy(images.labels) == c]
        squares = (members - picture).square().sum((1, 2))
        to_mean.append((members.mean(0) - picture).square().sum())
        to_real.append(squares.mean())
        nearest.append(squares.min())
    for name, want in (("to_class_mean", to_mean), ("to_real", to_real), ("to_nearest_real", nearest)):
        assert found[name] == pytest.approx(float(torch.stack(want).mean()), rel=1e-4), name


def test_class_means_score_the_floor(images):
    """No constant picture per class has a lower cross-entropy or squared distance than the class mean."""
    hand = Handwriting(images)
    digits = torch.from_numpy(images.labels)
    floor = comparisons.floor(hand, digits)
    real = torch.tensor(images.pixels).double() / 255
    assert floor["spread"] == pytest.approx(float((real - hand.means[digits]).square().sum((1, 2)).mean()), rel=1e-5)

    def cross_entropy(pictures: torch.Tensor) -> float:
        p = pictures.double().clamp(1e-9, 1 - 1e-9)[digits]
        return float(-(real * p.log() + (1 - real) * (1 - p).log()).sum((1, 2)).mean())

    assert cross_entropy(hand.means) == pytest.approx(floor["reconstruction_bernoulli"], rel=1e-5)
    for s in range(3):
        other = hand.means + 0.02 * torch.randn(hand.means.shape, generator=seeded(s))
        assert cross_entropy(other.clamp(0, 1)) > floor["reconstruction_bernoulli"]


def test_strips_stand_row_by_row():
    pictures = torch.zeros(2, 3, 28, 28)
    pictures[1, 2] = 1
    strip = comparisons.strips(pictures)
    assert strip.shape == (56, 84)
    assert strip.dtype == np.uint8
    assert (strip[28:, 56:] == 255).all()
    assert strip.sum() == 28 * 28 * 255


# ------------------------------------------------------------------------------------------------ noise of the gradient


@pytest.fixture(scope="module")
def probe(images) -> GradientProbe:
    recipe = recipes.parse(
        {"kind": "generator", "features": {"n_mfcc": 5}, "model": {"n_features": 5, "hidden": [8], "latent": 3}}
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = AudioVAE(replace(recipe.model, channels=2))
    digits = torch.randint(0, 10, (60,), generator=seeded(1))
    return GradientProbe(net, torch.randn(60, 5, generator=seeded(2)), digits, Targets(images.pixels, images.labels))


def test_gradient_is_that_of_finite_differences(probe):
    items = torch.arange(20)
    gradient = probe.with_mean(items, 4)
    parameters = list(probe.net.parameters())
    direction = torch.randn(len(gradient), generator=seeded(5), dtype=torch.float64)

    def loss_at(step: float) -> float:
        from a2d.vae import negative_elbo

        start = 0
        with torch.no_grad():
            for p in parameters:
                p += step * direction[start : start + p.numel()].view_as(p)
                start += p.numel()
            output, mu, logvar = probe.net(probe.features[items], seeded(4))
            target = probe.means[probe.digits[items]]
            value = float(negative_elbo(output, target, mu, logvar, probe.net.config).loss.mean())
            start = 0
            for p in parameters:
                p -= step * direction[start : start + p.numel()].view_as(p)
                start += p.numel()
        return value

    slope = (loss_at(1e-5) - loss_at(-1e-5)) / 2e-5
    assert slope == pytest.approx(float(gradient @ direction), rel=1e-4)


def test_random_targets_have_no_bias_and_eight_draws_an_eighth_of_the_variance(probe):
    found = comparisons.target_noise(probe, size=30, repeats=150)["draws"]
    assert found["1"]["variance"] / found["8"]["variance"] == pytest.approx(8, rel=0.25)
    for draws in ("1", "8"):
        assert found[draws]["p"] > 0.01
    assert found["mean"]["variance"] == 0


def test_a_biased_gradient_is_noticed(probe, monkeypatch):
    """Had the targets been drawn from another class, the test for a bias would say so."""
    real = probe.targets.random
    monkeypatch.setattr(probe.targets, "random", lambda classes, *rest: real((classes + 1) % 10, *rest))
    assert comparisons.target_noise(probe, size=30, repeats=100)["draws"]["1"]["p"] < 0.01


def test_more_draws_leave_less_noise_in_a_step(probe):
    found = comparisons.whole_noise(probe, size=20, repeats=60)
    assert found["1"] > found["8"] > 0.9 * found["mean"] > 0


def test_noise_of_random_targets_averages_out_and_that_of_fixed_ones_stays(probe):
    found = comparisons.kept_noise(probe, epochs=64, assignments=60)
    random, fixed = found["random"], found["fixed"]
    assert list(random) == ["1", "2", "4", "8", "16", "32", "64"]
    assert random["64"] < random["1"] / 10
    assert fixed["mean"] == pytest.approx(random["1"], rel=0.6)  # before any averaging, one draw is as good as another
    assert fixed["n"] == 60
    items = torch.arange(60)
    assert torch.equal(probe.fixed(items, 0, 0), probe.fixed(items, 0, 0))
    assert not torch.equal(probe.fixed(items, 0, 0), probe.fixed(items, 1, 0))


# -------------------------------------------------------------------------------------------------- rules and choice


def test_rules_differ_from_the_plain_recipe_in_one_thing():
    plain = recipes.load("report-plain")
    for rule in comparisons.RULES:
        recipe = comparisons.rule_recipe(rule)
        assert (recipe.model, recipe.training, recipe.features) == (plain.model, plain.training, plain.features)
        assert recipe.targets == replace(plain.targets, rule=rule)
    gaussian = comparisons.rule_recipe("random", "gaussian")
    assert replace(gaussian.model, likelihood="bernoulli") == plain.model


def test_candidates_differ_from_the_reports_recipe_in_one_thing():
    found, full = comparisons.candidates(), recipes.load("report")
    assert len({comparisons.slug(name) for name in found}) == len(found)
    assert found["report"] == full
    assert found["report-plain"] == recipes.load("report-plain")
    flat = {
        f"{part}.{k}": v for part in ("model", "targets", "training") for k, v in asdict(getattr(full, part)).items()
    }
    for name, recipe in found.items():
        if not name.startswith("report, "):
            continue
        other = {
            f"{part}.{k}": v
            for part in ("model", "targets", "training")
            for k, v in asdict(getattr(recipe, part)).items()
        }
        assert len([k for k in flat if flat[k] != other[k]]) == 1, name


def test_the_highest_mean_is_chosen():
    assert comparisons.choose({"a": [0.5, 0.7], "b": [0.9, 0.2], "c": [0.6, 0.61]}) == "c"
    assert comparisons.choose({"a": [0.5], "b": [0.5]}) == "a"


@pytest.fixture
def short(monkeypatch, few_clips) -> str:
    """Recipes of one epoch on a folder of 60 recordings: what comes out is no good, how it comes out is the point."""
    real, whole = recipes.load, datasets.load_images

    def load(name):
        recipe = real(name)
        small = {"model": replace(recipe.model, channels=4, hidden=(16,))} if recipe.kind == "generator" else {}
        return replace(recipe, training=replace(recipe.training, epochs=1), **small)

    def load_images(name, part="train"):
        images = whole("builtin", part)
        return datasets.Images(name, images.pixels[:200], images.labels[:200])

    monkeypatch.setattr(pool, "JOBS", 1)
    monkeypatch.setattr(recipes, "load", load)
    monkeypatch.setattr(datasets, "load_images", load_images)
    monkeypatch.setattr(datasets, "split_by_recording", _balanced_split)
    return str(few_clips)


def _balanced_split(n: int, seed: int) -> datasets.Split:
    """Every digit in every part: recordings are sorted by speaker, digit and take (3 x 10 x 2)."""
    speaker = np.arange(n) // 20
    parts = [np.flatnonzero(speaker == (s + seed) % 3) for s in range(3)]
    return datasets.Split(*parts)


def test_target_rules_are_compared_side_by_side(short, tmp_path, monkeypatch):
    # The evaluator's features are tested elsewhere, and take a minute here: 4 x 4 pixels stand in for them.
    coarse = lambda net, x: torch.nn.functional.avg_pool2d(as_images(x), 7).flatten(1).numpy()  # noqa: E731
    for module in (comparisons, generator):
        monkeypatch.setattr(module, "embed", coarse)
    found, pictures = comparisons.target_rules(tmp_path, (0, 1), short, "builtin")
    assert list(found["rules"]) == ["random", "fixed", "mean", "random, gaussian"]
    assert pictures.shape == (5, 10, 28, 28)
    assert found["picture_rows"] == [*found["rules"], "class means"]
    for name, rule in found["rules"].items():
        numbers = rule["numbers"]
        assert len(numbers["accuracy_sampled"]["values"]) == 2
        assert numbers["to_real"]["mean"] > numbers["to_class_mean"]["mean"] > 0
        assert len(rule["curves"]["kl"]) == found["epochs"] == 1
        assert ("train_to_own_target" in numbers) == (name == "fixed")
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert len(stamps) == 8
    again, _ = comparisons.target_rules(tmp_path, (0, 1), short, "builtin")
    assert again == found  # nothing is trained anew, nothing is drawn from a seed of nobody's
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == stamps


def test_choosing_looks_at_validation_parts_and_opens_a_test_part_once(short, tmp_path, monkeypatch):
    net = models.load("evaluator").net
    monkeypatch.setattr(
        comparisons,
        "candidates",
        lambda: {name: recipes.load(name) for name in ("report-plain", "report")},
    )
    opened = []
    real = runs.SpokenSet.part
    monkeypatch.setattr(runs.SpokenSet, "part", lambda self, name: opened.append(name) or real(self, name))
    found = comparisons.choosing(tmp_path, {"first": net, "second": net}, (0, 1), short)
    assert opened.count("test") == 2  # once for each seed, for the nested estimate
    assert opened.count("val") == 4
    assert found["chosen"] in ("report-plain", "report")
    best = max(v["first_sampled"]["mean"] for v in found["validation"].values())
    assert found["validation"][found["chosen"]]["first_sampled"]["mean"] == best
    by_seed = {name: v["first_sampled"]["values"] for name, v in found["validation"].items()}
    for row in found["nested"]:
        values = {name: v[row["seed"]] for name, v in by_seed.items()}
        assert values[row["chosen"]] == max(values.values()) == row["validation"]
    paired = found["against_report"]["report-plain"]["values"]
    assert paired == pytest.approx(np.subtract(by_seed["report-plain"], by_seed["report"]).tolist())
    assert "report" not in found["against_report"]


# ------------------------------------------------------------------------------------------- what the lectures read

# What the other two are made from is told in words.
recorded = pytest.mark.parametrize("name", sorted({*staleness.MADE_BY} - {"finetuning", "report-evaluation"}))


@recorded
def test_recorded_results_name_their_command_data_and_seeds(name):
    found = tables.results(name)
    step = found["command"].removeprefix("python -m results.reproduce ")
    from results import reproduce

    assert step in reproduce.STEPS
    assert found["seeds"]
    assert all(len(h) == 64 for h in found["data"].values())


def test_recorded_betas_show_collapse_with_two_dimensions_and_with_twenty():
    found = tables.results("beta")
    for latent in (2, 20):
        rows = list(found[f"latent {latent}"].values())
        kl, active = [r["kl"] for r in rows], [r["active_units"] for r in rows]
        assert [r["beta"] for r in rows] == sorted(r["beta"] for r in rows)
        assert kl == sorted(kl, reverse=True)
        assert active[0] == latent
        assert active[-1] == 0
        assert all(len(r["kl_by_dimension"]) == latent for r in rows)
    assert found["latent 2"]["1"]["kl"] == models.card("beta-sweep")["figures"]["beta 1"]["kl"]


def test_recorded_pictures_are_as_many_as_their_rows():
    from PIL import Image

    for name in ("likelihood", "objectives", "targets"):
        with Image.open(ROOT / "results" / f"{name}.png") as picture:
            assert picture.size == (280, 28 * len(tables.results(name)["picture_rows"]))
            assert picture.mode == "L"
        assert (ROOT / "results" / f"{name}.png").stat().st_size < 40_000


def test_recorded_spreads_are_those_of_their_values():
    for rule in tables.results("targets")["rules"].values():
        for entry in rule["numbers"].values():
            again = metrics.mean_and_spread(entry["values"])
            assert again.pop("values") == entry["values"]
            assert again == pytest.approx({k: v for k, v in entry.items() if k != "values"})
    choice = tables.results("choice")
    assert set(choice["seeds"]).isdisjoint(tables.results("protocol")["seeds"]), "measured where nothing was chosen"
    assert choice["chosen"] in choice["validation"]


def test_recorded_voices_count_the_takes_that_changed():
    found = tables.results("adapting")
    for rows in found["takes"].values():
        assert len(rows) == 6
        for row in rows.values():
            assert (row["won"] - row["lost"]) / row["n"] == pytest.approx(row["after"] - row["before"], abs=1e-6)
            assert 0 <= row["p"] <= 1
