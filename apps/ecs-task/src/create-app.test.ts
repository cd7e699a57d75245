import { silentLogger } from "@stackyard/core";
import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createApp } from "./create-app.ts";

const REQUEST = {
  RequestType: "Create",
  RequestId: "r-1",
  StackId: "arn:aws:cloudformation:eu-west-1:111122223333:stack/shop/1",
  LogicalResourceId: "Migration",
  ResourceType: "Custom::ECSTask",
  ResourceProperties: { Cluster: "web", TaskDefinition: "migrate" },
  ResponseURL: "https://cloudformation-custom-resource-response-euwest1.s3.eu-west-1.amazonaws.com/x?Signature=y",
};

function createTestApp(environment: Readonly<Record<string, string>>) {
  const answers: Readonly<Record<string, unknown>>[] = [];
  const app = createApp({
    environment: { AWS_REGION: "eu-west-1", ...environment },
    clock: createFakeClock(),
    async fetch(_url, init) {
      answers.push(JSON.parse(String(init?.body)));
      return new Response();
    },
    telemetry: { logger: silentLogger, invoke: (_fields, work) => work() },
  });
  return { app, answers };
}

describe("the app", () => {
  it("reports an invalid environment to CloudFormation", async () => {
    const { app, answers } = createTestApp({ TABLE: "ecs-task" });

    await app.handler(REQUEST);

    expect(answers).toMatchObject([{ Status: "FAILED", RequestId: "r-1" }]);
    expect(answers[0]?.["Reason"]).toMatch(/STATE_MACHINE_ARN is not set[\s\S]* RESPONSE_URL_SECRET is not set/);
  });

  it("rejects unsupported events", async () => {
    const { app } = createTestApp({});

    await expect(app.handler({ Records: [] }, { getRemainingTimeInMillis: () => 60_000 })).rejects.toMatchObject({
      code: "EVENT_INVALID",
    });
  });
});
