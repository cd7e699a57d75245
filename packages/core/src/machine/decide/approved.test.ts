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

/** A release that plans, asks and then applies the plan after a wait; NOTE may bring any metadata in every state. */
const RELEASE = `
version: 2
events: [GO, AGAIN, NOTE, STOP, RESUME, SHIP]
metadata: { plan: { type: string }, image: { type: string } }
states:
  INIT: { on: { GO: REVIEW } }
  REVIEW: { tasks: [plan, approve], on: { NEXT: APPLY, FAILED: STOPPED, STOP: STOPPED, NOTE: no-op } }
  APPLY: { tasks: [first, wait, apply, tell], on: { NEXT: LIVE, FAILED: BACK, STOP: STOPPED, NOTE: no-op } }
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
  tell: { executor: work, needs: [wait] }
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

function play(machine: Machine, events: readonly StackEvent[], given?: Stack): Play {
  let stack = given;
  let last: Decision | undefined;
  for (const [index, event] of events.entries()) {
    const first = stack === undefined ? { machine: machine.name } : {};
    last = decide(machine, stack, { ...event, id: `${event.name}-${index}`, at: index + 1, ...first });
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

describe("a task that uses what was approved", () => {
  const machine = compile(RELEASE);

  it("is sent with it, and the stack remembers who has approved what", () => {
    const played = play(machine, [...approved("D1"), done("first"), done("wait")]);

    expect(sentOf(played)).toEqual(["apply", "tell"]);
    expect(played.stack.approved).toEqual({
      approve: { of: "D1", by: [{ name: "rita", id: "rita" }], at: 3, used: true },
    });
  });

  it("is not sent with another one that a sender has written under the key since (CVE-2026-27111)", () => {
    const played = play(machine, [...approved("D1"), note({ plan: "D0" }), done("first"), done("wait")]);

    expect(sentOf(played)).toEqual(["tell"]);
    expect(taskOf(played, "apply")).toBe("ERROR APPROVAL_STALE");
    expect(played.stack.tasks.find(({ name }) => name === "apply")?.errorMessage).toBe(
      'rita approved "D1" at "approve", and it is "D0" now. Enter the state of "approve" again.',
    );
  });

  it("is not sent with it by a retry that brings it (CVE-2025-14986), and is with what was approved", () => {
    const swapped = [...approved("D1"), note({ plan: "D0" }), done("first"), done("wait")];
    const retry = (metadata: object) => anEvent("RETRY_FAILED_TASKS", { sender: oscar, metadata });

    expect(taskOf(play(machine, [...swapped, retry({ plan: "D2" })]), "apply")).toBe("ERROR APPROVAL_STALE");
    expect(sentOf(play(machine, [...swapped, retry({ plan: "D1" })]))).toEqual(["apply"]);
  });

  it("is not sent again with another one while it runs", () => {
    const running = [...approved("D1"), done("first"), done("wait"), note({ plan: "D0" })];

    const again = play(machine, [...running, anEvent("RETRY_PENDING_TASKS", { sender: oscar })]);

    expect(sentOf(again)).toEqual(["tell"]);
    expect(again.last).toMatchObject({ notes: [expect.stringContaining('Task "apply" was not sent again: rita')] });
  });

  it("is not sent with the result of a task that someone has answered a second time", () => {
    const second = anEvent("TASK_COMPLETED", { sender: oscar, task: { name: "first" }, metadata: { plan: "D0" } });

    const played = play(machine, [...approved("D1"), done("first"), second, done("wait")]);

    expect(taskOf(played, "apply")).toBe("ERROR APPROVAL_STALE");
  });

  it("leaves the tasks alone that do not use it: the way back stays open", () => {
    const swapped = [...approved("D1"), note({ plan: "D0" }), done("first"), done("wait"), done("tell")];

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

    const played = play(machine, [...settled, note({ plan: "D0" }), done("first"), done("wait")]);

    expect(play(machine, settled).stack.approved).toEqual({
      approve: { of: "D1", by: [{ name: "rita", id: "rita" }], settled: true, at: 3 },
    });
    expect(taskOf(played, "apply")).toBe("ERROR APPROVAL_STALE");
  });

  it("is held to it when it needs the approval in the same state, whatever its own config reads", () => {
    const gate = compile(`
