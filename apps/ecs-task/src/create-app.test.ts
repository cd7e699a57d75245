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

    const PhysicalResourceId = "never-made-Migration";
    expect(answers).toMatchObject([{ Status: "FAILED", RequestId: "r-1", PhysicalResourceId }]);
    expect(answers[0]?.["Reason"]).toMatch(
      /^CONFIG_INVALID: [\s\S]*STATE_MACHINE_ARN is not set[\s\S]* RESPONSE_URL_SECRET is not set/,
    );
  });

  it("does not stop the way back with an invalid environment, and keeps what was made", async () => {
    const { app, answers } = createTestApp({});

    await app.handler({ ...REQUEST, RequestType: "Delete", PhysicalResourceId: "never-made-Migration" });
    await app.handler({ ...REQUEST, RequestType: "Delete", PhysicalResourceId: "0123" });

    expect(answers.map(({ Status, PhysicalResourceId }) => [Status, PhysicalResourceId])).toEqual([
      ["SUCCESS", "never-made-Migration"],
      ["FAILED", "0123"],
    ]);
  });

  it("answers an emulator", async () => {
    const { app, answers } = createTestApp({ AWS_ENDPOINT_URL: "http://localhost:4566" });

    await app.handler({ ...REQUEST, ResponseURL: "http://localhost:4566/answers/a" });

    expect(answers).toHaveLength(1);
  });

  it("rejects unsupported events", async () => {
    const { app } = createTestApp({});

    await expect(app.handler({ Records: [] }, { getRemainingTimeInMillis: () => 60_000 })).rejects.toMatchObject({
      code: "EVENT_INVALID",
    });
  });
});
