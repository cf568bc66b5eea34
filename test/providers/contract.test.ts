// The contract that every provider keeps, driven by its fixtures alone: a new provider is tested by adding fixtures.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { normalizeAddress } from "../../src/model/address.ts";
import { claimKey } from "../../src/model/event-id.ts";
import {
  providers,
  type Delivery,
  type ParsedDelivery,
  type Provider,
  type VerifyResult,
} from "../../src/providers/index.ts";
import { parseVerbatim } from "../../src/providers/kit/json.ts";
import { hostileElements, MALFORMED_AUTHORIZATIONS, nested } from "../support/hostile.ts";
import { casesOf, requestOf, verifyCasesOf, type VerifyCase } from "../support/provider-cases.ts";
import { bytes, deliveryOf } from "./parsing.ts";

const ALL = Object.entries(providers).map(([key, provider]) => ({ key, provider, cases: casesOf(key) }));

const keysOf = (provider: Provider, parsed: ParsedDelivery): string[] =>
  parsed.events.map((event) => claimKey(provider.id, event.identity));

const sorted = (keys: Iterable<string>): string[] => [...new Set(keys)].sort();

/** The elements of a delivery: those that the provider returns, or else those of its JSON body. */
function elementsOf(provider: Provider, delivery: Delivery): unknown[] {
  if (provider.elements !== undefined) return provider.elements(delivery);
  const text = new TextDecoder().decode(delivery.body);
  const json = text.trim() === "" ? [] : parseVerbatim(text);
  return Array.isArray(json) ? json : [json];
}

function accountedFor(parsed: ParsedDelivery): number {
  return new Set(parsed.events.map((event) => event.element)).size + parsed.rejects.length + parsed.pings;
}

/** The only network: a fetch that answers URLs as the case lists them. */
function fetchOf({ responses = {} }: VerifyCase): typeof fetch {
  return async (input) => {
    const url = input instanceof Request ? input.url : String(input);
    if (!Object.hasOwn(responses, url)) throw new Error("no network in tests");
    return new Response(responses[url]);
  };
}

async function resultOf(provider: Provider, whole: VerifyCase): Promise<VerifyResult> {
  let calls = 0;
  const answers = fetchOf(whole);
  const context = {
    now: Date.parse(whole.now ?? "2026-01-01T00:00:00.000Z"),
    fetch: ((...call) => ((calls += 1), answers(...call))) satisfies typeof fetch,
    settings: whole.settings ?? {},
  };
  const result = await provider.verify(requestOf(provider.id, whole), whole.credentials, context);
  if (!result.ok) expect(result.reason).toMatch(/\w/);
  if (whole.offline === true) expect(calls).toBe(0);
  return result;
}

async function verdictOf(
  provider: Provider,
  request: VerifyCase,
  changed: Partial<VerifyCase> = {},
): Promise<string> {
  const result = await resultOf(provider, { ...request, ...changed });
  return result.ok ? "accepted" : "refused";
}

/** Garbage that any header may contain. */
const GARBAGE = [
  " ",
  "0",
  "=",
  ",",
  "v1,",
  "v1,====",
  "t=,v1=",
  "%%%",
  "null",
  "0x",
  "\u00e9\u00ff",
  "A".repeat(9_000),
];

/** Another credential of the same make. */
function altered(credential: string): string {
  const at = Math.floor(credential.length / 2);
  return `${credential.slice(0, at)}${credential[at] === "A" ? "B" : "A"}${credential.slice(at + 1)}`;
}

/** Expects only events that any store can hold: safe integers, normalised addresses, bounded well-formed texts. */
function expectSound(parsed: ParsedDelivery): void {
  for (const event of parsed.events) {
    expect(Number.isSafeInteger(event.occurred_at)).toBe(true);
    expect(normalizeAddress(event.contact)).toBe(event.contact);
    expect(event.identity.every((part) => typeof part === "string")).toBe(true);
    const json = JSON.stringify(event);
    expect(json.length).toBeLessThan(64_000);
    expect(/\\u0000|\\ud[89a-f]/i.test(json.replaceAll("\\\\", ""))).toBe(false);
    for (const text of [event.contact, event.message_id, event.custom_id, event.url, event.description]) {
      expect((text ?? "").length).toBeLessThanOrEqual(2048);
    }
  }
  expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
}

