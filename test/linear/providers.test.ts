// Every provider's `verify` and `parse` take time in proportion to the body's length: of documents that no provider
// sends, with and without a proof that they must look at, and of its own reports with long values in all fields.

import { describe, expect, it } from "vitest";
import { DIALECTS } from "../../src/demo/traffic/dialects/index.ts";
import { EXPECTED } from "../../src/demo/traffic/mails.ts";
import { randomFrom } from "../../src/demo/traffic/random.ts";
import type { Dialect, SignedRequest } from "../../src/demo/traffic/types.ts";
import { elementAt } from "../../src/providers/kit/delivery.ts";
import { providers, type Delivery, type Provider } from "../../src/providers/index.ts";
import { excessOf } from "./measure.ts";
import { DOCUMENTS, RUNS, type Shape } from "./shapes.ts";

const NOW = 1.79e12;
const CONTACT = "ann@example.com";
const CONTEXT = {
  now: NOW,
  fetch: async (): Promise<Response> => {
    throw new Error("no network in tests");
  },
};

function sampleOf(dialect: Dialect): SignedRequest {
  const what = dialect.knows.find((one) => one === "clicked" || one === "hard_bounce") ?? "delivered";
  const random = randomFrom(1);
  const mail = {
    contact: CONTACT,
    id: dialect.makeId(random, null),
    campaign: "c",
    customId: "u",
    sentAt: NOW,
  };
  const engaged = { url: "https://example.com/", ip: "198.51.100.7", agent: "Mozilla/5.0" };
  return dialect.compose(
    [{ mail, what, at: NOW, ...engaged, expected: EXPECTED[what], campaign: null }],
    random,
  );
}

/** The report with `shape` behind each of its texts, except for the contact, without which it would not be read. */
function lengthened({ body, headers }: SignedRequest, shape: Shape): Shape {
  return (length) => {
    const longer = (text: string): string => (text.includes(CONTACT) ? text : text + shape(length / 16));
    if (!(headers["content-type"] ?? "").includes("json")) {
      const fields = [...new URLSearchParams(body ?? "")];
      return new URLSearchParams(
        fields.map(([name, value]) => [name, inJson(value, longer) ?? longer(value).toWellFormed()]),
      ).toString();
    }
    return inJson(body ?? "", longer) ?? "";
  };
}

/** The JSON with its texts changed, also those of JSON within JSON; null if it is none. */
function inJson(text: string, change: (text: string) => string): string | null {
  if (!/^\s*[[{]/.test(text)) return null;
  return JSON.stringify(JSON.parse(text), (_key, value: unknown) =>
    typeof value === "string" ? (inJson(value, change) ?? change(value)) : value,
  );
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const urlOf = ({ path }: SignedRequest): string => `https://edge.example${path}`;

function deliveryOf(provider: Provider, request: SignedRequest, settings: Delivery["settings"]): Delivery {
  const own = Object.entries(request.headers).filter(([name]) =>
    provider.headers.includes(name.toLowerCase()),
  );
  const { method, body } = request;
  return {
    method,
    url: urlOf(request),
    headers: new Headers(own),
    body: encode(body ?? ""),
    receivedAt: NOW,
    settings,
  };
}

it("knows how each provider signs", () => {
  const known = new Set(DIALECTS.map(providerOf));
  expect(Object.values(providers).filter((provider) => !known.has(provider))).toEqual([]);
});

/** The provider of a dialect's source, which may have a name of its own. */
function providerOf({ source, settings }: Dialect): Provider | undefined {
  return providers[source] ?? providers[String(settings?.["provider"])];
}

describe.each(DIALECTS)("$source", (dialect) => {
  const provider = providerOf(dialect);
  if (provider === undefined) throw new Error("no such provider");
  const sample = sampleOf(dialect);
  const { settings = {} } = dialect;
  const credentials = [dialect.credentials ?? []].flat();
  const fields = [...RUNS].map(([name, shape]): [string, Shape] => [
    `${name} in its fields`,
    lengthened(sample, shape),
  ]);
  const all = [...DOCUMENTS, ...fields];

  const excesses = async <T>(
    make: (request: SignedRequest) => T,
    run: (input: T) => unknown,
  ): Promise<string[]> => {
    const found: string[] = [];
    for (const [name, shape] of all) {
      const excess = await excessOf(
        (length) => make({ ...sample, method: "POST", body: shape(length) }),
        run,
      );
      if (excess !== null) found.push(`${name}: ${excess}`);
    }
    return found;
  };

  it("parses in time in proportion to the body", async () => {
    expect(
      await excesses(
        (request) => deliveryOf(provider, request, settings),
        (delivery) => [provider.parse(delivery), provider.handshake?.(delivery, delivery)],
      ),
    ).toEqual([]);
  });

  it("finds an element again in time in proportion to the body", async () => {
    expect(
      await excesses(
        (request) => deliveryOf(provider, request, settings),
        (delivery) => elementAt(provider, delivery, 0),
      ),
    ).toEqual([]);
  });

  if (provider.withoutProof !== undefined)
    it("cuts its proof out in time in proportion to the body", async () => {
      expect(
        await excesses(
          ({ body }) => encode(body ?? ""),
          (body) => provider.withoutProof?.(body),
        ),
      ).toEqual([]);
    });

  it.each([
    ["signed", (request: SignedRequest) => dialect.sign(request, NOW)],
    ["with the proof of another body", (request: SignedRequest) => proofOfAnother(dialect, sample, request)],
  ])("verifies in time in proportion to the body: %s", async (_, prove) => {
    const make = (request: SignedRequest) => {
      const { body, headers, ...rest } = prove(request);
      return {
        ...rest,
        url: urlOf({ ...rest, body, headers }),
        headers: new Headers(headers),
        body: encode(body ?? ""),
      };
    };
    expect(
      await excesses(make, (request) => provider.verify(request, credentials, { ...CONTEXT, settings })),
    ).toEqual([]);
  });
});

/** Whatever a sender shows outside of the body is right for another one. */
function proofOfAnother(dialect: Dialect, sample: SignedRequest, { body }: SignedRequest): SignedRequest {
  return { ...dialect.sign(sample, NOW), method: "POST", body };
}
