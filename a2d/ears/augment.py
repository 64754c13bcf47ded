"""Many recordings out of one: what rooms, microphones, people and noise do to a word. Lecture 10.

All functions take and give a batch; what is random about each recording comes from ``rng``, on the CPU, so that the
numbers are the same for any device.

>>> rng = torch.Generator().manual_seed(0)
>>> augment(torch.randn(4, 8000), AugmentConfig(), 8000, rng).shape
torch.Size([4, 8000])
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor

from a2d.errors import refuse


@dataclass(frozen=True)
class AugmentConfig:
    """How much each recording is changed in training; 0 leaves a thing alone.

    ``speed``: greatest change of pace and pitch, as a share; ``shift``: greatest shift in s; ``cut``: share of
    recordings whose first or last sounds are cut off; ``room``: share that are put into a room; ``equaliser``: standard
    deviation in dB of a smooth random frequency response;
    ``noise``, ``babble``, ``hum``: shares that get coloured noise, other voices, mains hum; ``snr_low`` and
    ``snr_high``: range of the level of the word over that, in dB; ``warp``: greatest change of the mel axis, as a
    share; ``time_mask`` (s) and ``mel_mask`` (bands): longest stretches that are blanked out; ``mixup``: parameter of
    the Beta distribution by which two recordings are mixed.
    """

    speed: float = 0.15
    shift: float = 0.1
    cut: float = 0.2
    room: float = 0.4
    equaliser: float = 4.0
    noise: float = 0.4
    babble: float = 0.15
    hum: float = 0.1
    snr_low: float = 0.0
    snr_high: float = 30.0
    warp: float = 0.12
    time_mask: float = 0.12
    mel_mask: int = 6
    mixup: float = 0.2

    def __post_init__(self) -> None:
        problems = {
            "speed": 0 <= self.speed < 0.5,
            "shift": 0 <= self.shift <= 1,
            "cut": 0 <= self.cut <= 1,
            "room": 0 <= self.room <= 1,
            "equaliser": 0 <= self.equaliser <= 20,
            "noise": self.noise >= 0,
            "babble": self.babble >= 0,
            "hum": self.hum >= 0 and self.noise + self.babble + self.hum <= 1,
            "snr_high": self.snr_low <= self.snr_high,
            "warp": 0 <= self.warp < 0.5,
            "time_mask": 0 <= self.time_mask <= 1,
            "mel_mask": self.mel_mask >= 0,
            "mixup": self.mixup >= 0,
        }
        refuse(problems, self, "augment")

    @classmethod
    def nothing(cls) -> AugmentConfig:
        """Recordings stay as they are."""
        return cls(**{field.name: 0 for field in fields(cls)})


def _uniform(n: int, low: float, high: float, rng: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(n, generator=rng)


def _read_at(values: Tensor, places: Tensor) -> Tensor:
    """Values ``(b, n)`` or ``(b, m, n)`` at fractional ``places (b, k)`` of the last axis; zero outside."""
    n = values.shape[-1]
    if values.ndim == 3:
        places = places[:, None].expand(-1, values.shape[1], -1)
    low = places.floor()
    share, at = places - low, low.long()
    a, b = (values.gather(-1, (at + step).clamp(0, n - 1)) for step in (0, 1))
    inside = (places >= 0) & (places <= n - 1)
    return torch.where(inside, a + share * (b - a), torch.zeros_like(a))


def change_pace(samples: Tensor, speed: float, shift: float, rng: torch.Generator) -> Tensor:
    """Play each recording ``(b, n)`` faster or slower, and a little earlier or later; ``shift`` in samples.

    Pace and pitch go together, as when a tape runs at another speed.
    """
    b, n = samples.shape
    factor, moved = _uniform(b, 1 - speed, 1 + speed, rng), _uniform(b, -shift, shift, rng)
    middle, places = (n - 1) / 2, torch.arange(n).float()
    at = middle + (places - middle - moved[:, None]) * factor[:, None]
    return _read_at(samples, at.to(samples.device))


def cut_off(samples: Tensor, share: float, rate: int, rng: torch.Generator) -> Tensor:
    """Cut off the first or the last sounds of a share of the recordings ``(b, n)``: up to 30 % of the word.

    A trim by loudness does that to faint sounds: the "s" of "six", the "f" of "five". The word is what is no more than
    35 dB below the loudest 20 ms.
    """
    b, n = samples.shape
    span = max(1, rate // 50)
    power = F.avg_pool1d(samples.square()[:, None], span, ceil_mode=True)[:, 0]
    loud = power > power.amax(-1, keepdim=True) * 10**-3.5
    place = torch.arange(power.shape[-1], device=samples.device)
    first = torch.where(loud, place, power.shape[-1]).amin(-1) * span
    last = (torch.where(loud, place, -1).amax(-1) + 1) * span
    lost = (last - first).clamp(min=0) * _uniform(b, 0, 0.3, rng).to(samples.device)
    chance = torch.rand(b, generator=rng).to(samples.device)
    begin = torch.where(chance < share / 2, first + lost, 0.0)
    end = torch.where((chance >= share / 2) & (chance < share), last - lost, float(n))
    at = torch.arange(n, device=samples.device)
    return samples * ((at >= begin[:, None]) & (at < end[:, None]))


def _responses(b: int, bins: int, decibels: float, rng: torch.Generator) -> Tensor:
    """Smooth random frequency responses ``(b, bins)``, as factors: eight points in dB, and straight lines between."""
    points = decibels * torch.randn(b, 1, 8, generator=rng)
    return 10 ** (F.interpolate(points, bins, mode="linear", align_corners=True)[:, 0] / 20)


def _echoes(b: int, length: int, rate: int, rng: torch.Generator) -> Tensor:
    """Impulse responses ``(b, length)`` of small rooms: the sound itself, then noise that dies away.

    It falls by 60 dB in 0.1 to 0.5 s, and begins 3 to 20 dB below the sound.
    """
    time = torch.arange(length) / rate
    decay = torch.exp(-math.log(1000) * time / _uniform(b, 0.1, 0.5, rng)[:, None])
    tail = torch.randn(b, length, generator=rng) * decay
    tail[:, 0] = 0
    level = 10 ** (-_uniform(b, 3, 20, rng) / 20)
    tail = tail * (level / tail.square().sum(-1).sqrt().clamp(min=1e-9))[:, None]
    tail[:, 0] = 1
    return tail


def change_place(
    samples: Tensor, rate: int, rng: torch.Generator, *, room: float = 0.4, equaliser: float = 4.0
) -> Tensor:
    """Recordings ``(b, n)`` as another microphone hears them, and a share ``room`` of them in another room."""
    from scipy.fft import next_fast_len  # not at the top: who only listens need not wait for it

    b, n = samples.shape
    length = int(0.3 * rate)
    size = next_fast_len(n + length, real=True)
    spectrum = torch.fft.rfft(samples, size)
    if equaliser:
        spectrum = spectrum * _responses(b, size // 2 + 1, equaliser, rng).to(samples.device)
    inside = torch.nonzero(torch.rand(b, generator=rng) < room)[:, 0] if room else torch.zeros(0)
    if len(inside):  # in a small batch chance may leave out all
        echoes = torch.fft.rfft(_echoes(len(inside), length, rate, rng).to(samples.device), size)
        inside = inside.to(samples.device)
        spectrum = spectrum.index_put((inside,), spectrum[inside] * echoes)
    return torch.fft.irfft(spectrum, size)[:, :n]


def coloured_noise(b: int, n: int, rng: torch.Generator) -> Tensor:
    """Noise ``(b, n)`` of power 1, whose power falls with frequency to the power of 0 (white) to 2 (brown)."""
    frequency = torch.arange(n // 2 + 1).clamp(min=1).float()
    slope = frequency ** (-0.5 * _uniform(b, 0, 2, rng)[:, None])
    shaped = torch.fft.irfft(torch.fft.rfft(torch.randn(b, n, generator=rng)) * slope, n)
    return shaped / shaped.square().mean(-1, keepdim=True).sqrt()


def hum(b: int, n: int, rate: int, rng: torch.Generator) -> Tensor:
    """Mains hum ``(b, n)`` of power 1: 50 or 60 Hz and eight overtones, each as strong as chance has it."""
    base = torch.where(torch.rand(b, generator=rng) < 0.5, 50.0, 60.0)
    overtone = torch.arange(1, 10).float()
    phase = 2 * math.pi * torch.rand(b, 9, 1, generator=rng)
    angle = 2 * math.pi * (base[:, None] * overtone)[:, :, None] * torch.arange(n) / rate
    waves = (torch.rand(b, 9, 1, generator=rng) * torch.sin(angle + phase)).sum(1)
    return waves / waves.square().mean(-1, keepdim=True).sqrt()


def babble(samples: Tensor, n: int, rng: torch.Generator, voices: int = 4) -> Tensor:
    """Other voices ``(n, m)`` of power 1: some of the recordings ``(b, m)`` at once, each from another place on."""
    total = samples.new_zeros(n, samples.shape[1])
    for _ in range(voices):
        other = samples[torch.randint(len(samples), (n,), generator=rng).to(samples.device)]
        other = other / other.square().mean(-1, keepdim=True).sqrt().clamp(min=1e-6)
        total = total + other.roll(int(torch.randint(samples.shape[1], (), generator=rng)), -1)
    return total / total.square().mean(-1, keepdim=True).sqrt().clamp(min=1e-6)


def add_noise(samples: Tensor, config: AugmentConfig, rate: int, rng: torch.Generator) -> Tensor:
    """Put coloured noise, other voices or hum under shares of the recordings ``(b, n)``; the others stay as they are.

    The level of a word is that of its loudest fifth of a second: silence around it does not make it softer.
    """
    b, n = samples.shape
    choice = torch.rand(b, generator=rng)
    kinds = torch.bucketize(choice, torch.tensor([config.noise, config.babble, config.hum]).cumsum(0))
    decibels = _uniform(b, config.snr_low, config.snr_high, rng)
    under = torch.zeros(b, n)
    for kind, make in enumerate((lambda k: coloured_noise(k, n, rng), None, lambda k: hum(k, n, rate, rng))):
        here = kinds == kind
        if make is not None and here.any():
            under[here] = make(int(here.sum()))
    under = under.to(samples.device)
    if (here := (kinds == 1).to(samples.device)).any():
        under[here] = babble(samples, int(here.sum()), rng)
    level = word_level(samples, rate) * (10 ** (-decibels / 20)).to(samples.device)
    return samples + level[:, None] * under


def word_level(samples: Tensor, rate: int) -> Tensor:
    """Root mean square of the loudest 0.2 s of each recording ``(b, n)``."""
    span = max(1, rate // 5)
    power = F.avg_pool1d(samples.square()[:, None], span, max(1, span // 4))[:, 0]
    return power.amax(-1).sqrt()


def augment(samples: Tensor, config: AugmentConfig, rate: int, rng: torch.Generator) -> Tensor:
    """All that changes samples ``(b, n)``: pace, place, noise. The mel axis and masks are :func:`augment_mel`'s."""
    if config.speed or config.shift:
        samples = change_pace(samples, config.speed, config.shift * rate, rng)
    if config.cut:
        samples = cut_off(samples, config.cut, rate, rng)
    if config.room or config.equaliser:
        samples = change_place(samples, rate, rng, room=config.room, equaliser=config.equaliser)
    if config.noise or config.babble or config.hum:
        samples = add_noise(samples, config, rate, rng)
    return samples