describe.each(ALL)("$key: events", ({ key, provider, cases }) => {
  it("has its registered id, enough fixtures, header names in lower case, and GET exactly if a fixture uses it", () => {
    expect(provider.id).toBe(key);
    expect(cases.length).toBeGreaterThan(3);
    expect(verifyCasesOf(key).requests.length).toBeGreaterThan(3);
    expect(provider.headers.map((name) => name.toLowerCase())).toEqual(provider.headers);
    expect(provider.deliversByGet ?? false).toBe(cases.some(({ delivery }) => delivery.method === "GET"));
  });

  it.each(cases)("$name: gives the expected events, rejects and pings", ({ delivery, expected, events }) => {
    const parsed = provider.parse(delivery);
    expect(parsed.events.map((event) => ({ ...event, identity: [] }))).toStrictEqual(events);
    const reasons = parsed.rejects.map((reject) => reject.reason);
    expect(Array.isArray(expected.rejects) ? reasons : reasons.length).toEqual(expected.rejects);
    expect(parsed.pings).toBe(expected.pings);
  });

  const telling = cases.filter(({ expected }) => expected.events.length > 0);
  it.each(telling)(
    "$name: every element is accounted for and returned as it came",
    ({ delivery, body, expected }) => {
      const elements = elementsOf(provider, delivery);
      const parsed = provider.parse(delivery);
      expect(accountedFor(parsed)).toBe(elements.length);
      for (const event of parsed.events) expect(elements[event.element]).toBeTypeOf("object");
      const shown = JSON.stringify(elements);
      for (const [digits] of body.matchAll(/\d{16,}/g)) expect(shown).toContain(digits);
      if (!body.includes('"token"')) expect(shown).not.toContain('"token"');
      if (expected.elements !== undefined) expect(elements).toStrictEqual(expected.elements);
    },
  );

  const listing = cases.filter(({ expected }) => expected.scopes !== undefined);
  it.each(listing)("$name: names the list that each element is about", ({ delivery, expected }) => {
    const lists = elementsOf(provider, delivery).map((element) => provider.scopeOf?.(element) ?? null);
    expect(lists).toEqual(expected.scopes);
  });

  it("gives different reports different identities", () => {
    const keys = cases.flatMap(({ delivery, expected }) => {
      const identities = keysOf(provider, provider.parse(delivery));
      if (expected.one_report !== true) return identities;
      expect(new Set(identities).size).toBe(1);
      return identities.slice(0, 1);
    });
    expect(sorted(keys)).toEqual(keys.sort());
  });

  it.each(telling)(
    "$name: keeps its identities when delivered again later by another URL",
    ({ delivery }) => {
      const { url, receivedAt } = delivery;
      const backup = url.replace("/webhooks/", "/backup/webhooks/");
      const otherUrl = `${backup}${url.includes("?") ? "&" : "?"}token=other`;
      const again = { ...delivery, url: otherUrl, receivedAt: receivedAt + 86_400_000 };
      expect(keysOf(provider, provider.parse(again))).toEqual(keysOf(provider, provider.parse(delivery)));
    },
  );

  const regroupable = cases.filter(({ json, expected }) => json && expected.regroups !== false);
  it.each(regroupable)("$name: keeps its identities in another order and grouping", ({ delivery }) => {
    const elements = elementsOf(provider, delivery);
    const body = bytes(JSON.stringify([17, ...elements.toReversed(), ...elements]));
    const regrouped = provider.parse({ ...delivery, body });
    expect(sorted(keysOf(provider, regrouped))).toEqual(sorted(keysOf(provider, provider.parse(delivery))));
  });
});

