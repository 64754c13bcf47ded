# %% [markdown]
# # 07 Annotate and fine-tune
#
# {badges}
#
# About 45 min, CPU, needs 06.
#
# The report's evaluator could not read the generator's pictures, although people could.
# Its authors labelled 100 pictures by hand, trained the evaluator's last two layers on them, and got 82.29 %.
# In this lecture you do the same, and then ask what such a number means.

# %% [markdown] id="4ef37f8ed1"
# ## You will be able to
#
# - label pictures by hand, and say how such a label differs from a spoken digit
# - compute Cohen's kappa of two readers, and say what it corrects
# - freeze a network's layers, and prove that they did not change
# - measure what fine-tuning gains and what it forgets, each with a paired interval
# - argue how much of an accuracy is the generator's and how much the evaluator's
#
# ## Before you start
#
# You need the evaluator of lecture 06, and the interval of lecture 00.
#
# ## Where we are
#
# sound → features → encoder → latent → decoder → **picture** → **evaluator** → **digit**
#
# Lecture 06 took the evaluator as it is. Now we change it.

# %% [markdown] id="10885f667c"
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
# `ANNOTATOR` is the name under which your labels are kept; a pseudonym will do.

# %% id="parameters" tags=["parameters"]
FAST = True
SEED = 0
DATA = "builtin"
ANNOTATOR = "me"

# %% [markdown]
# ## 1. Who says what a picture shows?
#
# The course comes with 100 pictures.
# The shipped generator `report` drew them from recordings of people (FSDD, validation part), with sampled latents.
# They are the same for every `DATA`, so that all readers can be compared.

# %% id="pictures" tags=["nbval-check-output"]
import numpy as np

from a2d.annotation import UNREADABLE, Annotations, agreement
from a2d.lab import runs

recorded = Annotations.load(runs.annotations_folder("recorded"))
images, spoken = recorded.images, recorded.spoken
n, height, width = images.shape
print(f"{n} pictures of {height} x {width} pixels, {images.dtype}")

# %% [markdown] id="654b99aa84"
# Now label them, before you see what others said.
# Click the picture, then use the keys:
#
# - `0` to `9`: the digit that you see
# - `x`: you cannot read it
# - `s` or right arrow: skip it for now; `b` or left arrow: go back; `u`: undo
#
# Two rules.
# Label what you *see*, not what might be meant: you are not told what was spoken.
# And do not look up what anybody else said.
#
# All 100 take about five minutes.
# With 10 or more you can be compared with other readers; with 30 or more the evaluator learns from *your* labels.
# Everything below works with none at all.
#
# Each label is written to a file beside this notebook before the next picture comes.
# Run this cell again, also after a restart of the kernel, and you go on where you stopped.

# %% id="annotate"
from pathlib import Path

from a2d import widgets

journal = Path("annotations") / f"lecture07-{ANNOTATOR}.jsonl"
labelling = widgets.annotator(images, journal, annotator=ANNOTATOR, spoken=spoken, seed=SEED)
show(labelling)

# %% [markdown]
# Whenever you have labelled more, run the cells from here on again.

# %% id="mine"
mine = labelling.session.labels()
labelled = labelling.session.progress[0]
unread = sum(label == UNREADABLE for label in mine)
print(f"Labelled by you: {labelled} of {len(images)} pictures, {unread} of them unreadable.")

# %% [markdown]
# A second reader has been here already.
# Its labels are recorded with the pictures, and so is who it was.

# %% id="recorded" tags=["nbval-check-output"]
print("annotator:", recorded.annotator)
print("kind:", recorded.kind)
print("note:", recorded.note)

# %% [markdown]
# Read that twice: **no human gave the recorded labels.**
# An AI vision model read them off the pictures.
# We could ask nobody, so we say so, here and in `data/README.md`.
# The report's labels came from people; ours become a person's when you give them.
#
# Two numbers belong to each picture $i$:
#
# - $s_i$: the digit that was spoken; it is what the generator was *asked* for
# - $y_i$: the label of a reader; it is what the picture *shows* to that reader
#
# It is tempting to take $s_i$ for a label.
# It costs nothing, and it is there for every picture.
# But then nobody has looked.

# %% id="disputed"
from a2d.figures import f07_annotation

show(f07_annotation.disputed(images / 255, spoken, recorded.labels))

# %% [markdown] id="736c9238ea"
# Look at each of them.
# Which label would you give?
# Where the reader is right, the *generator* made a mistake.
# An evaluator that learns $s_i$ from such a picture learns to hide it.
#
# So there are three ways to make a training set from the same pictures:
#
# - `labels`: as the reader labelled them, unreadable ones left out (the report's way)
# - `spoken`: the spoken digit for all of them (nobody looks)
# - `readable`: the spoken digit, unreadable ones left out

# %% id="policies" tags=["nbval-check-output"]
for policy in ("labels", "spoken", "readable"):
    _, targets, kept = recorded.training_set(policy)
    other = int((targets != spoken[kept]).sum())
    print(f"{policy:<9} {len(targets):>3} pictures, {other} labels are not the spoken digit")

