import { readdirSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "./published-packages.ts";
import { createReach } from "./reach.ts";
import { readRepository } from "./read-repository.ts";
import { reportAndExit } from "./report.ts";
import { findTests, findUntested } from "./tiers.ts";

// Lists every file of tests with its tier and why; with paths of files, only those that a change in one of them reaches. Fails
// when a store, a transport or an app has no test in the first tier.

const changed = process.argv.slice(2);
const repository = readRepository(repositoryRoot);
const reach = createReach(repository);
const tests = findTests(repositoryRoot);
const listed = tests.filter(({ path }) => {
  const reached = changed.length === 0 ? "everything" : reach(path);
  return reached === "everything" || changed.some((each) => reached.has(each));
});
for (const { tier, project, path, why } of listed) console.log(`${tier.padEnd(6)}${project.padEnd(8)}${path}: ${why}`);
const folders = ["apps", "packages"].flatMap((home) =>
  readdirSync(join(repositoryRoot, home)).map((name) => `${home}/${name}`),
);
const first = listed.filter(({ tier }) => tier === "first").length;
const note = `${first} of ${listed.length} files in npm test, all of them in npm run test:all`;
reportAndExit("tiers", findUntested(folders, tests, repository.read), note);
