// The hand-written checks of the configuration against the zod schemas that they replace: for any settings, both report
// the same problems, word for word, and read the same configuration from the rest.

import * as fc from "fast-check";
import { expect, it } from "vitest";
import { readConfig, type Config } from "../../src/config/config.ts";
import { LEAST_DAYS } from "../../src/model/retention.ts";
import { EVENT_REASONS } from "../../src/model/suppression/policy.ts";
import { TOKEN_SCOPES } from "../../src/model/token-scope.ts";
import { readConfigByZod } from "./config-by-zod.ts";

/** A placeholder for a number that JSON can contain and a double cannot. */
const TOO_LARGE = "a number that is too large";
const KEY = btoa("k".repeat(32));
const DIGEST = "0123456789abcdefABCDEF0123456789".repeat(2);
const ADDRESSES = [
  "10.0.0.0/8",
  "203.0.113.7",
  "2001:db8::/32",
  "::ffff:10.0.0.1",
  "10.0/8",
  "10.0.0.0/33",
  "x",
];
const WORDS = [
  "",
  " ",
  " key ",
  "mailjet",
  "nobody",
  "user:password",
  KEY,
  DIGEST,
  DIGEST.slice(1),
  TOO_LARGE,
];
const NUMBERS = [0, 1, 3, 0.5, 1.5, -1, -0, LEAST_DAYS, LEAST_DAYS - 1, 2 ** 53, -(2 ** 53), 1e300, -1e300];
const FIELDS = ["provider", "ips", "ip_policy", "suppression", "token", "sha256", "scopes", "soft_bounces"];
const ODD_NAMES = ["", "__proto__", "constructor", "toString", "a.b", 'a"b', "x".repeat(65), "0"];

const scalar = fc.oneof(
  fc.constantFrom(...WORDS, ...NUMBERS, ...ADDRESSES, ...EVENT_REASONS, ...TOKEN_SCOPES),
  fc.constantFrom(null, true, false),
  fc.string({ maxLength: 5 }),
  fc.double(),
);
const name = fc.oneof(
  fc.constantFrom(...FIELDS, ...ODD_NAMES, "mailjet", "own", "other"),
  fc.string({ maxLength: 3 }),
);

const dictionary = (value: fc.Arbitrary<unknown>, names: fc.Arbitrary<string> = name): fc.Arbitrary<object> =>
  fc.array(fc.tuple(names, value), { maxLength: 4 }).map((entries) => Object.fromEntries(entries));
const list = (item: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> => fc.array(item, { maxLength: 5 });
const anything = fc.oneof(scalar, list(scalar), dictionary(fc.oneof(scalar, list(scalar))));
/** Mostly proper values, and sometimes any other. */
const mostly = (proper: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 6, arbitrary: proper }, { weight: 1, arbitrary: anything });

/** A table with some of the fields, in any order, and sometimes with further ones. */
const tableOf = (fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> =>
  fc
    .tuple(
      fc.shuffledSubarray(Object.keys(fields)),
      fc.record(fields),
      fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: dictionary(anything) }),
    )
    .map(([names, values, others]) =>
      Object.fromEntries([...names.map((one) => [one, values[one]]), ...Object.entries(others)]),
    );

const whole = mostly(fc.constantFrom(...NUMBERS));
const policy = {
  soft_bounces: whole,
  soft_bounce_days: whole,
  soft_bounce_window_days: whole,
  reasons: mostly(list(mostly(fc.constantFrom(...EVENT_REASONS)))),
  scope: mostly(fc.constantFrom("global", "list")),
};
const scopes = mostly(list(mostly(fc.constantFrom(...TOKEN_SCOPES))));
const word = mostly(fc.constantFrom(...WORDS));

