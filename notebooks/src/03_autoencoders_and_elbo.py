# %% [markdown]
# # 03 Autoencoders, VAE, ELBO
#
# {badges}
#
# About 90 min, CPU, needs 02.
#
# The generator of this course is a *variational autoencoder* (VAE).
# What is it trained for?
# This lecture derives its loss step by step and checks each step with numbers.
# Then it takes a walk through a trained latent space.

# %% [markdown]
# ## You will be able to
#
# - show by measurement what an autoencoder draws from codes that it never saw
# - derive the evidence lower bound and say what its gap to log p(x) is
# - compute the KL term in closed form and check it with samples
# - compare two gradient estimators by their variance and say why a VAE takes the first
# - tell from numbers when a latent is no longer used, and why a large beta does that
#
# ## Before you start
#
# You need probability densities, expectations and derivatives, and a little PyTorch.
#
# ## Where we are
#
# sound → features → **encoder** → **latent** → **decoder** → picture → evaluator → digit
#
# Here the encoder gets a picture instead of a sound.
# The loss is the same, and pictures are easier to look at.

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
# `FAST` keeps it short, `SEED` fixes everything random, and `DATA` is the set of recordings.
# The handwriting follows it: scikit-learn's digits for `builtin`, MNIST for `fsdd`.

# %% id="parameters" tags=["parameters"]
FAST = True
SEED = 0
DATA = "builtin"

# %% [markdown]
# ## 1. What does an autoencoder leave open?
#
# An *autoencoder* learns to copy an image through a narrow place.
#
# - $x$: an image of $28 \times 28 = 784$ pixels from 0 (black) to 1 (white ink)
# - $f$: the encoder, a network from an image to $d$ numbers
# - $z = f(x)$: the *code* or *latent*; here $d = 20$, as in the report's generator
# - $g$: the decoder, a network from $d$ numbers to an image
# - $\hat x = g(z)$: the copy
#
# $$\min_{f, g} \; \text{mean over images of} \; L(x, g(f(x))).$$
#
# $L(x, \hat x)$ measures how unlike image and copy are.
# Section 4 explains our $L$, a cross-entropy, summed over the pixels, in nats (natural logarithms).

# %% id="images" tags=["nbval-check-output"]
import numpy as np
import torch

from a2d import datasets
from a2d.lab import runs

written = datasets.load_images(runs.images_for(DATA, None))
test = datasets.load_images(written.name, "test")
x_train = torch.tensor(written.pixels[: 1500 if FAST else 6000]).float() / 255
x_test = torch.tensor(test.pixels[:500]).float() / 255
labels = test.labels[:500]
print(tuple(x_train.shape), tuple(x_test.shape), f"{x_train.min():.0f} to {x_train.max():.0f}")

# %% [markdown]
# Our own network: two layers in, two layers out.
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
# The training loop is the same for all networks of this lecture.
# `terms` gives the parts of the loss for a batch, each as a mean over its images; their sum is made small.


# %% id="train"
def train(net, terms, epochs):
    """Make the sum of the terms small with Adam; gives the mean of each term by epoch."""
    rng = torch.Generator().manual_seed(SEED)
    adam, history = torch.optim.Adam(net.parameters(), lr=3e-3), []
    for _ in range(epochs):
        seen = []
        for index in torch.randperm(len(x_train), generator=rng).split(64):
            parts = terms(net, x_train[index], rng)
            adam.zero_grad()
            sum(parts).backward()
            adam.step()
            seen.append([part.item() for part in parts])
        history.append(np.mean(seen, axis=0))
    return np.array(history)


# %% [markdown]
# Now the autoencoder: encode, decode, compare.

# %% id="autoencoder"
from a2d.vae import bernoulli_nll

EPOCHS = 32 if FAST else 60


def copy_terms(net, x, rng):
    z, _ = net.encode(x)
    return (bernoulli_nll(net.logits(z), x).mean(),)


torch.manual_seed(SEED)
autoencoder = SmallNet()
copying = train(autoencoder, copy_terms, EPOCHS)[:, 0]
print(f"loss: {copying[0]:.0f} nats per image in epoch 1, {copying[-1]:.0f} at the end")

# %% [markdown]
# It copies. Can it also *make* a digit?
# For that we must choose a code $z$ ourselves, and the loss never said where codes lie.
# We do the best we can: fit a normal distribution to the codes (their mean and covariance) and draw from it.
#
# To judge a picture $y$ we look for the real image that is nearest to it, and take their distance $D(y)$:
#
# $$D(y) = \min_i \sum_{\text{pixels}} (y - x_i)^2,$$
#
# where $x_i$ runs over the training images.
# A picture that looks like no digit at all is far from all of them.


# %% id="nearest"
@torch.no_grad()
def draw(net, z):
    return net.logits(z).sigmoid()


def nearest(pictures):
    """D of each picture: squared distance to the nearest real image, summed over pixels."""
    return torch.cdist(pictures.flatten(1), x_train.flatten(1)).amin(1).square()


# %% id="draw-codes"
with torch.no_grad():
    codes = autoencoder.encode(x_test)[0]
    centre, spread = codes.mean(0), torch.cov(codes.T)
    near = torch.distributions.MultivariateNormal(centre, spread)
    torch.manual_seed(SEED)
    drawn = near.sample((len(codes),))
copies, inventions = draw(autoencoder, codes), draw(autoencoder, drawn)
print(f"standard deviation of a code: {codes.std(0).min():.1f} to {codes.std(0).max():.1f}")

# %% id="holes"
from a2d.figures import f03_vae

