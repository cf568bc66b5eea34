// A batch of events as Discord shows it: a summary, and an embed for each event. Nothing in it mentions anybody.
// https://docs.discord.com/developers/resources/message#embed-object and #allowed-mentions-object

import type { Outgoing } from "../kinds/kind.ts";
import { plainMarkdown } from "./markdown.ts";
import { COLOURS, messageOf, summaryOf, toneOf, wordsOf, type Message } from "./message.ts";
import { cut, type Addresses } from "./text.ts";

/** Escaped, ten embeds stay within the 6,000 characters that Discord takes in all embeds of a message. */
const LENGTHS = { address: 80, message: 60, text: 110 };
/** Most characters of an embed's title and of a message's `content`. */
const MOST_TITLE = 256;
const MOST_CONTENT = 2000;

interface Embed {
  title: string;
  description?: string;
  color: number;
  /** ISO 8601; Discord shows it in the reader's time zone. */
  timestamp: string;
  url?: string;
}

/** What a webhook of Discord is sent. */
export interface DiscordMessage {
  content: string;
  embeds: Embed[];
  allowed_mentions: { parse: [] };
}

/** Puts up to ten events into a message. */
export function discordMessage(batch: readonly Outgoing[], addresses: Addresses): DiscordMessage {
  const messages = batch.map((one) => messageOf(one, { addresses, lengths: LENGTHS }));
  return {
    content: cut(`**${plainMarkdown(summaryOf(messages))}**`, MOST_CONTENT),
    embeds: messages.map(embedOf),
    allowed_mentions: { parse: [] },
  };
}

function embedOf(message: Message): Embed {
  const { type, note, details, at, link } = message;
  const said = details.map((detail) => plainMarkdown(wordsOf(detail))).join(" · ");
  return {
    title: cut(plainMarkdown(note === null ? type : `${type} (${note})`), MOST_TITLE),
    ...(said === "" ? {} : { description: said }),
    color: COLOURS[toneOf(message)],
    timestamp: new Date(at).toISOString(),
    ...(link === null ? {} : { url: link }),
  };
}
