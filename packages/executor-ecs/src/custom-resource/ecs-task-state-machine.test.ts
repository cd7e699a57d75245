import validate from "asl-validator";
import { StateMachine, type StateMachineDefinition } from "aws-local-stepfunctions";
import { describe, expect, it } from "vitest";
import { toEcsTaskStateMachine } from "./ecs-task-state-machine.ts";

const ARN = "arn:aws:lambda:eu-west-1:111122223333:function:ecs-task";

/** Runs the definition; each call of the function is answered by the next of these, errors are thrown. */
async function run(steps: readonly unknown[], answers: readonly unknown[] = [{ answered: true }]) {
  const calls: { readonly op: string; readonly [key: string]: unknown }[] = [];
  const serve = (op: string, replies: readonly unknown[]) => async (event: { op: string }) => {
    calls.push(event);
    const reply = replies[calls.filter((call) => call.op === op).length - 1];
    if (reply instanceof Error) throw reply;
    return reply;
  };
  const machine = new StateMachine(toEcsTaskStateMachine(ARN) as unknown as StateMachineDefinition);
  const { result } = machine.run({ requestId: "r-1" }, {
    overrides: {
      taskResourceLocalHandlers: { Step: serve("step", steps), Answer: serve("answer", answers) },
      waitTimeOverrides: { Begin: 0, Wait: 0 },
      retryIntervalOverrides: { Step: 0, Answer: 0 },
    },
  } as never);
  const output: unknown = await result.catch((error: unknown) => error);
  return { output, calls, ops: calls.map(({ op }) => op) };
}

const fault = () => Object.assign(new Error("boom"), { name: "TypeError" });

describe("toEcsTaskStateMachine", () => {
  it("is valid", () => {
    const { isValid, errorsText } = validate(toEcsTaskStateMachine(ARN));

    expect([isValid, isValid ? "" : errorsText()]).toEqual([true, ""]);
  });

  it("takes steps until one is done, and then answers", async () => {
    const { calls } = await run([
      { done: false, waitSeconds: 2 },
      { done: false, waitSeconds: 10 },
      { done: true, waitSeconds: 1 },
    ]);

    expect(calls.slice(0, 3)).toEqual(Array(3).fill({ op: "step", requestId: "r-1" }));
    expect(calls.slice(3)).toMatchObject([{ op: "answer", requestId: "r-1" }]);
  });

  it("repeats a step that fails", async () => {
    const { ops } = await run([fault(), fault(), { done: true, waitSeconds: 1 }]);

    expect(ops).toEqual(["step", "step", "step", "answer"]);
  });

  it("answers any failure of a step, and passes on the error", async () => {
    const { ops, calls } = await run(Array(5).fill(fault()));

    expect(ops).toEqual([...Array(5).fill("step"), "answer"]);
    expect(calls.at(-1)).toMatchObject({ requestId: "r-1", state: { error: { Error: "TypeError" } } });
  });

  it("repeats the answer, and ends badly when it cannot be given", async () => {
    const done = [{ done: true, waitSeconds: 1 }];

    expect((await run(done, [fault(), fault(), { answered: true }])).ops).toEqual([
      "step",
      "answer",
      "answer",
      "answer",
    ]);
    expect((await run(done, Array(9).fill(fault()))).output).toBeInstanceOf(Error);
  });

  it("stops before CloudFormation does", () => {
    expect(toEcsTaskStateMachine(ARN).TimeoutSeconds).toBeLessThan(3_600);
    expect(toEcsTaskStateMachine(ARN, { timeoutSeconds: 600 }).TimeoutSeconds).toBe(600);
  });

  it("takes a placeholder for the function", () => {
    expect(JSON.stringify(toEcsTaskStateMachine(`\${FunctionArn}`)).match(/\$\{FunctionArn\}/g)).toHaveLength(2);
  });
});
