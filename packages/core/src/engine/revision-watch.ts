import type { StackInput } from "../aggregate/stack-input.ts";
import { MACHINES_FAULT } from "../machine/decide/parked-code.ts";
import type { Clock } from "../ports/clock.ts";
import type { LocatedMachine, Locator } from "../ports/locator.ts";
import type { LoadedStack, ParkedEvent } from "../ports/stack-store.ts";
import type { Store } from "../ports/store.ts";
import { walkParkedStacks } from "./list-parked.ts";
import { remember } from "./revision-cache.ts";

/** Notices that a machine has another revision, so that what the last one refused is decided again. */
export interface RevisionWatch {
  /** What events were just decided on. */
  note(name: string, located: LocatedMachine): void;
  /** Some stacks whose machine has changed; none when there is nothing parked in the yard. */
  takeRevised(): Promise<readonly StackInput[]>;
}

/** What the watch works with. */
export interface RevisionWatchDeps {
  readonly locator: Locator;
  readonly store: Pick<Store, "listStacks" | "nextDueAt" | "load" | "listParkedStackIds">;
  readonly clock: Clock;
  /** True for a revision that its stacks keep: a newer one means nothing to them before they are upgraded. */
  readonly pins: (hash: string) => Promise<boolean>;
}

const PAGE = 256;

/**
 * Watches the machines that this process has decided on. What was parked before the process started is looked at once:
 * its machine may have been corrected while no process was running.
 */
export function createRevisionWatch(deps: RevisionWatchDeps): RevisionWatch {
  const { locator, store } = deps;
  const startedAt = deps.clock.now();
  const seen = new Map<string, string>();
  /** Lists of stacks that are given page by page, by the machine that has changed. */
  const lists = new Map<string, StackList>([
    [EARLIER, openList(() => listParkedBefore({ ...deps, locator: { find: findNoted } }, startedAt))],
  ]);

  /** Compares each machine that was seen with its newest revision. */
  async function look(): Promise<void> {
    for (const [name, before] of [...seen]) {
      const located = await locator.find(name);
      const now = toMark(located);
      if (now === before) continue;
      seen.set(name, now);
      // A machine that is gone or invalid allows nothing that was refused before.
      if (located.kind === "found") lists.set(name, begin(name));
    }
  }

  function begin(name: string): StackList {
    return openList(() => listStacksOf(deps, name));
  }

  async function findNoted(name: string): Promise<LocatedMachine> {
    const located = await locator.find(name);
    note(name, located);
    return located;
  }

  function note(name: string, located: LocatedMachine): void {
    // An older revision that was seen before stays, so that the stacks that it refused something are found.
    if (!seen.has(name) || located.kind !== "found") remember(seen, name, toMark(located));
  }

  return {
    note,
    async takeRevised() {
      if (seen.size === 0 && lists.size === 0) return [];
      if ((await store.nextDueAt(["parked", "timer"])) === undefined) return [];
      await look();
      return (await takeNext(lists)).map((stackId) => ({ kind: "revised", stackId }));
    },
  };
}

/** The key of the list of what was parked before the start; no machine has an empty name. */
const EARLIER = "";

type Pages = AsyncGenerator<readonly string[], void>;

interface StackList {
  readonly begin: () => Pages;
  pages: Pages;
  isDone: boolean;
}

function openList(begin: () => Pages): StackList {
  return { begin, pages: begin(), isDone: false };
}

/** The next ids of the first list that has some. */
async function takeNext(lists: Map<string, StackList>): Promise<readonly string[]> {
  for (const [name, list] of lists) {
    const ids = await takeIds(list);
    if (ids.length > 0) return ids;
    if (list.isDone) lists.delete(name);
  }
  return [];
}

/** Pages that one call reads at most before it lets others work. */
const MAX_EMPTY_PAGES = 20;

/** The next ids; none at the end, and after many pages without any. */
async function takeIds(list: StackList): Promise<readonly string[]> {
  for (let pages = 0; pages < MAX_EMPTY_PAGES; pages += 1) {
    const ids = await takePage(list);
    if (list.isDone || ids.length > 0) return ids;
  }
  return [];
}

/** A generator ends when it throws, so the list begins again after a failure. */
async function takePage(list: StackList): Promise<readonly string[]> {
  try {
    const { value, done } = await list.pages.next();
    list.isDone = done === true;
    return value ?? [];
  } catch (error) {
    list.pages = list.begin();
    throw error;
  }
}

/** All stacks of a machine, then the ids under which its events wait for a stack to be created. */
async function* listStacksOf({ store, pins }: RevisionWatchDeps, name: string): Pages {
  let cursor: string | undefined;
  do {
    const after: { readonly cursor?: string } = cursor === undefined ? {} : { cursor };
    const page = await store.listStacks({ machine: name }, { limit: PAGE, ...after });
    const ids: string[] = [];
    for (const { stack } of page.items) if (!(await pins(stack.machineHash))) ids.push(stack.id);
    cursor = page.cursor;
    yield ids;
  } while (cursor !== undefined);
  for await (const stacks of walkParkedStacks(store)) {
    yield stacks.filter((each) => waitsForStackOf(each, name)).map(({ stackId }) => stackId);
  }
}

function waitsForStackOf({ stack, parked }: LoadedStack, machine: string): boolean {
  return stack === undefined && parked.some((each) => machineOf(each, undefined) === machine);
}

interface ParkedDeps extends Pick<RevisionWatchDeps, "store" | "pins"> {
  readonly locator: Pick<Locator, "find">;
}

/** Stacks with events that were parked before that instant and that may be decided differently now. */
async function* listParkedBefore(deps: ParkedDeps, before: number): Pages {
  for await (const stacks of walkParkedStacks(deps.store)) {
    const ids: string[] = [];
    for (const { stackId, stack, parked } of stacks) {
      const earlier = parked.filter(({ parkedAt }) => parkedAt < before);
      if (await someAsync(earlier, (each) => mayDiffer(deps, each, stack))) ids.push(stackId);
    }
    yield ids;
  }
}

/** True when the machine may decide the event differently than it did when it was parked. */
async function mayDiffer(
  { locator, pins }: ParkedDeps,
  parked: ParkedEvent,
  stack: LoadedStack["stack"],
): Promise<boolean> {
  const name = machineOf(parked, stack);
  const located = name === undefined ? undefined : await locator.find(name);
  if (located?.kind !== "found") return false;
  // Nothing says which revision refused to create a stack.
  if (stack === undefined || MACHINES_FAULT.has(parked.code)) return true;
  return stack.machineHash !== located.revision.hash && !(await pins(stack.machineHash));
}

async function someAsync<T>(items: readonly T[], test: (item: T) => Promise<boolean>): Promise<boolean> {
  for (const item of items) if (await test(item)) return true;
  return false;
}

function machineOf({ event }: ParkedEvent, stack: LoadedStack["stack"]): string | undefined {
  const machine = event.message["machine"];
  return stack?.machine ?? (typeof machine === "string" ? machine : undefined);
}

function toMark(located: LocatedMachine): string {
  return located.kind === "found" ? located.revision.hash : located.kind;
}
