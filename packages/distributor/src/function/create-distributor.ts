import { silentLogger } from "@stackyard/core";
import type { DistributorOptions } from "./distributor-options.ts";
import { handleEvent } from "./handle-event.ts";
import { openDistributor } from "./open-distributor.ts";

/** What Lambda tells of a call. */
export interface InvocationContext {
  readonly awsRequestId?: string;
  getRemainingTimeInMillis?(): number;
}

/** The distributor's function. */
export interface Distributor {
  /**
   * Takes an event of S3, of consumers, of the schedule or of the state machine, or a request, and answers as each wants it. Rejects when it is to
   * be brought again; `EVENT_INVALID` for what is nothing of these.
   */
  handle(event: unknown, context?: InvocationContext): Promise<unknown>;
}

/** Where Lambda does not say how much time there is. */
const TURN_MS = 840_000;

/** Makes the distributor. Nothing is called before the first event. Throws `CONFIG_INVALID` for prefixes that cannot be told apart. */
export function createDistributor(options: DistributorOptions): Distributor {
  const { random = Math.random, logger = silentLogger, write = writeLine } = options;
  const open = openDistributor({ ...options, random, logger, write });
  return {
    handle: (event, context) =>
      handleEvent(open, event, {
        deadlineAt: options.clock.now() + (context?.getRemainingTimeInMillis?.() ?? TURN_MS),
      }),
  };
}

function writeLine(line: string): void {
  process.stdout.write(line);
}
