# %% [markdown]
# # 01 From a sound to numbers
#
# {badges}
#
# About 140 min, CPU, needs 00. It has two marked places to stop.
#
# The encoder does not hear a sound: it gets 40 numbers.
# This lecture makes these numbers from the samples, step by step, and you write each step.
# At the end your steps, one after the other, give the same numbers as `librosa`, a library that many people use.
# Then we ask what the 40 numbers no longer say, and whether fewer would be better.

# %% [markdown]
# ## You will be able to
#
# - say which tones a sampling rate can hold, and what becomes of the others
# - compute MFCCs that equal those of librosa, with steps that you wrote
# - explain what a cepstral coefficient is, and which of them hold the mouth, the pitch and the loudness
# - say what the mean over time keeps and loses, and measure what that costs
# - choose features for speakers who were never heard, and test the choice on others
#
# ## Before you start
#
# You need NumPy arrays, sums, sine and cosine, and logarithms.
# A complex number is needed once; it is enough to know its absolute value.
#
# ## Where we are
#
# **sound** → **features** → encoder → latent → decoder → drawing → evaluator → digit
#
# Lecture 01 takes the first arrow apart.

# %% [markdown] id="64a52adeed"
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
# These parameters hold for the whole lecture.
# `FAST` takes half of the recordings in sections 5 and 6, `SEED` fixes everything random, and `DATA` is the set of
# recordings.

# %% id="parameters" tags=["parameters"]
FAST = True
SEED = 0
DATA = "builtin"

# %% [markdown]
# ## 1. How does a sound become numbers?
#
# A microphone measures the pressure of the air at even steps of time.
#
# - $r$: the sampling rate in samples per second (Hz)
# - $s[n]$: sample number $n$, the pressure $n / r$ seconds after the beginning, as a part of full scale (no unit)
# - $N$: the number of samples, $n = 0, \dots, N - 1$
#
# The object `config` holds the settings that the generator's features are made with.
# `audio.prepare` cuts silence off before and after the word, as it is done for the generator.

# %% id="load" tags=["nbval-check-output"]
import numpy as np

from a2d import audio, datasets, features

config = features.MfccConfig()
r = config.sample_rate
spoken = datasets.load_spoken(DATA)
seven = next(recording for recording in spoken.recordings if recording.digit == 7)
s = audio.prepare(audio.load(seven.path), r).astype(float)
N = len(s)
print(f"N = {N} samples, r = {r} Hz, {N / r:.2f} s")

# %% id="listen"
from IPython.display import Audio, display


def play(sounds: dict, rate: int = r) -> None:
    """A player for each sound, below its name; all of them are equally loud."""
    for name, sound in sounds.items():
        print(name)
        level = np.clip(0.1 * sound / np.std(sound), -1, 1)
        display(Audio(level, rate=rate, normalize=False))


play({"seven": s})

# %% [markdown]
# ### What do you expect?
#
# A tone rises evenly from 500 to 7,500 Hz, in 16,000 samples per second.
# We keep every second sample only, which leaves 8,000 per second.
# What do you hear?
#
# - a) It rises to the end, a little duller.
# - b) It rises, then stops.
# - c) It rises, then falls again.

# %% id="sweep-listen"
seconds = np.arange(12000) / 16000
rising = 0.3 * np.cos(2 * np.pi * (500 * seconds + 7000 / 0.75 * seconds**2 / 2))
play({"16,000 samples per second": rising}, 16000)
play({"every second sample dropped": rising[::2]}, 8000)

# %% [markdown]
# It is c).
# No tone above 4,000 Hz is left, and yet something sounds in the second half: tones that were never there.
#
# ### Which tones can samples hold?
#
# A tone of $f$ Hz has the samples $\cos(2\pi f n / r)$.
# Take a second tone, of $r - f$ Hz:
#
# $$\cos\left(2\pi \frac{(r - f)\, n}{r}\right)
# = \cos\left(2\pi n - 2\pi \frac{f n}{r}\right)
# = \cos\left(2\pi \frac{f n}{r}\right).$$
#
# - $f$: a frequency in Hz; $r$, $n$: sampling rate and sample number
#
# The last step holds because $n$ is a whole number and the cosine repeats every $2\pi$.
# With $2r - f$, $r + f$ or any other whole number of $r$ it goes the same way.
# So every tone above $r / 2$ has the samples of exactly one tone below.
# (A sine may come out with its sign turned, which nobody hears.)
# This is called *aliasing*, and $r / 2$ the *Nyquist frequency*.

# %% id="alias" tags=["nbval-check-output"]
n = np.arange(r)
for f in (5000, 9000, 13000):
    tone = np.cos(2 * np.pi * f * n / r)
    strongest = np.abs(np.fft.rfft(tone)).argmax() * r / len(n)
    print(f"{f} Hz has the samples of {strongest:.0f} Hz")
    assert any(np.allclose(tone, np.cos(2 * np.pi * abs(f - k * r) * n / r)) for k in (1, 2))

# %% id="alias-figure"
from a2d.figures import f01_audio

show(f01_audio.aliasing(5000, r))

# %% [markdown]
# No program can tell the two apart afterwards.
# So a recorder must remove everything above $r / 2$ *before* it samples, and so must everyone who lowers the rate of
# a recording.
# `audio.resample` does: it filters first.
# Compare it with dropping samples, on a tone of 5,000 Hz.
# At 8,000 samples per second this tone has no place, so silence is the right answer.

# %% id="resample" tags=["nbval-check-output"]
tone = 0.3 * np.cos(2 * np.pi * 5000 * np.arange(16000) / 16000)
dropped, filtered = tone[::2], audio.resample(tone, 16000, 8000)
middle = slice(1000, 7000)  # away from the ends, where a tone begins and stops
for name, y in {"dropped": dropped, "filtered": filtered}.items():
    print(f"{name}: amplitude {np.abs(y[middle]).max():.2f}")

# %% id="resample-listen"
play({"the rising tone, filtered": audio.resample(rising, 16000, 8000)}, 8000)

# %% [markdown]
# ## 2. Which tones are in it, and when?
#
# A word changes while it is spoken, so we look at short pieces, the *frames*:
#
# $$s_t[n] = s[tH + n], \qquad n = 0, \dots, L - 1.$$
#
# - $t$: the number of the frame, from 0; $N_t$: how many frames there are
# - $L$: the length of a frame in samples (`n_fft`)
# - $H$: the hop, in samples, from one frame to the next (`hop_length`)
#
# A frame should be so short that the sound hardly changes in it, and so long that it holds several periods of a voice.
#
# In every array frames come first: the frames are $(N_t, L)$.
# librosa puts time last, so we transpose what it gives (`.T`).

# %% [markdown]
# {exercise 1.1}
#
# Write `frame(x, n_fft, hop_length)`.
#
# - In: `x`, the samples of any sound, shape $(N,)$ with $N \ge L$; `n_fft` $= L$ and `hop_length` $= H$, in samples.
# - Out: an array of shape $(N_t, L)$ with `x[t * H + n]` in row $t$, column $n$.
#
# Keep whole frames only: $N_t$ is as large as it can be without reaching beyond the last sample.
#
# {hints 1.1}
#
# <details><summary>It passes some cases but fails others?</summary>
#
# Count the frames of 6 samples with $L = 6$, of 12 samples with $L = 4$ and $H = 2$, and of 13 samples with the same.
# There are 1, 5 and 5.
#
# </details>


