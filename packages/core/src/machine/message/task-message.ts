import type { ShownMetadata } from "../secrets.ts";
import type { TaskState } from "../stack.ts";

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
    /** Echo it as `dispatchId` in the answer. */
    readonly id: string;
    readonly attempt: number;
    /** ISO 8601: the instant at which the attempt would end if it were taken up now. */
    readonly deadline: string;
    /** The task's explicit exclusive key, without the prefix `key:`. */
    readonly exclusiveKey?: string;
    /** Of stacks of version 2: their answers may bring outputs, sensitive ones among them. */
    readonly version?: 2;
    /**
     * W3C trace context of what has sent the task, where it is kept in a store. On a queue it travels in the attributes of the
     * message.
     */
    readonly traceparent?: string;
    readonly tracestate?: string;
  };
}
