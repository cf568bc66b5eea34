// The problems of the configuration as everybody may read them. Secrets are JSON objects, and with a slip of the pen a
// password stands where a name belongs. So only names that are known anyway are shown.

import type { Problem } from "./report.ts";

/** The sources by name; one without a provider is not known. */
type Sources = ReadonlyMap<string, { provider: object | null }>;

const HIDDEN = "(a name)";
/** Settings whose names are those of sources; the names in all other settings are never shown. */
const OF_SOURCES = /^(SOURCES|SOURCE_CREDENTIALS)$/;

/** The problems without names that are not those of open or closed sources with a provider. */
export function publicProblems({
  problems,
  sources,
}: {
  problems: readonly Problem[];
  sources: Sources;
}): Problem[] {
  return problems.map(({ setting: path, reason, name, key }) => {
    const setting = key === undefined ? path : `${path.slice(0, -key.length)}${HIDDEN}`;
    return {
      setting: name === undefined ? setting : withoutName(setting, name, sources),
      reason: reason.replace(/^(Unrecognized keys?): .*/s, "$1"),
    };
  });
}

function withoutName(setting: string, name: string, sources: Sources): string {
  const first = setting.slice(0, setting.indexOf("."));
  const known =
    OF_SOURCES.test(first) && /^[\w.-]{1,64}$/.test(name) && (sources.get(name)?.provider ?? null) !== null;
  return known ? setting : `${first}.${HIDDEN}${setting.slice(first.length + 1 + name.length)}`;
}
