import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../../memory/memory-store.ts";
import { defineExecutor, type ExecutorContext, failed, running, type Step, succeeded } from "../../ports/executor.ts";
import { countingIds, createFakeClock } from "../../testing/fake-clock.ts";
import { createRecordingLogger } from "../../testing/recording-logger.ts";
import { aDispatch, aPut, commitNow } from "../../testing/store-conformance/store-builders.ts";
import { toInvocationEnd } from "./invocation-limits.ts";
import { createWorker } from "./worker.ts";

const ID = "s1/created/1/plan/1";
const MINUTE = 60_000;
const INVOCATION_MS = 15 * MINUTE;

interface Parts {
  readonly start?: (ctx: ExecutorContext) => Promise<Step>;
  readonly poll?: (ctx: ExecutorContext) => Promise<Step>;
  readonly resumable?: boolean;
}

/** A worker that is called as in a function with 15 minutes. */
async function createBench({ start, poll, resumable = false }: Parts = {}) {
  const clock = createFakeClock();
  const store = createMemoryStore();
  const executor = defineExecutor({
    name: "work",
    config: Type.Object({}),
    resumable,
    start: start ?? (async () => succeeded({})),
    poll: poll ?? (async () => succeeded({})),
  });
  const executors = new Map([["work", executor]]);
  const worker = createWorker({ store, executors, clock, ids: countingIds(), logger: createRecordingLogger() });
  const dispatch = aDispatch(ID, { executor: "work" });
  const message = { ...dispatch.message, task: { name: "plan", executor: "work", config: {} } };
  await commitNow(store, aPut({}, { dispatches: [{ ...dispatch, message }], now: clock.now() }));
  return {
    clock,
    store,
    deliver: () => worker.handle({ attemptId: ID, message, deliveries: 1 }, { endsAt: clock.now() + INVOCATION_MS }),
    async takeEvents() {
      const items = await store.takeDue({ kinds: ["event"], now: clock.now(), limit: 10, leaseMs: 1 });
      return items.flatMap((item) => (item.kind === "event" ? [item.event.message] : []));
    },
  };
}

function untilAborted(ctx: ExecutorContext): Promise<Step> {
  const message = `asked to end: ${ctx.signal.aborted}`;
  return new Promise((resolve) => {
    const end = () => resolve(failed({ code: "STOPPED", message, retryable: false }));
    ctx.signal.addEventListener("abort", end, { once: true });
  });
}

const never = () => new Promise<Step>(() => {});
const going = async () => running({ progress: { at: 1 }, pollAfterMs: 1_000, message: "going" });

describe("an invocation that ends", () => {
  it("interrupts work that keeps no progress a minute before, which may be tried again", async () => {
    const { clock, store, deliver, takeEvents } = await createBench({ start: untilAborted });

    const handled = deliver();
    await clock.advance(INVOCATION_MS - MINUTE - 1);
    expect(await store.findAttempt(ID)).toMatchObject({ status: "running" });
    await clock.advance(1);

    expect(await handled).toEqual({ kind: "done" });
    expect(await takeEvents()).toMatchObject([{ event: "TASK_ERROR", code: "TASK_TIMEOUT", retryable: true }]);
    expect(await store.findAttempt(ID)).toMatchObject({
      status: "settled",
      outcome: "failed",
      log: expect.stringMatching(/^It was interrupted. STOPPED: asked to end: false\nIt failed. TASK_TIMEOUT: /),
    });
  });

  it("does not wait for work that will not end", async () => {
    const { clock, deliver, takeEvents } = await createBench({ start: never });

    const handled = deliver();
    await clock.advance(INVOCATION_MS - 5_000);

    expect(await handled).toEqual({ kind: "done" });
    expect(await takeEvents()).toMatchObject([{ event: "TASK_ERROR", code: "TASK_TIMEOUT" }]);
  });

  it("keeps what the work has reached in the time that it was given to end", async () => {
    const start = async (ctx: ExecutorContext) => {
      await untilAborted(ctx);
      return succeeded({ url: "u" });
    };
    const { clock, deliver, takeEvents } = await createBench({ start });

    const handled = deliver();
    await clock.advance(INVOCATION_MS - MINUTE);
    await handled;

    expect(await takeEvents()).toMatchObject([{ event: "TASK_COMPLETED" }]);
  });

  it.each([
    ["ends when it is aborted", untilAborted, MINUTE],
    ["does not end", never, 5_000],
  ] as const)("releases work that keeps its progress when its poll %s", async (_what, poll, beforeEndMs) => {
    const { clock, store, deliver, takeEvents } = await createBench({ resumable: true, start: going, poll });
    await deliver();
    await clock.advance(1_000);

    const handled = deliver();
    await clock.advance(INVOCATION_MS - beforeEndMs);
    await handled;

    expect(await store.findAttempt(ID)).toMatchObject({ status: "suspended", pollDueAt: clock.now() });
    expect(await takeEvents()).toEqual([]);
  });

  it("fails work whose start does not end, because it would start again and again", async () => {
    const { clock, deliver, takeEvents } = await createBench({ resumable: true, start: untilAborted });

    const handled = deliver();
    await clock.advance(INVOCATION_MS - MINUTE);
    await handled;

    expect(await takeEvents()).toMatchObject([{ event: "TASK_ERROR", code: "TASK_TIMEOUT", retryable: true }]);
  });

  it("passes the deadline to the executor", async () => {
    const deadlines: number[] = [];
    const start = async ({ deadlineAt }: ExecutorContext) => {
      deadlines.push(deadlineAt);
      return succeeded({});
    };
    const { clock, deliver } = await createBench({ start });
    const endsAt = clock.now() + INVOCATION_MS;

    await deliver();

    expect(deadlines).toEqual([endsAt - MINUTE]);
  });
});

describe("toInvocationEnd", () => {
  it("leaves a minute to stop in, and a twelfth of it to answer in", () => {
    expect(toInvocationEnd({ endsAt: INVOCATION_MS }, 0)).toEqual({ stopAt: 14 * MINUTE, overAt: 15 * MINUTE - 5_000 });
  });

  it("leaves a quarter of a short invocation", () => {
    expect(toInvocationEnd({ endsAt: MINUTE }, 0)).toEqual({ stopAt: 45_000, overAt: 58_750 });
  });

  it("leaves nothing where the time is over already", () => {
    expect(toInvocationEnd({ endsAt: 1_000 }, 2_000)).toEqual({ stopAt: 1_000, overAt: 1_000 });
  });

  it("knows invocations without an end", () => {
    expect([toInvocationEnd({}, 0), toInvocationEnd({ endsAt: Number.POSITIVE_INFINITY }, 0)]).toEqual([
      undefined,
      undefined,
    ]);
  });
});
