// What receiving servers say is read by what they mean, whatever the code, the case and the wrapping.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CODE_RULES } from "../../../src/model/replies/codes.ts";
import { readReply, type ReplyReading } from "../../../src/model/replies/read-reply.ts";
import { PLAIN_RULES, WEAK_RULES } from "../../../src/model/replies/rules.ts";
import { DEAD } from "./said/address.ts";
import { FULL, PASSING, RATE } from "./said/passing.ts";
import { CONTENT, SENDER, SILENT } from "./said/sender.ts";

const SAID = {
  address: DEAD,
  mailbox: FULL,
  sender: SENDER,
  content: CONTENT,
  rate: RATE,
  passing: PASSING,
  unknown: SILENT,
};
const ALL = Object.values(SAID).flat();
const RULES = [...PLAIN_RULES, ...WEAK_RULES, ...CODE_RULES];

const codeOf = (text: string): number | null => {
  const code = /^[245]\d\d\b/.exec(text)?.[0];
  return code === undefined ? null : Number(code);
};
const read = (text: string): ReplyReading => readReply({ code: codeOf(text), enhanced: null, text });

describe.each(Object.entries(SAID))("replies of class %s", (kind, texts) => {
  it.each(texts)("%j", (text) => expect(read(text).class).toBe(kind));
});

describe("rules", () => {
  it.each(RULES.map((rule) => [rule.name, rule] as const))("are each needed: %s", (name, rule) => {
    expect(readReply({ code: null, enhanced: null, text: rule.example })).toEqual({
      class: rule.class,
      reason: rule.reason,
      rule: name,
    });
  });

  it("have names that tell them apart", () => {
    expect(new Set(RULES.map(({ name }) => name)).size).toBe(RULES.length);
  });
});

describe("enhanced codes", () => {
  const byCode = (enhanced: string): string => {
    const { class: kind, reason } = readReply({ code: null, enhanced, text: null });
    return reason === null ? kind : `${kind} ${reason}`;
  };

  it.each([
    ["5.0.0", "unknown"],
    ["5.1.0", "unknown"],
    ["5.1.1", "address invalid"],
    ["5.1.10", "address invalid"],
    ["5.1.11", "unknown"],
    ["5.1.7", "sender policy"],
    ["5.1.8", "sender policy"],
    ["5.2.0", "unknown"],
    ["5.2.1", "address inactive"],
    ["5.2.2", "mailbox mailbox_full"],
    ["5.2.3", "content content"],
    ["5.2.122", "rate reputation"],
    ["5.3.0", "unknown"],
    ["5.3.4", "content content"],
    ["4.3.2", "passing technical"],
    ["4.4.1", "passing technical"],
    ["5.4.6", "passing technical"],
    ["4.4.7", "passing timed_out"],
    ["5.4.312", "passing timed_out"],
    ["5.4.316", "passing timed_out"],
    ["4.5.3", "rate reputation"],
    ["5.5.0", "unknown"],
    ["5.6.1", "content content"],
    ["5.7.1", "sender policy"],
    ["5.7.13", "address inactive"],
    ["5.7.17", "address invalid"],
    ["5.7.18", "address inactive"],
    ["5.7.26", "sender policy"],
    ["5.7.28", "rate reputation"],
    ["5.7.511", "sender reputation"],
    ["5.7.649", "sender reputation"],
  ])("say by themselves what they are for: %s", (enhanced, meaning) =>
    expect(byCode(enhanced)).toBe(meaning),
  );

  it("in the text count before the provider's", () => {
    expect(readReply({ code: 550, enhanced: "5.1.1", text: "550 5.7.1 sorry" }).class).toBe("sender");
    expect(readReply({ code: 550, enhanced: "5.7.1", text: "550 5.0.0 sorry" }).class).toBe("sender");
  });

  it("count less than words that contradict them", () => {
    expect(readReply({ code: 550, enhanced: "5.1.1", text: "Blocked by Spamhaus" }).class).toBe("sender");
    expect(readReply({ code: 550, enhanced: "5.7.1", text: "User unknown" }).class).toBe("address");
  });

  it("decide where the words only hint at the address", () => {
    expect(readReply({ code: 550, enhanced: "5.7.1", text: "Recipient rejected" }).class).toBe("sender");
    expect(readReply({ code: 550, enhanced: "5.4.1", text: "Recipient rejected" }).class).toBe("address");
    expect(readReply({ code: 550, enhanced: "5.1.7", text: "Invalid address" }).class).toBe("sender");
  });

  it("are no numbers of another kind", () => {
    for (const text of ["5.1.1.7", "15.1.1", "5.1", "version 5.1.1234", "ann+5.1.1@example.com"])
      expect(read(text).class).toBe("unknown");
  });
});

