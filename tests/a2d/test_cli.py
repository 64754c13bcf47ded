"""The command line: what it prints, what it writes, and that it is quick to say how it is used."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import badfiles as make
import numpy as np
import pytest
from click.testing import CliRunner, Result
from conftest import ROOT
from PIL import Image

import a2d
from a2d import draw
from a2d.cli import main
from a2d.io import pictures
from a2d.lab import models as lab_models
from a2d.lab.kinds.spoken import part_to_test

COMMANDS = {
    "app": "a2d app",
    "draw": "a2d draw seven.wav",
    "data fetch": "a2d data fetch fsdd",
    "data check": "a2d data check",
    "data list": "a2d data list",
    "train": "a2d train report --data builtin --out runs/first",
    "evaluate": "a2d evaluate runs/first --data builtin",
}


def run(*arguments: object) -> Result:
    """Run the command line in this process."""
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    return result


def fine(*arguments: object) -> list[str]:
    """Run a command that must work and say nothing on stderr; its lines."""
    result = run(*arguments)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return result.stdout.splitlines()


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    return make.save_models(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def options(models) -> tuple[str, ...]:
    return "--model", str(models / "generator"), "--evaluator", str(models / "evaluator")


@pytest.fixture
def recordings(tmp_path) -> list[Path]:
    """Three recordings whose names are not in alphabetical order."""
    paths = [tmp_path / f"{name}.wav" for name in ("seven", "one", "two")]
    for number, path in enumerate(paths):
        path.write_bytes(make.encode(make.tone(0.3 + 0.1 * number)))
    return paths


# --- help ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(command):
    for flag in ("--help", "-h"):
        text = "\n".join(fine(*command.split(), flag))
        assert text.startswith("Usage: ")
        examples = text.partition("Example")[2].splitlines()
        assert any(line.strip().startswith(COMMANDS[command]) for line in examples), text
        assert max(map(len, text.splitlines())) <= 100


def test_help_lists_every_command():
    text = "\n".join(fine("--help"))
    assert [line.split()[0] for line in text.partition("Commands:\n")[2].splitlines()] == [
        "app",
        "data",
        "draw",
        "evaluate",
        "train",
    ]
    assert [line.split()[0] for line in fine("data", "--help")[-3:]] == ["check", "fetch", "list"]


def test_version():
    assert fine("--version") == [f"a2d, version {a2d.__version__}"]


def test_help_is_quick_because_it_imports_nothing_heavy():
    code = """
import sys
from a2d.cli import main
for arguments in (["--help"], ["--version"], *([*c.split(), "--help"] for c in sys.argv[1:])):
    try:
        main(arguments)
    except SystemExit as end:
        assert end.code == 0
heavy = {"torch", "numpy", "soundfile", "soxr", "sklearn", "matplotlib", "PIL", "requests", "safetensors"}
print("IMPORTED", sorted(heavy & set(sys.modules)))
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code, *COMMANDS], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "IMPORTED []"


