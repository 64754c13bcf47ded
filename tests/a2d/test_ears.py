"""Ears: what is heard, what is changed in training, and that neither gain, silence nor chance makes a difference."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from a2d import datasets, features, training
from a2d.ears import augment as aug
from a2d.ears.augment import AugmentConfig
from a2d.ears.cnn import CYCLES, NO_DIGIT, Ear, EarConfig, LogMel, Scalogram, window_of
from a2d.ears.voice import VoiceSpace, level_of
from a2d.errors import DataError, RecipeError
from a2d.lab import models, recipes
from a2d.lab.kinds import Setting, get
from a2d.lab.kinds.ear import EarRecipe, EarTask, MixConfig, Sounds, sounds_of

RATE = 8000
SMALL = EarConfig(channels=(8, 16), blocks=(1, 1))
SMALL_WAVES = EarConfig(front="scalogram", seconds=0.9, hop_length=160, n_mels=24)
OFF = dataclasses.replace(AugmentConfig.nothing(), snr_high=30.0)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def word(n: int = RATE, at: float = 440.0) -> torch.Tensor:
    """A tone that swells and fades in the middle of silence."""
    time = torch.arange(n) / RATE
    return torch.exp(-0.5 * ((time - 0.5) / 0.1) ** 2) * torch.sin(2 * torch.pi * at * time)


# ---------------------------------------------------------------------------------------------------- what is heard


def test_log_mel_is_that_of_the_features_module_standardised():
    config = EarConfig()
    samples = torch.randn(3, RATE, generator=rng())
    heard = LogMel(config)(samples)
    assert heard.shape == (3, config.n_mels, 101)
    mel = features.MfccConfig(RATE, config.n_fft, config.hop_length, config.n_mels, n_mfcc=config.n_mels)
    for row, one in zip(heard, samples, strict=True):
        db = features.log_mel(one.numpy(), mel)
        expected = (db - db.mean()) / db.std()
        np.testing.assert_allclose(row.T.numpy(), expected, atol=2e-3)


def test_a_tone_is_brightest_in_the_band_of_its_pitch():
    config = EarConfig(front="scalogram")
    pitches = np.geomspace(80, 0.95 * RATE / 2, config.n_mels)
    for band in (3, 20, 40):
        tone = torch.sin(2 * torch.pi * float(pitches[band]) * torch.arange(RATE) / RATE)[None]
        heard = Scalogram(config)(tone)
        assert heard.shape == (1, config.n_mels, 101)
        assert int(heard[0, :, 50].argmax()) == band


@pytest.mark.parametrize("config", [EarConfig(front="scalogram"), SMALL_WAVES], ids=["course", "lecture"])
def test_working_low_bands_out_at_few_samples_changes_little(config):
    samples = torch.randn(1, config.n_samples, generator=rng()) * torch.linspace(0.2, 1, config.n_samples)
    n, hop, size = config.n_samples, config.hop_length, 1 << 14
    pitches = np.geomspace(80, 0.95 * config.sample_rate / 2, config.n_mels)[:, None]
    bells = np.exp(-0.5 * ((np.fft.rfftfreq(size, 1 / config.sample_rate) - pitches) / (pitches / CYCLES)) ** 2)
    wave = np.fft.ifft(np.fft.rfft(samples[0] / samples.abs().max(), size) * bells, size)[:, :n]
    power = np.pad(np.abs(wave) ** 2, ((0, 0), (hop // 2, hop)))[:, : (n // hop + 1) * hop]
    db = 10 * np.log10(power.reshape(len(power), -1, hop).mean(-1))
    db = np.maximum(db, db.max() - config.floor_db)
    difference = Scalogram(config)(samples)[0].numpy() - (db - db.mean()) / db.std()
    assert np.abs(difference).mean() < 0.03
    assert np.abs(difference).max() < 0.3


def test_a_click_is_sharp_in_high_bands_and_long_in_low_ones():
    click = torch.zeros(1, RATE)
    click[0, RATE // 2] = 1
    heard = Scalogram(EarConfig(front="scalogram"))(click)[0]
    lengths = (heard > heard.max() - 1.0).sum(-1)
    assert int(heard[40].argmax()) == 50
    wide = [(row > row.max() - 0.5).sum() for row in (heard[2], heard[40])]
    assert wide[0] > wide[1]
    assert lengths.sum() > 0


@pytest.mark.parametrize("gain", [0.01, 3.0])
def test_gain_makes_no_difference(gain):
    ear, samples = Ear(SMALL).eval(), torch.stack([word(), word(at=900)]) + 1e-3 * torch.randn(2, RATE, generator=rng())
    torch.testing.assert_close(ear(gain * samples), ear(samples), atol=1e-3, rtol=1e-3)


def test_silence_gives_finite_scores():
    assert Ear(SMALL).eval()(torch.zeros(2, RATE)).isfinite().all()


@pytest.mark.parametrize("n", [10, 3999, RATE])
def test_short_recordings_lie_in_the_middle_of_silence(n):
    samples = np.ones(n, np.float32)
    heard = window_of(samples, RATE)
    assert heard.shape == (RATE,)
    assert heard.sum() == n
    centre = np.flatnonzero(heard).mean()
    assert abs(centre - (RATE - 1) / 2) <= 0.5


def test_of_a_long_recording_the_loudest_window_is_heard():
    samples = 0.01 * np.ones(5 * RATE, np.float32)
    samples[20_000:24_000] = 1
    heard = window_of(samples, RATE)
    assert heard.shape == (RATE,)
    assert (heard == 1).sum() == 4000


def test_what_is_heard_are_probabilities_and_the_mode_stays():
    ear = Ear(SMALL).train()
    heard = ear.hear(torch.randn(5, RATE, generator=rng()), batch_size=2)
    assert ear.training
    torch.testing.assert_close(heard.says.sum(-1), torch.ones(5))
    assert ((heard.nothing >= 0) & (heard.nothing <= 1)).all()
    assert ear.hear(torch.zeros(0, RATE)).says.shape == (0, 10)


def test_a_high_temperature_makes_less_sure_and_changes_no_mind():
    ear, samples = Ear(SMALL).eval(), torch.randn(6, RATE, generator=rng())
    before = ear.hear(samples)
    ear.temperature.fill_(4.0)
    after = ear.hear(samples)
    assert (after.says.max(-1).values < before.says.max(-1).values).all()
    assert (after.says.argmax(-1) == before.says.argmax(-1)).all()


def test_every_weight_gets_a_gradient():
    ear = Ear(EarConfig(channels=(8, 16, 24), blocks=(1, 1, 1)))
    ear(torch.randn(4, RATE, generator=rng())).logsumexp(-1).sum().backward()
    without = [name for name, p in ear.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    # The first layers of a squeeze may be dead by chance; everything else must learn.
    assert not [name for name in without if "weigh" not in name]


@pytest.mark.parametrize(
    "change", [{"sample_rate": 10}, {"n_mels": 4}, {"channels": ()}, {"dropout": 1.0}, {"hop_length": 300}]
)
def test_impossible_ears_are_refused(change):
    with pytest.raises(RecipeError, match=next(iter(change))):
        dataclasses.replace(EarConfig(), **change)


# ----------------------------------------------------------------------------------------------- what is changed


def test_nothing_asked_for_is_nothing_done():
    samples = torch.randn(4, RATE, generator=rng())
    assert aug.augment(samples, OFF, RATE, rng()) is samples
    spectrogram = torch.randn(4, 48, 101, generator=rng())
    assert aug.augment_mel(spectrogram, OFF, 0.01, rng()) is spectrogram
    targets = torch.eye(11)[:4]
    assert aug.mixed(spectrogram, targets, 0.0, rng())[1] is targets


def test_the_same_seed_does_the_same_and_another_does_not():
    samples = torch.randn(8, RATE, generator=rng(5))
    one, again, other = (aug.augment(samples, AugmentConfig(), RATE, rng(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.allclose(one, other)
    assert one.isfinite().all()


def test_pace_moves_a_tone_by_the_factor():
    factors = []
    for seed in range(12):
        samples = torch.sin(2 * torch.pi * 1000 * torch.arange(RATE) / RATE)[None]
        changed = aug.change_pace(samples, 0.2, 0.0, rng(seed))[0]
        inside = changed[1000:7000] * torch.hann_window(6000)
        factors.append(float(torch.fft.rfft(inside).abs().argmax()) * RATE / 6000 / 1000)
    assert min(factors) >= 0.79
    assert max(factors) <= 1.21
    assert np.std(factors) > 0.05


def test_a_shift_moves_a_click_by_at_most_as_much_as_asked():
    samples = torch.zeros(64, RATE)
    samples[:, RATE // 2] = 1
    places = aug.change_pace(samples, 0.0, 800, rng()).argmax(-1) - RATE // 2
    assert places.abs().max() <= 801
    assert places.float().std() > 300


def test_a_batch_in_which_nobody_is_in_a_room_stays_as_it_is():
    samples = torch.randn(1, RATE, generator=rng())
    torch.testing.assert_close(aug.change_place(samples, RATE, rng(), room=1e-9, equaliser=0.0), samples)


def test_a_room_keeps_the_sound_and_adds_a_tail():
    samples = torch.zeros(64, RATE)
    samples[:, 1000] = 1
    heard = aug.change_place(samples, RATE, rng(), room=1.0, equaliser=0.0)
    torch.testing.assert_close(heard[:, 1000], torch.ones(64), atol=1e-4, rtol=0)
    torch.testing.assert_close(heard[:, :1000], torch.zeros(64, 1000), atol=1e-5, rtol=0)
    tail = heard[:, 1001:].square().sum(-1)
    assert (10 * tail.log10()).max() <= -2.9
    assert (10 * tail.log10()).min() >= -20.1
    dry = aug.change_place(samples, RATE, rng(), room=0.0, equaliser=0.0)
    torch.testing.assert_close(dry, samples, atol=1e-5, rtol=0)


def test_noise_has_the_level_that_was_asked_for():
    config = dataclasses.replace(OFF, noise=1.0, snr_low=10.0, snr_high=10.0)
    samples = torch.stack([word()] * 16)
    added = aug.add_noise(samples, config, RATE, rng()) - samples
    level = 20 * torch.log10(aug.word_level(samples, RATE) / added.square().mean(-1).sqrt())
    torch.testing.assert_close(level, torch.full((16,), 10.0), atol=0.05, rtol=0)


@pytest.mark.parametrize("kind", ["noise", "babble", "hum"])
def test_a_share_of_recordings_gets_each_noise(kind):
    config = dataclasses.replace(OFF, **{kind: 0.5})
    samples = torch.stack([word(at=200 + 20 * i) for i in range(128)])
    touched = (aug.add_noise(samples, config, RATE, rng()) != samples).any(-1)
    assert 40 <= int(touched.sum()) <= 88


def test_first_or_last_sounds_are_cut_off():
    samples = torch.zeros(64, RATE)
    samples[:, 2000:6000] = 1 + torch.rand(64, 4000, generator=rng())
    cut = aug.cut_off(samples, 0.5, RATE, rng())
    changed = cut != samples
    assert (cut[changed] == 0).all()  # silence, and nothing else
    touched = changed.any(-1)
    assert 20 <= int(touched.sum()) <= 44
    lost = (changed.sum(-1) / (samples != 0).sum(-1))[touched]
    assert lost.max() <= 0.3
    assert lost.std() > 0.05  # more of some than of others
    loud = torch.stack([(x != 0).nonzero()[[0, -1], 0] for x in samples])
    left = torch.stack([(x != 0).nonzero()[[0, -1], 0] for x in cut])
    moved = (loud != left)[touched]
    assert (moved.sum(-1) == 1).all()  # one end, not both
    assert 0 < int(moved[:, 0].sum()) < len(moved)  # and not always the same one


def test_made_up_sounds_have_power_one():
    for sounds in (aug.coloured_noise(9, RATE, rng()), aug.hum(9, RATE, RATE, rng())):
        torch.testing.assert_close(sounds.square().mean(-1), torch.ones(9), atol=1e-3, rtol=0)
    spectrum = torch.fft.rfft(aug.hum(4, RATE, RATE, rng())).abs()
    of_mains = spectrum[:, 50::50].square().sum(-1) + spectrum[:, 60::60].square().sum(-1)
    assert (of_mains / spectrum.square().sum(-1)).min() > 0.95


def test_what_is_no_word_is_never_two_times_the_same_and_finite():
    sounds = aug.no_words(40, RATE, RATE, rng())
    assert sounds.shape == (40, RATE)
    assert sounds.isfinite().all()
    assert len({tuple(row[:50].tolist()) for row in sounds}) == 40
    assert sounds.abs().max() < 10


def test_a_warp_moves_bands_and_masks_blank_out_no_more_than_asked():
    spectrogram = torch.zeros(32, 48, 101)
    spectrogram[:, 20] = 1
    warped = aug.augment_mel(spectrogram, dataclasses.replace(OFF, warp=0.2), 0.01, rng())
    peaks = warped[:, :, 50].argmax(-1).float()
    assert 15 <= peaks.min() < 19
    assert 21 < peaks.max() <= 26
    masked = aug.augment_mel(torch.ones(32, 48, 101), dataclasses.replace(OFF, time_mask=0.1, mel_mask=5), 0.01, rng())
    blank_frames = (masked.sum(-2) == 0).sum(-1)
    blank_bands = (masked.sum(-1) == 0).sum(-1)
    assert 0 < blank_frames.max() <= 11
    assert 0 < blank_bands.max() <= 6


def test_mixing_keeps_each_target_a_probability():
    spectrogram, targets = torch.randn(8, 4, 5, generator=rng()), torch.eye(11)[:8]
    mixed, new = aug.mixed(spectrogram, targets, 0.4, rng())
    torch.testing.assert_close(new.sum(-1), torch.ones(8))
    share = new.max(-1).values[0]
    assert 0.5 <= float(share) < 1
    assert mixed.shape == spectrogram.shape


@pytest.mark.parametrize("change", [{"speed": 0.6}, {"noise": 0.9, "babble": 0.2}, {"snr_low": 40.0}, {"mixup": -1}])
def test_impossible_changes_are_refused(change):
    with pytest.raises(RecipeError):
        dataclasses.replace(AugmentConfig(), **change)


# ------------------------------------------------------------------------------------------------------- training


def recipe(epochs: int = 1) -> EarRecipe:
    plain = recipes.load_as(EarRecipe, "ear")
    config = dataclasses.replace(plain.training, epochs=epochs, batch_size=16, average=0.9)
    return dataclasses.replace(plain, model=SMALL, training=config)


@pytest.fixture(scope="module")
def some() -> Sounds:
    data = datasets.load_spoken("builtin")
    return sounds_of(data, SMALL, np.arange(0, 3000, 15))


def test_recordings_are_heard_as_loud_as_they_go(some):
    assert some.samples.dtype == torch.int16
    assert (some.samples.abs().max(-1).values == 32767).all()
    assert sorted(set(some.labels.tolist())) == list(range(10))


def test_items_beyond_the_recordings_are_no_digits(some):
    made = dataclasses.replace(recipe(), mix=MixConfig(no_words=0.1, backwards=0.1))
    task = EarTask(made, some, seed=0)
    assert task.n_items == 240
    samples, labels = task._sounds(torch.arange(task.n_items), rng())
    assert torch.equal(labels[:200], some.labels)
    assert (labels[200:] == NO_DIGIT).all()
    forwards = {tuple(row) for row in some.floats().flip(-1).tolist()}
    assert all(tuple(row) in forwards for row in samples[200:220].tolist())
    assert samples[220:].abs().sum(-1).min() > 0


def test_training_lowers_the_loss_and_can_be_taken_up_again(some, tmp_path):
    still = dataclasses.replace(recipe(8), augment=OFF)  # so that a few steps are enough
    task = EarTask(still, some, seed=0, validation=some)
    whole = training.fit(task, task.recipe.training, seed=0).series
    assert whole["loss"][-1] < whole["loss"][0] - 0.1
    assert whole["accuracy"][-1] > 0.2
    stop = lambda epoch, _: epoch == 2  # noqa: E731
    half = EarTask(still, some, seed=0, validation=some)
    training.fit(half, half.recipe.training, seed=0, out=tmp_path, on_epoch=stop)
    rest = EarTask(still, some, seed=0, validation=some)
    resumed = training.fit(rest, rest.recipe.training, seed=0, out=tmp_path, resume=True).series
    assert resumed["loss"] == whole["loss"]


def test_an_ear_is_saved_and_hears_the_same(tmp_path):
    ear = Ear(SMALL).eval()
    ear.temperature.fill_(1.5)
    models.save(tmp_path / "ear.safetensors", ear, {"kind": "ear", "recipe": recipe().as_dict()})
    again = models.load(tmp_path / "ear.safetensors", "ear").net
    samples = torch.randn(3, RATE, generator=rng())
    torch.testing.assert_close(again.hear(samples), ear.hear(samples))


def test_no_speaker_of_training_is_in_validation_or_test():
    speakers = np.array([f"{i:08x}" for i in range(2000)]).repeat(3)
    split = datasets.split_by_name(speakers)
    parts = [set(speakers[part].tolist()) for part in (split.train, split.val, split.test)]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 2000
    assert 0.7 < len(parts[0]) / 2000 < 0.8
    some = speakers[:300]
    again = datasets.split_by_name(some)
    assert set(some[again.test].tolist()) == parts[2] & set(some.tolist())
    with pytest.raises(DataError, match="no speaker is left"):
        datasets.split_by_name(np.array(["a"]), test=1.0)


def test_other_words_are_those_of_the_part(tmp_path):
    import json

    import soundfile

    for name in ("data/v1/0_v1_0", "others/v1/cat_0", "others/v1/cat_1", "others/v1/dog_0"):
        path = tmp_path / f"{name}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, word().numpy(), RATE)
    data = datasets.load_spoken(tmp_path)
    assert datasets.load_others(data) == []
    (tmp_path / "MANIFEST.json").write_text(json.dumps({"words": {"training": ["cat"], "test": ["dog"]}}))
    assert [path.stem for path in datasets.load_others(data)] == ["cat_0", "cat_1"]
    assert [path.stem for path in datasets.load_others(data, "test")] == ["dog_0"]


def test_the_kind_trains_on_the_speakers_of_the_training_part_only():
    kind = get("ear")
    task, facts = kind.task(recipe(), Setting(data="builtin"))
    data = datasets.load_spoken("builtin")
    split = datasets.split_by_name(data.speakers)
    assert len(task.train) == recipe().mix.first * len(split.train)
    assert len(task.validation) == len(split.val)
    assert facts["data"]["corpora"][0]["hash"] == data.content_hash


# ------------------------------------------------------------------------------------------- how sure, and whose voice


def test_calibration_finds_the_temperature_and_the_limit():
    ear = Ear(SMALL).eval()
    samples = torch.randn(400, RATE, generator=rng())
    with torch.no_grad():
        ear.head[1].weight.mul_(8 / ear(samples).std(0).mean())  # far too sure of everything
        ear.head[1].bias -= ear(samples).mean(0)
        scores = ear(samples)[:, :NO_DIGIT]
    # The digits are drawn from the scores at temperature 2.5, so that is the temperature at which the ear is honest.
    honest = (scores / 2.5).softmax(-1)
    digits = torch.multinomial(honest, 1, generator=rng(1))[:, 0]
    heard = ear.calibrate(samples, digits, share=0.05)
    assert 2.0 < float(ear.temperature) < 3.1
    assert abs(float(heard.refused.float().mean()) - 0.05) < 0.006
    assert torch.equal(heard.refused, heard.nothing > ear.limit)


def test_calibrating_twice_changes_nothing():
    ear = Ear(SMALL).eval()
    samples, digits = torch.randn(50, RATE, generator=rng()), torch.arange(50) % 10
    ear.calibrate(samples, digits)
    first = float(ear.temperature), float(ear.limit)
    ear.calibrate(samples, digits)
    assert (float(ear.temperature), float(ear.limit)) == first


def voices(speakers: int = 40, takes: int = 30) -> tuple[torch.Tensor, torch.Tensor, np.ndarray, torch.Tensor]:
    """Features in which a digit and a voice add up: two numbers are the voice's, the others are noise."""
    who = torch.arange(speakers).repeat_interleave(takes)
    digits = torch.arange(len(who)) % 10
    of_voice, of_digit = torch.randn(speakers, 2, generator=rng(1)), 5 * torch.randn(10, 40, generator=rng(2))
    mixing = torch.linalg.qr(torch.randn(40, 40, generator=rng(3)))[0][:2]
    features_ = of_voice[who] @ mixing + of_digit[digits] + 0.1 * torch.randn(len(who), 40, generator=rng(4))
    return features_, digits, np.array([f"s{k}" for k in who.tolist()]), of_voice[who]


