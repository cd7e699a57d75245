import { describe, expect, it } from "vitest";
import { type Step, succeeded } from "../ports/executor.ts";
import { createTrial } from "../testing/trial.ts";

const MINUTE_MS = 60_000;

const source = `
version: 2
events: [OPENED, TICK]
states:
  INIT: { on: { OPENED: BUILD } }
  BUILD: { tasks: [db], on: { TICK: no-op, NEXT: LIVE } }
  LIVE: { after: [{ in: 10m, event: OPENED }], on: { TICK: no-op, OPENED: GONE } }
  GONE: {}
tasks:
  db: { executor: work, config: {} }
`;

/** A stack whose task ends after a minute, and a way to send it events under ids that were guessed. */
async function openStack() {
  let isDone = false;
  const script = (): Step =>
    isDone ? succeeded({}) : { kind: "running", progress: {}, pollAfterMs: MINUTE_MS, message: "waits" };
  const { yard } = createTrial({ source, script });
  const send = async (id: string, event: string) => {
    await yard.publish({ id, stackId: "pr-1", event, machine: "app" });
    await yard.settle();
  };
  await send("e1", "OPENED");
  return {
    yard,
    send,
    async finishTask() {
      isDone = true;
      await yard.advance(2 * MINUTE_MS);
    },
    outcomesOf: async (id: string) => {
      const lines = await yard.listHistory("pr-1");
      return lines
        .filter(({ eventId }) => eventId === id)
        .map(({ event, outcome, internal }) => ({ event, outcome, internal }));
    },
  };
}

describe("an event from outside under the id of an internal one", () => {
  it.each(["", "internal:", "external:"])("swallows no result, with the prefix %j", async (prefix) => {
    const { yard, send, finishTask, outcomesOf } = await openStack();

    await send(`${prefix}result:pr-1/e1/1/db/1`, "TICK");
    await finishTask();

    expect(await yard.findStack("pr-1")).toMatchObject({ state: "LIVE" });
    expect((await outcomesOf("result:pr-1/e1/1/db/1")).at(-1)).toEqual({
      event: "TASK_COMPLETED",
      outcome: "applied",
      internal: true,
    });
    expect(await yard.findViolations()).toEqual([]);
  });

  it("swallows no timer", async () => {
    const { yard, send, finishTask, outcomesOf } = await openStack();
    await finishTask();

    const timer = `timer:e1:${(await yard.findStack("pr-1"))?.timers.find(({ id }) => id.startsWith("2/after/"))?.id}`;
    await send(timer, "TICK");
    await yard.advance(11 * MINUTE_MS);

    expect(await outcomesOf(timer)).toEqual([
      { event: "TICK", outcome: "applied", internal: undefined },
      { event: "OPENED", outcome: "applied", internal: true },
    ]);
    expect(await yard.findStack("pr-1")).toMatchObject({ state: "GONE" });
  });

  it("is itself applied although the internal one was", async () => {
    const { send, finishTask, outcomesOf } = await openStack();
    await finishTask();

    await send("result:pr-1/e1/1/db/1", "TICK");

    expect(await outcomesOf("result:pr-1/e1/1/db/1")).toEqual([
      { event: "TASK_COMPLETED", outcome: "applied", internal: true },
      { event: "TICK", outcome: "applied", internal: undefined },
    ]);
  });
});
