import { onKey, onValue } from "../document/compile-context.ts";
import { type Field, findField, type MapNode } from "../document/tree.ts";
import { quote } from "../document/wording.ts";
import { readTextList, type TextItem } from "./read-text-list.ts";
import { suggestWithin, type V2Context } from "./v2-context.ts";

/** The tasks that a task needs, each once; unknown ones are problems and left out. */
export function readNeeds(
  context: V2Context,
  task: Field<MapNode>,
  known: Pick<ReadonlySet<string>, "has" | "keys">,
): readonly TextItem[] {
  const field = findField(task, "needs");
  const rule = { code: "needs-not-list", what: "needs must be a list of names of tasks" };
  const items = (field && readTextList(context, field, rule)) ?? [];
  const { maxStateTasks } = context.limits;
  if (field && items.length > maxStateTasks) {
    const message = `The task has ${items.length} needs; ${maxStateTasks} are allowed, as many as a state may have tasks.`;
    context.problems.error("limit-exceeded", onKey(field), message);
  }
  const needs = new Map<string, TextItem>();
  for (const item of items.slice(0, maxStateTasks)) {
    const fault = findFault(context, item.text, { known, needs });
    if (fault) context.problems.error(fault.code, onValue(item.field), fault.message);
    else needs.set(item.text, item);
  }
  return [...needs.values()];
}

interface NeedsInput {
  readonly known: Pick<ReadonlySet<string>, "has" | "keys">;
  /** Those before. */
  readonly needs: ReadonlyMap<string, TextItem>;
}

function findFault(
  context: V2Context,
  name: string,
  { known, needs }: NeedsInput,
): { readonly code: string; readonly message: string } | undefined {
  if (!known.has(name)) {
    const near = suggestWithin(context, name, known.keys());
    return { code: "needs-undefined", message: `There is no task ${quote(name)}.${near}` };
  }
  if (!needs.has(name)) return undefined;
  return { code: "needs-duplicate", message: `The task ${quote(name)} is among the needs twice.` };
}
