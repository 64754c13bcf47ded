"""What bad input gets: one clear message, exit code 2, the right error in Python, and nothing half-written.

Each table holds what a user may feed to a command by mistake. What looks odd but is fine must work; it stands in
tables of its own. Decisions that could have gone another way:

* a file that is shorter than its own header says (WAV, RF64, AIFF, OGG, FLAC, MP3 with a Xing tag) is refused, even if
  enough of the sound is left: half of "seven" is not "seven". An MP3 without that tag makes no promise and is taken;
* a WAV written to a pipe, whose header says "unknown", is taken;
* a constant (a recording of nothing but an offset) is silence;
* floating-point samples more than 20 dB beyond full scale are on another scale, and are refused.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import badfiles as make
import numpy as np
import pytest
from click.testing import CliRunner, Result
from conftest import ROOT

from a2d import audio, datasets, draw
from a2d.cli import main
from a2d.errors import A2DError, AudioError, DataError, ModelError, RecipeError, TrainingError
from a2d.io import fetching, pictures, tensorfile
from a2d.lab import models as lab_models
from a2d.lab import recipes, runs

# --- running a command ---------------------------------------------------------------------------------


def a2d(*arguments: object) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(main, [os.fspath(a) if isinstance(a, Path) else str(a) for a in arguments])


def messages(stderr: str) -> list[str]:
    """The lines that a user reads as messages; a progress bar redraws its line and ends in no full stop."""
    return [line for line in stderr.splitlines() if line.startswith(("Error", "Warning", "Note"))]


def check_refusal(result: Result, *says: str) -> str:
    """One message, a sentence that says what is wrong and where; exit code 2; no traceback. Gives the message."""
    assert isinstance(result.exception, SystemExit), f"{result.exception!r}\n{result.output}"
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    found = messages(result.stderr)
    assert len(found) == 1, result.stderr
    message = found[0]
    assert message.startswith("Error: ")
    assert message.endswith(".")
    for text in says:
        assert text in message
    # What to do about it is a sentence of its own, behind what is wrong.
    assert ". " in message, f"no hint: {message}"
    return message.removeprefix("Error: ")


@contextlib.contextmanager
def unchanged(folder: Path) -> Iterator[None]:
    """Nothing below ``folder`` is written, changed or taken away; so there is no temporary file left, either."""
    before = make.snapshot(folder)
    yield
    assert make.snapshot(folder) == before


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny models with random weights: the tests need none of the shipped ones."""
    return make.save_models(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def drawing(models: Path) -> tuple[str, ...]:
    """The options of `a2d draw` that name the tiny models."""
    return "--model", str(models / "generator"), "--evaluator", str(models / "evaluator")


@pytest.fixture(scope="session")
def artist(models: Path) -> draw.Artist:
    return draw.Artist(models / "generator", models / "evaluator")


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data home, apart from the folder that a test watches."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("A2D_DATA", str(folder))
    return folder


# --- recordings ----------------------------------------------------------------------------------------

CUT = "is cut off"
UNREADABLE = "this is not a sound file that can be read"
LONG = "at most 10 s are taken"
SHORT = "0.1 to 10 s are taken"

BAD_RECORDINGS: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "empty": ("a.wav", lambda: b"", "the file is empty (0 bytes)"),
    "one byte": ("a.wav", lambda: b"R", UNREADABLE),
    "text": ("a.wav", lambda: b"this is no sound\n" * 99, UNREADABLE),
    "random bytes": ("a.wav", lambda: np.random.default_rng(0).bytes(9000), UNREADABLE),
    "zeros": ("a.wav", lambda: bytes(9000), UNREADABLE),
    "picture": ("a.png", make.png, UNREADABLE),
    "picture named .flac": ("a.flac", make.png, UNREADABLE),
    "raw samples": ("a.wav", lambda: make.encode(make.tone(), "RAW", "PCM_16"), UNREADABLE),
    "raw samples, and named so": ("a.raw", lambda: make.encode(make.tone(), "RAW", "PCM_16"), "it has no header"),
    "truncated WAV": ("a.wav", lambda: make.cut(make.encode(make.tone())), CUT),
    "WAV that lacks a byte": ("a.wav", lambda: make.encode(make.tone())[:-1], CUT),
    "truncated float WAV": ("a.wav", lambda: make.cut(make.encode(make.tone(), "WAV", "FLOAT")), CUT),
    "truncated big-endian WAV": (
        "a.wav",
        lambda: make.cut(b"RIFX" + struct.pack(">I", 9636) + b"WAVEdata" + struct.pack(">I", 9600) + bytes(9600)),
        CUT,
    ),
    "truncated RF64": ("a.wav", lambda: make.cut(make.encode(make.tone(), "RF64", "PCM_16")), CUT),
    "truncated AIFF": ("a.aiff", lambda: make.cut(make.encode(make.tone(), "AIFF", "PCM_16")), CUT),
    "truncated FLAC": ("a.flac", lambda: make.cut(make.encode(make.tone(), "FLAC")), UNREADABLE),
    "FLAC that lacks a byte": ("a.flac", lambda: make.encode(make.tone(), "FLAC")[:-1], UNREADABLE),
    "truncated OGG": ("a.ogg", lambda: make.cut(make.encode(make.tone(), "OGG", "VORBIS"), 0.9), CUT),
    "truncated long OGG": ("a.ogg", lambda: make.cut(make.encode(make.tone(9), "OGG", "VORBIS"), 0.9), CUT),
    "OGG that lacks a byte": ("a.ogg", lambda: make.encode(make.tone(), "OGG", "VORBIS")[:-1], CUT),
    "OGG cut in a page's header": ("a.ogg", lambda: make.encode(make.tone(), "OGG", "VORBIS")[:70], CUT),
    "truncated Opus": ("a.opus", lambda: make.cut(make.encode(make.tone(), "OGG", "OPUS")), CUT),
    "truncated MP3": ("a.mp3", lambda: make.cut(make.encode(make.tone(), "MP3")), CUT),
    "truncated MP3 behind an ID3 tag": (
        "a.mp3",
        lambda: b"ID3\4\0\0\0\0\1\0" + bytes(128) + make.cut(make.encode(make.tone(), "MP3")),
        CUT,
    ),
    "damaged FLAC": ("a.flac", lambda: make.flipped(make.encode(make.tone(), "FLAC")), UNREADABLE),
    "damaged OGG": ("a.ogg", lambda: make.flipped(make.encode(make.tone(3), "OGG", "VORBIS")), ""),
    "damaged MP3": ("a.mp3", lambda: make.flipped(make.encode(make.tone(1), "MP3")), "cut off or damaged"),
    "header only": ("a.wav", lambda: make.encode(make.tone())[:44], CUT),
    "half a header": ("a.wav", lambda: make.encode(make.tone())[:20], UNREADABLE),
    "no samples": ("a.wav", lambda: make.wav(data=b""), "the recording is empty (no samples)"),
    "no samples, AIFF": (
        "a.aiff",
        lambda: make.encode(make.tone(0), "AIFF", "PCM_16"),
        "the recording is empty (no samples)",
    ),
    "rate of 0": ("a.wav", lambda: make.wav(rate=0), "its header makes no sense"),
    "rate of 4 GHz": ("a.wav", lambda: make.wav(rate=2**32 - 1), "its header makes no sense"),
    "rate of 2 GHz": ("a.wav", lambda: make.wav(rate=2**31 - 1), "a sampling rate of 2147483647 Hz makes no sense"),
    "rate of 500 Hz": (
        "a.wav",
        lambda: make.encode(make.tone(1, 500), rate=500),
        "a sampling rate of 500 Hz makes no sense",
    ),
    "no channel": ("a.wav", lambda: make.wav(channels=0), UNREADABLE),
    "65,535 channels": ("a.wav", lambda: make.wav(channels=65_535), UNREADABLE),
    "six channels": ("a.wav", lambda: make.encode(np.tile(make.tone()[:, None], (1, 6))), "has 6 channels"),
    "no bits": ("a.wav", lambda: make.wav(bits=0), UNREADABLE),
    "unknown coding": ("a.wav", lambda: make.wav(code=0x1234), UNREADABLE),
    "absurd chunk": (
        "a.wav",
        lambda: make.wav()[:12] + b"LIST" + struct.pack("<I", 2**32 - 16) + make.wav()[12:],
        UNREADABLE,
    ),
    "a million empty chunks": ("a.wav", lambda: make.wav()[:12] + b"junk\0\0\0\0" * 10**6, UNREADABLE),
    "absurd number of bytes": ("a.wav", lambda: make.wav(length=10**9), CUT),
    "NaN": ("a.wav", lambda: make.spoilt(np.nan), "1 of 9600 samples are NaN or infinite"),
    "infinity": ("a.wav", lambda: make.spoilt(-np.inf), "1 of 9600 samples are NaN or infinite"),
    "beyond 32 bits": ("a.wav", lambda: make.spoilt(1e300), "1 of 9600 samples are NaN or infinite"),
    "floats on another scale": (
        "a.wav",
        lambda: make.encode(32768 * make.tone(), "WAV", "FLOAT"),
        "times full scale",
    ),
    "silence": ("a.wav", lambda: make.encode(0 * make.tone()), "the recording is silent"),
    "almost silence": ("a.wav", lambda: make.encode(make.tone(peak=9e-4)), "the recording is silent"),
    "only an offset": ("a.wav", lambda: make.encode(0 * make.tone() + 0.5), "the recording is silent"),
    "two channels that cancel": (
        "a.wav",
        lambda: make.encode(np.stack([make.tone(), -make.tone()], 1)),
        "the recording is silent",
    ),
    "one sample": ("a.wav", lambda: make.encode(make.tone()[4000:4001]), SHORT),
    "just under 0.1 s": ("a.wav", lambda: make.encode(make.tone()[4000:5599]), SHORT),
    "just over 10 s": ("a.wav", lambda: make.encode(np.append(make.tone(10), [0])), LONG),
    "just over 10 s, OGG": ("a.ogg", lambda: make.encode(np.append(make.tone(10), [0]), "OGG"), LONG),
    "a minute, MP3": ("a.mp3", lambda: make.encode(make.tone(60), "MP3"), LONG),
    "bad file, name with a line end": ("a\nb.wav", lambda: b"no sound", UNREADABLE),
    "bad file, name of 255 bytes": ("a" * 251 + ".wav", lambda: b"no sound", UNREADABLE),
    "bad file, name that is no UTF-8": (os.fsdecode(b"\xff\xfe.wav"), lambda: b"no sound", UNREADABLE),
}