# %% [markdown] id="6398e31bcf"
# ## 2. Do two readers agree?
#
# If two people label the same pictures differently, whose labels should an evaluator learn?
# First we need to know how far they agree.
#
# Count the labels of two readers in a table.
# There are eleven categories: the digits 0 to 9, and "unreadable".
#
# - $n$: the number of pictures that both have labelled
# - $C_{jk}$: the number of pictures that the first reader labels $j$ and the second $k$
#
# The *observed agreement* is the share on the diagonal:
#
# $$p_o = \frac{1}{n} \sum_j C_{jj}.$$
#
# Is 0.9 a lot?
# That depends.

# %% [markdown]
# Imagine two readers who only say "readable" or "unreadable".
# Both know that about 95 % can be read, and neither looks at a picture.

# %% id="lazy" tags=["nbval-check-output"]
rng = np.random.default_rng(SEED)
lazy_a, lazy_b = rng.random((2, 10_000)) < 0.95
print(f"observed agreement of two readers who do not look: {(lazy_a == lazy_b).mean():.2f}")

# %% [markdown]
# They agree on nine of ten pictures, and know nothing about any of them.
# J. Cohen (1960) therefore takes off what chance alone would give:
#
# $$p_e = \frac{1}{n^2} \sum_j C_{j \cdot} C_{\cdot j}, \qquad \kappa = \frac{p_o - p_e}{1 - p_e}.$$
#
# - $C_{j \cdot} = \sum_k C_{jk}$: how often the first reader uses the category $j$
# - $C_{\cdot j} = \sum_k C_{kj}$: how often the second one does
# - $p_e$: the *agreement by chance*, of two readers who keep their habits but do not look
# - $\kappa$: Cohen's kappa, a number without a unit; 1 is perfect agreement, 0 is no more than chance
#
# The denominator $1 - p_e$ is the most that can be reached above chance.

# %% id="kappa" tags=["nbval-check-output"]
table = agreement(recorded, spoken.tolist())["confusion"]
p = table / table.sum()
p_o, p_e = p.trace(), p.sum(axis=1) @ p.sum(axis=0)
kappa_spoken = (p_o - p_e) / (1 - p_e)
print(f"observed {p_o:.2f}, by chance {p_e:.2f}, kappa {kappa_spoken:.2f}")

# %% [markdown]
# Is it right?
# scikit-learn has its own implementation.
# And the meaning of $p_e$ can be tested:
# if we shuffle the second reader's labels, habits stay and knowledge goes.

# %% id="kappa-check" tags=["nbval-check-output"]
from sklearn.metrics import cohen_kappa_score

as_text = [str(label) for label in recorded.labels], [str(digit) for digit in spoken]
print("same as scikit-learn:", np.isclose(kappa_spoken, cohen_kappa_score(*as_text)))
shuffled = [np.mean(np.array(as_text[0]) == rng.permutation(as_text[1])) for _ in range(2000)]
print("agreement after shuffling is p_e:", abs(np.mean(shuffled) - p_e) < 0.005)
print("the two who did not look:", f"{abs(cohen_kappa_score(lazy_a, lazy_b)):.1f}")

# %% [markdown]
# The table itself says more than one number: *where* do they differ?
# If you have labelled ten pictures or more, you are the second reader in this figure.

# %% id="readers"
seconds = {"you": mine} if labelled >= 10 else {"the spoken digit": spoken.tolist()}
for name, labels in seconds.items():
    table = agreement(list(recorded.labels), labels)["confusion"]
    show(f07_annotation.readers(table, ("the recorded reader", name)))

# %% [markdown]
# Now all pairs.
# The untouched evaluator is a reader as well, although it has no "unreadable".

# %% id="pairs"
from itertools import combinations

from a2d.evaluator import read
from a2d.lab import models

evaluator = models.load("evaluator").net
readers = {"recorded reader": list(recorded.labels), "spoken digit": spoken.tolist()}
readers["evaluator"] = read(evaluator, images).digits.tolist()
if labelled >= 10:
    readers["you"] = mine
for a, b in combinations(readers, 2):
    pair = agreement(readers[a], readers[b])
    print(f"{a} and {b}: n = {pair['n']}", end=", ")
    print(f"{pair['equal']:.2f} equal, kappa {pair['kappa']:.2f}")

# %% [markdown]
# How sure is a kappa from 100 pictures?
# We draw 100 pictures from the 100, with replacement, and compute it again and again.

# %% id="kappa-interval"
names = ("recorded reader", "spoken digit")
first, second = (np.array(readers[name], object) for name in names)
draws = rng.integers(0, len(first), (500, len(first)))
values = [agreement(first[draw].tolist(), second[draw].tolist())["kappa"] for draw in draws]
low, high = np.quantile(values, [0.025, 0.975])
a2d.lab.record(f"kappa, {' and '.join(names)}", kappa_spoken, f"{kappa_spoken:.2f}")
print(f"95 % interval: {low:.2f} to {high:.2f}")

# %% [markdown] id="3eb9d18696"
# The spoken digit is not a reader.
# So this kappa does not say how good a reader is.
# It says how often the *generator* draws what it was asked for, as far as this reader can tell.
#
# And the evaluator agrees with the recorded reader even better than with the spoken digit.
# On *our* pictures the untouched evaluator sees what the reader sees.
# The report's problem, an evaluator that cannot read what people can, is hardly there.
# Keep that in mind: it limits what fine-tuning can gain.