version: 2
events: [GO, NOTE]
metadata: { image: { type: string } }
states: { INIT: { on: { GO: GATE } }, GATE: { tasks: [sign-off, check, deploy], on: { NOTE: no-op } } }
tasks:
  sign-off: { executor: approval, config: { from: [managers], of: "\${metadata.image}" } }
  check: { executor: work }
  deploy: { executor: work, needs: [sign-off, check] }
`);
    const begun = [anEvent("GO", { sender: oscar, metadata: { image: "app:1" } }), approve("app:1", "sign-off")];

    const swapped = play(gate, [...begun, note({ image: "evil:1" }), done("check")]);

    expect(taskOf(swapped, "deploy")).toBe("ERROR APPROVAL_STALE");
    expect(sentOf(play(gate, [...begun, done("check")]))).toEqual(["deploy"]);
  });
});

describe("a task that waits for a person after the approval", () => {
  // Only the approval leads to APPLY: HELD and STUCK come after it.
  const machine = compile(`
version: 2
events: [GO, RESUME, AGAIN, REDO]
metadata: { plan: { type: string } }
states:
  INIT: { on: { GO: REVIEW } }
  REVIEW: { tasks: [plan, approve], on: { NEXT: HELD, FAILED: REJECTED } }
  REJECTED: { on: { AGAIN: REVIEW } }
  HELD: { on: { RESUME: APPLY, REDO: CHECK, AGAIN: REVIEW } }
  APPLY: { tasks: [apply], on: { NEXT: LIVE, FAILED: STUCK } }
  STUCK: { on: { RESUME: APPLY, REDO: CHECK, AGAIN: REVIEW } }
  CHECK: { tasks: [check], on: { NEXT: REVIEW } }
  LIVE: { on: { AGAIN: REVIEW } }
tasks:
  plan: { executor: work, outputs: { plan: plan } }
  approve: { executor: approval, needs: [plan], config: { from: [managers], of: "\${metadata.plan}" } }
  apply: { executor: work, config: { plan: "\${metadata.plan}" } }
  check: { executor: work, config: { plan: "\${metadata.plan}" } }
`);
  const send = (name: string, metadata: object = {}) => anEvent(name, { sender: oscar, metadata });
  const stuck = [
    ...approved("D1"),
    send("RESUME"),
    anEvent("TASK_ERROR", { origin: "worker", task: { name: "apply" } }),
  ];

  it.each([
    ["that leads there", approved("D1")],
    ["that leads there again after a failure", stuck],
  ])("is not sent with another one by the event %s (CVE-2026-27111)", (_, events) => {
    const swapped = play(machine, [...events, send("RESUME", { plan: "D0" })]);

    expect([swapped.stack.state, swapped.stack.lastFailure?.code, sentOf(swapped)]).toEqual([
      "STUCK",
      "APPROVAL_STALE",
      [],
    ]);
    expect(sentOf(play(machine, [...events, send("RESUME")]))).toEqual(["apply"]);
  });

  it("does not hold another one that is requested again", () => {
    expect(sentOf(play(machine, [...stuck, send("REDO", { plan: "D2" })]))).toEqual(["check"]);
    expect(play(machine, [...stuck, send("AGAIN", { plan: "D2" })]).stack.approved).toBeUndefined();
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
  DEPLOY: { tasks: [deploy], on: { NEXT: LIVE, FAILED: BROKEN } }
  LIVE: { on: { RELEASED: STAGING, RETRY: DEPLOY, NOTE: no-op } }
  BROKEN:
    on:
      RELEASED: STAGING
      RETRY: DEPLOY
      ROLLBACK: [{ action: advance, state: DEPLOY, set: { app: "\${metadata.last}" } }]
tasks:
  stage: { executor: work, config: { app: "\${metadata.app}" } }
  sign-off: { executor: approval, config: { from: [managers], of: "\${metadata.app}" } }
  deploy: { executor: work, config: { app: "\${metadata.app}" } }
`);
  const send = (name: string, metadata: object = {}) => anEvent(name, { sender: oscar, metadata });
  const opened = [send("OPENED", { app: "1", last: "0" }), done("stage"), approve("1", "sign-off")];
  const broken = [...opened, anEvent("TASK_ERROR", { origin: "worker", task: { name: "deploy" } })];

  it("does not let a retry after a failure bring another one past it", () => {
    const [bad, good] = [
      play(machine, [...broken, send("RETRY", { app: "evil" })]),
      play(machine, [...broken, send("RETRY")]),
    ];

    expect([bad.stack.state, bad.stack.lastFailure?.code, sentOf(bad)]).toEqual(["BROKEN", "APPROVAL_STALE", []]);
    expect([good.stack.state, sentOf(good)]).toEqual(["DEPLOY", ["deploy"]]);
  });

  it("does not hold the next version, which is requested again, nor the way back of the machine itself", () => {
    const next = play(machine, [...broken, send("RELEASED", { app: "2" })]);
    const back = play(machine, [...broken, send("ROLLBACK")]);

    expect([next.stack.state, sentOf(next)]).toEqual(["STAGING", ["stage"]]);
    expect([back.stack.state, back.stack.metadata["app"], sentOf(back)]).toEqual(["DEPLOY", "0", ["deploy"]]);
  });

  it("does not hold a later change of what runs well", () => {
    const later = play(machine, [...opened, done("deploy"), send("NOTE", { app: "2" }), send("RETRY")]);

    expect([later.stack.state, sentOf(later)]).toEqual(["DEPLOY", ["deploy"]]);
  });
});

