import { createFakeClock } from "@stackyard/core/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { interceptClient } from "./testing/failing-client.ts";
import { aDispatch, anEvent, aPut, commitNow, grantNow, HOUR, MINUTE, T0, take } from "./testing/store-work.ts";
import { startTestTables, type TestTables } from "./testing/test-tables.ts";

let tables: TestTables;
beforeAll(async () => {
  tables = await startTestTables();
});
afterAll(() => tables.stop());

/** Two processes whose index of work shows nothing yet: writes to an index arrive later than those to its table. */
async function openLagging() {
  const client = interceptClient(tables.client, ({ name, input }, call) =>
    name === "Query" && input["IndexName"] === "work" ? Promise.resolve({ Items: [] }) : call(),
  );
  const clock = createFakeClock(T0);
  const table = tables.newTable();
  const own = await tables.open({ client, clock, table });
  const other = await tables.open({ client, clock, table });
  return { own, other, clock };
}

describe("what a process has just queued", () => {
  it("is handed out to it before the index shows it, once", async () => {
    const { own } = await openLagging();
    await commitNow(own, aPut({}, { dispatches: [aDispatch("a1")] }));
    await own.enqueue([anEvent("e1")]);

    const items = await take(own, ["task", "event"]);

    expect(items.map(({ kind }) => kind).toSorted()).toEqual(["event", "task"]);
    expect(await take(own, ["task", "event"])).toEqual([]);
  });

  it("is not handed out when somebody else has taken it meanwhile", async () => {
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
