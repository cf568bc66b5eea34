// What Kafka's REST proxies answer record by record: v3 a stream of JSON objects, one after the other, with codes that
// begin with an HTTP status; v2 a list with the codes of the Kafka protocol.

import * as z from "zod";
import { outcomeOf, type Answer } from "../transport/http.ts";
import { parsedJson } from "../../lib/json.ts";
import { outcomeOfItems, type ItemFailure } from "../transport/batches.ts";
import type { Outcome } from "./kind.ts";

const coded = z.object({ error_code: z.int() });

/** The error code of an answer that is one error; null if it has none. */
export function codeOf(answer: Answer): number | null {
  return coded.safeParse(parsedJson(answer.text)).data?.error_code ?? null;
}

/**
 * The results of `count` records by an answer of v3. It is in their order; records that it leaves out at the end are
 * unknown.
 */
export function resultsOfV3(answer: Answer, count: number, retryAfter: number | null): Outcome {
  const codes = objectsOf(answer.text).map((one) => coded.safeParse(one).data?.error_code ?? null);
  return outcomeOfCodes(codes, count, answer, retryAfter, (code) => (code === 200 ? null : resultOfV3(code)));
}

const list = z.object({
  offsets: z.array(z.object({ offset: z.int().nullish(), error_code: z.int().nullish() })),
});

/** The results by an answer of v2, which gives an error or an offset for each record. */
export function resultsOfV2(answer: Answer, count: number, retryAfter: number | null): Outcome {
  const { offsets } = list.safeParse(parsedJson(answer.text)).data ?? { offsets: [] };
  const codes = offsets.map(
    ({ offset, error_code }) => error_code ?? (typeof offset === "number" ? 0 : null),
  );
  return outcomeOfCodes(codes, count, answer, retryAfter, (code) =>
    code === 0 ? null : (RESULTS[code] ?? "unavailable"),
  );
}

function outcomeOfCodes(
  codes: readonly (number | null)[],
  count: number,
  { status }: Answer,
  retryAfter: number | null,
  resultOf: (code: number) => ItemFailure["result"] | null,
): Outcome {
  const failed = Array.from({ length: count }, (_, index): ItemFailure[] => {
    const code = codes[index] ?? null;
    if (code === null)
      return [{ index, result: "unavailable", reason: "no word of this record in the answer" }];
    const result = resultOf(code);
    return result === null ? [] : [{ index, result, reason: `not taken: error ${code}` }];
  });
  return outcomeOfItems(count, failed.flat(), { status, retryAfter });
}

/** 40301 is a 403, and 429 is one. */
function resultOfV3(code: number): ItemFailure["result"] {
  const status = Number(String(code).slice(0, 3));
  const { result } = outcomeOf({ status, headers: new Headers(), text: "" }, 0);
  if (result === "delivered") return "unavailable"; // a success with a code that we do not know
  return result === "gone" ? "denied" : result;
}

/** https://kafka.apache.org/protocol#protocol_error_codes; Confluent's v2 says only 1 (for good) and 2 (try again). */
const RESULTS: Readonly<Record<number, ItemFailure["result"]>> = {
  1: "refused", // not taken for good
  3: "denied", // unknown topic
  10: "refused", // message too large
  17: "denied", // invalid topic
  18: "refused", // record list too large
  29: "denied", // not authorized for the topic
  31: "denied", // not authorized for the cluster
  32: "refused", // invalid timestamp
  42: "refused", // invalid request
  58: "denied", // authentication failed
  87: "refused", // invalid record
  89: "slow_down", // throttled
};

/** The JSON objects that follow one another in a text, up to the first thing that is none. */
export function objectsOf(text: string): unknown[] {
  const found: unknown[] = [];
  let depth = 0;
  let start = 0;
  for (const { 0: sign, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}]/g)) {
    if (sign === "{" && depth++ === 0) start = index;
    if (sign !== "}" || --depth > 0) continue;
    const one = depth === 0 ? parsedJson(text.slice(start, index + 1)) : undefined;
    if (one === undefined) break;
    found.push(one);
  }
  return found;
}
