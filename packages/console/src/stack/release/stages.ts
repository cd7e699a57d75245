import { nameAll } from "@stackyard/core";
import type { Approval, Attempt, Deploy, HistoryEntry, MachineGraph, StackDetails } from "@stackyard/sdk";
import { toAttemptStatus, toStackStatus, toTaskStatus } from "../../api/status.ts";
import { type Status, wordOf } from "../../design/mark.tsx";
import { formatDuration } from "../../text/durations.ts";
import { countDeploy } from "./deploy-counts.ts";

/** A task of a stage. */
export interface StageTask {
  readonly name: string;
  readonly status: Status;
  /** Such as `2 of 3 waves, 27 of 52 stacks`; empty when there is nothing to add. */
  readonly note: string;
  /** When what holds it may end, such as a closed gate. */
  readonly until?: string;
  /** Its last attempt. */
  readonly attemptId?: string;
}

/** A state of a release on its way through the environments. */
export interface Stage {
  readonly name: string;
  readonly status: Status;
  /** The word of its status here, such as `To come`. */
  readonly word: string;
  readonly isCurrent: boolean;
  /** When the release was in it last; missing: never, or its history is not known so far back. */
  readonly from?: string;
  readonly to?: string;
  /** The share of it that is done, from 0 to 1. */
  readonly share: number;
  readonly tasks: readonly StageTask[];
  /** The events that are possible there, of one to come that rests. */
  readonly events?: readonly string[];
}

/** The facts from which the stages of a release are computed. */
export interface ReleaseFacts {
  readonly graph: MachineGraph;
  readonly stack: StackDetails;
  readonly attempts: readonly Attempt[];
  readonly deploys: readonly Deploy[];
  /** The newest lines of its history. */
  readonly entries: readonly HistoryEntry[];
  /** Notes about attempts that have succeeded, by id, such as `24h, alarms OK`. Missing: not known yet. */
  readonly observed?: ReadonlyMap<string, string>;
}

/**
 * Returns the stages of a release in their order: the states from INIT along the first event and each NEXT, and the present
 * one where it lies beside that way, such as after a stop.
 */
export function toStages(facts: ReleaseFacts): readonly Stage[] {
  const { graph, stack } = facts;
  const way = listWay(graph);
  const names = way.includes(stack.state) || stack.state === INIT ? way : [...way, stack.state];
  const visits = listVisits(facts.entries);
  const entered = new Set([...visits.map(({ state }) => state), stack.state]);
  const reached = way.findLastIndex((name) => entered.has(name));
  return names.map((name, index) => {
    if (name === stack.state) return toPresent(facts, name);
    if (entered.has(name)) return toPast(facts, name, { visits, next: names[index + 1] });
    const isPassed = index < reached;
    const tasks = listTasks(graph, name).map((task) => ({ name: task, status: AHEAD, note: "" }) as const);
    const [status, word] = isPassed ? (["skipped", "Left out"] as const) : ([AHEAD, "To come"] as const);
    const events = isPassed ? [] : listEvents(graph, name);
    return { name, status, word, isCurrent: false, share: 0, tasks, events };
  });
}

const INIT = "INIT";
const NEXT = "NEXT";
const AHEAD = "ahead";

function listWay({ edges }: MachineGraph): readonly string[] {
  const way: string[] = [];
  const find = (from: string, isTaken: (event: string | undefined) => boolean) =>
    edges.find((edge) => {
      return edge.from === from && !edge.passing && edge.to !== INIT && !way.includes(edge.to) && isTaken(edge.event);
    })?.to;
  let name = find(INIT, (event) => event !== undefined);
  while (name !== undefined) {
    way.push(name);
    name = find(name, (event) => event === NEXT);
  }
  return way;
}

function listTasks({ nodes }: MachineGraph, state: string): readonly string[] {
  const node = nodes.find(({ kind, id }) => kind === "state" && id === state);
  return (node?.kind === "state" ? node.tasks : undefined) ?? [];
}

/** Returns the events that people may send where nothing runs. */
function listEvents(graph: MachineGraph, state: string): readonly string[] {
  if (listTasks(graph, state).length > 0) return [];
  return [...new Set(graph.edges.flatMap(({ from, event }) => (from === state && event !== undefined ? [event] : [])))];
}

