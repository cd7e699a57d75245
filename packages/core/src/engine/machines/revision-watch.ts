import type { StackInput } from "../../aggregate/stack-input.ts";
import { walkParkedStacks } from "../../inspect/list-parked.ts";
import { listPages } from "../../list-pages.ts";
import { MACHINES_FAULT } from "../../machine/decide/decision.ts";
import { RecentMap } from "../../machine/recent-map.ts";
import type { Clock } from "../../ports/clock.ts";
import type { LocatedMachine, Locator } from "../../ports/locator.ts";
import type { LoadedStack, ParkedHead } from "../../ports/stack-store.ts";
import type { StackFilter, Store } from "../../ports/store.ts";

/** Detects new revisions of machines, so that events that an earlier revision refused are decided again. */
interface RevisionWatch {
  /** Notes the machine that an event was decided on. */
  note(name: string, located: LocatedMachine): void;
  /** Returns some stacks whose machine has changed. */
  takeRevised(): Promise<readonly StackInput[]>;
}

/** Dependencies of the watch. */
interface RevisionWatchDeps {
  readonly locator: Locator;
  readonly store: Pick<Store, "queries" | "load">;
  readonly clock: Clock;
  /** Returns true for a revision that its stacks keep: a newer one does not affect them before they are upgraded. */
  readonly pins: (hash: string) => Promise<boolean>;
  /** Returns true for a stored revision that compiles. */
  readonly isUsable: (hash: string) => Promise<boolean>;
}

const PAGE = 256;
const MOST_MACHINES = 1_000;

/**
 * Watches the machines that this process has decided on. Events that were parked before the process started are checked
 * once, because their machine may have been corrected while no process was running.
 */
export function createRevisionWatch(deps: RevisionWatchDeps): RevisionWatch {
  const { locator } = deps;
  const startedAt = deps.clock.now();
  const seen = new RecentMap<string, string>(MOST_MACHINES);
  /** Lists of stacks that are given page by page, by the machine that has changed. */
  const lists = new Map<string, StackList>([
    [EARLIER, openList(() => listParkedBefore({ ...deps, locator: { find: findNoted } }, startedAt))],
    [LOST, openList(() => listLost(deps))],
  ]);

  /** Compares each machine that was seen with its newest revision. */
  async function look(): Promise<void> {
    for (const [name, before] of [...seen]) {
      const located = await locator.find(name);
      const now = toMark(located);
      if (now === before) continue;
      seen.set(name, now);
      // A missing or invalid machine cannot allow an event that was refused before.
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
    // An older revision that was seen before remains, so that stacks with events that it refused are found.
    if (!seen.has(name) || located.kind !== "found") seen.set(name, toMark(located));
  }

  return {
    note,
    async takeRevised() {
      if (seen.size === 0 && lists.size === 0) return [];
      await look();
      return (await takeNext(lists)).map((stackId) => ({ kind: "revised", stackId }));
    },
  };
}

/** The key of the list of events that were parked before the start; no machine has an empty name. */
const EARLIER = "";

/** The key of the list of stacks whose revision is lost, or was. */
const LOST = " ";

type Pages = AsyncGenerator<readonly string[], void>;

interface StackList {
  readonly begin: () => Pages;
  pages: Pages;
  isDone: boolean;
}

function openList(begin: () => Pages): StackList {
  return { begin, pages: begin(), isDone: false };
}

/** Returns the next ids of the first list that is not empty. */
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

/** Returns the next ids; an empty list at the end, and after many pages without ids. */
async function takeIds(list: StackList): Promise<readonly string[]> {
  for (let pages = 0; pages < MAX_EMPTY_PAGES; pages += 1) {
    const ids = await takePage(list);
    if (list.isDone || ids.length > 0) return ids;
  }
  return [];
}

/** Returns the ids of the next page. A generator ends when it throws, so the list begins again after a failure. */
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

/** Lists all stacks of a machine, then the ids under which its events wait for a stack to be created. */
async function* listStacksOf({ store, pins }: RevisionWatchDeps, name: string): Pages {
  const pages = listPages((start) => store.queries.listStacks({ machine: name }, { limit: PAGE, ...start }));
  for await (const page of pages) {
    const ids: string[] = [];
    for (const { stack } of page.items) if (!(await pins(stack.machineHash))) ids.push(stack.id);
    yield ids;
  }
  for await (const stacks of walkParkedStacks(store)) {
    yield stacks.filter((each) => waitsForStackOf(each, name)).map(({ stackId }) => stackId);
  }
}

function waitsForStackOf({ stack, parked }: LoadedStack, machine: string): boolean {
  return stack === undefined && parked.some((each) => machineOf(each, undefined) === machine);
}

/** Lists the stacks whose revision cannot be used, and those that were listed as such: it may be there again. */
async function* listLost({ store, isUsable }: RevisionWatchDeps): Pages {
  const { groups } = await store.queries.countStacks({ jobs: false }, "revision");
  for (const { revision } of groups) {
    if (revision === undefined || (await isUsable(revision))) continue;
    for await (const page of listPages((start) => store.queries.listStacks({ revision }, { limit: PAGE, ...start })))
      yield page.items.map(({ stack }) => stack.id);
  }
  const marked: StackFilter = { behind: true, condition: "stalled" };
  for await (const page of listPages((start) => store.queries.listStacks(marked, { limit: PAGE, ...start })))
    yield page.items.map(({ stack }) => stack.id);
}

interface ParkedDeps extends Pick<RevisionWatchDeps, "store" | "pins"> {
  readonly locator: Pick<Locator, "find">;
}

/** Lists stacks with events that were parked before that instant and that may be decided differently now. */
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

/** Returns true when the machine may decide the event differently than when it was parked. */
async function mayDiffer(
  { locator, pins }: ParkedDeps,
  parked: ParkedHead,
  stack: LoadedStack["stack"],
): Promise<boolean> {
  const name = machineOf(parked, stack);
  const located = name === undefined ? undefined : await locator.find(name);
  if (located?.kind !== "found") return false;
  // The revision that refused to create a stack is not recorded.
  if (stack === undefined || MACHINES_FAULT.has(parked.code)) return true;
  return stack.machineHash !== located.revision.hash && !(await pins(stack.machineHash));
}

async function someAsync<T>(items: readonly T[], test: (item: T) => Promise<boolean>): Promise<boolean> {
  for (const item of items) if (await test(item)) return true;
  return false;
}

function machineOf({ event }: ParkedHead, stack: LoadedStack["stack"]): string | undefined {
  const { machine } = event.message;
  return stack?.machine ?? (typeof machine === "string" ? machine : undefined);
}

function toMark(located: LocatedMachine): string {
  return located.kind === "found" ? located.revision.hash : located.kind;
}
