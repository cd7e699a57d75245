import type { YardProcess } from "../engine/yard-health.ts";
import { parseAttemptId } from "../machine/attempt-id.ts";
import { findApproval } from "../machine/decide/ask-approval.ts";
import { findBegun, listAbsentNeeds, listNeeds } from "../machine/decide/entry-needs.ts";
import { attemptsOf, isCurrent } from "../machine/decide/runs.ts";
import { isHeld } from "../machine/decide/task-states.ts";
import { formatNames } from "../machine/format-names.ts";
import { defined } from "../machine/json.ts";
import type { Machine } from "../machine/machine.ts";
import { toShellCommand } from "../machine/shell-command.ts";
import type { Approval, Stack, TaskRun, TaskState } from "../machine/stack.ts";
import type { AttemptView } from "../ports/stack-store.ts";

/** The facts for `explainTask`. */
interface TaskFacts extends AttemptFacts {
  readonly stack: Stack;
  readonly attempts: readonly AttemptView[];
  /**
   * The machine that the stack's next event is decided on. Without it, the reasons contain no needs and no attempt
   * numbers.
   */
  readonly machine?: Machine | undefined;
}

/** Returns the newest attempt of a task in the present entry. */
export function findNewestAttempt({ stack, attempts }: TaskFacts, task: string): AttemptView | undefined {
  return attempts
    .filter((attempt) => attempt.task === task && attempt.entry === stack.entry)
    .sort((a, b) => b.attempt - a.attempt)[0];
}

/** Explains the status of a task, and what it waits for. */
export function explainTask(facts: TaskFacts, task: TaskState): Reason {
  if (task.detail === "SKIPPED") return { why: "Skipped: its condition is false." };
  if (task.status === "SATISFIED") return { why: "Done." };
  if (task.status === "ERROR") return explainFailure(facts.stack, task);
  if (task.detail === "WAITING") return explainWaiting(facts, task.name);
  if (task.detail === "RETRYING") return explainRetry(facts, task.name);
  const approval = findApproval(facts.stack, task.name);
  if (approval !== undefined) return explainApproval(approval, task.name, facts.now);
  const attempt = findNewestAttempt(facts, task.name);
  if (attempt !== undefined) return explainAttempt(attempt, facts);
  if (facts.machine?.tasks.has(task.name) === false) return explainLost(facts.stack, task.name);
  return { why: "Its message was sent; no result has arrived.", waitsFor: { kind: "result", task: task.name } };
}

function explainApproval({ from, count, given, expiresAt }: Approval, task: string, now: number): Reason {
  const names = given.map(({ by }) => by.name);
  const need = count - given.length;
  const approved = given.length === 0 ? "" : ` (approved: ${formatNames(names)})`;
  const left = formatTimespan(expiresAt - now).replace(/ 0[smh]$/, "");
  return {
    why: `Waits for ${formatApprovals(need, names)} from ${formatNames(from)}${approved}. Expires in ${left}.`,
    waitsFor: { kind: "approval", task, groups: from, need, given: names, at: expiresAt },
  };
}

/** Formats how many approvals a task still needs, such as `1 more approval`. */
export function formatApprovals(need: number, given: readonly string[]): string {
  return `${need}${given.length === 0 ? "" : " more"} approval${need === 1 ? "" : "s"}`;
}

/**
 * Explains a task that the machine does not have: a stack that follows its machine may be in a state with a task that
 * the newest revision has removed.
 */
function explainLost({ id }: Stack, name: string): Reason {
  const why = `The machine no longer has this task, so it is not sent. Restore the task, or mark it as done with \`${toShellCommand`stackyard stacks settle ${id} ${name} --reason WHY`}\`.`;
  return { why, waitsFor: { kind: "operator", task: name } };
}

function explainFailure({ id }: Stack, { name, detail, errorCode, errorMessage }: TaskState): Reason {
  const waitsFor = { kind: "operator", task: name, ...defined({ code: errorCode }) } as const;
  if (detail === "CANCELLED") {
    const why = `Cancelled. \`${toShellCommand`stackyard stacks retry ${id} --task ${name}`}\` tries again; \`${toShellCommand`stackyard stacks settle ${id} ${name} --reason WHY`}\` marks it as done.`;
    return { why, waitsFor };
  }
  const code = errorCode === undefined ? "" : ` (${errorCode})`;
  return { why: `Failed${code}: ${errorMessage ?? "no reason was reported"}`, waitsFor };
}

