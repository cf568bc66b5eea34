// The structure of the source: which folder may import which, no circular imports, no imports of unshipped code by
// shipped code, SQL only in the store, and bounded sizes of folders and files. A new folder must be added here, with
// its imports.

import { describe, expect, it } from "vitest";

const ALL = import.meta.glob<string>(["../src/**/*.ts", "!../src/**/*.d.ts"], {
  query: "?raw",
  import: "default",
  eager: true,
});
const TESTS = import.meta.glob<string>(["./**/*.ts", "!./**/*.d.ts"], {
  query: "?raw",
  import: "default",
  eager: true,
});

/**
 * Folder or file of src -> the others of src that it may import, from the top down. It is the map of the source: lower
 * entries do not depend on higher ones.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  "index.ts": ["contact", "door.ts", "lazy.ts", "pipes"],
  "door.ts": ["api", "config", "ingest", "lazy.ts"],
  "lazy.ts": ["lib"],
  "app.ts": ["api"],
  "background.ts": ["jobs", "pipes", "process", "store"],
  api: [
    "config",
    "contact",
    "erasure",
    "history",
    "ingest",
    "jobs",
    "lib",
    "model",
    "pipes",
    "process",
    "providers",
    "rebuild",
    "store",
    "version.ts",
  ],
  jobs: [
    "config",
    "contact",
    "erasure",
    "history",
    "ingest",
    "lib",
    "model",
    "pipes",
    "process",
    "rebuild",
    "store",
  ],
  rebuild: ["config", "contact", "erasure", "lib", "model", "pipes", "process", "store"],
  history: ["config", "contact", "erasure", "lib", "model", "process", "store"],
  process: ["config", "contact", "erasure", "ingest", "lib", "model", "providers", "store"],
  pipes: ["config", "lib", "model", "store"],
  erasure: ["config", "lib", "model", "providers", "store"],
  ingest: ["config", "lib", "model", "providers", "store"],
  contact: ["config", "lib", "model", "store"],
  config: ["lib", "model", "providers", "store"],
  store: ["lib", "model"],
  providers: ["lib", "model"],
  model: ["lib"],
  lib: [],
  "version.ts": [],
  // Code that runs on a developer's machine and never ships. It may import from the folders above, but not from the
  // tests.
  cli: ["config", "docs", "lib", "model"],
  demo: ["cli", "index.ts", "lib", "model", "store"],
  docs: [],
};
const SHIPS_NOT = new Set(["cli", "demo", "docs"]);
const MOST_LINES = 300;
const MOST_TEST_LINES = 400;
const MOST_FILES = 26;

interface Import {
  from: string;
  to: string;
}

const paths = Object.keys(ALL).map((key) => key.replace("../src/", ""));
const textOf = (path: string): string => ALL[`../src/${path}`] ?? "";
const folderOf = (path: string): string => path.split("/")[0] ?? path;
const shipped = paths.filter((path) => !SHIPS_NOT.has(folderOf(path)));

/** Imports of other modules of src, of types too, and those that load a module when it is needed. */
function importsOf(path: string): Import[] {
  const named = textOf(path).matchAll(
    /^(?:import|export)\b[^;]*?from\s+"(\.[^"]+)"|\bimport\("(\.[^"]+)"\)/gm,
  );
  return Array.from(named, ([, always, later]) => ({
    from: path,
    to: new URL(always ?? later ?? "", `file:///${path}`).pathname.slice(1),
  })).filter(({ to }) => paths.includes(to));
}

const imports = paths.flatMap(importsOf);
const linesOf = (text: string): number => text.split("\n").length - 1;

