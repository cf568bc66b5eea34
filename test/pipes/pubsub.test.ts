// `pubsub`, against a strict written peer that verifies the service account's tokens.

import { describe, expect, it } from "vitest";
import { pubsub } from "../../src/pipes/kinds/pubsub.ts";
import { orderKey } from "../../src/pipes/slices.ts";
import { attemptWith, describeHttpKind, outgoing, peerOf, type Subject } from "./http-kinds.ts";
import type { Told } from "./queue-peer.ts";

const peer = peerOf("pubsub");
const keyFile = async (path: string): Promise<string> => await (await fetch(peer.url + path)).text();
const [account, other] = [await keyFile("/key"), await keyFile("/other-key")];
const { private_key } = JSON.parse(account) as { private_key: string };

const failing = (status: number, name: string): Told => {
  return {
    status,
    body: JSON.stringify({ error: { code: status, message: "ann@example.com", status: name } }),
  };
};

const subject: Subject<ReturnType<typeof pubsub.settings.parse>> = {
  kind: pubsub,
  peer: "pubsub",
  settings: (url) => ({
    topic: "projects/my-project/topics/email+events",
    service_account: account,
    endpoint: url,
    ordering: true,
  }),
  secrets: [private_key.split("\n")[3] ?? ""],
  wrong: {
    "another key": { service_account: other },
    "another account": { service_account: account.replace("tidings@", "others@") },
    "another topic": { topic: "projects/my-project/topics/others" },
  },
  errors: [
    ["no permission", failing(403, "PERMISSION_DENIED"), "denied"],
    ["no topic", failing(404, "NOT_FOUND"), "denied"],
    ["a revoked encryption key", failing(400, "FAILED_PRECONDITION"), "denied"],
    ["a message that breaks the schema", failing(400, "INVALID_ARGUMENT"), "refused"],
    ["an exhausted quota", failing(429, "RESOURCE_EXHAUSTED"), "slow_down"],
    ["a conflict", failing(409, "ABORTED"), "unavailable"],
    ["a cancelled request", failing(499, "CANCELLED"), "unavailable"],
    ["a deadline", failing(504, "DEADLINE_EXCEEDED"), "unavailable"],
    ["an internal error", failing(500, "INTERNAL"), "unavailable"],
    ["an outage", failing(503, "UNAVAILABLE"), "unavailable"],
    ["fewer ids than messages", { status: 200, body: '{"messageIds":["1"]}' }, "unavailable"],
  ],
  items: [],
  arrived: (event, attempt) => ({
    id: event.id,
    type: event.type,
    attempt: attempt.id,
    order: orderKey(event),
    text: event.text,
  }),
  largest: Math.floor((9_990_000 - 500) / 4) * 3,
};

describeHttpKind(subject);

describe("pubsub's tokens and settings", () => {
  const given = pubsub.settings.parse(subject.settings(peer.url));

  it("uses a token until it is refused or old, and then tries once with a new one", async () => {
    const { attempt, notes } = attemptWith();
    const deliver = async (now = attempt.now): Promise<string> =>
      (await pubsub.deliver([outgoing()], given, { ...attempt, now })).verdict;
    const token = (): unknown => [...attempt.kept.values()][0]?.value;

    expect(await deliver()).toBe("delivered");
    const first = token();
    expect(await deliver(attempt.now + 30_000)).toBe("delivered");
    expect(token()).toBe(first);

    // Refused: the next one, made a minute later, is another one and gets through.
    await peer.tell({ status: 401 });
    expect(await deliver(attempt.now - 60_000)).toBe("delivered");
    expect(token()).not.toBe(first);
    expect(notes.map(({ response }) => response?.status)).toEqual([200, 200, 401, 200]);

    // Old: not used any more. The new one is from the future by the peer's clock, and so is not kept either.
    expect(await deliver(attempt.now + 50 * 60_000)).toBe("denied");
    expect(token()).toBeUndefined();
    expect(notes).toHaveLength(5);
    expect(await deliver()).toBe("delivered");
    expect([...attempt.kept.keys()].join()).not.toContain("PRIVATE");
  });

  it("is denied with a key that is none", async () => {
    const broken = account.replace(/[A-Za-z0-9+/]{40}/, "A".repeat(40));
    const { attempt, notes } = attemptWith();
    const outcome = await pubsub.deliver([outgoing()], { ...given, service_account: broken }, attempt);
    expect(outcome).toMatchObject({ verdict: "denied", reason: expect.stringMatching(/private key/) });
    expect(notes).toEqual([]);
  });

  it("sends no ordering keys unless asked to", async () => {
    await peer.seen();
    await pubsub.deliver([outgoing()], { ...given, ordering: false }, attemptWith().attempt);
    expect((await peer.seen()).arrived).toMatchObject([{ order: null }]);
  });

  it.each([
    [{ endpoint: undefined }, "endpoint"],
    [{ endpoint: "https://pubsub.example.com" }, "endpoint"],
    [{ endpoint: "https://europe-west1-pubsub.googleapis.com/v2" }, "endpoint"],
    [{ service_account: "{}" }, "service_account"],
    [{ service_account: "key.json" }, "service_account"],
    [{ topic: "email-events" }, "topic"],
    [{ topic: "projects/my-project/topics/goog-events" }, "topic"],
    [{ ordering: "yes" }, "ordering"],
  ])("refuses %j", (changes, field) => {
    const result = pubsub.settings.safeParse({ ...subject.settings(peer.url), ...changes });
    expect(result.error?.issues[0]).toMatchObject({
      path: [field],
      message: expect.stringMatching(/^must be/),
    });
  });

  it("publishes to the global endpoint where none is named", () => {
    const { endpoint: _, ordering: __, ...rest } = subject.settings(peer.url);
    const parsed = pubsub.settings.parse(rest);
    expect(parsed).toMatchObject({ endpoint: "https://pubsub.googleapis.com", ordering: false });
  });
});
