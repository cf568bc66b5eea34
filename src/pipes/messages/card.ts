// A batch of events as an Adaptive Card, which is what a workflow of Microsoft Teams posts. The events stand in
// RichTextBlocks, because their text is never taken for Markdown.
// https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using and
// https://adaptivecards.io/explorer/RichTextBlock.html

import type { Outgoing } from "../kinds/kind.ts";
import { messageOf, SEVERITIES, summaryOf, toneOf, wordsOf, type Message } from "./message.ts";
import type { Addresses } from "./text.ts";

/** Ten events of these lengths, four bytes a character, stay within the 28 KB that Teams takes in a message. */
const LENGTHS = { address: 100, message: 60, text: 200 };
/** Teams shows at most so many buttons. */
const MOST_BUTTONS = 5;

type Colour = "attention" | "default" | "good" | "warning";
const COLOURS: Readonly<Record<ReturnType<typeof toneOf>, Colour>> = {
  good: "good",
  info: "default",
  warning: "warning",
  error: "attention",
  critical: "attention",
};

interface TextRun {
  type: "TextRun";
  text: string;
  weight?: "Bolder";
  color?: Colour;
  isSubtle?: true;
}
interface RichTextBlock {
  type: "RichTextBlock";
  /** The event's id, by which repeats can be told. */
  id?: string;
  inlines: TextRun[];
}

/** What a workflow is sent. */
export interface TeamsMessage {
  type: "message";
  attachments: [{ contentType: "application/vnd.microsoft.card.adaptive"; contentUrl: null; content: Card }];
}
interface Card {
  $schema: "http://adaptivecards.io/schemas/adaptive-card.json";
  type: "AdaptiveCard";
  version: "1.2";
  msteams: { width: "full" };
  body: RichTextBlock[];
  actions?: { type: "Action.OpenUrl"; title: string; url: string }[];
}

/** Puts up to ten events into a message. */
export function teamsMessage(batch: readonly Outgoing[], addresses: Addresses): TeamsMessage {
  const messages = batch.map((one) => messageOf(one, { addresses, lengths: LENGTHS }));
  const worst = messages.toSorted((a, b) => rank(b) - rank(a))[0];
  const links = messages.flatMap(({ link, type }) => (link === null ? [] : [{ link, type }]));
  const actions = links.slice(0, MOST_BUTTONS).map(({ link, type }) => {
    return { type: "Action.OpenUrl" as const, title: `More: ${type}`, url: link };
  });
  const ids = new Set<string>();
  const heading: TextRun = { type: "TextRun", text: summaryOf(messages), weight: "Bolder" };
  const content: Card = {
    $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
    type: "AdaptiveCard",
    version: "1.2",
    msteams: { width: "full" },
    body: [
      {
        type: "RichTextBlock",
        inlines: [{ ...heading, color: worst === undefined ? "default" : COLOURS[toneOf(worst)] }],
      },
      ...messages.map((message) => lineOf(message, ids)),
    ],
    ...(actions.length === 0 ? {} : { actions }),
  };
  const attachment = {
    contentType: "application/vnd.microsoft.card.adaptive",
    contentUrl: null,
    content,
  } as const;
  return { type: "message", attachments: [attachment] };
}

function rank({ severity, phase }: Message): number {
  return phase === "ends" ? -1 : SEVERITIES.indexOf(severity);
}

function lineOf(message: Message, ids: Set<string>): RichTextBlock {
  const { id, type, note, details, at } = message;
  const isNew = !ids.has(id) && id.length <= 255; // a card must not hold an id twice
  ids.add(id);
  const rest = [note === null ? "" : ` (${note})`, ...details.map((detail) => ` · ${wordsOf(detail)}`)];
  return {
    type: "RichTextBlock",
    ...(isNew ? { id } : {}),
    inlines: [
      { type: "TextRun", text: type, weight: "Bolder", color: COLOURS[toneOf(message)] },
      { type: "TextRun", text: rest.join("") || " " },
      { type: "TextRun", text: ` · ${new Date(at).toISOString()}`, isSubtle: true },
    ],
  };
}
