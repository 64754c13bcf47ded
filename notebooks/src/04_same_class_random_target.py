# %% [markdown]
# # 04 The same-class random target
#
# {badges}
#
# About 60 min, CPU, needs 03.
#
# A recording has no picture of its own, so the report compares each drawing with a random image of the digit.
# That one line of code decides how all the pictures will look.

# %% [markdown]
# ## You will be able to
#
# - draw a random image of the spoken class for each recording of a batch
# - write down the objective that random targets stand for, and compute it from the class mean alone
# - prove that the best picture is the class mean, for cross-entropy and for squared error
# - measure the bias and the variance that random, fixed and class-mean targets give the gradient
# - explain why the pictures are blurred, and what a loss must be like that does not blur
#
# ## Before you start
#
# You need lecture 03: the ELBO, its two terms, binary cross-entropy.
# You need the mean, the variance and the derivative of a function of one variable.
#
# ## Where we are
#
# sound → features → encoder → latent → decoder → **picture ↔ target**
#
# The double arrow exists in training only.

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
import torch

from a2d import datasets
from a2d.lab import recipes, runs

config = recipes.load("report").features
speech = runs.spoken_set(datasets.load_spoken(DATA), config, seed=SEED)
handwriting = datasets.load_images(runs.images_for(DATA, None))
images = torch.tensor(handwriting.pixels).float() / 255
labels = torch.tensor(handwriting.labels)
sounds, c = speech.part("train")
print("recordings to train on:", tuple(sounds.shape), "images:", tuple(images.shape))
print(f"images of a {DIGIT}: {(labels == DIGIT).sum().item()}")

# %% [markdown]
# The report's rule, the *same-class random target*:
# at each step, each recording gets an image of its own class at random.
#
# - $s$: a recording, and $c$: its class, the spoken digit
# - $I_c$: the images of class $c$, and $n_c$: how many there are
# - $u$: a random number, uniform in $[0, 1)$, a new one for each recording and each step
# - $x$: the target, $28 \times 28$ pixels between 0 (black) and 1 (ink)
#
# $$x = \text{image number } \lfloor u \, n_c \rfloor \text{ of } I_c.$$
#
# The brackets $\lfloor \; \rfloor$ cut off the decimals.
# So each image of $I_c$ has the probability $1 / n_c$.
# The class `Targets` does this for a whole batch.

# %% id="rule" tags=["nbval-check-output"]
from a2d.pairing import TargetConfig, Targets

targets = Targets(handwriting.pixels, handwriting.labels)
rng = torch.Generator().manual_seed(SEED)
index = targets.indices(c, rng)
print("one target for each recording:", len(index) == len(c))
print("the target's class is the sound's:", bool((labels.sort().values[index] == c).all()))

# %% [markdown]
# Is each image drawn equally often?
# We draw 200 times as many targets as there are images, and count.
#
# - $\chi^2$: how uneven the counts are, chi squared
# - $o_j$: how often image $j$ was drawn, and $e$: how often it should be, here 200 times
#
# $$\chi^2 = \sum_j \frac{(o_j - e)^2}{e}$$
#
# If the draws are fair, this is about $n_c - 1$, the number of images less one.

# %% id="fair"
import numpy as np
from scipy import stats

n_c, e = int((labels == DIGIT).sum()), 200
index = targets.indices(torch.full((e * n_c,), DIGIT), rng)
o = torch.bincount(index - index.min(), minlength=n_c).double().numpy()
chi2 = ((o - e) ** 2 / e).sum()
print(f"chi squared {chi2:.1f}, expected about {n_c - 1}")
print("same as SciPy's:", np.isclose(chi2, stats.chisquare(o).statistic))

# %% [markdown]
# Ten recordings, one of each digit, at four steps of the training.

# %% id="draws"
from a2d.figures import f04_pairing

classes, means = torch.arange(10), targets.means()
rows = {f"step {t}": targets.random(classes, rng).numpy() for t in range(1, 5)}
show(f04_pairing.picture_rows(rows | {"class mean": means.numpy()}, "class mean", range(10)))

# %% [markdown]
# Every step shows another handwriting; only the class stays.
# The numbers above the figure do not fall from step to step: a single target never comes near the class mean.
#
# Now draw yourself, and watch the mean of all targets drawn so far.
# In a notebook that runs, the buttons draw more.

# %% id="trick"
from a2d import widgets

show(widgets.target_trick(handwriting.pixels, handwriting.labels, digit=DIGIT, seed=SEED))

# %% [markdown]
# {exercise 4.1}
#
# Write `draw_targets(labels, classes, u)`, the rule for a batch.
#
# - In: `labels` $(n,)$, the classes of all images, in any order;
#   `classes` $(b,)$, the spoken digits of a batch;
#   `u` $(b,)$, one random number in $[0, 1)$ for each recording.
# - Out: $(b,)$ whole numbers, for each recording the number of its target among all $n$ images.
#
# For recording $i$ it is the member of $I_{c_i}$ at the place $\lfloor u_i \, n_{c_i} \rfloor$,
# where places count from 0 in the order in which the images stand.
# A batch may be empty ($b = 0$); each spoken class has an image.
#
# {hints 4.1}


