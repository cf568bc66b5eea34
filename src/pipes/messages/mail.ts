// A batch of events as a mail that people read: a subject that says what happened, then a line for each event, as text
// and as HTML.

import type { Outgoing } from "../kinds/kind.ts";
import { COLOURS, messageOf, SEVERITIES, summaryOf, toneOf, wordsOf, type Message } from "./message.ts";
import { cut, type Addresses } from "./text.ts";

/** Five hundred events of these lengths stay within the 5 MiB of a mail, whatever characters they hold. */
const LENGTHS = { address: 200, message: 100, text: 200 };
const MOST_SUBJECT = 150;

/** What a mail says. */
export interface Mail {
  subject: string;
  text: string;
  html: string;
}

/** Puts events into a mail. */
export function mailOf(batch: readonly Outgoing[], addresses: Addresses): Mail {
  const messages = batch.map((one) => messageOf(one, { addresses, lengths: LENGTHS }));
  const summary = summaryOf(messages);
  return {
    subject: `${markOf(messages)}${cut(summary, MOST_SUBJECT)} - Tidings`,
    text: [summary, "", ...messages.map(lineOf), "", FOOTER].join("\n"),
    html: [
      '<!doctype html><html><body style="font-family:sans-serif">',
      `<h3>${escape(summary)}</h3><ul>`,
      ...messages.map(itemOf),
      `</ul><p><small>${escape(FOOTER)}</small></p></body></html>`,
    ].join("\n"),
  };
}

const FOOTER = "Tidings sent this mail, because a pipe of kind email passes on these events.";

/** "[error] " of the worst thing in a mail of several; a single one says it itself. */
function markOf(messages: readonly Message[]): string {
  if (messages.length < 2) return "";
  const open = messages
    .filter(({ phase }) => phase !== "ends")
    .map(({ severity }) => SEVERITIES.indexOf(severity));
  const worst = SEVERITIES[Math.max(0, ...open)] ?? "info";
  return worst === "info" ? "" : `[${worst}] `;
}

function whatOf({ type, note }: Message): string {
  return note === null ? type : `${type} (${note})`;
}

function lineOf(message: Message): string {
  const { details, at, link } = message;
  const parts = [
    whatOf(message),
    ...details.map(wordsOf),
    new Date(at).toISOString(),
    ...(link === null ? [] : [link]),
  ];
  return `- ${parts.join(" · ")}`;
}

function itemOf(message: Message): string {
  const { details, at, link, id } = message;
  const color = `#${COLOURS[toneOf(message)].toString(16).padStart(6, "0")}`;
  const rest = [...details.map(wordsOf), new Date(at).toISOString()].map(escape);
  if (link !== null) rest.push(`<a href="${escape(link)}">more</a>`);
  const what = `<b style="color:${color}">${escape(whatOf(message))}</b>`;
  return `<li id="${escape(cut(id, 255))}">${[what, ...rest].join(" · ")}</li>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}
