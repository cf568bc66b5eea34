// An outage in which one destination calls everybody unknown for an hour: nobody may be suppressed because of it, in
// whatever order the reports arrive, and whatever fails meanwhile. Dead addresses of the days before and after are.

import { DEFAULT_STORM } from "../../src/model/suppression/policy.ts";
import type { Random } from "../../src/demo/traffic/random.ts";
import type { Report } from "../../src/demo/traffic/types.ts";
import { DAY, reportOf, SENDERS, START } from "./reports.ts";
import { parcelOf } from "./scenes.ts";
import type { EventRow } from "./witness.ts";
import type { Act, Round, World } from "./world.ts";

/** Earlier than all other reports, so that no other mail of the destination is in the outage. */
const BEGAN = START - 60 * DAY;
const MINUTE = 60_000;
const DESTINATION = "gmail.com";
const IN_A_PARCEL = 12;

/** Some worlds end with such an outage. Each of its reports tells of a contact of its own. */
export function withOutage(random: Random, world: World): World {
  const { pipes, erasing, rereading, kept, mistaken } = world;
  const erases = world.rounds.some(({ acts }) => acts.some(({ kind }) => kind === "erase"));
  const isPlain =
    pipes.length === 0 && !erasing && !erases && !rereading && kept === null && mistaken === null;
  if (!isPlain || !random.chance(0.12)) return world;
  const dialect = SENDERS.find(({ source }) => source === "mailjet");
  if (dialect === undefined) return world;
  const count = random.between(66, 84);
  const victims = Array.from({ length: count }, (_, i) => `v${i}@${DESTINATION}`);
  const report = (contact: string, at: number): Report => {
    const id = dialect.makeId(random, null);
    const mail = {
      contact,
      id,
      campaign: "welcome",
      customId: `order-${random.digits(6)}`,
      sentAt: at - MINUTE,
    };
    return reportOf(dialect, mail, "hard_bounce", at);
  };
  // Within a quarter of an hour there are enough of them, and no five minutes are without one.
  const during = victims.map((contact, i) =>
    report(contact, BEGAN + Math.floor((i * 14 * 60) / count) * 1_000),
  );
  const dead = [report(`d0@${DESTINATION}`, BEGAN - DAY), report(`d1@${DESTINATION}`, BEGAN + DAY)];
  const order = shuffled(random, during);
  const parcels = Array.from({ length: Math.ceil(count / IN_A_PARCEL) }, (_, i) =>
    parcelOf(dialect, order.slice(i * IN_A_PARCEL, (i + 1) * IN_A_PARCEL)),
  );
  const all = [...parcels, ...dead.map((one) => parcelOf(dialect, [one]))];
  const first = world.parcels.length;
  const sent = shuffled(random, [...all.keys()]).map((i): Act => ({
    kind: "send",
    parcel: first + i,
    backup: random.chance(0.1),
  }));
  const faults = random.pick([0, 0.05, 0.15]);
  const round = (acts: Act[], own: number): Round => ({
    seed: random.between(1, 2 ** 31),
    wait: random.pick([0, 5_000, 60_000]),
    acts,
    faults: own,
    evicted: [],
    rotation: world.rounds.at(-1)?.rotation ?? 0,
    agreed: true,
  });
  const rivals = (): Act[] => [1, 2].map((most) => ({ kind: "consume", most }));
  return {
    ...world,
    contacts: [...world.contacts, ...victims, ...dead.map(({ mail }) => mail.contact)],
    parcels: [...world.parcels, ...all],
    rounds: [...world.rounds, round(sent, 0), round(rivals(), faults), round(rivals(), faults)],
    outage: victims,
  };
}

function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const places = items.map((item) => ({ item, place: random.next() }));
  return places.sort((a, b) => a.place - b.place).map(({ item }) => item);
}

/** The victims whose bounces must be held: none in a reduced world, in which too few reports are left to tell. */
export function heldVictims({ outage = [] }: World, events: readonly EventRow[]): Set<string> {
  const victims = new Set(outage);
  const told = events.filter(({ contact }) => victims.has(contact)).map(({ contact }) => contact);
  return new Set(told.length >= DEFAULT_STORM.outcomes ? told : []);
}
