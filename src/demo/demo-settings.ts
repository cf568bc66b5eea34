// The demo's own sources and credentials, so that its result does not depend on the user's .dev.vars and wrangler.toml.
// They are either public, because they are written here, or keys made for this run, so they give access to the demo
// only.

import { randomBytes } from "node:crypto";
import { toSettings } from "../cli/settings.ts";
import { DIALECTS } from "./traffic/dialects/index.ts";

/** The token with which the demo reads the API; public, and valid in the demo only. */
export const API_TOKEN = "demo-only-reader";

const CREDENTIALS = Object.fromEntries(
  DIALECTS.flatMap(({ source, credentials }) => (credentials === null ? [] : [[source, credentials]])),
);

const SOURCES = Object.fromEntries(
  DIALECTS.flatMap(({ source, settings }) => (settings === undefined ? [] : [[source, settings]])),
);

/** The demo's variables in the form of .dev.vars. */
export const DEMO_VARIABLES = [
  `SOURCE_CREDENTIALS=${JSON.stringify(CREDENTIALS)}`,
  `API_TOKENS=${JSON.stringify({ demo: API_TOKEN })}`,
  `SOURCES=${JSON.stringify(SOURCES)}`,
  `PIPE_KEYS=${JSON.stringify({ demo: randomBytes(32).toString("base64") })}`,
  "",
].join("\n");

/** The same as settings. */
export const DEMO_SETTINGS = toSettings(DEMO_VARIABLES);
