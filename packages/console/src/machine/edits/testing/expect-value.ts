import { isScalar, parseDocument, visit } from "yaml";
import { findExpressions, findMentions, renameMention } from "../expressions.ts";
import type { NameKind, Operation, OperationOf, Plain, ReactionPlace } from "../operation.ts";

// What edits mean, said once more on plain values and without a document: the property compares the edited text with it.

// biome-ignore lint/suspicious/noExplicitAny: documents of any shape
type Any = any;

/** Reads a text as a plain value. Of a key that is in a map twice, the first counts, as core reads machines. */
export function readPlain(text: string): Any {
  const document = parseDocument(text.replace(/^\uFEFF/, ""), {
    version: "1.2",
    schema: "core",
    merge: true,
    uniqueKeys: false,
  });
  visit(document, {
    Map(_key, map) {
      const seen = new Set<unknown>();
      map.items = map.items.filter(({ key }) => {
        // Each merge key of a map is a separate symbol.
        const name = isScalar(key) ? key.value : key;
        const isFirst = !seen.has(name);
        seen.add(name);
        return isFirst;
      });
    },
  });
  const root = document.toJS({ maxAliasCount: -1 });
  // An edit may change the templates that are merged: what they contain counts where it is merged.
  const isTemplate = (key: string) => key.startsWith("x-") && text.includes("<<:");
  return Object.fromEntries(Object.entries(root).filter(([key]) => !isTemplate(key)));
}

/** Returns the value that a document has after an edit. */
export function expectValue(before: Any, operation: Operation): Any {
  const root = structuredClone(before);
  (HANDLERS[operation.kind] as (root: Any, operation: Operation) => void)(root, operation);
  return root;
}

const KEYS = { state: "states", event: "events", task: "tasks", metadata: "metadata", target: "targets" } as const;

type Renamed = Pick<OperationOf<"rename">, "from" | "to" | "literals">;

type Handlers = { readonly [Kind in Operation["kind"]]: (root: Any, operation: OperationOf<Kind>) => void };

const HANDLERS: Handlers = {
  "add-state": (root, { name }) => {
    root.states[name] = {};
  },
  "declare-event": (root, { name }) => declare(root, name),
  rename: (root, { what, ...names }) => rename(root, what, names),
  "add-reaction": (root, { state, event, target }) => {
    const names = Array.isArray(root.events) ? root.events : Object.keys(root.events ?? {});
    if (!["NEXT", "FAILED", "TIMEOUT"].includes(event) && !names.includes(event)) declare(root, event);
    root.states[state].on ??= {};
    root.states[state].on[event] = root.version === 2 ? target : [action(target)];
  },
  "add-task": (root, { state, name, executor, config }) => {
    root.states[state].tasks = [...(root.states[state].tasks ?? []), name];
    root.tasks ??= {};
    root.tasks[name] ??= { executor, config };
  },
  "set-key": (root, { what, name, key, value }) => {
    if (what === "event" && Array.isArray(root.events) && value !== undefined) {
      root.events = Object.fromEntries(root.events.map((event: string) => [event, {}]));
    }
    set(root[KEYS[what]][name] ?? {}, key, value);
  },
  "set-value": (root, { path, value }) => setAt(root, path, value),
  "choose-key": (root, { path, value, instead }) => {
    const map = path.slice(0, -1).reduce((owner, key) => owner[key], root);
    for (const key of instead) delete map[key];
    map[path.at(-1) ?? ""] = value;
  },
  "set-attempts": (root, { task: name, attempts }) => {
    const task = root.tasks[name];
    const { attempts: _, ...rest } = task.retry ?? {};
    const retry = attempts === undefined ? rest : { ...rest, attempts };
    set(task, "retry", Object.keys(retry).length === 0 ? undefined : retry);
  },
  describe: (root, { value }) => set(root, "description", value),
  move: moveEvent,
  "convert-to-block": () => {},
  remove: (root, { what, name }) => remove(root, what, name),
  "remove-from-state": (root, { state, task }) => {
    root.states[state].tasks = root.states[state].tasks.filter((name: string) => name !== task);
  },
  "change-target": applyToReaction,
  "add-condition": applyToReaction,
  "order-reaction": applyToReaction,
  "remove-reaction": applyToReaction,
};

function declare(root: Any, name: string): void {
  if (Array.isArray(root.events)) root.events.push(name);
  else root.events = { ...root.events, [name]: {} };
}

function set(map: Any, key: string, value: Plain | undefined): void {
  if (value === undefined) delete map[key];
  else map[key] = value;
}

type Keys = readonly (string | number)[];