def augment_mel(spectrogram: Tensor, config: AugmentConfig, hop_s: float, rng: torch.Generator) -> Tensor:
    """What changes spectrograms ``(b, n_mels, frames)``: a longer or shorter vocal tract, and stretches blanked out.

    Sources: N. Jaitly and G. Hinton (2013), vocal tract length perturbation; D. Park and others (2019),
    arXiv:1904.08779, masks.
    """
    b, mels, frames = spectrogram.shape
    if config.warp:
        factor = _uniform(b, 1 - config.warp, 1 + config.warp, rng)
        places = (torch.arange(mels) * factor[:, None]).clamp(max=mels - 1)
        spectrogram = _read_at(spectrogram.mT, places.to(spectrogram.device)).mT
    for axis, n, longest in ((-1, frames, round(config.time_mask / hop_s)), (-2, mels, config.mel_mask)):
        if longest:
            length = torch.rand(b, generator=rng) * (longest + 1)
            start = torch.rand(b, generator=rng) * (n - length).clamp(min=0)
            at = torch.arange(n)
            keep = ((at < start[:, None]) | (at >= (start + length)[:, None].floor())).to(spectrogram.device)
            spectrogram = spectrogram * (keep[:, None, :] if axis == -1 else keep[:, :, None])
    return spectrogram


