// Bodies unlike any fixture, to any open source: too deep, too large, in another format, or in none.

import { gzipSync } from "node:zlib";
import { MAX_BODY } from "../../../src/ingest/body.ts";
import type { Random } from "../../../src/demo/traffic/random.ts";
import type { Sample } from "../corpus.ts";
import { draw } from "../draw.ts";
import { randomBytes } from "../mutate-bytes.ts";
import { hostileText } from "../mutate-json.ts";
import type { FuzzRequest } from "../types.ts";
import { proven } from "./deliveries.ts";

const EVENT = '{"event":"open","email":"fuzz@example.com","timestamp":1790000000}';

type Maker = (sample: Sample, random: Random) => string | Buffer;

const nest = (open: string, close: string, levels: number): string =>
  open.repeat(levels) + close.repeat(levels);

/** What makes careless text functions slow, over and over. */
const RUNS = [
  [
    "\\",
    '"',
    "1",
    "<",
    "[",
    "{",
    "@",
    ".",
    ",",
    "%",
    "=",
    "&",
    " ",
    "\n",
    "\u0301",
    "\u0316\u0301",
    "\u0130",
  ],
  [
    "a@b.c ",
    "=@x",
    "%25",
    "%C3%A4",
    "\\u0040",
    "\\n",
    "&#64;",
    "1234567890123456,",
    "{},",
    "[],",
    '"a":1,',
    "<a/>",
  ],
  ["<a b='1'/>", "a=b&", "--x\r\n", "http://", "fuzz@example.com,"],
].flat();

/** A long run, bare or in a field of an event, and rarely as long as a body may be. */
function longRun(random: Random): string {
  const unit = draw(random, RUNS);
  const bytes = random.chance(0.1) ? MAX_BODY - 200 : random.between(1_000, 200_000);
  const run = unit.repeat(Math.floor(bytes / Buffer.byteLength(JSON.stringify(unit))));
  const field = draw(random, ["email", "event", "timestamp", "reason", "url", "x"]);
  return draw(random, [
    run,
    `[${run}1]`,
    `<a>${run}</a>`,
    `event=open&email=fuzz@example.com&x=${run}`,
    JSON.stringify([{ event: "open", email: "fuzz@example.com", timestamp: 1790000000, [field]: run }]),
  ]);
}

const MAKERS: readonly Maker[] = [
  (_, random) => longRun(random),
  (_, random) => longRun(random),
  () => "",
  () => " \r\n\t ",
  (_, random) =>
    draw(random, [
      "{}",
      "[]",
      "null",
      "true",
      "0",
      '""',
      "[[]]",
      "[null]",
      "{",
      "[",
      "}",
      ",",
      "\u0000",
      "\u2028",
    ]),
  (_, random) => randomBytes(random, random.between(1, 4000)),
  (_, random) => nest("[", "]", random.between(100, 200_000)),
  (_, random) => nest('{"a":', "}", random.between(100, 50_000)).replace(":}", ":1}"),
  (_, random) => `[${Array(random.between(1, 60)).fill(EVENT).join(",")}]`,
  (_, random) =>
    Array(random.between(1, 60))
      .fill(EVENT)
      .join(random.chance(0.5) ? "\n" : "\r\n"), // JSON Lines
  ({ body }, random) => gzipSync(random.chance(0.5) ? body : Buffer.alloc(3_000_000, 0x20)),
  ({ body }) => Buffer.concat([Buffer.from("\ufeff"), body]),
  ({ body }) => Buffer.from(body.toString("utf8"), "utf16le"),
  ({ body }) => Buffer.concat([body, Buffer.from("\0"), body]),
  () =>
    '<?xml version="1.0"?><!DOCTYPE e [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><events><event>&b;</event></events>',
  () =>
    '<!DOCTYPE e SYSTEM "file:///etc/passwd"><event><email>a@example.com</email><event>open</event></event>',
  (_, random) => `<e>${nest("<e>", "</e>", random.between(10, 20_000))}</e>`,
  (_, random) =>
    `<events>${`<event type="open"><email>x@example.com</email>&#${random.between(0, 70_000)};</event>`.repeat(random.between(1, 40))}</events>`,
  () => `<event ${Array.from({ length: 3000 }, (_, i) => `a${i}="1"`).join(" ")}/>`,
  (_, random) => Array.from({ length: random.between(100, 20_000) }, (_, i) => `field${i}=${i}`).join("&"),
  (_, random) =>
    `email=a%40example.com&event=open&x=${encodeURIComponent(hostileText(random).toWellFormed())}`,
  () => `mandrill_events=${encodeURIComponent(nest("[", "]", 5000))}`,
  () => `--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n${"v".repeat(2000)}\r\n--x--\r\n`.repeat(3),
  (_, random) =>
    `--x\r\n${'content-disposition: form-data; name="__proto__"\r\n\r\n1\r\n--x\r\n'.repeat(random.between(1, 1500))}`,
  () => `{"email":"${"a".repeat(400_000)}@example.com","event":"open"}`,
  () =>
    `[${Array(400)
      .fill(`{"event":"open","email":"w@example.com","tags":${JSON.stringify(Array(50).fill("t"))}}`)
      .join(",")}]`,
  () =>
    `[${Array.from({ length: 300 }, (_, i) => `{"event":"click","email":"wide${i}@example.com","url":"${"u".repeat(2000)}"}`).join(",")}]`,
];

/** One of the above, as a delivery of the sample's provider. */
export function oddBody(sample: Sample, random: Random): FuzzRequest {
  const made = draw(random, MAKERS)(sample, random);
  const body = typeof made === "string" ? Buffer.from(made) : made;
  return { ...deliver(sample, body, random), kind: "odd body" };
}

/** A body of about five megabytes: a few bytes under the limit, at it, or over it. */
export function largeBody(sample: Sample, random: Random): FuzzRequest {
  const size = MAX_BODY + draw(random, [-1, 0, 0, 1, 1, 100_000]);
  const filler = draw(random, [" ", "a", '{"a":1},', "[", "<a>", "a=1&", "\0", "é", "[0],"]);
  const head = draw(random, [
    sample.body.toString("latin1").slice(0, 2000),
    "[",
    "",
    "email=a%40example.com&",
  ]);
  const body = Buffer.alloc(size, filler, "latin1");
  body.write(head, "latin1");
  return { ...deliver(sample, body, random), kind: "large body" };
}

function deliver({ provider, suffix, headers }: Sample, body: Buffer, random: Random): FuzzRequest {
  return proven(
    provider === "cloudflare" ? "generic" : provider,
    { method: "POST", suffix, headers, body },
    random,
  );
}
