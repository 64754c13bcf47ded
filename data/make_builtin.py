#!/usr/bin/env python3
"""Make, check and measure the built-in spoken digits: sixty synthetic speakers in Audio-MNIST's layout.

    python data/make_builtin.py                         make all speakers into data/builtin
    python data/make_builtin.py --speakers 01,07-09 --out /tmp/some     make some of them, elsewhere
    python data/make_builtin.py --check                 compare what is on disk with its manifest
    python data/make_builtin.py --measure               how well simple classifiers read the digits

Exit codes: 0 done, 1 the check found a difference, 2 something is missing or was asked for wrongly.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf

SAMPLE_RATE = 8000  # Hz; enough for the report's features, and what the Free Spoken Digit Dataset uses
TAKES = 5
SEED = 20240
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
DEFAULT_OUT = Path(__file__).resolve().parent / "builtin"
MANIFEST = "MANIFEST.json"
META = "data/audioMNIST_meta.txt"
# Samples are multiples of this, so they carry 13 of their 16 bits, as in telephony; FLAC then stores the
# three empty bits for free. It saves a third of the space, which is spent on more takes.
QUANTUM = 8
PACKAGES = {"espeak-ng": "espeak-ng", "flite": "flite", "festival": "festival"}
FESTIVAL_VOICES = {
    "ked_diphone": "festvox-kdlpc16k",
    "kal_diphone": "festvox-kallpc16k",
    "cmu_us_slt_arctic_hts": "festvox-us-slt-hts",
}
# (text, which of the words between pauses is meant). A digit in a list is spoken otherwise than alone.
# Only espeak-ng minds these: flite and festival ignore the marks, and make no clean pause in so short a list.
CONTEXTS = (
    ("{word}.", 0),
    ("{word}, one.", 0),
    ("one, {word}.", -1),
    ("{word}?", 0),
    ("{word}!", 0),
)


class MakeError(Exception):
    """Something the person at the keyboard can put right; the message says what."""


@dataclass(frozen=True)
class Speaker:
    """One synthetic speaker. `pitch` and `rate` are in the synthesiser's own units (see data/README.md)."""

    name: str  # "01" .. "60"
    synthesiser: str
    voice: str
    variant: str
    gender: str  # how the voice sounds: "male" or "female"
    accent: str
    pitch: float
    rate: float
    size: float  # length of the vocal tract against the original voice: 1.1 = 10 % longer, so a deeper voice
    level: float  # the peak amplitude about which its takes vary


@dataclass(frozen=True)
class Take:
    """What makes one take of one digit differ from the others."""

    text: str
    part: int
    pitch: float
    rate: float
    speed: float
    tilt: float  # of a first-order filter, as if nearer to or farther from the microphone
    peak: float
    floor: float  # what is fainter than this, in dB against the loudest 5 ms, is not the word
    before: int  # silence kept before the word, in samples
    after: int


# ---- the speakers ----------------------------------------------------------------------------------------

ACCENTS = {
    "en-gb": "British",
    "en-us": "American",
    "en-gb-scotland": "Scottish",
    "en-gb-x-gbclan": "Lancastrian",
    "en-gb-x-rp": "Received Pronunciation",
    "en-gb-x-gbcwmd": "West Midlands",
    "en-029": "Caribbean",
    "en-us-nyc": "New York City",
}
# Variants of espeak-ng. Left out on purpose: whispers, robots and effects, and the voices whose digits a
# classifier trained on all the others could hardly read (Lee 13 % right, steph 27 %, Alicia, travis, aunty).
MEN = """
    m1 m3 m4 m5 m6 m7 m8 klatt klatt2 klatt3 klatt4 adam Alex grandpa Michael Denis max rob victor john
    benjamin caleb edward pablo Hugo marcelo paul Mike Jacky robert
"""
ECHOING = ("f2", "f4", "f5")  # their echo fills a pause, so no list is cut for them
WOMEN = "f1 f2 f3 f4 f5 Annie linda steph2 belinda Andrea anika grandma"
# synthesiser, voice, gender, accent, pitch in Hz (0: the voice has but its own), sizes of the vocal tract
RECORDED_VOICES = (
    ("flite", "awb", "male", "Scottish", 120.0, (0.92, 1.0, 1.08)),
    ("flite", "kal16", "male", "American", 105.0, (0.93, 1.02, 1.1)),
    ("flite", "rms", "male", "American", 0.0, (0.86, 0.94, 1.03)),
    ("flite", "slt", "female", "American", 170.0, (0.94, 1.0, 1.08)),
    ("festival", "ked_diphone", "male", "American", 110.0, (0.92, 1.0, 1.08)),
    ("festival", "kal_diphone", "male", "American", 95.0, (0.97,)),
    ("festival", "cmu_us_slt_arctic_hts", "female", "American", 0.0, (0.97, 1.05)),
)


