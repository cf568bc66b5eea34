// Deliveries with valid credentials: whatever their body, they must be answered with 200, because a provider would
// repeat a refused one for a day. Also deliveries with valid and nearly valid signatures, and without any proof.

import { createHash } from "node:crypto";
import { MAX_BODY } from "../../../src/ingest/body.ts";
import { LONGEST_SINGLE } from "../../../src/providers/kit/proof.ts";
import type { Random } from "../../../src/demo/traffic/random.ts";
import { MALFORMED_AUTHORIZATIONS } from "../hostile-headers.ts";
import type { Sample, VerifySample } from "../corpus.ts";
import { draw } from "../draw.ts";
import { mutateBytes } from "../mutate-bytes.ts";
import { mutateForm } from "../mutate-form.ts";
import { hostileText, mutateJson } from "../mutate-json.ts";
import { pairOf, PROVIDER_OF, UNISENDER_KEY } from "../settings.ts";
import { request, type FuzzRequest } from "../types.ts";

const encode = (text: string): Buffer => Buffer.from(text, "utf8");

/** The sources, by the provider whose format they use. */
const SOURCES_OF = Map.groupBy(PROVIDER_OF.keys(), (source) => PROVIDER_OF.get(source) ?? "");

/** A fixture, unchanged or changed, in a request that must be accepted. */
export function delivery(sample: Sample, random: Random): FuzzRequest {
  const body = random.chance(0.2) ? sample.body : mutated(sample, random);
  const suffix = random.chance(0.9)
    ? sample.suffix
    : `/${encodeURIComponent(hostileText(random).slice(0, 500).toWellFormed())}`;
  const headers = random.chance(0.1)
    ? sample.headers.map(([name]): [string, string] => [name, "x"])
    : sample.headers;
  return proven(sample.provider, { method: sample.method, suffix, headers, body }, random);
}

interface Delivered {
  method: string;
  suffix: string;
  headers: FuzzRequest["headers"];
  body: Buffer;
}

/**
 * The request of a source of that provider, with valid credentials. It must be accepted, also if it is a handshake,
 * unless it exceeds the size limit, which is checked before the proof.
 */
export function proven(provider: string, delivered: Delivered, random: Random): FuzzRequest {
  const made = admitted(provider, delivered, random);
  const most = provider === "lettermint" ? LONGEST_SINGLE : MAX_BODY; // it has no password that would admit more
  if (made.body.length <= most || provider === "cloudflare") return made;
  // An undeclared length shows only when the body is read, and that comes after the address.
  return { ...made, expect: made.expect?.includes(403) === true ? [403, 413] : [413] };
}

function admitted(
  provider: string,
  { method, suffix, headers, body }: Delivered,
  random: Random,
): FuzzRequest {
  if (provider === "cloudflare") return emailEvents(body);
  const source = draw(random, SOURCES_OF.get(provider) ?? [provider]);
  const path = `${random.chance(0.15) ? "/backup" : ""}/webhooks/${source}${suffix.startsWith("?") || suffix === "" ? suffix : `/${suffix.replace(/^\//, "")}`}`;
  // An empty request may be accepted or answered as a probe, but not refused.
  const whole = { kind: "delivery", method, headers: latin1(headers), body, expect: [200] };
  if (source === "unisender") return { ...request(whole), target: path, ...signedUnisender(body) };
  if (source === "lettermint") return { ...request(whole), target: path, sign: "lettermint" };
  const pair = pairOf(source);
  const expect = source === "fenced" ? [200, 403] : [200];
  const proof = random.between(0, 3);
  if (proof === 0) {
    const query = `token=${encodeURIComponent(pair)}`;
    const target = path.includes("?") ? path.replace("?", `?${query}&`) : `${path}?${query}`;
    return request({ ...whole, target, expect });
  }
  const value = proof === 1 ? `Bearer ${pair}` : `Basic ${Buffer.from(pair).toString("base64")}`;
  return request({ ...whole, target: path, headers: [...whole.headers, ["authorization", value]], expect });
}

/** Fixtures name headers in Unicode; on the wire their bytes are UTF-8. */
function latin1(headers: FuzzRequest["headers"]): FuzzRequest["headers"] {
  return headers
    .filter(([name]) => !/^(?:authorization|content-length)$/i.test(name))
    .map(([name, value]) => [
      name,
      Buffer.from(value)
        .toString("latin1")
        .replaceAll(/[\0\r\n]/g, ""),
    ]);
}

/** The signature is inserted at the beginning of an object; a later field of the same name makes it wrong. */
function signedUnisender(body: Buffer): Pick<FuzzRequest, "body" | "expect"> {
  const start = body.indexOf("{");
  if (start < 0) return { body, expect: [200, 401] };
  const rest = body.subarray(start + 1);
  const gap = rest.toString("latin1").trim() === "}" ? "" : ",";
  const around = (auth: string): Buffer => Buffer.concat([encode(`{"auth":"${auth}"${gap}`), rest]);
  const md5 = createHash("md5").update(around(UNISENDER_KEY)).digest("hex");
  return { body: around(md5), expect: [200, 401] };
}

/** Events that arrive by Cloudflare's queue; a route of the fuzz's own Worker puts them into it. */
function emailEvents(body: Buffer): FuzzRequest {
  return request({
    kind: "email events",
    method: "POST",
    target: "/fuzz/email-events",
    body,
    expect: [200, 400],
  });
}

function mutated({ body, format }: Sample, random: Random): Buffer {
  if (format === "json" && random.chance(0.75)) {
    const text = mutateJson(body.toString("utf8"), random);
    if (text !== null) return encode(text);
  }
  if (format === "form" && random.chance(0.6)) return encode(mutateForm(body.toString("latin1"), random));
  return mutateBytes(body, random);
}

/** A request of verify.json with a change: its signature is really checked, and is mostly invalid. */
export function nearlyProven(provider: string, sample: VerifySample, random: Random): FuzzRequest {
  const headers = Object.entries(sample.headers ?? {});
  const at = random.between(0, Math.max(0, headers.length - 1));
  const changed = headers.map(([name, value], i): [string, string] => [
    name,
    i === at && random.chance(0.8)
      ? mutateBytes(encode(value), random).toString("latin1").slice(0, 6000)
      : value,
  ]);
  return request({
    kind: "signature",
    method: sample.method ?? "POST",
    target: `/webhooks/${provider}${sample.url ?? ""}`,
    headers: changed.map(([name, value]) => [name, value.replaceAll(/[\0\r\n]/g, " ")]),
    body: random.chance(0.7) ? encode(sample.body ?? "{}") : mutateBytes(encode(sample.body ?? "{}"), random),
  });
}

/** A request that proves no secret must be refused for that reason. */
export function unproven(sample: Sample, random: Random): FuzzRequest {
  return request({
    kind: "no proof",
    method: "POST",
    target: `/webhooks/${sample.provider}`,
    headers: [["authorization", draw(random, MALFORMED_AUTHORIZATIONS)]],
    body: sample.body,
    expect: sample.provider === "unisender" ? null : [401],
  });
}
