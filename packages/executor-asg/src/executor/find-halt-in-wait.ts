import { decideHalt } from "../halt/decide-halt.ts";
import type { ReleaseDeps, ReleaseWork } from "../release-deps.ts";
import { ReleaseError } from "../release-error.ts";

/**
 * An order to halt that is there while a release waits. The time-out is not looked at: the predecessor's states look at it when they work, and
 * the slow start of a target group is not part of it. What cannot be read is read at the next look, some seconds later.
 */
export async function findHaltInWait(
  deps: ReleaseDeps,
  { release }: Pick<ReleaseWork, "release">,
): Promise<ReleaseError | undefined> {
  const { clock, constants, memory, logger } = deps;
  const halts = await memory.listHalts(release).catch((error: unknown) => {
    logger.warn("orders to halt could not be read", { error, release: release.release_id });
    return "unreadable" as const;
  });
  const now = clock.now();
  const verdict = decideHalt({
    now,
    halts,
    startedAt: now,
    createdAt: now,
    timeoutSeconds: Number.POSITIVE_INFINITY,
    generation: constants.generation,
  });
  return verdict.kind === "halt" ? new ReleaseError(verdict.code, verdict.message) : undefined;
}
