"""The widgets without a browser: their plain functions, what they answer, and what a notebook keeps of them."""

from __future__ import annotations

import base64
import io
import subprocess
import sys
import wave

import nbformat
import numpy as np
import pytest
from PIL import Image

from a2d import audio, datasets, features, pairing, vae, widgets
from a2d.errors import A2DError, CourseError, DataError, RecipeError
from a2d.figures import Picture
from teach.lectures import build, run

torch = pytest.importorskip("torch")
VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def clips() -> dict[str, audio.Clip]:
    spoken = datasets.load_spoken("builtin")
    chosen = [next(r for r in spoken.recordings if r.digit == digit) for digit in (7, 1)]
    return {f"{r.digit}, speaker {r.speaker}": audio.load(r.path) for r in chosen}


@pytest.fixture(scope="module")
def images() -> datasets.Images:
    return datasets.load_images("builtin", "test")


def model(beta: float, latent: int = 2, seed: int = 0) -> widgets.BetaModel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = vae.ImageVAE(vae.ImageVaeConfig(latent=latent, channels=4, hidden=8))
    return widgets.BetaModel(beta, net.encode, net.decode)


def blobs(z: torch.Tensor) -> torch.Tensor:
    """A decoder whose pictures are known: a spot whose place is z[0], z[1], and whose size z[2], if there is one."""
    rows, columns = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
    x, y = 13.5 + 3 * z[:, 0, None, None], 13.5 - 3 * z[:, 1, None, None]
    size = 6.0 if z.shape[1] < 3 else 6.0 * torch.exp(0.2 * z[:, 2, None, None])
    return torch.exp(-((columns - x) ** 2 + (rows - y) ** 2) / size)


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def texts(figure) -> str:
    """Everything that is written in a figure."""
    import matplotlib.text

    return "\n".join(t.get_text() for t in figure.findobj(matplotlib.text.Text))


def moved(widget, **places: int) -> None:
    """What the browser does when a control is moved."""
    widget.set_state({"places": {**widget.places, **places}})


def pressed(widget, name: str) -> None:
    widget._handle_custom_msg({"press": name}, [])


# ----------------------------------------------------------------------------------------------------------- importing


