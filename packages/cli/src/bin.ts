#!/usr/bin/env node
import { filterWarnings } from "./filter-warnings.ts";
import { keepCompiled } from "./keep-compiled.ts";
import { findNodeProblem } from "./node-version.ts";

const problem = findNodeProblem(process.versions.node);
if (problem !== undefined) {
  console.error(`error ${problem}\nInstall it from https://nodejs.org.`);
  process.exit(3);
}
// Before any other import: `node:sqlite` warns when it is imported.
filterWarnings();
keepCompiled(process.env);
// Most of what a shell asks again and again needs neither the commands nor the engine.
const { printQuickAnswer } = await import("./start.ts");
if (!(await printQuickAnswer())) {
  const { runProcess } = await import("./run-process.ts");
  await runProcess();
}
