import { createFakeClock, createMemoryRecords } from "@stackyard/core/testing";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { describe, expect, it } from "vitest";
import { Claimed, createObjectClaims } from "./object-claims.ts";

const compiled = Compile(Type.Object({ ...Claimed, done: Type.Integer() }));
const OBJECT = { key: "app/1/manifest.json", versionId: "v1" };

function createWorld() {
  const clock = createFakeClock();
  const records = createMemoryRecords();
  const isClaim = (value: unknown) => compiled.Check(value);
  const claims = createObjectClaims(records, clock, { name: "work", takenMs: 1_000, fresh: { done: 0 }, isClaim });
  return { clock, records, claims };
}

describe("createObjectClaims", () => {
  it("gives an object to one at a time", async () => {
    const { claims } = createWorld();

    const answers = await claims.hold(OBJECT, async () => ["first", await claims.hold(OBJECT, async () => "second")]);

    expect(answers).toEqual(["first", undefined]);
  });

  it("gives another version of the object to somebody else", async () => {
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

    expect(await claims.listFree(undefined)).toEqual({ free: [], busy: 0 });
  });

  it("lists what is free, page by page, and counts what is not", async () => {
    const { claims, clock } = createWorld();
    const keys = Array.from({ length: 150 }, (_, number) => `key-${number}`);
    for (const key of keys) await claims.hold({ key }, claims.release);
    await claims.hold(OBJECT, async () => undefined);

    const first = await claims.listFree(undefined);
    const second = await claims.listFree(first.cursor);
    await clock.advance(1_000);

    expect([...first.free, ...second.free].map(({ key }) => key).sort()).toEqual(keys.sort());
    expect(first.busy + second.busy).toBe(1);
    expect([first.cursor, second.cursor]).toEqual([expect.any(String), undefined]);
    expect((await claims.hold(OBJECT, async () => "free again")) ?? "busy").toBe("free again");
  });

  it("says which record is none of its own", async () => {
    const { claims, records } = createWorld();
    await records.put({ key: "work/odd", value: { key: 1 }, expected: "absent", now: 0 });

    await expect(claims.listFree(undefined)).rejects.toMatchObject({ code: "STORE_CORRUPT" });
  });
});