def test_importing_is_light_and_needs_no_front_end():
    code = (
        "import sys; sys.modules['anywidget'] = None\n"
        "from a2d import widgets, audio\nfrom a2d.errors import A2DError\nimport numpy as np\n"
        "heavy = {'torch', 'matplotlib', 'ipywidgets', 'IPython', 'PIL'} & set(sys.modules)\nassert not heavy, heavy\n"
        "clip = audio.Clip(np.sin(np.arange(4000.0)), 8000)\nwidgets.mfcc_view(clip.samples, clip.rate)\n"
        "try:\n    widgets.mfcc_explorer({'a': clip})\n"
        "except A2DError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "anywidget is not installed" in done.stdout
    assert "pip install" in done.stdout


# ---------------------------------------------------------------------------------------------- what a notebook keeps


def every_widget(clips, images, folder):
    return {
        "mfcc_explorer": widgets.mfcc_explorer(clips),
        "latent_walker": widgets.latent_walker(blobs, 3),
        "beta_slider": widgets.beta_slider([model(1), model(4)], images.pixels[:20]),
        "target_trick": widgets.target_trick(images.pixels, images.labels),
        "frontier_knob": widgets.frontier_knob({"a": ([0.5], [0.9]), "b": ([0.8], [0.8])}, ["a", "b"]),
        "hand_chooser": widgets.hand_chooser(lambda digits, hands: blobs(hands), 3),
        "annotator": widgets.annotator(images.pixels[:5], folder / "a.jsonl", annotator="ada"),
    }


def test_each_widget_is_one_output_with_its_picture_and_its_text(clips, images, tmp_path):
    for name, widget in every_widget(clips, images, tmp_path).items():
        data, about = widget._repr_mimebundle_()
        assert data[VIEW]["model_id"] == widget.model_id, name
        assert data["text/plain"] == widget.text == about["image/png"]["alt"] == widget.picture.text
        assert isinstance(widget.picture, Picture)
        shown = pixels(base64.b64decode(data["image/png"]))
        assert np.array_equal(shown, pixels(widget.picture.png())), name


def test_the_same_widget_stores_the_same_bytes(clips, images, tmp_path):
    first = every_widget(clips, images, tmp_path / "1")
    second = every_widget(clips, images, tmp_path / "2")
    for name in first:
        a, b = (w[name]._repr_mimebundle_()[0]["image/png"] for w in (first, second))
        assert a == b, name


def test_the_scripts_load_nothing_from_elsewhere():
    from a2d.widgets import panel

    for path in sorted([*panel.HERE.glob("*.js"), *panel.HERE.glob("*.css")]):
        text = path.read_text(encoding="utf-8")
        assert "http" not in text, path.name
        assert "import " not in text, path.name
        assert len(text.splitlines()) < 200, path.name


def outputs_of(*, png: bool) -> list:
    data = {VIEW: {"model_id": "m"}, "text/plain": "A finding."}
    about = {}
    if png:
        buffer = io.BytesIO()
        Image.new("L", (4, 4), 128).save(buffer, format="PNG")
        data["image/png"], about["image/png"] = base64.b64encode(buffer.getvalue()).decode(), {"alt": "A finding."}
    return [nbformat.v4.new_output("display_data", data=data, metadata=about)]


def test_a_solution_keeps_the_picture_of_a_widget_and_drops_one_without():
    [kept] = build.normalise(outputs_of(png=True), "x")
    assert set(kept.data) == {"image/png", "text/plain"}
    assert kept.metadata["image/png"]["alt"] == "A finding."
    assert build.normalise(outputs_of(png=False), "x") == []


def test_a_path_in_a_widgets_text_is_still_found(tmp_path):
    from pathlib import Path

    outputs = outputs_of(png=True)
    outputs[0].data["text/plain"] = f"{Path.home()}/secret"
    with pytest.raises(CourseError, match="path of this computer"):
        build.normalise(outputs, "x")


def test_the_page_of_a_notebook_shows_the_picture_and_needs_no_script_of_widgets():
    cell = nbformat.v4.new_code_cell("w", outputs=outputs_of(png=True), execution_count=1)
    notebook = nbformat.v4.new_notebook(cells=[cell])
    state = {"m": {"model_name": "M", "model_module": "x", "model_module_version": "1", "state": {}}}
    notebook.metadata["widgets"] = {
        "application/vnd.jupyter.widget-state+json": {"version_major": 2, "version_minor": 0, "state": state}
    }
    page = run.to_html(notebook, "t")
    assert cell.outputs[0].data["image/png"] in page.replace("\n", "")
    assert 'alt="A finding."' in page
    assert "widget-view+json" not in page
    assert "html-manager" not in page
    assert VIEW in cell.outputs[0].data, "the notebook itself stays as it is"


@pytest.mark.slow
def test_a_notebook_with_widgets_runs_without_a_browser(tmp_path):
    """nbclient and papermill, then nbval: the widgets' outputs are there, and comparing them is no trouble."""
    source = (
        "from a2d import audio, datasets, widgets\nfrom a2d.lab import show\n"
        "r = datasets.load_spoken('builtin').recordings[0]\n"
        "widget = widgets.mfcc_explorer({'one': audio.load(r.path)})\nshow(widget)"
    )
    cells = [nbformat.v4.new_code_cell("FAST = True", metadata={"tags": ["parameters"]})]
    cells += [nbformat.v4.new_code_cell(source), nbformat.v4.new_code_cell("print(widget.text)")]
    cells[-1].metadata["tags"] = ["nbval-check-output"]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), tmp_path / "w.ipynb")
    done = run.run_notebook(tmp_path / "w.ipynb", tmp_path / "out", {"FAST": False}, progress=False)
    assert done.failure == ""
    ran = nbformat.read(tmp_path / "out" / "w.ipynb", as_version=4)
    [output] = [o for c in ran.cells for o in c.get("outputs", []) if "image/png" in o.get("data", {})]
    assert output.metadata["image/png"]["alt"] == output.data["text/plain"]
    printed = "".join(o.text for c in ran.cells for o in c.get("outputs", []) if o.output_type == "stream")
    assert output.data["text/plain"] in " ".join(printed.split())
    assert output.data["image/png"][:1000] in done.page.read_text(encoding="utf-8").replace("\n", "")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval-lax", "w.ipynb"]
    compared = subprocess.run(command, cwd=tmp_path / "out", capture_output=True, text=True, timeout=300, check=False)
    assert compared.returncode == 0, compared.stdout[-3000:]


