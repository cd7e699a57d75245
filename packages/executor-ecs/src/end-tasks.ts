import type { ContainerDefinition, Task, TaskDefinition } from "@aws-sdk/client-ecs";
import { defined, type Failed, failed, running, type Succeeded, succeeded } from "@stackyard/core";
import type { EcsConfig, EcsOutputs, EcsProgress } from "./definition.ts";
import { type EcsCall, type EcsStep, toEssentialNames, toMaskedOverrides, toStartedBy } from "./ecs-call.ts";
import { isRetryable, judge, type TaskFailure } from "./judge.ts";
import { createSecretMask } from "./parse-overrides.ts";
import {
  type FailureLog,
  findLogStream,
  tailLogs,
  toFailureText,
  toLogsUrl,
  toShortId,
  toTaskId,
} from "./tail-logs.ts";
import { describeTasks, listTasks, stopTasks, toStatesText } from "./task-order.ts";

/** ECS sends SIGTERM, and SIGKILL 30 s later unless the container's `stopTimeout` says otherwise (at most 120 s). */
const STOP_WITHIN_MS = 45_000;
/** A cancel may take five minutes, and its last word must be in time. */
const CANCEL_WITHIN_MS = 4 * 60_000;
/** What a call that was interrupted has started is listed by then. */
const SEARCH_MS = 30_000;
const LOOK_EVERY_MS = 5_000;

/**
 * Decides that the tasks are to be stopped and how the attempt ends then. Nothing is stopped yet: the decision is kept first,
 * so that after a crash between the two the stop is not attributed to others.
 */
export function beginEnd({ ctx }: EcsCall, progress: EcsProgress, end: Omit<Failed, "kind" | "outputs">): EcsStep {
  const now = ctx.clock.now();
  // What was asked of ECS without an answer may have been done.
  const searches = progress.placement.unanswered === true;
  const placement = searches ? { ...progress.placement, triedAt: now } : progress.placement;
  const search = searches ? { searchUntil: now + SEARCH_MS } : {};
  const ending = { ...end, until: now + STOP_WITHIN_MS, stopSent: false, ...search };
  return running({
    progress: { ...progress, placement, ending },
    pollAfterMs: 0,
    message: `Stops its tasks: ${end.message}`,
  });
}

/**
 * The progress of an attempt that is to be cancelled: whatever it has started is stopped by the next `pollEnd`, also what only
 * an interrupted call knows of. An end that was already begun does not change.
 */
export function toCancelled(
  { clock, idempotencyKey }: EcsCall["ctx"],
  { taskDefinition }: EcsConfig,
  progress: EcsProgress | undefined,
): EcsProgress {
  const now = clock.now();
  const known: EcsProgress = progress ?? {
    taskArns: [],
    startedAt: now,
    deadline: now,
    clientToken: idempotencyKey,
    taskDefinition,
    placement: { tries: 1, until: now },
  };
  const ending = known.ending ?? {
    code: "ECS_CANCELLED",
    message: "The attempt was cancelled.",
    retryable: false,
    until: now + CANCEL_WITHIN_MS,
    ...(known.placement.doneAt === undefined ? { searchUntil: now + SEARCH_MS } : {}),
  };
  // The try that the cancel has interrupted may have started tasks just now.
  const isNew = known.ending === undefined && known.placement.doneAt === undefined;
  const placement = isNew ? { ...known.placement, triedAt: now } : known.placement;
  return { ...known, placement, ending: { ...ending, stopSent: false } };
}

