import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../../memory/memory-store.ts";
import type { AttemptStore, RenewResult } from "../../ports/stack-store.ts";
import { createFakeClock } from "../../testing/fake-clock.ts";
import { createRecordingLogger } from "../../testing/recording-logger.ts";
import { createHeartbeat, holdAttempt } from "./held-attempt.ts";

const LEASE_MS = 30_000;

function createBench(answers: readonly (RenewResult | Error)[] = [], cancelling = false) {
  const clock = createFakeClock();
  const start = clock.now();
  const logger = createRecordingLogger();
  const renewals: unknown[] = [];
  const left = [...answers];
  const attempts: AttemptStore = {
    ...createMemoryStore(),
    async renew(_grant, { now, ...input }) {
      renewals.push({ at: now - start, ...input });
      const answer = left.shift() ?? { kind: "renewed" };
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
  let line: string | undefined;
  const held = holdAttempt({
    grant: { attemptId: "a1", owner: "w1", token: 1 },
    leaseMs: LEASE_MS,
    claimedAt: clock.now(),
    heartbeat: createHeartbeat(clock, LEASE_MS / 3),
    clock,
    attempts,
    logger,
    progressLine: () => line,
    cancelling,
  });
  return {
    clock,
    logger,
    renewals,
    held,
    say(next: string) {
      line = next;
    },
  };
}

const CANCEL: RenewResult = { kind: "renewed", cancelling: "requested" };

describe("a held attempt", () => {
  it("is renewed at each third of its lease, with the newest line", async () => {
    const { clock, renewals, held, say } = createBench();

    await clock.advance(10_000);
    say("half");
    await clock.advance(10_000);
    await held.end();
    await clock.advance(60_000);

    expect(renewals).toEqual([
      { at: 10_000, leaseMs: LEASE_MS },
      { at: 20_000, leaseMs: LEASE_MS, message: "half" },
    ]);
    expect(clock.nextWakeAt()).toBeUndefined();
  });

  it("reports a lost lease, and is no longer renewed", async () => {
    const { clock, renewals, held } = createBench([{ kind: "lost" }]);

    await clock.advance(60_000);

    expect([held.stopReason(), held.signal().aborted, renewals.length]).toEqual(["lost", true, 1]);
    await held.end();
  });

  it("is known as lost also after a cancel has aborted the call", async () => {
    const { clock, held } = createBench([CANCEL, { kind: "lost" }]);
    await clock.advance(10_000);
    expect([await held.confirm(), held.stopReason()]).toEqual(["held", "cancel"]);

    await clock.advance(10_000);

    expect([await held.confirm(), held.stopReason()]).toEqual(["lost", "cancel"]);
  });

  it("asks the store once its time is over, and is unknown without an answer", async () => {
    const { clock, held, renewals } = createBench(Array.from({ length: 4 }, () => new Error("No answer.")));
    await clock.advance(20_000);
    expect([await held.confirm(), renewals.length]).toEqual(["held", 2]);

    await clock.advance(10_000);

    expect([await held.confirm(), renewals.length]).toEqual(["unknown", 4]);
    expect(await held.confirm()).toBe("held");
  });

  it("reports a cancel, and is renewed until the work has ended", async () => {
    const { clock, renewals, held } = createBench([CANCEL, CANCEL]);

    await clock.advance(30_000);

    expect([held.stopReason(), renewals.length]).toEqual(["cancel", 3]);
    await held.end();
  });

  it("does not interrupt a cancel by the news of it", async () => {
    const { clock, held } = createBench([CANCEL, CANCEL], true);

    await clock.advance(20_000);

    expect(held.signal().aborted).toBe(false);
    await held.end();
  });

  it("outlives a store that does not answer for a while", async () => {
    const { clock, renewals, held, logger } = createBench([new Error("busy"), new Error("busy")]);

    await clock.advance(30_000);

    expect([held.signal().aborted, renewals.length]).toEqual([false, 3]);
    expect(logger.lines.map(({ level, fields }) => [level, fields["attemptId"]])).toEqual([
      ["warn", "a1"],
      ["warn", "a1"],
    ]);
    await held.end();
  });

  it("keeps the first reason to stop", async () => {
    const { clock, held } = createBench([CANCEL]);
    await clock.advance(10_000);

    held.stop();

    expect(held.stopReason()).toBe("cancel");
    await held.end();
  });
});

describe("a heartbeat", () => {
  it("calls in order, one interval after each was added, and not what was forgotten", async () => {
    const clock = createFakeClock();
    const { next } = createHeartbeat(clock, 1_000);
    const called: string[] = [];
    next(() => called.push("first"));
    await clock.advance(400);
    const forget = next(() => called.push("forgotten"));
    next(() => called.push("second"));

    forget();
    await clock.advance(600);
    const before = [...called];
    await clock.advance(400);

    expect([before, called, clock.nextWakeAt()]).toEqual([["first"], ["first", "second"], undefined]);
  });

  it("beats again after all was forgotten", async () => {
    const clock = createFakeClock();
    const { next } = createHeartbeat(clock, 1_000);
    const called: string[] = [];
    next(() => called.push("forgotten"))();
    await clock.advance(500);

    next(() => called.push("later"));
    await clock.advance(1_000);

    expect([called, clock.nextWakeAt()]).toEqual([["later"], undefined]);
  });

  it("beats in time when the clock was set back", async () => {
    const clock = createFakeClock();
    let setBackMs = 0;
    const { next } = createHeartbeat({ ...clock, now: () => clock.now() - setBackMs }, 1_000);
    const called: string[] = [];
    next(() => called.push("first"));

    setBackMs = 3_600_000;
    await clock.advance(1_000);

    expect(called).toEqual(["first"]);
  });
});
