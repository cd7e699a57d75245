#!/usr/bin/env node
import { filterWarnings } from "./filter-warnings.ts";
import { findNodeProblem } from "./node-version.ts";

const problem = findNodeProblem(process.versions.node);
if (problem !== undefined) {
  console.error(`error ${problem}\nInstall it from https://nodejs.org.`);
  process.exit(3);
}
// Before any other import: `node:sqlite` warns when it is imported.
filterWarnings();
const { runProcess } = await import("./run-process.ts");
await runProcess();
