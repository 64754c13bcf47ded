# %% [markdown]
# # 00 Start here
#
# {badges}
#
# About 10 min, CPU, needs nothing.
#
# You say a digit, and a network draws it.
# In this course you build that network, measure how good it is, and make it better.
# This first lecture shows the whole of it working; the later ones take it apart.

# %% [markdown]
# ## You will be able to
#
# - compute how long a recording lasts from its samples and its sampling rate
# - draw a recording with a trained model and let a second network read the picture
# - name the steps between a sound and its picture, with the shape of each result
# - measure how often the pictures are read as the spoken digit, and say how sure that number is
#
# ## Before you start
#
# You need to read simple Python: functions, lists, NumPy arrays.
# You need no machine learning and no signal processing.
# Run a cell with Shift+Enter, and run the cells from top to bottom.
#
# ## Where we are
#
# **sound** → features → encoder → latent → decoder → **picture** → evaluator → **digit**
#
# Lecture 00 walks over all of it once.

# %% [markdown] id="4f4324eca9"
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
# ## 1. What does a computer hear?
#
# A microphone measures the pressure of the air many times per second.
# Each measurement is a *sample*.
#
# - $x[n]$, for $n = 0, \dots, N - 1$: the samples, numbers between -1 and 1 without a unit; 1 is the loudest
# - $N$: the number of samples
# - $r$: the sampling rate in samples per second (Hz)
#
# A recording therefore lasts
#
# $$T = N / r \quad \text{seconds.}$$
#
# The recordings that come with the course are synthetic: programs speak them, not people.

# %% id="load" tags=["nbval-check-output"]
from a2d import audio, datasets

spoken = datasets.load_spoken(DATA)
print(f"{len(spoken):,} recordings, {len(spoken.speaker_names)} speakers")
print("digits:", *sorted(set(spoken.digits.tolist())))

# %% [markdown]
# We take the first recording of a seven, read it, and compute $T$ ourselves.

# %% id="duration" tags=["nbval-check-output"]
seven = next(recording for recording in spoken.recordings if recording.digit == 7)
clip = audio.load(seven.path)
x, r = clip.samples, clip.rate
T = len(x) / r
print(f"N = {len(x)} samples, r = {r} Hz, T = {T:.3f} s, loudest sample {abs(x).max():.2f}")

# %% [markdown]
# Is that right?
# The library that reads sound files knows the duration from the file's header, without our formula.

# %% id="duration-check" tags=["nbval-check-output"]
import numpy as np
import soundfile

print("same as the header says:", np.isclose(T, soundfile.info(seven.path).duration))

# %% [markdown]
# Now listen to it.

# %% id="listen"
from IPython.display import Audio

Audio(x, rate=r)

# %% [markdown] id="56e58f3e13"
# ## 2. What does the network draw?
#
# Two networks work here, and both are trained already.
#
# - The *generator* gets the sound and draws a picture: $28 \times 28$ pixels between 0 (black) and 1 (white ink).
# - The *evaluator* gets the picture, never the sound, and reads a digit from it.
#
# In all lectures *handwriting* was made by people, a *drawing* by the generator, and a *picture* may be either.
# A *target* is the handwritten image that a drawing is compared with in training.
# A *reader* is whoever names the digit in a picture: a person or the evaluator.
#
# The evaluator gives ten probabilities $p_0, \dots, p_9$, which add up to 1; $p_k$ is that of the digit $k$.
# It reads the digit $\hat d$ whose probability is the largest:
#
# $$\hat d = \arg\max_k p_k.$$
#
# That largest probability is its *confidence*.
# The evaluator learned from handwriting, not from these pictures.

# %% id="artist"
from a2d import draw, figures

MODEL = "report-builtin" if DATA == "builtin" else "report"
artist = draw.Artist(MODEL)
drawing = artist.draw_clip(clip)
show(figures.batch(drawing.image[None], [7], [drawing.digit], [drawing.confidence]))

# %% [markdown]
# We compute the reading once more, from the probabilities, and compare.

# %% id="reading-check" tags=["nbval-check-output"]
from a2d.evaluator import read

p = read(artist.evaluator, drawing.image[None]).probabilities[0]
print("the probabilities add up to 1:", np.isclose(p.sum(), 1))
print("the same digit:", p.argmax() == drawing.digit)
print("the same confidence:", np.isclose(p.max(), drawing.confidence))

