import { type StackEvent, SYSTEM_EVENTS } from "../machine/event.ts";
import { type Machine, NEXT } from "../machine/machine.ts";
import { RUN_MACHINE } from "../machine/run-machine.ts";
import type { Stack } from "../machine/stack.ts";
import { tellUnknownMachine } from "../machine/unknown-machine.ts";
import type { Clock } from "../ports/clock.ts";
import type { LocatedMachine, Locator } from "../ports/locator.ts";
import type { Revisions } from "../ports/store.ts";
import type { CompileRevision } from "./compile-revision.ts";
import { createRevisionCache, type RevisionCache, remember } from "./revision-cache.ts";

/** The machine that an event is decided on, or why there is none. */
export type FoundMachine =
  | {
      readonly kind: "found";
      readonly machine: Machine;
      readonly notes: readonly string[];
      /** Instead of `EVENT_UNDECLARED`: the stack is on an older revision, and the newest may declare the event. */
      readonly undeclared?: { readonly code: "EVENT_NOT_HANDLED" | "MACHINE_INVALID"; readonly reason: string };
    }
  | { readonly kind: "missing"; readonly code: "MACHINE_UNKNOWN" | "MACHINE_INVALID"; readonly reason: string };

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
  /** Makes sure that the revision is kept before a stack refers to it. */
  keep(hash: string): Promise<void>;
}

/** A finder with a cache of compiled revisions. */
export function createMachineFinder(deps: MachineFinderDeps): MachineFinder {
  const cache = createRevisionCache(deps.revisions, deps.compile);
  const locate = createLocate(deps);
  return {
    async find(name, stack, event) {
      if (name === RUN_MACHINE) return findPinned(cache, stack?.machineHash ?? toText(event.message?.["revision"]));
      const located = await locate(name, event);
      deps.onLocated?.(name, located);
      if (located.kind === "unknown") {
        return {
          kind: "missing",
          code: "MACHINE_UNKNOWN",
          reason: tellUnknownMachine(name, await listNames(deps.locator)),
        };
      }
      return findNewest(cache, located, { name, stack, event });
    },
    keep: (hash) => cache.keep(hash),
  };
}

/** None when they cannot be listed: only advice is lost. */
async function listNames(locator: Locator): Promise<readonly string[]> {
  const listings = await locator.list().catch(() => []);
  return listings.map(({ name }) => name);
}

const FRESH_EVERY_MS = 5_000;

/** Looks a machine up; past the locator's cache, once in 5 s, before a machine or an event is called unknown. */
function createLocate({
  locator,
  clock,
}: MachineFinderDeps): (name: string, event: StackEvent) => Promise<LocatedMachine> {
  const askedFreshAt = new Map<string, number>();
  return async (name, event) => {
    const first = await locator.find(name);
    if (first.kind === "found" && !mayBeUndeclared(first.machine, event)) return first;
    const now = clock.now();
    if (now - (askedFreshAt.get(name) ?? Number.NEGATIVE_INFINITY) < FRESH_EVERY_MS) return first;
    remember(askedFreshAt, name, now);
    return locator.find(name, { fresh: true });
  };
}

function mayBeUndeclared(machine: Machine, event: StackEvent): boolean {
  return event.origin === "external" && !SYSTEM_NAMES.has(event.name) && !machine.events.has(event.name);
}

const SYSTEM_NAMES: ReadonlySet<string> = new Set([NEXT, ...Object.values(SYSTEM_EVENTS)]);

async function findPinned(cache: RevisionCache, hash: string | undefined): Promise<FoundMachine> {
  const machine = hash === undefined ? undefined : await cache.find(hash);
  // A message may name the revision of any machine; only a run's own counts here.
  if (machine?.name === RUN_MACHINE) return { kind: "found", machine, notes: [] };
  const reason = `The revision ${hash ?? "(none named)"} of "${RUN_MACHINE}" is not kept.`;
  return { kind: "missing", code: "MACHINE_UNKNOWN", reason };
}

interface Wanted {
  readonly name: string;
  readonly stack: Stack | undefined;
  readonly event: StackEvent;
}

/** The newest valid revision; the stack's last one while the newest is invalid or lacks the stack's state. */
async function findNewest(cache: RevisionCache, answer: Newer, wanted: Wanted): Promise<FoundMachine> {
  const { name, stack } = wanted;
  if (answer.kind === "found" && (stack === undefined || answer.machine.states.has(stack.state))) {
    cache.offer(answer.revision);
    return { kind: "found", machine: answer.machine, notes: [] };
  }
  const last = stack === undefined ? undefined : await cache.find(stack.machineHash);
  if (last !== undefined) return toFallback(last, answer, wanted);
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

type Problems = Extract<LocatedMachine, { kind: "invalid" }>["problems"];

function toInvalidReason(name: string, problems: Problems): string {
  const first = problems.find(({ severity }) => severity === "error");
  const where = first === undefined ? "" : ` First: ${first.path === "" ? "" : `${first.path}: `}${first.message}`;
  return `The machine "${name}" has ${problems.length} problem(s).${where}`;
}

function toText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
