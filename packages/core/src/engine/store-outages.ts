import { isStackyardError } from "../errors/stackyard-error.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/executor.ts";

interface StoreOutagesDeps {
  readonly logger: Logger;
  readonly clock: Clock;
  /** Rejects while the store does not take writes. */
  readonly check: () => Promise<unknown>;
}

/** Loops ask the store each second; its first answer after an outage is noticed as early. */
const CHECK_MS = 1_000;
/** How often a lasting outage is said again. */
const REPEAT_MS = 60_000;
/** The most causes that are followed: they may be circular. */
const DEEPEST = 8;

/**
 * Returns a logger for everything that needs the store. An outage is one line at its beginning, one each minute and one at its end, with
 * how often each thing has failed meanwhile; the lines themselves become `debug`. Without it each of a dozen loops reports each of its
 * turns, some 11 lines a second, and what else happens is lost among them.
 */
export function groupStoreOutages({ logger, clock, check }: StoreOutagesDeps): Logger {
  let failures: Map<string, number> | undefined;

  async function follow(counted: Map<string, number>): Promise<void> {
    const since = clock.now();
    let saidAt = since;
    const toFields = () => ({
      seconds: Math.round((clock.now() - since) / 1_000),
      failures: Object.fromEntries(counted),
    });
    while (!(await answers(check))) {
      if (clock.now() - saidAt >= REPEAT_MS) {
        saidAt = clock.now();
        logger.error("The store still does not answer.", toFields());
      }
      await clock.sleep(CHECK_MS);
    }
    failures = undefined;
    logger.warn("The store answers again.", toFields());
  }

  const toLevel = (level: "warn" | "error"): Logger["warn"] => {
    return (message, fields = {}) => {
      const error = Object.values(fields).find(isOfStore);
      if (error === undefined) {
        logger[level](message, fields);
        return;
      }
      if (failures === undefined) {
        failures = new Map();
        logger.error("The store does not answer. What fails for this reason is counted until it does.", { error });
        void follow(failures);
      }
      failures.set(message, (failures.get(message) ?? 0) + 1);
      logger.debug(message, fields);
    };
  };
  return { ...logger, warn: toLevel("warn"), error: toLevel("error") };
}

function answers(check: () => Promise<unknown>): Promise<boolean> {
  return check().then(
    () => true,
    () => false,
  );
}

function isOfStore(value: unknown): boolean {
  for (let at = value, depth = 0; depth < DEEPEST && at instanceof Error; at = at.cause, depth += 1) {
    if (isStackyardError(at, "STORE_UNAVAILABLE")) return true;
  }
  return false;
}
