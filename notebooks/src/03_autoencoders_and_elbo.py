# %% [markdown]
# # 03 Autoencoders, VAE, ELBO
#
# {badges}
#
# About 140 min, CPU, needs 02.
#
# The generator of this course is a *variational autoencoder* (VAE).
# What is it trained for?
# This lecture derives its loss step by step and checks each step with numbers.
# Then it trains one, with functions that you write, and measures what it can do and what it cannot.
#
# It has three sittings:
#
# - 3a: the autoencoder, the bound in one dimension, the KL term
# - 3b: a gradient through a random number, the likelihood of pixels, the training
# - 3c: another way to the gradient, $\beta$, and what a better bound promises

# %% [markdown]
# ## You will be able to
#
# - show by measurement what an autoencoder leaves open, and what a VAE adds to it
# - derive the evidence lower bound (ELBO), and say what its gap to the evidence is
# - write the terms of the loss, check them with samples, and train a VAE with them
# - compare two gradient estimators by their variance, on a formula and on a trained network
# - tell from numbers which latents are used, and what a rising ELBO does not prove
#
# ## Before you start
#
# You need probability densities, expectations and derivatives.
# What a network, a gradient and an epoch are, lecture 02 says.
#
# ## Where we are
#
# sound → features → **encoder** → **latent** → **decoder** → picture → evaluator → digit
#
# Here the encoder gets an image instead of a sound.
# The loss is the same, and images are easier to look at.

# %% [markdown] id="2f0b10d973"
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
# `FAST` keeps it short (fewer images and epochs), `SEED` fixes everything random, and `DATA` is the set of recordings.
# The handwriting follows it: scikit-learn's digits for `builtin`, MNIST for `fsdd`.

# %% id="parameters" tags=["parameters"]
FAST = True
SEED = 0
DATA = "builtin"

# %% [markdown]
# ## 1. What does an autoencoder leave open?
#
# **Sitting 3a.** At its end you can say what the ELBO is, and compute its second term.
#
# An *autoencoder* learns to copy an image through a narrow place.
#
# - $x$: an image of 784 pixels; pixel $u$ is $x_u$, from 0 (black) to 1 (white ink)
# - $z$: the *code* or *latent*, $d$ numbers that the encoder makes of the image; $d = 20$, as in the report's generator
# - $\hat x$: the copy, which the decoder makes of $z$
# - $\phi$, $\theta$: the weights of the encoder and of the decoder
# - $\mathcal{L}(x, \hat x)$: the loss, how unlike image and copy are
#
# $$\min_{\phi, \, \theta} \; \text{mean over the images of} \; \mathcal{L}(x, \hat x).$$
#
# Section 5 explains our $\mathcal{L}$: a cross-entropy, summed over the pixels, in nats (natural logarithms).

# %% id="images" tags=["nbval-check-output"]
import numpy as np
import torch

from a2d import datasets
from a2d.lab import runs

written = datasets.load_images(runs.images_for(DATA, None))
test = datasets.load_images(written.name, "test")
x_train = torch.tensor(written.pixels[: 1500 if FAST else 6000]).float() / 255
x_test = torch.tensor(test.pixels[:500]).float() / 255
labels = test.labels[: len(x_test)]
print(tuple(x_train.shape), tuple(x_test.shape), f"{x_train.min():.0f} to {x_train.max():.0f}")

# %% [markdown]
# Our own network: the encoder has two hidden layers, and so has the decoder.
# The encoder already gives two vectors, `mu` and `logvar`; an autoencoder uses the first only.

# %% id="network"
from torch import nn

from a2d.ears import mlp


class SmallNet(nn.Module):
    def __init__(self, d=20, width=128):
        super().__init__()
        self.encoder = nn.Sequential(mlp([784, width, width], 0.0), nn.Linear(width, 2 * d))
        self.decoder = nn.Sequential(mlp([d, width, width], 0.0), nn.Linear(width, 784))

    def encode(self, x):
        return self.encoder(x.flatten(1)).chunk(2, dim=-1)  # mu, logvar: (b, d) each

    def logits(self, z):
        return self.decoder(z).view(-1, 28, 28)


# %% [markdown]
# One training loop serves all networks of this lecture.
# `loss_of` gives the loss of a batch, and perhaps other numbers that we want to follow.
# Adam is gradient descent with a step size of its own for each weight; lecture 05 comes back to it.


# %% id="train"
def train(net, loss_of, epochs):
    """Lower the loss with Adam; gives, by epoch, the means of what loss_of gives."""
    rng = torch.Generator().manual_seed(SEED)
    adam, history = torch.optim.Adam(net.parameters(), lr=3e-3), []
    for _ in range(epochs):
        seen = []
        for index in torch.randperm(len(x_train), generator=rng).split(64):
            loss, *others = loss_of(net, x_train[index], rng)
            adam.zero_grad()
            loss.backward()
            adam.step()
            seen.append([loss.item(), *(float(one) for one in others)])
        history.append(np.mean(seen, axis=0))
    return np.array(history)


# %% [markdown]
# Now the autoencoder: encode, decode, compare.

# %% id="autoencoder"
from a2d.vae import bernoulli_nll

EPOCHS = 60 if FAST else 100


def copy_loss(net, x, rng):
    z, _ = net.encode(x)
    return (bernoulli_nll(net.logits(z), x).mean(),)


torch.manual_seed(SEED)
autoencoder = SmallNet()
copying = train(autoencoder, copy_loss, EPOCHS)[:, 0]
print(f"loss: {copying[0]:.0f} nats per image in epoch 1, {copying[-1]:.0f} at the end")

# %% [markdown]
# It copies. Can it also *invent* a digit?
# For that we must choose a code $z$ ourselves, and the loss never said where codes lie.
# We try two sources:
#
# - the standard normal distribution, $N(0, 1)$ for each latent, which needs no look at the codes
# - a normal distribution that is *fitted* to the codes of the training images: their mean and covariance


# %% id="draw-codes"
def draw(net, z):
    with torch.no_grad():
        return net.logits(z).sigmoid()


with torch.no_grad():
    codes, test_codes = autoencoder.encode(x_train)[0], autoencoder.encode(x_test)[0]
torch.manual_seed(SEED)
fitted = torch.distributions.MultivariateNormal(codes.mean(0), torch.cov(codes.T))
n = len(x_test)
rows = {
    "real test images": x_test,
    "autoencoder, copies of them": draw(autoencoder, test_codes),
    "autoencoder, z from the fitted normal": draw(autoencoder, fitted.sample((n,))),
    "autoencoder, z from N(0, 1)": draw(autoencoder, torch.randn(n, 20)),
}
print(f"standard deviation of a latent: {codes.std(0).min():.1f} to {codes.std(0).max():.1f}")

# %% [markdown]
# To judge a picture $y$ without our eyes, we look for the training image that is nearest to it.
# Their squared distance is
#
# $$\mathrm{dist}(y) = \min_i \sum_u (y_u - x_{i,u})^2,$$
#
# where $i$ runs over the training images and $u$ over the pixels.
#
# **What do you expect?** Look at the four rows of the next figure with this in mind:
#
# - a) A source is a source: with $N(0, 1)$ the decoder draws digits as well as with the fitted normal.
# - b) Only the fitted normal gives digits.
#
# And is the distance smallest for the real images?


# %% id="nearest"
def nearest(pictures):
    """Squared distance to the nearest training image, summed over the pixels."""
    return torch.cdist(pictures.flatten(1), x_train.flatten(1)).amin(1).square()


# %% id="holes"
from a2d.figures import f03_vae

far = {name: nearest(pictures).numpy() for name, pictures in rows.items()}
show(f03_vae.decoded_rows({name: p[:12].numpy() for name, p in rows.items()}, far))

# %% [markdown]
# The distance alone cannot be trusted, as the first two rows show.
# So we let the evaluator of lecture 00 read the pictures as well, and note how sure it is of the digit that it names.
# The third number is *greyness*, the mean of $4 y_u (1 - y_u)$ over the pixels: 0 for black and white, 1 for all pixels
# one half.

# %% id="holes-table"
from a2d.evaluator import read
from a2d.lab import models
from a2d.metrics import greyness

evaluator = models.load("evaluator").net


def table(rows):
    print(f"{'median or mean of ' + str(n) + ' pictures':<40}distance  sure  greyness")
    for name, y in rows.items():
        sure = read(evaluator, y).confidence.mean()
        print(f"{name:<40}{nearest(y).median():8.1f}{sure:6.0%}{greyness(y.numpy()):10.2f}")


table(rows)
real, copied = far["real test images"], far["autoencoder, copies of them"]
share = np.mean(copied < real)
print(f"{share:.0%} of the copies are nearer to a training image than their original is")

