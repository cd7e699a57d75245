import { createFakeClock, createMemoryRecords } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createKnownArtifacts } from "./known-artifacts.ts";

function createKnown() {
  const records = createMemoryRecords();
  return { records, known: createKnownArtifacts(records, createFakeClock()) };
}

describe("what is known of a key", () => {
  it("is kept under any key, however long", async () => {
    const { known } = createKnown();
    const key = "é".repeat(512);

    await known.save({ key, sourceSha256: "a" });

    expect((await known.load(key))?.object).toEqual({ key, sourceSha256: "a" });
    expect(await known.load("other")).toBeUndefined();
  });

  it("is what the later sequence says, in whatever order they are written", async () => {
    const { known } = createKnown();

    await known.save({ key: "a", sequence: 2, version: "2" });
    await known.save({ key: "a", sequence: 1, version: "1" });

    expect((await known.load("a"))?.object.version).toBe("2");
  });

  it("is written by many at a time, and the last sequence stays", async () => {
    const { known } = createKnown();

    await Promise.all(Array.from({ length: 5 }, (_, sequence) => known.save({ key: "a", sequence })));

    expect((await known.load("a"))?.object.sequence).toBe(4);
  });

  it("is not replaced when another process has written since", async () => {
    const { known } = createKnown();
    await known.save({ key: "a", version: "1" });
    const entry = await known.load("a");
    await known.save({ key: "a", version: "2" });
    if (entry === undefined) throw new Error("Entry not found.");

    expect([await known.replace(entry, undefined), await known.replace(entry, { key: "a" })]).toEqual([false, false]);
    expect((await known.load("a"))?.object.version).toBe("2");
  });

  it("is nothing where the record is of another form, and is written over", async () => {
    const { known, records } = createKnown();
    await known.save({ key: "a" });
    const [found] = (await records.list("known/", { limit: 1, now: 0 })).items;
    await records.put({ key: found?.key ?? "", value: 7, expected: found?.version ?? 0, now: 0 });

    expect(await known.load("a")).toBeUndefined();
    await known.save({ key: "a", version: "1" });
    expect((await known.load("a"))?.object.version).toBe("1");
  });
});
