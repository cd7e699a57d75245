import type { Task, TaskDefinition } from "@aws-sdk/client-ecs";
import { type Absence, decideAbsence, isDenial, runOptional } from "@stackyard/aws";
import { defined } from "@stackyard/core";
import {
  type CheckContainers,
  type DefinedNames,
  describeForeign,
  type Judgement,
  judge,
  type TaskFailure,
} from "./judge.ts";
import { createSecretMask, type TaskOverrides } from "./parse-overrides.ts";
import { type FailureLog, type LogDeps, tailLogs, toFailureText, toTailTexts } from "./tail-logs.ts";
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
  /** The absence at the looks before. */
  readonly absence: Absence | undefined;
}

/** The tasks that a call of `stopLeft` has found. */
export interface StoppedRun extends LeftTasks, DescribedTasks {
  /** The number of tasks whose stop ECS has accepted by this call. */
  readonly accepted: number;
  /** True if the tasks may be stopped but not described. */
  readonly isUnseen: boolean;
  /** Stored for the next call. */
  readonly absence: Absence | undefined;
}

/** Returns undefined for a denied call, at once: the tasks are stopped without its answer. */
export async function unlessDenied<Result>(call: () => Promise<Result>): Promise<Result | undefined> {
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
export async function stopLeft(
  deps: EcsDeps,
  { cluster, taskArns, reason, absence: before }: StopInput,
): Promise<StoppedRun> {
  const seen = await unlessDenied(() => describeTasks(deps, { cluster, taskArns }));
  if (seen === undefined) {
    const { stopped } = await stopTasks(deps, { cluster, taskArns, reason });
    const nothing = { tasks: [], missing: [], alive: 0, unseen: 0, absence: undefined };
    return { ...nothing, accepted: stopped.length, isUnseen: true };
  }
  const { tasks, missing } = seen;
  const alive = tasks.filter((task) => !isStopped(task));
  const untold = alive.flatMap(({ taskArn = "", desiredStatus }) => (desiredStatus === "STOPPED" ? [] : taskArn));
  const { stopped } = await stopTasks(deps, { cluster, taskArns: [...untold, ...missing], reason });
  const absent = missing.length === 0 ? undefined : decideAbsence(before, deps.clock.now());
  const unseen = absent?.kind === "again" ? missing.length : 0;
  const left = { alive: alive.length, unseen, accepted: stopped.length, isUnseen: false };
  return { tasks, missing, ...left, absence: absent?.absence };
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
}

/** Each tail is up to 8 KiB, and the causes of ten equal failures are one. */
const MAX_TAILS = 3;

/** The judgement of stopped tasks. */
interface EvaluatedTasks {
  readonly judgement: Judgement;
  /** Describes the failures, with the end of their logs. */
  readonly text: string;
  readonly definition: TaskDefinition | undefined;
  /** Names containers of others that did not end with 0. */
  readonly foreign: readonly string[];
}

/** Judges stopped tasks. */
export async function evaluateTasks({ ecs, logs, definitions }: JudgeDeps, input: JudgeInput): Promise<EvaluatedTasks> {
  const { tasks, check } = input;
  const definition = await definitions.find(ecs, input.taskDefinition);
  const names = toDefinedNames(definition);
  const judgement = judge(tasks, check, names);
  const failures = judgement.kind === "ok" ? [] : judgement.failures;
  const tails = await loadTails(logs, input, { failures, definition, most: MAX_TAILS });
  return {
    judgement,
    text: toFailureText(failures, { logs: tails }),
    definition,
    foreign: describeForeign(tasks, names),
  };
}

/** The text of the logs of tasks that ECS does not show, and whether each of them proves that the work was done. */
interface LostLogs {
  readonly text: string;
  readonly isProof: boolean;
}

/** Reads the ends of the logs of tasks that ECS does not show: CloudWatch still has them. */
export async function readLostLogs(
  { ecs, logs, definitions }: JudgeDeps,
  input: Omit<JudgeInput, "tasks"> & { readonly taskArns: readonly string[]; readonly success?: string | undefined },
): Promise<LostLogs> {
  const { taskArns, check, success } = input;
  const definition = await definitions.find(ecs, input.taskDefinition);
  const checked = check === "essential" ? toEssentialNames(definition) : check;
  const names = (definition?.containerDefinitions ?? []).flatMap(({ name = "" }) =>
    checked === undefined || checked === "all" || checked.includes(name) ? name : [],
  );
  const failures = taskArns.flatMap((taskArn) => names.map((container) => ({ taskArn, container })));
  const tails = await loadTails(logs, input, { failures, definition, most: failures.length });
  const isDone = (taskArn: string) =>
    tails.some(({ taskArn: of, tail }) => of === taskArn && tail.kind === "lines" && hasLine(tail.lines, success));
  return { text: toTailTexts(failures.slice(0, MAX_TAILS), tails).join(" "), isProof: taskArns.every(isDone) };
}

function hasLine(lines: readonly string[], success: string | undefined): boolean {
  return success !== undefined && lines.some((line) => line.includes(success));
}

/** Returns the first bad exit code; 0 without one, because what was stopped from outside has ended with 0. */
export function findExitCode(failures: readonly TaskFailure[]): number | undefined {
  const failing = failures.find(({ exitCode }) => exitCode !== undefined)?.exitCode;
  return failing ?? (failures.every(({ code }) => code === "ECS_TASK_STOPPED") ? 0 : undefined);
}

function toDefinedNames(definition: TaskDefinition | undefined): DefinedNames | undefined {
  const essential = toEssentialNames(definition);
  if (essential === undefined) return undefined;
  return { essential, all: (definition?.containerDefinitions ?? []).flatMap(({ name }) => name ?? []) };
}

/** Returns the names of containers that end the task when they end; all, unless the definition says otherwise. */
export function toEssentialNames(definition: TaskDefinition | undefined): readonly string[] | undefined {
  return definition?.containerDefinitions?.flatMap(({ name, essential }) => (essential === false ? [] : (name ?? [])));
}

async function loadTails(
  deps: LogDeps,
  { tailLines, maxTailBytes, overrides }: Pick<JudgeInput, "tailLines" | "maxTailBytes" | "overrides">,
  { failures, definition, most }: TailsInput,
): Promise<readonly FailureLog[]> {
  if (tailLines === 0) return [];
  const containers = definition?.containerDefinitions ?? [];
  const mask = createSecretMask(containers, overrides);
  const named = failures.filter(({ taskArn, container }) => taskArn !== "" && container !== undefined);
  const shown = named.slice(0, most);
  const tails: FailureLog[] = [];
  for (const { taskArn, container: name = "" } of shown) {
    const container = containers.find((each) => each.name === name);
    const maxBytes = maxTailBytes === undefined ? undefined : maxTailBytes / shown.length;
    const tail = await tailLogs(deps, { taskArn, container, lines: tailLines, mask, ...defined({ maxBytes }) });
    tails.push({ taskArn, container: name, tail });
  }
  return tails;
}

interface TailsInput {
  readonly failures: readonly Pick<TaskFailure, "taskArn" | "container">[];
  readonly definition: TaskDefinition | undefined;
  readonly most: number;
}
