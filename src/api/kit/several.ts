// Filters that take several values: `type=bounced,complained`, or the parameter several times. What matches any of them
// is in the answer.

import * as z from "zod";
import { reasonOf } from "./input-problem.ts";

/** Most values of one filter. */
const MOST = 50;

interface Described {
  description?: string;
  examples?: string[];
}

/** A filter by words of a list, separated by commas or passed several times. Gives each of them once. */
export function several<const V extends string>(values: readonly V[], described: Described = {}) {
  const one = z.enum(values, `must be one of ${values.join(", ")}`);
  return listOf(one, { type: "string", enum: [...values] }, ",", described);
}

/** The same for addresses and other values that never contain a comma. Gives what `one` gives. */
export function severalOf<S extends z.ZodType>(one: S, described: Described = {}) {
  return listOf(one, { type: "string" }, ",", described);
}

/** The same for names that may contain commas, so that only passing the parameter several times separates them. */
export function severalNames<S extends z.ZodType>(one: S, described: Described = {}) {
  return listOf(one, { type: "string" }, null, described);
}

function listOf<S extends z.ZodType>(
  one: S,
  items: object,
  separator: string | null,
  { description = "", ...about }: Described,
) {
  const how =
    separator === null
      ? "Pass it again for several."
      : "Several are separated by commas, or passed one by one.";
  return z
    .union([z.string(), z.array(z.string())])
    .transform((passed, context): z.output<S>[] => {
      const texts = [passed].flat().flatMap((text) => (separator === null ? [text] : text.split(separator)));
      if (texts.length > MOST) {
        context.addIssue({ code: "custom", message: `holds ${texts.length} values; at most ${MOST}` });
        return z.NEVER;
      }
      const found = new Set<z.output<S>>();
      for (const text of texts) {
        const read = one.safeParse(separator === null ? text : text.trim(), { reportInput: true });
        if (read.success) found.add(read.data);
        else
          for (const issue of read.error.issues)
            context.addIssue({ code: "custom", message: reasonOf(issue) });
      }
      return [...found];
    })
    .optional()
    .meta({ ...about, type: "array", items, description: `${description} ${how}`.trim() });
}
