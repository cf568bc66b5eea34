// `npm run deploy` with a stand-in for wrangler that notes what it is asked to do. Nothing leaves this machine.

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { beside, type Configuration } from "../../src/cli/beside.ts";

const ROOT = join(import.meta.dirname, "..", "..");

let project = "";

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "tidings-deploy-"));
  for (const part of ["src/cli", "src/lib", "package.json", "wrangler.toml"])
    cpSync(join(ROOT, part), join(project, part), { recursive: true });
  const wrangler = join(project, "node_modules", "wrangler");
  mkdirSync(join(wrangler, "bin"), { recursive: true });
  // The real one reads the configuration; the stand-in is what would do something.
  const real = createRequire(import.meta.url).resolve("wrangler");
  writeFileSync(join(wrangler, "package.json"), '{"name":"wrangler","main":"index.cjs"}');
  writeFileSync(join(wrangler, "index.cjs"), `module.exports = require(${JSON.stringify(real)});`);
  standIn("");
});

afterEach(() => rmSync(project, { recursive: true }));

/** Wrangler notes its arguments and then does what `then` says. */
function standIn(then: string): void {
  writeFileSync(
    join(project, "node_modules", "wrangler", "bin", "wrangler.js"),
    `const args = process.argv.slice(2);
     require("fs").appendFileSync(${JSON.stringify(join(project, "calls"))}, args.join(" ") + "\\n");
     if (args[0] === "d1" && args[1] === "info") console.log("{}");
     ${then}`,
  );
}

interface Ran {
  status: number | null;
  calls: string[];
  said: string;
}

function deploy(...args: string[]): Ran {
  const calls = join(project, "calls");
  rmSync(calls, { force: true });
  const ran = spawnSync(process.execPath, [join(project, "src", "cli", "run.js"), "deploy", ...args], {
    cwd: project,
    encoding: "utf8",
  });
  const noted = existsSync(calls) ? readFileSync(calls, "utf8").trim().split("\n") : [];
  return { status: ran.status, calls: noted, said: ran.stdout + ran.stderr };
}

const KEPT = ["tidings-deliveries", "tidings-dead", "tidings-email-events"];
const keeping = (suffix: string, more: string): string[] =>
  KEPT.map((queue) => `queues update ${queue}${suffix} --message-retention-period-secs 1209600${more}`);

describe("a deployment", () => {
  it("migrates before it deploys, and deploys first if there is no database yet", () => {
    expect(deploy("--tag", "v2")).toMatchObject({
      status: 0,
      calls: [
        "d1 info tidings --json",
        "d1 migrations apply tidings --remote",
        "deploy --tag v2",
        ...keeping("", ""),
      ],
    });
    standIn(
      `if (args[1] === "info") { console.error("Couldn't find DB with name 'tidings'"); process.exit(1); }`,
    );
    expect(deploy().calls.slice(1, 3)).toEqual(["deploy", "d1 migrations apply tidings --remote"]);
  });

  it("stops where a step fails", () => {
    standIn(`if (args[1] === "migrations") process.exit(1);`);
    const { status, calls, said } = deploy();
    expect(status).toBe(1);
    expect(calls).toHaveLength(2);
    expect(said).toContain("stopped there; fix the reported problem and run it again");
  });

  it("only asks wrangler for its own dry run with --dry-run, and says what it would do", () => {
    for (const args of [["--dry-run"], ["--dry-run", "--env", "staging"]]) {
      const { status, calls, said } = deploy(...args);
      expect(status).toBe(0);
      expect(calls).toEqual([expect.stringMatching(/^deploy .*--dry-run/) as string]);
      expect(said).toContain("nothing was changed");
    }
  });

  it("does nothing with --help, and refuses an option without its value", () => {
    for (const args of [["--help"], ["--env", "staging", "-h"]]) {
      const { status, calls, said } = deploy(...args);
      expect([status, calls]).toEqual([0, []]);
      expect(said).toContain("npm run deploy");
    }
    for (const [args, said] of [
      [["--env"], "--env needs a value"],
      [["--env", "--dry-run"], "--env needs a value"],
      [["--env="], "--env needs a value"],
      [["--env", "a", "-e", "b"], "-e was given twice"],
      [["--env", "Pro duction"], "--env must be lower-case letters"],
    ] as const) {
      const refused = deploy(...args);
      expect(refused).toMatchObject({ status: 1, calls: [] });
      expect(refused.said).toContain(said);
    }
  });

  it("refuses the example's secrets however the file is named", () => {
    writeFileSync(join(project, "examples"), 'SOURCE_CREDENTIALS={"mailjet":"mailjet:local-only"}\n');
    for (const args of [["--secrets-file", "examples"], ["--secrets-file=examples"]]) {
      const refused = deploy(...args.map((arg) => arg.replace("examples", join(project, "examples"))));
      expect(refused).toMatchObject({ status: 1, calls: [] });
      expect(refused.said).toContain("still the example's: SOURCE_CREDENTIALS");
    }
  });
});

