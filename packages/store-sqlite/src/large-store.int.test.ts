import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DispatchAttempt, Stack } from "@stackyard/core";
import { defined } from "@stackyard/core";
import type { Change, HistoryEntry, Retention } from "@stackyard/core/engine";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSqliteStore, type SqliteStore } from "./create-sqlite-store.ts";
import { migrate, openDatabase } from "./schema.ts";
import { storeFilesOf } from "./store-files.ts";

const DAY = 86_400_000;
const KEEP: Retention = { historyMs: DAY, eventIdMs: DAY, eventIdCount: 1, deadLetterMs: DAY, settledAttemptMs: DAY };

let folder = "";
let store: SqliteStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "stackyard-large-"));
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A store in which the next rows of history and attempts cross the end of a segment. */
async function openBeforeSegmentEnd(): Promise<void> {
  const database = openDatabase(storeFilesOf(folder).database);
  migrate(database);
  database.script("insert into high_water values ('history', 98300)");
  database.close();
  store = await createSqliteStore({ folder });
}

function aStack(id: string, overrides: Partial<Stack> = {}): Stack {
  return {
    id,
    machine: "m",
    machineHash: "h",
    state: "S",
    previousState: null,
    tasks: [],
    metadata: {},
    createdAt: 0,
    updatedAt: 0,
    enteredAt: 0,
    incarnation: "l",
    entry: 1,
    attempts: {},
    runs: [],
    timers: [],
    automaticEntries: [],
    ...overrides,
  };
}

function aChange(stackId: string, overrides: Partial<Change> = {}): Change {
  const lists = { park: [], unpark: [], deadLetters: [], history: [], dispatches: [], cancels: [], endedAttempts: [] };
  const write = { kind: "put", stack: aStack(stackId) } as const;
  return { stackId, expectedVersion: 0, write, appliedIds: [], receipts: [], now: 0, ...lists, ...overrides };
}

function aLine(stackId: string, index: number): HistoryEntry {
  return { stackId, at: index, eventId: `e${index}`, event: "E", outcome: "applied", sent: [], notes: [] };
}

function aDispatch(stackId: string, attemptId: string): DispatchAttempt {
  return {
    attemptId,
    stackId,
    incarnation: "l",
    entry: 1,
    task: "t",
    attempt: 1,
    timeoutMs: 1,
    claimWithinMs: 86_400_000,
    cause: "e1",
    cancelWithinMs: 1,
    again: false,
    message: {
      task: { name: "t" },
      stack: { id: stackId, previousState: null, machine: "m", _state: "S", tasks: [], metadata: {} },
      dispatch: { id: attemptId, attempt: 1, deadline: "1970-01-01T00:00:00.000Z" },
    },
  };
}

