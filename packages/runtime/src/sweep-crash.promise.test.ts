import type { Store } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { handleTicks } from "./handle-ticks.ts";
import { sweepMinute } from "./sweep-minute.ts";
import { createMemoryParts, type MemoryParts } from "./testing/memory-parts.ts";

const MINUTE_MS = 60_000;

class Killed extends Error {}

/** A process that dies at its n-th call of the store or a queue: before it reaches them, or before the answer. */
function createDeath() {
  let calls = 0;
  let dieAt = Number.POSITIVE_INFINITY;
  let before = true;
  async function pass<Value>(call: () => Promise<Value>): Promise<Value> {
    calls += 1;
    if (calls > dieAt || (calls === dieAt && before)) throw new Killed();
    const value = await call();
    if (calls === dieAt) throw new Killed();
    return value;
  }
  return {
    pass,
    arm(at: number, isBefore: boolean) {
      calls = 0;
      dieAt = at;
      before = isBefore;
    },
    disarm() {
      const reached = calls >= dieAt;
      dieAt = Number.POSITIVE_INFINITY;
      return reached;
    },
  };
}

const CALLS = ["takeDue", "release", "commit", "load", "prune", "findAttempt"] as const;

function wrapStore(store: Store, pass: ReturnType<typeof createDeath>["pass"]): Store {
  const wrapped: Record<string, unknown> = { ...store };
  for (const name of CALLS) {
    const call = store[name] as (...args: readonly unknown[]) => Promise<unknown>;
    wrapped[name] = (...args: readonly unknown[]) => pass(() => call(...args));
  }
  return wrapped as unknown as Store;
}

/** A yard whose attempt is due to end, whose task message was never sent, and whose timer is near. */
async function createYard(death: ReturnType<typeof createDeath>) {
  const sentTicks: string[] = [];
  const yard: MemoryParts = createMemoryParts({
    wrap: (store) => wrapStore(store, death.pass),
    sendTicks: (messages) => death.pass(async () => void sentTicks.push(...messages.map(({ body }) => body))),
  });
  await yard.handle("OPENED", "pr-1");
  await yard.clock.advance(20 * MINUTE_MS);
  await yard.handle("OPENED", "pr-2");
  await yard.clock.advance(9 * MINUTE_MS);
  return { ...yard, sentTicks };
}

describe("a sweep that is killed", () => {
  it.each([true, false])("at any call leaves all to the next ones (before the call: %s)", async (isBefore) => {
    let unsent = 0;
    for (let dieAt = 1; ; dieAt += 1) {
      const death = createDeath();
      const { parts, clock, sentTicks, find, tasks, store } = await createYard(death);
      death.arm(dieAt, isBefore);
      await sweepMinute(parts, Number.POSITIVE_INFINITY).catch(() => undefined);
      const died = death.disarm();

      // An attempt that no runner has claimed may be running at one without the store: it has five minutes to end, and a
      // limit that comes late waits for one more look.
      for (let minute = 0; minute < 12; minute += 1) {
        await sweepMinute(parts, Number.POSITIVE_INFINITY);
        const messages = sentTicks.splice(0).map((body, index) => ({
          messageId: `m${index}`,
          receiptHandle: "",
          body,
          attributes: {},
          deliveries: 1,
        }));
        await clock.advance(MINUTE_MS);
        await handleTicks(parts, { queueArn: "arn:aws:sqs:eu-west-1:1:stack-ticks", messages });
      }

      const { items } = await store.queries.listHistory({ stackId: "pr-1" }, { limit: 100 });
      const merged = items.filter(({ event }) => event === "MERGED");
      // The first stack's timer has fired once; the second one's attempt has ended.
      expect([dieAt, await find("pr-1"), merged.length]).toEqual([dieAt, "GONE", 1]);
      expect([dieAt, await find("pr-2")]).toEqual([dieAt, "BUILD ERROR"]);
      expect(await store.queries.stats()).toMatchObject({ queuedTasks: 0, openAttempts: 0 });
      unsent += 2 - new Set(tasks).size;
      if (!died) break;
    }
    // What the dead process took is hidden for some minutes, and then sent by another one.
    expect(unsent).toBe(0);
  });
});
