"""A kind of model is one object: a new one is a module, a recipe and a line; nothing else has to know of it."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from a2d import datasets, training
from a2d.cli import main
from a2d.errors import ModelError, RecipeError
from a2d.evaluator import AccuracyNet
from a2d.lab import kinds, models, recipes, runs
from a2d.lab.kinds.classifier import ClassifierTask
from a2d.lab.kinds.evaluator import EvaluatorTask, FinetuneTask
from a2d.lab.kinds.generator import GeneratorTask
from a2d.lab.kinds.image_vae import ImageVaeTask
from a2d.pairing import Targets

TOY = '''
"""A generator without a latent: one matrix from the features to the pixels, trained on squared error."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from a2d.evaluator import read
from a2d.features import MfccConfig
from a2d.lab.kinds import Kind, Recipe


@dataclass(frozen=True)
class ToyConfig:
    """``n_features``: length of the audio vector."""

    n_features: int = 40


@dataclass(frozen=True)
class ToyRecipe(Recipe):
    features: MfccConfig
    model: ToyConfig


class Toy(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config, self.map = config, nn.Linear(config.n_features, 784)

    def forward(self, features):
        return self.map(features / 100).sigmoid().view(-1, 28, 28)

    @torch.inference_mode()
    def draw(self, features, rng=None):
        return self(features)


class ToyTask:
    def __init__(self, recipe, features, digits, means, seed):
        torch.manual_seed(seed)
        self.model, self.features, self.targets, self.n_items = Toy(recipe.model), features, means[digits], len(digits)

    def loss(self, indices, rng, progress):
        return (self.model(self.features[indices]) - self.targets[indices]).square().mean(), {}

    def validate(self, rng):
        return {}


class ToyKind(Kind):
    recipe, tables = ToyRecipe, {"features": MfccConfig, "model": ToyConfig}

    def build(self, tables):
        return Toy(tables["model"])

    def task(self, recipe, setting):
        from a2d import datasets
        from a2d.lab.kinds.spoken import set_for
        from a2d.pairing import Targets

        spoken, images = set_for(setting, recipe.features), datasets.load_images("builtin")
        means = Targets(images.pixels, images.labels).means()
        return ToyTask(recipe, *spoken.part("train"), means, setting.seed), spoken.facts

    def evaluate(self, model, setting):
        from a2d.lab.kinds.spoken import part_to_test

        spoken, features, digits, part = part_to_test(setting.data, model.features, model.meta)
        grey = float(model.net.draw(features).mean())
        return {"kind": "toy", "data": {"name": spoken.name, "part": part, "n": len(digits)}, "grey": grey}, {}


KIND = ToyKind()
'''
RECIPE = 'kind = "toy"\n[training]\nepochs = 3\nlr = 1e-2\n'


@pytest.fixture
def toy(tmp_path, monkeypatch) -> Path:
    """A folder with a module and a recipe; the kind is registered by one line."""
    (tmp_path / "toy_kind.py").write_text(TOY)
    (tmp_path / "toy.toml").write_text(RECIPE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(kinds.KINDS, "toy", "toy_kind:KIND")
    yield tmp_path
    sys.modules.pop("toy_kind", None)


def test_a_new_kind_is_trained_loaded_and_evaluated(toy, few_clips):
    card = runs.train(toy / "toy.toml", few_clips, toy / "run", progress=False)
    assert card["kind"] == "toy"
    assert len(card["history"]["loss"]) == 3
    assert card["history"]["loss"][-1] < card["history"]["loss"][0]
    model = models.load(toy / "run", "toy")
    assert model.net.draw(torch.zeros(2, 40)).shape == (2, 28, 28)
    assert model.features.n_mfcc == 40
    result = runs.evaluate(toy / "run", few_clips, progress=False)
    assert result["data"]["part"] == "test"
    assert 0 < result["grey"] < 1
    assert json.loads((toy / "run" / "evaluation" / "clips" / "metrics.json").read_text())["grey"] == result["grey"]


def test_a_new_kind_is_known_to_the_command_line(toy, few_clips):
    done = CliRunner().invoke(main, ["train", str(toy / "toy.toml"), "--data", str(few_clips), "--out", str(toy / "r")])
    assert done.exit_code == 0, done.output
    assert "Trained toy: loss" in done.output
    done = CliRunner().invoke(main, ["evaluate", str(toy / "r"), "--data", str(few_clips)])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("toy on clips, test part, n = ")


def test_recipes_of_a_new_kind_are_checked(toy):
    with pytest.raises(RecipeError, match="unknown key 'targets'"):
        recipes.parse({"kind": "toy", "targets": {}})
    with pytest.raises(RecipeError, match=r"n_features = 1\.5|1\.5 is not a whole number"):
        recipes.parse({"kind": "toy", "model": {"n_features": 1.5}})


def test_an_unknown_kind_is_told():
    with pytest.raises(ModelError, match="kind = 'toy' is unknown"):
        kinds.get("toy")


@pytest.mark.parametrize("name", list(kinds.KINDS))
def test_every_kind_is_whole(name):
    kind = kinds.get(name)
    assert issubclass(kind.recipe, kinds.Recipe)
    hints = set(kind.recipe.__dataclass_fields__) - {"name", "kind", "about", "training"}
    assert hints == set(kind.tables)
    recipe = recipes.parse({"kind": name})
    tables = {table: getattr(recipe, table) for table in kind.tables}
    assert isinstance(kind.build(tables), torch.nn.Module)


def test_evaluating_a_shipped_model_never_writes_into_the_package(tmp_path, monkeypatch, few_clips):
    """From Python too, not only on the command line."""
    weights = tmp_path / "a2d" / "weights"
    weights.mkdir(parents=True)
    for path in models.FOLDER.glob("report-builtin.*"):
        shutil.copy(path, weights)
    shutil.copy(models.FOLDER / "evaluator.safetensors", weights)
    monkeypatch.setattr(models, "FOLDER", weights)
    monkeypatch.chdir(tmp_path)
    before = sorted(weights.rglob("*"))
    # by its name, and by its path
    for run in ("report-builtin", weights / "report-builtin.safetensors"):
        result = runs.evaluate(run, few_clips, images="builtin", evaluators=("evaluator",), progress=False)
        assert Path(result["folder"]) == Path("evaluations") / "report-builtin" / "clips"
        assert sorted(weights.rglob("*")) == before
    assert (tmp_path / "evaluations" / "report-builtin" / "clips" / "metrics.json").is_file()


# ------------------------------------------------------------------------------------------------------- devices


class Elsewhere:
    """A task that looks where its model is while it is trained."""

    def __init__(self) -> None:
        self.model, self.n_items, self.seen = torch.nn.Linear(3, 1), 8, set()

    def loss(self, indices: Tensor, rng: torch.Generator, progress: float) -> tuple[Tensor, dict[str, float]]:
        self.seen.add((self.model.weight.device.type, rng.device.type, indices.device.type))
        return self.model(torch.ones(len(indices), 3, device=self.model.weight.device)).square().mean(), {}

    def validate(self, rng: torch.Generator) -> dict[str, float]:
        return {}


def test_the_model_is_moved_and_comes_back():
    task = Elsewhere()
    training.fit(task, training.TrainConfig(epochs=1), seed=0, device="cpu")
    assert task.seen == {("cpu", "cpu", "cpu")}
    assert task.model.weight.device.type == "cpu"


def test_random_streams_are_apart():
    draws = {torch.rand(1, generator=training.stream(s, name)).item() for s in (0, 1) for name in training.STREAMS}
    assert len(draws) == 2 * len(training.STREAMS)
    assert training.stream(3, "reading").initial_seed() == training.epoch_seed(3, 10**6)
    assert training.stream(3, "kept noise").initial_seed() == training.epoch_seed(3, 10**6 + 7)


def _tasks() -> dict[str, training.Task]:
    """A tiny task of each kind."""
    rng = np.random.default_rng(0)
    images = datasets.Images("tiny", rng.integers(0, 256, (40, 28, 28), dtype=np.uint8), np.arange(40) % 10)
    features, digits = torch.randn(20, 40), torch.arange(20) % 10
    generator, mlp, sweep = (recipes.load(name) for name in ("report", "audio-mlp", "beta-sweep"))
    fixed = replace(generator, targets=replace(generator.targets, rule="fixed"))
    mean = replace(generator, targets=replace(generator.targets, rule="mean"))
    targets = Targets(images.pixels, images.labels)
    return {
        "generator": GeneratorTask(generator, features, digits, targets, seed=0),
        "generator, fixed": GeneratorTask(fixed, features, digits, targets, seed=0),
        "generator, mean": GeneratorTask(mean, features, digits, targets, seed=0),
        "classifier": ClassifierTask(mlp, features, digits, seed=0),
        "image-vae": ImageVaeTask(sweep, images, seed=0),
        "evaluator": EvaluatorTask(images, images, seed=0),
        "finetune": FinetuneTask(AccuracyNet(), images.pixels / np.float32(255), images.labels),
    }


# A fixed target's number is made by NumPy, which cannot be pretended.
@pytest.mark.parametrize("name", [name for name in _tasks() if name != "generator, fixed"])
def test_every_loss_is_computed_where_the_model_is(name, monkeypatch):
    """On a pretended GPU: tensors without content, of which torch knows the device; those of two devices do not mix."""
    task = _tasks()[name]
    monkeypatch.setattr(torch.Tensor, "item", lambda self: 0.0)  # there is nothing to read
    monkeypatch.setattr(torch.Tensor, "__bool__", lambda self: True)
    monkeypatch.setattr(Targets, "_check", lambda *_: None)
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    with mode:
        for module in task.model.modules():
            for held in (module._parameters, module._buffers):
                for key, value in held.items():
                    moved = mode.from_tensor(value.detach()).to("cuda")
                    held[key] = nn.Parameter(moved) if held is module._parameters else moved
        task.model.train()
        loss, _ = task.loss(torch.arange(8), torch.Generator(), 0.5)
        assert loss.device.type == "cuda"
        with pytest.raises(RuntimeError, match=r"Unhandled FakeTensor Device Propagation|same device|two different"):
            _ = loss * torch.ones(2)  # the pretence would notice


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU is here")
@pytest.mark.parametrize("name", list(_tasks()))
def test_training_on_a_gpu_ends_near_training_on_the_cpu(name):
    losses = []
    for device in ("cpu", "cuda"):
        task = _tasks()[name]
        history = training.fit(task, training.TrainConfig(epochs=2, lr=1e-3), seed=0, device=device)
        assert next(task.model.parameters()).device.type == "cpu"
        losses.append(history.series["loss"])
    np.testing.assert_allclose(losses[0], losses[1], rtol=0.05 if "fine" in name or "evaluator" in name else 1e-3)
