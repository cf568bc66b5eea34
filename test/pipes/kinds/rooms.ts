// The tests' side of the written peers: rooms (peers/rooms.ts), and how every destination that speaks HTTP may fail.

import { inject } from "vitest";
import type { DeliveryResult } from "../../../src/pipes/kinds/kind.ts";
import type { Behaviour } from "../peers/http.ts";
import type { RoomState } from "../peers/rooms.ts";
import type { KindCase, PeerControl, Refusal } from "./suite.ts";

/** A room of a written peer: where it is, and control over it. */
export interface RoomControl extends PeerControl {
  port: number;
  /** http://127.0.0.1:<port> */
  url: string;
  behave(behaviour: Behaviour): Promise<void>;
  tell(): Promise<RoomState>;
}

/** A case in a room. */
export interface RoomCase extends KindCase {
  control: RoomControl;
}

/** Opens a room at the peer of that name in peers/index.ts. */
export async function openRoom(peer: string): Promise<RoomControl> {
  const door = `http://127.0.0.1:${inject("peers")[peer]}`;
  const call = async (method: string, path: string, told?: unknown): Promise<string> => {
    const response = await fetch(door + path, {
      method,
      ...(told === undefined ? {} : { body: JSON.stringify(told) }),
    });
    const text = await response.text();
    if (response.status !== 200) throw new Error(text);
    return text;
  };
  const { port } = JSON.parse(await call("POST", "/")) as { port: number };
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    behave: async (behaviour) => void (await call("PUT", `/${port}`, behaviour)),
    tell: async () => JSON.parse(await call("GET", `/${port}`)) as RoomState,
    forget: async () => void (await call("DELETE", `/${port}`)),
  };
}

/** An answer in place of the peer's own, as what it has to be taken for. */
export function answered(
  when: string,
  answer: NonNullable<Behaviour["answer"]>,
  result: DeliveryResult,
  { retryAfter, ...behaviour }: Behaviour & { retryAfter?: number } = {},
): Refusal {
  const wait = retryAfter === undefined ? {} : { retryAfter };
  return { when, behaviour: { ...behaviour, answer }, result, status: answer.status, ...wait };
}

/**
 * The error classes that all HTTP destinations share.
 * - `on`: only requests whose path has this in it
 * - `but`: by the status, where the destination means something of its own by it; null leaves it out
 */
export function httpErrors({
  on,
  but = {},
}: { on?: string; but?: Readonly<Record<number, DeliveryResult | null>> } = {}): Refusal[] {
  const only = on === undefined ? {} : { on };
  const wait = { headers: { "retry-after": "7" } };
  const html = "<html>ann@example.com</html>";
  const rows: [string, NonNullable<Behaviour["answer"]>, DeliveryResult, number?][] = [
    ["a bare 400", { status: 400, body: "no" }, "refused"],
    ["401", { status: 401 }, "denied"],
    ["403", { status: 403, body: html }, "denied"],
    ["404", { status: 404, body: html }, "denied"],
    ["405", { status: 405 }, "denied"],
    ["408", { status: 408 }, "unavailable"],
    ["410", { status: 410, body: html }, "gone"],
    ["413", { status: 413, body: html }, "refused"],
    ["422", { status: 422, body: html }, "refused"],
    ["425", { status: 425 }, "unavailable"],
    ["429 for 7 s", { status: 429, ...wait }, "slow_down", 7000],
    ["500 with a page", { status: 500, body: html }, "unavailable"],
    ["503 for 7 s", { status: 503, ...wait }, "unavailable", 7000],
    ["a move for good", { status: 301, headers: { location: "/moved" } }, "denied"],
    ["a move", { status: 307, headers: { location: "http://127.0.0.1:1/" } }, "denied"],
    ["200 with garbage", { status: 200, body: "\u0000<html>{{{" }, "unavailable"],
    ["200 with nothing", { status: 200, body: "" }, "unavailable"],
    ["200 with null", { status: 200, body: "null" }, "unavailable"],
  ];
  const answers = rows.flatMap(([when, answer, result, retryAfter]) => {
    const meant = but[answer.status] === undefined ? result : but[answer.status];
    if (meant === null || meant === undefined) return [];
    return [answered(when, answer, meant, { ...only, ...(retryAfter === undefined ? {} : { retryAfter }) })];
  });
  const cut = (when: string, fault: Behaviour["fault"]): Refusal => {
    return { when, behaviour: { ...only, fault }, result: "unavailable", status: null };
  };
  const flood = { ...only, fault: "flood" };
  return [
    ...answers,
    cut("a connection cut before the answer", "cut"),
    cut("a connection cut within the answer", "cut_body"),
    { when: "a flood", behaviour: flood, result: but[200] ?? "unavailable", status: 200 },
  ];
}

/** What makes a peer answer with what it was sent, and with secrets that it should not even know. */
export function echoes(secrets: readonly string[], on?: string): Behaviour[] {
  const only = on === undefined ? {} : { on };
  const body = `no: ${secrets.join(" ")}`;
  return [
    { ...only, fault: "echo" },
    { ...only, answer: { status: 400, body } },
  ];
}
