import { run } from "graphile-worker";
import pg from "pg";
import type { AddedJobs, Connection, Contender } from "./contender.ts";
import { createAdder, graphileWorker, logger, SETTINGS } from "./graphile-worker.ts";
import { CHAIN_LENGTH } from "./stackyard-machine.ts";

const EVENT = "event";
const TASK = "task";
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
select graphile_worker.add_job('${TASK}', json_build_object('index', id, 'once', $4::boolean)) from moved where place <= ${CHAIN_LENGTH}`;
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
  jobs: 4_000,
  connect,
};

interface Payload {
  readonly index: number;
  /** The stack rests after one task. */
  readonly once?: boolean;
}

function connect(url: string): Connection {
  const adder = createAdder(url);
  const { loadUtils } = adder;
  return {
    async prepare() {
      await (await loadUtils()).migrate();
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      await client.query(TABLES);
      await client.end();
    },
    addMany: ({ first, count }: AddedJobs) =>
      adder.addMany(EVENT, { first: Math.ceil(first / CHAIN_LENGTH), count: Math.ceil(count / CHAIN_LENGTH) }),
    addOne: (index) => adder.addOne(EVENT, { index, once: true }),
    async work(onStart) {
      const runner = await run({
        preset: { worker: { ...SETTINGS, connectionString: url, logger } },
        noHandleSignals: true,
        taskList: {
          async [EVENT](payload, { job, query }) {
            const { index, once } = payload as Payload;
            await query(APPLY, [job.id, index, BODY, once ?? false]);
          },
          async [TASK](payload, { addJob }) {
            const { index, once } = payload as Payload;
            onStart(index);
            if (once !== true) await addJob(EVENT, { index });
          },
        },
      });
      return () => runner.stop();
    },
    close: adder.close,
  };
}
