// The arrows of the menu have no words; a screen reader needs some.
addEventListener("DOMContentLoaded", () => {
  for (const arrow of document.querySelectorAll("li.has-children > details > summary")) {
    const link = arrow.closest("li").querySelector("a.reference");
    arrow.setAttribute("aria-label", `Pages of: ${link.textContent.trim()}`);
  }
});

// A formula that is wider than a phone scrolls: with the keyboard too.
addEventListener("load", async () => {
  await window.MathJax?.startup?.promise;
  for (const formula of document.querySelectorAll("mjx-container[display]")) {
    if (formula.scrollWidth > formula.clientWidth) formula.tabIndex = 0;
  }
});
