"""MFCCs: each step and the whole against librosa and SciPy; all clips at once against one by one; the cache."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import librosa
import numpy as np
import pytest
import scipy.fft
import scipy.signal
from conftest import BUILTIN
from hypothesis import example, given, settings
from hypothesis import strategies as st

from a2d import audio, datasets, features
from a2d.audio import Clips
from a2d.errors import RecipeError
from a2d.features import MfccConfig

CONFIGS = {
    "default": MfccConfig(),
    "htk": MfccConfig(mel_scale="htk"),
    "no floor": MfccConfig(top_db=None),
    "tight floor": MfccConfig(top_db=30.0),
    "16 kHz": MfccConfig(sample_rate=16000, n_fft=1024, hop_length=256, n_mels=128, n_mfcc=20),
    "22 kHz, librosa's sizes": MfccConfig(sample_rate=22050, n_fft=2048, hop_length=512, n_mels=128, n_mfcc=40),
    "48 kHz, htk, band": MfccConfig(48000, 2048, 480, 80, 13, fmin=50.0, fmax=8000.0, mel_scale="htk"),
    "hop that does not divide": MfccConfig(8000, 400, 150, 40, 40),
    "hop as long as the frame": MfccConfig(8000, 256, 256, 32, 13, fmin=100.0),
    "odd frame": MfccConfig(8000, 401, 100, 40, 20),
    "band, no floor": MfccConfig(11025, 512, 110, 26, 26, fmin=133.3, fmax=4000.0, top_db=None),
}
every_config = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())

# librosa works in float64 where it is given float64, but for its filterbank, which it rounds to float32 (relative
# 6e-8, which is 3e-7 dB and, through the orthonormal DCT of up to 128 bands, at most 3e-6): 1e-4 leaves room for
# nothing but rounding. Where both sides are float64 throughout, 1e-9 relative is asked for.
LIBROSA = {"rtol": 0.0, "atol": 1e-4}
EXACT = {"rtol": 1e-9, "atol": 1e-12}


def speech(rate: int, name: str = "01/7_01_0.flac") -> np.ndarray:
    """One built-in recording at a rate, float64, with a stretch of digital silence behind it."""
    clip = audio.load(BUILTIN / name, rate)
    return np.concatenate([clip.samples, np.zeros(rate // 10)]).astype(np.float64)


def librosa_db(x: np.ndarray, c: MfccConfig) -> np.ndarray:
    mel = librosa.feature.melspectrogram(
        y=x,
        sr=c.sample_rate,
        n_fft=c.n_fft,
        hop_length=c.hop_length,
        n_mels=c.n_mels,
        fmin=c.fmin,
        fmax=c.fmax,
        htk=c.mel_scale == "htk",
    )
    return librosa.power_to_db(mel, top_db=c.top_db)


# ------------------------------------------------------------------------------------------------ one clip, by steps


@every_config
def test_power_spectrum_is_librosas(config):
    x = speech(config.sample_rate)
    framed = features.frames(x, config.n_fft, config.hop_length)
    ours = features.power_spectrum(framed, features.hann_window(config.n_fft))
    theirs = np.abs(librosa.stft(x, n_fft=config.n_fft, hop_length=config.hop_length)) ** 2
    assert ours.shape == theirs.T.shape
    np.testing.assert_allclose(ours, theirs.T, rtol=1e-9, atol=1e-9 * theirs.max())


@pytest.mark.parametrize("n", [16, 17, 400, 512])
def test_window_is_the_periodic_hann(n):
    np.testing.assert_allclose(features.hann_window(n), scipy.signal.get_window("hann", n, fftbins=True), **EXACT)


def test_frame_is_centred_on_its_sample():
    x = np.arange(1, 1001, dtype=np.float64)
    framed = features.frames(x, 64, 10)
    assert framed.shape == (1 + 1000 // 10, 64)
    for t in (0, 7, 50, 99):
        assert framed[t, 32] == x[t * 10]
    assert (framed[0, :32] == 0).all()


@pytest.mark.parametrize("scale", ["slaney", "htk"])
def test_mel_scale_is_librosas_and_its_inverse_is_one(scale):
    hz = np.concatenate([np.linspace(0, 24000, 4001), [999.999, 1000.0, 1000.001]])
    np.testing.assert_allclose(
        features.hz_to_mel(hz, scale), librosa.hz_to_mel(hz, htk=scale == "htk"), rtol=1e-9, atol=1e-9
    )
    mel = np.linspace(0, 60 if scale == "slaney" else 3900, 1001)
    np.testing.assert_allclose(
        features.mel_to_hz(mel, scale), librosa.mel_to_hz(mel, htk=scale == "htk"), rtol=1e-9, atol=1e-9
    )
    np.testing.assert_allclose(features.mel_to_hz(features.hz_to_mel(hz, scale), scale), hz, rtol=1e-9, atol=1e-9)


@every_config
def test_filterbank_is_librosas(config):
    theirs = librosa.filters.mel(
        sr=config.sample_rate,
        n_fft=config.n_fft,
        n_mels=config.n_mels,
        fmin=config.fmin,
        fmax=config.fmax,
        htk=config.mel_scale == "htk",
        dtype=np.float64,
    )
    np.testing.assert_allclose(features.mel_filterbank(config), theirs, rtol=1e-9, atol=1e-12)


def test_filters_have_equal_area():
    config = MfccConfig(n_fft=8192, n_mels=20, n_mfcc=20)  # fine bins, so that the sum is near the integral
    area = features.mel_filterbank(config).sum(1) * config.sample_rate / config.n_fft
    np.testing.assert_allclose(area, 1.0, rtol=0.01)


@pytest.mark.parametrize("top_db", [None, 20.0, 80.0])
def test_decibels_are_librosas(rng, top_db):
    power = 10.0 ** rng.uniform(-14, 2, (50, 30))
    np.testing.assert_allclose(
        features.power_to_db(power, top_db), librosa.power_to_db(power, ref=1.0, top_db=top_db), **EXACT
    )


@pytest.mark.parametrize(("n_mfcc", "n_mels"), [(1, 1), (13, 26), (40, 64), (64, 64), (20, 128)])
def test_dct_is_scipys_and_orthonormal(rng, n_mfcc, n_mels):
    matrix = features.dct_matrix(n_mfcc, n_mels)
    x = rng.normal(size=(5, n_mels))
    np.testing.assert_allclose(x @ matrix.T, scipy.fft.dct(x, norm="ortho")[:, :n_mfcc], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(n_mfcc), atol=1e-12)


# -------------------------------------------------------------------------------------------- the whole, for one clip


@every_config
@pytest.mark.parametrize("name", ["01/7_01_0.flac", "17/0_17_1.flac"])
def test_mfcc_is_librosas(config, name):
    x = speech(config.sample_rate, name)
    db = librosa_db(x, config)
    theirs = librosa.feature.mfcc(S=db, n_mfcc=config.n_mfcc)
    np.testing.assert_allclose(features.log_mel(x, config), db.T, **LIBROSA)
    np.testing.assert_allclose(features.mfcc(x, config), theirs.T, **LIBROSA)
    np.testing.assert_allclose(features.mfcc_mean(x, config), theirs.mean(1), **LIBROSA)


def test_mfcc_is_librosas_in_one_call():
    c = CONFIGS["16 kHz"]
    x = speech(c.sample_rate)
    sizes = {"n_mfcc": c.n_mfcc, "n_fft": c.n_fft, "hop_length": c.hop_length, "n_mels": c.n_mels}
    np.testing.assert_allclose(features.mfcc(x, c), librosa.feature.mfcc(y=x, sr=c.sample_rate, **sizes).T, **LIBROSA)


def test_order_of_the_frames_is_lost_in_the_mean():
    config = MfccConfig(top_db=None)
    x = speech(8000)[:4000]
    there_and_back = features.mfcc_mean(x, config), features.mfcc_mean(x[::-1], config)
    # Frames of the reversed sound are the same frames reversed, but for the remainder at one end.
    assert np.abs(there_and_back[0] - there_and_back[1]).max() < 0.05 * np.abs(there_and_back[0]).max()


# -------------------------------------------------------------------------------------------------- all clips at once


def assert_batched_agrees(arrays, config, chunk=2048):
    """``mfcc_means`` against ``mfcc_mean`` of each clip.

    The batch works in float32: a bin far below its frame's loudest carries an error of about 6e-8 of the loudest
    *amplitude*. At 80 dB below the peak (1e-4 of the amplitude) that is 6e-4, or 0.005 dB, on single bins; the mean
    over bands and frames has less. Coefficients are tens to hundreds, so the bound is 1e-4 of the vector's largest
    magnitude and never under 1e-2 dB, ten thousand times smaller than how far digits lie apart.
    """
    ours = features.mfcc_means(Clips.join(arrays, config.sample_rate), config, chunk=chunk)
    theirs = np.stack([features.mfcc_mean(np.asarray(a, np.float32), config) for a in arrays])
    assert ours.dtype == np.float32
    assert ours.shape == (len(arrays), config.n_mfcc)
    bound = np.maximum(1e-2, 1e-4 * np.abs(theirs).max(1, keepdims=True))
    worst = (np.abs(ours - theirs) / bound).max()
    assert worst < 1, f"{worst:.3g} times the bound"


@every_config
def test_batch_is_one_by_one_for_very_different_lengths(rng, config):
    x = speech(config.sample_rate).astype(np.float32)
    noise = rng.normal(0, 0.1, 3 * config.sample_rate).astype(np.float32)
    tiny = [noise[:1], noise[: config.n_fft // 3], noise[: config.hop_length], noise[: config.n_fft]]
    exact = noise[: 7 * config.hop_length]
    assert_batched_agrees([x, *tiny, x[: len(x) // 3], exact, noise, 0.01 * x], config)


@pytest.mark.parametrize("position", [0, 1, 2])
def test_neighbours_on_the_tape_do_not_leak(rng, position):
    """A clip's numbers are the same to the last bit beside a loud neighbour as beside a silent one."""
    config = MfccConfig(top_db=None)
    quiet = [1e-3 * rng.normal(size=n).astype(np.float32) for n in (2000, 2049, 1)]
    loud = [q if i == position else 1e3 * q for i, q in enumerate(quiet)]
    a = features.mfcc_means(Clips.join(quiet, 8000), config)[position]
    b = features.mfcc_means(Clips.join(loud, 8000), config)[position]
    np.testing.assert_array_equal(a, b)


