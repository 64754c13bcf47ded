"""The page that draws without a server: its numbers are PyTorch's, and it does what it says in a real browser."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from browser import PATIENCE, SCREENSHOTS, served, spoken
from click.testing import CliRunner
from conftest import BUILTIN
from safetensors.numpy import load as load_tensors

from a2d import audio
from a2d.audio import Clip, Clips, prepare
from a2d.draw import Writer
from a2d.ears.cnn import window_of
from a2d.ears.voice import described
from a2d.errors import A2DError
from a2d.evaluator import read
from a2d.hands.voice import hand_of
from teach.demo import build as building
from teach.demo import graphs
from teach.demo.__main__ import main
from teach.demo.export import SAMPLES, narrowed, packed

WORDS = building.WORDS
TOLERANCE = 1e-3  # what the page's numbers may be away from PyTorch's


@pytest.fixture(scope="module")
def models() -> bytes:
    return packed()


@pytest.fixture(scope="module")
def writer() -> Writer:
    return Writer(anyway=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page as `python -m teach.demo` writes it."""
    out = tmp_path_factory.mktemp("demo")
    done = CliRunner().invoke(main, ["--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "index.html" in done.output
    return out


# ------------------------------------------------------------------------------------------------ what is written


def test_one_file_holds_all_and_is_small(folder: Path):
    html = (folder / "index.html").read_text()
    assert sum(path.stat().st_size for path in folder.iterdir()) <= building.MOST_BYTES
    assert sorted(path.name for path in folder.iterdir()) == ["index.html", "sw.js"]
    assert not re.search(r"\b(src|href)=(?!\"data:,\")|https?://|@import|url\(", re.sub(r'id="models">.*', "", html))
    assert "[[" not in html.replace("process([[samples]])", "")
    assert "connect-src 'none'" in html


def test_a_page_of_the_same_models_is_the_same(folder: Path, models: bytes):
    assert building.page(models) == (folder / "index.html").read_text()


def test_a_model_of_another_kind_is_refused(tmp_path: Path):
    done = CliRunner().invoke(main, ["--out", str(tmp_path), "--hands", "report"])
    assert done.exit_code == A2DError.exit_code
    assert "hands is needed" in done.output
    assert not list(tmp_path.iterdir())


def test_a_page_that_is_too_large_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(building, "MOST_BYTES", 1_000_000)
    with pytest.raises(A2DError, match="at most 1 MB"):
        building.build(tmp_path)
    assert not list(tmp_path.iterdir())


def test_nothing_is_rounded(models: bytes, writer: Writer):
    tensors, field = load_tensors(models), writer.net.field
    assert np.array_equal(tensors["hands.0.first.weight"], field.blocks[0].first.weight.detach().numpy())
    assert tensors["hands.0.first.weight"].dtype == np.float16
    assert narrowed(np.array([1 / 3])).dtype == np.float32
    assert narrowed(np.array([1e6, 0.5])).dtype == np.float32


def test_the_samples_are_what_the_ear_knows(models: bytes, writer: Writer):
    for digit in SAMPLES:
        samples = load_tensors(models)[f"sample.{digit}"] / np.float32(32768)
        assert writer.draw_clip(Clip(samples, 8000)).heard == digit


# --------------------------------------------------------------------------------------- the numbers, in Chromium


@pytest.fixture(scope="module")
def sheet(chromium: Any, models: bytes) -> Iterator[Any]:
    """An empty page that has the demo's functions and its networks."""
    page = chromium.new_page()
    page.set_default_timeout(PATIENCE)
    page.add_script_tag(content=building.file("sound.js"))
    page.add_script_tag(content=building.file("net.js"))
    page.evaluate(
        """text => {
            const bytes = Uint8Array.from(atob(text), one => one.charCodeAt(0)), found = unpacked(bytes.buffer);
            window.floats = text => new Float32Array(Uint8Array.from(atob(text), one => one.charCodeAt(0)).buffer);
            window.text = floats => {
                let all = "";
                const bytes = new Uint8Array(Float32Array.from(floats).buffer);
                for (const byte of bytes) all += String.fromCharCode(byte);
                return btoa(all);
            };
            window.module = found.tensors.kernel.data;
            window.ear = new Ear(found.tensors, found.config);
            window.voice = new Voice(found.tensors, found.config);
            window.hands = new Hands(found.tensors, found.config);
        }""",
        base64.b64encode(models).decode(),
    )
    yield page
    page.close()


def packed_floats(samples: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(samples, "<f4").tobytes()).decode()


def floats(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), "<f4")


def compare(sheet: Any, writer: Writer, clips: Sequence[np.ndarray]) -> dict[str, float]:
    """How far picture, scores, hand and drawing of recordings at 8000 Hz are from PyTorch's at most."""
    own = [prepare(Clip(clip, 8000), 8000) for clip in clips]
    windows = torch.from_numpy(np.stack([window_of(samples, writer.ear.config.n_samples) for samples in own]))
    pictures, scores = writer.ear.picture(windows), writer.ear.scores(windows)
    digits = scores[:, :10].argmax(1)
    means, levels = described(Clips.join(own, 8000))
    hands = hand_of(writer.ear.voice.heard(means, digits), writer.net.style_size)
    hands[:, -1] = writer.ear.voice.loudness(levels)
    images = writer.net.draw(digits, style=hands)
    furthest = dict.fromkeys(("picture", "scores", "hand", "drawing"), 0.0)
    for n, clip in enumerate(clips):
        found = sheet.evaluate(
            """given => {
                const own = prepared(floats(given), 8000, 8000), heard = ear.hear(windowOf(own, ear.samples));
                const digit = heard.says.indexOf(Math.max(...heard.says)), hand = voice.hand(own, digit);
                return [heard.picture, heard.scores, hand, hands.draw(digit, hand)].map(text);
            }""",
            packed_floats(clip),
        )
        wanted = (pictures[n], scores[n], hands[n], images[n])
        for name, text, numbers in zip(furthest, found, wanted, strict=True):
            apart = np.abs(floats(text) - numbers.numpy().ravel()).max()
            furthest[name] = max(furthest[name], float(apart))
    return furthest


@pytest.mark.browser
@pytest.mark.slow
def test_two_hundred_recordings_give_pytorchs_numbers(sheet: Any, writer: Writer, capsys: pytest.CaptureFixture[str]):
    paths = sorted(BUILTIN.glob("*/*.flac"))[::15][:200]
    apart = compare(sheet, writer, [audio.load(path, 8000).samples for path in paths])
    with capsys.disabled():
        print(f"\n{len(paths)} built-in recordings, furthest from PyTorch: {apart}")
    assert len(paths) == 200
    assert max(apart.values()) <= TOLERANCE


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.real
def test_real_recordings_give_pytorchs_numbers(
    sheet: Any, writer: Writer, fetched: Any, capsys: pytest.CaptureFixture[str]
):
    paths = sorted(fetched("fsdd").rglob("*.wav"))[::15][:200]
    apart = compare(sheet, writer, [audio.load(path, 8000).samples for path in paths])
    with capsys.disabled():
        print(f"\n{len(paths)} recordings of FSDD, furthest from PyTorch: {apart}")
    assert len(paths) == 200
    assert max(apart.values()) <= TOLERANCE


@pytest.mark.browser
@pytest.mark.parametrize("with_kernel", [True, False])
def test_odd_recordings_give_pytorchs_numbers(sheet: Any, writer: Writer, with_kernel: bool):
    """Longer than the ear's window, very short, one click, two words with a pause, hum; also without WebAssembly."""
    rng = np.random.default_rng(0)
    word = audio.load(BUILTIN / "07" / "7_07_0.flac", 8000).samples
    click = np.zeros(4000, np.float32)
    click[2000] = 0.5
    clips = [
        rng.normal(0, 0.1, 20_000).astype(np.float32),
        word[1000:1801],
        click,
        np.concatenate([word, np.zeros(3000, np.float32), 0.3 * word]),
        (0.3 * np.sin(np.arange(12_000) * 0.05)).astype(np.float32),
    ]
    assert sheet.evaluate("() => Boolean(window.kept = fast)")
    sheet.evaluate("kernel => { fast = kernel ? kept : null; }", with_kernel)
    apart = compare(sheet, writer, clips)
    sheet.evaluate("() => { fast = kept; }")
    assert max(apart.values()) <= TOLERANCE, apart


@pytest.mark.browser
def test_the_kernel_multiplies_as_numpy_does(sheet: Any):
    """Odd and even numbers of rows; what the kernel does not take is multiplied without it."""
    rng = np.random.default_rng(0)
    for n, m, k in ((1, 4, 4), (2, 8, 12), (7, 16, 144), (3, 11, 20), (5, 12, 25), (1224, 16, 144)):
        a, b = rng.normal(size=(n, k)).astype(np.float32), rng.normal(size=(m, k)).astype(np.float32)
        found = sheet.evaluate(
            """([a, b, n, m, k]) => {
                const weights = { b: { data: floats(b) } }, kept = fast;
                accelerated(module, weights);
                const out = product(floats(a), n, weights.b.data, m, k);
                fast = kept;
                return text(out);
            }""",
            [packed_floats(a), packed_floats(b), n, m, k],
        )
        assert floats(found).reshape(n, m) == pytest.approx(a @ b.T, abs=1e-4)


@pytest.mark.browser
@pytest.mark.parametrize("rate", [48_000, 44_100, 16_000, 11_025, 6_000])
def test_another_sampling_rate_gives_the_same_sound(sheet: Any, rate: int):
    """The page has no soxr: what it makes of a recording's middle band must be nearly the same."""
    spoken = audio.load(BUILTIN / "12" / "2_12_0.flac", 8000).samples
    given = audio.resample(spoken, 8000, rate)
    found = floats(
        sheet.evaluate("([given, rate]) => text(resampled(floats(given), rate, 8000))", [packed_floats(given), rate])
    )
    wanted = audio.resample(given, rate, 8000)
    n = min(len(found), len(wanted))
    assert abs(len(found) - len(wanted)) <= 1
    apart = np.sqrt(np.mean(np.square(found[:n] - wanted[:n])) / np.mean(np.square(wanted[:n])))
    assert apart < 0.02


@pytest.mark.browser
def test_what_is_too_high_does_not_fold_back(sheet: Any):
    tone = np.sin(2 * np.pi * 6000 * np.arange(24_000) / 48_000)
    found = floats(sheet.evaluate("given => text(resampled(floats(given), 48000, 8000))", packed_floats(tone)))
    assert np.abs(found[200:-200]).max() < 1e-3


# ------------------------------------------------------------------------------------------------ as ONNX graphs


def test_graphs_need_packages_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(graphs.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(A2DError, match="onnx and onnxscript cannot be imported"):
        graphs.export(tmp_path)


def test_what_is_exported_is_the_ear_and_the_hands(writer: Writer):
    """The graphs' modules, which need no Fourier transform and no mixture, before anything is exported."""
    samples = torch.randn(3, 8000, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        scores = graphs.EarGraph(writer.ear).eval()(samples)
        style = torch.randn(1, writer.net.style_size, generator=torch.Generator().manual_seed(1))
        image = graphs.HandsGraph(writer.net).eval()(torch.eye(10)[[3]], style)
    assert torch.allclose(scores, writer.ear.scores(samples), atol=TOLERANCE)
    assert torch.allclose(image, writer.net.draw(torch.tensor([3]), style=style), atol=TOLERANCE)


@pytest.mark.slow
def test_two_hundred_recordings_through_onnx_give_pytorchs_numbers(
    tmp_path: Path, writer: Writer, capsys: pytest.CaptureFixture[str]
):
    for name in ("onnx", "onnxscript"):
        pytest.importorskip(name, reason=f"{name} is not here: pip install 'digits-from-sound[onnx]'")
    runtime = pytest.importorskip("onnxruntime")
    hearing, drawing = (runtime.InferenceSession(str(path)) for path in graphs.export(tmp_path))
    paths = sorted(BUILTIN.glob("*/*.flac"))[::15][:200]
    own = [prepare(audio.load(path, 8000), 8000) for path in paths]
    windows = np.stack([window_of(samples, 8000) for samples in own])
    scores = writer.ear.scores(torch.from_numpy(windows))
    digits = scores[:, :10].argmax(1)
    style = torch.randn(len(paths), writer.net.style_size, generator=torch.Generator().manual_seed(0))
    images = writer.net.draw(digits, style=style).numpy()
    apart = {"scores": np.abs(hearing.run(None, {"samples": windows})[0] - scores.numpy()).max(), "drawing": 0.0}
    for n, says in enumerate(np.eye(10, dtype=np.float32)[digits.numpy()]):
        drawn = drawing.run(None, {"says": says[None], "style": style[n : n + 1].numpy()})[0]
        apart["drawing"] = max(apart["drawing"], np.abs(drawn[0] - images[n]).max())
    with capsys.disabled():
        print(f"\n{len(paths)} recordings through ONNX Runtime, furthest from PyTorch: {apart}")
    assert max(apart.values()) <= TOLERANCE


# ------------------------------------------------------------------------------------------------------- the page


PICTURES = """[...document.querySelectorAll("#pictures canvas")].map(
    one => Array.from(one.getContext("2d").getImageData(0, 0, 28, 28).data))"""


def as_images(found: list[list[int]]) -> np.ndarray:
    """What :data:`PICTURES` gives as ``(6, 28, 28)`` in [0, 1]."""
    pixels = np.array(found, np.float32).reshape(6, 28, 28, 4)
    assert (pixels[..., 3] == 255).all()
    return pixels[..., 0] / 255


class Demo:
    """The page in a browser; ``elsewhere``: what it asked of another place than where it came from."""

    def __init__(self, context: Any, address: str):
        self.page = context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.elsewhere: list[str] = []
        self.mistakes: list[str] = []
        own = re.escape(address.rsplit("/", 1)[0])
        self.page.on("request", lambda asked: self._note(asked.url, rf"{own}|data:|blob:"))
        self.page.on("pageerror", lambda error: self.mistakes.append(str(error)))
        self.page.on("console", lambda line: self.mistakes.append(line.text) if line.type == "error" else None)
        self.page.goto(address)
        self.wait("ready")

    def _note(self, url: str, own: str) -> None:
        if not re.match(own, url):
            self.elsewhere.append(url)

    def wait(self, *states: str) -> None:
        self.page.wait_for_selector(",".join(f"body[data-state={state}]" for state in states))

    def status(self) -> str:
        return self.page.inner_text("#status")

    def images(self) -> np.ndarray:
        """The six pictures ``(6, 28, 28)`` as they stand on the page."""
        return as_images(self.page.evaluate(f"() => {PICTURES}"))

    def took(self) -> float:
        """Seconds from the end of the word, or from the press of the button, to the first drawing."""
        self.page.wait_for_function("() => document.getElementById('took').textContent")
        return float(re.search(r"[\d.]+", self.page.inner_text("#took")).group())


@pytest.fixture
def context(chromium: Any) -> Iterator[Any]:
    found = chromium.new_context(permissions=["microphone"], viewport={"width": 1280, "height": 900})
    yield found
    found.close()


@pytest.fixture
def demo(context: Any, folder: Path) -> Demo:
    return Demo(context, (folder / "index.html").as_uri())


@pytest.mark.browser
@pytest.mark.slow
def test_recordings_of_the_page_are_drawn_as_a2d_draws_them(demo: Demo, models: bytes, writer: Writer):
    """From a file, without a server: each sample is heard, and drawn in the same hand as in Python; others follow."""
    drawn = []
    for digit in range(10):
        demo.page.get_by_role("button", name=f"{digit}, the recording of a {WORDS[digit]}").click()
        demo.wait("done")
        assert f"I heard {WORDS[digit]}" in demo.status()
        images = demo.images()
        samples = load_tensors(models)[f"sample.{digit}"] / np.float32(32768)
        wanted = writer.draw_clip(Clip(samples, 8000)).image
        assert np.abs(images[0] - wanted).max() <= 0.5 / 255 + TOLERANCE
        drawn.append(images)
    digits = read(writer.evaluator, torch.from_numpy(np.concatenate(drawn))).digits
    right = digits == np.repeat(np.arange(10), 6)
    assert right.reshape(10, 6)[:, 0].all()
    assert right.mean() >= 0.9
    assert demo.elsewhere == demo.mistakes == []


@pytest.mark.browser
@pytest.mark.slow
def test_ten_digits_said_into_the_microphone(
    demo: Demo, microphone: Path, writer: Writer, capsys: pytest.CaptureFixture[str]
):
    seconds, read_as = [], []
    for digit in range(10):
        spoken(microphone, audio.load(BUILTIN / "07" / f"{digit}_07_1.flac"))
        demo.page.get_by_role("button", name="Say a digit").click()
        demo.wait("done", "refused", "problem")
        assert f"I heard {WORDS[digit]}" in demo.status(), demo.status()
        seconds.append(demo.took())
        read_as.append(int(read(writer.evaluator, torch.from_numpy(demo.images()[:1])).digits[0]))
    with capsys.disabled():
        print(f"\nfrom the end of the word to the drawing: {np.median(seconds):.2f} s, at most {max(seconds):.2f} s")
    assert read_as == list(range(10))
    assert demo.elsewhere == demo.mistakes == []


@pytest.mark.browser
def test_a_real_microphones_silence_noise_and_speech_without_end(demo: Demo, microphone: Path):
    rng = np.random.default_rng(0)
    press = demo.page.get_by_role("button", name="Say a digit")
    soundfile.write(microphone, np.zeros(48_000 * 8), 48_000, subtype="PCM_16")
    press.click()
    demo.wait("problem")
    assert "silent" in demo.status()
    soundfile.write(microphone, rng.normal(0, 0.05, 48_000 * 8), 48_000, subtype="PCM_16")
    press.click()
    demo.wait("refused")
    assert "That was no digit" in demo.status()
    assert demo.page.get_by_role("button", name="Draw it anyway").is_visible()
    spoken(microphone, Clip(0.2 * np.sin(np.arange(48_000 * 30) * 0.05), 48_000))
    press.click()
    demo.wait("listening")
    demo.wait("problem")
    assert "more than 10 seconds" in demo.status()
    assert demo.mistakes == []


@pytest.mark.browser
def test_listening_can_be_stopped(demo: Demo, microphone: Path):
    soundfile.write(microphone, np.zeros(48_000 * 8), 48_000, subtype="PCM_16")
    demo.page.get_by_role("button", name="Say a digit").click()
    demo.page.get_by_role("button", name="Stop").click()
    demo.wait("problem")
    assert demo.page.get_by_role("button", name="Say a digit").is_enabled()


@pytest.mark.browser
def test_a_microphone_that_is_denied(chromium: Any, folder: Path):
    context = chromium.new_context()
    demo = Demo(context, (folder / "index.html").as_uri())
    demo.page.get_by_role("button", name="Say a digit").click()
    demo.wait("problem")
    assert "not allowed" in demo.status()
    demo.page.get_by_role("button", name="3, the recording").click()
    demo.wait("done")
    assert "I heard three" in demo.status()
    context.close()


@pytest.mark.browser
def test_a_browser_whose_sound_never_starts(demo: Demo):
    """As Firefox on a computer without a loudspeaker."""
    demo.page.evaluate("() => { AudioContext.prototype.resume = () => new Promise(() => {}); }")
    demo.page.get_by_role("button", name="Say a digit").click()
    demo.wait("problem")
    assert "connect a loudspeaker" in demo.status()
    assert demo.page.get_by_role("button", name="Say a digit").is_enabled()
    assert demo.mistakes == []


@pytest.mark.browser
def test_files_short_long_and_broken(demo: Demo, tmp_path: Path):
    demo.page.set_input_files("#file", BUILTIN / "12" / "4_12_0.flac")
    demo.wait("done")
    assert "I heard four" in demo.status()
    long = tmp_path / "long.wav"
    soundfile.write(long, np.random.default_rng(0).normal(0, 0.1, 8000 * 30), 8000)
    demo.page.set_input_files("#file", long)
    demo.wait("problem")
    assert "30.0 seconds long" in demo.status()
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"this is no sound")
    demo.page.set_input_files("#file", broken)
    demo.page.wait_for_function("() => document.getElementById('status').textContent.includes('not a sound file')")
    assert demo.mistakes == []


@pytest.mark.browser
def test_keyboard_and_screen_reader(demo: Demo):
    """All is reached and pressed by keys, says what it is, and what is found is told in a live region."""
    page = demo.page
    assert page.get_by_role("status").count() == 1
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.id") == "speak"
    for _ in range(8):
        page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.dataset.sample") == "7"
    page.keyboard.press("Enter")
    demo.wait("done")
    assert page.evaluate("() => document.activeElement.dataset.sample") == "7"
    assert page.get_by_role("img", name="A handwritten seven, in the hand of this voice").is_visible()
    assert page.get_by_role("img", name="A handwritten seven, in another hand").count() == 5
    assert page.get_by_role("row", name=re.compile("^seven .*%$")).count() == 1
    before = demo.images()
    page.get_by_role("button", name="Other hands").press("Space")
    page.wait_for_function("() => document.getElementById('status').textContent.includes('other hands')")
    demo.wait("done")
    after = demo.images()
    assert np.array_equal(before[0], after[0])
    assert not any(np.array_equal(a, b) for a, b in zip(before[1:], after[1:], strict=True))
    page.get_by_role("button", name="Noise").press("Enter")
    demo.wait("refused")
    page.get_by_role("button", name="Draw it anyway").press("Enter")
    demo.wait("done")
    assert demo.images()[0].max() > 0.5
    assert demo.mistakes == []


@pytest.mark.browser
def test_light_and_dark_phone_and_desktop(context: Any, folder: Path):
    """Nothing is wider than the screen; buttons are large enough to be hit; photographs are kept to be looked at."""
    demo = Demo(context, (folder / "index.html").as_uri())
    demo.page.get_by_role("button", name="7, the recording").click()
    demo.wait("done")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for name, width in (("phone", 360), ("desktop", 1280)):
        demo.page.set_viewport_size({"width": width, "height": 800})
        assert demo.page.evaluate("() => document.documentElement.scrollWidth") <= width
        sizes = demo.page.evaluate(
            """() => [...document.querySelectorAll("button:not([hidden])")].map(
                one => one.getBoundingClientRect().height)"""
        )
        assert min(sizes) >= 44
        for scheme in ("light", "dark"):
            demo.page.emulate_media(color_scheme=scheme)
            demo.page.screenshot(path=SCREENSHOTS / f"demo-{name}-{scheme}.png", full_page=True)


@pytest.mark.browser
def test_from_a_plain_server_and_without_it_once_loaded(context: Any, folder: Path):
    """It works on after the server has gone, and opens again without it; nothing else is asked of anybody."""
    with served(folder) as address:
        demo = Demo(context, f"{address}/")
        demo.page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    demo.page.get_by_role("button", name="5, the recording").click()
    demo.wait("done")
    demo.page.reload()
    demo.wait("ready")
    demo.page.get_by_role("button", name="2, the recording").click()
    demo.wait("done")
    assert "I heard two" in demo.status()
    assert demo.elsewhere == []


@pytest.mark.browser
def test_the_pages_policy_lets_nothing_out(demo: Demo):
    """Even a script of the page's own could send nothing anywhere."""
    sent = demo.page.evaluate("() => fetch('http://127.0.0.1:9/').then(() => 'sent', error => String(error))")
    assert "TypeError" in sent
    assert any("Content Security Policy" in line for line in demo.mistakes)


def test_the_configuration_is_the_models(models: bytes, writer: Writer):
    length = int.from_bytes(models[:8], "little")
    config = json.loads(json.loads(models[8 : 8 + length])["__metadata__"]["config"])
    assert config["hands"]["steps"] == writer.net.config.steps
    assert config["max_seconds"] == audio.MAX_SECONDS
    assert config["limit"] == pytest.approx(float(writer.ear.limit))


@pytest.mark.browser
def test_firefox_draws_the_same_and_without_the_server(fox: Any, folder: Path, models: bytes, writer: Writer):
    with served(folder) as address:
        fox.open(f"{address}/index.html")
        fox.wait("document.body.dataset.state === 'ready'")
        for digit, word in enumerate(WORDS):
            fox.evaluate(f"document.querySelector('[data-sample=\"{digit}\"]').click()")
            fox.wait("document.body.dataset.state === 'done'")
            assert fox.evaluate("document.getElementById('status').textContent").startswith(f"I heard {word},")
            wanted = writer.draw_clip(Clip(load_tensors(models)[f"sample.{digit}"] / np.float32(32768), 8000)).image
            assert np.abs(as_images(fox.evaluate(PICTURES))[0] - wanted).max() <= 0.5 / 255 + TOLERANCE
        fox.screenshot(SCREENSHOTS / "demo-firefox.png")
    fox.open(f"{address}/index.html")
    fox.wait("document.body.dataset.state === 'ready'")
    assert [url for url in fox.requests if not url.startswith((address, "data:", "blob:"))] == fox.mistakes == []