/** The time of a release in one of its states. */
interface Visit {
  readonly state: string;
  readonly from: string;
  /** Missing: it is still there. */
  readonly to?: string;
  readonly next?: string;
}

/** Returns where a release was, oldest first. */
function listVisits(entries: readonly HistoryEntry[]): readonly Visit[] {
  const moves = entries
    .filter(({ outcome, from, to }) => outcome === "applied" && to !== undefined && from !== to)
    .toSorted((a, b) => a.position - b.position);
  return moves.map(({ to = "", at }, index) => {
    const next = moves[index + 1];
    return { state: to, from: at, ...(next?.to !== undefined && { to: next.at, next: next.to }) };
  });
}

function toPresent(facts: ReleaseFacts, name: string): Stage {
  const { stack, attempts } = facts;
  const tasks = stack.tasks.map((task): StageTask => {
    const attempt = findLast(attempts, task.name, (entry) => entry === stack.entry);
    const approval = stack.approvals?.find((each) => each.task === task.name);
    return toTask(facts, { name: task.name, status: toTaskStatus(task), attempt, code: task.errorCode, approval });
  });
  const shares = tasks.map((task) => toShare(facts, task));
  return {
    name,
    ...toPresentStatus(stack, tasks),
    isCurrent: true,
    from: stack.enteredAt,
    share: shares.length === 0 ? 1 : shares.reduce((sum, share) => sum + share, 0) / shares.length,
    tasks,
  };
}

/** A release of which every open task is held is not busy: it waits, and something says for what. */
function toPresentStatus(stack: StackDetails, tasks: readonly StageTask[]): Pick<Stage, "status" | "word"> {
  const status = toStackStatus(stack);
  const isHeld = tasks.some((task) => task.status === "waiting" && task.attemptId !== undefined);
  const isAtWork = tasks.some((task) => ACTIVE.has(task.status));
  if (status === "busy" && isHeld && !isAtWork) return { status: "waiting", word: "Held" };
  if (status === "healthy") return { status, word: "At rest" };
  return { status, word: wordOf(status) };
}

const ACTIVE: ReadonlySet<Status> = new Set(["running", "retrying", "queued"]);

interface Way {
  readonly visits: readonly Visit[];
  /** The stage behind it. */
  readonly next: string | undefined;
}

function toPast(facts: ReleaseFacts, name: string, { visits, next }: Way): Stage {
  const { graph, stack, attempts } = facts;
  const visit = visits.findLast(({ state }) => state === name);
  const isPassed = visit?.next !== undefined && visit.next === next;
  const names = listTasks(graph, name);
  const entry = Math.max(0, ...names.map((task) => findLast(attempts, task, (each) => each < stack.entry)?.entry ?? 0));
  const tasks = names.map((task) => {
    const attempt = findLast(attempts, task, (each) => each === entry);
    const status = attempt === undefined ? toUntried(isPassed) : toAttemptStatus(attempt);
    return toTask(facts, { name: task, status, attempt });
  });
  const [status, word] = toPastStatus(tasks, isPassed);
  const shares = tasks.map((task) => toShare(facts, task));
  return {
    name,
    status,
    word,
    isCurrent: false,
    ...(visit !== undefined && { from: visit.from, ...(visit.to !== undefined && { to: visit.to }) }),
    share: isPassed || shares.length === 0 ? 1 : shares.reduce((sum, share) => sum + share, 0) / shares.length,
    tasks,
  };
}

/** Approvals have no attempts: where all has succeeded, so have they. */
function toUntried(isPassed: boolean): Status {
  return isPassed ? "succeeded" : "skipped";
}

function toPastStatus(tasks: readonly StageTask[], isPassed: boolean): readonly [Status, string] {
  const has = (status: Status) => tasks.some((task) => task.status === status);
  if (has("running") || has("queued")) return ["running", "Ends"];
  if (has("degraded")) return ["degraded", "Done, not all"];
  if (isPassed) return ["succeeded", "Done"];
  return has("failed") ? ["failed", "Failed"] : ["cancelled", "Stopped"];
}

