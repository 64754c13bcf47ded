"use strict";
// The ear and the hands: the layers of a2d.ears.cnn and a2d.hands.flow on float32 arrays, channels last.

// The same product in WebAssembly, four numbers at a time, for matrices b that lie in its memory: see accelerated.
let fast = null;

// a (n, k) times b (m, k) transposed, plus bias (m): (n, m). Nearly all of the page's time is spent here.
function product(a, n, b, m, k, bias = null) {
  const out = new Float32Array(n * m);
  if (fast && b.buffer === fast.floats.buffer && m % 4 === 0 && k % 4 === 0 && (n + 1) * (m + k) <= fast.room) {
    const { floats, room, run } = fast, from = floats.length - room, to = from + (n + 1) * k;
    floats.set(a, from);
    run(4 * from, n, b.byteOffset, m, k, 4 * to);
    out.set(floats.subarray(to, to + n * m));
  } else {
    plainProduct(a, n, b, m, k, out);
  }
  if (bias) for (let i = 0; i < out.length; i++) out[i] += bias[i % m];
  return out;
}

// Two rows and four columns at a time, so that each number that is fetched is used more than once.
function plainProduct(a, n, b, m, k, out) {
  for (let i = 0; i < n; i += 2) {
    const two = i + 1 < n, p = i * k, q = two ? p + k : p;
    for (let j = 0; j < m; j += 4) {
      const left = m - j, r = j * k, s = left > 1 ? r + k : r, t = left > 2 ? r + 2 * k : r, u = left > 3 ? r + 3 * k : r;
      let a0 = 0, a1 = 0, a2 = 0, a3 = 0, b0 = 0, b1 = 0, b2 = 0, b3 = 0;
      for (let l = 0; l < k; l++) {
        const x = a[p + l], y = a[q + l], w0 = b[r + l], w1 = b[s + l], w2 = b[t + l], w3 = b[u + l];
        a0 += x * w0; a1 += x * w1; a2 += x * w2; a3 += x * w3;
        b0 += y * w0; b1 += y * w1; b2 += y * w2; b3 += y * w3;
      }
      const at = i * m + j, below = at + m;
      out[at] = a0;
      if (left > 1) out[at + 1] = a1;
      if (left > 2) out[at + 2] = a2;
      if (left > 3) out[at + 3] = a3;
      if (two) {
        out[below] = b0;
        if (left > 1) out[below + 1] = b1;
        if (left > 2) out[below + 2] = b2;
        if (left > 3) out[below + 3] = b3;
      }
    }
  }
}

// Move the weights {name: {data}} into a memory of WebAssembly, with room for what they are multiplied with, if this
// browser runs such a module; otherwise all stays as it is.
function accelerated(module, weights) {
  if (typeof WebAssembly !== "object" || !WebAssembly.validate(module)) return;
  const ROOM = 1 << 20, moved = Object.values(weights), sizes = moved.map(one => one.data.length + 3 & ~3);
  const total = ROOM + sizes.reduce((a, b) => a + b, 0);
  let memory, exports;
  try {
    memory = new WebAssembly.Memory({ initial: Math.ceil(4 * total / 65536) });
    ({ exports } = new WebAssembly.Instance(new WebAssembly.Module(module), { e: { m: memory } }));
  } catch {
    return;  // a browser that does not know how a page's policy allows it
  }
  moved.reduce((at, one, n) => {
    const placed = new Float32Array(memory.buffer, 4 * at, one.data.length);
    placed.set(one.data);
    one.data = placed;
    return at + sizes[n];
  }, 0);
  fast = { floats: new Float32Array(memory.buffer), room: ROOM, run: exports.product };
}

function relu(x) {
  for (let i = 0; i < x.length; i++) if (x[i] < 0) x[i] = 0;
  return x;
}

const sigmoid = x => 1 / (1 + Math.exp(-x));
const silu = x => x.map(v => v * sigmoid(v));

// Probabilities of scores, divided by a temperature.
function softmax(scores, temperature) {
  const highest = Math.max(...scores), powers = Array.from(scores, x => Math.exp((x - highest) / temperature));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map(x => x / sum);
}

