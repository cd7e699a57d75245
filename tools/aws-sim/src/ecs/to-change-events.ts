import { type AwsEvent, toAwsEvent } from "../event-bridge.ts";
import type { SimTask } from "./ecs-state.ts";
import { toTask } from "./read-tasks.ts";
import { toLife } from "./task-course.ts";

/**
 * What EventBridge would have been told after one instant and until another. Source: developer guide, "Amazon ECS task state
 * change events": the task as it then was, without its tags; instants are texts.
 */
export function toChangeEvents(tasks: readonly SimTask[], after: number, until: number): readonly AwsEvent[] {
  const changes = tasks.flatMap((task) => {
    return toLife(task, until)
      .stages.filter(({ at }) => at > after && at <= until)
      .map(({ at }) => ({ task, at }));
  });
  return changes.toSorted((one, other) => one.at - other.at).map(({ task, at }) => toChangeEvent(task, at));
}

function toChangeEvent(task: SimTask, at: number): AwsEvent {
  const { account, region } = task.cluster;
  const { tags: _tags, ...detail } = toTask(task, at, { withTags: false });
  return toAwsEvent({
    account,
    region,
    at,
    source: "aws.ecs",
    detailType: "ECS Task State Change",
    resources: [task.arn],
    detail: JSON.parse(JSON.stringify(detail)),
  });
}