def speakers() -> dict[str, Speaker]:
    """All sixty speakers by name, in an order shuffled once, so that any group of twelve is a mixture."""
    rng = np.random.default_rng([SEED, 1])
    men, women = MEN.split(), WOMEN.split()
    cast: list[dict[str, object]] = []
    for i, variant in enumerate(men + women):
        voice = list(ACCENTS)[i % len(ACCENTS)]
        gender = "male" if variant in men else "female"
        pitch = round(float(rng.uniform(28, 62) if gender == "male" else rng.uniform(38, 62)))
        cast.append(
            {
                "synthesiser": "espeak-ng",
                "voice": voice,
                "variant": variant,
                "gender": gender,
                "accent": f"{ACCENTS[voice]} (espeak-ng {voice})",
                "pitch": pitch,
                "rate": round(float(rng.uniform(155, 190))),
                "size": round(float(rng.uniform(0.95, 1.07)), 3),
            }
        )
    for synthesiser, voice, gender, accent, pitch, sizes in RECORDED_VOICES:
        for size in sizes:
            cast.append(
                {
                    "synthesiser": synthesiser,
                    "voice": voice,
                    "variant": f"size {size}",
                    "gender": gender,
                    "accent": f"{accent} ({synthesiser} {voice})",
                    "pitch": round(pitch * float(rng.uniform(0.88, 1.14))),
                    "rate": round(float(rng.uniform(0.85, 1.1)), 3),
                    "size": size,
                }
            )
    order = rng.permutation(len(cast))
    levels = np.exp(rng.uniform(np.log(0.15), np.log(0.5), len(cast)))
    names = [f"{n:02d}" for n in range(1, len(cast) + 1)]
    return {
        name: Speaker(name=name, level=round(float(level), 3), **cast[k])  # type: ignore[arg-type]
        for name, k, level in zip(names, order, levels, strict=True)
    }


def takes_of(speaker: Speaker, digit: int) -> list[Take]:
    """Draw the takes of one digit; the draw depends on speaker, digit and take, not on what else is made."""
    contexts = CONTEXTS if speaker.synthesiser == "espeak-ng" else CONTEXTS[:1]
    if speaker.variant in ECHOING:
        contexts = tuple(context for context in CONTEXTS if "," not in context[0])
    # The voices made of recordings hiss between words, those of festival's diphones most.
    floor = {"espeak-ng": -45.0, "flite": -36.0, "festival": -30.0}[speaker.synthesiser]
    takes = []
    for take in range(TAKES):
        rng = np.random.default_rng([SEED, 2, int(speaker.name), digit, take])

        def apart(k: int, rng: np.random.Generator = rng) -> float:
            """A number in 0..1; its fifth of that range is another in every take, so no two come close."""
            return (k % TAKES + float(rng.uniform(0.25, 0.75))) / TAKES

        text, part = contexts[(take + digit + int(speaker.name)) % len(contexts)]
        # espeak-ng's pitch is a step from 0 to 99, the others' is in Hz.
        step = (
            float(rng.uniform(-7, 7))
            if speaker.synthesiser == "espeak-ng"
            else (speaker.pitch * float(rng.uniform(-0.08, 0.08)))
        )
        takes.append(
            Take(
                text=text.format(word=WORDS[digit]),
                part=part,
                pitch=speaker.pitch + step,
                rate=speaker.rate * (0.9 + 0.2 * apart(3 * take + digit)),
                speed=(0.95 + 0.1 * apart(2 * take + digit)) / speaker.size,
                tilt=float(rng.uniform(-0.25, 0.25)),
                peak=min(0.95, speaker.level * float(np.exp(rng.uniform(-0.5, 0.5)))),
                floor=floor,
                before=int(rng.integers(240, 401)),
                after=int(rng.integers(240, 401)),
            )
        )  # 30 to 50 ms
    return takes


