import type { StoreContext } from "./store-context.ts";

/**
 * Does what the sweep does as well: after the commit point an error is told, and the call has succeeded all the same.
 * True when it is done.
 */
export async function attemptLater({ logger }: StoreContext, what: string, run: () => Promise<void>): Promise<boolean> {
  try {
    await run();
    return true;
  } catch (error) {
    logger.warn(`DynamoDB: ${what} is left to the sweep.`, { error });
    return false;
  }
}
