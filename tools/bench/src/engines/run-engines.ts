import { cpus } from "node:os";
import { publish, type ReportOptions, toMachineLine } from "../report.ts";
import { type BenchPostgres, startBenchPostgres } from "../side-by-side/bench-postgres.ts";
import { orderOfRound } from "../side-by-side/statistics.ts";
import { type Engine, toRunLength } from "./engine.ts";
import { toEngineTables } from "./engine-tables.ts";
import { ENGINE_IDS, loadEngine } from "./engines.ts";
import { type EngineFigures, measureEngine } from "./measure-engine.ts";

const ROUNDS = 3;
const QUICK_SHARE = 0.02;

/**
 * Measures durable engines that keep what has happened, in turns on one machine. One that cannot be started is left
 * out, and said to be.
 */
export async function runEngines(options: ReportOptions & { readonly only?: readonly string[] }): Promise<void> {
  const { quick, only } = options;
  const engines = await Promise.all(ENGINE_IDS.filter((id) => only?.includes(id) ?? true).map(loadEngine));
  const postgres = await startBenchPostgres();
  try {
    const figures = await measureRounds(postgres, engines, quick);
    if (figures.length === 0) throw new Error("No engine could be measured.");
    const server = `PostgreSQL ${postgres.version} with its default settings (fsync and synchronous_commit on)`;
    const tables = toEngineTables(engines, figures);
    publish(options, {
      section: "engines",
      command: "--engines",
      machine: toMachineLine(server),
      tables,
      figures: { figures },
    });
  } finally {
    await postgres.stop();
  }
}

async function measureRounds(
  postgres: BenchPostgres,
  engines: readonly Engine[],
  quick: boolean,
): Promise<readonly EngineFigures[]> {
  const figures: EngineFigures[] = [];
  for (let round = 0; round < (quick ? 1 : ROUNDS); round += 1) {
    for (const engine of orderOfRound(engines, round)) {
      const found = await tryEngine(postgres, engine, quick ? QUICK_SHARE : 1);
      if (found !== undefined) figures.push(found);
    }
  }
  return figures;
}

async function tryEngine(postgres: BenchPostgres, engine: Engine, share: number): Promise<EngineFigures | undefined> {
  const length = toRunLength(engine.form);
  const jobs = Math.ceil((engine.jobs * share) / length) * length;
  try {
    const found = await measureEngine(postgres, engine, { jobs, cores: cpus().length });
    process.stderr.write(`${engine.name}: ${Math.round(found.jobsPerSecond)} jobs a second\n`);
    return found;
  } catch (error) {
    process.stderr.write(`${engine.name}: ${error instanceof Error ? error.message : String(error)}\n`);
    return undefined;
  }
}
