import { INIT } from "../machine.ts";
import {
  type CompileContext,
  type DocumentVersion,
  onKey,
  onMissing,
  onValue,
  suggestFrom,
} from "./compile-context.ts";
import { type Field, findField, isMapField, type MapNode, toFields } from "./tree.ts";
import { describe } from "./wording.ts";

/**
 * Checks that the document names the version that it is compiled as: the number in any spelling; of version 1 also the
 * text "1", with a warning.
 */
export function checkVersion({ problems }: CompileContext, root: Field<MapNode>, compiled: DocumentVersion): void {
  const version = findField(root, "version");
  if (version === undefined) {
    const message = 'version is missing: write "version: 1" or "version: 2".';
    problems.error("version-unsupported", onMissing(root, "version"), message);
    return;
  }
  const value = version.node.kind === "scalar" ? version.node.value : undefined;
  if (value === compiled) return;
  if (value === "1") {
    const message = 'version is the text "1"; write the number 1, without quotes.';
    problems.warn("version-coerced", onValue(version), message);
    return;
  }
  const message =
    value === "2"
      ? 'version is the text "2"; write the number 2, without quotes.'
      : `version is ${describe(version.node)}, which is not supported; write "version: 1" or "version: 2".`;
  problems.error("version-unsupported", onValue(version), message);
}

/** The end of a message about keys of version 2 in a document of version 1. */
export const ADVICE_TO_UPGRADE =
  ' Version 2 has it: write "version: 2", or let "stackyard machines upgrade FILE" rewrite this document.';

/** Returns the states by name; undefined when they could not be read. */
export function readStateMap(
  { problems, limits }: CompileContext,
  states: Field | undefined,
): ReadonlyMap<string, Field> | undefined {
  if (states === undefined || !isMapField(states)) return undefined;
  const fields = toFields(states);
  if (!fields.has(INIT)) {
    const message = `The state INIT is missing: every stack begins in it.${suggestFrom(INIT, fields.keys())}`;
    problems.error("init-required", onKey(states), message);
  }
  if (fields.size > limits.maxStates) {
    const message = `The machine has ${fields.size} states; ${limits.maxStates} are allowed.`;
    problems.error("limit-exceeded", onKey(states), message);
  }
  return fields;
}

/** Returns the tasks by name, an empty map when they are missing; undefined when they could not be read. */
export function readTaskMap(
  { problems, limits }: CompileContext,
  tasks: Field | undefined,
): ReadonlyMap<string, Field> | undefined {
  if (tasks && !isMapField(tasks)) return undefined;
  const fields = toFields(tasks);
  if (tasks && fields.size > limits.maxTasks) {
    const message = `The machine has ${fields.size} tasks; ${limits.maxTasks} are allowed.`;
    problems.error("limit-exceeded", onKey(tasks), message);
  }
  return fields;
}