# %% id="exercise-4-1"
def draw_targets(labels: np.ndarray, classes: np.ndarray, u: np.ndarray) -> np.ndarray:
    """The number of a random image of its class for each recording of a batch."""
    # SOLUTION BEGIN
    picked = []
    for spoken_class, number in zip(classes, u, strict=True):
        members = np.flatnonzero(labels == spoken_class)
        picked.append(members[int(number * len(members))])
    return np.array(picked, dtype=int)
    # SOLUTION END


# %% id="check-4-1"
a2d.check("4.1", draw_targets)

# %% [markdown]
# <details><summary>It passes the ordinary cases but fails at the edge?</summary>
#
# Look at `u = 0` and `u = 0.999`: they must give the first and the last image of the class.
# An empty list turns into an array of floats, unless you say `dtype=int`.
#
# </details>

# %% [markdown]
# ## 2. Which objective is that?
#
# One step compares the picture $y$ with one target.
# Many steps compare it with many, so what counts is the average:
#
# $$J_c(y) = \mathbb{E}_{x \sim p(x \mid c)} \big[ \ell(y, x) \big]
# = \frac{1}{n_c} \sum_{x \in I_c} \ell(y, x).$$
#
# - $J_c(y)$: the objective of class $c$, what the picture $y$ costs on average
# - $y$: the picture, numbers between 0 and 1
# - $p(x \mid c)$: the distribution of targets given the class; each image of $I_c$ with $1 / n_c$
# - $\mathbb{E}$: the expectation, the average over that distribution
# - $\ell$: the loss for one target, a sum over the pixels
#
# This average seems to need all images.
# It does not: one picture is enough, and for squared error one number more.

# %% [markdown]
# **Squared error.** With $\ell(y, x) = \sum_p (y_p - x_p)^2$, write $y_p - x_p = (y_p - m_p) + (m_p - x_p)$ and
# square:
#
# $$\mathbb{E}(y_p - x_p)^2 = (y_p - m_p)^2 + 2 (y_p - m_p) \, \mathbb{E}(m_p - x_p) + \mathbb{E}(m_p - x_p)^2.$$
#
# The term in the middle is zero, because the mean of $x_p$ is $m_p$. So
#
# $$J_c(y) = \sum_p \big[ (y_p - m_p)^2 + v_p \big].$$
#
# - $p$: a pixel
# - $m_p$: the mean of that pixel over the images of the class; all of them make the *class mean* $m$
# - $v_p$: its variance over these images
#
# The targets enter through their mean and variance only.

# %% [markdown]
# **Binary cross-entropy**, in nats (natural logarithm), a sum over the pixels:
#
# $$\ell(y, x) = - \sum_p \big[ x_p \ln y_p + (1 - x_p) \ln (1 - y_p) \big].$$
#
# It is *affine* in the target: $x_p$ is only multiplied and added to.
# The expectation of such a function is its value at the mean:
#
# $$J_c(y) = \ell(y, m).$$
#
# Nothing here asks that $x_p$ is 0 or 1: it holds for grey targets too.
#
# It splits into a part that no picture can change and a part that is zero at $y = m$:
#
# $$\ell(y, m) = H(m) + \mathrm{KL}(m \,\|\, y).$$
#
# - $H(m) = \ell(m, m)$: the entropy of the class mean, pixel by pixel
# - $\mathrm{KL}$: the Kullback-Leibler divergence of lecture 03, here of two coins per pixel

# %% [markdown]
# Do the two formulas hold?
# We take a random picture and average the loss over every image of the class, with PyTorch's losses.

# %% id="objective-check" tags=["nbval-check-output"]
from torch.nn import functional as F

own = images[labels == DIGIT].double()
m, v = own.mean(0), own.var(0, correction=0)
y = torch.rand(28, 28, generator=rng, dtype=torch.float64)
squares = F.mse_loss(y.expand_as(own), own, reduction="sum") / len(own)
entropies = F.binary_cross_entropy(y.expand_as(own), own, reduction="sum") / len(own)
cross_entropy = -(m * y.log() + (1 - m) * (1 - y).log()).sum()
print("squared error, same:", torch.allclose(squares, ((y - m) ** 2 + v).sum()))
print("cross-entropy, same:", torch.allclose(entropies, cross_entropy))

# %% [markdown]
# {exercise 4.2}
#
# Write `class_means(images, labels)`.
#
# - In: `images` $(n, h, w)$, whole numbers from 0 to 255 in the type uint8 (ink is 255);
#   `labels` $(n,)$, digits from 0 to 9.
# - Out: $(10, h, w)$, floats in $[0, 1]$: at $c$ the mean of the images of class $c$,
#
# $$m_c = \frac{1}{255 \, n_c} \sum_{x \in I_c} x,$$
#
# where $x$ counts ink up to 255 here, and zeros for a class without images.
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

# %% [markdown]
# {exercise 4.3}
#
# Write `expected_losses(y, mean, variance)`: what a picture costs on average against random targets.
#
# - In: `y`, `mean`, `variance`, arrays of one shape: the picture, and the mean and variance of the targets in each
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
    """Expected cross-entropy (nats) and squared error of a picture, sums over the pixels."""
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

