import type { StreamMessage } from "@stackyard/sdk";
import { notifyManager, type QueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef, useState } from "react";
import { queryClient } from "./client.ts";
import { connectLive, type Live } from "./live.ts";
import type { LiveState } from "./live-messages.ts";
import { createPressGate } from "./press-gate.ts";

notifyManager.setScheduler(createPressGate(window));

const LIST_MS = 2_000;
const COUNT_MS = 5_000;

/** What a page knows of the live stream. */
interface LiveContext {
  readonly state: LiveState;
  readonly live: Live | undefined;
}

const Context = createContext<LiveContext>({ state: { kind: "connecting" }, live: undefined });

interface LiveProviderProps {
  readonly children: ReactNode;
  /** The default shares a worker with the other tabs. */
  readonly connect?: () => Live;
}

/** Connects the page to the live stream and fetches what a message says has changed. */
export function LiveProvider({ children, connect = connectLive }: LiveProviderProps) {
  const [state, setState] = useState<LiveState>({ kind: "connecting" });
  const [live, setLive] = useState<Live>();
  useEffect(() => {
    const connection = connect();
    setLive(connection);
    const refetch = createRefetch(queryClient);
    const end = connection.subscribe((event) => {
      if (event.kind === "state") setState(event.state);
      else if (event.restart) void queryClient.invalidateQueries();
      else refetch(event.messages);
    });
    return () => {
      end();
      connection.send({ kind: "close" });
    };
  }, [connect]);
  const value = useMemo(() => ({ state, live }), [state, live]);
  return <Context value={value}>{children}</Context>;
}

/** Returns how fresh the page is. */
export function useLiveState(): LiveState {
  return useContext(Context).state;
}

/** Asks the worker to try again at once, such as after a new sign-in. */
export function useLiveRetry(): () => void {
  const { live } = useContext(Context);
  return () => live?.send({ kind: "retry" });
}

/** Calls back with every message of the stream, in batches of a quarter of a second. */
export function useStreamMessages(onMessages: (messages: readonly StreamMessage[]) => void): void {
  const { live } = useContext(Context);
  const latest = useRef(onMessages);
  latest.current = onMessages;
  useEffect(
    () =>
      live?.subscribe((event) => {
        if (event.kind === "batch" && event.messages.length > 0) latest.current(event.messages);
      }),
    [live],
  );
}

/** Follows the log of an attempt while the caller is mounted; its parts come by `useStreamMessages`. */
export function useFollowedLog(attemptId: string | undefined): void {
  const { live } = useContext(Context);
  useEffect(() => {
    if (attemptId === undefined) return;
    live?.send({ kind: "log", attemptId });
    return () => live?.send({ kind: "log" });
  }, [live, attemptId]);
}

/** Refetches what messages name: a stack at once, lists every 2 s, counts every 5 s at most. Only mounted queries are fetched. */
export function createRefetch(client: Pick<QueryClient, "invalidateQueries">) {
  const later = new Set<string>();
  const refetchLater = (key: string, ms: number) => {
    if (later.has(key)) return;
    later.add(key);
    setTimeout(() => {
      later.delete(key);
      void client.invalidateQueries({ queryKey: [key] });
    }, ms);
  };
  return (messages: readonly StreamMessage[]) => {
    for (const queryKey of new Map(messages.flatMap(toKeys).map((key) => [key.join("\n"), key])).values()) {
      void client.invalidateQueries({ queryKey });
    }
    if (messages.some(({ kind }) => kind === "history" || kind === "bulk")) {
      refetchLater("list", LIST_MS);
      refetchLater("count", COUNT_MS);
    }
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
