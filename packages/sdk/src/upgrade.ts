/** What an event did, as far as two revisions are compared. */
export interface ReplayedEvent {
  readonly outcome: "applied" | "removed" | "refused" | "ignored";
  readonly code?: string;
  /** Null: the stack does not exist. */
  readonly state: string | null;
  /** Tasks that were sent. */
  readonly sent: readonly string[];
}

/** What an upgrade would do; nothing of it has happened. */
export interface UpgradePlan {
  readonly stackId: string;
  readonly machine: string;
  /** Content hashes; `to` is absent when the revision does not exist. */
  readonly from: string;
  readonly to?: string;
  /** Whether the upgrade would be accepted as the stack stands. */
  readonly outcome: "applied" | "refused";
  readonly code?: string;
  readonly reason?: string;
  /** Lines of the history that were replayed. */
  readonly replayed: number;
  /** Why the replay is incomplete; absent when it is complete. */
  readonly incomplete?: string;
  /** Where the history would have been another, the first 100. */
  readonly differences: readonly {
    readonly eventId: string;
    readonly event: string;
    readonly at: string;
    /** Absent for a timer that only the new revision has. */
    readonly position?: number;
    readonly before?: ReplayedEvent;
    readonly after: ReplayedEvent;
  }[];
  /** How many more there are. */
  readonly more: number;
  /** How the stack would stand otherwise: `state`, `task <name>`, `metadata <key>`. */
  readonly end: readonly {
    readonly what: string;
    readonly before: string | number | boolean | null;
    readonly after: string | number | boolean | null;
  }[];
}

/** What became of one stack of a machine. `unchanged`: it has the revision already. `waiting`: not decided yet. */
export interface UpgradeResult {
  readonly stackId: string;
  readonly outcome: "applied" | "unchanged" | "refused" | "waiting";
  readonly code?: string;
  readonly reason?: string;
  readonly eventId?: string;
  readonly plan?: UpgradePlan;
}
