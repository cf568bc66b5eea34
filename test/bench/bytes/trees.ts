// Where the bytes of a database lie: its file is read by SQLite's own table of pages (https://sqlite.org/dbstat.html).
// Each table and each index is a tree of pages. A page that is filled at random places splits in half when it is full,
// so such a tree's pages are seldom full; one that is filled at its end keeps them full.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** A table or an index. Sizes in bytes. */
export interface Tree {
  name: string;
  /** The table to which it belongs; its own name if it is one. */
  table: string;
  entries: number;
  /** All of its pages. */
  bytes: number;
  /** What its pages leave empty. */
  empty: number;
}

export interface Pages {
  trees: Tree[];
  /** Pages that belong to no tree, and the size of the file, bytes. */
  free: number;
  file: number;
}

/** In an index, and in a table without rowid, the pages above the leaves hold entries, too. */
const TREES = `
  SELECT d.name, coalesce(s.tbl_name, d.name) AS "table",
    sum(iif(d.pagetype = 'leaf' OR (d.pagetype = 'internal' AND (s.type = 'index' OR t.wr = 1)), d.ncell, 0)) AS entries,
    sum(d.pgsize) AS bytes, sum(d.unused) AS empty
  FROM dbstat AS d LEFT JOIN sqlite_schema AS s ON s.name = d.name
  LEFT JOIN pragma_table_list AS t ON t.schema = 'main' AND t.name = d.name
  GROUP BY d.name ORDER BY bytes DESC`;

const FILE = `
  SELECT (SELECT page_count FROM pragma_page_count()) * size AS file, (SELECT freelist_count FROM pragma_freelist_count()) * size AS free
  FROM (SELECT page_size AS size FROM pragma_page_size())`;

/** Reads the pages of the D1 database in the storage of a runtime that is stopped. There must be one. */
export function readPages(folder: string): Pages {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const found = files.filter(
    (file) => /D1DatabaseObject.*\.sqlite$/.test(file) && !file.endsWith("metadata.sqlite"),
  );
  const [file] = found;
  if (file === undefined || found.length > 1) throw new Error(`there are ${found.length} databases`);
  const database = new DatabaseSync(join(folder, file));
  try {
    const trees = database.prepare(TREES).all() as unknown as Tree[];
    return { trees, ...(database.prepare(FILE).get() as unknown as Omit<Pages, "trees">) };
  } finally {
    database.close();
  }
}
