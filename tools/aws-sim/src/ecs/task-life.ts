import type { LogEvent, LogSource, StreamPlace } from "../logs.ts";
import type { SimTask } from "./ecs-state.ts";
import { type Course, type Stage, toCourse } from "./task-course.ts";

/** How a task goes, as far as it has been ordered, and where it is now. */
export interface Life extends Course {
  readonly stage: Stage;
}

/** The default of `stopTimeout` ("ContainerDefinition"). */
const STOP_TIMEOUT_SECONDS = 30;

/** Returns a task's life, seen at an instant. */
export function toLife(task: SimTask, now: number): Life {
  const { createdAt, script, stop, definition } = task;
  const containers = definition.containerDefinitions.map(({ name, essential = true, stopTimeout }) => ({
    name,
    isEssential: essential,
    stopTimeoutMs: (stopTimeout ?? STOP_TIMEOUT_SECONDS) * 1_000,
  }));
  const course = toCourse({ createdAt, script, stop, containers, isAwsvpc: definition.networkMode === "awsvpc" });
  const stage = course.stages.findLast(({ at }) => at <= now)?.stage ?? course.stages[0]?.stage ?? "PENDING";
  return { ...course, stage };
}

/** A stream and what a container writes there. */
interface ContainerLog {
  readonly place: StreamPlace;
  readonly source: LogSource;
}

/**
 * Returns the streams of a task's containers. Source: developer guide, "Send Amazon ECS logs to CloudWatch": the stream
 * is `prefix/container/task id`; without a prefix it is the container's id, which is never queried.
 */
export function toLogSources(task: SimTask): readonly ContainerLog[] {
  const { account, region } = task.cluster;
  return task.definition.containerDefinitions.flatMap(({ name, logConfiguration }) => {
    const { "awslogs-group": group, "awslogs-stream-prefix": prefix, ...options } = logConfiguration?.options ?? {};
    if (logConfiguration?.logDriver !== "awslogs" || group === undefined || prefix === undefined) return [];
    const stream = `${prefix}/${name}/${task.id}`;
    const place = { account, region: options["awslogs-region"] ?? region, group, stream };
    return [{ place, source: (now: number) => readLines(task, name, now) }];
  });
}

function readLines(task: SimTask, container: string, now: number): readonly LogEvent[] | undefined {
  const { runningAt, containers } = toLife(task, now);
  const course = containers.find(({ name }) => name === container);
  if (now < runningAt || course === undefined) return undefined;
  return (course.script.logs ?? [])
    .map((line) => (typeof line === "string" ? { afterMs: 0, message: line } : line))
    .map(({ afterMs, message }) => ({ timestamp: runningAt + afterMs, message }))
    .filter(({ timestamp }) => timestamp <= Math.min(now, course.endedAt));
}
