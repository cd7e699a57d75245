import { readFileSync, writeFileSync } from "node:fs";
import { startBenchPostgres } from "./bench-postgres.ts";
import { contenders } from "./contenders.ts";
import { replaceSection } from "./performance-page.ts";
import { FULL_PLAN, measureSideBySide, QUICK_PLAN } from "./side-by-side.ts";
import { toSideBySideTables } from "./side-by-side-tables.ts";
import { toMarkdownTable, toTextTable } from "./table.ts";

/** What the command line asks for. */
export interface RunOptions {
  readonly quick: boolean;
  /** Where the figures go as JSON. */
  readonly json: string;
  /** The page whose section is written anew. */
  readonly page?: string;
  /** Ids of contenders; default: all. */
  readonly only?: readonly string[];
}

const COMMAND = "npm run bench -- --side-by-side";

/** Measures all contenders on one fresh server, and prints, keeps and publishes what came out. */
export async function runSideBySide(options: RunOptions): Promise<void> {
  const chosen = contenders.filter(({ id }) => options.only?.includes(id) ?? true);
  const postgres = await startBenchPostgres();
  try {
    const result = await measureSideBySide({
      postgres,
      contenders: chosen,
      plan: options.quick ? QUICK_PLAN : FULL_PLAN,
      note: (line) => process.stderr.write(`${line}\n`),
    });
    const { node, postgres: version, cores, model } = result.machine;
    const machine = `Node ${node}, PostgreSQL ${version} with its default settings (fsync and synchronous_commit on), ${cores} cores (${model})`;
    const tables = toSideBySideTables(result.summary, chosen);
    process.stdout.write(`${[machine, ...tables.map(toTextTable)].join("\n\n")}\n`);
    writeFileSync(options.json, `${JSON.stringify(result, null, 2)}\n`);
    if (options.page === undefined) return;
    const text = [`${machine}. Command: \`${COMMAND}\`.`, ...tables.map(toMarkdownTable)].join("\n\n");
    writeFileSync(options.page, replaceSection(readFileSync(options.page, "utf8"), "side by side", text));
  } finally {
    await postgres.stop();
  }
}