async function listAts(filter: { stackId?: string; eventId?: string; newestFirst?: boolean }, limit: number) {
  const ats: number[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.queries.listHistory(filter, { limit, ...defined({ cursor }) });
    ats.push(...page.items.map(({ at }) => at));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return ats;
}

describe("history over several segments", () => {
  it("is listed whole and in order, in both directions, for a stack and for an event", async () => {
    await openBeforeSegmentEnd();
    for (const [index, stackId] of ["a", "b", "a", "b", "a", "b", "a", "b", "a"].entries()) {
      await store.commit([aChange(`${stackId}-${index}`, { history: [aLine(stackId, index)] })]);
    }

    expect(await listAts({ stackId: "a" }, 2)).toEqual([0, 2, 4, 6, 8]);
    expect(await listAts({ stackId: "a", newestFirst: true }, 2)).toEqual([8, 6, 4, 2, 0]);
    expect(await listAts({ newestFirst: true }, 4)).toEqual([8, 7, 6, 5, 4, 3, 2, 1, 0]);
    expect(await listAts({ eventId: "e1" }, 1)).toEqual([1]);
    expect(await listAts({ stackId: "c" }, 1)).toEqual([]);
  });

  it("continues above all assigned positions, even when everything was pruned", async () => {
    await openBeforeSegmentEnd();
    await store.commit([aChange("a", { history: [aLine("a", 1)] })]);
    const [first] = (await store.queries.listHistory({}, { limit: 1 })).items;
    while (await store.prune(KEEP, 3 * DAY));
    await store.close();
    store = await createSqliteStore({ folder });

    await store.commit([aChange("b", { history: [aLine("b", 2)] })]);

    const { items } = await store.queries.listHistory({}, { limit: 9 });
    expect(items.map(({ eventId }) => eventId)).toEqual(["e2"]);
    expect(items[0]?.position).toBeGreaterThan(first?.position ?? Number.POSITIVE_INFINITY);
  });
});

/** Claims an attempt and applies its result, with a line of the history. */
async function endByResult(attemptId: string, now: number): Promise<void> {
  const answer = await store.claim({ attemptId, owner: "w", leaseMs: 1, exclusiveKeys: [], now });
  if (answer.kind !== "granted") throw new Error(answer.kind);
  const results = [{ grant: answer.grant, outcome: "succeeded" as const }];
  const history = [{ ...aLine("s", now), eventId: `result:${attemptId}` }];
  await store.commit([aChange("s", { expectedVersion: now + 1, history, results, now })]);
}

describe("attempts that have ended, over several segments", () => {
  it("are found and listed, newest first, and pruned apart from their lines", async () => {
    await openBeforeSegmentEnd();
    const ids = ["a1", "a2", "a3", "a4", "a5", "a6"];
    await store.commit([aChange("s", { dispatches: ids.map((id) => aDispatch("s", id)) })]);
    for (const [index, id] of ids.entries()) await endByResult(id, index);

    expect((await store.queries.listAttempts("s")).map(({ attemptId }) => attemptId)).toEqual([...ids].reverse());
    for (const id of ids) expect(await store.findAttempt(id)).toMatchObject({ outcome: "succeeded", stackId: "s" });
    expect(await store.findAttempt("a7")).toBeUndefined();

    while (await store.prune({ ...KEEP, settledAttemptMs: DAY - 3 }, DAY));
    expect((await store.queries.listAttempts("s")).map(({ attemptId }) => attemptId)).toEqual(["a6", "a5", "a4"]);
    expect(await listAts({ stackId: "s" }, 4)).toEqual([0, 1, 2, 3, 4, 5]);
    while (await store.prune({ ...KEEP, historyMs: DAY - 5, settledAttemptMs: DAY - 4 }, DAY));
    expect((await store.queries.listAttempts("s")).map(({ attemptId }) => attemptId)).toEqual(["a6", "a5"]);
    expect(await listAts({ stackId: "s" }, 4)).toEqual([5]);
  });
});

describe("prune", () => {
  it("handles a bounded number of rows per call, and eventually removes everything", async () => {
    store = await createSqliteStore({ folder });
    const lines = Array.from({ length: 5_000 }, (_, index) => index);
    const history = lines.map((index) => aLine("s", index % 10));
    const appliedIds = lines.map((index) => `id-${String(index).padStart(5, "0")}`);
    await store.commit([aChange("s", { history, appliedIds })]);

    const left: number[] = [];
    let more = true;
    while (more) {
      more = await store.prune(KEEP, 3 * DAY);
      left.push((await listAts({}, 1_000)).length);
    }

    expect(left).toEqual([3_000, 1_000, 0]);
    const remembered = await store.commit([aChange("s", { expectedVersion: 1, appliedIds: ["id-04999"] })]);
    const forgotten = await store.commit([aChange("s", { expectedVersion: 1, appliedIds: ["id-04998"] })]);
    expect([remembered[0]?.kind, forgotten[0]?.kind]).toEqual(["duplicate", "committed"]);
  });

  it("removes expired records", async () => {
    store = await createSqliteStore({ folder });
    await store.records.put({ key: "old", value: 1, expected: "absent", expiresAt: 10, now: 0 });
    await store.records.put({ key: "young", value: 1, expected: "absent", expiresAt: 30, now: 0 });

    await store.prune(KEEP, 20);

    // A reader whose clock is behind sees what was not pruned.
    expect(await store.records.get("old", 0)).toBeUndefined();
    expect(await store.records.get("young", 0)).toBeDefined();
  });
});

describe("a list with a filter that few stacks pass", () => {
  it("gives short pages with a cursor instead of one long search", async () => {
    store = await createSqliteStore({ folder });
    const ids = Array.from({ length: 12_000 }, (_, index) => `s-${String(index).padStart(5, "0")}`);
    await store.commit(
      ids.map((id) => aChange(id, { write: { kind: "put", stack: aStack(id, { state: stateOf(id) }) } })),
    );

    const first = await store.queries.listStacks({ state: "RARE" }, { limit: 10 });
    const second = await store.queries.listStacks({ state: "RARE" }, { limit: 10, cursor: first.cursor ?? "" });

    expect(first).toMatchObject({ items: [], cursor: "s-09999" });
    expect([second.items.map(({ stack }) => stack.id), second.cursor]).toEqual([["s-11111"], undefined]);
  });
});

function stateOf(id: string): string {
  return id === "s-11111" ? "RARE" : "COMMON";
}

describe("deliveries", () => {
  it("are counted over a restart once they were given back", async () => {
    store = await createSqliteStore({ folder });
    await store.enqueue([{ id: "e", stackId: "s", origin: "external", message: {}, receivedAt: 0 }]);
    const input = { kinds: ["event"], now: 0, limit: 1, leaseMs: 10 } as const;
    for (let taken = 0; taken < 3; taken += 1) {
      const [item] = await store.takeDue(input);
      await store.release(item !== undefined && "receipt" in item ? [item.receipt] : [], 0);
    }
    await store.close();
    store = await createSqliteStore({ folder });

    expect(await store.takeDue(input)).toMatchObject([{ deliveries: 4 }]);
  });
});
