// The two stores in which upkeep is measured. In each of them lie, in the order of the feed: slices that are old enough to
// end, many events that are not, slices to be read anew, and slices with the contacts that are going to be erased. The many
// are made in SQL, and their archive objects beside them.

import type { Progress } from "../../../src/cli/progress.ts";
import { tidingsBindings } from "../candidates.ts";
import { BEGAN, contactOf, KINDS, type EventPlan } from "../events.ts";
import { fill, FILLED_FROM, MONTH } from "../filled.ts";
import { askLab, start, type Running } from "../runtime.ts";
import { schema } from "../store-lab.ts";
import type { Archiving, Store, Storing, Taken } from "./questions.ts";

export const STORES = ["small", "large"] as const satisfies readonly Store[];

/** Events in a slice, and so in an archive object. */
export const SLICE = 1_000;
const DAY = 86_400_000;

export interface Scale {
  /** Events that each store is filled with. */
  filled: Record<Store, number>;
  /** Slices that retention ends, whole mails, so in threes; as those that are read anew. */
  old: number;
  read: number;
  /** Contacts of each size that are erased. */
  erased: number;
  /** Events of such a contact. */
  sizes: readonly number[];
}

export interface Lab {
  lab: Running;
  scale: Scale;
  /** Storing a slice of known contacts, in each store: what everything else is compared with. */
  stored: Record<Store, Taken[]>;
  /** When what is read anew was archived, ms. */
  readAt: number;
  /** The present, ms. */
  now: number;
}

/** What is older was received long before the events that the stores are filled with. Unix time, s. */
const OLD = FILLED_FROM - 10 * 86_400;
/** Days for which events are kept, and a time at which nothing is old enough but the old slices, ms. */
export const KEPT_DAYS = 35;
export const RETAINED_AT = (FILLED_FROM - 5 * 86_400) * 1000 + KEPT_DAYS * DAY;

/** The runtime with two empty stores. */
export async function startStores(): Promise<Running> {
  const lab = await start({
    entry: "test/bench/labs/upkeep.ts",
    env: {
      ...tidingsBindings(),
      CONTACTS: { type: "durable-object", worker: "bench", exportName: "CountedContact" },
      DB_LARGE: { type: "d1", id: "large" },
      BUCKET_LARGE: { type: "r2", name: "large" },
      SCHEMA: { type: "json", value: schema() },
    },
    objects: ["CountedContact"],
    inspected: true,
  });
  await askLab<null>(lab, "/schema", null);
  return lab;
}

export async function startLab(scale: Scale, progress: Progress): Promise<Lab> {
  const lab = await startStores();
  const now = Date.now();
  const all: Lab = { lab, scale, stored: { small: [], large: [] }, readAt: now - 3 * DAY, now };
  await inBoth(scale.old, async (store, slice) => {
    const plans = sliceOf(store, slice, OLD);
    // Stored lately, for an object's alarm goes by the real clock; received long ago, which is what retention asks.
    await storeSlice(all, { store, plans, now: now - 4 * DAY, receivedAt: (OLD + 86_400) * 1000 }, slice > 2);
    progress.show(slice + 1, scale.old, "storing what will be old");
  });
  for (const store of STORES) {
    const filled = scale.filled[store];
    await fill(lab, store, filled, filled / 10, progress);
    await archive(lab, { store, now: now - DAY, slices: filled / SLICE });
  }
  await inBoth(scale.read, async (store, slice) => {
    const plans = sliceOf(store, slice, BEGAN);
    await storeSlice(all, { store, plans, now: all.readAt, receivedAt: all.readAt }, true);
    progress.show(slice + 1, scale.read, "storing what will be read anew");
  });
  const slices = Math.max(...scale.sizes) / TOGETHER;
  await inBoth(slices, async (store, slice) => {
    const plans = leavingSlice(scale, store, slice);
    await storeSlice(all, { store, plans, now: now - DAY, receivedAt: now - DAY }, false);
    progress.show(slice + 1, slices, "storing whom to erase");
  });
  return all;
}