# %% [markdown]
# ### And the ELBO?
#
# In lecture 03 the encoder saw the image that the decoder had to draw.
# Here the encoder sees a recording, and the image is drawn without looking at it.
# The pair (recording, random image) has the ELBO
#
# $$\mathrm{ELBO} = \mathbb{E}_{z \sim q(z \mid s)} \big[ \ln p(x \mid z) \big]
# - \mathrm{KL}\big( q(z \mid s) \,\|\, p(z) \big).$$
#
# - $z$: the latent, $q(z \mid s)$: the encoder's normal distribution for the recording $s$
# - $p(z)$: the prior, a standard normal distribution
# - $p(x \mid z)$: the decoder's distribution of images; $-\ln p(x \mid z)$ is the loss $\ell$
#
# What does it bound from below?

# %% [markdown]
# A KL divergence is never negative, and the logarithm of a mean is at least the mean of the logarithms (Jensen). So
#
# $$\mathrm{ELBO} \le \mathbb{E}_{q(z \mid s)} \big[ \ln p(x \mid z) \big]
# \le \ln \mathbb{E}_{q(z \mid s)} \big[ p(x \mid z) \big] = \ln p(x \mid s).$$
#
# - $p(x \mid s)$: the model that *draws*: sample $z$ from the encoder, then an image from the decoder
#
# So random targets train a model of the images **given the sound**, by a lower bound on the log-probability that it
# gives them.
# The sound tells no more about the image than its class.
#
# For targets of 0 and 1 these are probabilities.
# For grey ones the cross-entropy is a score only, as lecture 03 says.

# %% [markdown]
# We check the order with the shipped generator, on targets rounded to 0 and 1.
# The logarithm of the mean is estimated from 500 samples of $z$ for each of 20 pairs.

# %% id="bounds" tags=["nbval-check-output"]
from a2d.lab import models
from a2d.vae import bernoulli_nll, kl_divergence

net = models.load("report-builtin" if DATA == "builtin" else "report").net
x = targets.random(c[:20], rng).round()
with torch.inference_mode():
    mu, logvar = net.encode(sounds[:20])
    eps = torch.randn(500, *mu.shape, generator=rng)
    logits = net.decoder((mu + (logvar / 2).exp() * eps).flatten(0, 1))
log_p = -bernoulli_nll(logits, x.repeat(500, 1, 1)).view(500, 20).double()
mean_log, log_mean = log_p.mean(0), log_p.logsumexp(0) - np.log(500)
elbo = mean_log - kl_divergence(mu, logvar)
print("ELBO <= mean of logs, for all pairs:", bool((elbo <= mean_log).all()))
print("mean of logs <= log of mean, for all pairs:", bool((mean_log <= log_mean).all()))

# %% id="bound-values"
for name, value in {"ELBO": elbo, "mean of logs": mean_log, "log of mean": log_mean}.items():
    print(f"{name:<13}{value.mean():8.1f} nats per image")

# %% [markdown] id="c441103ddf"
# The best model of the sort $p(x \mid s)$ would draw with all the variety of $p(x \mid c)$:
# each $z$ another handwriting.
# For the logarithm of the mean that is good, since one fitting $z$ among many is enough.
# But training climbs the *mean of the logarithms*.
# There every $z$ has to fit every target, and a $z$ that draws one special handwriting fits all others badly.
# The gap between the last two numbers tells how unequally the samples of $z$ fit their target.
# What is the best that a single $z$ can then do?

# %% [markdown]
# ## 3. Which picture is best?
#
# The objective of one class is $J_c(y)$, and the pixels do not mix, so we look at one pixel.
#
# **Squared error.** $J = (y - m)^2 + v$ has the derivative $2 (y - m)$.
# It is zero at $y = m$ only, and the second derivative is $2 > 0$: a minimum.
#
# **Binary cross-entropy.** $J = -m \ln y - (1 - m) \ln (1 - y)$, for a mean $m$ between 0 and 1:
#
# $$\frac{dJ}{dy} = -\frac{m}{y} + \frac{1 - m}{1 - y} = \frac{y - m}{y (1 - y)}, \qquad
# \frac{d^2 J}{dy^2} = \frac{m}{y^2} + \frac{1 - m}{(1 - y)^2} > 0.$$
#
# Again zero at $y = m$ only, and a minimum.
# If $m$ is 0 or 1, in a pixel that is the same in all images, $J$ falls all the way to $y = m$.
#
# Here $y$, $m$ and $v$ are the picture, the class mean and the variance in that one pixel.

# %% [markdown]
# The proof used the mean of the targets and nothing else.
# So it does not matter whether they are black and white or grey.
#
# A network gives the logit $a$, with $y = \sigma(a) = 1 / (1 + e^{-a})$. As $dy / da = y (1 - y)$,
#
# $$\frac{dJ}{da} = y - m.$$
#
# - $\sigma$: the logistic function, which takes any number to one between 0 and 1
#
# Is that right?
# We let PyTorch differentiate the average loss over all images of the class, at a random picture and at the class
# mean.


# %% id="derivative-check" tags=["nbval-check-output"]
def slope_at(a):
    """The derivative of the average loss in each logit."""
    a = a.clone().requires_grad_()
    loss = F.binary_cross_entropy_with_logits(a.expand_as(own), own, reduction="sum")
    return torch.autograd.grad(loss / len(own), a)[0]


