// Markdown to HTML: headings with anchors, links as the Worker serves their targets, and tables and code that scroll by
// themselves, so that a page never does sideways.

import { Marked, Renderer, type Tokens } from "marked";
import { plain, targetOf, urlOf, type Page } from "./page.ts";

/** `source`: begins the address of a source file in a repository on the web; null where there is none to lead to. */
export interface Surroundings {
  source: string | null;
}

/** The page's text as HTML. */
export function renderPage(page: Page, { source }: Surroundings): string {
  const headings = page.tokens.filter(({ type }) => type === "heading");
  const sections = new Map(headings.map((token, i) => [token, page.sections[i]]));
  let section = page.title;
  const marked = new Marked({ gfm: true });
  marked.use({
    renderer: {
      heading(token: Tokens.Heading) {
        const known = sections.get(token);
        if (known === undefined) return Renderer.prototype.heading.call(this, token); // within a quotation
        const { depth, text, slug } = known;
        section = text;
        const inner = this.parser.parseInline(token.tokens);
        if (depth === 1) return `<h1 id="${escape(slug)}">${inner}</h1>\n`;
        const link = `<a class="anchor" href="#${escape(slug)}" aria-label="Link to “${escape(text)}”">#</a>`;
        return `<h${depth} id="${escape(slug)}">${inner} ${link}</h${depth}>\n`;
      },
      link(token: Tokens.Link) {
        const inner = this.parser.parseInline(token.tokens);
        const title = token.title ? ` title="${escape(token.title)}"` : "";
        const href = hrefOf(token.href, page.file, source);
        if (href !== null) return `<a href="${escape(href)}"${title}>${inner}</a>`;
        const { file } = targetOf(token.href, page.file) as { file: string };
        const isNamed = plain(token).includes(file.split("/").at(-1) ?? file);
        return isNamed ? inner : `${inner} (<code>${escape(file)}</code>)`;
      },
      image({ href, text }: Tokens.Image) {
        const src = hrefOf(href, page.file, source) ?? href;
        return `<img src="${escape(src)}" alt="${escape(text)}" loading="lazy">`;
      },
      table(token: Tokens.Table) {
        const table = Renderer.prototype.table.call(this, token);
        const label = `Table in “${escape(section)}”`;
        return `<div class="table" tabindex="0" role="group" aria-label="${label}">${table}</div>\n`;
      },
      code({ text, lang }: Tokens.Code) {
        const [language = ""] = (lang ?? "").split(" ");
        const label = `${NAMES[language] ?? "Code"} in “${escape(section)}”`;
        const kind = language === "" ? "" : ` class="language-${escape(language)}"`;
        return `<pre tabindex="0" role="group" aria-label="${label}"><code${kind}>${escape(text)}\n</code></pre>\n`;
      },
    },
  });
  return marked.parser(page.tokens, { ...marked.defaults });
}

const NAMES: Readonly<Record<string, string>> = {
  sh: "Commands",
  json: "JSON",
  js: "JavaScript",
  toml: "TOML",
  python: "Python",
  mermaid: "Diagram as text",
  text: "Text",
};

/** Where a link leads once the page is served; null where it leads to a file that nothing serves. */
export function hrefOf(href: string, from: string, source: string | null): string | null {
  const target = targetOf(href, from);
  switch (target.kind) {
    case "external":
      return href;
    case "site":
      return target.path;
    case "page":
      return `${target.file === from ? "" : urlOf(target.file)}${target.anchor === "" ? "" : `#${target.anchor}`}`;
    case "image":
      return target.file.replace(/^src/, "");
    case "source":
      return source === null ? null : `${source.replace(/\/?$/, "/")}${target.file}`;
  }
}

/** Text for HTML, also within a quoted attribute. */
export function escape(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
