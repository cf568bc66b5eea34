// Removing one contact from text and from deliveries, in every provider's own format, by its fixtures.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isNamed, redact } from "../../src/erasure/redact.ts";
import { itemsOf } from "../../src/erasure/json-items.ts";
import type { Envelope } from "../../src/model/envelope.ts";
import { ERASED_ADDRESS, mentions, placesOf } from "../../src/model/address-search.ts";
import { normalizeAddress } from "../../src/model/address.ts";
import { addressesIn } from "../../src/model/addresses-in.ts";
import { unicodeAddress } from "../../src/model/domain-spellings.ts";
import { deliveryOf, elementAt } from "../../src/providers/kit/delivery.ts";
import { providers } from "../../src/providers/index.ts";
import { DIALECTS } from "../../src/demo/traffic/dialects/index.ts";
import { EXPECTED } from "../../src/demo/traffic/mails.ts";
import { randomFrom } from "../../src/demo/traffic/random.ts";
import { casesOf } from "../support/provider-cases.ts";

const hex = (letter: string): string => letter.charCodeAt(0).toString(16).padStart(4, "0");
/** The ways in which senders encode a character. */
const WAYS: ((letter: string) => string)[] = [
  (letter) => letter,
  (letter) => letter,
  (letter) => letter.toUpperCase(),
  (letter) => `\\u${hex(letter)}`,
  (letter) => `\\\\u${hex(letter)}`,
  (letter) => encodeURIComponent(letter).replace(/^[!-~]$/, (one) => `%${hex(one).slice(2)}`),
  (letter) => encodeURIComponent(encodeURIComponent(letter)),
  (letter) => `&#${letter.charCodeAt(0)};`,
  (letter) => letter.normalize("NFD"),
  (letter) => `${letter}\u200b`,
  (letter) => `${letter}\\u00ad`,
  (letter) => `${letter}%E2%80%8B`,
];
const local = fc.stringMatching(/^[a-zäé][a-z0-9äé+._'-]{0,8}[a-z0-9]$/);
const address = fc
  .tuple(local, fc.stringMatching(/^[a-zö][a-zö0-9-]{0,6}[a-z]\.(com|co\.uk)$/))
  .map(([a, b]) => normalizeAddress(`${a}@${b}`) ?? "");
const spelled = (text: string): fc.Arbitrary<string> =>
  fc.array(fc.nat(WAYS.length - 1), { minLength: text.length, maxLength: text.length }).map((ways) =>
    Array.from(text)
      .map((letter, i) => (WAYS[ways[i] ?? 0] ?? String)(letter))
      .join(""),
  );

describe("an address in text", () => {
  it("is found in any case and encoding, and no similar address is mistaken for it", () => {
    const given = address.chain((own) =>
      fc.record({
        own: fc.constant(own),
        written: fc.constantFrom(own, unicodeAddress(own)).chain(spelled),
        before: fc.constantFrom("<", '"', " ", "=", "%3C", "%20", "\\n", "mailto:", "/", "%3D"),
      }),
    );
    fc.assert(
      fc.property(
        given,
        fc.constantFrom(">", '"', ". ", "&", "%3E", ",", "\\n"),
        ({ own, written, before }, after) => {
          const text = `x${before}${written}${after}y`;
          expect(mentions(text, own)).toBe(true);
          const [place] = placesOf(text, own);
          if (place !== undefined) {
            const left = text.slice(0, place[0]) + text.slice(place[1]);
            expect(left).toBe(`x${before}${after}y`);
          }
          expect([...addressesIn(text)]).toContain(own);
          const others = [own, unicodeAddress(own)].flatMap((one) => [
            `jo${one}`,
            `${one}.au`,
            `a.${one}`,
            `a+${one}`,
            `${one}x`,
          ]);
          for (const other of others) expect(mentions(`<${other}>`, own), other).toBe(false);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("is found in a return path (VERP)", () => {
    expect(mentions("bounces+17-ann=example.com@esp.example", "ann@example.com")).toBe(true);
    expect(mentions("bounces+17-joann=example.com@esp.example", "ann@example.com")).toBe(false);
  });
});

it.each([
  ["550-ann@example.com: no mailbox by that name", "ann@example.com", true],
  ["smtp;550-ann@example.com", "ann@example.com", true],
  ["1550-ann@example.com", "ann@example.com", false],
  ["jo-ann@example.com", "ann@example.com", false],
  ["ann@example.com_x", "ann@example.com", true],
  ["ann@example.com.Unknown here", "ann@example.com", true],
  ["ann@example.com.au", "ann@example.com", false],
  ["ann@example.com.Au", "ann@example.com.au", true],
  ["Jo.Ann@example.com", "ann@example.com", false],
  ["Jo.Ann@example.com", "jo.ann@example.com", true],
  ["mr.Ann@example.com", "mr.ann@example.com", true],
  ["mr.Ann@example.com", "ann@example.com", false],
  ["<ann@b\u00fccher.example>: unknown", "ann@xn--bcher-kva.example", true],
  ["<ann@XN--BCHER-KVA.example>: unknown", "ann@xn--bcher-kva.example", true],
  ["ann@bu\u0308cher.example is unknown", "ann@xn--bcher-kva.example", true],
  ["ann\uff20b\u00fccher\u3002example", "ann@xn--bcher-kva.example", true],
  ["an\u00adn@b\\u00fccher.exam\u200bple", "ann@xn--bcher-kva.example", true],
  ['{"to":"\\"ann\\"@example.com"}', "ann@example.com", true],
  ["ann@tagebu\u0308cher.example", "ann@xn--bcher-kva.example", false],
  ["joann@b\u00fccher.example", "ann@xn--bcher-kva.example", false],
])("%j names %s: %s", (text, own, named) => {
  expect(mentions(text, own)).toBe(named);
  expect(placesOf(text, own).length).toBe(named ? 1 : 0);
  if (named) expect([...addressesIn(text)]).toContain(own);
});

it("finds every address of a text, however many there are", () => {
  const text = Array.from({ length: 30_000 }, (_, i) => `a${i}@example.com`).join(" ");
  expect(new Set(addressesIn(text)).size).toBe(30_000);
});

it("finds the items of arrays in a JSON text at their exact positions", () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue(), { maxLength: 6 }), fc.nat(2), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      const outer = [...itemsOf(text, 1)];
      expect(outer.map(({ start, end }) => JSON.parse(text.slice(start, end)) as unknown)).toEqual(
        JSON.parse(text),
      );
    }),
  );
});

const ALL = Object.keys(providers).map((key) => ({ key }));
describe.each(ALL)("$key", ({ key }) => {
  const provider = providers[key];
  const cases = casesOf(key).filter(({ events }) => events.length > 0);

  it.each(cases)(
    "$name: each contact can be removed, and other contacts' elements stay unchanged",
    ({ delivery }) => {
      if (provider === undefined) throw new Error("no provider");
      const { settings, headers, ...rest } = delivery;
      const envelope: Envelope = { ...rest, id: "id", source: key, provider: key, headers: [...headers] };
      const before = provider.parse(delivery);
      for (const contact of new Set(before.events.map((event) => event.contact))) {
        const redacted = redact(envelope, contact, settings);
        const left = redacted?.envelope ?? envelope;
        expect(redacted).not.toBeNull();
        expect(isNamed(left, contact)).toBe(false);
        expect(redact(left, contact, settings)).toBeNull();
        const after = left.body.length === 0 ? { events: [] } : provider.parse(deliveryOf(left, settings));
        const others = before.events.filter((event) => event.contact !== contact);
        expect(after.events.filter((event) => event.contact !== ERASED_ADDRESS).length).toBe(others.length);
        const shared = new Set(
          before.events.filter((event) => event.contact === contact).map(({ element }) => element),
        );
        for (const { element } of others) {
          if (shared.has(element)) continue;
          const now = JSON.stringify(elementAt(provider, deliveryOf(left, settings), element));
          const then = JSON.stringify(elementAt(provider, delivery, element));
          if (!mentions(then, contact)) expect(now).toBe(then);
        }
        if (others.length > 0) expect(left.body.length).toBeGreaterThan(0);
      }
    },
  );
});

const GROUPING = DIALECTS.filter(({ most }) => most > 1).map((dialect) => ({
  dialect,
  name: dialect.source,
}));
it.each(GROUPING)(
  "$name: a removed report leaves only its position, so that other reports keep theirs",
  ({ dialect }) => {
    const contacts = ["ann@example.com", "bob@example.com", "cem@example.com"];
    for (const what of dialect.knows) {
      const random = randomFrom(1);
      const reports = contacts.map((contact) => {
        const mail = { contact, id: dialect.makeId(random, null), campaign: "a", customId: "b", sentAt: 0 };
        const engaged = { url: "https://example.com/", ip: "198.51.100.7", agent: "Mozilla/5.0" };
        return { mail, what, at: 1_790_000_000_000, ...engaged, expected: EXPECTED[what], campaign: null };
      });
      const { method, path, headers, body } = dialect.compose(reports, random);
      const common = {
        id: "id",
        source: dialect.source,
        provider: dialect.source,
        receivedAt: 1_790_000_000_000,
      };
      const envelope: Envelope = {
        ...common,
        method,
        url: `https://edge.example${path}`,
        headers: Object.entries(headers),
        body: new TextEncoder().encode(body ?? ""),
      };
      const provider = providers[dialect.source];
      const settings = dialect.settings ?? {};
      const left = redact(envelope, "bob@example.com", settings)?.envelope ?? envelope;
      const { events, rejects } = provider?.parse(deliveryOf(left, settings)) ?? { events: [], rejects: [] };
      expect(events.map(({ contact, element }) => [contact, element])).toEqual([
        ["ann@example.com", 0],
        ["cem@example.com", 2],
      ]);
      expect(rejects.map(({ raw }) => raw)).toEqual(["null"]);
    }
  },
);

describe("a delivery that is not UTF-8", () => {
  it("loses the address alone, and stays as unreadable as it was", () => {
    const bytes = fc.uint8Array({ maxLength: 20 }).map((some) => Buffer.from(some).toString("latin1"));
    fc.assert(
      fc.property(bytes, bytes, (before, after) => {
        const written = (named: string): Buffer =>
          Buffer.from(
            `[{"event":"open","email":"zoe@example.com","note":"${before}\u00e9, for ${named}" ${after}`,
            "latin1",
          );
        const envelope: Envelope = {
          id: "id",
          source: "mailjet",
          provider: "mailjet",
          receivedAt: 1_790_000_000_000,
          method: "POST",
          url: "https://edge.example/webhooks/mailjet",
          headers: [],
          body: new Uint8Array(written("ann@example.com")),
        };
        const left = redact(envelope, "ann@example.com", {})?.envelope.body ?? new Uint8Array();
        expect(Buffer.from(left).toString("latin1")).toBe(written(ERASED_ADDRESS).toString("latin1"));
      }),
    );
  });
});
