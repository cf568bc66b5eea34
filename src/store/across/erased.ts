// Which addresses were erased, over several databases: the home knows the erasures, and the database of a contact whether
// its state was stored again since.

import type { Db } from "../db.ts";
import { erasedAmong } from "../erasure/gone.ts";
import type { Shards } from "../shards.ts";
import { askOne, atOnce, onlyShard } from "./ask.ts";

/** When each of these normalised addresses was erased, ms, as erasedAmong has it. Rejects if a database does not answer. */
export async function erasedAmongAcross(
  shards: Shards,
  bucket: R2Bucket,
  addresses: readonly string[],
): Promise<Map<string, number>> {
  const erased = await erasedAmong(shards.home, bucket, addresses);
  if (onlyShard(shards) !== null || erased.size === 0) return erased;
  const groups = [...(await shards.group([...erased.keys()], (address) => address))];
  const again = await atOnce(
    groups,
    async ([shard, own]) => await askOne(shard, async (db) => await withState(db, own)),
  );
  for (const address of again.flat()) erased.delete(address);
  return erased;
}

/** Those of the contacts that have a state. */
async function withState(db: Db, contacts: readonly string[]): Promise<string[]> {
  const { results } = await db
    .prepare("SELECT c.contact FROM json_each(?1) AS x CROSS JOIN contacts AS c ON c.contact = x.value")
    .bind(JSON.stringify(contacts))
    .all<{ contact: string }>();
  return results.map(({ contact }) => contact);
}
