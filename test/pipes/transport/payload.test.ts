// The forms in which events travel.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Outgoing } from "../../../src/pipes/kinds/kind.ts";
import { mediaType, render, renderBatch } from "../../../src/pipes/transport/payload.ts";

const event = {
  id: "e1",
  type: "bounced",
  contact: "ann@example.com",
  message_id: "<m1@mailer>",
  bounce: "hard",
};
const outgoing = {
  id: "e1",
  type: "bounced",
  contact: "ann@example.com",
  at: Date.UTC(2026, 10, 21, 9, 30, 0, 7),
  event,
};
const parsed = (...given: Parameters<typeof render>): Record<string, unknown> =>
  JSON.parse(render(...given)) as Record<string, unknown>;

describe("payloads", () => {
  test("event", () => {
    expect(parsed(outgoing, "event", "mailjet")).toEqual({
      type: "bounced",
      timestamp: "2026-11-21T09:30:00.007Z",
      data: event,
    });
  });

  test("cloudevents", () => {
    expect(parsed(outgoing, "cloudevents", "eu newsletter")).toEqual({
      specversion: "1.0",
      id: "e1",
      source: "/tidings/eu%20newsletter",
      type: "email.bounced",
      subject: "<m1@mailer>",
      time: "2026-11-21T09:30:00.007Z",
      datacontenttype: "application/json",
      data: event,
    });
  });

  test("an extra event keeps its type, and has no source or subject if it is about no mail", () => {
    const extra = {
      ...outgoing,
      type: "contact.suppressed",
      event: { id: "e1", type: "contact.suppressed" },
    };
    const { type, source, subject } = parsed(extra, "cloudevents", null);
    expect({ type, source, subject }).toEqual({
      type: "contact.suppressed",
      source: "/tidings",
      subject: undefined,
    });
    expect(parsed(extra, "event", null)["type"]).toBe("contact.suppressed");
  });

  test.each(["", "bounce-Ann@Example.com-7", "a\nb", "a\u0085", "\ud800", "\ufffe"])(
    "the message id %j is no subject",
    (message_id) => {
      const rendered = parsed({ ...outgoing, event: { ...event, message_id } }, "cloudevents", "mailjet");
      expect("subject" in rendered).toBe(false);
      expect(rendered["data"]).toMatchObject({ message_id });
    },
  );

  test("a batch is an array of what each is alone, whatever the events hold, and the address stands in data alone", () => {
    const anyEvent = fc.record({
      contact: fc.emailAddress().map((address) => address.toLowerCase()),
      message_id: fc.option(fc.string({ unit: "binary" })),
      metadata: fc.dictionary(
        fc.string({ unit: "binary" }).filter((key) => key !== "__proto__"),
        fc.jsonValue(),
      ),
    });
    fc.assert(
      fc.property(fc.array(anyEvent), fc.constantFrom("event", "cloudevents"), (events, form) => {
        const batch = events.map(({ contact, ...rest }, index): Omit<Outgoing, "text"> => {
          const id = `e${index}`;
          const message_id = index % 2 === 0 ? rest.message_id : `m-${contact}`;
          return { ...outgoing, id, contact, event: { id, contact, ...rest, message_id } };
        });
        const texts = batch.map((one) => render(one, form, "mailjet"));
        const all = JSON.parse(renderBatch(texts)) as Record<string, unknown>[];
        expect(all).toEqual(texts.map((text) => JSON.parse(text) as unknown));
        for (const [index, { data, ...around }] of all.entries()) {
          expect(data).toEqual(JSON.parse(JSON.stringify(batch[index]?.event)));
          expect(JSON.stringify(around)).not.toContain(JSON.stringify(batch[index]?.contact).slice(1, -1));
        }
      }),
    );
  });

  test("media types", () => {
    expect([mediaType("event", false), mediaType("event", true)]).toEqual([
      "application/json",
      "application/json",
    ]);
    expect(mediaType("cloudevents", false)).toBe("application/cloudevents+json");
    expect(mediaType("cloudevents", true)).toBe("application/cloudevents-batch+json");
  });
});
