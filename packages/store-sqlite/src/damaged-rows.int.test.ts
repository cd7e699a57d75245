import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isStackyardError, silentLogger } from "@stackyard/core";
import { aChange, damagedListConformance, damagedQueueConformance } from "@stackyard/core/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSqliteStore, type SqliteStore } from "./create-sqlite-store.ts";

const NOW = Date.UTC(2026, 0, 1);
const times = {
  createdAt: NOW,
  updatedAt: NOW,
  enteredAt: NOW,
  incarnation: "e",
  entry: 1,
  attempts: {},
  automaticEntries: [],
};
const aStack = (id: string) => ({
  ...times,
  id,
  machine: "m",
  machineHash: "h",
  state: "UP",
  previousState: null,
  metadata: {},
  tasks: [],
  runs: [],
  timers: [],
});

let folder = "";
let store: SqliteStore;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "stackyard-damaged-"));
  store = await createSqliteStore({ folder });
  for (const id of ["a", "b", "c"]) {
    const event = { id: `e-${id}`, stackId: id, origin: "external", message: { event: "E" }, receivedAt: NOW } as const;
    const history = [
      { stackId: id, at: NOW, eventId: `e-${id}`, event: "E", outcome: "applied", sent: [], notes: [] } as const,
    ];
    const deadLetters = [
      { id, event: { ...event, id: `s-${id}` }, code: "EVENT_INVALID", reason: "…", deadLetteredAt: NOW },
    ];
    const parked = { code: "EVENT_NOT_HANDLED", reason: "…", parkedAt: NOW, tries: 1, nextTryAt: NOW };
    await store.commit([
      aChange({
        stackId: id,
        write: { kind: "put", stack: aStack(id) },
        now: NOW,
        history,
        deadLetters,
        park: id === "c" ? [{ ...parked, event: { ...event, id: "p-c" } }] : [],
      }),
    ]);
    await store.records.put({ key: id, value: { id }, expected: "absent", now: NOW });
  }
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Writes into the file as a broken disk or a hand would. */
function damage(sql: string): void {
  const database = new DatabaseSync(join(folder, "stackyard.db"));
  database.exec(sql);
  database.close();
}

async function dispatch(id: string): Promise<void> {
  const attemptId = `attempt-${id}`;
  const stack = { id, previousState: null, machine: "m", _state: "UP", tasks: [], metadata: {} };
  const message = { task: { name: "t" }, stack, dispatch: { id: attemptId, attempt: 1, deadline: "" } };
  const facts = {
    incarnation: "e",
    entry: 1,
    task: "t",
    attempt: 1,
    timeoutMs: 1,
    claimWithinMs: 86_400_000,
    cause: "e1",
    cancelWithinMs: 1,
    again: false,
  };
  const dispatches = [{ ...facts, attemptId, stackId: id, message }];
  await store.commit([aChange({ stackId: id, expectedVersion: 1, now: NOW, dispatches })]);
}

describe("a damaged row", () => {
  it.each([
    ["no JSON", "'{\"id\":'", "it is not JSON"],
    ["another document", '\'{"id":"b"}\'', '"machine" is not of type string'],
    ["no document", "'7'", "it is not an object"],
    ["bytes", "x'00ff'", "it is not JSON"],
  ])("of a stack that holds %s is reported in lists, with the other stacks", async (_, body, reason) => {
    damage(`update stack set body = ${body} where stack_id = 'b'`);

    const { items, unreadable } = await store.queries.listStacks({}, { limit: 10 });

    expect(items.map(({ stack }) => stack.id)).toEqual(["a", "c"]);
    expect(unreadable).toEqual([{ id: "b", reason: expect.stringContaining(reason) }]);
  });

  it("of a stack fails its load with its id, and no other's", async () => {
    damage("update stack set body = 'x' where stack_id = 'b'");

    const error = await store.load(["b"]).catch((thrown: unknown) => thrown);

    expect(isStackyardError(error, "STORE_CORRUPT") && error.details).toMatchObject({ stackId: "b" });
    expect((await store.load(["a"]))[0]?.stack?.id).toBe("a");
  });

  it("of the history, of a dead letter and of a record is reported with the others", async () => {
    damage("update history set body = '[]' where stack_id = 'b'");
    damage("update dead_letter set body = '{}' where id = 'b'");
    damage("update record set value = '{' where key = 'b'");

    const history = await store.queries.listHistory({}, { limit: 10 });
    const deadLetters = await store.queries.listDeadLetters({}, { limit: 10 });
    const records = await store.records.list("", { limit: 10, now: NOW });

    expect(history.items.map(({ stackId }) => stackId)).toEqual(["a", "c"]);
    expect(history.unreadable).toEqual([{ id: "2", reason: expect.stringContaining("line 2 of the history") }]);
    expect(deadLetters.items.map(({ id }) => id)).toEqual(["c", "a"]);
    expect(deadLetters.unreadable).toMatchObject([{ id: "b" }]);
    expect(records.items.map(({ key }) => key)).toEqual(["a", "c"]);
    expect(records.unreadable).toMatchObject([{ id: "b" }]);
  });

  it("of open attempts is logged when the store opens, which shows the other attempts", async () => {
    await dispatch("a");
    await dispatch("b");
    await store.close();
    damage(
      "update open_attempts set attempts = '[7]' where stack_no = (select stack_no from stack where stack_id = 'b')",
    );
    const logged: unknown[] = [];

    const logger = { ...silentLogger, error: (_: string, fields: unknown) => logged.push(fields) };
    store = await createSqliteStore({ folder, logger });

    expect(logged).toMatchObject([{ stackId: "b" }]);
    expect((await store.queries.listAttempts("a")).map(({ attemptId }) => attemptId)).toEqual(["attempt-a"]);
    expect(await store.queries.listAttempts("b")).toEqual([]);
  });

  it("of a parked event leaves the lists and other stacks as they are", async () => {
    damage("update parked set head = 'x' where stack_id = 'c'");

    const { items } = await store.queries.listStacks({}, { limit: 10 });

    expect(items.map(({ stack }) => stack.id)).toEqual(["a", "b", "c"]);
    await expect(store.load(["c"])).rejects.toMatchObject({ code: "STORE_CORRUPT" });
  });
});

describe("lists over damaged rows", () => {
  for (const { name, run } of damagedListConformance) {
    it(name, () =>
      run(async () => {
        const own = mkdtempSync(join(folder, "own-"));
        return {
          store: await createSqliteStore({ folder: own }),
          async damage(id) {
            const database = new DatabaseSync(join(own, "stackyard.db"));
            database.prepare("update stack set body = '{' where stack_id = ?").run(id);
            database.close();
          },
        };
      }),
    );
  }
});

describe("the queue over damaged rows", () => {
  for (const { name, run } of damagedQueueConformance) {
    it(name, () =>
      run(async () => {
        const own = mkdtempSync(join(folder, "own-"));
        return {
          store: await createSqliteStore({ folder: own }),
          async damageEvent(id, text) {
            const database = new DatabaseSync(join(own, "stackyard.db"));
            database.prepare("update event_queue set event = ? where stack_id = ?").run(text, id);
            database.close();
          },
        };
      }),
    );
  }
});
