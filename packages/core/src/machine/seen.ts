import { type Static, Type } from "typebox";
import { isMap } from "./json.ts";
import { MAX_ATTEMPT_ID, MAX_NAME } from "./limits.ts";

/** What a person, or a program, has seen of a stack when an operation on it was decided. */
export const Seen = Type.Object(
  {
    incarnation: Type.Optional(
      Type.String({ minLength: 1, maxLength: MAX_NAME, description: "`incarnation` of the stack." }),
    ),
    entry: Type.Optional(Type.Integer({ minimum: 0, description: "`entry` of the stack, for a task of its state." })),
    attempt: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: MAX_ATTEMPT_ID,
        description: "`attemptId` of the newest attempt of the task.",
      }),
    ),
    failedAt: Type.Optional(Type.String({ maxLength: 64, description: "`at` of the stack's last failure." })),
  },
  {
    additionalProperties: false,
    description:
      "What the caller has seen. The operation is refused with STACK_CHANGED when something else has its place now. Missing: the operation is about whatever is there.",
  },
);
export type Seen = Static<typeof Seen>;

/** Returns what a message of a predecessor's sender says that it has seen: only what can be read, since it may mean something else. */
export function toSeen(value: unknown): Seen | undefined {
  if (!isMap(value)) return undefined;
  const { incarnation, entry, attempt, failedAt } = value;
  const isText = (part: unknown) => part === undefined || typeof part === "string";
  if (![incarnation, attempt, failedAt].every(isText)) return undefined;
  return entry === undefined || Number.isSafeInteger(entry) ? value : undefined;
}