def test_one_clip_and_no_clip():
    config = MfccConfig()
    assert_batched_agrees([speech(8000)], config)
    assert features.mfcc_means(Clips.join([], 8000), config).shape == (0, 40)


def test_clip_with_silence_behind_it_where_the_floor_matters():
    x = speech(8000)
    padded = [np.concatenate([x, np.zeros(n)]) for n in (0, 100, 4000, 40000)]
    for top_db in (None, 20.0, 60.0, 80.0):
        assert_batched_agrees(padded, MfccConfig(top_db=top_db))
    # and it does matter: the floor belongs to the clip, so another clip's loudness must not move it
    config = MfccConfig(top_db=40.0)
    floored, free = (features.mfcc_mean(padded[-1], c) for c in (config, replace(config, top_db=None)))
    assert np.abs(floored - free).max() > 10
    assert_batched_agrees([0.01 * padded[2], padded[2], 0.001 * padded[2]], config)


@pytest.mark.parametrize("chunk", [1, 7, 64, 100000])
def test_chunk_size_does_not_matter(rng, chunk):
    arrays = [rng.normal(0, 0.1, n).astype(np.float32) for n in (1, 500, 8000, 333)]
    assert_batched_agrees(arrays, MfccConfig(), chunk)


def test_clips_at_another_rate_are_refused():
    with pytest.raises(ValueError, match="resample"):
        features.mfcc_means(Clips.join([np.ones(100)], 16000), MfccConfig())


