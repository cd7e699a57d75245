import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toWithdrawal } from "../aggregate/withdraw-parked.ts";
import { createMemoryStore } from "../memory/memory-store.ts";
import type { Remembered } from "../ports/store-memory.ts";
import { createFollower } from "../services/follower.ts";
import { playMovedLife } from "../testing/moved-life.ts";
import {
  aChange,
  aDeadLetter,
  aDispatch,
  aHistoryEntry,
  aParkedEvent,
  aPut,
  aQueuedEvent,
  commitNow,
  DAY,
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

const RETENTION = { historyMs: DAY, eventIdMs: DAY, eventIdCount: 9, deadLetterMs: DAY, settledAttemptMs: DAY };
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
      ["memory", 5],
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

  // formbricks#9123, didacta-io#45
  it("still knows the events of a stack that is gone, and those that were withdrawn", async () => {
    const from = await createSource();
    const event = aQueuedEvent("p3", { stackId: "a" });
    await commitNow(from, aPut({ id: "a" }, { expectedVersion: 1, park: [aParkedEvent("p3", { event })] }));
    const [loaded = { stackId: "a", version: 0, parked: [] }] = await from.load(["a"]);
    await from.commit([toWithdrawal(loaded, [aParkedEvent("p3", { event })], { by: "ada", reason: "wrong", now: T0 })]);
    const { version = 0 } = (await from.load(["a"]))[0] ?? {};
    await commitNow(from, aChange({ stackId: "a", expectedVersion: version, write: { kind: "remove" } }));
    const to = createMemoryStore();

    await copyStore({ ...options, from, to });

    expect(await to.enqueue([aQueuedEvent("e1", { stackId: "a" }), event])).toEqual([false, false]);
    const [created] = await to.commit([aPut({ id: "a" })]);
    expect(created).toEqual({ kind: "committed", version: version + 1 });
  });

  // formbricks#9123
  it("reports that the stores differ when the target does not remember what is gone", async () => {
    const from = await createSource();
    const to = createMemoryStore();
    const memory = { ...to.memory, findMissing: async (entries: readonly Remembered[]) => entries.slice(0, 1) };

    const copying = copyStore({ ...options, from, to: { ...to, memory } });

    await expect(copying).rejects.toThrow("The stores differ (memory: 5 in the source, 4 in the target)");
  });

  it("moves the positions of those who read the history to the same lines", async () => {
    const from = await createSource();
    const line = (id: string, at: number) =>
      aChange({ stackId: "a", history: [aHistoryEntry(id, { stackId: "a", at })] });
    for (let days = 0; days < 3; days += 1)
      await commitNow(from, { ...line(`h${days}`, T0 + days), expectedVersion: 1 });
    await from.prune({ ...RETENTION, historyMs: 1 }, T0 + 3);
    const follower = createFollower({ ...from, clock: { now: () => T0 } }, "reader");
    await follower.next(async () => undefined);
    await commitNow(from, { ...line("unread", T0 + 9), expectedVersion: 1 });
    const to = createMemoryStore();

    await copyStore({ ...options, from, to });
    const read: string[] = [];
    await createFollower({ ...to, clock: { now: () => T0 } }, "reader").next(async ({ lines, hasGap }) => {
      read.push(...lines.map(({ eventId }) => eventId), ...(hasGap ? ["a gap"] : []));
    });

    expect(read).toEqual(["unread"]);
  });

  it("answers to old ids as before, wherever a life is moved", async () => {
    const moves = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat()), { maxLength: 14 });
    await fc.assert(
      fc.asyncProperty(moves, moves, (before, after) =>
        playMovedLife({ before, after }, { from: createMemoryStore(), to: createMemoryStore() }),
      ),
      { numRuns: 200 },
    );
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
