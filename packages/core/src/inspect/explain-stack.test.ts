import { describe, expect, it } from "vitest";
import type { Stack } from "../machine/stack.ts";
import type { AttemptView, ParkedEvent } from "../ports/stack-store.ts";
import { aMachine, aMachineV2, aStack } from "../testing/builders.ts";
import { explainStack, type SummaryFacts, summarise } from "./explain-stack.ts";

const NOW = 1_000_000;

function anAttempt(attempt: Partial<AttemptView>): AttemptView {
  return {
    attemptId: "pr-12/e/1/app/1",
    stackId: "pr-12",
    task: "app",
    entry: 1,
    attempt: 1,
    status: "unclaimed",
    dispatchedAt: NOW - 65_000,
    deadlineAt: NOW + 3_600_000,
    token: 0,
    heldKeys: [],
    ...attempt,
  };
}

function why(attempt: Partial<AttemptView> | undefined): string | undefined {
  const stack = aStack({ state: "BUILD", entry: 1, tasks: ["app"] });
  const attempts = attempt === undefined ? [] : [anAttempt(attempt)];
  return explainStack({ stack, attempts, parked: [] }, NOW).tasks[0]?.why;
}

describe("explainStack", () => {
  it("prints commands in which a shell reads the id unchanged", () => {
    const stack = aStack({ id: "tenant-$HOME", state: "BUILD", entry: 1, tasks: [{ name: "app", status: "ERROR" }] });

    const { summary } = explainStack({ stack, attempts: [], parked: [] }, NOW);

    expect(summary).toContain("`stackyard stacks retry 'tenant-$HOME'`");
  });

  it.each([
    [undefined, "Its message was sent; no result has arrived."],
    [{ status: "unclaimed" }, "No worker has claimed it for 1m 5s."],
    [
      { status: "queued", queuedFor: { key: "terraform:app/pr-12/net", holder: "pr-13/e/1/app/1", place: 2 } },
      'Waits for "terraform:app/pr-12/net", which task "app" of stack "pr-13" holds; place 2 in the queue.',
    ],
    [
      { status: "running", owner: "w1", leaseUntil: NOW + 1, progressMessage: "creating" },
      "Running for 1m 5s: creating (worker w1)",
    ],
    [
      { status: "running", owner: "w1", leaseUntil: NOW - 4_000 },
      "The worker w1 has been silent since its lease expired 4s ago; another worker takes over.",
    ],
    [
      { status: "suspended", pollDueAt: NOW + 3 * 3_600_000, progressMessage: "3 of 9" },
      "Running for 1m 5s: 3 of 9 (checked again in 3h 0m)",
    ],
    [
      { status: "suspended", pollDueAt: NOW + 60_000, progressMessage: "closed", opensAt: NOW + 3 * 3_600_000 },
      "Waits for 1m 5s: closed (can continue in 3h 0m)",
    ],
    [
      { status: "running", leaseUntil: NOW + 60_000, progressMessage: "closed", opensAt: NOW + 3 * 3_600_000 },
      "Waits for 1m 5s: closed (can continue in 3h 0m)",
    ],
    [
      { status: "running", owner: "w1", leaseUntil: NOW - 4_000, opensAt: NOW + 3 * 3_600_000 },
      "The worker w1 has been silent since its lease expired 4s ago; another worker takes over.",
    ],
    [{ status: "suspended", pollDueAt: NOW + 60_000, opensAt: NOW }, "Running for 1m 5s (checked again in 1m 0s)"],
    [
      { status: "running", leaseUntil: NOW + 1, cancelling: "timed-out" },
      "It is being stopped because it timed out, and has not ended yet.",
    ],
    [{ status: "settled" }, "Its result is waiting to be applied."],
  ] as const)("says why a pending task waits: %j", (attempt, sentence) => {
    expect(why(attempt)).toBe(sentence);
  });

  it("returns when what a task waits for can open, as data", () => {
    const opensAt = NOW + 3 * 3_600_000;
    const stack = aStack({ state: "BUILD", entry: 1, tasks: ["app"] });
    const attempts = [anAttempt({ status: "suspended", pollDueAt: NOW + 60_000, opensAt })];

    const { attemptId } = anAttempt({});
    const { waitsFor, tasks } = explainStack({ stack, attempts, parked: [] }, NOW);
    expect(tasks[0]?.waitsFor).toEqual({ kind: "opening", attemptId, at: opensAt });
    expect(waitsFor).toEqual({ kind: "opening", task: "app", attemptId, at: opensAt });
  });

  it("speaks of the newest attempt of the present entry only", () => {
    const stack = aStack({ state: "BUILD", entry: 2, tasks: ["app"] });
    const attempts = [anAttempt({ entry: 2, attempt: 2, status: "settled" }), anAttempt({ entry: 1, attempt: 9 })];

    expect(explainStack({ stack, attempts, parked: [] }, NOW).tasks[0]?.attempt?.attempt).toBe(2);
  });

  it.each([
    [{ errorMessage: "no answer", errorCode: "HTTP_CHECK_TIMED_OUT" }, "Failed (HTTP_CHECK_TIMED_OUT): no answer"],
    [{ errorMessage: "no answer" }, "Failed: no answer"],
    [{}, "Failed: no reason was reported"],
  ])("explains why a task has failed: %j", (told, expected) => {
    const stack = aStack({ tasks: [{ name: "db", status: "ERROR", ...told }] });

    expect(explainStack({ stack, attempts: [], parked: [] }, NOW).tasks[0]?.why).toBe(expected);
  });

  it("sums up what the stack waits for", () => {
    const parked: ParkedEvent = {
      event: { id: "e", stackId: "pr-12", origin: "external", message: {}, receivedAt: 0 },
      code: "EVENT_NOT_HANDLED",
      reason: '"LIVE" has no "PUSHED".',
      parkedAt: 0,
      tries: 1,
      nextTryAt: NOW + 30_000,
    };
    const summary = (stack: Parameters<typeof aStack>[0], withParked = false) =>
      explainStack({ stack: aStack(stack), attempts: [], parked: withParked ? [parked] : [] }, NOW).summary;

    expect(summary({})).toBe("Waits for an event.");
    expect(summary({}, true)).toBe(
      'An event is parked (EVENT_NOT_HANDLED: "LIVE" has no "PUSHED".); it is retried in 30s.',
    );
    expect(summary({ tasks: ["a", "b"] })).toBe("Waits for a, b. a: Its message was sent; no result has arrived.");
    expect(summary({ tasks: [{ name: "a", status: "ERROR", errorMessage: "quota" }] })).toBe(
      "Failed: a. `stackyard stacks retry pr-12` tries again.",
    );
    expect(summary({ stalled: { code: "NEXT_NOT_HANDLED", reason: "no NEXT" } })).toBe(
      "Stalled (NEXT_NOT_HANDLED): no NEXT To continue, correct the machine and move the stack to it with `stackyard stacks upgrade pr-12`. `stackyard stacks remove pr-12 --force --reason WHY` deletes its record.",
    );
  });
});

