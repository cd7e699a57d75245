import type { LastFailure, StackDetails, StackSummary } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import {
  formatFailure,
  formatFailureCell,
  formatGiven,
  formatHistoryEntry,
  formatStack,
  toOneLine,
  toWaitingRow,
} from "./stacks.ts";

const at = "2026-01-01T00:00:00.000Z";

function showProgress(kind: "lease" | "key" | "cancel", why: string, progressMessage: string): string {
  const attempt = { attemptId: "a", stackId: "s", task: "work", entry: 1, attempt: 1, status: "running" } as const;
  const times = { dispatchedAt: at, deadlineAt: at };
  return show({
    tasks: [
      {
        name: "work",
        status: "PENDING",
        why,
        waitsFor: { kind },
        attempt: { ...attempt, ...times, heldKeys: [], hasLog: false, progressMessage },
      },
    ],
  });
}

function show(more: Partial<StackDetails>): string {
  const stack: StackDetails = {
    id: "s",
    machine: "m",
    machineHash: "0".repeat(64),
    state: "RUN",
    previousState: null,
    metadata: {},
    createdAt: at,
    updatedAt: at,
    enteredAt: at,
    incarnation: "e",
    entry: 1,
    version: 1,
    summary: "Waits for work.",
    parts: [],
    tasks: [],
    attempts: [],
    parked: [],
    timers: [],
    ...more,
  };
  return formatStack(stack, { paint: (_style, text) => text }, Date.parse(at));
}

describe("two people with one name (owncloud/android#1716)", () => {
  const out = { paint: (_style: unknown, text: string) => text };
  const ada = (id: string) => ({ kind: "person" as const, id, name: "ada" });

  it("are distinguished in the lines of a history, and only there", () => {
    const line = { position: 1, at, stackId: "s", event: "DEPLOY", outcome: "applied" as const, sent: [], notes: [] };
    const lines = ["p1", "p2"].map((actorId) => ({ ...line, actor: "ada", actorId, eventId: actorId }));
    const format = (among: typeof lines) =>
      lines.map((each) => formatHistoryEntry(each, out, { among }).split("by ")[1]);

    expect(format(lines)).toEqual(["ada (p1)", "ada (p2)"]);
    expect(format(lines.slice(0, 1))).toEqual(["ada", "ada (p2)"]);
  });

  it("are distinguished among those who have approved, and who has asked", () => {
    const given = [{ by: ada("p1"), at }];

    expect(formatGiven({ given, count: 2, askedBy: ada("p2") })).toBe("1 of 2 (ada (p1))");
    expect(formatGiven({ given, count: 2, askedBy: ada("p1") })).toBe("1 of 2 (ada)");
  });
});

describe("formatStack", () => {
  it("keeps a stack degraded whose failure was acknowledged, with who, when and why (argo-cd#11473)", () => {
    const acknowledged = { at: "2025-12-31T22:00:00.000Z", by: "ada", reason: "waits for the vendor" };
    const lastFailure = { task: "smoke", state: "DEPLOY", entry: 1, attempt: 1, code: "NO_ROOM", at, acknowledged };

    const text = show({ degraded: true, mainCondition: "degraded", lastFailure });

    expect(text).toContain("RUN degraded, acknowledged");
    expect(text).toContain("NO_ROOM");
    expect(text).toContain("acknowledged by ada 2h ago: waits for the vendor");
    expect(show({ degraded: true, needsPerson: true, lastFailure })).not.toContain("RUN degraded, acknowledged");
  });

  it("prints the progress of a task once", () => {
    expect(showProgress("lease", "Running for 1s: try 4 (worker w)", "try 4")).toMatch(/1s: try 4 \(worker w\)$/);
    // The holder of the key has the same text in its name.
    expect(showProgress("key", 'Waits for "try 4".', "try 4")).toMatch(/Waits for "try 4"\. try 4$/);
  });

  it("prints why a timer has not acted", () => {
    const why = { at, code: "EVENT_NOT_HANDLED", reason: "no" };
    const timers = [
      { id: "1/after/a", event: "CLOSED", dueAt: at, refused: { ...why, givenUpAt: at } },
      { id: "1/cron/b", event: "CHECK", dueAt: at, skipped: { count: 2, ...why } },
    ];

    expect(show({ timers })).toMatch(/CLOSED +given up, was due .* \(EVENT_NOT_HANDLED: no\)/);
    expect(show({ timers })).toMatch(/CHECK +due .*; 2 skipped, the last .* \(EVENT_NOT_HANDLED: no\)/);
  });

  it("prints the pull request of a preview with its address", () => {
    const repository = { id: "1", fullName: "acme/web" };
    const url = "https://host.example/acme/web/pull/7";
    const pull = { host: "github", repository, number: 7, url, head: "1".repeat(40), owner: "ada" };

    expect(show({ pull })).toContain(`acme/web#7 ${url}`);
    expect(show({})).not.toContain("pull");
  });

  it("prints the progress when the reason does not include it", () => {
    expect(showProgress("cancel", "It was asked to stop.", "try 4")).toMatch(/asked to stop\. try 4$/);
  });
});