/** Explains open runs of earlier states first: no task begins before they end. */
function explainWaiting(facts: TaskFacts, name: string): Reason {
  const left = listLeft(facts.stack);
  if (left.length > 0) return explainLeaving(facts, left);
  const [absent] = listAbsent(facts, name);
  if (absent !== undefined) return explainAbsent(facts.stack, name, absent);
  const unmet = listUnmet(facts, name);
  const [first] = unmet;
  if (first === undefined && facts.machine?.tasks.has(name) === false) return explainLost(facts.stack, name);
  if (first === undefined) return { why: "It is about to be sent.", waitsFor: { kind: "result", task: name } };
  const root = findRoot(facts, first);
  const through = root === first ? "" : `, which waits for "${root.name}"`;
  const reason =
    root.status === "ERROR"
      ? `it has failed; \`${toShellCommand`stackyard stacks retry ${facts.stack.id}`}\` tries again.`
      : explainTask(facts, root).why;
  const others = unmet.slice(1).map((need) => `"${need.name}"`);
  const also = others.length > 0 ? ` It also waits for ${formatNames(others)}.` : "";
  return {
    why: `Waits for task "${first.name}"${through}: ${also === "" ? reason : toSentence(reason)}${also}`,
    waitsFor: { kind: "need", tasks: unmet.map((need) => need.name) },
  };
}

/** Returns the task at the end of the needs, which does not wait for another task. */
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

/** Returns runs of earlier states that this entry waits for. */
export function listLeft(stack: Stack): readonly TaskRun[] {
  return isHeld({ stack }) ? stack.runs.filter((run) => run.entry < stack.entry) : [];
}

/** Explains why an entry waits for such runs. */
export function explainLeaving(facts: AttemptFacts & Pick<TaskFacts, "attempts">, left: readonly TaskRun[]): Reason {
  const [first] = left;
  const attempt = facts.attempts.find(({ attemptId }) => attemptId === first?.attemptId);
  const state = attempt === undefined ? "" : ` ${toSentence(explainAttempt(attempt, facts).why)}`;
  const names = left.map(({ task }) => `"${task}"`);
  const runs = left.length === 1 ? "a run of an earlier state" : `${left.length} runs of earlier states`;
  return {
    why: `Waits for ${runs} to end: ${formatNames(names)}.${state}`,
    waitsFor: { kind: "leaving", tasks: left.map(({ task }) => task), ...(first && { attemptId: first.attemptId }) },
  };
}

function listAbsent({ stack, machine }: TaskFacts, name: string): readonly string[] {
  return machine === undefined ? [] : listAbsentNeeds({ stack, machine }, name);
}

/** Explains a task that needs what its entry does not have: it cannot begin before the state is entered again. */
function explainAbsent({ id, state }: Stack, name: string, need: string): Reason {
  const why = `Waits for task "${need}", which ${state} did not have when it was entered. Enter the state again, or mark the task as done with \`${toShellCommand`stackyard stacks settle ${id} ${name} --reason WHY`}\`.`;
  return { why, waitsFor: { kind: "operator", task: name, tasks: [need] } };
}

/** Lists failed needs first, because the others may end by themselves. */
function listUnmet({ stack, machine }: TaskFacts, name: string): readonly TaskState[] {
  const needs = machine === undefined ? (findBegun(stack, name)?.needs ?? []) : listNeeds({ stack, machine }, name);
  const unmet = stack.tasks.filter((task) => needs.includes(task.name) && task.status !== "SATISFIED");
  return [...unmet].sort((a, b) => Number(b.status === "ERROR") - Number(a.status === "ERROR"));
}

/** Adds the full stop, which a reason that ends with a line of progress may lack. */
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
    const when = formatTimespan(timer.dueAt - now);
    const waitsFor = { kind: "timer", task: name, event: timer.event, at: timer.dueAt } as const;
    return { why: `${number} begins in ${when}; the previous one failed.`, waitsFor };
  }
  const open = stack.runs.findLast((run) => run.task === name && isCurrent(stack, run));
  const view = facts.attempts.find(({ attemptId }) => attemptId === open?.attemptId);
  const reason = view === undefined ? undefined : explainAttempt(view, facts);
  const before = reason === undefined ? "" : ` ${reason.why}`;
  const waitsFor = reason?.waitsFor ?? ({ kind: "cancel", task: name } as const);
  return { why: `${number} begins when the previous one has stopped.${before}`, waitsFor };
}

/** The facts needed in addition to the attempt. */
export interface AttemptFacts {
  readonly now: number;
  /** The live processes of the yard; undefined when they are unknown. */
  readonly workers?: readonly YardProcess[] | undefined;
}

