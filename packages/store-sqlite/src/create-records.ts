import type { Records } from "@stackyard/core";
import type { GroupCommit } from "./group-commit.ts";
import { findRecord, listRecords, putRecord, removeRecord, serialiseRecord } from "./records.ts";

/** Small documents under keys, beside the stacks. */
export function createRecords(commits: GroupCommit): Records {
  return {
    get: (key, now) => commits.read(({ database }) => findRecord(database, key, now)),
    async put({ value, ...input }) {
      const text = serialiseRecord(input.key, value);
      return commits.write((transaction) => putRecord(transaction, input, text));
    },
    remove: (key, expected) => commits.write((transaction) => removeRecord(transaction, key, expected)),
    list: (prefix, page) => commits.read(({ database }) => listRecords(database, prefix, page)),
  };
}