describe("formatStack, of a failed task", () => {
  const tasks = (["work", "other"] as const).map((name) => ({
    name,
    status: "ERROR" as const,
    why: `Failed (QUOTA): no room for ${name}`,
  }));

  it("prints the message once: with the last failure, and of other tasks in their row", () => {
    const text = show({
      state: "RUN",
      tasks,
      lastFailure: { ...failure, task: "work", state: "RUN", message: "no room for work" },
    });

    expect([text.split("no room for work").length - 1, text.split("no room for other").length - 1]).toEqual([1, 1]);
  });

  it("prints it in the row when the last failure is that of an earlier state", () => {
    const text = show({ state: "RUN", tasks, lastFailure: { ...failure, task: "work", state: "EARLIER" } });

    expect(text).toContain("Failed (QUOTA): no room for work");
  });
});

describe("a row of a list of those that wait", () => {
  const summary = (more: Partial<StackSummary>): StackSummary => ({
    id: "s",
    machine: "m",
    machineHash: "",
    state: "RUN",
    previousState: null,
    metadata: {},
    tasks: [],
    createdAt: at,
    updatedAt: at,
    enteredAt: at,
    incarnation: "e",
    entry: 1,
    version: 1,
    ...more,
  });
  const plain = { paint: (_style: string, text: string) => text };

  it("prints the state of the stack, and what it waits for", () => {
    const waiting = { summary: "Waits for db." };

    const rows = [
      summary({ waiting, overdue: true, failed: true }),
      summary({ waiting, stalled: { code: "LOOP_LIMIT", reason: "" }, failed: true }),
      summary({}),
    ].map((stack) => toWaitingRow(stack, plain, Date.parse(at) + 61_000));

    expect(rows).toEqual([
      ["s", "m", "RUN failed overdue", "1m 1s", "Waits for db."],
      ["s", "m", "RUN LOOP_LIMIT", "1m 1s", "Waits for db."],
      ["s", "m", "RUN", "1m 1s", "It is gone."],
    ]);
  });
});

const out = { paint: (_style: string, text: string) => text };
const failure: LastFailure = {
  task: "db",
  state: "BUILD",
  entry: 1,
  attempt: 2,
  at: "2026-01-01T00:00:00.000Z",
  code: "QUOTA",
  message: "terraform apply ended with exit code 1.\n\nerror: no quota",
};
const now = Date.parse("2026-01-01T00:01:00.000Z");
const format = (given: Partial<LastFailure>) =>
  formatFailure({ ...failure, ...given }, { stackId: "pr-1", out, now }).split("\n");

describe("toOneLine", () => {
  it("keeps the beginning and the end of a long text", () => {
    expect([toOneLine(" a\n b ", 10), toOneLine(`first ${"x".repeat(90)} last`, 15)]).toEqual([
      "a b",
      "first  … x last",
    ]);
  });
});

describe("the last failure of a stack", () => {
  it("says task, state, code, attempt, age, what the tool printed, and where the log is", () => {
    expect(format({})).toEqual([
      "  db of BUILD  QUOTA  attempt 2, 1m ago (2026-01-01T00:00:00.000Z)",
      "    terraform apply ended with exit code 1.",
      "    error: no quota",
      "  Log: stackyard stacks logs pr-1 db",
    ]);
  });

  it("says that it is resolved, and names no log of a task that was never sent", () => {
    expect(format({ attempt: 0, message: "", resolvedAt: "2026-01-01T00:00:30.000Z" })).toEqual([
      "  db of BUILD  QUOTA  never sent, 1m ago, resolved 30s ago (2026-01-01T00:00:00.000Z)",
    ]);
  });

  it("shows the first and the last lines of a long message", () => {
    const message = Array.from({ length: 30 }, (_, index) => `line ${index + 1}`).join("\n");

    expect(format({ message }).slice(6, 9)).toEqual(["    line 6", "    …", "    line 25"]);
  });

  it("is one cell of a list, without what was said when it is resolved", () => {
    const resolved = { ...failure, resolvedAt: failure.at };

    expect([formatFailureCell(failure, out, now), formatFailureCell(resolved, out, now)]).toEqual([
      "db QUOTA 1m ago: terraform apply ended with exit code 1. error: no quota",
      "db QUOTA 1m ago, resolved",
    ]);
  });
});
