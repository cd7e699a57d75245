import { expect, it } from "vitest";
import { aStack } from "../testing/a-stack.ts";
import { toFailedSentence } from "./stack-sentence.tsx";

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

it("leaves the sentence of the server where nothing failed, where work goes on, and of a stalled stack", () => {
  const pending = { name: "app", status: "PENDING" as const, why: "Runs." };
  const cancelled = { name: "app", status: "ERROR" as const, detail: "CANCELLED", why: "Cancelled." };

  expect(toFailedSentence(aStack({ tasks: [pending] }))).toBeUndefined();
  expect(toFailedSentence(aStack({ tasks: [cancelled] }))).toBeUndefined();
  expect(toFailedSentence(aStack({ stalled: { code: "LOOP_LIMIT", reason: "Loops." } }))).toBeUndefined();
});
