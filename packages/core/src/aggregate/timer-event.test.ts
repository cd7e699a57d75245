import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Stack, StackTimer } from "../machine/stack.ts";
import { aStack } from "../testing/builders.ts";
import { postponeTimer, resumeTimers, toQueuedTimer, toTimerEvent } from "./timer-event.ts";

describe("the timers of a stack", () => {
  const timer = { id: "1/after/0", event: "SLEEP", dueAt: 1_000 };

  const other = { id: "1/after/1", event: "WAKE", dueAt: 9_000 };

  const stack = aStack({ timers: [timer, other] });

  const HOUR_MS = 3_600_000;

  describe("a timer's event", () => {
    it("has an id that names incarnation and timer", () => {
      expect(toTimerEvent(stack, timer, 5)).toEqual({
        id: "timer:event-0:1/after/0",
        stackId: "pr-12",
        name: "SLEEP",
        at: 5,
        origin: "timer",
        timerId: "1/after/0",
      });
    });

    it("counts once for each attempt that its task waits for", () => {
      const retry = { id: "1/retry/db", event: "TASK_RETRY_DUE", task: "db", dueAt: 1_000 };
      const after = (attempts: number) => aStack({ timers: [retry], attempts: { db: attempts } });

      const events = [1, 2].map((attempts) => toTimerEvent(after(attempts), retry, 5));

      expect(events.map(({ id, task }) => [id, task])).toEqual([
        ["timer:event-0:1/retry/db/1", { name: "db" }],
        ["timer:event-0:1/retry/db/2", { name: "db" }],
      ]);
      expect(events.map((event) => toQueuedTimer(event).message)).toEqual([
        { event: "TASK_RETRY_DUE", stackId: "pr-12", task: { name: "db" } },
        { event: "TASK_RETRY_DUE", stackId: "pr-12", task: { name: "db" } },
      ]);
    });

    it("counts once for each instant of a timer that fires again", () => {
      const firing = (instant: number) => ({ id: "1/cron/0", event: "NIGHT", dueAt: instant + 5, instant });

      const ids = [10, 20].map((instant) => toTimerEvent(stack, firing(instant), 99).id);

      expect(ids).toEqual(["timer:event-0:1/cron/0/10", "timer:event-0:1/cron/0/20"]);
    });

    it("is kept as an event of the engine's own, which may be sent again", () => {
      expect(toQueuedTimer(toTimerEvent(stack, timer, 5))).toEqual({
        id: "timer:event-0:1/after/0",
        stackId: "pr-12",
        origin: "worker",
        receivedAt: 5,
        message: { event: "SLEEP", stackId: "pr-12" },
      });
    });
  });

  describe("a timer that waits for its machine", () => {
    it("fires again after 30 seconds, and leaves the others alone", () => {
      expect(postponeTimer(stack, timer, { now: 1_000, keepMs: HOUR_MS })?.timers).toEqual([
        { ...timer, dueAt: 31_000, postponedFrom: 1_000 },
        other,
      ]);
    });

    it("is tried later and later, and for the last time when its hour is over", () => {
      const triedAt: number[] = [];
      for (let now = 0, waiting: Stack | undefined = stack; waiting !== undefined; ) {
        const first: StackTimer | undefined = waiting.timers[0];
        waiting = first && postponeTimer(waiting, first, { now, keepMs: HOUR_MS });
        now = waiting?.timers[0]?.dueAt ?? now;
        if (waiting !== undefined) triedAt.push(now / 60_000);
      }

      expect(triedAt).toEqual([0.5, 1.5, 3.5, 7.5, 15.5, 30.5, 45.5, 60]);
    });

    it("is never due in the past", () => {
      fc.assert(
        fc.property(fc.nat(2 * HOUR_MS), fc.nat(HOUR_MS), (now, postponedFrom) => {
          const waiting = { ...timer, postponedFrom };
          const dueAt = postponeTimer(aStack({ timers: [waiting] }), waiting, { now, keepMs: HOUR_MS })?.timers[0]
            ?.dueAt;

          expect(dueAt ?? Number.POSITIVE_INFINITY).toBeGreaterThan(now);
        }),
      );
    });

    it("is due at once when its machine is back", () => {
      const waiting = postponeTimer(stack, timer, { now: 1_000, keepMs: HOUR_MS }) ?? stack;

      expect(resumeTimers(waiting).timers.map(({ dueAt }) => dueAt)).toEqual([1_000, 9_000]);
      expect(resumeTimers(stack)).toBe(stack);
    });
  });
});
