"""Reading, resampling and trimming recordings. (What cannot be used at all is held elsewhere, in a table.)"""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import soundfile as sf
from conftest import BUILTIN

from a2d import audio
from a2d.audio import AudioWarning, Clip, Clips
from a2d.errors import AudioError


def tone(rate: int, seconds: float = 0.5, hz: float = 440.0, amplitude: float = 0.5) -> np.ndarray:
    """A tone that fades in and out, so that nothing clicks."""
    t = np.arange(round(rate * seconds)) / rate
    return amplitude * np.sin(2 * np.pi * hz * t) * np.minimum(1, np.minimum(t, seconds - t) / 0.05)


# Half a step of quantisation, and a little; OGG and MP3 are lossy: they must be near, not equal.
LOSSLESS = {
    "WAV 8": ("wav", "PCM_U8", 1 / 128),
    "WAV 16": ("wav", "PCM_16", 1 / 32768),
    "WAV 24": ("wav", "PCM_24", 2e-7),
    "WAV 32": ("wav", "PCM_32", 1e-7),
    "WAV float": ("wav", "FLOAT", 1e-7),
    "WAV double": ("wav", "DOUBLE", 1e-7),
    "FLAC 16": ("flac", "PCM_16", 1 / 32768),
    "FLAC 24": ("flac", "PCM_24", 2e-7),
    "AIFF 16": ("aiff", "PCM_16", 1 / 32768),
}


@pytest.mark.parametrize(("suffix", "subtype", "step"), LOSSLESS.values(), ids=LOSSLESS.keys())
@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_lossless_formats_come_back_as_they_were(tmp_path, suffix, subtype, step, rate, channels):
    left, right = tone(rate), tone(rate, hz=700.0)
    written = left if channels == 1 else np.stack([left, right], 1)
    path = tmp_path / f"a.{suffix}"
    sf.write(path, written, rate, subtype=subtype)
    clip = audio.load(path)
    assert clip.rate == rate
    assert clip.samples.dtype == np.float32
    assert clip.samples.ndim == 1
    assert clip.seconds == pytest.approx(0.5)
    np.testing.assert_allclose(clip.samples, left if channels == 1 else (left + right) / 2, atol=step)


@pytest.mark.parametrize("suffix", ["ogg", "mp3"])
@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_lossy_formats_come_near(tmp_path, suffix, rate, channels):
    x = tone(rate)
    path = tmp_path / f"a.{suffix}"
    sf.write(path, x if channels == 1 else np.stack([x, x], 1), rate)
    clip = audio.load(path)
    assert clip.rate == rate
    assert abs(len(clip.samples) - len(x)) <= 0.06 * rate  # coders pad to whole blocks
    n = min(len(clip.samples), len(x))
    likeness = max(
        np.corrcoef(clip.samples[lag : n + lag][: n - lag], x[: n - lag])[0, 1] for lag in range(0, rate // 25)
    )
    assert likeness > 0.99


def test_resampling_keeps_the_tone_and_takes_out_what_would_alias():
    for new_rate in (8000, 16000, 22050):
        got = audio.resample(tone(48000).astype(np.float32), 48000, new_rate)
        np.testing.assert_allclose(got, tone(new_rate), atol=5e-3)
        assert got.dtype == np.float32
    gone = audio.resample(tone(48000, hz=6000.0).astype(np.float32), 48000, 8000)
    assert np.abs(gone).max() < 0.005


def test_loading_at_a_rate_is_loading_and_resampling(tmp_path):
    path = tmp_path / "a.wav"
    sf.write(path, tone(44100), 44100)
    clip = audio.load(path, 8000)
    assert clip.rate == 8000
    np.testing.assert_array_equal(clip.samples, audio.resample(audio.load(path).samples, 44100, 8000))
    assert audio.load(path, 44100).rate == 44100


# ------------------------------------------------------------------------------------------------------- check_samples


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.uint8, np.float64, np.float32])
def test_samples_of_every_type_come_to_full_scale_1(dtype):
    x = tone(8000)
    kind = np.dtype(dtype)
    scaled = x.astype(kind)
    if kind.kind == "i":
        scaled = np.round(x * (np.iinfo(kind).max + 1)).astype(kind)
    if kind.kind == "u":
        scaled = np.round(128 + 128 * x).astype(kind)
    got = audio.check_samples(scaled, 8000)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, x, atol=1 / 128 if kind.kind == "u" else 1 / 32768)


def test_two_channels_become_their_mean():
    x, y = tone(8000), tone(8000, hz=600.0)
    np.testing.assert_allclose(audio.check_samples(np.stack([x, y], 1), 8000), (x + y) / 2, atol=1e-7)
    np.testing.assert_allclose(audio.check_samples(x[:, None], 8000), x, atol=1e-7)


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        (np.zeros(8000), 8000, "silent"),
        (np.zeros(0), 8000, "empty"),
        (tone(8000)[:799], 8000, "0.1 to 10 s"),
        (np.tile(tone(8000), 21), 8000, "0.1 to 10 s"),
        (np.append(tone(8000), np.nan), 8000, "1 of 4001 samples are NaN"),
        (tone(8000).astype(complex), 8000, "type complex128"),
        (np.zeros((4000, 3)), 8000, r"shape \(4000, 3\)"),
        (tone(8000), 8000.0, "sampling rate"),
        (tone(8000), 0, "sampling rate"),
    ],
)
def test_what_cannot_be_used_is_named_with_what_to_do(samples, rate, message):
    with pytest.raises(AudioError, match=message) as caught:
        audio.check_samples(samples, rate, "my recording")
    assert str(caught.value).startswith("my recording: ")
    assert caught.value.hint


