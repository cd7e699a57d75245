import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { useFollowedLog, useStreamMessages } from "../api/use-live.tsx";
import { Empty, ErrorNotice, Skeleton } from "../design/page.tsx";
import { Lines } from "./log-lines.tsx";
import type { LogReader } from "./log-reader.ts";
import type { TimesReader } from "./log-times.ts";
import { Toolbar } from "./log-toolbar.tsx";
import { useFolds } from "./use-folds.ts";
import { useSelectedLine } from "./use-log-reader.ts";
import { useLogTimes } from "./use-log-times.ts";
import "./log.css";

interface LogViewProps {
  readonly attemptId: string;
  readonly reader: LogReader;
  /** The attempt has not ended: its log grows. */
  readonly live: boolean;
}

/** Renders the log of an attempt, by pieces; the address contains the selected line and the search text. */
export function LogView({ attemptId, reader, live }: LogViewProps) {
  const selected = useSelectedLine();
  const state = useSyncExternalStore(reader.subscribe, reader.getState);
  const [follow, setFollow] = useState(live && selected === undefined);
  const [wrap, setWrap] = useState(true);
  const folds = useFolds(state.buffer, selected);
  const times = useLogTimes(attemptId, state.buffer);
  useGrowingLog(attemptId, reader, times.reader, live);
  const showEnd = async () => {
    setFollow(true);
    const { buffer, size } = reader.getState();
    if (buffer.to < size) await reader.open();
  };
  return (
    <div className="stack-v">
      <Toolbar
        reader={reader}
        state={state}
        attemptId={attemptId}
        selected={selected}
        follow={follow}
        wrap={wrap}
        folds={folds}
        times={times}
        onFollow={() => (follow ? setFollow(false) : void showEnd())}
        onWrap={() => setWrap(!wrap)}
        onFound={() => setFollow(false)}
      />
      {state.error !== undefined && <ErrorNotice error={state.error} onRetry={() => void reader.open(selected)} />}
      {state.status !== "ready" && state.buffer.lines.length === 0 && <Skeleton height={400} />}
      {state.status === "ready" && state.error === undefined && state.size === 0 && (
        <Empty>{live ? "The task has not written anything yet." : "The task has not written anything."}</Empty>
      )}
      {state.buffer.lines.length > 0 && (
        <Lines
          key={wrap ? "wrap" : "plain"}
          reader={reader}
          buffer={state.buffer}
          size={state.size}
          selected={selected}
          follow={follow}
          wrap={wrap}
          folds={folds}
          times={times}
          onLeaveEnd={() => setFollow(false)}
        />
      )}
    </div>
  );
}

/** The time for which a running log may be silent before the page checks whether it has grown. */
const SILENCE_MS = 3_000;

/** Shows what a running attempt writes: by the stream, or, when nothing comes, by asking. */
function useGrowingLog(attemptId: string, reader: LogReader, times: TimesReader, live: boolean): void {
  const partAt = useRef(0);
  useFollowedLog(live ? attemptId : undefined);
  useStreamMessages((messages) => {
    for (const message of messages) {
      if (message.kind !== "log" || message.part.attemptId !== attemptId) continue;
      partAt.current = Date.now();
      times.takePart(message.part);
      reader.takePart(message.part);
    }
  });
  useEffect(() => {
    if (!live) return;
    const timer = setInterval(() => {
      const isSilent = Date.now() - partAt.current >= SILENCE_MS;
      if (isSilent && document.visibilityState === "visible") void reader.refresh();
    }, SILENCE_MS);
    return () => clearInterval(timer);
  }, [live, reader]);
}
