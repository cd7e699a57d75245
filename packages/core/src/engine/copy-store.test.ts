import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../memory/memory-store.ts";
import {
  aChange,
  aDeadLetter,
  aDispatch,
  aHistoryEntry,
  aParkedEvent,
  aPut,
  aQueuedEvent,
  commitNow,
  T0,
} from "../testing/store-conformance/store-builders.ts";
import { copyStore } from "./copy-store.ts";

/** Creates a store with two stacks, one of which has a parked event, and one of everything else. */
async function createSource() {
  const from = createMemoryStore();
  await commitNow(from, aPut({ id: "a" }, { history: [aHistoryEntry("e1", { stackId: "a" })], appliedIds: ["e1"] }));
  await commitNow(
    from,
    aPut({ id: "b" }, { park: [aParkedEvent("p1", { event: aQueuedEvent("p1", { stackId: "b" }) })] }),
  );
  await commitNow(
    from,
    aChange({ stackId: "none", park: [aParkedEvent("p2", { event: aQueuedEvent("p2", { stackId: "none" }) })] }),
  );
  await commitNow(from, aChange({ stackId: "c", deadLetters: [aDeadLetter("x1"), aDeadLetter("x2")] }));
  await from.records.put({ key: "terraform/states/a", value: { b: 1, a: [2] }, expected: "absent", now: T0 });
  await from.records.put({ key: "processes/p", value: {}, expected: "absent", now: T0, expiresAt: T0 + 1 });
  await from.revisions.put({ name: "web", hash: "0".repeat(64), source: "version: 2" }, T0);
  return from;
}

const options = { machines: ["web"], now: T0 };

describe("copyStore", () => {
  it("copies everything, and reports counts and hashes that both stores have", async () => {
    const from = await createSource();
    const to = createMemoryStore();

    const report = await copyStore({ ...options, from, to });

    expect(report.kind).toBe("copied");
    expect(report.kinds.map(({ kind, count }) => [kind, count])).toEqual([
      ["stacks", 2],
      ["parked", 2],
      ["deadLetters", 2],
      ["history", 1],
      ["revisions", 1],
      ["records", 1],
    ]);
    expect((await to.load(["b"]))[0]?.parked).toEqual((await from.load(["b"]))[0]?.parked);
    expect(await to.revisions.get("0".repeat(64))).toEqual(await from.revisions.get("0".repeat(64)));
  });

  it("may be repeated, and then only compares", async () => {
    const from = await createSource();
    const to = createMemoryStore();
    const first = await copyStore({ ...options, from, to });

    const again = await copyStore({ ...options, from, to });

    expect(again).toEqual({ ...first, kind: "again" });
  });

  it("continues where an earlier call was interrupted, at whichever call of the target", async () => {
    for (let calls = 1; calls < 40; calls += 1) {
      const from = await createSource();
      const to = createMemoryStore();
      let left = calls;
      const failing = async () => {
        left -= 1;
        if (left < 0) throw new Error("The power is gone.");
      };
      const records = {
        ...to.records,
        put: (input: Parameters<typeof to.records.put>[0]) => failing().then(() => to.records.put(input)),
      };
      const broken = {
        ...to,
        records,
        commit: (changes: Parameters<typeof to.commit>[0]) => failing().then(() => to.commit(changes)),
      };
      await copyStore({ ...options, from, to: broken }).catch(() => undefined);

      const report = await copyStore({ ...options, from, to });

      expect(report.kinds.find(({ kind }) => kind === "history")?.count).toBe(1);
    }
  });

  it("still knows the events that were applied", async () => {
    const from = await createSource();
    const to = createMemoryStore();
    await copyStore({ ...options, from, to });

    const [result] = await to.commit([aPut({ id: "a" }, { expectedVersion: 1, appliedIds: ["e1"] })]);

    expect(result).toEqual({ kind: "duplicate", eventIds: ["e1"] });
  });

  it("refuses a source with work under way", async () => {
    const from = await createSource();
    await commitNow(from, aPut({ id: "d" }, { dispatches: [aDispatch("a1", { stackId: "d" })] }));

    const copy = copyStore({ ...options, from, to: createMemoryStore() });

    await expect(copy).rejects.toThrow("1 open attempts");
  });

  it("refuses a target with content of its own, and one that was used since", async () => {
    const from = await createSource();
    const full = await createSource();
    const used = createMemoryStore();
    await copyStore({ ...options, from, to: used });
    await commitNow(used, aPut({ id: "new" }));

    await expect(copyStore({ ...options, from, to: full })).rejects.toThrow("not empty");
    await expect(copyStore({ ...options, from, to: used })).rejects.toThrow("stacks: 2 in the source, 3 in the target");
  });

  it("refuses a target that processes use", async () => {
    const to = createMemoryStore();
    const process = { id: "p", version: "1", host: "h", roles: ["engine"], startedAt: T0, seenAt: T0 };
    await to.records.put({ key: "processes/p", value: process, expected: "absent", now: T0 });

    await expect(copyStore({ ...options, from: await createSource(), to })).rejects.toThrow("use the target");
  });
});
