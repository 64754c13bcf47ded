// The page of `a2d app`. The recording stays in this tab and is sent along with each question; the server keeps nothing.
// The microphone is the recorder's of lecture 11.
import { REFUSALS, WORDS, listen, make, wav } from "./microphone.js";

const the = (id) => document.getElementById(id);
const LONGEST = 5; // seconds of one recording
const MOST = 10; // seconds of a file
const MOST_BYTES = 20_000_000; // of a file: what is larger is no digit, and would only fill the memory
const IDLE = 120_000; // ms after which a recording is deleted: the next visitor must not hear it
const GONE = "The program behind this page does not answer. Start a2d app again.";
const player = new Audio();
let take = null; // { data: a WAV file, samples, rate, seconds, start, stop, whose }
let stop = null; // closes the microphone and gives the WAV file
let opening = false;
let asked = 0; // what is answered for an older number is of no interest any more
let first = 0; // the first of the hands that are drawn at random
let anyway = false;
let timer = 0;
let silent = 0; // the timer that ends what is played at the cut

const percent = (share) => (share > 0.99 ? "over 99 %" : `${Math.round(100 * share)} %`);
const state = (name) => (document.body.dataset.state = name);
const capital = (text) => text[0].toUpperCase() + text.slice(1);

function tell(text, problem = "") {
  the("status").textContent = text;
  the("problem").textContent = problem;
}

function show(heading, line) {
  the("heard").textContent = heading;
  the("sure").textContent = line;
}

// --- the recording in hand

function forget() {
  asked++;
  take = null;
  player.pause();
  if (player.src) URL.revokeObjectURL(player.src);
  player.removeAttribute("src");
  the("hands").replaceChildren();
  the("row").replaceChildren();
  for (const id of ["take", "drawn", "others", "anyway"]) the(id).hidden = true;
  show("Nothing yet", "Say one digit, zero to nine.");
}

function leave(text) {
  if (stop) stop();
  stop = null;
  the("agree").checked = false;
  forget();
  recording(false);
  state("ready");
  tell(text);
}

function busy() {
  clearTimeout(timer);
  timer = setTimeout(() => {
    if (take || stop || the("agree").checked) leave("Nobody was here for two minutes: the recording is deleted.");
  }, IDLE);
}

/** Take a WAV file of 16 bits in hand, and ask what it is; `whose` is said of the first hand. */
function offer(data, whose) {
  forget();
  const samples = new Int16Array(data, 44);
  const rate = new DataView(data).getUint32(24, true);
  const seconds = samples.length / rate;
  take = { data, samples, rate, seconds, start: 0, stop: seconds, whose };
  first = 0;
  anyway = false;
  player.src = URL.createObjectURL(new Blob([data], { type: "audio/wav" }));
  ask();
}

function waveform() {
  const { samples, seconds } = take;
  const bars = 240;
  const step = Math.max(1, Math.floor(samples.length / bars));
  const peaks = Array.from({ length: bars }, (_, i) => samples.subarray(i * step, (i + 1) * step).reduce((most, one) => Math.max(most, Math.abs(one)), 0));
  const most = Math.max(1, ...peaks);
  const x = (i) => ((i + 0.5) * 640) / bars;
  the("wave").querySelector("path").setAttribute("d", peaks.map((v, i) => `M${x(i).toFixed(1)} ${45 - (43 * v) / most}V${45 + (43 * v) / most}`).join(""));
  for (const id of ["start", "stop"]) {
    the(id).max = String(seconds);
    the(id).value = String(take[id]);
  }
  shade();
  the("take").hidden = false;
}

function shade() {
  const [from, to] = ["start", "stop"].map((id) => Number(the(id).value));
  const inside = the("wave").querySelector("rect");
  inside.setAttribute("x", String((640 * from) / take.seconds));
  inside.setAttribute("width", String((640 * Math.max(0, to - from)) / take.seconds));
  for (const id of ["start", "stop"]) {
    const told = `${Number(the(id).value).toFixed(2)} s`;
    the(id).nextElementSibling.textContent = told;
    the(id).setAttribute("aria-valuetext", told);
  }
  the("wave").setAttribute("aria-label", `A recording of ${take.seconds.toFixed(2)} s, cut from ${from.toFixed(2)} to ${to.toFixed(2)} s`);
}

