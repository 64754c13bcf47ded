"use strict";
// Beside the page, so that it never stands still: gets a recording, says what was heard, and draws hand after hand.
let ear, voice, hands, said = null, newest = 0;

// Numbers from N(0, 1) of a seed: the same hands for everybody who asks for the same ones.
function normal(seed, n) {
  let state = seed >>> 0;
  const uniform = () => {  // mulberry32
    state = state + 0x6d2b79f5 >>> 0;
    let t = Math.imul(state ^ state >>> 15, state | 1);
    t ^= t + Math.imul(t ^ t >>> 7, t | 61);
    return ((t ^ t >>> 14) >>> 0) / 2 ** 32;
  };
  return Float32Array.from({ length: n }, () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()));
}

// Let a newer request be seen before the next hand is drawn.
const breathe = () => new Promise(after => setTimeout(after));

function hear({ id, samples, rate }) {
  const problem = problemOf(samples, rate, ear.config);
  said = null;
  if (problem) return postMessage({ kind: "problem", id, problem });
  const own = prepared(samples, rate, ear.config.ear.sample_rate), heard = ear.hear(windowOf(own, ear.samples));
  said = { own, digit: heard.says.indexOf(Math.max(...heard.says)) };
  const { says, nothing, refused, picture, frames } = heard;
  postMessage({ kind: "heard", id, says, nothing, refused, digit: said.digit, picture, frames });
  return refused ? postMessage({ kind: "done", id }) : draw({ id, others: 1, first: 0 });
}

// The pictures number `first` to 5: 0 is in the speaker's own hand, the rest in others, as bold as that one.
async function draw({ id, others, first }) {
  const own = said && voice.hand(said.own, said.digit), last = own && own.length - 1;
  for (let n = first; own && n < 6 && id === newest; n++) {
    const hand = n ? normal(1000 * others + n, own.length) : own;
    hand[last] = own[last];
    postMessage({ kind: "drawn", id, n, image: hands.draw(said.digit, hand) });
    await breathe();
  }
  if (id === newest) postMessage({ kind: "done", id });
}

onmessage = ({ data }) => {
  if (data.kind === "load") {
    const { tensors, config } = unpacked(data.buffer);
    [ear, voice, hands] = [new Ear(tensors, config), new Voice(tensors, config), new Hands(tensors, config)];
    const samples = {};
    for (let d = 0; d < 10; d++) samples[d] = Float32Array.from(tensors[`sample.${d}`].data, x => x / 32768);
    // The first run of code is slow, until it is compiled: let that be over before somebody speaks.
    ear.hear(windowOf(samples[0], ear.samples));
    hands.draw(0, voice.hand(samples[0], 0));
    postMessage({ kind: "ready", samples, rate: config.ear.sample_rate, mels: config.ear.n_mels, most: config.max_seconds });
    return;
  }
  newest = data.id;
  if (data.kind === "hear") hear(data);
  else draw(data);
};
