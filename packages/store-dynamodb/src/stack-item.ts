import { StackyardError } from "@stackyard/core";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { type Aggregate, EMPTY, toDueAttributes } from "./aggregate.ts";
import { fromItem, type Item, toItem } from "./attributes.ts";
import { fromNative, isNative, toNative } from "./native.ts";
import type { Stack } from "./port-types.ts";

/** A record as the predecessor writes it. What it lacks of ours has defaults. */
const PredecessorStack = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 255 }),
  machine: Type.String({ minLength: 1 }),
  _state: Type.String({ minLength: 1 }),
  previousState: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  tasks: Type.Optional(
    Type.Array(
      Type.Object({
        name: Type.String({ minLength: 1 }),
        status: Type.Union([Type.Literal("PENDING"), Type.Literal("SATISFIED"), Type.Literal("ERROR")]),
        errorMessage: Type.Optional(Type.String()),
      }),
    ),
  ),
  metadata: Type.Optional(
    Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()])),
  ),
  createdAt: Type.Optional(Type.Number()),
  updatedAt: Type.Optional(Type.Number()),
});
type PredecessorStack = Static<typeof PredecessorStack>;

const predecessorStack = Compile(PredecessorStack);

/** The version under which callers see an item that the predecessor wrote: it has none. Ours begin at 2. */
export const TAKEN_OVER_VERSION = 1;

/** The names of the record that the predecessor's readers know, each an attribute of its own. */
const SHARED = ["id", "machine", "previousState", "tasks", "createdAt", "updatedAt"] as const;

/** What else an item holds of the stack. */
interface OwnPart extends Omit<Stack, (typeof SHARED)[number] | "state" | "metadata"> {
  /** DynamoDB keeps no order of names. */
  readonly metadataOrder: readonly string[];
  /** What DynamoDB would not give back as it was. */
  readonly metadataOdd?: Stack["metadata"];
}

/** The item of a stack. The predecessor's names have the values that they always had. */
export function toStackItem(aggregate: Aggregate, stack: Stack): Item {
  const { state, metadata, ...rest } = stack;
  const { id, machine, previousState, tasks, createdAt, updatedAt, ...own } = rest;
  const entries = Object.entries(metadata);
  const odd = entries.filter(([name, value]) => !isNative(name, value));
  const natives = Object.fromEntries(entries.filter(([name, value]) => isNative(name, value)));
  const shared = { id, machine, _state: state, previousState, tasks, metadata: natives, createdAt, updatedAt };
  const ownPart: OwnPart = {
    ...own,
    metadataOrder: Object.keys(metadata),
    ...(odd.length === 0 ? {} : { metadataOdd: Object.fromEntries(odd) }),
  };
  const { version, stackVersion, ids, idCount, idsMoved, parked, outbox } = aggregate;
  const { timerHidden, parkedHidden, repairHidden } = aggregate;
  return {
    ...Object.fromEntries(Object.entries(shared).map(([name, value]) => [name, toNative(value)])),
    ...toItem({
      ...{ version, stackVersion, ids, idCount, timerHidden, parkedHidden, repairHidden },
      stackyard: ownPart,
      // What is mostly so is left out.
      idsMoved: idsMoved || undefined,
      parked: parked.length === 0 ? undefined : parked,
      outbox: outbox.length === 0 ? undefined : outbox,
      fresh: aggregate.isFresh || undefined,
      removed: aggregate.isRemoved || undefined,
      shadowVersion: aggregate.shadowVersion,
      ...toDueAttributes(id, aggregate),
    }),
  };
}

/** What an item holds: ours, or one that the predecessor wrote. Throws `STORE_CORRUPT` with id and reason. */
export function parseStackItem(item: Item): { readonly kind: "ours" | "taken-over"; readonly aggregate: Aggregate } {
  if (item["version"]?.N === undefined || item["stackyard"] === undefined) {
    return { kind: "taken-over", aggregate: { ...EMPTY, stack: parsePredecessor(item), stackVersion: 1, version: 1 } };
  }
  const { id, machine, previousState, tasks, metadata, createdAt, updatedAt, _state, ...rest } = item;
  // Written by `toStackItem`.
  const row = fromItem(rest) as unknown as Omit<Aggregate, "stack"> & OwnAttributes;
  const shared = { id, machine, previousState, tasks, createdAt, updatedAt, state: _state };
  const natives = Object.fromEntries(Object.entries(shared).map(([name, value]) => [name, fromNative(value)]));
  const { metadataOrder, metadataOdd, ...own } = row.stackyard;
  const values = { ...(fromNative(metadata) as Stack["metadata"]), ...metadataOdd };
  const stack = { ...own, ...natives, metadata: inOrder(values, metadataOrder) } as Stack;
  const { version, stackVersion, ids, idCount, shadowVersion, nonce } = row;
  return {
    kind: "ours",
    aggregate: {
      ...{ version, floor: version, stackVersion, stack, ids, idCount, shadowVersion, nonce },
      timerHidden: row.timerHidden,
      parkedHidden: row.parkedHidden,
      repairHidden: row.repairHidden,
      idsMoved: row.idsMoved ?? false,
      parked: row.parked ?? [],
      outbox: row.outbox ?? [],
      isFresh: row.fresh ?? false,
      isRemoved: row.removed ?? false,
    },
  };
}

interface OwnAttributes {
  readonly stackyard: OwnPart;
  readonly fresh?: boolean;
  readonly removed?: boolean;
}

/** Names that were added by hand come last. */
function inOrder(values: Stack["metadata"], order: readonly string[]): Stack["metadata"] {
  const known = order.filter((name) => Object.hasOwn(values, name));
  const others = Object.keys(values).filter((name) => !known.includes(name));
  return Object.fromEntries([...known, ...others].map((name) => [name, values[name] ?? null]));
}

function parsePredecessor(item: Item): Stack {
  const value = Object.fromEntries(Object.entries(item).map(([name, attribute]) => [name, fromNative(attribute)]));
  if (predecessorStack.Check(value)) return toTakenOver(value);
  const faults = predecessorStack.Errors(value).map(({ instancePath, message }) => `${instancePath || "/"} ${message}`);
  const reason = `${[...new Set(faults)].slice(0, 5).join("; ")}.`;
  throw new StackyardError(
    "STORE_CORRUPT",
    `The item of the stack ${JSON.stringify(value["id"])} cannot be read: ${reason} Correct or delete it.`,
    { details: { stackId: value["id"], reason } },
  );
}

/** The predecessor kept no runs, entries and timers. */
function toTakenOver(value: PredecessorStack): Stack {
  const { id, machine, _state: state, previousState = null, tasks = [], metadata = {} } = value;
  const updatedAt = value.updatedAt ?? value.createdAt ?? 0;
  return {
    ...{ id, machine, state, previousState, metadata, updatedAt },
    machineHash: "",
    tasks: tasks.map(({ name, status, errorMessage }) => ({
      name,
      status,
      ...(status === "ERROR" && errorMessage !== undefined ? { errorMessage } : {}),
    })),
    createdAt: value.createdAt ?? updatedAt,
    enteredAt: updatedAt,
    life: "0",
    entry: 0,
    attempts: {},
    runs: [],
    timers: [],
    automaticEntries: [],
  };
}
