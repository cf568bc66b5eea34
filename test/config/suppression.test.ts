// Suppression policies: the one that the configuration sets for all, and each source's own.

import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { configOf } from "../../src/config/config.ts";
import { DEFAULT_POLICY } from "../../src/model/suppression/policy.ts";
import { envWith } from "../support/support.ts";
import { expectLogs } from "../support/log.ts";

it("reads each source's suppression policy; a wrong one is reported, and the default policy takes its place", () => {
  expectLogs(/the configuration has problems/);
  const own = {
    provider: "mailjet",
    suppression: { soft_bounces: 5, scope: "list", reasons: ["complaint"] },
  };
  const good = configOf(envWith({ SUPPRESSION: { soft_bounces: 4, storm_share: 0.5 }, SOURCES: { own } }));
  expect(good.policies.of("own")).toMatchObject({
    softBounces: 5,
    softBounceDays: 2,
    scope: "list",
    reasons: ["complaint"],
  });
  expect(good.policies.of("mailjet")).toMatchObject({ softBounces: 4, scope: "global" });
  expect(good.storm).toEqual({ share: 0.5, outcomes: 50 });
  expect(good.problems.filter(({ setting }) => /supp/i.test(setting))).toEqual([]);
  const bad = {
    provider: "mailjet",
    suppression: { soft_bounces: 0, scope: "all", reasons: ["manual"], storm_share: 1 },
  };
  const wrong = configOf(envWith({ SUPPRESSION: { storm_share: 60 }, SOURCES: { bad } }));
  const settings = wrong.problems.map(({ setting }) => setting);
  expect(settings).toEqual(
    expect.arrayContaining([
      "SUPPRESSION.storm_share",
      "SOURCES.bad.suppression.soft_bounces",
      "SOURCES.bad.suppression.scope",
      "SOURCES.bad.suppression.reasons.0",
    ]),
  );
  expect(wrong.policies.of("bad")).toEqual(DEFAULT_POLICY);
  expect(wrong.sources.get("bad")?.provider?.id, "the source stays open").toBe("mailjet");
});

it("reads the suppression policy of wrangler.toml", () => {
  expect(configOf(env).policies.of("mailjet")).toMatchObject({
    softBounces: 3,
    softBounceDays: 2,
    softBounceWindowDays: 30,
  });
});
