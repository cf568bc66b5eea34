// Requests to destinations: where they may go, what is noted of them, what an answer means.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Exchange,
  NoAnswer,
  outcomeOf,
  outcomeOfError,
  pipeFetch,
  type PipeRequest,
  refusalOf,
  retryAfterOf,
} from "../../../src/pipes/transport/http.ts";

const NOW = Date.UTC(2026, 10, 21, 9, 30);

describe("URLs of destinations", () => {
  test.each([
    "https://example.com/hooks",
    "https://EXAMPLE.com.:8443/a?b=c#d",
    "https://hooks.internal.example.com/",
    "https://localhost.example.com/",
    "https://münchen.example/",
    "https://1.1.1.1/",
    "https://16843009/", // 1.1.1.1
    "https://172.15.0.1/",
    "https://[2606:4700:4700::1111]/",
    "https://[::ffff:1.1.1.1]/",
    "https://169.254.169.254.example.com/",
  ])("%s may be called", (url) => expect(refusalOf(url, false)).toBeNull());

  const HOSTILE = [
    // this machine
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://localhost../",
    "https://a.localhost/",
    "https://127.0.0.1/",
    "https://127.0.0.1./",
    "https://127.1/",
    "https://127.255.255.254/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://１２７.0.0.1/",
    "https://127。0。0。1/",
    "https://%31%32%37.0.0.1/",
    "https://%6cocalhost/",
    "https://ⓛocalhost/",
    "https://0.0.0.0/",
    "https://0/",
    "https://0.1.2.3/",
    "https://[::]/",
    "https://[::1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://localhost.localdomain/",
    // private, link-local, shared, reserved IPv4
    "https://10.0.0.1/",
    "https://10.1/",
    "https://012.0.0.1/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.1.1/",
    "https://3232235777/",
    "https://0xC0A80101/",
    "https://169.254.0.1/",
    "https://100.64.0.1/",
    "https://192.0.0.1/",
    "https://192.0.2.1/",
    "https://198.18.0.1/",
    "https://198.51.100.1/",
    "https://203.0.113.1/",
    "https://192.88.99.1/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    // metadata of cloud providers
    "https://169.254.169.254/latest/meta-data/",
    "https://2852039166/",
    "https://0xa9fea9fe/",
    "https://169.254.43518/",
    "https://169.254.170.2/",
    "https://100.100.100.200/",
    "https://192.0.0.192/",
    "https://168.63.129.16/",
    "https://[fd00:ec2::254]/",
    "https://[::ffff:169.254.169.254]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://metadata.google.internal/",
    "https://metadata/",
    "https://instance-data/",
    "https://metadata.google.internal./",
    // IPv6 that is private, or leads to IPv4
    "https://[fe80::1]/",
    "https://[fec0::1]/",
    "https://[fc00::1]/",
    "https://[fdff::1]/",
    "https://[ff02::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[::ffff:0:127.0.0.1]/",
    "https://[::127.0.0.1]/",
    "https://[::7f00:1]/",
    "https://[::a9fe:a9fe]/",
    "https://[2002:7f00:1::]/",
    "https://[2002:a9fe:a9fe::1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::1.1.1.1]/",
    "https://[64:ff9b:1::a9fe:a9fe]/",
    "https://[2001::1]/",
    "https://[100::1]/",
    "https://[2001:db8::1]/",
    "https://[3fff::1]/",
    "https://[5f00::1]/",
    "https://[4000::1]/",
    // names of inner networks
    "https://intranet/",
    "https://router.lan/",
    "https://nas.local/",
    "https://db.internal/",
    "https://db.INTERNAL./",
    "https://git.corp/",
    "https://printer.home/",
    "https://printer.home.arpa/",
    "https://1.0.0.127.in-addr.arpa/",
    "https://api.default.svc.cluster.local/",
    "https://api.default.svc/",
    "https://web.service.consul/",
    "https://host.docker.internal/",
    "https://hidden.onion/",
    "https://a..example.com/",
    // other than https, and URLs with credentials
    "http://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "data:text/plain,a",
    "javascript:alert(1)",
    "ws://example.com/",
    "https://user@example.com/",
    "https://user:password@example.com/",
    "https://:password@example.com/",
    "https://example.com@127.0.0.1/",
    "https://127.0.0.1\\@example.com/",
    "https:127.0.0.1/",
    "https:\\\\127.0.0.1/",
    "https://127.0.0.1:443/",
    "https://\t127.0.0.1/",
    " https://127.0.0.1/ ",
    // no URLs
    "",
    "example.com",
    "//example.com/",
    "/hooks",
    "https://",
    "https://[::1",
    "https://256.256.256.256/",
    "https://a b/",
    "https://1.2.3.4.5/",
  ];
  test.each(HOSTILE)("%s may not", (url) => expect(refusalOf(url, false)).toMatch(/\w/));

  test("in local development this machine may be called, and nothing else inside", () => {
    const local = [
      "http://localhost:8787/",
      "http://127.0.0.1:8787/a",
      "https://[::1]/",
      "http://localhost./",
      "http://127.1/",
    ];
    for (const url of local) {
      expect(refusalOf(url, true)).toBeNull();
      expect(refusalOf(url, false)).not.toBeNull();
    }
    for (const url of [
      "http://u:p@localhost/",
      "ftp://localhost/",
      "http://10.0.0.1/",
      "http://0.0.0.0/",
      "http://example.com/",
    ]) {
      expect(refusalOf(url, true)).not.toBeNull();
    }
  });

  test("however an IPv4 address is written, it is taken for what it is", () => {
    const octet = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(fc.tuple(octet, octet, octet, octet), ([a, b, c, d]) => {
        const plain = refusalOf(`https://${a}.${b}.${c}.${d}/`, false);
        const number = ((a * 256 + b) * 256 + c) * 256 + d;
        const hex = (value: number): string => value.toString(16);
        const spellings = [
          String(number),
          `0x${hex(number)}`,
          `0${number.toString(8)}`,
          `${a}.${(b * 256 + c) * 256 + d}`,
          `0x${hex(a)}.0${b.toString(8)}.${c * 256 + d}`,
          `${a}.${b}.${c}.${d}.`,
          `[::ffff:${hex(a * 256 + b)}:${hex(c * 256 + d)}]`,
        ];
        for (const spelling of spellings)
          expect([spelling, refusalOf(`https://${spelling}/`, false)]).toEqual([spelling, plain]);
      }),
    );
  });

  test("what may not be called is not called, and denied", async () => {
    let calls = 0;
    const notes: Exchange[] = [];
    const call = pipeFetch((note) => notes.push(note), {
      signal: AbortSignal.timeout(1000),
      loopback: false,
      fetch: async () => {
        calls++;
        return new Response();
      },
    });
    const error = await call(requestTo("https://169.254.169.254/")).catch((error: unknown) => error);
    expect(outcomeOfError(error)).toMatchObject({ result: "denied", status: null });
    expect(calls).toBe(0);
    expect(notes).toMatchObject([{ response: null, error: expect.stringContaining("private") }]);
  });
});

