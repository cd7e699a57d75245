import { DBOS, DBOSClient, type DLogger } from "@dbos-inc/dbos-sdk";
import type { Connection } from "../side-by-side/contender.ts";
import { type Form, type Run, startAll, toRuns, toSingleRun } from "./engine.ts";

const QUEUE = "bench";
const VERSION = "1";
const WORKFLOW = "stack";
const POOL = 20;
const POLL_MS = 10;
const ADDED_AT_A_TIME = 20;
const ignore = () => undefined;
const logger: DLogger = { info: ignore, debug: ignore, warn: ignore, error: (entry) => console.error("DBOS:", entry) };

let onStartNow: (index: number) => void = ignore;

function registerStack(): void {
  DBOS.registerWorkflow(
    async ({ index, length }: Run) => {
      for (let each = 0; each < length; each += 1) {
        const work = async () => {
          onStartNow(index + each);
          return { state: `S${each + 1}` };
        };
        await DBOS.runStep(work, { name: `work-${each}` });
      }
      return { state: "REST" };
    },
    { name: WORKFLOW },
  );
}

/** A queued workflow with a step for each state. https://docs.dbos.dev/typescript/programming-guide */
export function connectDbos(form: Form, atATime: number | undefined): (url: string) => Connection {
  return (url) => {
    registerStack();
    let client: Promise<DBOSClient> | undefined;
    let isLaunched = false;
    const loadClient = () => {
      client ??= DBOSClient.create({ systemDatabaseUrl: url, systemDatabasePoolSize: POOL, logger });
      return client;
    };
    const launch = async () => {
      if (isLaunched) return;
      isLaunched = true;
      const sizes = { systemDatabaseUrl: url, systemDatabasePoolSize: POOL };
      DBOS.setConfig({ name: "bench", applicationVersion: VERSION, ...sizes, logger });
      await DBOS.launch();
      const limit = atATime === undefined ? {} : { workerConcurrency: atATime };
      await DBOS.registerQueue(QUEUE, { minPollingIntervalMs: POLL_MS, ...limit });
    };
    const stop = async () => {
      if (isLaunched) await DBOS.shutdown();
      isLaunched = false;
    };
    const start = async (run: Run) =>
      (await loadClient()).enqueue({ workflowName: WORKFLOW, queueName: QUEUE, appVersion: VERSION }, run);
    return {
      async prepare() {
        await launch();
        // A launched application takes from its queues at once; jobs that are to wait must find none.
        await stop();
      },
      addMany: (jobs) => startAll(toRuns(form, jobs), ADDED_AT_A_TIME, start),
      async addOne(index) {
        await start(toSingleRun(index));
      },
      async work(onStart) {
        onStartNow = onStart;
        await launch();
        return stop;
      },
      async close() {
        await (await client)?.destroy();
        await stop();
      },
    };
  };
}
