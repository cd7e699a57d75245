import type { Store } from "@stackyard/core";
import { commitChange } from "./commit-change.ts";
import { enqueueEvent } from "./event-queue.ts";
import type { GroupCommit } from "./group-commit.ts";
import { loadStack } from "./load-stacks.ts";
import { giveReceiptBack, removeReceipt } from "./receipts.ts";
import { nextDueAt, takeDue } from "./take-due.ts";

type StackCalls = Pick<Store, "load" | "commit" | "enqueue" | "takeDue" | "acknowledge" | "giveBack" | "nextDueAt">;

/** The part of the store that the engine and the transport use. */
export function createStackStore(commits: GroupCommit): StackCalls {
  return {
    load: (ids) => commits.read((store) => ids.map((id) => loadStack(store, id))),
    commit: (changes) =>
      commits.write((transaction) => changes.map((change) => commitChange(transaction, change)), changes.length),
    enqueue: (events) =>
      commits.write((transaction) => events.map((event) => enqueueEvent(transaction, event)), events.length),
    takeDue: (input) => commits.read((store) => takeDue(store, input)),
    acknowledge: (receipts) =>
      commits.write((transaction) => {
        for (const receipt of receipts) removeReceipt(transaction, receipt);
      }, receipts.length),
    giveBack: (receipts, visibleAt) =>
      commits.write((transaction) => {
        for (const receipt of receipts) giveReceiptBack(transaction, receipt, visibleAt);
      }, receipts.length),
    nextDueAt: (kinds) => commits.read((store) => nextDueAt(store, kinds)),
  };
}
