// `npm run deploy` with a stand-in for wrangler that notes what it is asked to do. Nothing leaves this machine.

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { beside, type Configuration } from "../../src/cli/beside.ts";
import { contradictionOf, jurisdictionIn } from "../../src/cli/jurisdiction.ts";
import { ok } from "../../src/lib/result.ts";

const ROOT = join(import.meta.dirname, "..", "..");

let project = "";

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "tidings-deploy-"));
  for (const part of ["src/cli", "src/config", "src/lib", "src/model", "package.json", "wrangler.toml"])
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
     ${then}
     if (args[0] === "d1" && args[1] === "info") console.log("{}");`,
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

describe("a deployment with several databases", () => {
  const further = (n: number, name: string): string =>
    `\n[[d1_databases]]\nbinding = "DB_${n}"\ndatabase_name = "${name}"\nmigrations_dir = "src/store/migrations"\n`;
  /** wrangler.toml with two more databases of ours, and one that has nothing to do with us. */
  function configure(more = ""): void {
    const toml = readFileSync(join(ROOT, "wrangler.toml"), "utf8");
    const other = '\n[[d1_databases]]\nbinding = "OTHER"\ndatabase_name = "other"\n';
    writeFileSync(
      join(project, "wrangler.toml"),
      `${toml}${further(1, "tidings-1")}${further(2, "tidings-2")}${other}${more}`,
    );
  }

  it("migrates all of them before it deploys, and the new ones after it", () => {
    configure();
    standIn(
      `if (args[1] === "info" && args[2] === "tidings-2") { console.error("Couldn't find it"); process.exit(1); }`,
    );
    expect(deploy()).toMatchObject({
      status: 0,
      calls: [
        "d1 info tidings --json",
        "d1 info tidings-1 --json",
        "d1 info tidings-2 --json",
        "d1 migrations apply tidings --remote",
        "d1 migrations apply tidings-1 --remote",
        "deploy",
        "d1 migrations apply tidings-2 --remote",
        ...keeping("", ""),
      ],
    });
    expect(deploy("--dry-run").said).toContain("the databases tidings, tidings-1, tidings-2");
    expect(deploy("--env", "staging").calls.join()).toContain("apply tidings-1-staging --remote");
  });

  it("creates those that are new in its jurisdiction", () => {
    configure('\n[vars.STORAGE]\njurisdiction = "eu"\n');
    const toml = join(project, "wrangler.toml");
    const bucket = 'bucket_name = "tidings"\n';
    writeFileSync(toml, readFileSync(toml, "utf8").replace(bucket, `${bucket}jurisdiction = "eu"\n`));
    standIn(
      `if (args[1] === "info" && args[2] === "tidings-1") { console.error("Couldn't find it"); process.exit(1); }
       if (args[1] === "info") { console.log('{"jurisdiction":"eu"}'); process.exit(0); }`,
    );
    expect(deploy().calls.slice(3, 8)).toEqual([
      "d1 create tidings-1 --jurisdiction eu",
      "d1 migrations apply tidings --remote",
      "d1 migrations apply tidings-2 --remote",
      "d1 migrations apply tidings-1 --remote",
      "deploy",
    ]);
  });
});

describe("a deployment in a jurisdiction", () => {
  const MISSING = `if (args[1] === "info") { console.error("Couldn't find a D1 DB named 'tidings'"); process.exit(1); }`;
  /** Wrangler tells this of the database. */
  const told = (info: object): string =>
    `if (args[1] === "info") { console.log(${JSON.stringify(JSON.stringify(info))}); process.exit(0); }`;
  const BUCKET = 'bucket_name = "tidings"\n';

  /** wrangler.toml with a STORAGE table of this text, and its bucket in this jurisdiction. */
  function configure(storage: string, bucket: string | null): void {
    const toml = readFileSync(join(ROOT, "wrangler.toml"), "utf8");
    expect(toml).toContain(BUCKET);
    const line = bucket === null ? "" : `jurisdiction = "${bucket}"\n`;
    writeFileSync(
      join(project, "wrangler.toml"),
      `${toml.replace(BUCKET, BUCKET + line)}\n[vars.STORAGE]\n${storage}\n`,
    );
  }

  it("creates the database in it, before the migrations and the Worker", () => {
    configure('jurisdiction = "eu"', "eu");
    standIn(MISSING);
    expect(deploy()).toMatchObject({
      status: 0,
      calls: [
        "d1 info tidings --json",
        "d1 create tidings --jurisdiction eu",
        "d1 migrations apply tidings --remote",
        "deploy",
        ...keeping("", ""),
      ],
    });
    const config = ` --config ${join(project, ".wrangler", "beside", "staging", "wrangler.json")}`;
    expect(deploy("--env", "staging").calls[1]).toBe(`d1 create tidings-staging --jurisdiction eu${config}`);
    const made = JSON.parse(readFileSync(config.slice(10), "utf8")) as Configuration;
    expect(made).toMatchObject({
      vars: { STORAGE: { jurisdiction: "eu" } },
      r2_buckets: [{ bucket_name: "tidings-staging", jurisdiction: "eu" }],
    });
  });

  it("goes no further if the database cannot be created", () => {
    configure('jurisdiction = "eu"', "eu");
    standIn(`${MISSING} if (args[1] === "create") process.exit(1);`);
    const { status, calls } = deploy();
    expect([status, calls.length]).toEqual([1, 2]);
  });

  it("goes on with a database that was created in it", () => {
    configure('jurisdiction = "eu"', "eu");
    standIn(told({ uuid: "1", jurisdiction: "eu", running_in_region: "WEUR" }));
    expect(deploy().calls.slice(1, 3)).toEqual(["d1 migrations apply tidings --remote", "deploy"]);
  });

  it("changes nothing if the database lies elsewhere", () => {
    configure('jurisdiction = "eu"', "eu");
    standIn(told({ jurisdiction: null }));
    const refused = deploy();
    expect(refused).toMatchObject({ status: 1, calls: ["d1 info tidings --json"] });
    expect(refused.said).toContain("the database tidings was created with no jurisdiction, not in eu");
  });

  it.each([
    ["eu", { jurisdiction: "eu", running_in_region: "WEUR" }, null, null],
    ["eu", { jurisdiction: "us" }, "was created with the jurisdiction us, not in eu", null],
    ["eu", { running_in_region: "ENAM" }, "lies in the region ENAM, not in eu", null],
    ["eu", { created_in_region: "weur" }, null, "Cloudflare does not say whether the database"],
    ["eu", {}, null, "Cloudflare does not say whether the database"],
    [null, { jurisdiction: "eu" }, null, "lies in the jurisdiction eu, and STORAGE.jurisdiction is not set"],
    [null, { jurisdiction: null, running_in_region: "ENAM" }, null, null],
  ] as const)(
    "with the setting %s and a database that is %j is refused or warns",
    (set, info, refusal, warning) => {
      const warnings: string[] = [];
      const said = contradictionOf("tidings", set, `a line before it\n${JSON.stringify(info)}`, (text) =>
        warnings.push(text),
      );
      expect(said).toEqual(refusal === null ? null : expect.stringContaining(refusal));
      expect(warnings).toEqual(warning === null ? [] : [expect.stringContaining(warning)]);
    },
  );

  it("asks Cloudflare nothing if the bucket would lie elsewhere", () => {
    configure('jurisdiction = "eu"', null);
    for (const args of [[], ["--dry-run"]]) {
      const refused = deploy(...args);
      expect(refused).toMatchObject({ status: 1, calls: [] });
      expect(refused.said).toContain('put jurisdiction = "eu" below [[r2_buckets]], too');
    }
  });

  it.each([
    [{ jurisdiction: "eu" }, "fedramp", 'put jurisdiction = "eu" below [[r2_buckets]], too'],
    [{ jurisdiction: "mars" }, "eu", "STORAGE.jurisdiction must be of eu, fedramp"],
    [{ jurisdicton: "eu" }, "eu", "misspelt setting; did you mean jurisdiction?"],
    ['{"jurisdiction"', "eu", "[vars.STORAGE] must be a table"],
  ])("is refused with %j and a bucket in %s", (STORAGE, jurisdiction, reason) => {
    const read = jurisdictionIn({
      vars: { STORAGE },
      r2_buckets: [{ bucket_name: "tidings", jurisdiction }],
    });
    expect(read).toEqual({ ok: false, reason: expect.stringContaining(reason) as string });
  });

  it("may be written as JSON, too, and none is asked for without the setting", () => {
    const r2_buckets = [{ bucket_name: "tidings", jurisdiction: "eu" }];
    expect(jurisdictionIn({ vars: { STORAGE: '{"jurisdiction":"eu"}' }, r2_buckets })).toEqual(ok("eu"));
    expect(jurisdictionIn({ vars: { STORAGE: {} }, r2_buckets: [{}] })).toEqual(ok(null));
    expect(jurisdictionIn({})).toEqual(ok(null));
  });

  it("is announced by a dry run", () => {
    configure('jurisdiction = "eu"', "eu");
    const { calls, said } = deploy("--dry-run");
    expect(calls).toEqual(["deploy --dry-run"]);
    expect(said).toContain("created in the jurisdiction eu if there is none yet");
  });

  it("of an environment with tables of its own is that of its tables", () => {
    configure('jurisdiction = "eu"', "eu");
    const toml = join(project, "wrangler.toml");
    const own = '[env.staging]\n[[env.staging.d1_databases]]\nbinding = "DB"\ndatabase_name = "mine"\n';
    writeFileSync(toml, `${readFileSync(toml, "utf8")}\n${own}`);
    standIn(MISSING);
    expect(deploy("--env", "staging").calls.slice(1, 3)).toEqual([
      "deploy --env staging",
      "d1 migrations apply mine --remote --env staging",
    ]);
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
