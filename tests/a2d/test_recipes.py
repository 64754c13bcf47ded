"""Recipes: what is shipped loads; what is wrong is refused with the key's name and what to do."""

from __future__ import annotations

import json
import math
from dataclasses import fields

import pytest

from a2d.errors import RecipeError
from a2d.features import MfccConfig
from a2d.lab import kinds, recipes

GOOD = {
    "kind": "generator",
    "features": {"n_mfcc": 13},
    "model": {"n_features": 13, "hidden": [32, 16], "latent": 4},
    "targets": {"rule": "fixed"},
    "training": {"epochs": 2, "lr": 1},
}


def changed(**tables) -> dict:
    values = {k: dict(v) if isinstance(v, dict) else v for k, v in GOOD.items()}
    for name, content in tables.items():
        values[name] = {**values.get(name, {}), **content} if isinstance(content, dict) else content
    return values


@pytest.mark.parametrize("name", recipes.names())
def test_shipped_recipes_load_and_survive_a_round_trip(name):
    recipe = recipes.load(name)
    assert recipe.name == name
    assert recipe.about.endswith(".")
    again = recipes.parse(json.loads(json.dumps(recipe.as_dict())))
    assert again == recipe
    assert recipe.training.epochs >= 1


def test_all_of_the_reports_parts_are_shipped():
    assert {"report", "audio-mlp", "evaluator", "finetuned"} <= set(recipes.names())
    report = recipes.load("report")
    assert (report.kind, report.features.n_mfcc, report.targets.rule) == ("generator", 40, "random")
    assert report.model.likelihood == "bernoulli"
    assert report.model.beta == 1.0


def test_plain_values_become_the_dataclasses():
    recipe = recipes.parse(GOOD)
    assert recipe.features == MfccConfig(n_mfcc=13)
    assert recipe.model.hidden == (32, 16)
    assert isinstance(recipe.training.lr, float)
    assert "finetune" not in recipe.as_dict()


def test_file_is_read_by_its_path(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('kind = "classifier"\n[features]\nn_mfcc = 5\ntop_db = 60\n[model]\nn_features = 5\n')
    recipe = recipes.load(path)
    assert (recipe.name, recipe.kind, recipe.features.top_db) == ("mine", "classifier", 60.0)
    assert not hasattr(recipe, "targets")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (changed(model={"hiden": [3]}), r"unknown key 'hiden'.*Did you mean hidden"),
        (changed(training={"epoch": 3}), r"\[training\].*unknown key 'epoch'.*Did you mean epochs"),
        (changed(modle={"latent": 3}), r"unknown key 'modle'.*Did you mean model"),
        (changed(features={"zzz": 3}), r"unknown key 'zzz'.*Known are sample_rate"),
        (changed(finetune={"policy": "labels"}), "unknown key 'finetune'"),
    ],
)
def test_unknown_keys_are_refused_with_the_nearest_known_one(values, message):
    with pytest.raises(RecipeError, match=message):
        recipes.parse(values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (changed(training={"epochs": "3"}), "epochs.*'3' is not a whole number"),
        (changed(training={"epochs": 3.0}), "epochs.*3.0 is not a whole number"),
        (changed(training={"epochs": True}), "epochs.*True is not a whole number"),
        (changed(training={"lr": "fast"}), "lr.*'fast' is not a"),
        (changed(training={"lr": True}), "lr.*True is not a"),
        (changed(training={"lr": math.inf}), "lr"),
        (changed(model={"beta": math.nan}), "beta"),
        (changed(model={"sigma": math.inf}), "sigma"),
        (changed(model={"hidden": 256}), "hidden.*256 is not a list of int"),
        (changed(model={"hidden": [256, "x"]}), "hidden.*is not a list of int"),
        (changed(model={"hidden": []}), "hidden"),
        (changed(model={"likelihood": "poisson"}), "likelihood.*is not one of 'bernoulli', 'gaussian'"),
        (changed(features={"fmax": "high"}), "fmax.*'high' is not a"),
        (changed(targets={"rule": "best"}), "rule.*is not one of 'random', 'fixed', 'mean'"),
        (changed(training=3), "training must be a table"),
        (changed(sweep={"betas": [1.0]}), "unknown key 'sweep'"),
        (changed(model={"latent": 0}), "latent = 0 is out of its range"),
        (changed(features={"hop_length": 5000}), "hop_length = 5000 is out of its range"),
    ],
)
def test_wrong_types_and_values_are_named(values, message):
    with pytest.raises(RecipeError, match=message) as caught:
        recipes.parse(values)
    assert caught.value.hint  # what to do about it


@pytest.mark.parametrize("kind", [None, "vae", 3, ["generator"]])
def test_unknown_kinds_are_refused(kind):
    with pytest.raises(RecipeError, match=r"kind = .* is unknown.*Use one of generator"):
        recipes.parse(changed(kind=kind))


@pytest.mark.parametrize("kind", ["generator", "classifier"])
def test_features_and_model_must_fit(kind):
    values = changed(kind=kind, features={"n_mfcc": 12})
    if kind == "classifier":
        del values["targets"]
        del values["model"]["latent"]
    with pytest.raises(RecipeError, match="the model takes 13 features, n_mfcc is 12"):
        recipes.parse(values)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"kind = ", "cannot read this recipe"), (b"\xff\xfe", "cannot read this recipe"), (b"", "kind = None")],
)
def test_files_that_are_no_recipe_are_refused(tmp_path, content, message):
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(RecipeError, match=message):
        recipes.load(path)


def test_unknown_names_are_refused_with_the_known_ones(tmp_path):
    with pytest.raises(RecipeError, match=r"no such recipe.*audio-mlp.*report"):
        recipes.load("reprot")
    with pytest.raises(RecipeError, match="cannot read this recipe"):
        recipes.load(tmp_path / "absent.toml")


@pytest.mark.parametrize(("kind", "part"), [(k, p) for k in kinds.KINDS for p in (*kinds.get(k).tables, "training")])
def test_every_setting_is_explained(kind, part):
    """Each field of each table stands in its class's docstring, or its name says it all (features)."""
    cls = type(recipes.table(kind, part, {}))
    obvious = {"sample_rate", "n_fft", "hop_length", "n_mels", "n_mfcc", "fmin", "fmax", "optimizer"}
    unexplained = [f.name for f in fields(cls) if f.name not in obvious and f"``{f.name}``" not in (cls.__doc__ or "")]
    assert set(unexplained) <= {"likelihood", "gamma", "weight_decay", "policy"}


def test_sweep_is_read_with_whole_numbers_too():
    recipe = recipes.parse({"kind": "image-vae", "sweep": {"betas": [0, 0.5, 1]}})
    assert recipe.sweep.betas == (0.0, 0.5, 1.0)
    assert all(type(b) is float for b in recipe.sweep.betas)
    assert not hasattr(recipe, "features")
    assert recipes.parse(json.loads(json.dumps(recipe.as_dict()))) == recipe


@pytest.mark.parametrize(
    ("betas", "message"),
    [
        ([], "makes no sense"),
        ([1.0, 1.0], "makes no sense"),
        ([1.0, -1.0], "makes no sense"),
        ([math.nan], "nan is not a finite number"),
        ([True], "True is not a finite number"),
        (["1"], "'1' is not a finite number"),
        (1.0, "1.0 is not a list of float"),
    ],
)
def test_betas_that_make_no_sense_are_refused(betas, message):
    with pytest.raises(RecipeError, match=message) as caught:
        recipes.parse({"kind": "image-vae", "sweep": {"betas": betas}})
    assert caught.value.hint
