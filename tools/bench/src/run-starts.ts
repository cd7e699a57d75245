import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { loadavg } from "node:os";
import { BUILT_CLI, withProject } from "./bench-project.ts";
import { publish, type ReportOptions, type Table, toMachineLine } from "./report.ts";

/** Starts that are counted together: the system counts CPU in steps of 10 ms. */
const GROUP = 4;
const STEP_MS = 10;
/** No server listens there: what a command costs before its first answer. */
const NOWHERE = "http://127.0.0.1:9";

/** The program that all others are a multiple of. */
const BARE = "node -e 0";
const PROGRAMS: ReadonlyMap<string, readonly string[]> = new Map([
  [BARE, ["-e", "0"]],
  ["stackyard --version", [BUILT_CLI, "--version"]],
  ["stackyard --help", [BUILT_CLI, "--help"]],
  ["stackyard validate", [BUILT_CLI, "validate"]],
  ["stackyard graph", [BUILT_CLI, "graph", "environment"]],
  ["stackyard stacks ls, without a server", [BUILT_CLI, "stacks", "ls", "--url", NOWHERE]],
]);

interface Start {
  readonly program: string;
  /** Of user and system, of one start. */
  readonly cpuMs: number;
  readonly ratio: number;
}

/** Measures the CPU of starts of the built command line, in turns with a bare start of Node: the ratios carry over to other machines. */
export async function runStarts(options: ReportOptions): Promise<void> {
  const starts = await withProject(async (cwd) => measureStarts(cwd, options.quick ? 1 : 7));
  const load = loadavg()[0] ?? 0;
  publish(options, {
    section: "starts",
    command: "--starts",
    machine: `${toMachineLine()}, load ${load.toFixed(1)}`,
    tables: [toTable(starts)],
    figures: { starts, load },
  });
}

function measureStarts(cwd: string, rounds: number): readonly Start[] {
  const measured = new Map<string, number[]>();
  // The first round fills the folder of compiled files.
  for (let round = 0; round <= rounds; round++) {
    for (const [program, args] of PROGRAMS) {
      const cpuMs = measureGroup(args, cwd);
      if (round > 0) measured.set(program, [...(measured.get(program) ?? []), cpuMs]);
    }
  }
  const bareMs = medianOf(measured.get(BARE) ?? []);
  return [...measured].map(([program, all]) => ({ program, cpuMs: medianOf(all), ratio: medianOf(all) / bareMs }));
}

function measureGroup(args: readonly string[], cwd: string): number {
  const before = readChildrenMs();
  for (let count = 0; count < GROUP; count++) spawnSync(process.execPath, args, { cwd, stdio: "ignore" });
  return (readChildrenMs() - before) / GROUP;
}

/** Reads the CPU of the children that have ended, in ms: fields 16 and 17 of the file, and the second may have spaces. */
function readChildrenMs(): number {
  const fields = readFileSync("/proc/self/stat", "utf8").split(") ").at(-1)?.split(" ") ?? [];
  return (Number(fields[13]) + Number(fields[14])) * STEP_MS;
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function toTable(starts: readonly Start[]): Table {
  return {
    title: "CPU of a start, relative to a bare start of Node in the same run; medians",
    head: ["program", "ms of CPU", `× ${BARE}`],
    rows: starts.map(({ program, cpuMs, ratio }) => [program, cpuMs.toFixed(0), ratio.toFixed(1)]),
  };
}
