import type { SQSClient } from "@aws-sdk/client-sqs";
import { defineMachine } from "@stackyard/core";
import { describe, expectTypeOf, it } from "vitest";
import type { Publisher } from "../publisher.ts";
import { createQueuePublisher } from "./index.ts";

const machine = defineMachine({
  version: 1,
  events: ["LAUNCH", "DESTROY"],
  states: { INIT: { on: { LAUNCH: [{ action: "no-op" }] } } },
  tasks: {},
});

describe("createQueuePublisher", () => {
  it("is the same interface as over HTTP, with the machine's events", () => {
    const create = (sqs: SQSClient) => createQueuePublisher<typeof machine>({ sqs, queueUrl: "" });

    expectTypeOf<ReturnType<typeof create>>().toEqualTypeOf<Publisher<"LAUNCH" | "DESTROY">>();
  });
});
