import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { recordsConformance } from "../testing/records-conformance.ts";
import { storeConformance } from "../testing/store-conformance.ts";
import { listKeys } from "./memory-lists.ts";
import { createMemoryRecords } from "./memory-records.ts";
import { createMemoryStore } from "./memory-store.ts";

describe("createMemoryStore", () => {
  for (const c of storeConformance) it(c.name, () => c.run(async () => createMemoryStore()));
});

const key = fc.string({ unit: fc.constantFrom("a", "b", "/"), minLength: 1, maxLength: 4 });

describe("listKeys", () => {
  it("lists values in order of their keys, by prefix and after the cursor", () => {
    fc.assert(
      fc.property(fc.array(key), key, fc.option(key, { nil: undefined }), (keys, prefix, after) => {
        const rows = new Map(keys.map((each) => [each, each]));

        const wanted = [...rows.keys()].filter(
          (each) => each.startsWith(prefix) && (after === undefined || each > after),
        );
        expect(listKeys(rows, prefix, after)).toEqual(wanted.sort());
      }),
    );
  });
});

describe("createMemoryRecords", () => {
  for (const c of recordsConformance) it(c.name, () => c.run(async () => createMemoryRecords()));

  it("drops what is expired on request", async () => {
    const records = createMemoryRecords();
    const { record } = Object(await records.put({ key: "a", value: 1, expected: "absent", expiresAt: 10, now: 0 }));
    await records.put({ key: "b", value: 1, expected: "absent", now: 0 });

    records.removeExpired(10);

    expect(await records.remove("a", record.version + 1)).toBe(true);
    expect(await records.get("b", 10)).toBeDefined();
  });

  it("refuses a value that is not JSON", async () => {
    const put = createMemoryRecords().put({ key: "a", value: undefined, expected: "absent", now: 0 });

    await expect(put).rejects.toMatchObject({ code: "USAGE" });
  });
});
