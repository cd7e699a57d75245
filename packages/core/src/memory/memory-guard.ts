import { StackyardError } from "../errors/stackyard-error.ts";

/** Makes a call of the port out of a function that runs in one go. */
export type Guard = <Args extends readonly unknown[], Result>(
  run: (...args: Args) => Result | Promise<Result>,
) => (...args: Args) => Promise<Result>;

/** Calls fail with `STORE_CLOSED` after `close`. */
export function createGuard(): { readonly guard: Guard; close(): void } {
  let isClosed = false;
  return {
    guard:
      (run) =>
      async (...args) => {
        if (isClosed) throw new StackyardError("STORE_CLOSED", "The store is closed. Open it again before you use it.");
        return await run(...args);
      },
    close() {
      isClosed = true;
    },
  };
}
