import { describe, expect, it } from "vitest";
import { createMemoryStore } from "./memory/memory-store.ts";
import { readChunks, removeChunks, writeChunks } from "./record-chunks.ts";

const place = { keyOf: (index: number) => `text/${index}`, now: 1 };

describe("text in several records", () => {
  it.each([
    [0, 1],
    [200_000, 1],
    [200_001, 2],
    [600_001, 4],
  ])("of %i characters takes %i records and is read as it was written", async (length, chunks) => {
    const { records } = createMemoryStore();
    const text = "0123456789".repeat(Math.ceil(length / 10)).slice(0, length);

    const written = await writeChunks(records, place, text);

    expect(written).toBe(chunks);
    expect(await readChunks(records, place, written)).toBe(text);
  });

  it("is not read when one of its records is missing or has expired", async () => {
    const { records } = createMemoryStore();
    const written = await writeChunks(records, { ...place, expiresAt: 100 }, "a".repeat(300_000));
    const [last] = (await records.list("text/1", { limit: 1, now: 1 })).items;

    expect(await readChunks(records, { ...place, now: 100 }, written)).toBeUndefined();
    await records.remove("text/1", last?.version ?? 0);
    expect(await readChunks(records, place, written)).toBeUndefined();
  });

  it("leaves no record when it is removed", async () => {
    const { records } = createMemoryStore();
    const written = await writeChunks(records, place, "a".repeat(300_000));
    await records.put({ key: "text/other", value: 1, expected: "absent", now: 1 });

    await removeChunks(records, place, written + 1);

    const left = await records.list("text/", { limit: 10, now: 1 });
    expect(left.items.map(({ key }) => key)).toEqual(["text/other"]);
  });
});