a = torch.randn(28, 28, generator=rng, dtype=torch.float64)
print("y - m, as derived:", torch.allclose(slope_at(a), a.sigmoid() - m))
print("zero at the class mean:", torch.allclose(slope_at(m.logit(1e-9)), 0 * m, atol=1e-8))

# %% [markdown]
# ### Watch it happen
#
# Now without any network: one picture, and a new random target at each step $t$.
# Gradient descent takes the steps
#
# $$y \leftarrow y - \tfrac{1}{2t} \cdot 2 (y - x_t) \quad \text{(squared error)}, \qquad
# a \leftarrow a - \eta_t \, (\sigma(a) - x_t) \quad \text{(cross-entropy)}.$$
#
# - $x_t$: the target of step $t = 1, 2, \dots$
# - $1/(2t)$ and $\eta_t = 20 / (t + 4)$: the learning rates, which fall so that late targets do not shake the picture
#
# No step ever sees the class mean.

# %% id="descent"
STEPS = 3000 if FAST else 30000
index = torch.randint(len(own), (STEPS,), generator=rng)
y, a = torch.full_like(m, 0.5), torch.zeros_like(m)
away = {"squared error": [], "cross-entropy": []}
seen = {}
for t, x in enumerate(own[index], 1):
    y = y - (y - x) / t
    a = a - 20 / (t + 4) * (a.sigmoid() - x)
    away["squared error"].append(float((y - m).square().sum()))
    away["cross-entropy"].append(float((a.sigmoid() - m).square().sum()))
    if t in (1, 3, 10, 30, 100, 1000):
        seen[t] = y, a.sigmoid()

# %% id="descent-figure"
nearest_to_mean = float((own - m).square().sum((1, 2)).min())
levels = {"one image, on average": float(v.sum()), "the nearest image": nearest_to_mean}
show(f04_pairing.decay(away, "step", "squared distance to the class mean", levels))

# %% id="descent-pictures"
rows = {n: torch.stack([p[k] for p in seen.values()]) for k, n in enumerate(away)}
rows["class mean"] = m.expand_as(rows["squared error"])
show(f04_pairing.picture_rows(rows, "class mean", [f"step {t}" for t in seen], along=True))

# %% [markdown]
# The first step looks like one handwriting, the last like all of them.
# Soon the picture is nearer to the class mean than any image of the class is.
#
# For squared error with the rate $1/(2t)$ we even know each step exactly: the picture is the mean of the targets so
# far.

# %% id="running-mean" tags=["nbval-check-output"]
print("the picture is the mean of its targets:", torch.allclose(y, own[index].mean(0)))

# %% [markdown] id="ae6a8fed11"
# The mean of $t$ independent targets has the variance $v / t$.
# That is why the distance falls about as $1 / t$: a line with the slope -1 in the figure, apart from noise.
#
# ### And with a latent?
#
# A generator draws from $z$, and $z$ may leave it unsure of the class.
# Once the class is known, the target has nothing to do with $z$. So the best picture for a given $z$ is
#
# $$y^*(z) = \mathbb{E}[x \mid z] = \sum_{c=0}^{9} p(c \mid z) \, m_c.$$
#
# - $p(c \mid z)$: how probable class $c$ is for that $z$; all ten add up to 1
# - $m_c$: the mean of class $c$
#
# It is a mixture of ten pictures, whatever else $z$ may know about the speaker or the sound.

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
# A network learns from the *gradient* of the loss in its parameters.
# With targets at random, the gradient is random too.
# Its *bias* is its average less the gradient of the objective $J$; its *variance* is how far it scatters about its
# average.

# %% [markdown]
# The loss is affine in its target, and so is its gradient.
# With logits $a$, one picture and one target, it is
#
# $$g(x) = A^{\mathsf T} \, (\sigma(a) - x).$$
#
# - $A$: the Jacobian matrix, how the logits change with the parameters; it does not contain $x$
# - ${}^{\mathsf T}$: transposed
#
# So $\mathbb{E}[g(x)] = g(m)$: **random targets have no bias**.
# The mean of $k$ independent targets gives
#
# $$\mathbb{E}\Big[ g\Big(\tfrac{1}{k} \sum_{i=1}^k x_i\Big) \Big] = g(m), \qquad
# \text{variance} = \tfrac{1}{k} \, \text{variance of } g(x).$$
#
# - $k$: the number of draws, $x_1, \dots, x_k$: the images drawn
#
# Class means have the same expectation and no variance.
# For squared error all of it holds too: its gradient $2 (y - x)$ is affine in $x$.

# %% [markdown] id="ceb0cf9d17"
# **Fixed targets** are another thing.
# They are drawn once, so no later step averages the luck of that draw away: what was variance is now bias.
# It is small only where many recordings share a class, as each brings its own image.
#
# We measure this in a generator that has begun to learn: two epochs with random targets.
# `GeneratorTask` holds what a training needs: the model, its loss, the recordings and their targets.
# `training.fit` is the loop; lecture 05 takes it apart.

# %% id="train"
from dataclasses import replace

from a2d import training
from a2d.lab.kinds.generator import GeneratorTask