@settings(max_examples=60, deadline=None)
@example(lengths=[400, 1, 200, 801], n_fft=401, share=0.25)
@example(lengths=[4, 8], n_fft=17, share=0.24)
@given(
    lengths=st.lists(st.integers(1, 3000), min_size=1, max_size=6),
    n_fft=st.integers(16, 600),
    share=st.floats(0.01, 1.0),
)
def test_every_frame_of_every_clip_lies_on_the_tape(lengths, n_fft, share):
    """Laying clips out on one tape: the frames found there are those of each clip by itself, sample for sample."""
    hop = max(1, int(share * n_fft))
    config = MfccConfig(n_fft=n_fft, hop_length=hop, n_mels=8, n_mfcc=4)
    arrays = [np.random.default_rng(i).normal(size=n).astype(np.float32) for i, n in enumerate(lengths)]
    tape, first, counts = features._lay_out(Clips.join(arrays, 8000), config)
    view = np.lib.stride_tricks.sliding_window_view(tape, n_fft)[::hop]
    for array, start, count in zip(arrays, first, counts, strict=True):
        np.testing.assert_array_equal(view[start : start + count], features.frames(array, n_fft, hop))


# ----------------------------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("n_fft", 8),
        ("hop_length", 0),
        ("hop_length", 513),
        ("n_mels", 0),
        ("n_mels", 300),
        ("n_mfcc", 65),
        ("fmin", -1.0),
        ("fmin", 4000.0),
        ("fmax", 4001.0),
        ("fmax", float("nan")),
        ("mel_scale", "bark"),
        ("top_db", 0.0),
        ("sample_rate", 10),
    ],
)
def test_settings_out_of_range_are_named(key, value):
    with pytest.raises(RecipeError, match=key if key != "fmax" else "fm"):
        replace(MfccConfig(), **{key: value})


