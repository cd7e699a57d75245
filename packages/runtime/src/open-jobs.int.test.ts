import { defineExecutor, silentLogger, succeeded } from "@stackyard/core";
import { Type } from "typebox";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openJobs } from "./open-jobs.ts";
import { type Cloud, startCloud } from "./testing/start-cloud.ts";
import { type LambdaServer, startLambda } from "./testing/start-lambda.ts";
import { type Manager, startManager } from "./testing/start-manager.ts";
import { createRunner } from "./testing/start-runner.ts";

const greet = defineExecutor({
  name: "greet",
  config: Type.Object({ whom: Type.String() }, { additionalProperties: false }),
  outputs: Type.Object({ text: Type.String() }),
  start: async (_ctx, { whom }) => succeeded({ text: `Hello, ${whom}` }),
});

describe("the jobs of a yard", () => {
  let cloud: Cloud;
  let lambda: LambdaServer;
  let manager: Manager;
  const open = (environment: Readonly<Record<string, string>> = {}) =>
    openJobs({
      app: "fleet",
      executors: [greet],
      logger: silentLogger,
      environment: { ...manager.environment, SQS_EVENT_QUEUE_URL: manager.queues.events, ...environment },
    });

  beforeAll(async () => {
    [cloud, lambda] = await Promise.all([startCloud(), startLambda()]);
    manager = await startManager(cloud, { environment: { EXECUTORS: "greet" } });
    // The state manager makes the work table.
    await manager.play();
    await manager.tick();
  });
  afterAll(async () => {
    await Promise.all([cloud.stop(), lambda.stop()]);
  });

  it("are started by the queue of events, worked by the task runner, and seen in the store", async () => {
    const runner = createRunner({ cloud, manager, lambda, hasStore: true, options: { executors: [greet] } });
    const opened = await open();

    const { jobId } = await opened.jobs.start({ key: "job-1", executor: "greet", config: { whom: "fleet" } });
    await opened.jobs.start({ key: "job-1", executor: "greet", config: { whom: "another name" } });
    expect(await opened.jobs.find(jobId)).toMatchObject({ state: "waiting" });
    await manager.play();
    await runner.work();
    await manager.play();

    expect(await opened.jobs.find(jobId)).toMatchObject({ state: "succeeded", outputs: { text: "Hello, fleet" } });
    await opened.close();
  });

  it("come with records that outlive the app", async () => {
    const [first, second] = [await open(), await open()];

    await first.records.put({ key: "fleet-event/1", value: { a: 1 }, expected: "absent", now: Date.now() });

    expect(await second.records.get("fleet-event/1", Date.now())).toMatchObject({ value: { a: 1 } });
    await Promise.all([first.close(), second.close()]);
  });

  it("are not opened without their settings, and all missing ones are reported", async () => {
    const opening = open({ SQS_EVENT_QUEUE_URL: "", DYNAMODB_TABLE: "" });

    await expect(opening).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringMatching(/environment of the fleet[\s\S]*SQS_EVENT_QUEUE_URL[\s\S]*No store is configured/),
    });
  });
});
