// The microphone, the meter and the buttons. What was heard goes to Python in a message, as a WAV file, and is never
// kept in a trait: traits may be saved with the notebook. Python cuts, keeps and deletes, and says what is next.
// `microphone.js` stands before this.

const FILES = ".wav,.flac,.ogg,.mp3,.aiff";

function render({ model, el }) {
  const state = () => model.get("state");
  const send = (what, buffers) => model.send({ ...what, step: state().step }, undefined, buffers);
  const button = (text, act) => {
    const node = make("button", { type: "button" }, text);
    node.addEventListener("click", act);
    return node;
  };
  const said = make("p", { role: "status" });
  const problem = make("p", { role: "alert", class: "a2d-problem" });
  const complain = (text) => {
    problem.textContent = text;
    said.textContent = "";
  };

  // --- agreement
  const agree = make("input", { type: "checkbox" });
  const where = make("code", {});
  const terms = make("span", {}, "I agree to be recorded. A take is sent to the computer that runs this notebook, ");
  terms.append("is written there only when I keep it, into ", where, ", and goes nowhere else. I can delete all of it here.");
  agree.addEventListener("change", () => {
    if (!agree.checked && stop) finish(false);
    send({ do: "agree", agreed: agree.checked });
  });

  // --- record, or choose a file
  let stop = null;
  let opening = false;
  const meter = make("meter", { min: "0", max: "1", low: "0.05", high: "0.95", optimum: "0.4", "aria-label": "level" });
  const finish = (wanted) => {
    const end = stop;
    stop = null;
    meter.value = 0;
    tell();
    const data = end();
    if (wanted) send({ do: "take", name: "take.wav" }, [data]);
  };
  const record = button("Record", async () => {
    if (stop) return finish(true);
    if (opening) return;
    opening = true;
    problem.textContent = "";
    said.textContent = "Waits for the microphone.";
    try {
      const end = await listen(state().longest, (peak) => (meter.value = peak), () => stop && finish(true));
      if (!el.isConnected || !agree.checked) {
        end(); // while the browser asked, the widget was closed or the agreement taken back
      } else {
        stop = end;
        said.textContent = `Say "${WORDS[state().digit]}" now, then press Stop.`;
      }
    } catch (error) {
      const why = REFUSALS[error.name] || `The microphone cannot be used (${error.name})`;
      complain(`${why}. Allow it in the browser, or choose a sound file instead.`);
    }
    opening = false;
    tell();
  });
  const file = make("input", { type: "file", accept: FILES });
  file.addEventListener("change", async () => {
    const [chosen] = file.files;
    if (!chosen) return;
    if (chosen.size > state().most) complain(`The file has ${Math.ceil(chosen.size / 1e6)} MB; cut out the one digit.`);
    else send({ do: "take", name: chosen.name }, [await chosen.arrayBuffer()]);
    file.value = ""; // the same file may be chosen again
  });
  const digit = make("select", {});
  WORDS.forEach((word, d) => digit.append(make("option", { value: String(d) }, `${d}, ${word}`)));
  digit.addEventListener("change", () => send({ do: "digit", digit: Number(digit.value) }));

  // --- the take in hand
  const drawn = make("div");
  drawn.innerHTML = '<svg viewBox="0 0 640 90" preserveAspectRatio="none" role="img"><rect y="0" height="90" /><path d="" /></svg>';
  const wave = drawn.firstChild;
  const [inside, line] = wave.children;
  const ends = ["start", "stop"].map((name) => {
    const range = make("input", { type: "range", min: "0", step: "0.01" });
    const told = make("output", {});
    range.addEventListener("input", () => shade());
    range.addEventListener("change", () => send({ do: "cut", start: Number(ends[0].range.value), stop: Number(ends[1].range.value) }));
    return { name, range, told, label: make("label", {}, name === "start" ? "from" : "to", range, told) };
  });
  const shade = () => {
    const { take } = state();
    if (!take) return;
    const [from, to] = ends.map(({ range }) => Number(range.value));
    inside.setAttribute("x", String((640 * from) / take.seconds));
    inside.setAttribute("width", String((640 * Math.max(0, to - from)) / take.seconds));
    for (const { range, told } of ends) {
      told.textContent = `${Number(range.value).toFixed(2)} s`;
      range.setAttribute("aria-valuetext", told.textContent);
    }
  };
  const player = new Audio();
  let url = "";
  const play = (content, buffers) => {
    if (content.do !== "play" || !asked) return; // another view of the same widget has asked
    asked = false;
    if (url) URL.revokeObjectURL(url);
    url = URL.createObjectURL(new Blob([buffers[0]], { type: "audio/wav" }));
    player.src = url;
    player.play().catch((error) => complain(`This browser does not play it (${error.name}).`));
  };
  let asked = false;
  const heard = make("p", { class: "a2d-heard" });
  const acts = [
    button("Play", () => {
      asked = true;
      send({ do: "play" });
    }),
    button("Keep", () => send({ do: "keep" })),
    button("Throw away", () => send({ do: "discard" })),
  ];
  const hand = make("div", { role: "group", "aria-label": "the take" }, wave, make("div", { class: "a2d-row" }, ends[0].label, ends[1].label));
  hand.append(make("div", { class: "a2d-row" }, ...acts), heard);

  // --- what is kept
  const kept = make("p", {});
  const last = button("Delete the last", () => send({ do: "delete" }));
  const all = button("Delete all my recordings", () => {
    if (stop) finish(false);
    if (sure) send({ do: "delete all" });
    sure = !sure;
    tell();
  });
  let sure = false;

  const inputs = make("div", { class: "a2d-row" }, make("label", {}, "digit", digit), record, make("label", {}, "level", meter));
  const files = make("div", { class: "a2d-row" }, make("label", {}, "or a sound file", file));
  const root = make("div", { class: "a2d-widget a2d-recorder", role: "group", "aria-label": "Recorder" });
  root.append(make("h4", {}, "Recorder"), problem, make("label", { class: "a2d-agree" }, agree, terms), inputs, files, said);
  root.append(hand, kept, make("div", { class: "a2d-row" }, last, all));
  root.addEventListener("keydown", (event) => {
    if (!event.ctrlKey && !event.metaKey && event.key !== "Escape") event.stopPropagation(); // the notebook has keys of its own
  });
  el.append(root);

  const tell = () => {
    const now = state();
    const busy = Boolean(stop);
    agree.checked = now.agreed;
    where.textContent = now.folder;
    digit.value = String(now.digit);
    digit.disabled = busy;
    for (const node of [record, file]) node.disabled = !now.agreed || (node === file && busy);
    record.textContent = busy ? "Stop" : "Record";
    record.dataset.on = String(busy);
    hand.hidden = !now.take || busy;
    if (now.take) {
      const { bars, seconds, start, stop: end } = now.take;
      const x = (i) => ((i + 0.5) * 640) / bars.length;
      line.setAttribute("d", bars.map((v, i) => `M${x(i).toFixed(1)} ${45 - 43 * v}V${45 + 43 * v}`).join(""));
      [start, end].forEach((t, i) => {
        ends[i].range.max = String(seconds);
        ends[i].range.value = String(t);
      });
      wave.setAttribute("aria-label", `A recording of ${seconds.toFixed(2)} s, cut from ${start.toFixed(2)} to ${end.toFixed(2)} s.`);
      shade();
    }
    acts[1].textContent = `Keep as ${now.digit}`;
    heard.textContent = now.heard;
    const total = now.counts.reduce((a, b) => a + b, 0);
    const missing = now.counts.reduce((sum, n) => sum + Math.max(0, now.goal - n), 0);
    const each = now.counts.map((n, d) => `${d}: ${n}`).join(", ");
    const enough = now.goal ? "These are enough." : "One recording is enough here, kept or not.";
    kept.textContent = `Kept takes: ${total} (${each}). ${missing ? `${missing} more are wanted, ${now.goal} of each.` : enough}`;
    last.textContent = `Delete the last ${now.digit}`;
    last.disabled = !now.agreed || !now.counts[now.digit];
    all.textContent = sure ? "Really delete all? Press again" : "Delete all my recordings";
    root.dataset.step = now.step;
  };
  const changed = () => {
    said.textContent = state().said;
    problem.textContent = state().problem;
    tell();
  };
  model.on("change:state", changed);
  model.on("msg:custom", play);
  changed();
  return () => {
    model.off("change:state", changed);
    model.off("msg:custom", play);
    if (stop) stop(); // closes the microphone
    stop = null;
    player.pause();
    if (url) URL.revokeObjectURL(url);
  };
}

export default { render };
