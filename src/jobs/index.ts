// The scheduled jobs, in the order in which they begin: urgent and light ones first, heavy ones last.

import { configOf } from "../config/config.ts";
import { takeOverImports } from "../contact/import.ts";
import { endSuppressions } from "../contact/ends.ts";
import { continueErasures } from "../erasure/erase.ts";
import { continueRemovals } from "../erasure/source/remove.ts";
import { repeatsWithin } from "../history/repeats.ts";
import { respell } from "../history/respell.ts";
import { sweep } from "../ingest/spool.ts";
import { maintainPipes, wakePipes } from "../pipes/wake.ts";
import { continueRebuild } from "../rebuild/run.ts";
import { buryGivenUp } from "../process/given-up.ts";
import { storeOf } from "../store/db.ts";
import { shardsOf } from "../store/shards.ts";
import { forEach, inTurns } from "../store/shards/each.ts";
import { isRunning } from "../store/rebuild/rebuilds.ts";
import { forgetTallies } from "../store/events/sources.ts";
import { countOverdue } from "../store/write/counting.ts";
import { forgetNetworks } from "../store/write/outside-networks.ts";
import { forgetWords } from "../store/write/unknown-words.ts";
import { forgetDecided } from "../store/suppressions/bulk.ts";
import { retain } from "../store/write/retention.ts";
import type { Job } from "./job.ts";
import { watchStorage } from "./watch-storage.ts";
import { MINUTE } from "../lib/time.ts";

/** Queries of a run that looks again at repeats: the jobs of a run share a thousand. */
const MOST_QUERIES = 300;
/** Steps in which a run counts the events of all databases, each of at most 5,000. */
const COUNTED_A_RUN = 20;

/** All scheduled jobs. */
export const JOBS: readonly Job[] = [
  {
    name: "spool",
    does: "Moves deliveries that the queue did not accept, or that came by the backup URL, from the spool into the queue.",
    deadline: MINUTE,
    patience: 15 * MINUTE,
    async run(env) {
      const envelopes = await sweep(env);
      return envelopes > 0 ? { envelopes } : undefined;
    },
  },
  {
    name: "pipes",
    does: "Wakes all running pipes, and deletes data that no pipe will read any more.",
    deadline: MINUTE,
    patience: 15 * MINUTE,
    async run(env, now) {
      await maintainPipes(env, now);
      return undefined;
    },
  },
  {
    name: "counting",
    does: "Counts the events that were stored ten minutes ago and are not counted yet. Statistics include them before that.",
    deadline: MINUTE / 3,
    patience: 60 * MINUTE,
    async run(env, now) {
      let left = COUNTED_A_RUN;
      await inTurns(shardsOf(env).all, now, async ({ db }) => {
        left -= await countOverdue(db, now, left);
        return left > 0;
      });
      return undefined;
    },
  },
  {
    name: "imports",
    does: "Tells the contacts' objects of suppressions that were imported. These are in force before that.",
    deadline: MINUTE / 3,
    patience: 60 * MINUTE,
    async run(env, now) {
      const contacts = await takeOverImports(env, now);
      return contacts > 0 ? { contacts } : undefined;
    },
  },
  {
    name: "given-up",
    does: "Makes dead letters of the deliveries that the queue has given up.",
    deadline: MINUTE,
    patience: 60 * MINUTE,
    async run(env) {
      const envelopes = await buryGivenUp(env);
      return envelopes > 0 ? { envelopes } : undefined;
    },
  },
  {
    name: "source-tallies",
    does: "Deletes the notes of which deliveries were counted for their source, once no repeat of them can arrive any more, and unknown words and networks that did not come for 90 days.",
    deadline: MINUTE / 2,
    patience: 60 * MINUTE,
    async run(env, now) {
      await forgetTallies(storeOf(env), now);
      await forgetNetworks(storeOf(env), now);
      await forEach(shardsOf(env).all, async ({ db }) => await forgetWords(db, now));
      return undefined;
    },
  },
  {
    name: "suppression-ends",
    does: "Writes down that suppressions with an end have ended, tells the pipes, and forgets the addresses of decisions in bulk after 30 days.",
    deadline: MINUTE / 4,
    patience: 60 * MINUTE,
    async run(env, now) {
      await forgetDecided(storeOf(env), now);
      const contacts = await endSuppressions(env, now);
      if (contacts === 0) return undefined;
      await wakePipes(env, now);
      return { contacts };
    },
  },
  {
    name: "rebuild",
    does: "Continues to rebuild the database from the archive, if somebody asked for it.",
    deadline: MINUTE,
    patience: 60 * MINUTE,
    async run(env, now) {
      const rebuild = await continueRebuild(env, now + (2 / 3) * MINUTE);
      return rebuild !== null && isRunning(rebuild) ? { events: rebuild.events } : undefined;
    },
  },
  {
    name: "storage",
    does: "Looks at the size of each database, and tells the log when it passes 70, 85 and 95 percent of the limit.",
    deadline: MINUTE / 4,
    patience: 60 * MINUTE,
    async run(env, now) {
      await watchStorage(env, configOf(env), now);
      return undefined;
    },
  },
  {
    name: "retention",
    does: "Deletes events and archived deliveries that are older than the configured retention.",
    deadline: 1.5 * MINUTE,
    patience: 60 * MINUTE,
    async run(env, now) {
      const ended = await retain(env, configOf(env).retention, now);
      return ended.events + ended.objects > 0 ? ended : undefined;
    },
  },
  {
    name: "addresses",
    does: "After an upgrade, joins contacts that were stored under several spellings of one address.",
    deadline: MINUTE / 2,
    patience: 60 * MINUTE,
    async run(env, now) {
      const contacts = (await respell(env, now)) ?? 0;
      return contacts > 0 ? { contacts } : undefined;
    },
  },
  {
    name: "erasures",
    does: "Continues erasures of contacts, and begins the second pass of those whose waiting time is over.",
    deadline: 4 * MINUTE,
    patience: 30 * MINUTE,
    async run(env, now) {
      const erasures = await continueErasures(env, now);
      if (erasures === 0) return undefined;
      await wakePipes(env, now); // pipes may have run before the erasure stored its system events
      return { erasures };
    },
  },
  {
    name: "removals",
    does: "Continues to remove the data of sources, and begins the next pass of those whose waiting time is over.",
    deadline: MINUTE / 2,
    patience: 30 * MINUTE,
    async run(env, now) {
      const removals = await continueRemovals(env, now, repeatsWithin(MOST_QUERIES));
      if (removals === 0) return undefined;
      await wakePipes(env, now); // suppressions may have ended
      return { removals };
    },
  },
];
