// Scenes in which processes end without an exception: a delivery that ends whatever looks at it, among innocent ones or
// alone, and a consumer that is broken for an hour. Nothing acknowledged may be lost, the neighbours must be stored, and
// the delivery must be a dead letter in the end.

import type { Random } from "../../src/demo/traffic/random.ts";
import { SENDERS } from "./reports.ts";
import {
  parcelOf,
  peopleOf,
  pickFrom,
  reportFor,
  sceneFrom,
  send,
  type Place,
  type Scene,
  type Step,
} from "./scenes.ts";
import type { Act, Parcel } from "./world.ts";

/** A scene, and the retries of its queue. */
export type Deaths = Scene & { retries: number };

const ALL = { kind: "consume", most: 100 } as const satisfies Act;
const HOUR = 3_600_000;
/** A little more than the retry delay of wrangler.toml, ms. */
const AGAIN = 301_000;
/** As the platform has it: whoever dies each time is given up only after a hundred tries. */
const MANY = 100;
const GENERIC = SENDERS.filter(({ source }) => source === "generic");

/** A random scene. */
export function deathsOf(random: Random, place: Place): Deaths {
  return random.pick([amongOthers, givenUp, brokenForAnHour])(random, place);
}

/** A deadly parcel is consumed together with others. Another consumer may be at work at the same time. */
function amongOthers(random: Random, place: Place): Deaths {
  const { contacts, parcels } = innocents(random);
  const at = random.between(0, parcels.length);
  const all = parcels.toSpliced(at, 0, deadly(random));
  const rounds = Array.from({ length: 6 }, (): Step => ({
    wait: AGAIN,
    acts: random.chance(0.3) ? [ALL, { kind: "consume", most: 2 }] : [ALL],
  }));
  return {
    ...sceneFrom(random, place, contacts, all, [...sent(place, all), ...rounds, ...lookedAt()]),
    retries: MANY,
  };
}

/** A deadly parcel reaches the dead-letter queue. */
function givenUp(random: Random, place: Place): Deaths {
  const parcels = [deadly(random)];
  const tries = Array.from({ length: 4 }, (): Step => ({ wait: AGAIN, acts: [ALL] }));
  const bury: Step = { wait: HOUR, acts: [{ kind: "bury" }] };
  const steps = [...sent(place, parcels), ...tries, bury, bury, ...lookedAt()];
  return { ...sceneFrom(random, place, [], parcels, steps), retries: 2 };
}

/** For an hour no consumer does anything. */
function brokenForAnHour(random: Random, place: Place): Deaths {
  const { contacts, parcels } = innocents(random);
  const broken: Act[] = [
    { ...ALL, broken: true },
    { kind: "bury", broken: true },
  ];
  const hour = Array.from({ length: 12 }, (): Step => ({ wait: AGAIN, acts: broken }));
  const mended = [1, 2].map((): Step => ({ wait: AGAIN, acts: [ALL] }));
  return {
    ...sceneFrom(random, place, contacts, parcels, [...sent(place, parcels), ...hour, ...mended]),
    retries: MANY,
  };
}

/** First the queue is emptied, and then everything is sent. */
function sent(place: Place, parcels: readonly Parcel[]): Step[] {
  return [{ wait: HOUR, acts: [ALL] }, ...parcels.map((_, i): Step => ({ acts: [send(place, i)] }))];
}

/** The scheduled runs that look at what was given up: two may end, and the third may not. */
function lookedAt(): Step[] {
  return [1, 2, 3].map((): Step => ({ wait: 60_000, acts: [{ kind: "sweep" }] }));
}

function innocents(random: Random): { contacts: string[]; parcels: Parcel[] } {
  const contacts = peopleOf(random, random.between(2, 4));
  const parcels = contacts.map((contact): Parcel => {
    const dialect = pickFrom(random, SENDERS);
    return { ...parcelOf(dialect, [reportFor(random, dialect, contact)]), spared: true };
  });
  return { contacts, parcels };
}

function deadly(random: Random): Parcel {
  const filler = random.chance(0.4) ? 300_000 : 0;
  return { ...parcelOf(pickFrom(random, GENERIC), []), poison: 1, filler, kills: true };
}
