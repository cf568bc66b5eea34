// Checks that every link within the documentation leads to an existing file and heading.

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Token } from "marked";
import { targetOf, type Page } from "../../src/docs/site/page.ts";
import { ROOT } from "../../src/cli/wrangler.ts";

/** Addresses of the Worker that pages may name, beside those of pages. */
const SERVED = new Set(["/docs", "/docs/api", "/openapi.json", "/healthz", "/dashboard"]);

/** The number of checked links, and the problems found. */
export function checkLinks(pages: readonly Page[]): { links: number; problems: string[] } {
  const byFile = new Map(pages.map((page) => [page.file, page]));
  const urls = new Set(pages.map(({ url }) => url));
  const found = pages.flatMap((page) => linksOf(page.tokens).map((href) => ({ page, href })));
  const problems = found.flatMap(({ page, href }) => {
    const problem = problemOf(href, page, byFile, urls);
    return problem === null ? [] : [`${page.file}: the link to ${href} ${problem}`];
  });
  return { links: found.length, problems };
}

function problemOf(
  href: string,
  page: Page,
  pages: ReadonlyMap<string, Page>,
  urls: ReadonlySet<string>,
): string | null {
  const target = targetOf(href, page.file);
  switch (target.kind) {
    case "external":
      return null;
    case "site":
      return SERVED.has(target.path) || urls.has(target.path.split("#")[0] ?? "")
        ? null
        : "leads to nothing that is served";
    case "image":
    case "source":
      return existsSync(join(ROOT, target.file)) ? null : `leads to ${target.file}, which does not exist`;
    case "page": {
      const found = pages.get(target.file);
      if (found === undefined) return `leads to ${target.file}, which does not exist`;
      const isThere = target.anchor === "" || found.sections.some(({ slug }) => slug === target.anchor);
      return isThere ? null : `leads to a heading that ${target.file} does not have`;
    }
  }
}

interface Nested {
  href?: string;
  tokens?: Token[];
  items?: Token[];
  header?: { tokens: Token[] }[];
  rows?: { tokens: Token[] }[][];
}

/** The targets of links and images, at any depth. */
function linksOf(tokens: readonly Token[]): string[] {
  return tokens.flatMap((token) => {
    const { href, tokens: inner = [], items = [], header = [], rows = [] } = token as Nested;
    const cells = [...header, ...rows.flat()].flatMap((cell) => cell.tokens);
    const own = href !== undefined && (token.type === "link" || token.type === "image") ? [href] : [];
    return [...own, ...linksOf([...inner, ...items, ...cells])];
  });
}
