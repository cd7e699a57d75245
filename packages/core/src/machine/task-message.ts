import { Type } from "typebox";
import { compileWhenUsed } from "./compile-when-used.ts";
import { unwrapBody } from "./event-message.ts";
import { MAX_ATTEMPT_ID, MAX_NAME, MAX_TASK_NAME } from "./limits.ts";
import type { ShownMetadata } from "./secrets.ts";
import type { TaskState } from "./stack.ts";

/** A task as other programs read it in messages; the code of its failure is in the record and in the API only. */
export type WireTask = Omit<TaskState, "errorCode">;

/** The stack as task messages show it; the names are fixed, `_state` included. */
export interface MessageStack {
  readonly id: string;
  readonly previousState: string | null;
  readonly machine: string;
  readonly _state: string;
  readonly tasks: readonly WireTask[];
  /** In version 2 sensitive values are references, which the claim resolves. */
  readonly metadata: ShownMetadata;
}

/** One message on the task queue. `dispatch` is new; everything else is the predecessor's. */
export interface TaskMessage {
  /** The definition as in the machine, plus `name`. */
  readonly task: Readonly<Record<string, unknown>> & { readonly name: string };
  readonly stack: MessageStack;
  readonly dispatch: {
    /** Echo it as `dispatchId` in the result. */
    readonly id: string;
    readonly attempt: number;
    /** ISO 8601: the instant at which the attempt would end if it started now. */
    readonly deadline: string;
    /** The task's explicit exclusive key, without the prefix `key:`. */
    readonly exclusiveKey?: string;
    /** For stacks of version 2: their results may contain outputs, sensitive ones among them. */
    readonly version?: 2;
    /**
     * W3C trace context of the sender of the task, when it is stored. On a queue it travels in the attributes of the
     * message.
     */
    readonly traceparent?: string;
    readonly tracestate?: string;
  };
}

/** The facts that the receiver of a task message adds. */
interface ParseTaskOptions {
  /** Now, epoch milliseconds. */
  readonly at: number;
  /** The id that the medium gave to the message: names the attempt where the message itself does not. */
  readonly messageId: string;
}

/** A task message, or why the body is invalid. An invalid body can never be run. */
type ParsedTask =
  | { readonly kind: "task"; readonly message: TaskMessage }
  | { readonly kind: "invalid"; readonly reason: string };

/**
 * Reads a task message: text or value, bare or in an envelope. One without `dispatch`, as the predecessor sends it, or
 * with `null` there, gets its own attempt, named after the message id of the queue; see `isOwnAttempt`. Never throws.
 */
export function parseTaskMessage(body: unknown, { at, messageId }: ParseTaskOptions): ParsedTask {
  const unwrapped = unwrapBody(body);
  if (unwrapped.kind === "none") return { kind: "invalid", reason: unwrapped.reason };
  const { stack, task, dispatch } = unwrapped.message;
  const fields = dispatch === undefined || dispatch === null ? { stack, task } : { stack, task, dispatch };
  if (!validator.Check(fields)) return { kind: "invalid", reason: formatFaults(fields) };
  // The schema has checked the keys that are read; others are only echoed.
  const message = fields as unknown as Partial<TaskMessage> & Pick<TaskMessage, "task" | "stack">;
  return {
    kind: "task",
    message: {
      task: message.task,
      stack: { ...NO_STACK_FIELDS, ...message.stack },
      dispatch: message.dispatch ?? {
        id: `${OWN_ATTEMPT}${messageId}`,
        attempt: 1,
        deadline: new Date(at + DEFAULT_TIMEOUT_MS).toISOString(),
      },
    },
  };
}

/** Returns true for an attempt that was not named by an engine: its result is matched by the task's name. */
export function isOwnAttempt(attemptId: string): boolean {
  return attemptId.startsWith(OWN_ATTEMPT);
}

// Parts of the engine's own ids are encoded as in a URL, so none of them begins like this.
const OWN_ATTEMPT = "message:";

/** As of a task of version 1 that names no timeout. */
const DEFAULT_TIMEOUT_MS = 24 * 60 * 60 * 1000;

/** The fields that a message written by hand may leave out. */
const NO_STACK_FIELDS = { previousState: null, _state: "", tasks: [], metadata: {} };

const Name = Type.String({ minLength: 1, maxLength: MAX_NAME });
const MetadataEntry = Type.Union([
  Type.String(),
  Type.Number(),
  Type.Boolean(),
  Type.Null(),
  Type.Object({ $secret: Type.String() }, { additionalProperties: false }),
]);

const validator = compileWhenUsed(
  Type.Object({
    task: Type.Object({ name: Type.String({ minLength: 1, maxLength: MAX_TASK_NAME }) }),
    stack: Type.Object({
      id: Name,
      machine: Name,
      _state: Type.Optional(Type.String({ maxLength: MAX_NAME })),
      previousState: Type.Optional(Type.Union([Type.String({ maxLength: MAX_NAME }), Type.Null()])),
      tasks: Type.Optional(Type.Array(Type.Object({ name: Type.String() }))),
      metadata: Type.Optional(Type.Record(Type.String(), MetadataEntry)),
    }),
    dispatch: Type.Optional(
      Type.Object({
        id: Type.String({ minLength: 1, maxLength: MAX_ATTEMPT_ID }),
        attempt: Type.Integer({ minimum: 1 }),
        deadline: Type.String({ pattern: String.raw`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z$` }),
        exclusiveKey: Type.Optional(Type.String({ maxLength: 1_024 })),
        version: Type.Optional(Type.Literal(2)),
      }),
    ),
  }),
);

function formatFaults(fields: unknown): string {
  const faults = validator.Errors(fields).map(({ instancePath, message }) => `${instancePath || "/"} ${message}`);
  return `The message is not a task: ${faults.slice(0, 8).join("; ")}.`;
}