def check_bad_recording(path: Path, says: str, drawing: tuple[str, ...], watched: Path) -> None:
    """The command line refuses a recording, and so does the module, in the same words."""
    with unchanged(watched):
        message = check_refusal(a2d("draw", *drawing, "--out", watched / "out", "--", path), says)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a message is all there is: no warning of NumPy's beside it
        with pytest.raises(AudioError) as caught:
            audio.load(path)
    assert caught.value.where == path
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(caught.value))
    assert shown == message
    assert shown.startswith("".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(path)))


@pytest.mark.parametrize("row", BAD_RECORDINGS)
def test_bad_recording(row, tmp_path, drawing):
    name, content, says = BAD_RECORDINGS[row]
    (tmp_path / name).write_bytes(content())
    check_bad_recording(tmp_path / name, says, drawing, tmp_path)


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def _link(path: Path, target: object) -> Path:
    path.symlink_to(target)
    return path


def _pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


def _socket(path: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as server, contextlib.chdir(path.parent):
        server.bind(path.name)
    return path


NO_RECORDINGS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing file": (lambda p: p, "No such file"),
    "pattern that fits nothing": (lambda p: p.with_name("*.wav"), "No such file"),
    "folder": (_folder, "this is a folder, not a recording"),
    "link to a folder": (lambda p: _link(p, p.parent), "this is a folder, not a recording"),
    "dangling link": (lambda p: _link(p, "nowhere.wav"), "No such file"),
    "loop of links": (lambda p: _link(p, p.name), "cannot read this file"),
    "file as a folder": (lambda p: Path(__file__) / "a.wav", "Not a directory"),
    "name of 300 bytes": (lambda p: p.with_name("a" * 300), "name too long"),
    "no name": (lambda p: Path(""), "this is a folder"),
    "/dev/null": (lambda p: Path("/dev/null"), "a device or a pipe"),
    "/dev/zero": (lambda p: Path("/dev/zero"), "a device or a pipe"),
    "pipe": (_pipe, "a device or a pipe"),
    "socket": (_socket, "a device or a pipe"),
}


@pytest.mark.parametrize("row", NO_RECORDINGS)
def test_no_recording(row, tmp_path, drawing):
    prepare, says = NO_RECORDINGS[row]
    check_bad_recording(prepare(tmp_path / "a.wav"), says, drawing, tmp_path)


def test_name_with_a_null_byte(tmp_path):
    with pytest.raises(AudioError, match="null"):
        audio.load("a\0.wav")


HALF_AN_HOUR: dict[str, Callable[[Path], None]] = {
    "WAV": lambda p: _sparse(p, make.wav(data=b"", length=2 * make.RATE * 1800), 2 * make.RATE * 1800),
    "u-law": lambda p: _sparse(p, make.wav(data=b"", code=7, bits=8, rate=8000, length=8000 * 1800), 8000 * 1800),
    "FLAC": lambda p: p.write_bytes(make.encode(np.zeros(8000 * 1800, np.int16), "FLAC", rate=8000)),
}


def _sparse(path: Path, head: bytes, length: int) -> None:
    path.write_bytes(head)
    os.truncate(path, len(head) + length)


@pytest.mark.parametrize("kind", HALF_AN_HOUR)
def test_half_an_hour_is_refused_without_reading_it(kind, tmp_path, drawing, monkeypatch):
    import soundfile

    def no_reading(*_, **__):
        raise AssertionError("half an hour was decoded")

    path = tmp_path / "a.wav"
    HALF_AN_HOUR[kind](path)
    monkeypatch.setattr(soundfile.SoundFile, "read", no_reading)
    with unchanged(tmp_path):
        check_refusal(a2d("draw", *drawing, "--out", tmp_path / "out", path), "the recording is 1800.0 s long")


FINE_RECORDINGS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "16 bits": ("a.wav", lambda: make.encode(make.tone())),
    "8 bits": ("a.wav", lambda: make.encode(make.tone(), "WAV", "PCM_U8")),
    "24 bits": ("a.wav", lambda: make.encode(make.tone(), "WAV", "PCM_24")),
    "32 bits": ("a.wav", lambda: make.encode(make.tone(), "WAV", "PCM_32")),
    "float": ("a.wav", lambda: make.encode(make.tone(), "WAV", "FLOAT")),
    "double": ("a.wav", lambda: make.encode(make.tone(), "WAV", "DOUBLE")),
    "float, 12 dB beyond full scale": ("a.wav", lambda: make.encode(10 * make.tone(), "WAV", "FLOAT")),
    "u-law": ("a.wav", lambda: make.encode(make.tone(), "WAV", "ULAW")),
    "A-law": ("a.wav", lambda: make.encode(make.tone(), "WAV", "ALAW")),
    "IMA ADPCM": ("a.wav", lambda: make.encode(make.tone(), "WAV", "IMA_ADPCM")),
    "Microsoft ADPCM": ("a.wav", lambda: make.encode(make.tone(), "WAV", "MS_ADPCM")),
    "extensible header": ("a.wav", lambda: make.encode(make.tone(), "WAVEX", "PCM_24")),
    "RF64": ("a.wav", lambda: make.encode(make.tone(), "RF64", "PCM_16")),
    "AIFF": ("a.aiff", lambda: make.encode(make.tone(), "AIFF", "PCM_16")),
    "FLAC": ("a.flac", lambda: make.encode(make.tone(), "FLAC")),
    "OGG": ("a.ogg", lambda: make.encode(make.tone(), "OGG", "VORBIS")),
    "Opus": ("a.opus", lambda: make.encode(make.tone(), "OGG", "OPUS")),
    "MP3": ("a.mp3", lambda: make.encode(make.tone(), "MP3")),
    "MP3 behind an ID3 tag": ("a.mp3", lambda: b"ID3\4\0\0\0\0\1\0" + bytes(128) + make.encode(make.tone(), "MP3")),
    "MP3 before an ID3 tag": ("a.mp3", lambda: make.encode(make.tone(), "MP3") + b"TAG" + bytes(125)),
    "MP3 without a Xing tag": ("a.mp3", make.untagged_mp3),
    "cut MP3 without a Xing tag": ("a.mp3", lambda: make.cut(make.untagged_mp3(), 0.5)),
    "WAV named .mp3": ("a.mp3", lambda: make.encode(make.tone())),
    "MP3 named .wav": ("a.wav", lambda: make.encode(make.tone(), "MP3")),
    "no ending": ("a", lambda: make.encode(make.tone())),
    "96 kHz": ("a.wav", lambda: make.encode(make.tone(rate=96_000), rate=96_000)),
    "768 kHz": ("a.wav", lambda: make.encode(make.tone(0.2, 768_000), rate=768_000)),
    "1 kHz": ("a.wav", lambda: make.encode(make.tone(rate=1000), rate=1000)),
    "stereo": ("a.wav", lambda: make.encode(np.stack([make.tone(), 0 * make.tone()], 1))),
    "offset": ("a.wav", lambda: make.encode(make.tone() + 0.2)),
    "just 0.1 s": ("a.wav", lambda: make.encode(make.tone(0.1))),
    "just 10 s": ("a.wav", lambda: make.encode(make.tone(10))),
    "just 10 s, MP3": ("a.mp3", lambda: make.encode(make.tone(10), "MP3")),
    "length unknown": ("a.wav", lambda: make.wav(length=0xFFFFFFFF)),
    "length unknown to sox": ("a.wav", lambda: make.wav(length=0x7FFFF000)),
    "length unknown to arecord": ("a.wav", lambda: make.wav(length=0x80000000)),
    "something behind the sound": ("a.wav", lambda: make.wav() + b"LIST\4\0\0\0INFO"),
    "a file that still grows": ("a.wav", lambda: make.encode(make.tone()) + bytes(7001)),
    "name with blanks": (" my  seven .wav", lambda: make.encode(make.tone())),
    "name in many letters": ("Sieben-ß-七-семь-🎤.wav", lambda: make.encode(make.tone())),
    "name with a line end": ("a\nb.wav", lambda: make.encode(make.tone())),
    "name with a control code": ("a\x1b[31mb.wav", lambda: make.encode(make.tone())),
    "name that is no UTF-8": (os.fsdecode(b"\xff\xfe.wav"), lambda: make.encode(make.tone())),
    "name of 255 bytes": ("é" * 125 + "1.wav", lambda: make.encode(make.tone())),
    "name that begins with -": ("-o.wav", lambda: make.encode(make.tone())),
    "name that is an ending": (".wav", lambda: make.encode(make.tone())),
    "name of the contact sheet": ("contact-sheet.wav", lambda: make.encode(make.tone())),
    "name with %": ("100%s{0}.wav", lambda: make.encode(make.tone())),
}


