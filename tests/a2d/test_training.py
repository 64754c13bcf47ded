"""The training loop: repeatable, resumable to the last bit, and never leaving half a file behind."""

from __future__ import annotations

import copy
import importlib
import json
import math
import os
import signal
import sys
import time
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from a2d import datasets, training
from a2d.cli import main
from a2d.errors import A2DError, ModelError, RecipeError, TrainingError
from a2d.evaluator import AccuracyNet
from a2d.io import tensorfile
from a2d.lab import recipes
from a2d.lab.kinds.classifier import ClassifierTask
from a2d.lab.kinds.evaluator import EvaluatorTask, FinetuneTask
from a2d.lab.kinds.generator import GeneratorTask
from a2d.pairing import Targets
from a2d.training import Averager, History, TrainConfig, fit, learning_rate

ADAM = TrainConfig(epochs=5, batch_size=16, lr=3e-3, schedule="cosine", average=0.9)
ADADELTA = TrainConfig(
    epochs=4, batch_size=16, optimizer="adadelta", lr=1.0, schedule="step", weight_decay=1e-4, average=0.99
)


@pytest.fixture(scope="module")
def images() -> datasets.Images:
    return datasets.load_images("builtin", "test")


def generator_task(images: datasets.Images, seed: int, rule: str = "random") -> GeneratorTask:
    recipe = recipes.parse(
        {
            "kind": "generator",
            "features": {"n_mfcc": 6},
            "model": {"n_features": 6, "hidden": [16], "latent": 3, "channels": 4, "dropout": 0.2, "noise": 0.1},
            "targets": {"rule": rule},
        }
    )
    source = torch.Generator().manual_seed(0)
    features, digits = torch.randn(70, 6, generator=source), torch.arange(70) % 10
    torch.manual_seed(1)
    evaluator = AccuracyNet().eval()
    targets = Targets(images.pixels, images.labels)
    return GeneratorTask(
        recipe, features, digits, targets, seed=seed, validation=(features, digits), evaluator=evaluator
    )


def classifier_task(images: datasets.Images, seed: int) -> ClassifierTask:
    recipe = recipes.parse(
        {
            "kind": "classifier",
            "features": {"n_mfcc": 6},
            "model": {"n_features": 6, "hidden": [16], "dropout": 0.3, "noise": 0.2},
        }
    )
    features, digits = torch.randn(70, 6, generator=torch.Generator().manual_seed(0)), torch.arange(70) % 10
    return ClassifierTask(recipe, features, digits, seed=seed, validation=(features, digits))


def evaluator_task(images: datasets.Images, seed: int) -> EvaluatorTask:
    few = datasets.Images("few", images.pixels[:48], images.labels[:48])
    return EvaluatorTask(few, few, seed=seed)


def finetune_task(images: datasets.Images, seed: int) -> FinetuneTask:
    torch.manual_seed(3)
    return FinetuneTask(AccuracyNet(), images.pixels[:40], images.labels[:40])


CASES = {
    "generator, adam": (generator_task, ADAM),
    "generator, adadelta": (generator_task, ADADELTA),
    "classifier, adam": (classifier_task, ADAM),
    "evaluator, adadelta": (evaluator_task, ADADELTA),
    "evaluator, adam": (evaluator_task, ADAM),
    "finetune, adam": (finetune_task, replace(ADAM, schedule="constant", average=0.0)),
}
every_case = pytest.mark.parametrize(("make", "config"), CASES.values(), ids=CASES.keys())


def state(task) -> dict[str, torch.Tensor]:
    return {k: v.clone() for k, v in task.model.state_dict().items()}


def assert_same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> None:
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]), f"{name} differs by up to {(a[name] - b[name]).abs().max()}"


# -------------------------------------------------------------------------------------------------------- repeatable


@every_case
def test_same_seed_same_numbers_and_other_seed_others(images, make, config):
    runs = []
    for seed in (7, 7, 8):
        task = make(images, seed)
        before = state(task)
        runs.append((fit(task, replace(config, epochs=2), seed=seed).series, state(task)))
        assert any(not torch.equal(before[k], runs[-1][1][k]) for k in before)
        torch.randn(5)  # what the caller draws in between must not matter
    assert runs[0][0] == runs[1][0]
    assert_same(runs[0][1], runs[1][1])
    assert runs[0][0]["loss"] != runs[2][0]["loss"]


