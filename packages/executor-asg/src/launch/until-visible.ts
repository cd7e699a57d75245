import type { ReleaseDeps } from "../release-deps.ts";

/** What was created is seen by others, and by describe calls, some seconds later (EC2 API reference, "Eventual consistency"). */
const TRIES = 8;
const PAUSE_MS = 2_000;

/** Asks until there is an answer, for a quarter of a minute; `undefined`: there was none. */
export async function untilVisible<Answer>(
  { clock, signal }: Pick<ReleaseDeps, "clock" | "signal">,
  ask: () => Promise<Answer | undefined>,
): Promise<Answer | undefined> {
  for (let tries = 1; ; tries += 1) {
    const answer = await ask();
    if (answer !== undefined || tries === TRIES) return answer;
    await clock.sleep(PAUSE_MS, signal);
    signal.throwIfAborted();
  }
}
