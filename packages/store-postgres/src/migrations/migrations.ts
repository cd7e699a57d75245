import { ADD_STACKS } from "../functions/add-stacks.ts";
import { CANCEL_ATTEMPTS } from "../functions/cancel-attempts.ts";
import { CLAIM_ATTEMPTS } from "../functions/claim-attempts.ts";
import { CLAIM_KEYED } from "../functions/claim-keyed.ts";
import { COMMIT_CHANGES } from "../functions/commit-changes.ts";
import { COUNT_STATES } from "../functions/count-states.ts";
import { DISPATCH_ATTEMPTS } from "../functions/dispatch-attempts.ts";
import { END_ATTEMPTS } from "../functions/end-attempts.ts";
import { ENQUEUE_EVENTS } from "../functions/enqueue-events.ts";
import { FIND_ATTEMPT_NO } from "../functions/find-attempt-no.ts";
import { FOREIGN_WRITES } from "../functions/foreign-writes.ts";
import { GIVE_BACK_ROWS } from "../functions/give-back-rows.ts";
import { HISTORY_END } from "../functions/history-end.ts";
import { JSON_TEXT } from "../functions/json-text.ts";
import { PARK_EVENTS } from "../functions/park-events.ts";
import { REDRIVE } from "../functions/redrive.ts";
import { REMOVE_EVENTS } from "../functions/remove-events.ts";
import { SETTLE_ATTEMPTS } from "../functions/settle-attempts.ts";
import { TAKE_EVENTS } from "../functions/take-events.ts";
import { STACKS, STACKS_INDEXES, STACKS_TAKEN_OVER } from "./0001-stacks.ts";
import { TABLES } from "./0001-tables.ts";

/** One step of the schema. Never changed once it was released. */
export interface Migration {
  /** 1, 2, 3 … */
  readonly step: number;
  readonly name: string;
  /** The last step that a program must know to work with a store that has this one. */
  readonly worksFrom: number;
  /** Statements with `stackyard.` before every name, which is replaced by the schema's. */
  readonly sql: string;
  /** The same for a store that lives in a table of the predecessor, where that differs. */
  readonly takenOverSql?: string;
}

const FUNCTIONS = [
  JSON_TEXT,
  FIND_ATTEMPT_NO,
  ENQUEUE_EVENTS,
  DISPATCH_ATTEMPTS,
  END_ATTEMPTS,
  SETTLE_ATTEMPTS,
  CLAIM_ATTEMPTS,
  CLAIM_KEYED,
  CANCEL_ATTEMPTS,
  REMOVE_EVENTS,
  GIVE_BACK_ROWS,
  TAKE_EVENTS,
  HISTORY_END,
  ADD_STACKS,
  PARK_EVENTS,
  COMMIT_CHANGES,
  REDRIVE,
  COUNT_STATES,
];

const REST = [STACKS_INDEXES, TABLES, ...FUNCTIONS].join("\n");

/**
 * All steps in order. A step only adds (tables, columns with defaults, functions under new names): the release before it
 * goes on working while both run. `worksFrom` says so.
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
