// The contract that every provider keeps, driven by its fixtures alone: a new provider is tested by adding them.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { normalizeAddress } from "../../src/model/address.ts";
import { destinationOf } from "../../src/model/destination.ts";
import { claimKey } from "../../src/model/event-id.ts";
import { bounceClass, flag, metadata, recipients, tags, text, time } from "../../src/providers/kit/fields.ts";
import {
  providers,
  type Delivery,
  type ParsedDelivery,
  type Provider,
  type VerifyResult,
} from "../../src/providers/index.ts";
import { parseExact, parseVerbatim, readText } from "../../src/providers/kit/json.ts";
import { mailjet } from "../../src/providers/mailjet.ts";
import { ses } from "../../src/providers/ses/index.ts";
import { findSmtp, readSmtp, smtpReason } from "../../src/providers/kit/smtp.ts";
import { hostileElements, MALFORMED_AUTHORIZATIONS, nested } from "../support/hostile.ts";
import { casesOf, requestOf, verifyCasesOf, type VerifyCase } from "../support/provider-cases.ts";

const ALL = Object.entries(providers).map(([key, provider]) => ({ key, provider, cases: casesOf(key) }));

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const keysOf = (provider: Provider, parsed: ParsedDelivery): string[] =>
  parsed.events.map((event) => claimKey(provider.id, event.identity));
const sorted = (keys: Iterable<string>): string[] => [...new Set(keys)].sort();

/** The elements that a delivery is said to have. */
function elementsOf(provider: Provider, delivery: Delivery): unknown[] {
  if (provider.elements !== undefined) return provider.elements(delivery);
  const text = new TextDecoder().decode(delivery.body);
  const json = text.trim() === "" ? [] : parseVerbatim(text);
  return Array.isArray(json) ? json : [json];
}

function accountedFor(parsed: ParsedDelivery): number {
  return new Set(parsed.events.map((event) => event.element)).size + parsed.rejects.length + parsed.pings;
}

describe.each(ALL)("$key: events", ({ key, provider, cases }) => {
  it("has the id by which it is registered, fixtures, headers in lower case, and GET where it is used", () => {
    expect(provider.id).toBe(key);
    expect(cases.length).toBeGreaterThan(3);
    expect(verifyCasesOf(key).requests.length).toBeGreaterThan(3);
    expect(provider.headers.map((name) => name.toLowerCase())).toEqual(provider.headers);
    expect(provider.deliversByGet ?? false).toBe(cases.some(({ delivery }) => delivery.method === "GET"));
  });

  it.each(cases)("$name", ({ delivery, expected, events }) => {
    const parsed = provider.parse(delivery);
    expect(parsed.events.map((event) => ({ ...event, identity: [] }))).toStrictEqual(events);
    const reasons = parsed.rejects.map((reject) => reject.reason);
    expect(Array.isArray(expected.rejects) ? reasons : reasons.length).toEqual(expected.rejects);
    expect(parsed.pings).toBe(expected.pings);
  });

  const telling = cases.filter(({ expected }) => expected.events.length > 0);
  it.each(telling)("$name: elements", ({ delivery, body, expected }) => {
    const elements = elementsOf(provider, delivery);
    const parsed = provider.parse(delivery);
    expect(accountedFor(parsed)).toBe(elements.length);
    for (const event of parsed.events) expect(elements[event.element]).toBeTypeOf("object");
    const shown = JSON.stringify(elements);
    for (const [digits] of body.matchAll(/\d{16,}/g)) expect(shown).toContain(digits);
    if (!body.includes('"token"')) expect(shown).not.toContain('"token"');
    if (expected.elements !== undefined) expect(elements).toStrictEqual(expected.elements);
  });

  it("tells different reports apart", () => {
    const keys = cases.flatMap(({ delivery, expected }) => {
      const found = keysOf(provider, provider.parse(delivery));
      if (expected.one_report !== true) return found;
      expect(new Set(found).size).toBe(1);
      return found.slice(0, 1);
    });
    expect(sorted(keys)).toEqual(keys.sort());
  });

  it.each(telling)("$name: delivered again", ({ delivery }) => {
    const { url, receivedAt } = delivery;
    const backup = url.replace("/webhooks/", "/backup/webhooks/");
    const otherUrl = `${backup}${url.includes("?") ? "&" : "?"}token=other`;
    const again = { ...delivery, url: otherUrl, receivedAt: receivedAt + 86_400_000 };
    expect(keysOf(provider, provider.parse(again))).toEqual(keysOf(provider, provider.parse(delivery)));
  });

  const regroupable = cases.filter(({ json, expected }) => json && expected.regroups !== false);
  it.each(regroupable)("$name: regrouped", ({ delivery }) => {
    const elements = elementsOf(provider, delivery);
    const body = bytes(JSON.stringify([17, ...elements.toReversed(), ...elements]));
    const regrouped = provider.parse({ ...delivery, body });
    expect(sorted(keysOf(provider, regrouped))).toEqual(sorted(keysOf(provider, provider.parse(delivery))));
  });
});

