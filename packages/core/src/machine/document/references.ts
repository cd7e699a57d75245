import { findNearestName } from "./nearest-name.ts";

/**
 * Names that the states use. A misspelt name counts as a use of the nearest known one, so that a slip of the pen is one
 * problem and not also an unused task or an unreachable state.
 */
export interface References {
  /** Notes the use; true when the name is known. */
  use(name: string): boolean;
  isUsed(name: string): boolean;
  /** The name that counts as used; undefined when none is near. */
  resolve(name: string): string | undefined;
}

/** What states refer to. */
export interface StateReferences {
  readonly events: References;
  readonly tasks: References;
  readonly states: References;
}

// A document with more unknown names is no document with slips of the pen.
const MAX_GUESSES = 200;

/** Uses of a set of known names; of anything when the set could not be read. */
export function createReferences(known: Pick<ReadonlySet<string>, "has" | "keys"> | undefined): References {
  const used = new Set<string>();
  const nearest = new Map<string, string | undefined>();

  function resolve(name: string): string | undefined {
    if (known === undefined || known.has(name)) return name;
    if (!nearest.has(name) && nearest.size < MAX_GUESSES) nearest.set(name, findNearestName(name, known.keys()));
    return nearest.get(name);
  }

  return {
    use(name) {
      const meant = resolve(name);
      if (meant !== undefined) used.add(meant);
      return meant === name;
    },
    isUsed: (name) => used.has(name),
    resolve,
  };
}
