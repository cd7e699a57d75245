import { type Store, silentLogger } from "@stackyard/core";
import { createStaticLocator, createUlids, publishMessages, startYard, systemClock } from "@stackyard/core/engine";
import { createPostgresStore } from "@stackyard/store-postgres";
import { createNoOp, loadMachine } from "../bench-machine.ts";
import { type AddedJobs, CHAIN_LENGTH, type Connection, type Contender } from "./contender.ts";

const NAME = "Stackyard";
const AT_A_TIME = 10;
const ADD_BATCH = 500;
// As docs/yard-reference.md recommends for servers and workers.
/** The flags of Node that its processes have. */
export const NODE_FLAGS = ["--max-semi-space-size=16"];
// A claim is only a lease, in rows that a crash of the server may lose: that is not a step.
const STEPS = ["result applied, with stack, history, the attempt that ended and the next one, claimed"];

const FILL_SQL = `
with stack as (
  select * from stackyard.stacks where state = 'REST' order by id limit 1
), line as (
  select h.* from stackyard.history h join stack s on s.id = h.stack_id where h.body is not null
   order by h.position desc limit 1
), ended as (
  select h.*, b.sent as message
    from stackyard.history h join stack s on s.id = h.stack_id join stackyard.history b on b.position = h.began_at
   where h.outcome is not null order by h.position desc limit 1
), fresh as materialized (
  select 'filled-' || n as id, n, nextval('stackyard.history_position') as position
    from generate_series($1::int, $2::int - 1) n
), stacks as (
  insert into stackyard.stacks (id, data, creation_time, last_updated_time, version, machine, state, busy, id_count)
  select f.id, replace(s.data, s.id, f.id), s.creation_time, s.last_updated_time, s.version, s.machine, s.state, s.busy, 1
    from stack s, fresh f
), ids as (
  insert into stackyard.event_id (event_id, stack_id, applied_at, number)
  select l.event_id || '-' || f.n, f.id, l.at, 1 from line l, fresh f
)
insert into stackyard.history (position, at, began_at, token, deadline_at, revision, stack_id, event_id, body, sent,
                               outcome, owner)
select f.position, l.at, f.position, e.token, e.deadline_at, l.revision, f.id, replace(e.event_id, e.stack_id, f.id),
       replace(l.body, l.stack_id, f.id), replace(e.message, e.stack_id, f.id), e.outcome, e.owner
  from line l, ended e, fresh f`;

/** Every event and every task alone: no write is shared, ten of each at a time. */
export const stackyard: Contender = {
  id: "stackyard",
  name: NAME,
  batching: "one by one",
  settings: `maxGroup 1, 10 connections; a yard with eventBatch 1, concurrency 10; node ${NODE_FLAGS.join(" ")}`,
  nodeFlags: NODE_FLAGS,
  steps: STEPS,
  jobs: 40_000,
  inProcess: false,
  doneSql: `
select not exists (select from stackyard.event_queue) and not exists (select from stackyard.open_attempt) as done`,
  fillSql: FILL_SQL,
  filledWith: "stacks, each with a line of history, an applied event and an ended attempt",
  connect: (url) => connectYard({ url, maxGroup: 1 }, { eventBatch: 1, concurrency: AT_A_TIME }),
};

/** A yard in one process with room for 200 tasks; concurrent writes share a commit. */
export const stackyardGrouped: Contender = {
  ...stackyard,
  id: "stackyard-grouped",
  batching: "grouped",
  settings: `a yard in one process, concurrency 200, eventBatch 256, 10 connections; node ${NODE_FLAGS.join(" ")}`,
  // 10,000 stacks.
  jobs: 100_000,
  connect: (url) => connectYard({ url }, { eventBatch: 256, concurrency: 200 }),
};

interface WorkLimits {
  readonly eventBatch: number;
  readonly concurrency: number;
}

