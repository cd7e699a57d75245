import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { StackyardError } from "../../errors/stackyard-error.ts";
import type { TaskMessage } from "../../machine/task-message.ts";
import { defineExecutor, type ExecutorContext, failed, running, type Step, succeeded } from "../../ports/executor.ts";
import type { QueuedEvent } from "../../ports/stack-store.ts";
import { countingIds, createFakeClock } from "../../testing/fake-clock.ts";
import { createRecordingLogger } from "../../testing/recording-logger.ts";
import { aDispatch } from "../../testing/store-conformance/store-builders.ts";
import { toResultEvent } from "../attempts/attempt-result.ts";
import type { InvocationLimits } from "./invocation-limits.ts";
import { createMessageWorker, toAnswer, toTimedOut } from "./message-worker.ts";

const ID = "s1/created/1/plan/1";
const MINUTE = 60_000;

interface Parts {
  readonly start?: (ctx: ExecutorContext) => Promise<Step>;
  readonly poll?: (ctx: ExecutorContext) => Promise<Step>;
  readonly cancel?: (ctx: ExecutorContext) => Promise<Step>;
  /** What sending an answer does first. */
  readonly publish?: (event: QueuedEvent) => void;
}

function createBench({ start, poll, cancel, publish }: Parts = {}) {
  const clock = createFakeClock();
  const logger = createRecordingLogger();
  const calls: string[] = [];
  const published: QueuedEvent[] = [];
  const noted = (name: string, run: (ctx: ExecutorContext) => Promise<Step>) => (ctx: ExecutorContext) => {
    calls.push(`${name}${ctx.cancelling ? " cancelling" : ""}`);
    return run(ctx);
  };
  const executor = defineExecutor({
    name: "work",
    config: Type.Object({}),
    start: noted("start", start ?? (async () => succeeded({}))),
    poll: noted("poll", poll ?? (async () => succeeded({}))),
    ...(cancel === undefined ? {} : { cancel: noted("cancel", cancel) }),
  });
  const worker = createMessageWorker({
    publish: async (events) => {
      for (const event of events) publish?.(event);
      published.push(...events);
    },
    executors: new Map([["work", executor]]),
    clock,
    ids: countingIds(),
    logger,
  });
  const { message } = aDispatch(ID);
  const deliver = (limits?: InvocationLimits, more: Partial<TaskMessage> = {}, deliveries = 1) => {
    const sent = { ...message, task: { name: "plan", executor: "work", config: {} }, ...more };
    return worker.handle({ attemptId: sent.dispatch.id, message: sent, deliveries }, limits);
  };
  const answers = () => published.map((event) => event.message);
  return { clock, logger, calls, published, worker, deliver, answers, start: clock.now() };
}

/** Runs until its context is aborted. */
function untilAborted({ signal }: ExecutorContext): Promise<Step> {
  return new Promise((resolve) => {
    const end = () => resolve(failed({ code: "STOPPED", message: "It stopped.", retryable: false }));
    signal.addEventListener("abort", end, { once: true });
  });
}

const pending = async () => running({ progress: { at: 1 }, pollAfterMs: 10_000, message: "waiting" });

