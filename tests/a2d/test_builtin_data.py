"""The built-in spoken digits: complete, as their manifest says, and made again with the same samples."""

from __future__ import annotations

import importlib.util
import itertools
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile as sf

DATA = Path(__file__).resolve().parents[2] / "data"
BUILTIN = DATA / "builtin"
LIMIT = 12 * 1000 * 1000  # bytes, all of data/ together
AUDIO_MNIST_KEYS = {"accent", "age", "gender", "native speaker", "origin", "recordingdate", "recordingroom"}


def load_script() -> ModuleType:
    """data/make_builtin.py as a module; data/ is no package."""
    spec = importlib.util.spec_from_file_location("make_builtin", DATA / "make_builtin.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_builtin"] = module  # dataclasses look their module up by name
    spec.loader.exec_module(module)
    return module


script = load_script()


@pytest.fixture(scope="module")
def manifest() -> dict:
    return json.loads((BUILTIN / "MANIFEST.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def clips() -> dict[str, tuple[np.ndarray, int]]:
    """Every clip on disk, by its path below the set: (samples as int16, rate)."""
    paths = sorted(BUILTIN.glob("data/*/*.flac"))
    return {p.relative_to(BUILTIN).as_posix(): sf.read(p, dtype="int16") for p in paths}


def why_not_remade() -> str | None:
    """What is missing on this machine to make espeak-ng's clips again; None when nothing is."""
    if shutil.which("espeak-ng") is None:
        return "espeak-ng is not installed (Debian package: espeak-ng)"
    wanted = json.loads((BUILTIN / "MANIFEST.json").read_text(encoding="utf-8"))["synthesisers"]["espeak-ng"]
    text = subprocess.run(["espeak-ng", "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"text-to-speech: (\d[\w.]*)", text)
    if found is None or found[1] != wanted:
        here = found[1] if found else "of an unknown version"
        return f"espeak-ng is {here}; the clips were made with {wanted}"
    return None


def test_layout_is_complete(manifest: dict, clips: dict) -> None:
    takes = manifest["takes"]
    expected = {
        f"data/{n:02d}/{digit}_{n:02d}_{take}.flac"
        for n in range(1, 61)
        for digit in range(10)
        for take in range(takes)
    }
    assert takes >= 4
    assert set(clips) == expected


def test_manifest_matches_samples(manifest: dict, clips: dict) -> None:
    assert set(manifest["files"]) == set(clips)
    for path, (samples, _) in clips.items():
        entry = manifest["files"][path]
        assert (entry["samples"], entry["sha256"]) == (len(samples), script.fingerprint(samples)), path
    assert manifest["clips"] == len(clips)
    assert manifest["samples"] == sum(len(samples) for samples, _ in clips.values())


def test_metadata(manifest: dict) -> None:
    meta = json.loads((BUILTIN / "data" / "audioMNIST_meta.txt").read_text(encoding="utf-8"))
    assert list(meta) == [f"{n:02d}" for n in range(1, 61)]
    for name, entry in meta.items():
        assert set(entry) >= AUDIO_MNIST_KEYS | {"synthesiser", "voice", "variant", "pitch", "rate"}, name
        assert entry["gender"] in {"male", "female"}
        assert "synthetic" in entry["age"]  # nobody is passed off as a person
        assert "synthetic" in entry["origin"]
    assert script.meta_differences(BUILTIN) == []
    voices = {(e["synthesiser"], e["voice"], e["variant"]) for e in meta.values()}
    assert len(voices) == 60


def test_size_within_limit() -> None:
    built = [p for p in DATA.rglob("*") if "__pycache__" not in p.parts]
    total = sum(p.stat().st_size for p in built if p.is_file())
    total += 4096 * sum(p.is_dir() for p in built)  # as `du -sb` counts folders on the usual file systems
    assert total <= LIMIT


def test_every_clip_is_usable(clips: dict) -> None:
    for path, (samples, rate) in clips.items():
        assert samples.ndim == 1, path
        assert rate == 8000, path
        assert 0.1 <= len(samples) / rate <= 1.5, path
        peak = np.abs(samples.astype(np.int32)).max() / 32768
        assert 0.05 < peak <= 1, path


def test_words_are_trimmed_and_not_cut_off(clips: dict) -> None:
    """The ends are quiet, and what lies between them is not."""
    for path, (samples, _) in clips.items():
        power = (samples.astype(float) ** 2)[: len(samples) // 80 * 80].reshape(-1, 80).mean(1)
        assert power[[0, -1]].max() < 0.01 * power.max(), path  # 20 dB under the loudest 10 ms
        heard = np.flatnonzero(power > 1e-3 * power.max()) * 0.01
        assert heard[0] < 0.3, path  # seconds
        assert len(samples) / 8000 - heard[-1] < 0.3, path


def test_no_two_clips_are_the_same(clips: dict) -> None:
    prints = [script.fingerprint(samples) for samples, _ in clips.values()]
    assert len(set(prints)) == len(prints)


def test_takes_differ_in_more_than_loudness(clips: dict) -> None:
    """No take is a louder or shifted copy of another one; 12, 45 and 60 have the least to vary."""
    for n in (3, 12, 45, 60):
        for digit in range(10):
            spectra = []
            for take in range(5):
                samples = clips[f"data/{n:02d}/{digit}_{n:02d}_{take}.flac"][0].astype(float)
                spectra.append(np.fft.rfft(samples / np.linalg.norm(samples), 20480))
            for first, second in itertools.combinations(spectra, 2):
                assert np.abs(np.fft.irfft(first * second.conj())).max() < 0.985, (n, digit)


def test_one_speaker_is_remade_exactly(manifest: dict) -> None:
    reason = why_not_remade()
    if reason:
        pytest.skip(reason)
    speaker = next(s for s in script.speakers().values() if s.synthesiser == "espeak-ng")
    made = script.make_speaker(speaker)
    assert len(made) == 10 * manifest["takes"]
    for path, samples in made.items():
        assert script.fingerprint(samples) == manifest["files"][path]["sha256"], path


def test_check_names_what_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = json.loads((BUILTIN / "MANIFEST.json").read_text(encoding="utf-8"))
    keep = [f"data/01/{digit}_01_0.flac" for digit in range(3)]
    manifest["files"] = {path: manifest["files"][path] for path in keep}
    (tmp_path / "data" / "01").mkdir(parents=True)
    (tmp_path / "MANIFEST.json").write_text(json.dumps(manifest), encoding="utf-8")
    entry = json.loads((BUILTIN / script.META).read_text(encoding="utf-8"))["01"]
    (tmp_path / script.META).write_text(json.dumps({"01": entry}), encoding="utf-8")
    for path in keep:
        shutil.copy(BUILTIN / path, tmp_path / path)
    assert script.main(["--check", "--out", str(tmp_path)]) == 0
    shutil.copy(tmp_path / keep[0], tmp_path / keep[1])
    (tmp_path / keep[2]).unlink()
    assert script.main(["--check", "--out", str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    assert f"{keep[1]}: other samples" in printed
    assert f"{keep[2]}: in the manifest, not on disk" in printed


@pytest.mark.parametrize("wrong", ["0", "61", "7-3", "a", "01,"])
def test_wrong_speakers_are_refused(wrong: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert script.main(["--speakers", wrong, "--out", str(tmp_path / "new")]) == 2
    assert "01-60" in capsys.readouterr().err


def test_missing_synthesiser_names_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert script.main(["--speakers", "01-60", "--out", str(tmp_path / "new")]) == 2
    assert "apt install espeak-ng" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_folder_with_other_speakers_is_not_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    assert script.main(["--speakers", "01", "--out", str(BUILTIN)]) == 2
    assert "not asked for" in capsys.readouterr().err
