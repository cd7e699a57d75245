import type { Store } from "@stackyard/core";
import { findAttemptRow } from "./attempt-row.ts";
import { findAttempt, listAttempts } from "./attempt-view.ts";
import { claim } from "./claim.ts";
import type { GroupCommit } from "./group-commit.ts";
import { renew } from "./renew.ts";
import { settle } from "./settle.ts";
import { suspend } from "./suspend.ts";
import { readMessage } from "./task-queue.ts";

type AttemptCalls = Pick<
  Store,
  "claim" | "renew" | "suspend" | "settle" | "findAttempt" | "listAttempts" | "findTaskMessage"
>;

/** The part of the store that workers use. */
export function createAttemptStore(commits: GroupCommit): AttemptCalls {
  return {
    claim: (input) => commits.write((transaction) => claim(transaction, input)),
    renew: (grant, input) => commits.write((transaction) => renew(transaction, grant, input)),
    suspend: (grant, input) => commits.write((transaction) => suspend(transaction, grant, input)),
    settle: (grant, input) => commits.write((transaction) => settle(transaction, grant, input)),
    findAttempt: (id) => commits.read(({ database, attemptNos }) => findAttempt(database, attemptNos, id)),
    listAttempts: (id) => commits.read(({ database, attemptNos }) => listAttempts(database, attemptNos, id)),
    findTaskMessage: (id) =>
      commits.read(({ database, attemptNos }) => {
        const row = findAttemptRow(database, attemptNos, id);
        return row === undefined ? undefined : readMessage(database, row.attempt_no);
      }),
  };
}
