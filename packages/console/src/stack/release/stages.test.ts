import type { Attempt, Deploy, HistoryEntry, MachineGraph, StackDetails } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import { anAttempt, anEntry, aStack } from "../../testing/a-stack.ts";
import { NO_STACKS } from "./deploy-counts.ts";
import { type ReleaseFacts, toStages } from "./stages.ts";

const state = (id: string, ...tasks: readonly string[]): MachineGraph["nodes"][number] => ({
  kind: "state",
  id,
  tasks,
  terminal: false,
  reachable: true,
});
const edge = (from: string, to: string, event: string) => ({ from, to, event, passing: false });

/** The machine of the tutorial: a hotfix passes by staging, a failure stops, and a stop can continue. */
const graph: MachineGraph = {
  nodes: [
    { kind: "start", id: "start:" },
    state("INIT"),
    state("STAGING", "staging", "soak"),
    state("REVIEW", "turn", "approve"),
    state("PRODUCTION", "production", "tenants"),
    state("DONE"),
    state("STOPPED"),
  ],
  edges: [
    { from: "start:", to: "INIT", passing: false },
    edge("INIT", "STAGING", "RELEASED"),
    edge("INIT", "REVIEW", "HOTFIX"),
    edge("STAGING", "STOPPED", "FAILED"),
    edge("STAGING", "REVIEW", "NEXT"),
    edge("REVIEW", "PRODUCTION", "NEXT"),
    edge("REVIEW", "STOPPED", "STOP"),
    edge("PRODUCTION", "DONE", "NEXT"),
    edge("STOPPED", "STAGING", "AGAIN"),
  ],
};

const at = (minute: number) => new Date(Date.UTC(2026, 10, 26, 9, minute)).toISOString();

/** Returns the history of a release that has taken these states, one each 10 minutes. */
function takes(...states: readonly string[]): readonly HistoryEntry[] {
  return states.map((to, index) => anEntry(index + 1, { from: states[index - 1] ?? "INIT", to, at: at(index * 10) }));
}

const ofTask = (task: string, entry: number, changes: Partial<Attempt> = {}): Attempt =>
  anAttempt({ task, entry, attemptId: `rel/e/${entry}/${task}/1`, outcome: "succeeded", ...changes });

/** Returns an attempt that has not ended: its key `outcome` is missing. */
function open(task: string, entry: number, changes: Partial<Attempt> = {}): Attempt {
  const { outcome: _, ...attempt } = ofTask(task, entry);
  return { ...attempt, status: "suspended", ...changes };
}

const wave = (name: string, given: Partial<typeof NO_STACKS>): Deploy["waves"][number] => {
  const all = { ...NO_STACKS, ...given };
  return { name, stacks: Object.values(all).reduce((sum, count) => sum + count, 0), counts: all };
};
const deploy = (task: string, ...waves: Deploy["waves"]): Deploy => ({
  task,
  op: "send",
  event: "RELEASED",
  metadata: {},
  startedAt: at(20),
  waves,
});

const task = (name: string, status: "PENDING" | "SATISFIED" | "ERROR", detail?: string) => ({
  name,
  status,
  why: "",
  ...(detail !== undefined && { detail }),
});

function facts(stack: Partial<StackDetails>, given: Partial<ReleaseFacts> = {}): ReleaseFacts {
  const { failed: _, ...plain } = aStack({ enteredAt: at(20), tasks: [], ...stack });
  const details: StackDetails = stack.failed === undefined ? plain : { ...plain, failed: stack.failed };
  return { graph, stack: details, attempts: [], deploys: [], entries: [], ...given };
}

const approval = {
  id: "a",
  stackId: "pr-12",
  machine: "shop-release",
  state: "REVIEW",
  task: "approve",
  from: ["release-managers"],
  count: 2,
  need: 1,
  own: false,
  comment: "optional",
  askedAt: at(21),
  expiresAt: at(90),
  given: [],
} as const;

