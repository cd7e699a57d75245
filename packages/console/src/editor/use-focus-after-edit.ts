import { useEffect, useRef } from "react";
import type { Operation } from "../machine/edits/operation.ts";

/** Where names are renamed and deleted: the graph, the same as a table, and the forms. */
const PARTS = [".canvas", ".table-scroll", ".inspector"] as const;
/** The form, or, when it has closed because its part is gone, the name of the machine. */
const FORM = ".inspector h2, .workbench:not(:has(.inspector)) h1 button";

/** Moves the focus when what had it was renamed or deleted. */
export interface FocusAfterEdit {
  /** Remembers the focus; call it before a dialog takes the focus. */
  readonly remember: () => void;
  /** Follows an edit with the focus; `states` are those before it. */
  readonly follow: (operation: Operation, states: readonly string[]) => void;
}

/** Moves the focus after an edit, once the new name appears: when the changed text was parsed and laid out. */
export function useFocusAfterEdit(): FocusAfterEdit {
  const part = useRef<(typeof PARTS)[number]>(undefined);
  const waiting = useRef<AbortController>(undefined);
  useEffect(() => () => waiting.current?.abort(), []);

  const remember = () => {
    part.current = PARTS.find((each) => document.activeElement?.closest(each));
  };
  const follow: FocusAfterEdit["follow"] = (operation, states) => {
    waiting.current?.abort();
    if (operation.kind !== "rename" && operation.kind !== "remove") return;
    const target = toSelector(part.current, operation, states);
    waiting.current = new AbortController();
    focusWhenLost(target, waiting.current);
  };
  return { remember, follow };
}

/** Focuses an element whenever it exists and nothing has the focus, until the user does something else. */
function focusWhenLost(selector: string, waiting: AbortController): void {
  const { signal } = waiting;
  const observer = new MutationObserver(() => {
    if (document.activeElement === document.body) document.querySelector<HTMLElement>(selector)?.focus();
  });
  observer.observe(document.body, { childList: true, subtree: true, attributes: true });
  signal.addEventListener("abort", () => observer.disconnect());
  for (const type of ["keydown", "pointerdown"]) document.addEventListener(type, () => waiting.abort(), { signal });
}

type Renaming = Extract<Operation, { kind: "rename" | "remove" }>;

function toSelector(part: (typeof PARTS)[number] | undefined, operation: Renaming, states: readonly string[]): string {
  if (operation.kind === "rename" && (part === ".inspector" || operation.what !== "state")) {
    return `[data-renames="${CSS.escape(`${operation.what} ${operation.to}`)}"] .button`;
  }
  const state = operation.kind === "rename" ? operation.to : findNeighbor(states, operation.name);
  if (part === undefined || part === ".inspector" || operation.what !== "state" || state === undefined) return FORM;
  const name = CSS.escape(state);
  return part === ".canvas" ? `.react-flow__node[data-id="${name}"]` : `tr[data-row="${name}"] .link`;
}

/** Returns the state before a deleted one, else the one after it. */
function findNeighbor(states: readonly string[], name: string): string | undefined {
  const at = states.indexOf(name);
  return states[at === 0 ? 1 : at - 1];
}