/** Stops the tasks, then waits until they are STOPPED or the time for it is over. */
export async function pollEnd(call: EcsCall, progress: EcsProgress): Promise<EcsStep> {
  const { deps, settings } = call;
  const { ending } = progress;
  if (ending === undefined) throw new Error("An end was polled that was not begun.");
  const { cluster } = settings.order;
  const now = deps.clock.now();
  const taskArns = await findTaskArns(call, progress);
  const stopSent = await sendStops(call, progress, taskArns);
  const next = { ...progress, taskArns, ending: { ...ending, stopSent } };
  const { tasks, missing } = await describeTasks(deps, { cluster, taskArns });
  const alive = tasks.filter(({ lastStatus }) => lastStatus !== "STOPPED").length;
  // A task that ECS does not know yet was not stopped and would keep running.
  const isUntold = missing.length > 0 && isYoung(progress, now);
  const searches = ending.searchUntil !== undefined && now < ending.searchUntil;
  if ((alive > 0 && now < ending.until) || isUntold || searches) {
    const message = `Stops: ${toStatesText(tasks, missing.length)}.`;
    return running({ progress: next, pollAfterMs: LOOK_EVERY_MS, message });
  }
  return toEnd(call, next, tasks);
}

/** True when no stop need be sent again. ECS may not know a task yet that it has just started, and would not stop it. */
async function sendStops(call: EcsCall, progress: EcsProgress, taskArns: readonly string[]): Promise<boolean> {
  const { deps, settings } = call;
  const { ending } = progress;
  const isMore = taskArns.length > progress.taskArns.length;
  if (ending === undefined || (ending.stopSent && !isMore)) return true;
  const reason = toReason(call, ending.message);
  const { gone } = await stopTasks(deps, { cluster: settings.order.cluster, taskArns, reason });
  return gone.length === 0 || !isYoung(progress, deps.clock.now());
}

async function toEnd(call: EcsCall, progress: EcsProgress, tasks: readonly Task[]): Promise<EcsStep> {
  const { ending } = progress;
  if (ending === undefined || progress.taskArns.length === 0) {
    const { code = "ECS_CANCELLED", message = "", retryable = false } = ending ?? {};
    return failed({ code, message: `${message} No task was started.`, retryable });
  }
  const { code, message, retryable } = ending;
  const finished = await finishTasks(call, progress, tasks);
  // Work that was done before the stop arrived is done, where all of it was begun.
  const isWhole = progress.placement.doneAt !== undefined && tasks.length === progress.taskArns.length;
  if (code === "ECS_CANCELLED" && isWhole && finished.kind === "succeeded") return finished;
  const states = `The tasks are ${toStatesText(tasks)}.`;
  const { outputs } = finished;
  return failed({
    code,
    message: `${message} ${states}`,
    retryable,
    ...defined({ outputs }),
  });
}

async function findTaskArns({ ctx, deps, settings }: EcsCall, progress: EcsProgress): Promise<string[]> {
  const { searchUntil } = progress.ending ?? {};
  if (searchUntil === undefined) return progress.taskArns;
  const { cluster } = settings.order;
  const listed = await listTasks(deps, { cluster, startedBy: toStartedBy(ctx) });
  return [...new Set([...progress.taskArns, ...listed])];
}

function toReason({ ctx }: EcsCall, message: string): string {
  return `Stackyard: task ${ctx.task} of stack ${ctx.stackId}. ${message}`;
}

/** Each tail is up to 8 KiB, and the causes of ten equal failures are one. */
const MAX_TAILS = 3;

/** Judges stopped tasks, after the rest of their logs was shown. Fails with the codes of `judge`. */
export async function finishTasks(
  call: EcsCall,
  progress: EcsProgress,
  tasks: readonly Task[],
): Promise<Succeeded<EcsOutputs> | Failed> {
  const { settings, deps, definitions } = call;
  const definition = await definitions.find(deps, progress.taskDefinition);
  await reportLogs(call, progress, { tasks, definition });
  const judgement = judge(tasks, settings.check, toEssentialNames(definition));
  const failures = judgement.kind === "ok" ? [] : judgement.failures;
  const outputs = toOutputs({ tasks, failures, definition, container: settings.container });
  if (judgement.kind === "ok") return succeeded(outputs);
  const logs = await loadTails(call, judgement.failures, definition);
  return failed({
    code: judgement.failures[0].code,
    message: toFailureText(judgement.failures, { logs }),
    retryable: isRetryable(judgement.failures),
    outputs,
  });
}

