// /v1/pipes: destinations to which events are passed on, listed, created, changed and deleted.

import * as z from "zod";
import { createPipe, removePipe, updatePipe } from "../../pipes/manage.ts";
import { showPipe, showPipes } from "../../pipes/show.ts";
import { json, needs, problems } from "../kit/responses.ts";
import { createRoute, router } from "../kit/routes.ts";
import { pipeActions } from "./actions.ts";
import { pathPipe, pipeParams } from "./named.ts";
import { checkSaved, pipePreview } from "./preview.ts";
import { refuseOwnSources } from "./own-source.ts";
import { valueOf } from "./problems.ts";
import { FilterCheck, GeneratedSecrets, NewPipe, Pipe, PipeChange } from "./schemas.ts";
import { pipeView } from "./views.ts";

const tags = ["Pipes"];

/** Mounted at /v1/pipes. */
export const pipes = router();

const listing = createRoute({
  ...needs("read"),
  method: "get",
  path: "/",
  tags,
  summary: "All pipes, and how they are doing",
  responses: { 200: json("The pipes", z.object({ pipes: z.array(Pipe), next: z.null() })), ...problems() },
});

pipes.openapi(listing, async (c) => {
  const list = await showPipes(c.env, c.var.shards);
  return c.json({ pipes: list.map((pipe) => pipeView(pipe, c.var.token.scopes)), next: null }, 200);
});

const creating = createRoute({
  ...needs("admin"),
  method: "post",
  path: "/",
  tags,
  summary: "Create a pipe; it starts at once",
  request: { body: { required: true, content: { "application/json": { schema: NewPipe } } } },
  responses: {
    201: json(
      "The pipe",
      z.object({ pipe: Pipe, made: GeneratedSecrets, filter_check: FilterCheck.nullable() }),
    ),
    ...problems(400, 409),
  },
});

pipes.openapi(creating, async (c) => {
  const wish = c.req.valid("json");
  valueOf(refuseOwnSources(c.req.url, wish.settings));
  const { pipe, made } = valueOf(await createPipe(c.env, wish));
  const filter_check = await checkSaved(c.env, pipe.record.filter);
  return c.json({ pipe: pipeView(pipe, c.var.token.scopes), made, filter_check }, 201);
});

const showing = createRoute({
  ...needs("read"),
  method: "get",
  path: "/{id}",
  tags,
  summary: "One pipe, and how it is doing",
  request: { params: pipeParams },
  responses: { 200: json("The pipe", Pipe), ...problems(404) },
});

pipes.openapi(showing, async (c) => {
  const pipe = valueOf(await showPipe(c.env, c.var.shards, await pathPipe(c)));
  return c.json(pipeView(pipe, c.var.token.scopes), 200);
});

const changing = createRoute({
  ...needs("admin"),
  method: "patch",
  path: "/{id}",
  tags,
  summary: "Change what is named, and leave the rest",
  description:
    "Events that wait, and that a changed filter does not let through, are let go (`health.discarded` counts them).",
  request: {
    params: pipeParams,
    body: { required: true, content: { "application/json": { schema: PipeChange } } },
  },
  responses: {
    200: json("The pipe", Pipe.extend({ filter_check: FilterCheck.nullable().optional() })),
    ...problems(400, 404, 409),
  },
});

pipes.openapi(changing, async (c) => {
  const change = c.req.valid("json");
  valueOf(refuseOwnSources(c.req.url, change.settings));
  const pipe = pipeView(valueOf(await updatePipe(c.env, await pathPipe(c), change)), c.var.token.scopes);
  if (change.filter === undefined) return c.json(pipe, 200);
  return c.json({ ...pipe, filter_check: await checkSaved(c.env, pipe.filter) }, 200);
});

const deleting = createRoute({
  ...needs("admin"),
  method: "delete",
  path: "/{id}",
  tags,
  summary: "Delete a pipe, its position and its log",
  request: { params: pipeParams },
  responses: { 204: { description: "Deleted" }, ...problems(404) },
});

pipes.openapi(deleting, async (c) => {
  valueOf(await removePipe(c.env, await pathPipe(c)));
  return c.body(null, 204);
});

pipes.route("/", pipePreview);
pipes.route("/", pipeActions);
