import { useEffect, useMemo, useRef } from "react";
import { yard } from "../api/client.ts";
import { useSearch } from "../design/links.tsx";
import { createLogReader, type LogReader } from "./log-reader.ts";

/** Returns the reader of an attempt's log, opened at the line of the address, else at its end. */
export function useLogReader(attemptId: string): LogReader {
  const reader = useMemo(() => createLogReader((part) => yard.stacks.log(attemptId, part)), [attemptId]);
  const selected = useSelectedLine();
  const latest = useRef(selected);
  latest.current = selected;
  useEffect(() => {
    if (attemptId !== "") void reader.open(latest.current);
  }, [reader, attemptId]);
  return reader;
}

/** Returns the byte at which the line of the address begins. */
export function useSelectedLine(): number | undefined {
  const { line } = useSearch();
  return line !== undefined && /^\d{1,15}$/.test(line) ? Number(line) : undefined;
}
