// Lists as people keep them, and what is none: how they are read, and what is told of the rest.

import { beforeEach, describe, expect, it } from "vitest";
import { freshStorage } from "../../support/support.ts";
import { expectLogs } from "../../support/log.ts";
import { send, standing, taken, type Body } from "./importing.ts";

beforeEach(() => expectLogs(/the pipes were not woken/));
beforeEach(freshStorage);

describe("a table of people", () => {
  const utf16 = (text: string): Uint8Array<ArrayBuffer> =>
    new Uint8Array([
      0xff,
      0xfe,
      ...text.split("").flatMap((letter) => [letter.charCodeAt(0) & 0xff, letter.charCodeAt(0) >> 8]),
    ]);

  it.each<[string, Body, string]>([
    ["with semicolons and a final newline", "address;reason\na@example.com;complaint\n", ";"],
    ["with semicolons and no final newline", "address;reason\na@example.com;complaint", ";"],
    ["with tabs", "E-Mail\tReason\r\na@example.com\tcomplaint\r\n", "\t"],
    ["with Excel's line about the delimiter", "sep=;\r\nemail;type;x\r\na@example.com;spam;2\r\n", ";"],
    ["with a title and blank lines", "\n\nOur customers\n\nemail,reason\na@example.com,complaint\n", ","],
    ["with a byte order mark", "\ufeffemail,reason\na@example.com,complaint\n", ","],
    ["in UTF-16, as Excel's Unicode text", utf16("Email\tReason\r\na@example.com\tcomplaint\r\n"), "\t"],
    [
      "in windows-1252",
      new Uint8Array(
        Array.from("name,email,reason\nM\u00fcller,a@example.com,complaint\n", (letter) =>
          letter.charCodeAt(0),
        ),
      ),
      ",",
    ],
    ["with line breaks of old Macs", "email,reason\ra@example.com,complaint\r", ","],
    [
      "with quotes everywhere",
      '"Email Address","Reason","x"\r\n"a@example.com","Spam Complaint","1, 2"\r\n',
      ",",
    ],
    ["without a header, each column being plain", "a@example.com;Abuse\n", ";"],
  ])("is read %s", async (_, body, delimiter) => {
    const answer = await taken(body, "", "application/vnd.ms-excel");
    expect(answer).toMatchObject({
      rows: 1,
      added: 1,
      rejected: 0,
      reasons: { complaint: 1 },
      format: { delimiter },
    });
  });

  it("is told what its columns were read as, and names the line of a wrong row, also behind cells of several lines", async () => {
    const answer = await taken(
      'address,note,colour\nq@example.com,"a\nb\nc",red\nnot-an-address,,\nr@example.com,,\n',
    );
    expect(answer.rejects).toEqual([{ line: 5, reason: "address: is not an address" }]);
    expect(answer.columns).toEqual([
      { name: "address", read_as: "address" },
      { name: "note", read_as: "note" },
      { name: "colour", read_as: null },
    ]);
    expect(answer.warnings).toEqual([
      expect.stringContaining('2 rows do not say why they are on the list and are "manual"'),
      "no column has a time, so the rows apply from now",
    ]);
  });

  it("is not guessed at: an ambiguous date and an unknown word are told, until the caller says what they mean", async () => {
    const text =
      "email,status,date\na@example.com,customer of the year,03/04/2021\nb@example.com,bounced,03/04/2021\nc@example.com,bounced,13/04/2021\n";
    const answer = await taken(text);
    expect(answer.rejects).toEqual([{ line: 2, reason: expect.stringMatching(/^status: .*hard_bounce/) }]);
    expect(answer.estimated).toEqual([
      { line: 3, reason: expect.stringMatching(/^date: .*dates=mdy or dates=dmy/) },
    ]);
    await freshStorage();
    expect(await taken(text, "?dates=dmy&reason=manual")).toMatchObject({ added: 3, estimated: [] });
    expect(await standing()).toEqual([
      "a@example.com manual 2021-04-03",
      "b@example.com hard_bounce 2021-04-03",
      "c@example.com hard_bounce 2021-04-13",
    ]);
  });

  it("without a header is read by the names that the caller gives, and never by a guess that might be wrong", async () => {
    const text = "2021-01-01,a@example.com,2022-01-01\n";
    const refused = await send(text);
    expect(refused.status).toBe(400);
    expect(await refused.text()).toContain("columns=address,reason,since");
    expect(await taken(text, "?columns=lifted_at,address,since")).toMatchObject({ skipped: 1 });
    expect(await taken(text, "?columns=,address,since")).toMatchObject({ added: 1 });
    expect(await standing()).toEqual(["a@example.com manual 2022-01-01"]);
  });
});

describe("a body that is no list", () => {
  it.each<[string, Body, RegExp]>([
    ["a spreadsheet", new Uint8Array([0x50, 0x4b, 3, 4, 0, 0]), /save it as CSV/],
    ["a compressed file", new Uint8Array([0x1f, 0x8b, 8, 0]), /unpack/],
    ["CSV with other columns", "name,street\nAnn,Long Road\n", /first line has: name, street/],
    [
      "CSV with a quote that nothing closes",
      'address,note\na@example.com,"x\n',
      /line 2 has a quote out of place/,
    ],
    ["broken JSON", '[{"email":"a@example.com"},{]', /is not JSON/],
    ["JSON without a list", '{"error":"unauthorized"}', /must be a list/],
  ])("is refused with what to do: %s", async (_, body, reason) => {
    const answer = await send(body);
    expect(answer.status).toBe(400);
    expect((await answer.json<{ detail: string }>()).detail).toMatch(reason);
    expect(await standing()).toEqual([]);
  });

  it("is not confused with an empty one", async () => {
    for (const [body, type] of [
      ["email,reason\n", "text/csv"],
      ["[]", "application/json"],
      ['{"Suppressions":[],"Errors":[]}', "application/json"],
      ["", "application/x-ndjson"],
    ] as const)
      expect(await taken(body, "", type), body).toMatchObject({ rows: 0, added: 0, warnings: [] });
  });

  it("has no parameters that nobody knows", async () => {
    const answer = await send("email\na@example.com\n", "?resaon=complaint&limit=0");
    expect(answer.status).toBe(400);
    const { errors } = await answer.json<{ errors: { parameter: string }[] }>();
    expect(errors.map(({ parameter }) => parameter).toSorted()).toEqual(["limit", "resaon"]);
    expect(await standing()).toEqual([]);
  });
});
