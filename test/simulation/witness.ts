// What the simulation saw, for the reference to judge.

import type { Erased, HeardClaim } from "./erased.ts";
import type { Returns } from "./returns.ts";
import type { World } from "./world.ts";

/** The records of a simulated history. */
export interface Witness {
  world: World;
  /** Envelope -> the parcel that it contains, for every envelope ever made. */
  envelopes: Map<string, number>;
  /** Envelope -> when its last consumer began, and when it ended, ms. */
  consumed: Map<string, { began: number; ended: number }>;
  /** Envelopes that a consumer got. */
  processed: Set<string>;
  /** Envelope -> when it was received, ms. */
  received: Map<string, number>;
  /** The bodies that were answered with 200. */
  accepted: { source: string; body: string; parcel: number; envelope: string }[];
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
  /** Removals of a source's data that an answer reported as under way; `at`: ms, when they were requested. */
  removals: { source: string; at: number }[];
  /** What pipes brought back to a source here. */
  returns: Returns;
  /** Names of the pipes that a person was told were made. */
  installed: Set<string>;
  /** Whether the database was lost. */
  lost: boolean;
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
  seq: number;
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
