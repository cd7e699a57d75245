import { Type } from "typebox";
import {
  MAX_ATTEMPT_ID,
  MAX_CURSOR,
  MAX_NAME,
  MAX_REASON,
  MAX_SEALED_CURSOR,
  MAX_SHORT_REASON,
  MAX_TASK_NAME,
} from "../../machine/limits.ts";

/** The name of an event, a machine, a state or an executor. */
export const Name = Type.String({ minLength: 1, maxLength: MAX_NAME });

/** The content hash of a revision, or of a document. */
export const Hash = Type.String({ pattern: "^[0-9a-f]{64}$" });

/** The id of a stack, in a path, a query or a body. */
export const StackId = Type.String({ minLength: 1, maxLength: MAX_NAME });

/** The id of an event: any sender's. */
export const EventId = Type.String({ minLength: 1, maxLength: MAX_NAME });

/** Five encoded parts joined by slashes; see the reference of attempts. */
export const AttemptId = Type.String({ minLength: 1, maxLength: MAX_ATTEMPT_ID });

/** The name of a task. */
export const TaskName = Type.String({ minLength: 1, maxLength: MAX_TASK_NAME });

/** A reason that is in the history. */
export const Reason = Type.String({ minLength: 1, maxLength: MAX_REASON });

/** A reason that many records repeat. */
export const ShortReason = Type.String({ minLength: 1, maxLength: MAX_SHORT_REASON });

/** The id of an item of a list, such as that of a parked event. */
export const ItemId = Type.String({ minLength: 1, maxLength: MAX_CURSOR });

/** Parameters of every list. */
export const pageQuery = {
  cursor: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: MAX_SEALED_CURSOR,
      description:
        "The `cursor` of the previous page, for the same list, filter and caller. It has no content to read.",
    }),
  ),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1_000,
      description: "Default 100. A page of large items ends earlier, at about 1 MiB, with a cursor.",
    }),
  ),
};
