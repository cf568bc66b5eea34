// What scripts add to a page: the menu of narrow screens, buttons that copy commands, and the search.

import { startSearch } from "./search.js";

const menu = document.getElementById("menu");
const pages = document.getElementById("pages");
menu?.addEventListener("click", () => {
  const isOpen = pages?.classList.toggle("open") === true;
  menu.setAttribute("aria-expanded", String(isOpen));
});

// Beside the text there is room for the table of contents; above it, it waits to be opened.
const contents = document.querySelector(".contents details");
if (contents instanceof HTMLDetailsElement && !matchMedia("(min-width: 75rem)").matches)
  contents.open = false;

for (const block of document.querySelectorAll("article pre")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.addEventListener("click", () => void copy(block, button));
  const frame = document.createElement("div");
  frame.className = "code";
  block.replaceWith(frame);
  frame.append(block, button);
}

/**
 * @param {Element} block
 * @param {HTMLButtonElement} button
 */
async function copy(block, button) {
  try {
    await navigator.clipboard.writeText(block.textContent?.trimEnd() ?? "");
    button.textContent = "Copied";
  } catch {
    // Browsers refuse it where the page is not served securely; the selection leaves one key to press.
    getSelection()?.selectAllChildren(block);
    button.textContent = "Selected";
  }
  setTimeout(() => (button.textContent = "Copy"), 2_000);
}

startSearch();
