import { type ChildProcess, spawn } from "node:child_process";
import { on, once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { loadavg } from "node:os";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { BUILT_CLI, withProject } from "./bench-project.ts";
import { publish, type ReportOptions, toMachineLine } from "./report.ts";

const TERRAFORM = `variable "stack_id" {
  type    = string
  default = ""
}
resource "terraform_data" "app" {
  count = 3
  input = var.stack_id
}
`;
/** As many as a yard runs by default. */
const AT_ONCE = 8;
const STEP_MS = 10;
const LIMIT_MS = 600_000;

interface Batch {
  readonly who: string;
  readonly count: number;
  readonly seconds: number;
  /** Of the server alone; 0 for xargs. */
  readonly ownCpuMs: number;
  /** With all programs that were started. */
  readonly cpuMs: number;
  /** Of the seconds, to those of xargs. */
  readonly ratio: number;
  /** Of the CPU. */
  readonly cpuRatio: number;
}

/**
 * Measures environments that are opened at once, with a warm server, and the same Terraform programs by `xargs`, in turns. The
 * first batch of the server warms it up.
 */
export async function runEnvironments(options: ReportOptions): Promise<void> {
  const counts = options.quick ? [4] : [10, 50];
  const batches = await withProject((cwd) => measureCounts(cwd, counts, options.quick ? 1 : 3));
  const load = loadavg()[0] ?? 0;
  publish(options, {
    section: "environments",
    command: "--environments",
    machine: `${toMachineLine()}, load ${load.toFixed(1)}`,
    tables: [
      {
        title:
          "Environments of one small Terraform run each, opened at once, and `xargs -P 8` with init and apply; medians",
        head: ["who", "environments", "seconds", "× xargs", "ms of CPU an environment", "× xargs", "of it the server"],
        rows: batches.map(toRow),
      },
    ],
    figures: { batches, load },
  });
}

function toRow({ who, count, seconds, ratio, cpuMs, cpuRatio, ownCpuMs }: Batch): readonly string[] {
  const own = ownCpuMs === 0 ? "–" : (ownCpuMs / count).toFixed(0);
  return [
    who,
    String(count),
    seconds.toFixed(1),
    ratio.toFixed(2),
    (cpuMs / count).toFixed(0),
    cpuRatio.toFixed(2),
    own,
  ];
}

async function measureCounts(cwd: string, counts: readonly number[], rounds: number): Promise<readonly Batch[]> {
  await writeFile(join(cwd, "terraform/app/main.tf"), TERRAFORM);
  const server = await startServer(cwd);
  try {
    await openEnvironments(server, "warm", AT_ONCE);
    const all: Batch[] = [];
    for (const count of counts) all.push(...(await measureCount(server, cwd, count, rounds)));
    return all;
  } finally {
    server.child.kill("SIGTERM");
    await once(server.child, "exit");
  }
}

async function measureCount(server: Server, cwd: string, count: number, rounds: number): Promise<readonly Batch[]> {
  const ours: Spent[] = [];
  const bare: Spent[] = [];
  for (let round = 0; round < rounds; round++) {
    bare.push(await runXargs(cwd, `${count}-${round}`, count));
    ours.push(await openEnvironments(server, `${count}-${round}`, count));
  }
  const [first, second] = [toMedian(bare), toMedian(ours)];
  return [
    { who: "xargs", count, ...first, ratio: 1, cpuRatio: 1 },
    {
      who: "stackyard dev, warm",
      count,
      ...second,
      ratio: second.seconds / first.seconds,
      cpuRatio: second.cpuMs / first.cpuMs,
    },
  ];
}

/** What one batch took. */
type Spent = Pick<Batch, "seconds" | "ownCpuMs" | "cpuMs">;

function toMedian(all: readonly Spent[]): Spent {
  return {
    seconds: medianOf(all.map((each) => each.seconds)),
    ownCpuMs: medianOf(all.map((each) => each.ownCpuMs)),
    cpuMs: medianOf(all.map((each) => each.cpuMs)),
  };
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

interface Server {
  readonly child: ChildProcess;
  readonly url: string;
  /** The lines that it prints: to ask it by HTTP again and again would be a part of what is measured. */
  readonly lines: Interface;
}

async function startServer(cwd: string): Promise<Server> {
  const child = spawn(process.execPath, [BUILT_CLI, "dev", "--port", "0", "--no-token", "--json"], {
    cwd,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout });
  const [line] = await once(lines, "line");
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(String(line))?.[0];
  if (url === undefined) throw new Error(`The server did not say where it is: ${line}`);
  return { child, url, lines };
}

/** Sends one event for each, and waits until all have arrived. */
async function openEnvironments(server: Server, name: string, count: number): Promise<Spent> {
  const stacks = Array.from({ length: count }, (_, index) => `${name}-${index}`);
  const before = readCpu(server.child.pid);
  const startedAt = performance.now();
  const allLive = untilLive(server, new Set(stacks));
  const answers = stacks.map((stackId) =>
    fetch(`${server.url}/v1/events`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ event: "OPENED", stackId, machine: "environment" }),
    }),
  );
  for (const answer of await Promise.all(answers)) {
    const text = await answer.text();
    if (!answer.ok || text.includes("invalid")) throw new Error(text);
  }
  await allLive;
  const seconds = (performance.now() - startedAt) / 1_000;
  const after = readCpu(server.child.pid);
  return { seconds, ownCpuMs: after.ownMs - before.ownMs, cpuMs: after.allMs - before.allMs };
}

