import { StackyardError } from "@stackyard/core";

/** Makes a call of the port. */
export type Guard = <Args extends readonly unknown[], Result>(
  run: (...args: Args) => Promise<Result>,
) => (...args: Args) => Promise<Result>;

/** Calls fail with `STORE_CLOSED` after `close`, which waits for those that are under way. */
export function createGuard(): { readonly guard: Guard; close(): Promise<void> } {
  const running = new Set<Promise<unknown>>();
  let isClosed = false;
  return {
    guard:
      (run) =>
      async (...args) => {
        if (isClosed) throw new StackyardError("STORE_CLOSED", "The store is closed. Open it again before you use it.");
        const result = run(...args);
        running.add(result);
        try {
          return await result;
        } finally {
          running.delete(result);
        }
      },
    async close() {
      isClosed = true;
      await Promise.allSettled([...running]);
    },
  };
}