# %% [markdown]
# The copies lie *nearer* to the training images than the originals do.
# This distance rewards averages: a copy leaves out what is special in one image, and so does a blur.
# A small distance proves nothing; a large one does say that a picture is far from all that was ever written.
#
# With $N(0, 1)$ the decoder draws smears: these places mean nothing to it.
# With the fitted normal it draws something like digits, some of them broken, and we had to look at all the codes to
# find that source.
#
# The loss leaves two things open:
#
# - which distribution to draw $z$ from
# - what the decoder should draw where no code of a training image lies
#
# A VAE settles both in advance, and its loss follows from one wish: make the images that we have *likely*.

# %% [markdown]
# ## 2. How likely is an image?
#
# Tell a story of how an image came about: first $z$ was drawn, then $x$ was drawn, given $z$.
#
# - $p(z)$: the *prior*, the distribution that $z$ is drawn from; we choose $N(0, 1)$ for each latent
# - $p_\theta(x \mid z)$: the *likelihood*, which the decoder computes with its weights $\theta$
# - $p_\theta(x)$: the *evidence*, how likely the story makes $x$
#
# $$p_\theta(x) = \int p_\theta(x \mid z) \, p(z) \, dz.$$
#
# $N(\mu, \sigma^2)$ is the normal distribution with mean $\mu$ and variance $\sigma^2$; $\ln$ is the natural logarithm.
#
# We want $\ln p_\theta(x)$ to be large for our images.

# %% [markdown]
# To see every step in numbers, we take the smallest story there is: $x$ and $z$ are one number each, and
#
# $$p(z) = N(0, 1), \qquad p_\theta(x \mid z) = N(w z, s^2).$$
#
# The decoder has two weights, $\theta = (w, s)$: $w$ turns $z$ into an "image", and $s$ is the standard deviation
# of what it leaves open.

# %% id="tiny-model"
w, s = 1.5, 0.5
x = 1.2  # the "image" that we observed
z = np.linspace(-8, 8, 4001)  # places of z, close enough to each other for an integral
dz = z[1] - z[0]


def log_normal(value, mean, sd):
    """ln of the density of N(mean, sd^2) at a value, in nats."""
    return -0.5 * ((value - mean) / sd) ** 2 - np.log(sd) - 0.5 * np.log(2 * np.pi)


log_joint = log_normal(z, 0, 1) + log_normal(x, w * z, s)  # ln p(z) + ln p(x | z)

# %% [markdown]
# The sum of two independent normal variables is normal, so here the evidence is known: $p_\theta(x) = N(0, w^2 + s^2)$.
# SciPy's normal density gives it without our integral.

# %% id="evidence" tags=["nbval-check-output"]
from scipy import stats

log_evidence = np.log(np.exp(log_joint).sum() * dz)
known = stats.norm(0, np.sqrt(w**2 + s**2)).logpdf(x)
print(f"ln p(x) = {log_evidence:.6f} nats by the integral, {known:.6f} by the formula")

# %% [markdown]
# Why not do this for images?
# With 20 latents and only 10 places for each, the grid has $10^{20}$ points.

# %% id="too-many" tags=["nbval-check-output"]
seconds = 10**20 / 1e6  # at a million points per second
print(f"{seconds / (365 * 24 * 3600):,.0f} years for one image")

# %% [markdown]
# So we look for a bound that needs no such integral.
#
# ### Step 1: turn the evidence around
#
# The *posterior* $p_\theta(z \mid x)$ says which $z$ may have led to this $x$.
# By the definition of a conditional density,
#
# $$p_\theta(z \mid x) = \frac{p_\theta(x, z)}{p_\theta(x)}, \qquad p_\theta(x, z) = p_\theta(x \mid z) \, p(z).$$
#
# Take logarithms, and solve for the evidence:
#
# $$\ln p_\theta(x) = \ln p_\theta(x, z) - \ln p_\theta(z \mid x) \quad \text{for every } z.$$
#
# The left side has no $z$ in it, so the right side must be the same for every $z$.

# %% id="step-1" tags=["nbval-check-output"]
posterior_mean, posterior_sd = w * x / (w**2 + s**2), s / np.sqrt(w**2 + s**2)
log_posterior = log_normal(z, posterior_mean, posterior_sd)
for place in (-1.0, 0.0, 2.0):
    at = np.abs(z - place).argmin()
    joint, posterior = log_joint[at], log_posterior[at]
    print(f"z = {place:+.0f}: {joint:.3f} - ({posterior:.3f}) = {joint - posterior:.6f}")

# %% [markdown]
# (The formulas for the posterior's mean and standard deviation hold for this small story only.)
#
# ### Step 2: average over any distribution of z
#
# Let $q_\phi(z)$ be *any* density; here it is normal, and $\phi$ is its mean and its standard deviation.
# $\mathbb{E}_q[\cdot]$ is the mean over $z$ drawn from it: $\mathbb{E}_q[h(z)] = \int q_\phi(z) \, h(z) \, dz$ for a
# function $h$.
# The mean of a constant is the constant, so
#
# $$\ln p_\theta(x) = \mathbb{E}_q[\ln p_\theta(x, z)] - \mathbb{E}_q[\ln p_\theta(z \mid x)].$$
#
# ### Step 3: add and subtract the same
#
# $$\ln p_\theta(x) = \underbrace{\mathbb{E}_q[\ln p_\theta(x, z) - \ln q_\phi(z)]}_{\text{ELBO}}
# + \underbrace{\mathbb{E}_q[\ln q_\phi(z) - \ln p_\theta(z \mid x)]}_{
# \mathrm{KL}(q_\phi(z) \, \| \, p_\theta(z \mid x))}.$$
#
# The first part is the *evidence lower bound* (ELBO).
# The second is the *Kullback-Leibler divergence* (KL) of $q_\phi$ from the posterior.
# The ELBO needs no posterior: the three steps were made for that.

# %% id="step-3" tags=["nbval-check-output"]
q_mean, q_sd = 0.3, 0.6  # any q will do
log_q = log_normal(z, q_mean, q_sd)


def mean_under(log_density, h):
    return (np.exp(log_density) * h).sum() * dz


elbo = mean_under(log_q, log_joint - log_q)
gap = mean_under(log_q, log_q - log_posterior)
print(f"ELBO {elbo:.4f} + KL {gap:.4f} = {elbo + gap:.6f}; ln p(x) = {log_evidence:.6f}")

# %% [markdown]
# ### Step 4: a KL divergence is never negative
#
# For every $t > 0$, $\ln t \le t - 1$.
# Put $t = p_\theta(z \mid x) / q_\phi(z)$ and take the mean under $q_\phi$:
#
# $$-\mathrm{KL} = \mathbb{E}_q\!\left[\ln \frac{p_\theta(z \mid x)}{q_\phi(z)}\right]
# \le \mathbb{E}_q\!\left[\frac{p_\theta(z \mid x)}{q_\phi(z)} - 1\right]
# = \int p_\theta(z \mid x) \, dz - 1 = 0.$$
#
# So $\text{ELBO} \le \ln p_\theta(x)$, with equality only for $q_\phi(z) = p_\theta(z \mid x)$.
#
# **What do you expect?** We move the mean of $q_\phi$ and leave its standard deviation at that of the posterior.
# Does the best mean lie a) at 0, the mean of the prior, or b) somewhere else? And does the ELBO then touch
# $\ln p_\theta(x)$?


# %% id="step-4" tags=["nbval-check-output"]
def elbo_of(q_mean, q_sd):
    log_q = log_normal(z, q_mean, q_sd)
    return mean_under(log_q, log_joint - log_q)


rng = np.random.default_rng(SEED)
tried = [elbo_of(rng.uniform(-2, 2), rng.uniform(0.1, 1.5)) for _ in range(1000)]
assert max(tried) < log_evidence
print(f"largest ELBO of 1,000 random q: {max(tried):.4f}; ln p(x) = {log_evidence:.4f}")

# %% id="bound"
means = np.linspace(-0.5, 2, 101)
values = [elbo_of(mean, posterior_sd) for mean in means]
show(f03_vae.bound(means, values, log_evidence, posterior_mean))

# %% [markdown]
# The dashed line does not depend on $q_\phi$.
# Choose a better $q_\phi$, and the ELBO gains exactly what the KL loses: $q_\phi$ comes closer to the posterior.
#
# Training changes the decoder, too, and with it the dashed line.
# Then a rising ELBO leaves two possibilities open: $\ln p_\theta(x)$ has risen, or the gap has become smaller.
# It may even be that the gap shrinks while $\ln p_\theta(x)$ *falls*.
# Can you find such a case? That is the open task of this lecture, exercise 3.7; think about it until then.

# %% [markdown]
# ### A second view: Jensen's inequality
#
# Write the evidence as a mean under $q_\phi$, with the ratio $\rho(z) = p_\theta(x, z) / q_\phi(z)$:
#
# $$\ln p_\theta(x) = \ln \mathbb{E}_q[\rho(z)] \ge \mathbb{E}_q[\ln \rho(z)] = \text{ELBO}.$$
#
# The logarithm is concave, so the logarithm of a mean is at least the mean of the logarithms.
# This view needs samples only, and no integral.

