import { performance } from "node:perf_hooks";
import { execute } from "./execute.ts";

// What must hold beside the tests. Each check counts as one test.

interface Check {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  /** The last line of its output is printed, also when it passes. */
  readonly hasFigure?: true;
  /** Only `npm run test:all` runs it. */
  readonly isRest?: true;
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
  { name: "tiers", command: script("list-tiers"), hasFigure: true },
];
/** They also read what was built. */
const builtChecks: readonly Check[] = [
  { name: "packages", command: script("packages"), isRest: true },
  { name: "lint", command: ["biome", "ci", "--colors=off", "--error-on-warnings", "."] },
  { name: "links of docs", command: ["node", "tools/docs/src/main.ts", "--check"] },
  { name: "dead code", command: ["knip", "--no-config-hints"] },
  { name: "api reports", command: script("api-reports") },
  { name: "console budgets", command: script("console-budgets") },
  { name: "corridor", command: ["node", "tools/corridor", "--max", "40"], hasFigure: true },
];

async function passes({ name, command, hasFigure }: Check): Promise<boolean> {
  const startedAt = performance.now();
  const { exitCode, output } = await execute(command);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  if (exitCode !== 0) console.log(output.trimEnd());
  console.log(`${exitCode === 0 ? "ok  " : "FAIL"} ${name} (${seconds} s)`);
  if (exitCode === 0 && hasFigure) console.log(`     ${output.trimEnd().split("\n").at(-1)}`);
  return exitCode === 0;
}

/** Runs the checks, and builds what tests need. Returns for each whether it passed. */
export async function runChecks(withRest: boolean): Promise<readonly boolean[]> {
  const results: boolean[] = [];
  const queue = [...sourceChecks];
  const work = async () => {
    for (let check = queue.shift(); check !== undefined; check = queue.shift()) results.push(await passes(check));
  };
  // Builds often wait for each other, and leave a core to one check.
  const early = work();
  results.push(await passes(build));
  queue.push(...builtChecks.filter(({ isRest }) => withRest || !isRest));
  // Two at a time, as most use one core. Beside the tests, both would take longer.
  await Promise.all([early.then(work), work()]);
  return results;
}
