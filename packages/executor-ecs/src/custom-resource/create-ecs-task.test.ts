import { describe, expect, it } from "vitest";
import { parseCall } from "./create-ecs-task.ts";

const MACHINE = "arn:aws:states:eu-west-1:111122223333:stateMachine:ecs-task";

function anExecutionEvent(detail: object = {}) {
  const base = { stateMachineArn: MACHINE, name: "r-1", status: "FAILED", input: '{"requestId":"r 1"}' };
  return {
    "detail-type": "Step Functions Execution Status Change",
    source: "aws.states",
    detail: { ...base, ...detail },
  };
}

describe("parseCall", () => {
  it("knows the states of the machine", () => {
    expect(parseCall({ op: "step", requestId: "r-1" }, MACHINE)).toEqual({ kind: "step", requestId: "r-1" });
    expect(parseCall({ op: "answer", requestId: "r-1", state: { requestId: "r-1" } }, MACHINE)).toEqual({
      kind: "answer",
      requestId: "r-1",
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
    expect(parseCall({ op: "answer", requestId: "r-1", state: { error } }, MACHINE)).toMatchObject({ cause });
  });

  it.each(["FAILED", "TIMED_OUT", "ABORTED"])("answers for an execution that is %s", (status) => {
    expect(parseCall(anExecutionEvent({ status }), MACHINE)).toEqual({
      kind: "answer",
      requestId: "r 1",
      cause: `the execution ended as ${status}`,
    });
  });

  it.each([undefined, null, "no JSON", "{}", '{"requestId":7}'])("goes by the name where the input is %j", (input) => {
    expect(parseCall(anExecutionEvent({ input }), MACHINE)).toMatchObject({ requestId: "r-1" });
  });

  it.each([
    { status: "SUCCEEDED" },
    { status: "RUNNING" },
    { stateMachineArn: "another" },
    { status: 7 },
    { name: 7, input: "" },
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
    { op: "step", requestId: 7 },
    { op: "stop", requestId: "r" },
    { detail: 7 },
  ])("knows no %j", (event) => {
    expect(parseCall(event, MACHINE)).toBeUndefined();
  });
});