describe("explainStack, of a stack that holds secrets", () => {
  it("shows its attempts without what their workers said of one that they were not given", () => {
    const metadata = { password: "hunter22" };
    const stack = aStack({ state: "BUILD", entry: 1, tasks: ["app"], metadata, secretVersions: { password: 1 } });
    const told = anAttempt({ status: "suspended", progressMessage: "uses hunter22" });
    const silent = anAttempt({ entry: 0 });

    const explained = explainStack({ stack, attempts: [told, silent], parked: [] }, NOW);

    const shown = { ...told, progressMessage: "uses ***" };
    expect(explained.attempts).toEqual([shown, silent]);
    expect(explained.tasks[0]?.attempt).toEqual(shown);
    expect(explained.tasks[0]?.why).toContain("uses ***");
  });

  it("quotes none of them, and says that a task is queued, which its attempt knows", () => {
    const tasks = [
      { name: "db", status: "ERROR", errorMessage: "wrong password hunter22" },
      { name: "app", status: "PENDING", detail: "RUNNING" },
    ] as const;
    const stack = aStack({
      state: "BUILD",
      entry: 1,
      tasks,
      metadata: { password: "hunter22" },
      secretVersions: { password: 1 },
    });
    const queuedFor = { key: "key:hunter22", holder: "legacy", place: 1 };

    const explained = explainStack({ stack, attempts: [anAttempt({ status: "queued", queuedFor })], parked: [] }, NOW);

    expect(explained.tasks.map(({ why, detail, errorMessage }) => [why, detail, errorMessage])).toEqual([
      ["Failed: wrong password ***", undefined, "wrong password ***"],
      ['Waits for "key:***", which attempt legacy holds; place 1 in the queue.', "QUEUED", undefined],
    ]);
    expect(explained.summary).toBe(
      'Waits for app. Failed: db. app: Waits for "key:***", which attempt legacy holds; place 1 in the queue.',
    );
  });
});

