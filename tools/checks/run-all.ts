import { join } from "node:path";
import { parseArgs } from "node:util";
import { runChecks } from "./checks.ts";
import { listFailures } from "./failures.ts";
import { findFlakes } from "./flakes.ts";
import { createHouseOf, HOUSES } from "./houses.ts";
import { loadProcessor } from "./load-processor.ts";
import { createKeys, openPasses, type Passes } from "./passes.ts";
import { repositoryRoot } from "./published-packages.ts";
import { readCommit, readRepository } from "./read-repository.ts";
import { type Batch, type BatchResult, listPassed, runBatch, toBatches } from "./run-tests.ts";
import { addSummaries } from "./test-summary.ts";
import { findTests } from "./tiers.ts";

// `npm test`: what a change needs every time. What has passed with the same files is not run again, unless `--fresh` is given. With
// `--all`, `npm run test:all`: everything that must hold, whatever has passed. `--no-tests` leaves the tests out, `--no-checks` all else, also
// the build; `--repeat N` runs them N times and lists those that do not always pass, with `--load` on a busy processor. With folders, only
// their tests; with `--house yard` or `--house aws`, only those of one house.

const { values: options, positionals: places } = parseArgs({
  allowPositionals: true,
  options: {
    all: { type: "boolean", default: false },
    fresh: { type: "boolean", default: false },
    "no-tests": { type: "boolean", default: false },
    "no-checks": { type: "boolean", default: false },
    repeat: { type: "string", default: "1" },
    load: { type: "boolean", default: false },
    house: { type: "string" },
  },
});
const house = HOUSES.find((name) => name === options.house);
if (options.house !== undefined && house === undefined) {
  console.error(`error There is no house "${options.house}": ${HOUSES.join(" or ")}.`);
  process.exit(64);
}
const houseOf = createHouseOf(repositoryRoot);
const isFresh = options.all || options.fresh || options.repeat !== "1";
const readKeys = () => createKeys(readRepository(repositoryRoot));

/** Runs the tests of a batch that have not passed with the files of now, and remembers those that pass: one result, or none. */
async function runChanged(batch: Batch, record: Passes): Promise<readonly BatchResult[]> {
  const keys = readKeys();
  const files = batch.files.filter(({ path }) => isFresh || !record.has(keys.ofTest(path)));
  const known = batch.files.length - files.length;
  if (known > 0)
    console.log(`${known} of ${batch.files.length} files of ${batch.noun} are unchanged since they passed.`);
  if (files.length === 0) return [];
  const result = await runBatch({ ...batch, files });
  // A file that was changed meanwhile may not be what ran.
  const after = readKeys();
  const passed = listPassed(result).filter((path) => after.ofTest(path) === keys.ofTest(path));
  if (!options.all) record.add(passed.map(keys.ofTest));
  return [result];
}

const record = openPasses(join(repositoryRoot, "node_modules/.cache/stackyard-tests/passes.json"));
const nothing: Passes = { has: () => false, add: () => undefined };
const checks = options["no-checks"]
  ? []
  : await runChecks({ withRest: options.all, readKeys, record: isFresh ? nothing : record });
const stopLoad = options.load ? loadProcessor() : undefined;
const files = findTests(repositoryRoot).filter(
  ({ path }) =>
    (places.length === 0 || places.some((place) => path.startsWith(place))) &&
    (house === undefined || houseOf(path) === house),
);
const batches = options["no-tests"] ? [] : toBatches(files, options.all, readCommit(repositoryRoot));
const rounds: BatchResult[][] = [];
for (let round = 0; round < Number(options.repeat); round += 1) {
  const results: BatchResult[] = [];
  // One after another: each uses all cores.
  for (const batch of batches) results.push(...(await runChanged(batch, record)));
  rounds.push(results);
}
stopLoad?.();
const flakes = findFlakes(rounds.map((results) => results.map(({ report }) => report)));
if (flakes.length > 0) console.log(["Failed only sometimes:", ...flakes.map((line) => `  ${line}`)].join("\n"));
const tests = addSummaries(rounds.flat().map(({ summary }) => summary));
const passed = tests.passed + checks.filter(({ ok }) => ok).length;
const failed = tests.failed + checks.filter(({ ok }) => !ok).length;
const failures = listFailures({ checks, tests: rounds.flat(), root: repositoryRoot });
if (failures.length > 0) console.log(`\n${failures.join("\n")}`);
const left = options.all ? "" : "; npm run test:all runs the others";
console.log(
  `\n${checks.length} checks and ${tests.passed + tests.failed} tests; ${tests.skipped} tests skipped${left}`,
);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
