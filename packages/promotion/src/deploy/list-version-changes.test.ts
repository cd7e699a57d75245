import { describe, expect, it } from "vitest";
import type { DeployRow, Value } from "./deploy-row.ts";
import { listVersionChanges, type TaskChanges } from "./list-version-changes.ts";
import type { PlanEntry } from "./plan-entry.ts";

const aRow = (stack: string, changes: Partial<DeployRow> = {}): DeployRow => ({
  stack,
  wave: 0,
  try: 1,
  state: "done",
  at: 0,
  ...changes,
});

const had = (value: Value) => ({ from: { api: { value } } });

const anEntry = (task: string, stack: string, from: Value, does: PlanEntry["does"] = "move"): PlanEntry => ({
  task,
  stack,
  incarnation: "1",
  revision: "r",
  wave: "all",
  does,
  from: { api: from },
  to: { api: "1.42.0" },
  show: {},
  tasks: [],
  end: "LIVE",
  isWhole: true,
});

const aTask = (
  task: string,
  rows: readonly DeployRow[] | undefined,
  planned: readonly PlanEntry[] = [],
): TaskChanges => ({
  task,
  sent: rows && { state: { op: "send", metadata: { api: "1.42.0" } }, rows },
  planned,
});

const list = (...tasks: readonly TaskChanges[]) =>
  listVersionChanges(tasks).map(({ from = "none", tasks: names, stacks }) => `${from}: ${names.join(" ")}, ${stacks}`);

describe("listVersionChanges", () => {
  it("counts from what each environment had, not from the newest release (octopus#9527, azure-devops-docs#7095)", () => {
    const staging = aTask("staging", [aRow("s", had("1.41.9"))]);
    const production = aTask("production", [aRow("p", had("1.40.0"))]);

    expect(list(staging, production)).toEqual(["1.41.9: staging, 1", "1.40.0: production, 1"]);
  });

  it("counts stacks of several tasks with the same versions together, and of one task those with most stacks first", () => {
    const rows = [aRow("t1", had("1.40.9")), aRow("t2", had("1.41.0")), aRow("t3", had("1.41.0"))];

    expect(list(aTask("production", [aRow("p", had("1.41.0"))]), aTask("tenants", rows))).toEqual([
      "1.41.0: production tenants, 3",
      "1.40.9: tenants, 1",
    ]);
  });

  it("keeps what was before the first event when a send fails and is retried (sfdx-git-delta#592, caseflow#7928)", () => {
    const rows = [
      aRow("t1", { ...had("1.41.0"), state: "failed", code: "STACK_BROKEN" }),
      aRow("t2", { ...had("1.41.0"), state: "waiting", try: 2 }),
    ];

    expect(list(aTask("tenants", rows, [anEntry("tenants", "t1", "1.42.0")]))).toEqual(["1.41.0: tenants, 2"]);
  });

  it("takes what is not sent yet from the plan, and what is neither sent nor planned from nowhere (kargo#6091)", () => {
    const planned = [
      anEntry("tenants", "t1", "1.40.0"),
      anEntry("tenants", "t2", "1.41.0"),
      anEntry("tenants", "new", null, "create"),
      anEntry("tenants", "same", "1.42.0", "same"),
      anEntry("tenants", "moving", "1.40.0", "moving"),
      anEntry("tenants", "bad", "1.40.0", "fails"),
      anEntry("production", "p", "1.39.0"),
    ];
    const waiting = aRow("t2", { state: "waiting", try: 0 });

    expect(list(aTask("tenants", [aRow("t1", had("1.41.0")), waiting], planned))).toEqual([
      "1.41.0: tenants, 2",
      "none: tenants, 1",
    ]);
    expect(list(aTask("tenants", undefined, planned))).toContain("1.40.0: tenants, 1");
    expect(list(aTask("tenants", [waiting]))).toEqual([]);
  });

  it("says nothing of stacks that were undone, had the values already or do not exist", () => {
    const planned = ["t1", "t2", "t3"].map((stack) => anEntry("tenants", stack, "1.41.0"));
    const rows = [
      aRow("t1", { state: "undone" }),
      aRow("t2", { state: "unchanged" }),
      aRow("t3", { state: "skipped", code: "STACK_REMOVED" }),
      aRow("t4", had("1.42.0")),
    ];

    expect(list(aTask("tenants", rows, planned))).toEqual([]);
    const undo = {
      task: "back",
      sent: { state: { op: "undo" as const, metadata: { api: "1" } }, rows: [aRow("a", had("2"))] },
    };
    expect(list({ ...undo, planned: [] })).toEqual([]);
  });

  it("has each key that changes, and no key that stays as it was (kargo#6470)", () => {
    const from = { api: { value: "1" }, web: { value: "7" }, replicas: {} };
    const metadata = { api: "2", web: "7", replicas: 3 };

    expect(
      listVersionChanges([
        { task: "all", sent: { state: { op: "send", metadata }, rows: [aRow("a", { from })] }, planned: [] },
      ]),
    ).toEqual([
      { key: "api", from: "1", to: "2", tasks: ["all"], stacks: 1 },
      { key: "replicas", to: 3, tasks: ["all"], stacks: 1 },
    ]);
  });
});
