import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import type { Sender } from "../../access/sender.ts";
import { defineExecutor, succeeded } from "../../ports/executor.ts";
import { anEvent } from "../../testing/builders.ts";
import type { StackEvent } from "../event-message.ts";
import type { Machine } from "../machine.ts";
import { parseMachine } from "../parse-machine.ts";
import type { Approval, Stack } from "../stack.ts";
import { decide } from "./decide.ts";
import type { Decision } from "./decision.ts";
import { dueTimers, withRefused } from "./timers.ts";

const HOUR_MS = 3_600_000;

function person(id: string, groups: readonly string[] = ["managers"], rest: Partial<Sender> = {}): Sender {
  return { kind: "person", id, name: id, groups, ...rest };
}

const [ada, ben, kim] = [person("ada"), person("ben"), person("kim", ["dev"])] as const;

interface GateInput {
  readonly config?: string;
  readonly task?: string;
  readonly on?: string;
}

/** A gate before a deployment. */
function aGate({ config = "from: [managers]", task = "", on = "" }: GateInput = {}): Machine {
  const source = `
version: 2
events: [SHIP, IMAGE, STOP, NOTE]
metadata: { image: {}, approver: {}, secret: { sensitive: true } }
states:
  INIT: { on: { SHIP: GATE } }
  GATE: { leaving: abandon, tasks: [sign-off, check, deploy], on: { NEXT: LIVE, IMAGE: no-op, NOTE: no-op, STOP: INIT, ${on} } }
  LIVE: { on: { SHIP: GATE } }
tasks:
  sign-off: { executor: approval, config: { ${config} }, ${task} }
  check: { executor: work, outputs: { image: image } }
  deploy: { executor: work, needs: [sign-off] }
`;
  const { machine, problems } = parseMachine(source, { name: "app" });
  if (machine === undefined) throw new Error(JSON.stringify(problems));
  return machine;
}

interface Played {
  readonly stack: Stack | undefined;
  readonly last: Decision;
}

/** Sends events one after the other, each an hour later. */
function play(machine: Machine, ...events: readonly StackEvent[]): Played {
  let played: Played | undefined;
  for (const [index, event] of events.entries()) {
    const named = { ...event, at: (index + 1) * HOUR_MS, ...(index === 0 ? { machine: machine.name } : {}) };
    const last = decide(machine, played?.stack, named);
    played = { last, stack: last.kind === "applied" ? last.stack : played?.stack };
  }
  if (played === undefined) throw new Error("No event was played.");
  return played;
}

const ship = (sender?: Sender) => anEvent("SHIP", { id: "s", metadata: { image: "app:1" }, ...(sender && { sender }) });

function answer(name: string, sender: Sender | undefined, rest: Partial<StackEvent> = {}): StackEvent {
  return anEvent(name, { task: { name: "sign-off" }, ...(sender && { sender }), ...rest });
}

const approve = (sender?: Sender, rest?: Partial<StackEvent>) => answer("APPROVE_TASK", sender, rest);

const findOpen = ({ stack }: Played): Approval | undefined => stack?.approvals?.["sign-off"];
const listGiven = (played: Played) => findOpen(played)?.given.map(({ by }) => by.name);
const listTasks = ({ stack }: Played) => stack?.tasks.map(({ status, detail }) => detail ?? status);
const refusal = ({ last }: Played) => (last.kind === "applied" ? "applied" : [last.kind, last.code, last.reason]);

