// The receiver of the pipes that the fuzz creates: it misbehaves in the way that the path names. Many of its answers
// repeat the request, secrets and addresses included, none of which may appear anywhere.

import { createServer, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** The receiver's behaviours, by the first part of the path. */
export const BEHAVIOURS: readonly string[] =
  "200 200 204 echo echo 400 401 404 410 413 429 500 503 redirect flood garbage cut half slow hang".split(
    " ",
  );
const HANG = 4_000; // ms; longer would only hold up the senders
const FLOOD = 3_000_000; // bytes

/** Starts the receiver on a free port of this machine. */
export async function startHostileReceiver(): Promise<{ port: number; stop(): void }> {
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("error", () => response.destroy());
    request.on("end", () => {
      const [what = ""] = (request.url ?? "").slice(1).split("/");
      const said = `${request.rawHeaders.join("\n")}\n${request.url ?? ""}\n${Buffer.concat(parts).toString("utf8")}`;
      void answer(response, what, said).catch(() => response.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen({ port: 0, host: "127.0.0.1" }, resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no port of this machine is free");
  return {
    port: address.port,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function answer(response: ServerResponse, what: string, said: string): Promise<void> {
  switch (what) {
    case "redirect":
      return void response.writeHead(302, { location: "http://127.0.0.1:1/200" }).end();
    case "flood":
      return void response.writeHead(200).end(said + "x".repeat(FLOOD));
    case "garbage":
      return void response
        .writeHead(200, { "content-type": "application/json", "retry-after": "-1e9", "x-odd": "\u00ff" })
        .end(Buffer.from("7b22ff00e282", "hex"));
    case "cut":
      return void response.destroy();
    case "half":
      response.writeHead(200, { "content-length": "1000" }).write(said.slice(0, 100));
      await sleep(20);
      return void response.destroy();
    case "slow":
      await sleep(300);
      return void response.writeHead(200).end();
    case "hang":
      await sleep(HANG);
      return void response.destroy();
    default: {
      const status = /^[2-5]\d\d$/.test(what) ? Number(what) : 200;
      if (status === 204) return void response.writeHead(204).end();
      const later = status === 429 ? { "retry-after": "1" } : {};
      return void response.writeHead(status, { "content-type": "text/plain", ...later }).end(said);
    }
  }
}
