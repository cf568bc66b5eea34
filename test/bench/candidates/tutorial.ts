// A webhook receiver as the platform's guides lead one to write it: check basic auth, parse in the handler, a message per
// event, then for each message a call to the contact's Durable Object (seen it already?) and an INSERT. Written to be good
// at that: batched sends, an indexed table for the same questions that Tidings answers, idempotent inserts.

import { DurableObject } from "cloudflare:workers";

export interface TutorialEnv {
  QUEUE: Pick<Queue, "sendBatch">;
  SEEN: { getByName(contact: string): { isNew(id: string): Promise<boolean> } };
  DB: D1Database;
  /** user:password */
  WEBHOOK_AUTH: string;
}

export interface MailEvent {
  id: string;
  type: string;
  contact: string;
  messageId: string;
  /** ms since the epoch */
  at: number;
  payload: unknown;
}

/** id, the contact's timeline, and a mail's events: each index is a billed row per insert. */
export const TUTORIAL_SCHEMA = [
  `CREATE TABLE events (id TEXT PRIMARY KEY, type TEXT NOT NULL, contact TEXT NOT NULL, message_id TEXT NOT NULL,
    at INTEGER NOT NULL, payload TEXT NOT NULL)`,
  "CREATE INDEX events_contact ON events (contact, at)",
  "CREATE INDEX events_message ON events (message_id)",
];

const MOST_MESSAGES = 100; // that sendBatch takes

type Element = Record<string, unknown>;

export default {
  async fetch(request: Request, env: TutorialEnv): Promise<Response> {
    if (request.method !== "POST") return new Response("Method not allowed", { status: 405 });
    if (request.headers.get("authorization") !== `Basic ${btoa(env.WEBHOOK_AUTH)}`)
      return new Response("Unauthorized", { status: 401 });
    const body = await request.json<Element | Element[]>();
    const events = (Array.isArray(body) ? body : [body]).map(toEvent);
    for (let i = 0; i < events.length; i += MOST_MESSAGES)
      await env.QUEUE.sendBatch(events.slice(i, i + MOST_MESSAGES).map((event) => ({ body: event })));
    return Response.json({ received: events.length });
  },

  async queue(batch: MessageBatch<MailEvent>, env: TutorialEnv): Promise<void> {
    for (const message of batch.messages) {
      try {
        await store(message.body, env);
        message.ack();
      } catch (error) {
        console.error({ message: "an event could not be stored", error: String(error) });
        message.retry();
      }
    }
  },
};

/** Reads Mailjet's and SendGrid's elements. */
export function toEvent(element: Element): MailEvent {
  const type = String(element["event"]);
  const contact = String(element["email"]).toLowerCase();
  const messageId = String(element["sg_message_id"] ?? element["Message_GUID"]);
  const seconds = Number(element["timestamp"] ?? element["time"]);
  const own = element["sg_event_id"];
  const id = typeof own === "string" ? own : `${messageId}:${type}:${seconds}`;
  return { id, type, contact, messageId, at: seconds * 1000, payload: element };
}

async function store(event: MailEvent, env: TutorialEnv): Promise<void> {
  if (!(await env.SEEN.getByName(event.contact).isNew(event.id))) return;
  await env.DB.prepare(
    "INSERT OR IGNORE INTO events (id, type, contact, message_id, at, payload) VALUES (?, ?, ?, ?, ?, ?)",
  )
    .bind(event.id, event.type, event.contact, event.messageId, event.at, JSON.stringify(event.payload))
    .run();
}

/** One object per contact that knows which of its events came before. */
export class SeenContact extends DurableObject {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    this.exec("CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY, at INTEGER NOT NULL)");
  }

  isNew(id: string): boolean {
    return this.exec("INSERT OR IGNORE INTO seen (id, at) VALUES (?, ?)", id, Date.now()) > 0;
  }

  /** Runs a statement; returns the rows it wrote. */
  protected exec(sql: string, ...values: (string | number)[]): number {
    return this.ctx.storage.sql.exec(sql, ...values).rowsWritten;
  }
}
