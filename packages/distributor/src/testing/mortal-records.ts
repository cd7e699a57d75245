import type { Records } from "@stackyard/core";

/** Returns records that become unreachable once the count, which each call decrements, is used up. */
export function mortalRecords(records: Records, count: () => number): Records {
  const guard = <Args extends readonly unknown[], Result>(call: (...args: Args) => Promise<Result>) => {
    return async (...args: Args): Promise<Result> => {
      if (count() <= 0) throw new Error("The process died.");
      return call(...args);
    };
  };
  return { get: guard(records.get), put: guard(records.put), remove: guard(records.remove), list: guard(records.list) };
}
