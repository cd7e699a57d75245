import type { HistoryEntry, StackDetails } from "@stackyard/core/api";
import { describe, expect, it } from "vitest";
import { createHttpClient } from "./http-client.ts";
import {
  evaluateGoal,
  type WaitGoal,
  type WaitOptions,
  waitForOutcome,
  waitForRemoval,
  waitForState,
} from "./waiting.ts";

/** A server whose stream is open and that answers nothing else, such as one that hangs. */
function createSilentServer() {
  const asked = Promise.withResolvers<void>();
  const answer: typeof fetch = async (input, init) => {
    const signal = init?.signal ?? undefined;
    if (String(input).includes("/watch")) {
      const ready = new TextEncoder().encode('event: ready\ndata: {"position":0}\n\n');
      return new Response(new ReadableStream({ start: (controller) => controller.enqueue(ready) }));
    }
    asked.resolve();
    return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
  };
  return { asked: asked.promise, http: createHttpClient({ url: "http://127.0.0.1:1", fetch: answer }) };
}

type Server = ReturnType<typeof createSilentServer>;
type Wait = (http: Server["http"], options: WaitOptions) => Promise<unknown>;

const waits: readonly (readonly [string, Wait])[] = [
  ["a state", (http, options) => waitForState(http, { stackId: "pr-1", states: ["LIVE"] }, options)],
  ["a removal", (http, options) => waitForRemoval(http, "pr-1", options)],
  ["an outcome", (http, options) => waitForOutcome(http, { eventId: "e-1", stackId: "pr-1" }, options)],
];

describe("a wait while the server does not answer", () => {
  it.each(waits)("for %s ends when its time is over", async (_, wait) => {
    const { http } = createSilentServer();

    await expect(wait(http, { timeoutMs: 20 })).rejects.toMatchObject({ code: "TIMED_OUT" });
  });

  it.each(waits)("for %s ends when it is stopped", async (_, wait) => {
    const { http, asked } = createSilentServer();
    const stop = new AbortController();

    const waiting = wait(http, { signal: stop.signal });
    void asked.then(() => stop.abort());

    await expect(waiting).rejects.toMatchObject({ code: "INTERRUPTED" });
  });
});

it("an event that was not applied is reported with its own reason, not that of a second delivery", async () => {
  const line = { stackId: "pr-1", eventId: "e-1", event: "GO", outcome: "ignored", sent: [], notes: [], at: "" };
  const items = [
    { ...line, position: 1, code: "EVENT_REPEATED" },
    { ...line, position: 2, code: "DUPLICATE" },
  ];
  const stream = 'event: ready\ndata: {"position":0}\n\n';
  const answer: typeof fetch = async (input) =>
    String(input).includes("/watch")
      ? new Response(
          new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode(stream)) }),
        )
      : Response.json({ items });
  const http = createHttpClient({ url: "http://127.0.0.1:1", fetch: answer });

  const waiting = waitForOutcome(http, { eventId: "e-1", stackId: "pr-1" });

  await expect(waiting).rejects.toMatchObject({ entry: { code: "EVENT_REPEATED" } });
});

const at = (second: number) => `2026-01-01T00:00:0${second}.000Z`;
const failure = {
  task: "deploy",
  state: "BUILD",
  entry: 1,
  attempt: 1,
  at: at(5),
  code: "NOPE",
  message: "terraform apply ended with exit code 1.\n\nerror: no quota",
  missed: { states: ["LIVE"], removal: false },
};

function aStack(stack: Partial<StackDetails> = {}): StackDetails {
  return {
    id: "pr-1",
    machine: "app",
    machineHash: "",
    state: "CLEANUP",
    previousState: "BUILD",
    tasks: [],
    metadata: {},
    createdAt: at(0),
    updatedAt: at(6),
    enteredAt: at(6),
    incarnation: "e",
    entry: 2,
    version: 3,
    summary: "Waits for clean.",
    parts: [],
    attempts: [],
    parked: [],
    timers: [],
    reachable: { states: ["BROKEN", "LIVE"], removal: false },
    ...stack,
  };
}

const line: HistoryEntry = {
  position: 1,
  stackId: "pr-1",
  at: at(5),
  eventId: "e",
  event: "PUSHED",
  outcome: "applied",
  sent: [],
  notes: [],
};
const toDeed = (lacks: Lacks, deed: object = {}) =>
  ({ eventId: "e0", event: "PUSHED", at: at(3), keys: [], verdict: "failed", lacks, ...deed }) as const;
