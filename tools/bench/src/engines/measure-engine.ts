import type { BenchPostgres } from "../side-by-side/bench-postgres.ts";
import { withClient } from "../side-by-side/bench-postgres.ts";
import { withProcesses } from "../side-by-side/contender-child.ts";
import { drainAll } from "../side-by-side/drains.ts";
import { type Engine, type EngineServer, toRunLength } from "./engine.ts";

/** What one drain of an engine took, per job. */
export interface EngineFigures {
  readonly engine: string;
  readonly jobs: number;
  readonly jobsPerSecond: number;
  readonly programCpuMicroseconds: number;
  readonly serverCpuMicroseconds: number;
  /** Of both cores, while it worked. */
  readonly coresBusy: number;
  readonly logBytes: number;
  /** From the empty store on, with the adding of the jobs. */
  readonly keptBytes?: number;
  readonly commits?: number;
}

const WARM_UP_SHARE = 0.2;

/** Measures a drain of an engine on a server of its own, or in a database of its own. */
export async function measureEngine(
  postgres: BenchPostgres,
  engine: Engine,
  { jobs, cores }: { readonly jobs: number; readonly cores: number },
): Promise<EngineFigures> {
  const server = await (engine.startServer?.() ?? openDatabase(postgres, engine.id));
  try {
    return await withProcesses(engine, server.place, async (processes) => {
      const empty = await server.read();
      const length = toRunLength(engine.form);
      const warmUp = Math.ceil((jobs * WARM_UP_SHARE) / length) * length;
      const { settle, read } = server;
      const { drained, before, after } = await drainAll(processes, { jobs, warmUp, settle, read });
      await settle();
      const last = await read();
      const perJob = (ms: number) => (ms * 1_000) / jobs;
      return {
        engine: engine.id,
        jobs,
        jobsPerSecond: (jobs / drained.ms) * 1_000,
        programCpuMicroseconds: perJob(drained.clientCpuMs),
        serverCpuMicroseconds: perJob(drained.serverCpuMs),
        coresBusy: (drained.clientCpuMs + drained.serverCpuMs) / drained.ms / cores,
        logBytes: (after.logBytes - before.logBytes) / jobs,
        ...differ("keptBytes", empty.keptBytes, last.keptBytes, jobs + warmUp),
        ...differ("commits", before.commits, after.commits, jobs),
      };
    });
  } finally {
    await server.stop();
  }
}

function differ(
  name: "keptBytes" | "commits",
  before: number | undefined,
  after: number | undefined,
  jobs: number,
): { readonly keptBytes?: number; readonly commits?: number } {
  return before === undefined || after === undefined ? {} : { [name]: (after - before) / jobs };
}

const FIGURES = `
select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 as "logBytes",
       pg_database_size(current_database())::float8 as "keptBytes",
       (select xact_commit from pg_stat_database where datname = current_database())::float8 as commits`;

let nextDatabase = 1;

async function openDatabase(postgres: BenchPostgres, id: string): Promise<EngineServer> {
  const name = `${id}-${nextDatabase}`;
  nextDatabase += 1;
  const url = await postgres.createDatabase(name);
  return {
    place: { url, serverPid: postgres.pid },
    settle: () => postgres.settle(url),
    async read() {
      const { rows } = await withClient(url, (client) =>
        client.query<{ readonly logBytes: number; readonly keptBytes: number; readonly commits: number }>(FIGURES),
      );
      const [figures] = rows;
      if (figures === undefined) throw new Error("The database has no statistics of itself.");
      return figures;
    },
    stop: () => postgres.dropDatabase(name),
  };
}