describe("a copy beside production", () => {
  it("is reached by every command, under names of its own", () => {
    const { status, calls } = deploy("--env", "staging");
    const config = ` --config ${join(project, ".wrangler", "beside", "staging", "wrangler.json")}`;
    expect(status).toBe(0);
    expect(calls).toEqual([
      `d1 info tidings-staging --json${config}`,
      `d1 migrations apply tidings-staging --remote${config}`,
      `deploy${config}`,
      ...keeping("-staging", config),
    ]);
    const made = JSON.parse(readFileSync(config.slice(10), "utf8")) as Configuration;
    expect(made).toMatchObject({
      name: "tidings-staging",
      main: join(project, "src", "index.ts"),
      r2_buckets: [{ bucket_name: "tidings-staging" }],
      triggers: { crons: ["* * * * *"] },
    });
  });

  it("is the owner's own if wrangler.toml has tables for it, and in every command", () => {
    const toml = join(project, "wrangler.toml");
    writeFileSync(
      toml,
      `${readFileSync(toml, "utf8")}\n[env.staging]\n[[env.staging.d1_databases]]\nbinding = "DB"\ndatabase_name = "mine"\n`,
    );
    const { calls } = deploy("--env=staging");
    expect(calls.slice(0, 3)).toEqual([
      "d1 info mine --json --env staging",
      "d1 migrations apply mine --remote --env staging",
      "deploy --env staging",
    ]);
    expect(calls.every((call) => call.endsWith("--env staging"))).toBe(true);
  });

  it("takes another configuration file for all commands", () => {
    const toml = readFileSync(join(project, "wrangler.toml"), "utf8");
    writeFileSync(join(project, "other.toml"), toml.replaceAll('"tidings', '"other'));
    const { calls } = deploy("--config", "other.toml");
    expect(calls[1]).toBe("d1 migrations apply other --remote --config other.toml");
    expect(calls.every((call) => call.includes("--config other.toml"))).toBe(true);
  });

  it("shares no name with production, whatever both are called", () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/);
    const list = fc.array(name, { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(
        name,
        list,
        name,
        fc.stringMatching(/^[a-z0-9]{1,8}$/),
        (worker, queues, stored, environment) => {
          const production: Configuration = {
            name: worker,
            routes: [{ pattern: "tidings.example.com" }],
            queues: {
              producers: queues.map((queue) => ({ queue })),
              consumers: queues.map((queue) => ({ queue, dead_letter_queue: queue })),
            },
            d1_databases: [{ database_name: stored, database_id: "its id" }],
            r2_buckets: [{ bucket_name: stored }],
            ratelimits: [{ namespace_id: "7301" }, { namespace_id: "7302" }],
          };
          const copy = beside(production, environment, "/project");
          const names = (one: Configuration): string[] => [
            one.name ?? "",
            ...(one.queues?.producers ?? []).map(({ queue }) => queue),
            ...(one.queues?.consumers ?? []).flatMap((consumer) => [
              consumer.queue,
              consumer.dead_letter_queue ?? "",
            ]),
            ...(one.d1_databases ?? []).map(({ database_name }) => database_name ?? ""),
            ...(one.r2_buckets ?? []).map(({ bucket_name }) => bucket_name ?? ""),
            ...(one.ratelimits ?? []).map(({ namespace_id }) => namespace_id),
          ];
          expect(names(copy).every((own, i) => own !== names(production)[i])).toBe(true);
          expect(names(copy).length).toBe(names(production).length);
          expect(new Set(copy.ratelimits?.map(({ namespace_id }) => namespace_id)).size).toBe(2);
          expect(JSON.stringify(copy)).not.toMatch(/its id|tidings\.example\.com/);
        },
      ),
    );
  });
});
