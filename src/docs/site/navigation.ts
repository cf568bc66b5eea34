// The order of the pages: by what a reader wants to do, from the first try to the last doubt. A page that is not named here
// is listed under its folder's page, or at the end.

import type { Page } from "./page.ts";

interface Group {
  title: string;
  /** Below src/docs, without `.md`. */
  pages: readonly string[];
}

const GROUPS: readonly Group[] = [
  { title: "Set up", pages: ["start", "providers/index", "sources", "deploy", "upgrading"] },
  { title: "Use", pages: ["support", "marketing", "suppression", "passing-on", "pipes/index", "api"] },
  { title: "Run", pages: ["operate", "recovery", "storage", "cost", "privacy", "security"] },
  { title: "Understand", pages: ["how-it-works", "glossary", "contributing"] },
];

/** A page, and those of its folder where it is the folder's index. */
export interface Entry {
  page: Page;
  below: Page[];
}

/** The pages that there are, in order. */
export function navigationOf(pages: readonly Page[]): { title: string; entries: Entry[] }[] {
  const sorted = pages.toSorted((a, b) => a.title.localeCompare(b.title, "en"));
  const named = new Set(GROUPS.flatMap((group) => group.pages.map(fileOf)));
  const belowOf = (file: string): Page[] =>
    file.endsWith("/index.md")
      ? sorted.filter((page) => page.file !== file && page.file.startsWith(file.slice(0, -"index.md".length)))
      : [];
  const groups = GROUPS.map(({ title, pages: names }) => ({
    title,
    entries: names.flatMap((name) =>
      pages.filter(({ file }) => file === fileOf(name)).map((page) => ({ page, below: belowOf(page.file) })),
    ),
  }));
  const listed = new Set(
    groups.flatMap(({ entries }) => entries.flatMap(({ page, below }) => [page, ...below])),
  );
  const rest = sorted.filter((page) => !listed.has(page) && !named.has(page.file));
  const more = { title: "More", entries: rest.map((page) => ({ page, below: [] })) };
  return [...groups, more].filter(({ entries }) => entries.length > 0);
}

function fileOf(name: string): string {
  return `src/docs/${name}.md`;
}
