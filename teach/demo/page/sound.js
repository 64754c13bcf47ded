"use strict";
// From samples to what the ear and the hand are told: a2d.audio and a2d.features, step by step. Numbers are doubles
// where NumPy's are; what goes into a network is float32. Lengths are in samples, rates in samples per second.

// Why a recording cannot be used, in the words of a2d.audio, or null.
function problemOf(samples, rate, config) {
  if (!samples.length) return "The recording is empty. Record the digit again.";
  const seconds = samples.length / rate;
  if (seconds < config.min_seconds || seconds > config.max_seconds) {
    const taken = `${config.min_seconds} to ${config.max_seconds} seconds are taken`;
    return `The recording is ${seconds.toFixed(1)} seconds long; ${taken}. Say one digit, zero to nine, alone.`;
  }
  let sum = 0, swing = 0;
  for (const x of samples) sum += x;
  if (!Number.isFinite(sum)) return "The recording holds numbers that are none. Record the digit again.";
  const mean = sum / samples.length;
  for (const x of samples) swing = Math.max(swing, Math.abs(x - mean));
  if (swing < config.silence_peak) return "The recording is silent. Check the microphone and say the digit again.";
  return null;
}

// The part that holds the loudest sound: a2d.audio.trim_silence.
function trimmed(samples, rate, belowDb = 35, margin = 0.05, pause = 0.25) {
  const hop = Math.max(1, Math.floor(rate / 50)), n = Math.floor(samples.length / hop);
  if (n < 3) return samples;
  const energy = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    for (let j = i * hop; j < (i + 1) * hop; j++) energy[i] += samples[j] * samples[j];
    energy[i] /= hop;
  }
  let loudest = 0;
  for (let i = 1; i < n; i++) if (energy[i] > energy[loudest]) loudest = i;
  const least = energy[loudest] * 10 ** (-belowDb / 10);
  let first = loudest, last = loudest;
  for (let i = loudest - 1; i >= 0 && (first - i) * hop <= pause * rate; i--) if (energy[i] >= least) first = i;
  for (let i = loudest + 1; i < n && (i - last) * hop <= pause * rate; i++) if (energy[i] >= least) last = i;
  const edge = Math.floor(margin * rate);
  return samples.slice(Math.max(0, first * hop - edge), Math.min(samples.length, (last + 1) * hop + edge));
}

function bessel(x) {  // the modified Bessel function of order 0, for Kaiser's window
  let sum = 1, term = 1;
  for (let k = 1; term > 1e-12 * sum; k++) sum += term *= (x / 2 / k) ** 2;
  return sum;
}

// Band-limited resampling: a sinc in Kaiser's window, as wide as 48 of its waves on either side.
function resampled(samples, rate, newRate) {
  if (rate === newRate) return Float32Array.from(samples);
  const WAVES = 48, BETA = 10, STEPS = 512;
  const cutoff = 0.955 * Math.min(1, newRate / rate);  // as a share of the old rate's half
  const half = WAVES / cutoff, table = new Float64Array(WAVES * STEPS + 2);
  for (let i = 0; i <= WAVES * STEPS; i++) {
    const wave = i / STEPS, share = wave / WAVES;
    const sinc = i ? Math.sin(Math.PI * wave) / (Math.PI * wave) : 1;
    table[i] = cutoff * sinc * bessel(BETA * Math.sqrt(Math.max(0, 1 - share * share))) / bessel(BETA);
  }
  const out = new Float32Array(Math.max(1, Math.round(samples.length * newRate / rate)));
  for (let k = 0; k < out.length; k++) {
    const at = k * rate / newRate;
    const from = Math.max(0, Math.ceil(at - half)), to = Math.min(samples.length - 1, Math.floor(at + half));
    let sum = 0;
    for (let j = from; j <= to; j++) {
      const place = Math.abs(j - at) * cutoff * STEPS, i = Math.floor(place);
      sum += samples[j] * (table[i] + (place - i) * (table[i + 1] - table[i]));
    }
    out[k] = sum;
  }
  return out;
}

// What a2d.audio.prepare makes of a recording.
const prepared = (samples, rate, newRate) => resampled(trimmed(samples, rate), rate, newRate);

// The n samples that the ear hears: a2d.ears.cnn.window_of.
function windowOf(samples, n) {
  const out = new Float32Array(n);
  if (samples.length <= n) {
    out.set(samples, Math.floor((n - samples.length) / 2));
    return out;
  }
  let energy = 0, most = -1, start = 0;
  for (let i = 0; i < samples.length; i++) {
    energy += samples[i] * samples[i] - (i >= n ? samples[i - n] * samples[i - n] : 0);
    if (i >= n - 1 && energy > most) [most, start] = [energy, i - n + 1];
  }
  out.set(samples.subarray(start, start + n));
  return out;
}