def metadata(speaker: Speaker, versions: dict[str, str]) -> dict[str, str | int | float]:
    """One entry of audioMNIST_meta.txt: Audio-MNIST's own keys, never pretending a human, and some more."""
    none = "none (synthetic)"
    return {
        "accent": speaker.accent,
        "age": none,
        "gender": speaker.gender,
        "native speaker": none,
        "origin": f"synthetic, {speaker.synthesiser} {versions[speaker.synthesiser]}",
        "recordingdate": none,
        "recordingroom": none,
        "synthesiser": speaker.synthesiser,
        "voice": speaker.voice,
        "variant": speaker.variant,
        "pitch": speaker.pitch,
        "rate": speaker.rate,
        "size": speaker.size,
        "level": speaker.level,
    }


# ---- the synthesisers ------------------------------------------------------------------------------------


def run(command: Sequence[str]) -> str:
    """Run a synthesiser and return what it printed; MakeError when it is missing or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    except FileNotFoundError as error:
        raise MakeError(f"{command[0]} is not installed; on Debian: apt install {PACKAGES[command[0]]}") from error
    except subprocess.TimeoutExpired as error:
        raise MakeError(f"{command[0]} did not finish within 120 s") from error
    if done.returncode != 0:
        raise MakeError(f"{command[0]} failed (exit code {done.returncode}): {done.stderr.strip()[:300]}")
    return done.stdout + done.stderr


def synthesiser_versions(names: Iterable[str]) -> dict[str, str]:
    """The versions of the synthesisers, as they print them; MakeError names the package of a missing one."""
    versions = {}
    for name in sorted(set(names)):
        # flite exits with 1 after it has printed its version, hence no run() here.
        try:
            text = subprocess.run([name, "--version"], capture_output=True, text=True, timeout=30, check=False).stdout
        except FileNotFoundError as error:
            raise MakeError(f"{name} is not installed; on Debian: apt install {PACKAGES[name]}") from error
        found = re.search(r"(?:text-to-speech: |System: |version: flite-)(\d[\w.]*)", text)
        if not found:
            raise MakeError(f"cannot read the version of {name} from: {text.strip()[:200]!r}")
        versions[name] = found.group(1)
    return versions


def check_voices(cast: Iterable[Speaker]) -> None:
    """MakeError where a voice of flite or festival is not installed (festival would fall back silently)."""
    wanted = {(s.synthesiser, s.voice) for s in cast}
    listing = {}
    if any(name == "flite" for name, _ in wanted):
        listing["flite"] = run(["flite", "-lv"])
    if any(name == "festival" for name, _ in wanted):
        listing["festival"] = run(["festival", "-b", "(print (voice.list))"])
    for name, voice in sorted(wanted):
        if name in listing and voice not in re.split(r"[\s()]+", listing[name]):
            package = FESTIVAL_VOICES.get(voice, PACKAGES[name])
            raise MakeError(f"{name} has no voice {voice!r}; on Debian: apt install {package}")


def espeak(speaker: Speaker, take: Take, path: Path) -> None:
    """Speak one take with espeak-ng."""
    run(
        [
            "espeak-ng",
            "-v",
            f"{speaker.voice}+{speaker.variant}",
            "-p",
            str(round(take.pitch)),
            "-s",
            str(round(take.rate)),
            "-w",
            str(path),
            take.text,
        ]
    )


def flite(speaker: Speaker, take: Take, path: Path) -> None:
    """Speak one take with flite, whose rate is a duration: smaller is faster."""
    pitch = ["--setf", f"int_f0_target_mean={take.pitch:.2f}"] if take.pitch else []
    run(
        [
            "flite",
            "-voice",
            speaker.voice,
            "--setf",
            f"duration_stretch={take.rate:.4f}",
            *pitch,
            "-t",
            take.text,
            "-o",
            str(path),
        ]
    )


def festival(speaker: Speaker, takes: Sequence[Take], paths: Sequence[Path]) -> None:
    """Speak all takes with one run of festival, which takes a third of a second to start."""
    lines = [f"(voice_{speaker.voice})", "(set! own hts_engine_params)" if "hts" in speaker.voice else ""]
    for take, path in zip(takes, paths, strict=True):
        if "hts" in speaker.voice:  # this voice has its own speed (larger is faster), and no pitch to set
            lines.append(f'(set! hts_engine_params (append own (list (list "-r" {1 / take.rate:.4f}))))')
        else:
            lines.append(f"(Parameter.set 'Duration_Stretch {take.rate:.4f})")
            lines.append(
                f"(set! int_lr_params '((target_f0_mean {take.pitch:.2f}) (target_f0_std 15) "
                "(model_f0_mean 170) (model_f0_std 34)))"
            )
        lines.append(f'(utt.save.wave (utt.synth (Utterance Text "{take.text}")) "{path}" \'riff)')
    script = paths[0].parent / "say.scm"
    script.write_text("\n".join(lines) + "\n", encoding="utf-8")
    run(["festival", "-b", str(script)])


def synthesise(speaker: Speaker, takes: Sequence[Take], folder: Path) -> list[tuple[np.ndarray, int]]:
    """Speak the takes; returns (samples in -1..1, rate in Hz) for each."""
    paths = [folder / f"{i}.wav" for i in range(len(takes))]
    if speaker.synthesiser == "festival":
        festival(speaker, takes, paths)
    else:
        speak = {"espeak-ng": espeak, "flite": flite}[speaker.synthesiser]
        for take, path in zip(takes, paths, strict=True):
            speak(speaker, take, path)
    try:
        return [sf.read(path, dtype="float64") for path in paths]
    except (OSError, sf.LibsndfileError) as error:
        raise MakeError(f"{speaker.synthesiser} wrote no readable sound for speaker {speaker.name}") from error


# ---- from a synthesiser's sound to a clip ----------------------------------------------------------------


def resample(x: np.ndarray, rate: int, speed: float) -> np.ndarray:
    """Band-limited interpolation to 8 kHz, `speed` times faster; written out so that it never changes."""
    step = rate / SAMPLE_RATE * speed
    cutoff = 0.94 / max(step, 1.0)  # of the input's half rate: nothing above 4 kHz may fold back
    reach = int(np.ceil(24 / cutoff))
    centre = np.arange(int(len(x) / step)) * step
    first = np.floor(centre).astype(int) - reach
    offsets = np.arange(2 * reach + 1)
    distance = first[:, None] + offsets - centre[:, None]
    window = np.cos(np.pi / 2 * np.clip(distance / (reach + 1), -1, 1)) ** 2
    padded = np.pad(x, (reach, reach + 1))
    return (padded[first[:, None] + offsets + reach] * np.sinc(distance * cutoff) * window).sum(1) * cutoff


def loud_frames(x: np.ndarray, floor_db: float, frame: int = 40) -> np.ndarray:
    """Which frames of 5 ms are louder than the loudest one plus `floor_db` (decibels of power)."""
    power = (x[: len(x) // frame * frame].reshape(-1, frame) ** 2).mean(1)
    return power > power.max() * 10 ** (floor_db / 10)


def cut(x: np.ndarray, take: Take, frame: int = 40) -> np.ndarray:
    """The word alone, with the silence asked for on both sides; in a list of two words, one of them."""
    loud = np.flatnonzero(loud_frames(x, take.floor, frame))
    if "," in take.text:
        pause = int(np.argmax(np.diff(loud)))  # the longest pause stands between the words
        if np.diff(loud)[pause] * frame < 0.08 * SAMPLE_RATE:
            raise MakeError(f"no pause found in {take.text!r} ({take})")
        loud = loud[: pause + 1] if take.part == 0 else loud[pause + 1 :]
    start, stop = int(loud[0]) * frame, (int(loud[-1]) + 1) * frame
    padded = np.pad(x, (take.before, take.after))
    word = padded[start : stop + take.before + take.after].copy()
    ramp = np.linspace(0, 1, 80)  # 10 ms: a cut in a synthesiser's faint background must not click
    word[:80] *= ramp
    word[-80:] *= ramp[::-1]
    return word


def clip(sound: np.ndarray, rate: int, take: Take) -> np.ndarray:
    """A synthesiser's sound as the 16-bit samples that are stored."""
    word = cut(resample(sound, rate, take.speed), take)
    word[1:] -= take.tilt * word[:-1]  # the right-hand side is computed whole before it is subtracted
    word = word / np.abs(word).max() * take.peak * 32768
    return (np.round(word / QUANTUM) * QUANTUM).clip(-32768, 32767 // QUANTUM * QUANTUM).astype(np.int16)


def make_speaker(speaker: Speaker) -> dict[str, np.ndarray]:
    """All clips of one speaker, by their path below the data set's folder."""
    wanted = [(digit, number, take) for digit in range(10) for number, take in enumerate(takes_of(speaker, digit))]
    with tempfile.TemporaryDirectory() as folder:
        sounds = synthesise(speaker, [take for _, _, take in wanted], Path(folder))
    return {
        f"data/{speaker.name}/{digit}_{speaker.name}_{number}.flac": clip(sound, rate, take)
        for (digit, number, take), (sound, rate) in zip(wanted, sounds, strict=True)
    }


# ---- folders and manifests -------------------------------------------------------------------------------


def fingerprint(samples: np.ndarray) -> str:
    """SHA-256 of the decoded samples as little-endian 16-bit numbers; independent of the FLAC encoder."""
    return hashlib.sha256(samples.astype("<i2").tobytes()).hexdigest()


def package_versions() -> dict[str, str]:
    """Versions of the Debian packages of synthesisers and voices, where dpkg can tell them."""
    versions = {}
    for name in sorted({"espeak-ng-data", *PACKAGES.values(), *FESTIVAL_VOICES.values()}):
        try:
            done = subprocess.run(
                ["dpkg-query", "-W", "-f", "${Version}", name], capture_output=True, text=True, check=False
            )
        except FileNotFoundError:
            return {}
        if done.returncode == 0 and done.stdout:
            versions[name] = done.stdout
    return versions


def write_set(folder: Path, cast: Sequence[Speaker], jobs: int) -> None:
    """Make the clips of these speakers, their metadata and the manifest in an empty folder."""
    versions = synthesiser_versions(s.synthesiser for s in cast)
    check_voices(cast)
    files: dict[str, dict[str, str | int]] = {}
    with ProcessPoolExecutor(jobs) as pool:
        for speaker, clips in zip(cast, pool.map(make_speaker, cast), strict=True):
            (folder / "data" / speaker.name).mkdir(parents=True)
            for path, samples in clips.items():
                sf.write(
                    folder / path,
                    samples,
                    SAMPLE_RATE,
                    subtype="PCM_16",
                    format="FLAC",
                    compression_level=1.0,
                )
                files[path] = {"samples": len(samples), "sha256": fingerprint(samples)}
            print(f"speaker {speaker.name}: {speaker.accent}, {speaker.variant}", flush=True)
    meta = {s.name: metadata(s, versions) for s in cast}
    (folder / META).write_text(json.dumps(meta, indent=1) + "\n", encoding="utf-8")
    head = {
        "made_by": "data/make_builtin.py",
        "seed": SEED,
        "sample_rate": SAMPLE_RATE,
        "takes": TAKES,
        "clips": len(files),
        "samples": sum(int(f["samples"]) for f in files.values()),
        "synthesisers": versions,
        "debian_packages": package_versions(),
    }
    # One line per file keeps both the manifest small and its differences readable.
    lines = ",\n".join(f"  {json.dumps(path)}: {json.dumps(files[path])}" for path in sorted(files))
    text = json.dumps(head, indent=1)[:-2] + ',\n "files": {\n' + lines + "\n }\n}\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")


