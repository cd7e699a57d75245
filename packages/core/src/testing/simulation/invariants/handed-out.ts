import type { DueItem, DueKind, TakeDueInput } from "../../../ports/work-queue.ts";
import type { Invariant } from "./invariant.ts";

type Kind = Extract<DueKind, "poll" | "lapsedLease">;

interface Due {
  readonly kind: Kind;
  readonly at: number;
}

/** Attempts whose owner is gone, or whose time to be polled has come, do not wait for their deadline. */
export const handedOut: Invariant = {
  name: "handed-out",
  promise: "An attempt that is to be polled, or whose lease has lapsed, is handed out to whoever asks for work.",
  create(tell) {
    const due = new Map<string, Due>();
    const receipts = new Map<string, string>();
    return {
      onClaimed({ attemptId, now, leaseMs }, { kind }) {
        if (kind === "granted") due.set(attemptId, { kind: "lapsedLease", at: now + leaseMs });
        else if (kind !== "held") due.delete(attemptId);
      },
      onRenewed: ({ attemptId }, until) => void due.set(attemptId, { kind: "lapsedLease", at: until }),
      onSuspended: ({ attemptId }, { dueAt }) => void due.set(attemptId, { kind: "poll", at: dueAt }),
      onSettled: ({ attemptId }) => void due.delete(attemptId),
      onCommitted({ change }) {
        for (const attemptId of change.closes) due.delete(attemptId);
        // A cancel makes it due at once by the clock of whoever asks, which may be ahead.
        for (const { attemptId } of change.cancels) {
          const known = due.get(attemptId);
          if (known?.kind === "poll") due.set(attemptId, { kind: "poll", at: Math.max(known.at, change.now) });
        }
      },
      onTaken(input, items) {
        for (const item of items) hide(item, input);
        if (items.length >= input.limit) return;
        for (const [attemptId, { kind, at }] of due) {
          if (at <= input.now && input.kinds.includes(kind)) tell(`${attemptId} was not handed out (${kind}).`);
        }
      },
      onGivenBack(given) {
        for (const receipt of given) due.delete(receipts.get(receipt) ?? "");
      },
    };

    function hide(item: DueItem, { now, leaseMs }: TakeDueInput): void {
      if (item.kind !== "poll" && item.kind !== "lapsedLease") return;
      receipts.set(item.receipt, item.attemptId);
      const known = due.get(item.attemptId);
      if (known?.kind === item.kind) due.set(item.attemptId, { kind: item.kind, at: now + leaseMs });
    }
  },
};
