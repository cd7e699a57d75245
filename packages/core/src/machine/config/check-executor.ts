import { type CompileContext, onValue, suggestFrom } from "../document/compile-context.ts";
import { type Field, findText } from "../document/tree.ts";
import { describe, listNames } from "../document/wording.ts";

/** The name of an executor that there is; undefined, with `executor-unknown`, for anything else. */
export function checkExecutor(context: CompileContext, executor: Field): string | undefined {
  const name = findText(executor);
  const known = new Set(["terraform", "lambda", ...context.executors.keys(), ...context.uncheckedExecutors]);
  if (name !== undefined && known.has(name)) return name;
  const near = name === undefined ? "" : suggestFrom(name, known);
  const message = `There is no executor ${describe(executor.node)}.${near} Registered: ${listNames(known)}.`;
  context.problems.error("executor-unknown", onValue(executor), message);
  return undefined;
}
