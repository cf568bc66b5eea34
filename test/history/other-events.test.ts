// An event that appears when the archive is parsed again must not touch what the other events of its delivery say of the
// same contact.

import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import { askApi, deliver, freshStorage, mailjetEvent, mailjetPost, messagesOf } from "../support/support.ts";
import { walk } from "./misread.ts";

const ANN = "ann@example.com";

beforeEach(async () => await freshStorage());

const isSuppressed = async (): Promise<unknown> => {
  const response = await askApi("POST", "/v1/suppressions/check", { addresses: [ANN] });
  return (await response.json<{ addresses: { suppressed: boolean }[] }>()).addresses[0]?.suppressed;
};

it("leaves a contact suppressed whose bounce came in the same delivery", async () => {
  const time = Math.floor(Date.now() / 1000) - 86_400;
  const reports = [
    mailjetEvent({ event: "bounce", hard_bounce: true, email: ANN, MessageID: 1, time }),
    mailjetEvent({ event: "open", email: ANN, MessageID: 2, time: time - 60 }),
  ];
  await deliver(await messagesOf(mailjetPost(JSON.stringify(reports))));
  expect(await isSuppressed()).toBe(true);
  await env.DB.prepare("DELETE FROM events WHERE type = 'opened'").run();
  expect(await walk({ apply: true })).toMatchObject({ appeared: 1, changed: 0, vanished: 0 });
  expect(await isSuppressed()).toBe(true);
});