// A convolution of x {data (height, width, channels), height, width, channels}; weight (out, size, size, channels).
function convolved(x, weight, stride, pad, { bias = null, scale = null, shift = null }) {
  const [maps, size] = weight.shape, { height, width, channels, data } = x;
  const h = Math.floor((height + 2 * pad - size) / stride) + 1, w = Math.floor((width + 2 * pad - size) / stride) + 1;
  const k = size * size * channels, patches = new Float32Array(h * w * k);
  for (let i = 0, at = 0; i < h; i++) {
    for (let j = 0; j < w; j++) {
      for (let a = 0; a < size; a++) {
        const row = i * stride - pad + a;
        for (let b = 0; b < size; b++, at += channels) {
          const column = j * stride - pad + b;
          if (row < 0 || row >= height || column < 0 || column >= width) continue;
          const from = (row * width + column) * channels;
          for (let c = 0; c < channels; c++) patches[at + c] = data[from + c];
        }
      }
    }
  }
  const out = product(patches, h * w, weight.data, maps, k, bias);
  if (scale) for (let i = 0; i < out.length; i++) out[i] = out[i] * scale[i % maps] + shift[i % maps];
  return { data: out, height: h, width: w, channels: maps };
}

// A transposed convolution of 4 x 4 with stride 2 and padding 1: twice as high and wide; weight (4, 4, out, channels).
function doubled(x, weight, bias) {
  const maps = weight.shape[2], { height, width, channels } = x;
  const parts = product(x.data, height * width, weight.data, 16 * maps, channels);
  const out = new Float32Array(4 * height * width * maps);
  for (let i = 0; i < out.length; i++) out[i] = bias[i % maps];
  for (let i = 0, at = 0; i < height; i++) {
    for (let j = 0; j < width; j++) {
      for (let a = 0; a < 4; a++) {
        const row = 2 * i - 1 + a;
        for (let b = 0; b < 4; b++, at += maps) {
          const column = 2 * j - 1 + b;
          if (row < 0 || row >= 2 * height || column < 0 || column >= 2 * width) continue;
          const to = (row * 2 * width + column) * maps;
          for (let c = 0; c < maps; c++) out[to + c] += parts[at + c];
        }
      }
    }
  }
  return { data: out, height: 2 * height, width: 2 * width, channels: maps };
}

const TYPES = {
  F16: bytes => widened(new Uint16Array(bytes)), F32: bytes => new Float32Array(bytes),
  I16: bytes => new Int16Array(bytes), U8: bytes => new Uint8Array(bytes),
};

// The tensors {name: {data, shape}} and the configuration of a safetensors file (an ArrayBuffer).
function unpacked(buffer) {
  const length = Number(new DataView(buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  const config = JSON.parse(header.__metadata__.config);
  delete header.__metadata__;
  const tensors = {};
  for (const [name, { dtype, shape, data_offsets: [from, to] }] of Object.entries(header)) {
    const bytes = buffer.slice(8 + length + from, 8 + length + to);
    tensors[name] = { data: TYPES[dtype](bytes), shape };
  }
  accelerated(tensors.kernel.data, Object.fromEntries(Object.entries(tensors).filter(([name]) => name.endsWith(".weight"))));
  return { tensors, config };
}

// 16-bit floating-point numbers as 32-bit ones.
function widened(halves) {
  const bits = new Uint32Array(halves.length), numbers = new Float32Array(bits.buffer);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i], sign = (half & 0x8000) << 16, exponent = half >> 10 & 31, rest = half & 0x3ff;
    if (exponent) bits[i] = sign | (exponent === 31 ? 0x7f800000 : exponent + 112 << 23) | rest << 13;
    else numbers[i] = (sign ? -1 : 1) * rest * 2 ** -24;
  }
  return numbers;
}

// Linear layers and convolutions by their names, of one of the two networks.
class Layers {
  constructor(tensors, prefix) {
    this.of = name => tensors[`${prefix}.${name}`];
    this.numbers = name => this.of(name)?.data ?? null;
  }

  linear(name, x, n = 1) {
    const { data, shape: [m, k] } = this.of(`${name}.weight`);
    return product(x, n, data, m, k, this.numbers(`${name}.bias`));
  }

  convolution(name, x, stride = 1, pad = 1) {
    const after = { bias: this.numbers(`${name}.bias`), scale: this.numbers(`${name}.scale`), shift: this.numbers(`${name}.shift`) };
    return convolved(x, this.of(`${name}.weight`), stride, pad, after);
  }
}

