import { CreateTopicCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import { type AwsYardOptions, silentLogger } from "@stackyard/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cloud, startCloud } from "../testing/start-cloud.ts";
import { type Manager, startManager } from "../testing/start-manager.ts";
import { openYard } from "./open-yard.ts";

describe("a yard that is opened from outside", () => {
  let cloud: Cloud;
  let manager: Manager;
  let yard: AwsYardOptions;

  const open = () => openYard(yard, { environment: cloud.environment, logger: silentLogger });

  beforeAll(async () => {
    cloud = await startCloud();
    manager = await startManager(cloud);
    const { environment, queues } = manager;
    yard = {
      type: "aws",
      eventQueueUrl: queues.events,
      taskQueueUrl: queues.tasks,
      stacksTable: environment["DYNAMODB_TABLE"] ?? "",
      machines: { bucket: environment["MACHINE_S3_BUCKET"] ?? "", prefix: "m" },
    };
  });

  afterAll(() => cloud.stop());

  it("is not opened, and nothing is made, before its state manager has been there", async () => {
    await expect(open()).rejects.toMatchObject({ code: "CONFIG_INVALID", message: expect.stringContaining("-work") });
  });

  it("sends events to the queue under the name of who sends them, and shows what became of them", async () => {
    await manager.play();
    await manager.tick();
    const opened = await open();
    const event = { stackId: "pr-1", event: "OPENED", machine: "review-app" };
    const facts = {
      id: "e-1",
      stackId: "pr-1",
      origin: "external",
      receivedAt: Date.now(),
      actor: opened.caller,
    } as const;

    await opened.store.enqueue([{ ...facts, message: event }]);

    expect((await opened.store.load(["pr-1"]))[0]?.stack).toBeUndefined();
    await manager.play();
    expect((await opened.store.load(["pr-1"]))[0]?.stack).toMatchObject({ state: "BUILD" });
    const { items } = await opened.store.queries.listHistory({ eventId: "e-1" }, { limit: 1 });
    expect(items).toMatchObject([{ outcome: "applied", actor: opened.caller }]);
    expect(opened.caller).toMatch(/^arn:aws:/);
    await opened.close();
  });

  it("sends events to the topic where there is one", async () => {
    const { eventQueueUrl = "", ...rest } = yard;
    const config = { endpoint: cloud.environment["AWS_ENDPOINT_URL"] ?? "", region: "eu-west-1" };
    const sns = new SNSClient({ ...config, credentials: { accessKeyId: "test", secretAccessKey: "test" } });
    const { TopicArn = "" } = await sns.send(new CreateTopicCommand({ Name: "events" }));
    const Endpoint = `arn:aws:sqs:eu-west-1:000000000000:${eventQueueUrl.split("/").at(-1)}`;
    await sns.send(new SubscribeCommand({ TopicArn, Protocol: "sqs", Endpoint }));
    sns.destroy();
    const context = { environment: cloud.environment, logger: silentLogger };
    const opened = await openYard({ ...rest, eventTopicArn: TopicArn }, context);
    const message = { stackId: "pr-2", event: "OPENED", machine: "review-app" };

    await opened.store.enqueue([{ id: "e-2", stackId: "pr-2", origin: "external", receivedAt: Date.now(), message }]);

    await manager.play();
    expect((await opened.store.load(["pr-2"]))[0]?.stack).toMatchObject({ state: "BUILD" });
    await opened.close();
  });

  it("finds the machines", async () => {
    const opened = await open();

    expect((await opened.locator.list()).map(({ name }) => name)).toEqual(["review-app"]);
    await opened.close();
  });

  it("takes no account for a yard", async () => {
    await expect(
      openYard({ type: "aws" }, { environment: cloud.environment, logger: silentLogger }),
    ).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("eventQueueUrl or eventTopicArn"),
    });
  });
});