/** In turns, so that both stores are as warm and as late. */
async function inBoth(times: number, work: (store: Store, n: number) => Promise<void>): Promise<void> {
  for (let n = 0; n < times; n++)
    for (const store of n % 2 === 0 ? STORES : STORES.toReversed()) await work(store, n);
}

async function storeSlice({ lab, stored }: Lab, storing: Storing, counts: boolean): Promise<void> {
  const taken = await askLab<Taken>(lab, "/store", storing);
  if (counts) stored[storing.store].push(taken);
}

/** Where the numbers of a store's own contacts begin: the stores share the objects, which would know each other's events. */
const OWN: Record<Store, number> = { small: 3_000_000, large: 4_000_000 };

/** A kind of report of a thousand mails: three slices are all that is told of them. `began`: Unix time, s. */
function sliceOf(store: Store, slice: number, began: number): EventPlan[] {
  const day = Math.floor(slice / KINDS.length);
  return Array.from({ length: SLICE }, (_, i) => ({
    kind: KINDS[slice % KINDS.length] ?? "sent",
    mail: (began === OLD ? 10_000_000 : 20_000_000) + day * SLICE + i,
    contact: OWN[store] + i,
    time: began + slice * 3_600 + (i % 600),
  }));
}

async function archive(
  lab: Running,
  { store, now, slices }: { store: Store; now: number; slices: number },
): Promise<void> {
  const AT_ONCE = 10;
  for (let first = 0; first < slices; first += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, slices - first) }, (_, i) =>
      Array.from({ length: SLICE }, (_, n): EventPlan => {
        const mail = (first + i) * SLICE + n;
        const time = FILLED_FROM + Math.floor((mail / (slices * SLICE)) * MONTH);
        return { kind: KINDS[n % KINDS.length] ?? "sent", mail, contact: 2_000_000 + mail, time };
      }),
    );
    await askLab<null>(lab, "/archive", { store, now, slices: some } satisfies Archiving);
  }
}

/** Events of a contact that come in one POST, and so lie in one archive object. */
const TOGETHER = 10;
const LEAVING_SLICE = 200;

/** The contacts that are erased: `which` of those with so many events; without events, nobody ever heard of it. */
export function leavingContact(store: Store, size: number, which: number): number {
  return OWN[store] + 100_000 + size * 100 + which;
}

/** Ten events of each contact that is to have more than were in the slices before, and others' events around them. */
function leavingSlice({ sizes, erased }: Scale, store: Store, slice: number): EventPlan[] {
  const plans: EventPlan[] = [];
  const add = (contact: number, mail: number, n: number): void =>
    void plans.push({
      kind: KINDS[n % KINDS.length] ?? "sent",
      mail,
      contact,
      time: BEGAN + 40_000 + slice * 600 + (plans.length % 600),
    });
  const from = slice * TOGETHER;
  for (const size of sizes.filter((size) => from < size))
    for (let which = 0; which < erased; which++) {
      const contact = leavingContact(store, size, which);
      for (let i = from; i < from + TOGETHER; i++)
        add(contact, 30_000_000 + (contact % 100_000) * 300 + Math.floor(i / KINDS.length), i);
    }
  for (let i = plans.length; i < LEAVING_SLICE; i++)
    add(OWN[store] + i, 60_000_000 + slice * LEAVING_SLICE + i, 0);
  return plans;
}

export const nameOf = (store: Store, size: number, which: number): string =>
  contactOf(leavingContact(store, size, which));

/** Events that the archive of a store holds. */
export function archived({ filled, old, read, sizes }: Scale, store: Store): number {
  return filled[store] + (old + read) * SLICE + (Math.max(...sizes) / TOGETHER) * LEAVING_SLICE;
}

/** ms that storing an event took, a value for each slice. */
export function msStored({ stored }: Lab, store: Store): number[] {
  return stored[store].map(({ ms }) => ms / SLICE);
}