describe.each(ALL)("$key: verify", ({ provider }) => {
  const { requests, shared_secret } = verifyCasesOf(provider.id);
  const accepted = requests.filter((request) => request.accepted);

  it.each(requests)("$name: is accepted or refused as expected", async (request) => {
    const result = await resultOf(provider, request);
    expect(result.ok).toBe(request.accepted);
    if (request.reason !== undefined) expect(result).toHaveProperty("reason", request.reason);
  });

  it.each(accepted)("$name: is refused without its credential", async (request) => {
    const { credentials } = request;
    const wrong = credentials.map(altered);
    expect(await verdictOf(provider, request, { credentials: [...wrong, "", ...credentials] })).toBe(
      "accepted",
    );
    for (const others of [...(request.known_key === true ? [] : [wrong]), [], [""], ["", " "]]) {
      expect(await verdictOf(provider, request, { credentials: others })).toBe("refused");
    }
    const bare = request.in_body ? { headers: {}, url: "", body: "{}" } : { headers: {}, url: "" };
    expect(await verdictOf(provider, request, bare)).toBe("refused");
    expect(await verdictOf(provider, request, { headers: {}, url: "?token=", credentials: [""] })).toBe(
      "refused",
    );
  });

  it.each(accepted.filter((request) => request.signed))(
    "$name: is refused if any byte of its body changes",
    async (request) => {
      const { body = "" } = request;
      for (let at = 0; at < body.length; at++) {
        const flipped = String.fromCharCode(body.charCodeAt(at) ^ 1);
        const changed = body.slice(0, at) + flipped + body.slice(at + 1);
        expect(await verdictOf(provider, request, { body: changed })).toBe("refused");
      }
      expect(await verdictOf(provider, request, { body: `${body}\n` })).toBe("refused");
      expect(await verdictOf(provider, request, { body: "" })).toBe("refused");
    },
  );

  const ofFields = accepted.filter((request) => request.signed_fields !== undefined);
  it.each(ofFields)("$name: is refused if a signed field changes", async (request) => {
    const fields = JSON.parse(request.body ?? "{}");
    for (const name of request.signed_fields ?? []) {
      for (const changed of [`${fields[name]}x`, "", 1, undefined]) {
        const body = JSON.stringify({ ...fields, [name]: changed });
        const verdict = changed === fields[name] ? "accepted" : "refused";
        expect(await verdictOf(provider, request, { body }), `${name}: ${changed}`).toBe(verdict);
      }
    }
  });

  it.each(accepted)("$name: leads to the expected handshake, or to none", (request) => {
    const inbound = requestOf(provider.id, request);
    const delivery = { ...deliveryOf(provider, inbound.body), url: inbound.url };
    expect(provider.handshake?.(inbound, delivery) ?? null).toEqual(request.handshake ?? null);
  });

  it.each(accepted)("$name: is refused if a header is missing or garbage", async (request) => {
    const headers = request.headers ?? {};
    for (const name of request.needs ?? Object.keys(headers).filter((one) => one !== "content-type")) {
      const { [name]: _, ...rest } = headers;
      expect(await verdictOf(provider, request, { headers: rest }), `without ${name}`).toBe("refused");
      for (const garbage of GARBAGE) {
        const changed = { ...rest, [name]: garbage };
        expect(await verdictOf(provider, request, { headers: changed }), `${name}: ${garbage}`).toBe(
          "refused",
        );
      }
    }
  });

  it.each(accepted.filter((request) => request.timed))(
    "$name: is refused if its time is too old or in the future",
    async (request) => {
      const near = request.timed === true ? 300 : Number(request.timed);
      const at = (seconds: number): Promise<VerifyResult> =>
        resultOf(provider, {
          ...request,
          now: new Date(Date.parse(request.now ?? "") + seconds * 1000).toISOString(),
        });
      for (const seconds of [1 - near, near - 1]) expect(await at(seconds)).toEqual({ ok: true });
      for (const seconds of [-near - 1, near + 1, 1e9]) {
        const reason = expect.stringContaining(seconds < 0 ? "from the future" : "too old");
        expect(await at(seconds)).toEqual({ ok: false, reason });
      }
    },
  );

  it.runIf(shared_secret)("refuses malformed credentials", async () => {
    const request = { name: "", credentials: ["user:password", "token", "é:ü", ":", "0"], accepted: false };
    for (const authorization of MALFORMED_AUTHORIZATIONS) {
      expect(await verdictOf(provider, request, { headers: { authorization } }), authorization).toBe(
        "refused",
      );
    }
    for (const url of [
      "?token",
      "?token=%",
      "?token=%E9%00&token=",
      "?TOKEN=token",
      "?%%%",
      "?token=1&token=2&token=token",
    ]) {
      expect(await verdictOf(provider, request, { url }), url).toBe("refused");
    }
  });
});

describe.each(ALL)("$key: hostile input", ({ provider, cases }) => {
  it("is accounted for element by element", () => {
    fc.assert(
      fc.property(hostileElements(cases), (elements) => {
        const parsed = provider.parse(deliveryOf(provider, bytes(JSON.stringify(elements))));
        expect(accountedFor(parsed)).toBe(elements.length);
        expectSound(parsed);
      }),
      { numRuns: 300 },
    );
  });

  it("is parsed without an exception, whatever the document or bytes", () => {
    const body = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.json().map(bytes), fc.string().map(bytes));
    const query = fc.string({ unit: "grapheme" }).map((text) => `?${text}`);
    fc.assert(
      fc.property(body, query, (body, query) => {
        const delivery = deliveryOf(provider, body, query);
        expectSound(provider.parse(delivery));
        expect(() => provider.handshake?.({ ...delivery }, delivery)).not.toThrow();
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ["arrays", "[".repeat(100_000) + "]".repeat(100_000)],
    ["open arrays", "[".repeat(100_000)],
    ["objects", nested(100_000)],
    ["objects with long numbers", `[${nested(100_000)},12345678901234567890]`],
    ["XML elements", "<a>".repeat(100_000) + "</a>".repeat(100_000)],
    ["XML that never closes", "<a b='".repeat(100_000)],
    [
      "an escaped payload",
      `[{"event":"open","email":"a@example.com","Payload":${JSON.stringify(nested(100_000))}}]`,
    ],
    ["a payload", `[{"event":"open","email":"a@example.com","Payload":${nested(100_000)}}]`],
    [
      "a prototype",
      '[{"__proto__":{"polluted":1,"email":"a@example.com"},"constructor":{"prototype":{"polluted":1}}}]',
    ],
  ])("is survived: %s", (_name, body) => {
    const delivery = deliveryOf(provider, bytes(body));
    expectSound(provider.parse(delivery));
    expect(() => provider.elements?.(delivery)).not.toThrow();
    expect(() => provider.handshake?.({ ...delivery }, delivery)).not.toThrow();
  });
});
