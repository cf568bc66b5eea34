// Requests to /v1/suppressions, and the events that cause suppressions.

import { deliver, envWith, mailjetEvent, mailjetPost, messagesOf, send } from "../../support/support.ts";
import { seeded } from "../../support/random.ts";

/** API_TOKENS of these suites: one with all scopes, and one that may only read. */
export const token = { tests: "api-token", reader: { token: "read-token", scopes: ["read"] } };

/** The tests' bindings with these tokens, and with the replacements of a test. */
export const bindings = (changes: Partial<Record<keyof Env, unknown>> = {}): Env =>
  envWith({ API_TOKENS: JSON.stringify(token), ...changes });

/** A request to /v1/suppressions. A body that is neither a text nor bytes is sent as JSON. */
export async function ask(
  method: string,
  path: string,
  body?: unknown,
  changes: { env?: Env; headers?: Record<string, string> } = {},
) {
  const headers = {
    authorization: "Bearer api-token",
    ...(body === undefined ? {} : { "content-type": "application/json" }),
    ...changes.headers,
  };
  const isBytes = typeof body === "string" || body instanceof Uint8Array;
  const content = body === undefined ? null : isBytes ? (body as BodyInit) : JSON.stringify(body);
  const request = new Request(`https://edge.example/v1/suppressions${path}`, {
    method,
    headers,
    body: content,
  });
  return await send(request, changes.env ?? bindings());
}

interface Shown {
  reason: string;
  scope: string | null;
  source: string;
  since: string;
  by: string | null;
  note: string | null;
  lifted_by: string | null;
  lift_note: string | null;
  held: boolean;
  held_because: string | null;
}

/** An answer of /v1/suppressions/{address}. */
export interface Status {
  address: string;
  suppressed: boolean;
  suppression: Shown | null;
  history: Shown[];
}

/** A page of /v1/suppressions. */
export interface Page {
  suppressions: (Shown & { address: string })[];
  next: string | null;
}

/** Reads the suppressions of an address. */
export const status = async (address: string): Promise<Status> =>
  await (await ask("GET", `/${address}`)).json<Status>();

/** Reads a page of suppressions. */
export const list = async (query = ""): Promise<Page> => await (await ask("GET", query)).json<Page>();

/** The time in seconds, as Mailjet tells it. */
export const secondsNow = (): number => Math.floor(Date.now() / 1000);

/** Delivers Mailjet events with these fields to the consumer. */
export const mailjet = async (...events: Record<string, unknown>[]): Promise<void> => {
  for (let i = 0; i < events.length; i += 200)
    await deliver(
      await messagesOf(mailjetPost(JSON.stringify(events.slice(i, i + 200).map((one) => mailjetEvent(one))))),
    );
};

const random = seeded("messages");

/** The fields of a Mailjet bounce; `time`: s. */
export const bounce = (email: string, time: number, hard = false, more = {}): Record<string, unknown> => ({
  event: "bounce",
  email,
  time,
  hard_bounce: hard,
  blocked: false,
  MessageID: time * 1000 + random.between(0, 999),
  ...more,
});