def test_loss_falls(images):
    task = generator_task(images, 0, rule="mean")
    series = fit(task, replace(ADAM, epochs=15, lr=1e-2, average=0.0), seed=0).series
    assert set(series) == {"loss", "reconstruction", "kl", "accuracy"}
    assert all(len(v) == 15 for v in series.values())
    assert series["loss"][-1] < 0.75 * series["loss"][0]


def test_epoch_seeds_differ_and_are_torchs():
    seeds = {training.epoch_seed(s, e) for s in range(40) for e in range(40)}
    assert len(seeds) == 1600
    assert all(0 <= s < 2**63 for s in seeds)


@every_case
def test_callers_random_state_is_untouched(images, make, config):
    task = make(images, 1)
    torch.manual_seed(11)
    np.random.seed(11)  # noqa: NPY002
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    fit(task, replace(config, epochs=1), seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    assert (np.random.get_state()[1] == numpy_before).all()  # noqa: NPY002


def test_every_item_is_seen_once_per_epoch_in_a_new_order():
    seen: list[list[int]] = []

    class Recording:
        model, n_items = nn.Linear(1, 1), 23

        def loss(self, indices, rng, progress):
            seen.append(indices.tolist())
            progresses.append(progress)
            return self.model(torch.ones(1, 1)).sum() ** 2, {"size": float(len(indices))}

        def validate(self, rng):
            assert not self.model.training
            return {}

    progresses: list[float] = []
    history = fit(Recording(), TrainConfig(epochs=3, batch_size=5), seed=0)
    orders = [list(chain(*seen[5 * e : 5 * e + 5])) for e in range(3)]
    assert all(sorted(order) == list(range(23)) for order in orders)
    assert orders[0] != orders[1] != orders[2]
    assert progresses == pytest.approx([i / 15 for i in range(15)])
    # a mean per item, not per batch: four batches of 5 and one of 3
    assert history.series["size"] == pytest.approx([(4 * 25 + 9) / 23] * 3)


# ------------------------------------------------------------------------------------------------------------ resume


@every_case
def test_resumed_run_ends_as_an_uninterrupted_one(images, make, config, tmp_path):
    whole = make(images, 3)
    history = fit(whole, config, seed=3, identity={"data": "x"})
    for stop in range(1, config.epochs):
        out = tmp_path / str(stop)
        first = make(images, 3)
        fit(first, config, seed=3, out=out, identity={"data": "x"}, on_epoch=lambda e, _, stop=stop: e + 1 == stop)
        torch.randn(9)
        second = make(images, 3)
        with torch.no_grad():
            for parameter in second.model.parameters():
                parameter.add_(1.0)  # nothing of a fresh model may be left after a resume
        went_on = fit(second, config, seed=3, out=out, identity={"data": "x"}, resume=True)
        assert went_on.epochs == config.epochs
        assert went_on.series == history.series
        assert_same(state(second), state(whole))
    done = make(images, 3)  # resuming a finished run changes nothing
    assert fit(done, config, seed=3, out=out, identity={"data": "x"}, resume=True).series == history.series
    assert_same(state(done), state(whole))


def test_resume_without_a_checkpoint_starts_anew(images, tmp_path):
    a, b = classifier_task(images, 0), classifier_task(images, 0)
    fit(a, ADAM, seed=0)
    fit(b, ADAM, seed=0, out=tmp_path, resume=True)
    assert_same(state(a), state(b))


@pytest.mark.parametrize("other", ["seed", "data", "lr", "epochs", "average", "optimizer"])
def test_checkpoint_of_another_run_is_refused(images, tmp_path, other):
    config = replace(ADAM, epochs=2)
    fit(classifier_task(images, 0), config, seed=0, out=tmp_path, identity={"data": "a"})
    content = (tmp_path / training.CHECKPOINT).read_bytes()
    changed = {"lr": 1e-4, "epochs": 3, "average": 0.5, "optimizer": "adadelta"}
    now = replace(config, **{other: changed[other]}) if other in changed else config
    seed, identity = int(other == "seed"), {"data": "b" if other == "data" else "a"}
    with pytest.raises(ModelError, match="another recipe, seed or data set"):
        fit(classifier_task(images, 0), now, seed=seed, out=tmp_path, identity=identity, resume=True)
    assert (tmp_path / training.CHECKPOINT).read_bytes() == content


def test_checkpoint_that_does_not_fit_the_model_is_refused(images, tmp_path):
    config = replace(ADAM, epochs=1)
    fit(generator_task(images, 0), config, seed=0, out=tmp_path)
    with pytest.raises(ModelError, match="does not fit the model"):
        fit(classifier_task(images, 0), config, seed=0, out=tmp_path, resume=True)


def test_damaged_checkpoint_is_refused(images, tmp_path):
    config = replace(ADAM, epochs=1)
    fit(classifier_task(images, 0), config, seed=0, out=tmp_path)
    path = tmp_path / training.CHECKPOINT
    whole = path.read_bytes()
    for content in (b"", b"junk", whole[:100], whole[:-1], b"\xff" * 8 + whole[8:], whole[:9] + b"!" + whole[10:]):
        path.write_bytes(content)
        with pytest.raises(ModelError, match="not a readable safetensors file"):
            fit(classifier_task(images, 0), config, seed=0, out=tmp_path, resume=True)


def test_checkpoint_is_written_atomically(images, tmp_path, monkeypatch):
    """When writing fails in the middle the old checkpoint is still there, whole, and nothing else."""
    config = replace(ADAM, epochs=3)
    fit(classifier_task(images, 0), config, seed=0, out=tmp_path, on_epoch=lambda e, _: e == 0)
    path = tmp_path / training.CHECKPOINT
    whole = path.read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(A2DError, match="No space left on device"):
        fit(classifier_task(images, 0), config, seed=0, out=tmp_path, resume=True)
    assert path.read_bytes() == whole
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


# ------------------------------------------------------------------------------------------------------------ errors


def test_loss_that_is_not_finite_says_where_and_what_to_do(images):
    task = generator_task(images, 0)
    with pytest.raises(TrainingError, match=r"the loss became (nan|inf) in epoch 1, step \d+.*Lower the learning rate"):
        fit(task, replace(ADAM, lr=1e20, schedule="constant"), seed=0)


def test_nothing_to_train_on():
    class Empty:
        model, n_items = nn.Linear(1, 1), 0

    with pytest.raises(TrainingError, match="nothing to train on"):
        fit(Empty(), TrainConfig(), seed=0)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("epochs", 0),
        ("batch_size", 0),
        ("optimizer", "sgd"),
        ("lr", 0.0),
        ("lr", float("inf")),
        ("lr", float("nan")),
        ("schedule", "linear"),
        ("gamma", 0.0),
        ("warmup", 1.0),
        ("weight_decay", -1.0),
        ("average", 1.0),
    ],
)
def test_settings_out_of_range_are_named(key, value):
    with pytest.raises(RecipeError, match=key):
        replace(ADAM, **{key: value})


