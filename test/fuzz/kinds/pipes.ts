// Calls about pipes: settings of each kind, valid and then spoilt, filters that exceed the limits, and every action on
// a pipe. Created pipes deliver to this machine's hostile receiver, or to no host at all (worker.ts ensures that).

import type { Random } from "../../../src/demo/traffic/random.ts";
import type { Names } from "../corpus.ts";
import { draw } from "../draw.ts";
import { MALFORMED_AUTHORIZATIONS } from "../hostile-headers.ts";
import { hostileText, hostileValue, mutateJson } from "../mutate-json.ts";
import { BEHAVIOURS } from "../receiver.ts";
import { API_TOKEN, SECRET_WORD, SIGNING_SECRET } from "../settings.ts";
import { request, type FuzzRequest } from "../types.ts";
import { unauthorized } from "./api.ts";

/** Names of pipes: so few that there never are many pipes at once. */
const MOST_NAMES = 12;
const SECRET = `${SECRET_WORD}-of-a-pipe`;
/** Where the Worker of the fuzz puts the hostile receiver's port, whatever port it says. */
const HERE = "http://127.0.0.1:1";

/**
 * A kind's valid settings. Calls of hosts other than this machine are answered within the Worker of the fuzz.
 */
const SETTINGS: Readonly<Record<string, (random: Random) => Record<string, unknown>>> = {
  webhook: (random) => ({
    url: `${HERE}/${draw(random, BEHAVIOURS)}`,
    payload: draw(random, ["event", "cloudevents"]),
    batch: random.chance(0.5),
    gzip: random.chance(0.3),
    headers: { "x-key": SECRET, authorization: `Bearer ${SECRET}` },
    ...(random.chance(0.5) ? { signing_secrets: [SIGNING_SECRET] } : {}),
  }),
  sqs: (random) => ({
    queue_url: `https://sqs.eu-west-1.amazonaws.com/${draw(random, ["200", "400", "503"])}/events.fifo`,
    access_key_id: "AKIAIOSFODNN7EXAMPLE",
    secret_access_key: SECRET,
  }),
  pubsub: () => ({
    topic: "projects/fuzz-project/topics/email-events",
    service_account: JSON.stringify({
      client_email: "fuzz@fuzz-project.iam.gserviceaccount.com",
      private_key: `-----BEGIN PRIVATE KEY-----\n${Buffer.from(SECRET).toString("base64")}\n-----END PRIVATE KEY-----\n`,
    }),
  }),
  servicebus: () => ({ namespace: "fuzz-events", entity: "events/429", key_name: "send", key: SECRET }),
  kafka: (random) => ({
    flavour: "redpanda",
    url: `${HERE}/${draw(random, BEHAVIOURS)}`,
    topic: "events",
    username: "fuzz",
    password: SECRET,
  }),
  rabbitmq: (random) => ({
    host: draw(random, ["127.0.0.1", "rabbit.example.com", "localhost"]),
    port: random.between(1, 65_535),
    tls: random.chance(0.5),
    username: "fuzz",
    password: SECRET,
    routing_key: "{type}",
  }),
  queue: (random) => ({ binding: draw(random, ["CRM_EVENTS", "DB", "PIPES", "BUCKET", "QUEUE", "SOURCES"]) }),
  slack: (random) => ({
    url: `${HERE}/${draw(random, BEHAVIOURS)}/${SECRET}`,
    addresses: "full",
    ...(random.chance(0.3)
      ? { flavour: draw(random, ["mattermost", "rocketchat", "discord", "zulip"]) }
      : {}),
  }),
  teams: (random) => ({ url: `${HERE}/${draw(random, BEHAVIOURS)}?sig=${SECRET}` }),
  discord: () => ({ url: `https://discord.com/api/webhooks/1/${SECRET}`, addresses: "full" }),
  pagerduty: () => ({ routing_key: "0123456789abcdef0123456789abcdef", endpoint: HERE }),
  email: () => ({ to: ["ops@example.com"], from: "tidings@example.com" }),
  hubspot: () => ({ token: SECRET, url: HERE, fields: { last_event_at: "last_mail" } }),
  salesforce: () => ({
    instance_url: "https://fuzz.my.salesforce.com",
    client_id: "fuzz",
    client_secret: SECRET,
    external_id_field: "Email__c",
    fields: { last_event_at: "Last__c" },
  }),
};

