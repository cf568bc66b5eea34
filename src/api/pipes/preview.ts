// /v1/pipes/preview: what a pipe would send, before it is made or changed.

import * as z from "zod";
import { countLatest, type FilterCount } from "../../pipes/filter-count.ts";
import { compileFilter } from "../../pipes/filter/filter.ts";
import { previewPipe } from "../../pipes/preview.ts";
import { json, needs, problems } from "../kit/responses.ts";
import { createRoute, router } from "../kit/routes.ts";
import { pipeIdOf } from "./named.ts";
import { valueOf } from "./problems.ts";
import { FilterCheck, PreviewRequest } from "./schemas.ts";

/** Mounted at /v1/pipes. */
export const pipePreview = router();

const Preview = z.object({
  body: z.string().describe("What is sent of the event, on its own"),
  request: z
    .object({
      method: z.string(),
      url: z.string(),
      headers: z.record(z.string(), z.string()),
      body: z.string(),
    })
    .nullable()
    .describe(
      "The request, without secrets and signature; null for kinds that take more than one HTTP request",
    ),
  passes: z.boolean().describe("Whether the filter lets this event through"),
  reason: z.string().nullable().describe("Why the filter fails on this event"),
  filter_check: FilterCheck,
});

const previewing = createRoute({
  ...needs("write"),
  method: "post",
  path: "/preview",
  tags: ["Pipes"],
  summary: "What a pipe would send, and what its filter would let through; nothing is sent or stored",
  description:
    "Pass a kind and settings, or a `pipe` with what you want to change. The event is a stored one (`event`: its id), one " +
    "of your own (`sample`: fields as /v1/events shows them), or the sample that `test` sends.",
  request: { body: { required: true, content: { "application/json": { schema: PreviewRequest } } } },
  responses: { 200: json("The preview", Preview), ...problems(400, 404, 409) },
});

pipePreview.openapi(previewing, async (c) => {
  const { pipe = null, kind, settings = {}, filter, event = null, sample = null } = c.req.valid("json");
  const id = pipe === null ? null : await pipeIdOf(c.var.db, pipe);
  const wish = { pipe: id, kind, settings, filter, event, sample };
  const { body, request, passes, latest } = valueOf(await previewPipe(c.env, wish));
  const reason = typeof passes === "string" ? passes : null;
  return c.json(
    { body, request, passes: passes === true, reason, filter_check: filterCheckView(latest) },
    200,
  );
});

/** What a filter that was just saved lets through of the latest events; null if there is none. */
export async function checkSaved(env: Env, text: string | null) {
  const filter = text === null ? null : compileFilter(text);
  return filter?.ok === true ? filterCheckView(await countLatest(env, filter.value)) : null;
}

function filterCheckView({ events, passed, failed, reason }: FilterCount) {
  const count = (n: number): string => n.toLocaleString("en");
  const on = failed === 0 ? "" : ` It fails on ${count(failed)} of them, which are not passed on.`;
  const summary =
    events === 0
      ? "There is no event yet to try it on."
      : `Of the last ${count(events)} events this lets through ${count(passed)}.${on}`;
  return { events, passed, failed, reason, summary };
}
