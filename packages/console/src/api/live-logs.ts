/** The logs that are followed for all tabs together. */
export interface LiveLogs {
  /** Follows these attempts, the most wanted first, and no others. */
  readonly update: (attemptIds: readonly string[]) => void;
}

/** Browsers open 6 connections to a server without HTTP/2. The yard's stream has one, and requests need some. */
const MOST_LOGS = 2;

/** Follows a few logs at once, each by `follow` until its signal ends; pages fetch the others by age. */
export function createLiveLogs(follow: (attemptId: string, signal: AbortSignal) => void): LiveLogs {
  const followed = new Map<string, AbortController>();
  return {
    update(attemptIds) {
      const wanted = new Set([...new Set(attemptIds)].slice(0, MOST_LOGS));
      for (const [attemptId, controller] of followed) {
        if (wanted.has(attemptId)) continue;
        controller.abort();
        followed.delete(attemptId);
      }
      for (const attemptId of wanted) {
        if (followed.has(attemptId)) continue;
        const controller = new AbortController();
        followed.set(attemptId, controller);
        follow(attemptId, controller.signal);
      }
    },
  };
}
