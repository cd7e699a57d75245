import { performance } from "node:perf_hooks";
import { execute } from "./execute.ts";
import type { CheckResult } from "./failures.ts";
import type { Keys, Passes } from "./passes.ts";

// What must hold in addition to the tests. Each check counts as one test.

interface Check {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  /** The last line of its output is printed, also when it passes. */
  readonly hasFigure?: true;
  /** Only `npm run test:all` runs it. */
  readonly isRest?: true;
  /** The files on which it depends. Without it, the check always runs: it takes less than a second, or makes files. */
  readonly reads?: (path: string) => boolean;
}

const isSource = (path: string) => /\.(?:ts|tsx|js|mjs|cjs|json)$/.test(path);
const isFormatted = (path: string) => isSource(path) || path.endsWith(".css");
/** What the packages and apps are built from. */
const isBuilt = (path: string) =>
  /^(?:packages|apps)\/[^/]+\/(?:src|bin)\/|^(?:tsup|vite)\.base\.ts$|\/(?:tsup|vite)\.config\.ts$|\/package\.json$/.test(
    path,
  ) && !/\.test(?:-d)?\.tsx?$/.test(path);
const isOf =
  (...folders: readonly string[]) =>
  (path: string) =>
    folders.some((folder) => path.startsWith(folder));

// One checker: several check most types of libraries once each. What it finds out about files stays for the next run.
const types = (project: string, name: string): Check["command"] => [
  ...(["node", "node_modules/typescript-7/bin/tsc", "-p", project, "--checkers", "1"] as const),
  ...["--incremental", "--tsBuildInfoFile", `node_modules/.cache/types/${name}.tsbuildinfo`],
];
const script = (name: string): Check["command"] => ["node", `tools/checks/${name}.ts`];
const build: Check = {
  name: "build",
  command: ["sh", "-c", "node tools/checks/bundle.ts --apps && node tools/checks/declarations.ts"],
};
/** They read sources only. */
const sourceChecks: readonly Check[] = [
  { name: "types", command: types(".", "all"), reads: isSource },
  { name: "types of the console", command: types("packages/console", "console"), reads: isSource },
  { name: "boundaries", command: script("boundaries"), reads: isSource },
  { name: "manifests", command: script("manifests") },
  { name: "entries", command: script("entry-names"), reads: isSource },
  { name: "tiers", command: script("list-tiers"), hasFigure: true },
];
/** They also read what was built. */
const builtChecks: readonly Check[] = [
  { name: "packages", command: script("packages"), isRest: true },
  { name: "lint", command: ["biome", "ci", "--colors=off", "--error-on-warnings", "."], reads: isFormatted },
  { name: "links of docs", command: ["node", "tools/docs/src/main.ts", "--check"] },
  { name: "dead code", command: ["knip", "--no-config-hints"], reads: isSource },
  {
    name: "api reports",
    command: script("api-reports"),
    reads: (path) => isBuilt(path) || path.endsWith(".api.md") || path === "tools/checks/api-reports.ts",
  },
  {
    name: "console budgets",
    command: script("console-budgets"),
    reads: (path) => isBuilt(path) || isOf("packages/console/", "tools/checks/console-")(path),
  },
  {
    name: "corridor",
    command: ["node", "tools/corridor"],
    hasFigure: true,
    reads: (path) => isBuilt(path) || isOf("tools/corridor/")(path),
  },
];

async function runCheck({ name, command, hasFigure }: Check): Promise<CheckResult> {
  const startedAt = performance.now();
  const { exitCode, output } = await execute(command);
  const ok = exitCode === 0;
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  if (!ok) console.log(output.trimEnd());
  console.log(`${ok ? "ok  " : "FAIL"} ${name} (${seconds} s)`);
  if (ok && hasFigure) console.log(`     ${output.trimEnd().split("\n").at(-1)}`);
  return { name, ok, output };
}

/** How the checks run. */
export interface ChecksOptions {
  /** Also those that only `npm run test:all` runs. */
  readonly withRest: boolean;
  /** Returns the keys for the files of now. */
  readonly readKeys: () => Keys;
  readonly record: Passes;
}

/** Runs the checks that have not passed with the files of now, and builds what tests need. Returns what each gave. */
export async function runChecks({ withRest, readKeys, record }: ChecksOptions): Promise<readonly CheckResult[]> {
  const keys = readKeys();
  const toKey = ({ name, reads }: Check, of: Keys) => reads && of.ofFiles(name, reads);
  const results: CheckResult[] = [];
  const known: string[] = [];
  const passed: Check[] = [];
  const queue = [...sourceChecks];
  const run = async (check: Check) => {
    const key = toKey(check, keys);
    if (key !== undefined && record.has(key)) {
      known.push(check.name);
      return;
    }
    const result = await runCheck(check);
    results.push(result);
    if (result.ok) passed.push(check);
  };
  const work = async () => {
    for (let check = queue.shift(); check !== undefined; check = queue.shift()) await run(check);
  };
  // Builds often wait for each other, and leave a core to one check.
  const early = work();
  await run(build);
  queue.push(...builtChecks.filter(({ isRest }) => withRest || !isRest));
  // Two at a time, as most use one core. Beside the tests, both would take longer.
  await Promise.all([early.then(work), work()]);
  // What was changed meanwhile may not be what was checked.
  const after = readKeys();
  record.add(passed.flatMap((check) => (toKey(check, after) === toKey(check, keys) ? (toKey(check, keys) ?? []) : [])));
  if (known.length > 0) console.log(`Unchanged since they passed: ${known.join(", ")}.`);
  return results;
}
