// PagerDuty: incidents through the Events API v2. What ends something resolves the incident that its beginning opened,
// by the same key: `pipe.resumed` that of `pipe.paused`.
// https://developer.pagerduty.com/docs/events-api-v2-overview and https://developer.pagerduty.com/docs/send-alert-event

import * as z from "zod";
import { objectOf, parsedJson } from "../../lib/json.ts";
import { pagerDutyEvent } from "../messages/incident.ts";
import { httpsOrigin, isLocal } from "../transport/destination-url.ts";
import { outcomeOfError, type Answer } from "../transport/http.ts";
import { addressesSetting, outcomeByManners } from "./hook.ts";
import type { Attempt, Kind, Outcome, Outgoing } from "./kind.ts";

const HOSTS = /^events\.(?:eu\.)?pagerduty\.com$/;

const Settings = z.strictObject({
  routing_key: z
    .string("must be an integration key")
    .regex(/^[0-9A-Za-z]{32}$/, "must be an integration key (Events API v2): 32 letters and digits")
    .meta({ description: "The integration key of a service with the integration Events API v2" }),
  endpoint: httpsOrigin
    .refine(
      (url) => !URL.canParse(url) || isLocal(url) || HOSTS.test(new URL(url).hostname),
      "must be https://events.pagerduty.com, or https://events.eu.pagerduty.com for accounts in the EU",
    )
    .default("https://events.pagerduty.com")
    .meta({
      description: "Where to send events; accounts in the EU have https://events.eu.pagerduty.com",
    }),
  addresses: addressesSetting,
});
type Settings = z.output<typeof Settings>;

/** PagerDuty. */
export const pagerduty: Kind<Settings> = {
  id: "pagerduty",
  title: "PagerDuty: an incident, resolved by what ends it",
  settings: Settings,
  secrets: ["routing_key"],
  singleRequest: true,
  endpoints: ["endpoint"],
  batch: { events: 1, bytes: 4_000_000 },
  rate: 2, // PagerDuty takes 120 events a minute for an integration key
  deliver,
};

async function deliver(batch: readonly Outgoing[], settings: Settings, attempt: Attempt): Promise<Outcome> {
  const [event] = batch;
  if (event === undefined || batch.length > 1) throw new Error("several events for PagerDuty at once");
  const { routing_key, endpoint, addresses } = settings;
  try {
    const answer = await attempt.fetch({
      method: "POST",
      url: `${endpoint}/v2/enqueue`,
      headers: { "content-type": "application/json", "tidings-attempt": attempt.id },
      body: JSON.stringify({ routing_key, ...pagerDutyEvent(event, addresses) }),
      secrets: [routing_key],
    });
    return meaningOf(answer, attempt.now);
  } catch (error) {
    return outcomeOfError(error);
  }
}

/** How long to wait if PagerDuty asks to slow down and does not say for how long, ms: as it recommends. */
const A_WHILE = 30_000;

function meaningOf(answer: Answer, now: number): Outcome {
  const manners = { isTaken: answer.status === 202, expected: "the 202 of PagerDuty", wait: A_WHILE };
  return outcomeByManners(answer, now, manners, (outcome) => {
    if (answer.status !== 400) return outcome;
    // Its errors are sentences that may quote the event. If the key is wrong, no event gets through.
    const { errors } = objectOf(parsedJson(answer.text));
    const isKey =
      Array.isArray(errors) && errors.some((error) => /routing[_ ]key|service key/i.test(String(error)));
    return isKey
      ? { ...outcome, result: "denied", reason: "answered 400: the routing_key is not valid" }
      : { ...outcome, reason: "answered 400: the event is not valid" };
  });
}
