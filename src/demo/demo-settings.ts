// The demo's own sources and credentials, so that it shows the same whatever somebody wrote into .dev.vars and
// wrangler.toml. Everybody can read them here, or they are keys made for this run, so they open nothing but the demo.

import { randomBytes } from "node:crypto";
import { toSettings } from "../cli/settings.ts";
import { DIALECTS } from "./traffic/dialects/index.ts";

export const API_TOKEN = "demo-only-reader";

const CREDENTIALS = Object.fromEntries(
  DIALECTS.flatMap(({ source, credentials }) => (credentials === null ? [] : [[source, credentials]])),
);

const SOURCES = Object.fromEntries(
  DIALECTS.flatMap(({ source, settings }) => (settings === undefined ? [] : [[source, settings]])),
);

/** In the form of .dev.vars. */
export const DEMO_VARIABLES = [
  `SOURCE_CREDENTIALS=${JSON.stringify(CREDENTIALS)}`,
  `API_TOKENS=${JSON.stringify({ demo: API_TOKEN })}`,
  `SOURCES=${JSON.stringify(SOURCES)}`,
  `PIPE_KEYS=${JSON.stringify({ demo: randomBytes(32).toString("base64") })}`,
  "",
].join("\n");

export const DEMO_SETTINGS = toSettings(DEMO_VARIABLES);
