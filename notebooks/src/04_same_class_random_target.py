# %% [markdown]
# # 04 The same-class random target
#
# {badges}
#
# About 140 min, CPU, needs 03.
#
# A recording has no image of its own, so the report compares each drawing with a random image of the digit.
# That one line of code decides how all the drawings will look.

# %% [markdown]
# ## You will be able to
#
# - draw a random image of the spoken class for each recording of a batch
# - write down the objective that random targets stand for, and compute it from two pictures
# - prove which drawing is best for squared error, cross-entropy and absolute error
# - tell the bias of a gradient from its variance, and say which target rule has which
# - keep two faults apart, grey drawings and drawings that are all the same, and choose what takes which away

# %% [markdown]
# ## Before you start
#
# You need lecture 03: the ELBO, its two terms, binary cross-entropy, and the normal distribution of a latent.
# You need the mean, the variance, and the derivative of a function of one variable.
#
# ## Where we are
#
# sound → features → encoder → latent → decoder → **drawing ↔ target**
#
# The double arrow exists in training only.
# The lecture has three sittings, with a place to stop between them.

# %% [markdown] id="7eee2758df"
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
# `DIGIT` is the digit that we look at most.

# %% id="parameters" tags=["parameters"]
FAST = True
SEED = 0
DATA = "builtin"
DIGIT = 7

# %% [markdown]
# ## 1. What is a drawing compared with?
#
# Training needs a target for each recording: an image that the drawing should be like.
# Nobody has written a digit for just this recording.
# What we have are two collections that share their labels: recordings, and handwritten images.

# %% id="load" tags=["nbval-check-output"]
import numpy as np
import torch

from a2d import audio, datasets
from a2d.lab import recipes, runs

config = recipes.load("report").features
spoken = datasets.load_spoken(DATA)
speech = runs.spoken_set(spoken, config, seed=SEED)
handwriting = datasets.load_images(runs.images_for(DATA, None))
images = torch.tensor(handwriting.pixels).float() / 255
labels = torch.tensor(handwriting.labels)
sounds, c = speech.part("train")
print("recordings to train on:", tuple(sounds.shape), "images:", tuple(images.shape))
print(f"images of a {DIGIT}: {(labels == DIGIT).sum().item()}")

# %% [markdown]
# The report's rule, the *same-class random target*:
# at each step of the training, each recording gets an image of its own class at random.
#
# - $c$: the class, that is the spoken digit, and $N_c$: how many images of that class there are
# - $\rho$: a random number from 0 to 1 (1 excluded), a new one for each recording and each step
# - $x$: the target, $28 \times 28$ pixels between 0 (black) and 1 (white ink)
#
# $$x = \text{image number } \lfloor \rho \, N_c \rfloor \text{ of class } c, \quad \text{counted from } 0.$$
#
# The brackets $\lfloor \; \rfloor$ cut off the decimals.
# So each image of the class has the probability $1 / N_c$.

# %% [markdown]
# **What do you expect?**
# Twenty targets of one digit are drawn.
# Compared with a single target, how far is their mean from the mean of all images of the digit?
#
# - a) A twentieth as far
# - b) About a fifth as far
#
# In a notebook that runs, the buttons draw more, and you hear the digit.

# %% id="trick"
from a2d import widgets

clips = {r.digit: audio.load(r.path) for r in spoken.recordings[:500]}
asked = {"digit": DIGIT, "n": 20, "seed": SEED, "clips": clips}
show(widgets.target_trick(handwriting.pixels, handwriting.labels, **asked))

# %% [markdown]
# b) is right: the mean of $n$ independent targets is $1/\sqrt{n}$ times as far away, the dashed line.
# Yours lies near that line, above or below: it is chance.
# The recording stays the same all the time; only its target changes.
#
# {exercise 4.1}
#
# Write `draw_targets(labels, classes, chance)`, the rule for a batch.
#
# - In: `labels` $(N,)$, the classes of all images, **in any order**;
#   `classes` $(b,)$, the spoken digits of a batch;
#   `chance` $(b,)$, the random number $\rho_i$ of each recording.
# - Out: an array $(b,)$ of whole numbers, for each recording the number of its target among all $N$ images.
#
# For recording $i$ it is the image of class $c_i$ at the place $\lfloor \rho_i \, N_{c_i} \rfloor$,
# where places count from 0 in the order in which the images stand.
# A batch may be empty ($b = 0$); each spoken class has an image.
#
# {hints 4.1}