describe("the outlook of a stack", () => {
  const machine = aMachineV2({
    INIT: { on: { GO: ["BUILD"] } },
    BUILD: { tasks: ["app"], on: { NEXT: ["LIVE"], FAILED: ["BROKEN"] } },
    LIVE: {},
    BROKEN: { on: { GO: ["BUILD"] } },
  });
  const lastFailure = { task: "app", state: "BUILD", entry: 1, attempt: 1, at: 5, message: "wrong: hunter22" };
  const secret = { metadata: { password: "hunter22" }, secretVersions: { password: 1 } };
  const parkedGo: ParkedEvent = {
    event: { id: "e", stackId: "pr-12", origin: "external", receivedAt: 0, message: { event: "GO" } },
    code: "EVENT_NOT_HANDLED",
    reason: "no",
    parkedAt: 0,
    tries: 1,
    nextTryAt: NOW,
  };

  it("is what it can reach by itself, parked events counted, and what its last failure has spoiled; without secrets", () => {
    const stack = aStack({ state: "BROKEN", entry: 2, lastFailure, ...secret });
    const failure = { ...lastFailure, message: "wrong: ***", missed: { states: ["LIVE"], removal: false } };

    const quiet = explainStack({ stack, machine, attempts: [], parked: [] }, NOW);
    const parked = explainStack({ stack, machine, attempts: [], parked: [parkedGo] }, NOW);

    expect([quiet.reachable, quiet.lastFailure]).toEqual([{ states: [], removal: false }, failure]);
    expect(parked.reachable?.states).toEqual(["BUILD", "LIVE", "BROKEN"]);
  });

  it("is not known without a machine", () => {
    const { reachable, lastFailure: shown } = explainStack(
      { stack: aStack({ lastFailure }), attempts: [], parked: [] },
      NOW,
    );

    expect([reachable, shown]).toEqual([undefined, lastFailure]);
  });
});

const machine = aMachine({ LIVE: { on: { PUSHED: [], MERGED: [], NEXT: [], TIMEOUT: [] } }, EMPTY: {} });

function sum(stack: Partial<Omit<Stack, "tasks">>, more: Partial<SummaryFacts> = {}) {
  const facts = { stack: aStack({ state: "LIVE", ...stack }), machine, parked: [], attempts: [], now: NOW, tasks: [] };
  return summarise({ ...facts, ...more });
}

describe("what a quiet stack waits for", () => {
  it("names the events that its state handles", () => {
    expect(sum({})).toEqual({
      why: "Waits for an event: PUSHED, MERGED.",
      waitsFor: { kind: "event", events: ["PUSHED", "MERGED"] },
    });
    expect(sum({ state: "EMPTY" })).toEqual({ why: "Waits for an event.", waitsFor: { kind: "event" } });
  });

  it("names the event that comes by itself first", () => {
    const timers = [
      { id: "1/after/1", event: "WARN", dueAt: NOW + 90_000 },
      { id: "1/after/0", event: "MERGED", dueAt: NOW + 60_000 },
    ];

    expect(sum({ timers })).toEqual({
      why: "Waits for an event: PUSHED, MERGED. MERGED is sent automatically in 1m 0s.",
      waitsFor: { kind: "timer", event: "MERGED", at: NOW + 60_000, events: ["PUSHED", "MERGED"] },
    });
  });

  it("says that its time is over", () => {
    expect(sum({ overdue: true })).toEqual({
      why: "Overdue: the state has timed out and does not handle TIMEOUT. Waits for an event: PUSHED, MERGED.",
      waitsFor: { kind: "operator", events: ["PUSHED", "MERGED"] },
    });
  });

  it("names the parked event and its next try", () => {
    const event = {
      id: "e7",
      stackId: "pr-12",
      origin: "external",
      message: { event: "KEEP" },
      receivedAt: 0,
    } as const;
    const parked = { event, code: "EVENT_NOT_HANDLED", reason: "no", parkedAt: 0, tries: 1, nextTryAt: NOW + 30_000 };

    expect(sum({}, { parked: [parked] })).toEqual({
      why: "The event KEEP is parked (EVENT_NOT_HANDLED: no); it is retried in 30s.",
      waitsFor: { kind: "parked", eventId: "e7", event: "KEEP", code: "EVENT_NOT_HANDLED", at: NOW + 30_000 },
    });
  });
});