# %% id="jensen"
samples = q_mean + q_sd * rng.normal(size=2_000_000)
log_ratio = log_normal(samples, 0, 1) + log_normal(x, w * samples, s)
log_ratio -= log_normal(samples, q_mean, q_sd)
log_mean = np.log(np.exp(log_ratio).mean())
print(f"ln of the mean ratio: {log_mean:.3f} (ln p(x) = {log_evidence:.3f})")
print(f"mean of ln of the ratio: {log_ratio.mean():.3f} (ELBO = {elbo:.3f})")

# %% [markdown]
# ### Step 5: the two terms of the loss
#
# Put $p_\theta(x, z) = p_\theta(x \mid z) \, p(z)$ into the ELBO and sort:
#
# $$\text{ELBO} = \underbrace{\mathbb{E}_q[\ln p_\theta(x \mid z)]}_{\text{minus the reconstruction term}}
# - \underbrace{\mathrm{KL}(q_\phi(z) \, \| \, p(z))}_{\text{KL term}}.$$
#
# - reconstruction term, $-\mathbb{E}_q[\ln p_\theta(x \mid z)]$: how badly the $z$ that $q_\phi$ proposes explain $x$
# - KL term: how far $q_\phi$ is from the *prior*; not to be confused with the gap, which is the KL to the *posterior*

# %% id="step-5" tags=["nbval-check-output"]
reconstruction = -mean_under(log_q, log_normal(x, w * z, s))
kl_term = mean_under(log_q, log_q - log_normal(z, 0, 1))
both = -reconstruction - kl_term
print(f"-{reconstruction:.4f} - {kl_term:.4f} = {both:.4f}; ELBO {elbo:.4f}")

# %% [markdown]
# In a VAE the encoder proposes $q_\phi$, anew for each image:
#
# $$q_\phi(z \mid x) = N(\mu(x), \sigma^2(x)),$$
#
# one mean $\mu$ and one standard deviation $\sigma$ for each latent; $\phi$ are the encoder's weights.
# The encoder gives $\mu$ and $\ln \sigma^2$ (`logvar`), so that $\sigma$ is positive whatever numbers come out.
# That $q_\phi$ is normal is a choice, and sometimes a bad one.
#
# Take another story: $x$ is $z^2$ plus noise. Both $z$ and $-z$ explain the same $x$.
#
# **What do you expect?** The posterior has two peaks.
# The best normal $q_\phi$ is a) wide, and covers both, or b) narrow, and covers one.

# %% id="two-peaks"
log_joint_2 = log_normal(z, 0, 1) + log_normal(1.0, z**2, 0.3)
log_evidence_2 = np.log(np.exp(log_joint_2).sum() * dz)
best, best_q = -np.inf, None
for mean in np.linspace(-1.5, 1.5, 61):
    for sd in np.geomspace(0.05, 1.5, 60):
        log_q2 = log_normal(z, mean, sd)
        if (value := mean_under(log_q2, log_joint_2 - log_q2)) > best:
            best, best_q = value, np.exp(log_q2)
shown = np.abs(z) < 2.5
curves = {"the posterior": np.exp(log_joint_2 - log_evidence_2), "the best normal q": best_q}
show(f03_vae.densities(z[shown], {name: y[shown] for name, y in curves.items()}))

# %% id="two-peaks-gap" tags=["nbval-check-output"]
print(f"ln p(x) {log_evidence_2:.3f}, best ELBO {best:.3f}")
print(f"the gap that stays: {log_evidence_2 - best:.2f} nats; ln 2 = {np.log(2):.2f}")

# %% [markdown]
# The best normal $q_\phi$ covers one of the two peaks and ignores the other.
# It misses half of the posterior, and the gap is about $\ln 2$.
# No training of the encoder can close a gap that the *family* of $q_\phi$ leaves open.

# %% [markdown]
# ## 3. What does the KL term cost?
#
# ### A closed form
#
# For one latent, $q_\phi = N(\mu, \sigma^2)$ and the prior is $N(0, 1)$.
# Both log-densities contain $-\frac12 \ln 2\pi$, which cancels:
#
# $$\ln q_\phi(z) - \ln p(z) = -\ln \sigma - \frac{(z - \mu)^2}{2 \sigma^2} + \frac{z^2}{2}.$$
#
# Under $q_\phi$, the mean of $(z - \mu)^2$ is $\sigma^2$, and the mean of $z^2$ is $\mu^2 + \sigma^2$. So
#
# $$\mathrm{KL} = \tfrac12 \left(\mu^2 + \sigma^2 - 1 - \ln \sigma^2\right) \quad \text{nats.}$$
#
# It is 0 for $\mu = 0$, $\sigma = 1$, and only there.
# With $d$ independent latents the terms are added.


# %% id="kl-closed" tags=["nbval-check-output"]
def kl_one_latent(mu, sigma):
    return (mu**2 + sigma**2 - 1) / 2 - np.log(sigma)


exact = kl_one_latent(q_mean, q_sd)
print(f"{exact:.4f} nats by the formula, {kl_term:.4f} by the integral of section 2")

# %% [markdown]
# ### Against Monte Carlo
#
# Without the formula we could draw $z_1, \dots, z_N$ from $q_\phi$ and take a mean,
#
# $$\widehat{\mathrm{KL}} = \frac1N \sum_{i=1}^N \left(\ln q_\phi(z_i) - \ln p(z_i)\right).$$
#
# **What do you expect?** With four times as many samples $N$ its error (the root of the mean squared error) becomes
# a) a quarter, or b) a half.
# We repeat the estimate 300 times for each $N$ and compare with the closed form.

# %% id="kl-monte-carlo"
sizes = np.array([1, 4, 16, 64, 256, 1024])
errors = []
for size in sizes:
    draws = q_mean + q_sd * rng.normal(size=(300, size))
    log_ratio = log_normal(draws, q_mean, q_sd) - log_normal(draws, 0, 1)
    estimates = log_ratio.mean(axis=1)
    errors.append(np.sqrt(np.mean((estimates - exact) ** 2)))
    below = np.mean(estimates < 0)
    print(f"N = {size:>4}: error {errors[-1]:.3f} nats, {below:.0%} are negative")

# %% [markdown]
# `record` prints a number and marks it for the summary that `make course` makes of all lectures.

# %% id="kl-record"
from a2d.lab import record

slope = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
record("slope of the KL estimate's error", slope, f"{slope:.2f} (1 / sqrt(N): -0.5)")

# %% [markdown]
# The error falls like $1 / \sqrt N$.
# The closed form has no error at all, and never claims a negative divergence.
#
# {exercise 3.1}
#
# Write `kl_normal(mu, logvar)`.
#
# - In: `mu` and `logvar`, tensors of shape `(b, d)`: $b$ images, $d$ latents; `logvar` is $\ln \sigma^2$.
# - Out: a tensor of shape `(b,)`: for each image the KL to the prior in nats, *summed* over the latents:
#
# $$\mathrm{KL} = \sum_{j=1}^{d} \tfrac12 \left(\mu_j^2 + \sigma_j^2 - 1 - \ln \sigma_j^2\right),$$
#
# where $\mu_j$ and $\sigma_j$ belong to latent $j$. The result is part of a loss, so gradients must pass through it.
#
# {hints 3.1}
#
# <details><summary>It passes the first cases but fails others?</summary>
#
# With one latent, a sum and a mean are the same.
# And what does your function give for one image: shape `(1,)` or a single number?
#
# </details>


# %% id="exercise-3-1"
def kl_normal(mu: torch.Tensor, logvar: torch.Tensor) -> torch.Tensor:
    """KL(N(mu, exp(logvar)) || N(0, 1)) in nats, summed over the latents: (b, d) to (b,)."""
    # SOLUTION BEGIN
    squared = mu**2 + torch.exp(logvar)
    return 0.5 * torch.sum(squared - 1 - logvar, dim=-1)
    # SOLUTION END


# %% id="check-3-1"
a2d.check("3.1", kl_normal)

# %% [markdown]
# `a2d.mine` gives your function if the check called it right, else the course's own; the lecture goes on with it.
# First question to it: what does our autoencoder's encoder pay, and what an encoder that was never trained?
# Nobody asked either of them to stay near the prior.

# %% id="kl-use"
kl = a2d.mine("3.1")
torch.manual_seed(SEED)
with torch.no_grad():
    for name, net in {"untrained": SmallNet(), "autoencoder": autoencoder}.items():
        found = kl(*net.encode(x_test))
        print(f"{name}: {found.mean():.1f} nats, {found.min():.1f} to {found.max():.1f}")