describe("an approval is over", () => {
  const machine = compile(RELEASE);
  const live = [...approved("D1"), ...["first", "wait", "apply", "tell"].map((name) => done(name))];

  it("when its state is entered again", () => {
    const again = [...approved("D1"), anEvent("STOP"), anEvent("AGAIN", { sender: oscar })];

    expect(play(machine, again).stack.approved).toBeUndefined();
  });

  it("when the machine makes something new by itself and does not ask for it", () => {
    const source = RELEASE.replace("FAILED: BACK", "FAILED: PLAN")
      .replace("  BACK:", "  PLAN: { tasks: [replan], on: { NEXT: APPLY } }\n  BACK:")
      .replace("  undo:", "  replan: { executor: work, outputs: { plan: plan } }\n  undo:");
    const failed = anEvent("TASK_ERROR", { origin: "worker", task: { name: "apply" } });
    const replanned = [
      ...approved("D1"),
      done("first"),
      done("wait"),
      done("tell"),
      failed,
      done("replan", { plan: "D2" }),
    ];

    const played = play(compile(source), replanned);

    expect([played.stack.state, sentOf(played), played.stack.approved]).toEqual(["APPLY", ["first"], undefined]);
  });

  it("when a sender changes it after all of it was done, for the next round", () => {
    const played = play(machine, [...live, note({ plan: "next" }), anEvent("SHIP", { sender: oscar })]);

    expect([played.stack.state, sentOf(played)]).toEqual(["STAGING", ["stage"]]);
  });

  it("when an event brings another one and leads on to where the machine leads without an approval too", () => {
    const held = compile(
      RELEASE.replace("NEXT: APPLY", "NEXT: HELD").replace(
        "  LIVE:",
        "  HELD: { on: { RESUME: APPLY, NOTE: no-op } }\n  LIVE:",
      ),
    );
    const resume = (metadata: object) => anEvent("RESUME", { sender: oscar, metadata });

    expect(sentOf(play(held, [...approved("D1"), resume({ plan: "D2" })]))).toEqual(["first"]);
    // Who leads on without bringing it relies on the approval.
    const relied = play(held, [...approved("D1"), note({ plan: "D0" }), resume({})]);
    expect([relied.stack.state, relied.stack.lastFailure?.code]).toEqual(["BACK", "APPROVAL_STALE"]);
  });
});
