// @module-tag promise
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Change } from "@stackyard/core/engine";
import { aChange, type DurableStore, durableStoreConformance, storeConformance } from "@stackyard/core/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSqliteStore, type SqliteStore } from "./create-sqlite-store.ts";
import { openDatabase } from "./schema.ts";

let root = "";
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "stackyard-conformance-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** After a kill there is what the kernel has of the files: neither locks nor what the process had in memory. */
async function createDurableStore(): Promise<DurableStore> {
  let folder = mkdtempSync(join(root, "durable-"));
  let open: SqliteStore | undefined;
  return {
    async open() {
      open = await createSqliteStore({ folder });
      return open;
    },
    async crash() {
      const left = folder;
      folder = `${left}-after`;
      mkdirSync(folder);
      for (const file of ["stackyard.db", "stackyard.db-wal", "stackyard.lock"]) {
        if (existsSync(join(left, file))) copyFileSync(join(left, file), join(folder, file));
      }
      await open?.close();
    },
  };
}

describe("the SQLite store", () => {
  for (const { name, run } of storeConformance) {
    it(name, () => run(() => createSqliteStore({ folder: mkdtempSync(join(root, "store-")) })));
  }
});

describe("the SQLite store after a crash", () => {
  for (const { name, run } of durableStoreConformance) it(name, () => run(createDurableStore));
});

describe("the file of a SQLite store", () => {
  // No kill of a process shows it: what the kernel has stays.
  it("has every commit on the disk before it is answered, so that a power failure loses none", () => {
    const database = openDatabase(join(mkdtempSync(join(root, "file-")), "stackyard.db"));
    const settings = ["journal_mode", "synchronous"].map((name) => database.get(`pragma ${name}`));
    database.close();

    expect(settings).toEqual([{ journal_mode: "wal" }, { synchronous: 2 }]);
  });
});

describe("a lease that was renewed in memory", () => {
  it("is kept when the store is closed; after a crash it ends early, and the late owner is fenced", async () => {
    const port = await createDurableStore();
    const store = await port.open();
    const dispatches = ["a1"].map((attemptId) => aDispatch(attemptId));
    await store.commit([aChange({ stackId: "s", dispatches, now: 0 })]);
    const claim = { attemptId: "a1", leaseMs: 10, exclusiveKeys: [], now: 0 };
    const first = await store.claim({ ...claim, owner: "w1" });
    const grant = first.kind === "granted" ? first.grant : { attemptId: "", owner: "", token: 0 };
    await store.renew(grant, { leaseMs: 100, now: 5 });
    await store.close();

    const reopened = await port.open();
    expect((await reopened.findAttempt("a1"))?.leaseUntil).toBe(105);
    await reopened.renew(grant, { leaseMs: 1_000, now: 100 });
    await port.crash();

    const after = await port.open();
    expect((await after.findAttempt("a1"))?.leaseUntil).toBe(105);
    expect((await after.claim({ ...claim, owner: "w2", now: 106 })).kind).toBe("granted");
    expect(await after.suspend(grant, { progress: {}, dueAt: 0, now: 107 })).toBe("lost");
    await after.close();
  });
});

function aDispatch(attemptId: string): Change["dispatches"][number] {
  const stack = { id: "s", previousState: null, machine: "m", _state: "S", tasks: [], metadata: {} };
  const message = { task: { name: "t" }, stack, dispatch: { id: attemptId, attempt: 1, deadline: "" } };
  const facts = {
    incarnation: "l",
    entry: 1,
    task: "t",
    attempt: 1,
    timeoutMs: 1_000,
    claimWithinMs: 86_400_000,
    cause: "e1",
    cancelWithinMs: 1,
    again: false,
  };
  return { ...facts, attemptId, stackId: "s", message };
}
