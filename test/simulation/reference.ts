// Rules for the state once a history has come to rest, computed from the sent reports by a second implementation that
// is as plain as possible: it shares nothing with the code under test but the names of the tables.

import { env } from "cloudflare:workers";
import { callApi, names, tellsNothingNew } from "./questions.ts";
import { checkErased, erasedContacts, type Erased, type HeardClaim } from "./erased.ts";
import type { Report } from "../../src/demo/traffic/types.ts";
import { MISTAKEN } from "./reports.ts";
import type { World } from "./world.ts";

const DAY = 86_400_000;

/** The records of a simulated history. */
export interface Witness {
  world: World;
  /** Envelope -> the parcel that it contains, for every envelope ever made. */
  envelopes: Map<string, number>;
  /** Envelopes that a consumer got. */
  processed: Set<string>;
  /** Envelope -> when it was received, ms. */
  received: Map<string, number>;
  /** The bodies that were answered with 200. */
  accepted: { source: string; body: string; parcel: number }[];
  /** Answers that no ESP should ever receive. */
  refused: string[];
  /** Contact -> ids of events and entries that its object knew, in that order. */
  known: Map<string, string[]>;
  /** People's actions on contacts that took effect and were not erased. */
  deeds: Deed[];
  /** All claims made to the contacts' objects, in order. */
  claims: HeardClaim[];
  /** The tombstones of the contacts' objects, in order. */
  erasures: Erased[];
  /** Erasures that an answer reported as done or running; `at`: ms, when they were requested. */
  promised: { contact: string; at: number }[];
}

/** A person's action on a contact that took effect. */
export interface Deed {
  contact: string;
  kind: "entry" | "lift";
  id: string;
  /** ms */
  at: number;
  /** The evidence that the object had then. */
  known: string[];
}

/** A row of `events`. */
export interface EventRow {
  id: string;
  contact: string;
  at: number;
  received_at: number;
  source: string;
  type: string;
  message_id: string | null;
  campaign: string | null;
  batch: string;
  line: number;
  details: string | null;
}

/** All violations, in words. */
export async function check(witness: Witness): Promise<string[]> {
  const { results: events } = await env.DB.prepare("SELECT * FROM events ORDER BY id").all<EventRow>();
  return [
    ...checkEvents(witness, events),
    ...(await checkCounters(events)),
    ...(await checkAccounts(witness)),
    ...(await checkContacts(witness, events)),
    ...(await checkMessages(events)),
    ...(await checkArchive(witness, events)),
    ...(await checkErased(witness, events)),
    ...(await tellsNothingNew(witness.world.start, events)),
  ];
}

function keyOf(
  contact: string,
  type: string,
  message: string | null,
  at: number,
  campaign: string | null,
): string {
  return JSON.stringify([contact, type, message, at, campaign]);
}

function reportsOf({ parcels }: World): Map<string, Report> {
  const reports = new Map<string, Report>();
  for (const report of parcels.flatMap((parcel) => parcel.reports)) {
    const { mail, expected, at, campaign } = report;
    reports.set(keyOf(mail.contact, expected, mail.id, at, campaign), report);
  }
  return reports;
}

/** Every report is stored once, and nothing else. By now every parcel has been answered with 200. */
function checkEvents(witness: Witness, events: readonly EventRow[]): string[] {
  const sent = reportsOf(witness.world);
  const erased = erasedContacts(witness);
  const stored = new Map<string, number>();
  for (const { contact, type, message_id, at, campaign } of events) {
    const key = keyOf(contact, type, message_id, at, campaign);
    stored.set(key, (stored.get(key) ?? 0) + 1);
  }
  const wrong: string[] = [];
  for (const [key, { mail }] of sent)
    if (!stored.has(key) && !erased.has(mail.contact)) wrong.push(`lost: ${key}`);
  for (const [key, n] of stored) {
    if (!sent.has(key)) wrong.push(`never sent: ${key}`);
    if (n > 1) wrong.push(`stored ${n} times: ${key}`);
  }
  return wrong;
}

