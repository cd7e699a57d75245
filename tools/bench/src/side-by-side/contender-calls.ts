import type pg from "pg";
import type { AddedJobs, Connection, Measured, StopWork } from "./contender.ts";
import { readPostgresCpuMs } from "./postgres-cpu.ts";

/** The calls that a contender's process supports. */
export type ContenderCalls = ReturnType<typeof createContenderCalls>;

/** Returns the calls that a process of a contender answers. */
export function createContenderCalls(input: {
  readonly contender: Measured;
  readonly url: string;
  /** Asks whether all is done. */
  readonly watcher: pg.Pool;
  readonly postgresPid: number;
}) {
  const { contender, url, watcher, postgresPid } = input;
  const connection = contender.connect(url);
  let stopWork: StopWork = () => Promise.resolve();
  let starts = new Map<number, number>();
  return {
    prepare: () => connection.prepare(),
    addMany: (jobs: AddedJobs) => connection.addMany(jobs),
    addEvenly: (jobs: { first: number; rate: number; count: number }) => addEvenly(connection, jobs),
    /** Works until so many jobs have ended. */
    drain: ({ jobs }: { jobs: number }) =>
      drain({ connection, watcher, doneSql: contender.doneSql, postgresPid }, jobs),

    /** Starts to process jobs, and records when each one starts. */
    async listen(): Promise<void> {
      starts = new Map();
      stopWork = await connection.work((index) => {
        // A job that is worked again has waited no longer for that.
        if (!starts.has(index)) starts.set(index, now());
      });
    },
    countStarts: () => Promise.resolve(starts.size),
    takeStarts(): Promise<Instants> {
      const taken = [...starts];
      starts = new Map();
      return Promise.resolve(taken);
    },

    async close(): Promise<void> {
      await stopWork();
      await connection.close();
      await watcher.end();
    },
  };
}

/** Adds jobs one by one at an even rate, without waiting for the ones before; returns when each was requested. */
export async function addEvenly(
  connection: Pick<Connection, "addOne">,
  { first, rate, count }: { readonly first: number; readonly rate: number; readonly count: number },
): Promise<Instants> {
  const sent: [number, number][] = [];
  const adding: Promise<void>[] = [];
  const startedAt = now();
  while (sent.length < count) {
    const due = Math.min(count, Math.floor(((now() - startedAt) / 1_000) * rate) + 1);
    while (sent.length < due) {
      const index = first + sent.length;
      sent.push([index, now()]);
      adding.push(connection.addOne(index));
    }
    await pause(1);
  }
  await Promise.all(adding);
  return sent;
}

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
interface DrainDeps {
  readonly connection: Connection;
  readonly watcher: pg.Pool;
  readonly doneSql: string;
  readonly postgresPid: number;
}

const POLL_MS = 2;
const MIB = 1_048_576;

/** Works until so many jobs have started and the database says that all have ended. */
async function drain(deps: DrainDeps, jobs: number): Promise<DrainFigures> {
  const { connection, watcher, doneSql, postgresPid } = deps;
  const before = process.memoryUsage.rss();
  const starts = createCounter(jobs, () => readUsage(postgresPid));
  const stop = await connection.work(starts.note);
  const first = await starts.all;
  const isDone = connection.isDone ?? (() => askDatabase(watcher, doneSql));
  while (!(await isDone())) await pause(POLL_MS);
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

async function askDatabase(watcher: pg.Pool, sql: string): Promise<boolean> {
  return (await watcher.query(sql)).rows[0]?.done === true;
}

/** When something happened to jobs: `[job, instant]`. */
export type Instants = readonly (readonly [index: number, at: number])[];

/** Returns the monotonic clock of the machine, in milliseconds; all its processes share it. */
function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Lets so much time go by. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
