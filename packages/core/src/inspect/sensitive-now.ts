import { chunk } from "../chunk.ts";
import { isUnreadable } from "../errors/stackyard-error.ts";
import {
  addSecretsNow,
  listHeldSecrets,
  type SensitiveParts,
  toSensitiveParts,
} from "../machine/decide/stack-secrets.ts";
import { defined, isMap } from "../machine/json.ts";
import { createMaskText, type MaskText } from "../machine/mask-text.ts";
import { isReference, MASK, type SecretHolder } from "../machine/secrets.ts";
import type { Stack } from "../machine/stack.ts";
import type { Locator } from "../ports/locator.ts";
import type { DeadLetter, LoadedStack, ParkedEvent, ParkedHead, StoredHistoryEntry } from "../ports/stack-store.ts";
import type { StackQueries, Store } from "../ports/store.ts";
import { wrap } from "../ports/wrap.ts";
import { createRevisionNames } from "./revision-names.ts";

/** Returns true for a key whose values must not be shown. */
export type IsSensitive = (key: string) => boolean;

/** Finds which keys are sensitive now: it is a property of the key, not of the moment at which a value was written. */
export interface SensitiveNow {
  /**
   * Returns whether keys are sensitive in any of these stacks: by the present document of their machine, or because one of
   * their revisions said so. `machines`: further ones, such as those of stacks that were removed.
   */
  keysOf(ids: readonly string[], machines?: readonly string[]): Promise<IsSensitive>;
  /** Returns an earlier form of a stack as it may be shown now. */
  past(stack: Stack): Promise<Stack>;
}

type ReadStore = Pick<Store, "load" | "loadParked" | "queries" | "revisions">;

interface Deps {
  readonly store: Pick<Store, "load">;
  readonly locator: Pick<Locator, "find">;
}

/** Creates the finder over a store. */
export function createSensitiveNow(deps: Deps): SensitiveNow {
  async function partsOf(ids: readonly string[], machines: readonly string[]): Promise<SensitiveParts> {
    const { found, unreadable } = await loadStacks(deps.store, ids);
    if (unreadable.size > 0) return EVERYTHING;
    const stacks = [...found.values()];
    return findParts(deps.locator, [...stacks.map(({ machine }) => machine), ...machines], stacks);
  }
  return {
    keysOf: async (ids, machines = []) => (await partsOf(ids, machines)).isSensitive,
    past: async (stack) => addSecretsNow(await partsOf([stack.id], [stack.machine]), stack),
  };
}

/**
 * Wraps a store for readers who only show: in stacks, lines of the history, parked events and dead letters, every value of a key
 * that is sensitive now is marked as such, or is `***`, also where it was written when the key was not.
 */
export function hideSensitive<Given extends ReadStore>(store: Given, locator: Pick<Locator, "find">): Given {
  const deps = { store, locator };
  const names = createRevisionNames(store.revisions);
  const show = async (loaded: LoadedStack): Promise<LoadedStack> => {
    const stack = loaded.stack && (await showStack(locator, loaded.stack));
    const parked = loaded.parked.map((head) => (stack === undefined ? head : showParked(stack, head)));
    return { ...loaded, parked, ...defined({ stack }) };
  };
  return wrap<Pick<Store, "load" | "loadParked" | "queries">>({
    load: async (ids) => Promise.all((await store.load(ids)).map(show)),
    async loadParked(stackId, keys) {
      const parked = await store.loadParked(stackId, keys);
      return showEach(deps, parked, ({ event }) => toPlace(event.message, stackId), showEvent);
    },
    queries: wrap<Pick<StackQueries, "listStacks" | "listHistory" | "listDeadLetters">>({
      async listStacks(filter, page) {
        const found = await store.queries.listStacks(filter, page);
        const items = found.items.map(async (item) => ({ ...item, stack: await showStack(locator, item.stack) }));
        return { ...found, items: await Promise.all(items) };
      },
      async listHistory(filter, page) {
        const found = await store.queries.listHistory(filter, page);
        const places = new Map<StoredHistoryEntry, Place>();
        for (const line of found.items) {
          const { stackId, machineHash } = line;
          places.set(line, { stackId, machine: machineHash === undefined ? undefined : await names(machineHash) });
        }
        const items = await showEach(
          deps,
          found.items,
          (line) => places.get(line) ?? { stackId: line.stackId },
          showLine,
        );
        return { ...found, items };
      },
      async listDeadLetters(filter, page) {
        const found = await store.queries.listDeadLetters(filter, page);
        const toOwn = ({ event }: DeadLetter) => toPlace(event.message, event.stackId);
        return { ...found, items: await showEach(deps, found.items, toOwn, showEvent) };
      },
    })(store.queries),
  })(store);
}

/** The stack of what is shown, and the machine by which it was decided, as far as known. */
interface Place {
  readonly stackId: string;
  readonly machine?: string | undefined;
}

function toPlace(message: Readonly<Record<string, unknown>>, stackId: string): Place {
  const { machine } = message;
  return { stackId, ...(typeof machine === "string" && { machine }) };
}

/** What hides values at a place, and the stack as it may be shown. */
interface Hiding extends SensitiveParts {
  readonly stack: Stack | undefined;
}

/** Shows each item as its place allows. Stacks are loaded together, and only for items with something to hide. */
async function showEach<Item>(
  { store, locator }: Deps,
  items: readonly Item[],
  toOwn: (item: Item) => Place,
  showItem: (item: Item, hiding: Hiding) => Item,
): Promise<Item[]> {
  const { found, unreadable } = await loadStacks(store, [...new Set(items.map((item) => toOwn(item).stackId))]);
  const shown = items.map(async (item) => {
    const { stackId, machine } = toOwn(item);
    if (unreadable.has(stackId)) return showItem(item, { ...EVERYTHING, stack: undefined });
    const raw = found.get(stackId);
    const stack = raw && (await showStack(locator, raw));
    const parts = await findParts(locator, [raw?.machine, machine], stack === undefined ? [] : [stack]);
    return showItem(item, { ...parts, stack });
  });
  return Promise.all(shown);
}