def train(rule, epochs):
    """A generator of the report's recipe without noise on the features, and its history."""
    recipe = recipes.load("report")
    model = replace(recipe.model, noise=0.0)
    pace = replace(recipe.training, epochs=epochs, batch_size=64)
    recipe = replace(recipe, model=model, training=pace, targets=TargetConfig(rule))
    task = GeneratorTask(recipe, sounds, c, targets, seed=SEED)
    history = training.fit(task, pace, seed=SEED)
    return task.model, history.series


# %% id="gradient"
net, _ = train("random", 2)
some = torch.arange(256)
with torch.no_grad():
    z = net.encode(sounds[some])[0]
parameters = list(net.decoder.parameters())
logits = net.decoder(z)


def gradient(x):
    """The gradient in all parameters of the decoder, for the mean loss over 256 recordings."""
    pull = (logits.sigmoid() - x).detach() / len(x)
    parts = torch.autograd.grad(logits, parameters, pull, retain_graph=True)
    return torch.cat([g.flatten() for g in parts]).double()


exact = gradient(means[c[some]])
print(f"{len(exact):,} parameters")

# %% [markdown]
# `autograd.grad` multiplies what we give it, here $\sigma(a) - x$, with $A^{\mathsf T}$.
# Is that the gradient of the loss?
# And is it affine: is the gradient for the mean of two targets the mean of their gradients?

# %% id="affine-check" tags=["nbval-check-output"]
one, other = (targets.random(c[some], rng) for _ in range(2))
loss = bernoulli_nll(net.decoder(z), one).mean()
of_loss = torch.cat([g.flatten() for g in torch.autograd.grad(loss, parameters)]).double()
middle = (gradient(one) + gradient(other)) / 2
print("the gradient of the loss:", torch.allclose(gradient(one), of_loss, atol=1e-4))
print("affine in the target:", torch.allclose(gradient((one + other) / 2), middle, atol=1e-4))

# %% [markdown]
# Next the variance, for several numbers of draws $k$.
# We give the mean squared distance to the exact gradient, divided by that gradient's own squared length.


# %% id="variance"
def relative_square(difference):
    """Squared length, as a share of the exact gradient's."""
    return float((difference.square().sum(-1) / exact.square().sum()).mean())


noise = {}
for k in (1, 2, 4, 8, 16):
    drawn = [gradient(targets.random(c[some], rng, k)) for _ in range(48)]
    noise[k] = relative_square(torch.stack(drawn) - exact)
    print(f"k = {k:<3} variance {noise[k]:.5f}, times k {k * noise[k]:.5f}")

# %% [markdown]
# The last column hardly changes: the variance falls as $1 / k$.
#
# Now the bias.
# We hold the network and average its gradient over more and more epochs.
# What is left of the distance to the exact gradient after many epochs is the bias.
# Each rule runs for 128 epochs; for averages over $n$ epochs we take them in groups of $n$.


# %% id="averaging"
def left_over(gradients):
    """Distance of an average over n epochs to the exact gradient, for n = 1, 2, 4, ..., 64."""
    gaps = gradients - exact
    return {n: relative_square(gaps.unflatten(0, (-1, n)).mean(1)) for n in 2 ** np.arange(7)}


left = {}
for k in (1, 8):
    drawn = [gradient(targets.random(c[some], rng, k)) for _ in range(128)]
    left[f"random, {k} per step"] = left_over(torch.stack(drawn))
drawn = [gradient(targets.fixed(c[some], some, SEED))] * 128  # the same in each epoch
left["fixed"] = left_over(torch.stack(drawn))
show(f04_pairing.decay(left, "epochs averaged over", "distance to the exact gradient"))

# %% [markdown] id="d6d0f2a3e5"
# Random targets: the distance falls with a slope of about -1, so nothing but variance was there.
# Fixed targets: it stays where it was after the first epoch, so all of it is bias.
# Class means: zero from the first epoch on, which a logarithmic axis cannot show.
#
# More training does not take a bias away: the network memorises the luck of its draw.

# %% id="record-bias"
from a2d.lab import record

for rule in ("fixed", "random, 1 per step"):
    value = left[rule][64]
    record(f"gradient off after 64 epochs, {rule}", value, f"{value:.1e}")

# %% [markdown]
# {exercise 4.4}
#
# Write `bias_and_variance(a, images, picks)` for the gradient of the cross-entropy in the logits, $\sigma(a) - x$.
#
# - In: `a` $(d,)$, logits; `images` $(n, d)$, all images of the class;
#   `picks` $(r, k)$, whole numbers: in each of $r$ repetitions the numbers of the $k$ images drawn.
# - Out: the bias $(d,)$, and the variance, one number.
#
# With $\bar x_j$, the mean of the $k$ images of repetition $j$, the estimates are $g_j = \sigma(a) - \bar x_j$. Then
#
# $$\text{bias} = \tfrac{1}{r} \sum_j g_j - (\sigma(a) - m), \qquad
# \text{variance} = \sum_{i=1}^{d} \tfrac{1}{r} \sum_j (g_{ji} - \bar g_i)^2.$$
#
# Here $m$ is the mean of all $n$ images, and $\bar g$ the mean of the $r$ estimates.
#
# {hints 4.4}


