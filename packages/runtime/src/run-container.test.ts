import { silentLogger, type Transport } from "@stackyard/core";
import { settlePromises } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { runContainer } from "./run-container.ts";
import { createMemoryParts, type MemoryPartsInput } from "./testing/memory-parts.ts";

type Consume = Transport["consumeEvents"];

/** A container at work; what its queue delivers is in the test's hands. */
function startContainer(input: MemoryPartsInput = {}) {
  let deliver: Parameters<Consume>[0] | undefined;
  const ends: string[] = [];
  const yard = createMemoryParts({
    ...input,
    transport: {
      ...input.transport,
      consumeEvents(handler) {
        deliver = handler;
        return { stop: async () => void ends.push("stopped") };
      },
    },
  });
  const stopping = new AbortController();
  const running = runContainer(yard.parts, stopping.signal).then(() => void ends.push("ended"));
  return {
    ...yard,
    ends,
    deliver(event: string) {
      const message = { stackId: "pr-1", event, machine: "app" };
      const queued = { id: event, stackId: "pr-1", origin: "external", message, receivedAt: 0 } as const;
      return deliver?.([{ event: queued, deliveries: 1 }]);
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

describe("a container", () => {
  it("decides what its queue delivers and sends what follows", async () => {
    const { deliver, tasks, find, stop } = startContainer();

    const outcomes = await deliver("OPENED");

    expect([outcomes, tasks.length, await find()]).toEqual([[{ kind: "done" }], 1, "BUILD PENDING"]);
    await stop();
  });

  it("works timers and deadlines by itself when they are due", async () => {
    const { deliver, clock, find, stop } = startContainer();
    await deliver("OPENED");

    await clock.advance(600_000);
    const atDeadline = await find();
    await clock.advance(1_200_000);

    expect([atDeadline, await find()]).toEqual(["BUILD ERROR", "GONE"]);
    await stop();
  });

  it("hands an attempt out again when its runner is gone", async () => {
    const { deliver, clock, store, tasks, stop } = startContainer();
    await deliver("OPENED");
    const [attempt] = await store.queries.listAttempts("pr-1");
    const attemptId = attempt?.attemptId ?? "";
    await store.claim({ attemptId, owner: "w1", leaseMs: 30_000, exclusiveKeys: [], now: clock.now() });

    await clock.advance(35_000);

    expect(tasks).toEqual([`${attemptId} +0`, `${attemptId} +0`]);
    await stop();
  });

  it("stops its consumer and its sweep before it ends", async () => {
    const { ends, stop, clock } = startContainer();
    await settlePromises();

    await stop();

    expect(ends).toEqual(["stopped", "ended"]);
    expect(clock.nextWakeAt()).toBeUndefined();
  });

  it("continues to sweep after the store did not answer", async () => {
    let down = true;
    const errors: string[] = [];
    const { clock, deliver, find, stop } = startContainer({
      logger: { ...silentLogger, error: (message) => void errors.push(message) },
      wrap: (store) => ({
        ...store,
        nextDueAt: (kinds) => (down ? Promise.reject(new Error("no answer")) : store.nextDueAt(kinds)),
      }),
    });
    await deliver("OPENED");
    await clock.advance(6_000);
    down = false;

    await clock.advance(600_000);

    expect([errors.length > 0, await find()]).toEqual([true, "BUILD ERROR"]);
    await stop();
  });

  it("acknowledges events whose tasks could not be sent: its sweep sends them", async () => {
    let down = true;
    const sent: string[] = [];
    const { deliver, clock, stop } = startContainer({
      transport: {
        async sendTasks(messages) {
          if (down) throw new Error("The queue does not answer.");
          sent.push(...messages.map(({ dispatch }) => dispatch.id));
        },
      },
    });

    const outcomes = await deliver("OPENED");
    down = false;
    await clock.advance(60_000);

    expect([outcomes, sent.length]).toEqual([[{ kind: "done" }], 1]);
    await stop();
  });

  it("measures the yard, and continues when that fails", async () => {
    let measured = 0;
    const measure = () => {
      measured += 1;
      return Promise.reject(new TypeError("no"));
    };
    const { deliver, clock, find, stop } = startContainer({ measure });
    await deliver("OPENED");

    await clock.advance(600_000);

    expect([measured > 1, await find()]).toEqual([true, "BUILD ERROR"]);
    await stop();
  });
});
