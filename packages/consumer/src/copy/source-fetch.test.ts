import type { LookupAddress, LookupOptions } from "node:dns";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CheckedLookupOptions, createCheckedLookup, isPublicAddress, readErrorAnswer } from "./source-fetch.ts";

const PUBLIC = { address: "52.218.0.1", family: 4 };
const PUBLIC_6 = { address: "2600:1fa0:4000::1", family: 6 };
const METADATA = { address: "169.254.169.254", family: 4 };

function ask(found: readonly LookupAddress[], options: LookupOptions = { all: true }, over: CheckedLookupOptions = {}) {
  const lookup = createCheckedLookup({ resolve: async () => found, ...over });
  return new Promise((resolve) =>
    lookup("h.example", options, (error, ...answer) => resolve(error?.message ?? answer)),
  );
}

describe("the lookup of a socket", () => {
  it("returns all public addresses, or only the first on request", async () => {
    expect(await ask([PUBLIC, PUBLIC_6])).toEqual([[PUBLIC, PUBLIC_6]]);
    expect(await ask([PUBLIC, PUBLIC_6], {})).toEqual([PUBLIC.address, 4]);
  });

  it.each([[[METADATA]], [[PUBLIC, METADATA]], [[METADATA, PUBLIC_6]]])(
    "refuses a name with an address that is not public: %j",
    async (found) => {
      expect(await ask(found)).toBe("The name h.example has an address that is not public.");
      expect(await ask(found, {})).toBe("The name h.example has an address that is not public.");
    },
  );

  it("lets private endpoints through where they are wanted", async () => {
    const found = [{ address: "10.0.3.7", family: 4 }];

    expect(await ask(found, { all: true }, { privateEndpoints: true })).toEqual([found]);
  });

  it("reports names without an address, and unknown names", async () => {
    const unknown = async () => Promise.reject(Object.assign(new Error("getaddrinfo"), { code: "ENOTFOUND" }));

    expect(await ask([])).toBe("The name h.example has no address.");
    expect(await ask([], {}, { resolve: unknown })).toBe("The name h.example cannot be resolved.");
  });
});

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

async function* stream(...texts: readonly string[]) {
  for (const text of texts) yield Buffer.from(text);
}

describe("readErrorAnswer", () => {
  it("finds code and message, also where they come in pieces", async () => {
    const words = await readErrorAnswer(
      stream(
        '<?xml version="1.0"?>\n<Error><Co',
        "de>AccessDenied</Code><Message>Request has ",
        "expired</Message></Error>",
      ),
    );

    expect(words).toEqual({ code: "AccessDenied", message: "Request has expired" });
  });

  it.each([["<html>no</html>"], ["<Code>"], ["<Code></Code>"], ["<Code>a b</Code>"], ["</Code><Code>"], [""]])(
    "finds nothing in %s",
    async (text) => expect(await readErrorAnswer(stream(text))).toEqual({}),
  );

  it("reads 64 KiB and no more", async () => {
    let read = 0;
    async function* endless() {
      for (;;) {
        read += 1_024;
        yield Buffer.alloc(1_024, "x");
      }
    }

    expect(await readErrorAnswer(endless())).toEqual({});
    expect(read).toBe(65_536);
  });

  it("gives what it has of a body that breaks: nothing", async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("<Code>AccessDenied</Code>");
      throw new Error("reset");
    }

    expect(await readErrorAnswer(broken())).toEqual({});
  });

  it("takes any bytes", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom("<Code>", "</Code>", "<Message>", "</Message>", "a", "<", "é")),
        async (parts) => {
          const { code = "", message = "" } = await readErrorAnswer(stream(...parts));
          expect(`${code}${message}`).not.toContain("<");
        },
      ),
    );
  });
});
