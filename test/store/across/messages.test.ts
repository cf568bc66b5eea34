// Messages, recipients, contacts and sources of several databases: what is told is what one database with the same reports
// tells.

import { env } from "cloudflare:workers";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { recipientCursorOf, readRecipientCursor } from "../../../src/api/recipients.ts";
import { messageView } from "../../../src/api/views.ts";
import {
  findMessagesAcross,
  getMessageAcross,
  getMessageEventsAcross,
  recipientsOf,
} from "../../../src/store/across/messages.ts";
import {
  listMessagesAcross,
  listRecipientsAcross,
  type RecipientPlace,
} from "../../../src/store/across/recipients.ts";
import { findSourceAcross, listSourcesAcross } from "../../../src/store/across/sources.ts";
import { getContact } from "../../../src/store/events/contacts.ts";
import type { FoundMessage } from "../../../src/store/events/messages.ts";
import type { Shards } from "../../../src/store/shards.ts";
import {
  allPages,
  countSome,
  divisions,
  edgeOf,
  freshDatabases,
  parts,
  shardsBy,
  undivided,
  type Division,
} from "../../support/divided.ts";
import { deliver, messagesOf } from "../../support/support.ts";

beforeEach(freshDatabases);

const PEOPLE = ["ann@gmail.com", "bob@outlook.com", "cy@example.com", "di@example.com", "nobody@example.com"];
const KINDS = ["sent", "delivered", "opened", "clicked", "bounced", "strange"];

const report = fc.record({
  event: fc.constantFrom(...KINDS),
  email: fc.constantFrom("ann@gmail.com", "bob@outlook.com", "cy@example.com", "di@example.com"),
  campaign: fc.constantFrom("spring", "summer", undefined),
  message_id: fc.constantFrom("m-1", "m-2", "m-3", undefined),
  custom_id: fc.constantFrom("order-1", "order-2", undefined),
  at: fc.integer({ min: 0, max: 90_000 }),
});
interface Report {
  event: string;
  email: string;
  campaign?: string | undefined;
  message_id?: string | undefined;
  custom_id?: string | undefined;
  at: number;
}

const request = (reports: readonly Report[]): Request =>
  new Request("https://edge.example/webhooks/generic?token=generic-token-of-the-tests", {
    method: "POST",
    body: JSON.stringify(
      reports.map(({ at, ...fields }) => ({
        ...fields,
        event_id: `${at}`,
        timestamp: new Date(Date.UTC(2026, 8, 1) + at * 1_000).toISOString(),
      })),
    ),
  });

/** Sends the reports, six at a time, to the one database, and each to that of its contact. */
async function tell(reports: readonly Report[], division: Division): Promise<void> {
  for (let first = 0; first < reports.length; first += 6) {
    const some = reports.slice(first, first + 6);
    const shares = parts().map((db, i) => ({ db, own: some.filter(({ email }) => division(email) === i) }));
    for (const { db, own } of [{ db: env.TEST_DB_ALL, own: some }, ...shares])
      if (own.length > 0) await deliver(await messagesOf(request(own)), edgeOf(db));
  }
}

type View = ReturnType<typeof messageView>;

/** What does not depend on where, and by which delivery, a message was stored. */
const shown = (view: View) => ({
  ...view,
  // Of several recipients any may be the first.
  contact: view.recipients.length === 1 ? view.contact : null,
  recipients: view.recipients.toSorted((a, b) => (a.contact < b.contact ? -1 : 1)),
  events: view.events
    .map(({ seq: _, received_at: __, ...event }) => event)
    .toSorted((a, b) => (a.id < b.id ? -1 : 1)),
});
const views = (found: readonly FoundMessage[]) =>
  found.map(({ rows, events }) => shown(messageView(rows, events)));

async function messageOf(shards: Shards, id: string) {
  const found = await getMessageAcross(shards, id);
  const rows = recipientsOf(found);
  return rows.length === 0 ? null : shown(messageView(rows, await getMessageEventsAcross(id, found)));
}

