// @module-tag promise
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defined } from "@stackyard/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSqliteStore, type SqliteStore } from "./create-sqlite-store.ts";
import { runInProcess, sourceUrl } from "./testing/run-in-process.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "stackyard-kill-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Twenty callers, each writing its own stack again and again; says which version of which stack was answered. */
const WRITER = `
  import { createSqliteStore } from ${JSON.stringify(sourceUrl)};
  const [, folder, round] = process.argv;
  const store = await createSqliteStore({ folder });
  const empty = { park: [], unpark: [], deadLetters: [], dispatches: [], cancels: [], endedAttempts: [], receipts: [] };
  const times = { createdAt: 1, updatedAt: 1, enteredAt: 1, incarnation: "e", entry: 1, attempts: {}, automaticEntries: [] };
  const full = { ...times, machineHash: "h", previousState: null, tasks: [], runs: [], timers: [] };
  async function write(id) {
    const [{ version }] = await store.load([id]);
    for (let expectedVersion = version; ; ) {
      const eventId = id + ":" + (expectedVersion + 1);
      const stack = { ...full, id, machine: "m", state: "S", metadata: { text: "x".repeat(500) } };
      const history = [{ stackId: id, at: 1, eventId, event: "E", outcome: "applied", sent: [], notes: [] }];
      const change = { ...empty, stackId: id, expectedVersion, write: { kind: "put", stack }, now: 1 };
      const [result] = await store.commit([{ ...change, appliedIds: [eventId], history }]);
      if (result.kind !== "committed") throw new Error(result.kind);
      process.stdout.write(id + " " + result.version + "\\n");
      expectedVersion = result.version;
    }
  }
  await Promise.all(Array.from({ length: 20 }, (_, index) => write("stack-" + index)));`;

async function readVersions(store: SqliteStore): Promise<Map<string, number>> {
  const loaded = await store.load(Array.from({ length: 20 }, (_, index) => `stack-${index}`));
  return new Map(loaded.map(({ stackId, version }) => [stackId, version]));
}

async function countHistory(store: SqliteStore, stackId: string): Promise<number> {
  let count = 0;
  let cursor: string | undefined;
  do {
    const page = await store.queries.listHistory({ stackId }, { limit: 1_000, ...defined({ cursor }) });
    count += page.items.length;
    cursor = page.cursor;
  } while (cursor !== undefined);
  return count;
}

describe("a writer that is killed", () => {
  it("loses no commit that it answered, and leaves no half of one", async () => {
    const answered = new Map<string, number>();

    for (let round = 0; round < 8; round += 1) {
      const writer = runInProcess(WRITER, folder);
      const enough = 100 + round * 83;
      for (let lines = 0; lines < enough; lines += 1) {
        const [id = "", version] = (await writer.line()).split(" ");
        answered.set(id, Math.max(answered.get(id) ?? 0, Number(version)));
      }
      await writer.kill();

      const store = await createSqliteStore({ folder });
      const versions = await readVersions(store);
      for (const [id, version] of answered) expect(versions.get(id)).toBeGreaterThanOrEqual(version);
      for (const [id, version] of versions) expect([id, await countHistory(store, id)]).toEqual([id, version]);
      await store.close();
    }
  });
});

/** Claims an attempt for an hour, and prints the answer. */
const OWNER = `
  import { createSqliteStore } from ${JSON.stringify(sourceUrl)};
  const store = await createSqliteStore({ folder: process.argv[1] });
  const now = Date.now();
  const times = { createdAt: now, updatedAt: now, enteredAt: now, incarnation: "e", entry: 1, attempts: {}, automaticEntries: [] };
  const facts = { machineHash: "h", previousState: null, tasks: [], runs: [], timers: [] };
  const stack = { ...times, ...facts, id: "s", machine: "m", state: "S", metadata: {} };
  const message = {
    task: { name: "t" },
    stack: { id: "s", previousState: null, machine: "m", _state: "S", tasks: [], metadata: {} },
    dispatch: { id: "a1", attempt: 1, deadline: "" },
  };
  const limits = { timeoutMs: 7_200_000, claimWithinMs: 86_400_000, cancelWithinMs: 1 };
  const dispatch = { ...limits, incarnation: "e", entry: 1, task: "t", attempt: 1, cause: "e1", again: false };
  const lists = { park: [], unpark: [], deadLetters: [], history: [], cancels: [], endedAttempts: [], receipts: [] };
  const change = { ...lists, stackId: "s", expectedVersion: 0, write: { kind: "put", stack }, appliedIds: [], now };
  await store.commit([{ ...change, dispatches: [{ ...dispatch, attemptId: "a1", stackId: "s", message }] }]);
  const claimed = await store.claim({ attemptId: "a1", owner: "dead", leaseMs: 3_600_000, exclusiveKeys: [], now });
  console.log(claimed.kind);
  setInterval(() => undefined, 1_000);`;

describe("the leases of an owner that is killed", () => {
  it("end when the store is opened again, and its late calls are fenced", async () => {
    const own = join(folder, "leases");
    const owner = runInProcess(OWNER, own);
    expect(await owner.line()).toBe("granted");
    await owner.kill();

    const store = await createSqliteStore({ folder: own });
    const now = Date.now();
    const due = await store.takeDue({ kinds: ["lapsedLease"], now, limit: 10, leaseMs: 1_000 });
    const claimed = await store.claim({ attemptId: "a1", owner: "next", leaseMs: 3_600_000, exclusiveKeys: [], now });
    await store.close();
    const again = await createSqliteStore({ folder: own });
    const kept = await again.findAttempt("a1");
    await again.close();

    expect(due).toMatchObject([{ kind: "lapsedLease", attemptId: "a1" }]);
    expect(claimed).toMatchObject({ kind: "granted", grant: { owner: "next", token: 2 } });
    // This owner has closed the store, so it may still be alive.
    expect(kept?.leaseUntil).toBe(now + 3_600_000);
  });
});
