import { Logger, makeWorkerUtils, type RunnerOptions, run, type TaskList, type WorkerUtils } from "graphile-worker";
import { withClient } from "./bench-postgres.ts";
import { type AddedJobs, CHAIN_LENGTH, type Connection, type Contender, type StopWork } from "./contender.ts";

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
const logger = new Logger(() => () => undefined);

/** Its defaults, as in {@link graphileWorker}. */
const SETTINGS: WorkerSettings = { concurrentJobs: 10, maxPoolSize: 10 };

/** Its defaults, ten jobs at a time: each job is taken and completed by statements of its own. */
export const graphileWorker: Contender = {
  id: "graphile-worker",
  name: NAME,
  batching: "one by one",
  settings: "concurrentJobs 10, maxPoolSize 10",
  steps: STEPS,
  jobs: 40_000,
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
  jobs: 100_000,
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
    work: (onStart) =>
      startRunner(url, settings, { [TASK]: (payload) => onStart((payload as { index: number }).index) }),
    close: adder.close,
  };
}

async function startRunner(url: string, settings: WorkerSettings, taskList: TaskList): Promise<StopWork> {
  const preset = { worker: { ...settings, connectionString: url, logger } };
  const runner = await run({ preset, noHandleSignals: true, taskList });
  return () => runner.stop();
}

/** Creates the adder of jobs; it connects with its first call. */
function createAdder(url: string) {
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

const EVENT = "event";
const HAND_TASK = "task";
const TABLES = `
create table stack (id int primary key, place int not null, version int not null, updated_at timestamptz not null);
create table history (event_id bigint primary key, stack_id int not null, at timestamptz not null, body jsonb not null);
create index history_by_stack on history (stack_id, event_id)`;

// One statement and so one commit: an event that was applied before changes nothing.
const APPLY = `
with noted as (
  insert into history (event_id, stack_id, at, body) values ($1, $2, now(), $3) on conflict do nothing returning stack_id
), moved as (
  insert into stack as s (id, place, version, updated_at) select stack_id, 1, 1, now() from noted
  on conflict (id) do update set place = s.place + 1, version = s.version + 1, updated_at = now()
  returning id, place
)
select graphile_worker.add_job('${HAND_TASK}', json_build_object('index', id, 'once', $4::boolean)) from moved where place <= ${CHAIN_LENGTH}`;
const BODY = JSON.stringify({ event: "NEXT", outcome: "applied", text: "x".repeat(200) });

/**
 * What a user would write: events and tasks are jobs, and the handler of an event writes the stack, its history and the task.
 * Its handlers commit one by one; grouped, it would need handlers that gather what many jobs write, which few would write.
 */
export const graphileByHand: Contender = {
  ...graphileWorker,
  id: "graphile-by-hand",
  name: "graphile-worker 0.18.0, our work written by hand",
  steps: [
    "event locked",
    "event applied, with stack, history and task",
    "event completed",
    "task locked",
    "next event added",
    "task completed",
  ],
  jobs: 8_000,
  connect: connectByHand,
};

interface Payload {
  readonly index: number;
  /** The stack rests after one task. */
  readonly once?: boolean;
}

function connectByHand(url: string): Connection {
  const adder = createAdder(url);
  const { loadUtils } = adder;
  return {
    async prepare() {
      await (await loadUtils()).migrate();
      await withClient(url, (client) => client.query(TABLES));
    },
    addMany: ({ first, count }: AddedJobs) =>
      adder.addMany(EVENT, { first: Math.ceil(first / CHAIN_LENGTH), count: Math.ceil(count / CHAIN_LENGTH) }),
    addOne: (index) => adder.addOne(EVENT, { index, once: true }),
    work: (onStart) =>
      startRunner(url, SETTINGS, {
        async [EVENT](payload, { job, query }) {
          const { index, once } = payload as Payload;
          await query(APPLY, [job.id, index, BODY, once ?? false]);
        },
        async [HAND_TASK](payload, { addJob }) {
          const { index, once } = payload as Payload;
          onStart(index);
          if (once !== true) await addJob(EVENT, { index });
        },
      }),
    close: adder.close,
  };
}
