import { describe, expect, it } from "vitest";
import { aStack } from "../testing/builders.ts";
import { followTimer, isStanding, toTimerEvent } from "./timer-event.ts";

const timer = { id: "1/after/0", event: "SLEEP", dueAt: 1_000 };
const other = { id: "1/after/1", event: "WAKE", dueAt: 9_000 };
const stack = aStack({ timers: [timer, other] });

describe("a timer's event", () => {
  it("has an id that names incarnation and timer, and an origin that no sender may choose", () => {
    expect(toTimerEvent(stack, timer, 5)).toEqual({
      id: "timer:event-0:1/after/0",
      stackId: "pr-12",
      origin: "worker",
      timerId: "1/after/0",
      receivedAt: 5,
      message: { event: "SLEEP", stackId: "pr-12" },
    });
  });

  it("counts once for each attempt that its task waits for", () => {
    const retry = { id: "1/retry/db", event: "TASK_RETRY_DUE", task: "db", dueAt: 1_000 };
    const after = (attempts: number) => aStack({ timers: [retry], attempts: { db: attempts } });

    const events = [1, 2].map((attempts) => toTimerEvent(after(attempts), retry, 5));

    const message = { event: "TASK_RETRY_DUE", stackId: "pr-12", task: { name: "db" } };
    expect(events.map((event) => [event.id, event.message])).toEqual([
      ["timer:event-0:1/retry/db/1", message],
      ["timer:event-0:1/retry/db/2", message],
    ]);
  });

  it("counts once for each instant of a timer that fires again", () => {
    const firing = (instant: number) => ({ id: "1/cron/0", event: "NIGHT", dueAt: instant + 5, instant });

    const ids = [10, 20].map((instant) => toTimerEvent(stack, firing(instant), 99).id);

    expect(ids).toEqual(["timer:event-0:1/cron/0/10", "timer:event-0:1/cron/0/20"]);
  });

  it("stands while its timer is there, for the same instant", () => {
    const firing = (instant: number) => aStack({ timers: [{ ...timer, id: "1/at/0", instant }] });
    const [at = timer] = firing(10).timers;
    const event = { timerId: at.id, ...toTimerEvent(firing(10), at, 5) };

    const stands = [firing(10), firing(20), aStack({ timers: [other] }), undefined].map((each) =>
      isStanding(each, event),
    );

    expect(stands).toEqual([true, false, false, false]);
  });
});

describe("a timer whose event was not applied", () => {
  const why = { code: "EVENT_NOT_HANDLED", reason: "no", at: 2_000 };
  const event = { timerId: timer.id, ...toTimerEvent(stack, timer, 5) };

  it("stays while the event is parked, and when it is given up", () => {
    const parked = followTimer(stack, event, { outcome: "parked", ...why });
    const again = followTimer(parked, event, { outcome: "parked-again", ...why, at: 3_000 });
    const givenUp = followTimer(again, event, { outcome: "dead-lettered", ...why, reason: "still no", at: 9_000 });

    expect(parked.timers).toEqual([{ ...timer, refused: why }, other]);
    expect(again).toBe(parked);
    expect(givenUp.timers[0]).toEqual({ ...timer, refused: { ...why, reason: "still no", givenUpAt: 9_000 } });
  });

  it("fires again when its parked event was ignored by a clock that is behind", () => {
    const parked = followTimer(stack, event, { outcome: "parked", ...why });

    const early = followTimer(parked, event, { outcome: "ignored", ...why, code: "TIMER_STALE", at: 900 });

    expect(early.timers).toEqual([timer, other]);
  });

  it("ends when the event is ignored, unless the event is of an earlier instant", () => {
    const stale = { ...event, id: "timer:event-0:1/after/0/7" };

    expect(followTimer(stack, event, { outcome: "ignored", ...why }).timers).toEqual([other]);
    expect(followTimer(stack, stale, { outcome: "ignored", ...why })).toBe(stack);
  });
});
