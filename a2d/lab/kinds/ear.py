"""The kind ``ear``: the log-mel network that hears digits from anyone, and says when something was none. Lecture 10."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from a2d import training
from a2d.ears.augment import AugmentConfig, augment, augment_mel, mixed, no_words
from a2d.ears.cnn import N_CLASSES, NO_DIGIT, Ear, EarConfig, window_of
from a2d.errors import DataError, refuse
from a2d.lab.kinds import Kind, Recipe, Setting

if TYPE_CHECKING:
    from a2d.audio import Clips
    from a2d.datasets import Split, SpokenDigits
    from a2d.figures import Picture
    from a2d.lab.models import Model

_FULL = 32767


@dataclass(frozen=True)
class MixConfig:
    """What an epoch is made of: recordings of the first corpus count ``first`` times; sounds that are no word are
    ``no_words`` of all, digits played backwards ``backwards`` of all; ``smoothing`` of each target goes to all classes.
    """

    first: int = 1
    no_words: float = 0.05
    backwards: float = 0.05
    smoothing: float = 0.05

    def __post_init__(self) -> None:
        problems = {
            "first": self.first >= 1,
            "no_words": 0 <= self.no_words < 0.5,
            "backwards": 0 <= self.backwards < 0.5,
            "smoothing": 0 <= self.smoothing < 0.5,
        }
        refuse(problems, self, "mix")


@dataclass(frozen=True)
class EarRecipe(Recipe):
    """A sound to a digit: which network, what is done to recordings in training, and what an epoch is made of."""

    model: EarConfig
    augment: AugmentConfig
    mix: MixConfig


@dataclass(frozen=True)
class Sounds:
    """Recordings as an ear hears them: ``samples (n, m)`` int16, ``labels (n,)`` int64, 10 for what is no digit."""

    samples: Tensor
    labels: Tensor

    @classmethod
    def of(cls, clips: Clips, labels: np.ndarray, config: EarConfig) -> Sounds:
        """The window that is heard of each clip; each is as loud as it goes, so that 16 bits are enough."""
        out = np.zeros((len(clips), config.n_samples), np.int16)
        for i in range(len(clips)):
            samples = window_of(clips[i].samples, config.n_samples)
            out[i] = np.round(samples * (_FULL / max(1e-9, float(np.abs(samples).max()))))
        return cls(torch.from_numpy(out), torch.from_numpy(labels))

    @classmethod
    def join(cls, parts: list[Sounds]) -> Sounds:
        """One after the other."""
        return cls(torch.cat([one.samples for one in parts]), torch.cat([one.labels for one in parts]))

    def __len__(self) -> int:
        return len(self.labels)

    def floats(self, indices: Tensor | slice = slice(None)) -> Tensor:
        """Samples in [-1, 1], float32."""
        return self.samples[indices].float() / _FULL


class EarTask:
    """Training of an ear with cross-entropy in nats per recording, on recordings that are never twice the same.

    ``train`` holds the recordings, ``validation`` others or None. Items beyond the recordings are made up: digits
    played backwards, then sounds that are no word.
    """

    def __init__(self, recipe: EarRecipe, train: Sounds, *, seed: int, validation: Sounds | None = None):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.model = Ear(recipe.model)
            self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.recipe, self.train, self.validation = recipe, train, validation
        self.n_real, mix = len(train), recipe.mix
        self.n_backwards = round(mix.backwards * self.n_real)
        self.n_items = self.n_real + self.n_backwards + round(mix.no_words * self.n_real)
        self.of_digits = torch.nonzero(train.labels != NO_DIGIT)[:, 0]

    def _sounds(self, indices: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Samples ``(b, m)`` and labels ``(b,)`` of items, as they are before anything is done to them."""
        samples = torch.zeros(len(indices), self.recipe.model.n_samples)
        labels = torch.full((len(indices),), NO_DIGIT)
        real = indices < self.n_real
        samples[real], labels[real] = self.train.floats(indices[real]), self.train.labels[indices[real]]
        turned = (indices >= self.n_real) & (indices < self.n_real + self.n_backwards)
        if n := int(turned.sum()):
            which = self.of_digits[torch.randint(len(self.of_digits), (n,), generator=rng)]
            samples[turned] = self.train.floats(which).flip(-1)
        made = indices >= self.n_real + self.n_backwards
        if n := int(made.sum()):
            config = self.recipe.model
            samples[made] = no_words(n, config.n_samples, config.sample_rate, rng)
        return samples, labels

    def loss(self, indices: Tensor, rng: torch.Generator, progress: float) -> tuple[Tensor, dict[str, float]]:
        """Cross-entropy against smoothed targets, mean over the batch."""
        net, how, config = self.model, self.recipe.augment, self.recipe.model
        samples, labels = self._sounds(indices, rng)
        samples = augment(samples.to(net.device), how, config.sample_rate, rng)
        heard = augment_mel(net.picture(samples), how, config.hop_length / config.sample_rate, rng)
        smooth = self.recipe.mix.smoothing
        targets = (1 - smooth) * F.one_hot(labels, N_CLASSES).float() + smooth / N_CLASSES
        heard, targets = mixed(heard, targets.to(net.device), how.mixup, rng)
        with training.half_precision(net.device):
            scores = net.score(heard)
        return F.cross_entropy(scores.float(), targets), {}

    def validate(self, rng: torch.Generator) -> dict[str, float]:
        """Calibrate the ear; share of the validation recordings whose digit is named rightly."""
        if self.validation is None:
            return {}
        digits = self.validation.labels
        heard = self.model.calibrate(self.validation.floats(), digits)
        return {"accuracy": float((heard.says.argmax(-1) == digits).float().mean())}


