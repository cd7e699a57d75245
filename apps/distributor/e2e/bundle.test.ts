// @module-tag app
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const BUNDLE = join(import.meta.dirname, "../dist/lambda/index.mjs");
const ENVIRONMENT = {
  ARTIFACTS_BUCKET: "source",
  RECORDS_TABLE: "stackyard-distributor",
  LOG_LEVEL: "error",
  DISTRIBUTION_TOPIC: "arn:aws:sns:eu-west-1:999988887777:artifacts",
  // No server listens there, so a call that should not be made fails.
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "test",
  AWS_ENDPOINT_URL: "http://127.0.0.1:1",
};

async function answer(environment: Readonly<Record<string, string>>, events: readonly unknown[]) {
  const child = fork(join(import.meta.dirname, "function-process.ts"), [BUNDLE, JSON.stringify(events)], {
    env: { ...environment, PATH: process.env["PATH"] },
    silent: true,
  });
  const answers: unknown[] = [];
  child.on("message", (each) => void answers.push(each));
  await once(child, "exit");
  return answers;
}

describe("the bundle, as Lambda loads it", () => {
  it("distinguishes the events that it receives", async () => {
    const forged = {
      source: "stackyard.consumer",
      "detail-type": "consumer.unregistered",
      account: "111122223333",
      detail: { v: 1, account: "444455556666", region: "eu-west-1" },
    };
    const other = { bucket: { name: "other" }, object: { key: "a/1/manifest.json" } };
    const created = { source: "aws.s3", "detail-type": "Object Created", detail: other };
    const task = { op: "initial-set", execution: "first", input: { AccountId: "1", Region: "eu-west-1" } };

    const answers = await answer(ENVIRONMENT, [{ op: "list", limit: 0 }, forged, created, task, {}]);

    expect(answers).toMatchObject([
      { answer: { kind: "error", code: "USAGE" } },
      { answer: { kind: "dropped", code: "ACCOUNT_MISMATCH" } },
      { answer: [{ kind: "ignored" }] },
      { answer: { kind: "failed", code: "ACCOUNT_NOT_TRUSTED" } },
      { error: { message: "Unsupported event type." } },
    ]);
  });

  it("says what is wrong with its environment", async () => {
    expect(await answer({}, [{ op: "list" }])).toMatchObject([
      { error: { message: expect.stringContaining("RECORDS_TABLE is not set") } },
    ]);
  });
});
