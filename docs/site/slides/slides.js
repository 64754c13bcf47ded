// Starts the slides. One that came out higher than the rule of teach/site/slides.py thought is made smaller.
const WIDTH = 1280, HEIGHT = 720, LEAST = 0.5;

function fit(section) {
  const shown = section.style.display;
  section.style.display = "block";
  const share = Math.min(HEIGHT / section.scrollHeight, WIDTH / section.scrollWidth);
  if (share < 1) section.style.zoom = Math.max(share, LEAST);
  section.style.display = shown;
}

window.addEventListener("load", async () => {
  await MathJax.startup.promise;
  await Promise.all([...document.images].map(image => image.decode().catch(() => null)));
  const leaves = [...document.querySelectorAll(".slides section")].filter(one => !one.querySelector("section"));
  await Reveal.initialize({
    width: WIDTH, height: HEIGHT, margin: 0.05, center: false, hash: true, slideNumber: "c/t", transition: "none",
    controlsTutorial: false, viewDistance: 1000,
  });
  leaves.forEach(fit);
  Reveal.layout();
  document.body.dataset.state = "ready";
});
