import { type Table, toTextTable } from "../report.ts";
import { type BenchPostgres, startBenchPostgres, withClient } from "./bench-postgres.ts";
import type { Contender } from "./contender.ts";
import type { DrainFigures } from "./contender-calls.ts";
import { startContenderChild } from "./contender-child.ts";
import { loadContender } from "./contenders.ts";

/** The server must be started with these. */
const PROFILE_SETTINGS = { shared_preload_libraries: "pg_stat_statements", "pg_stat_statements.track": "all" };

const SQL = `
select calls::float8 as calls, total_exec_time as ms, wal_bytes::float8 as wal,
       (shared_blks_hit + shared_blks_read)::float8 as blocks,
       left(regexp_replace(query, '\\s+', ' ', 'g'), 110) as text
  from pg_stat_statements where query !~ 'pg_stat' order by total_exec_time desc limit 30`;

interface StatementRow {
  readonly calls: number;
  readonly ms: number;
  readonly wal: number;
  readonly blocks: number;
  readonly text: string;
}

const FOLDER = "bench-profile";

/** Profiles one contender; the figures are for looking at, not for comparing: to watch costs time too. */
export async function runProfile(id: string, quick: boolean): Promise<void> {
  const contender = await loadContender(id);
  const postgres = await startBenchPostgres(PROFILE_SETTINGS);
  try {
    const jobs = quick ? Math.ceil(contender.jobs / 20) : contender.jobs;
    const { drained, table } = await profileContender(postgres, contender, jobs);
    const each = (ms: number) => `${((ms * 1_000) / jobs).toFixed(0)} µs`;
    const cpu = `CPU a job: program ${each(drained.clientCpuMs)}, Postgres ${each(drained.serverCpuMs)}`;
    process.stdout.write(`${contender.name}, ${contender.batching}: ${each(drained.ms)} a job; ${cpu}\n\n`);
    process.stdout.write(`${toTextTable(table)}\n\nThe program's CPU profile is in ${FOLDER}.\n`);
  } finally {
    await postgres.stop();
  }
}

/**
 * Drains one contender and reports where the server's time went, statement by statement, those within functions included;
 * the CPU profile of the process that works is written into the folder.
 */
async function profileContender(
  postgres: BenchPostgres,
  contender: Contender,
  jobs: number,
): Promise<{ readonly drained: DrainFigures; readonly table: Table }> {
  const url = await postgres.createDatabase("profile");
  return withClient(url, async (client) => {
    await client.query("create extension pg_stat_statements");
    const worker = startContenderChild(contender, { url, serverPid: postgres.pid }, [
      "--cpu-prof",
      `--cpu-prof-dir=${FOLDER}`,
    ]);
    try {
      await worker.call("prepare", undefined);
      await worker.call("addMany", { first: 0, count: jobs, spread: 0 });
      await worker.call("drain", { jobs });
      await worker.call("addMany", { first: jobs, count: jobs, spread: 0 });
      await postgres.settle(url);
      await client.query("select pg_stat_statements_reset()");
      const drained = await worker.call("drain", { jobs });
      const { rows } = await client.query<StatementRow>(SQL);
      return { drained, table: toStatementTable(rows, jobs) };
    } finally {
      await worker.end();
    }
  });
}

/** Formats statements per job, so that contenders are comparable. */
export function toStatementTable(rows: readonly StatementRow[], jobs: number): Table {
  return {
    title: "Statements by their time (those within functions are part of their callers'), per job",
    head: ["statement", "calls", "µs", "WAL bytes", "blocks"],
    rows: rows.map(({ calls, ms, wal, blocks, text }) => [
      text,
      (calls / jobs).toFixed(3),
      ((ms * 1_000) / jobs).toFixed(1),
      (wal / jobs).toFixed(0),
      (blocks / jobs).toFixed(1),
    ]),
  };
}
