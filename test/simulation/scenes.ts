// Short histories that random draws hardly ever produce, because one step must happen between two certain steps of
// another run. Each scene has its own people and mails and comes at the end of a world, so that it does not change the
// rest of the world.

import type { Random } from "../../src/demo/traffic/random.ts";
import type { Dialect, Happening, Report } from "../../src/demo/traffic/types.ts";
import { DAY, DOMAINS, reportOf, SENDERS, START, WITH_NAMES } from "./reports.ts";
import type { Trap } from "./gate.ts";
import type { Act, Parcel, Round } from "./world.ts";

/** The additions to a world. The acts number the parcels from `first`, as in the world. */
export interface Scene {
  contacts: string[];
  parcels: Parcel[];
  rounds: Round[];
  /** Fields whose parameters are configured wrongly until the scene's round of that number. */
  mistaken: { fields: string[]; until: number } | null;
}

/** The place of a scene: the number of its first parcel, and the state of the credentials' rotation. */
export interface Place {
  first: number;
  rotation: Round["rotation"];
}

export type Step = Partial<Pick<Round, "wait" | "faults" | "trap">> & { acts: Act[] };

const GROUPING = SENDERS.filter(({ most }) => most > 1);
const ALL: Act = { kind: "consume", most: 100 };
const ONE: Act = { kind: "consume", most: 1 };
const HOUR = 3_600_000;
/** After this time, ms, every retry has happened. */
const RETRIED = 60_000;
/** After this time, ms, an archive object is too old for the second pass of an erasure. */
const OLD = 1_300_000;

/** A random scene; if `mistaken`, one that needs the wrongly configured source. */
export function sceneOf(random: Random, place: Place, mistaken: boolean): Scene {
  const scenes = mistaken
    ? ([toldOtherwise, notToldOfIt, readTwice] as const)
    : ([erasedAtOnce, erasedUnderWay, erasedOfTheGivenUp, overtaken, askedAgain, newsWithARepeat] as const);
  return random.pick<(random: Random, place: Place) => Scene>(scenes)(random, place);
}

/** Several contacts in one old archive object are erased at once. */
function erasedAtOnce(random: Random, place: Place): Scene {
  const contacts = peopleOf(random, 3);
  const dialect = pickFrom(random, GROUPING);
  const reports = contacts.map((contact) => reportFor(random, dialect, contact));
  const parcels = random.chance(0.5)
    ? [parcelOf(dialect, reports)]
    : reports.map((one) => parcelOf(dialect, [one]));
  const all = contacts.map((contact): Act => ({ kind: "erase", contact }));
  const more: Act[] = random.chance(0.3) ? [{ kind: "sweep" }] : [];
  return sceneFrom(random, place, contacts, parcels, [
    { acts: parcels.map((_, i) => send(place, i)) },
    { acts: [ALL] },
    { wait: OLD, faults: random.pick([0, 0, 0.1]), acts: [...all, ...more] },
  ]);
}

/** A contact is erased while a consumer processes the events that the contact's object granted. */
function erasedUnderWay(random: Random, place: Place): Scene {
  const contacts = peopleOf(random, 2);
  const [erased = ""] = contacts;
  const dialect = pickFrom(random, GROUPING);
  const parcels = [
    parcelOf(
      dialect,
      contacts.map((contact) => reportFor(random, dialect, contact)),
    ),
  ];
  const at = random.pick(["put archive", "store"]);
  return sceneFrom(random, place, contacts, parcels, [
    { wait: HOUR, acts: [send(place, 0)] },
    { acts: [ALL, { kind: "erase", contact: erased }], trap: { at, fate: "waits" } },
    { wait: random.pick([0, 5_000, OLD]), faults: random.pick([0, 0.1]), acts: [ALL, { kind: "sweep" }] },
  ]);
}