const settings = {
  SOURCES: dictionary(
    mostly(
      tableOf({
        provider: mostly(fc.constantFrom("mailjet", "generic", "nobody")),
        ip_policy: mostly(fc.constantFrom("off", "observe", "enforce")),
        ips: mostly(list(mostly(fc.constantFrom(...ADDRESSES)))),
        suppression: mostly(tableOf(policy)),
        parameters: anything,
      }),
    ),
  ),
  SOURCE_CREDENTIALS: dictionary(mostly(fc.oneof(word, list(word)))),
  API_TOKENS: dictionary(
    mostly(
      fc.oneof(
        word,
        tableOf({ token: word, scopes }),
        tableOf({ sha256: mostly(fc.constantFrom(DIGEST, DIGEST.slice(1))), scopes }),
        tableOf({ token: word, sha256: word, scopes }),
      ),
    ),
  ),
  SUPPRESSION: tableOf({ ...policy, storm_share: whole, storm_outcomes: whole }),
  RETENTION: tableOf({ events_days: whole, archive_days: whole }),
  PIPE_KEYS: dictionary(mostly(fc.constantFrom(KEY, `${KEY}=`, KEY.slice(4), btoa("short")))),
};

/** A setting as wrangler passes it: a JSON value, or its text, which may be malformed. */
function passed(value: unknown, how: "value" | "text" | "broken"): unknown {
  const text = JSON.stringify(value).replaceAll(JSON.stringify(TOO_LARGE), "1e999");
  if (how === "broken") return text.slice(1);
  return how === "text" ? text : JSON.parse(text);
}

const environment = fc
  .record(
    Object.fromEntries(
      Object.entries(settings).map(([setting, value]) => [
        setting,
        fc
          .tuple(mostly(value), fc.constantFrom("value", "value", "text", "text", "broken"))
          .map(([given, how]) => passed(given, how as "value")),
      ]),
    ),
    { requiredKeys: [] },
  )
  .map((given) => ({ ...given, DB: {} }));

/** Everything that a Config contains, with the results of its functions. */
const UNKNOWN = /^(Unrecognized key|is unknown)/;

function toldBy(config: Config): unknown {
  return {
    // Unknown settings are named one by one, and with what was meant: see config.test.ts.
    problems: config.problems
      .filter(({ setting, reason }) => setting.startsWith("API_TOKENS") || !UNKNOWN.test(reason))
      .map(({ setting, reason }) => ({ setting, reason })),
    sources: [...config.sources].map(([known, source]) => ({
      known,
      provider: source.provider?.id ?? null,
      credentials: source.credentials,
      ipPolicy: source.ipPolicy,
      settings: source.settings,
      includes: [...ADDRESSES, "10.1.2.3", "2001:db8::1"].map((address) => source.includes(address)),
      policy: config.policies.of(known),
    })),
    longestWindowDays: config.policies.longestWindowDays,
    others: config.policies.of("no source of this name"),
    storm: config.storm,
    retention: config.retention,
    tokens: [...config.tokens],
    pipeKeys: [...config.pipeKeys].map(([known, bytes]) => [known, [...bytes]]),
  };
}

it("for any settings the checks report the same problems as the zod schemas, and read the same configuration", () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(environment, (env) => {
      const config = readConfig(env);
      expect(toldBy(config)).toEqual(toldBy(readConfigByZod(env)));
      for (const { reason } of config.problems) seen.add(reason.replaceAll(/received.*|".*"|known:.*/g, ""));
    }),
    { numRuns: 500 },
  );
  // Were the settings all sound, or all broken alike, the comparison would prove nothing.
  expect([...seen]).toEqual(
    expect.arrayContaining([
      "Invalid input: expected object, ",
      "Invalid input: expected string, ",
      "Unrecognized key: ",
      "is not JSON",
      "must be 64 hexadecimal digits",
      "must be a list of scopes",
      "must be a number from 0 to 1",
      "must be a table",
      "must be a text or a list of texts",
      "must be a whole number of days",
      "must be at least 1",
      "must not be empty",
    ]),
  );
});
