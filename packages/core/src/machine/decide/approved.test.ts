import { describe, expect, it } from "vitest";
import type { Sender } from "../../access/sender.ts";
import { anEvent } from "../../testing/builders.ts";
import type { StackEvent } from "../event-message.ts";
import type { Machine } from "../machine.ts";
import { parseMachine } from "../parse-machine.ts";
import type { Stack } from "../stack.ts";
import { decide } from "./decide.ts";
import type { Decision } from "./decision.ts";

const person = (id: string): Sender => ({ kind: "person", id, name: id, groups: ["managers"] });
const [oscar, rita] = [person("oscar"), person("rita")] as const;

/** A release that plans, asks and then applies what was approved after a wait; NOTE may bring any metadata in every state. */
const RELEASE = `
version: 2
events: [GO, AGAIN, NOTE, STOP, RESUME, SHIP]
metadata: { plan: { type: string }, image: { type: string } }
states:
  INIT: { on: { GO: REVIEW } }
  REVIEW: { tasks: [plan, approve], on: { NEXT: APPLY, FAILED: STOPPED, STOP: STOPPED, NOTE: no-op } }
  APPLY: { leaving: abandon, approved: [approve], tasks: [first, wait, apply], on: { NEXT: LIVE, FAILED: BACK, STOP: STOPPED, NOTE: no-op } }
  BACK: { tasks: [undo], on: { NEXT: STOPPED } }
  LIVE: { on: { NOTE: no-op, SHIP: STAGING, AGAIN: REVIEW } }
  STAGING: { tasks: [stage], on: { NEXT: LIVE, NOTE: no-op } }
  STOPPED: { on: { AGAIN: REVIEW, RESUME: APPLY, NOTE: no-op } }
tasks:
  plan: { executor: work, outputs: { plan: plan } }
  approve: { executor: approval, needs: [plan], config: { from: [managers], of: "\${metadata.plan}" } }
  first: { executor: work, config: { plan: "\${metadata.plan}" } }
  wait: { executor: work, needs: [first] }
  apply: { executor: work, needs: [wait], config: { plan: "\${metadata['plan']}" } }
  undo: { executor: work }
  stage: { executor: work, config: { plan: "\${metadata.plan}" } }
`;

function compile(source: string): Machine {
  const { machine, problems } = parseMachine(source, { name: "app", uncheckedExecutors: ["work"] });
  if (machine === undefined) throw new Error(JSON.stringify(problems));
  return machine;
}

interface Play {
  readonly stack: Stack;
  readonly last: Decision;
}

/** Plays events, each on the machine or on the revision of it that stands before the event. */
function play(machine: Machine, events: readonly (StackEvent | Machine)[]): Play {
  let stack: Stack | undefined;
  let last: Decision | undefined;
  let revision = machine;
  for (const [index, event] of events.entries()) {
    if ("states" in event) {
      revision = event;
      continue;
    }
    const first = stack === undefined ? { machine: machine.name } : {};
    last = decide(revision, stack, { ...event, id: `${event.name}-${index}`, at: index + 1, ...first });
    if (last.kind === "applied") stack = last.stack;
  }
  if (stack === undefined || last === undefined) throw new Error("No event was applied.");
  return { stack, last };
}

const go = anEvent("GO", { sender: oscar });
const note = (metadata: object) => anEvent("NOTE", { sender: oscar, metadata });
const done = (name: string, outputs?: object): StackEvent =>
  anEvent("TASK_COMPLETED", { origin: "worker", task: { name }, ...(outputs && { outputs: { ...outputs } }) });
const approve = (of: string, task = "approve"): StackEvent =>
  anEvent("APPROVE_TASK", { sender: rita, task: { name: task }, of });
const approved = (plan: string) => [go, done("plan", { plan }), approve(plan)];
const taskOf = ({ stack }: Play, name: string) => {
  const task = stack.tasks.find((each) => each.name === name);
  return task && [task.detail ?? task.status, task.errorCode].filter((part) => part !== undefined).join(" ");
};
const sentOf = ({ last }: Play) => (last.kind === "applied" ? last.dispatches.map(({ task }) => task) : last.kind);

const codeOf = ({ stack }: Play) => [stack.state, stack.lastFailure?.code];
const send = (name: string, metadata: object = {}) => anEvent(name, { sender: oscar, metadata });
const retry = (metadata: object) => send("RETRY_FAILED_TASKS", metadata);
const fail = (name: string) => anEvent("TASK_ERROR", { origin: "worker", task: { name } });