describe("what a stack without tasks that waits for runs of earlier states says", () => {
  const runs = [{ attemptId: "pr-12/e/1/old/1", entry: 1, task: "old", attempt: 1, dispatchedAt: 0 }];

  it("is which ones", () => {
    expect(sum({ entry: 2, runs, awaitsRuns: true })).toEqual({
      why: 'Waits for a run of an earlier state to end: "old".',
      waitsFor: { kind: "leaving", tasks: ["old"], attemptId: "pr-12/e/1/old/1" },
    });
  });

  it("is nothing of them where they are abandoned", () => {
    expect(sum({ entry: 2, runs }).waitsFor).toEqual({ kind: "event", events: ["PUSHED", "MERGED"] });
  });
});

describe("what a stack that cannot continue needs", () => {
  it("is an event from outside where it runs in circles", () => {
    expect(sum({ stalled: { code: "LOOP_LIMIT", reason: "1,000 entries." } })).toEqual({
      why: "Stalled (LOOP_LIMIT): 1,000 entries. Find the cause of the loop, then send an event to continue.",
      waitsFor: { kind: "operator", code: "LOOP_LIMIT", events: ["PUSHED", "MERGED"] },
    });
  });

  it("is one of its events, or another revision", () => {
    const stalled = { code: "EVENT_NOT_HANDLED", reason: '"LIVE" has no "NEXT".' };

    expect(sum({ stalled }).why).toBe(
      'Stalled (EVENT_NOT_HANDLED): "LIVE" has no "NEXT". Send one of PUSHED, MERGED, or correct the machine: the stack follows its newest revision.',
    );
    expect(sum({ stalled, state: "EMPTY" }).why).toMatch(
      /To continue, correct the machine.*`stackyard stacks remove pr-12 --force --reason WHY` deletes its record\.$/,
    );
  });

  it("is a retry, where a task has failed and none runs", () => {
    const tasks = [
      { name: "db", status: "ERROR", errorCode: "QUOTA", why: "Failed" },
      { name: "app", status: "PENDING", detail: "WAITING", why: "Waits", waitsFor: { kind: "need" } },
    ] as const;

    expect(sum({ failed: true }, { tasks })).toEqual({
      why: "Failed: db. `stackyard stacks retry pr-12` tries again. The state also handles PUSHED, MERGED.",
      waitsFor: { kind: "operator", tasks: ["db"], code: "QUOTA" },
    });
  });
});

describe("what a stack that works waits for", () => {
  it("is the task that waits for no other one of it", () => {
    const tasks = [
      { name: "app", status: "PENDING", why: "Waits for db", waitsFor: { kind: "need", tasks: ["db"] } },
      { name: "db", status: "PENDING", why: "Runs.", waitsFor: { kind: "lease", worker: "w1" } },
    ] as const;

    expect(sum({}, { tasks })).toEqual({
      why: "Waits for app, db. db: Runs.",
      task: { name: "db", why: "Runs." },
      waitsFor: { task: "db", kind: "lease", worker: "w1" },
    });
  });

  it("is followed by how many events are parked meanwhile", () => {
    const tasks = [{ name: "db", status: "PENDING", why: "Runs.", waitsFor: { kind: "lease", worker: "w1" } }] as const;
    const event = {
      id: "e7",
      stackId: "pr-12",
      origin: "external",
      message: { event: "KEEP" },
      receivedAt: 0,
    } as const;
    const parked = { event, code: "EVENT_NOT_HANDLED", reason: "no", parkedAt: 0, tries: 1 };
    const next = [NOW + 60_000, NOW + 30_000].map((nextTryAt) => ({ ...parked, nextTryAt }));

    expect(sum({}, { tasks, parked: next.slice(0, 1) }).why).toBe(
      "db: Runs. (1 event is parked and retried within 1m 0s.)",
    );
    expect(sum({}, { tasks, parked: next }).why).toMatch(/ \(2 events are parked and retried within 30s\.\)$/);
  });
});
