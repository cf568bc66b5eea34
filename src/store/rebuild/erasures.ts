// What the journal knows of erasures, brought back into the database: requests and receipts, and the suppressions that
// outlive erased contacts. A request that was under way is known by its hash alone. Its address comes back to its row when
// the archive or the journal names it, and the work then goes on under the tombstone that the contact's object has.

import { contactPrefix } from "../../model/event-id.ts";
import type { ErasureAct } from "../bucket/journal.ts";

const COLUMNS =
  "id hash note asked_at asked_by tombstone begun erased_at version pass events messages contacts suppressions claims " +
  "dead_letters looked_at rewritten elements mentions names unreadable unreadable_keys kept_reason kept_since finished_at";
const NAMES = COLUMNS.split(" ");

/** ?1: JSON of the receipt. */
const RESTORE_RECEIPT = `
  INSERT INTO erasures (${NAMES.join(", ")}) SELECT ${NAMES.map((name) => `?1->>'${name}'`).join(", ")} WHERE true
  ON CONFLICT DO UPDATE SET ${NAMES.map((name) => `${name} = excluded.${name}`).join(", ")}
  WHERE erasures.contact IS NULL AND erasures.finished_at IS NULL`;

const KEEP = "INSERT INTO erased (hash, reason, since) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";

/** The statements that bring back what happened to an erasure. Repeating them in order changes nothing. */
export function restoreErasure(db: D1Database, act: ErasureAct): D1PreparedStatement[] {
  switch (act.kind) {
    case "erasure": {
      const { id, hash, note, asked_at, asked_by, tombstone } = act;
      return [
        db
          .prepare(
            `INSERT INTO erasures (id, hash, note, asked_at, asked_by, tombstone, erased_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?4)
             ON CONFLICT DO UPDATE SET tombstone = excluded.tombstone
             WHERE erasures.contact IS NULL AND erasures.finished_at IS NULL`,
          )
          .bind(id, hash, note, asked_at, asked_by, tombstone),
      ];
    }
    case "erased":
      return [db.prepare(RESTORE_RECEIPT).bind(JSON.stringify(act.receipt))];
    case "kept":
      return [db.prepare(KEEP).bind(act.hash, act.reason, act.since)];
    case "kept ended":
      return [
        db
          .prepare(
            "DELETE FROM erased WHERE hash IN (SELECT value FROM json_each(?1)) AND (?2 IS NULL OR reason = ?2)",
          )
          .bind(JSON.stringify(act.hashes), act.reason),
      ];
  }
}

/** Lets the erasure of this contact go on, if a restored request waits for the address. */
export async function reopenErasure(db: D1Database, hash: string, contact: string): Promise<void> {
  await db
    .prepare(
      `UPDATE OR IGNORE erasures SET contact = ?2, prefix = ?3, begun = 0, pass = 1, cursor = '', rows_cursor = ''
       WHERE id = (SELECT id FROM erasures WHERE hash = ?1 AND contact IS NULL AND finished_at IS NULL
         ORDER BY id DESC LIMIT 1)`,
    )
    .bind(hash, contact, contactPrefix(contact))
    .run();
}

/** Ends the requests whose address nothing names any more: there is nothing left to erase. `at`: ms. */
export function endNameless(db: D1Database, at: number): D1PreparedStatement {
  return db
    .prepare("UPDATE erasures SET finished_at = ?1, begun = 1 WHERE contact IS NULL AND finished_at IS NULL")
    .bind(at);
}
