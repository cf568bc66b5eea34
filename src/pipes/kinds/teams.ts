// Microsoft Teams: messages for people to read, through a workflow of Power Automate ("When a Teams webhook request is
// received"). The connectors of Office 365, which took other messages, are gone.
// https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook
// https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit

import * as z from "zod";
import { codeOf, objectOf, parsedJson } from "../../lib/json.ts";
import { teamsMessage } from "../messages/card.ts";
import type { Answer } from "../transport/http.ts";
import { addressesSetting, hookUrl, outcomeByManners, postToHook } from "./hook.ts";
import type { Attempt, DeliveryResult, Kind, Outcome, Outgoing } from "./kind.ts";

/** Of the connectors, which answer no more. */
const CONNECTOR_HOST = /(?:^|\.)webhook\.office\.com$|^outlook\.office(?:365)?\.com$/;

const Settings = z.strictObject({
  // The host is not checked: Microsoft has changed it once, and has clouds of its own for some countries.
  url: hookUrl
    .refine(
      (url) => !URL.canParse(url) || !CONNECTOR_HOST.test(new URL(url).hostname),
      "must be the URL of a workflow: the connectors of Office 365 are gone. In Teams, make one with the template " +
        '"Send webhook alerts to a channel"',
    )
    .meta({ description: "The workflow's URL, with its query (`sig=...`), which is its password" }),
  addresses: addressesSetting,
});
type Settings = z.output<typeof Settings>;

/** Microsoft Teams. */
export const teams: Kind<Settings> = {
  id: "teams",
  title: "Microsoft Teams: a readable message in a channel",
  settings: Settings,
  secrets: ["url"],
  singleRequest: true,
  endpoints: [],
  batch: { events: 10, bytes: 4_000_000 },
  rate: 4,
  deliver,
};

async function deliver(batch: readonly Outgoing[], settings: Settings, attempt: Attempt): Promise<Outcome> {
  return await postToHook(attempt, {
    url: settings.url,
    body: teamsMessage(batch, settings.addresses),
    meaningOf: (answer) => meaningOf(answer, attempt.now),
  });
}

/** The errors of workflows that say more than the status does. */
const RESULTS: Readonly<Record<string, DeliveryResult>> = {
  WorkflowNotFound: "gone",
  WorkflowDeleted: "gone",
  WorkflowTriggerNotFound: "denied",
  WorkflowTriggerIsNotEnabled: "denied",
  WorkflowDisabled: "denied",
  AuthorizationFailed: "denied",
  DirectApiAuthorizationRequired: "denied",
  TriggerInputSchemaMismatch: "refused",
};

/** How long to wait if Teams asks to slow down and does not say for how long, ms. */
const A_WHILE = 1000;

function meaningOf(answer: Answer, now: number): Outcome {
  // A workflow accepts and goes on by itself.
  const manners = { isTaken: answer.status === 202, expected: "the 202 of a workflow", wait: A_WHILE };
  return outcomeByManners(answer, now, manners, (outcome) => {
    const code = codeOf(objectOf(objectOf(parsedJson(answer.text))["error"])["code"]);
    if (code === null) return outcome;
    const result = RESULTS[code] ?? outcome.result;
    return { ...outcome, result, reason: `answered ${answer.status}: ${code}` };
  });
}
