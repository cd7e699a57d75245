import {
  GetTopicAttributesCommand,
  PublishBatchCommand,
  type PublishBatchRequestEntry,
  SNSClient,
} from "@aws-sdk/client-sns";
import { describe, expect, it } from "vitest";
import type { SnsMessage } from "./sns.ts";
import { ACCOUNT, createWorld, OTHER } from "./testing/a-world.ts";

const PLACE = { account: ACCOUNT, region: "eu-west-1" };

function createTopics() {
  const world = createWorld();
  const sns = world.client(SNSClient);
  const read = (TopicArn: string) => sns.send(new GetTopicAttributesCommand({ TopicArn }));
  return { ...world, read };
}

describe("GetTopicAttributes", () => {
  it("returns the attributes of a topic", async () => {
    const { sim, read } = createTopics();
    const TopicArn = sim.sns.addTopic({ ...PLACE, name: "hooks" });

    expect((await read(TopicArn)).Attributes).toMatchObject({ TopicArn, Owner: ACCOUNT });
  });

  it("knows topics of other accounts whose policies let it in, and hides all others", async () => {
    const { sim, read } = createTopics();
    const shared = sim.sns.addTopic({ ...PLACE, account: OTHER, name: "shared", sharedWith: [ACCOUNT] });
    const closed = sim.sns.addTopic({ ...PLACE, account: OTHER, name: "closed" });

    expect((await read(shared)).Attributes?.["Owner"]).toBe(OTHER);
    for (const arn of [closed, closed.replace("closed", "none")]) {
      await expect(read(arn)).rejects.toMatchObject({ name: "AuthorizationErrorException" });
    }
  });

  it("refuses topics that are missing, elsewhere, or no topics", async () => {
    const { sim, read } = createTopics();
    const far = sim.sns.addTopic({ ...PLACE, region: "us-east-1", name: "far" });

    await expect(read(`arn:aws:sns:eu-west-1:${ACCOUNT}:none`)).rejects.toMatchObject({
      name: "NotFoundException",
      message: "Topic does not exist",
      $metadata: { httpStatusCode: 404 },
    });
    for (const arn of [far, "hooks", "arn:aws:sqs:eu-west-1:111122223333:x"]) {
      await expect(read(arn)).rejects.toMatchObject({ name: "InvalidParameterException" });
    }
  });
});

function createTopic() {
  const world = createWorld();
  const TopicArn = world.sim.sns.addTopic({ account: ACCOUNT, region: "eu-west-1", name: "news", sharedWith: [OTHER] });
  const sns = world.client(SNSClient);
  const batch = (...PublishBatchRequestEntries: PublishBatchRequestEntry[]) =>
    sns.send(new PublishBatchCommand({ TopicArn, PublishBatchRequestEntries }));
  return { ...world, TopicArn, sns, batch };
}

const text = (StringValue: string) => ({ DataType: "String", StringValue });

describe("a topic", () => {
  it("brings messages to those whose filters let them through", async () => {
    const { batch, sim, TopicArn } = createTopic();
    const [own, all]: SnsMessage[][] = [[], []];
    const filterPolicy = { account: ["ALL", ACCOUNT], region: ["ALL", "eu-west-1"] };
    sim.sns.subscribe(TopicArn, { filterPolicy, deliver: (message) => own?.push(message) });
    sim.sns.subscribe(TopicArn, { deliver: (message) => all?.push(message) });
    const publish = (Message: string, attributes: Readonly<Record<string, string>>) => {
      const texts = Object.entries(attributes).map(([name, value]) => [name, text(value)]);
      return batch({ Id: "m", Message, MessageAttributes: Object.fromEntries(texts) });
    };

    await publish("to all", { account: "ALL", region: "ALL" });
    await publish("to others", { account: OTHER, region: "ALL" });
    await publish("without region", { account: "ALL" });
    await publish("in other letters", { account: "all", region: "ALL" });

    expect(own?.map(({ body }) => body)).toEqual(["to all"]);
    expect(own?.[0]?.attributes).toEqual({ account: "ALL", region: "ALL" });
    expect([all?.length, sim.sns.published(TopicArn).length]).toEqual([4, 4]);
  });

  it("takes ten messages at a time", async () => {
    const { batch, sim, TopicArn } = createTopic();
    const entries = Array.from({ length: 10 }, (_, n) => ({ Id: `m${n}`, Message: `${n}` }));

    const { Successful, Failed } = await batch(...entries);

    expect([Successful?.length, Failed]).toEqual([10, []]);
    expect(sim.sns.published(TopicArn).map(({ body }) => body)).toEqual(entries.map(({ Message }) => Message));
  });

  it.each<[string, PublishBatchRequestEntry[]]>([
    ["EmptyBatchRequestException", []],
    ["TooManyEntriesInBatchRequestException", Array.from({ length: 11 }, (_, n) => ({ Id: `${n}`, Message: "x" }))],
    ["BatchEntryIdsNotDistinctException", Array.from({ length: 2 }, () => ({ Id: "same", Message: "x" }))],
    ["InvalidBatchEntryIdException", [{ Id: "not an id", Message: "x" }]],
    ["BatchRequestTooLongException", ["a", "b"].map((Id) => ({ Id, Message: "x".repeat(131_073) }))],
  ])("refuses a batch: %s", async (name, entries) => {
    const { batch, sim, TopicArn } = createTopic();

    await expect(batch(...entries)).rejects.toMatchObject({ name, $metadata: { httpStatusCode: 400 } });

    expect(sim.sns.published(TopicArn)).toEqual([]);
  });

  it("reports which entry of a batch does not have a message", async () => {
    const { batch } = createTopic();

    const { Successful, Failed } = await batch({ Id: "a", Message: "x" }, { Id: "b", Message: "" });

    expect([Successful?.map(({ Id }) => Id), Failed?.map(({ Id }) => Id)]).toEqual([["a"], ["b"]]);
  });
});