const FILTERS: readonly string[] = [
  'type in ["bounced", "complained"]',
  "machine != true",
  'occurred_at - message.sent_at < duration("24h")',
  "contact.suppressed",
  'metadata["a"] == "b"',
  "type",
  "1/0 == 1",
  'tags.exists(t, t == "x")',
  "tags.all(a, tags.all(b, tags.all(c, tags.all(d, a == b && c == d))))",
  'description.matches("(a+)+$")',
  `description.matches("${"(".repeat(2000)}")`,
  `${"(".repeat(5000)}true${")".repeat(5000)}`,
  `${"!".repeat(20_000)}true`,
  `${"[".repeat(3000)}${"]".repeat(3000)} == []`,
  Array(5000).fill("true").join(" && "),
  `type == "${"x".repeat(100_000)}"`,
  "constructor.constructor",
  "__proto__ == null",
  'this["constructor"]("return process")()',
  "raw.x.y.z",
  "9223372036854775808 > 1",
  "url.size() > 99999999999999999999",
  "'\\u0000' in tags",
  "has(type)",
  "type == 'opened' ? 1 : false",
  ";",
  "",
];

/** Existing pipes by their index: the Worker of the fuzz puts an id there. */
const pipe = (random: Random): string =>
  random.chance(0.85)
    ? `~pipe${random.between(0, 20)}`
    : encodeURIComponent(hostileText(random).slice(0, 500).toWellFormed());

type Call = [method: string, path: string, body: string];

function callOf(names: Names, random: Random): Call {
  const one = pipe(random);
  const calls: (() => Call)[] = [
    () => ["POST", "", spoilt(newPipe(random), 0.2, random)],
    () => ["POST", "", spoilt(newPipe(random), 0.2, random)],
    () => ["POST", "", spoilt(newPipe(random), 0.6, random)],
    () => ["POST", "", spoilt(newPipe(random), 0.9, random)],
    () => ["PATCH", `/${one}`, spoilt(change(random), 0.6, random)],
    () => ["GET", "", ""],
    () => ["GET", `/${one}`, ""],
    () => [random.chance(0.5) ? "DELETE" : "GET", `/${one}`, ""],
    () => [
      "POST",
      `/${one}/${draw(random, ["pause", "resume", "resume", "test", "test", "rotate", "rotate?now=true"])}`,
      "",
    ],
    () => ["POST", `/${one}/${draw(random, ["pause", "test", "nothing"])}`, draw(random, ["{}", "[", "\0"])],
    () => ["GET", `/${one}/waiting`, ""],
    () => ["DELETE", `/${one}/waiting?${discarding(random)}`, ""],
    () => ["POST", "/preview", spoilt(preview(one, names, random), 0.4, random)],
  ];
  const others: (() => Call)[] = [
    () => ["GET", `/v1/attempts?${logQuery(one, names, random)}`, ""],
    () => ["POST", "/v1/redeliveries", spoilt(redelivery(one, names, random), 0.5, random)],
    () => ["GET", "/v1/pipe-kinds", ""],
  ];
  if (random.chance(0.25)) return draw(random, others)();
  const [method, path, body] = draw(random, calls)();
  return [method, `/v1/pipes${path}`, body];
}

function newPipe(random: Random): Record<string, unknown> {
  const kind = random.chance(0.4) ? "webhook" : draw(random, Object.keys(SETTINGS));
  const starts = ["now", "beginning", "beginning", { seq: random.between(0, 3000) }, { time: "2026-01-01" }];
  return {
    name: `fuzz-${random.between(1, MOST_NAMES)}`,
    kind,
    settings: SETTINGS[kind]?.(random),
    ...(random.chance(0.4) ? { filter: draw(random, FILTERS) } : {}),
    ...(random.chance(0.5) ? { start: draw(random, starts) } : {}),
    ...(random.chance(0.3) ? options(random) : {}),
  };
}

function discarding(random: Random): string {
  const parts = [
    "before=2026-01-01",
    "behind=true",
    "dry_run=true",
    `before=${encodeURIComponent(hostile(random))}`,
  ];
  return parts.filter(() => random.chance(0.3)).join("&");
}

/** Templates of all shapes, right and wrong. */
const TEMPLATES: readonly unknown[] = [
  { text: "{{type}} {{contact}}", meta: "{{metadata}}", tags: ["{{tags[0]}}", "{{1 / 0}}"] },
  '{"text":"{{type}}"}',
  '{"seq": {{seq}}}',
  { "{{type}}": "{{" },
  "{{",
  null,
  [["{{[metadata, metadata]}}"]],
];

function preview(one: string, { events }: Names, random: Random): Record<string, unknown> {
  const settings = { url: HERE, payload: "template", template: draw(random, TEMPLATES) };
  return {
    ...(random.chance(0.5) ? { pipe: one } : { settings }),
    ...(random.chance(0.3) ? { kind: draw(random, Object.keys(SETTINGS)) } : {}),
    ...(random.chance(0.4) ? { filter: draw(random, FILTERS) } : {}),
    ...(random.chance(0.4) ? { event: draw(random, events) } : { sample: { type: hostile(random), id: 7 } }),
  };
}