# %% id="exercise-1-1"
def frame(x: np.ndarray, n_fft: int, hop_length: int) -> np.ndarray:
    """Frames (N_t, n_fft) of the samples x (N,)."""
    # SOLUTION BEGIN
    count = 1 + (len(x) - n_fft) // hop_length
    starts = hop_length * np.arange(count)
    return np.stack([x[start : start + n_fft] for start in starts])
    # SOLUTION END


# %% id="check-1-1"
a2d.check("1.1", frame)

# %% [markdown]
# From here on the lecture cuts frames with your function; `a2d.mine` gives it back if the check called it right, and
# the course's own if not.
#
# Two customs exist.
# *Not centred*: frame 0 begins with sample 0, as in the exercise.
# *Centred*: $L / 2$ zeros are put before and after the sound first, so that frame $t$ has sample $tH$ in its middle.
# Then there are $1 + \lfloor N / H \rfloor$ frames.
# The generator's features use centred frames, as librosa does unless told otherwise.

# %% id="frames" tags=["nbval-check-output"]
import librosa

L, H = config.n_fft, config.hop_length
my_frame = a2d.mine("1.1")
framed = my_frame(np.pad(s, L // 2), L, H)
theirs = librosa.util.frame(np.pad(s, L // 2), frame_length=L, hop_length=H).T
assert np.array_equal(framed, theirs)
print(f"a frame lasts {1000 * L / r:.0f} ms, one begins every {1000 * H / r:.0f} ms")
print("frames, samples:", framed.shape, "and 1 + N // H is", 1 + N // H)

# %% [markdown]
# ### The spectrum of one frame
#
# How much of each frequency is in a frame?
# The discrete Fourier transform (DFT) compares it with turning pointers:
#
# $$X[t, k] = \sum_{n=0}^{L-1} w[n]\, s_t[n]\, e^{-2\pi \mathrm{i} k n / L}, \qquad P[t, k] = |X[t, k]|^2.$$
#
# - $w[n]$: a *window*, a weight for each sample (next cells; at first all 1)
# - $k = 0, \dots, L / 2$: the number of a *bin*; its frequency is $f_k = k r / L$ in Hz
# - $X[t, k]$: a complex number; its size tells how strong, its angle (*phase*) when the wave begins
# - $P[t, k]$: the power; the phase is gone
# - $\mathrm{i}$: the imaginary unit
#
# Bins above $L / 2$ would repeat the lower ones: the aliasing of section 1.
# A program does not compute the sum as it stands: the *fast* Fourier transform (FFT) gives the same in far fewer steps.

# %% id="dft" tags=["nbval-check-output"]
loudest = int((framed**2).sum(axis=1).argmax())
n, k = np.arange(L), np.arange(L // 2 + 1)
pointers = np.exp(-2j * np.pi * np.outer(k, n) / L)
slow, quick = pointers @ framed[loudest], np.fft.fft(framed[loudest])
assert np.allclose(slow, quick[: L // 2 + 1])
size = np.abs(quick)
assert np.allclose(size[1 : L // 2], size[: L // 2 : -1])  # the upper half repeats the lower
print(f"{len(k)} bins, {r / L:.3f} Hz apart")

# %% [markdown]
# ### Why a window?
#
# A frame cuts a wave off at both ends.
# The DFT takes the frame as one period of something that repeats for ever.
# Where the ends do not meet there is a jump, and a jump contains all frequencies.
# So a pure tone *leaks* into bins where nothing is.
#
# The Hann window goes down to 0 at the ends, so there is no jump:
#
# $$w[n] = \tfrac12 - \tfrac12 \cos(2\pi n / L).$$
#
# - $w[n]$: the weight of sample $n$ in the frame, between 0 and 1; $L$: the length of the frame
#
# It is called *periodic*: $w[L]$ would be 0 again and belongs to the next period.
# `np.hanning` ends with that second 0, so it is another window.

# %% id="hann" tags=["nbval-check-output"]
from scipy.signal import get_window

w = 0.5 - 0.5 * np.cos(2 * np.pi * n / L)
assert np.allclose(w, get_window("hann", L))
print("np.hanning is the same window:", np.allclose(w, np.hanning(L)))

# %% [markdown]
# ### What do you expect?
#
# We send one tone through both windows, once exactly on a bin, once in the middle between two bins.
# Levels are in decibels, which section 3 explains: 20 dB less is a tenth of the amplitude.
#
# - a) Hann is better in both cases.
# - b) Hann is better for the tone between two bins, and worse for the one on a bin.

# %% id="leakage"
bins = np.fft.rfftfreq(L, 1 / r)


def levels(tone: float, window: np.ndarray) -> np.ndarray:
    """Spectrum in dB below its maximum, of a tone in Hz through a window (L,)."""
    strength = np.abs(np.fft.rfft(window * np.cos(2 * np.pi * tone * n / r)))
    return 20 * np.log10(np.maximum(strength / strength.max(), 1e-9))


between = 64.5 * r / L
windows = {"no window": np.ones(L), "Hann": w}
spectra = {name: levels(between, window) for name, window in windows.items()}
show(f01_audio.leakage(bins, spectra, tone=between, far=500))

# %% id="price" tags=["nbval-check-output"]
for name, window in windows.items():
    wide = int((levels(64 * r / L, window) > -20).sum())
    print(f"a tone on a bin, {name}: {wide} bin{'s' * (wide > 1)} within 20 dB of the maximum")

# %% [markdown]
# It is b).
# Between two bins, a weak sound beside the tone would drown without a window.
# On a bin nothing leaks, and Hann only makes the line wider: that is its price.
# A voice does not care where the bins are, so Hann is worth its price.

# %% [markdown]
# {exercise 1.2}
#
# Write `windowed_power(frames, window)`, for all frames at once.
#
# - In: `frames`, shape $(N_t, L)$; `window`, shape $(L,)$, with any weights.
# - Out: the power $P[t, k]$, real numbers of shape $(N_t, \lfloor L / 2 \rfloor + 1)$.
#
# The equation is the one with the sum over $n$ above.
# Use a fast transform of NumPy instead of the sum.
#
# {hints 1.2}
#
# <details><summary>Some cases are right, others are not?</summary>
#
# In some cases every weight of the window is 1. There, a forgotten window does not show.
#
# </details>


# %% id="exercise-1-2"
def windowed_power(frames: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Power (N_t, L // 2 + 1) of frames (N_t, L), each weighted by window (L,)."""
    # SOLUTION BEGIN
    spectrum = np.fft.rfft(frames * window, axis=-1)
    return np.abs(spectrum) ** 2
    # SOLUTION END


# %% id="check-1-2"
a2d.check("1.2", windowed_power)

# %% [markdown]
# Your frames and your power are the word's *spectrogram*.
# Not centred, the frames must be among the centred ones, because $L / 2$ is a whole number of hops.

# %% id="spectrogram" tags=["nbval-check-output"]
my_power = a2d.mine("1.2")
P = my_power(framed, w)
theirs = np.abs(librosa.stft(s, n_fft=L, hop_length=H)) ** 2
assert np.allclose(P, theirs.T)
plain = my_power(my_frame(s, L, H), w)
first = L // (2 * H)
assert np.allclose(P[first : first + len(plain)], plain)
print("power, the same as librosa's:", P.shape)

# %% [markdown]
# ### Here is a good place to stop (about 30 min so far)
#
# You have a spectrogram.
# What is missing until the 40 numbers: the ear's scale, decibels, cosines, and a mean.

# %% [markdown]
# ## 3. How do we hear it?
#
# From 200 to 400 Hz is a large step for the ear, from 3,200 to 3,400 Hz a small one.
# The *mel scale* is made so that equal steps sound about equally large.
# librosa's default is M. Slaney's version of it: even up to 1,000 Hz, logarithmic above.
#
# $$m(f) = \begin{cases} 3 f / 200 & f < 1000 \\ 15 + 27 \ln(f / 1000) / \ln 6.4 & f \ge 1000 \end{cases}$$
#
# - $f$: the frequency in Hz; $m$: the pitch in mel, of this version; $\ln$: the natural logarithm
#
# Another version, called HTK's, is $m(f) = 2595 \log_{10}(1 + f / 700)$.
# Say which one you use: they are two different scales with one name.

# %% id="mel" tags=["nbval-check-output"]
f = np.linspace(0, r / 2, 1001)
above = 15 + 27 * np.log(np.maximum(f, 1000) / 1000) / np.log(6.4)
m = np.where(f < 1000, 3 * f / 200, above)
assert np.allclose(m, librosa.hz_to_mel(f))
for start in (200, 3200):
    step = np.diff(librosa.hz_to_mel([start, start + 200]))[0]
    print(f"from {start} to {start + 200} Hz: {step:.2f} mel")

# %% id="mel-listen"
two = np.arange(r // 5) / r
pairs = {hz: [0.3 * np.cos(2 * np.pi * f * two) for f in (hz, hz + 200)] for hz in (200, 3200)}
play({f"{hz} Hz, then {hz + 200} Hz": np.concatenate(pair) for hz, pair in pairs.items()})

# %% [markdown]
# ### A filterbank
#
# We add neighbouring bins up in $M$ *bands*, which are evenly spaced in mel.
# $M + 2$ even steps from $m(0)$ to $m(r/2)$, turned back into Hz, are the edges $e_0, \dots, e_{M+1}$.
# Band $j$ is a triangle: it rises from $e_j$ to $e_{j+1}$ and falls to $e_{j+2}$.
#
# $$B[j, k] = \frac{2}{e_{j+2} - e_j} \max\left(0, \min\left(\frac{f_k - e_j}{e_{j+1} - e_j},
# \frac{e_{j+2} - f_k}{e_{j+2} - e_{j+1}}\right)\right)$$
#
# $$S[t, j] = \sum_k B[j, k]\, P[t, k]$$
#
# - $j = 0, \dots, M - 1$: the number of the band; $M$ is `n_mels`
# - $e_j$, $f_k$: edges and bins, in Hz
# - $B[j, k]$: the weight of bin $k$ in band $j$, in 1 / Hz; $P[t, k]$: the power
# - $S[t, j]$: the mel spectrogram
#
# The factor in front gives each triangle the area 1 (Slaney's norm).

# %% [markdown]
# {exercise 1.3}
#
# Write `mel_bank(bins, n_mels)`: Slaney's scale, each triangle of area 1.
#
# - In: `bins`, the frequencies $f_k$ in Hz, evenly spaced from 0, shape $(K,)$; `n_mels` $= M$.
# - Out: the weights $B[j, k]$, shape $(M, K)$.
#
# The last edge is `bins[-1]`; the triangles have straight sides in Hz.
#
# The next cell imports `hz_to_mel` and `mel_to_hz`, Slaney's formula and its inverse: both take and give arrays.
#
# {hints 1.3}
#
# <details><summary>The shape is right but the values are not?</summary>
#
# Where are your steps even: in Hz or in mel?
# Where are the sides straight?
# Is a row, summed over its bins, times the distance of two bins, about 1?
#
# </details>


# %% id="exercise-1-3"
from a2d.features import hz_to_mel, mel_to_hz


def mel_bank(bins: np.ndarray, n_mels: int) -> np.ndarray:
    """Triangles (n_mels, K) of area 1 over bins (K,) in Hz, evenly spaced in Slaney's mel."""
    # SOLUTION BEGIN
    hz = mel_to_hz(np.linspace(0, hz_to_mel(bins[-1]), n_mels + 2))
    rows = []
    for left, top, right in zip(hz[:-2], hz[1:-1], hz[2:], strict=True):
        sides = np.minimum((bins - left) / (top - left), (right - bins) / (right - top))
        rows.append(np.maximum(0, sides) * 2 / (right - left))
    return np.stack(rows)
    # SOLUTION END


# %% id="check-1-3"
a2d.check("1.3", mel_bank)

# %% id="filterbank"
M = config.n_mels
B = a2d.mine("1.3")(bins, M)
assert np.allclose(B, librosa.filters.mel(sr=r, n_fft=L, n_mels=M, dtype=float))
S = P @ B.T
edges = mel_to_hz(np.linspace(0, hz_to_mel(r / 2), M + 2))
show(f01_audio.mel_filters(bins, B, edges, hz_to_mel(edges)))

# %% [markdown]
# These are your filters.
# Low frequencies get many narrow bands, high ones few wide ones.
# Neighbours overlap: where one falls, the next rises.
# The tops are uneven because the bins rarely meet the top of a triangle: the narrowest cover few bins.
#
# With the area 1, a hiss that is equally strong everywhere should give equal levels in all bands, wide or narrow.
# Is that so?

# %% id="white" tags=["nbval-check-output"]
flat = B.sum(axis=1) * r / L  # a spectrum of 1 everywhere; r / L is the distance of two bins
print(f"a flat spectrum gives bands between {flat.min():.2f} and {flat.max():.2f}")

# %% [markdown]
# Nearly: a few points do not measure an area exactly.
#
# ### Decibels
#
# The powers in one word differ by many factors of ten, and yet we hear the weak ones.
# The ear hears ratios, so we take a logarithm, and then cut off what is too weak:
#
# $$D[t, j] = 10 \log_{10} \frac{\max(S[t, j],\, 10^{-10})}{S_0}, \qquad
# D[t, j] \leftarrow \max(D[t, j],\, D_{\max} - \text{top}).$$
#
# - $S[t, j]$: the mel spectrogram; $S_0$: the *reference*, the power that is called 0 dB; here 1
# - $D[t, j]$: the level in decibels (dB); $\log_{10}$: base 10
# - $D_{\max}$: the largest level of the recording; top: `top_db`, here 80 dB
#
# The factor is 10 for a power and 20 for an amplitude, and both give the same level, because a power is a square.
#
# A *level* says nothing without its reference: -20 dB can mean a hundredth of full scale, or of anything else.
# A *difference* of levels needs none.

# %% [markdown]
# {exercise 1.4}
#
# Write `to_db(power, ref, top_db)`.
#
# - In: `power`, an array of any shape, 0 or more; `ref` $= S_0 > 0$, a power; `top_db`, in dB.
# - Out: levels in dB, same shape, as in the equations above, with the largest level taken over the whole array.
#
# {hints 1.4}
#
# <details><summary>Loud sounds are right, silence is not?</summary>
#
# `np.log10(0)` is minus infinity.
# The floor is for the power, before it is divided by the reference.
# And the cut counts from the largest *level in the array*, not from the reference.
#
# </details>


# %% id="exercise-1-4"
def to_db(power: np.ndarray, ref: float, top_db: float) -> np.ndarray:
    """Levels in dB of power, relative to ref, at most top_db below the largest."""
    # SOLUTION BEGIN
    db = 10 * np.log10(np.maximum(power, 1e-10) / ref)
    return np.maximum(db, db.max() - top_db)
    # SOLUTION END


# %% id="check-1-4"
a2d.check("1.4", to_db)

# %% id="decibels" tags=["nbval-check-output"]
my_db = a2d.mine("1.4")
D = my_db(S, 1.0, config.top_db)
assert np.allclose(D, librosa.power_to_db(S, ref=1.0, top_db=80))
factors = np.log10(np.quantile(S, 0.95) / np.quantile(S, 0.05))
print(f"factors of ten in the middle 90 % of the powers: {factors:.0f}")
louder = my_db(2**2 * S, 1.0, config.top_db)
print(f"twice the amplitude: {np.median(louder - D):.2f} dB more")

# %% [markdown]
# ## 4. How do 64 levels become 40 numbers?
#
# The levels of neighbouring bands are much alike, so 64 numbers say the same things several times.
# A voice is made in two steps, and that helps to describe it with fewer.
#
# 1. The vocal folds give a tone with *harmonics*: frequencies at all multiples of the *pitch*.
# 2. Mouth and tongue make some regions of frequency stronger: an "ah" others than an "ee".
#
# Step 2 multiplies the powers of step 1.
# In decibels a product becomes a sum: $D$ is a slow curve over the bands, by the mouth, plus a fast ripple, by the
# vocal folds.

# %% [markdown]
# ### The cepstrum
#
# What separates slow from fast?
# For a sound it was a spectrum.
# So we take the spectrum of the spectrum, and its inventors called it *cepstrum*: "spectrum" with its first letters
# turned round.
# Numbers of this kind are *cepstral* coefficients; with mel bands, mel-frequency cepstral coefficients: MFCCs.
# Small numbers hold the mouth, and so the word; large ones the pitch, and so the speaker.

# %% [markdown]
# The discrete cosine transform (DCT) describes each frame by cosines that turn faster and faster over the bands:
#
# $$C[t, q] = \sum_{j=0}^{M-1} G[q, j]\, D[t, j], \qquad
# G[q, j] = \sqrt{\frac{2}{M}} \cos\left(\frac{\pi q\, (j + \tfrac12)}{M}\right) \text{ for } q > 0.$$
#
# - $C[t, q]$: coefficient $q$ of frame $t$, in dB; $q = 0, \dots, Q - 1$; $Q$ is `n_mfcc`
# - $D[t, j]$: the level of band $j$ in dB; $M$: the number of bands
# - $G[q, j]$: cosine $q$ at band $j$; for $q = 0$ the cosine is 1 everywhere, and its scale is $\sqrt{1/M}$
#
# The scales give each cosine the length 1.
# Each is at right angles to all others, so $G$ is *orthonormal*, and its transpose takes us back: $D = C\,G$, with all
# $M$ coefficients.

# %% [markdown]
# {exercise 1.5}
#
# Write `cepstrum(log_mel, n_mfcc)`.
#
# - In: `log_mel`, levels $D[t, j]$ in dB, shape $(N_t, M)$; `n_mfcc` $= Q \le M$.
# - Out: coefficients $C[t, q]$, shape $(N_t, Q)$.
#
# Write the cosines yourself.
#
# {hints 1.5}
#
# <details><summary>All is right but the first column?</summary>
#
# Coefficient 0 has a scale of its own, smaller than the others' by the root of 2.
#
# </details>


# %% id="exercise-1-5"
def cepstrum(log_mel: np.ndarray, n_mfcc: int) -> np.ndarray:
    """MFCCs (N_t, n_mfcc) from levels log_mel (N_t, M) in dB."""
    # SOLUTION BEGIN
    n_mels = log_mel.shape[1]
    rows, columns = np.arange(n_mfcc)[:, None], np.arange(n_mels)[None, :]
    cosines = np.cos(np.pi * rows * (columns + 0.5) / n_mels)
    cosines *= np.where(rows == 0, np.sqrt(1 / n_mels), np.sqrt(2 / n_mels))
    return log_mel @ cosines.T
    # SOLUTION END


# %% id="check-1-5"
a2d.check("1.5", cepstrum)

# %% [markdown]
# Applied to the unit matrix, your function gives the matrix of cosines.
# We go back to the levels with few, many and all of the coefficients, in the loudest frame.

# %% id="smoothing"
my_cepstrum = a2d.mine("1.5")
G = my_cepstrum(np.eye(M), M).T
C = my_cepstrum(D, M)
assert np.allclose(G @ G.T, np.eye(M))
assert np.allclose(C @ G, D)
back = {f"from {q} coefficients": C[loudest, :q] @ G[:q] for q in (2, 13, 40)}
errors = [f"{np.std(D[loudest] - level):.1f} dB {name}" for name, level in back.items()]
told = f"Levels of one frame, and what is left of them. Typical error: {', '.join(errors)}."
lines = {"levels": D[loudest]} | back
show(f01_audio.curves(lines, told, xlabel="mel band", ylabel="level (dB)"))

# %% [markdown]
# ### Your chain
#
# From scratch: frames, window, power, mel, decibels, cosines.
# Your steps, one after the other, are an MFCC.
# The next cell compares it with one call of librosa, and with the package.
#
# | setting | here | where it matters |
# |---|---|---|
# | centred | yes, zeros at the ends | frames |
# | window | Hann, periodic | spectrum |
# | power | 2 (not the amplitude) | spectrum |
# | mel scale, norm | Slaney, Slaney | filterbank |
# | reference, floor | 1, $10^{-10}$ | decibels |
# | `top_db` | 80, from the recording's maximum | decibels |
# | DCT | type II, orthonormal | coefficients |
#
# They are librosa's defaults; its sizes are others, so we give ours.

# %% id="chain" tags=["nbval-check-output"]
Q = config.n_mfcc


def my_levels(sound: np.ndarray) -> np.ndarray:
    """Levels (N_t, M) in dB of a sound (N,), by your functions."""
    power = my_power(my_frame(np.pad(sound, L // 2), L, H), w)
    return my_db(power @ B.T, 1.0, config.top_db)


def my_mfcc(sound: np.ndarray, n_mfcc: int = Q) -> np.ndarray:
    """MFCCs (N_t, n_mfcc) of a sound (N,), by your functions."""
    return my_cepstrum(my_levels(sound), n_mfcc)


sizes = {"n_fft": L, "hop_length": H, "n_mels": M, "n_mfcc": Q}
theirs = librosa.feature.mfcc(y=s, sr=r, dtype=float, **sizes).T
ours = my_mfcc(s)
assert np.allclose(ours, theirs)
assert np.allclose(ours, features.mfcc(s, config))
print(f"shape {ours.shape}, largest difference {np.abs(ours - theirs).max():.0e} dB")

# %% [markdown]
# Only rounding is left.
# All that follows uses your chain.
#
# ### All steps in one picture
#
# Read it from top to bottom: all $N$ samples become 40 numbers, whatever $N$ is.
# In the middle panel the stripes at low frequencies are harmonics of the voice.
# Choose a recording, hear it, and change one setting at a time.
#
# - A longer frame (`n_fft`): which axis becomes sharper, which one more blurred?
# - A longer hop: how many frames are left?
# - More mel bands than the bins can fill: what happens at the bottom?
# - Fewer coefficients: what of the mean stays the same?

# Your own voice can be among the recordings: record a digit here first.
# Nothing is written to a file unless you press *Keep* (lecture 11 says more).

# %% id="own-record"
from a2d import widgets

rec = widgets.recorder(goal=0)
show(rec)

# %% id="explorer"
speaker = spoken.speaker_names[0]
takes = {q.digit: q for q in reversed(spoken.recordings) if q.speaker == speaker}
labelled = {f"{d}, speaker {speaker}": audio.load(takes[d].path) for d in range(10)}
if rec.clip is not None:
    labelled = {"your own": rec.clip, **labelled}
show(widgets.mfcc_explorer(labelled, **sizes))

# %% [markdown]
# ### Back to sound
#
# What do the coefficients still know?
# We go the way back: cosines, decibels, bands, bins.
# Two things are lost on it: the details inside a band, and the phase.
# For the phase we guess: Griffin and Lim's method looks for one with which overlapping frames agree.
#
# ### What do you expect?
#
# You hear the seven from 40, 13 and 2 coefficients. With how many do you still understand it?
#
# - a) With 40.
# - b) With 13 as well.
# - c) Even with 2.


# %% id="back-to-sound"
def heard(C: np.ndarray) -> np.ndarray:
    """A sound with about these MFCCs (N_t, Q), as loud as the word."""
    power = 10 ** (C @ G[: C.shape[1]] / 10)
    strength = librosa.feature.inverse.mel_to_stft(power.T, sr=r, n_fft=L)
    sound = librosa.griffinlim(strength, hop_length=H, n_fft=L, random_state=SEED)
    return 0.3 * sound / np.abs(sound).max()


play({f"{q} coefficients": heard(my_mfcc(s, q)) for q in (40, 13, 2)})

# %% [markdown]
# Most people understand it with 13, though the voice has become a whisper: the pitch is gone, the mouth is left.
# With 2 there is only louder and softer, brighter and duller.
#
# ### What do you expect?
#
# The same vowel, an "ah", with three pitches: 115, 150 and 220 Hz.
# Which of its coefficients change?
#
# - a) All of them, a little.
# - b) Above all a few with large $q$.

# %% id="vowel-listen"
second = np.arange(r) / r


def vowel(pitch: float) -> np.ndarray:
    """One second of "ah": harmonics of a pitch, strong near 700, 1200 and 2600 Hz."""
    sound = np.zeros(r)
    for f in np.arange(pitch, r / 2, pitch):
        mouth = sum(1 / (1 + ((f - strong) / 120) ** 2) for strong in (700, 1200, 2600))
        sound += mouth * np.cos(2 * np.pi * f * second)
    return 0.3 * sound / np.abs(sound).max()


pitches = (115, 150, 220)
play({f"{pitch} Hz": vowel(pitch)[: r // 3] for pitch in pitches})

# %% [markdown]
# Where must the ripple of the harmonics show?
# Below 1,000 Hz all bands are $\Delta$ apart, so the harmonics are a ripple with a period of $f_0 / \Delta$ bands.
# Cosine number $q$ has a period of $2M / q$ bands.
# The two agree at
#
# $$q = 2 M \Delta / f_0.$$
#
# - $f_0$: the pitch in Hz; $\Delta = e_1 - e_0$: the distance of two low bands in Hz
# - $M$: the number of bands; $q$: the number of the coefficient

# %% id="pitch"
spacing = edges[1] - edges[0]
rows = {f"{pitch} Hz": my_mfcc(vowel(pitch), M)[30] for pitch in pitches}
lines, found = {name: row[1:] for name, row in rows.items()}, []
for pitch, row in zip(pitches, rows.values(), strict=True):
    at = 15 + int(np.abs(row[15:]).argmax())
    found.append(f"{at} at {pitch} Hz (expected {2 * M * spacing / pitch:.0f})")
told = f"A vowel at three pitches. The largest coefficient from 15 on is {', '.join(found)}."
show(f01_audio.curves(lines, told, xlabel="coefficient (from 1 on)", ylabel="C (dB)", first=1))

# %% [markdown]
# It is b): a line that moves to the left as the voice rises.
# Above 1,000 Hz the bands grow wider, so the line is smeared, and its place fits roughly.
# Voices of about 115 to 230 Hz, which most grown people have, put their line between 20 and 40.
# Keep that in mind for section 6.
#
# ### Where is the loudness?
#
# A recording that is $g$ times as loud has $g^2$ times the power, so each level rises by the same $20 \log_{10} g$ dB.
#
# **What do you expect?** Which coefficients change?
#
# - a) All, by the same number.
# - b) Coefficient 0 only.

# %% id="loudness" tags=["nbval-check-output"]
change = my_mfcc(2 * s) - my_mfcc(s)
assert np.allclose(change[:, 1:], 0, atol=1e-6)
print(f"coefficient 0 rises by {change[:, 0].mean():.2f}, all others by 0")
print(f"the root of M, times 20 log10(2): {np.sqrt(M) * 20 * np.log10(2):.2f}")

# %% [markdown]
# It is b): a constant is the cosine with $q = 0$, and at right angles to all others.
#
# ### Are the coefficients less alike than the bands?
#
# We take the frames of 100 recordings, and for each pair of columns the correlation over all frames.
# A correlation of 1 or -1 says that one number gives the other, 0 that it does not (by a straight line).

# %% id="correlation" tags=["nbval-check-output"]
rng = np.random.default_rng(SEED)
hundred = [spoken.recordings[i].path for i in rng.permutation(len(spoken))[:100]]
clips = audio.load_many(hundred, r, trim=True)
all_levels = np.concatenate([my_levels(clips[i].samples.astype(float)) for i in range(100)])
for name, columns in {"bands": all_levels, "coefficients": my_cepstrum(all_levels, M)}.items():
    table = np.abs(np.corrcoef(columns.T))
    print(f"{name}: neighbours {np.diag(table, 1).mean():.2f}", end=", ")
    print(f"all pairs {table[~np.eye(M, dtype=bool)].mean():.2f}")

# %% [markdown]
# A band says nearly the same as its neighbour; a coefficient says much less about the others.

# %% [markdown]
# ### Here is a good place to stop (about 90 min so far)
#
# Your chain makes MFCCs.
# What is left is the mean over time, and the question what it is good for.

# %% [markdown]
# ## 5. What does the mean over time keep, and what does it lose?
#
# Words differ in length, but the encoder wants 40 numbers.
# The report takes the mean over the frames:
#
# $$a_q = \frac{1}{N_t} \sum_{t=0}^{N_t-1} C[t, q].$$
#
# - $a_q$: number $q$ of the 40 *features* $a$; $C[t, q]$: the MFCCs; $N_t$: the number of frames
#
# ### What do you expect?
#
# We cut "one" into its frames, put these together in a random order, and compute the mean MFCCs of what we hear.
# They are compared with those of the word itself, and with those of other recordings.
#
# - a) They are as far from the word's as those of another word.
# - b) They are nearer to the word's than those of another take by the same speaker.

# %% id="many"
rng = np.random.default_rng(SEED)
chosen = rng.permutation(len(spoken))[: 1500 if FAST else None]
clips = audio.load_many([spoken.recordings[i].path for i in chosen], r, trim=True)
sounds = [clips[i].samples.astype(float) for i in range(len(clips))]
digits, speakers = spoken.digits[chosen], spoken.speakers[chosen]
forwards = [my_mfcc(sound) for sound in sounds]
means = np.array([C.mean(axis=0) for C in forwards])
print(f"{len(means)} recordings of {len(set(speakers))} speakers, means {means.shape}")


# %% id="shuffle-listen"
def shuffled(sound: np.ndarray) -> np.ndarray:
    """Its frames, Hann windows that overlap by half, in a random order."""
    pieces = my_frame(np.pad(sound, L // 2), L, L // 2) * w
    out = np.zeros((len(pieces) + 1) * L // 2)
    for place, piece in enumerate(rng.permutation(pieces)):
        out[place * L // 2 : place * L // 2 + L] += piece
    return out


one = sounds[int(np.flatnonzero(digits == 1)[0])]
play({"one": one, "one, its frames in a random order": shuffled(one)})

# %% [markdown]
# The distance of two mean vectors is
#
# $$\text{distance}(a, a') = \sqrt{\sum_q \left(\frac{a_q - a'_q}{\mathrm{SD}_q}\right)^2}.$$
#
# - $a$, $a'$: the features of two recordings; $a_q$: their number $q$
# - $\mathrm{SD}_q$: the standard deviation of number $q$ over all recordings, so that each counts alike
# - the distance has no unit
#
# We compare each "one" with itself shuffled, with itself backwards, and with other recordings.

# %% id="distances"
from scipy.spatial.distance import cdist

SD, ones = means.std(axis=0), np.flatnonzero(digits == 1)
apart = cdist(means[ones] / SD, means / SD)
same_digit, same_voice = digits == 1, speakers[ones][:, None] == speakers


def changed(change) -> np.ndarray:
    """How far each "one" is from itself after a change of its sound."""
    after = np.array([my_mfcc(change(sounds[i])).mean(axis=0) for i in ones])
    return np.linalg.norm((means[ones] - after) / SD, axis=1)


# %% id="distances-figure"
groups = {
    "the same, backwards": changed(lambda sound: sound[::-1]),
    "the same, frames shuffled": changed(shuffled),
    "same speaker, another take": apart[same_voice & same_digit & (apart > 0)],
    "same speaker, another digit": apart[same_voice & ~same_digit],
    'another speaker\'s "one"': apart[~same_voice & same_digit],
}
show(f01_audio.distances(groups, unit="distance of two means"))

# %% id="backwards-number"
from a2d.lab import record

backwards, mixed, take, word, voice = (np.median(group) for group in groups.values())
nearer = "nearer" if mixed < take else "no nearer"
print(f"Its frames in another order are {nearer} to the word than another take.")
name = '"one" backwards: its distance, as a share of the distance to another take'
# `record` prints a number, and marks it for the summary of the course.
record(name, backwards / take, f"{100 * backwards / take:.1f} %")
more = "more" if voice > word else "less"
print(f"Another voice moves the mean by {voice:.1f}, another digit by {word:.1f}:", end=" ")
print(f"the voice moves it {more}.")

# %% [markdown]
# It is b), though nobody would understand the shuffled word.
# A sum does not depend on the order of its terms, so the mean cannot know the order of the frames.
# (New frames straddle the seams, so shuffling moves it a little; backwards, nearly nothing changes.)
#
# The last line is about the voice: compare how far another speaker and another digit move the mean.
# Lecture 02 shows what that does to a speaker who was never heard.

# %% [markdown]
# ### Why exactly nothing changes backwards
#
# Suppose $N - 1$ is a multiple of the hop, $N - 1 = (N_t - 1) H$.
#
# 1. Frame $t$ of the reversed sound is centred on sample $(N_t - 1 - t) H$, as frame $N_t - 1 - t$ of the word is.
#    It holds the same samples in the other direction, but for the first, whose weight $w[0]$ is 0.
# 2. The Hann window is the same on both sides of its middle.
# 3. Reading real samples in the other direction changes only the phase of a DFT, not its size.
#
# So the spectra are the same in the other order, and the means are equal.

# %% id="backwards" tags=["nbval-check-output"]
whole = one[: 1 + (len(one) - 1) // H * H]  # so that N - 1 is a multiple of H
there, back = my_mfcc(whole), my_mfcc(whole[::-1])
assert np.allclose(there, back[::-1])
moved = np.abs(there.mean(axis=0) - back.mean(axis=0)).max()
print(f"largest change of a mean: {moved:.0e} dB")

# %% id="backwards-listen"
play({"one, backwards": whole[::-1]})

# %% [markdown] id="17b52eb8a0"
# ### What does it cost?
#
# A simple classifier, *nearest neighbour*: a recording gets the label of the recording that is nearest to it.
# We ask as a new speaker would: recordings by the same speaker do not count as neighbours.
#
# How sure are the shares that come out?
# The recordings of one speaker are alike, so each speaker counts as one number: the share of his or her recordings
# that is right.
# Lecture 00 picked recordings at random, again and again, to find the 95 % interval; here we pick *speakers*.

# %% id="reader"
names = np.unique(speakers)


def neighbour(vectors: np.ndarray, who: np.ndarray) -> np.ndarray:
    """For each of the vectors (N, Q), the number of the nearest one by another speaker."""
    z = (vectors - vectors.mean(axis=0)) / vectors.std(axis=0)
    apart = cdist(z, z)
    apart[who[:, None] == who] = np.inf
    return apart.argmin(axis=1)


def over_speakers(right: np.ndarray, who: np.ndarray) -> tuple[float, float, float]:
    """The mean over speakers of the share that is right, and its 95 % interval."""
    each = np.array([right[who == name].mean() for name in np.unique(who)])
    picked = np.random.default_rng(SEED).integers(0, len(each), (2000, len(each)))
    return each.mean(), *np.quantile(each[picked].mean(axis=1), [0.025, 0.975])


# %% id="tell"
def tell(name: str, found: tuple[float, float, float]) -> None:
    """Print a share with its interval, and record it."""
    share, low, high = (100 * value for value in found)
    record(name, found[0], f"{share:.1f} % ({low:.1f} to {high:.1f})")


# %% [markdown]
# First question: was a recording played forwards or backwards?
# We ask with the mean of all frames, and with the means of the first and the second half, one after the other.


# %% id="direction"
def halves(C: np.ndarray) -> np.ndarray:
    """Means of the first and of the second half of the frames: (N_t, Q) to (2 Q,)."""
    return np.concatenate([part.mean(axis=0) for part in np.array_split(C, 2)])


both = forwards + [my_mfcc(sound[::-1]) for sound in sounds]
was, who = np.repeat([0, 1], len(sounds)), np.tile(speakers, 2)
rows = {}
for name, way in {"mean": lambda C: C.mean(axis=0), "two halves": halves}.items():
    nearest = neighbour(np.array([way(C) for C in both]), who)
    rows[name] = over_speakers(was[nearest] == was, who)
    tell(f"forwards or backwards, from: {name}", rows[name])

# %% [markdown]
# From the mean it is guessing, as the algebra said.
#
# Second question: which digit is it?
# Two halves have twice as many numbers, so we compare fairly: we keep the first 20 coefficients of each half, which is
# 40 numbers again.
#
# ### What do you expect?
#
# As a third row we take the mean of the first 20 coefficients, half of what the report takes.
#
# - a) It names fewer digits than the 40: it knows less.
# - b) It names more.

# %% id="halves"
ways = {
    "mean, 40 coefficients": lambda C: C.mean(axis=0),
    "mean, 20 coefficients": lambda C: C[:, :20].mean(axis=0),
    "two halves, 20 each": lambda C: halves(C[:, :20]),
}
rows = {}
for name, way in ways.items():
    nearest = neighbour(np.array([way(C) for C in forwards]), speakers)
    rows[name] = over_speakers(digits[nearest] == digits, speakers)
    tell(f"digits named right, from: {name}", rows[name])
show(f01_audio.shares_right(rows, {"guessing": 0.1}))

# %% [markdown] id="70f96c1f64"
# So order matters, and the mean throws it away.
# The report takes the mean all the same, and this course reproduces it before it does better.
#
# And it is b): thrown away half, gained by it.
# Section 6 asks why.

# %% [markdown]
# {question 1.6}

# %% [markdown] id="answer-1-6" tags=["answer"]
# {answer 1.6}

# %% [markdown]
# ## 6. Which coefficients for a speaker whom you never heard?
#
# Each coefficient varies from recording to recording.
# How much of that is due to the digit, how much to the speaker?
# We take the mean of each digit, or of each speaker, and compare the variance of these means with the variance of all.
#
# ### What do you expect?
#
# Section 4 said that small $q$ holds the mouth and large $q$ the pitch.
#
# - a) Digits and speakers both move the first coefficients most.
# - b) Digits move the first ones only, speakers all of them.


# %% id="shares-of-variance"
def explained(labels: np.ndarray) -> np.ndarray:
    """The share of each feature's variance that lies between the labels, (Q,)."""
    where, counts = np.unique(labels, return_counts=True)
    between = np.array([means[labels == name].mean(axis=0) for name in where])
    squares = (between - means.mean(axis=0)) ** 2
    return np.average(squares, axis=0, weights=counts) / means.var(axis=0)


by = {"due to the digit": explained(digits), "due to the speaker": explained(speakers)}
parts = [f"{name} {v[1:13].mean():.0%} and {v[20:].mean():.0%}" for name, v in by.items()]
told = f"Of the variance of coefficients 1 to 12, and of those from 20 on: {', '.join(parts)}."
show(f01_audio.curves(by, told, xlabel="coefficient", ylabel="share of variance", shares=True))

# %% [markdown]
# It is b).
# From 20 on, where voices put the line of their pitch, a coefficient says who speaks, and hardly what.
# Distances add all of them up, so these coefficients decide who is near.
#
# ### What do you expect?
#
# How many are best? We keep the first 1, 2, 3, ... and ask in two ways.
# For *a new speaker* only recordings by other speakers count as neighbours; for *a known speaker* all other recordings.
#
# - a) More are always better: what does not help does no harm.
# - b) There is a best number below 40 for a new speaker; for a known one, more are better.
# - c) There is a best number below 40 for both.

# %% id="how-many"
z = (means - means.mean(axis=0)) / means.std(axis=0)
barred = {
    "a new speaker": speakers[:, None] == speakers,
    "a known speaker": np.eye(len(z), dtype=bool),
}
squares, right = np.zeros((len(z), len(z))), {name: [] for name in barred}
for q in range(Q):
    squares += (z[:, None, q] - z[None, :, q]) ** 2
    for name, bar in barred.items():
        nearest = np.where(bar, np.inf, squares).argmin(axis=1)
        right[name].append((digits[nearest] == digits).mean())

# %% id="how-many-figure"
best = {name: 1 + int(np.argmax(row)) for name, row in right.items()}
parts = [f"{n} {max(v):.0%} with {best[n]}, {v[-1]:.0%} with {Q}" for n, v in right.items()]
told = f"Digits named right by the nearest neighbour: {'; '.join(parts)}."
label = "coefficients that are kept, from 0 on"
show(f01_audio.curves(right, told, xlabel=label, ylabel="named right", first=1, shares=True))
lost = [f"{100 * (max(row) - row[-1]):.0f} points for {name}" for name, row in right.items()]
print(f"All {Q} instead of the best number cost {' and '.join(lost)}.")

# %% [markdown]
# It is c).
# This puts the report's 40 in question, for this classifier: a new speaker is heard better with fewer than half of
# them.
# A known speaker too, whose pitch changes from take to take; but the voice that is known stays far ahead.
# A network can learn to ignore what does not help, but it has to learn that, from the few speakers that it gets.
# Lecture 02 asks how well it does.
#
# One more thing is wrong with the curve: whoever takes its highest point has chosen with all speakers, and has nobody
# left to test the choice on.
# So the next task has two groups of people.

# %% [markdown]
# {exercise 1.7}
#
# Write `choose(features, digits, speakers)`: which coefficients to keep for speakers who are not among these.
#
# - In: `features`, mean vectors, shape $(N, Q)$; `digits` and `speakers`, whole numbers, shape $(N,)$.
# - Out: a list of the numbers $q$ to keep.
#
# The check gives your function recordings of some speakers.
# Then it standardises, names each recording of *other* speakers by its nearest neighbour with the coefficients that you
# keep, and counts.
# Any method is right that comes near what can be reached.
#
# The features are made up: the useful ones can stand anywhere, and their number differs.
# The others are steady from take to take of one speaker.
# Two points are for useful ones that stand first, two for useful ones that stand anywhere.
#
# {hints 1.7}


# %% id="exercise-1-7"
def choose(features: np.ndarray, digits: np.ndarray, speakers: np.ndarray) -> list[int]:
    """The numbers of the coefficients to keep for speakers who are not among these."""
    # SOLUTION BEGIN
    middles = np.array([features[digits == c].mean(axis=0) for c in np.unique(digits)])
    order = np.argsort(middles.var(axis=0) / features.var(axis=0))[::-1]
    scaled = (features - features.mean(axis=0)) / features.std(axis=0)
    table, found = np.zeros((len(digits), len(digits))), []
    for q in order:  # the most useful first: keep so many that new speakers are heard best
        table += (scaled[:, None, q] - scaled[None, :, q]) ** 2
        others = np.where(speakers[:, None] == speakers, np.inf, table)
        found.append((digits[others.argmin(axis=1)] == digits).mean())
    return sorted(order[: 1 + int(np.argmax(found))].tolist())
    # SOLUTION END


# %% id="check-1-7"
a2d.check("1.7", choose)

# %% [markdown]
# Your function now chooses for the real task, with two thirds of the speakers.
# The choice is tested on the other third, who had no say in it.
# Their neighbours are the speakers of the first group.

# %% id="chosen"
new = np.isin(speakers, names[::3])
keep = a2d.mine("1.7")(means[~new], digits[~new], speakers[~new])
print("kept:", *keep)
right, choices = {}, {"all 40": [*range(Q)], "0 to 12": [*range(13)], "chosen": keep}
for name, kept in choices.items():
    z = (means[:, kept] - means[~new][:, kept].mean(axis=0)) / means[~new][:, kept].std(axis=0)
    nearest = cdist(z[new], z[~new]).argmin(axis=1)
    right[name] = digits[~new][nearest] == digits[new]
    tell(f"digits of new speakers, from: {name}", over_speakers(right[name], speakers[new]))

# %% id="gain"
gain = right["chosen"].astype(float) - right["all 40"]
mean, low, high = (100 * value for value in over_speakers(gain, speakers[new]))
print(f"Chosen against all 40, on the same recordings: {mean:+.0f} points", end=" ")
print(f"(95 % interval {low:+.0f} to {high:+.0f}, over {len(set(speakers[new]))} speakers)")
clear = low > 0 or high < 0
print("The interval of the gain", "leaves 0 out." if clear else "holds 0: it may be chance.")

# %% [markdown]
# The intervals of the shares may overlap, and the gain be clear all the same: both rows have the same speakers, and
# a hard voice is hard for both.
# So compare speaker by speaker.
#
# It stays one classifier, and these voices: `DATA` names them.

# %% [markdown]
# Here are your points in this lecture.

# %% id="score"
a2d.score(1)

# %% [markdown]
# ## Quiz
#
# **Question 1.** A tone of 9,000 Hz is sampled 8,000 times per second, without a filter. What do you hear?
#
# <details><summary>a) A tone of 9,000 Hz, if your ears are good</summary>
#
# No: 8,000 samples per second hold tones up to 4,000 Hz only.
#
# </details>
# <details><summary>b) Silence</summary>
#
# No: that is what a filter before the sampling would give.
#
# </details>
# <details><summary>c) A tone of 1,000 Hz</summary>
#
# Right: $9000 - 8000 = 1000$ Hz has the same samples.
#
# </details>

# %% [markdown]
# **Question 2.** You whisper a word instead of saying it, equally loud. What changes in its MFCCs?
#
# <details><summary>a) Coefficient 0 only</summary>
#
# No: that is loudness, and it stayed.
#
# </details>
# <details><summary>b) Above all the line at large $q$: it is gone</summary>
#
# Right: a whisper has no harmonics, so there is no ripple, while the mouth does the same as before.
# That is why it can be understood.
#
# </details>
# <details><summary>c) Nothing, it is the same word</summary>
#
# No: the levels are other ones, and the MFCCs with all 64 coefficients give the levels back.
#
# </details>

# %% [markdown]
# **Question 3.** You found that 14 of 40 coefficients are best for new speakers. What do you need, to say how good they
# are?
#
# <details><summary>a) Nothing, the highest point of the curve says it</summary>
#
# No: among forty numbers, the highest is a little too high by chance.
#
# </details>
# <details><summary>b) More recordings of the same speakers</summary>
#
# No: a new speaker is the question, and they say little about one.
#
# </details>
# <details><summary>c) Speakers who had no part in the choice</summary>
#
# Right: one group to choose with, another one to measure with.
#
# </details>

# %% [markdown]
# ## You can now
#
# - say which tones a sampling rate can hold, and what becomes of the others
# - compute MFCCs that equal those of librosa, with steps that you wrote
# - explain what a cepstral coefficient is, and which of them hold the mouth, the pitch and the loudness
# - say what the mean over time keeps and loses, and measure what that costs
# - choose features for speakers who were never heard, and test the choice on others

# %% [markdown]
# ### The formulas
#
# Time is the first axis.
#
# - $P = |X|^2$: power, where $X$ is the DFT of the windowed frames
# - $S = P B^\top$: mel spectrogram, where $B$ holds the triangles
# - $D = 10 \log_{10} S$: levels in dB (reference 1); $S$ is raised to $10^{-10}$, $D$ cut `top_db` below its maximum
# - $C = D\,G^\top$: MFCCs, where $G$ holds the cosines
# - $a$: the mean of $C$ over the frames
# - $q = 2 M \Delta / f_0$: where a voice of pitch $f_0$ puts its line

# %% [markdown]
# ## What to read
#
# - S. Davis, P. Mermelstein (1980), [Comparison of parametric representations for monosyllabic word recognition in
#   continuously spoken sentences](https://doi.org/10.1109/TASSP.1980.1163420), IEEE Trans. ASSP 28(4): the MFCCs.
# - B. Bogert, M. Healy, J. Tukey (1963), The quefrency alanysis of time series for echoes: cepstrum,
#   pseudo-autocovariance, cross-cepstrum and saphe cracking: the cepstrum, and more words turned round.
# - F. J. Harris (1978), [On the use of windows for harmonic analysis with the discrete Fourier
#   transform](https://doi.org/10.1109/PROC.1978.10837), Proc. IEEE 66(1).
# - N. Ahmed, T. Natarajan, K. R. Rao (1974), [Discrete cosine transform](https://doi.org/10.1109/T-C.1974.223784),
#   IEEE Trans. Computers C-23(1).
# - S. S. Stevens, J. Volkmann, E. B. Newman (1937), [A scale for the measurement of the psychological magnitude
#   pitch](https://doi.org/10.1121/1.1915893), JASA 8(3).
# - D. Griffin, J. Lim (1984), [Signal estimation from modified short-time Fourier
#   transform](https://doi.org/10.1109/TASSP.1984.1164317), IEEE Trans. ASSP 32(2).

# %% [markdown]
# Programs and a book:
#
# - B. McFee and others (2015), [librosa: Audio and music signal analysis in
#   Python](https://doi.org/10.25080/Majora-7b98e3ed-003), Proc. 14th Python in Science Conf.
# - M. Müller (2021), [Fundamentals of Music Processing](https://www.audiolabs-erlangen.de/fmp), 2nd edition, Springer,
#   with notebooks.
# - `a2d/features.py`: the code of this lecture, in the same order.

# %% [markdown]
# ## What comes next
#
# Lecture 02 looks at the recordings themselves: who speaks, and how they are split.
# And it asks how well a network names the digit from the 40 numbers.
