import { chooseMachine, mayBeUndeclared } from "../aggregate/choose-machine.ts";
import type { FoundMachine, MissingMachine, StackInput, WantedMachine } from "../aggregate/stack-input.ts";
import { walkParkedStacks } from "../inspect/list-parked.ts";
import { listPages } from "../list-pages.ts";
import { formatUnknownMachine } from "../machine/decide/decide.ts";
import { MACHINES_FAULT } from "../machine/decide/decision.ts";
import { type StackEvent, SYSTEM_EVENTS } from "../machine/event-message.ts";
import type { ExecutorRegistry } from "../machine/executor-definition.ts";
import { type Machine, RUN_MACHINE } from "../machine/machine.ts";
import { parseMachine } from "../machine/parse-machine.ts";
import { parseRunMachine } from "../machine/run-machine.ts";
import type { Stack } from "../machine/stack.ts";
import type { Clock } from "../ports/clock.ts";
import type { LocatedMachine, Locator, Revision } from "../ports/locator.ts";
import type { LoadedStack, ParkedEvent } from "../ports/stack-store.ts";
import type { Revisions, Store } from "../ports/store.ts";

/** Dependencies of the finder. */
interface MachineFinderDeps {
  readonly locator: Locator;
  readonly revisions: Revisions;
  readonly clock: Clock;
  readonly compile: CompileRevision;
  /** Called with each located machine that an event is decided on. */
  readonly onLocated?: (name: string, located: LocatedMachine) => void;
}

/** Finds the revision of a machine that an event is decided on. */
export interface MachineFinder {
  find(wanted: WantedMachine): Promise<FoundMachine>;
  /**
   * Returns the result of `find` for a stack that keeps its revision, once that is compiled. Undefined: call `find`,
   * which does I/O.
   */
  findNow(wanted: WantedMachine): FoundMachine | undefined;
  /** Returns the machine of a stored revision; undefined when it is not stored or no longer compiles. */
  findRevision(hash: string): Promise<Machine | undefined>;
  /** Stores the revision if necessary. Must be called before a stack refers to it. */
  keep(hash: string): Promise<void>;
  /** Returns true when stacks of that revision keep it until they are upgraded. */
  pins(hash: string): Promise<boolean>;
}

/** Creates a finder with a cache of compiled revisions. */
export function createMachineFinder(deps: MachineFinderDeps): MachineFinder {
  const cache = createRevisionCache(deps.revisions, deps.compile, deps.clock);
  const locate = createLocate(deps);
  const upgrade = createUpgradeFinder(deps, cache);
  async function findDecided(wanted: WantedMachine): Promise<FoundMachine> {
    // The stack's own revision decides whether the stack follows its machine. A pinned stack does not need the locator.
    const own = wanted.stack && (await cache.find(wanted.stack.machineHash));
    const found = findNow(wanted);
    if (found !== undefined) return found;
    return own?.revision === "pin" ? findPinned(own, wanted) : findFollowing(own, wanted);
  }

  function findNow({ name, stack, event }: WantedMachine): FoundMachine | undefined {
    if (stack === undefined || event.name === SYSTEM_EVENTS.upgradeStack) return undefined;
    const own = cache.findCompiled(stack.machineHash);
    if (own === undefined || own.name !== name) return undefined;
    const isSettled = name === RUN_MACHINE || (own.revision === "pin" && !mayBeUndeclared(own, event));
    return isSettled ? toFound(own) : undefined;
  }

  async function findPinned(own: Machine, wanted: WantedMachine): Promise<FoundMachine> {
    // If the newest revision cannot be read, only the hint is lost.
    const located = await locate(wanted.name, wanted.event).catch(() => undefined);
    return chooseMachine(own, located?.kind === "found" ? located : undefined, wanted);
  }

  async function findFollowing(own: Machine | undefined, wanted: WantedMachine): Promise<FoundMachine> {
    const { name, stack, event } = wanted;
    const located = await locate(name, event);
    if (located.kind === "unknown") return toUnknownMachine(deps.locator, name);
    if (stack && own === undefined && (await isLost(cache, located, stack))) return toLostRevision(stack);
    if (located.kind === "invalid") {
      return chooseMachine(own, { kind: "invalid", reason: toInvalidReason(name, located.problems) }, wanted);
    }
    const found = chooseMachine(own, located, wanted);
    if (found.kind === "found" && found.machine === located.machine) cache.offer(located.revision);
    return found;
  }

  return {
    findNow,
    async find(wanted) {
      const { name, stack, event } = wanted;
      const isUpgrade = stack !== undefined && event.name === SYSTEM_EVENTS.upgradeStack;
      if (name === RUN_MACHINE && isUpgrade) return { kind: "missing", ...RUNS_STAY };
      if (name === RUN_MACHINE) return findRun(cache, stack?.machineHash ?? toText(event.message?.["revision"]));
      if (isUpgrade) return upgrade.find(name, event.to);
      return findDecided(wanted);
    },
    findRevision: (hash) => cache.find(hash),
    keep: (hash) => cache.keep(hash),
    pins: async (hash) => (await cache.find(hash))?.revision === "pin",
  };
}

