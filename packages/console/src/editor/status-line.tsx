import type { Problem } from "@stackyard/core/machine";
import { type ReactNode, useState } from "react";
import type { Outline } from "../machine/outline.ts";
import { countChanges } from "./count-changes.ts";
import { countProblems, ProblemList, toCount } from "./problems.tsx";
import type { OpenDocument } from "./use-document.ts";
import type { EditorView } from "./use-view.ts";

interface StatusProps {
  readonly document: OpenDocument;
  readonly view: EditorView;
  /** Undefined while they are not known. */
  readonly problems: readonly Problem[] | undefined;
  /** What the text is compared with; undefined while that is not known. */
  readonly base: string | undefined;
  readonly onReveal: (problem: Problem) => void;
}

/** Renders the line below the panes: the problems, the size of the machine, what has changed, and the cursor. */
export function StatusLine({ document, view, problems, base, onReveal }: StatusProps) {
  const { text, cursor, machine } = document;
  const { mode, setMode } = view;
  const outline = machine.outline ?? machine.valid?.outline;
  const isDiff = mode === "diff";
  const lines = base === undefined ? undefined : countChanges(base, text).lines;
  return (
    <footer className="status-line">
      {problems !== undefined && problems.length > 0 && (
        <StatusList face={countProblems(problems)} label={countProblems(problems)}>
          <ProblemList problems={problems} onReveal={onReveal} />
        </StatusList>
      )}
      {outline !== undefined && <span className="muted">{describeSize(outline)}</span>}
      <span className="status-room" />
      <button type="button" aria-pressed={isDiff} onClick={() => setMode(isDiff ? "text" : "diff")}>
        {lines === undefined || lines === 0 ? "Diff" : `Diff: ${toCount(lines, "line")}`}
      </button>
      <span>Line {text.slice(0, cursor).split("\n").length}</span>
    </footer>
  );
}

function describeSize({ states, tasks }: Outline): string {
  const reactions = states.reduce((sum, state) => sum + state.reactions.length, 0);
  return [toCount(states.length, "state"), toCount(reactions, "reaction"), toCount(tasks.length, "task")].join(", ");
}

interface ListProps {
  readonly face: ReactNode;
  readonly label: string;
  /** At the right end of the line. */
  readonly isAtEnd?: boolean;
  readonly onToggle?: (isOpen: boolean) => void;
  readonly children: ReactNode;
}

/** Renders a button of the status line that opens a list above it. */
export function StatusList({ face, label, isAtEnd = false, onToggle, children }: ListProps) {
  const [isOpen, setOpen] = useState(false);
  const toggle = (next: boolean) => {
    setOpen(next);
    onToggle?.(next);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only hears the keys of what it contains
    <span
      className={isAtEnd ? "status-list at-end" : "status-list"}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !isOpen) return;
        event.stopPropagation();
        toggle(false);
      }}
    >
      <button type="button" aria-expanded={isOpen} aria-label={label} onClick={() => toggle(!isOpen)}>
        {face}
      </button>
      {isOpen && <div className="status-list-body">{children}</div>}
    </span>
  );
}