def sounds_of(data: SpokenDigits, config: EarConfig, which: np.ndarray | None = None) -> Sounds:
    """The recordings of a corpus, or ``which (m,)`` of them, trimmed, as an ear hears them."""
    from a2d import audio

    chosen = np.arange(len(data)) if which is None else which
    parts = []
    for some in np.array_split(chosen, max(1, len(chosen) // 3000)):
        clips = audio.load_many([data.recordings[i].path for i in some], config.sample_rate, trim=True)
        parts.append(Sounds.of(clips, data.digits[some], config))
    return Sounds.join(parts)


def fit_voice(ear: Ear, data: SpokenDigits, which: np.ndarray) -> None:
    """Let an ear know how voices differ, from the recordings ``which (m,)`` of a corpus."""
    from a2d import audio
    from a2d.ears.voice import described

    clips = audio.load_many([data.recordings[i].path for i in which], ear.config.sample_rate, trim=True)
    means, levels = described(clips)
    ear.voice.fit(means, torch.from_numpy(data.digits[which]), data.speakers[which], levels.numpy())


def other_sounds(paths: list[Path], config: EarConfig) -> Sounds:
    """Words that are no digit, as an ear hears them."""
    from a2d import audio

    clips = audio.load_many(paths, config.sample_rate, trim=True)
    return Sounds.of(clips, np.full(len(clips), NO_DIGIT), config)


def split_for(data: SpokenDigits, number: int, held_out: tuple[str, ...] = ()) -> Split:
    """How the corpus at place ``number`` of those that an ear is trained on is split.

    The first, by :func:`~a2d.datasets.split_by_name`: choices are made on its validation speakers. The others only
    help: all are trained on but the speakers ``held_out``, who are the test part.
    """
    from a2d.datasets import Split, split_by_name

    held = np.isin(data.speakers, list(held_out))
    if number == 0 and not held.any():
        return split_by_name(data.speakers)
    return Split(np.flatnonzero(~held), np.zeros(0, np.int64), np.flatnonzero(held))


class EarKind(Kind[EarRecipe, Ear]):
    """See :class:`~a2d.lab.kinds.Kind`. ``data`` may name several corpora: ``speechcommands+voices``."""

    recipe = EarRecipe
    tables: ClassVar[Mapping[str, type]] = {"model": EarConfig, "augment": AugmentConfig, "mix": MixConfig}

    def build(self, tables: Mapping[str, Any]) -> Ear:
        return Ear(tables["model"])

    def task(self, recipe: EarRecipe, setting: Setting) -> tuple[EarTask, dict[str, Any]]:
        from a2d import datasets

        parts: list[Sounds] = []
        facts: list[dict[str, Any]] = []
        validation = known = None
        for number, name in enumerate(setting.data.split("+")):
            data = datasets.load_spoken(name)
            split = split_for(data, number, setting.held_out)
            heard = sounds_of(data, recipe.model, split.train)
            parts += [heard] * (recipe.mix.first if number == 0 else 1)
            if others := datasets.load_others(data):
                parts.append(other_sounds(others, recipe.model))
            if validation is None and len(split.val):
                validation, known = sounds_of(data, recipe.model, split.val), (data, split.train)
            facts.append({"name": data.name, "hash": data.content_hash, "n": len(split.train), "others": len(others)})
        train = Sounds.join(parts)
        digest = hashlib.sha256("".join(str(one["hash"]) for one in facts).encode()).hexdigest()
        how = {"by": "name", "held_out": list(setting.held_out)}
        about = {"name": setting.data, "hash": digest, "n": len(train), "corpora": facts}
        task = EarTask(recipe, train, seed=setting.seed, validation=validation)
        if known is not None:
            fit_voice(task.model, *known)
        return task, {"data": about, "split": how}

    def evaluate(self, model: Model[Ear], setting: Setting) -> tuple[dict[str, Any], dict[str, Picture]]:
        from a2d import datasets, figures, metrics

        data = datasets.load_spoken(setting.data)
        known = [one["hash"] for one in model.meta.get("data", {}).get("corpora", [])]
        part, which = "all", None
        if data.content_hash in known:
            held_out = tuple(model.meta["split"]["held_out"])
            part, which = "test", split_for(data, known.index(data.content_hash), held_out).test
            if not len(which):
                hint = "Name another data set"
                raise DataError("this ear was trained on all recordings of it", where=setting.data, hint=hint)
        sounds = sounds_of(data, model.net.config, which)
        heard, said = model.net.hear(sounds.floats()), sounds.labels.numpy()
        named = heard.says.argmax(-1).numpy()
        about = {"name": data.name, "hash": data.content_hash, "part": part, "n": len(said)}
        result = {
            "data": about,
            "accuracy": metrics.recognition(named, said, seed=setting.seed).as_dict(),
            "refused": float(heard.refused.float().mean()),
        }
        picture = figures.confusion_matrix(metrics.confusion(named, said), title="spoken and named digits")
        return result, {"confusion": picture}


KIND = EarKind()