rows = {"copies": copies[:8], "pictures from drawn codes": inventions[:8]}
far = {"copies": nearest(copies), "pictures from drawn codes": nearest(inventions)}
show(f03_vae.decoded_rows({name: p.numpy() for name, p in rows.items()}, far))
print(f"for comparison, the mean of all images: {nearest(x_train.mean(0)[None]).item():.1f}")

# %% [markdown]
# A grey blot, the mean of all images, is no digit; its distance tells what "far" means here.
# The codes were drawn from where codes lie, and still the pictures are farther from real images than the
# copies are.
# Between the codes there are *holes*: places that the decoder never had to draw.
#
# The loss leaves two things open:
#
# - which distribution to draw $z$ from
# - what the decoder should draw between the codes of the training images
#
# A VAE answers both, and both answers follow from one wish: make the images that we have *likely*.

# %% [markdown]
# ## 2. How likely is an image?
#
# Tell a story of how an image came about: first $z$ was drawn, then $x$ was drawn, given $z$.
#
# - $p(z)$: the *prior*, the distribution that $z$ is drawn from; we choose $N(0, 1)$ for each latent
# - $p(x \mid z)$: the *likelihood*; the decoder computes it
# - $p(x)$: the *evidence*, how likely the story makes $x$
#
# $$p(x) = \int p(x \mid z) \, p(z) \, dz.$$
#
# $N(m, s^2)$ is the normal distribution with mean $m$ and variance $s^2$; $\log$ is the natural logarithm.
#
# We want $\log p(x)$ to be large for our images.

# %% [markdown]
# To see every step in numbers, we take the smallest story there is: $x$ and $z$ are one number each, and
#
# $$p(z) = N(0, 1), \qquad p(x \mid z) = N(w z, s^2).$$
#
# The number $w$ is all there is of a decoder, and $s$ is the standard deviation of what it leaves open.

# %% id="tiny-model"
w, s = 1.5, 0.5
x = 1.2  # the "image" that we observed
z = np.linspace(-8, 8, 4001)  # places of z, close enough to each other for an integral
dz = z[1] - z[0]


def log_normal(value, mean, sd):
    """log of the density of N(mean, sd^2) at a value, in nats."""
    return -0.5 * ((value - mean) / sd) ** 2 - np.log(sd) - 0.5 * np.log(2 * np.pi)


log_joint = log_normal(z, 0, 1) + log_normal(x, w * z, s)  # log p(z) + log p(x | z)

# %% [markdown]
# The sum of two normal variables is normal, so here the evidence is known: $p(x) = N(0, w^2 + s^2)$.
# SciPy's normal density gives it without our integral.

# %% id="evidence" tags=["nbval-check-output"]
from scipy import stats

log_evidence = np.log(np.exp(log_joint).sum() * dz)
known = stats.norm(0, np.sqrt(w**2 + s**2)).logpdf(x)
print(f"log p(x) = {log_evidence:.6f} nats by the integral, {known:.6f} by the formula")

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
# The *posterior* $p(z \mid x)$ says which $z$ may have led to this $x$.
# By the definition of a conditional density,
#
# $$p(z \mid x) = \frac{p(x, z)}{p(x)}, \qquad p(x, z) = p(x \mid z) \, p(z).$$
#
# Take logarithms, and solve for the evidence:
#
# $$\log p(x) = \log p(x, z) - \log p(z \mid x) \quad \text{for every } z.$$
#
# The left side has no $z$ in it, so the right side must be the same wherever we look.

# %% id="step-1" tags=["nbval-check-output"]
posterior_mean, posterior_sd = w * x / (w**2 + s**2), s / np.sqrt(w**2 + s**2)
log_posterior = log_normal(z, posterior_mean, posterior_sd)
for place in (-1.0, 0.0, 2.0):
    at = np.abs(z - place).argmin()
    joint, posterior = log_joint[at], log_posterior[at]
    print(f"z = {place:+.0f}: {joint:.3f} - ({posterior:.3f}) = {joint - posterior:.6f}")

# %% [markdown]
# (The formulas for the posterior's mean and standard deviation belong to this small story only.)
#
# ### Step 2: average over any distribution of z
#
# Let $q(z)$ be *any* density.
# $\mathbb{E}_q[\cdot]$ is the mean over $z$ drawn from $q$: $\mathbb{E}_q[h(z)] = \int q(z) \, h(z) \, dz$.
# The mean of a constant is the constant, so
#
# $$\log p(x) = \mathbb{E}_q[\log p(x, z)] - \mathbb{E}_q[\log p(z \mid x)].$$
#
# ### Step 3: add and subtract the same
#
# $$\log p(x) = \underbrace{\mathbb{E}_q[\log p(x, z) - \log q(z)]}_{\text{ELBO}}
# + \underbrace{\mathbb{E}_q[\log q(z) - \log p(z \mid x)]}_{\mathrm{KL}(q(z) \, \| \, p(z \mid x))}.$$
#
# The first part is the *evidence lower bound* (ELBO).
# The second is the *Kullback-Leibler divergence* (KL) from the posterior to $q$.
# The ELBO needs no posterior: that is what the three steps were for.

# %% id="step-3" tags=["nbval-check-output"]
q_mean, q_sd = 0.3, 0.6  # any q will do
log_q = log_normal(z, q_mean, q_sd)


def mean_under(log_density, h):
    return (np.exp(log_density) * h).sum() * dz


elbo = mean_under(log_q, log_joint - log_q)
gap = mean_under(log_q, log_q - log_posterior)
print(f"ELBO {elbo:.4f} + KL {gap:.4f} = {elbo + gap:.6f}; log p(x) = {log_evidence:.6f}")

