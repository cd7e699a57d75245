import { createMemoryRecords, createRandom } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { T0 } from "../testing/a-cell.ts";
import { createPassingClock } from "../testing/passing-clock.ts";
import { changeRecord } from "./change-record.ts";

const parse = (value: unknown) => (typeof value === "number" ? value : undefined);

function createDeps() {
  return { records: createMemoryRecords(), clock: createPassingClock(T0), random: createRandom(1) };
}

describe("changeRecord", () => {
  it("makes all of many changes at once", async () => {
    const deps = createDeps();
    const change = (known = 0) => known + 1;

    await Promise.all(Array.from({ length: 20 }, () => changeRecord(deps, { key: "count", parse, change })));

    expect((await deps.records.get("count", T0))?.value).toBe(20);
  });

  it("writes nothing where nothing changes", async () => {
    const deps = createDeps();
    await changeRecord(deps, { key: "a", parse, change: () => 5 });
    const { version } = (await deps.records.get("a", T0)) ?? {};

    const given = [
      await changeRecord(deps, { key: "a", parse, change: () => 5 }),
      await changeRecord(deps, { key: "a", parse, change: () => undefined }),
      await changeRecord(deps, { key: "b", parse, change: () => undefined }),
    ];

    expect(given).toEqual([5, 5, undefined]);
    expect((await deps.records.get("a", T0))?.version).toBe(version);
  });

  it("ends when somebody is always faster", async () => {
    const { records, ...deps } = createDeps();
    const put: typeof records.put = async () => ({ kind: "conflict", current: undefined });

    const changed = changeRecord({ ...deps, records: { ...records, put } }, { key: "a", parse, change: () => 5 });

    await expect(changed).rejects.toMatchObject({ code: "RECORD_CONFLICT", retryable: true });
  });

  it("does not overwrite what it cannot read", async () => {
    const deps = createDeps();
    await deps.records.put({ key: "a", value: "of a later version", expected: "absent", now: T0 });

    await expect(changeRecord(deps, { key: "a", parse, change: () => 5 })).rejects.toMatchObject({
      code: "STORE_CORRUPT",
    });
  });
});