describe("createMessageWorker", () => {
  it("runs a task and answers", async () => {
    const { deliver, calls, answers } = createBench();

    expect(await deliver()).toEqual({ kind: "done" });

    expect(calls).toEqual(["start"]);
    expect(answers()).toMatchObject([{ event: "TASK_COMPLETED", stackId: "s1", dispatchId: ID }]);
  });

  it("answers under an id that no sender can know before", async () => {
    const { deliver, published } = createBench();

    await deliver();

    expect(published).toMatchObject([{ id: expect.stringMatching(/^answer:./), origin: "external" }]);
    expect(published[0]?.id).not.toContain(ID);
  });

  it("sends an answer again under the id that it had", async () => {
    let failures = 1;
    const sent: string[] = [];
    const publish = (event: QueuedEvent) => {
      sent.push(event.id);
      failures -= 1;
      if (failures >= 0) throw new StackyardError("UNREACHABLE", "The queue does not answer.");
    };
    const { deliver, clock } = createBench({ publish });

    const handled = deliver();
    await clock.advance(MINUTE);
    await handled;
    await deliver();

    expect(sent).toHaveLength(3);
    expect(new Set(sent).size).toBe(1);
  });

  it("answers with the failure of an executor", async () => {
    const start = async () => failed({ code: "BROKEN", message: "It broke.", retryable: false });
    const { deliver, answers } = createBench({ start });

    await deliver();

    expect(answers()).toMatchObject([{ event: "TASK_ERROR", description: "It broke.", code: "BROKEN" }]);
  });

  it("polls in hand until the work ends", async () => {
    let polls = 0;
    const poll = async () => {
      polls += 1;
      return polls < 3 ? pending() : succeeded({ polls });
    };
    const { deliver, clock, calls, answers } = createBench({ start: pending, poll });

    const handled = deliver();
    await clock.advance(MINUTE);

    expect(await handled).toEqual({ kind: "done" });
    expect(calls).toEqual(["start", "poll", "poll", "poll"]);
    expect(answers()).toMatchObject([{ event: "TASK_COMPLETED", outputs: { polls: 3 } }]);
  });

  it("refuses a task with sensitive values, which are in the store only", async () => {
    const { deliver, calls, answers } = createBench();
    const config = { url: { $secret: "password#1" } };
    const dispatch = { ...aDispatch(ID).message.dispatch, version: 2 } as const;

    await deliver({}, { task: { name: "plan", executor: "work", config }, dispatch });

    expect(calls).toEqual([]);
    expect(answers()).toMatchObject([{ event: "TASK_ERROR", code: "SECRETS_NEED_STORE", retryable: false }]);
  });

  it("works a task of version 1 whose config only looks as if it had one", async () => {
    const { deliver, calls } = createBench();

    await deliver({}, { task: { name: "plan", executor: "work", config: { args: { $secret: "x" } } } });

    expect(calls).toEqual(["start"]);
  });

  it("gives back a task whose executor it does not have, and names it", async () => {
    const { deliver, answers } = createBench();

    const outcome = await deliver({}, { task: { name: "plan", executor: "other" } });

    expect(outcome).toEqual({ kind: "retry", afterMs: 5_000, left: true, reason: expect.stringContaining('"other"') });
    expect(answers()).toEqual([]);
  });

  it("fails a task whose executor needs records, and says what to do", async () => {
    const start = async ({ records, clock }: ExecutorContext) => {
      await records.get("a", clock.now());
      return succeeded({});
    };
    const { deliver, answers } = createBench({ start });

    await deliver();

    expect(answers()).toMatchObject([{ event: "TASK_ERROR", code: "CONFIG_INVALID" }]);
    expect(answers()[0]?.["description"]).toContain("Configure the yard's store");
  });

  it("interrupts a task a minute before its invocation ends, and lets another attempt follow", async () => {
    const { deliver, clock, answers, start } = createBench({ start: untilAborted });

    const handled = deliver({ endsAt: start + 10 * MINUTE });
    await clock.advance(9 * MINUTE - 1);
    expect(answers()).toEqual([]);
    await clock.advance(1);

    expect(await handled).toEqual({ kind: "done" });
    expect(answers()).toMatchObject([{ event: "TASK_ERROR", code: "TASK_TIMEOUT", retryable: true }]);
  });

  it("answers in time when aborted work does not end", async () => {
    const { deliver, clock, answers, start } = createBench({ start: () => new Promise(() => {}) });

    const handled = deliver({ endsAt: start + 10 * MINUTE });
    await clock.advance(10 * MINUTE - 5_000);

    expect(await handled).toEqual({ kind: "done" });
    expect(answers()).toMatchObject([{ event: "TASK_ERROR", code: "TASK_TIMEOUT", retryable: true }]);
  });

  it("leaves short invocations three quarters of their time", async () => {
    const start = async ({ deadlineAt, clock }: ExecutorContext) => succeeded({ restMs: deadlineAt - clock.now() });
    const bench = createBench({ start });

    await bench.deliver({ endsAt: bench.start + 40_000 });

    expect(bench.answers()).toMatchObject([{ outputs: { restMs: 30_000 } }]);
  });

  it("cancels polled work when its time is over, and waits for its end", async () => {
    const poll = async ({ cancelling }: ExecutorContext) =>
      cancelling ? failed({ code: "STOPPED", message: "It stopped.", retryable: false }) : pending();
    const { deliver, clock, calls, answers, start } = createBench({ start: pending, poll, cancel: pending });

    const handled = deliver({ endsAt: start + 4 * MINUTE });
    await clock.advance(4 * MINUTE);

    expect(await handled).toEqual({ kind: "done" });
    expect(calls.slice(-2)).toEqual(["cancel cancelling", "poll cancelling"]);
    expect(answers()).toMatchObject([{ event: "TASK_ERROR", code: "TASK_TIMEOUT" }]);
  });

  it("answers in time also when the cancelled work does not end", async () => {
    const { deliver, clock, answers, start } = createBench({ start: pending, poll: pending, cancel: pending });

    const handled = deliver({ endsAt: start + 4 * MINUTE });
    await clock.advance(4 * MINUTE - 1);

    expect(await handled).toEqual({ kind: "done" });
    expect(answers()).toMatchObject([{ event: "TASK_ERROR", code: "TASK_TIMEOUT", dispatchId: ID }]);
  });

  it("answers after the executor's time to cancel where no invocation ends", async () => {
    const bench = createBench({ start: pending, poll: pending, cancel: pending });
    const ends: string[] = [];

    const handled = bench.deliver().then(({ kind }) => ends.push(kind));
    await bench.clock.advance(64 * MINUTE);
    const early = [...ends];
    await bench.clock.advance(MINUTE);
    // What still waits must not keep the test from its end.
    bench.worker.abort();
    await handled;

    expect([early, ends]).toEqual([[], ["done"]]);
    expect(bench.answers()).toMatchObject([{ event: "TASK_ERROR", code: "TASK_TIMEOUT", dispatchId: ID }]);
  });

  it("cancels a task that comes after its deadline for as long", async () => {
    const bench = createBench({ start: pending, poll: pending, cancel: pending });
    await bench.clock.advance(90 * MINUTE);

    const handled = bench.deliver({}, {}, 2);
    await bench.clock.advance(MINUTE);
    const early = bench.answers().length;
    await bench.clock.advance(4 * MINUTE);
    bench.worker.abort();

    expect([early, await handled]).toEqual([0, { kind: "done" }]);
    expect(bench.calls.slice(0, 2)).toEqual(["cancel cancelling", "poll cancelling"]);
  });

  it("checks work at its deadline when the next poll would come later", async () => {
    const late = async () => running({ progress: { at: 1 }, pollAfterMs: 60 * MINUTE, message: "waiting" });
    const cancel = async () => failed({ code: "STOPPED", message: "It stopped.", retryable: false });
    const { deliver, clock, calls, start } = createBench({ start: late, cancel });

    const handled = deliver({ endsAt: start + 4 * MINUTE });
    await clock.advance(3 * MINUTE);

    expect(await handled).toEqual({ kind: "done" });
    expect(calls).toEqual(["start", "cancel cancelling"]);
  });

  it("ends a task at the deadline of its message", async () => {
    const { deliver, clock, answers } = createBench({ start: untilAborted });

    const handled = deliver();
    await clock.advance(60 * MINUTE + 10_000);

    expect(await handled).toEqual({ kind: "done" });
    expect(answers()).toMatchObject([{ code: "TASK_TIMEOUT" }]);
  });

  it("does not begin a task whose deadline is over", async () => {
    const { deliver, clock, calls, answers } = createBench();
    await clock.advance(2 * 60 * MINUTE);

    await deliver();

    expect(calls).toEqual([]);
    expect(answers()).toMatchObject([{ code: "TASK_TIMEOUT" }]);
  });

  it("requests redelivery when the answer cannot be sent, and then works on the message again", async () => {
    let down = true;
    const publish = () => {
      if (down) throw new StackyardError("UNREACHABLE", "The queue does not answer.");
    };
    const { deliver, clock, calls, answers } = createBench({ publish });

    const handled = deliver();
    await clock.advance(MINUTE);
    expect(await handled).toEqual({ kind: "retry", reason: "The answer could not be sent." });
    down = false;
    expect(await deliver({}, {}, 2)).toEqual({ kind: "done" });

    expect(calls).toEqual(["start", "start"]);
    expect(answers()).toHaveLength(1);
  });

  it("gives the same answer to a message that comes again, without working it again", async () => {
    const { deliver, calls, published } = createBench();

    await deliver();
    expect(await deliver({}, {}, 2)).toEqual({ kind: "done" });

    expect(calls).toEqual(["start"]);
    expect(published[1]).toEqual(published[0]);
  });

  it("requests redelivery of a message whose task it is working on", async () => {
    const { deliver, clock, calls } = createBench({ start: pending });

    const first = deliver();
    await clock.advance(1_000);
    expect(await deliver({}, {}, 2)).toMatchObject({ kind: "retry" });
    await clock.advance(MINUTE);

    expect(await first).toEqual({ kind: "done" });
    expect(calls).toEqual(["start", "poll"]);
  });

  it("gives the messages back when it stops", async () => {
    const { worker, deliver, clock, answers } = createBench({ start: untilAborted });

    const handled = deliver();
    await clock.advance(1_000);
    expect(worker.running()).toEqual([{ stackId: "s1", task: "plan" }]);
    worker.abort();

    expect(await handled).toMatchObject({ kind: "retry" });
    expect(await deliver()).toMatchObject({ kind: "retry" });
    expect(answers()).toEqual([]);
  });

  it("gives a message back that waits for its poll when it stops", async () => {
    const { worker, deliver, clock } = createBench({ start: pending });

    const handled = deliver();
    await clock.advance(1_000);
    worker.abort();

    expect(await handled).toMatchObject({ kind: "retry" });
  });

  it("says that it starts no follow-up job", async () => {
    const followUp = { inMs: 1_000, config: {} };
    const { deliver, logger, answers } = createBench({ start: async () => ({ ...succeeded({}), followUp }) });

    await deliver();

    expect(answers()).toMatchObject([{ event: "TASK_COMPLETED" }]);
    expect(logger.lines.filter((line) => JSON.stringify(line).includes("follow-up"))).toHaveLength(1);
  });
});

