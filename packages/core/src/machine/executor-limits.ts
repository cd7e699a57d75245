import { DEFAULT_CANCEL_WITHIN_MS } from "./decide/open-runs.ts";
import { parseDuration } from "./document/duration.ts";
import type { ExecutorDefinition } from "./executor-definition.ts";

/**
 * The executor's own time limit for a config that it accepts, in milliseconds; undefined when it has none, or says
 * something that is none. Throws what the executor throws.
 */
export function findTimeoutMs(definition: ExecutorDefinition | undefined, config: unknown): number | undefined {
  // The definition's own schema says what its config is, and only the caller knows that they belong together.
  const ms: unknown = definition?.timeout?.(config as never);
  return typeof ms === "number" && Number.isSafeInteger(ms) && ms > 0 ? ms : undefined;
}

/** How long a cancel may take, in milliseconds: as the executor says, else five minutes. */
export function toCancelWithinMs(definition: Pick<ExecutorDefinition, "cancelWithin"> | undefined): number {
  return parseDuration(definition?.cancelWithin ?? "") ?? DEFAULT_CANCEL_WITHIN_MS;
}
