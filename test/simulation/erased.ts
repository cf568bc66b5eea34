// Rules for erased contacts once a history has come to rest. Like the reference that it is part of, it is a second,
// independent implementation, computed from the calls of the contacts' objects and their times.

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { gunzipSync } from "node:zlib";
import type { Evidence as ObjectFact } from "../../src/model/suppression/evidence.ts";
import { mentionsIn } from "./mentions.ts";
import { callApi, contains, names, readable } from "./questions.ts";
import { destinationOf } from "./reference-counters.ts";
import { STRENGTH, suppressionsOf, type Fact } from "./reference-suppressions.ts";
import { textsOfTables } from "../support/stored-events.ts";
import type { Deed, EventRow, Witness } from "./witness.ts";

const DAY = 86_400_000;
/** The number of an event id's last characters that identify the report itself. */
const KEY_CHARS = 16;

/** A tombstone. */
export interface Erased {
  contact: string;
  id: string;
  /** ms; deliveries received until then are erased. */
  at: number;
  /** The earlier actions of people. */
  deeds: Deed[];
}

/** The claim of an event, and the object's answer. */
export interface HeardClaim {
  contact: string;
  key: string;
  origin: string;
  /** ms */
  received: number;
  evidence: ObjectFact | null;
  granted: boolean;
  /** The number of tombstones of all contacts before this claim. */
  erasures: number;
}

/** The contacts with a tombstone. */
export function erasedContacts({ erasures }: Witness): Set<string> {
  return new Set(erasures.map(({ contact }) => contact));
}

/** All violations of the rules for erased contacts, in words. */
export async function checkErased(witness: Witness, events: readonly EventRow[]): Promise<string[]> {
  const wrong: string[] = [];
  const open = await env.DB.prepare("SELECT count(*) AS n FROM erasures WHERE contact IS NOT NULL").first(
    "n",
  );
  if (open !== 0) wrong.push(`${String(open)} erasures are not done`);
  for (const { contact, at } of witness.promised)
    if (!witness.erasures.some((one) => one.contact === contact && one.at >= at))
      wrong.push(`${contact} was to be erased at ${at}, and its object was never told`);
  const erased = erasedContacts(witness);
  const gone: string[] = [];
  for (const contact of erased) {
    const { live, refusals } = replay(witness, contact);
    wrong.push(...refusals);
    const own = events.filter((event) => event.contact === contact);
    wrong.push(...checkRows(witness, contact, own, live));
    const deeds = witness.deeds.filter((deed) => deed.contact === contact);
    if (live.size === 0 && deeds.length === 0 && !isMentionedSince(witness, contact)) gone.push(contact);
  }
  if (gone.length > 0) wrong.push(...(await traces(gone, witness.world.contacts)));
  return [...wrong, ...(await checkGone(witness)), ...(await checkHashes(witness))];
}

/** Rows that are back while their contact is being erased: readers of the feed would receive erased events. */
export async function checkUnderWay(): Promise<string[]> {
  const { results } = await env.DB.prepare(
    `SELECT e.id FROM erasures AS x JOIN events AS e ON e.contact = x.contact AND e.received_at <= x.erased_at
     WHERE x.begun = 1
     UNION ALL SELECT 'the state' FROM erasures AS x JOIN contacts AS c ON c.contact = x.contact AND c.version <= x.version
     WHERE x.begun = 1`,
  ).all<{ id: string }>();
  return results.map(({ id }) => `${id} is back while its contact is being erased`);
}

/**
 * The claims that must be granted: events received after the tombstone and not claimed before it, to the first envelope
 * that claims them.
 */