describe("a state that names an approval", () => {
  const machine = compile(RELEASE);
  const stuck = compile(RELEASE.replace("FAILED: BACK, ", ""));

  it("does what was approved, and the stack remembers who has approved what", () => {
    const played = play(machine, [...approved("D1"), done("first"), done("wait")]);

    expect(sentOf(played)).toEqual(["apply"]);
    expect(played.stack.approved).toEqual({
      approve: {
        of: "D1",
        digest: expect.stringMatching(/^[0-9a-f]{32}$/),
        by: [{ name: "rita", id: "rita" }],
        at: 3,
      },
    });
  });

  it("does nothing with what a sender has written under the key since (CVE-2026-27111)", () => {
    const played = play(stuck, [...approved("D1"), done("first"), note({ plan: "D0" }), done("wait")]);

    expect([sentOf(played), taskOf(played, "apply")]).toEqual([[], "ERROR APPROVAL_STALE"]);
    expect(played.stack.tasks.find(({ name }) => name === "apply")?.errorMessage).toBe(
      'rita approved "D1" at "approve", and it is "D0" now. Enter the state of "approve" again.',
    );
  });

  it("does not retry with another one (CVE-2025-14986), and does with what was approved", () => {
    const swapped = [...approved("D1"), done("first"), note({ plan: "D0" }), done("wait")];

    expect(taskOf(play(stuck, [...swapped, retry({ plan: "D2" })]), "apply")).toBe("ERROR APPROVAL_STALE");
    expect(sentOf(play(stuck, [...swapped, retry({ plan: "D1" })]))).toEqual(["apply"]);
  });

  it("does not send a running task again with another one", () => {
    const running = [...approved("D1"), done("first"), done("wait"), note({ plan: "D0" })];

    const again = play(machine, [...running, send("RETRY_PENDING_TASKS")]);

    expect(sentOf(again)).toEqual([]);
    expect(again.last).toMatchObject({ notes: [expect.stringContaining('Task "apply" was not sent again: rita')] });
  });

  it("does nothing with the result of a task that someone has answered a second time", () => {
    const second = anEvent("TASK_COMPLETED", { sender: oscar, task: { name: "first" }, metadata: { plan: "D0" } });

    const played = play(stuck, [...approved("D1"), done("first"), second, done("wait")]);

    expect(taskOf(played, "apply")).toBe("ERROR APPROVAL_STALE");
  });

  it("leaves other states alone: the way back stays open", () => {
    const swapped = [...approved("D1"), note({ plan: "D0" }), done("first")];

    const played = play(machine, swapped);

    expect([played.stack.state, sentOf(played)]).toEqual(["BACK", ["undo"]]);
  });

  it("is held to an approval that was passed by hand as well", () => {
    const byHand = { sender: rita, own: true, as: "succeeded", approval: true } as const;
    const settled = [
      go,
      done("plan", { plan: "D1" }),
      anEvent("SETTLE_TASK", { ...byHand, task: { name: "approve" } }),
    ];

    const played = play(stuck, [...settled, done("first"), note({ plan: "D0" }), done("wait")]);

    expect(play(machine, settled).stack.approved).toMatchObject({
      approve: { of: "D1", by: [{ name: "rita", id: "rita" }], settled: true, at: 3 },
    });
    expect(taskOf(played, "apply")).toBe("ERROR APPROVAL_STALE");
  });

  it("does nothing without the approval, by whatever way it was entered", () => {
    const rejected = [
      go,
      done("plan", { plan: "D1" }),
      anEvent("REJECT_TASK", { sender: rita, task: { name: "approve" } }),
    ];

    const played = play(stuck, [...rejected, send("RESUME")]);

    expect([played.stack.state, sentOf(played), taskOf(played, "first")]).toEqual([
      "APPLY",
      [],
      "ERROR APPROVAL_MISSING",
    ]);
    expect(played.stack.tasks[0]?.errorMessage).toBe(
      '"APPLY" does only what "approve" has approved, which is nothing yet. Enter the state of "approve" first.',
    );
  });

  it("does nothing by an approval that was requested again, also when an earlier one was for the same [the-framework#324]", () => {
    const asked = [...approved("D1"), send("STOP"), send("AGAIN"), done("plan", { plan: "D1" }), send("STOP")];

    expect(play(machine, asked).stack.approved).toBeUndefined();
    expect(codeOf(play(stuck, [...asked, send("RESUME")]))).toEqual(["APPLY", "APPROVAL_MISSING"]);
  });

  it("does it again when it is entered again, after a failure or a success", () => {
    const again = [...approved("D1"), send("STOP"), send("RESUME")];
    const live = [...approved("D1"), ...["first", "wait", "apply"].map((name) => done(name))];

    expect(sentOf(play(machine, again))).toEqual(["first"]);
    expect(codeOf(play(stuck, [...approved("D1"), send("STOP"), send("RESUME", { plan: "D0" })]))).toEqual([
      "APPLY",
      "APPROVAL_STALE",
    ]);
    // Another state, which does not name it, is free.
    const played = play(machine, [...live, note({ plan: "next" }), send("SHIP")]);
    expect([played.stack.state, sentOf(played)]).toEqual(["STAGING", ["stage"]]);
  });

  it("does nothing when the machine itself makes something new and does not ask for it [atlantis#6280]", () => {
    const source = RELEASE.replace("FAILED: BACK", "FAILED: PLAN")
      .replace("  BACK:", "  PLAN: { tasks: [replan], on: { NEXT: APPLY, FAILED: BACK } }\n  BACK:")
      .replace("  undo:", "  replan: { executor: work, outputs: { plan: plan } }\n  undo:");

    const played = play(compile(source), [...approved("D1"), fail("first"), done("replan", { plan: "D2" })]);

    expect([...codeOf(played), sentOf(played)]).toEqual(["PLAN", "APPROVAL_STALE", ["replan"]]);
  });

  it("follows the condition of the approval: without one it is free", () => {
    const source = RELEASE.replace("{ executor: approval,", `{ executor: approval, when: "metadata.image == 'prod'",`);
    const [test, prod] = ["test", "prod"].map((image) => [send("GO", { image }), done("plan", { plan: "D1" })]);

    expect(sentOf(play(compile(source), test ?? []))).toEqual(["first"]);
    // Of the values that it has now.
    const swapped = play(compile(source), [...(test ?? []), note({ image: "prod" }), done("first")]);
    expect([...codeOf(swapped), sentOf(swapped)]).toEqual(["BACK", "APPROVAL_MISSING", ["undo"]]);
    expect(sentOf(play(compile(source), [...(prod ?? []), approve("D1")]))).toEqual(["first"]);
  });
});

