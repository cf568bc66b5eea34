// Which feed a pipe reads next. Each database has a feed of stored events and one of system events, and a pipe takes
// those that have something new in turn, a page of one feed at a time, so that none holds up another. Inside a feed
// the order of storage is kept, and a contact's events lie in the feed of its database. With one database there is
// nothing to choose, and nothing is asked.
//
// A contact that moves to another database goes on in that one's feed. An ordered pipe may read the events there only
// once it is through with those in the old feed: `due` is where a feed is held back for that.

import { endOfFeed } from "../../store/events/feed.ts";
import { readOneFeed } from "../../store/events/feeds.ts";
import { lastSeqOf, type FeedPosition } from "../../store/feed-position.ts";
import { endOfSystemEvents, readSystemEvents } from "../../store/pipes/system-events.ts";
import type { Shards } from "../../store/shards.ts";
import { eventRow, systemEventRow, type Row } from "../rows.ts";
import type { Feed } from "../state.ts";

/** The next rows of one feed. */
export interface NextRows {
  rows: Row[];
  /** Whether more may follow, in this feed or in another one. */
  more: boolean;
}

/** Where to read. `first`: a feed that has precedence if it has something new; null for none. */
export interface Place {
  after: FeedPosition;
  limit: number;
  first: number | null;
}

/** Reads the rows behind a position, feed by feed. */
export type Turns = (place: Place) => Promise<NextRows>;

/**
 * Makes the reader of one sort of feeds. A database that does not answer holds up only its own feed: what the others have
 * is read first, and then the call rejects.
 */
export function createTurns(shards: Shards, which: Feed): Turns {
  let turn = 0;
  const endIn = which === "events" ? endOfFeed : endOfSystemEvents;
  const due = async ({ after, first }: Place): Promise<{ feeds: number[]; failures: unknown[] }> => {
    const ends = await Promise.allSettled(shards.all.map(async ({ db }) => await endIn(db)));
    const feeds = shards.all.flatMap(({ index }, at) => {
      const end = ends[at];
      return end?.status === "fulfilled" && end.value > lastSeqOf(after, index) ? [index] : [];
    });
    const begin = first !== null && feeds.includes(first) ? first : turn;
    return {
      feeds: [...feeds.filter((feed) => feed >= begin), ...feeds.filter((feed) => feed < begin)],
      failures: ends.flatMap((end) => (end.status === "rejected" ? [end.reason] : [])),
    };
  };
  return async (place) => {
    if (shards.all.length === 1) return await readRows(shards, which, 0, place);
    const { feeds, failures } = await due(place);
    for (const [index, feed] of feeds.entries()) {
      try {
        const { rows, more } = await readRows(shards, which, feed, place);
        if (rows.length === 0) continue; // all that is behind the position was deleted
        turn = feed + 1;
        return { rows, more: more || index + 1 < feeds.length || failures.length > 0 };
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    return { rows: [], more: false };
  };
}

async function readRows(
  shards: Shards,
  which: Feed,
  feed: number,
  { after, limit }: Place,
): Promise<NextRows> {
  if (which === "events") {
    const { events, more } = await readOneFeed(shards, feed, { after, limit });
    return { rows: events.map(eventRow), more };
  }
  const events = await readSystemEvents(shards, feed, { after, limit });
  return { rows: events.map(systemEventRow), more: events.length === limit };
}