const RUNS_STAY = {
  code: "MACHINE_UNKNOWN",
  reason: "A job uses a revision that was created for it alone. It cannot be upgraded.",
} as const;

const FRESH_EVERY_MS = 5_000;

/**
 * Looks up a machine. Before it reports an unknown machine or event, bypasses the locator's cache, at most once in 5 s.
 */
function createLocate({ locator, clock, onLocated }: MachineFinderDeps): Locate {
  const askedFreshAt = new Map<string, number>();
  async function ask(name: string, event: StackEvent): Promise<LocatedMachine> {
    const first = await locator.find(name);
    if (first.kind === "found" && !mayBeUndeclared(first.machine, event)) return first;
    const now = clock.now();
    if (now - (askedFreshAt.get(name) ?? Number.NEGATIVE_INFINITY) < FRESH_EVERY_MS) return first;
    remember(askedFreshAt, name, now);
    return locator.find(name, { fresh: true });
  }
  return async (name, event) => {
    const located = await ask(name, event);
    onLocated?.(name, located);
    return located;
  };
}

type Newer = Exclude<LocatedMachine, { kind: "unknown" }>;

type Locate = (name: string, event: StackEvent) => Promise<LocatedMachine>;

async function findRun(cache: RevisionCache, hash: string | undefined): Promise<FoundMachine> {
  const machine = hash === undefined ? undefined : await cache.find(hash);
  // A message may name the revision of any machine; only a run's own counts here.
  if (machine?.name === RUN_MACHINE) return { kind: "found", machine, notes: [] };
  const reason = `The revision ${hash ?? "(none named)"} of "${RUN_MACHINE}" is not kept.`;
  return { kind: "missing", code: "MACHINE_UNKNOWN", reason };
}

/**
 * Returns true if the stack may have to keep a revision that no longer compiles: the newest one must not replace it.
 */
async function isLost(cache: RevisionCache, newest: Newer, { machineHash }: Stack): Promise<boolean> {
  if (newest.kind !== "found" || newest.machine.revision !== "pin" || newest.machine.hash === machineHash) return false;
  return cache.isKept(machineHash);
}

function toLostRevision({ machine, machineHash }: Stack): MissingMachine {
  const reason = `The revision ${machineHash.slice(0, 12)} of "${machine}" that the stack keeps can no longer be used. If a plugin is missing, install it; otherwise upgrade the stack.`;
  return { kind: "missing", code: "MACHINE_INVALID", reason };
}

function toText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** A cache of compiled revisions. Notes which of the located revisions the store already has. */
interface RevisionCache {
  /** Returns the machine of a stored revision; undefined when it is not stored or no longer compiles. */
  find(hash: string): Promise<Machine | undefined>;
  /** Finds a machine like `find`, without I/O. Returns undefined for a revision that is not in the cache. */
  findCompiled(hash: string): Machine | undefined;
  /** Returns true when the source is stored, whether it compiles or not. */
  isKept(hash: string): Promise<boolean>;
  /** Notes a revision that a stack may soon refer to. */
  offer(revision: Revision): void;
  /** Stores an offered revision. Must be called before a stack refers to it. */
  keep(hash: string): Promise<void>;
}

const LIMIT = 1_000;

/** Creates an empty cache over the store's revisions. */
export function createRevisionCache(
  revisions: Pick<Revisions, "put"> & { get(hash: string): Promise<Revision | undefined> },
  compile: CompileRevision,
  clock: Pick<Clock, "now">,
): RevisionCache {
  const compiled = new Map<string, Machine>();
  const kept = new Map<string, true>();
  const offered = new Map<string, Revision>();
  return {
    findCompiled: (hash) => compiled.get(hash),
    async find(hash) {
      const cached = compiled.get(hash);
      if (cached !== undefined) return cached;
      const revision = await revisions.get(hash);
      const machine = revision === undefined ? undefined : compile(revision);
      if (machine === undefined) return undefined;
      remember(kept, hash, true);
      remember(compiled, hash, machine);
      return machine;
    },
    isKept: async (hash) => kept.has(hash) || (await revisions.get(hash)) !== undefined,
    offer(revision) {
      if (!kept.has(revision.hash)) remember(offered, revision.hash, revision);
    },
    async keep(hash) {
      const revision = offered.get(hash);
      if (revision === undefined) return;
      await revisions.put(revision, clock.now());
      remember(kept, hash, true);
      offered.delete(hash);
    },
  };
}

/** Sets an entry, and evicts the oldest one when there are too many. */
export function remember<Value>(cache: Map<string, Value>, key: string, value: Value): void {
  if (cache.size >= LIMIT && !cache.has(key)) {
    const oldest = cache.keys().next();
    if (!oldest.done) cache.delete(oldest.value);
  }
  cache.set(key, value);
}