describe("another revision of the machine", () => {
  const source = RELEASE.replace("FAILED: BACK, ", "");
  const machine = compile(source);
  const begun = [...approved("D1"), done("first")];

  it("does nothing else by the approval than the one before", () => {
    const other = compile(source.replace(`plan: "\${metadata['plan']}" }`, `plan: "\${metadata['plan']}", in: prod }`));

    const played = play(machine, [...begun, other, done("wait")]);

    expect(played.stack.tasks.find(({ name }) => name === "apply")).toMatchObject({
      errorCode: "APPROVAL_STALE",
      errorMessage:
        'rita approved "D1" at "approve", and another revision of the machine would do something else with it. Enter the state of "approve" again.',
    });
  });

  it("does not pass the approval by not naming it any more, before the state is left", () => {
    const other = compile(source.replace("approved: [approve], ", ""));

    const played = play(machine, [...begun, other, note({ plan: "D0" }), done("wait")]);

    expect(taskOf(played, "apply")).toBe("ERROR APPROVAL_STALE");
  });

  it("does the same where only something else has changed [pgroles#178]", () => {
    const other = compile(source.replace("undo: { executor: work }", "undo: { executor: work, config: { a: 1 } }"));

    expect(sentOf(play(machine, [...begun, other, done("wait")]))).toEqual(["apply"]);
  });

  it("asks again what is open, where more would be done by it", () => {
    const other = compile(source.replace("tasks: [first, wait, apply]", "tasks: [first, wait, apply, undo]"));
    const open = [go, done("plan", { plan: "D1" })];

    const [same, more] = [machine, other].map((revision) => play(machine, [...open, revision, note({})]));

    expect(same?.stack.approvals?.["approve"]?.id).toBe("pr-12/GO-0/1/approve/1");
    expect(more?.stack.approvals?.["approve"]?.id).toBe("pr-12/GO-0/1/approve/2");
    expect(sentOf(play(machine, [...open, other, note({}), approve("D1")]))).toEqual(["first", "undo"]);
  });
});

