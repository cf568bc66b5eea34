// /v1: the API, for callers with a token.

import { bodyLimit } from "hono/body-limit";
import { createMiddleware } from "hono/factory";
import { MAX_BODY } from "../ingest/body.ts";
import { wakePipes } from "../pipes/wake.ts";
import { withOutages } from "../store/outages.ts";
import { authenticated } from "./kit/auth.ts";
import { contactLists } from "./contact-lists.ts";
import { contacts } from "./contacts.ts";
import { deadLetters } from "./dead-letters.ts";
import { deliveries } from "./deliveries.ts";
import { deadLettersBulk } from "./dead-letters-bulk.ts";
import { erasedCheck } from "./erased-check.ts";
import { erasing, erasures } from "./erasures.ts";
import { events } from "./events.ts";
import { history } from "./history.ts";
import { jobs } from "./jobs.ts";
import { messages } from "./messages.ts";
import { problem, ProblemError } from "./kit/problem.ts";
import { recount } from "./stats/recount.ts";
import { crossOrigin, NO_RESOURCE } from "./kit/cross-origin.ts";
import { resources, type Resource } from "./kit/methods.ts";
import { router } from "./kit/routes.ts";
import { attempts } from "./pipes/attempts.ts";
import { pipes } from "./pipes/index.ts";
import { pipeKinds } from "./pipes/kinds.ts";
import { redeliveries } from "./pipes/redeliveries.ts";
import { removals, removing, removingEvents } from "./removals.ts";
import { replies } from "./replies.ts";
import { sources } from "./sources.ts";
import { status } from "./status/index.ts";
import { storage } from "./storage/index.ts";
import { rebuilding } from "./storage/rebuild.ts";
import { bulkDecisions } from "./suppressions/bulk.ts";
import { suppressionImport } from "./suppressions/import/index.ts";
import { suppressions } from "./suppressions/index.ts";
import { stats } from "./stats/index.ts";
import { type ApiEnv } from "./kit/env.ts";
import { tokens } from "./tokens.ts";
import { checkShards, isBookmark, sessionsOf } from "../store/shards/sessions.ts";

/** The header for bookmarks. In a request it sets how new the data must be; in an answer it names how new they were. */
const BOOKMARK = "x-tidings-bookmark";

/** Wraps the bindings so that outages are distinguished from bugs, which decides between 503 and 500. */
const onTaggedBindings = createMiddleware<ApiEnv>(async (c, next) => {
  c.env = withOutages(c.env);
  await next();
});

/**
 * Reads may be answered by a replica of the database near the caller. A caller that sends the bookmark of an earlier
 * answer gets data at least as new as that answer's, including its own writes.
 */
const inSession = createMiddleware<ApiEnv>(async (c, next) => {
  const shown = c.req.header(BOOKMARK);
  if (shown !== undefined && !isBookmark(shown))
    throw new ProblemError(400, `${BOOKMARK}: is not a bookmark; pass what an answer held`);
  const reads = c.req.method === "GET" || c.req.method === "HEAD";
  const sessions = sessionsOf(c.env, shown, reads ? "first-unconstrained" : "first-primary");
  c.set("db", sessions.shards.home);
  c.set("shards", sessions.shards);
  await next();
  const reached = sessions.bookmark();
  if (reached !== null) c.header(BOOKMARK, reached);
});

/** Refuses to answer from databases that are not all there are, or not those that the configuration names. */
const withAllDatabases = createMiddleware<ApiEnv>(async (c, next) => {
  await checkShards(c.env);
  await next();
});

/**
 * Refuses a path whose escapes are broken. The router would decode those that are not, and what it made of the rest
 * might name somebody else.
 */
const withReadablePath = createMiddleware<ApiEnv>(async (c, next) => {
  try {
    decodeURIComponent(new URL(c.req.url).pathname);
  } catch {
    throw new ProblemError(400, "The path has a broken escape; write each % of a name or an address as %25.");
  }
  await next();
});

/** Wakes the pipes after a command about contacts, so that they pass it on now and not only in the next minute. */
const wakingPipes = createMiddleware<ApiEnv>(async (c, next) => {
  await next();
  if (c.req.method !== "GET" && c.res.ok) c.executionCtx.waitUntil(wakePipes(c.env, Date.now()));
});

/** Lists to import may be longer, because they are read piece by piece. Bytes. */
const MAX_LIST = 20_000_000;
const ordinary = bodyLimit({
  maxSize: MAX_BODY,
  onError: () => problem(413, "The body is larger than 5 MB."),
});
const ofList = bodyLimit({
  maxSize: MAX_LIST,
  onError: () => problem(413, "The list is larger than 20 MB. Send it in parts, each with the header line."),
});
const limitedBody = createMiddleware<ApiEnv>(
  async (c, next) => await (c.req.path === "/v1/suppressions/import" ? ofList : ordinary)(c, next),
);

/** All routes of /v1, and what runs before each of them. */
export const v1 = router();

const resourceOf = resources(v1);
const resourceAt = (path: string): Resource | null => resourceOf(path.replace(/^\/v1/, ""));

/** Refuses a method that the resource does not take, and names those that it takes. */
const withKnownMethod = createMiddleware<ApiEnv>(async (c, next) => {
  const resource = resourceAt(c.req.path);
  if (resource === null) throw new ProblemError(404, NO_RESOURCE);
  if (resource.methods.includes(c.req.raw.method)) return await next();
  const methods = resource.methods.join(", ");
  return problem(405, `This resource takes ${methods}, and not ${c.req.raw.method}.`, {
    headers: { allow: methods },
  });
});

v1.use(crossOrigin(resourceAt));
v1.use(onTaggedBindings, inSession, authenticated, withReadablePath, withKnownMethod, withAllDatabases);
v1.use(limitedBody);
v1.use("/contacts/*", wakingPipes);
v1.use("/suppressions/*", wakingPipes);
v1.use("/sources/*", wakingPipes);
v1.route("/status", status);
v1.route("/events", events);
v1.route("/contacts", contactLists);
v1.route("/events", removingEvents);
v1.route("/contacts", contacts);
v1.route("/contacts", erasing);
v1.route("/erasures", erasures);
v1.route("/erasures", erasedCheck);
v1.route("/messages", messages);
v1.route("/explain-reply", replies);
v1.route("/sources", sources);
v1.route("/deliveries", deliveries);
v1.route("/sources", removing);
v1.route("/removals", removals);
v1.route("/stats/recount", recount);
v1.route("/stats", stats);
v1.route("/storage", storage);
v1.route("/dead-letters", deadLetters);
v1.route("/dead-letters", deadLettersBulk);
v1.route("/history", history);
v1.route("/jobs", jobs);
v1.route("/suppressions", suppressions);
v1.route("/suppressions", suppressionImport);
v1.route("/suppressions", bulkDecisions);
v1.route("/pipes", pipes);
v1.route("/attempts", attempts);
v1.route("/redeliveries", redeliveries);
v1.route("/pipe-kinds", pipeKinds);
v1.route("/storage/rebuild", rebuilding);
v1.route("/tokens", tokens);
v1.all("*", () => problem(404, NO_RESOURCE));