async function loadTails(
  { logs, settings }: EcsCall,
  failures: readonly TaskFailure[],
  definition: TaskDefinition | undefined,
): Promise<readonly FailureLog[]> {
  if (settings.tailLines === 0) return [];
  const containers = definition?.containerDefinitions ?? [];
  const mask = createSecretMask(containers, toMaskedOverrides(settings));
  const tails: FailureLog[] = [];
  for (const { taskArn, container: name } of failures.slice(0, MAX_TAILS)) {
    if (name === undefined || taskArn === "") continue;
    const container = containers.find((each) => each.name === name);
    const tail = await tailLogs(logs, { taskArn, container, lines: settings.tailLines, mask });
    tails.push({ taskArn, container: name, tail });
  }
  return tails;
}

/** What became of the tasks. */
interface OutputsInput {
  readonly tasks: readonly Task[];
  readonly failures: readonly TaskFailure[];
  readonly definition: TaskDefinition | undefined;
  /** Whose exit code is meant. Default: the first failing one's, else the first one's. */
  readonly container: string | undefined;
}

/** The outputs of ended tasks; what is not known is left out. Of several tasks a container has its first bad exit code. */
export function toOutputs({ tasks, failures, definition, container }: OutputsInput): EcsOutputs {
  const codes = toExitCodes(tasks);
  const failing = failures.find(({ exitCode }) => exitCode !== undefined)?.exitCode;
  const named = container === undefined ? undefined : codes.get(container);
  // What was stopped from outside has ended with 0, like what went well.
  const isZero = failures.every(({ code }) => code === "ECS_TASK_STOPPED");
  const exitCode = named ?? failing ?? (isZero ? 0 : undefined);
  const startedAt = toExtreme(
    tasks.map((task) => task.startedAt ?? task.createdAt),
    Math.min,
  );
  const stoppedAt = toExtreme(
    tasks.map((task) => task.stoppedAt ?? task.executionStoppedAt),
    Math.max,
  );
  const logsUrl = findLogsUrl({ tasks, failures, definition, container });
  return {
    taskArns: JSON.stringify(tasks.flatMap(({ taskArn }) => taskArn ?? [])),
    ...defined({ exitCode }),
    ...Object.fromEntries([...codes].slice(0, 50).map(([name, code]) => [`exitCodes.${name}`, code])),
    ...(startedAt === undefined ? {} : { startedAt: new Date(startedAt).toISOString() }),
    ...(stoppedAt === undefined ? {} : { stoppedAt: new Date(stoppedAt).toISOString() }),
    ...(startedAt === undefined || stoppedAt === undefined ? {} : { duration: (stoppedAt - startedAt) / 1_000 }),
    ...defined({ logsUrl }),
  };
}

function toExitCodes(tasks: readonly Task[]): ReadonlyMap<string, number> {
  const codes = new Map<string, number>();
  for (const { name, exitCode } of tasks.flatMap(({ containers = [] }) => containers)) {
    if (name !== undefined && exitCode !== undefined) codes.set(name, codes.get(name) || exitCode);
  }
  return codes;
}

function toExtreme(dates: readonly (Date | undefined)[], pick: (...values: number[]) => number): number | undefined {
  const instants = dates.flatMap((date) => date?.getTime() ?? []);
  return instants.length === 0 ? undefined : pick(...instants);
}

function findLogsUrl({ tasks, failures, definition, container }: OutputsInput): string | undefined {
  const taskArn = failures[0]?.taskArn || tasks[0]?.taskArn;
  const name = failures[0]?.container ?? container;
  const containers = definition?.containerDefinitions ?? [];
  const found =
    containers.find((each) => each.name === name) ?? containers.find(({ essential }) => essential !== false);
  return taskArn === undefined ? undefined : toLogsUrl(findLogStream(found, taskArn), taskArn);
}

