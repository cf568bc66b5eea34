// Finds the fields of an event that is wrapped: in `data`, in `data.object`, in `message`; with the parts of what
// happened in objects of their own, such as `bounce` or `click`. Systems nest in many ways, and name the same fields.

import { isObject, type JsonObject } from "../kit/json.ts";
import { byName, plainName, texts, type NamedFields } from "../kit/loose-fields.ts";
import { NAMES } from "../kit/usual/names.ts";

/** The fields of an event, and the id of the mail if the object that they are in is the mail itself. */
export interface Unwrapped {
  fields: NamedFields;
  mailId: unknown;
}

/** Fields that wrap an event or the mail; Standard Webhooks recommends `{ type, timestamp, data }`. */
const WRAPPERS = ["data", "eventdata", "payload", "object", "record", "resource", "message", "mail", "email"];
/** Those of them that are the mail, so that their `id` is the mail's. */
const MAILS: ReadonlySet<string> = new Set(["object", "record", "resource", "message", "mail", "email"]);
/** Levels of wrappers. */
const DEEPEST = 4;

/** Objects that say more about what happened. */
const PARTS: ReadonlySet<string> = new Set([
  "delivery",
  "bounce",
  "failure",
  "error",
  "rejection",
  "smtp",
  "response",
  "open",
  "click",
  "complaint",
]);

/**
 * The element's fields by plain name. As long as they name no recipient, those of the object that it wraps are added,
 * and behind them those of the parts, whose names also stand behind the part's (`bounce.type` is `bouncetype`).
 * `outer`: the element's own fields.
 */
export function unwrapped(element: JsonObject, outer: NamedFields = byName(element)): Unwrapped {
  const levels: JsonObject[] = [];
  let inner = element;
  let fields = outer;
  let mailId: unknown;
  while (levels.length < DEEPEST && !namesRecipient(fields)) {
    const wrapper = WRAPPERS.find((name) => wraps(name, fields.get(name)));
    const wrapped = wrapper === undefined ? undefined : fields.get(wrapper);
    if (wrapper === undefined || !isObject(wrapped)) break;
    levels.push(Object.fromEntries(Object.entries(inner).filter(([, value]) => value !== wrapped)));
    if (MAILS.has(wrapper) || /^(e?mail|message)$/i.test(String(wrapped["object"]))) mailId = wrapped["id"];
    inner = wrapped;
    fields = byName(wrapped);
  }
  const parts = [...levels, inner].flatMap(partsOf);
  const isPlain = levels.length === 0 && parts.length === 0;
  return { fields: isPlain ? fields : byName(...levels, inner, ...parts), mailId };
}

/** Whether the fields name a recipient, as a text, a list or an object. */
function namesRecipient(fields: NamedFields): boolean {
  for (const name of NAMES.contact) {
    const value = fields.get(name);
    if (value === undefined) continue;
    if (typeof value === "string" || Array.isArray(value) || (isObject(value) && isPerson(value)))
      return true;
  }
  return false;
}

/** Whether a field wraps the event or the mail: any object, but `email` may also be a person or a mailbox. */
function wraps(name: string, value: unknown): boolean {
  return isObject(value) && !(name === "email" && isPerson(value));
}

function isPerson(value: JsonObject): boolean {
  return texts(byName(value), ["email", "emailaddress", "address"]).length > 0;
}

/** The fields of the parts, under the part's name and, if they do not name the event or the mail, under their own. */
function partsOf(level: JsonObject): JsonObject[] {
  const parts: JsonObject[] = [];
  for (const name in level) {
    const part = level[name];
    const plain = isObject(part) ? plainName(name) : "";
    if (!isObject(part) || !PARTS.has(plain)) continue;
    const prefixed = Object.entries(part).map(([key, value]) => [plain + plainName(key), value] as const);
    const own = Object.entries(part).filter(([key]) => !AMBIGUOUS.has(plainName(key)));
    parts.push(Object.fromEntries([...prefixed, ...own]));
  }
  return parts;
}

/** Names that mean something else outside of a part. */
const AMBIGUOUS: ReadonlySet<string> = new Set([
  "type",
  "id",
  "name",
  "event",
  "code",
  "message",
  "email",
  "to",
]);
