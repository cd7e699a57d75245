import type { Task, TaskDefinition } from "@aws-sdk/client-ecs";
import { defined, findAwsPartition } from "@stackyard/core";
import type { EcsOutputs } from "./definition.ts";
import type { TaskFailure } from "./judge.ts";
import { findExitCode } from "./run-tasks.ts";
import { findLogStream, type LogStream } from "./tail-logs.ts";

/** The ends of the tasks. */
interface OutputsInput {
  readonly tasks: readonly Task[];
  /** All of the run, also those that ECS does not show. */
  readonly taskArns: readonly string[];
  readonly failures: readonly TaskFailure[];
  readonly definition: TaskDefinition | undefined;
  /** The container of the exit code. Default: the first failing one, else the first one. */
  readonly container: string | undefined;
}

/**
 * Returns the outputs of ended tasks, without unknown values. With several tasks, a container has its first failing
 * exit code.
 */
export function toOutputs({ tasks, taskArns, failures, definition, container }: OutputsInput): EcsOutputs {
  const codes = toExitCodes(tasks);
  const known = (container === undefined ? undefined : codes.get(container)) ?? findExitCode(failures);
  // That of a task that ECS does not show may be another one.
  const exitCode = known === 0 && tasks.length < taskArns.length ? undefined : known;
  const startedAt = toExtreme(
    tasks.map((task) => task.startedAt ?? task.createdAt),
    Math.min,
  );
  const stoppedAt = toExtreme(
    tasks.map((task) => task.stoppedAt ?? task.executionStoppedAt),
    Math.max,
  );
  const logsUrl = findLogsUrl({ tasks, taskArns, failures, definition, container });
  return defined({
    taskArns: JSON.stringify(taskArns),
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

function findLogsUrl({ tasks, taskArns, failures, definition, container }: OutputsInput): string | undefined {
  const taskArn = failures[0]?.taskArn || tasks[0]?.taskArn || taskArns[0];
  const name = failures[0]?.container ?? container;
  const containers = definition?.containerDefinitions ?? [];
  const found =
    containers.find((each) => each.name === name) ?? containers.find(({ essential }) => essential !== false);
  return taskArn === undefined ? undefined : toLogsUrl(findLogStream(found, taskArn), taskArn);
}

/** Returns the page of a log stream in the CloudWatch console, which encodes names twice and writes `$` for `%`. */
export function toLogsUrl(stream: LogStream, taskArn: string): string | undefined {
  const [, partition = "", , arnRegion = ""] = taskArn.split(":");
  const host = findAwsPartition(partition)?.consoleDomain;
  if (stream.kind === "none" || host === undefined) return undefined;
  const region = stream.region ?? arnRegion;
  const path = `log-group/${encode(stream.group)}/log-events/${encode(stream.stream)}`;
  return `https://${region}.${host}/cloudwatch/home?region=${encodeURIComponent(region)}#logsV2:log-groups/${path}`;
}

function encode(text: string): string {
  return encodeURIComponent(encodeURIComponent(text)).replaceAll("%", "$");
}