# ------------------------------------------------------------------------------------------------------ MFCC explorer


def test_the_explorer_computes_what_the_package_computes(clips):
    clip = next(iter(clips.values()))
    picture = widgets.mfcc_view(clip.samples, clip.rate, 256, 64, 32, 13)
    config = features.MfccConfig(sample_rate=clip.rate, n_fft=256, hop_length=64, n_mels=32, n_mfcc=13)
    want = features.mfcc(clip.samples, config)
    maps = [image.get_array() for axes in picture.figure.axes for image in axes.get_images()]
    np.testing.assert_allclose(maps[0], features.log_mel(clip.samples, config).T)
    np.testing.assert_allclose(maps[1], want.T)
    assert f"{len(want)} frames" in picture.text
    assert "32 mel bands" in picture.text
    assert f"The mean of coefficient 0 is {want[:, 0].mean():.1f}" in picture.text
    big = 1 + np.abs(want.mean(0)[1:]).argmax()
    assert f"number {big} with {want.mean(0)[big]:.1f}" in picture.text


def test_bands_that_hear_nothing_are_told():
    samples = np.sin(np.arange(8000.0))
    bank = features.mel_filterbank(features.MfccConfig(sample_rate=22050, n_fft=128, n_mels=64, hop_length=64))
    empty = int((bank.sum(axis=1) == 0).sum())
    assert empty > 1
    assert f"{empty} of the bands are narrower" in widgets.mfcc_view(samples, 22050, 128, 64, 64, 13).text
    assert "hear nothing" not in widgets.mfcc_view(samples, 22050, 1024, 64, 24, 13).text


def test_frequencies_stand_where_their_bands_are(clips):
    clip = next(iter(clips.values()))
    picture = widgets.mfcc_view(clip.samples, clip.rate)
    axes = next(axes for axes in picture.figure.axes if axes.get_ylabel() == "frequency (Hz)")
    ticks = {label.get_text(): place for place, label in zip(axes.get_yticks(), axes.get_yticklabels(), strict=True)}
    config = features.MfccConfig(sample_rate=clip.rate)
    bins = np.fft.rfftfreq(config.n_fft, 1 / clip.rate)
    tops = bins[features.mel_filterbank(config).argmax(axis=1)]
    for hz, place in ticks.items():
        below, above = int(np.floor(place)), int(np.ceil(place))
        spacing = clip.rate / config.n_fft
        assert tops[below] - spacing <= float(hz) <= tops[above] + spacing


