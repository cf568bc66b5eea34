// A session of every database for one request, and the bookmark of all of them. With one database it is D1's own; with
// several it names those that the request touched, as in `0.<bookmark>~2.<bookmark>`.

import { shardsIn, type Shards } from "../shards.ts";
import { databasesOf } from "./databases.ts";
import { mapOf } from "./map.ts";

const ONE = /^[\w-]{1,200}$/;
const SEVERAL = /^\d{1,3}\.[\w-]{1,200}(?:~\d{1,3}\.[\w-]{1,200}){0,127}$/;

/** Whether a text can be a bookmark. */
export const isBookmark = (text: string): boolean => ONE.test(text) || SEVERAL.test(text);

/** The databases in the course of one request. */
export interface Sessions {
  shards: Shards;
  /** How new the data were that the request read, and what it wrote; null if it touched no database. */
  bookmark(): string | null;
}

/**
 * Sessions of all databases. `bookmark`: of an earlier answer; `otherwise`: where a database begins that it does not name
 * (https://developers.cloudflare.com/d1/best-practices/read-replication/).
 */
export function sessionsOf(
  env: Pick<Env, "DB">,
  bookmark: string | undefined,
  otherwise: "first-unconstrained" | "first-primary",
): Sessions {
  const begins = beginningsIn(bookmark);
  const [home, ...others] = databasesOf(env);
  const begin = ({ index, db }: typeof home) => ({
    index,
    db: db.withSession(begins.get(index) ?? otherwise),
  });
  const all = [begin(home), ...others.map(begin)] as const;
  return {
    shards: shardsIn(env, [...all]),
    bookmark() {
      if (others.length === 0) return all[0].db.getBookmark();
      const reached = all.flatMap(({ index, db }) => {
        const own = db.getBookmark();
        return own === null ? [] : [`${index}.${own}`];
      });
      return reached.length === 0 ? null : reached.join("~");
    },
  };
}

/** Where each database begins, by number. A bookmark without numbers is the home's. */
function beginningsIn(bookmark: string | undefined): Map<number, string> {
  if (bookmark === undefined) return new Map();
  if (ONE.test(bookmark)) return new Map([[0, bookmark]]);
  return new Map(
    bookmark.split("~").map((part) => {
      const [number = "", own = ""] = part.split(".");
      return [Number(number), own];
    }),
  );
}

/** Rejects with an outage if an answer from these databases could be incomplete (map.ts). */
export async function checkShards(env: Pick<Env, "DB">): Promise<void> {
  await mapOf(env);
}