// Mean and maximum of each map over its places: (channels) each.
function pooled({ data, channels }) {
  const sums = new Float64Array(channels), highest = new Float32Array(channels).fill(-Infinity);
  for (let i = 0; i < data.length; i++) {
    const c = i % channels;
    sums[c] += data[i];
    if (data[i] > highest[c]) highest[c] = data[i];
  }
  return { mean: Float32Array.from(sums, x => x * channels / data.length), highest };
}

class Ear {
  constructor(tensors, config) {
    this.layers = new Layers(tensors, "ear");
    this.config = config;
    this.spectrum = new Spectrum(config.ear.n_fft);
    this.samples = Math.round(config.ear.seconds * config.ear.sample_rate);
  }

  // The picture of a window of samples, which the network gets.
  picture(window) {
    const { layers, spectrum, config } = this;
    return logMel(window, spectrum, layers.numbers("window"), layers.numbers("bank"), config.ear);
  }

  // Scores (11) of a picture.
  scores({ picture, frames }) {
    const { layers, config } = this;
    let x = { data: picture, height: config.ear.n_mels, width: frames, channels: 1 };
    x = layers.convolution("stem", x, 2, 2);
    relu(x.data);
    let n = 0;
    config.ear.blocks.forEach((blocks, stage) => {
      for (let block = 0; block < blocks; block++, n++) x = this.block(n, x, stage && !block ? 2 : 1);
    });
    const { mean, highest } = pooled(x), both = new Float32Array(2 * x.channels);
    both.set(mean);
    both.set(highest, x.channels);
    return layers.linear("head", both);
  }

  block(n, x, stride) {
    const { layers } = this;
    let y = layers.convolution(`${n}.first`, x, stride);
    relu(y.data);
    y = layers.convolution(`${n}.second`, y);
    const narrow = relu(layers.linear(`${n}.narrow`, pooled(y).mean));
    const weigh = layers.linear(`${n}.widen`, narrow).map(sigmoid);
    const short = layers.of(`${n}.short.weight`) ? layers.convolution(`${n}.short`, x, stride, 0) : x;
    for (let i = 0; i < y.data.length; i++) y.data[i] = Math.max(0, y.data[i] * weigh[i % y.channels] + short.data[i]);
    return y;
  }

  // What is heard in a window of samples: says (10), nothing, refused, and the picture.
  hear(window) {
    const picture = this.picture(window), scores = this.scores(picture), { temperature, limit } = this.config;
    const nothing = softmax(scores, temperature)[10];
    return { ...picture, scores, says: softmax(scores.subarray(0, 10), temperature), nothing, refused: nothing > limit };
  }
}

class Voice {
  constructor(tensors, config) {
    this.layers = new Layers(tensors, "voice");
    this.config = config.mfcc;
    this.spectrum = new Spectrum(this.config.n_fft);
  }

  // The hand (33) of whoever said a digit: a2d.draw.Writer, its last number the loudness.
  hand(samples, digit) {
    const { layers, config, spectrum } = this;
    const [window, bank, dct] = ["window", "bank", "dct"].map(layers.numbers);
    const means = mfccMeans(samples, spectrum, window, bank, dct, config);
    const usual = layers.numbers("digits").subarray(digit * config.n_mfcc, (digit + 1) * config.n_mfcc);
    const { data: matrix, shape: [directions] } = layers.of("matrix"), centre = layers.numbers("centre");
    const heard = new Float32Array(directions);
    for (let d = 0; d < directions; d++) {
      let sum = -centre[d];
      for (let k = 0; k < config.n_mfcc; k++) sum += (means[k] - usual[k]) * matrix[d * config.n_mfcc + k];
      heard[d] = sum;
    }
    const { data: waves, shape: [count] } = layers.of("waves"), { data: heights, shape: [size] } = layers.of("heights");
    const angles = product(heard, 1, waves, count, directions, layers.numbers("phases"));
    const hand = product(angles.map(Math.cos), 1, heights, size, count);
    const [usualLevel, spread] = layers.numbers("level");
    hand[size - 1] = Math.max(-2, Math.min(2, (levelOf(samples) - usualLevel) / spread));
    return hand;
  }
}

