// Salesforce's token endpoint and its upsert of record collections, written from the REST reference.
// https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_sobjects_collections_upsert.htm

import { isObject, objectOf, parsedJson } from "../../../src/lib/json.ts";
import { startHttpPeer, type PeerAnswer, type PeerRequest } from "./http.ts";
import { SALESFORCE as CLIENT } from "./known.ts";
import type { Peer, Taken } from "./rooms.ts";

/** Fields of Contact that may be written, with what they hold. */
const FIELDS: Readonly<Record<string, (value: unknown) => boolean>> = {
  Email__c: (value) => typeof value === "string" && value.includes("@") && value.length <= 255,
  Suppressed__c: (value) => typeof value === "boolean",
  Reason__c: (value) => value === null || typeof value === "string",
  LastName: (value) => typeof value === "string" && value !== "",
  Email: (value) => typeof value === "string" && value.includes("@"),
  Last_Event__c: (value) => typeof value === "string",
  Last_Event_At__c: (value) =>
    typeof value === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value),
};

/** The latest token is the only good one. */
interface Session {
  logins: number;
  token: string | null;
}

export function start(): Promise<Peer> {
  return startHttpPeer(() => {
    const session: Session = { logins: 0, token: null };
    return (request) =>
      request.path === "/services/oauth2/token" ? login(request, session) : upsert(request, session);
  });
}

function login({ method, headers, body }: PeerRequest, session: Session): PeerAnswer {
  const refuse = (error: string, error_description: string): PeerAnswer => ({
    status: 400,
    body: { error, error_description },
  });
  if (method !== "POST" || headers["content-type"] !== "application/x-www-form-urlencoded") {
    return refuse("invalid_request", "must use HTTP POST");
  }
  const { grant_type, client_id, client_secret, ...others } = Object.fromEntries(new URLSearchParams(body));
  if (Object.keys(others).length > 0 || grant_type !== "client_credentials") {
    return refuse("unsupported_grant_type", "grant type not supported");
  }
  if (client_id !== CLIENT.client_id) return refuse("invalid_client_id", "client identifier invalid");
  if (client_secret !== CLIENT.client_secret) return refuse("invalid_client", "invalid client credentials");
  const access_token = `00Dxx!Token.${++session.logins}`;
  session.token = access_token;
  const instance_url = `http://${headers["host"] ?? ""}`;
  return {
    status: 200,
    body: { access_token, instance_url, token_type: "Bearer", issued_at: "1795262400000" },
  };
}

const refuse = (status: number, errorCode: string): PeerAnswer => ({
  status,
  body: [{ message: "(words)", errorCode }],
});

function upsert({ method, path, headers, body }: PeerRequest, session: Session): PeerAnswer {
  const token = /^Bearer (\S+)$/.exec(headers["authorization"] ?? "")?.[1];
  if (token === undefined || token !== session.token) return refuse(401, "INVALID_SESSION_ID");
  if (path !== "/services/data/v61.0/composite/sobjects/Contact/Email__c") return refuse(404, "NOT_FOUND");
  if (method !== "PATCH") return refuse(405, "METHOD_NOT_ALLOWED");
  if (headers["content-type"] !== "application/json") return refuse(415, "UNSUPPORTED_MEDIA_TYPE");
  const given = parsedJson(body);
  if (!isObject(given) || Object.keys(given).toSorted().join() !== "allOrNone,records")
    return refuse(400, "JSON_PARSER_ERROR");
  const { allOrNone, records } = given;
  if (allOrNone !== false || !Array.isArray(records) || !records.every(isObject))
    return refuse(400, "JSON_PARSER_ERROR");
  if (records.length === 0 || records.length > 200) return refuse(400, "INVALID_INPUT");
  const unknown = records
    .flatMap(({ attributes: _, ...fields }) => Object.keys(fields))
    .some((name) => !(name in FIELDS));
  if (unknown) return refuse(400, "INVALID_FIELD");
  const keys = records.map((record) => String(record["Email__c"]).toLowerCase());
  const results = records.map((record) => resultOf(record, keys));
  const attempt = headers["tidings-attempt"] ?? null;
  const taken = records.flatMap(({ attributes: _, Email__c, ...fields }, place): Taken[] => {
    const text = JSON.stringify(fields);
    const one = { id: String(Email__c), type: null, attempt, order: null, text };
    return results[place]?.success === true ? [one] : [];
  });
  return { status: 200, body: results, taken };
}

function resultOf({ attributes, ...fields }: Record<string, unknown>, keys: readonly string[]) {
  const failed = (statusCode: string, ...fields: string[]) => ({
    success: false,
    errors: [{ statusCode, message: `words about ${key}`, fields }],
  });
  const key = String(fields["Email__c"]).toLowerCase();
  if (objectOf(attributes)["type"] !== "Contact") return failed("INVALID_TYPE");
  if (keys.filter((one) => one === key).length > 1) return failed("DUPLICATE_VALUE", "Email__c");
  const wrong = Object.entries(fields).find(([name, value]) => FIELDS[name]?.(value) !== true);
  if (wrong !== undefined) return failed("INVALID_TYPE_ON_FIELD_IN_RECORD", wrong[0]);
  if (key.startsWith("stranger@") && fields["LastName"] === undefined)
    return failed("REQUIRED_FIELD_MISSING", "LastName");
  if (key.startsWith("odd@")) return failed("INVALID_EMAIL_ADDRESS", "Email__c");
  if (key.startsWith("busy@")) return failed("UNABLE_TO_LOCK_ROW");
  return { id: "003xx000004TmiQAAS", success: true, errors: [], created: false };
}
