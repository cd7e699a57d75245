import type { ReactNode } from "react";
import { To } from "../design/links.tsx";
import { Pill, type Status, toneOf } from "../design/mark.tsx";

/** Renders one line: the subject, the reason, and the possible action. */
export function Line({ id, status, word, path = "/stacks", search, children, action }: LineProps) {
  return (
    <div className={`attention-line tone-${toneOf(status)}`} data-row={id}>
      <To path={path} search={search}>
        <Pill status={status} word={word} />
      </To>
      <div className="attention-cause">{children}</div>
      <div className="action-column">{action}</div>
    </div>
  );
}

interface LineProps {
  readonly id: string;
  readonly status: Status;
  readonly word: string;
  /** The list of what it is about, by default that of stacks. */
  readonly path?: "/stacks" | "/jobs";
  /** The filter of that list. */
  readonly search: Readonly<Record<string, string | undefined>>;
  readonly children: ReactNode;
  readonly action?: ReactNode;
}
