// The limits of what people and programs enter, in characters. Server, command line, tools of assistants and console use these.

/** Longest id of a stack or an event, and longest name of an event, a machine, a state or an executor. */
export const MAX_NAME = 255;

/** Longest name of a task. Also the longest text `of` of an approval. */
export const MAX_TASK_NAME = 1_024;

/** Longest reason or comment of an operation, as the history keeps it. */
export const MAX_REASON = 4_096;

/** Longest reason that many records repeat, such as that of a freeze. */
export const MAX_SHORT_REASON = 1_000;

/** Longest id of an attempt: five encoded parts joined by slashes. */
export const MAX_ATTEMPT_ID = 8_192;

/** Longest code of an error. */
export const MAX_CODE = 255;

/** Longest CEL expression over stacks that a person enters. */
export const MAX_FILTER = 1_000;

/** Longest document of a machine. */
export const MAX_SOURCE = 262_144;

/** Longest key of a Terraform state. */
export const MAX_STATE_KEY = 1_500;

/** Longest place in a list, and longest id of an item of one. */
export const MAX_CURSOR = 2_048;

/** Longest cursor that callers get: a sealed place, whose characters may have three bytes each. */
export const MAX_SEALED_CURSOR = 8_960;

/** Pattern of the digest of a dry run. */
export const PLAN_DIGEST = "^[0-9a-f]{32}$";

/** Pattern of the name of a freeze. */
export const FREEZE_NAME = "^[a-z0-9][a-z0-9-]{0,62}$";
