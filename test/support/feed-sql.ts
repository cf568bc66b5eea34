// SQL for tests and benchmarks that write events by themselves.

import { FEED_END } from "../../src/store/feed-rows.ts";

/** SQL for the seq of the next event, where `place` is its place among those of the statement, from 1 on. */
export const nextSeq = (place: string): string => `${FEED_END} + ${place}`;

/** Names the events behind the feed's end in the feed, as if they were stored from this archive object. */
export const nameInFeed = (batch: string): string => `
  INSERT INTO feed (first_seq, n, batch, stored_at, ids)
  SELECT min(seq), count(*), '${batch}', max(received_at), json_group_array(id ORDER BY seq)
  FROM events WHERE seq > ${FEED_END} GROUP BY (seq - 1) / 1000`;
