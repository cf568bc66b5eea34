// /v1: what was stored, for whoever holds a token.

import { bodyLimit } from "hono/body-limit";
import { createMiddleware } from "hono/factory";
import { MAX_BODY } from "../ingest/body.ts";
import { wakePipes } from "../pipes/wake.ts";
import { authenticated } from "./kit/auth.ts";
import { contacts } from "./contacts.ts";
import { deadLetters } from "./dead-letters.ts";
import { erasing, erasures } from "./erasures.ts";
import { events } from "./events.ts";
import { history } from "./history.ts";
import { messages } from "./messages.ts";
import { problem, ProblemError } from "./kit/problem.ts";
import { recount } from "./stats/recount.ts";
import { router } from "./kit/routes.ts";
import { attempts, pipeKinds, redeliveries } from "./pipes/deliveries.ts";
import { pipes } from "./pipes/index.ts";
import { sources } from "./sources.ts";
import { heldSuppressions } from "./suppressions/held.ts";
import { suppressionImport } from "./suppressions/import.ts";
import { suppressions } from "./suppressions/index.ts";
import { stats } from "./stats/index.ts";
import { type ApiEnv } from "./kit/env.ts";
import { tokens } from "./tokens.ts";
import { sessionOf } from "../store/db.ts";

/** Header with which a caller says how new the data must be that it reads, and learns how new it was. */
const BOOKMARK = "x-tidings-bookmark";

/**
 * Reads may be answered by a replica of the database near the caller. A caller that shows the bookmark of an earlier
 * answer sees at least what that answer saw, its own writes included.
 */
const inSession = createMiddleware<ApiEnv>(async (c, next) => {
  const shown = c.req.header(BOOKMARK);
  if (shown !== undefined && !/^[\w-]{1,200}$/.test(shown))
    throw new ProblemError(400, `${BOOKMARK}: is not a bookmark; pass what an answer held`);
  const reads = c.req.method === "GET" || c.req.method === "HEAD";
  const session = sessionOf(c.env, shown ?? (reads ? "first-unconstrained" : "first-primary"));
  c.set("db", session);
  await next();
  const reached = session.getBookmark();
  if (reached !== null) c.header(BOOKMARK, reached);
});

/** What people order of contacts is told to pipes: they hear of it now, not with the next minute. */
const wakingPipes = createMiddleware<ApiEnv>(async (c, next) => {
  await next();
  if (c.req.method !== "GET" && c.res.ok) c.executionCtx.waitUntil(wakePipes(c.env, Date.now()));
});

export const v1 = router();

v1.use(inSession, authenticated);
v1.use(bodyLimit({ maxSize: MAX_BODY, onError: () => problem(413, "The body is larger than 5 MB.") }));
v1.use("/contacts/*", wakingPipes);
v1.use("/suppressions/*", wakingPipes);
v1.route("/events", events);
v1.route("/contacts", contacts);
v1.route("/contacts", erasing);
v1.route("/erasures", erasures);
v1.route("/messages", messages);
v1.route("/sources", sources);
v1.route("/stats/recount", recount);
v1.route("/stats", stats);
v1.route("/dead-letters", deadLetters);
v1.route("/history", history);
v1.route("/suppressions", suppressions);
v1.route("/suppressions", suppressionImport);
v1.route("/suppressions", heldSuppressions);
v1.route("/pipes", pipes);
v1.route("/attempts", attempts);
v1.route("/redeliveries", redeliveries);
v1.route("/pipe-kinds", pipeKinds);
v1.route("/tokens", tokens);
v1.all("*", () => problem(404, "There is no such resource."));
