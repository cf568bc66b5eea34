// `webhook` in the shared suite: JSON, CloudEvents compressed, a body of one's own, and signed by a private key.

import { webhook } from "../../../../src/pipes/kinds/webhook.ts";
import { newSigningSecret, publicKeyOf } from "../../../../src/pipes/transport/signing.ts";
import type { Behaviour } from "../../peers/http.ts";
import { KNOWN_SECRET } from "../../peers/known.ts";
import { answered, echoes, httpErrors, openRoom, type RoomCase } from "../rooms.ts";
import type { KindCase } from "../suite.ts";

const HEADERS = { Authorization: 'Bearer receiver\'s "own" token', "X-Tenant": "tenant-secret-42" };
export const OTHER_SECRET = "whsec_b25lIHRoYXQgdGhlIHJlY2VpdmVyIGhhcyBub3Q=";

/** A case in a room of its own, whose control adds what is agreed; `knows` is what the receiver expects beside that. */
export async function webhookCase(
  name: string,
  changes: Record<string, unknown> = {},
  knows: Record<string, unknown> = {},
): Promise<RoomCase> {
  const room = await openRoom("webhook");
  const agreed = {
    headers: { authorization: HEADERS.Authorization, "x-tenant": HEADERS["X-Tenant"] },
    ...knows,
  };
  const behave = (told: Behaviour): Promise<void> => room.behave({ ...agreed, ...told });
  const forget = async (): Promise<void> => {
    await room.forget();
    await behave({});
  };
  const words = { body: "words of the receiver" };
  const inAnHour = new Date(Date.now() + 3_600_000).toUTCString();
  const secrets = [KNOWN_SECRET, ...Object.values(HEADERS)];
  return {
    name,
    kind: webhook,
    control: { ...room, forget, behave },
    settings: (more = {}) => ({
      url: `${room.url}/hooks?from=tidings`,
      headers: HEADERS,
      signing_secrets: [KNOWN_SECRET],
      ...changes,
      ...more,
    }),
    wrong: { "another secret": { signing: "v1", signing_secrets: [OTHER_SECRET] } },
    secretValues: [...secrets, OTHER_SECRET, "receiver's"],
    errors: [
      ...httpErrors({ but: { 200: "delivered" } }),
      answered("429 for as long as it likes", { status: 429, ...words }, "slow_down"),
      answered("429 until a date", { status: 429, headers: { "retry-after": inAnHour } }, "slow_down", {
        retryAfter: 3_600_000,
      }),
      answered("a slow 204", { status: 204 }, "delivered", { delay: 700 }),
    ],
    hangs: [{ behaviour: { fault: "hang" } }],
    echoes: echoes(secrets),
    batched: { batch: true },
    largest: webhook.batch.bytes,
  };
}

const pair = await newSigningSecret("v1a");
const publicKey = await publicKeyOf(pair);
const signed = { signing: "v1a", signing_secrets: [pair] };

export const cases: readonly KindCase[] = [
  await webhookCase("webhook"),
  await webhookCase("webhook (CloudEvents, gzip)", { payload: "cloudevents", gzip: true }, { gzip: true }),
  {
    ...(await webhookCase("webhook (template)", {
      payload: "template",
      template: { text: "{{contact}} {{type}}" },
    })),
    free: ["template"],
  },
  {
    ...(await webhookCase("webhook (v1a)", signed, { public_key: publicKey })),
    secretValues: [pair, ...Object.values(HEADERS)],
    echoes: echoes([pair]),
  },
];