@pytest.mark.parametrize("row", FINE_RECORDINGS)
def test_fine_recording(row, tmp_path, drawing):
    name, content = FINE_RECORDINGS[row]
    path = tmp_path / name
    path.write_bytes(content())
    before = make.snapshot(tmp_path)
    result = a2d("draw", *drawing, "--out", tmp_path / "out", "--", path)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    assert len(result.stdout.splitlines()) == 2  # a name with a line end does not break the line
    after = make.snapshot(tmp_path)
    assert before.items() <= after.items()
    written = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert len(written) == 2
    assert "contact-sheet.png" in written
    assert all(p.endswith(".png") and "tmp" not in p for p in written)
    clip = audio.load(path)
    assert clip.samples.dtype == np.float32
    assert clip.samples.ndim == 1
    assert 0.1 <= clip.seconds <= 10


def test_clipping_works_with_one_warning(tmp_path, drawing, artist):
    path = tmp_path / "a.wav"
    path.write_bytes(make.clipped())
    result = a2d("draw", *drawing, "--out", tmp_path / "out", path)
    assert result.exit_code == 0
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith(f"Warning: {path}: the recording is clipped (")
    with pytest.warns(audio.AudioWarning, match="clipped"):
        audio.load(path)
    assert len(artist.draw_file(path).warnings) == 1


def test_one_bad_file_among_good_ones(tmp_path, drawing):
    for name in ("a.wav", "c.wav"):
        (tmp_path / name).write_bytes(make.encode(make.tone()))
    (tmp_path / "b.wav").write_bytes(b"no sound")
    before = make.snapshot(tmp_path)
    out = tmp_path / "out"
    result = a2d("draw", *drawing, "--out", out, *(tmp_path / f"{n}.wav" for n in "abc"))
    check_refusal(result, str(tmp_path / "b.wav"))
    assert sorted(p.name for p in out.iterdir()) == ["a.png", "c.png", "contact-sheet.png"]
    assert result.stdout.splitlines()[-1].startswith("2 of 3 drawn.")
    assert before.items() <= make.snapshot(tmp_path).items()


def test_two_files_with_the_same_stem_keep_both_pictures(tmp_path, drawing):
    paths = [tmp_path / name for name in ("x/7.wav", "y/7.wav", "x/7.flac", "y/7-2.wav")]
    for number, path in enumerate(paths):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(make.encode(make.tone(0.3 + number / 10)))
    result = a2d("draw", *drawing, "--out", tmp_path / "out", *paths)
    assert result.exit_code == 0
    names = [line.split(" -> ")[1].split(": reads")[0] for line in result.stdout.splitlines()[:-1]]
    assert [Path(n).name for n in names] == ["7.png", "7-2.png", "7-3.png", "7-2-2.png"]
    assert len({Path(n).read_bytes() for n in names}) == 4


def test_a_picture_never_replaces_a_recording(tmp_path, drawing):
    path = tmp_path / "a.png"
    path.write_bytes(make.encode(make.tone()))
    with unchanged(tmp_path):
        check_refusal(a2d("draw", *drawing, "--out", tmp_path, path), "a picture would replace this recording")
    link = tmp_path / "contact-sheet.png"
    link.symlink_to(path)
    with unchanged(tmp_path):
        check_refusal(a2d("draw", *drawing, "--out", tmp_path, path))


SAMPLES: dict[str, tuple[object, object]] = {
    "text": (np.array(["a"] * 9999), 8000),
    "complex": (np.ones(9999, complex), 8000),
    "bool": (np.ones(9999, bool), 8000),
    "objects": (np.array([None] * 9999), 8000),
    "three axes": (np.ones((9999, 1, 1)), 8000),
    "channels first": (np.ones((2, 9999)), 8000),
    "nothing": (np.ones(0), 8000),
    "a number": (0.5, 8000),
    "rate as text": (make.tone(), "16000"),
    "rate of NaN": (make.tone(), float("nan")),
    "rate below zero": (make.tone(), -8000),
    "no rate": (make.tone(), None),
}


@pytest.mark.parametrize("row", SAMPLES)
def test_bad_samples(row, artist):
    samples, rate = SAMPLES[row]
    with pytest.raises(AudioError, match=r"^recording: ") as caught:
        audio.check_samples(samples, rate)
    assert caught.value.hint
    with pytest.raises(AudioError):
        artist.draw_clip(audio.Clip(samples, rate))


# --- options of draw, and where it writes --------------------------------------------------------------

BAD_OPTIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "seed of -1": (("--seed", "-1"), "Invalid value for '--seed'"),
    "seed that is no number": (("--seed", "seven"), "Invalid value for '--seed'"),
    "no such option": (("--sead", "1"), "No such option"),
}


@pytest.mark.parametrize("row", BAD_OPTIONS)
def test_bad_option(row, tmp_path, drawing):
    options, says = BAD_OPTIONS[row]
    path = tmp_path / "a.wav"
    path.write_bytes(make.encode(make.tone()))
    with unchanged(tmp_path):
        result = a2d("draw", *drawing, *options, "--out", tmp_path / "out", path)
    assert result.exit_code == 2
    assert says in result.stderr
    assert "Traceback" not in result.output
    assert messages(result.stderr)[0].startswith("Error: ")


def test_seed_beyond_all_bounds(tmp_path, drawing, artist):
    path = tmp_path / "a.wav"
    path.write_bytes(make.encode(make.tone()))
    with unchanged(tmp_path):
        check_refusal(a2d("draw", *drawing, "--seed", 2**63, "--out", tmp_path / "out", path, path), "is not a seed")
    for seed in (-1, 2**63, 1.5, "1", True):
        with pytest.raises(RecipeError, match="is not a seed"):
            artist.draw_file(path, seed)


@pytest.mark.parametrize("command", ["draw", "evaluate"])
def test_nothing_named(command):
    result = a2d(command)
    assert result.exit_code == 2
    assert "Missing argument" in result.stderr


@pytest.mark.parametrize("out", ["file", "file/below", "dangling", "loop", "a" * 300, "/proc/nowhere"])
def test_output_folder_that_cannot_be(out, tmp_path, drawing):
    path = tmp_path / "a.wav"
    path.write_bytes(make.encode(make.tone()))
    (tmp_path / "file").write_text("precious")
    (tmp_path / "dangling").symlink_to(tmp_path / "gone" / "far")
    (tmp_path / "loop").symlink_to("loop")
    with unchanged(tmp_path):
        message = check_refusal(a2d("draw", *drawing, "--out", tmp_path / out, path, path), "cannot write this file")
    assert message.startswith(str(tmp_path / out))
    with unchanged(tmp_path), pytest.raises(A2DError):
        pictures.save_picture(np.zeros((28, 28)), tmp_path / out / "a.png")


# --- models --------------------------------------------------------------------------------------------


def _changed(change: Callable[[dict, dict], None]) -> bytes:
    tensors, meta = make.generator_tensors(), make.generator_meta()
    change(tensors, meta)
    return make.safetensors(tensors, meta)


def _widen(tensors, meta):
    meta["recipe"]["model"] = {**make.SMALL, "latent": 3}


def _poison(tensors, meta):
    tensors["encoder.head.bias"] = tensors["encoder.head.bias"].clone().fill_(float("nan"))