# %% [markdown]
# ### Step 4: a KL divergence is never negative
#
# For every $t > 0$, $\log t \le t - 1$.
# Put $t = p(z \mid x) / q(z)$ and take the mean under $q$:
#
# $$-\mathrm{KL} = \mathbb{E}_q\!\left[\log \frac{p(z \mid x)}{q(z)}\right]
# \le \mathbb{E}_q\!\left[\frac{p(z \mid x)}{q(z)} - 1\right]
# = \int p(z \mid x) \, dz - 1 = 0.$$
#
# So $\text{ELBO} \le \log p(x)$, with equality only for $q(z) = p(z \mid x)$.
# We try a thousand different $q$, and then the posterior itself.


# %% id="step-4" tags=["nbval-check-output"]
def elbo_of(q_mean, q_sd):
    log_q = log_normal(z, q_mean, q_sd)
    return mean_under(log_q, log_joint - log_q)


rng = np.random.default_rng(SEED)
tried = [elbo_of(rng.uniform(-2, 2), rng.uniform(0.1, 1.5)) for _ in range(1000)]
print("each of 1,000 is below log p(x):", max(tried) < log_evidence)
reached = elbo_of(posterior_mean, posterior_sd)
print("the posterior reaches it:", np.isclose(reached, log_evidence))

# %% id="bound"
means = np.linspace(-0.5, 2, 101)
values = [elbo_of(mean, posterior_sd) for mean in means]
show(f03_vae.bound(means, values, log_evidence, posterior_mean))

# %% [markdown]
# The dashed line does not depend on $q$.
# Whatever the ELBO gains, the KL loses: who raises the ELBO by choosing $q$ brings $q$ closer to the posterior.
# Who raises it by changing the decoder pushes $\log p(x)$ up from below.
#
# ### A second view: Jensen's inequality
#
# Write the evidence as a mean under $q$, with the weight $W(z) = p(x, z) / q(z)$:
#
# $$\log p(x) = \log \mathbb{E}_q[W(z)] \ge \mathbb{E}_q[\log W(z)] = \text{ELBO}.$$
#
# The logarithm is concave, so the logarithm of a mean is at least the mean of the logarithms.
# This view needs samples only, and no integral.

# %% id="jensen" tags=["nbval-check-output"]
samples = q_mean + q_sd * rng.normal(size=2_000_000)
log_w = log_normal(samples, 0, 1) + log_normal(x, w * samples, s)
log_w -= log_normal(samples, q_mean, q_sd)
log_mean_w = np.log(np.exp(log_w).mean())
print(f"log of the mean of W: {log_mean_w:.1f} (log p(x) = {log_evidence:.1f})")
print(f"mean of the log of W: {log_w.mean():.1f} (ELBO = {elbo:.1f})")

# %% [markdown]
# ### Step 5: the two terms of the loss
#
# Put $p(x, z) = p(x \mid z) \, p(z)$ into the ELBO and sort:
#
# $$\text{ELBO} = \underbrace{\mathbb{E}_q[\log p(x \mid z)]}_{\text{minus the reconstruction term}}
# - \underbrace{\mathrm{KL}(q(z) \, \| \, p(z))}_{\text{KL term}}.$$
#
# - reconstruction term, $-\mathbb{E}_q[\log p(x \mid z)]$: how badly $x$ is explained by the $z$ that $q$ proposes
# - KL term: how far $q$ is from the *prior*; not to be mixed up with the gap, which is the KL to the *posterior*

# %% id="step-5" tags=["nbval-check-output"]
reconstruction = -mean_under(log_q, log_normal(x, w * z, s))
kl_term = mean_under(log_q, log_q - log_normal(z, 0, 1))
print(f"- reconstruction {reconstruction:.4f} - KL {kl_term:.4f}: the same ELBO:", end=" ")
print(np.isclose(-reconstruction - kl_term, elbo))

# %% [markdown]
# In a VAE the encoder proposes $q$, anew for each image:
#
# $$q(z \mid x) = N(\mu(x), \sigma^2(x)),$$
#
# one mean $\mu$ and one standard deviation $\sigma$ for each latent.
# The encoder gives $\mu$ and $\log \sigma^2$ (`logvar`), so that $\sigma$ is positive whatever it says.
# That $q$ is normal is a choice, and sometimes a bad one.
#
# Take the story $x = z^2 + \text{noise}$: both $z$ and $-z$ explain the same $x$.

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
print(f"log p(x) {log_evidence_2:.3f}, best ELBO {best:.3f}")
print(f"the gap that stays: {log_evidence_2 - best:.2f} nats; log 2 = {np.log(2):.2f}")

# %% [markdown]
# The best normal $q$ covers one of the two peaks and ignores the other.
# It misses half of the posterior, and the gap is about $\log 2$.
# No training of the encoder can close a gap that the family of $q$ leaves open.

# %% [markdown]
# ## 3. Can we compute it, and its gradient?
#
# ### The KL term in closed form
#
# For one latent, $q = N(\mu, \sigma^2)$ and the prior $N(0, 1)$.
# Both log-densities contain $-\frac12 \log 2\pi$, which cancels:
#
# $$\log q(z) - \log p(z) = -\log \sigma - \frac{(z - \mu)^2}{2 \sigma^2} + \frac{z^2}{2}.$$
#
# Under $q$, the mean of $(z - \mu)^2$ is $\sigma^2$, and the mean of $z^2$ is $\mu^2 + \sigma^2$. So
#
# $$\mathrm{KL} = \tfrac12 \left(\mu^2 + \sigma^2 - 1 - \log \sigma^2\right) \quad \text{nats.}$$
#
# It is 0 for $\mu = 0$, $\sigma = 1$, and only there.
# With $d$ independent latents the terms are added.