/**
 * Connects to a yard on Postgres. `toMessages`: what is published for some jobs; default: a chain of tasks for each ten.
 */
export function connectYard(
  options: { readonly url: string; readonly maxGroup?: number },
  limits: WorkLimits,
  toMessages: (jobs: AddedJobs) => readonly object[] = toChains,
): Connection {
  const ids = createUlids();
  let opening: Promise<Store> | undefined;
  const open = () => {
    const { url: connection, ...more } = options;
    opening ??= createPostgresStore({ connection, ...more });
    return opening;
  };
  const publish = async (messages: readonly object[]) => {
    await publishMessages({ store: await open(), clock: systemClock, ids }, messages);
  };
  return {
    async prepare() {
      await open();
    },
    async addMany(jobs) {
      const messages = toMessages(jobs);
      for (let first = 0; first < messages.length; first += ADD_BATCH) {
        await publish(messages.slice(first, first + ADD_BATCH));
      }
    },
    addOne: (index) => publish([onceMessage(`stack-${index}`)]),
    // A complete yard: its sweep finds due work and prunes at least once per second.
    async work(onStart) {
      const executors = createNoOp((stackId) => onStart(Number(stackId.slice(stackId.indexOf("-") + 1))));
      const locator = createStaticLocator([loadMachine(SOURCE, MACHINE_NAME, executors)]);
      const deps = { store: await open(), locator, executors, clock: systemClock, ids: createUlids() };
      const yard = startYard({ ...deps, logger: silentLogger }, limits);
      return () => yard.stop();
    },
    async close() {
      await (await opening)?.close();
    },
  };
}

const MACHINE_NAME = "side-by-side";
/** Each state runs one no-op task. */
const SOURCE = JSON.stringify({
  version: 2,
  events: ["START", "ONCE"],
  states: {
    INIT: { on: { START: advanceTo("S1"), ONCE: advanceTo("ONLY") } },
    REST: { on: { START: advanceTo("S1"), ONCE: advanceTo("ONLY") } },
    ONLY: working("REST"),
    ...Object.fromEntries(
      Array.from({ length: CHAIN_LENGTH }, (_, index) => [
        `S${index + 1}`,
        working(index + 1 === CHAIN_LENGTH ? "REST" : `S${index + 2}`),
      ]),
    ),
  },
  tasks: { work: { executor: "no-op", config: {} } },
});

/** Returns a message for each chain of jobs. */
function toChains(jobs: AddedJobs): readonly object[] {
  return toStackIds(jobs).map(chainMessage);
}

/** Returns a message for each job: a stack of its own with one task. */
export function toSingles({ first, count }: AddedJobs): readonly object[] {
  return Array.from({ length: count }, (_, offset) => onceMessage(`stack-${first + offset}`));
}

/** Takes a stack through all states of the chain, one task each. */
function chainMessage(stackId: string): object {
  return { stackId, event: "START", machine: MACHINE_NAME };
}

/** Returns the message that makes a stack run one task. */
function onceMessage(stackId: string): object {
  return { stackId, event: "ONCE", machine: MACHINE_NAME };
}

function working(next: string): object {
  return { tasks: ["work"], on: { NEXT: advanceTo(next) } };
}

function advanceTo(state: string): readonly object[] {
  return [{ action: "advance", state }];
}

/** Returns the stacks for the jobs, a chain each: new ones, or ones spread evenly over the filled-in ones. */
export function toStackIds({ first, count, spread }: AddedJobs): readonly string[] {
  const chains = Math.ceil(count / CHAIN_LENGTH);
  const start = Math.ceil(first / CHAIN_LENGTH);
  if (spread === 0) return Array.from({ length: chains }, (_, index) => `stack-${start + index}`);
  const stride = Math.floor(spread / chains);
  if (stride === 0) throw new Error(`${chains} chains need as many stacks; there are ${spread}.`);
  return Array.from({ length: chains }, (_, index) => `filled-${(start + index * stride) % spread}`);
}
