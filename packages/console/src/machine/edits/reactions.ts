import { type Located, locate, type Planning } from "./locate.ts";
import { declareEvent, requireDeclared, requireVersion2 } from "./names.ts";
import { EditRefused, type OperationOf, type Path, type Plain, type ReactionPlace } from "./operation.ts";
import { findReferences } from "./references.ts";
import { type Item, valueAt } from "./source.ts";
import type { Step } from "./step.ts";

const SYSTEM = new Set(["NEXT", "FAILED", "TIMEOUT"]);

function toPath({ state, event, index }: ReactionPlace): Path {
  const path = ["states", state, "on", event];
  return index === undefined ? path : [...path, index];
}

/** Lets a state react to an event. An event that is not declared yet is declared too. */
export function addReaction(planning: Planning, operation: OperationOf<"add-reaction">): readonly Step[] {
  const { state, event, target } = operation;
  const { version } = planning;
  requireDeclared(planning.source, "state", state);
  if (target !== "no-op") requireDeclared(planning.source, "state", target);
  if (version === 1 && (event === "FAILED" || event === "TIMEOUT") && !isDeclared(planning, event)) {
    requireVersion2(planning, `the event ${event}`);
  }
  const handled = locate(
    { ...planning, operation: { ...operation, shared: true, override: true }, before: [] },
    toPath(operation),
  );
  if (handled !== undefined) refuseHandled(planning, operation, handled);
  const value: Plain = version === 2 ? target : [toAction(target)];
  const declared = SYSTEM.has(event) || isDeclared(planning, event) ? [] : declareEvent(planning, event);
  return [...declared, insertUnder(planning, state, { key: "on", inner: event, value })];
}

function isDeclared({ source }: Planning, event: string): boolean {
  return findReferences(source).some(({ declares, what, name }) => declares && what === "event" && name === event);
}

function refuseHandled(
  { version }: Planning,
  { state, event, target }: OperationOf<"add-reaction">,
  { item }: Located,
): never {
  const place = { state, event };
  const isSimple = item.kind === "scalar" || (item.kind === "list" && item.items.length === 1);
  throw new EditRefused("edit-handled", `${state} reacts to ${event} already.`, {
    place: item.range,
    offers: [
      ...(isSimple
        ? [{ label: `Change its target to ${target}`, operation: { kind: "change-target", ...place, target } as const }]
        : []),
      ...(version === 2
        ? [{ label: "Add a condition", operation: { kind: "add-condition", ...place, when: "true", target } as const }]
        : []),
    ],
  });
}

function toAction(target: string): { readonly [key: string]: Plain } {
  return target === "no-op" ? { action: "no-op" } : { action: "advance", state: target };
}

/** Inserts a value into a map of a state; creates a missing map. */
export function insertUnder(
  planning: Planning,
  state: string,
  { key, inner, value }: { readonly key: string; readonly inner: string; readonly value: Plain },
): Step {
  const map = locate(planning, ["states", state, key]);
  if (map !== undefined) return { kind: "insert-entry", path: map.path, key: inner, value };
  const owner = requireState(planning, state);
  return { kind: "insert-entry", path: owner.path, key, value: { [inner]: value } };
}

/**
 * Returns the place of a state.
 *
 * @throws EditRefused `edit-missing`
 */
export function requireState(planning: Planning, state: string): Located {
  const found = locate(planning, ["states", state]);
  if (found !== undefined) return found;
  throw new EditRefused("edit-missing", `The document has no state "${state}".`);
}

function requireReaction(planning: Planning, place: ReactionPlace): Located {
  const found = locate(planning, toPath(place));
  if (found !== undefined) return found;
  throw new EditRefused("edit-missing", `${place.state} has no such reaction to ${place.event}.`);
}

/** Lets a reaction lead to another state. */
export function changeTarget(planning: Planning, { target, ...place }: OperationOf<"change-target">): readonly Step[] {
  if (target !== "no-op") requireDeclared(planning.source, "state", target);
  const found = requireReaction(planning, place);
  if (found.item.kind === "scalar") return [{ kind: "set", path: found.path, value: target }];
  const index = found.item.kind === "list" ? onlyIndex(found.item, place) : undefined;
  const owner = index === undefined ? toPath(place) : toPath({ ...place, index });
  const item = locate(planning, owner);
  if (item === undefined) throw new EditRefused("edit-missing", "Unknown reaction.");
  const entry = {
    item,
    target,
    action: locate(planning, [...owner, "action"]),
    state: locate(planning, [...owner, "state"]),
  };
  return target === "no-op" ? toNoOp(entry) : toAdvance(entry);
}

