// For schemas whose parameters depend on each other: refuses what was passed, at one of them.

import * as z from "zod";

/** Notes what is wrong with the parameter, and gives what a transform returns then. */
export function refuse(context: z.RefinementCtx, parameter: string, message: string): never {
  context.addIssue({ code: "custom", path: [parameter], message });
  return z.NEVER;
}
