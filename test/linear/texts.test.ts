// Every function that reads a text from outside takes time in proportion to the text's length, whatever the text is.

import { describe, expect, it } from "vitest";
import { readList } from "../../src/api/suppressions/import/body.ts";
import { readRow } from "../../src/api/suppressions/import/rows.ts";
import { itemsOf } from "../../src/erasure/json-items.ts";
import { isNamed, redact, redactAll } from "../../src/erasure/redact.ts";
import { describeError } from "../../src/lib/outage.ts";
import { mentions, placesOf, plainOf } from "../../src/model/address-search.ts";
import { normalizeAddress } from "../../src/model/address.ts";
import { addressesIn } from "../../src/model/addresses-in.ts";
import { fromLine, toLine, type Envelope } from "../../src/model/envelope.ts";
import { excerptOf } from "../../src/pipes/attempt.ts";
import { readReply } from "../../src/model/replies/read-reply.ts";
import { compileFilter } from "../../src/pipes/filter/filter.ts";
import { compilePattern, matchesPattern } from "../../src/pipes/filter/linear-regex.ts";
import type { Exchange } from "../../src/pipes/transport/exchange.ts";
import { attachmentMessage } from "../../src/pipes/messages/attachments.ts";
import { teamsMessage } from "../../src/pipes/messages/card.ts";
import { discordMessage } from "../../src/pipes/messages/embeds.ts";
import { pagerDutyEvent } from "../../src/pipes/messages/incident.ts";
import { mailOf } from "../../src/pipes/messages/mail.ts";
import { slackMessage } from "../../src/pipes/messages/slack.ts";
import { verifySharedSecret } from "../../src/providers/kit/credentials.ts";
import { address, metadata, text, time } from "../../src/providers/kit/fields.ts";
import { readParameters } from "../../src/providers/kit/form.ts";
import { parseVerbatim, readJsonText } from "../../src/providers/kit/json.ts";
import { byName } from "../../src/providers/kit/loose-fields.ts";
import { readMultipart } from "../../src/providers/kit/multipart.ts";
import { findSmtp } from "../../src/providers/kit/smtp.ts";
import { xmlElements } from "../../src/providers/kit/xml.ts";
import { deadLettersOf } from "../../src/store/dead-letters.ts";
import { excessOf, type Run } from "./measure.ts";
import { DOCUMENTS, TEXTS, type Shape } from "./shapes.ts";

const ANN = "ann@example.com";
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

const envelopeOf = (body: string, provider = "generic"): Envelope => ({
  id: "id",
  source: provider,
  provider,
  receivedAt: 1.79e12,
  method: "POST",
  url: `https://edge.example/webhooks/${provider}`,
  headers: [],
  body: encode(body),
});

const PATTERN = compilePattern("(?i)(a|b@)+[.]?x{2,20}$");
const GIVEN = { reason: null, scope: "", note: null, dates: null, now: 1.79e12 };
const imported = (type: string) => (text: string) => {
  const list = readList(type, encode(text), null);
  return list.ok ? Array.from(list.value.rows(), (row) => readRow(row, GIVEN).kind) : list.reason;
};
const told = (description: string) => {
  const batch = [{ id: "1", type: "bounced", contact: ANN, at: 0, event: { description }, text: "" }];
  return [
    slackMessage(batch, "masked"),
    attachmentMessage(batch, "masked"),
    discordMessage(batch, "masked"),
    teamsMessage(batch, "masked"),
    mailOf(batch, "masked"),
    ...batch.map((one) => pagerDutyEvent(one, "masked")),
  ];
};
const answered = (body: string): Exchange => ({
  request: { method: "POST", url: "", headers: {}, body: "" },
  response: { status: 200, headers: {}, body },
  error: null,
  took: 1,
});

