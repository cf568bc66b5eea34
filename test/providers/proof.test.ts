// How requests are proved: by URL and headers alone wherever that is possible, never by what is public, and without
// leaving the proof in what is stored.

import { describe, expect, it } from "vitest";
import { providers, type InboundRequest, type Provider } from "../../src/providers/index.ts";
import { replaceMembers } from "../../src/providers/kit/members.ts";
import { casesOf, requestOf, verifyCasesOf, type VerifyCase } from "../support/provider-cases.ts";
import { bytes } from "./parsing.ts";

const ALL = Object.entries(providers).map(([key, provider]) => ({ key, provider }));

const contextOf = (request: VerifyCase) => ({
  now: Date.parse(request.now ?? "2026-01-01T00:00:00.000Z"),
  settings: request.settings ?? {},
});

async function verdictOf(provider: Provider, request: InboundRequest, whole: VerifyCase): Promise<boolean> {
  const fetchListed: typeof fetch = async (input) => {
    const listed = whole.responses?.[input instanceof Request ? input.url : String(input)];
    if (listed === undefined) throw new Error("no network in tests");
    return new Response(listed);
  };
  const context = { ...contextOf(whole), fetch: fetchListed };
  return (await provider.verify(request, whole.credentials, context)).ok;
}

describe.each(ALL)("$key: URL and headers", ({ key, provider }) => {
  it.each(verifyCasesOf(key).requests)(
    "$name: decide as the whole request does, or not at all",
    async (one) => {
      const request = requestOf(key, one);
      const byHead = provider.verifyHead?.(request, one.credentials, contextOf(one)) ?? null;
      if (byHead !== null) expect(byHead.ok).toBe(one.accepted);
      if (byHead?.ok === false) expect(byHead.reason).toMatch(/\w/);
      const usesSecret = /basic auth|token/i.test(one.name) && one.accepted;
      if (usesSecret && request.headers.has("authorization")) expect(byHead).toEqual({ ok: true });
    },
  );

  it("decide against every request that presents nothing, unless the proof is in the body", () => {
    const head = { method: "POST", url: `https://tidings.test/webhooks/${key}`, headers: new Headers() };
    const { requests } = verifyCasesOf(key);
    for (const { credentials, accepted, in_body } of requests) {
      if (!accepted || in_body === true) continue;
      const context = { now: 0, settings: {} };
      const byHead = provider.verifyHead?.(head, credentials, context) ?? null;
      if (byHead === null) expect(["mailgun", "ses", "unisender"]).toContain(key);
      else expect(byHead).toMatchObject({ ok: false, isBare: true });
    }
  });
});

const CUTTING = ALL.filter(({ provider }) => provider.withoutProof !== undefined);

describe.each(CUTTING)("$key: a body without its proof", ({ key, provider }) => {
  const cut = (body: Uint8Array): Uint8Array => provider.withoutProof?.(body) ?? body;

  it.each(casesOf(key))("$name: gives the same events, and is not cut any further", ({ delivery }) => {
    const body = cut(delivery.body);
    const { rejects: before, ...whole } = provider.parse(delivery);
    const { rejects: after, ...rest } = provider.parse({ ...delivery, body });
    expect(rest).toEqual(whole);
    expect(after.map(({ reason }) => reason)).toEqual(before.map(({ reason }) => reason));
    expect(cut(body)).toEqual(body);
  });

  const proven = verifyCasesOf(key).requests.filter(
    ({ accepted, in_body, responses }) => accepted && (in_body === true || responses !== undefined),
  );
  it.runIf(key !== "scaleway").each(proven)("$name: proves nothing any more", async (one) => {
    const request = requestOf(key, one);
    expect(await verdictOf(provider, request, one)).toBe(true);
    expect(await verdictOf(provider, { ...request, body: cut(request.body) }, one)).toBe(false);
  });
});

