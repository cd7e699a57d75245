import { decideAccess, type Rights } from "./decide-access.ts";
import { isInternalMachine } from "./decide-event.ts";

/** A stored definition: the document of a machine, or the executor and the config of jobs. */
export interface DefinitionSubject {
  /** The name of its machine. Definitions of jobs belong to an internal machine. */
  readonly machine: string;
  /** The ids of some jobs with this definition. */
  readonly jobs: readonly string[];
}

/**
 * Decides whether a caller may read a definition with its configs, at every operation that shows one: a machine's, if the
 * caller may read the machine; a job's, if the caller may read a job that has it. Jobs with the same executor and config share
 * one definition.
 */
export function mayReadDefinition(rights: Rights, { machine, jobs }: DefinitionSubject): boolean {
  if (!isInternalMachine(machine)) return decideAccess(rights, "read", { kind: "machine", machine }) === "allowed";
  return jobs.some((stackId) => decideAccess(rights, "read", { kind: "stack", stackId, machine }) === "allowed");
}
