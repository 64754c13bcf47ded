"use strict";
const page = document.body.dataset;
const comment = document.getElementById("comment"), status_ = document.getElementById("status");
const used = [...document.querySelectorAll("#used button")], keys = document.getElementById("keys");
const RETRY = 1500;
let wanted = null, sending = null;

function tell(text, bad = false) {
  status_.textContent = text;
  status_.classList.toggle("bad", bad);
}

async function post(path, value) {
  const headers = { "Content-Type": "application/json", "X-Token": page.token };
  const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(value) });
  const found = answer.headers.get("Content-Type").startsWith("application/json") ? await answer.json()
    : { told: await answer.text() };
  return { ...found, ok: answer.ok, again: answer.status >= 500 };
}

const choices = () => [...document.querySelectorAll("[name=points]")];
const points = () => { const on = choices().find(one => one.checked); return on ? Number(on.value) : null; };
const lines = () => comment.value.split("\n").map(line => line.trim());
const press = () => used.forEach(one => one.setAttribute("aria-pressed", lines().includes(one.dataset.line)));

// What is on the page is sent at once, the newest state after the one under way; what fails is sent again.
function save() {
  press();
  wanted = { n: Number(page.n), points: points(), comment: comment.value, print: page.print, settle: page.settle === "1" };
  sending ||= send().finally(() => { sending = null; });
}

async function send() {
  while (wanted) {
    const now = wanted;
    wanted = null;
    let found;
    try {
      found = await post("/save", now);
    } catch {
      found = { again: true, told: "The program does not answer: is it still running?" };
    }
    if (found.ok) {
      tell(`Saved. ${now.points === null ? "No points: it still waits. " : ""}${found.marked} of ${found.all} marked.`);
    } else {
      tell(`Not saved${found.again ? ", tried again" : ""}: ${found.told}`, true);
      if (!found.again) return false;
      wanted ||= now;
      await new Promise(after => setTimeout(after, RETRY));
    }
  }
  return true;
}

async function leave(address) {
  if (address && await sending !== false) location.href = address;
}

async function undo() {
  await sending;
  try {
    const found = await post("/undo", {});
    if (found.to) location.href = found.to + (page.settle === "1" ? "&settle=1" : "");
    else tell(found.told, !found.ok);
  } catch {
    tell("Not undone: the program does not answer.", true);
  }
}

function give(value) {
  const found = choices().find(one => value !== null && Number(one.value) === value);
  if (value !== null && !found) return tell(`There are 0 to ${Number(page.most)} points here.`, true);
  choices().forEach(one => { one.checked = one === found; });
  save();
}

function step(by) {
  const all = choices(), at = all.findIndex(one => one.checked);
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by];
  if (next) give(Number(next.value));
}

function use(number) {
  const button = used[number - 1];
  if (!button) return;
  const line = button.dataset.line;
  comment.value = lines().includes(line) ? comment.value.split("\n").filter(one => one.trim() !== line).join("\n")
    : comment.value.trim() ? `${comment.value.trimEnd()}\n${line}` : line;
  save();
}

const follow = id => leave(document.getElementById(id)?.href);
const help = document.getElementById("help");
const single = {
  ".": () => give((points() ?? 0) % 1 ? Math.floor(points()) : (points() ?? 0) + 0.5),
  "+": () => step(1), "-": () => step(-1), x: () => give(null), u: undo,
  j: () => follow("behind"), k: () => follow("before"), n: () => follow("waiting"),
  ArrowRight: () => follow("behind"), ArrowLeft: () => follow("before"),
  c: () => comment.focus(), "/": () => used[0]?.focus(), "?": () => { help.open = !help.open; },
};
single[","] = single["."];

document.addEventListener("keydown", event => {
  if (event.isComposing || event.ctrlKey || event.metaKey) {
    if (event.ctrlKey && event.key === "Enter" && event.target === comment) follow("behind");
    return;
  }
  const digit = /^\d$/.test(event.key) ? Number(event.key) : Number(/^Digit(\d)$/.exec(event.code)?.[1] ?? NaN);
  let act = null;
  if (event.altKey) {
    const code = Number(/^Digit([1-9])$/.exec(event.code)?.[1] ?? NaN);
    if (comment && code) act = () => use(code);
  } else if (event.target === comment) {
    if (event.key === "Escape") act = () => document.getElementById("top").focus({ preventScroll: true });
  } else if (!keys || keys.checked) {
    const arrow = event.key.startsWith("Arrow");
    if (!comment) act = event.key === "n" ? single.n : null;
    else if (arrow && event.target.name === "points") act = null;
    else if (Object.hasOwn(single, event.key)) act = single[event.key];
    // A digit that is typed is itself, also where that takes Shift; Shift with its key is half a point more.
    else if (!Number.isNaN(digit)) {
      const inside = event.target.closest?.("#used");
      act = () => inside ? use(digit) : give(digit + (event.shiftKey && event.key !== String(digit) ? 0.5 : 0));
    }
  }
  if (act) {
    event.preventDefault();
    act();
  }
});

if (comment) {
  comment.addEventListener("input", save);
  choices().forEach(one => one.addEventListener("change", save));
  used.forEach((one, n) => one.addEventListener("click", () => use(n + 1)));
  document.getElementById("undo").addEventListener("click", undo);
  document.querySelectorAll("a[href]").forEach(one => one.addEventListener("click", event => {
    event.preventDefault();
    leave(one.href);
  }));
  keys.checked = localStorage.getItem("keys") !== "off";
  keys.addEventListener("change", () => localStorage.setItem("keys", keys.checked ? "on" : "off"));
  window.addEventListener("beforeunload", event => { if (sending) event.preventDefault(); });
  // What is folded stays folded from one answer to the next.
  document.querySelectorAll("details[id]").forEach(one => {
    const kept = localStorage.getItem(one.id);
    if (kept) one.open = kept === "open";
    one.addEventListener("toggle", () => localStorage.setItem(one.id, one.open ? "open" : "folded"));
  });
  press();
}
document.getElementById("top").focus({ preventScroll: true });
