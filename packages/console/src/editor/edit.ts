import type { Operation } from "../machine/edits/operation.ts";
import type { Outline, OutlineState } from "../machine/outline.ts";

/** Plans an edit and applies it; `label` names its undo. */
export type Edit = (operation: Operation, label: string) => void;

/** The props of a form about a part of a state. */
export interface StateFormProps {
  readonly outline: Outline;
  readonly state: OutlineState;
  readonly edit: Edit;
}
