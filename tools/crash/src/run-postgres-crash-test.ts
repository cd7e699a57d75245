import { setTimeout as sleep } from "node:timers/promises";
import type { Store } from "@stackyard/core";
import { createUlids, publishMessages, systemClock } from "@stackyard/core/engine";
import { startPostgres } from "@stackyard/postgres-server";
import { createPostgresStore } from "@stackyard/store-postgres";
import { type ChainPlan, LAST_STATE, startMessage } from "./chain-machine.ts";
import { startYardProcess, toVictim, type Victim, type YardProcess } from "./cluster.ts";
import { type CrashFindings, inspectYard } from "./inspect-yard.ts";

/** How a yard of several processes over one Postgres is tormented. */
export interface PostgresCrashInput extends ChainPlan {
  /** For the notes of the processes. */
  readonly folder: string;
  readonly engines: number;
  readonly workers: number;
  /** One victim is killed or frozen each so many milliseconds. */
  readonly everyMs: number;
  /** After so many torments all are left alone. */
  readonly torments: number;
  /** The longest freeze; over a second a lease ends in it. */
  readonly freezeMs: number;
  /** The whole test gives up after this. */
  readonly limitMs: number;
  /** Called with what was done to whom. */
  readonly onTorment?: (what: string) => void;
}

/** What came out. All counts but the first two must be zero. */
export interface PostgresCrashResult extends CrashFindings {
  readonly kills: number;
  readonly freezes: number;
}

const LOOK_EVERY_MS = 200;
const PUBLISH_BATCH = 100;

/** Runs the yard until every stack is through while its processes and its database die and freeze; counts the damage. */
export async function runPostgresCrashTest(input: PostgresCrashInput): Promise<PostgresCrashResult> {
  const endAt = Date.now() + input.limitMs;
  const server = await startPostgres();
  const processes: YardProcess[] = [];
  try {
    const store = await createPostgresStore({ connection: server.url, maxConnections: 4 });
    const args = [server.url, input.folder, String(input.transitions)];
    for (let count = 0; count < input.engines; count += 1) {
      processes.push(startYardProcess(`engine ${count + 1}`, ["engine", ...args]));
    }
    for (let count = 0; count < input.workers; count += 1) {
      processes.push(startYardProcess(`worker ${count + 1}`, ["worker", ...args]));
    }
    const over = new AbortController();
    const tormenting = torment([...processes, toVictim(server)], input, over.signal);
    await publishAll(store, input, endAt);
    await waitForAll(store, input, endAt);
    over.abort();
    const counts = await tormenting;
    await Promise.all(processes.map((each) => each.end()));
    const findings = await inspectYard(store, input.folder, input);
    await store.close();
    return { ...counts, ...findings };
  } finally {
    await Promise.all(processes.map((each) => each.end()));
    await server.stop();
  }
}

/** Ends when enough was done, or it is over; then everything runs again. */
async function torment(
  victims: readonly Victim[],
  { everyMs, torments, freezeMs, onTorment }: PostgresCrashInput,
  over: AbortSignal,
): Promise<{ readonly kills: number; readonly freezes: number }> {
  const counts = { kills: 0, freezes: 0 };
  const busy = new Set<Victim>();
  const underWay: Promise<void>[] = [];
  while (counts.kills + counts.freezes < torments && !over.aborted) {
    await sleep(everyMs);
    const free = victims.filter((each) => !busy.has(each));
    const victim = free[Math.floor(Math.random() * free.length)];
    if (victim === undefined || over.aborted) continue;
    const kills = Math.random() < 0.6;
    counts[kills ? "kills" : "freezes"] += 1;
    onTorment?.(`${kills ? "killed" : "froze"} ${victim.name}`);
    busy.add(victim);
    const doing = kills ? victim.kill() : freezeFor(victim, Math.random() * freezeMs);
    underWay.push(doing.finally(() => busy.delete(victim)));
  }
  await Promise.all(underWay);
  return counts;
}

async function freezeFor(victim: Victim, ms: number): Promise<void> {
  victim.freeze();
  await sleep(ms);
  victim.thaw();
}

/** Every batch is sent until it is accepted: ids that are known are passed over. */
async function publishAll(store: Store, { stacks }: ChainPlan, endAt: number): Promise<void> {
  const deps = { store, clock: systemClock, ids: createUlids() };
  for (let first = 0; first < stacks; first += PUBLISH_BATCH) {
    const count = Math.min(PUBLISH_BATCH, stacks - first);
    const messages = Array.from({ length: count }, (_, index) => startMessage(first + index));
    await insist(() => publishMessages(deps, messages), endAt);
  }
}

async function waitForAll(store: Store, { stacks }: ChainPlan, endAt: number): Promise<void> {
  for (;;) {
    await sleep(LOOK_EVERY_MS);
    const { states } = await insist(() => store.stats(), endAt);
    const done = states.find(({ state }) => state === LAST_STATE)?.count ?? 0;
    if (done === stacks || Date.now() > endAt) return;
  }
}

async function insist<Result>(call: () => Promise<Result>, endAt: number): Promise<Result> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (Date.now() > endAt) throw error;
      await sleep(LOOK_EVERY_MS);
    }
  }
}