# %% id="kl-closed" tags=["nbval-check-output"]
def kl_one_latent(mu, sigma):
    return (mu**2 + sigma**2 - 1) / 2 - np.log(sigma)


N = torch.distributions.Normal
library = torch.distributions.kl_divergence(N(q_mean, q_sd), N(0.0, 1.0)).item()
print(f"{kl_one_latent(q_mean, q_sd):.4f} nats")
print("same as the integral:", np.isclose(kl_one_latent(q_mean, q_sd), kl_term))
print("same as torch.distributions:", np.isclose(kl_one_latent(q_mean, q_sd), library))

# %% [markdown]
# ### Against Monte Carlo
#
# Without the formula we could draw $z_1, \dots, z_n$ from $q$ and take a mean,
#
# $$\widehat{\mathrm{KL}} = \frac1n \sum_{i=1}^n \left(\log q(z_i) - \log p(z_i)\right).$$
#
# Its error (root of the mean squared error) should fall like $1 / \sqrt n$:
# four times as many samples halve it.
# We repeat the estimate 300 times for each $n$ and compare with the closed form.

# %% id="kl-monte-carlo"
sizes = np.array([1, 4, 16, 64, 256, 1024])
exact = kl_one_latent(q_mean, q_sd)
errors, negative = [], []
for n in sizes:
    draws = q_mean + q_sd * rng.normal(size=(300, n))
    log_ratio = log_normal(draws, q_mean, q_sd) - log_normal(draws, 0, 1)
    estimates = log_ratio.mean(axis=1)
    errors.append(np.sqrt(np.mean((estimates - exact) ** 2)))
    negative.append(np.mean(estimates < 0))
show(f03_vae.monte_carlo_error(sizes, errors))

# %% id="kl-record"
from a2d.lab import record

slope = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
record("slope of the KL estimate's error", slope, f"{slope:.2f} (1 / sqrt(n): -0.5)")
print(f"with one sample, {negative[0]:.0%} of the estimates are negative")

# %% [markdown]
# The closed form has no error at all, and never claims a negative divergence.
#
# {exercise 3.1}
#
# Write `kl_normal(mu, logvar)`.
#
# - In: `mu` and `logvar`, tensors of shape `(b, d)`: $b$ images, $d$ latents; `logvar` is $\log \sigma^2$.
# - Out: a tensor of shape `(b,)`: for each image the KL to the prior in nats, *summed* over the latents:
#
# $$\mathrm{KL} = \sum_{j=1}^{d} \tfrac12 \left(\mu_j^2 + \sigma_j^2 - 1 - \log \sigma_j^2\right),$$
#
# where $\mu_j$ and $\sigma_j$ belong to latent $j$.
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
# ### How does a gradient pass through a random draw?
#
# The reconstruction term is $\mathbb{E}_q[h(z)]$ with $h(z) = -\log p(x \mid z)$, and it has no closed form.
# We estimate it with samples of $q$.
# But the encoder should change $\mu$ to lower it, and a sample is just a number: it has no derivative in $\mu$.
#
# Take a small case that we can compute: $h(z) = z^2$ and $q = N(\mu, \sigma^2)$. Then
#
# $$\mathbb{E}_q[z^2] = \mu^2 + \sigma^2, \qquad \frac{\partial}{\partial \mu} \mathbb{E}_q[z^2] = 2 \mu.$$
#
# There are two ways to estimate this $2\mu$ from samples.

# %% [markdown]
# **Way 1, reparameterise.** Draw $\varepsilon$ from $N(0, 1)$, which does not depend on $\mu$, and let
#
# $$z = \mu + \sigma \varepsilon, \qquad
# \frac{\partial}{\partial \mu} \mathbb{E}[h(\mu + \sigma \varepsilon)] = \mathbb{E}[h'(\mu + \sigma \varepsilon)].$$
#
# It needs $h'$, the derivative of $h$: backpropagation gives it.
#
# **Way 2, the score function.** Only $q$ depends on $\mu$, and
# $\frac{\partial}{\partial \mu} q(z) = q(z) \frac{\partial}{\partial \mu} \log q(z)$. So
#
# $$\frac{\partial}{\partial \mu} \int q(z) \, h(z) \, dz
# = \mathbb{E}_q\!\left[h(z) \, \frac{\partial}{\partial \mu} \log q(z)\right],
# \qquad \frac{\partial}{\partial \mu} \log q(z) = \frac{z - \mu}{\sigma^2} = \frac{\varepsilon}{\sigma}.$$
#
# It needs the values of $h$ only.
# In reinforcement learning it is known as REINFORCE.


# %% id="two-estimators" tags=["nbval-check-output"]
def estimates_of(mu, sigma, n):
    """One gradient for each of n samples, by both ways, for h(z) = z^2."""
    eps = rng.normal(size=n)
    z = mu + sigma * eps
    return 2 * z, z**2 * eps / sigma


mu, many = 1.5, 1_000_000
way_1, way_2 = estimates_of(mu, 1.0, many)
for name, way in [("reparameterised", way_1), ("score function", way_2)]:
    off = abs(way.mean() - 2 * mu) / (way.std() / np.sqrt(many))
    print(f"{name}: mean {way.mean():.1f}, within 4 standard errors of {2 * mu}: {off < 4}")

