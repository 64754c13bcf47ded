"""Trained models: saved and loaded to the last bit; what is missing, damaged or of another kind is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from a2d.errors import ModelError
from a2d.io import tensorfile
from a2d.lab import models, recipes

SMALL = {
    "generator": {"features": {"n_mfcc": 5}, "model": {"n_features": 5, "hidden": [8], "latent": 2, "channels": 2}},
    "classifier": {"features": {"n_mfcc": 5}, "model": {"n_features": 5, "hidden": [8]}},
    "image-vae": {"model": {"latent": 2, "channels": 2, "hidden": 8}, "sweep": {"betas": [0.5, 2]}},
    "evaluator": {},
    "finetune": {},
}


def saved(folder, kind: str, half: bool = False, **changes):
    recipe = recipes.parse({"kind": kind, **SMALL[kind]}).as_dict()
    torch.manual_seed(0)
    net = models.build(kind, recipe)
    if hasattr(net, "scaler"):
        net.scaler.fit(torch.randn(30, 5) * 40 - 100)
    models.save(folder / models.MODEL_FILE, net, {"kind": kind, "recipe": recipe, "seed": 0, **changes}, half)
    return net


@pytest.mark.parametrize("kind", SMALL)
def test_round_trip_is_exact_and_gives_eval_mode(tmp_path, kind):
    net = saved(tmp_path, kind)
    model = models.load(tmp_path)
    assert model.kind == kind
    assert not model.net.training
    assert model.meta["seed"] == 0
    for name, value in net.state_dict().items():
        assert torch.equal(model.net.state_dict()[name], value), name
    assert models.load(tmp_path / models.MODEL_FILE, kind).path == model.path
    if kind in ("generator", "classifier"):
        assert model.features.n_mfcc == 5


def test_same_model_same_bytes(tmp_path):
    hashes = set()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        saved(tmp_path / name, "generator")
        hashes.add(tensorfile.file_hash(tmp_path / name / models.MODEL_FILE))
    assert len(hashes) == 1


@pytest.mark.parametrize("kind", ["generator", "evaluator"])
def test_half_the_size_draws_and_reads_the_same_for_the_eye(tmp_path, kind):
    net = saved(tmp_path, kind).eval()
    full = (tmp_path / models.MODEL_FILE).stat().st_size
    saved(tmp_path, kind, half=True)
    assert (tmp_path / models.MODEL_FILE).stat().st_size < (0.6 if kind == "evaluator" else 0.95) * full
    small = models.load(tmp_path).net
    assert all(v.dtype == torch.float32 for v in small.state_dict().values())
    if kind == "generator":
        x = torch.randn(6, 5) * 40 - 100
        np.testing.assert_allclose(small.draw(x), net.draw(x), atol=2e-3)
    else:
        x = torch.rand(6, 1, 28, 28)
        with torch.no_grad():
            np.testing.assert_allclose(small(x), net(x), atol=5e-3)


def test_model_of_another_kind_is_refused(tmp_path):
    saved(tmp_path, "classifier")
    with pytest.raises(ModelError, match="kind 'classifier'; generator is needed"):
        models.load(tmp_path, "generator")


@pytest.mark.parametrize("name", ["nothing-like-it", "no/such/folder"])
def test_missing_model_is_refused(name):
    with pytest.raises(ModelError, match=r"there is no such model.*a2d train"):
        models.load(name)


def test_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"no model\.safetensors in this folder"):
        models.load(tmp_path)


def test_damaged_files_are_refused(tmp_path):
    saved(tmp_path, "generator")
    path = tmp_path / models.MODEL_FILE
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for content in (b"", b"PK\x03\x04", whole[: len(whole) // 2], whole[:-4], rng.bytes(500)):
        path.write_bytes(content)
        with pytest.raises(ModelError, match="not a readable safetensors file"):
            models.load(tmp_path)


def test_flipped_bytes_in_the_header_never_end_in_a_traceback(tmp_path):
    saved(tmp_path, "classifier")
    path = tmp_path / models.MODEL_FILE
    whole = path.read_bytes()
    header = 8 + int.from_bytes(whole[:8], "little")
    rng, refused = np.random.default_rng(1), 0
    for position in rng.integers(0, header, 150).tolist():
        path.write_bytes(whole[:position] + bytes([int(rng.integers(256))]) + whole[position + 1 :])
        try:
            models.load(tmp_path)
        except ModelError:
            refused += 1
    assert refused > 75


def test_foreign_safetensors_file_is_refused(tmp_path):
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(3)}, tmp_path / models.MODEL_FILE)
    with pytest.raises(ModelError, match="not written by a2d"):
        models.load(tmp_path)


@pytest.mark.parametrize(
    "meta",
    [
        {},
        {"kind": "generator"},
        {"kind": "generator", "recipe": "x"},
        {"kind": "generator", "recipe": {"model": {"latent": 9}}},
        {"kind": "generator", "recipe": {"model": {"nonsense": 9}}},
        {"kind": "evaluator", "recipe": {}},
        {"kind": "poem", "recipe": {}},
        {"kind": ["generator"], "recipe": {}},
    ],
)
def test_tensors_that_do_not_fit_the_recipe_are_refused(tmp_path, meta):
    saved(tmp_path, "generator")
    tensors, _ = tensorfile.load(tmp_path / models.MODEL_FILE)
    tensorfile.save(tmp_path / models.MODEL_FILE, tensors, meta)
    with pytest.raises(ModelError):
        models.load(tmp_path)


def test_numbers_that_are_not_finite_are_neither_written_nor_read(tmp_path):
    from safetensors.torch import save_file

    net = saved(tmp_path, "classifier")
    path = tmp_path / models.MODEL_FILE
    whole = path.read_bytes()
    net.head.bias.data[3] = float("nan")
    meta = tensorfile.load(path)[1]
    with pytest.raises(ModelError, match=r"head\.bias holds NaN"):
        models.save(path, net, meta)
    assert path.read_bytes() == whole
    save_file(net.state_dict(), path, metadata={"a2d": json.dumps(meta)})
    with pytest.raises(ModelError, match=r"head\.bias holds NaN"):
        models.load(tmp_path)


@pytest.mark.parametrize("name", models.names())
def test_shipped_models_are_as_their_cards_say(name):
    card, model = models.card(name), models.load(name)
    assert card["kind"] == model.kind
    assert card["sha256"] == tensorfile.file_hash(model.path)
    assert model.path.stat().st_size < 6e6


def test_card_of_an_unknown_model_is_refused():
    with pytest.raises(ModelError, match="no such shipped model"):
        models.card("nothing-like-it")


def test_shipped_sweep_uses_its_latent_less_the_more_that_costs():
    card, sweep = models.card("beta-sweep"), models.load("beta-sweep", "image-vae").net
    assert models.load("beta-sweep").path.stat().st_size < 2e6
    assert 1.0 in sweep.betas
    assert sweep[1.0].config.latent == 2
    rows = [card["figures"][f"beta {b:g}"] for b in sweep.betas]
    kl = [row["kl"] for row in rows]
    assert kl == sorted(kl, reverse=True)
    assert rows[-1]["active_units"] == 0  # posterior collapse
    assert rows[0]["active_units"] == 2
    # The ELBO is what beta = 1 asks for: no other model of the sweep has a better one.
    assert min(rows, key=lambda row: row["negative_elbo"]) is rows[sweep.betas.index(1.0)]


def test_shipped_sweep_behaves_on_images_as_its_card_says():
    from a2d import datasets
    from a2d.vae import elbo_terms

    sweep = models.load("beta-sweep").net
    images = torch.tensor(datasets.load_images("builtin", "test").pixels).float() / 255
    terms = [elbo_terms(sweep[b], images, torch.Generator().manual_seed(0)) for b in (0.1, 1.0, 8.0, 32.0)]
    assert [t["active_units"] for t in terms] == [2, 2, 2, 0]
    kl = [t["kl"] for t in terms]
    assert kl == sorted(kl, reverse=True)
    assert max(t["reconstruction"] for t in terms[:3]) < terms[3]["reconstruction"]
