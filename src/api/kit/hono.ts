// Hono with the one router that fits our routes. Hono's default tries another router first, which cannot handle them,
// so a new isolate would pay for both.

import type { Hono } from "hono";
import { TrieRouter } from "hono/router/trie-router";
import { Hono as Small } from "hono/tiny";
import type { ApiEnv } from "./env.ts";

/** A new app without routes. A slash at the end of a path makes no difference. */
export function newHono(): Hono<ApiEnv> {
  const hono = new Small<ApiEnv>({ strict: false });
  hono.router = new TrieRouter();
  return hono;
}
