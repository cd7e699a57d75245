import { ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { defineExecutor, silentLogger, succeeded } from "@stackyard/core";
import { findAttemptLog } from "@stackyard/core/engine";
import { Type } from "typebox";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cloud, startCloud } from "./testing/start-cloud.ts";
import { type LambdaServer, startLambda } from "./testing/start-lambda.ts";
import { type Manager, startManager } from "./testing/start-manager.ts";
import { createRunner } from "./testing/start-runner.ts";
import { openYard } from "./yard/open-yard.ts";

const MACHINE = `
version: 1
events: [OPENED]
states:
  INIT: {on: {OPENED: [{action: advance, state: WORK}]}}
  WORK: {tasks: [build], on: {NEXT: [{action: advance, state: DONE}]}}
  DONE: {}
tasks:
  build: {executor: chatty, config: {}}
`;
const LINES = Array.from({ length: 1_500 }, (_, line) => `line ${line} `.padEnd(100, "."));
const chatty = defineExecutor({
  name: "chatty",
  config: Type.Object({}),
  async start(ctx) {
    for (const line of LINES) ctx.report(line);
    return succeeded({});
  },
});

let cloud: Cloud;
let lambda: LambdaServer;
beforeAll(async () => {
  [cloud, lambda] = await Promise.all([startCloud(), startLambda()]);
});
afterAll(() => Promise.all([cloud.stop(), lambda.stop()]));

/** Runs the task of one stack, and opens the yard as a command does. */
async function runTask(runner: Readonly<Record<string, string>>, logs?: { readonly bucket: string; prefix?: string }) {
  const environment = { RUNNERS_HAVE_STORE: "true", EXECUTORS: "chatty" };
  const manager = await startManager(cloud, { environment, machines: { m: MACHINE } });
  const options = { executors: [chatty] };
  const { work } = createRunner({ cloud, lambda, manager, hasStore: true, environment: runner, options });
  await manager.play({ stackId: "pr-1", event: "OPENED", machine: "m" });
  await work();
  return openYard(
    { ...toYard(manager), ...(logs && { logs }) },
    { environment: cloud.environment, logger: silentLogger },
  );
}

function toYard({ environment, queues }: Manager) {
  return {
    type: "aws" as const,
    eventQueueUrl: queues.events,
    taskQueueUrl: queues.tasks,
    stacksTable: environment["DYNAMODB_TABLE"] ?? "",
    machines: { bucket: environment["MACHINE_S3_BUCKET"] ?? "" },
  };
}

async function listKeys(Bucket: string): Promise<readonly (string | undefined)[]> {
  const endpoint = cloud.environment["AWS_ENDPOINT_URL"] ?? "";
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const s3 = new S3Client({ endpoint, region: "eu-west-1", forcePathStyle: true, credentials });
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }));
  s3.destroy();
  return Contents.map(({ Key }) => Key);
}

describe("a runner on AWS with a bucket for logs", () => {
  it("keeps whole logs there, in pieces of 64 KiB, where a yard on AWS finds them", async () => {
    await cloud.createBucket("logs-1", {});
    const variables = { TASK_LOG_BUCKET: "logs-1", TASK_LOG_PREFIX: "blue/" };
    const yard = await runTask(variables, { bucket: "logs-1", prefix: "blue/" });

    const [attempt] = await yard.store.queries.listAttempts("pr-1");
    const log = await findAttemptLog(yard.logs ?? yard.store.records, attempt?.attemptId ?? "", Date.now());

    const whole = `${LINES.join("\n")}\n`;
    const parts: Uint8Array[] = [];
    for await (const part of log?.read(0, log.size) ?? []) parts.push(part);
    expect(Buffer.concat(parts).toString()).toBe(whole);
    expect(await listKeys("logs-1")).toEqual([
      ...[0, 1, 2].map((n) => expect.stringMatching(new RegExp(`^blue/log/[0-9a-f]+/1/${n}$`))),
      expect.stringMatching(/^blue\/log\/[0-9a-z]+\/index$/),
    ]);
    expect((await yard.store.records.list("log/", { limit: 1, now: Date.now() })).items).toEqual([]);
    await yard.close();
  });

  it("stores only the ends of logs with DynamoDB and no bucket", async () => {
    const yard = await runTask({});

    const [attempt] = await yard.store.queries.listAttempts("pr-1");

    expect((await yard.store.findAttempt(attempt?.attemptId ?? ""))?.log).toContain(LINES.at(-1));
    expect(yard.logs).toBeUndefined();
    expect((await yard.store.records.list("log/", { limit: 1, now: Date.now() })).items).toEqual([]);
    await yard.close();
  });
});