describe("an approval", () => {
  it("asks people without an attempt, and holds what was asked", () => {
    const played = play(aGate({ config: `from: [managers, ops], count: 2, of: '\${metadata.image}'` }), ship(kim));

    const { stack, last } = played;
    expect(findOpen(played)).toEqual({
      id: "pr-12/s/1/sign-off/1",
      from: ["managers", "ops"],
      count: 2,
      of: "app:1",
      digest: expect.any(String),
      askedBy: { kind: "person", id: "kim", name: "kim" },
      askedAt: HOUR_MS,
      expiresAt: HOUR_MS + 7 * 24 * HOUR_MS,
      given: [],
    });
    expect(listTasks(played)).toEqual(["APPROVING", "RUNNING", "WAITING"]);
    expect(stack?.runs.map(({ task }) => task)).toEqual(["check"]);
    expect(last).toMatchObject({ dispatches: [{ task: "check" }] });
  });

  it("succeeds with the last approval that is needed, and the tasks that need it are sent by the same decision", () => {
    const machine = aGate({ config: "from: [managers], count: 2", task: "outputs: { approver: approvedBy }" });
    const first = play(machine, ship(kim), approve(ada));
    const second = play(machine, ship(kim), approve(ada), approve(ben));

    expect([listGiven(first), listTasks(first)]).toEqual([["ada"], ["APPROVING", "RUNNING", "WAITING"]]);
    expect(listTasks(second)).toEqual(["SATISFIED", "RUNNING", "RUNNING"]);
    expect(second.last).toMatchObject({ dispatches: [{ task: "deploy" }], notes: ["Approved by ben: 2 of 2."] });
    expect(second.stack).toMatchObject({
      metadata: { approver: "ada, ben" },
      outputs: { "sign-off": { approvedBy: "ada, ben", approvedAt: "1970-01-01T03:00:00.000Z" } },
      timers: [],
    });
    expect(second.stack).not.toHaveProperty("approvals");
  });

  it("fails for good when one person rejects, and is opened again by a retry", () => {
    const machine = aGate({ task: "retry: { attempts: 3 }" });
    const rejected = play(machine, ship(kim), answer("REJECT_TASK", ada, { reason: "not today" }));
    const again = play(
      machine,
      ship(kim),
      answer("REJECT_TASK", ada),
      anEvent("RETRY_FAILED_TASKS", { sender: ben }),
      approve(ada),
    );

    expect(rejected.stack?.tasks[0]).toEqual({
      name: "sign-off",
      status: "ERROR",
      errorCode: "APPROVAL_REJECTED",
      errorMessage: "Rejected by ada: not today",
    });
    expect(rejected.stack).toMatchObject({ timers: [] });
    expect(listTasks(again)).toEqual(["SATISFIED", "RUNNING", "RUNNING"]);
  });

  it("expires for good, and holds FAILED until then", () => {
    const machine = aGate({ task: "timeout: 24h, retry: { attempts: 3 }", on: "FAILED: INIT" });
    const failed = anEvent("TASK_ERROR", { task: { name: "check" } });
    const held = play(machine, ship(kim), failed);
    const [timer] = dueTimers(held.stack as Stack, 25 * HOUR_MS);
    const event = anEvent("TASK_TIMED_OUT", { origin: "timer", timerId: timer?.id ?? "", task: { name: "sign-off" } });
    const expired = decide(aGate({ task: "timeout: 24h" }), held.stack, { ...event, at: 25 * HOUR_MS });

    expect([held.stack?.state, listTasks(held)]).toEqual(["GATE", ["APPROVING", "ERROR", "WAITING"]]);
    expect(timer).toEqual({
      id: "1/approval/sign-off",
      event: "TASK_TIMED_OUT",
      dueAt: 25 * HOUR_MS,
      task: "sign-off",
    });
    expect(expired).toMatchObject({
      stack: {
        failed: true,
        tasks: [{ errorCode: "APPROVAL_EXPIRED", errorMessage: "1 of 1 approvals were missing." }, {}, {}],
      },
    });
    expect(decide(machine, held.stack, { ...event, at: 25 * HOUR_MS })).toMatchObject({ stack: { state: "INIT" } });
    expect(decide(machine, held.stack, { ...event, at: 24 * HOUR_MS })).toMatchObject({ code: "TIMER_STALE" });
  });

  it("is dropped at once when the state is left, also one that was given in part", () => {
    const machine = aGate({ config: "from: [managers], count: 2" });
    const left = play(machine, ship(kim), approve(ada), anEvent("STOP"));

    expect(left.stack).toMatchObject({ state: "INIT", timers: [] });
    expect(left.stack).not.toHaveProperty("approvals");
    expect(refusal(play(machine, ship(kim), anEvent("STOP"), approve(ada)))).toMatchObject([
      "rejected",
      "APPROVAL_CLOSED",
      {},
    ]);
  });

  it("is cancelled and settled like any task", () => {
    const byName = { task: { name: "sign-off" } };
    const cancelled = play(aGate(), ship(kim), anEvent("CANCEL_TASK", byName));
    const byHand = { ...byName, as: "succeeded", reason: "x", approval: true, own: true } as const;
    const settled = play(aGate(), ship(kim), anEvent("SETTLE_TASK", byHand));

    expect(listTasks(cancelled)).toEqual(["CANCELLED", "RUNNING", "WAITING"]);
    expect(listTasks(settled)).toEqual(["SATISFIED", "RUNNING", "RUNNING"]);
    for (const { stack } of [cancelled, settled]) {
      expect(stack?.timers).toEqual([]);
      expect(stack).not.toHaveProperty("approvals");
    }
    expect(play(aGate(), ship(kim), anEvent("RETRY_PENDING_TASKS")).last).toMatchObject({
      dispatches: [{ task: "check", again: true }],
    });
  });

  it("takes no answer of a worker, whether it is open, rejected or given", () => {
    const byName = { task: { name: "sign-off" } };
    const results = ["TASK_COMPLETED", "TASK_ERROR"].map((name) => anEvent(name, byName));
    for (const before of [[], [answer("REJECT_TASK", ada)], [approve(ada)]]) {
      for (const result of results) {
        expect(refusal(play(aGate(), ship(kim), ...before, result))).toMatchObject([
          "rejected",
          "TASK_NOT_RUNNING",
          {},
        ]);
      }
    }
    const byId = anEvent("TASK_COMPLETED", { ...byName, dispatchId: "pr-12/s/1/sign-off/1" });
    expect(refusal(play(aGate(), ship(kim), byId))).toMatchObject(["ignored", "RESULT_STALE", {}]);
  });

  it("stays open with its terms while its stack moves to another revision, and is opened anew", () => {
    const next = aGate({ config: "from: [others]" });
    const before = play(aGate({ config: "from: [managers], count: 2" }), ship(kim), approve(ada));
    const moved = decide(next, before.stack, anEvent("UPGRADE_STACK", { sender: ben }));

    const [open] = Object.values(before.stack?.approvals ?? {});
    expect(moved).toMatchObject({
      stack: { approvals: { "sign-off": { from: ["managers"], count: 2, given: [], changedBy: [{ id: "ben" }] } } },
      notes: ['The revision has changed, so "sign-off" must be approved again.'],
    });
    expect(moved).toMatchObject({ stack: { approvals: { "sign-off": { expiresAt: open?.expiresAt } } } });
  });

  it("does not change when its stack is moved to the revision that it has", () => {
    const machine = aGate({ config: "from: [managers], count: 2" });
    const before = play(machine, ship(kim), approve(ada));

    const moved = decide(machine, before.stack, anEvent("UPGRADE_STACK", { sender: ben }));

    expect(moved).toMatchObject({ kind: "applied", stack: { approvals: before.stack?.approvals } });
  });

  it("expires although the event of its end was parked before it was opened anew", () => {
    const machine = aGate();
    const { stack } = play(machine, ship(kim));
    const [timer] = stack?.timers ?? [];
    if (stack === undefined || timer === undefined) throw new Error("The approval is open.");
    const parked = withRefused(stack, timer.id, { at: timer.dueAt, code: "INTERNAL", reason: "no" });

    const again = decide(machine, parked, anEvent("IMAGE", { metadata: { image: "app:2" }, at: timer.dueAt }));

    expect(again).toMatchObject({ kind: "applied", stack: { attempts: { "sign-off": 2 } } });
    expect(again.kind === "applied" && dueTimers(again.stack, timer.dueAt)).toEqual([timer]);
  });

  it("is not given by who moved its stack to another revision while it was open", () => {
    const next = aGate({ config: "from: [managers]", task: "timeout: 2h" });
    const { stack } = play(aGate(), ship(kim));
    const moved = decide(next, stack, anEvent("UPGRADE_STACK", { sender: ada, at: 2 * HOUR_MS }));
    const after = moved.kind === "applied" ? moved.stack : undefined;

    expect(decide(next, after, { ...approve(ada), at: 2 * HOUR_MS + 1 })).toMatchObject({
      kind: "rejected",
      code: "NOT_ALLOWED",
    });
    expect(decide(next, after, { ...approve(ben), at: 2 * HOUR_MS + 1 })).toMatchObject({ kind: "applied" });
  });
});

