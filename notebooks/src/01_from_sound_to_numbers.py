# %% [markdown]
# # 01 From a sound to numbers
#
# {badges}
#
# About 90 min, CPU, needs 00.
#
# The encoder does not hear a sound: it gets 40 numbers.
# This lecture makes these numbers, step by step, from the samples.
# At each step we compare with `librosa`, a library that many people use for this.
# At the end we ask what the 40 numbers no longer say.

# %% [markdown]
# ## You will be able to
#
# - say which tones a sampling rate can hold, and what becomes of the others
# - compute a power spectrogram from frames, a window and a Fourier transform
# - put it on the mel scale and in decibels, and say what each setting does
# - compute MFCCs that equal those of librosa
# - name what the mean over time keeps and loses, and measure what that costs
#
# ## Before you start
#
# You need NumPy arrays, sums, sine and cosine, and logarithms.
# A complex number is needed once; it is enough to know its absolute value.
#
# ## Where we are
#
# **sound** → **features** → encoder → latent → decoder → picture → evaluator → digit
#
# Lecture 01 takes the first arrow apart.

# %% [markdown] id="64a52adeed"
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
# ## 1. How does a sound become numbers?
#
# A microphone measures the pressure of the air at even steps of time:
#
# $$x[n] = s(n / r), \qquad n = 0, \dots, N - 1.$$
#
# - $s(t)$: the pressure at the time $t$ in seconds, as a part of full scale (no unit)
# - $r$: the sampling rate in samples per second (Hz)
# - $x[n]$: sample number $n$
# - $N$: the number of samples
#
# The object `config` holds the settings of the whole lecture.
# `audio.prepare` cuts silence off before and after the word, as the model does.

# %% id="load" tags=["nbval-check-output"]
import numpy as np

from a2d import audio, datasets, features

config = features.MfccConfig()
r = config.sample_rate
spoken = datasets.load_spoken(DATA)
seven = next(recording for recording in spoken.recordings if recording.digit == 7)
x = audio.prepare(audio.load(seven.path), r).astype(float)
N = len(x)
print(f"N = {N} samples, r = {r} Hz, {N / r:.2f} s")

# %% id="listen"
from IPython.display import Audio

Audio(x, rate=r)

# %% [markdown]
# ### Which tones can samples hold?
#
# A tone of $f$ Hz has the samples $\cos(2\pi f n / r)$.
# Take a second tone of $g = r - f$ Hz:
#
# $$\cos\left(2\pi \frac{(r - f)\, n}{r}\right)
# = \cos\left(2\pi n - 2\pi \frac{f n}{r}\right)
# = \cos\left(2\pi \frac{f n}{r}\right).$$
#
# The last step holds because $n$ is a whole number and the cosine repeats every $2\pi$.
#
# - $f$, $g$: two frequencies in Hz
# - $r$, $n$: sampling rate and sample number, as before
#
# Both tones have the same samples.
# So each tone above $r / 2$ looks like one below.
# This is called *aliasing*, and $r / 2$ the *Nyquist frequency*.

# %% id="alias" tags=["nbval-check-output"]
n = np.arange(r)
high, low = (np.cos(2 * np.pi * f * n / r) for f in (5000, r - 5000))
print("same samples:", np.allclose(high, low))
strongest = np.abs(np.fft.rfft(high)).argmax() * r / len(n)
print(f"a tone of 5000 Hz looks like one of {strongest:.0f} Hz")

# %% id="alias-figure"
from a2d.figures import f01_audio

show(f01_audio.aliasing(5000, r))

# %% [markdown]
# No program can tell the two apart afterwards.
# So a recorder must remove everything above $r / 2$ *before* it samples.
# The same holds for whoever lowers the rate of a recording.
# We halve the rate of a tone of 5,000 Hz, from 16,000 to 8,000 samples per second.
# Once we just drop every second sample; once `audio.resample` filters first.
#
# At 8,000 samples per second this tone has no place, so silence is the right answer.

# %% id="resample" tags=["nbval-check-output"]
tone = np.cos(2 * np.pi * 5000 * np.arange(16000) / 16000)
dropped, filtered = tone[::2], audio.resample(tone, 16000, 8000)
middle = slice(1000, 7000)  # away from the ends, where a tone begins and stops
for name, y in {"dropped": dropped, "filtered": filtered}.items():
    print(f"{name}: amplitude {np.abs(y[middle]).max():.2f}")

# %% [markdown]
# ## 2. Which tones are in it, and when?
#
# A word changes while it is spoken, so we look at short pieces, the *frames*:
#
# $$x_t[n] = x[tH + n], \qquad n = 0, \dots, L - 1.$$
#
# - $t$: the number of the frame, from 0
# - $L$: the length of a frame in samples (`n_fft`)
# - $H$: the hop, in samples, from one frame to the next (`hop_length`)
# - $T$: the number of frames
#
# A frame should be so short that the sound hardly changes in it, and so long that it holds several periods of a voice.
#
# Two customs exist.
# *Not centred*: frame 0 begins with sample 0.
# *Centred*: $L / 2$ zeros are put before and after, so frame $t$ has sample $tH$ in its middle.
# Then there are $T = 1 + \lfloor N / H \rfloor$ frames.
# The model uses centred frames, as librosa does unless told otherwise.

