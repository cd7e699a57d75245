import type { SNSClient } from "@aws-sdk/client-sns";
import type { SQSClient } from "@aws-sdk/client-sqs";
import { defineMachine } from "@stackyard/core";
import { describe, expectTypeOf, it } from "vitest";
import type { Publisher } from "../publisher.ts";
import { createQueuePublisher, createTopicPublisher } from "./index.ts";

const machine = defineMachine({
  version: 1,
  events: ["LAUNCH", "DESTROY"],
  states: { INIT: { on: { LAUNCH: [{ action: "no-op" }] } } },
  tasks: {},
});

const second = defineMachine({
  version: 2,
  events: { LAUNCH: {}, DOWN: {} },
  states: { INIT: { on: { LAUNCH: "no-op", DOWN: "no-op" } } },
});

describe("createQueuePublisher", () => {
  it("is the same interface as over HTTP, with the machine's events", () => {
    const create = (sqs: SQSClient) => createQueuePublisher<typeof machine>({ sqs, queueUrl: "" });

    expectTypeOf<ReturnType<typeof create>>().toEqualTypeOf<Publisher<"LAUNCH" | "DESTROY">>();
  });

  it("takes a machine of version 2, as the topic does", () => {
    const queue = (sqs: SQSClient) => createQueuePublisher<typeof second>({ sqs, queueUrl: "" });
    const topic = (sns: SNSClient) => createTopicPublisher<typeof second>({ sns, topicArn: "" });

    expectTypeOf<ReturnType<typeof queue>>().toEqualTypeOf<Publisher<"LAUNCH" | "DOWN">>();
    expectTypeOf<ReturnType<typeof topic>>().toEqualTypeOf<Publisher<"LAUNCH" | "DOWN">>();
  });
});