BAD_MODELS: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "empty": (lambda p: b"", "not a readable safetensors file"),
    "text": (lambda p: b"a model", "not a readable safetensors file"),
    "damaged": (lambda p: make.cut(_changed(lambda t, m: None)), "not a readable safetensors file"),
    "absurd header": (lambda p: struct.pack("<Q", 2**60) + b"{}", "not a readable safetensors file"),
    "pickle": (lambda p: make.pickled(p / "trapped"), "not a readable safetensors file"),
    "of another program": (lambda p: make.safetensors(make.generator_tensors(), None), "not written by a2d"),
    "metadata that is no JSON": (
        lambda p: make.safetensors(make.generator_tensors(), "{"),
        "not a readable safetensors file",
    ),
    "metadata without end": (
        lambda p: make.safetensors(make.generator_tensors(), "[" * 99_999),
        "not a readable safetensors file",
    ),
    "metadata that is a list": (lambda p: make.safetensors(make.generator_tensors(), "[]"), "not written by a2d"),
    "no kind": (lambda p: _changed(lambda t, m: m.pop("kind")), "kind None"),
    "kind that is a list": (lambda p: _changed(lambda t, m: m.update(kind=["generator"])), "of kind ['generator']"),
    "no recipe": (lambda p: _changed(lambda t, m: m.pop("recipe")), "do not fit its recipe"),
    "recipe that is a text": (lambda p: _changed(lambda t, m: m.update(recipe="report")), "do not fit its recipe"),
    "no features": (lambda p: _changed(lambda t, m: m["recipe"].pop("features")), "do not fit its recipe"),
    "other features": (
        lambda p: _changed(lambda t, m: m["recipe"].update(features={"n_mfcc": 13})),
        "it takes 40 features, n_mfcc is 13",
    ),
    "unknown setting": (lambda p: _changed(lambda t, m: m["recipe"]["model"].update(wings=2)), "unknown key 'wings'"),
    "tensors that do not fit": (lambda p: _changed(_widen), "do not fit its recipe"),
    "a tensor too few": (lambda p: _changed(lambda t, m: t.pop("encoder.head.bias")), "do not fit its recipe"),
    "a size beyond all memory": (
        lambda p: _changed(lambda t, m: m["recipe"].update(model={**make.SMALL, "latent": 10**12})),
        "latent = 1000000000000 is too large",
    ),
    "NaN": (lambda p: _changed(_poison), "encoder.head.bias holds NaN or infinity"),
}


@pytest.mark.parametrize("row", BAD_MODELS)
def test_bad_model(row, tmp_path, models):
    content, says = BAD_MODELS[row]
    recording, run = tmp_path / "a.wav", tmp_path / "run"
    recording.write_bytes(make.encode(make.tone()))
    run.mkdir()
    (run / "model.safetensors").write_bytes(content(tmp_path))
    for named in (run, run / "model.safetensors"):
        arguments = ("draw", "--model", named, "--evaluator", models / "evaluator", "--out", tmp_path / "out")
        with unchanged(tmp_path):
            message = check_refusal(a2d(*arguments, recording), says)
        assert message.startswith(str(run / "model.safetensors"))
        with unchanged(tmp_path), pytest.raises(ModelError):
            lab_models.load(named, "generator")


def test_wrong_kind_of_model(tmp_path, models):
    recording = tmp_path / "a.wav"
    recording.write_bytes(make.encode(make.tone()))
    for rng, evaluator in [("evaluator", "evaluator"), ("classifier", "evaluator"), ("generator", "generator")]:
        arguments = ("--model", models / rng, "--evaluator", models / evaluator, "--out", tmp_path / "out")
        with unchanged(tmp_path):
            check_refusal(a2d("draw", *arguments, recording), "this is a model of kind", "is needed")
        with pytest.raises(ModelError):
            draw.Artist(models / rng, models / evaluator)


@pytest.mark.parametrize("name", ["raport", "", ".", "a" * 300, "/dev/null", "no/such/folder"])
def test_unknown_model(name, tmp_path, models):
    recording = tmp_path / "a.wav"
    recording.write_bytes(make.encode(make.tone()))
    arguments = ("--model", name, "--evaluator", models / "evaluator", "--out", tmp_path / "out")
    with unchanged(tmp_path):
        check_refusal(a2d("draw", *arguments, recording), "there is no")
        check_refusal(a2d("evaluate", name, "--data", "builtin", "--out", tmp_path / "out"), "there is no")
    with pytest.raises(ModelError):
        lab_models.load(name)


def test_no_such_card():
    with pytest.raises(ModelError, match="there is no such shipped model"):
        lab_models.card("raport")


# --- folders of recordings -----------------------------------------------------------------------------


def _metadata(folder: Path, content: object, encoding: str = "utf-8") -> None:
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / "audioMNIST_meta.txt").write_text(text, encoding=encoding)


def _stray(folder: Path, name: str, content: bytes = b"") -> None:
    (folder / name).write_bytes(content)


def _twice(folder: Path) -> None:
    shutil.copy(folder / "01" / "3_01_0.flac", folder / "01" / "3_01_00.flac")


def _wrong_speaker(folder: Path) -> None:
    (folder / "01" / "3_01_0.flac").rename(folder / "02" / "3_01_0.flac")


def _emptied(folder: Path) -> None:
    for child in folder.iterdir():
        shutil.rmtree(child)


def _only(folder: Path, name: str, content: bytes = b"x") -> None:
    _emptied(folder)
    (folder / "01").mkdir()
    (folder / "01" / name).write_bytes(content)


# What is wrong with a folder, what `a2d data check` says of it, and whether training on it is refused, too.
BAD_FOLDERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (_emptied, "there are no recordings in this folder"),
    "empty speakers": (lambda f: [p.unlink() for p in f.glob("*/*")], "there are no recordings in this folder"),
    "a sound file of another kind": (lambda f: _stray(f, "01/3_01_1.m4a", b"x"), "the kind .m4a are not read"),
    "a name that does not fit": (lambda f: _stray(f, "01/seven.wav", b"x"), "this file does not belong here"),
    "nothing but a name that does not fit": (lambda f: _only(f, "seven.wav"), "seven.wav: this file does not belong"),
    "two digits": (lambda f: _stray(f, "01/10_01_0.wav", b"x"), "this file does not belong here"),
    "a folder named like a recording": (lambda f: (f / "01" / "3_01_9.wav").mkdir(), "this file does not belong here"),
    "a dangling link": (lambda f: (f / "01" / "3_01_9.wav").symlink_to("gone"), "this file does not belong here"),
    "a take that is there twice": (_twice, "take 0 of digit 3 by speaker 01 is there twice"),
    "a recording of another speaker": (_wrong_speaker, "the name says speaker 01, the folder says 02"),
    "a corrupt recording": (lambda f: _stray(f, "01/3_01_0.flac", b"no sound"), UNREADABLE),
    "an empty recording": (lambda f: _stray(f, "01/3_01_0.flac"), "the file is empty"),
    "a silent recording": (lambda f: _stray(f, "01/3_01_0.flac", make.encode(0 * make.tone())), "is silent"),
    "metadata that is no JSON": (lambda f: _metadata(f, "{'01': 5}"), "cannot read the metadata"),
    "metadata that is a list": (lambda f: _metadata(f, []), "cannot read the metadata"),
    "metadata of numbers": (lambda f: _metadata(f, {"01": 5}), "cannot read the metadata"),
    "metadata without end": (lambda f: _metadata(f, "[" * 99_999), "cannot read the metadata"),
    "metadata that is a picture": (lambda f: _stray(f, "audioMNIST_meta.txt", make.png()), "cannot read the metadata"),
    "metadata that is a folder": (lambda f: (f / "audioMNIST_meta.txt").mkdir(), "cannot read the metadata"),
}


@pytest.mark.parametrize("row", BAD_FOLDERS)
def test_bad_folder(row, tmp_path, home):
    spoil, says = BAD_FOLDERS[row]
    folder = make.corpus(tmp_path / "sounds")
    spoil(folder)
    (tmp_path / "tiny.toml").write_text(make.TINY_CLASSIFIER)
    with unchanged(tmp_path), unchanged(home):
        message = check_refusal(a2d("data", "check", folder), says)
        assert str(folder) in message
        check_refusal(a2d("train", tmp_path / "tiny.toml", "--data", folder, "--out", tmp_path / "out"), says)
    with pytest.raises((DataError, AudioError), match=r"\."):
        datasets.load_spoken(folder).clips(8000)


def test_all_that_is_wrong_is_listed(tmp_path):
    folder = make.corpus(tmp_path / "sounds")
    _twice(folder)
    _stray(folder, "01/5_01_0.flac", b"no sound")
    _stray(folder, "02/notes.txt")
    _stray(folder, "02/7_02_0.flac", make.encode(0 * make.tone()))
    with unchanged(tmp_path):
        result = a2d("data", "check", folder)
    assert result.exit_code == 2
    assert len(messages(result.stderr)) == 4
    assert result.stdout.splitlines()[-1].endswith("4 problems")
    assert len(datasets.check_folder(folder).problems) == 4