# %% id="frames" tags=["nbval-check-output"]
import librosa

L, H = config.n_fft, config.hop_length
framed = features.frames(x, L, H)
theirs = librosa.util.frame(np.pad(x, L // 2), frame_length=L, hop_length=H).T
print(f"a frame lasts {1000 * L / r:.0f} ms, one begins every {1000 * H / r:.0f} ms")
print("frames, samples:", framed.shape, "and 1 + N // H is", 1 + N // H)
print("same as librosa:", np.array_equal(framed, theirs))

# %% [markdown]
# Mind the axes.
# Here frames come first: an array of frames is $(T, L)$, and every later array is $(T, \dots)$.
# librosa puts time last, so we transpose what it gives (`.T`).

# %% [markdown]
# {exercise 1.1}
#
# Write `frame(x, n_fft, hop_length)`, without centring.
#
# - In: `x`, samples, shape $(N,)$ with $N \ge L$; `n_fft` $= L$ and `hop_length` $= H$, in samples.
# - Out: an array of shape $(T, L)$ with $x_t[n] = x[tH + n]$ in row $t$.
#
# Keep whole frames only: $T$ is as large as it can be without reaching beyond the last sample.
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
    """Frames (T, n_fft) of the samples x (N,)."""
    # SOLUTION BEGIN
    count = 1 + (len(x) - n_fft) // hop_length
    starts = hop_length * np.arange(count)
    return np.stack([x[start : start + n_fft] for start in starts])
    # SOLUTION END


# %% id="check-1-1"
a2d.check("1.1", frame)

# %% [markdown]
# ### The spectrum of one frame
#
# How much of each frequency is in a frame?
# The discrete Fourier transform (DFT) compares it with turning pointers:
#
# $$X[t, k] = \sum_{n=0}^{L-1} w[n]\, x_t[n]\, e^{-2\pi i k n / L}, \qquad P[t, k] = |X[t, k]|^2.$$
#
# - $w[n]$: a *window*, a weight for each sample (next cells; at first all 1)
# - $k = 0, \dots, L / 2$: the number of a *bin*; its frequency is $f_k = k r / L$ in Hz
# - $X[t, k]$: a complex number; its size tells how strong, its angle (*phase*) when the wave begins
# - $P[t, k]$: the power; the phase is gone
# - $i$: the imaginary unit
#
# Bins above $L / 2$ would repeat the lower ones: the aliasing of section 1.
#
# The sum as it stands, for the loudest frame:

# %% id="dft" tags=["nbval-check-output"]
loudest = int((framed**2).sum(axis=1).argmax())
n, k = np.arange(L), np.arange(L // 2 + 1)
pointers = np.exp(-2j * np.pi * np.outer(k, n) / L)
X = pointers @ framed[loudest]
quick = np.fft.fft(framed[loudest])
print("same as the fast transform:", np.allclose(X, quick[: L // 2 + 1]))
size = np.abs(quick)
print("the upper half repeats:", np.allclose(size[1 : L // 2], size[: L // 2 : -1]))
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
# - $w[n]$: the weight of sample $n$ in the frame, between 0 and 1
# - $L$: the length of the frame

# %% id="hann" tags=["nbval-check-output"]
from scipy.signal import get_window

w = 0.5 - 0.5 * np.cos(2 * np.pi * n / L)
print("same as SciPy:", np.allclose(w, get_window("hann", L)))
print("same as the package:", np.allclose(w, features.hann_window(L)))

# %% [markdown]
# We send one tone through both windows.
# Its frequency lies in the middle between two bins, the worst case.
# The level is in decibels, which section 3 explains: 20 dB less is a tenth of the amplitude.

# %% id="leakage"
bins = np.fft.rfftfreq(L, 1 / r)


def levels(tone: float, window: np.ndarray) -> np.ndarray:
    """Spectrum in dB below its maximum, of a tone in Hz through a window (L,)."""
    power = np.abs(np.fft.rfft(window * np.cos(2 * np.pi * tone * n / r))) ** 2
    return 10 * np.log10(np.maximum(power / power.max(), 1e-12))


between = 64.5 * r / L
windows = {"no window": np.ones(L), "Hann": w}
spectra = {name: levels(between, window) for name, window in windows.items()}
show(f01_audio.leakage(bins, spectra, tone=between, far=500))

# %% [markdown]
# A weak sound beside a strong one would drown in the skirts of the upper curve.
#
# The Hann window has a price: the line itself becomes wider.
# A tone exactly on a bin shows it.

# %% id="price" tags=["nbval-check-output"]
for name, window in windows.items():
    wide = int((levels(64 * r / L, window) > -20).sum())
    print(f"{name}: {wide} bin{'s' * (wide > 1)} within 20 dB of the maximum")

# %% [markdown]
# Now all frames at once, against librosa: first centred, then not.
# $L / 2$ is a whole number of hops here.
# So the frames that are not centred must be among ours: they begin $L / (2H)$ frames later.

# %% id="spectrogram" tags=["nbval-check-output"]
P = features.power_spectrum(framed, w)
centred = np.abs(librosa.stft(x, n_fft=L, hop_length=H)) ** 2
plain = np.abs(librosa.stft(x, n_fft=L, hop_length=H, center=False)) ** 2
first, count = L // (2 * H), plain.shape[1]
print("shape:", P.shape)
print("centred, same as librosa:", np.allclose(P, centred.T))
print("not centred, same as librosa:", np.allclose(P[first : first + count], plain.T))

# %% [markdown]
# {exercise 1.2}
#
# Write `windowed_power(frames, window)`, for all frames at once.
#
# - In: `frames`, shape $(T, L)$; `window`, shape $(L,)$.
# - Out: the power $P[t, k]$, real numbers of shape $(T, \lfloor L / 2 \rfloor + 1)$.
#
# The equation is the one above.
# Use a fast transform of NumPy instead of the sum.
#
# {hints 1.2}
#
# <details><summary>Some cases are right, others are not?</summary>
#
# In some cases every weight of the window is 1, and a forgotten window does not show.
#
# </details>


# %% id="exercise-1-2"
def windowed_power(frames: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Power (T, L // 2 + 1) of frames (T, L), each weighted by window (L,)."""
    # SOLUTION BEGIN
    spectrum = np.fft.rfft(frames * window, axis=-1)
    return np.abs(spectrum) ** 2
    # SOLUTION END


# %% id="check-1-2"
a2d.check("1.2", windowed_power)

# %% [markdown]
# ## 3. How do we hear it?
#
# From 200 to 400 Hz is a large step for the ear, from 3,200 to 3,400 Hz a small one.
# The *mel scale* is made so that equal steps sound about equally large.
# librosa's default is M. Slaney's version of it: even up to 1,000 Hz, logarithmic above.
#
# $$m(f) = \begin{cases} 3 f / 200 & f < 1000 \\ 15 + 27 \ln(f / 1000) / \ln 6.4 & f \ge 1000 \end{cases}$$
#
# - $f$: the frequency in Hz
# - $m$: the pitch in mel, of this version
# - $\ln$: the natural logarithm
#
# Another version, called HTK's, is $m(f) = 2595 \log_{10}(1 + f / 700)$.
# Say which one you use: they are two different scales with one name.

# %% id="mel" tags=["nbval-check-output"]
f = np.linspace(0, r / 2, 1001)
above = 15 + 27 * np.log(np.maximum(f, 1000) / 1000) / np.log(6.4)
m = np.where(f < 1000, 3 * f / 200, above)
print("same as librosa:", np.allclose(m, librosa.hz_to_mel(f)))
print("HTK's is another one:", not np.allclose(m, librosa.hz_to_mel(f, htk=True)))
for start in (200, 3200):
    step = np.diff(librosa.hz_to_mel([start, start + 200]))[0]
    print(f"from {start} to {start + 200} Hz: {step:.2f} mel")

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

# %% id="filterbank" tags=["nbval-check-output"]
M = config.n_mels
edges = librosa.mel_to_hz(np.linspace(*librosa.hz_to_mel([0, r / 2]), M + 2))
j = 20
rise = (bins - edges[j]) / (edges[j + 1] - edges[j])
fall = (edges[j + 2] - bins) / (edges[j + 2] - edges[j + 1])
band = np.clip(np.minimum(rise, fall), 0, None) * 2 / (edges[j + 2] - edges[j])
B = features.mel_filterbank(config)
theirs = librosa.filters.mel(sr=r, n_fft=L, n_mels=M, dtype=float)
print("shape:", B.shape)
print("our band 20 is the package's:", np.allclose(band, B[j]))
print("all bands are librosa's:", np.allclose(B, theirs))

# %% id="filterbank-figure"
show(f01_audio.mel_filters(bins, B, edges, features.hz_to_mel(edges)))

# %% [markdown]
# Low frequencies get many narrow bands, high ones few wide ones.
# With the area 1, a hiss that is equally strong everywhere gives equal levels in all bands, whatever their widths.
# Is that so?

# %% id="white" tags=["nbval-check-output"]
flat = B.sum(axis=1) * r / L  # a spectrum of 1 everywhere; r / L is the distance of two bins
print(f"a flat spectrum gives bands between {flat.min():.2f} and {flat.max():.2f}")
S = P @ B.T
mel_of = librosa.feature.melspectrogram
theirs = mel_of(y=x, sr=r, n_fft=L, hop_length=H, n_mels=M, dtype=float)
print("mel spectrogram:", S.shape, "same as librosa:", np.allclose(S, theirs.T))

# %% [markdown]
# The bands are not exactly equal: the lowest triangles cover few bins, and a few points do not measure an area exactly.

# %% [markdown]
# {exercise 1.3}
#
# Write `htk_bank(bins, n_mels)`: a bank on HTK's scale, each triangle with a top of 1 (no factor in front).
#
# - In: `bins`, the frequencies $f_k$ in Hz, shape $(K,)$, rising from 0; `n_mels` $= M$, the number of bands.
# - Out: weights of shape $(M, K)$.
#
# The edges are $M + 2$ even steps in mel, from 0 Hz to `bins[-1]`.
# The triangles have straight sides in Hz.
#
# $$m = 2595 \log_{10}(1 + f / 700), \qquad f = 700\,(10^{m / 2595} - 1)$$
#
# - $f$: a frequency in Hz; $m$: the same in HTK's mel
#
# {hints 1.3}
#
# <details><summary>The shape is right but the values are not?</summary>
#
# Where are your steps even: in Hz or in mel?
# And where are the sides straight?
#
# </details>


# %% id="exercise-1-3"
def htk_bank(bins: np.ndarray, n_mels: int) -> np.ndarray:
    """Triangles (n_mels, K) over bins (K,) in Hz, evenly spaced on HTK's mel scale."""
    # SOLUTION BEGIN
    mels = np.linspace(0, 2595 * np.log10(1 + bins[-1] / 700), n_mels + 2)
    hz = 700 * (10 ** (mels / 2595) - 1)
    rows = []
    for left, top, right in zip(hz[:-2], hz[1:-1], hz[2:], strict=True):
        sides = np.minimum((bins - left) / (top - left), (right - bins) / (right - top))
        rows.append(np.maximum(0, sides))
    return np.stack(rows)
    # SOLUTION END


# %% id="check-1-3"
a2d.check("1.3", htk_bank)

# %% [markdown]
# ### Decibels
#
# The powers in one word differ by many factors of ten, and yet we hear the weak ones.
# The ear hears ratios, so we take a logarithm:
#
# $$D[t, j] = 10 \log_{10} \frac{\max(S[t, j],\, 10^{-10})}{S_0}, \qquad
# D[t, j] \leftarrow \max(D[t, j],\, D_{\max} - d).$$
#
# - $S[t, j]$: the mel spectrogram; $S_0$: the *reference*, the power that is called 0 dB; here 1
# - $D[t, j]$: the level in decibels (dB); $\log_{10}$: base 10
# - $D_{\max}$: the largest level of the recording
# - $d$: `top_db`, here 80 dB; nothing may lie further below the maximum
#
# The factor is 10 for a power and 20 for an amplitude, and both give the same level.
# A power is a square: $10 \log_{10} a^2 = 20 \log_{10} a$, where $a$ is an amplitude.

# %% id="decibels" tags=["nbval-check-output"]
factors = np.log10(np.quantile(S, 0.95) / np.quantile(S, 0.05))
print(f"factors of ten in the middle 90 % of the powers: {factors:.0f}")
D = features.power_to_db(S, config.top_db)
print("same as librosa:", np.allclose(D, librosa.power_to_db(S, ref=1.0, top_db=80)))
louder = features.power_to_db(2**2 * S, config.top_db)
print(f"twice the amplitude: {np.median(louder - D):.2f} dB more")
print("range of at most top_db:", D.max() - D.min() <= config.top_db)

# %% [markdown]
# A decibel without its reference says nothing.
# "-20 dB" can mean a hundredth of the power of full scale, of the loudest frame, or of anything else.

# %% [markdown]
# {exercise 1.4}
#
# Write `to_db(power, ref, top_db)`.
#
# - In: `power`, an array of any shape, 0 or more; `ref` $= S_0 > 0$, a power; `top_db` $= d$, in dB.
# - Out: levels in dB, same shape, as in the equations above, with the largest level taken over the whole array.
#
# {hints 1.4}
#
# <details><summary>Loud sounds are right, silence is not?</summary>
#
# `np.log10(0)` is minus infinity.
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

# %% [markdown]
# ## 4. How do 64 levels become 40 numbers?
#
# The levels of neighbouring bands are much alike, so 64 numbers say the same things several times.
# The discrete cosine transform (DCT) describes each frame by cosines of rising frequency:
#
# $$c[t, q] = a_q \sum_{j=0}^{M-1} D[t, j] \cos\left(\frac{\pi q\, (j + \tfrac12)}{M}\right), \qquad
# a_0 = \sqrt{1 / M}, \quad a_q = \sqrt{2 / M} \text{ for } q > 0.$$
#
# - $c[t, q]$: mel-frequency cepstral coefficient (MFCC) number $q$ of frame $t$
# - $q = 0, \dots, Q - 1$; $Q$ is `n_mfcc`
# - $D[t, j]$: the level of band $j$ in dB; $M$: the number of bands
# - $a_q$: a scale that gives each cosine the length 1 (*orthonormal*, DCT-II)
#
# Small $q$ is the outline of the spectrum, large $q$ its fine ripple.

# %% id="dct" tags=["nbval-check-output"]
from scipy.fft import dct

q, t = 3, loudest
total = sum(D[t, j] * np.cos(np.pi * q * (j + 0.5) / M) for j in range(M))
reference = dct(D[t], type=2, norm="ortho")
print("our coefficient 3 is SciPy's:", np.isclose(np.sqrt(2 / M) * total, reference[q]))
C = features.dct_matrix(M, M)
print("cosines of length 1, orthogonal:", np.allclose(C @ C.T, np.eye(M)))
print("the package's are SciPy's:", np.allclose(C @ D[t], reference))
print("and back again:", np.allclose(reference @ C, D[t]))

# %% [markdown]
# Because the cosines are orthonormal, the transpose takes us back: $D = c\,C$, with all $M$ coefficients.
#
# - $C$: the matrix of the scaled cosines, $(M, M)$; $c$ and $D$ as above
#
# With fewer coefficients we get a smoother curve.

# %% id="smoothing"
smooth = {f"{q} coefficients": reference[:q] @ C[:q] for q in (2, 13, config.n_mfcc)}
show(f01_audio.smoothing(D[loudest], smooth))

# %% [markdown]
# ### Are the coefficients less alike than the bands?
#
# We take the frames of 100 recordings, and for each pair of columns the correlation over all frames.
# A correlation of 1 or -1 says that one number gives the other, 0 that it does not (by a straight line).

# %% id="correlation" tags=["nbval-check-output"]
rng = np.random.default_rng(SEED)
hundred = [spoken.recordings[i].path for i in rng.permutation(len(spoken))[:100]]
clips = audio.load_many(hundred, r, trim=True)
all_levels = np.concatenate([features.log_mel(clips[i].samples, config) for i in range(100)])
for name, columns in {"bands": all_levels, "coefficients": all_levels @ C.T}.items():
    table = np.abs(np.corrcoef(columns.T))
    print(f"{name}: neighbours {np.diag(table, 1).mean():.2f}", end=", ")
    print(f"all pairs {table[~np.eye(M, dtype=bool)].mean():.2f}")

# %% [markdown]
# A band says nearly the same as its neighbour; a coefficient says much less about the others.
#
# ### Where is the loudness?
#
# A recording that is $g$ times as loud has $g^2$ times the power, so each level rises by the same $20 \log_{10} g$ dB.
# A constant is the cosine with $q = 0$, and orthogonal to all others.
# So only coefficient 0 should change:
#
# $$c[t, 0] \leftarrow c[t, 0] + \sqrt{M} \cdot 20 \log_{10} g.$$
#
# - $g$: the factor of loudness; $M$: the number of bands; $c[t, 0]$: coefficient 0 of frame $t$

# %% id="loudness" tags=["nbval-check-output"]
change = features.mfcc(2 * x, config) - features.mfcc(x, config)
wanted = np.sqrt(M) * 20 * np.log10(2)
print(f"coefficient 0 rises by {change[:, 0].mean():.2f}, expected {wanted:.2f}")
print("all others stay:", np.allclose(change[:, 1:], 0))

# %% [markdown]
# {exercise 1.5}
#
# Write `cepstrum(log_mel, n_mfcc)`.
#
# - In: `log_mel`, levels $D[t, j]$ in dB, shape $(T, M)$; `n_mfcc` $= Q \le M$.
# - Out: coefficients $c[t, q]$, shape $(T, Q)$.
#
# The equation stands at the beginning of this section.
# Write the cosines yourself.
#
# {hints 1.5}
#
# <details><summary>All is right but the first column?</summary>
#
# Coefficient 0 has a scale of its own: $a_0$ is smaller than the other $a_q$ by the root of 2.
#
# </details>


# %% id="exercise-1-5"
def cepstrum(log_mel: np.ndarray, n_mfcc: int) -> np.ndarray:
    """MFCCs (T, n_mfcc) from levels log_mel (T, M) in dB."""
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
# ### All steps, against one call of librosa
#
# From scratch: frames, window, power, mel, decibels, cosines.
# The settings that must agree:
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

# %% id="librosa" tags=["nbval-check-output"]
c = features.power_to_db(features.power_spectrum(features.frames(x, L, H), w) @ B.T) @ C.T
c = c[:, : config.n_mfcc]
sizes = {"n_fft": L, "hop_length": H, "n_mels": M, "n_mfcc": config.n_mfcc}
theirs = librosa.feature.mfcc(y=x, sr=r, dtype=float, **sizes).T
print("shape:", c.shape)
print("same as librosa:", np.allclose(c, theirs))
print("same as the package:", np.allclose(c, features.mfcc(x, config)))

# %% id="steps-figure"
from a2d import figures

P_db = features.power_to_db(P, config.top_db)
show(figures.sound_steps(x, r, P_db.T, D.T, c.T, c.mean(axis=0), H))

# %% [markdown]
# Read it from top to bottom: all $N$ samples become 40 numbers, whatever $N$ is.
#
# In panel 2 the stripes are the harmonics of the voice: multiples of its pitch $f_0$.
# Where have they gone in panel 4?
# Below 1,000 Hz all bands are $\Delta$ apart, so the harmonics are a ripple with a period of $f_0 / \Delta$ bands.
# The cosine number $q$ has a period of $2M / q$ bands.
# The two agree at
#
# $$q = 2 M \Delta / f_0.$$
#
# - $f_0$: the pitch in Hz; $\Delta = e_1 - e_0$: the distance of two low bands in Hz
# - $M$: the number of bands; $q$: the number of the coefficient
#
# We try it with made-up voices: all harmonics, equally strong.

# %% id="pitch" tags=["nbval-check-output"]
seconds, spacing = np.arange(r) / r, edges[1] - edges[0]
for pitch in (150, 180, 220):
    tones = [np.cos(2 * np.pi * h * pitch * seconds) for h in range(1, r // (2 * pitch))]
    ripple = features.mfcc(np.sum(tones, axis=0), config)[30]
    found, expected = 15 + ripple[15:].argmax(), 2 * M * spacing / pitch
    print(f"{pitch} Hz: largest coefficient from 15 on {found}, expected {expected:.0f}")

# %% [markdown]
# So small $q$ holds the outline of the spectrum, and a line at large $q$ tells how high the voice is.
# Above 1,000 Hz the bands grow wider, so the two numbers agree only roughly.

# %% [markdown]
# ### Try other settings
#
# Choose a recording, hear it, and change one setting at a time.
#
# - A longer frame (`n_fft`): which axis becomes sharper, which one more blurred?
# - A longer hop: how many frames are left?
# - More mel bands than the bins can fill: what happens at the bottom?
# - Fewer coefficients: what of the mean stays the same?

# %% id="explorer"
from a2d import widgets

speaker = spoken.speaker_names[0]
takes = {q.digit: q for q in reversed(spoken.recordings) if q.speaker == speaker}
labelled = {f"{d}, speaker {speaker}": audio.load(takes[d].path) for d in range(10)}
show(widgets.mfcc_explorer(labelled, **sizes))

# %% [markdown]
# ## 5. What does the mean over time keep, and what does it lose?
#
# Words differ in length, but the encoder wants 40 numbers.
# The report takes the mean over the frames:
#
# $$\bar c[q] = \frac{1}{T} \sum_{t=0}^{T-1} c[t, q].$$
#
# - $\bar c[q]$: number $q$ of the 40; $c[t, q]$: the MFCCs; $T$: the number of frames
#
# A sum does not depend on the order of its terms.
# So the frames in any other order have the same mean.
# The word "one" with its frames shuffled is, for the encoder, the word "one".

# %% id="shuffle" tags=["nbval-check-output"]
recording = next(recording for recording in spoken.recordings if recording.digit == 1)
one = audio.prepare(audio.load(recording.path), r).astype(float)
c = features.mfcc(one, config)
shuffled = c[rng.permutation(len(c))]
print("frames in the same order:", np.allclose(c, shuffled))
print("same mean:", np.allclose(c.mean(axis=0), shuffled.mean(axis=0)))

# %% [markdown]
# ### Say "one" backwards
#
# Backwards is $y[n] = x[N - 1 - n]$.
# Suppose $N - 1$ is a multiple of the hop, $N - 1 = (T - 1) H$.
#
# 1. Frame $t$ of $y$ is centred on $y[tH] = x[(T - 1 - t) H]$, as frame $T - 1 - t$ of $x$ is.
#    It holds the same samples in the other direction, but for the first, whose weight $w[0]$ is 0.
# 2. The Hann window $w$ is the same on both sides of its middle.
# 3. Reading real samples in the other direction changes only the phase of a DFT, not $|X|$.
#
# So the spectra of $y$ are those of $x$ in the other order, and the means are equal.
#
# - $x$, $y$: samples forwards and backwards; $n$: sample number; $N$: their number
# - $H$: hop; $t$: frame number; $T$: number of frames; $X$: the DFT

# %% id="backwards" tags=["nbval-check-output"]
whole = one[: 1 + (len(one) - 1) // H * H]  # so that N - 1 is a multiple of H
there, back = features.mfcc(whole, config), features.mfcc(whole[::-1], config)
print("frames are the same in the other order:", np.allclose(there, back[::-1]))
print("means are the same:", np.allclose(there.mean(axis=0), back.mean(axis=0)))
print("the sounds are the same:", np.allclose(whole, whole[::-1]))

# %% id="backwards-listen"
Audio(whole[::-1], rate=r)

# %% id="backwards-figure"
show(f01_audio.there_and_back(there, back, H / r))

# %% [markdown]
# ### How large is the difference, compared with others?
#
# Without our cut the frames fall on other samples, and the means differ a little.
# How little?
# We take many recordings, and compute the MFCCs of each forwards and backwards.

# %% id="many"
chosen = rng.permutation(len(spoken))[: 1500 if FAST else None]
clips = audio.load_many([spoken.recordings[i].path for i in chosen], r, trim=True)
digits, speakers = spoken.digits[chosen], spoken.speakers[chosen]
forwards = [features.mfcc(clips[i].samples, config) for i in range(len(clips))]
backwards = [features.mfcc(clips[i].samples[::-1], config) for i in range(len(clips))]
means, means_back = (np.array([c.mean(axis=0) for c in cs]) for cs in (forwards, backwards))
print(f"{len(clips)} recordings of {len(set(speakers))} speakers, means {means.shape}")

# %% [markdown]
# The distance of two means is
#
# $$\delta(u, v) = \sqrt{\sum_q \left(\frac{u_q - v_q}{\sigma_q}\right)^2}.$$
#
# - $u$, $v$: two mean vectors; $u_q$, $v_q$: their number $q$
# - $\sigma_q$: the standard deviation of number $q$ over all recordings, so that each counts alike
# - $\delta$: the distance, without a unit
#
# We compare each "one" with itself backwards, and with other recordings.

# %% id="distances"
from scipy.spatial.distance import cdist

sigma, ones = means.std(axis=0), digits == 1
delta = cdist(means[ones] / sigma, means / sigma)
turned = np.linalg.norm((means - means_back)[ones] / sigma, axis=1)
same_digit, same_voice = ones, speakers[ones][:, None] == speakers
groups = {
    "the same, backwards": turned,
    "same speaker, another take": delta[same_voice & same_digit & (delta > 0)],
    "same speaker, another digit": delta[same_voice & ~same_digit],
    'another speaker\'s "one"': delta[~same_voice & same_digit],
}
show(f01_audio.distances(groups, unit="distance of two means"))

# %% [markdown]
# Compare each "one" backwards with the recording that is nearest to it, whoever speaks and whatever is said.

# %% id="nearest-recording" tags=["nbval-check-output"]
other = np.where(delta > 0, delta, np.inf).min(axis=1)
print(f"backwards is nearer than any other recording: {(turned < other).mean():.0%}")

# %% id="backwards-number"
from a2d.lab import record

share = np.median(turned) / np.median(groups["same speaker, another take"])
name = '"one" backwards: its distance, as a share of the distance to another take'
record(name, share, f"{100 * share:.1f} %")

# %% [markdown]
# The figure also says what the mean *keeps*: the voice.
# Compare the distances to another digit of the same speaker with those to another speaker's "one".
# Where the two are about alike, the voice moves the mean as much as the word does.
# Lecture 02 shows what that does to a speaker who was never heard.

# %% [markdown] id="17b52eb8a0"
# ### What does it cost?
#
# A simple classifier, *nearest neighbour*: keep some recordings with their labels.
# A new one gets the label of the nearest of them.
# The speakers of the new ones are not among those that are kept.
#
# First question: was a recording played forwards or backwards?
# We ask with the mean of all frames, and with the means of the first and the second half, one after the other.

# %% id="reader"
from a2d import metrics

new = np.isin(speakers, spoken.speaker_names[::6])  # every sixth speaker


def halves(c: np.ndarray) -> np.ndarray:
    """Means of the first and of the second half of the frames: (T, Q) to (2 Q,)."""
    return np.concatenate([part.mean(axis=0) for part in np.array_split(c, 2)])


def nearest(known: np.ndarray, labels: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """The label of the nearest of known (n, Q), for each of asked (m, Q)."""
    a, b = ((v - known.mean(axis=0)) / known.std(axis=0) for v in (asked, known))
    squares = (a**2).sum(axis=1)[:, None] - 2 * a @ b.T + (b**2).sum(axis=1)
    return labels[squares.argmin(axis=1)]


# %% id="direction"
ways = {"mean": lambda c: c.mean(axis=0), "two halves": halves}
rows = {}
for name, way in ways.items():
    both = [np.array([way(c) for c in cs]) for cs in (forwards, backwards)]
    known, asked = (np.concatenate([v[part] for v in both]) for part in (~new, new))
    was, is_back = (np.repeat([0, 1], part.sum()) for part in (~new, new))
    found = metrics.recognition(nearest(known, was, asked), is_back, seed=SEED)
    rows[name] = (found.value, found.low, found.high)
    record(f"forwards or backwards, from: {name}", found.value, f"{100 * found.value:.1f} %")
show(f01_audio.shares_right(rows, {"guessing": 0.5}))

# %% [markdown]
# From the mean it is guessing, as the algebra said.
#
# Second question: which digit is it?
# Two halves have twice as many numbers, so we compare fairly.
# We keep the first 20 coefficients of each half, which is 40 numbers again.
# The mean of 20 coefficients is shown as well.

# %% id="halves"
ways = {
    "mean, 40 coefficients": lambda c: c.mean(axis=0),
    "mean, 20 coefficients": lambda c: c[:, :20].mean(axis=0),
    "two halves, 20 each": lambda c: halves(c[:, :20]),
}
rows = {}
for name, way in ways.items():
    vectors = np.array([way(c) for c in forwards])
    readings = nearest(vectors[~new], digits[~new], vectors[new])
    found = metrics.recognition(readings, digits[new], seed=SEED)
    rows[name] = (found.value, found.low, found.high)
    record(f"digits named right, from: {name}", found.value, f"{100 * found.value:.1f} %")
show(f01_audio.shares_right(rows, {"guessing": 0.1}))

# %% [markdown] id="70f96c1f64"
# So order matters, and the mean throws it away.
# The report takes the mean all the same, and this course reproduces it before it does better.
#
# This is one classifier, and one choice of new speakers.
# A network makes more of the same 40 numbers: lecture 02 trains one.

# %% [markdown]
# {question 1.6}

# %% [markdown] id="answer-1-6" tags=["answer"]
# {answer 1.6}

# %% [markdown]
# ## Quiz
#
# **Question 1.** A tone of 7,000 Hz is sampled 8,000 times per second, without a filter. What do you hear?
#
# <details><summary>a) A tone of 7,000 Hz</summary>
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
# Right: $8000 - 7000 = 1000$ Hz has the same samples.
#
# </details>

# %% [markdown]
# **Question 2.** You record the same word with the microphone turned up. Which MFCCs change?
#
# <details><summary>a) All of them, by the same factor</summary>
#
# No: the logarithm turns a factor into a sum, and the DCT collects a constant in one place.
#
# </details>
# <details><summary>b) Coefficient 0 only</summary>
#
# Right: all levels rise by the same number of decibels, and a constant is the cosine with $q = 0$.
#
# </details>
# <details><summary>c) None, they are normalised</summary>
#
# No: the reference of the decibels is fixed at 1, so a louder sound has higher levels.
#
# </details>

# %% [markdown]
# **Question 3.** Which change of a recording can the mean over time *not* show?
#
# <details><summary>a) The frames come in another order</summary>
#
# Right: a sum does not depend on the order of its terms.
#
# </details>
# <details><summary>b) Another person speaks</summary>
#
# No: another voice has another average spectrum. The figure of distances shows how far away it is.
#
# </details>
# <details><summary>c) The first half is cut off</summary>
#
# No: the mean of the second half alone is another mean, unless both halves sound alike.
#
# </details>

# %% [markdown]
# ## You can now
#
# - say which tones a sampling rate can hold, and what becomes of the others
# - compute a power spectrogram from frames, a window and a Fourier transform
# - put it on the mel scale and in decibels, and say what each setting does
# - compute MFCCs that equal those of librosa
# - name what the mean over time keeps and loses, and measure what that costs
#
# ### The formulas
#
# Time is the first axis.
#
# - $P = |X|^2$: power, where $X$ is the DFT of the windowed frames
# - $S = P B^\top$: mel spectrogram, where $B$ holds the triangles
# - $D = 10 \log_{10} S$: levels in dB (reference 1); $S$ is raised to $10^{-10}$, $D$ cut `top_db` below its maximum
# - $c = D\,C^\top$: MFCCs, where $C$ holds the cosines
# - $\bar c$: the mean of $c$ over the frames

# %% [markdown]
# ## What to read
#
# - S. Davis, P. Mermelstein (1980), Comparison of parametric representations for monosyllabic word recognition
#   in continuously spoken sentences, IEEE Trans. ASSP 28(4): the MFCCs.
# - F. J. Harris (1978), On the use of windows for harmonic analysis with the discrete Fourier transform,
#   Proc. IEEE 66(1).
# - N. Ahmed, T. Natarajan, K. R. Rao (1974), Discrete cosine transform, IEEE Trans. Computers C-23(1).
# - S. S. Stevens, J. Volkmann, E. B. Newman (1937), A scale for the measurement of the psychological magnitude
#   pitch, JASA 8(3).
# - B. McFee and others (2015), librosa: Audio and music signal analysis in Python, Proc. 14th Python in Science Conf.
# - M. Müller (2021), Fundamentals of Music Processing: Using Python and Jupyter Notebooks, 2nd edition, Springer.
# - `a2d/features.py`: the code of this lecture, in the same order.

# %% [markdown]
# ## What comes next
#
# Lecture 02 looks at the recordings themselves: who speaks, and how they are split.
# And it asks how well a network names the digit from the 40 numbers.
