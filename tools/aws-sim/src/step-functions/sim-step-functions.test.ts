import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  ListExecutionsCommand,
  SFNClient,
  StartExecutionCommand,
  type StartExecutionCommandInput,
} from "@aws-sdk/client-sfn";
import { beforeEach, describe, expect, it } from "vitest";
import { ACCOUNT, createWorld } from "../testing/a-world.ts";

const PLACE = { account: ACCOUNT, region: "eu-west-1" };
const INVOKE = { Type: "Task", Resource: "arn:aws:states:::lambda:invoke" };
/** Polls until the function says that it is done. */
const POLLING = {
  StartAt: "Poll",
  States: {
    Poll: {
      ...INVOKE,
      Parameters: { FunctionName: "f", Payload: { "id.$": "$.id", "run.$": "$$.Execution.Name" } },
      ResultSelector: { "step.$": "$.Payload" },
      ResultPath: "$.last",
      Retry: [{ ErrorEquals: ["Lambda.TooManyRequestsException", "Busy"], IntervalSeconds: 2, MaxAttempts: 2 }],
      Next: "Done?",
    },
    "Done?": {
      Type: "Choice",
      Choices: [{ Variable: "$.last.step.done", BooleanEquals: true, Next: "End" }],
      Default: "Wait",
    },
    Wait: { Type: "Wait", SecondsPath: "$.last.step.wait", Next: "Poll" },
    End: { Type: "Succeed" },
  },
};

function createMachine(handler: (event: unknown) => unknown, definition: object = POLLING) {
  const world = createWorld();
  world.sim.lambda.addFunction({ ...PLACE, name: "f", handler });
  const stateMachineArn = world.sim.stepFunctions.addStateMachine({ ...PLACE, name: "m", definition });
  const sfn = world.client(SFNClient);
  const start = async (input: Partial<StartExecutionCommandInput> = {}) =>
    (await sfn.send(new StartExecutionCommand({ stateMachineArn, ...input }))).executionArn;
  const look = (executionArn = "") => sfn.send(new DescribeExecutionCommand({ executionArn }));
  return { ...world, sfn, start, look };
}

describe("an execution", () => {
  it("runs its definition, and waits by the clock", async () => {
    const seen: unknown[] = [];
    const { start, look, clock } = createMachine((event) => {
      seen.push(event);
      return { done: seen.length === 3, wait: 600 };
    });
    const arn = await start({ name: "run-1", input: '{"id":"a"}' });
    await clock.advance(1_199_000);
    expect(await look(arn)).toMatchObject({ status: "RUNNING", input: '{"id":"a"}', name: "run-1" });
    expect(seen).toEqual(Array(2).fill({ id: "a", run: "run-1" }));

    await clock.advance(1_000);

    const { status, output, stopDate, startDate } = await look(arn);
    expect(status).toBe("SUCCEEDED");
    expect(JSON.parse(output ?? "")).toMatchObject({ id: "a", last: { step: { done: true } } });
    expect(Number(stopDate) - Number(startDate)).toBe(1_200_000);
  });

  it("retries as the definition says, by the clock, and fails with the error's name", async () => {
    const seen: number[] = [];
    const { start, look, clock, sim } = createMachine(() => {
      seen.push(clock.now());
      throw Object.assign(new Error("not now"), { name: "Busy" });
    });
    const begin = clock.now();
    const arn = await start({ input: '{"id":"a"}' });
    await clock.advance(60_000);

    expect(seen.map((at) => at - begin)).toEqual([0, 2_000, 6_000]);
    expect(await look(arn)).toMatchObject({
      status: "FAILED",
      error: "Busy",
      cause: expect.stringContaining("not now"),
    });
    expect(sim.eventBridge.waiting.map(({ detail }) => detail["status"])).toEqual(["RUNNING", "FAILED"]);
  });

  it("ends with its time", async () => {
    const definition = {
      TimeoutSeconds: 100,
      StartAt: "W",
      States: { W: { Type: "Wait", Seconds: 1_000, End: true } },
    };
    const { start, look, clock } = createMachine(() => ({}), definition);
    const arn = await start();
    await clock.advance(100_000);

    expect(await look(arn)).toMatchObject({ status: "TIMED_OUT", error: "States.Timeout" });
  });

  it("gives a task no more time than the definition does", async () => {
    const { start, look, clock } = createMachine(() => new Promise(() => undefined), {
      StartAt: "F",
      States: {
        F: {
          Type: "Task",
          Resource: `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:f`,
          TimeoutSeconds: 60,
          Catch: [{ ErrorEquals: ["States.Timeout"], Next: "Late" }],
          End: true,
        },
        Late: { Type: "Pass", Result: "late", End: true },
      },
    });
    const arn = await start();
    await clock.advance(60_000);

    expect(await look(arn)).toMatchObject({ status: "SUCCEEDED", output: '"late"' });
  });
});

