"use strict";
// The page: its buttons, and what it shows and tells of what the worker found.
const WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
const the = id => document.getElementById(id);
const status_ = the("status"), speak = the("speak"), level = the("level");
const pictures = [...document.querySelectorAll("#pictures canvas")], needs = [...document.querySelectorAll("[data-needs]")];
let worker, samples = {}, rate = 8000, most = 10, mels = 48, microphone = null, asked = 0, others = 1, last = null, player = null;

function tell(text, bad = false) {
  status_.textContent = text;
  status_.classList.toggle("bad", bad);
}

// A blob's address can be a worker's also where the page is a file.
function start() {
  const text = ["sound", "net", "worker"].map(name => the(`code-${name}`).textContent).join("\n");
  worker = new Worker(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
  worker.onmessage = ({ data }) => answers[data.kind](data);
  worker.onerror = event => tell(`This page does not work here (${event.message}). Try a newer browser.`, true);
  const bytes = Uint8Array.from(atob(the("models").textContent.trim()), character => character.charCodeAt(0));
  the("models").remove();
  worker.postMessage({ kind: "load", buffer: bytes.buffer }, [bytes.buffer]);
}

const percent = share => share > 0.99 ? "over 99 %" : `${Math.round(100 * share)} %`;

const answers = {
  ready(data) {
    ({ samples, rate, most, mels } = data);
    needs.forEach(one => { one.disabled = false; });
    document.body.dataset.state = "ready";
    tell("Ready. Press the button and say one digit, zero to nine.");
  },

  problem({ id, problem }) {
    if (id !== asked) return;
    show("Nothing that can be used", "What was wrong stands below the button.");
    the("found").hidden = the("why").hidden = the("figure").hidden = true;
    document.body.dataset.state = "problem";
    tell(problem, true);
  },

  heard({ id, says, nothing, refused, digit, picture, frames }) {
    if (id !== asked) return;
    Object.assign(last, { digit, refused, says, nothing });
    pictures.forEach(clear);
    if (refused) show("That was no digit", `${percent(nothing)} sure. Of the digits, it is most like ${WORDS[digit]}.`);
    else show(WORDS[digit], `${percent(says[digit])} sure.`);
    the("figure").hidden = refused;
    the("anyway").hidden = !refused;
    the("again").hidden = refused;
    the("took").textContent = "";
    [...says, nothing].forEach((share, n) => {
      const row = the("bars").rows[n];
      row.querySelector("i").style.width = `${100 * share}%`;
      row.cells[2].textContent = percent(share);
      row.classList.toggle("best", refused ? n === 10 : n === digit);
    });
    spectrogram(picture, frames);
    the("found").hidden = the("why").hidden = false;
    document.body.dataset.state = "heard";
    const sure = refused ? percent(nothing) : percent(says[digit]);
    tell(refused ? `That was no digit, ${sure} sure. Say one digit, zero to nine, alone.` : `I heard ${WORDS[digit]}, ${sure} sure.`);
  },

  drawn({ id, n, image }) {
    if (id !== asked) return;
    paint(pictures[n], image);
    const hand = n ? `in another hand, number ${n}` : last.recorded ? "in the hand of this voice" : "in your own hand";
    pictures[n].setAttribute("aria-label", `A handwritten ${WORDS[last.digit]}, ${hand}`);
    if (n || !last.from) return;
    // After the next frame the picture is on the screen.
    requestAnimationFrame(() => requestAnimationFrame(() => {
      last.seconds = (performance.now() - last.from) / 1000;
      the("took").textContent = `Drawn ${last.seconds.toFixed(2)} seconds after ${last.recorded ? "the press of the button" : "the word ended"}.`;
    }));
  },

  done({ id }) {
    if (id === asked) document.body.dataset.state = last.refused && the("figure").hidden ? "refused" : "done";
  },
};

// The heading of what was found, and a line below it.
function show(heading, line) {
  the("heard").textContent = heading;
  the("sure").textContent = line;
}

function clear(canvas) {
  canvas.setAttribute("aria-label", "Not drawn yet");
  canvas.getContext("2d").clearRect(0, 0, 28, 28);
}

// White ink on black, as the pictures that were learned from; where the page is light, the style turns it around.
function paint(canvas, image) {
  const data = new ImageData(28, 28);
  image.forEach((ink, i) => data.data.set([255 * ink, 255 * ink, 255 * ink, 255], 4 * i));
  canvas.getContext("2d").putImageData(data, 0, 0);
}

// What the ear sees: time to the right, pitch upwards, from 2 standard deviations below the mean to 2 above.
function spectrogram(picture, frames) {
  const canvas = the("ear"), data = new ImageData(frames, mels);
  picture.forEach((value, i) => {
    const row = mels - 1 - Math.floor(i / frames), grey = 255 * Math.min(1, Math.max(0, (value + 2) / 4));
    data.data.set([grey, grey, grey, 255], 4 * (row * frames + i % frames));
  });
  [canvas.width, canvas.height] = [frames, mels];
  canvas.getContext("2d").putImageData(data, 0, 0);
}

// Hear a recording; `from`: when the word ended, or the button was pressed.
function hear(taken, itsRate, from, recorded) {
  last = { samples: taken, rate: itsRate, from, recorded };
  others = 1;
  document.body.dataset.state = "hearing";
  // On a phone what is drawn may be out of sight of the button.
  the("result").scrollIntoView({ block: "nearest" });
  the("own").textContent = recorded ? "In the hand of this voice" : "In your own hand";
  worker.postMessage({ kind: "hear", id: ++asked, samples: taken, rate: itsRate });
}

const TROUBLE = {
  NotAllowedError: "The microphone is not allowed. Allow it beside the browser's address, or take a recording below.",
  NotFoundError: "No microphone was found. Connect one, or take a recording below.",
  InvalidStateError: "The browser's sound does not start: connect a loudspeaker or headphones, or take a recording below.",
  NotSupportedError: "The browser gives no microphone to this address: open the page by https, or take a recording below.",
};

function listen() {
  if (microphone) return microphone.stop();
  tell("Waiting for the microphone.");
  document.body.dataset.state = "listening";
  speak.querySelector("span").textContent = "Stop";
  let told = false;
  microphone = new Microphone({
    most,
    level(db) {
      if (!told) tell("Listening. Say one digit now.");
      told = true;
      level.style.width = `${Math.max(0, Math.min(100, 100 * (db + 60) / 60))}%`;
    },
    done(error, word) {
      microphone = null;
      level.style.width = "0";
      speak.querySelector("span").textContent = "Say a digit";
      asked++;
      if (error) answers.problem({ id: asked, problem: TROUBLE[error.name] ?? `The microphone does not work (${error.message || error.name}). Take a recording below.` });
      else if (word.long) answers.problem({ id: asked, problem: `That went on for more than ${most} seconds. Say one digit, zero to nine, alone.` });
      else if (!word.samples.length) answers.problem({ id: asked, problem: "Nothing was recorded. Press the button and say one digit." });
      else hear(word.samples, word.rate, word.ended, false);
    },
  });
}

// A recording of this page: a digit, noise, or a word backwards.
function sample(name) {
  const noise = () => Float32Array.from({ length: rate }, () => 0.2 * (Math.random() - Math.random()));
  hear(name === "noise" ? noise() : name === "backwards" ? samples[7].slice().reverse() : samples[name], rate, performance.now(), true);
}

async function file(chosen) {
  if (!chosen) return;
  const from = performance.now(), context = new OfflineAudioContext(1, 1, 48000);
  let sound;
  try {
    sound = await context.decodeAudioData(await chosen.arrayBuffer());
  } catch {
    answers.problem({ id: ++asked, problem: "This is not a sound file that this browser can read. Give a WAV, FLAC, OGG or MP3 file." });
    return;
  }
  const mono = new Float32Array(sound.length);
  for (let c = 0; c < sound.numberOfChannels; c++) {
    const channel = sound.getChannelData(c);
    for (let i = 0; i < mono.length; i++) mono[i] += channel[i] / sound.numberOfChannels;
  }
  hear(mono, sound.sampleRate, from, true);
}

function draw(first) {
  last.from = null;
  document.body.dataset.state = "hearing";
  worker.postMessage({ kind: "draw", id: ++asked, others, first });
}

function play() {
  player ||= new AudioContext();
  const buffer = player.createBuffer(1, last.samples.length, last.rate), source = player.createBufferSource();
  buffer.copyToChannel(last.samples, 0);
  source.buffer = buffer;
  source.connect(player.destination);
  player.resume();
  source.start();
}

speak.addEventListener("click", listen);
document.querySelectorAll("[data-sample]").forEach(one => one.addEventListener("click", () => sample(one.dataset.sample)));
the("file").addEventListener("change", event => {
  file(event.target.files[0]);
  event.target.value = "";
});
the("play").addEventListener("click", play);
the("again").addEventListener("click", () => {
  others++;
  tell("Drawn in five other hands.");
  draw(1);
});
the("anyway").addEventListener("click", () => {
  the("figure").hidden = the("again").hidden = false;
  the("anyway").hidden = true;
  tell(`Drawn all the same: ${WORDS[last.digit]}.`);
  the("again").focus();
  draw(0);
});
// Kept for a visit without a network, where the page comes from a server.
if (navigator.serviceWorker && location.protocol.startsWith("http")) navigator.serviceWorker.register("sw.js").catch(() => {});
start();
