import type { StoreContext } from "./store-context.ts";

/** Does what the sweep does as well: after the commit point an error is told, and the call has succeeded all the same. */
export async function attemptLater({ logger }: StoreContext, what: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    logger.warn(`DynamoDB: ${what} is left to the sweep.`, { error });
  }
}
