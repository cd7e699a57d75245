// @module-tag adapter
import { mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ExecutorContext } from "@stackyard/core";
import { type ExecutorUnderTest, executorConformance } from "@stackyard/core/testing";
import { afterAll, describe, it } from "vitest";
import { createLambdaExecutor } from "./lambda.ts";
import { type FakeLambda, startFakeLambda } from "./testing/fake-lambda.ts";

const projectDir = join(import.meta.dirname, "../fixtures");

// Invoke knows no idempotency token, so the work is done once by functions that guard themselves, as the README says.

/** A local function that marks its work by the request id, which is the same for a redelivered attempt. */
async function createLocalPort(): Promise<ExecutorUnderTest> {
  const folder = mkdtempSync(join(tmpdir(), "marks-"));
  const restart = () =>
    createLambdaExecutor(
      { functions: { f: { file: "./functions.mjs:marks", env: { FOLDER: folder } } } },
      { projectDir },
    );
  return {
    executor: restart(),
    restart,
    config: { name: "f" },
    invalidConfig: { name: "" },
    countWork: () => readdirSync(folder).length,
  };
}

/** A deployed function that marks its work by the stack's id. */
async function createDeployedPort(): Promise<ExecutorUnderTest> {
  const service = await startFakeLambda({ f: { payload: '{"made":true}' } });
  services.push(service);
  const config = { region: "eu-west-1", endpoint: service.endpoint, credentials };
  const aws: ExecutorContext["aws"] = (client) => new client(config as never);
  const restart = () => createLambdaExecutor({ mode: "aws" });
  return {
    executor: restart(),
    restart,
    config: { name: "f" },
    invalidConfig: { name: "f", args: [] },
    context: { aws },
    countWork: () => new Set(service.received.map(({ body }) => JSON.parse(body).stackId)).size,
  };
}

const services: FakeLambda[] = [];
afterAll(() => Promise.all(services.map((service) => service.close())));

const credentials = { accessKeyId: "AKIATEST", secretAccessKey: "secret" };

describe.each([
  ["local", createLocalPort],
  ["deployed", createDeployedPort],
])("lambda, %s", (_, create) => {
  for (const each of executorConformance) it(each.name, () => each.run(create));
});
