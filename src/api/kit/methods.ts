// Which methods the resources take: for 405 with `Allow`, and for OPTIONS. Both are read from the declared routes, so
// that no route can forget them.

import type { Hono } from "hono";
import type { ApiEnv } from "./env.ts";
import { routeOf } from "./routes.ts";

/** What is declared for a path. */
export interface Resource {
  /** In capitals, HEAD and OPTIONS included. */
  methods: readonly string[];
  /** Whether the path is declared word by word, without a parameter. */
  literal: boolean;
}

/**
 * Returns the look-up of a path among the routes that `app` has at the first call; null if it is none of theirs. A path
 * that is declared word by word is not also the parameter of another: `/suppressions/import` names no address.
 */
export function resources(app: Hono<ApiEnv>): (path: string) => Resource | null {
  let known: { segments: readonly string[]; method: string }[] | undefined;
  return (path) => {
    known ??= app.routes.flatMap(({ path: declared, method, handler }) =>
      routeOf(handler) === undefined ? [] : [{ segments: segmentsOf(declared), method }],
    );
    const asked = segmentsOf(path);
    const literal = known.filter(({ segments }) => matches(segments, asked, false));
    const found =
      literal.length > 0 ? literal : known.filter(({ segments }) => matches(segments, asked, true));
    if (found.length === 0) return null;
    const methods = new Set(found.map(({ method }) => method));
    if (methods.has("GET")) methods.add("HEAD");
    return { methods: [...methods, "OPTIONS"].toSorted(), literal: literal.length > 0 };
  };
}

const segmentsOf = (path: string): string[] => path.split("/").filter((segment) => segment !== "");

function matches(declared: readonly string[], asked: readonly string[], withParameters: boolean): boolean {
  return (
    declared.length === asked.length &&
    declared.every((segment, i) => segment === asked[i] || (withParameters && segment.startsWith(":")))
  );
}
