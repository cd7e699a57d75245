import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createAddressFinder, toRateKey } from "./client-address.ts";

describe("createAddressFinder", () => {
  const find = createAddressFinder(["10.0.0.0/8", "2001:db8::/32"]);

  it.each([
    ["the socket's address without a header", "10.0.0.1", null, "10.0.0.1"],
    ["the socket's address when it is not a proxy", "203.0.113.9", "198.51.100.1", "203.0.113.9"],
    ["the rightmost foreign address", "10.0.0.1", "1.1.1.1, 198.51.100.1, 10.0.0.2", "198.51.100.1"],
    ["an address with a port", "10.0.0.1", "198.51.100.1:5555", "198.51.100.1"],
    ["an IPv6 address with a port", "2001:db8::1", "[2001:db9::7]:443", "2001:db9::7"],
    ["an IPv4 address of a socket of both kinds", "::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"],
    ["the proxy before anything that is not an address", "10.0.0.1", "198.51.100.1, unknown", "10.0.0.1"],
    ["the farthest proxy when all are ours", "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"],
  ])("returns %s", (_what, socket, header, expected) => {
    expect(find(socket, header)).toBe(expected);
  });

  it("ignores the header without trusted proxies", () => {
    expect(createAddressFinder()("127.0.0.1", "198.51.100.1")).toBe("127.0.0.1");
  });

  it.each(["10.0.0.0/33", "example.org", "10.0.0.0/x", "::/129", ""])("rejects the network %j", (network) => {
    expect(() => createAddressFinder([network])).toThrow("is not a network");
  });

  it("survives any header", () => {
    fc.assert(fc.property(fc.string({ maxLength: 60 }), (header) => void find("10.0.0.1", header)));
  });
});

describe("toRateKey", () => {
  it.each([
    ["198.51.100.1", "198.51.100.1"],
    ["2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"],
    ["2001:db8::5", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    [undefined, "unknown"],
  ])("maps %j to %j", (address, expected) => {
    expect(toRateKey(address)).toBe(expected);
  });
});
