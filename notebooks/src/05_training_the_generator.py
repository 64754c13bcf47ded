# %% [markdown] id="1dbefe8bc6"
# # 05 Training the generator
#
# {badges}
#
# About 120 min, CPU, needs 03 and 04. It has two marked places to stop.
#
# Features, loss and targets are ready; what is missing is the network between them.
# We take its layers apart, you write the step that trains it, and with your step we train it.
# Then we learn to read what the curves say.

# %% [markdown]
# ## You will be able to
#
# - compute a transposed convolution by hand, and say how large its output is
# - say from kernel and stride whether a layer must draw checkerboards, and why it may where it need not
# - write a training step, and say what each of its lines and settings does
# - say what the best possible loss is, and read a training curve against it
# - tell from a curve what is wrong with a training
#
# ## Before you start
#
# You need the ELBO from lecture 03 and the random targets from lecture 04.
#
# ## Where we are
#
# sound → features → **encoder → latent → decoder → drawing** → evaluator → digit

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
# The report's encoder is an MLP, a multi-layer perceptron (lecture 02).
# It gets the features of one recording, its mean MFCCs, and gives a normal distribution over the latent.
#
# A *recipe* is a small file with all settings of a training.
# The one called `report-plain` adds nothing to the report; `report` is the improved one, which we train here.

# %% id="data" tags=["nbval-check-output"]
from a2d import datasets
from a2d.lab import recipes, runs

recipe = recipes.load("report")
recordings = runs.spoken_set(datasets.load_spoken(DATA), recipe.features, seed=SEED)
features, digits = recordings.part("train")
print("features of the training part:", tuple(features.shape))
print("hidden layers:", recipe.model.hidden, "latent:", recipe.model.latent)

# %% [markdown]
# The features $a$ are first standardised to $\tilde a$: mean 0, standard deviation 1, both taken from the training
# part (lecture 02).
#
# **What do you expect?** Without that, how many times more does the most restless of the 40 coefficients vary than the
# calmest one?
#
# - a) about twice, or
# - b) more than twenty times

# %% id="standardise"
import numpy as np

raw = features.numpy().astype(np.float64)
standardised = (raw - raw.mean(axis=0)) / raw.std(axis=0)

# %% id="scales-figure"
from a2d.figures import f05_training

show(f05_training.feature_scales(raw, standardised))

# %% [markdown] id="d9fee08fb9"
# A layer reacts first to what varies most: raw, one coefficient would dominate; standardised, all begin equal.

# %% [markdown]
# ### The layers
#
# Layer $\ell$ turns a list of $N_{\ell-1}$ numbers into a list of $N_\ell$ numbers:
#
# $$h_\ell = \max(0, W_\ell h_{\ell-1} + b_\ell)$$
#
# - $h_0$: the standardised features $\tilde a$; $h_\ell$: the output of layer $\ell$
# - $W_\ell$: its weights, a matrix of shape $(N_\ell, N_{\ell-1})$; $b_\ell$: its biases
#
# The last layer has no $\max$.
# Its output is cut into two halves: the mean $\mu$ of the latent, and $\ln \sigma^2$, the logarithm of its variance.
#
# `GeneratorTask` is what the package trains; here we need only its fresh model.

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
assert np.allclose(mu, vae.encode(features)[0].detach().numpy(), atol=1e-4)
print("shapes:", h1.shape, h2.shape, mu.shape, logvar.shape)

# %% [markdown]
# How many numbers does the encoder learn?
# Layer $\ell$ has $N_{\ell-1} N_\ell$ weights and $N_\ell$ biases, together $(N_{\ell-1} + 1)\, N_\ell$.
#
# **What do you expect?** Has the encoder a) fewer parameters than there are recordings in the training part, or
# b) more?

# %% id="count" tags=["nbval-check-output"]
from itertools import pairwise

widths = [40, 256, 256, 2 * 20]
by_layer = [(n_in + 1) * n_out for n_in, n_out in pairwise(widths)]
assert sum(by_layer) == sum(p.numel() for p in vae.encoder.parameters())
print("parameters by layer:", by_layer, "together:", sum(by_layer))
each = sum(by_layer) / len(digits)
print(f"{len(digits)} training recordings, {each:.0f} parameters for each")

# %% [markdown]
# So many that the encoder could learn every single recording by heart.
# Section 5 shows what happens when it has something to gain by that.

# %% [markdown]
# ## 2. How does a list of 20 numbers become a picture?
#
# The decoder has to go from few numbers to many pixels.
# It uses *transposed convolutions*.
# We begin with an ordinary convolution in one dimension, and write it as a matrix.
#
# - $h_i$: the inputs, $i = 0, \dots, N - 1$; $h'_o$: the outputs, $o = 0, 1, \dots$
# - $W$: the *kernel*, a short list of weights, in the code `w`
# - *stride*: how far the kernel moves from one output to the next
#
# $$h'_o = \sum_i h_i\, W[i - \text{stride} \cdot o]$$
#
# The sum goes over all $i$ for which the kernel has that place.
# Each output is a weighted sum, so all outputs together are a matrix times the inputs.
# Its row $o$ holds the kernel, from column $\text{stride} \cdot o$ on.

# %% id="matrix" tags=["nbval-check-output"]
from torch.nn import functional as F