# %% [markdown]
# {exercise 7.1}
#
# Write `kappa(a, b)`.
#
# - In: two lists of $n \geq 1$ labels, in the same order. A label is a digit or a text.
# - Out: Cohen's kappa, $\kappa = (p_o - p_e) / (1 - p_e)$, a number.
#
# Here $p_o$ is the share of equal labels, and $p_e$ the sum over the categories $c$ of
# (share of $c$ in `a`) times (share of $c$ in `b`).
#
# Where both readers use one and the same category only, $p_e = 1$ and the formula is $0 / 0$.
# Give 0 there: no agreement beyond chance has been shown.
#
# {hints 7.1}
#
# <details><summary>It passes the first cases but fails others?</summary>
#
# Are the shares in $p_e$ those of *both* readers, category by category?
# And what does it give for `kappa([3, 3], [3, 3])`?
#
# </details>


# %% id="exercise-7-1"
def kappa(a: list, b: list) -> float:
    """Cohen's kappa of two readers' labels; 0 where chance explains everything."""
    # SOLUTION BEGIN
    n = len(a)
    observed = sum(x == y for x, y in zip(a, b, strict=True)) / n
    chance = sum(a.count(c) * b.count(c) for c in set(a)) / n**2
    if chance == 1:
        return 0.0
    return (observed - chance) / (1 - chance)
    # SOLUTION END


# %% id="check-7-1"
a2d.check("7.1", kappa)

# %% [markdown] id="a3a0fe2c4d"
# ## 3. What learns, and what stays?
#
# *Fine-tuning* goes on training a trained network with new data.
# The report trains the last two layers only; the others are *frozen*.
#
# - $\theta_c$: the weights of the two convolutions, frozen
# - $\theta_f$: the weights of the two fully-connected layers, which learn
# - $x_i$, $y_i$ for $i = 1, \dots, N$: the labelled pictures and their labels
# - $p(y \mid x; \theta_c, \theta_f)$: the probability that the evaluator gives to the digit $y$
#
# From the weights of lecture 06 on, $\theta_f$ is moved to lower
#
# $$L(\theta_f) = -\frac{1}{N} \sum_{i=1}^{N} \ln p(y_i \mid x_i; \theta_c, \theta_f),$$
#
# the mean over the pictures, in nats (natural logarithm).

# %% id="layers" tags=["nbval-check-output"]
layers = ("conv1", "conv2", "fc1", "fc2")
numbers = {}
for name in layers:
    layer = getattr(evaluator, name)
    numbers[name] = sum(p.numel() for p in layer.parameters())
    print(f"{name}: {numbers[name]:>9,} numbers, weight {tuple(layer.weight.shape)}")
share = (numbers["fc1"] + numbers["fc2"]) / sum(numbers.values())
print(f"share of the last two layers: {share:.1%}")

# %% [markdown]
# That may surprise you.
# "Only the last two layers" sounds like a small correction, but they hold nearly all of the network's numbers.
# More than a million numbers are about to learn from 100 pictures.

# %% id="task"
from a2d import training
from a2d.lab import recipes
from a2d.lab.kinds.evaluator import FinetuneTask

labels = labelling.session.to_annotations(partial=True) if labelled >= 30 else recorded
pictures, targets, _ = labels.training_set("labels")
task = FinetuneTask(evaluator, pictures, targets)
print(f"{len(targets)} pictures, labelled by: {labels.annotator} (kind: {labels.kind})")

# %% [markdown] id="e18ee63ff5"
# `FinetuneTask` holds what this training needs: the model, a copy of the evaluator with frozen convolutions;
# the loss $L$; and the pictures with their labels.
# The convolutions' output for a picture never changes, so it is computed only once.
#
# Does it lower the $L$ of our formula?
# We compute $L$ from the probabilities that the evaluator gives, and compare.

# %% id="loss-check" tags=["nbval-check-output"]
import torch

p = read(evaluator, pictures).probabilities[np.arange(len(targets)), targets]
own = -np.log(p).mean()
with torch.no_grad():
    theirs, _ = task.loss(torch.arange(len(targets)), torch.Generator(), 0.0)
print("same loss:", np.isclose(own, theirs.item(), atol=1e-4))

# %% [markdown]
# Now train.
# The recipe `finetuned` makes 30 passes over the pictures, 20 at a time.

# %% id="finetune"
recipe = recipes.load("finetuned")
history = training.fit(task, recipe.training, seed=SEED).series
tuned = task.model
print(f"loss, mean per picture: {history['loss'][0]:.3f} nats in the first pass")
print(f"                        {history['loss'][-1]:.3f} nats in the last pass")
print(f"labels learnt: {history['fit'][-1]:.0%}")

# %% [markdown]
# "Frozen" is a claim.
# `requires_grad` says which numbers ask for a gradient.
# The proof is in the numbers themselves: each is compared with what it was, bit by bit.

# %% id="frozen" tags=["nbval-check-output"]
for name in layers:
    was, now = getattr(evaluator, name).weight, getattr(tuned, name).weight
    same = torch.equal(was, now)
    print(f"{name}: asks for a gradient {now.requires_grad}, unchanged {same}")

