import { describe, expect, it } from "vitest";
import { createMemoryRecords } from "../memory/memory-records.ts";
import { createFakeClock } from "../testing/fake-clock.ts";
import { changeRecord } from "./change-record.ts";

function createWorld() {
  const clock = createFakeClock();
  const records = createMemoryRecords();
  const read = () => records.get("a", clock.now());
  return { clock, records, read };
}

describe("changeRecord", () => {
  it("applies all of many concurrent changes", async () => {
    const { read, ...deps } = createWorld();
    const count = () =>
      changeRecord({
        ...deps,
        key: "a",
        decide: (found) => ({ write: { value: Number(found?.value ?? 0) + 1 } }),
      });

    await Promise.all(Array.from({ length: 10 }, count));

    expect((await read())?.value).toBe(10);
  });

  it("returns the decision that was stored, with its end", async () => {
    const { read, ...deps } = createWorld();
    const decide = (_: unknown, now: number) => ({ write: { value: "new", expiresAt: now + 5 }, result: "done" });

    expect((await changeRecord({ ...deps, key: "a", decide })).result).toBe("done");
    expect(await read()).toMatchObject({ value: "new", expiresAt: deps.clock.now() + 5 });
  });

  it("removes the record, and stores nothing without a write or for the removal of a missing one", async () => {
    const { read, ...deps } = createWorld();
    const remove = () => changeRecord({ ...deps, key: "a", decide: () => ({ write: "remove" as const }) });
    await changeRecord({ ...deps, key: "a", decide: () => ({ write: { value: 1 } }) });
    const before = await read();

    await changeRecord({ ...deps, key: "a", decide: () => ({ write: undefined }) });
    expect(await read()).toEqual(before);
    await remove();
    await remove();
    expect(await read()).toBeUndefined();
  });

  it("throws after the last try, and pauses after each", async () => {
    const { clock, records } = createWorld();
    const put: typeof records.put = async () => ({ kind: "conflict", current: undefined });
    const pauses: number[] = [];
    const change = changeRecord({
      records: { ...records, put },
      clock,
      key: "a",
      tries: 3,
      conflict: "Busy.",
      pause: async (failed) => void pauses.push(failed),
      decide: () => ({ write: { value: 1 } }),
    });

    await expect(change).rejects.toMatchObject({ code: "RECORD_CONFLICT", message: "Busy." });
    expect(pauses).toEqual([1, 2]);
  });
});