def test_the_directions_of_a_voice_are_those_in_which_speakers_differ():
    x, digits, speakers, truth = voices()
    space = VoiceSpace(directions=2)
    space.fit(x, digits, speakers, np.linspace(-40, -20, len(x)))
    heard = space.heard(x, digits)
    # What is heard is a rotation of what the voices are: each true number is a linear function of it.
    for column in (truth - truth.mean(0)).T:
        left = column - heard @ torch.linalg.lstsq(heard, column[:, None]).solution[:, 0]
        assert float(left.square().mean() / column.square().mean()) < 0.05
    means = torch.stack([heard[torch.from_numpy(speakers == name)].mean(0) for name in np.unique(speakers)])
    torch.testing.assert_close(means.std(0, correction=0), torch.ones(2), atol=0.01, rtol=0)
    torch.testing.assert_close(means.mean(0), torch.zeros(2), atol=0.01, rtol=0)


def test_loudness_is_counted_in_standard_deviations_and_bounded():
    x, digits, speakers, _ = voices()
    levels = np.random.default_rng(0).normal(-30, 4, len(x))
    space = VoiceSpace()
    space.fit(x, digits, speakers, levels)
    torch.testing.assert_close(
        space.loudness(torch.tensor([-30.0, -26.0, 0.0])), torch.tensor([0.0, 1, 2]), atol=0.15, rtol=0
    )


def test_too_few_speakers_make_no_space():
    x, digits, speakers, _ = voices(speakers=4)
    with pytest.raises(DataError, match="4 speakers are too few"):
        VoiceSpace().fit(x, digits, speakers, np.zeros(len(x)))


def test_level_is_in_decibels_of_full_scale():
    assert level_of(np.ones(100, np.float32)) == pytest.approx(0, abs=1e-3)
    assert level_of(np.full(100, 0.1, np.float32)) == pytest.approx(-20, abs=1e-3)
