import { Logger, makeWorkerUtils, type RunnerOptions, run, type WorkerUtils } from "graphile-worker";
import type { AddedJobs, Connection, Contender } from "./contender.ts";

type WorkerSettings = NonNullable<NonNullable<RunnerOptions["preset"]>["worker"]>;

const NAME = "graphile-worker 0.18.0";
const TASK = "no_op";
const ADD_BATCH = 1_000;
const STEPS = ["locked", "completed"];
const DONE_SQL = "select not exists (select from graphile_worker._private_jobs where run_at <= now()) as done";
// Nothing is kept of a job that has ended, so what can grow are jobs that wait.
const FILL_SQL = `
insert into graphile_worker._private_jobs (task_id, payload, run_at)
select task.id, json_build_object('index', n), now() + interval '1 year'
  from graphile_worker._private_tasks task, generate_series($1::int, $2::int - 1) n
 where task.identifier = '${TASK}'`;

/** Says nothing. */
export const logger = new Logger(() => () => undefined);

/** Its defaults, as in {@link graphileWorker}. */
export const SETTINGS: WorkerSettings = { concurrentJobs: 10, maxPoolSize: 10 };

/** Its defaults, ten jobs at a time: each job is taken and completed by statements of its own. */
export const graphileWorker: Contender = {
  id: "graphile-worker",
  name: NAME,
  batching: "one by one",
  settings: "concurrentJobs 10, maxPoolSize 10",
  steps: STEPS,
  jobs: 8_000,
  inProcess: false,
  doneSql: DONE_SQL,
  fillSql: FILL_SQL,
  filledWith: "jobs that wait for next year (it deletes what has ended)",
  connect: (url) => connect(url, SETTINGS),
};

/** Of its own performance page (https://worker.graphile.org/docs/performance). */
const GROUPED_SETTINGS: WorkerSettings = {
  concurrentJobs: 24,
  maxPoolSize: 25,
  localQueue: { size: 500 },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
};

/** Many jobs are fetched and completed at a time. */
export const graphileWorkerGrouped: Contender = {
  ...graphileWorker,
  id: "graphile-worker-grouped",
  batching: "grouped",
  settings: "concurrentJobs 24, maxPoolSize 25, localQueue.size 500, completeJobBatchDelay 0, failJobBatchDelay 0",
  jobs: 60_000,
  connect: (url) => connect(url, GROUPED_SETTINGS),
};

function connect(url: string, settings: WorkerSettings): Connection {
  const adder = createAdder(url);
  return {
    async prepare() {
      await (await adder.loadUtils()).migrate();
    },
    addMany: (jobs) => adder.addMany(TASK, jobs),
    addOne: (index) => adder.addOne(TASK, { index }),
    async work(onStart) {
      const runner = await run({
        preset: { worker: { ...settings, connectionString: url, logger } },
        noHandleSignals: true,
        taskList: {
          [TASK]: (payload) => onStart((payload as { index: number }).index),
        },
      });
      return () => runner.stop();
    },
    close: adder.close,
  };
}

/** What adds jobs; it connects with its first call. */
export function createAdder(url: string) {
  let utils: Promise<WorkerUtils> | undefined;
  const loadUtils = () => {
    utils ??= makeWorkerUtils({ connectionString: url, logger });
    return utils;
  };
  return {
    loadUtils,
    async addMany(identifier: string, { first, count }: Pick<AddedJobs, "first" | "count">): Promise<void> {
      const { addJobs } = await loadUtils();
      for (let start = first; start < first + count; start += ADD_BATCH) {
        const size = Math.min(ADD_BATCH, first + count - start);
        await addJobs(
          Array.from({ length: size }, (_, offset) => ({ identifier, payload: { index: start + offset } })),
        );
      }
    },
    async addOne(identifier: string, payload: object): Promise<void> {
      await (await loadUtils()).addJob(identifier, payload);
    },
    async close(): Promise<void> {
      await (await utils)?.release();
    },
  };
}
