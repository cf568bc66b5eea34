// The time between two `freshStorage` is a world. Nothing of an earlier one may reach a later one that shares its
// runtime.

import { env } from "cloudflare:workers";
import { change } from "./limits.ts";

/** A clock that fake timers do not stop. */
const now = Date.now.bind(Date);

let world = 0;
let begun = now();
/** Batches under way. */
const batches = new Set<object>();

/**
 * When messages were first sent, ms, by id. On its way to the dead-letter queue a message keeps its id but gets a new
 * time.
 */
const sentAt = new Map<string, number>();

/** Ends the world: waits for the batches under way, and leaves behind whatever was sent or stored so far. */
export async function beginWorld(): Promise<void> {
  nameObjects();
  begun = now();
  world += 1;
  while (batches.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  begun = now();
}

/** When this world began. */
export const worldBegan = (): Date => new Date(begun);

/** Whether the message was sent in this world. */
export function isOfThisWorld({ id, timestamp }: Pick<Message, "id" | "timestamp">): boolean {
  const sent = Math.min(sentAt.get(id) ?? Infinity, timestamp.getTime());
  sentAt.set(id, sent);
  return sent >= begun;
}

/** Runs the work of a batch, for which the next world waits. */
export async function atWork(work: () => Promise<void>): Promise<void> {
  const batch = {};
  batches.add(batch);
  try {
    await work();
  } finally {
    batches.delete(batch);
  }
}

/** Gives objects names that are different in each world: an object's storage survives when it leaves memory. */
function nameObjects(): void {
  change(
    Object.getPrototypeOf(env.CONTACTS) as object,
    "getByName",
    (getByName) =>
      function (name) {
        return Reflect.apply(getByName, this, [`${String(name)} of world ${world}`]);
      },
  );
}
