// A batch of events as Slack shows it: a summary, then a line for each event.
// https://docs.slack.dev/messaging/formatting-message-text and https://docs.slack.dev/reference/block-kit/blocks/section-block

import type { Outgoing } from "../kinds/kind.ts";
import { messageOf, summaryOf, wordsOf, type Message } from "./message.ts";
import type { Addresses } from "./text.ts";

/**
 * Together, and each as long as it gets by being escaped, they stay within the 3,000 characters that Slack takes in a
 * section.
 */
const LENGTHS = { address: 200, message: 100, text: 200 };

interface Section {
  type: "section";
  /** Slack wants it once in a message, of at most 255 characters: the event's id, by which repeats can be told. */
  block_id?: string;
  /** `verbatim`: what looks like a link, a channel or a name stays text. */
  text: { type: "mrkdwn"; text: string; verbatim: true };
}

/** What an incoming webhook is sent: `text` is what notifications show, `blocks` (50 at most) what the channel does. */
export interface SlackMessage {
  text: string;
  blocks: Section[];
  unfurl_links: false;
  unfurl_media: false;
}

/** Puts up to 20 events into a message. */
export function slackMessage(batch: readonly Outgoing[], addresses: Addresses): SlackMessage {
  const messages = batch.map((one) => messageOf(one, { addresses, lengths: LENGTHS }));
  const summary = escape(summaryOf(messages));
  const ids = new Set<string>();
  const lines = messages.map((one): Section => {
    const id = ids.has(one.id) || one.id.length > 255 ? undefined : one.id;
    ids.add(one.id);
    return { ...section(lineOf(one)), ...(id === undefined ? {} : { block_id: id }) };
  });
  return {
    text: summary,
    blocks: [section(`*${summary}*`), ...lines],
    unfurl_links: false,
    unfurl_media: false,
  };
}

function section(text: string): Section {
  return { type: "section", text: { type: "mrkdwn", text, verbatim: true } };
}

function lineOf({ type, note, details, at, link }: Message): string {
  const parts = [
    `*${escape(type)}*${note === null ? "" : ` (${escape(note)})`}`,
    ...details.map((detail) => escape(wordsOf(detail))),
    when(at),
    ...(link === null ? [] : [`<${escape(link).replaceAll("|", "%7C")}|more>`]),
  ];
  return parts.join(" · ");
}

/** In each reader's own time zone; what cannot show that shows UTC. */
function when(at: number): string {
  const text = new Date(at).toISOString();
  return `<!date^${Math.floor(at / 1000)}^{date_num} {time_secs}|${text}>`;
}

/** Escapes the three characters that have a meaning in Slack. */
function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
