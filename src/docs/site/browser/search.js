// The search: a combobox over all sections of all pages (https://www.w3.org/WAI/ARIA/apg/patterns/combobox/). Its index is
// made here, of a file that is fetched when somebody first wants to search.

/**
 * @typedef {{ url: string, page: string, title: string, text: string }} Entry
 * @typedef {{ search: (words: string) => { id: string, terms: string[] }[] }} Index
 */

/** A variable, because the checker of types knows the package and not the served file. */
const MINISEARCH = "/docs/minisearch.js";
const MOST = 12;
const EXCERPT = 150; // characters

/** @type {Promise<{ index: Index, entries: Map<string, Entry> }> | undefined} */
let loading;

async function load() {
  const [module, answer] = await Promise.all([import(MINISEARCH), fetch("/docs/search.json")]);
  const { default: MiniSearch } = /** @type {typeof import("minisearch")} */ (module);
  if (!answer.ok) throw new Error(`search.json: ${answer.status}`);
  const list = /** @type {Entry[]} */ (await answer.json());
  const index = new MiniSearch({
    idField: "url",
    fields: ["title", "page", "text"],
    searchOptions: { boost: { title: 4, page: 2 }, prefix: true, fuzzy: 0.15, combineWith: "AND" },
  });
  index.addAll(list);
  return { index, entries: new Map(list.map((entry) => [entry.url, entry])) };
}

/** Brings the form in the top bar to life. */
export function startSearch() {
  const form = document.getElementById("search");
  const input = document.getElementById("query");
  const list = document.getElementById("results");
  const told = document.getElementById("told");
  if (!(input instanceof HTMLInputElement) || form === null || list === null || told === null) return;
  let chosen = -1;

  /** @param {string} message */
  const say = (message) => {
    told.textContent = message;
  };

  const close = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    choose(-1);
  };

  /** @param {number} place */
  const choose = (place) => {
    chosen = place;
    for (const [i, option] of [...list.children].entries())
      option.setAttribute("aria-selected", String(i === place));
    const option = list.children[place];
    option?.scrollIntoView({ block: "nearest" });
    if (option === undefined) input.removeAttribute("aria-activedescendant");
    else input.setAttribute("aria-activedescendant", option.id);
  };

  const update = async () => {
    const words = input.value.trim();
    if (words === "") {
      list.replaceChildren();
      say("");
      return close();
    }
    try {
      loading ??= load();
      const { index, entries } = await loading;
      if (input.value.trim() !== words) return;
      const found = index.search(words);
      const options = found.slice(0, MOST).flatMap(({ id, terms }, i) => {
        const entry = entries.get(id);
        return entry === undefined ? [] : [optionOf(entry, terms, i)];
      });
      list.replaceChildren(...(options.length > 0 ? options : [nothing(words)]));
      say(found.length === 0 ? "Nothing found" : `${found.length} found`);
    } catch {
      loading = undefined;
      list.replaceChildren(nothing(words, "The search could not be loaded; try again."));
      say("The search could not be loaded");
    }
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    choose(-1);
  };

  input.addEventListener("focus", () => {
    loading ??= load();
    loading.catch(() => (loading = undefined));
    if (list.childElementCount > 0 && input.value.trim() !== "") {
      list.hidden = false;
      input.setAttribute("aria-expanded", "true");
    }
  });
  input.addEventListener("input", () => void update());
  input.addEventListener("keydown", (event) => {
    const count = list.querySelectorAll("a").length;
    if (event.key === "Escape") {
      if (list.hidden) input.value = "";
      close();
    } else if (list.hidden || count === 0) {
      return;
    } else if (event.key === "ArrowDown") {
      choose((chosen + 1) % count);
    } else if (event.key === "ArrowUp") {
      choose((Math.max(chosen, 0) + count - 1) % count);
    } else {
      return;
    }
    event.preventDefault();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const link = list.children[Math.max(chosen, 0)]?.querySelector("a");
    if (list.hidden || !link) return;
    close();
    link.click();
  });
  list.addEventListener("click", close);
  form.addEventListener("focusout", (event) => {
    if (!(event.relatedTarget instanceof Node) || !form.contains(event.relatedTarget)) close();
  });
  // The option under the pointer must still be there when the button comes up.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  document.addEventListener("keydown", (event) => {
    const isTyping =
      event.target instanceof Element && event.target.closest("input, textarea, select") !== null;
    if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    input.focus();
  });
}

/**
 * @param {Entry} entry
 * @param {string[]} terms
 * @param {number} place
 */
function optionOf({ url, page, title, text }, terms, place) {
  const option = document.createElement("li");
  option.id = `result-${place}`;
  option.setAttribute("role", "option");
  const link = document.createElement("a");
  link.href = url;
  link.tabIndex = -1;
  link.append(element("strong", title), page === title ? "" : element("small", page));
  const words = element("p", "");
  words.append(...marked(excerptOf(text, terms), terms));
  link.append(words);
  option.append(link);
  return option;
}

/**
 * @param {string} words
 * @param {string} message
 */
function nothing(words, message = `Nothing found for “${words}”.`) {
  const item = element("li", message);
  item.setAttribute("role", "option");
  item.setAttribute("aria-disabled", "true");
  return item;
}

/**
 * The part of a section's text around the first of the words that it has.
 * @param {string} text
 * @param {string[]} terms
 */
function excerptOf(text, terms) {
  const lower = text.toLowerCase();
  const places = terms.map((term) => lower.indexOf(term)).filter((place) => place >= 0);
  const first = places.length === 0 ? 0 : Math.min(...places);
  const from = first < EXCERPT / 2 ? 0 : text.indexOf(" ", first - EXCERPT / 3) + 1;
  const part = text.slice(from, from + EXCERPT);
  return `${from > 0 ? "… " : ""}${part}${from + EXCERPT < text.length ? " …" : ""}`;
}

/**
 * The text with the words that were found marked.
 * @param {string} text
 * @param {string[]} terms
 * @returns {(string | HTMLElement)[]}
 */
function marked(text, terms) {
  const longestFirst = terms.toSorted((a, b) => b.length - a.length);
  const pattern = longestFirst.map((term) => term.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
  if (pattern === "") return [text];
  return text
    .split(new RegExp(`(${pattern})`, "giu"))
    .map((part, i) => (i % 2 === 1 ? element("mark", part) : part));
}

/**
 * @param {string} name
 * @param {string} text
 */
function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
