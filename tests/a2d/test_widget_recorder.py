"""The recorder: its state without a browser, and the microphone of a real one that speaks a file."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import soundfile
from browser import CHROMIUM, MICROPHONE, Notebook, browser, jupyterlab

from a2d import audio, datasets, widgets
from a2d.errors import A2DError, AudioError, DataError
from a2d.io.shipped import shipped

RATE = 16000
SEVEN = shipped("builtin") / "data" / "01" / "7_01_0.flac"


def word(before: float = 0.6, after: float = 0.9, rate: int = RATE) -> audio.Clip:
    """A real word with silence around it."""
    said = audio.load(SEVEN, rate).samples
    return audio.Clip(np.concatenate([np.zeros(int(before * rate)), said, np.zeros(int(after * rate))]), rate)


def as_file(clip: audio.Clip, kind: str = "WAV") -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, clip.samples, clip.rate, format=kind)
    return buffer.getvalue()


TONE = audio.Clip(np.sin(np.arange(RATE) / 5).astype(np.float32), RATE)


@pytest.fixture
def takes(tmp_path) -> widgets.Takes:
    return widgets.Takes(tmp_path / "voice", "07")


def asked(widget, *buffers: bytes, **content) -> dict:
    """Send what the browser would send, for what it sees, and give the state afterwards."""
    widget._message(widget, {"step": widget.state["step"], **content}, [memoryview(one) for one in buffers])
    return widget.state


@pytest.fixture
def widget(tmp_path):
    return widgets.recorder(tmp_path / "voice", goal=2)


# ---------------------------------------------------------------------------------------------------- without a browser


def test_a_take_is_cut_kept_in_audio_mnists_layout_and_read_again(takes):
    given = word()
    cut = takes.offer(given)
    start, stop = takes.cut
    assert 0.4 < start < 0.75
    assert stop - start == pytest.approx(cut.seconds, abs=1e-3)
    np.testing.assert_array_equal(takes.clip.samples, cut.samples)
    path = takes.keep(7)
    assert path == takes.root / "07" / "7_07_0.wav"
    assert takes.waiting is None
    assert takes.counts == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0]
    takes.offer(given)
    assert takes.keep(7).name == "7_07_1.wav"
    spoken = datasets.load_spoken(takes.root)
    assert spoken.digits.tolist() == [7, 7]
    assert spoken.speaker_names == ["07"]
    read = audio.load(path)
    np.testing.assert_allclose(read.samples, cut.samples, atol=1e-4)
    assert not list(takes.folder.glob(".*")), "nothing half-written is left"


def test_the_cut_can_be_moved_but_not_to_nothing(takes):
    takes.offer(word())
    takes.set_cut(0.5, 99)
    assert takes.cut == (0.5, pytest.approx(word().seconds))
    for bad in ((0.5, 0.55), (1, 0.5), (float("nan"), 1), ("0", 1)):
        with pytest.raises(DataError):
            takes.set_cut(*bad)
    assert takes.cut[0] == 0.5
    takes.set_cut(0.0, 0.4)  # silence only
    with pytest.raises(AudioError, match="silent"):
        takes.keep(3)
    assert takes.waiting is not None
    assert takes.recordings == ()


def test_the_next_digit_is_one_with_the_fewest_takes(takes):
    assert takes.wanted == 0
    for digit in (0, 1, 3):
        takes.offer(word())
        takes.keep(digit)
    assert takes.wanted == 2


def test_what_is_deleted_is_gone_and_nothing_else_is(takes):
    for digit in (7, 7, 2):
        takes.offer(word())
        takes.keep(digit)
    (takes.folder / ".7_07_9.wav.abcd.tmp.wav").write_bytes(b"half")  # what a crash leaves
    assert takes.delete(7).name == "7_07_1.wav"
    assert takes.counts[7] == 1
    assert not list(takes.folder.glob(".*"))
    other = takes.folder / "notes.txt"
    other.write_text("mine")
    takes.offer(word())
    assert takes.delete_all() == 2
    assert takes.clip is None
    assert takes.waiting is None
    assert list(takes.folder.iterdir()) == [other]
    other.unlink()
    assert takes.delete_all() == 0
    assert not takes.root.exists(), "an empty folder goes as well"
    with pytest.raises(DataError, match="no take of 3"):
        takes.delete(3)


def test_the_number_of_a_deleted_take_in_the_middle_is_not_given_twice(takes):
    for _ in range(3):
        takes.offer(word())
        takes.keep(1)
    (takes.folder / "1_07_0.wav").unlink()
    takes.offer(word())
    assert takes.keep(1).name == "1_07_3.wav"


BAD = {
    "silence": (as_file(audio.Clip(np.zeros(RATE), RATE)), "a.wav", "silent"),
    "too short": (as_file(audio.Clip(TONE.samples[:800], RATE)), "a.wav", "0.05 s long"),
    "30 seconds": (as_file(audio.Clip(np.tile(TONE.samples, 30), RATE)), "a.flac", "at most 10 s"),
    "no sound": (b"this is a letter, not a sound" * 50, "a.wav", "not a sound file"),
    "nothing": (b"", "a.wav", "."),
    "another kind": (b"\x1aE\xdf\xa3" * 300, "a.webm", "not a sound file"),
    "a raw file": (b"\1\2" * 3000, "a.raw", "not a sound file"),
    "a name that leads away": (b"x" * 300, "../../a.wav/..", "not a sound file"),
    "far too much": (bytes(9_000_000), "a.wav", "9 MB"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_one_sentence(name, widget):
    data, file, means = BAD[name]
    asked(widget, do="agree", agreed=True)
    state = asked(widget, data, do="take", name=file)
    assert means in state["problem"]
    assert state["said"] == ""
    assert "Traceback" not in state["problem"]
    assert "/tmp" not in state["problem"]
    assert state["take"] is None
    with pytest.raises(A2DError):
        widget.takes.offer_bytes(data, file)


def test_a_loud_take_is_taken_with_a_note(widget):
    asked(widget, do="agree", agreed=True)
    loud = audio.Clip(np.clip(30 * word().samples, -1, 1), RATE)
    state = asked(widget, as_file(loud), do="take", name="a.wav")
    assert "clipped" in state["said"]
    assert state["problem"] == ""


def test_a_full_disk_keeps_the_take_in_hand(takes, monkeypatch):
    import a2d.io.atomic

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    takes.offer(word())
    monkeypatch.setattr(a2d.io.atomic.os, "replace", full)
    with pytest.raises(A2DError, match="No space left"):
        takes.keep(1)
    assert takes.waiting is not None
    assert takes.recordings == ()
    assert not list(takes.folder.iterdir())


@pytest.mark.parametrize("speaker", ["", "1", "001", "a1", 1, "٠١"])
def test_speakers_that_the_layout_does_not_have_are_refused(speaker, tmp_path):
    with pytest.raises(DataError, match="speaker"):
        widgets.Takes(tmp_path, speaker)


def test_a_file_in_the_folders_place_is_refused(tmp_path):
    (tmp_path / "voice").write_text("x")
    with pytest.raises(DataError, match="a file, not a folder"):
        widgets.recorder(tmp_path / "voice")


# ---------------------------------------------------------------------------------------- the widget, without a browser


def test_nothing_is_taken_before_the_person_agrees(widget, tmp_path):
    for content in (
        {"do": "take", "name": "a.wav"},
        {"do": "keep"},
        {"do": "play"},
        {"do": "cut", "start": 0, "stop": 1},
    ):
        state = asked(widget, as_file(word()), **content)
        assert state["problem"].startswith("Nothing is recorded before you agree")
    assert widget.clip is None
    assert not (tmp_path / "voice").exists()
    assert asked(widget, do="agree", agreed="yes")["agreed"] is False
    assert asked(widget, do="agree", agreed=True)["agreed"] is True
    asked(widget, as_file(word()), do="take", name="a.wav")
    assert widget.clip is not None
    state = asked(widget, do="agree", agreed=False)
    assert state["take"] is None, "what was not kept goes with the agreement"
    assert widget.clip is None


def test_from_agreement_to_deletion(widget, tmp_path):
    asked(widget, do="agree", agreed=True)
    asked(widget, do="digit", digit=7)
    state = asked(widget, as_file(word(), "FLAC"), do="take", name="my seven.flac")
    assert re.fullmatch(r"A take of 0\.\d\d s\. Play it, then keep it or throw it away\.", state["said"])
    assert len(state["take"]["bars"]) == 240
    assert max(state["take"]["bars"]) == 1
    sent: list[Any] = []
    widget.send = lambda content, buffers=None: sent.append((content, buffers))
    asked(widget, do="play")
    heard, rate = soundfile.read(io.BytesIO(sent[0][1][0]))
    assert (sent[0][0], rate, len(heard)) == ({"do": "play"}, RATE, len(widget.clip.samples))
    state = asked(widget, do="cut", start=0.55, stop=1.3)
    assert (state["take"]["start"], state["take"]["stop"]) == (0.55, 1.3)
    state = asked(widget, do="keep")
    assert state["said"] == "Kept as 7_01_0.wav."
    assert state["counts"][7] == 1
    assert state["digit"] == 0
    assert widget.clip.seconds == pytest.approx(0.75), "the last take is still at hand"
    asked(widget, as_file(word()), do="take", name="a.wav")
    assert "Thrown away" in asked(widget, do="discard")["said"]
    assert len(widget.takes.recordings) == 1
    asked(widget, do="digit", digit=7)
    assert asked(widget, do="delete")["said"] == "Deleted 7_01_0.wav."
    asked(widget, as_file(word()), do="take", name="a.wav")
    asked(widget, do="keep")
    asked(widget, do="agree", agreed=False)
    state = asked(widget, do="delete all")
    assert state["said"].startswith("Deleted: 1 recording.")
    assert not (tmp_path / "voice").exists()


def test_no_sound_is_in_what_a_notebook_may_save(widget):
    asked(widget, do="agree", agreed=True)
    before = set(widget.get_state())
    asked(widget, as_file(word()), do="take", name="a.wav")
    state = widget.get_state()
    assert set(state) == before
    assert not any(isinstance(value, bytes | memoryview) for value in state.values())
    assert len(json.dumps(state["state"])) < 4000
    data, about = widget._repr_mimebundle_()
    assert (
        data["text/plain"]
        == about["image/png"]["alt"]
        == "0 takes kept; fewer than 2 of " + ", ".join("0123456789") + "."
    )


def test_what_is_meant_for_another_take_is_not_done(widget):
    asked(widget, do="agree", agreed=True)
    asked(widget, as_file(word()), do="take", name="a.wav")
    widget._message(widget, {"do": "keep", "step": widget.state["step"] - 1}, [])
    assert "meant for what was shown before" in widget.state["problem"]
    for content in (None, [], {"do": "keep"}, {"step": -1}):
        widget._message(widget, content, None)
        assert widget.state["problem"]
    assert "not something that can be done here" in asked(widget, do="dance")["problem"]
    assert "whole number" in asked(widget, do="digit", digit="7")["problem"]
    assert widget.takes.recordings == ()


def test_what_listens_says_its_sentence_and_may_fail(tmp_path):
    widget = widgets.recorder(tmp_path, listen=lambda clip: f"{clip.seconds:.1f} s heard")
    asked(widget, do="agree", agreed=True)
    assert asked(widget, as_file(word()), do="take", name="a.wav")["heard"].endswith("s heard")
    widget._listen = lambda clip: 1 / 0
    assert "ZeroDivisionError" in asked(widget, as_file(word()), do="take", name="a.wav")["problem"]


@pytest.mark.parametrize("goal", [-1, 51, 2.5, True, "3"])
def test_goals_that_make_no_sense_are_refused(goal, tmp_path):
    with pytest.raises(DataError, match="goal"):
        widgets.recorder(tmp_path, goal=goal)
    with pytest.raises(DataError, match="takes"):
        widgets.takes_view("takes")


# ------------------------------------------------------------------------------------------------------- a real browser

in_a_browser = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not here"),
]
ALLOWED = "--use-fake-ui-for-media-stream"
CELL = """
from a2d import widgets
rec = widgets.recorder("voice-{name}", goal=1)
rec
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[tuple[Path, str]]:
    folder = tmp_path_factory.mktemp("lab")
    with jupyterlab(folder) as address:
        yield folder, address


