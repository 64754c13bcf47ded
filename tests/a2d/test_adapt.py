"""An ear that learns one voice: what it promises, what is refused; and a written answer found in its lecture."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from a2d import audio, datasets
from a2d.ears import adapt
from a2d.ears.cnn import NO_DIGIT, Ear, EarConfig, window_of
from a2d.errors import DataError
from a2d.lab import models, written


@pytest.fixture(scope="module")
def ear() -> Ear:
    """A small ear with random weights, always the same."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Ear(EarConfig(channels=(16, 64), blocks=(1, 1), seconds=0.5)).eval()


@pytest.fixture(scope="module")
def takes(ear) -> tuple[torch.Tensor, torch.Tensor]:
    """Two tones for each digit, each with its own pitch."""
    t = torch.arange(ear.config.n_samples) / ear.config.sample_rate
    digits = torch.arange(20) % 10
    pitch = 200 * 1.3 ** digits.float()
    noise = 0.01 * torch.randn(20, len(t), generator=torch.Generator().manual_seed(1))
    return torch.sin(2 * math.pi * pitch[:, None] * t) + noise, digits


@pytest.fixture(scope="module")
def learned(ear, takes) -> adapt.Adapted:
    return adapt.adapted(ear, *takes, copies=2)


def test_it_learns_and_leaves_the_given_ear_alone(ear, takes, learned):
    samples, digits = takes
    before = ear.scores(samples)
    assert learned.ear is not ear
    right = (learned.ear.hear(samples).says.argmax(-1) == digits).float().mean()
    assert right > (before[:, :NO_DIGIT].argmax(-1) == digits).float().mean()
    for name, value in ear.state_dict().items():
        other = learned.ear.state_dict()[name]
        assert torch.equal(value, other) == (not name.startswith("head.1")), name


def test_it_is_never_worse_on_takes_that_are_held_back(learned):
    assert set(learned.losses) == set(learned.errors) == set(adapt.STRENGTHS)
    assert learned.errors[learned.strength] <= learned.errors[math.inf]
    assert learned.losses[learned.strength] == min(
        loss for strength, loss in learned.losses.items() if learned.errors[strength] <= learned.errors[math.inf]
    )


def test_it_stays_as_it_is_where_learning_makes_errors(ear, takes):
    samples, _ = takes
    wrong = ear.scores(samples)[:, :NO_DIGIT].argmax(-1)
    # Labels as the ear has them, and each digit twice: what it says already is right, so nothing can be better.
    kept = [int(k) for d in range(10) for k in torch.nonzero(wrong == d)[:2, 0]]
    digits = torch.arange(10).repeat_interleave(2)
    if len(kept) == 20:
        found = adapt.adapted(ear, samples[kept], digits, copies=0)
        assert found.errors[found.strength] == 0
    # Labels by chance cannot be learned: what was chosen makes no more errors than the ear that came.
    mixed = digits[torch.randperm(20, generator=torch.Generator().manual_seed(2))]
    found = adapt.adapted(ear, samples, mixed, copies=0)
    assert found.errors[found.strength] <= found.errors[math.inf]


def test_the_same_seed_gives_the_same_ear(ear, takes, learned):
    again = adapt.adapted(ear, *takes, copies=2)
    other = adapt.adapted(ear, *takes, copies=2, seed=1)
    weights = [adapt.last_layer(one.ear).weight for one in (learned, again, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_fitted_reaches_the_minimum_of_its_loss(ear, takes):
    samples, digits = takes
    x, start = adapt.kept(ear, samples), adapt.last_layer(ear)
    found = adapt.fitted(start, x, digits, 0.03)

    def loss(layer: torch.nn.Linear) -> torch.Tensor:
        away = sum((p - q).square().sum() for p, q in zip(layer.parameters(), start.parameters(), strict=True))
        return torch.nn.functional.cross_entropy(layer(x), digits) + 0.03 * away

    found.requires_grad_(True)
    value = loss(found)
    value.backward()
    assert max(float(p.grad.abs().max()) for p in found.parameters()) < 1e-3
    assert value < loss(start)
    same = adapt.fitted(start, x, digits, math.inf)
    assert torch.equal(same.weight, start.weight)
    near = adapt.fitted(start, x, digits, 1e4)
    assert torch.allclose(near.weight, start.weight, atol=1e-3)


def test_the_first_take_of_each_digit_is_held_back_first():
    assert adapt.folds(torch.tensor([3, 3, 5, 3, 5])).tolist() == [0, 1, 0, 2, 1]
    assert adapt.folds(torch.zeros(12, dtype=torch.int64)).tolist() == [0, 1, 2, 3, 4] * 2 + [0, 1]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda x, y: (x[:, :100], y), "takes of shape"),
        (lambda x, y: (x[0], y), "takes of shape"),
        (lambda x, y: (x, y[:5]), "takes of shape"),
        (lambda x, y: (x, y.float()), "whole number"),
        (lambda x, y: (x, y + 1), "whole number"),
        (lambda x, y: (x[:0], y[:0]), "whole number"),
        (lambda x, y: (x[:19], y[:19]), "fewer than two takes of 9"),
        (lambda x, y: (x[y != 4], y[y != 4]), "fewer than two takes of 4"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(ear, takes, change, word):
    with pytest.raises(DataError, match=word):
        adapt.adapted(ear, *change(*takes))


def test_the_shipped_ear_learns_a_voice_that_it_hears_badly():
    shipped = models.load("ear", "ear").net
    spoken = datasets.load_spoken("builtin")
    mine = [one for one in spoken.recordings if one.speaker == "18"]
    rate, n = shipped.config.sample_rate, shipped.config.n_samples

    def window(path) -> np.ndarray:
        clip = audio.load(path)
        return window_of(audio.prepare(audio.Clip(clip.samples, round(1.8 * clip.rate)), rate), n)

    samples = torch.from_numpy(np.stack([window(one.path) for one in mine]))
    digits, learn = torch.tensor([one.digit for one in mine]), torch.tensor([one.take < 2 for one in mine])
    new = adapt.adapted(shipped, samples[learn], digits[learn], copies=4)
    before, after = (one.hear(samples[~learn]).says.argmax(-1) == digits[~learn] for one in (shipped, new.ear))
    assert before.float().mean() < 0.7
    assert after.float().mean() > 0.9


# ------------------------------------------------------------------------------------------------- an answer in words


def notebook(path, source) -> None:
    cells = [{"id": "08-other", "source": "no"}, {"id": "08-answer-8-4", "source": source}, {"source": "no id"}]
    path.write_text(json.dumps({"cells": cells}))


def test_an_answer_is_found_in_its_lecture(tmp_path):
    assert written("8.4", tmp_path) == "(Lecture 08 does not lie beside this notebook, so question 8.4 cannot be read.)"
    path = tmp_path / "08_the_report_reproduced.ipynb"
    notebook(path, ["My abstract.\n", "Two lines."])
    assert written("8.4", tmp_path) == "My abstract.\nTwo lines."
    notebook(path, "*Your answer: double-click here, replace this line, then press Shift+Enter.*")
    assert written("8.4", tmp_path) == "(Question 8.4 has no answer yet: it is in lecture 08.)"
    for broken in ("", "[]", '{"cells": 3}', '{"cells": [1]}', "{"):
        path.write_text(broken)
        assert "cannot be read" in written("8.4", tmp_path)
