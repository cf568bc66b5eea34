// /v1/pipe-kinds: the kinds of pipe, and the settings of each.

import * as z from "zod";
import { kinds } from "../../pipes/kinds/index.ts";
import { json, needs, problems } from "../kit/responses.ts";
import { createRoute, router } from "../kit/routes.ts";

/** Mounted at /v1/pipe-kinds. */
export const pipeKinds = router();

const PipeKind = z.object({
  kind: z.string(),
  title: z.string(),
  secrets: z.array(z.string()).describe("Settings that are stored encrypted and never shown"),
  most_events: z.int().describe("Most events in one request"),
  lacks: z
    .string()
    .nullable()
    .describe("What this deployment lacks for pipes of this kind, and what to do; null if nothing"),
  settings: z.record(z.string(), z.unknown()).describe("JSON Schema"),
});

const listing = createRoute({
  ...needs("read", "serves"),
  method: "get",
  path: "/",
  tags: ["Pipes"],
  summary: "The kinds of pipe, and the settings of each as JSON Schema",
  responses: {
    200: json("The kinds", z.object({ pipe_kinds: z.array(PipeKind), next: z.null() })),
    ...problems(),
  },
});

pipeKinds.openapi(listing, async (c) => {
  const list = Object.values(kinds).map(({ id, title, secrets, batch, settings, ...kind }) => ({
    kind: id,
    title,
    secrets: [...secrets],
    most_events: batch.events,
    lacks: kind.lacks?.(c.env) ?? null,
    settings: z.toJSONSchema(settings, { io: "input", unrepresentable: "any" }) as Record<string, unknown>,
  }));
  return c.json({ pipe_kinds: list, next: null }, 200);
});