# %% [markdown]
# One speaker says all ten digits.
# A dashed frame and a cross mark a picture that is not read as the spoken digit.

# %% id="ten-digits"
speaker = spoken.speaker_names[0]
takes = {r.digit: r for r in reversed(spoken.recordings) if r.speaker == speaker}
ten = [artist.draw_file(takes[digit].path) for digit in range(10)]
images, read_as = [d.image for d in ten], [d.digit for d in ten]
show(figures.batch(images, range(10), read_as, [d.confidence for d in ten], columns=5))

# %% [markdown]
# The sentence above the figure says how many of the ten are read as spoken.
#
# Look at the pictures yourself as well.
# Where you and the evaluator disagree, who is right?
# The strokes are blurred, as if many hands had written over each other.
# Lectures 05 and 08 show why: the blur is what the training asks for, not a failure of it.

# %% [markdown]
# ### Exercise 0.1: draw a recording of your choice
#
# Difficulty 1/5, 5 min, not graded.
#
# Write `pick(recordings, digit, speaker)`.
#
# - In: a list of recordings, a digit from 0 to 9, and a speaker's name.
#   Each recording has the attributes `digit` and `speaker`.
# - Out: the first recording in which that speaker says that digit.
#
# <details><summary>Hint 1</summary>
#
# Go through the list with a `for` loop.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Two conditions must hold at once, so join them with `and`.
# Speakers' names are texts: `"01"`, not `1`.
#
# </details>


# %% id="pick"
from a2d.datasets import Recording


def pick(recordings: list[Recording], digit: int, speaker: str) -> Recording | None:
    """The first recording in which this speaker says this digit."""
    # SOLUTION BEGIN
    for recording in recordings:
        if recording.digit == digit and recording.speaker == speaker:
            return recording
    return None
    # SOLUTION END
    # STUB return None


# %% [markdown]
# Try it, and then change the digit and the speaker.

# %% id="pick-try"
digit, speaker = 3, spoken.speaker_names[-1]
mine = pick(list(spoken.recordings), digit, speaker)
if mine is None:
    print("Not attempted yet: pick gives None. The lecture goes on without it.")
elif (mine.digit, mine.speaker) != (digit, speaker):
    print(f"Not yet: expected a {digit} by {speaker}, got a {mine.digit} by {mine.speaker}.")
else:
    drawn = artist.draw_file(mine.path)
    print(f"Right: {mine.path.name} is drawn as a picture that is read as {drawn.digit}.")
    show(figures.batch(drawn.image[None], [mine.digit], [drawn.digit], [drawn.confidence]))

# %% [markdown]
# ## 3. What happens in between?
#
# | step | result | shape |
# |---|---|---|
# | cut the silence off | $x$, samples | $(N,)$ |
# | mean of the MFCCs over time | $m$, what the sound is like | $(40,)$ |
# | encoder | $\mu$ and $\log \sigma^2$: a normal distribution | $(20,)$ each |
# | take its mean, or a sample | $z$, the latent | $(20,)$ |
# | decoder | the picture | $(28, 28)$ |
# | evaluator | $\hat d$, a digit | one number |
#
# MFCC stands for mel-frequency cepstral coefficients; lecture 01 explains every word of it.
# A *latent* is a short list of numbers that holds what the picture needs.

# %% id="pipeline"
show(figures.pipeline())

# %% [markdown]
# Solid arrows are used whenever a picture is drawn.
# Dashed ones are used in training only.
# There the picture is compared with a random handwritten image of the same digit.
#
# We now take the steps one by one, and see that they lead to the same picture as before.

# %% id="steps" tags=["nbval-check-output"]
import torch

from a2d import features

trimmed = audio.trim_silence(clip)
m = features.mfcc_mean(trimmed.samples, artist.config)
mu, logvar = artist.net.encode(torch.tensor(m[None], dtype=torch.float32))
picture = artist.net.decode(mu)[0].detach().numpy()
print("shapes:", x.shape, trimmed.samples.shape, m.shape, tuple(mu.shape[1:]), picture.shape)
print("same picture as before:", np.allclose(picture, drawing.image, atol=1e-3))

# %% [markdown]
# ## 4. How often is it read as spoken?
#
# One good picture proves nothing.
# So we draw recordings that the generator was not trained on, its *test part*, and count.
#
# - $n$: the number of pictures
# - $h$: the number of pictures that are read as the spoken digit
#
# $$\text{accuracy} = h / n.$$
#
# Other recordings would give a slightly different number.
# The *95 % interval* says how different: it comes from drawing $n$ pictures again and again from these $n$.
# Whoever guesses is right in 1 of 10 cases.

