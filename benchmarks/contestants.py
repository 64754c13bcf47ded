"""The contestants of :mod:`benchmarks.bench`: each runs alone in a fresh process, so that its memory is its own.

``python -m benchmarks.contestants NAME --set key=value ...`` prints one JSON object as its last line.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

WARM_UP = 20  # clips that are computed before the clock starts: lazy imports, compiled code, FFT plans


def peak_mb() -> float:
    """Largest resident memory of this process so far, in MB (10^6 bytes).

    ``ru_maxrss`` of a new process begins at what its parent held when it started it, so the kernel's mark for this
    process alone is taken where there is one.
    """
    with contextlib.suppress(OSError), open("/proc/self/status", encoding="ascii") as stream:
        for line in stream:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024  # bytes on macOS, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


# ----------------------------------------------------------------------------------------------------- the MFCCs


def _mfcc_a2d():
    from a2d import features

    return lambda clips: features.mfcc_means(clips)


def _mfcc_numpy():
    import numpy as np

    from a2d import features

    return lambda clips: np.stack([features.mfcc_mean(clips[i].samples) for i in range(len(clips))])


def _mfcc_librosa():
    import librosa
    import numpy as np

    settings = {"sr": 8000, "n_mfcc": 40, "n_fft": 512, "hop_length": 128, "n_mels": 64}
    mfcc = librosa.feature.mfcc
    return lambda clips: np.stack([mfcc(y=clips[i].samples, **settings).mean(axis=1) for i in range(len(clips))])


def _mfcc_kaldi():
    """As close as kaldi goes: its own mel scale, natural logarithm, and no cut at 80 dB below the maximum."""
    import kaldi_native_fbank as knf
    import numpy as np

    options = knf.MfccOptions()
    options.frame_opts.samp_freq = 8000
    options.frame_opts.frame_length_ms, options.frame_opts.frame_shift_ms = 64.0, 16.0  # 512 and 128 samples
    options.frame_opts.dither, options.frame_opts.preemph_coeff = 0.0, 0.0
    options.frame_opts.window_type, options.frame_opts.remove_dc_offset = "hanning", False
    options.frame_opts.snip_edges = False
    options.mel_opts.num_bins, options.mel_opts.low_freq = 64, 0.0
    options.num_ceps, options.use_energy, options.cepstral_lifter = 40, False, 0.0

    def one(samples) -> np.ndarray:
        mfcc = knf.OnlineMfcc(options)
        mfcc.accept_waveform(8000, samples)
        mfcc.input_finished()
        return np.mean([mfcc.get_frame(i) for i in range(mfcc.num_frames_ready)], axis=0)

    return lambda clips: np.stack([one(clips[i].samples) for i in range(len(clips))])


MFCC = {"a2d": _mfcc_a2d, "numpy": _mfcc_numpy, "librosa": _mfcc_librosa, "kaldi": _mfcc_kaldi}


def mfcc(args: dict[str, str]) -> dict:
    """Mean MFCCs of all clips by one contestant, ``passes`` times; the result is saved for comparison."""
    import numpy as np

    from a2d import audio

    stored = np.load(args["clips"])
    clips = audio.Clips(stored["samples"], stored["offsets"], 8000)
    compute = MFCC[args["who"]]()
    compute(audio.Clips.join([clips[i].samples for i in range(min(WARM_UP, len(clips)))], 8000))
    loaded, seconds, cpu = peak_mb(), [], []
    for _ in range(int(args["passes"])):
        start, busy = time.perf_counter(), time.process_time()
        means = compute(clips)
        seconds.append(time.perf_counter() - start)
        cpu.append(time.process_time() - busy)
    np.save(args["out"], means)
    return {"seconds": seconds, "cpu_seconds": cpu, "loaded_mb": loaded, "peak_mb": peak_mb()}


# -------------------------------------------------------------------------------------- from files to 82.29 %


def pipeline(args: dict[str, str]) -> dict:
    """The recipe ``report`` from sound files to the target accuracy on the test set, without any cache."""
    import torch

    from a2d import audio, datasets, features, training
    from a2d.lab import models, recipes, runs
    from a2d.lab.kinds.generator import GeneratorTask
    from a2d.pairing import Targets

    del runs  # imported as `a2d train` does, before the clock starts
    recipe, seed = recipes.load("report"), int(args["seed"])
    if int(args["epochs"]) < recipe.training.epochs:
        recipe = replace(recipe, training=replace(recipe.training, epochs=int(args["epochs"])))
    judge = models.load(args["judge"], "evaluator").net
    start = time.perf_counter()
    data = datasets.load_spoken(args["data"])
    clips = audio.load_many([r.path for r in data.recordings], recipe.features.sample_rate)
    vectors = torch.from_numpy(features.mfcc_means(clips, recipe.features))
    seconds = {"features": time.perf_counter() - start}
    start = time.perf_counter()
    images, labels = (
        datasets.read_idx(Path(args["mnist"]) / f"train-{n}-ubyte") for n in ("images-idx3", "labels-idx1")
    )
    targets = Targets(images, labels)
    seconds["images"] = time.perf_counter() - start
    start = time.perf_counter()
    split, digits = datasets.split_by_recording(len(data), seed), torch.from_numpy(data.digits)
    train, test = torch.from_numpy(split.train), torch.from_numpy(split.test)

    class Timed(GeneratorTask):
        """The task as it is, with a clock on its check."""

        checking = 0.0

        def validate(self, rng: torch.Generator) -> dict[str, float]:
            begin = time.perf_counter()
            numbers = super().validate(rng)
            self.checking += time.perf_counter() - begin
            return numbers

    held_out = vectors[test], digits[test]
    task = Timed(recipe, vectors[train], digits[train], targets, seed=seed, validation=held_out, evaluator=judge)
    goal = float(args["target"])
    history = training.fit(task, recipe.training, seed=seed, on_epoch=lambda _, n: n["accuracy"] >= goal)
    seconds["training"] = time.perf_counter() - start - task.checking
    accuracy = history.series["accuracy"]
    return {"seconds": seconds, "history": accuracy, "reached": accuracy[-1] >= goal, "peak_mb": peak_mb()}


def plain(args: dict[str, str]) -> dict:
    """:mod:`benchmarks.plain`, with its peak memory."""
    from benchmarks import plain as peer

    names = {"data": Path, "mnist": Path, "judge": Path, "epochs": int, "seed": int, "target": float, "workers": int}
    result = peer.run(argparse.Namespace(**{key: convert(args[key]) for key, convert in names.items()}))
    return {**result, "peak_mb": peak_mb()}


# ---------------------------------------------------------------------------------------------------------- draw


def draw_loaded(args: dict[str, str]) -> dict:
    """Milliseconds of each ``draw_file``, once everything is loaded and one clip has been drawn."""
    from a2d.draw import Artist, Writer

    files = [p for p in sorted(Path(args["data"]).rglob("*.wav")) if p.is_file()]
    files = files[:: max(1, len(files) // int(args["files"]))][: int(args["files"])]
    artist = Writer(anyway=True) if args["model"] == "hands" else Artist(args["model"], args["judge"])
    artist.draw_file(files[0])
    loaded, milliseconds = peak_mb(), []
    for path in files:
        start = time.perf_counter()
        artist.draw_file(path)
        milliseconds.append(1e3 * (time.perf_counter() - start))
    return {"milliseconds": milliseconds, "loaded_mb": loaded, "peak_mb": peak_mb()}


# ------------------------------------------------------------------------------------------------------ the ears

_GRAMMAR = (
    "#JSGF V1.0; grammar digits; public <digit> = zero | one | two | three | four | five | six | seven | eight | nine;"
)
_WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_MARGIN_S = 0.3  # of silence on both sides: pocketsphinx's models expect some, and a short word may be all there is


def _ear_a2d():
    import torch

    from a2d.ears.cnn import window_of
    from a2d.lab import models

    ear = models.load("ear", "ear").net

    def hear(samples) -> int:
        heard = ear.hear(torch.from_numpy(window_of(samples, ear.config.n_samples))[None])
        return int(heard.says.argmax())

    return hear, ear.config.sample_rate


def _ear_pocketsphinx():
    import numpy as np
    import pocketsphinx

    rate = 16000
    decoder = pocketsphinx.Decoder(samprate=rate, lm=None, loglevel="FATAL")
    decoder.add_jsgf_string("digits", _GRAMMAR)
    decoder.activate_search("digits")

    def hear(samples) -> int:
        loudest = 0.9 / max(1e-9, float(np.abs(samples).max()))
        pcm = np.pad((samples * loudest * 32767).astype(np.int16), round(_MARGIN_S * rate))
        decoder.start_utt()
        decoder.process_raw(pcm.tobytes(), full_utt=True)
        decoder.end_utt()
        found = decoder.hyp()
        return _WORDS.index(found.hypstr) if found and found.hypstr in _WORDS else -1

    return hear, rate


def listen(args: dict[str, str]) -> dict:
    """Name some recordings of strangers (or of the built-in voices), one by one; reading the files is not timed."""
    import numpy as np

    from a2d import audio, datasets
    from a2d.lab.kinds.ear import split_for

    hear, rate = {"a2d": _ear_a2d, "pocketsphinx": _ear_pocketsphinx}[args["who"]]()
    data = datasets.load_spoken(args["data"])
    which = split_for(data, 0).test if args["data"] == "speechcommands" else np.arange(len(data))
    which = np.random.default_rng(0).permutation(which)[: int(args["files"])]
    clips = [audio.prepare(audio.load(data.recordings[i].path), rate) for i in which]
    hear(clips[0])
    loaded, milliseconds, right = peak_mb(), [], 0
    for clip, said in zip(clips, data.digits[which], strict=True):
        start = time.perf_counter()
        named = hear(clip)
        milliseconds.append(1e3 * (time.perf_counter() - start))
        right += named == said
    share = right / len(clips)
    return {"milliseconds": milliseconds, "right": share, "loaded_mb": loaded, "peak_mb": peak_mb()}


# ----------------------------------------------------------------------------------------- what all of them need


def setup(args: dict[str, str]) -> dict:
    """Find data and models, make what ``--quick`` needs, and describe the machine.

    ``fsdd`` and ``mnist`` are folders or None, ``model_error`` and ``judge_error`` what is wrong with the models.
    """
    from a2d.errors import A2DError
    from a2d.io import fetching
    from a2d.lab import models

    found: dict[str, object] = {"machine": machine(), "model": args["model"], "judge": args["judge"]}
    if args["quick"] == "True":
        models = prepare_models(Path(args["folder"]))
        return {
            **found,
            "fsdd": None,
            "mnist": None,
            "speechcommands": None,
            **models,
            "model_error": None,
            "judge_error": None,
        }
    for name in ("fsdd", "mnist", "speechcommands"):
        folder = fetching.find(name)
        found[name] = str(folder) if folder else None
    for key, kinds in (("model", ("generator",)), ("judge", ("evaluator", "finetune"))):
        found[f"{key}_error"] = None
        try:
            found[key] = str(models.load(args[key], *kinds).path.resolve())
        except A2DError as error:
            found[f"{key}_error"] = str(error)
    return found


def prepare_builtin(args: dict[str, str]) -> dict:
    """Write built-in recordings as 8 kHz WAV files and scikit-learn's digits as IDX files, in MNIST's layout."""
    import struct

    import numpy as np
    import soundfile

    from a2d import audio, datasets

    folder, limit = Path(args["folder"]), int(args["limit"])
    (folder / "recordings").mkdir(parents=True)
    data = datasets.load_spoken("builtin")
    some = np.random.default_rng(0).permutation(len(data))[:limit]
    for r in (data.recordings[i] for i in some):
        clip = audio.load(r.path, 8000)
        soundfile.write(folder / "recordings" / f"{r.digit}_{r.speaker}_{r.take}.wav", clip.samples, 8000, "PCM_16")
    images = datasets.load_images("builtin")
    head = struct.pack(">4I", 0x803, *images.pixels.shape)
    (folder / "train-images-idx3-ubyte").write_bytes(head + images.pixels.tobytes())
    head = struct.pack(">2I", 0x801, len(images))
    (folder / "train-labels-idx1-ubyte").write_bytes(head + images.labels.astype(np.uint8).tobytes())
    return {"recordings": len(some)}


def prepare_models(folder: Path) -> dict[str, str]:
    """Write an untrained generator and an evaluator that has seen few images: enough for ``--quick``."""
    import torch
    from torch.nn.functional import nll_loss

    from a2d import datasets
    from a2d.evaluator import normalise
    from a2d.lab import models, recipes

    torch.manual_seed(0)
    images, recipe = datasets.load_images("builtin"), recipes.load("evaluator")
    net = models.build("evaluator", recipe.as_dict())
    inputs, labels = normalise(images.pixels), torch.tensor(images.labels)
    for some in torch.randperm(len(labels)).split(32):
        net.zero_grad()
        nll_loss(net(inputs[some]), labels[some]).backward()
        with torch.no_grad():  # plain gradient descent: making an optimiser imports torch's compiler, for seconds
            for p in net.parameters():
                p -= 0.05 * p.grad
    models.save(folder / "judge.safetensors", net, {"kind": "evaluator", "recipe": recipe.as_dict()})
    recipe = recipes.load("report")
    net = models.build("generator", recipe.as_dict())
    models.save(folder / "model.safetensors", net, {"kind": "generator", "recipe": recipe.as_dict()})
    return {"model": str(folder / "model.safetensors"), "judge": str(folder / "judge.safetensors")}


def read_clips(args: dict[str, str]) -> dict:
    """Read all recordings of a folder once and store them end to end, so that every contestant gets the same arrays."""
    import numpy as np

    from a2d import datasets

    clips = datasets.load_spoken(args["data"]).clips(8000)
    np.savez(args["out"], samples=clips.samples, offsets=clips.offsets)
    return {"clips": len(clips), "minutes_of_sound": len(clips.samples) / 8000 / 60}


def machine() -> dict:
    """What the numbers depend on; nothing here names the machine, a path or a date."""
    import torch

    cpu = platform.processor() or platform.machine()
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as stream:
        cpu = next((line.split(":")[1].strip() for line in stream if line.startswith("model name")), cpu)
    names = ("torch", "numpy", "librosa", "kaldi-native-fbank", "scikit-learn")
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: version(name) for name in names},
    }


JOBS: dict[str, Callable[[dict[str, str]], dict]] = {
    f.__name__: f for f in (mfcc, pipeline, plain, draw_loaded, listen, setup, prepare_builtin, read_clips)
}


def main() -> None:
    """Run one job and print its result as the last line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("job", choices=sorted(JOBS))
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE")
    args = parser.parse_args()
    print(json.dumps(JOBS[args.job](dict(item.split("=", 1) for item in args.set))))


if __name__ == "__main__":
    main()
