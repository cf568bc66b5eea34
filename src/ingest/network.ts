// The network of a sender's address, in place of the address: enough to complete a list of ranges, and no single machine.

import ipaddr from "ipaddr.js";

/** Bits that are kept: what registries give to one network at least. */
const BITS = { ipv4: 24, ipv6: 48 } as const;

/** The network of an IP address as CIDR, as in `203.0.113.0/24` or `2001:db8:1::/48`; null for any other text. */
export function networkOf(text: string): string | null {
  if (!ipaddr.isValid(text)) return null;
  const address = ipaddr.process(text); // an IPv4-mapped IPv6 address counts as IPv4
  const bits = BITS[address.kind()];
  const range = `${address.toString()}/${bits}`;
  const first =
    address.kind() === "ipv4"
      ? ipaddr.IPv4.networkAddressFromCIDR(range)
      : ipaddr.IPv6.networkAddressFromCIDR(range);
  return `${first.toString()}/${bits}`;
}
