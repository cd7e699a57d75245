import type { Problem } from "../machine/document/problem-list.ts";
import type { Machine } from "../machine/machine.ts";

/** One revision of a machine's source, stored for the stacks that use it. */
export interface Revision {
  readonly name: string;
  readonly hash: string;
  /** The document's text: YAML or JSON. */
  readonly source: string;
}

/** A revision as a list shows it. */
export interface ListedRevision extends Omit<Revision, "source"> {
  /** When the yard stored it, epoch milliseconds. */
  readonly firstSeenAt: number;
}

/** A revision that is stored. */
export interface KeptRevision extends Revision, ListedRevision {}

/**
 * The result of a lookup by name. `invalid`: the newest document has errors; existing stacks use their stored revision.
 */
export type LocatedMachine =
  | {
      readonly kind: "found";
      readonly machine: Machine;
      readonly revision: Revision;
      readonly problems: readonly Problem[];
    }
  | { readonly kind: "unknown" }
  | {
      readonly kind: "invalid";
      readonly problems: readonly Problem[];
      /** The document's text, for editors. Absent when it cannot be read, or is a module. */
      readonly source?: string;
    };

/** One row of a listing. */
export interface MachineListing {
  readonly name: string;
  readonly located: LocatedMachine;
  /** Where it was found: a path or an object's address. */
  readonly origin: string;
}

/** Where machines are found by name. */
export interface Locator {
  /** Returns the newest revision. `fresh`: bypasses the cache. */
  find(name: string, options?: { readonly fresh?: boolean }): Promise<LocatedMachine>;
  list(): Promise<readonly MachineListing[]>;
}
