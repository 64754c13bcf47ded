"""The page of `a2d app`: what is answered, the server's manners, and a real browser whose microphone plays files."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from browser import PATIENCE, SCREENSHOTS, spoken
from click.testing import CliRunner
from conftest import BUILTIN
from PIL import Image

from a2d import audio, draw
from a2d.app import server
from a2d.app.answer import HANDS, LOOK_UP, TOLD, Answerer, clip_of
from a2d.audio import Clip
from a2d.cli import main
from a2d.errors import AudioError
from a2d.evaluator import read
from a2d.lab import models

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
RATE = 8000


def as_wav(samples: np.ndarray, rate: int = RATE, channels: int = 1, width: int = 2) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as stream:
        stream.setnchannels(channels)
        stream.setsampwidth(width)
        stream.setframerate(rate)
        stream.writeframes((32767 * np.clip(samples, -1, 1)).astype("<i2").tobytes())
    return buffer.getvalue()


def word(digit: int, speaker: str = "07", take: int = 1) -> Clip:
    return audio.load(BUILTIN / speaker / f"{digit}_{speaker}_{take}.flac")


def pixels(source: str) -> np.ndarray:
    """The picture (28, 28) that an address of data holds."""
    data = base64.b64decode(source.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(data)), np.float32) / 255


@pytest.fixture(scope="module")
def answerer() -> Answerer:
    return Answerer()


# --------------------------------------------------------------------------------------------------- what is answered


def test_ten_digits_are_heard_and_written_by_five_hands(answerer: Answerer):
    images = []
    for digit in range(10):
        found = answerer.answer(word(digit))
        assert (found["digit"], found["refused"], found["notes"]) == (digit, False, [])
        assert 0.5 < found["sure"] <= 1
        assert 0 <= found["nothing"] < 0.5
        images.append([pixels(one["image"]) for one in found["hands"]])
        assert found["hands"][0]["reads"] == digit
    digits = read(answerer.writer.evaluator, np.array(images).reshape(-1, 28, 28)).digits.reshape(10, HANDS)
    assert (digits == np.arange(10)[:, None]).mean() >= 0.9
    assert len(np.unique(np.array(images[7]), axis=0)) == HANDS, "every hand is another"


def test_the_row_holds_all_that_is_shipped_and_a_picture_by_a_person(answerer: Answerer):
    found = answerer.answer(word(3))
    shipped = {name for name in models.names() if models.card(name)["kind"] in ("generator", *draw.HANDS)}
    assert set(TOLD) <= shipped, "what has a name here is there"
    assert [one["told"] for one in found["row"]].count(LOOK_UP) == 1
    assert {one["told"] for one in found["row"]} - {LOOK_UP} >= {TOLD.get(name, name) for name in shipped}
    looked_up = next(pixels(one["image"]) for one in found["row"] if one["told"] == LOOK_UP)
    mine = answerer.images.pixels[answerer.images.labels == 3]
    assert any(np.array_equal(np.round(255 * looked_up), image) for image in mine)


def test_the_same_recording_gives_the_same_answer_and_another_number_other_hands(answerer: Answerer):
    first, again, other = (answerer.answer(word(5), None, n) for n in (0, 0, 4))
    assert first == again
    assert other["hands"][0] == first["hands"][0], "the voice's own hand stays"
    assert not any(one in first["hands"] for one in other["hands"][1:])


def test_what_is_no_digit_is_drawn_only_when_asked_for(answerer: Answerer):
    noise = Clip(np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32), RATE)
    found = answerer.answer(noise)
    assert (found["refused"], found["hands"], found["row"]) == (True, [], [])
    assert found["nothing"] > 0.5
    assert len(answerer.answer(noise, None, 0, True)["hands"]) == HANDS


def test_the_cut_is_around_the_loudest_word_or_where_it_is_put(answerer: Answerer):
    two = np.concatenate([0.2 * word(1).samples, np.zeros(RATE, np.float32), word(9).samples])
    found = answerer.answer(Clip(two, RATE))
    assert found["digit"] == 9
    assert found["cut"][0] > 1
    found = answerer.answer(Clip(two, RATE), (0.0, 0.8))
    assert (found["digit"], found["cut"]) == (1, (0.0, 0.8))
    assert answerer.answer(Clip(two, RATE), (-5.0, 99.0))["cut"] == (0.0, len(two) / RATE)
    for cut in ((0.5, 0.5), (0.8, 0.2), (float("nan"), 0.0), (float("inf"), 1.0)):
        with pytest.raises(AudioError):
            answerer.answer(Clip(two, RATE), cut)


def test_a_loud_recording_is_told(answerer: Answerer):
    found = answerer.answer(Clip(np.clip(50 * word(7).samples, -1, 1), RATE), None, 0, True)
    assert re.match(r"the recording is clipped \(\d+ %", found["notes"][0])


def test_answering_asks_nobody_and_writes_nothing(answerer: Answerer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def refused(*_: Any) -> None:
        raise AssertionError("something was asked for over the network")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert answerer.answer(clip_of(as_wav(word(2).samples)))["digit"] == 2
    assert list(tmp_path.iterdir()) == []


BAD = {
    "nothing": b"",
    "a letter": b"this is no sound" * 50,
    "a FLAC file": (BUILTIN / "07" / "7_07_1.flac").read_bytes(),
    "stereo": as_wav(np.zeros(RATE), channels=2),
    "8 bits": as_wav(np.zeros(RATE), width=1),
    "half a header": as_wav(word(7).samples)[:30],
    "odd": as_wav(word(7).samples)[:-1],
    "silence": as_wav(np.zeros(RATE)),
    "too short": as_wav(np.ones(400)),
    "30 seconds": as_wav(np.random.default_rng(0).normal(0, 0.1, 30 * RATE)),
    "a rate of 1 Hz": as_wav(np.random.default_rng(0).normal(0, 0.1, RATE), rate=1),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_recording_gets_one_sentence(name: str):
    with pytest.raises(AudioError) as caught:
        clip_of(BAD[name])
    assert caught.value.hint


# ----------------------------------------------------------------------------------------------------- the command line


def test_a_port_that_is_taken_ends_in_one_message():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = CliRunner().invoke(main, ["app", "--no-browser", "--port", str(taken.getsockname()[1])])
    assert done.exit_code == 2
    assert re.fullmatch(r"Error: 127\.0\.0\.1:\d+: this address cannot be used .*--port 0\.\n", done.output)


def test_a_host_that_is_not_this_computers_ends_in_one_message():
    done = CliRunner().invoke(main, ["app", "--no-browser", "--host", "192.0.2.1", "--port", "0"])
    assert (done.exit_code, done.output.count("\n")) == (2, 1)


def test_without_tornado_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "tornado"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tornado", None)
    monkeypatch.delitem(sys.modules, "a2d.app.server")
    monkeypatch.delattr("a2d.app.server")
    done = CliRunner().invoke(main, ["app", "--no-browser", "--port", "0"])
    assert done.exit_code == 2
    assert 'pip install "digits-from-sound[app]"' in done.output


def test_the_package_of_the_extra_is_the_one_that_is_missing():
    import tomllib

    from conftest import ROOT

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert [re.match(r"\w+", one)[0] for one in extras["app"]] == ["tornado"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
def test_this_computer_alone(host: str):
    assert server.is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "somewhere.example", ""])
def test_not_this_computer_alone(host: str):
    assert not server.is_loopback(host)


# ----------------------------------------------------------------------------------------------------------- the server


class App:
    """`a2d app` as a process of its own; ``said`` is what it printed until the page was there."""

    def __init__(self, folder: Path, *options: str):
        self.folder = folder
        home = {name: str(folder) for name in ("HOME", "TMPDIR", "A2D_DATA")}
        command = [sys.executable, "-c", "from a2d.cli import main; main()", "app", "--no-browser", "--port", "0"]
        self.process = subprocess.Popen(
            [*command, *options],
            cwd=folder,
            env={**os.environ, **home, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout
        self.said = ""
        while "Ctrl-C" not in self.said:
            line = self.process.stdout.readline()
            assert line, self.said
            self.said += line
        self.url = re.search(r"http://\S+", self.said)[0]

    def ask(
        self, path: str, data: bytes | None = None, kind: str = "audio/wav", **headers: str
    ) -> tuple[int, Any, Any]:
        """Status, headers and body; JSON where it is some."""
        heads = {**({"Content-Type": kind} if data is not None else {}), **headers}
        request = urllib.request.Request(self.url + path, data, heads)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE / 1000) as reply:
                status, found, body = reply.status, reply.headers, reply.read()
        except urllib.error.HTTPError as error:
            status, found, body = error.code, error.headers, error.read()
        return status, found, json.loads(body) if "json" in found.get("Content-Type", "") else body

    def megabytes(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def end(self, sign: int = signal.SIGTERM) -> tuple[int, str]:
        """End it; give its exit code and what it still had to say."""
        self.process.send_signal(sign)
        rest, _ = self.process.communicate(timeout=60)
        return self.process.returncode, rest


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    found = App(tmp_path_factory.mktemp("app"))
    yield found
    code, rest = found.end()
    assert (code, rest) == (0, "")
    assert list(found.folder.iterdir()) == [], "a recording or something else was written"


def test_it_is_on_this_computer_and_says_where(app: App):
    assert re.fullmatch(r"The page is at http://127\.0\.0\.1:\d+/ \(Ctrl-C ends it\)\n", app.said)
    status, headers, body = app.ask("")
    assert status == 200
    assert b"<h1>" in body
    assert "connect-src 'self'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert not re.search(rb"(src|href)=\"(https?:)?//", body)


def test_it_serves_its_files_and_no_others(app: App):
    for path in ("app.js", "app.css", "microphone.js", "sample/0", "sample/9"):
        assert app.ask(path)[0] == 200
    for path in (
        "app.py",
        "../answer.py",
        "%2e%2e/answer.py",
        "sample/10",
        "sample/..%2f..",
        "sample/٣",
        "page/app.js",
    ):
        assert app.ask(urllib.request.quote(path, safe="/%"))[0] == 404


def test_the_samples_are_what_the_ear_knows(answerer: Answerer):
    for digit, name in enumerate(server.SAMPLES):
        found = answerer.answer(audio.load(BUILTIN / name))
        assert (found["digit"], found["refused"]) == (digit, False)


def test_a_question_is_answered_and_a_bad_one_told(app: App):
    data = as_wav(word(7).samples)
    status, _, found = app.ask("hear", data)
    assert (status, found["digit"], len(found["hands"])) == (200, 7, HANDS)
    status, _, found = app.ask("hear", as_wav(np.zeros(RATE)))
    assert (status, "silent" in found["told"]) == (422, True)
    assert "\n" not in found["told"]
    for query in ("first=many", "start=a&stop=b"):
        assert app.ask(f"hear?{query}", data)[0] == 400
    assert app.ask("hear?first=-7&start=nan&stop=inf", data)[0] == 200
    assert app.ask("hear")[0] == 405
    # What another site's page can send without asking first is not taken.
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        assert app.ask("hear", data, kind)[0] in (400, 415)


def test_far_too_much_is_not_taken(app: App):
    with contextlib.suppress(OSError):  # the server hangs up, without a word or in the midst of sending
        assert app.ask("hear", bytes(server.MOST_BYTES + 1))[0] in (400, 413)
    assert app.ask("")[0] == 200


def test_ctrl_c_ends_it_and_others_are_told_of(tmp_path: Path):
    found = App(tmp_path, "--host", "0.0.0.0")
    assert "others on your network can reach this page" in found.said
    assert "microphone on localhost or by https only" in found.said
    assert "http://localhost:" in found.url
    code, rest = found.end(signal.SIGINT)
    assert code == 0
    assert "Traceback" not in rest


def test_many_at_once_are_told_to_wait():
    class Slow:
        def answer(self, *_: Any) -> dict[str, Any]:
            import time

            time.sleep(0.05)
            return {"digit": 1}

    async def ask() -> list[int]:
        from tornado.httpclient import AsyncHTTPClient
        from tornado.httpserver import HTTPServer
        from tornado.netutil import bind_sockets

        sockets = bind_sockets(0, "127.0.0.1")
        http = HTTPServer(server.application(Slow()))  # type: ignore[arg-type]
        http.add_sockets(sockets)
        client = AsyncHTTPClient(force_instance=True, max_clients=40)
        url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}/hear"
        how = {"method": "POST", "body": as_wav(word(7).samples), "headers": {"Content-Type": "audio/wav"}}
        replies = await asyncio.gather(*(client.fetch(url, raise_error=False, **how) for _ in range(30)))
        later = await client.fetch(url, raise_error=False, **how)
        http.stop()
        return [one.code for one in (*replies, later)]

    *codes, later = asyncio.run(ask())
    assert set(codes) == {200, 503}
    assert codes.count(200) >= server.MOST_WAITING
    assert later == 200


@pytest.mark.slow
def test_memory_stays_as_it_is(app: App, capsys: pytest.CaptureFixture[str]):
    """Two hundred visitors, each with a recording of another length."""
    said = [np.pad(word(n % 10).samples, (0, 40 * n)) for n in range(200)]
    for samples in said[:40]:
        app.ask("hear", as_wav(samples))
    before = app.megabytes()
    for samples in said[40:]:
        assert app.ask("hear", as_wav(samples))[0] == 200
    with capsys.disabled():
        print(f"\n{before:.0f} MB after 40 visitors, {app.megabytes():.0f} MB after 200")
    assert app.megabytes() - before < 20


# --------------------------------------------------------------------------------------------------------- in a browser


class Tab:
    """The page in a tab; ``elsewhere``: what it asked of others than its server; ``mistakes``: its errors."""

    def __init__(self, context: Any, app: App):
        self.page = context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.elsewhere: list[str] = []
        self.mistakes: list[str] = []
        self.page.on("request", lambda asked: self._note(asked.url, app.url))
        self.page.on("pageerror", lambda error: self.mistakes.append(str(error)))
        self.page.goto(app.url)
        self.wait("ready")

    def _note(self, url: str, own: str) -> None:
        if not url.startswith((own, "data:", "blob:")):
            self.elsewhere.append(url)

    def wait(self, *states: str) -> None:
        self.page.wait_for_selector(",".join(f"body[data-state={state}]" for state in states))

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def text(self, name: str) -> str:
        return self.page.inner_text(f"#{name}")

    def images(self, name: str = "hands") -> np.ndarray:
        """The pictures ``(n, 28, 28)`` of a list, as they stand on the page."""
        sources = self.page.evaluate(f"() => [...document.querySelectorAll('#{name} img')].map(one => one.src)")
        return np.array([pixels(source) for source in sources]).reshape(-1, 28, 28)

    def seconds(self) -> float:
        """How long the recording in hand is."""
        return float(self.page.get_attribute("#stop", "max"))


@pytest.fixture
def context(chromium: Any) -> Iterator[Any]:
    found = chromium.new_context(permissions=["microphone"], viewport={"width": 1280, "height": 900})
    yield found
    found.close()


@pytest.fixture
def tab(context: Any, app: App) -> Tab:
    return Tab(context, app)


@pytest.mark.browser
@pytest.mark.slow
def test_ten_digits_said_into_the_microphone(tab: Tab, microphone: Path, answerer: Answerer):
    tab.page.get_by_role("checkbox").check()
    drawn, row = [], []
    for digit in range(10):
        spoken(microphone, word(digit), after=5.0)
        tab.press("Record" if digit % 2 else "Record again" if digit else "Record")
        tab.wait("listening")
        tab.wait("drawn", "refused", "denied")  # the word is over, so it ends by itself
        assert f"I heard {WORDS[digit]}" in tab.text("status"), tab.text("problem")
        assert tab.text("heard") == f"{WORDS[digit].capitalize()}, {digit}"
        assert re.match(r"(Over 99|\d\d) % sure\.", tab.text("sure"))
        assert tab.seconds() < 4.5
        drawn.append(tab.images())
        row.append(tab.images("row"))
    reader = answerer.writer.evaluator
    digits = read(reader, np.concatenate(drawn)).digits.reshape(10, HANDS)
    assert digits[:, 0].tolist() == list(range(10))
    assert (digits == np.arange(10)[:, None]).mean() >= 0.9
    by_name = read(reader, np.concatenate(row)).digits.reshape(10, -1)
    assert by_name.shape[1] == len(answerer.artists) + len(answerer.writers) + 1
    right = (by_name == np.arange(10)[:, None]).mean(0)
    assert right[-1] == 1, "the hands write what the ear heard"
    assert right.min() >= 0.2, f"{right}: a row of wrong pictures"
    assert tab.elsewhere == tab.mistakes == []


@pytest.mark.browser
def test_nothing_is_recorded_before_the_person_agrees(tab: Tab, tmp_path: Path):
    asked: list[str] = []
    tab.page.on("request", lambda one: asked.append(one.url))
    tab.page.evaluate("() => { navigator.mediaDevices.getUserMedia = () => { window.opened = true; }; }")
    tab.press("Record")
    tab.page.keyboard.press("Escape")
    assert "Tick the box first" in tab.text("problem")
    assert tab.page.evaluate("() => document.activeElement.id") == "agree"
    tab.page.set_input_files("#file", BUILTIN / "12" / "4_12_0.flac")
    assert "Tick the box first" in tab.text("problem")
    assert tab.page.evaluate("() => window.opened") is None
    assert not any("hear" in url for url in asked)


@pytest.mark.browser
def test_silence_noise_and_speech_without_end(tab: Tab, microphone: Path):
    tab.page.get_by_role("checkbox").check()
    soundfile.write(microphone, np.zeros(48_000 * 8), 48_000, subtype="PCM_16")
    tab.press("Record")
    tab.wait("refused")
    assert tab.text("heard") == "That was no digit"
    assert "silent" in tab.text("problem")
    assert tab.images().size == 0
    soundfile.write(microphone, np.random.default_rng(0).normal(0, 0.05, 48_000 * 8), 48_000, subtype="PCM_16")
    tab.press("Record")
    tab.wait("listening")
    tab.wait("refused")
    assert "That was no digit" in tab.text("status")
    tab.press("Draw it anyway")
    tab.wait("drawn")
    assert len(tab.images()) == HANDS
    words = [np.pad(audio.resample(word(n % 10).samples, RATE, 48_000), (0, 9600)) for n in range(60)]
    spoken(microphone, Clip(np.concatenate(words)[: 30 * 48_000], 48_000), after=5.0)
    tab.press("Record")
    tab.wait("listening")
    tab.wait("drawn", "refused")  # it ends by itself, long before
    assert 4.5 < tab.seconds() < 5.5
    assert tab.elsewhere == tab.mistakes == []


@pytest.mark.browser
def test_a_recording_can_be_stopped_played_cut_and_deleted(tab: Tab, microphone: Path):
    spoken(microphone, word(7), before=0.3, after=5.0)
    tab.page.get_by_role("checkbox").check()
    tab.page.evaluate("() => document.activeElement.blur()")
    tab.page.keyboard.press("Space")
    tab.page.get_by_role("button", name="Stop", exact=True, pressed=True).wait_for()
    tab.page.wait_for_function("() => document.getElementById('level').value > 0.15")
    tab.page.wait_for_timeout(600)
    tab.page.keyboard.press("Space")
    tab.wait("drawn", "refused")
    assert tab.seconds() < 2.5
    tab.page.evaluate(
        """() => {
            window.played = [];
            window.since = performance.now();
            Audio.prototype.play = function () { played.push(this.currentTime); return Promise.resolve(); };
            Audio.prototype.pause = function () { window.paused = performance.now() - since; };
        }"""
    )
    tab.press("Play")
    start = float(tab.page.input_value("#start"))
    assert tab.page.evaluate("() => played.length") == 1
    assert abs(tab.page.evaluate("() => played[0]") - start) < 0.1
    tab.page.wait_for_function("() => window.paused")
    assert tab.page.evaluate("() => paused") >= 1000 * (float(tab.page.input_value("#stop")) - start) - 20
    before = tab.page.get_attribute("#wave", "aria-label")
    tab.page.get_by_role("slider", name="to").press("ArrowLeft")
    tab.page.wait_for_function("old => document.getElementById('wave').ariaLabel !== old", arg=before)
    tab.wait("drawn", "refused")
    tab.press("Delete")
    assert "Nothing of your voice is left" in tab.text("status")
    assert tab.images().size == 0
    assert not tab.page.get_by_role("checkbox").is_checked()
    assert tab.page.evaluate("() => document.getElementById('take').hidden")
    assert tab.mistakes == []


@pytest.mark.browser
def test_a_browser_whose_sound_never_starts(tab: Tab):
    """As Firefox on a computer without a loudspeaker; the microphone is let go of."""
    tab.page.evaluate(
        """() => {
            AudioContext.prototype.resume = () => new Promise(() => {});
            const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
            navigator.mediaDevices.getUserMedia = async (wanted) => (window.stream = await open(wanted));
        }"""
    )
    tab.page.get_by_role("checkbox").check()
    tab.press("Record")
    tab.wait("denied")
    assert "sound does not start" in tab.text("problem")
    assert tab.page.evaluate("() => stream.getTracks().map(one => one.readyState)") == ["ended"]
    assert tab.mistakes == []


@pytest.mark.browser
def test_a_microphone_that_is_denied_and_other_voices_instead(chromium: Any, app: App, tmp_path: Path):
    context = chromium.new_context()
    tab = Tab(context, app)
    tab.page.get_by_role("checkbox").check()
    tab.press("Record")
    tab.wait("denied")
    assert "The microphone was not allowed" in tab.text("problem")
    tab.page.get_by_role("button", name="3, a synthetic voice").click()
    tab.wait("drawn")
    assert "I heard three" in tab.text("status")
    assert tab.text("problem") == ""
    tab.page.set_input_files("#file", BUILTIN / "12" / "4_12_0.flac")
    tab.page.wait_for_function("() => document.getElementById('status').textContent.includes('four')")
    long, broken = tmp_path / "long.wav", tmp_path / "broken.wav"
    soundfile.write(long, np.random.default_rng(0).normal(0, 0.1, RATE * 30), RATE)
    broken.write_bytes(b"this is no sound")
    for path, means in ((long, "30.0 s long"), (broken, "not a sound file")):
        tab.page.set_input_files("#file", path)
        tab.page.get_by_role("alert").get_by_text(means).wait_for()
        assert tab.images().size == 0
    tab.press("Noise")
    tab.page.wait_for_function("() => document.getElementById('status').textContent.includes('no digit')")
    assert tab.elsewhere == tab.mistakes == []
    context.close()


@pytest.mark.browser
def test_two_tabs_know_nothing_of_each_other(context: Any, app: App):
    first, second = Tab(context, app), Tab(context, app)
    for tab, digit in ((first, 3), (second, 7), (first, 1)):
        tab.page.get_by_role("button", name=f"{digit}, a synthetic voice").click()
    for tab, said in ((first, "one"), (second, "seven")):
        tab.page.wait_for_function("said => document.getElementById('status').textContent.includes(said)", arg=said)
    drawn = second.images()
    first.press("Delete")
    second.press("Other hands")
    second.page.wait_for_function("() => document.querySelector('#hands img[alt$=\"number 5\"]')")
    assert np.array_equal(second.images()[0], drawn[0])
    assert not np.array_equal(second.images()[1], drawn[1])
    assert first.images().size == 0
    assert first.text("heard") == "Nothing yet"
    assert not any(context.storage_state().values()), "nothing stays in the browser"
    assert first.elsewhere == second.elsewhere == []


@pytest.mark.browser
def test_a_recording_is_deleted_when_nobody_is_there(context: Any, app: App):
    tab = Tab(context, app)
    tab.page.clock.install()
    tab.page.get_by_role("checkbox").check()
    tab.page.get_by_role("button", name="7, a synthetic voice").click()
    tab.wait("drawn")
    tab.page.clock.fast_forward(90_000)  # the clock goes on beside that
    assert len(tab.images()) == HANDS
    tab.page.clock.fast_forward(40_000)
    assert "Nobody was here for two minutes" in tab.text("status")
    assert tab.images().size == 0
    assert not tab.page.get_by_role("checkbox").is_checked()


@pytest.mark.browser
def test_a_program_that_has_ended_is_told_of(chromium: Any, tmp_path: Path):
    app, context = App(tmp_path), chromium.new_context()
    tab = Tab(context, app)
    app.end()
    tab.press("Noise")
    tab.page.get_by_role("alert").get_by_text("Start a2d app again").wait_for()
    context.close()


@pytest.mark.browser
def test_the_pages_policy_lets_nothing_out(tab: Tab):
    """Even a script of the page's own could send nothing to anybody else."""
    refused = """url => new Promise(done => {
        document.addEventListener("securitypolicyviolation", event => done(event.violatedDirective), {once: true});
        fetch(url, {mode: "no-cors"}).then(() => done("sent"), () => setTimeout(() => done("failed"), 500));
    })"""
    assert tab.page.evaluate(refused, "http://127.0.0.1:7/") == "connect-src"
    assert tab.page.evaluate(refused, "app.css") == "sent"


