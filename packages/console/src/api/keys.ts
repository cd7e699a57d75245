/** Keys of queries. A message of the live stream invalidates by their first parts. */
export const keys = {
  me: ["me"],
  yard: ["yard"],
  /** Returns the key of a list that changes with any stack, refetched at most every 2 s. */
  list: (name: string, filter: object = {}) => ["list", name, filter],
  /** Counts, refetched at most every 5 s. */
  count: (name: string, filter: object = {}) => ["count", name, filter],
  stack: (stackId: string, part = "details", filter: object = {}) => ["stack", stackId, part, filter],
  machine: (name: string, part = "details", filter: object = {}) => ["machine", name, part, filter],
  attempt: (attemptId: string, part = "details") => ["attempt", attemptId, part],
  bulk: (id: string, part = "details") => ["bulk", id, part],
  /** Returns the key of data that no stack changes, such as audit pages and tokens. */
  other: (name: string, filter: object = {}) => ["other", name, filter],
} as const;
