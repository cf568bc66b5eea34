// One page of the documentation as the build sees it: its Markdown read once, and all that navigation, search and links
// need to know of it.

import { dirname, join, normalize } from "node:path/posix";
import GithubSlugger from "github-slugger";
import { lexer, type Token, type TokensList } from "marked";

export interface Heading {
  depth: number;
  text: string;
  /** Its anchor, as repository pages make it. */
  slug: string;
}

/** A heading with the text below it, up to the next one. */
export interface Section extends Heading {
  body: string;
}

export interface Page {
  /** Below the project's folder, with slashes: `src/docs/providers/mailjet.md`. */
  file: string;
  /** Where the Worker serves it: `/docs/providers/mailjet`. */
  url: string;
  title: string;
  /** Its first paragraph, which says what the page is for. */
  lede: string;
  tokens: TokensList;
  sections: Section[];
}

const PAGES = "src/docs";

/** Swagger UI is at /docs/api, so the page of this name goes below it. */
const ELSEWHERE: Readonly<Record<string, string>> = { "api.md": "/docs/api/conventions" };

/** Reads one Markdown file; `file` is its path below the project's folder. */
export function readPage(file: string, text: string): Page {
  const tokens = lexer(text);
  const sections = sectionsOf(tokens);
  const lede = tokens.find((token) => token.type === "paragraph");
  const title = sections.find(({ depth }) => depth === 1)?.text ?? file;
  return { file, url: urlOf(file), title, lede: lede === undefined ? "" : plain(lede), tokens, sections };
}

/** Where a page is served. Only files below src/docs are. */
export function urlOf(file: string): string {
  const name = file.slice(PAGES.length + 1);
  return ELSEWHERE[name] ?? `/docs/${name}`.replace(/\.md$/, "").replace(/(^|\/)index$/, "");
}

/** Headings with GitHub's slugs (https://github.com/Flet/github-slugger), and the text that belongs to each. */
function sectionsOf(tokens: readonly Token[]): Section[] {
  const slugger = new GithubSlugger();
  const sections: Section[] = [];
  for (const token of tokens) {
    if (token.type === "heading") {
      const text = plain(token);
      sections.push({ depth: Number(token["depth"]), text, slug: slugger.slug(text), body: "" });
      continue;
    }
    const last = sections.at(-1);
    if (last !== undefined && token.type !== "space") last.body = `${last.body} ${plain(token)}`.trim();
  }
  return sections;
}

interface Children {
  tokens?: Token[];
  items?: Token[];
  header?: Token[];
  rows?: Token[][];
}

/** A token's text without its markup, on one line. */
export function plain(token: Token): string {
  const { tokens, items, header, rows } = token as Children;
  const children =
    items ?? tokens ?? (header === undefined ? undefined : [...header, ...(rows ?? []).flat()]);
  if (children === undefined)
    return token.type === "html" ? "" : unescape((token as { text?: string }).text ?? "");
  const isInline = items === undefined && header === undefined;
  return children
    .map(plain)
    .join(isInline ? "" : " ")
    .replaceAll(/\s+/g, " ")
    .trim();
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#39;": "'",
  "&nbsp;": " ",
};

function unescape(text: string): string {
  return text.replaceAll(/&(?:amp|lt|gt|quot|#39|nbsp);/g, (entity) => ENTITIES[entity] ?? entity);
}

/** What a link of a page leads to. Paths are below the project's folder. */
export type Target =
  | { kind: "external" }
  | { kind: "page"; file: string; anchor: string }
  | { kind: "site"; path: string }
  | { kind: "image"; file: string }
  | { kind: "source"; file: string };

/** Reads a link of the page `from`; relative ones are resolved as a repository page does. */
export function targetOf(href: string, from: string): Target {
  if (/^(?:[a-z][a-z\d+.-]*:|\/\/)/i.test(href)) return { kind: "external" };
  if (href.startsWith("/")) return { kind: "site", path: href };
  const [path = "", anchor = ""] = href.split("#", 2);
  const file = path === "" ? from : normalize(join(dirname(from), decodeURI(path))).replace(/\/$/, "");
  if (file === from || (isPage(file) && file.endsWith(".md"))) return { kind: "page", file, anchor };
  if (isPage(file) && /\.(?:svg|png)$/.test(file)) return { kind: "image", file };
  return { kind: "source", file };
}

function isPage(file: string): boolean {
  return file.startsWith(`${PAGES}/`) && !file.startsWith(`${PAGES}/site/`);
}
