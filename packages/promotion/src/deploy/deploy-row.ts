import type { Stack } from "@stackyard/core";
import type { RolloutState, Row, RowState } from "@stackyard/core/rollout";
import type { Progress } from "./progress-curve.ts";

/** A value of metadata. */
export type Value = string | number | boolean | null;

/** The release that has set a value. */
export type SetBy = NonNullable<Stack["releases"]>[string];

/** The value of a mapped key before the first event to its stack. */
export interface Before {
  /** Missing: the key had no value. */
  readonly value?: Value;
  /** Missing: no release has set it. */
  readonly release?: SetBy;
  /** The work with this value had failed: it never ran there. */
  readonly failed?: true;
}

/**
 * `waiting`: to be sent, or held by `code`. `sent`: written before the event, on its way. `unchanged`: it had the values
 * already. `unsent`: not sent, because the task has stopped. `undone`: a later task has restored what was before; with
 * `from`, beneath a change since, whose undo must not bring it back.
 */
export type DeployRowState = RowState;

/** One stack of a task `deploy`. Instants are epoch milliseconds. */
export interface DeployRow {
  readonly stack: string;
  /** Missing: the stack did not exist when it was observed. */
  readonly incarnation?: string;
  readonly wave: number;
  /** Events that were sent to it, over all entries of the task's state: part of the event's id. */
  readonly try: number;
  readonly state: DeployRowState;
  /** Why it waits, has failed or was skipped. */
  readonly code?: string;
  readonly message?: string;
  /** The name of the freeze that it waits for. */
  readonly freeze?: string;
  /** The values before the first event, until an undo. Missing before that event. */
  readonly from?: Readonly<Record<string, Before>>;
  /** When it entered its state: of `done` the arrival. */
  readonly at: number;
  /** The instant at which the last event was sent. */
  readonly sentAt?: number;
  /** The number of the batch in which it was sent: `next` of the state, which is written after the row. */
  readonly batch?: number;
  /** The version of the stack that was observed for the last event. */
  readonly expect?: number;
  /** The time in which approvals of the stack were open since the event, without the open one. */
  readonly heldMs?: number;
  /** Since when an approval of the stack is open. */
  readonly heldSince?: number;
  /** When the work with these values was done: of an unchanged row. */
  readonly restedAt?: number;
  /** It is as it was approved: see `plan`. */
  readonly isPlanned?: true;
  /** The stack has the values already: its last event only notes the release. */
  readonly onlyNotes?: true;
}

/** The rollout of one task `deploy`. */
export interface DeployState extends RolloutState, Progress {
  readonly version: 1;
  /** The release: its id, its incarnation, and the task. */
  readonly release: { readonly stackId: string; readonly incarnation: string; readonly task: string };
  readonly op: "send" | "undo";
  /** Counts what was sent, from 1, so that a call knows whether another has written rows since. */
  readonly next: number;
  /** The entry of the release and the attempt that the rows are of. */
  readonly entry: number;
  readonly attempt: number;
  readonly event: string;
  /** The values that are sent. Of an undo they are in `from` of each row. */
  readonly metadata: Readonly<Record<string, Value>>;
  readonly until: readonly string[];
  readonly failed: readonly string[];
  /** Names of the waves, by the number in the rows. */
  readonly waves: readonly string[];
  /** Rows of each wave. */
  readonly sizes: readonly number[];
  /** The count of stacks that fit the rule and that the machine of the release may not read. Missing: none. */
  readonly unseen?: number;
  /** True: selected by a rule. False: by its id. */
  readonly isRule: boolean;
  /** The most stacks on their way at once: an undo has the limit of what it undoes. Missing: the default. */
  readonly concurrency?: number;
  readonly startedAt: number;
  readonly firstSentAt?: number;
  /** When it was retried after an alarm. */
  readonly alarmSeenAt?: number;
  /** When the attempt has ended. */
  readonly endedAt?: number;
  /** The digest of the plan that it follows. */
  readonly plan?: string;
  /** The approval that has named this digest. `settled`: it was passed by hand. */
  readonly approval?: {
    readonly task: string;
    readonly by: NonNullable<Stack["approved"]>[string]["by"];
    readonly at: number;
    readonly settled?: true;
  };
  /** The wave before whose first event the stacks that had arrived were checked again, in this attempt. */
  readonly checkedWave?: number;
  /** All stacks were compared with the plan, before the first event. */
  readonly isChecked?: true;
}

/**
 * Returns since when a change of an alarm to ALARM is final; undefined before the first event. Who retries after an alarm
 * has seen it: only later ones count. A task that has ended without an event counts from its beginning.
 */
export function findAlarmsSince({ firstSentAt, alarmSeenAt, startedAt, endedAt }: DeployState): number | undefined {
  return alarmSeenAt ?? firstSentAt ?? (endedAt === undefined ? undefined : startedAt);
}

/** Returns what the rollout counts. */
export function toRow({ wave, state, code }: DeployRow): Row {
  return { wave, state, ...(code !== undefined && { code }) };
}
