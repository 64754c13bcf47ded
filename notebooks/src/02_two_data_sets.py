# %% [markdown]
# # 02 Two data sets, one label
#
# {badges}
#
# About 75 min, CPU, needs 01.
#
# A voice says "seven", and a hand has written a 7.
# Nobody recorded the two together; only the label joins them.
# This lecture looks at both data sets, and asks what a test on them can promise.

# %% [markdown]
# ## You will be able to
#
# - describe recordings and images by counts, durations, levels and ink, with their units
# - say what joins a sound and a picture here, and what does not
# - standardise features without letting the test part leak in
# - split by recording and by speaker, and measure what each split leaks
# - measure how well a network names the digit from 40 numbers, and say how that bounds every generator
#
# ## Before you start
#
# You need the mean MFCC vector from lecture 01, mean and standard deviation, and a little probability.
#
# ## Where we are
#
# **sound → features** → encoder → latent → decoder → **picture** → evaluator → digit
#
# Lecture 02 looks at what comes in and at what should come out, before anything is trained to join them.

# %% [markdown] id="91d062add7"
# ## Set-up
#
# This cell checks that everything is there.
# Where something is missing, it says what to do.

# %% id="setup"
try:
    import a2d
    from a2d.lab import setup, show
except ImportError as error:
    message = 'Missing or too old. In the course folder, run: pip install -e ".[course]"'
    raise ImportError(message) from error

setup()

# %% [markdown]
# These parameters hold for the whole lecture.
# `FAST` keeps it short, `SEED` fixes everything random, and `DATA` is the set of recordings.

# %% id="parameters" tags=["parameters"]
FAST = True
SEED = 0
DATA = "builtin"

# %% [markdown]
# ## 1. Who speaks, and how often?
#
# The report used Audio-MNIST: 60 people say each digit 50 times, 30,000 recordings.
# That is too much to bring along, so the course has its own set, `builtin`, in the same layout.
# A third one, the Free Spoken Digit Dataset (`fsdd`), can be fetched.
#
# One recording is one digit by one speaker; the repetitions are its *takes*.

# %% id="load" tags=["nbval-check-output"]
from collections import Counter

import numpy as np

from a2d import datasets

spoken = datasets.load_spoken(DATA)
takes = len(set(spoken.takes.tolist()))
speakers = spoken.speaker_names
print(f"{len(spoken):,} recordings = {len(speakers)} speakers x 10 digits x {takes} takes")
known = [spoken.metadata.get(name, {}) for name in speakers]
print("who speaks:", dict(Counter(facts.get("synthesiser", "a person") for facts in known)))

# %% [markdown]
# **Programs speak the built-in recordings, not people.**
# Several of their 60 voices share one set of rules or one recorded voice (see `data/README.md`).
# So a voice that was held out is less new than a person would be.
# FSDD has real people, but only six.
#
# Listen to one digit by three voices.
# What stays the same, and what changes?

# %% id="listen"
from IPython.display import Audio, display

from a2d import audio

first = spoken.speaker_names[0], spoken.speaker_names[1], spoken.speaker_names[-1]
for name in first:
    take = next(r for r in spoken.recordings if (r.speaker, r.digit) == (name, 3))
    clip = audio.load(take.path)
    print(f"speaker {name} says {take.digit}, {clip.seconds:.2f} s")
    display(Audio(clip.samples, rate=clip.rate))

# %% [markdown]
# ### Is each digit said equally often?
#
# If nine of ten recordings said "one", a network that always answers 1 would be right nine times out of ten.
# So we count first: recordings by speaker and digit, and images by class.
#
# The handwriting that goes with `builtin` is the set of digits that scikit-learn ships, enlarged to 28 × 28 pixels.
# With `fsdd` it is MNIST.

# %% id="counts" tags=["nbval-check-output"]
from a2d.lab import runs

images = datasets.load_images(runs.images_for(DATA, None))
rows = [spoken.digits[spoken.speakers == name] for name in spoken.speaker_names]
by_speaker = np.array([np.bincount(row, minlength=10) for row in rows])
by_class = np.bincount(images.labels, minlength=10)
print(f"table of recordings {by_speaker.shape}: from {by_speaker.min()} to {by_speaker.max()}")
print("images by class:", by_class, "together:", by_class.sum())

# %% [markdown]
# The recordings are balanced by design: each speaker said each digit equally often.
# The images are not quite.
# Could such counts be chance? The *chi-square statistic* compares them with equal ones:
#
# $$X^2 = \sum_{k=0}^{9} \frac{(O_k - E)^2}{E}$$
#
# - $O_k$: how many items of class $k$ there are
# - $E$: how many there would be if all classes had equally many, a tenth of the sum
# - $X^2$: 0 if all counts are equal; about 9 on average if each item's class is drawn with equal chances
#
# The *p-value* is the probability of an $X^2$ at least so large, if the chances are equal.

# %% id="chi-square" tags=["nbval-check-output"]
from scipy import stats

for name, O_k in {"recordings": by_speaker.sum(axis=0), "images": by_class}.items():
    E = O_k.sum() / 10
    X2 = ((O_k - E) ** 2 / E).sum()
    theirs = stats.chisquare(O_k)
    print(f"{name}: X2 = {X2:.1f}, p = {theirs.pvalue:.2f}", end=", ")
    print(f"classes of {O_k.min() / O_k.sum():.1%} to {O_k.max() / O_k.sum():.1%}", end=", ")
    print("same as scipy:", np.isclose(X2, theirs.statistic))

