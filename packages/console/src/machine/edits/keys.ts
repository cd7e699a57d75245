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

/** Sends an event while a stack is in a state. */
export function addTimer(planning: Planning, { state, event, time }: OperationOf<"add-timer">): readonly Step[] {
  requireVersion2(planning, "timers");
  const list = locate(planning, ["states", state, "after"]);
  const value: Plain = { ...time, event };
  if (list === undefined) {
    return [{ kind: "insert-entry", path: requireState(planning, state).path, key: "after", value: [value] }];
  }
  return [{ kind: "insert-item", path: list.path, index: itemsOf(list).length, value }];
}

const TIMES = ["in", "at", "cron"];

/** Changes when a timer sends its event, and which one. */
export function changeTimer(planning: Planning, operation: OperationOf<"change-timer">): readonly Step[] {
  requireVersion2(planning, "timers");
  const { state, index, event, time } = operation;
  const owner = ["states", state, "after", index];
  const timer = locate(planning, owner);
  if (timer?.item.kind !== "map") return missing(`${state} has no such timer.`);
  const present = new Map(allEntries(timer.item).map(({ key, value }) => [key, toPlain(value)]));
  const wanted = new Map<string, string>(Object.entries({ ...time, ...defined({ event }) }));
  const set = [...wanted].flatMap(([key, value]): readonly Step[] => {
    if (present.get(key) === value) return [];
    if (present.has(key)) return setOwnKey(planning, owner, key, value);
    const after = key === "zone" ? "cron" : TIMES.find((each) => present.has(each));
    const entry = { kind: "insert-entry", path: timer.path, key, value } as const;
    return [after === undefined ? entry : { ...entry, after }];
  });
  const removed = time === undefined ? [] : [...TIMES, "zone"].filter((key) => present.has(key) && !wanted.has(key));
  return [...set, ...removed.flatMap((key) => setOwnKey(planning, owner, key, undefined))];
}

/** Removes a timer, and the list that it leaves empty. */
export function removeTimer(planning: Planning, { state, index }: OperationOf<"remove-timer">): readonly Step[] {
  const list = locate(planning, ["states", state, "after"]);
  return removeItem(list, index) ?? missing(`${state} has no such timer.`);
}

/** Takes a task from a state's list; it stays declared. */
export function removeFromState(
  planning: Planning,
  { state, task }: OperationOf<"remove-from-state">,
): readonly Step[] {
  const list = locate(planning, ["states", state, "tasks"]);
  return removeItem(list, indexOfText(list, task)) ?? missing(`${state} has no task "${task}".`);
}

function removeItem(list: Located | undefined, index: number): readonly Step[] | undefined {
  const items = itemsOf(list);
  if (list === undefined || items[index] === undefined) return undefined;
  return [{ kind: "remove", path: items.length === 1 ? list.path : [...list.path, index] }];
}

function itemsOf(list: Located | undefined): readonly Element[] {
  return list?.item.kind === "list" ? list.item.items : [];
}

function indexOfText(list: Located | undefined, text: string): number {
  return itemsOf(list).findIndex(({ value }) => value.kind === "scalar" && value.value === text);
}

function missing(message: string): never {
  throw new EditRefused("edit-missing", message);
}

/** Sets or removes the description of the machine. */
export function describe(planning: Planning, { value }: OperationOf<"describe">): readonly Step[] {
  requireVersion2(planning, "description");
  const present = valueAt(planning.source.root, "description");
  if (value === undefined) return present === undefined ? [] : [{ kind: "remove", path: ["description"] }];
  if (present !== undefined) return setOwnKey(planning, [], "description", value);
  return [{ kind: "insert-entry", path: [], key: "description", value, after: "version" }];
}
