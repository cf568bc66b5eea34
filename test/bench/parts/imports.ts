// Importing a list of suppressions as people have it, in parts as a client sends them blindly; and what a suppression of
// whole domains adds to the check of a thousand addresses.

import type { Progress } from "../../../src/cli/progress.ts";
import { tidingsBindings } from "../candidates.ts";
import { digits, figureOf, inTurns, quantile, ratioOf, spread } from "../figures.ts";
import { heldMemory } from "../memory.ts";
import type { PartResult } from "../results.ts";
import { askLab, start, type Running } from "../runtime.ts";
import { schema } from "../store-lab.ts";

const HEADERS = { authorization: "Bearer bench-only" };
/** Rows of one request: a tenth of the whole list, which each request brings. */
const PART = 10_000;
const CHECKED = 1_000;
/** Domains of the addresses, and how many of these are suppressed as a whole in one of the two databases. */
const DOMAINS = 500;
const SUPPRESSED_DOMAINS = 100;
const REASONS = ["hard_bounce", "complaint", "unsubscribed"];

const addressOf = (n: number): string => `person${n}@shop${n % DOMAINS}.example`;

/** Rows of a list, from `first` on, as CSV with the columns that providers export. */
function listOf(first: number, rows: number): string {
  const lines = Array.from({ length: rows }, (_, i) => {
    const n = first + i;
    const since = new Date(1_750_000_000_000 + n * 60_000).toISOString();
    return `${addressOf(n)},${REASONS[n % REASONS.length]},${since},list ${n % 7}`;
  });
  return ["address,reason,since,note", ...lines, ""].join("\n");
}

interface Imported {
  rows: number;
  seconds: number;
  parts: number;
  /** What the heap still holds after each half of the rows, when all garbage has been collected, bytes. */
  first: number;
  last: number;
}

export async function imports(quick: boolean, progress: Progress): Promise<PartResult> {
  const [total, rounds] = quick ? [20_000, 60] : [100_000, 150];
  const lab = await start({
    entry: "test/bench/labs/imports.ts",
    env: { ...tidingsBindings(), DB_DOMAINS: { type: "d1", id: "domains" } },
    objects: ["Contact"],
    inspected: true,
  });
  const statements = schema().map((sql) => ({ sql }));
  for (const place of PLACES) await askLab<null>(lab, `${place}/sql`, { statements });
  for (const place of PLACES) await importAll(lab, place, listOf(total, 500), () => undefined); // whatever loads at first
  const imported = await measureImport(lab, total, progress);
  await importAll(lab, "/domains", listOf(0, total), (rows) =>
    progress.show(rows, total, "importing beside it"),
  );
  const domains = Array.from({ length: SUPPRESSED_DOMAINS }, (_, i) => `@shop${i}.example,manual`);
  await importAll(lab, "/domains", ["address,reason", ...domains, ""].join("\n"), () => undefined);
  const checks = PLACES.map((place) => ({ place, took: [] as number[] }));
  for (let round = -5; round < rounds; round++) {
    for (const check of inTurns(checks, round)) {
      const took = await checkAddresses(lab, check.place, round + 5, total);
      if (round >= 0) check.took.push(took);
    }
    progress.show(round + 6, rounds + 5, "checking");
  }
  await lab.stop();
  const [without, withDomains] = checks.map(({ took }) => took);
  return resultOf(imported, without ?? [], withDomains ?? []);
}

/** Paths before which the Worker asks one database or the other. */
const PLACES = ["", "/domains"] as const;
type Place = (typeof PLACES)[number];

interface Answer {
  import: string;
  next: { offset: number } | null;
  rejected: number;
}

/**
 * Sends a list until an answer says that it is done. Returns how many requests that took, and for how long, s. `onPart`
 * gets how many rows are done; what it does is not counted.
 */
