// URLs that are secrets: whoever knows such a webhook's URL may post to it. Its secret stands in the query (`sig=`,
// `token=`), or is a part of the path that nobody could guess. No rule tells such a part from a plain one for certain, so
// only words that many URLs have are shown, and only to administrators, who tell pipes apart by them. Others see the host.

/** Shorter ends of a URL than this are no secret, and stand in too many texts. */
const LEAST_SECRET = 12;

/** Parts of paths that are no secret. */
const PLAIN = new Set(
  (
    "api app b2 bot bounces callback callbacks catch complaints crm email emails esp event events hook hooks http in " +
    "incoming inbound ingest invoke mail mails manual messages notifications notify paths post prod production rest " +
    "run services staging suppressions test tidings triggers webhook webhookb2 webhooks webhook-test workflow workflows"
  ).split(" "),
);
const VERSION = /^v\d{1,2}$/;

/** Scheme and host of a URL, and an ellipsis for the rest; a URL without a path as it is. */
export function maskUrl(url: string): string {
  if (!URL.canParse(url)) return "…";
  const { origin, pathname, search } = new URL(url);
  return pathname.length > 1 || search !== "" ? `${origin}/…` : url;
}

/** A URL with an ellipsis for each part of its path that is no plain word, and for each value of its query. */
export function maskSecretParts(url: string): string {
  if (!URL.canParse(url)) return "…";
  const { origin, pathname, search } = new URL(url);
  if (pathname.length <= 1 && search === "") return url;
  const path = pathname.split("/").map((part) => (part === "" || isPlain(part) ? part : "…"));
  const query = search.slice(1).split("&").map(maskValue).join("&");
  return `${origin}${path.join("/")}${search === "" ? "" : `?${query}`}`;
}

function isPlain(part: string): boolean {
  return PLAIN.has(part.toLowerCase()) || VERSION.test(part);
}

/** A pair of a query. What has no value may be a secret itself. */
function maskValue(pair: string): string {
  const end = pair.indexOf("=");
  return /^[a-z][a-z_-]{0,19}=./i.test(pair) ? `${pair.slice(0, end)}=…` : "…";
}

/** The parts of a URL that must stand in no record of a request. */
export function secretPartsOf(url: string): string[] {
  const { href, origin, pathname, search } = new URL(url);
  if (pathname.length <= 1 && search === "") return [];
  const end = pathname + search;
  const values = search
    .slice(1)
    .split("&")
    .map((pair) => pair.slice(pair.indexOf("=") + 1));
  const parts = pathname.split("/").filter((part) => !isPlain(part));
  const single = [...values, ...parts].filter((part) => part.length >= LEAST_SECRET);
  return [url, href, `${origin}${pathname}`, ...(end.length >= LEAST_SECRET ? [end] : []), ...single];
}
