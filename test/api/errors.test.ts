// Whose fault a failure is: failures of the bindings themselves are outages and answer 503; errors of our own code are
// bugs and answer 500, with their stack, route and method in the log.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { isOutage } from "../../src/lib/outage.ts";
import { withOutages } from "../../src/store/outages.ts";
import { configOf } from "../../src/config/config.ts";
import { askApi, envWith, freshStorage, send } from "../support/support.ts";
import { expectLogs } from "../support/log.ts";

// The use of a token is noted in the background, by the same failing database.
beforeEach(() => expectLogs(/a use was not noted/));

const bindings = (): Env => withOutages(envWith());
const fails = (text: string) => async (): Promise<never> => await Promise.reject(new Error(text));

/** Calls a contact's object, which fails with this error and these flags. */
async function claimFailing(error: Error, flags: Record<string, true>): Promise<unknown> {
  const claim = async (): Promise<never> => await Promise.reject(Object.assign(error, flags));
  const tagged = withOutages(envWith({ CONTACTS: { getByName: () => ({ claim }) } }));
  return await tagged.CONTACTS.getByName("a").claim([]);
}

/** The error with which the call rejects or which it throws. */
async function failureOf(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new Error("it did not fail");
}

describe("a failed call of a binding", () => {
  const BUGS: Record<string, () => unknown> = {
    "a statement that is no SQL": () => bindings().DB.prepare("SELEC 1").run(),
    "a table that does not exist": () => bindings().DB.prepare("SELECT * FROM nothing").all(),
    "a value that cannot be bound": () => bindings().DB.prepare("SELECT ?1").bind({}).first(),
    "too many values": () => bindings().DB.prepare("SELECT ?1").bind(1, 2).raw(),
    "a row that breaks a constraint": () => bindings().DB.prepare("INSERT INTO tokens DEFAULT VALUES").run(),
    "malformed JSON in a batch": () =>
      bindings().DB.batch([bindings().DB.prepare("SELECT * FROM json_each(?1)").bind("{")]),
    "a statement of a session": () => bindings().DB.withSession().prepare("SELEC 1").run(),
    "a value too big": () => bindings().DB.prepare("SELECT zeroblob(3000000000)").run(),
    "an empty batch for the queue": () => bindings().QUEUE.sendBatch([]),
    // Flags as the local runtime sets them, on errors that its log would shout about were they real.
    "a method that the object lacks": () => claimFailing(new TypeError("no such method"), { remote: true }),
    "an error of our own code in the object": () => claimFailing(new Error("our own"), { remote: true }),
    "an argument that cannot be cloned": () =>
      (bindings().CONTACTS.getByName("a") as unknown as { claim(claims: unknown): unknown }).claim(
        Symbol("x"),
      ),
  };
  const OUTAGES: Record<string, () => unknown> = {
    "a database that is gone": () =>
      withOutages(envWith({ DB: { prepare: () => ({ run: fails("D1_ERROR: Network connection lost.") }) } }))
        .DB.prepare("SELECT 1")
        .run(),
    "a database that cannot even prepare": () =>
      withOutages(
        envWith({
          DB: {
            prepare: () => {
              throw new Error("D1 DB is overloaded. Requests queued for too long.");
            },
          },
        }),
      ).DB.prepare("SELECT 1"),
    "a transaction that gives way to an erasure": () =>
      bindings().DB.prepare("SELECT abs(-9223372036854775807 - 1)").run(),
    "a bucket that has trouble": () =>
      withOutages(
        envWith({ BUCKET: { get: fails("get: We encountered an internal error. (10001)") } }),
      ).BUCKET.get("x"),
    "a queue that is overloaded": () =>
      withOutages(envWith({ QUEUE: { send: fails("Queue is overloaded. Please back off.") } })).QUEUE.send(
        "x",
      ),
    "an object that was reset": () =>
      claimFailing(new Error("reset"), { remote: true, durableObjectReset: true }),
    "an object that is overloaded": () => claimFailing(new Error("full"), { remote: true, overloaded: true }),
    "an object that could not be reached": () => claimFailing(new Error("Network connection lost."), {}),
  };

  it.each(Object.keys(BUGS))("is a bug: %s", async (name) => {
    expect(isOutage(await failureOf(async () => await BUGS[name]?.()))).toBe(false);
  });

  it.each(Object.keys(OUTAGES))("is an outage: %s", async (name) => {
    expect(isOutage(await failureOf(async () => await OUTAGES[name]?.()))).toBe(true);
  });

  it("does not change successful calls, and the configuration is read only once", async () => {
    const bindings = envWith();
    const tagged = withOutages(bindings);
    expect(withOutages(bindings)).toBe(tagged);
    expect(withOutages(tagged)).toBe(tagged);
    expect(configOf(tagged)).toBe(configOf(bindings));
    const statement = tagged.DB.prepare("SELECT ?1 AS n");
    const results = await tagged.DB.batch<{ n: number }>([statement.bind(1), statement.bind(2)]);
    expect(results.flatMap((result) => result.results)).toEqual([{ n: 1 }, { n: 2 }]);
    expect(await tagged.DB.prepare("SELECT 5 AS n").first("n")).toBe(5);
    await tagged.BUCKET.put("x", "y");
    expect(await (await tagged.BUCKET.get("x"))?.text()).toBe("y");
  });
});

