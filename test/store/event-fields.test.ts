// The event's fields are listed once: every place that derives from the list has exactly its fields, and events that
// were stored before are read as they were.

import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { Event, EventWithRaw } from "../../src/api/schemas.ts";
import {
  DETAIL_NAMES,
  EVENT_FIELD_NAMES,
  eventField,
  NO_DETAILS,
  type EventDetails,
  type StoredEvent,
} from "../../src/model/event-fields.ts";
import type { EVENT_TYPES } from "../../src/model/event.ts";
import { REASONS } from "../../src/model/event.ts";
import { VARIABLES } from "../../src/pipes/filter/variables.ts";
import { sampleEvent } from "../../src/pipes/sample.ts";
import { detailsCodec } from "../../src/store/events/details.ts";
import {
  COLUMN_NAMES,
  PACKED_NAMES,
  toEvents,
  type EventColumnsRow,
} from "../../src/store/events/event-columns.ts";
import { eventView } from "../../src/store/events/event-view.ts";
import { packDetails } from "../../src/store/write/rows.ts";
import { deliver, freshStorage, mailjetEvent, mailjetPost, messagesOf, read } from "../support/support.ts";

const NAMES = [...EVENT_FIELD_NAMES];

const short = fc.string({ maxLength: 20 }).filter((text) => text.isWellFormed());
const orNull = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(of, { nil: null });
const details: fc.Arbitrary<EventDetails> = fc.record({
  bounce: orNull(fc.constantFrom("hard", "soft")),
  reason: orNull(fc.constantFrom(...REASONS)),
  description: orNull(short),
  smtp: orNull(fc.record({ code: orNull(fc.integer()), enhanced: orNull(short), response: orNull(short) })),
  campaign: orNull(short),
  custom_id: orNull(short),
  tags: fc.array(short, { maxLength: 3 }),
  metadata: fc.dictionary(short, short, { maxKeys: 3 }),
  url: orNull(short),
  ip: orNull(short),
  geo: orNull(short),
  user_agent: orNull(short),
  machine: orNull(fc.boolean()),
  estimated: fc.boolean(),
  hops: fc.option(fc.integer({ min: 1, max: 9 })),
});
type Columns = Partial<Record<"campaign" | "reason" | "custom_id" | "tags", string | null>>;
const row = (packed: string | null, columns: Columns = {}) => ({
  id: "i",
  seq: 7,
  source: "s",
  provider: "p",
  type: "clicked" as const,
  contact: "ann@example.com",
  message_id: null,
  at: 1_790_000_000_000,
  received_at: 1_790_000_001_000,
  campaign: null,
  reason: null,
  custom_id: null,
  tags: null,
  ...columns,
  details: packed,
});
/** The event of a row. */
async function toEvent(of: ReturnType<typeof row>): Promise<StoredEvent> {
  const [event] = await toEvents([of as EventColumnsRow]);
  if (event === undefined) throw new Error("no event");
  return event;
}
/** The columns in which the details are stored that have one. */
const columnsOf = ({ campaign, reason, custom_id, tags }: EventDetails): Columns => ({
  campaign,
  reason,
  custom_id,
  tags: tags.length === 0 ? null : JSON.stringify(tags),
});