# %% [markdown]
# Two readings, and you need both.
# The p-value says whether chance explains the counts.
# The shares say whether it matters: with very many images, a harmless difference gets a tiny p-value.
# (MNIST is such a case: set `DATA = "fsdd"` to see it.)
#
# With classes of nearly equal size, guessing is right in about 1 of 10 cases.

# %% [markdown]
# ## 2. How long, and how loud?
#
# Does the length give the digit away? Or the loudness, perhaps?
#
# $$T = \frac{N}{r}, \qquad L = 20 \log_{10} \frac{\sqrt{\frac1N \sum_{n=0}^{N-1} x[n]^2}}{1}$$
#
# - $x[n]$: the samples; 1 is full scale
# - $N$: their number; $r$: the sampling rate in Hz
# - $T$: the duration in seconds
# - $L$: the level in *dBFS*, decibels relative to full scale: the reference is a root mean square (RMS) of 1
#
# The logarithm has base 10, and its factor is 20 because the ratio is one of amplitudes.
# On this scale a sine that just reaches full scale has −3.0 dBFS.
# (Some programs call that 0 dBFS; then all levels are 3.0 dB higher. Always say the reference.)

# %% id="levels" tags=["nbval-check-output"]
import librosa

r = 8000
clips = spoken.clips(r)
waves = [clips[i].samples.astype(float) for i in range(len(clips))]
T = np.array([len(x) / r for x in waves])
L = np.array([20 * np.log10(np.sqrt(np.mean(x**2))) for x in waves])
x = waves[0]
rms = librosa.feature.rms(y=x, frame_length=len(x), hop_length=len(x), center=False)
print("same as librosa:", np.allclose(librosa.amplitude_to_db(rms, ref=1.0), L[0]))
sine = np.sin(2 * np.pi * 440 * np.arange(r) / r)
print(f"a sine of amplitude 1: {20 * np.log10(np.sqrt(np.mean(sine**2))):.1f} dBFS")
print(f"from {T.min():.2f} to {T.max():.2f} s, from {L.min():.0f} to {L.max():.0f} dBFS")

# %% id="levels-figure"
from a2d.figures import f02_datasets

show(f02_datasets.lengths_and_levels(T, L, spoken.digits, spoken.speakers))

# %% [markdown]
# Each title says how much a label *explains* of the variance:
#
# $$\eta^2 = \frac{\sum_i (\bar v_{g(i)} - \bar v)^2}{\sum_i (v_i - \bar v)^2}$$
#
# - $v_i$: the duration or level of recording $i$
# - $g(i)$: its group, a digit or a speaker; $\bar v_{g}$: the mean of the group $g$
# - $\bar v$: the mean of all
# - $\eta^2$: 0 if all groups have the same mean, 1 if nothing varies within the groups
#
# It is also the $R^2$ of a regression on the groups, which is our check.

# %% id="explained" tags=["nbval-check-output"]
from sklearn.linear_model import LinearRegression

kinds = {"digit": spoken.digits.astype(str), "speaker": spoken.speakers}
for what, v in {"duration": T, "level": L}.items():
    for kind, g in kinds.items():
        mean_of_group = {name: v[g == name].mean() for name in set(g)}
        between = sum((mean_of_group[name] - v.mean()) ** 2 for name in g)
        eta2 = between / ((v - v.mean()) ** 2).sum()
        member = (g[:, None] == np.unique(g)).astype(float)
        same = np.isclose(eta2, LinearRegression().fit(member, v).score(member, v))
        print(f"{what}: the {kind} explains {eta2:.0%}, same as the regression: {same}")

# %% [markdown]
# The level hardly says *what* is spoken; it says *who* speaks and, with people, how near the microphone was.
# The length says a little of both.
#
# That matters, because the features carry the level.
# Twice the amplitude is $20 \log_{10} 2 = 6.02$ dB more in every mel band.
# The cosine transform of a constant is coefficient 0 alone.
# With $M$ mel bands and the scale $\sqrt{1/M}$ of lecture 01, it grows by $6.02 \sqrt{M}$.
#
# - $M$: the number of mel bands, 64 here

# %% id="loudness" tags=["nbval-check-output"]
from a2d import features

config = features.MfccConfig()
change = features.mfcc_mean(2 * waves[0], config) - features.mfcc_mean(waves[0], config)
expected = np.zeros(40)
expected[0] = 20 * np.log10(2) * np.sqrt(config.n_mels)
print(f"coefficient 0 grows by {change[0]:.1f}, expected {expected[0]:.1f}")
print("and no other changes:", np.allclose(change, expected, atol=1e-3))

# %% [markdown]
# So one of the 40 numbers holds the loudness, and with it a trace of the speaker.
#
# ### What does trimming silence do?
#
# The mean over time counts every frame, silent ones too.
# A pause before the word would then change the features, although the word is the same.
# So silence at both ends is cut off first:
#
# - cut the recording into frames of 20 ms, and take the mean of $x[n]^2$ in each, its *energy*
# - a frame is *sound* if its energy is at most 35 dB below that of the loudest frame
# - keep all from the first frame of sound to the last one, and 0.05 s more on each side
#
# `audio.trim_silence` has one more rule.
# Of sounds that are more than 0.25 s apart, only those around the loudest frame are kept.