# %% [markdown]
# Both are *unbiased*: right on average.
# They differ in their variance, the mean squared distance of one sample's gradient from $2\mu$.
# With $\mathbb{E}[\varepsilon^2] = 1$, $\mathbb{E}[\varepsilon^4] = 3$ and $\mathbb{E}[\varepsilon^6] = 15$ one finds
#
# - way 1: $4 \sigma^2$
# - way 2: $\mu^4 / \sigma^2 + 14 \mu^2 + 15 \sigma^2$
# - way 2 with a *baseline*: $8 \mu^2 + 10 \sigma^2$
#
# A baseline is a constant $c$ that is subtracted from $h$.
# The score has the mean 0, so $\mathbb{E}_q[c \cdot \text{score}] = 0$, and nothing but the variance changes.
# Here $c = \mathbb{E}_q[h] = \mu^2 + \sigma^2$.

# %% id="variance"
sigmas = np.array([0.05, 0.1, 0.2, 0.5, 1.0, 2.0])
names = "reparameterised", "score function", "score with baseline"
measured = {name: [] for name in names}
for sigma in sigmas:
    eps = rng.normal(size=200_000)
    h = (mu + sigma * eps) ** 2
    measured[names[0]].append(np.var(2 * (mu + sigma * eps)))
    measured[names[1]].append(np.var(h * eps / sigma))
    measured[names[2]].append(np.var((h - mu**2 - sigma**2) * eps / sigma))
algebra = 4 * sigmas**2, mu**4 / sigmas**2 + 14 * mu**2 + 15 * sigmas**2
exact = dict(zip(names, [*algebra, 8 * mu**2 + 10 * sigmas**2], strict=True))
show(f03_vae.estimator_variance(sigmas, measured, exact))

# %% [markdown]
# As $q$ becomes narrow, way 1 becomes exact and way 2 becomes useless: it divides by $\sigma$.
# Even with a baseline its variance stays above $8\mu^2$.
# A mean over $n$ samples has $1/n$ of the variance, so the ratio is the number of samples that way 2 needs
# for each one of way 1.

# %% id="variance-record"
at = list(sigmas).index(0.1)
ratio = measured["score function"][at] / measured["reparameterised"][at]
record("variance, score over reparameterised, sigma 0.1", ratio, f"{ratio:,.0f} times")

# %% [markdown]
# That is why a VAE reparameterises, and why *one* sample per image and step is enough.
#
# {exercise 3.2}
#
# Write `sample_latent(mu, logvar, eps)`.
#
# - In: `mu` and `logvar` of shape `(b, d)`, and `eps` of the same shape, drawn from $N(0, 1)$.
# - Out: $z$ of shape `(b, d)`, with $z = \mu + \sigma \varepsilon$; gradients must reach `mu` and `logvar`.
#
# Mind that `logvar` is $\log \sigma^2$, not $\sigma$.
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
# ## 4. What does the training minimise?
#
# ### A likelihood for pixels
#
# The decoder gives one number $a_j$, a *logit*, for each pixel $j$, and
#
# $$p_j = \frac{1}{1 + e^{-a_j}}$$
#
# is the probability that this pixel is white.
# If the pixels are black or white, $x_j \in \{0, 1\}$, and independent given $z$, then $p(x \mid z)$ is a product
# of *Bernoulli* probabilities, and
#
# $$-\log p(x \mid z) = -\sum_j \left[x_j \log p_j + (1 - x_j) \log(1 - p_j)\right],$$
#
# in nats per image: a sum over the 784 pixels, not a mean.
#
# Our pixels are grey, $0 \le x_j \le 1$.
# Then the right side is still a useful loss, the *binary cross-entropy* (BCE), but no longer $-\log p(x \mid z)$.

# %% id="pixel-loss"
answers = np.linspace(0.001, 0.999, 999)
curves = {}
for target in (0.0, 0.3, 0.5, 1.0):
    curves[target] = -(target * np.log(answers) + (1 - target) * np.log(1 - answers))
show(f03_vae.pixel_loss(answers, curves))

# %% [markdown]
# The best answer is always $p = x$.
# But for a grey pixel even the best answer has a cost.
# It is the entropy $H(x)$ of the target,
#
# $$H(x) = -\sum_j \left[x_j \log x_j + (1 - x_j) \log(1 - x_j)\right],$$
#
# and no decoder gets below this *floor*.
# We give the loss the perfect answer, $p = x$, and compare.

# %% id="floor"
x_inner = x_test.clamp(1e-6, 1 - 1e-6)  # keeps the logits finite
floor = (torch.special.entr(x_inner) + torch.special.entr(1 - x_inner)).sum((-2, -1))
perfect = bernoulli_nll(torch.logit(x_inner), x_test)
print("the perfect answer costs the entropy:", np.allclose(perfect, floor, rtol=1e-3))
record("least BCE of the handwriting", floor.mean(), f"{floor.mean():.1f} nats per image")