kernel, stride, n = 4, 2, 8
w = np.array([1.0, 2.0, 3.0, 4.0])
matrix = np.zeros(((n - kernel) // stride + 1, n))
for o in range(len(matrix)):
    matrix[o, stride * o : stride * o + kernel] = w
x = np.random.default_rng(SEED).normal(size=n)


def batch_of_one(values):
    return torch.tensor(values, dtype=torch.float32)[None, None]


theirs = F.conv1d(batch_of_one(x), batch_of_one(w), stride=stride)[0, 0].numpy()
assert np.allclose(matrix @ x, theirs)
print("shape of the matrix:", matrix.shape)

# %% [markdown]
# The *transposed* convolution multiplies by the same matrix with rows and columns exchanged.
# Here it goes from 3 numbers to 8.
#
# **What do you expect?** If we apply the convolution to $x$ and then the transposed one, do we get $x$ back?
#
# - a) yes, it is the way back, or
# - b) no, only the length comes back

# %% id="transpose" tags=["nbval-check-output"]
y = np.array([1.0, 0.0, -1.0])
theirs = F.conv_transpose1d(batch_of_one(y), batch_of_one(w), stride=stride)[0, 0].numpy()
assert np.allclose(matrix.T @ y, theirs)
print("transposed convolution of 1, 0, -1:", matrix.T @ y)
print("x:               ", x.round(1))
print("there and back:  ", (matrix.T @ (matrix @ x)).round(1))

# %% id="matrix-figure"
show(f05_training.convolution_matrices(matrix))

# %% [markdown]
# So a convolution *gathers* and its transpose *scatters*.
# Read a column of the second matrix: an input writes a copy of the kernel, times its own value, into the output.
# Where two copies meet, they are added.
#
# Only the length comes back: "deconvolution" is a misleading name.
#
# You have met the transpose before: backpropagation sends gradients back through a convolution in this way.
# Compare the gradient below with the transposed convolution of 1, 0, -1 above.

# %% id="gradient" tags=["nbval-check-output"]
given = batch_of_one(x).requires_grad_()
out = F.conv1d(given, batch_of_one(w), stride=stride)
(out * batch_of_one(y)).sum().backward()
print("gradient in the inputs:", given.grad[0, 0].numpy())

# %% [markdown] id="53f4f0e1af"
# Two settings change the ends of the result.
#
# - *padding*: a convolution adds that many zeros at each end of its input.
#   Its transpose therefore cuts that many values off each end of its output.
# - *output padding*: that many values are added at the far end.
#   They are needed because a convolution with a stride gives one length for several input lengths.

# %% [markdown]
# {exercise 5.1}
#
# Write `output_size(n_in, kernel, stride, padding, output_padding)`.
#
# - In: the number of inputs, the kernel's length, stride, padding and output padding, all whole numbers.
# - Out: the number of outputs of the transposed convolution.
#
# For an ordinary convolution the number of outputs is
# $\lfloor (N + 2\,\text{padding} - \text{kernel}) / \text{stride} \rfloor + 1$.
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
# Which layers double every size?
# Your function says it: we try kernels up to 6, at stride 2.

# %% id="doublers" tags=["nbval-check-output"]
size = a2d.mine("5.1")
print("these double every size (kernel, padding, output padding):")
for kernel in range(2, 7):
    for padding in range(kernel // 2 + 1):
        for more in (0, 1):
            if all(size(n, kernel, 2, padding, more) == 2 * n for n in (5, 7, 14)):
                print(f"  {kernel}, {padding}, {more}")

# %% [markdown]
# {exercise 5.2}
#
# Write `conv_transpose(x, w, stride, padding)`, without a matrix.
#
# - In: the inputs `x`, an array of $N$ numbers $h_i$; the kernel `w`; stride and padding.
#   There is no output padding.
# - Out: an array of $(N - 1)\,\text{stride} + \text{kernel} - 2\,\text{padding}$ numbers.
#
# $$h'_o = \sum_i h_i\, W[o + \text{padding} - \text{stride} \cdot i]$$
#
# - the sum goes over all $i$ for which the kernel has that place
#
# Two points are for padding 0, two for padding above 0.
#
# {hints 5.2}
#
# <details><summary>It passes the first cases but fails others?</summary>
#
# With one input no copies of the kernel meet, and with a kernel no longer than the stride neither.
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
# Now your layer draws.
# We shrink one image of each digit to a coarse plan of 7 × 7, and let your function double it twice, along the
# rows and then along the columns.
#
# **What do you expect?** All weights of a kernel are equal here. Which kernel draws a pattern that was not in the plan?
#
# - a) the one of length 3, or
# - b) the one of length 4

# %% id="double"
spread = a2d.mine("5.2")


def double(picture, w):
    rows = np.stack([spread(row, w, 2, 1) for row in picture])
    return np.stack([spread(column, w, 2, 1) for column in rows.T]).T


some = np.stack([images.pixels[images.labels == c][0] / 255 for c in range(10)])
plans = some.reshape(10, 7, 4, 7, 4).mean(axis=(2, 4))
drawn = {"image": some, "plan": plans.repeat(4, axis=1).repeat(4, axis=2)}
for w in (np.array([1, 1, 1]) / 2, np.array([1, 1, 1, 1]) / 2, np.array([1, 3, 3, 1]) / 4):
    twice = np.stack([double(double(plan, w), w) for plan in plans])
    name = "kernel " + " ".join(f"{weight:.0f}" for weight in w / w[0])
    drawn[name] = np.pad(twice, [(0, 0)] + [(0, 28 - twice.shape[1])] * 2).clip(0, 1)

# %% id="double-figure"
show(f05_training.digit_rows(drawn, range(10)))

# %% [markdown]
# The kernel 1 1 1 covers the digits with a grid.
# Section 3 asks where it comes from.
# The kernel 1 3 3 1 draws the smoothest lines: it mixes two neighbours in the proportions of their distances.
# A decoder is not told such a kernel; it has to learn its weights.
#
# ### The decoder, shape by shape
#
# In two dimensions each input pixel writes a small square picture.
# With several maps (*channels*), each pair of an input map and an output map has its own kernel.
# The results are added.
#
# The decoder has one fully-connected layer and two such layers with kernel 4, stride 2 and padding 1.
# We walk through it, with a latent of zeros.

# %% id="decoder-by-hand" tags=["nbval-check-output"]
decoder, z = vae.decoder, torch.zeros(1, 20)
maps7 = F.relu(decoder.fc(z)).view(1, 16, 7, 7)
maps14 = F.relu(decoder.up1(maps7))
logits = decoder.up2(maps14)[:, 0]
for name, result in {"maps": maps7, "larger": maps14, "logits": logits}.items():
    print(f"{name:<7}{tuple(result.shape[1:])}")
assert torch.allclose(logits.sigmoid(), vae.decode(z))
by_hand = [(20 + 1) * 16 * 7 * 7, 16 * 8 * 4**2 + 8, 8 * 1 * 4**2 + 1]
assert by_hand == [sum(p.numel() for p in m.parameters()) for m in decoder.children()]
print("parameters by layer:", by_hand)

# %% [markdown]
# - the *logit* of a pixel is $\ln(y / (1 - y))$, where $y$ is the pixel's brightness, from 0 to 1
#
# The two layers that draw need few parameters, because one kernel serves every place of the picture.
# Nearly all parameters are in the first layer, which lays out the coarse 7 × 7 plan.
#
# ## 3. Where do checkerboards come from?
#
# The grid above has a reason in arithmetic: kernels that overlap unevenly.
# The *overlap count* of an output is the number of inputs that reach it.
#
# Inputs come every stride and each covers a kernel, so kernel / stride of them reach an output on average.
# If the stride divides the kernel's length, all inner outputs get exactly that many.
# If not, some get more than others: with kernel 3 and stride 2 it is 1, 2, 1, 2, ...

# %% [markdown]
# {exercise 5.3}
#
# Write `overlaps(n_in, kernel, stride, padding)`.
#
# - In: the number of inputs, the kernel's length, stride and padding.
# - Out: the overlap counts of all outputs, an array of
#   $(N - 1)\,\text{stride} + \text{kernel} - 2\,\text{padding}$ whole numbers.
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
# In two dimensions a pixel's count is the product of its row's count and its column's count.
#
# A third way to double a size is *resize, then convolve*: repeat each pixel twice in both directions, then apply an
# ordinary convolution with kernel 3 and padding 1.
# There each inner pixel is reached by all 9 weights.

# %% id="overlap-maps" tags=["nbval-check-output"]
reach = a2d.mine("5.3")
counts = {}
for kernel in (3, 4):
    row = reach(14, kernel, 2, 1)
    counts[f"kernel {kernel}, stride 2"] = np.outer(row, row)
resized = F.interpolate(torch.ones(1, 1, 14, 14), scale_factor=2)
counts["resize, kernel 3"] = F.conv2d(resized, torch.ones(1, 1, 3, 3), padding=1)[0, 0].numpy()
for name, found in counts.items():
    print(f"{name}: one row of counts {found[5, 4:12].astype(int)}")

# %% id="overlap-figure"
show(f05_training.checkerboards(counts, "weights that reach a pixel"))

# %% [markdown]
# Does an uneven count show in a picture?
# Suppose that inputs and weights are independent with mean 0.
# Then the variance of a sum is the sum of the variances:
#
# $$\mathbb{E}[h'^2_o] = \text{count}_o\, \mathbb{E}[W^2]\, \mathbb{E}[h^2]$$
#
# - $h$, $W$, $h'_o$: one input of a single map, one weight, the output at pixel $o$; $\mathbb{E}$: the mean over
#   random weights and inputs
#
# So a pixel that is reached 4 times is twice as strong, by standard deviation, as one that is reached once.
# We check with random kernels on random inputs, all of variance 1.

# %% id="power" tags=["nbval-check-output"]
rng = torch.Generator().manual_seed(SEED)
many, found = 8000, {}
inputs = torch.randn(1, many, 14, 14, generator=rng)
for name, kernel in {"kernel 3, stride 2": 3, "kernel 4, stride 2": 4}.items():
    kernels = torch.randn(many, 1, kernel, kernel, generator=rng)
    found[name] = F.conv_transpose2d(inputs, kernels, stride=2, padding=1, groups=many)
kernels = torch.randn(many, 1, 3, 3, generator=rng)
twice = F.interpolate(inputs, scale_factor=2)
found["resize, kernel 3"] = F.conv2d(twice, kernels, padding=1, groups=many)
for name, h in found.items():
    ratio = (h[0].square().mean(0).numpy() / counts[name])[4:-4, 4:-4]
    print(f"{name}: mean of h'^2 over count is {ratio.mean():.1f}, spread {ratio.std():.1f}")

# %% [markdown]
# With kernel 3 the pattern is there *on average over all networks*, before the first step of any training.
# With kernel 4 it is not.
# But we never train the average of all networks.
# So we take *one* fresh layer of each kind, and give it the flattest input that there is: all ones.
#
# **What do you expect?** Is the output of the layer with kernel 4
#
# - a) flat, as its counts are, or
# - b) a pattern all the same

# %% id="untrained"
with torch.random.fork_rng(devices=[]), torch.no_grad():
    torch.manual_seed(SEED)
    flat, nn = torch.ones(1, 1, 14, 14), torch.nn
    twofold = nn.Upsample(scale_factor=2)
    layers = {
        "kernel 3, stride 2": nn.ConvTranspose2d(1, 1, 3, 2, padding=1, output_padding=1),
        "kernel 4, stride 2": nn.ConvTranspose2d(1, 1, 4, 2, padding=1),
        "resize, kernel 3": nn.Sequential(twofold, nn.Conv2d(1, 1, 3, padding=1)),
    }
    single = {name: layer(flat)[0, 0].sigmoid().numpy() for name, layer in layers.items()}

# %% id="untrained-figure"
show(f05_training.checkerboards(single, "brightness"))

# %% [markdown]
# A pixel with even or odd row and with even or odd column: these are 4 *phases*.
# With kernel 4 each phase has as many weights as the others, but it has its *own* 4 of the 16 weights, and their sum
# is another one.
# So even counts are necessary for a flat picture, and not sufficient; training has to make the 4 sums equal.
# With resize-then-convolve all phases share the same 9 weights, and the inner output is exactly flat.
#
# That is also what [Odena and others (2016)](https://distill.pub/2016/deconv-checkerboard/) say: a divisible kernel
# helps, but it is easy for such a layer to fall into artifacts, and resizing first avoids them.
# Our decoder keeps kernel 4.
# Watch its drawings after the *first* epoch of training in section 5.
#
# ### A good place to stop
#
# You have taken the generator apart.
# After the pause you train it.

# %% [markdown]
# ## 4. What happens in one step of training?
#
# One step takes a *batch*: some recordings, and for each a target, a random image of the same class (lecture 04).
# The loss is, in nats per image, with sums over pixels and latent dimensions and the mean over the batch:
#
# $$\mathcal{L} = \frac1N \sum_{i=1}^{N} \left[ \text{reconstruction}_i + \beta\, \mathrm{KL}_i \right]$$
#
# - $\mathcal{L}$: the loss; $N$: the number of recordings in the batch, here called $i$
# - reconstruction: the binary cross-entropy of drawing and target; KL: the divergence from the prior (lecture 03)
# - $\beta$: the weight of the KL term
#
# Here are the two terms, one number for each recording.


# %% id="loss" tags=["nbval-check-output"]
def kl_of(mu, logvar):
    return 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1)


def cross_entropy(output, target, mu, logvar):
    bce = F.binary_cross_entropy_with_logits(output, target, reduction="none").sum((1, 2))
    return bce, kl_of(mu, logvar)


rng = torch.Generator().manual_seed(SEED)
class_means = targets.means()
t = targets.random(digits[:32], rng, draws=8)
with torch.no_grad():
    given = vae(features[:32], rng)
    bce, kl = cross_entropy(given[0], t, *given[1:])
print("terms for each recording:", tuple(bce.shape), tuple(kl.shape))
print(f"a fresh network's reconstruction term: {bce.mean():.0f} nats")
print(f"all pixels one half, 784 ln 2:         {784 * np.log(2):.0f} nats")

# %% [markdown] id="1deca420bd"
# A fresh network's logits are small, so its pixels are near one half.
# Then its first loss must be of the size of $784 \ln 2$, against any target: a check for every new training.
#
# Ours is higher.
# One number does most of that: the bias of the last layer, a logit that begins at random.

# %% id="first-bias" tags=["nbval-check-output"]
bias, ink = vae.decoder.up2.bias.item(), class_means.mean().item()


def grey_cost(logit):
    """Cross-entropy of a picture with one logit everywhere, in nats per image."""
    return 784 * (np.log1p(np.exp(logit)) - ink * logit)


best = np.log(ink / (1 - ink))
print(f"all pixels at the last layer's bias, {bias:+.2f}: {grey_cost(bias):.0f} nats")
print(f"all at the share of ink, logit {best:+.2f}:   {grey_cost(best):.0f} nats")

# %% [markdown]
# Setting that bias to the logit of the ink would save the first steps of the training.
# A few dozen steps learn it as well, and we leave it.
#
# ### How far does a step go?
#
# A step computes the gradient of the loss with respect to every parameter (`backward`), and moves every parameter a
# little against its gradient (`step`).
# How far it goes is the *learning rate* $\eta$.
# The optimizer Adam scales it for each parameter: it divides a gradient by its own recent size.
#
# **What do you expect?** With a rate of 0.01, how far does Adam move a parameter in its very *first* step?
#
# - a) those with large gradients far, most hardly at all, or
# - b) nearly all by the same 0.01

# %% id="first-step" tags=["nbval-check-output"]
task = GeneratorTask(recipe, features, digits, targets, seed=SEED)
before = [p.detach().clone() for p in task.model.parameters()]
adam = torch.optim.Adam(task.model.parameters(), lr=0.01)
task.loss(torch.arange(32), torch.Generator().manual_seed(SEED), 0.0)[0].backward()
adam.step()
pairs = zip(task.model.parameters(), before, strict=True)
moved = torch.cat([(p - q).abs().flatten() for p, q in pairs])
share = (moved > 0.0099).float().mean()
print(f"farthest move: {moved.max():.3f}; share that moved nearly as far: {share:.1f}")

# %% [markdown]
# One batch is a poor reason to move everything so far.
# So the rate begins small (*warm-up*).
# Later it falls along a cosine: large steps find the way, small ones let the noise settle.

# %% [markdown]
# {exercise 5.4}
#
# Write `rate(step, total, rise, highest)`, the learning rate at a step.
#
# - In: the step $\tau = 0, 1, \dots$; `total`, the number of steps; `rise`, the number of warm-up steps; the highest
#   rate $\eta$.
# - Out: the rate $\eta_\tau$, a number.
#
# $$\eta_\tau = \begin{cases} \eta\, (\tau + 1) / \text{rise} & \tau < \text{rise} \\
# \frac{\eta}{2} \left( 1 + \cos \pi \frac{\tau - \text{rise}}{\text{total} - \text{rise}} \right)
# & \tau \ge \text{rise} \end{cases}$$
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
# The weight of the KL term has a warm-up, too.
# It rises in a line up to $\beta$ and then stays there; our recipe lets it rise during half of the training.
# The idea is S. Bowman's (see the end): with its full weight from the start, the decoder could learn to do without the
# latent, the posterior collapse of lecture 03.
# Whether it helps *us* is measured in section 5.
#
# We draw both for the training that comes, 60 epochs.
# An *epoch* is one pass over all recordings in a new random order.

# %% id="schedules" tags=["nbval-check-output"]
rate_of = a2d.mine("5.4")
EPOCHS, BATCH, WARMUP = 60, recipe.training.batch_size, recipe.model.warmup
steps = -(-len(digits) // BATCH)
total = EPOCHS * steps
rates = [rate_of(t, total, total // 10, recipe.training.lr) for t in range(total)]
betas = [min(1.0, t / total / WARMUP) for t in range(total)]
print(f"{steps} steps in each of {EPOCHS} epochs, {BATCH} recordings in a batch")

# %% id="schedules-figure"
show(f05_training.schedules(rates, betas))

# %% [markdown] id="6baf028c71"
# ### What can the loss come down to?
#
# To say whether a loss is good, one must know what the best possible loss is.
# The *entropy* of a picture $x$, in nats, is
#
# $$\text{entropy}(x) = -\sum_{u=1}^{784} \left[ x_u \ln x_u + (1 - x_u) \ln (1 - x_u) \right]$$
#
# - $x_u$: the brightness of pixel $u$, from 0 to 1
#
# Lecture 04: the best drawing against random targets is their mean, and its cross-entropy is the entropy of that mean.
# So there are two levels:
#
# - the *upper level*, $\text{entropy}(\bar x)$: the best reconstruction term of a generator that ignores the sound
# - the *floor*, $\sum_c p(c)\, \text{entropy}(\bar x_c)$: the best of all
#
# Here $\bar x_c$ is the class mean, $p(c)$ the share of class $c$ in the recordings, and $\bar x$ the mean of all,
# $\sum_c p(c)\, \bar x_c$.


# %% id="levels" tags=["nbval-check-output"]
def entropy(x):
    return -(torch.xlogy(x, x) + torch.xlogy(1 - x, 1 - x)).sum((-2, -1))


def levels_of(classes):
    p = torch.bincount(classes, minlength=10) / len(classes)
    mean_of_all = (p[:, None, None] * class_means).sum(0)
    floor = (p * entropy(class_means)).sum()
    return {"upper level": entropy(mean_of_all).item(), "floor": floor.item()}


m_val, c_val = recordings.part("val")
if FAST:
    m_val, c_val = m_val[:200], c_val[:200]
levels = levels_of(c_val)
print({name: round(value, 1) for name, value in levels.items()})
worth = levels["upper level"] - levels["floor"]
print(f"knowing the class is worth {worth:.1f} nats per image")

# %% [markdown]
# All that tells the digits apart lies in the few dozen nats between the two levels.
# The way from the first loss down to the upper level is many times as long.
# For MNIST the two levels are others, and we keep them: the shipped models were trained on it.

# %% id="mnist-levels" tags=["nbval-check-output"]
from a2d.lab import results

# Of MNIST's training images; each digit is spoken equally often, as in FSDD.
MNIST_LEVELS = {"upper level": 206.8, "floor": 174.2}
if DATA == "fsdd":
    own = levels_of(digits)
    assert all(abs(own[name] - value) < 0.5 for name, value in MNIST_LEVELS.items())
found = results("targets")
assert round(found["floor"]["reconstruction_bernoulli"], 1) == 174.2
hers, yours = (found["rules"][rule]["numbers"] for rule in ("fixed", "random"))
ends = [round(one["reconstruction_train"]["mean"], 1) for one in (yours, hers)]
reads = [round(100 * one["accuracy_sampled"]["mean"]) for one in (yours, hers)]
assert ends == [179.7, 155.6]  # in the next question, and so are these:
assert reads == [70, 74]
print("MNIST:", MNIST_LEVELS)

# %% [markdown]
# {question 5.5}

# %% [markdown] id="answer-5-5" tags=["answer"]
# {answer 5.5}

# %% [markdown]
# ### The step is yours
#
# Now everything is there, and you write what all of this was for.
# Two things need care:
#
# - `backward` *adds* its gradient to what is there already.
#   So the old gradient has to be forgotten in each step (`zero_grad`).
# - In *train mode* the model puts a little noise on the standardised features, so that it cannot know recordings by
#   heart.
#   After each epoch it is looked at in *eval mode*, without noise, and it stays in that mode until somebody changes it.
#
# All random numbers of an epoch come from one random generator, `rng`.
# Its seed is made of the run's seed and the epoch's number, so an interrupted run can go on with the same numbers.

# %% [markdown]
# {exercise 5.6}
#
# Write `train_one_step(vae, optimizer, cost, pair, beta, rng)`.
#
# - In: the model; its optimizer; a function `cost` such as `cross_entropy` above; `pair`, the batch: features of
#   shape $(N, 40)$ and targets of shape $(N, 28, 28)$; the weight of the KL term; a random generator.
#   - `vae(features, rng)` gives the decoder's output, `mu` and `logvar`.
#   - `cost(output, target, mu, logvar)` gives the reconstruction terms and the KL terms, each of shape $(N,)$.
# - What it does: one step, in train mode, on the loss $\mathcal{L}$ above.
#   No older gradient takes part.
# - Out: the loss of this batch, a number.
#
# The rate is set in the loop around it.
# It is checked on a small model: are its weights, after some steps, what they should be?
#
# One point is for one step, two for several steps.
#
# {hints 5.6}


# %% id="step-names"
from collections.abc import Callable

from torch import Generator
from torch.nn import Module
from torch.optim import Optimizer


# %% id="exercise-5-6"
def train_one_step(
    vae: Module, optimizer: Optimizer, cost: Callable, pair: tuple, beta: float, rng: Generator
) -> float:
    """Move the model's weights once against the gradient of the loss, and return the loss."""
    # SOLUTION BEGIN
    features, target = pair
    vae.train()
    optimizer.zero_grad()
    output, mu, logvar = vae(features, rng)
    reconstruction, kl = cost(output, target, mu, logvar)
    loss = (reconstruction + beta * kl).mean()
    loss.backward()
    optimizer.step()
    return loss.item()
    # SOLUTION END


# %% id="check-5-6"
a2d.check("5.6", train_one_step)

# %% [markdown]
# Around it stands the loop: epochs, batches, the rate, the weight of the KL term.
# Nothing is hidden in it.
# `noted` keeps the two terms of each step, for the curves.


# %% id="loop"
step_of = a2d.mine("5.6")


def train(vae, heard, target, epochs, highest, cost=cross_entropy, look=None):
    """Train with your step; the mean terms of each epoch, shape (epochs, 2)."""
    adam = torch.optim.Adam(vae.parameters(), highest, fused=True)
    total, log = epochs * -(-len(heard) // BATCH), []
    noted = noting(cost, log)
    for epoch in range(epochs):
        rng = torch.Generator().manual_seed(training.epoch_seed(SEED, epoch))
        for batch in torch.randperm(len(heard), generator=rng).split(BATCH):
            adam.param_groups[0]["lr"] = rate_of(len(log), total, total // 10, highest)
            beta = min(1.0, len(log) / total / WARMUP)
            step_of(vae, adam, noted, (heard[batch], target(batch, rng)), beta, rng)
        if look is not None:
            look(vae, rng)
    return np.array(log).reshape(epochs, -1, 2).mean(axis=1)


# %% id="loop-parts"
from a2d import training


def noting(cost, log):
    def noted(*given):
        both = cost(*given)
        log.append([one.mean().item() for one in both])
        return both

    return noted


def fresh():
    return GeneratorTask(recipe, features, digits, targets, seed=SEED).model


def random_targets(batch, rng):
    return targets.random(digits[batch], rng, recipe.targets.draws)


# %% [markdown]
# ### A good place to stop
#
# After the pause your step trains the generator.
# (If you restart the notebook then, run all cells up to here again, or use *Run all above*.)

# %% [markdown] id="42928bd2ce"
# ## 5. What do the curves say, and what the pictures?
#
# After each epoch we look: the validation recordings, which are not trained on, are drawn with sampled latents.
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


def nearest_mean(pictures):
    return (pictures[:, None] - class_means).square().sum((2, 3)).argmin(1)


own = datasets.load_images(runs.images_for(DATA, None), "test")
pixels, labels = torch.tensor(own.pixels[:1000]) / 255, own.labels[:1000]
by_evaluator = read(evaluator, pixels).digits == labels
by_ruler = nearest_mean(pixels).numpy() == labels
print(f"handwriting read right: evaluator {by_evaluator.mean():.0%}", end=", ")
print(f"ruler {by_ruler.mean():.0%}")

# %% [markdown]
# The cross-entropy is linear in its target (lecture 04).
# So its mean over random targets is its value against the class mean, and we can take that instead of drawing.


# %% id="watched"
from a2d.vae import bernoulli_nll, kl_divergence, reparameterise

first = torch.tensor([int((c_val == c).nonzero()[0, 0]) for c in range(10)])


def watching(log):
    @torch.no_grad()
    def look(vae, rng):
        mu, logvar = vae.eval().encode(m_val)
        output = vae.decoder(reparameterise(mu, logvar, rng))
        row = {"R": bernoulli_nll(output, class_means[c_val]), "K": kl_divergence(mu, logvar)}
        row["ruler"] = (nearest_mean(output.sigmoid()) == c_val).float()
        row["evaluator"] = torch.tensor(read(evaluator, output.sigmoid()).digits) == c_val
        for name, values in row.items():
            log.setdefault(name, []).append(values.float().mean().item())
        log.setdefault("drawings", []).append(vae.draw(m_val[first]).numpy())

    return look


# %% [markdown]
# Now train: half a minute on one core.
#
# **What do you expect?** When will the loss *look* finished, and when will the drawings be read?
#
# - a) both at the same time, or
# - b) the loss looks finished after a few epochs, and the accuracy goes on rising for dozens

# %% id="train"
generator, seen = fresh(), {}
settings = features, random_targets, EPOCHS, recipe.training.lr
curve = train(generator, *settings, look=watching(seen))
print("first and last epoch, in nats per image:")
for name, values in zip(("reconstruction", "KL"), curve.T, strict=True):
    print(f"{name}: {values[0]:.0f}, {values[-1]:.1f}")

# %% id="terms-figure"
from a2d import figures

terms = {"reconstruction": curve[:, 0], "kl": curve[:, 1]}
terms |= {"validation_reconstruction": seen["R"], "validation_kl": seen["K"]}
show(figures.loss_terms(terms))

# %% id="levels-figure"
read_as = {"evaluator": seen["evaluator"], "nearest class mean": seen["ruler"]}
show(f05_training.loss_and_accuracy(seen["R"], read_as, levels))

# %% [markdown] id="272b9096bf"
# The upper figure looks flat after a few epochs; between its two levels, the same curve falls to the end.
#
# 1. The great fall at the beginning brings the mean of all digits.
#    That needs no sound.
# 2. Once the loss is below the upper level, the drawings must depend on the sound.
#    There the accuracy begins to rise.
# 3. The accuracy counts drawings that have crossed the border to the right digit.
#    Each recording crosses it at another time, so the share rises gradually.
#
# Validation may lie below training: it has no noise on the features, and comes at the end of its epoch.
#
# The two classifiers see the same drawings and do not agree.
# Lecture 06 asks why.

# %% id="record-levels"
from a2d.lab import record

# `record` prints a number, and marks it for the summary that `make course` writes.
share = seen["ruler"][-1]
record("what the class is worth, nats per image", worth, f"{worth:.1f} nats")
record(f"read by the nearest mean, {EPOCHS} epochs", share, f"{share:.0%}")

# %% [markdown]
# The same ten recordings after several epochs, drawn with the latent's mean.
# Look at the first row closely.

# %% id="epochs-figure"
chosen = [1, 2, 3, 5, 10, 20, EPOCHS]
then = np.stack([seen["drawings"][epoch - 1] for epoch in chosen])
show(f05_training.drawings_by_epoch(then, chosen, range(10)))

# %% id="fine-pattern"
fine = f05_training.fine_pattern(then).mean(axis=1)
print("share of a drawing's power in patterns that repeat every two pixels:")
for epoch, value in zip(chosen[:4], fine, strict=False):
    print(f"  epoch {epoch}: {value:.2%}")
print(f"  images:  {f05_training.fine_pattern(some).mean():.2%}")

# %% id="fine-pattern-falls" tags=["nbval-check-output"]
print("epoch 1 against epoch 2:", "far more" if fine[0] > 4 * fine[1] else "no great fall")

# %% [markdown] id="508ac715ee"
# After epoch 1 all ten are the same blot, and the blot has a grid of two pixels: that is the checkerboard of section 3,
# drawn by kernel 4 with stride 2.
# One epoch later nearly all of it is gone.
# The decoder has learned weights whose phases agree.
# Then one digit after the other comes out of the blot.
#
# ### The long run
#
# The shipped model `report` was trained for 60 epochs, on real recordings (FSDD) and MNIST.
# Its card holds its history, so we can draw it between MNIST's levels.

# %% id="real-levels"
card = models.card("report")
past = card["history"]
print(card["command"])
read_as = {"evaluator": past["accuracy"]}
show(f05_training.loss_and_accuracy(past["reconstruction"], read_as, MNIST_LEVELS))

# %% [markdown] id="7126a19af6"
# The report says that its accuracy "rises gradually" and ends at 82.29 %, on the test set, by its *fine-tuned*
# evaluator.
# `report-plain` was measured in the same way: five seeds on which nothing was chosen, 450 test recordings each, one
# sampled drawing of each, read by one evaluator before and after its fine-tuning on 100 drawings (lecture 07).

# %% id="real-run" tags=["nbval-check-output"]
protocol = results("protocol")
by_seed = protocol["while_training"]["by_seed"]
print("report-plain, test recordings read as spoken, mean +- SD over five seeds")
print("epoch   untouched       fine-tuned")
for n, epoch in enumerate(protocol["while_training"]["epochs"]):
    told = [np.array([row[key][n] for row in by_seed]) for key in ("untouched", "finetuned")]
    print(f"{epoch:>5}", *(f"{v.mean():>8.1%} +- {v.std(ddof=1):.1%}" for v in told))
assert told[1].mean() > told[0].mean() > 0.5

# %% [markdown]
# It does rise gradually, and in the end the fine-tuned evaluator reads more than the untouched one.
# The two 82.29 % and ours are not of the same recordings (Audio-MNIST there, FSDD here); lecture 08 compares them.
#
# ### A sample, or the mean?
#
# To draw, one can take the latent's mean $\mu$, or a sample $z = \mu + \sigma \epsilon$.
#
# - $\sigma$: the standard deviation of the latent; $\epsilon$: a standard normal random number
#
# Training has seen samples only.
# We look at a shipped model and its own test part; each column is one recording.
#
# **What do you expect?** Where a sample differs from the mean, is it
#
# - a) another handwriting of the same digit, or
# - b) mostly a step towards another digit

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
by_mean = read(evaluator, shipped.net.draw(ten)).digits
print('the row "mean" is read as:', *by_mean)

# %% [markdown]
# Look down the columns: where a sample looks different, it is mostly on its way to another digit.
# The random targets were meant to bring variety; lecture 04 has shown why they do not.
# Where even the mean is misread, the encoder has put the recording among those of another digit.
#
# Is such a recording unclear to you as well?
# We take the test recording that is read differently most often, out of 20 samples, and listen.

# %% id="listen"
from IPython.display import Audio

from a2d import audio

n = 150 if FAST else len(c_test)
rng = torch.Generator().manual_seed(SEED)
drawings = [shipped.net.draw(m_test[:n], rng) for _ in range(20)]
readings = np.stack([read(evaluator, drawing).digits for drawing in drawings])
tables = [np.bincount(column, minlength=10) for column in readings.T]
most = int(np.argmin([max(table) for table in tables]))
told = [f"{digit} ({times} times)" for digit, times in enumerate(tables[most]) if times]
print(f"spoken: {c_test[most]}; read: {', '.join(told)}")
clip = audio.load(recordings.data.recordings[its_own.split.test[most]].path)
Audio(clip.samples, rate=clip.rate)

# %% id="sampled-and-mean"
evaluators, part = {"evaluator": evaluator}, (m_test[:n], c_test[:n])
found = runs.read_drawings(shipped.net, evaluators, *part, seed=SEED)["evaluator"]
for how in ("sampled", "mean"):
    value, low, high = (found[how][key] for key in ("value", "low", "high"))
    record(f"{MODEL}, read as spoken, {how}", value, f"{value:.1%} ({low:.1%} to {high:.1%})")

# %% [markdown] id="19c10f9e36"
# "sampled" is the mean over five drawings of each recording.
# The intervals hold for other recordings of the same speakers, read by this evaluator.
# They are wide; five fresh seeds on FSDD say it more firmly (`python -m results.reproduce protocol`).
# Each seed gives both numbers for the same recordings, so we compare within the seed.

# %% id="protocol" tags=["nbval-check-output"]
from scipy import stats

row = protocol["report"]["recording"]
both = {how: row[f"evaluator_untouched_{how}"] for how in ("sampled", "mean")}
for how, found in both.items():
    print(f"{how:<8}{found['mean']:.1%} +- {found['sd']:.1%} (SD over {found['n']} seeds)")
gain = np.subtract(*(both[how]["values"] for how in ("mean", "sampled")))
half = stats.t.ppf(0.975, len(gain) - 1) * gain.std(ddof=1) / np.sqrt(len(gain))
verdict = "the mean is read more often" if gain.mean() > half else "that may be chance"
print(f"mean less sampled: {100 * gain.mean():+.1f} +- {100 * half:.1f} points: {verdict}")
print("variety, handwriting = 1:", f"{row['pixel_diversity']['mean']:.2f} in pixels,", end=" ")
print(f"{row['diversity']['mean']:.2f} in the evaluator's features")

# %% [markdown] id="3f31c65953"
# ### What have our additions brought?
#
# The report does not name its settings.
# `report-plain` is the plainest reading; `report` has additions.

# %% id="recipes" tags=["nbval-check-output"]
plain = recipes.load("report-plain")
for table in ("model", "targets", "training"):
    for name, value in recipe.as_dict()[table].items():
        other = plain.as_dict()[table][name]
        if other != value:
            print(f"{table + '.' + name:<22}{other!s:>9} -> {value}")

# %% [markdown]
# - `noise`: standard deviation of the noise on the standardised features
# - `warmup`: the share of the training in which the KL term's weight rises
# - `draws`: how many random images are averaged for a target (lecture 04)
# - `schedule`, `lr`, `batch_size`: the learning rate of section 4, five times as high in `report` as in the row
#   "lower rate" below; `channels`: half as many maps, so an epoch takes less time
# - `average`: after each step a moving average of all weights is updated, and the average draws.
#   (B. Polyak and A. Juditsky averaged uniformly; a fixed decay per step forgets the old weights.)
#
# **What do you expect?** One addition at a time is taken away.
# Which of these five costs *nothing* when it is missing: the noise, the KL warm-up, the averaged weights, the 8 draws,
# the high rate?
# Write down your guess, then look.

# %% id="choice-figure"
from a2d.figures import f07_annotation

choice = results("choice")
rows = {}
for name, found in choice["against_report"].items():
    sd, n = found["sd"], found["n"]
    half = stats.t.ppf(0.975, n - 1) * sd / np.sqrt(n)
    rows[name] = found["mean"], found["mean"] - half, found["mean"] + half
show(f07_annotation.differences(rows))

# %% id="choice"
print("validation recordings, sampled; seeds", choice["seeds"])
verdicts = {1: "is better without it", -1: "needs it", 0: "is not known to need it"}
for name, (value, low, high) in rows.items():
    if ", " in name:
        verdict = verdicts[int(low > 0) - int(high < 0)]
        print(f"{name.partition(', ')[2]}: {100 * value:+.1f} points; report {verdict}")
assert max(map(abs, rows["report, no averaged weights"])) < 0.01

# %% [markdown]
# Each row is the difference to `report` with the same seed, over five seeds; the interval is Student's, over seeds.
# An addition whose interval holds zero may still help a little: five seeds cannot tell.
# But where all five differences are tiny, there is nothing to find.
# That is the case with the averaged weights, so our loop above leaves them out.
#
# All choices were made on validation recordings; the test parts stayed shut.
#
# ### Another loss: one line
#
# Cross-entropy asks for the mean of the targets, and means are grey.
# The *absolute error* asks for their median, which is nearly black and white (lecture 04).
# Your step takes the cost as an argument, so we change one line, and train for half as many epochs.


# %% id="absolute"
def absolute(output, target, mu, logvar):
    far = 3 * (output.sigmoid() - target).abs().sum((1, 2))  # scale 1/3
    return far, kl_of(mu, logvar)


def one_target(batch, rng):
    return targets.random(digits[batch], rng)  # its median, not the median of means


sharp, seen_sharp = fresh(), {}
settings = features, one_target, EPOCHS // 2, recipe.training.lr
train(sharp, *settings, cost=absolute, look=watching(seen_sharp))
pairs = {"cross-entropy": generator, "absolute error": sharp}
drawn = {name: net.draw(m_val[first]).numpy() for name, net in pairs.items()}

# %% id="absolute-figure"
show(f05_training.digit_rows({**drawn, "images": some}, range(10)))

# %% id="objectives" tags=["nbval-check-output"]
found = results("objectives")
print("recipe report, FSDD and MNIST, five fresh seeds; untouched evaluator, sampled")
for name in ("cross-entropy", "absolute error"):
    row = {key: entry["mean"] for key, entry in found["rows"][name].items()}
    print(f"{name}: read {row['evaluator_sampled']:.1%}", end=", ")
    print(f"greyness {row['greyness']:.3f}, variety in pixels {row['pixel_diversity']:.2f}")
print(f"MNIST: greyness {found['mnist']['greyness']:.3f}, variety 1")
assert row["greyness"] < 2 * found["mnist"]["greyness"]
assert row["pixel_diversity"] < 0.5

# %% [markdown]
# Most of the grey goes, and no label was needed.
# What stays is the sameness: a median of a class is one picture, too.
#
# ### What is wrong with this training?
#
# Four trainings of the same generator, each with one fault, beside the one above.
# The lines are the reconstruction term in training and in validation, the dashes are the two levels.


# %% id="faults"
from dataclasses import replace


def validating(log):
    @torch.no_grad()
    def look(vae, rng):
        mu, logvar = vae.eval().encode(m_val)
        output = vae.decoder(reparameterise(mu, logvar, rng))
        log.append(bernoulli_nll(output, class_means[c_val]).mean().item())

    return look


def by_heart(batch, rng):
    return targets.fixed(digits[batch], batch, SEED)


def any_class(batch, rng):
    return targets.random(torch.randint(10, batch.shape, generator=rng), rng)


# %% id="patients"
few = features[:320]
faults = {"A": (few, by_heart, 50, 0.01), "B": (features, random_targets, 6, 1e-4)}
faults |= {"C": (few, random_targets, 12, 3.0), "D": (features, any_class, 6, 0.01)}
patients = {}
for name, (heard, target, epochs, highest) in faults.items():
    log, net = [], fresh()
    net.config = replace(net.config, noise=0.0 if name == "A" else net.config.noise)
    trained = train(net, heard, target, epochs, highest, look=validating(log))
    patients[name] = trained[:, 0], np.array(log)
patients["E"] = curve[:, 0], np.array(seen["R"])

# %% id="patients-figure"
show(f05_training.patients(patients, levels))

# %% [markdown]
# **What do you expect?** Before you read on, name for each of A to E one of these five:
#
# - `"fine"`: it ends between the two levels, in training and in validation
# - `"unstable"`: it jumps about by more than the levels are apart, or is no longer a number
# - `"slow"`: it falls steadily and is still far above the upper level
# - `"ignores the sound"`: it has come down to the upper level, and stays there
# - `"learned by heart"`: in training it is far below the floor

# %% [markdown]
# {exercise 5.7}
#
# Write a doctor for trainings: `diagnose(train, val, upper, floor)`.
#
# - In: the reconstruction term by epoch, in training and in validation, two arrays of the same length, in nats per
#   image, which may hold NaN ("not a number"); the two levels, with `upper` above `floor`.
# - Out: one of the five texts above.
#
# There is no formula.
# Build a rule of your own, and try it on `patients`.
# It is checked on trainings of a *much smaller* generator with other levels, so measure in units of
# `upper - floor`.
# A loss on random targets scatters; your rule has to bear that.
#
# One point is for trouble with the rate, two for trouble with the pairs.
#
# {hints 5.7}


# %% id="exercise-5-7"
def diagnose(train: np.ndarray, val: np.ndarray, upper: float, floor: float) -> str:
    """Name what is wrong with a training, by its curves."""
    # SOLUTION BEGIN
    gap, late = upper - floor, train[len(train) // 2 :]
    if not np.isfinite([train, val]).all() or np.diff(late).max() > gap / 4:
        return "unstable"
    if train[-1] < floor - gap / 5:
        return "learned by heart"
    if val[-1] > upper + gap / 5:
        return "slow"
    return "ignores the sound" if val[-1] > upper - gap / 5 else "fine"
    # SOLUTION END


# %% id="check-5-7"
a2d.check("5.7", diagnose)

# %% [markdown]
# Your doctor sees the five patients, the shipped model's training, and one more: F, with a rate ten times too high.

# %% id="doctor" tags=["nbval-check-output"]
doctor, log = a2d.mine("5.7"), []
trained = train(fresh(), features, random_targets, 6, 0.1, look=validating(log))
patients["F"] = trained[:, 0], np.array(log)
for name, (of_train, of_val) in patients.items():
    print(f"{name}: {doctor(of_train, of_val, *levels.values())}")
of_report = np.array(past["reconstruction"])
print("the shipped report:", doctor(of_report, of_report, *MNIST_LEVELS.values()))

# %% [markdown]
# What was done to them:
#
# - A: only 320 recordings, each with one fixed target, and no noise on the features.
#   It is your friend's case: the floor holds for targets that are drawn anew.
#   Against new targets, in validation, its loss is above the floor and rises.
# - B: a rate of 0.0001.
#   C: few recordings, and a rate of 3; soon no number is left.
# - D: targets of *any* class.
#   The sound says nothing about them, so there is nothing to learn from it.
# - E: nothing.
#
# F has the symptom of D and another cause: large first steps have pushed units of the decoder to where
# $\max(0, \cdot)$ is 0 for every recording, and from there no gradient leads back.
# So a curve shows the symptom; for the cause, change one thing at a time.

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
# **Question 2.** After one epoch your decoder, kernel 4 and stride 2, draws a fine chessboard. What do you do first?
#
# <details><summary>a) Train on, and look again after the next epochs</summary>
#
# Right: the counts are even, so the weights can learn to agree; here one more epoch removed nearly all of it.
#
# </details>
# <details><summary>b) Take kernel 3, so that less overlaps</summary>
#
# No: with stride 2 its counts are uneven, so the pattern would be built in.
#
# </details>
# <details><summary>c) Take more latent dimensions</summary>
#
# No: the pattern comes from the layers' weights, whatever the latent holds.
#
# </details>

# %% [markdown]
# **Question 3.** A reconstruction term of 160 nats per image: is that bad?
#
# <details><summary>a) Yes, a good model has a loss near 0</summary>
#
# No: the targets vary at random, and the entropy of their mean remains whatever the model does.
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
# - compute a transposed convolution by hand, and say how large its output is
# - say from kernel and stride whether a layer must draw checkerboards, and why it may where it need not
# - write a training step, and say what each of its lines and settings does
# - say what the best possible loss is, and read a training curve against it
# - tell from a curve what is wrong with a training
#
# The formulas: $N' = (N - 1)\,\text{stride} + \text{kernel} - 2\,\text{padding} + \text{output padding}$ outputs of a
# transposed convolution with $N$ inputs;
# $\mathcal{L} = \frac1N \sum_i [\text{reconstruction}_i + \beta\, \mathrm{KL}_i]$;
# upper level $\text{entropy}(\bar x)$, floor $\sum_c p(c)\, \text{entropy}(\bar x_c)$.
#
# `a2d.score(5)` adds up your points.

# %% [markdown] id="343ac930c6"
# ## What to read
#
# - V. Dumoulin, F. Visin (2016),
#   [A guide to convolution arithmetic for deep learning](https://arxiv.org/abs/1603.07285): every size formula with
#   pictures.
# - A. Odena, V. Dumoulin, C. Olah (2016),
#   [Deconvolution and Checkerboard Artifacts](https://distill.pub/2016/deconv-checkerboard/).
# - D. Kingma, J. Ba (2015), [Adam: A Method for Stochastic Optimization](https://arxiv.org/abs/1412.6980).
# - I. Loshchilov, F. Hutter (2017),
#   [SGDR: Stochastic Gradient Descent with Warm Restarts](https://arxiv.org/abs/1608.03983): the cosine.
# - S. Bowman and others (2016),
#   [Generating Sentences from a Continuous Space](https://arxiv.org/abs/1511.06349): the KL warm-up.
# - B. Polyak, A. Juditsky (1992),
#   [Acceleration of Stochastic Approximation by Averaging](https://doi.org/10.1137/0330046).
# - `a2d/training.py`: the loop of the course, with checkpoints and resuming.
#
# ## What comes next
#
# Lecture 06 asks who reads these drawings, and what the evaluator misreads.