/** Explains why an attempt that was sent has not ended, and for whom it waits. */
export function explainAttempt(attempt: AttemptView, facts: AttemptFacts): Reason {
  const { attemptId, status } = attempt;
  if (attempt.cancelling !== undefined && status !== "settled") return explainCancel(attempt, facts);
  switch (status) {
    case "unclaimed":
      return explainUnclaimed(attempt, facts);
    case "queued":
      return explainQueued(attempt);
    case "running":
    case "suspended":
      return explainWork(attempt, facts);
    case "settled":
      return { why: "Its result is waiting to be applied.", waitsFor: { kind: "result", attemptId } };
  }
}

function explainCancel({ attemptId, cancelling, owner, status }: AttemptView, { now, workers }: AttemptFacts): Reason {
  const why = cancelling === "timed-out" ? "it timed out" : "it was cancelled";
  const held =
    owner !== undefined && status === "running" ? ` It runs on worker ${formatWorker(owner, workers, now)}.` : "";
  const waitsFor: Wait = { kind: "cancel", attemptId, ...defined({ worker: owner }) };
  return { why: `It is being stopped because ${why}, and has not ended yet.${held}`, waitsFor };
}

function explainUnclaimed({ attemptId, dispatchedAt, executor }: AttemptView, { now, workers }: AttemptFacts): Reason {
  const waitsFor: Wait = { kind: "worker", attemptId, ...defined({ executor }) };
  const since = formatTimespan(now - dispatchedAt);
  const able = workers && listAble(workers, executor);
  if (able === undefined) return { why: `No worker has claimed it for ${since}.`, waitsFor };
  const one = able.length <= 1;
  const named = executor === undefined ? "" : ` that ${one ? "has" : "have"} the executor "${executor}"`;
  if (able.length === 0) {
    return { why: `No live worker${named} has been available for ${since}. Start one.`, waitsFor };
  }
  const capacity = able.reduce((sum, each) => sum + each.capacity, 0);
  const running = able.reduce((sum, each) => sum + each.running, 0);
  const there = one ? "there is 1 live worker" : `there are ${able.length} live workers`;
  const why = `No worker has claimed it for ${since}; ${there}${named}, with ${running} of ${capacity} slots in use.`;
  return { why, waitsFor };
}

/** Lists the processes that can claim attempts of an executor. Default: any. */
function listAble(processes: readonly YardProcess[], executor: string | undefined): readonly YardProcess[] {
  return processes.filter(({ roles, executors, draining }) => {
    return roles.includes("worker") && !draining && (executor === undefined || executors.includes(executor));
  });
}

/** Explains an attempt that is due, and that no live worker can continue; undefined for every other one. */
function explainUnable(
  { attemptId, executor }: AttemptView,
  { now, workers }: AttemptFacts,
  dueAt: number,
): Reason | undefined {
  if (executor === undefined || workers === undefined || dueAt > now || listAble(workers, executor).length > 0)
    return undefined;
  const why = `Its next step has been due for ${formatTimespan(now - dueAt)}, and no live worker has the executor "${executor}". Start one.`;
  return { why, waitsFor: { kind: "worker", attemptId, executor } };
}

function explainQueued({ attemptId, queuedFor }: AttemptView): Reason {
  if (queuedFor === undefined) return { why: "It is next in a queue.", waitsFor: { kind: "key", attemptId } };
  const { key, holder, place } = queuedFor;
  const parts = parseAttemptId(holder);
  const who = parts === undefined ? `attempt ${holder}` : `task "${parts.task}" of stack "${parts.stackId}"`;
  const waitsFor: Wait = {
    kind: "key",
    key,
    place,
    attemptId: holder,
    ...defined({ stackId: parts?.stackId, task: parts?.task }),
  };
  return { why: `Waits for "${key}", which ${who} holds; place ${place} in the queue.`, waitsFor };
}

/** Explains work that has begun. When what it waits for opens says more than when it is polled. */
function explainWork(attempt: AttemptView, facts: AttemptFacts): Reason {
  const reason = attempt.status === "running" ? explainRunning(attempt, facts) : explainSuspended(attempt, facts);
  const { attemptId, dispatchedAt, opensAt } = attempt;
  const isKept = reason.waitsFor?.kind === "poll" || (attempt.leaseUntil ?? 0) > facts.now;
  if (opensAt === undefined || opensAt <= facts.now || !isKept) return reason;
  const [span, left] = [facts.now - dispatchedAt, opensAt - facts.now].map(formatTimespan);
  const why = `Waits for ${span}${formatProgress(attempt)} (can continue in ${left})`;
  return { why, waitsFor: { kind: "opening", attemptId, at: opensAt } };
}

