import type { StreamMessage } from "@stackyard/sdk";
import { notifyManager } from "@tanstack/react-query";
import {
  createContext,
  type ReactNode,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import { queryClient, reach } from "./client.ts";
import { connectLive, type Live } from "./live.ts";
import type { LiveState } from "./live-messages.ts";
import { createPressGate } from "./press-gate.ts";
import { createRefetch } from "./refetch.ts";

notifyManager.setScheduler(createPressGate(window));

/** The state of the live stream for a page. */
interface LiveContext {
  readonly state: LiveState;
  /** When the stream was last live, or the page was opened; epoch milliseconds of this browser's clock. */
  readonly sinceMs: number;
  readonly live: Live | undefined;
}

const Context = createContext<LiveContext>({ state: { kind: "connecting" }, sinceMs: 0, live: undefined });

interface LiveProviderProps {
  readonly children: ReactNode;
  /** Connects to the stream. Default: through a worker shared with the other tabs. */
  readonly connect?: () => Live;
}

const CONNECTING: LiveState = { kind: "connecting" };

type StateSince = Pick<LiveContext, "state" | "sinceMs">;

function toStateSince(before: StateSince, state: LiveState): StateSince {
  if (state.kind === "reconnecting") return { state, sinceMs: state.sinceMs };
  return { state, sinceMs: before.state.kind === "live" ? Date.now() : before.sinceMs };
}

/** Connects the page to the live stream and fetches what a message says has changed. */
export function LiveProvider({ children, connect = connectLive }: LiveProviderProps) {
  const [{ state, sinceMs }, setState] = useState({ state: CONNECTING, sinceMs: Date.now() });
  const [live, setLive] = useState<Live>();
  useEffect(() => {
    const connection = connect();
    setLive(connection);
    const { onBatch, onState, stop } = createRefetch(queryClient);
    const end = connection.subscribe((event) => {
      if (event.kind === "batch") return onBatch(event);
      setState((before) => toStateSince(before, event.state));
      onState(event.state);
    });
    onState(CONNECTING);
    return () => {
      end();
      stop();
      connection.send({ kind: "close" });
    };
  }, [connect]);
  const value = useMemo(() => ({ state, sinceMs, live }), [state, sinceMs, live]);
  return <Context value={value}>{children}</Context>;
}

/** Returns how fresh the page is. */
export function useLiveState(): LiveState {
  return useContext(Context).state;
}

/** The freshness that the header shows. */
interface Freshness {
  /** `web-page`: something else answers, such as the sign-in of a proxy. `unreachable`: requests fail. `polling`: they are answered, and no stream comes, so the page fetches by age. */
  readonly kind: "live" | "signed-out" | "unreachable" | "polling" | "web-page";
  /** Since when that is so, by this browser's clock. */
  readonly sinceMs: number;
}

/** Returns how fresh the page is, from the stream and the answers to its requests. */
export function useFreshness(): Freshness {
  const { state, sinceMs } = useContext(Context);
  const failedSince = useSyncExternalStore(reach.subscribe, reach.failedSince);
  const meetsWebPage = useSyncExternalStore(reach.subscribe, reach.meetsWebPage);
  if (meetsWebPage || (state.kind === "reconnecting" && state.meetsWebPage)) return { kind: "web-page", sinceMs };
  if (state.kind === "live" || state.kind === "signed-out") return { kind: state.kind, sinceMs };
  if (failedSince !== undefined) return { kind: "unreachable", sinceMs: Math.min(failedSince, sinceMs) };
  return { kind: "polling", sinceMs };
}

/** Returns true while requests fail. A stream that comes proves that the server is there. */
export function useUnreachable(): boolean {
  const { kind } = useFreshness();
  return kind === "unreachable" || kind === "web-page";
}

/** Asks the worker to try again at once, such as after a new sign-in. */
export function useLiveRetry(): () => void {
  const { live } = useContext(Context);
  return () => live?.send({ kind: "retry" });
}

/** Tells the worker that another person is signed in. */
export function useNewPerson(): () => void {
  const { live } = useContext(Context);
  return () => live?.send({ kind: "another-person" });
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
