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

// The page that draws is light or dark as the page around it, where the browser lets one page look into the other.
addEventListener("DOMContentLoaded", () => {
  const demo = document.querySelector("iframe.demo"), root = document.documentElement;
  if (!demo) return;
  const follow = () => {
    const inside = demo.contentDocument?.documentElement;
    if (inside) inside.dataset.theme = root.dataset.theme;
  };
  demo.addEventListener("load", follow);
  new MutationObserver(follow).observe(root, {attributeFilter: ["data-theme"]});
  follow();
});
