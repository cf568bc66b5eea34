// /v1/tokens: makes, lists and revokes tokens without a deployment. Those of API_TOKENS are listed too.

import * as z from "zod";
import { configOf } from "../config/config.ts";
import { digestOf } from "../config/tables.ts";
import { listSourcesAcross } from "../store/across/sources.ts";
import { shardsOf } from "../store/shards.ts";
import { instant, word } from "./kit/parameters.ts";
import { TOKEN_SCOPES } from "../model/token-scope.ts";
import { addToken, listTokens, removeToken } from "../store/tokens.ts";
import { json, needs, problems } from "./kit/responses.ts";
import { ProblemError, wrongParameter } from "./kit/problem.ts";
import { createRoute, router } from "./kit/routes.ts";
import { iso, isoOrNull } from "./views.ts";
import { storeOf } from "../store/db.ts";

const tags = ["Tokens"];
const name = z
  .string()
  .regex(/^[\w.-]{1,64}$/, "must be letters, digits, dots, dashes, at most 64")
  .meta({ examples: ["dashboard"] });
const scopes = z
  .array(z.enum(TOKEN_SCOPES, `must be of ${TOKEN_SCOPES.join(", ")}`), "must be a list of scopes")
  .min(1, "must not be empty")
  .meta({ examples: [["read"]], description: "write includes read, and admin includes both" });

const limits = {
  sources: z
    .array(word)
    .min(1, "must not be empty")
    .max(100, "must be at most 100")
    .optional()
    .describe(
      "The sources that it sees; all if left out. Such a token reads their events, timelines, messages, statistics and dead " +
        "letters, and checks addresses; everything that is about all sources answers 403. It cannot have the scope admin.",
    )
    .meta({ examples: [["mailjet"]] }),
  expires_at: instant
    .optional()
    .meta({ description: "When it ends by itself; never if left out", examples: ["2027-01-01T00:00:00Z"] }),
};

const shownLimits = {
  sources: z.array(z.string()).nullable().describe("The sources that it is limited to; null for all"),
  expires_at: z.iso.datetime().nullable().describe("When it ends; null if it does not"),
};

const Token = z
  .object({
    name,
    scopes,
    ...shownLimits,
    origin: z
      .enum(["configuration", "api"])
      .describe("configuration: from API_TOKENS; api: made through this API"),
    created_at: z.iso.datetime().nullable(),
    created_by: z
      .string()
      .nullable()
      .describe("The name of the token that made it; null for those of API_TOKENS"),
    last_used_at: z.iso.datetime().nullable().describe("Exact to five minutes; null if never"),
  })
  .meta({ id: "Token" });

/** The routes of /v1/tokens. */
export const tokens = router();

const listing = createRoute({
  ...needs("admin"),
  method: "get",
  path: "/",
  tags,
  summary: "All tokens with their scopes and last use; never the secrets themselves",
  responses: { 200: json("The tokens", z.object({ tokens: z.array(Token), next: z.null() })), ...problems() },
});

tokens.openapi(listing, async (c) => {
  const rows = await listTokens(c.var.db);
  const uses = new Map(rows.map(({ sha256, last_used_at }) => [sha256, last_used_at]));
  const configured = [...configOf(c.env).tokens].map(([sha256, token]) => ({
    name: token.name,
    scopes: [...token.scopes],
    sources: token.sources === null ? null : [...token.sources],
    expires_at: isoOrNull(token.expiresAt),
    origin: "configuration" as const,
    created_at: null,
    created_by: null,
    last_used_at: isoOrNull(uses.get(sha256) ?? null),
  }));
  const made = rows
    .filter((row) => row.scopes.length > 0)
    .map((row) => ({
      name: row.name,
      scopes: row.scopes,
      sources: row.sources,
      expires_at: isoOrNull(row.expires_at),
      origin: "api" as const,
      created_at: iso(row.created_at),
      created_by: row.created_by,
      last_used_at: isoOrNull(row.last_used_at),
    }));
  return c.json({ tokens: [...configured, ...made], next: null }, 200);
});

const making = createRoute({
  ...needs("admin"),
  method: "post",
  path: "/",
  tags,
  summary: "Make a token; only this answer contains it",
  request: {
    body: {
      required: true,
      content: { "application/json": { schema: z.strictObject({ name, scopes, ...limits }) } },
    },
  },
  responses: {
    201: json(
      "The token",
      z.object({ name, scopes, ...shownLimits, token: z.string().meta({ examples: ["tid_Zm9v..."] }) }),
    ),
    ...problems(400, 409),
  },
});

tokens.openapi(making, async (c) => {
  const asked = c.req.valid("json");
  const { sources = null, expires_at = null } = asked;
  await refuseLimits(c.env, asked);
  const wanted = { name: asked.name, scopes: asked.scopes, sources, expires_at };
  const token = `tid_${Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64url")}`;
  const taken = [...configOf(c.env).tokens.values()].some((configured) => configured.name === wanted.name);
  const record = { ...wanted, sha256: digestOf(token), created_at: Date.now(), created_by: c.var.token.name };
  if (taken || !(await addToken(storeOf(c.env), record)))
    throw new ProblemError(409, `There is a token named ${wanted.name} already.`);
  return c.json({ ...wanted, expires_at: isoOrNull(expires_at), token }, 201);
});

/** Refuses limits that make no sense: a source that does not exist, admin for some sources, an end that has passed. */
async function refuseLimits(
  env: Env,
  asked: { scopes: readonly string[]; sources?: string[] | undefined; expires_at?: number | undefined },
): Promise<void> {
  const { scopes: wanted, sources = [], expires_at } = asked;
  if (sources.length > 0 && wanted.includes("admin"))
    throw wrongParameter(
      "scopes",
      "must be read or write for a token with sources, because admin is about all of them",
    );
  if (expires_at !== undefined && expires_at <= Date.now())
    throw wrongParameter("expires_at", "must be in the future");
  const configured = configOf(env).sources;
  const heard = sources.every((source) => configured.has(source))
    ? []
    : await listSourcesAcross(shardsOf(env));
  for (const [index, source] of sources.entries())
    if (!configured.has(source) && !heard.some((one) => one.source === source))
      throw wrongParameter(`sources.${index}`, `there is no source named ${source}`);
}

const revoking = createRoute({
  ...needs("admin"),
  method: "delete",
  path: "/{name}",
  tags,
  summary: "Revoke a token; it stops working within half a minute",
  request: { params: z.object({ name }) },
  responses: { 204: { description: "Revoked" }, ...problems(404, 409) },
});

tokens.openapi(revoking, async (c) => {
  const wanted = c.req.valid("param").name;
  if ([...configOf(c.env).tokens.values()].some((configured) => configured.name === wanted))
    throw new ProblemError(409, "This token is of API_TOKENS; take it out of that secret.");
  if (!(await removeToken(storeOf(c.env), wanted)))
    throw new ProblemError(404, "There is no token of this name.");
  return c.body(null, 204);
});
