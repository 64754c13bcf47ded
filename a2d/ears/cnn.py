"""An ear: a small residual network from a picture of the sound to the digit, or to "that was no digit". Lecture 10.

The picture is a log-mel spectrogram, or a wavelet scalogram.

>>> ear = Ear(EarConfig(channels=(8, 16), blocks=(1, 1)))
>>> heard = ear.hear(torch.randn(2, 8000))
>>> heard.says.shape, heard.nothing.shape
(torch.Size([2, 10]), torch.Size([2]))
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from a2d.ears.voice import VoiceSpace
from a2d.errors import refuse
from a2d.features import MfccConfig, hann_window, mel_filterbank

# Periods of a wavelet: as many as make half an octave wide bands.
CYCLES = 6.0
# What a bell is where it ends, and every how many samples a band may be worked out.
_TAIL, _STEPS = 1e-4, (1, 2, 4, 8, 16)
N_CLASSES = 11  # ten digits, and what is none
NO_DIGIT = 10


@dataclass(frozen=True)
class EarConfig:
    """What an ear hears, and its size.

    ``sample_rate`` in Hz; ``seconds``: length of the window that is heard; ``n_fft`` and ``hop_length`` in samples;
    ``n_mels`` bands, ``floor_db``: how far below a recording's loudest band and frame anything is heard;
    ``channels``: feature maps of each stage, each half as large as the one before; ``blocks``: residual blocks in each;
    ``squeeze``: by how much a squeeze-and-excitation layer narrows; ``dropout`` before the last layer; ``front``: the
    picture that the network gets of a sound.
    """

    sample_rate: int = 8000
    seconds: float = 1.0
    n_fft: int = 256
    hop_length: int = 80
    n_mels: int = 48
    floor_db: float = 80.0
    channels: tuple[int, ...] = (16, 48, 96)
    blocks: tuple[int, ...] = (1, 2, 2)
    squeeze: int = 4
    dropout: float = 0.1
    front: Literal["log-mel", "scalogram"] = "log-mel"

    def __post_init__(self) -> None:
        problems = {
            "front": self.front in ("log-mel", "scalogram"),
            "sample_rate": 1000 <= self.sample_rate <= 48000,
            "seconds": 0.2 <= self.seconds <= 10,
            "n_fft": 16 <= self.n_fft <= 8192,
            "hop_length": 1 <= self.hop_length <= self.n_fft,
            "n_mels": 8 <= self.n_mels <= self.n_fft // 2,
            "floor_db": self.floor_db > 0,
            "channels": len(self.channels) >= 1 and min(self.channels) >= 1,
            "blocks": len(self.blocks) == len(self.channels) and min(self.blocks) >= 1,
            "squeeze": self.squeeze >= 1,
            "dropout": 0 <= self.dropout < 1,
        }
        refuse(problems, self, "model")

    @property
    def n_samples(self) -> int:
        """Length of the window in samples."""
        return round(self.seconds * self.sample_rate)


def window_of(samples: np.ndarray, n: int) -> np.ndarray:
    """The ``n`` samples that an ear hears of a recording ``(m,)``: its loudest ``n``, or all, in silence's middle."""
    if len(samples) <= n:
        before = (n - len(samples)) // 2
        return np.pad(samples, (before, n - len(samples) - before))
    energy = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    start = int(np.argmax(energy[n:] - energy[:-n]))
    return samples[start : start + n]


