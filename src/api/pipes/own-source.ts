// A pipe into a source of this very Tidings would make a new event of each event that it passes on.

import { calledBy } from "../../ingest/route.ts";
import type { PipeFailure, WrongSetting } from "../../pipes/failure.ts";
import { fail, ok, type Result } from "../../lib/result.ts";

/** Names of this machine, which mean the same with the same port. */
const THIS_MACHINE = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\]|0\.0\.0\.0)$/;

/** Fails if one of the settings is the URL of a source here. `here`: a URL of this deployment, of any path. */
export function refuseOwnSources(
  here: string,
  settings: Readonly<Record<string, unknown>> | undefined,
): Result<null, PipeFailure> {
  const wrong = Object.entries(settings ?? {}).flatMap(([setting, value]): WrongSetting[] =>
    typeof value === "string" && leadsToSource(here, value) ? [{ setting, reason: REASON }] : [],
  );
  return wrong.length === 0 ? ok(null) : fail({ code: "wrong_settings", wrong });
}

const REASON =
  "must not lead to a source of this Tidings: every event that is passed on would come back as another one";

function leadsToSource(here: string, text: string): boolean {
  if (!/^https?:/i.test(text) || !URL.canParse(text)) return false;
  const url = new URL(text);
  return hostOf(url) === hostOf(new URL(here)) && calledBy(new Request(url)) !== null;
}

/** Host and port, alike for all names of this machine. */
function hostOf({ hostname, port, protocol }: URL): string {
  const name = hostname.replace(/\.$/, "");
  const number = port === "" ? (protocol === "http:" ? "80" : "443") : port;
  return THIS_MACHINE.test(name) ? `this machine:${number}` : name;
}
