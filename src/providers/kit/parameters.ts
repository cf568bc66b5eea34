// Elements of providers that call once per event and pass the data as parameters, in a form that the customer chose.

import { fail, ok, type Result } from "../../lib/result.ts";
import { TOKEN_PARAMETER } from "./credentials.ts";
import { isBlank, jsonElements } from "./elements.ts";
import { queryOf, readForm, readParameters } from "./form.ts";
import type { JsonObject } from "./json.ts";
import type { Delivery } from "../provider.ts";

/**
 * The parameters of the body (JSON or a form), else of the query without the source's token, as the only element.
 * Without parameters there are no elements. Senders often declare the wrong content type, so the body's first character
 * decides. Fails if the body is neither JSON nor a form, or is too large a form.
 */
export function parameterElements(delivery: Delivery, parse?: (text: string) => unknown): Result<unknown[]> {
  if (isBlank(delivery.body)) return withoutToken(readParameters(queryOf(delivery.url)));
  const body = new TextDecoder().decode(delivery.body); // a form's invalid byte becomes U+FFFD, and the rest is read
  if (/^\s*[[{]/.test(body)) return jsonElements(delivery, parse);
  return body.includes("=")
    ? withoutToken(readForm(delivery.body))
    : fail("the body is neither JSON nor a form");
}

function withoutToken(read: Result<JsonObject>): Result<unknown[]> {
  if (!read.ok) return read;
  const { [TOKEN_PARAMETER]: _secret, ...parameters } = read.value;
  return ok(Object.keys(parameters).length > 0 ? [parameters] : []);
}
