import type { StreamMessage } from "@stackyard/sdk";
import type { QueryClient } from "@tanstack/react-query";
import type { LiveEvent, LiveState } from "./live-messages.ts";

const LIST_MS = 2_000;
const COUNT_MS = 5_000;
/** Without a stream, everything on the page is fetched again at this age. */
export const POLL_MS = 5_000;
/** After a lost stream: soon shows whether the server still answers. */
const FIRST_POLL_MS = 1_000;

/** Follows the live stream, and fetches again what it says has changed. */
interface Refetch {
  readonly onBatch: (batch: Extract<LiveEvent, { kind: "batch" }>) => void;
  readonly onState: (state: LiveState) => void;
  readonly stop: () => void;
}

/**
 * Refetches what messages name: a stack at once, lists every 2 s, counts every 5 s at most; without a stream, everything
 * every 5 s while the page is visible. Only mounted queries are fetched.
 */
export function createRefetch(
  client: Pick<QueryClient, "invalidateQueries">,
  isVisible: () => boolean = () => document.visibilityState === "visible",
): Refetch {
  let polling: ReturnType<typeof setTimeout> | undefined;
  const poll = (ms: number) => {
    polling = setTimeout(() => {
      // A request that is under way is as good as a new one, and may be slower than the interval.
      if (isVisible()) void client.invalidateQueries({ queryKey: [] }, { cancelRefetch: false });
      poll(POLL_MS);
    }, ms);
  };
  const later = new Map<string, ReturnType<typeof setTimeout>>();
  let isNew = true;
  const refetchLater = (queryKey: readonly string[], ms: number) => {
    const name = queryKey.join();
    if (later.has(name)) return;
    const refetch = () => {
      later.delete(name);
      void client.invalidateQueries({ queryKey });
    };
    later.set(name, setTimeout(refetch, ms));
  };
  const refetchAll = () => {
    // Data that a new page requested while it connected is recent: it is shown before it is requested again.
    refetchLater([], isNew ? LIST_MS : 0);
    isNew = false;
  };
  return {
    onBatch({ messages, restart }) {
      if (restart) return refetchAll();
      for (const queryKey of new Map(messages.flatMap(toKeys).map((key) => [key.join("\n"), key])).values()) {
        void client.invalidateQueries({ queryKey });
      }
      if (messages.some(({ kind }) => kind === "history" || kind === "bulk")) {
        refetchLater(["list"], LIST_MS);
        refetchLater(["count"], COUNT_MS);
      }
    },
    onState({ kind }) {
      if (kind === "reconnecting") isNew = false;
      if (kind === "live" || kind === "signed-out") {
        clearTimeout(polling);
        polling = undefined;
      } else if (polling === undefined) poll(kind === "reconnecting" ? FIRST_POLL_MS : POLL_MS);
    },
    stop() {
      clearTimeout(polling);
      for (const timer of later.values()) clearTimeout(timer);
    },
  };
}

function toKeys(message: StreamMessage): string[][] {
  switch (message.kind) {
    case "history":
      return [["stack", message.entry.stackId]];
    case "progress":
      return [
        ["stack", message.attempt.stackId],
        ["attempt", message.attempt.attemptId, "details"],
      ];
    case "bulk":
      return [["bulk", message.bulk.id]];
    default:
      return [];
  }
}