@pytest.mark.parametrize(
    ("settings", "error", "word"),
    [
        ({"n_fft": 128, "hop_length": 256}, RecipeError, "hop_length"),
        ({"n_mels": 64, "n_mfcc": 65}, RecipeError, "n_mfcc"),
        ({"n_fft": 64, "hop_length": 32, "n_mels": 64}, RecipeError, "n_mels"),
        ({"n_fft": 0}, DataError, "n_fft"),
        ({"n_fft": True}, DataError, "n_fft"),
        ({"n_mels": 2.5}, DataError, "n_mels"),
        ({"rate": -8000}, DataError, "rate"),
        ({"samples": np.zeros((2, 3))}, DataError, "samples"),
        ({"samples": ["a", "b"]}, DataError, "samples"),
        ({"samples": [0.0, float("nan")]}, DataError, "samples"),
        ({"samples": np.zeros(480_000), "hop_length": 1}, DataError, "too much"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, error, word):
    arguments = {"samples": np.sin(np.arange(4000.0)), "rate": 8000, **settings}
    with pytest.raises(error, match=word):
        widgets.mfcc_view(**arguments)


def test_silence_can_be_drawn():
    assert widgets.mfcc_view(np.zeros(4000), 8000).png()[:4] == b"\x89PNG"


def test_the_explorer_answers_and_says_what_does_not_go_together(clips):
    widget = widgets.mfcc_explorer(clips)
    names = {control["name"]: control for control in widget.controls}
    before, sound = widget.image, widget.audio
    assert names["n_fft"]["stops"][widget.places["n_fft"]] == "512"
    moved(widget, n_fft=names["n_fft"]["stops"].index("1024"))
    assert "each sees 128.0 ms" in widget.text == widget.alt
    assert widget.image != before
    assert widget.audio == sound
    before = widget.image
    moved(widget, n_fft=names["n_fft"]["stops"].index("64"))
    assert "hop_length" in widget.problem
    assert "Traceback" not in widget.problem
    assert widget.image == before, "the last picture stays"
    moved(widget, n_fft=names["n_fft"]["stops"].index("512"), clip=1)
    assert widget.problem == ""
    assert widget.audio != sound
    assert widget.audio_label.endswith(names["clip"]["stops"][1])


def test_the_sound_is_the_recording(clips):
    clip = next(iter(clips.values()))
    with wave.open(io.BytesIO(widgets.mfcc_explorer(clips).audio)) as file:
        assert (file.getframerate(), file.getnframes(), file.getnchannels()) == (clip.rate, len(clip.samples), 1)
        heard = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert np.corrcoef(heard, clip.samples)[0, 1] > 0.9999
    assert abs(heard).max() > 29_000


@pytest.mark.parametrize("clips", [{}, [], {"a": 3}, None])
def test_clips_that_are_none_are_refused(clips):
    with pytest.raises(DataError, match="clips"):
        widgets.mfcc_explorer(clips)


# ------------------------------------------------------------------------------------------------------ latent walker


def test_the_walk_shows_the_picture_and_its_place():
    z = np.array([1.5, -2.0, 0.4])
    picture = widgets.walk_view(blobs, z, (0, 1), span=3, steps=5)
    left, plane = picture.figure.axes
    want = blobs(torch.tensor(z[None], dtype=torch.float32))[0]
    np.testing.assert_allclose(left.get_images()[0].get_array(), want, atol=1e-6)
    sheet = plane.get_images()[0].get_array()
    # The tile at z[0] = 3 (last column) and z[1] = -3 (last row), with the third latent where it was.
    corner = blobs(torch.tensor([[3.0, -3.0, 0.4]]))[0]
    np.testing.assert_allclose(sheet[-28:, -28:], corner, atol=1e-6)
    assert plane.get_images()[0].get_extent() == [-3.75, 3.75, -3.75, 3.75]
    assert [float(v[0]) for v in plane.lines[-1].get_data()] == [1.5, -2.0]
    here, middle = want, blobs(torch.tensor([[0.0, 0.0, 0.4]]))[0]
    assert f"by {float(((here - middle) ** 2).mean() ** 0.5):.2f} per pixel" in picture.text
    assert "z[0] = 1.5 and z[1] = -2.0" in picture.text
    assert "(the other latent of 3 stays" in picture.text


def test_an_evaluator_is_told_of():
    seen = []

    def read(images: np.ndarray) -> np.ndarray:
        seen.append(images.shape)
        return np.array([4])

    assert "An evaluator reads 4 in it." in widgets.walk_view(blobs, [0.0, 0.0], read=read).text
    assert seen == [(1, 28, 28)]


def test_the_walker_moves_the_latents_that_were_chosen():
    widget = widgets.latent_walker(blobs, 3, (0, 1))
    stops = {control["name"]: control["stops"] for control in widget.controls}
    moved(widget, value0=stops["value0"].index("3.0"), value1=stops["value1"].index("-3.0"))
    assert "z[0] = 3.0 and z[1] = -3.0" in widget.text
    shown = widget.picture.figure.axes[0].get_images()[0].get_array()
    np.testing.assert_allclose(shown, blobs(torch.tensor([[3.0, -3.0, 0.0]]))[0], atol=1e-6)
    moved(widget, axis0=2)
    assert "z[2] = 3.0 and z[1] = -3.0" in widget.text
    shown = widget.picture.figure.axes[0].get_images()[0].get_array()
    np.testing.assert_allclose(shown, blobs(torch.tensor([[0.0, -3.0, 3.0]]))[0], atol=1e-6)
    moved(widget, axis0=1)
    assert "not different" in widget.problem


def test_all_latents_can_have_a_slider():
    widget = widgets.latent_walker(blobs, 3, (0, 1, 2))
    assert [control["kind"] for control in widget.controls] == ["slider"] * 3
    stops = widget.controls[2]["stops"]
    moved(widget, value2=stops.index("2.0"))
    shown = widget.picture.figure.axes[0].get_images()[0].get_array()
    np.testing.assert_allclose(shown, blobs(torch.tensor([[0.0, 0.0, 2.0]]))[0], atol=1e-6)


def test_without_a_choice_the_strongest_latents_are_moved():
    def decode(z):
        return blobs(torch.stack([z[:, 3], z[:, 1]], 1))

    assert set(widgets.strongest(decode, np.zeros(5))) == {1, 3}
    widget = widgets.latent_walker(decode, 5)
    assert [widget.places["axis0"], widget.places["axis1"]] == [1, 3]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"decode": lambda z: z}, "decode"),
        ({"decode": lambda z: 1 / 0}, "division by zero"),
        ({"decode": lambda z: 3 * blobs(z)}, "values must lie in"),
        ({"decode": 7}, "decode"),
        ({"z": [0.0]}, "axes"),
        ({"z": [[0.0, 1.0]]}, "z"),
        ({"z": [0.0, float("inf")]}, "z"),
        ({"axes": (0, 0)}, "different"),
        ({"axes": (0, 2)}, "axes"),
        ({"axes": 1}, "axes"),
        ({"span": 0}, "span"),
        ({"steps": 1}, "steps"),
    ],
)
def test_walks_that_make_no_sense_are_refused(arguments, word):
    with pytest.raises(DataError, match=word):
        widgets.walk_view(**{"decode": blobs, "z": [0.0, 0.0], **arguments})