const toWords = (given: ReleaseFacts) => toStages(given).map(({ name, word }) => `${name} ${word}`);
const present = (given: ReleaseFacts) => toStages(given).find(({ isCurrent }) => isCurrent);

describe("the stages of a release", () => {
  it("are the states from the first event on, each done, present or to come, with the time that it took", () => {
    const given = facts(
      {
        state: "PRODUCTION",
        entry: 3,
        tasks: [task("production", "SATISFIED"), task("tenants", "PENDING", "RUNNING")],
      },
      {
        entries: takes("STAGING", "REVIEW", "PRODUCTION"),
        attempts: [open("tenants", 3, { executor: "deploy" }), ofTask("staging", 1), ofTask("turn", 2)],
        deploys: [deploy("tenants", wave("canary", { done: 4 }), wave("rest", { done: 1, sent: 2, waiting: 1 }))],
      },
    );

    const stages = toStages(given);

    expect(toWords(given)).toEqual(["STAGING Done", "REVIEW Done", "PRODUCTION Busy", "DONE To come"]);
    expect(stages.map(({ from, to }) => [from, to])).toEqual([
      [at(0), at(10)],
      [at(10), at(20)],
      [at(20), undefined],
      [undefined, undefined],
    ]);
    expect(stages[2]?.tasks.map(({ note }) => note)).toEqual(["", "1 of 2 waves, 5 of 8 stacks"]);
    // Half of the tasks, and 5 of 8 stacks of the other half.
    expect(stages.map(({ share }) => share)).toEqual([1, 1, 0.8125, 0]);
    // An approval makes no attempt: it was given where the stage was passed.
    expect(stages[1]?.tasks.map(({ name, status }) => [name, status])).toEqual([
      ["turn", "succeeded"],
      ["approve", "succeeded"],
    ]);
  });

  it("say who approved what was sent, and what is possible where the release will rest", () => {
    const approved = {
      ...deploy("tenants"),
      approval: { task: "approve", by: [{ name: "eve" }, { name: "noor" }], at: at(20) },
    };
    const back = { ...graph, edges: [...graph.edges, edge("DONE", "STOPPED", "ROLLBACK")] };
    const given = facts(
      { state: "PRODUCTION", entry: 3 },
      { graph: back, deploys: [approved], entries: takes("STAGING", "REVIEW", "PRODUCTION") },
    );

    const [, review, , done] = toStages(given);

    expect(review?.tasks.map(({ name, note }) => [name, note])).toEqual([
      ["turn", ""],
      ["approve", "by eve, noor"],
    ]);
    expect(done?.events).toEqual(["ROLLBACK"]);
  });

  it("leave out what a hotfix has passed by", () => {
    const entries = takes("REVIEW", "PRODUCTION");
    expect(toWords(facts({ state: "PRODUCTION", entry: 2 }, { entries }))[0]).toBe("STAGING Left out");
  });

  it("end beside the way where a release was stopped, and say which stage was", () => {
    const given = facts({ state: "STOPPED", entry: 3 }, { entries: takes("STAGING", "REVIEW", "STOPPED") });

    expect(toWords(given)).toEqual([
      "STAGING Done",
      "REVIEW Stopped",
      "PRODUCTION To come",
      "DONE To come",
      "STOPPED At rest",
    ]);
  });

  it("are known without a history: from the state and the attempts", () => {
    expect(toWords(facts({ state: "STAGING", entry: 1 }))[0]).toBe("STAGING At rest");
    expect(toStages(facts({ state: "INIT" })).map(({ word }) => new Set([word]).size)).toEqual([1, 1, 1, 1]);
  });
});