function replay(witness: Witness, contact: string): { live: Map<string, string>; refusals: string[] } {
  const tombs = [...witness.erasures.entries()].filter(([, one]) => one.contact === contact);
  const muted = new Set<string>();
  let live = new Map<string, string>();
  let until = -Infinity;
  const refusals: string[] = [];
  const pass = (erasures: number): void => {
    for (let [next] = tombs; next !== undefined && next[0] < erasures; [next] = tombs) {
      tombs.shift();
      for (const key of live.keys()) muted.add(key);
      live = new Map();
      until = next[1].at;
    }
  };
  for (const { key, origin, received, granted, erasures } of witness.claims.filter(
    (one) => one.contact === contact,
  )) {
    pass(erasures);
    const refused = received <= until || muted.has(key);
    if (!refused && !live.has(key)) live.set(key, origin);
    const right = !refused && live.get(key) === origin;
    if (right !== granted)
      refusals.push(
        `${contact}: ${key} of ${origin} was ${granted ? "" : "not "}granted, received ${received}`,
      );
  }
  pass(Infinity);
  return { live, refusals };
}

/**
 * The contact's rows must be the events granted since the tombstone, and include every event that was received only
 * later.
 */
function checkRows(
  { world, envelopes, received, processed, erasures }: Witness,
  contact: string,
  own: readonly EventRow[],
  live: ReadonlyMap<string, string>,
): string[] {
  const until = Math.max(...erasures.flatMap((one) => (one.contact === contact ? [one.at] : [])));
  const wrong: string[] = [];
  const keys = new Set(own.map(({ id }) => id.slice(-KEY_CHARS)));
  for (const { id, received_at } of own) {
    if (received_at <= until) wrong.push(`${id} was erased, and is there`);
    if (!live.has(id.slice(-KEY_CHARS))) wrong.push(`${id} is there, and nobody was granted it`);
  }
  for (const key of live.keys())
    if (!keys.has(key)) wrong.push(`${contact}: ${key} was granted, and is not there`);
  const before = new Set<string>();
  const after = new Map<string, string>();
  for (const envelope of processed) {
    const early = (received.get(envelope) ?? 0) <= until;
    for (const { mail, expected, at } of world.parcels[envelopes.get(envelope) ?? -1]?.reports ?? []) {
      const report = JSON.stringify([expected, mail.id, at]);
      if (mail.contact === contact && early) before.add(report);
      else if (mail.contact === contact) after.set(report, envelope);
    }
  }
  const stored = new Set(own.map(({ type, message_id, at }) => JSON.stringify([type, message_id, at])));
  for (const report of after.keys())
    if (!before.has(report) && !stored.has(report))
      wrong.push(`lost, though received after the erasure: ${report}`);
  return wrong;
}

/** Whether reports about others mention the contact that were received only after its last tombstone. */
function isMentionedSince({ world, envelopes, received, erasures }: Witness, contact: string): boolean {
  const until = Math.max(...erasures.flatMap((one) => (one.contact === contact ? [one.at] : [])));
  return [...envelopes].some(([envelope, index]) => {
    const parcel = world.parcels[index];
    const isLate = (received.get(envelope) ?? Infinity) > until;
    return isLate && parcel !== undefined && names(mentionsIn(parcel), contact);
  });
}

/** The places that still contain one of the addresses. */
async function traces(gone: readonly string[], contacts: readonly string[]): Promise<string[]> {
  const texts = [
    ...(await textsOfTables()),
    ...(await bucketTexts()),
    ...(await objectTexts(new Set([...gone, ...contacts]))),
  ];
  return texts.flatMap(([where, text]) => {
    const plain = readable(text);
    return gone.flatMap((contact) =>
      contains(plain, contact) ? [`${contact} was erased, and stands in ${where}`] : [],
    );
  });
}

type Place = [where: string, text: string];

async function bucketTexts(): Promise<Place[]> {
  const { objects } = await env.BUCKET.list();
  return await Promise.all(
    objects.map(async ({ key }): Promise<Place> => {
      const bytes = new Uint8Array((await (await env.BUCKET.get(key))?.arrayBuffer()) ?? []);
      const text = key.endsWith(".gz") ? gunzipSync(bytes).toString() : Buffer.from(bytes).toString("latin1");
      const bodies = [...text.matchAll(/"base64":"([^"]*)"/g)].map(([, body]) =>
        Buffer.from(body ?? "", "base64"),
      );
      return [key.slice(0, key.indexOf("/")), [text, ...bodies.map(String)].join("\n")];
    }),
  );
}

