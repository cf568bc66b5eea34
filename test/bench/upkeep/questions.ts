// What the measuring Worker of upkeep is asked, and what it answers.

import type { EventPlan } from "../events.ts";
import type { Counts } from "../labs/counted.ts";

export type Store = "small" | "large";
/** Where something is done: in a store, or in the other's database that is rebuilt from the small store's archive. */
export type Place = Store | "rebuilt";

/** What something took. */
export interface Taken {
  /** ms in all, and of these in calls of the database. */
  ms: number;
  database: number;
  counts: Counts;
  /** D1 rows written, by table. */
  tables: Record<string, number>;
}

/** Stores a slice of events as the queue brings it. `now`, `receivedAt`: ms. */
export interface Storing {
  store: Store;
  now: number;
  receivedAt: number;
  plans: EventPlan[];
}

/** Archives slices of events without storing them, as a store has them whose rows were made in SQL. */
export interface Archiving {
  store: Store;
  now: number;
  slices: EventPlan[][];
}

/** Erases a contact, to the receipt that says it is done. */
export interface Erasing {
  store: Store;
  now: number;
  contact: string;
}

export interface Removed {
  events: number;
  messages: number;
  claims: number;
  archive: { objects_looked_at: number; objects_rewritten: number; elements: number };
}

/** A scheduled run at the time `now`, where events are kept for so many days; none are ended where it is null. */
export interface Running {
  store: Store;
  now: number;
  eventsDays: number | null;
}

/** A step of reading anew what was archived from `from` on and before `to`, ms. */
export interface Reading {
  store: Store;
  from: number;
  to: number;
  apply: boolean;
}

export interface Step {
  objects: number;
  events: number;
  changed: number;
  appeared: number;
  vanished: number;
  next: string | null;
}

/** How far a rebuild has come. */
export interface Rebuilt {
  status: "running" | "stopped" | "done";
  restored: { objects: number; deliveries: number; events: number };
  skipped: number;
}

/** Writes archived bodies as if a mended parser read something else in them. */
export interface Mending {
  store: Store;
  from: number;
  to: number;
  find: string;
  replace: string;
}
