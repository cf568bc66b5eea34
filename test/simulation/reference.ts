// Rules for the state once a history has come to rest, computed from the sent reports by a second implementation that
// is as plain as possible: it shares nothing with the code under test but the names of the tables.

import { env } from "cloudflare:workers";
import { callApi, contains, names, readable, tellsNothingNew } from "./questions.ts";
import { checkErased, erasedContacts } from "./erased.ts";
import type { Report } from "../../src/demo/traffic/types.ts";
import { providerNamed } from "../../src/providers/index.ts";
import { mentionsIn } from "./mentions.ts";
import { checkAccounts } from "./reference-accounts.ts";
import { checkRemovals, fateOf, mayAppear, readRemovals, type Removals } from "./reference-removals.ts";
import { checkReturns } from "./reference-returns.ts";
import { LOOP } from "./returns.ts";
import type { Witness, EventRow } from "./witness.ts";
import { CONTACT_CHARS } from "../../src/model/event-id.ts";
import { storedEvents } from "../support/stored-events.ts";
import { checkFeed } from "./reference-feed.ts";
import { checkCounters, checkTold, bounceOf } from "./reference-counters.ts";
import { heldVictims } from "./outages.ts";
import { type Fact, factsOf, suppressionsOf, STRENGTH } from "./reference-suppressions.ts";
import type { World } from "./world.ts";

/** All violations, in words. */
export async function check(witness: Witness): Promise<string[]> {
  const events = await storedEvents<EventRow>();
  const removals = await readRemovals(witness.world);
  return [
    ...checkEvents(witness, events, removals),
    ...(await checkRemovals(witness, removals, events)),
    ...checkReturns(witness.returns, events),
    ...(await checkCounters(events)),
    ...(await checkTold(events)),
    ...(await checkFeed(events)),
    ...(await checkAccounts(witness, removals)),
    ...(await checkContacts(witness, events)),
    ...(await checkMessages(events)),
    ...(await checkArchive(witness, events, removals)),
    ...(await checkErased(witness, events)),
    ...(await tellsNothingNew(witness.world.start, events, mayAppear(witness, removals, events))),
  ];
}

/** What identifies a report. Texts that mention an erased contact are left out: an erasure changes them. */
function keyOf(
  erased: ReadonlySet<string>,
  contact: string,
  type: string,
  at: number,
  texts: readonly (string | null)[],
): string {
  const told = texts.map((text) =>
    text !== null && (text.includes(REPLACED) || [...erased].some((one) => names(text, one)))
      ? REPLACED
      : text,
  );
  return JSON.stringify([contact, type, at, ...told]);
}

/** What stands in the place of an erased address. */
const REPLACED = "erased@tidings.invalid";

function reportsOf(
  { parcels }: World,
  erased: ReadonlySet<string>,
): Map<string, { report: Report; source: string }> {
  const reports = new Map<string, { report: Report; source: string }>();
  for (const { dialect, reports: own } of parcels)
    for (const report of own) {
      const { mail, expected, at, campaign } = report;
      const key = keyOf(erased, mail.contact, expected, at, [mail.id, campaign]);
      reports.set(key, { report, source: dialect.source });
    }
  return reports;
}

/** Every report is stored once, and nothing else. By now every parcel has been answered with 200. */
function checkEvents(witness: Witness, events: readonly EventRow[], removals: Removals): string[] {
  const erased = erasedContacts(witness);
  const sent = reportsOf(witness.world, erased);
  const stored = new Map<string, number>();
  for (const { contact, type, message_id, at, campaign, source } of events) {
    if (source === LOOP) continue; // see checkReturns
    const key = keyOf(erased, contact, type, at, [message_id, campaign]);
    stored.set(key, (stored.get(key) ?? 0) + 1);
  }
  const wrong: string[] = [];
  for (const [key, { report, source }] of sent)
    if (!stored.has(key) && !erased.has(report.mail.contact) && !removals.has(source))
      wrong.push(`lost: ${key}`);
  for (const [key, n] of stored) {
    if (!sent.has(key)) wrong.push(`never sent: ${key}`);
    if (n > 1) wrong.push(`stored ${n} times: ${key}`);
  }
  return wrong;
}

