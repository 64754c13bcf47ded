"""What stands behind lectures 09 and 10: Audio-MNIST's folds, and one network against two stages, on tiny data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import soundfile as sf
import torch

from a2d import datasets, training
from a2d.ears.cnn import Ear
from a2d.errors import DataError
from a2d.hands.flow import FlowConfig, FlowHands
from a2d.lab import recipes
from a2d.lab.kinds.classifier import ClassifierRecipe
from a2d.lab.kinds.ear import Sounds
from results import audiomnist, hands, joint, voices

RATE = 8000


def tone(digit: int, seconds: float = 0.3) -> np.ndarray:
    """A "word": a tone whose pitch is the digit's."""
    time = np.arange(round(seconds * RATE)) / RATE
    return 0.3 * np.sin(2 * np.pi * (200 + 300 * digit) * time) * np.hanning(len(time))


def tiny_ear(epochs: int = 1) -> voices.EarRecipe:
    base = voices.recipe()
    model = replace(base.model, channels=(8, 16), blocks=(1, 1))
    return replace(base, model=model, training=replace(base.training, epochs=epochs, batch_size=32, average=0.9))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> datasets.SpokenDigits:
    """Audio-MNIST's layout: speakers 01 to 60, one take of each digit."""
    root = tmp_path_factory.mktemp("audiomnist")
    for speaker in range(1, 61):
        (root / f"{speaker:02d}").mkdir()
        for digit in range(10):
            sf.write(root / f"{speaker:02d}" / f"{digit}_{speaker:02d}_0.wav", tone(digit), RATE)
    return datasets.load_spoken(root)


def test_the_published_folds_test_everybody_once(corpus):
    tests = audiomnist.folds(corpus)
    assert [len(test) for test in tests] == [120] * 5
    assert sorted(np.concatenate(tests).tolist()) == list(range(600))
    published = {"12", "47", "59", "15", "27", "41", "04", "11", "21", "31", "44", "50"}
    assert published in [set(corpus.speakers[test].tolist()) for test in tests]


def test_other_speakers_are_refused(tmp_path):
    (tmp_path / "01").mkdir()
    for digit in range(10):
        sf.write(tmp_path / "01" / f"{digit}_01_0.wav", tone(digit), RATE)
    with pytest.raises(DataError, match="a2d data fetch audiomnist"):
        audiomnist.folds(datasets.load_spoken(tmp_path))


def test_each_ear_is_measured_on_the_folds(corpus, tmp_path):
    mlp = recipes.load_as(ClassifierRecipe, "audio-mlp")
    found = audiomnist.measure(
        tmp_path, corpus, replace(mlp, training=replace(mlp.training, epochs=10)), tiny_ear(epochs=2)
    )
    assert list(found) == ["mean MFCCs, trained on them", "log-mel, trained on them", "log-mel, as shipped"]
    assert all(row["n"] == 5 for row in found.values())
    # Ten tones are easy for what was trained on them; who knows only people does not take them for digits.
    assert found["mean MFCCs, trained on them"]["mean"] > 0.9
    assert found["log-mel, as shipped"]["mean"] < 0.5


# ----------------------------------------------------------------------------------------------- one network


@pytest.fixture
def one_network() -> joint.OneNetwork:
    torch.manual_seed(0)
    ear = Ear(tiny_ear().model)
    return joint.OneNetwork(ear, FlowHands(FlowConfig(latent=4, channels=8, hidden=16, blocks=1, steps=2)))


@pytest.fixture(scope="module")
def sounds() -> Sounds:
    config = tiny_ear().model
    samples = np.stack([np.pad(tone(d), (0, 5600)) for d in range(10)] * 4)
    labels = torch.arange(10).repeat(4)
    other = Sounds(torch.zeros(5, config.n_samples, dtype=torch.int16), torch.full((5,), 10))
    return Sounds.join([Sounds(torch.from_numpy((samples * 30000).astype(np.int16)), labels), other])


def test_one_network_learns_ear_and_field_and_nothing_else(one_network, sounds):
    images = datasets.load_images("builtin")
    task = joint.JointTask(one_network, tiny_ear(), sounds, images)
    assert task.n_items == 40  # what is no digit has no picture
    before = {name: value.clone() for name, value in one_network.state_dict().items()}
    config = training.TrainConfig(epochs=1, batch_size=20, lr=1e-3)
    training.fit(task, config, seed=0)
    moved = {name for name, value in one_network.state_dict().items() if not torch.equal(value, before[name])}
    weights = {name for name, _ in one_network.named_parameters()}
    assert {name for name in moved & weights if name.startswith(("hand.autoencoder", "hand.reader"))} == set()
    assert "ear.head.1.weight" in moved
    assert "hand.field.enter.weight" in moved
    assert not {"hand.centre", "hand.scale"} & moved


def test_the_loss_of_one_network_is_the_flow_s_where_the_ear_is_sure(one_network, sounds):
    """Told one digit with certainty, the mixture of fields is that digit's field."""
    images = datasets.load_images("builtin")
    task = joint.JointTask(one_network, tiny_ear(), sounds, images)
    one_network.eval()  # dropout draws for itself
    with torch.no_grad():
        one_network.ear.temperature.fill_(1e-6)  # as sure as can be, of whatever it is
        losses = [float(task.loss(torch.arange(20), torch.Generator().manual_seed(0), 0.0)[0]) for _ in range(2)]
        assert losses[0] == losses[1]  # everything random comes from rng
        first, *_ = [p for n, p in one_network.hand.field.named_parameters() if n.startswith("leave")]
        first.zero_()
        one_network.hand.field.leave.bias.zero_()
        still = float(task.loss(torch.arange(2000) % 40, torch.Generator().manual_seed(0), 0.0)[0])
    # A field that does not move is wrong by the whole velocity: latent less noise, whose variances add up.
    rng = torch.Generator().manual_seed(1)
    some = task.targets.random(torch.arange(10).repeat(40), rng)
    x1 = one_network.hand.standardise(one_network.hand.autoencoder.encode(some)[0])
    assert still == pytest.approx(float(x1.square().mean()) + 1, rel=0.1)


def test_further_trainings_are_joined_to_the_first():
    first = {"strangers": {"mean": 0.9, "values": [0.9]}}
    further = {"strangers": {"mean": 0.6, "values": [0.5, 0.7]}}
    joined = voices.joined(first, further)
    assert joined["strangers"]["values"] == [0.9, 0.5, 0.7]
    assert joined["strangers"]["mean"] == pytest.approx(0.7)
    assert voices.joined(joined, further) == joined  # a second run of the step changes nothing


def test_the_hands_that_are_shipped_are_those_that_were_compared():
    for name, recipe_name in hands.SHIPPED_AS.items():
        kind, recipe = hands.candidates()[name]
        shipped = recipes.load(recipe_name)
        assert (kind, recipe) == (shipped.kind, replace(shipped, name=name))
