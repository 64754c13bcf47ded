# %% [markdown]
# # 00 Start here
#
# {badges}
#
# About 40 min, CPU, needs nothing.
#
# You say a digit, and a network draws it.
# In this course you build that network, measure how good it is, and make it better.
# This first lecture shows all of it working, with your own voice if you like; the later ones take it apart.

# %% [markdown]
# ## You will be able to
#
# - let a trained model draw a recording, your own voice too, and say how far to trust what it draws
# - compute how long a recording lasts from its samples and its sampling rate
# - name the steps between a sound and its drawing, with the shape of each result
# - measure how often drawings are read as the spoken digit, and plan how many drawings that takes
#
# ## Before you start
#
# You need to read simple Python: functions, lists, NumPy arrays.
# You need no machine learning and no signal processing.
# Run a cell with Shift+Enter, and run the cells from top to bottom.
# Where you read *What do you expect?*, decide before you run the next cell.
#
# ## Where we are
#
# **sound** → features → encoder → latent → decoder → **drawing** → evaluator → **digit**
#
# Lecture 00 walks through all of it once.
# Words and letters that you forget are in the [glossary](glossary.md).

# %% [markdown]
# ### The report behind this course
#
# It began with a student's project report, "Autoencoder for Reconstructing Written Digits from Sound".
# Its question: can a network hear a spoken digit and draw it as a person would write it?
#
# The report trains such a network on 30,000 recordings of 60 people, and on MNIST, a well-known collection of
# handwritten digits.
# A second network, the *evaluator*, has learned to read MNIST, and reads 99 % of it right.
# When it gets the drawings, it fails, though people can read them: they are blurred.
# So 100 drawings are labelled by hand, and the evaluator learns from those as well.
# In the end it reads 82.29 % of the drawings as the digit that was spoken.
#
# This course builds every part of the report and explains it, repeats its measurements with other recordings, and
# asks what it leaves open.

# %% [markdown]
# ### A map of the course
#
# From 02 on you need sums and logarithms, from 03 on derivatives and a little PyTorch.

# %% [markdown]
# | lecture | question | min | needs |
# |---|---|---|---|
# | 00 | What is all this? | 40 | - |
# | 01 | How does a sound become 40 numbers? | 140 | 00 |
# | 02 | What is in the data, and how are they split fairly? | 130 | 01 |
# | 03 | What is an autoencoder, and what does it learn from? | 140 | 02 |
# | 04 | Why does a random target blur every drawing? | 140 | 03 |
# | 05 | How is the generator built and trained? | 120 | 03, 04 |
# | 06 | What does the evaluator see, and when is it wrong? | 100 | 05 |
# | 07 | What do 100 labels by hand change? | 100 | 06 |
# | 08 | Does the report hold, and what did it not ask? | 90 | 02, 04, 06, 07 |
# | 09 | How does one draw sharp and varied digits, and what for? | 130 | 03, 04, 08 |
# | 10 | What does it take to understand a stranger? | 120 | 02, 06, 08 |
# | 11 | What of your own voice? | 95 | 08, 09, 10 |

# %% [markdown] id="4f4324eca9"
# ## Set-up
#
# This cell checks that everything is in place.
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
# These parameters hold for the whole lecture, and every lecture has them.
# `FAST` keeps it short, `SEED` fixes everything random, and `DATA` is the set of recordings.

# %% id="parameters" tags=["parameters"]
FAST = True
SEED = 0
DATA = "builtin"

# %% [markdown]
# ## 1. Say a digit
#
# The course comes with recordings of its own, so that it works without a microphone.
# They are synthetic: programs speak them, not people.

# %% id="load" tags=["nbval-check-output"]
from a2d import audio, datasets

spoken = datasets.load_spoken(DATA)
print(f"{len(spoken):,} recordings, {len(spoken.speaker_names)} speakers")
print("digits:", *sorted(set(spoken.digits.tolist())))

# %% [markdown]
# Better is your own voice.
# Record one digit in English, from 0 to 9, with any program: a sound file of at most 10 seconds.
# WAV, FLAC, OGG and MP3 can be read.
# Many telephones write .m4a, which cannot be read here: save it as WAV, for example with Audacity.
#
# Set `said` to the digit that you say, run the cell, press its button and choose your file; then go on below it.
# Or write the file's name into `own` before you run the cell.
# With neither, the lecture goes on with a synthetic voice.
#
# Your recording goes to the computer on which this notebook runs, and nowhere else.
# At home that is your own; on a computer of the web, such as Binder's, it is theirs, and the file is gone when the
# session ends.