/** The counters equal a count of the rows, except for removed rows that the counters have noted. */
export async function checkCounters(events: readonly EventRow[]): Promise<string[]> {
  // First opens and clicks can only be checked while all rows of a campaign exist.
  const { results: bereft } = await env.DB.prepare(
    "SELECT DISTINCT campaign, type FROM campaign_rollups WHERE gone > 0",
  ).all<{ campaign: string; type: string }>();
  const unprovable = new Set(bereft.map(({ campaign, type }) => `${campaign} ${type}`));
  const recounted = new Map<string, number>();
  const count = (...key: unknown[]): void => {
    const text = JSON.stringify(key);
    recounted.set(text, (recounted.get(text) ?? 0) + 1);
  };
  const firsts = new Set<string>();
  for (const { at, contact, source, type, campaign, details } of events.toSorted(
    (a, b) => a.at - b.at || (a.id < b.id ? -1 : 1),
  )) {
    const { tags = [], machine = null }: { tags?: string[]; machine?: boolean | null } = JSON.parse(
      details ?? "{}",
    );
    const looked = type === "opened" || type === "clicked";
    const who = !looked || machine === null ? "" : machine ? "machine" : "human";
    const day = at - (at % DAY);
    const how = [source, type, bounceOf(details) ?? "", who];
    count("time", at - (at % 300_000), ...how, destinationOf(contact));
    count("day", day, ...how, destinationOf(contact));
    count("campaign", day, campaign ?? "", ...how);
    for (const tag of new Set(tags)) count("tag", day, tag, ...how);
    count("source", source);
    if (!looked || campaign === null || unprovable.has(`${campaign} ${type}`)) continue;
    for (const kind of who === "machine" ? ["unique"] : ["unique", "unique human"]) {
      const key = JSON.stringify([kind, contact, campaign, type]);
      if (!firsts.has(key)) count(kind, day, campaign, ...how);
      firsts.add(key);
    }
  }
  const how = "source, type, bounce, machine";
  const tables = await env.DB.batch<Record<string, unknown>>(
    [
      `SELECT 'time', bucket, ${how}, destination, n - gone FROM rollups`,
      `SELECT 'day', day, ${how}, destination, n - gone FROM day_rollups`,
      `SELECT 'campaign', day, campaign, ${how}, n - gone FROM campaign_rollups`,
      `SELECT 'tag', day, tag, ${how}, n - gone FROM tag_rollups`,
      `SELECT 'unique', day, campaign, ${how}, uniques FROM campaign_rollups AS c WHERE uniques <> 0 AND ${PROVABLE}`,
      `SELECT 'unique human', day, campaign, ${how}, unique_humans FROM campaign_rollups AS c WHERE unique_humans <> 0 AND ${PROVABLE}`,
      `SELECT 'source', source, events - coalesce((SELECT sum(gone) FROM day_rollups AS d WHERE d.source = s.source), 0)
       FROM sources AS s WHERE events > 0`,
    ].map((sql) => env.DB.prepare(sql)),
  );
  const wrong: string[] = [];
  for (const row of tables.flatMap(({ results }) => results)) {
    const values = Object.values(row);
    const key = JSON.stringify(values.slice(0, -1));
    const wanted = recounted.get(key) ?? 0;
    if (wanted !== values.at(-1)) wrong.push(`counted ${String(values.at(-1))}, not ${wanted}: ${key}`);
    recounted.delete(key);
  }
  for (const [key, n] of recounted) wrong.push(`not counted ${n}: ${key}`);
  return wrong;
}

const PROVABLE = `NOT EXISTS (
  SELECT 1 FROM campaign_rollups AS g WHERE g.campaign = c.campaign AND g.type = c.type AND g.gone > 0)`;

/** The class of the bounce in an event's stored details, or null. */
export function bounceOf(details: string | null): string | null {
  const told: { bounce?: string } = JSON.parse(details ?? "{}");
  return told.bounce ?? null;
}

/** The three domains of the simulation. */
export function destinationOf(contact: string): string {
  if (contact.endsWith("@gmail.com")) return "gmail";
  return contact.endsWith("@outlook.com") ? "microsoft" : "other";
}

interface SourceRow {
  source: string;
  events: number;
  duplicates: number;
  pings: number;
}

interface LetterRow {
  id: string;
  envelope: string;
  element: number | null;
  source: string;
}

/**
 * Every element of every envelope is accounted for exactly once, and every dead letter has a cause.
 */
