import { describe, expect, it } from "vitest";
import type { Stack } from "../../machine/stack.ts";
import { aMachine, aStack } from "../../testing/builders.ts";
import { type SummaryFacts, summarise } from "../explain-stack.ts";

const NOW = 1_000_000;
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
      why: "Waits for an event: PUSHED, MERGED. MERGED comes by itself in 1m 0s.",
      waitsFor: { kind: "timer", event: "MERGED", at: NOW + 60_000, events: ["PUSHED", "MERGED"] },
    });
  });

  it("says that its time is over", () => {
    expect(sum({ overdue: true })).toEqual({
      why: "Overdue: the state's time is over, and nothing handles that. Waits for an event: PUSHED, MERGED.",
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
      why: "The event KEEP is parked (EVENT_NOT_HANDLED: no); it is tried again in 30s.",
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

describe("what a stack that cannot go on needs", () => {
  it("is an event from outside where it runs in circles", () => {
    expect(sum({ stalled: { code: "LOOP_LIMIT", reason: "1,000 entries." } })).toEqual({
      why: "Stalled (LOOP_LIMIT): 1,000 entries. Look why it runs in circles; an event from outside lets it go on.",
      waitsFor: { kind: "operator", code: "LOOP_LIMIT", events: ["PUSHED", "MERGED"] },
    });
  });

  it("is one of its events, or another revision", () => {
    const stalled = { code: "EVENT_NOT_HANDLED", reason: '"LIVE" has no "NEXT".' };

    expect(sum({ stalled }).why).toBe(
      'Stalled (EVENT_NOT_HANDLED): "LIVE" has no "NEXT". Send one of PUSHED, MERGED, or correct the machine: the stack follows its newest revision.',
    );
    expect(sum({ stalled, state: "EMPTY" }).why).toMatch(
      /To go on, correct the machine.*`stackyard stacks remove pr-12 --force --reason WHY` forgets it\.$/,
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
      "Waits for db. db: Runs. (1 event is parked, tried again in 1m 0s or before.)",
    );
    expect(sum({}, { tasks, parked: next }).why).toMatch(/ \(2 events are parked, tried again in 30s or before\.\)$/);
  });
});
