// The two pages that no Markdown is written for: the index, made of what each page says of itself, and the API reference.

import { layOut, topOf } from "./layout.ts";
import type { Entry } from "./navigation.ts";
import { escape } from "./render.ts";

/** /docs: every page with its first sentence. */
export function indexPage(groups: readonly { title: string; entries: readonly Entry[] }[]): string {
  const about = "Every email provider's webhooks, at one edge URL, and nothing gets lost.";
  const lists = groups.map(({ title, entries }) => {
    const items = entries.map(
      ({ page }) => `<li><a href="${page.url}">${escape(page.title)}</a><p>${escape(page.lede)}</p></li>`,
    );
    return `<h2>${escape(title)}</h2>\n<ul class="cards">\n${items.join("\n")}\n</ul>\n`;
  });
  const reference = `<p>Every call of <code>/v1</code> can be read and tried in the <a href="/docs/api">API reference</a>.</p>\n`;
  const text = `<h1>Tidings</h1>\n<p>${about}</p>\n${reference}${lists.join("")}`;
  return layOut(
    { title: "Tidings documentation", description: about, url: "/docs", text, headings: [] },
    groups,
  );
}

/** /docs/api: Swagger UI, with the bar of the other pages above it. */
export function referencePage(): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API reference · Tidings</title>
<link rel="icon" href="/docs/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/docs/api/swagger-ui.css">
<link rel="stylesheet" href="/docs/docs.css">
<script type="module" src="/docs/docs.js"></script>
</head>
<body>
${topOf("/docs/api")}
<main id="content" tabindex="-1">
<p class="aside">How to call it, page by page and safely: <a href="/docs/api/conventions">conventions of the API</a>.</p>
<div id="ui"></div>
<noscript><p class="aside">This page needs scripts. The same, for machines: <a href="/openapi.json">/openapi.json</a>.</p></noscript>
</main>
<script src="/docs/api/swagger-ui-bundle.js"></script>
<script src="/docs/api/start.js"></script>
</body>
</html>
`;
}
