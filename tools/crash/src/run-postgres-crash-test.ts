import { setTimeout as sleep } from "node:timers/promises";
import type { Store } from "@stackyard/core";
import { createUlids, publishMessages, systemClock } from "@stackyard/core/engine";
import { startPostgres } from "@stackyard/postgres-server";
import { createPostgresStore } from "@stackyard/store-postgres";
import { type ChainPlan, LAST_STATE, startMessage } from "./chain-machine.ts";
import { forkProgram, startYardProcess, toVictim, type YardProcess } from "./cluster.ts";
import { type CrashFindings, inspectYard } from "./inspect-yard.ts";
import { type TormentInput, type Torments, torment } from "./torment.ts";
import { LEASE_MS } from "./work-executor.ts";

/** How a yard of several processes over one Postgres is tormented. */
export interface PostgresCrashInput extends ChainPlan, Omit<TormentInput, "victims"> {
  /** For the notes of the processes. */
  readonly folder: string;
  readonly engines: number;
  readonly workers: number;
  /** The whole test gives up after this. */
  readonly limitMs: number;
}

/** What came out. All counts but those of torments must be zero, and no process may have ended by itself. */
export interface PostgresCrashResult extends CrashFindings, Omit<Torments, "frozenMs"> {
  /** Freezes in which leases ended. */
  readonly freezesOverLeases: number;
  /** How processes ended by themselves once they were ready, which none may do. */
  readonly ownExits: readonly string[];
}

const LOOK_EVERY_MS = 200;
const PUBLISH_BATCH = 100;

/** Runs the yard until every stack is through while its processes and its database die and freeze; counts the damage. */
export async function runPostgresCrashTest(input: PostgresCrashInput): Promise<PostgresCrashResult> {
  const server = await startPostgres();
  const over = new AbortController();
  const processes: YardProcess[] = [];
  const underWay: Promise<unknown>[] = [];
  try {
    const store = await createPostgresStore({ connection: server.url, maxConnections: 4 });
    try {
      processes.push(...startProcesses(server.url, input));
      const tormenting = torment({ ...input, victims: [...processes, toVictim(server)] }, over.signal);
      const working = workAll(store, input, over.signal).finally(() => over.abort());
      underWay.push(tormenting, working);
      const [{ frozenMs, ...counts }] = await Promise.all([tormenting, working]);
      const ownExits = processes.flatMap((each) => each.ownExits());
      await Promise.all(processes.map((each) => each.end()));
      const freezesOverLeases = frozenMs.filter((ms) => ms > LEASE_MS).length;
      return { ...counts, freezesOverLeases, ownExits, ...(await inspectYard(store, input.folder, input)) };
    } finally {
      over.abort();
      await Promise.allSettled(underWay);
      await store.close();
    }
  } finally {
    await Promise.all(processes.map((each) => each.end()));
    await server.stop();
  }
}

function startProcesses(
  url: string,
  { folder, transitions, engines, workers }: PostgresCrashInput,
): readonly YardProcess[] {
  const start = (role: "engine" | "worker", count: number) =>
    Array.from({ length: count }, (_, index) =>
      startYardProcess(`${role} ${index + 1}`, () =>
        forkProgram("cluster-process.ts", role, url, folder, String(transitions)),
      ),
    );
  return [...start("engine", engines), ...start("worker", workers)];
}

/** Works until every stack is finished, or the time is over. */
async function workAll(store: Store, input: PostgresCrashInput, over: AbortSignal): Promise<void> {
  const until = AbortSignal.any([over, AbortSignal.timeout(input.limitMs)]);
  await publishAll(store, input, until);
  await waitForAll(store, input, until);
}

/** Sends every batch until it is accepted: known ids are skipped. */
async function publishAll(store: Store, { stacks }: ChainPlan, until: AbortSignal): Promise<void> {
  const deps = { store, clock: systemClock, ids: createUlids() };
  for (let first = 0; first < stacks; first += PUBLISH_BATCH) {
    const count = Math.min(PUBLISH_BATCH, stacks - first);
    const messages = Array.from({ length: count }, (_, index) => startMessage(first + index));
    await retryUntil(() => publishMessages(deps, messages), until);
  }
}

async function waitForAll(store: Store, { stacks }: ChainPlan, until: AbortSignal): Promise<void> {
  for (;;) {
    await sleep(LOOK_EVERY_MS);
    const { states } = await retryUntil(() => store.queries.stats(), until);
    const done = states.find(({ state }) => state === LAST_STATE)?.count ?? 0;
    if (done === stacks || until.aborted) return;
  }
}

async function retryUntil<Result>(call: () => Promise<Result>, until: AbortSignal): Promise<Result> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (until.aborted) throw error;
      await sleep(LOOK_EVERY_MS);
    }
  }
}