describe("a request", () => {
  beforeEach(freshStorage);
  afterEach(() => void vi.restoreAllMocks());

  const ask = async (
    path: string,
    changes: Parameters<typeof envWith>[0],
    method = "GET",
  ): Promise<Response> => await askApi(method, path, undefined, envWith(changes));
  const failing = (error: Error) => {
    const prepare = () => {
      throw error;
    };
    return { DB: { prepare, withSession: () => ({ prepare, getBookmark: () => null }) } };
  };

  it("that meets an outage answers 503 with Retry-After, and the log has no stack", async () => {
    const said = vi.spyOn(console, "warn").mockImplementation(() => {});
    const response = await ask(
      "/v1/contacts/ann@example.com",
      failing(new Error("Network connection lost.")),
    );
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "5"]);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    // That the token was used could not be noted either, which is logged and nothing more.
    const log = said.mock.calls.filter((call) => !JSON.stringify(call).includes("a use was not noted"));
    expect(log).toEqual([
      [
        {
          message: "a request met an outage",
          method: "GET",
          route: "/v1/contacts/:address",
          error: "the database: Error: Network connection lost.",
        },
      ],
    ]);
  });

  it("that meets a bug answers 500 and blames Tidings, and the log has the stack, route and method but no address or secret", async () => {
    const said = vi.spyOn(console, "error").mockImplementation(() => {});
    for (const [path, method, route] of [
      ["/v1/events?contact=ann@example.com&message_id=secret", "GET", "/v1/events"],
      ["/v1/dead-letters/ann%40example.com/replay", "POST", "/v1/dead-letters/:id/replay"],
    ] as const) {
      said.mockClear();
      const response = await ask(path, failing(new TypeError("row of ann@example.com is undefined")), method);
      expect([response.status, response.headers.get("retry-after")]).toEqual([500, null]);
      expect(await response.json()).toEqual({
        type: "about:blank",
        title: "Internal error",
        status: 500,
        detail: "This is a fault of Tidings, not of your request. The log has the details.",
      });
      const log = said.mock.calls.flat() as { stack?: string }[];
      expect(log).toMatchObject([
        { message: "a request met a bug", method, route, stack: expect.stringMatching(/at /) },
      ]);
      expect(JSON.stringify(log)).not.toMatch(/ann|secret|api-token/);
    }
  });

  it("that fails in a pipe's Durable Object answers 503 for an outage there and 500 for a bug there", async () => {
    const stub = (error: Error) => ({
      PIPES: { getByName: () => ({ begin: async () => await Promise.reject(error) }) },
    });
    const make = async (error: Error): Promise<number> => {
      const request = new Request("https://edge.example/v1/pipes", {
        method: "POST",
        headers: { authorization: "Bearer api-token", "content-type": "application/json" },
        body: JSON.stringify({
          name: crypto.randomUUID(),
          kind: "webhook",
          settings: { url: "https://hooks.example/x" },
        }),
      });
      return (await send(request, envWith(stub(error)))).status;
    };
    const quiet = [vi.spyOn(console, "warn"), vi.spyOn(console, "error")].map((spy) =>
      spy.mockImplementation(() => {}),
    );
    expect(await make(Object.assign(new Error("reset"), { remote: true, durableObjectReset: true }))).toBe(
      503,
    );
    expect(await make(Object.assign(new Error("our own"), { remote: true }))).toBe(500);
    expect(quiet.map((spy) => spy.mock.calls.length)).toEqual([1, 1]);
  });
});
