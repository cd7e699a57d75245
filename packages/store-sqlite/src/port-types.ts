import type { Store } from "@stackyard/core";
import type { Change, TakeDueInput } from "@stackyard/core/engine";

// Parts of the ports that core gives no name of their own.

/** A run to send. */
export type Dispatch = Change["dispatches"][number];

/** Counts for health and metrics. */
export type StoreStats = Awaited<ReturnType<Store["queries"]["stats"]>>;

/** A stack's record. */
export type Stack = Extract<Change["write"], { kind: "put" }>["stack"];

/** What a listener is told. */
export type StoreSignal = Parameters<Parameters<Store["watch"]>[0]>[0];

/** What `takeDue` may be asked for. */
export type DueKind = TakeDueInput["kinds"][number];

/** A machine's source as it is kept. */
export type Revision = Parameters<Store["revisions"]["put"]>[0];

/** What a record shall become. */
export type PutRecordInput = Parameters<Store["records"]["put"]>[0];

/** Whether it did. */
export type PutRecordResult = Awaited<ReturnType<Store["records"]["put"]>>;

/** What follows in memory when a transaction is on the disk. */
export interface Effects {
  /** Runs after the commit, never when it is undone. */
  afterCommit(effect: () => void): void;
  /** Notifies the listeners after the commit. */
  signal(kind: StoreSignal["kind"]): void;
}