const evaluate = (stack: Partial<StackDetails>, goal: WaitGoal, after: HistoryEntry | undefined = line) =>
  evaluateGoal(aStack(stack), goal, { after, first: undefined });

type Lacks = NonNullable<StackDetails["deeds"]>[number]["lacks"];

const lost = { why: "failed", entry: 1, attempt: 1 } as const;

const over = { ...failure, resolvedAt: at(6) };
const repaired = toDeed([], { eventId: "e1", verdict: "open" });

/** The deploy has failed: what the present work lacks, and how the stack shows it. */
const spoiled = { lastFailure: failure, deeds: [toDeed([{ task: "deploy", ...lost }])] };

describe("evaluateGoal", () => {
  it.each<[string, Partial<StackDetails>, WaitGoal, string]>([
    ["a stack in the state", { state: "LIVE" }, { states: ["LIVE"] }, "reached"],
    ["one that may get there", {}, { states: ["LIVE"] }, "open"],
    ["one that may not", {}, { states: ["ASLEEP"] }, "unreachable"],
    ["one that may only be removed", { reachable: { states: [], removal: true } }, { removal: true }, "open"],
    ["one that cannot be removed", {}, { removal: true }, "unreachable"],
    ["a failure that spoils the goal", spoiled, { states: ["LIVE"] }, "failed"],
    ["a failure that leads to the goal", spoiled, { states: ["BROKEN"] }, "open"],
    ["one of two goals that is left", spoiled, { states: ["LIVE", "BROKEN"] }, "open"],
    ["a way round a failure", { ...spoiled, state: "LIVE" }, { states: ["LIVE"] }, "failed"],
    ["the very state that failed", { ...spoiled, state: "BUILD" }, { states: ["BUILD"] }, "reached"],
    ["a failure of earlier work", { ...spoiled, deeds: [...spoiled.deeds, repaired] }, { states: ["LIVE"] }, "open"],
    ["one that another task has succeeded after", { ...spoiled, lastFailure: over }, { states: ["LIVE"] }, "failed"],
    ["one that is resolved", { lastFailure: over, deeds: [repaired] }, { states: ["LIVE"] }, "open"],
  ])("of %s", (_, stack, goal, kind) => {
    expect(evaluate(stack, goal).kind).toBe(kind);
  });

  it.each<[string, Lacks, "open" | "failed" | "done", string]>([
    ["that lacks a task, though a check has succeeded since", [{ task: "build", ...lost }], "failed", "failed"],
    ["that lacks nothing, though another task has failed since", [], "done", "reached"],
    ["whose task fails while others run", [{ task: "build", ...lost }], "open", "failed"],
    ["whose task failed with the same values before", [{ task: "build", ...lost, taken: true }], "open", "reached"],
    ["whose task failed before and did not run again", [{ task: "build", ...lost, taken: true }], "failed", "failed"],
    ["whose task runs with the values before", [{ task: "other", ...lost, why: "before" }], "open", "reached"],
  ])("of an event %s [argo-cd#29410]", (_, lacks, verdict, kind) => {
    const deed = { eventId: "e", event: "PUSHED", at: at(5), keys: ["api"], verdict, lacks };
    const last = { ...failure, task: "build", resolvedAt: at(7) };
    const stack = { state: "LIVE", deeds: [deed], lastFailure: last };

    expect(evaluate(stack, { states: ["LIVE"] }).kind).toBe(kind);
  });

  it("goes by what is known where the machine is not", () => {
    const { reachable: _, ...unknown } = aStack();
    const { missed: __, ...bare } = failure;
    const kinds = [
      unknown,
      { ...unknown, stalled: { code: "LOOP_LIMIT", reason: "It runs in circles." } },
      { ...unknown, ...spoiled, lastFailure: bare },
    ].map((stack) => evaluateGoal(stack, { states: ["LIVE"] }, { after: line, first: undefined }).kind);

    expect(kinds).toEqual(["open", "unreachable", "failed"]);
  });

  it("counts without an event what has failed since the first look, or fails now", () => {
    const first = aStack(spoiled);
    const kindOf = (stack: Partial<StackDetails>) =>
      evaluateGoal(aStack(stack), { states: ["LIVE"] }, { after: undefined, first }).kind;
    const withLack = (lack: object) => ({ ...spoiled, deeds: [toDeed([{ task: "deploy", ...lost, ...lack }])] });

    expect([kindOf(first), kindOf(withLack({ task: "other" }))]).toEqual(["open", "failed"]);
    expect([kindOf(withLack({ attempt: 2 })), kindOf(withLack({ entry: 2 }))]).toEqual(["failed", "failed"]);
  });

  it("says what has failed, with the tool's words, and where the stack is", () => {
    expect(evaluate(spoiled, { states: ["LIVE"], removal: true })).toMatchObject({
      message:
        'Stack "pr-1" will not be in LIVE or removed: task "deploy" failed in BUILD (NOPE: terraform apply ended with exit code 1. error: no quota). It is in CLEANUP now.',
    });
    expect(evaluate({ state: "BROKEN", summary: "Waits for an event: PUSHED." }, { states: ["ASLEEP"] })).toMatchObject(
      {
        message: 'Stack "pr-1" will not be in ASLEEP by itself: it is in BROKEN. Waits for an event: PUSHED.',
      },
    );
  });

  it("names the failure of a degraded stack once", () => {
    const summary = 'Degraded: "deploy" failed in BUILD (NOPE). Waits for an event: PUSHED.';
    const earlier = { ...failure, at: at(4) };
    const messageOf = (stack: Partial<StackDetails>) =>
      evaluate({ state: "BROKEN", lastFailure: earlier, ...stack }, { states: ["ASLEEP"] });

    expect(messageOf({ summary, degraded: true })).toMatchObject({
      message: `Stack "pr-1" will not be in ASLEEP by itself: it is in BROKEN. ${summary}`,
    });
    expect(messageOf({ summary: "Waits for an event: PUSHED." })).toMatchObject({
      message: expect.stringContaining('PUSHED. Last failure: task "deploy" failed in BUILD'),
    });
  });
});

