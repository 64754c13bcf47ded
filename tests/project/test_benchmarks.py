"""The benchmark tool, with tiny sizes: that ratios, peers, memory and raw numbers are there, and results agree.

No time is asserted here: a test machine may be busy.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

pytest.importorskip("librosa", reason="librosa, the peer, comes with the extra `course`")
pytest.importorskip("kaldi_native_fbank", reason="kaldi-native-fbank comes with the extra `dev`")

pytest.importorskip("pocketsphinx", reason="pocketsphinx comes with the extra `dev`")

PEERS = {
    "mfcc": "librosa",
    "pipeline": "plain",
    "draw": "torch",
    "write": "torch",
    "ear": "pocketsphinx",
    "import": "python",
}


def bench(*arguments: str) -> subprocess.CompletedProcess:
    """Run the tool as a user does."""
    command = [sys.executable, "-m", "benchmarks.bench", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, str]:
    """Report and output of one quick run of everything."""
    out = tmp_path_factory.mktemp("bench") / "bench.json"
    done = bench("--quick", "--out", str(out))
    assert done.returncode == 0, done.stderr
    return json.loads(out.read_text(encoding="utf-8")), done.stdout


@pytest.mark.slow
def test_every_benchmark_has_its_peer_ratio_and_memory(quick):
    report, text = quick
    assert set(report["benchmarks"]) == set(PEERS)
    for name, peer in PEERS.items():
        found = report["benchmarks"][name]
        assert found["peer"] == peer
        assert found["ratio"] > 0
        assert found["target"]
        assert isinstance(found["met"], bool)
        for row in found["contestants"].values():
            assert 0 < row["best"] <= row["median"]
            assert row["best"] == min(row["times"])
            assert row["peak_mb"] > 1
        assert re.search(rf"^{name}\b.*?\bratio \d", text, re.MULTILINE | re.DOTALL)
    assert set(report["benchmarks"]["mfcc"]["contestants"]) == {"a2d", "librosa", "numpy", "kaldi"}
    assert report["benchmarks"]["draw"]["once_loaded"]["median"] > 0
    assert report["benchmarks"]["write"]["once_loaded"]["median"] > 0
    for row in report["benchmarks"]["ear"]["contestants"].values():
        assert row["right"] > 0.3  # both know the digits of the built-in voices


@pytest.mark.slow
def test_contestants_compute_the_same(quick):
    facts = quick[0]["benchmarks"]["mfcc"]["facts"]
    assert facts["greatest_value"] > 10
    assert facts["greatest_difference_from_librosa"] < 1e-2
    assert facts["greatest_difference_from_numpy"] < 1e-2


@pytest.mark.slow
def test_pipeline_tells_how_far_each_side_came(quick):
    found = quick[0]["benchmarks"]["pipeline"]
    for row in found["contestants"].values():
        assert len(row["history"][0]) == row["epochs"][0] <= 2
        assert set(row["stages"]) == {"features", "images", "training"}
        assert row["times"][0] == pytest.approx(sum(t[0] for t in row["stages"].values()))


@pytest.mark.slow
def test_report_can_be_compared_and_names_no_place(quick):
    report = quick[0]
    assert {"cpu", "cores", "python", "torch_threads", "versions"} <= set(report["machine"])
    assert report["quick"] is True
    text = json.dumps(report)
    assert str(Path.home()) + "/" not in text
    assert str(ROOT) not in text
    assert not re.search(r"\b20\d\d-\d\d-\d\d\b", text)


@pytest.mark.slow
def test_missing_model_is_one_clear_error():
    done = bench("draw", "--model", "no-such-model")
    assert done.returncode == 2
    assert "no-such-model" in done.stderr
    assert "Traceback" not in done.stderr


def test_unknown_benchmark_is_refused():
    done = bench("speed")
    assert done.returncode == 2
    assert ", ".join(PEERS) in done.stderr


@pytest.mark.weekly
@pytest.mark.slow
def test_grading_is_measured_against_nbgrader():
    pytest.importorskip("nbgrader", reason="nbgrader comes with the extra `dev`")
    from sandbox import REFUSAL

    if REFUSAL:
        pytest.skip(f"needs bubblewrap (package bubblewrap): {REFUSAL[:120]}")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.grading", "--quick"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^teach grade: 3 students in \d+ s", done.stdout, re.MULTILINE)
    assert re.search(r"^nbgrader's NbGraderAPI.autograde: 1 students, \d", done.stdout, re.MULTILINE)
    assert re.search(r"^ratio: \d", done.stdout, re.MULTILINE)
    assert re.search(r"^4 students: \d+ s, [1-9]\d+ MB$", done.stdout, re.MULTILINE)
    assert "Written" not in done.stdout
