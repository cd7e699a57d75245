import type { Task, TaskDefinition } from "@aws-sdk/client-ecs";
import { isDenial, runOptional } from "@stackyard/aws";
import { defined } from "@stackyard/core";
import type { EcsOutputs } from "./definition.ts";
import { type CheckContainers, type Judgement, judge, type TaskFailure } from "./judge.ts";
import { createSecretMask, type TaskOverrides } from "./parse-overrides.ts";
import { type FailureLog, findLogStream, type LogDeps, tailLogs, toFailureText, toLogsUrl } from "./tail-logs.ts";
import {
  type DefinitionCache,
  type DescribedTasks,
  describeTasks,
  type EcsDeps,
  findStartedTasks,
  stopTasks,
  type TaskOrder,
} from "./task-order.ts";
import { isStopped, type LeftTasks, type TaskRun } from "./task-run.ts";

/** Returns all tasks that a run has started, including those of a try without a response. */
export async function findTasks(
  deps: EcsDeps,
  { taskArns, intendedAt }: TaskRun,
  order: Pick<TaskOrder, "cluster" | "startedBy" | "taskDefinition" | "tags">,
): Promise<string[]> {
  if (intendedAt === undefined) return [...taskArns];
  const found = await unlessDenied(() => findStartedTasks(deps, order));
  if (found === undefined) return [...taskArns];
  return [...new Set([...taskArns, ...found.flatMap(({ taskArn }) => taskArn ?? [])])];
}

/** Tasks that are to end. */
interface StopInput {
  readonly cluster: string;
  readonly taskArns: readonly string[];
  readonly reason: string;
  /** True if ECS may not list some of them yet. */
  readonly isYoung: boolean;
}

/** What a call of `stopLeft` has found. */
interface StoppedRun extends LeftTasks, DescribedTasks {
  /** The number of tasks whose stop ECS has accepted by this call. */
  readonly accepted: number;
  /** True if the tasks may be stopped but not described. */
  readonly isUnseen: boolean;
}

/** Returns undefined for a denied call, at once: the tasks are stopped without its answer. */
async function unlessDenied<Result>(call: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await runOptional(call);
  } catch (error) {
    if (isDenial(error)) return undefined;
    throw error;
  }
}

/**
 * Stops the tasks for which StopTask has not succeeded yet. Repeat until none is left. Where DescribeTasks is denied, each
 * task is stopped without a look at it.
 */
export async function stopLeft(deps: EcsDeps, { cluster, taskArns, reason, isYoung }: StopInput): Promise<StoppedRun> {
  const seen = await unlessDenied(() => describeTasks(deps, { cluster, taskArns }));
  if (seen === undefined) {
    const { stopped } = await stopTasks(deps, { cluster, taskArns, reason });
    return { tasks: [], missing: [], alive: 0, unseen: 0, accepted: stopped.length, isUnseen: true };
  }
  const { tasks, missing } = seen;
  const alive = tasks.filter((task) => !isStopped(task));
  const untold = alive.flatMap(({ taskArn = "", desiredStatus }) => (desiredStatus === "STOPPED" ? [] : taskArn));
  const { stopped, gone } = await stopTasks(deps, { cluster, taskArns: [...untold, ...missing], reason });
  const unseen = isYoung ? missing.filter((arn) => gone.includes(arn)).length : 0;
  const told = isYoung ? missing.length - unseen : 0;
  return { tasks, missing, alive: alive.length + told, unseen, accepted: stopped.length, isUnseen: false };
}

/** Where stopped tasks are judged. */
export interface JudgeDeps {
  readonly ecs: EcsDeps;
  readonly logs: LogDeps;
  readonly definitions: DefinitionCache;
}

/** The tasks to evaluate, and the details of a failure. */
interface JudgeInput {
  readonly tasks: readonly Task[];
  /** The ARN of its revision. */
  readonly taskDefinition: string;
  readonly check: CheckContainers;
  /** Overrides with values that logs must not show. */
  readonly overrides: TaskOverrides;
  /** Lines of each log; 0 reads no log. */
  readonly tailLines: number;
  /** UTF-8 bytes of all logs together. Default: 8 KiB each. */
  readonly maxTailBytes?: number;
  /** The container of the exit code. Default: the first failing one, else the first one. */
  readonly container?: string | undefined;
}

/** Each tail is up to 8 KiB, and the causes of ten equal failures are one. */
const MAX_TAILS = 3;

/** Judges stopped tasks; `text` describes the failures with the end of their logs. */
export async function evaluateTasks(
  { ecs, logs, definitions }: JudgeDeps,
  input: JudgeInput,
): Promise<{ readonly judgement: Judgement; readonly text: string; readonly outputs: EcsOutputs }> {
  const { tasks, check, container } = input;
  const definition = await definitions.find(ecs, input.taskDefinition);
  const judgement = judge(tasks, check, toEssentialNames(definition));
  const failures = judgement.kind === "ok" ? [] : judgement.failures;
  const tails = await loadTails(logs, input, { failures, definition });
  const outputs = toOutputs({ tasks, failures, definition, container });
  return { judgement, text: toFailureText(failures, { logs: tails }), outputs };
}

/** Returns the names of containers that end the task when they end; all, unless the definition says otherwise. */
export function toEssentialNames(definition: TaskDefinition | undefined): readonly string[] | undefined {
  return definition?.containerDefinitions?.flatMap(({ name, essential }) => (essential === false ? [] : (name ?? [])));
}

async function loadTails(
  deps: LogDeps,
  { tailLines, maxTailBytes, overrides }: JudgeInput,
  {
    failures,
    definition,
  }: { readonly failures: readonly TaskFailure[]; readonly definition: TaskDefinition | undefined },
): Promise<readonly FailureLog[]> {
  if (tailLines === 0) return [];
  const containers = definition?.containerDefinitions ?? [];
  const mask = createSecretMask(containers, overrides);
  const named = failures.filter(({ taskArn, container }) => taskArn !== "" && container !== undefined);
  const shown = named.slice(0, MAX_TAILS);
  const tails: FailureLog[] = [];
  for (const { taskArn, container: name = "" } of shown) {
    const container = containers.find((each) => each.name === name);
    const maxBytes = maxTailBytes === undefined ? undefined : maxTailBytes / shown.length;
    const tail = await tailLogs(deps, { taskArn, container, lines: tailLines, mask, ...defined({ maxBytes }) });
    tails.push({ taskArn, container: name, tail });
  }
  return tails;
}

/** What became of the tasks. */
interface OutputsInput {
  readonly tasks: readonly Task[];
  readonly failures: readonly TaskFailure[];
  readonly definition: TaskDefinition | undefined;
  /** The container of the exit code. Default: the first failing one, else the first one. */
  readonly container: string | undefined;
}

/**
 * Returns the outputs of ended tasks, without unknown values. With several tasks, a container has its first failing
 * exit code.
 */
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
  return defined({
    taskArns: JSON.stringify(tasks.flatMap(({ taskArn }) => taskArn ?? [])),
    exitCode,
    ...Object.fromEntries([...codes].slice(0, 50).map(([name, code]) => [`exitCodes.${name}`, code])),
    startedAt: startedAt === undefined ? undefined : new Date(startedAt).toISOString(),
    stoppedAt: stoppedAt === undefined ? undefined : new Date(stoppedAt).toISOString(),
    duration: startedAt === undefined || stoppedAt === undefined ? undefined : (stoppedAt - startedAt) / 1_000,
    logsUrl,
  });
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