# %% [markdown]
# So a BCE tells how good a decoder is only in comparison: with its floor, or with another decoder on the same images.
#
# {exercise 3.3}
#
# Write `bernoulli_loss(logits, target)`.
#
# - In: `logits` $a$ (any numbers) and `target` $x$ (in $[0, 1]$), both of shape `(b, h, w)`.
# - Out: shape `(b,)`: the BCE of each image in nats, *summed* over its pixels.
#
# It must be right for logits of $\pm 100$, too.
# There $p_j$ is rounded to 1, and $\log(1 - p_j)$ is lost.
# The function $\mathrm{softplus}(a) = \log(1 + e^{a})$ helps; torch has a version that does not overflow.
#
# {hints 3.3}
#
# <details><summary>It passes the ordinary cases but fails at the edge?</summary>
#
# Never compute $p_j$. Simplify the loss on paper first, until it contains only $a_j$ and $x_j$.
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
# ### Or a Gaussian one
#
# Let the decoder give the mean $m_j$ of each pixel, with one standard deviation $\sigma_x$ for all pixels:
#
# $$-\log p(x \mid z) = \frac{1}{2 \sigma_x^2} \sum_j (x_j - m_j)^2
# + 784 \left(\log \sigma_x + \tfrac12 \log 2\pi\right).$$
#
# This is a true $-\log p$ of grey pixels (and gives some probability to pixels outside of $[0, 1]$).
# As a density can be above 1, this loss can be negative.
#
# The last term does not depend on the networks.
# Multiply the rest, with the KL term, by $2 \sigma_x^2$:
#
# $$\sum_j (x_j - m_j)^2 + 2 \sigma_x^2 \, \mathrm{KL}.$$
#
# So $\sigma_x$ decides how much the KL weighs. Nobody may leave it out "because it is a constant".

# %% id="gaussian" tags=["nbval-check-output"]
from a2d.vae import gaussian_nll

mean = draw(autoencoder, codes)
library = -torch.distributions.Normal(mean, 0.3).log_prob(x_test).sum((-2, -1))
print("same as torch.distributions:", np.allclose(gaussian_nll(mean, x_test, 0.3), library))
for sigma_x in (0.1, 0.3, 1.0):
    print(f"sigma_x = {sigma_x}: the KL weighs {2 * sigma_x**2:.2f} against the squared error")

# %% [markdown]
# To see what that means, five VAEs were trained on MNIST, which takes longer than a lecture.
# Their numbers come with the course: 20 latents, $\beta = 1$, on the test images.
# A latent is *active* if it tells images apart; section 5 says exactly when.
# The last column is the root of the mean squared error per pixel, in units of full ink.

# %% id="likelihood-results"
from a2d.lab import results

stored = results("likelihood")
print("made by:", stored["command"])
print("likelihood     KL in nats  active  error per pixel")
for row in stored["rows"]:
    name = row["likelihood"] + (f", {row['sigma']:g}" if row["sigma"] else "")
    print(f"{name:<15}{row['kl']:10.1f}{row['active_units']:8d}{row['rmse']:17.3f}")

# %% [markdown]
# A small $\sigma_x$ asks for precise pixels, and the model pays for them with many nats of KL.
# With a large one it gives up latents, and the pixels are wrong by more.
# A $\sigma_x$ far above the error in the last column claims more noise than there is.
#
# ### Both terms together
#
# Training *minimises* the negative ELBO, as a mean over the images:
#
# $$\text{loss} = -\mathbb{E}_q[\log p(x \mid z)] + \beta \, \mathrm{KL}(q(z \mid x) \, \| \, p(z)).$$
#
# $\beta = 1$ is the ELBO; another weight $\beta$ makes it a *beta-VAE*, the subject of section 5.
# The mean over $q$ is estimated with one reparameterised sample.
# `negative_elbo` in `a2d.vae` is the function that the course's generator is trained with.

# %% id="vae"
from a2d.vae import VaeConfig, negative_elbo, reparameterise


def vae_terms(beta):
    config = VaeConfig(beta=beta)

    def terms(net, x, rng):
        mu, logvar = net.encode(x)
        logits = net.logits(reparameterise(mu, logvar, rng))
        found = negative_elbo(logits, x, mu, logvar, config)
        return found.reconstruction.mean(), beta * found.kl.mean()

    return terms


# %% [markdown]
# The same network, the same first weights, the same images, the same number of epochs as the autoencoder.
# New in the loss are the noise and the KL term.

# %% id="train-vae"
from a2d import figures


def fresh(d=20):
    torch.manual_seed(SEED)
    return SmallNet(d)


vae = fresh()
history = train(vae, vae_terms(beta=1.0), EPOCHS)
show(figures.loss_terms({"reconstruction": history[:, 0], "kl": history[:, 1]}))
total = history.sum(axis=1)
print(f"negative ELBO (their sum): from {total[0]:.0f} to {total[-1]:.0f} nats per image")

# %% [markdown]
# In the first epochs the KL drops almost to nothing: a decoder that cannot draw yet has no use for $z$.
# Then it learns to draw, each nat of KL saves more than a nat of reconstruction, and the KL rises again.
#
# Now we know where to draw $z$ from: the prior, $N(0, 1)$.
# Are the pictures closer to digits than the autoencoder's?

# %% id="holes-again"
rng = torch.Generator().manual_seed(SEED)
with torch.no_grad():
    mu, logvar = vae.encode(x_test)
pictures = {
    "autoencoder, copies": copies,
    "autoencoder, drawn codes": inventions,
    "VAE, copies": draw(vae, reparameterise(mu, logvar, rng)),
    "VAE, z from the prior": draw(vae, torch.randn(mu.shape, generator=rng)),
}
D = {name: nearest(p).numpy() for name, p in pictures.items()}
show(f03_vae.decoded_rows({name: p[:8].numpy() for name, p in pictures.items()}, D))

# %% id="holes-record"
for name in ("autoencoder, drawn codes", "VAE, z from the prior"):
    record(f"distance to the nearest image: {name}", np.median(D[name]))
better = np.median(D["VAE, z from the prior"]) < np.median(D["autoencoder, drawn codes"])
print("the VAE's own pictures are nearer to real images:", better)
print("its reconstruction term ends above the autoencoder's:", history[-1, 0] > copying[-1])