@pytest.mark.parametrize("arguments", [{"dims": 1}, {"dims": "2"}, {"axes": (0,)}, {"axes": (0, 9)}])
def test_walkers_that_make_no_sense_are_refused(arguments):
    with pytest.raises(DataError):
        widgets.latent_walker(blobs, **{"dims": 2, **arguments})


# -------------------------------------------------------------------------------------------------------- beta slider


def test_the_numbers_of_a_model_are_those_of_the_elbo(images):
    chosen = images.pixels[:50]
    rows = widgets.beta_numbers([model(2, seed=1), model(0.5, seed=2)], chosen, seed=3)
    assert [row.beta for row in rows] == [0.5, 2]
    target = torch.tensor(chosen / 255)
    for row, seed in zip(rows, (2, 1), strict=True):
        net = model(1, seed=seed)
        with torch.no_grad():
            mu, logvar = (part.double() for part in net.encode(target.float()))
            z = vae.reparameterise(mu, logvar, torch.Generator().manual_seed(3))
            p = net.decode(z.float()).double()
        cost = -(target * p.log() + (1 - target) * (1 - p).log()).sum((1, 2)).mean()
        assert row.reconstruction == pytest.approx(float(cost), rel=1e-5)
        kl = torch.distributions.kl_divergence(
            torch.distributions.Normal(mu, (logvar / 2).exp()), torch.distributions.Normal(0.0, 1.0)
        )
        assert row.kl == pytest.approx(float(kl.sum(1).mean()), rel=1e-9)
        assert row.latent == 2


