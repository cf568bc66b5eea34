// The table of handles in src/docs/sources.md is made from the code. If this fails, copy the lines that it received.

/// <reference types="vite/types/importMeta.d.ts" />

import { expect, it } from "vitest";
import { HANDLES, handlesTable } from "./handles-table.ts";

const PAGES = import.meta.glob<string>("../../src/docs/sources.md", {
  query: "?raw",
  import: "default",
  eager: true,
});

const HEAD = ["provider", ...HANDLES.map((handle) => `\`${handle}\``)];

/** The lines of the table with this head, without the spaces that align its columns. */
function tableIn(page: string): string[] {
  const lines = page.split("\n").map((line) => line.replaceAll(/ +\|/g, " |"));
  const first = lines.indexOf(lineOf(HEAD));
  const end = lines.findIndex((line, i) => i > first && !line.startsWith("|"));
  return lines.slice(first + 2, end);
}

const lineOf = (cells: readonly string[]): string =>
  `| ${cells.join(" | ")} |`.replaceAll("|  |", "| |").replaceAll("|  |", "| |");

it("sources.md names for each provider the fields that become a handle", () => {
  const expected = handlesTable().map(lineOf);
  const [page = ""] = Object.values(PAGES);
  expect(expected.join("\n")).toBe(tableIn(page).join("\n"));
});
