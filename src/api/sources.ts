// /v1/sources: whether each source is alive, and how much it delivered.

import * as z from "zod";
import { listSources } from "../store/events/sources.ts";
import { json, needs, problems } from "./kit/responses.ts";
import { createRoute, router } from "./kit/routes.ts";
import { Source } from "./schemas.ts";
import { sourceView } from "./views.ts";

/** The route of /v1/sources. */
export const sources = router();

const listing = createRoute({
  ...needs("read"),
  method: "get",
  path: "/",
  tags: ["Sources"],
  summary: "The state of every source that has ever sent anything",
  responses: {
    200: json("The sources", z.object({ sources: z.array(Source), next: z.null() })),
    ...problems(),
  },
});

sources.openapi(listing, async (c) =>
  c.json({ sources: (await listSources(c.var.db)).map(sourceView), next: null }, 200),
);