describe("a state machine", () => {
  it("has a definition that is one", () => {
    const { sim } = createWorld();
    const add = (definition: object) => () => sim.stepFunctions.addStateMachine({ ...PLACE, name: "x", definition });

    expect(add({ StartAt: "A", States: { B: { Type: "Succeed" } } })).toThrow(/Invalid State Machine Definition/);
    expect(add({ StartAt: "A", States: { A: { Type: "Wait", End: true } } })).toThrow();
    expect(add({ StartAt: "A", States: { A: { Type: "Succeed" } } })()).toMatch(/:stateMachine:x$/);
  });
});

describe("StartExecution", () => {
  const waiting = { StartAt: "W", States: { W: { Type: "Wait", Seconds: 10, End: true } } };

  it("answers a repeat with the running execution, and refuses another input or a name that was used", async () => {
    const { start, clock, sim } = createMachine(() => ({}), waiting);
    const first = await start({ name: "a", input: "{}" });

    expect(await start({ name: "a", input: "{}" })).toBe(first);
    await expect(start({ name: "a", input: '{"b":1}' })).rejects.toMatchObject({ name: "ExecutionAlreadyExists" });
    await clock.advance(10_000);
    await expect(start({ name: "a", input: "{}" })).rejects.toMatchObject({ name: "ExecutionAlreadyExists" });
    expect(sim.stepFunctions.executions).toHaveLength(1);
    await clock.advance(90 * 86_400_000);
    expect(await start({ name: "a", input: "{}" })).toBe(first);
  });

  it.each(["", "x".repeat(81), "a b", "a/b", "a:b", "a?"])("refuses the name %j", async (name) => {
    const { start } = createMachine(() => ({}), waiting);

    await expect(start({ name })).rejects.toMatchObject({ name: "InvalidName" });
  });

  it("rejects invalid machines and invalid input", async () => {
    const { start } = createMachine(() => ({}), waiting);
    const stateMachineArn = `arn:aws:states:eu-west-1:${ACCOUNT}:stateMachine:none`;

    await expect(start({ stateMachineArn })).rejects.toMatchObject({ name: "StateMachineDoesNotExist" });
    await expect(start({ stateMachineArn: "none" })).rejects.toMatchObject({ name: "InvalidArn" });
    await expect(start({ input: "{" })).rejects.toMatchObject({ name: "InvalidExecutionInput" });
    await expect(start({ input: JSON.stringify("x".repeat(262_144)) })).rejects.toMatchObject({
      name: "InvalidExecutionInput",
    });
  });
});

const DEFINITION = {
  StartAt: "Work",
  States: {
    Work: {
      Type: "Task",
      Resource: "arn:aws:lambda:eu-west-1:111122223333:function:f",
      Catch: [{ ErrorEquals: ["States.ALL"], ResultPath: "$.error", Next: "Bad" }],
      Next: "Pause",
    },
    Pause: { Type: "Wait", Seconds: 60, Next: "Good" },
    Good: { Type: "Succeed" },
    Bad: { Type: "Fail", Error: "Broken", Cause: "It broke." },
  },
};

