import { type Machine, NEXT } from "../machine/machine.ts";
import { type StackEvent, SYSTEM_EVENTS } from "../machine/message/event.ts";
import { RUN_MACHINE } from "../machine/run-machine.ts";
import type { Stack } from "../machine/stack.ts";
import type { Clock } from "../ports/clock.ts";
import type { LocatedMachine, Locator } from "../ports/locator.ts";
import type { Revisions } from "../ports/store.ts";
import type { CompileRevision } from "./compile-revision.ts";
import type { FoundMachine, MissingMachine } from "./found-machine.ts";
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
  async function findDecided(wanted: Omit<Wanted, "own">): Promise<FoundMachine> {
    const { name, stack, event } = wanted;
    // What has moved the stack last says whether it follows; a pinned one does without the locator.
    const own = stack && (await cache.find(stack.machineHash));
    if (own?.revision === "pin") return toPinned(own, event, locate);
    const located = await locate(name, event);
    if (located.kind === "unknown") return tellUnknown(deps.locator, name);
    if (stack && own === undefined && (await isLost(cache, located, stack))) return tellLost(stack);
    return findNewest(cache, located, { ...wanted, own });
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

type Locate = (name: string, event: StackEvent) => Promise<LocatedMachine>;

function mayBeUndeclared(machine: Machine, event: StackEvent): boolean {
  return event.origin === "external" && !SYSTEM_NAMES.has(event.name) && !machine.events.has(event.name);
}

const SYSTEM_NAMES: ReadonlySet<string> = new Set([NEXT, ...Object.values(SYSTEM_EVENTS)]);

async function findRun(cache: RevisionCache, hash: string | undefined): Promise<FoundMachine> {
  const machine = hash === undefined ? undefined : await cache.find(hash);
  // A message may name the revision of any machine; only a run's own counts here.
  if (machine?.name === RUN_MACHINE) return { kind: "found", machine, notes: [] };
  const reason = `The revision ${hash ?? "(none named)"} of "${RUN_MACHINE}" is not kept.`;
  return { kind: "missing", code: "MACHINE_UNKNOWN", reason };
}

/** The revision that the stack keeps. One that lacks the event says so, and whether an upgrade would help. */
async function toPinned(own: Machine, event: StackEvent, locate: Locate): Promise<FoundMachine> {
  const found = { kind: "found", machine: own, notes: [] } as const;
  if (!mayBeUndeclared(own, event)) return found;
  // Only advice is lost when the newest one cannot be looked at.
  const newest = await locate(own.name, event).catch(() => undefined);
  if (newest?.kind !== "found" || !newest.machine.events.has(event.name)) return found;
  const reason = `The stack keeps revision ${own.hash.slice(0, 12)}, which declares no event "${event.name}"; the newest one does. Move it there with \`stackyard stacks upgrade ${event.stackId}\`, then send the event again.`;
  return { ...found, undeclared: { code: "EVENT_UNDECLARED", reason } };
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

interface Wanted {
  readonly name: string;
  readonly stack: Stack | undefined;
  readonly event: StackEvent;
  /** The stack's own revision. */
  readonly own: Machine | undefined;
}

/** The newest valid revision; the stack's last one while the newest is invalid or lacks the stack's state. */
function findNewest(cache: RevisionCache, answer: Newer, wanted: Wanted): FoundMachine {
  const { name, stack, own } = wanted;
  if (answer.kind === "found" && (stack === undefined || answer.machine.states.has(stack.state))) {
    cache.offer(answer.revision);
    return { kind: "found", machine: answer.machine, notes: [] };
  }
  if (own !== undefined) return toFallback(own, answer, wanted);
  if (answer.kind === "found") return { kind: "found", machine: answer.machine, notes: [] };
  return { kind: "missing", code: "MACHINE_INVALID", reason: toInvalidReason(name, answer.problems) };
}

type Newer = Exclude<LocatedMachine, { kind: "unknown" }>;

function toFallback(last: Machine, newest: Newer, { name, stack, event }: Wanted): FoundMachine {
  const found = { kind: "found", machine: last, notes: [toFallbackNote(newest, stack)] } as const;
  if (newest.kind === "invalid") {
    return { ...found, undeclared: { code: "MACHINE_INVALID", reason: toInvalidReason(name, newest.problems) } };
  }
  if (!newest.machine.events.has(event.name)) return found;
  const reason = `The stack's revision declares no event "${event.name}"; the newest one does and has no state "${stack?.state ?? ""}".`;
  return { ...found, undeclared: { code: "EVENT_NOT_HANDLED", reason } };
}

function toFallbackNote(answer: LocatedMachine, stack: Stack | undefined): string {
  const why = answer.kind === "invalid" ? "is invalid" : `has no state "${stack?.state ?? ""}"`;
  return `The newest revision of the machine ${why}; decided on the stack's last one.`;
}

function toText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
