import { type Logger, silentLogger, type Transport } from "@stackyard/core";
import { startTasks } from "@stackyard/core/engine";
import { createFakeClock, settlePromises } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { parseEnvironment } from "./environment.ts";
import { runTaskContainer } from "./run-task-container.ts";
import type { TaskRunnerParts } from "./task-runner-parts.ts";
import { aTaskDelivery } from "./testing/a-task-delivery.ts";

const environment = parseEnvironment(
  { AWS_REGION: "eu-west-1", SQS_LONG_TASK_QUEUE_URL: "https://sqs/1/long", TASK_CONCURRENCY: "2" },
  { app: "task runner", required: {} },
);

/** A container that runs one task, which ends when `end` is called or, if `minds` is set, when it is aborted. */
function createBench({ minds }: { readonly minds: boolean }) {
  const clock = createFakeClock();
  const told: string[] = [];
  const task = Promise.withResolvers<void>();
  const transport: Transport = {
    capabilities: { maxDelayMs: 0, everyRunnerClaims: true, keepsOrder: false },
    publish: async () => {},
    sendTasks: async () => {},
    consumeEvents: () => ({ stop: async () => {} }),
    consumeTasks(handler, options) {
      told.push(`consumes ${options.concurrency}`);
      const working = handler(aTaskDelivery());
      return {
        async stop() {
          told.push("stops");
          await working;
        },
      };
    },
  };
  const worker: TaskRunnerParts["worker"] = {
    async handle() {
      await task.promise;
      return { kind: "done" };
    },
    abort() {
      told.push("abort");
      if (minds) task.resolve();
    },
    leave: () => void told.push("leave"),
    running: () => [{ stackId: "s1", task: "db" }],
  };
  const logger: Logger = {
    ...silentLogger,
    warn: (_message, fields) => void told.push(`warns of ${JSON.stringify(fields?.["tasks"])}`),
  };
  const stopping = new AbortController();
  const { concurrency } = environment.tasks;
  const start = () => startTasks({ executors: new Map(), clock, logger, transport, worker }, { concurrency });
  const ended = runTaskContainer({ environment, logger, start }, stopping.signal);
  return {
    clock,
    told,
    end: () => task.resolve(),
    ended,
    async stop() {
      stopping.abort();
      await settlePromises();
    },
  };
}

describe("a container that is stopped", () => {
  it("waits for what ends by itself", async () => {
    const { told, end, ended, stop } = createBench({ minds: false });

    await stop();
    end();
    await ended;

    expect(told.filter((line) => line !== "abort")).toEqual(["consumes 2", "stops"]);
  });

  it("asks what still runs after ten seconds to end", async () => {
    const { clock, told, ended, stop } = createBench({ minds: true });

    await stop();
    await clock.advance(9_999);
    expect(told).not.toContain("abort");
    await clock.advance(1);
    await ended;

    expect(told).toEqual(["consumes 2", "stops", 'warns of ["s1 db"]', "abort"]);
  });

  it("leaves what does not end to others", async () => {
    const { clock, told, ended, stop } = createBench({ minds: false });

    await stop();
    await clock.advance(310_000);
    await ended;

    expect(told.slice(-2)).toEqual(['warns of ["s1 db"]', "leave"]);
  });
});
