// Where a source finds campaigns and custom ids: the places that settings name, and the order in which they count.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readConfig } from "../../../src/config/config.ts";
import type { ParsedEvent } from "../../../src/model/event.ts";
import { makeEvent } from "../../../src/providers/kit/fields.ts";
import { readPlace, withHandles, type Place } from "../../../src/providers/kit/handles.ts";
import { nested } from "../../support/hostile.ts";

const event = (details: Partial<ParsedEvent> = {}): ParsedEvent =>
  makeEvent(
    {
      element: 0,
      type: "delivered",
      contact: "ann@example.com",
      message_id: "m1",
      occurredAt: 1_790_000_000_000,
      receivedAt: 1_790_000_001_000,
      distinguishing: [],
    },
    details,
  );

const placesOf = (settings: readonly string[]): Place[] =>
  settings.map(readPlace).filter((place) => place !== null);

const campaignOf = (settings: readonly string[], told: Partial<ParsedEvent>, element?: unknown) =>
  withHandles(event(told), { campaign: placesOf(settings), custom_id: [] }, () => element).campaign;

describe("a handle", () => {
  it("is found in metadata by its key, by a path of keys, and in the first item of a list", () => {
    const metadata = { order: { id: 7, "a.b": "dotted" }, "order.id": "whole", list: ["one", "two"], no: {} };
    expect(campaignOf(["metadata.order.id"], { metadata }), "a whole key comes first").toBe("whole");
    expect(campaignOf(["metadata.order.id"], { metadata: { order: { id: 7 } } })).toBe("7");
    expect(campaignOf(["metadata.order.a.b"], { metadata })).toBe("dotted");
    expect(campaignOf(["metadata.list"], { metadata })).toBe("one");
    for (const name of ["no", "order", "constructor", "order.constructor", "no.more"])
      expect(campaignOf([`metadata.${name}`], { metadata }), name).toBeNull();
  });

  it("is found in tags, as the first one or as what follows a prefix", () => {
    const tags = ["eu", "campaign:", "campaign:spring", "campaign:summer"];
    expect(campaignOf(["tag"], { tags })).toBe("eu");
    expect(campaignOf(["tag:campaign:"], { tags })).toBe("spring");
    expect(campaignOf(["tag:us"], { tags })).toBeNull();
  });

  it.each([
    [{ mail: { headers: [{ name: "X-Campaign", value: "spring" }] } }],
    [{ data: { email: { headers: { "x-campaign": ["spring", "summer"] } } } }],
    [{ "message-headers": '[["Received","by mx"],["X-CAMPAIGN","spring"]]' }],
    [{ headers: {}, payload: { original_headers: { "X-Campaign": "spring" } } }],
  ])("is found in the mail's headers, wherever the provider puts them: %j", (element) => {
    expect(campaignOf(["header.X-Campaign"], {}, element)).toBe("spring");
    expect(campaignOf(["header.X-Other"], {}, element)).toBeNull();
  });

  it("is not found in headers that are none, however they look", () => {
    const deep: unknown = JSON.parse(nested(5_000));
    const strange = [
      undefined,
      null,
      5,
      "headers",
      { headers: 5 },
      { headers: "[broken" },
      { headers: [[5]] },
    ];
    for (const element of [...strange, { headers: [null, "x"] }, { headers: deep }, deep])
      expect(campaignOf(["header.X-Campaign"], {}, element)).toBeNull();
  });

  it("comes from the first place that has a value, else from the provider, and is never part of the identity", () => {
    const own = fc.option(fc.constantFrom("spring", "summer"), { nil: null });
    const told = fc.record({
      campaign: own,
      custom_id: own,
      tags: fc.subarray(["a", "b:1"]),
      metadata: fc.dictionary(fc.constantFrom("k", "l"), fc.constantFrom("x", "", " ", 7, null), {
        maxKeys: 2,
      }),
    });
    const settings = fc.subarray(["metadata.k", "metadata.l", "tag", "tag:b:", "campaign", "custom_id"]);
    fc.assert(
      fc.property(told, settings, settings, (details, forCampaign, forId) => {
        const before = event(details);
        const places = { campaign: placesOf(forCampaign), custom_id: placesOf(forId) };
        const after = withHandles(before, places, () => undefined);
        const alone = (setting: string) => {
          const bare = {
            ...before,
            campaign: null,
            custom_id: null,
            [setting]: details[setting as "campaign"],
          };
          return withHandles(bare, { campaign: placesOf([setting]), custom_id: [] }, () => null).campaign;
        };
        const expected = forCampaign.map(alone).find((value) => value !== null) ?? details.campaign;
        expect(after.campaign).toBe(expected);
        const { campaign: _, custom_id: __, ...others } = after;
        expect(before).toMatchObject(others);
      }),
    );
  });
});

describe("the settings", () => {
  const read = (table: Record<string, unknown>) => {
    const { problems, sources } = readConfig({ SOURCES: { shop: { provider: "postmark", ...table } } });
    const own = problems.filter(({ setting }) => setting.startsWith("SOURCES"));
    return { problems: own, handles: sources.get("shop")?.handles, provider: sources.get("shop")?.provider };
  };

  it("take one place or a list of places", () => {
    expect(read({}).handles).toBeNull();
    expect(
      read({ custom_id_from: "metadata.order_id", campaign_from: ["campaign", "tag:c=", "header.X-C"] }),
    ).toMatchObject({
      problems: [],
      handles: {
        custom_id: [{ kind: "metadata", name: "order_id" }],
        campaign: [
          { kind: "campaign", name: "" },
          { kind: "tag", name: "c=" },
          { kind: "header", name: "X-C" },
        ],
      },
    });
  });

  it.each([
    "",
    "metadata",
    "metadata.",
    "metadata. ",
    "order_id",
    "tag:",
    "tags",
    "header.X Campaign",
    "header:X",
    5,
    null,
    {},
    [],
    ["tag", 5],
    ["tag", "nonsense"],
    Array(11).fill("tag"),
  ])("that name no place are a problem, and leave the source and the other setting in force: %j", (wrong) => {
    const { problems, handles, provider } = read({ campaign_from: wrong, custom_id_from: "tag" });
    expect(problems.map(({ setting }) => setting)).toEqual(["SOURCES.shop.campaign_from"]);
    expect(problems[0]?.reason).toMatch(/must be metadata\.<key>|more than 10 places/);
    expect(handles).toEqual({ campaign: [], custom_id: [{ kind: "tag", name: "" }] });
    expect(provider?.id).toBe("postmark");
  });
});
