import type { BenchPostgres } from "./bench-postgres.ts";
import type { Contender } from "./contender.ts";
import { withContender } from "./contender-child.ts";
import { type DatabaseFigures, readDatabaseFigures, subtractFigures } from "./database-figures.ts";
import type { DrainFigures } from "./drain-jobs.ts";

/** One drain of one contender. */
export interface DrainResult extends DrainFigures {
  readonly contender: string;
  readonly database: DatabaseFigures;
}

const WARM_UP_SHARE = 0.1;

/** Jobs wait in an empty database; after a warm-up, a process that has just connected works them all. */
export function measureDrain(postgres: BenchPostgres, contender: Contender, jobs: number): Promise<DrainResult> {
  return withContender(postgres, contender, async ({ worker, adder, url }) => {
    const warmUp = Math.ceil(jobs * WARM_UP_SHARE);
    await adder.call("addMany", { first: 0, count: warmUp, spread: 0 });
    await worker.call("drain", { jobs: warmUp });
    await adder.call("addMany", { first: warmUp, count: jobs, spread: 0 });
    // Sessions of the one who added report what they wrote when they end.
    if (adder !== worker) await adder.end();
    await postgres.settle(url);
    const before = await readDatabaseFigures(url);
    const drained = await worker.call("drain", { jobs });
    await worker.end();
    return {
      contender: contender.id,
      ...drained,
      database: subtractFigures(await readDatabaseFigures(url), before),
    };
  });
}