const requestTo = (url: string, changes: Partial<PipeRequest> = {}): PipeRequest => ({
  method: "POST",
  url,
  headers: {},
  body: "",
  ...changes,
});

/** What is noted of a request that is answered like this. */
async function noted(request: PipeRequest, answer: () => Response): Promise<Exchange> {
  const notes: Exchange[] = [];
  const options = { signal: AbortSignal.timeout(5000), loopback: false, fetch: async () => answer() };
  await pipeFetch(
    (note) => notes.push(note),
    options,
  )(request).catch((error: unknown) => outcomeOfError(error));
  const [note] = notes;
  if (note === undefined || notes.length > 1) throw new Error(`${notes.length} notes`);
  return note;
}

describe("notes", () => {
  test("are without secrets, wherever these come back and however they are spelt", async () => {
    // None holds another one, so that what is left can be told exactly; signs that are special somewhere are likely.
    const special = fc.constantFrom(...'"\\$&()[]{}|/^*+?.-%=~\nüh'.split(""), "🚀", "\ud800");
    const endings = fc.array(fc.string({ unit: special, maxLength: 8 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(endings, fc.nat(), async (endings, words) => {
        const secrets = endings.map((ending, index) => `s${index}x${ending}.`);
        const spellings = [
          (secret: string) => secret,
          (secret: string) => JSON.stringify(secret),
          (secret: string) => encodeURIComponent(secret.toWellFormed()),
        ];
        const told = (spelt: (spell: (secret: string) => string) => string[]): string =>
          [words, ...spellings.flatMap((spell) => spelt(spell)), words].join(" ");
        const text = told((spell) => secrets.map(spell)).toWellFormed();
        const expected = told((spell) => secrets.map(() => spell("(hidden)")));
        const request = requestTo("https://example.com/", { body: text, secrets });
        const { request: sent, response } = await noted(request, () => new Response(text));
        expect([sent.body, response?.body]).toEqual([expected, expected]);
      }),
    );
  });

  test("are without what a header always hides, also in the answer and in errors", async () => {
    const headers = { Authorization: "Bearer token-of-mine", "X-Api-Key": "key-of-mine", "X-Other": "shown" };
    const url = "https://example.com/token-of-mine";
    const told = 'you sent "token-of-mine", key-of-mine';
    const note = await noted(
      requestTo(url, { headers, body: told }),
      () =>
        new Response(told, { status: 400, headers: { "x-echo": told, "set-cookie": "a=b", location: url } }),
    );
    expect(note.request.headers).toEqual({
      Authorization: "(hidden)",
      "X-Api-Key": "(hidden)",
      "X-Other": "shown",
    });
    expect(note.response?.headers["set-cookie"]).toBe("(hidden)");
    expect(JSON.stringify(note)).not.toMatch(/-of-mine|a=b/);
    const failed = await noted(requestTo(url, { headers }), () => {
      throw new Error(told);
    });
    expect(failed.error).toContain("you sent");
    expect(JSON.stringify(failed)).not.toContain("-of-mine");
  });

  test("are without the beginning of a secret on which the answer was cut off", async () => {
    const secret = "0123456789abcdef";
    for (let shown = 4; shown <= secret.length; shown++) {
      const text = "x".repeat(64 * 1024 - shown) + secret + secret;
      const { response } = await noted(
        requestTo("https://example.com/", { secrets: [secret] }),
        () => new Response(text),
      );
      expect(response?.body.replace(/x+/, "")).toBe("(hidden)");
    }
  });

  test("do not grow with the number of short secrets", async () => {
    const secrets = "(hidden)".split("");
    const body = "hidden".repeat(10_000);
    const note = await noted(requestTo("https://example.com/", { secrets, body }), () => new Response());
    expect(note.request.body).toBe("(hidden)".repeat(body.length));
  });
});

describe("answers", () => {
  test("are read up to 64 KB, and what comes after is told to stop", async () => {
    let sent = 0;
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        sent += 10_000;
        controller.enqueue(new Uint8Array(10_000).fill(120));
      },
      cancel: () => void (cancelled = true),
    });
    const { response } = await noted(requestTo("https://example.com/"), () => new Response(endless));
    expect(response?.body).toBe("x".repeat(64 * 1024));
    expect(sent).toBeLessThan(100_000);
    expect(cancelled).toBe(true);
  });

  test("count as far as they came when the time was up, even if the connection says so first", async () => {
    const abort = new AbortController();
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        controller.enqueue(new TextEncoder().encode("begun"));
        abort.signal.addEventListener("abort", () => controller.error(new Error("aborted")));
      },
    });
    const options = { signal: abort.signal, loopback: false, fetch: async () => new Response(body) };
    const answer = pipeFetch(() => undefined, options)(requestTo("https://example.com/"));
    await scheduler.wait(10);
    abort.abort();
    expect(await answer).toMatchObject({ status: 200, text: "begun" });
  });

  test.each([
    ["0", 0],
    ["7", 7000],
    [" 120 ", 120_000],
    ["86400", 86_400_000],
    ["999999999", 86_400_000],
    ["9".repeat(400), 86_400_000],
    ["Sat, 21 Nov 2026 09:31:00 GMT", 60_000],
    ["Saturday, 21-Nov-26 09:31:00 GMT", 60_000],
    ["Sat Nov 21 09:31:00 2026", 60_000],
    ["Sat, 21 Nov 2026 09:29:00 GMT", 0],
    ["Fri, 31 Dec 9999 23:59:59 GMT", 86_400_000],
    ["", null],
    ["soon", null],
    ["-5", null],
    ["1.5", null],
    ["5 minutes", null],
    ["Sat, never", null],
    ["2026", 2_026_000],
    ["0x10", null],
  ])("Retry-After %j is %j ms", (text, expected) => {
    expect(retryAfterOf(new Headers({ "retry-after": text }), NOW)).toBe(expected);
  });

  test("mean what most destinations mean by their statuses", () => {
    const results = new Map<string, number[]>();
    for (let status = 200; status < 600; status++) {
      const { result } = outcomeOf({ status, headers: new Headers(), text: "" }, NOW);
      results.set(result, [...(results.get(result) ?? []), status]);
    }
    const hundred = (from: number): number[] => Array.from({ length: 100 }, (_, index) => from + index);
    expect(results.get("delivered")).toEqual(hundred(200));
    expect(results.get("denied")).toEqual([...hundred(300), 401, 403, 404, 405]);
    expect(results.get("gone")).toEqual([410]);
    expect(results.get("slow_down")).toEqual([429]);
    expect(results.get("unavailable")).toEqual([408, 425, ...hundred(500)]);
  });

  test("that never came are unavailable; a mistake of ours is thrown on", () => {
    expect(outcomeOfError(new NoAnswer("no answer"))).toEqual({
      result: "unavailable",
      reason: "no answer",
      status: null,
      retryAfter: null,
    });
    expect(() => outcomeOfError(new TypeError("ours"))).toThrow("ours");
  });
});