# %% [markdown]
# How far did the others move?
# Let $v$ be a layer's weights before and $v'$ after, and $\lVert \cdot \rVert$ the root of the sum of squares.

# %% id="moved"
with torch.no_grad():
    for name in ("fc1", "fc2"):
        was, now = getattr(evaluator, name).weight, getattr(tuned, name).weight
        print(f"{name}: moved by {(now - was).norm() / was.norm():.1%} of its length")

# %% [markdown] id="3f8716bbbf"
# The first number is $\lVert v' - v \rVert / \lVert v \rVert$ for `fc1`, the second the same for `fc2`.
# All of a million numbers may move, but 150 small steps do not lead far:
# the new evaluator is a neighbour of the old one.

# %% [markdown]
# {exercise 7.2}
#
# Write `freeze(net)`.
#
# - In: a network with the layers `conv1`, `conv2`, `fc1`, `fc2`, as the evaluator has them, but of any size.
#   Some of its layers may have been frozen before.
# - Out: how many numbers (weights and biases) are left to learn.
#
# Afterwards the parameters of `fc1` and `fc2` ask for a gradient, and no others do.
#
# {hints 7.2}
#
# <details><summary>It passes the first cases but fails others?</summary>
#
# In the other cases some layers come to you frozen.
# If one of them is to learn, switch its gradient *on*.
#
# </details>

# %% id="exercise-7-2"
from torch import nn


def freeze(net: nn.Module) -> int:
    """Let only the last two layers learn; the number of numbers that do."""
    # SOLUTION BEGIN
    left = 0
    for name, parameter in net.named_parameters():
        parameter.requires_grad = name.startswith("fc")
        left += parameter.numel() * parameter.requires_grad
    return left
    # SOLUTION END


# %% id="check-7-2"
a2d.check("7.2", freeze)

# %% [markdown] id="329b8b10a0"
# ## 4. What is gained, what is forgotten?
#
# Now both evaluators read pictures that neither has learnt from: drawings of test recordings, with sampled latents.
# The second set is handwriting, which no network drew.

# %% id="test-pictures" tags=["nbval-check-output"]
from a2d import datasets

model = models.load("report-builtin" if DATA == "builtin" else "report", "generator")
how = model.meta["split"]
by, split_seed = how["by"], how["seed"]
recordings = datasets.load_spoken(DATA)
heard = runs.spoken_set(recordings, model.features, split=by, seed=split_seed)
features, digits = heard.part("test")
drawings = model.net.draw(features, torch.Generator().manual_seed(SEED))
people = datasets.load_images("builtin", "test")
print(f"{len(drawings)} drawings, {len(people)} images by people")

# %% [markdown] id="3c2978e02b"
# Freezing has a useful consequence.
# The convolutions' output for a picture is the same for *every* evaluator that was fine-tuned from this one.
# We compute it once, and each evaluator then only needs its last two layers.

# %% id="convolve"
from a2d.evaluator import AccuracyNet, normalise


@torch.inference_mode()
def convolve(images) -> torch.Tensor:
    """Images (n, 28, 28) to what the frozen convolutions make of them, (n, 9216)."""
    return torch.cat([evaluator.convolve(part) for part in normalise(images).split(100)])


@torch.inference_mode()
def reads(net: AccuracyNet, convolved: torch.Tensor) -> np.ndarray:
    """The digits that an evaluator reads, (n,)."""
    return net.classify(convolved).argmax(-1).numpy()


# %% id="sets" tags=["nbval-check-output"]
from a2d.io import fetching

truth = {"our drawings": digits.numpy(), "other handwriting": people.labels}
seen = {"our drawings": convolve(drawings), "other handwriting": convolve(people.pixels)}
if fetching.find("mnist"):
    mnist, n = datasets.load_images("mnist", "test"), 2000 if FAST else 10_000
    some = np.random.default_rng(SEED).permutation(len(mnist))[:n]
    truth["MNIST"], seen["MNIST"] = mnist.labels[some], convolve(mnist.pixels[some])
same = reads(tuned, seen["our drawings"][:50]) == read(tuned, drawings[:50]).digits
print("reads the same as the whole network:", same.all())

# %% [markdown] id="9d307ad84e"
# The two evaluators, with 95 % intervals:

# %% id="accuracies"
from a2d import metrics

before = {name: reads(evaluator, convolved) for name, convolved in seen.items()}
after = {name: reads(tuned, convolved) for name, convolved in seen.items()}
for name, right in truth.items():
    was, now = (metrics.recognition(r[name], right, seed=SEED) for r in (before, after))
    print(f"{name}: {was} untouched, {now} fine-tuned")

# %% [markdown] id="544b3e48ba"
# Untouched and fine-tuned, the intervals overlap.
# Does that mean that there is no difference?
# Not yet: both evaluators read the *same* pictures, and on most of them they agree.
# What matters is where they differ.
#
# - $n$: the number of pictures
# - $d_i$: +1 if only the fine-tuned evaluator reads picture $i$ right, -1 if only the untouched one does, else 0
#
# The gain is their mean,
#
# $$\Delta = \frac{1}{n} \sum_{i=1}^{n} d_i.$$
#
# The bootstrap of lecture 00 draws $n$ of the $d_i$ with replacement.
# They have three values only, so it is enough to draw how often each comes: a multinomial count.


