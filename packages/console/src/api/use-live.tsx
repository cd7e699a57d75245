import type { StreamMessage } from "@stackyard/sdk";
import { notifyManager } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef, useState } from "react";
import { queryClient } from "./client.ts";
import { connectLive, type Live } from "./live.ts";
import type { LiveState } from "./live-messages.ts";
import { createPressGate } from "./press-gate.ts";
import { createRefetch } from "./refetch.ts";

notifyManager.setScheduler(createPressGate(window));

/** The state of the live stream for a page. */
interface LiveContext {
  readonly state: LiveState;
  readonly live: Live | undefined;
}

const Context = createContext<LiveContext>({ state: { kind: "connecting" }, live: undefined });

interface LiveProviderProps {
  readonly children: ReactNode;
  /** Connects to the stream. Default: through a worker shared with the other tabs. */
  readonly connect?: () => Live;
}

/** Connects the page to the live stream and fetches what a message says has changed. */
export function LiveProvider({ children, connect = connectLive }: LiveProviderProps) {
  const [state, setState] = useState<LiveState>({ kind: "connecting" });
  const [live, setLive] = useState<Live>();
  useEffect(() => {
    const connection = connect();
    setLive(connection);
    const { onBatch, onState, stop } = createRefetch(queryClient);
    const end = connection.subscribe((event) => {
      if (event.kind === "batch") return onBatch(event);
      setState(event.state);
      onState(event.state);
    });
    return () => {
      end();
      stop();
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
