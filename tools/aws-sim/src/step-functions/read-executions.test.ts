import {
  GetExecutionHistoryCommand,
  type HistoryEvent,
  ListExecutionsCommand,
  SFNClient,
  StartExecutionCommand,
} from "@aws-sdk/client-sfn";
import { beforeEach, describe, expect, it } from "vitest";
import { ACCOUNT, createWorld } from "../testing/a-world.ts";

const PLACE = { account: ACCOUNT, region: "eu-west-1" };
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

  it("refuses machines and tokens that are none", async () => {
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
