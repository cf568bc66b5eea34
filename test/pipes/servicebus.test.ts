// `servicebus`, against a strict written peer that recomputes the tokens' signatures.

import { describe, expect, it } from "vitest";
import { servicebus } from "../../src/pipes/kinds/servicebus.ts";
import { orderKey } from "../../src/pipes/slices.ts";
import { attemptWith, describeHttpKind, outgoing, type Subject } from "./http-kinds.ts";

const KEY = "c2VjcmV0IGtleSBvZiB0aGUgcGVlcjogMzIgYnl0ZXM=";
const FULL =
  "The maximum entity size has been reached or exceeded for Topic: 'emails'. Size of entity in bytes:1073742318";
const LARGE = "The message size exceeds the limit (262144 bytes) for ann@example.com";

const subject: Subject<ReturnType<typeof servicebus.settings.parse>> = {
  kind: servicebus,
  peer: "servicebus",
  settings: (url) => ({ namespace: url, entity: "emails/events", key_name: "send+only", key: KEY }),
  secrets: [KEY],
  wrong: {
    "another key": { key: "bm90IHRoZSBrZXk=" },
    "another policy": { key_name: "listen" },
    "another queue": { entity: "emails/others" },
  },
  errors: [
    [
      "no right",
      { status: 403, body: "<Detail>Unauthorized access. 'Send' claim(s) are required</Detail>" },
      "denied",
    ],
    ["a full entity", { status: 403, body: `<Detail>${FULL}</Detail>` }, "slow_down"],
    ["a message that is too large", { status: 403, body: `<Detail>${LARGE}</Detail>` }, "refused"],
    ["no such entity", { status: 410, body: "gone" }, "denied"],
    [
      "throttling",
      { status: 503, body: "SubCode=50002. The request was throttled, ServerBusy" },
      "slow_down",
    ],
    ["a gateway", { status: 502, body: "" }, "unavailable"],
  ],
  items: [],
  arrived: (event, attempt) => ({
    id: event.id,
    type: event.type,
    attempt: attempt.id,
    order: null,
    text: event.text,
  }),
  largest: 1_048_576 - 600,
};

describeHttpKind(subject);

describeHttpKind({
  ...subject,
  kind: { ...servicebus, id: "servicebus (sessions)" },
  settings: (url) => ({ ...subject.settings(url), entity: "sessions", sessions: true }),
  arrived: (event, attempt) => ({ ...subject.arrived(event, attempt), order: orderKey(event) }),
});

describe("servicebus settings", () => {
  it.each([
    ["my-namespace", "https://my-namespace.servicebus.windows.net/emails/events/messages"],
    [
      "https://gov.servicebus.usgovcloudapi.net",
      "https://gov.servicebus.usgovcloudapi.net/emails/events/messages",
    ],
  ])("sends to %s", async (namespace, url) => {
    const given = servicebus.settings.parse(subject.settings(namespace));
    const asked: string[] = [];
    const attempt = {
      ...attemptWith().attempt,
      fetch: async (request: { url: string }) => (
        asked.push(request.url),
        { status: 201, headers: new Headers(), text: "" }
      ),
    };
    expect((await servicebus.deliver([outgoing()], given, attempt)).verdict).toBe("delivered");
    expect(asked).toEqual([url]);
  });

  it.each([
    [{ namespace: "sb" }, "namespace"],
    [{ namespace: "https://my.servicebus.windows.net/queue" }, "namespace"],
    [{ namespace: "sb://my.servicebus.windows.net" }, "namespace"],
    [{ entity: "/events" }, "entity"],
    [{ entity: "emails/../other" }, "entity"],
    [{ entity: "events?x" }, "entity"],
    [{ key: "" }, "key"],
    [{ key: "two words" }, "key"],
    [{ sessions: "yes" }, "sessions"],
  ])("refuses %j", (changes, field) => {
    const result = servicebus.settings.safeParse({ ...subject.settings("my-namespace"), ...changes });
    expect(result.error?.issues[0]).toMatchObject({
      path: [field],
      message: expect.stringMatching(/^must be/),
    });
  });
});