STRAYS = {
    "a recipe": ("01/x.yaml",),
    "a text": ("01/notes.txt",),
    "a picture's cache": ("02/Thumbs.db",),
    "one that only a name can show": ("01/ba\nd.txt",),
    "several": ("01/x.yaml", "02/Thumbs.db", "02/3_02_0.txt"),
}


@pytest.mark.parametrize("row", STRAYS)
def test_what_is_no_sound_is_passed_over_with_one_warning(row, tmp_path, models):
    """Training and evaluating say so in one line, and do what they do without the file; the check lists each."""
    folder = make.corpus(tmp_path / "sounds")
    (tmp_path / "tiny.toml").write_text(make.TINY_CLASSIFIER)

    def commands(out: Path) -> list[Result]:
        train = ("train", tmp_path / "tiny.toml", "--data", folder, "--out", out)
        evaluate = ("evaluate", models / "classifier", "--data", folder, "--out", out / "evaluation")
        return [a2d(*train), a2d(*evaluate)]

    assert all((r.exit_code, r.stderr) == (0, "") for r in commands(tmp_path / "clean"))
    for name in STRAYS[row]:
        _stray(folder, name, b"x")
    for result in commands(tmp_path / "out"):
        assert result.exit_code == 0, result.output
        (line,) = result.stderr.splitlines()
        assert line.startswith(f"Warning: {folder}: {len(STRAYS[row])} file")
        assert line.endswith(".")
        assert all(name.replace("\n", "\\n") in line for name in STRAYS[row])
    for name in ("model.safetensors", "evaluation/confusion.png"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "clean" / name).read_bytes()
    checked = a2d("data", "check", folder)
    assert checked.exit_code == 2
    assert len(messages(checked.stderr)) == len(STRAYS[row])
    assert all("this file does not belong here" in line for line in messages(checked.stderr))


# What is odd about a folder, what is noted about it; it can be used.
ODD_FOLDERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "nothing": (lambda f: None, ""),
    "metadata for an absent speaker": (
        lambda f: _metadata(f, {s: {"age": 30} for s in ("01", "02", "03")}),
        "speaker 03 has metadata but no recordings",
    ),
    "no metadata for a speaker": (lambda f: _metadata(f, {"01": {"age": "30"}}), "speaker 02 has no metadata"),
    "an age that cannot be": (
        lambda f: _metadata(f, {"01": {"age": "1234"}, "02": {"age": " 30 "}}),
        "speaker 01: an age of 1234 cannot be",
    ),
    "messy metadata": (
        lambda f: _metadata(
            f,
            {
                "01": {"age": "²", "accent": "  German? ", "recordingroom": "Kino Romm", "gender": None},
                "02": {"age": [], "accent": 7, "native speaker": {"no": True}},
            },
        ),
        "speaker 01: an age of ² cannot be",
    ),
    "metadata with a byte-order mark": (lambda f: _metadata(f, {"01": {}, "02": {}}, "utf-8-sig"), ""),
    "an age with ten thousand digits": (lambda f: _metadata(f, {"01": {"age": "9" * 9999}, "02": {}}), "cannot be"),
    "a digit that nobody says": (lambda f: [p.unlink() for p in f.glob("*/9_*")], "no recording says 9"),
    "a recording too few": (lambda f: (f / "01" / "9_01_0.flac").unlink(), "speaker 01: 0 of digit 9 (others: 1)"),
    "a clipped recording": (lambda f: _stray(f, "01/3_01_0.flac", make.clipped()), "the recording is clipped"),
    "hidden files": (lambda f: [_stray(f, ".DS_Store"), _stray(f, "01/.hidden", b"x")], ""),
    "a text beside the speakers": (lambda f: _stray(f, "README.txt", b"x"), ""),
    "a link to itself": (lambda f: (f / "03").symlink_to(f / "01" / "gone"), ""),
    "a stereo recording": (
        lambda f: _stray(f, "01/3_01_0.flac", make.encode(np.stack([make.tone()] * 2, 1), "FLAC")),
        "",
    ),
}


@pytest.mark.parametrize("row", ODD_FOLDERS)
def test_odd_folder_is_fine(row, tmp_path):
    spoil, says = ODD_FOLDERS[row]
    folder = make.corpus(tmp_path / "sounds")
    spoil(folder)
    with unchanged(tmp_path):
        result = a2d("data", "check", folder)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    assert says in result.stdout
    assert ("Note: " in result.stdout) == bool(says)
    assert result.stdout.splitlines()[-1].endswith("nothing is wrong")
    assert len(datasets.load_spoken(folder)) == len(list(folder.glob("[0-9]*/[0-9]*")))


def test_messy_metadata_is_cleaned(tmp_path):
    folder = make.corpus(tmp_path / "sounds")
    ODD_FOLDERS["messy metadata"][0](folder)
    found = datasets.load_spoken(folder).metadata
    assert found["01"] == {"age": None, "accent": "german", "recordingroom": "kino room", "gender": None}
    assert found["02"]["age"] is None


@pytest.mark.parametrize("name", ["", "nothing", "a" * 300, "fssd", "file", "fsdd", "mnist"])
def test_no_such_data(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("x")
    (tmp_path / "tiny.toml").write_text(make.TINY_CLASSIFIER)
    with unchanged(tmp_path):
        message = check_refusal(a2d("train", "tiny.toml", "--data", name, "--out", "out"))
        if name not in ("fsdd", "mnist", ""):
            check_refusal(a2d("data", "check", name), "there is no such folder")
    with pytest.raises(DataError) as caught:
        datasets.load_spoken(name)
    assert str(caught.value) == message
    assert {"fsdd": "a2d data fetch fsdd", "mnist": "images, not recordings"}.get(
        name, "Name one of"
    ) in message or not name


def _train(tmp_path: Path, *options: object, recipe: str = make.TINY_CLASSIFIER, data: object = None) -> Result:
    (tmp_path / "tiny.toml").write_text(recipe)
    data = make.corpus(tmp_path / "sounds") if data is None else data
    return a2d("train", tmp_path / "tiny.toml", "--data", data, "--out", tmp_path / "out", *options)


BAD_SPLITS: dict[str, tuple[tuple[str, ...], str]] = {
    "unknown speaker": (("--split", "speaker", "--held-out", "george"), "there is no speaker george"),
    "all speakers": (("--split", "speaker", "--held-out", "01", "--held-out", "02"), "no other speaker is left"),
    "without --split speaker": (("--held-out", "01"), "--held-out goes with --split speaker"),
}


@pytest.mark.parametrize("row", BAD_SPLITS)
def test_bad_split(row, tmp_path):
    options, says = BAD_SPLITS[row]
    check_refusal(_train(tmp_path, *options), says)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["sounds", "tiny.toml"]


def test_one_speaker_cannot_be_split_by_speaker(tmp_path):
    data = make.flat_corpus(tmp_path / "sounds")
    check_refusal(_train(tmp_path, "--split", "speaker", data=data), "no other speaker is left to train on")
    assert not (tmp_path / "out").exists()
    result = _train(tmp_path, data=data)
    assert result.exit_code == 0, result.output


def test_too_few_recordings_to_split(tmp_path):
    data = make.corpus(tmp_path / "sounds", ["01"], [3])
    check_refusal(_train(tmp_path, data=data), "1 recordings are too few to split")
    assert not (tmp_path / "out").exists()
    with pytest.raises(DataError, match="too few"):
        datasets.split_by_recording(1, 0)
    with pytest.raises(RecipeError, match="split = 'nonsense' is unknown"):
        runs.spoken_set(datasets.load_spoken(data), recipes.load("audio-mlp").features, split="nonsense")


# --- handwriting ---------------------------------------------------------------------------------------

IMAGES, LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
HTML = b"<!DOCTYPE html><html><body>404 Not Found</body></html>\n" * 30

BAD_MNIST: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "images cut off": (IMAGES, lambda b: make.cut(b), "15680 bytes promised"),
    "labels cut off": (LABELS, lambda b: b[:-1], "20 bytes promised, 19 found"),
    "too many bytes": (IMAGES, lambda b: b + b"\0", "bytes promised"),
    "empty file": (IMAGES, lambda b: b"", "this is not an IDX file"),
    "three bytes": (IMAGES, lambda b: b[:3], "this is not an IDX file"),
    "half a header": (IMAGES, lambda b: b[:10], "this is not an IDX file"),
    "wrong magic": (IMAGES, lambda b: b"\1\2\3\4" + b[4:], "this is not an IDX file"),
    "floats": (IMAGES, lambda b: b"\0\0\x0d\3" + b[4:], "this is not an IDX file"),
    "no axes": (IMAGES, lambda b: b"\0\0\x08\0" + b[4:], "this is not an IDX file"),
    "a page of the web": (LABELS, lambda b: HTML, "this is not an IDX file"),
    "a packed page of the web": (LABELS, lambda b: gzip.compress(HTML), "this is not an IDX file"),
    "packed and cut off": (IMAGES, lambda b: gzip.compress(b)[:-100], "cannot read this file"),
    "packed and damaged": (IMAGES, lambda b: make.flipped(gzip.compress(b)), "cannot read this file"),
    "absurd axes": (IMAGES, lambda b: b"\0\0\x08\4" + b"\x80\0\0\0" * 4, "bytes promised, 0 found"),
    "other size": (IMAGES, lambda b: make.idx(np.zeros((20, 14, 14))), "do not fit together"),
    "labels in place of images": (IMAGES, lambda b: make.idx(np.arange(20)), "do not fit together"),
    "other number of labels": (LABELS, lambda b: make.idx(np.arange(19) % 10), "do not fit together"),
    "labels beyond 9": (LABELS, lambda b: make.idx(np.arange(20)), "do not fit together"),
}