/** The only network there is: what the case says that URLs answer. */
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

/** What may stand in any header. */
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

describe.each(ALL)("$key: verify", ({ provider }) => {
  const { requests, shared_secret } = verifyCasesOf(provider.id);
  const accepted = requests.filter((request) => request.accepted);

  it.each(requests)("$name", async (request) => {
    const result = await resultOf(provider, request);
    expect(result.ok).toBe(request.accepted);
    if (request.reason !== undefined) expect(result).toHaveProperty("reason", request.reason);
  });

  it.each(accepted)("$name: only with its credential", async (request) => {
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

  it.each(accepted.filter((request) => request.signed))("$name: only with its bytes", async (request) => {
    const { body = "" } = request;
    for (let at = 0; at < body.length; at++) {
      const flipped = String.fromCharCode(body.charCodeAt(at) ^ 1);
      const changed = body.slice(0, at) + flipped + body.slice(at + 1);
      expect(await verdictOf(provider, request, { body: changed })).toBe("refused");
    }
    expect(await verdictOf(provider, request, { body: `${body}\n` })).toBe("refused");
    expect(await verdictOf(provider, request, { body: "" })).toBe("refused");
  });

  const ofFields = accepted.filter((request) => request.signed_fields !== undefined);
  it.each(ofFields)("$name: only with its fields", async (request) => {
    const fields = JSON.parse(request.body ?? "{}");
    for (const name of request.signed_fields ?? []) {
      for (const changed of [`${fields[name]}x`, "", 1, undefined]) {
        const body = JSON.stringify({ ...fields, [name]: changed });
        const verdict = changed === fields[name] ? "accepted" : "refused";
        expect(await verdictOf(provider, request, { body }), `${name}: ${changed}`).toBe(verdict);
      }
    }
  });

  it.each(accepted)("$name: its handshake", (request) => {
    const inbound = requestOf(provider.id, request);
    const delivery = { ...deliveryOf(provider, inbound.body), url: inbound.url };
    expect(provider.handshake?.(inbound, delivery) ?? null).toEqual(request.handshake ?? null);
  });

  it.each(accepted)("$name: only with its headers whole", async (request) => {
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

  it.each(accepted.filter((request) => request.timed))("$name: only in its time", async (request) => {
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
  });

  it.runIf(shared_secret)("refuses whatever is no credential", async () => {
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

function deliveryOf(provider: Provider, body: Uint8Array, query = "?event=open"): Delivery {
  const url = `https://tidings.test/webhooks/${provider.id}${query}`;
  return { method: "POST", url, headers: new Headers(), body, receivedAt: 1.7e12, settings: {} };
}

/** What any store must be able to hold. */
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

describe.each(ALL)("$key: anything may come", ({ provider, cases }) => {
  it("accounts for every element of an array", () => {
    fc.assert(
      fc.property(hostileElements(cases), (elements) => {
        const parsed = provider.parse(deliveryOf(provider, bytes(JSON.stringify(elements))));
        expect(accountedFor(parsed)).toBe(elements.length);
        expectSound(parsed);
      }),
      { numRuns: 300 },
    );
  });

  it("never throws on any document or bytes", () => {
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
  ])("survives %s", (_name, body) => {
    const delivery = deliveryOf(provider, bytes(body));
    expectSound(provider.parse(delivery));
    expect(() => provider.elements?.(delivery)).not.toThrow();
    expect(() => provider.handshake?.({ ...delivery }, delivery)).not.toThrow();
  });
});

describe("a certificate of SNS", () => {
  const CASE = verifyCasesOf("ses").requests.find(({ name }) => name === "version 1");
  const [[url, pem] = ["", ""]] = Object.entries(CASE?.responses ?? {});

  /** Whether the case is accepted where its certificate, in a place of that name, is answered for like this; the calls. */
  async function verifiedBy(name: string, ...answers: (() => Response)[]): Promise<[boolean, number]> {
    const { body = "", credentials = [], now = "", ...rest } = CASE ?? {};
    const link = url.replace("SimpleNotificationService", name);
    const request = requestOf("ses", {
      ...rest,
      name,
      credentials,
      accepted: true,
      body: body.replace(url, link),
    });
    let calls = 0;
    const fetch = async (input: unknown, init?: RequestInit): Promise<Response> => {
      expect([input, init?.redirect]).toEqual([link, "manual"]);
      return (answers[calls++] ?? unreachable)();
    };
    const { ok } = await ses.verify(request, credentials, { now: Date.parse(now), fetch, settings: {} });
    return [ok, calls];
  }
  const found = (): Response => new Response(`\n${pem}`);
  const status = (code: number) => (): Response => new Response(null, { status: code });
  const unreachable = (): Response => {
    throw new TypeError("no network");
  };

  it("is asked for once more where the network or the server stumbles", async () => {
    expect(await verifiedBy("a", unreachable, found)).toEqual([true, 2]);
    expect(await verifiedBy("b", status(500), found)).toEqual([true, 2]);
    expect(await verifiedBy("c", status(503), unreachable, found)).toEqual([false, 2]);
    expect(await verifiedBy("d", status(404), found)).toEqual([false, 1]);
    expect(await verifiedBy("e", () => new Response(pem, { status: 203 }), found)).toEqual([false, 1]);
  });

  it("is kept, until others take its place", async () => {
    expect(await verifiedBy("first", found)).toEqual([true, 1]);
    for (let other = 1; other < 32; other++) {
      expect(await verifiedBy(`other-${other}`, found)).toEqual([true, 1]);
    }
    expect(await verifiedBy("first")).toEqual([true, 0]);
    expect(await verifiedBy("other-32", found)).toEqual([true, 1]);
    expect(await verifiedBy("other-1")).toEqual([true, 0]);
    expect(await verifiedBy("first", found)).toEqual([true, 1]);
  });
});

describe("long integers", () => {
  const reference = (text: string): unknown =>
    JSON.parse(text, (_key, value, { source }) =>
      typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value) ? source : value,
    );
  const digits = fc.bigInt({ min: -(10n ** 22n), max: 10n ** 22n }).map(String);
  const tricky = fc.oneof(
    fc.string(),
    digits.map((d) => `:${d},`),
    digits.map((d) => `"a\\":${d}}`),
    fc.stringMatching(/^[\\":,[\]{}0-9 ]{0,40}$/),
  );

  it("keep their digits wherever they stand, and texts stay as they are", () => {
    const leaf = fc.oneof(
      digits,
      tricky.map((text) => JSON.stringify(text)),
      fc.constantFrom("null", "true", "1.5"),
    );
    const { value } = fc.letrec<{ value: string }>((tie) => ({
      value: fc.oneof(
        { depthSize: "small" },
        leaf,
        fc.array(tie("value"), { maxLength: 5 }).map((items) => `[ ${items.join(" ,\n")} ]`),
        fc
          .array(fc.tuple(tricky, tie("value")), { maxLength: 5 })
          .map((entries) => `{${entries.map(([k, v]) => `${JSON.stringify(k)} :${v}`).join(",")}}`),
      ),
    }));
    fc.assert(
      fc.property(value, (text) => {
        expect(parseExact(`[${text}]`)).toEqual(reference(`[${text}]`));
      }),
      { numRuns: 2_000 },
    );
  });

  it("make nothing readable that is not", () => {
    for (const text of [
      "[012345678901234567890]",
      "[1 12345678901234567]",
      "{12345678901234567:1}",
      '{"a":1,12345678901234567}',
      '["\\":12345678901234567,',
    ]) {
      expect(() => parseExact(text), text).toThrow(SyntaxError);
    }
  });
});

describe("fields", () => {
  it.each([
    [1433333949, "2015-06-03T12:19:09.000Z"],
    ["1433333949", "2015-06-03T12:19:09.000Z"],
    ["1433333949.25", "2015-06-03T12:19:09.250Z"],
    [1433333949.25, "2015-06-03T12:19:09.250Z"],
    [1433333949123, "2015-06-03T12:19:09.123Z"],
    [1433333949123456, "2015-06-03T12:19:09.123Z"],
    ["2024-01-15T10:30:00Z", "2024-01-15T10:30:00.000Z"],
    ["2024-01-15T10:30:00.1234567Z", "2024-01-15T10:30:00.123Z"],
    ["2024-01-15T10:30:00+02:00", "2024-01-15T08:30:00.000Z"],
    ["2024-01-15T10:30:00+02", "2024-01-15T08:30:00.000Z"],
    ["2024-01-15 10:30:00+00", "2024-01-15T10:30:00.000Z"],
    ["2024-01-15T10:30:00", "2024-01-15T10:30:00.000Z"],
    ["2024-01-15 10:30:00.5", "2024-01-15T10:30:00.500Z"],
    ["2024-01-15 10:30:00 UTC", "2024-01-15T10:30:00.000Z"],
    ["2024-01-15", "2024-01-15T00:00:00.000Z"],
    ["2024/1/5 10:30", "2024-01-05T10:30:00.000Z"],
    ["01-15-2024", "2024-01-15T00:00:00.000Z"],
    ["1/15/2024 10:30:00 AM", "2024-01-15T10:30:00.000Z"],
    ["1/15/2024 10:30:00 PM EST", "2024-01-16T03:30:00.000Z"],
    ["Mon, 15 Jan 2024 10:30:00 GMT", "2024-01-15T10:30:00.000Z"],
    ["Mon, 15 Jan 2024 10:30:00 -0500", "2024-01-15T15:30:00.000Z"],
    ["15 Jan 2024 10:30", "2024-01-15T10:30:00.000Z"],
    ["Jan 15, 2024 10:30 AM", "2024-01-15T10:30:00.000Z"],
  ])("reads the time %s", (value, iso) => {
    const ms = time(value);
    expect(typeof ms === "number" ? new Date(ms).toISOString() : ms).toBe(iso);
  });

  it("knows no time from a bad one", () => {
    for (const value of [undefined, null, "", " ", 0, "0"]) expect(time(value)).toBeNull();
    const words = [
      "soon",
      "hello 5",
      "camp 2024",
      "camp 2024-01-15",
      "camp 1/15/2024",
      "1/15/24",
      "Jan 5",
      "5 Jan",
      "2024-13-45",
      "15/15/2024",
      "10:30",
      "9e99",
    ];
    const cut = [
      "2024-01-15 10:30 CET",
      "2024-01-15 10:30 (CET)",
      "1".repeat(30),
      `2024-01-15${" ".repeat(90)}x`,
    ];
    for (const value of [...words, ...cut, -5, NaN, 5, {}, [], true]) {
      expect(time(value), JSON.stringify(value)).toBe("bad");
    }
  });

  it("reads flags, bounce classes, replies and metadata", () => {
    expect([true, "True", 1, "1"].map(flag)).toEqual([true, true, true, true]);
    expect([false, "FALSE", 0, "0"].map(flag)).toEqual([false, false, false, false]);
    expect(["", null, undefined, "yes", 2, {}].map(flag)).toEqual(Array(6).fill(null));
    expect(["Hard", "permanent failure"].map(bounceClass)).toEqual(["hard", "hard"]);
    expect(["SoftBounce", "transient", "temporary"].map(bounceClass)).toEqual(["soft", "soft", "soft"]);
    expect(["42", "", null].map(bounceClass)).toEqual([null, null, null]);
    expect(findSmtp("smtp; 421 4.7.0 later")).toEqual({
      code: 421,
      enhanced: "4.7.0",
      response: "smtp; 421 4.7.0 later",
    });
    expect(findSmtp("gone for good")).toBeNull();
    expect(metadata('{"order":12345678901234567890}')).toEqual({ order: "12345678901234567890" });
    expect(metadata(JSON.parse(nested(33)))).toEqual({});
    expect(metadata("words")).toEqual({ payload: "words" });
  });

  it("reads metadata that a store can hold, or none", () => {
    expect(metadata(' {"a":null}')).toEqual({ a: null });
    expect(metadata("{broken")).toEqual({ payload: "{broken" });
    expect(metadata({ a: "x".repeat(8_184) })).toEqual({ a: "x".repeat(8_184) });
    const unstorable = [{ a: "x".repeat(8_185) }, { a: 1, b: JSON.parse(nested(33)) }, { a: "\0" }];
    for (const value of [...unstorable, { a: "\ud800" }, { "\udfff": 1 }, 5, true, [1], null]) {
      expect(metadata(value)).toEqual({});
    }
  });

  it("cuts what is long and refuses what is many", () => {
    expect(text(" a\0b\ud800 ")).toBe("a\ufffdb\ufffd");
    expect([text("x".repeat(300))?.length, text("x".repeat(300), 512)?.length]).toEqual([256, 300]);
    expect(tags(Array(40).fill("a"))).toHaveLength(32);
    const many = Array.from({ length: 1_001 }, (_, i) => `a${i}@example.com`);
    expect([recipients(many).ok, recipients(many.slice(1)).ok]).toEqual([false, true]);
    expect([readText(Uint8Array.of(0xff)).ok, readText(bytes("é")).ok]).toEqual([false, true]);
    const parsed = (body: unknown) => mailjet.parse(deliveryOf(mailjet, bytes(JSON.stringify(body))));
    const rejectsOf = (elements: number) => parsed(Array(elements).fill(0)).rejects.length;
    expect([rejectsOf(25_000), rejectsOf(25_001)]).toEqual([25_000, 1]);
    const long = "x".repeat(9_000);
    const event = { event: "bounce", email: "ada@example.com", MessageID: long, url: long, comment: long };
    const [{ message_id, url, description } = {}] = parsed(event).events;
    expect([message_id, url, description].map((value) => value?.length)).toEqual([512, 2_048, 1_024]);
  });

  it.each([
    ["550 5.1.1 No such user", "invalid"],
    ["550 5.1.7 Bad sender", "policy"],
    ["550 5.1.8 Bad sender's domain", "policy"],
    ["550 5.1.10 Null MX", "invalid"],
    ["550 5.1.78", "invalid"],
    ["550 5.2.1 Disabled", "inactive"],
    ["552 5.2.2 Full", "mailbox_full"],
    ["550 5.2.12", null],
    ["550 5.2.22", null],
    ["451 4.3.0 System", "technical"],
    ["451 4.4.1 No answer", "technical"],
    ["451 4.4.7 Expired", "timed_out"],
    ["451 4.4.71", "technical"],
    ["550 5.5.0 Protocol", "technical"],
    ["550 5.6.0 Media", "content"],
    ["550 5.7.26 Unauthenticated", "policy"],
    ["550 5.0.0", null],
    ["550", null],
  ])("knows why by the reply %s", (words, reason) => expect(smtpReason(readSmtp(words))).toBe(reason));

  it.each([
    ["  Ada@Example.COM ", "ada@example.com"],
    ["Ada <ada@example.com>", "ada@example.com"],
    ["ada+tag@example.com", "ada+tag@example.com"],
    ["ad\u0061\u0308@example.com", "ad\u00e4@example.com"],
    ["ada", null],
    ["@example.com", null],
    ["ada@", null],
    ["a da@example.com", null],
    ["a\0@example.com", null],
    [`${"a".repeat(400)}@example.com`, null],
  ])("normalises the address %j", (given, address) => expect(normalizeAddress(given)).toBe(address));

  it.each([
    ["a@gmail.com", "gmail"],
    ["a@hotmail.fr", "microsoft"],
    ["a@live.co.uk", "microsoft"],
    ["a@yahoo.co.jp", "yahoo"],
    ["a@icloud.com", "apple"],
    ["a@gmx.at", "gmx"],
    ["a@outlook.example.com", "other"],
    ["a@gmail.com.evil.test", "other"],
    ["a@constructor", "other"],
  ])("knows whose mailbox %s is", (address, destination) => expect(destinationOf(address)).toBe(destination));
});
