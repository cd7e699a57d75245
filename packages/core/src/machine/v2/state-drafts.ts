import type { AdvanceDraft } from "../document/check-document.ts";
import type { Field, TextItem } from "../document/tree.ts";
import type { Expression, Template } from "../expression/expression.ts";
import type { State } from "../machine.ts";
import type { AfterDraft } from "./read-after.ts";

/** A declared event. */
export interface EventDraft {
  readonly field: Field;
  /** Keys that must come with it. */
  readonly metadata: readonly TextItem[];
  /** Who may send it. */
  readonly allow?: Expression | undefined;
}

/** A state as far as it could be read; undefined parts are faulty, and no other rule reports on them. */
export interface StateDraft {
  readonly field: Field;
  readonly terminal?: boolean;
  readonly protected?: boolean;
  readonly leaving: State["leaving"];
  readonly timeoutMs?: number;
  /** Each name once, unknown ones included. */
  readonly tasks?: readonly string[];
  /** Approvals of earlier states. */
  readonly approved: readonly TextItem[];
  readonly on?: ReadonlyMap<string, HandlerDraft>;
  readonly after: readonly AfterDraft[];
}

/** The reaction of a state to one event. */
export interface HandlerDraft {
  readonly field: Field;
  readonly entries: readonly EntryDraft[];
  /** The states that it may lead to. */
  readonly advances: readonly AdvanceDraft[];
  /** True: each of its entries has a condition, so that it may do nothing. */
  readonly isConditional: boolean;
}

/** One entry of a reaction. */
export interface EntryDraft {
  readonly field: Field;
  readonly isConditional: boolean;
  readonly when?: Expression;
  readonly advance?: AdvanceDraft;
  readonly set: ReadonlyMap<string, Template>;
  readonly raise?: TextItem;
}

/** An entry that raises an event, with the name of the state that gets it. */
export interface RaisingEntry {
  readonly raise: TextItem;
  readonly target: string;
}