describe("who may approve", () => {
  const config = "from: [managers], count: 2";
  const token: Sender = { kind: "token", id: "t1", name: "ci", groups: ["managers"], owner: "ada" };

  it.each([
    ["an unknown sender", undefined, "The sender is unknown. Log in as a member of managers."],
    ["a token", token, "ci is a token, and only people may approve or reject. Log in as a member of managers."],
    [
      "a workload",
      { ...token, kind: "workload" } as const,
      "ci is a workload, and only people may approve or reject. Log in as a member of managers.",
    ],
    [
      "anybody",
      { ...token, kind: "anonymous" } as const,
      "ci is a sender without a login, and only people may approve or reject. Log in as a member of managers.",
    ],
    ["people of other groups", kim, "kim is in none of the groups that may approve: managers."],
  ])("is not %s", (_, sender, reason) => {
    for (const name of ["APPROVE_TASK", "REJECT_TASK"]) {
      expect(refusal(play(aGate({ config }), ship(kim), answer(name, sender)))).toEqual([
        "rejected",
        "NOT_ALLOWED",
        reason,
      ]);
    }
  });

  it("is not the one who requested it, nor the owner of the token that did", () => {
    const reason = "ada requested it, so another person must approve it.";
    const renamed = aGate({ config: "from: [managers], own: true" });

    expect(refusal(play(aGate(), ship(ada), approve(ada)))).toEqual(["rejected", "NOT_ALLOWED", reason]);
    expect(refusal(play(aGate(), ship(token), approve(ada)))).toEqual(["rejected", "NOT_ALLOWED", reason]);
    expect(refusal(play(aGate(), ship(token), approve(ben)))).toEqual("applied");
    expect(refusal(play(renamed, ship(ada), approve(ada)))).toEqual("applied");
    expect(refusal(play(aGate(), ship(ada), answer("REJECT_TASK", ada)))).toEqual("applied");
  });

  it("may be who asked on a machine of one person, and that is noted", () => {
    const local = person("you", ["managers"], { kind: "local" });

    const { last } = play(aGate(), ship(local), approve(local));

    expect(last).toMatchObject({ notes: ["you requested it too.", "Approved by you: 1 of 1."] });
  });

  it("remembers the asker through results and through what operators do", () => {
    const source = `
version: 2
events: [SHIP]
states:
  INIT: { on: { SHIP: BUILD } }
  BUILD: { tasks: [build], on: { NEXT: GATE } }
  GATE: { tasks: [sign-off], on: { NEXT: SECOND } }
  SECOND: { tasks: [sign-off], on: { NEXT: LIVE } }
  LIVE: {}
tasks:
  build: { executor: work }
  sign-off: { executor: approval, config: { from: [managers] } }
`;
    const { machine } = parseMachine(source, { name: "app" });
    const built = anEvent("TASK_COMPLETED", { task: { name: "build" }, sender: ben });
    const events = [ship(ada), built, approve(ben)];

    const second = play(machine as Machine, ...events);

    expect([second.stack?.state, findOpen(second)?.askedBy?.id]).toEqual(["SECOND", "ada"]);
    expect(refusal(play(machine as Machine, ...events, approve(ada)))).toMatchObject(["rejected", "NOT_ALLOWED", {}]);
    expect(play(machine as Machine, ...events, approve(ben)).stack?.state).toBe("LIVE");
  });

  const ci: Sender = { kind: "token", id: "configured:ci", name: "ci", groups: [] };
  const peer = person("kim");
  const bring = (sender: Sender | undefined) =>
    anEvent("IMAGE", { metadata: { image: "b" }, ...(sender && { sender }) });

  it.each([
    ["a token without an owner", [ship(ci)], 'The token "ci" requested it, and has no owner'],
    ["an unknown sender", [ship()], "A sender who is not known requested it"],
    ["an anonymous sender", [ship({ ...ci, kind: "anonymous" })], "A sender who is not known requested it"],
    ["one, and a token changed it while it waits", [ship(peer), bring(ci)], 'The token "ci" requested it'],
    [
      "one, and a queue changed it while it waits",
      [ship(peer), bring(undefined)],
      "A sender who is not known requested",
    ],
    [
      "one, after a token had changed it",
      [
        anEvent("SHIP", { id: "a", metadata: { approver: "x" }, sender: ci }),
        anEvent("STOP", { sender: peer }),
        ship(peer),
      ],
      'The token "ci" requested it',
    ],
  ])("is not one person when it was requested by %s, who may be behind it", (_, asked, reason) => {
    const two = play(aGate({ config: "from: [managers], count: 2" }), ...asked, approve(ada), approve(ben));
    const config = "from: [managers], unowned: true";

    expect(refusal(play(aGate(), ...asked, approve(ada)))).toEqual([
      "rejected",
      "NOT_ALLOWED",
      expect.stringContaining(reason),
    ]);
    expect(refusal(two)).toBe("applied");
    expect(two.stack?.tasks[0]).toMatchObject({ status: "SATISFIED" });
    expect(refusal(play(aGate({ config }), ...asked, approve(ada)))).toBe("applied");
    expect(refusal(play(aGate(), ...asked, approve(person("you", ["managers"], { kind: "local" }))))).toBe("applied");
    expect(refusal(play(aGate(), ...asked, answer("REJECT_TASK", ada)))).toBe("applied");
  });

  it("may be a person of the same name at another issuer [project-pegaprox#651]", () => {
    const bob = (issuer: string) => ({ ...person(`https://${issuer} 1`), name: "bob" });

    expect(refusal(play(aGate(), ship(bob("corp")), approve(bob("partner"))))).toBe("applied");
    expect(refusal(play(aGate(), ship(bob("corp")), approve(bob("corp"))))).toContain("NOT_ALLOWED");
  });

  it("may be the requester where the machine says so, whatever its role [growthbook#6185]", () => {
    const own = aGate({ config: "from: [managers], own: true" });

    expect(refusal(play(own, ship(ada), approve(ada)))).toBe("applied");
    expect(refusal(play(own, ship(ci), approve(ada)))).toBe("applied");
    expect(refusal(play(own, ship(kim), approve(kim)))).toContain("NOT_ALLOWED");
  });

  it("says how an approval can be given that no person can give [agent-ready-repo#931]", () => {
    expect(refusal(play(aGate(), ship(ci), approve(ada)))).toEqual([
      "rejected",
      "NOT_ALLOWED",
      'The token "ci" requested it, and has no owner: ada may be behind it. The machine must require two approvals (count: 2), or allow such requests (unowned: true).',
    ]);
  });

  it("is still another one than the requester where requests without a person are let through", () => {
    const config = "from: [managers], unowned: true";

    expect(refusal(play(aGate({ config }), ship(ada), approve(ada)))).toContain("NOT_ALLOWED");
    expect(refusal(play(aGate({ config }), ship(ci), bring(ada), approve(ada)))).toContain("NOT_ALLOWED");
  });

  it("counts each person once", () => {
    const repeated = play(aGate({ config }), ship(kim), approve(ada), approve({ ...ada, name: "Ada L." }));

    expect(refusal(repeated)).toEqual([
      "rejected",
      "APPROVAL_REPEATED",
      "Ada L. has approved it before; 1 more must approve.",
    ]);
    expect(refusal(play(aGate({ config }), ship(kim), approve(ada), approve({ ...ada, kind: "aws" })))).toBe("applied");
  });

  it("is kept with the beginning of the comment", () => {
    const given = findOpen(play(aGate({ config }), ship(kim), approve(ada, { reason: "🦊".repeat(2_000) })))?.given;

    expect(given?.[0]?.comment).toBe(`${"🦊".repeat(249)}…`);
  });

  it("may withdraw only an approval of their own", () => {
    const withdraw = (sender: Sender) => answer("WITHDRAW_APPROVAL", sender);
    const machine = aGate({ config });
    const withdrawn = play(machine, ship(kim), approve(ada), withdraw(ada));

    expect([listGiven(withdrawn), listTasks(withdrawn)?.[0]]).toEqual([[], "APPROVING"]);
    expect(refusal(play(machine, ship(kim), approve(ada), withdraw(ben)))).toEqual([
      "rejected",
      "NOT_ALLOWED",
      "ben has no approval to withdraw.",
    ]);
    expect(listGiven(play(machine, ship(kim), approve(ada), withdraw(ada), approve(ada)))).toEqual(["ada"]);
  });

  it("must repeat what is approved, and say why, where the machine wants it", () => {
    const machine = aGate({ config: `from: [managers], of: '\${metadata.image}', comment: required` });
    const reason = 'The approval must repeat what is approved: "of": "app:1".';

    for (const of of [undefined, "app:2"]) {
      const refused = play(machine, ship(kim), approve(ada, { reason: "ok", ...(of && { of }) }));
      expect(refusal(refused)).toEqual(["rejected", "NOT_ALLOWED", reason]);
    }
    for (const event of [
      approve(ada, { of: "app:1" }),
      approve(ada, { of: "app:1", reason: " " }),
      answer("REJECT_TASK", ada),
    ]) {
      expect(refusal(play(machine, ship(kim), event))).toMatchObject(["rejected", "COMMENT_REQUIRED", {}]);
    }
    expect(refusal(play(machine, ship(kim), approve(ada, { of: "app:1", reason: "ok" })))).toBe("applied");
  });
});