# %% id="exercise-4-1"
def draw_targets(labels: np.ndarray, classes: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """The number of a random image of its class for each recording of a batch."""
    # SOLUTION BEGIN
    picked = []
    for spoken_class, number in zip(classes, chance, strict=True):
        members = np.flatnonzero(labels == spoken_class)
        picked.append(members[int(number * len(members))])
    return np.array(picked, dtype=int)
    # SOLUTION END


# %% id="check-4-1"
a2d.check("4.1", draw_targets)

# %% [markdown]
# <details><summary>It passes the ordinary batches but not the ends of a class?</summary>
#
# A number of 0 must give the first image of the class, and one just below 1 the last.
# `a2d.case("4.1")` gives you the batch on which your function went wrong, to try it on.
#
# </details>
#
# From here on, your function draws the targets.
# `a2d.mine` gives it back if the check called it right, and the course's own if not.
# `Targets` is the course's class for targets; ours takes over all of it but the choice of the image.

# %% id="mine-4-1"
from a2d.pairing import TargetConfig, Targets

pick = a2d.mine("4.1")
in_order = np.sort(handwriting.labels)  # Targets keeps its images sorted by class


class MyTargets(Targets):
    """Targets that the function of exercise 4.1 chooses."""

    def indices(self, classes, rng):
        chance = torch.rand(len(classes), generator=rng, dtype=torch.float64)
        return torch.as_tensor(pick(in_order, classes.numpy(), chance.numpy()))


targets = MyTargets(handwriting.pixels, handwriting.labels)
rng = torch.Generator().manual_seed(SEED)

# %% [markdown]
# Is each image drawn equally often?
# A count with the expectation $e$ that comes about by chance has a standard deviation of about $\sqrt{e}$
# (a Poisson count), so about 95 % of the counts should lie within $2 \sqrt{e}$ of $e$.

# %% id="fair"
numbers = np.random.default_rng(SEED).random(20000)
drawn = pick(handwriting.labels, np.full(20000, DIGIT), numbers)
counts = np.bincount(drawn, minlength=len(labels))[handwriting.labels == DIGIT]
e = 20000 / len(counts)
print(f"expected {e:.1f} times each; counts from {counts.min()} to {counts.max()}")
print(f"within 2 sqrt(e) of it: {(abs(counts - e) < 2 * np.sqrt(e)).mean():.0%} of the images")

# %% [markdown]
# ## 2. Which objective is that?
#
# One step compares the drawing $y$ with one target.
# Many steps compare it with many, so what counts is the average:
#
# $$J_c(y) = \mathbb{E}_{x \sim p(x \mid c)} \big[ \mathcal{L}(y, x) \big]
# = \frac{1}{N_c} \sum_{i=1}^{N_c} \mathcal{L}(y, x_i).$$
#
# - $J_c(y)$: the objective of class $c$, what the drawing $y$ costs on average
# - $y$: the drawing, numbers between 0 and 1, and $x_1, \dots, x_{N_c}$: the images of class $c$
# - $p(x \mid c)$: the distribution of targets given the class; each of these images with $1 / N_c$
# - $\mathbb{E}$: the expectation, the average over that distribution
# - $\mathcal{L}$: the loss for one target, a sum over the pixels
#
# This average seems to need all images.
# For two losses it needs much less.

# %% [markdown]
# **Squared error.** With $\mathcal{L}(y, x) = \sum_u (y_u - x_u)^2$, write
# $y_u - x_u = (y_u - \bar x_u) + (\bar x_u - x_u)$ and square:
#
# $$\mathbb{E}(y_u - x_u)^2
# = (y_u - \bar x_u)^2 + 2 (y_u - \bar x_u) \, \mathbb{E}(\bar x_u - x_u) + \mathbb{E}(\bar x_u - x_u)^2.$$
#
# The term in the middle is zero, because the mean of $x_u$ is $\bar x_u$. So
#
# $$J_c(y) = \sum_u \big[ (y_u - \bar x_u)^2 + v_u \big].$$
#
# - $u$: a pixel
# - $\bar x_u$: the mean of that pixel over the images of the class; all of them make the *class mean* $\bar x_c$
# - $v_u$: its variance over these images
#
# Of all the targets, only mean and variance are left.

# %% [markdown]
# **Binary cross-entropy**, in nats (natural logarithm), a sum over the pixels:
#
# $$\mathcal{L}(y, x) = - \sum_u \big[ x_u \ln y_u + (1 - x_u) \ln (1 - y_u) \big].$$
#
# It is *affine* in the target: $x_u$ is only multiplied and added to.
# The expectation of such a function is its value at the mean:
#
# $$J_c(y) = \mathcal{L}(y, \bar x_c).$$
#
# Nothing here asks that $x_u$ is 0 or 1: it holds for grey targets too.
#
# It splits into a part that no drawing can change and a part that is zero at $y = \bar x_c$:
#
# $$\mathcal{L}(y, \bar x_c) = \mathcal{L}(\bar x_c, \bar x_c) + \mathrm{KL}(\bar x_c \,\|\, y).$$
#
# - $\mathcal{L}(\bar x_c, \bar x_c)$: the entropy of the class mean, pixel by pixel; call it the *floor*
# - $\mathrm{KL}$: the Kullback-Leibler divergence of lecture 03, here of two coins for each pixel

# %% [markdown]
# {exercise 4.2}
#
# Write `class_means(images, labels)`.
#
# - In: `images` $(N, h, w)$, whole numbers from 0 to 255 in the type uint8 (ink is 255);
#   `labels` $(N,)$, digits from 0 to 9.
# - Out: $(10, h, w)$, floats in $[0, 1]$: at $c$ the mean of the images of class $c$,
#
# $$\bar x_c = \frac{1}{255 \, N_c} \sum_{i=1}^{N_c} x_i,$$
#
# where $x_i$ counts ink up to 255 here, and zeros for a class without images.
#
# {hints 4.2}


# %% id="exercise-4-2"
def class_means(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The mean image of each of the ten classes, in [0, 1]."""
    # SOLUTION BEGIN
    result = np.zeros((10, *images.shape[1:]))
    for digit in np.unique(labels):
        result[digit] = images[labels == digit].mean(axis=0) / 255
    return result
    # SOLUTION END


# %% id="check-4-2"
a2d.check("4.2", class_means)

# %% [markdown]
# <details><summary>The values are far too small?</summary>
#
# A uint8 holds 0 to 255 only: 200 + 100 gives 44.
# NumPy's `mean` and `sum` of an array take a larger type by themselves, a sum in your own loop does not.
#
# </details>
#
# Now your means, below ten recordings' targets at three steps of a training.
#
# **What do you expect?**
# Does a later step's target come nearer to the class mean than an earlier one?
#
# - a) Yes
# - b) No

# %% id="draws"
from a2d.figures import f04_pairing

means = torch.tensor(a2d.mine("4.2")(handwriting.pixels, handwriting.labels)).float()
targets.means = lambda: means
classes = torch.arange(10)
rows = {f"step {t}": targets.random(classes, rng).numpy() for t in range(1, 4)}
show(f04_pairing.picture_rows(rows | {"class mean": means.numpy()}, "class mean", range(10)))

# %% [markdown]
# b) is right.
# Every step shows another handwriting, as far from the class mean as the one before; only the class stays.
#
# {exercise 4.3}
#
# Write `expected_losses(y, mean, variance)`: what a drawing costs on average against random targets.
#
# - In: `y`, `mean`, `variance`, arrays of one shape: the drawing, and the mean and variance of the targets in each
#   pixel.
# - Out: two numbers, the expected binary cross-entropy in nats and the expected squared error.
#   Both are sums over the pixels.
#
# Where a target is 0 in all images, so is `mean`, and `y` may be 0 as well.
# There $0 \ln 0$ counts as 0.
#
# {hints 4.3}

# %% id="exercise-4-3"
from scipy.special import xlogy


def expected_losses(
    y: np.ndarray,
    mean: np.ndarray,
    variance: np.ndarray,
) -> tuple[float, float]:
    """Expected cross-entropy (nats) and squared error of a drawing, sums over the pixels."""
    # SOLUTION BEGIN
    entropy = -(xlogy(mean, y) + xlogy(1 - mean, 1 - y)).sum()
    square = ((y - mean) ** 2 + variance).sum()
    return float(entropy), float(square)
    # SOLUTION END


# %% id="check-4-3"
a2d.check("4.3", expected_losses)

# %% [markdown]
# <details><summary>The squared error is always too small?</summary>
#
# You have the squared error against the mean target.
# The mean of squares is more than the square of the mean: by the variance.
#
# </details>
#
# The formulas against the long way: a random drawing, and PyTorch's losses averaged over every image of the class.
# Below them, what the class mean itself costs: the floor of each loss.

# %% id="objective-check"
from torch.nn import functional as F

cost = a2d.mine("4.3")
own = images[labels == DIGIT].double()
m, v = own.mean(0), own.var(0, correction=0)
y = torch.rand(28, 28, generator=rng, dtype=torch.float64)
entropies = F.binary_cross_entropy(y.expand_as(own), own, reduction="sum") / len(own)
squares = F.mse_loss(y.expand_as(own), own, reduction="sum") / len(own)
by_formula = cost(y.numpy(), m.numpy(), v.numpy())
assert np.allclose(by_formula, (entropies, squares))
lowest = cost(m.numpy(), m.numpy(), v.numpy())
for name, found in {"random drawing": by_formula, "class mean": lowest}.items():
    print(f"{name:<15} cross-entropy {found[0]:7.1f} nats, squared error {found[1]:6.1f}")

# %% [markdown]
# ## 3. Which drawing is best?
#
# The pixels do not mix in $J_c(y)$, so we look at one of them.
# In this section $y$, $x$, $\bar x$ and $v$ are numbers: drawing, target, mean and variance in that pixel.
#
# **Squared error.** $J = (y - \bar x)^2 + v$ has the derivative $2 (y - \bar x)$.
# It is zero at $y = \bar x$ only, and the second derivative is $2 > 0$: a minimum.

# %% [markdown]
# **Binary cross-entropy.** $J = -\bar x \ln y - (1 - \bar x) \ln (1 - y)$, for $\bar x$ between 0 and 1:
#
# $$\frac{dJ}{dy} = -\frac{\bar x}{y} + \frac{1 - \bar x}{1 - y} = \frac{y - \bar x}{y (1 - y)}, \qquad
# \frac{d^2 J}{dy^2} = \frac{\bar x}{y^2} + \frac{1 - \bar x}{(1 - y)^2} > 0.$$
#
# Again zero at $y = \bar x$ only, and a minimum.
# If $\bar x$ is 0 or 1, in a pixel that is the same in all images, $J$ falls all the way to $y = \bar x$.
#
# So both losses ask for the **class mean**, whether the targets are black and white or grey.

# %% [markdown]
# **Absolute error.** $J = \mathbb{E} \, |y - x|$.
# Move $y$ up a little: the loss rises by that little for each target below $y$, and falls by it for each above. So
#
# $$\frac{dJ}{dy} = p(x < y) - p(x > y).$$
#
# - $p$: the share of the targets for which it is so
#
# It changes its sign where half of the targets lie below and half above: at the **median**.
#
# A network gives the *logit* $\lambda$ of a pixel, with $y = \mathrm{sigmoid}(\lambda) = 1 / (1 + e^{-\lambda})$.
# As $dy / d\lambda = y (1 - y)$, the cross-entropy has a very simple derivative there:
#
# $$\frac{dJ}{d\lambda} = y - \bar x.$$

# %% [markdown]
# ### Watch it happen
#
# Now without any network: one drawing, and a new random target $x_\tau$ at each step $\tau$.
# Gradient descent on the three losses takes the steps
#
# $$y \leftarrow y - \tfrac{1}{2\tau} \cdot 2 (y - x_\tau), \qquad
# \lambda \leftarrow \lambda - \eta_\tau \, (y - x_\tau), \qquad
# y \leftarrow y - \tfrac{1}{2\sqrt{\tau}} \, \mathrm{sign}(y - x_\tau).$$
#
# - $1/(2\tau)$, $\eta_\tau = 20 / (\tau + 4)$ and $1/(2\sqrt{\tau})$: learning rates that fall, so that late targets
#   do not shake the drawing
#
# No step ever sees the class mean or the median.
#
# **What do you expect?** What will the third drawing look like?
#
# - a) As grey as the others, since its targets are as varied
# - b) Nearly black and white

# %% id="descent"
STEPS = 3000 if FAST else 30000
best = {"squared error": m, "cross-entropy": m, "absolute error": own.median(0).values}
away, seen = {name: [] for name in best}, {}
square, logit, absolute = torch.full_like(m, 0.5), torch.zeros_like(m), torch.full_like(m, 0.5)
chance = torch.rand(STEPS, generator=rng, dtype=torch.float64).numpy()
for t, k in enumerate(pick(handwriting.labels, np.full(STEPS, DIGIT), chance), 1):
    x = images[k].double()
    square = square - (square - x) / t
    logit = logit - 20 / (t + 4) * (logit.sigmoid() - x)
    absolute = (absolute - (absolute - x).sign() / (2 * t**0.5)).clamp(0, 1)
    for name, y in zip(best, (square, logit.sigmoid(), absolute), strict=True):
        away[name].append(float((y - best[name]).square().sum()))
    if t in (1, 3, 10, 30, 100, 1000, STEPS):
        seen[t] = square, logit.sigmoid(), absolute

# %% id="descent-pictures"
rows = {name: torch.stack([p[k] for p in seen.values()]) for k, name in enumerate(best)}
rows["class mean"] = m.expand_as(rows["squared error"])
show(f04_pairing.picture_rows(rows, "class mean", [f"step {t}" for t in seen], along=True))

# %% [markdown]
# b) is right.
# The first step looks like one handwriting in all three rows.
# Then the first two become the grey class mean, and the third something crisp: a pixel is ink where more than half of
# the people put ink.
#
# How fast do they get there?

# %% id="descent-figure"
nearest_to_mean = float((own - m).square().sum((1, 2)).min())
levels = {"an image, on average": float(v.sum()), "the nearest image": nearest_to_mean}
steps = np.unique(np.geomspace(1, STEPS, 150).astype(int))
curves = {name: {int(t): d[t - 1] for t in steps} for name, d in away.items()}
show(f04_pairing.decay(curves, "step", "squared distance to the optimum", levels))

# %% [markdown] id="ae6a8fed11"
# Soon the first two drawings are nearer to the class mean than any image of the class is.
#
# For squared error with the rate $1/(2\tau)$ we know each step exactly: the drawing is the mean of the targets so far.
# The mean of $\tau$ independent targets has the variance $v / \tau$.
# That is why its distance falls about as $1 / \tau$: a line with the slope -1, apart from chance.
#
# ### Two faults
#
# Both kinds of best drawing are *one* drawing for each class. So there are two faults, and they are not the same:
#
# - **grey**: the pixels are neither black nor white, the lines are blurred
# - **same**: each 7 looks like every other 7
#
# The class mean has both. The median has the second only.

# %% [markdown]
# From here on we measure both.
#
# $$\text{greyness} = \frac{1}{784} \sum_u 4 \, y_u (1 - y_u), \qquad
# \text{variety} = \frac{\text{mean distance of two drawings of a class}}
# {\text{mean distance of two images of the class}}.$$
#
# - greyness is 0 for black and white, and 1 if all pixels are one half; handwriting is not quite 0 itself
# - the distance is the plain one here, the root of the summed squares of the pixels' differences
# - variety is 0 if all drawings of a class are the same, and 1 if they vary as handwriting does

# %% id="measures"
from a2d import metrics

flat = images.flatten(1).numpy()


def both(pictures, digits):
    """Greyness, and variety in pixels, of pictures of spoken or written digits."""
    x = pictures.flatten(1).numpy()
    return metrics.greyness(x), metrics.diversity(x, digits.numpy(), flat, handwriting.labels)


def table(rows):
    """Print both measures for each name."""
    print(f"{'':<30}{'greyness':>9}{'variety':>9}")
    for name, (grey, variety) in rows.items():
        print(f"{name:<30}{grey:9.3f}{variety:9.2f}")


# %% id="one-for-each"
medians = torch.stack([images[labels == k].median(0).values for k in range(10)])
twice, two_of_each = classes.repeat(2), {"class means": means, "class medians": medians}
faults = {"images": both(images[:5000], labels[:5000])}
faults |= {name: both(ten.repeat(2, 1, 1), twice) for name, ten in two_of_each.items()}
table(faults)

# %% [markdown]
# Median pixels are hardly greyer than handwriting, and their variety is 0 all the same.
# Keep the two columns apart whenever somebody says "the drawings are blurred, so they do not vary".
#
# ### And with a latent?
#
# A generator draws from $z$, and $z$ may leave the class open.
# Once the class is known, the target has nothing to do with $z$.
# So for squared error and cross-entropy the best drawing for a given $z$ is
#
# $$y^*(z) = \mathbb{E}[x \mid z] = \sum_{c=0}^{9} p(c \mid z) \, \bar x_c.$$
#
# - $p(c \mid z)$: how probable class $c$ is for that $z$; all ten add up to 1
# - $\bar x_c$: the mean of class $c$
#
# It is a mixture of ten pictures, whatever else $z$ may know about the speaker or the sound.
#
# ### Here is a good place to stop (about 60 min so far)

# %% [markdown]
# ## 4. What do the rules do to the gradient?
#
# If the class mean is the goal, why not use it as the target?
# And what if each recording kept one image for ever?
# Three rules:
#
# | rule | target of a recording | changes |
# |---|---|---|
# | random | a random image of its class | at each step |
# | fixed | one random image of its class | never |
# | mean | the class mean | never |
#
# A network learns from the gradient of the loss in its weights.
# With targets at random, the gradient is random too.
# Its **bias** is how far its average is from the gradient of the objective $J$.
# Its **variance** is how far it scatters about its own average.
# A bias leads training to another place; a variance only shakes it on its way.

# %% [markdown]
# The smallest generator that can show both has a single layer, from the features to the logits:
#
# $$y_i = \mathrm{sigmoid}(W \tilde a_i), \qquad
# G = \frac{1}{N} \sum_{i=1}^{N} (y_i - x_i) \, \tilde a_i^{\mathsf T}.$$
#
# - $\tilde a_i$: the 40 standardised features of recording $i$, and a 1 for the bias of the layer
# - $W$: the weights, $784 \times 41$; ${}^{\mathsf T}$: transposed
# - $G$: the gradient of the cross-entropy in $W$, a matrix of the same size; by section 3, $y - x$ is the
#   derivative in the logits, and each logit depends on its weights through $\tilde a_i$
# - $N$: the recordings of the batch
#
# We let it begin to learn: 200 steps with random targets.

# %% id="train"
from a2d.ears import FeatureScaler

scaler = FeatureScaler(sounds.shape[1])
scaler.fit(sounds)
features = torch.cat([scaler(sounds), torch.ones(len(sounds), 1)], 1)
W = torch.zeros(784, features.shape[1])
for t in range(200):
    batch = torch.randint(len(features), (64,), generator=rng)
    x = targets.random(c[batch], rng).flatten(1)
    y = (features[batch] @ W.T).sigmoid()
    W -= 0.3 / (1 + t / 50) * (y - x).T @ features[batch] / len(batch)

# %% [markdown]
# $G$ is affine in the target, so $\mathbb{E}[G(x)] = G(\bar x)$: **random targets have no bias**.
# The mean of $R$ independent targets has the same expectation and a smaller variance:
#
# $$\mathbb{E}\Big[ G\Big(\tfrac{1}{R} \sum_{i=1}^R x_i\Big) \Big] = G(\bar x), \qquad
# \text{variance} = \tfrac{1}{R} \, \text{variance of } G(x).$$
#
# - $R$: how many targets are drawn for a recording in one step
#
# Class means have that expectation and no variance.
#
# In a deeper network, the derivative in a weight is again a sum over the pixels of $y_u - x_u$ times a factor without
# $x$: how the logit changes with the weight. So all of this holds there too.
# For squared error it holds as well, for absolute error it does **not**: $\mathrm{sign}(y - x)$ is not affine.

# %% [markdown] id="ceb0cf9d17"
# **Fixed targets** are drawn once, so no later step averages the luck of that draw away.
#
# **What do you expect?**
# Compare the gradients of many epochs with random and with fixed targets.
#
# - a) Fixed targets have less variance and no bias, as each image is drawn by the same rule
# - b) What is variance with random targets is bias with fixed ones
#
# You measure it.

# %% [markdown]
# {exercise 4.4}
#
# Write `bias_and_variance(features, weights, targets, means)` for the one-layer generator.
#
# - In: `features` (N, features); `weights` (pixels, features); `targets` (repetitions, N, pixels): the targets of the
#   $N$ recordings in each repetition; `means` (N, pixels): the class mean of each recording.
# - Out: two numbers, bias and variance, as shares of the exact gradient's squared length:
#
# $$\text{bias} = \frac{\lVert \bar G - G_* \rVert^2}{\lVert G_* \rVert^2}, \qquad
# \text{variance} = \text{mean over the repetitions of } \frac{\lVert G - \bar G \rVert^2}{\lVert G_* \rVert^2}.$$
#
# - $G$: the gradient with the targets of one repetition, and $\bar G$: the mean over all repetitions
# - $G_*$: the exact gradient, that with `means` as targets
# - $\lVert G \rVert^2$: the squared length, the sum of the squares of all entries
#
# {hints 4.4}


# %% id="exercise-4-4"
def bias_and_variance(
    features: np.ndarray,
    weights: np.ndarray,
    targets: np.ndarray,
    means: np.ndarray,
) -> tuple[float, float]:
    """Bias and variance of the gradient, as shares of the exact gradient's squared length."""
    # SOLUTION BEGIN
    y = 1 / (1 + np.exp(-(features @ weights.T)))
    gradients = np.stack([(y - x).T @ features / len(features) for x in targets])
    exact = (y - means).T @ features / len(features)
    length = (exact**2).sum()
    bias = ((gradients.mean(axis=0) - exact) ** 2).sum()
    return float(bias / length), float(gradients.var(axis=0).sum() / length)
    # SOLUTION END


# %% id="check-4-4"
a2d.check("4.4", bias_and_variance)

# %% [markdown]
# <details><summary>It is right for targets that stay, but not for those drawn anew?</summary>
#
# Targets that stay have no variance, whatever you divide by.
# The variance is about the mean of the gradients, not about the exact gradient.
#
# </details>
#
# Your function measures the rules, with 256 recordings and 32 repetitions (epochs) each.

# %% id="variance"
measure = a2d.mine("4.4")
some, epochs = torch.arange(256), 32
layer, centre = (features[some].numpy(), W.numpy()), means[c[some]].flatten(1).numpy()
given = {}
for k in (1, 8):
    drawn = [targets.random(c[some], rng, k).flatten(1) for _ in range(epochs)]
    given[f"random, {k} per step"] = torch.stack(drawn).numpy()
once = targets.fixed(c[some], some, SEED).flatten(1)
given["fixed"] = once.expand(epochs, -1, -1).numpy()
given["mean"] = np.broadcast_to(centre, (epochs, *centre.shape))
print(f"{'rule':<22}{'bias':>9}{'variance':>11}{'variance / epochs':>20}")
for rule, x in given.items():
    bias, variance = measure(*layer, x, centre)
    print(f"{rule:<22}{bias:9.4f}{variance:11.4f}{variance / epochs:20.4f}")

# %% [markdown]
# b) is right: about the same number stands under variance for random targets and under bias for fixed ones.
# What is left under bias for random targets is the chance of a mean over 32 epochs: the last column.
#
# So what? A variance is averaged away while training goes on, a bias is not.
# We average the gradient over more and more epochs, and look at what is left of the distance to the exact one.

# %% id="averaging"
steps = 2 ** np.arange(6)
del given["mean"]
left = {}
for rule, x in given.items():
    left[rule] = {n: measure(*layer, x[:n], centre)[0] for n in steps}
show(f04_pairing.decay(left, "epochs averaged over", "distance to the exact gradient"))

# %% [markdown] id="d6d0f2a3e5"
# Random targets: the distance falls with a slope of about -1, as a variance does.
# Fixed targets: it stays where it was after the first epoch.
# Class means: zero from the first epoch on, which a logarithmic axis cannot show.
#
# More training does not take a bias away: the network memorises which image happened to come with which recording.

# %% id="record-bias"
from a2d.lab import record

for rule in ("fixed", "random, 1 per step"):
    value = float(left[rule][epochs])
    record(f"gradient off after {epochs} epochs, {rule}", value, f"{value:.1e}")

# %% [markdown]
# ### In the report's generator
#
# The same for the whole generator, measured half-way through its training on real recordings (FSDD) and MNIST, in
# batches of 64 (`python -m results.reproduce targets`). Two different experiments stand in two columns:
#
# - *target alone*: one batch and its latents are held, and only the targets are drawn anew
# - *whole step*: batch, latents and targets are all drawn anew, as in training
#
# Each is a share of the squared length of its own average gradient, so compare within a column only.

# %% id="real-gradient" tags=["nbval-check-output"]
from a2d.lab import results

measured = results("targets")
for likelihood, name in {"bernoulli": "cross-entropy", "gaussian": "squared error"}.items():
    noise = measured["gradient"][likelihood]
    alone, whole = noise["target_only"]["draws"], noise["batch_latent_and_target"]
    print(f"{name:<18}{'target alone':>13}{'whole step':>12}")
    for k in ("1", "8", "mean"):
        rule = "class mean" if k == "mean" else f"{k} random"
        print(f"  {rule:<16}{alone[k]['variance']:13.2f}{whole[k]:12.2f}")
    shares = [1 - whole["mean"] / whole[k] for k in ("1", "8")]
    print(f"  the targets' part of a step: 1 random {shares[0]:.0%}, 8 random {shares[1]:.0%}")
    kept = noise["averaged_over_epochs"]
    after, stays = kept["random"]["32"], kept["fixed"]["mean"]
    more = f"{stays / after:.0f} times as much"
    print(f"  left after 32 epochs: random {after:.4f}, fixed {stays:.4f}, {more}")

# %% [markdown]
# With one random image, most of the variance of a whole step comes from the target: what class means leave is that of
# batch and latent. With eight images the target's part is much smaller.
# This is why the recipe `report` draws eight. Its objective is that of the report, as averaging $R$ targets leaves the
# expectation as it is.
#
# The last line is the one that matters for fixed targets.
# Averaged over all recordings and 32 epochs, hardly anything is left of the chance in random targets.
# Of fixed ones a part remains that training follows to its end. What does it do to the drawings?

# %% [markdown]
# ## 5. What do the three rules draw?
#
# We train the report's generator three times, from the same first weights, by the three rules.
# `GeneratorTask` holds what a training needs: model, loss, recordings, and here the targets that *your* functions give.
# `training.fit` is the loop; lecture 05 takes both apart.

# %% id="three-rules"
from dataclasses import replace

from a2d import training
from a2d.lab.kinds.generator import GeneratorTask


def train(rule="random", **model):
    """The report's generator by a rule for its targets, and its history."""
    recipe = recipes.load("report")
    pace = replace(recipe.training, epochs=30 if FAST else 60, batch_size=64)
    model = replace(recipe.model, noise=0.0, **model)
    recipe = replace(recipe, model=model, training=pace, targets=TargetConfig(rule))
    task = GeneratorTask(recipe, sounds, c, targets, seed=SEED)
    history = training.fit(task, pace, seed=SEED)
    return task.model, history.series


nets, history = {}, {}
for rule in ("random", "fixed", "mean"):
    nets[rule], history[rule] = train(rule)

# %% [markdown]
# The next figure shows the reconstruction term by epoch, and the floor: what the class means themselves cost, averaged
# over the recordings, by your function of exercise 4.3.
#
# **What do you expect?**
# Can the reconstruction term of a rule go below the floor?
#
# - a) No, the floor is the least expected loss
# - b) Yes, that of fixed targets

# %% id="three-losses"
floors = torch.tensor([cost(x, x, 0 * x)[0] for x in means.double().numpy()])
floor = float(floors[c].mean())
curves = {rule: series["reconstruction"] for rule, series in history.items()}
show(f04_pairing.losses(curves, floor))

# %% [markdown]
# b) is right.
# No drawing costs less than the floor *in expectation over new targets*.
# But with fixed targets a generator can know more of a target than its class: it is always the same one.
#
# Is that a better generator?
# We compute two losses for each, on the recordings that it was trained with: against the fixed targets, and against
# new random targets in expectation (which is the loss against the class mean).

# %% id="own-and-new"
from a2d.vae import bernoulli_nll

kept = targets.fixed(c, torch.arange(len(c)), SEED)
print(f"{'nats per image':<16}{'against fixed':>15}{'against new':>13}{'gap':>7}")
for rule, net in nets.items():
    with torch.no_grad():
        logits = net.decoder(net.encode(sounds)[0])
        own_loss, new_loss = (bernoulli_nll(logits, x).mean().item() for x in (kept, means[c]))
    print(f"{rule:<16}{own_loss:15.1f}{new_loss:13.1f}{new_loss - own_loss:+7.1f}")

# %% [markdown]
# The rule of fixed targets has by far the largest gap, and the highest loss against new targets: this generator has
# learnt which image belongs to which recording. That helps nobody, since the pairs were made by chance.
#
# Now the drawings themselves, for recordings of the test part, with sampled latents.
# The row "nearest image" holds the image of the class that is nearest to the random rule's drawing.
# Of each digit we show the recording whose drawing is neither near nor far from its class mean: the median one.
#
# **What do you expect?** Which row will be the least grey?
#
# - a) The random rule's, since its targets were single, sharp images
# - b) None of the three rules will be much less grey than the class means

# %% id="nearest"
from a2d.vae import reparameterise

heard, said = speech.part("test")


def sampled(net):
    """Drawings of the test recordings; each net gets the same random numbers."""
    return net.draw(heard, torch.Generator().manual_seed(SEED))


drawn = {rule: sampled(net) for rule, net in nets.items()}


def nearest(pictures, classes):
    """For each picture the nearest image of its class, by squared distance."""
    found = torch.zeros_like(pictures)
    for k in range(10):
        mine, real = pictures[classes == k].flatten(1), images[labels == k]
        found[classes == k] = real[torch.cdist(mine, real.flatten(1)).argmin(1)]
    return found


# %% id="three-pictures"
away = (drawn["random"] - means[said]).square().sum((1, 2))
order = [(said == k).nonzero()[:, 0][away[said == k].argsort()] for k in range(10)]
typical = torch.stack([numbers[len(numbers) // 2] for numbers in order])
rows = {"class mean": means, **{rule: pictures[typical] for rule, pictures in drawn.items()}}
rows["nearest image"] = nearest(drawn["random"][typical], classes)
show(f04_pairing.picture_rows(rows, "class mean", [f"spoken {k}" for k in range(10)]))

# %% id="variety"
table(faults | {f"drawings, {rule}": both(pictures, said) for rule, pictures in drawn.items()})

# %% [markdown] id="71462e4139"
# b) is right: the drawings of all three rules are nearly as grey as the class means.
# Some are smears of several digits: there the sound leaves the class open, and the drawing is a mixture.
#
# The rules differ in variety.
# **The trick gives the targets variation, not the drawings**: random targets give hardly more of it than class means.
# Fixed targets give more, but we know from the losses where that comes from: who happened to be paired with what.
#
# Is every drawing near its class mean, or only the typical one?
# We compare distances for all test recordings and, as a yardstick, for images of the test part.


# %% id="near-what"
def both_distances(pictures, classes):
    """Squared distances to the class mean and to the nearest image."""
    others = means[classes], nearest(pictures, classes)
    return [(pictures - x).square().sum((1, 2)).numpy() for x in others]


held = datasets.load_images(handwriting.name, "test")
people = torch.tensor(held.pixels[:1000]).float() / 255
real = both_distances(people, torch.tensor(held.labels[:1000]))
clouds = {"drawings": both_distances(drawn["random"], said), "images": real}
show(f04_pairing.near_what(clouds))

# %% [markdown]
# Nearly all drawings are nearer to the class mean than to any image; with handwriting it is the other way round.
#
# ### Is a mixture better than a mean?
#
# Section 3 said more: for a given $z$ the best drawing is $\sum_c p(c \mid z) \, \bar x_c$.
# We can estimate $p(c \mid z)$ from the training recordings by Bayes' rule: how dense are the distributions
# $q_\phi(z \mid \tilde a_i)$ of each class at that $z$?
#
# $$p(c \mid z) \approx \frac{\sum_{i: \, c_i = c} q_\phi(z \mid \tilde a_i)}{\sum_{i} q_\phi(z \mid \tilde a_i)},
# \qquad \ln q_\phi(z \mid \tilde a_i)
# = -\sum \Big[ \frac{(z - \mu_i)^2}{2 \sigma_i^2} + \ln \sigma_i \Big] + \text{constant}.$$
#
# - $\mu_i, \sigma_i$: mean and standard deviation that the encoder gives recording $i$, one of each for each latent;
#   the last sum runs over the latents

# %% id="mixture"
net = nets["random"]
with torch.no_grad():
    mu, logvar = net.encode(sounds)
    z = reparameterise(*net.encode(heard), rng)
    drawing = net.decode(z)
    log_q = -0.5 * torch.stack([((z_i - mu) ** 2 / logvar.exp() + logvar).sum(1) for z_i in z])
    density = torch.stack([log_q[:, c == k].logsumexp(1) for k in range(10)], dim=1)
p = density.softmax(1)
best = torch.einsum("nk,kij->nij", p, means)
for name, other in {"mean of the spoken class": means[said], "mixture": best}.items():
    away = (drawing - other).square().sum((1, 2)).mean()
    print(f"squared distance to the {name}: {away:.2f}")
# %% id="mixture-variety"
two = {"drawings, random": both(drawing, said), "mixtures": both(best, said)}
table(two)
share = two["mixtures"][1] / two["drawings, random"][1]
print(f"variety of the mixtures, as a share of the drawings': {share:.0%}")

# %% [markdown]
# The drawings are nearer to the mixture that theory gives than to the mean of the spoken class.
# The mixtures of ten class means are not all the same either: a good part of the drawings' variety comes from sounds
# whose class is uncertain, not from handwriting.
#
# Hear the recording whose class is the most uncertain: what would you draw?

# %% id="hear"
from IPython.display import Audio, display

order = p.sort(1, descending=True)
unsure = int((order.values[:, 0] - order.values[:, 1]).argmin())
one, other = order.indices[unsure, :2].tolist()
sure = [f"a {k} at {p[unsure, k]:.0%}" for k in (one, other)]
print(f"spoken: {said[unsure]}; heard as {' or '.join(sure)}")
clip = audio.load(spoken.recordings[int(speech.split.test[unsure])].path)
display(Audio(clip.samples, rate=clip.rate))
rows = {"means": means[[one, other]], "drawing": drawing[[unsure] * 2]}
rows["mixture"] = best[[unsure] * 2]
show(f04_pairing.picture_rows(rows, "drawing", [f"mean of {one}", f"mean of {other}"]))

# %% [markdown] id="588c683413"
# ### On real recordings
#
# The same on FSDD and MNIST, with the report's plain recipe (`python -m results.reproduce targets`).
# *Read as spoken*: the share of drawings of test recordings that the untouched evaluator reads as the spoken digit
# (lecture 06 explains it), with sampled latents, five drawings of each recording.
# Each number is a mean over seeds ± its standard deviation; variety is measured in pixels.


# %% id="real-data" tags=["nbval-check-output"]
def line(name, row, keys, places=2):
    """One line of a table: mean and standard deviation over seeds."""
    told = [f"{row[key]['mean']:.{places}f} ± {row[key]['sd']:.{places}f}" for key in keys]
    print(f"{name:<17}" + "".join(f"{text:>18}" for text in told))


found = {rule: entry["numbers"] for rule, entry in measured["rules"].items()}
keys = ["accuracy_sampled", "grey", "pixel_diversity", "to_class_mean", "kl_test"]
print(f"{len(measured['seeds'])} seeds, {measured['epochs']} epochs")
heads = "read", "greyness", "variety", "to mean", "KL, nats"
print(" " * 17 + "".join(f"{head:>18}" for head in heads))
for rule, row in found.items():
    line(rule, row, keys)
real = measured["mnist"]
print(f"{'images':<35}{real['grey']:11.2f}{1.0:18.2f}{real['to_class_mean']:18.2f}")

# %% id="real-data-check"
means_of = {key: {rule: row[key]["mean"] for rule, row in found.items()} for key in keys}
read, grey, varied, _, kl = (means_of[key] for key in keys)
order = sorted(nets, key=lambda rule: -read[rule])
print(f"cross-entropy, from the most to the least read as spoken: {', '.join(order)}")
seeds = {rule: np.array(row[keys[0]]["values"]) for rule, row in found.items()}
gain = 100 * (seeds["random, gaussian"] - seeds["random"])
told = f"{gain.mean():+.1f} ± {gain.std(ddof=1):.1f} points"
print(f"random targets, squared error less cross-entropy, seed by seed: {told}")
assert varied["fixed"] > varied["random"] > varied["mean"] > 0.5 * varied["random"]
assert min(grey.values()) > 3 * real["grey"]
assert kl["random, gaussian"] > kl["random"]
assert order == ["mean", "fixed", "random"]
assert grey["fixed"] < grey["random"]

# %% [markdown] id="ffd24ce758"
# `random, gaussian` is the random rule with squared error in place of cross-entropy; *to mean* is the squared distance
# to the class mean.
#
# - Greyness: about the same for all rules, and several times that of images.
# - Variety: fixed targets have most, and you know from where. Random targets have little more than class means.
# - Readings: the cell above ranks the rules. Class means have the optimum of random targets, without the variance.
#   Fixed targets come before random ones: a little less grey, which this evaluator minds (lecture 06).
# - Why cross-entropy? The report took it; nothing here says that it is better than squared error. One difference is
#   the weight: the recipe counts squared error (over a standard deviation of $0.3$ for each pixel) more against the KL
#   term than cross-entropy, so its latent tells more of the sound (last column). Section 6 turns that weight by itself.

# %% id="real-losses" tags=["nbval-check-output"]
level = measured["floor"]["reconstruction_bernoulli"]
print(f"reconstruction term after {measured['epochs']} epochs; the floor is {level:.1f} nats")
for rule in nets:
    curve = measured["rules"][rule]["curves"]["reconstruction"]
    print(f"  {rule:<8}{curve[-1]:6.1f} ({curve[-1] - level:+.1f})")

# %% [markdown] id="adf40d9ec6"
# With fixed targets the loss goes far below the floor, as in our own training.
# With random targets and class means it goes towards the floor and stays above it.
# Random targets end some nats higher: both have the same optimum, and after 60 epochs the variance of single targets
# still costs that much.

# %% [markdown]
# ### Here is a good place to stop (about 95 min so far)

# %% [markdown]
# ## 6. What takes which fault away?
#
# Three things can be changed: the weight of the KL term, the loss of a pixel, and what the generator knows of its
# target. We change one after the other, and look at both faults each time.
#
# ### And the ELBO?
#
# In lecture 03 the encoder saw the image that the decoder had to draw.
# Here it sees a recording, and the image is drawn without looking at it.
# Training raises the ELBO of the pair (recording, random image):
#
# $$\mathrm{ELBO} = \mathbb{E}_{z \sim q_\phi(z \mid a)} \big[ \ln p_\theta(x \mid z) \big]
# - \mathrm{KL}\big( q_\phi(z \mid a) \,\|\, p(z) \big).$$
#
# - $a$: the features of the recording, and $q_\phi(z \mid a)$: what the encoder says of the latent $z$
# - $p(z)$: the prior, a standard normal distribution
# - $p_\theta(x \mid z)$: what the decoder says of the image; $-\ln p_\theta(x \mid z)$ is the loss $\mathcal{L}$

# %% [markdown]
# A KL divergence is never negative, and the logarithm of a mean is at least the mean of the logarithms (Jensen's
# inequality). So
#
# $$\mathrm{ELBO} \le \mathbb{E}_{q_\phi(z \mid a)} \big[ \ln p_\theta(x \mid z) \big]
# \le \ln \mathbb{E}_{q_\phi(z \mid a)} \big[ p_\theta(x \mid z) \big].$$
#
# On the right stands what this model gives the image when it draws: sample $z$ from the *encoder*, then the image from
# the decoder.
# So training raises a lower bound on the log-probability of the images, **given the sound**.
#
# The best model of that sort would draw with all the variety of handwriting, each $z$ another hand: on the right, one
# fitting $z$ among many is enough.
#
# In the middle, *every* $z$ has to fit every target, and one that draws a special handwriting fits all others badly.
# That is the term that training sees.

# %% [markdown]
# We check the order with the shipped generator, on targets rounded to 0 and 1 (for grey ones the cross-entropy is a
# score and no logarithm of a probability, as lecture 03 says).

# %% id="bounds"
from a2d.lab import models
from a2d.vae import kl_divergence

net = models.load("report-builtin" if DATA == "builtin" else "report").net
x = targets.random(c[:20], rng).round()
with torch.inference_mode():
    mu, logvar = net.encode(sounds[:20])
    eps = torch.randn(500, *mu.shape, generator=rng)
    logits = net.decoder((mu + (logvar / 2).exp() * eps).flatten(0, 1))
log_p = -bernoulli_nll(logits, x.repeat(500, 1, 1)).view(500, 20).double()
mean_log, log_mean = log_p.mean(0), log_p.logsumexp(0) - np.log(500)
elbo = mean_log - kl_divergence(mu, logvar)
assert ((elbo <= mean_log) & (mean_log <= log_mean)).all()
for name, value in {"ELBO": elbo, "mean of logs": mean_log, "log of mean": log_mean}.items():
    print(f"{name:<13}{value.mean():8.1f} nats per image")

# %% [markdown] id="c441103ddf"
# The gap between the last two tells how unequally the samples of $z$ fit their target.
# The gap between the first two is the KL term: it makes the bound *worse*.
#
# ### What is the KL term for?
#
# In lecture 03 it was needed: images were drawn from the prior $p(z)$, so the encoder had to fill it.
# This generator never draws from the prior.
# What is left of the KL term is a *price on what $z$ says of the recording*.
# To name one of ten digits takes $\ln 10 \approx 2.3$ nats.
#
# **What do you expect?** The weight $\beta$ of the KL term is set from 1 to 0. Of the drawings, the evaluator reads
#
# - a) fewer as spoken: without it, $z$ holds useless details of the recording
# - b) more as spoken: with it, sampled latents of different digits overlap

# %% id="kl-term" tags=["nbval-check-output"]
objectives = results("objectives")
rows = objectives["rows"]
betas = {"beta 0": 0, "beta 0.25": 0.25, "cross-entropy": 1, "beta 4": 4}
keys = ["kl", "evaluator_sampled", "evaluator_mean", "evaluator-adam_sampled"]
keys += ["greyness", "pixel_diversity"]
heads = "KL, nats", "read, sampled", "read, mean z", "by Adam's", "greyness", "variety"
print(f"{'beta':<17}" + "".join(f"{head:>18}" for head in heads))
for name, beta in betas.items():
    line(str(beta), rows[name], keys, 3)

# %% id="kl-term-check"
for key in ("evaluator_sampled", "evaluator_mean"):
    reads = {betas[name]: np.array(rows[name][key]["values"]) for name in betas}
    gain = 100 * (reads[0] - reads[1])
    told = f"{gain.mean():+.1f} ± {gain.std(ddof=1):.1f} points"
    print(f"{key}, beta 0 less beta 1, seed by seed: {told}")
    assert gain.min() > 0 or key == "evaluator_mean"
    assert reads[4].mean() < reads[1].mean()
varied = [rows[name]["pixel_diversity"]["mean"] for name in betas]
assert varied == sorted(varied)
assert round(objectives["ln_10"], 1) == 2.3

# %% [markdown]
# (FSDD and MNIST, recipe `report`, five fresh seeds; means over seeds ± standard deviation.
# "Adam's" is the second evaluator of the course, `evaluator-adam`.)
#
# b) is right. With the mean of $z$ the same generators differ much less: what the KL term costs is that *sampled*
# latents of different digits overlap.
#
# The greyness does not change. The variety rises with $\beta$, but it is the wrong kind: drawings that lie between
# two digits, as the readings say.
#
# So what is the KL term *for*? In this task, for little: it keeps $z$ near the prior, so that one may walk through the
# latents and draw without a sound, as in lecture 03.
# The report used it because a VAE has it.

# %% [markdown]
# ### Grey: another loss
#
# Cross-entropy and squared error ask for the mean, absolute error asks for the median.
# The same generator, the same targets, no label; only the loss of a pixel is another.
#
# **What do you expect?** Which faults will be left?
#
# - a) Only the sameness
# - b) Only the greyness
# - c) Neither: crisp drawings vary as handwriting does

# %% id="absolute"
nets["absolute error"], _ = train(likelihood="laplace", sigma=1 / 3)
drawn["absolute error"] = sampled(nets["absolute error"])
rows = {"class mean": means, "cross-entropy": drawn["random"][typical]}
rows |= {"class median": medians, "absolute error": drawn["absolute error"][typical]}
rows["image"] = targets.random(classes, rng)
show(f04_pairing.picture_rows(rows, "class median", [f"spoken {k}" for k in range(10)]))

# %% id="absolute-table"
faults |= {"cross-entropy": both(drawn["random"], said)}
faults |= {"absolute error": both(drawn["absolute error"], said)}
table(faults)

# %% [markdown]
# a) is right, mostly: the drawings are about as grey as handwriting, and their variety is far from 1.
#
# `laplace` is the name of the likelihood whose negative logarithm is the absolute error
# (`a2d.vae.laplace_nll`; the scale 1/3 says that a pixel that is wrong by full ink costs 3 nats).
#
# The same on real recordings, with two more rows. *Look-up* has no generator: a classifier names the digit from the
# sound, and a random MNIST image of that digit is shown.

# %% id="objectives" tags=["nbval-check-output"]
losses = "cross-entropy", "squared error", "absolute error"
rows = {name: objectives["rows"][name] for name in (*losses, "look-up")}
keys = ["evaluator_sampled", "evaluator-adam_sampled"]
keys += ["greyness", "pixel_diversity", "diversity"]
heads = "read", "by Adam's", "greyness", "variety", "in features"
print(" " * 17 + "".join(f"{head:>18}" for head in heads))
for name, row in rows.items():
    line(name, row, keys, 3)
print(f"{'images':<53}{objectives['mnist']['greyness']:10.3f}{1.0:18.3f}{1.0:18.3f}")

# %% id="objectives-check"
for key, who in {"evaluator_sampled": "evaluator", "evaluator-adam_sampled": "Adam's"}.items():
    reads = {name: np.array(row[key]["values"]) for name, row in rows.items()}
    gain = 100 * (reads["absolute error"] - reads["cross-entropy"])
    told = f"{gain.mean():+.1f} ± {gain.std(ddof=1):.1f} points"
    print(f"{who}: absolute error less cross-entropy, seed by seed: {told}")
    assert reads["look-up"].mean() > max(reads[name].mean() for name in losses)
    assert gain.mean() > 5 or key != "evaluator_sampled"
greys = {name: row["greyness"]["mean"] for name, row in rows.items()}
assert greys["absolute error"] < greys["cross-entropy"] / 2

# %% id="two-faults"
points = {"images": ([objectives["mnist"]["greyness"]], [1.0])}
for name, row in rows.items():
    points[name] = row["greyness"]["values"], row["pixel_diversity"]["values"]
still = objectives["still"]
for name in ("class means", "class medians"):
    points[name] = [still[name]["greyness"]], [0.0]
show(f04_pairing.two_faults(points))

# %% id="objective-pictures"
from matplotlib.image import imread

from a2d.io.shipped import shipped

sheet = imread(shipped("results") / "objectives.png").reshape(-1, 28, 10, 28).swapaxes(1, 2)
pictures = dict(zip(objectives["picture_rows"], sheet, strict=True))
rows = {name: pictures[name] for name in (*losses, "look-up")}
show(f04_pairing.picture_rows(rows, "look-up", [f"spoken {k}" for k in range(10)]))

# %% [markdown]
# (Untouched evaluators; sampled latents, five drawings of each test recording; ± is the standard deviation over five
# seeds. "Variety" is measured in pixels, "in features" in what the evaluator's last layer but one sees.)
#
# - One line of code, the loss, takes most of the grey away. Nobody had to label anything for it.
# - The course's evaluator, which is the report's, reads many more of the drawings then, and Adam's hardly more: grey
#   was the trouble of the first, and the second was never much troubled by it (lecture 06 looks into this).
# - The sameness stays: the variety is far from 1.
# - Look-up has neither fault, and is read better than any of the generators by both.
#   It is the bar for every generator of this course: what can one do that look-up cannot?

# %% [markdown]
# {question 4.5}

# %% [markdown] id="answer-4-5" tags=["answer"]
# {answer 4.5}

# %% [markdown]
# {exercise 4.6}
#
# The median leaves out what less than half of the people write: the bar of a European 7, say.
# Invent a loss whose best drawing is **bold**: a pixel is ink as soon as *more than a fifth* of the images have ink
# there, and black otherwise.
#
# Write `bold_loss(y, x)`.
#
# - In: `y` and `x`, arrays of one shape: drawing and target, pixels in $[0, 1]$.
# - Out: an array of that shape, the loss of each pixel, from that pixel alone.
#
# The check looks for the $y$ with the least mean loss over images of which few or many have ink.
# No formula above is the answer, and many answers are right.
#
# {hints 4.6}


# %% id="exercise-4-6"
def bold_loss(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """A loss of each pixel; the best has ink where more than a fifth of the images have it."""
    # SOLUTION BEGIN
    return np.maximum(4 * (x - y), y - x)
    # SOLUTION END


# %% id="check-4-6"
a2d.check("4.6", bold_loss)

# %% [markdown]
# What does your loss draw? For each pixel of each class we look for the best of 21 levels.

# %% id="bold"
bold, levels = a2d.mine("4.6"), np.linspace(0, 1, 21)


def best_under(loss, x):
    """The drawing with the least mean loss over images (N, 28, 28), pixel by pixel."""
    costs = [loss(np.full(x.shape, level), x).mean(0) for level in levels]
    return levels[np.argmin(costs, axis=0)]


some_of = [images[labels == k][:400].double().numpy() for k in range(10)]
ten = torch.tensor(np.stack([best_under(bold, x) for x in some_of])).float()
rows = {"mean": means, "median": medians, "your loss": ten}
show(f04_pairing.picture_rows(rows, "median", range(10)))
faults["your loss"] = both(ten.repeat(2, 1, 1), twice)
table({name: faults[name] for name in ("class means", "class medians", "your loss")})

# %% [markdown]
# Crisp again, and bolder; and one drawing for each class, again.
# Whatever the loss of a pixel is, the best drawing is *some* statistic of the class's images.
# **No loss that compares pixel by pixel with a target that the generator cannot know brings variety.**
#
# ### Same: who may answer for what
#
# So change the other point: what is known of the target.
# Let eight pictures of a class compete: each target moves only the one that is **nearest** to it.
# For comparison, let each target move one of the eight at random.
#
# **What do you expect?** The loss is the squared error still. The pictures of the nearest-one rule will be
#
# - a) all the class mean, as squared error asks for it
# - b) different from each other, and less grey


# %% id="compete"
def compete(choose, rounds=3000):
    """Eight pictures; each target moves one of them towards itself, less and less."""
    pictures, moved = m.repeat(8, 1, 1), torch.zeros(8)
    pictures += 0.01 * torch.rand(pictures.shape, generator=rng)
    for x in own[torch.randint(len(own), (rounds,), generator=rng)]:
        k = choose(pictures, x)
        moved[k] += 1
        pictures[k] += (x - pictures[k]) / moved[k]
    return pictures


def nearest_one(pictures, x):
    return int((pictures - x).square().sum((1, 2)).argmin())


def random_one(pictures, x):
    return int(torch.randint(8, (1,), generator=rng))


eight = {"random one": compete(random_one), "nearest one": compete(nearest_one)}

# %% id="compete-figure"
show(f04_pairing.picture_rows(eight, "random one"))
rows = {"class mean": m.expand(8, 28, 28), "median": medians[DIGIT].expand(8, 28, 28)} | eight
table({name: both(pictures, torch.full((8,), DIGIT)) for name, pictures in rows.items()})

# %% [markdown] id="c4c476c26d"
# b) is right: each picture becomes a way to write the digit.
# (Variety is relative to the mean of all ten digits here too, so compare the rows with each other.)
#
# The loss is still a squared error in pixels.
# What changed is that a picture now belongs to *some* of the targets, so its mean is over fewer and more similar
# images.
# The logarithm of a mean above did the same: its largest term, the $z$ that fits best, decides.

# %% [markdown]
# {exercise 4.7}
#
# Now you decide who answers for what.
# Think of a generator that is told the *group* of its target: by section 3 it draws the mean of that group.
# Split the images of a class into groups whose means have less of both faults.
#
# Write `split(images, k)`.
#
# - In: `images` $(N, h, w)$ in $[0, 1]$, all of one class; `k`: how many groups.
# - Out: an array $(N,)$ of whole numbers from 0 to $k - 1$, the group of each image.
#
# The check does so in a tiny world: 120 images of strokes, $8 \times 10$ pixels, 4 or 5 groups, none of them empty.
# Weighted by the groups' sizes, your means must have at most $0.9$ of the class mean's greyness, and a variety
# of at least one half. `a2d.case("4.7")` gives you the images.
#
# {hints 4.7}


# %% id="exercise-4-7"
from scipy.spatial.distance import cdist


def split(images: np.ndarray, k: int) -> np.ndarray:
    """The group, 0 to k - 1, of each image."""
    # SOLUTION BEGIN
    flat = images.reshape(len(images), -1)
    means = flat.mean(axis=0, keepdims=True)
    while len(means) < k:  # begin with images that are far from each other
        means = np.vstack([means, flat[cdist(flat, means).min(axis=1).argmax()]])
    for _ in images:  # more rounds than are needed
        groups = cdist(flat, means).argmin(axis=1)
        means = np.stack([flat[groups == j].mean(axis=0) for j in range(k)])
    return groups
    # SOLUTION END


# %% id="check-4-7"
a2d.check("4.7", split)

# %% id="mine-4-7"
ways = {"your groups": a2d.mine("4.7"), "groups by chance": lambda x, k: np.arange(len(x)) % k}
rows = {"nearest one": eight["nearest one"]}
for name, way in ways.items():
    groups = torch.as_tensor(way(own[:400].numpy(), 8))
    rows[name] = torch.stack([own[:400][groups == j].mean(0) for j in range(8)])
show(f04_pairing.picture_rows(rows, "groups by chance"))
table({name: both(pictures, torch.full((8,), DIGIT)) for name, pictures in rows.items()})

# %% [markdown]
# Groups by how the images look do what no loss could do; groups by chance give eight times the class mean.
# Each way out lets the generator know something of its target, or does not ask for one:
#
# - Give the encoder the image too (a conditional VAE): then $z$ holds the handwriting.
# - Take the nearest of several drawings, as above (implicit maximum likelihood estimation).
# - Ask another network whether the drawing looks real, not whether it equals the target (adversarial training).
# - Draw in many small steps, each with little left to average over (diffusion).
#
# Later lectures build such generators.

# %% [markdown]
# ## Quiz
#
# **Question 1.** You train with the *absolute* error.
# To save noise, you compare with the mean of 8 random images of the class at each step. What is the best drawing?
#
# <details><summary>a) The median of the class's images, as before</summary>
#
# No: the targets are other pictures now, means of 8. The best drawing is the median of *those*.
#
# </details>
# <details><summary>b) Nearly the class mean, grey again</summary>
#
# Right: means of 8 images lie on both sides of the class mean in each pixel, so their median is near it. The absolute
# error is not affine in its target; only for affine gradients the mean of targets stands for the targets.
#
# </details>
# <details><summary>c) A sharper median, since there is less noise</summary>
#
# No: the mean of images is itself grey, and no loss can ask for a target that it never sees.
#
# </details>

# %% [markdown]
# **Question 2.** A pixel is 0 in 70 of 100 images of a class, and 1 in the others. What do the losses ask for?
#
# <details><summary>a) Squared error for 0, absolute error for the mean</summary>
#
# No: it is the other way round.
#
# </details>
# <details><summary>b) Cross-entropy for 0, since most of the images are black there</summary>
#
# No: cross-entropy would pay infinitely many nats for an image with ink there. It asks for the share of ink.
#
# </details>
# <details><summary>c) Squared error and cross-entropy for the share of ink, absolute error for 0</summary>
#
# Right: the first two ask for the mean, the third for the median, and more than half of the images are black.
#
# </details>

# %% [markdown]
# **Question 3.** Of a new generator you know: 97 of 100 drawings are read as spoken, and their greyness is that of
# handwriting. What else do you ask for before you call it good?
#
# <details><summary>a) Nothing: it is readable and crisp</summary>
#
# No: ten crisp medians would have these numbers as well.
#
# </details>
# <details><summary>b) The variety of its drawings, and how near they are to single images of the training</summary>
#
# Right: the first shows sameness. The second shows whether it draws or copies, as look-up does.
#
# </details>
# <details><summary>c) The loss on its training recordings, compared with the floor</summary>
#
# No: below the floor it has memorised, above it may be all the same or not. The loss does not tell.
#
# </details>

# %% [markdown]
# ## You can now
#
# - draw a random image of the spoken class for each recording of a batch
# - write down the objective that random targets stand for, and compute it from two pictures
# - prove which drawing is best for squared error, cross-entropy and absolute error
# - tell the bias of a gradient from its variance, and say which target rule has which
# - keep two faults apart, grey drawings and drawings that are all the same, and choose what takes which away
#
# The formulas: $J_c(y) = \sum_u [(y_u - \bar x_u)^2 + v_u]$ or
# $\mathcal{L}(\bar x_c, \bar x_c) + \mathrm{KL}(\bar x_c \,\|\, y)$; $dJ / d\lambda = y - \bar x$;
# $dJ / dy = p(x < y) - p(x > y)$ for absolute error; $y^*(z) = \sum_c p(c \mid z) \, \bar x_c$;
# $\mathbb{E}[G(x)] = G(\bar x)$.

# %% id="score"
a2d.score(4)

# %% [markdown]
# ## What to read
#
# - D. Kingma, M. Welling: [Auto-Encoding Variational Bayes](https://arxiv.org/abs/1312.6114) (2014). The ELBO.
# - Y. Burda, R. Grosse, R. Salakhutdinov: [Importance Weighted Autoencoders](https://arxiv.org/abs/1509.00519) (2016).
#   The logarithm of a mean in place of the mean of logarithms.
# - M. Mathieu, C. Couprie, Y. LeCun:
#   [Deep Multi-Scale Video Prediction Beyond Mean Square Error](https://arxiv.org/abs/1511.05440) (2016).
#   The same blur in predicted videos, and less of it with absolute error.
# - R. Koenker, G. Bassett: [Regression Quantiles](https://doi.org/10.2307/1913643) (1978).
#   Losses whose best answer is any quantile that you like.
# - A. Guzman-Rivera, D. Batra, P. Kohli:
#   [Multiple Choice Learning](https://papers.nips.cc/paper/4549-multiple-choice-learning-learning-to-produce-multiple-structured-outputs)
#   (2012). Only the nearest answer learns.

# %% [markdown]
# - K. Li, J. Malik: [Implicit Maximum Likelihood Estimation](https://arxiv.org/abs/1809.09087) (2018).
#   The nearest of several drawings.
# - K. Sohn, H. Lee, X. Yan:
#   [Learning Structured Output Representation using Deep Conditional Generative Models](https://papers.nips.cc/paper/5775-learning-structured-output-representation-using-deep-conditional-generative-models)
#   (2015). An encoder that sees the target.
# - H. Robbins, S. Monro: [A Stochastic Approximation Method](https://doi.org/10.1214/aoms/1177729586) (1951).
#   Why falling learning rates find the mean.
#
# ## What comes next
#
# Lecture 05 trains the generator in earnest: its layers, its loop, its curves and its drawings.