describe("what three databases tell", () => {
  it("about messages, campaigns, contacts and sources is what one tells", async () => {
    const reports = fc.uniqueArray(report, { selector: ({ at }) => at, minLength: 4, maxLength: 24 });
    const counted = fc.array(fc.boolean(), { minLength: 4, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(
        reports,
        divisions,
        counted,
        fc.constantFrom(1, 2, 50),
        async (told, division, which, limit) => {
          await freshDatabases();
          await tell(told, division);
          await countSome(which);
          const [one, three] = [undivided(), shardsBy(division)];
          for (const id of ["m-1", "m-2", "m-3", "none"])
            expect(await messageOf(three, id)).toEqual(await messageOf(one, id));
          for (const wanted of [
            { custom_id: "order-1" },
            { custom_id: "none" },
            { contact: "ann@gmail.com", campaign: ["spring"] },
          ])
            expect(views(await findMessagesAcross(three, wanted))).toEqual(
              views(await findMessagesAcross(one, wanted)),
            );

          for (const wanted of [{}, { opened: false }, { delivered: true, opened: true }]) {
            const query = { campaign: ["spring", "summer"], wanted };
            const recipients = async (shards: Shards) =>
              await allPages(async (after: RecipientPlace | undefined) => {
                const page = await listRecipientsAcross(shards, { ...query, byMessage: false }, after, limit);
                expect(page.items.length).toBeLessThanOrEqual(limit);
                // The place goes out to the caller and comes back.
                return { ...page, next: page.next && readRecipientCursor(recipientCursorOf(page.next)) };
              });
            const byContact = (list: Awaited<ReturnType<typeof recipients>>) =>
              list.toSorted((a, b) => (a.contact < b.contact ? -1 : 1));
            expect(byContact(await recipients(three))).toEqual(byContact(await recipients(one)));
            const mails = async (shards: Shards) =>
              views(
                await allPages(
                  async (after: RecipientPlace | undefined) =>
                    await listMessagesAcross(shards, query, after, limit),
                ),
              ).map((view) => JSON.stringify(view));
            expect((await mails(three)).toSorted()).toEqual((await mails(one)).toSorted());
          }

          for (const contact of PEOPLE)
            expect(await getContact(three, contact)).toEqual(await getContact(one, contact));

          const sources = async (shards: Shards) =>
            (await listSourcesAcross(shards)).map(({ source, provider, events, dead_letters }) => ({
              source,
              provider,
              events,
              dead_letters,
            }));
          expect(await sources(three)).toEqual(await sources(one));
          // The latest comes first, which two databases do not see at the same time.
          const words = async (shards: Shards) =>
            ((await findSourceAcross(shards, "generic"))?.unknown ?? [])
              .map(({ kind, word, n }) => `${kind} ${word} ${n}`)
              .toSorted();
          expect(await words(three)).toEqual(await words(one));
          expect(await findSourceAcross(three, "none")).toBeNull();
        },
      ),
      { numRuns: 5 },
    );
  });

  it("about a source with repeats and events in all of them adds up", async () => {
    const reports = PEOPLE.slice(0, 3).map((email, at): Report => ({ event: "sent", email, at }));
    for (const [i, one] of reports.entries())
      for (let times = 0; times <= i; times++)
        await deliver(await messagesOf(request([one])), edgeOf(parts()[i] ?? env.DB));
    const source = await findSourceAcross(
      shardsBy(() => 0),
      "generic",
    );
    expect(source).toMatchObject({ events: 3, duplicates: 3, provider: "generic" });
    const lists = await Promise.all(
      parts().map(async (db) => await listSourcesAcross(shardsBy(() => 0, [db]))),
    );
    const last = Math.max(...lists.flat().map(({ last_event_at: at }) => at ?? 0));
    expect(source?.last_event_at).toBe(last);
  });
});

describe("a cursor in a list of recipients", () => {
  it("of the first database is the one that was given out before there were several", () => {
    const old = Buffer.from(JSON.stringify(["recipients", 17, 90])).toString("base64url");
    expect(readRecipientCursor(old)).toEqual({ shard: 0, after: [17, 90] });
    expect(recipientCursorOf({ shard: 0, after: [17, 90] })).toBe(old);
  });

  it("of another one leads back there, also to its beginning", () => {
    for (const place of [
      { shard: 2, after: [5, 9] },
      { shard: 1, after: null },
    ] satisfies RecipientPlace[])
      expect(readRecipientCursor(recipientCursorOf(place))).toEqual(place);
  });
});
