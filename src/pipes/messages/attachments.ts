// A batch of events for servers that take Slack's older form of a message: Mattermost, Rocket.Chat, and Discord under
// `/slack`. They read `text` and `attachments`, not blocks, and their text is Markdown of one dialect or another.
// https://developers.mattermost.com/integrate/reference/message-attachments/
// https://docs.rocket.chat/docs/integrations and https://docs.discord.com/developers/resources/webhook#execute-slackcompatible-webhook

import type { Outgoing } from "../kinds/kind.ts";
import { plainMarkdown } from "./markdown.ts";
import { COLOURS, messageOf, summaryOf, toneOf, wordsOf, type Message } from "./message.ts";
import type { Addresses } from "./text.ts";

/** Together, and escaped, within the 5,000 characters that Rocket.Chat takes by default, and Discord's 600 for an embed. */
const LENGTHS = { address: 80, message: 60, text: 110 };

interface Attachment {
  /** What notifications show. */
  fallback: string;
  /** #rrggbb */
  color: string;
  text: string;
}

/** What such a server is sent. */
export interface AttachmentMessage {
  text: string;
  attachments: Attachment[];
}

/** Puts events into a message. */
export function attachmentMessage(batch: readonly Outgoing[], addresses: Addresses): AttachmentMessage {
  const messages = batch.map((one) => messageOf(one, { addresses, lengths: LENGTHS }));
  return { text: `**${plainMarkdown(summaryOf(messages))}**`, attachments: messages.map(attachmentOf) };
}

function attachmentOf(message: Message): Attachment {
  const { type, note, details, at, link } = message;
  const parts = [
    `**${plainMarkdown(type)}**${note === null ? "" : ` (${plainMarkdown(note)})`}`,
    ...details.map((detail) => plainMarkdown(wordsOf(detail))),
    new Date(at).toISOString(),
    ...(link === null ? [] : [link]),
  ];
  const color = `#${COLOURS[toneOf(message)].toString(16).padStart(6, "0")}`;
  return { fallback: plainMarkdown(type), color, text: parts.join(" · ") };
}
