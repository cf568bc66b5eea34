// A batch of events as a message that people read in Slack: a summary by type and count, then a line for each event.
// https://docs.slack.dev/messaging/formatting-message-text and https://docs.slack.dev/reference/block-kit/blocks/section-block

import { objectOf, textOf } from "../../lib/json.ts";
import type { Outgoing } from "./kind.ts";

/**
 * Characters of a line's parts. Together, and each as long as it gets by being escaped, they stay within the 3,000 that
 * Slack takes in a section.
 */
const LONGEST = { address: 200, message: 100, reason: 200 };

/** How many characters of a reason are read. */
const MOST_READ = 4000;

/** How a message's addresses are shown. */
export type Addresses = "masked" | "full";

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
  const summary = escape(summaryOf(batch));
  const ids = new Set<string>();
  const lines = batch.map((one): Section => {
    const id = ids.has(one.id) || one.id.length > 255 ? undefined : one.id;
    ids.add(one.id);
    return { ...section(lineOf(one, addresses)), ...(id === undefined ? {} : { block_id: id }) };
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

/** "3 events: 2 bounced, 1 complained", the most frequent first. */
function summaryOf(batch: readonly Outgoing[]): string {
  const counts = new Map<string, number>();
  for (const { type } of batch) counts.set(type, (counts.get(type) ?? 0) + 1);
  const told = [...counts].toSorted(([, a], [, b]) => b - a).map(([type, n]) => `${n} ${type}`);
  return `${batch.length} ${batch.length === 1 ? "event" : "events"}: ${told.join(", ")}`;
}

function lineOf({ type, contact, at, event }: Outgoing, addresses: Addresses): string {
  const bounce = textOf(event["bounce"]);
  const message = textOf(event["message_id"]);
  const parts = [
    `*${escape(type)}*${bounce === null ? "" : ` (${escape(bounce)})`}`,
    contact === null ? null : escape(cut(addresses === "masked" ? mask(contact) : contact, LONGEST.address)),
    message === null ? null : `message ${escape(cut(message, LONGEST.message))}`,
    reasonOf(event, contact, addresses),
    when(at),
  ];
  return parts.filter((part) => part !== null).join(" · ");
}

/** Why it happened, in short: the reason code and the description, from the event or from a system event's data. */
function reasonOf(event: Outgoing["event"], contact: string | null, addresses: Addresses): string | null {
  const data = objectOf(event["data"]);
  const smtp = objectOf(event["smtp"]);
  const word = textOf(event["reason"]) ?? textOf(data["reason"]);
  const said = textOf(event["description"]) ?? textOf(smtp["response"]) ?? textOf(data["note"]);
  const whole = [word, said].filter((part) => part !== null).join(": ");
  if (whole === "") return null;
  const begun = beginningOf(whole);
  const shown = addresses === "masked" ? maskAll(begun, contact) : begun;
  return escape(cut(shown.replaceAll(/\s+/g, " "), LONGEST.reason));
}

/** As much as is looked through for addresses, and more than is shown; a word that is cut off may be one. */
function beginningOf(text: string): string {
  return text.length <= MOST_READ
    ? text
    : `${text.slice(0, MOST_READ).replace(/(?<![^\s<>,:;])[^\s<>,:;]+$/, "")}…`;
}

/** In each reader's own time zone; what cannot show that shows UTC. */
function when(at: number): string {
  const text = new Date(at).toISOString();
  return `<!date^${Math.floor(at / 1000)}^{date_num} {time_secs}|${text}>`;
}

/** a***@example.com: enough to recognise an address, not enough to write to it. */
function mask(address: string): string {
  const place = address.lastIndexOf("@");
  return place < 1 ? "***" : `${String.fromCodePoint(address.codePointAt(0) ?? 0)}***${address.slice(place)}`;
}

/** Tried from a word's beginning only: from each of its letters it would take the square of its length. */
const ADDRESS = /(?<![^\s<>,:;])[^\s<>,:;]+@[^\s<>,:;]+/g;

/** Masks addresses in a text: what servers say often names one. */
function maskAll(text: string, contact: string | null): string {
  const known = contact === null ? text : text.replaceAll(contact, mask(contact));
  return known.replaceAll(ADDRESS, mask);
}

/** Escapes the three characters that have a meaning in Slack. */
function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function cut(text: string, most: number): string {
  const all = Array.from(text.slice(0, 4 * most));
  return all.length > most ? `${all.slice(0, most - 1).join("")}…` : text;
}
