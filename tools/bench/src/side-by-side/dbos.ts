import { DBOS, DBOSClient, type DLogger } from "@dbos-inc/dbos-sdk";
import type { Connection, Contender } from "./contender.ts";

const NAME = "DBOS Transact 5.3.0";
const APPLICATION = "bench";
const VERSION = "1";
const QUEUE = "bench";
const WORKFLOW = "noOp";
const AT_A_TIME = 10;
const POLL_MS = 10;
const DONE_SQL = "select not exists (select from dbos.workflow_status where status in ('ENQUEUED', 'PENDING')) as done";
const FILL_SQL = `
insert into dbos.workflow_status
select clone.*
  from (select * from dbos.workflow_status where status = 'SUCCESS' limit 1) ended,
       generate_series($1::int, $2::int - 1) n,
       jsonb_populate_record(null::dbos.workflow_status, to_jsonb(ended) || jsonb_build_object('workflow_uuid', md5(n::text))) clone`;

const ignore = () => undefined;
const logger: DLogger = { info: ignore, debug: ignore, warn: ignore, error: (entry) => console.error("DBOS:", entry) };

/** Workflows that a program starts in its own process, ten at a time. */
export const dbosDirect: Contender = {
  id: "dbos",
  name: `${NAME}, started directly`,
  batching: "one by one",
  settings: "systemDatabasePoolSize 20, ten workflows without steps at a time",
  steps: ["started", "ended"],
  jobs: 12_000,
  inProcess: true,
  doneSql: DONE_SQL,
  fillSql: FILL_SQL,
  filledWith: "workflows that have succeeded",
  connect: (url) => connect(url, true),
};

/** Workflows on a queue: taken many at a time, each ended by a statement of its own. */
export const dbosQueue: Contender = {
  ...dbosDirect,
  id: "dbos-queue",
  name: `${NAME}, queue`,
  batching: "grouped",
  settings: `systemDatabasePoolSize 20, minPollingIntervalMs ${POLL_MS}, no limit of concurrency; dequeued in groups, each ended by a commit of its own`,
  steps: ["dequeued", "ended"],
  // The more workflows wait, the slower it takes them: 12,000 at 610 to 1,215 a second.
  jobs: 3_000,
  inProcess: false,
  connect: (url) => connect(url, false),
};

let onStartNow: (index: number) => void = ignore;
const noOp = DBOS.registerWorkflow(
  (index: number) => {
    onStartNow(index);
    return Promise.resolve();
  },
  { name: WORKFLOW },
);

function connect(url: string, direct: boolean): Connection {
  let client: Promise<DBOSClient> | undefined;
  let launched = false;
  const loadClient = () => {
    client ??= DBOSClient.create({ systemDatabaseUrl: url, systemDatabasePoolSize: 20, logger });
    return client;
  };
  const waiting: number[] = [];
  let wake = () => {};
  const launch = async () => {
    if (launched) return;
    launched = true;
    DBOS.setConfig({
      name: APPLICATION,
      applicationVersion: VERSION,
      systemDatabaseUrl: url,
      systemDatabasePoolSize: 20,
      logger,
    });
    await DBOS.launch();
    if (!direct) await DBOS.registerQueue(QUEUE, { minPollingIntervalMs: POLL_MS });
  };
  return {
    async prepare() {
      await launch();
      // A launched application takes from its queues at once; jobs that are to wait must find none.
      if (!direct) {
        await DBOS.shutdown();
        launched = false;
      }
    },
    async addMany({ first, count }) {
      if (direct) return void waiting.push(...Array.from({ length: count }, (_, offset) => first + offset));
      const numbers = Array.from({ length: count }, (_, offset) => first + offset).values();
      await Promise.all(Array.from({ length: 2 * AT_A_TIME }, () => enqueueAll(loadClient(), numbers)));
    },
    async addOne(index) {
      if (!direct) return enqueue(await loadClient(), index);
      waiting.push(index);
      wake();
    },
    async work(onStart) {
      onStartNow = onStart;
      await launch();
      if (direct)
        return workDirectly(waiting, (call) => {
          wake = call;
        });
      return async () => {
        await DBOS.shutdown();
        launched = false;
      };
    },
    async close() {
      await (await client)?.destroy();
      if (launched) await DBOS.shutdown();
    },
  };
}

async function enqueueAll(client: Promise<DBOSClient>, numbers: Iterable<number>): Promise<void> {
  for (const index of numbers) await enqueue(await client, index);
}

async function enqueue(client: DBOSClient, index: number): Promise<void> {
  await client.enqueue({ workflowName: WORKFLOW, queueName: QUEUE, appVersion: VERSION }, index);
}

/** Runs ten loops over the waiting numbers; an idle one sleeps until a number arrives. */
function workDirectly(waiting: number[], onWake: (wake: () => void) => void): () => Promise<void> {
  let stopping = false;
  const idle = new Set<() => void>();
  const wakeAll = () => {
    for (const resume of idle) resume();
    idle.clear();
  };
  onWake(wakeAll);
  const loops = Array.from({ length: AT_A_TIME }, async () => {
    while (!stopping) {
      const index = waiting.shift();
      if (index === undefined) await new Promise<void>((resume) => idle.add(resume));
      else await (await DBOS.startWorkflow(noOp)(index)).getResult();
    }
  });
  return async () => {
    stopping = true;
    wakeAll();
    await Promise.all(loops);
  };
}
