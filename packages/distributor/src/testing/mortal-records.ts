import type { Records } from "@stackyard/core";

/** Records that cannot be reached any more once the count, which is taken at each call, is used up. */
export function mortalRecords(records: Records, count: () => number): Records {
  const guard = <Args extends readonly unknown[], Result>(call: (...args: Args) => Promise<Result>) => {
    return async (...args: Args): Promise<Result> => {
      if (count() <= 0) throw new Error("The process died.");
      return call(...args);
    };
  };
  return { get: guard(records.get), put: guard(records.put), remove: guard(records.remove), list: guard(records.list) };
}
