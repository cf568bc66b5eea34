// Somebody who was erased does not come back with a rebuild: neither from the archive, nor from the journal.

import { env } from "cloudflare:workers";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import {
  ANN,
  erase,
  JOANN,
  MINUTE,
  pass,
  receipt,
  settle,
  traces,
  withStandingClock,
} from "../erasure/asking.ts";
import { interrupted } from "../support/faults.ts";
import {
  askApi,
  deliver,
  envWith,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  objects,
  rows,
} from "../support/support.ts";
import { answer, checked, loseDatabase, rebuild } from "./losing.ts";

withStandingClock();

async function fill(): Promise<void> {
  const events = [
    mailjetEvent({ email: ANN, event: "unsub" }),
    mailjetEvent({ email: JOANN, event: "spam", CustomID: `friend of ${ANN}` }),
  ];
  await deliver(await messagesOf(mailjetPost(JSON.stringify(events))));
  await askApi("PUT", `/v1/suppressions/${ANN}`, { note: "asked by phone" });
  pass(1);
}

const journal = async (): Promise<string> => {
  const keys = await objects("journal/acts/");
  const texts = keys.map(async (key) =>
    gunzipSync((await (await env.BUCKET.get(key))?.bytes()) ?? "").toString(),
  );
  return (await Promise.all(texts)).join("");
};

describe("an erasure", () => {
  it("takes the contact's lines, and mentions, out of the journal, and writes no address into it", async () => {
    await fill();
    await askApi("PUT", `/v1/suppressions/${JOANN}`, { note: `she knows ${ANN}` });
    expect(await journal()).toContain(`"${ANN}"`);
    await erase();
    await settle();
    expect(await journal()).not.toMatch(/[^o]ann@example/);
    expect(await journal()).toContain(JOANN);
  });

  it("keeps what was entered after it", async () => {
    await fill();
    const { id } = await erase();
    pass(MINUTE);
    await askApi("PUT", `/v1/suppressions/${ANN}`, { note: "came back" });
    await settle();
    expect(await receipt(id)).toMatchObject({ status: "done" });
    await loseDatabase();
    await rebuild();
    expect(await answer(`/v1/suppressions/${ANN}`)).toMatchObject({
      history: [{ event: "erased" }, { note: "came back" }],
    });
  });
});

describe("a rebuild", () => {
  it("brings back the receipt and the suppression of an erased contact, and nothing else of it", async () => {
    await fill();
    const { id } = await erase();
    await settle();
    const done = await receipt(id);
    await loseDatabase();
    expect(await checked([ANN, JOANN])).toEqual([null, null]);
    await rebuild();
    expect(await receipt(id)).toEqual(done);
    expect(await checked([ANN, JOANN])).toEqual(["unsubscribed", "complaint"]);
    expect(await traces(ANN)).toEqual([]);
    expect(await rows("SELECT contact FROM events")).toEqual([{ contact: JOANN }]);
  });

  it("does not bring back a suppression that was lifted after the erasure", async () => {
    await fill();
    await erase();
    await settle();
    pass(1);
    expect((await askApi("DELETE", `/v1/suppressions/${ANN}`)).status).toBeLessThan(300);
    await loseDatabase();
    await rebuild();
    expect(await checked([ANN])).toEqual([null]);
  });

  it("finishes an erasure that was under way when the database was lost", async () => {
    await fill();
    // The database is lost as soon as the erasure has noted its request, or has emptied the object.
    for (const k of [3, 5, 8]) {
      const cut = interrupted(envWith(), k, async () => await loseDatabase());
      const asked = await askApi("DELETE", `/v1/contacts/${ANN}`, undefined, cut.bindings).catch(() => null);
      await loseDatabase();
      await rebuild();
      // Whoever was not told that the request is noted asks again.
      if (asked?.ok !== true) await askApi("DELETE", `/v1/contacts/${ANN}`);
      await settle();
      pass(MINUTE);
      expect(await traces(ANN), `lost at call ${k}`).toEqual([]);
      expect(await checked([JOANN])).toEqual(["complaint"]);
      await fill();
    }
  });
});
