// The code that a new isolate loads before its first answer to a provider, read from the imports. Each package that is
// kept out would cost milliseconds, and one careless import brings them all back. `npm run bench -- size` measures the
// result.

import { describe, expect, it } from "vitest";

const SOURCES: Record<string, string> = import.meta.glob("../src/**/*.ts", {
  query: "?raw",
  import: "default",
  eager: true,
});

interface Imports {
  /** Evaluated with the module. */
  static: string[];
  /** Evaluated when the code gets there. */
  lazy: string[];
}

/**
 * A module's imports: files of src by their key in SOURCES, packages by name. Type imports load nothing and are left
 * out.
 */
function importsOf(file: string): Imports {
  const code = (SOURCES[file] ?? "").replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
  const resolved = (name: string): string =>
    name.startsWith(".") ? new URL(name, `file:///test/${file}`).pathname : name;
  const keyOf = (name: string): string => resolved(name).replace(/^\/src\//, "../src/");
  const froms = code.matchAll(/^(?:import|export)\s+(?!type\s)(?:[^;"'()]*?\sfrom\s+)?"([^"]+)";?$/gm);
  return {
    static: Array.from(froms, ([, name = ""]) => keyOf(name)),
    lazy: Array.from(code.matchAll(/\bimport\("([^"]+)"\)/g), ([, name = ""]) => keyOf(name)),
  };
}

/** All modules and packages that are reached from the Worker's entry. */
function reached(which: (imports: Imports) => string[]): Set<string> {
  const names = new Set(["../src/index.ts"]);
  for (const file of names) for (const name of which(importsOf(file))) names.add(name);
  return names;
}

const first = reached((imports) => imports.static);
const ever = reached((imports) => [...imports.static, ...imports.lazy]);
const isOurs = (name: string): boolean => name.startsWith("../src/");

describe("a new isolate, before its first answer to a provider,", () => {
  it("loads no packages but the ones listed here", () => {
    expect([...first].filter((name) => !isOurs(name)).toSorted()).toEqual([
      "@noble/hashes/sha2.js",
      "@remix-run/multipart-parser",
      "@rgrove/parse-xml",
      "cloudflare:workers",
      "hono/utils/url",
      "ipaddr.js",
    ]);
  });

  it("loads no code of the API, of pipes' kinds, filters and transports, or of the background work", () => {
    const LATER =
      /^\.\.\/src\/(api|erasure|history|process|pipes\/(kinds|filter|transport))\/|\/(app|background|work)\.ts$/;
    const light = new Set(["../src/api/kit/problem.ts", "../src/pipes/transport/payload.ts"]);
    expect([...first].filter((name) => LATER.test(name) && !light.has(name))).toEqual([]);
  });

  it("does not touch the global `process`, which the runtime creates on first use", () => {
    const touching = [...first].filter((name) => /(?<![\w./"-])process\s*[.?[]/.test(SOURCES[name] ?? ""));
    // unzip.ts needs it for its first gzipped body.
    expect(touching).toEqual(["../src/lib/unzip.ts"]);
  });
});

describe("the code that ships", () => {
  it("imports modules of Node only lazily, because the bundle moves all static imports to its front", () => {
    const importing = [...ever].filter((name) =>
      importsOf(name).static.some((one) => one.startsWith("node:")),
    );
    expect(importing).toEqual([]);
  });

  it("is found completely by following its imports", () => {
    const missing = [...ever].filter((name) => isOurs(name) && SOURCES[name] === undefined);
    expect(missing).toEqual([]);
    expect([...ever]).toEqual(
      expect.arrayContaining([
        "zod",
        "hono/tiny",
        "papaparse",
        "jose",
        "aws4fetch",
        "@marcbachmann/cel-js",
        "@cloudamqp/amqp-client",
        "node:crypto",
        "node:zlib",
        "../src/api/v1.ts",
        "../src/pipes/kinds/sqs.ts",
      ]),
    );
    expect(ever.size).toBeGreaterThan(150);
  });
});