/** What is known of the tasks whose logs are shown. */
interface ReportInput {
  readonly tasks: readonly Task[];
  readonly definition: TaskDefinition | undefined;
}

/** What the next call needs. */
type ReportedLogs = Pick<EcsProgress, "logs" | "lastLine">;

const MAX_STREAMS = 10;
const MAX_LINE_CHARS = 200;
/** Before that no container has written anything. */
const SILENT: ReadonlySet<string> = new Set(["PROVISIONING", "PENDING", "ACTIVATING"]);

/** Shows what the checked containers have written since the last call. A log that cannot be read is left out. */
export async function reportLogs(call: EcsCall, progress: EcsProgress, input: ReportInput): Promise<ReportedLogs> {
  const { ctx, settings } = call;
  const known = new Map(Object.entries(progress.logs ?? {}));
  let { lastLine } = progress;
  for (const stream of settings.tailLines === 0 ? [] : listStreams(input, settings)) {
    const key = `${toTaskId(stream.task)}/${stream.container.name}`;
    const { lines, next } = await readNew(call, input, { stream, after: known.get(key) });
    if (next !== undefined) known.set(key, next);
    for (const line of lines) ctx.report(`${stream.label}${line}`);
    lastLine = lines.at(-1)?.slice(0, MAX_LINE_CHARS) ?? lastLine;
  }
  return {
    ...(known.size === 0 ? {} : { logs: Object.fromEntries(known) }),
    ...defined({ lastLine }),
  };
}

async function readNew(
  { logs, settings }: EcsCall,
  { definition }: ReportInput,
  { stream, after }: { readonly stream: ShownStream; readonly after: string | undefined },
): Promise<{ readonly lines: readonly string[]; readonly next?: string | undefined }> {
  const mask = createSecretMask(definition?.containerDefinitions ?? [], toMaskedOverrides(settings));
  const { task: taskArn, container } = stream;
  const tail = await tailLogs(logs, { taskArn, container, mask, ...defined({ after }) });
  if (tail.kind === "none") return { lines: [] };
  const { lines, next, skipped } = tail;
  return { lines: skipped === undefined ? lines : [`… ${skipped} lines are in the log alone`, ...lines], next };
}

interface ShownStream {
  readonly task: string;
  readonly container: ContainerDefinition;
  readonly label: string;
}

function listStreams({ tasks, definition }: ReportInput, { check }: EcsCall["settings"]): readonly ShownStream[] {
  const names = check === "essential" ? (toEssentialNames(definition) ?? []) : check;
  const all = definition?.containerDefinitions ?? [];
  const shown = all.filter(({ name = "" }) => names === "all" || names.includes(name));
  const started = tasks.filter(({ lastStatus = "" }) => !SILENT.has(lastStatus));
  const streams = started.flatMap(({ taskArn: task }) =>
    task === undefined
      ? []
      : shown.map((container) => ({ task, container, label: toLabel(task, container, tasks.length, shown.length) })),
  );
  return streams.slice(0, MAX_STREAMS);
}

function toLabel(task: string, { name }: ContainerDefinition, tasks: number, containers: number): string {
  const parts = [tasks > 1 ? toShortId(task) : "", containers > 1 ? name : ""].filter(Boolean);
  return parts.length === 0 ? "" : `${parts.join("/")}: `;
}

/** DescribeTasks is eventually consistent: for this long after its start, a running task may be reported as MISSING. */
const MISSING_FOR_MS = 60_000;

/** True while a task that ECS does not know may be one that it does not know yet. */
export function isYoung({ placement, startedAt }: Pick<EcsProgress, "placement" | "startedAt">, now: number): boolean {
  return now - (placement.doneAt ?? placement.triedAt ?? startedAt) < MISSING_FOR_MS;
}
