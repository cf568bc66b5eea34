// /v1/sources: whether each source is alive, and what it brought.

import * as z from "zod";
import { listSources } from "../store/events/sources.ts";
import { json, needs, problems } from "./kit/responses.ts";
import { createRoute, router } from "./kit/routes.ts";
import { Source } from "./schemas.ts";
import { sourceView } from "./views.ts";

export const sources = router();

const listing = createRoute({
  ...needs("read"),
  method: "get",
  path: "/",
  tags: ["Sources"],
  summary: "The health of every source that ever sent something",
  responses: {
    200: json("The sources", z.object({ sources: z.array(Source), next: z.null() })),
    ...problems(),
  },
});

sources.openapi(listing, async (c) =>
  c.json({ sources: (await listSources(c.var.db)).map(sourceView), next: null }, 200),
);
