// /v1/sources: whether each source is alive, how much it delivered, and which of its words nobody knows.

import * as z from "zod";
import { configOf, type Config } from "../config/config.ts";
import { fingerprintOf } from "../config/fingerprint.ts";
import { allows, type TokenScope } from "../model/token-scope.ts";
import { credentialUses } from "../store/credentials.ts";
import type { Db } from "../store/db.ts";
import { findSourceAcross, listSourcesAcross } from "../store/across/sources.ts";
import { ProblemError } from "./kit/problem.ts";
import { json, needs, problems } from "./kit/responses.ts";
import { needsSource, sees } from "./kit/reach.ts";
import { createRoute, router } from "./kit/routes.ts";
import { Source, SourceWithWords } from "./schemas.ts";
import { isoOrNull, networkView, sourceView, wordView } from "./views.ts";

const tags = ["Sources"];

/** The routes of /v1/sources. */
export const sources = router();

const listing = createRoute({
  ...needs("read", "filters"),
  method: "get",
  path: "/",
  tags,
  summary: "The state of every source that has ever sent anything",
  responses: {
    200: json("The sources", z.object({ sources: z.array(Source), next: z.null() })),
    ...problems(),
  },
});

sources.openapi(listing, async (c) =>
  c.json(
    {
      sources: (await listSourcesAcross(c.var.shards))
        .filter(({ source }) => sees(c.var.token, source))
        .map(sourceView),
      next: null,
    },
    200,
  ),
);

const single = createRoute({
  ...needs("read", "filters"),
  method: "get",
  path: "/{source}",
  tags,
  summary: "The state of a source, and the words in its reports that Tidings does not know",
  description:
    "A provider that changes its webhooks shows here first: `unknown` counts, for each word, the events whose type, " +
    "reason or time could not be read, or that lack a field. At most 100 words are counted one by one, the others as " +
    "`(others)`; a word that did not come for 90 days is forgotten. `outside_networks` lists in the same way from where " +
    "the requests came that `outside` counts, so that a list can be completed before it is enforced. `credentials` tells " +
    "when each of them was last used, so that an old one can be taken away without a gap.",
  request: { params: z.object({ source: z.string() }) },
  responses: { 200: json("The source", SourceWithWords), ...problems(404) },
});

sources.openapi(single, async (c) => {
  const { source } = c.req.valid("param");
  needsSource(c.var.token, source);
  const record = await findSourceAcross(c.var.shards, source);
  if (record === null) throw new ProblemError(404, "No source of this name has ever sent anything.");
  return c.json(
    {
      ...sourceView(record),
      outside_networks: record.networks.map(networkView),
      credentials: await credentialsOf(c.var.db, configOf(c.env), source, c.var.token.scopes),
      unknown: record.unknown.map(wordView),
    },
    200,
  );
});

/** The configured credentials of a source, and when each was last used. Who may not see secrets sees no fingerprints. */
async function credentialsOf(
  db: Db,
  { sources: configured }: Config,
  source: string,
  scopes: readonly TokenScope[],
): Promise<z.output<typeof SourceWithWords>["credentials"]> {
  const uses = await credentialUses(db, source);
  return (configured.get(source)?.credentials ?? []).map((credential, i) => {
    const fingerprint = fingerprintOf(credential);
    return {
      position: i + 1,
      fingerprint: allows(scopes, "admin") ? fingerprint : null,
      last_used_at: isoOrNull(uses.get(fingerprint) ?? null),
    };
  });
}