# %% [markdown]
# An untrained encoder says nearly nothing about an image, and pays nearly nothing.
# The autoencoder's codes lie far from 0, and its `logvar`, which nobody has trained, is whatever it is.
#
# ### Here is a good place to stop (end of sitting 3a)

# %% [markdown]
# ## 4. How does a gradient pass through a random number?
#
# **Sitting 3b.** At its end your own functions train a VAE.
#
# The reconstruction term is $\mathbb{E}_q[h(z)]$ with $h(z) = -\ln p_\theta(x \mid z)$, and it has no closed form.
# We estimate it with samples from $q_\phi$.
# But the encoder should change $\mu$ to lower it, and a sample is just a number: it has no derivative in $\mu$.
#
# The way out is to *reparameterise*.
# Draw $\epsilon$ from $N(0, 1)$, which does not depend on $\mu$ or $\sigma$, and let
#
# $$z = \mu + \sigma \epsilon, \qquad
# \frac{\partial}{\partial \mu} \mathbb{E}[h(\mu + \sigma \epsilon)] = \mathbb{E}[h'(\mu + \sigma \epsilon)].$$
#
# Here $h'$ is the derivative of $h$, which backpropagation computes.
# Now $z$ is still random, but it is a smooth function of $\mu$ and $\sigma$.

# %% [markdown]
# {exercise 3.2}
#
# Write `sample_latent(mu, logvar, eps)`.
#
# - In: `mu` and `logvar` of shape `(b, d)`, and `eps` of the same shape, drawn from $N(0, 1)$.
# - Out: $z$ of shape `(b, d)`, with $z = \mu + \sigma \epsilon$; gradients must reach `mu` and `logvar`.
#
# Mind that `logvar` is $\ln \sigma^2$, not $\sigma$.
#
# {hints 3.2}
#
# <details><summary>The values are right, but the check says that no gradient comes through?</summary>
#
# Something on the way turned a tensor into plain numbers, or made a new tensor from them.
#
# </details>


# %% id="exercise-3-2"
def sample_latent(mu: torch.Tensor, logvar: torch.Tensor, eps: torch.Tensor) -> torch.Tensor:
    """A sample of N(mu, exp(logvar)), made from eps of N(0, 1); all of shape (b, d)."""
    # SOLUTION BEGIN
    standard_deviation = torch.exp(logvar / 2)
    return mu + standard_deviation * eps
    # SOLUTION END


# %% id="check-3-2"
a2d.check("3.2", sample_latent)

# %% [markdown]
# With your two functions we can already raise an ELBO.
# We go back to the smallest story, $x = 1.2$, begin with $q_\phi = N(0, 1)$, and let Adam change its mean and variance.
#
# **What do you expect?** Where does it end?
#
# - a) at the prior, since the KL term pulls it there
# - b) at the posterior, where the ELBO is largest

# %% id="fit-q"
sample = a2d.mine("3.2")
fit_mu, fit_logvar = (torch.zeros(1, 1, requires_grad=True) for _ in range(2))
noise = torch.Generator().manual_seed(SEED)
adam = torch.optim.Adam([fit_mu, fit_logvar], lr=0.02)
for _ in range(800):
    eps = torch.randn(64, 1, generator=noise)
    guess = sample(fit_mu.expand(64, 1), fit_logvar.expand(64, 1), eps)
    error = 0.5 * ((x - w * guess) / s) ** 2 + np.log(s * np.sqrt(2 * np.pi))
    loss = error.mean() + kl(fit_mu, fit_logvar).mean()
    adam.zero_grad()
    loss.backward()
    adam.step()

# %% id="fit-q-found"
found = fit_mu.item(), (fit_logvar / 2).exp().item()
print(f"q found: mean {found[0]:.2f}, sd {found[1]:.2f}; ELBO {elbo_of(*found):.3f}")
wanted = f"mean {posterior_mean:.2f}, sd {posterior_sd:.2f}"
print(f"posterior: {wanted}; ln p(x) {log_evidence:.3f}")

# %% [markdown]
# ## 5. How likely are pixels?
#
# The decoder gives one number $\ell_u$, a *logit*, for each pixel $u$, and
#
# $$\hat x_u = \frac{1}{1 + e^{-\ell_u}}$$
#
# is the probability that this pixel is white; we also draw it as the copy.
# If the pixels are black or white, $x_u \in \{0, 1\}$, and independent given $z$, then $p_\theta(x \mid z)$ is a
# product of *Bernoulli* probabilities, and
#
# $$-\ln p_\theta(x \mid z) = -\sum_u \left[x_u \ln \hat x_u + (1 - x_u) \ln(1 - \hat x_u)\right],$$
#
# in nats per image: a sum over the 784 pixels, not a mean.
#
# Our pixels are grey, $0 \le x_u \le 1$.
# Then the right side is still a useful loss, the *binary cross-entropy* (BCE), but no longer $-\ln p_\theta(x \mid z)$.
#
# **What do you expect?** A perfect decoder answers $\hat x_u = x_u$.
# Is its BCE a) 0 for every pixel, or b) 0 for some pixels only?

# %% id="pixel-loss" tags=["nbval-check-output"]
answers = np.linspace(0.001, 0.999, 999)
for target in (0.0, 0.3, 0.5, 1.0):
    losses = -(target * np.log(answers) + (1 - target) * np.log(1 - answers))
    least = losses.argmin()
    print(f"target {target}: least loss {losses[least]:.2f} nats, at {answers[least]:.2f}")

# %% [markdown]
# The best answer is always $\hat x_u = x_u$, but for a grey pixel even the best answer has a cost.
# It is the entropy $H(x)$ of the target,
#
# $$H(x) = -\sum_u \left[x_u \ln x_u + (1 - x_u) \ln(1 - x_u)\right],$$
#
# and no decoder gets below this *floor*.
#
# {exercise 3.3}
#
# Write `bernoulli_loss(logits, target)`.
#
# - In: `logits` $\ell$ (any numbers) and `target` $x$ (in $[0, 1]$), both of shape `(b, h, w)`.
# - Out: shape `(b,)`: the BCE of each image in nats, *summed* over its pixels; gradients must reach `logits`.
#
# It must be right for logits of $\pm 100$, too.
# There $\hat x_u$ is rounded to 0 or 1, and a logarithm is lost.
# The function $\mathrm{softplus}(\ell) = \ln(1 + e^{\ell})$ helps; torch has it without overflow.
#
# {hints 3.3}
#
# <details><summary>It passes the usual logits but fails for large ones?</summary>
#
# Never compute $\hat x_u$. Simplify the loss on paper first, until it contains only $\ell_u$ and $x_u$.
#
# </details>

# %% id="exercise-3-3"
import torch.nn.functional as F