def spoken_by(folder: Path, name: str, samples: np.ndarray) -> tuple[str, ...]:
    """The arguments for a microphone that speaks ``samples`` over and over, and is allowed."""
    path = folder / f"{name}.wav"
    soundfile.write(path, samples, 48000, subtype="PCM_16")
    return (*MICROPHONE, ALLOWED, f"--use-file-for-fake-audio-capture={path}")


def opened(chromium: Any, lab: tuple[Path, str], name: str) -> tuple[Notebook, Any]:
    folder, address = lab
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [nbformat.v4.new_code_cell(CELL.format(name=name))]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), folder / f"{name}.ipynb")
    notebook = Notebook(chromium, address, f"{name}.ipynb")
    notebook.run_all()
    return notebook, notebook.widget("Recorder")


def press(widget: Any, name: str) -> None:
    """Press a button, and wait until Python has answered."""
    root, before = widget.element_handle(), widget.get_attribute("data-step")
    widget.get_by_role("button", name=name).click()
    widget.page.wait_for_function("([node, step]) => node.dataset.step !== step", arg=[root, before])


def record(widget: Any, seconds: float) -> None:
    """Press Record, wait until the widget asks to speak, speak for a while, press Stop."""
    widget.get_by_role("button", name="Record", exact=True).click()
    widget.get_by_text("now, then press Stop").wait_for()
    widget.page.wait_for_timeout(1000 * seconds)
    press(widget, "Stop")


