import { untilAborted } from "./run-main.ts";
import type { StateManagerParts } from "./state-manager-parts.ts";

/**
 * Consumes the event queue and does the scheduled work in this process until the signal; then stops claiming and
 * finishes the work in progress. Several containers and functions can run at the same time.
 */
export async function runContainer(
  { yard, bulks, environment, logger }: StateManagerParts,
  stopping: AbortSignal,
): Promise<void> {
  const running = yard.start();
  bulks.run();
  logger.info("The state manager consumes events.", { queue: environment.queues.events });
  await untilAborted(stopping);
  logger.info("The state manager accepts no new work and finishes its current work.");
  await bulks.stop();
  await running.stop();
}
