import type { LookupAddress, LookupOptions } from "node:dns";
import { describe, expect, it } from "vitest";
import { type CheckedLookupOptions, createCheckedLookup } from "./checked-lookup.ts";

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
  it("answers all public addresses, or the first where one is asked for", async () => {
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

  it("tells of names without an address, and of names that nobody knows", async () => {
    const unknown = async () => Promise.reject(Object.assign(new Error("getaddrinfo"), { code: "ENOTFOUND" }));

    expect(await ask([])).toBe("The name h.example has no address.");
    expect(await ask([], {}, { resolve: unknown })).toBe("The name h.example cannot be resolved.");
  });
});
