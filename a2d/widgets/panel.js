// Controls, picture, finding in words, sound. Python decides everything; this only shows it and says what was moved.

const make = (tag, attributes, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
  node.append(...children);
  return node;
};

let count = 0;

function render({ model, el }) {
  const root = make("div", { class: "a2d-widget", role: "group", "aria-label": model.get("label") });
  const bar = make("div", { class: "a2d-controls" });
  const inputs = {};
  const move = (name, place) => {
    model.set("places", { ...model.get("places"), [name]: place });
    model.save_changes();
  };

  for (const control of model.get("controls")) {
    const id = `a2d-control-${Date.now()}-${count++}`;
    if (control.kind === "button") {
      const button = make("button", { type: "button", title: control.hint }, control.label);
      button.addEventListener("click", () => model.send({ press: control.name }));
      bar.append(button);
      continue;
    }
    const label = make("label", { for: id, title: control.hint }, control.label);
    const slider = control.kind === "slider";
    const input = slider
      ? make("input", { id, type: "range", min: 0, max: control.stops.length - 1, step: 1, title: control.hint })
      : make("select", { id, title: control.hint }, ...control.stops.map((s, i) => make("option", { value: i }, s)));
    const shown = make("output", { for: id });
    const tell = () => {
      const text = control.stops[Number(input.value)];
      if (slider) {
        shown.textContent = text;
        input.setAttribute("aria-valuetext", text);
      }
    };
    input.addEventListener("input", () => {
      tell();
      move(control.name, Number(input.value));
    });
    inputs[control.name] = { input, tell };
    bar.append(make("div", { class: "a2d-control" }, label, input, ...(slider ? [shown] : [])));
  }

  const sound = make("audio", { controls: "" });
  const picture = make("img", {});
  const finding = make("p", { role: "status" });
  const problem = make("p", { role: "alert", class: "a2d-problem" });
  root.append(make("h4", {}, model.get("label")), bar, problem, sound, picture, finding);
  el.append(root);

  // A key that moves a slider must not move the notebook's selection as well.
  root.addEventListener("keydown", (event) => {
    if (!event.ctrlKey && !event.metaKey && !event.altKey && event.key !== "Escape") event.stopPropagation();
  });

  const urls = {};
  const show = (node, name, type) => {
    const bytes = model.get(name);
    if (urls[name]) URL.revokeObjectURL(urls[name]);
    node.hidden = !bytes || bytes.byteLength === 0;
    urls[name] = node.hidden ? "" : URL.createObjectURL(new Blob([bytes], { type }));
    if (!node.hidden) node.src = urls[name];
  };
  const first = model.get("alt");
  let timer;
  const tellFinding = () => {
    picture.alt = model.get("alt");
    // The cell has printed the first finding; while a slider is moved, only where it stops is worth reading out.
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (finding.textContent || model.get("alt") !== first) finding.textContent = model.get("alt");
    }, 250);
  };
  const tellPlaces = () => {
    for (const [name, { input, tell }] of Object.entries(inputs)) {
      if (Number(input.value) !== model.get("places")[name] && document.activeElement !== input)
        input.value = model.get("places")[name];
      tell();
    }
  };
  const tellSound = () => {
    sound.setAttribute("aria-label", model.get("audio_label"));
    show(sound, "audio", "audio/wav");
  };
  const tellImage = () => show(picture, "image", "image/png");
  const tellProblem = () => {
    problem.textContent = model.get("problem");
    root.classList.toggle("a2d-stale", problem.textContent !== "");
  };

  for (const [name, { input }] of Object.entries(inputs)) input.value = model.get("places")[name];
  tellPlaces();
  tellImage();
  tellFinding();
  tellSound();
  tellProblem();
  const heard = [
    ["change:places", tellPlaces],
    ["change:image", tellImage],
    ["change:alt", tellFinding],
    ["change:audio", tellSound],
    ["change:problem", tellProblem],
  ];
  for (const [event, listener] of heard) model.on(event, listener);
  return () => {
    clearTimeout(timer);
    for (const [event, listener] of heard) model.off(event, listener);
    for (const url of Object.values(urls)) if (url) URL.revokeObjectURL(url);
  };
}

export default { render };
