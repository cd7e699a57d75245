import { createFakeClock, createMemoryRecords } from "@stackyard/core/testing";
import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { Claimed, createObjectClaims } from "./object-claims.ts";
import { createParser } from "./records.ts";

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
