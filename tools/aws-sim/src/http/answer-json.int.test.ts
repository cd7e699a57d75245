import { CloudWatchLogsClient, GetLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { DescribeTasksCommand, ECSClient, RunTaskCommand, type RunTaskCommandInput } from "@aws-sdk/client-ecs";
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { afterAll, beforeAll, expect, it } from "vitest";
import { aDefinition, createEcsWorld, PLACE } from "../testing/an-ecs-world.ts";
import { answerEcs, answerLogs, answerStates } from "./answer-json.ts";
import { type FrontDoor, openFrontDoor } from "./front-door.ts";

const { sim, clock, credentials, ecs } = createEcsWorld();
let door: FrontDoor;
let config: { endpoint: string; region: string; credentials: typeof credentials; maxAttempts: number };

beforeAll(async () => {
  door = await openFrontDoor({
    services: { ecs: answerEcs(sim), logs: answerLogs(sim), states: answerStates(sim) },
    others: "http://127.0.0.1:1",
  });
  config = { endpoint: door.url, region: PLACE.region, credentials, maxAttempts: 1 };
});
afterAll(() => door.stop());

it("runs tasks over HTTP, with instants and the fields of errors", async () => {
  const client = new ECSClient(config);
  const run = (input: Partial<RunTaskCommandInput> = {}) =>
    client.send(new RunTaskCommand({ cluster: "main", taskDefinition: "migrate", clientToken: "t", ...input }));
  const begin = clock.now();
  const { tasks: [started] = [] } = await run();
  const taskArn = started?.taskArn ?? "";
  await clock.advance(20_000);

  const { tasks: [ended] = [] } = await client.send(new DescribeTasksCommand({ cluster: "main", tasks: [taskArn] }));

  expect(ended).toMatchObject({ lastStatus: "STOPPED", createdAt: new Date(begin), containers: [{ exitCode: 0 }] });
  expect((await run()).tasks).toMatchObject([{ taskArn }]);
  await expect(run({ count: 2 })).rejects.toMatchObject({ name: "ConflictException", resourceIds: [taskArn] });
  await expect(run({ cluster: "none", clientToken: "u" })).rejects.toMatchObject({ name: "ClusterNotFoundException" });
  client.destroy();
});

it("reads logs over HTTP", async () => {
  const client = new CloudWatchLogsClient(config);
  sim.logs.write({ ...PLACE, group: "/yard", stream: "s" }, [{ timestamp: clock.now(), message: "one" }]);

  const { events } = await client.send(new GetLogEventsCommand({ logGroupName: "/yard", logStreamName: "s" }));

  expect(events).toMatchObject([{ message: "one", timestamp: clock.now() }]);
  client.destroy();
});

it("runs executions over HTTP", async () => {
  const client = new SFNClient(config);
  const definition = { StartAt: "P", States: { P: { Type: "Pass", End: true } } };
  const stateMachineArn = sim.stepFunctions.addStateMachine({ ...PLACE, name: "m", definition });
  const { executionArn } = await client.send(new StartExecutionCommand({ stateMachineArn, input: '{"a":1}' }));
  await sim.stepFunctions.executions[0]?.ended;

  const { status, output } = await client.send(new DescribeExecutionCommand({ executionArn }));

  expect({ status, output }).toEqual({ status: "SUCCEEDED", output: '{"a":1}' });
  client.destroy();
});

it("knows the definitions that are registered while it is open", async () => {
  const client = new ECSClient(config);
  ecs.registerTaskDefinition(aDefinition({ family: "late" }));

  expect(await client.send(new RunTaskCommand({ cluster: "main", taskDefinition: "late" }))).toMatchObject({
    tasks: [{ lastStatus: "PENDING" }],
  });
  client.destroy();
});
