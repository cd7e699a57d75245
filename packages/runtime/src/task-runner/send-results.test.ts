import { StackyardError, silentLogger } from "@stackyard/core";
import { createFakeClock } from "@stackyard/core/testing";
import type { DrainOptions } from "@stackyard/transport-sqs";
import { describe, expect, it } from "vitest";
import { sendResults } from "./send-results.ts";

function createBench(drain: () => Promise<number>, isOwn = false) {
  const clock = createFakeClock();
  const drained: (DrainOptions | undefined)[] = [];
  const errors: unknown[] = [];
  const outbox = {
    drain(options?: DrainOptions) {
      drained.push(options);
      return drain();
    },
  };
  const logger = { ...silentLogger, error: (_message: string, fields: unknown) => void errors.push(fields) };
  return {
    clock,
    drained,
    errors,
    send: () => sendResults("a1", { outbox, kinds: ["event", "task"], isOwn, clock, logger }),
  };
}

describe("a settled task's result", () => {
  it("is sent, and what waited for the task", async () => {
    const { clock, drained, errors, send } = createBench(async () => 2);

    await send();

    expect([drained, errors]).toEqual([[{ kinds: ["event", "task"], stopAt: clock.now() + 5_000 }], []]);
  });

  it("is followed by those that had to wait behind it, which nobody else would send", async () => {
    const left = [1, 2];
    const { drained, send } = createBench(async () => left.pop() ?? 0, true);

    await send();

    expect([drained.length, left]).toEqual([3, []]);
  });

  it("leaves to the sweep what cannot be sent in five seconds", async () => {
    const bench = createBench(async () => {
      await bench.clock.advance(2_000);
      return 1;
    }, true);

    await bench.send();

    expect(bench.drained).toHaveLength(3);
  });

  it("stays in the store when it cannot be sent, and the log says so", async () => {
    const { errors, send } = createBench(() => Promise.reject(new StackyardError("UNREACHABLE", "No answer.")));

    await send();

    expect(errors).toMatchObject([{ code: "UNREACHABLE", attemptId: "a1" }]);
  });
});
