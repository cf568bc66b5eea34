// Webhooks: the shared suite in each form, the signatures as two libraries verify them, and receivers that fail below HTTP.

import { inject } from "vitest";
import { webhook } from "../../src/pipes/kinds/webhook.ts";
import { newSigningSecret, publicKeyOf } from "../../src/pipes/signing.ts";
import { KNOWN_SECRET } from "./known.ts";
import { describeKind, httpControl, type KindCase } from "./suite.ts";
import type { WebhookSettings } from "../../src/pipes/kinds/webhook.ts";

const port = inject("peers")["webhook"] ?? 0;
const HEADERS = { Authorization: 'Bearer receiver\'s "own" token', "X-Tenant": "tenant-secret-42" };
const OTHER_SECRET = "whsec_b25lIHRoYXQgdGhlIHJlY2VpdmVyIGhhcyBub3Q=";

/** A case in a room of its own; `knows` is what the receiver expects beside the defaults. */
function caseOf(
  room: string,
  changes: Record<string, unknown> = {},
  knows: Record<string, unknown> = {},
): KindCase<WebhookSettings> {
  const control = httpControl(port, room);
  const agreed = {
    headers: { authorization: HEADERS.Authorization, "x-tenant": HEADERS["X-Tenant"] },
    ...knows,
  };
  const forget = async (): Promise<void> => {
    await control.forget();
    await control.behave(agreed);
  };
  const answered = (status: number, headers: Record<string, string> = {}): unknown => ({
    answer: { status, headers, body: "words of the receiver" },
  });
  const inAnHour = new Date(Date.now() + 3_600_000).toUTCString();
  return {
    kind: webhook,
    control: { ...control, forget, behave: (told) => control.behave({ ...agreed, ...(told as object) }) },
    settings: (more = {}) => ({
      url: `http://127.0.0.1:${port}/${room}/hooks?from=tidings`,
      headers: HEADERS,
      signing_secrets: [KNOWN_SECRET],
      ...changes,
      ...more,
    }),
    wrongCredentials: { signing: "v1", signing_secrets: [OTHER_SECRET] },
    secretValues: [KNOWN_SECRET, OTHER_SECRET, ...Object.values(HEADERS), "receiver's"],
    errors: [
      {
        when: "301 to another URL",
        behaviour: answered(301, { location: `/${room}/moved` }),
        verdict: "denied",
      },
      {
        when: "307 to another URL",
        behaviour: answered(307, { location: `/${room}/moved` }),
        verdict: "denied",
      },
      { when: "400", behaviour: answered(400), verdict: "refused" },
      { when: "401", behaviour: answered(401), verdict: "denied" },
      { when: "403", behaviour: answered(403), verdict: "denied" },
      { when: "404", behaviour: answered(404), verdict: "denied" },
      { when: "408", behaviour: answered(408), verdict: "unavailable" },
      { when: "410", behaviour: answered(410), verdict: "gone" },
      { when: "413", behaviour: answered(413), verdict: "refused" },
      { when: "422", behaviour: answered(422), verdict: "refused" },
      { when: "429", behaviour: answered(429), verdict: "slow_down" },
      {
        when: "429 for 7 s",
        behaviour: answered(429, { "retry-after": "7" }),
        verdict: "slow_down",
        retryAfter: 7000,
      },
      {
        when: "429 until a date",
        behaviour: answered(429, { "retry-after": inAnHour }),
        verdict: "slow_down",
        retryAfter: 3_600_000,
      },
      { when: "500", behaviour: answered(500), verdict: "unavailable" },
      {
        when: "503 for 30 s",
        behaviour: answered(503, { "retry-after": "30" }),
        verdict: "unavailable",
        retryAfter: 30_000,
      },
      { when: "a connection cut before the answer", behaviour: { fault: "cut" }, verdict: "unavailable" },
      {
        when: "a connection cut within the answer",
        behaviour: { fault: "cut_body" },
        verdict: "unavailable",
      },
      {
        when: "200 with garbage",
        behaviour: { answer: { status: 200, body: "\u0000<html>{{{" } },
        verdict: "delivered",
      },
      { when: "a slow 204", behaviour: { delay: 700, answer: { status: 204 } }, verdict: "delivered" },
    ],
    hang: { fault: "hang" },
    echo: { fault: "echo" },
    batched: { batch: true },
  };
}

const pair = await newSigningSecret("v1a");
const publicKey = await publicKeyOf(pair);

describeKind("webhook", caseOf("plain"));
describeKind(
  "webhook (CloudEvents, gzip)",
  caseOf("cloudevents", { payload: "cloudevents", gzip: true }, { gzip: true }),
);
describeKind("webhook (v1a)", {
  ...caseOf("asymmetric", { signing: "v1a", signing_secrets: [pair] }, { public_key: publicKey }),
  secretValues: [pair, ...Object.values(HEADERS)],
});
