// /v1/suppressions/release and /drop: what is to become of suppressions that are held because a destination refused
// everybody, for one address or step by step for all of a destination.

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
  since: instant.optional().meta({ description: "Of the evidence; only with a destination" }),
  until: instant.optional(),
  note: note.optional(),
});

const Done = z.object({
  contacts: z.int().describe("How many contacts this changed"),
  more: z.boolean().describe("Whether there may be more: then ask again"),
});

export const heldSuppressions = router();

const routes = [
  { kind: "release", summary: "Let held suppressions come into force, of one address or of a destination" },
  { kind: "drop", summary: "Let the storm's bounces not count, for one address or for a destination" },
] as const;

for (const { kind, summary } of routes) {
  const route = createRoute({
    ...needs("write"),
    method: "post",
    path: `/${kind}`,
    tags: ["Suppressions"],
    summary,
    description: `Pass \`address\`, or \`destination\` with or without \`since\` and \`until\`; of the latter up to ${MOST_JUDGED} at once.`,
    request: { body: { required: true, content: { "application/json": { schema: Chosen } } } },
    responses: { 200: json("What was done", Done), ...problems(400, 404, 413, 503) },
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
  const told = "pass address, or destination with since and until";
  return new ProblemError(400, `address: ${told}`, [{ parameter: "address", reason: told }]);
}
