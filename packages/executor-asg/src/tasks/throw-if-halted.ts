import { decideHalt, type HaltOrder } from "../halt/decide-halt.ts";
import type { ReleaseDeps, ReleaseWork } from "../release-deps.ts";
import { ReleaseError } from "../release-error.ts";

/**
 * Throws `RELEASE_TIMED_OUT` or `RELEASE_HALTED` where the release shall go no further. Orders that cannot be read stop nobody, as
 * with the predecessor: the next look reads them again.
 */
export async function throwIfHalted(deps: ReleaseDeps, { release, state }: ReleaseWork): Promise<void> {
  const { constants, clock } = deps;
  const halts = await readHalts(deps, release);
  const verdict = decideHalt({
    now: clock.now(),
    startedAt: Date.parse(state.started_at),
    createdAt: Date.parse(release.created_at),
    timeoutSeconds: release.timeout,
    halts,
    generation: constants.generation,
  });
  if (verdict.kind === "halt") throw new ReleaseError(verdict.code, verdict.message);
}

async function readHalts(
  { memory, logger, signal }: ReleaseDeps,
  release: ReleaseWork["release"],
): Promise<readonly HaltOrder[] | "unreadable"> {
  try {
    return await memory.listHalts(release);
  } catch (error) {
    signal.throwIfAborted();
    logger.warn("orders to halt could not be read", { error });
    return "unreadable";
  }
}
