import { parseArgs } from "node:util";
import { runChecks } from "./checks.ts";
import { findFlakes } from "./flakes.ts";
import { loadProcessor } from "./load-processor.ts";
import { repositoryRoot } from "./published-packages.ts";
import { type BatchResult, runBatch, toBatches } from "./run-tests.ts";
import { addSummaries } from "./test-summary.ts";
import { findTests } from "./tiers.ts";

// `npm test`: what a change needs every time. With `--all`, `npm run test:all`: everything that must hold. `--no-tests` leaves the
// tests out; `--repeat N` runs them N times and lists those that do not always pass, with `--load` beside a busy processor.

const { values: options } = parseArgs({
  options: {
    all: { type: "boolean", default: false },
    "no-tests": { type: "boolean", default: false },
    repeat: { type: "string", default: "1" },
    load: { type: "boolean", default: false },
  },
});

const checks = await runChecks(options.all);
const stopLoad = options.load ? loadProcessor() : undefined;
const batches = options["no-tests"] ? [] : toBatches(findTests(repositoryRoot), options.all);
const rounds: BatchResult[][] = [];
for (let round = 0; round < Number(options.repeat); round += 1) {
  const results: BatchResult[] = [];
  // One after another: each uses all cores.
  for (const batch of batches) results.push(await runBatch(batch));
  rounds.push(results);
}
stopLoad?.();
const flakes = findFlakes(rounds.map((results) => results.map(({ report }) => report)));
if (flakes.length > 0) console.log(["Failed only sometimes:", ...flakes.map((line) => `  ${line}`)].join("\n"));
const tests = addSummaries(rounds.flat().map(({ summary }) => summary));
const passed = tests.passed + checks.filter(Boolean).length;
const failed = tests.failed + checks.filter((ok) => !ok).length;
const left = options.all ? "" : "; npm run test:all runs the others";
console.log(
  `\n${checks.length} checks and ${tests.passed + tests.failed} tests; ${tests.skipped} tests skipped${left}`,
);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
