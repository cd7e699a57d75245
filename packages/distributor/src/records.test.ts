import { defineRecordKind } from "@stackyard/core/services";
import { createMemoryRecords, createRandom } from "@stackyard/core/testing";
import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { parseUnregistered } from "./events.ts";
import { CONTENDED, changeValue } from "./records.ts";
import { T0 } from "./testing/a-cell.ts";
import { createPassingClock } from "./testing/passing-clock.ts";

const spec = { prefix: "counts/", value: Type.Number(), holds: "counts", kept: "always" } as const;
const kind = defineRecordKind({ ...CONTENDED, ...spec });
const place = { kind, name: "a" };

function createDeps() {
  return { records: createMemoryRecords(), clock: createPassingClock(T0), random: createRandom(1) };
}

describe("changeValue", () => {
  it("makes all of many changes at once", async () => {
    const deps = createDeps();

    await Promise.all(Array.from({ length: 20 }, () => changeValue(deps, place, (known = 0) => known + 1)));

    expect(await kind.find(deps, "a")).toBe(20);
  });

  it("writes nothing where nothing changes", async () => {
    const deps = createDeps();
    const none = await changeValue(deps, place, () => undefined);
    await changeValue(deps, place, () => 5);
    const { version } = await kind.load(deps, "a");

    expect([await changeValue(deps, place, () => 5), await changeValue(deps, place, () => undefined)]).toEqual([5, 5]);
    expect(none).toBeUndefined();
    expect((await kind.load(deps, "a")).version).toBe(version);
  });

  it("waits longer after each conflict, and ends when another writer is always faster", async () => {
    const { records, clock, random } = createDeps();
    const put: typeof records.put = async () => ({ kind: "conflict", current: undefined });

    const changed = changeValue({ records: { ...records, put }, clock, random }, place, () => 5);

    await expect(changed).rejects.toMatchObject({ code: "RECORD_CONFLICT", retryable: true });
    expect(clock.now() - T0).toBeGreaterThan(5_000);
  });
});

const isRegion = (region: string) => parseUnregistered({ v: 1, account: "111122223333", region }) !== undefined;

describe("Region", () => {
  it.each([
    ...["eu-west-1", "us-gov-west-1", "us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1", "cn-north-1"],
    ...["ap-southeast-5", "mx-central-1", "il-central-1", "eusc-de-east-1"],
  ])("is %s", (region) => {
    expect(isRegion(region)).toBe(true);
  });

  it.each([
    "",
    "ALL",
    "eu",
    "eu-west",
    "EU-west-1",
    "eu-west-1 ",
    "eu--west-1",
    "eu-west-1a",
    "eu-west-1/x",
    "euwest1",
  ])("is not %j", (region) => {
    expect(isRegion(region)).toBe(false);
  });
});
