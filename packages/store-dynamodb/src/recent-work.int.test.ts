import { aDispatch, aPut, aQueuedEvent, createFakeClock } from "@stackyard/core/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { interceptClient } from "./testing/failing-client.ts";
import { commitNow, grantNow, HOUR, MINUTE, T0, take } from "./testing/store-work.ts";
import { startTestTables, type TestTables } from "./testing/test-tables.ts";

let tables: TestTables;
beforeAll(async () => {
  tables = await startTestTables();
});
afterAll(() => tables.stop());

/** Two processes whose indexes show nothing yet: writes to an index arrive later than those to its table. */
async function openLagging() {
  const client = interceptClient(tables.client, ({ name, input }, call) =>
    name === "Query" && input["IndexName"] !== undefined ? Promise.resolve({ Items: [] }) : call(),
  );
  const clock = createFakeClock(T0);
  const table = tables.newTable();
  const own = await tables.open({ client, clock, table });
  const other = await tables.open({ client, clock, table });
  return { own, other, clock };
}

describe("a process's own work", () => {
  const input = { kinds: ["event", "task", "poll", "timer"], now: T0, limit: 10, leaseMs: MINUTE } as const;

  async function openCounted() {
    const asked: string[] = [];
    const client = interceptClient(tables.client, ({ name }, call) => {
      asked.push(name);
      return call();
    });
    const clock = createFakeClock(T0);
    const table = tables.newTable();
    const [own, other] = await Promise.all([
      tables.open({ client, clock, table }),
      tables.open({ client: tables.client, clock, table }),
    ]);
    asked.length = 0;
    return { own, other, clock, asked };
  }

  it("is handed out to it alone, once, whatever others have left", async () => {
    const { own, other } = await openCounted();
    await commitNow(other, aPut({ id: "theirs" }, { dispatches: [aDispatch("b1", { stackId: "theirs" })] }));
    await commitNow(own, aPut({}, { dispatches: [aDispatch("a1")] }));
    await own.enqueue([aQueuedEvent("e1")]);

    const items = await own.takeOwn(input);

    const names = items.map((item) => (item.kind === "task" ? item.attemptId : item.kind));
    expect(names.toSorted()).toEqual(["a1", "event"]);
    expect(await own.takeOwn(input)).toEqual([]);
    expect((await take(own, ["task"])).map(({ kind }) => kind)).toEqual(["task"]);
  });

  it("includes what another process has queued behind it, once it is done", async () => {
    const { own, other } = await openCounted();
    await own.enqueue([aQueuedEvent("e1")]);
    const [first] = await own.takeOwn(input);
    await other.enqueue([aQueuedEvent("e2")]);
    const whileOut = await other.takeOwn(input);

    await own.release(first !== undefined && "receipt" in first ? [first.receipt] : []);

    expect([whileOut, await own.takeOwn(input)]).toMatchObject([[], [{ event: { id: "e2" } }]]);
  });

  it("of tasks is marked in memory until it is acknowledged or given back", async () => {
    const { own, asked } = await openCounted();
    await commitNow(own, aPut());
    await commitNow(own, aPut({}, { dispatches: [aDispatch("a1")] }));
    asked.length = 0;

    const [first] = await own.takeOwn(input);

    expect(asked).toEqual(["GetItem"]);
    const receipts = first !== undefined && "receipt" in first ? [first.receipt] : [];
    expect(await own.takeOwn(input)).toEqual([]);
    await own.release(receipts, T0);
    expect((await own.takeOwn(input)).length).toBe(1);
    await own.release(receipts);
    expect([await own.takeOwn({ ...input, now: T0 + HOUR }), (await own.queries.stats()).queuedTasks]).toEqual([[], 0]);
  });

  it("costs no request when the work is unknown or done", async () => {
    const { own, other, asked } = await openCounted();
    await other.enqueue([aQueuedEvent("e1")]);

    expect([await own.takeOwn(input), asked]).toEqual([[], []]);
  });

  it("is not returned when another process has it", async () => {
    const { own, other } = await openCounted();
    await commitNow(own, aPut({}, { dispatches: [aDispatch("a1")] }));
    await take(other, ["task"]);

    expect(await own.takeOwn(input)).toEqual([]);
  });

  it("is left to the sweep after a minute", async () => {
    const { own, clock } = await openCounted();
    await own.enqueue([aQueuedEvent("e1")]);
    await clock.advance(MINUTE);

    const mine = await own.takeOwn({ ...input, now: T0 + MINUTE });

    expect([mine, (await take(own, ["event"], T0 + MINUTE)).length]).toEqual([[], 1]);
  });
});

describe("what a process has just queued", () => {
  it("is handed out to it before the index shows it, once", async () => {
    const { own } = await openLagging();
    await commitNow(own, aPut({}, { dispatches: [aDispatch("a1")] }));
    await own.enqueue([aQueuedEvent("e1")]);

    const items = await take(own, ["task", "event"]);

    expect(items.map(({ kind }) => kind).toSorted()).toEqual(["event", "task"]);
    expect(await take(own, ["task", "event"])).toEqual([]);
  });

  it("is not returned when another process has received it in the meantime", async () => {
    const { own, other } = await openLagging();
    await commitNow(own, aPut({}, { dispatches: [aDispatch("a1")] }));

    await grantNow(other, "a1");

    expect(await take(own, ["task"])).toEqual([]);
  });

  it("is due when its item says, like everything else", async () => {
    const { own } = await openLagging();
    await commitNow(own, aPut({}, { dispatches: [aDispatch("a1")] }));
    const grant = await grantNow(own, "a1");
    await own.suspend(grant, { progress: {}, dueAt: T0 + MINUTE, now: T0 });

    const early = await take(own, ["poll"], T0 + MINUTE - 1);
    const due = await take(own, ["poll"], T0 + MINUTE);

    expect([early, due.map(({ kind }) => kind)]).toEqual([[], ["poll"]]);
  });

  it("is left to the index after ten seconds", async () => {
    const { own, clock } = await openLagging();
    await commitNow(own, aPut({}, { dispatches: [aDispatch("a1")] }));

    await clock.advance(10_000);

    expect(await take(own, ["task"], T0 + HOUR)).toEqual([]);
  });
});
