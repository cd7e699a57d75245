import type { TaskMessage } from "../encode-task.ts";

/** A task message of the stack `pr-12` as the engine sends it. */
export function aTask(name = "db", overrides: Partial<TaskMessage> = {}): TaskMessage {
  return {
    task: { executor: "lambda", config: { name: "make-db" }, name },
    stack: {
      id: "pr-12",
      previousState: "INIT",
      machine: "review-app",
      _state: "BUILD",
      tasks: [{ name, status: "PENDING" }],
      metadata: { sha: "9f1c" },
    },
    dispatch: { id: `pr-12/e1/1/${name}/1`, attempt: 1, deadline: "2099-01-01T00:00:00.000Z" },
    ...overrides,
  };
}
