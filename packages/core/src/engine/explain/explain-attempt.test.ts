import { describe, expect, it } from "vitest";
import type { AttemptView } from "../../ports/attempt-store.ts";
import { explainAttempt } from "../explain-task.ts";
import type { YardProcess } from "../process-registry.ts";

const NOW = 1_000_000;
const ID = "pr-12/e/1/app/1";

function explain(attempt: Partial<AttemptView>, workers?: readonly YardProcess[]) {
  const view: AttemptView = {
    ...{ attemptId: ID, stackId: "pr-12", task: "app", entry: 1, attempt: 1, status: "unclaimed", executor: "ecs" },
    ...{ dispatchedAt: NOW - 12_000, deadlineAt: NOW + 3_600_000, token: 0, heldKeys: [] },
    ...attempt,
  };
  return explainAttempt(view, { now: NOW, workers });
}

function aWorker(worker: Partial<YardProcess> = {}): YardProcess {
  return {
    ...{ id: "w1", roles: ["worker"], version: "1", host: "host-1", executors: ["ecs"] },
    ...{ capacity: 8, running: 8, draining: false, startedAt: 0, seenAt: NOW - 3_000 },
    ...worker,
  };
}

describe("an attempt that nobody has taken", () => {
  it.each([
    [undefined, "No worker has taken it for 12s."],
    [[], 'No live worker that has the executor "ecs" is there; it waits for 12s. Start one.'],
    [
      [aWorker({ executors: ["lambda"] })],
      'No live worker that has the executor "ecs" is there; it waits for 12s. Start one.',
    ],
    [
      [aWorker({ roles: ["engine"] })],
      'No live worker that has the executor "ecs" is there; it waits for 12s. Start one.',
    ],
    [
      [aWorker({ draining: true })],
      'No live worker that has the executor "ecs" is there; it waits for 12s. Start one.',
    ],
    [
      [aWorker()],
      'No worker has taken it for 12s; there is 1 live worker that has the executor "ecs", with 8 of 8 places taken.',
    ],
    [
      [aWorker(), aWorker({ id: "w2", running: 1 })],
      'No worker has taken it for 12s; there are 2 live workers that have the executor "ecs", with 9 of 16 places taken.',
    ],
  ])("says whether somebody could: %#", (workers, why) => {
    expect(explain({}, workers)).toEqual({ why, waitsFor: { kind: "worker", attemptId: ID, executor: "ecs" } });
  });
});

describe("an attempt that runs", () => {
  const running = { status: "running", owner: "w1", leaseUntil: NOW + 9_000 } as const;

  it("names its worker, and when that was seen last", () => {
    expect(explain(running, [aWorker()])).toEqual({
      why: "Runs at worker w1 (host-1, seen 3s ago) since 12s",
      waitsFor: { kind: "lease", attemptId: ID, worker: "w1", at: NOW + 9_000 },
    });
    expect(explain(running, [aWorker({ id: "w9" })]).why).toBe("Runs at worker w1 since 12s");
  });

  it("says why it was asked to stop, and who has it", () => {
    expect(explain({ ...running, cancelling: "requested" }, [aWorker()])).toEqual({
      why: "It was asked to stop, because it was cancelled, and has not confirmed it yet. Worker w1 (host-1, seen 3s ago) has it.",
      waitsFor: { kind: "cancel", attemptId: ID, worker: "w1" },
    });
  });
});

describe("an attempt that waits for a key", () => {
  it("names the holder's stack and task, and the place in the queue", () => {
    const queuedFor = { key: "key:db", holder: "pr%2F7/e/4/network/2", place: 3 };

    expect(explain({ status: "queued", queuedFor })).toEqual({
      why: 'Waits for "key:db", which task "network" of stack "pr/7" holds; place 3 in the queue.',
      waitsFor: {
        ...{ kind: "key", key: "key:db", place: 3 },
        ...{ attemptId: "pr%2F7/e/4/network/2", stackId: "pr/7", task: "network" },
      },
    });
  });
});