describe("a wait whose time is over", () => {
  const stream = 'event: ready\ndata: {"position":0}\n\n';

  /** A server with one stack, which does not change, and one line of history. */
  const serve = (stack: StackDetails | undefined, items: readonly object[] = []) => {
    const answer: typeof fetch = async (input, init) => {
      const url = String(input);
      if (url.includes("/watch")) {
        const start = (controller: ReadableStreamDefaultController) => {
          controller.enqueue(new TextEncoder().encode(stream));
          init?.signal?.addEventListener("abort", () => controller.error(init.signal?.reason));
        };
        return new Response(new ReadableStream({ start }));
      }
      if (url.includes("/history")) return Response.json({ items });
      if (stack !== undefined) return Response.json(stack);
      return Response.json({ code: "STACK_UNKNOWN", detail: "No." }, { status: 404 });
    };
    return createHttpClient({ url: "http://127.0.0.1:1", fetch: answer });
  };
  const input = { stackId: "pr-1", states: ["LIVE"] };

  it("says where the stack is, and what it waits for", async () => {
    const http = serve(aStack({ state: "BUILD", summary: 'No worker runs "lambda".' }));

    await expect(waitForState(http, input, { timeoutMs: 900 })).rejects.toMatchObject({
      code: "TIMED_OUT",
      message: 'Gave up after 900 ms, before stack "pr-1" was in LIVE: it is in BUILD. No worker runs "lambda".',
    });
    await expect(waitForRemoval(http, "pr-1", { timeoutMs: 1_200 })).rejects.toMatchObject({
      message: expect.stringMatching(/^Gave up after 1 s, before stack "pr-1" was removed: it is in BUILD\./),
    });
  });

  it("says that the stack is not there", async () => {
    await expect(waitForState(serve(undefined), input, { timeoutMs: 200 })).rejects.toMatchObject({
      message: 'Gave up after 200 ms, before stack "pr-1" was in LIVE: it does not exist.',
    });
  });

  it("says that the event is parked, or not decided", async () => {
    const event = { eventId: "e-1", stackId: "pr-1" };
    const parked = { ...line, eventId: "e-1", outcome: "parked", code: "EVENT_NOT_HANDLED", reason: "Not in BUILD." };

    await expect(waitForOutcome(serve(aStack(), [parked]), event, { timeoutMs: 200 })).rejects.toMatchObject({
      message: expect.stringMatching(/was applied: it is parked \(EVENT_NOT_HANDLED: Not in BUILD\.\)\.$/),
    });
    await expect(waitForOutcome(serve(aStack()), event, { timeoutMs: 200 })).rejects.toMatchObject({
      message: expect.stringMatching(/was applied: the yard has not decided it yet\.$/),
    });
  });
});
