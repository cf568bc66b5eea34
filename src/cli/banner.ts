// The text to show when the Worker is up: where to send, where to look, and two commands to try it with.

import type { Edge } from "./edge.ts";
import type { Settings } from "./settings.ts";

/** A Mailjet MessageID beyond 2^53: a JSON number that most programs would round. */
const MESSAGE_ID = "1152921522837281914";

/** The banner as lines of text; `now` is the time of the example's event, in ms. */
export function banner({ url, problems }: Edge, { sources, token }: Settings, now: number): string {
  const names = [...sources.keys()];
  const width = Math.max(0, ...names.map((name) => name.length));
  const lines = [
    `Tidings listens at ${url}`,
    "",
    ...problems.map((problem) => `  problem   ${problem}`),
    ...names.map(
      (name, i) => `  ${i === 0 ? "webhooks" : "        "}  ${name.padEnd(width)}  ${url}/webhooks/${name}`,
    ),
    `  API       ${url}/v1/events`,
    `  docs      ${url}/docs`,
    `  health    ${url}/healthz`,
    "",
  ];
  const [credential] = sources.get("mailjet") ?? [];
  if (credential !== undefined)
    lines.push("Send an event, as Mailjet does:", "", ...sendCommand(url, credential, now), "");
  if (token !== null) lines.push("Read it back, a few seconds later:", "", ...readCommand(url, token), "");
  return lines.join("\n");
}

function sendCommand(url: string, credential: string, now: number): string[] {
  const event = [
    `"event":"open","time":${Math.floor(now / 1000)},"MessageID":${MESSAGE_ID},"email":"ada@example.com"`,
    `"mj_campaign_id":7173,"customcampaign":"welcome","CustomID":"order-4711"`,
    `"ip":"198.51.100.7","geo":"FR","agent":"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X)"`,
  ];
  const auth = credential.includes(":")
    ? `-u ${quote(credential)}`
    : `-H ${quote(`authorization: Bearer ${credential}`)}`;
  return [`  curl ${auth} ${url}/webhooks/mailjet --data ${quote(`{${event.join(",")}}`)}`];
}

function readCommand(url: string, token: string): string[] {
  return [`  curl -H ${quote(`authorization: Bearer ${token}`)} ${url}/v1/messages/${MESSAGE_ID}`];
}

/** Quotes a text as one word for a POSIX shell. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