async function checkContacts({ world, deeds }: Witness, events: readonly EventRow[]): Promise<string[]> {
  const [contacts, suppressions, holding] = await env.DB.batch<Record<string, unknown>>([
    env.DB.prepare("SELECT contact, suppressed, since FROM contacts"),
    env.DB.prepare(
      "SELECT contact, reason, event, at, lifted_at FROM suppressions WHERE scope = '' AND held IS NULL",
    ),
    env.DB.prepare("SELECT contact FROM suppressions WHERE held IS NOT NULL"),
  ]);
  const wrong: string[] = [];
  const victims = heldVictims(world, events);
  const held = new Set((holding?.results ?? []).map((row) => row["contact"]));
  if (held.size !== victims.size || [...victims].some((one) => !held.has(one)))
    wrong.push(`${held.size} contacts are held, not ${victims.size}`);
  for (const contact of world.contacts) {
    const own = deeds.filter((deed) => deed.contact === contact);
    const entries = own.flatMap(({ kind, at, id }): Fact[] => (kind === "entry" ? [{ kind, at, id }] : []));
    const told = victims.has(contact) ? [] : factsOf(contact, events);
    const facts = [...told, ...entries].sort((a, b) => a.at - b.at);
    const wanted = suppressionsOf(
      facts,
      own.filter(({ kind }) => kind === "lift"),
    );
    const stored = (suppressions?.results ?? []).filter((row) => row["contact"] === contact);
    const found = stored.map((row) => ({ reason: row["reason"], at: row["at"], lifted: row["lifted_at"] }));
    const [one, other] = [wanted, found].map((list) =>
      list
        .map((each) => JSON.stringify(each))
        .sort()
        .join(),
    );
    if (one !== other) wrong.push(`${contact} has suppressions ${other}, not ${one}`);
    const strongest =
      STRENGTH.find((reason) => wanted.some((each) => each.reason === reason && each.lifted === null)) ??
      null;
    const row = (contacts?.results ?? []).find((each) => each["contact"] === contact);
    if ((row?.["suppressed"] ?? null) !== strongest)
      wrong.push(`${contact} is suppressed by ${String(row?.["suppressed"])}, not ${strongest}`);
    for (const { event, at } of stored) {
      const evidence = facts.find(({ id }) => id === event);
      if (evidence?.at !== at) wrong.push(`${contact}: no such evidence`);
    }
  }
  return wrong;
}

/** The ranks of the types for a message's status; the types of one line have the same rank. */
const WEIGHTS = [
  "unknown subscribed autoresponded",
  "queued",
  "sent",
  "deferred",
  "bounced blocked dropped failed",
  "delivered",
  "hard bounce",
  "opened",
  "clicked",
  "unsubscribed",
  "complained",
];

function weightOf({ type, details }: EventRow): number {
  const word = type === "bounced" && bounceOf(details) === "hard" ? "hard bounce" : type;
  return WEIGHTS.findIndex((words) => words === word || words.split(" ").includes(word));
}

/** A message's status is the type of its highest-ranked event, of several the latest, as the API returns it. */
async function checkMessages(events: readonly EventRow[]): Promise<string[]> {
  const wrong: string[] = [];
  const { results: rows } = await env.DB.prepare("SELECT message_id, prefix FROM messages").all<MessageRow>();
  const prefixOf = ({ id }: EventRow): string => id.slice(0, CONTACT_CHARS);
  for (const { message_id: id, prefix } of rows)
    if (!events.some((one) => one.message_id === id && prefixOf(one) === prefix))
      wrong.push(`message ${id} has no event`);
  for (const [id, own] of Map.groupBy(events, ({ message_id }) => message_id)) {
    if (id === null) continue; // a system event that came back
    const [best] = own.toSorted((a, b) => weightOf(b) - weightOf(a) || b.at - a.at || (a.id < b.id ? 1 : -1));
    const told = await readMessage(id);
    if (told !== best?.type) wrong.push(`message ${id} is ${told}, not ${best?.type}`);
    const prefixes = new Set(own.map(prefixOf));
    const known = rows.filter(({ message_id }) => message_id === id);
    if (known.length !== prefixes.size || known.some(({ prefix }) => !prefixes.has(prefix)))
      wrong.push(`message ${id} leads to other contacts`);
  }
  return wrong;
}

