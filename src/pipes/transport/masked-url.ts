// URLs that are secrets: whoever knows such a webhook's URL may post to it. People who may not change a pipe see where its
// events go, and no more.

/** Shorter ends of a URL than this are no secret, and stand in too many texts. */
const LEAST_SECRET = 12;

/** Scheme and host of a URL, and an ellipsis for the rest; a URL without a path as it is. */
export function maskUrl(url: string): string {
  if (!URL.canParse(url)) return "…";
  const { origin, pathname, search } = new URL(url);
  return pathname.length > 1 || search !== "" ? `${origin}/…` : url;
}

/** The parts of a URL that must stand in no record of a request. */
export function secretPartsOf(url: string): string[] {
  const { href, origin, pathname, search } = new URL(url);
  if (pathname.length <= 1 && search === "") return [];
  const end = pathname + search;
  return [url, href, `${origin}${pathname}`, ...(end.length >= LEAST_SECRET ? [end] : [])];
}
