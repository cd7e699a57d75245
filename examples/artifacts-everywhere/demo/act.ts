import type { World } from "./world.ts";

/** One thing that happens in the demo. */
export interface Act {
  readonly name: string;
  /** A line that says what happens. */
  readonly title: string;
  readonly run: (world: World) => Promise<ActEnd>;
}

/** The result of an act. */
export interface ActEnd {
  /** Lines that say what stands now. */
  readonly told: readonly string[];
  /** The failed checks, in sentences. */
  readonly faults: readonly string[];
}

/** Returns a sentence for each false expectation. */
export function findBroken(expected: Readonly<Record<string, boolean>>): readonly string[] {
  return Object.entries(expected).flatMap(([sentence, holds]) => (holds ? [] : [`Not so: ${sentence}`]));
}
