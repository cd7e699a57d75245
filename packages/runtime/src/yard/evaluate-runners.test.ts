import { describe, expect, it } from "vitest";
import { toExecutorDefinitions } from "../executor-definitions.ts";
import { aFunction } from "../testing/yard-facts.ts";
import { evaluateRunners } from "./evaluate-runners.ts";

const manager = aFunction();
const runner = aFunction({ name: "task-runner", queue: "tasks", timeoutMs: 900_000 });
const withStore = { ...runner, variables: { DYNAMODB_TABLE: "Stacks", TASK_LOG_BUCKET: "acme-logs" } };
const rest = { executors: toExecutorDefinitions(), used: new Set(["lambda"]), hasLongQueue: false };

describe("a yard's runners", () => {
  it("work by message alone without a store, which is said", () => {
    expect(evaluateRunners({ ...rest, functions: [manager, runner] })).toMatchObject([
      { check: "runner", status: "ok", message: expect.stringContaining("task-runner works without a store") },
    ]);
  });

  it("have the store, and the state manager should know", () => {
    expect(evaluateRunners({ ...rest, functions: [manager, withStore] })).toMatchObject([
      { status: "ok", message: expect.stringContaining("task-runner has the store") },
      { status: "warn", message: expect.stringContaining("RUNNERS_HAVE_STORE is not true") },
    ]);
    const knowing = { ...manager, variables: { RUNNERS_HAVE_STORE: "true" } };
    expect(evaluateRunners({ ...rest, functions: [knowing, withStore] })).toMatchObject([{ status: "ok" }]);
  });

  it("must have it where the state manager expects it", () => {
    const believing = { ...manager, variables: { RUNNERS_HAVE_STORE: "true" } };

    expect(evaluateRunners({ ...rest, functions: [believing, runner] })).toMatchObject([
      { status: "ok" },
      { status: "fail", message: expect.stringContaining("but task-runner has no store") },
    ]);
  });

  it("in functions get a warning about tasks that cannot be resumed, unless those have their own queue", () => {
    const long = { ...rest, used: new Set(["lambda", "terraform"]), functions: [manager, runner] };

    expect(evaluateRunners(long)).toMatchObject([
      { status: "ok" },
      {
        status: "warn",
        message: "task-runner: tasks of terraform cannot be resumed, and Lambda ends the function after 15 min.",
        hint: expect.stringContaining("SQS_LONG_TASK_QUEUE_URL"),
      },
    ]);
    expect(evaluateRunners({ ...long, hasLongQueue: true })).toMatchObject([{ status: "ok" }]);
  });

  it("need a bucket to store whole logs with DynamoDB", () => {
    const withoutLogs = { ...withStore, variables: { DYNAMODB_TABLE: "Stacks" } };

    expect(evaluateRunners({ ...rest, functions: [withoutLogs] })).toMatchObject([
      { check: "runner", status: "ok" },
      { check: "logs", status: "warn", message: expect.stringContaining("task-runner: TASK_LOG_BUCKET is not set") },
    ]);
    const onPostgres = { ...withStore, variables: { DATABASE_URL: "postgres://db/yard" } };
    expect(evaluateRunners({ ...rest, functions: [onPostgres] })).toMatchObject([{ check: "runner", status: "ok" }]);
  });

  it("that are containers are not seen here", () => {
    expect(evaluateRunners({ ...rest, used: new Set(["terraform"]), functions: [manager] })).toEqual([]);
  });
});
