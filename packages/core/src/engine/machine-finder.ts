import { chooseMachine, mayBeUndeclared } from "../aggregate/choose-machine.ts";
import type { FoundMachine, MissingMachine, WantedMachine } from "../aggregate/stack-input.ts";
import type { Machine } from "../machine/machine.ts";
import { type StackEvent, SYSTEM_EVENTS } from "../machine/message/event.ts";
import { RUN_MACHINE } from "../machine/run-machine.ts";
import type { Stack } from "../machine/stack.ts";
import type { Clock } from "../ports/clock.ts";
import type { LocatedMachine, Locator } from "../ports/locator.ts";
import type { Revisions } from "../ports/store.ts";
import type { CompileRevision } from "./compile-revision.ts";
import { createRevisionCache, type RevisionCache, remember } from "./revision-cache.ts";
import { tellUnknown, toInvalidReason } from "./tell-machine.ts";
import { createUpgradeFinder } from "./upgrade-finder.ts";

/** What the finder works with. */
export interface MachineFinderDeps {
  readonly locator: Locator;
  readonly revisions: Revisions;
  readonly clock: Clock;
  readonly compile: CompileRevision;
  /** Told of each answer that an event is decided on. */
  readonly onLocated?: (name: string, located: LocatedMachine) => void;
}

/** Finds the revision of a machine that an event is decided on. */
export interface MachineFinder {
  find(name: string, stack: Stack | undefined, event: StackEvent): Promise<FoundMachine>;
  /** The machine of a kept revision; undefined when it is not kept or no longer compiles. */
  findRevision(hash: string): Promise<Machine | undefined>;
  /** Makes sure that the revision is kept before a stack refers to it. */
  keep(hash: string): Promise<void>;
  /** True when stacks of that revision keep it until they are upgraded. */
  pins(hash: string): Promise<boolean>;
}

/** A finder with a cache of compiled revisions. */
export function createMachineFinder(deps: MachineFinderDeps): MachineFinder {
  const cache = createRevisionCache(deps.revisions, deps.compile);
  const locate = createLocate(deps);
  const upgrade = createUpgradeFinder(deps, cache);
  async function findDecided(wanted: WantedMachine): Promise<FoundMachine> {
    // What has moved the stack last says whether it follows; a pinned one does without the locator.
    const own = wanted.stack && (await cache.find(wanted.stack.machineHash));
    return own?.revision === "pin" ? findPinned(own, wanted) : findFollowing(own, wanted);
  }

  async function findPinned(own: Machine, wanted: WantedMachine): Promise<FoundMachine> {
    if (!mayBeUndeclared(own, wanted.event)) return chooseMachine(own, undefined, wanted);
    // Only advice is lost when the newest one cannot be looked at.
    const located = await locate(wanted.name, wanted.event).catch(() => undefined);
    return chooseMachine(own, located?.kind === "found" ? located : undefined, wanted);
  }

  async function findFollowing(own: Machine | undefined, wanted: WantedMachine): Promise<FoundMachine> {
    const { name, stack, event } = wanted;
    const located = await locate(name, event);
    if (located.kind === "unknown") return tellUnknown(deps.locator, name);
    if (stack && own === undefined && (await isLost(cache, located, stack))) return tellLost(stack);
    if (located.kind === "invalid") {
      return chooseMachine(own, { kind: "invalid", reason: toInvalidReason(name, located.problems) }, wanted);
    }
    const found = chooseMachine(own, located, wanted);
    if (found.kind === "found" && found.machine === located.machine) cache.offer(located.revision);
    return found;
  }

  return {
    async find(name, stack, event) {
      const isUpgrade = stack !== undefined && event.name === SYSTEM_EVENTS.upgradeStack;
      if (name === RUN_MACHINE && isUpgrade) return { kind: "missing", ...RUNS_STAY };
      if (name === RUN_MACHINE) return findRun(cache, stack?.machineHash ?? toText(event.message?.["revision"]));
      if (isUpgrade) return upgrade.find(name, event.to);
      return findDecided({ name, stack, event });
    },
    findRevision: (hash) => cache.find(hash),
    keep: (hash) => cache.keep(hash),
    pins: async (hash) => (await cache.find(hash))?.revision === "pin",
  };
}

const RUNS_STAY = {
  code: "MACHINE_UNKNOWN",
  reason: "A run has a revision of its own, made for it alone; there is no other to upgrade it to.",
} as const;

const FRESH_EVERY_MS = 5_000;

/** Looks a machine up; past the locator's cache, once in 5 s, before a machine or an event is called unknown. */
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

/** A revision that the stack may have to keep and that no longer compiles: the newest one must not take its place. */
async function isLost(cache: RevisionCache, newest: Newer, { machineHash }: Stack): Promise<boolean> {
  if (newest.kind !== "found" || newest.machine.revision !== "pin" || newest.machine.hash === machineHash) return false;
  return cache.isKept(machineHash);
}

function tellLost({ machine, machineHash }: Stack): MissingMachine {
  const reason = `The revision ${machineHash.slice(0, 12)} of "${machine}" that the stack keeps can no longer be used, perhaps because a plugin is missing. Bring it back, or upgrade the stack.`;
  return { kind: "missing", code: "MACHINE_INVALID", reason };
}

function toText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
