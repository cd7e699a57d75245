import { expect, it } from "vitest";
import { formatLosses, formatVersions, toPlanFigures, toReleaseFigures } from "./ask-figures.ts";
import { findPlan } from "./find-plan.ts";

const counts = { move: 82, same: 3, create: 2, moving: 0, fails: 0 };

function aPlan(outputs: Readonly<Record<string, unknown>>) {
  const line = {
    event: "TASK_SUCCESS",
    position: 1,
    stackId: "s",
    at: "2026-01-01T00:00:00Z",
    eventId: "e",
    outcome: "applied" as const,
  };
  const plan = findPlan({}, [
    { ...line, sent: [], notes: [], task: "plan", outputs: { adds: 0, destroys: 0, ...outputs } },
  ]);
  if (plan === undefined) throw new Error("No plan.");
  return plan;
}

it("adds up what is destroyed, and says when it has not read all", () => {
  const changes = (destroys: number) => ({ changes: { adds: 1, changes: 0, destroys } });

  expect(formatLosses([changes(2), {}, changes(1)], true)).toBe("3 resources are destroyed.");
  expect(formatLosses([changes(1)], false)).toBe("At least 1 resource is destroyed.");
  expect(formatLosses([changes(0), {}], true)).toBeUndefined();
});

it("says in figures what a release would move and destroy", () => {
  const plan = { counts, runs: 169 };

  expect(toReleaseFigures(plan, [{ changes: { adds: 0, changes: 0, destroys: 2 } }], true)).toEqual([
    { text: "84 stacks move" },
    { text: "2 of them new" },
    { text: "169 tasks run" },
    { text: "2 resources are destroyed", tone: "fail" },
  ]);
});

it("says in figures what a plan of Terraform would add, destroy and cost more", () => {
  const resources = "destroys aws_db_instance.main -49.60\nadds aws_sqs_queue.invoices 161.60";

  expect(toPlanFigures(aPlan({ adds: 1, changes: 3, destroys: 1, resources, monthly_cost: 700 }))).toEqual([
    { text: "1 to add, 3 to change" },
    { text: "1 to destroy: aws_db_instance.main", tone: "fail" },
    { text: "+112.00 USD a month", tone: "warn" },
  ]);
  expect(toPlanFigures(aPlan({ unchanged: true }))).toEqual([{ text: "Nothing would change" }]);
  expect(toPlanFigures(aPlan({ adds: 2, monthly_cost: 12 }))).toEqual([
    { text: "2 to add, 0 to change" },
    { text: "12.00 USD a month, then" },
  ]);
});

it("names the versions that come, of commits only so much as people read", () => {
  const version = { tasks: ["production"], stacks: 84, isCut: false };
  const versions = [
    { ...version, key: "api", from: "1.42.0", to: "1.43.0" },
    { ...version, key: "commit", to: "4d12f0a0c4d12f0a0c4d12f0a0c4d12f0a0c4d12" },
  ];

  expect(formatVersions({ versions, more: 0 })).toBe("api 1.42.0 → 1.43.0, commit none → 4d12f0a0c");
  expect(formatVersions({ versions, more: 7 })).toMatch(/, others$/);
});