function play() {
  player.currentTime = take.start;
  clearTimeout(silent);
  silent = setTimeout(() => player.pause(), 1000 * (take.stop - take.start));
  player.play().catch((error) => tell("", `This browser does not play it (${error.name}).`));
}

// --- questions and answers

/** Ask what the recording in hand is; `cut`: within the cut that stands now, not around the loudest word. */
async function ask(cut = false) {
  const id = ++asked;
  state("asking");
  tell("Listening to it.");
  const query = new URLSearchParams({ first: String(first), anyway: anyway ? "1" : "" });
  if (cut) for (const end of ["start", "stop"]) query.set(end, String(take[end]));
  let found;
  try {
    const reply = await fetch(`hear?${query}`, { method: "POST", body: take.data, headers: { "Content-Type": "audio/wav" } });
    found = await reply.json();
    if (id !== asked) return;
    if (!reply.ok) return nothing(found.told);
  } catch {
    if (id === asked) nothing(GONE);
    return;
  }
  [take.start, take.stop] = found.cut;
  waveform();
  answered(found);
  // On a phone what was drawn is out of sight of the button; who moves the cut wants to go on with that.
  if (!cut && innerWidth < 900) the("result").scrollIntoView();
}

function nothing(told) {
  for (const id of ["drawn", "others", "anyway"]) the(id).hidden = true;
  if (take) waveform();
  show("That was no digit", told);
  tell("", told);
  state("refused");
}

function answered({ digit, sure, nothing: none, refused, hands, row, notes }) {
  const word = WORDS[digit];
  const drawn = hands.length > 0;
  const heading = refused ? "That was no digit" : `${capital(word)}, ${digit}`;
  const told = refused ? `${percent(none)} sure. Of the digits, it is most like ${word}.` : `${percent(sure)} sure.`;
  show(heading, [told, ...notes].map(capital).join(" "));
  the("drawn").hidden = the("others").hidden = !drawn;
  the("anyway").hidden = drawn;
  const picture = ({ image, told, reads }, name, below) => {
    const other = reads !== digit;
    const item = make("li", other ? { class: "other" } : {}, make("img", { src: image, width: "28", height: "28", alt: `A handwritten ${word}, ${name}` }));
    item.append(make("span", {}, `${below} `, make("b", {}, `${other ? "\u2717 " : ""}read as ${reads}`)));
    return item;
  };
  the("hands").replaceChildren(...hands.map((one, n) => picture(one, n ? `in another hand, number ${first + n}` : take.whose, n ? "another hand" : take.whose)));
  the("row").replaceChildren(...row.map((one) => picture(one, one.told, one.told)));
  tell(refused ? `That was no digit, ${percent(none)} sure. Say one digit, zero to nine, alone.` : `I heard ${word}, ${percent(sure)} sure.`);
  state(drawn ? "drawn" : "refused");
}

// --- the microphone

function recording(on) {
  const button = the("record");
  button.setAttribute("aria-pressed", String(on));
  button.querySelector("span").textContent = on ? "Stop" : "Record";
  if (!on) the("level").value = 0;
}

function finish() {
  const end = stop;
  stop = null;
  recording(false);
  offer(end(), "in the hand of this voice");
}

/** A function of the level of each block that says when a word is over: 0.8 s far below the loudest that was heard. */
function ending() {
  let loudest = 0;
  let loud = 0;
  return (peak) => {
    loudest = Math.max(loudest, peak);
    if (peak > Math.max(0.01, loudest / 8)) loud = performance.now();
    return loudest > 0.03 && performance.now() - loud > 800;
  };
}

/** Whether the box is ticked; says so where it is not. */
function agreed() {
  const { checked } = the("agree");
  the("agree").parentElement.classList.toggle("missing", !checked);
  if (!checked) {
    the("agree").focus();
    tell("", "Tick the box first: nothing is recorded before you agree.");
  }
  return checked;
}

