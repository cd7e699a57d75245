import { type Static, Type } from "typebox";

/** Ids that become keys and parts of paths: no control characters, no half surrogate pairs. */
const Name = Type.String({ minLength: 1, maxLength: 255, pattern: "^[^\\u0000-\\u001f\\u007f-\\u009f]*$" });

/** What names a task in a message. Other keys, such as those of an echoed task, are passed over. */
export const TaskReference = Type.Object({ name: Type.String({ minLength: 1, maxLength: 1_024 }) });

/**
 * An event as it travels: the body of a queue message or of a request. Keys that are not listed are passed over.
 * Some events need more than `stackId` and `event`; see `parseEventMessage`.
 */
export const EventMessage = Type.Object({
  id: Type.Optional(Name),
  stackId: Name,
  event: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  action: Type.Optional(
    Type.String({ minLength: 1, maxLength: 255, deprecated: true, description: "The older name of `event`." }),
  ),
  machine: Type.Optional(Name),
  metadata: Type.Optional(
    Type.Unknown({ description: "A flat map of strings, numbers, booleans and nulls, merged into the stack's." }),
  ),
  task: Type.Optional(TaskReference),
  dispatchId: Type.Optional(Type.String({ maxLength: 8_192, description: "`dispatch.id` of the task message." })),
  description: Type.Optional(Type.String({ description: "What a failed task says." })),
  code: Type.Optional(Type.String({ maxLength: 255 })),
  retryable: Type.Optional(Type.Boolean()),
  outputs: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  sensitiveOutputs: Type.Optional(
    Type.Array(Type.String(), { description: "Names of outputs that must not be shown." }),
  ),
  confirm: Type.Optional(
    Type.String({
      maxLength: 255,
      description: "The stack's id: needed where an event leads from a protected state into a terminal one.",
    }),
  ),
  to: Type.Optional(
    Type.String({ pattern: "^[0-9a-f]{64}$", description: "`UPGRADE_STACK`: the revision's content hash." }),
  ),
  actor: Type.Optional(Type.String({ maxLength: 255 })),
  reason: Type.Optional(Type.String({ maxLength: 4_096 })),
  as: Type.Optional(Type.Literal("succeeded")),
  force: Type.Optional(Type.Boolean()),
});
export type EventMessage = Static<typeof EventMessage>;
