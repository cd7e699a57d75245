import fc from "fast-check";
import { expect, it } from "vitest";
import type { Sender } from "../../access/sender.ts";
import { anEvent } from "../../testing/builders.ts";
import type { StackEvent } from "../event-message.ts";
import { parseMachine } from "../parse-machine.ts";
import type { Stack } from "../stack.ts";
import { decide } from "./decide.ts";
import type { Applied } from "./decision.ts";

const SOURCE = `
version: 2
events: [GO, AGAIN, NOTE, STOP, RESUME]
metadata: { plan: { type: string } }
states:
  INIT: { on: { GO: REVIEW } }
  REVIEW: { leaving: abandon, tasks: [plan, approve], on: { NEXT: APPLY, FAILED: REST, STOP: REST, NOTE: no-op, AGAIN: REVIEW } }
  APPLY: { leaving: abandon, approved: [approve], tasks: [first, apply], on: { NEXT: REST, STOP: REST, NOTE: no-op, AGAIN: REVIEW } }
  REST: { on: { AGAIN: REVIEW, RESUME: APPLY, NOTE: no-op, GO: REDO } }
  REDO: { tasks: [plan], on: { NEXT: APPLY, FAILED: REST } }
tasks:
  plan: { executor: work, outputs: { plan: plan } }
  approve: { executor: approval, needs: [plan], config: { from: [managers], of: "\${metadata.plan}" } }
  first: { executor: work, config: { plan: "\${metadata.plan}" } }
  apply: { executor: work, needs: [first], retry: { attempts: 2 }, config: { plan: "\${metadata.plan}" } }
`;

const person = (id: string): Sender => ({ kind: "person", id, name: id, groups: ["managers"] });

interface Given {
  readonly plan: string;
  readonly task: { readonly name: string };
  /** What the open approval asks. */
  readonly of: string | undefined;
  readonly metadata: { readonly plan?: string };
}

const send = (name: string) => (given: Given) =>
  anEvent(name, { sender: person("oscar"), metadata: { ...given.metadata } });
const answer = (name: string) => (given: Given) =>
  anEvent(name, { sender: person("rita"), task: { name: "approve" }, of: given.of ?? given.plan });
const byHand = { sender: person("rita"), own: true, as: "succeeded", approval: true, reason: "x" } as const;

const EVENTS: Readonly<Record<string, (given: Given) => StackEvent>> = {
  ...Object.fromEntries(["GO", "AGAIN", "NOTE", "STOP", "RESUME"].map((name) => [name, send(name)])),
  RETRY_FAILED_TASKS: send("RETRY_FAILED_TASKS"),
  RETRY_PENDING_TASKS: send("RETRY_PENDING_TASKS"),
  APPROVE_TASK: answer("APPROVE_TASK"),
  REJECT_TASK: answer("REJECT_TASK"),
  SETTLE_TASK: () => anEvent("SETTLE_TASK", { ...byHand, task: { name: "approve" } }),
  TASK_COMPLETED: ({ task, plan }) =>
    anEvent("TASK_COMPLETED", { origin: "worker", task, ...(task.name === "plan" && { outputs: { plan } }) }),
  TASK_ERROR: ({ task }) => anEvent("TASK_ERROR", { origin: "worker", task }),
};

const step = fc.record({
  name: fc.constantFrom(...Object.keys(EVENTS), "APPROVE_TASK", "TASK_COMPLETED", "TASK_COMPLETED"),
  plan: fc.constantFrom("D0", "D1"),
  task: fc.nat(3),
  brings: fc.boolean(),
});

interface Play {
  readonly stack?: Stack;
  /** What was approved last, unless it was asked again since. */
  readonly allowed?: string | undefined;
}

const askedOf = ({ approvals = {} }: Partial<Stack>) => approvals["approve"]?.of;
const isPassed = ({ tasks = [] }: Partial<Stack>) =>
  tasks.some(({ name, status }) => name === "approve" && status === "SATISFIED");

/** Returns what may be done after an event, by its own look at the stack before and after. */
function toAllowed({ stack, allowed }: Play, event: StackEvent, after: Stack) {
  const before: Partial<Stack> = stack ?? {};
  const isEntered = after.entry !== before.entry;
  if (isEntered && after.state === "REVIEW") return undefined;
  const isGiven = isEntered
    ? ["APPROVE_TASK", "SETTLE_TASK"].includes(event.name) && before.state === "REVIEW"
    : isPassed(after) && !isPassed(before);
  return isGiven ? (askedOf(before) ?? String(after.metadata["plan"])) : allowed;
}

function checkSent({ stack, dispatches }: Applied, allowed: string | undefined): void {
  if (stack.state !== "APPLY") return;
  for (const { message } of dispatches) {
    expect({ [String(message.task.name)]: Object(message.task["config"]).plan }).toEqual({
      [message.task.name]: allowed,
    });
  }
}

interface Step {
  readonly name: string;
  readonly plan: string;
  readonly task: number;
  readonly brings: boolean;
}

function toEvent({ name, plan, task, brings }: Step, stack: Partial<Stack>): StackEvent {
  const own = stack.tasks ?? [];
  const named = own[task % Math.max(1, own.length)]?.name ?? "plan";
  const given = { plan, task: { name: named }, of: askedOf(stack), metadata: brings ? { plan } : {} };
  return EVENTS[name]?.(given) ?? anEvent(name);
}

const BEGIN = ["GO", "TASK_COMPLETED", "APPROVE_TASK"].map((name) => ({ name, plan: "D1", task: 0, brings: false }));

it("nothing is sent in a state that names an approval but what was approved last", () => {
  const { machine } = parseMachine(SOURCE, { name: "app", uncheckedExecutors: ["work"] });
  if (machine === undefined) throw new Error("The machine has errors.");
  const check = (steps: readonly Step[]) => {
    let play: Play = {};
    for (const [index, each] of [...BEGIN, ...steps].entries()) {
      const event = { ...toEvent(each, play.stack ?? {}), id: `e${index}`, at: index + 1, machine: "app" };
      const decision = decide(machine, play.stack, event);
      if (decision.kind !== "applied") continue;
      const allowed = toAllowed(play, event, decision.stack);
      checkSent(decision, allowed);
      play = { stack: decision.stack, allowed };
    }
  };

  fc.assert(fc.property(fc.array(step, { maxLength: 30, size: "max" }), check), { numRuns: 1_000 });
});