/** Resolves when the server has printed of each that it is LIVE. */
async function untilLive({ lines }: Server, stackIds: Set<string>): Promise<void> {
  const signal = AbortSignal.timeout(LIMIT_MS);
  for await (const [line] of on(lines, "line", { signal })) {
    const { kind, stackId, to }: { kind?: string; stackId?: string; to?: string } = JSON.parse(line);
    if (kind === "history" && to === "LIVE" && stackId !== undefined) stackIds.delete(stackId);
    if (stackIds.size === 0) return;
  }
}

/** Reads the CPU of a process, and with that of its children and of what they have started and that has ended, in ms. */
function readCpu(pid: number | undefined): { readonly ownMs: number; readonly allMs: number } {
  const own = readFields(String(pid));
  const children = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(readFields)
    .filter(([, parent]) => parent === String(pid));
  const sum = (fields: readonly string[], first: number, last: number) =>
    fields.slice(first, last).reduce((total, field) => total + Number(field), 0) * STEP_MS;
  // After the state and the parent: user and system time, then those of its children.
  const allMs = [own, ...children].reduce((total, fields) => total + sum(fields, 11, 15), 0);
  return { ownMs: sum(own, 11, 13), allMs };
}

function readFields(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
  } catch {
    return [];
  }
}

/** Runs the same programs, each in a folder of its own. */
async function runXargs(cwd: string, name: string, count: number): Promise<Spent> {
  const folder = join(cwd, "bare", name);
  const names = Array.from({ length: count }, (_, index) => String(index));
  for (const each of names) {
    await mkdir(join(folder, each), { recursive: true });
    await writeFile(join(folder, each, "main.tf"), TERRAFORM);
  }
  const script = `cd ${folder}/$0 && terraform init -input=false -no-color >log && terraform apply -input=false -auto-approve -json >log2`;
  const before = sumOfChildren();
  const startedAt = performance.now();
  const child = spawn("xargs", ["-P", String(AT_ONCE), "-n", "1", "sh", "-c", script], {
    stdio: ["pipe", "inherit", "ignore"],
  });
  child.stdin.end(names.join("\n"));
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`xargs ended with ${code}.`);
  return { seconds: (performance.now() - startedAt) / 1_000, ownCpuMs: 0, cpuMs: sumOfChildren() - before };
}

/** The CPU of children of this process that have ended, in ms. */
function sumOfChildren(): number {
  const [user, system] = readFields("self").slice(13, 15).map(Number);
  return ((user ?? 0) + (system ?? 0)) * STEP_MS;
}
