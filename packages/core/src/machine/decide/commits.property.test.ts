import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anEvent } from "../../testing/builders.ts";
import { evaluateCommit } from "../evaluate-commit.ts";
import type { StackEvent } from "../event-message.ts";
import { parseMachine } from "../parse-machine.ts";
import type { Stack } from "../stack.ts";
import { decide } from "./decide.ts";
import type { Applied } from "./decision.ts";
import { dueTimers } from "./timers.ts";

/** A machine that rolls out, checks by itself and on request, and may bring the last good commit back. */
function aMachine(goesBack: boolean) {
  const back = `{ when: "has(metadata.good)", action: advance, state: LIVE, set: { sha: "\${metadata.good}" } }, `;
  const source = `
version: 2
events: [OPENED, PUSHED, NOTED, CHECK, BACK]
metadata: { sha: { type: string }, good: { type: string } }
states:
  INIT: { on: { OPENED: ROLL } }
  ROLL:
    leaving: abandon
    tasks: [up, test]
    on:
      NEXT: [{ action: advance, state: LIVE, set: { good: "\${metadata.sha}" } }]
      FAILED: [${goesBack ? back : ""}{ action: advance, state: LIVE }]
      PUSHED: ROLL
      NOTED: no-op
  LIVE:
    after: [{ in: 1h, event: CHECK }]
    on:
      PUSHED: ROLL
      NOTED: no-op
      CHECK: CHECKING
      BACK: [{ when: "has(metadata.good)", action: advance, state: ROLL, set: { sha: "\${metadata.good}" } }]
  CHECKING: { leaving: abandon, tasks: [look], on: { NEXT: LIVE, FAILED: LIVE, PUSHED: ROLL, NOTED: no-op } }
tasks:
  up: { executor: work, retry: { attempts: 2, backoff: { from: 1s, to: 1s } } }
  test: { executor: work, needs: [up] }
  look: { executor: work }
`;
  const { machine, problems } = parseMachine(source, { name: "app" });
  if (machine === undefined) throw new Error(JSON.stringify(problems));
  return machine;
}

const MACHINES = new Map([
  ["stays", aMachine(false)],
  ["goes back", aMachine(true)],
]);

const SENT = ["OPENED", "PUSHED", "PUSHED", "NOTED", "CHECK", "BACK"] as const;
const RESULTS = ["TASK_COMPLETED", "TASK_COMPLETED", "TASK_COMPLETED", "TASK_ERROR", "TASK_ERROR"] as const;
const BY_HAND = ["SETTLE_TASK", "CANCEL_TASK", "RETRY_FAILED_TASKS"] as const;

interface Step {
  readonly name: (typeof SENT)[number] | (typeof RESULTS)[number] | (typeof BY_HAND)[number] | "TIMER";
  readonly digit: number;
  readonly choice: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  name: fc.constantFrom(...SENT, ...RESULTS, ...RESULTS, ...BY_HAND, "TIMER", "TIMER"),
  digit: fc.integer({ min: 1, max: 3 }),
  choice: fc.nat(5),
});

const toId = (digit: number) => `${digit}`.repeat(40);

function toEvent({ name, digit, choice }: Step, stack: Stack | undefined, at: number): StackEvent | undefined {
  const common = { id: `e${at}`, at };
  if (name === "OPENED" || name === "PUSHED" || name === "NOTED") {
    const id = toId(digit);
    return anEvent(name, { ...common, machine: "app", metadata: { sha: id }, commit: { id, key: "sha" } });
  }
  if (name === "CHECK" || name === "BACK") return anEvent(name, { ...common, machine: "app" });
  if (stack === undefined) return undefined;
  if (name === "TIMER") return toTimer(stack, at);
  if (name === "RETRY_FAILED_TASKS") return anEvent(name, common);
  return toAnswer(name, { stack, common, choice });
}

function toTimer(stack: Stack, at: number): StackEvent | undefined {
  const [timer] = dueTimers(stack, at + 36_000_000);
  if (timer === undefined) return undefined;
  const { task } = timer;
  const due = { at: timer.dueAt, timerId: timer.id, origin: "timer", ...(task && { task: { name: task } }) } as const;
  return anEvent(timer.event, { id: `e${at}`, ...due });
}

interface AnswerInput {
  readonly stack: Stack;
  readonly common: Pick<StackEvent, "id" | "at">;
  readonly choice: number;
}

/** Returns a result of a run, or what a person says of a task. */
function toAnswer(name: string, { stack, common, choice }: AnswerInput): StackEvent | undefined {
  if (name === "SETTLE_TASK" || name === "CANCEL_TASK") {
    const task = stack.tasks[choice % Math.max(1, stack.tasks.length)];
    const by = { ...common, ...(task && { task: { name: task.name } }), reason: "by hand" };
    return anEvent(name, name === "SETTLE_TASK" ? { ...by, as: "succeeded" } : by);
  }
  const run = stack.runs[choice % Math.max(1, stack.runs.length)];
  if (run === undefined) return undefined;
  return anEvent(name, { ...common, dispatchId: run.attemptId, task: { name: run.task }, code: "BROKEN" });
}