describe("the source", () => {
  it("imports only in the direction that MAY_IMPORT allows", () => {
    const wrong = imports.filter(({ from, to }) => {
      const [importer, imported] = [folderOf(from), folderOf(to)];
      const isLazy = from === "lazy.ts" && (to === "app.ts" || to === "background.ts");
      return importer !== imported && !isLazy && MAY_IMPORT[importer]?.includes(imported) !== true;
    });
    expect(wrong.map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
  });

  it("has exactly the folders of MAY_IMPORT", () => {
    expect([...new Set(paths.map(folderOf))].toSorted()).toEqual(Object.keys(MAY_IMPORT).toSorted());
  });

  it("has no circular imports, not even of types", () => {
    const following = Map.groupBy(
      imports.filter(({ from }) => from !== "lazy.ts" && from !== "pipes/lazy.ts"),
      ({ from }) => from,
    );
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (path: string, trail: readonly string[]): void => {
      if (trail.includes(path)) {
        circles.push([...trail.slice(trail.indexOf(path)), path].join(" -> "));
        return;
      }
      if (done.has(path)) return;
      for (const { to } of following.get(path) ?? []) visit(to, [...trail, path]);
      done.add(path);
    };
    for (const path of paths) visit(path, []);
    expect(circles).toEqual([]);
  });

  it("does not import the tools, the demo or the documentation from code that ships", () => {
    const wrong = imports.filter(
      ({ from, to }) => !SHIPS_NOT.has(folderOf(from)) && SHIPS_NOT.has(folderOf(to)),
    );
    expect(wrong).toEqual([]);
  });

  it("contains SQL only in the store", () => {
    const speaks = shipped.filter(
      (path) =>
        folderOf(path) !== "store" && /\b(?:SELECT|INSERT INTO|UPDATE|DELETE FROM) [\w*]/.test(textOf(path)),
    );
    expect(speaks).toEqual(["pipes/redeliveries.ts", "pipes/retries.ts"]); // tables in the pipe's own object
  });

  it("searches by ranges: D1 takes no LIKE or GLOB pattern beyond 50 bytes", () => {
    const wrong = shipped.filter((path) => /\b(?:LIKE|GLOB)\s+(?:[?\w]|'[^']{49,}')/.test(textOf(path)));
    expect(wrong).toEqual([]);
  });

  it("reaches the database's binding only through the store", () => {
    const reaches = shipped.filter(
      (path) =>
        folderOf(path) !== "store" && /\benv\)?\.DB\b|\.withSession\(|\.prepare\(\s*["`]/.test(textOf(path)),
    );
    expect(reaches).toEqual([]);
  });

  it("reaches objects in one module only, which knows their jurisdiction", () => {
    const reaches = shipped.filter((path) =>
      /\.(?:getByName|idFromName|idFromString|newUniqueId|getExisting)\(|\benv\)?\.(?:CONTACTS|PIPES)\b/.test(
        textOf(path),
      ),
    );
    expect(reaches).toEqual(["config/objects.ts"]);
  });

  it("uses nothing of Cloudflare in lib, model and providers, which run anywhere", () => {
    const bound = shipped.filter(
      (path) =>
        /^(?:lib|model|providers)\//.test(path) &&
        /"cloudflare:|\b(?:D1|R2|DurableObject)\w+/.test(textOf(path)),
    );
    expect(bound).toEqual([]);
  });

  it("has at most 26 files in a folder and 300 lines in a file", () => {
    const folders = Map.groupBy(paths, (path) => path.slice(0, path.lastIndexOf("/") + 1));
    const heaps = [...folders].filter(([, files]) => files.length > MOST_FILES);
    const walls = paths.filter((path) => linesOf(textOf(path)) > MOST_LINES);
    expect([...heaps.map(([folder, { length }]) => `${folder}: ${length} files`), ...walls]).toEqual([]);
  });

  it("begins every file with a comment about its purpose", () => {
    expect(paths.filter((path) => !/^(?:\/\/|\/\*\*?) ?\S/.test(textOf(path)))).toEqual([]);
  });
});

describe("the tests", () => {
  it("have at most 400 lines in a file", () => {
    const walls = Object.entries(TESTS).filter(([, text]) => linesOf(text) > MOST_TEST_LINES);
    expect(walls.map(([path, text]) => `${path}: ${linesOf(text)} lines`)).toEqual([]);
  });
});

describe("the project's settings", () => {
  const settings = import.meta.glob<string>(["../package.json", "../wrangler.toml"], {
    query: "?raw",
    import: "default",
    eager: true,
  });

  it("switch off the telemetry that a dependency's installation would send", () => {
    expect(JSON.parse(settings["../package.json"] ?? "{}")).toHaveProperty("scarfSettings.enabled", false);
  });

  it("keep query strings, which hold tokens and addresses, out of Cloudflare's log", () => {
    expect(settings["../wrangler.toml"]).toMatch(
      /^\[observability\]\n(?:\w.*\n)*redact_query_string = true$/m,
    );
  });
});
