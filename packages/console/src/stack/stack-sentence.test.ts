import { describe, expect, it } from "vitest";
import { anAttempt, aStack } from "../testing/a-stack.ts";
import { toBusySentence, toFailedSentence } from "./stack-sentence.tsx";

it("begins with what failed and why, then what waits for it", () => {
  const { tasks } = aStack();
  const waiting = { name: "app", status: "PENDING" as const, detail: "WAITING", why: "Waits." };

  expect(toFailedSentence(aStack({ tasks: [...tasks, waiting] }))).toEqual({
    failed: [{ task: "database", text: "failed: no room for another database" }],
    waiting: ["app"],
    events: [],
  });
});

it("says of a degraded stack what failed where, and which events lead on", () => {
  const { failed: _, ...plain } = aStack({ tasks: [], degraded: true });
  const lastFailure = { task: "smoke", state: "DEPLOY", entry: 1, attempt: 1, at: plain.createdAt };
  const waitsFor = { kind: "event" as const, events: ["RELEASED"] };

  expect(
    toFailedSentence({ ...plain, waitsFor, lastFailure: { ...lastFailure, code: "SMOKE", message: "503.\n at x" } }),
  ).toEqual({ failed: [{ task: "smoke", text: "failed in DEPLOY: 503" }], waiting: [], events: ["RELEASED"] });
});

it("says what a task has left undone, which has not failed", () => {
  const { failed: _, ...plain } = aStack({ tasks: [], degraded: true });
  const message = "43 of 45 stacks have arrived, 2 have failed: STACK_BROKEN 2.";
  const left = { task: "tenants", state: "PRODUCTION", entry: 1, attempt: 1, at: plain.createdAt, message };

  expect(toFailedSentence({ ...plain, lastFailure: { ...left, partial: true } })?.failed).toEqual([
    { task: "tenants", text: "in PRODUCTION: 43 of 45 stacks have arrived, 2 have failed: STACK_BROKEN 2" },
  ]);
});

it("leaves the sentence of the server where nothing failed, where work continues, and of a stalled stack", () => {
  const pending = { name: "app", status: "PENDING" as const, why: "Runs." };
  const cancelled = { name: "app", status: "ERROR" as const, detail: "CANCELLED", why: "Cancelled." };

  expect(toFailedSentence(aStack({ tasks: [pending] }))).toBeUndefined();
  expect(toFailedSentence(aStack({ tasks: [cancelled] }))).toBeUndefined();
  expect(toFailedSentence(aStack({ stalled: { code: "LOOP_LIMIT", reason: "Loops." } }))).toBeUndefined();
});

describe("a stack whose tasks run", () => {
  const NOW = Date.parse("2026-11-20T03:30:00Z");
  const attempt = anAttempt({ task: "app", status: "suspended", progressMessage: "apply: 14 of 22 resources." });
  const app = {
    name: "app",
    status: "PENDING",
    detail: "RUNNING",
    why: "Runs.",
    attempt,
    waitsFor: { kind: "poll" },
  } as const;
  const smoke = {
    name: "smoke",
    status: "PENDING",
    detail: "WAITING",
    why: "Waits.",
    waitsFor: { kind: "need" },
  } as const;

  it("says what runs since when with its progress, then what waits for it", () => {
    expect(toBusySentence(aStack({ tasks: [app, smoke] }), NOW)).toEqual({
      running: [{ task: "app", since: attempt.dispatchedAt, progress: ": apply: 14 of 22 resources" }],
      waiting: ["smoke"],
    });
  });

  it("says until when a task waits, as the server knows it", () => {
    const at = "2026-11-27T08:00:00Z";
    const { running } = toBusySentence(aStack({ tasks: [{ ...app, waitsFor: { kind: "opening", at } }] }), NOW) ?? {};

    expect(running).toEqual([
      { task: "app", since: attempt.dispatchedAt, progress: ": apply: 14 of 22 resources", opensAt: at },
    ]);
  });

  it.each([
    ["of a worker that is silent", { tasks: [{ ...app, waitsFor: { kind: "lease", at: "2026-11-20T03:29:00Z" } }] }],
    ["of a task that is being stopped", { tasks: [{ ...app, attempt: { ...attempt, cancelling: "cancelled" } }] }],
    [
      "of another task that waits for a key",
      { tasks: [app, { ...smoke, detail: "QUEUED", waitsFor: { kind: "key" } }] },
    ],
    ["of another task that has failed", { tasks: [app, { ...smoke, status: "ERROR" }] }],
    ["of a task that waits alone", { tasks: [smoke] }],
    ["of a stalled stack", { tasks: [app], stalled: { code: "LOOP_LIMIT", reason: "Loops." } }],
    ["where an event is parked", { tasks: [app], parked: [{}] }],
  ] as const)("leaves the sentence of the server %s", (_, changes) => {
    expect(toBusySentence(aStack(changes as never), NOW)).toBeUndefined();
  });
});