# %% id="paired"
def paired(before: np.ndarray, after: np.ndarray, truth: np.ndarray) -> tuple:
    """Gain, low and high end of its 95 % interval, as shares."""
    d = (after == truth).astype(int) - (before == truth).astype(int)
    parts = [(d == value).mean() for value in (-1, 0, 1)]
    counts = np.random.default_rng(SEED).multinomial(len(d), parts, 2000)
    low, high = np.quantile((counts[:, 2] - counts[:, 0]) / len(d), [0.025, 0.975])
    return d.mean(), low, high


# %% [markdown]
# SciPy draws the $d_i$ themselves.
# Both intervals must come out alike, up to the noise of drawing.

# %% id="paired-check" tags=["nbval-check-output"]
import scipy.stats

name = "our drawings"
gain_here = paired(before[name], after[name], truth[name])
d = (after[name] == truth[name]) * 1.0 - (before[name] == truth[name])
theirs = scipy.stats.bootstrap((d,), np.mean, n_resamples=2000, method="percentile")
print("same gain:", np.isclose(gain_here[0], d.mean()))
print("same interval:", np.allclose(gain_here[1:], theirs.confidence_interval, atol=0.01))

# %% id="gains"
show(f07_annotation.differences({k: paired(before[k], after[k], truth[k]) for k in truth}))

# %% id="record-gain"
told = f"{100 * gain_here[0]:+.1f} points"
a2d.lab.record("gain by fine-tuning, our drawings", gain_here[0], told)

# %% [markdown] id="63aa96085a"
# On our drawings the gain is small, as section 2 made us expect.
# Look at its interval: does it hold zero?
# Then the gain may be chance, and another test set could show a loss.
#
# Take care with "other handwriting".
# The evaluator never learned from these scans, so they do not show what it has *forgotten*.
# They show how it fares on strokes that are new to it.
# What it can forget is what it once learned: MNIST.
# If MNIST is on this computer, the figure has it; else take it from our results, which one command made.

# %% id="results" tags=["nbval-check-output"]
from a2d.lab import results

found = results("finetuning")
print("made by:", found["command"], "(FSDD, generator `report`, 450 test recordings, MNIST)")
for policy, row in found["policies"].items():
    reading, left = row["sampled"], row["mnist_test"]
    print(f"{policy:<9} drawings {reading['value']:.1%} ({reading['low']:.1%} to", end=" ")
    print(f"{reading['high']:.1%}), MNIST {left['value']:.2%}")

# %% [markdown] id="3f6762be98"
# Each row but the first is an evaluator that was fine-tuned on the same 100 pictures with other labels.
#
# - All three gain about two points on the drawings.
# - All three lose on MNIST, and the loss depends on the labels:
#   least with labels as read, most when nobody looked.
#
# That makes sense: a spoken 4 that looks like a 9 teaches the evaluator that such a 9 is a 4.
# Then real nines suffer.
#
# One run is one run.
# So here are five seeds: five splits, five generators, five sets of 100 pictures, labels as spoken.

# %% id="five-seeds" tags=["nbval-check-output"]
protocol = results("protocol")
print("made by:", protocol["command"], "| labels:", protocol["labels_of_the_100"])
five = {k: np.array(v["values"]) for k, v in protocol["recording"].items()}
points = 100 * (five["finetuned_sampled"] - five["untouched_sampled"])
untouched = found["policies"]["untouched"]["mnist_test"]["value"]
lost = 100 * (five["finetuned_on_mnist"] - untouched)
for name, change in (("gain on drawings", points), ("change on MNIST", lost)):
    print(f"{name}, points:", *(f"{c:+.2f}" for c in change), f"| mean {change.mean():+.2f}")

# %% [markdown]
# The gain lies between nothing and two points, from seed to seed.
# The loss on MNIST is there with every seed, at half a point or more.
# Had we run one seed only, we could have told either story.

# %% [markdown] id="83fa6b4561"
# {exercise 7.3}
#
# Write `gain(before, after, spoken)`: the paired gain and its standard error, without a bootstrap.
#
# - In: what the first evaluator reads, what the second reads, and the spoken digits;
#   three integer arrays of length $n$.
# - Out: the pair of numbers $(\Delta, e)$, the gain and its standard error.
#
# Let $w$ be the number of pictures *won* (only the second evaluator is right),
# and $l$ the number *lost* (only the first is).
#
# $$\Delta = \frac{w - l}{n}, \qquad e = \frac{1}{n} \sqrt{w + l - \frac{(w - l)^2}{n}}.$$
#
# {hints 7.3}
#
# <details><summary>It passes the first cases but fails others?</summary>
#
# The evaluators may read a picture differently and both be wrong.
# Such a picture is neither won nor lost.
#
# </details>


# %% id="exercise-7-3"
def gain(before: np.ndarray, after: np.ndarray, spoken: np.ndarray) -> tuple[float, float]:
    """The share of pictures that the second evaluator gains, and its standard error."""
    # SOLUTION BEGIN
    was_right, is_right = before == spoken, after == spoken
    won, lost = (is_right & ~was_right).sum(), (was_right & ~is_right).sum()
    n = len(spoken)
    error = np.sqrt(won + lost - (won - lost) ** 2 / n) / n
    return float((won - lost) / n), float(error)
    # SOLUTION END


