// The Durable Object of one contact, named by its address: storage only, it calls nothing. It keeps the claims of the
// last thirty days and the state that needs an order.
//
// Rows written are the bill: one per call with anything new, whatever it brings; a full page now and then; the alarm once
// per period. The key-value interface is used because a table of its own would cost two rows for every new contact.

import { DurableObject } from "cloudflare:workers";
import { configOf } from "../config/config.ts";
import { strongestOf } from "../model/suppression/fold.ts";
import { NO_EVIDENCE } from "../model/suppression/evidence.ts";
import type { Policies } from "../model/suppression/policy.ts";
import { applyCorrection, type Correction } from "./corrections.ts";
import { applyCommands, type CommandAnswer, type Command } from "./commands.ts";
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

const PAGE = 256; // claims that are rewritten with each call
const MOST_PAGES = 400; // a hundred thousand claims; past that the store's unique ids alone keep repeats out

/** ms that the alarm comes after the oldest claim may go, so that it finds all of a day's. */
const SPARE = 86_400_000;

/** ms for which what a tombstone keeps may not have been noted elsewhere yet, so that a new one keeps it too. */
const UNDER_WAY = 3_600_000;

const STATE = "state";
const PAGE_PREFIX = "page:";

const NEW_CONTACT: ContactState = { facts: NO_EVIDENCE, version: 0, suppressions: [], claims: [] };

export class Contact extends DurableObject<Env> {
  #loaded: { state: ContactState; origins: Map<string, string>; pages: string[] } | null = null;

  /**
   * Decides which of the claimed events are this contact's for the first time, or again for the same envelope.
   * Atomic; calling it again with the same claims gives the same answer. What an envelope said when it was read otherwise,
   * and does not say any more, no longer counts; so where an envelope's events of this contact are claimed by several
   * calls, `elsewhere` has the keys of the other ones.
   */
  async claim(claims: Claim[], elsewhere: string[] = []): Promise<ClaimAnswer> {
    return await this.#change(true, (state, origins, policies) =>
      decide(state, origins, { claims, elsewhere }, Date.now(), policies),
    );
  }

  /**
   * Carries out what people ordered, one after the other. Atomic; an order that changes nothing any more does no harm, and
   * the state comes back in either case, so that whoever asks again can complete what was told half.
   */
  async execute(orders: Command[]): Promise<CommandAnswer> {
    return await this.#change(false, (before, _, policies) => {
      const { changed, state } = applyCommands(before, orders, Date.now(), policies);
      return { changed, state, snapshot: { version: state.version, suppressions: state.suppressions } };
    });
  }

  /** Takes back what events said and notes what they say now. Atomic; the same again changes nothing more. */
  async correct(correction: Correction): Promise<ClaimAnswer> {
    return await this.#change(true, (state, origins, policies) =>
      applyCorrection(state, origins, correction, Date.now(), policies),
    );
  }

  /** Makes a transition and keeps the state that it leads to. `claims`: whether it may bring the first claims. */
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
      this.#loaded = null; // what memory holds may be ahead of what was written
      throw error;
    }
  }

  /**
   * Erases the contact for the request with this id, and from then on knows what it was received before. The claims stay
   * for their time, as hashes without an origin, so that a late repeat of what was erased is not taken for news.
   */
  async erase(id: string): Promise<Tombstone> {
    const { state, origins, pages } = this.#load();
    if (state.erased?.id === id) return state.erased;
    const kv = this.ctx.storage.kv;
    const now = Date.now();
    const strongest = strongestOf(state.suppressions);
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

  /** Forgets expired claims. With the last of them goes the object, unless its state ever showed. */
  override async alarm(): Promise<void> {
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
    // An active contact's state is not rewritten for this, which would be one more row: its next change drops them anyhow.
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

  /** No await between the writes: the runtime makes them one. Returns how many rows they are. */
  async #write(next: ContactState, idle: boolean): Promise<number> {
    const loaded = this.#load();
    loaded.state = next.claims.length < PAGE ? next : { ...next, claims: [] };
    const turned = loaded.state === next ? 0 : this.#turnPage(next.claims, loaded.pages);
    this.ctx.storage.kv.put(STATE, loaded.state);
    const wakes = idle && loaded.pages.length === 0;
    if (wakes) await this.#setAlarm();
    return turned + 1 + (wakes ? 1 : 0);
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
    await this.ctx.storage.setAlarm(Date.now() + CLAIMS_LIVE + SPARE);
  }
}
