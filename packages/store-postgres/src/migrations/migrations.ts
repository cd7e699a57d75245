import { CLAIM_ATTEMPTS, CLAIM_KEYED, MOVE_ATTEMPTS, SETTLE_ATTEMPTS } from "../functions/attempts.ts";
import { COMMIT_CHANGE, COMMIT_RESULT } from "../functions/commit-change.ts";
import { ENQUEUE_EVENTS, GIVE_BACK_ROWS, REDRIVE, REMOVE_EVENTS, TAKE_EVENTS } from "../functions/events.ts";
import { CHANGED_HANDS, COUNT_STATES, FIND_ENDED, HISTORY_END, UTC } from "../functions/history.ts";
import { FOREIGN_WRITES, STACKS, STACKS_INDEXES, STACKS_TAKEN_OVER } from "./0001-stacks.ts";
import { TABLES } from "./0001-tables.ts";

/** One step of the schema. Never changed once it was released. */
export interface Migration {
  /** 1, 2, 3 … */
  readonly step: number;
  readonly name: string;
  /** The last step that a program must support to work with a store that has this one. */
  readonly worksFrom: number;
  /** Statements with `stackyard.` before every name, which is replaced by the schema's. */
  readonly sql: string;
  /** The same for a store that lives in a table of the predecessor, where that differs. */
  readonly takenOverSql?: string;
}

const FUNCTIONS = [
  UTC,
  ENQUEUE_EVENTS,
  REMOVE_EVENTS,
  GIVE_BACK_ROWS,
  TAKE_EVENTS,
  REDRIVE,
  HISTORY_END,
  FIND_ENDED,
  COUNT_STATES,
  CHANGED_HANDS,
  MOVE_ATTEMPTS,
  SETTLE_ATTEMPTS,
  CLAIM_ATTEMPTS,
  CLAIM_KEYED,
  COMMIT_CHANGE,
  COMMIT_RESULT,
];

const REST = [STACKS_INDEXES, TABLES, ...FUNCTIONS].join("\n");

/**
 * All steps in order. A step only adds (tables, columns with defaults, functions under new names): the release before
 * it keeps working while both run. `worksFrom` declares this.
 */
export const MIGRATIONS: readonly Migration[] = [
  {
    step: 1,
    name: "tables",
    worksFrom: 1,
    sql: [STACKS, REST].join("\n"),
    takenOverSql: [STACKS_TAKEN_OVER, REST, FOREIGN_WRITES].join("\n"),
  },
];
