// Each database of a deployment with several says which of them it is. So it is noticed if two bindings were swapped, or
// if one leads to the database of another deployment, before anything is written there or told from there.

import { mistaken } from "./mistaken.ts";
import { bindingOf } from "../../model/storage/shards.ts";
import type { Db } from "../db.ts";

/** What a database says about itself. */
export interface Mark {
  number: number;
  /** An id that all databases of a deployment share. */
  deployment: string;
}

/** The mark of a database; null if it has none. Rejects if it does not answer or lacks the table. */
export async function readMark(db: Db): Promise<Mark | null> {
  return await db.prepare("SELECT number, deployment FROM shard").first<Mark>();
}

/** What is wrong with the database behind a binding, in words; null if it is the one with this number. */
export function mistakenMark(number: number, mark: Mark | null, deployment: string): string | null {
  const binding = bindingOf(number);
  if (mark === null)
    return number === 0
      ? `${binding} has no number yet`
      : `${binding} is no new database, and none of this deployment: bind an empty one, and run npm run deploy`;
  if (mark.deployment !== deployment)
    return `${binding} is a database of another deployment: correct its binding`;
  if (mark.number === number) return null;
  return `${binding} is the database of ${bindingOf(mark.number)}: correct the bindings`;
}

/** Throws if the database behind a binding is another one. It counts as an outage: what needs it waits. */
export function checkMark(number: number, mark: Mark | null, deployment: string): void {
  const mistake = mistakenMark(number, mark, deployment);
  if (mistake !== null) throw mistaken(mistake);
}
