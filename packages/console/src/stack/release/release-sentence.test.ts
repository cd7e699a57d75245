import type { Deploy, StackDetails } from "@stackyard/sdk";
import { expect, it } from "vitest";
import { aStack } from "../../testing/a-stack.ts";
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
  const { failed: _, ...plain } = aStack({ tasks: [], parts: [], ...stack });
  return toReleaseParts({ stack: plain, deploys: [], calendar: undefined, now: NOW, ...facts });
}
const endedAt = "2026-11-26T11:00:00Z";

it("begins with what is sent: how many arrived, how many failed, and what the rest waits for", () => {
  const window = { calendar: "office", tasks: ["tenants"], waiting: 22, isOpen: false, opensAt, open: [] };
  const calendar = { windows: [{ ...window, zone: "UTC" }], freezes: [] };
  const deploys = [aDeploy({ done: 27, sent: 2, failed: 1, waiting: 22 })];

  expect(say({ tasks: [aTask("tenants")] }, { deploys, calendar })).toEqual([
    {
      kind: "sent",
      task: "tenants",
      text: "27 of 52 arrived, 2 on their way",
      failed: 1,
      next: { text: "22 stacks of rest are sent when window office opens", at: opensAt },
    },
  ]);
});

it("describes other tasks by the parts of the stack, without those that wait for another task", () => {
  const parts: StackDetails["parts"] = [
    { kind: "failed", names: ["tenants"], does: "failed", why: "2 have failed" },
    { kind: "waits", names: ["soak"], does: "waits", next: { does: "it can continue", at: opensAt } },
    { kind: "needs", names: ["then"], does: "waits for them" },
    { kind: "parked", names: [], does: "1 event is parked" },
  ];

  const said = say({ tasks: [aTask("tenants"), aTask("soak")], parts }, { deploys: [aDeploy({ failed: 2 })] });
  expect(said.slice(1)).toEqual([parts[1], parts[3]]);
});

it("says after its end what arrived, where it rests, and what is possible", () => {
  const waitsFor = { kind: "event" as const, events: ["ROLLBACK"] };
  const deploys = [aDeploy({ done: 84 }, { endedAt }), aDeploy({ done: 1 }, { endedAt, task: "staging" })];

  expect(say({ state: "DONE", waitsFor }, { deploys })).toEqual([
    { kind: "sent", text: "All 85 stacks have arrived" },
    { kind: "sent", text: "It rests in DONE; ROLLBACK is possible" },
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
    { kind: "sent", task: "tenants", text: "43 of 45 arrived", failed: 2 },
    { kind: "sent", text: "It rests in DONE" },
  ]);
});

it("does not count what was skipped as arrived", () => {
  const deploys = [aDeploy({ done: 2, unchanged: 1, skipped: 1 }, { endedAt })];

  expect(say({ state: "DONE" }, { deploys })[0]).toEqual({
    kind: "sent",
    text: "3 of 4 stacks have arrived, 1 skipped",
  });
});
