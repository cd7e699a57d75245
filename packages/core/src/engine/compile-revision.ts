import type { ExecutorRegistry } from "../machine/executor-definition.ts";
import type { Machine } from "../machine/machine.ts";
import { parseMachine } from "../machine/parse-machine.ts";
import { parseRunMachine, RUN_MACHINE } from "../machine/run-machine.ts";
import type { Revision } from "../ports/locator.ts";

/** Compiles a kept revision; undefined when it no longer compiles. */
export type CompileRevision = (revision: Revision) => Machine | undefined;

/** A compiler of kept revisions for the executors that are registered. */
export function createCompileRevision(executors: ExecutorRegistry): CompileRevision {
  return (revision) => {
    if (revision.name === RUN_MACHINE) return parseRunMachine(revision.source);
    return parseMachine(revision.source, { name: revision.name, executors, kept: true }).machine;
  };
}