/** A delivery about two contacts is given up, and one of them is erased. */
function erasedOfTheGivenUp(random: Random, place: Place): Scene {
  const contacts = peopleOf(random, 2);
  const [erased = ""] = contacts;
  const dialect = pickFrom(random, GROUPING);
  const parcels = [
    parcelOf(
      dialect,
      contacts.map((contact) => reportFor(random, dialect, contact)),
    ),
  ];
  const failing = [1, 2, 3, 4].map((): Step => ({ wait: RETRIED, faults: 1, acts: [ALL] }));
  return sceneFrom(random, place, contacts, parcels, [
    { wait: HOUR, acts: [send(place, 0)] },
    ...failing,
    { acts: [{ kind: "bury" }] },
    { faults: random.pick([0, 0, 0.1]), acts: [{ kind: "erase", contact: erased }] },
  ]);
}

/** Two consumers change a contact's state, and the first one stores it last. */
function overtaken(random: Random, place: Place): Scene {
  const contacts = peopleOf(random, 1);
  const [contact = ""] = contacts;
  const dialect = pickFrom(
    random,
    SENDERS.filter(({ knows }) =>
      (["hard_bounce", "complained"] as const).every((what) => knows.includes(what)),
    ),
  );
  const parcels = (["hard_bounce", "complained"] as const).map((what) =>
    parcelOf(dialect, [reportFor(random, dialect, contact, what)]),
  );
  const order = random.chance(0.7) ? [0, 1] : [1, 0];
  const rival: Act = random.chance(0.7) ? ONE : { kind: random.pick(["suppress", "lift"]), contact };
  const [first = 0, second = 1] = order;
  return sceneFrom(random, place, contacts, parcels, [
    { wait: HOUR, acts: [ALL] },
    { acts: [send(place, first)] },
    { acts: rival === ONE ? [send(place, second)] : [] },
    { acts: [ONE, rival], trap: { at: "store", fate: "waits" } },
  ]);
}

/** A contact is erased twice; the second erasure covers the deliveries since the first. */
function askedAgain(random: Random, place: Place): Scene {
  const contacts = peopleOf(random, 1);
  const [contact = ""] = contacts;
  const dialect = pickFrom(random, SENDERS);
  const parcels = [1, 2].map(() => parcelOf(dialect, [reportFor(random, dialect, contact)]));
  const erase: Act = { kind: "erase", contact };
  return sceneFrom(random, place, contacts, parcels, [
    { acts: [send(place, 0)] },
    { acts: [ALL] },
    { wait: 5_000, faults: random.pick([0, 0, 0.1]), acts: [erase] },
    { wait: 5_000, acts: [send(place, 1)] },
    { acts: random.chance(0.5) ? [ALL] : [] },
    { wait: random.pick([5_000, OLD]), faults: random.pick([0, 0, 0.1]), acts: [erase] },
  ]);
}

/** An erased report is repeated, together with a new report of the same contact. */
function newsWithARepeat(random: Random, place: Place): Scene {
  const contacts = peopleOf(random, 1);
  const [contact = ""] = contacts;
  const dialect = pickFrom(random, GROUPING);
  const [old, news] = [reportFor(random, dialect, contact), reportFor(random, dialect, contact)];
  const parcels = [
    parcelOf(dialect, [old]),
    parcelOf(dialect, random.chance(0.5) ? [old, news] : [news, old]),
  ];
  return sceneFrom(random, place, contacts, parcels, [
    { acts: [send(place, 0)] },
    { acts: [ALL] },
    { wait: 5_000, acts: [{ kind: "erase", contact }] },
    { wait: random.pick([5_000, OLD]), acts: [send(place, 1), { kind: "sweep" }] },
    { wait: RETRIED, faults: random.pick([0, 0, 0.1]), acts: [ALL] },
  ]);
}

/**
 * A report is stored under a wrong identity, is then corrected, and arrives again: in the same delivery or in another.
 */
function toldOtherwise(random: Random, place: Place): Scene {
  const unheard: Trap = { at: "store", fate: "works and fails" };
  const first = random.chance(0.5) ? { trap: unheard } : {};
  return misread(random, place, "message_id", first, [
    { acts: [{ kind: "renormalise" }] },
    { wait: RETRIED, acts: random.chance(0.7) ? [send(place, 0)] : [] },
    { acts: [ALL] },
  ]);
}