describe("metadata that changes while an approval is open", () => {
  const config = `from: [managers], count: 2, of: '\${metadata.image}'`;
  const image = (name: string, sender?: Sender) =>
    anEvent("IMAGE", { metadata: { image: name }, ...(sender && { sender }) });
  const given = approve(ada, { of: "app:1" });

  it("empties what was given, and asks anew under another id until the same instant", () => {
    const before = play(aGate({ config }), ship(kim), given);
    const after = play(aGate({ config }), ship(kim), given, image("app:2"));

    expect([listGiven(before), listGiven(after)]).toEqual([["ada"], []]);
    expect(findOpen(after)).toMatchObject({
      id: "pr-12/s/1/sign-off/2",
      of: "app:2",
      expiresAt: findOpen(before)?.expiresAt,
    });
    expect(after.last).toMatchObject({ notes: ['The metadata has changed, so "sign-off" must be approved again.'] });
  });

  it("refuses an approval of what was there before", () => {
    const late = approve(ada, { of: "app:1", dispatchId: "pr-12/s/1/sign-off/1" });

    expect(refusal(play(aGate({ config }), ship(kim), image("app:2"), late))).toMatchObject([
      "rejected",
      "APPROVAL_CLOSED",
      expect.stringContaining("has changed. Read it again"),
    ]);
  });

  it("keeps what was given when the values stay the same, or the event is refused", () => {
    const events = [image("app:1"), anEvent("NOTE"), anEvent("UNKNOWN", { metadata: { image: "app:2" } })];
    for (const event of events) expect(listGiven(play(aGate({ config }), ship(kim), given, event))).toEqual(["ada"]);
  });

  it("is noticed when a task changes it, too", () => {
    const done = anEvent("TASK_COMPLETED", { task: { name: "check" }, outputs: { image: "app:3" } });

    expect(listGiven(play(aGate({ config }), ship(kim), given, done))).toEqual([]);
  });

  it("counts the one who changed it as a requester", () => {
    const changed = play(aGate({ config }), ship(kim), image("app:2", ben), approve(ben, { of: "app:2" }));

    expect(refusal(changed)).toEqual([
      "rejected",
      "NOT_ALLOWED",
      "ben requested it, so another person must approve it.",
    ]);
  });

  it("fails the task when the approval cannot be opened any more", () => {
    const machine = aGate({ config: `from: ['\${metadata.image}']` });
    const failed = play(machine, ship(kim), anEvent("IMAGE", { metadata: { image: 7 } }));

    expect(failed.stack?.tasks[0]).toMatchObject({ status: "ERROR", errorCode: "CONFIG_INVALID" });
    expect(failed.stack).toMatchObject({ timers: [] });
  });

  it("does not come with an approval", () => {
    const smuggled = approve(ada, { of: "app:1", metadata: { image: "evil:1" } });

    expect(refusal(play(aGate({ config }), ship(kim), smuggled))).toMatchObject(["rejected", "EVENT_INVALID", {}]);
  });
});