# %% [markdown]
# The noise in $z$ made the decoder practise *between* the codes, and the KL term brought the codes to where
# we draw from.
# It has a price: part of the code is noise now, so the copies cost more nats than the autoencoder's, and the
# pictures are softer.
# How much is gained depends on the images and on the training.
# Try `DATA = "fsdd"`: MNIST is more varied, and after so short a training the pictures that the two networks invent are
# about equally far from real ones.

# %% [markdown]
# {exercise 3.4}
#
# Write `beta_loss(logits, target, mu, logvar, beta)`.
#
# - In: `logits` and `target` of shape `(b, h, w)`, `mu` and `logvar` of shape `(b, d)`, and the number `beta`.
# - Out: one number, the loss above: nats per image, *mean* over the $b$ images.
#
# `bernoulli_nll` and `kl_divergence` of `a2d.vae` may be used; so you do not need your own functions.
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
# ## 5. What does beta do?
#
# ### A walk
#
# For a walk we need a latent space that fits on a page: two latents.
# Eight VAEs with $d = 2$ were trained on MNIST, with `a2d train beta-sweep --data mnist`.
# They saw the same batches and the same noise and differ by $\beta$ alone.
#
# Move the sliders, and see what the decoder draws.
# The map shows where you are: $z_1$ to the right, $z_2$ upwards, in standard deviations of the prior.

# %% id="walk"
from a2d import widgets
from a2d.evaluator import read
from a2d.lab import models

sweep = models.load("beta-sweep").net
evaluator = models.load("evaluator").net


def digits_of(images):
    return read(evaluator, images).digits


show(widgets.latent_walker(sweep[1.0].decode, 2, read=digits_of))

# %% [markdown]
# Walk slowly from one digit to another.
# There is a picture at every step, but between two digits you may meet something that is neither.
# The VAE has no holes in the sense of section 1; it still has borders.
#
# Where do images lie in such a space?
# We train three small networks with two latents on our own images: the autoencoder, and two $\beta$.
# Then we draw one $z$ from $q(z \mid x)$ for each test image (the autoencoder has one code for each).

# %% id="maps"
maps = {}
for name, terms in [("autoencoder", None), ("beta = 1", 1.0), ("beta = 8", 8.0)]:
    net = fresh(d=2)
    train(net, vae_terms(terms) if terms else copy_terms, EPOCHS)
    with torch.no_grad():
        mu, logvar = net.encode(x_test)
        code = reparameterise(mu, logvar, rng) if terms else mu
    maps[name] = code.numpy()
show(f03_vae.latent_maps(maps, labels))

# %% [markdown]
# The autoencoder's codes lie where they like, with empty space between them.
# With $\beta = 1$ they fill the place that the prior draws from.
# With a large $\beta$ they fill it as well, but the digits lie on top of each other.
#
# ### The price of a nat
#
# The loss is reconstruction $+ \beta \cdot$ KL.
# Telling images apart costs KL, as the posteriors must differ from the prior to differ from each other.
# It buys a smaller reconstruction term, as the decoder then knows what to draw.
# A nat of KL costs $\beta$; it is bought only if it lowers the reconstruction term by more than $\beta$.

# %% [markdown]
# ### Posterior collapse
#
# Raise $\beta$, and one latent after the other is given up: its posterior is the prior for *every* image.
# That is *posterior collapse*.
# To count what is left, look at how much the posterior's mean $\mu_j(x)$ varies over the images:
#
# $$\text{latent } j \text{ is active} \iff \mathrm{Var}_x[\mu_j(x)] > 0.01.$$
#
# The threshold is that of Burda and others (2016).
# We train our small network, with 20 latents, for three other $\beta$ as well.


# %% id="live-sweep"
def variances(net):
    with torch.no_grad():
        return net.encode(x_test)[0].var(0, correction=0)


nets = {1.0: vae}
for beta in (0.1, 4.0, 64.0):
    nets[beta] = fresh()
    train(nets[beta], vae_terms(beta), EPOCHS)
spread = {beta: variances(nets[beta]).numpy() for beta in sorted(nets)}
show(f03_vae.latent_variances(spread))

# %% [markdown]
# Move $\beta$ through these four models, and watch the copies, the inventions and the numbers.

# %% id="beta-slider"
from functools import partial

models = [widgets.BetaModel(b, net.encode, partial(draw, net)) for b, net in nets.items()]
show(widgets.beta_slider(models, x_test[:200].numpy(), beta=1.0, seed=SEED))

# %% [markdown]
# At $\beta = 64$ a nat would have to save more than 64 nats of reconstruction.
# No latent is worth that.
# What does a decoder draw if $z$ says nothing?
# One picture for all images.
# The BCE is linear in the target, so its mean over all images is the BCE of the mean image, and the best answer is
# the target itself.
# So we expect the mean of the training images, for every $z$.

# %% id="collapse" tags=["nbval-check-output"]
mean_image = x_train.mean(0)
drawn = draw(nets[64.0], torch.randn(100, 20, generator=rng))
print(f"100 pictures differ by {drawn.std(0).mean():.1f} per pixel (standard deviation)")
print(f"distance per pixel to the mean image: {(drawn - mean_image).abs().mean():.1f}")
vivid = draw(vae, torch.randn(100, 20, generator=rng))
print(f"with beta = 1 they differ by {vivid.std(0).mean():.1f}")

# %% [markdown]
# Remember the mean image: in lecture 04 it comes back, class by class.
#
# How does this look with long training on MNIST?
# Eight $\beta$ were tried, with 2 and with 20 latents; the numbers are for the test images.

