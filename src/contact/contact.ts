// The Durable Object of one contact, named by the address. It only stores and never calls another service. It keeps the
// claims of the last thirty days and the state whose changes need a definite order.
//
// The cost is the number of rows written: one for each call with anything new, however many claims it has; one or
// two more when a page is full; and the alarm once per period. It uses the key-value interface because a table of its
// own would cost two rows for every new contact.

import { DurableObject } from "cloudflare:workers";
import { configOf } from "../config/config.ts";
import { describeError } from "../lib/outage.ts";
import { strongestOf } from "../model/suppression/in-force.ts";
import { NO_EVIDENCE } from "../model/suppression/evidence.ts";
import type { Policies } from "../model/suppression/policy.ts";
import { applyCorrection, type Correction } from "./corrections.ts";
import { applyCommands, type CommandAnswer, type Command } from "./commands.ts";
import { forgetEvents, forgettable, withoutClaims } from "./forget.ts";
import { notesIn, reword, type Rewording } from "./reword.ts";
import { joinState, stampOf, type Joining, type Leaving } from "./spellings.ts";
import {
  CLAIMS_LIVE,
  decide,
  ERASED_ORIGIN,
  expiredAt,
  TOMBSTONE_LIVES,
  type Claim,
  type ClaimAnswer,
  type ContactState,
  type Remembered,
  type Tombstone,
} from "./claims.ts";
import { DAY, HOUR } from "../lib/time.ts";

const PAGE = 256; // claims that each call rewrites, at most
const MOST_PAGES = 400; // a hundred thousand claims; beyond that, only the unique ids in the database prevent repeats

/**
 * How long after the oldest claim's expiry the alarm comes, ms: late enough to delete all claims of that day at once.
 */
const SPARE = DAY;

/**
 * How long a tombstone's suppression may not be recorded elsewhere yet, ms. A new tombstone within that time keeps it.
 */
const UNDER_WAY = HOUR;

/** How long after a failed alarm the next one comes, ms. */
const TRY_AGAIN = HOUR;

const STATE = "state";
const PAGE_PREFIX = "page:";

const NEW_CONTACT: ContactState = { facts: NO_EVIDENCE, version: 0, suppressions: [], claims: [] };

/** A contact's claims and evidence, and the suppressions that follow from them. */
export class Contact extends DurableObject<Env> {
  #loaded: { state: ContactState; origins: Map<string, string>; pages: string[] } | null = null;
  /** Whether an alarm is known to be set. */
  #armed = false;

