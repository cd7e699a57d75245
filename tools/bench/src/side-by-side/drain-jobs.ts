import type pg from "pg";
import type { Connection } from "./contender.ts";
import { now, pause } from "./instants.ts";
import { readPostgresCpuMs } from "./postgres-cpu.ts";

/** What one drain took. */
export interface DrainFigures {
  readonly jobs: number;
  /** From the start of the first handler until the last job had ended durably. */
  readonly ms: number;
  readonly clientCpuMs: number;
  readonly serverCpuMs: number;
  /** The process that worked: resident at its peak, and how much of it came with the work. */
  readonly peakMiB: number;
  readonly grownMiB: number;
}

/** What a drain works with. */
export interface DrainDeps {
  readonly connection: Connection;
  readonly watcher: pg.Pool;
  readonly doneSql: string;
  readonly postgresPid: number;
}

const POLL_MS = 2;
const MIB = 1_048_576;

/** Works until so many jobs have started and the database says that all have ended. */
export async function drain(deps: DrainDeps, jobs: number): Promise<DrainFigures> {
  const { connection, watcher, doneSql, postgresPid } = deps;
  const before = process.memoryUsage.rss();
  const starts = createCounter(jobs, () => readUsage(postgresPid));
  const stop = await connection.work(starts.note);
  const first = await starts.all;
  while (!(await isDone(watcher, doneSql))) await pause(POLL_MS);
  const ended = readUsage(postgresPid);
  await stop();
  const peak = process.resourceUsage().maxRSS * 1_024;
  return {
    jobs,
    ms: ended.at - first.at,
    clientCpuMs: ended.clientCpuMs - first.clientCpuMs,
    serverCpuMs: ended.serverCpuMs - first.serverCpuMs,
    peakMiB: peak / MIB,
    grownMiB: Math.max(0, peak - before) / MIB,
  };
}

interface Usage {
  readonly at: number;
  readonly clientCpuMs: number;
  readonly serverCpuMs: number;
}

/** Counts starts; `all` returns the usage at the first of them, so that connecting is not counted. */
function createCounter(jobs: number, read: () => Usage): { readonly all: Promise<Usage>; readonly note: () => void } {
  let count = 0;
  let first: Usage | undefined;
  const { promise, resolve } = Promise.withResolvers<Usage>();
  return {
    all: promise,
    note() {
      first ??= read();
      count += 1;
      if (count === jobs) resolve(first);
    },
  };
}

function readUsage(postgresPid: number): Usage {
  const { user, system } = process.cpuUsage();
  return { at: now(), clientCpuMs: (user + system) / 1_000, serverCpuMs: readPostgresCpuMs(postgresPid) };
}

async function isDone(watcher: pg.Pool, sql: string): Promise<boolean> {
  return (await watcher.query(sql)).rows[0]?.done === true;
}
