"""Lecture 00: its figures, its map of the course, and the student's own recording, good or bad."""

from __future__ import annotations

import re

import numpy as np
import pytest
from badfiles import BUILTIN, clipped, encode, png, tone
from conftest import ROOT
from pictures import check_picture, check_texts_within_the_page

from a2d.audio import Clip
from a2d.errors import DataError
from a2d.figures import f00_start
from a2d.widgets import own_recording
from teach.lectures import honest
from teach.lectures.source import find_sources, read_lecture

SHIPPED = BUILTIN / "01" / "7_01_0.flac"
WAVE = np.sin(np.arange(4000) / 5) * np.hanning(4000) / 2
INK = np.random.default_rng(0).uniform(size=(2, 3, 28, 28))
PICTURES = {
    "waveform": (lambda: f00_start.waveform(WAVE, 8000), 2),
    "loudest at the end": (lambda: f00_start.waveform(np.arange(50) / 50, 44_100), 2),
    "pipeline": (f00_start.pipeline, 1),
    "readings": (lambda: f00_start.pictures_read(INK, ["sharp", "blurred"], [1, 2, 3], [[1, 2, 3], [1, 7, 7]]), 1),
}


@pytest.mark.parametrize("name", PICTURES)
def test_figures(name, monkeypatch):
    check_picture(*PICTURES[name])
    check_texts_within_the_page(PICTURES[name][0](), monkeypatch)


def test_the_words_tell_what_is_drawn():
    assert f00_start.waveform(WAVE, 8000).text.startswith("4,000 samples in 0.50 s; the loudest, 0.50, is at 0.25 s.")
    with pytest.raises(DataError, match="too few to draw"):
        f00_start.waveform(WAVE[:49], 8000)
    text = f00_start.pictures_read(INK, ["sharp", "blurred"], [1, 2, 3], [[1, 2, 3], [1, 7, 7]]).text
    assert text == "Of 3 pictures are read right: sharp: 3, blurred: 1."
    with pytest.raises(DataError):
        f00_start.pictures_read(INK, ["sharp", "blurred"], [1, 2, 3], [[1, 2], [1, 2]])


def test_the_pipeline_has_no_word_that_a_beginner_does_not_know():
    text = f00_start.pipeline()
    drawn = " ".join(one.get_text() for one in text.figure.axes[0].texts) + text.text
    assert not re.search(r"ELBO|KL|q\(|N\(0|MLP|CNN|epsilon|\u03b5", drawn)


def uploaded(name: str, content: bytes) -> tuple[dict, ...]:
    return ({"name": name, "content": memoryview(content), "size": len(content)},)


def test_a_chosen_file_is_taken_and_else_the_named_one_and_else_the_courses(tmp_path, capsys):
    mine = tmp_path / "my_two.wav"
    mine.write_bytes(encode(tone(0.5), rate=16_000))
    chosen = uploaded("../up/three.ogg", encode(tone(0.7), "OGG", "VORBIS"))
    in_version_7 = {"three.ogg": {"metadata": {}, "content": encode(tone(0.7), "OGG", "VORBIS")}}
    for uploads, name, wanted, seconds in (
        (chosen, str(mine), "three.ogg", 0.7),
        (in_version_7, "", "three.ogg", 0.7),
        ((), str(mine), "my_two.wav", 0.5),
        ({}, "", "7_01_0.flac", 0.465),
    ):
        label, clip = own_recording(uploads, name, SHIPPED)
        assert label == wanted
        assert clip.seconds == pytest.approx(seconds, abs=0.01)
        told = capsys.readouterr().out
        whose = "a recording that comes with the course" if wanted.endswith("flac") else "your own recording"
        assert told == f"{wanted}, {whose}: {clip.seconds:.2f} s at {clip.rate:,} Hz\n"
    take = Clip(tone(0.8), 16_000)
    assert own_recording(chosen, str(mine), SHIPPED, take) == ("your take", take)
    assert capsys.readouterr().out == "your take, your own recording: 0.80 s at 16,000 Hz\n"


BAD = {
    "picture.wav": (png(), "this is not a sound file"),
    "memo.m4a": (b"\0\0\0 ftypM4A isom" + bytes(400), "this is not a sound file"),
    "empty.wav": (b"", "the file is empty"),
    "silent.wav": (encode(np.zeros(8000, np.float32)), "is silent"),
    "long.wav": (encode(tone(11)), "11.0 s long"),
    "short.wav": (encode(tone(0.05)), "0.05 s long"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_gets_one_clear_message_and_the_lecture_goes_on(name, capsys):
    content, why = BAD[name]
    label, clip = own_recording(uploaded(name, content), "", SHIPPED)
    first, second = capsys.readouterr().out.splitlines()
    assert (label, clip.rate) == ("7_01_0.flac", 8000)
    assert first.startswith(f"{name} cannot be used: ")
    assert why in first
    assert "/tmp" not in first
    assert second.startswith("7_01_0.flac, a recording that comes with the course")


def test_a_file_that_is_not_there_and_a_clipped_one(capsys):
    own_recording((), "nowhere.wav", SHIPPED)
    assert capsys.readouterr().out.startswith("nowhere.wav cannot be used: ")
    own_recording(uploaded("loud.wav", clipped()), "", SHIPPED)
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("loud.wav, your own recording")
    assert told[1].startswith("loud.wav: the recording is clipped")


@pytest.mark.parametrize("name", ["notebooks/src/00_start_here.py", "notebooks/README.md"])
def test_the_maps_tell_time_and_needs_of_each_lecture(name):
    """Both stand in the lecture's first cell: About 90 min, CPU, needs 00."""
    text = (ROOT / name).read_text(encoding="utf-8")
    for path in find_sources():
        lecture = read_lecture(path)
        needs = re.search(r"needs ([^.]+)\.", lecture.cells[0].source)[1]
        told = "-" if needs == "nothing" else ", ".join(re.findall(r"\d\d", needs))
        row = next(line for line in text.splitlines() if re.match(rf"(# )?\| (\[)?{path.stem[:2]}\b", line))
        assert row.endswith(f"| {honest.stated(lecture)} | {told} |"), f"{name}: {row}"
