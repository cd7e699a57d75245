import { type Clock, isStackyardError, type Logger } from "@stackyard/core";
import type { SessionCredentials } from "./assume-role.ts";

/** Credentials that are renewed before they end. */
export interface RenewedCredentials {
  /** Credentials that are good for five minutes, and that have at least so much of their time before them (0 to 1). */
  get(share?: number): Promise<SessionCredentials>;
}

/** What it works with. */
export interface RenewedCredentialsInput {
  readonly load: () => Promise<SessionCredentials>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What the SDK asks for before it signs: it takes credentials as ended five minutes before their end. */
const MIN_MS = 5 * 60_000;
/** In the last quarter of its time a new session is begun beside the work, so that no call waits for it. */
const AHEAD_SHARE = 0.25;
/** A renewal that failed is not tried again at once while the session lasts. */
const AGAIN_MS = 30_000;

/** Keeps one session: one renewal at a time, and the last session while a renewal fails and it still lasts. */
export function createRenewedCredentials({ load, clock, logger }: RenewedCredentialsInput): RenewedCredentials {
  let current: SessionCredentials | undefined;
  let lifeMs = 0;
  let loading: Promise<SessionCredentials> | undefined;
  let failedAt = Number.NEGATIVE_INFINITY;

  function leftMs(): number {
    return current === undefined ? Number.NEGATIVE_INFINITY : current.expiration.getTime() - clock.now();
  }

  function renew(): Promise<SessionCredentials> {
    loading ??= load()
      .then((loaded) => {
        current = loaded;
        lifeMs = leftMs();
        return loaded;
      })
      .catch((error: unknown) => {
        failedAt = clock.now();
        throw error;
      })
      .finally(() => {
        loading = undefined;
      });
    return loading;
  }

  function mayTry(): boolean {
    return clock.now() - failedAt >= AGAIN_MS;
  }

  async function renewOrKeep(): Promise<SessionCredentials> {
    const last = current;
    if (last !== undefined && leftMs() > 0 && !mayTry()) return last;
    try {
      return await renew();
    } catch (error) {
      if (last === undefined || leftMs() <= 0 || !isPassing(error)) throw error;
      logger.warn("A session could not be renewed; the last one goes on until its end.", { error });
      return last;
    }
  }

  return {
    async get(share = 0) {
      if (current === undefined || leftMs() < Math.max(MIN_MS, lifeMs * share)) return renewOrKeep();
      if (leftMs() < lifeMs * AHEAD_SHARE && mayTry()) {
        renew().catch((error: unknown) => logger.warn("A session could not be renewed ahead of its end.", { error }));
      }
      return current;
    },
  };
}

/** A role that was taken away must not be used on because a renewal failed. */
function isPassing(error: unknown): boolean {
  return isStackyardError(error) && error.retryable;
}