def test_active_latents_are_counted(images):
    def encode(pixels):
        x = pixels.mean((1, 2))
        return torch.stack([20 * x, torch.zeros_like(x), 0.01 * x], 1), torch.zeros(len(x), 3)

    one = widgets.BetaModel(1, encode, lambda z: torch.full((len(z), 28, 28), 0.5))
    other = widgets.BetaModel(2, encode, one.decode)
    rows = widgets.beta_numbers([one, other], images.pixels[:100])
    assert [row.active for row in rows] == [1, 1]
    assert rows[0].reconstruction == pytest.approx(784 * np.log(2), rel=1e-6)


def test_the_slider_shows_the_chosen_model(images):
    models = [model(b, seed=int(b)) for b in (1, 4, 16)]
    widget = widgets.beta_slider(models, images.pixels[:30], shown=4)
    assert widget.controls[0]["stops"] == ["1", "4", "16"]
    assert "With beta = 4 " in widget.text
    moved(widget, beta=2)
    row = widgets.beta_numbers(models, images.pixels[:30])[2]
    assert f"costs {row.reconstruction:.1f} and the latent {row.kl:.1f} nats" in widget.text
    strips = [axes.get_images()[0].get_array() for axes in widget.picture.figure.axes[:3]]
    target = torch.tensor(images.pixels[:4] / 255).float()
    with torch.no_grad():
        again = models[2].decode(models[2].encode(target)[0])
    np.testing.assert_allclose(strips[0].reshape(28, 4, 30)[:, :, 1:29], target.permute(1, 0, 2), atol=1e-6)
    np.testing.assert_allclose(strips[1].reshape(28, 4, 30)[:, :, 1:29], again.permute(1, 0, 2), atol=1e-5)
    assert "β = 16" in texts(widget.picture.figure)


@pytest.mark.parametrize(
    ("models", "beta", "word"),
    [
        ([], 1, "at least two"),
        (3, 1, "at least two"),
        ([model(1), "b"], 1, "at least two"),
        ([model(1), model(1)], 1, "different betas"),
        ({1: model(1), 3: model(2)}, 1, "at least two"),
        ([model(1), model(2)], 3, "Use one of 1, 2"),
        ([model(1), widgets.BetaModel(2, lambda x: x, blobs)], 1, "encode of beta = 2"),
        ([model(1), widgets.BetaModel(2, model(2).encode, lambda z: z)], 1, "decode"),
    ],
)
def test_models_that_make_no_sense_are_refused(images, models, beta, word):
    for make in (widgets.beta_view, lambda m, b, i: widgets.beta_slider(m, i, beta=b)):
        with pytest.raises(DataError, match=word):
            make(models, beta, images.pixels[:5])


@pytest.mark.parametrize("wrong", [np.zeros((3, 28)), np.zeros((0, 28, 28)), np.full((1, 28, 28), 2.0), "x"])
def test_images_that_are_none_are_refused(wrong):
    with pytest.raises(DataError, match="images"):
        widgets.beta_view([model(1), model(2)], 1, wrong)


# ------------------------------------------------------------------------------------------------------- target trick


def test_the_targets_are_those_of_the_report_and_their_mean_approaches_the_class_mean(images):
    n, digit = 700, 8
    picture = widgets.targets_view(images.pixels, images.labels, digit, n, seed=4)
    generator = torch.Generator().manual_seed(4)
    rule = pairing.Targets(images.pixels, images.labels)
    drawn = torch.cat([rule.random(torch.full((256,), digit), generator) for _ in range(3)])[:n].double().numpy()
    own = images.pixels[images.labels == digit] / 255
    last, running, mean = (axes.get_images()[0].get_array() for axes in picture.figure.axes[:3])
    np.testing.assert_allclose(last, drawn[-1])
    np.testing.assert_allclose(running, drawn.mean(0), atol=1e-12)
    np.testing.assert_allclose(mean, own.mean(0))
    distance = np.sqrt(np.square(drawn.mean(0) - own.mean(0)).mean())
    assert f"After 700 random targets of that class their mean is {distance:.3f} per pixel away" in picture.text