# %% id="exercise-4-4"
def bias_and_variance(
    a: np.ndarray,
    images: np.ndarray,
    picks: np.ndarray,
) -> tuple[np.ndarray, float]:
    """Bias (d,) and summed variance of the gradient in the logits, over repeated draws."""
    # SOLUTION BEGIN
    sigmoid = 1 / (1 + np.exp(-a))
    estimates = sigmoid - images[picks].mean(axis=1)
    bias = estimates.mean(axis=0) - (sigmoid - images.mean(axis=0))
    return bias, float(estimates.var(axis=0).sum())
    # SOLUTION END


# %% id="check-4-4"
a2d.check("4.4", bias_and_variance)

# %% [markdown]
# <details><summary>It is right for fixed picks, but not for picks drawn anew?</summary>
#
# Fixed picks have no variance, whatever you divide by.
# First average the $k$ images of each repetition, then take the variance over the $r$ repetitions, then add up the
# pixels.
#
# </details>

# %% [markdown]
# ## 5. What do the three rules draw?
#
# Now we train the same generator three times, from the same first weights, by the three rules.

# %% id="three-rules"
epochs = 16 if FAST else 40
nets, history = {}, {}
for rule in ("random", "fixed", "mean"):
    nets[rule], history[rule] = train(rule, epochs)

# %% id="three-losses"
entropy = -(torch.xlogy(means, means) + torch.xlogy(1 - means, 1 - means)).sum((1, 2))
floor = float(entropy[c].mean())
curves = {rule: series["reconstruction"] for rule, series in history.items()}
show(f04_pairing.losses(curves, floor))

# %% [markdown]
# The dashed line is $H(m_c)$, averaged over the recordings: what the class means themselves would cost.
# By section 2, no generator can get below it in expectation, unless it knows more about its targets than their class.
# With fixed targets it can know more: each recording always has the same one.
#
# So we compute two losses of each generator, on the recordings that it was trained with:
# against the fixed targets, and against random targets in expectation (which is the loss against the class mean).

# %% id="own-and-new"
once, gap = targets.fixed(c, torch.arange(len(c)), SEED), {}
for rule, net in nets.items():
    with torch.no_grad():
        logits = net.decoder(net.encode(sounds)[0])
        kept, new = (bernoulli_nll(logits, x).mean().item() for x in (once, means[c]))
    gap[rule] = new - kept
    print(f"{rule:<7} fixed targets {kept:6.1f}, random {new:6.1f}, gap {gap[rule]:+5.1f}")
record("gap of fixed targets, in nats", gap["fixed"], f"{gap['fixed']:+.1f}")

# %% [markdown]
# The rule of fixed targets has the largest gap: this generator has learnt which image belongs to which recording.
# That helps nobody, since the pairs were made by chance.
#
# Now the pictures, drawn from recordings of the test part.
# We look for the nearest real image of each as well.
# For each digit we show the recording whose drawing is neither near nor far from its class mean: the median one.

# %% id="nearest"
heard, said = speech.part("test")
drawn = {rule: net.draw(heard) for rule, net in nets.items()}


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
rows["nearest to random"] = nearest(drawn["random"][typical], classes)
show(f04_pairing.picture_rows(rows, "class mean", [f"spoken {k}" for k in range(10)]))

# %% [markdown]
# The targets of the random rule varied at each step; its pictures look like class means.
# The last row shows real images, the nearest that there are: sharp, and farther away.
#
# Is that so for all test recordings?
# We compare distances, for drawings and, as a yardstick, for real images of the test part.


# %% id="near-what"
def both_distances(pictures, classes):
    """Squared distances to the class mean and to the nearest real image."""
    others = means[classes], nearest(pictures, classes)
    return [(pictures - x).square().sum((1, 2)).numpy() for x in others]


held = datasets.load_images(handwriting.name, "test")
people = torch.tensor(held.pixels[:1000]).float() / 255
real = both_distances(people, torch.tensor(held.labels[:1000]))
clouds = {"drawings": both_distances(drawn["random"], said), "real images": real}
if DATA != "builtin":  # the model that comes with the course learned from MNIST
    clouds["shipped model"] = both_distances(models.load("report").net.draw(heard), said)
show(f04_pairing.near_what(clouds))

# %% [markdown]
# Drawings are near the class mean and far from every real image; with real handwriting it is the other way round.
#
# ### Is a mixture better than a mean?
#
# Section 3 said more: for a given $z$ the best picture is $\sum_c p(c \mid z) \, m_c$.
# We estimate $p(c \mid z)$ from the training recordings: how dense their distributions $q(z \mid s)$ are at that $z$,
# class by class.

# %% id="mixture"
with torch.no_grad():
    net = nets["random"]
    (mu, logvar), z = net.encode(sounds), net.encode(heard)[0]
    log_q = -0.5 * torch.stack([((z_i - mu) ** 2 / logvar.exp() + logvar).sum(1) for z_i in z])
    density = torch.stack([log_q[:, c == k].logsumexp(1) for k in range(10)], dim=1)
    best = torch.einsum("nk,kij->nij", density.softmax(1), means)