function findLast(attempts: readonly Attempt[], task: string, isMeant: (entry: number) => boolean) {
  return attempts
    .filter((each) => each.task === task && isMeant(each.entry))
    .reduce<Attempt | undefined>((last, each) => (last === undefined || isLater(each, last) ? each : last), undefined);
}

function isLater(one: Attempt, other: Attempt): boolean {
  return one.entry === other.entry ? one.attempt > other.attempt : one.entry > other.entry;
}

interface TaskFacts {
  readonly name: string;
  readonly status: Status;
  readonly attempt: Attempt | undefined;
  readonly code?: string | undefined;
  /** An open one, which only the present entry has. */
  readonly approval?: Approval | undefined;
}

function toTask(facts: ReleaseFacts, { name, status, attempt, code, approval }: TaskFacts): StageTask {
  if (approval !== undefined) {
    const { count, need, expiresAt } = approval;
    return { name, status: "approval", note: `${count - need} of ${count} given, ends`, until: expiresAt };
  }
  if (attempt === undefined) return { name, status, note: code ?? findApprovers(facts, name) };
  const deploy = findDeploy(facts, attempt);
  const hasLeft = status === "succeeded" && deploy?.op === "send" && countDeploy(deploy).failed > 0;
  const held = attempt.status === "settled" ? undefined : findHold(attempt);
  const parts = [deploy && formatDeploy(deploy), code, held?.note, facts.observed?.get(attempt.attemptId)].filter(
    (part) => part !== undefined,
  );
  return {
    name,
    // Within its budget a task succeeds although stacks have failed.
    status: held !== undefined ? "waiting" : hasLeft ? "degraded" : status,
    note: parts.join(", "),
    ...(held?.until !== undefined && { until: held.until }),
    attemptId: attempt.attemptId,
  };
}

/** Returns who has approved what a task sends, by the task that asked them. */
function findApprovers({ deploys }: ReleaseFacts, name: string): string {
  const given = deploys.find(({ approval }) => approval?.task === name)?.approval;
  return given === undefined ? "" : `by ${nameAll(given.by)}`;
}

function findDeploy({ deploys }: ReleaseFacts, { task, executor }: Attempt): Deploy | undefined {
  return executor === "deploy" ? deploys.find((deploy) => deploy.task === task) : undefined;
}

interface Hold {
  readonly note: string;
  readonly until?: string;
}

/** Returns what holds a task that has not ended: a closed gate, or the pause after a wave. */
function findHold({ executor, progressMessage, opensAt }: Attempt): Hold | undefined {
  if (opensAt !== undefined)
    return { note: executor === "deploy" ? "sends nothing until" : "closed until", until: opensAt };
  return executor === "gate" && progressMessage !== undefined ? { note: "closed" } : undefined;
}

function formatDeploy(deploy: Deploy): string {
  const { stacks, arrived, skipped, failed, waves } = countDeploy(deploy);
  if (stacks === 1 && arrived === 1) return ["1 stack", ...toDuration(deploy)].join(", ");
  const parts = [`${arrived} of ${stacks} ${stacks === 1 ? "stack" : "stacks"}`];
  if (waves.all > 1) parts.unshift(`${waves.ended} of ${waves.all} waves`);
  if (skipped > 0) parts.push(`${skipped} skipped`);
  if (failed > 0) parts.push(`${failed} failed`);
  return parts.join(", ");
}

function toDuration({ startedAt, endedAt }: Deploy): readonly string[] {
  return endedAt === undefined ? [] : [formatDuration(Date.parse(endedAt) - Date.parse(startedAt))];
}

function toShare({ deploys }: ReleaseFacts, { name, status, attemptId }: StageTask): number {
  if (status === "succeeded" || status === "skipped" || status === "degraded") return 1;
  const deploy = attemptId === undefined ? undefined : deploys.find(({ task }) => task === name);
  if (deploy === undefined) return 0;
  const { stacks, arrived, skipped, failed } = countDeploy(deploy);
  return stacks === 0 ? 0 : (arrived + skipped + failed) / stacks;
}
