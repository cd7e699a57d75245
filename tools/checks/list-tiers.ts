import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "./published-packages.ts";
import { reportAndExit } from "./report.ts";
import { findTests, findUntested } from "./tiers.ts";

// Lists every file of tests with its tier and why. Fails when a store, a transport or an app has no test in the first tier.

const tests = findTests(repositoryRoot);
for (const { tier, project, path, why } of tests) console.log(`${tier.padEnd(6)}${project.padEnd(8)}${path}: ${why}`);
const folders = ["apps", "packages"].flatMap((home) =>
  readdirSync(join(repositoryRoot, home)).map((name) => `${home}/${name}`),
);
const first = tests.filter(({ tier }) => tier === "first").length;
const note = `${first} of ${tests.length} files in npm test, all of them in npm run test:all`;
const untested = findUntested(folders, tests, (path) => readFileSync(join(repositoryRoot, path), "utf8"));
reportAndExit("tiers", untested, note);
