import { describe, expect, it } from "vitest";
import { isPublicAddress } from "./is-public-address.ts";

describe("isPublicAddress", () => {
  it.each(["52.218.0.1", "3.5.64.10", "99.255.255.255", "172.32.0.1", "2600:1fa0:4000::1", "2a05:d07a:8000::5"])(
    "is true of %s",
    (address) => expect(isPublicAddress(address)).toBe(true),
  );

  it.each([
    ["0.0.0.0", "unspecified"],
    ["127.0.0.1", "loopback"],
    ["127.255.0.9", "loopback"],
    ["10.0.0.1", "private"],
    ["172.16.0.1", "private"],
    ["172.31.255.255", "private"],
    ["192.168.1.1", "private"],
    ["169.254.169.254", "link-local, the metadata of instances"],
    ["100.64.0.1", "carrier-grade NAT"],
    ["100.127.255.255", "carrier-grade NAT"],
    ["224.0.0.1", "multicast"],
    ["255.255.255.255", "broadcast"],
    ["198.18.0.1", "benchmarks"],
    ["192.0.0.170", "protocol assignments"],
    ["::", "unspecified"],
    ["::1", "loopback"],
    ["::127.0.0.1", "IPv4-compatible"],
    ["::ffff:127.0.0.1", "IPv4-mapped"],
    ["::ffff:52.218.0.1", "IPv4-mapped, although public"],
    ["0:0:0:0:0:ffff:a00:1", "IPv4-mapped, in hex"],
    ["64:ff9b::a9fe:a9fe", "NAT64"],
    ["64:ff9b:1::1", "NAT64 of a network"],
    ["fc00::1", "unique local"],
    ["fd00:ec2::254", "unique local, the metadata of instances"],
    ["fe80::1", "link-local"],
    ["fe80::1%eth0", "link-local with a zone"],
    ["fec0::1", "site-local"],
    ["ff02::1", "multicast"],
    ["2002:7f00:1::", "6to4"],
    ["2001::1", "Teredo"],
    ["2001:db8::1", "documentation"],
    ["100::1", "discard"],
    ["localhost", "a name"],
    ["127.1", "short"],
    ["0x7f000001", "hex"],
    ["", "nothing"],
  ])("is false of %s (%s)", (address) => expect(isPublicAddress(address)).toBe(false));
});
