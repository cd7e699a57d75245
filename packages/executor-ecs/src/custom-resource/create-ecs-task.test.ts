import { describe, expect, it } from "vitest";
import { parseCall } from "./create-ecs-task.ts";

const INPUT = { requestId: "r-1", sealed: "hidden", receivedAt: 1 };
const STATE = { requestId: "r-1", request: INPUT };
const EXECUTION = "arn:aws:states:eu-west-1:111122223333:execution:ecs-task:r-1";
const MACHINE = "arn:aws:states:eu-west-1:111122223333:stateMachine:ecs-task";

function anExecutionEvent(detail: object = {}) {
  const base = { stateMachineArn: MACHINE, executionArn: EXECUTION, status: "FAILED", input: JSON.stringify(INPUT) };
  return {
    "detail-type": "Step Functions Execution Status Change",
    source: "aws.states",
    detail: { ...base, ...detail },
  };
}

describe("parseCall", () => {
  it("knows the states of the machine", () => {
    expect(parseCall({ op: "step", ...STATE, progress: {} }, MACHINE)).toEqual({
      kind: "step",
      input: INPUT,
      progress: {},
    });
    expect(parseCall({ op: "answer", ...STATE, state: { progress: { phase: "wait" } } }, MACHINE)).toEqual({
      kind: "answer",
      input: INPUT,
      progress: { phase: "wait" },
      cause: undefined,
    });
  });

  it.each([
    [
      { Error: "TypeError", Cause: '{"errorType":"TypeError","errorMessage":"x is undefined"}' },
      "TypeError: x is undefined",
    ],
    [{ Error: "States.Timeout", Cause: "" }, "States.Timeout: "],
    [{ Error: "Lambda.Unknown", Cause: "no JSON" }, "Lambda.Unknown: no JSON"],
  ])("reads the error %j", (error, cause) => {
    expect(parseCall({ op: "answer", ...STATE, state: { error } }, MACHINE)).toMatchObject({ kind: "answer", cause });
    expect(parseCall({ op: "step", ...STATE, progress: {}, error }, MACHINE)).toMatchObject({ kind: "give-up", cause });
  });

  it.each(["FAILED", "TIMED_OUT", "ABORTED"])("answers for an execution that is %s", (status) => {
    expect(parseCall(anExecutionEvent({ status }), MACHINE)).toEqual({
      kind: "ended",
      executionArn: EXECUTION,
      input: INPUT,
      cause: `the execution ended as ${status}`,
    });
  });

  it.each([undefined, null, "no JSON", "{}", '{"requestId":"r-1"}'])(
    "goes by the ARN where the input is %j",
    (input) => {
      expect(parseCall(anExecutionEvent({ input }), MACHINE)).toMatchObject({
        executionArn: EXECUTION,
        input: undefined,
      });
    },
  );

  it.each([
    { status: "SUCCEEDED" },
    { status: "RUNNING" },
    { stateMachineArn: "another" },
    { status: 7 },
    { executionArn: 7 },
  ])("does not care for %j", (detail) => {
    expect(parseCall(anExecutionEvent(detail), MACHINE)).toBeUndefined();
  });

  it("knows that a task has stopped, and whose", () => {
    const event = (detail: object) => ({ "detail-type": "ECS Task State Change", detail });
    const startedBy = "0123456789abcdef0123456789abcdef";

    expect(parseCall(event({ lastStatus: "STOPPED", startedBy }), MACHINE)).toEqual({
      kind: "task-stopped",
      resourceId: startedBy,
    });
    for (const detail of [
      { lastStatus: "RUNNING", startedBy },
      { lastStatus: "STOPPED", startedBy: "ecs-svc/1" },
      {},
    ]) {
      expect(parseCall(event(detail), MACHINE)).toBeUndefined();
    }
  });

  it.each([
    undefined,
    null,
    7,
    "x",
    [],
    {},
    { op: "step" },
    { op: "step", requestId: "r-1" },
    { op: "step", ...STATE, requestId: "another" },
    { op: "stop", ...STATE },
    { detail: 7 },
  ])("knows no %j", (event) => {
    expect(parseCall(event, MACHINE)).toBeUndefined();
  });
});