let world: ReturnType<typeof createWorld>;
let sfn: SFNClient;
let stateMachineArn: string;
beforeEach(() => {
  world = createWorld();
  const handler = (event: unknown) => {
    if (Object(event).bad === true) throw new Error("no");
    return { done: 1 };
  };
  world.sim.lambda.addFunction({ ...PLACE, name: "f", handler });
  stateMachineArn = world.sim.stepFunctions.addStateMachine({ ...PLACE, name: "m", definition: DEFINITION });
  sfn = world.client(SFNClient);
});

async function start(name: string, input: object = {}): Promise<string> {
  const request = { stateMachineArn, name, input: JSON.stringify(input) };
  const { executionArn = "" } = await sfn.send(new StartExecutionCommand(request));
  return executionArn;
}

const list = (input: object = {}) => sfn.send(new ListExecutionsCommand({ stateMachineArn, ...input }));
const read = (executionArn: string, input: object = {}) =>
  sfn.send(new GetExecutionHistoryCommand({ executionArn, ...input }));

function tell({ type, stateEnteredEventDetails, stateExitedEventDetails }: HistoryEvent): string {
  return `${type} ${stateEnteredEventDetails?.name ?? stateExitedEventDetails?.name ?? ""}`.trim();
}

describe("ListExecutions", () => {
  it("gives the newest first, of one status, in pages", async () => {
    await start("one");
    await world.clock.advance(61_000);
    await start("two");
    await start("three");

    const running = await list({ statusFilter: "RUNNING" });
    const first = await list({ maxResults: 2 });
    const rest = await list({ nextToken: first.nextToken });

    expect(running.executions?.map(({ name }) => name)).toEqual(["three", "two"]);
    expect([first, rest].map(({ executions }) => executions?.map(({ name }) => name))).toEqual([
      ["three", "two"],
      ["one"],
    ]);
    expect(rest.executions?.[0]).toMatchObject({ status: "SUCCEEDED", stopDate: new Date("2026-01-01T00:01:00Z") });
    expect(rest.nextToken).toBeUndefined();
  });

  it("rejects unknown machines and tokens", async () => {
    const stranger = `${stateMachineArn}-2`;

    await expect(list({ stateMachineArn: stranger })).rejects.toMatchObject({ name: "StateMachineDoesNotExist" });
    await expect(list({ nextToken: "x" })).rejects.toMatchObject({ name: "InvalidToken" });
    await expect(list({ maxResults: 1_001 })).rejects.toMatchObject({ name: "ValidationException" });
  });
});

describe("GetExecutionHistory", () => {
  it("has the states that were entered and left, with what they were given and gave", async () => {
    const arn = await start("one", { a: 1 });
    await world.clock.advance(61_000);

    const { events = [] } = await read(arn);

    expect(events.map(tell)).toEqual([
      "ExecutionStarted",
      ...["TaskStateEntered Work", "TaskStateExited Work", "WaitStateEntered Pause", "WaitStateExited Pause"],
      ...["SucceedStateEntered Good", "SucceedStateExited Good", "ExecutionSucceeded"],
    ]);
    expect(events[1]?.stateEnteredEventDetails?.input).toBe('{"a":1}');
    expect(events[2]?.stateExitedEventDetails?.output).toBe('{"done":1}');
    expect([events[3]?.timestamp, events[4]?.timestamp]).toEqual([
      new Date("2026-01-01T00:00:00Z"),
      new Date("2026-01-01T00:01:00Z"),
    ]);
    expect(events.map(({ id, previousEventId }) => [id, previousEventId])).toEqual(
      events.map((_, index) => [index + 1, index]),
    );
  });

  it("goes backwards, and in pages", async () => {
    const arn = await start("one", { bad: true });
    await world.clock.advance(1_000);

    const { events = [], nextToken } = await read(arn, { reverseOrder: true, maxResults: 2 });

    expect(events.map(tell)).toEqual(["ExecutionFailed", "FailStateEntered Bad"]);
    expect(events[0]?.executionFailedEventDetails).toEqual({ error: "Broken", cause: "It broke." });
    expect((await read(arn, { reverseOrder: true, nextToken })).events?.map(tell)).toEqual([
      ...["TaskStateExited Work", "LambdaFunctionFailed", "TaskStateEntered Work", "ExecutionStarted"],
    ]);
  });
});