// The power spectrum of real frames of `size` (a power of two) samples: a fast Fourier transform.
class Spectrum {
  constructor(size) {
    this.size = size;
    this.cos = Float64Array.from({ length: size / 2 }, (_, k) => Math.cos(2 * Math.PI * k / size));
    this.sin = Float64Array.from({ length: size / 2 }, (_, k) => -Math.sin(2 * Math.PI * k / size));
    this.re = new Float64Array(size);
    this.im = new Float64Array(size);
    const bits = Math.log2(size);
    this.order = Uint16Array.from({ length: size }, (_, i) => {
      let reversed = 0;
      for (let b = 0; b < bits; b++) if (i >> b & 1) reversed |= 1 << (bits - 1 - b);
      return reversed;
    });
  }

  // Power (size / 2 + 1) of the samples from `start`, times the window; beyond the ends there is silence.
  power(samples, start, window) {
    const { size, re, im, order, cos, sin } = this;
    for (let i = 0; i < size; i++) {
      const j = start + i;
      re[order[i]] = j >= 0 && j < samples.length ? samples[j] * window[i] : 0;
    }
    im.fill(0);
    for (let span = 1; span < size; span *= 2) {
      const stride = size / (2 * span);
      for (let base = 0; base < size; base += 2 * span) {
        for (let k = 0; k < span; k++) {
          const a = base + k, b = a + span, c = cos[k * stride], s = sin[k * stride];
          const x = re[b] * c - im[b] * s, y = re[b] * s + im[b] * c;
          re[b] = re[a] - x;
          im[b] = im[a] - y;
          re[a] += x;
          im[a] += y;
        }
      }
    }
    return Float64Array.from({ length: size / 2 + 1 }, (_, k) => re[k] * re[k] + im[k] * im[k]);
  }
}

// Decibels (bands, frames) of samples: mel bands of the frames' power, no lower than `floor` below the highest.
function melDecibels(samples, spectrum, window, bank, bands, hop, floor) {
  const frames = 1 + Math.floor(samples.length / hop), bins = spectrum.size / 2 + 1;
  const db = new Float32Array(bands * frames);
  let highest = -Infinity;
  for (let f = 0; f < frames; f++) {
    const power = spectrum.power(samples, f * hop - spectrum.size / 2, window);
    for (let m = 0; m < bands; m++) {
      let sum = 0;
      for (let k = 0; k < bins; k++) sum += power[k] * bank[m * bins + k];
      const value = 10 * Math.log10(Math.max(sum, 1e-10));
      db[m * frames + f] = value;
      highest = Math.max(highest, value);
    }
  }
  for (let i = 0; i < db.length; i++) db[i] = Math.max(db[i], highest - floor);
  return { db, frames };
}

// The ear's standardised log-mel spectrogram (n_mels, frames): a2d.ears.cnn.LogMel.
function logMel(samples, spectrum, window, bank, config) {
  let peak = 1e-9, mean = 0, square = 0;
  for (const x of samples) peak = Math.max(peak, Math.abs(x));
  const loud = samples.map(x => x / peak);
  const { db, frames } = melDecibels(loud, spectrum, window, bank, config.n_mels, config.hop_length, config.floor_db);
  for (const x of db) mean += x / db.length;
  for (const x of db) square += (x - mean) ** 2 / db.length;
  const spread = Math.max(Math.sqrt(square), 1e-3);
  return { picture: db.map(x => (x - mean) / spread), frames };
}

// The mean of the MFCCs over the frames: a2d.features.mfcc_means.
function mfccMeans(samples, spectrum, window, bank, dct, config) {
  const { db, frames } = melDecibels(samples, spectrum, window, bank, config.n_mels, config.hop_length, config.top_db);
  const means = new Float64Array(config.n_mels), out = new Float64Array(config.n_mfcc);
  for (let m = 0; m < config.n_mels; m++) {
    for (let f = 0; f < frames; f++) means[m] += db[m * frames + f] / frames;
  }
  for (let k = 0; k < config.n_mfcc; k++) {
    for (let m = 0; m < config.n_mels; m++) out[k] += dct[k * config.n_mels + m] * means[m];
  }
  return out;
}

// Level in dBFS: a2d.ears.voice.level_of.
function levelOf(samples) {
  let sum = 0;
  for (const x of samples) sum += x * x;
  return 10 * Math.log10(sum / samples.length + 1e-12);
}
