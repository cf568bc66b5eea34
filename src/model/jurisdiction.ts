// The jurisdictions in which everything that is kept can be kept: Durable Objects, D1 and R2 know more of them, but only
// these two are known to all three.

/** The jurisdictions that may be chosen. */
export const JURISDICTIONS = ["eu", "fedramp"] as const;
export type Jurisdiction = (typeof JURISDICTIONS)[number];

/**
 * The regions of D1 (https://developers.cloudflare.com/d1/configuration/data-location/) in which a jurisdiction has its
 * data centres. They are larger than the jurisdiction: a database in Western Europe may stand in London.
 */
const REGIONS: Readonly<Record<Jurisdiction, readonly string[]>> = {
  eu: ["WEUR", "EEUR"],
  fedramp: ["WNAM", "ENAM"],
};

/** Whether a database in this region certainly lies outside of the jurisdiction. */
export function isOutside(jurisdiction: Jurisdiction, region: string): boolean {
  return !REGIONS[jurisdiction].includes(region.toUpperCase());
}