// One digit at one stroke weight; whoever draws it. What the field knows at each time is the same for all hands.
class Hands {
  constructor(tensors, config) {
    this.layers = new Layers(tensors, "hands");
    this.config = config.hands;
    this.contrast = config.contrast;
    this.asked = null;
  }

  // Factors and summands of each block at time t, told the digit and not: (2, 2 hidden) for each block.
  known(digit, weight, t) {
    const { layers, config } = this, size = layers.of("known.weight").shape[1], waves = (size - 11) / 2;
    const told = new Float32Array(2 * size);
    for (let row = 0; row < 2; row++) {
      for (let k = 0; k < waves; k++) {
        told[row * size + k] = Math.sin(Math.PI * t * (k + 1));
        told[row * size + waves + k] = Math.cos(Math.PI * t * (k + 1));
      }
      told[row * size + size - 1] = weight;
    }
    told[2 * waves + digit] = 1;
    const known = silu(layers.linear("known", told, 2));
    return Array.from({ length: config.blocks }, (_, n) => layers.linear(`${n}.film`, known, 2));
  }

  films(digit, weight, step) {
    if (this.asked?.digit !== digit || this.asked.weight !== weight) this.asked = { digit, weight, at: [] };
    return this.asked.at[step] ||= this.known(digit, weight, step / this.config.steps);
  }

  // The velocity at x (latent) and at the time of a step: guided away from what all digits have in common.
  velocity(x, digit, weight, step) {
    const { layers, config: { hidden, guidance, blocks, latent } } = this, films = this.films(digit, weight, step);
    const entered = layers.linear("enter", x), h = new Float32Array(2 * hidden);
    h.set(entered);
    h.set(entered, hidden);
    for (let n = 0; n < blocks; n++) {
      const y = new Float32Array(2 * hidden);
      for (let row = 0; row < 2; row++) {
        const at = row * hidden, film = 2 * at;
        let mean = 0, square = 0;
        for (let i = 0; i < hidden; i++) mean += h[at + i] / hidden;
        for (let i = 0; i < hidden; i++) square += (h[at + i] - mean) ** 2 / hidden;
        const over = 1 / Math.sqrt(square + 1e-5);
        for (let i = 0; i < hidden; i++) {
          y[at + i] = (h[at + i] - mean) * over * (1 + films[n][film + i]) + films[n][film + hidden + i];
        }
      }
      const change = layers.linear(`${n}.second`, silu(layers.linear(`${n}.first`, y, 2)), 2);
      for (let i = 0; i < h.length; i++) h[i] += change[i];
    }
    const both = layers.linear("leave", silu(h), 2), out = new Float32Array(latent);
    for (let i = 0; i < latent; i++) out[i] = both[latent + i] + guidance * (both[i] - both[latent + i]);
    return out;
  }

  // The picture (28, 28) in [0, 1] of a digit in a hand (33): Heun's steps from noise to a latent, and the decoder.
  draw(digit, hand) {
    const { config: { steps, latent } } = this, weight = hand[latent];
    let x = hand.slice(0, latent);
    for (let k = 0; k < steps; k++) {
      const here = this.velocity(x, digit, weight, k);
      const there = this.velocity(x.map((v, i) => v + here[i] / steps), digit, weight, k + 1);
      x = x.map((v, i) => v + (here[i] + there[i]) / (2 * steps));
    }
    return this.decode(x);
  }

  decode(x) {
    const { layers } = this, centre = layers.numbers("centre"), scale = layers.numbers("scale");
    const z = x.map((v, i) => v * scale[i] + centre[i]);
    let grid = { data: layers.linear("fc", z), height: 7, width: 7, channels: this.config.channels };
    const first = layers.convolution("first", { ...grid, data: silu(grid.data) });
    const change = layers.convolution("second", { ...first, data: silu(first.data) }).data;
    grid = { ...grid, data: silu(grid.data.map((v, i) => v + change[i])) };
    for (const name of ["up1", "up2"]) {
      grid = doubled(grid, layers.of(`${name}.weight`), layers.numbers(`${name}.bias`));
      grid.data = silu(grid.data);
    }
    return layers.convolution("out", grid).data.map(v => sigmoid(this.contrast * v));
  }
}
