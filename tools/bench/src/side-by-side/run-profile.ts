import { startBenchPostgres } from "./bench-postgres.ts";
import { loadContender } from "./load-contender.ts";
import { PROFILE_SETTINGS, profileContender } from "./profile-contender.ts";
import { toTextTable } from "./table.ts";

const FOLDER = "bench-profile";

/** Profiles one contender; the figures are for looking at, not for comparing: to watch costs time too. */
export async function runProfile(id: string, quick: boolean): Promise<void> {
  const contender = await loadContender(id);
  const postgres = await startBenchPostgres(PROFILE_SETTINGS);
  try {
    const jobs = quick ? Math.ceil(contender.jobs / 20) : contender.jobs;
    const { drained, table } = await profileContender(postgres, contender, { jobs, folder: FOLDER });
    const each = (ms: number) => `${((ms * 1_000) / jobs).toFixed(0)} µs`;
    const cpu = `CPU a job: program ${each(drained.clientCpuMs)}, Postgres ${each(drained.serverCpuMs)}`;
    process.stdout.write(`${contender.name}, ${contender.batching}: ${each(drained.ms)} a job; ${cpu}\n\n`);
    process.stdout.write(`${toTextTable(table)}\n\nThe program's CPU profile is in ${FOLDER}.\n`);
  } finally {
    await postgres.stop();
  }
}
