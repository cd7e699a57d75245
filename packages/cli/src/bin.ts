#!/usr/bin/env node
import { findFolderProblem } from "./current-folder.ts";
import { filterWarnings } from "./filter-warnings.ts";
import { keepCompiled } from "./keep-compiled.ts";
import { findNodeProblem } from "./node-version.ts";
import { mayBeQuick } from "./quick-words.ts";

const problem = findNodeProblem(process.versions.node);
if (problem !== undefined) {
  console.error(`error ${problem}\nInstall it from https://nodejs.org.`);
  process.exit(3);
}
const missing = findFolderProblem(() => process.cwd());
if (missing !== undefined) {
  console.error(missing);
  process.exit(3);
}
// Before any other import: `node:sqlite` warns when it is imported.
filterWarnings();
keepCompiled(process.env);
if (!(await endEarly())) {
  const { runProcess } = await import("./run-process.ts");
  await runProcess();
}

/** Ends the process if the table of commands answers its words, or what needs no yard does. Returns false otherwise. */
async function endEarly(): Promise<boolean> {
  if (mayBeQuick(process.argv.slice(2))) {
    const { printQuickAnswer } = await import("./start.ts");
    return await printQuickAnswer();
  }
  const { runDirectly } = await import("./direct.ts");
  return await runDirectly();
}
