// What listens: the recorder and the page of `a2d app` share it. The recorder's script has this text before its own, as a
// widget is one script.

const make = (tag, attributes, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
  node.append(...children);
  return node;
};

const WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
// Why there is no microphone, by the name of the browser's error.
const REFUSALS = {
  NotAllowedError: "The microphone was not allowed",
  SecurityError: "The microphone is not allowed on this page",
  NotFoundError: "No microphone was found",
  NotReadableError: "The microphone is in use by another program",
  InvalidStateError: "The browser's sound does not start; connect a loudspeaker or headphones",
};

/** Samples in [-1, 1] as a WAV file of 16 bits, one channel. */
function wav(blocks, rate) {
  const n = blocks.reduce((sum, block) => sum + block.length, 0);
  const view = new DataView(new ArrayBuffer(44 + 2 * n));
  const text = (at, letters) => [...letters].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * n, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // one channel
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, 2 * n, true);
  let at = 44;
  for (const block of blocks) {
    for (const sample of block) {
      view.setInt16(at, Math.round(32767 * Math.max(-1, Math.min(1, sample))), true);
      at += 2;
    }
  }
  return view.buffer;
}

/** Start a browser's sound; where there is no loudspeaker, Firefox would wait for one without a word. */
function started(context) {
  const late = new Promise((_, refuse) => setTimeout(() => refuse(new DOMException("no sound", "InvalidStateError")), 5000));
  return Promise.race([context.resume(), late]);
}

/** Open the microphone; `meter` gets the peak of each block, `full` is called once when the time is over. */
async function listen(seconds, meter, full) {
  if (!navigator.mediaDevices) throw new DOMException("no microphone here", "SecurityError");
  // What a telephone does to a voice would be one more difference between takes.
  const plain = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const stream = await navigator.mediaDevices.getUserMedia({ audio: plain });
  const context = new AudioContext();
  const blocks = [];
  // An AudioWorklet needs a module of its own address, which many notebooks' pages forbid; this one works everywhere.
  const source = context.createMediaStreamSource(stream);
  const tap = context.createScriptProcessor(2048, 1, 1);
  let heard = 0;
  tap.onaudioprocess = (event) => {
    if (heard >= seconds * context.sampleRate) return;
    const block = new Float32Array(event.inputBuffer.getChannelData(0));
    blocks.push(block);
    heard += block.length;
    meter(block.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0));
    if (heard >= seconds * context.sampleRate) full();
  };
  source.connect(tap);
  tap.connect(context.destination); // it plays silence; without it nothing is processed
  const end = () => {
    tap.onaudioprocess = null;
    for (const track of stream.getTracks()) track.stop(); // the browser's sign for the microphone goes out
    const rate = context.sampleRate;
    context.close();
    return wav(blocks, rate);
  };
  try {
    await started(context);
  } catch (error) {
    end();
    throw error;
  }
  return end;
}

export { REFUSALS, WORDS, listen, make, wav };
