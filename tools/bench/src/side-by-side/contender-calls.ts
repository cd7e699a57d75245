import type pg from "pg";
import { addEvenly } from "./add-evenly.ts";
import type { AddedJobs, Contender, StopWork } from "./contender.ts";
import { drain } from "./drain-jobs.ts";
import { type Instants, now } from "./instants.ts";

/** The calls that a contender's process supports. */
export type ContenderCalls = ReturnType<typeof createContenderCalls>;

/** The calls that a process of a contender answers. */
export function createContenderCalls(input: {
  readonly contender: Contender;
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