@pytest.mark.browser
def test_an_answer_that_comes_too_late_is_not_shown(tab: Tab):
    """Who deletes while the program thinks must not see the answer afterwards."""
    held: list[Any] = []
    tab.page.route("**/hear?*", lambda route: held.append(route))
    tab.press("Noise")
    tab.wait("asking")
    tab.page.evaluate("() => document.getElementById('delete').click()")
    with tab.page.expect_response("**/hear?*"):
        held[0].continue_()
    tab.page.wait_for_timeout(300)
    assert tab.text("heard") == "Nothing yet"
    assert "Deleted" in tab.text("status")
    assert tab.mistakes == []


@pytest.mark.browser
def test_keys_and_screen_reader(tab: Tab):
    page = tab.page
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.id") == "agree"
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.id") == "record"
    for _ in range(8):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    tab.wait("drawn")
    assert page.evaluate("() => document.activeElement.textContent") == "7"
    assert page.get_by_role("status").inner_text().startswith("I heard seven")
    assert page.get_by_role("img", name="A handwritten seven, in the hand of this voice").is_visible()
    assert page.get_by_role("img", name="A handwritten seven, in another hand").count() == HANDS - 1
    assert page.get_by_role("list").count() == 2


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(tab: Tab, scheme: str):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    tab.page.emulate_media(color_scheme=scheme)

    def faults() -> list[str]:
        found = axe.run(tab.page).response["violations"]
        return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found if one["impact"] in ("serious", "critical")]

    assert faults() == []
    tab.page.get_by_role("button", name="4, a synthetic voice").click()  # one of its pictures is misread
    tab.wait("drawn")
    assert tab.page.locator("li.other").count() > 0
    assert faults() == []
    tab.press("Record")
    assert faults() == []
    tab.press("Noise")
    tab.wait("refused")
    assert faults() == []
    # That it can fail: a button without a name.
    tab.page.evaluate("() => document.querySelector('#record span').remove()")
    assert any(one.startswith("button-name") for one in faults())


