import type { Operation } from "../machine/edits/operation.ts";

/** Plans an edit and applies it; `label` names its undo. */
export type Edit = (operation: Operation, label: string) => void;
