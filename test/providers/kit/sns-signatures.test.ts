// SNS certificates: fetched, cached, and fetched again.

import { describe, expect, it } from "vitest";
import { ses } from "../../../src/providers/ses/index.ts";
import { requestOf, verifyCasesOf } from "../../support/provider-cases.ts";

describe("an SNS certificate", () => {
  const CASE = verifyCasesOf("ses").requests.find(({ name }) => name === "version 1");
  const [[url, pem] = ["", ""]] = Object.entries(CASE?.responses ?? {});

  /**
   * Whether the case is accepted if its certificate is at a URL of that name with these answers; and the calls made.
   */
  async function verifiedBy(name: string, ...answers: (() => Response)[]): Promise<[boolean, number]> {
    const { body = "", credentials = [], now = "", ...rest } = CASE ?? {};
    const link = url.replace("SimpleNotificationService", name);
    const request = requestOf("ses", {
      ...rest,
      name,
      credentials,
      accepted: true,
      body: body.replace(url, link),
    });
    let calls = 0;
    const fetch = async (input: unknown, init?: RequestInit): Promise<Response> => {
      expect([input, init?.redirect]).toEqual([link, "manual"]);
      return (answers[calls++] ?? unreachable)();
    };
    const { ok } = await ses.verify(request, credentials, { now: Date.parse(now), fetch, settings: {} });
    return [ok, calls];
  }
  const found = (): Response => new Response(`\n${pem}`);
  const status = (code: number) => (): Response => new Response(null, { status: code });
  const unreachable = (): Response => {
    throw new TypeError("no network");
  };

  it("is fetched once more if the network or the server fails", async () => {
    expect(await verifiedBy("a", unreachable, found)).toEqual([true, 2]);
    expect(await verifiedBy("b", status(500), found)).toEqual([true, 2]);
    expect(await verifiedBy("c", status(503), unreachable, found)).toEqual([false, 2]);
    expect(await verifiedBy("d", status(404), found)).toEqual([false, 1]);
    expect(await verifiedBy("e", () => new Response(pem, { status: 203 }), found)).toEqual([false, 1]);
  });

  it("is cached until other certificates take its place", async () => {
    expect(await verifiedBy("first", found)).toEqual([true, 1]);
    expect(await verifiedBy("first")).toEqual([true, 0]);
    for (let other = 1; other <= 32; other++)
      expect(await verifiedBy(`other-${other}`, found)).toEqual([true, 1]);
    expect(await verifiedBy("other-32")).toEqual([true, 0]);
    expect(await verifiedBy("first", found)).toEqual([true, 1]);
  });
});
