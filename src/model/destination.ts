// Which mailbox provider an address belongs to. Grouping events by mailbox provider shows when one of them refuses
// mail.

const BY_DOMAIN: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "gmail.com": "gmail",
    "googlemail.com": "gmail",
    "msn.com": "microsoft",
    "passport.com": "microsoft",
    "windowslive.com": "microsoft",
    "ymail.com": "yahoo",
    "rocketmail.com": "yahoo",
    "aol.com": "yahoo",
    "aim.com": "yahoo",
    "icloud.com": "apple",
    "me.com": "apple",
    "mac.com": "apple",
    "web.de": "gmx",
    "t-online.de": "telekom",
    "magenta.de": "telekom",
    "orange.fr": "orange",
    "wanadoo.fr": "orange",
    "free.fr": "free",
    "laposte.net": "laposte",
    "sfr.fr": "sfr",
    "libero.it": "libero",
    "comcast.net": "comcast",
    "proton.me": "proton",
    "protonmail.com": "proton",
    "pm.me": "proton",
    "ya.ru": "yandex",
    "mail.ru": "mailru",
    "bk.ru": "mailru",
    "inbox.ru": "mailru",
    "list.ru": "mailru",
    "qq.com": "qq",
    "foxmail.com": "qq",
    "163.com": "netease",
    "126.com": "netease",
    "naver.com": "naver",
  }),
);

/** Mailbox providers that use one name under many country domains (hotmail.fr, yahoo.co.jp, gmx.at, ...). */
const BY_NAME: ReadonlyMap<string, string> = new Map(
  Object.entries({
    outlook: "microsoft",
    hotmail: "microsoft",
    live: "microsoft",
    yahoo: "yahoo",
    gmx: "gmx",
    yandex: "yandex",
  }),
);

/** All mailbox providers that {@link destinationOf} names. */
export const DESTINATIONS: readonly string[] = [
  ...new Set([...BY_DOMAIN.values(), ...BY_NAME.values(), "other"]),
];

/**
 * The mailbox provider of a normalised address: "gmail", "microsoft", ..., or "other" for all that are not listed here.
 */
export function destinationOf(address: string): string {
  const domain = address.slice(address.lastIndexOf("@") + 1);
  const known = BY_DOMAIN.get(domain);
  if (known !== undefined) return known;
  const [name, second, third, rest] = domain.split(".");
  const national = second?.length === 2 || second === "com" || second === "net" || second === "org";
  const twoLevels = (second === "co" || second === "com") && third?.length === 2;
  const shape = third === undefined ? national : twoLevels;
  return rest === undefined && shape && name !== undefined ? (BY_NAME.get(name) ?? "other") : "other";
}
