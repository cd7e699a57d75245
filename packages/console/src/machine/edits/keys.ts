import { defined } from "@stackyard/core";
import { type Located, locate, type Planning } from "./locate.ts";
import { toPlain } from "./model.ts";
import { COLLECTIONS, insertDeclaration, requireDeclared, requireNewName, requireVersion2 } from "./names.ts";
import { EditRefused, type NameKind, type OperationOf, type Path, type Plain } from "./operation.ts";
import { requireState, setOwnKey } from "./reactions.ts";
import { findReferences } from "./references.ts";
import { allEntries, type Element, type ListItem, valueAt } from "./source.ts";
import type { Step } from "./step.ts";

const V1_KEYS: Readonly<Record<NameKind, readonly string[]>> = {
  state: ["terminal", "tasks", "on"],
  task: ["executor", "config"],
  event: [],
  metadata: [],
  target: [],
};

/** Sets or removes a key of a state, event, task, metadata key or target. */
export function setKey(planning: Planning, { what, name, key, value }: OperationOf<"set-key">): readonly Step[] {
  requireDeclared(planning.source, what, name);
  if (!V1_KEYS[what].includes(key)) requireVersion2(planning, `"${key}" in ${COLLECTIONS[what]}`);
  const events = what === "event" ? locate(planning, ["events"]) : undefined;
  if (events?.item.kind === "list") return toEventMap(events.item, events.path, { name, key, value });
  return setOwnKey(planning, [COLLECTIONS[what], name], key, value);
}

/** Sets how often a task is tried; what else its `retry` contains stays. */
export function setAttempts(planning: Planning, { task, attempts }: OperationOf<"set-attempts">): readonly Step[] {
  requireDeclared(planning.source, "task", task);
  requireVersion2(planning, '"retry" of a task');
  const owner = [COLLECTIONS.task, task];
  const retry = locate(planning, [...owner, "retry"], true)?.item;
  if (retry?.kind !== "map")
    return setOwnKey(planning, owner, "retry", attempts === undefined ? undefined : { attempts });
  const isAlone = allEntries(retry).every(({ key }) => key === "attempts");
  if (attempts === undefined && isAlone) return setOwnKey(planning, owner, "retry", undefined);
  return setOwnKey(planning, [...owner, "retry"], "attempts", attempts);
}

interface EventKey {
  readonly name: string;
  readonly key: string;
  readonly value: Plain | undefined;
}

/** Converts a list of events, which has no place for keys, to a map. */
function toEventMap(list: ListItem, path: Path, { name, key, value }: EventKey): readonly Step[] {
  if (value === undefined) return [];
  const names = list.items.map((item) => String(toPlain(item.value)));
  const entries = names.map((each) => [each, each === name ? { [key]: value } : {}]);
  return [{ kind: "replace", path, value: Object.fromEntries(entries) }];
}

/** Adds a task to a state's list, and declares it where it is new. */
export function addTask(
  planning: Planning,
  { state, name, executor, config }: OperationOf<"add-task">,
): readonly Step[] {
  const isKnown = findReferences(planning.source).some(
    (each) => each.declares && each.what === "task" && each.name === name,
  );
  const list = locate(planning, ["states", state, "tasks"]);
  if (list !== undefined && indexOfText(list, name) !== -1) {
    throw new EditRefused("edit-exists", `${state} has the task "${name}" already.`, { place: list.item.range });
  }
  const listed: Step =
    list === undefined
      ? { kind: "insert-entry", path: requireState(planning, state).path, key: "tasks", value: [name] }
      : { kind: "insert-item", path: list.path, index: itemsOf(list).length, value: name };
  if (isKnown) return [listed];
  requireNewName(planning, "task", name);
  const value: Plain = defined({ executor, config });
  return [listed, insertDeclaration(planning, "task", { name, value })];
}

/** Takes a task from a state's list, and the list when it leaves it empty; the task stays declared. */
export function removeFromState(
  planning: Planning,
  { state, task }: OperationOf<"remove-from-state">,
): readonly Step[] {
  const list = locate(planning, ["states", state, "tasks"]);
  const index = indexOfText(list, task);
  if (list === undefined || index === -1) {
    throw new EditRefused("edit-missing", `${state} has no task "${task}".`);
  }
  return [{ kind: "remove", path: itemsOf(list).length === 1 ? list.path : [...list.path, index] }];
}

function itemsOf(list: Located | undefined): readonly Element[] {
  return list?.item.kind === "list" ? list.item.items : [];
}

function indexOfText(list: Located | undefined, text: string): number {
  return itemsOf(list).findIndex(({ value }) => value.kind === "scalar" && value.value === text);
}

/** Sets or removes the description of the machine. */
export function describe(planning: Planning, { value }: OperationOf<"describe">): readonly Step[] {
  requireVersion2(planning, "description");
  const present = valueAt(planning.source.root, "description");
  if (value === undefined) return present === undefined ? [] : [{ kind: "remove", path: ["description"] }];
  if (present !== undefined) return setOwnKey(planning, [], "description", value);
  return [{ kind: "insert-entry", path: [], key: "description", value, after: "version" }];
}