const LOAD_AT_ONCE = 100;

interface LoadedStacks {
  readonly found: ReadonlyMap<string, Stack>;
  /** What their revisions have hidden is not known. */
  readonly unreadable: ReadonlySet<string>;
}

async function loadStacks(store: Pick<Store, "load">, ids: readonly string[]): Promise<LoadedStacks> {
  const found = new Map<string, Stack>();
  const unreadable = new Set<string>();
  const load = async (some: readonly string[]): Promise<boolean> => {
    try {
      for (const { stackId, stack } of await store.load(some)) if (stack !== undefined) found.set(stackId, stack);
      return true;
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      return false;
    }
  };
  for (const part of chunk(ids, LOAD_AT_ONCE)) {
    if (await load(part)) continue;
    // One row that cannot be read says nothing about the others.
    for (const id of part) if (!(await load([id]))) unreadable.add(id);
  }
  return { found, unreadable };
}

/** Nothing is known to be open. */
const EVERYTHING: SensitiveParts = { isSensitive: () => true, listOutputs: () => [] };

/** Returns what is sensitive by the present documents of machines and by stacks. Documents that cannot be read may name any key. */
async function findParts(
  locator: Pick<Locator, "find">,
  names: readonly (string | undefined)[],
  stacks: readonly SecretHolder[],
): Promise<SensitiveParts> {
  const known = [...new Set(names)].filter((name) => name !== undefined);
  const found = await Promise.all(known.map((name) => locator.find(name))).catch(() => undefined);
  if (found === undefined) return EVERYTHING;
  return toSensitiveParts(
    found.flatMap((each) => (each.kind === "found" ? [each.machine] : [])),
    stacks,
  );
}

async function showStack(locator: Pick<Locator, "find">, stack: Stack): Promise<Stack> {
  return addSecretsNow(await findParts(locator, [stack.machine], []), stack);
}

function showParked(stack: Stack, head: ParkedHead): ParkedHead {
  return { ...head, reason: createMaskText(listHeldSecrets(stack))(head.reason) };
}

/** Marks the keys of an event's metadata that are sensitive now. A result with such an output is hidden as a whole. */
function showEvent<Item extends ParkedEvent | DeadLetter>(
  item: Item,
  { stack, isSensitive, listOutputs }: Hiding,
): Item {
  const { metadata, outputs, task } = item.event.message;
  const brought = isMap(metadata) ? Object.keys(metadata).filter(isSensitive) : [];
  const name = isMap(task) ? task["name"] : task;
  const hidden = typeof name === "string" ? listOutputs(name) : [];
  const isWhole = isMap(outputs) && hidden.some((output) => Object.hasOwn(outputs, output));
  const values = [...pick(metadata, brought), ...(stack === undefined ? [] : listHeldSecrets(stack))];
  const reason = createMaskText(values)(item.reason);
  if (item.masked === "all" || (brought.length === 0 && !isWhole)) return { ...item, reason };
  return { ...item, reason, masked: isWhole ? "all" : [...new Set([...(item.masked ?? []), ...brought])] };
}

function showLine(line: StoredHistoryEntry, { stack, isSensitive, listOutputs }: Hiding): StoredHistoryEntry {
  const { metadata, outputs, set, task, reason } = line;
  const hidden = new Set(task === undefined ? [] : listOutputs(task));
  const isOutput: IsSensitive = (name) => hidden.has(name);
  const values = [
    ...listPlain(metadata, isSensitive),
    ...listPlain(set, isSensitive),
    ...listPlain(outputs, isOutput),
    ...(stack === undefined ? [] : listHeldSecrets(stack)),
  ];
  if (values.length === 0) return line;
  const mask = createMaskText(values);
  return {
    ...line,
    notes: line.notes.map(mask),
    ...defined({
      reason: reason === undefined ? undefined : mask(reason),
      metadata: hide(metadata, isSensitive) as StoredHistoryEntry["metadata"],
      set: hide(set, isSensitive),
      // Of a machine that is gone it is not known which output became which key.
      outputs: maskTexts(hide(outputs, isOutput), mask) as StoredHistoryEntry["outputs"],
    }),
  };
}

/** Replaces values by `***`. References stay: a replay reads them. */
function hide(values: unknown, isSensitive: IsSensitive): unknown {
  if (!isMap(values)) return values;
  const hidden = Object.entries(values).map(([key, value]) => [key, isPlain(value) && isSensitive(key) ? MASK : value]);
  return Object.fromEntries(hidden);
}

function maskTexts(values: unknown, mask: MaskText): unknown {
  if (!isMap(values)) return values;
  const masked = Object.entries(values).map(([key, value]) => [key, typeof value === "string" ? mask(value) : value]);
  return Object.fromEntries(masked);
}

function listPlain(values: unknown, isSensitive: IsSensitive): readonly unknown[] {
  if (!isMap(values)) return [];
  return Object.entries(values).flatMap(([key, value]) => (isPlain(value) && isSensitive(key) ? [value] : []));
}

function isPlain(value: unknown): boolean {
  return value !== null && value !== MASK && !isReference(value);
}

function pick(values: unknown, keys: readonly string[]): readonly unknown[] {
  return isMap(values) ? keys.map((key) => values[key]) : [];
}
