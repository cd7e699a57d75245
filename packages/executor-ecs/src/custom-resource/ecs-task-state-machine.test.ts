import validate from "asl-validator";
import { StateMachine, type StateMachineDefinition } from "aws-local-stepfunctions";
import { describe, expect, it } from "vitest";
import { INVOCATION_SECONDS, toEcsTaskStateMachine } from "./ecs-task-state-machine.ts";

const ARN = "arn:aws:lambda:eu-west-1:111122223333:function:ecs-task";

const INPUT = { requestId: "r-1", sealed: "hidden", receivedAt: 1 };

/** The n-th result of a step. */
function aStep(next: "step" | "wait" | "answer", n = 1) {
  return { progress: { n }, next, waitSeconds: 10 };
}

/** Runs the definition; each call of the function is answered by the next of these, errors are thrown. */
async function run(replies: {
  readonly steps: readonly unknown[];
  readonly givenUp?: readonly unknown[];
  readonly answers?: readonly unknown[];
}) {
  const { steps, givenUp = [aStep("answer", 99)], answers = [{ answered: true }] } = replies;
  const calls: { readonly state: string; readonly event: unknown }[] = [];
  const serve = (state: string, given: readonly unknown[]) => async (event: unknown) => {
    calls.push({ state, event });
    const reply = given[calls.filter((call) => call.state === state).length - 1];
    if (reply instanceof Error) throw reply;
    return reply;
  };
  const machine = new StateMachine(toEcsTaskStateMachine(ARN) as unknown as StateMachineDefinition);
  const { result } = machine.run(INPUT, {
    context: { Execution: { Id: "e", Input: INPUT } },
    overrides: {
      taskResourceLocalHandlers: {
        Step: serve("step", steps),
        GiveUp: serve("give-up", givenUp),
        Answer: serve("answer", answers),
      },
      waitTimeOverrides: { Wait: 0 },
      retryIntervalOverrides: { Step: 0, GiveUp: 0, Answer: 0 },
    },
  } as never);
  const output: unknown = await result.catch((error: unknown) => error);
  return { output, calls, states: calls.map(({ state }) => state), events: calls.map(({ event }) => event) };
}

const fault = () => Object.assign(new Error("boom"), { name: "TypeError" });
const REQUEST = { requestId: "r-1", request: INPUT };

describe("toEcsTaskStateMachine", () => {
  it("is valid", () => {
    const { isValid, errorsText } = validate(toEcsTaskStateMachine(ARN));

    expect([isValid, isValid ? "" : errorsText()]).toEqual([true, ""]);
  });

  it("stores the progress of each step, gives it to the next one, and answers", async () => {
    const { events } = await run({ steps: [aStep("step", 1), aStep("wait", 2), aStep("answer", 3)] });

    expect(events).toEqual([
      { op: "step", ...REQUEST, progress: {} },
      { op: "step", ...REQUEST, progress: { n: 1 } },
      { op: "step", ...REQUEST, progress: { n: 2 } },
      { op: "answer", ...REQUEST, state: aStep("answer", 3) },
    ]);
  });

  it("repeats a step that fails, with the same progress", async () => {
    const { states, events } = await run({ steps: [aStep("step"), fault(), fault(), aStep("answer", 2)] });

    expect(states).toEqual(["step", "step", "step", "step", "answer"]);
    expect(new Set(events.slice(1, 4).map((event) => JSON.stringify(event))).size).toBe(1);
  });

  it("gives up after the failure of a step, and stores the response before it is sent", async () => {
    const { states, events } = await run({ steps: [aStep("step", 7), ...Array(4).fill(fault())] });

    expect(states).toEqual([...Array(5).fill("step"), "give-up", "answer"]);
    expect(events.slice(-2)).toMatchObject([
      { op: "step", ...REQUEST, progress: { n: 7 }, error: { Error: "TypeError" } },
      { op: "answer", ...REQUEST, state: { progress: { n: 99 } } },
    ]);
  });

  it("answers when giving up fails too", async () => {
    const { states, events } = await run({ steps: Array(4).fill(fault()), givenUp: Array(4).fill(fault()) });

    expect(states.slice(-2)).toEqual(["give-up", "answer"]);
    expect(events.at(-1)).toMatchObject({ op: "answer", state: { error: { Error: "TypeError" } } });
  });

  it("repeats the answer as long as CloudFormation waits, and then ends badly", async () => {
    const steps = [aStep("answer")];

    expect((await run({ steps, answers: [fault(), fault(), { answered: true }] })).states).toEqual([
      "step",
      ...Array(3).fill("answer"),
    ]);
    const failed = await run({ steps, answers: Array(61).fill(fault()) });
    expect(failed.states).toHaveLength(62);
    expect(failed.output).toBeInstanceOf(Error);
  });

  it("never lets two steps overlap: an invocation has ended before it is given up and before it is repeated", () => {
    const { Step, GiveUp } = toEcsTaskStateMachine(ARN).States;

    for (const { TimeoutSeconds, Retry } of [Step, GiveUp]) {
      expect(TimeoutSeconds).toBeGreaterThan(INVOCATION_SECONDS);
      const invoked = Retry.filter(({ ErrorEquals }) => !ErrorEquals.includes("Lambda.TooManyRequestsException"));
      for (const { IntervalSeconds } of invoked) expect(IntervalSeconds).toBeGreaterThan(INVOCATION_SECONDS);
    }
  });

  it("stops before CloudFormation does", () => {
    expect(toEcsTaskStateMachine(ARN).TimeoutSeconds).toBeLessThan(3_600);
    expect(toEcsTaskStateMachine(ARN, { timeoutSeconds: 600 }).TimeoutSeconds).toBe(600);
  });

  it("takes a placeholder for the function", () => {
    expect(JSON.stringify(toEcsTaskStateMachine(`\${FunctionArn}`)).match(/\$\{FunctionArn\}/g)).toHaveLength(3);
  });
});
