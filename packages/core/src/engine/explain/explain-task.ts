import { attemptsOf, isCurrent, isHeld } from "../../machine/decide/work.ts";
import type { Machine } from "../../machine/machine.ts";
import type { OpenRun, Stack, TaskState } from "../../machine/stack.ts";
import type { AttemptView } from "../../ports/attempt-store.ts";
import { type AttemptFacts, explainAttempt } from "./explain-attempt.ts";
import { tellLength, tellNames } from "./tell-time.ts";
import type { Reason } from "./wait.ts";

/** What a task is explained by. */
export interface TaskFacts extends AttemptFacts {
  readonly stack: Stack;
  readonly attempts: readonly AttemptView[];
  /** That the stack's next event is decided on; without it needs and numbers of attempts are not told. */
  readonly machine?: Machine | undefined;
}

/** The newest attempt of a task in the present entry. */
export function findNewestAttempt({ stack, attempts }: TaskFacts, task: string): AttemptView | undefined {
  return attempts
    .filter((attempt) => attempt.task === task && attempt.entry === stack.entry)
    .sort((a, b) => b.attempt - a.attempt)[0];
}

/** Why a task is where it is, and what it waits for. */
export function explainTask(facts: TaskFacts, task: TaskState): Reason {
  if (task.detail === "SKIPPED") return { why: "Skipped: its condition did not hold." };
  if (task.status === "SATISFIED") return { why: "Done." };
  if (task.status === "ERROR") return explainFailure(facts.stack, task);
  if (task.detail === "WAITING") return explainWaiting(facts, task.name);
  if (task.detail === "RETRYING") return explainRetry(facts, task.name);
  const attempt = findNewestAttempt(facts, task.name);
  if (attempt !== undefined) return explainAttempt(attempt, facts);
  if (facts.machine?.tasks.has(task.name) === false) return explainLost(facts.stack, task.name);
  return { why: "Its message was sent; no answer has come.", waitsFor: { kind: "result", task: task.name } };
}

/** A stack that follows its machine may be in a state whose task the newest revision has no more. */
function explainLost({ id }: Stack, name: string): Reason {
  const why = `The machine has no such task any more, so it is not sent. Bring it back, or count it as done with \`stackyard stacks settle ${id} ${name} --reason WHY\`.`;
  return { why, waitsFor: { kind: "operator", task: name } };
}

function explainFailure({ id }: Stack, { name, detail, errorCode, errorMessage }: TaskState): Reason {
  const waitsFor = { kind: "operator", task: name, ...(errorCode === undefined ? {} : { code: errorCode }) } as const;
  if (detail === "CANCELLED") {
    const why = `Cancelled. \`stackyard stacks retry ${id} --task ${name}\` tries again; \`stackyard stacks settle ${id} ${name} --reason WHY\` counts it as done.`;
    return { why, waitsFor };
  }
  const code = errorCode === undefined ? "" : ` (${errorCode})`;
  return { why: `Failed${code}: ${errorMessage ?? "no reason was given"}`, waitsFor };
}

/** For the runs of earlier states first: while they live nothing begins, whatever the needs. */
function explainWaiting(facts: TaskFacts, name: string): Reason {
  const left = listLeft(facts.stack);
  if (left.length > 0) return explainLeaving(facts, left);
  const unmet = listUnmet(facts, name);
  const [first] = unmet;
  if (first === undefined) return { why: "It is about to be sent.", waitsFor: { kind: "result", task: name } };
  const root = findRoot(facts, first);
  const through = root === first ? "" : `, in the end for "${root.name}"`;
  const reason =
    root.status === "ERROR"
      ? `it has failed; \`stackyard stacks retry ${facts.stack.id}\` tries again.`
      : explainTask(facts, root).why;
  const others = unmet.slice(1).map((need) => `"${need.name}"`);
  const also = others.length > 0 ? ` Besides for ${tellNames(others)}.` : "";
  return {
    why: `Waits for task "${first.name}"${through}: ${also === "" ? reason : toSentence(reason)}${also}`,
    waitsFor: { kind: "need", tasks: unmet.map((need) => need.name) },
  };
}

/** The task at the end of the needs: what it waits for is no task. */
function findRoot(facts: TaskFacts, from: TaskState): TaskState {
  const seen = new Set<string>();
  let root = from;
  for (;;) {
    seen.add(root.name);
    const next =
      root.detail === "WAITING" ? listUnmet(facts, root.name).find(({ name }) => !seen.has(name)) : undefined;
    if (next === undefined) return root;
    root = next;
  }
}

/** Runs of earlier states that this entry waits for. */
export function listLeft(stack: Stack): readonly OpenRun[] {
  return isHeld({ stack }) ? stack.runs.filter((run) => run.entry < stack.entry) : [];
}

/** Why an entry that waits for such runs stands still. */
export function explainLeaving(facts: AttemptFacts & Pick<TaskFacts, "attempts">, left: readonly OpenRun[]): Reason {
  const [first] = left;
  const attempt = facts.attempts.find(({ attemptId }) => attemptId === first?.attemptId);
  const state = attempt === undefined ? "" : ` ${toSentence(explainAttempt(attempt, facts).why)}`;
  const names = left.map(({ task }) => `"${task}"`);
  const runs = left.length === 1 ? "a run of an earlier state" : `${left.length} runs of earlier states`;
  return {
    why: `Waits for ${runs} to end: ${tellNames(names)}.${state}`,
    waitsFor: { kind: "leaving", tasks: left.map(({ task }) => task), ...(first && { attemptId: first.attemptId }) },
  };
}

/** A failed need is told first: the others may end by themselves. */
function listUnmet({ stack, machine }: TaskFacts, name: string): readonly TaskState[] {
  const needs = machine?.tasks.get(name)?.needs ?? [];
  const unmet = stack.tasks.filter((task) => needs.includes(task.name) && task.status !== "SATISFIED");
  return [...unmet].sort((a, b) => Number(b.status === "ERROR") - Number(a.status === "ERROR"));
}

/** A reason that ends with a line of progress may have no full stop. */
function toSentence(why: string): string {
  return /[.!?]$/.test(why) ? why : `${why}.`;
}

function explainRetry(facts: TaskFacts, name: string): Reason {
  const { stack, machine, now } = facts;
  const timer = stack.timers.find(({ task }) => task === name);
  const attempt = attemptsOf(stack, name) + 1;
  const failures = Object.hasOwn(stack.failures ?? {}, name) ? (stack.failures?.[name] ?? 0) : 0;
  const policy = machine?.tasks.get(name)?.retry.attempts;
  const number = policy === undefined ? `Attempt ${attempt}` : `Try ${failures + 1} of ${policy}`;
  if (timer !== undefined) {
    const when = tellLength(timer.dueAt - now);
    const waitsFor = { kind: "timer", task: name, event: timer.event, at: timer.dueAt } as const;
    return { why: `${number} begins in ${when}; the one before has failed.`, waitsFor };
  }
  const open = stack.runs.findLast((run) => run.task === name && isCurrent(stack, run));
  const view = facts.attempts.find(({ attemptId }) => attemptId === open?.attemptId);
  const reason = view === undefined ? undefined : explainAttempt(view, facts);
  const before = reason === undefined ? "" : ` ${reason.why}`;
  const waitsFor = reason?.waitsFor ?? ({ kind: "cancel", task: name } as const);
  return { why: `${number} begins when the one before has stopped.${before}`, waitsFor };
}