def tones(b: int, n: int, rate: int, rng: torch.Generator) -> Tensor:
    """Music of a sort ``(b, n)``: three notes at once, each with overtones, struck and dying away at random times."""
    time = torch.arange(n) / rate
    total = torch.zeros(b, n)
    for _ in range(3):
        pitch = 110 * 2 ** (torch.randint(36, (b, 1), generator=rng) / 12)  # semitones above A2
        start, decay = (_uniform(b, low, high, rng)[:, None] for low, high in ((0.0, 0.6), (0.1, 1.0)))
        after = (time - start).clamp(min=0)
        envelope = (time >= start) * torch.exp(-after / decay) * (after / 0.01).clamp(max=1)
        for overtone in range(1, 6):
            heard = pitch * overtone < rate / 2
            total += heard * envelope * torch.sin(2 * math.pi * pitch * overtone * after) / overtone**1.5
    return 0.3 * total


def no_words(b: int, n: int, rate: int, rng: torch.Generator) -> Tensor:
    """Sounds that are no word ``(b, n)``: noise, steady or in bursts, tones, hum, and next to nothing."""
    kind = torch.randint(5, (b,), generator=rng)
    out = 1e-4 * torch.randn(b, n, generator=rng)
    time = torch.arange(n) / n
    centre, width = torch.rand(b, 1, generator=rng), 0.02 + 0.3 * torch.rand(b, 1, generator=rng)
    burst = torch.exp(-0.5 * ((time - centre) / width) ** 2)
    makers = (
        lambda here: coloured_noise(len(here), n, rng),
        lambda here: coloured_noise(len(here), n, rng) * burst[here],
        lambda here: tones(len(here), n, rate, rng),
        lambda here: hum(len(here), n, rate, rng),
    )
    for number, make in enumerate(makers):
        if len(here := torch.nonzero(kind == number)[:, 0]):
            out[here] += 0.1 * make(here)
    return out


def mixed(spectrogram: Tensor, targets: Tensor, alpha: float, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Spectrograms ``(b, ...)`` and targets ``(b, c)``, each mixed with another of the batch; all by one share a batch.

    Source: H. Zhang and others (2018), mixup, arXiv:1710.09412. ``alpha`` is that of Beta(alpha, alpha).
    """
    if not alpha:
        return spectrogram, targets
    # A Beta number from two Gamma numbers; torch's own takes no generator.
    a, b = (_gamma(alpha, rng) for _ in range(2))
    share, order = a / (a + b), torch.randperm(len(targets), generator=rng).to(targets.device)
    return tuple(share * x + (1 - share) * x[order] for x in (spectrogram, targets))  # type: ignore[return-value]


def _gamma(alpha: float, rng: torch.Generator) -> float:
    """A number from Gamma(alpha, 1), by NumPy's sampler, seeded from ``rng``."""
    import numpy as np

    seed = int(torch.randint(2**62, (), generator=rng))
    return float(np.random.default_rng(seed).gamma(alpha)) + 1e-12
