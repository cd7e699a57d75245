import { GetTopicAttributesCommand, SNSClient } from "@aws-sdk/client-sns";
import { describe, expect, it } from "vitest";
import { ACCOUNT, createWorld, OTHER } from "../testing/a-world.ts";

const PLACE = { account: ACCOUNT, region: "eu-west-1" };

function createTopics() {
  const world = createWorld();
  const sns = world.client(SNSClient);
  const read = (TopicArn: string) => sns.send(new GetTopicAttributesCommand({ TopicArn }));
  return { ...world, read };
}

describe("GetTopicAttributes", () => {
  it("tells of a topic", async () => {
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