/** Finds the revision to which a stack is upgraded. */
interface UpgradeFinder {
  /** Finds the revision. `to`: a stored revision of the machine, or the newest one. Default: the newest valid one. */
  find(name: string, to: string | undefined): Promise<FoundMachine>;
}

/** Creates a finder that bypasses the locator's cache, because an upgrade often follows a deployment. */
function createUpgradeFinder({ locator, onLocated }: MachineFinderDeps, cache: RevisionCache): UpgradeFinder {
  async function locate(name: string): Promise<LocatedMachine> {
    const located = await locator.find(name, { fresh: true });
    onLocated?.(name, located);
    return located;
  }

  function accept(located: Extract<LocatedMachine, { kind: "found" }>): FoundMachine {
    cache.offer(located.revision);
    return toFound(located.machine);
  }

  async function findNewest(name: string): Promise<FoundMachine> {
    const located = await locate(name);
    if (located.kind === "found") return accept(located);
    if (located.kind === "unknown") return toUnknownMachine(locator, name);
    return { kind: "missing", code: "MACHINE_INVALID", reason: toInvalidReason(name, located.problems) };
  }

  async function findNamed(name: string, to: string): Promise<FoundMachine> {
    const kept = await cache.find(to);
    if (kept?.name === name) return toFound(kept);
    const located = await locate(name);
    if (located.kind === "found" && located.revision.hash === to) return accept(located);
    return toMissingRevision(name, to, located, kept === undefined && (await cache.isKept(to)));
  }

  return { find: (name, to) => (to === undefined ? findNewest(name) : findNamed(name, to)) };
}

function toFound(machine: Machine): FoundMachine {
  return { kind: "found", machine, notes: [] };
}

function toMissingRevision(name: string, to: string, newest: LocatedMachine, isBroken: boolean): MissingMachine {
  const short = to.slice(0, 12);
  if (isBroken) {
    const reason = `The revision ${short} of "${name}" can no longer be used. Check whether a plugin is missing.`;
    return { kind: "missing", code: "MACHINE_INVALID", reason };
  }
  const advice = newest.kind === "found" ? ` The newest one is ${newest.revision.hash}.` : "";
  const reason = `No revision ${short} of "${name}" is stored, and the newest revision is a different one.${advice}`;
  return { kind: "missing", code: "MACHINE_UNKNOWN", reason };
}

/** Returns the refusal for an unknown machine, with the nearest known name. */
async function toUnknownMachine(locator: Locator, name: string): Promise<MissingMachine> {
  // Empty when they cannot be listed: only advice is lost.
  const listings = await locator.list().catch(() => []);
  const names = listings.map((listing) => listing.name);
  return { kind: "missing", code: "MACHINE_UNKNOWN", reason: formatUnknownMachine(name, names) };
}

/** Returns the reason for a machine with errors, with the first error. */
function toInvalidReason(name: string, problems: Problems): string {
  const first = problems.find(({ severity }) => severity === "error");
  const where = first === undefined ? "" : ` First: ${first.path === "" ? "" : `${first.path}: `}${first.message}`;
  return `The machine "${name}" has ${problems.length} problem(s).${where}`;
}

type Problems = Extract<LocatedMachine, { kind: "invalid" }>["problems"];

/** Compiles a kept revision; undefined when it no longer compiles. */
type CompileRevision = (revision: Revision) => Machine | undefined;

/** Creates a compiler of stored revisions for the registered executors. */
export function createCompileRevision(executors: ExecutorRegistry): CompileRevision {
  return (revision) => {
    if (revision.name === RUN_MACHINE) return parseRunMachine(revision.source);
    return parseMachine(revision.source, { name: revision.name, executors, kept: true }).machine;
  };
}

/** Detects new revisions of machines, so that events that an earlier revision refused are decided again. */
interface RevisionWatch {
  /** Notes the machine that an event was decided on. */
  note(name: string, located: LocatedMachine): void;
  /** Returns some stacks whose machine has changed; an empty list when the yard has no parked events. */
  takeRevised(): Promise<readonly StackInput[]>;
}

/** Dependencies of the watch. */
interface RevisionWatchDeps {
  readonly locator: Locator;
  readonly store: Pick<Store, "queries" | "nextDueAt" | "load">;
  readonly clock: Clock;
  /** Returns true for a revision that its stacks keep: a newer one does not affect them before they are upgraded. */
  readonly pins: (hash: string) => Promise<boolean>;
}

const PAGE = 256;

/**
 * Watches the machines that this process has decided on. Events that were parked before the process started are checked
 * once, because their machine may have been corrected while no process was running.
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

/** The key of the list of events that were parked before the start; no machine has an empty name. */
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
  parked: ParkedEvent,
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

function machineOf({ event }: ParkedEvent, stack: LoadedStack["stack"]): string | undefined {
  const machine = event.message["machine"];
  return stack?.machine ?? (typeof machine === "string" ? machine : undefined);
}

function toMark(located: LocatedMachine): string {
  return located.kind === "found" ? located.revision.hash : located.kind;
}