describe("members of a document", () => {
  const REDACTED: ReadonlyMap<string, () => string> = new Map([["secret", () => "null"]]);
  const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
  const cut = (text: string): string => decoder.decode(replaceMembers(bytes(text), REDACTED));

  it.each([
    ['{"secret":"a\\"b","x":1}', '{"secret":null,"x":1}'],
    ['{ "x" : [{"secret":1}] , "secret" : {"a":["}"]} }', '{ "x" : [{"secret":1}] , "secret" : null }'],
    [
      '[{"secret":-1.5e3},{"secret":true},"secret",["secret"]]',
      '[{"secret":null},{"secret":null},"secret",["secret"]]',
    ],
    ['{"s\\u0065cret":"a","x":"\\\\","secret":[1,2]}', '{"s\\u0065cret":null,"x":"\\\\","secret":null}'],
    ['{"x":"\\"secret\\":1","secret":2', '{"x":"\\"secret\\":1","secret":null'],
    ['{"secret":', '{"secret":null'],
    ['{"x":{"secret":1}}', '{"x":{"secret":1}}'],
    ['\uFEFF{"secret":"ü","y":"ü"}', '\uFEFF{"secret":null,"y":"ü"}'],
    ["no JSON", "no JSON"],
  ])("of %j are replaced", (text, expected) => expect(cut(text)).toBe(expected));

  it("leave all other bytes as they are, also those that are not UTF-8", () => {
    const body = new Uint8Array([...bytes('{"x":"'), 0xff, 0xfe, ...bytes('","secret":"s"}')]);
    const expected = new Uint8Array([...bytes('{"x":"'), 0xff, 0xfe, ...bytes('","secret":null}')]);
    expect(replaceMembers(body, REDACTED)).toEqual(expected);
  });
});

describe("public material", () => {
  const KEYS = {
    rsa: "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDf2uwTEM5nkEmL4X1xHkqN1cHj4qfH8c0H8k0B2cZkV8m3",
    p384: "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEKt1Z9rP8r7T1Q9lVqQ0j7n2Yc3f4r5t6y7u8i9o0p1a2s3d4f5g6h7j8k9l0z1x2",
    ed25519: "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=",
  };
  const TOPIC = "arn:aws:sns:eu-west-1:123456789012:tidings";
  it.each([
    ["postal", `v=DKIM1; t=s; h=sha256; p= ${KEYS.rsa}`],
    ["postal", `p = ${KEYS.ed25519};`],
    ["postal", KEYS.ed25519],
    ["sendgrid", KEYS.ed25519],
    ["sendgrid", KEYS.p384],
    ["sendgrid", ` "${KEYS.p384}"`],
    ["sendgrid", `-----BEGIN PUBLIC KEY-----\n${KEYS.rsa}\n-----END PUBLIC KEY-----`],
    ["ses", `'${TOPIC}'`],
    ["ses", TOPIC.slice("arn:aws:".length)],
    ["ses", `topic=${TOPIC}`],
  ])("opens nothing as a shared secret: %s %s", async (key, credential) => {
    const provider = providers[key];
    if (provider === undefined) throw new Error("no such provider");
    const requests = [credential, credential.trim(), credential.replaceAll(/['"]/g, "")].flatMap((shown) => [
      { url: `?token=${encodeURIComponent(shown)}`, headers: {} },
      { url: "", headers: { authorization: `Basic ${btoa(`user:${shown}`)}` } },
      { url: "", headers: { authorization: `Basic ${btoa(shown)}` } },
    ]);
    for (const { url, headers } of requests) {
      const one = { name: "", credentials: [credential], accepted: false, url, headers };
      const request = requestOf(key, one);
      expect(await verdictOf(provider, request, one)).toBe(false);
      expect(provider.verifyHead?.(request, [credential], contextOf(one))).not.toEqual({ ok: true });
    }
  });

  it("is not seen in secrets that only look a little like it", async () => {
    for (const credential of [
      "learn:a-secret-of-many-letters",
      "sns:a-secret-of-many-letters",
      "Mp=xp=A1b2C3d4E5f6G7h8p=",
    ]) {
      const one = {
        name: "",
        credentials: [credential],
        accepted: true,
        url: `?token=${encodeURIComponent(credential)}`,
      };
      for (const key of ["ses", "sendgrid", "postal"]) {
        const provider = providers[key];
        if (provider !== undefined)
          expect(await verdictOf(provider, requestOf(key, one), one), key).toBe(true);
      }
    }
  });
});

describe("pairs without a password", () => {
  it("open nothing", async () => {
    for (const [key, provider] of Object.entries(providers)) {
      for (const credential of ["u:", "u: ", ":", " : "]) {
        const authorization = `Basic ${btoa(credential)}`;
        const one = { name: "", credentials: [credential], accepted: false, headers: { authorization } };
        expect(await verdictOf(provider, requestOf(key, one), one), `${key} ${credential}`).toBe(false);
      }
    }
  });
});
