import { chooseMachine, mayBeUndeclared, type NewestMachine } from "../../aggregate/choose-machine.ts";
import type { FoundMachine, MissingMachine, WantedMachine } from "../../aggregate/stack-input.ts";
import { formatUnknownMachine } from "../../machine/decide/decide.ts";
import { type StackEvent, SYSTEM_EVENTS } from "../../machine/event-message.ts";
import { JOB_MACHINE, type Machine } from "../../machine/machine.ts";
import { RecentMap } from "../../machine/recent-map.ts";
import type { Stack } from "../../machine/stack.ts";
import type { Clock } from "../../ports/clock.ts";
import type { LocatedMachine, Locator } from "../../ports/locator.ts";
import type { Revisions } from "../../ports/store.ts";
import { type CompileRevision, createRevisionCache, type RevisionCache } from "./revision-cache.ts";
import { createRevisionOrder, type RevisionOrder } from "./revision-order.ts";

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
  /** See `RevisionCache`. */
  forget(): void;
  /** Returns true when stacks of that revision keep it until they are upgraded. */
  pins(hash: string): Promise<boolean>;
}

/** Creates a finder with a cache of compiled revisions. */
export function createMachineFinder(deps: MachineFinderDeps): MachineFinder {
  const cache = createRevisionCache(deps.revisions, deps.compile, deps.clock);
  const locate = createLocate(deps);
  const order = createRevisionOrder(deps, cache);
  const upgrade = createUpgradeFinder(deps, cache, order);
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
    const isSettled = name === JOB_MACHINE || (own.revision === "pin" && !mayBeUndeclared(own, event));
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
    if (located.kind === "unknown") return chooseMachine(own, await toUnknownMachine(deps.locator, name), wanted);
    if (stack && own === undefined && (await isLost(cache, located, stack))) return toLostRevision(stack);
    if (located.kind === "invalid") {
      const reason = toInvalidReason(name, located.problems);
      return chooseMachine(own, { kind: "unusable", code: "MACHINE_INVALID", reason }, wanted);
    }
    const found = chooseMachine(own, await order.place(located, own, wanted), wanted);
    if (found.kind === "found" && found.machine === located.machine) cache.offer(located.revision);
    return found;
  }

  return {
    findNow,
    async find(wanted) {
      const { name, stack, event } = wanted;
      const isUpgrade = stack !== undefined && event.name === SYSTEM_EVENTS.upgradeStack;
      if (name === JOB_MACHINE && isUpgrade) return { kind: "missing", ...JOBS_STAY };
      if (name === JOB_MACHINE) return findJob(cache, stack?.machineHash ?? toText(event.message?.["revision"]));
      if (isUpgrade) return upgrade.find(name, event.to);
      return findDecided(wanted);
    },
    findRevision: (hash) => cache.find(hash),
    keep: (hash) => cache.keep(hash),
    forget: () => cache.forget(),
    pins: async (hash) => (await cache.find(hash))?.revision === "pin",
  };
}

const JOBS_STAY = {
  code: "MACHINE_UNKNOWN",
  reason: "A job uses a revision that was created for it alone. It cannot be upgraded.",
} as const;

const FRESH_EVERY_MS = 5_000;
const MOST_MACHINES = 1_000;

/**
 * Looks up a machine. Before it reports an unknown machine or event, bypasses the locator's cache, at most once in 5 s.
 */
function createLocate({ locator, clock, onLocated }: MachineFinderDeps): Locate {
  const askedFreshAt = new RecentMap<string, number>(MOST_MACHINES);
  async function ask(name: string, event: StackEvent): Promise<LocatedMachine> {
    const first = await locator.find(name);
    if (first.kind === "found" && !mayBeUndeclared(first.machine, event)) return first;
    const now = clock.now();
    if (now - (askedFreshAt.get(name) ?? Number.NEGATIVE_INFINITY) < FRESH_EVERY_MS) return first;
    askedFreshAt.set(name, now);
    return locator.find(name, { fresh: true });
  }
  return async (name, event) => {
    const located = await ask(name, event);
    onLocated?.(name, located);
    return located;
  };
}

type UnusableMachine = Extract<NewestMachine, { kind: "unusable" }>;

type Newer = Exclude<LocatedMachine, { kind: "unknown" }>;

type Locate = (name: string, event: StackEvent) => Promise<LocatedMachine>;

async function findJob(cache: RevisionCache, hash: string | undefined): Promise<FoundMachine> {
  const machine = hash === undefined ? undefined : await cache.find(hash);
  // A message may name the revision of any machine; only a job's own counts here.
  if (machine?.name === JOB_MACHINE) return { kind: "found", machine, notes: [] };
  const reason = `The revision ${hash ?? "(none named)"} of "${JOB_MACHINE}" is not kept.`;
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

/** Finds the revision to which a stack is upgraded. */
interface UpgradeFinder {
  /** Finds the revision. `to`: a stored revision of the machine, or the newest one. Default: the newest valid one. */
  find(name: string, to: string | undefined): Promise<FoundMachine>;
}

/** Creates a finder that bypasses the locator's cache, because an upgrade often follows a deployment. */
function createUpgradeFinder(
  { locator, onLocated }: MachineFinderDeps,
  cache: RevisionCache,
  order: Pick<RevisionOrder, "note">,
): UpgradeFinder {
  async function locate(name: string): Promise<LocatedMachine> {
    const located = await locator.find(name, { fresh: true });
    onLocated?.(name, located);
    return located;
  }

  function accept(located: Extract<LocatedMachine, { kind: "found" }>): FoundMachine {
    order.note(located.machine.hash);
    cache.offer(located.revision);
    return toFound(located.machine);
  }

  async function findNewest(name: string): Promise<FoundMachine> {
    const located = await locate(name);
    if (located.kind === "found") return accept(located);
    if (located.kind === "unknown") return { ...(await toUnknownMachine(locator, name)), kind: "missing" };
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
async function toUnknownMachine(locator: Locator, name: string): Promise<UnusableMachine> {
  // Empty when they cannot be listed: only advice is lost.
  const listings = await locator.list().catch(() => []);
  const names = listings.map((listing) => listing.name);
  return { kind: "unusable", code: "MACHINE_UNKNOWN", reason: formatUnknownMachine(name, names) };
}

/** Returns the reason for a machine with errors, with the first error. */
function toInvalidReason(name: string, problems: Problems): string {
  const first = problems.find(({ severity }) => severity === "error");
  const where = first === undefined ? "" : ` First: ${first.path === "" ? "" : `${first.path}: `}${first.message}`;
  return `The machine "${name}" has ${problems.length} problem(s).${where}`;
}

type Problems = Extract<LocatedMachine, { kind: "invalid" }>["problems"];