# ------------------------------------------------------------------------------------------- learning rate, averaging


def test_constant_rate():
    assert {learning_rate(TrainConfig(lr=0.5), s, 10) for s in range(100)} == {0.5}


def test_step_rate_is_torchs_step_lr():
    config = TrainConfig(epochs=6, lr=1.0, schedule="step", gamma=0.7)
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.7)
    for epoch in range(6):
        for step in range(4):
            want = optimizer.param_groups[0]["lr"]
            assert learning_rate(config, 4 * epoch + step, 4) == pytest.approx(want)
        optimizer.step()
        schedule.step()


@pytest.mark.parametrize("warmup", [0.0, 0.1, 0.5])
def test_cosine_rate_rises_to_lr_and_falls_towards_zero(warmup):
    config = TrainConfig(epochs=10, lr=2.0, schedule="cosine", warmup=warmup)
    rates = [learning_rate(config, s, 20) for s in range(200)]
    rise = max(1, round(200 * warmup))
    assert rates[: rise + 1] == sorted(rates[: rise + 1])
    assert rates[rise - 1] == rates[rise] == max(rates) == 2.0
    assert rates[rise:] == sorted(rates[rise:], reverse=True)
    assert 0 < rates[-1] < 1e-3
    assert rates[rise + (200 - rise) // 2] == pytest.approx(1.0, abs=0.01)  # half-way down


def test_cosine_rate_of_a_single_step():
    assert learning_rate(TrainConfig(epochs=1, lr=2.0, schedule="cosine"), 0, 1) == 2.0


def walk(decay: float, steps: int) -> tuple[nn.Linear, Averager, list[torch.Tensor]]:
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    averager, values = Averager(model, decay), []
    for _ in range(steps):
        with torch.no_grad():
            model.weight.add_(torch.randn(2, 3))
        averager.update()
        values.append(model.weight.detach().clone())
    return model, averager, values


def test_average_is_exponential_with_an_early_start_that_is_forgotten():
    torch.manual_seed(0)
    first = nn.Linear(3, 2).weight.detach().clone()
    _, averager, values = walk(0.9, 120)
    want = first
    for n, value in enumerate(values, start=1):
        decay = min(0.9, n / (n + 9))
        want = decay * want + (1 - decay) * value
    torch.testing.assert_close(averager.weights["weight"], want)


def test_swapping_twice_comes_back():
    model, averager, values = walk(0.9, 10)
    mean = averager.weights["weight"].clone()
    averager.swap()
    assert torch.equal(model.weight, mean)
    averager.swap()
    assert torch.equal(model.weight, values[-1])
    assert torch.equal(averager.weights["weight"], mean)


def test_no_averaging_leaves_the_weights():
    model, averager, values = walk(0.0, 10)
    averager.swap()
    assert torch.equal(model.weight, values[-1])
    assert averager.weights == {}


def test_history_counts_whole_epochs():
    history = History()
    assert history.epochs == 0
    history.append({"loss": 1.0, "kl": 2})
    history.append({"loss": 0.5, "kl": 1})
    assert history.epochs == 2
    assert history.series == {"loss": [1.0, 0.5], "kl": [2.0, 1.0]}


def test_two_players_are_trained_without_momentum():
    model = nn.Linear(2, 2)
    found = training.make_optimizer(model, TrainConfig(optimizer="adam-without-momentum"))
    assert (type(found), found.param_groups[0]["betas"]) == (torch.optim.Adam, (0.0, 0.99))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (TrainConfig(lr=0.01), torch.optim.Adam),
        (TrainConfig(lr=0.01, weight_decay=0.1), torch.optim.Adam),
        (TrainConfig(lr=1.0, optimizer="adadelta"), torch.optim.Adadelta),
        (TrainConfig(lr=0.5, optimizer="adadelta", weight_decay=0.1), torch.optim.Adadelta),
    ],
)
def test_optimizers_are_those_of_torch(ours, theirs):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    twin = copy.deepcopy(model)
    one = training.make_optimizer(model, ours)
    two = theirs(twin.parameters(), lr=ours.lr, weight_decay=ours.weight_decay)
    for step in range(50):
        x = torch.randn(16, 4, generator=torch.Generator().manual_seed(step))
        for net, optimizer in ((model, one), (twin, two)):
            optimizer.zero_grad()
            net(x).square().mean().backward()
            optimizer.step()
    for a, b in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


