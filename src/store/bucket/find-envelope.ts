// Finds an envelope in the archive by its id. No table says which object holds it, because one row for each delivery
// would cost more than all that it is good for. But ids begin with the time of receipt, and objects are named by the time
// at which a consumer took their envelopes on, mostly seconds later: so the object is one of the next few.

import { inPool } from "../../lib/pool.ts";
import { timeOfId } from "../../lib/time-id.ts";
import { DAY } from "../../lib/time.ts";
import { fromLine, type Envelope } from "../../model/envelope.ts";
import { listBatches } from "./archive.ts";
import { archiveKey } from "./layout.ts";
import { isContentError, linesOf } from "./lines.ts";

/** How many objects behind the time of receipt are looked at, and for how long a day is enough, ms. */
export const MOST_OBJECTS = 100;
const MOST_LATE = DAY;
const AT_ONCE = 4;

/** An envelope in the archive: its object, the line in it, and itself. */
export interface ArchivedPlace {
  batch: string;
  line: number;
  envelope: Envelope;
}

/**
 * The places of the envelope with this id, in order of time; empty if it is not among the next 100 objects. A delivery
 * whose consumer died on the way may have two.
 */
export async function findEnvelope(bucket: R2Bucket, id: string): Promise<ArchivedPlace[]> {
  const received = timeOfId(id);
  const range = { from: received, to: received + MOST_LATE, after: null, limit: MOST_OBJECTS };
  const places: ArchivedPlace[] = [];
  await inPool(await listBatches(bucket, range), { atOnce: AT_ONCE }, async (batch) => {
    const place = await findIn(bucket, batch, id);
    if (place !== null) places.push(place);
  });
  return places.toSorted((a, b) => (a.batch < b.batch ? -1 : 1));
}

async function findIn(bucket: R2Bucket, batch: string, id: string): Promise<ArchivedPlace | null> {
  const object = await bucket.get(archiveKey(batch));
  if (object === null) return null;
  const zipped = new Uint8Array(await object.arrayBuffer());
  const mark = JSON.stringify(id);
  try {
    let line = 0;
    for await (const text of linesOf(zipped)) {
      if (text.includes(mark)) {
        const envelope = fromLine(text);
        if (envelope.id === id) return { batch, line, envelope };
      }
      line += 1;
    }
  } catch (error) {
    if (!isContentError(error)) throw error; // an object that nobody can read holds nothing for anybody
  }
  return null;
}
