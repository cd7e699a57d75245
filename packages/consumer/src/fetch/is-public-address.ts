import { BlockList, isIP } from "node:net";

/** Source: IANA, "IPv4 Special-Purpose Address Registry", and multicast. */
const NOT_PUBLIC_4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
];
/** Global unicast: whatever wraps an IPv4 address, is local, or is not assigned lies outside (IANA, "IPv6 Address Space"). */
const PUBLIC_6 = ["2000::/3"];
/** Within it: protocol assignments with Teredo, 6to4, documentation (IANA, "IPv6 Special-Purpose Address Registry"). */
const NOT_PUBLIC_6 = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"];

const notPublic4 = toList(NOT_PUBLIC_4, "ipv4");
const public6 = toList(PUBLIC_6, "ipv6");
const notPublic6 = toList(NOT_PUBLIC_6, "ipv6");

/** Is this an address of the open internet? False for anything inside of a network, for wrapped addresses, and for no address. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !notPublic4.check(address, "ipv4");
  // A zone is of use on one link only.
  if (family !== 6 || address.includes("%")) return false;
  return public6.check(address, "ipv6") && !notPublic6.check(address, "ipv6");
}

function toList(subnets: readonly string[], type: "ipv4" | "ipv6"): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [net = "", bits] = subnet.split("/");
    list.addSubnet(net, Number(bits), type);
  }
  return list;
}
