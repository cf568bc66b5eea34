// Marks of the consumer. Before it works on messages that were delivered before, it marks them, and it deletes the mark
// when it is done or has caught a failure. A mark that is still there later was left by a process that ended in between,
// without an exception: by its CPU or memory limit, or by a deployment. The names of the messages are in the object's
// metadata, so that one list call reads all marks.

import { newId, timeOfId } from "../../lib/time-id.ts";
import { DAY } from "../../lib/time.ts";
import { WORKING, workingKey } from "./layout.ts";

/** A mark: the ids of the messages that were worked on together. */
export interface WorkingMark {
  key: string;
  /** When it was made, ms. */
  at: number;
  messages: readonly string[];
}

/** How long a mark says anything, ms: longer than a message waits between two tries. */
const LIVES = DAY;
/** Most pages of 1,000 marks that are read: there is one for each process that ended within a day. */
const MOST_PAGES = 10;
/** The end of an id that is kept: all of a queue's id, which has 32 digits. A batch has at most 100 of them. */
const ID_CHARS = 32;

/** The form in which a mark names a message. */
export function markedAs(message: string): string {
  return message.slice(-ID_CHARS);
}

/** Marks messages as being worked on together. Resolves to the mark's key. */
export async function putMark(bucket: R2Bucket, messages: readonly string[], now: number): Promise<string> {
  const key = workingKey(newId(now));
  await bucket.put(key, "", { customMetadata: { messages: messages.map(markedAs).join() } });
  return key;
}

/** The marks of the last day. Deletes older ones. `now`: ms. */
export async function listMarks(bucket: R2Bucket, now: number): Promise<WorkingMark[]> {
  const marks: WorkingMark[] = [];
  const old: string[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const from = cursor === undefined ? {} : { cursor };
    const listed = await bucket.list({ prefix: WORKING, include: ["customMetadata"], ...from });
    for (const { key, customMetadata } of listed.objects) {
      const at = timeOfId(key.slice(WORKING.length));
      if (at < now - LIVES) old.push(key);
      else marks.push({ key, at, messages: (customMetadata?.["messages"] ?? "").split(",") });
    }
    if (!listed.truncated) break;
    ({ cursor } = listed);
  }
  await deleteMarks(bucket, old.slice(0, 1_000));
  return marks;
}

/** Deletes marks. */
export async function deleteMarks(bucket: R2Bucket, keys: readonly string[]): Promise<void> {
  if (keys.length > 0) await bucket.delete([...keys]);
}