function setAt(root: Any, path: Keys, value: Plain | undefined): void {
  if (path[0] === "events" && Array.isArray(root.events)) {
    if (value === undefined) return;
    root.events = Object.fromEntries(root.events.map((event: string) => [event, {}]));
  }
  if (value !== undefined) expandReaction(root, path);
  const owners: Any[] = [root];
  for (const key of path.slice(0, -1)) owners.push(owners.at(-1)?.[key]);
  if (value === undefined) removeAt(owners, path);
  else writeAt(owners, path, value);
}

/** A reaction that is only the name of a state becomes a list, so that its entry can have a key. */
function expandReaction(root: Any, [, state = "", part, event = "", index]: Keys): void {
  const on = part === "on" && index !== undefined ? root.states[state].on : undefined;
  if (typeof on?.[event] === "string") on[event] = [action(on[event])];
}

function writeAt(owners: readonly Any[], path: Keys, value: Plain): void {
  const missing = owners.findIndex((owner) => typeof owner !== "object" || owner === null);
  const written = missing === -1 ? path.length - 1 : missing - 1;
  const wrap = (inner: Any, key: string | number) => (typeof key === "number" ? [inner] : { [key]: inner });
  owners[written][path[written] ?? ""] = path.slice(written + 1).reduceRight(wrap, value);
}

function removeAt(owners: readonly Any[], path: Keys): void {
  for (let depth = path.length - 1; depth >= 0; depth -= 1) {
    const [owner, key] = [owners[depth], path[depth] ?? ""];
    if (owner?.[key] === undefined) return;
    if (Array.isArray(owner)) owner.splice(Number(key), 1);
    else delete owner[key];
    if (depth <= 2 || Object.keys(owner).length > 0) return;
  }
}

function action(target: string): Any {
  return target === "no-op" ? { action: "no-op" } : { action: "advance", state: target };
}

function moveEvent(root: Any, operation: OperationOf<"move">): void {
  if (operation.what !== "event" || !Array.isArray(root.events)) return;
  const others = root.events.filter((name: string) => name !== operation.name);
  others.splice(operation.after === undefined ? 0 : others.indexOf(operation.after) + 1, 0, operation.name);
  root.events = others;
}

type OnReaction = Extract<Operation, ReactionPlace & { readonly kind: string }>;

// biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one line for each place that a machine has
function applyToReaction(root: Any, operation: OnReaction): void {
  const { state, event } = operation;
  const on = root.states[state].on;
  const value = on[event];
  if (operation.kind === "remove-reaction") {
    if (operation.index === undefined) delete on[event];
    else value.splice(operation.index, 1);
    if (Array.isArray(on[event]) && on[event].length === 0) delete on[event];
    return;
  }
  if (operation.kind === "change-target" && typeof value === "string") {
    on[event] = operation.target;
    return;
  }
  const list = typeof value === "string" ? [action(value)] : value;
  if (operation.kind === "add-condition") {
    const last = typeof value === "string" ? 0 : list.findIndex((item: Any) => item.when === undefined);
    list.splice(last === -1 ? list.length : last, 0, { when: operation.when, ...action(operation.target) });
    on[event] = list;
    return;
  }
  const item = list["index" in operation ? (operation.index ?? 0) : 0];
  if (operation.kind === "order-reaction") list.splice(operation.to, 0, ...list.splice(operation.index, 1));
  if (operation.kind === "change-target") {
    delete item.state;
    Object.assign(item, action(operation.target));
  }
  on[event] = list;
}

function eachReaction(root: Any, visit: (items: Any[], on: Any, event: string) => void): void {
  for (const state of Object.values<Any>(root.states)) {
    for (const event of Object.keys(state.on ?? {})) {
      if (Array.isArray(state.on[event])) visit(state.on[event], state.on, event);
    }
  }
}

function renameKey(map: Any, from: string, to: string): Any {
  if (map === undefined) return undefined;
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key === from ? to : key, value]));
}

// biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one line for each place that a machine has
function rename(root: Any, what: NameKind, name: Renamed): void {
  const { from, to } = name;
  const swap = (name: string) => (name === from ? to : name);
  if (Array.isArray(root.events) && what === "event") root.events = root.events.map(swap);
  else if (root[KEYS[what]] !== undefined) root[KEYS[what]] = renameKey(root[KEYS[what]], from, to);
  const text = (value: Any, whole: boolean): Any =>
    root.version === 2 ? renameIn(value, whole, { ...name, what }) : value;
  for (const event of Object.values<Any>(Array.isArray(root.events) ? {} : (root.events ?? {}))) {
    if (what === "metadata" && event.metadata) event.metadata = event.metadata.map(swap);
    if (event.allow) event.allow = text(event.allow, true);
  }
  for (const state of Object.values<Any>(root.states)) {
    if (what === "task" && state.tasks) state.tasks = state.tasks.map(swap);
    if (what === "task" && state.approved) state.approved = state.approved.map(swap);
    for (const timer of state.after ?? []) {
      if (what === "event") timer.event = swap(timer.event);
      if (timer.at) timer.at = text(timer.at, false);
    }
    if (what === "event" && state.on) state.on = renameKey(state.on, from, to);
    if (what === "state") {
      for (const event of Object.keys(state.on ?? {}))
        if (typeof state.on[event] === "string") state.on[event] = swap(state.on[event]);
    }
  }
  // biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one line for each place that a machine has
  eachReaction(root, (items) => {
    for (const item of items) {
      if (what === "state" && item.state !== undefined) item.state = swap(item.state);
      if (what === "event" && item.raise !== undefined) item.raise = swap(item.raise);
      if (item.when) item.when = text(item.when, true);
      if (item.set && what === "metadata") item.set = renameKey(item.set, from, to);
      if (item.set)
        item.set = Object.fromEntries(Object.entries(item.set).map(([key, value]) => [key, text(value, false)]));
    }
  });
  for (const task of Object.values<Any>(root.tasks ?? {})) {
    if (what === "target" && task.target) task.target = swap(task.target);
    if (what === "task" && task.needs) task.needs = task.needs.map(swap);
    if (what === "metadata" && task.outputs) task.outputs = renameKey(task.outputs, from, to);
    for (const key of ["when", "exclusive"]) if (task[key]) task[key] = text(task[key], true);
    if (task.config) task.config = text(task.config, false);
  }
}

function renameIn(value: Any, whole: boolean, name: Renamed & { readonly what: NameKind }): Any {
  if (Array.isArray(value)) return value.map((item) => renameIn(item, whole, name));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, renameIn(inner, whole, name)]));
  }
  if (typeof value !== "string") return value;
  let text = value;
  for (const { source, from } of findExpressions(value, whole).toReversed()) {
    text = text.slice(0, from) + renameMentions(source, name) + text.slice(from + source.length);
  }
  return text;
}

function renameMentions(source: string, { what, from, to, literals }: Renamed & { readonly what: NameKind }): string {
  const kinds: readonly string[] = literals ? [what, "literal"] : [what];
  return findMentions(source)
    .filter((mention) => mention.name === from && kinds.includes(mention.what))
    .toReversed()
    .reduce((renamed, mention) => renameMention(renamed, mention, to) ?? renamed, source);
}

// biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one line for each place that a machine has
function remove(root: Any, what: NameKind, name: string): void {
  const others = (value: string) => value !== name;
  if (Array.isArray(root.events) && what === "event") root.events = root.events.filter(others);
  else delete root[KEYS[what]][name];
  for (const event of Object.values<Any>(Array.isArray(root.events) ? {} : (root.events ?? {}))) {
    if (what === "metadata" && event.metadata) event.metadata = event.metadata.filter(others);
  }
  for (const state of Object.values<Any>(root.states)) {
    if (what === "task" && state.tasks) state.tasks = state.tasks.filter(others);
    if (what === "task" && state.approved) state.approved = state.approved.filter(others);
    if (what === "event") {
      if (state.after) state.after = state.after.filter((timer: Any) => timer.event !== name);
      if (state.on) delete state.on[name];
    }
    for (const event of Object.keys(state.on ?? {}))
      if (what === "state" && state.on[event] === name) delete state.on[event];
  }
  // biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one line for each place that a machine has
  eachReaction(root, (items, on, event) => {
    if (what === "state" && items.some((item) => item.state === name)) {
      on[event] = items.filter((item) => item.state !== name);
      if (on[event].length === 0) delete on[event];
    }
    for (const item of items) {
      if (what === "metadata" && item.set) delete item.set[name];
      if (what === "event" && item.raise === name) delete item.raise;
    }
  });
  for (const task of Object.values<Any>(root.tasks ?? {})) {
    if (what === "target" && task.target === name) delete task.target;
    if (what === "task" && task.needs) task.needs = task.needs.filter(others);
    if (what === "metadata" && task.outputs) delete task.outputs[name];
  }
}

/** Removes empty lists and maps: an edit drops those that it has emptied, and leaves those that were written empty. */
export function prune(root: Any): Any {
  for (const event of Object.values<Any>(Array.isArray(root.events) ? {} : (root.events ?? {})))
    dropEmpty(event, ["metadata"]);
  for (const state of Object.values<Any>(root.states ?? {})) dropEmpty(state, ["on", "after", "tasks", "approved"]);
  if (root.states)
    eachReaction(root, (items) => {
      for (const item of items) dropEmpty(item, ["set"]);
    });
  for (const task of Object.values<Any>(root.tasks ?? {})) dropEmpty(task, ["needs", "outputs"]);
  return root;
}

function dropEmpty(map: Any, keys: readonly string[]): void {
  for (const key of keys) if (map?.[key] && Object.keys(map[key]).length === 0) delete map[key];
}
