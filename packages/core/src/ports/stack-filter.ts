import { StackyardError } from "../errors/stackyard-error.ts";
import { defined } from "../machine/json.ts";
import type { Stack } from "../machine/stack.ts";
import { evaluateHealth, isJob, listOpenFailures } from "../machine/stack-health.ts";
import { compareUtf8 } from "./compare-utf8.ts";
import { foreignCursor, type PageInput } from "./records.ts";
import { isBehind, matchesCondition } from "./stack-columns.ts";
import type { AttemptView } from "./stack-store.ts";
import {
  type ListStacksInput,
  type OpenAttemptFilter,
  STACK_CONDITIONS,
  type StackCounts,
  type StackFilter,
  type StackGroup,
  type StackGrouping,
  type StackScope,
  type StackSort,
} from "./store.ts";

/** Groups that a count returns. */
const MOST_GROUPS = 200;
/** The most groups of main conditions: those of 200 machines, so that a few broken stacks among many are counted. */
const MOST_MAIN_GROUPS = 2_200;
/** Equalities of metadata in one filter. */
const MOST_EQUALITIES = 5;

/** Ids in one filter. */
const MOST_IDS = 1_000;

/** Throws `USAGE` for a filter that no store takes. */
export function checkStackFilter({ metadata = {}, ids = [] }: Pick<StackFilter, "metadata" | "ids">): void {
  if (Object.keys(metadata).length > MOST_EQUALITIES) {
    throw new StackyardError("USAGE", `A filter has at most ${MOST_EQUALITIES} values of metadata.`);
  }
  if (ids.length > MOST_IDS) throw new StackyardError("USAGE", `A filter has at most ${MOST_IDS} ids.`);
}

/** Returns true when the scopes allow a stack with that id and machine. */
export function isInScopes(scopes: readonly StackScope[] | undefined, id: string, machine: string): boolean {
  if (scopes === undefined) return true;
  return scopes.some(
    ({ machines, idPrefixes }) =>
      (machines === undefined || machines.includes(machine)) &&
      (idPrefixes === undefined || idPrefixes.some((prefix) => id.startsWith(prefix))),
  );
}

/** The order of a list, and the stack after which a page begins. */
export interface StackOrder {
  readonly key: "id" | "createdAt" | "updatedAt" | "enteredAt";
  readonly isDescending: boolean;
  /** Missing on the first page. `value` is that of the key; 0 in order of ids. */
  readonly after?: StackPlace;
  /** Stacks that may be sorted by an instant. */
  readonly mostSorted: number;
  /** Returns the cursor of a page that ends at this position. */
  toCursor(place: StackPlace): string;
}

/** The position of a stack in a list that is sorted by an instant. */
export interface StackPlace {
  readonly value: number;
  readonly id: string;
}

const MOST_SORTED = 100_000;
const PLACE = /^(-?[a-zA-Z]+)\/(-?\d{1,16})\/(.*)$/s;

/** Reads the order of a list. Throws `USAGE` for a cursor of another one. */
export function toStackOrder({ sort = "id", cursor, mostSorted = MOST_SORTED }: ListStacksInput): StackOrder {
  const isDescending = sort.startsWith("-");
  const key = KEYS[sort];
  const order = { key, isDescending, mostSorted: Math.min(mostSorted, MOST_SORTED) };
  if (key === "id") {
    return { ...order, ...(cursor !== undefined && { after: { value: 0, id: cursor } }), toCursor: ({ id }) => id };
  }
  const toCursor = ({ value, id }: StackPlace) => `${sort}/${value}/${id}`;
  if (cursor === undefined) return { ...order, toCursor };
  const [, of, value, id = ""] = PLACE.exec(cursor) ?? [];
  if (of === sort) return { ...order, after: { value: Number(value), id }, toCursor };
  throw foreignCursor();
}

/** Returns the position of a stack in a list. */
export function toStackPlace({ key }: Pick<StackOrder, "key">, stack: Stack): StackPlace {
  return { value: key === "id" ? 0 : stack[key], id: stack.id };
}

