import type { Task, TaskDefinition } from "@aws-sdk/client-ecs";
import type { EcsOutputs } from "./definition.ts";
import type { TaskFailure } from "./judge.ts";
import { findLogStream } from "./log-stream.ts";
import { toLogsUrl } from "./to-logs-url.ts";

/** What became of the tasks. */
export interface OutputsInput {
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
    ...(exitCode === undefined ? {} : { exitCode }),
    ...Object.fromEntries([...codes].slice(0, 50).map(([name, code]) => [`exitCodes.${name}`, code])),
    ...(startedAt === undefined ? {} : { startedAt: new Date(startedAt).toISOString() }),
    ...(stoppedAt === undefined ? {} : { stoppedAt: new Date(stoppedAt).toISOString() }),
    ...(startedAt === undefined || stoppedAt === undefined ? {} : { duration: (stoppedAt - startedAt) / 1_000 }),
    ...(logsUrl === undefined ? {} : { logsUrl }),
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
