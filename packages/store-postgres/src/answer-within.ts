import { StackyardError } from "@stackyard/core";

/**
 * The result of a call, or `STORE_UNAVAILABLE` when there is none within the time. What was sent may still be written:
 * callers repeat it under the same ids.
 */
export async function answerWithin<Result>(work: Promise<Result>, withinMs: number): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const message = `PostgreSQL has not answered for ${withinMs / 1_000} s. Check the server, and locks on its tables.`;
      reject(new StackyardError("STORE_UNAVAILABLE", message));
    }, withinMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