/** What has been seen of the present commit: the attempts sent for it, and the tasks of which the last one has not succeeded. */
class Seen {
  /** Attempts that were sent before the commit came. */
  readonly earlier: ReadonlySet<string>;
  /** The event that has brought the commit has also led the stack into a state, whose work is the commit's. */
  readonly isOwn: boolean;
  readonly unrepaired = new Set<string>();
  /** False once another event has taken the stack elsewhere: what fails then is not the commit's own work. */
  isLeading = true;
  hasWorked = false;

  constructor(before: Stack | undefined, after: Stack, isOwn: boolean) {
    this.isOwn = isOwn;
    const runs = before?.runs ?? [];
    this.earlier = new Set(runs.map(({ attemptId }) => attemptId));
    // What runs on works with the values before.
    for (const { entry, task } of runs) if (entry === after.entry) this.unrepaired.add(task);
  }
}

/** Follows the tasks of a decision; whether an attempt has ended well is read from the event and the state of its task. */
function follow(seen: Seen, before: Stack | undefined, { stack, dispatches }: Applied, event: StackEvent): void {
  if (dispatches.length > 0 && seen.isLeading) seen.hasWorked = true;
  const run = before?.runs.find(({ attemptId }) => attemptId === event.dispatchId);
  const own = run?.task ?? event.task?.name ?? "";
  const isLate = event.dispatchId !== undefined && seen.earlier.has(event.dispatchId);
  if (SUCCESSES.has(event.name) && !isLate) seen.unrepaired.delete(own);
  // What fails of an attempt from before the commit came is not the commit's own work.
  if (seen.isLeading && !isLate)
    for (const task of listEnded(before, stack, { ...event, task: { name: own } })) seen.unrepaired.add(task);
}

const SUCCESSES: ReadonlySet<string> = new Set(["TASK_COMPLETED", "SETTLE_TASK"]);

/** Lists the tasks that have failed, or were cancelled. */
function listEnded(before: Stack | undefined, stack: Stack, { name, task }: StackEvent): readonly string[] {
  const isEntered = stack.entry !== before?.entry;
  const failed = isEntered ? [] : stack.tasks.filter(({ status }) => status === "ERROR").map((each) => each.name);
  const isEnded = name === "CANCEL_TASK" || (name === "TASK_ERROR" && isEntered);
  const wasOpen = before?.tasks.some((each) => each.name === task?.name && each.status === "PENDING");
  return isEnded && wasOpen && task !== undefined ? [...failed, task.name] : failed;
}

const isAtRest = ({ runs, tasks }: Stack) => runs.length === 0 && tasks.every(({ status }) => status !== "PENDING");

/** Returns what is known of the present commit after a decision. */
function look(seen: Seen | undefined, before: Stack | undefined, { stack }: Applied, event: StackEvent): Seen {
  const isMoved = stack.entry !== before?.entry;
  const isOther = stack.commit?.id !== before?.commit?.id;
  const isOwn = event.commit !== undefined && isMoved;
  if (seen === undefined || isOther || isOwn) return new Seen(before, stack, isOwn);
  const isElsewhere = isMoved && (event.name === "CHECK" || event.name === "BACK" || event.origin === "timer");
  if (isElsewhere && seen.hasWorked) seen.isLeading = false;
  return seen;
}

function checkVerdict(seen: Seen, { stack, commits }: Applied): void {
  const verdict = evaluateCommit(stack);
  expect(commits?.at(-1) ?? verdict).toEqual(verdict);
  if (seen.isOwn && seen.isLeading) {
    if (seen.unrepaired.size > 0) expect(verdict?.is).not.toBe("done");
    else if (seen.hasWorked && isAtRest(stack)) expect(verdict?.is).toBe("done");
  }
  if (verdict?.is === "failed") expect(verdict.lack).toBeDefined();
}

function apply(kind: string, stack: Stack | undefined, event: StackEvent | undefined): Applied | undefined {
  const machine = MACHINES.get(kind);
  const decision = machine && event && decide(machine, stack, event);
  return decision?.kind === "applied" ? decision : undefined;
}

describe("verdicts of commits, over random lives", () => {
  it("are about one commit, and red or green by what has become of its own work", () => {
    fc.assert(
      fc.property(fc.constantFrom(...MACHINES.keys()), fc.array(step, { maxLength: 40 }), (kind, steps) => {
        let stack: Stack | undefined;
        let seen: Seen | undefined;
        const opening: Step = { name: "OPENED", digit: 1, choice: 0 };
        for (const [index, each] of [opening, ...steps].entries()) {
          const event = toEvent(each, stack, (index + 1) * 1_000);
          const decision = apply(kind, stack, event);
          if (event === undefined || decision === undefined) continue;
          checkNames(stack, decision, event);
          seen = look(seen, stack, decision, event);
          follow(seen, stack, decision, event);
          checkVerdict(seen, decision);
          ({ stack } = decision);
        }
      }),
      { numRuns: 100 },
    );
  });
});

/** A decision says something of the commit before and of the one after it only, and only events and the machine's `set` change it. */
function checkNames(before: Stack | undefined, { stack, commits = [], set = [] }: Applied, event: StackEvent): void {
  const known = [before?.commit?.id, stack.commit?.id];
  for (const { id } of commits) expect(known).toContain(id);
  expect(stack.commit?.id).toBe(stack.metadata["sha"]);
  if (event.commit === undefined && !set.includes("sha")) expect(stack.commit?.id).toBe(before?.commit?.id);
}
