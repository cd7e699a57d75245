import { silentLogger } from "@stackyard/core";
import { createFakeClock, createMemoryRecords } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createApp } from "./create-app.ts";

const ENVIRONMENT = {
  ARTIFACTS_BUCKET: "source",
  RECORDS_TABLE: "stackyard-distributor",
  TRUSTED_ACCOUNTS: "111122223333",
  DISTRIBUTION_TOPIC: "arn:aws:sns:eu-west-1:999988887777:artifacts",
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "test",
};

function createTestApp(environment: Readonly<Record<string, string>>) {
  const fields: object[] = [];
  const app = createApp({
    environment,
    clock: createFakeClock(),
    records: createMemoryRecords(),
    write: () => undefined,
    telemetry: {
      logger: silentLogger,
      tracing: { inject: () => ({}) },
      invoke(each, work) {
        fields.push(each);
        return work();
      },
    },
  });
  return { app, fields };
}

describe("the app", () => {
  it("fails each call with what is wrong with its environment", async () => {
    const { app } = createTestApp({});

    for (const op of ["schedule", "list"]) {
      await expect(app.handler({ op })).rejects.toMatchObject({
        code: "CONFIG_INVALID",
        message: expect.stringContaining("ARTIFACTS_BUCKET is not set"),
      });
    }
  });

  it("fails for places of uploads that are those of artifacts", async () => {
    const { app } = createTestApp({ ...ENVIRONMENT, ARTIFACT_PREFIX: "a/", UPLOAD_PREFIX: "a/" });

    await expect(app.handler({ op: "list" })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });

  it("answers, and logs with the invocation's id", async () => {
    const { app, fields } = createTestApp(ENVIRONMENT);

    expect(await app.handler({ op: "list" }, { awsRequestId: "r-1" })).toEqual({
      kind: "answer",
      answer: { items: [] },
    });

    expect(fields).toEqual([{ invocationId: "r-1" }]);
  });

  it("believes whom its environment trusts", async () => {
    const { app } = createTestApp(ENVIRONMENT);
    const detail = { v: 1, account: "111122223333", region: "eu-west-1", bucket: "b", capabilities: ["v2"] };
    const event = { source: "stackyard.consumer", "detail-type": "consumer.registered", detail };

    expect(await app.handler({ ...event, account: "111122223333" })).toEqual({ kind: "taken" });
    const other = { ...event, account: "444455556666", detail: { ...detail, account: "444455556666" } };
    expect(await app.handler(other)).toEqual({ kind: "dropped", code: "ACCOUNT_NOT_TRUSTED" });
  });
});
