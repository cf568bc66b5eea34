// An outage in which one destination calls everybody unknown for an hour, as Gmail did in December 2020.

import { beforeEach, describe, expect, it } from "vitest";
import { ask, bounce, list, mailjet, secondsNow, status } from "../api/suppressions/asking.ts";
import { freshStorage, rows } from "../support/support.ts";

const DAY = 86_400;
const noon = Math.floor(secondsNow() / DAY) * DAY - 3 * DAY + DAY / 2;

interface Mail {
  email: string;
  time: number;
}
const mails = (count: number, domain: string, from: number, seconds: number, name: string): Mail[] =>
  Array.from({ length: count }, (_, i) => ({
    email: `${name}${i}@${domain}`,
    time: from + Math.floor((i * seconds) / count),
  }));
let serial = 0;
const delivered = (all: readonly Mail[]) =>
  all.map(({ email, time }) => ({ event: "sent", email, time, MessageID: ++serial }));
const unknown = (all: readonly Mail[]) =>
  all.map(({ email, time }) => bounce(email, time, true, { error: "user unknown", MessageID: ++serial }));

describe("an outage in which a destination calls everybody unknown", () => {
  beforeEach(freshStorage);

  it("suppresses nobody, while dead addresses before, after and elsewhere suppress at once", async () => {
    const hour = 3_600;
    // A day of usual mail, then a quarter of an hour of it, then the outage in the midst of a campaign.
    await mailjet(...delivered(mails(600, "gmail.com", noon - DAY, hour, "u")));
    await mailjet(
      ...delivered(mails(90, "gmail.com", noon - 900, 900, "q")),
      bounce("dead-before@gmail.com", noon - 500, true),
      bounce("dead-elsewhere@outlook.com", noon + 100, true),
      ...delivered(mails(60, "outlook.com", noon, hour, "o")),
    );
    const victims = mails(240, "gmail.com", noon, hour, "v");
    // The first ones come before anything can be told, and are held afterwards.
    for (const [from, to] of [
      [0, 5],
      [5, 10],
      [10, 20],
      [20, 80],
      [80, 240],
    ] as const)
      await mailjet(...unknown(victims.slice(from, to)));
    await mailjet(
      ...delivered(mails(80, "gmail.com", noon + hour, 900, "after")),
      bounce("dead-after@gmail.com", noon + hour + 800, true),
    );
    const inForce = (await list("?limit=1000")).suppressions.map(({ address }) => address).sort();
    expect(inForce).toEqual(["dead-after@gmail.com", "dead-before@gmail.com", "dead-elsewhere@outlook.com"]);
    const { suppressions: held } = await list("?held=true&limit=1000");
    expect(held).toHaveLength(victims.length);
    expect(held.at(-1)).toMatchObject({
      reason: "hard_bounce",
      held_because: expect.stringMatching(
        /^gmail refused \d+ of \d+ mails \(\d+ %\), \d+ of them as unknown/,
      ),
    });

    const filter = {
      destination: "gmail",
      reason: "hard_bounce",
      since: new Date(noon * 1000).toISOString(),
    };
    expect(await (await ask("POST", "/drop", { ...filter, dry_run: true })).json()).toMatchObject({
      contacts: victims.length,
    });
    let after: string | null | undefined;
    do {
      const answer = await ask("POST", "/drop", {
        ...filter,
        ...(typeof after === "string" ? { after } : {}),
      });
      after = (await answer.json<{ next: string | null }>()).next;
    } while (after !== null);
    expect(
      (await list("?include=lifted&limit=1000")).suppressions.map(({ address }) => address).sort(),
    ).toEqual(inForce);
    expect(await rows("SELECT contact FROM contacts WHERE suppressed IS NOT NULL ORDER BY 1")).toEqual(
      inForce.map((contact) => ({ contact })),
    );
    // The same address found dead on a calm day is suppressed at once.
    await mailjet(bounce("v3@gmail.com", noon + DAY, true));
    expect((await status("v3@gmail.com")).suppression).toMatchObject({ reason: "hard_bounce" });
  });

  it("can be released, if the addresses were dead after all, and taken back", async () => {
    const victims = mails(60, "gmail.com", noon, 240, "w");
    await mailjet(...unknown(victims));
    expect((await list()).suppressions).toEqual([]);
    const released = await ask("POST", "/release", { destination: "gmail", reason: "hard_bounce" });
    const { id, contacts } = await released.json<{ id: string; contacts: number }>();
    expect(contacts).toBe(victims.length);
    expect((await list()).suppressions).toHaveLength(victims.length);
    await ask("POST", "/undo", { id });
    expect((await list()).suppressions).toEqual([]);
    expect((await list("?held=true")).suppressions).toHaveLength(victims.length);
  });

  it("is no excuse for an old list, which bounces everywhere, nor for a small sender's dead addresses", async () => {
    const some = mails(60, "gmail.com", noon, 300, "old");
    const others = mails(60, "outlook.com", noon, 300, "old");
    await mailjet(
      ...delivered(some.slice(20)),
      ...delivered(others.slice(20)),
      ...unknown(some.slice(0, 20)),
      ...unknown(others.slice(0, 20)),
    );
    expect((await list("?held=true")).suppressions).toEqual([]);
    await mailjet(...unknown(mails(3, "yahoo.com", noon, 60, "small")));
    expect((await list()).suppressions).toHaveLength(43);
  });
});