@pytest.mark.parametrize("row", BAD_MNIST)
def test_bad_mnist(row, tmp_path, models, monkeypatch):
    name, spoil, says = BAD_MNIST[row]
    folder = make.mnist(tmp_path / "mnist")
    (folder / name).write_bytes(spoil((folder / name).read_bytes()))
    monkeypatch.setattr(fetching, "find", lambda _: folder)
    with unchanged(tmp_path):
        result = a2d("evaluate", models / "evaluator", "--data", "mnist", "--out", tmp_path / "out")
        check_refusal(result, says, str(folder), "a2d data fetch mnist")
    with pytest.raises(DataError):
        datasets.load_images("mnist", "test")
    assert len(datasets.load_images("mnist", "train")) == 20


def test_bad_mnist_no_images_and_no_file(tmp_path, models, monkeypatch):
    folder = make.mnist(tmp_path / "mnist", 0)
    monkeypatch.setattr(fetching, "find", lambda _: folder)
    arguments = ("evaluate", models / "evaluator", "--data", "mnist", "--out", tmp_path / "out")
    check_refusal(a2d(*arguments), "there are no images in it")
    (folder / LABELS).unlink()
    check_refusal(a2d(*arguments), "No such file")
    assert not (tmp_path / "out").exists()


def test_mnist_that_lost_a_byte_is_not_here(tmp_path, home, monkeypatch):
    """The quick look at a fetched data set finds a file of another size, and one that is gone."""
    folder = make.mnist(home / "mnist")
    manifest = tmp_path / "manifest.json"
    entries = {p.name: {"size": p.stat().st_size} for p in folder.iterdir()}
    manifest.write_text(json.dumps({"check": "content", "files": entries}))
    source = fetching.REGISTRY["mnist"]
    fields = {name: getattr(source, name) for name in source.__dataclass_fields__} | {"manifest": manifest}
    monkeypatch.setitem(fetching.REGISTRY, "mnist", fetching.Source(**fields))
    digest = hashlib.sha256(manifest.read_bytes()).hexdigest()
    (folder / ".a2d-verified.json").write_text(json.dumps({"manifest": digest}))
    assert len(datasets.load_images("mnist")) == 20
    (folder / IMAGES).write_bytes((folder / IMAGES).read_bytes()[:-1])
    with pytest.raises(DataError, match="mnist is not here yet"):
        datasets.load_images("mnist")
    (folder / IMAGES).unlink()
    with pytest.raises(DataError, match="mnist is not here yet"):
        datasets.load_images("mnist")


def test_bad_images(tmp_path):
    data = make.corpus(tmp_path / "sounds")
    for name, says in [("fsdd", "there are no such images"), ("", "there are no such"), ("mnist", "is not here yet")]:
        result = _train(tmp_path, "--images", name or "nothing", recipe=make.TINY, data=data)
        check_refusal(result, says)
    assert not (tmp_path / "out").exists()


# --- recipes -------------------------------------------------------------------------------------------

BAD_RECIPES: dict[str, tuple[str | bytes, str]] = {
    "not TOML": ("kind = generator", "cannot read this recipe"),
    "not text": (make.png(), "cannot read this recipe"),
    "empty": ("", "kind = None is unknown"),
    "unknown kind": ('kind = "painter"', "kind = 'painter' is unknown"),
    "kind that is a list": ('kind = ["generator"]', "kind = ['generator'] is unknown"),
    "unknown key": (make.TINY.replace("latent", "latend"), "unknown key 'latend'. Did you mean latent"),
    "unknown table": (make.TINY + "[wings]\n", "unknown key 'wings'"),
    "a table that is a number": ('kind = "generator"\nmodel = 7\n', "model must be a table"),
    "a text for a number": (make.TINY.replace("= 2\nc", "= 'two'\nc"), "'two' is not a whole number"),
    "a fraction for a whole number": (make.TINY.replace("= 2\nc", "= 2.5\nc"), "2.5 is not a whole number"),
    "true for a number": (make.TINY.replace("= 2\nc", "= true\nc"), "True is not a whole number"),
    "a number for a list": (make.TINY.replace("[8]", "8"), "8 is not a list"),
    "a list of texts": (make.TINY.replace("[8]", '["8"]'), "is not a list of int"),
    "no hidden layer": (make.TINY.replace("[8]", "[]"), "hidden = () is out of its range"),
    "nothing latent": (make.TINY.replace("= 2\nc", "= 0\nc"), "latent = 0 is out of its range"),
    "latent beyond all memory": (make.TINY.replace("= 2\nc", f"= {10**12}\nc"), "is too large"),
    "layers beyond all memory": (make.TINY.replace("[8]", "[99999, 99999]"), "is too large"),
    "batch beyond all bounds": (make.TINY.replace("= 8", f"= {10**30}"), "is too large"),
    "no epoch": (make.TINY.replace("epochs = 2", "epochs = 0"), "epochs = 0 is out of its range"),
    "lr of 0": (make.TINY + "lr = 0\n", "lr = 0.0 is out of its range"),
    "lr below 0": (make.TINY + "lr = -1e-3\n", "lr = -0.001 is out of its range"),
    "lr of NaN": (make.TINY + "lr = nan\n", "nan is not a finite number"),
    "lr of infinity": (make.TINY + "lr = inf\n", "inf is not a finite number"),
    "lr with 400 digits": (make.TINY + f"lr = {10**400}\n", "is not a finite number"),
    "unknown optimiser": (make.TINY + 'optimizer = "sdg"\n', "'sdg' is not one of"),
    "features that do not fit": (make.TINY.replace("[features]", "[features]\nn_mfcc = 13"), "takes 40 features"),
    "more MFCCs than bands": (make.TINY.replace("[features]", "[features]\nn_mels = 20"), "out of its range"),
    "hop of 0": (make.TINY.replace("[features]", "[features]\nhop_length = 0"), "hop_length = 0 is out of its range"),
    "unknown rule": (make.TINY + '[targets]\nrule = "best"\n', "'best' is not one of"),
}


@pytest.mark.parametrize("row", BAD_RECIPES)
def test_bad_recipe(row, tmp_path):
    content, says = BAD_RECIPES[row]
    path = tmp_path / "mine.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with unchanged(tmp_path):
        message = check_refusal(a2d("train", path, "--data", "builtin", "--out", tmp_path / "out"))
    assert says in message
    assert message.startswith((str(path), "features", "model", "targets", "training"))
    with pytest.raises(RecipeError) as caught:
        recipes.load(path)
    assert str(caught.value) == message