describe("a reading", () => {
  const text = fc.constantFrom(...ALL);

  it("does not depend on case", () => {
    fc.assert(
      fc.property(text, (said) => {
        expect(read(said.toUpperCase())).toEqual(read(said));
      }),
    );
  });

  it("does not depend on spaces and line breaks", () => {
    const breaks = fc.infiniteStream(fc.constantFrom(" ", "  ", "\t", "\r\n", "\n    "));
    fc.assert(
      fc.property(text, breaks, (said, spaces) => {
        const broken = said.trim().replaceAll(/ +/g, () => String(spaces.next().value));
        expect(read(broken)).toEqual(read(said));
      }),
    );
  });

  it("does not depend on codes that each line repeats", () => {
    fc.assert(
      fc.property(text, fc.nat({ max: 20 }), (said, place) => {
        const code = codeOf(said);
        if (code === null) return;
        const words = said.split(" ");
        const lines = [...words.slice(0, place), `\r\n${code}-`, ...words.slice(place)].join(" ");
        expect(read(lines)).toEqual(read(said));
      }),
    );
  });

  const WRAPPERS: readonly ((said: string) => string)[] = [
    (said) => `smtp; ${said}`,
    (said) => `smtp;${said}`,
    (said) => `host mx1.example.com[192.0.2.8] said: ${said} (in reply to RCPT TO command)`,
    (said) => `host mx1.example.com[192.0.2.8] said: ${said} (in reply to end of DATA command)`,
    (said) => `host mx1.example.com[192.0.2.8] refused to talk to me: ${said}`,
    (said) =>
      `SMTP error from remote server for RCPT TO command, host: mx1.example.com (192.0.2.8) reason: ${said}`,
    (said) => `"${said}"`,
    (said) => `<ann@example.com>: ${said}`,
  ];
  it.each(WRAPPERS)("does not depend on what the reply is wrapped in (%#)", (wrap) => {
    const changed = ALL.filter((said) => {
      const wrapped = readReply({ code: codeOf(said), enhanced: null, text: wrap(said) });
      return wrapped.class !== read(said).class;
    });
    expect(changed).toEqual([]);
  });

  it.each(["spam@blocked.example", "user.unknown@full.example"])(
    "does not depend on whose address the reply names: %s",
    (other) => {
      const changed = ALL.filter(
        (said) => read(said.replaceAll("ann@example.com", other)).rule !== read(said).rule,
      );
      expect(changed).toEqual([]);
    },
  );

  it("is unknown for replies that accept, and for no reply", () => {
    const accepted = { code: 250, enhanced: "5.1.1", text: "250 ok: user unknown" };
    for (const reply of [accepted, { code: null, enhanced: null, text: null }])
      expect(readReply(reply)).toEqual({ class: "unknown", reason: null, rule: null });
  });

  it("is found for any text, and only the first 1024 characters count", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (any) => void read(any)));
    expect(read(`${"x".repeat(1_010)} user unknown`).class).toBe("address");
    expect(read(`${"x".repeat(1_013)} user unknown`).class).toBe("unknown");
  });
});
