// Pipes by id or by name: people know a pipe by its name, and programs by its id, which outlives a new name.

import type { Context } from "hono";
import * as z from "zod";
import type { Db } from "../../store/db.ts";
import { pipeIdByName } from "../../store/pipes/pipes.ts";
import type { ApiEnv } from "../kit/env.ts";

/** The parameter of paths to one pipe. */
export const pipeParams = z.object({ id: z.string().describe("The pipe's id, or its name") });

/** An id, as `newId` makes them. */
const ID = /^[0-9a-z]{26}$/;

/** The id of the pipe with this id or name; what was given if there is none. */
export async function pipeIdOf(db: Db, given: string): Promise<string> {
  return ID.test(given) ? given : ((await pipeIdByName(db, given)) ?? given);
}

/** The id of the pipe that a path names. */
export async function pathPipe(c: Context<ApiEnv>): Promise<string> {
  return await pipeIdOf(c.var.db, c.req.param("id") ?? "");
}
