// A source's own places for campaigns and custom ids: in events as they come in, and in history after a change.

import { beforeEach, expect, it } from "vitest";
import { walk } from "./misread.ts";
import {
  deliver,
  envWith,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  read,
  rows,
} from "../support/support.ts";

beforeEach(freshStorage);

const withPlaces = (table: Record<string, unknown>): Env =>
  envWith({ SOURCES: { mailjet: table }, SOURCE_CREDENTIALS: '{"mailjet":"user:secret-of-the-tests"}' });
const PLACES = withPlaces({
  custom_id_from: "metadata.order.id",
  campaign_from: ["metadata.campaign", "campaign"],
});

const delivery = () =>
  messagesOf(
    mailjetPost(
      JSON.stringify([
        mailjetEvent({ event: "sent", Payload: '{"order":{"id":"A-7"},"campaign":"spring"}' }),
        mailjetEvent({ event: "open", Payload: '{"order":{"id":"A-7"},"campaign":"spring"}' }),
        mailjetEvent({ event: "sent", MessageID: 1001, CustomID: "own", mj_campaign_id: 9 }),
      ]),
    ),
  );

const handles = () => rows("SELECT campaign, custom_id FROM events ORDER BY message_id, type");
const FOUND = [
  { campaign: "spring", custom_id: "A-7" },
  { campaign: "spring", custom_id: "A-7" },
  { campaign: "9", custom_id: "own" },
];

const messagesWith = async (customId: string): Promise<string[]> => {
  const answer = await read(`/v1/messages?custom_id=${customId}`);
  const { messages } = await answer.json<{ messages: { message_id: string }[] }>();
  return messages.map(({ message_id }) => message_id);
};

it("events of a source have the handles that its settings name, and their mail is found by them", async () => {
  await deliver(await delivery(), PLACES);
  expect(await handles()).toEqual(FOUND);
  expect(await messagesWith("A-7")).toEqual(["1000"]);
  expect(await messagesWith("own")).toEqual(["1001"]);
  expect(await rows("SELECT campaign, sum(n) AS n FROM campaign_rollups GROUP BY 1 ORDER BY 1")).toEqual([
    { campaign: "9", n: 1 },
    { campaign: "spring", n: 2 },
  ]);
});

it("reading history anew applies settings that were made later, and finds nothing more the second time", async () => {
  await deliver(await delivery());
  expect(await messagesWith("A-7")).toEqual([]);
  const before = await rows("SELECT id FROM events ORDER BY id");
  expect(await walk({}, PLACES)).toMatchObject({ changed: 2, appeared: 0, vanished: 0 });
  expect(await handles(), "a dry run changes nothing").not.toEqual(FOUND);
  expect(await walk({ apply: true }, PLACES)).toMatchObject({ changed: 2 });
  expect(await handles()).toEqual(FOUND);
  expect(await rows("SELECT id FROM events ORDER BY id"), "ids stay").toEqual(before);
  expect(await messagesWith("A-7")).toEqual(["1000"]);
  expect(await walk({ apply: true }, PLACES)).toMatchObject({ changed: 0, appeared: 0, vanished: 0 });
  expect(
    await rows(
      "SELECT campaign, sum(n - gone) AS n FROM campaign_rollups GROUP BY 1 HAVING n > 0 ORDER BY 1",
    ),
  ).toEqual([
    { campaign: "9", n: 1 },
    { campaign: "spring", n: 2 },
  ]);
});
