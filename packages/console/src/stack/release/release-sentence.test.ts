import type { Deploy, StackDetails } from "@stackyard/sdk";
import { expect, it } from "vitest";
import { anAttempt, aStack } from "../../testing/a-stack.ts";
import { NO_STACKS } from "./deploy-counts.ts";
import { type ReleaseNow, toReleaseParts, toReleaseStatus } from "./release-sentence.ts";

const NOW = Date.parse("2026-11-26T12:00:00Z");
const opensAt = "2026-11-27T08:00:00Z";

const aDeploy = (counts: Partial<typeof NO_STACKS>, changes: Partial<Deploy> = {}): Deploy => ({
  task: "tenants",
  op: "send",
  event: "RELEASED",
  metadata: {},
  startedAt: "2026-11-26T10:00:00Z",
  waves: [
    { name: "rest", stacks: Object.values(counts).reduce((a, b) => a + b, 0), counts: { ...NO_STACKS, ...counts } },
  ],
  ...changes,
});
const aTask = (name: string, changes: Partial<StackDetails["tasks"][number]> = {}) => ({
  name,
  status: "PENDING" as const,
  why: "",
  ...changes,
});
function say(stack: Partial<StackDetails>, facts: Partial<ReleaseNow> = {}) {
  const { failed: _, ...plain } = aStack({ tasks: [], ...stack });
  return toReleaseParts({ stack: plain, deploys: [], calendar: undefined, now: NOW, ...facts });
}
const endedAt = "2026-11-26T11:00:00Z";

it("begins with what is sent: how many arrived, how many failed, and what the rest waits for", () => {
  const window = { calendar: "office", tasks: ["tenants"], waiting: 22, isOpen: false, opensAt, open: [] };
  const calendar = { windows: [{ ...window, zone: "UTC" }], freezes: [] };
  const deploys = [aDeploy({ done: 27, sent: 2, failed: 1, waiting: 22 })];

  expect(say({ tasks: [aTask("tenants")] }, { deploys, calendar })).toEqual([
    {
      task: "tenants",
      text: "27 of 52 arrived, 2 on their way",
      failed: 1,
      next: { text: "22 stacks of rest are sent when window office opens", at: opensAt },
    },
  ]);
});

it.each([
  ["a closed gate", { kind: "opening", at: opensAt }, "waits at a closed gate, which opens", opensAt],
  [
    "a gate whose opening is not known, whatever times its reason quotes",
    { kind: "poll" },
    "waits at a closed gate: An alarm is on: closed until 2030-01-01T00:00:00Z",
    undefined,
  ],
] as const)("names the task that waits at %s", (_, waitsFor, text, at) => {
  const progressMessage = "An alarm is on: closed until 2030-01-01T00:00:00Z.";
  const { outcome: __, ...attempt } = anAttempt({ executor: "gate", status: "suspended", progressMessage });

  expect(say({ tasks: [aTask("soak", { attempt, waitsFor })] })).toEqual([
    { task: "soak", text, ...(at !== undefined && { at }) },
  ]);
});

it("says how many have approved and until when, and leaves out what waits for another task", () => {
  const approvals = [
    {
      id: "a",
      stackId: "pr-12",
      machine: "shop",
      state: "REVIEW",
      task: "sign-off",
      from: ["managers"],
      count: 2,
      need: 1,
      openedAt: endedAt,
      expiresAt: opensAt,
    },
  ] as unknown as NonNullable<StackDetails["approvals"]>;
  const tasks = [aTask("sign-off", { detail: "APPROVING" }), aTask("then", { detail: "WAITING" })];

  expect(say({ approvals, tasks })).toEqual([
    { task: "sign-off", text: "waits for approval, 1 of 2 given; it ends", at: opensAt },
  ]);
});

it("begins a failed task with what failed and why", () => {
  const tasks = [aTask("plan", { status: "ERROR", errorCode: "PLAN_FAILED", errorMessage: "No such key.\n at x.ts" })];

  expect(say({ tasks })).toEqual([{ task: "plan", text: "has failed: No such key" }]);
});

it("says after its end what arrived, where it rests, and what is possible", () => {
  const waitsFor = { kind: "event" as const, events: ["ROLLBACK"] };
  const deploys = [aDeploy({ done: 84 }, { endedAt }), aDeploy({ done: 1 }, { endedAt, task: "staging" })];

  expect(say({ state: "DONE", waitsFor }, { deploys })).toEqual([
    { text: "All 85 stacks have arrived" },
    { text: "It rests in DONE; ROLLBACK is possible" },
  ]);
});

it("is not healthy while stacks that it has sent to are failed, and says which first", () => {
  const { failed: _, ...plain } = aStack({ state: "DONE", tasks: [], mainCondition: "healthy" });
  const deploys = [aDeploy({ done: 43, failed: 2 }, { endedAt })];

  expect(toReleaseStatus(plain, deploys)).toEqual({ status: "degraded", word: "Ended, 2 failed" });
  expect(toReleaseStatus(plain, [...deploys, aDeploy({ done: 45 }, { op: "undo", endedAt })])).toEqual({
    status: "healthy",
  });
  expect(toReleaseStatus({ ...plain, mainCondition: "busy" }, deploys)).toEqual({ status: "busy" });
  const left = { task: "tenants", state: "PRODUCTION", entry: 3, attempt: 1, at: endedAt, partial: true } as const;
  const degraded = { state: "DONE", mainCondition: "degraded", degraded: true, lastFailure: left } as const;
  expect(toReleaseStatus({ ...plain, ...degraded }, deploys)).toEqual({ status: "degraded", word: "Ended, 2 failed" });
  expect(say(degraded, { deploys })).toEqual([
    { task: "tenants", text: "43 of 45 arrived", failed: 2 },
    { text: "It rests in DONE" },
  ]);
});

it("does not count what was skipped as arrived", () => {
  const deploys = [aDeploy({ done: 2, unchanged: 1, skipped: 1 }, { endedAt })];

  expect(say({ state: "DONE" }, { deploys })[0]).toEqual({ text: "3 of 4 stacks have arrived, 1 skipped" });
});
