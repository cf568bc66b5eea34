// The receivers in src/docs/passing-on.md, run as they stand there, against requests that are signed as pipes sign them.

import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Webhook, WebhookVerificationError } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");
const PAGE = readFileSync(join(ROOT, "src/docs/passing-on.md"), "utf8");
const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const BODY = JSON.stringify({
  type: "opened",
  timestamp: new Date().toISOString(),
  data: { contact: "ä@example.com" },
});

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tidings-receivers-"));
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The block of the page in this language that holds these words. */
function block(language: string, words: string): string {
  const blocks = [...PAGE.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, "gm"))];
  const found = blocks.find(([, code = ""]) => code.includes(words))?.[1];
  if (found === undefined) throw new Error(`no ${language} block with ${words}`);
  return found;
}

/** Headers of a request with this body, signed now with the receiver's secret or with another one. */
function signed(body: string, secret = SECRET): Record<string, string> {
  const now = new Date();
  return {
    "content-type": "application/json",
    "webhook-id": "event-1",
    "webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
    "webhook-signature": new Webhook(secret).sign("event-1", now, body),
  };
}
const OTHER = signed(BODY, `whsec_${btoa("another secret, of 24 bytes or more")}`);

describe("the fetch handler", () => {
  it("takes what is signed, and nothing else", async () => {
    const file = join(folder, "handler.mjs");
    writeFileSync(file, block("js", "export default"));
    type Handler = { default: { fetch(request: Request, env: object): Promise<Response> } };
    const { default: handler } = (await import(/* @vite-ignore */ file)) as Handler;
    const ask = async (headers: Record<string, string>, body = BODY): Promise<Response> =>
      await handler.fetch(new Request("https://receiver.example", { method: "POST", headers, body }), {
        TIDINGS_SECRET: SECRET,
      });
    expect((await ask(signed(BODY))).status).toBe(204);
    await expect(ask(OTHER)).rejects.toThrow("No matching signature found");
    await expect(ask(signed(BODY), `${BODY} `)).rejects.toThrow("No matching signature found");
  });
});

describe("the Express app", () => {
  async function started(code: string): Promise<{ app: ChildProcess; url: string }> {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const file = join(folder, `app-${port}.mjs`);
    writeFileSync(file, code.replace("listen(3000)", `listen(${port}, "127.0.0.1")`));
    const app = spawn(process.execPath, [file], {
      env: { ...process.env, TIDINGS_SECRET: SECRET },
      stdio: "ignore",
    });
    const url = `http://127.0.0.1:${port}/hooks/mail`;
    for (let tries = 0; tries < 300; tries++) {
      if (await fetch(url).catch(() => null)) return { app, url };
      await sleep(100);
    }
    app.kill();
    throw new Error("the app did not start");
  }
  const post = async (url: string, headers: Record<string, string>): Promise<Response> =>
    await fetch(url, { method: "POST", headers, body: BODY });

  it("takes what is signed, and nothing else", async () => {
    const { app, url } = await started(block("js", "express.raw"));
    try {
      expect((await post(url, signed(BODY))).status).toBe(204);
      expect((await post(url, OTHER)).status).toBe(500);
    } finally {
      app.kill();
    }
  });

  it("says what is wrong if the body was parsed before", async () => {
    const parsed = block("js", "express.raw").replace('express.raw({ type: "*/*" })', "express.json()");
    const { app, url } = await started(parsed);
    try {
      const answer = await post(url, signed(BODY));
      expect(answer.status).toBe(500);
      expect(await answer.text()).toContain("Expected payload to be of type string or Buffer");
    } finally {
      app.kill();
    }
  });
});

it("the messages in the table are those of the library", () => {
  const webhook = new Webhook(SECRET);
  const messageOf = (body: unknown, headers: unknown): string => {
    try {
      webhook.verify(body as string, headers as Record<string, string>);
      return "";
    } catch (error) {
      return error instanceof WebhookVerificationError || error instanceof Error
        ? error.message
        : String(error);
    }
  };
  const old = { ...signed(BODY), "webhook-timestamp": "1600000000" };
  for (const message of [
    messageOf(JSON.parse(BODY), signed(BODY)),
    messageOf(BODY, new Headers(signed(BODY))),
    messageOf(BODY, OTHER),
    messageOf(BODY, old),
  ]) {
    expect(message).not.toBe("");
    expect(PAGE).toContain(`| ${message.replace(/\.$/, "")} `);
  }
});

const python = spawnSync("python3", ["--version"]).status === 0;
it.skipIf(!python)("the function in Python takes what is signed, and nothing else", () => {
  const use = `
import sys
given = json.loads(sys.stdin.read())
try:
    print(verified(given["body"].encode(), given["headers"])["type"])
except ValueError as error:
    print(error)
`;
  const run = (headers: Record<string, string>): string => {
    const input = JSON.stringify({ body: BODY, headers });
    const env = { ...process.env, TIDINGS_SECRET: SECRET };
    const ran = spawnSync("python3", ["-c", block("python", "hmac") + use], { input, env, encoding: "utf8" });
    return ran.stdout.trim() + ran.stderr;
  };
  expect(run(signed(BODY))).toBe("opened");
  expect(run(OTHER)).toBe("not from Tidings");
});
