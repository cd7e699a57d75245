import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import type { EmulatorAddresses } from "../aws/emulators.ts";
import { type Child, startChild } from "../aws/start-child.ts";
import { replaceSection } from "../side-by-side/performance-page.ts";
import { toMarkdownTable, toTextTable } from "../side-by-side/table.ts";
import type { ArtifactFigures, CopyFigures, MemoryFigures, PublicationFigures } from "./artifact-figures.ts";
import { toArtifactTables } from "./artifact-tables.ts";
import { findAwsProgram } from "./aws-program.ts";
import { type CopyBench, startCopyBench } from "./copy-bench.ts";
import { measureAnnouncements } from "./measure-announcements.ts";
import { measureCopies } from "./measure-copies.ts";
import { measureDecisions } from "./measure-decisions.ts";
import { measureMemory } from "./measure-memory.ts";
import { measurePlan } from "./measure-plan.ts";
import { measurePublication } from "./measure-publication.ts";

/** The options of the command line. */
export interface RunArtifactsOptions {
  readonly quick: boolean;
  /** How large the file is whose copy's memory is measured; 10^9 bytes each. */
  readonly gigabytes: number;
  /** Where the figures go as JSON. */
  readonly json: string;
  /** The page whose section is written anew. */
  readonly page?: string;
}

const MIB = 2 ** 20;
/** A line of 1 Gbit/s. */
const LINK = 119;

/** Measures how artifacts are planned, announced, decided about, copied and published; prints, keeps and publishes what came out. */
export async function runArtifacts({ quick, gigabytes, json, page }: RunArtifactsOptions): Promise<void> {
  const figures = await measure(quick, gigabytes);
  const machine = `Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model ?? "unknown"})`;
  const tables = toArtifactTables(figures);
  process.stdout.write(`${[machine, ...tables.map(toTextTable)].join("\n\n")}\n`);
  writeFileSync(json, `${JSON.stringify({ machine, ...figures }, null, 2)}\n`);
  if (page === undefined) return;
  const command = `npm run bench -- --artifacts --artifact-gigabytes ${gigabytes}`;
  const text = [`${machine}. Command: \`${command}\`.`, ...tables.map(toMarkdownTable)].join("\n\n");
  writeFileSync(page, replaceSection(readFileSync(page, "utf8"), "artifacts", text));
}

async function measure(quick: boolean, gigabytes: number): Promise<ArtifactFigures> {
  note("plans");
  const rounds = quick ? 2 : 7;
  const plans = [measurePlan({ consumers: quick ? 100 : 1_000, versions: 5, files: 20, rounds })];
  const { messages, decisions } = await measureMessages(quick);
  const aws = findAwsProgram();
  const bench = await startCopyBench();
  try {
    const copies = await measureAllCopies(bench, quick, aws);
    const memories = await measureMemories(bench, gigabytes);
    const publications = await measurePublications(quick);
    const missing = aws === undefined ? { awsMissing: "there is no `aws` on the PATH" } : {};
    return { plans, messages, decisions, copies, ...missing, memories, publications };
  } finally {
    await bench.end();
  }
}

async function measureMessages(quick: boolean): Promise<Pick<ArtifactFigures, "messages" | "decisions">> {
  note("messages");
  const emulator: Child<{ readonly start: (input: null) => Promise<EmulatorAddresses> }> =
    startChild("emulator-process.ts");
  try {
    const { url } = await emulator.call("start", null);
    const rounds = quick ? 2 : 7;
    const { figures, records } = await measureAnnouncements(url, { files: quick ? 50 : 500, rounds });
    return { messages: [figures], decisions: [await measureDecisions(records, { turns: quick ? 20 : 100, rounds })] };
  } finally {
    await emulator.end();
  }
}

async function measureAllCopies(bench: CopyBench, quick: boolean, aws: string | undefined) {
  const copies: CopyFigures[] = [];
  for (const [bytes, rounds] of quick
    ? ([
        [8 * MIB, 1],
        [80 * MIB, 1],
      ] as const)
    : ([
        [8 * MIB, 5],
        [1_024 * MIB, 3],
      ] as const)) {
    note(`copies of ${bytes / MIB} MiB`);
    copies.push(...(await measureCopies(bench, { bytes, rounds, aws })));
  }
  return copies;
}

async function measureMemories(bench: CopyBench, gigabytes: number): Promise<readonly MemoryFigures[]> {
  const memories: MemoryFigures[] = [];
  for (const way of ["presigned", "identity"] as const) {
    note(`memory of a copy of ${gigabytes} GB, ${way}`);
    memories.push(await measureMemory(bench, { way, bytes: gigabytes * 1e9 }));
  }
  return memories;
}

async function measurePublications(quick: boolean): Promise<readonly PublicationFigures[]> {
  const [bytes, rounds] = quick ? [80 * MIB, 1] : [512 * MIB, 3];
  note("publications");
  return [
    await measurePublication({ bytes, rounds }),
    await measurePublication({ bytes, rounds: quick ? 1 : 3, mibPerSecond: LINK }),
  ];
}

function note(line: string): void {
  process.stderr.write(`${line}\n`);
}
