import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { type BenchPostgres, startBenchPostgres } from "./bench-postgres.ts";
import type { Contender } from "./contender.ts";
import { toGrowthTable } from "./growth-table.ts";
import { loadContenders } from "./load-contender.ts";
import { GROWTH_PLAN, type GrowthFigures, measureGrowth, QUICK_GROWTH_PLAN } from "./measure-growth.ts";
import { replaceSection } from "./performance-page.ts";
import { FULL_PLAN, measureSideBySide, QUICK_PLAN } from "./side-by-side.ts";
import { toSideBySideTables } from "./side-by-side-tables.ts";
import { type Table, toMarkdownTable, toTextTable } from "./table.ts";
import { toVerdicts } from "./verdicts.ts";

/** The options of the command line. */
export interface RunOptions {
  /** `rates`: throughput, cost and latency. `growth`: cost with more and more rows, of those that work in groups. */
  readonly measure: "rates" | "growth";
  readonly quick: boolean;
  /** Where the figures go as JSON. */
  readonly json: string;
  /** The page whose section is written anew. */
  readonly page?: string;
  /** Ids of contenders; default: all. */
  readonly only?: readonly string[];
}

interface Outcome {
  readonly tables: readonly Table[];
  /** What the tables say of ours, a line each. */
  readonly verdicts: readonly string[];
  readonly figures: object;
}

/** Measures on one fresh server, and prints, keeps and publishes what came out. */
export async function runSideBySide(options: RunOptions): Promise<void> {
  const chosen = (await loadContenders()).filter(({ id }) => options.only?.includes(id) ?? true);
  const postgres = await startBenchPostgres();
  try {
    const measure = options.measure === "growth" ? measureAllGrowth : measureRates;
    const { tables, verdicts, figures } = await measure(postgres, chosen, options.quick);
    const machine = toMachineLine(postgres);
    process.stdout.write(`${[machine, ...tables.map(toTextTable), verdicts.join("\n")].join("\n\n")}\n`);
    writeFileSync(options.json, `${JSON.stringify({ machine, ...figures }, null, 2)}\n`);
    if (options.page === undefined) return;
    const command = `npm run bench -- ${options.measure === "growth" ? "--growth" : "--side-by-side"}`;
    const found = verdicts.map((line) => `- ${line}`).join("\n");
    const text = [`${machine}. Command: \`${command}\`.`, ...tables.map(toMarkdownTable), found].join("\n\n");
    const section = options.measure === "growth" ? "growth" : "side by side";
    writeFileSync(options.page, replaceSection(readFileSync(options.page, "utf8"), section, text));
  } finally {
    await postgres.stop();
  }
}

async function measureRates(postgres: BenchPostgres, chosen: readonly Contender[], quick: boolean): Promise<Outcome> {
  const plan = quick ? QUICK_PLAN : FULL_PLAN;
  const figures = await measureSideBySide({ postgres, contenders: chosen, plan, note });
  return {
    figures,
    tables: toSideBySideTables(figures.summary, chosen),
    verdicts: toVerdicts(figures.summary, chosen),
  };
}

async function measureAllGrowth(
  postgres: BenchPostgres,
  chosen: readonly Contender[],
  quick: boolean,
): Promise<Outcome> {
  const grouped = chosen.filter(({ batching }) => batching === "grouped");
  const growth: GrowthFigures[] = [];
  for (const contender of grouped) {
    note(`growth: ${contender.name}`);
    growth.push(...(await measureGrowth(postgres, contender, quick ? QUICK_GROWTH_PLAN : GROWTH_PLAN)));
  }
  return { figures: { growth }, tables: [toGrowthTable(growth, grouped)], verdicts: [] };
}

function toMachineLine({ version }: BenchPostgres): string {
  const facts = [
    `Node ${process.version}`,
    `PostgreSQL ${version} with its default settings (fsync and synchronous_commit on)`,
  ];
  return [...facts, `${cpus().length} cores (${cpus()[0]?.model ?? "unknown"})`].join(", ");
}

function note(line: string): void {
  process.stderr.write(`${line}\n`);
}
