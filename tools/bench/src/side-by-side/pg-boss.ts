import { PgBoss, type WorkOptions } from "pg-boss";
import type { Connection, Contender } from "./contender.ts";

const NAME = "pg-boss 12.35.0";
const QUEUE = "bench";
const ADD_BATCH = 1_000;

/** One job a fetch, ten workers. Without the burst setting each of them would sleep after each job. */
export const pgBoss: Contender = {
  id: "pg-boss",
  name: NAME,
  batching: "one by one",
  settings: "useListenNotify, notify, partition, localConcurrency 10, batchSize 1, burstWhenReadyExceeds 1",
  steps: ["fetched", "completed"],
  jobs: 20_000,
  inProcess: false,
  doneSql: `select not exists (select from pgboss.job where name = '${QUEUE}' and state < 'completed') as done`,
  fillSql: `
insert into pgboss.job
select clone.*
  from (select * from pgboss.job where name = '${QUEUE}' and state = 'completed' limit 1) ended,
       generate_series($1::int, $2::int - 1) n,
       jsonb_populate_record(null::pgboss.job, to_jsonb(ended) || jsonb_build_object('id', md5(n::text))) clone`,
  filledWith: "completed jobs",
  connect: (url) => connect(url, { localConcurrency: 10, batchSize: 1, burstWhenReadyExceeds: 1 }),
};

/** A hundred jobs a fetch and a completion; full batches are followed by the next at once. */
export const pgBossGrouped: Contender = {
  ...pgBoss,
  id: "pg-boss-grouped",
  batching: "grouped",
  settings: "useListenNotify, notify, partition, localConcurrency 2, batchSize 100, burstWhenBatchFull",
  jobs: 40_000,
  connect: (url) => connect(url, { localConcurrency: 2, batchSize: 100, burstWhenBatchFull: true }),
};

function connect(url: string, settings: WorkOptions): Connection {
  let starting: Promise<PgBoss> | undefined;
  const start = () => {
    starting ??= startBoss(url);
    return starting;
  };
  return {
    async prepare() {
      const boss = await start();
      await boss.createQueue(QUEUE, { notify: true, partition: true });
    },
    async addMany({ first, count }) {
      const boss = await start();
      for (let from = first; from < first + count; from += ADD_BATCH) {
        const size = Math.min(ADD_BATCH, first + count - from);
        await boss.insert(
          QUEUE,
          Array.from({ length: size }, (_, offset) => ({ data: { index: from + offset } })),
        );
      }
    },
    async addOne(index) {
      await (await start()).send(QUEUE, { index });
    },
    async work(onStart) {
      const boss = await start();
      // The burst of single fetches reads a count that is otherwise a minute old.
      await boss.getQueueStats(QUEUE, { force: true });
      await boss.work<{ index: number }>(QUEUE, settings, (jobs) => {
        for (const { data } of jobs) onStart(data.index);
        return Promise.resolve();
      });
      return () => boss.offWork(QUEUE, { wait: true });
    },
    async close() {
      await (await starting)?.stop({ graceful: false });
    },
  };
}

async function startBoss(url: string): Promise<PgBoss> {
  const boss = new PgBoss({ connectionString: url, useListenNotify: true, queueCacheIntervalSeconds: 1 });
  boss.on("error", (error) => process.stderr.write(`pg-boss: ${error.message}\n`));
  return boss.start();
}