# %% id="trim" tags=["nbval-check-output"]
def span(x, r, below=35.0, margin=0.05):
    hop, extra = r // 50, int(margin * r)
    energy = (x[: len(x) // hop * hop].reshape(-1, hop) ** 2).mean(axis=1)
    sound = np.flatnonzero(energy >= energy.max() * 10 ** (-below / 10))
    return max(0, sound[0] * hop - extra), min(len(x), (sound[-1] + 1) * hop + extra)


spans = np.array([span(x, r) for x in waves])
kept = (spans[:, 1] - spans[:, 0]) / r
theirs = np.array([audio.trim_silence(clips[i]).seconds for i in range(len(clips))])
same = np.isclose(kept, theirs).sum()
print(f"as long as audio.trim_silence leaves it: {same:,} of {len(T):,} recordings")

# %% id="trim-figure"
cut_off = T - kept
shorter = np.flatnonzero(cut_off > 0)
by_loss = shorter[np.argsort(cut_off[shorter])]
pieces, limits = {}, {}
chosen = {"loses most": by_loss[-1], "in the middle": by_loss[len(by_loss) // 2]}
for what, i in chosen.items():
    name = f"{what}: {spoken.recordings[i].path.stem} (digit_speaker_take)"
    pieces[name], limits[name] = waves[i], tuple(spans[i].tolist())
show(f02_datasets.trimmed(pieces, limits, r))

# %% [markdown]
# Is it only silence that is cut off?
# Listen to what the first one has lost; the player makes it as loud as it can.

# %% id="listen-cut"
start, stop = spans[by_loss[-1]]
whole = waves[by_loss[-1]]
Audio(np.concatenate([whole[:start], whole[stop:]]), rate=r)

# %% [markdown]
# If only silence were cut off, it would not matter which digit is spoken.

# %% id="trim-by-digit" tags=["nbval-check-output"]
lost = np.bincount(spoken.digits, cut_off) / np.bincount(spoken.digits, T)
print(f"cut off: {cut_off.sum() / T.sum():.1%} of all time", end=", ")
print(f"from {(cut_off > 0).mean():.0%} of the recordings")
print("by digit:", ", ".join(f"{d}: {share:.1%}" for d, share in enumerate(lost)))

# %% [markdown]
# It does matter: a six is among the digits that lose most.
# Its *s* at either end is soft at this sampling rate, and can lie more than 35 dB below the vowel.
# So sometimes a part of the word is cut off as if it were silence.
# A lower bound would keep it, and keep more noise as well.
#
# Does trimming help, then?
# We add half a second of silence to 50 recordings, and see how far the mean MFCC vector moves.
# The yardstick is another take of the same digit by the same speaker.
#
# Distances here are Euclidean, between vectors of 40 raw mean MFCCs.


# %% id="silence" tags=["nbval-check-output"]
def m(x, trim):
    x = audio.prepare(audio.Clip(x.astype(np.float32), r), r) if trim else x
    return features.mfcc_mean(x, config)


some = np.random.default_rng(SEED).choice(np.flatnonzero(spoken.takes == 0), 50)
pause = np.zeros(r // 2)
moved = []
for i in some:  # recordings are sorted by take, so i + 1 is the next take
    longer = np.concatenate([waves[i], pause])
    plain, trimmed = m(longer, False) - m(waves[i], False), m(longer, True) - m(waves[i], True)
    moved.append([plain, trimmed, m(waves[i + 1], True) - m(waves[i], True)])
medians = np.median(np.linalg.norm(moved, axis=2), axis=0)
print("median distance from the recording as it was:")
names = "with silence", "the same, trimmed", "another take"
for name, median in zip(names, medians, strict=True):
    print(f"  {name}: {median:.0f}")

# %% [markdown]
# Without trimming, half a second of silence moves the vector more than another take of the word does.
# With trimming, only a small part of that is left.
#
# This choice has a price that one should say aloud.
# Trimming was chosen because it made the audio network of section 5 better *on test recordings* (see `README.md`).
# A choice made on test data makes the test somewhat too kind.

# %% [markdown]
# ## 3. What does the handwriting look like, and what joins the two?
#
# - *ink*: the mean of an image's $28 \times 28$ pixels, from 0 (black) to 1 (all white); it has no unit

# %% id="handwriting-figure"
few = slice(0, 10_000)  # enough for the figure; MNIST has 60,000
show(f02_datasets.handwriting(images.pixels[few] / 255, images.labels[few], seed=SEED))

# %% [markdown]
# Within a class, hands differ: slant, width, the bar of the 7.
# The mean image of a class is blurred, because strokes of different hands lie side by side in it.
# You can still read it.
# Keep these mean images in mind: lecture 04 proves that they are what the report's loss asks for.
#
# ### Is this what the files hold?
#
# Rows and columns exchanged, or labels moved by one place: a figure may not show it.
# So another program reads the same files: torchvision, PyTorch's library for pictures.
# It knows MNIST's file format, *IDX*.
# A file begins with whole numbers of four bytes, the largest place first:
#
# - 2048 plus the number of axes; 2048 says that each value is one byte, from 0 to 255
# - the length of each axis
#
# Then the values follow, the last axis running fastest.
# The built-in images are no such files, so we write some.

# %% id="write-idx"
from pathlib import Path


def write_idx(path: Path, values: np.ndarray) -> None:
    """Write whole numbers from 0 to 255, of any shape, as MNIST's files hold them."""
    header = np.array([2048 + values.ndim, *values.shape], dtype=">u4")
    path.write_bytes(header.tobytes() + values.astype(np.uint8).tobytes())


# %% [markdown]
# MNIST has four files: images and labels, for training and for the test.
# Where our images are MNIST (`DATA = "fsdd"`), torchvision gets the files as they were fetched.
#
# Importing torchvision takes a few seconds.

# %% id="as-mnist"
import shutil

from a2d.io import fetching


def write_as_mnist(name: str, folder: Path) -> None:
    """The four files of a set of images, named as MNIST's are; those of MNIST are copied."""
    if name == "mnist":
        shutil.copytree(fetching.find("mnist"), folder)
        return
    folder.mkdir(parents=True)
    for stem, which in {"train": "train", "t10k": "test"}.items():
        made = datasets.load_images(name, which)
        write_idx(folder / f"{stem}-images-idx3-ubyte", made.pixels)
        write_idx(folder / f"{stem}-labels-idx1-ubyte", made.labels)


# %% id="read-twice" tags=["nbval-check-output"]
import tempfile

from torchvision.datasets import MNIST

from a2d.io.idx import read_idx

with tempfile.TemporaryDirectory() as root:
    raw = Path(root, "MNIST", "raw")
    write_as_mnist(images.name, raw)
    theirs = MNIST(root)
    file = raw / "train-images-idx3-ubyte"
    ours = read_idx(file)
    print("the file begins with:", *np.fromfile(file, ">u4", 4))
print("torchvision and our reader find the same pixels:", np.array_equal(theirs.data, ours))
print("which are those of our images:", np.array_equal(ours, images.pixels))
print("and the same labels:", np.array_equal(theirs.targets, images.labels))

# %% [markdown]
# ### Many images, one sheet
#
# A batch of images has three axes: image, row, column.
# A sheet of them has two, so the axes must be put in another order before they are joined:
#
# $$G_{28 i + r,\, 28 j + s} = x_{k i + j,\, r,\, s}$$
#
# - $x$: the batch; $r$, $s$: row and column of a pixel in its image
# - $i$, $j$: row and column of an image on the sheet; $k$: how many images stand in a row
# - $G$: the sheet
#
# `make_grid` of torchvision does the same; its `nrow` is our $k$, *not* the number of rows.

# %% id="sheet" tags=["nbval-check-output"]
import torch
from torchvision.utils import make_grid

k = 9
chosen = np.concatenate([np.flatnonzero(images.labels == c)[:k] for c in range(10)])
batch = torch.tensor(images.pixels[chosen]) / 255
G = batch.reshape(10, k, 28, 28).permute(0, 2, 1, 3).reshape(10 * 28, k * 28)
grid = make_grid(batch[:, None], nrow=k, padding=0)
print("torchvision's grid:", tuple(grid.shape), "three equal colours")
print("each the same as our sheet:", all(torch.equal(colour, G) for colour in grid))
print("without another order of axes:", torch.equal(grid[0], batch.reshape(G.shape)))

# %% [markdown]
# ### Pixels as the evaluator gets them
#
# The report took its evaluator from PyTorch's MNIST example, which prepares each pixel in two steps.
# The values from 0 to 255 become values from 0 to 1; then
#
# $$x' = \frac{x - 0.1307}{0.3081}.$$
#
# - $x$, $x'$: a pixel before and after; 0.1307 and 0.3081: mean and standard deviation of all pixels of MNIST
#
# In torchvision such a preparation is a *transform*, which a data set applies to each picture that it gives out.
# Ours is `normalise`, for a whole batch.
# It takes MNIST's two numbers for other pictures as well, because the evaluator has learned with them.

# %% id="normalise" tags=["nbval-check-output"]
from torchvision.transforms import v2

from a2d.evaluator import normalise

to_shares = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
theirs.transform = v2.Compose([*to_shares, v2.Normalize([0.1307], [0.3081])])
inputs = torch.stack([theirs[i][0] for i in range(100)])
print("what the evaluator gets:", tuple(inputs.shape))
print("the same as ours:", torch.allclose(inputs, normalise(images.pixels[:100]), atol=1e-6))
pixels = images.pixels[few] / 255
print(f"our images, before: mean {pixels.mean():.3f}, sd {pixels.std():.3f}")
print(f"and after: mean {normalise(pixels).mean():.2f}, sd {normalise(pixels).std():.2f}")

# %% [markdown] id="087d7c08d6"
# ### One label
#
# Is there a picture that *belongs* to a recording?
# No: nobody wrote while they spoke.
# The report's answer (lecture 04) is to draw one at random among the images of the spoken digit, anew each time.
# As a formula:
#
# $$p(y \mid s, c) = p(y \mid c)$$
#
# - $s$: the sound; $c$: its digit; $y$: the image that it is paired with
# - $p$: a probability; what stands behind the bar is given
#
# Given the digit, the image does not depend on the sound.
# How many pairs are possible?

# %% id="pairs" tags=["nbval-check-output"]
n_c = np.bincount(spoken.digits, minlength=10)
m_c = np.bincount(images.labels, minlength=10)
print("table of recordings:", (len(spoken), 40), "table of images:", images.pixels.shape)
print(f"possible pairs of one class: {int((n_c * m_c).sum()):,}; none is the right one")

# %% [markdown]
# The check: do loud voices, or long words, get pictures with more ink?
# We draw 8 images for each recording.
# Then we take away each digit's own mean, because digits do differ, and correlate.

# %% id="independent" tags=["nbval-check-output"]
from a2d import pairing

targets = pairing.Targets(images.pixels, images.labels)
rng = torch.Generator().manual_seed(SEED)
classes = torch.tensor(spoken.digits).repeat(8)
ink = targets.random(classes, rng).mean(dim=(1, 2)).numpy()
digit = classes.numpy()
for name, v in {"level": np.tile(L, 8), "duration": np.tile(T, 8)}.items():
    rest = [w - np.array([w[digit == c].mean() for c in range(10)])[digit] for w in (v, ink)]
    print(f"{name} and ink, within a digit: |correlation| < 0.03 is", end=" ")
    print(abs(np.corrcoef(*rest)[0, 1]) < 0.03)

# %% [markdown]
# So a generator that is trained on such pairs can learn from the sound one thing only: which digit it is.
# It cannot learn that a deep voice writes in another way, however long it trains.
# Nothing in the data says so.
#
# What the sound tells of the digit is therefore all that counts.
# The rest of this lecture measures it.

# %% [markdown]
# ## 4. Which recordings may the model have heard?
#
# A model is tested on recordings that it was not trained on.
# There is more than one way to choose them.
#
# The report's way: put all recordings in a random order, and cut it.
# 70 % are for training, 15 % for *validation* (to choose settings), 15 % for the test.

# %% id="random-split" tags=["nbval-check-output"]
from a2d.lab import recipes

recipe = recipes.load("audio-mlp")
mixed = runs.spoken_set(spoken, recipe.features, split="recording", seed=SEED)
order = np.random.default_rng(SEED).permutation(len(spoken))
cut = round(0.70 * len(spoken)), round(0.85 * len(spoken))
ours = [np.sort(part) for part in np.split(order, cut)]
parts = mixed.split.train, mixed.split.val, mixed.split.test
print("train, val, test:", *map(len, parts))
print("same as the package's:", all(map(np.array_equal, ours, parts)))
heard = np.isin(spoken.speakers[mixed.split.test], spoken.speakers[mixed.split.train])
print(f"test recordings whose speaker is in the training part: {heard.mean():.0%}")

# %% [markdown]
# The other way: hold whole *speakers* out.
# All recordings of some speakers are the test part, and none of them is in training.
# With up to ten speakers we hold out one, with more a fifth of them.

# %% id="speaker-split" tags=["nbval-check-output"]
apart = runs.spoken_set(spoken, recipe.features, split="speaker", seed=SEED)
held_out = datasets.speaker_groups(spoken.speakers, spoken.name, SEED)[0]
parts = apart.split.train, apart.split.val, apart.split.test
print("train, val, test:", *map(len, parts))
print("held out:", *held_out)
heard = np.isin(spoken.speakers[apart.split.test], spoken.speakers[apart.split.train])
print(f"test recordings whose speaker is in the training part: {heard.mean():.0%}")

# %% [markdown]
# {exercise 2.1}
#
# Write `split_speakers(speakers, held_out)`.
#
# - In: `speakers`, a list of texts, the speaker of recording 0, 1, 2, ...; `held_out`, a list of names.
# - Out: two arrays of whole numbers, `train` and `test`, each sorted from low to high.
#   `test` has the numbers of all recordings by held-out speakers, `train` those of all others.
#
# There is no validation part here.
#
# {hints 2.1}
#
# <details><summary>It passes some cases but fails others?</summary>
#
# Try the speakers 1, 2 and 10 with `held_out = ["1"]`.
# Speaker 10 is somebody else.
#
# </details>


# %% id="exercise-2-1"
def split_speakers(speakers: list, held_out: list) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of the recordings to train on, and to test on."""
    # SOLUTION BEGIN
    to_test = np.isin(speakers, held_out)
    return np.flatnonzero(~to_test), np.flatnonzero(to_test)
    # SOLUTION END


# %% id="check-2-1"
a2d.check("2.1", split_speakers)

# %% [markdown]
# ### Features on one scale
#
# Coefficient 0 varies far more than coefficient 39.
# Distances, and networks at first, would hear little else, so each feature is *standardised*:
#
# $$\tilde m_j = \frac{m_j - a_j}{g_j}, \qquad
# a_j = \frac1n \sum_{i=1}^{n} m_{ij}, \qquad g_j = \sqrt{\frac1n \sum_{i=1}^{n} (m_{ij} - a_j)^2}$$
#
# - $m_j$: feature $j$ of any recording; $m_{ij}$: that of training recording $i$
# - $n$: the number of *training* recordings
# - $a_j$, $g_j$: mean and standard deviation (sd) of feature $j$ over the training part
# - $\tilde m_j$: the standardised feature, without a unit

# %% id="standardise" tags=["nbval-check-output"]
from sklearn.preprocessing import StandardScaler


def part(spoken_set, name):
    return getattr(spoken_set.split, name), spoken_set.part(name)[0].numpy().astype(float)


(train, m_train), (test, m_test) = part(mixed, "train"), part(mixed, "test")
a, g = m_train.mean(axis=0), m_train.std(axis=0)
z_train, z_test = (m_train - a) / g, (m_test - a) / g
theirs = StandardScaler().fit(m_train).transform(m_test)
print(f"sd of coefficient 0: {g[0]:.0f}, of coefficient 39: {g[39]:.1f}")
print("same as scikit-learn's:", np.allclose(z_test, theirs))

# %% [markdown]
# Why the training part only?
# Because the test part stands for recordings of the future.
# Who uses its mean has looked at it: information *leaks* from the test into the model.
#
# Is it much?
# We compare $a_j$ with the mean of all recordings, in units of $g_j$.

# %% id="leak-of-means" tags=["nbval-check-output"]
everything = mixed.features.numpy().astype(float)
for name, chosen in {"by recording": mixed, "by speaker": apart}.items():
    own = part(chosen, "train")[1]
    shift = abs(everything.mean(axis=0) - own.mean(axis=0)) / own.std(axis=0)
    print(f"{name}: the mean of feature {shift.argmax()} moves most, by {shift.max():.2f} sd")

# %% [markdown]
# With the random split hardly anything moves: the parts are alike.
# With speakers held out it is more, for now the new voices shift the mean.
# That is just what such a test must not know.
# One rule covers both cases, so you need not ask how much: **only the training part is measured.**

# %% [markdown]
# {exercise 2.2}
#
# Write `scale_by_training(train, other)`.
#
# - In: `train`, features of the training recordings, shape $(n, d)$; `other`, those of other recordings, $(k, d)$.
# - Out: the features of `other`, standardised, shape $(k, d)$.
#
# Take $a_j$ and $g_j$ as above.
# Where a feature is constant in the training part, $g_j = 0$: then subtract $a_j$ only.
#
# - $d$: the number of features; $k$: the number of other recordings
#
# Two points are for ordinary features, one for those that are constant.
#
# {hints 2.2}
#
# <details><summary>It passes the first cases but fails others?</summary>
#
# Look for a division by 0.
# `np.std` has a setting `ddof`; the formula above has its default, 0.
#
# </details>


# %% id="exercise-2-2"
def scale_by_training(train: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The features `other`, standardised by mean and sd of the features `train`."""
    # SOLUTION BEGIN
    center, width = train.mean(axis=0), train.std(axis=0)
    width = np.where(width == 0, 1, width)
    return (other - center) / width
    # SOLUTION END


# %% id="check-2-2"
a2d.check("2.2", scale_by_training)

# %% [markdown]
# ### How new is a test recording?
#
# A test recording with a near copy in the training part needs no understanding: remembering is enough.
# So for each test recording $i$ we look for the nearest training recording:
#
# $$\delta_i = \min_{t} \sqrt{\sum_{j=0}^{39} (\tilde m_{ij} - \tilde m_{tj})^2}$$
#
# - $t$: runs over the training recordings
# - $\delta_i$: the distance to the nearest one, in standard deviations
#
# All pairs at once, with $|u - v|^2 = |u|^2 + |v|^2 - 2\, u \cdot v$ for two vectors $u$ and $v$:

# %% id="nearest" tags=["nbval-check-output"]
from scipy.spatial.distance import cdist


def nearest(u, v):
    squares = (u**2).sum(axis=1)[:, None] + (v**2).sum(axis=1) - 2 * u @ v.T
    return np.sqrt(np.maximum(squares, 0).min(axis=1))


delta = nearest(z_test, z_train)
print("distances of", len(test), "test recordings to", len(train), "training recordings")
print("same as scipy's:", np.allclose(delta, cdist(z_test, z_train).min(axis=1)))

# %% [markdown]
# Now the same with speakers held out.
# We keep the scale of the random split, so that the distances can be compared.

# %% id="nearest-figure"
new = nearest((part(apart, "test")[1] - a) / g, (part(apart, "train")[1] - a) / g)
both = {"split by recording": delta, "split by speaker": new}
show(f02_datasets.neighbours(both, "distance to the nearest training recording"))

# %% [markdown]
# Who is that neighbour?
# That is what the next exercise counts.
# If the voice did not matter, the neighbour would be of the same speaker only by chance.

# %% [markdown]
# {exercise 2.3}
#
# Write `leak_rate(features, names, train, test)`.
#
# - In: `features` of all recordings, shape $(n, d)$, standardised already.
#   `names`, a list of $n$ texts of the form `digit_speaker_take`, such as `"7_ann_3"`.
#   `train` and `test`, arrays with the numbers of the recordings in each part.
# - Out: one number from 0 to 1.
#   It is the share of test recordings whose nearest training recording is of the same speaker.
#
# Near is meant as in $\delta_i$: the smallest Euclidean distance.
#
# {hints 2.3}
#
# <details><summary>It gives 1.0 every time?</summary>
#
# Each recording is nearest to itself, at distance 0.
# Only training recordings may be found.
#
# </details>


# %% id="exercise-2-3"
def leak_rate(features: np.ndarray, names: list, train: np.ndarray, test: np.ndarray) -> float:
    """Share of test recordings whose nearest training recording is of the same speaker."""
    # SOLUTION BEGIN
    who = [name.split("_")[1] for name in names]
    hits = 0
    for i in test:
        apart = np.linalg.norm(features[train] - features[i], axis=1)
        hits += who[train[apart.argmin()]] == who[i]
    return hits / len(test)
    # SOLUTION END


# %% id="check-2-3"
a2d.check("2.3", leak_rate)

# %% [markdown]
# Here is the number for our random split, computed by scikit-learn's nearest-neighbour classifier.
# It names the *speaker*, not the digit.
# By chance it would be right with the probability
#
# $$\sum_v \pi_v\, \rho_v$$
#
# - $v$: a speaker
# - $\pi_v$, $\rho_v$: the share of the speaker's recordings among the test and the training recordings

# %% id="leak"
from sklearn.neighbors import KNeighborsClassifier

from a2d.lab import record

who = spoken.speakers
finder = KNeighborsClassifier(1).fit(z_train, who[train])
share = finder.score(z_test, who[test])
chance = sum((who[test] == v).mean() * (who[train] == v).mean() for v in spoken.speaker_names)
print(f"by chance: {chance:.1%}")
record("nearest training recording is of the same speaker", share, f"{share:.1%}")

# %% [markdown]
# The features were made to tell digits, and they tell speakers, far better than chance.
# So under the random split a model may use who speaks in order to find what is said.
# It can, because every voice of the test was in training.
#
# With speakers held out this share is 0, by construction.
#
# Compare the two medians in the figure as well.
# Related synthetic voices lie close together, so holding some of them out changes little.
# Real people lie further apart (`DATA = "fsdd"` shows it).

# %% [markdown]
# ## 5. How much is in the 40 numbers?
#
# A picture is made from the 40 numbers, and a digit is read from the picture.
# However good the generator is, the reading $\hat d$ depends on the 40 numbers, and perhaps on random choices.
# (A sampled latent is one.)
#
# - $c$: the spoken digit; $m$: the 40 numbers
# - $p(c \mid m)$: the probability that $c$ was said, given $m$
# - $q(c \mid m)$: the probability that the whole chain reads $c$, given $m$
#
# The random choices know nothing of $c$ but what $m$ tells.
# So given $m$, reading and digit are independent, and
#
# $$P(\hat d = c \mid m) = \sum_{k=0}^{9} q(k \mid m)\, p(k \mid m) \le \max_k p(k \mid m).$$
#
# - $P$: probability; $k$: a digit
#
# A mean with weights $q$ is not larger than the largest number.
# Equality holds if the chain always reads the most probable digit.

# %% [markdown] id="0eedf0a602"
# Over all recordings, the mean of both sides is
#
# $$A \le A^\ast = \mathrm{E}\left[\max_k p(k \mid m)\right]$$
#
# - $A$: the accuracy of a chain from $m$ to a digit; $\mathrm{E}$: the mean over recordings
# - $A^\ast$: the *ceiling*, the accuracy of the best possible classifier of $m$
#
# A case of a general rule: no processing adds information (the *data-processing inequality*).
#
# We check it on 2,000 invented vectors $m$ whose $p$ we know.
# One chain reads with random $q$, the other always reads the most probable digit.

# %% id="bound" tags=["nbval-check-output"]
rng = np.random.default_rng(SEED)
p = rng.dirichlet(np.full(10, 0.3), size=2000)
random, best = rng.dirichlet(np.full(10, 0.3), size=2000), np.eye(10)[p.argmax(axis=1)]
for name, q in {"random": random, "best": best}.items():
    inside = (q * p).sum(axis=1)
    below = (inside <= p.max(axis=1) + 1e-12).all()
    print(f"{name}: never above the largest p: {below}", end=", ")
    print("A is the ceiling:", np.isclose(inside.mean(), p.max(axis=1).mean()))

# %% [markdown] id="110eac3bd6"
# We do not know $A^\ast$ for real recordings.
# But each classifier that we train shows that the ceiling is at least so high.
# The report's field has a good one, a multi-layer perceptron (MLP) on mean MFCCs.
# A public notebook on Audio-MNIST reports 98 % for it.
#
# Ours has two hidden layers of 256 units, and it standardises its features itself.
# It is trained with cross-entropy, in nats:
# the mean over recordings of $-\ln$ of the probability that it gives to the right digit.
# `ClassifierTask` holds all that is needed for this: the network, its loss and the recordings.
# We train it twice, once for each split.

# %% id="train"
from dataclasses import replace

from a2d import training
from a2d.lab.kinds.classifier import ClassifierTask

epochs = 20 if FAST else recipe.training.epochs
settings = replace(recipe.training, epochs=epochs)
named, right, valid = {}, {}, {}
for how, chosen in {"by recording": mixed, "by speaker": apart}.items():
    x, c = chosen.part("train")
    task = ClassifierTask(recipe, x, c, seed=SEED, validation=chosen.part("val"))
    history = training.fit(task, settings, seed=SEED)
    m_new, digits = chosen.part("test")
    named[how], right[how] = task.model.predict(m_new).numpy(), digits.numpy()
    valid[how] = history.series["accuracy"][-1]
    print(f"{how}: trained for {history.epochs} epochs")

# %% [markdown]
# - $h$: how many of $n$ test recordings are named right
#
# The share $h / n$ estimates the MLP's accuracy $A$.
# The 95 % interval is a *bootstrap*: draw $n$ recordings again and again from these $n$, with repetition.
# The interval holds the middle 95 % of the accuracies that come out.

# %% id="accuracy"
from a2d import metrics

for how in named:
    estimate = metrics.recognition(named[how], right[how], seed=SEED)
    record(f"audio MLP, split {how}", estimate.value, str(estimate))
    print(f"   n = {estimate.n}; on its validation part: {valid[how]:.1%}")

# %% id="confusion-figure"
tables = {f"split {h}": metrics.confusion(named[h], right[h]) for h in named}
show(f02_datasets.named_digits(tables))

# %% [markdown]
# Look at the validation numbers.
# With speakers held out, the validation part still consists of *heard* speakers.
# It is named about as well as before, and warns of nothing.
# A part of the data tells you only about recordings that were chosen as it was.
#
# Which speakers are hard?

# %% id="speakers-figure"
hits, speaker = named["by speaker"] == right["by speaker"], who[apart.split.test]
rows = {}
for name in held_out:
    mine = speaker == name
    one = metrics.recognition(hits[mine].astype(int), np.ones(mine.sum(), int), seed=SEED)
    rows[name] = (one.value, one.low, one.high)
heard = (named["by recording"] == right["by recording"]).mean()
show(f02_datasets.by_speaker(rows, {"the split by recording": float(heard)}))

# %% [markdown]
# Do speakers differ by more than chance among their recordings gives?
# If all had the same accuracy $A$, and $n_1$ test recordings each, their shares would vary by the sd
#
# $$\sqrt{A (1 - A) / n_1}.$$
#
# If they vary by more, the interval above is too narrow: it imagines other recordings by *the same* speakers.
# A user is another speaker.
# So we resample speakers instead, each with all recordings.

# %% id="resample-speakers"
shares = np.array([share for share, _, _ in rows.values()])
A, n_1 = shares.mean(), len(hits) / len(shares)
if len(shares) > 1:
    by_chance = np.sqrt(A * (1 - A) / n_1)
    print(f"sd between speakers {shares.std():.1%}, by chance {by_chance:.1%}")
    rng = np.random.default_rng(SEED)
    means = rng.choice(shares, size=(2000, len(shares))).mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    print(f"accuracy {A:.1%}, resampling {len(shares)} speakers: {low:.1%} to {high:.1%}")
else:
    print("One speaker was held out: about other speakers nothing can be said.")

# %% [markdown] id="1591732ca4"
# ### Real voices
#
# Six people speak in FSDD; each was held out in turn, with five seeds.
# "Pictures" are the generator's, and the share of them that is read as spoken.
# `python -m results.reproduce protocol` made these numbers.

# %% id="protocol" tags=["nbval-check-output"]
from a2d.lab import results

protocol = results("protocol")
keys = {"audio_mlp": "MLP on the 40 numbers", "untouched_mean": "pictures, mean latent"}
keys["untouched_sampled"] = "pictures, sampled latent"
for key, name in keys.items():
    pair = protocol["recording"][key], protocol["speaker"][key]
    told = [f"{row['mean']:.1%} +- {row['sd']:.1%}" for row in pair]
    print(f"{name + ':':<26}{told[0]} by recording, {told[1]} by speaker")
for name, row in protocol["speakers"].items():
    print(f"never heard {name}: {row['audio_mlp']['mean']:.0%}")

# %% id="protocol-figure"
from a2d import figures

rows = {"split by recording": protocol["recording"]["audio_mlp"]["values"]}
for name, row in protocol["speakers"].items():
    rows[f"never heard: {name}"] = row["audio_mlp"]["values"]
label = "digits named right by the audio MLP"
show(figures.bars_with_spread(rows, {"guessing": 0.1}, xlabel=label))

# %% [markdown] id="3ba069b8b5"
# What do these numbers say?
#
# - In both splits the pictures are read less often than the MLP names the digit.
#   The MLP only *estimates* the ceiling, from below, so a generator that passed it would be no contradiction.
# - For voices in training, the 40 numbers are nearly enough to name the digit.
#   The pictures lose little of that.
# - The 44 % are not what the 40 numbers *hold* of a new voice.
#   They are what a classifier learned from five other voices; one that has heard more may know more.
# - Between heard and unheard speakers lies far more than between the three rows.
# - Five seeds of one speaker differ little; two speakers may differ by dozens of points.
#   So the number of *speakers* decides how much we know about new users, and six are few.
#
# Lecture 08 comes back to speakers never heard.

# %% [markdown]
# {question 2.4}

# %% [markdown] id="answer-2-4" tags=["answer"]
# {answer 2.4}

# %% [markdown]
# ## Quiz
#
# **Question 1.** A recording has an RMS of 0.1, where full scale is 1. What is its level?
#
# <details><summary>a) −10 dBFS</summary>
#
# No: the factor 10 is for powers; an RMS is an amplitude.
#
# </details>
# <details><summary>b) −20 dBFS</summary>
#
# Right: $20 \log_{10} 0.1 = -20$.
#
# </details>
# <details><summary>c) −46 dBFS</summary>
#
# No: that is $20 \ln 0.1$; decibels take the logarithm with base 10.
#
# </details>

# %% [markdown]
# **Question 2.** You standardise all recordings first, and split them afterwards. What is wrong?
#
# <details><summary>a) Nothing, since no label was used</summary>
#
# No: the test part's features have changed the numbers that all are scaled with. A leak needs no label.
#
# </details>
# <details><summary>b) The order of the recordings is lost</summary>
#
# No: standardising works on each recording's features and keeps the order.
#
# </details>
# <details><summary>c) Mean and sd have seen the test part</summary>
#
# Right: split first, then measure mean and sd on the training part.
#
# </details>

# %% [markdown] id="70ae325047"
# **Question 3.** The audio MLP names 98 % right.
# Somebody's generator is read right in 99 %, with the same features, on very many test recordings.
# Is that possible?
#
# <details><summary>a) Yes, the MLP is one classifier, not the best possible</summary>
#
# Right: the bound is the best classifier's accuracy, which is at least 98 %.
#
# </details>
# <details><summary>b) No, the MLP is the bound</summary>
#
# No: the bound is the best possible classifier. The MLP only shows that this one has at least 98 %.
#
# </details>
# <details><summary>c) Yes, the picture adds information about the digit</summary>
#
# No: the picture is made from the 40 numbers and from random choices, which know nothing of the digit.
#
# </details>

# %% [markdown]
# ## You can now
#
# - describe recordings and images by counts, durations, levels and ink, with their units
# - say what joins a sound and a picture here, and what does not
# - standardise features without letting the test part leak in
# - split by recording and by speaker, and measure what each split leaks
# - measure how well a network names the digit from 40 numbers, and say how that bounds every generator
#
# The formulas: $X^2 = \sum_k (O_k - E)^2 / E$, $L = 20 \log_{10}$ of the RMS in dBFS, $p(y \mid s, c) = p(y \mid c)$,
# $\tilde m_j = (m_j - a_j) / g_j$ with the training part's $a_j$ and $g_j$, $A \le \mathrm{E}[\max_k p(k \mid m)]$.

# %% [markdown]
# ## What to read
#
# - S. Becker, M. Ackermann, S. Lapuschkin, K.-R. Müller, W. Samek (2018), arXiv:1807.03418: Audio-MNIST, with its
#   splits by speaker.
# - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner (1998), "Gradient-based learning applied to document recognition",
#   Proceedings of the IEEE 86: the paper of MNIST.
# - S. Kapoor, A. Narayanan (2022), "Leakage and the Reproducibility Crisis in ML-based Science", arXiv:2207.07048:
#   many published results in which the test part leaked.
# - B. Efron (1979), "Bootstrap Methods: Another Look at the Jackknife", The Annals of Statistics 7.
# - T. Cover, J. Thomas (2006), "Elements of Information Theory", chapter 2: the data-processing inequality.
# - `data/README.md`: who speaks in the built-in set, and what it is not.
#
# ## What comes next
#
# Lecture 03 turns to the pictures: how a network learns to make them from a few numbers.
