// The demo's own sources and credentials, so that it shows the same whatever somebody wrote into .dev.vars and
// wrangler.toml. Everybody can read them here, so they open nothing but the demo.

import { toSettings } from "./settings.ts";
import type { Access } from "./traffic/plan.ts";

export const API_TOKEN = "demo-only-reader";

export const ACCESS: Access = {
  mailjet: "mailjet:demo-only",
  jangomailToken: "demo-only-jangomail",
  genericBasic: "demo:demo-only",
  genericToken: "demo-only-generic",
  intranetToken: "demo-only-intranet",
  intranetAddress: "10.20.30.40",
};

const CREDENTIALS = {
  mailjet: ACCESS.mailjet,
  jangomail: ACCESS.jangomailToken,
  generic: [ACCESS.genericBasic, ACCESS.genericToken],
  intranet: ACCESS.intranetToken,
};

const SOURCES = { intranet: { provider: "generic", ip_policy: "enforce", ips: ["10.0.0.0/8", "fd00::/8"] } };

/** In the form of .dev.vars. */
export const DEMO_VARIABLES = [
  `SOURCE_CREDENTIALS=${JSON.stringify(CREDENTIALS)}`,
  `API_TOKENS=${JSON.stringify({ demo: API_TOKEN })}`,
  `SOURCES=${JSON.stringify(SOURCES)}`,
  "",
].join("\n");

export const DEMO_SETTINGS = toSettings(DEMO_VARIABLES);
