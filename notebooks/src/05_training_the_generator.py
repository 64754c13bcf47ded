# %% [markdown] id="1dbefe8bc6"
# # 05 Training the generator
#
# {badges}
#
# About 60 min, CPU, needs 03 and 04.
#
# Features, loss and targets are ready; what is missing is the network between them.
# We take its layers apart, write the loop that trains it, and learn to read what the curves say.

# %% [markdown]
# ## You will be able to
#
# - compute the encoder's output and its number of parameters by hand
# - compute a transposed convolution by hand, and say how large its output is
# - predict from kernel and stride whether a decoder tends to draw checkerboards
# - write a training loop, and say what each of its lines and settings does
# - read a training curve: what the loss can still gain, and when the accuracy begins to rise
#
# ## Before you start
#
# You need the ELBO from lecture 03 and the random targets from lecture 04.
#
# ## Where we are
#
# sound → features → **encoder → latent → decoder → picture** → evaluator → digit

# %% [markdown] id="9b45bc7454"
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
# ## 1. How do 40 numbers become a distribution?
#
# The report's encoder is an MLP, a multi-layer perceptron.
# It gets the mean MFCCs of one recording and gives a normal distribution over the latent.
#
# A *recipe* is a small file with all settings of a training; ours has the name `report`.

# %% id="data" tags=["nbval-check-output"]
from a2d import datasets
from a2d.lab import recipes, runs

recipe = recipes.load("report")
recordings = runs.spoken_set(datasets.load_spoken(DATA), recipe.features, seed=SEED)
features, digits = recordings.part("train")
print("features of the training part:", tuple(features.shape))
print("hidden layers:", recipe.model.hidden, "latent:", recipe.model.latent)

# %% [markdown]
# ### Standardised features
#
# - $m_j$: the feature $j$ of a recording, its mean MFCC number $j$, for $j = 0, \dots, 39$
# - $a_j$, $g_j$: mean and standard deviation of that feature over the training part
#
# $$\tilde m_j = \frac{m_j - a_j}{g_j}$$
#
# - $\tilde m_j$: the *standardised* feature, without a unit: mean 0, standard deviation 1
#
# Test recordings are standardised with the training part's $a_j$ and $g_j$.
# Their own would let the test part leak into the model.

# %% id="standardise" tags=["nbval-check-output"]
import numpy as np
from sklearn.preprocessing import StandardScaler

m = features.numpy().astype(np.float64)
a, g = m.mean(axis=0), m.std(axis=0)
standardised = (m - a) / g
theirs = StandardScaler().fit(m).transform(m)
print("the same as scikit-learn's:", np.allclose(standardised, theirs))

# %% id="scales-figure"
from a2d.figures import f05_training

show(f05_training.feature_scales(m, standardised))

# %% [markdown] id="d9fee08fb9"
# A layer with small random weights first listens to what varies most.
# Raw, one coefficient of 40 would dominate; standardised, all begin equal.
#
# ### The layers
#
# Layer $l$ turns a list of $d_{l-1}$ numbers into a list of $d_l$ numbers:
#
# $$h_l = \max(0, W_l h_{l-1} + b_l)$$
#
# - $h_0$: the standardised features $\tilde m$; $h_l$: the output of layer $l$
# - $W_l$: its weights, a matrix of shape $(d_l, d_{l-1})$; $b_l$: its biases, $d_l$ numbers
#
# The last layer has no $\max$.
# Its output is cut in two halves:
#
# - $\mu$: the mean of the latent; $\ln \sigma^2$: the natural logarithm of its variance
#
# The package keeps what a training needs in a *task*; `GeneratorTask` holds the model, its loss, and its data:
# recordings and targets.
# Here we take only its fresh model.

# %% id="encoder-by-hand" tags=["nbval-check-output"]
import torch

from a2d import pairing
from a2d.lab.kinds.generator import GeneratorTask

images = datasets.load_images(runs.images_for(DATA, None))
targets = pairing.Targets(images.pixels, images.labels)
vae = GeneratorTask(recipe, features, digits, targets, seed=SEED).model.eval()
W1, b1, W2, b2, W3, b3 = (p.detach().numpy() for p in vae.encoder.parameters())
h1 = np.maximum(0, standardised @ W1.T + b1)
h2 = np.maximum(0, h1 @ W2.T + b2)
mu, logvar = np.split(h2 @ W3.T + b3, 2, axis=1)
theirs = vae.encode(features)[0].detach().numpy()
print("shapes:", h1.shape, h2.shape, mu.shape, logvar.shape)
print("the same as the package's:", np.allclose(mu, theirs, atol=1e-4))

# %% [markdown]
# How many numbers does the encoder learn?
# Layer $l$ has $d_{l-1} d_l$ weights and $d_l$ biases, so $(d_{l-1} + 1)\, d_l$ parameters:
#
# $$P = \sum_l (d_{l-1} + 1)\, d_l$$
#
# - $P$: the number of parameters

# %% id="count" tags=["nbval-check-output"]
from itertools import pairwise

widths = [40, 256, 256, 2 * 20]
by_layer = [(d_in + 1) * d_out for d_in, d_out in pairwise(widths)]
P = sum(by_layer)
by_torch = sum(p.numel() for p in vae.encoder.parameters())
print("parameters by layer:", by_layer, "together:", P)
print("the same as torch counts:", by_torch == P)
print(f"{len(digits)} training recordings, {P / len(digits):.0f} parameters for each")

