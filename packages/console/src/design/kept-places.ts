import { RecentMap } from "@stackyard/core";
import { createContext, type RefObject, useContext, useLayoutEffect, useRef, useState } from "react";

const MOST = 100;
/** The places of lists in pages, by entry of the browser's history and name. Kept until the page is closed. */
const kept = new RecentMap<string, unknown>(MOST);

/** The present entry of the browser's history. The editor alone has none. */
export const HistoryEntry = createContext("");

/** A place that belongs to one entry of the browser's history: going back finds it again, a new visit begins anew. */
export interface KeptPlace<Value> {
  /** Distinguishes entries of the history. */
  readonly key: string;
  readonly read: () => Value;
  readonly write: (value: Value) => void;
}

/** Returns the place of the list with this name at the present entry of the history; `initial` at a new one. */
export function useKeptPlace<Value>(name: string, initial: Value): KeptPlace<Value> {
  const entry = useContext(HistoryEntry);
  // The entry changes before its page is shown: until then a list with this name may belong to the page of the entry before.
  const [path] = useState(() => window.location.pathname);
  const key = `${entry} ${path} ${name}`;
  return {
    key,
    // One name is written by one place in the code only.
    read: () => (kept.has(key) ? (kept.get(key) as Value) : initial),
    write: (value) => void kept.set(key, value),
  };
}

/** Scrolls to where the area was when the person left this entry of the history. */
export function useScrollPlace(scroller: RefObject<HTMLElement | null>, place: KeptPlace<number>): void {
  const latest = useRef(place);
  latest.current = place;
  const { key } = place;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key identifies the place
  useLayoutEffect(() => {
    const { read, write } = latest.current;
    const area = scroller.current;
    if (area === null) return;
    const top = read();
    if (top > 0) area.scrollTop = top;
    return () => write(area.scrollTop);
  }, [key]);
}
