import { describe, expect, it } from "vitest";
import { createMemoryRecords } from "../../memory/memory-records.ts";
import { endFreeze, exceptRelease, findFreeze, listFreezes, passesFreeze, startFreeze } from "./freezes.ts";

function createBench() {
  const records = createMemoryRecords();
  let now = 1_000;
  function pass(ms: number): void {
    now += ms;
  }
  return { records, clock: { now: () => now }, pass };
}

const winter = { name: "winter", reason: "Christmas", by: "ada" };
const hotfix = { release: "shop-1.42.1", incarnation: "e7", reason: "outage", by: "bob" };

describe("freezes", () => {
  it("are kept until a person ends them", async () => {
    const bench = createBench();
    await startFreeze(bench, { ...winter, machine: "app", where: "metadata.tier == 'gold'" });

    bench.pass(365 * 86_400_000);
    expect(await listFreezes(bench)).toEqual([
      {
        version: 1,
        name: "winter",
        reason: "Christmas",
        machine: "app",
        where: "metadata.tier == 'gold'",
        startedAt: 1_000,
        by: "ada",
        except: [],
      },
    ]);
    expect(await endFreeze(bench, "winter")).toMatchObject({ name: "winter" });
    expect(await listFreezes(bench)).toEqual([]);
    await expect(endFreeze(bench, "winter")).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  it("end by themselves at their instant, with their exceptions, and the name is free again", async () => {
    const bench = createBench();
    await startFreeze(bench, { ...winter, to: 5_000 });
    await exceptRelease(bench, "winter", hotfix);

    bench.pass(3_999);
    expect(await listFreezes(bench)).toHaveLength(1);
    bench.pass(1);
    expect(await listFreezes(bench)).toEqual([]);
    expect((await startFreeze(bench, winter)).except).toEqual([]);
  });

  it("let one release pass, not another one of the same id", async () => {
    const bench = createBench();
    await startFreeze(bench, winter);

    await exceptRelease(bench, "winter", hotfix);
    const freeze = await exceptRelease(bench, "winter", { ...hotfix, reason: "again" });

    expect(freeze.except).toEqual([{ ...hotfix, at: 1_000 }]);
    expect(passesFreeze(freeze, hotfix)).toBe(true);
    expect(passesFreeze(freeze, { ...hotfix, incarnation: "e8" })).toBe(false);
    await expect(exceptRelease(bench, "summer", hotfix)).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  it("let at most 200 releases pass, and those again", async () => {
    const bench = createBench();
    await startFreeze(bench, winter);
    const pass = (release: string) => exceptRelease(bench, "winter", { ...hotfix, release });

    for (let index = 1; index <= 200; index += 1) await pass(`shop-${index}`);

    await expect(pass("shop-201")).rejects.toMatchObject({ code: "USAGE" });
    expect((await pass("shop-200")).except).toHaveLength(200);
  });

  it("refuse a name in use, an end in the past, and an expression with errors", async () => {
    const bench = createBench();
    await startFreeze(bench, winter);

    await expect(startFreeze(bench, winter)).rejects.toMatchObject({ code: "RECORD_CONFLICT" });
    await expect(startFreeze(bench, { ...winter, name: "x", to: 1_000 })).rejects.toMatchObject({ code: "USAGE" });
    // Date.parse("2026-12-31T23:59:60Z")
    await expect(startFreeze(bench, { ...winter, name: "x", to: Number.NaN })).rejects.toMatchObject({ code: "USAGE" });
    await expect(startFreeze(bench, { ...winter, name: "x", where: "metadata.x ==" })).rejects.toThrow(
      '"where" has errors',
    );
    await expect(startFreeze(bench, { ...winter, name: "x", where: "secret.x" })).rejects.toMatchObject({
      code: "USAGE",
    });
  });

  it("are not taken for ended when one cannot be read", async () => {
    const bench = createBench();
    await bench.records.put({ key: "freezes/winter", value: { version: 2 }, expected: "absent", now: 0 });

    await expect(listFreezes(bench)).rejects.toMatchObject({ code: "STORE_CORRUPT" });
    await expect(findFreeze(bench, "winter")).rejects.toMatchObject({ code: "STORE_CORRUPT" });
  });

  it("are not taken for ended when the store reports one as damaged", async () => {
    const bench = createBench();
    const unreadable = [{ id: "freezes/winter", reason: "no JSON" }];
    const records = { ...bench.records, list: async () => ({ items: [], unreadable }) };

    await expect(listFreezes({ ...bench, records })).rejects.toMatchObject({ code: "STORE_CORRUPT" });
  });
});