async function checkAccounts(witness: Witness): Promise<string[]> {
  const { parcels } = witness.world;
  const { results: letters } = await env.DB.prepare(
    "SELECT id, envelope, element, source FROM dead_letters",
  ).all<LetterRow>();
  const { results: sources } = await env.DB.prepare("SELECT * FROM sources").all<SourceRow>();
  const wrong: string[] = [];
  const erased = erasedContacts(witness);
  const elements = new Map<string, number>();
  // The outcome of an erased contact's reports is unknown: they may have been counted before the erasure, or never.
  const untold = new Map<string, number>();
  const poison = new Map<string, number>();
  for (const envelope of witness.processed) {
    const parcel = parcels[witness.envelopes.get(envelope) ?? -1];
    if (parcel === undefined) {
      wrong.push(`an envelope from nowhere: ${envelope}`);
      continue;
    }
    const { source } = parcel.dialect;
    elements.set(source, (elements.get(source) ?? 0) + parcel.reports.length + parcel.poison);
    // So is the number of repeats if repeats could not be recognised.
    const vague = witness.world.mistaken !== null && source === MISTAKEN;
    const own = parcel.reports.filter(({ mail }) => vague || erased.has(mail.contact)).length;
    untold.set(source, (untold.get(source) ?? 0) + own);
    if (parcel.poison > 0) poison.set(envelope, parcel.poison);
  }
  for (const { envelope, id } of letters) {
    const left = (poison.get(envelope) ?? 0) - 1;
    if (left < 0) wrong.push(`a dead letter without cause: ${id}`);
    poison.set(envelope, left);
    if ((await env.BUCKET.head(`dead-letters/${envelope}.json.gz`)) === null)
      wrong.push(`a dead letter without its delivery: ${id}`);
  }
  for (const [envelope, left] of poison) if (left > 0) wrong.push(`a dead letter is missing: ${envelope}`);
  for (const [source, n] of elements) {
    const row = sources.find((one) => one.source === source);
    const stored = row?.events ?? 0;
    const dead = letters.filter((letter) => letter.source === source).length;
    const accounted = stored + (row?.duplicates ?? 0) + (row?.pings ?? 0) + dead;
    if (accounted > n || accounted < n - (untold.get(source) ?? 0))
      wrong.push(`${source}: ${n} elements in, ${accounted} accounted for`);
  }
  return wrong;
}

/** Evidence about a contact: its kind and its time. */
export interface Fact {
  kind: "hard" | "soft" | "good" | "complaint" | "unsubscribed" | "entry";
  at: number;
  id: string;
}

function factsOf(contact: string, events: readonly EventRow[]): Fact[] {
  const facts = events.flatMap((event): Fact[] => {
    const { type, at, id, details } = event;
    if (event.contact !== contact) return [];
    if (type === "bounced") return [{ kind: bounceOf(details) === "hard" ? "hard" : "soft", at, id }];
    if (type === "delivered" || type === "opened" || type === "clicked") return [{ kind: "good", at, id }];
    if (type === "complained") return [{ kind: "complaint", at, id }];
    return type === "unsubscribed" ? [{ kind: "unsubscribed", at, id }] : [];
  });
  return facts.sort((a, b) => a.at - b.at);
}

/** An expected suppression. `lifted`: when it was lifted, ms. */
export interface Wanted {
  reason: string;
  at: number;
  lifted: number | null;
}

/**
 * A lift ends suppressions by evidence from before it or known by then; of several lifts the earliest counts. A
 * suppression without a lift is in force.
 */
export function suppressionsOf(facts: readonly Fact[], lifts: readonly Deed[]): Wanted[] {
  const good = facts.filter(({ kind }) => kind === "good").map(({ at }) => at);
  const inOrder = lifts.toSorted((a, b) => a.at - b.at);
  const ended = Map.groupBy(
    facts.filter(({ kind }) => kind !== "good"),
    ({ at, id }) => inOrder.find((lift) => at <= lift.at || lift.known.includes(id)),
  );
  return [...ended].flatMap(([lift, some]) =>
    [...reasonsOf(some, good)].map(([reason, at]) => ({ reason, at, lifted: lift?.at ?? null })),
  );
}

