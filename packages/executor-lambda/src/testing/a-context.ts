import { createExecutorContext, type TestContextInput, type TestExecutorContext } from "@stackyard/core/testing";

/** Returns a context of a task `db`, unless other values are given. */
export function aContext(given: TestContextInput = {}): TestExecutorContext {
  return createExecutorContext({
    stackId: "pr-12",
    task: "db",
    metadata: { sha: "9f1c" },
    idempotencyKey: "0123456789abcdef0123456789abcdef",
    ...given,
  });
}
