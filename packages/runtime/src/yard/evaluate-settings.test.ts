import type { AwsYardOptions } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { aFunction } from "../testing/yard-facts.ts";
import { evaluateRunnerSettings, evaluateStateManager } from "./evaluate-settings.ts";

const QUEUES = "https://sqs.eu-west-1.amazonaws.com/111122223333";
const yard: AwsYardOptions = {
  type: "aws",
  eventQueueUrl: `${QUEUES}/stack-events`,
  taskQueueUrl: `${QUEUES}/stack-tasks`,
  stacksTable: "Stacks",
  machines: { bucket: "machines", prefix: "m/" },
};
const variables = {
  SQS_TASK_QUEUE_URL: `${QUEUES}/stack-tasks`,
  DYNAMODB_TABLE: "Stacks",
  MACHINE_S3_BUCKET: "machines",
  MACHINE_S3_KEY: "m",
};

describe("the state manager's settings", () => {
  it("are those of the configuration, however a queue's address and a prefix are written", () => {
    const other = { SQS_TASK_QUEUE_URL: "https://eu-west-1.queue.amazonaws.com/111122223333/stack-tasks" };

    expect(evaluateStateManager(yard, [aFunction({ variables: { ...variables, ...other } })])).toEqual([
      { check: "settings", status: "ok", message: "state-manager uses the resources in the configuration." },
    ]);
  });

  it.each([
    ["DYNAMODB_TABLE", "Other", "Other, but the configuration has Stacks"],
    ["DYNAMODB_WORK_TABLE", "Other", "Other, but the configuration has Stacks-work"],
    ["MACHINE_S3_BUCKET", "other", "other, but the configuration has machines"],
    ["MACHINE_S3_KEY", "n", "n, but the configuration has m/"],
    ["SQS_TASK_QUEUE_URL", `${QUEUES}/tasks`, "but the configuration has"],
  ])("fail where %s is %s", (name, value, told) => {
    const found = evaluateStateManager(yard, [aFunction({ variables: { ...variables, [name]: value } })]);

    expect(found).toMatchObject([{ status: "fail", message: expect.stringContaining(told) }]);
    expect(found[0]?.message).toContain(`state-manager: ${name} is ${value}`);
  });

  it("are warned of where one is not set", () => {
    const ticking = { ...yard, tickQueueUrl: `${QUEUES}/stack-ticks` };

    expect(evaluateStateManager(ticking, [aFunction({ variables })])).toMatchObject([
      { status: "warn", message: expect.stringContaining("SQS_TICK_QUEUE_URL is not set") },
    ]);
  });

  it("name the same secret by its name or its ARN", () => {
    const { stacksTable: _, ...rest } = yard;
    const arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/db-a1B2c3";
    const { DYNAMODB_TABLE: __, ...without } = variables;
    const judge = (wanted: string, set: string) =>
      evaluateStateManager({ ...rest, connectionSecret: wanted }, [
        aFunction({ variables: { ...without, POSTGRES_CONNECTION_SECRET: set } }),
      ])[0]?.status;

    expect([judge("prod/db", arn), judge(arn, "prod/db"), judge(arn, arn)]).toEqual(["ok", "ok", "ok"]);
    expect(judge("prod/other", arn)).toBe("fail");
  });

  it("cannot deliver refused events again from a FIFO queue", () => {
    const manager = aFunction({ variables: { ...variables, REFUSED_EVENTS: "redeliver" } });

    expect(evaluateStateManager(yard, [manager])).toMatchObject([{ status: "ok" }]);
    expect(evaluateStateManager({ ...yard, eventQueueUrl: `${QUEUES}/stack-events.fifo` }, [manager])).toMatchObject([
      { status: "ok" },
      { status: "fail", message: expect.stringContaining("not supported with a FIFO event queue") },
    ]);
  });

  it("that cannot be read are a warning", () => {
    expect(evaluateStateManager(yard, [aFunction({ variables: undefined })])).toMatchObject([{ status: "warn" }]);
  });

  it("are checked once in a function that reads two queues", () => {
    const functions = [aFunction({ variables }), aFunction({ queue: "ticks", variables })];

    expect(evaluateStateManager(yard, functions)).toHaveLength(1);
  });
});

describe("a runner's settings", () => {
  const runner = aFunction({ name: "task-runner", queue: "tasks" });

  it("lead its answers to the yard's events", () => {
    const right = { ...runner, variables: { SQS_EVENT_QUEUE_URL: `${QUEUES}/stack-events` } };
    const wrong = { ...runner, variables: { SQS_EVENT_QUEUE_URL: `${QUEUES}/stack-tasks` } };

    expect(evaluateRunnerSettings(yard, [right])).toMatchObject([{ status: "ok" }]);
    expect(evaluateRunnerSettings(yard, [wrong])).toMatchObject([{ status: "fail" }]);
  });

  it("may name no table, but no other one", () => {
    const answers = { SQS_EVENT_QUEUE_URL: `${QUEUES}/stack-events` };

    expect(
      evaluateRunnerSettings(yard, [{ ...runner, variables: { ...answers, DYNAMODB_TABLE: "Other" } }]),
    ).toMatchObject([{ status: "fail", message: expect.stringContaining("DYNAMODB_TABLE is Other") }]);
  });
});
