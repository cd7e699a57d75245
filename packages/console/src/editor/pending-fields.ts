import { createContext, useCallback, useContext, useId, useLayoutEffect, useRef, useState } from "react";

type Enter = () => void;
type Report = (id: string, enter: Enter | undefined) => void;

/** Takes the reports of the fields inside it: what enters a text that is typed and not yet part of the document. */
export const PendingReport = createContext<Report>(() => {});

/** Texts that are typed into fields and are not yet part of the document. */
export interface PendingFields {
  readonly has: boolean;
  /** Enters them all, as leaving their fields does. */
  readonly enter: () => void;
  readonly report: Report;
}

/** Knows the pending texts of the fields that report to it. */
export function usePendingFields(): PendingFields {
  const fields = useRef(new Map<string, Enter>());
  const [has, setHas] = useState(false);
  const report = useCallback<Report>((id, enter) => {
    if (enter === undefined) fields.current.delete(id);
    else fields.current.set(id, enter);
    setHas(fields.current.size > 0);
  }, []);
  const enter = useCallback(() => {
    for (const each of [...fields.current.values()]) each();
  }, []);
  return { has, enter, report };
}

/** Reports the text of a field while it is pending, and enters it when the field goes with its page. */
export function usePendingText(isPending: boolean, enter: Enter): void {
  const report = useContext(PendingReport);
  const id = useId();
  const latest = useRef<Enter>(undefined);
  latest.current = isPending ? enter : undefined;
  useLayoutEffect(() => report(id, isPending ? () => latest.current?.() : undefined), [report, id, isPending]);
  useLayoutEffect(
    () => () => {
      report(id, undefined);
      latest.current?.();
    },
    [report, id],
  );
}