/** The archive is parsed again, and the correction does not reach a contact's object. */
function notToldOfIt(random: Random, place: Place): Scene {
  const fate = random.pick<Trap["fate"]>(["fails", "hangs", "dies"]);
  const scene = misread(random, place, "bounce", {}, [{ acts: [{ kind: "renormalise" }] }]);
  const [contact = ""] = scene.contacts;
  // Other contacts may have to be corrected first.
  const trap = { at: `correct ${contact}`, fate };
  const last = scene.rounds.length - 1;
  return { ...scene, rounds: scene.rounds.map((round, i) => (i === last ? { ...round, trap } : round)) };
}

/** A report is claimed as one parser reads it, not stored, and then stored as the corrected parser reads it. */
function readTwice(random: Random, place: Place): Scene {
  const fate = random.pick<Trap["fate"]>(["fails", "hangs", "dies"]);
  const trap: Trap = random.pick([
    { at: "put archive", fate },
    { at: "put archive", fate: "works and dies" },
    { at: "store", fate },
  ]);
  return misread(random, place, "bounce", { trap }, [{ wait: RETRIED, acts: [ALL] }]);
}

/** A hard bounce is read without a field, in the steps of `first`, and then the field is configured correctly. */
function misread(
  random: Random,
  place: Place,
  field: string,
  first: Omit<Step, "acts">,
  then: Step[],
): Scene {
  const contacts = peopleOf(random, 1);
  const dialect = pickFrom(random, WITH_NAMES);
  const parcels = contacts.map((contact) =>
    parcelOf(dialect, [reportFor(random, dialect, contact, "hard_bounce")]),
  );
  const before: Step[] = [{ wait: HOUR, acts: [ALL] }, { acts: [send(place, 0)] }, { ...first, acts: [ALL] }];
  const scene = sceneFrom(random, place, contacts, parcels, [...before, ...then]);
  return { ...scene, mistaken: { fields: [field], until: before.length } };
}

/** A scene of these steps, without faults unless a step says otherwise. */
export function sceneFrom(
  random: Random,
  { rotation }: Place,
  contacts: string[],
  parcels: Parcel[],
  steps: readonly Step[],
): Scene {
  const rounds = steps.map((step): Round => ({
    wait: random.pick([0, 500]),
    faults: 0,
    ...step,
    seed: random.between(1, 2 ** 31),
    evicted: random.chance(0.2) ? contacts.slice(0, 1) : [],
    rotation,
    agreed: true,
  }));
  return { contacts, parcels, rounds, mistaken: null };
}

/** Contacts that occur nowhere else in the world. */
export function peopleOf(random: Random, count: number): string[] {
  const first = random.between(0, 290);
  return Array.from({ length: count }, (_, i) => `e${first + i}@${random.pick(DOMAINS)}`);
}

/** A report of one of the happenings that the ESP tells. */
export function reportFor(random: Random, dialect: Dialect, contact: string, what?: Happening): Report {
  const campaign = random.pick(["welcome", "digest"]);
  const sentAt = START - random.between(1, 20) * DAY + random.between(0, 86_399) * 1000;
  const mail = {
    contact,
    id: dialect.makeId(random, null),
    campaign,
    customId: `order-${random.digits(6)}`,
    sentAt,
  };
  const happens = what ?? pickFrom(random, dialect.knows);
  return reportOf(dialect, mail, happens, sentAt + random.between(1, 80_000) * 1000);
}

/** A parcel of reports alone. */
export function parcelOf(dialect: Dialect, reports: readonly Report[]): Parcel {
  return { dialect, reports, poison: 0, filler: 0 };
}

/** The act that sends the scene's parcel with this number. */
export function send({ first }: Place, index: number): Act {
  return { kind: "send", parcel: first + index, backup: false };
}

/** One of the items, of which there must be some. */
export function pickFrom<T>(random: Random, items: readonly T[]): T {
  const [first, ...others] = items;
  if (first === undefined) throw new Error("there is nothing to pick from");
  return random.pick([first, ...others]);
}