# %% id="check-7-3"
a2d.check("7.3", gain)

# %% [markdown]
# Where does $e$ come from?
# It is the standard deviation of the $d_i$, divided by the root of $n$.
# The mean of their squares is $(w + l) / n$, because each square is 0 or 1.
# The square of their mean is $(w - l)^2 / n^2$.
# The difference of the two is their variance; divide it by $n$ and take the root.
#
# About 95 % of such gains lie within $1.96 \, e$ of the true one.
# That should give nearly the interval that the bootstrap gave.

# %% id="error-check" tags=["nbval-check-output"]
half_width = 1.96 * d.std() / np.sqrt(len(d))
bootstrap = (gain_here[2] - gain_here[1]) / 2
print("alike within 0.4 points:", abs(half_width - bootstrap) < 0.004)

# %% [markdown] id="db8fb0af20"
# ### An evaluator that cannot read
#
# Our evaluator reads our drawings, so there was little to gain.
# The report's evaluator could not.
# To see the remedy work we need such an evaluator, and there is an easy way:
# we show ours the same drawings in dark ink on white paper.
# Nothing is lost, and you can read them as well as before.

# %% id="inverted"
from a2d import figures

dark = 1 - drawings
seen["dark on white"] = convolve(dark)
ten = [int(np.flatnonzero(digits == digit)[0]) for digit in range(10)]
reading = read(evaluator, dark[ten])
show(figures.batch(dark[ten], range(10), reading.digits, reading.confidence, columns=5))

# %% [markdown] id="dc7df84094"
# People can read most of these; the evaluator reads hardly any. This is the report's problem.
#
# The report also calls the annotation its main limit.
# So how many labels does the remedy need?
# We let this lecture's generator draw new pictures, from recordings of its validation part.
# Their labels are the spoken digits: nobody looked, and we say so.

# %% id="fresh"
val_features, val_digits = heard.part("val")


