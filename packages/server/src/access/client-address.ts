import { BlockList, isIP } from "node:net";
import { StackyardError } from "@stackyard/core";

/** Returns the client's address of a request: the socket's, or the one that our proxies forward. */
export type FindAddress = (socketAddress: string | undefined, forwardedFor: string | null) => string | undefined;

/**
 * Creates the finder for proxies of these networks (`10.0.7.0/28`, `2001:db8::/32`, or single addresses). Without any,
 * `X-Forwarded-For` is ignored: everyone may send it. Throws `CONFIG_INVALID` for an invalid network.
 */
export function createAddressFinder(trustedProxies: readonly string[] = []): FindAddress {
  const trusted = new BlockList();
  for (const network of trustedProxies) addNetwork(trusted, network);
  const isTrusted = (address: string) => trusted.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
  return (socketAddress, forwardedFor) => {
    const socket = socketAddress === undefined ? undefined : toAddress(socketAddress);
    if (socket === undefined || forwardedFor === null || !isTrusted(socket)) return socket;
    return findRightmostForeign([socket, ...forwardedFor.split(",").reverse()], isTrusted);
  };
}

/** Returns the rightmost address that is not a trusted proxy: each proxy appends the address of its caller. */
function findRightmostForeign(hops: readonly string[], isTrusted: (address: string) => boolean): string | undefined {
  let last: string | undefined;
  for (const hop of hops) {
    const address = toAddress(hop.trim());
    if (address === undefined) return last;
    last = address;
    if (!isTrusted(address)) return address;
  }
  return last;
}

function addNetwork(list: BlockList, network: string): void {
  const [address = "", bits] = network.split("/");
  const version = isIP(address);
  const most = version === 6 ? 128 : 32;
  const prefix = bits === undefined ? most : Number(bits);
  if (version === 0 || !/^\d{1,3}$/.test(bits ?? "0") || prefix > most) {
    const message = `server.trustedProxies: "${network}" is not a network. Write one such as 10.0.7.0/28.`;
    throw new StackyardError("CONFIG_INVALID", message);
  }
  list.addSubnet(address, prefix, version === 6 ? "ipv6" : "ipv4");
}

/** Returns the address without port, brackets or zone; an IPv4-mapped IPv6 address (`::ffff:…`) as IPv4. */
function toAddress(text: string): string | undefined {
  const bare = /^\[([^\]]+)\](:\d+)?$/.exec(text)?.[1] ?? /^(\d[\d.]*):\d+$/.exec(text)?.[1] ?? text;
  const address = bare.replace(/%.*$/, "").replace(/^::ffff:(?=\d+\.)/i, "");
  return isIP(address) === 0 ? undefined : address.toLowerCase();
}

/** Returns the key for rate limits: the address, for IPv6 its /64 network, which one customer has alone (RFC 6177). */
export function toRateKey(address: string | undefined): string {
  if (address === undefined) return "unknown";
  if (isIP(address) !== 6) return address;
  // The parser of URLs writes an address in its shortest form (RFC 5952).
  const [head = "", tail = ""] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const first = head === "" ? [] : head.split(":");
  const last = tail === "" ? [] : tail.split(":");
  const filled = [...first, ...Array.from({ length: 8 - first.length - last.length }, () => "0"), ...last];
  return `${filled.slice(0, 4).join(":")}::/64`;
}