const KEYS: Readonly<Record<StackSort, StackOrder["key"]>> = {
  id: "id",
  "-id": "id",
  createdAt: "createdAt",
  "-createdAt": "createdAt",
  updatedAt: "updatedAt",
  "-updatedAt": "updatedAt",
  enteredAt: "enteredAt",
  "-enteredAt": "enteredAt",
};

/**
 * Returns the order of a machine's revisions, most recently seen first. Throws `USAGE` for the cursor of another list.
 */
export function toRevisionOrder({ cursor }: Pick<PageInput, "cursor">): StackOrder {
  return toStackOrder({ sort: "-createdAt", limit: 1, ...defined({ cursor }) });
}

/** Compares two positions in the order; texts by code points, as databases do. */
export function comparePlaces(
  { isDescending }: Pick<StackOrder, "isDescending">,
  a: StackPlace,
  b: StackPlace,
): number {
  const ascending = a.value - b.value || compareUtf8(a.id, b.id);
  return isDescending ? -ascending : ascending;
}

/** Throws `FILTER_TOO_WIDE` when more stacks fit than may be sorted. */
export function assertSortable(order: Pick<StackOrder, "key" | "mostSorted">, fitting: number): void {
  if (fitting <= order.mostSorted) return;
  const limit = order.mostSorted.toLocaleString("en");
  const message = `More than ${limit} stacks fit the filter: too many to sort by ${order.key}. Narrow the filter, or sort by id.`;
  throw new StackyardError("FILTER_TOO_WIDE", message, { details: { limit: order.mostSorted } });
}

/** Evaluates a whole filter, for stores without a language for it. `parked`: the stack's parked events. */
export function matchesStack(filter: StackFilter, stack: Stack, parked: number): boolean {
  const { machine, state, idPrefix = "", text = "", condition, revision, jobs, ids, scopes } = filter;
  return (
    (machine === undefined || machine === stack.machine) &&
    (jobs === undefined || jobs === isJob(stack)) &&
    (filter.behind === undefined || filter.behind === isBehind(stack)) &&
    (state === undefined || state === stack.state) &&
    (revision === undefined || revision === stack.machineHash) &&
    stack.id.startsWith(idPrefix) &&
    stack.id.includes(text) &&
    (ids === undefined || ids.includes(stack.id)) &&
    (condition === undefined || matchesCondition(condition, stack, parked)) &&
    matchesHealth(filter, stack, parked) &&
    isInScopes(scopes, stack.id, stack.machine) &&
    matchesRecord(filter, stack)
  );
}

function matchesHealth({ mainCondition, needsPerson }: StackFilter, stack: Stack, parked: number): boolean {
  if (mainCondition === undefined && needsPerson === undefined) return true;
  const health = evaluateHealth(stack, parked);
  return (mainCondition ?? health.main) === health.main && (needsPerson ?? health.needsPerson) === health.needsPerson;
}

/** The part of a filter for which a store has no columns. */
export type RecordFilter = Pick<StackFilter, "metadata" | "task" | "code">;

/** Returns the part of a filter that needs the whole record; undefined when the columns are enough. */
export function toRecordFilter({ metadata, task, code }: StackFilter): RecordFilter | undefined {
  if (metadata === undefined && task === undefined && code === undefined) return undefined;
  return defined({ metadata, task, code });
}

/** Evaluates that part. A sensitive key matches no value, so that filters do not reveal it. */
export function matchesRecord(filter: RecordFilter, stack: Stack): boolean {
  return matchesMetadata(filter, stack) && matchesFailure(filter, stack);
}

function matchesFailure({ task, code }: RecordFilter, stack: Stack): boolean {
  if (task === undefined && code === undefined) return true;
  return listOpenFailures(stack).some(
    (failure) => (task === undefined || task === failure.task) && (code === undefined || code === (failure.code ?? "")),
  );
}

