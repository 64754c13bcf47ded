"""End to end against two stages (lecture 10, R15): from the sound to the picture with one loss, or by way of a digit.

*Two stages*: the ear names a digit, and the hands draw it. *One network*: the hands get all ten probabilities, and ear
and field are trained on together, with the flow's loss alone: for a recording and a random image of the same class, the
field's velocity, mixed by what the ear heard, is to be that of a straight line to the image's latent. No label goes in
but by way of the image. Both begin from the same ear and hands; the autoencoder stays as it is.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from a2d import datasets, metrics, training
from a2d.ears import standard_normal
from a2d.ears.augment import augment, augment_mel
from a2d.ears.cnn import NO_DIGIT, Ear
from a2d.evaluator import AccuracyNet, read
from a2d.hands.common import CLASSES
from a2d.hands.flow import FlowHands, logit_normal, straight_path
from a2d.lab.kinds.ear import EarRecipe, Sounds
from a2d.pairing import Targets
from results import hands, pool, voices

EPOCHS, LR = 2, 3e-4
LINES = 2  # straight lines to each image
RECORDINGS = {"strangers": (voices.MAIN, "test"), "FSDD": ("fsdd", "all")}


class OneNetwork(nn.Module):
    """An ear and hands, in one."""

    def __init__(self, ear: Ear, hand: FlowHands):
        super().__init__()
        self.ear, self.hand = ear, hand
        for frozen in (hand.autoencoder, hand.reader):
            frozen.requires_grad_(False)

    def train(self, mode: bool = True) -> OneNetwork:
        """Train the ear and the field; the rest, and what the latents are standardised by, stays as it is."""
        super().train(mode)
        self.hand.eval()
        return self


class JointTask:
    """Training of both with the flow's loss, on recordings of digits and random images of the same class."""

    def __init__(self, net: OneNetwork, how: EarRecipe, sounds: Sounds, images: datasets.Images):
        digits = sounds.labels != NO_DIGIT
        self.model, self.how = net, how
        self.sounds = Sounds(sounds.samples[digits], sounds.labels[digits])
        self.targets = Targets(images.pixels, images.labels)
        self.n_items = len(self.sounds)

    def loss(self, indices: Tensor, rng: torch.Generator, progress: float) -> tuple[Tensor, dict[str, float]]:
        """Squared error of the mixed velocity, mean over lines and dimensions."""
        ear, hand, how, config = self.model.ear, self.model.hand, self.how.augment, self.how.model
        samples, digits = self.sounds.floats(indices), self.sounds.labels[indices]
        samples = augment(samples, how, config.sample_rate, rng)
        heard = augment_mel(ear.picture(samples), how, config.hop_length / config.sample_rate, rng)
        with training.half_precision(ear.device):
            scores = ear.score(heard).float()[:, :CLASSES] / ear.temperature
            with torch.no_grad():
                images = self.targets.random(digits, rng)
                x1 = hand.standardise(hand.autoencoder.encode(images)[0])
                weight = hand.ink(images, digits)
            says, x1, weight = (x.repeat_interleave(LINES, 0) for x in (scores.softmax(-1), x1, weight))
            t = logit_normal(len(x1), rng)
            x, wanted = straight_path(standard_normal(x1, rng), x1, t)
            every = torch.eye(CLASSES).repeat(len(x), 1)
            x, t, weight = (one.repeat_interleave(CLASSES, 0) for one in (x, t, weight))
            each = hand.field(x, t, every, weight).view(len(wanted), CLASSES, -1)
        return ((says[:, :, None] * each).sum(1) - wanted).square().mean(), {}

    def validate(self, rng: torch.Generator) -> dict[str, float]:
        """Nothing: how long is trained was fixed beforehand."""
        return {}


def apart(work: Path, seed: int) -> OneNetwork:
    """The ear and the hands of a seed, as they were trained."""
    hand = hands.train((work, hands.SHIPPED, seed))
    assert isinstance(hand, FlowHands)
    return OneNetwork(voices.train(work, voices.cells()["rows"][voices.SHIPPED], seed), hand)


def train(work: Path, seed: int) -> OneNetwork:
    """One network, from the ear and the hands of this seed, unless it is there."""
    base = voices.recipe()
    how = replace(base, name="one network", training=replace(base.training, epochs=EPOCHS, lr=LR))
    sounds = voices.training_set(voices.EVERYBODY, how)
    task = JointTask(apart(work, seed), how, sounds, datasets.load_images("mnist"))
    net: OneNetwork = pool.kept(work / "joint" / f"{seed}.safetensors", how, task, seed)
    return net.eval()


def measure(work: Path, evaluator: AccuracyNet, seeds: tuple[int, ...] = voices.SEEDS) -> dict[str, Any]:
    """Shares of recordings heard rightly, and drawn so that the report's evaluator reads what was said."""
    found: dict[str, dict[str, list[float]]] = {}
    for seed in seeds:
        stages = apart(work, seed).eval()
        for name, net in {"two stages": stages, "all probabilities": stages, "one network": train(work, seed)}.items():
            for where, (corpus, part) in RECORDINGS.items():
                sounds = voices.part(corpus, part, net.ear.config)
                says = net.ear.hear(sounds.floats()).says
                asked = says.argmax(-1) if name == "two stages" else says
                drawn = torch.cat([net.hand.draw(some, training.stream(seed, "drawn")) for some in asked.split(1000)])
                row = found.setdefault(name, {})
                row.setdefault(f"{where}, heard", []).append(float((says.argmax(-1) == sounds.labels).float().mean()))
                hits = torch.from_numpy(read(evaluator, drawn).digits) == sounds.labels
                row.setdefault(f"{where}, drawn and read", []).append(float(hits.float().mean()))
    return {name: {k: metrics.mean_and_spread(v) for k, v in row.items()} for name, row in found.items()}
