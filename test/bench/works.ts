// The requests of the benchmark: what a provider posts, from a single event to SendGrid's largest batch, signed. No two
// bodies are alike, and all candidates get the same kind of request, credentials and signature included.

import { generateKeyPairSync, sign } from "node:crypto";
import { array, BEGAN, KINDS, mailjetJson, sendgridJson, type EventPlan } from "./events.ts";

export const USER = "bench";
export const PASSWORD = "a-password-of-the-usual-length";

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });

/** Credentials that Tidings is configured with: SendGrid's batch is verified by its signature. */
export const CREDENTIALS = {
  mailjet: `${USER}:${PASSWORD}`,
  sendgrid: publicKey.export({ type: "spki", format: "der" }).toString("base64"),
};

export interface Work {
  name: string;
  /** Events in a request. */
  events: number;
  path: string;
  /** How many senders post at once. */
  connections: number;
  /** A request that was never made before. */
  make(): { body: string; headers: Record<string, string> };
}

let mails = 0;

/** The next event that never was before; its contact is one of a hundred thousand. */
function nextPlan(): EventPlan {
  const mail = mails++;
  const kind = KINDS[mail % KINDS.length] ?? "sent";
  return { kind, mail, contact: (mail * 7919) % 100_000, time: BEGAN + (mail % 86_400) };
}

const BASIC = {
  authorization: `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString("base64")}`,
  "content-type": "application/json",
};

function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make);
}

function grouped(events: number): Work {
  return {
    name: `${events} events`,
    events,
    path: "/webhooks/mailjet",
    connections: 32,
    make: () => ({ body: array(times(events, () => mailjetJson(nextPlan()))), headers: BASIC }),
  };
}

const SENDGRID_BYTES = 768_000;
const SENDGRID_EVENTS = Math.floor(SENDGRID_BYTES / (array(times(300, sendgridEvent)).length / 300));

function sendgridEvent(): string {
  return sendgridJson(nextPlan());
}

export const WORKS: readonly Work[] = [
  { ...grouped(1), name: "1 event", make: () => ({ body: mailjetJson(nextPlan()), headers: BASIC }) },
  grouped(50),
  grouped(500),
  {
    name: "768 KB, signed",
    events: SENDGRID_EVENTS,
    path: "/webhooks/sendgrid",
    connections: 8,
    make: () => {
      const body = array(times(SENDGRID_EVENTS, sendgridEvent));
      return { body, headers: { ...BASIC, ...signatureOf(body) } };
    },
  },
];

/** https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features */
function signatureOf(body: string): Record<string, string> {
  const timestamp = String(BEGAN);
  return {
    "x-twilio-email-event-webhook-timestamp": timestamp,
    "x-twilio-email-event-webhook-signature": sign(
      "sha256",
      Buffer.from(timestamp + body),
      privateKey,
    ).toString("base64"),
  };
}
