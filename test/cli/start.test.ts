// `npm start` with a stand-in for wrangler: who may use the local state, and that Ctrl-C ends everything, also where
// processes have no groups.

import { spawn, type ChildProcess } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");

let project = "";
let running: ChildProcess[] = [];

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "tidings-start-"));
  for (const part of ["src/cli", "src/lib", "package.json", ".dev.vars.example"])
    cpSync(join(ROOT, part), join(project, part), { recursive: true });
  mkdirSync(join(project, "node_modules", "wrangler", "bin"), { recursive: true });
  // It answers /healthz where it is told to, and ends when it is asked to.
  writeFileSync(
    join(project, "node_modules", "wrangler", "bin", "wrangler.js"),
    `const args = process.argv.slice(2);
     if (args[0] === "dev") {
       require("fs").writeFileSync(${JSON.stringify(join(project, "worker"))}, String(process.pid));
       require("http").createServer((_, answer) => answer.end('{"problems":[]}'))
         .listen(Number(args[args.indexOf("--port") + 1]), "localhost");
     }`,
  );
  // What Node does on Windows: https://github.com/nodejs/node/issues/3617
  writeFileSync(
    join(project, "no-groups.mjs"),
    `const kill = process.kill.bind(process);
     process.kill = (pid, signal) => {
       if (pid < 0) throw Object.assign(new Error("kill ESRCH"), { code: "ESRCH" });
       return kill(pid, signal);
     };`,
  );
});

afterEach(async () => {
  for (const child of running) {
    child.kill("SIGINT");
    await ended(child);
  }
  running = [];
  rmSync(project, { recursive: true });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

interface Started {
  child: ChildProcess;
  said(): string;
}

function start(port: number, ...options: string[]): Started {
  const script = join(project, "src", "cli", "run.js");
  const child = spawn(process.execPath, [...options, script, "start", "--port", String(port)], {
    cwd: project,
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding("utf8").on("data", (more: string) => (text += more));
  running.push(child);
  return { child, said: () => text };
}

const ended = async (child: ChildProcess): Promise<number | null> =>
  child.exitCode ?? (await new Promise((resolve) => child.once("exit", resolve)));

async function untilUp(run: Started): Promise<void> {
  while (!run.said().includes("Ctrl-C stops it")) {
    expect(run.said()).not.toContain("tidings:");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

const lockFile = (): string => join(project, ".wrangler", "state", "tidings.lock");

describe("npm start", () => {
  it("is refused while another one uses the same state, and told which; afterwards it starts", async () => {
    const port = await freePort();
    const first = start(port);
    await untilUp(first);
    const second = start(await freePort());
    expect(await ended(second.child)).toBe(1);
    expect(second.said()).toContain(`in use by another \`npm start\`, process ${first.child.pid}`);
    expect(second.said()).toContain(`http://localhost:${port}`);
    first.child.kill("SIGINT");
    expect(await ended(first.child)).toBe(0);
    expect(existsSync(lockFile())).toBe(false);
    await untilUp(start(port));
  });

  it("takes over the state of a run that was killed, also if its process id belongs to another program now", async () => {
    mkdirSync(join(project, ".wrangler", "state"), { recursive: true });
    const dead = { pid: 2 ** 22 + 1, port: 1, since: Date.now() };
    const other = { pid: process.ppid, port: await freePort(), since: Date.now() - 600_000 };
    for (const text of [JSON.stringify(dead), JSON.stringify(other), '{"pid":']) {
      writeFileSync(lockFile(), text);
      const run = start(await freePort());
      await untilUp(run);
      run.child.kill("SIGINT");
      expect(await ended(run.child)).toBe(0);
    }
  });

  it("ends with its Worker at Ctrl-C, also where a process group cannot be signalled", async () => {
    for (const options of [[], ["--import", join(project, "no-groups.mjs")]]) {
      const run = start(await freePort(), ...options);
      await untilUp(run);
      const worker = Number(readFileSync(join(project, "worker"), "utf8"));
      expect(isAlive(worker)).toBe(true);
      run.child.kill("SIGINT");
      expect(await ended(run.child)).toBe(0);
      expect(isAlive(worker)).toBe(false);
    }
  });
});
