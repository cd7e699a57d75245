import { describe, expect, it } from "vitest";
import type { Stack } from "../machine/stack.ts";
import type { AttemptView, ParkedEvent } from "../ports/stack-store.ts";
import { aMachine, aStack } from "../testing/builders.ts";
import { explainStack } from "./explain-stack.ts";

const NOW = 1_000_000;
const SINCE = NOW - 65_000;
const LATER = NOW + 3_600_000;

function anAttempt(task: string, changes: Partial<AttemptView> = {}): AttemptView {
  return {
    attemptId: `pr-12/e/1/${task}/1`,
    stackId: "pr-12",
    task,
    entry: 1,
    attempt: 1,
    status: "suspended",
    pollDueAt: NOW + 60_000,
    dispatchedAt: SINCE,
    deadlineAt: LATER,
    token: 0,
    heldKeys: [],
    ...changes,
  };
}

const machine = aMachine(
  { DEPLOY: { tasks: ["app", "seed", "smoke"], on: { RELEASED: ["DONE"], DESTROY: ["DONE"] } }, DONE: {} },
  { version: 2, tasks: { app: {}, seed: { needs: ["app"] }, smoke: {} } },
);

function listParts(stack: Stack, facts: { attempts?: readonly AttemptView[]; parked?: readonly ParkedEvent[] } = {}) {
  const { attempts = [], parked = [] } = facts;
  return explainStack({ stack, attempts, parked, machine }, NOW).parts;
}

function aBuild(changes: Parameters<typeof aStack>[0]): Stack {
  return aStack({ state: "DEPLOY", entry: 1, ...changes });
}

const failedApp = { name: "app", status: "ERROR", errorCode: "NO_ROOM", errorMessage: "no room\n at x.ts" } as const;

describe("the parts of an explanation", () => {
  it("name each failure with its reason, by the code where no message says it (pi-workflow#15, tektoncd/pipeline#8407)", () => {
    const stack = aBuild({ tasks: [failedApp, { name: "smoke", status: "ERROR", errorCode: "SMOKE" }] });

    expect(listParts(stack)).toEqual([
      { kind: "failed", names: ["app"], does: "failed", why: "no room\n at x.ts" },
      { kind: "failed", names: ["smoke"], does: "failed", why: "SMOKE" },
    ]);
  });

  it("say that a person has cancelled, which is not a failure of the task (tektoncd/cli#490)", () => {
    expect(listParts(aBuild({ tasks: [{ name: "app", status: "ERROR", detail: "CANCELLED" }] }))).toEqual([
      { kind: "failed", names: ["app"], does: "was cancelled" },
    ]);
  });

  it("quote no secret of the stack", () => {
    const tasks = [{ name: "app", status: "ERROR", errorMessage: "denied for hunter2hunter2" } as const];
    const stack = aBuild({ tasks, metadata: { password: "hunter2hunter2" }, secretVersions: { password: 1 } });

    const [part] = listParts(stack);
    expect(part?.why).toContain("denied for");
    expect(JSON.stringify(part)).not.toContain("hunter2");
  });

  it("name what a stack has left behind, and the events that lead on", () => {
    const left = { task: "smoke", state: "TEST", entry: 1, attempt: 1, at: NOW, code: "SMOKE", message: "503." };
    const stack = aBuild({ tasks: [], lastFailure: left });

    expect(listParts(stack)).toEqual([
      { kind: "left", names: ["smoke"], does: "failed in TEST", why: "503." },
      { kind: "events", names: ["RELEASED", "DESTROY"], does: "lead on" },
    ]);
    expect(listParts({ ...stack, lastFailure: { ...left, partial: true } })[0]?.does).toBe("in TEST");
  });

  it.each([
    ["runs", { status: "suspended" }, { kind: "runs", does: "runs" }],
    ["runs on a worker", { status: "running", owner: "w1", leaseUntil: NOW + 1 }, { kind: "runs", does: "runs" }],
    [
      "waits for an opening",
      { opensAt: LATER },
      { kind: "waits", does: "waits", next: { does: "it can continue", at: LATER } },
    ],
  ] as const)("say since when a task %s, and its progress", (_, attempt, expected) => {
    const attempts = [anAttempt("app", { ...attempt, progressMessage: "14 of 22" })];

    expect(listParts(aBuild({ tasks: ["app"] }), { attempts })).toEqual([
      { names: ["app"], since: SINCE, why: "14 of 22", ...expected },
    ]);
  });

  it.each([
    [
      "of a silent worker",
      { status: "running", owner: "w1", leaseUntil: NOW - 4_000 },
      /^The worker w1 has been silent/,
    ],
    ["of a task that is being stopped", { cancelling: "requested" }, /^It is being stopped/],
    ["of a task that nobody has taken", { status: "unclaimed" }, /^No worker has claimed it/],
    ["of a task in a queue", { status: "queued" }, /^It is next in a queue/],
  ] as const)("give the reason %s in place of a progress", (_, attempt, why) => {
    const parts = listParts(aBuild({ tasks: ["app"] }), { attempts: [anAttempt("app", attempt)] });

    expect(parts).toEqual([{ kind: "waits", names: ["app"], why: expect.stringMatching(why) }]);
  });

  it("say who may approve, how many more must, and until when (woodpecker#895)", () => {
    const given = [{ by: { kind: "person", id: "ada", name: "ada" }, at: NOW }] as const;
    const approval = { id: "a", from: ["managers"], count: 2, askedAt: 0, expiresAt: LATER, given };
    const tasks = [{ name: "app", status: "PENDING", detail: "APPROVING" } as const];
    const stack = aBuild({ tasks, approvals: { app: approval } });

    expect(listParts(stack)).toEqual([
      {
        kind: "waits",
        names: ["app"],
        does: "waits for 1 more approval from managers (approved: ada)",
        next: { does: "it expires", at: LATER },
      },
    ]);
  });

  it("end with what waits for those named before, with parked events and a revision that is kept", () => {
    const tasks = [failedApp, { name: "seed", status: "PENDING", detail: "WAITING" } as const];
    const parked = [{ nextTryAt: LATER, code: "UNKNOWN_METADATA", reason: "r", event: { id: "e", message: {} } }];
    const heldBack = { code: "STATE_MISSING", reason: "The newest revision has no state DEPLOY.", at: NOW };
    const stack = aBuild({ tasks, heldBack });

    expect(listParts(stack, { parked: parked as unknown as readonly ParkedEvent[] }).slice(-3)).toEqual([
      { kind: "needs", names: ["seed"], does: "waits for it" },
      { kind: "parked", names: [], does: "1 event is parked", next: { does: "retried", at: LATER } },
      { kind: "held", names: [], does: "It keeps its revision for now", why: heldBack.reason },
    ]);
  });

  it("are empty for a stack that is stalled or at rest: its sentence says all", () => {
    expect(listParts(aBuild({ tasks: [failedApp], stalled: { code: "LOOP_LIMIT", reason: "Loops." } }))).toEqual([]);
    expect(listParts(aBuild({ tasks: [] }))).toEqual([]);
  });
});
