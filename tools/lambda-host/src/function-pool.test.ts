import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import type { FunctionContext, FunctionInput } from "./function-input.ts";
import { createFunctionPool } from "./function-pool.ts";

const clock = createFakeClock();
const never = new AbortController().signal;

function createPool(input: Partial<FunctionInput> = {}) {
  const base: FunctionInput = { name: "f", environment: {}, timeoutMs: 30_000, create: () => (event) => event };
  return createFunctionPool({ ...base, ...input }, { clock });
}

/** A handler whose calls end when the test says so. */
function createGate() {
  const open: (() => void)[] = [];
  return { handler: () => new Promise<void>((resolve) => open.push(resolve)), next: () => open.shift()?.() };
}

describe("the instances of a function", () => {
  it("are started by their first call and used again", async () => {
    const pool = createPool();

    const calls = [await pool.call({ n: 1 }), await pool.call({ n: 2 })];

    expect(calls).toMatchObject([
      { instance: 1, isColdStart: true, outcome: { kind: "answered", answer: { n: 1 } } },
      { instance: 1, isColdStart: false, outcome: { kind: "answered", answer: { n: 2 } } },
    ]);
  });

  it("have one call at a time", async () => {
    const gate = createGate();
    const pool = createPool({ create: () => gate.handler });

    const calls = [pool.call(1), pool.call(2)];
    expect(pool.running).toBe(2);
    await new Promise((resolve) => setImmediate(resolve));
    gate.next();
    gate.next();

    expect((await Promise.all(calls)).map((call) => call?.instance)).toEqual([1, 2]);
    expect(pool.running).toBe(0);
  });

  it("are no more than the reserved concurrency: what is above it is throttled, or waits", async () => {
    const gate = createGate();
    const pool = createPool({ reservedConcurrency: 1, create: () => gate.handler });
    const first = pool.call("first");

    expect(pool.call("second")).toBeUndefined();
    const waiting = pool.callWhenFree("third", never);
    await new Promise((resolve) => setImmediate(resolve));
    expect(pool.running).toBe(1);
    gate.next();
    await first;
    await new Promise((resolve) => setImmediate(resolve));
    gate.next();

    expect(await waiting).toMatchObject({ event: "third", instance: 1 });
  });

  it("are not waited for longer than asked", async () => {
    const gate = createGate();
    const pool = createPool({ reservedConcurrency: 1, create: () => gate.handler });
    void pool.call("first");
    const stop = new AbortController();

    const waiting = pool.callWhenFree("second", stop.signal);
    stop.abort();

    expect(await waiting).toBeUndefined();
  });

  it("give events and answers as JSON", async () => {
    const at = new Date(0);
    const pool = createPool({ create: () => (event) => ({ event, at, left: undefined }) });

    const call = await pool.call({ at });

    expect(call?.outcome).toEqual({ kind: "answered", answer: { event: { at: at.toJSON() }, at: at.toJSON() } });
  });

  it("continue after an error, and report the remaining time", async () => {
    const left: number[] = [];
    const pool = createPool({
      create: () => async (_event, context: FunctionContext) => {
        left.push(context.getRemainingTimeInMillis());
        await clock.advance(1_000);
        left.push(context.getRemainingTimeInMillis());
        throw new RangeError("too far");
      },
    });

    expect((await pool.call(1))?.outcome).toEqual({ kind: "errored", message: "RangeError: too far" });
    expect(await pool.call(2)).toMatchObject({ instance: 1, isColdStart: false });
    expect(left.slice(0, 2)).toEqual([30_000, 29_000]);
  });

  it("fail where an answer is larger than 6 MB", async () => {
    const pool = createPool({ create: () => () => "x".repeat(6 * 1024 * 1024) });

    expect((await pool.call(1))?.outcome).toMatchObject({ message: expect.stringContaining("ResponseSizeTooLarge") });
  });

  it("die of a timeout and of a start that fails, and are replaced", async () => {
    let starts = 0;
    const pool = createPool({
      create: () => {
        starts += 1;
        if (starts === 1) throw new Error("no table");
        return starts === 2 ? () => new Promise(() => {}) : () => "done";
      },
    });

    expect((await pool.call(1))?.outcome).toEqual({ kind: "errored", message: "Error: no table" });
    const hanging = pool.call(2);
    await clock.advance(30_000);
    expect(await hanging).toMatchObject({ instance: 2, outcome: { kind: "timed-out" } });
    expect(await pool.call(3)).toMatchObject({ instance: 3, isColdStart: true, outcome: { answer: "done" } });
  });
});