to_mean = (drawn["random"] - means[said]).square().sum((1, 2)).mean()
to_mixture = (drawn["random"] - best).square().sum((1, 2)).mean()
print(f"to the mean of the spoken class {to_mean:.2f}, to the mixture {to_mixture:.2f}")

# %% [markdown]
# The drawings are nearer to the mixture that theory gives than to the mean of the spoken class.
# Where a recording could be a 5 or a 9, the picture is a blend of both.
#
# ### Variation of the targets, variation of the pictures
#
# The report meant the random targets to add variation.
# *Variety* is the mean distance between two pictures of one class, divided by the same for real images.
# So 1 is as varied as handwriting, and 0 is one picture per class.

# %% id="variety"
from a2d import metrics


def variety(pictures, classes):
    """Mean distance within a class, relative to the real images'."""
    flat = pictures.flatten(1).numpy()
    return metrics.diversity(flat, classes.numpy(), images.flatten(1).numpy(), labels.numpy())


values = {"targets": variety(targets.random(said, rng), said)}
values |= {f"drawings, {rule}": variety(pictures, said) for rule, pictures in drawn.items()}
values["the mixtures of above"] = variety(best, said)
for name, value in values.items():
    record(f"variety, {name}", value, f"{value:.2f}")

# %% [markdown] id="71462e4139"
# The targets vary as handwriting does.
# The drawings vary far less, and random targets give hardly more of it than class means do.
# The mixtures of class means have most of that variety already: it comes from sounds whose class is uncertain.
# **The trick gives the targets variation, not the images.**

# %% [markdown] id="588c683413"
# ### On real recordings
#
# The same on real recordings (FSDD) and MNIST, with the report's plain recipe and longer training, by
# `python -m results.reproduce targets` (`results/targets.json`).
# Distances are squared and summed over pixels; every number is a mean over seeds, with its standard deviation.

# %% id="real-data" tags=["nbval-check-output"]
from a2d.lab import results

measured = results("targets")
found = {rule: entry["numbers"] for rule, entry in measured["rules"].items()}
keys = ["accuracy_sampled", "to_class_mean", "to_nearest_real", "pixel_diversity"]
print(f"{len(measured['seeds'])} seeds, {measured['epochs']} epochs")
print(f"{'':<17}{'read as spoken':>15}{'to mean':>15}{'to nearest':>15}{'variety':>15}")
for rule, row in found.items():
    told = [f"{row[key]['mean']:.2f} ± {row[key]['sd']:.2f}" for key in keys]
    print(f"{rule:<17}", *(f"{text:>14}" for text in told))
real = measured["mnist"]
print(f"{'real images':<32}{real['to_class_mean']:15.2f}{real['to_nearest_real']:15.2f}")

# %% [markdown] id="ffd24ce758"
# `random, gaussian` is the random rule with squared error in place of cross-entropy.
#
# - All rules draw near the class mean, and much nearer to it than to any real image.
# - Under cross-entropy, class means give the pictures that are read best, then random targets, then fixed ones.
# - Random targets give hardly more variety than class means.
#   Fixed ones give more, but that variety is only who was paired with what, and fewer pictures are read right.

# %% id="real-losses"
floor = measured["floor"]["reconstruction_bernoulli"]
curves = {rule: measured["rules"][rule]["curves"]["reconstruction"] for rule in nets}
show(f04_pairing.losses(curves, floor))

# %% [markdown] id="adf40d9ec6"
# With fixed targets the loss goes far below the floor, and the readings get worse: the generator memorises
# its pairs.
# With random targets and class means it goes towards the floor and stays above it.

# %% id="real-variety"
from a2d import figures

bars = {rule: row["pixel_diversity"]["values"] for rule, row in found.items()}
show(figures.bars_with_spread(bars, xlabel="variety within a class (real images: 100 %)"))

# %% [markdown]
# And the gradient, half-way through that training, with batches of 64.
# The variances are shares of the squared length of the average gradient.

# %% id="real-gradient" tags=["nbval-check-output"]
noise = measured["gradient"]["bernoulli"]
target_only = noise["target_only"]["draws"]
whole = noise["batch_latent_and_target"]
for k in ("1", "8", "mean"):
    name = "class mean" if k == "mean" else f"{k} random"
    alone = target_only[k]["variance"]
    print(f"{name:<10} target alone {alone:6.3f}, whole step {whole[k]:6.2f}")
left = noise["averaged_over_epochs"]
print(f"after 32 epochs: random {left['random']['32']:.4f}, fixed {left['fixed']['mean']:.4f}")

# %% [markdown]
# With one random image, most of a step's variance comes from the target.
# With eight, little more is left than class means have: that of the batch and of the latent.
# This is why the recipe `report` draws eight; its objective is that of the report.

# %% [markdown]
# ## 6. What would not blur?
#
# Three things together make the blur.
# The picture is compared **pixel by pixel**.
# $z$ **knows nothing** of the target but its class.
# The loss takes the **mean** over all targets.
#
# Another pixel-wise loss is not enough.
# For the absolute error $|y - x|$ the best pixel is the *median*: half of the targets lie above it, half below.
# It is less grey, but it is still one picture for each class.
#
# Now change the last point.
# Let eight pictures of a class compete: each target moves only the one that is **nearest** to it.
# For comparison, let each target move one of the eight at random.


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
rows = {"class mean": m.expand(8, 28, 28), "median": own.median(0).values.expand(8, 28, 28)}
show(f04_pairing.picture_rows(rows | eight, "class mean"))