describe("a machine that declares an event of such a name", () => {
  const source = `
version: 2
events: [GO, APPROVE_TASK]
states:
  INIT: { on: { GO: ASKED } }
  ASKED: { on: { APPROVE_TASK: LIVE } }
  LIVE: {}
`;

  it("is refused, also where the name is in the audit log for an approval that was settled", () => {
    const settled = source.replaceAll("APPROVE_TASK", "SETTLE_APPROVAL");

    expect(parseMachine(settled, { name: "app" }).problems.map(({ code }) => code)).toContain("event-reserved");
  });

  it("is refused as a new document", () => {
    expect(parseMachine(source, { name: "app" }).problems.map(({ code, path }) => [code, path])).toContainEqual([
      "event-reserved",
      ["events", "1"].join("."),
    ]);
  });

  it("keeps it as an event like others where a revision is kept from before", () => {
    const { machine } = parseMachine(source, { name: "app", kept: true });
    const asked = anEvent("GO", { id: "s" });

    expect(play(machine as Machine, asked, anEvent("APPROVE_TASK", { metadata: { a: 1 } })).stack?.state).toBe("LIVE");
    expect(refusal(play(machine as Machine, { ...asked, name: "APPROVE_TASK" }))).toMatchObject([
      "rejected",
      "EVENT_NOT_HANDLED",
      {},
    ]);
  });
});