def test_commands_that_need_no_torch_import_none(tmp_path):
    folder = make.corpus(tmp_path / "sounds", ["01"])
    code = """
import sys
from a2d.cli import main
for arguments in (["data", "list"], ["data", "check", sys.argv[1]], ["train", "raport", "--data", "x", "--out", "y"]):
    try:
        main(arguments)
    except SystemExit as end:
        print("CODE", end.code)
    if "list" in arguments or "check" in arguments:
        assert "torch" not in sys.modules, arguments
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "A2D_DATA": str(tmp_path / "home")}
    done = subprocess.run([sys.executable, "-c", code, folder], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert re.findall(r"CODE (\d)", done.stdout) == ["0", "0", "2"]


# --- draw ----------------------------------------------------------------------------------------------


def test_draw_prints_a_line_per_file_in_their_order(recordings, tmp_path, options):
    out = tmp_path / "out"
    lines = fine("draw", *options, "--out", out, *recordings)
    for path, line in zip(recordings, lines[:-1], strict=True):
        pattern = rf"{re.escape(str(path))} -> {re.escape(str(out / path.stem))}\.png: reads \d \(\d+\.\d % sure\)"
        assert re.fullmatch(pattern, line)
    assert lines[-1] == f"3 of 3 drawn. Contact sheet: {out / 'contact-sheet.png'}"
    assert sorted(p.name for p in out.iterdir()) == ["contact-sheet.png", "one.png", "seven.png", "two.png"]


def test_draw_writes_pictures_of_280_pixels(recordings, tmp_path, options, models):
    out = tmp_path / "out"
    fine("draw", *options, "--out", out, recordings[0])
    picture = Image.open(out / "seven.png")
    assert (picture.format, picture.size, picture.mode) == ("PNG", (280, 280), "L")
    pixels = np.asarray(picture)
    small = pixels[::10, ::10]
    assert np.array_equal(pixels, small.repeat(10, 0).repeat(10, 1))
    drawn = draw.Artist(models / "generator", models / "evaluator").draw_file(recordings[0])
    assert np.abs(small / 255 - drawn.image).max() <= 0.5 / 255 + 1e-6
    assert 0 <= drawn.digit <= 9
    assert 0.1 <= drawn.confidence <= 1


def test_draw_makes_several_pictures_of_one_recording(recordings, tmp_path, options):
    out = tmp_path / "out"
    lines = fine("draw", *options, "--out", out, "--n", 3, *recordings[:2])
    assert lines[-1].startswith("2 of 2 drawn.")
    made = [out / f"{name}-{k}.png" for name in ("seven", "one") for k in (1, 2, 3)]
    assert sorted(out.iterdir()) == sorted([*made, out / "contact-sheet.png"])
    assert len({path.read_bytes() for path in made[:3]}) == 3
    assert Image.open(out / "contact-sheet.png").size[0] == 12 + 6 * 152
    # The first is what is drawn without asking for more; the others are of the seeds that follow.
    fine("draw", *options, "--out", tmp_path / "one", recordings[0])
    assert (tmp_path / "one" / "seven.png").read_bytes() == made[0].read_bytes()
    fine("draw", *options, "--out", tmp_path / "two", "--seed", 1, recordings[0])
    assert (tmp_path / "two" / "seven.png").read_bytes() == made[2].read_bytes()


def test_a_recording_that_fails_is_named_once_however_many_pictures_are_asked_for(recordings, tmp_path, options):
    recordings[1].write_bytes(b"no sound")
    result = run("draw", *options, "--out", tmp_path / "out", "--n", 4, *recordings)
    assert result.exit_code == 2
    assert result.stderr.count("Error:") == 1
    assert "2 of 3 drawn." in result.stdout
    assert len(list((tmp_path / "out").glob("*.png"))) == 9


@pytest.mark.parametrize("option", [("--anyway",), ("--style", "x.png")])
def test_what_is_for_hands_is_refused_for_a_generator(recordings, tmp_path, options, option):
    result = run("draw", *options, *option, "--out", tmp_path / "out", recordings[0])
    assert result.exit_code == 2
    assert "--style and --anyway are for hands" in result.stderr
    assert not (tmp_path / "out").exists()


def test_draw_makes_a_contact_sheet_of_all_pictures(tmp_path, options):
    paths = [tmp_path / f"{number}.wav" for number in range(10)]
    for number, path in enumerate(paths):
        path.write_bytes(make.encode(make.tone(0.2 + 0.05 * number)))
    for count, size in [(1, (164, 208)), (8, (1228, 208)), (10, (1228, 404))]:
        out = tmp_path / f"out{count}"
        fine("draw", *options, "--out", out, *paths[:count])
        sheet = Image.open(out / "contact-sheet.png")
        assert sheet.size == size
        pixels = np.asarray(sheet)
        for index in range(count):
            x, y = 12 + index % 8 * 152, 12 + index // 8 * 196
            picture = np.asarray(Image.open(out / f"{index}.png"))[::10, ::10]
            assert np.array_equal(pixels[y : y + 140 : 5, x : x + 140 : 5], picture)
            assert pixels[y + 140 : y + 184, x : x + 140].min() < 100  # there is a caption
            assert pixels[y : y + 196, x - 12 : x].min() == 255  # and a gap


def test_a_contact_sheet_copes_with_any_name(tmp_path):
    names = ["七.wav", "a\nb.wav", "\udcff.wav", "m" * 250, "WWWWWWWWWWWWWWWWWWWWWWWWWWWW.wav", "i", ""]
    drawings = [draw.Drawing(name, np.zeros((28, 28), np.float32), 3, 0.5) for name in names]
    pictures.save_contact_sheet(drawings, tmp_path / "sheet.png")
    pixels = np.asarray(Image.open(tmp_path / "sheet.png"))
    for index in range(len(names)):  # no caption runs into its neighbour's
        assert pixels[:, index * 152 : index * 152 + 12].min() == 255


def test_the_same_file_and_seed_give_the_same_bytes_whatever_is_drawn_beside_it(recordings, tmp_path, options):
    def bytes_of(name: str, *arguments: object) -> bytes:
        fine("draw", *options, "--out", tmp_path / name, *arguments)
        return (tmp_path / name / "one.png").read_bytes()

    alone = bytes_of("alone", "--seed", 5, recordings[1])
    assert bytes_of("again", "--seed", 5, recordings[1]) == alone
    assert bytes_of("beside", "--seed", 5, *recordings) == alone
    assert bytes_of("last", "--seed", 5, recordings[2], recordings[0], recordings[1]) == alone
    assert bytes_of("other", "--seed", 6, recordings[1]) != alone
    mean = bytes_of("mean", recordings[1])
    assert mean != alone
    assert bytes_of("mean again", *recordings) == mean
    # Another recording with the same seed gets other noise, not the same.
    assert (tmp_path / "beside" / "two.png").read_bytes() != (tmp_path / "beside" / "one.png").read_bytes()


def test_a_copy_under_another_name_gives_the_same_picture(recordings, tmp_path, options):
    copy = tmp_path / "copy.wav"
    copy.write_bytes(recordings[0].read_bytes())
    fine("draw", *options, "--out", tmp_path / "out", "--seed", 1, recordings[0], copy)
    assert (tmp_path / "out" / "seven.png").read_bytes() == (tmp_path / "out" / "copy.png").read_bytes()


def test_drawing_again_replaces_what_was_there(recordings, tmp_path, options):
    out = tmp_path / "out"
    out.mkdir()
    (out / "seven.png").write_bytes(b"old")
    (out / "other.txt").write_bytes(b"mine")
    fine("draw", *options, "--out", out, recordings[0])
    assert Image.open(out / "seven.png").size == (280, 280)
    assert (out / "other.txt").read_bytes() == b"mine"
    assert len(list(out.iterdir())) == 3


def test_picture_names_are_distinct_and_short_enough():
    names = pictures.picture_names(["a.wav", "x/a.flac", "A.mp3", "a-2.wav", "contact-sheet.wav", "é" * 120, "é" * 121])
    assert names[:5] == ["a.png", "a-2.png", "A-3.png", "a-2-2.png", "contact-sheet-2.png"]
    assert len({n.casefold() for n in names}) == len(names)
    assert all(len(os.fsencode(n)) <= 200 for n in names)


# --- data ----------------------------------------------------------------------------------------------


def test_data_list():
    lines = fine("data", "list")
    assert [line.split()[0] for line in lines if line[0] != " "] == [
        "builtin",
        "fsdd",
        "audiomnist",
        "mnist",
        "speechcommands",
    ]
    assert "here" in lines[0]
    assert "CC BY-SA 4.0" in lines[1]


def test_data_check(tmp_path):
    folder = make.corpus(tmp_path / "sounds", ["01", "02", "03"])
    assert re.fullmatch(
        r"30 recordings, 3 speakers, 0\.\d\d to \d\.\d\d s: nothing is wrong", fine("data", "check", folder)[0]
    )
    flat = make.flat_corpus(tmp_path / "flat")
    assert fine("data", "check", flat)[-1].startswith("10 recordings, 1 speakers, ")
    (folder / "02" / "4_02_0.flac").unlink()
    lines = fine("data", "check", folder)
    assert lines[0] == "Note: speaker 02: 0 of digit 4 (others: 1)"
    assert lines[1].startswith("29 recordings, ")


def test_a_stray_file_is_one_line_in_a_real_process_whatever_python_does_with_warnings(tmp_path):
    folder = make.corpus(tmp_path / "sounds", ["01"])
    (folder / "01" / "x.yaml").touch()
    (tmp_path / "tiny.toml").write_text(make.TINY_CLASSIFIER)
    command = [sys.executable, "-m", "a2d.cli", "train", tmp_path / "tiny.toml"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [*command, "--data", folder, "--out", tmp_path / "run"], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"Warning: {folder}: 1 file that is no sound is passed over (01/x.yaml).")


# --- train and evaluate --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(tmp_path_factory, models) -> Path:
    """A folder with data, a recipe, and a generator trained for two epochs in ``run``."""
    folder = tmp_path_factory.mktemp("trained")
    make.corpus(folder / "sounds", ["01", "02", "03"])
    (folder / "tiny.toml").write_text(make.TINY)
    lines = fine(*train(folder, models, "run"))
    assert re.fullmatch(r"Trained tiny: loss [\d.]+, reconstruction [\d.]+, kl [\d.e-]+, accuracy [\d.]+", lines[0])
    assert lines[1:] == [f"Model: {folder / 'run' / 'model.safetensors'}"]
    return folder


def train(folder: Path, models: Path, out: str, *more: object) -> list[object]:
    arguments = ["train", folder / "tiny.toml", "--data", folder / "sounds", "--out", folder / out]
    return [*arguments, "--images", "builtin", "--evaluator", models / "evaluator", *more]


def test_train_writes_a_model_a_checkpoint_and_a_card(trained):
    assert sorted(p.name for p in (trained / "run").iterdir()) == [
        "card.json",
        "checkpoint.safetensors",
        "model.safetensors",
    ]
    card = json.loads((trained / "run" / "card.json").read_text())
    assert card.keys() >= {"kind", "recipe", "seed", "data", "images", "split", "history", "sha256"}
    assert card["data"]["n"] == 30
    assert {len(values) for values in card["history"].values()} == {2}
    model = lab_models.load(trained / "run", "generator")
    assert model.meta["recipe"] == card["recipe"]


def test_train_is_the_same_again_and_another_with_another_seed(trained, models):
    fine(*train(trained, models, "again"))
    fine(*train(trained, models, "other", "--seed", 1))
    first, again, other = ((trained / n / "model.safetensors").read_bytes() for n in ("run", "again", "other"))
    assert first == again
    assert first != other


def test_resume_gives_what_an_uninterrupted_run_gives(trained, models, monkeypatch):
    """Killed in its second epoch, then resumed: the same bytes."""
    from a2d.lab.kinds.generator import GeneratorTask

    whole = GeneratorTask.loss

    class Killed(BaseException):
        pass

    def loss(self, indices, generator, progress):
        if progress >= 0.5:
            raise Killed
        return whole(self, indices, generator, progress)

    arguments = [str(a) for a in train(trained, models, "killed")]
    with monkeypatch.context() as patch:
        patch.setattr(GeneratorTask, "loss", loss)
        with pytest.raises(Killed):
            CliRunner().invoke(main, arguments)
    assert [p.name for p in (trained / "killed").iterdir()] == ["checkpoint.safetensors"]
    fine(*train(trained, models, "killed", "--resume"))
    card = json.loads((trained / "run" / "card.json").read_text())
    model = (trained / "run" / "model.safetensors").read_bytes()
    for _ in range(2):  # resuming what is finished changes nothing
        assert (trained / "killed" / "model.safetensors").read_bytes() == model
        assert json.loads((trained / "killed" / "card.json").read_text()) == card
        fine(*train(trained, models, "killed", "--resume"))


def test_split_by_speaker_and_epochs(trained, models):
    fine(*train(trained, models, "held", "--split", "speaker", "--held-out", "02", "--epochs", 1))
    card = json.loads((trained / "held" / "card.json").read_text())
    assert card["split"] == {"by": "speaker", "seed": 0, "held_out": ["02"]}
    assert card["recipe"]["training"]["epochs"] == 1
    model = lab_models.load(trained / "held")
    spoken, _, digits, part = part_to_test(str(trained / "sounds"), model.features, model.meta)
    assert (part, len(digits), spoken.name) == ("test", 10, "sounds")


def test_evaluate_writes_metrics_and_figures(trained, models):
    options = ("--data", trained / "sounds", "--images", "builtin", "--evaluator", models / "evaluator")
    lines = fine("evaluate", trained / "run", *options)
    out = trained / "run" / "evaluation" / "sounds"
    assert lines[0] == "generator on sounds, test part, n = 4"
    assert lines[-1] == f"Written to {out}"
    assert sum("read by" in line for line in lines) == 2
    result = json.loads((out / "metrics.json").read_text())
    assert result.keys() == {"model", "sha256", "seed", "kind", "data", "recognition", "variety", "figures"}
    judged = result["recognition"][str(models / "evaluator")]
    assert judged.keys() == {"sampled", "mean", "confusion"}
    assert 0 <= judged["sampled"]["low"] <= judged["sampled"]["value"] <= judged["sampled"]["high"] <= 1
    assert set(result["variety"]) >= {"diversity", "pixel_diversity", "frechet", "frechet_of_two_halves"}
    assert {p.stem for p in out.glob("*.png")} == set(result["figures"]) >= {"batch", "confusion", "accuracy", "loss"}
    assert all(len(text) > 20 for text in result["figures"].values())
    assert not [p for p in out.iterdir() if p.suffix not in (".png", ".json")]


def test_evaluate_a_classifier(trained, models):
    out = trained / "classified"
    lines = fine("evaluate", models / "classifier", "--data", trained / "sounds", "--out", out)
    assert lines[0] == "classifier on sounds, all part, n = 30"
    assert re.fullmatch(r"  accuracy +\d+\.\d\d %   \(95 %: \d+\.\d\d to \d+\.\d\d\)", lines[1])
    result = json.loads((out / "metrics.json").read_text())
    assert result["accuracy"].keys() >= {"value", "low", "high"}
    assert sorted(p.name for p in out.iterdir()) == ["confusion.png", "metrics.json"]


def test_evaluate_of_a_shipped_model_never_writes_into_the_package(models, tmp_path, monkeypatch):
    """Not even where a folder of the same name lies at hand."""
    shipped = tmp_path / "package"
    shipped.mkdir()
    (shipped / "mlp.safetensors").write_bytes((models / "classifier" / "model.safetensors").read_bytes())
    monkeypatch.setattr(lab_models, "FOLDER", shipped)
    sounds = make.corpus(tmp_path / "sounds", ["01"])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlp").mkdir()
    assert fine("evaluate", "mlp", "--data", sounds)[-1] == f"Written to {Path('evaluations/mlp/sounds')}"
    assert [p.name for p in shipped.iterdir()] == ["mlp.safetensors"]
    assert (tmp_path / "evaluations" / "mlp" / "sounds" / "metrics.json").is_file()
    monkeypatch.chdir(sounds)
    assert fine("evaluate", "mlp", "--data", ".")[-1] == f"Written to {Path('evaluations/mlp/sounds')}"


# --- in a pipe -----------------------------------------------------------------------------------------


def test_a_reader_that_leaves_is_no_error(tmp_path):
    folder = make.corpus(tmp_path / "sounds", ["01"])
    for number in range(3000):  # more notes than a pipe holds
        (folder / "01" / f"{'x' * 60}{number}.wav").touch()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = f"{sys.executable} -m a2d.cli data check {folder} 2>&1 | head -n 1"
    done = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, text=True)
    assert done.stdout.count("\n") == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stderr == ""


def test_evaluate_image_vaes_tells_the_terms_of_each_beta(tmp_path):
    lines = fine("evaluate", "beta-sweep", "--data", "builtin", "--out", tmp_path / "out")
    rows = [line for line in lines if "active units" in line]
    assert len(rows) == 8
    assert rows[-1].split()[:2] == ["beta", "32"]
    assert rows[-1].endswith(" 0 active units")
