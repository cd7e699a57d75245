import type { AwsYardOptions } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { toYardParts } from "./yard-parts.ts";

const QUEUES = "https://sqs.eu-west-1.amazonaws.com/111122223333";
const yard: AwsYardOptions = {
  type: "aws",
  eventQueueUrl: `${QUEUES}/stack-events`,
  taskQueueUrl: `${QUEUES}/stack-tasks`,
  stacksTable: "Stacks",
  machines: { bucket: "machines" },
};

describe("a yard's parts", () => {
  it("are what the configuration names, with the defaults of the apps", () => {
    expect(toYardParts({ ...yard, messages: { bucket: "large" } })).toMatchObject({
      queues: { events: `${QUEUES}/stack-events`, tasks: `${QUEUES}/stack-tasks`, ticks: undefined },
      messages: { bucket: "large", prefix: "stackyard/messages/" },
      store: { kind: "dynamodb", table: "Stacks", workTable: undefined, creates: false },
      machines: { kind: "s3", bucket: "machines", prefix: "" },
    });
  });

  it("may be a topic and a database", () => {
    const { stacksTable: _, eventQueueUrl: __, ...rest } = yard;
    const eventTopicArn = "arn:aws:sns:eu-west-1:111122223333:events";

    expect(toYardParts({ ...rest, eventTopicArn, connectionSecret: "prod/db" })).toMatchObject({
      eventTopicArn,
      store: { kind: "postgres", secretId: "prod/db" },
      messages: undefined,
    });
  });

  it("that are missing are reported together", () => {
    const message =
      "The yard's configuration lacks eventQueueUrl or eventTopicArn, taskQueueUrl, stacksTable or connectionSecret, machines. Copy the values from the outputs of its template.";

    expect(() => toYardParts({ type: "aws", region: "eu-west-1" })).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID", message }),
    );
  });
});
