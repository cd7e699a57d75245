import type { SimTask } from "./ecs-state.ts";
import { type Course, type Stage, toCourse } from "./task-course.ts";

/** How a task goes, as far as it has been ordered, and where it is now. */
export interface Life extends Course {
  readonly stage: Stage;
}

/** The default of `stopTimeout` ("ContainerDefinition"). */
const STOP_TIMEOUT_SECONDS = 30;

/** A task's life, seen at an instant. */
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