describe("a task that needs an approval in its own state", () => {
  const machine = compile(`
version: 2
events: [GO, NOTE]
metadata: { image: { type: string } }
states: { INIT: { on: { GO: GATE } }, GATE: { tasks: [sign-off, check, deploy, tell], on: { NOTE: no-op } } }
tasks:
  sign-off: { executor: approval, config: { from: [managers], of: "\${metadata.image}" } }
  check: { executor: work }
  deploy: { executor: work, needs: [sign-off, check] }
  tell: { executor: work, needs: [check], config: { image: "\${metadata.image}" } }
`);
  const begun = [send("GO", { image: "app:1" }), approve("app:1", "sign-off")];

  it("is sent with what was approved only, whatever its own config reads; others are free", () => {
    const swapped = play(machine, [...begun, note({ image: "evil:1" }), done("check")]);

    expect([taskOf(swapped, "deploy"), sentOf(swapped)]).toEqual(["ERROR APPROVAL_STALE", ["tell"]]);
    expect(sentOf(play(machine, [...begun, done("check")]))).toEqual(["deploy", "tell"]);
  });
});

describe("an approval of a version", () => {
  const machine = compile(`
version: 2
events: [OPENED, RELEASED, RETRY, ROLLBACK, NOTE]
metadata: { app: { type: string }, last: { type: string } }
states:
  INIT: { on: { OPENED: STAGING } }
  STAGING: { tasks: [stage], on: { NEXT: REVIEW, FAILED: BROKEN } }
  REVIEW: { tasks: [sign-off], on: { NEXT: DEPLOY, FAILED: BROKEN } }
  DEPLOY: { approved: [sign-off], tasks: [deploy], on: { NEXT: LIVE, FAILED: BROKEN } }
  BACK: { tasks: [deploy], on: { NEXT: LIVE, FAILED: BROKEN } }
  LIVE: { on: { RELEASED: STAGING, RETRY: DEPLOY, NOTE: no-op } }
  BROKEN:
    on:
      RELEASED: STAGING
      RETRY: DEPLOY
      ROLLBACK: [{ action: advance, state: BACK, set: { app: "\${metadata.last}" } }]
tasks:
  stage: { executor: work, config: { app: "\${metadata.app}" } }
  sign-off: { executor: approval, config: { from: [managers], of: "\${metadata.app}" } }
  deploy: { executor: work, config: { app: "\${metadata.app}" } }
`);
  const opened = [send("OPENED", { app: "1", last: "0" }), done("stage"), approve("1", "sign-off")];
  const broken = [...opened, fail("deploy")];

  it("does not let a retry after a failure bring another one past it", () => {
    const [bad, good] = [
      play(machine, [...broken, send("RETRY", { app: "evil" })]),
      play(machine, [...broken, send("RETRY")]),
    ];

    expect([...codeOf(bad), sentOf(bad)]).toEqual(["BROKEN", "APPROVAL_STALE", []]);
    expect([good.stack.state, sentOf(good)]).toEqual(["DEPLOY", ["deploy"]]);
  });

  it("does not hold the next version, which is requested again, nor the way back of the machine itself", () => {
    const next = play(machine, [...broken, send("RELEASED", { app: "2" })]);
    const back = play(machine, [...broken, send("ROLLBACK")]);

    expect([next.stack.state, sentOf(next)]).toEqual(["STAGING", ["stage"]]);
    expect([back.stack.state, back.stack.metadata["app"], sentOf(back)]).toEqual(["BACK", "0", ["deploy"]]);
    // The way back is no way to an old approval.
    expect(codeOf(play(machine, [...broken, send("ROLLBACK"), fail("deploy"), send("RETRY")]))).toEqual([
      "BROKEN",
      "APPROVAL_STALE",
    ]);
  });

  it("holds a later change of what runs well", () => {
    const later = play(machine, [...opened, done("deploy"), send("NOTE", { app: "2" }), send("RETRY")]);

    expect([...codeOf(later), sentOf(later)]).toEqual(["BROKEN", "APPROVAL_STALE", []]);
  });
});