describe("the name of the built-in executor", () => {
  it("is refused for executors of plugins", () => {
    const define = () =>
      defineExecutor({ name: "approval", config: Type.Object({}), start: async () => succeeded({}) });

    expect(define).toThrow(expect.objectContaining({ code: "PLUGIN_INVALID" }));
  });

  it("means people whatever executors a yard registers", () => {
    expect(aGate().tasks.get("sign-off")).toMatchObject({ isApproval: true, timeoutMs: 7 * 24 * HOUR_MS });
  });
});

describe("four eyes", () => {
  const image = (sender: Sender) => anEvent("NOTE", { id: "n", metadata: { image: "app:2" }, sender });
  /** `NOTE` leads nowhere in LIVE, and a timer leads to the gate. */
  function aTimedGate(): Machine {
    const source = `
version: 2
events: [OPEN, NOTE, SHIP, TICK, BACK]
metadata: { image: {}, other: {} }
states:
  INIT: { on: { OPEN: LIVE } }
  LIVE: { on: { NOTE: no-op, SHIP: GATE, TICK: GATE }, after: [{ in: 1h, event: TICK }] }
  GATE: { tasks: [sign-off], on: { NEXT: SECOND, BACK: LIVE } }
  SECOND: { tasks: [last], on: { NEXT: LIVE } }
tasks:
  sign-off: { executor: approval, config: { from: [managers] } }
  last: { executor: approval, config: { from: [managers] } }
`;
    const { machine, problems } = parseMachine(source, { name: "app" });
    if (machine === undefined) throw new Error(JSON.stringify(problems));
    return machine;
  }
  const peer = person("kim");
  const openBy = (metadata = {}) => anEvent("OPEN", { id: "o", metadata, sender: peer });
  const shipByPeer = anEvent("SHIP", { id: "s", sender: peer });
  const note = (id: string, sender: Sender, metadata: object) => anEvent("NOTE", { id, sender, metadata });
  const timerId = play(aTimedGate(), openBy()).stack?.timers[0]?.id ?? "";
  const tick = anEvent("TICK", { id: "t", origin: "timer", timerId });

  it.each([
    ["changed the metadata before another one asked", [image(ada), shipByPeer]],
    ["changed it by an event that leads nowhere, and a timer asked", [image(ada), tick]],
    ["removed a value before", [image(peer), note("n2", ada, { image: null }), shipByPeer]],
    ["changed it by a token of its own", [image({ ...person("ci"), kind: "token", owner: "ada" }), shipByPeer]],
    ["changed one value, and others changed others since", [image(ada), note("n2", peer, { other: 1 }), shipByPeer]],
  ])("keep someone from approving who %s", (_, events) => {
    const machine = aTimedGate();

    expect(refusal(play(machine, openBy(), ...events, approve(ada)))).toEqual([
      "rejected",
      "NOT_ALLOWED",
      "ada requested it, so another person must approve it.",
    ]);
    expect(refusal(play(machine, openBy(), ...events, approve(ben)))).toBe("applied");
  });

  it("count through approvals that follow each other", () => {
    const events = [openBy(), image(ada), shipByPeer, approve(ben)];

    const last = play(aTimedGate(), ...events, approve(ada, { task: { name: "last" }, id: "x" }));

    expect(refusal(last)).toContain("NOT_ALLOWED");
  });

  /** A timer copies what was sent to another key, and others replace what was sent. */
  function aCopyingGate(): Machine {
    const source = `
version: 2
events: [OPEN, NOTE, SHIP, TICK]
metadata: { wish: {}, image: {} }
states:
  INIT: { on: { OPEN: LIVE } }
  LIVE:
    after: [{ in: 1h, event: TICK }]
    on: { NOTE: no-op, SHIP: GATE, TICK: [{ action: no-op, set: { image: "\${metadata.wish}" } }] }
  GATE: { tasks: [sign-off], on: { NEXT: LIVE, SHIP: GATE } }
tasks:
  sign-off: { executor: approval, config: { from: [managers] }, outputs: { wish: approvedBy } }
`;
    const { machine, problems } = parseMachine(source, { name: "app" });
    if (machine === undefined) throw new Error(JSON.stringify(problems));
    return machine;
  }

  it("count who sent what a timer has copied since, also when others replace what was sent", () => {
    const sent = [openBy({ wish: "a" }), note("n", ada, { wish: "evil" }), tick, note("n2", peer, { wish: "b" })];
    const played = play(aCopyingGate(), ...sent, shipByPeer, approve(ada));

    expect(played.stack?.metadata).toEqual({ wish: "b", image: "evil" });
    expect(refusal(played)).toContain("NOT_ALLOWED");
    const replaced = play(aCopyingGate(), ...sent, note("n3", peer, { image: "c" }), shipByPeer, approve(ada));
    expect(refusal(replaced)).toBe("applied");
  });

  it("do not count an approver who approved something before", () => {
    const again = anEvent("SHIP", { id: "s2", sender: peer });

    const played = play(aCopyingGate(), openBy(), shipByPeer, approve(ben), again, approve(ben, { id: "second" }));

    expect(played.stack?.metadata).toEqual({ wish: "ben" });
    expect(refusal(played)).toBe("applied");
  });

  it("let someone approve whose values others have replaced", () => {
    const events = [openBy(), image(ada), note("n2", peer, { image: "app:3" }), shipByPeer];

    expect(refusal(play(aTimedGate(), ...events, approve(ada)))).toBe("applied");
  });

  it("keep the number of noted keys small", () => {
    const metadata = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`k${n}`, n]));
    const { stack } = play(aTimedGate(), openBy(metadata), note("n", ada, { k1: 0 }));

    expect(stack?.metadataBy).toEqual([
      { kind: "person", id: "kim", name: "kim", keys: ["*"] },
      { kind: "person", id: "ada", name: "ada", keys: ["k1"] },
    ]);
  });

  const byHand = { task: { name: "sign-off" }, as: "succeeded", reason: "x", sender: ada } as const;
  it.each([
    ["by an event", {}],
    ["by an event that says so", { approval: true }],
    ["by an operation that does not say so, such as a bulk", { own: true as const }],
  ])("are not passed by settling the approval %s, also after a rejection", (_, rest) => {
    const settle = anEvent("SETTLE_TASK", { ...byHand, ...rest });

    const open = play(aGate(), ship(kim), settle);
    const rejected = play(aGate(), ship(kim), answer("REJECT_TASK", ben), settle);

    expect([refusal(open)[1], refusal(rejected)[1]]).toEqual(["NOT_ALLOWED", "NOT_ALLOWED"]);
  });

  it("are passed by hand by an operation with the permission, which is noted", () => {
    const { last } = play(aGate(), ship(kim), anEvent("SETTLE_TASK", { ...byHand, approval: true, own: true }));

    expect(last).toMatchObject({ kind: "applied", notes: ["Settled by hand by ada, without an approval."] });
  });
});
