import { type DueKind, silentLogger } from "@stackyard/core";
import {
  aDispatch,
  aPut,
  aQueuedEvent,
  damagedListConformance,
  damagedQueueConformance,
} from "@stackyard/core/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { PostgresStore } from "./create-postgres-store.ts";
import { startTestServer, type TestServer } from "./testing/test-server.ts";

const NOW = Date.UTC(2026, 0, 1);

let server: TestServer;
let store: PostgresStore;
beforeAll(async () => {
  server = await startTestServer();
});
beforeEach(async () => {
  store = await server.open();
  for (const id of ["a", "b", "c"]) {
    const line = {
      stackId: id,
      at: NOW,
      eventId: `e-${id}`,
      event: "E",
      outcome: "applied",
      sent: [],
      notes: [],
    } as const;
    const deadLetter = { id, event: aQueuedEvent(`s-${id}`), code: "EVENT_INVALID", reason: "…", deadLetteredAt: NOW };
    await store.commit([aPut({ id }, { history: [line], deadLetters: [deadLetter] })]);
    await store.records.put({ key: id, value: { id }, expected: "absent", now: NOW });
  }
});
afterEach(() => store.close());
afterAll(() => server.stop());

describe("a damaged row", () => {
  it.each([
    ["no JSON", "{", "It is not JSON"],
    ["no stack", "[]", "must be object"],
    [
      "a stack without tasks",
      '{"id":"b","_state":"UP","incarnation":"e","runs":[]}',
      '"machine" is not of type string',
    ],
  ])("of a stack that holds %s is reported in lists, with the other stacks", async (_, data, reason) => {
    await server.sql(`update ${store.schema}.stacks set data = '${data}' where id = 'b'`);

    const { items, unreadable } = await store.queries.listStacks({}, { limit: 10 });

    expect(items.map(({ stack }) => stack.id)).toEqual(["a", "c"]);
    expect(unreadable).toEqual([{ id: "b", reason: expect.stringContaining(reason) }]);
    await expect(store.load(["b"])).rejects.toMatchObject({ code: "STORE_CORRUPT", details: { stackId: "b" } });
  });

  it("of the history, of a dead letter and of a record is reported with the others", async () => {
    await server.sql(`update ${store.schema}.history set body = '7' where stack_id = 'b'`);
    await server.sql(`update ${store.schema}.dead_letter set body = '{}' where id = 'b'`);
    await server.sql(`update ${store.schema}.record set value = '{' where key = 'b'`);

    const history = await store.queries.listHistory({}, { limit: 10 });
    const deadLetter = await store.queries.listDeadLetters({}, { limit: 10 });
    const records = await store.records.list("", { limit: 10, now: NOW });

    expect(history.items.map(({ stackId }) => stackId)).toEqual(["a", "c"]);
    expect(history.unreadable).toMatchObject([{ reason: expect.stringContaining("of the history") }]);
    expect(deadLetter.items.map(({ id }) => id)).toEqual(["c", "a"]);
    expect(deadLetter.unreadable).toMatchObject([{ id: "b" }]);
    expect(records.items.map(({ key }) => key)).toEqual(["a", "c"]);
    expect(records.unreadable).toMatchObject([{ id: "b" }]);
  });
});

describe("the damaged message of an attempt", () => {
  const ids = ["bad", "good"].map((task) => `s1/created/1/${task}/1`);

  it.each(["", "{", "null", "{}", '{"task":"bad"}'])(
    "%j is logged, and the other attempts are delivered",
    async (text) => {
      const lines: string[] = [];
      const logger = { ...silentLogger, error: (line: string) => lines.push(line) };
      const own = await server.open({ logger });
      const dispatches = ids.map((id, index) => aDispatch(id, { task: ["bad", "good"][index] ?? "" }));
      await own.commit([aPut({}, { dispatches, now: NOW })]);
      const damaged = `position = (select began_at from ${own.schema}.open_attempt where attempt_id like '%/bad/%')`;
      await server.sql(`update ${own.schema}.history set sent = '${text}' where ${damaged}`);
      const takeOwn = (kinds: readonly DueKind[], now: number) =>
        own.takeDue({ kinds, now, limit: 10, leaseMs: 60_000 });

      const tasks = await takeOwn(["task"], NOW + 3_600_000);
      const deadlines = await takeOwn(["deadline"], NOW + 30 * 86_400_000);

      expect(tasks).toMatchObject([{ kind: "task", attemptId: ids[1] }]);
      expect(lines).toEqual(["The message of an attempt cannot be read. Retry the task."]);
      expect(deadlines).toMatchObject(["bad", "good"].map((task) => ({ kind: "deadline", stackId: "s1", task })));
      await own.close();
    },
  );
});

describe("lists over damaged rows", () => {
  for (const { name, run } of damagedListConformance) {
    it(name, () =>
      run(async () => {
        const own = await server.open();
        const damage = (id: string) => server.sql(`update ${own.schema}.stacks set data = '{' where id = '${id}'`);
        return {
          store: own,
          async damage(id) {
            await damage(id);
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
        const own = await server.open();
        return {
          store: own,
          async damageEvent(id, text) {
            await server.sql(`update ${own.schema}.event_queue set event = '${text}' where stack_id = '${id}'`);
          },
        };
      }),
    );
  }
});