def read_manifest(folder: Path) -> dict:
    """The manifest of a folder; MakeError when there is none or it is broken."""
    try:
        return json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MakeError(f"{folder} has no readable {MANIFEST}: {error}") from error


def make(out: Path, cast: Sequence[Speaker], jobs: int) -> None:
    """Make a set beside `out` and rename it into place, so that a run that fails leaves the old set whole."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        others = {path.split("/")[1] for path in read_manifest(out)["files"]} - {s.name for s in cast}
        if others:
            raise MakeError(f"{out} holds speakers that were not asked for ({min(others)}, ...): take another --out")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as temporary:
        fresh = Path(temporary) / "new"
        fresh.mkdir()
        write_set(fresh, cast, jobs)
        if out.exists():
            out.rename(Path(temporary) / "old")
        fresh.rename(out)


def meta_differences(folder: Path) -> list[str]:
    """What in audioMNIST_meta.txt is not as this script would write it."""
    manifest = read_manifest(folder)
    cast = speakers()
    names = sorted({path.split("/")[1] for path in manifest["files"]})
    try:
        found = json.loads((folder / META).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return [f"{META}: cannot be read ({error})"]
    same = found == {name: metadata(cast[name], manifest["synthesisers"]) for name in names}
    return [] if same else [f"{META}: other entries than this script writes"]


def differences(folder: Path) -> list[str]:
    """What on disk differs from the manifest, one sentence each; empty when nothing does."""
    expected = read_manifest(folder)["files"]
    found = {path.relative_to(folder).as_posix() for path in folder.glob("data/*/*") if path.is_file()}
    problems = [f"{path}: in the manifest, not on disk" for path in sorted(set(expected) - found)]
    problems += [f"{path}: on disk, not in the manifest" for path in sorted(found - set(expected))]
    problems += meta_differences(folder)
    for path in sorted(found & set(expected)):
        try:
            samples, rate = sf.read(folder / path, dtype="int16")
        except sf.LibsndfileError as error:
            problems.append(f"{path}: cannot be read ({error})")
            continue
        if rate != SAMPLE_RATE or samples.ndim != 1:
            problems.append(f"{path}: not mono at {SAMPLE_RATE} Hz")
        elif fingerprint(samples) != expected[path]["sha256"]:
            problems.append(f"{path}: other samples than in the manifest")
    return problems


# ---- measuring -------------------------------------------------------------------------------------------

# Audio-MNIST's published groups of twelve speakers; each is held out once.
FOLDS = (
    (5, 13, 18, 22, 26, 32, 33, 42, 45, 51, 52, 60),
    (1, 6, 7, 16, 19, 23, 28, 34, 35, 46, 53, 56),
    (2, 8, 9, 17, 24, 29, 36, 37, 39, 48, 54, 57),
    (3, 10, 14, 20, 25, 30, 38, 40, 43, 49, 55, 58),
    (4, 11, 12, 15, 21, 27, 31, 41, 44, 47, 50, 59),
)


def mean_mfcc(x: np.ndarray) -> np.ndarray:
    """The report's feature: the mean over time of 40 MFCCs; (samples,) -> (40,)."""
    import librosa

    mfcc = librosa.feature.mfcc(y=x, sr=SAMPLE_RATE, n_mfcc=40, n_fft=512, hop_length=128, n_mels=64)
    return mfcc.mean(axis=1)


