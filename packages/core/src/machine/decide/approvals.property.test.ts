import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Sender } from "../../access/sender.ts";
import { anEvent } from "../../testing/builders.ts";
import { APPROVAL_EVENTS, type StackEvent } from "../event-message.ts";
import { parseMachine } from "../parse-machine.ts";
import type { Approval, Stack } from "../stack.ts";
import { decide } from "./decide.ts";
import { dueTimers } from "./timers.ts";

const PEOPLE: readonly Sender[] = [
  { kind: "person", id: "ada", name: "ada", groups: ["ops"] },
  { kind: "person", id: "ben", name: "ben", groups: ["dev", "ops"] },
  { kind: "person", id: "kim", name: "kim", groups: ["dev"] },
  { kind: "aws", id: "ada", name: "ada", groups: ["ops"] },
  { kind: "host", id: "h", name: "h", groups: ["ops"] },
  { kind: "token", id: "t", name: "t", groups: ["ops"], owner: "ada" },
  { kind: "workload", id: "w", name: "w", groups: ["ops", "dev"] },
  { kind: "anonymous", id: "", name: "", groups: ["ops"] },
];

const TASKS = ["first", "second", "work"] as const;

function aMachine(count: number, own: boolean) {
  const ask = (from: string) =>
    `{ executor: approval, timeout: 1h, config: { from: [${from}], count: ${count}, own: ${own} } }`;
  const source = `
version: 2
events: [GO, SET, BACK]
states:
  INIT: { on: { GO: GATE } }
  GATE:
    leaving: abandon
    tasks: [first, work, second]
    on: { GO: GATE, SET: no-op, BACK: INIT, NEXT: INIT, FAILED: no-op }
tasks:
  first: ${ask("ops")}
  work: { executor: work, needs: [first], outputs: { a: a } }
  second: ${ask("dev, ops").replace("executor", "needs: [work], executor")}
`;
  const { machine } = parseMachine(source, { name: "app" });
  if (machine === undefined) throw new Error("The machine has errors.");
  return machine;
}

type Step = readonly [name: string, task: number, sender: number, value: number];

const NAMES = ["APPROVE_TASK", "APPROVE_TASK", "REJECT_TASK", "WITHDRAW_APPROVAL", "GO", "SET", "BACK"] as const;
const BY_HAND = ["TASK_COMPLETED", "TASK_ERROR", "CANCEL_TASK", "SETTLE_TASK", "RETRY_FAILED_TASKS", "TIMER"] as const;

const step: fc.Arbitrary<Step> = fc.tuple(
  fc.constantFrom(...NAMES, ...NAMES, ...BY_HAND),
  fc.nat(TASKS.length - 1),
  fc.nat(PEOPLE.length),
  fc.nat(2),
);

function toEvent([name, task, person, value]: Step, stack: Stack | undefined, at: number): StackEvent | undefined {
  const sender = PEOPLE[person];
  const common = { id: `e${at}`, at, ...(sender && { sender }) };
  const byTask = { ...common, task: { name: TASKS[task] ?? "" } };
  if (name === "TIMER") {
    const [timer] = stack === undefined ? [] : dueTimers(stack, at + 3_600_000);
    if (timer?.task === undefined) return undefined;
    const due = { at: timer.dueAt, timerId: timer.id, task: { name: timer.task }, origin: "timer" } as const;
    return anEvent(timer.event, { id: `e${at}`, ...due });
  }
  if (name === "SETTLE_TASK")
    return anEvent(name, { ...byTask, as: "succeeded", reason: "by hand", approval: true, own: true });
  if (name === "GO" || name === "SET") return anEvent(name, { ...common, machine: "app", metadata: { a: value } });
  return anEvent(name, name === "BACK" || name === "RETRY_FAILED_TASKS" ? common : byTask);
}

const keyOf = ({ kind, id }: { readonly kind: string; readonly id: string }) => `${kind} ${id}`;

/** What must be true of every stack. */
function check(stack: Stack, own: boolean): void {
  const approving = stack.tasks.filter(({ detail }) => detail === "APPROVING").map(({ name }) => name);
  const approvals: readonly (readonly [string, Approval])[] = Object.entries(stack.approvals ?? {});
  expect(approvals.map(([name]) => name).sort()).toEqual([...approving].sort());
  expect(stack.timers.flatMap(({ task }) => task ?? []).sort()).toEqual([...approving].sort());
  for (const [, { given, count, from, askedBy, changedBy = [] }] of approvals) {
    expect(given.length).toBeLessThan(count);
    expect(new Set(given.map(({ by }) => keyOf(by))).size).toBe(given.length);
    for (const { by } of given) {
      const person = PEOPLE.find((each) => keyOf(each) === keyOf(by));
      expect(["person", "aws", "host", "local"]).toContain(by.kind);
      expect(person?.groups.some((group) => from.includes(group))).toBe(true);
      const askers = [askedBy, ...changedBy].filter((asker) => asker !== undefined);
      if (!own) expect(askers.some((asker) => keyOf(asker) === keyOf(by) || asker.owner === by.id)).toBe(false);
    }
  }
  expect(stack.runs.every(({ task }) => task === "work")).toBe(true);
}

describe("approvals, over random events", () => {
  it("are given by enough other people, each once, or not at all", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }),
        fc.boolean(),
        fc.array(step, { maxLength: 40 }),
        (count, own, steps) => {
          const machine = aMachine(count, own);
          let stack: Stack | undefined;
          for (const [index, each] of [["GO", 0, 0, 0] as const, ...steps].entries()) {
            const event = toEvent(each, stack, (index + 1) * 1_000);
            if (event === undefined) continue;
            const decision = decide(machine, stack, event);
            if (decision.kind !== "applied") continue;
            checkSuccess(stack, decision.stack, event, count);
            ({ stack } = decision);
            check(stack, own);
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});

/** An approval becomes SATISFIED by the last approval that it needs, or by hand. */
function checkSuccess(before: Stack | undefined, after: Stack, event: StackEvent, count: number): void {
  for (const [name, { given, id }] of Object.entries(before?.approvals ?? {})) {
    const isSame = after.entry === before?.entry && after.approvals?.[name]?.id === id;
    if (isSame && APPROVAL_EVENTS.has(event.name) === false) expect(after.approvals?.[name]?.given).toEqual(given);
    const task = after.tasks.find((each) => each.name === name);
    if (after.entry !== before?.entry || task?.status !== "SATISFIED") continue;
    expect(event.task?.name).toBe(name);
    expect(["APPROVE_TASK", "SETTLE_TASK"]).toContain(event.name);
    if (event.name === "APPROVE_TASK") expect(given.length).toBe(count - 1);
  }
}