class TestInABrowser:
    pytestmark = in_a_browser

    def test_a_word_goes_from_the_microphone_to_the_disk_and_is_deleted_again(self, lab):
        folder, _ = lab
        said = word(0.7, 0.8, 48000).samples
        with browser(*spoken_by(folder, "seven", said)) as chromium:
            notebook, widget = opened(chromium, lab, "seven")
            record_button = widget.get_by_role("button", name="Record", exact=True)
            assert record_button.is_disabled(), "nothing is recorded before the person agrees"
            assert "voice-seven/01" in widget.inner_text()
            widget.get_by_role("checkbox").check()
            widget.get_by_text("You agreed").wait_for()
            widget.get_by_role("combobox", name="digit").select_option("7")
            record(widget, 2.5)
            widget.get_by_text("A take of").wait_for()
            notebook.screenshot("take")
            press(widget, "Play")
            widget.get_by_text("Plays").wait_for()
            slider = widget.get_by_role("slider", name="to")
            before = slider.get_attribute("aria-valuetext")
            slider.press("ArrowLeft")
            notebook.page.wait_for_function(
                "([node, told]) => node.getAttribute('aria-valuetext') !== told", arg=[slider.element_handle(), before]
            )
            press(widget, "Keep as")
            path = folder / "voice-seven" / "01" / "7_01_0.wav"
            taken = audio.load(path)
            assert taken.rate in (44100, 48000)
            reference = audio.trim_silence(word()).seconds
            assert taken.seconds == pytest.approx(reference, abs=0.25)
            widget.get_by_role("button", name="Delete all my recordings").click()
            press(widget, "Really delete all")
            widget.get_by_text("Nothing of your voice is left").wait_for()
            assert not path.exists()
            assert notebook.errors() == []
            assert notebook.elsewhere == []
            assert widget.get_by_role("alert").inner_text() == ""

    def test_notebook_7_has_it_too(self, lab):
        """The page of Jupyter Notebook 7, with its own menus; a word is kept."""
        folder, address = lab
        with browser(*spoken_by(folder, "classic", word(0.7, 0.8, 48000).samples)) as chromium:
            opened(chromium, lab, "classic")[0].page.close()
            page = chromium.new_page()
            page.goto(f"{address}/notebooks/classic.ipynb")
            page.wait_for_selector(".jp-Cell .cm-content")
            page.get_by_text("Run", exact=True).first.click()
            page.get_by_text("Run All Cells").first.click()
            widget = page.get_by_role("group", name="Recorder").last
            widget.get_by_role("checkbox").check()
            widget.get_by_text("You agreed").wait_for()
            record(widget, 2.5)
            widget.get_by_text("A take of").wait_for()
            press(widget, "Keep as")
            assert (folder / "voice-classic" / "01" / "0_01_0.wav").is_file()

    def test_silence_and_a_long_speech(self, lab):
        folder, _ = lab
        with browser(*spoken_by(folder, "silence", np.zeros(48000))) as chromium:
            _, widget = opened(chromium, lab, "silence")
            widget.get_by_role("checkbox").check()
            widget.get_by_text("You agreed").wait_for()
            record(widget, 1.0)
            widget.get_by_role("alert").get_by_text("The recording is silent").wait_for()
        speech = np.concatenate([word(0.2, 0.4, 48000).samples] * 25)[: 30 * 48000]
        with browser(*spoken_by(folder, "speech", speech)) as chromium:
            _, widget = opened(chromium, lab, "speech")
            widget.get_by_role("checkbox").check()
            widget.get_by_text("You agreed").wait_for()
            widget.get_by_role("button", name="Record", exact=True).click()
            widget.get_by_text("A take of").wait_for()  # it ends by itself
            told = widget.get_by_role("img").get_attribute("aria-label")
            assert 4.5 < float(re.search(r"of ([\d.]+) s", told)[1]) < 5.5
            assert not (folder / "voice-speech").exists(), "nothing is written before it is kept"

    def test_a_microphone_that_is_denied_and_a_file_instead(self, lab):
        folder, _ = lab
        with browser("--deny-permission-prompts", *MICROPHONE[:1]) as chromium:
            notebook, widget = opened(chromium, lab, "denied")
            widget.get_by_role("checkbox").check()
            widget.get_by_text("You agreed").wait_for()
            widget.get_by_role("button", name="Record", exact=True).click()
            widget.get_by_role("alert").get_by_text("The microphone was not allowed").wait_for()
            choose = widget.get_by_label("or a sound file")
            (folder / "letter.wav").write_text("no sound at all")
            choose.set_input_files(folder / "letter.wav")
            widget.get_by_role("alert").get_by_text("not a sound file").wait_for()
            notebook.screenshot("letter")
            choose.set_input_files(SEVEN)
            widget.get_by_text("A take of").wait_for()
            press(widget, "Keep as 0")
            assert (folder / "voice-denied" / "01" / "0_01_0.wav").is_file()
            assert notebook.errors() == []
            assert notebook.elsewhere == []