@pytest.mark.browser
def test_light_and_dark_phone_and_desktop(tab: Tab):
    """Nothing is wider than the screen; buttons are large enough to be hit; photographs are kept to be looked at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    tab.page.get_by_role("button", name="4, a synthetic voice").click()
    tab.wait("drawn")
    for name, width in (("phone", 360), ("desktop", 1280)):
        tab.page.set_viewport_size({"width": width, "height": 800})
        assert tab.page.evaluate("() => document.documentElement.scrollWidth") <= width
        sizes = tab.page.evaluate(
            """() => [...document.querySelectorAll("button")].map(one => one.getBoundingClientRect().height)
                .filter(height => height > 0)"""
        )
        assert min(sizes) >= 44
        for scheme in ("light", "dark"):
            tab.page.emulate_media(color_scheme=scheme)
            tab.page.screenshot(path=SCREENSHOTS / f"app-{name}-{scheme}.png", full_page=True)
    tops = tab.page.evaluate("() => [...document.querySelectorAll('#row li')].map(one => one.offsetTop)")
    assert len(set(tops)) == 1, "every generator of the course in one row"


@pytest.mark.browser
def test_firefox_draws_what_it_hears(fox: Any, app: App, answerer: Answerer):
    fox.open(app.url)
    fox.wait("document.body.dataset.state === 'ready'")
    images = []
    for digit, word in enumerate(WORDS):
        fox.evaluate(f"document.querySelectorAll('#samples button')[{digit}].click()")
        fox.wait(f"document.getElementById('status').textContent.startsWith('I heard {word},')")
        fox.wait("document.body.dataset.state === 'drawn'")
        shown = fox.evaluate("[...document.querySelectorAll('#hands img, #row img')].map(one => one.src)")
        images.append([pixels(one) for one in shown])
    fox.screenshot(SCREENSHOTS / "app-firefox.png")
    assert len(images[0]) == HANDS + len(answerer.artists) + len(answerer.writers) + 1
    digits = read(answerer.writer.evaluator, np.array(images)[:, 0]).digits
    assert digits.tolist() == list(range(10))
    own = (app.url, "data:", "blob:")
    assert [url for url in fox.requests if not url.startswith(own)] == fox.mistakes == []