@pytest.mark.parametrize("name", ["raport", "", "missing.toml", "folder.toml", "a" * 300, "a" * 300 + ".toml"])
def test_no_such_recipe(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.toml").mkdir()
    with unchanged(tmp_path):
        check_refusal(a2d("train", name, "--data", "builtin", "--out", "out"), "recipe")
    with pytest.raises(RecipeError):
        recipes.load(name)


# --- training ------------------------------------------------------------------------------------------


def test_a_loss_that_is_no_number_ends_the_training(tmp_path):
    result = _train(tmp_path, recipe=make.TINY_CLASSIFIER + "batch_size = 4\nlr = 1e30\n")
    check_refusal(result, "training: the loss became", "Lower the learning rate")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["sounds", "tiny.toml"]


@pytest.mark.parametrize("recipe", [make.TINY_CLASSIFIER, make.TINY])
def test_weights_that_are_no_numbers_after_the_last_step_are_not_kept(recipe, tmp_path, models, monkeypatch):
    """One step for each epoch: the loss is a number, what the step leaves behind is none."""
    import torch

    step = torch.optim.Adam.step

    def too_far(self):
        step(self)
        with torch.no_grad():
            for parameter in self.param_groups[0]["params"]:
                parameter.mul_(float("inf"))

    monkeypatch.setattr(torch.optim.Adam, "step", too_far)
    options = ("--images", "builtin", "--evaluator", models / "evaluator")
    result = _train(tmp_path, *options, recipe=recipe.replace("= 8\n", "= 99\n"))
    check_refusal(result, "Lower the learning rate")
    assert not list((tmp_path / "out").glob("*"))


def _spoil_loss(monkeypatch: pytest.MonkeyPatch, after: float) -> None:
    from a2d.lab.kinds.generator import GeneratorTask

    whole = GeneratorTask.loss

    def loss(self, indices, rng, progress):
        value, terms = whole(self, indices, rng, progress)
        return (value * float("nan") if progress >= after else value), terms

    monkeypatch.setattr(GeneratorTask, "loss", loss)


def test_the_last_good_epoch_is_kept_when_the_loss_is_no_number(tmp_path, models, monkeypatch):
    data = make.corpus(tmp_path / "sounds")
    options = ("--images", "builtin", "--evaluator", models / "evaluator")
    with monkeypatch.context() as patch:
        _spoil_loss(patch, after=0.5)
        result = _train(tmp_path, *options, recipe=make.TINY, data=data)
    check_refusal(result, "training: the loss became nan in epoch 2, step 1")
    out = tmp_path / "out"
    assert [p.name for p in out.iterdir()] == ["checkpoint.safetensors"]
    tensors, meta = tensorfile.load(out / "checkpoint.safetensors")
    assert meta["epoch"] == 1
    assert all(t.isfinite().all() for t in tensors.values() if t.is_floating_point())
    # Nothing is lost: once the cause is mended, the run goes on to what it would have been.
    result = _train(tmp_path, *options, "--resume", recipe=make.TINY, data=data)
    assert result.exit_code == 0, result.output
    whole = a2d("train", tmp_path / "tiny.toml", "--data", data, "--out", tmp_path / "whole", *options)
    assert whole.exit_code == 0
    assert (out / "model.safetensors").read_bytes() == (tmp_path / "whole" / "model.safetensors").read_bytes()


@pytest.fixture
def finished(tmp_path):
    """A folder with a finished run of the tiny classifier, its recipe and its data."""
    result = _train(tmp_path)
    assert result.exit_code == 0, result.output
    return tmp_path


def _again(folder: Path, *options: object) -> Result:
    return a2d("train", folder / "tiny.toml", "--data", folder / "sounds", "--out", folder / "out", *map(str, options))


def test_a_run_is_never_trained_over(finished):
    with unchanged(finished):
        check_refusal(_again(finished), "a run lies here already", "--resume")
    (finished / "out" / "checkpoint.safetensors").unlink()
    with unchanged(finished):
        check_refusal(_again(finished), "a run lies here already")
    with pytest.raises(RecipeError):
        runs.train(str(finished / "tiny.toml"), str(finished / "sounds"), finished / "out")


def test_resuming_something_else_is_refused(finished):
    says = "this checkpoint is of another recipe, seed or data set"
    with unchanged(finished):
        check_refusal(_again(finished, "--resume", "--seed", 1), says)
        check_refusal(_again(finished, "--resume", "--epochs", 2), says)
        check_refusal(_again(finished, "--resume", "--split", "speaker"), says)
    (finished / "tiny.toml").write_text(make.TINY_CLASSIFIER.replace("[8]", "[9]"))
    with unchanged(finished):
        check_refusal(_again(finished, "--resume"), says)
    (finished / "tiny.toml").write_text(make.TINY_CLASSIFIER)
    shutil.copy(finished / "sounds" / "01" / "3_01_0.flac", finished / "sounds" / "01" / "3_01_1.flac")
    with unchanged(finished):
        check_refusal(_again(finished, "--resume"), says)
    with pytest.raises(ModelError):
        runs.train(str(finished / "tiny.toml"), str(finished / "sounds"), finished / "out", resume=True, progress=False)


@pytest.mark.parametrize("spoil", [make.cut, lambda b: b"", lambda b: b"junk", lambda b: b[:8] + b"\0" * (len(b) - 8)])
def test_resuming_a_damaged_checkpoint_is_refused(spoil, finished):
    path = finished / "out" / "checkpoint.safetensors"
    path.write_bytes(spoil(path.read_bytes()))
    with unchanged(finished):
        check_refusal(_again(finished, "--resume"), str(path), "not a readable safetensors file")


def test_resuming_a_checkpoint_that_lacks_a_tensor_is_refused(finished):
    path = finished / "out" / "checkpoint.safetensors"
    tensors, meta = tensorfile.load(path)
    tensors.pop("model.head.bias")
    tensorfile.save(path, tensors, meta)
    with unchanged(finished):
        check_refusal(_again(finished, "--resume"), "this checkpoint does not fit the model")


@pytest.mark.parametrize("out", ["file", "file/below", "dangling", "loop", "/proc/nowhere"])
def test_training_into_what_is_no_folder(out, tmp_path):
    data = make.corpus(tmp_path / "sounds")
    (tmp_path / "tiny.toml").write_text(make.TINY_CLASSIFIER)
    (tmp_path / "file").write_text("precious")
    (tmp_path / "dangling").symlink_to("gone")
    (tmp_path / "loop").symlink_to("loop")
    with unchanged(tmp_path):
        check_refusal(a2d("train", tmp_path / "tiny.toml", "--data", data, "--out", tmp_path / out))


def test_finetuning_needs_annotations(tmp_path, models):
    evaluator = ("--evaluator", models / "evaluator")
    (tmp_path / "empty").mkdir()
    for data in ("empty", "nowhere"):
        with unchanged(tmp_path):
            result = a2d("train", "finetuned", "--data", tmp_path / data, "--out", tmp_path / "out", *evaluator)
            check_refusal(result, "there are no annotations to read")
    with unchanged(tmp_path):
        result = a2d("train", "evaluator", "--data", "fsdd", "--out", tmp_path / "out")
        check_refusal(result, "fsdd: there are no such images")


def test_a_seed_that_makes_no_sense(tmp_path):
    check_refusal(_train(tmp_path, "--seed", 10**30), "is not a seed")
    assert not (tmp_path / "out").exists()
    for seed in (-1, 2**63, 0.5, None):
        with pytest.raises(RecipeError, match="is not a seed"):
            runs.train("audio-mlp", "builtin", tmp_path / "out", seed=seed)
    with pytest.raises(RecipeError, match="epochs = 0"):
        runs.train("audio-mlp", "builtin", tmp_path / "out", epochs=0)
    result = _train(tmp_path, "--seed", 2**63 - 1, data=tmp_path / "sounds")
    assert result.exit_code == 0, result.output


def test_nothing_that_is_no_number_is_written(tmp_path):
    import torch

    bad = {"fine": torch.ones(2), "bad": torch.tensor([1.0, float("inf")])}
    with unchanged(tmp_path), pytest.raises(ModelError, match="bad holds NaN or infinity"):
        tensorfile.save(tmp_path / "m.safetensors", bad, {})


# --- evaluating ----------------------------------------------------------------------------------------

BAD_EVALUATIONS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "a folder without a model": ("", ("--data", "builtin"), "there is no model.safetensors in this folder"),
    "a generator on handwriting": ("generator", ("--data", "mnist"), "mnist holds images, not recordings"),
    "a classifier on handwriting": ("classifier", ("--data", "mnist"), "mnist holds images, not recordings"),
    "an evaluator on recordings": ("evaluator", ("--data", "fsdd"), "fsdd: there are no such images"),
    "data that is not here": ("generator", ("--data", "fsdd"), "fsdd is not here yet"),
    "handwriting that is not here": ("evaluator", ("--data", "mnist"), "mnist is not here yet"),
    "a generator as a judge": ("generator", ("--data", "SOUNDS", "--evaluator", "GENERATOR"), "of kind 'generator'"),
    "an unknown judge": ("generator", ("--data", "SOUNDS", "--evaluator", "judy"), "there is no such model"),
    "a seed beyond all bounds": ("classifier", ("--data", "SOUNDS", "--seed", str(2**64)), "is not a seed"),
}


@pytest.mark.parametrize("row", BAD_EVALUATIONS)
def test_bad_evaluation(row, tmp_path, models):
    run, options, says = BAD_EVALUATIONS[row]
    sounds = make.corpus(tmp_path / "sounds", ["01"], [3])
    named = {"SOUNDS": str(sounds), "GENERATOR": str(models / "generator")}
    options = [named.get(o, o) for o in options]
    with unchanged(tmp_path), unchanged(models):
        check_refusal(a2d("evaluate", models / run, *options, "--out", tmp_path / "out"), says)


def test_evaluating_into_a_file(tmp_path, models):
    (tmp_path / "out").write_text("precious")
    with unchanged(tmp_path):
        result = a2d("evaluate", models / "evaluator", "--data", "builtin", "--out", tmp_path / "out")
        check_refusal(result, "this is a file; a folder is needed")