def load_features(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features (clips, 40), digits (clips,) and speaker numbers (clips,) of a made set."""
    paths = sorted(read_manifest(folder)["files"])
    features = [mean_mfcc(sf.read(folder / path, dtype="float32")[0]) for path in paths]
    names = [Path(path).stem.split("_") for path in paths]
    return np.array(features), np.array([int(n[0]) for n in names]), np.array([int(n[1]) for n in names])


def load_real(archive: Path) -> tuple[np.ndarray, np.ndarray]:
    """Features and digits of the Free Spoken Digit Dataset, from its zip file."""
    import zipfile

    features, digits = [], []
    with zipfile.ZipFile(archive) as stored:
        for name in sorted(n for n in stored.namelist() if n.endswith(".wav")):
            features.append(mean_mfcc(sf.read(io.BytesIO(stored.read(name)), dtype="float32")[0]))
            digits.append(int(Path(name).name.split("_")[0]))
    return np.array(features), np.array(digits)


def measure(folder: Path, real: Path | None) -> list[tuple[str, str, str]]:
    """Accuracies as rows (split, SVM, MLP): mean and standard deviation over the repetitions of a split."""
    try:
        import librosa  # noqa: F401
    except ImportError as error:
        raise MakeError("--measure needs librosa, which the course's environment has") from error
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    x, digits, who = load_features(folder)
    cast = speakers()
    everyone, espeaks = (
        np.arange(len(x)),
        np.array([cast[f"{n:02d}"].synthesiser == "espeak-ng" for n in who]),
    )
    splits: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {"by recording, 70/15/15, 5 draws": []}
    for seed in range(5):
        train, rest = train_test_split(everyone, train_size=0.7, stratify=digits, random_state=seed)
        _, test = train_test_split(rest, test_size=0.5, stratify=digits[rest], random_state=seed)
        splits["by recording, 70/15/15, 5 draws"].append((train, test))
    held = [np.isin(who, fold) for fold in FOLDS]
    splits["12 of 60 speakers held out, 5 folds"] = [(everyone[~h], everyone[h]) for h in held]
    splits["trained on espeak-ng, tested on the others"] = [(everyone[espeaks], everyone[~espeaks])]
    if real is not None:
        real_x, real_digits = load_real(real)
        splits["trained on all, tested on real speech (FSDD)"] = [(everyone, np.arange(len(real_x)) + len(x))]
        x, digits = np.vstack([x, real_x]), np.concatenate([digits, real_digits])
    rows = []
    for title, pairs in splits.items():
        cells = []
        for kind in ("svm", "mlp"):
            scores = []
            for seed, (train, test) in enumerate(pairs):
                model = SVC(C=10) if kind == "svm" else MLPClassifier((128,), max_iter=400, random_state=seed)
                fitted = make_pipeline(StandardScaler(), model).fit(x[train], digits[train])
                scores.append(100 * fitted.score(x[test], digits[test]))
            spread = f" ± {np.std(scores):.1f}" if len(scores) > 1 else ""
            cells.append(f"{np.mean(scores):.1f} %{spread}")
        rows.append((title, cells[0], cells[1]))
    return rows


# ---- the command line ------------------------------------------------------------------------------------


def parse_speakers(text: str) -> list[str]:
    """'01-03,07' -> ['01', '02', '03', '07']; MakeError on anything that is not within 01-60."""
    chosen: set[int] = set()
    for piece in text.split(","):
        found = re.fullmatch(r"(\d{1,2})(?:-(\d{1,2}))?", piece.strip())
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
        if not 1 <= first <= last <= 60:
            raise MakeError(f"--speakers: {piece.strip()!r} is neither a number nor a range within 01-60")
        chosen.update(range(first, last + 1))
    return [f"{n:02d}" for n in sorted(chosen)]


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="folder of the set (default: data/builtin)")
    parser.add_argument("--speakers", default="01-60", help="which to make, such as 01-60 or 03,07-09")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time (default: 1)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="compare what is on disk with its manifest")
    what.add_argument("--measure", action="store_true", help="accuracy of simple classifiers on the set")
    parser.add_argument("--real", type=Path, help="with --measure: the zip of FSDD, to test on real speech too")
    options = parser.parse_args(argv)
    try:
        if options.check:
            problems = differences(options.out)
            print("\n".join(problems) or "all clips are as the manifest says")
            return 1 if problems else 0
        if options.measure:
            for title, svm, mlp in [("split", "SVM", "MLP"), *measure(options.out, options.real)]:
                print(f"{title:46} {svm:>16} {mlp:>16}")
            return 0
        if options.jobs < 1:
            raise MakeError("--jobs must be at least 1")
        cast = speakers()
        make(options.out.resolve(), [cast[name] for name in parse_speakers(options.speakers)], options.jobs)
        return 0
    except (MakeError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