def test_clipping_warns_and_a_loud_clean_recording_does_not():
    with pytest.warns(AudioWarning, match="is clipped"):
        audio.check_samples(np.clip(4 * tone(8000), -1, 1), 8000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        speech = audio.load(BUILTIN / "01" / "7_01_0.flac").samples
        audio.check_samples(speech / np.abs(speech).max(), 8000)
        audio.check_samples(np.clip(4 * tone(8000), -1, 1) * 0.5, 8000)  # flat tops, but not at full scale


# ------------------------------------------------------------------------------------------------------- trim_silence


def noise(seconds: float, level: float, rate: int = 8000) -> np.ndarray:
    return level * np.random.default_rng(0).normal(size=round(seconds * rate))


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
@pytest.mark.parametrize("background", [0.0, 1e-4])
def test_silence_around_a_word_goes_and_the_word_stays(rate, background):
    word = tone(rate, 0.4)
    samples = np.concatenate([np.zeros(rate), word, np.zeros(2 * rate)]) + noise(3.4, background, rate)
    clip = audio.trim_silence(Clip(samples.astype(np.float32), rate))
    # the fade-in of 50 ms and the margin of 50 ms on either side
    assert 0.4 <= clip.seconds <= 0.4 + 0.1 + 2 * 0.02
    found = np.square(clip.samples, dtype=np.float64).sum() / np.square(word).sum()
    assert found == pytest.approx(1, abs=0.01)


def test_loudest_of_several_words_is_kept_and_short_pauses_do_not_split():
    quiet, loud = tone(8000, 0.3, amplitude=0.2), tone(8000, 0.3, hz=900.0)
    far = np.concatenate([quiet, np.zeros(4000), loud, np.zeros(4000), quiet])
    clip = audio.trim_silence(Clip(far.astype(np.float32), 8000))
    assert 0.3 <= clip.seconds <= 0.45
    assert np.abs(clip.samples).max() == pytest.approx(np.abs(loud).max(), rel=1e-3)
    near = np.concatenate([np.zeros(8000), quiet, np.zeros(1200), loud, np.zeros(8000)])  # "s-ix": 150 ms of closure
    clip = audio.trim_silence(Clip(near.astype(np.float32), 8000))
    assert 0.75 <= clip.seconds <= 0.9


@pytest.mark.parametrize("n", [800, 1000, 4000, 4079])
def test_tight_clips_come_back_as_they_are(n):
    x = (0.3 * np.sin(np.arange(n) / 3)).astype(np.float32)
    np.testing.assert_array_equal(audio.trim_silence(Clip(x, 8000)).samples, x)


def test_trimming_twice_is_trimming_once():
    for name in ("01/7_01_0.flac", "17/0_17_1.flac", "30/6_30_0.flac"):
        clip = audio.load(BUILTIN / name)
        padded = np.concatenate([np.zeros(3000, np.float32), clip.samples, np.zeros(9000, np.float32)])
        once = audio.trim_silence(Clip(padded, clip.rate))
        twice = audio.trim_silence(once)
        assert len(once.samples) <= len(clip.samples) + round(0.14 * clip.rate)
        assert len(twice.samples) >= len(once.samples) - round(0.04 * clip.rate)


def test_very_short_clip_is_left_alone():
    clip = Clip(np.ones(300, np.float32), 8000)
    assert audio.trim_silence(clip) is clip


# -------------------------------------------------------------------------------------------------------------- Clips


def test_clips_end_to_end_are_found_again():
    arrays = [np.arange(n, dtype=np.float32) for n in (3, 1, 7)]
    clips = Clips.join(arrays, 8000)
    assert len(clips) == 3
    assert clips.lengths.tolist() == [3, 1, 7]
    for i, array in enumerate(arrays):
        np.testing.assert_array_equal(clips[i].samples, array)
        np.testing.assert_array_equal(clips[i - 3].samples, array)
    assert [len(c.samples) for c in clips] == [3, 1, 7]
    with pytest.raises(IndexError):
        clips[3]
    assert len(Clips.join([], 8000)) == 0
    for bad in (np.zeros((2, 2)), np.zeros(0)):
        with pytest.raises(ValueError, match="1-d"):
            Clips.join([bad], 8000)


def test_many_files_come_in_order_and_the_first_bad_one_is_named(tmp_path):
    for i in range(3):
        sf.write(tmp_path / f"{i}.wav", tone(8000, 0.2 + 0.1 * i), 8000)
    clips = audio.load_many([tmp_path / f"{i}.wav" for i in (2, 0, 1)], 16000)
    assert clips.lengths.tolist() == [6400, 3200, 4800]
    (tmp_path / "1.wav").write_bytes(b"junk")
    with pytest.raises(AudioError, match=r"1\.wav"):
        audio.load_many([tmp_path / f"{i}.wav" for i in (2, 1, 0)], 8000)
