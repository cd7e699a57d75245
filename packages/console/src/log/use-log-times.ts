import { findTime, type LogTime } from "@stackyard/core";
import { useEffect, useMemo, useSyncExternalStore } from "react";
import { yard } from "../api/client.ts";
import { useSettings } from "../design/settings.ts";
import type { LogBuffer } from "./log-buffer.ts";
import { createTimesReader, type TimesReader } from "./log-times.ts";

/** The times of the lines that a page has of a log. */
export interface ShownTimes {
  readonly reader: TimesReader;
  /** The person wants to see them. */
  readonly shown: boolean;
  /** The times; undefined until they were loaded. */
  readonly known: readonly LogTime[] | undefined;
  /** Returns when a line was logged, by its place; undefined where that is not known. */
  readonly timeOf: (at: number) => number | undefined;
}

/** Returns the times of the lines of a log. They are loaded when the person wants to see them. */
export function useLogTimes(attemptId: string, { from, to }: LogBuffer): ShownTimes {
  const { logTimes: shown } = useSettings();
  const reader = useMemo(() => createTimesReader((part) => yard.stacks.logTimes(attemptId, part)), [attemptId]);
  const known = useSyncExternalStore(reader.subscribe, reader.getTimes);
  useEffect(() => {
    if (shown) void reader.cover({ from, to });
  }, [reader, shown, from, to]);
  return useMemo(
    () => ({ reader, shown, known, timeOf: (at: number) => known && findTime(known, at) }),
    [reader, shown, known],
  );
}
