import { describe, expect, it } from "vitest";
import { anAttempt, aStack } from "../../testing/a-stack.ts";
import { findNextStep } from "./next-step.ts";

const url = { url: "https://pr-12.example.org/" };
const approval = {
  id: "a1",
  stackId: "pr-12",
  machine: "review-app",
  state: "BUILD",
  task: "sign-off",
  from: ["managers"],
  count: 1,
  need: 1,
  own: false,
  comment: "optional",
  given: [],
  askedAt: "2026-11-20T03:00:00Z",
  expiresAt: "2026-11-21T03:00:00Z",
} as const;
const running = { name: "app", status: "PENDING", why: "Running." } as const;
const failed = { name: "app", status: "ERROR", why: "It broke." } as const;
const atRest = { tasks: [], attempts: [], metadata: {} };

describe("findNextStep", () => {
  it.each([
    ["retries what has failed", { tasks: [running, failed] }, "retry"],
    ["retries before it asks for a decision", { tasks: [failed], approvals: [approval] }, "retry"],
    ["reviews what waits for a person", { tasks: [running], approvals: [approval] }, "review"],
    ["leads out of a degraded stack by an event", { ...atRest, degraded: true, metadata: url }, "send"],
    ["follows what runs", { tasks: [running], attempts: [anAttempt()], metadata: url }, "log"],
    ["opens what the stack is for", { ...atRest, metadata: url }, "open"],
    ["opens no address that is not one", { ...atRest, metadata: { url: "javascript:alert(1)" } }, "send"],
    ["sends an event to what has no address", atRest, "send"],
    [
      "shows the log of a job, which has no events",
      { ...atRest, machine: "stackyard.run", attempts: [anAttempt()] },
      "log",
    ],
    ["offers nothing for a job that has not begun", { ...atRest, machine: "stackyard.run" }, undefined],
  ])("%s", (_, changes, step) => {
    expect(findNextStep(aStack(changes))).toBe(step);
  });
});