interface MessageRow {
  message_id: string;
  prefix: string;
}

async function readMessage(id: string): Promise<string> {
  const { status } = await callApi(`messages/${encodeURIComponent(id)}`);
  return String(status);
}

interface Delivery {
  id: string;
  source: string;
  url: string;
  text?: string;
  base64?: string;
  erased?: boolean;
}

/** Every accepted body is in the archive, and every event leads to a line of it. */
async function checkArchive(
  witness: Witness,
  events: readonly EventRow[],
  removals: Removals,
): Promise<string[]> {
  const batches = new Map<string, Delivery[]>();
  const { objects } = await env.BUCKET.list({ prefix: "archive/" });
  for (const { key } of objects) {
    const object = await env.BUCKET.get(key);
    const whole =
      object === null
        ? null
        : await new Response(object.body.pipeThrough(new DecompressionStream("gzip"))).text();
    const lines = (whole ?? "").split("\n").filter((line) => line !== "");
    const batch = key.slice(key.lastIndexOf("/") + 1).replace(".ndjson.gz", "");
    batches.set(
      batch,
      lines.map((line) => JSON.parse(line)),
    );
  }
  const bodies = new Set([...batches.values()].flat().map(({ source, text }) => `${source} ${text ?? ""}`));
  const asStored = (source: string, body: string): string => {
    const stored = providerNamed(source)?.withoutProof?.(new TextEncoder().encode(body));
    return stored === undefined ? body : new TextDecoder().decode(stored);
  };
  const erased = erasedContacts(witness);
  const whole = (index: number): boolean => {
    const parcel = witness.world.parcels[index];
    if (parcel === undefined) return true;
    const isNamed = parcel.reports.some(({ mail }) => erased.has(mail.contact));
    return !isNamed && ![...erased].some((contact) => names(mentionsIn(parcel), contact));
  };
  // A repeat of a report from before the erasure is removed, and with it new reports of the same contact in that
  // delivery.
  const holdsRepeats = ({ id, erased: redacted }: Delivery, contact: string): boolean => {
    const reports = witness.world.parcels[witness.envelopes.get(id) ?? -1]?.reports ?? [];
    const several = reports.filter(({ mail }) => mail.contact === contact).length > 1;
    return redacted === true && several && erased.has(contact);
  };
  const wrong = witness.accepted
    .filter(({ envelope, source }) => fateOf(witness, envelope, removals.get(source)) === "stays")
    .filter(({ source, body, parcel }) => whole(parcel) && !bodies.has(`${source} ${asStored(source, body)}`))
    .map(({ source }) => `a body of ${source} is not in the archive`);
  for (const { id, source, url, text, base64 } of [...batches.values()].flat())
    if (fateOf(witness, id, removals.get(source)) === "gone" && `${url}${text ?? ""}${base64 ?? ""}` !== "")
      wrong.push(`the archive holds ${id} of ${source}, which was removed`);
  // A delivery may be long, and have several events.
  const texts = new Map<Delivery, string>();
  const textOf = (delivery: Delivery): string => {
    const text = texts.get(delivery) ?? readable(`${delivery.text} ${delivery.url}`);
    texts.set(delivery, text);
    return text;
  };
  for (const { id, batch, line, source, contact } of events) {
    const delivery = batches.get(batch)?.[line];
    if (delivery?.source !== source) wrong.push(`event ${id} leads to no archived delivery`);
    else if (
      !holdsRepeats(delivery, contact) &&
      delivery.base64 === undefined &&
      !contains(textOf(delivery), contact)
    )
      wrong.push(`event ${id} leads to a delivery that does not name ${contact}`);
  }
  return wrong;
}