/** Reason -> time of the evidence, for evidence without a lift in between. */
function reasonsOf(facts: readonly Fact[], good: readonly number[]): Map<string, number> {
  const found = new Map<string, number>();
  const first = (kind: Fact["kind"], reason: string): void => {
    const evidence = facts.find((one) => one.kind === kind);
    if (evidence !== undefined) found.set(reason, evidence.at);
  };
  first("hard", "hard_bounce");
  first("complaint", "complaint");
  first("unsubscribed", "unsubscribed");
  first("entry", "manual");
  const soft = facts.filter(({ kind }) => kind === "soft");
  const met = soft.find(({ at }) => {
    const lastGood = Math.max(-Infinity, ...good.filter((one) => one <= at));
    const run = soft.filter((one) => one.at <= at && one.at > lastGood && one.at >= at - 30 * DAY);
    return run.length >= 3 && new Set(run.map((one) => Math.floor(one.at / DAY))).size >= 2;
  });
  if (met !== undefined) found.set("soft_bounces", met.at);
  return found;
}

/** The reasons of suppressions, the strongest first. */
export const STRENGTH = ["complaint", "unsubscribed", "manual", "hard_bounce", "soft_bounces"];

async function checkContacts({ world, deeds }: Witness, events: readonly EventRow[]): Promise<string[]> {
  const [contacts, suppressions] = await env.DB.batch<Record<string, unknown>>([
    env.DB.prepare("SELECT contact, suppressed, since FROM contacts"),
    env.DB.prepare(
      "SELECT contact, reason, event, at, lifted_at FROM suppressions WHERE scope = '' AND held IS NULL",
    ),
  ]);
  const wrong: string[] = [];
  for (const contact of world.contacts) {
    const own = deeds.filter((deed) => deed.contact === contact);
    const entries = own.flatMap(({ kind, at, id }): Fact[] => (kind === "entry" ? [{ kind, at, id }] : []));
    const facts = [...factsOf(contact, events), ...entries].sort((a, b) => a.at - b.at);
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
  const { results: rows } = await env.DB.prepare(
    "SELECT message_id, contact FROM messages",
  ).all<MessageRow>();
  for (const { message_id: id, contact } of rows)
    if (!events.some((one) => one.message_id === id && one.contact === contact))
      wrong.push(`message ${id} has no event`);
  for (const [id, own] of Map.groupBy(events, ({ message_id }) => message_id)) {
    const [best] = own.toSorted((a, b) => weightOf(b) - weightOf(a) || b.at - a.at || (a.id < b.id ? 1 : -1));
    const told = await readMessage(id ?? "");
    if (told !== best?.type) wrong.push(`message ${id} is ${told}, not ${best?.type}`);
    const contacts = new Set(own.map(({ contact }) => contact));
    const known = rows.filter(({ message_id }) => message_id === id);
    if (known.length !== contacts.size || known.some(({ contact }) => !contacts.has(contact)))
      wrong.push(`message ${id} leads to other contacts`);
  }
  return wrong;
}

interface MessageRow {
  message_id: string;
  contact: string;
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
async function checkArchive(witness: Witness, events: readonly EventRow[]): Promise<string[]> {
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
  const erased = erasedContacts(witness);
  const whole = (parcel: number): boolean =>
    witness.world.parcels[parcel]?.reports.every(({ mail }) => !erased.has(mail.contact)) ?? true;
  // A repeat of a report from before the erasure is removed, and with it new reports of the same contact in that
  // delivery.
  const holdsRepeats = ({ id, erased: redacted }: Delivery, contact: string): boolean => {
    const reports = witness.world.parcels[witness.envelopes.get(id) ?? -1]?.reports ?? [];
    const several = reports.filter(({ mail }) => mail.contact === contact).length > 1;
    return redacted === true && several && erased.has(contact);
  };
  const wrong = witness.accepted
    .filter(({ source, body, parcel }) => whole(parcel) && !bodies.has(`${source} ${body}`))
    .map(({ source }) => `a body of ${source} is not in the archive`);
  for (const { id, batch, line, source, contact } of events) {
    const delivery = batches.get(batch)?.[line];
    if (delivery?.source !== source) wrong.push(`event ${id} leads to no archived delivery`);
    else if (
      !holdsRepeats(delivery, contact) &&
      delivery.base64 === undefined &&
      !names(`${delivery.text} ${delivery.url}`, contact)
    )
      wrong.push(`event ${id} leads to a delivery that does not name ${contact}`);
  }
  return wrong;
}