/** The functions, by what they read. */
const READERS: Readonly<Record<string, Run<string>>> = {
  JSON: (text) => readJsonText(text),
  "JSON, its numbers as they are written": (text) => readJsonText(text, parseVerbatim),
  "the items of JSON": (text) => [...itemsOf(text, 1)].length,
  XML: (text) => xmlElements(text),
  forms: (text) => readParameters(text),
  multipart: (text) => readMultipart(encode(`--x\r\n${text}`)),
  "multipart with bare line feeds": (text) => readMultipart(encode(`--x\n${text}`)),
  "multipart, its first part": (text) =>
    readMultipart(encode(`--x\r\ncontent-disposition: form-data; name="x"\r\n\r\n${text}\r\n--x--\r\n`)),
  fields: (value) => [text(value), time(value), metadata(value), findSmtp(value), address(value)],
  replies: (text) => readReply({ code: null, enhanced: text, text }),
  "names of fields": (text) => byName({ [text]: "x", x: text }),
  addresses: (text) => [
    normalizeAddress(text),
    normalizeAddress(`<${text}@example.com>`),
    normalizeAddress(`ann@${text}`),
    normalizeAddress(`mailto:${text}"@example.com`),
  ],
  "the search for an address": (text) => mentions(text, ANN),
  "the search for places of an address": (text) => placesOf(text, ANN),
  "the search for any address": (text) => [...addressesIn(text)].length,
  escapes: (text) => plainOf(text),
  redaction: (text) => redact(envelopeOf(`${text} ${ANN}`), ANN, {}),
  "redaction of a field": (text) =>
    redact(
      envelopeOf(
        JSON.stringify([
          { event: "open", email: ANN, x: text },
          { event: "open", email: "b@b.de" },
        ]),
      ),
      ANN,
      {},
    ),
  "redaction of a document": (text) => redact(envelopeOf(text), ANN, {}),
  "redaction of two": (text) => redactAll(envelopeOf(text), [ANN, "b@b.de"], {}),
  "redaction of a form": (text) =>
    redact(envelopeOf(`mandrill_events=${text}&a=${ANN}`, "mandrill"), ANN, {}),
  "whether a delivery names a contact": (text) => isNamed(envelopeOf(text), ANN),
  "lines of the archive": (text) => fromLine(toLine(envelopeOf(text))),
  "dead letters": (text) => deadLettersOf(envelopeOf(text), [{ reason: "", raw: text }]),
  "imports of CSV": imported("text/csv"),
  "imports of CSV with a header": (text) => imported("text/csv")(`address\n${text}`),
  "imports of CSV with another header": (text) =>
    imported("text/csv")(`address,${text}\n${"a,b\n".repeat(2_000)}`),
  "imports of JSON": imported("application/json"),
  "imports of NDJSON": imported("application/x-ndjson"),
  filters: (text) => [compileFilter(text), compileFilter(`type == "${text}"`)],
  "texts for patterns": (text) => PATTERN.ok && matchesPattern(PATTERN.value, text),
  errors: (text) => [describeError(new Error(text)), describeError(text)],
  "answers of destinations": (text) => excerptOf([answered(text)]),
  "messages to people": (text) => [told(text), told(`a@${text}`)],
  authorization: (text) =>
    verifySharedSecret(
      {
        method: "POST",
        url: `https://edge.example/webhooks/x?token=${encodeURIComponent(text.toWellFormed())}&${text.replaceAll("#", "")}`,
        headers: new Headers({ authorization: `Basic ${text.replaceAll(/[^ -~]/g, "")}` }),
      },
      ["user:password"],
    ),
};

const ALL: readonly [string, Shape][] = [...TEXTS, ...DOCUMENTS];

describe.each(Object.entries(READERS))("%s", (_, read) => {
  it("take time in proportion to their length", async () => {
    const excesses: string[] = [];
    for (const [name, shape] of ALL) {
      const excess = await excessOf(shape, read);
      if (excess !== null) excesses.push(`${name}: ${excess}`);
    }
    expect(excesses).toEqual([]);
  });
});