async function record() {
  if (stop) return finish();
  if (opening) return;
  if (!agreed()) return;
  opening = true;
  forget();
  state("listening");
  tell("Waits for the microphone.");
  const over = ending();
  try {
    const meter = (peak) => {
      the("level").value = Math.sqrt(peak); // nearer to how loud it sounds
      if (over(peak) && stop) finish();
    };
    const end = await listen(LONGEST, meter, () => stop && finish());
    if (!the("agree").checked) {
      end(); // the agreement was taken back while the browser asked
      state("ready");
    } else {
      stop = end;
      recording(true);
      tell("Say one digit now.");
    }
  } catch (error) {
    const why = isSecureContext ? REFUSALS[error.name] || `The microphone cannot be used (${error.name})` : "Browsers give this address no microphone, only localhost and https";
    state("denied");
    tell("", `${why}. Allow it in the browser, or take another voice or a sound file below.`);
  }
  opening = false;
}

// --- other recordings

/** A sound file of any kind that the browser reads, as a WAV file of one channel. */
async function decoded(data) {
  const sound = await new OfflineAudioContext(1, 1, 48000).decodeAudioData(data);
  const mono = new Float32Array(sound.length);
  for (let c = 0; c < sound.numberOfChannels; c++) sound.getChannelData(c).forEach((x, i) => (mono[i] += x / sound.numberOfChannels));
  return wav([mono], sound.sampleRate);
}

async function choose(file) {
  if (!agreed()) return;
  forget();
  state("asking");
  if (file.size > MOST_BYTES) return nothing(`The file has ${Math.ceil(file.size / 1e6)} MB. Cut out the one digit.`);
  const id = asked;
  try {
    const data = await decoded(await file.arrayBuffer());
    if (id !== asked) return;
    const seconds = (data.byteLength - 44) / 2 / 48000;
    if (seconds > MOST) return nothing(`The recording is ${seconds.toFixed(1)} s long; at most ${MOST} s are taken. Cut out the one digit.`);
    offer(data, "in the hand of this voice");
  } catch {
    nothing("This is not a sound file that this browser can read. Give a WAV, FLAC, OGG or MP3 file.");
  }
}

async function sample(digit) {
  forget();
  const id = asked;
  const reply = await fetch(`sample/${digit}`);
  const data = await decoded(await reply.arrayBuffer());
  if (id === asked) offer(data, "in the hand of this voice");
}

the("samples").append(...WORDS.map((word, digit) => {
  const button = make("button", { type: "button", "aria-label": `${digit}, a synthetic voice that says ${word}` }, String(digit));
  button.addEventListener("click", () => sample(digit).catch(() => nothing(GONE)));
  return button;
}));
the("noise").addEventListener("click", () => {
  offer(wav([Float32Array.from({ length: 16000 }, () => 0.2 * (Math.random() - Math.random()))], 16000), "in the hand of this noise");
});
the("file").addEventListener("change", (event) => {
  const [file] = event.target.files;
  if (file) choose(file);
  event.target.value = ""; // the same file may be chosen again
});
the("record").addEventListener("click", record);
the("record").addEventListener("keydown", (event) => event.repeat && event.preventDefault()); // a key that is held down
the("again").addEventListener("click", () => {
  the("record").focus();
  record();
});
the("play").addEventListener("click", play);
the("delete").addEventListener("click", () => leave("Deleted. Nothing of your voice is left."));
the("agree").addEventListener("change", () => {
  the("agree").parentElement.classList.remove("missing");
  if (the("agree").checked) tell("You agreed. Press Record, or the space bar.");
  else leave("You took it back: nothing is recorded, and nothing is left.");
});
the("others").addEventListener("click", () => {
  first += 4;
  ask(true);
});
the("anyway").addEventListener("click", () => {
  anyway = true;
  ask(true);
});
for (const id of ["start", "stop"]) {
  the(id).addEventListener("input", shade);
  the(id).addEventListener("change", () => {
    [take.start, take.stop] = ["start", "stop"].map((end) => Number(the(end).value));
    ask(true);
  });
}
// The space bar records, wherever the keyboard is, unless it is on something that has a use for it.
document.addEventListener("keydown", (event) => {
  if ([" ", "Enter"].includes(event.key) && event.target === document.body && !event.repeat) {
    event.preventDefault();
    record();
  }
});
for (const kind of ["keydown", "pointerdown"]) document.addEventListener(kind, busy);
window.addEventListener("pagehide", () => leave("Ready.")); // also where the browser keeps the page to go back to it
state("ready");
tell("Tick the box, press Record, and say one digit.");