# %% [markdown] id="c4c476c26d"
# With the nearest-one rule the pictures drift apart, and each becomes a way to write the digit.
# The loss is still a squared error in pixels.
# What changed is that a picture now belongs to *some* of the targets, so its mean is over fewer and more similar
# images.
#
# In section 2 the logarithm of a mean did the same: its largest term, the $z$ that fits best, decides.

# %% [markdown]
# That is the way out: the generator must know something of the target, or the loss must not ask for one.
#
# - Give the encoder the image too (a conditional VAE): then $z$ holds the handwriting.
# - Take the nearest of several drawings, as above (implicit maximum likelihood estimation).
# - Ask another network whether the picture looks real, not whether it equals the target (adversarial training).
# - Draw in many small steps, each with little left to average over (diffusion).
#
# Later lectures build such generators.

# %% [markdown]
# {question 4.5}

# %% [markdown] id="answer-4-5" tags=["answer"]
# {answer 4.5}

# %% [markdown]
# ## Quiz
#
# **Question 1.** You take the mean of 8 random images as the target, in place of one. What changes?
#
# <details><summary>a) The best picture becomes sharper</summary>
#
# No: the expected loss has the same gradient, so the best picture is the same class mean.
#
# </details>
# <details><summary>b) The gradient has an eighth of the target's variance, and the same expectation</summary>
#
# Right: the gradient is affine in the target. The recipe `report` does this.
#
# </details>
# <details><summary>c) The gradient gets a bias, since no real image is a mean</summary>
#
# No: a bias would be another expectation, and the expectation of a mean is that of each of its parts.
#
# </details>

# %% [markdown]
# **Question 2.** The loss of the training has stopped at 142 nats per image; the class means cost 141. What do you
# do?
#
# <details><summary>a) Train longer, until it reaches 0</summary>
#
# No: 141 nats are the entropy of the class means. No picture costs less in expectation.
#
# </details>
# <details><summary>b) Use a larger decoder</summary>
#
# No: a larger decoder can draw the class means more exactly, which is worth 1 nat here. It cannot know the next
# target.
#
# </details>
# <details><summary>c) Nothing: the generator has nearly reached its objective</summary>
#
# Right: if you do not like the pictures, change the objective.
#
# </details>

# %% [markdown]
# **Question 3.** You use the absolute error in place of the squared one. What is the best picture of a class?
#
# <details><summary>a) The median of the class's images, pixel by pixel</summary>
#
# Right: it has fewer grey pixels than the mean, but it is one picture for the whole class as well.
#
# </details>
# <details><summary>b) One of the class's images, since those have no blur</summary>
#
# No: medians are taken in each pixel on its own, so they rarely make up an image that somebody has written.
#
# </details>
# <details><summary>c) The class mean, as for every pixel-wise loss</summary>
#
# No: the mean is best for squared error and cross-entropy. Other losses have other best pixels.
#
# </details>

# %% [markdown]
# ## You can now
#
# - draw a random image of the spoken class for each recording of a batch
# - write down the objective that random targets stand for, and compute it from the class mean alone
# - prove that the best picture is the class mean, for cross-entropy and for squared error
# - measure the bias and the variance that random, fixed and class-mean targets give the gradient
# - explain why the pictures are blurred, and what a loss must be like that does not blur
#
# The formulas: $J_c(y) = \sum_p [(y_p - m_p)^2 + v_p]$ or $H(m) + \mathrm{KL}(m \,\|\, y)$; $dJ / da = y - m$;
# $y^*(z) = \sum_c p(c \mid z) \, m_c$; $\mathbb{E}[g(x)] = g(m)$.
# All symbols are those of sections 2 to 4.

# %% [markdown]
# ## What to read
#
# - D. Kingma, M. Welling: Auto-Encoding Variational Bayes (2014), arXiv:1312.6114. The ELBO.
# - Y. Burda, R. Grosse, R. Salakhutdinov: Importance Weighted Autoencoders (2016), arXiv:1509.00519.
#   The logarithm of a mean in place of the mean of logarithms.
# - M. Mathieu, C. Couprie, Y. LeCun: Deep Multi-Scale Video Prediction Beyond Mean Square Error (2016),
#   arXiv:1511.05440. The same blur in predicted videos.
# - A. Guzman-Rivera, D. Batra, P. Kohli: Multiple Choice Learning (NeurIPS 2012). Only the nearest answer learns.
# - K. Li, J. Malik: Implicit Maximum Likelihood Estimation (2018), arXiv:1809.09087. The nearest of several drawings.
# - K. Sohn, H. Lee, X. Yan: Learning Structured Output Representation using Deep Conditional Generative Models
#   (NeurIPS 2015). An encoder that sees the target.
# - H. Robbins, S. Monro: A Stochastic Approximation Method (1951). Why falling learning rates find the mean.
#
# ## What comes next
#
# Lecture 05 trains the generator in earnest: its layers, its loop, its curves and its pictures.
