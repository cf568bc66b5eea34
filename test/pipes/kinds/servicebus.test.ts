// `servicebus`: the shared suite for queues and for sessions, and its settings.

import { describe, expect, it } from "vitest";
import { servicebus } from "../../../src/pipes/kinds/servicebus.ts";
import { attemptOf, outgoing } from "../attempts.ts";
import { busSettings, cases } from "./cases/servicebus.ts";
import { describeKind } from "./suite.ts";

for (const one of cases) describeKind(one);

describe("servicebus settings", () => {
  it.each([
    ["my-namespace", "https://my-namespace.servicebus.windows.net/emails/events/messages"],
    [
      "https://gov.servicebus.usgovcloudapi.net",
      "https://gov.servicebus.usgovcloudapi.net/emails/events/messages",
    ],
  ])("sends to %s", async (namespace, url) => {
    const given = servicebus.settings.parse(busSettings(namespace));
    const asked: string[] = [];
    const attempt = {
      ...attemptOf().attempt,
      fetch: async (request: { url: string }) => (
        asked.push(request.url),
        { status: 201, headers: new Headers(), text: "" }
      ),
    };
    expect((await servicebus.deliver([outgoing()], given, attempt)).result).toBe("delivered");
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
    const result = servicebus.settings.safeParse({ ...busSettings("my-namespace"), ...changes });
    expect(result.error?.issues[0]).toMatchObject({
      path: [field],
      message: expect.stringMatching(/^must be/),
    });
  });
});