# %% id="beta-results"
stored = results("beta")
print("made by:", stored["command"])
two, twenty = stored["latent 2"], stored["latent 20"]
betas = sorted(float(beta) for beta in twenty)
rows = [twenty[f"{beta:g}"] for beta in betas]
active = {
    "2 latents": [two[f"{beta:g}"]["active_units"] / 2 for beta in betas],
    "20 latents": [row["active_units"] / 20 for row in rows],
}
terms = [row["reconstruction"] for row in rows], [row["kl"] for row in rows]
show(f03_vae.beta_terms(betas, *terms, active))

# %% id="beta-table"
for beta, row in zip(betas, rows, strict=True):
    numbers = f"KL {row['kl']:5.1f}, reconstruction {row['reconstruction']:6.1f}"
    print(f"beta {beta:<4g} {row['active_units']:>2} of 20 active, {numbers} nats per image")
record("active latents of 20, MNIST, beta 1", twenty["1"]["active_units"])

# %% [markdown]
# The first two panels are for 20 latents.
# At $\beta = 1$ most of the 20 latents are idle, and nobody told the model which ones to drop.
# The count of active latents jumps a little: one that is just above the threshold counts as much as any other.
# The KL falls all the way.
#
# A small $\beta$ gives sharp copies and a latent space with gaps; a large one gives a tidy space with nothing in it.
# What is best depends on what the pictures are for, and lecture 05 has to choose.

# %% [markdown]
# ## Exercises
#
# Back to section 3: the other way to a gradient, for many latents.
#
# {exercise 3.5}
#
# Write `score_gradient(f, z, mu, sigma)`.
#
# - In: $n$ samples `z` of shape `(n, d)` from $q = N(\mu, \sigma^2)$, with independent latents;
#   `mu` and `sigma` of shape `(d,)`; and `f` of shape `(n,)`, the value of a function at each sample.
# - Out: shape `(d,)`, the score-function estimate of $\frac{\partial}{\partial \mu} \mathbb{E}_q[f(z)]$: the mean over
#   the samples of
#
# $$f(z) \, \frac{\partial}{\partial \mu} \log q(z).$$
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
    """Score-function estimate of the gradient of E[f(z)] in mu: (n,), (n, d) to (d,)."""
    # SOLUTION BEGIN
    score = (z - mu) / sigma**2
    return np.mean(f[:, np.newaxis] * score, axis=0)
    # SOLUTION END


# %% id="check-3-5"
a2d.check("3.5", score_gradient)

# %% [markdown]
# {question 3.6}

# %% [markdown] id="answer-3-6" tags=["answer"]
# {answer 3.6}

# %% [markdown]
# ## Quiz
#
# **Question 1.** The ELBO is 2 nats below $\log p(x)$. What are these 2 nats?
#
# <details><summary>a) The KL divergence from the prior to q</summary>
#
# No: that is the KL *term*, one of the two parts inside the ELBO.
#
# </details>
# <details><summary>b) The KL divergence from the posterior to q</summary>
#
# Right: $\log p(x) = \text{ELBO} + \mathrm{KL}(q \, \| \, p(z \mid x))$.
#
# </details>
# <details><summary>c) The error of the Monte Carlo estimate</summary>
#
# No: with endless samples the gap stays. It vanishes only when $q$ is the posterior.
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
# <details><summary>b) Yes, as it is 0.11 nats per pixel</summary>
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
# No: a KL of 0 means that $q(z \mid x)$ is the prior, not that it is the posterior of an informative model.
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
# - show by measurement what an autoencoder draws from codes that it never saw
# - derive the evidence lower bound and say what its gap to log p(x) is
# - compute the KL term in closed form and check it with samples
# - compare two gradient estimators by their variance and say why a VAE takes the first
# - tell from numbers when a latent is no longer used, and why a large beta does that
#
# The formulas:
#
# $$\log p(x) = \text{ELBO} + \mathrm{KL}(q(z) \, \| \, p(z \mid x)), \qquad z = \mu + \sigma \varepsilon,$$
#
# $$\text{ELBO} = \mathbb{E}_q[\log p(x \mid z)] - \mathrm{KL}(q(z) \, \| \, p(z)), \qquad
# \mathrm{KL} = \sum_j \tfrac12 (\mu_j^2 + \sigma_j^2 - 1 - \log \sigma_j^2).$$

# %% [markdown]
# ## What to read
#
# - D. Kingma and M. Welling (2014), *Auto-Encoding Variational Bayes*, arXiv:1312.6114: the VAE; appendix B has the KL.
# - D. Rezende, S. Mohamed and D. Wierstra (2014), *Stochastic Backpropagation and Approximate Inference in Deep
#   Generative Models*, arXiv:1401.4082: the same idea, found independently.
# - R. Williams (1992), *Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement Learning*,
#   Machine Learning 8: the score function, there called REINFORCE.
# - I. Higgins and others (2017), *beta-VAE*, ICLR: the weight of the KL term.
# - Y. Burda, R. Grosse and R. Salakhutdinov (2016), *Importance Weighted Autoencoders*, arXiv:1509.00519:
#   active units.
# - S. Bowman and others (2016), *Generating Sentences from a Continuous Space*, arXiv:1511.06349: collapse, and a
#   KL term that grows slowly.
# - `a2d/vae.py`: both VAEs of the course.
#
# ## What comes next
#
# Lecture 04 changes one thing: the image that the decoder is compared with is not the encoder's own, but a
# random one of the same digit.