async function importAll(
  { url }: Running,
  place: Place,
  list: string,
  onPart: (rows: number) => Promise<void> | void,
): Promise<{ parts: number; seconds: number }> {
  let rest = "";
  let seconds = 0;
  for (let parts = 1; ; parts++) {
    const began = performance.now();
    const response = await fetch(new URL(`${place}/v1/suppressions/import?limit=${PART}${rest}`, url), {
      method: "POST",
      headers: { ...HEADERS, "content-type": "text/csv" },
      body: list,
    });
    const text = await response.text();
    seconds += (performance.now() - began) / 1000;
    if (!response.ok) throw new Error(`the import failed: ${text.slice(0, 300)}`);
    const { import: id, next, rejected } = JSON.parse(text) as Answer;
    if (rejected > 0) throw new Error(`the import took ${rejected} rows for wrong: ${text.slice(0, 300)}`);
    if (next === null) return { parts, seconds };
    await onPart(next.offset);
    rest = `&offset=${next.offset}&import=${id}`;
  }
}

async function measureImport(lab: Running, total: number, progress: Progress): Promise<Imported> {
  const { inspector, url } = lab;
  if (inspector === null) throw new Error("the runtime listens to no debugger");
  const held = async (): Promise<number> =>
    await heldMemory(inspector, async () => await (await fetch(new URL("/healthz", url))).text());
  let first = NaN;
  const { parts, seconds } = await importAll(lab, "", listOf(0, total), async (rows) => {
    progress.show(rows, total, "importing");
    if (rows === total / 2) first = await held();
  });
  return { rows: total, seconds, parts, first, last: await held() };
}

async function checkAddresses({ url }: Running, place: Place, n: number, total: number): Promise<number> {
  // Every other address is on no list.
  const addresses = Array.from({ length: CHECKED }, (_, i) =>
    addressOf((n * CHECKED + i * 97) % (2 * total)),
  );
  const began = performance.now();
  const response = await fetch(new URL(`${place}/v1/suppressions/check`, url), {
    method: "POST",
    headers: { ...HEADERS, "content-type": "application/json" },
    body: JSON.stringify({ addresses }),
  });
  const text = await response.text();
  const took = performance.now() - began;
  if (!response.ok) throw new Error(`the check failed: ${text.slice(0, 300)}`);
  return took;
}

const MB = 1e6;

function resultOf(
  imported: Imported,
  without: readonly number[],
  withDomains: readonly number[],
): PartResult {
  const { rows, seconds, parts, first, last } = imported;
  const ratio = ratioOf(withDomains, without);
  return {
    tables: [
      {
        title: "Importing suppressions as CSV",
        columns: ["rows", "requests", "rows/s", "heap after half of them, MB", "after all, MB"],
        rows: [
          [
            rows.toLocaleString("en-US"),
            String(parts),
            digits(rows / seconds),
            digits(first / MB),
            digits(last / MB),
          ],
        ],
        notes: [
          "The heap is read when its garbage has been collected. Each request brings the whole list and takes a part of it.",
        ],
      },
      {
        title: `A check of ${CHECKED} addresses by HTTP, ms`,
        columns: ["database", "median", "p95"],
        rows: [
          [
            `${rows.toLocaleString("en-US")} addresses`,
            spread(figureOf(without)),
            digits(quantile(without, 0.95)),
          ],
          [
            `and ${SUPPRESSED_DOMAINS} domains`,
            spread(figureOf(withDomains)),
            digits(quantile(withDomains, 0.95)),
          ],
          ["ratio, round by round", spread(ratio), ""],
        ],
      },
    ],
    charts: [],
    targets: [
      { what: "rows/s imported", got: rows / seconds, bound: { least: 2_000 }, unit: "" },
      {
        what: "heap after all of an import / after half of it",
        got: last / first,
        bound: { most: 1.25 },
        unit: "",
      },
      { what: "check with suppressed domains / without", got: ratio.median, bound: { most: 1.3 }, unit: "" },
    ],
    data: { imported, without, withDomains },
  };
}
