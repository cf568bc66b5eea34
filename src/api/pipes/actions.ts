// /v1/pipes/{id}/...: what a person does with one pipe, and the events that wait in it.

import * as z from "zod";
import { discardWaiting } from "../../pipes/discard.ts";
import { pauseByHand, resumeByHand, rotateSecrets, sendSample } from "../../pipes/manage.ts";
import { showWaiting } from "../../pipes/show.ts";
import { instant } from "../kit/parameters.ts";
import { json, needs, problems } from "../kit/responses.ts";
import { createRoute, router } from "../kit/routes.ts";
import { iso } from "../views.ts";
import { pathPipe, pipeParams } from "./named.ts";
import { valueOf } from "./problems.ts";
import { GeneratedSecrets, OlderSecrets, Pipe, SampleResult, Waiting } from "./schemas.ts";
import { olderSecretView, pipeView, waitingView } from "./views.ts";

const tags = ["Pipes"];

/** Mounted at /v1/pipes. */
export const pipeActions = router();

const pausing = createRoute({
  ...needs("write"),
  method: "post",
  path: "/{id}/pause",
  tags,
  summary: "Pause a pipe; it keeps its position",
  request: { params: pipeParams },
  responses: { 200: json("The pipe", Pipe), ...problems(404, 409) },
});

pipeActions.openapi(pausing, async (c) => {
  const pipe = valueOf(await pauseByHand(c.env, await pathPipe(c), c.var.token.name));
  return c.json(pipeView(pipe, c.var.token.scopes), 200);
});

const resuming = createRoute({
  ...needs("write"),
  method: "post",
  path: "/{id}/resume",
  tags,
  summary: "Go on at once from where the pipe stopped, also if it waits for its destination",
  request: { params: pipeParams },
  responses: { 200: json("The pipe", Pipe), ...problems(404) },
});

pipeActions.openapi(resuming, async (c) => {
  const pipe = valueOf(await resumeByHand(c.env, await pathPipe(c)));
  return c.json(pipeView(pipe, c.var.token.scopes), 200);
});

const testing = createRoute({
  ...needs("write"),
  method: "post",
  path: "/{id}/test",
  tags,
  summary: "Send a sample event, and see what went over the wire, without secrets",
  request: { params: pipeParams },
  responses: { 200: json("What came of it", SampleResult), ...problems(404, 409) },
});

pipeActions.openapi(testing, async (c) => {
  const account = valueOf(await sendSample(c.env, await pathPipe(c)));
  const { outcome, at, id, exchanges } = account;
  return c.json(
    { outcome: outcome.result, reason: outcome.reason, at: iso(at), attempt: id, exchanges },
    200,
  );
});

const rotating = createRoute({
  ...needs("admin"),
  method: "post",
  path: "/{id}/rotate",
  tags,
  summary: "Generate a signing secret beside the present ones, which sign for another 24 hours",
  description:
    "Up to three secrets sign at once. A rotation that would have to drop one that is in use is answered 409. If a secret " +
    "leaked, pass `now=true`: all older ones end at once, and receivers refuse events until they know the new one.",
  request: {
    params: pipeParams,
    query: z.strictObject({
      now: z
        .enum(["true", "false"], "must be true or false")
        .optional()
        .describe("End the older secrets at once"),
    }),
  },
  responses: {
    200: json("The new secret", z.object({ made: GeneratedSecrets, older_secrets: OlderSecrets })),
    ...problems(400, 404, 409),
  },
});

pipeActions.openapi(rotating, async (c) => {
  const atOnce = c.req.valid("query").now === "true";
  const { made, olderSecrets } = valueOf(await rotateSecrets(c.env, await pathPipe(c), { atOnce }));
  return c.json({ made, older_secrets: olderSecrets.map(olderSecretView) }, 200);
});

const waiting = createRoute({
  ...needs("read"),
  method: "get",
  path: "/{id}/waiting",
  tags,
  summary: "Events that failed alone and are tried again, the next ones first; at most 1,000",
  request: { params: pipeParams },
  responses: {
    200: json("The events", z.object({ waiting: z.array(Waiting), next: z.null() })),
    ...problems(404),
  },
});

pipeActions.openapi(waiting, async (c) => {
  const list = valueOf(await showWaiting(c.env, c.var.db, await pathPipe(c)));
  return c.json({ waiting: list.map(waitingView), next: null }, 200);
});

const yesOrNo = z
  .enum(["true", "false"], "must be true or false")
  .default("false")
  .transform((word) => word === "true");

const discarding = createRoute({
  ...needs("write"),
  method: "delete",
  path: "/{id}/waiting",
  tags,
  summary: "Let go of the events that wait; they are not sent any more",
  description:
    "For a destination that will never take them. A redelivery sends them all the same. What is under way at that moment may " +
    "still arrive.",
  request: {
    params: pipeParams,
    query: z.strictObject({
      before: instant.optional().describe("Only events received before"),
      behind: yesOrNo.describe("Also the events that the pipe has not looked at yet (`health.behind`)"),
      dry_run: yesOrNo.describe("Only count them"),
    }),
  },
  responses: {
    200: json(
      "How many",
      z.object({
        discarded: z.int().describe("How many waited"),
        behind: z.int().describe("How many the pipe had not looked at; 0 without `behind=true`"),
        dry_run: z.boolean(),
      }),
    ),
    ...problems(400, 404),
  },
});

pipeActions.openapi(discarding, async (c) => {
  const { before = null, behind, dry_run: dryRun } = c.req.valid("query");
  const discarded = valueOf(await discardWaiting(c.env, await pathPipe(c), { before, behind, dryRun }));
  return c.json({ discarded: discarded.waiting, behind: discarded.behind, dry_run: dryRun }, 200);
});
