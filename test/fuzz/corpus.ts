// The providers' fixtures as raw material: bodies that their parsers can read, and requests with valid credentials.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { claimKey, eventId } from "../../src/model/event-id.ts";
import { providers } from "../../src/providers/index.ts";
import { ROOT } from "../../src/cli/wrangler.ts";

const FIXTURES = join(ROOT, "test", "fixtures");
const RECEIVED_AT = Date.parse("2026-01-01T00:00:00Z");
const TYPES: Readonly<Record<string, string>> = {
  json: "application/json",
  form: "application/x-www-form-urlencoded",
  txt: "text/plain",
};

/** A delivery that a provider's parser can read. */
export interface Sample {
  provider: string;
  method: string;
  /** The part of the path after /webhooks/<source>. */
  suffix: string;
  headers: [name: string, value: string][];
  body: Buffer;
  format: "json" | "form" | "txt";
}

/** A request of a provider's verify.json. */
export interface VerifySample {
  credentials: string[];
  accepted: boolean;
  method?: string;
  url?: string;
  headers?: Record<string, string>;
  body?: string;
}

interface Expected {
  request?: { method?: string; url?: string; headers?: Record<string, string> };
}

/** All cases of all providers, always in the same order. */
export function samples(): Sample[] {
  return Object.keys(providers).flatMap((provider) => {
    const files = readdirSync(join(FIXTURES, provider)).toSorted();
    const cases = files.filter((file) => file.endsWith(".expected.json"));
    return cases.map((file) => sampleOf(provider, file.replace(/\.expected\.json$/, ""), files));
  });
}

function sampleOf(provider: string, name: string, files: readonly string[]): Sample {
  const format = (["json", "form", "txt"] as const).find((one) => files.includes(`${name}.${one}`));
  const { request = {} } = readFixture(provider, `${name}.expected.json`) as Expected;
  const { method = "POST", url = "", headers = {} } = request;
  const given = Object.entries(headers);
  const type: [string, string][] =
    format === undefined || given.some(([header]) => /^content-type$/i.test(header))
      ? []
      : [["content-type", TYPES[format] ?? ""]];
  return {
    provider,
    method,
    suffix: url.replace(/^\/(?:backup\/)?(?:webhooks\/[^/?]*)?/, ""),
    headers: [...type, ...given],
    body:
      format === undefined ? Buffer.alloc(0) : readFileSync(join(FIXTURES, provider, `${name}.${format}`)),
    format: format ?? "txt",
  };
}

/** The requests of a provider's verify.json. */
export function verifyCases(provider: string): VerifySample[] {
  return (readFixture(provider, "verify.json") as { requests: VerifySample[] }).requests;
}

function readFixture(provider: string, file: string): unknown {
  return JSON.parse(readFileSync(join(FIXTURES, provider, file), "utf8"));
}

/** Names that the API may find once the samples are delivered. */
export interface Names {
  contacts: string[];
  messages: string[];
  events: string[];
}

/** The names in the parsed samples: addresses, message ids and event ids. */
export function namesOf(all: readonly Sample[]): Names {
  const names = { contacts: new Set<string>(), messages: new Set<string>(), events: new Set<string>() };
  for (const { provider, method, suffix, headers, body } of all) {
    const url = `https://fuzz.invalid/webhooks/${provider}${suffix}`;
    const delivery = {
      method,
      url,
      headers: new Headers(headers),
      body,
      receivedAt: RECEIVED_AT,
      settings: {},
    };
    for (const event of providers[provider]?.parse(delivery).events ?? []) {
      names.contacts.add(event.contact);
      if (event.message_id !== null) names.messages.add(event.message_id);
      names.events.add(eventId(event, claimKey(provider, event.identity)));
    }
  }
  return { contacts: [...names.contacts], messages: [...names.messages], events: [...names.events] };
}