def fresh(n: int, number: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A set of n new drawings, and what was spoken; ``number`` tells the sets apart."""
    order = np.random.default_rng([SEED, number]).permutation(len(val_digits))
    chosen = torch.tensor(order[:n])
    rng = torch.Generator().manual_seed(1000 * (SEED + 1) + number)
    return model.net.draw(val_features[chosen], rng), val_digits[chosen]


def tune(pictures, targets) -> AccuracyNet:
    """An evaluator fine-tuned on pictures (n, 28, 28) and targets (n,)."""
    task = FinetuneTask(evaluator, pictures, targets)
    training.fit(task, recipe.training, seed=SEED)
    return task.model


# %% id="sizes"
sizes, sets = ((10, 30, 100), 2) if FAST else ((10, 30, 100, 300), 5)
wanted = truth["our drawings"]
inks = {"our drawings": lambda x: x, "dark on white": lambda x: 1 - x}
evaluators, curves = {}, {}
for name, ink in inks.items():
    curves[name] = {0: [(reads(evaluator, seen[name]) == wanted).mean()]}
    for n in sizes:
        made = [fresh(n, number) for number in range(sets)]
        evaluators[name, n] = [tune(ink(pictures), targets) for pictures, targets in made]
        now = [reads(net, seen[name]) for net in evaluators[name, n]]
        curves[name][n] = [(digits_read == wanted).mean() for digits_read in now]
show(f07_annotation.accuracy_by_images(curves))

# %% [markdown] id="0e634086c9"
# On the drawings as they are the line is nearly flat: more labels cannot help where little is wrong.
#
# On the dark ones it rises steeply, and then stops.
# Where does it stop?
# At the height of the other line.
# That is the share of drawings which show the spoken digit to an evaluator that can read their ink.
# To get higher, an evaluator would have to read better than ours, or to learn the generator's mistakes.
#
# So the whole way up was the evaluator's: the pictures were as good at the start as at the end.
# We check both ends.

# %% id="ceiling" tags=["nbval-check-output"]
start, end = (np.mean(curves["dark on white"][n]) for n in (0, 100))
light = np.mean(curves["our drawings"][0])
print("the untouched evaluator reads less than 10 % of the dark drawings:", start < 0.1)
print("after 100 labels within 5 points of the light ones:", abs(end - light) < 0.05)

# %% id="record-dark"
a2d.lab.record("dark drawings read, untouched", start, f"{start:.0%}")
a2d.lab.record("dark drawings read, after 100 labels", end, f"{end:.0%}")

# %% [markdown] id="3c477b1a57"
# And what did that evaluator forget?

# %% id="forgotten"
for name, right in truth.items():
    nets = [evaluator, *evaluators["dark on white", 100]]
    light, *others = [(reads(net, seen[name]) == right).mean() for net in nets]
    print(f"{name}, in light ink: {light:.0%} untouched,", end=" ")
    print(f"{np.mean(others):.0%} by the evaluator that learnt dark ink")

# %% [markdown] id="029607a3d5"
# It gained a large part of the pictures, and still reads light ink about as well as before.
# This is the remedy as it should be: the evaluator learned something true, and little of what it knew contradicts it.

# %% [markdown] id="79cdf6ad15"
# ## 5. How much is the generator, how much the evaluator?
#
# Fine-tuning does not touch the generator.
# It draws the same pictures as before, down to the last bit.
# So write the accuracy by the fine-tuned evaluator as
#
# $$A_{\text{after}} = A_{\text{before}} + \Delta.$$
#
# - $A_{\text{before}}$: the share that an untouched evaluator reads as spoken
# - $\Delta$: the gain of section 4; all of it belongs to the evaluator
#
# Even $A_{\text{before}}$ is not the generator's alone.
# Here are two evaluators with the same network and nearly the same accuracy on MNIST.
# They were trained with different optimisers, Adam and Adadelta, and read the very same drawings.

# %% id="two-judges" tags=["nbval-check-output"]
print("made by:", found["command"])
for name, row in (
    ("evaluator", found["policies"]["untouched"]),
    ("evaluator-adadelta", found["evaluator-adadelta"]),
):
    print(f"{name:<18} MNIST {row['mnist_test']['value']:.1%}", end=", ")
    print(f"the same drawings {row['sampled']['value']:.1%}")

# %% [markdown] id="986ecceb4c"
# The choice of the evaluator moves the number by more than fine-tuning did, and MNIST does not show it.
# PyTorch's MNIST example, from which the report took its evaluator, uses the second optimiser.
#
# What would settle it?
# A person's reading.
# Take a reader who was not told the spoken digit, and pictures that the evaluator did not learn from.
# Each picture then falls into one of four groups:
#
# | | reader sees the spoken digit | reader does not |
# |---|---|---|
# | evaluator does | both right | *flattered* |
# | evaluator does not | *missed* | the generator's mistake |
#
# *Missed* is what fine-tuning should cure.
# *Flattered* is what it must not bring.

# %% [markdown] id="9590f55829"
# We have 100 pictures with a reader's labels.
# To read each of them with an evaluator that did not learn from it, we fine-tune twice:
# on one half for the other half, and the other way round.

# %% id="halves"
by_reader = np.array([label if label != UNREADABLE else -1 for label in recorded.labels])
order = np.random.default_rng(SEED).permutation(len(images))
readings = {"untouched": read(evaluator, images).digits}
for policy in ("labels", "spoken"):
    readings[policy] = np.zeros(len(images), int)
    for learn, test in ((order[::2], order[1::2]), (order[1::2], order[::2])):
        targets = by_reader if policy == "labels" else spoken
        learn = learn[targets[learn] >= 0]
        net = tune(images[learn], targets[learn])
        readings[policy][test] = read(net, images[test]).digits

# %% id="four-groups"
sees = by_reader == spoken
for name, digits_read in readings.items():
    says = digits_read == spoken
    both, missed = (says & sees).sum(), (~says & sees).sum()
    flattered, neither = (says & ~sees).sum(), (~says & ~sees).sum()
    print(f"{name:<10} both right {both}, missed {missed}", end=", ")
    print(f"flattered {flattered}, generator's mistakes {neither}")
print(f"The reader sees the spoken digit in {sees.sum()} of {len(images)} pictures.")

# %% [markdown] id="00f82234cc"
# This is the honest yardstick: what the reader sees does not depend on any evaluator.
# The evaluators differ from it by a handful of pictures, on either side.
# With 100 pictures such differences are within chance.
# And the reader here is a vision model; with your labels in its place the table would be worth more.
#
# Our generator is too good for the danger to show.
# So let us build a bad one.

# %% [markdown] id="31714b9e70"
# ### A generator that is always wrong
#
# Two bad generators, made from the good one without any training:
#
# - *the next digit*: asked for a 3 it draws a 4, asked for a 9 a 0; always wrong, in a regular way
# - *any digit*: it draws the picture of some other recording, chosen at random
#
# Then we do what the report did, but with the spoken digit as label, and nobody looks.
# Each evaluator learns from 100 validation pictures and reads the test pictures.

# %% id="bad"
pictures, asked = fresh(100, 0)
shown = truth["our drawings"]
mixed, shuffled = (np.random.default_rng([SEED, 7]).permutation(x) for x in (asked, shown))
claims = {
    "as asked": (asked, shown),
    "the next digit": ((asked - 1) % 10, (shown - 1) % 10),
    "any digit": (torch.tensor(mixed), shuffled),
}
flattering = {name: tune(pictures, learnt) for name, (learnt, _) in claims.items()}

# %% id="judged"
rows = {}
for name, (_, wanted) in claims.items():
    net, right = flattering[name], truth["other handwriting"]
    rows[f"draws {name}"] = {
        "untouched evaluator": (before["our drawings"] == wanted).mean(),
        "fine-tuned evaluator": (reads(net, seen["our drawings"]) == wanted).mean(),
        "handwriting still read": (reads(net, seen["other handwriting"]) == right).mean(),
    }
show(f07_annotation.judged(rows, "share read as asked (handwriting: read right)"))

# %% id="bad-check" tags=["nbval-check-output"]
row = rows["draws the next digit"]
untouched, taught, handwriting = row.values()
at_random = rows["draws any digit"]["fine-tuned evaluator"]
print("the untouched evaluator reads less than 5 % as asked:", untouched < 0.05)
print("the evaluator that learnt the spoken digits, more than 70 %:", taught > 0.7)
print("which reads less than 60 % of the handwriting:", handwriting < 0.6)
print("nothing to learn at random, less than 20 %:", at_random < 0.2)

# %% [markdown] id="096a632c8d"
# The third bar of each group is the share of real handwriting that the fine-tuned evaluator still reads.
#
# Every picture of *the next digit* is wrong, and the fine-tuned evaluator calls most of them right.
# It learned the generator's mistake: what looks like a 4 is called a 3.
# A single honest reader would have noticed after ten pictures.
#
# Compare it with the dark ink of section 4.
# Both evaluators rose from almost nothing to the same height.
# One was cured, the other was taught to flatter, and the accuracy does not tell which is which.
# The handwriting does: the flatterer has lost about half of it.
# So the accuracy on *other* pictures is not a side issue; it is how you notice.
#
# *Any digit* shows the limit: what is not regular cannot be taught.

# %% id="record-bad"
a2d.lab.record("read as asked, a generator that is always wrong", taught, f"{taught:.0%}")

# %% [markdown] id="5525e1ba4a"
# ### What the 82.29 % therefore means
#
# It is the share of test pictures that *this generator and this evaluator together* get right.
#
# - Its labels came from people who looked, which is the right kind: mistakes are not taught.
# - The untouched evaluator "cannot" read the pictures, the report says, so nearly all of the number is $\Delta$.
#   Whether $\Delta$ is a cure or flattery, only readers of *test* pictures could tell.
# - The report does not say what its evaluator lost on MNIST.
# - It is one run; ours differ from seed to seed, and the test speakers were all heard in training (lecture 08).
#
# None of this says that 82.29 % is wrong.
# It says what has to stand beside it.

# %% [markdown]
# {question 7.4}

# %% [markdown] id="answer-7-4" tags=["answer"]
# {answer 7.4}

# %% [markdown]
# ## Quiz
#
# **Question 1.** Two readers agree on 95 % of the pictures. Their kappa is 0. How can that be?
#
# <details><summary>a) Both use one category nearly always</summary>
#
# Right: then chance alone gives nearly all of the agreement.
#
# </details>
# <details><summary>b) They labelled too few pictures</summary>
#
# No: few pictures make kappa uncertain, not 0.
#
# </details>
# <details><summary>c) One of them is always wrong</summary>
#
# No: kappa does not know who is right. It only compares the two.
#
# </details>

# %% [markdown] id="dbc5538499"
# **Question 2.** Why can the convolutions' output be kept while the evaluator is fine-tuned?
#
# <details><summary>a) The pictures are small</summary>
#
# No: the size does not matter. Were the convolutions trained, their output would change at every step.
#
# </details>
# <details><summary>b) Convolutions have few weights</summary>
#
# No: they do have few, but even one changed weight would change the output.
#
# </details>
# <details><summary>c) Their weights are frozen</summary>
#
# Right: the same picture and the same weights give the same output.
#
# </details>

# %% [markdown] id="1b2e10056a"
# **Question 3.** An evaluator fine-tuned on the spoken digits reads 88 % of a generator's test pictures as spoken.
# What do you ask first?
#
# <details><summary>a) Whether it was trained long enough</summary>
#
# No: longer training on such labels makes the evaluator agree with the generator even more.
#
# </details>
# <details><summary>b) What an untouched evaluator and a person read</summary>
#
# Right: the generator that draws the next digit gets such a number, too.
#
# </details>
# <details><summary>c) Whether the test pictures were in its training set</summary>
#
# No: worth asking, but in this lecture they were not, and the number was still worthless.
#
# </details>

# %% [markdown] id="ac596d9d8a"
# ## You can now
#
# - label pictures by hand, and say how such a label differs from a spoken digit
# - compute Cohen's kappa of two readers, and say what it corrects
# - freeze a network's layers, and prove that they did not change
# - measure what fine-tuning gains and what it forgets, each with a paired interval
# - argue how much of an accuracy is the generator's and how much the evaluator's
#
# The formulas: $\kappa = (p_o - p_e) / (1 - p_e)$, $L = -\frac{1}{N} \sum_i \ln p(y_i \mid x_i)$,
# $\Delta = (w - l) / n$, $A_{\text{after}} = A_{\text{before}} + \Delta$.

# %% [markdown]
# ## What to read
#
# - J. Cohen, "A coefficient of agreement for nominal scales",
#   Educational and Psychological Measurement 20, 1960.
# - R. Artstein and M. Poesio, "Inter-coder agreement for computational linguistics",
#   Computational Linguistics 34, 2008.
# - J. Yosinski, J. Clune, Y. Bengio and H. Lipson, "How transferable are features in deep neural networks?",
#   2014, arXiv:1411.1792.
# - J. Kirkpatrick and others, "Overcoming catastrophic forgetting in neural networks", 2016, arXiv:1612.00796.
# - Q. McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
#   Psychometrika 12, 1947.
#
# ## What comes next
#
# Lecture 08 puts the report together: every number of it, over several seeds, and for speakers that were never heard.
