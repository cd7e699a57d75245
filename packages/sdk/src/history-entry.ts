/** What became of an event. */
export type Outcome = "applied" | "removed" | "parked" | "refused" | "set-aside" | "ignored";

/** One line of the yard's history. Instants are ISO 8601 in UTC. */
export interface HistoryEntry {
  /** Grows over the yard; gaps are possible. */
  readonly position: number;
  readonly stackId: string;
  readonly at: string;
  readonly eventId: string;
  /** A worker, a timer or a deadline brought it: it is not a sender's event with the same id. */
  readonly internal?: true;
  readonly event: string;
  readonly outcome: Outcome;
  readonly life?: string;
  readonly actor?: string;
  /** Why the event was not applied; of an applied `TASK_ERROR`: the code of the task's failure. */
  readonly code?: string;
  readonly reason?: string;
  /** The states before and after. */
  readonly from?: string;
  readonly to?: string;
  readonly task?: string;
  readonly description?: string;
  /** What the event brought; sensitive values as `***`. */
  readonly metadata?: unknown;
  /** What a task gave, in stacks of version 2. */
  readonly outputs?: unknown;
  /** Of a failed task: another attempt may help. */
  readonly retryable?: boolean;
  readonly dispatchId?: string;
  /** The timer that has brought the event. */
  readonly timer?: string;
  /** The sender confirmed the stack's id. */
  readonly confirmed?: true;
  /** Tasks that were sent. */
  readonly sent: readonly string[];
  readonly notes: readonly string[];
  readonly machineHash?: string;
}

/** An event that was given up. `redrive` takes its `id`. */
export interface SetAsideEvent {
  readonly id: string;
  readonly eventId: string;
  readonly stackId: string;
  readonly event?: string;
  readonly actor?: string;
  readonly code: string;
  readonly reason: string;
  readonly receivedAt: string;
  readonly setAsideAt: string;
  readonly message: Readonly<Record<string, unknown>>;
}

/** Part of a list; without a cursor it is the last. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly cursor?: string;
  /** Rows in this part of the list that the server's store cannot read. Missing when there are none. */
  readonly unreadable?: readonly UnreadableRow[];
}

/** A damaged row of the store: the id of its item, or the position of its line of the history. */
export interface UnreadableRow {
  readonly id: string;
  readonly reason: string;
}

/** Which part of a list. */
export interface PageOptions {
  readonly cursor?: string;
  /** 1 to 1,000; default 100. More requests are sent when the items are large. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

/** Which part of a history. */
export interface HistoryOptions extends PageOptions {
  /** Which comes first. Default `newest`. */
  readonly order?: "newest" | "oldest";
}