# %% id="accuracy"
from a2d import metrics
from a2d.lab import models

n = 200 if FAST else 450
split_seed = models.load(MODEL).meta["split"]["seed"]
test = datasets.split_by_recording(len(spoken), split_seed).test
some = np.random.default_rng(SEED).permutation(test)[:n]
readings = np.array([artist.draw_file(spoken.recordings[i].path).digit for i in some])
h = int((readings == spoken.digits[some]).sum())
estimate = metrics.recognition(readings, spoken.digits[some], seed=SEED)
print(f"h = {h} of n = {len(some)}, accuracy {h / len(some):.1%}")
print(f"95 % interval: {estimate.low:.1%} to {estimate.high:.1%}")

# %% [markdown]
# Which digits are confused?
# Each row is a spoken digit, each column what is read; the diagonal is right.

# %% id="confusion"
show(figures.confusion_matrix(metrics.confusion(readings, spoken.digits[some])))

# %% [markdown] id="92efbf9484"
# The number is honest in one way: the generator never heard these recordings in training.
# It is too kind in another: the generator heard other recordings of the same speakers.
#
# And the evaluator is a network as well, with errors of its own.
# It learned to read from MNIST, the handwriting that the generator learned to draw.
# So we ask: how well does it read other handwriting, which no network has drawn?

# %% id="judge"
people = datasets.load_images("builtin", "test")
readings = read(artist.evaluator, people.pixels).digits
estimate = metrics.recognition(readings, people.labels, seed=SEED)
print(f"{len(people)} images by people, read right: {estimate.value:.1%}")
print(f"95 % interval: {estimate.low:.1%} to {estimate.high:.1%}")

# %% [markdown] id="fac68da7b2"
# No generator is to blame for what it misreads here: these errors are the evaluator's own.
# Lecture 02 deals with the speakers, lectures 06 and 07 with the evaluator.

# %% [markdown]
# ## Quiz
#
# **Question 1.** A recording has 4,000 samples at 8,000 Hz. How long is it?
#
# <details><summary>a) 2 s</summary>
#
# No: this is $r / N$. Divide the number of samples by the rate.
#
# </details>
# <details><summary>b) 0.5 s</summary>
#
# Right: $T = N / r = 4000 / 8000 = 0.5$ s.
#
# </details>
# <details><summary>c) It depends on how loud it is</summary>
#
# No: loudness changes the values of the samples, not their number.
#
# </details>

# %% [markdown] id="d764ad9c78"
# **Question 2.** What does the evaluator get to see?
#
# <details><summary>a) The picture only</summary>
#
# Right: that is why it can tell whether the picture shows the spoken digit.
#
# </details>
# <details><summary>b) The sound and the picture</summary>
#
# No: with the sound it could name the digit without looking at the picture.
#
# </details>
# <details><summary>c) The latent</summary>
#
# No: the latent goes to the decoder, which makes the picture from it.
#
# </details>

# %% [markdown]
# **Question 3.** You draw 20 pictures, and 15 are read as spoken. What can you say?
#
# <details><summary>a) The accuracy is 75 %, exactly</summary>
#
# No: that is the accuracy on these 20. Another 20 would give another number.
#
# </details>
# <details><summary>b) Nothing, 20 are too few</summary>
#
# No: few pictures give a wide interval, and a wide interval is still information.
# Guessing hardly ever gives 15 of 20.
#
# </details>
# <details><summary>c) About 75 %, with a wide interval</summary>
#
# Right: give the number and the interval. More pictures make it narrower.
#
# </details>

# %% [markdown]
# ## You can now
#
# - compute how long a recording lasts from its samples and its sampling rate
# - draw a recording with a trained model and let a second network read the picture
# - name the steps between a sound and its picture, with the shape of each result
# - measure how often the pictures are read as the spoken digit, and say how sure that number is
#
# The formulas: $T = N / r$, $\hat d = \arg\max_k p_k$, accuracy $= h / n$.
#
# ## What to read
#
# - The folder `data/`: its README says who speaks, and what synthetic speech cannot show.
# - `a2d/draw.py`: the class `Artist` is all that this lecture used.
#
# ## What comes next
#
# Lecture 01 follows the sound: from the samples to the 40 numbers that the encoder gets.
