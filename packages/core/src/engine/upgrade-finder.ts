import type { FoundMachine, MissingMachine } from "../aggregate/stack-input.ts";
import type { Machine } from "../machine/machine.ts";
import type { LocatedMachine, Locator } from "../ports/locator.ts";
import type { RevisionCache } from "./revision-cache.ts";
import { tellUnknown, toInvalidReason } from "./tell-machine.ts";

/** Finds the revision that a stack is to be moved to. */
export interface UpgradeFinder {
  /** `to`: a revision of the machine that is kept or is the newest; without it the newest valid one. */
  find(name: string, to: string | undefined): Promise<FoundMachine>;
}

/** What the finder works with. */
export interface UpgradeFinderDeps {
  readonly locator: Locator;
  /** Told of each answer. */
  readonly onLocated?: (name: string, located: LocatedMachine) => void;
}

/** A finder that looks past the locator's cache: who upgrades wants what was just deployed. */
export function createUpgradeFinder({ locator, onLocated }: UpgradeFinderDeps, cache: RevisionCache): UpgradeFinder {
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
    if (located.kind === "unknown") return tellUnknown(locator, name);
    return { kind: "missing", code: "MACHINE_INVALID", reason: toInvalidReason(name, located.problems) };
  }

  async function findNamed(name: string, to: string): Promise<FoundMachine> {
    const kept = await cache.find(to);
    if (kept?.name === name) return toFound(kept);
    const located = await locate(name);
    if (located.kind === "found" && located.revision.hash === to) return accept(located);
    return tellMissing(name, to, located, kept === undefined && (await cache.isKept(to)));
  }

  return { find: (name, to) => (to === undefined ? findNewest(name) : findNamed(name, to)) };
}

function toFound(machine: Machine): FoundMachine {
  return { kind: "found", machine, notes: [] };
}

function tellMissing(name: string, to: string, newest: LocatedMachine, isBroken: boolean): MissingMachine {
  const short = to.slice(0, 12);
  if (isBroken) {
    const reason = `The revision ${short} of "${name}" can no longer be used, perhaps because a plugin is missing.`;
    return { kind: "missing", code: "MACHINE_INVALID", reason };
  }
  const advice = newest.kind === "found" ? ` The newest one is ${newest.revision.hash}.` : "";
  const reason = `No revision ${short} of "${name}" is kept, and the newest one is another.${advice}`;
  return { kind: "missing", code: "MACHINE_UNKNOWN", reason };
}