describe("what other tools' users have missed in such views", () => {
  it("shows that a stage is at work while something of it runs, also before anything has arrived (kargo#639)", () => {
    const tasks = [task("staging", "PENDING", "RUNNING"), task("soak", "PENDING", "WAITING")];
    const attempts = [open("staging", 1, { executor: "deploy" })];
    const deploys = [deploy("staging", wave("all", { sent: 1 }))];

    const stage = present(facts({ state: "STAGING", entry: 1, tasks }, { attempts, deploys }));

    expect(stage).toMatchObject({ status: "busy", share: 0 });
    expect(stage?.tasks[0]).toMatchObject({ status: "running", note: "0 of 1 stack" });
  });

  it("says that a release only waits for its soak, and until when (kargo#5318)", () => {
    const tasks = [task("staging", "SATISFIED"), task("soak", "PENDING", "RUNNING")];
    const progressMessage = `The stacks of "staging" soak: shop counts from ${at(5)}. An alarm was on until ${at(58)}.`;
    const attempts = [ofTask("staging", 1), open("soak", 1, { executor: "gate", progressMessage, opensAt: at(55) })];

    const stage = present(facts({ state: "STAGING", entry: 1, tasks }, { attempts }));

    expect(stage).toMatchObject({ status: "waiting", word: "Held" });
    expect(stage?.tasks[1]).toMatchObject({ status: "waiting", note: "closed until", until: at(55) });
  });

  it("names the task that has failed, its code and its attempt (kargo#4753)", () => {
    const failed = { ...task("production", "ERROR"), errorCode: "STACK_BROKEN" };
    const attempts = [ofTask("production", 3, { outcome: "failed", executor: "deploy" })];
    const deploys = [deploy("production", wave("all", { failed: 1 }))];

    const stage = present(
      facts({ state: "PRODUCTION", entry: 3, failed: true, tasks: [failed] }, { attempts, deploys }),
    );

    expect(stage).toMatchObject({ status: "failed", word: "Failed" });
    expect(stage?.tasks).toEqual([
      {
        name: "production",
        status: "failed",
        note: "0 of 1 stack, 1 failed, STACK_BROKEN",
        attemptId: "rel/e/3/production/1",
      },
    ]);
  });

  it("shows how long a pause between waves lasts (argo-rollouts#1183), and no busy release meanwhile (argo-cd#2742)", () => {
    const paused = { ...wave("canary", { done: 4 }), pause: { from: at(40), to: at(100) } };
    const deploys = [deploy("tenants", paused, wave("rest", { waiting: 4 }))];
    const tasks = [task("tenants", "PENDING", "RUNNING")];
    const attempts = [open("tenants", 3, { executor: "deploy", opensAt: at(100) })];

    const stage = present(facts({ state: "PRODUCTION", entry: 3, tasks }, { attempts, deploys }));

    expect(stage).toMatchObject({ status: "waiting", word: "Held" });
    expect(stage?.tasks[0]).toMatchObject({
      note: "1 of 2 waves, 4 of 8 stacks, sends nothing until",
      until: at(100),
    });
  });

  it("does not count a stack as arrived while it is on its way (argo-rollouts#2063)", () => {
    const tasks = [task("tenants", "PENDING", "RUNNING")];
    const attempts = [open("tenants", 3, { executor: "deploy" })];
    const deploys = [deploy("tenants", wave("all", { sent: 3, done: 1 }))];

    const stage = present(facts({ state: "PRODUCTION", entry: 3, tasks }, { attempts, deploys }));

    expect(stage).toMatchObject({ share: 0.25, tasks: [{ note: "1 of 4 stacks" }] });
  });

  it("shows an open approval as one, not as a task that runs (spinnaker#768)", () => {
    const tasks = [task("turn", "SATISFIED"), task("approve", "PENDING", "APPROVING")];
    const stage = present(facts({ state: "REVIEW", entry: 2, tasks, approvals: [approval] }));

    expect(stage?.status).toBe("approval");
    expect(stage?.tasks[1]).toMatchObject({ status: "approval", note: "1 of 2 given, ends", until: at(90) });
  });

  it("shows an open approval only where the release is, not in a stage before with a task of that name", () => {
    const tasks = [task("approve", "PENDING", "APPROVING")];
    const given = { state: "PRODUCTION", entry: 3, tasks, approvals: [{ ...approval, state: "PRODUCTION" }] };

    const stages = toStages(facts(given, { entries: takes("STAGING", "REVIEW", "PRODUCTION") }));

    expect(stages.map(({ tasks: [, second] }) => second?.status)).toEqual([
      "succeeded",
      "succeeded",
      undefined,
      undefined,
    ]);
    expect(stages[2]?.tasks[0]).toMatchObject({ status: "approval", until: at(90) });
  });

  it("say what an attempt has observed, of no other attempt", () => {
    const gate = ofTask("soak", 1, { executor: "gate" });
    const noteOf = (attemptId: string) =>
      toStages(
        facts(
          { state: "REVIEW", entry: 2 },
          { attempts: [gate], entries: takes("STAGING", "REVIEW"), observed: new Map([[attemptId, "24h, alarms OK"]]) },
        ),
      )[0]?.tasks[1]?.note;

    expect(noteOf(gate.attemptId)).toBe("24h, alarms OK");
    expect(noteOf("another")).toBe("");
  });

  it("shows a failure before what succeeded later (octopus#8923)", () => {
    const entries = takes("STAGING", "REVIEW", "PRODUCTION", "STOPPED");
    const attempts = [
      ofTask("production", 3, { outcome: "failed", dispatchedAt: at(21) }),
      ofTask("tenants", 3, { dispatchedAt: at(25) }),
    ];

    const stages = toStages(facts({ state: "STOPPED", entry: 4 }, { entries, attempts }));

    expect(stages[2]).toMatchObject({ name: "PRODUCTION", status: "failed", word: "Failed" });
  });

  it("shows a release that waits for its turn as waiting, not as done (octopus#9051)", () => {
    const tasks = [task("turn", "PENDING", "RUNNING"), task("approve", "PENDING", "WAITING")];
    const progressMessage = 'The turn "shop-prod" is with shop-1.41.0. It is free when that stack leaves PRODUCTION.';
    const attempts = [open("turn", 2, { executor: "gate", progressMessage }), ofTask("staging", 1)];

    const stage = present(
      facts({ state: "REVIEW", entry: 2, tasks }, { attempts, entries: takes("STAGING", "REVIEW") }),
    );

    expect(stage).toMatchObject({ status: "waiting", word: "Held", share: 0 });
    expect(stage?.tasks[0]?.note).toBe("closed");
  });

  it("counts a stack that was removed meanwhile as no failure (octopus#3088)", () => {
    const tasks = [task("tenants", "SATISFIED")];
    const attempts = [ofTask("tenants", 3, { executor: "deploy" })];
    const deploys = [deploy("tenants", wave("all", { done: 2, skipped: 1 }))];

    const stage = present(facts({ state: "PRODUCTION", entry: 3, tasks }, { attempts, deploys }));

    expect(stage?.tasks[0]).toMatchObject({ status: "succeeded", note: "2 of 3 stacks, 1 skipped" });
  });

  it("shows the present entry of a stage that is entered again, not what its tasks did before (spinnaker#6140)", () => {
    const tasks = [task("staging", "PENDING", "WAITING"), task("soak", "PENDING", "WAITING")];
    const attempts = [ofTask("staging", 1, { outcome: "failed", executor: "deploy" })];
    const deploys = [deploy("staging", wave("all", { failed: 1 }))];
    const entries = takes("STAGING", "STOPPED", "STAGING");

    const stage = present(facts({ state: "STAGING", entry: 3, tasks }, { attempts, deploys, entries }));

    expect(stage).toMatchObject({ status: "busy", share: 0 });
    expect(stage?.tasks.map(({ status, note }) => [status, note])).toEqual([
      ["waiting", ""],
      ["waiting", ""],
    ]);
  });
});
