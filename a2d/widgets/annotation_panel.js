// One image to label: keys and buttons send what was asked for, the session in Python does it and says what is next.

const make = (tag, attributes, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
  node.append(...children);
  return node;
};

const MOVES = [
  { key: "x", what: { do: "label", label: "unreadable" }, text: "Unreadable", hint: "label this image unreadable" },
  { key: "←", what: { do: "back" }, text: "Back", hint: "go to the image before this one" },
  { key: "→", what: { do: "skip" }, text: "Skip", hint: "go on without a label; the image comes again" },
  { key: "u", what: { do: "undo" }, text: "Undo", hint: "take the last step back" },
];
const KEYS = {
  x: MOVES[0].what,
  ArrowLeft: MOVES[1].what,
  b: MOVES[1].what,
  ArrowRight: MOVES[2].what,
  s: MOVES[2].what,
  u: MOVES[3].what,
  Backspace: MOVES[3].what,
};
for (let digit = 0; digit <= 9; digit++) KEYS[String(digit)] = { do: "label", label: digit };

let count = 0;

function render({ model, el }) {
  const send = (what) => model.send({ ...what, step: model.get("state").step });
  const labels = [];
  const button = (what, text, key, hint) => {
    const node = make("button", { type: "button", "aria-label": `${text}: ${hint} (key ${key})`, title: hint }, text);
    if (what.do === "label") {
      node.setAttribute("aria-pressed", "false");
      labels.push([what.label, node]);
    }
    if (key !== text) node.append(" ", make("kbd", { "aria-hidden": "true" }, key));
    node.addEventListener("click", () => send(what));
    return node;
  };

  const image = make("img", { draggable: "false" });
  const done = make("div", { class: "a2d-done" }, "Every image has its label.");
  const keys = "Type 0 to 9 for a digit, x for unreadable, left and right to go back and to skip, u to undo.";
  const stage = make("div", { class: "a2d-stage", tabindex: "0", role: "application" }, image, done);
  const digits = make("div", { class: "a2d-digits", role: "group", "aria-label": "the digit in the image" });
  for (let d = 0; d <= 9; d++) digits.append(button(KEYS[d], String(d), String(d), `label this image ${d}`));
  const moves = make("div", { class: "a2d-moves", role: "group", "aria-label": "other steps" });
  for (const { what, text, key, hint } of MOVES) moves.append(button(what, text, key, hint));
  const bar = make("progress", { "aria-label": "images with a label" });
  const far = make("p", {});
  const id = `a2d-goto-${Date.now()}-${count++}`;
  const goto = make("input", { id, type: "number", class: "a2d-goto", min: "1", step: "1" });
  const board = make("div", { class: "a2d-board" }, digits, moves, bar, far);
  board.append(make("p", {}, make("label", { for: id }, "Go to image "), goto));
  const said = make("p", { role: "status" });
  const problem = make("p", { role: "alert", class: "a2d-problem" });
  const title = make("h4", {});
  const root = make("div", { class: "a2d-widget", role: "group" }, title);
  root.append(make("div", { class: "a2d-annotator" }, stage, board), make("p", {}, keys), said, problem);
  el.append(root);

  stage.addEventListener("click", () => stage.focus());
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.key === "Escape") return;
    event.stopPropagation(); // "x" would cut the notebook's cell
    if (event.target === goto) {
      if (event.key === "Enter" && goto.value) {
        send({ do: "goto", to: Number(goto.value) });
        goto.value = "";
        stage.focus();
      }
      return;
    }
    const what = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!what || event.shiftKey) return;
    event.preventDefault();
    if (!event.repeat) send(what); // a key held down would label images that nobody has looked at
  });

  let url = "";
  const tell = () => {
    const state = model.get("state");
    const bytes = model.get("image");
    if (url) URL.revokeObjectURL(url);
    image.hidden = !state.here || !bytes || bytes.byteLength === 0;
    done.hidden = state.here;
    url = image.hidden ? "" : URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
    if (url) image.src = url;
    const label = state.label === null ? "not labelled yet" : `labelled ${state.label}`;
    const where = state.here ? `Image ${state.place + 1} of ${state.n}, ${label}` : "Every image has its label";
    image.alt = where;
    stage.setAttribute("aria-label", `${where}. ${keys}`);
    title.textContent = `Annotator: ${state.annotator}`;
    root.setAttribute("aria-label", title.textContent);
    bar.max = state.n;
    bar.value = state.labelled;
    bar.textContent = far.textContent = `${state.labelled} of ${state.n} labelled. ${where}.`;
    goto.max = state.n;
    for (const [value, node] of labels) node.setAttribute("aria-pressed", String(state.label === value));
    // The status is read out: what was done, then what is shown now.
    said.textContent = state.said ? `${state.said} ${where}.` : "";
    problem.textContent = state.problem;
    root.dataset.step = state.step;
  };
  model.on("change:state", tell);
  tell();
  return () => {
    model.off("change:state", tell);
    if (url) URL.revokeObjectURL(url);
  };
}

export default { render };