# -------------------------------------------------------------------------------------------------------------- cache


@pytest.fixture
def data(few_clips) -> datasets.SpokenDigits:
    return datasets.load_spoken(few_clips)


def files_in(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir())


def test_cache_gives_the_same_numbers_without_computing(data, tmp_path, monkeypatch):
    first = features.cached_mfcc_means(data, folder=tmp_path)
    (clips,) = data.clip_groups(8000)
    np.testing.assert_array_equal(first, features.mfcc_means(clips))

    def never(*_):
        raise AssertionError("computed again")

    monkeypatch.setattr(features, "mfcc_means", never)
    np.testing.assert_array_equal(features.cached_mfcc_means(data, folder=tmp_path), first)
    with pytest.raises(AssertionError, match="computed again"):  # other settings, other key
        features.cached_mfcc_means(data, MfccConfig(top_db=60.0), folder=tmp_path)


def test_cache_key_changes_with_content_settings_and_version(data, few_clips, tmp_path, monkeypatch):
    import shutil

    features.cached_mfcc_means(data, folder=tmp_path)
    features.cached_mfcc_means(data, MfccConfig(hop_length=100), folder=tmp_path)
    assert len(files_in(tmp_path)) == 2
    other = tmp_path.parent / "other"
    shutil.copytree(few_clips, other)
    shutil.copy(other / "data/01/1_01_0.flac", other / "data/01/0_01_0.flac")
    changed = features.cached_mfcc_means(datasets.load_spoken(other), folder=tmp_path)
    assert len(files_in(tmp_path)) == 3
    np.testing.assert_array_equal(changed[0], changed[2])
    monkeypatch.setattr(features, "VERSION", features.VERSION + 1)
    features.cached_mfcc_means(data, folder=tmp_path)
    assert len(files_in(tmp_path)) == 4


def test_damaged_cache_is_computed_anew(data, tmp_path, rng):
    good = features.cached_mfcc_means(data, folder=tmp_path)
    (path,) = files_in(tmp_path)
    whole = path.read_bytes()
    flips = {int(i) for i in rng.integers(0, len(whole), 25)} | set(range(0, 128, 5)) | {len(whole) - 1}
    damaged = [b"", b"junk", whole[:64], whole[: len(whole) // 2], whole[:-1], whole + b"x"]
    damaged += [whole[:i] + bytes([whole[i] ^ 0x40]) + whole[i + 1 :] for i in sorted(flips)]
    for content in damaged:
        path.write_bytes(content)
        np.testing.assert_array_equal(features.cached_mfcc_means(data, folder=tmp_path), good)
        assert path.read_bytes() == whole


# ---------------------------------------------------------------------------------------------------------- real data


@pytest.mark.real
def test_batch_is_one_by_one_on_real_speech(fetched):
    fetched("fsdd")
    data = datasets.load_spoken("fsdd")
    some = [audio.load(r.path).samples for r in data.recordings[::60]]
    assert_batched_agrees(some, MfccConfig())