# %% id="own-file"
import ipywidgets

own = ""  # a file beside this notebook, such as "my_two.wav"
said = 2  # the digit in it
kinds = ".wav,.flac,.ogg,.mp3,.aiff"
picker = ipywidgets.FileUpload(accept=kinds, description="Your sound")
picker

# %% [markdown]
# Or record it here, if your browser may use a microphone: tick the box, press *Record*, say the digit, press *Stop*,
# and run the cells below.
# Nothing is written to a file unless you press *Keep*.
# What else is done with a voice, lecture 11 says.

# %% id="own-record"
from a2d import widgets

rec = widgets.recorder(goal=0)
show(rec)

# %% id="own-load"
example = next(r for r in spoken.recordings if r.digit == said)
name, voice = widgets.own_recording(picker.value, own, example.path, rec.clip)

# %% [markdown]
# Listen to it, then look at it.

# %% id="own-listen"
from IPython.display import Audio

Audio(voice.samples, rate=voice.rate)

# %% id="own-wave"
from a2d.figures import f00_start

show(f00_start.waveform(voice.samples, voice.rate))

# %% [markdown]
# A loudspeaker's membrane follows this line, and pushes the air as your mouth did.
# On the right you see what a computer really has: single numbers, one after the other.
#
# ### What do you expect?
#
# Two trained models now draw this recording.
# One has learned from real voices, from six people only; the other from the course's 60 synthetic voices.
# A second network then reads both drawings.
#
# - a) Both draw the digit: a two is a two, whoever says it.
# - b) A model draws the digit only if it has learned from voices of that kind.

# %% id="own-draw"
from a2d import draw, figures

people, programs = draw.Artist("report"), draw.Artist("report-builtin")
drawn = [artist.draw_clip(voice) for artist in (people, programs)]
readings, sure = [d.digit for d in drawn], [d.confidence for d in drawn]
show(figures.batch([d.image for d in drawn], [said] * 2, readings, sure))
for who, d in zip(("six people (left)", "60 synthetic voices (right)"), drawn, strict=True):
    verdict = "as spoken" if d.digit == said else "not as spoken"
    print(f"learned from {who}: read as {d.digit}, {verdict}, confidence {d.confidence:.0%}")

# %% [markdown]
# Read the two drawings yourself as well.
#
# If yours came out right, good; say another digit before you believe it.
# If it came out wrong, nothing is broken, and you are in good company:

# %% id="own-odds"
from a2d.lab import results

found = results("protocol")["report"]
known = found["recording"]["evaluator_untouched_mean"]["mean"]
new = found["speaker"]["evaluator_untouched_mean"]
print(f"The model for real voices, on other recordings of its own six people: {known:.0%}")
print(f"On a person it never heard: {new['mean']:.0%}")
span = f"{max(0, new['low']):.0%} to {new['high']:.0%}"
print(f"95 % interval over speakers: {span} (six people)")
print(f"Guessing: 10%. A new voice costs {100 * (known - new['mean']):.0f} of 100 drawings.")

# %% [markdown]
# Both are measured on real recordings.
# For the first line the model was trained five times; for the second, each of the six people was left out of the
# training in turn. Six voices are few, and they differ: hence the wide range.
#
# So b) holds for most voices.
# The report did not ask: its random split gives every speaker to both training and test.
# Lecture 02 shows how such a split hides the loss, and lecture 08 measures it; lecture 10 finds better ears.

# %% [markdown]
# ## 2. What does a computer hear?
#
# A microphone measures the pressure of the air many times per second.
# Each measurement is a *sample*.
#
# - $s[n]$, for $n = 0, \dots, N - 1$: the samples, numbers between -1 and 1 without a unit; 1 is full scale
# - $N$: the number of samples
# - $r$: the sampling rate in samples per second (Hz)
#
# A recording therefore lasts
#
# $$T = N / r \quad \text{seconds.}$$
#
# We take the first recording of a seven, read it, and compute $T$ ourselves.