class LogMel(nn.Module):
    """From samples ``(b, n)`` to a standardised log-mel spectrogram ``(b, n_mels, frames)``.

    Decibels, no lower than ``floor_db`` below the loudest; then each recording less its mean, over its standard
    deviation: neither a soft voice nor another microphone's gain makes a difference.
    """

    window: Tensor
    bank: Tensor

    def __init__(self, config: EarConfig):
        super().__init__()
        self.n_fft, self.hop_length, self.floor_db = config.n_fft, config.hop_length, config.floor_db
        mel = MfccConfig(config.sample_rate, config.n_fft, config.hop_length, config.n_mels, n_mfcc=config.n_mels)
        for name, array in (("window", hann_window(config.n_fft)), ("bank", mel_filterbank(mel).T)):
            self.register_buffer(name, torch.tensor(np.ascontiguousarray(array)).float(), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        samples = samples / samples.abs().amax(-1, keepdim=True).clamp(min=1e-9)
        padded = F.pad(samples, (self.n_fft // 2, self.n_fft // 2))
        framed = padded.unfold(-1, self.n_fft, self.hop_length) * self.window  # (b, frames, n_fft)
        power = torch.view_as_real(torch.fft.rfft(framed)).square().sum(-1)  # (b, frames, n_fft // 2 + 1)
        return standardised(power @ self.bank, self.floor_db).mT


def standardised(power: Tensor, floor_db: float) -> Tensor:
    """Power ``(b, ...)`` in decibels, cut off below, less each recording's mean and over its standard deviation."""
    db = 10 * power.clamp(min=1e-10).log10()
    every = tuple(range(1, power.ndim))
    db = torch.maximum(db, db.amax(every, keepdim=True) - floor_db)
    centred = db - db.mean(every, keepdim=True)
    return centred / centred.square().mean(every, keepdim=True).sqrt().clamp(min=1e-3)


class Scalogram(nn.Module):
    """From samples ``(b, n)`` to a standardised wavelet scalogram ``(b, n_mels, frames)``.

    Morlet wavelets whose pitches are spaced evenly in the logarithm, from 80 Hz to 0.95 times half the sampling rate,
    each :data:`CYCLES` periods long: a low band is narrow and slow, a high one wide and quick, where the windows of a
    spectrogram are all of one length. The power is averaged over each hop. They are multiplied in frequency, where a
    Morlet wavelet is a bell. Source: R. Sharan (2020), after A. Grossmann and J. Morlet (1984).

    A low band changes slowly, and is worked out at every second, fourth, ... sample only: of its spectrum only the
    frequencies under the bell are transformed back, as if they began at 0, which turns the phase and leaves the power.
    """

    def __init__(self, config: EarConfig):
        from scipy.fft import next_fast_len  # not at the top: who only listens need not wait for it

        super().__init__()
        self.hop_length, self.floor_db, n = config.hop_length, config.floor_db, config.n_samples
        self.size = _STEPS[-1] * next_fast_len(-(-(n + config.sample_rate // 10) // _STEPS[-1]))
        pitches = np.geomspace(80, 0.95 * config.sample_rate / 2, config.n_mels)[:, None]
        frequencies = np.fft.rfftfreq(self.size, 1 / config.sample_rate)
        bells = np.exp(-0.5 * ((frequencies - pitches) / (pitches / CYCLES)) ** 2)
        begins = np.argmax(bells > _TAIL, axis=1)
        widths = (bells > _TAIL).sum(1)
        self.steps = [max(s for s in _STEPS if self._fits(s, int(width))) for width in widths]
        for step in sorted(set(self.steps)):
            mine = np.flatnonzero(np.array(self.steps) == step)
            bins = begins[mine, None] + np.arange(self.size // step)
            within = bins < len(frequencies)
            bins = np.where(within, bins, 0)
            bell = np.where(within, np.take_along_axis(bells[mine], bins, 1), 0) / step
            self.register_buffer(f"bins_{step}", torch.tensor(bins), persistent=False)
            self.register_buffer(f"bell_{step}", torch.tensor(bell).float(), persistent=False)

    def _fits(self, step: int, width: int) -> bool:
        """Whether a band of so many frequencies may be worked out at each so-manieth sample."""
        return (self.size >= 1.5 * step * width and self.hop_length // 2 % step == 0) or step == 1

    def forward(self, samples: Tensor) -> Tensor:
        n, hop = samples.shape[-1], self.hop_length
        samples = samples / samples.abs().amax(-1, keepdim=True).clamp(min=1e-9)
        spectrum, bands = torch.fft.rfft(samples, self.size), []
        for step in sorted(set(self.steps), reverse=True):  # low bands first
            bins, bell = getattr(self, f"bins_{step}"), getattr(self, f"bell_{step}")
            # Only positive frequencies: the wavelets are analytic, so the square of the size has no ripple.
            wave = torch.fft.ifft(spectrum[:, bins] * bell)[..., : -(-n // step)]
            power = torch.view_as_real(wave).square().sum(-1)
            power = F.pad(power, (hop // 2 // step, hop // step))
            bands.append(F.avg_pool1d(power, hop // step)[..., : n // hop + 1])
        return standardised(torch.cat(bands, 1), self.floor_db)


class Block(nn.Module):
    """Two 3 x 3 convolutions beside a short cut, and a squeeze-and-excitation layer that weighs the feature maps.

    Sources: K. He and others (2016), arXiv:1512.03385; J. Hu and others (2018), arXiv:1709.01507.
    """

    def __init__(self, a: int, b: int, stride: int, squeeze: int):
        super().__init__()
        self.conv1 = nn.Conv2d(a, b, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(b, b, 3, 1, 1, bias=False)
        self.norm1, self.norm2 = nn.BatchNorm2d(b), nn.BatchNorm2d(b)
        narrow = max(4, b // squeeze)
        self.weigh = nn.Sequential(nn.Linear(b, narrow), nn.ReLU(), nn.Linear(narrow, b), nn.Sigmoid())
        self.short = nn.Sequential()
        if stride > 1 or a != b:
            self.short = nn.Sequential(nn.Conv2d(a, b, 1, stride, bias=False), nn.BatchNorm2d(b))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)))  # (c, a, mels, frames) -> (c, b, mels / stride, frames / stride)
        y = self.norm2(self.conv2(y))
        y = y * self.weigh(y.mean((-2, -1)))[:, :, None, None]
        return F.relu(y + self.short(x))


class Heard(NamedTuple):
    """What an ear makes of recordings: ``says (b, 10)``, probabilities of the digits if it is one, which sum to 1;
    ``nothing (b,)``, the probability that it is none; ``refused (b,)``, whether that is above the ear's limit.
    """

    says: Tensor
    nothing: Tensor
    refused: Tensor


class Ear(nn.Module):
    """From samples ``(b, n_samples)`` to scores ``(b, 11)``: ten digits, and "no digit".

    ``temperature`` divides the scores: it is fitted on validation recordings, so that of what is heard with 90 % nine
    in ten are right (C. Guo and others 2017, arXiv:1706.04599). ``limit``: what is more probably no digit than that is
    refused. ``voice``: what else is heard, beside the word.
    """

    temperature: Tensor
    limit: Tensor

    def __init__(self, config: EarConfig):
        super().__init__()
        self.config = config
        self.picture = Scalogram(config) if config.front == "scalogram" else LogMel(config)
        first = config.channels[0]
        self.stem = nn.Sequential(nn.Conv2d(1, first, 5, 2, 2, bias=False), nn.BatchNorm2d(first), nn.ReLU())
        stages: list[nn.Module] = []
        a = first
        for number, (b, blocks) in enumerate(zip(config.channels, config.blocks, strict=True)):
            for block in range(blocks):
                stages.append(Block(a, b, 2 if number and not block else 1, config.squeeze))
                a = b
        self.stages = nn.Sequential(*stages)
        self.head = nn.Sequential(nn.Dropout(config.dropout), nn.Linear(2 * a, N_CLASSES))
        self.register_buffer("temperature", torch.ones(()))
        self.register_buffer("limit", torch.tensor(0.5))
        self.voice = VoiceSpace()

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.temperature.device

    def embed(self, spectrogram: Tensor) -> Tensor:
        """What is left of a spectrogram ``(b, n_mels, frames)``: mean and maximum of each last map, ``(b, 2 c)``."""
        x = self.stages(self.stem(spectrogram[:, None].contiguous(memory_format=torch.channels_last)))
        return torch.cat([x.mean((-2, -1)), x.amax((-2, -1))], -1)

    def score(self, spectrogram: Tensor) -> Tensor:
        """Scores ``(b, 11)`` of pictures of sounds, as ``self.picture`` gives them."""
        scores: Tensor = self.head(self.embed(spectrogram))
        return scores

    def forward(self, samples: Tensor) -> Tensor:
        return self.score(self.picture(samples))

    @torch.inference_mode()
    def scores(self, samples: Tensor, batch_size: int = 256) -> Tensor:
        """Scores ``(b, 11)`` of recordings ``(b, n_samples)``, not calibrated, with dropout switched off."""
        was_training = self.training
        self.eval()
        try:
            groups = samples.split(batch_size) if len(samples) else ()
            parts = [self(part.to(self.device)).cpu() for part in groups]
        finally:
            self.train(was_training)
        return torch.cat(parts) if parts else torch.zeros(0, N_CLASSES)

    def hear(self, samples: Tensor, batch_size: int = 256) -> Heard:
        """Listen to recordings ``(b, n_samples)``; how sure the ear says it is has been calibrated."""
        scores = self.scores(samples, batch_size) / self.temperature.cpu()
        nothing = scores.softmax(-1)[:, NO_DIGIT]
        return Heard(scores[:, :NO_DIGIT].softmax(-1), nothing, nothing > self.limit.cpu())

    def calibrate(self, samples: Tensor, digits: Tensor, share: float = 0.02) -> Heard:
        """Fit ``temperature`` and ``limit`` on validation recordings ``(b, n_samples)`` of ``digits (b,)``.

        The temperature makes the negative log-likelihood of the digits least; above the limit lies the share
        ``share`` of them.
        """
        scores = self.scores(samples)
        steps = torch.linspace(math.log(0.3), math.log(5), 121).exp()
        losses = torch.stack([F.cross_entropy(scores[:, :NO_DIGIT] / t, digits) for t in steps])
        self.temperature.fill_(steps[int(losses.argmin())])
        self.limit.fill_(torch.quantile((scores / self.temperature.cpu()).softmax(-1)[:, NO_DIGIT], 1 - share))
        return self.hear(samples)
