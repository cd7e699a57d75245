import { createFakeClock, createMemoryRecords, createRandom } from "@stackyard/core/testing";
import { Type } from "typebox";

import { describe, expect, it } from "vitest";
import { parseUnregistered } from "./events.ts";
import { Claimed, changeParsed, createObjectClaims, createParser } from "./records.ts";
import { T0 } from "./testing/a-cell.ts";
import { createPassingClock } from "./testing/passing-clock.ts";

const parse = (value: unknown) => (typeof value === "number" ? value : undefined);

function createDeps() {
  return { records: createMemoryRecords(), clock: createPassingClock(T0), random: createRandom(1) };
}

describe("changeParsed", () => {
  it("makes all of many changes at once", async () => {
    const deps = createDeps();
    const change = (known = 0) => known + 1;

    await Promise.all(Array.from({ length: 20 }, () => changeParsed(deps, { key: "count", parse, change })));

    expect((await deps.records.get("count", T0))?.value).toBe(20);
  });

  it("writes nothing where nothing changes", async () => {
    const deps = createDeps();
    await changeParsed(deps, { key: "a", parse, change: () => 5 });
    const { version } = (await deps.records.get("a", T0)) ?? {};

    const given = [
      await changeParsed(deps, { key: "a", parse, change: () => 5 }),
      await changeParsed(deps, { key: "a", parse, change: () => undefined }),
      await changeParsed(deps, { key: "b", parse, change: () => undefined }),
    ];

    expect(given).toEqual([5, 5, undefined]);
    expect((await deps.records.get("a", T0))?.version).toBe(version);
  });

  it("ends when another writer is always faster", async () => {
    const { records, ...deps } = createDeps();
    const put: typeof records.put = async () => ({ kind: "conflict", current: undefined });

    const changed = changeParsed({ ...deps, records: { ...records, put } }, { key: "a", parse, change: () => 5 });

    await expect(changed).rejects.toMatchObject({ code: "RECORD_CONFLICT", retryable: true });
  });

  it("does not overwrite what it cannot read", async () => {
    const deps = createDeps();
    await deps.records.put({ key: "a", value: "of a later version", expected: "absent", now: T0 });

    await expect(changeParsed(deps, { key: "a", parse, change: () => 5 })).rejects.toMatchObject({
      code: "STORE_CORRUPT",
    });
  });
});

const parseClaim = createParser(Type.Object({ ...Claimed, done: Type.Integer() }));
const OBJECT = { key: "app/1/manifest.json", versionId: "v1" };

function createWorld(isGivenUp = false) {
  const clock = createFakeClock();
  const records = createMemoryRecords();
  const kind = { name: "work", takenMs: 1_000, fresh: { done: 0 }, parse: parseClaim };
  const claims = createObjectClaims(records, clock, kind, async () => isGivenUp);
  return { clock, records, claims };
}

describe("createObjectClaims", () => {
  it("gives an object to one at a time", async () => {
    const { claims } = createWorld();

    const answers = await claims.hold(OBJECT, async () => ["first", await claims.hold(OBJECT, async () => "second")]);

    expect(answers).toEqual(["first", undefined]);
  });

  it("lets another caller hold another version of the object", async () => {
    const { claims } = createWorld();

    const later = await claims.hold(OBJECT, () => claims.hold({ ...OBJECT, versionId: "v2" }, async () => "later"));

    expect(later).toBe("later");
  });

  it("gives it to the next one with its progress when the first is silent for too long, and the first cannot save", async () => {
    const { claims, clock } = createWorld();

    const [next, lost] = (await claims.hold(OBJECT, async (claim, save) => {
      const saved = await save(claim, { done: 7 });
      await clock.advance(1_000);
      const done = await claims.hold(OBJECT, async (taken) => taken.done);
      return [done, saved && (await save(saved, { done: 8 }))];
    })) ?? [undefined, "not held"];

    expect([next, lost]).toEqual([7, undefined]);
  });

  it("ends with an error after which the object is given up", async () => {
    const { claims, records } = createWorld(true);

    const broken = claims.hold(OBJECT, () => Promise.reject(new Error("gone")));

    await expect(broken).rejects.toThrow("gone");
    expect((await records.list("work/", { limit: 9, now: 0 })).items).toEqual([]);
  });

  it("is free at once, with what was saved, after an error", async () => {
    const { claims } = createWorld();
    const broken = claims.hold(OBJECT, async (claim, save) => {
      await save(claim, { done: 3 });
      throw new Error("gone");
    });
    await expect(broken).rejects.toThrow("gone");

    expect(await claims.hold(OBJECT, async ({ done }) => done)).toBe(3);
  });

  it("forgets what is finished", async () => {
    const { claims } = createWorld();

    await claims.hold(OBJECT, (claim) => claims.remove(claim));

    expect(await claims.drain(async () => "failed", {})).toEqual({ finished: 0, failed: 0, left: 0 });
  });

  it("drains what is free, page by page, and counts what is not", async () => {
    const { claims, clock } = createWorld();
    const keys = Array.from({ length: 150 }, (_, number) => `key-${number}`);
    for (const key of keys) await claims.hold({ key }, claims.release);
    await claims.hold(OBJECT, async () => undefined);

    const drained: string[] = [];
    const work = async ({ key }: { readonly key: string }) => {
      drained.push(key);
      return "finished" as const;
    };
    const counts = await claims.drain(work, {});
    await clock.advance(1_000);

    expect(drained.sort()).toEqual(keys.sort());
    expect(counts).toEqual({ finished: 150, failed: 0, left: 1 });
    expect((await claims.hold(OBJECT, async () => "free again")) ?? "busy").toBe("free again");
  });

  it("reports which record is not its own", async () => {
    const { claims, records } = createWorld();
    await records.put({ key: "work/odd", value: { key: 1 }, expected: "absent", now: 0 });

    await expect(claims.drain(async () => "finished", {})).rejects.toMatchObject({ code: "STORE_CORRUPT" });
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