function options(random: Random): Record<string, unknown> {
  return {
    batch: draw(random, [1, 7, 1_000]),
    concurrency: draw(random, [1, 16]),
    rate: draw(random, [null, 0.01, 50]),
    ordered: random.chance(0.5),
    log_share: draw(random, [0, 1]),
  };
}

function change(random: Random): Record<string, unknown> {
  const kind = draw(random, Object.keys(SETTINGS));
  return draw(random, [
    { name: `fuzz-${random.between(1, MOST_NAMES)}` },
    { settings: SETTINGS[kind]?.(random) },
    { settings: { url: `${HERE}/${draw(random, BEHAVIOURS)}` } },
    { settings: { signing_secrets: null, url: null } },
    { filter: draw(random, [null, ...FILTERS]) },
    options(random),
  ]);
}

function redelivery(one: string, { events }: Names, random: Random): Record<string, unknown> {
  const some = Array.from({ length: draw(random, [1, 3]) }, () => draw(random, events));
  return {
    pipes: [one, ...(random.chance(0.3) ? ["~pipe0"] : [])],
    ...draw(random, [
      { events: some },
      { from: "2026-01-01", filter: draw(random, FILTERS) },
      { outcome: draw(random, ["given_up", "refused", "delivered", ["denied", "unavailable"]]) },
    ]),
    ...(random.chance(0.4) ? { dry_run: false } : {}),
  };
}

function logQuery(one: string, { contacts, events }: Names, random: Random): string {
  const value = (text: string): string => encodeURIComponent(random.chance(0.8) ? text : hostile(random));
  const parts = [
    `pipe=${one}`,
    `event=${value(draw(random, events))}`,
    `contact=${value(draw(random, contacts))}`,
    `outcome=${value("unavailable")}`,
    `after=${value(`${one}.${"0".repeat(26)}`)}`,
    `limit=${value("5")}`,
    "__proto__=1",
  ];
  return parts.filter(() => random.chance(0.4)).join("&");
}

function hostile(random: Random): string {
  return hostileText(random).slice(0, 1000).toWellFormed();
}

/** The body as JSON, spoilt with this probability: an unknown field, another value, deep or large. */
function spoilt(body: Record<string, unknown>, chance: number, random: Random): string {
  const text = JSON.stringify(body);
  if (!random.chance(chance)) return text;
  if (random.chance(0.1))
    return draw(random, [text.slice(0, -1), "[]", "null", "", `[${text}]`, "\u{feff}{}"]);
  if (random.chance(0.2)) {
    const { settings } = body;
    const odd = { "x\r\nhost": "a", host: "evil", "": "", "webhook-id": "1", ok: "a\r\nb", é: "ü" };
    const urls = [
      `https://user:${SECRET}@example.com/`,
      "https://169.254.169.254/latest/meta-data/",
      "https://[::ffff:10.0.0.1]/",
      "http://example.com/",
      "file:///etc/hosts",
      "javascript:alert(1)",
      "https://0x7f.1/",
      `https://example.com/${"a".repeat(3000)}`,
      "https://s503.example.com/",
    ];
    const more = draw(random, [
      { headers: odd },
      { url: draw(random, urls) },
      { headers: hostileValue(random) },
    ]);
    return mutable(JSON.stringify({ ...body, settings: { ...(settings as object), ...more } }));
  }
  return mutateJson(text, random) ?? text;
}

/** Only mutateJson understands the placeholders for raw JSON. */
const mutable = (text: string): string => text.replaceAll("\\u0001raw:", "");

/** A request about pipes. */
export function pipeCall(names: Names, random: Random): FuzzRequest {
  const authorized = random.chance(0.93);
  const authorization = authorized ? `Bearer ${API_TOKEN}` : draw(random, MALFORMED_AUTHORIZATIONS);
  const [usual, target, body] = callOf(names, random);
  const method = random.chance(0.95) ? usual : draw(random, ["HEAD", "PUT", "PATCH", "OPTIONS", "GET"]);
  const posts = body !== "" && method !== "GET" && method !== "HEAD";
  const type = random.chance(0.95) ? "application/json" : draw(random, ["text/plain", "application/xml"]);
  return request({
    kind: "pipes",
    method,
    target,
    headers: [
      ["authorization", authorization],
      ...(posts ? [["content-type", type] as [string, string]] : []),
    ],
    ...(posts || method === "POST" || method === "PATCH" ? { body: Buffer.from(body) } : {}),
    expect: authorized ? null : unauthorized(method),
  });
}
