import { readFile } from "node:fs/promises";
import { Absurd } from "absurd-sdk";
import pg from "pg";
import type { Connection } from "../side-by-side/contender.ts";
import { type Form, type Run, startAll, toRuns, toSingleRun } from "./engine.ts";

const QUEUE = "bench";
const ADDED_AT_A_TIME = 10;
const POLL_SECONDS = 0.01;
const ignore = () => undefined;
const log = { log: ignore, info: ignore, warn: console.error, error: console.error };

export const ABSURD_DONE_SQL = `
select not exists (select from absurd.t_${QUEUE} where state not in ('completed', 'failed', 'cancelled')) as done`;

/** A task with a step for each state. https://earendil-works.github.io/absurd/ */
export function connectAbsurd(form: Form, atATime: number): (url: string) => Connection {
  return (url) => {
    const db = new pg.Pool({ connectionString: url, max: Math.min(atATime + 2, 20) });
    const app = new Absurd({ db, queueName: QUEUE, log });
    let onStartNow: (index: number) => void = ignore;
    app.registerTask({ name: "stack" }, async ({ index, length }: Run, context) => {
      for (let step = 0; step < length; step += 1) {
        await context.step(`work-${step}`, async () => {
          onStartNow(index + step);
          return { state: `S${step + 1}` };
        });
      }
      return { state: "REST" };
    });
    const spawn = ({ number, index, length }: Run) => app.spawn("stack", { number, index, length });
    return {
      async prepare() {
        await db.query(await readSql());
        await app.createQueue(QUEUE);
      },
      addMany: (jobs) => startAll(toRuns(form, jobs), ADDED_AT_A_TIME, spawn),
      async addOne(index) {
        await spawn(toSingleRun(index));
      },
      async work(onStart) {
        onStartNow = onStart;
        const worker = await app.startWorker({ concurrency: atATime, pollInterval: POLL_SECONDS });
        return () => worker.close();
      },
      close: () => db.end(),
    };
  };
}

function readSql(): Promise<string> {
  const file = process.env["ABSURD_SQL"] ?? "";
  if (file === "") {
    throw new Error(
      "Absurd's functions are not on npm: set ABSURD_SQL to sql/absurd.sql of its repository, tag 0.4.0.",
    );
  }
  return readFile(file, "utf8");
}
