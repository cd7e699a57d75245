import {
  CloudWatchLogsClient,
  GetLogEventsCommand,
  type GetLogEventsCommandInput,
} from "@aws-sdk/client-cloudwatch-logs";
import { describe, expect, it } from "vitest";
import { aDefinition, createEcsWorld, createWorld, PLACE } from "./testing/a-world.ts";

const at = { ...PLACE, group: "/yard", stream: "app/1" };

function createLog(count: number, message = (index: number) => `line ${index}`) {
  const world = createWorld();
  const start = world.clock.now();
  const events = Array.from({ length: count }, (_, index) => ({ timestamp: start + index, message: message(index) }));
  world.sim.logs.write(at, events);
  const client = world.client(CloudWatchLogsClient);
  const read = async (input: Partial<GetLogEventsCommandInput> = {}) => {
    const command = new GetLogEventsCommand({ logGroupName: "/yard", logStreamName: "app/1", ...input });
    const { events: page = [], nextBackwardToken, nextForwardToken } = await client.send(command);
    return { lines: page.map(({ message: line }) => line), back: nextBackwardToken, on: nextForwardToken };
  };
  return { ...world, read, start };
}

describe("GetLogEvents", () => {
  it("gives the newest lines first, in the order of time, and leads back to the beginning", async () => {
    const { read, clock } = createLog(5);
    await clock.advance(10);

    const last = await read({ limit: 2 });
    const before = await read({ limit: 2, nextToken: last.back });
    const first = await read({ limit: 2, nextToken: before.back });
    const end = await read({ limit: 2, nextToken: first.back });

    expect([last.lines, before.lines, first.lines, end.lines]).toEqual([
      ...[["line 3", "line 4"], ["line 1", "line 2"], ["line 0"], []],
    ]);
    expect(end.back).toBe(first.back);
  });

  it("goes forward from the head and on when new lines have come", async () => {
    const { read, clock } = createLog(3);
    await clock.advance(1);

    const begun = await read({ startFromHead: true });
    const waited = await read({ startFromHead: true, nextToken: begun.on });
    await clock.advance(1);
    const rest = await read({ startFromHead: true, nextToken: waited.on });

    expect([begun.lines, waited.lines, rest.lines]).toEqual([["line 0", "line 1"], [], ["line 2"]]);
    expect(waited.on).toBe(begun.on);
    await expect(read({ nextToken: begun.on })).rejects.toMatchObject({ name: "InvalidParameterException" });
  });

  it("keeps a page under 1 MB", async () => {
    const { read, clock } = createLog(3, () => "x".repeat(500_000));
    await clock.advance(10);

    expect((await read()).lines).toHaveLength(2);
  });

  it("distinguishes a missing group from a missing stream, and rejects malformed requests", async () => {
    const { read } = createLog(1);

    await expect(read({ logGroupName: "/none" })).rejects.toMatchObject({
      name: "ResourceNotFoundException",
      message: "The specified log group does not exist.",
    });
    await expect(read({ logStreamName: "none" })).rejects.toMatchObject({
      message: "The specified log stream does not exist.",
    });
    await expect(read({ nextToken: "x" })).rejects.toMatchObject({ name: "InvalidParameterException" });
    await expect(read({ limit: 10_001 })).rejects.toMatchObject({ name: "InvalidParameterException" });
    await expect(read({ logGroupIdentifier: "/yard" })).rejects.toMatchObject({ name: "InvalidParameterException" });
  });

  it("reads what is in a range of time", async () => {
    const { read, clock, start } = createLog(4);
    await clock.advance(10);

    expect((await read({ startTime: start + 1, endTime: start + 3 })).lines).toEqual(["line 1", "line 2"]);
  });
});

describe("a container with the driver awslogs", () => {
  it("writes while it runs, to the stream that is named after it and its task", async () => {
    const { clientOf, clock, ecs, run } = createEcsWorld();
    const options = { "awslogs-group": "/yard", "awslogs-stream-prefix": "job", "awslogs-region": "eu-west-1" };
    const logConfiguration = { logDriver: "awslogs", options };
    ecs.registerTaskDefinition(
      aDefinition({ family: "job", containerDefinitions: [{ name: "app", logConfiguration }] }),
    );
    ecs.script("job", {
      runsMs: 2_000,
      containers: {
        app: { logs: ["one", { afterMs: 1_000, message: "two" }, { afterMs: 3_000, message: "too late" }] },
      },
    });
    const { tasks: [task] = [] } = await run({ taskDefinition: "job" });
    const logStreamName = `job/app/${task?.taskArn?.split("/").at(-1)}`;
    const read = async () => {
      const command = new GetLogEventsCommand({ logGroupName: "/yard", logStreamName });
      return (await clientOf(CloudWatchLogsClient).send(command)).events?.map(({ message }) => message);
    };

    await expect(read()).rejects.toMatchObject({ name: "ResourceNotFoundException" });
    await clock.advance(5_000);
    expect(await read()).toEqual(["one"]);
    await clock.advance(60_000);
    expect(await read()).toEqual(["one", "two"]);
  });
});
