import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import type { Readable } from "node:stream";
import { repositoryRoot } from "./published-packages.ts";
import { type TestSummary, toTestSummary } from "./test-summary.ts";

// Everything that must hold, in one run: `--no-tests` leaves the tests out. Each check counts as one test.

interface Check {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  /** The last line of its output is printed, also when it passes. */
  readonly hasFigure?: true;
}

// One checker: several check most types of libraries once each.
const compiler = "node_modules/typescript-7/bin/tsc";
const types = (project: string): Check["command"] => ["node", compiler, "-p", project, "--checkers", "1"];
const script = (name: string): Check["command"] => ["node", `tools/checks/${name}.ts`];
const build: Check = { name: "build", command: ["npm", "run", "-s", "bundle"] };
/** They read sources only. */
const sourceChecks: readonly Check[] = [
  { name: "types", command: types(".") },
  { name: "types of the console", command: types("packages/console") },
  { name: "boundaries", command: script("boundaries") },
  { name: "manifests", command: script("manifests") },
  { name: "entries", command: script("entry-names") },
];
/** They also read what was built. */
const builtChecks: readonly Check[] = [
  { name: "packages", command: script("packages") },
  { name: "lint", command: ["biome", "ci", "--colors=off", "--error-on-warnings", "."] },
  { name: "links of docs", command: ["node", "tools/docs/src/main.ts", "--check"] },
  { name: "dead code", command: ["knip", "--no-config-hints"] },
  { name: "api reports", command: script("api-reports") },
  { name: "console budgets", command: script("console-budgets") },
  { name: "corridor", command: ["node", "tools/corridor", "--max", "40"], hasFigure: true },
];

const LEAST_MEMORY_BYTES = 8 * 1_024 ** 3;

/** Returns a folder in memory if the machine has room for it: tests write thousands of small files, which cost a disk a tenth of the run. */
function findMemory(): string | undefined {
  const folder = "/dev/shm";
  if (!existsSync(folder)) return undefined;
  const { bavail, bsize } = statfsSync(folder);
  return Math.min(bavail * bsize, process.availableMemory()) > LEAST_MEMORY_BYTES ? folder : undefined;
}

// One folder for the temporary files of all checks and tests, which goes with them.
const temp = mkdtempSync(join(findMemory() ?? tmpdir(), "tests-"));
// As for the system's own folder: a database that tests start as root runs as another user.
chmodSync(temp, 0o1777);
process.on("exit", () => {
  try {
    rmSync(temp, { recursive: true, force: true, maxRetries: 3 });
  } catch (error) {
    // What a process that still ends has written may stay; it is no reason to fail.
    console.error(`${temp} could not be removed: ${error instanceof Error ? error.message : error}`);
  }
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));

const bins = ["node_modules/.bin"].map((folder) => join(repositoryRoot, folder)).join(":");
const env = {
  ...process.env,
  PATH: `${bins}:${process.env["PATH"]}`,
  NX_DAEMON: "false",
  TMPDIR: temp,
  // Hundreds of processes load the same modules: a compiled module is kept for the next.
  NODE_COMPILE_CACHE: join(repositoryRoot, "node_modules/.cache/compiled"),
  // The compilers that are written in Go collect their garbage less often.
  GOGC: "400",
  // Large pages for what glibc allocates: a tenth less processor time, of tests with large buffers half.
  GLIBC_TUNABLES: "glibc.malloc.hugetlb=1",
};

function execute([command, ...args]: Check["command"], live: boolean): Promise<{ exitCode: number; output: string }> {
  const child = spawn(command, args, { cwd: repositoryRoot, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  // Without file descriptors, no streams exist, only the error.
  const streams: readonly (Readable | undefined)[] = [child.stdout, child.stderr];
  for (const stream of streams) {
    stream?.on("data", (chunk: Buffer) => {
      if (live) process.stdout.write(chunk);
      else output += chunk;
    });
  }
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ exitCode: code ?? 1, output }));
  });
}

async function passes({ name, command, hasFigure }: Check): Promise<boolean> {
  const startedAt = performance.now();
  const { exitCode, output } = await execute(command, false);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  if (exitCode !== 0) console.log(output.trimEnd());
  console.log(`${exitCode === 0 ? "ok  " : "FAIL"} ${name} (${seconds} s)`);
  if (exitCode === 0 && hasFigure) console.log(`     ${output.trimEnd().split("\n").at(-1)}`);
  return exitCode === 0;
}

// Not `types`: the check of types compiles these files, too.
const projects = ["unit", "int", "browser", "e2e"].flatMap((name) => ["--project", name]);

async function test(): Promise<TestSummary> {
  const file = join(temp, "report.json");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
  reporters.push(`--reporter=${join(repositoryRoot, "tools/checks/second-tries.ts")}`);
  const { exitCode } = await execute(["vitest", "run", ...projects, ...reporters], true);
  const report = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
  return toTestSummary(report, exitCode);
}

const results: boolean[] = [];
const queue = [...sourceChecks];
const work = async () => {
  for (let check = queue.shift(); check !== undefined; check = queue.shift()) results.push(await passes(check));
};
// Builds often wait for each other, and leave a core to one check.
const early = work();
results.push(await passes(build));
queue.push(...builtChecks);
// Two at a time, as most use one core. Beside the tests, both would take longer.
await Promise.all([early.then(work), work()]);
const none: TestSummary = { passed: 0, failed: 0, skipped: 0 };
const tests = process.argv.includes("--no-tests") ? none : await test();
const passed = tests.passed + results.filter(Boolean).length;
const failed = tests.failed + results.filter((ok) => !ok).length;
console.log(`\n${results.length} checks and ${tests.passed + tests.failed} tests; ${tests.skipped} tests skipped`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
