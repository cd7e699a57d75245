import { silentLogger } from "@stackyard/core";
import { createMemoryStore, type DueItem } from "@stackyard/core/engine";
import { aChange, aPut, createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createCommitFollower, followCommits } from "./follow-commits.ts";
import { toTick } from "./tick.ts";

const event = { id: "e1", stackId: "pr-1", origin: "external", message: {}, receivedAt: 0 } as const;
const given = { id: "s1", event, code: "EVENT_INVALID", reason: "no", deadLetteredAt: 1 };

function createBench(isDown = false) {
  const clock = createFakeClock();
  const ticks: (readonly [string, number | undefined])[] = [];
  const letters: string[] = [];
  const warnings: string[] = [];
  const check = () => (isDown ? Promise.reject(new Error("The queue does not answer.")) : Promise.resolve());
  const follow = createCommitFollower({
    ticks: {
      async send(items: readonly DueItem[]) {
        await check();
        ticks.push(
          ...items.map((item) => [JSON.stringify(toTick(item)), "dueAt" in item ? item.dueAt : undefined] as const),
        );
      },
    },
    deadLetters: {
      async send(events) {
        await check();
        letters.push(...events.map(({ id }) => id));
      },
    },
    clock,
    logger: { ...silentLogger, warn: (message) => void warnings.push(message) },
  });
  const withTimers = (...inMs: readonly number[]) => {
    const timers = inMs.map((ms, index) => ({ id: `1/after/${index}`, event: "GO", dueAt: clock.now() + ms }));
    return aPut({ id: "pr-1", timers });
  };
  return { clock, follow, ticks, letters, warnings, withTimers };
}

describe("what follows from a commit", () => {
  it("is a tick for a timer that the schedule would see too late, once, and none for later ones", async () => {
    const { follow, ticks, withTimers, clock } = createBench();
    const change = withTimers(10_000, 60_000, 3_600_000);

    await follow([change]);
    await follow([change]);

    const dueAt = clock.now() + 10_000;
    expect(ticks).toEqual([[JSON.stringify({ tick: "timer", stackId: "pr-1", dueAt }), dueAt]]);
  });

  it("is a copy of the dead letters for the dead-letter queue", async () => {
    const { follow, letters, ticks } = createBench();

    await follow([aChange({ deadLetters: [given] }), aChange()]);

    expect([letters, ticks]).toEqual([["s1"], []]);
  });

  it("does not undo the commit when it fails", async () => {
    const { follow, warnings, withTimers } = createBench(true);

    await follow([withTimers(1_000), aChange({ deadLetters: [given] })]);

    expect(warnings).toHaveLength(2);
  });

  it("follows from what was committed only", async () => {
    const letters: string[] = [];
    const deadLetters = {
      send: async (events: readonly { readonly id: string }[]) => void letters.push(...events.map(({ id }) => id)),
    };
    const deps = { ticks: undefined, deadLetters, clock: createFakeClock(), logger: silentLogger };
    const store = followCommits(createMemoryStore(), deps);
    const toDeadLetter = (id: string) => ({ deadLetters: [{ ...given, id }] });

    await store.commit([
      aChange(toDeadLetter("s1")),
      aChange({ ...toDeadLetter("s2"), stackId: "pr-2", expectedVersion: 7 }),
    ]);
    await store.commit([aChange({ ...toDeadLetter("s3"), stackId: "pr-3", expectedVersion: 7 })]);

    expect(letters).toEqual(["s1"]);
  });
});