/** An entry of a reaction with a changed target. */
interface TargetChange {
  readonly item: Located;
  readonly target: string;
  readonly action: Located | undefined;
  readonly state: Located | undefined;
}

function onlyIndex(list: Item, { event }: ReactionPlace): number {
  if (list.kind === "list" && list.items.length === 1) return 0;
  throw new EditRefused("edit-missing", `The reaction to ${event} has several entries. Select one.`, {
    place: list.range,
  });
}

function setAction({ item, action }: TargetChange, value: string): Step {
  if (action === undefined) return { kind: "insert-entry", path: item.path, key: "action", value };
  return { kind: "set", path: action.path, value };
}

function toNoOp(change: TargetChange): readonly Step[] {
  const { state } = change;
  return [setAction(change, "no-op"), ...(state === undefined ? [] : [{ kind: "remove", path: state.path } as const])];
}

function toAdvance(change: TargetChange): readonly Step[] {
  const { item, target, state } = change;
  const moved: Step =
    state === undefined
      ? { kind: "insert-entry", path: item.path, key: "state", value: target, after: "action" }
      : { kind: "set", path: state.path, value: target };
  return [
    ...(change.action?.item.kind === "scalar" && change.action.item.value === "advance"
      ? []
      : [setAction(change, "advance")]),
    moved,
  ];
}

/** Puts a reaction with a condition before the one that has none. */
export function addCondition(
  planning: Planning,
  { when, target, ...place }: OperationOf<"add-condition">,
): readonly Step[] {
  requireVersion2(planning, "conditions");
  if (target !== "no-op") requireDeclared(planning.source, "state", target);
  const { state, event } = place;
  const found = requireReaction(planning, { state, event });
  const added = { when, ...toAction(target) };
  if (found.item.kind === "scalar") {
    return [{ kind: "replace", path: found.path, value: [added, toAction(String(found.item.value))] }];
  }
  if (found.item.kind !== "list") throw new EditRefused("edit-missing", `The reaction to ${event} is not a list.`);
  const { items } = found.item;
  const last = items.findIndex(({ value }) => valueAt(value, "when") === undefined);
  const index = place.index ?? (last === -1 ? items.length : last);
  return [{ kind: "insert-item", path: found.path, index, value: added }];
}

/**
 * Writes a reaction that is only the name of a state as a list, so that its entry can have a key. Undefined where it is
 * a list already.
 */
export function toListWith(planning: Planning, path: Path, value: Plain): readonly Step[] | undefined {
  const [collection, , part] = path;
  if (collection !== "states" || part !== "on" || path.length < 6) return undefined;
  const [key = "", ...inner] = path.slice(5);
  const reaction = locate(planning, path.slice(0, 4));
  if (reaction?.item.kind !== "scalar" || reaction.item.value === null) return undefined;
  const added = { [key]: inner.reduceRight<Plain>((seen, each) => ({ [each]: seen }), value) };
  const action = toAction(String(reaction.item.value));
  const entry = key === "when" ? { ...added, ...action } : { ...action, ...added };
  return [{ kind: "replace", path: reaction.path, value: [entry] }];
}

/** Sets a key of a map; undefined removes it. */
export function setOwnKey(planning: Planning, owner: Path, key: string, value: Plain | undefined): readonly Step[] {
  const present = locate(planning, [...owner, key], value === undefined);
  if (value === undefined) {
    return present === undefined ? [] : [{ kind: "remove", path: removedPath(planning, owner, key) }];
  }
  const isScalar = (typeof value !== "object" || value === null) && present?.item.kind === "scalar";
  if (present !== undefined) return [{ kind: isScalar ? "set" : "replace", path: present.path, value }];
  const parent = locate(planning, owner);
  if (parent === undefined) throw new EditRefused("edit-missing", `The document has no ${owner.join(".")}.`);
  return [{ kind: "insert-entry", path: parent.path, key, value }];
}

/** Returns the path to remove: an entry is removed at its own place, also when its value is an alias. */
function removedPath(planning: Planning, owner: Path, key: string): Path {
  return [...(locate(planning, owner)?.path ?? owner), key];
}

/** Moves an entry of a reaction: the first with a true condition is taken. */
export function orderReaction(
  planning: Planning,
  { to, state, event, index }: OperationOf<"order-reaction">,
): readonly Step[] {
  const found = requireReaction(planning, { state, event });
  const count = found.item.kind === "list" ? found.item.items.length : 0;
  if (index >= count || to >= count) throw new EditRefused("edit-missing", "The reaction has no such entry.");
  return index === to ? [] : [{ kind: "move", path: [...found.path, index], to }];
}