  /**
   * Grants the claimed events that are new to this contact, or that the same envelope has claimed before. Atomic; the
   * same call again gives the same answer. Evidence that an envelope reported under an earlier reading and no longer
   * reports stops counting. So if several calls claim one envelope's events of this contact, `elsewhere` must contain
   * the keys of the other calls' events.
   */
  async claim(claims: Claim[], elsewhere: string[] = []): Promise<ClaimAnswer> {
    return await this.#change(true, (state, origins, policies) =>
      decide(state, origins, { claims, elsewhere }, Date.now(), policies),
    );
  }

  /**
   * Applies people's commands, one after the other. Atomic; a command that changes nothing any more does no harm. It
   * always returns the state, so that a repeated call can store it in the database if the first one failed to.
   */
  async execute(commands: Command[]): Promise<CommandAnswer> {
    return await this.#change(false, (before, _, policies) => {
      const { changed, state } = applyCommands(before, commands, Date.now(), policies);
      return { changed, state, snapshot: { version: state.version, suppressions: state.suppressions } };
    });
  }

  /** For each of the commands, whether {@link execute} would change anything. Changes nothing. */
  preview(commands: Command[]): boolean[] {
    const { state } = this.#load();
    return applyCommands(state, commands, Date.now(), configOf(this.env).policies).changed;
  }

  /** Replaces evidence with what the events report now. Atomic; the same correction again changes nothing more. */
  async correct(correction: Correction): Promise<ClaimAnswer> {
    return await this.#change(true, (state, origins, policies) =>
      applyCorrection(state, origins, correction, Date.now(), policies),
    );
  }

  /**
   * Forgets events, as if they had never been reported, except those that a delivery from after `until` (ms) has claimed.
   * Atomic; the same call again changes nothing more.
   */
  async forget(ids: string[], until: number): Promise<Pick<ClaimAnswer, "snapshot" | "written">> {
    const kv = this.ctx.storage.kv;
    const { pages, origins } = this.#load();
    const gone = forgettable(ids, origins, until);
    for (const page of pages) {
      const claims = kv.get<Remembered[]>(page) ?? [];
      const left = withoutClaims(claims, gone);
      if (left.length === claims.length) continue;
      if (left.length === 0) kv.delete(page);
      else kv.put(page, left);
    }
    this.#loaded = null;
    const answer = await this.#change(false, (state, _, policies) =>
      forgetEvents(state, gone, Date.now(), policies),
    );
    this.#loaded = null; // its claims by key include the forgotten ones
    return answer;
  }

  /** All notes of people that the object holds, each with its time, ms. Changes nothing. */
  notes(): { note: string; at: number }[] {
    return notesIn(this.#load().state);
  }

  /** Replaces notes of people. Atomic; the same call again changes nothing more. */
  async reword(rewordings: Rewording[]): Promise<void> {
    await this.#change(false, (state) => ({ state: reword(state, rewordings) }));
  }

  /** Everything that the object remembers, for the object of another spelling of its address. Changes nothing. */
  leaving(): Leaving {
    return this.#leaving();
  }

  #leaving(): Leaving {
    const { state, pages } = this.#load();
    const paged = pages.flatMap((page) => this.ctx.storage.kv.get<Remembered[]>(page) ?? []);
    const claims = [...paged, ...state.claims].map(([key, origin, at]) => ({ key, origin, at }));
    const { facts, version, erased = null } = state;
    return { facts, version, erased, claims, stamp: stampOf(state, claims.length) };
  }

  /** Takes in what the object of another spelling remembers. Atomic; the same call again changes nothing more. */
  async join(joining: Joining): Promise<Pick<CommandAnswer, "snapshot" | "written">> {
    return await this.#change(true, (state, origins, policies) =>
      joinState(state, origins, joining, Date.now(), policies),
    );
  }

  /** Forgets everything, unless it has changed since {@link leaving} returned this stamp. Resolves to whether it did. */
  async vacate(stamp: string): Promise<boolean> {
    if (this.#leaving().stamp !== stamp) return false;
    this.#loaded = null;
    this.#armed = false;
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
    return true;
  }

  /** Makes a transition and stores the new state. `claims`: whether it may add the contact's first claims. */
  async #change<T extends { state: ContactState }>(
    claims: boolean,
    transition: (state: ContactState, origins: Map<string, string>, policies: Policies) => T,
  ): Promise<Omit<T, "state"> & { written: number }> {
    const { state, origins } = this.#load();
    try {
      const { state: next, ...answer } = transition(state, origins, configOf(this.env).policies);
      const idle = claims && state.claims.length === 0;
      const written = next === state ? 0 : await this.#write(next, idle);
      return { ...answer, written };
    } catch (error) {
      this.#loaded = null; // memory may be ahead of the stored state
      throw error;
    }
  }

  /**
   * Erases the contact for the erasure request with this id. From then on it refuses everything that was received
   * before. The claims stay until they expire, as hashes without an origin, so that a late repeat of an erased event is
   * not stored as a new one. The same id again returns the same tombstone.
   */
  async erase(id: string): Promise<Tombstone> {
    const { state, origins, pages } = this.#load();
    if (state.erased?.id === id) return state.erased;
    const kv = this.ctx.storage.kv;
    const now = Date.now();
    const strongest = strongestOf(state.suppressions, now);
    const replaced =
      state.erased !== undefined && now - state.erased.at < UNDER_WAY ? state.erased.kept : null;
    const erased: Tombstone = {
      id,
      at: now,
      version: Math.max(state.version, state.erased?.version ?? 0, now),
      kept: strongest === null ? replaced : { reason: strongest.reason, at: strongest.at },
      claims: [...origins.values()].filter((origin) => origin !== ERASED_ORIGIN).length,
    };
    const mute = (claims: readonly Remembered[]): Remembered[] =>
      claims.map(([key, , at]) => [key, ERASED_ORIGIN, at]);
    this.#loaded = null;
    for (const page of pages) kv.put(page, mute(kv.get<Remembered[]>(page) ?? []));
    kv.put(STATE, { ...NEW_CONTACT, claims: mute(state.claims), erased } satisfies ContactState);
    await this.ctx.storage.setAlarm(now + TOMBSTONE_LIVES + SPARE);
    return erased;
  }

  /**
   * Deletes expired claims. With the last of them it deletes the object, unless its visible state ever changed. The
   * platform repeats a failed alarm only six times, so a failure sets the next one, and {@link #write} sets one where a
   * broken deployment lost it.
   */
  override async alarm(): Promise<void> {
    this.#armed = false;
    try {
      await this.#expire();
    } catch (error) {
      this.#loaded = null;
      console.error({ message: "a contact's alarm failed", ...describeError(error) });
      await this.ctx.storage.setAlarm(Date.now() + TRY_AGAIN);
    }
  }

  async #expire(): Promise<void> {
    const { state, pages } = this.#load();
    const kv = this.ctx.storage.kv;
    const { policies } = configOf(this.env);
    const expired = expiredAt(Date.now(), policies);
    for (const page of pages) {
      const last = kv.get<Remembered[]>(page)?.at(-1);
      if (last === undefined || last[2] <= expired) kv.delete(page);
    }
    const claims = state.claims.filter(([, , at]) => at > expired);
    this.#loaded = null;
    const idle =
      claims.length === 0 && kv.list({ prefix: PAGE_PREFIX })[Symbol.iterator]().next().done === true;
    const buried = state.erased !== undefined && state.erased.at > Date.now() - TOMBSTONE_LIVES;
    if (idle && buried) return await this.#setAlarm();
    if (idle && state.version === 0) return await this.ctx.storage.deleteAll();
    // An active contact's state is not rewritten here, because that costs one more row and its next change drops them
    // anyway.
    if (!idle) return await this.#setAlarm();
    const { erased, ...rest } = state;
    if (claims.length < state.claims.length || erased !== undefined) kv.put(STATE, { ...rest, claims });
  }

  #load() {
    if (this.#loaded !== null) return this.#loaded;
    const kv = this.ctx.storage.kv;
    const state = kv.get<ContactState>(STATE) ?? NEW_CONTACT;
    const origins = new Map<string, string>();
    const pages: string[] = [];
    for (const [name, page] of kv.list<Remembered[]>({ prefix: PAGE_PREFIX })) {
      pages.push(name);
      for (const [key, origin] of page) origins.set(key, origin);
    }
    for (const [key, origin] of state.claims) origins.set(key, origin);
    this.#loaded = { state, origins, pages };
    return this.#loaded;
  }

  /** Writes without an await in between, so the runtime makes them one transaction. Resolves to the number of rows. */
  async #write(next: ContactState, idle: boolean): Promise<number> {
    const loaded = this.#load();
    loaded.state = next.claims.length < PAGE ? next : { ...next, claims: [] };
    const turned = loaded.state === next ? 0 : this.#turnPage(next.claims, loaded.pages);
    this.ctx.storage.kv.put(STATE, loaded.state);
    const wakes = (idle && loaded.pages.length === 0) || (await this.#hasLostAlarm(loaded.state));
    if (wakes) await this.#setAlarm();
    return turned + 1 + (wakes ? 1 : 0);
  }

  /** Whether the object has claims that no alarm will delete. Asked once in an object's life in memory. */
  async #hasLostAlarm({ claims }: ContactState): Promise<boolean> {
    if (this.#armed || claims.length === 0) return false;
    this.#armed = (await this.ctx.storage.getAlarm()) !== null;
    return !this.#armed;
  }

  #turnPage(claims: Remembered[], pages: string[]): number {
    const kv = this.ctx.storage.kv;
    const last = Number(pages.at(-1)?.slice(PAGE_PREFIX.length) ?? 0);
    const page = PAGE_PREFIX + String(last + 1).padStart(8, "0");
    kv.put(page, claims);
    pages.push(page);
    const oldest = pages.length > MOST_PAGES ? pages.shift() : undefined;
    if (oldest !== undefined) kv.delete(oldest);
    return oldest === undefined ? 1 : 2;
  }

  async #setAlarm(): Promise<void> {
    this.#armed = true;
    await this.ctx.storage.setAlarm(Date.now() + CLAIMS_LIVE + SPARE);
  }
}
