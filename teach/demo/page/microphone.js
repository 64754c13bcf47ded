"use strict";
// The microphone, and when a word is over. Nothing is kept: what was said goes to the worker of this page, and is gone.

const LISTENING = `registerProcessor("chunks", class extends AudioWorkletProcessor {
  constructor() {
    super();
    this.size = Math.round(sampleRate / 50);
    this.chunk = new Float32Array(this.size);
    this.n = 0;
  }
  process([[samples]]) {
    for (const x of samples ?? []) {
      this.chunk[this.n++] = x;
      if (this.n === this.size) {
        this.port.postMessage(this.chunk);
        this.n = 0;
      }
    }
    return true;
  }
})`;

// Levels of 20 ms in dB to "a word has begun" and "it is over". The quiet is what a fifth of the time was below; 60 ms
// that are 12 dB above it begin a word, wherever they were: somebody may have been quicker than the microphone.
// 0.26 s near the quiet, or far below the loudest, end it.
class Endpoint {
  constructor() {
    this.levels = [];
    this.begun = this.lastLoud = null;
    this.quiet = -90;
  }

  // Whether the word is over, with the `level` of the next 20 ms.
  heard(level) {
    const { levels } = this, last = levels.push(level) - 1;
    if (this.begun === null) {
      // Nothing at all is no quiet room: a microphone begins with it.
      const sounds = levels.filter(one => one > -100).sort((a, b) => a - b);
      this.quiet = Math.max(-90, sounds[Math.floor(sounds.length / 5)] ?? -90);
      const loud = levels.map(one => one > Math.max(this.quiet + 12, -55));
      const first = loud.findIndex((one, n) => n > 1 && one && loud[n - 1] && loud[n - 2]);
      if (first < 0) return false;
      this.begun = first - 2;
    }
    const least = Math.max(this.quiet + 6, Math.max(...levels) - 30);
    this.lastLoud = levels.findLastIndex(one => one > least);
    return last - this.lastLoud >= 13;
  }
}

// One word from the microphone: `done` gets its samples, their rate and when it ended, or an error.
class Microphone {
  constructor({ level, done, most }) {
    Object.assign(this, { level, done, most, chunks: [], times: [], endpoint: new Endpoint(), open: true });
    this.start().catch(error => this.end(error));
  }

  async start() {
    if (!navigator.mediaDevices?.getUserMedia) throw new DOMException("", "NotSupportedError");
    // All is ready before the microphone opens, so that no beginning of a word is lost.
    this.context = new AudioContext();
    // A blob's address is refused here where the page is a file.
    await this.context.audioWorklet.addModule(`data:text/javascript,${encodeURIComponent(LISTENING)}`);
    const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 };
    this.stream = await navigator.mediaDevices.getUserMedia({ audio: plain });
    if (!this.open) return this.close();
    this.node = new AudioWorkletNode(this.context, "chunks", { numberOfOutputs: 0 });
    this.node.port.onmessage = ({ data }) => this.take(data);
    this.context.createMediaStreamSource(this.stream).connect(this.node);
    this.stream.getTracks()[0].onended = () => this.end(new DOMException("", "NotFoundError"));
    // Where there is no loudspeaker, Firefox would wait for one without a word.
    const late = new Promise((_, refuse) => setTimeout(() => refuse(new DOMException("no sound", "InvalidStateError")), 5000));
    await Promise.race([this.context.resume(), late]);
    this.level(-Infinity);
  }

  take(chunk) {
    if (!this.open) return;
    this.chunks.push(chunk);
    this.times.push(performance.now());
    const db = levelOf(chunk), over = this.endpoint.heard(db), { begun } = this.endpoint;
    this.level(db);
    if (over) this.stop();
    else if (begun !== null && this.chunks.length - begun > 50 * this.most) this.stop(true);
    else if (begun === null && this.chunks.length >= 300) this.stop();  // 6 s: whatever it is, let the ear judge
  }

  // Stop, and hand over what is there; `long`: it went on and on.
  stop(long = false) {
    const { begun, lastLoud } = this.endpoint, from = begun === null ? 0 : Math.max(0, begun - 20);
    const chunks = this.chunks.slice(from), size = chunks[0]?.length ?? 0, samples = new Float32Array(size * chunks.length);
    chunks.forEach((chunk, n) => samples.set(chunk, n * size));
    this.end(null, { samples, rate: this.context?.sampleRate ?? 8000, ended: lastLoud === null ? null : this.times[lastLoud], long });
  }

  end(error, word = null) {
    if (!this.open) return;
    this.open = false;
    this.close();
    this.done(error, word);
  }

  close() {
    this.stream?.getTracks().forEach(track => track.stop());
    if (this.context && this.context.state !== "closed") this.context.close();
  }
}