const NOW = Date.UTC(2026, 0, 1);
const { message } = aDispatch(ID);
const ofVersion2 = { ...message, dispatch: { ...message.dispatch, version: 2 as const } };

describe("toAnswer", () => {
  it("says what the predecessor's answers say, and echoes the task and the attempt", () => {
    const { event } = toAnswer(toResultEvent(message, succeeded({ n: 1 }), { cancelling: false, now: NOW }), "a1");

    expect(event).toEqual({
      id: "answer:a1",
      stackId: "s1",
      origin: "external",
      receivedAt: NOW,
      message: { event: "TASK_COMPLETED", stackId: "s1", task: message.task, dispatchId: ID, outputs: { n: 1 } },
    });
  });

  it("answers a message that names no attempt by the task's name", () => {
    const own = { ...message, dispatch: { ...message.dispatch, id: "message:m-1" } };
    const step = failed({ code: "BROKEN", message: "It broke.", retryable: false });

    const { event } = toAnswer(toResultEvent(own, step, { cancelling: false, now: NOW }), "a1");

    expect(event.id).toBe("result:message:m-1");
    expect(event.message).toEqual({
      event: "TASK_ERROR",
      stackId: "s1",
      task: message.task,
      description: "It broke.",
      code: "BROKEN",
      retryable: false,
    });
  });

  it("calls what was interrupted a failure that another attempt may mend", () => {
    const step = failed({ code: "ANY", message: "Stopped.", retryable: false });

    const { event } = toAnswer(toResultEvent(message, step, { cancelling: true, now: NOW }), "a1");

    expect(event.message).toMatchObject({ event: "TASK_ERROR", code: "TASK_TIMEOUT", retryable: true, dispatchId: ID });
  });

  it("leaves sensitive outputs out, and names them", () => {
    const step = { ...succeeded({ url: "http://x", password: "hunter22" }), sensitive: ["password"] };

    const { event, leftOut } = toAnswer(toResultEvent(ofVersion2, step, { cancelling: false, now: NOW }), "a1");

    expect(leftOut).toEqual(["password"]);
    expect(event.message).toMatchObject({ outputs: { url: "http://x" } });
    expect(JSON.stringify(event)).not.toContain("hunter22");
    expect(event.message).not.toHaveProperty("sensitiveOutputs");
  });

  it("answers an attempt under the id that was drawn, and a message without one always under the same", () => {
    const own = { ...message, dispatch: { ...message.dispatch, id: "message:m-1" } };
    const idsOf = (asked: typeof message) => ["a1", "a2"].map((answerId) => toTimedOut(asked, { answerId, now: 0 }).id);

    expect(idsOf(message)).toEqual(["answer:a1", "answer:a2"]);
    expect(idsOf(own)).toEqual(["result:message:m-1", "result:message:m-1"]);
  });

  it("makes ids that senders may use, also of the longest messages", () => {
    const long = { ...message, dispatch: { ...message.dispatch, id: `message:${"m".repeat(250)}` } };

    const [first, second] = ["a1", "a2"].map((answerId) => toTimedOut(long, { answerId, now: 0 }));

    expect(first?.id).toMatch(/^result:[0-9a-f]{32}$/);
    expect(first?.id).toBe(second?.id);
  });
});