describe("the list of an event's fields", () => {
  it("is what the store reads, and each field is stored in one place", async () => {
    const columns = NAMES.flatMap((name) => eventField(name).column ?? []);
    expect(COLUMN_NAMES).toEqual([...columns, "details"]);
    expect([...columns, ...PACKED_NAMES]).toHaveLength(NAMES.length);
    expect(Object.keys(await toEvent(row(null)))).toEqual(NAMES);
    expect(Object.keys(NO_DETAILS)).toEqual([...DETAIL_NAMES]);
  });

  it("names existing columns, and no other column of the database contains a field", async () => {
    const { results } = await env.DB.prepare("SELECT name FROM pragma_table_info('events')").all<{
      name: string;
    }>();
    const counted = ["bounce", "destination", "machine"];
    const place = ["line", "element"];
    expect(results.map(({ name }) => name).toSorted()).toEqual(
      [...COLUMN_NAMES, ...counted, ...place, "details_size"].toSorted(),
    );
  });

  it("is what /v1 returns and describes, and what pipes' filters can use", () => {
    expect(Object.keys(eventView(sampleEvent(0)))).toEqual(NAMES);
    expect(Object.keys(Event.shape)).toEqual(NAMES);
    expect(Object.keys(EventWithRaw.shape)).toEqual([...NAMES, "raw"]);
    const beside = ["data", "destination", "human", "message", "suppressed", "suppression"];
    expect([...VARIABLES.keys()].toSorted()).toEqual([...NAMES, ...beside].toSorted());
  });

  it("keeps all other fields out of answers, whatever else an event or its stored details contain", async () => {
    const packed = JSON.stringify({ url: "u", internal: "secret", seq: 99, contact: "eve@example.com" });
    const event = Object.assign(await toEvent(row(packed)), { batch: "secret" });
    expect(eventView(event)).toEqual({ ...eventView(await toEvent(row('{"url":"u"}'))) });
    expect(JSON.stringify(eventView(event))).not.toMatch(/secret|eve|99/);
  });
});

describe("the columns of CSV", () => {
  beforeAll(freshStorage);
  it("are the fields of the list, in its order", async () => {
    await deliver(await messagesOf(mailjetPost(JSON.stringify([mailjetEvent()]))));
    const response = await read("/v1/events", { headers: { accept: "text/csv" } });
    const [head] = new TextDecoder().decode(await response.arrayBuffer()).split("\r\n");
    expect(head).toBe(NAMES.join(","));
    const { events } = await (await read("/v1/events")).json<{ events: object[] }>();
    expect(events.map((event) => Object.keys(event))).toEqual([NAMES]);
  });
});

describe("details", () => {
  it("are read as they were packed, and fit their schema", async () => {
    const { pack } = await detailsCodec();
    await fc.assert(
      fc.asyncProperty(details, fc.boolean(), async (told, deflated) => {
        const packed = packDetails(told);
        const event = await toEvent(row(deflated ? pack(packed) : packed, columnsOf(told)));
        expect(event).toMatchObject(told);
        expect(Event.safeParse(eventView(event)).error).toBeUndefined();
      }),
    );
  });

  it("keep their stored form byte for byte, because history compares it as text", () => {
    const all: EventDetails = {
      estimated: true,
      hops: 2,
      machine: false,
      user_agent: "agent",
      geo: "DE",
      ip: "203.0.113.5",
      url: "https://example.com",
      metadata: { k: "v" },
      tags: ["a"],
      custom_id: "order",
      campaign: "in a column",
      smtp: { code: 550, enhanced: null, response: "no" },
      description: "words",
      reason: "invalid",
      bounce: "hard",
    };
    expect(packDetails(all)).toBe(
      '{"bounce":"hard","description":"words","smtp":{"code":550,"enhanced":null,"response":"no"},' +
        '"metadata":{"k":"v"},"url":"https://example.com","ip":"203.0.113.5",' +
        '"geo":"DE","user_agent":"agent","machine":false,"estimated":true,"hops":2}',
    );
    const known = { ...all, estimated: false };
    expect(packDetails(known), "only true is stored").not.toContain("estimated");
    expect(packDetails(NO_DETAILS)).toBeNull();
  });
});

it("an event's type has the listed fields and no others (checked by the compiler)", async () => {
  const event = await toEvent(row(null));
  const type: (typeof EVENT_TYPES)[number] = event.type;
  // @ts-expect-error A field that is not in the list is no field of an event.
  expect([type, event.subject]).toEqual(["clicked", undefined]);
  // @ts-expect-error What parsers tell has every detail of the list: here all are missing.
  const none: EventDetails = {};
  expect(none).toEqual({});
});