def test_the_first_targets_do_not_depend_on_how_many_follow(images):
    def curve(n: int) -> np.ndarray:
        axes = widgets.targets_view(images.pixels, images.labels, 3, n, seed=1).figure.axes[3]
        return axes.lines[1].get_ydata()

    np.testing.assert_array_equal(curve(10), curve(300)[:10])


def test_the_distance_falls_like_one_over_the_square_root(images):
    """Averaged over seeds: the squared distance of n targets' mean is the variance of one target divided by n."""
    own = images.pixels[images.labels == 5] / 255
    variance = own.var(axis=0).mean()
    curves = []
    for seed in range(60):
        axes = widgets.targets_view(images.pixels, images.labels, 5, 64, seed=seed).figure.axes[3]
        curves.append(axes.lines[1].get_ydata())
    squared = np.square(curves).mean(axis=0)
    for n in (1, 4, 16, 64):
        assert squared[n - 1] == pytest.approx(variance / n, rel=0.2)


def test_the_trick_draws_and_begins_again(images, clips):
    spoken = {7: next(iter(clips.values()))}
    widget = widgets.target_trick(images.pixels, images.labels, digit=7, clips=spoken)
    assert "After 1 random target of" in widget.text
    assert widget.audio
    pressed(widget, "draw")
    pressed(widget, "draw10")
    pressed(widget, "draw100")
    assert "After 112 random targets" in widget.text
    pressed(widget, "nothing")
    assert "After 112 random targets" in widget.text
    pressed(widget, "restart")
    assert "After 1 random target of" in widget.text
    moved(widget, digit=3)
    assert "Spoken is 3" in widget.text
    assert widget.audio == b""
    moved(widget, draw100=1000)
    assert "are enough" in widget.problem


@pytest.mark.parametrize(
    "arguments",
    [{"digit": 10}, {"n": 0}, {"n": 5001}, {"labels": np.zeros(3)}, {"images": np.zeros((2, 28, 28))}, {"seed": -1}],
)
def test_targets_that_make_no_sense_are_refused(images, arguments):
    with pytest.raises(DataError):
        widgets.targets_view(**{"images": images.pixels, "labels": images.labels, "digit": 1, **arguments})


def test_a_class_without_images_is_refused(images):
    some = images.labels != 6
    with pytest.raises(DataError, match="no image of class 6"):
        widgets.targets_view(images.pixels[some], images.labels[some], 6)
    widget = widgets.target_trick(images.pixels[some], images.labels[some], digit=7)
    assert "6" not in widget.controls[0]["stops"]
    with pytest.raises(DataError, match="no image of class 6"):
        widgets.target_trick(images.pixels[some], images.labels[some], digit=6)


# ----------------------------------------------------------------------------------------------- what may go wrong


@pytest.mark.parametrize("places", [{"n_fft": 99}, {"n_fft": -1}, {"n_fft": "2"}, {"n_fft": None}, {"n_fft": 1.5}])
def test_places_that_do_not_exist_are_told(clips, places):
    widget = widgets.mfcc_explorer(clips)
    before = widget.image
    moved(widget, **places)
    assert "n_fft" in widget.problem or "whole number" in widget.problem
    assert widget.image == before


def test_whatever_breaks_while_drawing_is_told_without_a_traceback():
    calls = []

    def decode(z):
        calls.append(1)
        if len(calls) > 4:
            raise RuntimeError("out of luck")
        return blobs(z)

    widget = widgets.latent_walker(decode, 2, (0, 1))
    calls.extend([1] * 9)
    moved(widget, value0=0)
    assert "out of luck" in widget.problem
    assert "Traceback" not in widget.problem

    panel = sys.modules["a2d.widgets.panel"]
    control = panel.Control("slider", "a", "a", ("0", "1"))
    other = panel.Panel("x", [control], lambda p: widget.picture if not p["a"] else 1 / 0)
    moved(other, a=1)
    assert "ZeroDivisionError" in other.problem


def test_errors_are_of_the_projects_kind():
    assert issubclass(DataError, A2DError)