# %% [markdown]
# There are far more parameters than recordings.
# So the encoder could learn the training part by heart; section 5 looks at the loss on other recordings.
#
# ## 2. How does a list of 20 numbers become a picture?
#
# The decoder has to go from few numbers to many pixels.
# It uses *transposed convolutions*.
# We begin with an ordinary convolution in one dimension, and write it as a matrix.
#
# - $x_i$: the input, $i = 0, \dots, n - 1$
# - $w_j$: the kernel, $j = 0, \dots, k - 1$; $k$: its length
# - $s$: the stride, how far the kernel moves from one output to the next
#
# $$y_o = \sum_{j=0}^{k-1} w_j\, x_{s o + j}$$
#
# - $y_o$: the output number $o$
#
# Each output is a weighted sum, so $y = C x$ with a matrix $C$ whose row $o$ holds the kernel from column $s o$ on.

# %% id="matrix" tags=["nbval-check-output"]
from torch.nn import functional as F

k, s, n = 4, 2, 8
w = np.array([1.0, 2.0, 3.0, 4.0])
C = np.zeros(((n - k) // s + 1, n))
for o in range(len(C)):
    C[o, s * o : s * o + k] = w
x = np.random.default_rng(SEED).normal(size=n)


def batch_of_one(values):
    return torch.tensor(values, dtype=torch.float32)[None, None]


theirs = F.conv1d(batch_of_one(x), batch_of_one(w), stride=s)[0, 0].numpy()
print("shape of C:", C.shape)
print("C x is torch's convolution:", np.allclose(C @ x, theirs))

# %% [markdown]
# The *transposed* convolution multiplies by $C^\top$, the same matrix with rows and columns exchanged:
#
# $$x' = C^\top y$$
#
# - $x'$: its output, as long as the convolution's input was
#
# It goes from 3 numbers to 8.

# %% id="transpose" tags=["nbval-check-output"]
y = np.array([1.0, 0.0, -1.0])
theirs = F.conv_transpose1d(batch_of_one(y), batch_of_one(w), stride=s)[0, 0].numpy()
print("transposed convolution:", C.T @ y)
print("the same as torch's:", np.allclose(C.T @ y, theirs))
print("does it undo the convolution?", np.allclose(C.T @ (C @ x), x))

# %% id="matrix-figure"
show(f05_training.convolution_matrices(C))

# %% [markdown]
# So a convolution *gathers* and its transpose *scatters*.
# Read a column of $C^\top$: input $i$ writes a copy of the kernel, times $y_i$, to the places from $s i$ on.
# Where two copies meet, they are added.
#
# It is not the inverse, as the check says, and "deconvolution" is a misleading name.
# It has the shape of the inverse, and weights that are learned.
#
# You have met it before: backpropagation sends gradients back through a convolution in this way.
# If a loss has the gradient $y$ with respect to the outputs, it has $C^\top y$ with respect to the inputs.

# %% id="gradient" tags=["nbval-check-output"]
given = batch_of_one(x).requires_grad_()
out = F.conv1d(given, batch_of_one(w), stride=s)
(out * batch_of_one(y)).sum().backward()
print("the gradient is the transpose:", np.allclose(given.grad[0, 0], C.T @ y))

# %% [markdown] id="53f4f0e1af"
# Two settings change the ends of the result.
#
# - $p$, the *padding*: a convolution with padding adds $p$ zeros at each end of its input.
#   Its transpose therefore cuts $p$ values off each end of its output.
# - $q$, the *output padding*: that many values are added at the far end.
#   They are needed because a convolution with stride $s$ gives one length for several input lengths.

# %% [markdown]
# {exercise 5.1}
#
# Write `output_size(n_in, kernel, stride, padding, output_padding)`.
#
# - In: the number of inputs $n$, the kernel's length $k$, stride $s$, padding $p$, output padding $q$; whole numbers.
# - Out: the number of outputs of the transposed convolution.
#
# For an ordinary convolution the number of outputs is $\lfloor (n + 2p - k) / s \rfloor + 1$.
# Yours is another formula: count the places that are written to.
#
# {hints 5.1}


# %% id="exercise-5-1"
def output_size(n_in: int, kernel: int, stride: int, padding: int, output_padding: int) -> int:
    """The length of a transposed convolution's output."""
    # SOLUTION BEGIN
    written = (n_in - 1) * stride + kernel
    return written - 2 * padding + output_padding
    # SOLUTION END


# %% id="check-5-1"
a2d.check("5.1", output_size)

# %% [markdown]
# {exercise 5.2}
#
# Write `conv_transpose(x, w, stride, padding)`, without a matrix.
#
# - In: the inputs `x` of shape $(n,)$, the kernel `w` of shape $(k,)$, stride $s$, padding $p$.
#   There is no output padding.
# - Out: an array of $(n - 1) s + k - 2p$ numbers.
#
# $$x'_o = \sum_{i} x_i\, w_{o + p - s i}$$
#
# - $x_i$: the inputs, here those of the transposed convolution; $x'_o$: its outputs
# - the sum goes over all $i$ for which the kernel's index $o + p - s i$ lies between 0 and $k - 1$
#
# Three points are for padding 0, one for the others.
#
# {hints 5.2}
#
# <details><summary>It passes the first cases but fails others?</summary>
#
# With one input no copies of the kernel meet, and with $k \le s$ neither.
# So a loop that replaces instead of adding passes those cases only.
#
# </details>


# %% id="exercise-5-2"
def conv_transpose(x: np.ndarray, w: np.ndarray, stride: int, padding: int) -> np.ndarray:
    """Spread each input over the kernel's length, and add where copies meet."""
    # SOLUTION BEGIN
    spread = np.zeros((len(x) - 1) * stride + len(w))
    for i, value in enumerate(x):
        spread[i * stride : i * stride + len(w)] += value * w
    return spread[padding : len(spread) - padding]
    # SOLUTION END


# %% id="check-5-2"
a2d.check("5.2", conv_transpose)

# %% [markdown]
# ### The decoder, shape by shape
#
# In two dimensions each input pixel writes a small picture of $k \times k$ pixels.
# With several maps (*channels*), each pair of an input map and an output map has its own kernel.
# The results are added.
#
# The decoder has one fully-connected layer and two such layers with $k = 4$, $s = 2$, $p = 1$.
# We walk through it, with a latent of zeros.

# %% id="decoder-by-hand" tags=["nbval-check-output"]
decoder, z = vae.decoder, torch.zeros(1, 20)
maps7 = F.relu(decoder.fc(z)).view(1, 16, 7, 7)
maps14 = F.relu(decoder.up1(maps7))
logits = decoder.up2(maps14)[:, 0]
picture = logits.sigmoid()
for name, result in {"maps": maps7, "larger": maps14, "logits": logits}.items():
    print(f"{name:<7}{tuple(result.shape[1:])}")
print("the same picture as the package's:", torch.allclose(picture, vae.decode(z)))

# %% [markdown]
# - the *logit* of a pixel is $\ln(v / (1 - v))$, where $v$ is the pixel's brightness, from 0 to 1
#
# A transposed convolution from $c$ to $c'$ maps has $c\, c'\, k^2$ weights and $c'$ biases:
#
# $$P' = c\, c'\, k^2 + c'$$
#
# - $c$, $c'$: the numbers of maps that come in and go out
# - $P'$: the layer's number of parameters

# %% id="decoder-count" tags=["nbval-check-output"]
by_hand = [(20 + 1) * 16 * 7 * 7, 16 * 8 * 4**2 + 8, 8 * 1 * 4**2 + 1]
by_torch = [sum(p.numel() for p in m.parameters()) for m in decoder.children()]
print("parameters by layer:", by_hand, "the same as torch counts:", by_hand == by_torch)

# %% [markdown]
# The two layers that draw need few parameters, because one kernel serves every place of the picture.
# Nearly all parameters are in the first layer, which lays out the coarse 7 × 7 plan.
#
# ## 3. Where do checkerboards come from?
#
# Some decoders draw patterns like a chessboard.
# The reason is arithmetic: kernels that overlap unevenly.
#
# Let $u_o$ be the number of inputs that reach output $o$: the number of $i$ with $0 \le o + p - s i \le k - 1$.
#
# - $u_o$: the *overlap count* of output $o$
#
# Inputs come every $s$ places and each covers $k$, so $k / s$ of them reach an output on average.
# If $s$ divides $k$, all inner outputs get exactly that many.
# If not, some get more than others: with $k = 3$ and $s = 2$ it is 1, 2, 1, 2, ...

# %% [markdown]
# {exercise 5.3}
#
# Write `overlaps(n_in, kernel, stride, padding)`.
#
# - In: the number of inputs $n$, the kernel's length $k$, stride $s$, padding $p$.
# - Out: the overlap counts $u_o$, an array of $(n - 1) s + k - 2p$ whole numbers.
#
# {hints 5.3}


# %% id="exercise-5-3"
def overlaps(n_in: int, kernel: int, stride: int, padding: int) -> np.ndarray:
    """How many inputs of a transposed convolution reach each output."""
    # SOLUTION BEGIN
    reached = np.zeros((n_in - 1) * stride + kernel, dtype=int)
    for i in range(n_in):
        reached[i * stride : i * stride + kernel] += 1
    return reached[padding : len(reached) - padding]
    # SOLUTION END


# %% id="check-5-3"
a2d.check("5.3", overlaps)

# %% [markdown]
# In two dimensions a pixel's count is the product of its row's and its column's.
# We let torch count, with a kernel of ones on a picture of ones.
# Kernel 3 needs an output padding of 1 to double the size.

# %% id="overlap-maps" tags=["nbval-check-output"]
SETTINGS = {"kernel 3, stride 2": (3, 1), "kernel 4, stride 2": (4, 0)}


def upsample(x, w, output_padding, groups=1):
    given = {"stride": 2, "padding": 1, "output_padding": output_padding}
    return F.conv_transpose2d(x, w, groups=groups, **given)


counts = {}
for name, (k, q) in SETTINGS.items():
    counts[name] = upsample(torch.ones(1, 1, 14, 14), torch.ones(1, 1, k, k), q)[0, 0].numpy()
    print(f"{name}: one row of counts {counts[name][5, 4:12].astype(int)}")

# %% id="overlap-figure"
show(f05_training.checkerboards(counts, "inputs that reach a pixel"))

# %% [markdown]
# Does an uneven count show in a picture?
# Suppose that inputs and weights are independent with mean 0.
# Then the variance of a sum is the sum of the variances:
#
# $$\mathrm{E}[y_o^2] = u_o\, \mathrm{E}[w^2]\, \mathrm{E}[x^2]$$
#
# - $\mathrm{E}$: the mean over random weights and inputs
# - $w$, $x$, $y_o$: one weight, one input of a single map, the output at pixel $o$
#
# So a pixel that is reached 4 times is twice as strong, by standard deviation, as one that is reached once.
# We check with random kernels on random inputs, all of variance 1.

# %% id="power" tags=["nbval-check-output"]
rng = torch.Generator().manual_seed(SEED)
many = 8000
for name, (k, q) in SETTINGS.items():
    inputs = torch.randn(1, many, 14, 14, generator=rng)
    kernels = torch.randn(many, 1, k, k, generator=rng)
    power = upsample(inputs, kernels, q, groups=many)[0].square().mean(0).numpy()
    ratio = power[4:-4, 4:-4] / counts[name][4:-4, 4:-4]
    print(f"{name}: mean of E[y^2] / u is {ratio.mean():.1f}, spread {ratio.std():.1f}")

# %% [markdown]
# And in a whole decoder, before it has learned anything?
# We make 500 fresh decoders of each kind, and give each two random latents.
# How much does a pixel's logit differ between the two, as the root of the mean square over the decoders?

# %% id="untrained"
from a2d.vae import Decoder, VaeConfig

up = torch.nn.ConvTranspose2d


def fresh(kernel, output_padding):
    made = Decoder(VaeConfig(latent=20, channels=16))
    made.up1 = up(16, 8, kernel, 2, padding=1, output_padding=output_padding)
    made.up2 = up(8, 1, kernel, 2, padding=1, output_padding=output_padding)
    return made


spreads = {}
with torch.random.fork_rng(devices=[]), torch.no_grad():
    torch.manual_seed(SEED)
    for name, setting in SETTINGS.items():
        two = torch.stack([fresh(*setting)(torch.randn(2, 20)) for _ in range(500)])
        spreads[name] = (two[:, 0] - two[:, 1]).square().mean(0).sqrt().numpy()

# %% id="untrained-figure"
show(f05_training.checkerboards(spreads, "difference of the logits"))

# %% [markdown]
# With kernel 3 the pattern is there before the first step, and with kernel 4 it is not.
# It is a pattern in what the latent can do: some pixels answer to it more than their neighbours.
#
# Odena and others (see the end) report that training weakens such patterns, but seldom removes them.
# A kernel whose length the stride divides avoids them from the start, so our decoder takes 4 and 2.
# At the border the counts fall in both, but the handwriting is black there.
#
# ## 4. What happens in one step of training?
#
# One step takes a *batch*: some recordings, with a random image of the same class for each.
# First the forward pass, as in lecture 03.
# In training a little noise goes onto the standardised features, so that the encoder cannot know recordings by heart.


# %% id="forward"
def forward(vae, m, rng):
    """Features (b, 40) to pixel logits (b, 28, 28) and mu, logvar (b, 20)."""
    x = (m - vae.scaler.mean) / vae.scaler.scale
    x = x + recipe.model.noise * torch.randn(x.shape, generator=rng)
    mu, logvar = vae.encoder(x)
    z = mu + torch.exp(logvar / 2) * torch.randn(mu.shape, generator=rng)
    return vae.decoder(z), mu, logvar


# %% [markdown]
# Then the loss of a batch, in nats per image: sums over the pixels and latent dimensions, mean over the batch.
#
# $$L = \frac{1}{B} \sum_{b=1}^{B} \left[ R_b + \beta K_b \right]$$
#
# - $L$: the loss; $B$: the number of recordings in the batch
# - $R_b$: the reconstruction term of recording $b$, its binary cross-entropy summed over 784 pixels
# - $K_b$: its Kullback-Leibler divergence from the prior, summed over 20 dimensions
# - $\beta$: the weight of that term

# %% id="loss" tags=["nbval-check-output"]
from a2d.vae import negative_elbo


def loss_of(logits, t, mu, logvar, beta):
    bce = F.binary_cross_entropy_with_logits(logits, t, reduction="none").sum((1, 2))
    kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1)
    return (bce + beta * kl).mean()


rng = torch.Generator().manual_seed(SEED)
outputs = forward(vae, features[:32], rng)
t = targets.random(digits[:32], rng, draws=8)
ours = loss_of(outputs[0], t, *outputs[1:], beta=1.0)
theirs = negative_elbo(outputs[0], t, *outputs[1:], recipe.model).loss.mean()
print("the same loss as the package's:", torch.isclose(ours, theirs).item())

# %% [markdown] id="1deca420bd"
# ### The loop
#
# An *epoch* is one pass over all recordings in a new random order.
# Each step does five things:
#
# 1. take a batch
# 2. compute the loss
# 3. compute its gradient with respect to every parameter (`backward`)
# 4. move every parameter a little against its gradient (`step`)
# 5. forget the gradient (`zero_grad`); otherwise the next one would be added to it
#
# How far a step goes is the *learning rate*, and Adam, the optimiser, scales it for each parameter.
# All random numbers of an epoch come from one random generator, `rng`.
# Its seed is made of the run's seed and the epoch's number.
# So an interrupted run can go on with the same numbers.
#
# Two things change with the step, the learning rate and $\beta$; both are explained below the loop.

# %% id="schedules" tags=["nbval-check-output"]
from dataclasses import replace

from a2d import training
from a2d.vae import beta_at

EPOCHS = 18 if FAST else 60
config = replace(recipe.training, epochs=EPOCHS)
steps = -(-len(digits) // config.batch_size)
total = EPOCHS * steps
rates = [training.learning_rate(config, t, steps) for t in range(total)]
betas = [min(1.0, t / total / recipe.model.warmup) for t in range(total)]
theirs = [beta_at(recipe.model, t / total) for t in range(total)]
print(f"{steps} steps in each of {EPOCHS} epochs, {config.batch_size} recordings in a batch")
print("the same weights of the KL term as the package's:", np.allclose(betas, theirs))

# %% [markdown]
# Here is the loop for one epoch, and nothing is hidden in it.


# %% id="loop"
def plain_epoch(vae, optimizer, epoch):
    rng = torch.Generator().manual_seed(training.epoch_seed(SEED, epoch))
    order, losses = torch.randperm(len(digits), generator=rng), []
    for step, batch in enumerate(order.split(config.batch_size), epoch * steps):
        logits, mu, logvar = forward(vae, features[batch], rng)
        t = targets.random(digits[batch], rng, recipe.targets.draws)
        loss = loss_of(logits, t, mu, logvar, betas[step])
        optimizer.zero_grad()
        loss.backward()
        optimizer.param_groups[0]["lr"] = rates[step]
        optimizer.step()
        losses.append((loss.item(), len(batch)))
    return losses


# %% [markdown]
# Does it do what the package's loop does?
# Both begin with the same weights, and both run one epoch.

# %% id="loop-check" tags=["nbval-check-output"]
data = (features, digits, targets)
mine, theirs = (GeneratorTask(recipe, *data, seed=SEED) for _ in range(2))
optimizer = torch.optim.Adam(mine.model.parameters(), config.lr)
losses = plain_epoch(mine.model, optimizer, epoch=0)
epoch_loss = sum(loss * n for loss, n in losses) / len(digits)
history = training.fit(theirs, config, seed=SEED, on_epoch=lambda *_: True)
print(f"first step: {losses[0][0]:.0f} nats, all pixels one half: {784 * np.log(2):.0f} nats")
same = np.isclose(epoch_loss, history.series["loss"][0], rtol=1e-3)
print("the same mean loss of the epoch:", same)

# %% [markdown]
# A picture whose pixels are all one half would cost $784 \ln 2 = 543$ nats, against any target.
# A fresh network's logits are small, so its first loss must be of that size.
# That is a check for any new training loop.
#
# ### The learning rate and the weight of the KL term
#
# Adam divides a gradient by its own recent size, so its first step moves nearly *every* parameter by the whole rate.
# Nothing is known yet at that time, so the rate begins small (*warm-up*).
# Later it falls along a cosine: large steps find the way, small ones settle the noise.

# %% id="first-step" tags=["nbval-check-output"]
task = GeneratorTask(recipe, *data, seed=SEED)
before = [p.detach().clone() for p in task.model.parameters()]
optimizer = torch.optim.Adam(task.model.parameters(), lr=0.01)
task.loss(torch.arange(32), torch.Generator().manual_seed(SEED), 0.0)[0].backward()
optimizer.step()
pairs = zip(task.model.parameters(), before, strict=True)
moved = torch.cat([(p - q).abs().flatten() for p, q in pairs])
share = (moved > 0.0099).float().mean()
print(f"farthest move: {moved.max():.3f}; share that moved so far: {share:.1f}")

# %% [markdown]
# The weight of the KL term rises in a line and then stays:
#
# $$\beta_t = \min\left(1, \frac{t}{\omega T}\right)$$
#
# - $\beta_t$: the weight at step $t$; $T$: the number of steps of the whole training
# - $\omega$: the share of the training in which it rises, one half in our recipe
#
# With its full weight from the start, the decoder could learn to do without the latent.
# That is the posterior collapse of lecture 03.

# %% id="schedules-figure"
show(f05_training.schedules(rates, betas))

# %% [markdown]
# {exercise 5.4}
#
# Write `rate(step, total, rise, highest)`, the learning rate at a step.
#
# - In: the step $t = 0, \dots, T - 1$; $T$ = `total`, the number of steps; $U$ = `rise`, the number of warm-up steps;
#   $\eta$ = `highest`, the highest rate.
# - Out: the rate $\eta_t$, a number.
#
# $$\eta_t = \begin{cases} \eta\, (t + 1) / U & t < U \\
# \frac{\eta}{2} \left( 1 + \cos \pi \frac{t - U}{T - U} \right) & t \ge U \end{cases}$$
#
# {hints 5.4}

# %% id="exercise-5-4"
import math


def rate(step: int, total: int, rise: int, highest: float) -> float:
    """The learning rate: a line up to the highest value, then a cosine down to 0."""
    # SOLUTION BEGIN
    if step < rise:
        return highest * (step + 1) / rise
    share = (step - rise) / (total - rise)
    return highest / 2 * (1 + math.cos(math.pi * share))
    # SOLUTION END


# %% id="check-5-4"
a2d.check("5.4", rate)

# %% [markdown]
# ### Averaged weights
#
# Every step follows a noisy gradient, so the weights jitter around a good place.
# We keep a moving average of them, and draw with the average:
#
# $$\bar\theta_t = \alpha\, \bar\theta_{t-1} + (1 - \alpha)\, \theta_t$$
#
# - $\theta_t$: a weight after step $t$; $\bar\theta_t$: its average; $\alpha = 0.99$: the decay
#
# If the jitter of different steps were independent, the average's variance would be
#
# $$\mathrm{Var}[\bar\theta] = \frac{1 - \alpha}{1 + \alpha}\, \mathrm{Var}[\theta]$$
#
# - $\mathrm{Var}$: the variance over many steps
#
# With $\alpha = 0.99$ that is a factor of 14 in the standard deviation.
# Real steps are not independent, so this is the best case.

# %% id="average" tags=["nbval-check-output"]
alpha = 0.99
jitter = np.random.default_rng(0).normal(size=400_000)
means = np.zeros_like(jitter)
for step in range(1, len(jitter)):
    means[step] = alpha * means[step - 1] + (1 - alpha) * jitter[step]
print(f"predicted: {np.sqrt((1 + alpha) / (1 - alpha)):.1f} times less jitter")
print(f"measured:  {jitter.std() / means[2000:].std():.0f} times less")

# %% [markdown]
# The package's averager does one thing more.
# At its step $n$ it takes $\alpha = \min(0.99, n / (n + 9))$, so that the random start is forgotten soon.
#
# - $n$: the number of steps that the averager has seen

# %% id="averager" tags=["nbval-check-output"]
layer = torch.nn.Linear(1, 1).requires_grad_(False)
averager, average = training.Averager(layer, decay=0.99), layer.weight.item()
for n in range(1, 201):
    layer.weight += np.sin(n)
    averager.update()
    alpha = min(0.99, n / (n + 9))
    average = alpha * average + (1 - alpha) * layer.weight.item()
theirs = averager.weights["weight"].item()
print("the same average as the package's:", np.isclose(average, theirs, atol=1e-4))

# %% [markdown] id="42928bd2ce"
# ## 5. What do the curves say, and what the pictures?
#
# We train the generator, here for a few epochs.
# After each epoch the averaged weights draw the validation recordings, which are not trained on.
#
# Two classifiers name the drawings:
#
# - the evaluator, which has learned MNIST's handwriting
# - a ruler, which names the class whose mean image is nearest, by squared error
#
# On the built-in data the handwriting is scikit-learn's, and the evaluator has never seen any of it.

# %% id="readers" tags=["nbval-check-output"]
from a2d.evaluator import read
from a2d.lab import models

evaluator = models.load("evaluator").net
class_means = targets.means()


def nearest_mean(pictures):
    return (pictures[:, None] - class_means).square().sum((2, 3)).argmin(1)


own = datasets.load_images(runs.images_for(DATA, None), "test")
pixels, labels = torch.tensor(own.pixels[:1000]) / 255, own.labels[:1000]
by_evaluator = read(evaluator, pixels).digits == labels
by_ruler = nearest_mean(pixels).numpy() == labels
print(f"handwriting read right: evaluator {by_evaluator.mean():.0%}", end=", ")
print(f"ruler {by_ruler.mean():.0%}")

# %% [markdown]
# The training is `training.fit`, the loop above with averaging.
# After each epoch it calls `validate`.
# We add three things: the two terms of the ELBO, the ruler's accuracy, and a drawing of each digit.
#
# The binary cross-entropy is linear in its target (lecture 04).
# So its mean over random targets is its value against the class mean, and we can take that instead of drawing.

# %% id="watched"
from a2d.vae import bernoulli_nll, kl_divergence, reparameterise


class Watched(GeneratorTask):
    """The report's training, with more numbers after each epoch, and ten drawings."""

    def validate(self, rng):
        m, classes = self.validation
        mu, logvar = self.model.encode(m)
        logits = self.model.decoder(reparameterise(mu, logvar, rng))
        drawings.append(self.model.draw(m[first]).numpy())
        said = nearest_mean(logits.sigmoid())
        numbers = {"ruler": (said == classes).float().mean().item()}
        numbers["R"] = bernoulli_nll(logits, class_means[classes]).mean().item()
        numbers["K"] = kl_divergence(mu, logvar).mean().item()
        return {**numbers, **super().validate(rng)}


# %% id="train"
m_val, c_val = recordings.part("val")
if FAST:
    m_val, c_val = m_val[:200], c_val[:200]
first = torch.tensor([int((c_val == c).nonzero()[0, 0]) for c in range(10)])


def train(recipe):
    given = {"seed": SEED, "validation": (m_val, c_val), "evaluator": evaluator}
    task = Watched(recipe, features, digits, targets, **given)
    return training.fit(task, replace(recipe.training, epochs=EPOCHS), seed=SEED).series


drawings = []
series = train(recipe)
print("loss after the first and the last epoch, in nats per image:")
print(f"{series['loss'][0]:.0f}, {series['loss'][-1]:.0f}")

# %% id="terms-figure"
from a2d import figures

terms = {"reconstruction": series["reconstruction"], "kl": series["kl"]}
terms |= {"validation_reconstruction": series["R"], "validation_kl": series["K"]}
show(figures.loss_terms(terms))

# %% [markdown]
# In the first epoch the curve falls from far above, and then it looks flat.
# Is the training over?
#
# The two curves are not measured in the same way.
# Validation has no noise on the features, and it uses the averaged weights at the end of the epoch.
# So early it lies below training; if it lies above at the end, the encoder has begun to know its recordings by heart.

# %% [markdown] id="6baf028c71"
# ### Two levels
#
# To say whether a loss is good, one must know what the best possible loss is.
# Let $\bar t_c$ be the mean image of class $c$.
# Let $\bar t$ be the mean of all, each class weighted by its share of the recordings.
# The *entropy* of a grey image, in nats, is
#
# $$H(t) = -\sum_{x} \left[ t_x \ln t_x + (1 - t_x) \ln (1 - t_x) \right]$$
#
# - $t$: an image; $t_x$: its brightness at pixel $x$, from 0 to 1; the sum goes over 784 pixels
# - $c$: a class, 0 to 9
#
# Lecture 04: the best picture against random targets is their mean, and its cross-entropy is the entropy of that mean.

# %% [markdown]
# So there are two levels:
#
# - $H(\bar t)$: the best reconstruction term of a generator that ignores the sound
# - $\sum_c \pi_c H(\bar t_c)$: the best of all, where $\pi_c$ is the share of class $c$ in the recordings
#
# What knowing the class is worth is the difference between them.


# %% id="levels" tags=["nbval-check-output"]
def entropy(t):
    return -(torch.xlogy(t, t) + torch.xlogy(1 - t, 1 - t)).sum((-2, -1))


pi = torch.bincount(c_val, minlength=10) / len(c_val)
mean_of_all = (pi[:, None, None] * class_means).sum(0)
levels = {
    "ignores the sound": entropy(mean_of_all).item(),
    "class means, the best": (pi * entropy(class_means)).sum().item(),
}
grey = bernoulli_nll(torch.full((10, 28, 28), 0.0), class_means)
direct = bernoulli_nll(mean_of_all.logit(eps=1e-6).expand(10, 28, 28), class_means)
direct = (pi * direct).sum().item()
print(f"all pixels one half: {grey.mean():.1f} nats per image")
print({name: round(value, 1) for name, value in levels.items()})
print("the same by cross-entropy:", np.isclose(direct, levels["ignores the sound"], rtol=1e-3))

# %% id="levels-figure"
read_as = {"evaluator": series["accuracy"], "nearest class mean": series["ruler"]}
show(f05_training.loss_and_accuracy(series["R"], read_as, levels))

# %% [markdown] id="272b9096bf"
# Now the curve can be read.
#
# 1. The great fall at the beginning brings the mean of all digits.
#    That needs no sound, and the accuracy stays near 10 %.
# 2. Once the loss is below the upper level, the pictures must depend on the sound.
#    There the accuracy begins to rise.
# 3. Between the levels lie a few dozen nats, few beside the first fall.
#    All that distinguishes the digits is in them.
# 4. The accuracy counts pictures that have crossed the border to the right digit.
#    Each recording crosses it at another time, so the share rises gradually.
#
# The two classifiers see the same pictures and do not agree.
# Lecture 06 asks why.

# %% id="record-levels"
from a2d.lab import record

worth = levels["ignores the sound"] - levels["class means, the best"]
record("what the class is worth, nats per image", worth, f"{worth:.1f} nats")
share = series["ruler"][-1]
record(f"read by the nearest mean, {EPOCHS} epochs", share, f"{share:.0%}")

# %% [markdown]
# The same ten recordings after several epochs, drawn with the latent's mean:

# %% id="epochs-figure"
chosen = sorted({1, 2, 3, EPOCHS // 3, EPOCHS // 2, EPOCHS})
then = np.stack([drawings[e - 1] for e in chosen])
show(f05_training.drawings_by_epoch(then, chosen, range(10)))

# %% [markdown] id="508ac715ee"
# First all ten are the same blot; then one digit after the other comes out of it.
#
# ### The long run
#
# The shipped model `report` was trained in the same way on real recordings (FSDD) and MNIST, for 60 epochs.
# Its card holds its history, and the command that made it.

# %% id="real-run" tags=["nbval-check-output"]
card = models.card("report")
past = card["history"]
print(card["command"])
for epoch in (1, 3, 4, 10, 60):
    row = {name: past[name][epoch - 1] for name in ("reconstruction", "kl", "accuracy")}
    told = ", ".join(f"{name} {value:.4g}" for name, value in row.items())
    print(f"epoch {epoch:>2}: {told}")

# %% id="real-accuracy"
named = {"validation, evaluator not fine-tuned": past["accuracy"]}
reference = {"the report: test set, fine-tuned evaluator": 0.8229}
show(figures.accuracy_while_training(named, references=reference))

# %% id="real-terms"
show(figures.loss_terms({name: past[name] for name in ("reconstruction", "kl")}))

# %% [markdown]
# With FSDD and MNIST at hand, their two levels can be drawn in.

# %% id="real-levels"
if DATA == "fsdd":
    read_as = {"evaluator": past["accuracy"]}
    show(f05_training.loss_and_accuracy(past["reconstruction"], read_as, levels))
else:
    print('DATA = "fsdd" draws them.')

# %% [markdown] id="7126a19af6"
# The report says that its accuracy rises gradually and ends at 82.29 %.
# The shape is the same here, and the level is higher.
# The two numbers are not of the same recordings (Audio-MNIST there, FSDD here), nor of the same evaluator.
#
# ### A sample, or the mean?
#
# To draw, one can take the latent's mean $\mu$, or a sample $z = \mu + \sigma \epsilon$.
#
# - $\sigma$: the standard deviation of the latent, from $\ln \sigma^2$; $\epsilon$: a standard normal random number
#
# Training has seen samples only.
# We look at the shipped model and its own test part.
# Each column is one recording.

# %% id="samples-figure"
MODEL = "report-builtin" if DATA == "builtin" else "report"
shipped = models.load(MODEL)
its_seed = shipped.meta["split"]["seed"]
its_own = runs.spoken_set(recordings.data, shipped.features, seed=its_seed)
m_test, c_test = its_own.part("test")
ten = m_test[[int((c_test == c).nonzero()[0, 0]) for c in range(10)]]
rng = torch.Generator().manual_seed(SEED)
samples = np.stack([shipped.net.draw(ten, rng).numpy() for _ in range(4)])
show(f05_training.samples_and_mean(shipped.net.draw(ten).numpy(), samples, range(10)))

# %% id="sampled-and-mean"
n = 150 if FAST else len(c_test)
evaluators, some = {"evaluator": evaluator}, (m_test[:n], c_test[:n])
found = runs.read_drawings(shipped.net, evaluators, *some, seed=SEED)["evaluator"]
for how in ("sampled", "mean"):
    value, low, high = (found[how][key] for key in ("value", "low", "high"))
    record(f"{MODEL}, read as spoken, {how}", value, f"{value:.1%} ({low:.1%} to {high:.1%})")

# %% [markdown] id="19c10f9e36"
# These are few recordings, and the intervals are wide.
# Five trainings on FSDD, each with another seed, say it more firmly.
# `python -m results.reproduce protocol` made these numbers.

# %% id="protocol" tags=["nbval-check-output"]
from a2d.lab import results

protocol = results("protocol")["recording"]
for how in ("untouched_sampled", "untouched_mean"):
    row = protocol[how]
    print(f"{how:<18}{row['mean']:.1%} +- {row['sd']:.1%} over {row['n']} seeds")
print(f"variety within a class, MNIST = 1: {protocol['diversity']['mean']:.2f}")

# %% [markdown] id="3f31c65953"
# Pictures from the mean latent are read as spoken more often.
# A sample wanders from the mean, sometimes across the border to another digit.
#
# Look down the columns of the figure.
# Where a sample looks different, it is mostly another digit, not another handwriting.
# The random targets were meant to bring variety; lecture 04 has shown why they do not.
#
# ### What has our recipe added?
#
# The report does not name its optimiser's settings.
# `report-plain` is the plainest reading, `report` the one that we use.

# %% id="recipes" tags=["nbval-check-output"]
plain = recipes.load("report-plain")
for table in ("model", "targets", "training"):
    for name, value in recipe.as_dict()[table].items():
        other = plain.as_dict()[table][name]
        if other != value:
            print(f"{table + '.' + name:<22}{other!s:>9} -> {value}")

# %% [markdown]
# - `warmup`: the share of the training in which the KL term's weight rises
# - `noise`: standard deviation of the noise on the standardised features
# - `draws`: so many random images are averaged for a target (lecture 04):
#   the objective stays the same, the target's variance is an eighth
# - `schedule`, `lr`, `batch_size`, `average`: as in section 4
# - `channels`: half as many maps, so an epoch takes less time
#
# We train `report-plain` live as well, for the same number of epochs.
# After a short training, the comparison mostly tells how fast they learn.

# %% id="plain"
drawings = []  # these belong to the other training
plainly = train(plain)
for name, told in {"report-plain": plainly, "report": series}.items():
    print(f"{name:<14}R {told['R'][-1]:.1f} nats, K {told['K'][-1]:.1f} nats, ", end="")
    print(f"read: ruler {told['ruler'][-1]:.0%}, evaluator {told['accuracy'][-1]:.0%}")

# %% [markdown]
# {question 5.5}

# %% [markdown] id="answer-5-5" tags=["answer"]
# {answer 5.5}

# %% [markdown]
# ## Quiz
#
# **Question 1.** Which layer turns 14 × 14 pixels into exactly 28 × 28?
#
# <details><summary>a) kernel 4, stride 2, padding 1</summary>
#
# Right: $13 \cdot 2 + 4 - 2 = 28$.
#
# </details>
# <details><summary>b) kernel 3, stride 2, padding 1</summary>
#
# No: $13 \cdot 2 + 3 - 2 = 27$; it would need an output padding of 1.
#
# </details>
# <details><summary>c) kernel 4, stride 2, padding 0</summary>
#
# No: $13 \cdot 2 + 4 = 30$; nothing is cut off.
#
# </details>

# %% [markdown]
# **Question 2.** Your decoder draws fine chessboard patterns. What do you change first?
#
# <details><summary>a) Train longer</summary>
#
# No: training works against the pattern, but the layer goes on producing it.
#
# </details>
# <details><summary>b) More latent dimensions</summary>
#
# No: the pattern comes from the layer's geometry, whatever the latent holds.
#
# </details>
# <details><summary>c) A kernel whose length the stride divides</summary>
#
# Right: then all inner pixels are reached equally often.
#
# </details>

# %% [markdown]
# **Question 3.** A loss of 160 nats per image: is that bad?
#
# <details><summary>a) Yes, a good model has a loss near 0</summary>
#
# No: the targets vary at random, and their entropy remains whatever the model does.
#
# </details>
# <details><summary>b) One must know the levels first</summary>
#
# Right: compare it with the best loss without the sound, and with the best of all.
#
# </details>
# <details><summary>c) No, since the accuracy is high</summary>
#
# No: the accuracy is another measure; a low one can go with the same loss.
#
# </details>

# %% [markdown]
# ## You can now
#
# - compute the encoder's output and its number of parameters by hand
# - compute a transposed convolution by hand, and say how large its output is
# - predict from kernel and stride whether a decoder tends to draw checkerboards
# - write a training loop, and say what each of its lines and settings does
# - read a training curve: what the loss can still gain, and when the accuracy begins to rise
#
# The formulas: $x' = C^\top y$, $n' = (n - 1) s + k - 2p + q$, $P = \sum_l (d_{l-1} + 1)\, d_l$,
# $L = \frac{1}{B} \sum_b [R_b + \beta K_b]$.
# Here $n'$ is the number of outputs; all other symbols are as above.

# %% [markdown] id="343ac930c6"
# ## What to read
#
# - V. Dumoulin, F. Visin (2016), "A guide to convolution arithmetic for deep learning", arXiv:1603.07285:
#   every size formula with pictures.
# - A. Odena, V. Dumoulin, C. Olah (2016), "Deconvolution and Checkerboard Artifacts", Distill,
#   doi:10.23915/distill.00003.
# - D. Kingma, J. Ba (2015), "Adam: A Method for Stochastic Optimization", arXiv:1412.6980.
# - I. Loshchilov, F. Hutter (2017), "SGDR: Stochastic Gradient Descent with Warm Restarts", arXiv:1608.03983:
#   the cosine.
# - B. Polyak, A. Juditsky (1992), "Acceleration of Stochastic Approximation by Averaging",
#   SIAM Journal on Control and Optimization 30.
# - `a2d/training.py`: the loop, with checkpoints and resuming.
#
# ## What comes next
#
# Lecture 06 asks who reads these pictures, and what the evaluator misreads.