def test_an_optimizer_leaves_frozen_parameters_alone():
    model = nn.Linear(2, 2)
    model.bias.requires_grad_(False)
    assert len(training.make_optimizer(model, TrainConfig()).param_groups[0]["params"]) == 1


def test_finetuning_leaves_the_convolutions_alone(images):
    task = finetune_task(images, 0)
    before = state(task)
    fit(task, replace(ADAM, epochs=2, average=0.0), seed=0)
    after = state(task)
    for name in before:
        assert torch.equal(before[name], after[name]) == name.startswith("conv"), name


# ---------------------------------------------------------------------------------------------------- killed at random


RECIPE = """
kind = "generator"
[features]
n_mfcc = 10
[model]
n_features = 10
hidden = [16]
latent = 3
channels = 4
[training]
epochs = 25
batch_size = 8
schedule = "cosine"
average = 0.9
"""


# Importing torch takes seconds and is no interesting moment to be killed at: each trial is a fork of this process,
# in which everything is imported already, and runs the command line.


class Trainer:
    """Runs `a2d train ARGUMENTS --out OUT` in forks of this process."""

    def __init__(self, arguments: list[str], errors: Path):
        self.arguments, self.errors, self.child = arguments, errors, 0

    def start(self, out: Path) -> None:
        self.child = os.fork()
        if self.child:
            return
        code = 1
        try:
            with open(self.errors, "ab") as log:
                os.dup2(log.fileno(), 1)
                os.dup2(log.fileno(), 2)
            sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
            torch.set_num_threads(1)  # the threads of the pool are not there after a fork
            main([*self.arguments, "--out", str(out)])
        except SystemExit as end:
            code = end.code or 0
        finally:
            sys.stderr.flush()
            os._exit(code)

    def code(self) -> int:
        child, self.child = self.child, 0
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.fixture
def trainer(few_clips, random_evaluator, tmp_path):
    # what a run imports late, so that the forks find it there
    importlib.import_module("a2d.lab.runs")
    datasets.load_images("builtin")
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(RECIPE)
    arguments = ["train", recipe, "--data", few_clips, "--images", "builtin", "--evaluator", random_evaluator]
    trainer = Trainer([*map(str, arguments), "--seed", "4", "--resume"], tmp_path / "errors.txt")
    yield trainer
    if trainer.child:
        os.kill(trainer.child, signal.SIGKILL)
        trainer.code()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_killed_at_random_moments_and_resumed_the_model_is_the_same(trainer, tmp_path):
    """``kill -9`` on `a2d train` at 20 seeded moments: no file is corrupt, and --resume ends with the same bytes."""

    def finish(out: Path) -> str:
        trainer.start(out)
        assert trainer.code() == 0, (tmp_path / "errors.txt").read_text()[-2000:]
        return tensorfile.file_hash(out / "model.safetensors")

    finish(tmp_path / "warm")  # fills the cache of the features
    began = time.monotonic()
    want = finish(tmp_path / "whole")
    whole_time = time.monotonic() - began
    moments = np.random.default_rng(0).uniform(0, 0.5 * whole_time, 20)
    round_, killed, epochs = 0, 0, []
    for trial, moment in enumerate(moments):
        out = tmp_path / f"killed-{round_}"
        trainer.start(out)
        time.sleep(moment)
        os.kill(trainer.child, signal.SIGKILL)  # a zombie at worst: nobody has asked for its exit code yet
        killed += trainer.code() == -signal.SIGKILL
        if (out / training.CHECKPOINT).exists():
            meta = tensorfile.load(out / training.CHECKPOINT)[1]  # raises if it is corrupt
            epochs.append(meta["epoch"])
            assert all(len(v) == meta["epoch"] and all(map(math.isfinite, v)) for v in meta["history"].values())
        if (out / "model.safetensors").exists():
            assert tensorfile.file_hash(out / "model.safetensors") == want
        if (out / "card.json").exists():
            assert json.loads((out / "card.json").read_text())["sha256"] == want
        if trial % 5 == 4:  # carry on after five kills, then begin with a fresh folder
            assert finish(out) == want
            round_ += 1
    assert killed >= 15, "most kills must hit a running process"
    assert len(set(epochs)) >= 5, f"kills must hit different epochs of the training, not {epochs}"


def test_adamw_shrinks_weights_that_no_gradient_moves():
    def after_a_step(optimizer: str, gradient: float) -> float:
        layer = torch.nn.Linear(1, 1, bias=False)
        torch.nn.init.constant_(layer.weight, 2.0)
        config = training.TrainConfig(optimizer=optimizer, lr=0.1, weight_decay=0.5)
        layer.weight.grad = torch.full((1, 1), gradient)
        training.make_optimizer(layer, config).step()
        return float(layer.weight.detach())

    # Decoupled: a share lr * weight_decay of the weight. In Adam the decay is a gradient, and its first step is lr.
    assert after_a_step("adamw", 0.0) == pytest.approx(2 * (1 - 0.1 * 0.5))
    assert after_a_step("adam", 0.0) == pytest.approx(2 - 0.1, abs=1e-5)


def test_half_precision_is_used_where_the_processor_has_it_and_nowhere_else():
    x = torch.ones(4, 4)
    fast = bool(torch.cpu.get_capabilities().get("amx_bf16"))
    with training.half_precision(torch.device("cpu")):
        assert (x @ x).dtype == (torch.bfloat16 if fast else torch.float32)
    assert (x @ x).dtype == torch.float32