async function objectTexts(contacts: ReadonlySet<string>): Promise<Place[]> {
  return await Promise.all(
    [...contacts].map(async (contact): Promise<Place> => {
      const object = env.CONTACTS.getByName(contact);
      const kept = await runInDurableObject(object, (_, { storage }) =>
        JSON.stringify([...storage.kv.list()]),
      );
      return [`the object of ${contact}`, kept];
    }),
  );
}

/** The counters note no more rows as removed than the erased contacts can have had. */
async function checkGone(witness: Witness): Promise<string[]> {
  const erased = erasedContacts(witness);
  const most = new Map<string, Set<string>>();
  for (const { dialect, reports } of witness.world.parcels)
    for (const { mail, expected, at } of reports) {
      if (!erased.has(mail.contact)) continue;
      const key = JSON.stringify([at - (at % DAY), dialect.source, expected, destinationOf(mail.contact)]);
      most.set(key, (most.get(key) ?? new Set()).add(`${mail.id} ${at}`));
    }
  const { results } = await env.DB.prepare(
    "SELECT day, source, type, destination, sum(gone) AS gone FROM day_rollups GROUP BY 1, 2, 3, 4 HAVING sum(gone) > 0",
  ).all<{ day: number; source: string; type: string; destination: string; gone: number }>();
  return results.flatMap(({ gone, ...cell }) =>
    gone > (most.get(JSON.stringify(Object.values(cell)))?.size ?? 0)
      ? [`${gone} rows went: ${JSON.stringify(cell)}`]
      : [],
  );
}

/** A suppression that was in force when its contact was erased is still in force unless a person lifted it. */
async function checkHashes(witness: Witness): Promise<string[]> {
  const lifted = new Set(
    witness.world.rounds.flatMap(({ acts }) =>
      acts.flatMap((act) => (act.kind === "lift" ? [act.contact] : [])),
    ),
  );
  const contacts = [...erasedContacts(witness)].filter((contact) => !lifted.has(contact));
  if (contacts.length === 0) return [];
  const { addresses } = await callApi("suppressions/check", { addresses: contacts });
  const told = new Map(
    (addresses as { address: string; suppressed: boolean }[]).map(({ address, suppressed }) => [
      address,
      suppressed,
    ]),
  );
  return contacts.flatMap((contact) => {
    if (wasSuppressed(witness, contact) && told.get(contact) !== true)
      return [`${contact} was suppressed when it was erased, and may be mailed now`];
    return !couldBe(witness, contact) && told.get(contact) === true
      ? [`${contact} is suppressed without cause`]
      : [];
  });
}

function wasSuppressed({ erasures, claims }: Witness, contact: string): boolean {
  let from = -1;
  for (const [index, { contact: whose, deeds }] of erasures.entries()) {
    if (whose !== contact) continue;
    const heard = claims.filter(
      (one) => one.contact === contact && one.granted && one.erasures > from && one.erasures <= index,
    );
    const facts = new Map<string, Fact>();
    for (const { evidence } of heard)
      if (evidence !== null && evidence.kind !== "subscribed" && evidence.scope === undefined)
        facts.set(evidence.id, { kind: evidence.kind, at: evidence.at, id: evidence.id });
    for (const { id, at } of deeds.filter(({ kind }) => kind === "entry"))
      facts.set(id, { kind: "entry", at, id });
    const inOrder = [...facts.values()].sort((a, b) => a.at - b.at);
    const found = suppressionsOf(
      inOrder,
      deeds.filter(({ kind }) => kind === "lift"),
    );
    if (found.some(({ reason, lifted }) => lifted === null && STRENGTH.includes(reason))) return true;
    from = index;
  }
  return false;
}

/** Whether anything in this history could suppress the contact. */
function couldBe({ world }: Witness, contact: string): boolean {
  const bad = new Set(["bounced", "complained", "unsubscribed"]);
  return (
    world.parcels.some(({ reports }) =>
      reports.some((one) => one.mail.contact === contact && bad.has(one.expected)),
    ) ||
    world.rounds.some(({ acts }) => acts.some((act) => act.kind === "suppress" && act.contact === contact))
  );
}
