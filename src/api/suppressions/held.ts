// /v1/suppressions/release and /drop: decide about suppressions that are held because a destination refused most mails,
// for one address, or step by step for a whole destination.

import * as z from "zod";
import { json, needs, problems } from "../kit/responses.ts";
import { judgeAddress, judgeDestination, MOST_JUDGED } from "../../contact/suppress.ts";
import { address, instant, word } from "../kit/parameters.ts";
import { ProblemError } from "../kit/problem.ts";
import { createRoute, router } from "../kit/routes.ts";
import { note } from "./parameters.ts";

const Chosen = z.strictObject({
  address: address.optional(),
  destination: word.optional().meta({ examples: ["microsoft"] }),
  since: instant.optional().meta({ description: "Evidence from this time on; only with a destination" }),
  until: instant.optional().meta({ description: "Evidence before this time" }),
  note: note.optional(),
});

const Done = z.object({
  contacts: z.int().describe("How many contacts this changed"),
  more: z.boolean().describe("Whether there may be more; if so, repeat the request"),
});

/** The routes of release and drop. */
export const heldSuppressions = router();

const routes = [
  { kind: "release", summary: "Bring held suppressions of one address or of a destination into force" },
  {
    kind: "drop",
    summary: "Discard held suppressions: the storm's bounces do not count for one address or a destination",
  },
] as const;

for (const { kind, summary } of routes) {
  const route = createRoute({
    ...needs("write"),
    method: "post",
    path: `/${kind}`,
    tags: ["Suppressions"],
    summary,
    description: `Pass \`address\`, or \`destination\` with or without \`since\` and \`until\`. With a destination, a request covers up to ${MOST_JUDGED} contacts.`,
    request: { body: { required: true, content: { "application/json": { schema: Chosen } } } },
    responses: { 200: json("The result", Done), ...problems(400, 404, 413) },
  });
  heldSuppressions.openapi(route, async (c) => {
    const { address: contact, destination, since, until, note: words = null } = c.req.valid("json");
    const judgement = { kind, by: c.var.token.name, note: words };
    if (contact !== undefined) {
      if (destination !== undefined || since !== undefined || until !== undefined) throw eitherOr();
      if (!(await judgeAddress(c.env, contact, judgement)))
        throw new ProblemError(404, "Nothing is held for this address.");
      return c.json({ contacts: 1, more: false }, 200);
    }
    if (destination === undefined) throw eitherOr();
    const range = { destination, since: since ?? 0, until: until ?? Number.MAX_SAFE_INTEGER };
    return c.json(await judgeDestination(c.env, range, judgement), 200);
  });
}

function eitherOr(): ProblemError {
  const reason = "pass address, or destination with since and until";
  return new ProblemError(400, `address: ${reason}`, [{ parameter: "address", reason }]);
}
