import { useEffect, useRef, useState } from "react";

/** The lock of a draft: one tab keeps the draft of a document. */
export interface DraftLock {
  /** Another tab keeps it. */
  readonly isElsewhere: boolean;
  /** Keeps it here from now on. */
  readonly takeOver: () => void;
}

/** Lets one tab of the browser keep the draft of a document; when that tab is closed, another one does. */
export function useDraftLock(key: string): DraftLock {
  const [isElsewhere, setElsewhere] = useState(false);
  const takeOver = useRef(() => {});
  useEffect(() => {
    // Browsers have locks only for pages over HTTPS or from this machine.
    const { locks } = navigator as { readonly locks?: LockManager };
    if (locks === undefined) return;
    const name = `stackyard-draft ${key}`;
    const closing = new AbortController();
    const closed = new Promise<void>((resolve) => closing.signal.addEventListener("abort", () => resolve()));
    const hold = () => {
      setElsewhere(false);
      return closed;
    };
    // It is rejected when another tab takes the lock over.
    const onLost = () => {
      if (closing.signal.aborted) return;
      setElsewhere(true);
      void wait();
    };
    const wait = (): Promise<void> => locks.request(name, { signal: closing.signal }, hold).catch(onLost);
    takeOver.current = () => void locks.request(name, { steal: true }, hold).catch(onLost);
    const start = (lock: Lock | null) => (lock === null ? onLost() : hold());
    locks.request(name, { ifAvailable: true }, start).catch(onLost);
    return () => closing.abort();
  }, [key]);
  return { isElsewhere, takeOver: () => takeOver.current() };
}
