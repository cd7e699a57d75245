import { describe, expect, it } from "vitest";
import { handleTicks } from "./handle-ticks.ts";
import { createMemoryParts } from "./testing/memory-parts.ts";
import type { Tick } from "./tick.ts";

const MINUTE_MS = 60_000;

function aBatch(...ticks: readonly (Tick | string)[]) {
  const messages = ticks.map((tick, index) => ({
    messageId: `m${index}`,
    receiptHandle: "",
    attributes: {},
    deliveries: 1,
    body: typeof tick === "string" ? tick : JSON.stringify(tick),
  }));
  return { queueArn: "arn:aws:sqs:eu-west-1:111122223333:stack-ticks", messages };
}

const failedOf = ({ batchItemFailures }: Awaited<ReturnType<typeof handleTicks>>) =>
  batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);

describe("handleTicks", () => {
  it("fires the timer of a stack when its tick comes, once for ticks that come twice", async () => {
    const { parts, handle, clock, find, store } = createMemoryParts();
    await handle("OPENED");
    const tick = { tick: "timer", stackId: "pr-1", dueAt: clock.now() + 30 * MINUTE_MS } as const;
    await clock.advance(30 * MINUTE_MS);

    const answers = [await handleTicks(parts, aBatch(tick, tick)), await handleTicks(parts, aBatch(tick))];

    const { items } = await store.queries.listHistory({ stackId: "pr-1" }, { limit: 50 });
    expect([answers.flatMap(failedOf), await find()]).toEqual([[], "GONE"]);
    expect(items.filter(({ event }) => event === "MERGED")).toHaveLength(1);
  });

  it("waits for one that comes a little early", async () => {
    const { parts, handle, clock, find } = createMemoryParts();
    await handle("OPENED");
    const tick = { tick: "timer", stackId: "pr-1", dueAt: clock.now() + 30 * MINUTE_MS } as const;
    await clock.advance(30 * MINUTE_MS - 400);

    const handled = handleTicks(parts, aBatch(tick));
    await clock.advance(400);
    await handled;

    expect(await find()).toBe("GONE");
  });

  it("leaves one that comes far too early to the next sweep", async () => {
    const { parts, handle, clock, find, ticks } = createMemoryParts();
    await handle("OPENED");
    const dueAt = clock.now() + 30 * MINUTE_MS;

    await handleTicks(parts, aBatch({ tick: "timer", stackId: "pr-1", dueAt }));

    await parts.yard.sweep({ until: dueAt, stopAt: Number.POSITIVE_INFINITY });
    const timers = ticks.filter(({ body }) => JSON.parse(body).tick === "timer");
    expect([await find(), timers.length]).toEqual(["BUILD PENDING", 1]);
  });

  it("passes the message of a suspended attempt on to its queue", async () => {
    const { parts, handle, tasks, store, clock } = createMemoryParts();
    await handle("OPENED");
    const [attempt] = await store.queries.listAttempts("pr-1");
    const attemptId = attempt?.attemptId ?? "";

    await handleTicks(parts, aBatch({ tick: "poll", attemptId, dueAt: clock.now() }));

    expect(tasks).toEqual([`${attemptId} +0`]);
  });

  it("sends nothing for an unknown attempt", async () => {
    const { parts, tasks, clock } = createMemoryParts();

    const answer = await handleTicks(parts, aBatch({ tick: "poll", attemptId: "gone", dueAt: clock.now() }));

    expect([failedOf(answer), tasks]).toEqual([[], []]);
  });

  it("reports only the failed records for redelivery", async () => {
    const { parts, handle, clock, find, store } = createMemoryParts({
      transport: { sendTasks: () => Promise.reject(new Error("The queue does not answer.")) },
    });
    await handle("OPENED");
    const [attempt] = await store.queries.listAttempts("pr-1");
    await clock.advance(30 * MINUTE_MS);
    const dueAt = clock.now();

    const answer = await handleTicks(
      parts,
      aBatch({ tick: "poll", attemptId: attempt?.attemptId ?? "", dueAt }, { tick: "timer", stackId: "pr-1", dueAt }),
    );

    expect([failedOf(answer), await find()]).toEqual([["m0"], "GONE"]);
  });

  it("reports all records for redelivery when the store does not answer", async () => {
    let down = false;
    const { parts, handle, clock } = createMemoryParts({
      wrap: (store) => ({
        ...store,
        load: (ids) => (down ? Promise.reject(new Error("The store does not answer.")) : store.load(ids)),
      }),
    });
    await handle("OPENED");
    down = true;

    const answer = await handleTicks(parts, aBatch({ tick: "timer", stackId: "pr-1", dueAt: clock.now() }));

    expect(failedOf(answer)).toEqual(["m0"]);
  });

  it("ignores other messages, such as a forged task message", async () => {
    const { parts, tasks } = createMemoryParts();
    const body = JSON.stringify({ tick: "poll", message: { task: { name: "db" } }, dueAt: 1 });

    const answer = await handleTicks(parts, aBatch("no tick", body));

    expect([failedOf(answer), tasks]).toEqual([[], []]);
  });
});
