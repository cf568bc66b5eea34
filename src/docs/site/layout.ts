// What stands around a page's text. No script or style is inline, so the Content-Security-Policy needs no exception; without
// scripts everything but the search works.

import type { Entry } from "./navigation.ts";
import type { Heading, Page } from "./page.ts";
import { escape } from "./render.ts";

export interface View {
  title: string;
  description: string;
  url: string;
  /** HTML. */
  text: string;
  headings: readonly Heading[];
}

type Groups = readonly { title: string; entries: readonly Entry[] }[];

/** A whole HTML document. */
export function layOut(view: View, groups: Groups): string {
  const title = view.url === "/docs" ? view.title : `${view.title} · Tidings`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escape(title)}</title>
<meta name="description" content="${escape(view.description)}">
<link rel="icon" href="/docs/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/docs/docs.css">
<script type="module" src="/docs/docs.js"></script>
</head>
<body>
${topOf(view.url)}
<div class="frame">
<nav class="pages" id="pages" aria-label="Pages">
${groups.map((group) => groupOf(group, view.url)).join("\n")}
</nav>
<main id="content" tabindex="-1">
${tableOfContents(view.headings)}
<article>
${view.text}</article>
${neighbours(view.url, groups)}
</main>
</div>
</body>
</html>
`;
}

/** The bar that all pages and the API reference share. */
export function topOf(url: string): string {
  const current = url === "/docs/api" ? ' aria-current="page"' : "";
  return `<a class="skip" href="#content">Skip to the text</a>
<header class="top">
<a class="home" href="/docs">Tidings<span> docs</span></a>
<search class="search">
<form id="search" role="search">
<label class="hidden" for="query">Search the documentation</label>
<input id="query" type="search" placeholder="Search" autocomplete="off" spellcheck="false" role="combobox"
 aria-expanded="false" aria-controls="results" aria-autocomplete="list" aria-keyshortcuts="/">
<ul id="results" role="listbox" aria-label="Found" hidden></ul>
<p id="told" class="hidden" role="status"></p>
</form>
</search>
<a class="reference" href="/docs/api"${current}>API<span> reference</span></a>
${url === "/docs/api" ? "" : '<button id="menu" type="button" aria-expanded="false" aria-controls="pages">Pages</button>\n'}</header>`;
}

function groupOf({ title, entries }: Groups[number], url: string): string {
  const items = entries.map(({ page, below }) => {
    const isOpen = [page, ...below].some((one) => one.url === url) && below.length > 0;
    const inner = isOpen ? `\n<ul>\n${below.map((one) => item(one, url)).join("\n")}\n</ul>\n` : "";
    return item(page, url, inner);
  });
  return `<h2>${escape(title)}</h2>\n<ul>\n${items.join("\n")}\n</ul>`;
}

function item(page: Page, url: string, inner = ""): string {
  const current = page.url === url ? ' aria-current="page"' : "";
  return `<li><a href="${page.url}"${current}>${escape(page.title)}</a>${inner}</li>`;
}

function tableOfContents(headings: readonly Heading[]): string {
  const shown = headings.filter(({ depth }) => depth === 2 || depth === 3);
  if (shown.length < 2) return "";
  const items = shown.map(
    ({ depth, text, slug }) =>
      `<li class="depth-${depth}"><a href="#${escape(slug)}">${escape(text)}</a></li>`,
  );
  return `<nav class="contents" aria-label="On this page">
<details open>
<summary>On this page</summary>
<ul>
${items.join("\n")}
</ul>
</details>
</nav>`;
}

/** The pages before and after, in the order of the navigation. */
function neighbours(url: string, groups: Groups): string {
  const all = groups.flatMap(({ entries }) => entries.flatMap(({ page, below }) => [page, ...below]));
  const place = all.findIndex((page) => page.url === url);
  if (place < 0) return "";
  const link = (page: Page | undefined, rel: "prev" | "next"): string =>
    page === undefined
      ? ""
      : `<a rel="${rel}" href="${page.url}"><small>${rel === "prev" ? "Before" : "Next"}</small>${escape(page.title)}</a>\n`;
  return `<nav class="neighbours" aria-label="Neighbouring pages">
${link(all[place - 1], "prev")}${link(all[place + 1], "next")}</nav>`;
}
