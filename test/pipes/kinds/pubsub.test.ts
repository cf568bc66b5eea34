// `pubsub`: the shared suite, and what is its own: tokens and settings.

import { describe, expect, it } from "vitest";
import { pubsub } from "../../../src/pipes/kinds/pubsub.ts";
import { attemptOf, outgoing } from "../attempts.ts";
import { cases, pubsubCase } from "./cases/pubsub.ts";
import { describeKind } from "./suite.ts";

for (const one of cases) describeKind(one);

const { control, settings, account } = await pubsubCase();

describe("pubsub's tokens and settings", () => {
  const given = pubsub.settings.parse(settings());

  it("uses a token until it is refused or old, and then tries once with a new one", async () => {
    const { attempt, notes } = attemptOf();
    const deliver = async (now = attempt.now): Promise<string> =>
      (await pubsub.deliver([outgoing()], given, { ...attempt, now })).result;
    const token = (): unknown => [...attempt.kept.values()][0]?.value;

    expect(await deliver()).toBe("delivered");
    const first = token();
    expect(await deliver(attempt.now + 30_000)).toBe("delivered");
    expect(token()).toBe(first);

    // Refused: the next one, made a minute later, is another one and gets through.
    await control.behave({ times: 1, answer: { status: 401 } });
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
    const { attempt, notes } = attemptOf();
    const outcome = await pubsub.deliver([outgoing()], { ...given, service_account: broken }, attempt);
    expect(outcome).toMatchObject({ result: "denied", reason: expect.stringMatching(/private key/) });
    expect(notes).toEqual([]);
  });

  it("sends no ordering keys unless asked to", async () => {
    await control.forget();
    await pubsub.deliver([outgoing()], { ...given, ordering: false }, attemptOf().attempt);
    expect((await control.tell()).taken).toMatchObject([{ order: null }]);
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
    const result = pubsub.settings.safeParse(settings(changes));
    expect(result.error?.issues[0]).toMatchObject({
      path: [field],
      message: expect.stringMatching(/^must be/),
    });
  });

  it("publishes to the global endpoint where none is named", () => {
    const { endpoint: _, ordering: __, ...rest } = settings();
    const parsed = pubsub.settings.parse(rest);
    expect(parsed).toMatchObject({ endpoint: "https://pubsub.googleapis.com", ordering: false });
  });
});
