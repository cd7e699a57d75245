import type { Sender } from "./sender.ts";

/** `begun` is written before an action whose own commit holds no line; `done` or `failed` follows and names it in `of`. */
export type AuditOutcome = "done" | "begun" | "failed" | "denied";

/** What an action was about. */
export interface AuditSubject {
  readonly machine?: string;
  readonly stackId?: string;
  readonly eventId?: string;
  readonly task?: string;
  readonly attemptId?: string;
  readonly tokenId?: string;
  readonly sessionId?: string;
  readonly stateKey?: string;
  readonly bulkId?: string;
  readonly key?: string;
}

/** One line of the audit log before it is sealed into the chain: at most 8 KiB as JSON, without secrets. */
export interface AuditEntry {
  /** A ULID: sorts by time, and is the key `audit/pending/<id>` until the entry is sealed. */
  readonly id: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** The operation of the API (`revokeToken`), the event's name (`RETRY_TASK`), or `login`, `logout`, `denied`. */
  readonly action: string;
  readonly outcome: AuditOutcome;
  readonly who: Sender;
  /** The way in: `api`, `backend`, `queue`, `host`. */
  readonly via: string;
  readonly on: AuditSubject;
  readonly code?: string;
  readonly reason?: string;
  /** The `id` of the entry `begun` that this one ends. */
  readonly of?: string;
  /** Of entries that stand for several denied requests: how many. */
  readonly count?: number;
}

/** A sealed line: `prev` is the SHA-256 (hexadecimal) of the text of the line before it, `""` for the first. */
export interface AuditLine extends AuditEntry {
  /** From 1, without gaps. */
  readonly seq: number;
  readonly prev: string;
}