def test_a_single_recording_of_unseen_data_can_be_evaluated(tmp_path, models):
    """Too little to be split, but all of it is used where a model has not seen it."""
    sounds = make.corpus(tmp_path / "sounds", ["01"], [3])
    result = a2d("evaluate", models / "classifier", "--data", sounds, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["data"]["n"] == 1


def test_fetching_what_is_unknown(home):
    with unchanged(home):
        check_refusal(a2d("data", "fetch", "imagenet"), "there is no data set called 'imagenet'")
    check_refusal(a2d("data", "fetch", "mnist", "--mirror", home / "nowhere", "--quiet"))
    assert [p.name for p in home.iterdir()] in ([], [".mnist.lock"])
    with pytest.raises(DataError):
        fetching.find("imagenet")


# --- for real: other processes, other users, full disks -------------------------------------------------

# As root: loads all that the commands need, by running one of them; then becomes somebody else and runs the others.
_DRIVER = """
import io, json, os, sys
from a2d import draw
from a2d.lab import runs
from a2d.cli import main
first, *others = json.loads(sys.argv[1])
for number, arguments in enumerate([first, *others]):
    sys.stdout, sys.stderr, code = io.StringIO(), io.StringIO(), 0
    try:
        main(arguments)
    except SystemExit as end:
        code = end.code
    out, err = sys.stdout.getvalue(), sys.stderr.getvalue()
    sys.__stdout__.write(json.dumps([code, out, err]) + "\\n")
    if number == 0 and os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
"""


def process(*arguments: object, **options) -> subprocess.CompletedProcess:
    """Run the command line in a process of its own."""
    command = [sys.executable, "-m", "a2d.cli", *(os.fspath(a) if isinstance(a, Path) else str(a) for a in arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **options.pop("env", {})}
    return subprocess.run(command, env=environment, capture_output=True, timeout=120, check=False, **options)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("draw", "--model", "GENERATOR", "--evaluator", "EVALUATOR", "BAD"), UNREADABLE),
        (("data", "check", "EMPTY"), "there are no recordings in this folder"),
        (("train", "raport", "--data", "builtin", "--out", "out"), "there is no such recipe"),
    ],
)
def test_exit_code_and_message_of_a_real_process(arguments, says, tmp_path, models):
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.wav").write_bytes(b"no sound at all")
    (tmp_path / "good.wav").write_bytes(make.encode(make.tone()))
    named = {"GENERATOR": models / "generator", "EVALUATOR": models / "evaluator"}
    named |= {"BAD": tmp_path / "bad.wav", "GOOD": tmp_path / "good.wav", "EMPTY": tmp_path / "empty"}
    with unchanged(tmp_path):
        result = process(*(named.get(a, a) for a in arguments), cwd=tmp_path)
    assert result.returncode == 2
    assert result.stdout == b""
    assert result.stderr.count(b"\n") == 1
    assert result.stderr.startswith(b"Error: ")
    assert says.encode() in result.stderr


def test_names_that_a_terminal_cannot_show(tmp_path, models, drawing):
    """Neither an old terminal that knows ASCII alone nor a name that is no text ends in a traceback."""
    names = ["七.wav", os.fsdecode(b"\xff.wav"), "a\x1b[31m\n.wav"]
    for name in names:
        (tmp_path / name).write_bytes(make.encode(make.tone()))
    result = process("draw", *drawing, *names, "missing-é", cwd=tmp_path, env={"PYTHONIOENCODING": "ascii:strict"})
    assert result.returncode == 2
    assert b"Traceback" not in result.stderr
    assert result.stderr.startswith(b"Error: missing-\\xe9: ")
    assert result.stdout.count(b"\n") == 4
    assert b"\x1b" not in result.stdout
    assert len(list((tmp_path / "drawings").iterdir())) == 4


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody can enter (pytest's own cannot be)."""
    folder = Path(tempfile.mkdtemp(prefix="a2d-test-"))
    folder.chmod(0o755)
    yield folder
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir():
            path.chmod(0o755)
    shutil.rmtree(folder)


def _as_nobody(folder: Path, commands: list[list[object]]) -> list[list]:
    """Run commands, all but the first as somebody who is not root: exit code, output and messages of each."""
    text = json.dumps([[os.fspath(a) if isinstance(a, Path) else str(a) for a in c] for c in commands])
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", _DRIVER, text],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are another matter on Windows")
def test_no_permission(open_folder, tmp_path, models, monkeypatch):
    folder = open_folder
    models = Path(shutil.copytree(models, folder / "models"))
    drawing = ["--model", models / "generator", "--evaluator", models / "evaluator"]
    for name in ("secret.wav", "good.wav"):
        (folder / name).write_bytes(make.encode(make.tone()))
    make.corpus(folder / "sounds")
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    (folder / "secret.wav").chmod(0)
    (folder / "sealed").mkdir(mode=0o555)
    (folder / "closed").mkdir(mode=0)
    monkeypatch.setenv("A2D_DATA", str(folder / "sealed" / "home"))
    out = ["--out", folder / "sealed" / "out"]
    commands = {
        "No such file or directory": ["draw", *drawing, *out, "missing.wav"],
        "secret.wav: cannot read this file (Permission denied)": ["draw", *drawing, *out, "secret.wav"],
        "out/good.png: cannot write this file (Permission denied)": ["draw", *drawing, *out, "good.wav"],
        "closed/a.wav: cannot read this file (Permission denied)": ["draw", *drawing, *out, "closed/a.wav"],
        "closed: cannot list this folder (Permission denied)": ["data", "check", "closed"],
        "no folder to write to": ["train", "audio-mlp", "--data", "sounds", *out],
        "cannot read this recipe": ["train", "closed/a.toml", "--data", "sounds", *out],
        "there is no such model": ["evaluate", "closed/run", "--data", "sounds", *out],
    }
    warm = ["draw", *drawing, "--out", tmp_path / "warm", "good.wav"]
    with unchanged(folder):
        first, *results = _as_nobody(folder, [warm, *commands.values()])
    assert first[0] == 0
    for says, (code, stdout, stderr) in zip(commands, results, strict=True):
        assert code == 2, says
        assert stdout == ""
        assert stderr.count("\n") == 1, stderr
        assert stderr.startswith("Error: ")
        assert says in stderr
        assert ". " in stderr, "a hint is missing"


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A disk of 64 KB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("only root can mount a small disk")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def test_full_disk(small_disk, tmp_path, drawing):
    path = tmp_path / "a.wav"
    path.write_bytes(make.encode(make.tone()))
    (tmp_path / "tiny.toml").write_text(make.TINY_CLASSIFIER)
    data = make.corpus(tmp_path / "sounds")
    (small_disk / "filler").write_bytes(bytes(64 << 10))
    says = "cannot write this file (No space left on device)"
    with unchanged(small_disk):
        check_refusal(a2d("draw", *drawing, "--out", small_disk, path), says, "Free some space")
        training = a2d("train", tmp_path / "tiny.toml", "--data", data, "--out", small_disk)
        check_refusal(training, says, "Free some space")


def test_disk_that_fills_up(small_disk, tmp_path, drawing):
    """What was written before the disk was full is whole."""
    from PIL import Image

    (tmp_path / "tiny.toml").write_text(make.TINY_CLASSIFIER)
    data = make.corpus(tmp_path / "sounds")
    (small_disk / "filler").write_bytes(bytes(56 << 10))
    result = a2d("train", tmp_path / "tiny.toml", "--data", data, "--out", small_disk)
    check_refusal(result, "No space left on device")
    assert sorted(p.name for p in small_disk.iterdir()) == ["checkpoint.safetensors", "filler"]
    tensorfile.load(small_disk / "checkpoint.safetensors")

    paths = [tmp_path / f"{number}.wav" for number in range(20)]
    for number, path in enumerate(paths):
        path.write_bytes(make.encode(make.tone(0.2 + number / 100)))
    (small_disk / "checkpoint.safetensors").unlink()
    check_refusal(a2d("draw", *drawing, "--out", small_disk, *paths), "No space left on device")
    drawn = sorted(small_disk.glob("*.png"))
    assert 0 < len(drawn) < 20
    assert all(Image.open(p).size == (280, 280) for p in drawn)
    assert len(list(small_disk.iterdir())) == len(drawn) + 1


def test_every_table_is_tried():
    """A table that no test goes through would look like care and be none."""
    text = Path(__file__).read_text(encoding="utf-8")
    tables = [name for name, value in globals().items() if name.isupper() and isinstance(value, dict)]
    assert {"BAD_RECORDINGS", "BAD_FOLDERS", "BAD_RECIPES"} <= set(tables)
    for name in tables:
        assert re.search(rf"parametrize\(\s*[^@]*?\b{name}\b", text), f"nothing tries the rows of {name}"


def test_errors_are_of_one_family():
    for kind in (AudioError, DataError, ModelError, RecipeError, TrainingError):
        assert issubclass(kind, A2DError)
        assert kind.exit_code == 2