function matchesMetadata({ metadata = {} }: RecordFilter, stack: Stack): boolean {
  return Object.entries(metadata).every(
    ([key, value]) =>
      Object.hasOwn(stack.metadata, key) &&
      stack.metadata[key] === value &&
      !Object.hasOwn(stack.secretVersions ?? {}, key),
  );
}

/** Texts that the JSON of each stack has which that part fits; others may have them too. */
export function toRecordTexts({ metadata = {}, task, code }: RecordFilter): readonly string[] {
  const failure = [task, code].filter((text) => text !== undefined && text !== "");
  return [
    ...Object.entries(metadata).map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`),
    // Keys of a failed task and of the last failure have different names.
    ...failure.map((text) => `:${JSON.stringify(text)}`),
  ];
}

/** The fields of an attempt that filters read. */
interface AttemptFacts {
  readonly stackId: string;
  readonly status: AttemptView["status"];
  readonly executor?: string | undefined;
}

/** Evaluates a filter of open attempts. The machine is loaded only for filters that need it. */
export function matchesAttempt(
  { status, executor, machine, idPrefix = "", scopes }: OpenAttemptFilter,
  attempt: AttemptFacts,
  findMachine: () => string,
): boolean {
  const { stackId } = attempt;
  return (
    (status === undefined || status === attempt.status) &&
    (executor === undefined || executor === attempt.executor) &&
    stackId.startsWith(idPrefix) &&
    (machine === undefined || machine === findMachine()) &&
    (scopes === undefined || isInScopes(scopes, stackId, findMachine()))
  );
}

/** Counts stacks one by one, or many at once. */
export interface StackCounter {
  /** Adds stacks that match the filter. */
  addToTotal(count: number): void;
  addToGroup(group: StackGroup): void;
  /** Adds one stack to the total and to its groups. */
  add(stack: Stack, parked: number): void;
  end(): StackCounts;
}

/** Returns the groups of one stack. */
function toGroups(by: StackGrouping | undefined, stack: Stack, parked: number): readonly Omit<StackGroup, "count">[] {
  const { machine, state, machineHash: revision } = stack;
  switch (by) {
    case "machine":
      return [{ machine }];
    case "state":
      return [{ machine, state }];
    case "revision":
      return [{ machine, revision }];
    case "condition":
      return STACK_CONDITIONS.filter((each) => matchesCondition(each, stack, parked)).map((condition) => ({
        condition,
      }));
    case "mainCondition": {
      const { main, needsPerson } = evaluateHealth(stack, parked);
      return [{ machine, mainCondition: main, ...(needsPerson && { needsPerson }) }];
    }
    case undefined:
      return [];
  }
}

/** Creates an empty count. It lists every condition, also those of no stack. */
export function createStackCounter(by: StackGrouping | undefined): StackCounter {
  const groups = new Map<string, StackGroup>();
  let total = 0;

  function addToGroup({ count, ...group }: StackGroup): void {
    const key = toGroupKey(group);
    groups.set(key, { ...group, count: (groups.get(key)?.count ?? 0) + count });
  }

  if (by === "condition") for (const condition of STACK_CONDITIONS) addToGroup({ condition, count: 0 });
  return {
    addToTotal(count) {
      total += count;
    },
    addToGroup,
    add(stack, parked) {
      total += 1;
      for (const group of toGroups(by, stack, parked)) addToGroup({ ...group, count: 1 });
    },
    end() {
      const sorted = [...groups].sort(([a, { count: m }], [b, { count: n }]) => n - m || (a < b ? -1 : 1));
      const listed = sorted.slice(0, by === "mainCondition" ? MOST_MAIN_GROUPS : MOST_GROUPS).map(([, group]) => group);
      const moreGroups = sorted.length - listed.length;
      return { total, groups: listed, ...(moreGroups > 0 && { moreGroups }) };
    },
  };
}

function toGroupKey({ machine, state, condition, mainCondition, needsPerson, revision }: Omit<StackGroup, "count">) {
  return JSON.stringify([machine, state, condition ?? mainCondition, revision, needsPerson]);
}
