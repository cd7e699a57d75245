import type { TaskDelivery } from "@stackyard/core";

/** Returns a task message of the stack "s1" as a transport delivers it. */
export function aTaskDelivery(task: Readonly<Record<string, unknown>> = {}): TaskDelivery {
  const attemptId = "s1/created/1/db/1";
  return {
    attemptId,
    deliveries: 1,
    message: {
      task: { name: "db", executor: "work", config: {}, ...task },
      stack: { id: "s1", machine: "app", _state: "BUILD", previousState: "INIT", tasks: [], metadata: {} },
      dispatch: { id: attemptId, attempt: 1, deadline: "2999-01-01T00:00:00.000Z" },
    },
  };
}
