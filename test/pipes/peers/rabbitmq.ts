// A RabbitMQ of the machine's packages, as a process of its own on free ports, with its data in a temporary folder.
// Where it is not installed and this is root on Debian, it is installed first; its system service is left alone.

import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, connect, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { certificateIn } from "./certificate.ts";
import { BROKER_PASSWORD } from "./known.ts";

const SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server";
/** ms until it answers; about 7 s here. */
const START = 90_000;
/** ms until it has written everything down. */
const STOP = 20_000;

/**
 * What the tests find: a user who may do everything, one who may not write, an exchange that leads on, a full queue.
 */
const vhost = "mail/eu";
const durable = { vhost, durable: true, auto_delete: false };
const DEFINITIONS = {
  users: [
    { name: "tidings", password: BROKER_PASSWORD, tags: "administrator" },
    { name: "reader", password: BROKER_PASSWORD, tags: "" },
  ],
  vhosts: [{ name: vhost }],
  permissions: [
    { user: "tidings", vhost, configure: ".*", write: ".*", read: ".*" },
    { user: "reader", vhost, configure: "", write: "", read: ".*" },
  ],
  queues: [
    { ...durable, name: "all", arguments: {} },
    { ...durable, name: "taken", arguments: {} },
    { ...durable, name: "full", arguments: { "x-max-length": 0, "x-overflow": "reject-publish" } },
  ],
  exchanges: [{ ...durable, name: "events", type: "topic", internal: false, arguments: {} }],
  bindings: [
    {
      source: "events",
      vhost,
      destination: "all",
      destination_type: "queue",
      routing_key: "email.#",
      arguments: {},
    },
  ],
};

export interface RabbitMq {
  port: number;
  /** 0 without TLS. */
  tlsPort: number;
  stop(): Promise<void>;
}

/** Starts it; a text says why that cannot be. `certificates`: a folder of certificate.ts. */
export async function start(certificates: string | null): Promise<RabbitMq | string> {
  const missing = install();
  if (missing !== null) return missing;
  const folder = mkdtempSync(join(tmpdir(), "tidings-rabbitmq-"));
  const [port, tls, between, names] = await freePorts();
  const tlsPort = certificates === null ? 0 : tls;
  writeFileSync(join(folder, "definitions.json"), JSON.stringify(DEFINITIONS));
  writeFileSync(join(folder, "plugins"), "[].");
  writeFileSync(join(folder, "rabbitmq.conf"), configOf(folder, port, tlsPort, certificates));
  const env = {
    ...process.env,
    HOME: folder, // Erlang keeps its cookie there
    ERL_EPMD_PORT: String(names),
    ERL_EPMD_ADDRESS: "127.0.0.1",
    RABBITMQ_NODENAME: "tidings@localhost",
    RABBITMQ_DIST_PORT: String(between),
    RABBITMQ_MNESIA_BASE: join(folder, "data"),
    RABBITMQ_LOG_BASE: join(folder, "log"),
    RABBITMQ_CONFIG_FILE: join(folder, "rabbitmq.conf"),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, "plugins"),
    RABBITMQ_PID_FILE: join(folder, "pid"),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-start_epmd false",
  };
  // Each the head of a group of its own, so that both end as a whole.
  const epmd = spawn("epmd", ["-port", String(names)], { env, stdio: "ignore", detached: true });
  const server = spawn(SERVER, [], { env, stdio: "ignore", detached: true });
  const stop = async (): Promise<void> => {
    await end(server);
    await end(epmd);
    rmSync(folder, { recursive: true, force: true });
  };
  if (await answers(port, server)) return { port, tlsPort, stop };
  await stop();
  return `did not start within ${START / 1000} s`;
}

function configOf(folder: string, port: number, tlsPort: number, certificates: string | null): string {
  const lines = [
    `listeners.tcp.1 = 127.0.0.1:${port}`,
    `load_definitions = ${join(folder, "definitions.json")}`,
    "loopback_users = none",
    "max_message_size = 1000000",
  ];
  if (certificates !== null) {
    const { authority, certificate, key } = certificateIn(certificates);
    lines.push(
      `listeners.ssl.1 = 127.0.0.1:${tlsPort}`,
      `ssl_options.cacertfile = ${authority}`,
      `ssl_options.certfile = ${certificate}`,
      `ssl_options.keyfile = ${key}`,
    );
  }
  return `${lines.join("\n")}\n`;
}

/** Why it cannot be installed; null where it is. */
function install(): string | null {
  if (existsSync(SERVER)) return null;
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) {
    return "is not installed, and only root on Debian can do that here (apt-get install rabbitmq-server)";
  }
  const apt = (...words: string[]): boolean =>
    spawnSync("apt-get", words, {
      stdio: "ignore",
      // Runlevel 1 keeps the package from starting its service.
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" },
    }).status === 0;
  const get = ["install", "-y", "--no-install-recommends", "rabbitmq-server"];
  const done = apt(...get) || (apt("update") && apt(...get));
  return done && existsSync(SERVER) ? null : "cannot be installed here (apt-get install rabbitmq-server)";
}

async function freePorts(): Promise<[number, number, number, number]> {
  const servers = Array.from({ length: 4 }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.once("listening", resolve))));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports as [number, number, number, number];
}

async function answers(port: number, server: ChildProcess): Promise<boolean> {
  const began = Date.now();
  while (Date.now() - began < START && server.exitCode === null) {
    if (await greets(port)) return true;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  return false;
}

/** Whether a broker begins to speak: connection.start. */
async function greets(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("AMQP\0\0\u0009\u0001"));
    const tell = (yes: boolean): void => {
      socket.destroy();
      resolve(yes);
    };
    socket.once("data", (bytes) => tell(bytes[0] === 1));
    socket.once("error", () => tell(false));
    socket.setTimeout(2000, () => tell(false));
  });
}

/** Ends a process's group, kindly at first. */
async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  process.kill(-child.pid, "SIGTERM");
  const kill = setTimeout(() => process.kill(-Number(child.pid), "SIGKILL"), STOP);
  await gone;
  clearTimeout(kill);
}
