import type { DueItem, DueKind, TakeDueInput } from "../../../ports/work-queue.ts";
import type { Invariant } from "./invariant.ts";

type Kind = Extract<DueKind, "poll" | "lapsedLease">;

interface Due {
  readonly kind: Kind;
  readonly at: number;
}

/** Attempts whose message was lost, whose owner is gone, or whose poll is due do not wait for their deadline. */
export const handedOut: Invariant = {
  name: "handed-out",
  promise:
    "A message that was not acknowledged, a due poll and a lapsed lease are received by the next worker that polls.",
  create(tell) {
    const due = new Map<string, Due>();
    /** Messages that a worker has received, and when they come back. A claim removes the message, whatever it answers. */
    const messages = new Map<string, number>();
    const receipts = new Map<string, string>();
    return {
      onClaimed({ attemptId, now, leaseMs }, { kind }) {
        messages.delete(attemptId);
        if (kind === "granted") due.set(attemptId, { kind: "lapsedLease", at: now + leaseMs });
        else if (kind !== "held") due.delete(attemptId);
      },
      onRenewed: ({ attemptId }, until) => void due.set(attemptId, { kind: "lapsedLease", at: until }),
      onSuspended: ({ attemptId }, { dueAt }) => void due.set(attemptId, { kind: "poll", at: dueAt }),
      onSettled({ attemptId }) {
        due.delete(attemptId);
        messages.delete(attemptId);
      },
      onCommitted({ change }) {
        for (const attemptId of change.closes) {
          due.delete(attemptId);
          messages.delete(attemptId);
        }
        // A cancel makes it due at once by the clock of whoever asks, which may be ahead.
        for (const { attemptId } of change.cancels) {
          messages.delete(attemptId);
          const known = due.get(attemptId);
          if (known?.kind === "poll") due.set(attemptId, { kind: "poll", at: Math.max(known.at, change.now) });
        }
      },
      onTaken(input, items) {
        for (const item of items) hide(item, input);
        if (items.length >= input.limit) return;
        tellForgotten(input);
      },
      onGivenBack(given) {
        for (const receipt of given) {
          due.delete(receipts.get(receipt) ?? "");
          messages.delete(receipts.get(receipt) ?? "");
        }
      },
    };

    function tellForgotten({ now, kinds }: TakeDueInput): void {
      const lost = [...messages].filter(([, at]) => kinds.includes("task") && at <= now);
      for (const [attemptId] of lost) tell(`The message of ${attemptId} was not handed out.`);
      const waiting = [...due].filter(([, { kind, at }]) => kinds.includes(kind) && at <= now);
      for (const [attemptId, { kind }] of waiting) tell(`${attemptId} was not handed out (${kind}).`);
    }

    function hide(item: DueItem, { now, leaseMs }: TakeDueInput): void {
      if (item.kind === "task") {
        receipts.set(item.receipt, item.attemptId);
        messages.set(item.attemptId, now + leaseMs);
      }
      if (item.kind !== "poll" && item.kind !== "lapsedLease") return;
      receipts.set(item.receipt, item.attemptId);
      const known = due.get(item.attemptId);
      if (known?.kind === item.kind) due.set(item.attemptId, { kind: item.kind, at: now + leaseMs });
    }
  },
};