def bernoulli_loss(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy in nats per image, summed over pixels: (b, h, w) to (b,)."""
    # SOLUTION BEGIN
    per_pixel = F.softplus(logits) - target * logits
    return per_pixel.sum(dim=(-2, -1))
    # SOLUTION END


# %% id="check-3-3"
a2d.check("3.3", bernoulli_loss)

# %% [markdown]
# Your loss now says what several answers to the test images cost.
# The floor is the loss of the perfect answer, the images themselves.

# %% id="floor"
bce = a2d.mine("3.3")
given = {
    "the images themselves (the floor)": x_test,
    "copies by the autoencoder": rows["autoencoder, copies of them"],
    "the mean of all images": x_train.mean(0).expand_as(x_test),
    "grey, one half everywhere": torch.full_like(x_test, 0.5),
}
costs = []
for name, y in given.items():
    logits = y.clamp(1e-6, 1 - 1e-6).logit()
    costs.append(bce(logits, x_test).mean().item())
    print(f"{name:<36}{costs[-1]:6.1f} nats per image")
floor, copied = costs[:2]
record("least BCE of the handwriting", floor, f"{floor:.1f} nats per image")
print(f"So the copies cost {copied - floor:.1f} nats more than they must, not {copied:.1f}.")

# %% [markdown]
# A BCE of grey targets tells how good a decoder is only in comparison: with its floor, or with another decoder on the
# same images.
#
# ### Or a Gaussian one
#
# Let the decoder's $\hat x_u$ be the mean of a normal distribution, with one standard deviation $\sigma_x$ for all
# pixels:
#
# $$-\ln p_\theta(x \mid z) = \frac{1}{2 \sigma_x^2} \sum_u (x_u - \hat x_u)^2
# + 784 \left(\ln \sigma_x + \tfrac12 \ln 2\pi\right).$$
#
# This is a true $-\ln p_\theta$ of grey pixels (and gives some probability to pixels outside of $[0, 1]$).
# As a density can be above 1, this loss can be negative.

# %% [markdown]
# The last term holds neither $\hat x$ nor $z$, so it has no gradient in the networks' weights.
# Leave it out, and multiply the rest, with the KL term, by $2 \sigma_x^2$:
#
# $$\sum_u (x_u - \hat x_u)^2 + 2 \sigma_x^2 \, \mathrm{KL}.$$
#
# So $\sigma_x$ itself cannot be left out: it decides how much the KL weighs against the squared error.
# A "mean squared error plus KL" has chosen a $\sigma_x$, whether its author knows it or not.
#
# To see what that means, VAEs were trained on MNIST, which takes longer than a lecture.
# Their numbers come with the course: 20 latents, weight 1 for the KL, on the test images.
# A latent counts as *used* here if it carries more than 0.1 nat of KL on average (section 8).
# The last column is the root of the mean squared error per pixel, in units of full ink.

# %% id="likelihood-results"
from a2d.lab import results

stored = results("likelihood")
print("made by:", stored["command"])
print("likelihood     2 sigma_x^2  KL in nats  used  error per pixel")
for row in stored["rows"]:
    name, weight = row["likelihood"], row["sigma"]
    told = f"{name}, {weight:g}" if weight else name
    used = sum(one > 0.1 for one in row["kl_by_dimension"])
    weighs = f"{2 * weight**2:.2f}" if name == "gaussian" else "-"
    print(f"{told:<15}{weighs:>11}{row['kl']:12.1f}{used:6d}{row['rmse']:17.3f}")

# %% [markdown]
# A small $\sigma_x$ asks for precise pixels, and the model pays for them with many nats of KL.
# With a large one it gives up latents, and the pixels are wrong by more.
# A $\sigma_x$ far above the error in the last column claims more noise than there is.
# (Lecture 04 meets a third likelihood, whose loss is the absolute error.)

# %% [markdown]
# ## 6. What does a trained VAE give?
#
# Training *minimises* the negative ELBO, as a mean over the images:
#
# $$\mathcal{L} = -\mathbb{E}_q[\ln p_\theta(x \mid z)] + \beta \, \mathrm{KL}(q_\phi(z \mid x) \, \| \, p(z)).$$
#
# With $\beta = 1$ it is the ELBO; another weight $\beta$ makes it a *beta-VAE*, the subject of section 8.
# The mean over $q_\phi$ is estimated with *one* sample for each image and step.
# That is enough here because a batch averages the gradients of 64 images, each with a sample of its own;
# section 7 measures how noisy one of them is.

# %% [markdown]
# {exercise 3.4}
#
# Write `beta_loss(logits, target, mu, logvar, beta)`.
#
# - In: `logits` and `target` of shape `(b, h, w)`, `mu` and `logvar` of shape `(b, d)`, and the number `beta`.
# - Out: one number, the loss above: nats per image, *mean* over the $b$ images; gradients must pass.
#
# `bernoulli_nll` and `kl_divergence` of `a2d.vae` may be used, and your own `kl_normal` and `bernoulli_loss` as well.
#
# {hints 3.4}
#
# <details><summary>It is right for beta = 1 but not for others?</summary>
#
# Which of the two terms does beta belong to?
#
# </details>

# %% id="exercise-3-4"
from a2d.vae import kl_divergence


def beta_loss(
    logits: torch.Tensor,
    target: torch.Tensor,
    mu: torch.Tensor,
    logvar: torch.Tensor,
    beta: float,
) -> torch.Tensor:
    """Negative ELBO with the KL term weighed by beta: nats per image, mean over images."""
    # SOLUTION BEGIN
    per_image = bernoulli_nll(logits, target) + beta * kl_divergence(mu, logvar)
    return per_image.mean()
    # SOLUTION END


# %% id="check-3-4"
a2d.check("3.4", beta_loss)

# %% [markdown]
# Now everything is there, and what you wrote is what trains: your sample, your loss, your KL.
# The network, its first weights, the images and the number of epochs are those of the autoencoder.


# %% id="vae"
loss_with = a2d.mine("3.4")


def vae_loss(beta):
    def loss_of(net, x, rng):
        mu, logvar = net.encode(x)
        eps = torch.randn(mu.shape, generator=rng)
        loss = loss_with(net.logits(sample(mu, logvar, eps)), x, mu, logvar, beta)
        cost = kl(mu, logvar).mean().detach()
        return loss, loss.detach() - beta * cost, cost  # the loss and its two terms

    return loss_of


# %% [markdown]
# **What do you expect?** The loss falls.
# Does the KL a) fall with it from the first epoch to the last, or b) first fall, then rise?

# %% id="train-vae"
from a2d import figures


def fresh(d=20):
    torch.manual_seed(SEED)
    return SmallNet(d)


vae = fresh()
history = train(vae, vae_loss(beta=1.0), EPOCHS)
show(figures.loss_terms({"reconstruction": history[:, 1], "kl": history[:, 2]}))
least = history[:, 2].argmin()
first, low, last = history[[0, least, -1], 2]
print(f"KL, epoch 1: {first:.1f} nats; epoch {least + 1}: {low:.1f}; at the end: {last:.1f}")
print(f"negative ELBO: from {history[0, 0]:.0f} to {history[-1, 0]:.0f} nats per image")

# %% [markdown]
# In the first epochs the KL drops: a decoder that cannot draw yet has no use for $z$.
# Then it learns to draw, a nat of KL saves more than a nat of reconstruction, and the KL rises again.
#
# Now we know where to draw $z$ from: the prior, $N(0, 1)$.
#
# **What do you expect?** Compare the VAE's last row with the autoencoder's row from the fitted normal:
#
# - a) The VAE's drawings are better by every measure.
# - b) They are better by some measures and worse by others.

# %% id="holes-again"
with torch.no_grad():
    mu, logvar = vae.encode(x_test)
rng = torch.Generator().manual_seed(SEED)
rows["VAE, copies"] = draw(vae, sample(mu, logvar, torch.randn(mu.shape, generator=rng)))
rows["VAE, z from N(0, 1)"] = draw(vae, torch.randn(mu.shape, generator=rng))
chosen = [name for name in rows if "z from" in name]
far = {name: nearest(rows[name]).numpy() for name in chosen}
show(f03_vae.decoded_rows({name: rows[name][:12].numpy() for name in chosen}, far))

# %% id="holes-record"
table(rows)
fit, prior = "autoencoder, z from the fitted normal", "VAE, z from N(0, 1)"
for name in (fit, prior):
    record(f"distance to the nearest image: {name}", np.median(far[name]))
apart = np.subtract(*(read(evaluator, rows[name]).confidence.mean() for name in (prior, fit)))
ratio = np.median(far[prior]) / np.median(far[fit])
greyer = greyness(rows[prior].numpy()) / greyness(rows[fit].numpy())
print("The VAE's drawings against the autoencoder's from the fitted normal:")
print(f"the evaluator is {'more' if apart > 0 else 'less'} sure of them, by {abs(apart):.0%};")
print(f"their distance is {ratio:.2f} times, their greyness {greyer:.2f} times the other.")

# %% [markdown]
# What is beyond doubt stands in the two rows with $N(0, 1)$: the VAE draws digits from a source that was fixed
# *before* the training, and the autoencoder draws smears from it.
# That is what the KL term buys.
#
# The rest is less clear than one often reads.
# If the autoencoder may fit its source afterwards, no measure alone decides between the two: grey lowers the distance,
# and it lowers what the evaluator is sure of.
# The VAE's copies cost more nats: part of the code is noise now.

# %% [markdown]
# ### Between two codes
#
# We walk in a straight line from the code of one test image to that of another, of a different digit.
# (For the VAE the code is the mean $\mu$.)
#
# **What do you expect?** In the middle of the walk
#
# - a) the autoencoder draws no digit, and the VAE draws one
# - b) both draw something between two digits

# %% id="between"
pick = np.random.default_rng(SEED)
one, two = pick.integers(0, n, (2, 400))
one, two = one[labels[one] != labels[two]], two[labels[one] != labels[two]]
steps = torch.linspace(0, 1, 9)[None, :, None]
lines = {}
for name, net, code in (("autoencoder", autoencoder, test_codes), ("VAE", vae, mu)):
    places = (1 - steps) * code[one][:, None] + steps * code[two][:, None]  # (pairs, 9, 20)
    lines[name] = draw(net, places.flatten(0, 1)).view(len(one), 9, 28, 28)
far = {name: nearest(line.flatten(0, 1)).view(-1, 9).numpy() for name, line in lines.items()}
show(f03_vae.walks({name: line[:3].numpy() for name, line in lines.items()}, far))

# %% id="between-read"
for name, line in lines.items():
    seen = read(evaluator, line[:, 4]).digits
    share = np.mean((seen == labels[one]) | (seen == labels[two]))
    print(f"{name}: of {len(one)} middles {share:.0%} are read as one of the two digits")

# %% [markdown]
# Both draw a picture at every step, and both pass through shapes that are neither digit.
# The middle of a walk is about as much farther from real images, in proportion, for the one as for the other.
# A VAE has no magic here: it does have borders between the digits.
#
# So say what was measured: a VAE has a *source that is known in advance*.
# "It fills the holes" says more than that.

# %% [markdown]
# ### Here is a good place to stop (end of sitting 3b)

# %% [markdown]
# ## 7. Was there another way to the gradient?
#
# **Sitting 3c.** At its end you can judge a gradient, a $\beta$, and a bound.
#
# Section 4 needed $h'$, the derivative of what is averaged.
# The *score function* needs the values of $h$ only.
# Only $q_\phi$ depends on $\mu$, and
# $\frac{\partial}{\partial \mu} q_\phi(z) = q_\phi(z) \frac{\partial}{\partial \mu} \ln q_\phi(z)$. So
#
# $$\frac{\partial}{\partial \mu} \int q_\phi(z) \, h(z) \, dz
# = \mathbb{E}_q\!\left[h(z) \, \frac{\partial}{\partial \mu} \ln q_\phi(z)\right],
# \qquad \frac{\partial}{\partial \mu} \ln q_\phi(z) = \frac{z - \mu}{\sigma^2} = \frac{\epsilon}{\sigma}.$$
#
# In reinforcement learning it is known as REINFORCE.
# It works where $h$ is a black box, or $z$ a whole number.
#
# Take a case that we can compute: $h(z) = z^2$.
# Then $\mathbb{E}_q[z^2] = \mu^2 + \sigma^2$, and its derivative in $\mu$ is $2 \mu$.


# %% id="two-estimators" tags=["nbval-check-output"]
def estimates_of(mu, sigma, count):
    """One gradient for each of so many samples, by both ways, for h(z) = z^2."""
    eps = np.random.default_rng(SEED).normal(size=count)
    z = mu + sigma * eps
    return 2 * z, z**2 * eps / sigma


centre, many = 1.5, 1_000_000
both = estimates_of(centre, 1.0, many)
for name, way in zip(("reparameterised", "score function"), both, strict=True):
    error = way.std() / np.sqrt(many)
    print(f"{name}: mean {way.mean():.2f} +- {error:.3f} (standard error); exact {2 * centre}")

# %% [markdown]
# Both are *unbiased*: right on average.
# They differ in their variance, the mean squared distance of one sample's gradient from $2\mu$.
# With $\mathbb{E}[\epsilon^2] = 1$, $\mathbb{E}[\epsilon^4] = 3$ and $\mathbb{E}[\epsilon^6] = 15$ one finds
#
# - reparameterised: $4 \sigma^2$
# - score function: $\mu^4 / \sigma^2 + 14 \mu^2 + 15 \sigma^2$
# - score function with a *baseline*: $8 \mu^2 + 10 \sigma^2$
#
# A baseline is a constant that is subtracted from $h$, here $\mathbb{E}_q[h] = \mu^2 + \sigma^2$.
# The score has the mean 0, so nothing but the variance changes.
#
# **What do you expect?** The encoder becomes sure, $\sigma$ gets small. Then the score function's gradient becomes
# a) more exact, or b) less exact?

# %% id="variance"
sigmas = np.array([0.05, 0.1, 0.2, 0.5, 1.0, 2.0])
names = "reparameterised", "score function", "score with baseline"
measured = {name: [] for name in names}
for sigma in sigmas:
    eps = pick.normal(size=200_000)
    h = (centre + sigma * eps) ** 2
    measured[names[0]].append(np.var(2 * (centre + sigma * eps)))
    measured[names[1]].append(np.var(h * eps / sigma))
    measured[names[2]].append(np.var((h - centre**2 - sigma**2) * eps / sigma))
algebra = 4 * sigmas**2, centre**4 / sigmas**2 + 14 * centre**2 + 15 * sigmas**2
exact = dict(zip(names, [*algebra, 8 * centre**2 + 10 * sigmas**2], strict=True))
show(f03_vae.estimator_variance(sigmas, measured, exact))

# %% [markdown]
# As $q_\phi$ becomes narrow, the reparameterised gradient becomes exact, and the score function's useless: it divides
# by $\sigma$.
# Even with a baseline its variance stays above $8\mu^2$.
# A mean over $N$ samples has $1/N$ of the variance, so the ratio is the number of samples that the score function
# needs for each one of the other way.
#
# That holds for $h(z) = z^2$. For an $h$ that wiggles fast it can be the other way round: then $h'$ is large and says
# little. What is $h$ like in our VAE? We can measure it, with your estimator.

# %% id="variance-record"
at = list(sigmas).index(0.1)
ratio = measured["score function"][at] / measured["reparameterised"][at]
record("variance, score over reparameterised, sigma 0.1", ratio, f"{ratio:,.0f} times")

# %% [markdown]
# {exercise 3.5}
#
# Write `score_gradient(f, z, mu, sigma)`.
#
# - In: $N$ samples `z` of shape `(N, d)` from $q_\phi = N(\mu, \sigma^2)$, with independent latents;
#   `mu` and `sigma` of shape `(d,)`; and `f` of shape `(N,)`, the value of a function at each sample.
# - Out: shape `(d,)`, the score-function estimate of $\frac{\partial}{\partial \mu} \mathbb{E}_q[f(z)]$: the mean over
#   the samples of
#
# $$f(z) \, \frac{\partial}{\partial \mu} \ln q_\phi(z).$$
#
# Here $f$ is any function, such as the $h$ above.
#
# {hints 3.5}
#
# <details><summary>It passes with sigma = 1 but fails otherwise?</summary>
#
# Which power of $\sigma$ stands below $z - \mu$ in the score?
#
# </details>


# %% id="exercise-3-5"
def score_gradient(
    f: np.ndarray,
    z: np.ndarray,
    mu: np.ndarray,
    sigma: np.ndarray,
) -> np.ndarray:
    """Score-function estimate of the gradient of E[f(z)] in mu: (N,), (N, d) to (d,)."""
    # SOLUTION BEGIN
    score = (z - mu) / sigma**2
    return np.mean(f[:, np.newaxis] * score, axis=0)
    # SOLUTION END


# %% id="check-3-5"
a2d.check("3.5", score_gradient)

# %% [markdown]
# Now on the real thing: one test image, its $q_\phi(z \mid x)$ by our VAE, and $h$ = the BCE of what the decoder draws.
# For each of 500 samples we compute the gradient in $\mu$ by both ways; your function gets one sample at a time.

# %% id="real-gradients"
score_of = a2d.mine("3.5")
with torch.no_grad():
    mean, spread = (part.double() for part in vae.encode(x_test[:1]))
eps = torch.randn(500, 20, generator=rng, dtype=torch.float64)
places = (mean + (spread / 2).exp() * eps).requires_grad_()
h = bernoulli_nll(vae.logits(places.float()), x_test[:1].expand(500, 28, 28))
h.sum().backward()  # each sample's own derivative: no sample touches another's h
f, where = h.detach().double().numpy(), places.detach().numpy()
q = mean[0].numpy(), (spread[0] / 2).exp().numpy()
ways = {"reparameterised": places.grad.numpy()}
for name, values in (("score function", f), ("score with baseline", f - f.mean())):
    each = [score_of(values[i : i + 1], where[i : i + 1], *q) for i in range(500)]
    ways[name] = np.array(each)

# %% id="real-variance"
least = ways["reparameterised"].var(0).sum()  # summed over the latents
for name, way in ways.items():
    print(f"{name:<20} variance: {way.var(0).sum() / least:8,.1f} times the first")

# %% [markdown]
# The variance of one sample's gradient, relative to the reparameterised one, is the number of samples that would be
# needed instead of one.
# That is why a VAE reparameterises, where it can.

# %% [markdown]
# ## 8. What does beta do?
#
# ### A walk
#
# For a walk we need a latent space that fits on a page: two latents.
# Eight VAEs with $d = 2$ were trained on MNIST, with `a2d train beta-sweep --data mnist`.
# They saw the same batches and the same noise and differ by $\beta$ alone; this is the one with $\beta = 1$.
#
# Move the sliders, and see what the decoder draws.
# The map shows where you are: `z[0]` to the right, `z[1]` upwards, in standard deviations of the prior.

# %% id="walk"
from a2d import widgets

sweep = models.load("beta-sweep").net


def digits_of(images):
    return read(evaluator, images).digits


show(widgets.latent_walker(sweep[1.0].decode, 2, read=digits_of))

# %% [markdown]
# Walk slowly from one digit to another.
# There is a picture at every step, but between two digits you may meet something that is neither.
#
# Where do images lie in such a space?
# We train two small networks with two latents on our own images: an autoencoder and a VAE.
# Above: one $z$ from $q_\phi(z \mid x)$ for each of 100 test images, as its digit (the autoencoder has one code for
# each), each map on its own scale. Below: what the decoder draws over the square from -2 to 2, where most draws from
# the prior lie.
#
# **What do you expect?** The decoders draw in that square
#
# - a) about the same digits
# - b) all ten digits (VAE), and a few of them (autoencoder)

# %% id="maps"
side = torch.linspace(-2, 2, 5)
square = torch.cartesian_prod(side, side).flip(1)  # the first latent to the right
maps, grids = {}, {}
for name, beta in [("autoencoder", None), ("VAE, beta = 1", 1.0)]:
    net = fresh(d=2)
    train(net, vae_loss(beta) if beta else copy_loss, EPOCHS)
    with torch.no_grad():
        mu, logvar = net.encode(x_test)
        code = sample(mu, logvar, torch.randn(mu.shape, generator=rng)) if beta else mu
    maps[name], grids[name] = code.numpy(), draw(net, square).view(5, 5, 28, 28).numpy()
show(f03_vae.latent_maps(maps, labels, grids))

# %% id="maps-read"
for name, grid in grids.items():
    seen = read(evaluator, grid.reshape(-1, 28, 28).astype(np.float32))
    counts = np.bincount(seen.digits, minlength=10)
    told = f"{(counts > 0).sum()} different digits are read in its 25 drawings"
    print(f"{name}: {told}, {counts.argmax()} most often, {counts.max()} times")

# %% [markdown]
# The autoencoder's codes lie where they like, so the square holds only a part of what it can draw.
# The VAE's codes nearly fill the place that the prior draws from; the sentence below the figure says how nearly.
# There are gaps inside, some codes lie outside, and not even here does each digit get its place.

# %% [markdown]
# ### The price of a nat
#
# The loss is reconstruction $+ \beta \cdot$ KL.
# Telling images apart costs KL, as the posteriors must differ from the prior to differ from each other.
# It buys a smaller reconstruction term, as the decoder then knows what to draw.
# A nat of KL costs $\beta$; it is bought only if it lowers the reconstruction term by more than $\beta$.
#
# ### Posterior collapse
#
# For a large $\beta$ latents are given up: their posterior is the prior for *every* image.
# That is *posterior collapse*. Two ways to count what is left:
#
# - Burda and others (2016): latent $j$ is *active* if its mean varies over the images,
#   $\mathrm{Var}_x[\mu_j(x)] > 0.01$
# - ours: latent $j$ is *used* if it carries more than 0.1 nat of KL, as a mean over the images
#
# **What do you expect?** Will the two counts a) agree, or b) differ, and which is then the larger one?


# %% id="live-sweep"
def use_of(net):
    """Of each latent: the variance of its mean over the test images, and its KL in nats."""
    with torch.no_grad():
        mu, logvar = net.encode(x_test)
        by_latent = kl(mu.T.reshape(-1, 1), logvar.T.reshape(-1, 1)).view(mu.shape[1], -1)
    return mu.var(0, correction=0).numpy(), by_latent.mean(1).numpy()


nets = {1.0: vae}
for beta in (0.1, 4.0, 64.0):
    nets[beta] = fresh()
    train(nets[beta], vae_loss(beta), EPOCHS)
uses = {beta: use_of(nets[beta]) for beta in sorted(nets)}
varied, carried = ({beta: use[n] for beta, use in uses.items()} for n in (0, 1))
show(f03_vae.latent_variances(varied, carried, (0.01, 0.1)))

# %% id="idle"
few = [one for one in uses[1.0][1] if one > 0.1]
print(f"beta = 1: {len(few)} latents carry {sum(few):.2f} of {uses[1.0][1].sum():.2f} nats;")
print(f"{int((uses[1.0][0] > 0.01).sum())} of 20 count as active.")

# %% [markdown]
# A mean that moves a little says nothing if the noise $\sigma$ is as large as the prior's.
# So Burda's count, with its low threshold, can call a latent active that carries hardly any information.
# The KL in nats says how much each latent tells.
#
# Move $\beta$ through these four models, and watch the copies, the inventions and the numbers.

# %% id="beta-slider"
from functools import partial

four = [widgets.BetaModel(b, net.encode, partial(draw, net)) for b, net in nets.items()]
show(widgets.beta_slider(four, x_test[:200].numpy(), beta=1.0, seed=SEED))

# %% [markdown]
# At $\beta = 64$ a nat would have to save more than 64 nats of reconstruction.
# No latent is worth that.
#
# **What do you expect?** What does a decoder draw if $z$ says nothing?
#
# - a) noise, another picture for each $z$
# - b) one picture for every $z$; which one?

# %% id="collapse"
drawn = draw(nets[64.0], torch.randn(100, 20, generator=rng))
print(f"100 pictures differ by {drawn.std(0).mean():.3f} per pixel (standard deviation)")
apart = (drawn - x_train.mean(0)).abs().mean()
print(f"distance per pixel to the mean of the training images: {apart:.3f}")
vivid = draw(vae, torch.randn(100, 20, generator=rng))
print(f"with beta = 1 they differ by {vivid.std(0).mean():.3f}")

# %% [markdown]
# One picture for all images, and it is the *mean image*: the BCE is linear in the target, so its mean over all images
# is the BCE of the mean image, and there the best answer is the target itself.
# Remember it: in lecture 04 it comes back, class by class.
#
# ### With long training, on MNIST
#
# Eight $\beta$ were tried, with 2 and with 20 latents; the numbers are for the test images, one sample of $z$ each.
#
# **What do you expect?** Our four models saw few images. After long training on many, will the two counts, active and
# used, a) agree, or b) differ even more?

# %% id="beta-results"
stored = results("beta")
print("made by:", stored["command"], "- epochs with 20 latents:", stored["training"]["epochs"])
two, twenty = stored["latent 2"], stored["latent 20"]
betas = sorted(float(beta) for beta in twenty)
row_of = [twenty[f"{beta:g}"] for beta in betas]
used = [sum(one > 0.1 for one in row["kl_by_dimension"]) for row in row_of]
shares = {
    "20 latents, active": [row["active_units"] / 20 for row in row_of],
    "20 latents, used": [count / 20 for count in used],
    "2 latents, active": [two[f"{beta:g}"]["active_units"] / 2 for beta in betas],
}
terms = [row["reconstruction"] for row in row_of], [row["kl"] for row in row_of]
show(f03_vae.beta_terms(betas, *terms, shares))

# %% id="beta-table"
more = []
for beta, row, count in zip(betas, row_of, used, strict=True):
    active = row["active_units"]
    numbers = f"KL {row['kl']:5.1f}, reconstruction {row['reconstruction']:6.1f}"
    print(f"beta {beta:<4g} of 20: {active:>2} active, {count:>2} used; {numbers} nats")
    more += [f"{beta:g}"] if active > count else []
record("active latents of 20, MNIST, beta 1", row_of[betas.index(1.0)]["active_units"])
falls = "falls" if np.all(np.diff(terms[1]) < 0) else "does not always fall"
print(f"From one beta to the next the KL {falls}.")
print(f"More latents are active than used at: {', '.join(more) or 'no value of beta'}.")

# %% [markdown]
# The counts agree now. A latent that is worth its nats is used, and time has closed all others, mean and all.
# Where the counts differ, the training may just not be over yet.
#
# These are the numbers of one training for each $\beta$.
# The next cell says what other seeds give, and by how much the loss still fell at the end: the mean of the last tenth
# of the epochs but one, less that of the last.

# %% id="beta-seeds"
seeds = stored.get("latent 20, seeds", {"seeds": stored["seeds"], "rows": {}})
print(f"{len(seeds['seeds'])} trainings of each beta: mean (least to greatest)")
for beta in betas:
    if of_seeds := seeds["rows"].get(f"{beta:g}"):
        keys = {"active": "active_units", "used": "used_units", "KL": "kl"}
        told = [(name, of_seeds[key]) for name, key in keys.items()]
        words = [f"{n} {v['mean']:.1f} ({v['min']:.1f} to {v['max']:.1f})" for n, v in told]
        fell = of_seeds["fell"]["mean"]
        print(f"{beta:<4g} {', '.join(words)}; the loss still fell by {fell:.2f}")

# %% [markdown]
# A count with a threshold jumps, and two seeds need not agree on it; the KL in nats is the steadier number.
#
# A small $\beta$ gives exact copies and a source that does not fit the codes; a large one gives a source that fits,
# and a decoder that does not listen to it.
# What is best depends on what the drawings are for, and lecture 05 has to choose.

# %% [markdown]
# {question 3.6}

# %% [markdown] id="answer-3-6" tags=["answer"]
# {answer 3.6}

# %% [markdown]
# ## 9. What does a rising ELBO promise?
#
# Section 2 left a question open: can the ELBO rise while $\ln p_\theta(x)$ falls?
# In the smallest story both have a closed form.
# With $q_\phi = N(\mu, \sigma^2)$, and the KL to the prior from section 3,
#
# $$\text{ELBO} = -\frac{(x - w \mu)^2 + w^2 \sigma^2}{2 s^2} - \ln s - \tfrac12 \ln 2\pi - \mathrm{KL},$$
#
# $$\ln p_\theta(x) = -\frac{x^2}{2 (w^2 + s^2)} - \tfrac12 \ln\left(2\pi (w^2 + s^2)\right).$$


# %% id="closed-bound" tags=["nbval-check-output"]
def bound_of(x, w, s, mean, sd):
    """ELBO and ln p(x) in nats, of a decoder w, s and q = N(mean, sd^2)."""
    error, total = (x - w * mean) ** 2 + (w * sd) ** 2, w**2 + s**2
    elbo = -error / (2 * s**2) - np.log(s) - np.log(2 * np.pi) / 2 - kl_one_latent(mean, sd)
    return elbo, -(x**2) / (2 * total) - np.log(2 * np.pi * total) / 2


print("ELBO {:.4f}, ln p(x) {:.4f}".format(*bound_of(x, w, s, q_mean, q_sd)))

# %% [markdown]
# These are the two numbers of section 2.
#
# {exercise 3.7}
#
# An open task with many right answers. Write `counterexample(x, mean, sd)`.
#
# - In: an "image" `x` (one number, not 0), and the mean and standard deviation of $q_\phi$.
#   The encoder stays as it is: only the decoder changes.
# - Out: four numbers, `w, s` before a training step and `w, s` after it, so that
#   the ELBO *rises* by at least 0.1 nat and $\ln p_\theta(x)$ *falls* by at least 0.01 nat.
#   Both `s` are at least 0.01, and no number is above 100.
#
# It must work for any `x`, for `mean` from $-0.5$ to $0.5$ and `sd` from $0.4$ to $0.9$.
# Think or search: your function may use `bound_of` and random numbers of its own.
#
# {hints 3.7}
#
# <details><summary>The ELBO rises, but so does ln p(x)?</summary>
#
# Then you improve the model. Begin with a good one, whose gap is wide.
#
# </details>


# %% id="exercise-3-7"
def counterexample(x: float, mean: float, sd: float) -> tuple[float, float, float, float]:
    """w, s before and w, s after: the ELBO rises, and ln p(x) falls."""
    # SOLUTION BEGIN
    best = abs(x)  # ln p(x) is largest where w^2 + s^2 = x^2
    narrow = best / 5
    before = np.sqrt(best**2 - narrow**2), narrow  # a narrow posterior: a wide gap
    after = 0.0, 1.5 * best  # z is ignored: the posterior is the prior
    return (*before, *after)
    # SOLUTION END


# %% id="check-3-7"
a2d.check("3.7", counterexample)

# %% [markdown]
# **What do you expect?** The figure shows both posteriors of the found case, for $x = 1.2$ and
# $q_\phi = N(0.3, 0.6^2)$.
# Which of them is nearer to $q_\phi$: that of a) the better model, or b) the worse one?

# %% id="counterexample-use"
found = a2d.mine("3.7")(x, q_mean, q_sd)
curves = {"q": np.exp(log_normal(z, q_mean, q_sd))}
for name, (w_now, s_now) in (("before", found[:2]), ("after", found[2:])):
    total = w_now**2 + s_now**2
    place, width = w_now * x / total, s_now / np.sqrt(total)
    curves[f"posterior {name}"] = np.exp(log_normal(z, place, width))
    low, high = bound_of(x, w_now, s_now, q_mean, q_sd)
    print(f"{name}: ELBO {low:.3f}, ln p(x) {high:.3f}, gap {high - low:.3f} nats")
shown = np.abs(z) < 3
show(f03_vae.densities(z[shown], {name: y[shown] for name, y in curves.items()}))

# %% [markdown]
# The step made the model worse and the bound better, because the posterior came closer to a $q_\phi$ that was poor.
# In the course's answer the decoder even stops listening to $z$ ($w = 0$): a collapse, though $\beta$ is 1.
# He and others (2019) found just this in the training of VAEs: while the encoder lags behind, the cheapest way to a
# better bound can be a decoder that ignores $z$.
#
# So a rising ELBO is good news with a caveat: only where $q_\phi$ equals the posterior must $\ln p_\theta(x)$ rise with
# it.

# %% [markdown]
# ## Quiz
#
# **Question 1.** After an epoch the ELBO is 2 nats higher. Encoder and decoder have both changed.
# What is certain about $\ln p_\theta(x)$?
#
# <details><summary>a) It has risen by 2 nats</summary>
#
# No: $\ln p_\theta(x)$ is the ELBO plus $\mathrm{KL}(q_\phi \, \| \, p_\theta(z \mid x))$, which may have changed, too.
#
# </details>
# <details><summary>b) It has risen, though perhaps by less</summary>
#
# No: exercise 3.7 has a case in which it falls.
#
# </details>
# <details><summary>c) Only that it is at least the new ELBO</summary>
#
# Right: it may have risen, or the gap, the KL from the posterior to $q_\phi$, may have become smaller.
#
# </details>

# %% [markdown]
# **Question 2.** A decoder's BCE on grey images is 90 nats per image. Is that good?
#
# <details><summary>a) No, since a good decoder reaches 0</summary>
#
# No: for grey targets the least value is their entropy, and no decoder gets below it.
#
# </details>
# <details><summary>b) Yes, as it is only about a tenth of a nat per pixel</summary>
#
# No: the division by 784 gives a small number for every decoder. It compares with nothing.
#
# </details>
# <details><summary>c) One has to know the floor, or another decoder's value</summary>
#
# Right: a BCE of grey targets is for comparing on the same images.
#
# </details>

# %% [markdown]
# **Question 3.** For one latent, the KL term is 0 for every image. What follows?
#
# <details><summary>a) It is not used: it tells the decoder nothing about the image</summary>
#
# Right: its posterior is the prior, whatever the image.
#
# </details>
# <details><summary>b) It is learned perfectly</summary>
#
# No: a KL of 0 means that $q_\phi(z \mid x)$ is the prior, not that it is the posterior of an informative model.
#
# </details>
# <details><summary>c) Its mean is 0, but its variance may still carry something</summary>
#
# No: the KL is 0 only for $\mu = 0$ *and* $\sigma = 1$.
#
# </details>

# %% [markdown]
# ## You can now
#
# - show by measurement what an autoencoder leaves open, and what a VAE adds to it
# - derive the evidence lower bound (ELBO), and say what its gap to the evidence is
# - write the terms of the loss, check them with samples, and train a VAE with them
# - compare two gradient estimators by their variance, on a formula and on a trained network
# - tell from numbers which latents are used, and what a rising ELBO does not prove
#
# The formulas:
#
# $$\ln p_\theta(x) = \text{ELBO} + \mathrm{KL}(q_\phi(z) \, \| \, p_\theta(z \mid x)), \qquad
# z = \mu + \sigma \epsilon,$$
#
# $$\text{ELBO} = \mathbb{E}_q[\ln p_\theta(x \mid z)] - \mathrm{KL}(q_\phi(z) \, \| \, p(z)), \qquad
# \mathrm{KL} = \sum_j \tfrac12 (\mu_j^2 + \sigma_j^2 - 1 - \ln \sigma_j^2).$$

# %% [markdown]
# ## What to read
#
# - D. Kingma and M. Welling (2014), [Auto-Encoding Variational Bayes](https://arxiv.org/abs/1312.6114): the VAE;
#   appendix B has the KL.
# - D. Rezende, S. Mohamed and D. Wierstra (2014),
#   [Stochastic Backpropagation and Approximate Inference in Deep Generative Models](https://arxiv.org/abs/1401.4082):
#   the same idea, found independently.
# - R. Williams (1992),
#   [Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement Learning](https://doi.org/10.1007/BF00992696),
#   Machine Learning 8: the score function, there called REINFORCE.
# - I. Higgins and others (2017), [beta-VAE](https://openreview.net/forum?id=Sy2fzU9gl), ICLR: the weight of the
#   KL term.
# - Y. Burda, R. Grosse and R. Salakhutdinov (2016),
#   [Importance Weighted Autoencoders](https://arxiv.org/abs/1509.00519): active units.
# - S. Bowman and others (2016), [Generating Sentences from a Continuous Space](https://arxiv.org/abs/1511.06349):
#   collapse, and a KL term that grows slowly.
# - J. He and others (2019),
#   [Lagging Inference Networks and Posterior Collapse in Variational Autoencoders](https://arxiv.org/abs/1901.05534):
#   the bound that rises by a decoder that ignores $z$.
# - `a2d/vae.py`: both VAEs of the course.

# %% [markdown]
# ## What comes next
#
# Lecture 04 changes one thing: the image that the decoder is compared with is not the encoder's own, but a
# random one of the same digit.