function explainRunning(attempt: AttemptView, facts: AttemptFacts): Reason {
  const { now, workers } = facts;
  const { attemptId, owner = "unknown", leaseUntil = 0, dispatchedAt } = attempt;
  const waitsFor: Wait = { kind: "lease", attemptId, worker: owner, at: leaseUntil };
  if (leaseUntil <= now) {
    const unable = explainUnable(attempt, facts, leaseUntil);
    if (unable !== undefined) return unable;
    const why = `The worker ${owner} has been silent since its lease expired ${formatTimespan(now - leaseUntil)} ago; another worker takes over.`;
    return { why, waitsFor };
  }
  const span = formatTimespan(now - dispatchedAt);
  return {
    why: `Running for ${span}${formatProgress(attempt)} (worker ${formatWorker(owner, workers, now)})`,
    waitsFor,
  };
}

function explainSuspended(attempt: AttemptView, facts: AttemptFacts): Reason {
  const { now } = facts;
  const { attemptId, pollDueAt = now, dispatchedAt } = attempt;
  const unable = explainUnable(attempt, facts, pollDueAt);
  if (unable !== undefined) return unable;
  const span = formatTimespan(now - dispatchedAt);
  const why = `Running for ${span}${formatProgress(attempt)} (checked again in ${formatTimespan(pollDueAt - now)})`;
  return { why, waitsFor: { kind: "poll", attemptId, at: pollDueAt } };
}

/** Formats a worker with the time of its last heartbeat. */
function formatWorker(id: string, workers: readonly YardProcess[] | undefined, now: number): string {
  const known = workers?.find((each) => each.id === id);
  if (known === undefined) return id;
  return `${id} on ${known.host}, seen ${formatTimespan(now - known.seenAt)} ago`;
}

function formatProgress({ progressMessage }: AttemptView): string {
  return progressMessage === undefined ? "" : `: ${progressMessage}`;
}

/** The wait of a task or a stack as data. Instants are epoch milliseconds. */
export interface Wait {
  readonly kind: WaitKind;
  /** The attempt in question: the task's own, or the one that holds the exclusive key. */
  readonly attemptId?: string;
  /** The stack of that attempt. */
  readonly stackId?: string;
  readonly task?: string;
  /** `key`: the exclusive key, and the position in its queue; 1 is next. */
  readonly key?: string;
  readonly place?: number;
  /** `lease`: the worker that runs it. */
  readonly worker?: string;
  /** `worker`: the executor that a worker must have. */
  readonly executor?: string;
  /** `need`: tasks that must succeed before. */
  readonly tasks?: readonly string[];
  /** `event`: those that the state handles. */
  readonly events?: readonly string[];
  /** `timer`, `parked`: the event that is due, and the parked one's id. */
  readonly event?: string;
  readonly eventId?: string;
  /** `approval`: groups whose members may approve, how many more must, and the names of those who have. */
  readonly groups?: readonly string[];
  readonly need?: number;
  readonly given?: readonly string[];
  /** The latest time at which it ends or is checked again; for `opening` the earliest at which it continues. */
  readonly at?: number;
  /** `operator`: why a person must act. */
  readonly code?: string;
}

/**
 * `lease`: a worker runs it. `worker`: no worker has claimed it. `key`: another attempt holds an exclusive key. `poll`:
 * external work is polled. `opening`: what it waits for, such as a gate, cannot open before `at`. `cancel`: a cancel was requested. `result`: its result is in transit. `timer`, `need`,
 * `parked`: a due time, other tasks, a parked event. `leaving`: runs of earlier states. `approval`: people. `event`: an
 * external event. `operator`: a person.
 */
type WaitKind =
  | "lease"
  | "worker"
  | "key"
  | "poll"
  | "opening"
  | "cancel"
  | "result"
  | "timer"
  | "need"
  | "leaving"
  | "approval"
  | "parked"
  | "event"
  | "operator";

/** The reason as one sentence, and what it refers to. Without `waitsFor` the task does not wait. */
export interface Reason {
  readonly why: string;
  readonly waitsFor?: Wait;
}

/** Formats a duration with its two largest units, such as `1m 5s`. A negative duration is `0s`. */
export function formatTimespan(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)}h ${Math.floor((seconds % 3_600) / 60)}m`;
  return `${Math.floor(seconds / 86_400)}d ${Math.floor((seconds % 86_400) / 3_600)}h`;
}
