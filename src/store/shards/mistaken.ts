// The error of databases that are not those that the configuration names: a binding leads to another one, or more are in
// use than configured. It counts as an outage, because what needs them waits until that is corrected, and nothing is lost.

import { isOutage, outageOf } from "../../lib/outage.ts";
import { bindingOf } from "../../model/storage/shards.ts";

/** The service that such an error names. */
const THEY = "the databases";

/** The error that says what is wrong. */
export const mistaken = (reason: string): Error => outageOf(THEY, new Error(reason));

/** Whether an error is such a one, and the databases are not just out of reach. */
export const isMistaken = (error: unknown): error is Error => isOutage(error) && error.outage === THEY;

/** The error of a database that did not understand a query; an outage stays what it is. `number`: of the database. */
export function lacksMigrations(number: number, error: unknown): unknown {
  if (isOutage(error) || !/no such (?:table|column)/.test(String(error))) return error;
  return mistaken(`${bindingOf(number)} lacks the migrations: run npm run deploy`);
}