# %% id="duration" tags=["nbval-check-output"]
seven = next(recording for recording in spoken.recordings if recording.digit == 7)
clip = audio.load(seven.path)
s, r = clip.samples, clip.rate
T = len(s) / r
print(f"N = {len(s)} samples, r = {r} Hz, T = {T:.3f} s, loudest sample {abs(s).max():.2f}")

# %% [markdown]
# Where do players take the duration from?
# Not from the file: its header holds $N$ and $r$ only.

# %% id="duration-check" tags=["nbval-check-output"]
import soundfile

header = soundfile.info(seven.path)
print(f"in the header: {header.frames} samples, {header.samplerate} per second")

# %% [markdown]
# So whoever shows you a duration has divided, too.
# Listen to the seven.

# %% id="listen"
Audio(s, rate=r)

# %% [markdown]
# ### What do you expect?
#
# The next cell plays the same $N$ numbers, and tells the player that $r$ is half as large.
#
# - a) The word lasts twice as long, and the voice is as high as before.
# - b) The word lasts twice as long, and the voice is lower.

# %% id="half-rate"
print(f"T = {len(s) / (r // 2):.3f} s instead of {T:.3f} s")
Audio(s, rate=r // 2)

# %% [markdown]
# It is b): each wave of the sound takes twice as long, so there are half as many in a second, and that is what we
# hear as a lower voice.
# The numbers alone are no sound; only together with $r$ they are.

# %% [markdown] id="56e58f3e13"
# ## 3. What does the network draw?
#
# Two networks work here, and both are trained already.
#
# - The *generator* gets the sound and makes a *drawing*: $28 \times 28$ pixels from 0 (black) to 1 (white ink).
# - The *evaluator* gets the drawing, never the sound, and reads a digit from it.
#   It is the small network of PyTorch's MNIST example, as in the report, and learned from handwriting alone.
#
# In all lectures an *image* was written by a person, a *drawing* is made by the generator, and a *picture* may be
# either.
#
# For a picture the evaluator gives ten probabilities $p_0, \dots, p_9$, which add up to 1; $p_c$ is that of digit $c$.
# Its *reading* $\hat c$ is the digit whose probability is the largest:
#
# $$\hat c = \arg\max_c p_c.$$
#
# That largest probability is its *confidence*.

# %% id="artist"
MODEL = "report-builtin" if DATA == "builtin" else "report"
artist = programs if DATA == "builtin" else people
drawing = artist.draw_clip(clip)
show(figures.batch(drawing.image[None], [7], [drawing.digit], [drawing.confidence]))

# %% [markdown]
# Where do reading and confidence come from?
# Here are the ten probabilities.

# %% id="reading-check" tags=["nbval-check-output"]
from a2d.evaluator import read

p = read(artist.evaluator, drawing.image[None]).probabilities[0]
for c in p.argsort()[::-1][:3]:
    print(f"p_{c} = {p[c]:.2f}")
print(f"the other seven together: {sum(sorted(p)[:7]):.2f}")
assert p.argmax() == drawing.digit

# %% [markdown]
# ### What do you expect?
#
# One speaker says all ten digits.
#
# - a) The evaluator reads all ten drawings as spoken, and is sure: it reads nearly all of MNIST right.
# - b) It misreads some, and doubts most: the drawings are not the handwriting that it learned from.
#
# A dashed frame and a cross mark a drawing that is not read as the spoken digit.

# %% id="ten-digits"
speaker = spoken.speaker_names[0]
takes = {r.digit: r for r in reversed(spoken.recordings) if r.speaker == speaker}
ten = [artist.draw_file(takes[digit].path) for digit in range(10)]
images, read_as = [d.image for d in ten], [d.digit for d in ten]
show(figures.batch(images, range(10), read_as, [d.confidence for d in ten], columns=5))
half_sure = sum(d.confidence > 0.5 for d in ten)
print(f"In {half_sure} of 10 the evaluator is more than half sure of its reading.")

# %% [markdown]
# It is b).
# Now cover the titles and read the ten drawings yourself.
# Where you cannot see the spoken digit, the generator has failed; where you see it and the evaluator does not, the
# evaluator has.
#
# The second is the report's complaint: people can read such drawings, its evaluator cannot.
# The strokes are grey, as if many hands had written over each other.
# Lecture 04 shows why: that grey is what the training asks for, not a failure of it.
#
# Change the digit and the speaker in the next cell, and look for a drawing that you cannot read either.

# %% id="pick"
digit, speaker = 4, spoken.speaker_names[-1]
picked = next(r for r in spoken.recordings if (r.digit, r.speaker) == (digit, speaker))
drawn = artist.draw_file(picked.path)
show(figures.batch(drawn.image[None], [digit], [drawn.digit], [drawn.confidence]))
Audio(audio.load(picked.path).samples, rate=r)

# %% [markdown]
# ### What do you expect?
#
# We turn the recording of the seven round in time, and let the generator draw it.
#
# - a) The drawing is another one: backwards, a seven is no word at all.
# - b) The drawing stays almost the same.
#
# Listen first.

# %% id="backwards-listen"
backwards = audio.Clip(s[::-1].copy(), r)
Audio(backwards.samples, rate=r)

# %% id="backwards"
import numpy as np

turned = artist.draw_clip(backwards)
both = [drawing, turned]
readings, sure = [d.digit for d in both], [d.confidence for d in both]
show(figures.batch([d.image for d in both], [7, 7], readings, sure))
change = np.abs(turned.image - drawing.image).max()
print(f"The most that any pixel changes is {change:.4f}; from black to white would be 1.")

# %% [markdown]
# It is b).
# The network hears a word as a mixture of sounds, without their order: "s", "e", "v", "n", in any order you like.
# That is a choice of the report, not of nature.
# Section 4 shows where the order is lost, and lecture 01 measures what that costs.

# %% [markdown]
# ## 4. What happens in between?
#
# | step | result | shape |
# |---|---|---|
# | cut the silence off | $s$: samples | $(N,)$ |
# | MFCCs, then their mean over time | $a$: what the recording sounds like | $(40,)$ |
# | encoder, a network | $\mu$ and $\sigma$: a guess, and how unsure it is | $(20,)$ each |
# | take $\mu$, or random numbers near it | $z$: the latent | $(20,)$ |
# | decoder, a network | $y$: the drawing | $(28, 28)$ |
# | evaluator, a network | $\hat c$: the reading | one number |
#
# *MFCCs* (mel-frequency cepstral coefficients) say which frequencies are strong, for each short *frame* of the
# sound; lecture 01 builds them step by step.
# Their mean over time is where the order is lost.
#
# A *latent* is a short list of numbers that holds what the drawing needs.
# A *network* is a function with many numbers in it that training has set; lecture 02 explains it.

# %% id="pipeline"
show(f00_start.pipeline())

# %% [markdown]
# Solid arrows are used whenever the generator draws, dashed ones in training only.
# There the drawing is compared with the *target*, a random image of the spoken digit by some person.
# The *loss* adds two complaints into one number: how unlike the target the drawing is, and how far the guesses are
# from a simple standard ($\mu = 0$, $\sigma = 1$); lecture 03 explains why one wants that.
# Training turns the numbers inside encoder and decoder until the loss is small.
#
# Generator means encoder and decoder together.
# We now take its steps one by one; they must lead to the same drawing as before, or the last line fails.

# %% id="steps" tags=["nbval-check-output"]
import torch

from a2d import features

trimmed = audio.trim_silence(clip)
a = features.mfcc_mean(trimmed.samples, artist.config)
mu, _ = artist.net.encode(torch.tensor(a[None], dtype=torch.float32))
y = artist.net.decode(mu)[0].detach().numpy()
print("shapes:", s.shape, trimmed.samples.shape, a.shape, tuple(mu.shape[1:]), y.shape)
assert np.allclose(y, drawing.image, atol=1e-3)

# %% [markdown]
# ## 5. How often is it read as spoken?
#
# One good drawing proves nothing, and ten do not prove much.
# So we count many.
#
# - $N$: the number of drawings
# - $A$: the *accuracy*, the share of them that is read as spoken
#
# $$A = \frac{\text{drawings that are read as spoken}}{N}$$
#
# Pure guessing is right one time in ten.

# %% [markdown]
# {exercise 0.1}
#
# Write `share_right(read, spoken)`.
#
# - In: two arrays of digits from 0 to 9, both of shape $(N,)$: what was read from each drawing, and what was spoken.
# - Out: the accuracy $A$, a number from 0 to 1.
#
# {hints 0.1}


# %% id="exercise-0-1"
def share_right(read: np.ndarray, spoken: np.ndarray) -> float:
    """The share of the drawings that are read as spoken."""
    # SOLUTION BEGIN
    return (read == spoken).mean()
    # SOLUTION END


# %% id="check-0-1"
a2d.check("0.1", share_right)

# %% [markdown]
# From here on the lecture counts with your function, if the check called it right.
# We pick ten recordings at random, let the generator draw them, count, and do all that six times.
# They come from the *test part*, the recordings that the generator was not trained on.

# %% id="by-ten"
from a2d.lab import models

my_share = a2d.mine("0.1")
split_seed = models.load(MODEL).meta["split"]["seed"]
test = datasets.split_by_recording(len(spoken), split_seed).test
rng = np.random.default_rng(SEED)


def readings_of(numbers: np.ndarray) -> np.ndarray:
    """What the evaluator reads from the drawings of the recordings with these numbers."""
    return np.array([artist.draw_file(spoken.recordings[i].path).digit for i in numbers])


tens = [rng.permutation(test)[:10] for _ in range(6)]
print("A of ten:", *(f"{my_share(readings_of(ten), spoken.digits[ten]):.0%}" for ten in tens))

# %% [markdown]
# Ten drawings give another number each time, so one of these numbers says little.
# How much would it vary if we repeated the whole measurement?
#
# We cannot repeat it, but we can imitate it.
# From our $N$ readings we pick $N$ at random, where each may be picked several times, and compute $A$ again; and
# that 2,000 times.
# The middle 95 % of these accuracies are the *95 % interval*.
# The more drawings, the shorter it is.

# %% [markdown]
# {exercise 0.2}
#
# You want to measure an accuracy of about $A$ with a 95 % interval that reaches no more than `half_width` to either
# side. How many drawings do you need?
#
# Write `number_needed(accuracy, half_width)`.
#
# - In: the accuracy that you expect, such as 0.7, and half the length that the interval may have, such as 0.05.
# - Out: the smallest sufficient number of drawings, a whole number.
#
# Any method is right: random numbers, a search, or a formula that you find.
# Where chance has a part in it, the number varies: within one seventh of the exact one it is right.
#
# {hints 0.2}


# %% id="exercise-0-2"
def number_needed(accuracy: float, half_width: float) -> int:
    """How many drawings make a 95 % interval that reaches ``half_width`` to either side."""
    # SOLUTION BEGIN
    one_standard_error = half_width / 1.96
    return int(np.ceil(accuracy * (1 - accuracy) / one_standard_error**2))
    # SOLUTION END


# %% id="check-0-2"
a2d.check("0.2", number_needed)

# %% [markdown]
# Your function plans our measurement.
# Which accuracy do we expect? We do not know it yet, so we ask for several.

# %% id="plan"
my_number = a2d.mine("0.2")
half_width = 0.07 if FAST else 0.05
for expected in (0.5, 0.7, 0.9):
    many = my_number(expected, half_width)
    print(f"to know {expected:.0%} to within {100 * half_width:.0f} points: {many} drawings")

# %% [markdown]
# An accuracy of one half needs the most, so a plan for one half is safe, whatever comes out.
#
# Now the generator draws so many recordings of the test part, picked at random: one drawing each, with $z = \mu$.

# %% id="accuracy"
from a2d import metrics

N = min(my_number(0.5, half_width), len(test))
some = np.random.default_rng(SEED).permutation(test)[:N]
readings = readings_of(some)
A = my_share(readings, spoken.digits[some])
estimate = metrics.recognition(readings, spoken.digits[some], seed=SEED)
print(f"N = {N}, A = {A:.1%}, 95 % interval {estimate.low:.1%} to {estimate.high:.1%}")
reach = (estimate.high - estimate.low) / 2
print(f"It reaches {reach:.1%} to either side; planned were at most {half_width:.0%}.")

# %% [markdown]
# ### What do you expect?
#
# Which digits go wrong?
#
# - a) All ten about equally often.
# - b) A few of them, over and over.
#
# In the table each row is a spoken digit, each column a reading; the diagonal is right.

# %% id="confusion"
table = metrics.confusion(readings, spoken.digits[some])
show(figures.confusion_matrix(table))
wrong = table.sum(1) - table.diagonal()
a, b = wrong.argsort()[::-1][:2]
print(f"Of {wrong.sum()} misreadings, {wrong[a] + wrong[b]} are of a spoken {a} or {b}.")

# %% [markdown] id="92efbf9484"
# A few digits make up a large part, and the one number $A$ does not show it.
#
# The number is honest in one way: the generator never heard these recordings in training.
# It is too kind in another: it heard other recordings of the same speakers.
# So the interval is about other recordings of these speakers, not about a new one.
#
# And the evaluator has errors of its own.
# How well does it read handwriting?
# MNIST is not part of the course's files, but the evaluator's card holds what it reads of MNIST's test images.
# Scikit-learn brings other handwriting, which we can try here.
#
# ### What do you expect?
#
# - a) It reads the other handwriting as well as MNIST: a digit is a digit.
# - b) It reads it worse.

# %% id="judge"
written = datasets.load_images("builtin", "test")
pixels = written.pixels / 255
read_ink = read(artist.evaluator, written.pixels).digits
first = [int(np.flatnonzero(written.labels == c)[0]) for c in range(10)]
rows, their = np.stack([pixels[first], images]), np.stack([read_ink[first], read_as])
show(f00_start.pictures_read(rows, ["handwriting", "drawing"], range(10), their))
on_mnist = models.card("evaluator")["figures"]["mnist_test_accuracy"]
print(f"MNIST, 10,000 images: {on_mnist:.1%} read right")
print(f"the other handwriting: {metrics.recognition(read_ink, written.labels, seed=SEED)}")

# %% [markdown] id="fac68da7b2"
# It is b), and no generator is to blame.
# These images are scans of $8 \times 8$ pixels, which the course enlarges to $28 \times 28$.
# They are thick and soft, and the evaluator has never seen such ones.
# So do not conclude that it misreads so many people: it misreads what does not look like MNIST.
# The drawings do not look like MNIST either.
#
# Keep both sides in mind: an accuracy is a number about the generator *and* its reader.
# Lecture 06 takes the evaluator apart, and lecture 07 asks what it means to train it on drawings.

# %% [markdown]
# Here are your points in this lecture.
# In every lecture you can ask for them, with the lecture's number.

# %% id="score"
a2d.score(0)

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
# **Question 2.** A friend gives the evaluator the sound as well, "so that it reads better".
# What happens to the accuracy?
#
# <details><summary>a) It still measures the drawings, only more precisely</summary>
#
# No: the evaluator could name the digit from the sound, and read a blank page "right".
#
# </details>
# <details><summary>b) It no longer says whether the drawings show the digit</summary>
#
# Right: only a reader that sees nothing but the drawing can tell what is in it.
#
# </details>
# <details><summary>c) It falls, because the evaluator is confused</summary>
#
# No: more information can only help to name the digit, and that is the trouble.
#
# </details>

# %% [markdown]
# **Question 3.** You let the generator draw 20 recordings, and 15 drawings are read as spoken. What can you say?
#
# <details><summary>a) The accuracy is three quarters, exactly</summary>
#
# No: that is the accuracy on these 20. Another 20 would give another number.
#
# </details>
# <details><summary>b) Nothing, 20 are too few</summary>
#
# No: few drawings give a long interval, and a long interval is still information.
# Guessing hardly ever gives 15 of 20.
#
# </details>
# <details><summary>c) About three quarters, with a long interval</summary>
#
# Right: give the number and the interval. To halve it, you need 80 drawings.
#
# </details>

# %% [markdown]
# ## You can now
#
# - let a trained model draw a recording, your own voice too, and say how far to trust what it draws
# - compute how long a recording lasts from its samples and its sampling rate
# - name the steps between a sound and its drawing, with the shape of each result
# - measure how often drawings are read as the spoken digit, and plan how many drawings that takes
#
# The formulas: $T = N / r$, $\hat c = \arg\max_c p_c$, and $A$ as the share that is read as spoken.
#
# ## What to read
#
# - The folder `data/`: its README says who speaks, and what synthetic speech cannot show.
# - `a2d/draw.py`: the class `Artist` is all that this lecture used.
# - [Free Spoken Digit Dataset](https://github.com/Jakobovski/free-spoken-digit-dataset), since 2016: the real voices.
#
# ## What comes next
#
# Lecture 01 follows the sound: from the samples to the 40 numbers that the encoder gets.
