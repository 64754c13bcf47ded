"""Drawing with ears and hands: what is heard, whose hand it is, and pictures whose hand is borrowed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from a2d import audio, datasets, draw
from a2d.errors import AudioError, DataError
from a2d.io.pictures import load_digit
from a2d.io.shipped import shipped
from a2d.lab import models


@pytest.fixture(scope="module")
def writer() -> draw.Writer:
    return draw.Writer()


def recording(digit: int, speaker: str = "01", take: int = 0) -> audio.Clip:
    return audio.load(shipped("builtin") / "data" / speaker / f"{digit}_{speaker}_{take}.flac")


def test_it_hears_and_draws_each_digit(writer):
    for digit in range(10):
        drawing = writer.draw_clip(recording(digit))
        assert (drawing.heard, drawing.digit) == (digit, digit)
        assert drawing.image.shape == (28, 28)
        assert drawing.image.dtype == np.float32
        assert 0.5 < drawing.sure <= 1


def test_the_same_recording_gives_the_same_picture_and_a_seed_another(writer):
    clip = recording(3)
    first, again, seeded = writer.draw_clip(clip), writer.draw_clip(clip), writer.draw_clip(clip, 1)
    assert np.array_equal(first.image, again.image)
    assert not np.array_equal(first.image, seeded.image)
    assert np.array_equal(seeded.image, writer.draw_clip(clip, 1).image)
    assert not np.array_equal(seeded.image, writer.draw_clip(clip, 2).image)


def test_louder_is_bolder(writer):
    ink = []
    for gain in (0.03, 0.3, 1.0):
        clip = recording(8)
        loud = clip.samples / np.abs(clip.samples).max() * gain
        ink.append(float(writer.draw_clip(audio.Clip(loud, clip.rate)).image.mean()))
    assert ink == sorted(ink)
    assert ink[2] > 1.1 * ink[0]


def test_a_voice_keeps_its_hand(writer):
    def hand(speaker: str, digit: int) -> torch.Tensor:
        clip = recording(digit, speaker)
        samples = audio.prepare(clip, writer.ear.config.sample_rate)
        return writer._hand(samples, torch.tensor([digit]))[0, :-1]

    speakers = ("01", "08", "15", "22", "29", "36", "43", "50")
    table = torch.stack([torch.stack([hand(s, d) for d in (0, 3, 6, 9)]) for s in speakers])
    own = (table - table.mean(1, keepdim=True)).norm(dim=-1).mean()
    others = (table - table.mean((0, 1))).norm(dim=-1).mean()
    assert own < 0.82 * others


@pytest.mark.parametrize("sound", ["noise", "tone", "backwards"])
def test_what_is_no_digit_is_refused_and_drawn_only_when_asked(writer, sound):
    time = np.arange(8000) / 8000
    noise = np.random.default_rng(0).normal(0, 0.1, 8000) * np.exp(-(((time - 0.5) / 0.15) ** 2))
    tone = 0.3 * np.sin(2 * np.pi * 440 * time) * np.exp(-3 * time)
    samples = {"noise": noise, "tone": tone, "backwards": recording(7).samples[::-1]}[sound]
    clip = audio.Clip(np.ascontiguousarray(samples, np.float32), 8000)
    with pytest.raises(AudioError, match=r"that was no digit \(\d+ % sure\)"):
        writer.draw_clip(clip)
    anyway = draw.Writer(anyway=True).draw_clip(clip)
    assert anyway.heard is not None
    assert "may be no digit" in anyway.warnings[-1]


def test_the_command_says_what_it_heard_and_refuses_what_is_no_digit(tmp_path):
    import soundfile
    from click.testing import CliRunner

    from a2d.cli import main

    digit, noise = tmp_path / "nine.wav", tmp_path / "noise.wav"
    clip = recording(9)
    soundfile.write(digit, clip.samples, clip.rate)
    soundfile.write(noise, np.random.default_rng(0).normal(0, 0.1, 8000), 8000)
    result = CliRunner().invoke(main, ["draw", str(digit), str(noise), "--out", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert "heard 9 (" in result.stdout
    assert ", reads 9 (" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("1 of 2 drawn.")
    assert result.stderr.startswith(f"Error: {noise}: that was no digit (")
    assert "--anyway" not in result.stdout
    assert "draw it with --anyway" in result.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["contact-sheet.png", "nine.png"]


def test_load_draws_with_what_the_model_is(writer):
    assert isinstance(draw.load("report"), draw.Artist)
    assert isinstance(draw.load(), draw.Writer)


# ------------------------------------------------------------------------------------------------- borrowed hands


def test_a_picture_of_mnist_comes_back_as_it_is(tmp_path):
    from a2d.io.pictures import save_picture

    images = datasets.load_images("builtin")
    pixels = images.pixels[3].astype(np.float32) / 255
    save_picture(pixels, tmp_path / "digit.png")
    again = load_digit(tmp_path / "digit.png")
    assert again.shape == (28, 28)
    mass = again.sum()
    for axis in (0, 1):
        assert abs((np.indices(again.shape)[axis] * again).sum() / mass - 14) < 0.7
    assert np.corrcoef(again.ravel(), pixels.ravel())[0, 1] > 0.6


@pytest.mark.parametrize("dark_on_light", [False, True])
def test_ink_is_what_is_not_at_the_edge(tmp_path, dark_on_light):
    page = np.zeros((300, 200), np.uint8)
    page[60:240, 90:110] = 230
    Image.fromarray(255 - page if dark_on_light else page).save(tmp_path / "one.png")
    image = load_digit(tmp_path / "one.png")
    assert image.max() > 0.9
    assert image[:, :10].max() == 0
    assert np.flatnonzero((image > 0.5).any(1)).size == 20


def test_the_hand_of_a_picture_writes_that_picture_again(writer, tmp_path):
    images = datasets.load_images("builtin")
    pixels = images.pixels[10].astype(np.float32) / 255
    Image.fromarray((255 * pixels).astype(np.uint8)).save(tmp_path / "digit.png")
    style = writer.hand_in(tmp_path / "digit.png")
    digit = torch.tensor([int(images.labels[10])])
    again = writer.net.draw(digit, style=style[None])[0].numpy()
    other = writer.net.draw(digit, style=torch.zeros(1, writer.net.style_size))[0].numpy()
    wanted = load_digit(tmp_path / "digit.png")
    assert np.abs(again - wanted).mean() < 0.75 * np.abs(other - wanted).mean()


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "no picture that can be read"), (b"\x89PNG\r\n\x1a\nbroken", "no picture that can be read")],
)
def test_a_file_that_is_no_picture_is_refused(tmp_path, content, message):
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(DataError, match=message):
        load_digit(tmp_path / "x.png")


def test_an_empty_page_and_a_missing_file_are_refused(tmp_path):
    Image.new("L", (50, 50), 255).save(tmp_path / "page.png")
    with pytest.raises(DataError, match="no ink"):
        load_digit(tmp_path / "page.png")
    with pytest.raises(DataError, match="no picture that can be read"):
        load_digit(tmp_path / "nothing.png")


def test_hands_without_a_way_back_say_so(writer, monkeypatch):
    monkeypatch.setattr(writer, "net", models.load("report").net)
    with pytest.raises(DataError, match="cannot borrow"):
        writer.hand_in("x.png")
